//! One vector of a sequence.

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered, steps};
use crate::error::Result;
use crate::init::Init;
use crate::tensor::sequence::{self, Gathering};
use crate::tensor::{Shape, Tensor, View, ViewMut};

/// T × C becomes C: the mean of the steps, the largest of each channel, or Σ p x with p = softmax over the steps of x · w,
/// w being learned (attention pooling: Yang et al. 2016, Hierarchical Attention Networks for Document Classification,
/// with the steps themselves as keys). Within a layer of kind `sequence`, padding is left out, and an empty sequence gives 0.
///
/// Backward: dx = p dy + ds w, ds = p (dy · x − dy · y), dw = Σ ds x; of a maximum, dx = dy where it is.
///
/// ```
/// use thalweg::layers::{Gathering, PoolOverTime};
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Shape, Tensor};
///
/// let layer = PoolOverTime { take: Gathering::Attention };
/// let network = Network::new(Shape::from([2, 1]), vec![Box::new(layer)])?;
/// let theta = Tensor::from_f64([1], vec![3f64.ln()]); // w
/// let x = Tensor::from_f64([1, 2, 1], vec![1.0, 0.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert!((y[0] - 0.75).abs() < 1e-15); // the first weighs three times as much
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolOverTime {
    /// What is taken.
    pub take: Gathering,
}

impl Layer for PoolOverTime {
    fn describe(&self, _input: Shape) -> String {
        match self.take {
            Gathering::Mean => "mean over time".into(),
            Gathering::Max => "maximum over time".into(),
            Gathering::Attention => "attention pooling over time".into(),
        }
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        steps(Self::NAME, input).map(|[_, channels]| [channels].into())
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        let [_, channels] = steps(Self::NAME, input).unwrap_or_default();
        let weight = ParameterSpec::weight("weight", [1, channels], Init::XavierNormal);
        Vec::from_iter((self.take == Gathering::Attention).then_some(weight))
    }

    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        let [steps, channels] = steps(Self::NAME, input).unwrap_or_default();
        vec![[m, if self.take == Gathering::Max { channels } else { steps }].into()]
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        Some(2 * input.size())
    }

    fn lower(&self, _name: &str, _input: Shape) -> Result<Vec<Op>> {
        Ok(vec![Op::PoolOverTime { take: self.take, weight: "weight" }])
    }

    fn forward(&self, theta: Parameters, x: View, y: ViewMut, saved: &mut [Tensor], _mode: Mode) {
        let w = (self.take == Gathering::Attention).then(|| theta.get(0));
        sequence::gather(self.take, x, theta.lengths, w, saved[0].rows_mut(x.shape().rows()), y);
    }

    fn backward(&self, theta: Parameters, pass: Backward, mut gradient: ParametersMut) {
        let learned = self.take == Gathering::Attention;
        let (w, dw) = (learned.then(|| theta.get(0)), learned.then(|| gradient.get(0)));
        let p = pass.saved[0].rows(pass.x.shape().rows());
        let given = (pass.x, pass.y, pass.dy.view());
        sequence::gather_backward(self.take, given, theta.lengths, (w, p), dw, pass.dx);
    }

    fn kink_sides(&self, x: View, y: View, _saved: &[Tensor], sides: &mut Vec<bool>) {
        if self.take == Gathering::Max {
            let (each, channels) = (x.shape().columns(), y.shape().columns());
            sides.extend((0..x.len()).map(|i| x.at(i) >= y.at(i / each * channels + i % channels)));
        }
    }
}

impl Registered for PoolOverTime {
    const NAME: &'static str = "pool_over_time";

    fn examples() -> Vec<(Self, Shape)> {
        let each = [Gathering::Mean, Gathering::Max, Gathering::Attention];
        each.map(|take| (PoolOverTime { take }, [5, 3].into())).into()
    }
}
