//! Where in a sequence a step is (Vaswani et al. 2017).

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, Parameters, ParametersMut, Registered, steps};
use crate::error::Result;
use crate::tensor::{Shape, Tensor, View, ViewMut, ops, sequence};

/// y = x + P: sinusoids of the step t ("Attention Is All You Need", Vaswani et al. 2017),
/// `P[t, 2i] = sin(t/10000^(2i/C))` and `P[t, 2i + 1] = cos(t/10000^(2i/C))`, so that attention, which does not know the
/// order of steps, can tell them apart. Backward: dx = dy.
///
/// ```
/// use thalweg::layers::Positions;
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Shape, Tensor};
///
/// let network = Network::new(Shape::from([2, 2]), vec![Box::new(Positions::default())])?;
/// let theta = Tensor::from_f64([0], vec![]);
/// let x = Tensor::from_f64([1, 4], vec![0.0; 4]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [0.0, 1.0, 1f64.sin(), 1f64.cos()]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Positions {
    /// P of the most steps so far.
    #[serde(skip)]
    table: Mutex<Arc<Vec<f64>>>,
}

impl Positions {
    /// P of at least T × C; a layer has one C.
    fn table(&self, [steps, channels]: [usize; 2]) -> Arc<Vec<f64>> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() < steps * channels {
            *table = Arc::new(sinusoids([steps, channels]));
        }
        Arc::clone(&table)
    }
}

/// P of T × C.
pub(crate) fn sinusoids([steps, channels]: [usize; 2]) -> Vec<f64> {
    let rates: Vec<f64> = (0..channels).map(|j| 1e4_f64.powf(-((j - j % 2) as f64) / channels as f64)).collect();
    let row = |t: usize| {
        let angles = rates.iter().map(move |rate| t as f64 * rate).enumerate();
        angles.map(|(j, angle)| if j % 2 == 0 { angle.sin() } else { angle.cos() })
    };
    (0..steps).flat_map(row).collect()
}

impl Layer for Positions {
    fn describe(&self, _input: Shape) -> String {
        "positions".into()
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        steps(Self::NAME, input).map(|_| input)
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        Some(input.size())
    }

    fn lower(&self, _name: &str, input: Shape) -> Result<Vec<Op>> {
        Ok(vec![Op::Positions(sinusoids(steps(Self::NAME, input)?))])
    }

    fn forward(&self, _theta: Parameters, x: View, y: ViewMut, _saved: &mut [Tensor], _mode: Mode) {
        let example = x.shape().example();
        let sizes = steps(Self::NAME, example).expect("the network has asked for the output's shape");
        sequence::add_to_each(x, &self.table(sizes)[..example.size()], y);
    }

    fn backward(&self, _theta: Parameters, pass: Backward, _gradient: ParametersMut) {
        if let Some(dx) = pass.dx {
            ops::copy(pass.dy.view(), dx);
        }
    }
}

impl Registered for Positions {
    const NAME: &'static str = "positions";

    fn examples() -> Vec<(Self, Shape)> {
        vec![(Positions::default(), [4, 3].into()), (Positions::default(), [5].into())]
    }
}
