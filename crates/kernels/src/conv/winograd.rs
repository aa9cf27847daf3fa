//! Convolution of 3 × 3 windows with a stride of 1, with fewer multiplications (Winograd 1980; Lavin and Gray 2016):
//! F(2 × 2, 3 × 3) forward, 16 for 4 outputs instead of 36; F(4 × 4, 3 × 3) for gradients, 36 for 16 instead of 144.
//!
//! A patch d of pixels gives a square of outputs:
//!
//! V = Bᵀ d B, U = G w Gᵀ, M = Σ over channels of U ∗ V, Y = Aᵀ M A,
//!
//! with small matrices B, G and A. At each position of a patch, M for all patches and filters is a matrix product:
//! patches × channels times channels × filters. Gradients use the transposed maps:
//!
//! dM = A dY Aᵀ, dU = dM ∗ V summed over patches, dw = Gᵀ dU G, dV = dM ∗ U summed over filters, dd = B dV Bᵀ,
//!
//! where dd is summed over overlapping patches. A value added to M at position (1, 1) is added once to each output, so
//! the bias is added there, and the sums of dM there are its gradient.

mod maps;

use std::ops::Range;

use maps::{Back, Line, OfFilter, OfPatch, OfProducts, Transform};

use super::{ConvGeometry, PARTS};
use crate::bf16::{MatmulPrecision, tiles_for};
use crate::gemm::{Gemm, Matrix, gemm_onto, gemm_panels, pack_columns, packed_size};
use crate::pool::{self, Shared};
use crate::reduce;
use crate::scratch::with_scratch;

/// Elements along a filter's edge.
const TAPS: usize = 3;

/// Minimum channels and filters for this to pay off.
const FEWEST: usize = 16;

/// The stride between positions in elements: those of all items, and a cache line, without which the positions of an
/// item would often conflict for the same sets of L1.
fn step(items: usize, elements: usize) -> usize {
    items * elements + 16
}

/// Filters transformed per task.
const FILTERS: usize = 8;

/// Maximum elements of all partial filter gradients together.
const MAX_PARTIAL_ELEMENTS: usize = 1 << 22;

/// Minimum patches of a part: computing fewer would take less time than adding the part to the others.
const FEWEST_PATCHES: usize = 48;

/// Patches whose maps only add and halve, and are as accurate as one chain over a window.
pub(super) type Small = Patches<4, 2>;

/// Patches that need fewer products, with three times the error: for gradients.
pub(super) type Large = Patches<6, 4>;

/// The patches of a convolution: EDGE × EDGE pixels each, for MADE × MADE outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patches<const EDGE: usize, const MADE: usize> {
    geometry: ConvGeometry,
    filters: usize,
    /// Patches per image, down and across.
    counts: [usize; 2],
}

