//! Clips: animated images and folders of frames, converted to one number of frames of one form.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use thalweg_kernels::pool;
use thalweg_media::images::{self, Header};

use super::super::file_dataset::{FileDataset, Item};
use super::super::{folder, has_ending};
use super::MEDIUM;
use crate::config;
use crate::data::arrays::Arrays;
use crate::data::media_spec::{ClipSpec, MediaSpec};
use crate::data::memory;
use crate::error::{Advice, Result};
use crate::event::Decision;
use crate::io::names::natural;

/// Extensions of images that may be animated.
const ANIMATED: [&str; 4] = ["gif", "webp", "png", "apng"];

/// The maximum number of frames that is kept of a clip by default.
const FRAMES: usize = 16;

/// Files that are looked at to see whether they are animated.
const LOOKED_AT: usize = 100;

fn is_animated(path: &Path) -> bool {
    // Opening a pipe would wait for its other end.
    has_ending(path, &ANIMATED) && path.is_file() && images::frames(path).is_ok_and(|frames| frames > 1)
}

/// Whether a dataset's images are clips: as the options say, else if most are animated, or if each class holds several
/// folders of numbered images, and nothing else.
pub(super) fn are_here(dataset: &FileDataset, options: &config::Data, decisions: &mut Vec<Decision>) -> bool {
    if let Some(frames) = options.frames {
        return frames > 1;
    }
    let (what, why) = if let Some(folders) = folders_of_frames(dataset) {
        ("each folder of pictures is a clip", format!("the {folders} folders within classes hold numbered pictures"))
    } else {
        let all: Vec<usize> = (0..dataset.len()).collect();
        let some = memory::spread(&all, LOOKED_AT);
        let paths: Vec<&Path> = dataset.paths().collect();
        let animated = pool::map(some.len(), |i| is_animated(paths[some[i]])).into_iter().filter(|is| *is).count();
        if animated * 2 <= some.len() {
            return false;
        }
        ("animated pictures are clips", format!("{animated} of {} are animated", some.len()))
    };
    decisions.push(Decision { what: what.into(), why, instead: "[frames=1], which reads pictures".into() });
    true
}

/// Decodes clips and converts them to a common form.
pub(super) fn read(dataset: FileDataset, options: &config::Data, mut decisions: Vec<Decision>) -> Result<Arrays> {
    let mut dataset = dataset.regrouped(grouped);
    let spec = match (options.frames, super::given_form(options)) {
        (Some(frames), Some(frame)) => ClipSpec { frames, frame },
        _ => {
            let found = dataset.read(options, header)?;
            let (headers, counts): (Vec<Header>, Vec<usize>) = found.into_iter().unzip();
            let frames = frames(counts, options, &mut decisions);
            ClipSpec { frames, frame: super::spec(&headers, options, &mut decisions) }
        }
    };
    dataset.into_arrays(MediaSpec::Clips(spec), options, decisions, |path| clip(path, spec))
}

/// How many frames are kept of each clip: as the options say, else as many as most have.
fn frames(mut counts: Vec<usize>, options: &config::Data, decisions: &mut Vec<Decision>) -> usize {
    counts.sort_unstable();
    let (least, most, half) = (counts[0], counts[counts.len() - 1], counts[counts.len() / 2]);
    let frames = options.frames.unwrap_or_else(|| {
        let frames = half.clamp(2, FRAMES);
        let what = format!("of each clip {frames} frames are kept, spread evenly over it");
        let why = if least == most {
            format!("they have {most}")
        } else {
            format!("they have {least} to {most}, half of them {half} or less")
        };
        decisions.push(Decision { what, why, instead: "[frames=8]".into() });
        frames
    });
    let short = counts.iter().filter(|count| **count < frames).count();
    if short > 0 {
        decisions.push(Decision {
            what: format!("frames of {short} clips are repeated"),
            why: format!("they have fewer than {frames}"),
            instead: Advice::option("frames", &least.max(2).to_string()),
        });
    }
    frames
}

/// The header of a clip's first frame, and how many it has.
fn header(path: &Path) -> std::result::Result<(Header, usize), String> {
    if !path.is_dir() {
        return Ok((images::header(path)?, images::frames(path)?));
    }
    let frames = frames_of_folder(path)?;
    Ok((of_frame(&frames[0], images::header)?, frames.len()))
}

/// A clip's frames below each other.
fn clip(path: &Path, spec: ClipSpec) -> std::result::Result<Vec<f32>, String> {
    if !path.is_dir() {
        return images::clip(path, spec);
    }
    let frames = frames_of_folder(path)?;
    let mut clip = Vec::new();
    let (mut last, mut pixels) = (None, Vec::new());
    for i in spec.spread(frames.len()) {
        if last != Some(i) {
            pixels = of_frame(&frames[i], |path| images::pixels(path, spec.frame))?;
            last = Some(i);
        }
        clip.extend_from_slice(&pixels);
    }
    Ok(clip)
}

