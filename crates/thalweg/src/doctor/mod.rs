//! What is wrong with a run, or will be wrong with one: findings with their evidence, and what to type.
//!
//! To what a run's events show ([`crate::findings`]) come checks of its data and, before any training, of the network on
//! this data: a check is one function and one line in `ALL`.

mod before_training;
mod copies;
mod distributions;
mod leakage;
mod subject;

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::error::{Error, Result, did_you_mean};
use crate::event::Run;
use crate::event::{Event, read_events};
use crate::findings::{self, Check, Finding, Severity};
use crate::run::{self, RunFolder};
use subject::Subject;

/// What a user says of the task, and asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct DoctorOptions {
    /// The error that people make at the task, from 0 to 1: what a network can be expected to reach.
    pub human_level: Option<f64>,
}

/// What was found.
#[derive(Debug)]
pub struct Diagnosis {
    /// The findings, the most important first: causes before what follows from them.
    pub findings: Vec<Finding>,
    /// The command that trains as before; a prescription adds flags to it.
    pub command: String,
    /// What was not looked at, and why.
    pub notes: Vec<String>,
    /// The configuration, where it is known.
    config: Option<Config>,
}

/// A check of the data, or of a network on it before it is trained.
type Examine = fn(&Subject) -> Result<Option<Finding>>;

/// The path that stands for it: it can be read once.
const STANDARD_INPUT: &str = "-";

/// What follows where dev's rows are not like those of train.
const OF_UNLIKE_ROWS: &[&str] =
    &["data-mismatch", "high-variance", "dev-test-mismatch", "overconfident", "suspect-labels", "still-improving"];

/// What follows where dev's answers follow from its inputs in another way than in train: the epoch that is best on dev
/// knows little of train.
const OF_ANOTHER_RELATION: &[&str] = &[
    "high-bias",
    "avoidable-bias",
    "constant-answers",
    "plateau",
    "still-improving",
    "high-variance",
    "overconfident",
    "suspect-labels",
];

/// Every check of the data.
const OF_DATA: &[Check<Examine>] = &[
    Check { code: "leakage", explains: &["shuffled-labels-learned"], examine: leakage::leakage },
    Check { code: "distribution-shift", explains: OF_UNLIKE_ROWS, examine: distributions::distribution_shift },
    Check {
        code: "equal-rows-across-splits",
        explains: &["shuffled-labels-learned"],
        examine: copies::equal_rows_across_splits,
    },
    Check {
        code: "near-copies-across-splits",
        // A copy's answer is that of its neighbour in every column.
        explains: &["leakage", "shuffled-labels-learned"],
        examine: copies::near_copies_across_splits,
    },
    Check { code: "data-mismatch", explains: OF_ANOTHER_RELATION, examine: distributions::data_mismatch },
];

/// Every check of a network on its data before training.
const BEFORE_TRAINING: &[Check<Examine>] = &[
    Check { code: "gradient-wrong", explains: &["cannot-overfit-a-batch"], examine: before_training::gradient_wrong },
    Check { code: "cannot-overfit-a-batch", explains: &[], examine: before_training::cannot_overfit_a_batch },
    #[cfg(feature = "tune")]
    Check { code: "rate-beyond-range-test", explains: &[], examine: before_training::rate_beyond_range_test },
    Check { code: "shuffled-labels-learned", explains: &[], examine: before_training::shuffled_labels_learned },
];

/// The codes of all checks.
pub fn codes() -> impl Iterator<Item = &'static str> {
    order().into_iter().map(|(code, _)| code)
}

