//! What happens to a run as it trains, and to the list of runs, as server-sent events.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{self, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream;
use serde_json::{Value, json};
use thalweg::event::Event;
use thalweg::run::RunFolder;

use crate::event_log::EventLog;
use crate::file_version::FileVersion;
use crate::run_list::RunList;

/// How often files are looked at.
const GLANCE: Duration = Duration::from_millis(500);
/// The most epochs told at a time; a page draws no more, and fetches the curves again when it needs them.
const EPOCHS: usize = 100;

type Item = Result<sse::Event, Infallible>;

/// `runs` whenever a run was added, deleted, or has written something.
pub(crate) fn of_list(runs: Arc<RunList>) -> Sse<impl Stream<Item = Item>> {
    let look = move |known: Option<HashMap<String, FileVersion>>| {
        let state = runs.state();
        let changed = known.is_some_and(|known| known != state);
        (changed.then(|| told("runs", &json!({}))).into_iter().collect(), Some(state))
    };
    Sse::new(watched(None, look)).keep_alive(KeepAlive::default())
}

/// `epoch`, `scales`, `progress` and `changed` (all else: warnings, the end, another beginning) of a run.
pub(crate) fn of_run(watch: WatchedRun) -> Sse<impl Stream<Item = Item>> {
    Sse::new(watched(watch, WatchedRun::look)).keep_alive(KeepAlive::default())
}

/// Looks again and again, on a thread where it may wait for the disk.
fn watched<S, F>(state: S, look: F) -> impl Stream<Item = Item>
where
    S: Send + 'static,
    F: FnMut(S) -> (Vec<sse::Event>, S) + Send + 'static,
{
    let batches = stream::unfold((state, look), |(state, mut look)| async move {
        tokio::time::sleep(GLANCE).await;
        let looked = tokio::task::spawn_blocking(move || {
            let (events, state) = look(state);
            (events, (state, look))
        });
        looked.await.ok()
    });
    futures_util::StreamExt::flat_map(batches, |events| stream::iter(events.into_iter().map(Ok)))
}

fn told(name: &str, data: &Value) -> sse::Event {
    sse::Event::default().event(name).data(data.to_string())
}

/// What is known of a run that is watched.
pub(crate) struct WatchedRun {
    folder: PathBuf,
    log: EventLog,
    progress: String,
    in_use: bool,
}

impl WatchedRun {
    /// From now on: what is there already the page has fetched.
    pub(crate) fn new(folder: PathBuf) -> WatchedRun {
        let mut log = EventLog::new(folder.join("events.jsonl"));
        // A log that cannot be read now is read from its beginning when it can.
        _ = log.skip();
        WatchedRun { in_use: RunFolder::is_in_use(&folder), progress: String::new(), log, folder }
    }

    fn look(mut self) -> (Vec<sse::Event>, WatchedRun) {
        let mut events = Vec::new();
        let news = self.log.news().unwrap_or_default();
        let in_use = RunFolder::is_in_use(&self.folder);
        let mut changed = news.from_the_start || in_use != self.in_use;
        self.in_use = in_use;
        let ended = news.events.iter().filter(|event| matches!(event, Event::EpochEnded { .. })).count();
        let mut skipped = ended.saturating_sub(EPOCHS);
        for event in &news.events {
            match event {
                Event::EpochEnded { .. } if skipped > 0 => skipped -= 1,
                Event::EpochEnded { .. } => events.extend(serde_json::to_value(event).map(|data| told("epoch", &data))),
                Event::Scales { .. } => events.extend(serde_json::to_value(event).map(|data| told("scales", &data))),
                Event::Checkpoint { .. } => {}
                _ => changed = true,
            }
        }
        let progress = progress(&self.folder).unwrap_or_default();
        if progress != self.progress {
            events.extend(serde_json::from_str(&progress).map(|data: Value| told("progress", &data)));
            self.progress = progress;
        }
        if changed {
            events.push(told("changed", &json!({})));
        }
        (events, self)
    }
}

fn progress(folder: &Path) -> Option<String> {
    std::fs::read_to_string(RunFolder::progress(folder)).ok()
}
