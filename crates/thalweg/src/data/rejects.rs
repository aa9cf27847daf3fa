//! Cells and files that could not be read and are left out, one record each.

use serde::{Deserialize, Serialize};

/// A cell that counts as missing since it cannot be read, or a file that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The file, as the user named it or within the folder that was.
    pub file: String,
    /// The line of the file, from 1 and with its header, or the row where a source has none; none for a file as a whole.
    pub line: Option<u64>,
    /// The column's name.
    pub column: Option<String>,
    /// The beginning of what is there.
    pub found: Option<String>,
    /// What was expected, or what is wrong.
    pub reason: String,
}

impl Reject {
    /// A file as a whole.
    pub(crate) fn file(name: String, reason: String) -> Reject {
        Reject { file: name, line: None, column: None, found: None, reason }
    }
}

/// The records as comma-separated values under a header.
pub fn to_csv(rejects: &[Reject]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for reject in rejects {
        writer.serialize(reject).expect("texts are written to memory");
    }
    writer.into_inner().expect("texts are written to memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_lines_of_a_table() {
        let cell = Reject {
            file: "a.csv".into(),
            line: Some(7),
            column: Some("size, m".into()),
            found: Some("a \"b\"".into()),
            reason: "expected a number".into(),
        };
        let file = Reject::file("cats/1.png".into(), "no image".into());
        let expected = "file,line,column,found,reason\n\
            a.csv,7,\"size, m\",\"a \"\"b\"\"\",expected a number\n\
            cats/1.png,,,,no image\n";
        assert_eq!(String::from_utf8(to_csv(&[cell, file])).unwrap(), expected);
    }
}
