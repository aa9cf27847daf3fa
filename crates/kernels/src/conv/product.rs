//! Convolution as products whose left operand is read where the images lie: the number of a window at a place is as far
//! into the image as the window's place and the number's place in the window together.

use super::winograd::{Large, Small};
use super::{ConvGeometry, PARTS, depthwise};
use crate::bf16::windows::{self, Grid};
use crate::bf16::{MatmulPrecision, is_worth_packing, wanted, wanted_of_windows, with_matmul_precision};
use crate::gemm::{Axis, Gemm, Lhs, Matrix, Strided, gemm, gemm_panels, gemm_strided, pack_columns, packed_size};
use crate::pool;
use crate::scratch::with_scratch;
use crate::{Real, reduce};

/// The most numbers that gradients of groups of images, which are computed apart, may be together.
const MAX_PARTIAL_NUMBERS: usize = 1 << 21;

/// The sizes of a convolution.
#[derive(Clone, Copy)]
struct ConvSizes {
    windows: ConvGeometry,
    groups: usize,
    /// Channels of a group.
    part: usize,
    /// Filters of a group.
    each: usize,
    /// Elements of a filter.
    numbers: usize,
    /// Filters.
    filters: usize,
    /// Elements of an image of dy.
    deltas: usize,
}

impl ConvSizes {
    fn new(windows: &ConvGeometry, groups: usize, filters: usize) -> Self {
        let part = windows.input[2] / groups;
        let numbers = windows.numbers(part);
        let filters = filters / numbers;
        let deltas = windows.count() * filters;
        ConvSizes { windows: *windows, groups, part, each: filters / groups, numbers, filters, deltas }
    }

    fn is_depthwise(&self) -> bool {
        self.part == 1 && self.each == 1
    }

    /// The filters of a group, those of a row below each other.
    fn of_group<'a, T: Real>(&self, filters: &'a [T], group: usize) -> Matrix<'a, T> {
        let size = self.each * self.numbers;
        Matrix::new(&filters[group * size..][..size], self.each, self.numbers)
    }

    /// Elements of the room that [`ConvSizes::deltas_of`] needs for some windows.
    fn deltas_room(&self, windows: usize) -> usize {
        if self.groups == 1 { 0 } else { windows * self.each }
    }

    /// The windows over padded images that step by one pixel, and see all of their channels.
    fn grid(&self, padded: &Padded, output: [usize; 2]) -> Option<Grid> {
        (self.groups == 1).then(|| Grid {
            image: padded.image,
            before: padded.before,
            width: padded.size[1],
            size: self.windows.size,
            dilation: self.windows.dilation,
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
}

/// An image with the zeros around it that windows see.
#[derive(Clone, Copy)]
struct Padded {
    /// Height, width and channels of the image.
    image: [usize; 3],
    /// Zeros above and left of it.
    before: [usize; 2],
    /// Height and width with all zeros.
    size: [usize; 2],
}

impl Padded {
    /// What windows see of an image.
    fn seen(windows: &ConvGeometry) -> Self {
        let end = |i: usize| (windows.output[i] - 1) * windows.stride[i] + windows.reach(i) + 1;
        let size = [0, 1].map(|i| end(i).max(windows.padding[i] + windows.input[i]));
        Padded { image: windows.input, before: windows.padding, size }
    }

    fn is_plain(&self) -> bool {
        self.size == self.image[..2]
    }

    fn numbers(&self) -> usize {
        self.size[0] * self.size[1] * self.image[2]
    }

    /// Elements of the room that [`Padded::of`] needs for some images.
    fn new_batch(&self, images: usize) -> usize {
        if self.is_plain() { 0 } else { images * self.numbers() }
    }

    /// Images with their zeros: themselves where they need none.
    fn of<'a, T: Real>(&self, images: &'a [T], room: &'a mut [T]) -> &'a [T] {
        if self.is_plain() {
            return images;
        }
        let [height, width, channels] = self.image;
        let ([above, left], line) = (self.before, self.size[1] * channels);
        // What windows see none of is left out.
        let width_seen = width.min(self.size[1] - left) * channels;
        room.fill(T::ZERO);
        for (to, image) in room.chunks_exact_mut(self.numbers()).zip(images.chunks_exact(height * width * channels)) {
            for (to, from) in to.chunks_exact_mut(line).skip(above).zip(image.chunks_exact(width * channels)) {
                to[left * channels..][..width_seen].copy_from_slice(&from[..width_seen]);
            }
        }
        room
    }

    /// Places of the first numbers of windows.
    fn places(&self, images: usize, output: [usize; 2], stride: [usize; 2]) -> Axis {
        let [line, pixel] = [self.size[1] * self.image[2], self.image[2]];
        Axis::new([images, output[0], output[1]], [self.numbers(), stride[0] * line, stride[1] * pixel])
    }

    /// Places of the numbers of a window over some channels.
    fn window(&self, size: [usize; 2], dilation: [usize; 2], channels: usize) -> Axis {
        let [line, pixel] = [self.size[1] * self.image[2], self.image[2]];
        Axis::new([size[0], size[1], channels], [dilation[0] * line, dilation[1] * pixel, 1])
    }
}

/// Filters packed for matrix tiles, and the windows that they are for.
struct Tiles<'a> {
    grid: Grid,
    filters: &'a windows::Filters<'a>,
}

impl Tiles<'_> {
    /// y of an image, if that can be.
    fn forward<T: Real>(&self, image: &[T], bias: Option<&[T]>, y: &mut [T]) -> bool {
        let (Some(image), Some(y)) = (T::single(image), T::single_mut(y)) else { return false };
        windows::forward(&self.grid, self.filters, image, bias.and_then(T::single), y)
    }
}

