//! Conversion between tensors and their stored form.

use std::collections::{HashMap, HashSet};

use super::safetensors::{Stored, TensorData};
use crate::tensor::{Dtype, Shape, Tensor, Values, View};

/// A tensor stored under a name.
pub(crate) fn store(name: &str, tensor: View) -> Stored {
    let numbers = match tensor.to_values() {
        Values::F32(x) => TensorData::F32(x),
        Values::F64(x) => TensorData::F64(x),
    };
    Stored { name: name.into(), shape: tensor.shape().dimensions().to_vec(), numbers }
}

/// The tensors of these names, shapes and dtypes, if a file has exactly these.
///
/// # Errors
/// If one is missing, mismatched, or unexpected, naming it.
pub(crate) fn exactly(found: &[Stored], wanted: &[(&str, Shape, Dtype)]) -> Result<Vec<Tensor>, String> {
    let names: HashMap<&str, &Stored> = found.iter().map(|stored| (stored.name.as_str(), stored)).collect();
    let each = wanted.iter().map(|&(name, shape, dtype)| {
        let stored = names.get(name).ok_or_else(|| format!("there is no tensor {name:?}"))?;
        load(stored, shape, dtype).ok_or_else(|| {
            let kind = stored.numbers.dtype();
            format!("the tensor {name:?} is {kind} of shape {:?}, expected {dtype:?} of {shape:?}", stored.shape)
        })
    });
    let tensors = each.collect::<Result<Vec<_>, String>>()?;
    // Names are unique within a file.
    if found.len() > wanted.len() {
        let wanted: HashSet<&str> = wanted.iter().map(|(name, ..)| *name).collect();
        let other = found.iter().find(|stored| !wanted.contains(stored.name.as_str()));
        return Err(format!("the tensor {:?} belongs to nothing", other.map_or("", |other| &other.name)));
    }
    Ok(tensors)
}

/// The first element that satisfies a predicate.
pub(crate) fn first(tensor: &Tensor, is: impl Fn(f64) -> bool) -> Option<f64> {
    let view = tensor.view();
    (0..view.len()).map(|i| view.at(i)).find(|&x| is(x))
}

/// The tensor, if it has this shape and dtype.
fn load(stored: &Stored, shape: Shape, dtype: Dtype) -> Option<Tensor> {
    if stored.shape != shape.dimensions() {
        return None;
    }
    match (&stored.numbers, dtype) {
        (TensorData::F32(x), Dtype::F32) => Some(Tensor::from_f32(shape, x.clone())),
        (TensorData::F64(x), Dtype::F64) => Some(Tensor::from_f64(shape, x.clone())),
        _ => None,
    }
}
