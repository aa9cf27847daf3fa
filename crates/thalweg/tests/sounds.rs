//! Folders and lists of sounds: every supported format, and every kind of broken file.

use std::f64::consts::TAU;
use std::fs;
use std::path::Path;

use thalweg::config::{self, Config};
use thalweg::data;
use thalweg::data::arrays::Arrays;
use thalweg::data::source::{self, Source};

use crate::folder::{Folder, arrays};

/// The sample format of a WAV file.
#[derive(Clone, Copy)]
struct Wav {
    rate: u32,
    channels: u16,
    bits: u16,
    float: bool,
    extensible: bool,
}

const PLAIN: Wav = Wav { rate: 8_000, channels: 1, bits: 16, float: false, extensible: false };

impl Wav {
    /// A file of frames, with one value from −1 to 1 per channel.
    fn file(self, frames: &[Vec<f64>]) -> Vec<u8> {
        let bytes = usize::from(self.bits / 8);
        let mut data = Vec::new();
        for sample in frames.iter().flatten() {
            let whole = (sample * (2.0_f64.powi(i32::from(self.bits) - 1) - 1.0)).round() as i64;
            match (self.float, self.bits) {
                (true, 32) => data.extend((*sample as f32).to_le_bytes()),
                (true, _) => data.extend(sample.to_le_bytes()),
                (false, 8) => data.push((whole + 128) as u8),
                (false, _) => data.extend(&whole.to_le_bytes()[..bytes]),
            }
        }
        let code: u16 = if self.float { 3 } else { 1 };
        let mut format = if self.extensible { 0xfffe_u16 } else { code }.to_le_bytes().to_vec();
        let frame = usize::from(self.channels) * bytes;
        format.extend(self.channels.to_le_bytes());
        format.extend(self.rate.to_le_bytes());
        format.extend((self.rate * frame as u32).to_le_bytes());
        format.extend((frame as u16).to_le_bytes());
        format.extend(self.bits.to_le_bytes());
        if self.extensible {
            format.extend(22_u16.to_le_bytes());
            format.extend(self.bits.to_le_bytes());
            format.extend(((1_u32 << self.channels) - 1).to_le_bytes());
            format.extend(code.to_le_bytes());
            format.extend(b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
        }
        let chunk = |name: &[u8], content: &[u8]| [name, &(content.len() as u32).to_le_bytes(), content].concat();
        let inner = [b"WAVE".to_vec(), chunk(b"fmt ", &format), chunk(b"data", &data)].concat();
        chunk(b"RIFF", &inner)
    }
}

/// A 440 Hz tone at half amplitude, in one channel.
fn tone(rate: u32, samples: usize) -> Vec<Vec<f64>> {
    (0..samples).map(|i| vec![0.5 * (TAU * 440.0 * i as f64 / f64::from(rate)).sin()]).collect()
}

/// Without loudness normalisation.
fn as_loud() -> config::Data {
    config::Data { equal_loudness: Some(false), ..config::Data::default() }
}

fn open(folder: &Folder) -> Arrays {
    arrays(&folder.path(), &as_loud()).unwrap()
}

/// The largest difference between two sounds.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn samples_of_every_width_are_read() {
    let folder = Folder::new();
    let wide = |bits, float, extensible| Wav { bits, float, extensible, ..PLAIN };
    let kinds = [
        (wide(8, false, false), 1.0 / 127.0),
        (wide(16, false, false), 1e-4),
        (wide(24, false, false), 1e-6),
        (wide(32, false, false), 1e-7),
        (wide(32, true, false), 1e-7),
        (wide(64, true, false), 1e-7),
        (wide(16, false, true), 1e-4),
        (wide(24, false, true), 1e-6),
        (wide(32, true, true), 1e-7),
    ];
    let sound = tone(8_000, 800);
    for (i, (wav, _)) in kinds.iter().enumerate() {
        folder.write(&format!("a/{i}.wav"), wav.file(&sound));
    }
    let found = open(&folder);
    assert_eq!((found.rows(), found.shape.as_slice()), (kinds.len(), [800, 1].as_slice()));
    let expected: Vec<f32> = sound.iter().map(|frame| frame[0] as f32).collect();
    for (x, (wav, error)) in found.x.chunks(800).zip(kinds) {
        assert!(difference(x, &expected) <= error, "{} bits, float: {}", wav.bits, wav.float);
    }
    assert!(found.warnings.is_empty() && found.decisions.is_empty(), "{:?}", found.decisions);
}

