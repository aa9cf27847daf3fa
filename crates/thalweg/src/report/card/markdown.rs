//! Markdown whose text from the data cannot become markup.

use crate::report::text::shorten;

/// Maximum characters of a name or a category.
const LONGEST: usize = 60;

/// Text in which no character is markup.
pub(super) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => safe.push(' '),
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => safe.extend(['\\', c]),
            c => safe.push(c),
        }
    }
    safe
}

/// A name as code; a bar within it ends no cell of a table.
pub(super) fn code(name: &str) -> String {
    let name: String = shorten(name, LONGEST).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if name.trim().is_empty() || name.contains('`') {
        // Code cannot hold what ends it.
        return format!("\"{}\"", plain(&name));
    }
    format!("`{}`", name.replace('|', "\\|"))
}

/// Names as code, separated by commas: the first ones, and how many more there are.
pub(super) fn codes<'a>(names: impl IntoIterator<Item = &'a str>, most: usize) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let shown: Vec<String> = names.iter().take(most).map(|name| code(name)).collect();
    match names.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A table.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|cell| (*cell).into()).collect();
    let rule: Vec<String> = vec!["---".into(); head.len()];
    let rows = rows.iter().map(|row| line(row));
    [line(&head), line(&rule)].into_iter().chain(rows).collect()
}

/// A list, one item a line.
pub(super) fn list(items: &[String]) -> String {
    items.iter().map(|item| format!("- {item}\n")).collect()
}

/// A block of code.
pub(super) fn block(language: &str, lines: &[String]) -> String {
    format!("```{language}\n{}\n```\n", lines.join("\n"))
}

/// A path as a shell takes it.
pub(super) fn shell(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-:+=".contains(c);
    if !path.is_empty() && path.chars().all(plain) { path.into() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        assert_eq!(plain("a|b <i>*x*</i>\n# `y`"), "a\\|b &lt;i>\\*x\\*&lt;/i> \\# \\`y\\`");
        assert_eq!(code("a|b_c"), "`a\\|b_c`");
        assert_eq!(code("a`b"), "\"a\\`b\"");
        assert_eq!(codes(["a", "b", "c"], 2), "`a`, `b` and 1 more");
    }

    #[test]
    fn paths_are_one_word_in_a_shell() {
        assert_eq!(shell("runs/digits-1"), "runs/digits-1");
        assert_eq!(shell("my run's"), r"'my run'\''s'");
    }
}
