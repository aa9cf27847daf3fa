//! Multi-head self-attention (Vaswani et al. 2017).

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered, steps};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::tensor::{Activation, Shape, Tensor, View, ViewMut, ops, sequence};

/// The most steps: each is compared with each.
const MOST_STEPS: usize = 1 << 14;

/// Each step becomes a mean of all steps' values, weighted by how well its query fits their keys ("Attention Is All You
/// Need", Vaswani et al. 2017). With C channels in h heads of d = C/h:
///
/// [Q, K, V] = X Wᵀ + b, each T × C; head i takes columns i·d to (i + 1)·d of each, Yᵢ = softmax(Qᵢ Kᵢᵀ/√d) Vᵢ; the output is
/// [Y₁ … Y_h] Oᵀ + o, T × C.
///
/// Backward, for each head with P = softmax(S): dV = Pᵀ dY, dP = dY Vᵀ, dS = P ∗ (dP − Σ dP ∗ P), dQ = dS K/√d,
/// dK = dSᵀ Q/√d. P is computed once more, so that memory grows with T, not with T².
///
/// Within a layer of kind `sequence`, padding is not attended to. Without a layer of kind `positions` before it, it does
/// not know the order of steps.
///
/// ```
/// use thalweg::layers::Attention;
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Shape, Tensor};
///
/// let network = Network::new(Shape::from([2, 1]), vec![Box::new(Attention { heads: 1 })])?;
/// // Queries are 0, so that all steps weigh the same; values are the steps, and the output is twice their mean.
/// let theta = Tensor::from_f64([8], vec![0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 2.0, 0.0]);
/// let x = Tensor::from_f64([1, 2, 1], vec![1.0, 4.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [5.0, 5.0]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attention {
    /// h.
    pub heads: usize,
}

// Positions among the parameters.
const INPUT_WEIGHT: usize = 0;
const INPUT_BIAS: usize = 1;
const OUTPUT_WEIGHT: usize = 2;
const OUTPUT_BIAS: usize = 3;

impl Attention {
    fn sizes(x: View) -> [usize; 2] {
        steps(Self::NAME, x.shape().example()).expect("the network has asked for the output's shape")
    }
}

impl Layer for Attention {
    fn describe(&self, input: Shape) -> String {
        format!("attention of {} heads of {}", self.heads, input.last() / self.heads.max(1))
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let [steps, channels] = steps(Self::NAME, input)?;
        if self.heads == 0 || !channels.is_multiple_of(self.heads) {
            return Err(Error::config(format!("attention of {} heads on {channels} channels", self.heads))
                .fix("use a number of heads that divides the channels"));
        }
        if steps > MOST_STEPS {
            let what =
                format!("attention over {steps} steps, each compared with each: at most {MOST_STEPS} are possible");
            return Err(Error::config(what).fix(
                "shorten the sequences, or use \"gru\" or dilated \"conv1d\", whose time grows with the steps alone",
            ));
        }
        Ok(input)
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        let c = steps(Self::NAME, input).unwrap_or_default()[1];
        vec![
            ParameterSpec::weight("input_weight", [3 * c, c], Init::GlorotUniform),
            ParameterSpec::bias("input_bias", 3 * c, 0.0),
            ParameterSpec::weight("output_weight", [c, c], Init::GlorotUniform),
            ParameterSpec::bias("output_bias", c, 0.0),
        ]
    }

    /// [Q, K, V] and its gradient, [Y₁ … Y_h] and its gradient.
    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        let n = input.size();
        vec![[m, 3 * n].into(), [m, 3 * n].into(), [m, n].into(), [m, n].into()]
    }

    fn multiply_adds(&self, input: Shape) -> f64 {
        let [steps, channels] = steps(Self::NAME, input).unwrap_or_default().map(|n| n as f64);
        4.0 * steps * channels * channels + 2.0 * steps * steps * channels
    }

    fn lower(&self, _name: &str, _input: Shape) -> Result<Vec<Op>> {
        let parameters = ["input_weight", "input_bias", "output_weight", "output_bias"];
        Ok(vec![Op::Attention { heads: self.heads, parameters }])
    }

    fn forward(&self, theta: Parameters, x: View, y: ViewMut, saved: &mut [Tensor], _mode: Mode) {
        let ([steps, c], m) = (Self::sizes(x), x.shape().rows());
        let [given, _, mixed, _] = saved else { unreachable!("four tensors are saved") };
        let product = |x: View, [weight, bias]: [usize; 2], y: ViewMut, columns: usize| {
            let (x, y) = (x.part(0, [m * steps, c]), y.part(0, [m * steps, columns]));
            let (weight, bias) = (theta.get(weight), Some(theta.get(bias)));
            ops::linear(x, weight, bias, Activation::Identity, None, y, theta.precision);
        };
        product(x, [INPUT_WEIGHT, INPUT_BIAS], given.rows_mut(m), 3 * c);
        sequence::attention(given.rows(m), steps, self.heads, theta.lengths, mixed.rows_mut(m));
        product(mixed.rows(m), [OUTPUT_WEIGHT, OUTPUT_BIAS], y, c);
    }

    fn backward(&self, theta: Parameters, pass: Backward, mut gradient: ParametersMut) {
        let ([steps, c], m) = (Self::sizes(pass.x), pass.x.shape().rows());
        let [given, dgiven, mixed, dmixed] = pass.saved else { unreachable!("four tensors are saved") };
        let rows = [m * steps, c];
        let (dweight, dbias) = gradient.pair(OUTPUT_WEIGHT);
        let (x, dy, dx) = (mixed.view().part(0, rows), pass.dy.view().part(0, rows), dmixed.view_mut().part(0, rows));
        ops::linear_backward(x, theta.get(OUTPUT_WEIGHT), dy, dweight, Some(dbias), Some(dx), theta.precision);
        let (given, dmixed) = (given.rows(m), dmixed.rows(m));
        sequence::attention_backward(given, dmixed, steps, self.heads, theta.lengths, dgiven.rows_mut(m));
        let (dweight, dbias) = gradient.pair(INPUT_WEIGHT);
        let (x, dy) = (pass.x.part(0, rows), dgiven.view().part(0, [m * steps, 3 * c]));
        let dx = pass.dx.map(|dx| dx.part(0, rows));
        ops::linear_backward(x, theta.get(INPUT_WEIGHT), dy, dweight, Some(dbias), dx, theta.precision);
    }
}

impl Registered for Attention {
    const NAME: &'static str = "attention";

    fn examples() -> Vec<(Self, Shape)> {
        vec![(Attention { heads: 1 }, [4, 3].into()), (Attention { heads: 2 }, [5, 4].into())]
    }
}