/// Runs `f` with filters, a filter a line, packed for tiles, where products are wanted that way and there is a grid.
fn with_tiles<T: Real, R>(grid: Option<Grid>, filters: Matrix<T>, f: impl FnOnce(Option<Tiles>) -> R) -> R {
    let wanted = grid.and_then(|grid| wanted_of_windows(grid.image[2], filters.rows));
    match (grid, wanted, T::single(filters.data)) {
        (Some(grid), Some((unit, parts)), Some(data)) => {
            let Matrix { rows, columns, transposed, .. } = filters;
            let filters = Matrix { data, rows, columns, transposed };
            windows::with_filters(unit, parts, filters, grid.image[2], |filters| {
                f(filters.map(|filters| Tiles { grid, filters }))
            })
        }
        _ => f(None),
    }
}

/// C = A·B (+ bias on each row), which a task computes: in f32 with packed panels of B, else as `products` says.
fn multiply<T: Gemm>(
    products: MatmulPrecision,
    a: Strided<T>,
    (b, panels): (Matrix<T>, &[T]),
    bias: Option<&[T]>,
    c: &mut [T],
    (first, width): (usize, usize),
) {
    if products == MatmulPrecision::F32 || b.columns < width || !is_worth_packing(b.rows, b.columns) {
        gemm_panels(a, panels, bias, c, first..first + b.columns, width);
        return;
    }
    with_scratch(b.rows * a.rows(), |room| {
        a.copy_to(room);
        with_matmul_precision(products, || gemm(Matrix::new(room, a.rows(), b.rows), b, bias, c));
    });
}

/// y = windows of x times filters, plus a bias a filter. x holds images, y is windows × filters for each; filters are
/// divided into groups, each of which sees its share of the channels. `after` is done to the y of each image.
///
/// # Panics
/// If the lengths do not fit.
pub fn forward<T: Conv>(
    windows: &ConvGeometry,
    groups: usize,
    x: &[T],
    filters: &[T],
    bias: Option<&[T]>,
    y: &mut [T],
    after: impl Fn(&mut [T]) + Sync,
) {
    T::forward(windows, groups, x, filters, bias, y, &after);
}

/// A type of number that images can be of; as for [`Gemm`], its methods are compiled here, once.
pub trait Conv: Gemm {
    /// As [`forward`].
    #[doc(hidden)]
    fn forward(
        windows: &ConvGeometry,
        groups: usize,
        x: &[Self],
        filters: &[Self],
        bias: Option<&[Self]>,
        y: &mut [Self],
        after: &(dyn Fn(&mut [Self]) + Sync),
    );

    /// As [`backward`].
    #[doc(hidden)]
    fn backward(
        windows: &ConvGeometry,
        groups: usize,
        x_and_dy: [&[Self]; 2],
        filters: &[Self],
        dfilters: &mut [Self],
        dbias: Option<&mut [Self]>,
        dx: Option<&mut [Self]>,
    );

    /// As [`image_gradient`].
    #[doc(hidden)]
    fn image_gradient(windows: &ConvGeometry, groups: usize, dy: &[Self], filters: &[Self], dx: &mut [Self]);
}

