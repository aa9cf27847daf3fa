//! Decoding text in any encoding to UTF-8 with uniform line ends, a bounded amount at a time.

use std::fmt;
use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, Encoding};
use memchr::{memchr, memchr2, memrchr};

/// The maximum length of a row in bytes.
pub(super) const LONGEST_ROW: usize = 16 << 20;

/// The problem with a text, and the line where it begins; passed as the inner error of an [`io::Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) line: u64,
    pub(super) what: String,
    pub(super) fix: &'static str,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Damage {}

impl From<Damage> for io::Error {
    fn from(damage: Damage) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, damage)
    }
}

/// Complete rows of a text, with uniform line ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) text: String,
    /// The line where it begins.
    pub(super) line: u64,
}

/// Decodes what it reads; `\r
/// ` and `\r` become `
/// `. A NUL, an invalid byte or an unclosed quote is a [`Damage`].
pub(super) struct Utf8<R> {
    inner: R,
    decoder: Decoder,
    raw: Vec<u8>,
    /// The decoded text of the next block.
    text: String,
    after_return: bool,
    quotes: Quotes,
    /// Lines that are still to be skipped.
    skip: u64,
    ended: bool,
}

impl<R: Read> Utf8<R> {
    /// A decoder that skips this many lines at the top, whatever they hold.
    pub(super) fn new(inner: R, encoding: &'static Encoding, delimiter: u8, skip: u64) -> Self {
        Utf8 {
            inner,
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: vec![0; 1 << 16],
            text: String::new(),
            after_return: false,
            quotes: Quotes { delimiter, state: State::LineStart, line: 1, opened: 1, row: 0 },
            skip,
            ended: false,
        }
    }

    /// The next rows, of about this many bytes in all and at least one; none at the end.
    pub(super) fn block(&mut self, bytes: usize) -> io::Result<Option<Block>> {
        let line = self.quotes.line - self.text.matches('\n').count() as u64;
        let skip = self.skip;
        while !self.ended && (self.text.len() < bytes || self.text.len() == self.quotes.row) {
            let read = self.inner.read(&mut self.raw)?;
            self.ended = read == 0;
            let start = self.text.len();
            self.decode(read)?;
            self.unify_line_ends(start)?;
            self.pass_lines();
            if start == 0 && self.quotes.line == 1 && self.text.starts_with('\u{feff}') {
                // A second byte order mark, as left by programs that prepend their own.
                self.text.remove(0);
            }
            self.quotes.scan(&self.text.as_bytes()[start..])?;
            if self.ended && self.quotes.end()? {
                // Every line has a line end, so that lines can be counted.
                self.text.push('\n');
                self.quotes.row = 0;
            }
        }
        let rest = self.text.split_off(self.text.len() - self.quotes.row);
        let text = std::mem::replace(&mut self.text, rest);
        let line = line + skip - self.skip;
        Ok((!text.is_empty()).then_some(Block { text, line }))
    }

    fn decode(&mut self, read: usize) -> io::Result<()> {
        let start = self.text.len();
        self.text.reserve(3 * read + 16);
        let mut rest = &self.raw[..read];
        loop {
            let (result, used, replaced) = self.decoder.decode_to_string(rest, &mut self.text, self.ended);
            if replaced {
                let text = &self.text[start..];
                let before = &text[..text.find('\u{fffd}').unwrap_or(text.len())];
                return Err(Damage {
                    line: self.quotes.line + before.matches('\n').count() as u64,
                    what: format!("bytes that are not {}", self.decoder.encoding().name()),
                    fix: "save the file as UTF-8 text, or name its [encoding]",
                }
                .into());
            }
            rest = &rest[used..];
            if result == CoderResult::InputEmpty {
                return Ok(());
            }
            self.text.reserve(1024);
        }
    }

    /// Drops the decoded text of lines to be skipped; up to their end nothing else has been decoded.
    fn pass_lines(&mut self) {
        while self.skip > 0 {
            let Some(end) = memchr(b'\n', self.text.as_bytes()) else {
                self.text.clear();
                return;
            };
            self.text.drain(..=end);
            self.quotes.line += 1;
            self.skip -= 1;
        }
    }

