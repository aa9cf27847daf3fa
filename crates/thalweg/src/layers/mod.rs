//! Layers: descriptions that hold equations, never parameters.
//!
//! A layer is data first (serialised in configurations, model files and exports) and behaviour second. Everything it
//! reads is an argument, everything it writes is an argument, and what its backward pass needs is a named output of its
//! forward pass. A new layer is one file and one line in [`ALL`].

mod activation;
mod attention;
mod average;
mod batch_norm;
mod conv1d;
mod conv2d;
mod dropout;
mod embedding;
mod ensemble;
mod first;
mod frames;
mod graph;
mod layer_norm;
mod linear;
mod log_mel;
mod periodic;
mod piecewise_linear;
mod pool1d;
mod pool2d;
mod pool_over_time;
mod positions;
mod recurrent;
mod residual;
mod resize;
mod sequence;
mod sequential;
mod text_bag;
mod tokens;

use std::borrow::Cow;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::tensor::conv::Pooling;
pub use crate::tensor::sequence::Gathering;
pub use crate::windows::{Padding, Pair};
pub use activation::Activate;
pub use attention::Attention;
pub use average::Average;
pub use batch_norm::BatchNorm;
pub use conv1d::Conv1d;
pub use conv2d::Conv2d;
pub use dropout::Dropout;
pub use embedding::{Embedded, Embedding};
pub use ensemble::Ensemble;
pub use first::First;
pub use frames::Frames;
pub use graph::{Frame, Node, Op};
pub(crate) use graph::{lower, one_frame, sequence_values};
pub use layer_norm::LayerNorm;
pub use linear::{Linear, Parametrization};
pub use log_mel::{LogMel, LogMelOptions};
pub use periodic::Periodic;
pub use piecewise_linear::{BinnedInput, PiecewiseLinear};
pub use pool_over_time::PoolOverTime;
pub use pool1d::Pool1d;
pub use pool2d::Pool2d;
pub use positions::Positions;
pub use recurrent::{Gru, Lstm, Recurrent, Return, Rnn};
pub use residual::Residual;
pub use resize::Resize;
pub use sequence::Sequence;
pub use text_bag::{Bag, TextBag};
pub use tokens::Tokens;

use crate::error::{Error, Result, did_you_mean};
use crate::init::Init;
use crate::random::{self, Stream};
use crate::tensor::ops::{MatmulPrecision, PackedWeight};
use crate::tensor::{Activation, Shape, Tensor, View, ViewMut};

/// One parameter that a layer has: its name, shape, initial values and role.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterSpec {
    /// The name within the layer: `weight`, `bias`, `gamma`.
    pub name: Cow<'static, str>,
    /// The shape; a weight is n_out × n_in.
    pub shape: Shape,
    /// How it is initialised.
    pub init: Init,
    /// Whether the L2 term and weight decay apply: to weights, not to biases, γ or β.
    pub decays: bool,
    /// Whether it is trained: running statistics are not.
    pub trained: bool,
}

/// One parameter: a named view of θ.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its name: `layers.0.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Its offset in θ.
    pub start: usize,
    /// How it is initialised.
    pub init: Init,
    /// Whether the L2 term and weight decay apply.
    pub decays: bool,
    /// Whether it is trained.
    pub trained: bool,
}

impl Entry {
    /// Its range in θ.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.start..self.start + self.shape.size()
    }
}

impl ParameterSpec {
    /// A trained weight that decays.
    pub fn weight(name: &'static str, shape: impl Into<Shape>, init: Init) -> Self {
        ParameterSpec { name: name.into(), shape: shape.into(), init, decays: true, trained: true }
    }

    /// A trained bias, scale or shift, which does not decay.
    pub fn bias(name: &'static str, n: usize, value: f64) -> Self {
        ParameterSpec {
            name: name.into(),
            shape: [n].into(),
            init: Init::Constant(value),
            decays: false,
            trained: true,
        }
    }

    /// A statistic that is kept with the parameters and not trained.
    pub fn statistic(name: &'static str, n: usize, value: f64) -> Self {
        ParameterSpec { trained: false, ..Self::bias(name, n, value) }
    }
}

