//! Models from the formats of others.

mod safetensors;

pub use safetensors::safetensors;
