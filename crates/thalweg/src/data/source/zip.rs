//! Zip archives: listing their members, and unpacking a single file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::packed::{Input, Start};
use crate::error::{Error, Result};

/// The maximum number of members that an error lists.
const LISTED: usize = 10;

pub(super) fn is_zip(start: &Start) -> bool {
    start.bytes.starts_with(b"PK\x03\x04") || start.bytes.starts_with(b"PK\x05\x06")
}

/// Opens an archive.
///
/// # Errors
/// If it is damaged.
pub(super) fn open(source: &str, file: File) -> Result<ZipArchive<File>> {
    ZipArchive::new(file).map_err(|error| damaged(source, &error))
}

fn damaged(source: &str, error: &dyn std::fmt::Display) -> Error {
    Error::data(format!("the zip archive cannot be read: {error}"))
        .at(source)
        .fix("it is cut off or damaged: copy it again from where it came from")
}

/// The names of the files in an archive.
pub(super) fn members(archive: &ZipArchive<File>) -> Vec<String> {
    archive.file_names_raw().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// Whether a file was put into an archive by a person.
fn is_own(name: &str) -> bool {
    !name.ends_with('/') && !name.starts_with("__MACOSX/") && !name.ends_with(".DS_Store")
}

/// The only file of an archive, unpacked.
///
/// # Errors
/// If there are several, or it cannot be unpacked.
pub(super) fn only(source: &str, mut archive: ZipArchive<File>) -> Result<Input> {
    let members = members(&archive);
    let own: Vec<usize> = (0..members.len()).filter(|i| is_own(&members[*i])).collect();
    let [one] = own[..] else {
        let shown: Vec<&str> = own.iter().take(LISTED).map(|i| &*members[*i]).collect();
        let more = if own.len() > LISTED { format!(" and {} more", own.len() - LISTED) } else { String::new() };
        let what = if own.is_empty() {
            "an empty zip archive".into()
        } else {
            format!("a zip archive of {} files: {}{more}", own.len(), shown.join(", "))
        };
        return Err(Error::data(what).at(source).fix("unpack it, and name one of its files or its folder"));
    };
    let member = archive.by_index_raw(one).map_err(|error| damaged(source, &error))?;
    let (method, size, packed) = (member.compression(), member.size(), member.compressed_size());
    let (start, encrypted) = (member.data_start(), member.encrypted());
    drop(member);
    let name = &members[one];
    if encrypted {
        return Err(Error::data(format!("{name:?} in the zip archive has a password"))
            .at(source)
            .fix("unpack it first"));
    }
    let start = start.ok_or_else(|| damaged(source, &"the file in it has no place"))?;
    let mut file = archive.into_inner();
    file.seek(SeekFrom::Start(start)).map_err(|error| damaged(source, &error))?;
    let bytes = std::io::BufReader::new(file.take(packed));
    match method {
        CompressionMethod::Stored => Ok(Box::new(bytes)),
        CompressionMethod::Deflated => Ok(Box::new(Sized { inner: DeflateDecoder::new(bytes), left: size })),
        other => Err(Error::data(format!("{name:?} in the zip archive is packed by {other}"))
            .at(source)
            .fix("unpack it first, or pack it with deflate")),
    }
}

/// A stream that must have a given size.
struct Sized<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Sized<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let wrong = |what: &str| std::io::Error::new(std::io::ErrorKind::UnexpectedEof, what);
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(wrong("the file in the zip archive is cut off"));
        }
        self.left =
            self.left.checked_sub(read as u64).ok_or_else(|| wrong("the file in the zip archive is too long"))?;
        Ok(read)
    }
}
