//! The runs of a folder, and what a row says of each.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thalweg::event::{Event, Run, Splits};
use thalweg::metrics::{Metric, Metrics, higher_is_better};
use thalweg::report::{metric_name, metric_value};
use thalweg::run::RunFolder;
use thalweg::{Error, ErrorKind, Result};

use crate::event_log::EventLog;
use crate::file_version::FileVersion;

const EVENTS: &str = "events.jsonl";
/// Folders within folders that are searched: `runs/study/trials/run`.
const DEPTH: usize = 5;
/// The most runs that are listed.
const MOST: usize = 10_000;
/// The most bytes of a log's beginning that are read for a row; decisions and warnings come before the first epoch.
const HEAD: usize = 1 << 20;
/// The bytes of a log's end that are read first, and the most.
const TAIL: [u64; 2] = [1 << 14, 1 << 26];
/// Whole logs that are kept in memory.
const KEPT: usize = 8;

/// The tags and notes that a user gives a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Labels {
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    notes: String,
}

/// A folder of runs.
#[derive(Debug)]
pub(crate) struct RunList {
    root: PathBuf,
    /// What is known of logs that have not changed since.
    summaries: Mutex<HashMap<PathBuf, (FileVersion, Arc<Summary>)>>,
    /// The logs read last, the latest last.
    logs: Mutex<Vec<(PathBuf, Arc<Mutex<Log>>)>>,
}

/// A whole log and the run that it tells of.
#[derive(Debug)]
struct Log {
    log: EventLog,
    run: Run,
}

/// What a row needs of a log: its beginning and its end.
#[derive(Debug, Default)]
struct Summary {
    run: Run,
    /// Warnings before the first epoch, and since the last one.
    early_warnings: usize,
    late_warnings: usize,
    /// The last epoch and its dev metrics.
    epoch: usize,
    dev: HashMap<String, f64>,
    seconds: f64,
    end: Option<Ended>,
}

/// The last event of a run, without the answers.
#[derive(Debug, Deserialize)]
struct Ended {
    reason: String,
    epochs: usize,
    best_epoch: usize,
    seconds: f64,
    metrics: Splits<Metrics>,
}

/// An epoch's end, as far as a row shows it.
#[derive(Debug, Deserialize)]
struct EpochEnded {
    epoch: usize,
    dev: HashMap<String, Option<f64>>,
    seconds: f64,
}

/// Whether a folder is that of a run.
pub(crate) fn is_run(path: &Path) -> bool {
    path.join(EVENTS).is_file() && path.join("config.toml").is_file()
}

impl RunList {
    pub(crate) fn new(root: PathBuf) -> RunList {
        RunList { root, summaries: Mutex::default(), logs: Mutex::default() }
    }

    /// The folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a run, by its path below the root.
    ///
    /// # Errors
    /// If there is no run at it, or it leads elsewhere.
    pub(crate) fn folder(&self, id: &str) -> Result<PathBuf> {
        let unknown = || Error::config("there is no such run").at(id.to_string());
        let path = Path::new(id);
        let plain = path.components().all(|part| matches!(part, Component::Normal(_))) && !id.is_empty();
        let folder = Some(self.root.join(path)).filter(|folder| plain && is_run(folder)).ok_or_else(unknown)?;
        // A link may lead out of the root.
        let real = folder.canonicalize().map_err(|_| unknown())?;
        if real.starts_with(&self.root) { Ok(folder) } else { Err(unknown()) }
    }

