//! θ by name: a network's parameters as a file stores them.

use std::path::Path;

use super::Network;
use crate::error::{Error, ErrorKind, Result};
use crate::io::safetensors::{Container, Stored, TensorData};
use crate::io::{atomic, tensors};
use crate::tensor::{Dtype, Tensor, ops};

/// The parameters of a network by name, such as `layers.0.weight`: saved as a safetensors file, without the network
/// itself or the meaning of its inputs (a [`Model`](crate::model::Model) has both).
///
/// ```
/// use thalweg::layers::Linear;
/// use thalweg::network::{Network, Weights};
/// use thalweg::tensor::{Activation, Dtype};
///
/// let network = Network::new(2, vec![Box::new(Linear::new(1, Activation::Identity))])?;
/// let theta = network.initialize(0, Dtype::F64);
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("linear.safetensors");
/// Weights::new(&network, &theta).save(&path)?;
/// assert_eq!(Weights::load(&path)?.theta(&network)?, theta);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Weights(Vec<Stored>);

impl Weights {
    /// The parameters of a network, from its θ.
    pub fn new(network: &Network, theta: &Tensor) -> Weights {
        Weights(to_stored(network, theta))
    }

    /// θ for a network of the same layers.
    ///
    /// # Errors
    /// If the network's parameters differ from these in name, shape or number.
    pub fn theta(&self, network: &Network) -> Result<Tensor> {
        from_stored(network, &self.0).map_err(|wrong| {
            Error::config(format!("these are weights of another network: {wrong}"))
                .fix("use them with the layers and the inputs that they were trained with")
        })
    }

    /// Writes them as a safetensors file, atomically.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let container = Container { tensors: self.0.clone(), ..Container::default() };
        atomic::write(path.as_ref(), &container.to_bytes())
    }

    /// Reads a file that [`Weights::save`] wrote.
    ///
    /// # Errors
    /// If it is missing or damaged.
    pub fn load(path: impl AsRef<Path>) -> Result<Weights> {
        let path = path.as_ref();
        let bytes = atomic::read(path).map_err(|error| {
            Error::io(ErrorKind::Data, path, "read the weights", &error).fix("name a file that Weights::save wrote")
        })?;
        Ok(Weights(Container::from_bytes(&bytes, &path.display().to_string())?.tensors))
    }
}

/// A network's parameters as files store them.
pub(crate) fn to_stored(network: &Network, theta: &Tensor) -> Vec<Stored> {
    let entries = network.layout().entries().iter();
    entries.map(|entry| tensors::store(&entry.name, theta.view().part(entry.start, entry.shape))).collect()
}

/// θ from a file's tensors: each parameter exactly once, with its shape.
pub(crate) fn from_stored(network: &Network, found: &[Stored]) -> Result<Tensor, String> {
    let entries = network.layout().entries();
    let dtype = if found.iter().any(|t| matches!(t.numbers, TensorData::F64(_))) { Dtype::F64 } else { Dtype::F32 };
    let wanted: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.shape, dtype)).collect();
    // Checked first, so that no memory is allocated that the file does not fill.
    let parameters = tensors::exactly(found, &wanted)?;
    let mut theta = Tensor::zeros([network.layout().len()], dtype);
    for (entry, values) in entries.iter().zip(parameters) {
        ops::copy(values.view(), theta.view_mut().part(entry.start, entry.shape));
    }
    Ok(theta)
}
