//! The study: every trial in an SQLite file that several processes may share, and that survives any of them.
//!
//! A worker keeps the heartbeat of its trial fresh; a trial whose heartbeat has stopped is reclaimed by the next
//! worker. Only the worker that holds a trial can end it, so each ends once.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use super::record::{Ending, EpochValue, Trial, TrialKind};
use super::space::Point;
use crate::config::Config;
use crate::error::{Error, Result};

/// Distinguishes a study from other SQLite files: "thal".
const APPLICATION: i64 = 0x7468_616c;
/// The schema version.
const VERSION: i64 = 1;
/// Age of a heartbeat at which its worker counts as dead.
pub(super) const SILENCE: Duration = Duration::from_secs(5);
/// How often a trial may be reclaimed without completing an epoch before it counts as what kills its workers.
const MOST_DEATHS: i64 = 10;
/// How long to wait while another process holds the file.
const PATIENCE: Duration = Duration::from_secs(30);

const TABLES: &str = "
    CREATE TABLE study (
        id INTEGER PRIMARY KEY CHECK (id = 0),
        config TEXT NOT NULL, data TEXT NOT NULL, objective TEXT NOT NULL, higher INTEGER NOT NULL,
        created REAL NOT NULL, finisher TEXT, heartbeat REAL, run TEXT, folder TEXT
    );
    CREATE TABLE trial (
        number INTEGER PRIMARY KEY, kind TEXT NOT NULL, point TEXT NOT NULL, seed INTEGER NOT NULL,
        state TEXT NOT NULL, worker TEXT, heartbeat REAL, deaths INTEGER NOT NULL DEFAULT 0, ends INTEGER NOT NULL DEFAULT 0,
        started REAL NOT NULL, seconds REAL NOT NULL DEFAULT 0, epochs INTEGER NOT NULL DEFAULT 0,
        value REAL, others TEXT NOT NULL DEFAULT '{}', why TEXT
    );
    CREATE TABLE epoch (
        epoch INTEGER NOT NULL, trial INTEGER NOT NULL, value REAL, best REAL, PRIMARY KEY (epoch, trial)
    ) WITHOUT ROWID;
";

/// The answer to a worker's request for a trial.
#[derive(Debug)]
pub(super) enum Claim {
    /// A trial, now held by the worker.
    Trial(Trial),
    /// None until other trials have ended.
    Wait,
    /// None left.
    Over,
}

/// The search's decision on what comes next.
pub(super) enum Next {
    /// A trial.
    Trial(TrialKind, Point, u64),
    /// None until other trials have ended.
    Wait,
    /// None left.
    Over,
}

