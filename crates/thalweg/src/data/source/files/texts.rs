//! Folders of texts as a table: a file each, and a class a subfolder.

use std::fs;
use std::path::Path;

use encoding_rs::{Encoding, UTF_8};

use super::folder::{self, FolderFiles, ListedFile};
use crate::config;
use crate::data::column::Column;
use crate::data::source::detect;
use crate::data::source::reader::{Batches, TableReader};
use crate::data::source::text::LONGEST_ROW;
use crate::data::table::Table;
use crate::error::{Error, Result};
use crate::event::Decision;

const ENDINGS: &[&str] = &["txt"];

/// The files of a folder, of which each becomes a row.
struct TextFiles {
    source: String,
    names: Vec<String>,
    files: std::vec::IntoIter<ListedFile>,
    /// Rows read before.
    rows: u64,
    encoding: Option<&'static Encoding>,
    decisions: Vec<Decision>,
}

/// A folder's texts, with the columns `file`, `text` and, where subfolders are classes, `class`; none if it has no such
/// files.
///
/// # Errors
/// If a folder cannot be read, or the options name an unknown encoding.
pub(in super::super) fn open(path: &Path, options: &config::Data) -> Result<Option<TableReader>> {
    let FolderFiles { items, bad, rest } = folder::walk(path, ENDINGS)?;
    if items.is_empty() {
        return Ok(None);
    }
    let classes = items.iter().all(|(_, class)| class.is_some());
    let names = ["file", "text"].into_iter().chain(classes.then_some("class")).map(String::from).collect();
    let encoding = options.encoding.as_deref().map(|label| detect::named(label, "use utf-8 or latin1"));
    let left_out = bad.len() + rest.others.len() + rest.set_aside.iter().map(|(_, files)| files).sum::<usize>();
    let decision = (left_out > 0).then(|| Decision {
        what: format!("{left_out} files are left out"),
        why: "they are no .txt files in the folder of a class".into(),
        instead: "a folder of these alone".into(),
    });
    let source = path.display().to_string();
    let texts = TextFiles {
        source: source.clone(),
        names,
        files: items.into_iter(),
        rows: 0,
        encoding: encoding.transpose()?,
        decisions: decision.into_iter().collect(),
    };
    TableReader::new(&source, Box::new(texts), options).map(Some)
}

impl TextFiles {
    fn read(&self, path: &Path) -> Result<String> {
        let place = path.display().to_string();
        let bytes = fs::read(path).map_err(|error| crate::data::source::unreadable(&place, &error))?;
        if bytes.len() > LONGEST_ROW {
            let error = Error::data(format!("a text of {} bytes, at most {LONGEST_ROW} are read", bytes.len()));
            return Err(error.at(place).fix("split it into several texts"));
        }
        let encoding = self.encoding.unwrap_or_else(|| detect::encoding(&bytes, true).0);
        let (text, _, wrong) = encoding.decode(&bytes);
        if text.contains('\0') || (wrong && encoding == UTF_8) {
            let error = Error::data("bytes that are no text").at(place);
            return Err(error.fix("save the file as UTF-8, or name its [encoding]"));
        }
        Ok(text.into_owned())
    }
}

impl Batches for TextFiles {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn next(&mut self, most: usize) -> Result<Option<Table>> {
        let files: Vec<ListedFile> = self.files.by_ref().take(most).collect();
        if files.is_empty() {
            return Ok(None);
        }
        let relative = |path: &Path| path.strip_prefix(&self.source).unwrap_or(path).display().to_string();
        let mut columns = vec![files.iter().map(|(path, _)| relative(path)).collect::<Vec<String>>()];
        columns.push(files.iter().map(|(path, _)| self.read(path)).collect::<Result<_>>()?);
        if self.names.len() > columns.len() {
            columns.push(files.iter().filter_map(|(_, class)| class.clone()).collect());
        }
        let lines = (self.rows + 1..).take(files.len()).collect();
        self.rows += files.len() as u64;
        let columns = columns.iter().map(Column::of_texts).collect();
        Ok(Some(Table { source: self.source.clone(), names: self.names.clone(), columns, lines, cell_format: None }))
    }

    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }
}
