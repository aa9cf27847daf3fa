//! Files: written whole or not at all, and tensors in them.

pub mod atomic;
pub mod safetensors;
pub(crate) mod tensors;