/// An open study file.
#[derive(Debug)]
pub struct Study {
    connection: Connection,
    path: PathBuf,
    /// The metric optimised for.
    pub objective: String,
    /// Whether higher is better.
    pub higher: bool,
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

impl Study {
    /// Creates the file of a new study.
    ///
    /// # Errors
    /// If the path exists or cannot be written.
    pub(super) fn create(path: &Path, config: &Config, data: &str, objective: &str, higher: bool) -> Result<Study> {
        if path.exists() {
            let error = Error::config("there is a file already").at(path.display().to_string());
            return Err(error.fix("name another file with [study]; to go on with a study, leave DATA out"));
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| {
                Error::io(crate::ErrorKind::Config, folder, "make the study's folder", &error)
                    .fix("name another [study]")
            })?;
        }
        let failed = |error| failed(path, error);
        let mut connection = connect(path).map_err(failed)?;
        let make = |connection: &mut Connection| -> rusqlite::Result<()> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(TABLES)?;
            transaction.execute(
                "INSERT INTO study (id, config, data, objective, higher, created) VALUES (0, ?, ?, ?, ?, ?)",
                params![config.to_toml(), data, objective, higher, now()],
            )?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()
        };
        make(&mut connection).map_err(failed)?;
        Ok(Study { connection, path: path.into(), objective: objective.into(), higher })
    }

    /// Opens a study.
    ///
    /// # Errors
    /// If there is no file, or it is not a study, has another version, is damaged, or is held by another program.
    pub fn open(path: &Path) -> Result<Study> {
        let place = |error: Error| error.at(path.display().to_string());
        if !path.is_file() {
            return Err(place(Error::config("there is no study here")).fix("thalweg tune DATA begins one"));
        }
        let failed = |error| failed(path, error);
        let connection = connect(path).map_err(failed)?;
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
        if pragma("application_id")? != APPLICATION {
            return Err(place(Error::config("this is no study")).fix("name the file that thalweg tune wrote"));
        }
        let version = pragma("user_version")?;
        if version != VERSION {
            let message = format!("a study of version {version}; this Thalweg knows version {VERSION}");
            return Err(place(Error::config(message)).fix("use the Thalweg that began it, or begin a new study"));
        }
        let facts = connection.query_row("SELECT objective, higher FROM study", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?))
        });
        let (objective, higher) = facts.map_err(failed)?;
        Ok(Study { connection, path: path.into(), objective, higher })
    }

    /// Another connection to the same file, for another thread.
    ///
    /// # Errors
    /// If the file cannot be opened any more.
    pub(super) fn again(&self) -> Result<Study> {
        Study::open(&self.path)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The configuration of the search.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn config(&self) -> Result<Config> {
        Config::from_written(&self.written()?, &self.path.display().to_string())
    }

    /// The configuration as the version that began the study wrote it.
    pub(super) fn written(&self) -> Result<String> {
        self.one("SELECT config FROM study")
    }

    /// The fingerprint of the data.
    pub(super) fn data(&self) -> Result<String> {
        self.one("SELECT data FROM study")
    }

    /// The run of the best trial, once trained.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn run(&self) -> Result<Option<PathBuf>> {
        Ok(self.one::<Option<String>>("SELECT run FROM study")?.map(PathBuf::from))
    }

    fn one<T: rusqlite::types::FromSql>(&self, query: &str) -> Result<T> {
        self.connection.query_row(query, [], |row| row.get(0)).map_err(|error| failed(&self.path, error))
    }

    /// Every trial, in order.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn trials(&self) -> Result<Vec<Trial>> {
        trials(&self.connection, self.higher).map_err(|error| failed(&self.path, error))
    }

    /// The values of a trial, epoch by epoch.
    pub(super) fn curve(&self, trial: usize) -> Result<Vec<f64>> {
        let query = "SELECT value FROM epoch WHERE trial = ? ORDER BY epoch";
        let value = |row: &Row| Ok(row.get::<_, Option<f64>>(0)?.unwrap_or(f64::NAN));
        self.all(query, trial, value)
    }

    /// The best value up to an epoch of each trial that reached it, by trial number.
    pub(super) fn bests_at(&self, epoch: usize) -> Result<Vec<(usize, f64)>> {
        let query = "SELECT trial, best FROM epoch WHERE epoch = ? AND best IS NOT NULL";
        self.all(query, epoch, |row| Ok((row.get::<_, i64>(0)? as usize, row.get(1)?)))
    }

    fn all<T>(&self, query: &str, number: usize, read: fn(&Row) -> rusqlite::Result<T>) -> Result<Vec<T>> {
        let rows = || -> rusqlite::Result<Vec<T>> {
            self.connection.prepare_cached(query)?.query_map([number as i64], read)?.collect()
        };
        rows().map_err(|error| failed(&self.path, error))
    }

    /// Claims a trial: one whose worker died, one that waits, or the next of the search.
    pub(super) fn claim(&mut self, worker: &str, next: impl FnOnce(&[Trial]) -> Next) -> Result<Claim> {
        let (path, higher) = (self.path.clone(), self.higher);
        let claim = |connection: &mut Connection| -> rusqlite::Result<Claim> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let dead = now() - SILENCE.as_secs_f64();
            transaction.execute(
                "UPDATE trial SET state = 'failed', ends = ends + 1, why = 'its worker died again and again'
                 WHERE state = 'running' AND heartbeat < ? AND deaths >= ?",
                params![dead, MOST_DEATHS],
            )?;
            let free: Option<i64> = transaction
                .query_row(
                    "SELECT number FROM trial WHERE state = 'waiting' OR (state = 'running' AND heartbeat < ?)
                     ORDER BY number LIMIT 1",
                    [dead],
                    |row| row.get(0),
                )
                .optional()?;
            let number = match free {
                Some(number) => {
                    transaction.execute(
                        "UPDATE trial SET deaths = deaths + (state = 'running'), state = 'running', worker = ?,
                         heartbeat = ? WHERE number = ?",
                        params![worker, now(), number],
                    )?;
                    number
                }
                None => {
                    let past = trials(&transaction, higher)?;
                    let (kind, point, seed) = match next(&past) {
                        Next::Trial(kind, point, seed) => (kind, point, seed),
                        idle => {
                            transaction.commit()?;
                            // A running trial may yet be given back.
                            let busy = past.iter().any(|trial| !trial.state.is_ended());
                            return Ok(if busy || matches!(idle, Next::Wait) { Claim::Wait } else { Claim::Over });
                        }
                    };
                    transaction.execute(
                        "INSERT INTO trial (number, kind, point, seed, state, worker, heartbeat, started)
                         VALUES (?, ?, ?, ?, 'running', ?, ?, ?)",
                        params![past.len() as i64, word(&kind), word(&point), seed as i64, worker, now(), now()],
                    )?;
                    past.len() as i64
                }
            };
            let trial =
                transaction.query_row(&format!("{TRIALS} WHERE number = ?"), [number], |row| trial(row, higher))?;
            transaction.commit()?;
            Ok(Claim::Trial(trial))
        };
        claim(&mut self.connection).map_err(|error| failed(&path, error))
    }

    /// Refreshes a worker's heartbeat; false where it no longer holds the trial.
    pub(super) fn beat(&self, worker: &str, trial: usize) -> Result<bool> {
        let beat = self.connection.execute(
            "UPDATE trial SET heartbeat = ? WHERE number = ? AND worker = ? AND state = 'running'",
            params![now(), trial as i64, worker],
        );
        Ok(beat.map_err(|error| failed(&self.path, error))? == 1)
    }

    /// Stores the values of some epochs, and the best up to each; resets the count of deaths, for the trial makes
    /// progress.
    pub(super) fn keep_epochs(&mut self, trial: usize, values: &[EpochValue]) -> Result<()> {
        let path = self.path.clone();
        let keep = |connection: &mut Connection| -> rusqlite::Result<()> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for EpochValue { epoch, value, best } in values {
                let finite = |x: f64| x.is_finite().then_some(x);
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO epoch (epoch, trial, value, best) VALUES (?, ?, ?, ?)")?
                    .execute(params![*epoch as i64, trial as i64, finite(*value), best])?;
            }
            transaction.execute("UPDATE trial SET deaths = 0 WHERE number = ?", [trial as i64])?;
            transaction.commit()
        };
        keep(&mut self.connection).map_err(|error| failed(&path, error))
    }

    /// Ends a trial; false, with nothing changed, where the worker no longer holds it.
    pub(super) fn end(&mut self, worker: &str, trial: usize, ending: &Ending) -> Result<bool> {
        let Ending { state, value, others, epochs, seconds, why } = ending;
        let ended = self.connection.execute(
            "UPDATE trial SET state = ?, value = ?, others = ?, epochs = ?, seconds = ?, why = ?, ends = ends + 1,
             heartbeat = NULL WHERE number = ? AND worker = ? AND state = 'running'",
            params![word(state), value, word(others), *epochs as i64, seconds, why, trial as i64, worker],
        );
        Ok(ended.map_err(|error| failed(&self.path, error))? == 1)
    }

    /// Gives a trial back for other workers to resume.
    pub(super) fn release(&self, worker: &str, trial: usize) -> Result<()> {
        let released = self.connection.execute(
            "UPDATE trial SET state = 'waiting', worker = NULL, heartbeat = NULL
             WHERE number = ? AND worker = ? AND state = 'running'",
            params![trial as i64, worker],
        );
        released.map(drop).map_err(|error| failed(&self.path, error))
    }

    /// Claims the training of the final model for this worker, or refreshes its heartbeat; false where another worker
    /// has it, or it is done.
    pub(super) fn finish(&self, worker: &str) -> Result<bool> {
        let taken = self.connection.execute(
            "UPDATE study SET finisher = ?1, heartbeat = ?2
             WHERE run IS NULL AND (finisher IS NULL OR finisher = ?1 OR heartbeat < ?3)",
            params![worker, now(), now() - SILENCE.as_secs_f64()],
        );
        Ok(taken.map_err(|error| failed(&self.path, error))? == 1)
    }

    /// The last heartbeat of the worker that trains the final model.
    pub(super) fn finisher_beat(&self) -> Result<Option<f64>> {
        self.one("SELECT heartbeat FROM study")
    }

    /// Gives up the training of the final model.
    pub(super) fn leave(&self, worker: &str) -> Result<()> {
        let left = self
            .connection
            .execute("UPDATE study SET finisher = NULL, heartbeat = NULL WHERE finisher = ? AND run IS NULL", [worker]);
        left.map(drop).map_err(|error| failed(&self.path, error))
    }

    /// The folder in which the best trial is trained, once begun.
    pub(super) fn folder(&self) -> Result<Option<PathBuf>> {
        // Studies of earlier versions lack the column.
        let kept = self.connection.execute("ALTER TABLE study ADD COLUMN folder TEXT", []);
        drop(kept);
        Ok(self.one::<Option<String>>("SELECT folder FROM study")?.map(PathBuf::from))
    }

    /// Stores the folder in which the best trial is trained.
    pub(super) fn keep_folder(&self, folder: &Path) -> Result<()> {
        let kept = self.connection.execute("UPDATE study SET folder = ?", [folder.to_string_lossy()]);
        kept.map(drop).map_err(|error| failed(&self.path, error))
    }

    /// Stores the path of the best trial's run.
    pub(super) fn keep_run(&self, run: &Path) -> Result<()> {
        let kept = self.connection.execute("UPDATE study SET run = ?", [run.to_string_lossy()]);
        kept.map(drop).map_err(|error| failed(&self.path, error))
    }
}

