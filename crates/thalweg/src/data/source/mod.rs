//! Data sources: from a name to rows of text cells, or numeric arrays.
//!
//! A new table format is one file here and one line in `formats`; a new array format, one in [`open`].

mod arff;
#[cfg(feature = "parquet")]
mod arrow;
mod csv;
mod detect;
#[cfg(feature = "excel")]
mod excel;
mod files;
mod formats;
mod generate;
#[cfg(feature = "hdf5")]
mod hdf5;
mod head;
mod idx;
#[cfg(feature = "parquet")]
mod ipc;
mod jsonl;
mod libsvm;
mod lines;
mod named;
mod names;
mod npy;
mod packed;
#[cfg(feature = "parquet")]
mod parquet;
mod reader;
mod records;
mod samples;
mod shape;
#[cfg(feature = "sqlite")]
mod sqlite;
mod text;
mod unread;
mod zip;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

pub use formats::panics_are_errors;
pub(super) use names::twice;
pub use reader::TableReader;
pub use samples::sample_names;

use self::packed::{Input, Start, Stream};
use super::arrays::Arrays;
use crate::config;
use crate::error::{Error, ErrorKind, Result, nearest};

/// Data in either form.
pub enum Source {
    /// Rows of named columns, read a chunk at a time.
    Table(Box<TableReader>),
    /// Numeric arrays.
    Arrays(Box<Arrays>),
}

/// Opens what a path names: a file (optionally gzipped), a folder of images, sounds, texts or IDX files, an image or a sound,
/// `-` for standard input, or `sample:NAME`.
///
/// # Errors
/// If there is no such data, or it cannot be read.
pub fn open(path: &str, options: &config::Data) -> Result<Source> {
    open_for(path, options, None)
}

/// The same for prediction by a model whose examples have a shape: arrays then need no targets.
pub(crate) fn open_for(path: &str, options: &config::Data, known: Option<&[usize]>) -> Result<Source> {
    let answered = known.is_none();
    if let Some(name) = path.strip_prefix("sample:") {
        formats::refuse_query(path, options)?;
        return samples::open(name, options).map(table);
    }
    if path == "-" {
        return TableReader::open("-", Box::new(std::io::stdin()), options).map(table);
    }
    unread::refuse_url(path)?;
    let place = Path::new(path);
    if place.is_dir() {
        if let Some(found) = files::open_folder(place, options)? {
            return Ok(arrays(found));
        }
        return match files::texts::open(place, options)? {
            Some(texts) => Ok(table(texts)),
            None => idx::open_folder(place, answered).map(arrays),
        };
    }
    let (is_file, file) = (is_file(path)?, opened(path)?);
    if !is_file {
        // What can only be read once is not examined first, and lists no files.
        return TableReader::open(path, Box::new(file), options).map(table);
    }
    let stream = Stream::open(path, Box::new(BufReader::new(file)), Some(place))?;
    match ArrayFormat::of(&stream.start) {
        ArrayFormat::Idx => idx::open(place, answered).map(arrays),
        ArrayFormat::Npy => npy::open(place, known).map(arrays),
        ArrayFormat::Npz => npy::open_archive(place, options, answered).map(arrays),
        #[cfg(feature = "hdf5")]
        ArrayFormat::Hdf5 => hdf5::open(place, options, answered).map(arrays),
        ArrayFormat::Other => match files::open_file(place, options) {
            Some(example) => example.map(arrays),
            None => open_table(path, stream, options),
        },
    }
}

/// Whether a name is that of a file, which can be read more than once; a pipe is read once. Devices, which may be
/// endless, are rejected.
fn is_file(path: &str) -> Result<bool> {
    let kind = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.file_type();
    if kind.is_file() || is_pipe(kind) {
        return Ok(kind.is_file());
    }
    Err(Error::data("a device or socket, not a file").at(path).fix("name a file, a folder, or - for standard input"))
}

fn opened(path: &str) -> Result<File> {
    File::open(path).map_err(|error| unreadable(path, &error))
}

#[cfg(unix)]
fn is_pipe(kind: std::fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&kind)
}

#[cfg(not(unix))]
fn is_pipe(_: std::fs::FileType) -> bool {
    false
}

/// A table, or the files that it lists.
fn open_table(path: &str, stream: Stream, options: &config::Data) -> Result<Source> {
    let mut rows = formats::open_stream(path, stream, options)?;
    let Some(column) = files::listing::column(rows.names(), options)? else { return Ok(table(rows)) };
    match files::listing::open(rows.read_rest()?, column, options)? {
        Some(mut listed) => {
            listed.decisions.splice(0..0, rows.decisions().to_vec());
            Ok(arrays(listed))
        }
        None => formats::open(path, Box::new(opened(path)?), Some(Path::new(path)), options).map(table),
    }
}

