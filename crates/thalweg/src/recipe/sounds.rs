//! What Thalweg decides for sounds: what the network sees of them, and a network for that.

use super::facts::Facts;
use super::{decide, images};
use crate::config::{Features, Quality};
use crate::data::dataset::Dataset;
use crate::data::media_spec::{MediaSpec, SoundSpec};
use crate::error::{Error, Result};
use crate::event::Decision;
use crate::init::Init;
use crate::layers::{
    Activate, BatchNorm, Conv1d, Conv2d, Layer, LogMel, LogMelOptions, Padding, Pair, Pool1d, Pool2d, Pooling,
};
use crate::tensor::Activation;

/// What is added to powers before the logarithm, samples being scaled to a deviation of 1: softer sounds are noise.
const OFFSET: f64 = 1e-3;

/// What the sounds of a data set were brought to.
pub(super) fn spec(data: &Dataset) -> Option<SoundSpec> {
    match data.pipeline.media()? {
        MediaSpec::Sounds(spec) => Some(spec),
        MediaSpec::Pictures(_) | MediaSpec::Clips(_) => None,
    }
}

/// The layers through which the first hidden one sees sounds: none where it sees the samples, or the data is no sounds.
pub(super) fn features(facts: &Facts, decisions: &mut Vec<Decision>) -> Vec<Box<dyn Layer>> {
    let network = &facts.config.network;
    let features = network.features.unwrap_or_default();
    let Some(spec) = facts.sound.filter(|_| features != Features::Waveform) else { return Vec::new() };
    let rate = spec.sample_rate;
    let bands = network.bands.unwrap_or(if rate <= 8_000 { 40 } else { 64 });
    let mut options = LogMelOptions { offset: OFFSET, ..LogMelOptions::new(rate, bands) };
    options.window = options.window.min(spec.samples);
    if features == Features::Mfcc {
        options.coefficients = Some((bands / 2).max(1));
    }
    let why = format!("{rate} samples a second");
    decide(decisions, format!("sounds are seen in {bands} bands of the mel scale"), why, "[bands=80]");
    vec![Box::new(LogMel::from(options)), Box::new(BatchNorm::default())]
}

/// The hidden layers for sounds: none where the configuration has layers of its own, or the data is no sounds.
///
/// # Errors
/// If there is no such activation.
pub(super) fn layers(facts: &Facts, decisions: &mut Vec<Decision>) -> Result<Option<Vec<Box<dyn Layer>>>> {
    if facts.sound.is_none() || !facts.convolutions {
        return Ok(None);
    }
    let activation = images::activation(facts.config)?;
    let features = facts.config.network.features.unwrap_or_default();
    let mut build = Build { layers: self::features(facts, decisions), activation, init: images::init(activation) };
    match features {
        Features::Waveform => build.of_waveform(),
        Features::LogMel | Features::Mfcc => build.of_spectrogram(facts.config.train.quality),
    }
    decide(
        decisions,
        match features {
            Features::Waveform => "a convolutional network over the samples".into(),
            _ => "a convolutional network over the spectrogram".into(),
        },
        "the examples are sounds".into(),
        "[features=waveform], or [[network.layer]]",
    );
    Ok(Some(build.layers))
}

/// Whether what is asked for of sounds can be done.
///
/// # Errors
/// If the data has no sounds, or the network is chosen otherwise.
pub(super) fn check(facts: &Facts) -> Result<()> {
    let network = &facts.config.network;
    let given = [("bands", network.bands.is_some()), ("features", network.features.is_some())];
    let Some((option, _)) = given.into_iter().find(|(_, given)| *given) else { return Ok(()) };
    let wrong = if facts.sound.is_none() {
        "this is for sounds, and the data has none"
    } else if !network.layer.is_empty() {
        "the layers are given one by one, and log_mel is one of them"
    } else if option == "bands" && network.features == Some(Features::Waveform) {
        "a waveform has no bands"
    } else {
        return Ok(());
    };
    Err(Error::config(wrong).at(format!("network.{option}")).fix("leave it out"))
}

struct Build {
    layers: Vec<Box<dyn Layer>>,
    activation: Activation,
    init: Init,
}

impl Build {
    fn normed(&mut self, layer: impl Layer + 'static) {
        self.layers.push(Box::new(layer));
        self.layers.push(Box::new(BatchNorm::default()));
        self.layers.push(Box::new(Activate { activation: self.activation }));
    }

    /// Convolutions that halve time and frequency, the first with windows wide enough for a syllable's slope, the last at
    /// one scale until they see a word.
    fn of_spectrogram(&mut self, quality: Quality) {
        let widths: &[usize] = match quality {
            Quality::Fast => &[16, 32, 64, 64],
            Quality::Good => &[32, 64, 128, 128, 128, 128],
            Quality::Best => &[48, 96, 192, 192, 192, 192],
        };
        let windows = [(5, 2), (5, 2), (3, 2)].into_iter().chain(std::iter::repeat((3, 1)));
        for (&filters, (kernel, stride)) in widths.iter().zip(windows) {
            let plain = Conv2d::new(filters, kernel, Activation::Identity);
            self.normed(Conv2d { stride: Pair::Both(stride), bias: false, init: Some(self.init), ..plain });
        }
        self.layers.push(Box::new(Pool2d::global(Pooling::Average)));
    }

    /// After Dai et al., Very deep convolutional networks for raw waveforms, 2017.
    fn of_waveform(&mut self) {
        for (filters, kernel, stride) in [(64, 80, 4), (64, 3, 1), (128, 3, 1), (256, 3, 1)] {
            let plain = Conv1d::new(filters, kernel, Activation::Identity);
            self.normed(Conv1d { stride, bias: false, init: Some(self.init), ..plain });
            let pool = Pool1d::new(Pooling::Max, Some(4));
            self.layers.push(Box::new(Pool1d { padding: Padding::Same, ..pool }));
        }
        self.layers.push(Box::new(Pool1d::new(Pooling::Average, None)));
    }
}
