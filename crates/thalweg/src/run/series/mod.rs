//! A series: runs of one configuration, each with another fold as its test part or with another seed, and what they come
//! to together.
//!
//! A series has a folder: `config.toml` is the configuration that all runs share, `folds/` (or `seeds/`) has their run
//! folders, `folds.json` (or `seeds.json`) the metrics of each with their mean and spread, `out_of_fold.csv` the answers to
//! each row by the run that was not trained on it, and `report.html` shows them. A series that was stopped goes on where
//! it was; runs that are finished are not trained again.

mod in_memory;
mod out_of_fold;
mod page;
mod summary;

use std::path::{Path, PathBuf};

pub use in_memory::{TrainedSeries, train_series_on};
pub use out_of_fold::{OutOfFold, OutOfFoldRow};
pub use summary::{SeriesRun, Spread, Summary};

use super::folder::taken;
use super::resume::{go_to_end, written};
use super::{Callback, Outcome, RunFolder, identity, short_name};
use crate::config::Config;
use crate::data::source;
use crate::error::{Advice, Error, ErrorKind, Result};
use crate::event::Event;
use crate::io::atomic;
use crate::recipe;
use crate::train::StopReason;

use serde::{Deserialize, Serialize};

const OUT_OF_FOLD: &str = "out_of_fold.csv";

/// In what the runs of a series differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variation {
    /// In the fold that is test, of this many.
    Folds(usize),
    /// In the seed of training, of this many from the configured one on; the rows are divided alike.
    Seeds(usize),
}

impl Variation {
    /// What one run is told from the others by: `fold`.
    pub fn word(self) -> &'static str {
        match self {
            Variation::Folds(_) => "fold",
            Variation::Seeds(_) => "seed",
        }
    }

    /// Its option and its folder: `folds`.
    fn name(self) -> &'static str {
        match self {
            Variation::Folds(_) => "folds",
            Variation::Seeds(_) => "seeds",
        }
    }

    /// The fold or the seed of each run.
    fn numbers(self, config: &Config) -> Vec<u64> {
        match self {
            Variation::Folds(count) => (0..count as u64).collect(),
            Variation::Seeds(count) => (0..count as u64).map(|i| config.train.seed + i).collect(),
        }
    }

    /// The configuration of a run.
    pub(crate) fn configure(self, config: &Config, number: u64) -> Config {
        let mut config = config.clone();
        config.split.split_seed.get_or_insert(config.train.seed);
        match self {
            Variation::Folds(count) => config.split.test_fold = Some(vec![number as usize, count]),
            Variation::Seeds(_) => config.train.seed = number,
        }
        if let Some(figures) = &mut config.output.figures {
            *figures = Path::new(figures).join(number.to_string()).display().to_string();
        }
        config
    }

    /// Checks that a configuration can be varied so.
    ///
    /// # Errors
    /// If it says otherwise which rows are test, or there are fewer than two runs.
    pub(crate) fn check(self, config: &Config) -> Result<()> {
        let flag = format!("--{}", self.name());
        let wrong = |what: &str| Error::config(what).at(&flag);
        if self.count() < 2 {
            return Err(wrong("a single run has no spread")
                .fix(Advice::from("take 2 or more: ").and(Advice::option(self.name(), "5"))));
        }
        if config.data.path == "-" {
            return Err(wrong("every run reads the data once more, and standard input can be read once")
                .fix("put standard input into a file"));
        }
        let Variation::Folds(_) = self else { return Ok(()) };
        if config.data.forecast.is_some() {
            return Err(wrong("a forecast is trained on the earliest steps of its series, and a fold may be earlier")
                .fix("leave out [folds], or tell the spread over [seeds=5]"));
        }
        if config.data.test.is_some() {
            return Err(wrong("each fold is test in turn, and a test part of its own is named")
                .fix("leave out [test], and evaluate a model on it that is trained on all rows"));
        }
        if config.split.test_fold.is_some() {
            return Err(wrong("each fold is test in turn, and one fold is named").fix("leave out [test_fold]"));
        }
        self.check_start(config)
    }

    /// A model that has seen the rows makes folds that were never held out.
    fn check_start(self, config: &Config) -> Result<()> {
        let Some(start) = &config.train.start_from else { return Ok(()) };
        let (known, hash) = (recipe::start_model(start)?.provenance.hashes, source::hash(&config.data.path)?);
        if hash.is_none_or(|hash| !known.values().any(|known| *known == hash)) {
            return Ok(());
        }
        let error = Error::config("the model that training starts from was trained on rows of every fold");
        Err(error.at("--start-from").fix("leave [start_from] out, or start from a model of other data"))
    }

    fn count(self) -> usize {
        match self {
            Variation::Folds(count) | Variation::Seeds(count) => count,
        }
    }

    /// An error that says in which run it was.
    fn error_in(self, number: u64, error: Error) -> Error {
        if error.kind == ErrorKind::Interrupted {
            return error;
        }
        Error { message: format!("{} {number}: {}", self.word(), error.message), ..error }
    }

    /// The file in the series' folder that says what it is, and what its runs came to.
    fn record(self) -> String {
        format!("{}.json", self.name())
    }
}

