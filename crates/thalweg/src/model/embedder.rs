//! What a network has learned to see: the inputs of its last layer, for use elsewhere.

use super::Model;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::tensor::Tensor;
use crate::tensor::ops::MatmulPrecision;

/// Turns rows into embeddings: what a model's layers before the last one with parameters make of them.
///
/// ```
/// use thalweg::Training;
/// use thalweg::model::Embedder;
///
/// # let folder = tempfile::tempdir()?;
/// let training = Training::on("sample:iris").target("species").layers([16, 8]).out(folder.path().join("iris"));
/// let run = training.configure(|config| config.network.ensemble = Some(1)).run()?;
/// let model = thalweg::model::Model::load(run.model)?;
/// let embedder = Embedder::new(&model)?;
/// assert_eq!(embedder.width(), 8);
/// assert_eq!(embedder.embed(&vec![0.0; 2 * model.network.input().size()])?.len(), 2 * 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Embedder {
    body: Network,
    theta: Tensor,
}

impl Embedder {
    /// The layers of a model before its last one with parameters.
    ///
    /// # Errors
    /// If there are none, or the model is an ensemble.
    pub fn new(model: &Model) -> Result<Embedder> {
        let network = &model.network;
        let count = network.body().ok_or_else(|| {
            let found = match network.members() {
                1 => "the model's network has a single layer with parameters".into(),
                members => format!("the model is an ensemble of {members}, which see different things"),
            };
            Error::config(found).fix("train a single network with hidden layers, with [ensemble=1]")
        })?;
        let (body, theta) = network.part(0..count, &model.theta)?;
        Ok(Embedder { body, theta })
    }

    /// How many numbers an embedding has.
    pub fn width(&self) -> usize {
        self.body.output().size()
    }

    /// The embeddings of rows as the pipeline encodes them, row-major.
    ///
    /// # Errors
    /// If the inputs are not whole rows.
    pub fn embed(&self, x: &[f32]) -> Result<Vec<f32>> {
        let mut embeddings = Vec::new();
        self.body.predict_rows("Embedder::embed", (&self.theta, MatmulPrecision::F32), x, |y| {
            embeddings.extend(y.view().to_f64().into_iter().map(|x| x as f32));
        })?;
        Ok(embeddings)
    }
}
