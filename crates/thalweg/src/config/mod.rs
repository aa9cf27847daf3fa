//! Every option once: name, default, range and meaning.
//!
//! The command line's flags (`--learning-rate`), the configuration file's keys (`learning_rate`) and their
//! documentation are all derived from these structs through their JSON schema. `None` means that Thalweg decides and
//! reports its choice. An option is one field here.

mod augment;
mod data;
mod load;
mod memory;
mod option_specs;
mod order;
mod render;
mod tune;
mod validate;
mod value;

use std::collections::BTreeMap;
use std::path::Path;

pub use augment::Augment;
pub use data::{ColumnKind, Data};
pub use load::find;
pub use option_specs::{Arity, OptionSpec, Range, ValueKind, json_schema, option_specs};
pub use order::Order;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use thalweg_media::Fit;
pub use tune::{Pruner, Sampler, Tune};

use crate::error::Result;
use crate::layers::{Parametrization, Periodic};
use crate::metrics::threshold::Rule;
use crate::optimizers::{Epsilon, MomentumForm};

/// The complete configuration of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The data and its columns.
    pub data: Data,
    /// How rows are split into train, dev and test.
    pub split: Split,
    /// How columns become the network's inputs.
    pub preprocess: Preprocess,
    /// How training examples are augmented in each epoch.
    pub augment: Augment,
    /// The network.
    pub network: Network,
    /// How the network is trained.
    pub train: Train,
    /// The hyperparameter search.
    pub tune: Tune,
    /// The files that are written.
    pub output: Output,
}

/// How rows are split into train, dev and test.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Split {
    /// Fractions of train, dev and test, such as 0.6,0.2,0.2. Default: 60/20/20 up to 50,000 rows; above that dev and
    /// test get about max(10,000, 1 %) rows each.
    #[schemars(length(equal = 3), inner(range(min = 0.0, max = 1.0)))]
    pub split: Option<Vec<f64>>,
    /// The group column; a group's rows all go to the same split.
    pub group: Option<String>,
    /// The column of times: the latest rows are test, those before them dev. With sequence: it orders the rows of each.
    pub time: Option<String>,
    /// Whether the split is stratified by class. Default: yes for classes.
    pub stratify: Option<bool>,
    /// Which fold is dev, and of how many, such as 0,5: train is then all other rows except test.
    #[schemars(length(equal = 2))]
    pub fold: Option<Vec<usize>>,
    /// Which fold is test, and of how many, such as 0,5: train and dev are all other rows or, by time, the earlier ones.
    #[schemars(length(equal = 2))]
    pub test_fold: Option<Vec<usize>>,
    /// With time: rows less than this before dev or test are left out; in days for dates, else in the column's unit.
    #[schemars(range(min = 0.0))]
    pub gap: Option<f64>,
    /// The seed of the split. Default: the training seed.
    pub split_seed: Option<u64>,
}

/// How numeric inputs are scaled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Normalise {
    /// (x − μ) / σ, fitted on the training rows.
    #[default]
    Standard,
    /// (x − median) / (interquartile range / 1.349), then x / √(1 + (x/3)²).
    Robust,
    /// Scaled to between 0 and 1.
    MinMax,
    /// Not scaled.
    None,
}

/// What replaces a missing number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Impute {
    /// The mean of the training rows.
    Mean,
    /// The median of the training rows.
    #[default]
    Median,
}

/// What texts are taken apart into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextEncoding {
    /// Words, and pairs of words.
    Words,
    /// These, and the beginnings, ends and parts of words of three and four characters.
    Ngrams,
    /// Their words, or a tokenizer's tokens, in their order.
    Tokens,
    /// Nothing: texts are left out.
    Off,
}

