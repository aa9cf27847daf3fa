//! Which files of a folder are examples, and of what class: a class per subfolder, `train`, `dev` and `test` above them.

use std::fs;
use std::path::{Path, PathBuf};

use super::Medium;
use crate::error::{Error, Kind, Result};

/// Folders deeper than this within a class are not looked into.
const DEPTH: usize = 8;

/// A file, and its class where a folder says one.
type Found = (PathBuf, Option<String>);

/// The names that a part's folder may have.
fn names(part: &str) -> &'static [&'static str] {
    match part {
        "train" => &["train", "training"],
        "dev" => &["dev", "val", "valid", "validation"],
        _ => &["test", "testing"],
    }
}

/// The subfolder of a part: `train`, `dev` (or `val`, `valid`, `validation`) or `test`.
pub(in super::super) fn part(folder: &Path, part: &str) -> Option<PathBuf> {
    let wanted = names(part);
    entries(folder).ok()?.into_iter().find(|path| wanted.contains(&name(path).to_lowercase().as_str()) && path.is_dir())
}

/// The folder of training files: its subfolder for them, where it has one.
fn with_parts(folder: &Path) -> PathBuf {
    part(folder, "train").unwrap_or_else(|| folder.into())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What is in a folder, by name; hidden files are left out.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let wrong = |error: std::io::Error| {
        Error::io(Kind::Data, folder.display().to_string(), "read the folder", &error)
            .fix("name a folder that can be read")
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if !name(&path).starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The files of a folder that are of a medium by their names, in the order of their names, and those that are in the wrong place.
pub(super) fn walk(folder: &Path, medium: &Medium) -> Result<(Vec<Found>, Vec<String>)> {
    let root = with_parts(folder);
    let (mut items, mut bad, mut loose) = (Vec::new(), Vec::new(), Vec::new());
    for path in entries(&root)? {
        if path.is_dir() {
            let (class, before) = (name(&path), items.len());
            descend(&path, &class, DEPTH, medium, &mut items)?;
            if items.len() == before {
                continue;
            }
        } else if medium.is_named(&path) {
            loose.push(path);
        }
    }
    if items.is_empty() {
        items.extend(loose.into_iter().map(|path| (path, None)));
    } else {
        bad.extend(loose.iter().map(|path| format!("{} (in no class's folder)", name(path))));
    }
    Ok((items, bad))
}

fn descend(folder: &Path, class: &str, depth: usize, medium: &Medium, items: &mut Vec<Found>) -> Result<()> {
    for path in entries(folder)? {
        // A linked folder may lie above this one.
        let linked = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
        if path.is_dir() {
            if !linked && depth > 0 {
                descend(&path, class, depth - 1, medium, items)?;
            }
        } else if medium.is_named(&path) {
            items.push((path, Some(class.into())));
        }
    }
    Ok(())
}
