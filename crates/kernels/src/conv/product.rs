//! Convolution as matrix products whose left operand is read directly from the images: an element's offset in the image
//! is the offset of its window plus its own offset in the window.

use super::padded::Padded;
use super::winograd::{Large, Small};
use super::{ConvGeometry, PARTS, depthwise};
use crate::bf16::conv::{self as bf16_conv, Grid};
use crate::bf16::{MatmulPrecision, is_worth_packing, tiles_for};
use crate::gemm::{Gemm, Lhs, Matrix, Strided, gemm, gemm_panels, gemm_strided, pack_columns, packed_size};
use crate::pool;
use crate::scratch::with_scratch;
use crate::{Real, reduce};

/// Maximum elements of all partial gradients, one for each group of images, together.
const MAX_PARTIAL_ELEMENTS: usize = 1 << 21;

/// A convolution: its windows, its filters, and how its products are computed.
#[derive(Debug, Clone, Copy)]
pub struct Convolution<'a, T> {
    /// The windows.
    pub geometry: ConvGeometry,
    /// Groups that filters are divided into, each of which sees its share of the channels.
    pub groups: usize,
    /// Filters × (kh · kw · channels of a group).
    pub filters: &'a [T],
    /// How products are computed.
    pub precision: MatmulPrecision,
}

