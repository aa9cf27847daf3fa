//! Gates: bounds that metrics must keep for a model to be let through.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::{Metric, Metrics, names};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::task::Task;

/// A bound of a metric, or of an end of its 95 % interval: `accuracy>=0.9`, `log_loss.high<0.4`.
///
/// ```
/// use thalweg::metrics::{Gate, Metric, Metrics};
/// use thalweg::task::Task;
///
/// let accuracy = Metric { value: 0.91, low: Some(0.87), high: Some(0.94) };
/// let metrics = Metrics::from([("accuracy".into(), accuracy)]);
/// let passes = |gate: &str| Gate::parse(gate, Task::Binary).map(|gate| gate.check(&metrics).passed);
/// assert_eq!((passes("accuracy >= 0.9")?, passes("accuracy.low >= 0.9")?), (true, false));
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    metric: String,
    end: MetricPart,
    relation: Relation,
    bound: f64,
}

/// Which of a metric's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MetricPart {
    Value,
    Low,
    High,
}

/// How the number must relate to the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    AtLeast,
    Above,
    AtMost,
    Below,
}

/// The relations as they are written; the longer first, as `>` begins `>=`.
const RELATIONS: [(&str, Relation); 4] =
    [(">=", Relation::AtLeast), ("<=", Relation::AtMost), (">", Relation::Above), ("<", Relation::Below)];
const ENDS: [(&str, MetricPart); 2] = [("low", MetricPart::Low), ("high", MetricPart::High)];

/// What became of a gate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateResult {
    /// The gate.
    pub gate: Gate,
    /// The number that was held against the bound; none where the metric is undefined on the rows, or has no interval.
    pub value: Option<f64>,
    /// Whether the model is let through.
    pub passed: bool,
}

impl Gate {
    /// Reads a gate on a metric of a task.
    ///
    /// # Errors
    /// If it is not a metric, a relation and a number, or the task has no such metric.
    pub fn parse(text: &str, task: Task) -> Result<Gate> {
        let refuse = |what: String| Err(Error::config(what).at(format!("gate {text:?}")));
        let found = RELATIONS.into_iter().find_map(|(sign, relation)| Some((text.split_once(sign)?, relation)));
        let Some(((left, bound), relation)) = found else {
            return refuse("found no relation, expected >=, >, <= or <".into())
                .map_err(|error| error.fix("write it as accuracy>=0.9"));
        };
        let Some(bound) = f64::from_str(bound.trim()).ok().filter(|bound| bound.is_finite()) else {
            return refuse(format!("found {:?}, expected a number", bound.trim()))
                .map_err(|error| error.fix("write it as accuracy>=0.9"));
        };
        let (metric, end) = left.trim().split_once('.').unwrap_or((left.trim(), ""));
        let known = names(task);
        if !known.contains(&metric) {
            let near = did_you_mean(metric, known.iter().copied());
            return refuse(format!("found the metric {metric:?}{near}"))
                .map_err(|error| error.fix(format!("a {task} model has {}", known.join(", "))));
        }
        let end = match ENDS.into_iter().find(|(name, _)| *name == end) {
            Some((_, end)) => end,
            None if end.is_empty() && !left.contains('.') => MetricPart::Value,
            None => {
                let near = did_you_mean(end, ENDS.map(|(name, _)| name));
                return refuse(format!("found the end {end:?}{near}"))
                    .map_err(|error| error.fix(format!("name an end of the interval: {metric}.low or {metric}.high")));
            }
        };
        Ok(Gate { metric: metric.into(), end, relation, bound })
    }

    /// Holds the metrics against the gate; one that is undefined does not pass.
    pub fn check(&self, metrics: &Metrics) -> GateResult {
        let value = metrics.get(&self.metric).and_then(|metric| match self.end {
            MetricPart::Value => Some(metric.value),
            MetricPart::Low => metric.low,
            MetricPart::High => metric.high,
        });
        let passed = value.is_some_and(|value| match self.relation {
            Relation::AtLeast => value >= self.bound,
            Relation::Above => value > self.bound,
            Relation::AtMost => value <= self.bound,
            Relation::Below => value < self.bound,
        });
        GateResult { gate: self.clone(), value, passed }
    }

