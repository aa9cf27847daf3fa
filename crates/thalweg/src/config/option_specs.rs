//! The options as a list, derived from the configuration's JSON schema; flags, help and checks are generated from it.

use std::sync::LazyLock;

use serde_json::Value;

use super::Config;
use crate::task::Task;
use crate::tensor::activation;
use crate::{init, losses, metrics, optimizers, schedule};

/// One option.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionSpec {
    /// The section of the configuration: `train`.
    pub section: String,
    /// The key within it: `learning_rate`.
    pub name: String,
    /// Its meaning, with its default where that is decided later.
    pub doc: String,
    /// Whether it has one value or several.
    pub arity: Arity,
    /// The type of each value.
    pub kind: ValueKind,
    /// The allowed values, if it is a choice.
    pub choices: Vec<String>,
    /// Words allowed instead of a table.
    pub words: Vec<String>,
    /// The range of its numbers.
    pub range: Range,
    /// The required length of a list.
    pub length: Option<usize>,
    /// The default; null where it is decided later.
    pub default: Value,
}

/// Whether an option has one value or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// One value.
    One,
    /// A list: `128,64` on the command line.
    List,
    /// Named values: `yes=2,no=1` on the command line.
    Table,
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A word or text.
    Text,
    /// One character.
    Character,
    /// An integer.
    Integer,
    /// A floating-point number.
    Number,
    /// A number, or a text in its place.
    NumberOrText,
    /// Yes or no.
    Boolean,
    /// Any TOML value.
    Any,
}

/// The range of a number: `low ≤ x ≤ high` and `x < below`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Range {
    /// The minimum.
    pub low: Option<f64>,
    /// The maximum.
    pub high: Option<f64>,
    /// The exclusive upper bound.
    pub below: Option<f64>,
}

impl OptionSpec {
    /// The flag on the command line: `learning-rate`.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// The key in the configuration: `train.learning_rate`.
    pub fn key(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// What its values must be, for error messages: `a whole number from 1`.
    pub fn expected(&self) -> String {
        let one = match self.kind {
            _ if !self.choices.is_empty() => format!("one of {}", self.choices.join(", ")),
            ValueKind::Text => "a text".into(),
            ValueKind::Character => "one character, or tab".into(),
            ValueKind::Integer => format!("a whole number{}", self.range),
            ValueKind::Number => format!("a number{}", self.range),
            ValueKind::NumberOrText => format!("a number{} or a text", self.range),
            ValueKind::Boolean => "true or false".into(),
            ValueKind::Any => "a table such as { kind = \"linear\", units = 64 }".into(),
        };
        let instead = if self.words.is_empty() { String::new() } else { format!("{}, or ", self.words.join(", ")) };
        match (self.arity, self.length) {
            (Arity::One, _) => one,
            (Arity::List, Some(length)) => format!("{length} values, each {one}"),
            (Arity::List, None) => format!("values, each {one}"),
            (Arity::Table, _) => format!("{instead}name=value pairs, each value {one}"),
        }
    }
}

impl Range {
    /// Whether `x` is finite and within the range.
    pub fn contains(&self, x: f64) -> bool {
        x.is_finite()
            && self.low.is_none_or(|low| x >= low)
            && self.high.is_none_or(|high| x <= high)
            && self.below.is_none_or(|below| x < below)
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.low.map_or(Ok(()), |low| write!(f, " from {low}"))?;
        self.high.map_or(Ok(()), |high| write!(f, " to {high}"))?;
        self.below.map_or(Ok(()), |below| write!(f, " to below {below}"))
    }
}

/// Every option, section by section.
pub fn option_specs() -> &'static [OptionSpec] {
    static KNOBS: LazyLock<Vec<OptionSpec>> = LazyLock::new(read_all);
    &KNOBS
}

fn read_all() -> Vec<OptionSpec> {
    let schema = json_schema();
    let defaults = serde_json::to_value(Config::default()).expect("a configuration is plain data");
    let mut option_specs = Vec::new();
    for (section, reference) in schema["properties"].as_object().into_iter().flatten() {
        for (name, property) in resolve(&schema, reference)["properties"].as_object().into_iter().flatten() {
            option_specs.push(read(&schema, section, name, property, defaults[section][name].clone()));
        }
    }
    option_specs
}

