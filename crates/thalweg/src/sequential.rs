//! A network and its training in a few lines, on tensors.

use crate::error::{Error, Result};
use crate::event::Event;
use crate::layers::{Conv2d, Dropout, Layer, Linear};
use crate::losses::{Loss, Squared};
use crate::metrics::Metrics;
use crate::network::{InputShape, Network, Predictor, Weights};
use crate::optimizers::{Adam, Optimizer};
use crate::tensor::ops::{self, MatmulPrecision};
use crate::tensor::{Activation, Tensor, View};
use crate::train::{Callback, State, TensorDataset, TrainSettings, Trainer};

/// Layers in a row and how they are trained: a builder over [`Network`] and [`Trainer`].
///
/// The defaults are Adam with its usual rate on mini-batches of 64 for 100 epochs, and half the squared error.
///
/// ```
/// use thalweg::Sequential;
/// use thalweg::losses::SigmoidCrossEntropy;
/// use thalweg::tensor::{Activation, Tensor};
///
/// // Exclusive or. Losses take logits, so the last layer has no activation.
/// let x = Tensor::from_f64([4, 2], vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
/// let y = Tensor::from_f64([4, 1], vec![0.0, 1.0, 1.0, 0.0]);
/// let layers = Sequential::new(2).linear(8, Activation::Tanh).linear(1, Activation::Identity);
/// let xor = layers.loss(SigmoidCrossEntropy).learning_rate(0.05).epochs(300).fit(&x, &y)?;
///
/// let answers = xor.predict(&x)?.to_f64();
/// assert!(answers[0] < 0.1 && answers[1] > 0.9 && answers[2] > 0.9 && answers[3] < 0.1);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug)]
pub struct Sequential {
    input: InputShape,
    layers: Vec<Box<dyn Layer>>,
    loss: Box<dyn Loss>,
    optimizer: Box<dyn Optimizer>,
    settings: TrainSettings,
}

impl Sequential {
    /// No layers yet, for inputs of a shape: a number of columns, or `Shape::from([height, width, channels])`.
    pub fn new(input: impl Into<InputShape>) -> Self {
        Sequential {
            input: input.into(),
            layers: Vec::new(),
            loss: Box::new(Squared),
            optimizer: Box::new(Adam::USUAL),
            settings: TrainSettings::default(),
        }
    }

    /// Adds any layer.
    pub fn layer(mut self, layer: impl Layer + 'static) -> Self {
        self.layers.push(Box::new(layer));
        self
    }

    /// Adds a fully connected layer.
    pub fn linear(self, units: usize, activation: Activation) -> Self {
        self.layer(Linear::new(units, activation))
    }

    /// Adds a convolution of images with square filters.
    pub fn conv2d(self, filters: usize, kernel: usize, activation: Activation) -> Self {
        self.layer(Conv2d::new(filters, kernel, activation))
    }

    /// Adds dropout of a share of the activations.
    pub fn dropout(self, rate: f64) -> Self {
        self.layer(Dropout { rate })
    }

    /// The loss.
    pub fn loss(self, loss: impl Loss + 'static) -> Self {
        Sequential { loss: Box::new(loss), ..self }
    }

    /// The optimiser.
    pub fn optimizer(self, optimizer: impl Optimizer + 'static) -> Self {
        Sequential { optimizer: Box::new(optimizer), ..self }
    }

    /// Everything else about training, such as its seed; the methods below set parts of it.
    pub fn settings(self, settings: TrainSettings) -> Self {
        Sequential { settings, ..self }
    }

    /// The learning rate α.
    pub fn learning_rate(mut self, rate: f64) -> Self {
        self.settings.learning_rate = rate;
        self
    }

