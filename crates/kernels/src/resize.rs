//! Images, channels last, made larger or smaller by bilinear interpolation.

use crate::Real;
use crate::dispatch::vectorised;
use crate::pool;

/// The two pixels that a pixel of the result lies between along an axis, and the second one's share: pixel i of `to`
/// is at (i + ½) from/to − ½, and beyond the last pixels there is only the last one.
///
/// # Panics
/// If `from` is 0.
#[inline(always)]
pub fn between(i: usize, from: usize, to: usize) -> (usize, usize, f64) {
    let at = ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, (from - 1) as f64);
    let first = at as usize;
    (first, (first + 1).min(from - 1), at - first as f64)
}

/// Calls `f` for each pixel of the result with its index, and index and share of the four pixels around it.
#[inline(always)]
fn for_each(
    [height, width]: [usize; 2],
    [to_height, to_width]: [usize; 2],
    mut f: impl FnMut(usize, [(usize, f64); 4]),
) {
    for y in 0..to_height {
        let (above, below, down) = between(y, height, to_height);
        for x in 0..to_width {
            let (left, right, across) = between(x, width, to_width);
            let corners = [
                (above * width + left, (1.0 - down) * (1.0 - across)),
                (above * width + right, (1.0 - down) * across),
                (below * width + left, down * (1.0 - across)),
                (below * width + right, down * across),
            ];
            f(y * to_width + x, corners);
        }
    }
}

/// y = x, images of height × width × channels, at another height and width.
///
/// # Panics
/// If the lengths do not match, or a size is 0.
pub fn bilinear<T: Real>([height, width, channels]: [usize; 3], to: [usize; 2], x: &[T], y: &mut [T]) {
    let (image_len, result_len) = (height * width * channels, to[0] * to[1] * channels);
    assert!(x.len() / image_len * result_len == y.len(), "resize::bilinear: shapes do not fit");
    pool::for_each_chunk(y, result_len, |i, y| {
        let image = &x[i * image_len..][..image_len];
        vectorised(
            #[inline(always)]
            || {
                for_each([height, width], to, |pixel, corners| {
                    let [a, b, c, d] = corners.map(|(at, share)| (&image[at * channels..][..channels], T::of(share)));
                    let y = &mut y[pixel * channels..][..channels];
                    for (k, y) in y.iter_mut().enumerate() {
                        *y = a.0[k].mul_add(a.1, b.0[k].mul_add(b.1, c.0[k].mul_add(c.1, d.0[k] * d.1)));
                    }
                });
            },
        );
    });
}

/// The gradient of [`bilinear`]: each dy goes to the four pixels in their shares.
///
/// # Panics
/// If the lengths do not match, or a size is 0.
pub fn bilinear_gradient<T: Real>([height, width, channels]: [usize; 3], to: [usize; 2], dy: &[T], dx: &mut [T]) {
    let (image_len, result_len) = (height * width * channels, to[0] * to[1] * channels);
    assert!(dx.len() / image_len * result_len == dy.len(), "resize::bilinear_gradient: shapes do not fit");
    pool::for_each_chunk(dx, image_len, |i, dx| {
        let dy = &dy[i * result_len..][..result_len];
        dx.fill(T::ZERO);
        vectorised(
            #[inline(always)]
            || {
                for_each([height, width], to, |pixel, corners| {
                    let dy = &dy[pixel * channels..][..channels];
                    for (at, share) in corners {
                        let share = T::of(share);
                        let dx = &mut dx[at * channels..][..channels];
                        dx.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx = dy.mul_add(share, *dx));
                    }
                });
            },
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_lie_between_their_neighbours() {
        let mut y = [0.0; 8];
        bilinear([1, 2, 1], [2, 4], &[0.0, 4.0], &mut y);
        assert_eq!(y, [0.0, 1.0, 3.0, 4.0, 0.0, 1.0, 3.0, 4.0]);
        let mut half = [0.0; 2];
        bilinear([2, 2, 2], [1, 1], &[1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0], &mut half);
        assert_eq!(half, [2.5, 25.0]);
    }

    #[test]
    fn the_gradient_is_the_transpose() {
        let (image, to) = ([3, 4, 2], [5, 3]);
        let number = |i: usize| (i * 37 % 19) as f64 - 9.0;
        let (x, dy): (Vec<f64>, Vec<f64>) = ((0..48).map(number).collect(), (0..60).map(|i| number(i + 5)).collect());
        let (mut y, mut dx) = (vec![0.0; 60], vec![0.0; 48]);
        bilinear(image, to, &x, &mut y);
        bilinear_gradient(image, to, &dy, &mut dx);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        assert!((dot(&y, &dy) - dot(&x, &dx)).abs() < 1e-10);
    }
}
