//! Errors are values with a place and a remedy.

use std::path::PathBuf;

/// What went wrong, and so which exit code the command line ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A fault of ours (exit code 1).
    Internal,
    /// A wrong flag, key or value (exit code 2).
    Config,
    /// Data or a schema that does not fit (exit code 3).
    Data,
    /// A check or gate failed (exit code 4).
    Check,
    /// Training diverged (exit code 5).
    Diverged,
}

impl Kind {
    /// The process exit code of this kind of error.
    pub fn exit_code(self) -> i32 {
        match self {
            Kind::Internal => 1,
            Kind::Config => 2,
            Kind::Data => 3,
            Kind::Check => 4,
            Kind::Diverged => 5,
        }
    }
}

/// An error that names the place (file, line, column or key), what was found there and what to do.
///
/// It prints as `PLACE: MESSAGE`, then the remedy on a line of its own.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}{message}{}", prefix(.place), suffix(.remedy))]
pub struct Error {
    /// What kind of failure this is.
    pub kind: Kind,
    /// Where: `houses.csv, line 7, column "price"`, or a config key.
    pub place: Option<String>,
    /// What was found and what was expected.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The most bytes of a place, a message or a remedy: names, cells and lists in them come from files.
const LONGEST: usize = 1000;

impl Error {
    /// An error of a kind, with neither place nor remedy yet. Texts of an error that are very long lose their middle.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error { kind, place: None, message: bounded(message.into()), remedy: None }
    }

    /// A data or schema error.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(Kind::Data, message)
    }

    /// A configuration error.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::Config, message)
    }

    /// A fault of ours.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// An operating-system error on a file, as an error of a kind.
    pub fn io(kind: Kind, path: impl Into<PathBuf>, doing: &str, error: &std::io::Error) -> Self {
        Self::new(kind, format!("cannot {doing}: {error}")).at(path.into().display().to_string())
    }

    /// Adds where it happened.
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(bounded(place.into()));
        self
    }

    /// Adds what to do about it.
    pub fn fix(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(bounded(remedy.into()));
        self
    }
}

/// `" (did you mean "price"?)"` when a known name is near, else an empty string.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(typed, known) {
        Some(name) => format!(" (did you mean {name:?}?)"),
        None => String::new(),
    }
}

/// The known name nearest to what was typed, if one is near enough to be meant.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = typed.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// The beginning of a text from a file, such as a name or a cell.
pub(crate) fn beginning(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

/// A text without its middle, where it is very long.
fn bounded(text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let (first, last) = (text.floor_char_boundary(LONGEST * 2 / 3), text.ceil_char_boundary(text.len() - LONGEST / 3));
    format!("{} … {}", &text[..first], &text[last..])
}

fn prefix(place: &Option<String>) -> String {
    place.as_ref().map_or(String::new(), |place| format!("{place}: "))
}

fn suffix(remedy: &Option<String>) -> String {
    remedy.as_ref().map_or(String::new(), |remedy| format!("\n  fix: {remedy}"))
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
    fn no_text_of_an_error_is_long() {
        let long = format!("a{}z", "ü".repeat(100_000));
        let error = Error::data(long.clone()).at(long.clone()).fix(long.clone());
        let texts = [Some(error.message), error.place, error.remedy].map(Option::unwrap);
        for text in texts {
            assert!(text.len() <= LONGEST + 8 && text.starts_with("aü") && text.ends_with("üz"), "{text}");
        }
        assert_eq!((beginning("été"), beginning(&long).chars().count()), ("été".into(), 61));
    }

    #[test]
    fn suggests_only_near_names() {
        assert_eq!(did_you_mean("prce", ["price", "size"]), " (did you mean \"price\"?)");
        assert_eq!(did_you_mean("xyzzy", ["price", "size"]), "");
    }
}