/// What a forward pass is for.
#[derive(Debug, Clone, Copy)]
pub enum Mode<'a> {
    /// Training: dropout on, batch norm with the batch's statistics.
    Train(RngContext<'a>),
    /// A gradient check: as in training, but without any randomness.
    Check,
    /// Prediction: dropout off, batch norm with the running statistics.
    Predict,
}

/// The random stream of a training step.
#[derive(Debug, Clone, Copy)]
pub struct RngContext<'a> {
    /// The run's seed.
    pub seed: u64,
    /// The epoch.
    pub epoch: u32,
    /// The layer's index in the network; set by the network.
    pub layer: u32,
    /// The index, in the training part, of each of the batch's examples.
    pub examples: &'a [u32],
}

impl RngContext<'_> {
    /// The stream to draw from, by example and element.
    pub fn stream(&self) -> Stream {
        random::layer(self.seed, self.layer, self.epoch)
    }
}

impl Mode<'_> {
    /// The same mode for the layer with this index.
    pub(crate) fn of_layer(mut self, layer: usize) -> Self {
        if let Mode::Train(noise) = &mut self {
            noise.layer = layer as u32;
        }
        self
    }

    /// The same mode for a layer nested within the layer, with an index of its own.
    pub(crate) fn of_inner_layer(mut self, index: usize) -> Self {
        if let Mode::Train(noise) = &mut self {
            noise.layer = (noise.layer << 8).wrapping_add(1 + index as u32);
        }
        self
    }
}

/// A layer's slice of θ, indexed by position in [`Layer::parameters`], with the precision of products with it and the
/// lengths of the examples.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'a> {
    pub(crate) theta: View<'a>,
    pub(crate) entries: &'a [Entry],
    /// How the pass computes products of f32 matrices.
    pub precision: MatmulPrecision,
    /// Within a layer of kind `sequence`, how many steps of each example count; elsewhere all do.
    pub lengths: Option<View<'a>>,
}

impl<'a> Parameters<'a> {
    /// Parameter `i`.
    pub fn get(&self, i: usize) -> View<'a> {
        self.theta.part(self.entries[i].start, self.entries[i].shape)
    }

    /// Only the parameters of these positions.
    pub(crate) fn of(self, entries: std::ops::Range<usize>) -> Parameters<'a> {
        Parameters { entries: &self.entries[entries], ..self }
    }
}

/// A layer's slice of θ or dθ to write, indexed by position in [`Layer::parameters`].
#[derive(Debug)]
pub struct ParametersMut<'a> {
    theta: ViewMut<'a>,
    entries: &'a [Entry],
    /// Where `theta` begins in the network's vector.
    start: usize,
}

impl<'a> ParametersMut<'a> {
    /// The entries of a layer in the network's whole vector.
    pub(crate) fn new(theta: ViewMut<'a>, entries: &'a [Entry]) -> Self {
        ParametersMut { theta, entries, start: 0 }
    }

