//! Images with the zero padding that windows see.

use super::ConvGeometry;
use crate::Real;
use crate::gemm::Axis;

/// The shape of an image with the zero padding that windows see.
#[derive(Clone, Copy)]
pub(super) struct Padded {
    /// Height, width and channels of the image.
    pub(super) image: [usize; 3],
    /// Padding above and left of it.
    pub(super) before: [usize; 2],
    /// Height and width including the padding.
    pub(super) size: [usize; 2],
}

impl Padded {
    /// An image with as much padding as its windows see.
    pub(super) fn seen(geometry: &ConvGeometry) -> Self {
        let end = |i: usize| (geometry.output[i] - 1) * geometry.stride[i] + geometry.reach(i) + 1;
        let size = [0, 1].map(|i| end(i).max(geometry.padding[i] + geometry.input[i]));
        Padded { image: geometry.input, before: geometry.padding, size }
    }

    fn is_plain(&self) -> bool {
        self.size == self.image[..2]
    }

    fn len(&self) -> usize {
        self.size[0] * self.size[1] * self.image[2]
    }

    /// Elements of the buffer that [`Padded::of`] needs for this many images.
    pub(super) fn batch_len(&self, images: usize) -> usize {
        if self.is_plain() { 0 } else { images * self.len() }
    }

    /// The images with their padding, or unchanged if they need none.
    pub(super) fn of<'a, T: Real>(&self, images: &'a [T], room: &'a mut [T]) -> &'a [T] {
        if self.is_plain() {
            return images;
        }
        let [height, width, channels] = self.image;
        let ([above, left], line) = (self.before, self.size[1] * channels);
        // Pixels that no window sees are left out.
        let width_seen = width.min(self.size[1] - left) * channels;
        room.fill(T::ZERO);
        for (to, image) in room.chunks_exact_mut(self.len()).zip(images.chunks_exact(height * width * channels)) {
            for (to, from) in to.chunks_exact_mut(line).skip(above).zip(image.chunks_exact(width * channels)) {
                to[left * channels..][..width_seen].copy_from_slice(&from[..width_seen]);
            }
        }
        room
    }

    /// The offsets of the windows' first elements.
    pub(super) fn places(&self, images: usize, output: [usize; 2], stride: [usize; 2]) -> Axis {
        let [line, pixel] = [self.size[1] * self.image[2], self.image[2]];
        Axis::new([images, output[0], output[1]], [self.len(), stride[0] * line, stride[1] * pixel])
    }

    /// The offsets of a window's elements, over some of the channels.
    pub(super) fn window(&self, size: [usize; 2], dilation: [usize; 2], channels: usize) -> Axis {
        let [line, pixel] = [self.size[1] * self.image[2], self.image[2]];
        Axis::new([size[0], size[1], channels], [dilation[0] * line, dilation[1] * pixel, 1])
    }
}
