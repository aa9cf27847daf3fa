//! Export of models to other formats.
//!
//! A new format is one function from a model to a file's bytes, and one line in [`ALL`].

pub(crate) mod channels;
mod keras;
pub(crate) mod lowered;
#[cfg(feature = "onnx")]
mod mlflow;
#[cfg(feature = "onnx")]
pub(crate) mod onnx;
mod pytorch;
mod sequences;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config;
use crate::data::target::Target;
use crate::error::advice;
use crate::event::Decision;
use crate::io::atomic;
use crate::metrics::Metrics;
use crate::model::Model;
use crate::{Error, ErrorKind, Result, did_you_mean};

/// A format that models can be exported to.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its name, as in `--to onnx`.
    pub name: &'static str,
    /// The extension of its files, without the dot.
    pub extension: &'static str,
    /// A one-line description.
    pub meaning: &'static str,
    /// Whether weights can have fewer bits than 32.
    pub fewer_bits: bool,
    /// The name of the main file, for a format that is a folder.
    pub folder: Option<&'static str>,
    /// Writes a model.
    pub write: fn(&Model, &ExportOptions) -> Result<Exported>,
}

/// Every format.
pub const ALL: &[Format] = &[
    #[cfg(feature = "onnx")]
    onnx::FORMAT,
    pytorch::FORMAT,
    keras::FORMAT,
    #[cfg(feature = "onnx")]
    mlflow::FORMAT,
];

/// What a format needs to know in addition to the model.
#[derive(Debug, Clone, Default)]
pub struct ExportOptions {
    /// The file's name without its extension, for formats whose files refer to each other.
    pub stem: String,
    /// The precision of weights in the file.
    pub precision: Precision,
    /// Labelled data on which the cost of a lower precision is measured, and how to read it.
    pub calibrate: Option<(String, config::Data)>,
    /// The level of the intervals of numbers, or sets of classes, that the file answers with, too.
    pub intervals: Option<f64>,
    /// The files that are read, and so must not be overwritten.
    pub inputs: Vec<PathBuf>,
}

impl ExportOptions {
    /// What intervals or sets of a target reach to, if the file is to answer with them.
    fn regions(&self, target: &Target) -> Result<Option<Regions>> {
        let regions = |level| Ok(Regions { level, margins: target.margins(level)? });
        self.intervals.map(regions).transpose()
    }
}

/// The intervals of numbers, or sets of classes, of a level.
#[derive(Debug)]
struct Regions {
    level: f64,
    /// How far each of them reaches, as [`Target::margins`] says.
    margins: Vec<f64>,
}

impl Regions {
    /// What is said of intervals.
    fn hold(&self) -> String {
        format!("that hold the number for {} of rows", self.level)
    }

    /// What is said of sets.
    fn set(&self) -> String {
        format!("in the set that holds the true class for {} of rows", self.level)
    }

    /// The least probability of 32 bits with which a class is in the set: 1 − p ≤ Q.
    fn least(&self) -> f32 {
        let margin = self.margins.first().copied().unwrap_or(1.0);
        let is_in = |p: f32| 1.0 - f64::from(p) <= margin;
        let nearest = (1.0 - margin) as f32;
        let near = [nearest.next_down(), nearest, nearest.next_up()];
        near.into_iter().find(|p| is_in(*p)).unwrap_or(nearest).max(0.0)
    }
}

/// The number of bits of a weight in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32.
    #[default]
    F32,
    /// 16, converted to 32 before multiplying.
    F16,
    /// 8, with one scale per filter or unit; what they are multiplied by has 8 as well.
    Int8,
}

impl Precision {
    /// The names on the command line.
    pub const NAMES: [&str; 3] = ["f32", "f16", "int8"];

    /// The precision with this name.
    pub fn named(name: &str) -> Option<Self> {
        let place = Self::NAMES.iter().position(|known| *known == name)?;
        Some([Precision::F32, Precision::F16, Precision::Int8][place])
    }
}

/// The cost of a lower precision.
#[derive(Debug, Clone, Serialize)]
pub struct Loss {
    /// The number of rows of the calibration data.
    pub rows: usize,
    /// Metrics of the model on them.
    pub before: Metrics,
    /// Metrics of the exported model on them.
    pub after: Metrics,
    /// The largest difference of an output: a probability, or a value in units of its target's deviation.
    pub largest_difference: f64,
}

