//! What Thalweg decides for sounds: what the network sees of them, and a network for that.

use serde_json::{Value, json};

use super::{decide, images};
use crate::data::dataset::Dataset;
use crate::data::form::{Form, SoundForm};
use crate::layers::{LogMel, LogMelOptions};
use crate::spec::{Config, Features, Quality};
use crate::train::event::Decision;

/// What the sounds of a data set were brought to.
pub(super) fn form(data: &Dataset) -> Option<SoundForm> {
    match data.pipeline.form()? {
        Form::Sounds(form) => Some(form),
        Form::Pictures(_) => None,
    }
}

/// The hidden layers for sounds, as tables: none where the configuration has layers of its own, or the data is no sounds.
pub(super) fn layers(config: &Config, data: &Dataset, decisions: &mut Vec<Decision>) -> Option<Vec<Value>> {
    let form = form(data).filter(|_| images::has_network(config, data))?;
    let activation = config.network.activation.first().map_or("relu", String::as_str);
    let mut build = Build { layers: Vec::new(), activation };
    let features = config.network.features.unwrap_or_default();
    match features {
        Features::Waveform => build.of_waveform(),
        Features::LogMel | Features::Mfcc => build.of_spectrogram(config, form, decisions),
    }
    decide(
        decisions,
        match features {
            Features::Waveform => "a convolutional network over the samples".into(),
            _ => "a network of depthwise-separable convolutions over the spectrogram".into(),
        },
        "the examples are sounds".into(),
        "--features waveform, or [[network.layer]]",
    );
    Some(build.layers)
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

    /// After Zhang et al., Hello Edge, 2017.
    fn of_spectrogram(&mut self, config: &Config, form: SoundForm, decisions: &mut Vec<Decision>) {
        let rate = form.sample_rate;
        let bands = config.network.bands.unwrap_or(if rate <= 8_000 { 40 } else { 64 });
        let mut options = LogMelOptions::new(rate, bands);
        options.window = options.window.min(form.samples);
        if config.network.features == Some(Features::Mfcc) {
            options.coefficients = Some((bands / 2).max(1));
        }
        let layer = LogMel::from(options);
        let table = crate::layers::write_layer(&layer);
        self.layers.extend([table, json!({ "kind": "batch_norm" })]);
        let widths: [usize; 2] = match config.train.quality {
            Quality::Fast => [32, 64],
            Quality::Good => [64, 128],
            Quality::Best => [96, 192],
        };
        self.normed(self.conv(widths[0], 3, 2));
        let mut channels = widths[0];
        for (width, stride) in [(widths[0], 1), (widths[1], 2), (widths[1], 1), (widths[1], 2)] {
            let mut depthwise = self.conv(channels, 3, stride);
            depthwise["groups"] = channels.into();
            self.normed(depthwise);
            self.normed(self.conv(width, 1, 1));
            channels = width;
        }
        self.layers.push(json!({ "kind": "pool2d", "take": "average" }));
        let why = format!("{rate} samples a second");
        decide(decisions, format!("sounds are seen in {bands} bands of the mel scale"), why, "--bands 80");
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
