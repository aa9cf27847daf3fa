//! Files that are an example each: pictures or sounds, and what becomes of those that cannot be read.

use std::path::{Path, PathBuf};

use thalweg_kernels::pool;

use super::{Medium, folder};
use crate::data::arrays::Arrays;
use crate::data::form::Form;
use crate::error::{Error, Result};
use crate::spec;
use crate::train::event::Decision;

/// How many unreadable files a message names.
const NAMED: usize = 5;

/// A file, and its class where its folder says one.
pub(super) struct Item {
    pub(super) path: PathBuf,
    pub(super) class: Option<String>,
}

/// The files of a source that are examples.
pub(super) struct Corpus {
    /// What errors call it.
    source: String,
    /// What names of files are told from.
    folder: PathBuf,
    items: Vec<Item>,
    /// Files that are left out, each with its reason.
    bad: Vec<String>,
    /// How many files there were.
    all: usize,
}

impl Corpus {
    /// The files of a folder of a medium, with their classes.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub(super) fn of_folder(path: &Path, medium: &Medium) -> Result<Corpus> {
        let (items, bad) = folder::walk(path, medium)?;
        let all = items.len() + bad.len();
        Ok(Corpus { source: path.display().to_string(), folder: path.into(), items, bad, all })
    }

    /// Files by their paths, without classes.
    pub(super) fn of_files(source: &str, folder: &Path, paths: Vec<PathBuf>) -> Corpus {
        let items: Vec<Item> = paths.into_iter().map(|path| Item { path, class: None }).collect();
        let all = items.len();
        Corpus { source: source.into(), folder: folder.into(), items, bad: Vec::new(), all }
    }

    /// How many files are left.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Reads something of each file, on all threads; files of which it cannot be read are left out.
    ///
    /// # Errors
    /// If those are more than the options allow.
    pub(super) fn read<T: Send>(
        &mut self,
        options: &spec::Data,
        read: impl Fn(&Path) -> std::result::Result<T, String> + Sync,
    ) -> Result<Vec<T>> {
        let mut results = pool::map(self.items.len(), |i| read(&self.items[i].path)).into_iter();
        let mut kept = Vec::with_capacity(results.len());
        let (folder, bad) = (&self.folder, &mut self.bad);
        self.items.retain(|item| match results.next() {
            Some(Ok(result)) => {
                kept.push(result);
                true
            }
            Some(Err(reason)) => {
                bad.push(format!("{} ({reason})", name(folder, &item.path)));
                false
            }
            None => false,
        });
        self.refuse_if_many(options)?;
        Ok(kept)
    }

    fn refuse_if_many(&self, options: &spec::Data) -> Result<()> {
        let (most, bad, all) = (options.max_bad.unwrap_or(0.01), self.bad.len(), self.all);
        if bad == all || bad > (most * all as f64).ceil() as usize {
            let error = Error::data(format!("{bad} of {all} files cannot be read: {}", self.listed()));
            let fix = format!("mend or remove them, or allow more with --max-bad (now {most})");
            return Err(error.at(self.source.clone()).fix(fix));
        }
        Ok(())
    }

    fn listed(&self) -> String {
        let more = self.bad.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", self.bad[..self.bad.len().min(NAMED)].join("; "))
    }

    /// The examples that were read, brought to a form.
    ///
    /// # Errors
    /// If they are not of its shape.
    pub(super) fn into_arrays(self, x: Vec<Vec<f32>>, form: Form, decisions: Vec<Decision>) -> Result<Arrays> {
        let mut arrays = Arrays::new(&self.source, &form.shape(), x.concat())?;
        if self.items.iter().all(|item| item.class.is_some()) {
            arrays = arrays.with_answers("class", self.items.iter().filter_map(|item| item.class.clone()))?;
        }
        arrays.files = self.items.iter().map(|item| name(&self.folder, &item.path)).collect();
        arrays.form = Some(form);
        arrays.decisions = decisions;
        if !self.bad.is_empty() {
            let (bad, all) = (self.bad.len(), self.all);
            arrays.warnings.push(format!("{}: {bad} of {all} files are left out: {}", self.source, self.listed()));
        }
        Ok(arrays)
    }
}

/// How a file is called.
fn name(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}
