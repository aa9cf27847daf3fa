//! Whether a file is still the one that was read.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// A file's length and time of change; a file that is not there has one, too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FileVersion(u64, Option<SystemTime>);

impl FileVersion {
    pub(crate) fn of(path: &Path) -> FileVersion {
        fs::metadata(path).map_or_else(|_| FileVersion::default(), |meta| FileVersion(meta.len(), meta.modified().ok()))
    }
}
