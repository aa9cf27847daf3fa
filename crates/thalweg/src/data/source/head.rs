//! The lines above the rows of a text file: a separator line, comments, titles and the header, if any.

use super::detect;
use crate::config;
use crate::error::{Error, Result};
use crate::event::Decision;

/// Comment marks that are tried if the options do not give one.
const MARKS: [&str; 3] = ["#", "%", "//"];

/// The maximum number of title lines.
const TITLES: usize = 50;

/// Records that are examined.
const RECORDS: usize = 200;

/// The form of a file, as detected from its first bytes.
#[derive(Debug, Default)]
pub(super) struct Dialect {
    /// The number of lines above the header or the first row.
    pub(super) lines: usize,
    pub(super) delimiter: char,
    pub(super) header: bool,
    /// The mark before the header's first name.
    pub(super) mark: Option<String>,
    /// Whether the header omits the first cell of each row, as written by R.
    pub(super) row_names: bool,
    /// The number of fields of most records, and of those up to the last that is non-empty anywhere.
    pub(super) fields: usize,
    pub(super) filled: usize,
    /// The comment mark.
    pub(super) comment: Option<String>,
    /// The first records below those lines.
    pub(super) records: Vec<Vec<String>>,
}

impl Dialect {
    /// Examines the beginning of a text, which may be all of it.
    ///
    /// # Errors
    /// If the delimiter is invalid, or there is nothing below the comments.
    pub(super) fn find(
        text: &str,
        whole: bool,
        source: &str,
        options: &config::Data,
        decisions: &mut Vec<Decision>,
    ) -> Result<Dialect> {
        let mut head = Dialect { comment: options.comment.clone(), ..Dialect::default() };
        let text = text.trim_start_matches('\u{feff}');
        let mut separator = None;
        if let Some(lines) = options.skip_lines {
            head.lines = lines;
        } else if let Some(found) = separator_line(text) {
            (head.lines, separator) = (1, Some(found));
        }
        let rest = below(text, head.lines);
        let (mark, lines) = comments(rest, options);
        let under = below(rest, lines);
        if under.trim().is_empty() {
            let what = if lines > 0 { "the file has nothing but comments" } else { "the file has no rows" };
            return Err(Error::data(what).at(source).fix("add a header and rows"));
        }
        head.delimiter = delimiter(under, separator, options, decisions)?;
        head.records = detect::records(under, head.delimiter, RECORDS);
        head.lines += lines;
        if let Some(mark) = mark {
            head.settle_comments(rest, lines, mark, options, decisions);
        }
        head.measure(text, whole, options);
        head.find_titles(text, options, decisions);
        head.header =
            options.header.unwrap_or_else(|| head.row_names || head.mark.is_some() || detect::header(&head.records));
        Ok(head)
    }

    /// Whether the last comment is the header, as in numeric files written by programs; reports the others.
    fn settle_comments(
        &mut self,
        text: &str,
        lines: usize,
        mark: &str,
        options: &config::Data,
        decisions: &mut Vec<Decision>,
    ) {
        let last = text.lines().nth(lines - 1).unwrap_or_default();
        let mut header = detect::records(last, self.delimiter, 1);
        let fits = header.first().is_some_and(|header| header.len() == detect::width(&self.records));
        let is_header = fits && !detect::heads_numbers(&self.records) && options.comment.is_none();
        let above = lines - usize::from(is_header);
        if is_header {
            self.lines -= 1;
            self.records.splice(0..0, header.drain(..));
            // On its own, it may be part of a name: "# of rooms".
            self.mark = (above > 0).then(|| mark.into());
        }
        if above > 0 {
            self.comment.get_or_insert_with(|| mark.into());
            decisions.push(Decision {
                what: format!("lines above the header that are left out: {above}"),
                why: format!("they begin with {mark:?}"),
                instead: "[skip_lines=0]".into(),
            });
        }
    }

    /// Determines the number of cells per row, without those at its end that are empty everywhere.
    fn measure(&mut self, text: &str, whole: bool, options: &config::Data) {
        let last = |records: &[Vec<String>]| {
            let lengths =
                records.iter().map(|record| record.iter().rposition(|cell| !cell.is_empty()).map_or(0, |i| i + 1));
            lengths.max().unwrap_or_default()
        };
        self.fields = detect::width(&self.records);
        self.filled = last(&self.records).min(self.fields);
        if self.filled < self.fields {
            // Further down they may not be empty.
            let all = detect::records(below(text, self.lines), self.delimiter, usize::MAX);
            self.filled = last(&all).min(self.fields);
            let headless = !options.header.unwrap_or_else(|| detect::header(&self.records));
            if self.filled == 0 || options.names.len() == self.fields || headless && !whole {
                self.filled = self.fields;
            }
        }
    }