macro_rules! conv {
    ($type:ty) => {
        impl Conv for $type {
            fn forward(
                windows: &ConvGeometry,
                groups: usize,
                x: &[Self],
                filters: &[Self],
                bias: Option<&[Self]>,
                y: &mut [Self],
                after: &(dyn Fn(&mut [Self]) + Sync),
            ) {
                any_forward(windows, groups, x, filters, bias, y, after);
            }

            fn backward(
                windows: &ConvGeometry,
                groups: usize,
                x_and_dy: [&[Self]; 2],
                filters: &[Self],
                dfilters: &mut [Self],
                dbias: Option<&mut [Self]>,
                dx: Option<&mut [Self]>,
            ) {
                any_backward(windows, groups, x_and_dy, filters, dfilters, dbias, dx);
            }

            fn image_gradient(windows: &ConvGeometry, groups: usize, dy: &[Self], filters: &[Self], dx: &mut [Self]) {
                any_image_gradient(windows, groups, dy, filters, dx);
            }
        }
    };
}

conv!(f32);
conv!(f64);

fn any_forward<T: Gemm>(
    windows: &ConvGeometry,
    groups: usize,
    x: &[T],
    filters: &[T],
    bias: Option<&[T]>,
    y: &mut [T],
    after: &(dyn Fn(&mut [T]) + Sync),
) {
    let own = ConvSizes::new(windows, groups, filters.len());
    assert!(x.len() / windows.image() * own.deltas == y.len(), "conv::forward: shapes do not fit");
    let image = |i: usize| &x[i * windows.image()..][..windows.image()];
    if own.is_depthwise() {
        depthwise::transposed(filters, own.numbers, |taps| {
            pool::for_each_chunk(y, own.deltas, |i, y| {
                depthwise::forward(windows, image(i), taps, bias, y);
                after(y);
            });
        });
        return;
    }
    if let Some(patches) = Small::of(windows, groups, own.filters) {
        return patches.forward(x, filters, bias, y, after);
    }
    let (padded, products) = (Padded::seen(windows), wanted());
    let size = packed_size::<T>(own.numbers, own.each);
    let grid = own.grid(&padded, windows.output).filter(|_| windows.stride == [1, 1]);
    with_tiles(grid, own.of_group(filters, 0), |tiles| {
        with_scratch(groups * size, |panels| {
            for (group, panels) in panels.chunks_exact_mut(size).enumerate() {
                pack_columns(own.of_group(filters, group).t(), 0..own.each, panels);
            }
            let panels = &*panels;
            pool::for_each_chunk(y, own.deltas, |i, y| {
                if tiles.as_ref().is_some_and(|tiles| tiles.forward(image(i), bias, y)) {
                    return after(y);
                }
                with_scratch(padded.new_batch(1), |room| {
                    let image = padded.of(image(i), room);
                    let rows = padded.places(1, windows.output, windows.stride);
                    let columns = padded.window(windows.size, windows.dilation, own.part);
                    for group in 0..groups {
                        let a = Strided::new(&image[group * own.part..], rows, columns);
                        let b = (own.of_group(filters, group).t(), &panels[group * size..][..size]);
                        let first = group * own.each;
                        let bias = bias.map(|bias| &bias[first..first + own.each]);
                        multiply(products, a, b, bias, y, (first, own.filters));
                    }
                });
                after(y);
            });
        });
    });
}

/// The gradients of the filters, Σ dyᵀ · windows of x, of the bias, Σ dy, and of the images, where they are wanted.
///
/// # Panics
/// If the lengths do not fit.
pub fn backward<T: Conv>(
    windows: &ConvGeometry,
    groups: usize,
    x_and_dy: [&[T]; 2],
    filters: &[T],
    dfilters: &mut [T],
    dbias: Option<&mut [T]>,
    dx: Option<&mut [T]>,
) {
    T::backward(windows, groups, x_and_dy, filters, dfilters, dbias, dx);
}

fn any_backward<T: Gemm>(
    windows: &ConvGeometry,
    groups: usize,
    [x, dy]: [&[T]; 2],
    filters: &[T],
    dfilters: &mut [T],
    dbias: Option<&mut [T]>,
    dx: Option<&mut [T]>,
) {
    let own = ConvSizes::new(windows, groups, filters.len());
    if let Some(patches) = Large::of(windows, groups, own.filters) {
        assert!(x.len() / windows.image() * own.deltas == dy.len(), "conv::backward: shapes do not fit");
        return patches.backward([x, dy], filters, dfilters, dbias, dx);
    }
    filter_gradient(windows, groups, x, dy, dfilters, dbias);
    if let Some(dx) = dx {
        any_image_gradient(windows, groups, dy, filters, dx);
    }
}

