//! JSON Lines, and arrays of JSON objects: one object per row.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io::Read;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::names;
use super::packed::{Input, Start, Stream};
use super::reader::{self, Batches};
use super::text::LONGEST_ROW;
use crate::config;
use crate::data::column::Declared;
use crate::data::table::Table;
use crate::error::{Error, Result};
use crate::event::Decision;

/// Objects from which the columns and their kinds are determined.
const SAMPLE: usize = 1000;

/// Integers beyond this are not exact in f64.
const EXACT: u64 = 1 << 53;

const FIX: &str = "give an object a line, such as {\"a\": 1, \"b\": \"x\"}";

/// Whether a text begins with an object, or an array of objects.
pub(super) fn is(start: &Start) -> bool {
    let text = start.text.trim_start_matches('\u{feff}').trim_start();
    let Some(object) = text.strip_prefix('[').unwrap_or(text).trim_start().strip_prefix('{') else { return false };
    let object = object.trim_start();
    // A name in quotes, then a colon; a template of `{{...}}` or a set has none.
    let name = object.strip_prefix('"').and_then(|rest| Some(rest.split_once('"')?.1.trim_start()));
    object.starts_with('}') || name.is_some_and(|rest| rest.starts_with(':'))
}

/// Opens a text of objects.
pub(super) fn open(source: &str, stream: Stream, options: &config::Data) -> Result<Box<dyn Batches>> {
    if stream.start.bytes.contains(&0) {
        return Err(Error::data("JSON that is not UTF-8").at(source).fix("save the file as UTF-8"));
    }
    let mut objects = Objects::new(source, stream.input);
    let mut sample = VecDeque::new();
    while sample.len() < SAMPLE
        && let Some(line) = objects.advance()?
    {
        sample.push_back((line, objects.current().to_vec()));
    }
    let (mut places, mut found): (HashMap<String, usize>, Vec<(String, Kinds)>) = Default::default();
    for (line, bytes) in &sample {
        for (key, value) in objects.parse(*line, bytes)?.0 {
            let at = *places.entry(key.to_string()).or_insert_with(|| {
                found.push((key.to_string(), Kinds::default()));
                found.len() - 1
            });
            found[at].1.add(value.get());
        }
    }
    let (nested, plain): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, kinds)| kinds.nested);
    if plain.is_empty() {
        return Err(Error::data("JSON objects without plain values").at(source).fix(FIX));
    }
    let mut columns: Vec<(String, Declared)> =
        plain.iter().map(|(key, kinds)| (key.clone(), kinds.declared())).collect();
    let mut slots: HashMap<String, Option<usize>> = nested.iter().map(|(key, _)| (key.clone(), None)).collect();
    slots.extend(plain.into_iter().enumerate().map(|(i, (key, _))| (key, Some(i))));
    let nested: Vec<String> = nested.into_iter().map(|(key, _)| key).collect();
    let decisions = reader::left_out(&nested, "they hold objects or lists").into_iter().collect();
    names::rename(source, &mut columns, options)?;
    let empty = reader::typed(source, &columns, options);
    Ok(Box::new(Json { objects, sample, slots, empty, row: 0, decisions }))
}

/// The types of a key's values.
#[derive(Default)]
struct Kinds {
    numbers: bool,
    large: bool,
    texts: bool,
    truths: bool,
    nested: bool,
}

impl Kinds {
    fn add(&mut self, value: &str) {
        match value.as_bytes().first() {
            Some(b'"') => self.texts = true,
            Some(b'{' | b'[') => self.nested = true,
            Some(b't' | b'f') => self.truths = true,
            Some(b'n') | None => {}
            Some(_) => {
                self.numbers = true;
                let digits = value.trim_start_matches('-');
                let whole = digits.bytes().all(|byte| byte.is_ascii_digit());
                self.large |= whole && digits.parse().map_or(true, |number: u64| number > EXACT);
            }
        }
    }

    /// The declared kind of a column of such values; where they differ, it is inferred from the cells.
    fn declared(&self) -> Declared {
        match (self.numbers, self.texts, self.truths) {
            (true, false, false) if self.large => Declared::Texts,
            (true, false, false) => Declared::Numbers,
            (false, true, false) => Declared::Texts,
            _ => Declared::Nothing,
        }
    }
}

/// Rows from objects.
struct Json {
    objects: Objects,
    /// Objects that have been read but not yet returned, with their lines.
    sample: VecDeque<(u64, Vec<u8>)>,
    /// The column of each key; none for those that are left out.
    slots: HashMap<String, Option<usize>>,
    empty: Table,
    row: u64,
    decisions: Vec<Decision>,
}