#[test]
fn channels_become_their_mean_and_rates_become_one() {
    let folder = Folder::new();
    let stereo = tone(8_000, 800).into_iter().map(|frame| vec![frame[0], 0.0]).collect::<Vec<_>>();
    folder.write("a/stereo.wav", Wav { channels: 2, ..PLAIN }.file(&stereo));
    for i in 0..2 {
        folder.write(&format!("a/fast{i}.wav"), Wav { rate: 44_100, ..PLAIN }.file(&tone(44_100, 4_410)));
    }
    let options = config::Data { sample_rate: Some(8_000), ..as_loud() };
    let found = arrays(&folder.path(), &options).unwrap();
    assert_eq!(found.shape, [800, 1]);
    let expected: Vec<f32> = tone(8_000, 800).iter().map(|frame| frame[0] as f32).collect();
    let half: Vec<f32> = expected.iter().map(|x| x / 2.0).collect();
    assert!(difference(&found.x[1_600..], &half) < 1e-4);
    // A resampler does not know what comes before and after, and rounds its delay to samples.
    assert!(difference(&found.x[100..700], &expected[100..700]) < 0.02);
    let chosen = open(&folder);
    assert_eq!(chosen.shape, [1_600, 1], "the middle of the rates, 16,000 at most");
    assert!(chosen.decisions[0].what.contains("16000 samples a second"), "{:?}", chosen.decisions);
}

#[test]
fn every_kind_of_file_is_read() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
    let options = config::Data { seconds: Some(0.25), ..as_loud() };
    let names = ["tone.flac", "tone.ogg", "tone.mp3", "tone.m4a", "tone-alac.m4a", "tone.aac", "tone.caf", "tone.aiff"];
    for ending in names {
        let found = arrays(&samples.join(ending).display().to_string(), &options).unwrap();
        assert_eq!(found.shape, [4_000, 1], "{ending}");
        // Half of the channels sound, at half amplitude: a mean square of 1/32.
        let middle = &found.x[1_000..3_000];
        let power = middle.iter().map(|x| x * x).sum::<f32>() / 2_000.0;
        assert!((power - 1.0 / 32.0).abs() < 1e-3, "{ending}: {power}");
        let crossings = middle.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        assert!(crossings.abs_diff(55) <= 1, "{ending}: 440 Hz for an eighth of a second: {crossings}");
    }
}

#[test]
fn shorter_sounds_get_silence_around_them_and_longer_ones_keep_their_middle() {
    let folder = Folder::new();
    let count = |n: usize| (1..=n).map(|i| vec![i as f64 / 32_767.0]).collect::<Vec<_>>();
    folder.write("a/long.wav", PLAIN.file(&count(1_000)));
    folder.write("a/short.wav", PLAIN.file(&count(400)));
    let options = config::Data { seconds: Some(0.1), ..as_loud() };
    let found = arrays(&folder.path(), &options).unwrap();
    let [long, short] = [&found.x[..800], &found.x[800..]].map(|x| {
        let whole: Vec<i32> = x.iter().map(|x| (x * 32_768.0).round() as i32).collect();
        whole
    });
    assert_eq!((long[0], long[799]), (101, 900));
    assert_eq!((short[199], short[200], short[599], short[600]), (0, 1, 400, 0));
    let chosen = open(&folder);
    assert!(chosen.decisions[0].what.contains("0.1 seconds"), "95 % are no longer: {:?}", chosen.decisions);
}

