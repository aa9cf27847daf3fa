//! Names in natural order, in which 2 precedes 10.

/// The parts of a name by which names are in natural order: texts, each with the digits after it.
///
/// ```
/// use thalweg::io::names::natural;
///
/// assert!(natural("frame2.png") < natural("frame10.png"));
/// ```
pub fn natural(name: &str) -> Vec<(String, usize, String)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let (text, after) = rest.split_at(rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len()));
        let (digits, after) = after.split_at(after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len()));
        let number = digits.trim_start_matches('0');
        // Of numbers without leading zeros the longer one is larger.
        parts.push((text.into(), number.len(), number.into()));
        rest = after;
    }
    parts
}
