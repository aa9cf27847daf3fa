//! A run's folder: all files of one run, locked by one process at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::error::advice;
use crate::io::atomic;
use crate::{Error, ErrorKind, Result};

const LOCK: &str = "lock";
const CONFIG: &str = "config.toml";
const MODEL: &str = "model.safetensors";
const REJECTS: &str = "rejects.csv";
const PROGRESS: &str = "progress.json";
const STOP: &str = "stop";
const LABELS: &str = "labels.json";
const HISTORY: &str = "history.csv";
/// The newest checkpoint, and the one before it.
const CHECKPOINTS: [&str; 2] = ["checkpoint.safetensors", "checkpoint.previous.safetensors"];
/// Every file that a run writes to its folder, the lock last.
const FILES: [&str; 14] = [
    "environment.json",
    CONFIG,
    "events.jsonl",
    "start.safetensors",
    CHECKPOINTS[0],
    CHECKPOINTS[1],
    MODEL,
    "report.html",
    REJECTS,
    PROGRESS,
    STOP,
    LABELS,
    HISTORY,
    LOCK,
];

/// The folder of a run, locked until this value is dropped or the process ends for whatever reason.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Held open for its lock.
    _lock: File,
}

impl RunFolder {
    /// Creates the folder of a new run: `out`, or `runs/<data_name>-<n>` with the first unused number.
    ///
    /// Files left by a run that was stopped before its first checkpoint are removed.
    ///
    /// # Errors
    /// If `out` has anything else in it, another process holds it, or it is not writable.
    pub fn create(out: Option<&str>, data_name: &str) -> Result<RunFolder> {
        let path = match out.map(Path::new) {
            Some(out) if has_not_begun(out) => {
                let folder = RunFolder::open(out)?;
                // The previous holder may have started a run in the meantime.
                return if has_not_begun(out) { folder.cleared() } else { Err(taken(out)) };
            }
            Some(out) => empty(out)?,
            None => RunFolder::reserve(data_name)?,
        };
        // If two processes found the folder empty, only one creates this file.
        let lock = OpenOptions::new().write(true).create_new(true).open(path.join(LOCK));
        let lock = lock.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => taken(&path),
            _ => unwritable(&path, &error),
        })?;
        let folder = RunFolder { _lock: hold(lock, &path)?, path };
        atomic::write(&folder.environment(), environment().as_bytes())?;
        Ok(folder)
    }

    /// Creates a new folder under `runs/` for a later run.
    ///
    /// # Errors
    /// If it cannot be created.
    pub(crate) fn reserve(data_name: &str) -> Result<PathBuf> {
        numbered(Path::new("runs"), data_name)
    }

    /// Checks that a run can begin at a path.
    ///
    /// # Errors
    /// If the path is already in use.
    #[cfg(feature = "tune")]
    pub(crate) fn check_free(path: &Path) -> Result<()> {
        let filled = match fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_some(),
            Err(_) => path.exists(),
        };
        if filled && !has_not_begun(path) { Err(taken(path)) } else { Ok(()) }
    }

    /// Whether the path has a run that is complete or can be resumed.
    pub(crate) fn has_begun(path: &Path) -> bool {
        path.join(LOCK).is_file() && path.join(CONFIG).is_file() && !has_not_begun(path)
    }

    /// Removes all files that a run has written.
    pub(crate) fn cleared(self) -> Result<RunFolder> {
        for name in FILES.iter().filter(|name| **name != LOCK) {
            match fs::remove_file(self.path.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritable(&self.path, &error)),
                _ => {}
            }
        }
        atomic::write(&self.environment(), environment().as_bytes())?;
        Ok(self)
    }

    /// Opens the folder of a run to resume, and removes unfinished files of a killed process.
    ///
    /// # Errors
    /// If it is not a run's folder, cannot be written, or another process holds it.
    pub fn open(path: impl AsRef<Path>) -> Result<RunFolder> {
        let path = path.as_ref();
        let lock = OpenOptions::new().write(true).open(path.join(LOCK)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::config("this is no run's folder")
                .at(path.display().to_string())
                .fix("name the folder that a training run wrote, such as runs/digits-1"),
            _ => unwritable(path, &error),
        })?;
        let folder = RunFolder { _lock: hold(lock, path)?, path: path.into() };
        atomic::remove_unfinished(path).map_err(|error| unwritable(path, &error))?;
        folder.take_stop_request();
        Ok(folder)
    }

    /// Whether another process trains in a folder now.
    pub fn is_in_use(path: &Path) -> bool {
        let lock = File::open(path.join(LOCK));
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Asks the process that trains in a folder to stop as for Ctrl-C: it saves a checkpoint first.
    ///
    /// # Errors
    /// If nothing trains there, or the folder cannot be written.
    pub fn request_stop(path: &Path) -> Result<()> {
        if !RunFolder::is_in_use(path) {
            return Err(Error::config("nothing trains in this folder").at(path.display().to_string()));
        }
        File::create(path.join(STOP)).map(drop).map_err(|error| unwritable(path, &error))
    }

    /// Whether a stop was requested; asked once, a request is done with.
    pub(super) fn take_stop_request(&self) -> bool {
        fs::remove_file(self.path.join(STOP)).is_ok()
    }

    /// Deletes a run: its own files, and its folder if nothing else is in it.
    ///
    /// # Errors
    /// If it is not a run's folder, or a process trains in it.
    pub fn delete(path: &Path) -> Result<()> {
        RunFolder::open(path)?.discard();
        Ok(())
    }

    /// Removes a folder in which no training has begun.
    pub(crate) fn discard(&self) {
        // The lock last.
        for name in FILES {
            _ = fs::remove_file(self.path.join(name));
        }
        _ = std::fs::remove_dir(&self.path);
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's name: that of its folder.
    pub fn name(&self) -> String {
        let whole = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        whole.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Whether there is a checkpoint, intact or not.
    pub fn has_checkpoint(&self) -> bool {
        self.checkpoint().exists() || self.previous_checkpoint().exists()
    }

    /// The complete configuration.
    pub fn config(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    /// The event log.
    pub fn events(&self) -> PathBuf {
        self.path.join("events.jsonl")
    }

    /// The newest checkpoint.
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join(CHECKPOINTS[0])
    }

    /// The checkpoint before it.
    pub fn previous_checkpoint(&self) -> PathBuf {
        self.path.join(CHECKPOINTS[1])
    }

    /// The model with the best parameters.
    pub fn model(&self) -> PathBuf {
        self.path.join(MODEL)
    }

    /// The model that training started from, if any.
    pub fn start(&self) -> PathBuf {
        self.path.join("start.safetensors")
    }

    /// The cells and files that could not be read; there is none if all could.
    pub fn rejects(&self) -> PathBuf {
        self.path.join(REJECTS)
    }

    /// How far the epoch under way is, written about once a second.
    pub fn progress(path: &Path) -> PathBuf {
        path.join(PROGRESS)
    }

    /// The tags and notes that its user gave it.
    pub fn labels(path: &Path) -> PathBuf {
        path.join(LABELS)
    }

    /// The epochs as a table.
    pub fn history(&self) -> PathBuf {
        self.path.join(HISTORY)
    }

    /// The report.
    pub fn report(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// The environment of the run.
    pub fn environment(&self) -> PathBuf {
        self.path.join("environment.json")
    }
}

/// Whether the folder only holds files of a run that was stopped before its first checkpoint.
fn has_not_begun(path: &Path) -> bool {
    let begins_with = |name: &str| FILES.contains(&name) && !CHECKPOINTS.contains(&name) && name != MODEL;
    let is_ours = |entry: io::Result<fs::DirEntry>| {
        let name = entry.ok().and_then(|entry| entry.file_name().into_string().ok());
        name.is_some_and(|name| begins_with(&name) || name.contains(atomic::UNFINISHED))
    };
    path.join(LOCK).is_file() && fs::read_dir(path).is_ok_and(|mut entries| entries.all(is_ours))
}

/// An empty folder, created if necessary.
fn empty(path: &Path) -> Result<PathBuf> {
    fs::create_dir_all(path).map_err(|error| unwritable(path, &error))?;
    let mut entries = fs::read_dir(path).map_err(|error| unwritable(path, &error))?;
    if entries.next().is_some() { Err(taken(path)) } else { Ok(path.into()) }
}

fn numbered(runs: &Path, data_name: &str) -> Result<PathBuf> {
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = data_name.chars().map(plain).take(100).collect();
    let name = match name.trim_matches(['.', '-']) {
        "" => "run",
        name => name,
    };
    fs::create_dir_all(runs).map_err(|error| unwritable(runs, &error))?;
    let mut number = 1;
    loop {
        let path = runs.join(format!("{name}-{number}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(unwritable(&path, &error)),
        }
    }
}

/// Takes the lock and writes the holder's identity to it.
fn hold(mut lock: File, path: &Path) -> Result<File> {
    let mut attempts = 0;
    // Whoever looks whether the folder is in use holds the lock for a moment.
    while let Err(error) = lock.try_lock() {
        match error {
            TryLockError::WouldBlock if attempts < 3 => thread::sleep(Duration::from_millis(20)),
            TryLockError::WouldBlock => return Err(in_use(path)),
            TryLockError::Error(error) => return Err(unwritable(path, &error)),
        }
        attempts += 1;
    }
    let written = lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| write!(lock, "{}", std::process::id()));
    written.map_err(|error| unwritable(path, &error))?;
    Ok(lock)
}

fn in_use(path: &Path) -> Error {
    // Its content is only reported, never acted upon.
    let holder = fs::read_to_string(path.join("lock")).unwrap_or_default();
    let holder = holder.parse::<u32>().map_or("another process".into(), |id| format!("process {id}"));
    Error::config(format!("{holder} is training in this folder"))
        .at(path.display().to_string())
        .fix("wait for it to end, stop it, or choose another folder with [out]")
}

pub(crate) fn taken(path: &Path) -> Error {
    let place = path.display().to_string();
    let other = "choose another folder with [out], or leave [out] away for a new one under runs/";
    let fix = if RunFolder::has_begun(path) {
        advice!("go on with the run that is there with thalweg resume {}, or ", place).and(other)
    } else {
        other.into()
    };
    Error::config("there is something in this folder already").at(place).fix(fix)
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::io(ErrorKind::Config, path, "write in the run's folder", error)
        .fix("choose a folder that can be written with [out]")
}

/// What later readers need to know of the machine, and nothing that identifies its user.
fn environment() -> String {
    let environment = json!({
        "thalweg": env!("CARGO_PKG_VERSION"),
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
        "instructions": format!("{:?}", thalweg_kernels::instructions()).to_lowercase(),
        "threads": std::thread::available_parallelism().map_or(1, usize::from),
        "started": moment(SystemTime::now()),
    });
    format!("{environment:#}\n")
}

/// A time in words: a date, or seconds if the clock is off by thousands of years.
fn moment(time: SystemTime) -> String {
    let seconds = || match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => format!("{} s after 1970", since.as_secs()),
        Err(before) => format!("{} s before 1970", before.duration().as_secs()),
    };
    jiff::Timestamp::try_from(time).map_or_else(|_| seconds(), |moment| moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a/b");
        let first = RunFolder::create(out.to_str(), "").unwrap();
        assert_eq!(first.name(), "b");
        let error = RunFolder::open(&out).unwrap_err().to_string();
        assert!(error.contains(&format!("process {} is training", std::process::id())), "{error}");
        drop(first);
        fs::write(out.join(".model.safetensors.unfinished-1-1"), "ha").unwrap();
        let again = RunFolder::open(&out).unwrap();
        let mut names: Vec<_> = fs::read_dir(again.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["environment.json", "lock"]);
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "x").unwrap();
        let error = RunFolder::create(folder.path().to_str(), "").unwrap_err();
        assert!(error.to_string().contains("something in this folder"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = RunFolder::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("no run's folder"), "{error}");
    }

    #[test]
    fn a_folder_without_a_checkpoint_is_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().to_str();
        let first = RunFolder::create(out, "").unwrap();
        let held = RunFolder::create(out, "").unwrap_err().to_string();
        assert!(held.contains("is training in this folder"), "{held}");
        for name in ["config.toml", "events.jsonl", "start.safetensors", ".x.unfinished-1-1"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        drop(first);
        let again = RunFolder::create(out, "").unwrap();
        assert!(!again.config().exists() && !again.events().exists() && again.environment().exists());
        drop(again);
        // With a checkpoint, a model or any other file, nothing is touched.
        for name in ["checkpoint.safetensors", "checkpoint.previous.safetensors", "model.safetensors", "thesis.txt"] {
            fs::write(folder.path().join(name), "x").unwrap();
            assert!(RunFolder::create(out, "").unwrap_err().to_string().contains("something in this folder"), "{name}");
            assert!(folder.path().join("environment.json").exists());
            fs::remove_file(folder.path().join(name)).unwrap();
        }
        RunFolder::create(out, "").unwrap().discard();
        assert!(!folder.path().exists());
    }

    #[test]
    fn a_stop_is_requested_where_a_run_trains_and_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path().to_str(), "").unwrap();
        assert!(RunFolder::is_in_use(run.path()) && !run.take_stop_request());
        RunFolder::request_stop(run.path()).unwrap();
        assert!(run.take_stop_request() && !run.take_stop_request());
        RunFolder::request_stop(run.path()).unwrap();
        drop(run);
        assert!(!RunFolder::is_in_use(folder.path()));
        let error = RunFolder::request_stop(folder.path()).unwrap_err().to_string();
        assert!(error.contains("nothing trains in this folder"), "{error}");
        // A request that came too late does not stop the next training.
        assert!(!RunFolder::open(folder.path()).unwrap().take_stop_request());
    }

    #[test]
    fn a_run_is_deleted_with_what_is_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (path, kept) = (folder.path().join("run"), folder.path().join("run/thesis.txt"));
        let run = RunFolder::create(path.to_str(), "").unwrap();
        fs::write(run.model(), "x").unwrap();
        assert!(RunFolder::delete(&path).unwrap_err().to_string().contains("is training in this folder"));
        drop(run);
        fs::write(&kept, "x").unwrap();
        RunFolder::delete(&path).unwrap();
        assert!(kept.exists() && !path.join("model.safetensors").exists());
        assert!(RunFolder::delete(&path).unwrap_err().to_string().contains("no run's folder"));
    }

    #[test]
    fn a_clock_may_stand_anywhere() {
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        assert_eq!(moment(at(86_400)), "1970-01-02T00:00:00Z");
        assert_eq!(moment(at(253_402_300_800)), "253402300800 s after 1970");
        let before = SystemTime::UNIX_EPOCH - std::time::Duration::from_secs(86_400);
        assert_eq!(moment(before), "1969-12-31T00:00:00Z");
        let long_before = SystemTime::UNIX_EPOCH - std::time::Duration::from_secs(1_000_000_000_000);
        assert_eq!(moment(long_before), "1000000000000 s before 1970");
    }

    #[test]
    fn what_cannot_be_written_is_found_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        let mut impossible = vec![file.join("out")];
        if cfg!(target_os = "linux") {
            // Not even root can write there.
            impossible.push("/proc/self/out".into());
        }
        for path in impossible {
            let error = RunFolder::create(path.to_str(), "").unwrap_err();
            assert_eq!((error.kind, error.place), (ErrorKind::Config, Some(path.display().to_string())));
            assert!(error.remedy.unwrap().to_string().contains("--out"));
        }
    }

    #[test]
    fn numbers_are_given_once_however_many_ask() {
        let runs = tempfile::tempdir().unwrap();
        let mut paths: Vec<PathBuf> = std::thread::scope(|scope| {
            let ask = || (0..5).map(|_| numbered(runs.path(), "my data/../x.csv").unwrap()).collect::<Vec<_>>();
            let askers: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            askers.into_iter().flat_map(|asker| asker.join().unwrap()).collect()
        });
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), 20);
        assert!(paths.contains(&runs.path().join("my-data-..-x.csv-20")));
        assert!(numbered(runs.path(), "..").unwrap().ends_with("run-1"));
    }

    #[test]
    fn the_environment_names_the_machine_but_no_user() {
        let environment: serde_json::Value = serde_json::from_str(&environment()).unwrap();
        let keys: Vec<_> = environment.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["thalweg", "os", "arch", "instructions", "threads", "started"]);
        assert!(environment["started"].as_str().unwrap().ends_with('Z'));
    }
}
