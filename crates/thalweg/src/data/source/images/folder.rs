//! Which files of a folder are pictures, and of what class.

use std::fs;
use std::path::{Path, PathBuf};

use super::Picture;
use crate::error::{Error, Kind, Result};

/// Endings of names that a picture may have.
const ENDINGS: [&str; 10] = ["jpg", "jpeg", "jfif", "png", "webp", "gif", "bmp", "dib", "tif", "tiff"];

/// Folders deeper than this within a class are not looked into.
const DEPTH: usize = 8;

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

/// The folder of training pictures: its subfolder for them, where it has one.
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

pub(super) fn is_named_like_a_picture(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    ENDINGS.contains(&ending.as_str())
}

/// The pictures of a folder, in the order of their names, and what is named like one and is none.
pub(super) fn walk(folder: &Path) -> Result<(Vec<Picture>, Vec<String>)> {
    let root = with_parts(folder);
    let (mut pictures, mut bad, mut loose) = (Vec::new(), Vec::new(), Vec::new());
    for path in entries(&root)? {
        if path.is_dir() {
            let (class, before) = (name(&path), pictures.len());
            descend(&path, &class, DEPTH, &mut pictures, &mut bad)?;
            if pictures.len() == before {
                continue;
            }
        } else if is_named_like_a_picture(&path) {
            loose.push(path);
        }
    }
    if pictures.is_empty() {
        pictures.extend(loose.into_iter().map(|path| Picture { path, class: None }));
    } else {
        bad.extend(loose.iter().map(|path| format!("{} (in no class's folder)", name(path))));
    }
    Ok((pictures, bad))
}

fn descend(folder: &Path, class: &str, depth: usize, pictures: &mut Vec<Picture>, bad: &mut Vec<String>) -> Result<()> {
    for path in entries(folder)? {
        // A linked folder may lie above this one.
        let linked = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
        if path.is_dir() {
            if !linked && depth > 0 {
                descend(&path, class, depth - 1, pictures, bad)?;
            }
        } else if is_named_like_a_picture(&path) {
            if path.is_file() {
                pictures.push(Picture { path, class: Some(class.into()) });
            } else {
                bad.push(format!("{} (no regular file)", path.display()));
            }
        }
    }
    Ok(())
}
