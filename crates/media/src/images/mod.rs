//! Pictures: decoded, turned upright, brought to a size; and encoded again.

mod decode;
mod encode;

pub use decode::{Header, header, pixels};
pub use encode::{encode, png};
