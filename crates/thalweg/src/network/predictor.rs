//! A network with its parameters made ready for many predictions.

use super::{Network, Workspace};
use crate::layers::{Mode, Parameters};
use crate::tensor::ops::PackedWeight;
use crate::tensor::{Tensor, View};

/// Predicts with given parameters: their weights are packed once, and nothing is allocated from then on. Within
/// [`with_matmul_precision`](crate::tensor::ops::with_matmul_precision) batches are multiplied as that says.
///
/// ```
/// use thalweg::layers::Linear;
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Activation, Dtype, Tensor};
///
/// let network = Network::new(2, vec![Box::new(Linear::new(1, Activation::Identity))])?;
/// let theta = Tensor::from_f64([3], vec![2.0, -1.0, 0.5]);
/// let mut predictor = Predictor::new(&network, &theta, 1);
/// let z = predictor.forward(Tensor::from_f64([1, 2], vec![3.0, 4.0]).view());
/// assert_eq!(z.to_f64(), [2.5]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug)]
pub struct Predictor<'a> {
    network: &'a Network,
    theta: View<'a>,
    /// What each layer has made ready.
    prepared: Vec<Option<PackedWeight>>,
    workspace: Workspace,
}

impl<'a> Predictor<'a> {
    /// Makes θ ready for batches of up to m examples.
    pub fn new(network: &'a Network, theta: &'a Tensor, m: usize) -> Self {
        let theta = theta.view();
        let parameters = |i| Parameters { theta, entries: network.layout().of_layer(i) };
        let prepared = network.layers().iter().enumerate().map(|(i, layer)| layer.prepare(parameters(i))).collect();
        Predictor { network, theta, prepared, workspace: network.workspace(m, theta.dtype()) }
    }

    /// The logits of x, m rows; the bits of [`Network::forward`].
    ///
    /// # Panics
    /// If x has other columns than the network's input, or more rows than there is room for.
    pub fn forward(&mut self, x: View) -> View<'_> {
        let (network, workspace, m) = (self.network, &mut self.workspace, x.shape().rows());
        assert_eq!(x.shape().columns(), network.input().size(), "the network takes {} inputs", network.input().size());
        let x = x.part(0, network.input().batch(m));
        for (i, (layer, prepared)) in network.layers().iter().zip(&self.prepared).enumerate() {
            let (before, from_here) = workspace.outputs.split_at_mut(i);
            let input = before.last().map_or(x, |y| y.rows(m));
            let parameters = Parameters { theta: self.theta, entries: network.layout().of_layer(i) };
            let y = from_here[0].rows_mut(m);
            match prepared {
                Some(prepared) => layer.forward_prepared(parameters, prepared, input, y),
                None => layer.forward(parameters, input, y, &mut workspace.saved[i], Mode::Predict),
            }
        }
        workspace.output(m)
    }
}
