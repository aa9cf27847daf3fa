//! What to do about an error, a warning or a decision: options as data, among words.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Advice for the user: options with their values, among words.
///
/// It is made of text with options in brackets, `lower [learning_rate], or set [clip_norm=1]`, and displayed as flags of
/// the command line: `lower --learning-rate, or set --clip-norm 1`; Python writes keywords. Text that is not known when
/// the program is written stays words, whatever it holds: see [`Advice::filled`]. Two are equal that read the same, as
/// logs of earlier versions hold the text alone.
///
/// ```
/// use thalweg::Advice;
///
/// let advice = Advice::filled("lower [learning_rate] (now {}), or set [clip_norm={}]", &[&0.1, &1]);
/// assert_eq!(advice.to_string(), "lower --learning-rate (now 0.1), or set --clip-norm 1");
/// ```
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Advice(Vec<AdvicePart>);

/// A part of an advice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AdvicePart {
    /// An option, by its key within its section.
    Option {
        /// The key: `learning_rate`.
        option: String,
        /// The value as in a flag; none where it is for the user to find.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// Words between options, or advice without any.
    Words(String),
}

impl Advice {
    /// An option and its value.
    pub fn option(option: &str, value: &str) -> Advice {
        Advice(vec![AdvicePart::Option { option: option.into(), value: Some(value.into()) }])
    }

    /// An option whose value is for the user to find.
    pub fn of(option: &str) -> Advice {
        Advice(vec![AdvicePart::Option { option: option.into(), value: None }])
    }

    /// Words as they are, such as names that users chose.
    pub fn words(words: impl Into<String>) -> Advice {
        let words = words.into();
        Advice(if words.is_empty() { Vec::new() } else { vec![AdvicePart::Words(words)] })
    }

    /// A template, each `{}` replaced by a value: brackets within values are no options.
    pub fn filled(template: &str, values: &[&dyn fmt::Display]) -> Advice {
        let mut values = values.iter();
        let mut fill = |text: &mut String| {
            let mut filled = String::with_capacity(text.len());
            for (index, piece) in text.split("{}").enumerate() {
                if index > 0 {
                    filled.push_str(&values.next().map_or_else(|| "{}".into(), ToString::to_string));
                }
                filled.push_str(piece);
            }
            *text = filled;
        };
        let mut advice = Advice::from(template);
        for part in &mut advice.0 {
            match part {
                AdvicePart::Words(words) => fill(words),
                AdvicePart::Option { value, .. } => value.iter_mut().for_each(&mut fill),
            }
        }
        advice
    }

    /// Its parts, in the order they are read.
    pub fn parts(&self) -> &[AdvicePart] {
        &self.0
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Followed by another.
    pub fn and(mut self, other: impl Into<Advice>) -> Advice {
        self.0.extend(other.into().0);
        self
    }

    /// The line below an error or a warning; nothing where there is nothing to do.
    pub(crate) fn line(&self) -> String {
        if self.is_empty() { String::new() } else { format!("\n  fix: {self}") }
    }

    /// Words of at most `most` bytes each; longer ones lose their middle.
    pub(crate) fn shortened(mut self, most: usize) -> Advice {
        for part in &mut self.0 {
            if let AdvicePart::Words(words) = part {
                *words = super::brief(words, most).into_owned();
            }
        }
        self
    }
}

/// An [`Advice`] of a template with options in brackets, each `{}` of it replaced by a value.
macro_rules! advice {
    ($template:literal $(, $value:expr)* $(,)?) => {
        $crate::error::Advice::filled($template, &[$(&$value),*])
    };
}
pub(crate) use advice;

/// Reads options in brackets: `[epochs=100]`, `[header], or [names=a,b,…]`.
impl From<&str> for Advice {
    fn from(text: &str) -> Advice {
        let (mut parts, mut words, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find('[') {
            let inner = rest[at + 1..].split_once(']').map(|(inner, after)| (option_in(inner), after));
            let Some((Some(option), after)) = inner else {
                words.push_str(&rest[..=at]);
                rest = &rest[at + 1..];
                continue;
            };
            words.push_str(&rest[..at]);
            parts.extend(Advice::words(std::mem::take(&mut words)).0);
            parts.push(option);
            rest = after;
        }
        parts.extend(Advice::words(words + rest).0);
        Advice(parts)
    }
}

/// Words alone, for they may hold what a user wrote.
impl From<String> for Advice {
    fn from(words: String) -> Advice {
        Advice::words(words)
    }
}

/// The option that stands between brackets: `epochs=100`.
fn option_in(text: &str) -> Option<AdvicePart> {
    let (option, value) = text.split_once('=').map_or((text, None), |(option, value)| (option, Some(value)));
    let named = option.starts_with(|c: char| c.is_ascii_lowercase())
        && option.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    named.then(|| AdvicePart::Option { option: option.into(), value: value.map(String::from) })
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| part.fmt(f))
    }
}

impl fmt::Display for AdvicePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (option, value) = match self {
            AdvicePart::Words(words) => return f.write_str(words),
            AdvicePart::Option { option, value } => (option, value),
        };
        write!(f, "--{}", option.replace('_', "-"))?;
        match value.as_deref() {
            None | Some("true") => Ok(()),
            // A switch has no value of its own, so that one needs the sign.
            Some("false") => f.write_str("=false"),
            Some(value) => write!(f, " {}", quoted(value)),
        }
    }
}

/// A value as a shell must be given it to pass it on.
fn quoted(value: &str) -> Cow<'_, str> {
    let special = |c: char| c.is_whitespace() || "<>|&;()$`\"'*?\\".contains(c);
    match value {
        "" => "\"\"".into(),
        value if value.contains(special) => format!("'{}'", value.replace('\'', "'\\''")).into(),
        value => value.into(),
    }
}

impl PartialEq for Advice {
    fn eq(&self, other: &Advice) -> bool {
        self.0 == other.0 || self.to_string() == other.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_displayed_as_flags() {
        for (text, flags) in [
            ("[learning_rate=0.001]", "--learning-rate 0.001"),
            ("[header], or [names=a,b,…]", "--header, or --names a,b,…"),
            (
                "[layers=128,64] (a dense network), or [[network.layer]]",
                "--layers 128,64 (a dense network), or [[network.layer]]",
            ),
            ("[search=learning_rate=log:1e-4..1e-1]", "--search learning_rate=log:1e-4..1e-1"),
            ("[from_disk=false], or [header=true]", "--from-disk=false, or --header"),
            ("[delimiter= ]", "--delimiter ' '"),
            ("[comment=]", "--comment \"\""),
            ("[One] of [two, [1] of [2", "[One] of [two, [1] of [2"),
            ("", ""),
        ] {
            assert_eq!(Advice::from(text).to_string(), flags);
        }
        assert_eq!(Advice::option("time", "[day]").to_string(), "--time [day]");
        assert_eq!(Advice::words("[epochs=1]").to_string(), "[epochs=1]");
    }

    #[test]
    fn what_users_wrote_stays_words() {
        let advice = Advice::filled("correct {}, or train with [kinds={}=categorical]", &[&"[epochs=1] {}", &"a {}"]);
        assert_eq!(advice.to_string(), "correct [epochs=1] {}, or train with --kinds 'a {}=categorical'");
        let options = advice.parts().iter().filter(|part| matches!(part, AdvicePart::Option { .. }));
        assert_eq!(options.count(), 1);
        assert_eq!(Advice::from("[epochs=1]".to_string()), Advice::words("[epochs=1]"));
    }
}
