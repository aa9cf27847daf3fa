//! Embeddings of numbers by waves of trained frequencies (Gorishniy, Rubachev and Babenko 2022).

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered, is_above_zero};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::tensor::{Activation, Shape, Tensor, View, ViewMut, ops, periodic};

/// All inputs pass unchanged; after them comes a vector of `dimension` values for each of `inputs`, a periodic embedding
/// with a linear layer and ReLU of its own ("On Embeddings for Numerical Features in Tabular Deep Learning", Gorishniy,
/// Rubachev and Babenko 2022, section 3.3: PLR).
///
/// Forward: with the angles v = 2π c x of an input x and its k trained frequencies c, the vector is
/// ReLU(W [cos v, sin v] + b), W being d × 2k. c ~ N(0, σ²) at the start: σ says how fast the functions can wiggle.
///
/// Backward: with dz = dy where y > 0, dW = Σ dz [cos v, sin v]ᵀ, db = Σ dz, [dcos, dsin] = Wᵀ dz,
/// dv = dsin ∗ cos v − dcos ∗ sin v, dc = Σ 2π dv x and dx = Σ 2π dv ∗ c.
///
/// ```
/// use thalweg::layers::Periodic;
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::Tensor;
///
/// let layer = Periodic { dimension: 1, frequencies: 1, sigma: Periodic::SIGMA, inputs: vec![0] };
/// let network = Network::new(1, vec![Box::new(layer)])?;
/// let theta = Tensor::from_f64([4], vec![0.25, 2.0, -3.0, 4.0]); // c, W and b
/// let x = Tensor::from_f64([2, 1], vec![1.0, 4.0]);
/// let y = Predictor::new(&network, &theta, 2, Default::default())?.forward(x.view())?.to_f64();
/// // x itself, and 2 cos v − 3 sin v + 4 after a quarter of a turn, and after a whole one.
/// let expected = [1.0, -3.0 + 4.0, 4.0, 2.0 + 4.0];
/// assert!(y.iter().zip(expected).all(|(y, expected)| (y - expected).abs() < 1e-14));
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Periodic {
    /// d, the values that each of the inputs becomes.
    pub dimension: usize,
    /// k, the frequencies of each of the inputs.
    pub frequencies: usize,
    /// σ, the standard deviation of the frequencies at the start.
    #[serde(default = "sigma")]
    pub sigma: f64,
    /// The inputs that are numbers, by index.
    pub inputs: Vec<usize>,
}

fn sigma() -> f64 {
    Periodic::SIGMA
}

impl Periodic {
    /// The usual σ (Holzmüller, Grinsztajn and Steinwart 2024: RealMLP).
    pub const SIGMA: f64 = 0.1;

    /// The elements of θ of all inputs, unless they are more than can be counted.
    fn size(&self) -> Option<usize> {
        let vectors = self.inputs.len().checked_mul(self.dimension)?;
        self.frequencies.checked_mul(2)?.checked_add(1)?.checked_mul(vectors)?.checked_mul(4)
    }
}

impl Layer for Periodic {
    fn describe(&self, _input: Shape) -> String {
        let Periodic { dimension, frequencies, inputs, .. } = self;
        format!("periodic embedding of {} inputs in {dimension}, {frequencies} frequencies each", inputs.len())
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let refused = |what: String, fix: &str| Err(Error::config(what).fix(fix));
        let [all] = *input.dimensions() else {
            return refused(format!("a periodic embedding of {input}"), "use it on rows of numbers");
        };
        let Periodic { dimension, frequencies, sigma, inputs } = self;
        if *dimension == 0 || *frequencies == 0 || inputs.is_empty() {
            let what =
                format!("a periodic embedding of {} inputs in {dimension}, {frequencies} frequencies", inputs.len());
            return refused(what, "name at least one input, and a dimension and frequencies from 1 on");
        }
        if let Some(input) = inputs.iter().find(|input| **input >= all) {
            return refused(format!("a periodic embedding of input {input} of {all}"), "count inputs from 0");
        }
        if !is_above_zero(*sigma) || !sigma.is_finite() {
            return refused(format!("frequencies with a sigma of {sigma}"), "use a number above 0 such as 0.1");
        }
        self.size().map_or_else(
            || refused(format!("{frequencies} frequencies in {dimension}"), "use fewer, or a smaller dimension"),
            |_| Ok([all.saturating_add(inputs.len() * dimension)].into()),
        )
    }

    fn parameters(&self, _input: Shape) -> Vec<ParameterSpec> {
        let (n, d, k) = (self.inputs.len(), self.dimension, self.frequencies);
        // cos² + sin² = 1: with a variance of 1/k, that of W [cos v, sin v] is 1. Frequencies that decay would end as 0.
        let weight = ParameterSpec::weight("weight", [n, d, 2 * k], Init::Normal((1.0 / k as f64).sqrt()));
        let frequencies = ParameterSpec::weight("frequencies", [n, k], Init::Normal(self.sigma));
        vec![ParameterSpec { decays: false, ..frequencies }, weight, ParameterSpec::bias("bias", n * d, 0.0)]
    }

    /// The waves of all inputs; a vector, and gradients of waves and of a vector, of one.
    fn saved(&self, _input: Shape, m: usize) -> Vec<Shape> {
        let (d, width) = (self.dimension, 2 * self.frequencies);
        vec![[self.inputs.len(), m, width].into(), [m, d].into(), [m, width].into(), [m, d].into()]
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        /// Of a sine and a cosine.
        const POLYNOMIALS: usize = 16;
        Some(input.size() + self.inputs.len() * self.frequencies * (2 * self.dimension + POLYNOMIALS))
    }

