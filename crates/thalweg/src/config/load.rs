//! From a file and flags to a configuration: defaults < file < flags.
//!
//! Everything is merged into one TOML table, in which each value is checked against its option where it comes from, and
//! which is then deserialised once.

use std::collections::BTreeSet;
use std::path::Path;

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::Config;
use super::option_specs::{Arity, OptionSpec, option_specs};
use super::value::{check, inline, parse};
use crate::error::{Error, ErrorKind, Result, did_you_mean, nearest};

impl Config {
    /// The configuration of a TOML file, if given, overridden by settings: (`learning_rate` or `train.learning_rate`,
    /// text).
    ///
    /// ```
    /// use thalweg::config::Config;
    ///
    /// let settings = [("layers", "128,64"), ("train.epochs", "50")].map(|(key, text)| (key.into(), text.into()));
    /// let config = Config::load(None, &settings)?;
    /// assert_eq!(config.network.layers, Some(vec![128, 64]));
    /// # Ok::<(), thalweg::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the file cannot be read, a key is unknown, a value has the wrong type or is out of range, or values
    /// contradict each other.
    pub fn load(file: Option<&Path>, settings: &[(String, String)]) -> Result<Config> {
        let mut builder = ConfigBuilder::default();
        if let Some(path) = file {
            let read = std::fs::read_to_string(path);
            let text = read.map_err(|error| {
                let error = Error::io(ErrorKind::Config, path, "read the configuration", &error);
                error.fix("name a TOML file; thalweg config shows what it may hold")
            })?;
            builder.add_file(&text, &path.display().to_string())?;
        }
        for (key, text) in settings {
            builder.set(key, text)?;
        }
        builder.finish()
    }

    /// From the TOML that a run or a study wrote when it began; without an edition it is of the first.
    ///
    /// # Errors
    /// As for [`Config::from_toml`].
    pub(crate) fn from_written(text: &str, name: &str) -> Result<Config> {
        let mut config = Self::from_toml(text, name)?;
        let table: toml::Table = text.parse().unwrap_or_default();
        if table.get("train").and_then(|train| train.get("edition")).is_none() {
            config.train.edition = 1;
        }
        Ok(config)
    }

    /// The configuration in a TOML text; errors call it `name`.
    ///
    /// # Errors
    /// If a key is unknown, a value has the wrong type or is out of range, or values contradict each other.
    pub fn from_toml(text: &str, name: &str) -> Result<Config> {
        let mut builder = ConfigBuilder::default();
        builder.add_file(text, name)?;
        builder.finish()
    }

    /// The defaults, overridden by values for some options, keyed as in [`Config::set`]; null leaves an option unset,
    /// and a scalar may stand for a list of one.
    ///
    /// # Errors
    /// As [`Config::with`].
    pub fn from_values(values: impl IntoIterator<Item = (String, serde_json::Value)>) -> Result<Config> {
        let mut builder = ConfigBuilder::default();
        builder.add_values(values)?;
        builder.finish()
    }

    /// A copy with other values for some options, as in [`Config::from_values`].
    ///
    /// # Errors
    /// As [`Config::with`].
    pub(crate) fn with_values(&self, values: impl IntoIterator<Item = (String, serde_json::Value)>) -> Result<Config> {
        let mut builder = ConfigBuilder { table: self.to_table()? };
        builder.add_values(values)?;
        builder.finish()
    }

    /// Sets an option by its key, `learning_rate` or `train.learning_rate`, from text as on the command line.
    ///
    /// # Errors
    /// If the key is unknown, or the value has the wrong type, is out of range, or contradicts another.
    pub fn set(&mut self, key: &str, text: &str) -> Result<()> {
        *self = self.with([(key, text)])?;
        Ok(())
    }

    /// A copy with other values for some options, as in [`Config::set`]; contradictions are checked only after all are
    /// set.
    ///
    /// # Errors
    /// If a key is unknown, or a value has the wrong type, is out of range, or contradicts another.
    pub fn with<'a>(&self, settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Config> {
        let mut builder = ConfigBuilder { table: self.to_table()? };
        for (key, text) in settings {
            builder.set(key, text)?;
        }
        builder.finish()
    }

    /// The options that differ from their defaults, by key, as `section.name = value` lines in the order of the keys: an
    /// option that comes with a later version is not among them.
    pub(crate) fn changes(&self) -> Result<String> {
        let (own, default) = (self.to_table()?, Config::default().to_table()?);
        let mut changes = BTreeSet::new();
        for (section, values) in own.iter().filter_map(|(section, values)| Some((section, values.as_table()?))) {
            let usual = |name: &String| default.get(section).and_then(|values| values.get(name));
            let changed = values.iter().filter(|(name, value)| usual(name) != Some(value));
            changes.extend(changed.map(|(name, value)| format!("{section}.{name} = {}\n", inline(value))));
        }
        Ok(changes.into_iter().collect())
    }

    /// The values of every option that has one.
    pub(super) fn to_table(&self) -> Result<Table> {
        Table::try_from(self).map_err(|error| {
            Error::config(error.to_string()).fix("use whole numbers up to 9223372036854775807, as TOML does")
        })
    }
}

