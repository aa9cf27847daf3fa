//! Convolution of images, channels last, as matrix products: each output sees a window of the input, whose elements are
//! a row of a matrix.
//!
//! Images are h × w × c, filters (of one group) kh × kw × c/groups, in that order. Sums over images are computed in
//! groups of images whose size depends on the shapes alone.

mod depthwise;
mod padded;
mod pools;
mod product;
mod winograd;

pub use pools::{Count, average_pool, average_pool_gradient, max_pool, max_pool_gradient, places_of_largest};
pub use product::{Conv, Convolution};

use crate::Real;
use crate::dispatch::vectorised;

/// Groups of images whose filter gradients are computed separately.
const PARTS: usize = 16;

/// The windows of a convolution or a pooling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvGeometry {
    /// Height, width and channels of an image.
    pub input: [usize; 3],
    /// Height and width of a window.
    pub size: [usize; 2],
    /// Pixels from one window to the next, down and across.
    pub stride: [usize; 2],
    /// Padding above and left of the image; below and right of it there is as much as the windows reach.
    pub padding: [usize; 2],
    /// Pixels from one element of a window to the next.
    pub dilation: [usize; 2],
    /// The number of windows, down and across.
    pub output: [usize; 2],
}

impl ConvGeometry {
    /// The number of windows in an image.
    pub fn count(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Elements of an image.
    pub fn image_len(&self) -> usize {
        self.input.iter().product()
    }

    /// Elements of a window over some of the channels.
    fn window_len(&self, channels: usize) -> usize {
        self.size[0] * self.size[1] * channels
    }

    /// The distance in pixels from a window's first element to its last, down or across.
    fn reach(&self, axis: usize) -> usize {
        (self.size[axis] - 1) * self.dilation[axis]
    }

    /// The number of a window's rows (or columns) that are within the image; `window` is its index down (or across).
    pub fn seen(&self, axis: usize, window: usize) -> usize {
        let at = |k: usize| (window * self.stride[axis] + k * self.dilation[axis]).wrapping_sub(self.padding[axis]);
        (0..self.size[axis]).filter(|&k| at(k) < self.input[axis]).count()
    }

    /// Calls `f(pixel, window, tap)`, the index of each, for every element of every window that is within the image.
    #[inline(always)]
    fn for_each(&self, mut f: impl FnMut(usize, usize, usize)) {
        let [height, width, _] = self.input;
        for oy in 0..self.output[0] {
            for ox in 0..self.output[1] {
                let window = oy * self.output[1] + ox;
                for ky in 0..self.size[0] {
                    let y = (oy * self.stride[0] + ky * self.dilation[0]).wrapping_sub(self.padding[0]);
                    if y >= height {
                        continue;
                    }
                    for kx in 0..self.size[1] {
                        let x = (ox * self.stride[1] + kx * self.dilation[1]).wrapping_sub(self.padding[1]);
                        if x < width {
                            f(y * width + x, window, ky * self.size[1] + kx);
                        }
                    }
                }
            }
        }
    }

    /// As [`ConvGeometry::for_each`], compiled for the machine's instructions.
    #[inline(always)]
    fn for_each_vectorised(&self, f: impl FnMut(usize, usize, usize)) {
        vectorised(
            #[inline(always)]
            || self.for_each(f),
        );
    }

    /// Adds the rows of windows to the pixels that their elements were read from (col2im).
    fn fold<T: Real>(&self, rows: &[T], [first, count]: [usize; 2], image: &mut [T]) {
        let (channels, window_len) = (self.input[2], self.window_len(count));
        self.for_each_vectorised(
            #[inline(always)]
            |pixel, window, tap| {
                let to = &mut image[pixel * channels + first..][..count];
                let from = &rows[window * window_len + tap * count..][..count];
                to.iter_mut().zip(from).for_each(|(to, &from)| *to += from);
            },
        );
    }
}
