//! Linear members of a forecast's ensemble, solved rather than trained: ridge regression (Hoerl and Kennard 1970). Series have
//! few examples and inputs that are much alike, where steps are slow and solutions exact (Toner and Darlow 2024).
//!
//! W = argmin Σ‖W x − z‖² + λ‖W‖², with x and z relative to their means over the training rows: (XᵀX + λI) Wᵀ = XᵀZ. Dev says
//! which λ.

use std::ops::Range;

use super::decide;
use super::facts::Facts;
use crate::cholesky::{self, dot};
use crate::data::examples::Examples;
use crate::event::Decision;
use crate::layers::Entry;
use crate::network::Network;
use crate::tensor::ops::{self, MatmulPrecision};
use crate::tensor::{Dtype, Tensor, View};

/// The most inputs: the time grows with their cube.
const MOST_INPUTS: usize = 1_000;
/// Rows whose products are summed up at a time.
const AT_ONCE: usize = 1 << 12;
/// λ, in powers of ten; inputs are standardised, so that XᵀX has the number of rows on its diagonal.
const EXPONENTS: Range<i32> = -4..7;

/// Parameters to start from, and those among them that are solved for.
pub(super) struct Solved {
    pub(super) theta: Tensor,
    pub(super) held: Vec<Range<usize>>,
}

/// The parameters of a network whose linear members are solved; none where there are no such members.
pub(super) fn solved(facts: &Facts, network: &Network, dtype: Dtype, decisions: &mut Vec<Decision>) -> Option<Solved> {
    let [train, dev] = [&facts.data.parts.train, &facts.data.parts.dev];
    let [n, h] = [train.columns, train.targets];
    let entries = network.layout().entries();
    let weights = || {
        let is_own = |entry: &&Entry| is_linear_member(entries, &entry.name) && *entry.shape.dimensions() == [h, n];
        entries.iter().filter(is_own)
    };
    let weighted = train.weights.is_some();
    if !facts.forecast || weighted || n > MOST_INPUTS || dev.rows == 0 || weights().next().is_none() {
        return None;
    }
    let means = (means(&train.x, n), means(&train.y, h));
    let [of_train, of_dev] = [train, dev].map(|rows| Sums::of(rows, &means));
    let tried = EXPONENTS.filter_map(|exponent| {
        let lambda = 10f64.powi(exponent);
        let weight = of_train.solve(lambda)?;
        Some((of_dev.squares(&weight), lambda, weight))
    });
    let (_, lambda, weight) = tried.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let bias = weight.iter().zip(&means.1).map(|(weight, z)| z - dot(weight, &means.0));
    let bias: Vec<f64> = bias.collect();

    let mut theta = network.initialize(facts.config.train.seed, dtype);
    let mut held = Vec::new();
    for entry in weights() {
        let bias_name = entry.name.replace(".weight", ".bias");
        let own_bias = entries.iter().find(|entry| entry.name == bias_name)?;
        theta.view_mut().part(entry.start, entry.shape).set_all(&weight.concat());
        theta.view_mut().part(own_bias.start, own_bias.shape).set_all(&bias);
        held.extend([entry.range(), own_bias.range()]);
    }
    let what = format!("linear members are solved and not trained, by ridge regression with λ = {lambda}");
    decide(decisions, what, format!("the least error on dev of {} values", EXPONENTS.len()), "[layers=64]");
    Some(Solved { theta, held })
}

/// Whether this is the weight of a member that is one linear layer: it has no parameters but that and a bias.
fn is_linear_member(entries: &[Entry], name: &str) -> bool {
    let within = name.split_once(".members.").and_then(|(_, member)| member.split_once('.'));
    let of_member = |member: &str| entries.iter().filter(|entry| entry.name.starts_with(member)).count();
    within.is_some_and(|(_, layer)| layer == "0.weight") && name.strip_suffix("0.weight").map(of_member) == Some(2)
}

