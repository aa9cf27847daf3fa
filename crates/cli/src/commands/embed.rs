//! `thalweg embed MODEL DATA`: what a model's last layer is given of each row.

use std::io::Write;
use std::path::Path;

use clap::ArgMatches;
use thalweg::model::{Embedder, Embeddings, Model};

use super::argument;
use super::output::{Output, refuse_inputs};
use crate::{args, print};

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config(matches)?;
    let path = matches.get_one::<String>("out");
    if let Some(path) = path {
        refuse_inputs(matches, Some(&config), ("-o", Path::new(path)))?;
    }
    let model = Model::load(argument(matches, "model"))?;
    let embedder = Embedder::new(&model)?;
    let mut embeddings = Embeddings::new(embedder.width());
    let mut add = |rows: thalweg::model::EncodedRows| embeddings.add(&rows, &embedder);
    let decisions = model.encode(argument(matches, "data"), &config.data, &mut add)?;
    print::notes(&decisions);
    let ending = path.and_then(|path| Path::new(path).extension()?.to_str());
    let bytes = match ending {
        Some("npy") => embeddings.to_npy(),
        Some("parquet") => parquet(&embeddings)?,
        _ => embeddings.to_csv().into_bytes(),
    };
    let mut out = Output::open(path)?;
    out.write_all(&bytes)?;
    out.finish()?;
    if let Some(path) = path {
        print::note(&format!("{path}: {} rows of {} numbers", embeddings.rows(), embeddings.width));
    }
    Ok(0)
}

#[cfg(feature = "parquet")]
fn parquet(embeddings: &Embeddings) -> thalweg::Result<Vec<u8>> {
    embeddings.to_parquet()
}

#[cfg(not(feature = "parquet"))]
fn parquet(_: &Embeddings) -> thalweg::Result<Vec<u8>> {
    let error = thalweg::Error::config("this build of Thalweg writes no Parquet files").at("-o");
    Err(error.fix("write .csv or .npy, or build with --features parquet"))
}