impl<const EDGE: usize, const MADE: usize> Patches<EDGE, MADE>
where
    OfPatch: Line<EDGE, EDGE>,
    OfFilter: Line<TAPS, EDGE>,
    OfProducts: Line<EDGE, MADE>,
{
    /// Positions of a patch.
    const POSITIONS: usize = EDGE * EDGE;

    /// The position that is added once to each output: (1, 1).
    const CENTRE: usize = EDGE + 1;

    /// The patches of a convolution, if they make it cheaper; in bf16, matrix tiles alone are faster.
    pub(super) fn of(
        geometry: &ConvGeometry,
        groups: usize,
        filters: usize,
        precision: MatmulPrecision,
    ) -> Option<Self> {
        let plain =
            geometry.size == [TAPS; 2] && geometry.stride == [1; 2] && geometry.dilation == [1; 2] && groups == 1;
        let counts = geometry.output.map(|n| n.div_ceil(MADE));
        // At least a quarter of the products must be saved: patches at the edge may compute outputs that do not exist.
        let used = 4 * Self::POSITIONS * counts[0] * counts[1] <= 3 * TAPS * TAPS * geometry.count();
        let many = geometry.input[2] >= FEWEST && filters >= FEWEST;
        let tiles = tiles_for(precision, geometry.input[2], filters).is_some();
        (plain && used && many && !tiles).then_some(Patches { geometry: *geometry, filters, counts })
    }

    fn channels(&self) -> usize {
        self.geometry.input[2]
    }

    /// Patches per image.
    fn count(&self) -> usize {
        self.counts[0] * self.counts[1]
    }

    /// Elements of y per image.
    fn made(&self) -> usize {
        self.geometry.count() * self.filters
    }

    /// The number of patches whose transforms and products fill half of L2; at least the rows of two tiles.
    fn usual(&self) -> usize {
        ((1 << 17) / Self::POSITIONS / (self.channels() + self.filters)).clamp(24, 96)
    }

    /// Elements of the transforms of this many patches, and of their products.
    fn batch_len(&self, patches: usize) -> usize {
        Self::POSITIONS * (step(patches, self.channels()) + step(patches, self.filters))
    }

    /// How many of this many patches to compute at a time: about the usual number, in full tiles.
    fn at_once(&self, patches: usize) -> usize {
        let blocks = (patches + self.usual() / 2) / self.usual();
        if blocks < 2 { patches } else { patches.div_ceil(blocks).next_multiple_of(12) }
    }

    /// The position of a patch: its image, and its first output.
    fn position(&self, patch: usize) -> (usize, [usize; 2]) {
        let (image, i) = (patch / self.count(), patch % self.count());
        (image, [MADE * (i / self.counts[1]), MADE * (i % self.counts[1])])
    }

    /// The addresses of a patch's pixels in x; `beyond` for those outside the image.
    #[inline(always)]
    fn pixels<T>(&self, x: *mut T, patch: usize, beyond: *mut T) -> [[*mut T; EDGE]; EDGE] {
        let (n, [top, left]) = self.position(patch);
        let [above, before] = self.geometry.padding;
        let first = [top.wrapping_sub(above), left.wrapping_sub(before)];
        square(x.wrapping_add(n * self.geometry.image_len()), self.geometry.input, first, beyond)
    }

    /// The addresses of a patch's outputs in y; `beyond` for those that do not exist.
    #[inline(always)]
    fn outputs<T>(&self, y: *mut T, patch: usize, beyond: *mut T) -> [[*mut T; MADE]; MADE] {
        let ((n, first), [down, across]) = (self.position(patch), self.geometry.output);
        square(y.wrapping_add(n * self.made()), [down, across, self.filters], first, beyond)
    }

    /// V: the transforms of some patches of x, position by position.
    fn spread<T: Gemm>(&self, x: &[T], patches: Range<usize>, to: &mut [T]) {
        let (channels, image) = (self.channels(), self.geometry.image_len());
        assert!(
            x.len() >= patches.end.div_ceil(self.count()) * image
                && to.len() == Self::POSITIONS * step(patches.len(), channels)
        );
        let (items, to) = (patches.len(), to.as_mut_ptr());
        with_scratch(channels, |zeros: &mut [T]| {
            zeros.fill(T::ZERO);
            let (x, zeros) = (x.as_ptr().cast_mut(), zeros.as_ptr().cast_mut());
            let from = |i: usize| self.pixels(x, patches.start + i, zeros);
            let to = |i| positions(to, [step(items, channels), channels], i);
            // SAFETY: the pixels are in x or the zeros, the positions in `to`; each has as many elements as channels.
            unsafe { T::on_lanes(Transform { items, elements: channels, from, to, onto: false, line: OfPatch }) };
        });
    }

    /// dM: the transforms of the output gradients of some patches, position by position.
    fn spread_gradient<T: Gemm>(&self, dy: &[T], patches: Range<usize>, to: &mut [T]) {
        let (filters, made) = (self.filters, self.made());
        assert!(
            dy.len() >= patches.end.div_ceil(self.count()) * made
                && to.len() == Self::POSITIONS * step(patches.len(), filters)
        );
        let (items, to) = (patches.len(), to.as_mut_ptr());
        with_scratch(filters, |zeros: &mut [T]| {
            zeros.fill(T::ZERO);
            let (dy, zeros) = (dy.as_ptr().cast_mut(), zeros.as_ptr().cast_mut());
            let from = |i: usize| self.outputs(dy, patches.start + i, zeros);
            let to = |i| positions(to, [step(items, filters), filters], i);
            // SAFETY: the outputs are in dy or the zeros, the positions in `to`; each has as many elements as filters.
            unsafe {
                T::on_lanes(Transform { items, elements: filters, from, to, onto: false, line: Back(OfProducts) })
            };
        });
    }

    /// Y: the outputs of some patches, from their products.
    fn gather<T: Gemm>(&self, products: &[T], patches: Range<usize>, y: &mut [T]) {
        let (filters, made) = (self.filters, self.made());
        assert!(
            y.len() >= patches.end.div_ceil(self.count()) * made
                && products.len() == Self::POSITIONS * step(patches.len(), filters)
        );
        let (items, products, y) = (patches.len(), products.as_ptr(), y.as_mut_ptr());
        with_scratch(filters, |beyond: &mut [T]| {
            let beyond = beyond.as_mut_ptr();
            let to = |i: usize| self.outputs(y, patches.start + i, beyond);
            let from = |i| positions(products.cast_mut(), [step(items, filters), filters], i);
            // SAFETY: the positions are in the products, the outputs in y or the scratch; each has as many elements as
            // filters.
            unsafe { T::on_lanes(Transform { items, elements: filters, from, to, onto: false, line: OfProducts }) };
        });
    }

    /// Adds the gradients of some patches to dX.
    fn scatter<T: Gemm>(&self, gradients: &[T], patches: Range<usize>, dx: &mut [T]) {
        let (channels, image) = (self.channels(), self.geometry.image_len());
        assert!(
            dx.len() >= patches.end.div_ceil(self.count()) * image
                && gradients.len() == Self::POSITIONS * step(patches.len(), channels)
        );
        let (items, gradients, dx) = (patches.len(), gradients.as_ptr(), dx.as_mut_ptr());
        with_scratch(channels, |beyond: &mut [T]| {
            let beyond = beyond.as_mut_ptr();
            let to = |i: usize| self.pixels(dx, patches.start + i, beyond);
            let from = |i| positions(gradients.cast_mut(), [step(items, channels), channels], i);
            // SAFETY: the positions are in the gradients, the pixels in dx or the scratch; each has as many elements as
            // channels.
            unsafe { T::on_lanes(Transform { items, elements: channels, from, to, onto: true, line: Back(OfPatch) }) };
        });
    }

    /// y = windows of x times filters, plus a bias per filter; `after` is applied to the y of each image.
    pub(super) fn forward<T: Gemm>(
        &self,
        x: &[T],
        filters: &[T],
        bias: Option<&[T]>,
        y: &mut [T],
        after: impl Fn(&mut [T]) + Sync,
    ) {
        let (channels, made) = (self.channels(), self.made());
        let images = (self.usual() / self.count()).max(1);
        let at_once = self.at_once(images * self.count());
        let size = packed_size::<T>(channels, self.filters);
        self.with_panels(filters, false, |panels| {
            pool::for_each_chunk(y, images * made, |i, y| {
                let count = y.len() / made;
                let x = &x[i * images * self.geometry.image_len()..][..count * self.geometry.image_len()];
                with_scratch(self.batch_len(at_once), |room| {
                    for first in (0..count * self.count()).step_by(at_once) {
                        let patches = first..(first + at_once).min(count * self.count());
                        let n = patches.len();
                        let (v, m) = room[..self.batch_len(n)].split_at_mut(Self::POSITIONS * step(n, channels));
                        self.spread(x, patches.clone(), v);
                        let positions =
                            v.chunks_exact(step(n, channels)).zip(m.chunks_exact_mut(step(n, self.filters)));
                        for (position, (v, m)) in positions.enumerate() {
                            let (v, panels) =
                                (Matrix::new(&v[..n * channels], n, channels), &panels[position * size..][..size]);
                            let bias = bias.filter(|_| position == Self::CENTRE);
                            gemm_panels(v, panels, bias, &mut m[..n * self.filters], 0..self.filters, self.filters);
                        }
                        self.gather(m, patches, y);
                    }
                });
                y.chunks_exact_mut(made).for_each(&after);
            });
        });
    }

    /// Runs `f` with Uᵀ packed, channels × filters, position by position; with U if `back`.
    fn with_panels<T: Gemm, R>(&self, filters: &[T], back: bool, f: impl FnOnce(&[T]) -> R) -> R {
        let (rows, columns) = (self.filters, self.channels());
        let one = rows * columns;
        let size = if back { packed_size::<T>(rows, columns) } else { packed_size::<T>(columns, rows) };
        assert!(filters.len() == TAPS * TAPS * one);
        with_scratch(Self::POSITIONS * (one + size), |room: &mut [T]| {
            let (u, panels) = room.split_at_mut(Self::POSITIONS * one);
            let to = Shared(u.as_mut_ptr());
            pool::for_each(rows.div_ceil(FILTERS), |task| {
                let first = task * FILTERS;
                let from = |i| taps(filters.as_ptr().cast_mut(), columns, first + i);
                let (items, to) = (FILTERS.min(rows - first), |i| positions(to.get(), [one, columns], first + i));
                // SAFETY: the taps are in the filters, the positions in U and no other task's; each has `columns`
                // elements.
                unsafe { T::on_lanes(Transform { items, elements: columns, from, to, onto: false, line: OfFilter }) };
            });
            let u = &*u;
            pool::for_each_chunk(panels, size, |position, panels| {
                let u = Matrix::new(&u[position * one..][..one], rows, columns);
                let b = if back { u } else { u.t() };
                pack_columns(b, 0..b.columns, panels);
            });
            f(panels)
        })
    }

    /// The gradients of the filters and, if requested, of the bias and of the images.
    pub(super) fn backward<T: Gemm>(
        &self,
        [x, dy]: [&[T]; 2],
        filters: &[T],
        dfilters: &mut [T],
        dbias: Option<&mut [T]>,
        dx: Option<&mut [T]>,
    ) {
        match dx {
            None => self.gradients([x, dy], None, dfilters, dbias),
            Some(dx) => self.with_panels(filters, true, |u| self.gradients([x, dy], Some((u, dx)), dfilters, dbias)),
        }
    }

    /// As [`Patches::backward`], with U's panels alongside dx.
    fn gradients<T: Gemm>(
        &self,
        [x, dy]: [&[T]; 2],
        dx: Option<(&[T], &mut [T])>,
        dfilters: &mut [T],
        dbias: Option<&mut [T]>,
    ) {
        let (channels, filters, image, made) = (self.channels(), self.filters, self.geometry.image_len(), self.made());
        let (images, one) = (x.len() / image, channels * filters);
        assert!(dfilters.len() == TAPS * TAPS * one && dx.as_ref().is_none_or(|(_, dx)| dx.len() == x.len()));
        let size = Self::POSITIONS * one + dbias.as_ref().map_or(0, |dbias| dbias.len());
        let parts =
            (images * self.count() / FEWEST_PATCHES).min(MAX_PARTIAL_ELEMENTS / size).clamp(1, PARTS).min(images);
        let dx = dx.map(|(u, dx)| (u, Shared(dx.as_mut_ptr())));
        with_scratch((1 + parts) * size, |room: &mut [T]| {
            let (sum, sums) = room.split_at_mut(size);
            pool::for_each_chunk(sums, size, |part, sums| {
                let images = images * part / parts..images * (part + 1) / parts;
                let (begin, end) = (images.start * image, images.end * image);
                let (x, dy) = (&x[begin..end], &dy[images.start * made..images.end * made]);
                let dx = dx.as_ref().map(|(u, dx)| {
                    // SAFETY: dx is as long as x, and no two parts share images.
                    (*u, unsafe { std::slice::from_raw_parts_mut(dx.get().add(begin), end - begin) })
                });
                let (du, dbias) = sums.split_at_mut(Self::POSITIONS * one);
                self.of_part([x, dy], dx, du, dbias);
            });
            reduce::add_parts(sums, sum);
            let (du, sums) = sum.split_at_mut(Self::POSITIONS * one);
            let (du, to) = (Shared(du.as_mut_ptr()), Shared(dfilters.as_mut_ptr()));
            pool::for_each(filters.div_ceil(FILTERS), |task| {
                let first = task * FILTERS;
                let from = |i| positions(du.get(), [one, channels], first + i);
                let (items, to) = (FILTERS.min(filters - first), |i| taps(to.get(), channels, first + i));
                // SAFETY: the positions are in dU, the taps in the filters' gradient and no other task's; each has as
                // many elements as channels.
                unsafe {
                    T::on_lanes(Transform { items, elements: channels, from, to, onto: false, line: Back(OfFilter) })
                };
            });
            dbias.into_iter().for_each(|dbias| dbias.copy_from_slice(sums));
        });
    }

    /// dU over some images, the bias's gradient unless `dbias` is empty, and dx if it is given (with U's panels).
    fn of_part<T: Gemm>(&self, [x, dy]: [&[T]; 2], mut dx: Option<(&[T], &mut [T])>, du: &mut [T], dbias: &mut [T]) {
        let (channels, filters) = (self.channels(), self.filters);
        let (one, size) = (channels * filters, packed_size::<T>(filters, channels));
        let patches = x.len() / self.geometry.image_len() * self.count();
        let at_once = self.at_once(patches);
        du.fill(T::ZERO);
        dbias.fill(T::ZERO);
        if let Some((_, dx)) = &mut dx {
            dx.fill(T::ZERO);
        }
        with_scratch(self.batch_len(at_once), |room| {
            for first in (0..patches).step_by(at_once) {
                let patches = first..(first + at_once).min(patches);
                let n = patches.len();
                let (v, dm) = room[..self.batch_len(n)].split_at_mut(Self::POSITIONS * step(n, channels));
                self.spread(x, patches.clone(), v);
                self.spread_gradient(dy, patches.clone(), dm);
                let positions = v.chunks_exact_mut(step(n, channels)).zip(dm.chunks_exact(step(n, filters)));
                for (position, ((v, dm), du)) in positions.zip(du.chunks_exact_mut(one)).enumerate() {
                    let (v, dm) = (&mut v[..n * channels], Matrix::new(&dm[..n * filters], n, filters));
                    gemm_onto(dm.t(), Matrix::new(v, n, channels), du);
                    if let Some((u, _)) = dx {
                        // dV overwrites V, which is no longer needed.
                        gemm_panels(dm, &u[position * size..][..size], None, v, 0..channels, channels);
                    }
                }
                if !dbias.is_empty() {
                    for dm in dm[Self::CENTRE * step(n, filters)..][..n * filters].chunks_exact(filters) {
                        dbias.iter_mut().zip(dm).for_each(|(sum, &dm)| *sum += dm);
                    }
                }
                if let Some((_, dx)) = &mut dx {
                    self.scatter(v, patches, dx);
                }
            }
        });
    }
}

