//! The value of an option: parsed from the text of a flag, and checked against what the option takes.

use toml::{Table, Value};

use super::option_specs::{Arity, OptionSpec, ValueKind};
use crate::error::did_you_mean;

/// Parses a value from the command line: `0.1`, `128,64`, `yes=2,no=1`, or TOML in brackets. None if the text cannot be
/// parsed.
pub(super) fn parse(option: &OptionSpec, text: &str) -> Option<Value> {
    // What commas cannot express: names that contain commas, layers one by one.
    if option.arity != Arity::One && text.trim_start().starts_with(['[', '{']) {
        return text.parse().ok();
    }
    let parts = || parts(text).into_iter().filter(|part| !part.is_empty());
    match option.arity {
        Arity::One => parse_one(option.kind, text),
        Arity::List if text == "none" => Some(Value::Array(Vec::new())),
        Arity::List => parts().map(|part| parse_one(option.kind, &part)).collect::<Option<_>>().map(Value::Array),
        Arity::Table if option.words.iter().any(|word| word == text) => Some(Value::String(text.into())),
        Arity::Table if option.kind == ValueKind::Text && option.choices.is_empty() => texts(text).map(Value::Table),
        Arity::Table => {
            let pair = |part: String| {
                let (name, value) = part.rsplit_once('=')?;
                Some((name.trim().to_string(), parse_one(option.kind, value.trim())?))
            };
            parts().map(pair).collect::<Option<Table>>().map(Value::Table)
        }
    }
}

/// Splits at commas; a part with quotes around it, or around its name, may contain commas itself.
fn parts(text: &str) -> Vec<String> {
    let (mut parts, mut quoted) = (vec![String::new()], false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => parts.push(String::new()),
            c => parts.last_mut().expect("there is one").push(c),
        }
    }
    if quoted {
        // A quote that is never closed is an ordinary character.
        return text.split(',').map(|part| part.trim().into()).collect();
    }
    parts.into_iter().map(|part| part.trim().into()).collect()
}

/// Texts by name, which may contain commas and equal signs: `activation=relu,tanh,layers=int:1..3`.
fn texts(text: &str) -> Option<Table> {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for part in text.split(',') {
        match (part.split_once('='), pairs.last_mut()) {
            (Some((name, value)), _) if !name.trim().contains(' ') => pairs.push((name.trim(), value.trim().into())),
            (_, Some((_, value))) => *value += &format!(",{part}"),
            (_, None) => return None,
        }
    }
    Some(pairs.into_iter().map(|(name, value)| (name.into(), Value::String(value))).collect())
}

fn parse_one(kind: ValueKind, text: &str) -> Option<Value> {
    match kind {
        ValueKind::Text => Some(Value::String(text.into())),
        ValueKind::Character if text == "tab" || text == "\\t" => Some(Value::String("\t".into())),
        ValueKind::Character => Some(Value::String(text.into())),
        ValueKind::Integer => text.replace('_', "").parse().ok().map(Value::Integer),
        ValueKind::Number => text.parse().ok().map(Value::Float),
        ValueKind::NumberOrText => Some(text.parse().map_or_else(|_| Value::String(text.into()), Value::Float)),
        ValueKind::Boolean => match text {
            "true" | "yes" => Some(Value::Boolean(true)),
            "false" | "no" => Some(Value::Boolean(false)),
            _ => None,
        },
        ValueKind::Any => text.parse().ok(),
    }
}

/// Choices under their names in earlier versions, which the configuration still reads.
const FORMER_NAMES: [(&str, &str); 1] = [("sampler", "zoom")];

/// Checks that a value is what the option takes.
///
/// # Errors
/// If it is not: what was expected, and the name that was probably meant.
pub(super) fn check(option: &OptionSpec, value: &Value) -> Result<(), String> {
    let wrong = |value: Option<&Value>| {
        let typed = value.and_then(Value::as_str).unwrap_or_default();
        let known = option.choices.iter().chain(&option.words).map(String::as_str);
        Err(format!("expected {}{}", option.expected(), did_you_mean(typed, known)))
    };
    let values: Vec<&Value> = match (option.arity, value) {
        (Arity::One, value) => vec![value],
        (Arity::List, Value::Array(values)) => values.iter().collect(),
        (Arity::Table, Value::Table(table)) => table.values().collect(),
        (Arity::Table, Value::String(word)) if option.words.contains(word) => return Ok(()),
        _ => return wrong(Some(value)),
    };
    if option.length.is_some_and(|length| values.len() != length) {
        return wrong(None);
    }
    match values.into_iter().find(|value| !fits(option, value)) {
        Some(value) => wrong(Some(value)),
        None => Ok(()),
    }
}

fn fits(option: &OptionSpec, value: &Value) -> bool {
    match (option.kind, value) {
        (ValueKind::Text, Value::String(text)) => is_choice(option, text),
        (ValueKind::Character, Value::String(text)) => text.chars().count() == 1,
        (ValueKind::Integer, Value::Integer(x)) => option.range.contains(*x as f64),
        (ValueKind::Number | ValueKind::NumberOrText, Value::Integer(x)) => option.range.contains(*x as f64),
        (ValueKind::Number | ValueKind::NumberOrText, Value::Float(x)) => option.range.contains(*x),
        (ValueKind::NumberOrText, Value::String(_)) => true,
        (ValueKind::Boolean, Value::Boolean(_)) => true,
        (ValueKind::Any, _) => true,
        _ => false,
    }
}

/// Whether the text is an allowed choice: `leaky_relu(0.2)` is a `leaky_relu`.
fn is_choice(option: &OptionSpec, text: &str) -> bool {
    let word = text.strip_suffix(')').and_then(|text| text.split_once('(')).map_or(text, |(word, _)| word);
    option.choices.is_empty()
        || option.choices.iter().any(|choice| choice == word)
        || FORMER_NAMES.contains(&(&option.name, word))
}

/// A value as TOML on one line.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Table(table) => {
            let pair = |(key, value): (&String, &Value)| format!("{} = {}", Value::String(key.clone()), inline(value));
            format!("{{ {} }}", table.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(inline).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