/// Declares the methods of [`Conv`], and those of f32 and f64 as the functions here of the same names.
macro_rules! compiled_here {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?);)*) => {
        /// An element type of images; as for [`Gemm`], its methods are compiled here, once.
        pub trait Conv: Gemm {
            $($(#[$doc])* fn $name($($argument: $type),*);)*
        }

        impl Conv for f32 {
            $(fn $name($($argument: $type),*) { $name($($argument),*) })*
        }

        impl Conv for f64 {
            $(fn $name($($argument: $type),*) { $name($($argument),*) })*
        }
    };
}

compiled_here! {
    /// y = windows of x times filters, plus a bias per filter. x holds images; y is windows × filters for each. `after`
    /// is applied to the y of each image.
    ///
    /// # Panics
    /// If the lengths do not match.
    fn forward(
        conv: &Convolution<Self>,
        x: &[Self],
        bias: Option<&[Self]>,
        y: &mut [Self],
        after: &(dyn Fn(&mut [Self]) + Sync),
    );

    /// The gradients of the filters, Σ dyᵀ · windows of x, and, if requested, of the bias, Σ dy, and of the images.
    ///
    /// # Panics
    /// If the lengths do not match.
    fn backward(
        conv: &Convolution<Self>,
        x_and_dy: [&[Self]; 2],
        dfilters: &mut [Self],
        dbias: Option<&mut [Self]>,
        dx: Option<&mut [Self]>,
    );

    /// The images' gradient: dy · filters, each element added to where the forward pass read it.
    ///
    /// # Panics
    /// If the lengths do not match.
    fn image_gradient(conv: &Convolution<Self>, dy: &[Self], dx: &mut [Self]);
}

/// The sizes of a convolution.
#[derive(Clone, Copy)]
struct ConvSizes {
    geometry: ConvGeometry,
    groups: usize,
    /// Channels per group.
    part: usize,
    /// Filters per group.
    each: usize,
    /// Elements of a filter.
    filter_len: usize,
    /// Filters.
    filters: usize,
    /// Elements of dy per image.
    deltas: usize,
    precision: MatmulPrecision,
}

impl ConvSizes {
    fn of<T>(conv: &Convolution<T>) -> Self {
        let Convolution { geometry, groups, filters, precision } = *conv;
        let part = geometry.input[2] / groups;
        let filter_len = geometry.window_len(part);
        let filters = filters.len() / filter_len;
        let deltas = geometry.count() * filters;
        let precision = precision.of_windows();
        ConvSizes { geometry, groups, part, each: filters / groups, filter_len, filters, deltas, precision }
    }

    fn is_depthwise(&self) -> bool {
        self.part == 1 && self.each == 1
    }

    /// The filters of a group, one per row.
    fn of_group<'a, T: Real>(&self, filters: &'a [T], group: usize) -> Matrix<'a, T> {
        let size = self.each * self.filter_len;
        Matrix::new(&filters[group * size..][..size], self.each, self.filter_len)
    }

    /// Elements of the buffer that [`ConvSizes::deltas_of`] needs for this many windows.
    fn deltas_room(&self, windows: usize) -> usize {
        if self.groups == 1 { 0 } else { windows * self.each }
    }

    /// Windows with a stride of 1 over padded images, if they see all channels.
    fn grid(&self, padded: &Padded, output: [usize; 2]) -> Option<Grid> {
        (self.groups == 1).then(|| Grid {
            image: padded.image,
            before: padded.before,
            width: padded.size[1],
            size: self.geometry.size,
            dilation: self.geometry.dilation,
            output,
        })
    }

    /// dy of a group's filters, side by side.
    fn deltas_of<'a, T: Real>(&self, group: usize, dy: &'a [T], room: &'a mut [T]) -> Matrix<'a, T> {
        let windows = dy.len() / self.filters;
        if self.groups == 1 {
            return Matrix::new(dy, windows, self.filters);
        }
        for (to, from) in room.chunks_exact_mut(self.each).zip(dy.chunks_exact(self.filters)) {
            to.copy_from_slice(&from[group * self.each..][..self.each]);
        }
        Matrix::new(room, windows, self.each)
    }

    /// C = A·B (+ bias on each row), computed by one task: in f32 with packed panels of B, otherwise in the
    /// convolution's precision.
    fn multiply<T: Gemm>(
        &self,
        a: Strided<T>,
        (b, panels): (Matrix<T>, &[T]),
        bias: Option<&[T]>,
        c: &mut [T],
        (first, width): (usize, usize),
    ) {
        if self.precision == MatmulPrecision::F32 || b.columns < width || !is_worth_packing(b.rows, b.columns) {
            gemm_panels(a, panels, bias, c, first..first + b.columns, width);
            return;
        }
        with_scratch(b.rows * a.rows(), |room| {
            a.copy_to(room);
            gemm(Matrix::new(room, a.rows(), b.rows), b, bias, c, self.precision);
        });
    }

    /// Runs `f` with the filters, one per line, packed for matrix tiles, if the precision calls for these and there is
    /// a grid.
    fn with_tiles<T: Real, R>(&self, grid: Option<Grid>, filters: Matrix<T>, f: impl FnOnce(Option<Tiles>) -> R) -> R {
        let wanted = grid.and_then(|grid| tiles_for(self.precision, grid.image[2], filters.rows));
        match (grid, wanted, filters.single()) {
            (Some(grid), Some((unit, parts)), Some(filters)) => {
                bf16_conv::with_filters(unit, parts, filters, grid.image[2], |filters| {
                    f(filters.map(|filters| Tiles { grid, filters }))
                })
            }
            _ => f(None),
        }
    }
}

/// Filters packed for matrix tiles, and the windows that they apply to.
struct Tiles<'a> {
    grid: Grid,
    filters: &'a bf16_conv::Filters<'a>,
}

impl Tiles<'_> {
    /// Computes y of an image; returns false if tiles cannot.
    fn forward<T: Real>(&self, image: &[T], bias: Option<&[T]>, y: &mut [T]) -> bool {
        let (Some(image), Some(y)) = (T::single(image), T::single_mut(y)) else { return false };
        bf16_conv::forward(&self.grid, self.filters, image, bias.and_then(T::single), y)
    }
}

