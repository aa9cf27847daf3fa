//! Log-mel spectrograms of sounds, and their cosine coefficients (MFCC).

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, Parameters, ParametersMut, Registered, is_above_zero};
use crate::error::{Error, Result};
use crate::tensor::spectrum::{Bands, Spectrum};
use crate::tensor::{Shape, Tensor, View, ViewMut};

/// The most samples per frame, and the most bands.
const MOST: usize = 1 << 14;

/// The most elements of the matrices that frames and powers are multiplied by.
const MOST_CONSTANTS: usize = 1 << 26;

/// The spectrum of a sound of n samples in mel bands, as an image of frames × bands × 1; it has no parameters.
///
/// `F[t, k] = Σᵢ w(i) · x[t · hop + i] · e^(−2πjki/window)` with Hann's window w;
/// `y[t, b] = ln(offset + Σₖ M[b, k] · |F[t, k]|²)` with triangles M on the mel scale. With `coefficients`,
/// MFCC instead: the leading terms of the orthonormal DCT-II of each frame's y. Source: Davis and Mermelstein, 1980.
///
/// ```
/// use thalweg::layers::{LogMel, LogMelOptions};
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Dtype, Tensor};
///
/// let network = Network::new(256, vec![Box::new(LogMel::from(LogMelOptions::new(8000, 4)))])?; // One frame.
/// let tone = (0..256).map(|i| (std::f64::consts::TAU * 800.0 * i as f64 / 8000.0).sin()).collect();
/// let (theta, x) = (Tensor::zeros([0], Dtype::F64), Tensor::from_f64([1, 256], tone));
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// // The bands' centres are at 324, 799, 1493 and 2510 Hz.
/// assert!([0, 2, 3].iter().all(|&band| y[1] > y[band] + 2.0));
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, from = "LogMelOptions", into = "LogMelOptions")]
pub struct LogMel {
    options: LogMelOptions,
    spectrum: Spectrum,
}

/// The options of a [`LogMel`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogMelOptions {
    /// Samples per second.
    pub sample_rate: usize,
    /// Samples per frame.
    pub window: usize,
    /// Samples from one frame to the next.
    pub hop: usize,
    /// The number of mel bands.
    pub bands: usize,
    /// The lowest frequency, in Hz.
    #[serde(default)]
    pub low: f64,
    /// The highest frequency, in Hz. Default: half the sample rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// What is added to powers so that silence has a logarithm.
    #[serde(default = "offset")]
    pub offset: f64,
    /// How many cosine coefficients to give instead of bands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coefficients: Option<usize>,
}

fn offset() -> f64 {
    1e-6
}

impl LogMelOptions {
    /// Bands over all frequencies of a rate, from frames of about 32 ms, 10 ms apart.
    pub fn new(sample_rate: usize, bands: usize) -> Self {
        let (window, hop) = ((sample_rate * 4 / 125).max(2), (sample_rate / 100).max(1));
        LogMelOptions { sample_rate, window, hop, bands, low: 0.0, high: None, offset: offset(), coefficients: None }
    }

    pub(crate) fn bands(&self) -> Bands {
        Bands {
            sample_rate: self.sample_rate,
            window: self.window,
            hop: self.hop,
            bands: self.bands,
            range: [self.low, self.high.unwrap_or(self.sample_rate as f64 / 2.0)],
            coefficients: self.coefficients,
        }
    }
}

impl From<LogMelOptions> for LogMel {
    fn from(options: LogMelOptions) -> Self {
        let spectrum = Spectrum::new(options.bands(), options.offset);
        LogMel { options, spectrum }
    }
}

impl From<LogMel> for LogMelOptions {
    fn from(layer: LogMel) -> Self {
        layer.options
    }
}

impl LogMel {
    /// The number of samples in a sound.
    fn samples(input: Shape) -> Result<usize> {
        match *input.dimensions() {
            [samples] | [samples, 1] => Ok(samples),
            _ => Err(Error::config(format!("{} takes sounds of one channel, found {input}", Self::NAME))
                .fix("make it the first layer, and train on sounds")),
        }
    }

    /// Output values per frame.
    fn width(&self) -> usize {
        self.options.coefficients.unwrap_or(self.options.bands)
    }
}

