//! Gradient checking: the backward pass against two-sided differences of the cost.
//!
//! `dθ≈[i] = (J(θ + εeᵢ) − J(θ − εeᵢ)) / 2ε`, compared by ‖dθ≈ − dθ‖ / (‖dθ≈‖ + ‖dθ‖): at most 1e-7 is great, 1e-5
//! needs a closer look, 1e-3 is a bug. Always in f64, with dropout off, the L2 term included and batch norm using the
//! batch's statistics. A coordinate is skipped, and counted, if one of the two probes crosses a kink (ReLU's 0):
//! differences do not give the derivative there.
//!
//! Where the last layer averages members, J is the sum of the members' costs: each is trained as it would be alone.
//!
//! Besides θ, the gradient with respect to each layer's input and to the logits is checked, layer by layer. Errors
//! travel from the output to the input, so the failing row nearest the output is where the mistake is.

use serde::{Deserialize, Serialize};

use super::{Network, Workspace};
use crate::error::Result;
use crate::layers::{Backward, Mode, Parameters, ParametersMut};
use crate::losses::{self, Cost, Loss};
use crate::random;
use crate::tensor::ops::MatmulPrecision;
use crate::tensor::{Dtype, Tensor, View};

/// How a check is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CheckSettings {
    /// ε: 1e-7 in the course; 1e-5 has less rounding error and is as accurate for smooth networks.
    pub epsilon: f64,
    /// The most coordinates checked per parameter; a larger parameter is sampled by `seed`.
    pub most: usize,
    /// Seed of the sample.
    pub seed: u64,
    /// λ/m of the L2 term.
    pub l2: f64,
    /// The relative difference up to which a check passes.
    pub tolerance: f64,
}

impl Default for CheckSettings {
    fn default() -> Self {
        CheckSettings { epsilon: 1e-6, most: 200, seed: 0, l2: 0.0, tolerance: 1e-6 }
    }
}

/// The check of one parameter, of one layer's input, or of the loss's delta.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckRow {
    /// The layer's name, `layers.0`, or `loss`.
    pub name: String,
    /// `weight`, `bias`, `gamma`, …; `input` for dX; `logits` for the loss's dZ.
    pub parameter: String,
    /// ‖dθ≈ − dθ‖ / (‖dθ≈‖ + ‖dθ‖) over its coordinates, 0 where both are 0.
    pub relative_difference: f64,
    /// Coordinates checked.
    pub checked: usize,
    /// Coordinates skipped because a probe crossed a kink.
    pub kinks_skipped: usize,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The relative difference over all checked coordinates of θ.
    pub relative_difference: f64,
    /// Whether every row passes.
    pub passed: bool,
    /// Coordinates of θ checked.
    pub parameters_checked: usize,
    /// Coordinates of θ skipped because a probe crossed a kink.
    pub kinks_skipped: usize,
    /// One row for the loss, each layer's parameters and its input, from the output to the input.
    pub layers: Vec<CheckRow>,
}

impl Report {
    /// The failing row nearest the output, where the mistake is; of one layer's parameters, the one that differs most.
    pub fn culprit(&self, tolerance: f64) -> Option<&CheckRow> {
        let first = self.layers.iter().find(|row| row.relative_difference > tolerance)?;
        self.layers
            .iter()
            .filter(|row| row.name == first.name && (row.parameter == "input") == (first.parameter == "input"))
            .max_by(|a, b| a.relative_difference.total_cmp(&b.relative_difference))
    }
}

/// Running sums of one comparison: ‖dθ≈ − dθ‖², ‖dθ≈‖², ‖dθ‖².
#[derive(Debug, Clone, Copy, Default)]
struct DifferenceSums {
    difference: f64,
    numeric: f64,
    analytic: f64,
    checked: usize,
    kinks: usize,
}

impl DifferenceSums {
    fn add(&mut self, numeric: f64, analytic: f64) {
        self.difference += (numeric - analytic).powi(2);
        self.numeric += numeric * numeric;
        self.analytic += analytic * analytic;
        self.checked += 1;
    }

    fn merge(&mut self, other: &DifferenceSums) {
        self.difference += other.difference;
        self.numeric += other.numeric;
        self.analytic += other.analytic;
        self.checked += other.checked;
        self.kinks += other.kinks;
    }

    /// A NaN anywhere counts as the largest difference, 1. Below ~1e-11 both are 0 but for rounding.
    fn relative(&self) -> f64 {
        let scale = self.numeric.sqrt() + self.analytic.sqrt();
        let relative = self.difference.sqrt() / scale;
        match relative {
            _ if scale < 1e-11 => 0.0,
            r if r.is_nan() => 1.0,
            r => r,
        }
    }

