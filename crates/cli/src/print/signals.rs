//! Signals that ask for a stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether Ctrl-C or SIGTERM has come; the second one ends the process.
pub(super) struct Signals {
    /// 0, or 128 + the signal's number.
    code: Arc<AtomicUsize>,
}

impl Signals {
    pub(super) fn watch() -> anyhow::Result<Signals> {
        let code = Arc::new(AtomicUsize::new(0));
        let seen = Arc::new(AtomicBool::new(false));
        for (number, exit) in [(SIGINT, 130), (SIGTERM, 143)] {
            // In this order: what is not yet seen does not end the process.
            flag::register_conditional_shutdown(number, exit, seen.clone())?;
            flag::register(number, seen.clone())?;
            flag::register_usize(number, code.clone(), exit as usize)?;
        }
        Ok(Signals { code })
    }

    /// Whether one has come.
    pub(super) fn have_come(&self) -> bool {
        self.code.load(Ordering::SeqCst) != 0
    }

    /// The exit code of what a signal has stopped.
    pub(super) fn exit_code(&self) -> u8 {
        self.code.load(Ordering::SeqCst).clamp(1, 255) as u8
    }
}