fn forward<T: Gemm>(
    conv: &Convolution<T>,
    x: &[T],
    bias: Option<&[T]>,
    y: &mut [T],
    after: &(dyn Fn(&mut [T]) + Sync),
) {
    let Convolution { ref geometry, groups, filters, precision } = *conv;
    let sizes = ConvSizes::of(conv);
    assert!(x.len() / geometry.image_len() * sizes.deltas == y.len(), "conv::forward: shapes do not fit");
    let image = |i: usize| &x[i * geometry.image_len()..][..geometry.image_len()];
    if sizes.is_depthwise() {
        depthwise::transposed(filters, sizes.filter_len, |taps| {
            pool::for_each_chunk(y, sizes.deltas, |i, y| {
                depthwise::forward(geometry, image(i), taps, bias, y);
                after(y);
            });
        });
        return;
    }
    if let Some(patches) = Small::of(geometry, groups, sizes.filters, precision) {
        return patches.forward(x, filters, bias, y, after);
    }
    let padded = Padded::seen(geometry);
    let size = packed_size::<T>(sizes.filter_len, sizes.each);
    let grid = sizes.grid(&padded, geometry.output).filter(|_| geometry.stride == [1, 1]);
    sizes.with_tiles(grid, sizes.of_group(filters, 0), |tiles| {
        with_scratch(groups * size, |panels| {
            for (group, panels) in panels.chunks_exact_mut(size).enumerate() {
                pack_columns(sizes.of_group(filters, group).t(), 0..sizes.each, panels);
            }
            let panels = &*panels;
            pool::for_each_chunk(y, sizes.deltas, |i, y| {
                if tiles.as_ref().is_some_and(|tiles| tiles.forward(image(i), bias, y)) {
                    return after(y);
                }
                with_scratch(padded.batch_len(1), |room| {
                    let image = padded.of(image(i), room);
                    let rows = padded.places(1, geometry.output, geometry.stride);
                    let columns = padded.window(geometry.size, geometry.dilation, sizes.part);
                    for group in 0..groups {
                        let a = Strided::new(&image[group * sizes.part..], rows, columns);
                        let b = (sizes.of_group(filters, group).t(), &panels[group * size..][..size]);
                        let first = group * sizes.each;
                        let bias = bias.map(|bias| &bias[first..first + sizes.each]);
                        sizes.multiply(a, b, bias, y, (first, sizes.filters));
                    }
                });
                after(y);
            });
        });
    });
}

fn backward<T: Gemm>(
    conv: &Convolution<T>,
    [x, dy]: [&[T]; 2],
    dfilters: &mut [T],
    dbias: Option<&mut [T]>,
    dx: Option<&mut [T]>,
) {
    let sizes = ConvSizes::of(conv);
    let images = x.len() / conv.geometry.image_len();
    assert!(images * sizes.deltas == dy.len(), "conv::backward: shapes do not fit");
    if let Some(patches) = Large::of(&conv.geometry, conv.groups, sizes.filters, conv.precision) {
        return patches.backward([x, dy], conv.filters, dfilters, dbias, dx);
    }
    filter_gradient(&sizes, x, dy, dfilters, dbias);
    if let Some(dx) = dx {
        image_gradient(conv, dy, dx);
    }
}

/// The gradients of the filters and of the bias.
fn filter_gradient<T: Gemm>(sizes: &ConvSizes, x: &[T], dy: &[T], dfilters: &mut [T], dbias: Option<&mut [T]>) {
    let image_len = sizes.geometry.image_len();
    let images = x.len() / image_len;
    // Each part's gradients are stored as elements of a filter × filters, followed by the bias's if requested.
    let size = dfilters.len() + dbias.as_ref().map_or(0, |dbias| dbias.len());
    let parts = if PARTS * size <= MAX_PARTIAL_ELEMENTS { PARTS.min(images) } else { 1.min(images) };
    with_scratch((1 + parts) * size, |room: &mut [T]| {
        let (sum, sums) = room.split_at_mut(size);
        pool::for_each_chunk(sums, size, |part, sums| {
            let images = images * part / parts..images * (part + 1) / parts;
            let x = &x[images.start * image_len..images.end * image_len];
            let dy = &dy[images.start * sizes.deltas..images.end * sizes.deltas];
            let (filters, bias) = sums.split_at_mut(dfilters.len());
            if !bias.is_empty() {
                reduce::column_sums(dy, sizes.filters, bias);
            }
            if sizes.is_depthwise() {
                depthwise::filter_gradient(&sizes.geometry, x, dy, filters);
            } else {
                of_part(sizes, x, dy, filters);
            }
        });
        reduce::add_parts(sums, sum);
        let (filters, bias) = sum.split_at(dfilters.len());
        for (i, to) in dfilters.iter_mut().enumerate() {
            let (filter, element) = (i / sizes.filter_len, i % sizes.filter_len);
            let (group, column) = (filter / sizes.each, filter % sizes.each);
            *to = filters[(group * sizes.filter_len + element) * sizes.each + column];
        }
        dbias.into_iter().for_each(|dbias| dbias.copy_from_slice(bias));
    });
}

