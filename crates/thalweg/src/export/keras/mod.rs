//! Keras 3: a `.keras` archive of a functional model of built-in layers, which loads in safe mode.

mod conv_pool;
mod graph;
mod hdf5;
mod zip;

use serde_json::{Value, json};

use self::graph::{Graph, Symbol, Variable};
use super::steps::{self, NodeKind, Step};
use super::{Exported, Format, Options};
use crate::data::preprocess::Scale;
use crate::data::schema::Task;
use crate::event::Decision;
use crate::layers::{Embedding, LogMelOptions};
use crate::model::Model;
use crate::tensor::activation::GELU_TANH;
use crate::tensor::{Activation, Dtype, transposed};
use crate::{Error, Result};

pub(super) const FORMAT: Format = Format {
    name: "keras",
    extension: "keras",
    meaning: "a Keras 3 model of built-in layers, from prepared inputs to probabilities or numbers",
    write,
};

/// The version of Keras that these files were tried with.
const KERAS: &str = "3.15.1";

fn write(model: &Model, _options: &Options) -> Result<Exported> {
    let steps = steps::steps(&model.network)?;
    let mut keras = Keras { model, graph: Graph::default() };
    let inputs = keras.graph.input(model.network.input().dimensions());
    let (x, mut decisions) = keras.scaled(inputs);
    let logits = keras.chain(&steps, x)?;
    let output = keras.answers(&logits);
    if model.theta.dtype() == Dtype::F64 {
        let what = "numbers are rounded to 32 bits".to_string();
        decisions.push(Decision {
            what,
            why: "the usual precision of Keras".into(),
            instead: "[precision=f32]".into(),
        });
    }
    let (config, variables) = keras.graph.model(&output);
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

/// A model on its way into a graph.
struct Keras<'a> {
    model: &'a Model,
    graph: Graph,
}

/// The layer that does g in its place, where one is needed: Keras knows the others by name.
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

/// Numbers whose first dimension goes last: filters, which Keras has there.
fn first_last((shape, numbers): Variable) -> Variable {
    ([&shape[1..], &shape[..1]].concat(), transposed(&numbers, shape[0]))
}

