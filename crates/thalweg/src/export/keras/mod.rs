//! Keras 3: a `.keras` archive of a functional model with built-in layers only, which loads in safe mode.

mod answers;
mod conv_pool;
mod embeddings;
mod graph;
mod hdf5;
mod sequence;
mod zip;

use serde_json::{Value, json};

use self::graph::{Graph, Symbol, Variable};
use super::lowered::{LoweredOp, lowered};
use super::{ExportOptions, Exported, Format};
use crate::data::preprocess::Scale;
use crate::event::Decision;
use crate::layers::{LogMelOptions, Node, Op, one_frame};
use crate::model::Model;
use crate::tensor::activation::GELU_TANH;
use crate::tensor::{Activation, Dtype, transposed};
use crate::{Error, Result};

pub(super) const FORMAT: Format = Format {
    name: "keras",
    extension: "keras",
    meaning: "a Keras 3 model of built-in layers, from prepared inputs to probabilities or numbers",
    fewer_bits: false,
    folder: None,
    write,
};

/// The version of Keras that these files were tested with.
const KERAS: &str = "3.15.1";

fn write(model: &Model, options: &ExportOptions) -> Result<Exported> {
    let nodes = model.network.lower()?;
    let mut keras = Keras { model, graph: Graph::default(), mask: None };
    let inputs = keras.graph.input(model.network.input().dimensions());
    let (x, mut decisions) = keras.scaled(inputs);
    let logits = keras.chain(&nodes, x)?;
    let output = keras.answers(&logits);
    let regions = options.regions(&model.target)?;
    let regions = regions.map_or_else(Vec::new, |regions| keras.regions(&output, &regions));
    if !model.target.thresholds.is_empty() {
        let from = (0..model.target.outputs()).map(|output| model.target.threshold(output).to_string());
        decisions.push(Decision {
            what: "the file answers with probabilities, and does not know from which one on a class is predicted"
                .into(),
            why: format!("the model predicts from {} on", from.collect::<Vec<_>>().join(", ")),
            instead: "[to=pytorch], or [to=onnx], which answer with classes".into(),
        });
    }
    if model.theta.dtype() == Dtype::F64 {
        let what = "numbers are rounded to 32 bits".to_string();
        decisions.push(Decision {
            what,
            why: "the usual precision of Keras".into(),
            instead: "[precision=f32]".into(),
        });
    }
    let (config, variables) = keras.graph.model(&output, &regions);
    let variables = hdf5::file(&variables);
    if u32::try_from(variables.len()).is_err() {
        let message = format!("{} bytes of parameters: a .keras archive holds 4 GiB at most", variables.len());
        return Err(Error::config(message).fix("export to pytorch"));
    }
    let metadata = json!({ "keras_version": KERAS, "date_saved": "1980-01-01@00:00:00" });
    let bytes = zip::archive(&[
        ("metadata.json", metadata.to_string().as_bytes()),
        ("config.json", config.to_string().as_bytes()),
        ("model.weights.h5", &variables),
    ]);
    Ok(Exported { bytes, decisions, ..Exported::default() })
}

/// A model being converted to a graph.
struct Keras<'a> {
    model: &'a Model,
    graph: Graph,
    /// Which steps count, within a sequence: 1 or 0.
    mask: Option<Symbol>,
}

/// Whether g needs a layer of its own: Keras knows the others by name.
fn own_layer(g: Activation) -> bool {
    match g {
        Activation::LeakyRelu(_) | Activation::GeluTanh => true,
        Activation::Elu(x) | Activation::Silu(x) => x != 1.0,
        _ => false,
    }
}

fn name_of(g: Activation) -> &'static str {
    if g == Activation::Identity { "linear" } else { g.name() }
}

/// A variable with its first dimension moved last: Keras has filters there.
fn first_last((shape, numbers): Variable) -> Variable {
    ([&shape[1..], &shape[..1]].concat(), transposed(&numbers, shape[0]))
}

