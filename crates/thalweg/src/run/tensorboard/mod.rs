//! A run as TensorBoard's event files: scalars, weights as histograms, hyperparameters, figures.
//!
//! A file is a row of records, each framed by its length and checksums (TFRecord). Steps are those of the optimiser, so that
//! what is told once an epoch and what is sampled lie on one axis.

mod proto;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use prost::Message;

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::network::Network;
use crate::recipe::Plan;
use crate::tensor::Tensor;
use crate::train::State;

use proto::{HyperParameter, HyperParameters, Record, Setting, Summary, Value, What};

/// The least time between two histograms of all weights.
const PAUSE: Duration = Duration::from_secs(5);
/// Buckets of a histogram, of equal width.
const BUCKETS: usize = 30;
const HYPERPARAMETERS: &str = "hparams";

/// Writes a run's events to a file that TensorBoard reads.
pub(super) struct TensorBoard {
    path: PathBuf,
    file: BufWriter<File>,
    steps_per_epoch: usize,
    /// Each parameter's name and place in θ.
    parameters: Vec<(String, Range<usize>)>,
    /// When histograms were last written.
    weighed: Option<Instant>,
}

impl TensorBoard {
    /// A new file in the run's subfolder. A run that goes on at a step writes another, which takes over from there.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(super) fn create(folder: &Path, run: &str, network: &Network, step: u64) -> Result<TensorBoard> {
        let folder = folder.join(run);
        let (path, file) = new_file(&folder).map_err(|error| {
            Error::io(ErrorKind::Config, &folder, "write TensorBoard's events", &error)
                .fix("choose another folder with [tensorboard]")
        })?;
        let entries = network.layout().entries().iter();
        let parameters = entries.map(|entry| (entry.name.clone(), entry.start..entry.start + entry.shape.size()));
        let parameters = parameters.collect();
        let mut board = TensorBoard { path, file: BufWriter::new(file), steps_per_epoch: 1, parameters, weighed: None };
        board.write(0, What::FileVersion("brain.Event:2".into()))?;
        if step > 0 {
            // What was told of later steps is repeated, and that of this one stands.
            board.write(step as usize + 1, What::Session(proto::SessionLog { status: proto::START }))?;
        }
        Ok(board)
    }

    /// The options that are not the defaults, and what was decided where they leave it open.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn begin(&mut self, config: &Config, plan: &Plan) -> Result<()> {
        let changes: toml::Table = config.changes()?.parse().unwrap_or_default();
        let mut values = BTreeMap::new();
        for (section, options) in changes {
            for (name, value) in options.as_table().into_iter().flatten() {
                values.insert(format!("{section}.{name}"), setting(value));
            }
        }
        let settings = &plan.settings;
        for (name, value) in [
            ("train.learning_rate", settings.learning_rate),
            ("train.batch_size", settings.batch_size as f64),
            ("train.epochs", settings.epochs as f64),
            ("train.l2", settings.l2),
            ("train.seed", settings.seed as f64),
        ] {
            values.insert(name.into(), Setting::Number(value));
        }
        let values = values.into_iter().map(|(name, kind)| (name, HyperParameter { kind: Some(kind) })).collect();
        let start = proto::SessionStart { values, seconds: now() };
        self.hyper_parameters("session_start_info", HyperParameters { start: Some(start), end: None })
    }

    /// Writes what an event tells in numbers.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn event(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::RunStarted { steps_per_epoch, .. } => self.steps_per_epoch = *steps_per_epoch,
            Event::EpochEnded { epoch, cost, dev_loss, dev, learning_rate, seconds, .. } => {
                let mut scalars = vec![
                    ("loss/train".to_string(), *cost),
                    ("learning_rate".into(), *learning_rate),
                    ("epoch".into(), *epoch as f64),
                    ("seconds".into(), *seconds),
                ];
                scalars.extend(dev_loss.map(|loss| ("loss/dev".into(), loss)));
                scalars.extend(dev.iter().map(|(name, value)| (format!("dev/{name}"), *value)));
                self.scalars(self.step_of(*epoch), scalars)?;
                self.flush()?;
            }
            Event::Scales { step, layers, .. } => {
                let scalars = layers.iter().flat_map(|layer| {
                    let known = [("activation", Some(layer.activation)), ("gradient", Some(layer.gradient))];
                    let optional = [("weight", layer.weight), ("update", layer.update), ("dead", layer.dead)];
                    let all = known.into_iter().chain(optional).chain([("saturated", layer.saturated)]);
                    all.filter_map(|(what, value)| Some((format!("{what}/{}", layer.name), value?)))
                });
                self.scalars(*step, scalars.collect())?;
            }
            Event::Finished { best_epoch, metrics, .. } => {
                let scalars = metrics.named().into_iter().flat_map(|(split, metrics)| {
                    metrics.iter().map(move |(name, metric)| (format!("best/{split}/{name}"), metric.value))
                });
                self.scalars(self.step_of(*best_epoch), scalars.collect())?;
                let end = proto::SessionEnd { status: proto::SUCCESS, seconds: now() };
                self.hyper_parameters("session_end_info", HyperParameters { start: None, end: Some(end) })?;
                self.flush()?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Writes a histogram of each parameter, from time to time.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn weights(&mut self, state: &State) -> Result<()> {
        if self.weighed.is_some_and(|weighed| weighed.elapsed() < PAUSE) {
            return Ok(());
        }
        self.weighed = Some(Instant::now());
        let histogram = |(name, place): &(String, Range<usize>)| Value {
            tag: name.clone(),
            metadata: None,
            kind: Some(proto::Kind::Histogram(histogram(&numbers(&state.theta, place)))),
        };
        let value = self.parameters.iter().map(histogram).collect();
        self.write(state.t as usize, What::Summary(Summary { value }))
    }

    /// Writes the report's figures.
    ///
    /// # Errors
    /// If one cannot be drawn, or the file cannot be written.
    #[cfg(feature = "figures")]
    pub(super) fn figures(&mut self, events: &[Event]) -> Result<()> {
        let ended = |event: &Event| matches!(event, Event::EpochEnded { .. });
        let step = self.step_of(events.iter().filter(|event| ended(event)).count());
        for figure in crate::report::figures(events) {
            let png = figure.png(crate::report::Theme::Light)?;
            // The first chunk of a PNG begins with its width and height.
            let side = |at: usize| png.get(at..at + 4).map_or(0, |b| i32::from_be_bytes([b[0], b[1], b[2], b[3]]));
            let (width, height) = (side(16), side(20));
            let image = proto::Image { height, width, colorspace: 4, png };
            let tag = format!("figures/{}", figure.name);
            let value = vec![Value { tag, metadata: None, kind: Some(proto::Kind::Image(image)) }];
            self.write(step, What::Summary(Summary { value }))?;
        }
        self.flush()
    }

    fn step_of(&self, epoch: usize) -> usize {
        epoch * self.steps_per_epoch
    }

    fn scalars(&mut self, step: usize, scalars: Vec<(String, f64)>) -> Result<()> {
        let value =
            |(tag, value): (String, f64)| Value { tag, metadata: None, kind: Some(proto::Kind::Scalar(value as f32)) };
        let value = scalars.into_iter().map(value).collect();
        self.write(step, What::Summary(Summary { value }))
    }

    fn hyper_parameters(&mut self, what: &str, told: HyperParameters) -> Result<()> {
        let plugin = proto::Plugin { name: HYPERPARAMETERS.into(), content: told.encode_to_vec() };
        // An empty tensor of floats: every summary has some value.
        let shape = proto::TensorShape { dimensions: vec![proto::Dimension { size: 0 }] };
        let value = vec![Value {
            tag: format!("_hparams_/{what}"),
            metadata: Some(proto::Metadata { plugin: Some(plugin) }),
            kind: Some(proto::Kind::Tensor(proto::Tensor { dtype: 1, shape: Some(shape) })),
        }];
        self.write(0, What::Summary(Summary { value }))
    }

    fn write(&mut self, step: usize, what: What) -> Result<()> {
        let record = Record { wall_time: now(), step: step as i64, what: Some(what) };
        let written = self.file.write_all(&framed(&record.encode_to_vec()));
        written.map_err(|error| self.unwritable(&error))
    }

    fn flush(&mut self) -> Result<()> {
        let flushed = self.file.flush();
        flushed.map_err(|error| self.unwritable(&error))
    }

    fn unwritable(&self, error: &std::io::Error) -> Error {
        Error::io(ErrorKind::Config, &self.path, "write TensorBoard's events", error).fix("free space on the disk")
    }
}

