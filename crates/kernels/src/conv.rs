//! Convolution of images, channels last, as products: each output looks at a window of the input, whose numbers are a row
//! of a matrix.
//!
//! Images are h × w × c, filters (of one group) kh × kw × c/groups, in that order. Sums over images are taken in groups of
//! images whose size depends on the shapes alone.

use std::cell::Cell;

use crate::Real;
use crate::bf16::{Products, wanted, with_products};
use crate::dispatch::vectorised;
use crate::gemm::{Gemm, Matrix, gemm};
use crate::pool::{self, Shared};

/// Where the windows of a convolution or a pooling lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Height, width and channels of an image.
    pub input: [usize; 3],
    /// Height and width of a window.
    pub size: [usize; 2],
    /// Steps from a window to the next, down and across.
    pub stride: [usize; 2],
    /// Zeros above and left of the image; below and right of it there are as many as the windows reach.
    pub padding: [usize; 2],
    /// Steps from a number of a window to the next.
    pub dilation: [usize; 2],
    /// How many windows there are, down and across.
    pub output: [usize; 2],
}

impl Windows {
    /// How many windows there are.
    pub fn count(&self) -> usize {
        self.output[0] * self.output[1]
    }

    fn image(&self) -> usize {
        self.input.iter().product()
    }

    /// Numbers of a window over some of the channels.
    fn numbers(&self, channels: usize) -> usize {
        self.size[0] * self.size[1] * channels
    }

    /// Calls `f(place in the image, window, place in the window, how many)` for each run of neighbouring places of each
    /// window that is within the image, places counted in pixels.
    #[inline(always)]
    fn for_each_run(&self, mut f: impl FnMut(usize, usize, usize, usize)) {
        let [height, width, _] = self.input;
        let [down, across] = self.dilation;
        for oy in 0..self.output[0] {
            for ox in 0..self.output[1] {
                let window = oy * self.output[1] + ox;
                for ky in 0..self.size[0] {
                    let y = (oy * self.stride[0] + ky * down).wrapping_sub(self.padding[0]);
                    if y >= height {
                        continue;
                    }
                    let left = ox * self.stride[1];
                    if across == 1 {
                        let first = self.padding[1].saturating_sub(left);
                        let end = self.size[1].min((width + self.padding[1]).saturating_sub(left));
                        if first < end {
                            f(
                                y * width + left + first - self.padding[1],
                                window,
                                ky * self.size[1] + first,
                                end - first,
                            );
                        }
                        continue;
                    }
                    for kx in 0..self.size[1] {
                        let x = (left + kx * across).wrapping_sub(self.padding[1]);
                        if x < width {
                            f(y * width + x, window, ky * self.size[1] + kx, 1);
                        }
                    }
                }
            }
        }
    }

    /// Calls `f(place in the image, window, place in the window)` for each place of each window that is within the image,
    /// places counted in pixels.
    #[inline(always)]
    fn for_each(&self, mut f: impl FnMut(usize, usize, usize)) {
        self.for_each_run(|pixel, window, place, n| (0..n).for_each(|i| f(pixel + i, window, place + i)));
    }

    /// The windows over `count` channels from `first` on, a row each; zeros where a window is beyond the image.
    fn unfold<T: Real>(&self, image: &[T], [first, count]: [usize; 2], rows: &mut [T]) {
        let (channels, numbers) = (self.input[2], self.numbers(count));
        if self.reaches_beyond() {
            rows.fill(T::ZERO);
        }
        let mut copy = |from: usize, to: usize, n: usize| copy_few(&image[from..][..n], &mut rows[to..][..n]);
        if count == channels {
            self.for_each_run(|pixel, window, place, n| {
                copy(pixel * channels, window * numbers + place * channels, n * channels);
            });
        } else {
            self.for_each(|pixel, window, place| {
                copy(pixel * channels + first, window * numbers + place * count, count)
            });
        }
    }