const TRIALS: &str = "SELECT number, kind, point, seed, state, value, others, epochs, seconds, why, ends FROM trial";

fn trials(connection: &Connection, higher: bool) -> rusqlite::Result<Vec<Trial>> {
    let mut statement = connection.prepare_cached(&format!("{TRIALS} ORDER BY number"))?;
    statement.query_map([], |row| trial(row, higher))?.collect()
}

fn trial(row: &Row, higher: bool) -> rusqlite::Result<Trial> {
    fn read<T: for<'a> Deserialize<'a>>(row: &Row, column: usize, quoted: bool) -> rusqlite::Result<T> {
        let text: String = row.get(column)?;
        let text = if quoted { format!("\"{text}\"") } else { text };
        serde_json::from_str(&text).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
        })
    }
    let value: Option<f64> = row.get(5)?;
    Ok(Trial {
        number: row.get::<_, i64>(0)? as usize,
        kind: read(row, 1, true)?,
        point: read(row, 2, false)?,
        seed: row.get::<_, i64>(3)? as u64,
        state: read(row, 4, true)?,
        value,
        cost: value.map(|value| if higher { -value } else { value }),
        others: read(row, 6, false)?,
        epochs: row.get::<_, i64>(7)? as usize,
        seconds: row.get(8)?,
        why: row.get(9)?,
        ends: row.get::<_, i64>(10)? as usize,
    })
}

/// A value as a word, or as JSON.
fn word(value: &impl Serialize) -> String {
    let json = serde_json::to_value(value).expect("it is plain data");
    json.as_str().map_or_else(|| json.to_string(), str::to_string)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    // With a write-ahead log a commit does not wait for the disk; a killed process loses nothing.
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    Ok(connection)
}

fn failed(path: &Path, error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;
    let (message, fix) = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => ("this is no study".into(), "name the file that thalweg tune wrote"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ("another program holds the study".into(), "close it, and go on with [study=FILE]")
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            ("the study is damaged".into(), "restore it from a copy, or begin a new one")
        }
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::DiskFull) => {
            (format!("cannot write the study: {error}"), "name a file that can be written with [study]")
        }
        _ => (format!("the study cannot be used: {error}"), "restore it from a copy, or begin a new one"),
    };
    Error::config(message).at(path.display().to_string()).fix(fix)
}

#[cfg(test)]
mod tests;