#[test]
fn sounds_are_brought_to_one_loudness() {
    let folder = Folder::new();
    let times = |factor: f64| tone(8_000, 800).iter().map(|frame| vec![factor * frame[0]]).collect::<Vec<_>>();
    folder.write("a/loud.wav", Wav { bits: 32, float: true, ..PLAIN }.file(&times(1.5)));
    folder.write("a/soft.wav", Wav { bits: 32, float: true, ..PLAIN }.file(&times(0.01)));
    folder.write("a/still.wav", Wav { bits: 32, float: true, ..PLAIN }.file(&times(0.0)));
    let found = arrays(&folder.path(), &config::Data::default()).unwrap();
    let (loud, rest) = found.x.split_at(800);
    assert!(difference(loud, &rest[..800]) < 1e-4);
    assert!((loud.iter().map(|x| x * x).sum::<f32>() / 800.0 - 1.0).abs() < 1e-4);
    assert!(rest[800..].iter().all(|x| *x == 0.0));
    assert!(found.decisions.iter().any(|decision| decision.flag() == "--equal-loudness=false"));
}

/// Enough sounds for a few bad ones to be tolerated.
fn many(folder: &Folder) {
    for i in 0..60 {
        folder.write(&format!("{}/{i:02}.wav", ["high", "low"][i % 2]), PLAIN.file(&tone(8_000, 400 + i)));
    }
}

