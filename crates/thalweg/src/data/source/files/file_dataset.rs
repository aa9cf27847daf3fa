//! Datasets with one file per example: images or sounds, and the handling of unreadable files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use thalweg_kernels::pool;

use super::Medium;
use super::folder::{self, FolderFiles, Rest};
use super::kinds::convert;
use crate::config;
use crate::data::arrays::{self, Arrays};
use crate::data::media_spec::MediaSpec;
use crate::data::memory;
use crate::data::rejects::Reject;
use crate::data::row_file::{self, RowShape, RowWriter};
use crate::data::source::unread;
use crate::error::{Error, Result, advice};
use crate::event::Decision;

/// The maximum number of unreadable files that a message names.
const NAMED: usize = 5;

/// A file with its labels and location.
pub(super) struct Item {
    pub(super) path: PathBuf,
    /// Its cells in the dataset's columns.
    pub(super) answers: Vec<String>,
    /// Its line in a table, or its index.
    pub(super) place: u64,
}

/// The files of a source that are examples.
pub(super) struct FileDataset {
    /// The name of the source in errors.
    source: String,
    /// The folder that file names are relative to.
    folder: PathBuf,
    items: Vec<Item>,
    /// The columns of the items' labels, and those that are targets.
    names: Vec<String>,
    targets: Vec<String>,
    /// Files that are left out, each with the reason.
    bad: Vec<Reject>,
    /// Whether classes come from folders.
    by_folder: bool,
    /// The labels of those that could not be read.
    lost: Vec<Vec<String>>,
    /// The original number of files.
    all: usize,
    /// The other contents of the folder.
    rest: Rest,
    /// The folder that its classes lie in, if it is one.
    root: Option<PathBuf>,
    /// Whether an example may be a folder.
    has_folders: bool,
    pub(super) warnings: Vec<String>,
}