    /// The most epochs.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.settings.epochs = epochs;
        self
    }

    /// Examples per step; 0 for all.
    pub fn batch_size(mut self, examples: usize) -> Self {
        self.settings.batch_size = examples;
        self
    }

    /// Trains on the rows of x and y, in their type.
    ///
    /// # Errors
    /// If the shapes of the layers, x and y do not fit, or training diverges.
    pub fn fit(self, x: &Tensor, y: &Tensor) -> Result<TrainedNetwork> {
        self.fit_with(x, y, &mut |_: &Event| ())
    }

    /// The same, with a callback.
    ///
    /// # Errors
    /// As for [`Sequential::fit`].
    pub fn fit_with(self, x: &Tensor, y: &Tensor, callback: &mut dyn Callback) -> Result<TrainedNetwork> {
        let Sequential { input, layers, loss, optimizer, mut settings } = self;
        let network = Network::new(input, layers)?;
        let train = TensorDataset::new(x.clone(), y.clone(), None)?;
        check_inputs(&network, x)?;
        check_targets(&*loss, network.output().size(), y.view())?;
        if train.rows() == 0 {
            return Err(Error::data("there are no examples").fix("give x and y at least one row"));
        }
        if settings.batch_size == 0 {
            settings.batch_size = train.rows();
        }
        let mut state = State::new(&network, &*optimizer, settings.seed, settings.average, x.dtype());
        let trainer = Trainer {
            network: &network,
            loss: &*loss,
            optimizer: &*optimizer,
            settings,
            train: &train,
            dev: None,
            evaluate: &|_| Metrics::new(),
        };
        trainer.fit(&mut state, callback)?;
        // Stopped in the first epoch: there are no best parameters yet.
        let theta = if state.best_epoch == 0 { state.theta } else { state.best_theta };
        Ok(TrainedNetwork { network, theta, loss })
    }

    /// The network with given weights, without training.
    ///
    /// # Errors
    /// If the shapes of the layers do not fit, or the weights are those of other layers.
    pub fn with_weights(self, weights: &Weights) -> Result<TrainedNetwork> {
        let network = Network::new(self.input, self.layers)?;
        let theta = weights.theta(&network)?;
        Ok(TrainedNetwork { network, theta, loss: self.loss })
    }
}

/// A network with the parameters that it has learned.
#[derive(Debug)]
pub struct TrainedNetwork {
    /// The network.
    pub network: Network,
    /// Its parameters.
    pub theta: Tensor,
    loss: Box<dyn Loss>,
}

impl TrainedNetwork {
    /// The answers to the rows of x: probabilities for classes, else values.
    ///
    /// # Errors
    /// If x does not have the network's number of inputs.
    pub fn predict(&self, x: &Tensor) -> Result<Tensor> {
        check_inputs(&self.network, x)?;
        let x = x.to(self.theta.dtype());
        let (m, n) = (x.shape().rows(), self.network.output().size());
        let at_once = self.network.rows_at_once(m);
        let mut predictor = Predictor::new(&self.network, &self.theta, at_once, MatmulPrecision::F32)?;
        let mut answers = Tensor::zeros([m, n], x.dtype());
        for start in (0..m).step_by(at_once) {
            let rows = at_once.min(m - start);
            let logits = predictor.forward(x.view().rows(start, rows))?;
            ops::copy(logits.part(0, [rows, n]), answers.view_mut().part(start * n, [rows, n]));
        }
        self.loss.answer(answers.view_mut());
        Ok(answers)
    }

    /// Its parameters by name, to be saved.
    pub fn weights(&self) -> Weights {
        Weights::new(&self.network, &self.theta)
    }
}

fn check_targets(loss: &dyn Loss, outputs: usize, y: View) -> Result<()> {
    let columns = y.shape().columns();
    if !loss.takes(outputs, columns) {
        let error = Error::data(format!("found {columns} columns in y, expected {outputs}"));
        return Err(error.fix("give y a column per output"));
    }
    loss.check_values(outputs, y)
}