/// How columns become the network's inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Preprocess {
    /// How numeric inputs are scaled. Default: standard, but robust where a column has far outliers.
    pub normalise: Option<Normalise>,
    /// What replaces a missing number.
    pub impute: Impute,
    /// Whether a column with missing numbers gets a second input that indicates where they were.
    pub missing_indicator: bool,
    /// Maximum categories for one-hot encoding; columns with more get a learned embedding.
    #[schemars(range(min = 0, max = 10_000))]
    pub one_hot_up_to: usize,
    /// Categories seen fewer times than this share the slot of unseen ones.
    #[schemars(range(min = 1))]
    pub rare_below: usize,
    /// What columns of free text are taken apart into; what comes in several training rows becomes inputs. Default: ngrams;
    /// tokens where a tokenizer or embeddings are given; off for the course recipe.
    pub text: Option<TextEncoding>,
    /// Tokens of a text that are read; the rest is cut off. Default: as many as 95 % of the training rows have, up to 256.
    #[schemars(range(min = 1, max = 16_384))]
    pub text_length: Option<usize>,
    /// A file tokenizer.json (byte-pair encoding, WordPiece and others) that takes texts apart into tokens. Default: their
    /// words; beside embeddings in safetensors, the tokenizer.json in their folder.
    pub tokenizer: Option<String>,
    /// A file of vectors that those of tokens start from: GloVe or word2vec as text, a word and its numbers a line; or
    /// safetensors with a tensor "embeddings" of tokens × numbers.
    pub embeddings: Option<String>,
    /// Bins of the piecewise-linear functions that each number becomes (0: none). Default: 256 for classes and 96 for numeric
    /// targets, for tables from 1,000 training rows of up to 128 numbers; none without hidden layers.
    #[schemars(range(min = 0, max = 256))]
    pub bins: Option<usize>,
    /// Whether dates beyond the training rows' first and last count as these, so that a trend is not carried on. Default:
    /// yes.
    pub clip_dates: Option<bool>,
    /// Whether numeric targets are scaled for training (predictions are always in the data's units).
    pub scale_target: bool,
    /// Whether numeric answers beyond the training rows' smallest and largest target count as these. Default: yes, unless
    /// rows are split by time.
    pub clip_answers: Option<bool>,
}

impl Config {
    /// How columns become inputs and targets values: bins are among inputs only where no layer of the network makes them.
    /// Tokens and masks, which a first layer for sequences reads, are not scaled.
    /// Dates and answers are clipped since the second edition; answers not by time, where a trend must go on.
    pub(crate) fn preprocessing(&self) -> Preprocess {
        let text = Some(self.text_encoding());
        let network = &self.network;
        let layerless = self.train.edition == 1 || network.is_linear() || !network.layer.is_empty();
        let in_pipeline = layerless && network.number_embedding.is_none();
        let clip_dates = Some(self.preprocess.clip_dates.unwrap_or(self.train.edition > 1));
        let usual = self.train.edition > 1 && !self.splits_by_time();
        let clip_answers = Some(self.preprocess.clip_answers.unwrap_or(usual));
        let bins = self.preprocess.bins.filter(|_| in_pipeline);
        let normalise = if self.leaves_inputs() { Some(Normalise::None) } else { self.preprocess.normalise };
        let tokenizer = self.tokenizer();
        Preprocess { text, tokenizer, normalise, bins, clip_dates, clip_answers, ..self.preprocess.clone() }
    }

    /// Whether inputs stay as they are by default: the first layer reads tokens, or a mask, from them.
    pub(crate) fn leaves_inputs(&self) -> bool {
        self.preprocess.normalise.is_none() && self.network.reads_sequences() && self.data.sequence.is_none()
    }

    /// Whether rows are split by time; of sequences it orders the rows of each.
    pub(crate) fn splits_by_time(&self) -> bool {
        self.split.time.is_some() && self.data.sequence.is_none()
    }

    /// What texts are taken apart into: nothing in the first edition and the course's recipe.
    pub(crate) fn text_encoding(&self) -> TextEncoding {
        self.preprocess.text.unwrap_or(match () {
            () if self.preprocess.tokenizer.is_some() || self.preprocess.embeddings.is_some() => TextEncoding::Tokens,
            () if self.train.edition == 1 || self.train.recipe == Recipe::Course => TextEncoding::Off,
            () => TextEncoding::Ngrams,
        })
    }

    /// The tokenizer of texts: beside vectors that are numbered by its tokens there is the one that they are of.
    fn tokenizer(&self) -> Option<String> {
        let Preprocess { tokenizer, embeddings, .. } = &self.preprocess;
        let beside = || {
            let vectors = Path::new(embeddings.as_deref()?);
            let numbered = vectors.extension().is_some_and(|ending| ending == "safetensors");
            numbered.then(|| vectors.with_file_name("tokenizer.json").display().to_string())
        };
        tokenizer.clone().or_else(beside)
    }
}

impl Default for Preprocess {
    fn default() -> Self {
        Preprocess {
            normalise: None,
            impute: Impute::Median,
            missing_indicator: true,
            one_hot_up_to: 32,
            rare_below: 2,
            text: None,
            text_length: None,
            tokenizer: None,
            embeddings: None,
            bins: None,
            clip_dates: None,
            scale_target: true,
            clip_answers: None,
        }
    }
}

