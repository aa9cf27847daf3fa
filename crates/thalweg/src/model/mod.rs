//! Files that hold a model: how they are laid out, and how they reach the disk.

pub mod atomic;
pub mod safetensors;