    /// Parameter `i`.
    pub fn get(&mut self, i: usize) -> ViewMut<'_> {
        let entry = &self.entries[i];
        self.theta.reborrow().part(entry.start - self.start, entry.shape)
    }

    /// Only the parameters of these positions.
    pub(crate) fn of(&mut self, entries: std::ops::Range<usize>) -> ParametersMut<'_> {
        ParametersMut { theta: self.theta.reborrow(), entries: &self.entries[entries], start: self.start }
    }

    /// The trained parameters before position `i`, and all from it on, for threads of their own.
    pub(crate) fn split_trained(self, i: usize) -> (ParametersMut<'a>, ParametersMut<'a>) {
        let (before, from_here) = self.entries.split_at(i);
        let end = before.iter().rfind(|entry| entry.trained).map_or(self.start, |last| last.range().end);
        let (left, right) = self.theta.split(end - self.start);
        (
            ParametersMut { theta: left, entries: before, start: self.start },
            ParametersMut { theta: right, entries: from_here, start: end },
        )
    }

    /// The same for a shorter lifetime, so that a layer that wraps another can read what the inner one wrote.
    pub fn reborrow(&mut self) -> ParametersMut<'_> {
        self.of(0..self.entries.len())
    }

    /// The first N parameters, adjacent in θ, all at once.
    pub(crate) fn all<const N: usize>(&mut self) -> [ViewMut<'_>; N] {
        let (entries, mut at) = (&self.entries[..N], self.entries[0].start);
        let (_, mut rest) = self.theta.reborrow().split(at - self.start);
        std::array::from_fn(|i| {
            assert_eq!(entries[i].start, at, "the parameters are adjacent");
            at = entries[i].range().end;
            let (own, after) =
                std::mem::replace(&mut rest, ViewMut::from_f64([0], &mut [])).split(entries[i].shape.size());
            rest = after;
            own.part(0, entries[i].shape)
        })
    }

    /// Parameters `i` and `i + 1`, adjacent in θ, both at once.
    pub fn pair(&mut self, i: usize) -> (ViewMut<'_>, ViewMut<'_>) {
        let (a, b) = (&self.entries[i], &self.entries[i + 1]);
        let both = self.theta.reborrow().part(a.start - self.start, [a.shape.size() + b.shape.size()]);
        let (first, second) = both.split(a.shape.size());
        (first.part(0, a.shape), second.part(0, b.shape))
    }

    /// The first two parameters: a weight and, if there is one, its bias.
    pub fn weight_and_bias(&mut self) -> (ViewMut<'_>, Option<ViewMut<'_>>) {
        if self.entries.len() == 1 {
            return (self.get(0), None);
        }
        let (weight, bias) = self.pair(0);
        (weight, Some(bias))
    }
}

/// The most values an example may have anywhere in a network: beyond it, computing sizes would overflow.
const MOST_VALUES: usize = isize::MAX as usize / 64;

/// Checks that examples in a network may have this shape, and returns it.
///
/// # Errors
/// If it has no values, more than memory could hold, or the wrong number of dimensions.
pub(crate) fn example(shape: Shape) -> Result<Shape> {
    let fix = "use examples of one to three dimensions, none of which is 0, and layers that keep them so";
    if !(1..=3).contains(&shape.dimensions().len()) || !(1..=MOST_VALUES).contains(&shape.size()) {
        return Err(Error::config(format!("examples of shape {:?}", shape.dimensions())).fix(fix));
    }
    Ok(shape)
}

/// T and C of a sequence; a row is a sequence of single values.
///
/// # Errors
/// If the shape is not that of a sequence.
pub(crate) fn steps(layer: &str, input: Shape) -> Result<[usize; 2]> {
    match *input.dimensions() {
        [steps] => Ok([steps, 1]),
        [steps, channels] => Ok([steps, channels]),
        _ => Err(Error::config(format!("{layer} takes sequences of steps × channels, found {input}"))
            .fix("train on sequences, or put it after layers that make them")),
    }
}

/// The shape of a layer's output for an input shape, checked to be one that examples may have.
///
/// # Errors
/// If the layer cannot take such an input, or its output has a shape that examples may not have.
pub(crate) fn output(layer: &dyn Layer, input: Shape) -> Result<Shape> {
    example(layer.output(input)?)
}

/// Whether ε keeps a divisor from 0, in f32 too.
pub(crate) fn is_above_zero(epsilon: f64) -> bool {
    epsilon > 0.0 && (epsilon as f32).is_normal()
}

/// The arguments of a backward pass.
#[derive(Debug)]
pub struct Backward<'a> {
    /// The input of the forward pass, m × n_in.
    pub x: View<'a>,
    /// Its output, m × n_out.
    pub y: View<'a>,
    /// The gradient of the cost with respect to y; may be overwritten.
    pub dy: ViewMut<'a>,
    /// What the forward pass saved.
    pub saved: &'a mut [Tensor],
    /// Where the gradient with respect to x goes, if it is needed.
    pub dx: Option<ViewMut<'a>>,
}

/// A layer as data; what is registered is so by its name and fields.
pub trait Configured {
    /// The name of this kind of layer in configurations and model files.
    fn kind(&self) -> &'static str;

