//! Files that are left out, counted by extension.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{VIDEOS, has_ending};

/// The maximum number of kinds that a message names.
const NAMED: usize = 5;

/// What files of kinds that are not read can be converted to, in words; of videos frames are made.
pub(super) fn convert(kinds: &Kinds, to: &str) -> String {
    kinds.video().map_or_else(|| format!("convert them to {to}"), make_frames)
}

/// The command that makes frames of a video.
pub(super) fn make_frames(video: &Path) -> String {
    let (file, folder) = (video.display(), video.with_extension(""));
    let folder = folder.display();
    format!("make frames of it, a folder of pictures: mkdir {folder} && ffmpeg -i {file} -vf fps=5 {folder}/%04d.png")
}

/// Files by extension.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    counts: BTreeMap<String, usize>,
    /// An example.
    pub(super) first: Option<PathBuf>,
}

impl Kinds {
    pub(super) fn add(&mut self, path: PathBuf) {
        let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy().to_lowercase()));
        *self.counts.entry(ending.unwrap_or_else(|| "without an ending".into())).or_default() += 1;
        self.first.get_or_insert(path);
    }

    pub(super) fn extend(&mut self, more: Kinds) {
        more.counts.into_iter().for_each(|(kind, count)| *self.counts.entry(kind).or_default() += count);
        self.first = self.first.take().or(more.first);
    }

    /// The number of files.
    pub(super) fn len(&self) -> usize {
        self.counts.values().sum()
    }

    /// The first file, if it is a video.
    fn video(&self) -> Option<&Path> {
        self.first.as_deref().filter(|path| has_ending(path, &VIDEOS))
    }

    /// `10 .heic, 2 .txt (such as fox/a.heic)`, the most frequent first.
    pub(super) fn told(&self, folder: &Path) -> String {
        let mut kinds: Vec<(&String, &usize)> = self.counts.iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let named: Vec<String> = kinds.iter().take(NAMED).map(|(kind, count)| format!("{count} {kind}")).collect();
        let more: usize = kinds.iter().skip(NAMED).map(|(_, count)| **count).sum();
        let more = if more > 0 { format!(", {more} of other kinds") } else { String::new() };
        let such = self.first.as_ref().map(|path| path.strip_prefix(folder).unwrap_or(path).display().to_string());
        format!("{}{more} (such as {})", named.join(", "), such.unwrap_or_default())
    }
}
