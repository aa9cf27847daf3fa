//! Files written atomically.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::{Error, ErrorKind, Result};

/// Part of the name of every unfinished file.
pub(crate) const UNFINISHED: &str = ".unfinished-";

/// The temporary files that this process is writing.
static UNDER_WAY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A file written incrementally but atomically: whoever opens the path, at any moment and after any crash, finds either
/// the old content or the complete new one.
///
/// The bytes go to a temporary file in the same folder, which is synced to disk and then renamed; the folder is synced
/// last, so that the rename itself survives a power loss. Symbolic links are followed; anything but a regular file,
/// such as `/dev/stdout` or a pipe, is written to directly. If dropped before it is finished, the old file is
/// unchanged.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    /// None where the path is written to directly.
    temporary: Option<PathBuf>,
}

impl Writer {
    /// Opens a path for writing.
    ///
    /// # Errors
    /// If the folder, or an existing file, is not writable.
    pub fn create(path: &Path) -> Result<Writer> {
        let begun = match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => Writer::direct(path, false),
            Ok(_) if is_descriptor(path) => Writer::direct(path, true),
            Ok(found) => Writer::over(path, found.permissions()),
            // A dangling link is replaced.
            Err(_) => Writer::beside(path),
        };
        begun.map_err(|error| unwritable(path, &error))
    }

    fn direct(path: &Path, append: bool) -> io::Result<Writer> {
        let file = OpenOptions::new().write(true).append(append).open(path)?;
        Ok(Writer { path: path.into(), file: BufWriter::new(file), temporary: None })
    }

    /// Replaces a file, keeping its permissions.
    fn over(path: &Path, permissions: fs::Permissions) -> io::Result<Writer> {
        // Renaming would replace even a read-only file.
        OpenOptions::new().write(true).open(path)?;
        let writer = Writer::beside(&fs::canonicalize(path).unwrap_or(path.into()))?;
        writer.file.get_ref().set_permissions(permissions)?;
        Ok(writer)
    }

    fn beside(path: &Path) -> io::Result<Writer> {
        let temporary = temporary(path);
        let mut under_way = under_way();
        let file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        under_way.push(temporary.clone());
        Ok(Writer { path: path.into(), file: BufWriter::new(file), temporary: Some(temporary) })
    }

    /// Completes the file and renames it into place.
    ///
    /// # Errors
    /// If it cannot be written; the old file is then unchanged, and the temporary one removed.
    pub fn finish(self) -> Result<()> {
        self.finish_keeping(None)
    }

    fn finish_keeping(mut self, previous: Option<&Path>) -> Result<()> {
        self.end(previous).map_err(|error| unwritable(&self.path, &error))
    }

    fn end(&mut self, previous: Option<&Path>) -> io::Result<()> {
        self.file.flush()?;
        let Some(temporary) = &self.temporary else { return Ok(()) };
        self.file.get_ref().sync_all()?;
        match previous.map(|previous| fs::rename(&self.path, previous)) {
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::rename(temporary, &self.path)?,
        }
        sync_folder(&self.path)
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|error| io::Error::new(error.kind(), unwritable(&self.path, &error)))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(|error| io::Error::new(error.kind(), unwritable(&self.path, &error)))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Once renamed, it no longer exists.
            _ = fs::remove_file(temporary);
            under_way().retain(|path| path != temporary);
        }
    }
}

/// Whether a path is one of the process's open file descriptors, which others may be writing to as well.
fn is_descriptor(path: &Path) -> bool {
    let text = path.to_string_lossy();
    ["/dev/std", "/dev/fd/"].iter().any(|start| text.starts_with(start))
        || (text.starts_with("/proc/") && text.contains("/fd/"))
}

fn under_way() -> MutexGuard<'static, Vec<PathBuf>> {
    UNDER_WAY.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Removes this process's temporary files; for use just before it exits.
pub fn abandon() {
    for path in under_way().drain(..) {
        _ = fs::remove_file(path);
    }
}

/// Writes a complete file, as a [`Writer`] does.
///
/// # Errors
/// If the folder cannot be written; the old file is then unchanged, and the temporary one removed.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    put(Writer::create(path)?, bytes, None)
}

/// The same, keeping the old file under another name in the same folder: at any moment one of the two is complete.
///
/// # Errors
/// As for [`write`].
pub(crate) fn write_and_keep(path: &Path, previous: &Path, bytes: &[u8]) -> Result<()> {
    put(Writer::beside(path).map_err(|error| unwritable(path, &error))?, bytes, Some(previous))
}

