//! The options as a list, read from the configuration's JSON schema: what flags and help are made of.

use serde_json::Value;

use super::Config;

/// One option.
#[derive(Debug, Clone, PartialEq)]
pub struct Knob {
    /// The section of the configuration: `train`.
    pub section: String,
    /// The key within it: `learning_rate`.
    pub name: String,
    /// What it is, with its default where that is decided later.
    pub doc: String,
    /// What its value is.
    pub kind: Kind,
    /// The values it may have, where they are few.
    pub choices: Vec<String>,
    /// The least and the greatest value.
    pub range: (Option<f64>, Option<f64>),
    /// The default, where it is fixed.
    pub default: Value,
}

/// What an option's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word or text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// Several values with commas between them.
    List,
    /// name=value pairs with commas between them.
    Table,
}

impl Knob {
    /// The flag on the command line: `learning-rate`.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// The key in the configuration: `train.learning_rate`.
    pub fn key(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// What a value looks like, for errors and help.
    pub fn expected(&self) -> String {
        let what = match self.kind {
            _ if !self.choices.is_empty() => return format!("one of {}", self.choices.join(", ")),
            Kind::Text => "a text",
            Kind::Integer => "a whole number",
            Kind::Number => "a number",
            Kind::Boolean => "true or false",
            Kind::List => "values with commas between them",
            Kind::Table => "name=value pairs with commas between them",
        };
        match self.range {
            (Some(low), Some(high)) => format!("{what} from {low} to {high}"),
            (Some(low), None) => format!("{what} from {low}"),
            (None, Some(high)) => format!("{what} up to {high}"),
            (None, None) => what.into(),
        }
    }
}

/// Every option, section by section.
pub fn knobs() -> Vec<Knob> {
    let schema = json_schema();
    let defaults = serde_json::to_value(Config::default()).expect("a configuration is plain data");
    let sections = schema["properties"].as_object().into_iter().flatten();
    sections
        .flat_map(|(section, reference)| {
            let table = resolve(&schema, reference);
            let properties = table["properties"].as_object().into_iter().flatten();
            let knob = |(name, property): (&String, &Value)| {
                let default = defaults[section][name].clone();
                read(&schema, section, name, property, default)
            };
            properties.map(knob).collect::<Vec<_>>()
        })
        .collect()
}

/// The configuration's JSON schema.
pub fn json_schema() -> Value {
    schemars::schema_for!(Config).to_value()
}

fn resolve<'a>(schema: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => schema.pointer(pointer).unwrap_or(value),
        None => value,
    }
}

fn read(schema: &Value, section: &str, name: &str, property: &Value, default: Value) -> Knob {
    // An optional enum is `anyOf` the enum and null.
    let inner = property["anyOf"].as_array().and_then(|any| any.first()).unwrap_or(property);
    let inner = resolve(schema, inner);
    let choices = match (&inner["enum"], &inner["oneOf"]) {
        (Value::Array(values), _) => values.iter().filter_map(Value::as_str).map(String::from).collect(),
        (_, Value::Array(variants)) => {
            variants.iter().filter_map(|variant| variant["const"].as_str()).map(String::from).collect()
        }
        _ => Vec::new(),
    };
    let types = &inner["type"];
    let is = |name: &str| types == name || types.as_array().is_some_and(|types| types.iter().any(|t| t == name));
    let kind = match () {
        _ if is("boolean") => Kind::Boolean,
        _ if is("integer") => Kind::Integer,
        _ if is("number") => Kind::Number,
        _ if is("array") => Kind::List,
        _ if is("object") || name == "class_weights" => Kind::Table,
        _ => Kind::Text,
    };
    let bounds = if kind == Kind::List { &inner["items"] } else { inner };
    let doc = property["description"].as_str().unwrap_or_default().replace('\n', " ");
    Knob {
        section: section.into(),
        name: name.into(),
        doc,
        kind,
        choices,
        range: (bounds["minimum"].as_f64(), bounds["maximum"].as_f64()),
        default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_unique_and_all_documented() {
        let knobs = knobs();
        let mut flags: Vec<String> = knobs.iter().map(Knob::flag).collect();
        flags.sort();
        assert!(flags.windows(2).all(|pair| pair[0] != pair[1]), "{flags:?}");
        assert!(knobs.iter().all(|knob| !knob.doc.is_empty()));
    }

    #[test]
    fn kinds_ranges_and_choices_come_from_the_schema() {
        let knob = |name: &str| knobs().into_iter().find(|knob| knob.name == name).unwrap();
        assert_eq!(knob("task").choices, ["regression", "binary", "multiclass", "multilabel"]);
        assert_eq!((knob("dropout").kind, knob("dropout").range), (Kind::List, (Some(0.0), Some(0.99))));
        assert_eq!((knob("seed").kind, knob("rates").kind), (Kind::Integer, Kind::Table));
        assert_eq!(knob("batch_norm").kind, Kind::Boolean);
        assert_eq!(knob("learning_rate").kind, Kind::Number);
    }
}
