//! Signals that request a stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

#[cfg(unix)]
use signal_hook::consts::SIGUSR1;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use thalweg::io::atomic;

/// How often a thread checks for a signal.
const GLANCE: Duration = Duration::from_millis(50);
/// A stop that takes longer reports what it waits for.
const PATIENCE: Duration = Duration::from_millis(400);

/// Signals that ask for a stop, with the exit codes that they lead to. A scheduler's warning that the time is nearly up is one.
const STOPS: &[(i32, i32)] = &[
    (SIGINT, 130),
    (SIGTERM, 143),
    #[cfg(unix)]
    (SIGUSR1, 138),
];

/// Records Ctrl-C, SIGTERM or SIGUSR1; the second one ends the process.
pub(crate) struct Signals {
    /// 0, or 128 + the signal's number.
    code: Arc<AtomicUsize>,
}

impl Signals {
    /// Tells what a signal waits for, too.
    pub(super) fn watch() -> anyhow::Result<Signals> {
        let signals = Signals::catch()?;
        on_signal(signals.code.clone(), |_| {
            std::thread::sleep(PATIENCE);
            super::note(
                "stopping: the step under way ends first, and what was learned is judged and written; Ctrl-C again ends \
                 at once, with what the last checkpoint has",
            );
        });
        Ok(signals)
    }

    pub(crate) fn catch() -> anyhow::Result<Signals> {
        let code = Arc::new(AtomicUsize::new(0));
        let seen = Arc::new(AtomicBool::new(false));
        for &(number, exit) in STOPS {
            // In this order: a first signal must not end the process.
            flag::register_conditional_shutdown(number, exit, seen.clone())?;
            flag::register(number, seen.clone())?;
            flag::register_usize(number, code.clone(), exit as usize)?;
        }
        Ok(Signals { code })
    }

    /// Whether a signal has arrived.
    pub(crate) fn have_come(&self) -> bool {
        self.code.load(Ordering::SeqCst) != 0
    }

    /// Sleeps until a signal arrives.
    #[cfg(feature = "ui")]
    pub(super) fn wait(&self) {
        while !self.have_come() {
            std::thread::sleep(GLANCE);
        }
    }

    /// The exit code after a signal; that of Ctrl-C where the stop was requested on the live page.
    pub(super) fn exit_code(&self) -> u8 {
        match self.code.load(Ordering::SeqCst) {
            0 => 130,
            code => code.min(255) as u8,
        }
    }
}

/// Makes the first Ctrl-C or SIGTERM end the process, without leaving unfinished files.
pub(crate) fn end_at_once() -> anyhow::Result<()> {
    let code = Arc::new(AtomicUsize::new(0));
    flag::register_usize(SIGINT, code.clone(), 130)?;
    flag::register_usize(SIGTERM, code.clone(), 143)?;
    on_signal(code, |code| {
        atomic::abandon();
        std::process::exit(code as i32);
    });
    Ok(())
}

/// Turns exceeding the file-size limit into an ordinary error, where the system would kill the process.
#[cfg(unix)]
pub(crate) fn outlive_file_limits() -> anyhow::Result<()> {
    flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn outlive_file_limits() -> anyhow::Result<()> {
    Ok(())
}

/// Runs `act` once a signal has arrived.
fn on_signal(code: Arc<AtomicUsize>, act: impl FnOnce(usize) + Send + 'static) {
    std::thread::spawn(move || {
        let code = loop {
            match code.load(Ordering::SeqCst) {
                0 => std::thread::sleep(GLANCE),
                code => break code,
            }
        };
        act(code);
    });
}
