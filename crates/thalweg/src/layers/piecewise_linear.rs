//! Embeddings of numbers by piecewise-linear functions (Gorishniy, Rubachev and Babenko 2022).

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::tensor::{Shape, Tensor, View, ViewMut, ops, piecewise};

/// An input that is a number, and where its straight pieces meet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinnedInput {
    /// The input's index.
    pub input: usize,
    /// b₀ < b₁ < … < b_T.
    pub edges: Vec<f64>,
}

impl BinnedInput {
    /// The number of bins, T.
    pub fn bins(&self) -> usize {
        self.edges.len().saturating_sub(1)
    }
}

/// All inputs pass unchanged; after them comes a vector of `dimension` values for each of `columns`, a continuous
/// piecewise-linear function of that input with a ReLU ("On Embeddings for Numerical Features in Tabular Deep Learning",
/// Gorishniy, Rubachev and Babenko 2022: piecewise-linear encoding, linear layer, ReLU).
///
/// Forward: with eₜ = clip((x − bₜ₋₁)/(bₜ − bₜ₋₁), 0, 1) for the bins t = 1…T of an input x, the vector is
/// ReLU(W e + b), W being d × T. Between two edges that is a straight line from cₜ₋₁ to cₜ, where c₀ = b and
/// cₜ = cₜ₋₁ + wₜ: only the bin of x is looked at.
///
/// Backward: dwₜ = Σ dz eₜ and db = Σ dz, with dz = dy where y > 0.
///
/// ```
/// use thalweg::layers::{BinnedInput, PiecewiseLinear};
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::Tensor;
///
/// let column = BinnedInput { input: 0, edges: vec![0.0, 1.0, 3.0] };
/// let network = Network::new(1, vec![Box::new(PiecewiseLinear { dimension: 1, columns: vec![column] })])?;
/// let theta = Tensor::from_f64([3], vec![4.0, -2.0, 0.5]); // w₁, w₂ and b
/// let x = Tensor::from_f64([1, 1], vec![2.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [2.0, 3.5]); // x itself, and 0.5 + 4 − 2/2: the first bin whole, the second by half.
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PiecewiseLinear {
    /// d, the values that each of the columns becomes.
    pub dimension: usize,
    /// The inputs that are numbers, with the edges of their bins.
    pub columns: Vec<BinnedInput>,
}

impl PiecewiseLinear {
    /// Each column's edges, its first output and its rows in the table of vectors at the edges.
    fn places(&self, inputs: usize) -> impl Iterator<Item = ((usize, &[f64]), usize, usize)> {
        let (mut output, mut row) = (inputs, 0);
        self.columns.iter().map(move |column| {
            let place = ((column.input, &column.edges[..]), output, row);
            (output, row) = (output + self.dimension, row + column.edges.len());
            place
        })
    }

    fn edges(&self) -> usize {
        self.columns.iter().map(|column| column.edges.len()).fold(0, usize::saturating_add)
    }
}

impl Layer for PiecewiseLinear {
    fn describe(&self, _input: Shape) -> String {
        let bins = self.columns.iter().map(BinnedInput::bins).max().unwrap_or(0);
        format!("piecewise-linear embedding of {} inputs in {}, up to {bins} bins", self.columns.len(), self.dimension)
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let refused = |what: String, fix: &str| Err(Error::config(what).fix(fix));
        let [inputs] = *input.dimensions() else {
            return refused(format!("a piecewise-linear embedding of {input}"), "use it on rows of numbers");
        };
        if self.dimension == 0 || self.columns.is_empty() {
            let what = format!("a piecewise-linear embedding of {} inputs in {}", self.columns.len(), self.dimension);
            return refused(what, "name at least one input, and a dimension from 1 on");
        }
        if let Some(BinnedInput { input, .. }) = self.columns.iter().find(|column| column.input >= inputs) {
            return refused(format!("bins for input {input} of {inputs}"), "count inputs from 0");
        }
        let increase = |edges: &[f64]| edges.len() > 1 && edges.is_sorted_by(|a, b| a < b);
        let usable = |edges: &[f64]| increase(edges) && (edges[edges.len() - 1] - edges[0]).is_finite();
        if let Some(BinnedInput { input, .. }) = self.columns.iter().find(|column| !usable(&column.edges)) {
            return refused(format!("the edges of input {input}'s bins"), "give two or more finite ones, increasing");
        }
        let embedded = self.columns.len().saturating_mul(self.dimension);
        self.edges().saturating_mul(self.dimension).checked_mul(4).map_or_else(
            || refused(format!("embeddings in {}", self.dimension), "use a smaller dimension"),
            |_| Ok([inputs.saturating_add(embedded)].into()),
        )
    }

