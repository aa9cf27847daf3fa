//! Reading the golden values, and comparing with them.

use serde_json::Value;
use thalweg::tensor::{Shape, Tensor};

/// The values of one file that `make.py` wrote.
pub(crate) fn golden(name: &str) -> Value {
    let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("expected a list, found {value}"))
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("expected a number, found {value}"))
}

pub(crate) fn size(value: &Value) -> usize {
    number(value) as usize
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("expected text, found {value}"))
}

pub(crate) fn tensor(shape: impl Into<Shape>, value: &Value) -> Tensor {
    Tensor::from_f64(shape, numbers(value))
}

/// Each value within `relative` of the golden one, or within `absolute`.
pub(crate) fn assert_each(what: &str, ours: &[f64], theirs: &[f64], relative: f64, absolute: f64) {
    assert_eq!(ours.len(), theirs.len(), "{what}: length");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        let near = (a - b).abs() <= relative * b.abs() + absolute;
        assert!(near, "{what}[{i}]: ours {a:e}, golden {b:e}, relative difference {:e}", (a - b).abs() / b.abs());
    }
}

/// ‖ours − golden‖ / ‖golden‖.
pub(crate) fn distance(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len(), "length");
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut ours.iter().zip(theirs).map(|(a, b)| a - b));
    if difference == 0.0 { 0.0 } else { difference / norm(&mut theirs.iter().copied()) }
}

/// The relative distance of the vectors is at most `tolerance` (a NaN is not).
pub(crate) fn assert_near(what: &str, ours: &[f64], theirs: &[f64], tolerance: f64) {
    let distance = distance(ours, theirs);
    assert!(distance <= tolerance, "{what}: relative distance {distance:e}, at most {tolerance:e} allowed");
}

/// The values under several keys, concatenated.
pub(crate) fn joined(case: &Value, keys: &[&str]) -> Vec<f64> {
    keys.iter().flat_map(|key| numbers(&case[*key])).collect()
}
