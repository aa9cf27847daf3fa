//! What a run records as it trains: events in its log, checkpoints in its folder.

use std::time::{Duration, Instant};

use super::{EventLog, RunFolder, keep};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::train::{Callback, State};

use super::announce::DivergenceMonitor;

/// The minimum interval between checkpoints: bounds what a crash costs, and keeps the cost of syncing low.
const PAUSE: Duration = Duration::from_secs(1);

/// Writes events to the log and checkpoints to the folder, and forwards events.
pub(super) struct RunRecorder<'a> {
    pub(super) folder: &'a RunFolder,
    pub(super) log: EventLog,
    pub(super) callback: &'a mut dyn Callback,
    pub(super) fingerprint: String,
    pub(super) broken: Option<Error>,
    /// When the last checkpoint was saved.
    pub(super) saved: Option<Instant>,
    pub(super) divergence: DivergenceMonitor,
}

impl Callback for RunRecorder<'_> {
    fn event(&mut self, event: &Event) {
        if let Err(error) = self.log.write(event) {
            self.broken.get_or_insert(error);
        }
        self.callback.event(event);
        if let Some(warning) = self.divergence.see(event) {
            self.event(&warning);
        }
    }

    fn checkpoint(&mut self, state: &State) -> Result<()> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        let recent = self.saved.is_some_and(|saved| saved.elapsed() < PAUSE);
        if recent && !self.callback.stop() {
            return Ok(());
        }
        self.saved = Some(Instant::now());
        self.log.sync()?;
        keep::keep(state, &self.fingerprint).save(self.folder)?;
        self.event(&Event::Checkpoint { epoch: state.epoch, step: state.step });
        Ok(())
    }

    fn stop(&self) -> bool {
        self.callback.stop()
    }
}
