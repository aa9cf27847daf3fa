//! Sounds: decoded, mixed to mono, resampled and cropped or padded; and their transforms.

mod decode;
mod fourier;
mod wav;

pub use decode::{Header, header, samples, whole};
pub use fourier::Fourier;
pub use realfft::num_complex::Complex;