impl Batches for Json {
    fn names(&self) -> &[String] {
        &self.empty.names
    }

    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    fn next(&mut self, most: usize) -> Result<Option<Table>> {
        let mut table = self.empty.clone();
        let mut cells: Vec<String> = vec![String::new(); table.columns.len()];
        while table.rows() < most {
            let first = self.sample.pop_front();
            let (line, bytes) = match &first {
                Some((line, bytes)) => (*line, &bytes[..]),
                None => match self.objects.advance()? {
                    Some(line) => (line, self.objects.current()),
                    None => break,
                },
            };
            self.row += 1;
            for (key, value) in self.objects.parse(line, bytes)?.0 {
                let error = |what: String| self.objects.error(line, what);
                match self.slots.get(&*key) {
                    Some(Some(column)) => {
                        cells[*column] = text_of(value).ok_or_else(|| {
                            error(format!("{key:?} holds an object or a list")).fix("give the key plain values alone")
                        })?;
                    }
                    Some(None) => {}
                    None => {
                        return Err(error(format!("the key {key:?}, which the first {SAMPLE} objects do not have"))
                            .fix("give it to one of the first objects, null where it is missing"));
                    }
                }
            }
            for (column, cell) in table.columns.iter_mut().zip(&mut cells) {
                column.push(cell);
                cell.clear();
            }
            table.lines.push(self.row);
        }
        Ok((table.rows() > 0).then_some(table))
    }
}

/// A plain value as a cell; numbers as they are written.
fn text_of(value: &RawValue) -> Option<String> {
    match value.get().as_bytes()[0] {
        b'{' | b'[' => None,
        b'"' => serde_json::from_str(value.get()).ok(),
        b'n' => Some(String::new()),
        _ => Some(value.get().into()),
    }
}

/// An object's keys and values, in its order.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    pairs.push((key.into(), value));
                }
                Ok(Object(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// The objects of a text, possibly in an array.
struct Objects {
    source: String,
    input: Input,
    buffer: Vec<u8>,
    /// The range of the current object.
    object: std::ops::Range<usize>,
    line: u64,
    ended: bool,
    in_array: bool,
}

impl Objects {
    fn new(source: &str, input: Input) -> Objects {
        Objects {
            source: source.into(),
            input,
            buffer: Vec::new(),
            object: 0..0,
            line: 1,
            ended: false,
            in_array: false,
        }
    }

    /// The object's bytes.
    fn current(&self) -> &[u8] {
        &self.buffer[self.object.clone()]
    }

    fn error(&self, line: u64, what: String) -> Error {
        Error::data(what).at(format!("{}, line {line}", self.source)).fix(FIX)
    }

    fn parse<'a>(&self, line: u64, bytes: &'a [u8]) -> Result<Object<'a>> {
        serde_json::from_slice(bytes).map_err(|error| {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            let what = format!("no JSON object: {what} (column {})", error.column());
            self.error(line + (error.line() as u64).saturating_sub(1), what)
        })
    }

    /// Ensures that there is a byte at a position in the buffer, unless the text ends before.
    fn has(&mut self, at: usize) -> Result<bool> {
        while at >= self.buffer.len() && !self.ended {
            let before = self.buffer.len();
            self.buffer.resize(before + (1 << 16), 0);
            let read = self.input.read(&mut self.buffer[before..]);
            let read = read.map_err(|error| super::unreadable(&self.source, &error))?;
            self.buffer.truncate(before + read);
            self.ended = read == 0;
        }
        Ok(at < self.buffer.len())
    }

    /// Advances to the next object, and returns the line where it begins; none at the end.
    fn advance(&mut self) -> Result<Option<u64>> {
        self.buffer.drain(..std::mem::take(&mut self.object).end);
        let mut at = 0;
        loop {
            if !self.has(at)? {
                if self.in_array {
                    return Err(self.error(self.line, "the array is not closed: the file is cut off".into()));
                }
                self.buffer.clear();
                return Ok(None);
            }
            match self.buffer[at] {
                b'\n' => self.line += 1,
                b'{' => break,
                b' ' | b'\t' | b'\r' | 0xef | 0xbb | 0xbf => {}
                b',' if self.in_array => {}
                b'[' if !self.in_array => self.in_array = true,
                b']' if self.in_array => self.in_array = false,
                _ => {
                    let rest = String::from_utf8_lossy(&self.buffer[at..self.buffer.len().min(at + 30)]).into_owned();
                    let found = rest.lines().next().unwrap_or_default();
                    return Err(self.error(self.line, format!("found {found:?}, expected a JSON object")));
                }
            }
            at += 1;
        }
        let (start, line) = (at, self.line);
        let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
        loop {
            if !self.has(at)? {
                return Err(self.error(line, "the JSON object is not closed: the file is cut off".into()));
            }
            match self.buffer[at] {
                b'\n' => self.line += 1,
                _ if escaped => {}
                b'"' => in_text = !in_text,
                b'{' | b'[' if !in_text => depth += 1,
                b'}' | b']' if !in_text => depth -= 1,
                _ => {}
            }
            escaped = in_text && !escaped && self.buffer[at] == b'\\';
            at += 1;
            if depth == 0 {
                self.object = start..at;
                return Ok(Some(line));
            }
            if at - start > LONGEST_ROW {
                return Err(self.error(line, format!("a JSON object of more than {LONGEST_ROW} bytes")));
            }
        }
    }
}
