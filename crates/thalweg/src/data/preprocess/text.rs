//! A column of free text: what is in it as a bag of codes with weights, which a layer sums up.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::vocabulary::{DocumentFrequencies, Vocabulary};
use super::{Cell, Encode, Value};
use crate::data::words::{self, TermKind};

/// The most words and pairs, and the most parts of words, that a column knows: the most frequent.
const MOST: usize = 32_768;
/// Rows that something must come in: what comes in one row alone tells nothing of others.
const FEWEST: [usize; 2] = [2, 3];
/// The most codes of a row; of longer texts those of the largest weights.
const MOST_SLOTS: usize = 1_024;
/// The share of the training rows whose codes all have a slot.
const WHOLE: f64 = 0.995;

/// Words, pairs and parts of words with their weights, fitted on the training rows (TF-IDF: "Introduction to Information
/// Retrieval", Manning, Raghavan and Schütze 2008, chapter 6, with a sublinear count as there, and 1 added to the logarithm
/// as scikit-learn does).
///
/// The weight of what comes n times in a text is (1 + ln n)(1 + ln((1 + m)/(1 + df))), df of the m training rows having it;
/// the weights of words and pairs have a sum of squares of 1, those of parts too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Text {
    /// What is looked for in a text, by its code.
    pub vocabulary: Vocabulary,
    /// 1 + ln((1 + m)/(1 + df)) of each.
    pub idf: Vec<f32>,
    /// Whether parts of words are among them.
    pub parts: bool,
    /// The codes that a row has at most.
    pub slots: usize,
}

impl Text {
    /// What the training rows' texts have in common.
    pub fn fit<'a>(cells: impl Iterator<Item = Option<impl Into<Cow<'a, str>>>> + Clone, parts: bool) -> Self {
        let counts = DocumentFrequencies::of(cells.clone(), |text, call| words::for_each_piece(text, parts, call));
        let rows = counts.rows;
        let mut chosen = counts.most_frequent(TermKind::Word, FEWEST[0], MOST);
        chosen.extend(counts.most_frequent(TermKind::Part, FEWEST[1], MOST));
        if chosen.is_empty() {
            // A column whose words do not come again tells nothing, and has a code nevertheless.
            chosen.push(("*".into(), 0));
        }
        let idf = chosen.iter().map(|(_, df)| 1.0 + ((1 + rows) as f32 / (1 + df) as f32).ln()).collect();
        let pieces: Vec<String> = chosen.into_iter().map(|(piece, _)| piece).collect();
        let mut text = Text { vocabulary: pieces.into(), idf, parts, slots: MOST_SLOTS };
        let mut found: Vec<usize> =
            cells.flatten().map(|cell| text.bag(&cell.into()).len()).filter(|codes| *codes > 0).collect();
        found.sort_unstable();
        let enough = found.get((WHOLE * found.len() as f64) as usize).or(found.last());
        text.slots = enough.map_or(1, |codes| codes.next_multiple_of(8)).min(MOST_SLOTS);
        text
    }

    /// The codes of a text in their order, each with its weight; of more than there are slots those of the largest weights.
    pub fn bag(&self, text: &str) -> Vec<(usize, f64)> {
        let mut codes: Vec<(usize, TermKind)> = Vec::new();
        words::for_each_piece(text, self.parts, |piece, kind| {
            codes.extend(self.vocabulary.place(piece).map(|code| (code, kind)));
        });
        codes.sort_unstable_by_key(|(code, _)| *code);
        let weighted = codes.chunk_by(|a, b| a.0 == b.0).map(|of_one| {
            let (code, kind) = of_one[0];
            (code, kind, (1.0 + (of_one.len() as f64).ln()) * f64::from(self.idf[code]))
        });
        let mut bag: Vec<(usize, TermKind, f64)> = weighted.collect();
        if bag.len() > self.slots {
            bag.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
            bag.truncate(self.slots);
            bag.sort_unstable_by_key(|(code, ..)| *code);
        }
        let norm = |kind: TermKind| {
            let squares = bag.iter().filter(|found| found.1 == kind).map(|(.., weight)| weight * weight);
            squares.sum::<f64>().sqrt()
        };
        let [of_words, of_parts] = [TermKind::Word, TermKind::Part].map(norm);
        let scaled = |(code, kind, weight): (usize, TermKind, f64)| {
            (code, weight / if kind == TermKind::Word { of_words } else { of_parts })
        };
        bag.into_iter().map(scaled).collect()
    }
}

