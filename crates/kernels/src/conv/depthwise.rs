//! Depthwise convolution, a filter a channel: too thin for products, so channels are computed side by side.
//!
//! Filters are given as taps: the first numbers of all filters, then the second ones, and so on.

use super::Windows;
use crate::Real;
use crate::room::with_room;

/// Runs `f` with channels × numbers turned into numbers × channels.
pub(super) fn transposed<T: Real>(filters: &[T], numbers: usize, f: impl FnOnce(&[T])) {
    let channels = filters.len() / numbers;
    with_room(filters.len(), |taps| {
        for (i, tap) in taps.iter_mut().enumerate() {
            *tap = filters[i % channels * numbers + i / channels];
        }
        f(taps);
    });
}

/// y of an image: Σ over its window's numbers x · tap (+ bias), channel by channel.
pub(super) fn forward<T: Real>(windows: &Windows, x: &[T], taps: &[T], bias: Option<&[T]>, y: &mut [T]) {
    let channels = windows.input[2];
    y.fill(T::ZERO);
    windows.for_each_vectorised(
        #[inline(always)]
        |pixel, window, place| {
            let (x, tap) = (&x[pixel * channels..][..channels], &taps[place * channels..][..channels]);
            let y = &mut y[window * channels..][..channels];
            for ((y, &x), &tap) in y.iter_mut().zip(x).zip(tap) {
                *y = x.mul_add(tap, *y);
            }
        },
    );
    if let Some(bias) = bias {
        for y in y.chunks_exact_mut(channels) {
            y.iter_mut().zip(bias).for_each(|(y, &bias)| *y += bias);
        }
    }
}

/// The filters' gradient over some images: Σ x · dy, channel by channel.
pub(super) fn filter_gradient<T: Real>(windows: &Windows, x: &[T], dy: &[T], dfilters: &mut [T]) {
    let channels = windows.input[2];
    let numbers = dfilters.len() / channels;
    with_room(dfilters.len(), |sums| {
        sums.fill(T::ZERO);
        for (x, dy) in x.chunks_exact(windows.image()).zip(dy.chunks_exact(windows.count() * channels)) {
            windows.for_each_vectorised(
                #[inline(always)]
                |pixel, window, place| {
                    let (x, dy) = (&x[pixel * channels..][..channels], &dy[window * channels..][..channels]);
                    let sum = &mut sums[place * channels..][..channels];
                    for ((sum, &x), &dy) in sum.iter_mut().zip(x).zip(dy) {
                        *sum = x.mul_add(dy, *sum);
                    }
                },
            );
        }
        for (i, to) in dfilters.iter_mut().enumerate() {
            *to = sums[i % numbers * channels + i / numbers];
        }
    });
}

/// dx of an image: Σ over the windows that a pixel is in dy · tap, channel by channel.
pub(super) fn image_gradient<T: Real>(windows: &Windows, dy: &[T], taps: &[T], dx: &mut [T]) {
    let channels = windows.input[2];
    dx.fill(T::ZERO);
    windows.for_each_vectorised(
        #[inline(always)]
        |pixel, window, place| {
            let (dy, tap) = (&dy[window * channels..][..channels], &taps[place * channels..][..channels]);
            let dx = &mut dx[pixel * channels..][..channels];
            for ((dx, &dy), &tap) in dx.iter_mut().zip(dy).zip(tap) {
                *dx = dy.mul_add(tap, *dx);
            }
        },
    );
}
