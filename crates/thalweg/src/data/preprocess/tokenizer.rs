//! What takes texts apart into tokens: the words of the training rows, or a tokenizer of the user's.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::vocabulary::{DocumentFrequencies, Vocabulary};
use crate::data::words::{self, TermKind};
use crate::error::{Error, ErrorKind, Result};
use crate::io::atomic;

/// The words that a column knows at most, the most frequent, and the training rows that each must come in.
const MOST: usize = 32_768;
const FEWEST: usize = 2;

/// The token of words that are not known; 0 is padding.
const UNKNOWN: usize = 1;

/// Characters of a text that are read for each token of a tokenizer file: a text is cut anyway.
#[cfg(feature = "tokenizers")]
const CHARACTERS: usize = 32;

/// What takes texts apart into tokens, numbers from 1 on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tokenizer {
    /// The words of the training rows: the first is token 2, for 1 stands for all others.
    Words(Vocabulary),
    /// A tokenizer file: its first token is 1.
    File(TokenizerFile),
}

impl Tokenizer {
    /// The most frequent words of the training rows' texts.
    pub(super) fn of_words<'a>(cells: impl Iterator<Item = Option<impl Into<Cow<'a, str>>>>) -> Self {
        let counts = DocumentFrequencies::of(cells, |text, call| {
            words::usual_words(&words::normalised(text)).for_each(|word| call(word, TermKind::Word));
        });
        let words = counts.most_frequent(TermKind::Word, FEWEST, MOST).into_iter().map(|(word, _)| word);
        Tokenizer::Words(words.collect::<Vec<String>>().into())
    }

    /// The first tokens of a text, at most so many.
    ///
    /// # Errors
    /// If a tokenizer file does not take the text: what was expected.
    pub(super) fn tokens(&self, text: &str, most: usize) -> Result<Vec<usize>, String> {
        match self {
            Tokenizer::Words(vocabulary) => {
                let text = words::normalised(text);
                let token = |word| vocabulary.place(word).map_or(UNKNOWN, |place| place + UNKNOWN + 1);
                Ok(words::usual_words(&text).take(most).map(token).collect())
            }
            Tokenizer::File(file) => file.tokens(text, most),
        }
    }

    /// How many tokens there are, padding included.
    pub fn count(&self) -> usize {
        match self {
            Tokenizer::Words(vocabulary) => vocabulary.pieces().len() + UNKNOWN + 1,
            Tokenizer::File(file) => file.count(),
        }
    }

    /// What a token stands for, where that is a word or a part of one.
    pub fn piece(&self, token: usize) -> Option<Cow<'_, str>> {
        match self {
            Tokenizer::Words(vocabulary) => {
                let place = token.checked_sub(UNKNOWN + 1)?;
                vocabulary.pieces().get(place).map(|piece| Cow::Borrowed(piece.as_str()))
            }
            Tokenizer::File(file) => file.piece(token).map(Cow::Owned),
        }
    }
}

/// A `tokenizer.json` (byte-pair encoding, WordPiece and others), without the special tokens that it adds around texts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct TokenizerFile {
    json: Value,
    #[cfg(feature = "tokenizers")]
    tokenizer: Box<tokenizers::Tokenizer>,
    /// One more than the last token.
    count: usize,
}

impl PartialEq for TokenizerFile {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl From<TokenizerFile> for Value {
    fn from(file: TokenizerFile) -> Value {
        file.json
    }
}

impl TokenizerFile {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// If it cannot be read, is none, or this build reads none.
    pub fn open(path: &str) -> Result<TokenizerFile> {
        let bytes = atomic::read(Path::new(path)).map_err(|error| {
            Error::io(ErrorKind::Data, path, "read the tokenizer", &error).fix("name a tokenizer.json with [tokenizer]")
        })?;
        let json: Value = serde_json::from_slice(&bytes).map_err(|error| {
            Error::data(format!("the file is no JSON: {error}")).at(path).fix("name a tokenizer.json with [tokenizer]")
        })?;
        TokenizerFile::try_from(json).map_err(|message| Error::data(message).at(path).fix(FIX))
    }
}

#[cfg(feature = "tokenizers")]
const FIX: &str = "save it anew with the library tokenizers (`tokenizer.save(\"tokenizer.json\")`)";
#[cfg(not(feature = "tokenizers"))]
const FIX: &str = "build with --features tokenizers, or leave the file out: words are found without one";

#[cfg(feature = "tokenizers")]
impl TryFrom<Value> for TokenizerFile {
    type Error = String;

    fn try_from(json: Value) -> Result<Self, String> {
        let read = serde_json::from_value::<tokenizers::Tokenizer>(json.clone());
        let mut tokenizer = Box::new(read.map_err(|error| format!("the tokenizer is none that is read: {error}"))?);
        // A row's length is the pipeline's to decide.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| format!("the tokenizer cuts texts: {error}"))?;
        let last = tokenizer.get_vocab(true).into_values().max().ok_or("the tokenizer has no tokens")?;
        Ok(TokenizerFile { json, tokenizer, count: last as usize + 2 })
    }
}

#[cfg(not(feature = "tokenizers"))]
impl TryFrom<Value> for TokenizerFile {
    type Error = String;

    fn try_from(_: Value) -> Result<Self, String> {
        Err("this is a tokenizer file, which this build does not read".into())
    }
}

#[cfg(feature = "tokenizers")]
impl TokenizerFile {
    fn tokens(&self, text: &str, most: usize) -> Result<Vec<usize>, String> {
        let end = text.char_indices().nth(most.saturating_mul(CHARACTERS)).map_or(text.len(), |(end, _)| end);
        let found = self.tokenizer.encode_fast(&text[..end], false);
        let found = found.map_err(|error| format!("a text that the tokenizer takes ({error})"))?;
        Ok(found.get_ids().iter().take(most).map(|id| *id as usize + 1).collect())
    }

    fn count(&self) -> usize {
        self.count
    }

    fn piece(&self, token: usize) -> Option<String> {
        self.tokenizer.id_to_token(u32::try_from(token.checked_sub(1)?).ok()?)
    }
}

/// There is no such file where none is read.
#[cfg(not(feature = "tokenizers"))]
impl TokenizerFile {
    fn tokens(&self, _text: &str, _most: usize) -> Result<Vec<usize>, String> {
        Ok(Vec::new())
    }

    fn count(&self) -> usize {
        self.count
    }

    fn piece(&self, _token: usize) -> Option<String> {
        None
    }
}