    fn row(&self, name: &str, parameter: &str) -> CheckRow {
        CheckRow {
            name: name.into(),
            parameter: parameter.into(),
            relative_difference: self.relative(),
            checked: self.checked,
            kinks_skipped: self.kinks,
        }
    }
}

/// Checks a network's gradients at θ on the examples x with targets y (all in f64).
///
/// ```
/// use thalweg::layers::Linear;
/// use thalweg::losses::Squared;
/// use thalweg::network::{Network, gradient_check::{self, CheckSettings}};
/// use thalweg::tensor::{Activation, Dtype, Tensor};
///
/// let network = Network::new(1, vec![Box::new(Linear::new(1, Activation::Tanh))])?;
/// let theta = network.initialize(0, Dtype::F64);
/// let (x, y) = (Tensor::from_f64([2, 1], vec![0.5, -1.0]), Tensor::from_f64([2, 1], vec![1.0, 0.0]));
/// let report = gradient_check::check(&network, &Squared, &theta, x.view(), y.view(), None, CheckSettings::default())?;
/// assert!(report.passed, "{report:?}");
/// # Ok::<(), thalweg::Error>(())
/// ```
///
/// # Errors
/// If θ, x, y or the weights do not have the shapes of the network and the loss, or x, y or the weights are not f64.
pub fn check(
    network: &Network,
    loss: &dyn Loss,
    theta: &Tensor,
    x: View,
    y: View,
    weights: Option<View>,
    settings: CheckSettings,
) -> Result<Report> {
    check_shapes(network, loss, theta, [x, y], weights)?;
    let mut probe = Probe::new(network, loss, x, y, weights, settings);
    let mut theta = theta.to(Dtype::F64);
    let gradient = probe.gradient(&theta);
    let mut layers = vec![probe.check_loss(&theta)];
    let mut total = DifferenceSums::default();
    for i in (0..network.layers().len()).rev() {
        for entry in network.layout().of_layer(i).iter().filter(|entry| entry.trained) {
            let found = probe.check_entry(&mut theta, &gradient, entry.range());
            total.merge(&found);
            let (layer, parameter) = entry.name.rsplit_once('.').expect("a parameter's name has a dot");
            layers.push(found.row(layer, parameter));
        }
        if i > 0 {
            layers.push(probe.check_input(&theta, i).row(&format!("layers.{i}"), "input"));
        }
    }
    Ok(Report {
        relative_difference: total.relative(),
        passed: layers.iter().all(|row| row.relative_difference <= settings.tolerance),
        parameters_checked: total.checked,
        kinks_skipped: total.kinks,
        layers,
    })
}

/// Checks that shapes and types fit together.
fn check_shapes(
    network: &Network,
    loss: &dyn Loss,
    theta: &Tensor,
    [x, y]: [View; 2],
    weights: Option<View>,
) -> Result<()> {
    const CHECK: &str = "gradient_check::check";
    let m = x.shape().rows();
    theta.view().expect(CHECK, "θ", [network.layout().len()], theta.dtype())?;
    x.expect(CHECK, "x", network.input().batch(m), Dtype::F64)?;
    losses::check_targets(CHECK, loss, network.output().batch(m), y, Dtype::F64)?;
    weights.map_or(Ok(()), |weights| weights.expect(CHECK, "weights", [m], Dtype::F64))
}

/// Evaluates the cost at perturbed parameters.
struct Probe<'a> {
    network: &'a Network,
    loss: &'a dyn Loss,
    x: View<'a>,
    y: View<'a>,
    weights: Option<View<'a>>,
    settings: CheckSettings,
    workspace: Workspace,
    cost: Cost,
    sides: Vec<bool>,
}

impl<'a> Probe<'a> {
    fn new(
        network: &'a Network,
        loss: &'a dyn Loss,
        x: View<'a>,
        y: View<'a>,
        weights: Option<View<'a>>,
        settings: CheckSettings,
    ) -> Self {
        let m = x.shape().rows();
        let workspace = network.workspace(m, Dtype::F64);
        let cost = Cost::of_members(m, network.members(), Dtype::F64);
        Probe { network, loss, x, y, weights, settings, workspace, cost, sides: Vec::new() }
    }

