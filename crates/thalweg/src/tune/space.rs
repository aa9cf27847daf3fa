//! The search space: options, the values each may take, and constraints between them.

use std::collections::BTreeMap;

use super::constraint::Constraint;
use crate::config::{Config, Tune, find};
use crate::error::{Error, Result, did_you_mean};

/// The values of one trial as typed, by dimension name.
pub type Point = BTreeMap<String, String>;

/// The name of the dimension for the width of all hidden layers, where `layers` is their number.
const UNITS: &str = "units";

/// Units per hidden layer where only the number of layers is searched.
const USUAL_UNITS: &str = "128";

/// The values of a dimension and their distribution.
#[derive(Debug, Clone, PartialEq)]
pub enum Scale {
    /// Floats, uniform.
    Linear(f64, f64),
    /// Floats, log-uniform: α = 10^r.
    Log(f64, f64),
    /// Integers, uniform.
    Int(f64, f64),
    /// Integers, log-uniform.
    LogInt(f64, f64),
    /// Floats just below 1: β = 1 − 10^r.
    OneMinusLog(f64, f64),
    /// One of these.
    Choice(Vec<String>),
}

/// One searched option.
#[derive(Debug, Clone, PartialEq)]
pub struct Dimension {
    /// The option's name: `learning_rate`.
    pub name: String,
    /// Its values.
    pub scale: Scale,
    /// Another dimension, and its values for which this one is active.
    pub only_if: Option<(String, Vec<String>)>,
}

/// The complete search space.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    /// The options; those that others depend on first.
    pub dimensions: Vec<Dimension>,
    constraints: Vec<Constraint>,
}

impl Scale {
    /// Parses a scale such as `log:1e-4..1e-1`, `int:1..5` or `relu,tanh`.
    fn parse(text: &str) -> Result<Scale> {
        let wrong = |message: String| {
            let fix = "write a range as linear:0..0.5, log:1e-4..1e-1, int:1..5, log_int:16..512 or \
                       one_minus_log:0.9..0.999, or name choices as in relu,tanh";
            Error::config(message).fix(fix)
        };
        let Some((kind, range)) = text.split_once(':').filter(|(_, range)| range.contains("..")) else {
            let separator = if text.contains('|') { '|' } else { ',' };
            let choices: Vec<String> = text.split(separator).map(|choice| choice.trim().to_string()).collect();
            if text.contains("..") {
                return Err(wrong(format!("found {text:?}: a range needs its scale")));
            }
            if choices.iter().any(String::is_empty) {
                return Err(wrong(format!("found {text:?}: a choice is empty")));
            }
            if let Some(twice) = choices.iter().enumerate().find(|(i, choice)| choices[..*i].contains(choice)) {
                return Err(wrong(format!("found {text:?}: {:?} is named twice", twice.1)));
            }
            return Ok(Scale::Choice(choices));
        };
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|x| x.is_finite());
        let ends = range.split_once("..").and_then(|(low, high)| Some((number(low)?, number(high)?)));
        let Some((low, high)) = ends else {
            return Err(wrong(format!("found {range:?}, expected two numbers with .. between them")));
        };
        if low >= high {
            return Err(wrong(format!("the range {range} is empty")));
        }
        if kind.contains("int") && (low.fract() != 0.0 || high.fract() != 0.0) {
            return Err(wrong(format!("found {range}, expected whole numbers")));
        }
        match kind.trim() {
            "linear" => Ok(Scale::Linear(low, high)),
            "int" => Ok(Scale::Int(low, high)),
            "log" | "log_int" if low <= 0.0 => {
                Err(wrong(format!("found {range}: there is no logarithm of {low}; begin above 0")))
            }
            "log" => Ok(Scale::Log(low, high)),
            "log_int" => Ok(Scale::LogInt(low, high)),
            "one_minus_log" if low < 0.0 || high >= 1.0 => {
                Err(wrong(format!("found {range}: 1 − x has no logarithm there; stay from 0 to below 1")))
            }
            "one_minus_log" => Ok(Scale::OneMinusLog(low, high)),
            other => {
                let kinds = ["linear", "log", "int", "log_int", "one_minus_log"];
                Err(wrong(format!("unknown scale {other:?}{}", did_you_mean(other, kinds))))
            }
        }
    }

    /// The value at a position in [0, 1), as typed.
    pub fn value(&self, at: f64) -> String {
        let at = at.clamp(0.0, 1.0 - 1e-12);
        match self {
            Scale::Choice(choices) => choices[(at * choices.len() as f64) as usize].clone(),
            Scale::Int(low, high) => (low + (at * (high - low + 1.0)).floor()).to_string(),
            Scale::LogInt(low, high) => {
                let (from, to) = ((low - 0.5).ln(), (high + 0.5).ln());
                (from + at * (to - from)).exp().round().clamp(*low, *high).to_string()
            }
            Scale::Linear(low, high) => short((low + at * (high - low)).clamp(*low, *high)),
            Scale::Log(low, high) => short((low.ln() + at * (high / low).ln()).exp().clamp(*low, *high)),
            Scale::OneMinusLog(low, high) => {
                let (from, to) = ((1.0 - low).ln(), (1.0 - high).ln());
                // The significant digits are those of the distance to 1.
                let left: f64 = short((from + at * (to - from)).exp()).parse().expect("it is a number");
                (((1.0 - left) * 1e12).round() / 1e12).clamp(*low, *high).to_string()
            }
        }
    }

    /// The position of a value in [0, 1]: the midpoint of the interval that maps to it.
    pub fn place(&self, value: &str) -> Option<f64> {
        if let Scale::Choice(choices) = self {
            let i = choices.iter().position(|choice| choice == value)?;
            return Some((i as f64 + 0.5) / choices.len() as f64);
        }
        let x: f64 = value.parse().ok()?;
        let place = match self {
            Scale::Linear(low, high) => (x - low) / (high - low),
            Scale::Log(low, high) => (x / low).ln() / (high / low).ln(),
            Scale::Int(low, high) => (x - low + 0.5) / (high - low + 1.0),
            Scale::LogInt(low, high) => (x / (low - 0.5)).ln() / ((high + 0.5) / (low - 0.5)).ln(),
            Scale::OneMinusLog(low, high) => ((1.0 - x) / (1.0 - low)).ln() / ((1.0 - high) / (1.0 - low)).ln(),
            Scale::Choice(_) => unreachable!("choices were placed above"),
        };
        Some(place.clamp(0.0, 1.0))
    }

    /// The number of values, where finite.
    pub fn count(&self) -> Option<usize> {
        match self {
            Scale::Choice(choices) => Some(choices.len()),
            Scale::Int(low, high) | Scale::LogInt(low, high) => Some((high - low) as usize + 1),
            _ => None,
        }
    }
}

