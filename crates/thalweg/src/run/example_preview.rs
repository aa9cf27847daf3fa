//! Previews of examples: images as they are, clips as strips of their frames, sounds as spectrograms with audio.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, GrayImage, RgbImage};
use thalweg_media::images;

use crate::data::media_spec::MediaSpec;
use crate::data::preprocess::Pipeline;
use crate::layers::LogMelOptions;
use crate::tensor::spectrum::{Bands, Spectrum};
use crate::tensor::{Dtype, Shape, Tensor, View};

/// Bands of a sound's spectrogram, and its dynamic range: 60 dB, in natural logarithms of power.
const BANDS: usize = 48;
const DEPTH: f32 = 13.8;

/// Maximum samples of a sound embedded in a page.
const MOST_SAMPLES: usize = 80_000;

/// How examples are rendered.
pub(super) struct ExamplePreview {
    shape: Vec<usize>,
    /// The frames of a clip, of which a strip is drawn; 1 for others.
    frames: usize,
    sounds: Option<(Bands, Spectrum)>,
}

impl ExamplePreview {
    /// None for examples that are neither sounds nor images of one or three channels.
    pub(super) fn new(pipeline: &Pipeline) -> Option<ExamplePreview> {
        let shape = pipeline.shape();
        if let Some(MediaSpec::Sounds(spec)) = pipeline.media() {
            let usual = LogMelOptions::new(spec.sample_rate, BANDS);
            // Limits long sounds to about 150 frames.
            let (window, hop) = (usual.window.min(spec.samples), usual.hop.max(spec.samples / 150));
            let bands = LogMelOptions { window, hop, ..usual }.bands();
            return Some(ExamplePreview { shape, frames: 1, sounds: Some((bands, Spectrum::new(bands, 1e-9))) });
        }
        let [.., channels] = Shape::try_from(shape.clone()).ok()?.image().filter(|_| pipeline.grouping.is_none())?;
        let frames = pipeline.media().map_or(1, |spec| spec.frames());
        matches!(channels, 1 | 3).then_some(ExamplePreview { shape, frames, sounds: None })
    }

    /// The values drawn for an example: its own, or its spectrogram's, low frequencies at the bottom.
    pub(super) fn drawn(&self, x: &[f32]) -> Drawn {
        let Some((bands, spectrum)) = &self.sounds else {
            return strip(x, &self.shape, self.frames);
        };
        let (frames, bins) = (bands.frames(x.len()), bands.bins().len());
        let mut y = Tensor::zeros([frames, BANDS], Dtype::F32);
        let mut rooms = [[1, frames, 2 * bins], [1, frames, bins]].map(|shape| Tensor::zeros(shape, Dtype::F32));
        spectrum.forward(View::from_f32([1, x.len()], x), y.view_mut(), &mut rooms);
        let y = y.to_f64();
        let at = |i: usize| y[i % frames * BANDS + (BANDS - 1 - i / frames)] as f32;
        Drawn { shape: vec![BANDS, frames], x: (0..BANDS * frames).map(at).collect(), depth: DEPTH }
    }

    /// An example's image as a base64 PNG.
    pub(super) fn png(&self, x: &[f32]) -> Option<String> {
        let drawn = self.drawn(x);
        encoded(&drawn.picture(drawn.range())?)
    }

    /// A sound, if not too long, as a base64 WAV, with `full` as full scale.
    pub(super) fn wav(&self, x: &[f32], full: f32) -> Option<String> {
        let (bands, _) = self.sounds.as_ref().filter(|_| x.len() <= MOST_SAMPLES)?;
        let (rate, bytes) = (bands.sample_rate as u32, 2 * x.len() as u32);
        let mut wav = b"RIFF".to_vec();
        wav.extend((36 + bytes).to_le_bytes());
        wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
        wav.extend([rate.to_le_bytes(), (2 * rate).to_le_bytes(), [2, 0, 16, 0]].concat());
        wav.extend(b"data");
        wav.extend(bytes.to_le_bytes());
        let sample = |x: &f32| (x / full.max(f32::MIN_POSITIVE) * 32_767.0) as i16;
        wav.extend(x.iter().flat_map(|x| sample(x).to_le_bytes()));
        Some(STANDARD.encode(wav))
    }
}

/// Frames below each other, drawn as a strip that is folded to about a square; what is left of it is dark.
fn strip(x: &[f32], shape: &[usize], frames: usize) -> Drawn {
    let columns = frames.isqrt() + usize::from(frames.isqrt().pow(2) < frames);
    let (rows, height, line) = (frames.div_ceil(columns), shape[0] / frames, shape[1..].iter().product::<usize>());
    let mut drawn = vec![x.iter().copied().fold(f32::INFINITY, f32::min); rows * height * columns * line];
    for (i, from) in x.chunks_exact(line).enumerate() {
        let (frame, row) = (i / height, i % height);
        let to = (frame / columns * height + row) * columns + frame % columns;
        drawn[to * line..][..line].copy_from_slice(from);
    }
    let mut shape = shape.to_vec();
    (shape[0], shape[1]) = (rows * height, columns * shape[1]);
    Drawn { shape, x: drawn, depth: f32::INFINITY }
}

