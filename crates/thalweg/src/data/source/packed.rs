//! Byte streams, and the compression formats they may come in.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{detect, zip};
use crate::error::{Error, ErrorKind, Result};

/// Bytes from any source.
pub(super) type Input = Box<dyn Read + Send>;

/// Bytes that are examined to detect a format.
const START: u64 = 1 << 16;

/// Maximum depth of nested compression.
const DEEP: usize = 3;

/// Memory that decompression may use for its window.
const WINDOW: u64 = 128 << 20;

/// Maximum bytes written to disk for a stream whose format requires a file: a compressed file may hold far more than it
/// seems.
const SPOOLED: u64 = 64 << 30;

/// A compression format: its magic bytes and its decoder.
struct Packing {
    name: &'static str,
    magic: &'static [u8],
    unpack: fn(Box<dyn BufRead + Send>) -> Input,
}

/// All compression formats of a single stream.
const PACKINGS: [Packing; 4] = [
    Packing {
        name: "gzip",
        magic: &[0x1f, 0x8b],
        unpack: |input| Box::new(flate2::bufread::MultiGzDecoder::new(input)),
    },
    Packing { name: "xz", magic: b"\xfd7zXZ\0", unpack: |input| Box::new(xz(input)) },
    Packing { name: "zstd", magic: &[0x28, 0xb5, 0x2f, 0xfd], unpack: |input| Box::new(Frames::new(input)) },
    Packing { name: "bzip2", magic: b"BZh", unpack: |input| Box::new(bzip2::bufread::MultiBzDecoder::new(input)) },
];

fn xz(input: impl Read) -> impl Read {
    lzma_rust2::XzReader::new_mem_limit(input, true, (WINDOW >> 10) as u32)
}

/// The first bytes of a stream.
pub(super) struct Start {
    pub(super) bytes: Vec<u8>,
    /// The same as text, as far as it is valid.
    pub(super) text: String,
    /// Whether that is the entire stream.
    pub(super) whole: bool,
    /// The names of the files within, if this is a zip archive.
    pub(super) members: Vec<String>,
}

impl Start {
    /// The complete lines, except blank ones.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        let whole = if self.whole { &self.text } else { self.text.rsplit_once('\n').map_or("", |(whole, _)| whole) };
        whole.lines().map(str::trim).filter(|line| !line.is_empty())
    }
}

/// A stream with its first bytes known.
pub(super) struct Stream {
    pub(super) start: Start,
    pub(super) input: Input,
    /// The same as a file, if it is one.
    file: Option<File>,
    /// The size in bytes of the file that it is.
    pub(super) bytes: Option<u64>,
}

impl Stream {
    /// Reads the first bytes of a stream, from a file if `path` is given, and unpacks it if they say that it is
    /// compressed.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn open(source: &str, input: Input, path: Option<&Path>) -> Result<Stream> {
        let mut stream = Stream::peek(source, input)?;
        let mut packed = false;
        for _ in 0..DEEP {
            let Some(packing) = PACKINGS.iter().find(|packing| stream.start.bytes.starts_with(packing.magic)) else {
                break;
            };
            let inner = (packing.unpack)(Box::new(BufReader::new(stream.input)));
            stream = Stream::peek(source, Box::new(Unpacked { inner, name: packing.name }))?;
            packed = true;
        }
        if let Some(path) = path.filter(|_| !packed) {
            let file = File::open(path).map_err(|error| super::unreadable(source, &error))?;
            stream.bytes = file.metadata().ok().map(|file| file.len());
            stream.file = Some(file);
        }
        if zip::is_zip(&stream.start) {
            let (start, file) = stream.into_file(source)?;
            let archive = zip::open(source, file)?;
            let members = zip::members(&archive);
            let start = Start { members, ..start };
            stream = Stream { start, input: Box::new(io::empty()), file: Some(archive.into_inner()), bytes: None };
        }
        Ok(stream)
    }

    fn peek(source: &str, mut input: Input) -> Result<Stream> {
        let mut bytes = Vec::new();
        let read = input.by_ref().take(START).read_to_end(&mut bytes);
        read.map_err(|error| super::unreadable(source, &error))?;
        let whole = (bytes.len() as u64) < START;
        let text = detect::encoding(&bytes, whole).0.decode(&bytes).0.into_owned();
        let input = Box::new(Cursor::new(bytes.clone()).chain(input));
        Ok(Stream { start: Start { bytes, text, whole, members: Vec::new() }, input, file: None, bytes: None })
    }

    /// The stream as a file at its beginning: its own, or an unnamed temporary one.
    ///
    /// # Errors
    /// If there is not enough disk space.
    pub(super) fn into_file(self, source: &str) -> Result<(Start, File)> {
        let wrong = |error: io::Error| {
            Error::io(ErrorKind::Data, source, "copy the data to a file meanwhile", &error)
                .fix("make room in the folder for temporary files, or name a file that is not packed")
        };
        let file = match self.file {
            Some(file) => file,
            None => {
                let mut file = tempfile::tempfile().map_err(wrong)?;
                let copied = io::copy(&mut self.input.take(SPOOLED), &mut file);
                if copied.map_err(|error| super::unreadable(source, &error))? == SPOOLED {
                    let what = format!("it unpacks to more than {} GiB", SPOOLED >> 30);
                    return Err(Error::data(what).at(source).fix("unpack the file yourself"));
                }
                file
            }
        };
        (&file).rewind().map_err(wrong)?;
        Ok((self.start, file))
    }
}

/// An unpacked stream, whose errors name its compression format.
struct Unpacked {
    inner: Input,
    name: &'static str,
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| {
            let what = format!("the {} data cannot be unpacked: {error}", self.name);
            io::Error::new(io::ErrorKind::UnexpectedEof, what)
        })
    }
}

/// The frames of a zstd stream, one after another.
struct Frames {
    inner: Box<dyn BufRead + Send>,
    decoder: FrameDecoder,
    begun: bool,
}

impl Frames {
    fn new(inner: Box<dyn BufRead + Send>) -> Frames {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW);
        Frames { inner, decoder, begun: false }
    }

    /// Begins the next frame; false at the end.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            if self.inner.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.inner) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut self.inner.by_ref().take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.begun {
                if !self.begin()? {
                    return Ok(0);
                }
                self.begun = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.inner, one).map_err(io::Error::other)?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let sums = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
            if let (Some(expected), Some(found)) = sums
                && expected != found
            {
                return Err(io::Error::other("its checksum is another"));
            }
            self.begun = false;
        }
    }
}
