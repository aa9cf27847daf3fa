//! A network is a function of θ and x: layers in a row, with the memory they need planned once.

pub mod gradient_check;
mod layout;
mod members;
mod predictor;
pub(crate) mod weights;
mod workspace;

pub use layout::{Entry, Layout};
pub use predictor::Predictor;
pub use weights::Weights;
pub use workspace::{ActivationScale, Workspace};

use std::ops::Range;

use thalweg_kernels::pool;

use crate::error::{Error, Result};
use crate::event::LayerRow;
use crate::layers::{self, Backward, Layer, Mode, Node, Parameters, ParametersMut};
use crate::random;
use crate::tensor::ops::{self, MatmulPrecision};
use crate::tensor::{Dtype, Shape, Tensor, View, ViewMut};

/// Values in the workspaces of a prediction: 64 MiB in f32.
const NUMBERS: usize = 1 << 24;

/// Layers in a row. It holds no parameters: they are one vector θ, laid out by [`Network::layout`].
///
/// ```
/// use thalweg::layers::{Linear, Mode};
/// use thalweg::network::Network;
/// use thalweg::tensor::{Activation, Dtype, Tensor};
///
/// let network = Network::new(2, vec![
///     Box::new(Linear::new(3, Activation::Tanh)),
///     Box::new(Linear::new(1, Activation::Identity)),
/// ])?;
/// assert_eq!(network.layout().trained(), 2 * 3 + 3 + 3 + 1);
/// let theta = network.initialize(0, Dtype::F64);
/// let mut workspace = network.workspace(4, Dtype::F64);
/// let x = Tensor::zeros([4, 2], Dtype::F64);
/// let z = network.forward(theta.view(), x.view(), &mut workspace, Mode::Predict)?;
/// assert_eq!(z.to_f64(), [0.0; 4]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug)]
pub struct Network {
    input: Shape,
    layers: Vec<Box<dyn Layer>>,
    /// The shape of each layer's output.
    outputs: Vec<Shape>,
    layout: Layout,
}

impl Network {
    /// A network of layers for inputs of a shape: a number of columns, or `[height, width, channels]`.
    ///
    /// # Errors
    /// If a layer cannot take the shape that it is given.
    pub fn new(input: impl Into<InputShape>, layers: Vec<Box<dyn Layer>>) -> Result<Network> {
        let InputShape(input) = input.into();
        layers::example(input)?;
        let mut outputs = Vec::with_capacity(layers.len());
        let mut specs = Vec::with_capacity(layers.len());
        let mut shape = input;
        for (i, layer) in layers.iter().enumerate() {
            let output = layers::output(layer.as_ref(), shape).map_err(|error| match error.place {
                None => error.at(format!("layers.{i}")),
                Some(_) => error,
            })?;
            specs.push(layer.parameters(shape));
            outputs.push(output);
            shape = output;
        }
        if layers.is_empty() {
            return Err(Error::config("a network without layers").fix("add at least an output layer"));
        }
        let network = Network { input, layers, outputs, layout: Layout::new(specs)? };
        network.check_size()?;
        Ok(network)
    }

    /// Checks that an example's memory and time are in proportion to its size and to the number of parameters.
    fn check_size(&self) -> Result<()> {
        /// Values per example that are never too many, and how many each input value or parameter may become.
        const NUMBERS: (usize, usize) = (1 << 24, 1 << 12);
        /// About a minute on one core.
        const MULTIPLY_ADDS: f64 = (1_u64 << 40) as f64;
        let (numbers, own) = (self.numbers_per_row(), self.input.size().saturating_add(self.layout.len()));
        if numbers > NUMBERS.0.max(own.saturating_mul(NUMBERS.1)) {
            let what = format!("an example of {} numbers becomes {numbers} in the network", self.input.size());
            return Err(Error::config(what).fix("use less padding, or larger strides"));
        }
        let work = self.multiply_adds();
        if work > MULTIPLY_ADDS {
            return Err(Error::config(format!("{work:.1e} multiplications for an example"))
                .fix("use smaller windows, or larger strides"));
        }
        Ok(())
    }

