//! The files of a folder that are examples, and their classes: one class per subfolder, optionally within `train`,
//! `dev` and `test`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::kinds::{Kinds, convert};
use super::{UNREAD, has_ending};
use crate::data::rejects::Reject;
use crate::error::{Error, ErrorKind, Result};

/// Maximum depth of folders within a class.
const DEPTH: usize = 8;

/// A file, and its class if given by a folder.
pub(super) type ListedFile = (PathBuf, Option<String>);

/// The names that a split's folder may have.
fn names(part: &str) -> &'static [&'static str] {
    match part {
        "train" => &["train", "training"],
        "dev" => &["dev", "val", "valid", "validation"],
        _ => &["test", "testing"],
    }
}

/// The subfolder of a split: `train`, `dev` (or `val`, `valid`, `validation`) or `test`.
pub(in super::super) fn part(folder: &Path, part: &str) -> Option<PathBuf> {
    let wanted = names(part);
    entries(folder).ok()?.into_iter().find(|path| wanted.contains(&name(path).to_lowercase().as_str()) && path.is_dir())
}

/// The folder of training files: the train subfolder, if there is one.
pub(super) fn with_parts(folder: &Path) -> PathBuf {
    part(folder, "train").unwrap_or_else(|| folder.into())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Names of files that operating systems create.
const OF_SYSTEMS: [&str; 5] = ["thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx"];

/// The entries of a folder, by name; hidden files and those of operating systems are left out.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let wrong = |error: std::io::Error| {
        Error::io(ErrorKind::Data, folder.display().to_string(), "read the folder", &error)
            .fix("name a folder that can be read")
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let name = name(&path);
        if !name.starts_with('.') && !OF_SYSTEMS.contains(&name.to_lowercase().as_str()) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// A folder's contents for one medium.
#[derive(Default)]
pub(super) struct FolderFiles {
    /// Its files, sorted by name.
    pub(super) items: Vec<ListedFile>,
    /// Its files in wrong locations, with the reason.
    pub(super) bad: Vec<Reject>,
    /// The other contents of the folder.
    pub(super) rest: Rest,
}

/// The contents of a folder other than the files of a medium.
#[derive(Default)]
pub(super) struct Rest {
    /// Files of other kinds.
    pub(super) others: Kinds,
    /// The same for class folders that hold nothing else, by name; those without kinds are empty.
    pub(super) gone: Vec<(String, Kinds)>,
    /// Class folders of the medium's files that are left out because of their names, and how many files they hold.
    pub(super) set_aside: Vec<(String, usize)>,
    /// Folders not entered: symbolic links, and those too deep.
    pub(super) not_entered: Vec<PathBuf>,
    /// Two class folders that differ only in case.
    pub(super) alike: Option<[String; 2]>,
}

/// Finds the files with some endings in a folder.
pub(super) fn walk(folder: &Path, endings: &[&str]) -> Result<FolderFiles> {
    let root = with_parts(folder);
    let mut walk = FolderFiles::default();
    let (mut loose, mut aside) = (Vec::new(), Vec::new());
    let mut classes = BTreeMap::<String, String>::new();
    for path in entries(&root)? {
        if !path.is_dir() {
            if has_ending(&path, endings) {
                loose.push(path);
            } else {
                walk.rest.others.add(path);
            }
            continue;
        }
        let class = name(&path);
        let (mut items, mut others) = (Vec::new(), Kinds::default());
        descend(&path, &class, DEPTH, endings, &mut items, &mut others, &mut walk.rest.not_entered)?;
        if items.is_empty() {
            walk.rest.gone.push((class, others));
        } else if class.starts_with('_') {
            aside.push((class, items, others));
        } else {
            walk.rest.others.extend(others);
            if let Some(other) = classes.insert(class.to_lowercase(), class.clone()) {
                walk.rest.alike = Some([other, class]);
            }
            walk.items.append(&mut items);
        }
    }
    // Such a prefix means that the files are not examples, if there are other files that are.
    for (class, mut items, others) in aside {
        if classes.is_empty() {
            walk.rest.others.extend(others);
            walk.items.append(&mut items);
        } else {
            walk.rest.set_aside.push((class, items.len()));
        }
    }
    if walk.items.is_empty() {
        walk.items.extend(loose.into_iter().map(|path| (path, None)));
    } else {
        walk.bad.extend(loose.iter().map(|path| Reject::file(name(path), "in no class's folder".into())));
    }
    Ok(walk)
}

fn descend(
    folder: &Path,
    class: &str,
    depth: usize,
    endings: &[&str],
    items: &mut Vec<ListedFile>,
    others: &mut Kinds,
    not_entered: &mut Vec<PathBuf>,
) -> Result<()> {
    for path in entries(folder)? {
        if path.is_dir() {
            // A linked folder may be an ancestor of this one.
            let linked = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
            if linked || depth == 0 {
                not_entered.push(path);
            } else {
                descend(&path, class, depth - 1, endings, items, others, not_entered)?;
            }
        } else if has_ending(&path, endings) {
            items.push((path, Some(class.into())));
        } else {
            others.add(path);
        }
    }
    Ok(())
}

/// The problem with a folder without readable files, if it has images or sounds of unsupported types.
pub(super) fn unread(folder: &Path) -> Result<Option<Error>> {
    let (mut kinds, mut folders, root) = (Kinds::default(), vec![with_parts(folder)], with_parts(folder));
    while let Some(next) = folders.pop() {
        for path in entries(&next)? {
            if path.is_dir() {
                // Only classes, not what is below them.
                if next == root {
                    folders.push(path);
                }
            } else if has_ending(&path, &UNREAD) {
                kinds.add(path);
            }
        }
    }
    let found = || format!("no file is of a kind that is read: {}", kinds.told(folder));
    let fix = convert(&kinds, "JPEG or PNG if they are pictures, to WAV or FLAC if they are sounds");
    Ok((kinds.len() > 0).then(|| Error::data(found()).at(folder.display().to_string()).fix(fix)))
}