impl Encode for Text {
    fn names(&self, column: &str) -> Vec<String> {
        let each = |what: &'static str| (1..=self.slots).map(move |slot| format!("{column} ({what} {slot})"));
        each("code").chain(each("weight")).collect()
    }

    fn width(&self) -> usize {
        2 * self.slots
    }

    fn write(&self, cell: Cell<'_>, out: &mut [f64]) -> Result<(), String> {
        out.fill(0.0);
        if let Some(text) = cell.text() {
            let (codes, weights) = out.split_at_mut(self.slots);
            for (slot, (code, weight)) in self.bag(text).into_iter().enumerate() {
                (codes[slot], weights[slot]) = (code as f64, weight);
            }
        }
        Ok(())
    }

    fn read(&self, inputs: &[f32]) -> Value {
        if inputs[self.slots..].iter().any(|weight| *weight > 0.0) { Value::Text } else { Value::Missing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [Option<&str>; 4] = [Some("good book"), Some("Good, good film"), None, Some("bad film")];

    fn fitted(parts: bool) -> Text {
        Text::fit(ROWS.into_iter(), parts)
    }

    #[test]
    fn what_comes_in_several_rows_is_known() {
        let text = fitted(false);
        assert_eq!(text.vocabulary.pieces(), ["film", "good"]);
        // 1 + ln(5/3): two of four rows.
        assert!(text.idf.iter().all(|idf| (idf - 1.510_826).abs() < 1e-6));
        assert_eq!(text.slots, 8);
        assert!(fitted(true).vocabulary.place("goo*").is_none(), "parts come in three rows at least");
    }

    #[test]
    fn weights_are_those_of_scikit_learn() {
        // TfidfVectorizer(sublinear_tf=True) gives 0.5099 and 0.8602 to "film good good" after these rows without the
        // words that come once: 1/√(1 + (1 + ln 2)²) and (1 + ln 2)/√(1 + (1 + ln 2)²).
        let bag = fitted(false).bag("film good unknown GOOD");
        let tf = 1.0 + 2.0_f64.ln();
        let norm = (1.0 + tf * tf).sqrt();
        assert_eq!(bag.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [0, 1]);
        assert!((bag[0].1 - 1.0 / norm).abs() < 1e-12 && (bag[1].1 - tf / norm).abs() < 1e-12, "{bag:?}");
    }

    #[test]
    fn a_cell_becomes_codes_and_then_weights() {
        let text = fitted(false);
        let mut out = vec![9.0; text.width()];
        text.write(Cell::Text("a good one"), &mut out).unwrap();
        assert_eq!((out[0], out[8]), (1.0, 1.0));
        assert!(out.iter().enumerate().all(|(i, x)| i == 0 || i == 8 || *x == 0.0));
        text.write(Cell::Missing, &mut out).unwrap();
        assert!(out.iter().all(|x| *x == 0.0));
        assert_eq!(text.names("t").len(), text.width());
    }

    #[test]
    fn a_long_text_keeps_what_weighs_most() {
        let text = Text { slots: 1, ..fitted(false) };
        assert_eq!(text.bag("film good good"), [(1, 1.0)]);
    }

    #[test]
    fn texts_without_words_are_encoded_too() {
        for rows in [vec![Some("")], vec![None], vec![Some("?!"), Some("…")], vec![]] {
            let text = Text::fit(rows.into_iter(), true);
            assert_eq!((text.slots, text.vocabulary.pieces().len()), (1, 1));
            assert!(text.bag("* any").is_empty());
        }
    }

    #[test]
    fn a_vocabulary_is_written_as_a_list() {
        let text = fitted(true);
        let json = serde_json::to_string(&text).unwrap();
        assert!(json.starts_with(r#"{"vocabulary":["film","good""#), "{json}");
        assert_eq!(serde_json::from_str::<Text>(&json).unwrap(), text);
    }
}
