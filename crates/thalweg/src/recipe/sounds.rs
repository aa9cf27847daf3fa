//! What Thalweg decides for sounds: what the network sees of them, and a network for that.

use serde_json::{Value, json};

use super::{decide, images};
use crate::config::{Config, Features, Quality};
use crate::data::dataset::Dataset;
use crate::data::media_spec::{MediaSpec, SoundSpec};
use crate::error::{Error, Result};
use crate::event::Decision;
use crate::layers::{LogMel, LogMelOptions, write_layer};

/// What is added to powers before the logarithm, samples being scaled to a deviation of 1: softer sounds are noise.
const OFFSET: f64 = 1e-3;

/// What the sounds of a data set were brought to.
pub(super) fn form(data: &Dataset) -> Option<SoundSpec> {
    match data.pipeline.form()? {
        MediaSpec::Sounds(form) => Some(form),
        MediaSpec::Pictures(_) => None,
    }
}

/// What the first hidden layer sees of sounds, as tables of layers: none where it sees the samples, or the data is no sounds.
pub(super) fn features(config: &Config, data: &Dataset, decisions: &mut Vec<Decision>) -> Vec<Value> {
    let features = config.network.features.unwrap_or_default();
    let Some(form) = form(data).filter(|_| features != Features::Waveform) else { return Vec::new() };
    let rate = form.sample_rate;
    let bands = config.network.bands.unwrap_or(if rate <= 8_000 { 40 } else { 64 });
    let mut options = LogMelOptions { offset: OFFSET, ..LogMelOptions::new(rate, bands) };
    options.window = options.window.min(form.samples);
    if features == Features::Mfcc {
        options.coefficients = Some((bands / 2).max(1));
    }
    let why = format!("{rate} samples a second");
    decide(decisions, format!("sounds are seen in {bands} bands of the mel scale"), why, "--bands 80");
    vec![write_layer(&LogMel::from(options)), json!({ "kind": "batch_norm" })]
}

/// The hidden layers for sounds, as tables: none where the configuration has layers of its own, or the data is no sounds.
pub(super) fn layers(config: &Config, data: &Dataset, decisions: &mut Vec<Decision>) -> Option<Vec<Value>> {
    form(data).filter(|_| images::has_network(config, data))?;
    let activation = config.network.activation.first().map_or("relu", String::as_str);
    let features = config.network.features.unwrap_or_default();
    let mut build = Build { layers: self::features(config, data, decisions), activation };
    match features {
        Features::Waveform => build.of_waveform(),
        Features::LogMel | Features::Mfcc => build.of_spectrogram(config),
    }
    decide(
        decisions,
        match features {
            Features::Waveform => "a convolutional network over the samples".into(),
            _ => "a convolutional network over the spectrogram".into(),
        },
        "the examples are sounds".into(),
        "--features waveform, or [[network.layer]]",
    );
    Some(build.layers)
}

/// Whether what is asked for of sounds can be done.
///
/// # Errors
/// If the data has no sounds, or the network is chosen otherwise.
pub(super) fn check(config: &Config, data: &Dataset) -> Result<()> {
    let network = &config.network;
    let given = [("bands", network.bands.is_some()), ("features", network.features.is_some())];
    let Some((option, _)) = given.into_iter().find(|(_, given)| *given) else { return Ok(()) };
    let wrong = if form(data).is_none() {
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

struct Build<'a> {
    layers: Vec<Value>,
    activation: &'a str,
}

impl Build<'_> {
    fn normed(&mut self, layer: Value) {
        self.layers.extend([layer, json!({ "kind": "batch_norm" })]);
        self.layers.push(json!({ "kind": "activation", "activation": self.activation }));
    }

    fn conv(&self, filters: usize, kernel: usize, stride: usize) -> Value {
        let init = images::init(self.activation);
        json!({ "kind": "conv2d", "filters": filters, "kernel": kernel, "stride": stride, "bias": false, "init": init })
    }

    /// Convolutions that halve time and frequency, the first with windows wide enough for a syllable's slope, the last at
    /// one scale until they see a word.
    fn of_spectrogram(&mut self, config: &Config) {
        let widths: &[usize] = match config.train.quality {
            Quality::Fast => &[16, 32, 64, 64],
            Quality::Good => &[32, 64, 128, 128, 128, 128],
            Quality::Best => &[48, 96, 192, 192, 192, 192],
        };
        let windows = [(5, 2), (5, 2), (3, 2)].into_iter().chain(std::iter::repeat((3, 1)));
        for (&width, (kernel, stride)) in widths.iter().zip(windows) {
            self.normed(self.conv(width, kernel, stride));
        }
        self.layers.push(json!({ "kind": "pool2d", "take": "average" }));
    }

    /// After Dai et al., Very deep convolutional networks for raw waveforms, 2017.
    fn of_waveform(&mut self) {
        let init = images::init(self.activation);
        let conv = |filters: usize, kernel: usize, stride: usize| json!({ "kind": "conv1d", "filters": filters, "kernel": kernel, "stride": stride, "bias": false, "init": init });
        for (i, filters) in [64, 64, 128, 256].into_iter().enumerate() {
            self.normed(if i == 0 { conv(filters, 80, 4) } else { conv(filters, 3, 1) });
            self.layers.push(json!({ "kind": "pool1d", "take": "max", "size": 4, "padding": "same" }));
        }
        self.layers.push(json!({ "kind": "pool1d", "take": "average" }));
    }
}