/// How a table's numbers are embedded: what the first hidden layer takes of each, beside the number itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberEmbedding {
    /// Piecewise-linear functions of bins.
    PiecewiseLinear,
    /// Periodic functions of trained frequencies.
    Periodic,
    /// Nothing.
    None,
}

/// The network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Units of the hidden layers, such as 128,64 (`none` for no hidden layer). Default: by the data's size.
    #[schemars(inner(range(min = 1, max = 10_000_000)))]
    pub layers: Option<Vec<usize>>,
    /// Networks whose answers are averaged (1: one network alone). Default: 5 for tables of up to 100,000 training rows
    /// whose layers are not given, else 1.
    #[schemars(range(min = 1, max = 100))]
    pub ensemble: Option<usize>,
    /// Networks of several kinds in an ensemble, as tables of what differs: layers, activation, dropout, batch_norm,
    /// number_embedding, periodic_sigma, bins or parametrization. Each is trained as often as the ensemble has members, and
    /// weighted by what is best on dev. Default: several for tables with quality best.
    pub candidates: Vec<serde_json::Value>,
    /// Activation of the hidden layers: one for all, or one per layer; with a parameter as in leaky_relu(0.2), elu(2).
    pub activation: Vec<String>,
    /// How weights are initialised. Default: He for the ReLU kinds, Glorot otherwise.
    pub init: Option<String>,
    /// Standard deviation (or half-width) of the `normal` and `uniform` initialisers.
    #[schemars(range(min = 0.0))]
    pub init_scale: f64,
    /// How linear layers use their weights: standard, or ntk (z = x Wᵀ/√n + b, W from N(0, 1)), which takes higher learning
    /// rates.
    pub parametrization: Parametrization,
    /// How a table's numbers are embedded for the first hidden layer: by piecewise_linear functions of bins, by periodic
    /// functions of trained frequencies, or by none. Default: piecewise_linear where there are bins.
    pub number_embedding: Option<NumberEmbedding>,
    /// Standard deviation of the first frequencies of periodic embeddings: higher ones follow finer detail.
    #[schemars(range(min = 0.0))]
    pub periodic_sigma: f64,
    /// Whether batch norm is applied before each hidden activation.
    pub batch_norm: bool,
    /// Dropout rate of hidden activations: one for all, or one per layer. Default: by the data's size.
    #[schemars(inner(range(min = 0.0, max = 0.99)))]
    pub dropout: Option<Vec<f64>>,
    /// How sounds are presented to the network. Default: log_mel.
    pub features: Option<Features>,
    /// Number of mel bands for sounds. Default: 40 up to a sample rate of 8000 Hz, else 64.
    #[schemars(range(min = 1, max = 1024))]
    pub bands: Option<usize>,
    /// The hidden layers one by one, as tables with a `kind`; replaces the options above.
    pub layer: Vec<serde_json::Value>,
}

impl Network {
    /// Whether the first layer reads tokens or a mask from the examples.
    pub(crate) fn reads_sequences(&self) -> bool {
        let first = self.layer.first().and_then(|layer| layer["kind"].as_str());
        first.is_some_and(|kind| ["sequence", "tokens"].contains(&kind))
    }

    /// Whether there are no hidden layers.
    pub(crate) fn is_linear(&self) -> bool {
        self.layer.is_empty() && self.layers.as_ref().is_some_and(Vec::is_empty)
    }
}

impl Default for Network {
    fn default() -> Self {
        Network {
            layers: None,
            ensemble: None,
            candidates: Vec::new(),
            activation: vec!["relu".into()],
            init: None,
            init_scale: 0.01,
            parametrization: Parametrization::Standard,
            number_embedding: None,
            periodic_sigma: Periodic::SIGMA,
            batch_norm: false,
            dropout: None,
            features: None,
            bands: None,
            layer: Vec::new(),
        }
    }
}

/// How sounds are presented to a network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Features {
    /// Log power in mel bands, frame by frame.
    #[default]
    LogMel,
    /// Mel-frequency cepstral coefficients: the cosine transform of these.
    Mfcc,
    /// The raw samples.
    Waveform,
}

/// The recipe that decides what the user leaves open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recipe {
    /// What works best for data of this kind and size.
    #[default]
    Auto,
    /// The course's plain choices: gradient descent with a constant rate, no regularisation.
    Course,
}

