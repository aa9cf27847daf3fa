//! The lines of a text, one at a time and each of bounded length.

use std::io::{BufRead, BufReader, Read};

use encoding_rs::{Encoding, UTF_8};

use super::detect;
use super::packed::{Input, Start};
use super::text::LONGEST_ROW;
use crate::config;
use crate::error::{Error, Result};

/// The lines of a source.
pub(super) struct Lines<R = Input> {
    source: String,
    input: BufReader<R>,
    encoding: &'static Encoding,
    line: u64,
    bytes: Vec<u8>,
}

/// The encoding of a text whose lines end in a single byte.
///
/// # Errors
/// If it is unknown, or uses more than one byte for a line end.
fn encoding(source: &str, start: &Start, options: &config::Data) -> Result<&'static Encoding> {
    let encoding = match &options.encoding {
        None => detect::encoding(&start.bytes, start.whole).0,
        Some(label) => detect::named(label, "use utf-8 or latin1")?,
    };
    if encoding.is_ascii_compatible() {
        return Ok(encoding);
    }
    Err(Error::data(format!("a file of this format in {}", encoding.name())).at(source).fix("save it as UTF-8"))
}

impl<R: Read> Lines<R> {
    pub(super) fn new(source: &str, start: &Start, input: R, options: &config::Data) -> Result<Self> {
        let encoding = encoding(source, start, options)?;
        Ok(Lines { source: source.into(), input: BufReader::new(input), encoding, line: 0, bytes: Vec::new() })
    }

    /// The next line without its line end; none at the end of the text.
    pub(super) fn next(&mut self) -> Result<Option<String>> {
        self.bytes.clear();
        let most = LONGEST_ROW as u64 + 1;
        let read = self.input.by_ref().take(most).read_until(b'\n', &mut self.bytes);
        if read.map_err(|error| super::unreadable(&self.source, &error))? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if self.bytes.len() > LONGEST_ROW {
            return Err(self.error(format!("a line of more than {LONGEST_ROW} bytes"), "name a text file"));
        }
        if self.line == 1 && self.bytes.starts_with(b"\xef\xbb\xbf") {
            self.bytes.drain(..3);
        }
        while matches!(self.bytes.last(), Some(b'\n' | b'\r')) {
            self.bytes.pop();
        }
        let (text, wrong) = self.encoding.decode_without_bom_handling(&self.bytes);
        if wrong && self.encoding == UTF_8 {
            return Err(self.error("bytes that are not UTF-8".into(), "save the file as UTF-8, or name its [encoding]"));
        }
        Ok(Some(text.into_owned()))
    }

    /// An error on the last line.
    pub(super) fn error(&self, what: String, fix: &str) -> Error {
        Error::data(what).at(format!("{}, line {}", self.source, self.line)).fix(fix)
    }
}
