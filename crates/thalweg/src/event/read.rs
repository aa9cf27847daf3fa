//! Reads a run's event log, even if it was cut off in the middle of a line.

use std::path::Path;

use super::{Event, VERSION};
use crate::{Error, ErrorKind, Result};

/// Reads `events.jsonl`: the events it holds, and descriptions of any problems.
///
/// A killed run leaves an incomplete last line, and a newer version may write unknown events: such lines are skipped
/// and reported, and the rest is returned.
///
/// # Errors
/// If the file cannot be read, holds no events, or has a newer format version.
pub fn read_events(path: impl AsRef<Path>) -> Result<(Vec<Event>, Vec<String>)> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|error| {
        Error::io(ErrorKind::Data, path, "read the event log", &error)
            .fix("name a run's folder, such as runs/digits-1, or the events.jsonl in it")
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let whole = text.ends_with('\n');
    let lines: Vec<&str> = text.lines().collect();
    let (mut events, mut problems) = (Vec::new(), Vec::new());
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(Event::RunStarted { version, .. }) if version > VERSION => {
                return Err(Error::data(format!("the log has format {version}, this version reads up to {VERSION}"))
                    .at(format!("{}, line {}", path.display(), number + 1))
                    .fix("use the version of Thalweg that wrote it, or a newer one"));
            }
            Ok(event) => events.push(event),
            Err(_) if number + 1 == lines.len() && !whole => {
                problems.push(format!("line {}: cut off in the middle, as when the run was killed", number + 1));
            }
            Err(error) => problems.push(format!("line {}: not an event this version knows: {error}", number + 1)),
        }
    }
    if events.is_empty() {
        return Err(Error::data("there is no event in the log").at(path.display().to_string()));
    }
    Ok((events, problems))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Vec<Event>, Vec<String>)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        std::fs::write(&path, text).unwrap();
        read_events(path)
    }

    #[test]
    fn a_torn_last_line_is_named_and_passed_over() {
        let (events, problems) =
            read("{\"event\":\"checkpoint\",\"epoch\":1,\"step\":0}\n{\"event\":\"checkpoint\",\"ep").unwrap();
        assert_eq!(events, [Event::Checkpoint { epoch: 1, step: 0 }]);
        assert_eq!(problems, ["line 2: cut off in the middle, as when the run was killed"]);
    }

    #[test]
    fn an_unknown_event_is_named_with_its_line() {
        let (events, problems) =
            read("{\"event\":\"nap\"}\n\n{\"event\":\"checkpoint\",\"epoch\":1,\"step\":0}\n").unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].starts_with("line 1: not an event this version knows"), "{problems:?}");
    }

    #[test]
    fn nothing_to_read_is_an_error_with_a_place() {
        assert!(read("").unwrap_err().to_string().contains("events.jsonl: there is no event"));
        let missing = read_events("no/such/events.jsonl").unwrap_err();
        assert!(missing.to_string().contains("fix: name a run's folder"), "{missing}");
    }
}