    /// J(θ); leaves the side of every kink in `self.sides`.
    fn cost(&mut self, theta: &Tensor) -> f64 {
        let m = self.x.shape().rows();
        self.network.run_forward(theta.view(), self.x, &mut self.workspace, Mode::Check);
        self.sides.clear();
        for (i, layer) in self.network.layers().iter().enumerate() {
            let x = if i == 0 { self.x } else { self.workspace.layer_output(i - 1, m) };
            let y = self.workspace.layer_output(i, m);
            layer.kink_sides(x, y, &self.workspace.saved[i], &mut self.sides);
        }
        let (z, _) = self.workspace.member_delta(m);
        self.cost.kink_sides(self.loss, z, self.y, &mut self.sides);
        self.network.members() as f64 * self.cost.compute(self.loss, z, self.y, self.weights, None)
            + self.network.l2_cost(theta.view(), self.settings.l2)
    }

    /// dθ by the backward pass.
    fn gradient(&mut self, theta: &Tensor) -> Tensor {
        let m = self.x.shape().rows();
        let mut gradient = Tensor::zeros(theta.shape(), Dtype::F64);
        self.network.run_forward(theta.view(), self.x, &mut self.workspace, Mode::Check);
        let (z, dz) = self.workspace.member_delta(m);
        self.cost.compute(self.loss, z, self.y, self.weights, Some(dz));
        self.network.run_backward_members(theta.view(), self.x, &mut self.workspace, gradient.view_mut());
        self.network.add_l2_gradient(theta.view(), self.settings.l2, gradient.view_mut());
        gradient
    }

    /// Compares dθ with differences of the cost on a parameter's coordinates.
    fn check_entry(&mut self, theta: &mut Tensor, gradient: &Tensor, range: std::ops::Range<usize>) -> DifferenceSums {
        let mut found = DifferenceSums::default();
        for offset in self.sample(range.len(), range.start) {
            let i = range.start + offset;
            let value = theta.view().at(i);
            let mut probe_at = |this: &mut Self, at: f64| {
                theta.view_mut().set(i, at);
                this.cost(theta)
            };
            let above = probe_at(self, value + self.settings.epsilon);
            let sides = std::mem::take(&mut self.sides);
            let below = probe_at(self, value - self.settings.epsilon);
            theta.view_mut().set(i, value);
            if sides != self.sides {
                found.kinks += 1;
                continue;
            }
            found.add((above - below) / (2.0 * self.settings.epsilon), gradient.view().at(i));
        }
        found
    }

    /// Compares the loss's delta with differences of the cost with respect to the logits.
    fn check_loss(&mut self, theta: &Tensor) -> CheckRow {
        let m = self.x.shape().rows();
        self.network.run_forward(theta.view(), self.x, &mut self.workspace, Mode::Check);
        let mut z = self.workspace.member_delta(m).0.to_tensor();
        let mut dz = Tensor::zeros(z.shape(), Dtype::F64);
        self.cost.compute(self.loss, z.view(), self.y, self.weights, Some(dz.view_mut()));
        let (loss, y, weights, members) = (self.loss, self.y, self.weights, self.network.members() as f64);
        let (mut above, mut below) = (Vec::new(), Vec::new());
        let mut found = DifferenceSums::default();
        for i in self.sample(z.view().len(), 0) {
            let value = z.view().at(i);
            let mut cost_at = |at: f64, sides: &mut Vec<bool>| {
                z.view_mut().set(i, at);
                sides.clear();
                self.cost.kink_sides(loss, z.view(), y, sides);
                members * self.cost.compute(loss, z.view(), y, weights, None)
            };
            let up = cost_at(value + self.settings.epsilon, &mut above);
            let down = cost_at(value - self.settings.epsilon, &mut below);
            z.view_mut().set(i, value);
            match above == below {
                true => found.add((up - down) / (2.0 * self.settings.epsilon), dz.view().at(i)),
                false => found.kinks += 1,
            }
        }
        found.row("loss", "logits")
    }