impl FileDataset {
    /// A folder's files of one medium, with their classes.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub(super) fn of_folder(path: &Path, medium: &Medium) -> Result<FileDataset> {
        let FolderFiles { items: files, bad, rest } = folder::walk(path, medium.endings)?;
        let all_have_classes = !files.is_empty() && files.iter().all(|(_, class)| class.is_some());
        let items = files.into_iter().zip(1..).map(|((path, class), place)| Item {
            path,
            answers: class.into_iter().collect(),
            place,
        });
        let mut dataset = FileDataset::of_items(&path.display().to_string(), path, items.collect());
        dataset.all += bad.len();
        dataset.root = Some(folder::with_parts(path));
        (dataset.bad, dataset.rest, dataset.by_folder) = (bad, rest, all_have_classes);
        let class = Vec::from_iter(all_have_classes.then(|| "class".to_string()));
        Ok(dataset.with_answers(class.clone(), class))
    }

    /// Files without labels.
    pub(super) fn of_files(source: &str, folder: &Path, paths: Vec<PathBuf>) -> FileDataset {
        let items = paths.into_iter().zip(1..).map(|(path, place)| Item { path, answers: Vec::new(), place });
        FileDataset::of_items(source, folder, items.collect())
    }

    /// Files, named relative to a folder.
    pub(super) fn of_items(source: &str, folder: &Path, items: Vec<Item>) -> FileDataset {
        FileDataset {
            source: source.into(),
            folder: folder.into(),
            all: items.len(),
            items,
            names: Vec::new(),
            targets: Vec::new(),
            bad: Vec::new(),
            by_folder: false,
            lost: Vec::new(),
            rest: Rest::default(),
            root: None,
            has_folders: false,
            warnings: Vec::new(),
        }
    }

    /// The same with names for the items' cells, some of which are targets.
    #[must_use]
    pub(super) fn with_answers(self, names: Vec<String>, targets: Vec<String>) -> FileDataset {
        FileDataset { names, targets, ..self }
    }

    /// The same, each example a file or a folder of files: those of a folder are grouped, those of a list stay.
    #[must_use]
    pub(super) fn regrouped(mut self, group: impl FnOnce(&Path, Vec<Item>) -> Vec<Item>) -> FileDataset {
        self.has_folders = true;
        if let Some(root) = &self.root {
            self.items = group(root, self.items);
            self.all = self.items.len() + self.bad.len();
            if self.items.iter().any(|item| item.answers.len() < self.names.len()) {
                (self.names, self.targets, self.by_folder) = (Vec::new(), Vec::new(), false);
            }
        }
        self
    }

    /// The folder that its classes lie in, if it is one.
    pub(super) fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// The remaining files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.items.iter().map(|item| item.path.as_path())
    }

    /// The number of remaining files.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// The same, after checking that no class is lost because of its file types; warns about what else in the folder is
    /// left out.
    ///
    /// # Errors
    /// If a class's folder only has files of unsupported types.
    pub(super) fn checked(mut self, medium: &Medium, options: &config::Data) -> Result<FileDataset> {
        let mut rest = std::mem::take(&mut self.rest);
        let has_classes = self.items.iter().any(|item| !item.answers.is_empty());
        let mut empty = Vec::new();
        for (class, kinds) in std::mem::take(&mut rest.gone) {
            let is_class = has_classes && (options.classes.is_empty() || options.classes.contains(&class));
            if kinds.len() == 0 {
                empty.push(format!("{class:?}"));
            } else if is_class && !class.starts_with('_') {
                let found =
                    format!("no file of class {class:?} is of a kind that is read: {}", kinds.told(&self.folder));
                let convert = convert(&kinds, medium.convert);
                let fix =
                    advice!("{}, move the folder away, or name the classes that it is none of with [classes]", convert);
                return Err(Error::data(found).at(self.source).fix(fix));
            } else {
                rest.others.extend(kinds);
            }
        }
        let mut warn = |what: String| self.warnings.push(format!("{}: {what}", self.source));
        if rest.others.len() > 0 {
            let kinds = rest.others.told(&self.folder);
            warn(format!("{} files of a kind that is not read are left out: {kinds}", rest.others.len()));
        }
        if !empty.is_empty() {
            warn(format!("folders without a file are no classes: {}", empty.join(", ")));
        }
        for (class, files) in &rest.set_aside {
            let aside =
                medium.aside.map(|flag| format!("mix them into the others with {flag} {}/{class}, or ", self.source));
            let aside = aside.unwrap_or_default();
            warn(format!(
                "{class:?} is taken as no class, for its name begins with an underscore: {files} files are left out; \
                 {aside}rename the folder if it is a class"
            ));
        }
        if let Some([one, other]) = &rest.alike {
            warn(format!(
                "{one:?} and {other:?} differ only in case and are two classes; put them together if they are one"
            ));
        }
        if let Some(folder) = rest.not_entered.first() {
            let (count, such) = (rest.not_entered.len(), name(&self.folder, folder));
            warn(format!("linked folders, or folders too deep, that are not looked into: {count} (such as {such})"));
        }
        Ok(self)
    }

    /// The items' classes, if their labels are classes.
    pub(super) fn classes(&self) -> Option<Vec<&str>> {
        let [target] = self.targets.as_slice() else { return None };
        let column = self.names.iter().position(|name| name == target)?;
        Some(self.items.iter().map(|item| item.answers[column].as_str()).collect())
    }

    /// Reads something of each file, on all threads; files for which that fails are left out.
    ///
    /// # Errors
    /// If there are more of those than the options allow.
    pub(super) fn read<T: Send>(
        &mut self,
        options: &config::Data,
        read: impl Fn(&Path) -> std::result::Result<T, String> + Sync,
    ) -> Result<Vec<T>> {
        let mut kept = Vec::with_capacity(self.items.len());
        self.read_groups(self.items.len(), options, read, |one| {
            kept.push(one);
            Ok(())
        })?;
        Ok(kept)
    }

    /// Reads something of each file and passes it on in the order of the files, a group of them at a time.
    fn read_groups<T: Send>(
        &mut self,
        at_once: usize,
        options: &config::Data,
        read: impl Fn(&Path) -> std::result::Result<T, String> + Sync,
        mut take: impl FnMut(T) -> Result<()>,
    ) -> Result<()> {
        let has_folders = self.has_folders;
        let read = |path: &Path| match std::fs::metadata(path) {
            Ok(found) if found.is_file() || (has_folders && found.is_dir()) => {
                read(path).map_err(|reason| unread::of_file(path).unwrap_or(reason))
            }
            Ok(_) => Err("no regular file".into()),
            Err(error) => Err(error.to_string()),
        };
        let mut items = std::mem::take(&mut self.items).into_iter();
        loop {
            let group: Vec<Item> = items.by_ref().take(at_once).collect();
            if group.is_empty() {
                return self.refuse_if_many(options);
            }
            let results = pool::map(group.len(), |i| read(&group[i].path));
            for (item, result) in group.into_iter().zip(results) {
                match result {
                    Ok(result) => {
                        take(result)?;
                        self.items.push(item);
                    }
                    Err(reason) => {
                        self.bad.push(Reject::file(name(&self.folder, &item.path), reason));
                        self.lost.push(item.answers);
                    }
                }
            }
        }
    }

    fn refuse_if_many(&self, options: &config::Data) -> Result<()> {
        let (most, bad, all) = (options.max_bad.unwrap_or(0.01), self.bad.len(), self.all);
        if bad == all || bad > (most * all as f64).ceil() as usize {
            let error = Error::data(format!("{bad} of {all} files cannot be read: {}", self.listed()));
            let fix = advice!("mend or remove them, or allow more with [max_bad] (now {})", most);
            return Err(error.at(self.source.clone()).fix(fix));
        }
        self.refuse_if_gone()
    }

    /// A class's folder without any readable file is an error, however few files it has.
    fn refuse_if_gone(&self) -> Result<()> {
        let left: HashSet<&[String]> = self.items.iter().map(|item| item.answers.as_slice()).collect();
        let gone = self.lost.iter().find(|class| self.by_folder && !left.contains(class.as_slice()));
        let Some(class) = gone else { return Ok(()) };
        let error = Error::data(format!("no file of class {:?} can be read: {}", class.join(","), self.listed()));
        Err(error.at(self.source.clone()).fix("mend them, or move the folder away"))
    }

    fn listed(&self) -> String {
        let more = self.bad.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let told = |bad: &Reject| format!("{} ({})", bad.file, bad.reason);
        let first: Vec<String> = self.bad.iter().take(NAMED).map(told).collect();
        format!("{}{more}", first.join("; "))
    }

    /// The examples, each read from its file and converted to a common form: in memory, or on disk if they need too
    /// much of it.
    ///
    /// # Errors
    /// If too many files cannot be read, or there is no space for their examples.
    pub(super) fn into_arrays(
        mut self,
        spec: MediaSpec,
        options: &config::Data,
        mut decisions: Vec<Decision>,
        read: impl Fn(&Path) -> std::result::Result<Vec<f32>, String> + Sync,
    ) -> Result<Arrays> {
        let shape = spec.shape();
        let width = shape.iter().product();
        let needed = memory::needed(self.items.len(), width);
        let at_once = memory::examples_at_once(options, width)?;
        let mut arrays = if memory::stay_on_disk(options, needed, &mut decisions)? {
            let of_row = RowShape { columns: width, targets: 0, weighted: false };
            let mut writer = RowWriter::new(row_file::folder(options), of_row)?;
            let (source, mut before) = (self.source.clone(), 0..);
            self.read_groups(at_once, options, read, |x| {
                arrays::check_finite(&source, width, before.next().unwrap_or_default(), &x)?;
                writer.push(1, [&x, &[], &[]])
            })?;
            Arrays::on_disk(&self.source, &shape, writer.finish()?)
        } else {
            let mut x = Vec::new();
            x.try_reserve_exact(self.items.len() * width).map_err(|_| {
                let found = format!("{} examples of {width} numbers do not fit into memory", self.items.len());
                Error::data(found).at(self.source.clone()).fix("let them stay on disk with [from_disk=true]")
            })?;
            self.read_groups(at_once.max(pool::threads()), options, read, |example| {
                x.extend(example);
                Ok(())
            })?;
            Arrays::new(&self.source, &shape, x)?
        };
        for (i, column) in self.names.iter().enumerate() {
            arrays = arrays.with_answers(column, self.items.iter().map(|item| item.answers[i].clone()))?;
        }
        arrays.targets.clone_from(&self.targets);
        arrays.answers.lines = self.items.iter().map(|item| item.place).collect();
        arrays.files = self.items.iter().map(|item| name(&self.folder, &item.path)).collect();
        arrays.media = Some(spec);
        arrays.decisions = decisions;
        if !self.bad.is_empty() {
            let (bad, all) = (self.bad.len(), self.all);
            arrays.warnings.push(Decision {
                what: format!("{}: {bad} of {all} files are left out: {}", self.source, self.listed()),
                why: "they cannot be read".into(),
                instead: "[max_bad=0]".into(),
            });
        }
        arrays.rejects = self.bad;
        arrays.warnings.extend(self.warnings.drain(..).map(|what| Decision {
            what,
            why: "so the files lie".into(),
            instead: "move or rename files".into(),
        }));
        Ok(arrays)
    }
}

/// The displayed name of a file.
fn name(folder: &Path, path: &Path) -> String {
    let name = path.strip_prefix(folder).unwrap_or(path);
    if name == Path::new("") { path } else { name }.display().to_string()
}