/// The configuration's JSON schema.
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(Config).to_value();
    for (section, name, names) in registered() {
        let reference = schema["properties"][section].clone();
        let pointer = reference["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')).unwrap_or_default();
        if let Some(table) = schema.pointer_mut(pointer) {
            let property = &mut table["properties"][name];
            let optional = property["type"].is_array().then_some(Value::Null);
            property["enum"] = names.into_iter().map(Value::from).chain(optional).collect();
        }
    }
    schema
}

/// The allowed names of text options, from the registries.
fn registered() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    let of_tasks = [Task::Binary, Task::Regression].map(metrics::names);
    vec![
        ("network", "init", init::names().collect()),
        ("train", "loss", losses::names().collect()),
        ("train", "optimizer", optimizers::ALL.iter().map(|registered| registered.name).collect()),
        ("train", "schedule", schedule::names().collect()),
        ("train", "monitor", [&["loss"], of_tasks[0], of_tasks[1]].concat()),
    ]
}

/// The names of the activations; one with a parameter is written `leaky_relu(0.2)`.
pub(super) fn activations() -> Vec<String> {
    activation::ALL.iter().map(|registered| registered.name.into()).collect()
}

fn resolve<'a>(schema: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => schema.pointer(pointer).unwrap_or(value),
        None => value,
    }
}

/// The non-null alternatives of a schema that may also be null, or that allows a word instead of a table.
fn alternatives<'a>(schema: &'a Value, property: &'a Value) -> Vec<&'a Value> {
    let property = resolve(schema, property);
    match property["anyOf"].as_array() {
        Some(any) => any.iter().flat_map(|one| alternatives(schema, one)).filter(|one| one["type"] != "null").collect(),
        None => vec![property],
    }
}

fn read(schema: &Value, section: &str, name: &str, property: &Value, default: Value) -> OptionSpec {
    let alternatives = alternatives(schema, property);
    let inner = alternatives.iter().copied().find(|one| has_type(one, "object")).unwrap_or(alternatives[0]);
    let words = alternatives.iter().filter(|one| !std::ptr::eq(**one, inner)).flat_map(|one| choices(one)).collect();
    let (arity, each) = match () {
        _ if has_type(inner, "array") => (Arity::List, &inner["items"]),
        _ if has_type(inner, "object") => (Arity::Table, &inner["additionalProperties"]),
        _ => (Arity::One, inner),
    };
    let each = resolve(schema, each);
    let or_text = alternatives.iter().any(|one| has_type(one, "string") && !std::ptr::eq(*one, each));
    let kind = match () {
        _ if has_type(each, "boolean") => ValueKind::Boolean,
        _ if has_type(each, "number") && or_text && choices(alternatives[1]).is_empty() => ValueKind::NumberOrText,
        _ if has_type(each, "integer") => ValueKind::Integer,
        _ if has_type(each, "number") => ValueKind::Number,
        _ if each["maxLength"] == 1 => ValueKind::Character,
        _ if each == &Value::Bool(true) => ValueKind::Any,
        _ => ValueKind::Text,
    };
    let bound = |name: &str| each[name].as_f64();
    OptionSpec {
        section: section.into(),
        name: name.into(),
        doc: property["description"].as_str().unwrap_or_default().replace('\n', " "),
        arity,
        kind,
        choices: if name == "activation" { activations() } else { choices(each) },
        words,
        range: Range { low: bound("minimum"), high: bound("maximum"), below: bound("exclusiveMaximum") },
        length: inner["minItems"].as_u64().map(|length| length as usize),
        default,
    }
}

fn has_type(schema: &Value, name: &str) -> bool {
    let types = &schema["type"];
    types == name || types.as_array().is_some_and(|types| types.iter().any(|one| one == name))
}

