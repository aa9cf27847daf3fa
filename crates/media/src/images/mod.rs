//! Images: decoded, oriented, resized; and encoded.

mod decode;
mod encode;

pub use decode::{Header, header, pixels};
pub use encode::{encode, png};
