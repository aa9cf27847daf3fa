//! What the library says in flags of the command line, said in keywords of Python.

use thalweg::Error;
use thalweg::config::{Arity, Kind, OptionSpec, option_specs};
use thalweg::event::{Decision, Event, Override, Part};

/// Text of the library that names a way of the command line, and the way there is in Python.
const WAYS: [(&str, &str); 2] =
    [("thalweg config shows every key", "thalweg.options() lists them"), ("[[network.layer]]", "layer=[{…}]")];

/// Commands that are functions in Python.
const FUNCTIONS: [&str; 2] = ["thalweg train ", "thalweg tune "];

/// How sure it is that the word after a flag is its value.
#[derive(Clone, Copy, PartialEq)]
enum Text {
    /// It is, wherever the flag takes one.
    Flags,
    /// It may be the next word of a sentence.
    Prose,
}

/// An error, in words of Python.
pub(crate) fn of_error(error: &Error) -> Error {
    Error {
        kind: error.kind,
        place: error.place.as_deref().map(of_place),
        message: of_prose(&error.message),
        remedy: error.remedy.as_deref().map(of_prose),
    }
}

/// What is told of a run, in words of Python.
pub(crate) fn of_event(event: Event) -> Event {
    match event {
        Event::Decision(decision) => Event::Decision(of_decision(decision)),
        Event::Warning { message } => Event::Warning { message: of_prose(&message) },
        other => other,
    }
}

/// A decision, in words of Python.
pub(crate) fn of_decision(decision: Decision) -> Decision {
    let Decision { what, why, instead } = decision;
    let instead: String = instead.parts().iter().map(of_part).collect();
    Decision { what: of_prose(&what), why: of_prose(&why), instead: Override::words(instead) }
}

/// A part of an override: `learning_rate=0.001`; logs of earlier versions hold flags as words.
fn of_part(part: &Part) -> String {
    let Part::Option { option, value } = part else { return reworded(&part.to_string(), Text::Flags) };
    let Some(spec) = option_specs().iter().find(|spec| spec.name == *option) else { return part.to_string() };
    match value {
        Some(value) => format!("{option}={}", written(spec, value)),
        None if spec.kind == Kind::Boolean => format!("{option}=True"),
        None => format!("{option}="),
    }
}

/// A sentence, in words of Python.
pub(crate) fn of_prose(text: &str) -> String {
    reworded(text, Text::Prose)
}

/// Options that are a place have names alone: `--search units` is `search["units"]`.
fn of_place(place: &str) -> String {
    if !place.starts_with("--") {
        return place.into();
    }
    let names = place.split(", ").map(|flag| match flag.trim_start_matches("--").split_once(' ') {
        Some((name, key)) => format!("{}[{key:?}]", name.replace('-', "_")),
        None => flag.trim_start_matches("--").replace('-', "_"),
    });
    names.collect::<Vec<_>>().join(", ")
}

fn reworded(text: &str, kind: Text) -> String {
    let text = WAYS.iter().fold(text.to_string(), |text, (there, here)| text.replace(there, here));
    let (mut said, mut rest) = (String::with_capacity(text.len()), text.as_str());
    while let Some(at) = rest.find("--") {
        let (before, flag) = (&rest[..at], &rest[at + 2..]);
        said.push_str(before);
        // Neither a dash within a word nor what is quoted is a flag.
        let begins = said.is_empty() || said.ends_with([' ', '(', '\n']);
        let known = if begins { flag_at(flag) } else { None };
        let Some((option, after)) = known else {
            let dashes = rest[at..].len() - flag.trim_start_matches('-').len();
            said.push_str(&rest[at..at + dashes]);
            rest = &rest[at + dashes..];
            continue;
        };
        let call = FUNCTIONS.iter().find(|command| said.ends_with(*command));
        if let Some(command) = call {
            said.truncate(said.len() - command.len());
            said.push_str(&command.trim_end().replace(' ', "."));
            said.push_str("(…, ");
        }
        let alone = said.is_empty() || said.ends_with("fix: ");
        rest = match value_at(option, after, kind, alone) {
            Some((value, after)) => {
                said.push_str(&format!("{}={}", option.name, written(option, value)));
                after
            }
            None => {
                let switched = option.kind == Kind::Boolean && option.arity == Arity::One && !is_left_out(&said, after);
                // The sign tells an option from a word: "train with missing=".
                said.push_str(&option.name);
                said.push_str(if switched { "=True" } else { "=" });
                after
            }
        };
        said.push_str(if call.is_some() { ")" } else { "" });
    }
    said + rest
}

