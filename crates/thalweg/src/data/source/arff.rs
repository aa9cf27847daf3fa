//! ARFF, the format of Weka and OpenML: attributes with types, then rows, dense or sparse.

use super::lines::Lines;
use super::names;
use super::packed::{Start, Stream};
use super::reader::{self, Batches};
use crate::config;
use crate::data::column::Declared;
use crate::data::table::Table;
use crate::error::{Error, Result};

/// The maximum number of attributes.
const MOST: usize = 1 << 20;

/// Whether a text begins with a relation's name, or an attribute.
pub(super) fn is(start: &Start) -> bool {
    let lines = start.text.lines().map(|line| line.trim_start_matches('\u{feff}').trim());
    let mut first = lines.filter(|line| !line.is_empty() && !line.starts_with('%'));
    first.next().is_some_and(|line| ["@relation", "@attribute"].iter().any(|word| keyword(line, word).is_some()))
}

/// What follows a keyword, case-insensitively.
fn keyword<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = line.split_at_checked(word.len())?;
    (start.eq_ignore_ascii_case(word) && !rest.starts_with(|c: char| c.is_alphanumeric())).then(|| rest.trim_start())
}

/// Opens a file and reads its attributes.
pub(super) fn open(source: &str, stream: Stream, options: &config::Data) -> Result<Box<dyn Batches>> {
    let mut lines = Lines::new(source, &stream.start, stream.input, options)?;
    let (mut columns, mut defaults) = (Vec::new(), Vec::new());
    loop {
        let Some(line) = lines.next()? else {
            return Err(Error::data("an ARFF file without @data").at(source).fix("it is cut off: copy it again"));
        };
        let line = line.trim();
        if line.is_empty() || line.starts_with('%') || keyword(line, "@relation").is_some() {
            continue;
        }
        if keyword(line, "@data").is_some() {
            break;
        }
        let attribute = keyword(line, "@attribute").and_then(attribute).filter(|_| columns.len() < MOST);
        let Some((name, declared, default)) = attribute else {
            let what = format!("found {:?}, expected an ARFF attribute or @data", shortened(line));
            let fix = "write @attribute NAME TYPE; the types read are numeric, real, integer, string, date and {a,b}";
            return Err(lines.error(what, fix));
        };
        columns.push((name, declared));
        defaults.push(default);
    }
    if columns.is_empty() {
        return Err(Error::data("an ARFF file without attributes").at(source).fix("add an @attribute line a column"));
    }
    names::rename(source, &mut columns, options)?;
    let empty = reader::typed(source, &columns, options);
    Ok(Box::new(Arff { lines, empty, defaults, row: 0 }))
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

/// An attribute's name, its declared kind, and the cell implied in sparse rows.
fn attribute(rest: &str) -> Option<(String, Declared, String)> {
    let (name, rest) = match rest.chars().next()? {
        quote @ ('\'' | '"') => quoted(&rest[1..], quote)?,
        _ => {
            let (name, rest) = rest.split_once(char::is_whitespace)?;
            (name.to_string(), rest)
        }
    };
    let kind = rest.trim();
    if let Some(values) = kind.strip_prefix('{') {
        let first = cells(values.strip_suffix('}')?, ',')?.into_iter().next()?;
        return Some((name, Declared::Texts, first.unwrap_or_default()));
    }
    let word = kind.split(|c: char| c.is_whitespace()).next()?.to_lowercase();
    match &*word {
        "numeric" | "real" | "integer" => Some((name, Declared::Numbers, "0".into())),
        "string" => Some((name, Declared::Texts, String::new())),
        "date" => Some((name, Declared::Nothing, String::new())),
        _ => None,
    }
}

/// A text up to its closing quote, and the rest.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut content = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next()?.1 {
                'n' => content.push('\n'),
                't' => content.push('\t'),
                'r' => content.push('\r'),
                other => content.push(other),
            },
            c if c == quote => return Some((content, &text[at + c.len_utf8()..])),
            c => content.push(c),
        }
    }
    None
}