    /// The paths of all runs below the root.
    fn ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        let mut folders = vec![(self.root.clone(), DEPTH)];
        while let Some((folder, depth)) = folders.pop() {
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            // Links are not followed, for they may lead round in circles.
            for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
                let path = entry.path();
                if is_run(&path) {
                    ids.extend(path.strip_prefix(&self.root).ok().and_then(Path::to_str).map(str::to_string));
                } else if depth > 1 && !entry.file_name().to_string_lossy().starts_with('.') {
                    folders.push((path, depth - 1));
                }
            }
            if ids.len() >= MOST {
                break;
            }
        }
        ids
    }

    /// A row for each run, the latest first.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let mut rows: Vec<Value> = self.ids().iter().filter_map(|id| self.row(id).ok()).collect();
        rows.sort_by(|a, b| b["started"].as_str().cmp(&a["started"].as_str()));
        rows
    }

    /// What changes when there is something new in the list.
    pub(crate) fn state(&self) -> HashMap<String, FileVersion> {
        let version = |id: &String| FileVersion::of(&self.root.join(id).join(EVENTS));
        self.ids().into_iter().map(|id| (version(&id), id)).map(|(version, id)| (id, version)).collect()
    }

    /// The row of a run.
    ///
    /// # Errors
    /// If there is no such run.
    pub(crate) fn row(&self, id: &str) -> Result<Value> {
        let folder = self.folder(id)?;
        let summary = self.summary(&folder);
        let Summary { run, early_warnings, late_warnings, epoch, dev, seconds, end } = &*summary;
        let in_use = RunFolder::is_in_use(&folder);
        let status = match end.as_ref().map(|end| end.reason.as_str()) {
            _ if in_use => "running",
            Some(reason) if reason.contains("interrupted") => "interrupted",
            Some(reason) if reason.contains("diverged") => "diverged",
            Some(_) => "finished",
            None => "stopped",
        };
        let (monitor, higher) = &run.monitor;
        let watched = dev.get(monitor).map(|value| {
            json!({ "name": monitor, "value": value, "text": metric_value(monitor, *value), "higher_is_better": higher })
        });
        let labels = labels(&folder);
        let environment: Option<Value> =
            fs::read(folder.join("environment.json")).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Ok(json!({
            "id": id,
            "name": Path::new(id).file_name().and_then(|name| name.to_str()),
            "status": status,
            "data": run.data,
            "task": run.task.map(|task| task.to_string()),
            "targets": run.targets,
            "started": environment.and_then(|known| known.get("started").cloned()),
            "seconds": end.as_ref().map_or(*seconds, |end| end.seconds),
            "epoch": end.as_ref().map_or(*epoch, |end| end.epochs),
            "epochs": run.planned,
            "best_epoch": end.as_ref().map(|end| end.best_epoch).filter(|best| *best > 0),
            "parameters": run.parameters,
            "headline": end.as_ref().and_then(|end| headline(run, &end.metrics)),
            "monitor": watched,
            "tags": labels.tags,
            "notes": labels.notes,
            "warnings": early_warnings + late_warnings,
            "has_model": folder.join("model.safetensors").is_file(),
        }))
    }

    fn summary(&self, folder: &Path) -> Arc<Summary> {
        let path = folder.join(EVENTS);
        let version = FileVersion::of(&path);
        let lock = || self.summaries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = lock().get(folder).filter(|(known, _)| *known == version) {
            return known.clone();
        }
        let summary = Arc::new(Summary::read(&path).unwrap_or_default());
        lock().insert(folder.into(), (version, summary.clone()));
        summary
    }

    /// Shows a run with all its epochs, as far as its log has them now.
    ///
    /// # Errors
    /// If there is no such run, or its log cannot be read.
    pub(crate) fn with_run<T>(&self, id: &str, show: impl FnOnce(&Run) -> T) -> Result<T> {
        let folder = self.folder(id)?;
        let log = {
            let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
            let known = logs.iter().position(|(path, _)| *path == folder).map(|at| logs.remove(at).1);
            let new = || Log { log: EventLog::new(folder.join(EVENTS)), run: Run::default() };
            let log = known.unwrap_or_else(|| Arc::new(Mutex::new(new())));
            logs.push((folder.clone(), log.clone()));
            let over = logs.len().saturating_sub(KEPT);
            logs.drain(..over);
            log
        };
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let news = log.log.news();
        let news =
            news.map_err(|error| Error::io(ErrorKind::Data, folder.join(EVENTS), "read the event log", &error))?;
        if news.from_the_start {
            log.run = Run::default();
        }
        news.events.into_iter().for_each(|event| log.run.add(event));
        Ok(show(&log.run))
    }
}

/// The tags and notes of a run.
pub(crate) fn labels(folder: &Path) -> Labels {
    let text = fs::read(RunFolder::labels(folder)).ok();
    text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// The metric that a row shows: of test, or of dev where there is no test part.
fn headline(run: &Run, metrics: &Splits<Metrics>) -> Option<Value> {
    let (split, of) = metrics.named().into_iter().rfind(|(_, metrics)| !metrics.is_empty())?;
    let (name, Metric { value, low, high }) = run.headline(of)?;
    Some(json!({
        "split": split,
        "name": name,
        "label": metric_name(name),
        "value": value,
        "low": low,
        "high": high,
        "text": metric_value(name, value),
        "higher_is_better": higher_is_better(name),
    }))
}

impl Summary {
    fn read(path: &Path) -> io::Result<Summary> {
        let mut file = File::open(path)?;
        let mut summary = Summary::default();
        let mut head = vec![0; HEAD];
        let read = fill(&mut file, &mut head)?;
        for line in head[..read].split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            match serde_json::from_slice(line) {
                Ok(Event::EpochEnded { .. }) => break,
                Ok(event) => {
                    summary.early_warnings += usize::from(matches!(event, Event::Warning(_)));
                    summary.run.add(event);
                }
                Err(_) => {}
            }
        }
        let length = file.metadata()?.len();
        let mut size = TAIL[0];
        while !summary.take_end(&mut file, length, size)? && size < length.min(TAIL[1]) {
            size *= 8;
        }
        Ok(summary)
    }

    /// Looks for the last epoch and the end among the last bytes; whether it has found either.
    fn take_end(&mut self, file: &mut File, length: u64, size: u64) -> io::Result<bool> {
        self.late_warnings = 0;
        file.seek(SeekFrom::Start(length.saturating_sub(size)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        for line in tail.split(|byte| *byte == b'\n').rev() {
            if line.starts_with(br#"{"event":"warning""#) {
                self.late_warnings += 1;
            } else if line.starts_with(br#"{"event":"finished""#) {
                self.end = self.end.take().or(serde_json::from_slice(line).ok());
            } else if line.starts_with(br#"{"event":"epoch_ended""#)
                && let Ok(EpochEnded { epoch, dev, seconds }) = serde_json::from_slice(line)
            {
                (self.epoch, self.seconds) = (epoch, seconds);
                self.dev = dev.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                return Ok(true);
            }
        }
        Ok(self.end.is_some())
    }
}

/// Reads until the buffer is full or the file ends; returns how much.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match file.read(&mut buffer[read..])? {
            0 => break,
            n => read += n,
        }
    }
    Ok(read)
}
