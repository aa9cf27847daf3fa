//! What the texts of a column's training rows have in common.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::data::words::TermKind;

/// Pieces counted at a time: what came once is dropped where they are more.
const MOST_COUNTED: usize = 4_000_000;

/// Texts with their places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Vocabulary {
    pieces: Vec<String>,
    places: HashMap<String, u32>,
}

impl From<Vec<String>> for Vocabulary {
    fn from(pieces: Vec<String>) -> Self {
        let places = pieces.iter().cloned().zip(0..).collect();
        Vocabulary { pieces, places }
    }
}

impl From<Vocabulary> for Vec<String> {
    fn from(vocabulary: Vocabulary) -> Self {
        vocabulary.pieces
    }
}

impl Vocabulary {
    /// The texts, each at its place.
    pub fn pieces(&self) -> &[String] {
        &self.pieces
    }

    /// The place of a text.
    pub fn place(&self, piece: &str) -> Option<usize> {
        self.places.get(piece).map(|place| *place as usize)
    }
}

/// The rows that something comes in, and the last of them.
#[derive(Debug, Clone, Copy)]
struct Seen {
    rows: usize,
    last: usize,
    piece: TermKind,
}

/// In how many rows each piece of their texts comes.
pub(super) struct DocumentFrequencies {
    seen: HashMap<String, Seen, foldhash::fast::FixedState>,
    /// All rows.
    pub(super) rows: usize,
}

impl DocumentFrequencies {
    /// Counts what `for_each` calls with of each text.
    pub(super) fn of<'a>(
        cells: impl Iterator<Item = Option<impl Into<Cow<'a, str>>>>,
        for_each: impl Fn(&str, &mut dyn FnMut(&str, TermKind)),
    ) -> Self {
        let (mut seen, mut rows) = (HashMap::<String, Seen, _>::default(), 0);
        for (row, cell) in cells.enumerate() {
            rows = row + 1;
            let Some(cell) = cell else { continue };
            for_each(&cell.into(), &mut |piece, kind| match seen.get_mut(piece) {
                Some(seen) if seen.last == row => {}
                Some(seen) => *seen = Seen { rows: seen.rows + 1, last: row, ..*seen },
                None => {
                    seen.insert(piece.into(), Seen { rows: 1, last: row, piece: kind });
                }
            });
            if seen.len() > MOST_COUNTED {
                seen.retain(|_, seen| seen.rows > 1);
            }
        }
        DocumentFrequencies { seen, rows }
    }

    /// The most frequent pieces of a kind, at most so many, each with its rows, of which there are at least `fewest`.
    pub(super) fn most_frequent(&self, kind: TermKind, fewest: usize, most: usize) -> Vec<(String, usize)> {
        let of_it = self.seen.iter().filter(|(_, seen)| seen.piece == kind && seen.rows >= fewest);
        let mut of_it: Vec<(&String, usize)> = of_it.map(|(piece, seen)| (piece, seen.rows)).collect();
        of_it.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        of_it.truncate(most);
        of_it.into_iter().map(|(piece, rows)| (piece.clone(), rows)).collect()
    }
}