    /// The number that is held against the bound: `accuracy`, `accuracy.low`.
    fn left(&self) -> String {
        let end = ENDS.iter().find(|(_, end)| *end == self.end).map(|(name, _)| format!(".{name}"));
        format!("{}{}", self.metric, end.unwrap_or_default())
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = RELATIONS.iter().find(|(_, relation)| *relation == self.relation).map_or("", |(sign, _)| sign);
        write!(f, "{}{sign}{}", self.left(), self.bound)
    }
}

/// As it is written.
impl Serialize for Gate {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl GateResult {
    /// What is wrong, if the gate is not passed: the number with its interval.
    pub fn error(&self, metrics: &Metrics) -> Option<Error> {
        let GateResult { gate, value, passed } = self;
        if *passed {
            return None;
        }
        let interval = |metric: &Metric| match (metric.low, metric.high) {
            (Some(low), Some(high)) if gate.end == MetricPart::Value => {
                format!(" (95 % interval {low:.4} to {high:.4})")
            }
            _ => String::new(),
        };
        let found = match value {
            Some(value) => {
                let interval = metrics.get(&gate.metric).map_or(String::new(), interval);
                format!("found {} {value}{interval}, expected {gate}", gate.left())
            }
            None => format!("{} is not defined on these rows, expected {gate}", gate.left()),
        };
        Some(Error::new(ErrorKind::Check, found).at("gate").fix("train a better model, or evaluate on more rows"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        let metric = |value, low, high| Metric { value, low: Some(low), high: Some(high) };
        Metrics::from([
            ("accuracy".into(), metric(0.9, 0.85, 0.94)),
            ("log_loss".into(), Metric { value: 0.3, low: None, high: None }),
        ])
    }

    #[test]
    fn each_relation_and_end() {
        for (gate, passes) in [
            ("accuracy>=0.9", true),
            ("accuracy>0.9", false),
            ("accuracy<=0.9", true),
            ("accuracy<0.9", false),
            (" accuracy.low >= 0.85 ", true),
            ("accuracy.high<0.94", false),
            ("log_loss<0.31", true),
            // Neither an interval that is not known nor a metric that is undefined here lets a model pass.
            ("log_loss.high<1", false),
            ("roc_auc>=0", false),
        ] {
            let result = Gate::parse(gate, Task::Binary).unwrap().check(&metrics());
            assert_eq!(result.passed, passes, "{gate}");
            assert_eq!(result.error(&metrics()).is_none(), passes, "{gate}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let told = |gate: &str| Gate::parse(gate, Task::Binary).unwrap_err().to_string();
        assert!(told("acuracy>=0.9").contains("did you mean \"accuracy\"?"), "{}", told("acuracy>=0.9"));
        assert!(told("rmse<1").contains("a binary model has accuracy, log_loss"), "{}", told("rmse<1"));
        assert!(told("accuracy.lo>=0.9").contains("did you mean \"low\"?"), "{}", told("accuracy.lo>=0.9"));
        assert!(told("accuracy.>=0.9").contains("accuracy.low or accuracy.high"));
        assert!(told("accuracy=0.9").contains("expected >=, >, <= or <"));
        assert!(told("accuracy>=high").contains("expected a number") && told("accuracy>=NaN").contains("a number"));
        let failed = Gate::parse("accuracy>0.95", Task::Binary).unwrap().check(&metrics());
        let error = failed.error(&metrics()).unwrap();
        assert_eq!(error.kind.exit_code(), 4);
        assert!(
            error.to_string().contains("found accuracy 0.9 (95 % interval 0.8500 to 0.9400), expected accuracy>0.95"),
            "{error}"
        );
        assert_eq!(serde_json::to_string(&failed).unwrap(), r#"{"gate":"accuracy>0.95","value":0.9,"passed":false}"#);
    }
}