/// The addresses of N × N pixels of a height × width × channels image, from a pixel on, which may precede the image;
/// `beyond` for those outside it.
#[inline(always)]
fn square<T, const N: usize>(
    image: *mut T,
    [height, width, channels]: [usize; 3],
    [top, left]: [usize; 2],
    beyond: *mut T,
) -> [[*mut T; N]; N] {
    let mut pixels = [[beyond; N]; N];
    for (i, row) in pixels.iter_mut().enumerate() {
        let y = top.wrapping_add(i);
        for (j, pixel) in row.iter_mut().enumerate() {
            let x = left.wrapping_add(j);
            if y < height && x < width {
                *pixel = image.wrapping_add((y * width + x) * channels);
            }
        }
    }
    pixels
}

/// The addresses of an item's elements at each position.
#[inline(always)]
fn positions<T, const EDGE: usize>(data: *mut T, [step, elements]: [usize; 2], item: usize) -> [[*mut T; EDGE]; EDGE] {
    grid(data, step, item * elements)
}

/// The addresses of a filter's elements at each tap.
#[inline(always)]
fn taps<T>(data: *mut T, elements: usize, filter: usize) -> [[*mut T; TAPS]; TAPS] {
    grid(data, elements, filter * TAPS * TAPS * elements)
}