    /// The layer's options, without its kind.
    fn config(&self) -> serde_json::Value;
}

impl<L: Registered> Configured for L {
    fn kind(&self) -> &'static str {
        L::NAME
    }

    fn config(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a layer's options are plain data")
    }
}

/// A layer: y = f(x; its slice of θ). Shapes are those of one example; batches add a leading dimension m.
pub trait Layer: Configured + Debug + Send + Sync {
    /// A short description for people: `linear 64 → 128, relu`.
    fn describe(&self, input: Shape) -> String;

    /// The output's shape for an input shape.
    ///
    /// # Errors
    /// If the layer cannot take such an input.
    fn output(&self, input: Shape) -> Result<Shape>;

    /// The parameters for an input shape.
    fn parameters(&self, _input: Shape) -> Vec<ParameterSpec> {
        Vec::new()
    }

    /// The shapes of what the forward pass saves for the backward pass, for batches of up to m examples.
    fn saved(&self, _input: Shape, _m: usize) -> Vec<Shape> {
        Vec::new()
    }

    /// The activation that its output comes out of, if any: what counts as dead or saturated follows from it.
    fn activation(&self) -> Option<Activation> {
        None
    }

    /// How many members the layer averages the logits of: its input has theirs one after the other. Where a network ends
    /// with more than one, each member is trained as it would be alone, on its own logits.
    fn averaged_members(&self) -> usize {
        1
    }

    /// Multiply-adds of the forward pass per example, if a batch may be split: if no example's output depends on
    /// another's. `None` keeps batches whole.
    fn flops_per_example(&self, _input: Shape) -> Option<usize> {
        None
    }

    /// Approximate multiply-adds of the forward pass per example: a network whose examples would take minutes is
    /// refused.
    fn multiply_adds(&self, input: Shape) -> f64 {
        self.flops_per_example(input).unwrap_or_else(|| input.size()) as f64
    }

    /// How many steps count of each example of x, where the layer runs on as many as the longest of a batch has: examples
    /// of like lengths are best trained on together.
    fn lengths(&self, _x: View) -> Option<Vec<u32>> {
        None
    }

    /// Checks that parameters from a file, known to be finite, are valid for the layer.
    ///
    /// # Errors
    /// If one is not: which one, and why.
    fn check_parameters(&self, _input: Shape, _theta: Parameters) -> Result<(), String> {
        Ok(())
    }

    /// What the layer computes in prediction, as the operations that every export format is written from; `name` is its
    /// path in the network, the prefix of the names of layers within it.
    ///
    /// # Errors
    /// If it cannot be expressed as such operations, which is the default.
    fn lower(&self, name: &str, _input: Shape) -> Result<Vec<Op>> {
        let message = format!("the layer {name} is of the kind {:?}, which is none of Thalweg's own", self.kind());
        Err(Error::config(message).fix("export a network of Thalweg's own layers"))
    }

    /// Computes y from x, and what the backward pass needs.
    fn forward(&self, theta: Parameters, x: View, y: ViewMut, saved: &mut [Tensor], mode: Mode);

    /// Computes the layer's slice of dθ, and dx if it is wanted, from dy.
    fn backward(&self, theta: Parameters, pass: Backward, gradient: ParametersMut);

    /// What prediction prepares once for given parameters, where that makes it faster.
    fn prepare(&self, _theta: Parameters) -> Option<PackedWeight> {
        None
    }

    /// The forward pass in prediction with what [`Layer::prepare`] returned; bit-identical to [`Layer::forward`].
    fn forward_prepared(&self, _theta: Parameters, _prepared: &PackedWeight, _x: View, _y: ViewMut) {
        unreachable!("a layer that prepares something uses it")
    }

    /// Changes the layer's parameters so that its output is a factor times what it was; false where that is impossible.
    fn scale_output(&self, _theta: ParametersMut, _factor: f64) -> bool {
        false
    }

    /// Updates untrained statistics after a training step, from what its forward pass saved.
    fn update_statistics(&self, _theta: ParametersMut, _saved: &[Tensor]) {}

