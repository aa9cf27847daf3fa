//! A run's event log that may still grow: only what is new is read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use thalweg::event::Event;

/// Bytes before the position that must be the same next time; else the log was cut and goes on otherwise.
const MARK: usize = 256;

/// What there is to read of a log.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// The events, in order.
    pub(crate) events: Vec<Event>,
    /// Whether they are the log's first: a resumed run has cut it at its checkpoint, or nothing was read before.
    pub(crate) from_the_start: bool,
}

/// A position in a log.
#[derive(Debug)]
pub(crate) struct EventLog {
    path: PathBuf,
    position: u64,
    mark: Vec<u8>,
}

impl EventLog {
    /// The beginning of a run's log.
    pub(crate) fn new(path: PathBuf) -> EventLog {
        EventLog { path, position: 0, mark: Vec::new() }
    }

    /// The events from the position on, after which it then stands; those that this version does not know are left out.
    pub(crate) fn news(&mut self) -> io::Result<News> {
        let (text, from_the_start) = self.lines()?;
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(News { events: lines.filter_map(|line| serde_json::from_slice(line).ok()).collect(), from_the_start })
    }

    /// Passes over what there is now.
    pub(crate) fn skip(&mut self) -> io::Result<()> {
        self.lines().map(drop)
    }

    /// The whole lines from the position on, and whether they are the log's first.
    fn lines(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let mut file = File::open(&self.path)?;
        let from_the_start = self.position == 0 || !self.mark_is_there(&mut file)?;
        if from_the_start {
            (self.position, self.mark) = (0, Vec::new());
        }
        file.seek(SeekFrom::Start(self.position))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        text.truncate(text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1));
        self.position += text.len() as u64;
        self.mark.extend_from_slice(&text[text.len().saturating_sub(MARK)..]);
        self.mark.drain(..self.mark.len().saturating_sub(MARK));
        Ok((text, from_the_start))
    }

    fn mark_is_there(&self, file: &mut File) -> io::Result<bool> {
        if file.metadata()?.len() < self.position {
            return Ok(false);
        }
        let mut found = vec![0; self.mark.len()];
        file.seek(SeekFrom::Start(self.position - self.mark.len() as u64))?;
        file.read_exact(&mut found)?;
        Ok(found == self.mark)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    fn line(epoch: usize) -> String {
        format!("{{\"event\":\"checkpoint\",\"epoch\":{epoch},\"step\":0}}\n")
    }

    fn epochs(news: News) -> (bool, Vec<usize>) {
        let epoch = |event| match event {
            Event::Checkpoint { epoch, .. } => epoch,
            other => panic!("{other:?}"),
        };
        (news.from_the_start, news.events.into_iter().map(epoch).collect())
    }

    #[test]
    fn only_whole_new_lines_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        fs::write(&path, line(1) + &line(2) + "{\"event\":\"check").unwrap();
        let mut log = EventLog::new(path.clone());
        assert_eq!(epochs(log.news().unwrap()), (true, vec![1, 2]));
        assert_eq!(epochs(log.news().unwrap()), (false, vec![]));
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"point\",\"epoch\":3,\"step\":0}\n{\"event\":\"of a later version\"}\n").unwrap();
        assert_eq!(epochs(log.news().unwrap()), (false, vec![3]));
        let mut later = EventLog::new(path.clone());
        later.skip().unwrap();
        file.write_all(line(4).as_bytes()).unwrap();
        assert_eq!(epochs(later.news().unwrap()), (false, vec![4]));
    }

    #[test]
    fn a_log_that_was_cut_is_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        fs::write(&path, line(1) + &line(2) + &line(3)).unwrap();
        let mut log = EventLog::new(path.clone());
        log.news().unwrap();
        fs::write(&path, line(1)).unwrap();
        assert_eq!(epochs(log.news().unwrap()), (true, vec![1]));
        // Longer than before, but not its continuation.
        fs::write(&path, line(7) + &line(8) + &line(9)).unwrap();
        assert_eq!(epochs(log.news().unwrap()), (true, vec![7, 8, 9]));
    }
}
