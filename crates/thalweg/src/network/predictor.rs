//! A network with its parameters prepared for many predictions.

use super::{Network, Workspace};
use crate::error::Result;
use crate::layers::{Mode, Parameters};
use crate::tensor::ops::{MatmulPrecision, PackedWeight};
use crate::tensor::{Tensor, View};

/// Predicts with given parameters: their weights are packed once, and nothing is allocated from then on.
///
/// ```
/// use thalweg::layers::Linear;
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::ops::MatmulPrecision;
/// use thalweg::tensor::{Activation, Dtype, Tensor};
///
/// let network = Network::new(2, vec![Box::new(Linear::new(1, Activation::Identity))])?;
/// let theta = Tensor::from_f64([3], vec![2.0, -1.0, 0.5]);
/// let mut predictor = Predictor::new(&network, &theta, 1, MatmulPrecision::F32)?;
/// let z = predictor.forward(Tensor::from_f64([1, 2], vec![3.0, 4.0]).view())?;
/// assert_eq!(z.to_f64(), [2.5]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug)]
pub struct Predictor<'a> {
    network: &'a Network,
    theta: View<'a>,
    /// What each layer has prepared.
    prepared: Vec<Option<PackedWeight>>,
    workspace: Workspace,
}

impl<'a> Predictor<'a> {
    /// Prepares θ for batches of up to m examples, with products of f32 matrices computed in a precision.
    ///
    /// # Errors
    /// If θ does not have the network's length.
    pub fn new(network: &'a Network, theta: &'a Tensor, m: usize, precision: MatmulPrecision) -> Result<Self> {
        let theta = theta.view();
        theta.expect("Predictor::new", "θ", [network.layout().len()], theta.dtype())?;
        let parameters = |i| Parameters { theta, entries: network.layout().of_layer(i), precision, lengths: None };
        let prepared = network.layers().iter().enumerate().map(|(i, layer)| layer.prepare(parameters(i))).collect();
        let mut workspace = network.workspace(m, theta.dtype());
        workspace.precision = precision;
        Ok(Predictor { network, theta, prepared, workspace })
    }

    /// The logits of x, m rows; bit-identical to [`Network::forward`].
    ///
    /// # Errors
    /// If x does not have the network's input shape and θ's type, or has more rows than there is room for.
    pub fn forward(&mut self, x: View) -> Result<View<'_>> {
        let (network, workspace, m) = (self.network, &mut self.workspace, x.shape().rows());
        network.check("Predictor::forward", self.theta, x, workspace)?;
        let (precision, x) = (workspace.precision, x.part(0, network.input().batch(m)));
        for (i, (layer, prepared)) in network.layers().iter().zip(&self.prepared).enumerate() {
            let (before, from_here) = workspace.outputs.split_at_mut(i);
            let input = before.last().map_or(x, |y| y.rows(m));
            let parameters =
                Parameters { theta: self.theta, entries: network.layout().of_layer(i), precision, lengths: None };
            let y = from_here[0].rows_mut(m);
            match prepared {
                Some(prepared) => layer.forward_prepared(parameters, prepared, input, y),
                None => layer.forward(parameters, input, y, &mut workspace.saved[i], Mode::Predict),
            }
        }
        Ok(workspace.output(m))
    }
}
