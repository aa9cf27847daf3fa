//! The output of a verb, and what it must not overwrite.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use thalweg::config::Config;
use thalweg::data::source;
use thalweg::io::atomic::{self, Writer};

/// A file, written atomically, or standard output.
pub(super) enum Output {
    File(Writer),
    Standard(BufWriter<StdoutLock<'static>>),
}

impl Output {
    /// Opens the file named by `-o`, or standard output.
    pub(super) fn open(path: Option<&String>) -> thalweg::Result<Output> {
        Ok(match path {
            Some(path) => Output::File(Writer::create(Path::new(path))?),
            None => Output::Standard(BufWriter::new(io::stdout().lock())),
        })
    }

    /// Completes the output.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        match self {
            Output::File(file) => Ok(file.finish()?),
            Output::Standard(mut out) => Ok(out.flush()?),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Output::File(file) => file.write(bytes),
            Output::Standard(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Output::File(file) => file.flush(),
            Output::Standard(out) => out.flush(),
        }
    }
}

/// Refuses to overwrite what the command reads: its data, models, runs and configuration.
pub(super) fn refuse_inputs(
    matches: &ArgMatches,
    config: Option<&Config>,
    (flag, output): (&str, &Path),
) -> thalweg::Result<()> {
    let named = ["model", "data", "run", "file", "like", "calibrate", "background", "config", "start_from"];
    let mut inputs: Vec<String> = named.iter().filter_map(|name| text(matches, name)).collect();
    if let Some(config) = config {
        let data = &config.data;
        inputs.push(data.path.clone());
        inputs.extend([&data.dev, &data.test, &config.train.start_from].into_iter().flatten().cloned());
        inputs.extend([source::dev_part(&data.path), source::test_part(&data.path)].into_iter().flatten());
    }
    atomic::refuse_input(flag, output, inputs.iter().flat_map(|input| files(input, output)))
}

/// The value of an argument, if the verb has it.
fn text(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.try_get_one::<String>(name).ok().flatten().cloned()
}

/// The files of an input that the output might overwrite.
fn files(input: &str, output: &Path) -> Vec<PathBuf> {
    let path = Path::new(input);
    if input == "-" {
        return vec!["/dev/stdin".into()];
    }
    if !path.is_dir() {
        return vec![path.into()];
    }
    // Predictions and pages about a folder may be written into it: they are neither examples nor files that a run
    // needs.
    let about = |path: &Path| {
        path.extension().is_some_and(|ending| ["csv", "html", "jsonl"].iter().any(|other| ending == *other))
            && path.file_name().is_none_or(|name| name != "events.jsonl")
    };
    let inside = |output: &PathBuf| path.canonicalize().is_ok_and(|folder| output.starts_with(folder));
    output.canonicalize().ok().filter(|output| inside(output) && !about(output)).into_iter().collect()
}