    /// Approximate multiply-adds of a forward pass per example.
    pub(crate) fn multiply_adds(&self) -> f64 {
        let inputs = std::iter::once(&self.input).chain(&self.outputs);
        self.layers.iter().zip(inputs).map(|(layer, &input)| layer.multiply_adds(input)).sum()
    }

    /// How many steps count of each example of x, where the first layer runs on as many as the longest of a batch has.
    pub(crate) fn lengths(&self, x: View) -> Option<Vec<u32>> {
        /// Rows looked at at a time: a layer may copy them.
        const AT_ONCE: usize = 1 << 10;
        let m = x.shape().rows();
        let some = |start| self.layers[0].lengths(x.rows(start, AT_ONCE.min(m - start)));
        let parts: Option<Vec<_>> = (0..m).step_by(AT_ONCE).map(some).collect();
        parts.map(|parts| parts.concat())
    }

    /// The shape of one example.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The shape of one example's logits.
    pub fn output(&self) -> Shape {
        self.outputs[self.outputs.len() - 1]
    }

    /// The shape of one example after each layer.
    pub fn outputs(&self) -> &[Shape] {
        &self.outputs
    }

    /// The layers.
    pub fn layers(&self) -> &[Box<dyn Layer>] {
        &self.layers
    }

    /// How many layers there are before the last one with parameters, whose inputs are what the network has learned to see;
    /// none where these are the examples, or of an ensemble.
    pub(crate) fn body(&self) -> Option<usize> {
        let has = |layer: &usize| self.layout.of_layer(*layer).iter().any(|entry| entry.trained);
        let last = (0..self.layers.len()).rev().find(has).filter(|last| *last > 0);
        last.filter(|_| self.members() == 1)
    }

    /// A network of copies of some of its layers, in a row.
    ///
    /// # Errors
    /// If a layer is a custom one, or there are none.
    pub(crate) fn copied(&self, layers: Range<usize>) -> Result<Network> {
        let input = if layers.start == 0 { self.input } else { self.outputs[layers.start - 1] };
        let copies = self.layers[layers].iter().map(|layer| layers::read_layer(layers::write_layer(&**layer), &[]));
        Network::new(input, copies.collect::<Result<_>>()?)
    }

    /// The same with the layers' part of θ.
    ///
    /// # Errors
    /// As for [`Network::copied`].
    pub(crate) fn part(&self, layers: Range<usize>, theta: &Tensor) -> Result<(Network, Tensor)> {
        let part = self.copied(layers.clone())?;
        let mut own = Tensor::zeros([part.layout.len()], theta.dtype());
        part.layout.copy_layers(0, (&self.layout, layers), theta.view(), own.view_mut());
        Ok((part, own))
    }

    /// The layers, without the network.
    pub(crate) fn into_layers(self) -> Vec<Box<dyn Layer>> {
        self.layers
    }

    /// The layers as nodes of a graph of operations, named `layers.0` and so on.
    ///
    /// # Errors
    /// If a layer cannot be lowered.
    pub fn lower(&self) -> Result<Vec<Node>> {
        layers::lower("layers", &self.layers, self.input)
    }

    /// How many members' logits its last layer averages: each is trained as it would be alone. 1 for other networks.
    pub fn members(&self) -> usize {
        averaged_members(&self.layers)
    }

    /// Where each parameter is in θ.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// θ, randomly initialised.
    pub fn initialize(&self, seed: u64, dtype: Dtype) -> Tensor {
        let mut theta = Tensor::zeros([self.layout.len()], dtype);
        for (i, entry) in self.layout.entries().iter().enumerate() {
            // A weight has n_out rows and n_in columns.
            let (n_in, n_out) = (entry.shape.columns(), entry.shape.rows());
            let values = theta.view_mut().part(entry.start, entry.shape);
            entry.init.draw(random::initial(seed), i as u32, n_in, n_out, values);
        }
        theta
    }

