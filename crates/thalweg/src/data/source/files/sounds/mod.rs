//! Sounds: files of any rate and length, converted to one sample rate, one channel and one length.

use std::collections::BTreeMap;
use std::path::Path;

use thalweg_media::sounds::{self, Header};

use super::Medium;
use super::file_dataset::FileDataset;
use crate::config;
use crate::data::arrays::Arrays;
use crate::data::media_spec::{MediaSpec, SoundSpec};
use crate::error::{Error, Result, advice};
use crate::event::Decision;

/// Sound files.
pub(super) const MEDIUM: Medium = Medium {
    endings: &[
        "wav", "wave", "flac", "ogg", "oga", "mp3", "mp2", "mp1", "aif", "aiff", "aifc", "caf", "m4a", "m4b", "aac",
    ],
    convert: "WAV or FLAC",
    aside: Some("--background"),
    read,
};

/// A class whose recordings are longer than what is kept of them by this factor causes a warning.
const LONG: f64 = 10.0;

/// The rate that sounds of higher rates are resampled to: what speech needs.
const RATE: usize = 16_000;

/// The maximum length in seconds that is kept of a sound by default.
const SECONDS: f64 = 10.0;

/// The maximum length of a sound in samples.
const MOST: usize = 1 << 22;

/// The sounds of a folder, resampled to a rate, at their full length.
pub(in super::super) fn whole(folder: &Path, sample_rate: usize) -> Result<Vec<Vec<f32>>> {
    let mut dataset = FileDataset::of_folder(folder, &MEDIUM)?;
    if dataset.len() == 0 {
        let error = Error::data("the folder has no sounds").at(folder.display().to_string());
        return Err(error.fix("name a folder of WAV, FLAC, OGG, MP3, AIFF or M4A files"));
    }
    dataset.read(&config::Data::default(), |path| sounds::whole(path, sample_rate))
}

/// Decodes sounds and converts them to a common form.
fn read(mut dataset: FileDataset, options: &config::Data) -> Result<Arrays> {
    let mut decisions = Vec::new();
    let spec = match (options.sample_rate, options.seconds) {
        (Some(sample_rate), Some(seconds)) => spec(sample_rate, seconds, options)?,
        _ => {
            let headers = dataset.read(options, sounds::header)?;
            let spec = choose(&headers, options, &mut decisions)?;
            point_out_long_classes(&mut dataset, &headers, spec);
            spec
        }
    };
    dataset.into_arrays(MediaSpec::Sounds(spec), options, decisions, |path| sounds::samples(path, spec))
}

/// Warns of classes whose recordings are all far longer than what is kept of each, as when one recording holds many
/// examples.
fn point_out_long_classes(dataset: &mut FileDataset, headers: &[Header], spec: SoundSpec) {
    let kept = spec.samples as f64 / spec.sample_rate as f64;
    let Some(classes) = dataset.classes() else { return };
    let mut shortest = BTreeMap::<&str, (usize, f64)>::new();
    for (class, header) in classes.into_iter().zip(headers) {
        let (files, seconds) = shortest.entry(class).or_insert((0, f64::INFINITY));
        (*files, *seconds) = (*files + 1, seconds.min(header.seconds()));
    }
    let long = shortest.iter().filter(|(_, (_, seconds))| *seconds > LONG * kept);
    let told: Vec<String> = long
        .map(|(class, (files, seconds))| {
            format!(
                "the recordings of class {class:?} ({files}) are {seconds:.0} seconds long or more, of which {kept} are kept; \
                 cut them into pieces, or move the folder away and name it with --background"
            )
        })
        .collect();
    dataset.warnings.extend(told);
}

fn spec(sample_rate: usize, seconds: f64, options: &config::Data) -> Result<SoundSpec> {
    let samples = (sample_rate as f64 * seconds).round() as usize;
    if samples == 0 || samples > MOST {
        let found = format!("{seconds} seconds at {sample_rate} samples a second are {samples} samples");
        return Err(
            Error::config(found).fix(advice!("use [seconds] and [sample_rate] that give 1 to {} samples", MOST))
        );
    }
    Ok(SoundSpec { sample_rate, samples, equal_loudness: options.equal_loudness.unwrap_or(true) })
}

/// The common form of the sounds: as the options say, else that of most sounds.
fn choose(headers: &[Header], options: &config::Data, decisions: &mut Vec<Decision>) -> Result<SoundSpec> {
    let mut decide = |what: String, why: String, instead: &str| {
        decisions.push(Decision { what, why, instead: instead.into() });
    };
    let sample_rate = options.sample_rate.unwrap_or_else(|| {
        let mut rates: Vec<usize> = headers.iter().map(|header| header.sample_rate).collect();
        rates.sort_unstable();
        let (middle, alike) = (rates[rates.len() / 2], rates[0] == rates[rates.len() - 1]);
        let rate = middle.min(RATE);
        if !alike || rate != middle {
            let why = if alike { format!("they have {middle}") } else { "their rates differ".into() };
            decide(format!("sounds are brought to {rate} samples a second"), why, "[sample_rate=44100]");
        }
        rate
    });
    let seconds = options.seconds.unwrap_or_else(|| {
        let mut lengths: Vec<f64> = headers.iter().map(Header::seconds).collect();
        lengths.sort_unstable_by(f64::total_cmp);
        let (shortest, longest) = (lengths[0], lengths[lengths.len() - 1]);
        if shortest == longest && longest <= SECONDS {
            return longest;
        }
        // A few long ones would pad all others with silence.
        let most = lengths[(lengths.len() - 1) * 95 / 100];
        let seconds = ((most * 10.0).ceil() / 10.0).min(SECONDS);
        let what =
            format!("sounds are brought to {seconds} seconds: the middle of longer ones, silence around shorter");
        decide(what, format!("they have {shortest:.2} to {longest:.2}, 95 % up to {most:.2}"), "[seconds=2]");
        seconds
    });
    if options.equal_loudness.is_none() {
        let why = "how near a microphone was says nothing".into();
        decide("sounds are brought to one loudness".into(), why, "[equal_loudness=false]");
    }
    spec(sample_rate, seconds, options)
}
