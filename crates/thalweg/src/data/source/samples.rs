//! Sample data embedded in the binary, and generators of two-dimensional toy sets.

use std::io::{Cursor, Read};

use super::{TableReader, generate};
use crate::config;
use crate::error::{Error, Result, did_you_mean};

/// The embedded samples, gzipped.
const FILES: [(&str, &[u8]); 5] = [
    ("iris", include_bytes!("../../../../../samples/iris.csv.gz")),
    ("digits", include_bytes!("../../../../../samples/digits.csv.gz")),
    ("breast-cancer", include_bytes!("../../../../../samples/breast-cancer.csv.gz")),
    ("diabetes", include_bytes!("../../../../../samples/diabetes.csv.gz")),
    ("wine-quality", include_bytes!("../../../../../samples/wine-quality.csv.gz")),
];

/// The names of all samples and generators.
pub fn sample_names() -> Vec<&'static str> {
    FILES.iter().map(|(name, _)| *name).chain(generate::NAMES).collect()
}

/// Opens `digits`, or `moons,rows=500,noise=0.2,seed=3`.
pub(super) fn open(text: &str, options: &config::Data) -> Result<TableReader> {
    let source = format!("sample:{text}");
    let (name, settings) = text.split_once(',').unwrap_or((text, ""));
    let bytes: Box<dyn Read + Send> = match FILES.iter().find(|(known, _)| *known == name) {
        Some((_, _)) if !settings.is_empty() => {
            let error = Error::config(format!("the sample {name:?} takes no options"));
            return Err(error.at(source).fix(format!("sample:{name}")));
        }
        Some((_, bytes)) => Box::new(flate2::read::GzDecoder::new(*bytes)),
        None if generate::NAMES.contains(&name) => Box::new(Cursor::new(generate::csv(name, settings, &source)?)),
        None => {
            let names = sample_names();
            let message = format!("unknown sample {name:?}{}", did_you_mean(name, names.iter().copied()));
            return Err(Error::config(message).at(source).fix(format!("use one of {}", names.join(", "))));
        }
    };
    TableReader::open(&source, bytes, options)
}
