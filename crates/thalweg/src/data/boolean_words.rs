//! Words that mean no and yes.

/// Words that mean no and yes, in lower case.
pub(crate) const WORDS: [(&str, &str); 6] =
    [("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"), ("off", "on"), ("0", "1")];

/// The cell as 0 or 1, if it is a word for no or yes.
pub(crate) fn read(cell: &str) -> Option<bool> {
    WORDS.iter().find_map(|(no, yes)| {
        let is = |word: &str| word.eq_ignore_ascii_case(cell);
        is(no).then_some(false).or(is(yes).then_some(true))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_no_and_yes_are_read_in_any_case() {
        assert_eq!(read("TRUE"), Some(true));
        assert_eq!(read("No"), Some(false));
        assert_eq!(read("maybe"), None);
    }
}