    /// Converts the line ends decoded from `start` on to `
    /// `.
    fn unify_line_ends(&mut self, start: usize) -> io::Result<()> {
        if !self.after_return && memchr2(b'\r', 0, &self.text.as_bytes()[start..]).is_none() {
            return Ok(());
        }
        let decoded = self.text.split_off(start);
        let mut rest = &decoded[..];
        if self.after_return && !rest.is_empty() {
            self.after_return = false;
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
        while let Some(at) = memchr2(b'\r', 0, rest.as_bytes()) {
            self.text.push_str(&rest[..at]);
            if rest.as_bytes()[at] == 0 {
                return Err(Damage {
                    line: self.quotes.line + self.text[start..].matches('\n').count() as u64,
                    what: "a NUL byte; this is not a text file".into(),
                    fix: "name a text file, or its [encoding]",
                }
                .into());
            }
            self.text.push('\n');
            rest = &rest[at + 1..];
            self.after_return = rest.is_empty();
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
        self.text.push_str(rest);
        Ok(())
    }
}

/// The quoting state within a row (RFC 4180): an unclosed quote is detected before it fills the memory.
struct Quotes {
    delimiter: u8,
    state: State,
    /// The line of the next byte.
    line: u64,
    /// The line where the last quote was opened.
    opened: u64,
    /// Bytes of the row so far.
    row: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    LineStart,
    FieldStart,
    Plain,
    Quoted,
    /// After a quote within a quoted field: the first of two, or the closing one.
    AfterQuote,
}

impl Quotes {
    fn scan(&mut self, text: &[u8]) -> Result<(), Damage> {
        let Some(&last) = text.last() else { return Ok(()) };
        if !matches!(self.state, State::Quoted | State::AfterQuote) && memchr(b'"', text).is_none() {
            self.line += memchr::memchr_iter(b'\n', text).count() as u64;
            match memrchr(b'\n', text) {
                Some(end) => self.row = text.len() - end - 1,
                None => self.row += text.len(),
            }
            self.state = self.after(last);
            return self.check_row();
        }
        for &byte in text {
            self.row += 1;
            self.state = match (self.state, byte) {
                (State::LineStart | State::FieldStart, b'"') => {
                    self.opened = self.line;
                    State::Quoted
                }
                (State::Quoted, b'"') => State::AfterQuote,
                (State::Quoted, _) | (State::AfterQuote, b'"') => State::Quoted,
                (State::AfterQuote, byte) if self.after(byte) == State::Plain && self.opened < self.line => {
                    return Err(self.unclosed());
                }
                (_, byte) => self.after(byte),
            };
            if byte == b'\n' {
                self.line += 1;
            }
            if self.state == State::LineStart {
                self.row = 0;
            }
        }
        self.check_row()
    }

    /// The state after a byte outside quotes.
    fn after(&self, byte: u8) -> State {
        match byte {
            b'\n' => State::LineStart,
            byte if byte == self.delimiter => State::FieldStart,
            _ => State::Plain,
        }
    }

    fn check_row(&self) -> Result<(), Damage> {
        match self.state {
            _ if self.row <= LONGEST_ROW => Ok(()),
            State::Quoted | State::AfterQuote => Err(self.unclosed()),
            _ => Err(Damage {
                line: self.line,
                what: format!("a row of more than {LONGEST_ROW} bytes"),
                fix: "name a text file with a row on each line",
            }),
        }
    }

    /// At the end of the text: whether its last line lacks a line end.
    fn end(&self) -> Result<bool, Damage> {
        match self.state {
            State::Quoted => Err(self.unclosed()),
            state => Ok(state != State::LineStart),
        }
    }

    fn unclosed(&self) -> Damage {
        Damage {
            line: self.opened,
            what: "a quote is opened and never closed".into(),
            fix: "close the quote, or double it where it is part of the text",
        }
    }
}
