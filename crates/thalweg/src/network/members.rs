//! A network of some members of an ensemble.

use super::{Layout, Network};
use crate::error::{Error, Result};
use crate::layers::{Average, Ensemble, Layer, Registered, read_layer, write_layer};
use crate::tensor::{Tensor, ops};

impl Network {
    /// The network that averages some of the members alone, in their order, and its part of θ; `weights` are those of
    /// groups of equally many of them (none: all weigh the same).
    ///
    /// # Errors
    /// If the network does not end with an ensemble and its average, or a layer is a custom one.
    pub(crate) fn of_members(&self, theta: &Tensor, kept: &[usize], weights: Vec<f64>) -> Result<(Network, Tensor)> {
        let error = || Error::config("the network does not end with an ensemble and its average");
        let [before @ .., ensemble, average] = self.layers() else { return Err(error()) };
        if ensemble.kind() != Ensemble::NAME || average.kind() != Average::NAME {
            return Err(error());
        }
        let copy = |layer: &dyn Layer| read_layer(write_layer(layer), &[]);
        let mut layers = before.iter().map(|layer| copy(&**layer)).collect::<Result<Vec<_>>>()?;
        let mut table = write_layer(&**ensemble);
        let members = table["members"].as_array().ok_or_else(error)?;
        table["members"] = kept.iter().map(|&k| members[k].clone()).collect();
        layers.push(read_layer(table, &[])?);
        let mut average: Average = serde_json::from_value(average.config()).map_err(|_| error())?;
        (average.members, average.weights) = (kept.len(), weights);
        layers.push(Box::new(average));
        let network = Network::new(self.input(), layers)?;
        let theta = part(self.layout(), theta, network.layout(), &format!("layers.{}.members.", before.len()), kept);
        Ok((network, theta))
    }
}

/// θ of the members that are kept, whose names count them anew.
fn part(all: &Layout, theta: &Tensor, own: &Layout, prefix: &str, kept: &[usize]) -> Tensor {
    let mut part = Tensor::zeros([own.len()], theta.dtype());
    for entry in own.entries() {
        let renamed = entry.name.strip_prefix(prefix).and_then(|rest| rest.split_once('.')).map(|(k, rest)| {
            let member = kept[k.parse::<usize>().expect("members are counted")];
            format!("{prefix}{member}.{rest}")
        });
        let from = all.named(renamed.as_ref().unwrap_or(&entry.name)).expect("a member is one of all");
        ops::copy(theta.view().part(from.start, from.shape), part.view_mut().part(entry.start, entry.shape));
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{BatchNorm, Linear};
    use crate::network::Predictor;
    use crate::tensor::{Activation, Dtype};

    #[test]
    fn some_members_answer_as_they_did_among_all() {
        let linear = |units| Box::new(Linear::new(units, Activation::Tanh)) as Box<dyn Layer>;
        let member = |k: usize| vec![linear(2 + k), Box::new(BatchNorm::default()), linear(1)];
        let all: Vec<Box<dyn Layer>> = vec![
            linear(3),
            Box::new(Ensemble::new((0..3).map(member).collect())),
            Box::new(Average::new(3, Activation::Identity)),
        ];
        let network = Network::new(2, all).unwrap();
        let theta = network.initialize(5, Dtype::F64);
        let x = Tensor::from_f64([2, 2], vec![0.5, -1.0, 2.0, 0.25]);
        let answers = |(network, theta): (&Network, &Tensor)| -> Vec<f64> {
            Predictor::new(network, theta, 2, Default::default()).unwrap().forward(x.view()).unwrap().to_f64()
        };
        let alone: Vec<Vec<f64>> = (0..3)
            .map(|k| {
                let (network, theta) = network.of_members(&theta, &[k], Vec::new()).unwrap();
                answers((&network, &theta))
            })
            .collect();
        assert!(alone[0] != alone[1] && alone[1] != alone[2]);
        let (two, own) = network.of_members(&theta, &[0, 2], vec![0.25, 0.75]).unwrap();
        assert_eq!(two.members(), 2);
        for (i, y) in answers((&two, &own)).into_iter().enumerate() {
            assert!((y - 0.25 * alone[0][i] - 0.75 * alone[2][i]).abs() < 1e-15);
        }
        let without = Network::new(2, vec![linear(3)]).unwrap();
        assert!(without.of_members(&without.initialize(5, Dtype::F64), &[0], Vec::new()).is_err());
    }
}
