//! Depthwise convolution, one filter per channel: too thin for matrix products, so channels are computed side by side.
//!
//! Filters are given as taps: the first elements of all filters, then the second ones, and so on.

use super::ConvGeometry;
use crate::Real;
use crate::scratch::with_scratch;

/// Runs `f` with the filters transposed from channels × taps to taps × channels.
pub(super) fn transposed<T: Real>(filters: &[T], filter_len: usize, f: impl FnOnce(&[T])) {
    with_scratch(filters.len(), |taps| {
        transpose(filters, filter_len, taps);
        f(taps);
    });
}

/// Transposes a row-major matrix with this many columns.
fn transpose<T: Real>(from: &[T], columns: usize, to: &mut [T]) {
    let rows = from.len() / columns;
    for (i, to) in to.iter_mut().enumerate() {
        *to = from[i % rows * columns + i / rows];
    }
}

/// to[i] += a[j] · b[k], where each index selects all channels of a pixel or tap.
#[inline(always)]
fn add_product<T: Real>(channels: usize, (to, i): (&mut [T], usize), (a, j): (&[T], usize), (b, k): (&[T], usize)) {
    let (a, b) = (&a[j * channels..][..channels], &b[k * channels..][..channels]);
    for ((to, &a), &b) in to[i * channels..][..channels].iter_mut().zip(a).zip(b) {
        *to = a.mul_add(b, *to);
    }
}

/// y of an image: Σ x · tap over the pixels of each window (+ bias), channel by channel.
pub(super) fn forward<T: Real>(geometry: &ConvGeometry, x: &[T], taps: &[T], bias: Option<&[T]>, y: &mut [T]) {
    let channels = geometry.input[2];
    y.fill(T::ZERO);
    geometry.for_each_vectorised(
        #[inline(always)]
        |pixel, window, tap| add_product(channels, (y, window), (x, pixel), (taps, tap)),
    );
    if let Some(bias) = bias {
        for y in y.chunks_exact_mut(channels) {
            y.iter_mut().zip(bias).for_each(|(y, &bias)| *y += bias);
        }
    }
}

/// The filters' gradient over some images: Σ x · dy, channel by channel.
pub(super) fn filter_gradient<T: Real>(geometry: &ConvGeometry, x: &[T], dy: &[T], dfilters: &mut [T]) {
    let channels = geometry.input[2];
    with_scratch(dfilters.len(), |sums| {
        sums.fill(T::ZERO);
        for (x, dy) in x.chunks_exact(geometry.image_len()).zip(dy.chunks_exact(geometry.count() * channels)) {
            geometry.for_each_vectorised(
                #[inline(always)]
                |pixel, window, tap| add_product(channels, (sums, tap), (x, pixel), (dy, window)),
            );
        }
        transpose(sums, channels, dfilters);
    });
}

/// dx of an image: Σ dy · tap over the windows that contain a pixel, channel by channel.
pub(super) fn image_gradient<T: Real>(geometry: &ConvGeometry, dy: &[T], taps: &[T], dx: &mut [T]) {
    let channels = geometry.input[2];
    dx.fill(T::ZERO);
    geometry.for_each_vectorised(
        #[inline(always)]
        |pixel, window, tap| add_product(channels, (dx, pixel), (dy, window), (taps, tap)),
    );
}