    /// Appends, for each kink in the layer's derivative, which side of it x, y and the saved values are on.
    fn kink_sides(&self, _x: View, _y: View, _saved: &[Tensor], _sides: &mut Vec<bool>) {}
}

/// A layer with an input shape that it takes.
pub type Example = (Box<dyn Layer>, Shape);

/// One kind of layer in a registry.
#[derive(Debug, Clone, Copy)]
pub struct LayerKind {
    /// Its name.
    pub name: &'static str,
    /// Parses one from its description.
    pub read: fn(serde_json::Value) -> Result<Box<dyn Layer>>,
    /// Examples of it with an input shape each, for the test battery.
    pub examples: fn() -> Vec<Example>,
}

/// What a layer declares in order to be registered.
pub trait Registered: Layer + Serialize + DeserializeOwned + 'static {
    /// The name of this kind of layer.
    const NAME: &'static str;

    /// Layers of this kind that together use all its options, each with an input shape.
    fn examples() -> Vec<(Self, Shape)>;
}

/// The registry entry of a kind of layer.
pub const fn kind<L: Registered>() -> LayerKind {
    LayerKind { name: L::NAME, read: read::<L>, examples: examples::<L> }
}

/// Every built-in kind of layer.
pub const ALL: &[LayerKind] = &[
    kind::<Linear>(),
    kind::<Activate>(),
    kind::<BatchNorm>(),
    kind::<LayerNorm>(),
    kind::<Dropout>(),
    kind::<Embedding>(),
    kind::<PiecewiseLinear>(),
    kind::<Periodic>(),
    kind::<TextBag>(),
    kind::<Conv1d>(),
    kind::<Conv2d>(),
    kind::<Pool1d>(),
    kind::<Pool2d>(),
    kind::<Resize>(),
    kind::<Residual>(),
    kind::<Sequence>(),
    kind::<Frames>(),
    kind::<First>(),
    kind::<Tokens>(),
    kind::<Positions>(),
    kind::<Rnn>(),
    kind::<Gru>(),
    kind::<Lstm>(),
    kind::<Attention>(),
    kind::<PoolOverTime>(),
    kind::<Ensemble>(),
    kind::<Average>(),
    kind::<LogMel>(),
];

/// Parses a layer from a table with its `kind` and options: a built-in kind or one of `own`.
///
/// # Errors
/// If the kind is unknown or an option is wrong.
pub fn read_layer(mut table: serde_json::Value, own: &[LayerKind]) -> Result<Box<dyn Layer>> {
    let name = table.as_object_mut().and_then(|table| table.remove("kind"));
    let Some(name) = name.as_ref().and_then(|name| name.as_str()) else {
        return Err(Error::config(format!("a layer without a kind: {table}")).fix("add kind = \"linear\" or another"));
    };
    let kinds = || ALL.iter().chain(own);
    let Some(kind) = kinds().find(|kind| kind.name == name) else {
        let names: Vec<&str> = kinds().map(|kind| kind.name).collect();
        let message = format!("unknown kind of layer {name:?}{}", did_you_mean(name, names.iter().copied()));
        return Err(Error::config(message).fix(format!("use one of {}", names.join(", "))));
    };
    (kind.read)(table)
}

/// A layer's description as a table with its `kind`: what [`read_layer`] reads.
pub fn write_layer(layer: &dyn Layer) -> serde_json::Value {
    let mut table = serde_json::Map::new();
    table.insert("kind".into(), layer.kind().into());
    if let serde_json::Value::Object(options) = layer.config() {
        table.extend(options);
    }
    table.into()
}

fn read<L: Registered>(options: serde_json::Value) -> Result<Box<dyn Layer>> {
    let layer: L = serde_json::from_value(options)
        .map_err(|error| Error::config(format!("{error}")).at(format!("layer of kind {:?}", L::NAME)))?;
    Ok(Box::new(layer))
}

fn examples<L: Registered>() -> Vec<Example> {
    L::examples().into_iter().map(|(layer, shape)| (Box::new(layer) as Box<dyn Layer>, shape)).collect()
}