#[test]
fn what_cannot_be_read_is_left_out_and_named() {
    let folder = Folder::new();
    many(&folder);
    let whole = PLAIN.file(&tone(8_000, 4_000));
    folder.write("high/page.mp3", "<!doctype html><title>404</title>");
    folder.write("high/empty.wav", "");
    folder.write("high/silent.wav", PLAIN.file(&[]));
    folder.write("low/cut.wav", &whole[..whole.len() / 2]);
    // A header that declares far more samples than there are, and one with 60,000 channels.
    let mut lying = whole.clone();
    lying[40..44].copy_from_slice(&0x0fff_fff0_u32.to_le_bytes());
    folder.write("low/lying.wav", lying);
    let mut wide = whole.clone();
    wide[22..24].copy_from_slice(&60_000_u16.to_le_bytes());
    folder.write("low/wide.wav", wide);
    let mut not_a_number = Wav { bits: 32, float: true, ..PLAIN }.file(&tone(8_000, 400));
    let at = not_a_number.len() - 40;
    not_a_number[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    folder.write("low/nan.wav", not_a_number);
    let options = config::Data { max_bad: Some(0.2), ..config::Data::default() };
    let found = arrays(&folder.path(), &options).unwrap();
    let warning = &found.warnings[0].what;
    assert!(warning.contains("7 of 67 files are left out"), "{warning}");
    assert_eq!(found.rows(), 60);
    for expected in ["high/page.mp3 (an HTML page", "high/empty.wav (the file is empty)", "high/silent.wav"] {
        assert!(warning.contains(expected), "{warning}");
    }
    let error = arrays(&folder.path(), &config::Data::default()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("of 67 files cannot be read") && error.contains("--max-bad"), "{error}");
}

#[test]
fn any_kind_at_any_cut_is_read_or_refused() {
    let folder = Folder::new();
    many(&folder);
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
    let of = |ending: &str| fs::read(samples.join(format!("tone.{ending}"))).unwrap();
    let wav = Wav { extensible: true, channels: 1, ..PLAIN }.file(&tone(8_000, 400));
    for (ending, bytes) in [("wav", wav), ("flac", of("flac")), ("ogg", of("ogg")), ("mp3", of("mp3"))] {
        for cut in (0..bytes.len()).step_by((bytes.len() / 60).max(1)) {
            let mut damaged = bytes.clone();
            damaged[cut] ^= 0x55;
            folder.write(&format!("high/flipped.{ending}"), damaged);
            folder.write(&format!("low/cut.{ending}"), &bytes[..cut]);
            let options = config::Data { max_bad: Some(0.5), ..config::Data::default() };
            assert!(arrays(&folder.path(), &options).unwrap().rows() >= 60, "{ending} at {cut}");
        }
        fs::remove_file(folder.file(&format!("high/flipped.{ending}"))).unwrap();
        fs::remove_file(folder.file(&format!("low/cut.{ending}"))).unwrap();
    }
}

#[test]
fn a_table_lists_files_and_their_answers() {
    let folder = Folder::new();
    many(&folder);
    let rows: String = (0..60)
        .map(|i| {
            let class = ["high", "low"][i % 2];
            format!("{class}/{i:02}.wav,speaker{},{},{class}\n", i % 5, i as f64 / 10.0)
        })
        .collect();
    folder.write("list.csv", format!("path,speaker,pitch,label\n{rows}"));
    let list = folder.file("list.csv").display().to_string();
    let mut config = Config::default();
    config.data.path = list.clone();
    config.split.group = Some("speaker".into());
    let data = data::load(&config).unwrap();
    assert_eq!(data.target.classes, ["high", "low"]);
    let told: Vec<&str> = data.decisions.iter().map(|decision| decision.what.as_str()).collect();
    assert!(told.contains(&"column \"path\" names the files") && told.contains(&"target column: label"), "{told:?}");
    assert_eq!(data.parts.train.files.len(), data.parts.train.rows);
    // A speaker's sounds are all in one split: five speakers, twelve sounds each.
    assert!([data.parts.train.rows, data.parts.dev.rows, data.parts.test.rows].iter().all(|rows| rows % 12 == 0));

    config.data.target = vec!["pitch".into()];
    let numbers = data::load(&config).unwrap();
    assert_eq!(numbers.task, thalweg::data::schema::Task::Regression);

    for (files, expected) in [("speaker", "expected the name of a picture or a sound"), ("pth", "did you mean")] {
        config.data.files = Some(files.into());
        let error = data::load(&config).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    // A table of strings that are not files remains a table.
    folder.write("paths.csv", "path,y\nleft,1\nright,0\n");
    let table = source::open(&folder.file("paths.csv").display().to_string(), &config::Data::default()).unwrap();
    assert!(matches!(table, Source::Table(_)));
    // A missing file counts as unreadable.
    folder.write("gone.csv", "file,label\nhigh/00.wav,a\nhigh/none.wav,b\n");
    let gone = folder.file("gone.csv").display().to_string();
    let options = config::Data { max_bad: Some(0.5), ..config::Data::default() };
    assert!(arrays(&gone, &options).unwrap().warnings[0].what.contains("high/none.wav (No such file"));
}

#[cfg(unix)]
#[test]
fn a_pipe_in_a_list_is_passed_by() {
    let folder = Folder::new();
    many(&folder);
    assert!(std::process::Command::new("mkfifo").arg(folder.file("pipe.wav")).status().unwrap().success());
    folder.write("list.csv", "file,label\nhigh/00.wav,a\nlow/01.wav,b\npipe.wav,b\n");
    let options = config::Data { max_bad: Some(0.5), ..config::Data::default() };
    let found = arrays(&folder.file("list.csv").display().to_string(), &options).unwrap();
    assert!(found.rows() == 2 && found.warnings[0].what.contains("pipe.wav (no regular file)"), "{:?}", found.warnings);
    assert_eq!(found.answers.lines, [2, 3]);
}

#[test]
fn lengths_that_make_no_example_are_refused() {
    let folder = Folder::new();
    many(&folder);
    for (rate, seconds) in [(768_000, 3_600.0), (100, 0.001)] {
        let options = config::Data { sample_rate: Some(rate), seconds: Some(seconds), ..config::Data::default() };
        let error = arrays(&folder.path(), &options).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("--seconds"), "{error}");
    }
}

/// A WAV file with sizes as written by a program into a pipe, where it could not seek back to fill them in.
fn piped(mut wav: Vec<u8>, riff: u32, data: u32) -> Vec<u8> {
    let at = wav.windows(4).position(|name| name == b"data").unwrap() + 4;
    wav[at..at + 4].copy_from_slice(&data.to_le_bytes());
    wav[4..8].copy_from_slice(&riff.to_le_bytes());
    wav
}

#[test]
fn sounds_written_into_a_pipe_are_read_to_their_end() {
    let sound = tone(8_000, 777);
    let kinds = [
        PLAIN,
        Wav { bits: 24, extensible: true, ..PLAIN },
        Wav { bits: 32, float: true, ..PLAIN },
        Wav { bits: 8, ..PLAIN },
    ];
    let sizes = [
        (u32::MAX, u32::MAX),
        (0, 0),
        (0x7fff_f024, 0x7fff_f000),
        (0x8000_0024, 0x8000_0000),
        (36, 0),
        // Only the outer size is wrong.
        (0, 777),
    ];
    let expected: Vec<f32> = sound.iter().map(|frame| frame[0] as f32).collect();
    for wav in kinds {
        for (riff, data) in sizes {
            let folder = Folder::new();
            let data = if data == 777 { 777 * u32::from(wav.bits / 8) } else { data };
            folder.write("a/x.wav", piped(wav.file(&sound), riff, data));
            let found = open(&folder);
            assert_eq!(found.shape, [777, 1], "{} bits, {riff:x}, {data:x}", wav.bits);
            assert!(difference(&found.x, &expected) < 0.01, "{} bits, {riff:x}, {data:x}", wav.bits);
        }
    }
}

#[test]
fn chunks_of_odd_lengths_and_samples_cut_in_the_middle_are_read() {
    let whole = PLAIN.file(&tone(8_000, 777));
    let with = |extra: &[u8]| {
        let mut wav = whole.clone();
        wav.splice(36..36, extra.iter().copied());
        wav
    };
    let padded = with(b"LIST\x05\0\0\0INFOx\0");
    let not_padded = with(b"LIST\x05\0\0\0INFOx");
    let behind = [&whole[..], b"LIST\x04\0\0\0INFO"].concat();
    // A pipe that closed within a sample.
    let cut = piped(whole[..whole.len() - 1].to_vec(), u32::MAX, u32::MAX);
    for (i, (bytes, samples)) in [(padded, 777), (not_padded, 777), (behind, 777), (cut, 776)].into_iter().enumerate() {
        let folder = Folder::new();
        folder.write("a/x.wav", bytes);
        assert_eq!(open(&folder).shape, [samples, 1], "{i}");
    }
}

/// Two classes, and recordings of another length in a folder.
fn beside(folder: &Folder, name: &str, seconds: u32) {
    many(folder);
    folder.write(&format!("{name}/a.wav"), PLAIN.file(&tone(8_000, (seconds * 8_000) as usize)));
}

#[test]
fn backgrounds_of_speech_are_no_class() {
    let folder = Folder::new();
    beside(&folder, "_background_noise_", 3);
    folder.write("_background_noise_/README.md", "of no matter");
    let found = open(&folder);
    assert_eq!(found.rows(), 60);
    let told = &found.warnings[0].what;
    let flag = format!("--background {}/_background_noise_", folder.path());
    assert!(told.contains("1 files are left out") && told.contains(&flag), "{told}");
    // If all names begin like this, they are classes.
    let folder = Folder::new();
    for class in ["_a", "_b"] {
        folder.write(&format!("{class}/x.wav"), PLAIN.file(&tone(8_000, 400)));
    }
    assert_eq!((open(&folder).rows(), open(&folder).warnings.len()), (2, 0));
}

#[test]
fn a_class_of_long_recordings_is_pointed_out() {
    let folder = Folder::new();
    beside(&folder, "noise", 3);
    let found = open(&folder);
    assert_eq!(found.rows(), 61);
    let told = &found.warnings[0].what;
    assert!(told.contains("class \"noise\" (1) are 3 seconds") && told.contains("--background"), "{told}");
    let folder = Folder::new();
    beside(&folder, "high", 3);
    assert!(open(&folder).warnings.is_empty(), "one of many is cut to its middle");
}