/// Every check's code and what it explains, in their order.
fn order() -> Vec<(&'static str, &'static [&'static str])> {
    let of_data = OF_DATA.iter().chain(BEFORE_TRAINING).map(|check| (check.code, check.explains));
    of_data.chain(findings::ALL.iter().map(|check| (check.code, check.explains))).collect()
}

/// Examines a run by its folder: its events, and its data where that is still there.
///
/// # Errors
/// If there is no event log in the folder.
pub fn examine(folder: &Path, options: DoctorOptions) -> Result<Diagnosis> {
    let (events, mut notes) = read_events(folder.join("events.jsonl"))?;
    let run = Run::new(&events);
    let mut found = findings::of(&run, options.human_level);
    let mut config = None;
    match run::configuration(folder) {
        Ok(read) => {
            let subject = Subject::new(read.clone());
            let missing = match read.data.path.as_str() {
                STANDARD_INPUT => Some("it came from standard input".into()),
                _ => subject.data().err().map(|error| error.message),
            };
            match missing {
                Some(why) => notes.push(format!("the data was not looked at: {why}")),
                None => look(OF_DATA, &subject, &mut found, &mut notes),
            }
            config = Some(Config { output: crate::config::Output { out: None, ..read.output.clone() }, ..read });
        }
        Err(error) => notes.push(format!("only the events were looked at: {error}")),
    }
    Ok(Diagnosis { findings: findings::ranked(found, &order()), command: run.command.clone(), notes, config })
}

/// Examines a configuration before training: its data, the network on it at random initialisation, and whether that can
/// learn. `command` is what trains so.
///
/// # Errors
/// If the configuration is invalid, or the data cannot be read or trained on.
pub fn examine_config(config: &Config, command: String, options: DoctorOptions) -> Result<Diagnosis> {
    if config.data.path == STANDARD_INPUT {
        let error = Error::config("standard input can be read once, and checks read the data several times");
        return Err(error.fix("name a file"));
    }
    let subject = Subject::new(config.clone());
    // What training would fail on is an error here, too.
    subject.prepared()?;
    let (mut found, mut notes) = (Vec::new(), Vec::new());
    match before_training::first_events(&subject) {
        Ok(events) => found.extend(findings::of_events(&events, options.human_level)),
        Err(error) => notes.push(format!("the first step was not looked at: {error}")),
    }
    look(OF_DATA, &subject, &mut found, &mut notes);
    look(BEFORE_TRAINING, &subject, &mut found, &mut notes);
    Ok(Diagnosis { findings: findings::ranked(found, &order()), command, notes, config: Some(config.clone()) })
}

/// Adds what checks find; what cannot be examined is noted.
fn look(checks: &[Check<Examine>], subject: &Subject, found: &mut Vec<Finding>, notes: &mut Vec<String>) {
    for check in checks {
        match (check.examine)(subject) {
            Ok(finding) => found.extend(finding.map(|finding| Finding { code: check.code, ..finding })),
            Err(error) => notes.push(format!("{} was not looked at: {}", check.code, error.message)),
        }
    }
}

impl Diagnosis {
    /// An object for scripts.
    pub fn to_json(&self) -> serde_json::Value {
        let findings: Vec<_> = self.findings.iter().map(|finding| finding.to_json(&self.command)).collect();
        serde_json::json!({ "findings": findings, "notes": self.notes })
    }

    /// The configuration with the options that findings prescribe, and these: of one finding by its code, or of all that
    /// are causes and more than hints.
    ///
    /// # Errors
    /// If there is nothing to change, or the changes contradict the configuration.
    pub fn fixed(&self, code: Option<&str>) -> Result<(Config, Vec<(String, String)>)> {
        let Some(config) = &self.config else {
            return Err(Error::config("the run's configuration is not known, so there is nothing to change"));
        };
        let found = || self.findings.iter().map(|finding| finding.code);
        if let Some(code) = code.filter(|code| !found().any(|found| found == *code)) {
            let error = Error::config(format!("found no {code:?}{}", did_you_mean(code, found())));
            return Err(error.fix(format!("name one of {}", found().collect::<Vec<_>>().join(", "))));
        }
        let wanted = |finding: &&Finding| match code {
            Some(code) => finding.code == code,
            None => finding.because.is_none() && finding.severity < Severity::Hint,
        };
        let mut changes: Vec<(String, String)> = Vec::new();
        for (option, value) in self.findings.iter().filter(wanted).flat_map(|finding| finding.prescription.options()) {
            // What the most important finding says of an option counts.
            if changes.iter().all(|(known, _)| known != option) {
                changes.push((option.into(), value.into()));
            }
        }
        if changes.is_empty() {
            let error = Error::config("no finding prescribes options");
            return Err(error.fix("see what thalweg doctor says without --fix"));
        }
        let settings = changes.iter().map(|(option, value)| (&**option, &**value));
        Ok((without_written_layers(config, &changes).with(settings)?, changes))
    }
}

/// Layers that are written one by one replace the options that findings prescribe: where these change, the hidden layers
/// are given by their units instead.
fn without_written_layers(config: &Config, changes: &[(String, String)]) -> Config {
    const REPLACED: [&str; 5] = ["layers", "activation", "init", "batch_norm", "dropout"];
    let mut config = config.clone();
    if changes.iter().any(|(option, _)| REPLACED.contains(&option.as_str())) {
        let units = config.network.layer.iter().filter_map(|layer| Some(layer.get("units")?.as_u64()? as usize));
        let units: Vec<usize> = units.collect();
        config.network.layers = config.network.layers.or((!units.is_empty()).then_some(units));
        config.network.layer.clear();
    }
    config
}

/// Where a fixed configuration is written: beside a run's folder, or in the current one.
pub fn fixed_path(examined: &Path) -> PathBuf {
    let name = format!("{}-fixed.toml", run::short_name(&examined.display().to_string()));
    if is_run(examined) { examined.with_file_name(name) } else { name.into() }
}

/// Whether a path is a run's folder.
pub fn is_run(path: &Path) -> bool {
    path.join("events.jsonl").is_file() || RunFolder::has_begun(path)
}

/// A listener that only stops training after some steps.
struct StopAfter {
    steps: usize,
    events: Vec<Event>,
}
