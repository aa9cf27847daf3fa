//! The members' averaged answers, at the end of an ensemble.

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, Parameters, ParametersMut, Registered};
use crate::error::{Error, Result};
use crate::tensor::mixture::{mixture, mixture_backward};
use crate::tensor::{Activation, Shape, Tensor, View, ViewMut};

/// The logits of the mean of the answers of K members (Lakshminarayanan, Pritzel and Blundell 2017), whose logits z₁ … z_K
/// are one after the other, K·C in all: with weights wₖ that are 1 in all, usually 1/K each, C logits for
/// * `identity`, Σ wₖ zₖ;
/// * `softmax`, ln Σ wₖ softmax(zₖ), whose softmax is the mean of the probabilities;
/// * `sigmoid`, logit Σ wₖ σ(zₖ) = ln Σ wₖ σ(zₖ) − ln Σ wₖ σ(−zₖ), output by output.
///
/// Backward, with rₖ = wₖ pₖ / Σ wⱼ pⱼ for the probabilities pₖ = softmax(zₖ): dzₖ = rₖ ∗ dy − pₖ Σ (rₖ ∗ dy); for
/// `sigmoid`, dzₖ = dy ∗ wₖ σ(zₖ) σ(−zₖ) (1 / Σ wⱼ σ(zⱼ) + 1 / Σ wⱼ σ(−zⱼ)).
///
/// Where it is the last layer of a network, each member is trained on its own logits: see [`Layer::averaged_members`].
///
/// ```
/// use thalweg::layers::Average;
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Activation, Tensor};
///
/// let network = Network::new(4, vec![Box::new(Average::new(2, Activation::Softmax))])?;
/// let theta = Tensor::from_f64([0], vec![]);
/// // Probabilities of 0.5 and 0.5, and of 0.75 and 0.25.
/// let x = Tensor::from_f64([1, 4], vec![0.0, 0.0, 3_f64.ln(), 0.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert!((y[0].exp() - 0.625).abs() < 1e-15 && (y[1].exp() - 0.375).abs() < 1e-15);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Average {
    /// K.
    pub members: usize,
    /// What turns logits into the answers that are averaged: `identity`, `softmax` or `sigmoid`.
    pub of: Activation,
    /// The weights of groups of equally many members, 1 in all: a group's is shared by its members. None: all weigh 1/K.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<f64>,
}

impl Average {
    /// The mean of members that all weigh the same.
    pub fn new(members: usize, of: Activation) -> Average {
        Average { members, of, weights: Vec::new() }
    }
}

impl Layer for Average {
    fn describe(&self, _input: Shape) -> String {
        let of = if self.of == Activation::Identity { String::new() } else { format!(" of {}", self.of) };
        let weights: Vec<String> = self.weights.iter().map(|weight| format!("{weight:.2}")).collect();
        let weighted = if weights.is_empty() { String::new() } else { format!(", weighted {}", weights.join(" : ")) };
        format!("average{of} over {} members{weighted}", self.members)
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        if !matches!(self.of, Activation::Identity | Activation::Softmax | Activation::Sigmoid) {
            let what = format!("an average of {}", self.of);
            return Err(Error::config(what).fix("use of = \"identity\", \"softmax\" or \"sigmoid\""));
        }
        let (groups, sum) = (self.weights.len(), self.weights.iter().sum::<f64>());
        let valid = self.weights.iter().all(|weight| *weight > 0.0) && (sum - 1.0).abs() < 1e-6;
        if groups > 0 && !(self.members.is_multiple_of(groups) && valid) {
            let what = format!("{groups} weights of {} members, {sum} in all", self.members);
            return Err(Error::config(what).fix("give groups of equally many members positive weights, 1 in all"));
        }
        match *input.dimensions() {
            [all] if self.members > 0 && all.is_multiple_of(self.members) => Ok([all / self.members].into()),
            _ => {
                let what = format!("an average over {} members of examples of shape {input}", self.members);
                Err(Error::config(what).fix("put it after an ensemble, with as many members"))
            }
        }
    }