    /// Lines above the header that are not rows: with fewer cells than these, or with only one that is non-empty.
    fn find_titles(&mut self, text: &str, options: &config::Data, decisions: &mut Vec<Decision>) {
        let width = self.filled;
        if options.skip_lines.is_some() || self.mark.is_some() || width < 2 {
            return;
        }
        let is_filled = |cell: &&String| !cell.is_empty();
        let short = |record: &Vec<String>| record.len() < width;
        let blank = |record: &Vec<String>| record.iter().all(String::is_empty);
        let single = |record: &Vec<String>| !record[0].is_empty() && record.iter().filter(is_filled).count() == 1;
        let is_title = |record: &&Vec<String>| short(record) || blank(record) || single(record);
        let titles = self.records.iter().take(TITLES).take_while(is_title).count();
        let (above, rows) = self.records.split_at(titles);
        let fit = rows.iter().filter(|row| row.len() >= width && !single(row)).count();
        if titles == 0 || fit * 4 < rows.len() * 3 || rows.is_empty() {
            return;
        }
        let sure = detect::heads_numbers(rows);
        if let [header] = above
            && self.names_all_but_the_first(header, rows)
            && !sure
            && options.header != Some(false)
        {
            self.row_names = true;
            return;
        }
        let likely = detect::header(rows) && (width > 2 && above.iter().any(short) || above.iter().any(blank));
        if !sure && !likely && !above.iter().all(blank) {
            return;
        }
        let lines = lines_of(below(text, self.lines), self.delimiter, titles);
        self.lines += lines;
        let such = above.iter().flatten().find(is_filled).cloned();
        self.records.drain(..titles);
        if let Some(such) = such {
            decisions.push(Decision {
                what: format!("lines above the header that are left out: {lines}"),
                why: format!("they are no rows, such as {:?}", such.chars().take(60).collect::<String>()),
                instead: "[skip_lines=0]".into(),
            });
        }
    }

    /// Whether a first record names all columns except that of the row names.
    fn names_all_but_the_first(&self, header: &[String], rows: &[Vec<String>]) -> bool {
        let running = rows.iter().zip(1..).all(|(row, i): (_, usize)| row[0].parse() == Ok(i));
        header.len() + 1 == self.filled
            && header.iter().all(|name| !name.is_empty() && name.parse::<f64>().is_err())
            && rows.len() > 1
            && (running || self.filled > 2)
    }

    /// The number of cells at the end of a row without a column, given the fields of the first record and the named
    /// columns.
    pub(super) fn spare(&self, first: usize, named: usize) -> usize {
        self.fields.max(first).saturating_sub(self.filled.max(named))
    }

    /// Whether a column is empty in all rows examined.
    pub(super) fn is_empty(&self, column: usize) -> bool {
        self.records.iter().all(|row| row.get(column).is_none_or(String::is_empty))
    }
}

/// The text after this many lines.
fn below(text: &str, lines: usize) -> &str {
    let end = text.match_indices('\n').take(lines).last().map_or(0, |(at, _)| at + 1);
    let all = text.matches('\n').take(lines).count() < lines;
    if all { "" } else { &text[end..] }
}

/// The separator given to spreadsheets on a separate line: `sep=;`.
fn separator_line(text: &str) -> Option<char> {
    let line = text.lines().next()?.trim_matches('"');
    let (name, separator) = line.split_at_checked(4)?;
    let mut separator = separator.chars();
    let found = separator.next().filter(|_| name.eq_ignore_ascii_case("sep="))?;
    (separator.next().is_none() && can_be(found)).then_some(found)
}

/// The mark of the comments at the top of a text, and their number of lines.
fn comments<'a>(text: &str, options: &'a config::Data) -> (Option<&'a str>, usize) {
    let begins = |mark: &str| text.trim_start().starts_with(mark);
    let mark = match options.comment.as_deref() {
        Some(mark) => Some(mark).filter(|mark| !mark.is_empty() && begins(mark)),
        None if options.skip_lines.is_some() => None,
        None => {
            let delimiter = options.delimiter.map(String::from);
            MARKS.into_iter().find(|mark| begins(mark) && delimiter.as_deref() != Some(mark))
        }
    };
    let Some(mark) = mark else { return (None, 0) };
    let is_comment = |line: &str| line.trim_start().starts_with(mark);
    let lines = text.lines().take_while(|line| line.trim().is_empty() || is_comment(line));
    let last = lines.enumerate().filter(|(_, line)| is_comment(line)).last();
    (Some(mark), last.map_or(0, |(at, _)| at + 1))
}

/// The number of lines that the first records take.
fn lines_of(text: &str, delimiter: char, records: usize) -> usize {
    let mut reader = super::records::builder(delimiter).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    for _ in 0..records {
        let _ = reader.read_record(&mut record);
    }
    text[..reader.position().byte() as usize].matches('\n').count()
}

fn can_be(delimiter: char) -> bool {
    delimiter.is_ascii() && !['"', '\n', '\r', '\0'].contains(&delimiter)
}

/// The delimiter: as the options or the file say, else as detected.
fn delimiter(
    text: &str,
    separator: Option<char>,
    options: &config::Data,
    decisions: &mut Vec<Decision>,
) -> Result<char> {
    if let Some(delimiter) = options.delimiter {
        return can_be(delimiter).then_some(delimiter).ok_or_else(|| {
            let error = Error::config(format!("{delimiter:?} cannot be the delimiter"));
            error.at("--delimiter").fix("use , ; | or a tab")
        });
    }
    let delimiter = separator.unwrap_or_else(|| detect::delimiter(text));
    if delimiter != ',' || separator.is_some() {
        let why = if separator.is_some() { "the first line says so" } else { "found in the file" };
        let what = format!("fields are separated by {delimiter:?}");
        decisions.push(Decision { what, why: why.into(), instead: "[delimiter=,]".into() });
    }
    Ok(delimiter)
}