/// A number to four significant digits.
fn short(x: f64) -> String {
    let rounded: f64 = format!("{x:.3e}").parse().expect("it was written as a number");
    rounded.to_string()
}

impl Space {
    /// The space that a configuration describes.
    ///
    /// # Errors
    /// If a name is not an option, a range is empty or invalid, a value is invalid for its option, or a condition or
    /// constraint names an option that is not searched.
    pub fn new(base: &Config) -> Result<Space> {
        let tune = &base.tune;
        let mut dimensions =
            tune.search.iter().map(|(name, text)| dimension(name, text)).collect::<Result<Vec<_>>>()?;
        // Dimensions that others depend on come first.
        dimensions.sort_by_key(|dimension| dimension.only_if.is_some());
        let constraints = tune.constraints.iter().map(|text| Constraint::parse(text)).collect::<Result<Vec<_>>>()?;
        let space = Space { dimensions, constraints };
        space.check(base)?;
        Ok(space)
    }

    /// Checks every name and value against the configuration.
    fn check(&self, base: &Config) -> Result<()> {
        let names: Vec<&str> = self.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
        let unknown = |name: &str, at: String| {
            let message = format!("{name:?} is not searched{}", did_you_mean(name, names.iter().copied()));
            Error::config(message).at(at).fix("name options that [search] names")
        };
        for Dimension { name, only_if, .. } in &self.dimensions {
            let Some((other, values)) = only_if else { continue };
            let place = format!("--search {name}");
            let Some(on) = self.dimensions.iter().find(|dimension| dimension.name == *other) else {
                return Err(unknown(other, place));
            };
            if on.only_if.is_some() {
                let error = Error::config(format!("{other:?} depends on another option itself")).at(place);
                return Err(error.fix("let both depend on the same option"));
            }
            if let Some(value) = values.iter().find(|value| on.scale.place(value).is_none()) {
                let error = Error::config(format!("{other} never is {value:?}")).at(place);
                return Err(error.fix("use values that are searched"));
            }
        }
        for constraint in &self.constraints {
            if let Some(name) = constraint.names().find(|name| !names.contains(name)) {
                return Err(unknown(name, "--constraints".into()));
            }
        }
        if names.contains(&UNITS) && !self.dimensions.iter().any(Dimension::is_depth) {
            let error = Error::config("units are the width of each of so many layers").at("--search units");
            return Err(error.fix("search layers=int:1..4 too, or widths as in layers=64|128,64"));
        }
        // Both ends of each range must be valid for the option, with everything else as configured.
        for dimension in &self.dimensions {
            let ends = match &dimension.scale {
                Scale::Choice(choices) => choices.clone(),
                scale => vec![scale.value(0.0), scale.value(1.0)],
            };
            for value in ends {
                let point = [(dimension.name.clone(), value)].into();
                self.configure(base, &point).map_err(|error| {
                    let place = format!("--search {}", dimension.name);
                    Error { place: Some(place), ..error }
                })?;
            }
        }
        Ok(())
    }

