//! Learned vectors for the tokens of a sequence (Bengio et al. 2003).

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::tensor::{Shape, Tensor, View, ViewMut, ops, sequence};

/// The most values a table may have.
const MOST: usize = 1 << 40;

/// A row of T tokens 0 … `tokens` − 1 becomes T × `dimension`: each token's vector, and 0 for token 0, which is padding and
/// learns nothing, and for numbers that are no token ("A Neural Probabilistic Language Model", Bengio et al. 2003).
///
/// Forward: `y[t] = E[x[t]]`. Backward: `dE[i] = Σ dy[t]` over the steps with token i.
///
/// ```
/// use thalweg::layers::Tokens;
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::Tensor;
///
/// let network = Network::new(3, vec![Box::new(Tokens { tokens: 3, dimension: 2 })])?;
/// let theta = Tensor::from_f64([6], vec![9.0, 9.0, 0.5, -0.5, 2.0, 3.0]); // E, row by row; the first is not used
/// let x = Tensor::from_f64([1, 3], vec![2.0, 1.0, 0.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [2.0, 3.0, 0.5, -0.5, 0.0, 0.0]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// How many tokens there are, token 0 included.
    pub tokens: usize,
    /// The values of each token's vector.
    pub dimension: usize,
}

impl Layer for Tokens {
    fn describe(&self, _input: Shape) -> String {
        format!("vectors of {} tokens in {}", self.tokens, self.dimension)
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let [steps] = *input.dimensions() else {
            return Err(Error::config(format!("a layer of kind \"tokens\" on examples of {input}"))
                .fix("use it on rows of tokens, as the first layer"));
        };
        if self.tokens < 2 || self.dimension == 0 || self.tokens.saturating_mul(self.dimension) > MOST {
            return Err(Error::config(format!("vectors of {} tokens in {} values", self.tokens, self.dimension))
                .fix("use at least two tokens, 0 being padding, and a dimension from 1 on"));
        }
        Ok([steps, self.dimension].into())
    }

    fn parameters(&self, _input: Shape) -> Vec<ParameterSpec> {
        let init = Init::Normal((1.0 / self.dimension as f64).sqrt());
        let table = ParameterSpec::weight("weight", [self.tokens, self.dimension], init);
        vec![ParameterSpec { decays: false, ..table }]
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        Some(input.size() * self.dimension)
    }

    fn lower(&self, _name: &str, _input: Shape) -> Result<Vec<Op>> {
        Ok(vec![Op::Tokens { tokens: self.tokens, dimension: self.dimension, weight: "weight" }])
    }

    fn forward(&self, theta: Parameters, x: View, y: ViewMut, _saved: &mut [Tensor], _mode: Mode) {
        sequence::look_up(x, theta.get(0), y);
    }

    fn backward(&self, _theta: Parameters, pass: Backward, mut gradient: ParametersMut) {
        sequence::look_up_backward(pass.x, pass.dy.view(), gradient.get(0));
        if let Some(dx) = pass.dx {
            // A token has no gradient.
            ops::fill(dx, 0.0);
        }
    }
}

impl Registered for Tokens {
    const NAME: &'static str = "tokens";

    fn examples() -> Vec<(Self, Shape)> {
        vec![(Tokens { tokens: 3, dimension: 2 }, [4].into()), (Tokens { tokens: 2, dimension: 1 }, [3].into())]
    }
}
