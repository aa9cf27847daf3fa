//! Tables as text, for people and their spreadsheets.

/// A CSV field, quoted if necessary. A string that a spreadsheet would run as a formula is prefixed with an apostrophe.
///
/// ```
/// use thalweg::io::csv::field;
///
/// assert_eq!(field("a,\"b\""), "\"a,\"\"b\"\"\"");
/// assert_eq!(field("=1+1"), "'=1+1");
/// assert_eq!(field("-3.5"), "-3.5");
/// assert_eq!(field("plain"), "plain");
/// ```
pub fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t']) && text.parse::<f64>().is_err();
    let text = if formula { format!("'{text}") } else { text.to_string() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// A line of fields, each quoted if necessary: a single one without text, too, for an empty line is no row.
///
/// ```
/// use thalweg::io::csv::line;
///
/// assert_eq!(line(["a", ""]), "a,\n");
/// assert_eq!(line([""]), "\"\"\n");
/// ```
pub fn line(fields: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let fields: Vec<String> = fields.into_iter().map(|text| field(text.as_ref())).collect();
    match &fields[..] {
        [only] if only.is_empty() => "\"\"\n".into(),
        _ => fields.join(",") + "\n",
    }
}