    /// Adds rows of windows to where their numbers came from.
    fn fold<T: Real>(&self, rows: &[T], [first, count]: [usize; 2], image: &mut [T]) {
        let (channels, numbers) = (self.input[2], self.numbers(count));
        vectorised(
            #[inline(always)]
            || {
                self.for_each(|pixel, window, place| {
                    let to = &mut image[pixel * channels + first..][..count];
                    let from = &rows[window * numbers + place * count..][..count];
                    to.iter_mut().zip(from).for_each(|(to, &from)| *to += from);
                });
            },
        );
    }

    fn reaches_beyond(&self) -> bool {
        (0..2).any(|axis| {
            let last = (self.output[axis] - 1) * self.stride[axis] + (self.size[axis] - 1) * self.dilation[axis];
            self.padding[axis] > 0 || last >= self.input[axis]
        })
    }
}

/// Copies numbers; a call of the system's own copy would take longer than a few of them do.
#[inline(always)]
fn copy_few<T: Real>(from: &[T], to: &mut [T]) {
    if from.len() < 16 {
        to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
    } else {
        to.copy_from_slice(from);
    }
}

/// Numbers of unfolded windows that are held at a time for the gradient of the filters.
const HELD: usize = 1 << 21;

/// Runs `f` with room for so many numbers, which holds anything, kept by this thread from call to call.
fn with_room<T: Real, R>(numbers: usize, f: impl FnOnce(&mut [T]) -> R) -> R {
    thread_local! {
        static ROOM: Cell<Vec<u64>> = const { Cell::new(Vec::new()) };
    }
    let mut room = ROOM.take();
    room.resize(room.len().max((numbers * size_of::<T>()).div_ceil(8)), 0);
    // SAFETY: the words are as many bytes, aligned for any number, and any bits are a number.
    let result = f(unsafe { std::slice::from_raw_parts_mut(room.as_mut_ptr().cast(), numbers) });
    ROOM.set(room);
    result
}

/// [`with_room`], on whatever thread with the products that the asking one wants.
fn in_room<T: Real>(products: Products, numbers: usize, f: impl FnOnce(&mut [T])) {
    with_products(products, || with_room(numbers, f));
}

/// y = windows of x times filters, plus a bias a filter. x holds images, y is windows × filters for each; filters are
/// divided into groups, each of which sees its share of the channels.
///
/// # Panics
/// If the lengths do not fit.
pub fn forward<T: Gemm>(windows: &Windows, groups: usize, x: &[T], filters: &[T], bias: Option<&[T]>, y: &mut [T]) {
    let part = windows.input[2] / groups;
    let numbers = windows.numbers(part);
    let (all, positions) = (filters.len() / numbers, windows.count());
    assert!(x.len() / windows.image() * positions * all == y.len(), "conv::forward: shapes do not fit");
    let (each, products) = (all / groups, wanted());
    pool::for_each_chunk(y, positions * all, |i, y| {
        let image = &x[i * windows.image()..][..windows.image()];
        let result = if groups > 1 { positions * each } else { 0 };
        in_room(products, positions * numbers + result, |room| {
            let (rows, result) = room.split_at_mut(positions * numbers);
            for group in 0..groups {
                windows.unfold(image, [group * part, part], rows);
                let w = Matrix::new(&filters[group * each * numbers..][..each * numbers], each, numbers).t();
                let own = group * each..(group + 1) * each;
                let bias = bias.map(|bias| &bias[own.clone()]);
                let rows = Matrix::new(&*rows, positions, numbers);
                if groups == 1 {
                    gemm(rows, w, bias, y);
                } else {
                    gemm(rows, w, bias, result);
                    for (y, result) in y.chunks_exact_mut(all).zip(result.chunks_exact(each)) {
                        y[own.clone()].copy_from_slice(result);
                    }
                }
            }
        });
    });
}

