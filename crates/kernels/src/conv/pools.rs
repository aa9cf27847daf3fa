//! Pooling: one value for each window and channel.

use super::ConvGeometry;
use crate::Real;
use crate::pool::{self, Shared};
use crate::scratch::with_scratch;

/// y = the maximum over each window and channel; positions outside the image do not count.
///
/// # Panics
/// If the lengths do not match.
pub fn max_pool<T: Real>(geometry: &ConvGeometry, x: &[T], y: &mut [T]) {
    let channels = geometry.input[2];
    assert!(
        x.len() / geometry.image_len() * geometry.count() * channels == y.len(),
        "conv::max_pool: shapes do not fit"
    );
    pool::for_each_chunk(y, geometry.count() * channels, |i, y| {
        let image = &x[i * geometry.image_len()..][..geometry.image_len()];
        y.fill(T::of(f64::NEG_INFINITY));
        geometry.for_each_vectorised(
            #[inline(always)]
            |pixel, window, _| {
                let y = &mut y[window * channels..][..channels];
                y.iter_mut().zip(&image[pixel * channels..]).for_each(|(y, &x)| *y = y.max(x));
            },
        );
    });
}

/// The images' gradient of [`max_pool`]: each dy goes to the first element of its window that had the maximum.
///
/// # Panics
/// If the lengths do not match.
pub fn max_pool_gradient<T: Real>(geometry: &ConvGeometry, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
    let (channels, out) = (geometry.input[2], geometry.count() * geometry.input[2]);
    assert!(x.len() == dx.len() && y.len() == dy.len() && x.len() / geometry.image_len() * out == y.len());
    let dx = Shared(dx.as_mut_ptr());
    pool::for_each(x.len() / geometry.image_len(), |i| {
        // SAFETY: each task has an image of its own.
        let dx =
            unsafe { std::slice::from_raw_parts_mut(dx.get().add(i * geometry.image_len()), geometry.image_len()) };
        let image = &x[i * geometry.image_len()..][..geometry.image_len()];
        let (y, dy) = (&y[i * out..][..out], &dy[i * out..][..out]);
        dx.fill(T::ZERO);
        with_scratch(out, |left: &mut [T]| {
            left.copy_from_slice(dy);
            geometry.for_each_vectorised(
                #[inline(always)]
                |pixel, window, _| {
                    let (image, dx) = (&image[pixel * channels..][..channels], &mut dx[pixel * channels..][..channels]);
                    let (y, left) = (&y[window * channels..][..channels], &mut left[window * channels..][..channels]);
                    for (((&x, dx), &y), left) in image.iter().zip(dx).zip(y).zip(left) {
                        // Unconditional stores write whole vectors, from which the next loads can be forwarded.
                        let taken = if x == y { *left } else { T::ZERO };
                        *dx += taken;
                        *left -= taken;
                    }
                },
            );
        });
    });
}

/// Calls f for each element of each window of [`max_pool`]: whether it has the window's maximum.
///
/// # Panics
/// If the lengths do not match.
pub fn places_of_largest<T: Real>(geometry: &ConvGeometry, x: &[T], y: &[T], mut f: impl FnMut(bool)) {
    let channels = geometry.input[2];
    assert!(x.len() / geometry.image_len() * geometry.count() * channels == y.len());
    for (image, y) in x.chunks_exact(geometry.image_len()).zip(y.chunks_exact(geometry.count() * channels)) {
        geometry.for_each(|pixel, window, _| {
            let y = &y[window * channels..][..channels];
            image[pixel * channels..].iter().zip(y).for_each(|(x, y)| f(x == y));
        });
    }
}

/// Which positions a window's mean counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Every position of the window; those outside the image are zeros.
    Window,
    /// The positions within the image; if there are none, the mean is 0.
    Image,
}

impl Count {
    /// The weight of each position in its window's mean: 1 / the number that count. The same for every image.
    fn shares<T: Real>(self, geometry: &ConvGeometry, shares: &mut [T]) {
        for (window, share) in shares.iter_mut().enumerate() {
            let positions = match self {
                Count::Window => geometry.window_len(1),
                Count::Image => {
                    geometry.seen(0, window / geometry.output[1]) * geometry.seen(1, window % geometry.output[1])
                }
            };
            *share = T::of(1.0 / positions.max(1) as f64);
        }
    }
}

/// y = the mean over each window and channel.
///
/// # Panics
/// If the lengths do not match.
pub fn average_pool<T: Real>(geometry: &ConvGeometry, count: Count, x: &[T], y: &mut [T]) {
    let channels = geometry.input[2];
    assert!(
        x.len() / geometry.image_len() * geometry.count() * channels == y.len(),
        "conv::average_pool: shapes do not fit"
    );
    with_scratch(geometry.count(), |shares: &mut [T]| {
        count.shares(geometry, shares);
        let shares = &*shares;
        pool::for_each_chunk(y, geometry.count() * channels, |i, y| {
            let image = &x[i * geometry.image_len()..][..geometry.image_len()];
            y.fill(T::ZERO);
            geometry.for_each_vectorised(
                #[inline(always)]
                |pixel, window, _| {
                    let y = &mut y[window * channels..][..channels];
                    y.iter_mut().zip(&image[pixel * channels..]).for_each(|(y, &x)| *y += x);
                },
            );
            for (y, &share) in y.chunks_exact_mut(channels).zip(shares) {
                y.iter_mut().for_each(|y| *y *= share);
            }
        });
    });
}

/// The images' gradient of [`average_pool`].
///
/// # Panics
/// If the lengths do not match.
pub fn average_pool_gradient<T: Real>(geometry: &ConvGeometry, count: Count, dy: &[T], dx: &mut [T]) {
    let (channels, out) = (geometry.input[2], geometry.count() * geometry.input[2]);
    assert!(dx.len() / geometry.image_len() * out == dy.len());
    with_scratch(geometry.count(), |shares: &mut [T]| {
        count.shares(geometry, shares);
        let shares = &*shares;
        pool::for_each_chunk(dx, geometry.image_len(), |i, dx| {
            let dy = &dy[i * out..][..out];
            dx.fill(T::ZERO);
            geometry.for_each_vectorised(
                #[inline(always)]
                |pixel, window, _| {
                    let (dy, share) = (&dy[window * channels..][..channels], shares[window]);
                    dx[pixel * channels..][..channels].iter_mut().zip(dy).for_each(|(dx, &dy)| *dx += dy * share);
                },
            );
        });
    });
}