/// The values drawn for an example.
pub(super) struct Drawn {
    shape: Vec<usize>,
    x: Vec<f32>,
    /// The maximum distance of black below the largest value.
    depth: f32,
}

impl Drawn {
    /// The values shown as black and white.
    pub(super) fn range(&self) -> [f32; 2] {
        let widen = |[low, high]: [f32; 2], &x: &f32| [low.min(x), high.max(x)];
        let [low, high] = self.x.iter().fold([f32::INFINITY, f32::NEG_INFINITY], widen);
        [low.max(high - self.depth), high]
    }

    /// Its image, with a range of values stretched from black to white.
    pub(super) fn picture(&self, [low, high]: [f32; 2]) -> Option<DynamicImage> {
        let stretch = 255.0 / (high - low).max(f32::MIN_POSITIVE);
        let pixels = self.x.iter().map(|x| ((x - low) * stretch).round() as u8).collect();
        match self.shape[..] {
            [height, width] | [height, width, 1] => {
                GrayImage::from_raw(width as u32, height as u32, pixels).map(DynamicImage::from)
            }
            [height, width, 3] => RgbImage::from_raw(width as u32, height as u32, pixels).map(DynamicImage::from),
            _ => None,
        }
    }
}

/// The largest absolute value.
pub(super) fn peak(x: &[f32]) -> f32 {
    x.iter().fold(0.0, |most, x| most.max(x.abs()))
}

/// An image as a base64 PNG.
pub(super) fn encoded(picture: &DynamicImage) -> Option<String> {
    images::png(picture).ok().map(|bytes| STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_can_be_read_back() {
        let png = |shape: &[usize], x: &[f32]| ExamplePreview { shape: shape.to_vec(), frames: 1, sounds: None }.png(x);
        let bytes = STANDARD.decode(png(&[2, 2], &[-1.0, 0.0, 1.0, 1.0]).unwrap()).unwrap();
        let picture = image::load_from_memory(&bytes).unwrap().into_luma8();
        assert_eq!((picture.dimensions(), picture.into_raw()), ((2, 2), vec![0, 128, 255, 255]));
        assert!(png(&[2, 2, 3], &[0.0; 12]).is_some(), "one grey is a picture too");
    }

    #[test]
    fn a_clips_frames_are_a_folded_strip() {
        let drawn = |frames: usize| {
            let x: Vec<f32> = (1..=frames as u8 * 4).map(f32::from).collect();
            let look = ExamplePreview { shape: vec![2 * frames, 2], frames, sounds: None };
            let Drawn { shape, x, .. } = look.drawn(&x);
            (shape, x)
        };
        assert_eq!(drawn(2), (vec![2, 4], vec![1.0, 2.0, 5.0, 6.0, 3.0, 4.0, 7.0, 8.0]));
        let (shape, x) = drawn(3);
        assert_eq!((shape, &x[8..]), (vec![4, 4], &[9.0, 10.0, 1.0, 1.0, 11.0, 12.0, 1.0, 1.0][..]));
    }

    #[test]
    fn a_sounds_picture_is_bright_where_it_sounds() {
        let bands =
            Bands { sample_rate: 8_000, window: 256, hop: 80, bands: BANDS, range: [0.0, 4_000.0], coefficients: None };
        let look =
            ExamplePreview { shape: vec![4_000, 1], frames: 1, sounds: Some((bands, Spectrum::new(bands, 1e-9))) };
        let low: Vec<f32> = (0..4_000).map(|i| (i as f32 * 0.3).sin()).collect();
        let drawn = look.drawn(&low);
        let picture = drawn.picture(drawn.range()).unwrap().into_luma8();
        let rows: Vec<u32> = picture.rows().map(|row| row.map(|pixel| u32::from(pixel.0[0])).sum()).collect();
        let brightest = rows.iter().enumerate().max_by_key(|(_, sum)| **sum).unwrap().0;
        // 382 Hz is in the lower part of the spectrum.
        assert!(brightest > BANDS / 2 && brightest < BANDS - 2, "{brightest}");
        let wav = STANDARD.decode(look.wav(&low, 1.0).unwrap()).unwrap();
        assert_eq!((wav.len(), &wav[..4]), (44 + 8_000, &b"RIFF"[..]));
    }
}