/// The files listed line by line on standard input.
pub(crate) fn open_list(options: &config::Data) -> Result<Source> {
    files::listing::of_lines("standard input", std::io::stdin().lock(), options).map(arrays)
}

/// The array format that a file's first bytes indicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ArrayFormat {
    Idx,
    Npy,
    Npz,
    #[cfg(feature = "hdf5")]
    Hdf5,
    /// A table, or an example by its file name.
    Other,
}

impl ArrayFormat {
    fn of(start: &Start) -> ArrayFormat {
        match start.bytes[..] {
            [0, 0, 8..=14, 1..=4, ..] => ArrayFormat::Idx,
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => ArrayFormat::Npy,
            [b'P', b'K', ..] if start.members.iter().any(|name| name.ends_with(".npy")) => ArrayFormat::Npz,
            #[cfg(feature = "hdf5")]
            [0x89, b'H', b'D', b'F', b'\r', b'\n', 0x1a, b'\n', ..] => ArrayFormat::Hdf5,
            _ => ArrayFormat::Other,
        }
    }
}

fn table(reader: TableReader) -> Source {
    Source::Table(Box::new(reader))
}

fn arrays(arrays: Arrays) -> Source {
    Source::Arrays(Box::new(arrays))
}

/// The test split stored next to a training split, if the format has one: MNIST's `t10k` files, `test_x.h5` next to
/// `train_x.h5`.
pub fn test_part(path: &str) -> Option<String> {
    let path = Path::new(path);
    if let Some(folder) = part_folder(path, "test") {
        return Some(folder);
    }
    let name = path.file_name()?.to_string_lossy();
    if name.starts_with("train_") && files::has_ending(path, &["h5", "hdf5", "npz"]) {
        let beside = path.with_file_name(name.replacen("train", "test", 1));
        return beside.is_file().then(|| beside.display().to_string());
    }
    let folder = if path.is_dir() { path } else { path.parent().filter(|_| name.starts_with("train-images"))? };
    Some(idx::test_images(folder)?.display().to_string())
}

/// The sounds of a folder at their full length, resampled to a rate: backgrounds for other sounds.
///
/// # Errors
/// If there are none, or too many cannot be read.
#[cfg(feature = "sounds")]
pub(crate) fn backgrounds(folder: &str, sample_rate: usize) -> Result<Vec<Vec<f32>>> {
    files::sounds::whole(Path::new(folder), sample_rate)
}

/// The dev split of a folder of images or sounds, if it has one.
pub fn dev_part(path: &str) -> Option<String> {
    part_folder(Path::new(path), "dev")
}

/// The folder of a split within a folder of images or sounds.
fn part_folder(folder: &Path, part: &str) -> Option<String> {
    files::part(folder, "train")?;
    Some(files::part(folder, part)?.display().to_string())
}

/// The bytes of a file, unpacked.
fn reader(path: &Path) -> Result<Input> {
    let name = path.display().to_string();
    let file = opened(&name)?;
    Ok(Stream::open(&name, Box::new(BufReader::new(file)), None)?.input)
}

/// The BLAKE3 hash of a file's bytes as stored on disk; none for standard input.
///
/// # Errors
/// If it cannot be read.
pub fn hash(path: &str) -> Result<Option<String>> {
    if path == "-" || path.starts_with("sample:") || Path::new(path).is_dir() {
        return Ok(None);
    }
    unread::refuse_url(path)?;
    // Opening a pipe and closing it again would end it.
    if !is_file(path)? {
        return Ok(None);
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(opened(path)?).map_err(|error| unreadable(path, &error))?;
    Ok(Some(hasher.finalize().to_hex().to_string()))
}

fn unreadable(path: &str, error: &std::io::Error) -> Error {
    let told = Error::io(ErrorKind::Data, path, "read the data", error);
    match error.kind() {
        std::io::ErrorKind::NotFound => {}
        std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidInput => {
            return told.fix("the file is cut off or damaged: copy it again from where it came from");
        }
        _ => return told.fix("name a file that can be read"),
    }
    let wanted = Path::new(path);
    let folder = wanted.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    let name = wanted.file_name().unwrap_or_default().to_string_lossy();
    match nearest(&name, names.iter().map(String::as_str)) {
        Some(near) => told.fix(format!("did you mean {}?", folder.join(near).display())),
        None => told.fix("name a file that is there, or try sample:digits"),
    }
}