/// The gradients of the filters and of the bias.
fn filter_gradient<T: Gemm>(
    windows: &ConvGeometry,
    groups: usize,
    x: &[T],
    dy: &[T],
    dfilters: &mut [T],
    dbias: Option<&mut [T]>,
) {
    let own = ConvSizes::new(windows, groups, dfilters.len());
    let images = x.len() / windows.image();
    assert!(images * own.deltas == dy.len(), "conv::filter_gradient: shapes do not fit");
    // Each part's gradients lie numbers × filters, below them the bias's where it is wanted.
    let size = dfilters.len() + dbias.as_ref().map_or(0, |dbias| dbias.len());
    let parts = if PARTS * size <= MAX_PARTIAL_NUMBERS { PARTS.min(images) } else { 1.min(images) };
    let products = wanted();
    with_scratch((1 + parts) * size, |room: &mut [T]| {
        let (sum, sums) = room.split_at_mut(size);
        pool::for_each_chunk(sums, size, |part, sums| {
            let images = images * part / parts..images * (part + 1) / parts;
            let x = &x[images.start * windows.image()..images.end * windows.image()];
            let dy = &dy[images.start * own.deltas..images.end * own.deltas];
            let (filters, bias) = sums.split_at_mut(dfilters.len());
            if !bias.is_empty() {
                reduce::column_sums(dy, own.filters, bias);
            }
            if own.is_depthwise() {
                depthwise::filter_gradient(windows, x, dy, filters);
            } else {
                with_matmul_precision(products, || of_part(&own, x, dy, filters));
            }
        });
        reduce::add_parts(sums, sum);
        let (filters, bias) = sum.split_at(dfilters.len());
        for (i, to) in dfilters.iter_mut().enumerate() {
            let (filter, number) = (i / own.numbers, i % own.numbers);
            let (group, column) = (filter / own.each, filter % own.each);
            *to = filters[(group * own.numbers + number) * own.each + column];
        }
        dbias.into_iter().for_each(|dbias| dbias.copy_from_slice(bias));
    });
}

/// The filters' gradient over some images: windowsᵀ · dy, group after group.
fn of_part<T: Gemm>(own: &ConvSizes, x: &[T], dy: &[T], sums: &mut [T]) {
    let (windows, padded) = (&own.windows, Padded::seen(&own.windows));
    let (images, lines) = (x.len() / windows.image(), dy.len() / own.filters);
    if of_part_in_tiles(own, &padded, x, dy, sums) {
        return;
    }
    let in_bf16 = wanted() != MatmulPrecision::F32 && is_worth_packing(own.numbers, own.each);
    let unfolded = if in_bf16 { lines * own.numbers } else { 0 };
    with_scratch(padded.new_batch(images) + unfolded + own.deltas_room(lines), |room| {
        let (room, rest) = room.split_at_mut(padded.new_batch(images));
        let (unfolded, deltas) = rest.split_at_mut(unfolded);
        let x = padded.of(x, room);
        let places = padded.places(images, windows.output, windows.stride);
        let numbers = padded.window(windows.size, windows.dilation, own.part);
        for (group, sums) in sums.chunks_exact_mut(own.numbers * own.each).enumerate() {
            let x = &x[group * own.part..];
            let b = own.deltas_of(group, dy, deltas);
            if in_bf16 {
                Strided::new(x, places, numbers).copy_to(unfolded);
                gemm(Matrix::new(unfolded, lines, own.numbers).t(), b, None, sums);
            } else {
                gemm_strided(Strided::new(x, numbers, places), b, sums);
            }
        }
    });
}

/// As [`of_part`], on matrix tiles, if that can be.
fn of_part_in_tiles<T: Real>(own: &ConvSizes, padded: &Padded, x: &[T], dy: &[T], sums: &mut [T]) -> bool {
    let grid = own.grid(padded, own.windows.output).filter(|_| own.windows.stride == [1, 1]);
    let tiles = wanted_of_windows(own.part, own.each);
    let (Some(grid), Some(tiles), Some(sums)) = (grid, tiles, T::single_mut(sums)) else { return false };
    let (Some(x), Some(dy)) = (T::single(x), T::single(dy)) else { return false };
    let mut images = x.chunks_exact(own.windows.image()).zip(dy.chunks_exact(own.deltas)).enumerate();
    images.all(|(i, (x, dy))| windows::filter_gradient(tiles, &grid, x, dy, sums, i > 0))
}

