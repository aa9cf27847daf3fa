//! Files that are an example each, such as pictures: folders of them, lists of them, single ones.
#![cfg_attr(not(any(feature = "images", feature = "sounds")), allow(dead_code))]

mod file_dataset;
mod folder;
#[cfg(feature = "images")]
mod images;
mod kinds;
pub(super) mod listing;
#[cfg(feature = "sounds")]
pub(super) mod sounds;

use std::path::Path;

use self::file_dataset::FileDataset;
pub(super) use self::folder::part;
use crate::config;
use crate::data::arrays::Arrays;
use crate::error::Result;

/// A medium: one kind of such files.
struct Medium {
    /// Endings that their names may have.
    endings: &'static [&'static str],
    /// What most files of it can be brought to, in words.
    convert: &'static str,
    /// Where files that are no examples may be of use; none where nowhere.
    aside: Option<&'static str>,
    /// Reads them all, and brings them to one form.
    read: fn(FileDataset, &config::Data) -> Result<Arrays>,
}

/// Every medium there is.
const MEDIA: &[Medium] = &[
    #[cfg(feature = "images")]
    images::MEDIUM,
    #[cfg(feature = "sounds")]
    sounds::MEDIUM,
];

impl Medium {
    /// Whether a file is named like one of these.
    fn is_named(&self, path: &Path) -> bool {
        has_ending(path, self.endings)
    }

    /// The medium that a file is named like.
    fn of(path: &Path) -> Option<&'static Medium> {
        MEDIA.iter().find(|medium| medium.is_named(path))
    }
}

/// Endings of pictures and sounds of kinds that are not read.
const UNREAD: [&str; 26] = [
    "heic", "heif", "avif", "jxl", "jp2", "svg", "psd", "raw", "cr2", "cr3", "nef", "arw", "dng", "raf", "orf", "exr",
    "dds", "opus", "wma", "amr", "au", "mp4", "mov", "avi", "mkv", "webm",
];

/// Whether a file's name ends as one of these.
pub(super) fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    endings.contains(&ending.as_str())
}

/// The examples of a folder, of the medium that it has most of; none where it has no such files.
pub(super) fn open_folder(folder: &Path, options: &config::Data) -> Result<Option<Arrays>> {
    let mut most: Option<(&Medium, FileDataset)> = None;
    for medium in MEDIA {
        let found = FileDataset::of_folder(folder, medium)?;
        if found.len() > most.as_ref().map_or(0, |(_, dataset)| dataset.len()) {
            most = Some((medium, found));
        }
    }
    match most {
        Some((medium, dataset)) => (medium.read)(dataset.checked(medium, options)?, options).map(Some),
        None => folder::unread(folder)?.map_or(Ok(None), Err),
    }
}

/// One file, without an answer; none where it is not named like such a file.
pub(super) fn open_file(path: &Path, options: &config::Data) -> Option<Result<Arrays>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let dataset = FileDataset::of_files(&path.display().to_string(), folder, vec![path.into()]);
    Some((Medium::of(path)?.read)(dataset, options))
}