fn choices(schema: &Value) -> Vec<String> {
    let listed = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let variants = schema["oneOf"].as_array().into_iter().flatten().filter_map(|variant| variant["const"].as_str());
    listed.chain(variants).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::error::{Advice, AdvicePart};

    fn option(name: &str) -> &'static OptionSpec {
        option_specs().iter().find(|option| option.name == name).unwrap()
    }

    /// The sources in a folder and below it, without their tests.
    fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text.split("#[cfg(test)]\nmod ").next().unwrap().into()));
            }
        }
    }

    /// Arguments of commands and of Python's functions that are not part of a configuration.
    const ARGUMENTS: [&str; 8] = ["calibrate", "config", "figures", "intervals", "like", "map", "precision", "to"];

    #[test]
    fn advice_names_options_and_no_flags() {
        let mut found = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        let mut named = 0;
        // Reports are pages about the command line's runs.
        for (path, text) in found.iter().filter(|(path, _)| !path.components().any(|part| part.as_os_str() == "report"))
        {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for literal in code.flat_map(|line| line.split('"').skip(1).step_by(2)) {
                for part in Advice::from(literal).parts() {
                    let AdvicePart::Option { option, .. } = part else { continue };
                    let known = option_specs().iter().any(|spec| spec.name == *option);
                    let known = known || ARGUMENTS.contains(&option.as_str());
                    assert!(known, "{}: {literal:?} names {option:?}, which is no option", path.display());
                    named += 1;
                }
                let flags = literal.match_indices(" --").map(|(at, _)| &literal[at + 3..]);
                for flag in flags.filter_map(|rest| rest.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).next())
                {
                    // Where an error is may be several flags, and Cargo has features, too.
                    let known = option_specs().iter().any(|spec| spec.flag() == flag)
                        && !literal.starts_with("--")
                        && !literal.contains("build with --features");
                    assert!(!known, "{}: {literal:?} names a flag: write it in brackets", path.display());
                }
            }
        }
        assert!(named > 150, "{named}");
    }

    #[test]
    fn flags_are_unique_and_all_documented() {
        let option_specs = option_specs();
        let mut flags: Vec<String> = option_specs.iter().map(OptionSpec::flag).collect();
        flags.sort();
        assert!(flags.windows(2).all(|pair| pair[0] != pair[1]), "{flags:?}");
        assert!(
            option_specs.iter().all(|option| option.doc.len() > 10 && option.doc.ends_with('.')),
            "{option_specs:?}"
        );
    }

    #[test]
    fn kinds_ranges_and_choices_come_from_the_schema() {
        assert_eq!(option("task").choices, ["regression", "binary", "multiclass", "multilabel"]);
        let dropout = option("dropout");
        let range = Range { low: Some(0.0), high: Some(0.99), below: None };
        assert_eq!((dropout.arity, dropout.kind, dropout.range), (Arity::List, ValueKind::Number, range));
        assert_eq!((option("seed").arity, option("seed").kind), (Arity::One, ValueKind::Integer));
        assert_eq!((option("rates").arity, option("rates").kind), (Arity::Table, ValueKind::Number));
        assert_eq!(option("batch_norm").kind, ValueKind::Boolean);
        assert_eq!(option("learning_rate").kind, ValueKind::Number);
        assert_eq!(option("delimiter").kind, ValueKind::Character);
        assert_eq!(option("split").length, Some(3));
        assert_eq!(option("layer").kind, ValueKind::Any);
        assert_eq!(option("class_weights").words, ["none", "balanced"]);
        let range = Range { low: Some(0.0), high: Some(1.0), below: None };
        assert_eq!((option("threshold").kind, option("threshold").range), (ValueKind::NumberOrText, range));
        assert_eq!(option("kinds").choices, ["numeric", "boolean", "categorical", "ordered", "datetime", "text"]);
    }

    #[test]
    fn names_come_from_the_registries() {
        assert!(option("optimizer").choices.iter().any(|name| name == "rmsprop"));
        assert!(option("activation").choices.iter().any(|name| name == "leaky_relu"));
        assert!(option("monitor").choices.iter().any(|name| name == "rmse"));
        let schema = json_schema();
        assert_eq!(schema["$defs"]["Train"]["properties"]["loss"]["enum"][0], "cross_entropy");
    }

    #[test]
    fn every_default_is_a_value_that_its_option_takes() {
        Config::default().validate().unwrap();
    }
}
