//! What a network has learned to see: the inputs of its last layer, for use elsewhere.

use super::Model;
use crate::error::{Error, Result};
use crate::layers::Mode;
use crate::network::Network;
use crate::tensor::Tensor;

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
        let n = self.body.input().size();
        if !x.len().is_multiple_of(n) {
            let found = format!("Embedder::embed: {} numbers, expected rows of {n}", x.len());
            return Err(Error::data(found).fix("give rows as the pipeline encodes them"));
        }
        let m = self.body.rows_at_once(x.len() / n);
        let mut workspace = self.body.workspace(m, self.theta.dtype());
        let mut embeddings = Vec::with_capacity(x.len() / n * self.width());
        for rows in x.chunks(m * n) {
            let x = Tensor::from_f32([rows.len() / n, n], rows.to_vec()).to(self.theta.dtype());
            let y = self.body.forward(self.theta.view(), x.view(), &mut workspace, Mode::Predict)?;
            embeddings.extend(y.to_f64().into_iter().map(|x| x as f32));
        }
        Ok(embeddings)
    }
}
