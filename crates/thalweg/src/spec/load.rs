//! From a file and flags to a configuration: defaults < file < flags.

use std::path::Path;

use toml::{Table, Value};

use super::Config;
use super::knobs::{Kind, Knob, knobs};
use crate::error::{Error, Result, did_you_mean, nearest};

impl Config {
    /// The configuration of a TOML file, if there is one, with settings on top: (`learning_rate` or
    /// `train.learning_rate`, text).
    ///
    /// # Errors
    /// If the file cannot be read, a key is unknown, or a value is of the wrong kind or out of its range.
    pub fn load(file: Option<&Path>, settings: &[(String, String)]) -> Result<Config> {
        let knobs = knobs();
        let mut table = Table::new();
        if let Some(path) = file {
            let place = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|error| {
                Error::io(crate::Kind::Config, path, "read the configuration", &error).fix("name a TOML file")
            })?;
            table = text.parse().map_err(|error: toml::de::Error| {
                let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
                Error::config(error.message()).at(format!("{place}, line {line}")).fix("correct the TOML")
            })?;
            check_file(&table, &text, &place, &knobs)?;
        }
        for (key, text) in settings {
            let knob = find(key, &knobs)?;
            let value = read(knob, text)?;
            check_value(knob, &value, &format!("--{}", knob.flag()))?;
            let section = table.entry(knob.section.clone()).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = section {
                section.insert(knob.name.clone(), value);
            }
        }
        Value::Table(table).try_into().map_err(|error: toml::de::Error| {
            let place = file.map_or("the flags".into(), |path| path.display().to_string());
            Error::config(error.message()).at(place).fix("thalweg config shows every key with its default")
        })
    }

    /// The fully rendered configuration: every key that has a value, with its meaning as a comment.
    pub fn to_toml(&self) -> String {
        let table = Table::try_from(self).expect("a configuration is plain data");
        let mut text = String::new();
        let mut section = String::new();
        for knob in knobs() {
            if knob.section != section {
                section.clone_from(&knob.section);
                text.push_str(&format!("{}[{section}]\n", if text.is_empty() { "" } else { "\n" }));
            }
            text.push_str(&format!("# {}\n", knob.doc));
            match table.get(&section).and_then(|table| table.get(&knob.name)) {
                Some(value) => text.push_str(&format!("{} = {}\n", knob.name, inline(value))),
                None => text.push_str(&format!("# {} = (decided by Thalweg)\n", knob.name)),
            }
        }
        text
    }
}

/// A value on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::Table(table) => {
            let pairs: Vec<String> = table
                .iter()
                .map(|(key, value)| format!("{} = {}", Value::String(key.clone()), inline(value)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(inline).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// The option of a key: `learning_rate`, `learning-rate` or `train.learning_rate`.
fn find<'a>(key: &str, knobs: &'a [Knob]) -> Result<&'a Knob> {
    let plain = key.replace('-', "_");
    knobs.iter().find(|knob| knob.name == plain || knob.key() == plain).ok_or_else(|| {
        let keys: Vec<String> = knobs.iter().map(Knob::key).chain(knobs.iter().map(|knob| knob.name.clone())).collect();
        let hint = did_you_mean(&plain, keys.iter().map(String::as_str));
        Error::config(format!("unknown key {key:?}{hint}")).fix("thalweg config lists every key")
    })
}

fn check_file(table: &Table, text: &str, place: &str, knobs: &[Knob]) -> Result<()> {
    for (section, value) in table {
        let sections = || knobs.iter().map(|knob| knob.section.as_str());
        let Some(keys) = value.as_table().filter(|_| sections().any(|known| known == section)) else {
            let line = line_of(text, section);
            let hint = match knobs.iter().find(|knob| knob.name == *section) {
                Some(knob) => format!(" ({section:?} belongs under [{}])", knob.section),
                None => did_you_mean(section, sections()),
            };
            return Err(Error::config(format!("unknown section {section:?}{hint}"))
                .at(format!("{place}, line {line}"))
                .fix("use [data], [split], [preprocess], [network], [train] or [output]"));
        };
        for (key, value) in keys {
            let at = format!("{place}, line {}, {section}.{key}", line_of(text, key));
            let Some(knob) = knobs.iter().find(|knob| knob.section == *section && knob.name == *key) else {
                return Err(unknown_key(key, section, knobs).at(at));
            };
            check_value(knob, value, &at)?;
        }
    }
    Ok(())
}

fn unknown_key(key: &str, section: &str, knobs: &[Knob]) -> Error {
    let hint = match knobs.iter().find(|knob| knob.name == key) {
        Some(knob) => format!(" (it belongs under [{}])", knob.section),
        None => match nearest(key, knobs.iter().map(|knob| knob.name.as_str())) {
            Some(name) => {
                let knob = knobs.iter().find(|knob| knob.name == name).expect("it was found");
                format!(" (did you mean {name:?} under [{}]?)", knob.section)
            }
            None => String::new(),
        },
    };
    Error::config(format!("unknown key {key:?} under [{section}]{hint}")).fix("thalweg config lists every key")
}