/// A series of runs, as far as they are trained.
#[derive(Debug)]
pub struct Series {
    /// Its folder.
    pub folder: PathBuf,
    /// What its runs came to.
    pub summary: Summary,
    /// Why training ended: of the last run, or of one that reached its time limit.
    pub end: StopReason,
}

/// Trains a series of runs in a new folder; if the folder holds a series of the same configuration that was stopped, goes
/// on with it.
///
/// # Errors
/// If the data or the configuration is invalid, the folder cannot be written, or training diverges.
pub fn train_series(config: &Config, variation: Variation, callback: &mut dyn Callback) -> Result<Series> {
    variation.check(config)?;
    let out = config.output.out.as_deref();
    if let Some(out) = out.map(Path::new).filter(|out| is_series(out)) {
        return again(config, variation, out, callback);
    }
    super::check_settings(config)?;
    let folder = RunFolder::create(out, &short_name(&config.data.path))?;
    let mut config = config.clone();
    // One model of the same configuration is another run, in a folder of its own.
    config.output.out = None;
    let summary = Summary::new(variation, &config);
    atomic::write(&folder.config(), config.to_toml().as_bytes())?;
    summary.save(&folder)?;
    run_all(&config, folder, summary, callback)
}

/// Goes on with a series that was stopped.
///
/// # Errors
/// If the folder has none, it is finished, or the data has changed.
pub fn resume_series(path: &Path, callback: &mut dyn Callback) -> Result<Series> {
    let folder = RunFolder::open(path)?;
    let summary = Summary::read(path)?;
    if summary.complete {
        let error = Error::config("the series is finished: each of its runs is").at(path.display().to_string());
        return Err(error.fix("read its report.html, or train another with [out]"));
    }
    run_all(&written(&folder.config())?, folder, summary, callback)
}

/// Whether a folder is that of a series.
pub fn is_series(path: &Path) -> bool {
    [Variation::Folds(0), Variation::Seeds(0)].iter().any(|variation| path.join(variation.record()).is_file())
}

/// Goes on with the series in a folder, if it began so and is not complete.
fn again(config: &Config, variation: Variation, path: &Path, callback: &mut dyn Callback) -> Result<Series> {
    let folder = RunFolder::open(path)?;
    let (summary, kept) = (Summary::read(path)?, written(&folder.config())?);
    let identity_of = |config: &Config| {
        let mut config = identity(config);
        config.output.out = None;
        config.to_toml()
    };
    if summary.complete || summary.variation != variation || identity_of(config) != identity_of(&kept) {
        return Err(taken(path));
    }
    let message = format!("{}: going on with the runs in this folder, which were stopped", path.display());
    callback.event(&Event::Warning(message.into()));
    run_all(&kept, folder, summary, callback)
}

/// Trains the runs that are not finished, and sums all up; a series of which no run could begin leaves nothing.
fn run_all(config: &Config, folder: RunFolder, mut summary: Summary, callback: &mut dyn Callback) -> Result<Series> {
    let variation = summary.variation;
    let runs = folder.path().join(variation.name());
    let end = match train_each(config, &folder, &mut summary, callback) {
        Err(error) if error.kind == ErrorKind::Interrupted && !summary.runs.is_empty() => StopReason::Interrupted,
        Err(error) => {
            let empty = std::fs::remove_dir(&runs);
            if summary.runs.is_empty() && (empty.is_ok() || !runs.exists()) {
                _ = std::fs::remove_file(folder.path().join(variation.record()));
                folder.discard();
            }
            return Err(error);
        }
        Ok(end) => end,
    };
    if summary.runs.len() == variation.count() && matches!(variation, Variation::Folds(_)) {
        let answers = OutOfFold::of(folder.path(), &summary)?;
        atomic::write(&folder.path().join(OUT_OF_FOLD), answers.to_csv().as_bytes())?;
        summary.out_of_fold = Some(OUT_OF_FOLD.into());
    }
    summary.complete = summary.runs.len() == variation.count();
    // The report before the record, which says that all is there.
    atomic::write(&folder.report(), page::html(&folder.name(), &summary).as_bytes())?;
    summary.save(&folder)?;
    Ok(Series { folder: folder.path().into(), summary, end })
}

fn train_each(
    config: &Config,
    folder: &RunFolder,
    summary: &mut Summary,
    callback: &mut dyn Callback,
) -> Result<StopReason> {
    let variation = summary.variation;
    let (numbers, mut end) = (variation.numbers(config), StopReason::Done);
    summary.runs.clear();
    for (position, &number) in numbers.iter().enumerate() {
        let run = format!("{}/{number}", variation.name());
        let path = folder.path().join(&run);
        callback.event(&Event::RunOfSeries { by: variation.word().into(), number, position, of: numbers.len() });
        let ended = go_to_end(&variation.configure(config, number), &path, callback);
        let ended = ended.map_err(|error| variation.error_in(number, error))?;
        match ended.map(|Outcome { end, .. }| end) {
            Some(StopReason::Interrupted) => return Ok(StopReason::Interrupted),
            Some(StopReason::TimeLimit) => end = StopReason::TimeLimit,
            _ => {}
        }
        summary.add(number, run, &path)?;
        summary.save(folder)?;
    }
    Ok(end)
}
