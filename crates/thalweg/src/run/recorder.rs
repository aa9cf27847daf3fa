//! What a run records as it trains: events in its log, checkpoints in its folder.

use std::cell::Cell;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use super::tensorboard::TensorBoard;
use super::{EventLog, RunFolder, keep};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::train::{Callback, State};

use super::announce::DivergenceMonitor;

/// The minimum interval between checkpoints: bounds what a crash costs, and keeps the cost of syncing low.
const PAUSE: Duration = Duration::from_secs(1);

/// How often the folder is searched for a request to stop, and the file of progress written.
const GLANCE: Duration = Duration::from_millis(500);

/// Writes events to the log and checkpoints to the folder, and forwards events.
pub(super) struct RunRecorder<'a> {
    pub(super) folder: &'a RunFolder,
    pub(super) log: EventLog,
    pub(super) callback: &'a mut dyn Callback,
    fingerprint: String,
    pub(super) broken: Option<Error>,
    /// When the last checkpoint was saved.
    saved: Option<Instant>,
    divergence: DivergenceMonitor,
    /// When the folder was last searched for a request to stop, and whether one was there.
    searched: Cell<Instant>,
    stop: Cell<bool>,
    /// When progress was last written.
    told: Instant,
    /// Who writes it for TensorBoard, too.
    pub(super) board: Option<TensorBoard>,
}

impl<'a> RunRecorder<'a> {
    /// A recorder of a run whose state has this fingerprint.
    pub(super) fn new(
        folder: &'a RunFolder,
        log: EventLog,
        callback: &'a mut dyn Callback,
        fingerprint: String,
        divergence: DivergenceMonitor,
    ) -> Self {
        let now = Instant::now();
        RunRecorder {
            folder,
            log,
            callback,
            fingerprint,
            broken: None,
            saved: None,
            divergence,
            searched: now.into(),
            stop: false.into(),
            told: now,
            board: None,
        }
    }

    /// Tells TensorBoard something, if it is to be told.
    pub(super) fn tell_board(&mut self, tell: impl FnOnce(&mut TensorBoard) -> Result<()>) {
        if let Some(Err(error)) = self.board.as_mut().map(tell) {
            self.broken.get_or_insert(error);
        }
    }

    /// Where a page that is open reads how far the epoch is. Progress is worth no error.
    fn tell_progress(&mut self, event: &Event) {
        let Event::Progress { epoch, step, steps, cost } = event else { return };
        if self.told.elapsed() >= GLANCE {
            self.told = Instant::now();
            let progress = json!({ "epoch": epoch, "step": step, "steps": steps, "cost": cost });
            _ = fs::write(RunFolder::progress(self.folder.path()), progress.to_string());
        }
    }
}

impl Drop for RunRecorder<'_> {
    fn drop(&mut self) {
        _ = fs::remove_file(RunFolder::progress(self.folder.path()));
    }
}

impl Callback for RunRecorder<'_> {
    fn event(&mut self, event: &Event) {
        if let Err(error) = self.log.write(event) {
            self.broken.get_or_insert(error);
        }
        self.tell_progress(event);
        self.tell_board(|board| board.event(event));
        self.callback.event(event);
        if let Some(warning) = self.divergence.see(event) {
            self.event(&warning);
        }
    }

    fn checkpoint(&mut self, state: &State) -> Result<()> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        self.tell_board(|board| board.weights(state));
        let recent = self.saved.is_some_and(|saved| saved.elapsed() < PAUSE);
        if recent && !self.stop() {
            return Ok(());
        }
        self.saved = Some(Instant::now());
        self.log.sync()?;
        keep::keep(state, &self.fingerprint).save(self.folder)?;
        self.event(&Event::Checkpoint { epoch: state.epoch, step: state.step });
        Ok(())
    }

    fn stop(&self) -> bool {
        if self.searched.get().elapsed() >= GLANCE {
            self.searched.set(Instant::now());
            self.stop.set(self.stop.get() || self.folder.take_stop_request());
        }
        self.stop.get() || self.callback.stop()
    }
}
