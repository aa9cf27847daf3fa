//! Files that are there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Error, Kind, Result};

/// Stands in the name of every file that is not yet whole.
const UNFINISHED: &str = ".unfinished-";

/// Writes a file so that whoever opens the path, at any moment and after any crash, finds the old content or the new.
///
/// The bytes go to a temporary file in the same folder, which is forced to disk and then renamed; the folder is forced
/// to disk last, so that the rename itself survives a loss of power. A link is followed; what is no file, such as
/// `/dev/stdout`, is written to as it is.
///
/// # Errors
/// If the folder cannot be written; the old file is then as it was, and the temporary one is gone.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() && !found.is_dir() => {
            let written = OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(bytes));
            written.map_err(|error| unwritable(path, &error))
        }
        // Where a link leads nowhere yet, it is replaced.
        Ok(found) if found.is_file() => replace(&fs::canonicalize(path).unwrap_or(path.into()), bytes, None),
        _ => replace(path, bytes, None),
    }
}

/// The same, and the old file is kept under another name in the same folder: at any moment one of the two is whole.
///
/// # Errors
/// As for [`write`].
pub(crate) fn write_and_keep(path: &Path, previous: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes, Some(previous))
}

fn replace(path: &Path, bytes: &[u8], previous: Option<&Path>) -> Result<()> {
    let temporary = temporary(path);
    let keep = || match previous.map(|previous| fs::rename(path, previous)) {
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    let written = put(&temporary, bytes)
        .and_then(|()| keep())
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| sync_folder(path));
    written.map_err(|error| {
        // What could not be made may not be there to remove.
        let _ = fs::remove_file(&temporary);
        unwritable(path, &error)
    })
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space on the disk",
        io::ErrorKind::NotFound => "make the folder first",
        io::ErrorKind::IsADirectory => "name a file, not a folder",
        io::ErrorKind::ReadOnlyFilesystem => "choose a folder on a disk that can be written",
        _ => "choose a folder that can be written",
    };
    Error::io(Kind::Config, path, "write the file", error).fix(remedy)
}

/// The bytes of a plain file; a pipe or a device could go on for ever.
///
/// # Errors
/// If it cannot be read, or is no plain file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"));
    }
    fs::read(path)
}

/// Removes what writers that were killed left in a folder. Nobody else may be writing there.
pub(crate) fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().contains(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Forces the folder that a path is in to disk: its names, not its files.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file, and the rename is on its own.
    if cfg!(unix) { File::open(folder(path))?.sync_all() } else { Ok(()) }
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A name that no other write of this or another process has.
fn temporary(path: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    folder(path).join(format!(".{name}{UNFINISHED}{process}-{count}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write(&path, b"old").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_names_the_path_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(&folder.path().join("none/a.txt"), b"x").unwrap_err();
        assert!(error.place.unwrap().ends_with("a.txt") && error.remedy.unwrap().contains("make the folder"));

        // A folder in the way: the rename fails when the temporary file is already written.
        let taken = folder.path().join("taken");
        fs::create_dir_all(taken.join("inside")).unwrap();
        assert!(write(&taken, b"x").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_a_device_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, b"old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write(&link, b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

        write(Path::new("/dev/null"), b"x").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        assert!(read(Path::new("/dev/zero")).unwrap_err().to_string().contains("not a plain file"));
    }

    #[test]
    fn the_kept_file_is_whole_where_the_new_one_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let (path, previous) = (folder.path().join("new"), folder.path().join("previous"));
        for text in ["1", "2", "3"] {
            write_and_keep(&path, &previous, text.as_bytes()).unwrap();
        }
        assert_eq!((fs::read(&path).unwrap(), fs::read(&previous).unwrap()), (b"3".to_vec(), b"2".to_vec()));
        // A folder in the previous one's place: the current file stays.
        fs::remove_file(&previous).unwrap();
        fs::create_dir_all(previous.join("inside")).unwrap();
        assert!(write_and_keep(&path, &previous, b"4").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"3");
    }

    #[test]
    fn what_a_killed_writer_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write(&path, b"whole").unwrap();
        fs::write(temporary(&path), b"ha").unwrap();
        remove_unfinished(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read(&path).unwrap(), b"whole");
    }
}
