//! Files: written atomically, tensors and cells in them, and the order of their names.

pub mod atomic;
pub mod csv;
pub mod names;
pub mod safetensors;
pub(crate) mod tensors;
