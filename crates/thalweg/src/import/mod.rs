//! Import of models from other formats.

#[cfg(feature = "onnx")]
pub(crate) mod onnx;
mod safetensors;

#[cfg(feature = "onnx")]
pub use onnx::onnx;
pub use safetensors::safetensors;