/// A record in its frame: its length and this one's checksum, the bytes and theirs.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    [&length, &checksum(&length)[..], bytes, &checksum(bytes)].concat()
}

/// CRC-32C as TFRecord masks it: checksums of what holds checksums would be weak.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// The name that TensorBoard looks for, and a number that no other file has.
fn new_file(folder: &Path) -> std::io::Result<(PathBuf, File)> {
    fs::create_dir_all(folder)?;
    let seconds = now() as u64;
    let mut number = 0;
    loop {
        let path = folder.join(format!("events.out.tfevents.{seconds:010}.thalweg.{number}"));
        match File::create_new(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            created => return Ok((path, created?)),
        }
    }
}

fn setting(value: &toml::Value) -> Setting {
    match value {
        toml::Value::Boolean(truth) => Setting::Truth(*truth),
        toml::Value::Integer(number) => Setting::Number(*number as f64),
        toml::Value::Float(number) => Setting::Number(*number),
        toml::Value::String(text) => Setting::Text(text.clone()),
        other => Setting::Text(other.to_string()),
    }
}

fn numbers(theta: &Tensor, place: &Range<usize>) -> Vec<f64> {
    theta.view().part(place.start, [place.len()]).to_f64()
}

/// Of the finite numbers.
fn histogram(numbers: &[f64]) -> proto::Histogram {
    let finite = || numbers.iter().copied().filter(|x| x.is_finite());
    let (min, max) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if finite().next().is_none() {
        return proto::Histogram::default();
    }
    let width = (max - min) / BUCKETS as f64;
    let mut counts = vec![0.0; if width > 0.0 { BUCKETS } else { 1 }];
    let last = counts.len() - 1;
    finite().for_each(|x| counts[(((x - min) / width) as usize).min(last)] += 1.0);
    let limit = |bucket: usize| if bucket == last { max } else { min + width * (bucket + 1) as f64 };
    proto::Histogram {
        min,
        max,
        count: finite().count() as f64,
        sum: finite().sum(),
        sum_squares: finite().map(|x| x * x).sum(),
        limits: (0..=last).map(limit).collect(),
        counts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_those_of_tfrecord() {
        // RFC 3720's 32 zero bytes have 0x8a9136aa: its last 15 bits go to the front, and 0xa282ead8 is added.
        assert_eq!(checksum(&[0; 32]), 0x0fd7_fffa_u32.to_le_bytes());
        let frame = framed(b"abc");
        assert_eq!(frame.len(), 8 + 4 + 3 + 4);
        assert_eq!(frame[..8], 3u64.to_le_bytes());
        assert_eq!(frame[8..12], checksum(&frame[..8]));
        assert_eq!(frame[15..], checksum(b"abc"));
    }

    #[test]
    fn histograms_count_every_finite_number_once() {
        let found = histogram(&[-1.0, 0.0, 0.5, 2.0, f64::NAN]);
        assert_eq!((found.min, found.max, found.count, found.sum, found.sum_squares), (-1.0, 2.0, 4.0, 1.5, 5.25));
        assert_eq!((found.limits.len(), found.limits[BUCKETS - 1]), (BUCKETS, 2.0));
        assert_eq!(found.counts.iter().sum::<f64>(), 4.0);
        assert!(found.limits.is_sorted());
        let one = histogram(&[3.0, 3.0]);
        assert_eq!((one.limits, one.counts), (vec![3.0], vec![2.0]));
        assert_eq!(histogram(&[f64::NAN]), proto::Histogram::default());
    }
}
