//! Models from the formats of others.

#[cfg(feature = "onnx")]
pub(crate) mod onnx;
mod safetensors;

#[cfg(feature = "onnx")]
pub use onnx::onnx;
pub use safetensors::safetensors;
