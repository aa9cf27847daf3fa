//! Errors are values with a location and a remedy.

mod advice;

use std::borrow::Cow;
use std::path::PathBuf;

pub(crate) use advice::advice;
pub use advice::{Advice, AdvicePart};

/// The kind of error, which determines the command line's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A bug in Thalweg (exit code 1).
    Internal,
    /// An invalid flag, key or value (exit code 2).
    Config,
    /// Invalid data, or data that does not match the schema (exit code 3).
    Data,
    /// A check or gate failed (exit code 4).
    Check,
    /// Training diverged (exit code 5).
    Diverged,
    /// A stop was requested before there was anything to save (exit code 130).
    Interrupted,
}

impl ErrorKind {
    /// The process exit code of this kind of error.
    pub fn exit_code(self) -> i32 {
        match self {
            ErrorKind::Internal => 1,
            ErrorKind::Config => 2,
            ErrorKind::Data => 3,
            ErrorKind::Check => 4,
            ErrorKind::Diverged => 5,
            ErrorKind::Interrupted => 130,
        }
    }
}

/// An error with its location (file, line, column or key), what was found there, and a remedy.
///
/// Displayed as `PLACE: MESSAGE`, with the remedy on a line of its own; long parts are shortened, for cells and names
/// in the data may be of any length.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}{message}{}", prefix(.place), suffix(.remedy))]
pub struct Error {
    /// The kind of failure.
    pub kind: ErrorKind,
    /// The location: `houses.csv, line 7, column "price"`, or a config key.
    pub place: Option<String>,
    /// What was found and what was expected.
    pub message: String,
    /// How to fix it.
    pub remedy: Option<Advice>,
}

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Maximum characters of an error's message.
const LONGEST_MESSAGE: usize = 500;
const LONGEST_PLACE: usize = 300;
const LONGEST_REMEDY: usize = 700;

impl Error {
    /// An error of a kind, without location or remedy. Very long messages lose their middle.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, place: None, message: shortened(message, LONGEST_MESSAGE), remedy: None }
    }

    /// A data or schema error.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }

    /// A configuration error.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// An internal error: a bug.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// An operating-system error on a file, as an error of a given kind.
    pub fn io(kind: ErrorKind, path: impl Into<PathBuf>, doing: &str, error: &std::io::Error) -> Self {
        Self::new(kind, format!("cannot {doing}: {error}")).at(path.into().display().to_string())
    }

    /// Adds the location.
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(shortened(place, LONGEST_PLACE));
        self
    }

    /// Adds another remedy to the one that it has.
    pub(crate) fn or_fix(self, other: impl Into<Advice>) -> Self {
        let remedy = match self.remedy.clone() {
            Some(remedy) => remedy.and("; or ").and(other),
            None => other.into(),
        };
        self.fix(remedy)
    }

    /// Adds the remedy; text with options in brackets names them as data: see [`Advice`].
    pub fn fix(mut self, remedy: impl Into<Advice>) -> Self {
        self.remedy = Some(remedy.into().shortened(LONGEST_REMEDY));
        self
    }
}

/// `" (did you mean "price"?)"` if a known name is close, otherwise an empty string.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(typed, known) {
        Some(name) => format!(" (did you mean {name:?}?)"),
        None => String::new(),
    }
}

/// The known name closest to what was typed, if it is close enough.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = typed.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// The beginning of a string from a file, such as a name or a cell.
pub(crate) fn beginning(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

/// An error message, shortened if a name or a cell in it is long.
fn shortened(text: impl Into<String>, most: usize) -> String {
    let text = text.into();
    if text.len() <= most { text } else { brief(&text, most).into_owned() }
}

fn prefix(place: &Option<String>) -> String {
    place.as_ref().map_or(String::new(), |place| format!("{place}: "))
}

fn suffix(remedy: &Option<Advice>) -> String {
    remedy.as_ref().map_or_else(String::new, Advice::line)
}

/// A string of at most `most` characters; longer ones lose their middle, for the subject is at the beginning, and what
/// was expected at the end.
pub fn brief(text: &str, most: usize) -> Cow<'_, str> {
    // The number of characters is at most that of bytes.
    if text.len() <= most {
        return text.into();
    }
    let count = text.chars().count();
    if count <= most {
        return text.into();
    }
    let kept = most.saturating_sub(1);
    let (head, tail) = (kept - kept / 3, kept / 3);
    text.chars().take(head).chain(['…']).chain(text.chars().skip(count - tail)).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_place_message_and_remedy() {
        let error = Error::data("found \"abc\", expected a number").at("a.csv, line 3").fix("correct the cell");
        assert_eq!(error.to_string(), "a.csv, line 3: found \"abc\", expected a number\n  fix: correct the cell");
    }

    #[test]
    fn long_cells_names_and_lists_are_shortened() {
        let long = "ä".repeat(70_000);
        let error = Error::data(format!("found {long:?}, expected a number")).at(format!("a.csv, column {long:?}"));
        let error = error.fix(format!("use one of {long}"));
        let texts = [Some(error.message.clone()), error.place.clone(), error.remedy.as_ref().map(Advice::to_string)];
        assert!(texts.iter().flatten().all(|text| text.chars().count() <= LONGEST_REMEDY), "{texts:?}");
        let error = error.to_string();
        assert!(error.chars().count() < 1_600, "{}", error.len());
        assert!(
            error.starts_with("a.csv, column \"ä") && error.contains("ä\", expected a number\n  fix: use one of ä")
        );
        assert_eq!(brief("abcdefghij", 10), "abcdefghij");
        assert_eq!(brief("abcdefghijk", 7), "abcd…jk");
        assert_eq!(brief("äöü", 3), "äöü");
        assert_eq!((beginning("été"), beginning(&long).chars().count()), ("été".into(), 61));
    }

    #[test]
    fn suggests_only_near_names() {
        assert_eq!(did_you_mean("prce", ["price", "size"]), " (did you mean \"price\"?)");
        assert_eq!(did_you_mean("xyzzy", ["price", "size"]), "");
    }
}
