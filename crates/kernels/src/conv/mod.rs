//! Convolution of images, channels last, as products: each output looks at a window of the input, whose elements are a row
//! of a matrix.
//!
//! Images are h × w × c, filters (of one group) kh × kw × c/groups, in that order. Sums over images are taken in groups of
//! images whose size depends on the shapes alone.

mod depthwise;
mod padded;
mod pools;
mod product;
mod winograd;

pub use pools::{Count, average_pool, average_pool_gradient, max_pool, max_pool_gradient, places_of_largest};
pub use product::{Conv, Convolution};

use crate::Real;
use crate::dispatch::vectorised;

/// Groups of images whose filter gradients are computed apart.
const PARTS: usize = 16;

/// Where the windows of a convolution or a pooling lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvGeometry {
    /// Height, width and channels of an image.
    pub input: [usize; 3],
    /// Height and width of a window.
    pub size: [usize; 2],
    /// Steps from a window to the next, down and across.
    pub stride: [usize; 2],
    /// Places above and left of the image; below and right of it there are as many as the windows reach.
    pub padding: [usize; 2],
    /// Steps from an element of a window to the next.
    pub dilation: [usize; 2],
    /// How many windows there are, down and across.
    pub output: [usize; 2],
}

impl ConvGeometry {
    /// How many windows there are.
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

    /// Pixels from the first of a window to the last, down or across.
    fn reach(&self, axis: usize) -> usize {
        (self.size[axis] - 1) * self.dilation[axis]
    }

    /// How many places of the window that is so many windows down or across are within the image.
    pub fn seen(&self, axis: usize, window: usize) -> usize {
        let place = |k: usize| (window * self.stride[axis] + k * self.dilation[axis]).wrapping_sub(self.padding[axis]);
        (0..self.size[axis]).filter(|&k| place(k) < self.input[axis]).count()
    }

    /// Calls `f(place in the image, window, place in the window)` for each place of each window that is within the image,
    /// places counted in pixels.
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

    /// Adds rows of windows to where their elements came from.
    fn fold<T: Real>(&self, rows: &[T], [first, count]: [usize; 2], image: &mut [T]) {
        let (channels, window_len) = (self.input[2], self.window_len(count));
        self.for_each_vectorised(
            #[inline(always)]
            |pixel, window, place| {
                let to = &mut image[pixel * channels + first..][..count];
                let from = &rows[window * window_len + place * count..][..count];
                to.iter_mut().zip(from).for_each(|(to, &from)| *to += from);
            },
        );
    }
}