/// The option whose flag a text begins with, and what follows it.
fn flag_at(text: &str) -> Option<(&'static OptionSpec, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(text.len());
    let name = text[..end].trim_end_matches('-');
    option_specs().iter().find(|option| option.flag() == name).map(|option| (option, &text[name.len()..]))
}

/// The value that stands after a flag, and what follows it; `alone` says that nothing stands before the flag.
fn value_at<'a>(option: &OptionSpec, text: &'a str, kind: Text, alone: bool) -> Option<(&'a str, &'a str)> {
    let (given, word) = match text.strip_prefix('=') {
        Some(word) => (true, word),
        None => (false, text.strip_prefix(' ')?),
    };
    let whole = &word[..word.find(char::is_whitespace).unwrap_or(word.len())];
    let value = match option.kind {
        Kind::Character => whole,
        _ => whole.trim_end_matches([',', '.', ':', ';', ')']),
    };
    let last = word.len() == whole.len();
    let taken = !value.is_empty() && (given || takes(option, value, kind, alone && last));
    taken.then(|| (value, &word[value.len()..]))
}

/// Whether a word is a value of an option; `sure` says that flag and word are all there is.
fn takes(option: &OptionSpec, word: &str, kind: Text, sure: bool) -> bool {
    let each = |fits: &dyn Fn(&str) -> bool| match option.arity {
        Arity::One => fits(word),
        Arity::List => word.split(',').all(fits),
        Arity::Table => option.words.iter().any(|one| one == word) || word.contains('='),
    };
    // NAME, MARKER, FILE.
    if option.kind != Kind::Boolean && word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
        return true;
    }
    match option.kind {
        Kind::Boolean => word == "true" || word == "false",
        Kind::Integer | Kind::Number => each(&|part| part.parse::<f64>().is_ok()),
        Kind::Any => false,
        _ if !option.choices.is_empty() => each(&|part| option.choices.iter().any(|choice| choice == part)),
        Kind::Text | Kind::Character if option.arity == Arity::Table => each(&|_| true),
        Kind::Text | Kind::Character => {
            let telling = |c: char| !(c.is_alphabetic() || c == '\'' || c == '-');
            kind == Text::Flags && !["or", "in"].contains(&word) || sure || word.contains(telling)
        }
    }
}

/// A value as Python writes it.
fn written(option: &OptionSpec, value: &str) -> String {
    let number = matches!(option.kind, Kind::Integer | Kind::Number | Kind::Any);
    let one = |part: &str| match part {
        "true" => "True".into(),
        "false" => "False".into(),
        part if number || part == "…" => part.into(),
        part => format!("{part:?}"),
    };
    let parts = || value.split(',').filter(|part| !part.is_empty());
    match option.arity {
        Arity::List if value.contains(',') && value != "," => {
            format!("[{}]", parts().map(one).collect::<Vec<_>>().join(", "))
        }
        Arity::Table if value.contains('=') => {
            let pairs = parts().map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, "…"));
                format!("{name:?}: {}", one(value))
            });
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        _ => one(value),
    }
}

/// Whether a sentence says to leave the option out, before or after it.
fn is_left_out(before: &str, after: &str) -> bool {
    let before = before.trim_end();
    ["leave", "leave out", "without", "no"].iter().any(|words| before.ends_with(words)) || after.starts_with(" out")
}