    fn parameters(&self, _input: Shape) -> Vec<ParameterSpec> {
        let each = self.columns.iter().enumerate();
        let specs = each.flat_map(|(j, column)| {
            let weight = ParameterSpec::weight("weight", [self.dimension, column.bins()], Init::HeNormal);
            let bias = ParameterSpec::bias("bias", self.dimension, 0.0);
            [weight, bias].map(|spec| ParameterSpec { name: format!("columns.{j}.{}", spec.name).into(), ..spec })
        });
        specs.collect()
    }

    fn saved(&self, _input: Shape, _m: usize) -> Vec<Shape> {
        vec![[self.edges(), self.dimension].into(); 2]
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        Some(input.size() + 2 * self.columns.len() * self.dimension)
    }

    fn lower(&self, _name: &str, _input: Shape) -> Result<Vec<Op>> {
        Ok(vec![Op::PiecewiseLinear { dimension: self.dimension, columns: self.columns.clone() }])
    }

    fn forward(&self, theta: Parameters, x: View, mut y: ViewMut, saved: &mut [Tensor], _mode: Mode) {
        let (inputs, d) = (x.shape().columns(), self.dimension);
        ops::copy_columns(x, 0..inputs, y.reborrow(), 0);
        for (j, (column, output, row)) in self.places(inputs).enumerate() {
            let shape = [column.1.len(), d];
            piecewise::tabulate(theta.get(2 * j), theta.get(2 * j + 1), saved[0].view_mut().part(row * d, shape));
            piecewise::interpolate(x, column, saved[0].view().part(row * d, shape), y.reborrow(), output);
        }
    }

    fn backward(&self, _theta: Parameters, pass: Backward, mut gradient: ParametersMut) {
        let Backward { x, y, dy, saved, mut dx } = pass;
        let [table, dtable] = saved else { unreachable!("two tables are saved") };
        let (inputs, d, dy) = (x.shape().columns(), self.dimension, dy.view());
        if let Some(dx) = &mut dx {
            ops::copy_columns(dy, 0..inputs, dx.reborrow(), 0);
        }
        for (j, (column, output, row)) in self.places(inputs).enumerate() {
            let shape = [column.1.len(), d];
            let (table, mut dtable) = (table.view().part(row * d, shape), dtable.view_mut().part(row * d, shape));
            let dx = dx.as_mut().map(ViewMut::reborrow);
            piecewise::interpolate_backward(x, column, table, (y, dy, output), dtable.reborrow(), dx);
            let (dweight, dbias) = gradient.pair(2 * j);
            piecewise::tabulate_backward(dtable.view(), dweight, dbias);
        }
    }

    fn kink_sides(&self, x: View, y: View, _saved: &[Tensor], sides: &mut Vec<bool>) {
        let (inputs, outputs) = (x.shape().columns(), y.shape().columns());
        for row in 0..x.shape().rows() {
            for column in &self.columns {
                let x = x.at(row * inputs + column.input);
                sides.extend(column.edges.iter().map(|edge| x > *edge));
            }
            sides.extend((inputs..outputs).map(|k| y.at(row * outputs + k) > 0.0));
        }
    }
}

impl Registered for PiecewiseLinear {
    const NAME: &'static str = "piecewise_linear";

    fn examples() -> Vec<(Self, Shape)> {
        let column = |input, edges: &[f64]| BinnedInput { input, edges: edges.to_vec() };
        let two = vec![column(2, &[-1.0, -0.2, 0.4, 1.1]), column(0, &[-0.7, 0.3])];
        vec![(PiecewiseLinear { dimension: 3, columns: two }, [4].into())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;

    #[test]
    fn bins_that_do_not_fit_are_refused() {
        let refused = |input, edges: &[f64], dimension| {
            let column = BinnedInput { input, edges: edges.to_vec() };
            let layer = PiecewiseLinear { dimension, columns: vec![column] };
            Network::new(2, vec![Box::new(layer)]).unwrap_err().message
        };
        assert!(refused(2, &[0.0, 1.0], 1).contains("input 2 of 2"));
        assert!(refused(1, &[0.0, 0.0], 1).contains("edges of input 1"));
        assert!(refused(1, &[0.0], 1).contains("edges of input 1"));
        assert!(refused(1, &[0.0, f64::INFINITY], 1).contains("edges of input 1"));
        assert!(refused(1, &[0.0, f64::NAN], 1).contains("edges of input 1"));
        assert!(refused(1, &[0.0, 1.0], 0).contains("in 0"));
    }
}
