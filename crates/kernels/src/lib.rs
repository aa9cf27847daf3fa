//! The numerical kernels of Thalweg: slices in, slices out.
//!
//! Every value a kernel writes is computed by operations in an order that depends only on the mathematical shape: never
//! on threads, tiles, or how rows were batched. So results have the same bits for any number of threads, and a row's
//! result is the same alone or among others. This crate is the only one with `unsafe` code.

pub mod aligned_buf;
pub mod attention;
pub mod batch_norm;
pub mod bf16;
pub mod conv;
mod dispatch;
pub mod elementwise;
mod float32;
pub mod gather;
pub mod gemm;
mod huge_pages;
mod lanes;
pub mod layer_norm;
mod matrix;
pub mod peak;
pub mod pool;
mod prefetch;
pub mod random;
mod real;
pub mod recurrent;
pub mod reduce;
pub mod resize;
mod scratch;
pub mod softmax;
pub mod update;
pub mod waves;

pub use dispatch::{Instructions, instructions, wanted};
pub use real::Real;