/// A configuration under construction: the values given so far, each as its option takes it.
#[derive(Default)]
struct ConfigBuilder {
    table: Table,
}

impl ConfigBuilder {
    /// Adds the values of a TOML file.
    fn add_file(&mut self, text: &str, name: &str) -> Result<()> {
        let line = |position: usize| format!("{name}, line {}", text[..position].matches('\n').count() + 1);
        let unreadable = |error: toml::de::Error| {
            let place = error.span().map_or(name.into(), |span| line(span.start));
            Error::config(error.message().replace('`', "\"")).at(place).fix("correct the TOML")
        };
        // The text is parsed twice: once for positions, once for values.
        let places = DeTable::parse(text).map_err(unreadable)?.into_inner();
        let mut values: Table = text.parse().map_err(unreadable)?;
        for (section, below) in &places {
            let at = line(section.span().start);
            check_section(section.get_ref()).map_err(|error| error.at(&*at))?;
            let value = values.remove(section.get_ref().as_ref());
            let (DeValue::Table(places), Some(Value::Table(mut values))) = (below.get_ref(), value) else {
                let error = Error::config(format!("{:?} is a section, found a value", section.get_ref())).at(at);
                return Err(error.fix(format!("write [{}] and its keys below it", section.get_ref())));
            };
            for key in places.keys() {
                let at = line(key.span().start);
                let option = key_of_section(key.get_ref(), section.get_ref()).map_err(|error| error.at(&*at))?;
                let value = values.remove(key.get_ref().as_ref()).expect("both are of one text");
                checked(option, &value, &inline(&value), &format!("{at}, {}", option.key()))?;
                self.insert(option, value);
            }
        }
        Ok(())
    }

    /// Adds values for some options; null leaves one as it is.
    fn add_values(&mut self, values: impl IntoIterator<Item = (String, serde_json::Value)>) -> Result<()> {
        for (key, given) in values {
            let option = find(&key)?;
            if given.is_null() {
                continue;
            }
            let value = Value::try_from(&given).map_err(|error| Error::config(error.to_string()).at(option.key()))?;
            let alone = option.arity == Arity::List && !value.is_array();
            let value = if alone { Value::Array(vec![value]) } else { value };
            checked(option, &value, &inline(&value), &option.key())?;
            self.insert(option, value);
        }
        Ok(())
    }

    /// Adds an option from the command line.
    fn set(&mut self, key: &str, text: &str) -> Result<()> {
        let option = find(key)?;
        let (found, place) = (format!("{text:?}"), format!("--{}", option.flag()));
        let Some(value) = parse(option, text) else {
            return Err(wrong(option, &found, &format!("expected {}", option.expected()), &place));
        };
        checked(option, &value, &found, &place)?;
        self.insert(option, value);
        Ok(())
    }

    fn insert(&mut self, option: &OptionSpec, value: Value) {
        let section = self.table.entry(&option.section).or_insert_with(|| Value::Table(Table::new()));
        section.as_table_mut().expect("a section is a table").insert(option.name.clone(), value);
    }

    fn finish(self) -> Result<Config> {
        let read = Value::Table(self.table).try_into();
        let config: Config = read
            .map_err(|error: toml::de::Error| Error::config(error.message()).fix("thalweg config shows every key"))?;
        config.validate()?;
        Ok(config)
    }
}

/// The option with a key: `learning_rate`, `learning-rate` or `train.learning_rate`.
///
/// # Errors
/// If there is none.
pub fn find(key: &str) -> Result<&'static OptionSpec> {
    let plain = key.replace('-', "_");
    option_specs().iter().find(|option| option.name == plain || option.key() == plain).ok_or_else(|| {
        let name = plain.rsplit('.').next().unwrap_or_default();
        let hint = match named(name) {
            Some(option) => format!(" (did you mean {:?}?)", option.key()),
            None => did_you_mean(name, names()),
        };
        Error::config(format!("unknown key {key:?}{hint}")).fix("thalweg config shows every key")
    })
}

fn named(name: &str) -> Option<&'static OptionSpec> {
    option_specs().iter().find(|option| option.name == name)
}

fn names() -> impl Iterator<Item = &'static str> {
    option_specs().iter().map(|option| option.name.as_str())
}