/// How much training time to spend on a better model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// A quick result.
    Fast,
    /// The default.
    #[default]
    Good,
    /// The best model, however long it takes.
    Best,
}

/// In which order the gradients of a batch's parts are added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Each process takes its share of a batch as a whole: bits depend on the number of processes.
    #[default]
    Fast,
    /// A batch always has the same eight parts, whose gradients are added up in pairs, pairs of pairs and so on, whichever
    /// process has them: bits do not depend on the number of processes.
    Ordered,
}

/// The floating-point precision. The bf16 ones keep parameters and sums in 32 bits and round the factors of matrix
/// products in training and prediction, where the machine is faster with them; training evaluates dev and test in 32
/// bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// With the errors of 32 bits: large products in training are those of `bf16x6` where the machine has matrix tiles,
    /// all else is in 32 bits.
    #[default]
    Auto,
    /// 32-bit floating point: the same bits on every machine.
    F32,
    /// 64-bit floating point.
    F64,
    /// Matrix products of bf16 values.
    Bf16,
    /// Three products of bf16 parts: relative errors of about 2⁻¹⁶.
    Bf16x3,
    /// Six products of bf16 parts: errors as in 32 bits.
    Bf16x6,
}

impl Precision {
    /// Whether products may be of bf16 values, so that what multiplies them is part of a run.
    pub(crate) fn may_be_bf16(self) -> bool {
        self == Precision::Auto || self.bf16_parts().is_some()
    }

    /// How many bf16 parts the factors of products are split into, if that is asked for.
    pub fn bf16_parts(self) -> Option<usize> {
        match self {
            Precision::Auto | Precision::F32 | Precision::F64 => None,
            Precision::Bf16 => Some(1),
            Precision::Bf16x3 => Some(2),
            Precision::Bf16x6 => Some(3),
        }
    }
}

/// What multiplies bf16 values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bf16Unit {
    /// Matrix tiles (Intel's AMX); on machines without them, plain loops that have their bits.
    Tiles,
    /// The dot products of AVX-512.
    DotProducts,
    /// Nothing: 32-bit products instead.
    None,
}

/// A rule for class weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// Every class has weight 1.
    None,
    /// m / (C · m_c): every class has the same total weight.
    Balanced,
}

/// Class weights in the cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ClassWeights {
    /// By a rule.
    Named(Weighting),
    /// One weight per class, by name.
    Each(BTreeMap<String, f64>),
}

/// Whether the last layer of a model to start from is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Head {
    /// Its outputs are those of the data, in their order.
    Keep,
    /// A new one is drawn, for the data's classes or numbers.
    New,
}

/// Which of the first layers keep their parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Freeze {
    /// So many.
    Layers(#[schemars(range(min = 0.0))] f64),
    /// `none`, `stem` (those up to the second one with weights) or `all` (those before the last one with weights).
    Part(String),
}

/// From which probability on a class or label is predicted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Threshold {
    /// From this one.
    At(#[schemars(range(min = 0.0, max = 1.0))] f64),
    /// By a rule: `f1`, `youden` or `cost:FN=5,FP=1`.
    By(String),
}

impl Threshold {
    /// The rule, if it is chosen by one.
    ///
    /// # Errors
    /// If there is no such rule.
    pub fn rule(&self) -> Result<Option<Rule>> {
        match self {
            Threshold::At(_) => Ok(None),
            Threshold::By(rule) => rule.parse().map(Some),
        }
    }
}