/// The images' gradient: dy · filters, each number added to where the forward pass read it.
///
/// # Panics
/// If the lengths do not fit.
pub fn image_gradient<T: Conv>(windows: &ConvGeometry, groups: usize, dy: &[T], filters: &[T], dx: &mut [T]) {
    T::image_gradient(windows, groups, dy, filters, dx);
}

fn any_image_gradient<T: Gemm>(windows: &ConvGeometry, groups: usize, dy: &[T], filters: &[T], dx: &mut [T]) {
    let own = ConvSizes::new(windows, groups, filters.len());
    assert!(dx.len() / windows.image() * own.deltas == dy.len(), "conv::image_gradient: shapes do not fit");
    let deltas = |i: usize| &dy[i * own.deltas..][..own.deltas];
    if own.is_depthwise() {
        depthwise::transposed(filters, own.numbers, |taps| {
            pool::for_each_chunk(dx, windows.image(), |i, dx| depthwise::image_gradient(windows, deltas(i), taps, dx));
        });
    } else if windows.stride == [1, 1] && (0..2).all(|i| windows.padding[i] <= windows.reach(i)) {
        windows_of_deltas(&own, deltas, filters, dx);
    } else {
        let products = wanted();
        pool::for_each_chunk(dx, windows.image(), |i, dx| added_up(&own, products, deltas(i), filters, dx));
    }
}

/// Without a stride, dx is a convolution of dy with the filters turned about: a pixel sees the windows it is in.
fn windows_of_deltas<'a, T: Gemm>(
    own: &ConvSizes,
    deltas: impl Fn(usize) -> &'a [T] + Sync,
    filters: &[T],
    dx: &mut [T],
) {
    let (windows, products) = (&own.windows, wanted());
    let [height, width, channels] = windows.input;
    let reach = [windows.reach(0), windows.reach(1)];
    let padded = Padded {
        image: [windows.output[0], windows.output[1], own.filters],
        before: [0, 1].map(|i| reach[i] - windows.padding[i]),
        size: [height + reach[0], width + reach[1]],
    };
    let taps = windows.numbers(1);
    let (rows, size) = (taps * own.each, packed_size::<T>(taps * own.each, own.part));
    with_scratch(own.groups * (rows * own.part + size), |room| {
        let (turned, panels) = room.split_at_mut(own.groups * rows * own.part);
        let groups = turned.chunks_exact_mut(rows * own.part).zip(panels.chunks_exact_mut(size)).enumerate();
        for (group, (turned, panels)) in groups {
            let filters = own.of_group(filters, group).data;
            for (i, to) in turned.chunks_exact_mut(own.part).enumerate() {
                let (tap, filter) = (taps - 1 - i / own.each, i % own.each);
                to.copy_from_slice(&filters[(filter * taps + tap) * own.part..][..own.part]);
            }
            pack_columns(Matrix::new(turned, rows, own.part), 0..own.part, panels);
        }
        let (turned, panels) = (&*turned, &*panels);
        let grid = own.grid(&padded, [height, width]);
        with_tiles(grid, Matrix::new(&turned[..rows * own.part], rows, own.part).t(), |tiles| {
            pool::for_each_chunk(dx, windows.image(), |i, dx| {
                if tiles.as_ref().is_some_and(|tiles| tiles.forward(deltas(i), None, dx)) {
                    return;
                }
                with_scratch(padded.new_batch(1), |room| {
                    let dy = padded.of(deltas(i), room);
                    let places = padded.places(1, [height, width], [1, 1]);
                    let window = padded.window(windows.size, windows.dilation, own.each);
                    for group in 0..own.groups {
                        let a = Strided::new(&dy[group * own.each..], places, window);
                        let b = Matrix::new(&turned[group * rows * own.part..][..rows * own.part], rows, own.part);
                        let b = (b, &panels[group * size..][..size]);
                        multiply(products, a, b, None, dx, (group * own.part, channels));
                    }
                });
            });
        });
    });
}

/// dx of an image: dy · filters gives the gradients of all windows, which are added up where they overlap.
fn added_up<T: Gemm>(own: &ConvSizes, products: MatmulPrecision, dy: &[T], filters: &[T], dx: &mut [T]) {
    let positions = own.windows.count();
    dx.fill(T::ZERO);
    with_scratch(positions * own.numbers + own.deltas_room(positions), |room| {
        let (rows, deltas) = room.split_at_mut(positions * own.numbers);
        for group in 0..own.groups {
            let delta = own.deltas_of(group, dy, deltas);
            with_matmul_precision(products, || gemm(delta, own.of_group(filters, group), None, rows));
            own.windows.fold(rows, [group * own.part, own.part], dx);
        }
    });
}
