//! Which files of a folder are examples, and of what class: a class per subfolder, `train`, `dev` and `test` above them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::kinds::Kinds;
use super::{Medium, UNREAD, has_ending};
use crate::error::{Error, Kind, Result};

/// Folders deeper than this within a class are not looked into.
const DEPTH: usize = 8;

/// A file, and its class where a folder says one.
type ListedFile = (PathBuf, Option<String>);

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

/// Names of what systems put beside files.
const OF_SYSTEMS: [&str; 5] = ["thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx"];

/// What is in a folder, by name; hidden files and those of systems are left out.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let wrong = |error: std::io::Error| {
        Error::io(Kind::Data, folder.display().to_string(), "read the folder", &error)
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

/// What a folder holds of a medium.
#[derive(Default)]
pub(super) struct FolderFiles {
    /// Its files, in the order of their names.
    pub(super) items: Vec<ListedFile>,
    /// Files of it that are in the wrong place, with the reason.
    pub(super) bad: Vec<String>,
    /// What else is in the folder.
    pub(super) rest: Rest,
}

/// What is in a folder besides the files of a medium.
#[derive(Default)]
pub(super) struct Rest {
    /// Files of other kinds.
    pub(super) others: Kinds,
    /// The same for class folders that hold nothing else, with their names; without kinds they are empty.
    pub(super) gone: Vec<(String, Kinds)>,
    /// Class folders of the medium's files that are left out for their names, and how many files they hold.
    pub(super) set_aside: Vec<(String, usize)>,
    /// Linked folders, and folders too deep.
    pub(super) not_entered: Vec<PathBuf>,
    /// Two class folders that differ in case only.
    pub(super) alike: Option<[String; 2]>,
}

/// Looks for a medium's files in a folder.
pub(super) fn walk(folder: &Path, medium: &Medium) -> Result<FolderFiles> {
    let root = with_parts(folder);
    let mut walk = FolderFiles::default();
    let (mut loose, mut aside) = (Vec::new(), Vec::new());
    let mut classes = BTreeMap::<String, String>::new();
    for path in entries(&root)? {
        if !path.is_dir() {
            if medium.is_named(&path) {
                loose.push(path);
            } else {
                walk.rest.others.add(path);
            }
            continue;
        }
        let class = name(&path);
        let (mut items, mut others) = (Vec::new(), Kinds::default());
        descend(&path, &class, DEPTH, medium, &mut items, &mut others, &mut walk.rest.not_entered)?;
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
    // A name that begins so says that the files are for something else than examples, if others are examples.
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
        walk.bad.extend(loose.iter().map(|path| format!("{} (in no class's folder)", name(path))));
    }
    Ok(walk)
}

fn descend(
    folder: &Path,
    class: &str,
    depth: usize,
    medium: &Medium,
    items: &mut Vec<ListedFile>,
    others: &mut Kinds,
    not_entered: &mut Vec<PathBuf>,
) -> Result<()> {
    for path in entries(folder)? {
        if path.is_dir() {
            // A linked folder may lie above this one.
            let linked = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
            if linked || depth == 0 {
                not_entered.push(path);
            } else {
                descend(&path, class, depth - 1, medium, items, others, not_entered)?;
            }
        } else if medium.is_named(&path) {
            items.push((path, Some(class.into())));
        } else {
            others.add(path);
        }
    }
    Ok(())
}

/// What is wrong with a folder of which no file is read, where it has pictures or sounds of other kinds.
pub(super) fn unread(folder: &Path) -> Result<Option<Error>> {
    let (mut kinds, mut folders, root) = (Kinds::default(), vec![with_parts(folder)], with_parts(folder));
    while let Some(next) = folders.pop() {
        for path in entries(&next)? {
            if path.is_dir() {
                // Classes alone, not what is below them.
                if next == root {
                    folders.push(path);
                }
            } else if has_ending(&path, &UNREAD) {
                kinds.add(path);
            }
        }
    }
    let found = || format!("no file is of a kind that is read: {}", kinds.told(folder));
    let fix = "convert them, pictures to JPEG or PNG, sounds to WAV or FLAC";
    Ok((kinds.len() > 0).then(|| Error::data(found()).at(folder.display().to_string()).fix(fix)))
}
