//! Models in the formats of others.
//!
//! A new format is one function from a model to a file's bytes, and one line in [`ALL`].

pub(crate) mod channels;
mod keras;
pub(crate) mod lowered;
#[cfg(feature = "onnx")]
pub(crate) mod onnx;
mod pytorch;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config;
use crate::event::Decision;
use crate::io::atomic;
use crate::metrics::Metrics;
use crate::model::Model;
use crate::{Error, Result, did_you_mean};

/// A format that models are written in.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its name, as in `--to onnx`.
    pub name: &'static str,
    /// The extension of its files, without the dot.
    pub extension: &'static str,
    /// What it is, in a line.
    pub meaning: &'static str,
    /// Writes a model.
    pub write: fn(&Model, &Options) -> Result<Exported>,
}

/// Every format there is.
pub const ALL: &[Format] = &[
    #[cfg(feature = "onnx")]
    onnx::FORMAT,
    pytorch::FORMAT,
    keras::FORMAT,
];

/// What a format is told besides the model.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The file's name without its extension, for formats whose files name each other.
    pub stem: String,
    /// How many bits weights have in the file.
    pub precision: Precision,
    /// Data whose answers are known, on which what fewer bits cost is measured, and how it is read.
    pub calibrate: Option<(String, config::Data)>,
    /// The files that are read, which nothing is written over.
    pub inputs: Vec<PathBuf>,
}

/// How many bits weights have in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32.
    #[default]
    F32,
    /// 16, with which they are multiplied as 32.
    F16,
    /// 8, a scale a filter or unit; what they are multiplied with has 8 as well.
    Int8,
}

impl Precision {
    /// The names in the command line.
    pub const NAMES: [&str; 3] = ["f32", "f16", "int8"];

    /// The precision of a name.
    pub fn named(name: &str) -> Option<Self> {
        let place = Self::NAMES.iter().position(|known| *known == name)?;
        Some([Precision::F32, Precision::F16, Precision::Int8][place])
    }
}

/// What fewer bits cost.
#[derive(Debug, Clone, Serialize)]
pub struct Loss {
    /// The rows of the calibration data.
    pub rows: usize,
    /// Metrics of the model on them.
    pub before: Metrics,
    /// Metrics of what was written.
    pub after: Metrics,
    /// The largest difference of an output, probabilities or numbers in units of their deviation.
    pub largest_difference: f64,
}

/// A model in a format.
#[derive(Debug, Clone, Default)]
pub struct Exported {
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// Files beside it: the extension of each, and its bytes.
    pub sidecars: Vec<(&'static str, Vec<u8>)>,
    /// What was decided.
    pub decisions: Vec<Decision>,
    /// What was verified of it, if it was run; of fewer bits, before they were reduced.
    pub verification: Option<Verification>,
    /// What fewer bits cost, if that was measured.
    pub loss: Option<Loss>,
}

/// That what was written gives the model's own answers.
#[derive(Debug, Clone, Serialize)]
pub struct Verification {
    /// What ran it.
    pub runtime: &'static str,
    /// On how many rows.
    pub rows: usize,
    /// The largest difference to the model's outputs, relative to those above 1; numbers are in units of their deviation.
    pub largest_difference: f64,
    /// The largest difference that is let pass.
    pub tolerance: f64,
}

/// A model that was written in a format.
#[derive(Debug, Clone, Serialize)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// The format's name.
    pub format: &'static str,
    /// Files that were written beside it.
    #[serde(rename = "beside")]
    pub sidecars: Vec<PathBuf>,
    /// What was verified of it, if it was run; of fewer bits, before they were reduced.
    #[serde(rename = "proof")]
    pub verification: Option<Verification>,
    /// What fewer bits cost, if that was measured.
    pub loss: Option<Loss>,
    /// What was decided.
    pub decisions: Vec<Decision>,
}

/// The format of a name or, where none is given, of a path's extension.
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
        Error::config(message).fix(format!("use --to with one of: {}", each.collect::<Vec<_>>().join("; ")))
    })
}

/// Writes a model to a path in a format: each file whole, or not at all.
///
/// # Errors
/// If the format cannot express the model, what was written does not give the model's answers, or a file cannot be
/// written.
pub fn export(model: &Model, path: &Path, format: &Format, options: Options) -> Result<Written> {
    if format.extension != "onnx" && options.precision != Precision::F32 {
        return Err(Error::config(format!("{} is written in 32 bits alone", format.name))
            .at("--precision")
            .fix("leave it out, or use --to onnx"));
    }
    if options.calibrate.is_some() && options.precision == Precision::F32 {
        return Err(Error::config("32 bits cost nothing that calibration data would show")
            .at("--calibrate")
            .fix("leave it out, or use --precision f16 or int8"));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let inputs = options.inputs.clone();
    let exported = (format.write)(model, &Options { stem, ..options })?;
    let sidecars: Vec<PathBuf> =
        exported.sidecars.iter().map(|(extension, _)| path.with_extension(extension)).collect();
    for file in sidecars.iter().map(PathBuf::as_path).chain([path]) {
        atomic::refuse_input("-o", file, inputs.clone())?;
    }
    if let Some(twice) = sidecars.iter().find(|sidecars| *sidecars == path) {
        return Err(Error::config(format!("{} writes another file of this name sidecars its own", format.name))
            .at(twice.display().to_string())
            .fix(format!("name a file that ends in .{}", format.extension)));
    }
    for (path, (_, bytes)) in sidecars.iter().zip(&exported.sidecars) {
        atomic::write(path, bytes)?;
    }
    atomic::write(path, &exported.bytes)?;
    let Exported { verification, loss, decisions, .. } = exported;
    Ok(Written { path: path.into(), format: format.name, sidecars, verification, loss, decisions })
}
