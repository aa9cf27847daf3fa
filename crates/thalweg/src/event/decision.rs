//! What was decided for the user, and the options that decide otherwise.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A choice made for the user, and what overrides it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Logged", into = "Logged")]
pub struct Decision {
    /// What was decided, as a sentence: `rows split 60/20/20 by row hash`.
    pub what: String,
    /// The reason, in few words: `1,797 rows are few`.
    pub why: String,
    /// The override, as data: each front writes its options as its users do.
    pub instead: Override,
}

/// The override of a decision: options with their values, among words.
///
/// It is displayed as flags of the command line: `--layers 128,64 (a dense network)`. Two are equal that read the same,
/// as logs of earlier versions hold the text alone.
#[derive(Debug, Clone, Default)]
pub struct Override(Vec<Part>);

/// A part of an override.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Part {
    /// An option, by its key within its section.
    Option {
        /// The key: `learning_rate`.
        option: String,
        /// The value as in a flag; none where it is for the user to find, or the option is switched on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// Words between options, or advice without any.
    Words(String),
}

impl Decision {
    /// The override in flags of the command line: `--split 0.8,0.1,0.1`.
    pub fn flag(&self) -> String {
        self.instead.to_string()
    }
}

impl Override {
    /// An option and its value.
    pub fn option(option: &str, value: &str) -> Override {
        Override(vec![Part::Option { option: option.into(), value: Some(value.into()) }])
    }

    /// Words as they are, such as names that users chose.
    pub fn words(words: impl Into<String>) -> Override {
        let words = words.into();
        Override(if words.is_empty() { Vec::new() } else { vec![Part::Words(words)] })
    }

    /// Its parts, in the order they are read.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }
}

/// Reads options in brackets: `[epochs=100]`, `[header], or [names=a,b,…]`.
impl From<&str> for Override {
    fn from(text: &str) -> Override {
        let (mut parts, mut words, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find('[') {
            let inner = rest[at + 1..].split_once(']').map(|(inner, after)| (option_in(inner), after));
            let Some((Some(option), after)) = inner else {
                words.push_str(&rest[..=at]);
                rest = &rest[at + 1..];
                continue;
            };
            words.push_str(&rest[..at]);
            parts.extend(Override::words(std::mem::take(&mut words)).0);
            parts.push(option);
            rest = after;
        }
        parts.extend(Override::words(words + rest).0);
        Override(parts)
    }
}

/// The option that stands between brackets: `epochs=100`.
fn option_in(text: &str) -> Option<Part> {
    let (option, value) = text.split_once('=').map_or((text, None), |(option, value)| (option, Some(value)));
    let named = !option.is_empty() && option.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    named.then(|| Part::Option { option: option.into(), value: value.map(String::from) })
}

impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| part.fmt(f))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (option, value) = match self {
            Part::Words(words) => return f.write_str(words),
            Part::Option { option, value } => (option, value),
        };
        write!(f, "--{}", option.replace('_', "-"))?;
        match value.as_deref() {
            None => Ok(()),
            // A switch has no value of its own, so that one needs the sign.
            Some(value @ ("true" | "false")) => write!(f, "={value}"),
            Some(value) => write!(f, " {}", quoted(value)),
        }
    }
}

/// A value as a shell must be given it to pass it on.
fn quoted(value: &str) -> Cow<'_, str> {
    match value {
        "" => "\"\"".into(),
        blank if blank.trim().is_empty() => format!("'{blank}'").into(),
        value => value.into(),
    }
}

impl PartialEq for Override {
    fn eq(&self, other: &Override) -> bool {
        self.0 == other.0 || self.to_string() == other.to_string()
    }
}

/// A decision as a line of the log: the flag for people, the options for programs.
#[derive(Serialize, Deserialize)]
struct Logged {
    what: String,
    why: String,
    flag: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    instead: Vec<Part>,
}

impl From<Logged> for Decision {
    fn from(Logged { what, why, flag, instead }: Logged) -> Decision {
        let instead = if instead.is_empty() { Override::words(flag) } else { Override(instead) };
        Decision { what, why, instead }
    }
}

impl From<Decision> for Logged {
    fn from(decision: Decision) -> Logged {
        let flag = decision.flag();
        let Decision { what, why, instead: Override(parts) } = decision;
        let told = parts.iter().any(|part| matches!(part, Part::Option { .. }));
        Logged { what, why, flag, instead: if told { parts } else { Vec::new() } }
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
            ("[from_disk=false]", "--from-disk=false"),
            ("[delimiter= ]", "--delimiter ' '"),
            ("[comment=]", "--comment \"\""),
            ("[One] of [two", "[One] of [two"),
            ("", ""),
        ] {
            assert_eq!(Override::from(text).to_string(), flags);
        }
        assert_eq!(Override::option("time", "[day]").to_string(), "--time [day]");
        assert_eq!(Override::words("[epochs=1]").to_string(), "[epochs=1]");
    }

    #[test]
    fn a_log_holds_the_flag_and_its_options() {
        let decision = |instead: Override| Decision { what: "a".into(), why: "b".into(), instead };
        for (instead, written) in [
            (
                "[header], or [names=a,b]".into(),
                concat!(
                    r#"{"what":"a","why":"b","flag":"--header, or --names a,b","#,
                    r#""instead":[{"option":"header"},", or ",{"option":"names","value":"a,b"}]}"#
                ),
            ),
            (Override::words("rename files"), r#"{"what":"a","why":"b","flag":"rename files"}"#),
            (Override::default(), r#"{"what":"a","why":"b","flag":""}"#),
        ] {
            let decision = decision(instead);
            assert_eq!(serde_json::to_string(&decision).unwrap(), written);
            let read: Decision = serde_json::from_str(written).unwrap();
            assert_eq!(read.instead.parts(), decision.instead.parts());
        }
        let earlier: Decision = serde_json::from_str(r#"{"what":"a","why":"b","flag":"--epochs 100"}"#).unwrap();
        assert_eq!(earlier, decision("[epochs=100]".into()));
    }
}
