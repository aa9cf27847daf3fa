//! Products with constant matrices, and biases.

use super::NodeContext;
use crate::Result;
use crate::import::onnx::flow::Flow;
use crate::import::onnx::graph::{Constant, NodeAttributes};
use crate::import::onnx::layer_builder::{ImportedLayer, LayerBuilder};
use crate::layers::{Conv1d, Conv2d};
use crate::tensor::{Activation, Shape, transposed};

/// Maximum elements of a matrix assembled from several.
const MOST_NUMBERS: usize = 1 << 20;

/// A matrix's elements, rows × columns, optionally transposed.
fn matrix(constant: &Constant, turned: bool) -> Option<(Vec<f64>, usize, usize)> {
    let [rows, columns] = *constant.dims.as_slice() else { return None };
    if !turned {
        return Some((constant.numbers.clone(), rows, columns));
    }
    (rows > 0).then(|| (transposed(&constant.numbers, rows), columns, rows))
}

pub(super) fn gemm(step: &mut NodeContext) -> Result<Flow> {
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

pub(super) fn mat_mul(step: &mut NodeContext) -> Result<Flow> {
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
        _ => return several(step, constant),
    };
    let (weight, units, _) = weight.filter(|&(.., taken)| taken == inputs).ok_or_else(whole)?;
    let mut dims = kept.to_vec();
    dims.extend((constant.dims.len() > 1).then_some(units));
    let identity = Activation::Identity;
    // Over the last of several dimensions it is a pointwise convolution.
    let builder = match step.x.shape.dimensions() {
        _ if kept.is_empty() => return Ok(step.linear(weight, units, None)?.viewed(step.output(), dims)),
        sides if !step.x.is_own() || *sides != *step.x.dims => return Err(whole()),
        [_, _] => LayerBuilder::Conv1d(Conv1d { bias: false, ..Conv1d::new(units, 1, identity) }),
        _ => LayerBuilder::Conv2d(Conv2d { bias: false, ..Conv2d::new(units, 1, identity) }),
    };
    let mut shape = step.x.dims.clone();
    *shape.last_mut().expect("it was split") = units;
    let shape = Shape::try_from(shape).map_err(|error| step.refuse(error))?;
    step.imported.push(ImportedLayer::of(builder, vec![("weight", weight)]));
    Ok(Flow::new(step.output(), shape, dims))
}

/// A batch of matrices within an example: one block matrix, with zeros outside the blocks.
fn several(step: &mut NodeContext, constant: &Constant) -> Result<Flow> {
    let seen = step.x.dims.clone();
    let wrong = || step.refuse(format!("it multiplies {seen:?} by matrices of {:?}", constant.dims));
    let (Some((before, &[rows, inputs])), Some((of, &[taken, columns]))) =
        (seen.split_last_chunk::<2>(), constant.dims.split_last_chunk::<2>())
    else {
        return Err(wrong());
    };
    // The dimensions before the matrices', padded to equal rank, without the batch.
    let of = &of[of.len().saturating_sub(before.len())..];
    let of: Vec<usize> = std::iter::repeat_n(1, before.len() - of.len()).chain(of.iter().copied()).collect();
    let alike = before.iter().zip(&of).all(|(a, b)| a == b || *a == 1 || *b == 1);
    let stacked: Vec<usize> = before.iter().zip(&of).map(|(&a, &b)| if a == 1 { b } else { a }).collect();
    let mut dims = stacked.clone();
    dims.extend([rows, columns]);
    let size = |dims: &[usize]| dims.iter().try_fold(1_usize, |size, &n| size.checked_mul(n));
    let (count, size_in) = (size(&stacked), step.x.shape.size());
    let numbers = size(&dims).and_then(|size| size.checked_mul(size_in)).filter(|&n| n > 0 && n <= MOST_NUMBERS);
    let fits = alike && taken == inputs && constant.dims.len() <= seen.len() + 1;
    let (true, Some(count), Some(numbers)) = (fits, count, numbers) else { return Err(wrong()) };
    step.makes(numbers)?;
    let mut weight = vec![0.0; numbers];
    for part in 0..count {
        let (from, matrix) = (place(part, &stacked, before), place(part, &stacked, &of));
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let unit = (part * rows + row) * columns + column;
            for i in 0..inputs {
                weight[unit * size_in + (from * rows + row) * inputs + i] =
                    constant.numbers[(matrix * inputs + i) * columns + column];
            }
        }
    }
    step.note(
        "several matrices are one, with zeros where a number is no part's",
        "further training fills the zeros",
        "import it to predict alone",
    );
    let output = step.output();
    Ok(step.linear(weight, numbers / size_in, None)?.viewed(output, dims))
}

/// The index of the matrix that broadcasting puts at position i.
fn place(mut i: usize, repeated: &[usize], dims: &[usize]) -> usize {
    let (mut place, mut step) = (0, 1);
    for (&all, &own) in repeated.iter().zip(dims).rev() {
        place += if own == 1 { 0 } else { i % all * step };
        (i, step) = (i / all, step * own);
    }
    place
}

/// A factor and an offset per unit, folded into the weights and bias of the preceding layer.
pub(super) fn arithmetic(step: &mut NodeContext) -> Result<Flow> {
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
    step.scaled(&both)
}