fn check_section(name: &str) -> Result<()> {
    let mut sections: Vec<&str> = option_specs().iter().map(|option| option.section.as_str()).collect();
    sections.dedup();
    if sections.contains(&name) {
        return Ok(());
    }
    let hint = match named(name) {
        Some(option) => format!(" (it belongs under [{}])", option.section),
        None => did_you_mean(name, sections.iter().copied()),
    };
    let error = Error::config(format!("unknown section {name:?}{hint}"));
    Err(error.fix(format!("use [{}]", sections.join("], ["))))
}

fn key_of_section(key: &str, section: &str) -> Result<&'static OptionSpec> {
    if let Some(option) = option_specs().iter().find(|option| option.section == section && option.name == key) {
        return Ok(option);
    }
    let hint = match (named(key), nearest(key, names()).and_then(named)) {
        (Some(option), _) => format!(" (it belongs under [{}])", option.section),
        (None, Some(option)) if option.section == section => format!(" (did you mean {:?}?)", option.name),
        (None, Some(option)) => format!(" (did you mean {:?} under [{}]?)", option.name, option.section),
        (None, None) => String::new(),
    };
    let error = Error::config(format!("unknown key {key:?} under [{section}]{hint}"));
    Err(error.fix("correct the key or leave it out; thalweg config shows every key"))
}

/// Checks a value against its option; the error shows `found` as what was found.
pub(super) fn checked(option: &OptionSpec, value: &Value, found: &str, place: &str) -> Result<()> {
    check(option, value).map_err(|expected| wrong(option, found, &expected, place))
}