/// How the network is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Train {
    /// The recipe that decides what is left open.
    pub recipe: Recipe,
    /// The edition of what the recipe decides: 1 is as before November 2026, so that its runs can be repeated.
    #[schemars(range(min = 1, max = 2))]
    pub edition: u8,
    /// How much training time to spend on a better model.
    pub quality: Quality,
    /// The seed of all random numbers.
    pub seed: u64,
    /// Threads (0: all cores). Results do not depend on it.
    #[schemars(range(max = 1024))]
    pub threads: usize,
    /// The floating-point precision.
    pub precision: Precision,
    /// In which order the gradients of a batch's parts are added up, in one process or several.
    pub reduction: Reduction,
    /// What multiplies bf16 values in training. Default: what the machine has, if it is faster than 32-bit products. A run is
    /// resumed with what it began with: the bits of tiles are computed on any machine, slowly without them.
    pub bf16_unit: Option<Bf16Unit>,
    /// The loss. Default: by the task.
    pub loss: Option<String>,
    /// Quantiles of a numeric target that are predicted instead of its mean, such as 0.1,0.5,0.9; trained by the pinball
    /// loss. The prediction is the median, or what is nearest to it.
    #[schemars(inner(range(min = 0.0, max = 1.0)))]
    pub quantiles: Option<Vec<f64>>,
    /// Where the Huber loss changes from quadratic to linear, in units of the scaled target.
    #[schemars(range(min = 0.0))]
    pub huber_delta: f64,
    /// Share of each class's target that is spread over all classes.
    #[schemars(range(min = 0.0, max = 0.9))]
    pub label_smoothing: f64,
    /// Class weights in the cost, by name; balanced is m / (C · m_c).
    pub class_weights: Option<ClassWeights>,
    /// The optimiser. Default: adamw, or gradient_descent in the course recipe.
    pub optimizer: Option<String>,
    /// The learning rate α (α₀ of a schedule). Default: by the optimiser.
    #[schemars(range(min = 0.0))]
    pub learning_rate: Option<f64>,
    /// Momentum's β; RMSprop's and Adam's β₁ where they have one.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub momentum: f64,
    /// The form of momentum: course is V = βV + (1−β)dθ, pytorch is V = βV + dθ.
    pub momentum_form: MomentumForm,
    /// Adam's β₂ and RMSprop's β. Default: 0.999 for Adam, 0.9 for RMSprop.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta2: Option<f64>,
    /// The ε that keeps the denominator from being 0.
    #[schemars(range(min = 0.0))]
    pub epsilon: f64,
    /// Where ε is added: outside is √S + ε, inside is √(S + ε). Default: outside, but inside for RMSprop in the course
    /// recipe.
    pub epsilon_placement: Option<Epsilon>,
    /// Whether momentum's and RMSprop's averages are bias-corrected.
    pub bias_correction: bool,
    /// λ of the L2 term λ/(2m) Σ‖W‖² in the cost, m the number of training examples.
    #[schemars(range(min = 0.0))]
    pub l2: f64,
    /// AdamW's decoupled weight decay: θ −= α · decay · θ, weights only. Default: 0.01 for adamw, 0.05 for
    /// convolutions, else 0.
    #[schemars(range(min = 0.0))]
    pub weight_decay: Option<f64>,
    /// The learning rate schedule. Default: cosine, or constant in the course recipe.
    pub schedule: Option<String>,
    /// The schedule's decay: decay_rate of inverse, the base of exponential, k of square_root, the factor of
    /// staircase and plateau.
    #[schemars(range(min = 0.0))]
    pub decay: Option<f64>,
    /// Epochs between the steps of staircase; epochs without progress before plateau steps down.
    #[schemars(range(min = 1))]
    pub decay_every: usize,
    /// The manual schedule: epoch = learning rate, from that epoch on.
    pub rates: BTreeMap<String, f64>,
    /// Epochs of linear warm-up from learning rate 0. Default: 1 for convolutions, else 0.
    #[schemars(range(min = 0.0))]
    pub warm_up: Option<f64>,
    /// Mini-batch size in examples (0: all). Default: by the data's size.
    pub batch_size: Option<usize>,
    /// Whether mini-batches are of sequences or texts of like lengths, so that less padding is computed. Default: from 1,000
    /// training rows, where it saves a tenth or more.
    pub group_by_length: Option<bool>,
    /// Maximum number of epochs. Default: by the data's size.
    #[schemars(range(max = 10_000_000))]
    pub epochs: Option<usize>,
    /// Final epochs that use the entire training split as one batch.
    pub full_batch_epochs: usize,
    /// Maximum norm of the gradient; longer ones are scaled down to it (0: no clipping).
    #[schemars(range(min = 0.0))]
    pub clip_norm: f64,
    /// Gradient entries are clipped to ± this (0: no clipping).
    #[schemars(range(min = 0.0))]
    pub clip_value: f64,
    /// A model to start from, a model file, a run folder or an ONNX graph: its network and its parameters. Default:
    /// random initialisation.
    pub start_from: Option<String>,
    /// Whether the last layer of the model to start from is kept or drawn anew. Default: new where the task or the
    /// classes are others.
    pub head: Option<Head>,
    /// Which of the first layers keep their parameters and statistics: none, stem (up to the second layer with weights),
    /// all (up to the last one) or a number of layers. Default: all with a new head, else none.
    pub freeze: Option<Freeze>,
    /// Epochs after which frozen layers are trained, too (0: never). Default: by the number of epochs, and never where
    /// layers are named to be frozen.
    pub unfreeze_after: Option<usize>,
    /// Whether batch norm keeps the statistics of the model to start from, rather than normalise by each mini-batch's own.
    /// Default: with a new head.
    pub fixed_statistics: Option<bool>,
    /// The learning rate of each layer with weights, as a share of that of the next one. Default: 1, but 0.9 where frozen
    /// layers are trained later.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub layer_decay: Option<f64>,
    /// Epochs without a better dev result before training stops (0: never). Default: by the number of epochs.
    pub patience: Option<usize>,
    /// The dev metric that decides which epoch is best. Default: loss, but accuracy for classes with at least 300 dev
    /// rows with convolutions or in the course recipe.
    pub monitor: Option<String>,
    /// The first epoch that can be chosen as best and after which training may stop early. Default: 1; half of the
    /// epochs for convolutions with fewer than 100 dev rows.
    #[schemars(range(min = 1))]
    pub best_from: Option<usize>,
    /// β of the exponentially weighted average of the parameters (0: none); the average is what is evaluated and saved.
    /// Default: over a tenth of all steps for convolutions, else 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub average: Option<f64>,
    /// Whether logits are divided by the temperature of the least dev loss, so that probabilities are calibrated.
    /// Default: for classes with at least 100 dev rows, but not in the course recipe.
    pub temperature_scaling: Option<bool>,
    /// Whether the networks of an ensemble are trained on dev's rows, too: each row is left out by two of them (by one, of
    /// two or three), which alone answer for it where dev is evaluated. Default: for tables in memory that are split at random.
    pub train_on_dev: Option<bool>,
    /// From which probability on the second of two classes, or each label, is predicted: a number, or what is best on
    /// dev by f1, youden (recall − false positive rate) or cost:FN=5,FP=1. Default: 0.5.
    pub threshold: Option<Threshold>,
    /// Time limit in seconds; training then stops and the best model is saved (exit code 6).
    /// The learning rate falls in time for it.
    #[schemars(range(min = 0.0))]
    pub time_limit: Option<f64>,
}

