//! Vectors of texts: weighted sums of learned vectors of what is in them.

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::tensor::{Shape, Tensor, View, ViewMut, bag, ops};

/// A text as a bag: codes of what is in it, and as many weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bag {
    /// K, the codes that a text has at most; the others have the weight 0.
    pub slots: usize,
    /// V, how many codes there are.
    pub features: usize,
}

/// The first inputs are bags, each of K codes and then their K weights; each bag becomes a vector of `dimension` values,
/// the weighted sum of its codes' vectors, after all other inputs, which pass unchanged ("Bag of Tricks for Efficient Text
/// Classification", Joulin, Grave, Bojanowski and Mikolov 2017, with weights).
///
/// Forward: `y = [x_rest, Σₖ w₀ₖ E₀[c₀ₖ], Σₖ w₁ₖ E₁[c₁ₖ], …]`. Backward: `dE[c] = Σ w dy` over the bags that have c with the
/// weight w, `dwₖ = dy · E[cₖ]`; a code has no gradient.
///
/// ```
/// use thalweg::layers::{Bag, TextBag};
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::Tensor;
///
/// let layer = TextBag { dimension: 1, columns: vec![Bag { slots: 2, features: 3 }] };
/// let network = Network::new(5, vec![Box::new(layer)])?;
/// let theta = Tensor::from_f64([3], vec![10.0, 1.0, -1.0]); // E, row by row
/// let x = Tensor::from_f64([1, 5], vec![1.0, 2.0, 0.5, 0.25, 7.0]); // codes 1 and 2, their weights, and a number
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [7.0, 0.25]); // 0.5 · 1 − 0.25 · 1
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextBag {
    /// d, the values that each bag becomes.
    pub dimension: usize,
    /// The bags, in the order of the inputs.
    pub columns: Vec<Bag>,
}

impl TextBag {
    /// The inputs that are of bags.
    fn taken(&self) -> usize {
        self.columns.iter().fold(0, |sum, bag| sum.saturating_add(bag.slots.saturating_mul(2)))
    }

    /// Each bag's number, its first input and its slots.
    fn bags(&self) -> impl Iterator<Item = (usize, (usize, usize))> {
        let mut from = 0;
        self.columns.iter().enumerate().map(move |(j, bag)| {
            let place = (from, bag.slots);
            from += 2 * bag.slots;
            (j, place)
        })
    }
}

impl Layer for TextBag {
    fn describe(&self, _input: Shape) -> String {
        let features: Vec<String> = self.columns.iter().map(|bag| bag.features.to_string()).collect();
        format!("bags of texts ({} features) in {}", features.join(", "), self.dimension)
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let refused = |what: String, fix: &str| Err(Error::config(what).fix(fix));
        let [inputs] = *input.dimensions() else {
            return refused(format!("bags of texts in {input}"), "use them on rows of numbers");
        };
        let empty = self.columns.iter().any(|bag| bag.slots == 0 || bag.features == 0);
        if self.dimension == 0 || self.columns.is_empty() || empty {
            return refused("bags of texts without any".into(), "give a dimension, slots and features from 1 on");
        }
        if self.taken() > inputs {
            let what = format!("bags of texts on {inputs} inputs, of which they take {}", self.taken());
            return refused(what, "give each bag its codes and as many weights, before the other inputs");
        }
        let table = self.columns.iter().fold(0, |sum, bag| bag.features.saturating_add(sum));
        let outputs = self.columns.len().saturating_mul(self.dimension).saturating_add(inputs - self.taken());
        match table.checked_mul(self.dimension).and_then(|n| n.checked_mul(8)) {
            Some(_) => Ok([outputs].into()),
            None => refused(format!("bags of texts in {}", self.dimension), "use a smaller dimension"),
        }
    }

    fn parameters(&self, _input: Shape) -> Vec<ParameterSpec> {
        // A bag's weights have a sum of squares of 1: so has its vector, about.
        let init = Init::Normal((1.0 / self.dimension as f64).sqrt());
        let each = self.columns.iter().enumerate().map(|(j, bag)| ParameterSpec {
            name: format!("columns.{j}.weight").into(),
            decays: false,
            ..ParameterSpec::weight("weight", [bag.features, self.dimension], init)
        });
        each.collect()
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        let summed = self.columns.iter().map(|bag| 2 * bag.slots * self.dimension).sum::<usize>();
        Some(input.size() - self.taken() + summed)
    }

    fn lower(&self, _name: &str, _input: Shape) -> Result<Vec<Op>> {
        Ok(vec![Op::TextBag { dimension: self.dimension, columns: self.columns.clone() }])
    }

    fn forward(&self, theta: Parameters, x: View, mut y: ViewMut, _saved: &mut [Tensor], _mode: Mode) {
        let rest = self.taken()..x.shape().columns();
        let passing = rest.len();
        ops::copy_columns(x, rest, y.reborrow(), 0);
        for (j, place) in self.bags() {
            bag::sum_bag(x, place, theta.get(j), y.reborrow(), passing + j * self.dimension);
        }
    }

    fn backward(&self, theta: Parameters, pass: Backward, mut gradient: ParametersMut) {
        let Backward { x, dy, mut dx, .. } = pass;
        let (dy, taken) = (dy.view(), self.taken());
        let passing = x.shape().columns() - taken;
        if let Some(dx) = &mut dx {
            // A code has no gradient.
            ops::scale(dx.reborrow(), 0.0);
            ops::copy_columns(dy, 0..passing, dx.reborrow(), taken);
        }
        for (j, place) in self.bags() {
            let (to, dx) = (passing + j * self.dimension, dx.as_mut().map(ViewMut::reborrow));
            bag::sum_bag_backward(x, place, theta.get(j), (dy, to), gradient.get(j), dx);
        }
    }
}

impl Registered for TextBag {
    const NAME: &'static str = "text_bag";

    fn examples() -> Vec<(Self, Shape)> {
        let columns = vec![Bag { slots: 2, features: 4 }, Bag { slots: 1, features: 3 }];
        vec![(TextBag { dimension: 3, columns }, [8].into())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;

    #[test]
    fn bags_that_do_not_fit_are_refused() {
        let refused = |inputs: usize, slots, features, dimension| {
            let layer = TextBag { dimension, columns: vec![Bag { slots, features }] };
            Network::new(inputs, vec![Box::new(layer)]).unwrap_err().message
        };
        assert!(refused(5, 3, 9, 2).contains("of which they take 6"));
        assert!(refused(6, 0, 9, 2).contains("without any"));
        assert!(refused(6, 3, 0, 2).contains("without any"));
        assert!(refused(6, 3, 9, 0).contains("without any"));
        assert!(refused(6, 3, usize::MAX, 2).contains("bags of texts in 2"));
        assert!(refused(6, usize::MAX, 9, 2).contains("of which they take"));
    }
}