    fn averaged_members(&self) -> usize {
        self.members
    }

    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        vec![[m, if self.of == Activation::Softmax { input.size() } else { 0 }].into()]
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        Some(input.size())
    }

    fn lower(&self, _name: &str, _input: Shape) -> Result<Vec<Op>> {
        let each = self.members / self.weights.len().max(1);
        let weights = self.weights.iter().flat_map(|weight| vec![weight / each as f64; each]).collect();
        Ok(vec![Op::Average { members: self.members, of: self.of, weights }])
    }

    fn forward(&self, _theta: Parameters, x: View, y: ViewMut, saved: &mut [Tensor], _mode: Mode) {
        mixture(self.of, &self.weights, x, saved[0].rows_mut(x.shape().rows()), y);
    }

    fn backward(&self, _theta: Parameters, pass: Backward, _gradient: ParametersMut) {
        if let Some(dx) = pass.dx {
            let log = pass.saved[0].rows(pass.x.shape().rows());
            mixture_backward(self.of, &self.weights, pass.x, log, pass.dy.view(), dx);
        }
    }
}

impl Registered for Average {
    const NAME: &'static str = "average";

    fn examples() -> Vec<(Self, Shape)> {
        let each = [Activation::Identity, Activation::Softmax, Activation::Sigmoid];
        let equal = each.map(|of| Average::new(3, of));
        let weighted = each.map(|of| Average { weights: vec![0.25, 0.75], ..Average::new(4, of) });
        equal.into_iter().chain(weighted).map(|layer| (layer, [12].into())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Network, Predictor};
    use crate::tensor::Dtype;

    fn average(of: Activation, members: usize, z: &[f64], dtype: Dtype) -> Vec<f64> {
        weighted(Average::new(members, of), z, dtype)
    }

    fn weighted(average: Average, z: &[f64], dtype: Dtype) -> Vec<f64> {
        let network = Network::new(z.len(), vec![Box::new(average)]).unwrap();
        let (theta, x) = (Tensor::zeros([0], dtype), Tensor::from_f64([1, z.len()], z.to_vec()).to(dtype));
        Predictor::new(&network, &theta, 1, Default::default()).unwrap().forward(x.view()).unwrap().to_f64()
    }

    /// dz for dy of 1 at one output.
    fn gradient(of: Activation, members: usize, z: &[f64], output: usize, dtype: Dtype) -> Vec<f64> {
        let layer = Average::new(members, of);
        let outputs = z.len() / members;
        let x = Tensor::from_f64([1, z.len()], z.to_vec()).to(dtype);
        let [mut dx, mut y] = [z.len(), outputs].map(|n| Tensor::zeros([1, n], dtype));
        let mut dy = Tensor::zeros([1, outputs], dtype);
        dy.view_mut().set(output, 1.0);
        let mut saved: Vec<Tensor> =
            layer.saved([z.len()].into(), 1).into_iter().map(|shape| Tensor::zeros(shape, dtype)).collect();
        let (theta, mut unused) = (Tensor::zeros([0], dtype), Tensor::zeros([0], dtype));
        let theta = Parameters { theta: theta.view(), entries: &[], precision: Default::default(), lengths: None };
        layer.forward(theta, x.view(), y.view_mut(), &mut saved, Mode::Predict);
        let pass = Backward { x: x.view(), y: y.view(), dy: dy.view_mut(), saved: &mut saved, dx: Some(dx.view_mut()) };
        layer.backward(theta, pass, ParametersMut::new(unused.view_mut(), &[]));
        dx.to_f64()
    }

    fn assert_near(found: &[f64], expected: &[f64]) {
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-14;
        assert!(found.len() == expected.len() && found.iter().zip(expected).all(near), "{found:?} {expected:?}");
    }

    #[test]
    fn values_are_those_of_the_formulas() {
        let z = [1.0, -2.0, 0.5, 0.0];
        assert_near(&average(Activation::Identity, 2, &z, Dtype::F64), &[0.75, -1.0]);
        let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
        let logit = |p: f64| (p / (1.0 - p)).ln();
        let means = [(sigmoid(1.0) + sigmoid(0.5)) / 2.0, (sigmoid(-2.0) + 0.5) / 2.0];
        assert_near(&average(Activation::Sigmoid, 2, &z, Dtype::F64), &means.map(logit));
        // Of two classes, the first has the probability σ(z₁ − z₂).
        let first = (sigmoid(3.0) + sigmoid(0.5)) / 2.0;
        assert_near(&average(Activation::Softmax, 2, &z, Dtype::F64), &[first.ln(), (1.0 - first).ln()]);
        // One member's answers are their own mean.
        assert_near(&average(Activation::Sigmoid, 1, &z, Dtype::F64), &z);
    }

    #[test]
    fn weights_are_those_of_groups_of_members() {
        let z = [1.0, -2.0, 0.5, 0.0, 3.0, 0.25, -1.0, 2.0];
        let of = |of, z: &[f64]| weighted(Average { weights: vec![0.25, 0.75], ..Average::new(4, of) }, z, Dtype::F64);
        // The first two of four members share a quarter, the others three quarters.
        let mean = |c: usize, g: fn(f64) -> f64| -> f64 {
            [0.125, 0.125, 0.375, 0.375].iter().zip(z[c..].iter().step_by(2)).map(|(w, z)| w * g(*z)).sum()
        };
        assert_near(&of(Activation::Identity, &z), &[mean(0, |z| z), mean(1, |z| z)]);
        let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
        let logit = |p: f64| (p / (1.0 - p)).ln();
        assert_near(&of(Activation::Sigmoid, &z), &[mean(0, sigmoid), mean(1, sigmoid)].map(logit));
        // Of two classes, the first has the probability σ(z₁ − z₂).
        let first: Vec<f64> = z.chunks(2).map(|z| sigmoid(z[0] - z[1])).collect();
        let first = 0.125 * (first[0] + first[1]) + 0.375 * (first[2] + first[3]);
        assert_near(&of(Activation::Softmax, &z), &[first.ln(), (1.0 - first).ln()]);
    }

    #[test]
    fn large_logits_stay_finite() {
        for dtype in [Dtype::F32, Dtype::F64] {
            for of in [Activation::Identity, Activation::Softmax, Activation::Sigmoid] {
                for z in [[1e4, -1e4, -1e4, 1e4], [1e4, -1e4, 1e4, -1e4], [-1e4, -1e4, 0.0, 1e4], [1e4, 1e4, 1e4, 1e4]]
                {
                    let y = average(of, 2, &z, dtype);
                    let dz = [gradient(of, 2, &z, 0, dtype), gradient(of, 2, &z, 1, dtype)].concat();
                    assert!(y.iter().chain(&dz).all(|x| x.is_finite()), "{dtype} {of} {z:?}: {y:?} {dz:?}");
                }
            }
            // Members that disagree with certainty: both answers are ½. Where they agree, the logit is theirs.
            assert_eq!(average(Activation::Sigmoid, 2, &[1e4, -1e4], dtype), [0.0]);
            assert_eq!(average(Activation::Sigmoid, 2, &[1e4, 1e4], dtype), [1e4]);
            let half = average(Activation::Softmax, 2, &[1e4, -1e4, -1e4, 1e4], dtype);
            assert!(half.iter().all(|y| (y + 2_f64.ln()).abs() < 1e-7), "{half:?}");
            // ln softmax of a class of which every member is certain does not grow with its logit.
            let dz = gradient(Activation::Softmax, 2, &[1e4, -1e4, 1e4, -1e4], 0, dtype);
            assert_eq!(dz, [0.0; 4]);
        }
    }

    #[test]
    fn what_cannot_be_averaged_is_refused() {
        let refused = |members, of, input: Shape| {
            let error = Average::new(members, of).output(input).unwrap_err();
            (error.message, error.remedy.unwrap().to_string())
        };
        let (message, fix) = refused(3, Activation::Softmax, [8].into());
        assert!(message.contains("over 3 members of examples of shape 8") && fix.contains("ensemble"), "{message}");
        assert!(refused(0, Activation::Softmax, [8].into()).0.contains("0 members"));
        assert!(refused(2, Activation::Identity, [2, 2].into()).0.contains("2×2"));
        for weights in [vec![0.5, 0.4], vec![1.5, -0.5], vec![0.2; 5], vec![f64::NAN, 1.0]] {
            let average = Average { weights, ..Average::new(4, Activation::Identity) };
            let error = average.output([8].into()).unwrap_err();
            assert!(error.message.contains("weights of 4 members"), "{}", error.message);
        }
        let (message, fix) = refused(2, Activation::Tanh, [8].into());
        assert!(message.contains("tanh") && fix.contains("\"softmax\""), "{message}: {fix}");
    }
}