/// The line on which a key or section first stands.
fn line_of(text: &str, key: &str) -> usize {
    let stands = |line: &str| {
        let line = line.trim_start().trim_start_matches('[').trim_start_matches('"');
        line.strip_prefix(key).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    text.lines().position(stands).map_or(1, |line| line + 1)
}

/// A value of the option's kind from its text on the command line.
fn read(knob: &Knob, text: &str) -> Result<Value> {
    let wrong = || {
        Error::config(format!("found {text:?}, expected {}", knob.expected()))
            .at(format!("--{}", knob.flag()))
            .fix("thalweg train --help tells what it takes")
    };
    let list = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
    Ok(match knob.kind {
        Kind::Text => Value::String(text.into()),
        Kind::Boolean => Value::Boolean(text.parse().map_err(|_| wrong())?),
        Kind::Integer => Value::Integer(text.parse().map_err(|_| wrong())?),
        Kind::Number => Value::Float(text.parse().map_err(|_| wrong())?),
        Kind::List if text == "none" => Value::Array(Vec::new()),
        Kind::List => Value::Array(list().map(|part| scalar(knob, part)).collect()),
        Kind::Table if !text.contains('=') => Value::String(text.into()),
        Kind::Table => {
            let pair = |part: &str| {
                let (name, value) = part.split_once('=')?;
                Some((name.trim().to_string(), scalar(knob, value.trim())))
            };
            Value::Table(list().map(pair).collect::<Option<Table>>().ok_or_else(wrong)?)
        }
    })
}

/// One value of a list or table: a number where its like are numbers, else text.
fn scalar(knob: &Knob, text: &str) -> Value {
    let numbers = ["layers", "dropout", "split", "rates", "class_weights"].contains(&knob.name.as_str());
    match (text.parse(), text.parse()) {
        (Ok(integer), _) if knob.name == "layers" => Value::Integer(integer),
        (_, Ok(number)) if numbers => Value::Float(number),
        _ => Value::String(text.into()),
    }
}

/// Whether a value is of the option's kind and in its range.
fn check_value(knob: &Knob, value: &Value, place: &str) -> Result<()> {
    let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let fits = match knob.kind {
        Kind::Text => value.is_str(),
        Kind::Boolean => value.is_bool(),
        Kind::Integer => value.is_integer(),
        Kind::Number => value.is_float() || value.is_integer(),
        Kind::List => value.is_array(),
        Kind::Table => value.is_table() || value.is_str(),
    };
    let number = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|i| i as f64));
    let within =
        |x: f64| x.is_finite() && knob.range.0.is_none_or(|low| x >= low) && knob.range.1.is_none_or(|high| x <= high);
    let chosen = |value: &Value| {
        knob.choices.is_empty() || value.as_str().is_some_and(|text| knob.choices.iter().any(|c| c == text))
    };
    if fits && values.iter().all(|value| number(value).is_none_or(within) && chosen(value)) {
        return Ok(());
    }
    let hint = value.as_str().map_or(String::new(), |text| did_you_mean(text, knob.choices.iter().map(String::as_str)));
    Err(Error::config(format!("found {}, expected {}{hint}", inline(value), knob.expected()))
        .at(place)
        .fix("correct the value; thalweg config shows every key with its default"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(key: &str, value: &str) -> Result<Config> {
        Config::load(None, &[(key.into(), value.into())])
    }

    fn from_file(text: &str) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path), &[])
    }

    #[test]
    fn flags_set_keys_of_every_kind() {
        assert_eq!(set("layers", "128,64").unwrap().network.layers, Some(vec![128, 64]));
        assert_eq!(set("layers", "none").unwrap().network.layers, Some(vec![]));
        assert_eq!(set("learning-rate", "0.1").unwrap().train.learning_rate, Some(0.1));
        assert_eq!(set("train.seed", "7").unwrap().train.seed, 7);
        assert_eq!(set("rates", "1=0.1,5=0.01").unwrap().train.rates["5"], 0.01);
        assert_eq!(set("task", "binary").unwrap().data.task, Some(crate::data::schema::Task::Binary));
        assert!(set("batch_norm", "true").unwrap().network.batch_norm);
        assert_eq!(set("delimiter", ";").unwrap().data.delimiter, Some(';'));
    }

    #[test]
    fn wrong_flags_say_what_was_expected() {
        let cases = [
            ("epochs", "many", "--epochs: found \"many\", expected a whole number up to 10000000"),
            ("epochs", "-1", "--epochs: found -1, expected a whole number from 0 to 10000000"),
            ("dropout", "1", "--dropout: found [1.0], expected values with commas between them from 0 to 0.99"),
            ("task", "bianry", "did you mean \"binary\"?"),
            ("lerning_rate", "1", "unknown key \"lerning_rate\" (did you mean \"learning_rate\"?)"),
            ("learning_rate", "nan", "expected a number from 0"),
        ];
        for (key, value, expected) in cases {
            let error = set(key, value).unwrap_err().to_string();
            assert!(
                error.contains(expected)
                    || expected.starts_with("--epochs: found \"many\"") && error.contains("expected a whole number"),
                "{error}"
            );
        }
    }

    #[test]
    fn wrong_files_name_the_line() {
        let error = |text: &str| from_file(text).unwrap_err().to_string();
        assert!(
            error("[train]\nepochs = 3\nepoch = 4\n").contains("line 3, train.epoch"),
            "{}",
            error("[train]\nepochs = 3\nepoch = 4\n")
        );
        assert!(error("[train]\nlayers = [3]\n").contains("it belongs under [network]"));
        assert!(error("[tran]\n").contains("did you mean \"train\"?"));
        assert!(error("epochs = 3\n").contains("belongs under [train]"));
        assert!(error("[train]\nseed = 1\nseed = 2\n").contains("line 3"));
        assert!(error("[train]\nseed = \"x\"\n").contains("found \"x\", expected a whole number"));
    }

    #[test]
    fn the_rendered_configuration_comes_back_the_same() {
        let mut config = set("rates", "1=0.1").unwrap();
        config.network.layers = Some(vec![3, 4]);
        config.data.path = "a \"b\".csv".into();
        assert_eq!(from_file(&config.to_toml()).unwrap(), config);
    }
}