/// The filters' gradient, Σ dyᵀ · windows of x.
///
/// # Panics
/// If the lengths do not fit.
pub fn filter_gradient<T: Gemm>(windows: &Windows, groups: usize, x: &[T], dy: &[T], dfilters: &mut [T]) {
    let part = windows.input[2] / groups;
    let (numbers, positions) = (windows.numbers(part), windows.count());
    let all = dfilters.len() / numbers;
    let (each, images) = (all / groups, x.len() / windows.image());
    assert!(images * positions * all == dy.len(), "conv::filter_gradient: shapes do not fit");
    dfilters.fill(T::ZERO);
    let held = (HELD / (positions * numbers)).clamp(1, images.max(1));
    let deltas = if groups > 1 { held * positions * each } else { 0 };
    with_room(held * positions * numbers + deltas + each * numbers, |room| {
        let (rows, room) = room.split_at_mut(held * positions * numbers);
        let (deltas, sum) = room.split_at_mut(deltas);
        for group in 0..groups {
            let own = group * each..(group + 1) * each;
            for first in (0..images).step_by(held) {
                let some = held.min(images - first);
                pool::for_each_chunk(&mut rows[..some * positions * numbers], positions * numbers, |i, rows| {
                    let image = &x[(first + i) * windows.image()..][..windows.image()];
                    windows.unfold(image, [group * part, part], rows);
                });
                let lines = some * positions;
                let dy = &dy[first * positions * all..][..lines * all];
                let delta = if groups == 1 {
                    dy
                } else {
                    for (to, from) in deltas.chunks_exact_mut(each).zip(dy.chunks_exact(all)) {
                        to.copy_from_slice(&from[own.clone()]);
                    }
                    &deltas[..lines * each]
                };
                let rows = Matrix::new(&rows[..lines * numbers], lines, numbers);
                gemm(Matrix::new(delta, lines, each).t(), rows, None, sum);
                let to = &mut dfilters[own.start * numbers..own.end * numbers];
                to.iter_mut().zip(&*sum).for_each(|(to, &sum)| *to += sum);
            }
        }
    });
}

/// The images' gradient: dy · filters, each number added to where the forward pass read it.
///
/// # Panics
/// If the lengths do not fit.
pub fn image_gradient<T: Gemm>(windows: &Windows, groups: usize, dy: &[T], filters: &[T], dx: &mut [T]) {
    let part = windows.input[2] / groups;
    let (numbers, positions) = (windows.numbers(part), windows.count());
    let all = filters.len() / numbers;
    let each = all / groups;
    assert!(dx.len() / windows.image() * positions * all == dy.len(), "conv::image_gradient: shapes do not fit");
    let products = wanted();
    pool::for_each_chunk(dx, windows.image(), |i, dx| {
        dx.fill(T::ZERO);
        let dy = &dy[i * positions * all..][..positions * all];
        let deltas = if groups > 1 { positions * each } else { 0 };
        in_room(products, positions * numbers + deltas, |room| {
            let (rows, deltas) = room.split_at_mut(positions * numbers);
            for group in 0..groups {
                let delta = if groups == 1 {
                    dy
                } else {
                    for (to, from) in deltas.chunks_exact_mut(each).zip(dy.chunks_exact(all)) {
                        to.copy_from_slice(&from[group * each..(group + 1) * each]);
                    }
                    &*deltas
                };
                let w = Matrix::new(&filters[group * each * numbers..][..each * numbers], each, numbers);
                gemm(Matrix::new(delta, positions, each), w, None, rows);
                windows.fold(rows, [group * part, part], dx);
            }
        });
    });
}

/// y = the largest number of each window and channel; places beyond the image do not count.
///
/// # Panics
/// If the lengths do not fit.
pub fn max_pool<T: Real>(windows: &Windows, x: &[T], y: &mut [T]) {
    let channels = windows.input[2];
    assert!(x.len() / windows.image() * windows.count() * channels == y.len(), "conv::max_pool: shapes do not fit");
    pool::for_each_chunk(y, windows.count() * channels, |i, y| {
        let image = &x[i * windows.image()..][..windows.image()];
        y.fill(T::of(f64::NEG_INFINITY));
        windows.for_each(|pixel, window, _| {
            let y = &mut y[window * channels..][..channels];
            y.iter_mut().zip(&image[pixel * channels..]).for_each(|(y, &x)| *y = y.max(x));
        });
    });
}