    fn lower(&self, _name: &str, _input: Shape) -> Result<Vec<Op>> {
        let Periodic { dimension, frequencies, inputs, .. } = self;
        Ok(vec![Op::Periodic { dimension: *dimension, frequencies: *frequencies, inputs: inputs.clone() }])
    }

    fn forward(&self, theta: Parameters, x: View, mut y: ViewMut, saved: &mut [Tensor], _mode: Mode) {
        let [waves, vector, ..] = saved else { unreachable!("waves and a vector are saved") };
        let (m, all, d, k) = (x.shape().rows(), x.shape().columns(), self.dimension, self.frequencies);
        let (c, w, b) = (theta.get(0), theta.get(1), theta.get(2));
        ops::copy_columns(x, 0..all, y.reborrow(), 0);
        for (j, &input) in self.inputs.iter().enumerate() {
            let (place, shape) = (j * m * 2 * k, [m, 2 * k]);
            periodic::waves(x, input, c.part(j * k, [k]), waves.view_mut().part(place, shape));
            let (waves, w, b) =
                (waves.view().part(place, shape), w.part(j * d * 2 * k, [d, 2 * k]), b.part(j * d, [d]));
            ops::linear(waves, w, Some(b), Activation::Relu, None, vector.rows_mut(m), theta.precision);
            ops::copy_columns(vector.rows(m), 0..d, y.reborrow(), all + j * d);
        }
    }

    fn backward(&self, theta: Parameters, pass: Backward, mut gradient: ParametersMut) {
        let Backward { x, y, dy, saved, mut dx } = pass;
        let [waves, vector, dwaves, dvector] = saved else {
            unreachable!("waves, a vector and their gradients are saved")
        };
        let (m, all, d, k) = (x.shape().rows(), x.shape().columns(), self.dimension, self.frequencies);
        let (c, w, dy) = (theta.get(0), theta.get(1), dy.view());
        if let Some(dx) = &mut dx {
            ops::copy_columns(dy, 0..all, dx.reborrow(), 0);
        }
        for (j, &input) in self.inputs.iter().enumerate() {
            let waves = waves.view().part(j * m * 2 * k, [m, 2 * k]);
            let columns = all + j * d..all + (j + 1) * d;
            ops::copy_columns(y, columns.clone(), vector.rows_mut(m), 0);
            ops::copy_columns(dy, columns, dvector.rows_mut(m), 0);
            ops::activate_backward(Activation::Relu, vector.rows(m), dvector.rows_mut(m));
            let w = w.part(j * d * 2 * k, [d, 2 * k]);
            let (dw, db) = gradient.pair(1);
            let (dw, db) = (dw.part(j * d * 2 * k, [d, 2 * k]), db.part(j * d, [d]));
            let dz = dvector.rows(m);
            ops::linear_backward(waves, w, dz, dw, Some(db), Some(dwaves.rows_mut(m)), theta.precision);
            let (dc, dx) = (gradient.get(0).part(j * k, [k]), dx.as_mut().map(ViewMut::reborrow));
            periodic::waves_backward(x, input, c.part(j * k, [k]), (waves, dwaves.rows(m)), dc, dx);
        }
    }

    fn kink_sides(&self, x: View, y: View, _saved: &[Tensor], sides: &mut Vec<bool>) {
        let (inputs, outputs) = (x.shape().columns(), y.shape().columns());
        let vectors = (0..y.shape().rows()).flat_map(|row| row * outputs + inputs..(row + 1) * outputs);
        sides.extend(vectors.map(|i| y.at(i) > 0.0));
    }
}

impl Registered for Periodic {
    const NAME: &'static str = "periodic";

    fn examples() -> Vec<(Self, Shape)> {
        vec![(Periodic { dimension: 3, frequencies: 2, sigma: 0.3, inputs: vec![2, 0] }, [4].into())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;

    #[test]
    fn embeddings_that_do_not_fit_are_refused() {
        let refused = |dimension, frequencies, sigma, input| {
            let layer = Periodic { dimension, frequencies, sigma, inputs: vec![input] };
            let error = Network::new(2, vec![Box::new(layer)]).unwrap_err();
            assert!(error.remedy.is_some(), "{error}");
            error.message
        };
        assert!(refused(1, 1, 0.1, 2).contains("input 2 of 2"));
        assert!(refused(0, 1, 0.1, 0).contains("in 0"));
        assert!(refused(1, 0, 0.1, 0).contains("0 frequencies"));
        for sigma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(refused(1, 1, sigma, 0).contains("sigma"));
        }
        assert!(refused(2, usize::MAX / 8, 0.1, 0).contains("frequencies in 2"));
        let layer = Periodic { dimension: 1, frequencies: 1, sigma: 0.1, inputs: vec![0] };
        assert!(layer.output([2, 2].into()).unwrap_err().message.contains("2×2"));
    }

    #[test]
    fn frequencies_are_drawn_with_the_given_deviation_and_do_not_decay() {
        let layer = Periodic { dimension: 1, frequencies: 5_000, sigma: 0.3, inputs: vec![0] };
        let network = Network::new(1, vec![Box::new(layer)]).unwrap();
        let (theta, entry) = (network.initialize(3, crate::tensor::Dtype::F64), &network.layout().entries()[0]);
        let squares: f64 = entry.range().map(|i| theta.view().at(i).powi(2)).sum();
        assert!(((squares / 5_000.0).sqrt() - 0.3).abs() < 0.015 && !entry.decays, "{squares}");
    }
}
