//! Sounds: decoded, mixed to one channel, brought to a rate and a length; and their transforms.

mod decode;
mod fourier;
mod wav;

pub use decode::{Header, header, samples, whole};
pub use fourier::Fourier;
pub use realfft::num_complex::Complex;