    /// Compares one layer's dX with differences of Σ r ∗ y(x), for a fixed random r.
    fn check_input(&mut self, theta: &Tensor, i: usize) -> DifferenceSums {
        let m = self.x.shape().rows();
        self.network.run_forward(theta.view(), self.x, &mut self.workspace, Mode::Check);
        let layer = &self.network.layers()[i];
        let mut x = self.workspace.layer_output(i - 1, m).to_tensor();
        let mut y = self.workspace.layer_output(i, m).to_tensor();
        let mut r = vec![0.0; y.view().len()];
        random::check(self.settings.seed).fill_normal(i as u32, &mut r);
        let entries = self.network.layout().of_layer(i);
        let parameters = Parameters { theta: theta.view(), entries, precision: MatmulPrecision::F32, lengths: None };
        let saved = &mut self.workspace.saved[i];

        let mut dx = Tensor::zeros(x.shape(), Dtype::F64);
        let mut dy = Tensor::from_f64(y.shape(), r.clone());
        let mut unused = Tensor::zeros(theta.shape(), Dtype::F64);
        layer.forward(parameters, x.view(), y.view_mut(), saved, Mode::Check);
        let pass = Backward { x: x.view(), y: y.view(), dy: dy.view_mut(), saved, dx: Some(dx.view_mut()) };
        layer.backward(parameters, pass, ParametersMut::new(unused.view_mut(), entries));

        let mut found = DifferenceSums::default();
        let sample = sample(self.settings, x.view().len(), (1 << 20) + i);
        for j in sample {
            let value = x.view().at(j);
            let mut project = |at: f64| {
                x.view_mut().set(j, at);
                layer.forward(parameters, x.view(), y.view_mut(), saved, Mode::Check);
                let mut sides = Vec::new();
                layer.kink_sides(x.view(), y.view(), saved, &mut sides);
                (y.to_f64(), sides)
            };
            let (above, sides_above) = project(value + self.settings.epsilon);
            let (below, sides_below) = project(value - self.settings.epsilon);
            x.view_mut().set(j, value);
            match sides_above == sides_below {
                true => {
                    // Of many outputs few change: the difference of two sums of all would be mostly their rounding.
                    let changes = above.iter().zip(&below).zip(&r).map(|((above, below), r)| r * (above - below));
                    found.add(changes.sum::<f64>() / (2.0 * self.settings.epsilon), dx.view().at(j));
                }
                false => found.kinks += 1,
            }
        }
        found
    }

    fn sample(&self, n: usize, stream: usize) -> Vec<usize> {
        sample(self.settings, n, stream)
    }
}

/// All of 0..n, or the first `settings.most` of a permutation of it.
fn sample(settings: CheckSettings, n: usize, stream: usize) -> Vec<usize> {
    if n <= settings.most {
        return (0..n).collect();
    }
    let order = random::check(settings.seed).epoch(stream as u32).permutation(n);
    order.into_iter().take(settings.most).map(|i| i as usize).collect()
}

/// The derivative of a function by a one-sided difference (f(x+ε) − f(x))/ε, whose error is O(ε).
pub fn one_sided(f: impl Fn(f64) -> f64, x: f64, epsilon: f64) -> f64 {
    (f(x + epsilon) - f(x)) / epsilon
}

/// The derivative of a function by a two-sided difference (f(x+ε) − f(x−ε))/2ε, whose error is O(ε²).
///
/// The course's example, f(θ) = θ³ at 1 with ε = 0.01:
/// ```
/// use thalweg::network::gradient_check::{one_sided, two_sided};
///
/// let cube = |theta: f64| theta.powi(3);
/// assert!((one_sided(cube, 1.0, 0.01) - 3.0301).abs() < 1e-10);
/// assert!((two_sided(cube, 1.0, 0.01) - 3.0001).abs() < 1e-10);
/// ```
pub fn two_sided(f: impl Fn(f64) -> f64, x: f64, epsilon: f64) -> f64 {
    (f(x + epsilon) - f(x - epsilon)) / (2.0 * epsilon)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{BatchNorm, Layer, Linear};
    use crate::losses::Squared;
    use crate::tensor::Activation;

    /// Of 20,000 outputs an input changes 500, and its gradient is small: 5e-7 where two sums of all are compared.
    #[test]
    fn many_outputs_are_no_mistake() {
        let layers: Vec<Box<dyn Layer>> = vec![
            Box::new(Linear::new(40, Activation::Identity)),
            Box::new(BatchNorm::default()),
            Box::new(Linear::new(1, Activation::Identity)),
        ];
        let network = Network::new(2, layers).unwrap();
        let mut theta = network.initialize(0, Dtype::F64);
        for i in 0..120 {
            theta.view_mut().set(i, 30.0 * (i as f64).sin());
        }
        let x = Tensor::from_f64([500, 2], (0..1000).map(|i| (0.7 * f64::from(i)).sin()).collect());
        let y = Tensor::from_f64([500, 1], (0..500).map(|i| (0.3 * f64::from(i)).cos()).collect());
        let report = check(&network, &Squared, &theta, x.view(), y.view(), None, CheckSettings::default()).unwrap();
        let row = report.layers.iter().find(|row| row.name == "layers.1" && row.parameter == "input").unwrap();
        assert!(row.relative_difference < 5e-8, "{row:?}");
    }
}