    /// The point at a position of the unit cube; inactive dimensions are left out.
    pub fn point(&self, places: &[f64]) -> Point {
        let mut point = Point::new();
        for (dimension, &at) in self.dimensions.iter().zip(places) {
            if dimension.counts(&point) {
                point.insert(dimension.name.clone(), dimension.scale.value(at));
            }
        }
        point
    }

    /// The position of a point; none for inactive or missing dimensions.
    pub fn places(&self, point: &Point) -> Vec<Option<f64>> {
        let place = |dimension: &Dimension| dimension.scale.place(point.get(&dimension.name)?);
        self.dimensions.iter().map(place).collect()
    }

    /// Whether all constraints hold.
    pub fn allows(&self, point: &Point) -> bool {
        self.constraints.iter().all(|constraint| constraint.holds(point))
    }

    /// The configuration with a point's values.
    ///
    /// # Errors
    /// If a value is invalid for its option, alone or with the others.
    pub fn configure(&self, base: &Config, point: &Point) -> Result<Config> {
        let mut settings: Vec<(&str, String)> = Vec::new();
        for (name, value) in point.iter().filter(|(name, _)| *name != UNITS) {
            let depth = self.dimensions.iter().any(|dimension| dimension.name == *name && dimension.is_depth());
            let text = if depth {
                let units = point.get(UNITS).map_or(USUAL_UNITS, String::as_str);
                let layers: usize = value.parse().unwrap_or_default();
                if layers == 0 { "none".into() } else { vec![units; layers].join(",") }
            } else {
                value.clone()
            };
            settings.push((name, text));
        }
        let mut config = base.with(settings.iter().map(|(name, text)| (*name, text.as_str())))?;
        config.tune = Tune::default();
        // Trials compare single networks, which is quicker and ranks them as well.
        config.network.ensemble.get_or_insert(1);
        Ok(config)
    }
}

impl Dimension {
    /// Whether it is the number of layers rather than their widths.
    fn is_depth(&self) -> bool {
        self.name.rsplit('.').next() == Some("layers") && !matches!(self.scale, Scale::Choice(_))
    }

    /// Whether it is active given the values of a point so far.
    fn counts(&self, point: &Point) -> bool {
        self.only_if.as_ref().is_none_or(|(name, values)| point.get(name).is_some_and(|value| values.contains(value)))
    }
}