impl Layer for LogMel {
    fn describe(&self, _input: Shape) -> String {
        let LogMelOptions { window, hop, bands, sample_rate, coefficients, .. } = self.options;
        let milliseconds = |samples: usize| samples as f64 * 1e3 / sample_rate.max(1) as f64;
        let what = coefficients.map_or_else(|| "log-mel".into(), |n| format!("{n} MFCC"));
        let [window, hop] = [window, hop].map(milliseconds);
        format!("{what}, {bands} bands, frames of {window:.0} ms every {hop:.0} ms")
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let (options, samples) = (&self.options, Self::samples(input)?);
        let Bands { range: [low, high], .. } = options.bands();
        let wrong = |found: String, fix: &str| Err(Error::config(format!("{}: {found}", Self::NAME)).fix(fix));
        let counts = [options.window, options.hop, options.bands, options.sample_rate];
        if counts[..3].iter().any(|n| !(1..=MOST).contains(n)) || options.sample_rate == 0 {
            return wrong(format!("window, hop, bands and sample_rate are {counts:?}"), "use numbers from 1 to 16384");
        }
        if !(0.0 <= low && low < high && high <= options.sample_rate as f64 / 2.0) {
            return wrong(format!("frequencies from {low} to {high} Hz"), "use low < high ≤ half the sample rate");
        }
        if !is_above_zero(options.offset) {
            return wrong(format!("offset {}", options.offset), "use a small number above 0");
        }
        if options.coefficients.is_some_and(|n| n == 0 || n > options.bands) {
            return wrong(format!("{:?} coefficients", options.coefficients), "use as many as bands, or fewer");
        }
        let bins = options.bands().bins().len();
        if bins == 0 {
            return wrong("no frequency lies within the bands".into(), "use a longer window, or a wider range");
        }
        if bins * options.bands.max(2 * options.window) > MOST_CONSTANTS {
            let found = format!("{bins} frequencies of a window of {} in {} bands", options.window, options.bands);
            return wrong(found, "use a shorter window, or a narrower range");
        }
        match options.bands().frames(samples) {
            0 => wrong(format!("a window of {} of {samples} samples", options.window), "use a shorter window"),
            frames => Ok([frames, self.width(), 1].into()),
        }
    }

    /// The transform, the powers and, for coefficients, the logarithms.
    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        let bands = self.options.bands();
        let frames = Self::samples(input).map_or(0, |samples| bands.frames(samples));
        let bins = bands.bins().len();
        let mut saved = vec![[m, frames, 2 * bins].into(), [m, frames, bins].into()];
        if self.options.coefficients.is_some() {
            saved.push([m, frames, self.options.bands].into());
        }
        saved
    }

    fn multiply_adds(&self, input: Shape) -> f64 {
        let bands = self.options.bands();
        let frames = Self::samples(input).map_or(0, |samples| bands.frames(samples));
        let per_frame = bands.bins().len() * (2 * bands.window + bands.bands) + bands.bands * self.width();
        frames as f64 * per_frame as f64
    }

    fn lower(&self, _name: &str, _input: Shape) -> Result<Vec<Op>> {
        Ok(vec![Op::LogMel(self.options.clone())])
    }

    fn forward(&self, _theta: Parameters, x: View, y: ViewMut, saved: &mut [Tensor], _mode: Mode) {
        let (m, samples) = (x.shape().rows(), x.shape().columns());
        let frames = self.options.bands().frames(samples);
        self.spectrum.forward(x, y.part(0, [m * frames, self.width()]), saved);
    }

    fn backward(&self, _theta: Parameters, pass: Backward, _gradient: ParametersMut) {
        if let Some(dx) = pass.dx {
            self.spectrum.backward(pass.y, pass.dy, pass.saved, pass.x.shape().columns(), dx);
        }
    }
}

impl Registered for LogMel {
    const NAME: &'static str = "log_mel";

    fn examples() -> Vec<(Self, Shape)> {
        let options = LogMelOptions { window: 16, hop: 6, offset: 0.1, ..LogMelOptions::new(800, 5) };
        let narrow = LogMelOptions { low: 50.0, high: Some(300.0), ..options.clone() };
        let coefficients = LogMelOptions { coefficients: Some(3), hop: 16, ..options.clone() };
        vec![(options.into(), [40, 1].into()), (narrow.into(), [33].into()), (coefficients.into(), [50, 1].into())]
    }
}