/// The cells of a row, `None` for a missing one; nothing if a quote is not closed or is followed by something.
fn cells(mut rest: &str, separator: char) -> Option<Vec<Option<String>>> {
    let mut cells = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        match rest.chars().next() {
            Some(quote @ ('\'' | '"')) => {
                let (cell, after) = quoted(&rest[1..], quote)?;
                cells.push(Some(cell));
                rest = after.trim_start();
                if !rest.is_empty() && !rest.starts_with(separator) {
                    return None;
                }
            }
            _ => {
                let end = rest.find(separator).unwrap_or(rest.len());
                let cell = rest[..end].trim();
                cells.push((cell != "?").then(|| cell.into()));
                rest = &rest[end..];
            }
        }
        match rest.strip_prefix(separator) {
            Some(after) => rest = after,
            None => return Some(cells),
        }
    }
}

/// The rows of a file.
struct Arff {
    lines: Lines,
    empty: Table,
    /// The cell implied in sparse rows, by column.
    defaults: Vec<String>,
    row: u64,
}

impl Batches for Arff {
    fn names(&self) -> &[String] {
        &self.empty.names
    }

    fn next(&mut self, most: usize) -> Result<Option<Table>> {
        let mut table = self.empty.clone();
        while table.rows() < most
            && let Some(line) = self.lines.next()?
        {
            let line = line.trim();
            if line.is_empty() || line.starts_with('%') {
                continue;
            }
            let row = match line.strip_prefix('{') {
                Some(sparse) => self.sparse(sparse)?,
                None => self.dense(line)?,
            };
            self.row += 1;
            table
                .columns
                .iter_mut()
                .zip(&row)
                .for_each(|(column, cell)| column.push(cell.as_deref().unwrap_or_default()));
            table.lines.push(self.row);
        }
        Ok((table.rows() > 0).then_some(table))
    }
}

impl Arff {
    fn dense(&self, line: &str) -> Result<Vec<Option<String>>> {
        let separator = if line.contains(',') || self.defaults.len() == 1 { ',' } else { '\t' };
        let fix = "give the row a value an attribute; quote values that hold commas or blanks";
        let row = cells(line, separator).ok_or_else(|| self.lines.error("a quote is not closed".into(), fix))?;
        if row.len() != self.defaults.len() {
            let what = format!("found {} values, expected {}", row.len(), self.defaults.len());
            return Err(self.lines.error(what, fix));
        }
        Ok(row)
    }

    /// A row of `index value` pairs; the others are zero, or the first of their values.
    fn sparse(&self, line: &str) -> Result<Vec<Option<String>>> {
        let wrong = |what: &str| {
            let what = format!("{what} in the sparse row {:?}", shortened(line));
            self.lines.error(what, "write {INDEX VALUE, INDEX VALUE}, attributes counted from 0")
        };
        let inner = line.strip_suffix('}').ok_or_else(|| wrong("no closing brace"))?.trim();
        let mut row: Vec<Option<String>> = self.defaults.iter().cloned().map(Some).collect();
        let mut rest = inner;
        while !rest.is_empty() {
            let (index, after) = rest.split_once([' ', '\t']).ok_or_else(|| wrong("an index without a value"))?;
            let at: usize = index.trim().parse().map_err(|_| wrong("no index"))?;
            let after = after.trim_start();
            let (value, after) = match after.chars().next() {
                Some(quote @ ('\'' | '"')) => {
                    let (value, after) = quoted(&after[1..], quote).ok_or_else(|| wrong("an open quote"))?;
                    (Some(value), after)
                }
                _ => {
                    let (value, after) = after.split_at(after.find(',').unwrap_or(after.len()));
                    (Some(value.trim()).filter(|value| *value != "?").map(String::from), after)
                }
            };
            *row.get_mut(at).ok_or_else(|| wrong("an index beyond the attributes"))? = value;
            rest = after.trim_start().trim_start_matches(',').trim_start();
        }
        Ok(row)
    }
}
