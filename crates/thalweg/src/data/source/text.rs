//! Bytes in any encoding as UTF-8 with one kind of line end, a bounded amount at a time.

use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};

/// Decodes what it reads; `\r\n` and `\r` become `\n`. A NUL or a wrong byte is an error that names its line.
pub(super) struct Utf8<R> {
    inner: R,
    decoder: Decoder,
    strict: bool,
    raw: Vec<u8>,
    ready: Vec<u8>,
    given: usize,
    line: u64,
    after_return: bool,
    last_visible: u8,
    within_line: bool,
    ended: bool,
}

impl<R: Read> Utf8<R> {
    pub(super) fn new(inner: R, encoding: &'static Encoding) -> Self {
        Utf8 {
            inner,
            decoder: encoding.new_decoder_with_bom_removal(),
            strict: encoding == UTF_8,
            raw: vec![0; 1 << 16],
            ready: Vec::new(),
            given: 0,
            line: 1,
            after_return: false,
            last_visible: 0,
            within_line: false,
            ended: false,
        }
    }

    /// The last byte so far that is no white space.
    pub(super) fn last_visible(&self) -> u8 {
        self.last_visible
    }

    /// Decodes the next bytes into `ready`.
    fn refill(&mut self) -> io::Result<()> {
        (self.given, self.ready) = (0, std::mem::take(&mut self.ready));
        self.ready.clear();
        while self.ready.is_empty() && !self.ended {
            let read = self.inner.read(&mut self.raw)?;
            self.ended = read == 0;
            let mut text = String::with_capacity(3 * read + 16);
            let mut rest = &self.raw[..read];
            loop {
                let (result, used, replaced) = self.decoder.decode_to_string(rest, &mut text, self.ended);
                if replaced && self.strict {
                    let before = &text[..text.find('\u{fffd}').unwrap_or(text.len())];
                    let line = self.line + before.matches('\n').count() as u64;
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        format!("near line {line}: bytes that are not UTF-8"),
                    ));
                }
                rest = &rest[used..];
                if result == CoderResult::InputEmpty {
                    break;
                }
                text.reserve(1024);
            }
            for &byte in text.as_bytes() {
                match byte {
                    b'\n' if self.after_return => {}
                    b'\r' | b'\n' => {
                        self.ready.push(b'\n');
                        self.line += 1;
                    }
                    0 => {
                        let what = format!("line {}: a NUL byte; this is not a text file", self.line);
                        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                    }
                    _ => self.ready.push(byte),
                }
                if !byte.is_ascii_whitespace() {
                    self.last_visible = byte;
                }
                self.after_return = byte == b'\r';
            }
            // Every line has an end, so that lines can be counted.
            if let Some(&last) = self.ready.last() {
                self.within_line = last != b'\n';
            }
            if self.ended && self.within_line {
                self.ready.push(b'\n');
            }
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