impl Keras<'_> {
    /// One of the layer's parameters.
    fn parameter(&self, lowered: &LoweredOp, own: &str) -> Variable {
        let entry =
            self.model.network.layout().named(&lowered.parameter(own)).expect("a step's parameters are the network's");
        let numbers = self.model.theta.view().part(entry.start, entry.shape).to_f64();
        (entry.shape.dimensions().to_vec(), numbers.into_iter().map(|x| x as f32).collect())
    }

    fn parameters(&self, lowered: &LoweredOp, own: &[&str]) -> Vec<Variable> {
        own.iter().map(|own| self.parameter(lowered, own)).collect()
    }

    /// Pixels and samples, scaled as the network takes them; other preprocessing is not exported.
    fn scaled(&mut self, x: Symbol) -> (Symbol, Vec<Decision>) {
        let affine = |scale: &Scale| match *scale {
            Scale::Robust { .. } => None,
            _ => {
                let (shift, unit) = scale.affine();
                Some((unit.recip(), -shift / unit))
            }
        };
        let array = self.model.pipeline.array.as_ref();
        let scales: Option<(Vec<f64>, Vec<f64>)> = array
            .and_then(|array| array.scales.iter().map(affine).collect::<Option<Vec<_>>>())
            .map(|all| all.into_iter().unzip());
        match scales {
            Some((scales, offsets)) if scales == [1.0] && offsets == [0.0] => (x, Vec::new()),
            Some((scales, offsets)) if x.shape.len() > 1 => {
                // One for all positions, or one per channel.
                let config = match (&scales[..], &offsets[..]) {
                    ([scale], [offset]) => json!({ "scale": scale, "offset": offset }),
                    _ => json!({ "scale": scales, "offset": offsets }),
                };
                (self.graph.layer("Rescaling", "scaled", config, &[&x], &x.shape.clone()), Vec::new())
            }
            _ => {
                let decision = Decision {
                    what: "the model takes inputs that are prepared already".into(),
                    why: "layers of Keras do not read tables".into(),
                    instead: "[to=pytorch], or [to=onnx], which prepare them".into(),
                };
                (x, vec![decision])
            }
        }
    }

    fn chain(&mut self, nodes: &[Node], x: Symbol) -> Result<Symbol> {
        nodes.iter().try_fold(x, |x, node| self.node(node, x))
    }

    fn node(&mut self, node: &Node, mut x: Symbol) -> Result<Symbol> {
        let mut ops = lowered(node).into_iter().peekable();
        while let Some(lowered) = ops.next() {
            // In Keras the activation after these is part of their layer.
            let has_own = matches!(lowered.op, Op::Dense { .. } | Op::Convolution { .. });
            let g = ops.next_if(|next| has_own && next.activation().is_some()).and_then(|next| next.activation());
            x = self.step(&lowered, g.unwrap_or_default(), x)?;
        }
        Ok(x)
    }

    /// A weight and, if there is one, a bias.
    fn weight_and_bias(&self, lowered: &LoweredOp, weight: &str, bias: Option<&str>) -> Vec<Variable> {
        let mut variables = vec![first_last(self.parameter(lowered, weight))];
        variables.extend(bias.map(|bias| self.parameter(lowered, bias)));
        variables
    }

    /// An operation, with g as its activation if its layer has one.
    fn step(&mut self, lowered: &LoweredOp, g: Activation, x: Symbol) -> Result<Symbol> {
        Ok(match lowered.op {
            Op::Dense { factor, units, weight, bias } => {
                let x = self.flat(lowered, x);
                let config = json!({ "units": units, "use_bias": bias.is_some() });
                let mut variables = self.weight_and_bias(lowered, weight, *bias);
                variables[0].1.iter_mut().for_each(|w| *w = (factor * f64::from(*w)) as f32);
                self.activated("Dense", lowered, (config, variables), &x, g)
            }
            Op::Convolution { frame, filters, groups, weight, bias } => {
                let variables = self.weight_and_bias(lowered, weight, *bias);
                self.convolution(lowered, (frame, *filters, *groups), variables, g, x)
            }
            Op::Activation(g) => self.activation(lowered, *g, x),
            Op::Dropout { rate } => {
                self.graph.layer("Dropout", &lowered.name, json!({ "rate": rate }), &[&x], &x.shape.clone())
            }
            Op::BatchNorm { epsilon, momentum, parameters } => {
                let config = json!({ "axis": -1, "momentum": momentum, "epsilon": epsilon });
                let variables = self.parameters(lowered, parameters);
                let together = if x.shape.len() == 3 { 1 } else { x.shape.len() };
                self.norm("BatchNormalization", lowered, (config, variables), x, together)
            }
            Op::LayerNorm { axes, epsilon, parameters } => {
                let config = json!({ "axis": [-1], "epsilon": epsilon });
                let variables = self.parameters(lowered, parameters);
                self.norm("LayerNormalization", lowered, (config, variables), x, *axes)
            }
            Op::Scale(gamma) => self.scale(lowered, gamma, x),
            Op::Embedding { dense, tables } => self.embedding(lowered, *dense, tables, x),
            Op::PiecewiseLinear { dimension, columns } => self.piecewise_linear(lowered, *dimension, columns, x),
            Op::Periodic { dimension, frequencies, inputs } => {
                self.periodic(lowered, *dimension, *frequencies, inputs, x)
            }
            Op::TextBag { dimension, columns } => self.text_bag(lowered, *dimension, columns, x),
            Op::Pool { frame, take, global } => self.pool(lowered, (frame, *take, *global), x)?,
            Op::Resize { height, width } => {
                let image = lowered.input.image().expect("the layer has checked that it is one");
                let x = self.reshaped(lowered, "image", x, &image);
                let config = json!({ "height": height, "width": width, "interpolation": "bilinear" });
                self.graph.layer("Resizing", &lowered.name, config, &[&x], lowered.output().dimensions())
            }
            Op::LogMel(options) => self.log_mel(lowered, options, x),
            Op::Sequence { layers } => self.sequence(lowered, layers, x)?,
            Op::Frames { count, layers } => self.frames(lowered, *count, layers, x)?,
            Op::First { inputs, layers } => self.first(lowered, *inputs, layers, &x)?,
            Op::ClearPadding => self.clear_padding(lowered, x),
            Op::Tokens { tokens, dimension, weight } => self.tokens(lowered, [*tokens, *dimension], weight, &x),
            Op::Positions(table) => self.positions(lowered, table, x),
            Op::Recurrent { cell, units, bidirectional, every } => {
                self.recurrent(lowered, (*cell, *units), *bidirectional, *every, x)
            }
            Op::Attention { heads, parameters } => self.attention(lowered, *heads, parameters, x),
            Op::PoolOverTime { take, weight } => self.pool_over_time(lowered, *take, weight, x),
            Op::Branches { members } => {
                let mut each = Vec::with_capacity(members.len());
                for nodes in members {
                    let y = self.chain(nodes, x.clone())?;
                    each.push(y);
                }
                match &each[..] {
                    [one] => one.clone(),
                    _ => {
                        let each: Vec<&Symbol> = each.iter().collect();
                        let (name, shape) = (format!("{}.outputs", lowered.name), lowered.output());
                        self.graph.layer("Concatenate", &name, json!({ "axis": -1 }), &each, shape.dimensions())
                    }
                }
            }
            Op::Average { members, of, weights } => self.average(lowered, (*members, weights), *of, &x),
            Op::Add { layers, shortcut } => {
                let (a, b) = (self.chain(layers, x.clone())?, self.chain(shortcut, x)?);
                self.graph.layer("Add", &format!("{}.sum", lowered.name), json!({}), &[&a, &b], &a.shape.clone())
            }
        })
    }

    /// The layers on a batch of all frames.
    fn frames(&mut self, lowered: &LoweredOp, count: usize, layers: &[Node], x: Symbol) -> Result<Symbol> {
        let frame = one_frame(lowered.input, count);
        let name = |own: &str| format!("{}.{own}", lowered.name);
        let each = self.graph.regrouped(&name("frames"), &x, frame.dimensions());
        let outer = self.mask.take();
        let y = self.chain(layers, each)?;
        self.mask = outer;
        Ok(self.graph.regrouped(&name("clips"), &y, lowered.output().dimensions()))
    }

    /// The values after the first ones, and what the layers make of these.
    fn first(&mut self, lowered: &LoweredOp, inputs: usize, layers: &[Node], x: &Symbol) -> Result<Symbol> {
        let n = x.shape[0];
        let line = self.reshaped(lowered, "columns", x.clone(), &[n, 1]);
        let own = self.cut(lowered, "first", &line, 0..inputs);
        let outer = self.mask.take();
        let y = self.chain(layers, own)?;
        self.mask = outer;
        let y = self.flat(lowered, y);
        let mut parts = Vec::new();
        if inputs < n {
            parts.push(self.cut(lowered, "rest", &line, inputs..n));
        }
        parts.push(y);
        Ok(self.joined(lowered, &parts))
    }

    /// The logits of the members' mean answers; a mean of 0 in 32 bits counts as the smallest number, so that logits are
    /// finite.
    fn average(
        &mut self,
        lowered: &LoweredOp,
        (members, weights): (usize, &[f64]),
        of: Activation,
        x: &Symbol,
    ) -> Symbol {
        let outputs = lowered.output().size();
        let each = self.reshaped(lowered, "members", x.clone(), &[members, outputs]);
        let mean = |keras: &mut Self, own: &str, x: &Symbol| {
            if weights.is_empty() {
                let config = json!({ "data_format": "channels_last", "keepdims": false });
                return keras.named("GlobalAveragePooling1D", lowered, own, config, x, &[outputs]);
            }
            // One filter as long as there are members.
            let filter = weights.iter().flat_map(|weight| vec![*weight as f32; outputs]).collect();
            let config = json!({ "kernel_size": [members], "use_bias": false });
            let variables = vec![(vec![members, outputs, 1], filter)];
            let name = format!("{}.{own}.weighted", lowered.name);
            let sum = keras.graph.push("DepthwiseConv1D", &name, config, &[x], &[1, outputs], variables);
            keras.reshaped(lowered, own, sum, &[outputs])
        };
        if of == Activation::Identity {
            return mean(self, "mean", &each);
        }
        let logarithm = |keras: &mut Self, own: &str, z: &Symbol| {
            let name = |what: &str| format!("{own}{what}");
            let config = json!({ "activation": name_of(of) });
            let answers = keras.named("Activation", lowered, &name("answers"), config, z, &z.shape);
            let mean = mean(keras, &name("mean"), &answers);
            let config = json!({ "scale": 1.0, "offset": f32::MIN_POSITIVE });
            let above = keras.named("Rescaling", lowered, &name("above"), config, &mean, &[outputs]);
            keras.graph.logarithm(&format!("{}.{own}logarithm", lowered.name), &above)
        };
        let y = logarithm(self, "", &each);
        if of == Activation::Softmax {
            return y;
        }
        let config = json!({ "scale": -1.0, "offset": 0.0 });
        let negative = self.named("Rescaling", lowered, "negative", config, &each, &each.shape);
        let against = logarithm(self, "against.", &negative);
        self.graph.layer("Subtract", &format!("{}.logits", lowered.name), json!({}), &[&y, &against], &[outputs])
    }

    fn named(
        &mut self,
        class: &'static str,
        lowered: &LoweredOp,
        own: &str,
        config: Value,
        x: &Symbol,
        shape: &[usize],
    ) -> Symbol {
        self.graph.layer(class, &format!("{}.{own}", lowered.name), config, &[x], shape)
    }

    fn flat(&mut self, lowered: &LoweredOp, x: Symbol) -> Symbol {
        let size = x.shape.iter().product();
        if x.shape.len() == 1 { x } else { self.named("Flatten", lowered, "flat", json!({}), &x, &[size]) }
    }

    fn reshaped(&mut self, lowered: &LoweredOp, own: &str, x: Symbol, shape: &[usize]) -> Symbol {
        if x.shape == shape {
            x
        } else {
            self.named("Reshape", lowered, own, json!({ "target_shape": shape }), &x, shape)
        }
    }

    /// A layer with variables, with its activation in it or after it.
    fn activated(
        &mut self,
        class: &'static str,
        lowered: &LoweredOp,
        (mut config, variables): (Value, Vec<Variable>),
        x: &Symbol,
        g: Activation,
    ) -> Symbol {
        let output = lowered.output();
        let apart = own_layer(g);
        config["activation"] = json!(if apart { "linear" } else { name_of(g) });
        let y = self.graph.push(class, &lowered.name, config, &[x], output.dimensions(), variables);
        if apart { self.activation(lowered, g, y) } else { y }
    }

    /// g(x) as a layer.
    fn activation(&mut self, lowered: &LoweredOp, g: Activation, x: Symbol) -> Symbol {
        let shape = x.shape.clone();
        let alone = lowered.is_alone() && lowered.activation().is_some();
        let name = if alone { lowered.name.clone() } else { format!("{}.activation", lowered.name) };
        match g {
            Activation::Identity if !alone => x,
            Activation::LeakyRelu(slope) => {
                self.graph.layer("LeakyReLU", &name, json!({ "negative_slope": slope }), &[&x], &shape)
            }
            Activation::Elu(alpha) if alpha != 1.0 => {
                self.graph.layer("ELU", &name, json!({ "alpha": alpha }), &[&x], &shape)
            }
            Activation::Silu(beta) if beta != 1.0 => {
                let scaled =
                    self.named("Rescaling", lowered, "scaled", json!({ "scale": beta, "offset": 0.0 }), &x, &shape);
                self.gated(lowered, &name, &x, &scaled)
            }
            Activation::GeluTanh => {
                let [factor, cubic] = GELU_TANH;
                let square =
                    self.graph.layer("Multiply", &format!("{}.square", lowered.name), json!({}), &[&x, &x], &shape);
                let config = json!({ "scale": factor * cubic, "offset": factor });
                let slope = self.named("Rescaling", lowered, "slope", config, &square, &shape);
                let twice =
                    self.graph.layer("Multiply", &format!("{}.twice", lowered.name), json!({}), &[&x, &slope], &shape);
                self.gated(lowered, &name, &x, &twice)
            }
            g => self.graph.layer("Activation", &name, json!({ "activation": name_of(g) }), &[&x], &shape),
        }
    }

    /// x · σ(z).
    fn gated(&mut self, lowered: &LoweredOp, name: &str, x: &Symbol, z: &Symbol) -> Symbol {
        let sigmoid =
            self.named("Activation", lowered, "gate", json!({ "activation": "sigmoid" }), z, &z.shape.clone());
        self.graph.layer("Multiply", name, json!({}), &[x, &sigmoid], &x.shape)
    }

    /// A norm over the last axes of an example, merged into one.
    fn norm(
        &mut self,
        class: &'static str,
        lowered: &LoweredOp,
        (config, variables): (Value, Vec<Variable>),
        x: Symbol,
        together: usize,
    ) -> Symbol {
        let shape = x.shape.clone();
        let (kept, normed) = shape.split_at(shape.len() - together);
        let at = [kept, &[normed.iter().product()]].concat();
        let x = if kept.is_empty() { self.flat(lowered, x) } else { self.reshaped(lowered, "together", x, &at) };
        let y = self.graph.push(class, &lowered.name, config, &[&x], &at, variables);
        self.reshaped(lowered, "shape", y, &shape)
    }

    /// A scale for each channel, as a depthwise filter of one element.
    fn scale(&mut self, lowered: &LoweredOp, gamma: &str, x: Symbol) -> Symbol {
        let shape = x.shape.clone();
        let channels = lowered.input.last();
        let at = [lowered.input.size() / channels, channels];
        let x = self.reshaped(lowered, "places", x, &at);
        let config = json!({ "kernel_size": [1], "use_bias": false });
        let (_, numbers) = self.parameter(lowered, gamma);
        let variables = vec![(vec![1, channels, 1], numbers)];
        let y = self.graph.push("DepthwiseConv1D", &lowered.name, config, &[&x], &at, variables);
        self.reshaped(lowered, "shape", y, &shape)
    }

    /// The spectrum as a convolution with sinusoids, powers as products, bands as a matrix.
    fn log_mel(&mut self, lowered: &LoweredOp, options: &LogMelOptions, x: Symbol) -> Symbol {
        let bands = options.bands();
        let (bins, frames) = (bands.bins().len(), lowered.output().dimensions()[0]);
        let floats = |numbers: Vec<f64>| numbers.into_iter().map(|x| x as f32).collect::<Vec<_>>();
        let samples = x.shape.iter().product();
        let sound = self.reshaped(lowered, "sound", x, &[samples, 1]);
        let config = json!({
            "filters": 2 * bins, "kernel_size": [bands.window], "strides": [bands.hop], "use_bias": false,
            "trainable": false,
        });
        let waves = first_last((vec![2 * bins, bands.window, 1], floats(bands.waves())));
        let name = |own: &str| format!("{}.{own}", lowered.name);
        let waves = self.graph.push("Conv1D", &name("waves"), config, &[&sound], &[frames, 2 * bins], vec![waves]);
        let squares = self.graph.layer("Multiply", &name("squares"), json!({}), &[&waves, &waves], &waves.shape);
        let weight = first_last((vec![bands.bands, 2 * bins], floats(bands.triangles_of_squares())));
        let offset = (vec![bands.bands], vec![options.offset as f32; bands.bands]);
        let config = json!({ "units": bands.bands, "trainable": false });
        let powers =
            self.graph.push("Dense", &name("bands"), config, &[&squares], &[frames, bands.bands], vec![weight, offset]);
        let mut y = self.graph.logarithm(&name("logarithm"), &powers);
        if let Some(coefficients) = bands.coefficients {
            let weight = first_last((vec![coefficients, bands.bands], floats(bands.cosines())));
            let config = json!({ "units": coefficients, "use_bias": false, "trainable": false });
            y = self.graph.push("Dense", &name("cosines"), config, &[&y], &[frames, coefficients], vec![weight]);
        }
        self.reshaped(lowered, "image", y, lowered.output().dimensions())
    }
}
