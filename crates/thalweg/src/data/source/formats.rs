//! The formats of tables: how each is detected and read.

use std::cell::Cell;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::csv::Delimited;
use super::packed::{Input, Start, Stream};
use super::reader::{Batches, TableReader};
use super::{arff, jsonl, libsvm, unread, zip};
use crate::config;
use crate::data::table::Table;
use crate::error::{Error, Result, advice};
use crate::event::Decision;

/// A table format other than delimited text.
struct Format {
    /// Its name in a sentence.
    what: &'static str,
    is: fn(&Start) -> bool,
    open: Opening,
}

/// The result of opening a file.
type Opened = Result<Box<dyn Batches>>;

/// How a format is read.
enum Opening {
    /// From front to back.
    Stream(fn(&str, Stream, &config::Data) -> Opened),
    /// As a file, with random access or more than one pass.
    File(fn(&str, &Start, File, &config::Data) -> Opened),
    /// By its name: a file that is not packed.
    #[cfg(feature = "sqlite")]
    Name(fn(&str, &config::Data) -> Opened),
    /// Not in this build; requires this feature.
    #[cfg_attr(all(feature = "parquet", feature = "excel", feature = "sqlite"), allow(dead_code))]
    Feature(&'static str),
}

/// A reader, if its feature is enabled.
macro_rules! with_feature {
    ($feature:literal, $opening:expr) => {{
        #[cfg(feature = $feature)]
        let opening = $opening;
        #[cfg(not(feature = $feature))]
        let opening = Opening::Feature($feature);
        opening
    }};
}

/// All formats.
const ALL: &[Format] = &[
    Format { what: "JSON Lines", is: jsonl::is, open: Opening::Stream(jsonl::open) },
    Format { what: "an ARFF file", is: arff::is, open: Opening::Stream(arff::open) },
    Format { what: "a libsvm file", is: libsvm::is, open: Opening::File(libsvm::open) },
    Format {
        what: "a Parquet file",
        is: |start| start.bytes.starts_with(b"PAR1"),
        open: with_feature!("parquet", Opening::File(super::parquet::open)),
    },
    Format { what: "an Arrow file", is: is_arrow, open: with_feature!("parquet", Opening::Stream(super::ipc::open)) },
    Format {
        what: "an Excel or OpenDocument workbook",
        is: is_workbook,
        open: with_feature!("excel", Opening::File(super::excel::open)),
    },
    Format {
        what: DATABASE,
        is: |start| start.bytes.starts_with(b"SQLite format 3\0"),
        open: with_feature!("sqlite", Opening::Name(super::sqlite::open)),
    },
];

/// What the option `query` is for.
const DATABASE: &str = "an SQLite database";

/// The file format, or a stream, whose first message is a schema.
fn is_arrow(start: &Start) -> bool {
    start.bytes.starts_with(b"ARROW1")
        || matches!(start.bytes[..], [0xff, 0xff, 0xff, 0xff, _, _, _, 0, 0x10 | 0x0c | 0x14, 0, 0, 0, ..])
}

fn is_workbook(start: &Start) -> bool {
    const OLE: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    const ODS: &[u8] = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet";
    let ods = || start.bytes.get(30..30 + ODS.len()) == Some(ODS);
    start.bytes.starts_with(OLE) || start.members.iter().any(|name| name.starts_with("xl/workbook.")) || ods()
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is reading with panics converted to errors, so that a panic hook need not report them.
pub fn panics_are_errors() -> bool {
    GUARDED.get()
}

/// Runs a reader; a panic of a third-party reader on damaged bytes becomes an error.
fn guard<T>(source: &str, what: &str, read: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = GUARDED.replace(true);
    let read = catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(before);
    read.unwrap_or_else(|_| {
        let remedy = "copy it again from where it came from, or write it anew";
        Err(Error::data(format!("{what} that is damaged")).at(source).fix(remedy))
    })
}

/// A reader whose panics become errors.
struct Guarded {
    source: String,
    what: &'static str,
    inner: Box<dyn Batches>,
}

impl Batches for Guarded {
    fn names(&self) -> &[String] {
        self.inner.names()
    }

    fn next(&mut self, most: usize) -> Result<Option<Table>> {
        guard(&self.source, self.what, || self.inner.next(most))
    }

    fn decisions(&self) -> &[Decision] {
        self.inner.decisions()
    }

    fn bytes(&self) -> Option<u64> {
        self.inner.bytes()
    }

    fn are_names_made_up(&self) -> bool {
        self.inner.are_names_made_up()
    }

    fn adopt(&mut self, names: &[String]) {
        self.inner.adopt(names);
    }
}

/// Opens a stream of bytes, from a file if `path` is given.
///
/// # Errors
/// If the format is not supported, or the data is damaged.
pub(super) fn open(source: &str, input: Input, path: Option<&Path>, options: &config::Data) -> Result<TableReader> {
    open_stream(source, Stream::open(source, input, path)?, options)
}

/// Refuses a query for what is no database.
pub(super) fn refuse_query(source: &str, options: &config::Data) -> Result<()> {
    let none =
        || Error::config(format!("this is for {DATABASE}, and {source} is none")).at("--query").fix("leave it out");
    options.query.as_ref().map_or(Ok(()), |_| Err(none()))
}

/// Opens a stream whose first bytes are known.
///
/// # Errors
/// If the format is not supported, or the data is damaged.
pub(super) fn open_stream(source: &str, stream: Stream, options: &config::Data) -> Result<TableReader> {
    let found = |stream: &Stream| ALL.iter().find(|format| (format.is)(&stream.start));
    // An explicit delimiter means that the file is delimited text.
    let format = if options.delimiter.is_some() { None } else { found(&stream) };
    let bytes = stream.bytes;
    if format.is_none_or(|format| format.what != DATABASE) {
        refuse_query(source, options)?;
    }
    if let Some(format) = format {
        let guarded = |open: &mut dyn FnMut() -> Opened| {
            let inner = guard(source, format.what, open)?;
            Ok(Box::new(Guarded { source: source.into(), what: format.what, inner }) as Box<dyn Batches>)
        };
        let mut stream = Some(stream);
        let mut taken = || stream.take().ok_or_else(|| Error::internal("a stream is opened once"));
        let batches = match format.open {
            Opening::Stream(open) => guarded(&mut || open(source, taken()?, options)),
            Opening::File(open) => guarded(&mut || {
                let (start, file) = taken()?.into_file(source)?;
                open(source, &start, file, options)
            }),
            #[cfg(feature = "sqlite")]
            Opening::Name(open) if bytes.is_some() => guarded(&mut || open(source, options)),
            #[cfg(feature = "sqlite")]
            Opening::Name(_) => Err(Error::data(format!("{} that is packed, or on standard input", format.what))
                .at(source)
                .fix("unpack it, and name its file")),
            Opening::Feature(feature) => {
                Err(Error::data(format!("this is {}, which this build does not read", format.what)).at(source).fix(
                    advice!("build with --features {}, use the Python package, or export the data as CSV", feature),
                ))
            }
        }?;
        return Ok(TableReader::new(source, batches, options)?.of_bytes(bytes));
    }
    unread::refuse(source, &stream.start)?;
    if zip::is_zip(&stream.start) {
        let (_, file) = stream.into_file(source)?;
        let inner = Stream::open(source, zip::only(source, zip::open(source, file)?)?, None)?;
        if zip::is_zip(&inner.start) && !is_workbook(&inner.start) {
            return Err(Error::data("a zip archive within a zip archive").at(source).fix("unpack it first"));
        }
        return open_stream(source, inner, options);
    }
    let text = Delimited::open(source, stream.input, options)?.of_bytes(bytes.unwrap_or_default());
    Ok(TableReader::new(source, Box::new(text), options)?.of_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_reader_is_an_error_that_names_the_file() {
        let damaged = guard::<()>("t.arrow", "an Arrow file", || {
            assert!(panics_are_errors());
            panic!("index out of bounds")
        });
        let told = damaged.unwrap_err().to_string();
        assert!(told.starts_with("t.arrow: an Arrow file that is damaged"), "{told}");
        assert!(!panics_are_errors());
    }
}