    /// How many of these rows to predict at once: 1,024, or fewer if they would need much memory.
    pub fn rows_at_once(&self, rows: usize) -> usize {
        self.rows_within(NUMBERS, rows)
    }

    /// The same for a workspace of so many values.
    fn rows_within(&self, numbers: usize, rows: usize) -> usize {
        (numbers / self.numbers_per_row().max(1)).clamp(1, 1024).min(rows.max(1))
    }

    /// Values that a forward pass stores per row: outputs, and what the backward pass needs.
    pub fn numbers_per_row(&self) -> usize {
        let inputs = std::iter::once(&self.input).chain(&self.outputs);
        let kept = self.layers.iter().zip(inputs).flat_map(|(layer, &input)| layer.saved(input, 1));
        let each = kept.chain(self.outputs.iter().copied()).map(|shape| shape.size());
        each.fold(0, usize::saturating_add)
    }

    /// Multiply-adds of a forward pass per example, if a batch may be split.
    pub(crate) fn flops_per_example(&self) -> Option<usize> {
        let inputs = std::iter::once(&self.input).chain(&self.outputs);
        self.layers.iter().zip(inputs).map(|(layer, &input)| layer.flops_per_example(input)).sum()
    }

    /// Multiply-adds of the largest product of m examples with a layer's matrix; tables whose rows are looked up count as
    /// what is looked up.
    pub(crate) fn largest_product(&self, m: usize) -> usize {
        let inputs = std::iter::once(&self.input).chain(&self.outputs);
        let each = self.layers.iter().zip(inputs).flat_map(|(layer, &input)| {
            let matrices = layer.parameters(input).into_iter().filter(|entry| entry.shape.dimensions().len() == 2);
            matrices.map(move |entry| (entry.shape.size() as f64).min(layer.multiply_adds(input)) as usize)
        });
        each.max().unwrap_or(0).saturating_mul(m)
    }

    /// Memory for batches of up to m examples.
    pub fn workspace(&self, m: usize, dtype: Dtype) -> Workspace {
        Workspace::new(&self.layers, self.input, &self.outputs, m, dtype)
    }