impl Keras<'_> {
    /// A parameter by its whole name.
    fn parameter(&self, step: &Step, own: &str) -> Variable {
        let name = format!("{}.{own}", step.name);
        let entry = self.model.network.layout().named(&name).expect("a step's parameters are the network's");
        let numbers = self.model.theta.view().part(entry.start, entry.shape).to_f64();
        (entry.shape.dimensions().to_vec(), numbers.into_iter().map(|x| x as f32).collect())
    }

    fn parameters(&self, step: &Step, own: &[&str]) -> Vec<Variable> {
        own.iter().map(|own| self.parameter(step, own)).collect()
    }

    /// Pixels and samples as the network takes them; other preprocessing stays outside.
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
                // One for all positions, or one a channel.
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
                    instead: "--to pytorch, or --to onnx, which prepare them".into(),
                };
                (x, vec![decision])
            }
        }
    }

    /// Probabilities from logits, or numbers in the data's units.
    fn answers(&mut self, z: &Symbol) -> Symbol {
        let target = &self.model.target;
        let mut activation =
            |g: &str| self.graph.layer("Activation", "probabilities", json!({ "activation": g }), &[z], &z.shape);
        match target.task {
            Task::Multiclass => activation("softmax"),
            Task::Binary | Task::Multilabel => activation("sigmoid"),
            Task::Regression => {
                let (means, deviations): (Vec<f64>, Vec<f64>) = target.scales.iter().copied().unzip();
                let config = json!({ "scale": deviations, "offset": means });
                self.graph.layer("Rescaling", "predictions", config, &[z], &z.shape)
            }
        }
    }

    fn chain(&mut self, steps: &[Step], x: Symbol) -> Result<Symbol> {
        steps.iter().try_fold(x, |x, step| self.step(step, x))
    }

    fn step(&mut self, step: &Step, x: Symbol) -> Result<Symbol> {
        let output = step.output.dimensions();
        Ok(match &step.kind {
            NodeKind::Linear(linear) => {
                let x = self.flat(step, x);
                let config = json!({ "units": linear.units, "use_bias": linear.bias });
                let mut variables = vec![first_last(self.parameter(step, "weight"))];
                variables.extend(linear.bias.then(|| self.parameter(step, "bias")));
                self.activated("Dense", step, (config, variables), &x, linear.activation)
            }
            NodeKind::Activation(g) => self.activation(step, *g, x),
            NodeKind::Dropout(dropout) => {
                self.graph.layer("Dropout", &step.name, json!({ "rate": dropout.rate }), &[&x], output)
            }
            NodeKind::BatchNorm(norm) => {
                let config = json!({ "axis": -1, "momentum": norm.momentum, "epsilon": norm.epsilon });
                let variables = self.parameters(step, &["gamma", "beta", "mean", "variance"]);
                let together = if x.shape.len() == 3 { 1 } else { x.shape.len() };
                self.norm("BatchNormalization", step, (config, variables), x, together)
            }
            NodeKind::LayerNorm(norm) => {
                let config = json!({ "axis": [-1], "epsilon": norm.epsilon });
                let variables = self.parameters(step, &["gamma", "beta"]);
                self.norm("LayerNormalization", step, (config, variables), x, norm.normed(&step.input).len())
            }
            NodeKind::Embedding(embedding) => self.embedding(step, embedding, x),
            NodeKind::Convolution(convolution) => self.convolution(step, convolution, x),
            NodeKind::Pool(pool) => self.pool(step, pool, x)?,
            NodeKind::LogMel(options) => self.log_mel(step, options, x),
            NodeKind::Residual { layers, shortcut, activation } => {
                let (a, b) = (self.chain(layers, x.clone())?, self.chain(shortcut, x)?);
                let sum = self.graph.layer("Add", &format!("{}.sum", step.name), json!({}), &[&a, &b], output);
                self.activation(step, *activation, sum)
            }
        })
    }

    fn named(
        &mut self,
        class: &'static str,
        step: &Step,
        own: &str,
        config: Value,
        x: &Symbol,
        shape: &[usize],
    ) -> Symbol {
        self.graph.layer(class, &format!("{}.{own}", step.name), config, &[x], shape)
    }

    fn flat(&mut self, step: &Step, x: Symbol) -> Symbol {
        let size = x.shape.iter().product();
        if x.shape.len() == 1 { x } else { self.named("Flatten", step, "flat", json!({}), &x, &[size]) }
    }

    fn reshaped(&mut self, step: &Step, own: &str, x: Symbol, shape: &[usize]) -> Symbol {
        if x.shape == shape { x } else { self.named("Reshape", step, own, json!({ "target_shape": shape }), &x, shape) }
    }

    /// A layer with variables that may do its activation itself.
    fn activated(
        &mut self,
        class: &'static str,
        step: &Step,
        (mut config, variables): (Value, Vec<Variable>),
        x: &Symbol,
        g: Activation,
    ) -> Symbol {
        let output = step.output.dimensions();
        let apart = own_layer(g);
        config["activation"] = json!(if apart { "linear" } else { name_of(g) });
        let y = self.graph.push(class, &step.name, config, &[x], output, variables);
        if apart { self.activation(step, g, y) } else { y }
    }

    /// g(x) as a layer.
    fn activation(&mut self, step: &Step, g: Activation, x: Symbol) -> Symbol {
        let shape = x.shape.clone();
        let alone = matches!(step.kind, NodeKind::Activation(_));
        let name = if alone { step.name.clone() } else { format!("{}.activation", step.name) };
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
                    self.named("Rescaling", step, "scaled", json!({ "scale": beta, "offset": 0.0 }), &x, &shape);
                self.gated(step, &name, &x, &scaled)
            }
            Activation::GeluTanh => {
                let [factor, cubic] = GELU_TANH;
                let square =
                    self.graph.layer("Multiply", &format!("{}.square", step.name), json!({}), &[&x, &x], &shape);
                let config = json!({ "scale": factor * cubic, "offset": factor });
                let slope = self.named("Rescaling", step, "slope", config, &square, &shape);
                let twice =
                    self.graph.layer("Multiply", &format!("{}.twice", step.name), json!({}), &[&x, &slope], &shape);
                self.gated(step, &name, &x, &twice)
            }
            g => self.graph.layer("Activation", &name, json!({ "activation": name_of(g) }), &[&x], &shape),
        }
    }

    /// x · σ(z).
    fn gated(&mut self, step: &Step, name: &str, x: &Symbol, z: &Symbol) -> Symbol {
        let sigmoid = self.named("Activation", step, "gate", json!({ "activation": "sigmoid" }), z, &z.shape.clone());
        self.graph.layer("Multiply", name, json!({}), &[x, &sigmoid], &x.shape)
    }

    /// A norm over the last axes of an example together.
    fn norm(
        &mut self,
        class: &'static str,
        step: &Step,
        (config, variables): (Value, Vec<Variable>),
        x: Symbol,
        together: usize,
    ) -> Symbol {
        let shape = x.shape.clone();
        let (kept, normed) = shape.split_at(shape.len() - together);
        let at = [kept, &[normed.iter().product()]].concat();
        let x = if kept.is_empty() { self.flat(step, x) } else { self.reshaped(step, "together", x, &at) };
        let y = self.graph.push(class, &step.name, config, &[&x], &at, variables);
        self.reshaped(step, "shape", y, &shape)
    }

    /// Columns that pass, sidecars the vectors of those that are looked up.
    fn embedding(&mut self, step: &Step, embedding: &Embedding, x: Symbol) -> Symbol {
        let (x, dense) = (self.flat(step, x), embedding.dense);
        let n = x.shape[0];
        let line = self.reshaped(step, "columns", x, &[n, 1]);
        let mut parts = Vec::new();
        if dense > 0 {
            let config = json!({ "cropping": [0, n - dense] });
            let cropped = self.named("Cropping1D", step, "passing", config, &line, &[dense, 1]);
            parts.push(self.reshaped(step, "passing.flat", cropped, &[dense]));
        }
        for (j, column) in embedding.columns.iter().enumerate() {
            let name = |what: &str| format!("table{j}.{what}");
            let config = json!({ "cropping": [dense + j, n - dense - j - 1] });
            let code = self.named("Cropping1D", step, &name("column"), config, &line, &[1, 1]);
            let code = self.reshaped(step, &name("code"), code, &[1]);
            let config = json!({ "input_dim": column.slots, "output_dim": column.dimension });
            let table = vec![self.parameter(step, &format!("table{j}"))];
            let shape = [1, column.dimension];
            let found =
                self.graph.push("Embedding", &format!("{}.table{j}", step.name), config, &[&code], &shape, table);
            parts.push(self.reshaped(step, &name("vector"), found, &shape[1..]));
        }
        match &parts[..] {
            [one] => one.clone(),
            _ => {
                let parts: Vec<&Symbol> = parts.iter().collect();
                self.graph.layer("Concatenate", &step.name, json!({ "axis": -1 }), &parts, step.output.dimensions())
            }
        }
    }

    /// The spectrum as a convolution with waves, powers as products, bands as a matrix.
    fn log_mel(&mut self, step: &Step, options: &LogMelOptions, x: Symbol) -> Symbol {
        let bands = options.bands();
        let (bins, frames) = (bands.bins().len(), step.output.dimensions()[0]);
        let floats = |numbers: Vec<f64>| numbers.into_iter().map(|x| x as f32).collect::<Vec<_>>();
        let samples = x.shape.iter().product();
        let sound = self.reshaped(step, "sound", x, &[samples, 1]);
        let config = json!({
            "filters": 2 * bins, "kernel_size": [bands.window], "strides": [bands.hop], "use_bias": false,
            "trainable": false,
        });
        let waves = first_last((vec![2 * bins, bands.window, 1], floats(bands.waves())));
        let name = |own: &str| format!("{}.{own}", step.name);
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
        self.reshaped(step, "image", y, step.output.dimensions())
    }
}
