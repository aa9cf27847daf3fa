//! Files: written atomically, and tensors in them.

pub mod atomic;
pub mod csv;
pub mod safetensors;
pub(crate) mod tensors;