fn wrong(option: &OptionSpec, found: &str, expected: &str, place: &str) -> Error {
    let default = match &option.default {
        serde_json::Value::Null => String::new(),
        value => format!(", {value}"),
    };
    Error::config(format!("found {found}, {expected}"))
        .at(place)
        .fix(format!("correct the value, or leave it out for the default{default}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ClassWeights;

    fn set(key: &str, value: &str) -> Result<Config> {
        Config::load(None, &[(key.into(), value.into())])
    }

    #[test]
    fn flags_set_keys_of_every_kind() {
        assert_eq!(set("layers", "128,64").unwrap().network.layers, Some(vec![128, 64]));
        assert_eq!(set("layers", "none").unwrap().network.layers, Some(vec![]));
        assert_eq!(set("learning-rate", "0.1").unwrap().train.learning_rate, Some(0.1));
        assert_eq!(set("train.seed", "7").unwrap().train.seed, 7);
        assert_eq!(set("epochs", "1_000").unwrap().train.epochs, Some(1000));
        assert_eq!(set("schedule", "constant").unwrap().train.schedule.as_deref(), Some("constant"));
        assert_eq!(set("task", "binary").unwrap().data.task, Some(crate::data::schema::Task::Binary));
        assert!(set("batch_norm", "true").unwrap().network.batch_norm);
        assert_eq!(set("delimiter", ";").unwrap().data.delimiter, Some(';'));
        assert_eq!(set("delimiter", "tab").unwrap().data.delimiter, Some('\t'));
        assert_eq!(set("target", "[\"a,b\", \"c\"]").unwrap().data.target, ["a,b", "c"]);
        assert_eq!(set("activation", "leaky_relu(0.2)").unwrap().network.activation, ["leaky_relu(0.2)"]);
        let layer = set("layer", "[{ kind = \"linear\", units = 3 }]").unwrap().network.layer;
        assert_eq!(layer, [serde_json::json!({ "kind": "linear", "units": 3 })]);
    }

    #[test]
    fn values_are_checked_as_flags_are() {
        let of = |key: &str, value| Config::from_values([(key.to_string(), value)]);
        let layers = of("layers", serde_json::json!([16, 8])).unwrap().network.layers;
        assert_eq!(layers, Some(vec![16, 8]));
        assert_eq!(of("learning_rate", serde_json::json!(1)).unwrap().train.learning_rate, Some(1.0));
        assert_eq!(of("epochs", serde_json::Value::Null).unwrap(), Config::default());
        assert_eq!(of("layers", serde_json::json!(16)).unwrap().network.layers, Some(vec![16]));
        let weights = of("class_weights", serde_json::json!({ "a=b, c": 2.5 })).unwrap().train.class_weights;
        assert_eq!(weights, Some(ClassWeights::Each([("a=b, c".to_string(), 2.5)].into())));
        let error = of("epochs", serde_json::json!("many")).unwrap_err().to_string();
        assert!(error.contains("train.epochs: found \"many\", expected a whole number"), "{error}");
        assert!(of("epoch", serde_json::json!(3)).unwrap_err().to_string().contains("did you mean \"epochs\""));
    }

    #[test]
    fn tables_are_words_or_pairs() {
        let weights = |text: &str| set("class_weights", text).unwrap().train.class_weights.unwrap();
        assert!(matches!(weights("balanced"), ClassWeights::Named(_)));
        let ClassWeights::Each(each) = weights("a=b=2, no=1.5") else { panic!("names are weighted") };
        assert_eq!((each["a=b"], each["no"]), (2.0, 1.5));
        assert!(set("class_weights", "balancd").unwrap_err().to_string().contains("none, balanced, or name=value"));
        assert!(set("kinds", "age=number").unwrap_err().to_string().contains("(did you mean \"numeric\"?)"));
    }

    #[test]
    fn later_settings_win_and_the_file_comes_first() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[train]\nseed = 1\nepochs = 2\n").unwrap();
        let settings = [("seed", "3"), ("train.seed", "4")].map(|(key, text)| (key.to_string(), text.to_string()));
        let mut config = Config::load(Some(file.path()), &settings).unwrap();
        assert_eq!((config.train.seed, config.train.epochs), (4, Some(2)));
        config.set("epochs", "9").unwrap();
        assert_eq!((config.train.seed, config.train.epochs), (4, Some(9)));
    }

    #[test]
    fn wrong_flags_say_what_was_expected() {
        let cases = [
            ("epochs", "many", "--epochs: found \"many\", expected a whole number from 0 to 10000000\n"),
            ("epochs", "-1", "--epochs: found \"-1\", expected a whole number from 0 to 10000000\n"),
            ("dropout", "0.1,1", "--dropout: found \"0.1,1\", expected values, each a number from 0 to 0.99\n"),
            ("task", "bianry", "multilabel (did you mean \"binary\"?)\n"),
            ("optimizer", "adm", "(did you mean \"adam\"?)\n"),
            ("activation", "rleu", "(did you mean \"relu\"?)\n"),
            ("lerning_rate", "1", "unknown key \"lerning_rate\" (did you mean \"learning_rate\"?)\n"),
            ("train.layers", "1", "unknown key \"train.layers\" (did you mean \"network.layers\"?)\n"),
            ("learning_rate", "nan", "expected a number from 0\n"),
            ("learning_rate", "inf", "expected a number from 0\n"),
            ("average", "1", "expected a number from 0 to below 1\n"),
            ("split", "0.5,0.5", "expected 3 values, each a number from 0 to 1\n"),
            ("delimiter", "ab", "expected one character, or tab\n"),
            ("header", "maybe", "expected true or false\n"),
            ("layers", "0", "expected values, each a whole number from 1"),
            ("threads", "99999999999999999999", "expected a whole number from 0 to 1024\n"),
        ];
        for (key, value, expected) in cases {
            let error = set(key, value).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(error.kind == ErrorKind::Config && error.remedy.is_some(), "{error}");
        }
    }

    #[test]
    fn wrong_files_name_the_line_and_the_key() {
        let cases = [
            (
                "[train]\nepochs = 3\nepoch = 4\n",
                "a.toml, line 3: unknown key \"epoch\" under [train] (did you mean \"epochs\"?)",
            ),
            (
                "# seed\n[data]\n\n[train]\nseed = \"x\"\n",
                "a.toml, line 5, train.seed: found \"x\", expected a whole number from 0",
            ),
            ("[train]\nlayers = [3]\n", "line 2: unknown key \"layers\" under [train] (it belongs under [network])"),
            ("[train]\nlayrs = [3]\n", "(did you mean \"layers\" under [network]?)"),
            ("[train]\n[tran]\n", "a.toml, line 2: unknown section \"tran\" (did you mean \"train\"?)"),
            ("\nepochs = 3\n", "a.toml, line 2: unknown section \"epochs\" (it belongs under [train])"),
            ("train = 3\n", "a.toml, line 1: \"train\" is a section, found a value"),
            ("[train]\nseed = 1\nseed = 2\n", "a.toml, line 3: duplicate key"),
            ("[train]\nseed = \n", "a.toml, line 2: "),
            ("[network]\ndropout = 0.5\n", "found 0.5, expected values, each a number from 0 to 0.99"),
            ("[data]\ntask = \"regresion\"\n", "(did you mean \"regression\"?)"),
        ];
        for (text, expected) in cases {
            let error = Config::from_toml(text, "a.toml").unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(error.kind == ErrorKind::Config && error.remedy.is_some(), "{error}");
        }
    }

    #[test]
    fn an_unreadable_file_is_named() {
        let error = Config::load(Some(Path::new("no/such.toml")), &[]).unwrap_err().to_string();
        assert!(error.contains("no/such.toml: cannot read the configuration"), "{error}");
    }
}