/// The images' gradient of [`max_pool`]: each dy goes to the first place of its window that had the largest number.
///
/// # Panics
/// If the lengths do not fit.
pub fn max_pool_gradient<T: Real>(windows: &Windows, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
    let (channels, out) = (windows.input[2], windows.count() * windows.input[2]);
    assert!(x.len() == dx.len() && y.len() == dy.len() && x.len() / windows.image() * out == y.len());
    let dx = Shared(dx.as_mut_ptr());
    pool::for_each(x.len() / windows.image(), |i| {
        // SAFETY: each task has an image of its own.
        let dx = unsafe { std::slice::from_raw_parts_mut(dx.get().add(i * windows.image()), windows.image()) };
        let image = &x[i * windows.image()..][..windows.image()];
        let (y, dy) = (&y[i * out..][..out], &dy[i * out..][..out]);
        dx.fill(T::ZERO);
        with_room(out, |left: &mut [T]| {
            left.copy_from_slice(dy);
            windows.for_each(|pixel, window, _| {
                for channel in 0..channels {
                    let (from, to) = (window * channels + channel, pixel * channels + channel);
                    if image[to] == y[from] {
                        dx[to] += left[from];
                        left[from] = T::ZERO;
                    }
                }
            });
        });
    });
}

/// Calls f for each place of each window of [`max_pool`]: whether it holds the window's largest number.
///
/// # Panics
/// If the lengths do not fit.
pub fn places_of_largest<T: Real>(windows: &Windows, x: &[T], y: &[T], mut f: impl FnMut(bool)) {
    let channels = windows.input[2];
    assert!(x.len() / windows.image() * windows.count() * channels == y.len());
    for (image, y) in x.chunks_exact(windows.image()).zip(y.chunks_exact(windows.count() * channels)) {
        windows.for_each(|pixel, window, _| {
            let y = &y[window * channels..][..channels];
            image[pixel * channels..].iter().zip(y).for_each(|(x, y)| f(x == y));
        });
    }
}

/// y = the mean of each window and channel; places beyond the image count as zeros.
///
/// # Panics
/// If the lengths do not fit.
pub fn average_pool<T: Real>(windows: &Windows, x: &[T], y: &mut [T]) {
    let channels = windows.input[2];
    assert!(x.len() / windows.image() * windows.count() * channels == y.len(), "conv::average_pool: shapes do not fit");
    let share = T::of(1.0 / windows.numbers(1) as f64);
    pool::for_each_chunk(y, windows.count() * channels, |i, y| {
        let image = &x[i * windows.image()..][..windows.image()];
        y.fill(T::ZERO);
        windows.for_each(|pixel, window, _| {
            let y = &mut y[window * channels..][..channels];
            y.iter_mut().zip(&image[pixel * channels..]).for_each(|(y, &x)| *y += x * share);
        });
    });
}

/// The images' gradient of [`average_pool`].
///
/// # Panics
/// If the lengths do not fit.
pub fn average_pool_gradient<T: Real>(windows: &Windows, dy: &[T], dx: &mut [T]) {
    let channels = windows.input[2];
    assert!(dx.len() / windows.image() * windows.count() * channels == dy.len());
    let share = T::of(1.0 / windows.numbers(1) as f64);
    pool::for_each_chunk(dx, windows.image(), |i, dx| {
        let dy = &dy[i * windows.count() * channels..][..windows.count() * channels];
        dx.fill(T::ZERO);
        windows.for_each(|pixel, window, _| {
            let dy = &dy[window * channels..][..channels];
            dx[pixel * channels..][..channels].iter_mut().zip(dy).for_each(|(dx, &dy)| *dx += dy * share);
        });
    });
}
