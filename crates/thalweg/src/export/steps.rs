//! A network as steps whose kinds are known: what formats that must write each kind of layer walk over.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::layers::{
    Activate, BatchNorm, Conv1d, Conv2d, Dropout, Embedding, Layer, LayerNorm, Linear, LogMelOptions, Pair, Pool1d,
    Pool2d, Pooling, read_layer,
};
use crate::network::Network;
use crate::tensor::conv::ConvGeometry;
use crate::tensor::{Activation, Shape};
use crate::windows;

/// One layer: its name among the parameters, what it is and the shapes of its input and output.
#[derive(Debug)]
pub(crate) struct Step {
    /// `layers.3`, or `layers.3.shortcut.0` within a residual block.
    pub(crate) name: String,
    /// A line for people.
    pub(crate) description: String,
    pub(crate) kind: NodeKind,
    pub(crate) input: Shape,
    pub(crate) output: Shape,
    /// Whether the input has its channels first where the format wants images so, as PyTorch does.
    pub(crate) channels_first: bool,
}

/// What a layer is.
#[derive(Debug)]
pub(crate) enum NodeKind {
    Linear(Linear),
    Activation(Activation),
    BatchNorm(BatchNorm),
    LayerNorm(LayerNorm),
    Dropout(Dropout),
    Embedding(Embedding),
    Convolution(Convolution),
    Pool(Pool),
    Residual { layers: Vec<Step>, shortcut: Vec<Step>, activation: Activation },
    LogMel(LogMelOptions),
}

/// A convolution in one dimension or two.
#[derive(Debug)]
pub(crate) struct Convolution {
    pub(crate) frame: Frame,
    pub(crate) filters: usize,
    pub(crate) groups: usize,
    pub(crate) activation: Activation,
    pub(crate) bias: bool,
}

/// Pooling in one dimension or two.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) frame: Frame,
    pub(crate) take: Pooling,
    /// Whether the one window is the whole example.
    pub(crate) global: bool,
}

/// Where the windows of a layer lie.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Along time alone: the second of each pair of numbers counts.
    pub(crate) line: bool,
    /// Whether the padding is as much as gives an output a stride.
    pub(crate) same: bool,
    pub(crate) windows: ConvGeometry,
}

impl Frame {
    /// The numbers of the dimensions that count.
    pub(crate) fn each<T: Copy>(&self, pair: [T; 2]) -> Vec<T> {
        pair[usize::from(self.line)..].to_vec()
    }

    /// Places before and after each dimension that windows reach into.
    pub(crate) fn around(&self) -> [[usize; 2]; 2] {
        [0, 1].map(|axis| {
            let ConvGeometry { input, size, stride, padding, dilation, output } = &self.windows;
            let reach = (output[axis] - 1) * stride[axis] + (size[axis] - 1) * dilation[axis] + 1;
            [padding[axis], reach.saturating_sub(input[axis] + padding[axis])]
        })
    }

    /// Whether as many places on both sides, those before, give the same windows.
    pub(crate) fn is_symmetric(&self) -> bool {
        let ConvGeometry { input, size, stride, padding, dilation, output } = &self.windows;
        [0, 1].into_iter().all(|axis| {
            let reach = (size[axis] - 1) * dilation[axis] + 1;
            let room = input[axis] + 2 * padding[axis];
            room >= reach && (room - reach) / stride[axis] + 1 == output[axis]
        })
    }
}

/// The steps of a network.
///
/// # Errors
/// If a layer is of a kind of somebody's own.
pub(crate) fn steps(network: &Network) -> Result<Vec<Step>> {
    let input = network.input();
    chain("layers", network.layers(), (input, input.dimensions().len() == 3))
}

fn chain(name: &str, layers: &[Box<dyn Layer>], mut input: (Shape, bool)) -> Result<Vec<Step>> {
    let mut steps = Vec::with_capacity(layers.len());
    for (i, layer) in layers.iter().enumerate() {
        let ((shape, channels_first), name) = (input, format!("{name}.{i}"));
        let kind = kind(&name, layer.as_ref(), input)?;
        let description = layer.describe(shape);
        let step = Step { name, description, kind, input: shape, output: layer.output(shape)?, channels_first };
        input = (step.output, step.leaves_channels_first());
        steps.push(step);
    }
    Ok(steps)
}