impl Default for Train {
    fn default() -> Self {
        Train {
            recipe: Recipe::Auto,
            edition: 2,
            quality: Quality::Good,
            seed: 0,
            threads: 0,
            precision: Precision::Auto,
            reduction: Reduction::Fast,
            bf16_unit: None,
            loss: None,
            quantiles: None,
            huber_delta: 1.0,
            start_from: None,
            head: None,
            freeze: None,
            unfreeze_after: None,
            fixed_statistics: None,
            layer_decay: None,
            label_smoothing: 0.0,
            class_weights: None,
            optimizer: None,
            learning_rate: None,
            momentum: 0.9,
            momentum_form: MomentumForm::Course,
            beta2: None,
            epsilon: 1e-8,
            epsilon_placement: None,
            bias_correction: false,
            l2: 0.0,
            weight_decay: None,
            schedule: None,
            decay: None,
            decay_every: 10,
            rates: BTreeMap::new(),
            warm_up: None,
            batch_size: None,
            group_by_length: None,
            epochs: None,
            full_batch_epochs: 0,
            clip_norm: 0.0,
            clip_value: 0.0,
            patience: None,
            monitor: None,
            best_from: None,
            temperature_scaling: None,
            threshold: None,
            average: None,
            train_on_dev: None,
            time_limit: None,
        }
    }
}

/// The files that are written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    /// The run folder. Default: under runs/, named after the data and a number.
    pub out: Option<String>,
    /// A folder for the report's figures, as SVG and PNG.
    pub figures: Option<String>,
    /// A folder for TensorBoard's event files: scalars, weights, hyperparameters and figures.
    pub tensorboard: Option<String>,
    /// Whether the report tells how much each column of a table matters, and how answers change with the most important
    /// ones; takes a tenth of the training time, or about a second.
    pub importance: bool,
    /// Whether simple models are evaluated beside the network: the frequencies of the classes (or the mean), and a
    /// linear model. Default: both, but no linear model of images, sounds or rows on disk.
    pub baselines: Option<bool>,
}

impl Default for Output {
    fn default() -> Self {
        Output { out: None, figures: None, tensorboard: None, importance: true, baselines: None }
    }
}
