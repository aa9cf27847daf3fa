//! Data with one file per example, such as images: folders, lists and single files.
#![cfg_attr(not(any(feature = "images", feature = "sounds")), allow(dead_code))]

mod file_dataset;
mod folder;
#[cfg(feature = "images")]
mod images;
mod kinds;
pub(super) mod listing;
#[cfg(feature = "sounds")]
pub(super) mod sounds;
pub(super) mod texts;

use std::path::Path;

use self::file_dataset::FileDataset;
pub(super) use self::folder::part;
use crate::config;
use crate::data::arrays::Arrays;
use crate::error::{Error, Result};

/// A medium: images or sounds.
struct Medium {
    /// Extensions of its files.
    endings: &'static [&'static str],
    /// What most files of it can be converted to, in words.
    convert: &'static str,
    /// The option that files that are not examples may be of use for, if any.
    aside: Option<&'static str>,
    /// Reads all files and converts them to a common form.
    read: fn(FileDataset, &config::Data) -> Result<Arrays>,
}

/// All media.
const MEDIA: &[Medium] = &[
    #[cfg(feature = "images")]
    images::MEDIUM,
    #[cfg(feature = "sounds")]
    sounds::MEDIUM,
];

impl Medium {
    /// Whether a file name has one of its extensions.
    fn is_named(&self, path: &Path) -> bool {
        has_ending(path, self.endings)
    }

    /// The medium of a file, by its name.
    fn of(path: &Path) -> Option<&'static Medium> {
        MEDIA.iter().find(|medium| medium.is_named(path))
    }
}

/// Extensions of unsupported image and sound types.
const UNREAD: [&str; 26] = [
    "heic", "heif", "avif", "jxl", "jp2", "svg", "psd", "raw", "cr2", "cr3", "nef", "arw", "dng", "raf", "orf", "exr",
    "dds", "opus", "wma", "amr", "au", "mp4", "mov", "avi", "mkv", "webm",
];

/// Those of them that are videos.
const VIDEOS: [&str; 5] = ["mp4", "mov", "avi", "mkv", "webm"];

/// Whether a file name has one of these extensions.
pub(super) fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    endings.contains(&ending.as_str())
}

/// The examples of a folder, of its most frequent medium; none if it has no such files.
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

/// A single file, without a label; none if its name is not that of such a file.
pub(super) fn open_file(path: &Path, options: &config::Data) -> Option<Result<Arrays>> {
    if has_ending(path, &VIDEOS) {
        let error = Error::data("this is a video, which is not decoded").at(path.display().to_string());
        return Some(Err(error.fix(kinds::make_frames(path))));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let dataset = FileDataset::of_files(&path.display().to_string(), folder, vec![path.into()]);
    Some((Medium::of(path)?.read)(dataset, options))
}