    /// The logits of x, m rows.
    ///
    /// # Errors
    /// If θ, x or the workspace do not have the network's shapes and one type, or x has more rows than the workspace.
    pub fn forward<'w>(&self, theta: View, x: View, workspace: &'w mut Workspace, mode: Mode) -> Result<View<'w>> {
        self.check("Network::forward", theta, x, workspace)?;
        Ok(self.run_forward(theta, x, workspace, mode))
    }

    /// dθ from the gradient of the cost with respect to the logits, which the caller has written to
    /// [`Workspace::delta`], after [`Network::forward`] on the same x.
    ///
    /// # Errors
    /// As for [`Network::forward`], and if dθ does not have θ's shape and type.
    pub fn backward(&self, theta: View, x: View, workspace: &mut Workspace, gradient: ViewMut) -> Result<()> {
        self.check("Network::backward", theta, x, workspace)?;
        gradient.view().expect("Network::backward", "dθ", theta.shape(), theta.dtype())?;
        self.run_backward(theta, x, workspace, gradient);
        Ok(())
    }

    /// dθ from the gradient of the members' costs with respect to their logits, which the caller has written to
    /// [`Workspace::member_delta`], after [`Network::forward`] on the same x. For networks without members it is
    /// [`Network::backward`].
    ///
    /// # Errors
    /// As for [`Network::backward`].
    pub fn backward_members(&self, theta: View, x: View, workspace: &mut Workspace, gradient: ViewMut) -> Result<()> {
        self.check("Network::backward_members", theta, x, workspace)?;
        gradient.view().expect("Network::backward_members", "dθ", theta.shape(), theta.dtype())?;
        self.run_backward_members(theta, x, workspace, gradient);
        Ok(())
    }

    /// Checks that tensors from outside have the network's shapes and one type.
    fn check(&self, operation: &str, theta: View, x: View, workspace: &Workspace) -> Result<()> {
        let m = x.shape().rows().min(workspace.capacity());
        theta.expect(operation, "θ", [self.layout.len()], workspace.dtype())?;
        x.expect(operation, "x", self.input.batch(m), workspace.dtype())?;
        workspace.check(operation, &self.outputs)
    }

    /// [`Network::forward`] for tensors that are known to fit.
    pub(crate) fn run_forward<'w>(&self, theta: View, x: View, workspace: &'w mut Workspace, mode: Mode) -> View<'w> {
        let (m, precision, frozen) = (x.shape().rows(), workspace.precision, workspace.frozen);
        let x = x.part(0, self.input.batch(m));
        for (i, layer) in self.layers.iter().enumerate() {
            let (before, from_here) = workspace.outputs.split_at_mut(i);
            let input = before.last().map_or(x, |y| y.rows(m));
            let parameters = Parameters { theta, entries: self.layout.of_layer(i), precision, lengths: None };
            let mode = if i < frozen { Mode::Predict } else { mode.of_layer(i) };
            layer.forward(parameters, input, from_here[0].rows_mut(m), &mut workspace.saved[i], mode);
        }
        workspace.output(m)
    }

    /// Predicts rows of inputs, some at a time on each thread; `take` gets the outputs of each portion, in order. No row's
    /// output depends on another's.
    ///
    /// # Errors
    /// If the inputs are not whole rows; `operation` is what was asked to predict.
    pub(crate) fn predict_rows(
        &self,
        operation: &str,
        (theta, precision): (&Tensor, MatmulPrecision),
        x: &[f32],
        mut take: impl FnMut(ViewMut),
    ) -> Result<()> {
        let n = self.input.size();
        if !x.len().is_multiple_of(n) {
            let found = format!("{operation}: {} numbers, expected rows of {n}", x.len());
            return Err(Error::data(found).fix("give rows as the pipeline encodes them"));
        }
        let rows = x.len() / n;
        let m = self.rows_within(NUMBERS / pool::threads(), rows.div_ceil(pool::threads()));
        let count = rows.div_ceil(m).min(pool::threads());
        let mut workspaces: Vec<Workspace> = (0..count).map(|_| self.workspace(m, theta.dtype())).collect();
        workspaces.iter_mut().for_each(|workspace| workspace.precision = precision);
        for x in x.chunks((workspaces.len() * m * n).max(1)) {
            let portions: Vec<&[f32]> = x.chunks(m * n).collect();
            pool::for_each_chunk(&mut workspaces[..portions.len()], 1, |i, workspace| {
                let x = Tensor::from_f32([portions[i].len() / n, n], portions[i].to_vec()).into_dtype(theta.dtype());
                self.run_forward(theta.view(), x.view(), &mut workspace[0], Mode::Predict);
            });
            for (workspace, portion) in workspaces.iter_mut().zip(portions) {
                take(workspace.output_mut(portion.len() / n));
            }
        }
        Ok(())
    }

    /// [`Network::backward`] for tensors that are known to fit.
    pub(crate) fn run_backward(&self, theta: View, x: View, workspace: &mut Workspace, gradient: ViewMut) {
        self.run_backward_through(self.layers.len(), theta, x, workspace, gradient);
    }

    /// [`Network::backward_members`] for tensors that are known to fit.
    pub(crate) fn run_backward_members(&self, theta: View, x: View, workspace: &mut Workspace, gradient: ViewMut) {
        self.run_backward_through(workspace.trained_layers(), theta, x, workspace, gradient);
    }

    /// The backward pass through the first layers, from the gradient with respect to the output of the last of them.
    fn run_backward_through(
        &self,
        layers: usize,
        theta: View,
        x: View,
        workspace: &mut Workspace,
        mut gradient: ViewMut,
    ) {
        let (m, precision, frozen) = (x.shape().rows(), workspace.precision, workspace.frozen);
        let x = x.part(0, self.input.batch(m));
        for (i, layer) in self.layers[..layers].iter().enumerate().skip(frozen).rev() {
            let y = workspace.outputs[i].rows(m);
            let input = if i == 0 { x } else { workspace.outputs[i - 1].rows(m) };
            let [dy, dx] = &mut workspace.deltas;
            if let Some(scale) = workspace.scales.as_mut().and_then(|scales| scales.get_mut(i)) {
                let dy = dy.view().part(0, self.outputs[i].batch(m));
                *scale = ActivationScale::of(y, Some(dy), layer.activation(), workspace::units(self.outputs[i]));
            }
            let pass = Backward {
                x: input,
                y,
                dy: dy.view_mut().part(0, self.outputs[i].batch(m)),
                saved: &mut workspace.saved[i],
                dx: (i > frozen).then(|| dx.view_mut().part(0, input.shape())),
            };
            let entries = self.layout.of_layer(i);
            let own = ParametersMut::new(gradient.reborrow(), entries);
            layer.backward(Parameters { theta, entries, precision, lengths: None }, pass, own);
            workspace.deltas.swap(0, 1);
        }
    }

    /// The scales of the layers' outputs in the last forward pass of m examples.
    pub(crate) fn output_scales(&self, workspace: &Workspace, m: usize) -> Vec<ActivationScale> {
        workspace.output_scales(&self.layers, m)
    }

    /// Updates running statistics from the last forward pass in training.
    pub fn update_statistics(&self, mut theta: ViewMut, workspace: &Workspace) {
        for (i, layer) in self.layers.iter().enumerate().skip(workspace.frozen) {
            let entries = self.layout.of_layer(i);
            layer.update_statistics(ParametersMut::new(theta.reborrow(), entries), &workspace.saved[i]);
        }
    }

    /// Changes θ so that the logits are a factor times what they were; false where the last layer cannot.
    pub fn scale_logits(&self, theta: ViewMut, factor: f64) -> bool {
        // The average of members has no parameters: theirs are in the layer before.
        let last = self.layers.len() - 1 - usize::from(self.members() > 1);
        self.layers[last].scale_output(ParametersMut::new(theta, self.layout.of_layer(last)), factor)
    }

    /// λ/(2m) Σ‖W‖²: the L2 term of the cost.
    pub fn l2_cost(&self, theta: View, factor: f64) -> f64 {
        if factor == 0.0 {
            return 0.0;
        }
        let squares: f64 =
            self.layout.decayed().map(|entry| ops::sum_squares(theta.part(entry.start, entry.shape))).sum();
        0.5 * factor * squares
    }

    /// dW += λ/m W: the L2 term of the gradient; `factor` is λ/m.
    pub fn add_l2_gradient(&self, theta: View, factor: f64, mut gradient: ViewMut) {
        for entry in self.layout.decayed().filter(|_| factor != 0.0) {
            let weight = theta.part(entry.start, entry.shape);
            ops::add_scaled(gradient.reborrow().part(entry.start, entry.shape), factor, weight);
        }
    }

    /// The table of layers, a row each.
    pub fn summary(&self) -> Vec<LayerRow> {
        let inputs = std::iter::once(&self.input).chain(&self.outputs);
        let layers = self.layers.iter().zip(inputs).zip(&self.outputs).enumerate();
        layers
            .map(|(i, ((layer, input), output))| LayerRow {
                name: format!("layers.{i}"),
                description: layer.describe(*input),
                output: output.dimensions().to_vec(),
                parameters: self.layout.of_layer(i).iter().filter(|e| e.trained).map(|e| e.shape.size()).sum(),
            })
            .collect()
    }
}

/// How many members the last of these layers averages, if there are layers before it to train.
fn averaged_members(layers: &[Box<dyn Layer>]) -> usize {
    match layers {
        [_, .., last] => last.averaged_members().max(1),
        _ => 1,
    }
}

/// The shape of one example, from a number of columns or a [`Shape`].
#[derive(Debug, Clone, Copy)]
pub struct InputShape(Shape);

impl From<usize> for InputShape {
    fn from(columns: usize) -> Self {
        InputShape([columns].into())
    }
}

impl From<Shape> for InputShape {
    fn from(shape: Shape) -> Self {
        InputShape(shape)
    }
}
