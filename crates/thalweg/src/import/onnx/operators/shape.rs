//! Reshapes and transpositions.

use super::NodeContext;
use crate::Result;
use crate::import::onnx::flow::Flow;
use crate::import::onnx::graph::NodeAttributes;

pub(super) fn flatten(step: &mut NodeContext) -> Result<Flow> {
    match step.node.int("axis").unwrap_or(1) {
        axis if axis == 1 || axis == -(step.x.dims.len() as i64) => {
            let size = step.x.shape.size();
            Ok(step.x.clone().viewed(step.output(), vec![size]))
        }
        axis => Err(step.refuse(format!("axis = {axis} takes examples apart"))),
    }
}

pub(super) fn reshape(step: &mut NodeContext) -> Result<Flow> {
    let size = step.x.shape.size();
    let wanted = step.integers("shape")?.ok_or_else(|| step.refuse("it does not say which shape"))?;
    let copies = step.node.int("allowzero").unwrap_or(0) == 0;
    let wrong = || step.refuse(format!("it makes {wanted:?} of examples of {:?}", step.x.dims));
    // If the reshape keeps examples intact, the first dimension is still the batch.
    let (rows, each) = wanted.split_first().ok_or_else(wrong)?;
    let number = |i: usize, n: i64| match n {
        0 if copies => step.x.dims.get(i).copied(),
        n => usize::try_from(n).ok(),
    };
    // One dimension may be inferred (−1).
    let open = each.iter().filter(|&&n| n == -1).count() + usize::from(*rows == -1);
    let known: Option<Vec<usize>> =
        each.iter().enumerate().map(|(i, &n)| if n == -1 { Some(1) } else { number(i, n) }).collect();
    let known = known.ok_or_else(wrong)?;
    let product = known.iter().try_fold(1_usize, |product, &n| product.checked_mul(n)).ok_or_else(wrong)?;
    let left = size.checked_div(product).ok_or_else(wrong)?;
    let dims: Vec<usize> = each.iter().zip(&known).map(|(&n, &known)| if n == -1 { left } else { known }).collect();
    if open > 1 || dims.iter().product::<usize>() != size {
        return Err(wrong());
    }
    Ok(step.x.clone().viewed(step.output(), dims))
}

/// Squeezes and unsqueezes.
pub(super) fn view(step: &mut NodeContext) -> Result<Flow> {
    let axes = step.integers("axes")?.ok_or_else(|| step.refuse("it does not say which axes"))?;
    let mut dims = step.x.dims.clone();
    let squeeze = step.node.op_type == "Squeeze";
    let rank = dims.len() as i64 + 1 + if squeeze { 0 } else { axes.len() as i64 };
    let mut places: Vec<i64> = axes.iter().map(|&axis| if axis < 0 { rank + axis } else { axis } - 1).collect();
    places.sort_unstable();
    if squeeze {
        places.reverse();
    }
    for place in places {
        let place = usize::try_from(place).ok();
        match place {
            Some(place) if squeeze && dims.get(place) == Some(&1) => drop(dims.remove(place)),
            Some(place) if !squeeze && place <= dims.len() => dims.insert(place, 1),
            _ => return Err(step.refuse(format!("axes {axes:?} of examples of {:?}", step.x.dims))),
        }
    }
    Ok(step.x.clone().viewed(step.output(), dims))
}

pub(super) fn transpose(step: &mut NodeContext) -> Result<Flow> {
    let rank = step.x.dims.len() + 1;
    let order: Vec<usize> = match step.node.ints("perm") {
        Some(order) => order.iter().filter_map(|&axis| usize::try_from(axis).ok()).collect(),
        None => (0..rank).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    let examples_stay = order.first() == Some(&0) && sorted == (0..rank).collect::<Vec<_>>();
    let inner: Vec<usize> = order.iter().skip(1).map(|&axis| axis.saturating_sub(1)).collect();
    examples_stay
        .then(|| step.x.transposed(step.output(), &inner))
        .flatten()
        .ok_or_else(|| step.refuse(format!("the order {order:?} neither puts channels first nor last")))
}
