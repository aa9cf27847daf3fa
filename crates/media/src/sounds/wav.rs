//! WAV files with wrong sizes in their headers, as left by programs that write to a pipe.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// Sizes from here on mean "unknown": programs that write to a pipe put 0x7ffff000, 0x80000000 or 0xffffffff.
const UNKNOWN: u32 = 0x7fff_f000;

/// Maximum header length to keep.
const LONGEST: u32 = 1 << 16;

/// A corrected header, followed by the samples of a file.
pub(super) struct Wav {
    header: Vec<u8>,
    samples: File,
    /// The offset of the samples in the file, and their number of bytes.
    start: u64,
    bytes: u64,
    at: u64,
}

/// A file with its header's sizes corrected; the unchanged file if it is not WAV, or incomplete.
pub(super) fn mended(mut file: File) -> io::Result<Box<dyn MediaSource>> {
    let length = file.metadata()?.len();
    let found = parts(&mut file, length);
    file.rewind()?;
    let Ok(Some(Chunks { kept, start, declared, open_end })) = found else { return Ok(Box::new(file)) };
    let available = length - start;
    let block = u64::from(u16::from_le_bytes([kept[20], kept[21]]).max(1));
    let bytes = if open_end { available / block * block } else { u64::from(declared) };
    let Ok(size) = u32::try_from(bytes + kept.len() as u64 + 12) else { return Ok(Box::new(file)) };
    let header = [b"RIFF", &size.to_le_bytes()[..], b"WAVE", &kept, b"data", &(bytes as u32).to_le_bytes()].concat();
    Ok(Box::new(Wav { header, samples: file, start, bytes: bytes.min(available), at: 0 }))
}

/// The layout of a WAV file.
struct Chunks {
    /// The format chunk, and the chunk with the number of samples.
    kept: Vec<u8>,
    /// The offset of the samples, and their declared size in bytes.
    start: u64,
    declared: u32,
    /// Whether they extend to the end of the file instead.
    open_end: bool,
}

/// The chunks of a file of this length; none if it is not WAV, or has no format before its samples.
fn parts(file: &mut File, length: u64) -> io::Result<Option<Chunks>> {
    let mut head = [0; 12];
    file.read_exact(&mut head)?;
    let [riff, size, form] = [0, 4, 8].map(|at| [head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let size = u32::from_le_bytes(size);
    if ![*b"RIFF", *b"RF64", *b"BW64"].contains(&riff) || form != *b"WAVE" {
        return Ok(None);
    }
    let (mut format, mut fact, mut at) = (Vec::new(), Vec::new(), 12_u64);
    loop {
        let (name, declared) = chunk(file, at)?;
        let content = at + 8;
        if name == *b"data" {
            let whole = format.len() >= 24;
            // A size of 0 was never filled in, if what follows is not a chunk.
            let next = chunk(file, content).ok().filter(|(name, _)| is_name(*name));
            let is_chunk = next.is_some_and(|(_, size)| content + 8 + u64::from(size) <= length);
            let never = declared == 0 && content < length && (size == 0 || !is_chunk);
            format.append(&mut fact);
            let open_end = declared >= UNKNOWN || never;
            return Ok(whole.then_some(Chunks { kept: format, start: content, declared, open_end }));
        }
        if [*b"fmt ", *b"fact"].contains(&name) && declared <= LONGEST {
            let mut kept = vec![0; 8 + declared as usize];
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut kept)?;
            kept.resize(kept.len().next_multiple_of(2), 0);
            *if name == *b"fact" { &mut fact } else { &mut format } = kept;
        }
        at = content + u64::from(declared);
        // A chunk of odd length is padded by one byte, which some programs omit.
        if declared % 2 == 1 && !chunk(file, at).is_ok_and(|(name, _)| is_name(name)) {
            at += 1;
        }
    }
}

/// The name and the length of the chunk at an offset.
fn chunk(file: &mut File, at: u64) -> io::Result<([u8; 4], u32)> {
    let mut head = [0; 8];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut head)?;
    let [a, b, c, d, size @ ..] = head;
    Ok(([a, b, c, d], u32::from_le_bytes(size)))
}

fn is_name(name: [u8; 4]) -> bool {
    name.iter().all(|letter| matches!(letter, b' '..=b'~'))
}

impl Read for Wav {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let header = self.header.len() as u64;
        let read = if self.at < header {
            (&self.header[self.at as usize..]).read(out)?
        } else {
            let done = self.at - header;
            self.samples.seek(SeekFrom::Start(self.start + done))?;
            (&mut self.samples).take(self.bytes.saturating_sub(done)).read(out)?
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Wav {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = self.header.len() as u64 + self.bytes;
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl MediaSource for Wav {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.header.len() as u64 + self.bytes)
    }
}
