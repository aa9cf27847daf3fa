//! Parameters as PyTorch names and lays them out: channels first, where ours are last.

use super::steps::{NodeKind, Step};
use crate::tensor::Shape;

/// A parameter of ours beside the same in a PyTorch `state_dict`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ParamMapping {
    /// `layers.1.gamma`.
    pub(crate) ours: String,
    /// `layers.1.weight`.
    pub(crate) theirs: String,
    /// The shape there.
    pub(crate) shape: Vec<usize>,
    /// Our dimensions; a weight of flattened images has theirs one by one.
    dimensions: Vec<usize>,
    /// Which of our dimensions each of theirs is.
    axes: Vec<usize>,
}

impl ParamMapping {
    /// A parameter whose numbers lie alike.
    fn same(step: &Step, ours: &str, theirs: &str, shape: &[usize]) -> ParamMapping {
        ParamMapping::turned(step, (ours, theirs), shape.to_vec(), (0..shape.len()).collect())
    }

    fn turned(step: &Step, (ours, theirs): (&str, &str), dimensions: Vec<usize>, axes: Vec<usize>) -> ParamMapping {
        let shape = axes.iter().map(|&axis| dimensions[axis]).collect();
        let name = |own: &str| format!("{}.{own}", step.name);
        ParamMapping { ours: name(ours), theirs: name(theirs), shape, dimensions, axes }
    }

    /// The same numbers under another shape.
    fn shaped(self, shape: Vec<usize>) -> ParamMapping {
        ParamMapping { shape, ..self }
    }

    /// Our numbers in their order.
    pub(crate) fn to_theirs<T: Copy>(&self, numbers: &[T]) -> Vec<T> {
        self.places().into_iter().map(|place| numbers[place]).collect()
    }

    /// Their numbers in our order.
    pub(crate) fn to_ours<T: Copy + Default>(&self, numbers: &[T]) -> Vec<T> {
        let mut ours = vec![T::default(); numbers.len()];
        for (place, number) in self.places().into_iter().zip(numbers) {
            ours[place] = *number;
        }
        ours
    }

    /// Where each of their numbers stands in ours.
    fn places(&self) -> Vec<usize> {
        let mut places = vec![0];
        for &axis in &self.axes {
            let step: usize = self.dimensions[axis + 1..].iter().product();
            let along = (0..self.dimensions[axis]).map(|i| i * step).collect::<Vec<_>>();
            places = places.iter().flat_map(|place| along.iter().map(move |more| place + more)).collect();
        }
        places
    }
}

/// The last dimension before all others but the first `kept`.
fn channels_after(kept: usize, rank: usize) -> Vec<usize> {
    (0..kept).chain([rank - 1]).chain(kept..rank - 1).collect()
}

/// Every parameter of the steps, in order.
pub(crate) fn param_mappings(steps: &[Step]) -> Vec<ParamMapping> {
    steps.iter().flat_map(of_step).collect()
}

fn of_step(step: &Step) -> Vec<ParamMapping> {
    let input = step.input.dimensions();
    match &step.kind {
        NodeKind::Linear(linear) => {
            let flat = vec![linear.units, step.input.size()];
            let weight = if step.channels_first {
                let dimensions = [&[linear.units], input].concat();
                let axes = channels_after(1, dimensions.len());
                ParamMapping::turned(step, ("weight", "weight"), dimensions, axes).shaped(flat)
            } else {
                ParamMapping::same(step, "weight", "weight", &flat)
            };
            let bias = linear.bias.then(|| ParamMapping::same(step, "bias", "bias", &[linear.units]));
            [weight].into_iter().chain(bias).collect()
        }
        NodeKind::Convolution(convolution) => {
            let [height, width] = convolution.frame.windows.size;
            let channels = convolution.frame.windows.input[2] / convolution.groups;
            let sides = convolution.frame.each([height, width]);
            let dimensions = [&[convolution.filters][..], &sides, &[channels]].concat();
            let axes = channels_after(1, dimensions.len());
            let weight = ParamMapping::turned(step, ("weight", "weight"), dimensions, axes);
            let bias = convolution.bias.then(|| ParamMapping::same(step, "bias", "bias", &[convolution.filters]));
            [weight].into_iter().chain(bias).collect()
        }
        NodeKind::BatchNorm(_) => {
            let names = [("gamma", "weight"), ("beta", "bias"), ("mean", "running_mean"), ("variance", "running_var")];
            let dimensions = norm_dimensions(step.input);
            names.map(|names| of_units(step, names, &dimensions).shaped(vec![step.input.units()])).into()
        }
        NodeKind::LayerNorm(norm) => {
            [("gamma", "weight"), ("beta", "bias")].map(|names| of_units(step, names, &norm.normed(&step.input))).into()
        }
        NodeKind::Embedding(embedding) => {
            let table = |(j, column): (usize, &crate::layers::Embedded)| {
                ParamMapping::same(
                    step,
                    &format!("table{j}"),
                    &format!("{j}.weight"),
                    &[column.slots, column.dimension],
                )
            };
            embedding.columns.iter().enumerate().map(table).collect()
        }
        NodeKind::Residual { layers, shortcut, .. } => [param_mappings(layers), param_mappings(shortcut)].concat(),
        NodeKind::Activation(_) | NodeKind::Dropout(_) | NodeKind::Pool(_) | NodeKind::LogMel(_) => Vec::new(),
    }
}

/// A number for each unit of a norm; channels are first only where all of an example is normed together.
fn of_units(step: &Step, names: (&str, &str), dimensions: &[usize]) -> ParamMapping {
    let rank = dimensions.len();
    let turned = step.channels_first && rank == step.input.dimensions().len();
    let axes = if turned { channels_after(0, rank) } else { (0..rank).collect() };
    ParamMapping::turned(step, names, dimensions.to_vec(), axes)
}

/// Each channel of an image, else each number of an example.
fn norm_dimensions(input: Shape) -> Vec<usize> {
    match *input.dimensions() {
        [_, _, channels] => vec![channels],
        ref all => all.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Linear;
    use crate::tensor::Activation;

    fn linear(input: impl Into<Shape>, channels_first: bool) -> ParamMapping {
        let linear = Linear::new(2, Activation::Identity);
        let (input, kind) = (input.into(), NodeKind::Linear(linear));
        let step =
            Step { name: "l".into(), description: String::new(), kind, input, output: [2].into(), channels_first };
        of_step(&step).swap_remove(0)
    }

    #[test]
    fn the_columns_of_a_weight_follow_the_flattened_image() {
        // Images of 1×2 pixels and 3 channels: pixel by pixel ours, channel by channel theirs.
        let twin = linear([1, 2, 3], true);
        assert_eq!(twin.shape, [2, 6]);
        let ours: Vec<usize> = (0..12).collect();
        let theirs = twin.to_theirs(&ours);
        assert_eq!(theirs, [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
        assert_eq!(twin.to_ours(&theirs), ours);
        assert_eq!(linear([6], false).to_theirs(&ours), ours);
    }
}
