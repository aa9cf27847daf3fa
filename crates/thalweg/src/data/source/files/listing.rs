//! Tables that list files, with labels for each.

use std::borrow::Cow;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::file_dataset::{FileDataset, Item};
use super::kinds::make_frames;
use super::{MEDIA, Medium, UNREAD, VIDEOS, has_ending};
use crate::config;
use crate::data::arrays::Arrays;
use crate::data::schema;
use crate::data::table::Table;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Decision;

/// Names that a column of files may have.
const NAMES: [&str; 13] = [
    "file",
    "files",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "path",
    "image",
    "picture",
    "sound",
    "audio",
    "wav",
    "recording",
];

/// The column of file names: the one in the options, else one found by its name.
pub(in super::super) fn column(names: &[String], options: &config::Data) -> Result<Option<usize>> {
    let Some(wanted) = &options.files else {
        return Ok(names.iter().position(|name| NAMES.contains(&name.to_lowercase().as_str())));
    };
    let found = names.iter().position(|name| name == wanted);
    found.map(Some).ok_or_else(|| {
        let near = crate::did_you_mean(wanted, names.iter().map(String::as_str));
        Error::config(format!("there is no column {wanted:?}{near}")).at("--files").fix("name the column of files")
    })
}

/// The files that a table lists, with the cells of its other columns; none if the column holds something else.
pub(in super::super) fn open(mut table: Table, column: usize, options: &config::Data) -> Result<Option<Arrays>> {
    let column_of_files = table.columns.remove(column);
    let cells: Vec<_> = column_of_files.iter().collect();
    let name = table.names.remove(column);
    let named = || cells.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty());
    let first = named().next().unwrap_or_default();
    let files =
        named().filter(|cell| Medium::of(Path::new(cell)).is_some() || has_ending(Path::new(cell), &UNREAD)).count();
    if options.files.is_none() && files * 2 <= named().count() {
        return Ok(None);
    }
    let of = |medium: &&Medium| named().filter(|cell| medium.is_named(Path::new(cell))).count();
    let medium = MEDIA.iter().rev().max_by_key(of).filter(|medium| of(medium) > 0);
    let Some(medium) = medium else {
        let wrong = match Path::new(first) {
            video if has_ending(video, &VIDEOS) => make_frames(video),
            _ if files > 0 => "convert the files, such as to PNG or WAV".into(),
            _ => "name another column with [files]".into(),
        };
        return Err(Error::data(format!("found {first:?}, expected the name of a picture or a sound that is read"))
            .at(format!("{}, column {name:?}", table.source))
            .fix(wrong));
    };
    let folder = Path::new(&table.source).parent().unwrap_or(Path::new("")).to_path_buf();
    let item = |(row, cell): (usize, &Cow<str>)| Item {
        path: folder.join(cell.trim()),
        answers: table.columns.iter().map(|column| column.get(row).to_string()).collect(),
        place: table.lines[row],
    };
    let items = cells.iter().enumerate().map(item).collect();
    let mut decisions = vec![Decision {
        what: format!("column {name:?} names the files"),
        why: format!("such as {first}"),
        instead: "[files=COLUMN]".into(),
    }];
    let options = &schema::with_whole_names(&table, options);
    schema::check_names(&table, options, &config::Split::default())?;
    let targets = if table.names.is_empty() {
        Vec::new()
    } else {
        schema::choose_targets(&table, options, &mut decisions).into_iter().map(|i| table.names[i].clone()).collect()
    };
    let dataset = FileDataset::of_items(&table.source, &folder, items).with_answers(table.names, targets);
    let mut arrays = (medium.read)(dataset, options)?;
    arrays.decisions.splice(0..0, decisions);
    Ok(Some(arrays))
}

/// The files listed one per line in a text, without labels.
pub(in super::super) fn of_lines(source: &str, text: impl BufRead, options: &config::Data) -> Result<Arrays> {
    let wrong = |error: std::io::Error| {
        Error::io(ErrorKind::Data, source, "read the list of files", &error).fix("give the name of a file a line")
    };
    let lines = text.lines().collect::<std::io::Result<Vec<String>>>().map_err(wrong)?;
    let paths: Vec<PathBuf> =
        lines.iter().map(|line| line.trim().into()).filter(|path: &PathBuf| path != Path::new("")).collect();
    let Some(medium) = paths.iter().find_map(|path| Medium::of(path)) else {
        let found = Error::data("no line names a picture or a sound").at(source);
        return Err(found.fix("give the name of a file a line"));
    };
    (medium.read)(FileDataset::of_files(source, Path::new(""), paths), options)
}