/// N × N addresses, `step` elements apart, from `first` on, row by row.
#[inline(always)]
fn grid<T, const N: usize>(data: *mut T, step: usize, first: usize) -> [[*mut T; N]; N] {
    let mut grid = [[data; N]; N];
    for (i, at) in grid.as_flattened_mut().iter_mut().enumerate() {
        *at = data.wrapping_add(first + i * step);
    }
    grid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn geometry(side: usize, channels: usize, padding: usize) -> ConvGeometry {
        let output = [side + 2 * padding - 2; 2];
        ConvGeometry {
            input: [side, side, channels],
            size: [3; 2],
            stride: [1; 2],
            padding: [padding; 2],
            dilation: [1; 2],
            output,
        }
    }

    #[test]
    fn patches_are_taken_where_they_save_products() {
        let plain = geometry(14, 32, 1);
        let of = |geometry: &ConvGeometry, groups, filters| Small::of(geometry, groups, filters, MatmulPrecision::F32);
        let patches = of(&plain, 1, 64).unwrap();
        assert_eq!((patches.counts, patches.usual()), ([7, 7], 85));
        // In full tiles, and without a nearly empty block.
        assert_eq!([1, 49, 98, 127, 128, 200].map(|n| patches.at_once(n)), [1, 49, 98, 127, 72, 108]);
        for other in [
            ConvGeometry { stride: [1, 2], ..plain },
            ConvGeometry { dilation: [2, 1], ..plain },
            ConvGeometry { size: [3, 1], ..plain },
            geometry(14, 8, 1),
            geometry(3, 32, 1),
        ] {
            assert_eq!(of(&other, 1, 64), None, "{other:?}");
        }
        assert_eq!((of(&plain, 2, 64), of(&plain, 1, 8)), (None, None));
    }

    #[test]
    fn a_small_convolution_and_its_gradients_are_their_definition() {
        convolves_by_definition::<4, 2>(1e-13);
        convolves_by_definition::<6, 4>(1e-12);
    }

    fn convolves_by_definition<const EDGE: usize, const MADE: usize>(tolerance: f64)
    where
        OfPatch: Line<EDGE, EDGE>,
        OfFilter: Line<TAPS, EDGE>,
        OfProducts: Line<EDGE, MADE>,
    {
        let (channels, filters) = (16, 17);
        let geometry = geometry(4, channels, 1);
        let numbers = Stream::new(5, 1);
        let normal = |n: usize| {
            let mut x = vec![0.0_f64; n];
            numbers.fill_normal(n as u32, &mut x);
            x
        };
        let (x, w, b) = (normal(16 * channels), normal(9 * channels * filters), normal(filters));
        let patches = Patches::<EDGE, MADE>::of(&geometry, 1, filters, MatmulPrecision::F32).unwrap();
        let mut y = vec![1.0; 16 * filters];
        patches.forward(&x, &w, Some(&b), &mut y, |_| ());
        for (i, y) in y.iter().enumerate() {
            let (pixel, filter) = (i / filters, i % filters);
            let mut expected = b[filter];
            for tap in 0..9 {
                let (row, column) = ((pixel / 4 + tap / 3).wrapping_sub(1), (pixel % 4 + tap % 3).wrapping_sub(1));
                for c in 0..if row < 4 && column < 4 { channels } else { 0 } {
                    expected += x[(row * 4 + column) * channels + c] * w[(filter * 9 + tap) * channels + c];
                }
            }
            assert!((y - expected).abs() < tolerance * expected.abs().max(1.0), "{i}: {y}, not {expected}");
        }
        // Without its bias y is linear in x and in w, so y · dy is x · dx and w · dw.
        let dy = normal(y.len() + 1)[1..].to_vec();
        let [mut dw, mut db, mut dx] = [w.len(), filters, x.len()].map(|n| vec![1.0; n]);
        patches.backward([&x, &dy], &w, &mut dw, Some(&mut db), Some(&mut dx));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let linear = dot(&y, &dy) - dot(&b, &db);
        for (found, what) in [(dot(&x, &dx), "dx"), (dot(&w, &dw), "dw")] {
            assert!((found - linear).abs() < 1e-11 * linear.abs().max(1.0), "{what}: {found}, not {linear}");
        }
    }
}