fn dimension(name: &str, text: &str) -> Result<Dimension> {
    let place = |error: Error| error.at(format!("--search {name}"));
    if name != UNITS {
        let option = find(name).map_err(place)?;
        if ["tune", "output"].contains(&option.section.as_str()) || option.key() == "data.path" {
            let error = Error::config(format!("{name:?} does not change what is learned"));
            return Err(place(error.fix("search options of the network, of training, or of the data")));
        }
    }
    let (values, condition) = match text.split_once(" if ") {
        Some((values, condition)) => (values, Some(condition)),
        None => (text, None),
    };
    let only_if = match condition.map(|condition| condition.split_once('=')) {
        None => None,
        Some(Some((other, values))) => {
            Some((other.trim().to_string(), values.split('|').map(|value| value.trim().to_string()).collect()))
        }
        Some(None) => {
            let error = Error::config(format!("found {text:?}, expected a value after \"if\""));
            return Err(place(error.fix("write the condition as in: log:0.01..1 if optimizer=adamw|adam")));
        }
    };
    Ok(Dimension { name: name.into(), scale: Scale::parse(values.trim()).map_err(place)?, only_if })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(search: &[(&str, &str)], constraints: &[&str]) -> Result<Space> {
        let mut config = Config::default();
        config.tune.search = search.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
        config.tune.constraints = constraints.iter().map(ToString::to_string).collect();
        Space::new(&config)
    }

    #[test]
    fn values_lie_evenly_on_their_scale() {
        let at = |text: &str, at: f64| Scale::parse(text).unwrap().value(at);
        assert_eq!([0.0, 0.5, 1.0].map(|x| at("log:1e-4..1", x)), ["0.0001", "0.01", "1"]);
        assert_eq!([0.0, 0.5, 1.0].map(|x| at("linear:0..0.5", x)), ["0", "0.25", "0.5"]);
        assert_eq!([0.0, 0.34, 0.67, 1.0].map(|x| at("int:1..3", x)), ["1", "2", "3", "3"]);
        // The course: β = 1 − 10^r with r from −1 to −3.
        assert_eq!([0.0, 0.5, 1.0].map(|x| at("one_minus_log:0.9..0.999", x)), ["0.9", "0.99", "0.999"]);
        assert_eq!([0.0, 0.5, 1.0].map(|x| at("relu,tanh", x)), ["relu", "tanh", "tanh"]);
        assert_eq!(at("64|128,64", 0.9), "128,64");
        let counts = (0..1000).filter(|i| at("log_int:1..100", f64::from(*i) / 1000.0).len() == 1).count();
        // 1 to 9 of 1 to 100: ln(9.5/0.5) of ln(100.5/0.5).
        assert!((counts as f64 - 555.0).abs() < 5.0, "{counts}");
    }

    #[test]
    fn places_are_where_values_are() {
        for text in
            ["log:1e-5..1e-1", "linear:-3..8", "int:1..9", "log_int:4..512", "one_minus_log:0.5..0.9999", "a,b,c"]
        {
            let scale = Scale::parse(text).unwrap();
            for i in 0..=40 {
                let value = scale.value(f64::from(i) / 40.0);
                assert_eq!(scale.value(scale.place(&value).unwrap()), value, "{text}");
            }
        }
    }

    #[test]
    fn conditions_leave_dimensions_out() {
        let search = [("beta2", "one_minus_log:0.9..0.999 if optimizer=adam"), ("optimizer", "adam,momentum")];
        let space = space(&search, &[]).unwrap();
        assert_eq!(space.dimensions[0].name, "optimizer");
        assert_eq!(space.point(&[0.9, 0.5]), [("optimizer".into(), "momentum".into())].into());
        assert_eq!(space.point(&[0.1, 0.5]).len(), 2);
    }

    #[test]
    fn layers_are_so_many_of_a_width() {
        let space = space(&[("layers", "int:0..3"), ("units", "log_int:8..64")], &["layers*units<=64"]).unwrap();
        let point = [("layers".to_string(), "2".to_string()), ("units".into(), "32".into())].into();
        assert!(space.allows(&point));
        let config = space.configure(&Config::default(), &point).unwrap();
        assert_eq!(config.network.layers, Some(vec![32, 32]));
        assert!(!space.allows(&[("layers".into(), "3".into()), ("units".into(), "32".into())].into()));
    }

    #[test]
    fn bad_spaces_say_what_is_wrong() {
        type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a str);
        let cases: &[Case] = &[
            (
                &[("lerning_rate", "log:1e-4..1e-1")],
                &[],
                "unknown key \"lerning_rate\" (did you mean \"learning_rate\"?)",
            ),
            (&[("learning_rate", "log:0..1e-1")], &[], "there is no logarithm of 0"),
            (&[("learning_rate", "log:0.1..0.1")], &[], "the range 0.1..0.1 is empty"),
            (&[("learning_rate", "log_in:0.1..1")], &[], "unknown scale \"log_in\" (did you mean \"log_int\"?)"),
            (&[("learning_rate", "0.1..1")], &[], "a range needs its scale"),
            (&[("learning_rate", "log:a..1")], &[], "expected two numbers"),
            (&[("layers", "int:1..2.5")], &[], "expected whole numbers"),
            (&[("momentum", "one_minus_log:0.9..1")], &[], "1 − x has no logarithm there"),
            (&[("activation", "relu,rleu")], &[], "(did you mean \"relu\"?)"),
            (&[("activation", "relu,relu")], &[], "\"relu\" is named twice"),
            (&[("activation", "relu,,tanh")], &[], "a choice is empty"),
            (&[("dropout", "linear:0..1.5")], &[], "--search dropout: found \"1.5\""),
            (&[("trials", "int:1..5")], &[], "does not change what is learned"),
            (&[("units", "int:1..5")], &[], "units are the width"),
            (&[("beta2", "linear:0.9..0.99 if optimizer")], &[], "expected a value after \"if\""),
            (&[("beta2", "linear:0.9..0.99 if optimizer=adam")], &[], "\"optimizer\" is not searched"),
            (
                &[("beta2", "linear:0.9..0.99 if optimizer=adm"), ("optimizer", "adam,momentum")],
                &[],
                "never is \"adm\"",
            ),
            (&[("layers", "int:1..5")], &["layer<=3"], "\"layer\" is not searched (did you mean \"layers\"?)"),
            (&[("layers", "int:1..5")], &["layers=3"], "found \"layers=3\""),
        ];
        for (search, constraints, expected) in cases {
            let error = space(search, constraints).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(error.remedy.is_some() && error.kind == crate::ErrorKind::Config, "{error}");
        }
    }
}
