//! Products with constant matrices, and biases.

use super::Step;
use crate::Result;
use crate::import::onnx::flow::Flow;
use crate::import::onnx::graph::{Constant, Options};
use crate::import::onnx::piece::{Draft, Piece};
use crate::layers::{Conv1d, Conv2d};
use crate::tensor::{Activation, Shape, transposed};

/// A matrix's numbers, transposed where asked for: rows × columns.
fn matrix(constant: &Constant, turned: bool) -> Option<(Vec<f64>, usize, usize)> {
    let [rows, columns] = *constant.dims.as_slice() else { return None };
    if !turned {
        return Some((constant.numbers.clone(), rows, columns));
    }
    (rows > 0).then(|| (transposed(&constant.numbers, rows), columns, rows))
}

pub(super) fn gemm(step: &mut Step) -> Result<Flow> {
    step.only(&[("transA", 0)])?;
    let turned = step.node.int("transB").unwrap_or(0) == 0;
    let found = matrix(step.constant(1)?, turned).filter(|&(.., inputs)| step.x.dims == [inputs]);
    let (mut weight, units, _) =
        found.ok_or_else(|| step.refuse(format!("its weight does not take {:?}", step.x.dims)))?;
    let [alpha, beta] = ["alpha", "beta"].map(|name| step.node.float(name).unwrap_or(1.0));
    weight.iter_mut().for_each(|w| *w *= alpha);
    let bias = match step.optional(2)? {
        None => None,
        Some(bias) => {
            let same = bias.numbers.len() == 1 || bias.numbers.len() == units && bias.dims.last() == Some(&units);
            if !same {
                return Err(step.refuse(format!("its bias of {:?} is not one for all rows", bias.dims)));
            }
            Some((0..units).map(|i| beta * bias.numbers[i % bias.numbers.len()]).collect())
        }
    };
    step.linear(weight, units, bias)
}

pub(super) fn mat_mul(step: &mut Step) -> Result<Flow> {
    let Some((&inputs, kept)) = step.x.dims.split_last() else {
        return Err(step.refuse("it multiplies along the dimension of examples"));
    };
    let constant = step.constant(1)?;
    let whole = || step.refuse(format!("it does not multiply rows of {:?} by a constant matrix", step.x.dims));
    let weight = match *constant.dims.as_slice() {
        [all] => Some((constant.numbers.clone(), 1, all)),
        [_, _] => matrix(constant, true),
        ref dims if dims.len() > step.x.dims.len() && dims[dims.len() - step.x.dims.len() - 1] != 1 => {
            return Err(step.refuse("it has a matrix for each example"));
        }
        _ => return Err(step.refuse("it has several matrices for an example")),
    };
    let (weight, units, _) = weight.filter(|&(.., taken)| taken == inputs).ok_or_else(whole)?;
    let mut dims = kept.to_vec();
    dims.extend((constant.dims.len() > 1).then_some(units));
    let identity = Activation::Identity;
    // Over the last dimension of several it is a convolution of windows of one place.
    let draft = match step.x.shape.dimensions() {
        _ if kept.is_empty() => return Ok(step.linear(weight, units, None)?.viewed(step.output(), dims)),
        sides if !step.x.is_own() || *sides != *step.x.dims => return Err(whole()),
        [_, _] => Draft::Conv1d(Conv1d { bias: false, ..Conv1d::new(units, 1, identity) }),
        _ => Draft::Conv2d(Conv2d { bias: false, ..Conv2d::new(units, 1, identity) }),
    };
    let mut shape = step.x.dims.clone();
    *shape.last_mut().expect("it was split") = units;
    let shape = Shape::try_from(shape).map_err(|error| step.refuse(error))?;
    step.pieces.push(Piece::of(draft, vec![("weight", weight)]));
    Ok(Flow::new(step.output(), shape, dims))
}

/// A factor and a summand for each unit, which become those of the weights and the bias before.
pub(super) fn arithmetic(step: &mut Step) -> Result<Flow> {
    let x = usize::from(step.node.input.first() != Some(&step.x.name));
    let constant = step.constant(1 - x)?;
    let Some(numbers) = step.x.by_unit(constant) else {
        let others = constant.dims.len() > step.x.dims.len() && constant.dims[0] != 1;
        let whose = if others { "each example" } else { "numbers of one unit" };
        return Err(step.refuse(format!("its constant of {:?} has others for {whose}", constant.dims)));
    };
    let apply: fn(f64) -> (f64, f64) = match (step.node.op_type.as_str(), x) {
        ("Add", _) => |c| (1.0, c),
        ("Sub", 0) => |c| (1.0, -c),
        ("Sub", _) => |c| (-1.0, c),
        ("Mul", _) => |c| (c, 0.0),
        ("Div", 0) => |c| (c.recip(), 0.0),
        _ => return Err(step.refuse("it divides by what is computed")),
    };
    let both: Vec<(f64, f64)> = numbers.into_iter().map(apply).collect();
    if !step.pieces.last_mut().is_some_and(|piece| piece.scaled(&both)) {
        return Err(step.refuse("no layer does that alone: it follows no product and no convolution"));
    }
    Ok(step.x.clone().renamed(step.output()))
}
