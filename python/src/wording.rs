//! What the library advises in options, written in keywords of Python.

use thalweg::config::{Arity, OptionSpec, ValueKind, option_specs};
use thalweg::event::{Decision, Event, Warning};
use thalweg::{Advice, AdvicePart, Error};

/// What the library says of the command line alone, and the way there is in Python.
const WAYS: [(&str, &str); 2] =
    [("thalweg config shows every key", "thalweg.options() lists them"), ("[[network.layer]]", "layer=[{…}]")];

/// An error, in words of Python.
pub(crate) fn of_error(error: &Error) -> Error {
    Error {
        kind: error.kind,
        place: error.place.as_deref().map(of_place),
        message: of_words(&error.message),
        remedy: error.remedy.as_ref().map(of_advice),
    }
}

/// What is told of a run, in words of Python.
pub(crate) fn of_event(event: Event) -> Event {
    match event {
        Event::Decision(decision) => Event::Decision(of_decision(decision)),
        Event::Warning(warning) => Event::Warning(of_warning(warning).into()),
        other => other,
    }
}

/// A warning with its remedy, in words of Python.
pub(crate) fn of_warning(warning: Warning) -> String {
    Warning { remedy: of_advice(&warning.remedy), ..warning }.to_string()
}

/// A decision, in words of Python.
pub(crate) fn of_decision(decision: Decision) -> Decision {
    Decision { instead: of_advice(&decision.instead), ..decision }
}

/// Advice with its options as keywords: `learning_rate=0.001`.
pub(crate) fn of_advice(advice: &Advice) -> Advice {
    let keyword = |part: &AdvicePart| match part {
        AdvicePart::Words(words) => of_words(words),
        AdvicePart::Option { option, value: None } => format!("{option}="),
        AdvicePart::Option { option, value: Some(value) } => {
            let spec = option_specs().iter().find(|spec| spec.name == *option);
            format!("{option}={}", spec.map_or_else(|| format!("{value:?}"), |spec| written(spec, value)))
        }
    };
    Advice::words(advice.parts().iter().map(keyword).collect::<String>())
}

fn of_words(text: &str) -> String {
    WAYS.iter().fold(text.to_string(), |text, (there, here)| text.replace(there, here))
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

/// A value as Python writes it.
fn written(option: &OptionSpec, value: &str) -> String {
    let number = matches!(option.kind, ValueKind::Integer | ValueKind::Number | ValueKind::Any);
    let one = |part: &str| match part {
        "true" => "True".into(),
        "false" => "False".into(),
        part if number || part == "…" => part.into(),
        part if option.kind == ValueKind::NumberOrText && part.parse::<f64>().is_ok() => part.into(),
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