/// The mean of each of so many columns.
fn means(values: &[f32], columns: usize) -> Vec<f64> {
    let mut sums = vec![0.0; columns];
    for row in values.chunks_exact(columns) {
        sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let rows = (values.len() / columns).max(1) as f64;
    sums.iter().map(|sum| sum / rows).collect()
}

/// Sums of products over rows, relative to means.
struct Sums {
    inputs: usize,
    /// [X Z]ᵀ [X Z].
    products: Vec<f64>,
}

impl Sums {
    fn of(rows: &Examples, (x_means, z_means): &(Vec<f64>, Vec<f64>)) -> Sums {
        let (inputs, outputs) = (rows.columns, rows.targets);
        let all = inputs + outputs;
        let mut sums = Tensor::zeros([all, all], Dtype::F64);
        let mut some = sums.clone();
        let chunks = rows.x.chunks(AT_ONCE * inputs).zip(rows.y.chunks(AT_ONCE * outputs));
        for (x, z) in chunks {
            let relative = |values: &[f32], means: &[f64]| -> Vec<f64> {
                values.iter().zip(means).map(|(&value, mean)| f64::from(value) - mean).collect()
            };
            let pairs = x.chunks_exact(inputs).zip(z.chunks_exact(outputs));
            let both: Vec<f64> =
                pairs.flat_map(|(x, z)| [relative(x, x_means), relative(z, z_means)].concat()).collect();
            let both = View::from_f64([both.len() / all, all], &both);
            let no_weight = View::from_f64([all, 0], &[]);
            ops::linear_backward(both, no_weight, both, some.view_mut(), None, None, MatmulPrecision::F32);
            ops::add_scaled(sums.view_mut(), 1.0, some.view());
        }
        Sums { inputs, products: sums.to_f64() }
    }

    fn all(&self) -> usize {
        self.products.len().isqrt()
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        self.products[i * self.all() + j]
    }

    /// W, a row for each output; none where the matrix is singular.
    fn solve(&self, lambda: f64) -> Option<Vec<Vec<f64>>> {
        let lower = cholesky::factor(self.inputs, |i, j| self.at(i, j) + if i == j { lambda } else { 0.0 })?;
        let of_output = |output| {
            let xz: Vec<f64> = (0..self.inputs).map(|i| self.at(i, output)).collect();
            cholesky::backward(&lower, cholesky::forward(&lower, &xz))
        };
        Some((self.inputs..self.all()).map(of_output).collect())
    }

    /// Σ‖W x − z‖².
    fn squares(&self, weight: &[Vec<f64>]) -> f64 {
        let of_output = |(output, w): (usize, &Vec<f64>)| {
            let quadratic = |i: usize| w[i] * (dot(w, &self.products[i * self.all()..]) - 2.0 * self.at(i, output));
            self.at(output, output) + (0..self.inputs).map(quadratic).sum::<f64>()
        };
        (self.inputs..).zip(weight).map(of_output).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Ensemble, Layer, Linear};
    use crate::tensor::Activation;

    #[test]
    fn a_plane_is_found_and_lambda_shrinks_it() {
        // z₁ = 2 x₁ − x₂ + 5, z₂ = x₂.
        let x: Vec<f32> = (0..80).map(|i| (i * 37 % 23) as f32 / 4.0).collect();
        let y: Vec<f32> = x.chunks(2).flat_map(|x| [2.0 * x[0] - x[1] + 5.0, x[1]]).collect();
        let rows = Examples { rows: 40, columns: 2, targets: 2, x, y, ..Examples::default() };
        let means = (means(&rows.x, 2), means(&rows.y, 2));
        let sums = Sums::of(&rows, &means);
        let near =
            |weight: &[Vec<f64>]| weight.concat().iter().zip([2.0, -1.0, 0.0, 1.0]).all(|(a, b)| (a - b).abs() < 1e-6);
        let exact = sums.solve(1e-9).unwrap();
        assert!(near(&exact) && sums.squares(&exact).abs() < 1e-6, "{exact:?}");
        let shrunk = sums.solve(1e3).unwrap();
        assert!(dot(&shrunk[0], &shrunk[0]) < 1.0 && sums.squares(&shrunk) > 1.0);
        // Of nothing but 0, the squares are those of z.
        let squares: f64 = rows
            .y
            .chunks(2)
            .flat_map(|z| [f64::from(z[0]) - means.1[0], f64::from(z[1]) - means.1[1]])
            .map(|z| z * z)
            .sum();
        assert!((sums.squares(&[vec![0.0; 2], vec![0.0; 2]]) - squares).abs() < 1e-9);
    }

    #[test]
    fn a_hidden_layer_with_as_many_units_as_outputs_is_no_linear_member() {
        let linear = || Box::new(Linear::new(4, Activation::Identity)) as Box<dyn Layer>;
        let members = Ensemble::new(vec![vec![linear()], vec![linear(), linear()]]);
        let network = Network::new(3, vec![Box::new(members)]).unwrap();
        let entries = network.layout().entries();
        let found = entries.iter().filter(|entry| is_linear_member(entries, &entry.name));
        assert_eq!(found.map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["layers.0.members.0.0.weight"]);
        assert!(!is_linear_member(entries, "layers.0.weight"));
    }
}
