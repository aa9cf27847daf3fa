//! The networks that are being trained, a limited number of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thalweg::{Error, Result};

use super::session::Session;
use super::settings::Settings;

/// Networks that are kept; the one that has rested longest gives way to a new one.
const KEPT: usize = 16;

/// What is said of one that gave way; the page begins it anew.
pub(crate) const GONE: &str = "this experiment is no longer in memory";

/// Networks by number, the one used last at the end.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    last: u64,
    sessions: VecDeque<(u64, Arc<Mutex<Session>>)>,
}

impl Sessions {
    /// Begins a training.
    ///
    /// # Errors
    /// If a setting is refused.
    pub(super) fn begin(&self, settings: &Settings) -> Result<(u64, Arc<Mutex<Session>>)> {
        let session = Arc::new(Mutex::new(Session::new(settings)?));
        let mut kept = lock(&self.0);
        kept.last += 1;
        let id = kept.last;
        kept.sessions.push_back((id, session.clone()));
        let over = kept.sessions.len().saturating_sub(KEPT);
        kept.sessions.drain(..over);
        Ok((id, session))
    }

    /// One of those that are kept.
    ///
    /// # Errors
    /// If it gave way, or never was.
    pub(super) fn of(&self, id: u64) -> Result<Arc<Mutex<Session>>> {
        let mut kept = lock(&self.0);
        let gone = || Error::config(GONE).fix("begin it again");
        let at = kept.sessions.iter().position(|(known, _)| *known == id).ok_or_else(gone)?;
        let found = kept.sessions.remove(at).ok_or_else(gone)?;
        kept.sessions.push_back(found.clone());
        Ok(found.1)
    }
}

/// What a mutex holds, for one request alone.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_rested_longest_gives_way() {
        let sessions = Sessions::default();
        let settings = Settings { rows: 20, layers: vec![1], ..Settings::default() };
        let first = sessions.begin(&settings).unwrap().0;
        let second = sessions.begin(&settings).unwrap().0;
        for _ in 2..KEPT {
            sessions.begin(&settings).unwrap();
        }
        sessions.of(first).unwrap();
        sessions.begin(&settings).unwrap();
        assert!(sessions.of(first).is_ok());
        assert!(sessions.of(second).unwrap_err().to_string().contains(GONE));
        assert!(sessions.of(1_000).is_err());
    }
}
