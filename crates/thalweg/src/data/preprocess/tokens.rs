//! A column of free text as tokens in their order, which layers on sequences read.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Cell, Encode, Tokenizer, TokenizerFile, Value};
use crate::error::Advice;
use crate::event::Decision;

/// The most tokens of a row unless more are asked for, and the share of the training rows that are whole.
const MOST: usize = 256;
const WHOLE: f64 = 0.95;

/// Texts as rows of T tokens, 0 after the last; longer ones lose their end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tokens {
    /// What takes texts apart.
    pub tokenizer: Tokenizer,
    /// T.
    pub length: usize,
}

impl Tokens {
    /// Tokens of a tokenizer file, or the words of the training rows; rows are of the length given, or as long as 95 % of the
    /// training rows' texts are, up to 256 tokens.
    ///
    /// # Errors
    /// If a text is none that the tokenizer takes: what was expected.
    pub fn fit<'a>(
        cells: impl Iterator<Item = Option<impl Into<Cow<'a, str>>>> + Clone,
        file: Option<TokenizerFile>,
        length: Option<usize>,
    ) -> Result<Self, String> {
        let tokenizer = file.map_or_else(|| Tokenizer::of_words(cells.clone()), Tokenizer::File);
        let length = match length {
            Some(length) => length,
            None => {
                let length = |cell: Cow<str>| tokenizer.tokens(&cell, MOST).map(|tokens| tokens.len());
                let mut lengths =
                    cells.flatten().map(|cell| length(cell.into())).collect::<Result<Vec<_>, String>>()?;
                lengths.retain(|length| *length > 0);
                lengths.sort_unstable();
                let enough = lengths.get((WHOLE * lengths.len() as f64) as usize).or(lengths.last());
                enough.map_or(1, |length| length.next_multiple_of(8))
            }
        };
        Ok(Tokens { tokenizer, length })
    }

    /// What a column's texts become, and why they are not longer, unless their length is given.
    pub(super) fn decision(&self, column: &str, given: bool) -> Decision {
        let Tokens { tokenizer, length } = self;
        let kinds = match tokenizer {
            Tokenizer::Words(words) => format!("words, of which {} are known", words.pieces().len()),
            Tokenizer::File(_) => format!("tokens of {}", tokenizer.count() - 1),
        };
        let why = match () {
            () if given => "it is asked for".to_string(),
            () if *length >= MOST => "longer ones take longer".into(),
            () => format!("{:.0} % of the training rows have no more", 100.0 * WHOLE),
        };
        Decision {
            what: format!("texts become rows of their first {length} {kinds}: {column}"),
            why,
            instead: Advice::option("text_length", &(2 * length).to_string()),
        }
    }
}

impl Encode for Tokens {
    fn names(&self, column: &str) -> Vec<String> {
        (1..=self.length).map(|step| format!("{column} (token {step})")).collect()
    }

    fn width(&self) -> usize {
        self.length
    }

    fn write(&self, cell: Cell<'_>, out: &mut [f64]) -> Result<(), String> {
        out.fill(0.0);
        if let Some(text) = cell.text() {
            let tokens = self.tokenizer.tokens(text, self.length)?;
            out.iter_mut().zip(tokens).for_each(|(out, token)| *out = token as f64);
        }
        Ok(())
    }

