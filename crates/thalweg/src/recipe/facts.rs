//! What decisions follow from, looked up once.

use super::{images, sounds};
use crate::config::{Config, Quality, Recipe};
use crate::data::dataset::Dataset;
use crate::data::media_spec::SoundSpec;
use crate::data::preprocess::{ArrayScale, TextColumn};
use crate::model::Model;
use crate::task::Task;

/// Training sounds below which a network has few epochs in a few minutes.
const FEW_SOUNDS: usize = 1_000;
/// Training images below which a network learns them by heart, whatever is done to each alone.
const FEW: usize = 5_000;

/// A configuration, its data, and what they come to.
pub(super) struct Facts<'a> {
    pub(super) config: &'a Config,
    pub(super) data: &'a Dataset,
    /// The model whose parameters the network starts from, if it is planned anew for them.
    pub(super) start: Option<&'a Model>,
    /// How long the vectors of tokens are, if they start from a file's.
    pub(super) vectors: Option<usize>,
    /// How many layers of a model there are before a new head, if training starts so.
    pub(super) body: Option<usize>,
    pub(super) task: Task,
    /// m, the training rows.
    pub(super) rows: usize,
    pub(super) dev_rows: usize,
    /// Whether the recipe is the course's.
    pub(super) course: bool,
    /// Whether the recipe decides as its first edition did.
    pub(super) first_edition: bool,
    /// Whether examples are rows of columns, each with a unit of its own.
    pub(super) table: bool,
    /// Height, width and channels, where examples are images, or clips of them, large enough for convolutions.
    pub(super) image: Option<[usize; 3]>,
    /// The frames of an example: 1 where examples are no clips.
    pub(super) frames: usize,
    /// Whether examples are sequences of a table's rows.
    pub(super) sequences: bool,
    /// What sounds were brought to, where examples are sounds.
    pub(super) sound: Option<SoundSpec>,
    /// Whether the network is the one of convolutions that images, sounds and sequences get by themselves.
    pub(super) convolutions: bool,
    /// Whether there are other inputs, where there are texts.
    pub(super) texts: Option<Others>,
    /// Whether training is to be fast above all.
    pub(super) fast: bool,
    /// Whether examples are of series that are carried on.
    pub(super) forecast: bool,
    /// Whether there are no hidden layers.
    pub(super) linear: bool,
    /// Whether examples have many inputs.
    pub(super) wide: bool,
    /// Whether the data is of few colour images in classes, which are mixed for a longer training.
    pub(super) few_photos: bool,
    /// Whether the data is of few sounds, for which the recipe plans minutes.
    pub(super) few_sounds: bool,
}

/// Whether there are inputs besides texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Others(pub(super) bool);

impl<'a> Facts<'a> {
    pub(super) fn new(config: &'a Config, data: &'a Dataset) -> Self {
        let (network, train) = (&config.network, &config.train);
        let (image, sound) = (images::shape(data), sounds::spec(data));
        let sequences = data.pipeline.grouping.is_some();
        let (auto, fast) = (train.recipe == Recipe::Auto, train.quality == Quality::Fast);
        let free =
            network.layers.is_none() && network.layer.is_empty() && network.dropout.is_none() && !network.batch_norm;
        let frames = data.pipeline.media().map_or(1, |spec| spec.frames());
        let colour = image.is_some_and(|[.., channels]| channels == 3);
        let few = data.task.is_classes() && data.train_rows() < FEW && config.augment.augment != Some(false);
        Facts {
            config,
            data,
            start: None,
            vectors: None,
            body: None,
            task: data.task,
            rows: data.train_rows(),
            dev_rows: data.parts.dev.rows,
            course: train.recipe == Recipe::Course,
            first_edition: train.edition == 1,
            table: !sequences && data.pipeline.array.as_ref().is_none_or(ArrayScale::is_matrix),
            image,
            frames,
            sequences,
            sound,
            convolutions: free && auto && (image.is_some() || sound.is_some() || sequences),
            texts: texts(data),
            fast,
            forecast: data.forecast.is_some(),
            linear: network.is_linear(),
            wide: dense_inputs(data) >= 256,
            few_sounds: sound.is_some() && auto && train.edition > 1 && data.train_rows() < FEW_SOUNDS,
            few_photos: colour && frames == 1 && few && auto && !fast && train.label_smoothing == 0.0,
        }
    }

    /// The same once it is known that the network is a model's with a new head: little is to be learned then.
    pub(super) fn with_body(self, body: Option<usize>) -> Self {
        Facts { body, few_photos: self.few_photos && body.is_none(), ..self }
    }

    /// Whether a network of convolutions learns another task.
    pub(super) fn transfers(&self) -> bool {
        self.body.is_some() && self.convolutions
    }

    /// The reason for what follows from the number of training rows.
    pub(super) fn of_rows(&self) -> String {
        format!("{} training rows", self.rows)
    }
}

/// The inputs that are not of texts.
fn dense_inputs(data: &Dataset) -> usize {
    let of_texts: usize = data.pipeline.texts().iter().map(TextColumn::width).sum();
    data.parts.train.columns - of_texts
}

fn texts(data: &Dataset) -> Option<Others> {
    (!data.pipeline.texts().is_empty()).then(|| Others(dense_inputs(data) > 0))
}
