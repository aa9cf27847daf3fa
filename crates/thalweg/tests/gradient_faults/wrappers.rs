//! Wrappers that corrupt the backward pass of a layer or a loss.

use thalweg::layers::{Backward, Configured, Layer, Mode, ParameterSpec, Parameters, ParametersMut};
use thalweg::losses::Loss;
use thalweg::tensor::ops::{self, LossOutput};
use thalweg::tensor::{Shape, Tensor, View, ViewMut};

/// What a fault can see and change after the layer's own backward pass.
pub(crate) struct Written<'a> {
    pub(crate) theta: Parameters<'a>,
    pub(crate) x: View<'a>,
    pub(crate) y: View<'a>,
    pub(crate) dy: View<'a>,
    pub(crate) dx: Option<ViewMut<'a>>,
    pub(crate) gradient: ParametersMut<'a>,
}

/// A layer with a fault in its backward pass.
#[derive(Debug)]
pub(crate) struct Faulty {
    pub(crate) layer: Box<dyn Layer>,
    pub(crate) fault: fn(&mut Written),
}

impl Configured for Faulty {
    fn kind(&self) -> &'static str {
        self.layer.kind()
    }

    fn config(&self) -> serde_json::Value {
        self.layer.config()
    }
}

impl Layer for Faulty {
    fn describe(&self, input: Shape) -> String {
        self.layer.describe(input)
    }

    fn output(&self, input: Shape) -> thalweg::Result<Shape> {
        self.layer.output(input)
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        self.layer.parameters(input)
    }

    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        self.layer.saved(input, m)
    }

    fn forward(&self, theta: Parameters, x: View, y: ViewMut, saved: &mut [Tensor], mode: Mode) {
        self.layer.forward(theta, x, y, saved, mode);
    }

    fn backward(&self, theta: Parameters, pass: Backward, mut gradient: ParametersMut) {
        let Backward { x, y, dy, saved, mut dx } = pass;
        let dy_before = dy.view().to_tensor();
        let own = Backward { x, y, dy, saved, dx: dx.as_mut().map(ViewMut::reborrow) };
        self.layer.backward(theta, own, gradient.reborrow());
        (self.fault)(&mut Written { theta, x, y, dy: dy_before.view(), dx, gradient });
    }

    fn kink_sides(&self, x: View, y: View, saved: &[Tensor], sides: &mut Vec<bool>) {
        self.layer.kink_sides(x, y, saved, sides);
    }
}

/// A loss with a fault in its delta: `fault(z, y, dz)`.
#[derive(Debug)]
pub(crate) struct FaultyLoss {
    pub(crate) loss: Box<dyn Loss>,
    pub(crate) fault: fn(View, View, &mut ViewMut),
}

impl Loss for FaultyLoss {
    fn name(&self) -> &'static str {
        self.loss.name()
    }

    fn loss(&self, z: View, y: View, out: LossOutput) {
        let LossOutput { loss, mut dz } = out;
        self.loss.loss(z, y, LossOutput { loss, dz: dz.as_mut().map(ViewMut::reborrow) });
        if let Some(dz) = &mut dz {
            (self.fault)(z, y, dz);
        }
    }

    fn takes(&self, logits: usize, columns: usize) -> bool {
        self.loss.takes(logits, columns)
    }

    fn kink_sides(&self, z: View, y: View, sides: &mut Vec<bool>) {
        self.loss.kink_sides(z, y, sides);
    }
}

/// Replaces each value by a function of its index and itself.
pub(crate) fn rewrite(to: &mut ViewMut, f: impl Fn(usize, f64) -> f64) {
    for i in 0..to.view().len() {
        let before = to.view().at(i);
        to.set(i, f(i, before));
    }
}

impl Written<'_> {
    pub(crate) fn parameter(&mut self, i: usize, f: impl Fn(usize, f64) -> f64) {
        rewrite(&mut self.gradient.get(i), f);
    }

    pub(crate) fn input(&mut self, f: impl Fn(usize, f64) -> f64) {
        rewrite(self.dx.as_mut().expect("not the first layer"), f);
    }

    /// A linear layer's gradients, computed from another dZ.
    pub(crate) fn gradients_by_dz(&mut self, dz: impl Fn(usize) -> f64) {
        let dz = Tensor::from_f64(self.dy.shape(), (0..self.dy.len()).map(dz).collect());
        let (dw, db) = self.gradient.pair(0);
        let dx = self.dx.as_mut().map(ViewMut::reborrow);
        ops::linear_backward(self.x, self.theta.get(0), dz.view(), dw, Some(db), dx, self.theta.precision);
    }
}
