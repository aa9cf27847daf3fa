//! Files recognised by their first bytes but not supported: what each is, and the remedy.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::packed::Start;
use crate::error::{Error, Result};

/// An unsupported file type.
struct Unread {
    /// Its name in a sentence.
    what: &'static str,
    is: fn(&Start) -> bool,
    fix: &'static str,
}

macro_rules! begins {
    ($($magic:expr),+) => {
        |start: &Start| $(start.bytes.starts_with($magic))||+
    };
}

const EXPORT: &str = "write it as CSV or Parquet with the program that made it";
const UNPACK: &str = "unpack it, and name the file or folder that was in it";
const PICTURE: &str = "give it the ending of its kind, such as .png or .jpg, or name the folder that it is in";
const SOUND: &str = "give it the ending of its kind, such as .wav or .mp3, or name the folder that it is in";

/// The first bytes of a Git LFS pointer.
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";

/// All recognised types; those within a zip archive are recognised by its members.
const ALL: &[Unread] = &[
    Unread {
        what: "a Git LFS pointer: the file itself was not downloaded",
        is: begins!(LFS),
        fix: "fetch the files with `git lfs pull`",
    },
    Unread {
        what: "an HTML page, not data: perhaps a login or error page that was downloaded in its place",
        is: |start| begins_html(&start.text),
        fix: "open it in a browser to see what it says, and download the data itself",
    },
    Unread { what: "an XML document", is: |start| words(&start.text, &["<?xml"]), fix: EXPORT },
    Unread {
        what: "a PyTorch checkpoint",
        is: |start| start.has_member(|name| name == "data.pkl" || name.ends_with("/data.pkl")),
        fix: "Thalweg trains networks of its own; import ONNX with [start_from], and save arrays with numpy.savez",
    },
    Unread { what: "a Word document", is: |start| start.has_member(|name| name.starts_with("word/")), fix: EXPORT },
    Unread {
        what: "a PowerPoint presentation",
        is: |start| start.has_member(|name| name.starts_with("ppt/")),
        fix: EXPORT,
    },
    Unread {
        what: "a DuckDB database",
        is: |start| start.bytes.get(8..12) == Some(b"DUCK"),
        fix: "write a table of it: COPY table TO 'table.parquet'",
    },
    Unread { what: "a PDF document", is: begins!(b"%PDF-"), fix: "write its table as CSV" },
    Unread {
        what: "a Python pickle, which can run any code when it is read",
        is: |start| matches!(start.bytes[..], [0x80, 2..=5, ..]),
        fix: "write what it holds in Python: DataFrame.to_csv or to_parquet, or numpy.savez for arrays",
    },
    Unread {
        what: "an R data file",
        is: begins!(b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n", b"X\n\0\0\0", b"A\n2\n", b"A\n3\n"),
        fix: "write it in R: write.csv(data, \"data.csv\", row.names = FALSE)",
    },
    Unread {
        what: "a SAS data set",
        is: |start| {
            start.bytes.starts_with(b"HEADER RECORD*******")
                || start.bytes.get(..16) == Some(b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60")
        },
        fix: "write it as CSV with SAS, or with Python: pandas.read_sas(FILE).to_csv(\"data.csv\", index=False)",
    },
    Unread {
        what: "a Stata data set",
        is: |start| start.bytes.starts_with(b"<stata_dta>") || matches!(start.bytes[..], [105..=115, 1 | 2, 1, 0, ..]),
        fix: "write it as CSV with Stata (export delimited), or with Python: pandas.read_stata(FILE).to_csv(\"data.csv\", index=False)",
    },
    Unread {
        what: "an SPSS data set",
        is: begins!(b"$FL2", b"$FL3"),
        fix: "write it as CSV with SPSS, or with Python: pandas.read_spss(FILE).to_csv(\"data.csv\", index=False)",
    },
    Unread {
        what: "a MATLAB file",
        is: begins!(b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file"),
        fix: "write it as CSV (writetable), or with Python: scipy.io.loadmat, then numpy.savez",
    },
    Unread { what: "an Avro file", is: begins!(b"Obj\x01"), fix: EXPORT },
    Unread { what: "an ORC file", is: begins!(b"ORC"), fix: EXPORT },
    Unread {
        what: "a Feather file of version 1",
        is: begins!(b"FEA1"),
        fix: "write it anew: pyarrow.feather.write_feather(table, FILE, version=2)",
    },
    Unread { what: "an encrypted file", is: is_encrypted, fix: "decrypt it first, such as with gpg --decrypt" },
    Unread { what: "a 7z archive", is: begins!(b"7z\xbc\xaf\x27\x1c"), fix: UNPACK },
    Unread { what: "a RAR archive", is: begins!(b"Rar!\x1a\x07"), fix: UNPACK },
    Unread { what: "a tar archive", is: |start| start.bytes.get(257..262) == Some(b"ustar"), fix: UNPACK },
    Unread { what: "an LZ4 file", is: begins!(&[0x04, 0x22, 0x4d, 0x18]), fix: UNPACK },
    Unread { what: "a file packed by compress", is: begins!(&[0x1f, 0x9d], &[0x1f, 0xa0]), fix: UNPACK },
    Unread {
        what: "a model file (safetensors), not data",
        is: |start| start.bytes.get(8) == Some(&b'{') && start.bytes.get(4..8) == Some(&[0; 4]),
        fix: "name the data; a model comes first: thalweg predict MODEL DATA",
    },
    Unread {
        what: "a picture",
        is: |start| {
            begins!(b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")(start)
                || start.bytes.get(8..12) == Some(b"WEBP")
        },
        fix: PICTURE,
    },
    Unread {
        what: "a sound",
        is: |start| begins!(b"fLaC", b"OggS", b"ID3")(start) || start.bytes.get(8..12) == Some(b"WAVE"),
        fix: SOUND,
    },
    Unread {
        what: "an HDF5 file, which this build does not read",
        is: begins!(b"\x89HDF\r\n\x1a\n"),
        fix: "build with --features hdf5, or save the arrays as NPZ",
    },
    Unread {
        what: "a JSON document, but not of an object a row",
        is: |start| start.whole && start.text.trim_start().starts_with('[') && is_json(&start.text),
        fix: "write an object a row, such as {\"a\": 1, \"b\": 2}: pandas.DataFrame.to_json(orient=\"records\", lines=True)",
    },
    Unread { what: "a program", is: begins!(b"\x7fELF", b"MZ\x90\0"), fix: "name a data file" },
];

impl Start {
    fn has_member(&self, is: impl Fn(&str) -> bool) -> bool {
        self.members.iter().any(|name| is(name))
    }
}

/// Whether a text begins with one of these, ignoring case and blanks.
fn words(text: &str, words: &[&str]) -> bool {
    let text = text.trim_start();
    words.iter().any(|word| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
}

fn begins_html(text: &str) -> bool {
    words(text, &["<!doctype html", "<html", "<head", "<body", "<!-- html"])
}

/// What a file that cannot be read as its name suggests really is, with the remedy.
pub(super) fn of_file(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(512).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (what, fix) = told(&Start { bytes, text, whole: false, members: Vec::new() })?;
    // The decoder's own message says more about those.
    if [PICTURE, SOUND].contains(&fix) {
        return None;
    }
    Some(format!("{what}: {fix}"))
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// OpenPGP messages, as text and as bytes, and those of OpenSSL.
fn is_encrypted(start: &Start) -> bool {
    let pgp = start.bytes.starts_with(b"-----BEGIN PGP MESSAGE") || start.bytes.starts_with(b"Salted__");
    pgp || matches!(start.bytes[..], [0x8c, 0x0d, 4, 1..=11, ..] | [0x85, 1 | 2 | 4, 0x0c, 2 | 3, ..])
}

/// What an unsupported file is, and the remedy; none if it may be data.
pub(super) fn told(start: &Start) -> Option<(&'static str, &'static str)> {
    ALL.iter().find(|unread| (unread.is)(start)).map(|unread| (unread.what, unread.fix))
}

/// Rejects what is known not to be data.
pub(super) fn refuse(source: &str, start: &Start) -> Result<()> {
    match told(start) {
        None => Ok(()),
        Some((what, fix)) => Err(Error::data(format!("this is {what}")).at(source).fix(fix)),
    }
}

/// Rejects a data name that is a URL.
pub(super) fn refuse_url(path: &str) -> Result<()> {
    let Some((scheme, rest)) = path.split_once("://") else { return Ok(()) };
    let of_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    if scheme.len() < 2 || !scheme.chars().all(of_scheme) {
        return Ok(());
    }
    let fix = match scheme {
        "file" => format!("name the file without its scheme: {}", rest.strip_prefix("localhost").unwrap_or(rest)),
        "http" | "https" | "ftp" => format!("download the file first (curl -LO {path}), and name it here"),
        _ => "download the file first, and name it here".into(),
    };
    Err(Error::data("this is a URL; data is read from files").at(path).fix(fix))
}
