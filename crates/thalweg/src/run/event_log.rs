//! The event log, `events.jsonl`: one event per line, from the run's first to its last.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use super::folder::RunFolder;
use crate::event::Event;
use crate::{Error, ErrorKind, Result};

/// Writes events as they happen, and flushes them to the operating system at the end of each epoch.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventLog {
    /// Creates the log of a new run.
    ///
    /// # Errors
    /// If there already is one, or it cannot be written.
    pub fn create(folder: &RunFolder) -> Result<EventLog> {
        let path = folder.events();
        let file = OpenOptions::new().append(true).create_new(true).open(&path);
        let file = file.map_err(|error| unwritable(&path, &error))?;
        Ok(EventLog { path, file: BufWriter::new(file) })
    }

    /// Reopens a log at the checkpoint that training resumes from; later events are truncated, for they will be
    /// repeated.
    ///
    /// # Errors
    /// If there is no log, it ends before the checkpoint, or it cannot be written.
    pub fn resume(folder: &RunFolder, epoch: usize, step: usize) -> Result<EventLog> {
        let path = folder.events();
        let text = fs::read(&path).map_err(|error| unwritable(&path, &error))?;
        let end = end_of(&text, epoch, step).ok_or_else(|| {
            Error::data(format!("the log does not reach epoch {epoch}, which the checkpoint has done"))
                .at(path.display().to_string())
                .fix("restore the run's whole folder from a copy, or train again in a new one")
        })?;
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.and_then(|file| file.set_len(end as u64).map(|()| file));
        let file = BufWriter::new(file.map_err(|error| unwritable(&path, &error))?);
        let mut log = EventLog { path, file };
        let checkpoint = Event::Checkpoint { epoch, step };
        if !last_line(&text[..end]).is_some_and(|event| event == checkpoint) {
            // The process was killed after saving the checkpoint and before logging it.
            log.write(&checkpoint)?;
        }
        Ok(log)
    }

    /// Writes an event, unless it only reports progress.
    ///
    /// # Errors
    /// If the log cannot be written.
    pub fn write(&mut self, event: &Event) -> Result<()> {
        if matches!(event, Event::Progress { .. }) {
            return Ok(());
        }
        let mut line = serde_json::to_vec(event).map_err(|error| Error::internal(error.to_string()))?;
        line.push(b'\n');
        let mut written = self.file.write_all(&line);
        if matches!(event, Event::EpochEnded { .. } | Event::Checkpoint { .. } | Event::Finished { .. }) {
            written = written.and_then(|()| self.file.flush());
        }
        written.map_err(|error| unwritable(&self.path, &error))
    }

    /// Syncs what is written to disk: a checkpoint that survives a power loss must find its epochs there.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn sync(&mut self) -> Result<()> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_data());
        synced.map_err(|error| unwritable(&self.path, &error))
    }
}

/// Where the log is truncated when resuming from a checkpoint: after its event, or if that was never written, after the
/// end of its last epoch (before the first epoch's events, if none was completed).
fn end_of(text: &[u8], epoch: usize, step: usize) -> Option<usize> {
    let (mut end, mut checkpoint, mut ended, mut begun) = (0, None, None, None);
    for line in text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        let start = end;
        end += line.len();
        match serde_json::from_slice(line) {
            Ok(Event::Checkpoint { epoch: e, step: s }) if (e, s) == (epoch, step) => checkpoint = Some(end),
            Ok(Event::EpochEnded { epoch: e, .. }) if e == epoch => ended = Some(end),
            Ok(Event::EpochEnded { .. } | Event::Scales { .. } | Event::Checkpoint { .. }) => {
                begun = begun.or(Some(start));
            }
            _ => {}
        }
    }
    let before_first = || (epoch == 0).then_some(begun.unwrap_or(end)).filter(|end| *end > 0);
    checkpoint.or(ended).or_else(before_first)
}

fn last_line(text: &[u8]) -> Option<Event> {
    let line = text.strip_suffix(b"\n")?.rsplit(|byte| *byte == b'\n').next()?;
    serde_json::from_slice(line).ok()
}

fn unwritable(path: &std::path::Path, error: &io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space on the disk",
        _ => "see that the run's folder is there and can be written",
    };
    Error::io(ErrorKind::Config, path, "write the event log", error).fix(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::read_events;

    fn epoch(epoch: usize) -> Event {
        let dev = [("accuracy".to_string(), 0.5)].into();
        Event::EpochEnded {
            epoch,
            cost: 1.0,
            dev_loss: None,
            dev,
            learning_rate: 0.1,
            seconds: 1.0,
            best: true,
            phases: None,
        }
    }

    fn saved(epoch: usize, step: usize) -> Event {
        Event::Checkpoint { epoch, step }
    }

    fn warning() -> Event {
        Event::Warning("a line\nbreak".to_string().into())
    }

    /// The contents of the log after resuming from a checkpoint, plus one more event.
    fn resumed(events: &[Event], torn: &str, (e, step): (usize, usize)) -> Result<Vec<Event>> {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path().to_str(), "").unwrap();
        let mut log = EventLog::create(&run).unwrap();
        events.iter().for_each(|event| log.write(event).unwrap());
        drop(log);
        let whole = fs::read_to_string(run.events()).unwrap();
        fs::write(run.events(), whole + torn).unwrap();
        EventLog::resume(&run, e, step)?.write(&epoch(9)).unwrap();
        let (events, problems) = read_events(run.events()).unwrap();
        assert_eq!(problems, Vec::<String>::new());
        Ok(events)
    }

    #[test]
    fn what_followed_the_checkpoint_is_cut_off() {
        let events = [warning(), epoch(1), saved(1, 0), epoch(2), saved(2, 0), saved(2, 5)];
        let torn = "{\"event\":\"epoch_en";
        for (at, kept) in [((1, 0), 3), ((2, 0), 5), ((2, 5), 6)] {
            let back = resumed(&events, torn, at).unwrap();
            assert_eq!(back[..kept], events[..kept]);
            assert_eq!(back[kept..], [epoch(9)]);
        }
    }

    #[test]
    fn a_checkpoint_that_was_not_told_is_told_now() {
        let events = [warning(), epoch(1), saved(1, 0), epoch(2)];
        assert_eq!(resumed(&events, "", (2, 0)).unwrap()[3..], [epoch(2), saved(2, 0), epoch(9)]);
        assert_eq!(resumed(&events, "", (0, 4)).unwrap(), [warning(), saved(0, 4), epoch(9)]);
        let error = resumed(&events, "", (3, 0)).unwrap_err().to_string();
        assert!(error.contains("does not reach epoch 3") && error.contains("events.jsonl"), "{error}");
    }

    #[test]
    fn progress_is_not_written_and_epochs_are_there_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path().to_str(), "").unwrap();
        let mut log = EventLog::create(&run).unwrap();
        log.write(&Event::Progress { epoch: 1, step: 1, steps: 2, cost: 1.0 }).unwrap();
        log.write(&epoch(1)).unwrap();
        assert_eq!(read_events(run.events()).unwrap().0, [epoch(1)]);
        assert!(EventLog::create(&run).is_err());
    }
}
