//! Images: decoded, oriented, resized; and encoded.

mod animation;
mod decode;
mod encode;

pub use animation::{clip, frames};
pub use decode::{Header, header, pixels};
pub use encode::{encode, png};