impl Step {
    /// The same as `channels_first` for the output: always so for images, for rows of numbers never, for sounds (or
    /// plain matrices) where they come from windows in time.
    pub(crate) fn leaves_channels_first(&self) -> bool {
        match (self.output.dimensions().len(), &self.kind) {
            (3, _) => true,
            (2, NodeKind::Convolution(_) | NodeKind::Pool(_)) => true,
            (2, NodeKind::Residual { layers, shortcut, .. }) => [layers, shortcut]
                .iter()
                .all(|branch| branch.last().map_or(self.channels_first, Self::leaves_channels_first)),
            (2, _) => self.channels_first,
            _ => false,
        }
    }
}

/// The options of a residual block.
#[derive(Deserialize)]
struct Block {
    layers: Vec<Value>,
    #[serde(default)]
    shortcut: Vec<Value>,
    #[serde(default)]
    activation: Activation,
}

fn kind(name: &str, layer: &dyn Layer, entering: (Shape, bool)) -> Result<NodeKind> {
    let (config, (input, _)) = (layer.config(), entering);
    Ok(match layer.kind() {
        "linear" => NodeKind::Linear(read(config)?),
        "activation" => NodeKind::Activation(read::<Activate>(config)?.activation),
        "batch_norm" => NodeKind::BatchNorm(read(config)?),
        "layer_norm" => NodeKind::LayerNorm(read(config)?),
        "dropout" => NodeKind::Dropout(read(config)?),
        "embedding" => NodeKind::Embedding(read(config)?),
        "log_mel" => NodeKind::LogMel(read(config)?),
        "conv2d" => convolution(layer.kind(), read(config)?, input, false)?,
        "conv1d" => {
            convolution(layer.kind(), read::<Conv1d>(config)?.flat(), windows::line(layer.kind(), input)?, true)?
        }
        "pool2d" => pool(layer.kind(), read(config)?, input, false)?,
        "pool1d" => pool(layer.kind(), read::<Pool1d>(config)?.flat(), windows::line(layer.kind(), input)?, true)?,
        "residual" => {
            let Block { layers, shortcut, activation } = read(config)?;
            let branch = |branch: &str, tables: Vec<Value>| {
                let layers: Vec<_> = tables.into_iter().map(|table| read_layer(table, &[])).collect::<Result<_>>()?;
                chain(&format!("{name}.{branch}"), &layers, entering)
            };
            NodeKind::Residual {
                layers: branch("layers", layers)?,
                shortcut: branch("shortcut", shortcut)?,
                activation,
            }
        }
        other => {
            let message = format!("the layer {name} is of the kind {other:?}, which is none of Thalweg's own");
            return Err(Error::config(message).fix("export a network of Thalweg's own layers"));
        }
    })
}

fn read<T: DeserializeOwned>(config: Value) -> Result<T> {
    serde_json::from_value(config).map_err(|error| Error::internal(format!("a layer's description: {error}")))
}

/// A convolution; along a line it is one of images one pixel high.
fn convolution(layer: &str, options: Conv2d, input: Shape, line: bool) -> Result<NodeKind> {
    let Conv2d { filters, kernel, stride, padding, dilation, groups, activation, bias, .. } = options;
    let frame = frame(layer, input, line, [kernel, stride, dilation], padding)?;
    Ok(NodeKind::Convolution(Convolution { frame, filters, groups, activation, bias }))
}

fn pool(layer: &str, options: Pool2d, input: Shape, line: bool) -> Result<NodeKind> {
    let Pool2d { take, size, stride, padding } = options;
    let [height, width, _] = windows::image(layer, input)?;
    let window = size.unwrap_or(Pair::Each([height, width]));
    let frame = frame(layer, input, line, [window, stride.unwrap_or(window), Pair::default()], padding)?;
    Ok(NodeKind::Pool(Pool { frame, take, global: size.is_none() }))
}

fn frame(layer: &str, input: Shape, line: bool, options: [Pair; 3], padding: windows::Padding) -> Result<Frame> {
    let windows = windows::windows(layer, windows::image(layer, input)?, options, padding)?;
    Ok(Frame { line, same: padding == windows::Padding::Same, windows })
}