    fn read(&self, inputs: &[f32]) -> Value {
        if inputs.iter().any(|token| *token > 0.0) { Value::Text } else { Value::Missing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [Option<&str>; 4] = [Some("Good, not bad"), Some("bad, not good!"), None, Some("a film")];

    fn fitted(length: Option<usize>) -> Tokens {
        Tokens::fit(ROWS.into_iter(), None, length).unwrap()
    }

    fn written(tokens: &Tokens, cell: Cell) -> Vec<f64> {
        let mut out = vec![9.0; tokens.width()];
        tokens.write(cell, &mut out).unwrap();
        out
    }

    #[test]
    fn a_cell_becomes_tokens_in_their_order() {
        let tokens = fitted(None);
        let Tokenizer::Words(words) = &tokens.tokenizer else { panic!("no file is given") };
        assert_eq!(words.pieces(), ["bad", "good", "not"], "in two rows at least");
        assert_eq!((tokens.length, tokens.tokenizer.count()), (8, 5));
        assert_eq!(written(&tokens, Cell::Text("GOOD: not seen, bad"))[..5], [3.0, 4.0, 1.0, 2.0, 0.0]);
        assert_eq!(tokens.tokenizer.piece(3).as_deref(), Some("good"));
        assert!([0, 1, 5].iter().all(|token| tokens.tokenizer.piece(*token).is_none()));
    }

    #[test]
    fn long_texts_lose_their_end_and_others_are_padded() {
        let tokens = fitted(Some(2));
        assert_eq!(written(&tokens, Cell::Text("good good bad")), [3.0, 3.0]);
        assert_eq!(written(&tokens, Cell::Text("bad")), [2.0, 0.0]);
        assert_eq!(written(&tokens, Cell::Missing), [0.0, 0.0]);
        assert_eq!(tokens.names("t"), ["t (token 1)", "t (token 2)"]);
        let long = Tokens::fit([Some("word ".repeat(100_000))].into_iter(), None, None).unwrap();
        assert_eq!(long.length, 256);
    }

    #[test]
    fn texts_without_words_have_a_length_too() {
        for rows in [vec![Some("")], vec![None], vec![Some("?!"), Some("…")], vec![]] {
            let tokens = Tokens::fit(rows.into_iter(), None, None).unwrap();
            assert_eq!((tokens.length, tokens.tokenizer.count()), (1, 2));
            assert_eq!(written(&tokens, Cell::Text("any")), [1.0]);
        }
    }

    #[test]
    fn a_vocabulary_is_written_as_a_list() {
        let tokens = fitted(None);
        let json = serde_json::to_string(&tokens).unwrap();
        assert_eq!(json, r#"{"tokenizer":{"words":["bad","good","not"]},"length":8}"#);
        assert_eq!(serde_json::from_str::<Tokens>(&json).unwrap(), tokens);
    }

    #[cfg(not(feature = "tokenizers"))]
    #[test]
    fn a_build_without_tokenizers_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        std::fs::write(&path, "{}").unwrap();
        let error = TokenizerFile::open(path.to_str().unwrap()).unwrap_err();
        assert!(error.message.contains("this build does not read"), "{error}");
        assert!(error.remedy.unwrap().to_string().contains("--features tokenizers"));
    }

    /// A small WordPiece tokenizer, as its library writes it.
    #[cfg(feature = "tokenizers")]
    fn word_piece() -> serde_json::Value {
        serde_json::json!({
            "version": "1.0",
            "truncation": { "direction": "Right", "max_length": 1, "strategy": "LongestFirst", "stride": 0 },
            "padding": null,
            "added_tokens": [],
            "normalizer": { "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                "strip_accents": null, "lowercase": true },
            "pre_tokenizer": { "type": "BertPreTokenizer" },
            "post_processor": null,
            "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
            "model": { "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": { "[UNK]": 0, "un": 1, "##good": 2, "good": 3, "!": 7 } }
        })
    }

    #[cfg(feature = "tokenizers")]
    #[test]
    fn a_tokenizer_file_goes_into_the_model() {
        let file = TokenizerFile::try_from(word_piece()).unwrap();
        let tokens = Tokens::fit(ROWS.into_iter(), Some(file), Some(6)).unwrap();
        assert_eq!(written(&tokens, Cell::Text("Ungood good! x")), [2.0, 3.0, 4.0, 8.0, 1.0, 0.0]);
        assert_eq!((tokens.tokenizer.count(), tokens.tokenizer.piece(3).as_deref()), (9, Some("##good")));
        let json = serde_json::to_string(&tokens).unwrap();
        let read: Tokens = serde_json::from_str(&json).unwrap();
        assert_eq!(written(&read, Cell::Text("ungood")), written(&tokens, Cell::Text("ungood")));
        // Of ten megabytes only the beginning is read.
        assert_eq!(written(&tokens, Cell::Text(&"good".repeat(2_500_000)))[1..], [0.0; 5]);
        for text in ["", "👍", "שלום", "\u{0}\u{1}"] {
            assert!(written(&tokens, Cell::Text(text)).iter().all(|token| *token < 9.0));
        }
    }

    #[cfg(feature = "tokenizers")]
    #[test]
    fn byte_pairs_are_read() {
        let json = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
            "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true },
            "post_processor": null, "decoder": null,
            "model": { "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                "vocab": { "a": 0, "b": 1, "Ġ": 2, "ab": 3, "Ġab": 4 }, "merges": [["a", "b"], ["Ġ", "ab"]] }
        });
        let file = TokenizerFile::try_from(json).unwrap();
        let tokens = Tokens::fit(ROWS.into_iter(), Some(file), Some(4)).unwrap();
        assert_eq!(written(&tokens, Cell::Text("ab ab a")), [4.0, 5.0, 3.0, 1.0]);
    }

    #[cfg(feature = "tokenizers")]
    #[test]
    fn files_that_are_no_tokenizers_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        for (text, part) in [("{", "no JSON"), ("{}", "none that is read"), ("[1]", "none that is read")] {
            std::fs::write(&path, text).unwrap();
            let error = TokenizerFile::open(path.to_str().unwrap()).unwrap_err();
            assert!(error.message.contains(part), "{error}");
        }
        let error = TokenizerFile::open("nowhere/tokenizer.json").unwrap_err();
        assert!(error.remedy.unwrap().to_string().contains("--tokenizer"));
    }
}
