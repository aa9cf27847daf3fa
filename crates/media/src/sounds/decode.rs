//! Sound decoding: from a file to samples of a given form.

use std::fs::File;
use std::path::Path;

use rubato::audioadapter_buffers::owned::InterleavedOwned;
use rubato::{Fft, FixedSync, Resampler};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoderOptions};
use symphonia::core::errors::Error as Broken;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use super::wav;
use crate::SoundSpec;

/// Maximum samples per channel: a longer file is not a single example.
const MOST: usize = 1 << 26;

/// Maximum number of channels.
const CHANNELS: usize = 32;

/// The supported sample rates.
const RATES: std::ops::RangeInclusive<usize> = 100..=768_000;

/// Damaged packets tolerated, in per cent.
const DAMAGED: usize = 10;

/// Frames per call of the resampler.
const CHUNK: usize = 1024;

/// The properties of a sound given by its header.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// Samples per second.
    pub sample_rate: usize,
    /// Samples per channel.
    pub samples: usize,
}

impl Header {
    /// Its duration.
    pub fn seconds(&self) -> f64 {
        self.samples as f64 / self.sample_rate as f64
    }
}

/// An opened file ready for reading packets, with what is known of its sound.
struct Opened {
    packets: Box<dyn FormatReader>,
    track: u32,
    codec: AudioCodecParameters,
    sample_rate: usize,
    /// Samples per channel, if the header gives it.
    samples: Option<usize>,
}

fn told(error: Broken) -> String {
    match error {
        Broken::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => "the file is cut off".into(),
        error => error.to_string(),
    }
}

fn open(path: &Path) -> Result<Opened, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if metadata.len() == 0 {
        return Err("the file is empty".into());
    }
    let mut hint = Hint::new();
    if let Some(ending) = path.extension() {
        hint.with_extension(&ending.to_string_lossy());
    }
    let source = wav::mended(file).map_err(|error| error.to_string())?;
    let stream = MediaSourceStream::new(source, Default::default());
    let (options, metadata) = (FormatOptions::default(), MetadataOptions::default());
    let packets = symphonia::default::get_probe()
        .probe(&hint, stream, options, metadata)
        .map_err(|error| format!("no sound of a known kind: {}", told(error)))?;
    let track = packets.default_track(TrackType::Audio).ok_or("it holds no sound")?;
    let codec =
        track.codec_params.as_ref().and_then(|codec| codec.audio()).ok_or("it holds no sound of a known kind")?;
    let sample_rate = codec.sample_rate.unwrap_or_default() as usize;
    if !RATES.contains(&sample_rate) {
        return Err(format!("{sample_rate} samples a second"));
    }
    let channels = codec.channels.as_ref().map_or(1, |channels| channels.count());
    if !(1..=CHANNELS).contains(&channels) {
        return Err(format!("{channels} channels"));
    }
    let samples = track.num_frames.map(|frames| usize::try_from(frames).unwrap_or(usize::MAX));
    if samples.is_some_and(|samples| samples > MOST) {
        return Err(format!("{} samples are too many for one example", samples.unwrap_or_default()));
    }
    let (track, codec) = (track.id, codec.clone());
    Ok(Opened { packets, track, codec, sample_rate, samples })
}

/// Reads a sound's header; samples are decoded only if their number is not given.
///
/// # Errors
/// If the file is not a sound of a supported format, or cannot be a single example.
pub fn header(path: &Path) -> Result<Header, String> {
    let opened = open(path)?;
    let sample_rate = opened.sample_rate;
    let samples = match opened.samples {
        Some(samples) => samples,
        None => mono(opened)?.len(),
    };
    if samples == 0 {
        return Err("it has no samples".into());
    }
    Ok(Header { sample_rate, samples })
}

/// The mean of a file's channels.
fn mono(mut opened: Opened) -> Result<Vec<f32>, String> {
    let options = AudioDecoderOptions::default();
    let decoder = symphonia::default::get_codecs().make_audio_decoder(&opened.codec, &options);
    let mut decoder = decoder.map_err(told)?;
    let (mut mean, mut interleaved) = (Vec::new(), Vec::<f32>::new());
    let (mut packets, mut damaged) = (0, None);
    let mut bad = 0;
    while let Some(packet) = opened.packets.next_packet().map_err(told)? {
        if packet.track_id != opened.track {
            continue;
        }
        packets += 1;
        match decoder.decode(&packet) {
            Ok(sound) => {
                let channels = sound.num_planes().max(1);
                sound.copy_to_vec_interleaved(&mut interleaved);
                let share = 1.0 / channels as f32;
                mean.extend(interleaved.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() * share));
            }
            Err(Broken::DecodeError(reason)) => {
                bad += 1;
                damaged = Some(reason);
            }
            Err(error) => return Err(told(error)),
        }
        if mean.len() > MOST {
            return Err(format!("more than {MOST} samples are too many for one example"));
        }
    }
    if let Some(reason) = damaged.filter(|_| bad * 100 > packets * DAMAGED) {
        return Err(format!("{bad} of {packets} packets are damaged: {reason}"));
    }
    if mean.is_empty() {
        return Err("it has no samples".into());
    }
    if let Some(samples) = opened.samples.filter(|samples| mean.len() * 10 < samples * 9) {
        return Err(format!("the file is cut off: {} of {samples} samples", mean.len()));
    }
    if let Some(at) = mean.iter().position(|sample| !sample.is_finite()) {
        return Err(format!("sample {} is {}", at + 1, mean[at]));
    }
    Ok(mean)
}

fn resampled(sound: Vec<f32>, from: usize, to: usize) -> Result<Vec<f32>, String> {
    if from == to {
        return Ok(sound);
    }
    let frames = sound.len();
    let sound = InterleavedOwned::new_from(sound, 1, frames).map_err(|error| error.to_string())?;
    let mut resampler = Fft::<f32>::new(from, to, CHUNK, 1, FixedSync::Both).map_err(|error| error.to_string())?;
    let sound = resampler.process_all(&sound, frames, None).map_err(|error| error.to_string())?;
    Ok(sound.take_data())
}

/// All samples of a sound, resampled to a rate, from −1 to 1.
///
/// # Errors
/// If the file is not a sound of a supported format, is damaged or truncated.
pub fn whole(path: &Path, sample_rate: usize) -> Result<Vec<f32>, String> {
    let opened = open(path)?;
    let rate = opened.sample_rate;
    resampled(mono(opened)?, rate, sample_rate)
}

/// The samples of a sound converted to a form.
///
/// # Errors
/// If the file is not a sound of a supported format, is damaged or truncated.
pub fn samples(path: &Path, spec: SoundSpec) -> Result<Vec<f32>, String> {
    let mut sound = whole(path, spec.sample_rate)?;
    if spec.equal_loudness {
        let power = sound.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / sound.len() as f64;
        // Silence is not scaled.
        let factor = if power > 0.0 { power.sqrt().recip() as f32 } else { 1.0 };
        sound.iter_mut().for_each(|x| *x *= factor);
    }
    if sound.len() >= spec.samples {
        let before = (sound.len() - spec.samples) / 2;
        return Ok(sound[before..][..spec.samples].to_vec());
    }
    let mut framed = vec![0.0; spec.samples];
    framed[(spec.samples - sound.len()) / 2..][..sound.len()].copy_from_slice(&sound);
    Ok(framed)
}