/// The filters' gradient over some images: windowsᵀ · dy, group by group.
fn of_part<T: Gemm>(sizes: &ConvSizes, x: &[T], dy: &[T], sums: &mut [T]) {
    let (geometry, padded) = (&sizes.geometry, Padded::seen(&sizes.geometry));
    let (images, lines) = (x.len() / geometry.image_len(), dy.len() / sizes.filters);
    if of_part_in_tiles(sizes, &padded, x, dy, sums) {
        return;
    }
    let in_bf16 = sizes.precision != MatmulPrecision::F32 && is_worth_packing(sizes.filter_len, sizes.each);
    let unfolded = if in_bf16 { lines * sizes.filter_len } else { 0 };
    with_scratch(padded.batch_len(images) + unfolded + sizes.deltas_room(lines), |room| {
        let (room, rest) = room.split_at_mut(padded.batch_len(images));
        let (unfolded, deltas) = rest.split_at_mut(unfolded);
        let x = padded.of(x, room);
        let offsets = padded.places(images, geometry.output, geometry.stride);
        let window = padded.window(geometry.size, geometry.dilation, sizes.part);
        for (group, sums) in sums.chunks_exact_mut(sizes.filter_len * sizes.each).enumerate() {
            let x = &x[group * sizes.part..];
            let b = sizes.deltas_of(group, dy, deltas);
            if in_bf16 {
                Strided::new(x, offsets, window).copy_to(unfolded);
                gemm(Matrix::new(unfolded, lines, sizes.filter_len).t(), b, None, sums, sizes.precision);
            } else {
                gemm_strided(Strided::new(x, window, offsets), b, sums);
            }
        }
    });
}

/// As [`of_part`], on matrix tiles; returns false if they cannot compute it.
fn of_part_in_tiles<T: Real>(sizes: &ConvSizes, padded: &Padded, x: &[T], dy: &[T], sums: &mut [T]) -> bool {
    let grid = sizes.grid(padded, sizes.geometry.output).filter(|_| sizes.geometry.stride == [1, 1]);
    let tiles = tiles_for(sizes.precision, sizes.part, sizes.each);
    let (Some(grid), Some(tiles), Some(sums)) = (grid, tiles, T::single_mut(sums)) else { return false };
    let (Some(x), Some(dy)) = (T::single(x), T::single(dy)) else { return false };
    let mut images = x.chunks_exact(sizes.geometry.image_len()).zip(dy.chunks_exact(sizes.deltas)).enumerate();
    images.all(|(i, (x, dy))| bf16_conv::filter_gradient(tiles, &grid, x, dy, sums, i > 0))
}

