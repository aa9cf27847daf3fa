//! Tensors as they stand in files.

use super::safetensors::{Numbers, Stored};
use crate::tensor::{Data, Dtype, Shape, Tensor, View};

/// A tensor under a name.
pub(crate) fn store(name: &str, tensor: View) -> Stored {
    let numbers = match tensor.data() {
        Data::F32(x) => Numbers::F32(x.to_vec()),
        Data::F64(x) => Numbers::F64(x.to_vec()),
    };
    Stored { name: name.into(), shape: tensor.shape().dimensions().to_vec(), numbers }
}

/// The tensor, if it has this shape and type.
pub(crate) fn load(stored: &Stored, shape: Shape, dtype: Dtype) -> Option<Tensor> {
    if stored.shape != shape.dimensions() {
        return None;
    }
    match (&stored.numbers, dtype) {
        (Numbers::F32(x), Dtype::F32) => Some(Tensor::from_f32(shape, x.clone())),
        (Numbers::F64(x), Dtype::F64) => Some(Tensor::from_f64(shape, x.clone())),
        _ => None,
    }
}
