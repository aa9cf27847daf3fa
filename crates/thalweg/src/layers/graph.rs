//! Layers as a graph of a few operations: what a layer computes in prediction, as every export format sees it.
//!
//! A layer lowers itself ([`Layer::lower`]); the formats translate operations and never see the layer's kind
//! or options. Shapes are those of one example, channels last. Parameters go by the names that the layer gives them.

use super::{Bag, BinnedInput, Embedded, Layer, LogMelOptions, Padding, Pair, Pooling};
use crate::error::Result;
use crate::tensor::conv::ConvGeometry;
use crate::tensor::sequence::{Cell, Gathering};
use crate::tensor::{Activation, Shape};
use crate::windows;

/// A layer as operations, one after the other.
#[derive(Debug, Clone)]
pub struct Node {
    /// The prefix of its parameters' names: `layers.3`, or `layers.3.shortcut.0` within a residual block.
    pub name: String,
    /// A human-readable line.
    pub description: String,
    /// The shape of its input.
    pub input: Shape,
    /// What it does.
    pub ops: Vec<Op>,
}

/// An operation on an example.
#[derive(Debug, Clone)]
pub enum Op {
    /// y = factor · x Wᵀ + b on an example, flattened.
    Dense {
        /// The factor of the product, usually 1.
        factor: f64,
        /// Rows of W.
        units: usize,
        /// W.
        weight: &'static str,
        /// b.
        bias: Option<&'static str>,
    },
    /// A convolution: W is filters × window × channels per group, b has one element per filter.
    Convolution {
        /// The windows.
        frame: Frame,
        /// The number of filters.
        filters: usize,
        /// Groups of channels, each with its own filters.
        groups: usize,
        /// W.
        weight: &'static str,
        /// b.
        bias: Option<&'static str>,
    },
    /// Pooling, channel by channel.
    Pool {
        /// The windows.
        frame: Frame,
        /// What each is reduced to.
        take: Pooling,
        /// Whether one window covers the whole example, so that only the channels are left.
        global: bool,
    },
    /// Bilinear interpolation of images, with half a pixel before the first.
    Resize {
        /// The height of the result.
        height: usize,
        /// Its width.
        width: usize,
    },
    /// y = γ (x − μ)/√(σ² + ε) + β: per channel for images, per unit for other examples.
    BatchNorm {
        /// ε.
        epsilon: f64,
        /// The weight of the past in the running averages.
        momentum: f64,
        /// γ, β, μ and σ².
        parameters: [&'static str; 4],
    },
    /// y = γ (x − μ)/√(σ² + ε) + β, with the mean and variance over the last axes of each example.
    LayerNorm {
        /// How many axes are normalised together.
        axes: usize,
        /// ε.
        epsilon: f64,
        /// γ and β, one element per position along those axes.
        parameters: [&'static str; 2],
    },
    /// y = γ x, with one element of γ per position along the last axis.
    Scale(&'static str),
    /// y = g(x).
    Activation(Activation),
    /// Dropout, which prediction leaves out.
    Dropout {
        /// The share that is dropped.
        rate: f64,
    },
    /// The first values of a row unchanged, and for each code after them a row of its table.
    Embedding {
        /// How many values pass unchanged.
        dense: usize,
        /// The tables, each with its name.
        tables: Vec<(&'static str, Embedded)>,
    },
    /// x, and after it for each column ReLU(W e + b), e being the column's bins: W is `columns.0.weight`, dimension ×
    /// bins, and b is `columns.0.bias`.
    PiecewiseLinear {
        /// The values that each column becomes.
        dimension: usize,
        /// The columns and their bins.
        columns: Vec<BinnedInput>,
    },
    /// x, and after it for each of these inputs ReLU(W [cos v, sin v] + b), v = 2π c x: c is `frequencies`, W `weight` and b
    /// `bias`, with the inputs as their first dimension.
    Periodic {
        /// The values that each input becomes.
        dimension: usize,
        /// The frequencies of each input.
        frequencies: usize,
        /// The inputs.
        inputs: Vec<usize>,
    },
    /// x without the bags that it begins with, and after it the vector of each, the sum of its codes' rows of
    /// `columns.0.weight` by their weights.
    TextBag {
        /// The values that each bag becomes.
        dimension: usize,
        /// The bags.
        columns: Vec<Bag>,
    },
    /// y = F(x) + S(x), each a chain of nodes; an empty chain is x itself.
    Add {
        /// F.
        layers: Vec<Node>,
        /// S.
        shortcut: Vec<Node>,
    },
    /// The outputs of several chains of nodes on x, flat, one after the other.
    Branches {
        /// The chains.
        members: Vec<Vec<Node>>,
    },
    /// The logits of the weighted mean of the members' answers g(z), from their logits one after the other.
    Average {
        /// How many there are.
        members: usize,
        /// g: the identity, softmax or sigmoid.
        of: Activation,
        /// The members' weights, 1 in all; none where all weigh the same.
        weights: Vec<f64>,
    },
    /// Layers on sequences. What counts of an example, T numbers or T × (C + 1), ends with the last step whose number, or
    /// last channel, is at least ½; the layers are given the numbers, or the other channels, with 0 after that.
    Sequence {
        /// The layers.
        layers: Vec<Node>,
    },
    /// Layers on each of so many frames, which lie below each other: t × n, n being what the layers make of one, flattened.
    Frames {
        /// t.
        count: usize,
        /// The layers.
        layers: Vec<Node>,
    },
    /// Layers on the first values of a row: what follows these, and after it what the layers make of them, flattened.
    First {
        /// How many values there are of them.
        inputs: usize,
        /// The layers.
        layers: Vec<Node>,
    },
    /// Within a sequence: 0 at the steps after those that count.
    ClearPadding,
    /// A row of its table for each token of a row; 0 for token 0 and for numbers that are no token.
    Tokens {
        /// Rows of the table.
        tokens: usize,
        /// Its columns.
        dimension: usize,
        /// The table.
        weight: &'static str,
    },
    /// y = x + P with these values of P, the same for each example.
    Positions(Vec<f64>),
    /// A recurrent layer from a state of 0. Its parameters are `input_weight`, `state_weight`, `input_bias` and `state_bias`,
    /// in PyTorch's order of gates, and the same with `reverse_` before it.
    Recurrent {
        /// Its equations.
        cell: Cell,
        /// H.
        units: usize,
        /// Whether there is another from the last step to the first, whose states follow.
        bidirectional: bool,
        /// Whether all states are given, T × H, or the last one.
        every: bool,
    },
    /// Multi-head self-attention.
    Attention {
        /// How many heads there are.
        heads: usize,
        /// W and b of queries, keys and values, and of the output.
        parameters: [&'static str; 4],
    },
    /// T × C to C, without the steps that do not count.
    PoolOverTime {
        /// What is taken.
        take: Gathering,
        /// The score's w, 1 × C, of attention.
        weight: &'static str,
    },
    /// The spectrum of a sound in mel bands.
    LogMel(LogMelOptions),
}

/// The windows of a convolution or of pooling.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Whether they move along time only: then the second of each pair counts.
    pub line: bool,
    /// The padding as configured.
    pub padding: Padding,
    /// The resulting geometry.
    pub windows: ConvGeometry,
}

impl Frame {
    /// The windows of a layer of this kind over images, or over sounds as images one pixel high.
    ///
    /// # Errors
    /// If the input is not an image, or no window fits.
    pub fn new(layer: &str, image: Shape, line: bool, options: [Pair; 3], padding: Padding) -> Result<Frame> {
        let windows = windows::windows(layer, windows::image(layer, image)?, options, padding)?;
        Ok(Frame { line, padding, windows })
    }

    /// The entries of a pair for the dimensions that count.
    pub(crate) fn each<T: Copy>(&self, pair: [T; 2]) -> Vec<T> {
        pair[usize::from(self.line)..].to_vec()
    }

    /// The shape of an example as the windows see it.
    pub(crate) fn seen(&self) -> Shape {
        self.shape(self.windows.input)
    }

    fn shape(&self, [height, width, channels]: [usize; 3]) -> Shape {
        if self.line { [width, channels].into() } else { [height, width, channels].into() }
    }

    /// How far windows reach beyond the example, before and after it, in each dimension.
    pub(crate) fn around(&self) -> [[usize; 2]; 2] {
        [0, 1].map(|axis| {
            let ConvGeometry { input, size, stride, padding, dilation, output } = &self.windows;
            let reach = (output[axis] - 1) * stride[axis] + (size[axis] - 1) * dilation[axis] + 1;
            [padding[axis], reach.saturating_sub(input[axis] + padding[axis])]
        })
    }

    /// Whether the padding before, applied on both sides, gives the same windows.
    pub(crate) fn is_symmetric(&self) -> bool {
        let ConvGeometry { input, size, stride, padding, dilation, output } = &self.windows;
        [0, 1].into_iter().all(|axis| {
            let reach = (size[axis] - 1) * dilation[axis] + 1;
            let room = input[axis] + 2 * padding[axis];
            room >= reach && (room - reach) / stride[axis] + 1 == output[axis]
        })
    }
}

impl Op {
    /// The output's shape for an input shape.
    pub fn output(&self, input: Shape) -> Shape {
        let windowed = |frame: &Frame, channels: usize| {
            let [height, width] = frame.windows.output;
            frame.shape([height, width, channels])
        };
        match self {
            Op::Dense { units, .. } => [*units].into(),
            Op::Convolution { frame, filters, .. } => windowed(frame, *filters),
            Op::Pool { frame, global: true, .. } => [frame.windows.input[2]].into(),
            Op::Pool { frame, .. } => windowed(frame, frame.windows.input[2]),
            Op::Resize { height, width } => {
                [*height, *width, input.image().map_or(1, |[.., channels]| channels)].into()
            }
            Op::Embedding { dense, tables } => {
                [tables.iter().map(|(_, table)| table.dimension).sum::<usize>() + dense].into()
            }
            Op::PiecewiseLinear { dimension, columns } => [input.size() + dimension * columns.len()].into(),
            Op::Periodic { dimension, inputs, .. } => [input.size() + dimension * inputs.len()].into(),
            Op::TextBag { dimension, columns } => {
                let taken: usize = columns.iter().map(|bag| 2 * bag.slots).sum();
                [input.size() - taken + dimension * columns.len()].into()
            }
            Op::Add { layers, .. } => layers.last().map_or(input, Node::output),
            Op::Branches { members } => {
                let output = |nodes: &Vec<Node>| nodes.last().map_or(input, Node::output).size();
                [members.iter().map(output).sum()].into()
            }
            Op::Average { members, .. } => [input.size() / members].into(),
            Op::LogMel(options) => {
                let bands = options.bands();
                [bands.frames(input.size()), bands.coefficients.unwrap_or(bands.bands), 1].into()
            }
            Op::Sequence { layers } => layers.last().map_or_else(|| sequence_values(input), Node::output),
            Op::Frames { count, layers } => {
                [*count, layers.last().map_or_else(|| one_frame(input, *count), Node::output).size()].into()
            }
            Op::First { inputs, layers } => {
                [input.size() - inputs + layers.last().map_or(*inputs, |last| last.output().size())].into()
            }
            Op::Tokens { dimension, .. } => [input.size(), *dimension].into(),
            Op::Recurrent { units, bidirectional, every, .. } => {
                let width = units * (1 + usize::from(*bidirectional));
                if *every { [input.dimensions()[0], width].into() } else { [width].into() }
            }
            Op::PoolOverTime { .. } => [input.dimensions().get(1).copied().unwrap_or(1)].into(),
            Op::BatchNorm { .. }
            | Op::LayerNorm { .. }
            | Op::Scale(_)
            | Op::Activation(_)
            | Op::Dropout { .. }
            | Op::ClearPadding
            | Op::Positions(_)
            | Op::Attention { .. } => input,
        }
    }
}

/// What the layers on a sequence are given of an input: tokens, or the channels before the mask.
pub(crate) fn sequence_values(input: Shape) -> Shape {
    match *input.dimensions() {
        [steps, channels] => [steps, channels - 1].into(),
        _ => input,
    }
}

/// The shape of one of so many frames below each other.
pub(crate) fn one_frame(input: Shape, count: usize) -> Shape {
    input.with_rows(input.rows() / count)
}

impl Node {
    /// The shape of its output.
    pub fn output(&self) -> Shape {
        self.ops.iter().fold(self.input, |shape, op| op.output(shape))
    }
}

/// Layers in a row as nodes, named by their position.
///
/// # Errors
/// If one of them cannot be lowered.
pub(crate) fn lower(name: &str, layers: &[Box<dyn Layer>], mut input: Shape) -> Result<Vec<Node>> {
    let mut nodes = Vec::with_capacity(layers.len());
    for (i, layer) in layers.iter().enumerate() {
        let name = format!("{name}.{i}");
        let ops = layer.lower(&name, input)?;
        nodes.push(Node { name, description: layer.describe(input), input, ops });
        input = layer.output(input)?;
    }
    Ok(nodes)
}