fn image_gradient<T: Gemm>(conv: &Convolution<T>, dy: &[T], dx: &mut [T]) {
    let Convolution { ref geometry, filters, .. } = *conv;
    let (sizes, image_len) = (ConvSizes::of(conv), geometry.image_len());
    assert!(dx.len() / image_len * sizes.deltas == dy.len(), "conv::image_gradient: shapes do not fit");
    let deltas = |i: usize| &dy[i * sizes.deltas..][..sizes.deltas];
    if sizes.is_depthwise() {
        depthwise::transposed(filters, sizes.filter_len, |taps| {
            pool::for_each_chunk(dx, image_len, |i, dx| depthwise::image_gradient(geometry, deltas(i), taps, dx));
        });
    } else if geometry.stride == [1, 1] && (0..2).all(|i| geometry.padding[i] <= geometry.reach(i)) {
        windows_of_deltas(&sizes, deltas, filters, dx);
    } else {
        pool::for_each_chunk(dx, image_len, |i, dx| added_up(&sizes, deltas(i), filters, dx));
    }
}

/// With a stride of 1, dx is a convolution of dy with the flipped filters: a pixel sees the windows that contain it.
fn windows_of_deltas<'a, T: Gemm>(
    sizes: &ConvSizes,
    deltas: impl Fn(usize) -> &'a [T] + Sync,
    filters: &[T],
    dx: &mut [T],
) {
    let ConvSizes { ref geometry, part, each, .. } = *sizes;
    let [height, width, channels] = geometry.input;
    let reach = [geometry.reach(0), geometry.reach(1)];
    let padded = Padded {
        image: [geometry.output[0], geometry.output[1], sizes.filters],
        before: [0, 1].map(|i| reach[i] - geometry.padding[i]),
        size: [height + reach[0], width + reach[1]],
    };
    let taps = geometry.window_len(1);
    let (rows, size) = (taps * each, packed_size::<T>(taps * each, part));
    with_scratch(sizes.groups * (rows * part + size), |room| {
        let (flipped, panels) = room.split_at_mut(sizes.groups * rows * part);
        let groups = flipped.chunks_exact_mut(rows * part).zip(panels.chunks_exact_mut(size)).enumerate();
        for (group, (flipped, panels)) in groups {
            let filters = sizes.of_group(filters, group).data;
            for (i, to) in flipped.chunks_exact_mut(part).enumerate() {
                let (tap, filter) = (taps - 1 - i / each, i % each);
                to.copy_from_slice(&filters[(filter * taps + tap) * part..][..part]);
            }
            pack_columns(Matrix::new(flipped, rows, part), 0..part, panels);
        }
        let (flipped, panels) = (&*flipped, &*panels);
        let grid = sizes.grid(&padded, [height, width]);
        sizes.with_tiles(grid, Matrix::new(&flipped[..rows * part], rows, part).t(), |tiles| {
            pool::for_each_chunk(dx, geometry.image_len(), |i, dx| {
                if tiles.as_ref().is_some_and(|tiles| tiles.forward(deltas(i), None, dx)) {
                    return;
                }
                with_scratch(padded.batch_len(1), |room| {
                    let dy = padded.of(deltas(i), room);
                    let offsets = padded.places(1, [height, width], [1, 1]);
                    let window = padded.window(geometry.size, geometry.dilation, each);
                    for group in 0..sizes.groups {
                        let a = Strided::new(&dy[group * each..], offsets, window);
                        let b = Matrix::new(&flipped[group * rows * part..][..rows * part], rows, part);
                        let b = (b, &panels[group * size..][..size]);
                        sizes.multiply(a, b, None, dx, (group * part, channels));
                    }
                });
            });
        });
    });
}

/// dx of an image: dy · filters gives the gradients of all windows, which are summed where they overlap.
fn added_up<T: Gemm>(sizes: &ConvSizes, dy: &[T], filters: &[T], dx: &mut [T]) {
    let positions = sizes.geometry.count();
    dx.fill(T::ZERO);
    with_scratch(positions * sizes.filter_len + sizes.deltas_room(positions), |room| {
        let (rows, deltas) = room.split_at_mut(positions * sizes.filter_len);
        for group in 0..sizes.groups {
            let delta = sizes.deltas_of(group, dy, deltas);
            gemm(delta, sizes.of_group(filters, group), None, rows, sizes.precision);
            sizes.geometry.fold(rows, [group * sizes.part, sizes.part], dx);
        }
    });
}