fn put(mut writer: Writer, bytes: &[u8], previous: Option<&Path>) -> Result<()> {
    writer.file.write_all(bytes).map_err(|error| unwritable(&writer.path, &error))?;
    writer.finish_keeping(previous)
}

/// Refuses to overwrite an input file, even under another name; `flag` names the output in the error.
///
/// # Errors
/// If one of the inputs is the same file as the output.
pub fn refuse_input(flag: &str, output: &Path, inputs: impl IntoIterator<Item = PathBuf>) -> Result<()> {
    let is_same = |input: &PathBuf| output.is_file() && same_file::is_same_file(output, input).unwrap_or(false);
    match inputs.into_iter().find(is_same) {
        Some(input) => Err(Error::config(format!("it is read as {}, and would be written over", input.display()))
            .at(format!("{flag} {}", output.display()))
            .fix(format!("name another file with {flag}"))),
        None => Ok(()),
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space on the disk",
        io::ErrorKind::FileTooLarge => "allow larger files, with ulimit -f",
        io::ErrorKind::NotFound => "make the folder first",
        io::ErrorKind::IsADirectory => "name a file, not a folder",
        io::ErrorKind::ReadOnlyFilesystem => "choose a folder on a disk that can be written",
        _ => "choose a folder that can be written",
    };
    Error::io(ErrorKind::Config, path, "write the file", error).fix(remedy)
}

/// The bytes of a regular file; a pipe or a device may never end.
///
/// # Errors
/// If it cannot be read, or is not a regular file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"));
    }
    fs::read(path)
}

/// Removes temporary files left in a folder by killed writers. No other process may be writing there.
pub(crate) fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().contains(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Syncs a path's folder to disk: its entries, not its files' contents.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // On other systems a folder cannot be opened as a file, and the rename is not synced.
    if cfg!(unix) { File::open(folder(path))?.sync_all() } else { Ok(()) }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A name that no other write of this or another process uses.
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
        assert!(
            error.place.unwrap().ends_with("a.txt") && error.remedy.unwrap().to_string().contains("make the folder")
        );

        // A folder in the way: the rename fails after the temporary file is written.
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

        // The link's target is written only through the link, and keeps its permissions.
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
        write(&link, b"newer").unwrap();
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);

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
        // With a folder in place of the previous file, the current one stays.
        fs::remove_file(&previous).unwrap();
        fs::create_dir_all(previous.join("inside")).unwrap();
        assert!(write_and_keep(&path, &previous, b"4").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"3");
    }

    #[test]
    fn what_is_not_finished_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(&path, b"old").unwrap();
        let mut writer = Writer::create(&path).unwrap();
        writer.write_all(&[7; 100_000]).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        drop(writer);
        let mut writer = Writer::create(&path).unwrap();
        writer.write_all(b"half").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        drop(writer);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        let mut writer = Writer::create(&path).unwrap();
        writer.write_all(b"whole").unwrap();
        writer.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_with_the_file_s_name() {
        let error = write(Path::new("/dev/full"), b"x").unwrap_err();
        assert_eq!((error.kind, error.place.as_deref()), (ErrorKind::Config, Some("/dev/full")));
        assert!(error.remedy.unwrap().to_string().contains("free space"));
        let mut writer = Writer::create(Path::new("/dev/full")).unwrap();
        let error = writer.write_all(&[0; 100_000]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().starts_with("/dev/full: "), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn an_input_is_known_by_whatever_name() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("x.csv");
        let refused = |output: &Path| refuse_input("-o", output, [folder.path().join("y.csv"), input.clone()]);
        fs::write(&input, b"a").unwrap();
        let (soft, hard) = (folder.path().join("soft"), folder.path().join("hard"));
        std::os::unix::fs::symlink(&input, &soft).unwrap();
        fs::hard_link(&input, &hard).unwrap();
        for output in [&input, &soft, &hard, &folder.path().join("./x.csv")] {
            let error = refused(output).unwrap_err();
            assert!(error.place.unwrap().contains(&output.display().to_string()));
            assert!(error.message.contains("x.csv") && error.kind == ErrorKind::Config);
        }
        refused(&folder.path().join("z.csv")).unwrap();
        fs::write(folder.path().join("z.csv"), b"a").unwrap();
        refused(&folder.path().join("z.csv")).unwrap();
        refuse_input("-o", Path::new("/dev/null"), ["/dev/null".into()]).unwrap();
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