/// Reads something of a frame; an error names it.
fn of_frame<T>(path: &Path, read: impl Fn(&Path) -> std::result::Result<T, String>) -> std::result::Result<T, String> {
    read(path).map_err(|reason| format!("{}: {reason}", path.file_name().unwrap_or_default().display()))
}

/// The frames in a folder, in order.
fn frames_of_folder(path: &Path) -> std::result::Result<Vec<PathBuf>, String> {
    let entries = folder::entries(path).map_err(|error| error.message)?;
    let mut frames: Vec<PathBuf> = entries.into_iter().filter(|path| MEDIUM.is_named(path) && path.is_file()).collect();
    if frames.is_empty() {
        return Err("a folder without pictures".into());
    }
    frames.sort_by_cached_key(|path| natural(&path.file_name().unwrap_or_default().to_string_lossy()));
    Ok(frames)
}

/// Items by the folder that they are in.
fn by_folder<'a>(paths: impl Iterator<Item = &'a Path>) -> BTreeMap<&'a Path, Vec<&'a Path>> {
    let mut folders = BTreeMap::<&Path, Vec<&Path>>::new();
    for path in paths {
        folders.entry(path.parent().unwrap_or(path)).or_default().push(path);
    }
    folders
}

/// The number of folders within classes, if each class holds several folders of numbered images, and nothing else.
fn folders_of_frames(dataset: &FileDataset) -> Option<usize> {
    let root = dataset.root()?;
    let folders = by_folder(dataset.paths());
    let classes = by_folder(folders.keys().copied());
    let are_classes = classes.iter().all(|(class, folders)| class.parent() == Some(root) && folders.len() > 1);
    let are_clips = !folders.is_empty() && folders.values().all(|files| are_numbered(files));
    (are_classes && are_clips).then_some(folders.len())
}

/// Whether names differ only in the number that they end with, which counts up by 1.
fn are_numbered(files: &[&Path]) -> bool {
    let parts = |path: &&Path| {
        let name = path.file_stem()?.to_str()?;
        let text = name.trim_end_matches(|c: char| c.is_ascii_digit());
        Some((text.to_string(), name[text.len()..].parse::<u64>().ok()?))
    };
    let Some(mut all) = files.iter().map(parts).collect::<Option<Vec<_>>>() else { return false };
    all.sort();
    all.len() > 1 && all.windows(2).all(|pair| pair[0].0 == pair[1].0 && pair[0].1.checked_add(1) == Some(pair[1].1))
}

/// The clips among a folder's images: a folder of still ones without folders below it is one, and every other image is one
/// by itself. Folders beside each other that would all be clips have no classes.
fn grouped(root: &Path, items: Vec<Item>) -> Vec<Item> {
    let folders = by_folder(items.iter().map(|item| item.path.as_path()));
    let all: Vec<(&Path, Vec<&Path>)> = folders.into_iter().collect();
    let are_clips = pool::map(all.len(), |i| {
        // In the order of paths a folder is followed by those within it.
        let has_folders = all.get(i + 1).is_some_and(|(next, _)| next.starts_with(all[i].0));
        !has_folders && !all[i].1.iter().any(|file| is_animated(file))
    });
    let mut clips: Vec<&Path> = all.iter().zip(&are_clips).filter(|(_, is)| **is).map(|((path, _), _)| *path).collect();
    let is_top = |folder: &Path| folder == root || folder.parent() == Some(root);
    let classless = clips.len() == all.len() && clips.iter().all(|folder| is_top(folder));
    clips.retain(|folder| classless || !is_top(folder));
    let clips: Vec<PathBuf> = clips.into_iter().map(Path::to_path_buf).collect();
    let mut grouped: Vec<Item> = Vec::new();
    for item in items {
        let folder = item.path.parent().unwrap_or(&item.path);
        let place = grouped.len() as u64 + 1;
        if clips.binary_search_by(|clip| clip.as_path().cmp(folder)).is_err() {
            grouped.push(Item { place, ..item });
        } else if grouped.last().is_none_or(|last| last.path != folder) {
            let answers = if classless { Vec::new() } else { item.answers };
            grouped.push(Item { path: folder.into(), answers, place });
        }
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_ordered_by_their_size() {
        let mut names = ["f10.png", "f9.png", "f010b.png", "f1.png", "e2-10", "e2-9"];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(names, ["e2-9", "e2-10", "f1.png", "f9.png", "f10.png", "f010b.png"]);
    }

    #[test]
    fn frames_are_numbered_one_by_one() {
        let numbered = |names: &[&str]| are_numbered(&names.iter().map(Path::new).collect::<Vec<_>>());
        assert!(numbered(&["a/f9.png", "a/f10.png", "a/f11.png"]) && numbered(&["0002.jpg", "0001.jpg"]));
        assert!(!numbered(&["f1.png", "f3.png"]) && !numbered(&["f1.png"]) && !numbered(&["f1.png", "g2.png"]));
        assert!(!numbered(&["a.png", "b.png"]));
    }
}
