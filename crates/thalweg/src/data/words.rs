//! What is in a text: its words, pairs of words, and parts of words.
//!
//! Texts are normalised (NFKC) and in lower case; words are those of Unicode's text segmentation (UAX #29), so that an
//! ideograph is a word of its own, and so is an emoji. Parts of words are written with `*` where the word goes on: `pre*`,
//! `*eam*`, `*ing`; no word has a `*` in it.

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// The characters of a part of a word, its word's beginning and end each counting as one.
const PARTS: [usize; 2] = [3, 4];
/// Of longer words, such as a base64 block or a sentence of a script without spaces, only the parts count.
const LONGEST_WORD: usize = 64;

/// What a text is taken apart into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TermKind {
    /// A word, or two that follow each other.
    Word,
    /// A part of a word.
    Part,
}

/// The words of a normalised text, without those that are too long to be words.
pub(crate) fn usual_words(text: &str) -> impl Iterator<Item = &str> {
    words(text).filter(|word| word.len() <= LONGEST_WORD)
}

/// A text as it is compared.
pub(crate) fn normalised(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).collect()
}

/// The words of a normalised text.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_word_bounds().filter(|word| word.chars().any(is_of_a_word))
}

/// Letters, digits, and symbols such as emoji; no spaces, nor ordinary punctuation.
fn is_of_a_word(c: char) -> bool {
    let punctuation = matches!(c, '\u{80}'..='\u{bf}' | '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}');
    c.is_alphanumeric() || !(c.is_ascii() || c.is_whitespace() || punctuation)
}

/// Calls with each word and pair of words of a text and, if asked for, each part of a word, as often as it comes.
pub(crate) fn for_each_piece(text: &str, parts: bool, mut call: impl FnMut(&str, TermKind)) {
    let text = normalised(text);
    let (mut before, mut piece) = ("", String::new());
    for word in words(&text) {
        if word.len() <= LONGEST_WORD {
            call(word, TermKind::Word);
            if !before.is_empty() {
                piece.clear();
                piece.extend([before, " ", word]);
                call(&piece, TermKind::Word);
            }
            before = word;
        } else {
            before = "";
        }
        if parts {
            for_each_part(word, &mut piece, &mut call);
        }
    }
}

fn for_each_part(word: &str, piece: &mut String, call: &mut impl FnMut(&str, TermKind)) {
    // Where each character begins, and where the last one ends.
    let ends: Vec<usize> = word.char_indices().map(|(at, _)| at).chain([word.len()]).collect();
    let characters = ends.len() - 1;
    for length in PARTS {
        // The beginning is at place 0, the characters from 1 on, the end after them.
        for from in 0..(characters + 3).saturating_sub(length) {
            let to = from + length;
            let (inner, begins, finishes) =
                (from.max(1) - 1..to.min(characters + 1) - 1, from == 0, to == characters + 2);
            if begins && finishes {
                // The word itself.
                continue;
            }
            piece.clear();
            piece.push_str(if begins { "" } else { "*" });
            piece.push_str(&word[ends[inner.start]..ends[inner.end]]);
            piece.push_str(if finishes { "" } else { "*" });
            call(piece, TermKind::Part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str, parts: bool) -> Vec<String> {
        let mut all = Vec::new();
        for_each_piece(text, parts, |piece, _| all.push(piece.to_string()));
        all
    }

    #[test]
    fn words_are_those_of_unicode() {
        assert_eq!(
            pieces("Don't panic, 3.5 times!", false),
            ["don't", "panic", "don't panic", "3.5", "panic 3.5", "times", "3.5 times"]
        );
        // Composed and decomposed, wide and narrow, upper and lower case are the same.
        assert_eq!(pieces("CAFE\u{301} ｃａｆé", false), ["café", "café", "café café"]);
        assert_eq!(pieces("好书 👍", false), ["好", "书", "好 书", "👍", "书 👍"]);
        assert_eq!(pieces("שלום עולם", false).len(), 3);
        assert!(pieces(" \t — … ?! \u{0}", true).is_empty());
        assert!(pieces("", true).is_empty());
    }

    #[test]
    fn parts_say_where_their_word_goes_on() {
        assert_eq!(pieces("a", true), ["a"]);
        assert_eq!(pieces("go", true), ["go", "go*", "*go"]);
        assert_eq!(pieces("good", true), ["good", "go*", "*goo*", "*ood*", "*od", "goo*", "*good*", "*ood"]);
    }

    #[test]
    fn a_word_without_end_has_parts_alone() {
        let long = "a".repeat(50_000);
        assert!(pieces(&long, false).is_empty());
        assert!(pieces(&long, true).iter().all(|part| part.contains('*')));
    }
}
