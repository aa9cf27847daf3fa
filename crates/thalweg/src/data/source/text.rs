//! Bytes in any encoding as UTF-8 with one kind of line end, a bounded amount at a time.

use std::fmt;
use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, Encoding};
use memchr::{memchr, memchr2, memrchr};

/// The longest a row may be.
const LONGEST_ROW: usize = 16 << 20;

/// What is wrong with a text, and from which line on; it comes as the inner error of an [`io::Error`].
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

/// Decodes what it reads; `\r\n` and `\r` become `\n`. A NUL, a wrong byte or a quote left open is a [`Damage`].
pub(super) struct Utf8<R> {
    inner: R,
    decoder: Decoder,
    raw: Vec<u8>,
    text: String,
    ready: Vec<u8>,
    given: usize,
    after_return: bool,
    quotes: Quotes,
    ended: bool,
}

impl<R: Read> Utf8<R> {
    pub(super) fn new(inner: R, encoding: &'static Encoding, delimiter: u8) -> Self {
        Utf8 {
            inner,
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: vec![0; 1 << 16],
            text: String::new(),
            ready: Vec::new(),
            given: 0,
            after_return: false,
            quotes: Quotes { delimiter, state: State::LineStart, line: 1, opened: 1, row: 0 },
            ended: false,
        }
    }

    /// Decodes the next bytes into `ready`.
    fn refill(&mut self) -> io::Result<()> {
        self.given = 0;
        self.ready.clear();
        while self.ready.is_empty() && !self.ended {
            let read = self.inner.read(&mut self.raw)?;
            self.ended = read == 0;
            self.decode(read)?;
            self.unify_line_ends()?;
            self.quotes.scan(&self.ready)?;
            if self.ended && self.quotes.end()? {
                // Every line has an end, so that lines can be counted.
                self.ready.push(b'\n');
            }
        }
        Ok(())
    }

    fn decode(&mut self, read: usize) -> io::Result<()> {
        self.text.clear();
        self.text.reserve(3 * read + 16);
        let mut rest = &self.raw[..read];
        loop {
            let (result, used, replaced) = self.decoder.decode_to_string(rest, &mut self.text, self.ended);
            if replaced {
                let before = &self.text[..self.text.find('\u{fffd}').unwrap_or(self.text.len())];
                return Err(Damage {
                    line: self.quotes.line + before.matches('\n').count() as u64,
                    what: format!("bytes that are not {}", self.decoder.encoding().name()),
                    fix: "save the file as UTF-8 text, or name its --encoding",
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

    /// Moves the decoded text to `ready`, its lines ended by `\n` alone.
    fn unify_line_ends(&mut self) -> io::Result<()> {
        let text = self.text.as_bytes();
        if !self.after_return && memchr2(b'\r', 0, text).is_none() {
            self.ready.extend_from_slice(text);
            return Ok(());
        }
        for &byte in text {
            match byte {
                b'\n' if self.after_return => {}
                b'\r' | b'\n' => self.ready.push(b'\n'),
                0 => {
                    return Err(Damage {
                        line: self.quotes.line + self.ready.iter().filter(|&&byte| byte == b'\n').count() as u64,
                        what: "a NUL byte; this is not a text file".into(),
                        fix: "name a text file, or its --encoding",
                    }
                    .into());
                }
                _ => self.ready.push(byte),
            }
            self.after_return = byte == b'\r';
        }
        Ok(())
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            self.refill()?;
        }
        let n = out.len().min(self.ready.len() - self.given);
        out[..n].copy_from_slice(&self.ready[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}

/// Where in a row the text is, by RFC 4180: a quote that is never closed is found before it fills the memory.
struct Quotes {
    delimiter: u8,
    state: State,
    /// The line that the next byte is on.
    line: u64,
    /// The line on which the last quote was opened.
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

    /// At the end of the text: whether its last line lacks an end.
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