/// An exported model.
#[derive(Debug, Clone, Default)]
pub struct Exported {
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// Files that accompany it: the extension of each (in a folder, its name), and its bytes.
    pub sidecars: Vec<(&'static str, Vec<u8>)>,
    /// The decisions made.
    pub decisions: Vec<Decision>,
    /// The verification, if it was run; at a lower precision, from before the weights were reduced.
    pub verification: Option<Verification>,
    /// The cost of the lower precision, if it was measured.
    pub loss: Option<Loss>,
}

/// Evidence that the exported model gives the same answers.
#[derive(Debug, Clone, Serialize)]
pub struct Verification {
    /// The runtime that ran it.
    pub runtime: &'static str,
    /// The number of rows it ran on.
    pub rows: usize,
    /// The largest difference from the model's outputs, relative for those above 1; values are in units of their
    /// deviation.
    pub largest_difference: f64,
    /// The largest difference accepted.
    pub tolerance: f64,
    /// Whether it ran in 32 bits, while the file has fewer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub in_32_bits: bool,
}

/// The result of an export.
#[derive(Debug, Clone, Serialize)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// The format's name.
    pub format: &'static str,
    /// Files written alongside it.
    #[serde(rename = "beside")]
    pub sidecars: Vec<PathBuf>,
    /// The verification, if it was run; at a lower precision, from before the weights were reduced.
    #[serde(rename = "proof")]
    pub verification: Option<Verification>,
    /// The cost of the lower precision, if it was measured.
    pub loss: Option<Loss>,
    /// The decisions made.
    pub decisions: Vec<Decision>,
}

/// The format with this name or, if none is given, that of a path's extension.
///
/// # Errors
/// If there is no such format.
pub fn format(name: Option<&str>, path: &Path) -> Result<&'static Format> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let found = match name {
        Some(name) => ALL.iter().find(|format| format.name == name),
        None => ALL.iter().find(|format| format.extension.eq_ignore_ascii_case(extension)),
    };
    found.ok_or_else(|| {
        let each = ALL.iter().map(|format| format!("{} (.{}): {}", format.name, format.extension, format.meaning));
        let message = match name {
            Some(name) => {
                let near = did_you_mean(name, ALL.iter().map(|format| format.name));
                format!("unknown format {name:?}{near}")
            }
            None => format!("no format is written to {}", path.display()),
        };
        Error::config(message).fix(advice!("use [to] with one of: {}", each.collect::<Vec<_>>().join("; ")))
    })
}

/// Writes a model to a path in a format; each file is written completely or not at all.
///
/// # Errors
/// If the format cannot express the model, what was written does not give the model's answers, or a file cannot be
/// written.
pub fn export(model: &Model, path: &Path, format: &Format, options: ExportOptions) -> Result<Written> {
    if model.forecast.is_some() {
        let error = Error::config("a forecast is made of a table's series, which other formats cannot read");
        return Err(error.fix("use thalweg predict, or Model.carry_on in Python"));
    }
    if !format.fewer_bits && options.precision != Precision::F32 {
        return Err(Error::config(format!("{} is written in 32 bits alone", format.name))
            .at("--precision")
            .fix("leave it out, or use [to=onnx]"));
    }
    if options.calibrate.is_some() && options.precision == Precision::F32 {
        return Err(Error::config("32 bits cost nothing that calibration data would show")
            .at("--calibrate")
            .fix("leave it out, or use [precision=f16] or int8"));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let inputs = options.inputs.clone();
    let options = ExportOptions { stem, ..options };
    let exported = match &model.pipeline.grouping {
        Some(grouping) => sequences::write(model, grouping, format, &options)?,
        None => (format.write)(model, &options)?,
    };
    let place = |name: &str| if format.folder.is_some() { path.join(name) } else { path.with_extension(name) };
    let sidecars: Vec<PathBuf> = exported.sidecars.iter().map(|(name, _)| place(name)).collect();
    let main = format.folder.map_or_else(|| path.into(), |name| path.join(name));
    for file in sidecars.iter().chain([&main]) {
        atomic::refuse_input("-o", file, inputs.clone())?;
    }
    if let Some(twice) = sidecars.iter().find(|sidecar| **sidecar == main) {
        return Err(Error::config(format!("{} writes another file of this name beside its own", format.name))
            .at(twice.display().to_string())
            .fix(format!("name a file that ends in .{}", format.extension)));
    }
    if format.folder.is_some() {
        std::fs::create_dir_all(path).map_err(|error| {
            Error::io(ErrorKind::Config, path, "make the folder", &error).fix("name another folder with [out]")
        })?;
    }
    for (path, (_, bytes)) in sidecars.iter().zip(&exported.sidecars) {
        atomic::write(path, bytes)?;
    }
    atomic::write(&main, &exported.bytes)?;
    let Exported { verification, loss, decisions, .. } = exported;
    Ok(Written { path: path.into(), format: format.name, sidecars, verification, loss, decisions })
}