fn check_inputs(network: &Network, x: &Tensor) -> Result<()> {
    let (found, expected) = (x.shape().columns(), network.input().size());
    if found == expected {
        return Ok(());
    }
    Err(Error::data(format!("found {found} columns in x, expected {expected}"))
        .fix("give x as rows of the network's inputs"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{BatchNorm, Pool2d, Pooling};
    use crate::losses::SoftmaxCrossEntropy;
    use crate::tensor::Shape;

    /// y = 2 x₀ − x₁ + 1 in this many rows.
    fn plane(rows: usize) -> (Tensor, Tensor) {
        let x: Vec<f64> = (0..2 * rows).map(|i| (i * 37 % 101) as f64 / 50.0 - 1.0).collect();
        let y = x.chunks(2).map(|x| 2.0 * x[0] - x[1] + 1.0).collect();
        (Tensor::from_f64([rows, 2], x), Tensor::from_f64([rows, 1], y))
    }

    fn linear() -> Sequential {
        Sequential::new(2).linear(1, Activation::Identity).learning_rate(0.05).epochs(200)
    }

    #[test]
    fn a_linear_model_finds_a_plane_and_comes_back_from_a_file() {
        let (x, y) = plane(1100);
        let trained = linear().fit(&x, &y).unwrap();
        for (found, expected) in trained.theta.to_f64().into_iter().zip([2.0, -1.0, 1.0]) {
            assert!((found - expected).abs() < 1e-6, "{:?}", trained.theta);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plane.safetensors");
        trained.weights().save(&path).unwrap();
        let loaded = linear().with_weights(&Weights::load(&path).unwrap()).unwrap();
        assert_eq!(loaded.predict(&x).unwrap(), trained.predict(&x).unwrap());
        let error = Sequential::new(3).linear(1, Activation::Identity).with_weights(&trained.weights()).unwrap_err();
        assert!(error.to_string().contains("\"layers.0.weight\" is F64 of shape [1, 2]"), "{error}");
    }

    #[test]
    fn images_have_classes() {
        let x = Tensor::from_f32([8, 6, 6, 1], (0..8 * 36).map(|i| ((i / 36) % 2) as f32).collect());
        let y = Tensor::from_f32([8, 1], (0..8).map(|i| (i % 2) as f32).collect());
        let layers = Sequential::new(Shape::from([6, 6, 1])).conv2d(4, 3, Activation::Relu);
        let layers = layers.layer(Pool2d::new(Pooling::Max, 2)).layer(BatchNorm::default()).dropout(0.1);
        let layers = layers.linear(2, Activation::Identity).loss(SoftmaxCrossEntropy::default());
        let answers = layers.learning_rate(0.01).batch_size(0).fit(&x, &y).unwrap().predict(&x).unwrap();
        let right = |(row, p): (usize, &[f64])| p[row % 2] > 0.5 && (p[0] + p[1] - 1.0).abs() < 1e-6;
        assert!(answers.to_f64().chunks(2).enumerate().all(right), "{answers:?}");
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let (x, y) = plane(4);
        let error = |layers: Sequential, x: &Tensor, y: &Tensor| layers.fit(x, y).unwrap_err().to_string();
        assert!(error(linear(), &y, &y).contains("found 1 columns in x, expected 2"));
        assert!(error(linear(), &x, &x).contains("found 2 columns in y, expected 1"));
        assert!(error(linear(), &x, &y.to(crate::tensor::Dtype::F32)).contains("F32"));
        assert!(error(linear(), &plane(0).0, &plane(0).1).contains("there are no examples"));
        assert!(error(Sequential::new(2), &x, &y).contains("a network without layers"));
        let classes = || Sequential::new(2).linear(3, Activation::Identity).loss(SoftmaxCrossEntropy::default());
        let numbers = |y: [f64; 4]| Tensor::from_f64([4, 1], y.to_vec());
        assert!(error(classes(), &x, &numbers([0.0, 1.0, 2.0, 3.0])).contains("whole numbers from 0 to 2"));
        assert!(error(classes(), &x, &numbers([0.0, 1.0, 0.5, 2.0])).contains("whole numbers from 0 to 2"));
        assert!(error(classes(), &x, &x).contains("found 2 columns in y, expected 3"));
    }
}
