//! What is wrong with a run, by its events alone: findings, each with its evidence and what to do about it.
//!
//! A check is one function and one line in `ALL`. Its thresholds stand in its file, with their reasons.
//!
//! ```
//! # use thalweg::event::Event;
//! let events = [Event::Warning("the dev part has only 12 rows".to_string().into())];
//! assert!(thalweg::findings::of_events(&events, None).is_empty());
//! ```

mod answers;
mod facts;
mod fit;
mod rate;
mod settings;
mod signals;

use std::fmt;

use serde::Serialize;

use crate::error::{Advice, AdvicePart};
use crate::event::Event;
use crate::event::Run;
use facts::Facts;
pub(crate) use facts::Mistaken;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Training failed, or its result cannot be relied on.
    Severe,
    /// Something costs accuracy, or hides how good the model is.
    Warning,
    /// Something may be gained.
    Hint,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Severe => "severe",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        })
    }
}

/// Something that is wrong with a run, its data or its configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// A name for programs: `learning-rate-too-high`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong, in a sentence.
    pub what: String,
    /// What shows it: numbers, and the names of layers, columns and rows.
    pub evidence: String,
    /// What to do about it.
    pub prescription: Prescription,
    /// The code of the finding that it follows from, if one does.
    pub because: Option<&'static str>,
}

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Prescription {
    /// Options to set, among words.
    pub advice: Advice,
    /// The effect to expect.
    pub expected: String,
}

impl Prescription {
    /// The options that it sets, by name, each with its value as in a flag.
    pub fn options(&self) -> Vec<(&str, &str)> {
        let set = |part| match part {
            &AdvicePart::Option { ref option, value: Some(ref value) } => Some((&**option, &**value)),
            _ => None,
        };
        self.advice.parts().iter().filter_map(set).collect()
    }

    /// The command that follows it: `base` trains as before, and its flags of the same options give way. None where no
    /// option is set.
    pub fn command(&self, base: &str) -> Option<String> {
        let flag = |(option, value): (&str, &str)| Advice::option(option, value).to_string();
        let flags: Vec<String> = self.options().into_iter().map(flag).collect();
        let name = |flag: &str| flag.trim_start_matches("--").split([' ', '=']).next().map(String::from);
        let set: Vec<Option<String>> = flags.iter().map(|flag| name(flag)).collect();
        let mut parts = base.split(" --");
        let head = parts.next().unwrap_or_default().to_string();
        let kept = parts.filter(|part| !set.contains(&name(part)));
        let command = kept.fold(head, |command, part| format!("{command} --{part}"));
        (!flags.is_empty()).then(|| format!("{command} {}", flags.join(" ")))
    }
}

impl Finding {
    /// A finding whose code is that of its check.
    pub(crate) fn new(
        severity: Severity,
        what: impl Into<String>,
        evidence: impl Into<String>,
        advice: impl Into<Advice>,
        expected: &str,
    ) -> Finding {
        let prescription = Prescription { advice: advice.into(), expected: expected.into() };
        Finding { code: "", severity, what: what.into(), evidence: evidence.into(), prescription, because: None }
    }

    /// As an object for scripts; `base` is the command that trains as before.
    pub fn to_json(&self, base: &str) -> serde_json::Value {
        let options: serde_json::Map<String, serde_json::Value> =
            self.prescription.options().into_iter().map(|(option, value)| (option.into(), value.into())).collect();
        serde_json::json!({
            "code": self.code,
            "severity": self.severity,
            "what": self.what,
            "evidence": self.evidence,
            "prescription": {
                "command": self.prescription.command(base),
                "advice": self.prescription.advice.to_string(),
                "options": options,
                "expected": self.prescription.expected,
            },
            "because": self.because,
        })
    }
}

/// One line, with its code and what to do about it.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.what, self.code, self.prescription.advice)
    }
}

/// A check by its code, and the codes of what its finding brings about: these follow it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Check<F> {
    pub(crate) code: &'static str,
    pub(crate) explains: &'static [&'static str],
    /// What it finds, if anything.
    pub(crate) examine: F,
}

/// A check of a run.
pub(crate) type Examine = fn(&Facts) -> Option<Finding>;

const fn check(code: &'static str, explains: &'static [&'static str], examine: Examine) -> Check<Examine> {
    Check { code, explains, examine }
}

/// What follows where the network learned little or nothing.
macro_rules! learned_little {
    ($($code:literal),*) => {
        &["high-bias", "plateau", "constant-answers", "still-improving", "class-imbalance", "overconfident",
          "suspect-labels", "avoidable-bias", $($code),*]
    };
}

/// Every check of a run's events, causes before what may follow from them.
pub(crate) const ALL: &[Check<Examine>] = &[
    check(
        "zero-initialisation",
        learned_little![
            "vanishing-signals",
            "learning-rate-too-low",
            "learning-rate-too-high",
            "dead-units",
            "too-much-regularisation"
        ],
        signals::zero_initialisation,
    ),
    check(
        "inputs-not-normalised",
        learned_little![
            "exploding-signals",
            "vanishing-signals",
            "saturated-units",
            "dead-units",
            "high-initial-loss",
            "non-finite",
            "learning-rate-too-high",
            "learning-rate-too-low",
            "high-variance"
        ],
        signals::inputs_not_normalised,
    ),
    check(
        "initial-weights-too-large",
        learned_little![
            "exploding-signals",
            "saturated-units",
            "dead-units",
            "high-initial-loss",
            "non-finite",
            "learning-rate-too-high",
            "learning-rate-too-low",
            "high-variance"
        ],
        signals::initial_weights_too_large,
    ),
    check(
        "exploding-signals",
        learned_little![
            "saturated-units",
            "dead-units",
            "high-initial-loss",
            "non-finite",
            "learning-rate-too-high",
            "learning-rate-too-low"
        ],
        signals::exploding_signals,
    ),
    check(
        "high-initial-loss",
        learned_little!["learning-rate-too-low", "learning-rate-too-high", "non-finite", "dead-units"],
        signals::high_initial_loss,
    ),
    check(
        "dead-from-the-start",
        learned_little![
            "dead-units",
            "vanishing-signals",
            "learning-rate-too-high",
            "learning-rate-too-low",
            "too-much-regularisation"
        ],
        signals::dead_from_the_start,
    ),
    check(
        "learning-rate-too-high",
        learned_little!["non-finite", "dead-units", "saturated-units", "high-variance"],
        rate::too_high,
    ),
    check(
        "vanishing-signals",
        learned_little!["learning-rate-too-low", "too-much-regularisation"],
        signals::vanishing_signals,
    ),
    check("saturated-units", learned_little!["vanishing-signals"], signals::saturated_units),
    check("dead-units", learned_little![], signals::dead_units),
    check("non-finite", learned_little![], rate::non_finite),
    check("learning-rate-too-low", learned_little![], rate::too_low),
    check(
        "batch-norm-tiny-batch",
        learned_little!["high-variance", "learning-rate-too-high"],
        settings::batch_norm_tiny_batch,
    ),
    check("too-much-regularisation", learned_little![], settings::too_much_regularisation),
    check("no-hidden-layers", learned_little![], fit::no_hidden_layers),
    check("beaten-by-a-simple-forecast", &["high-bias"], answers::beaten_by_a_simple_forecast),
    check("class-imbalance", &["high-bias", "constant-answers", "few-dev-rows", "plateau"], answers::class_imbalance),
    check("high-bias", &["plateau", "constant-answers", "suspect-labels", "still-improving"], fit::high_bias),
    check("constant-answers", &["plateau"], fit::constant_answers),
    check("avoidable-bias", &["plateau"], fit::avoidable_bias),
    check("high-variance", &["overconfident", "suspect-labels"], fit::high_variance),
    check("suspect-labels", &["overconfident"], answers::suspect_labels),
    check("dev-test-mismatch", &[], fit::dev_test_mismatch),
    check("still-improving", &[], fit::still_improving),
    check("plateau", &[], fit::plateau),
    check("dropout-before-batch-norm", &[], settings::dropout_before_batch_norm),
    check("overconfident", &[], answers::overconfident),
    check("data-starves-training", &[], settings::data_starves_training),
    check("few-dev-rows", &[], answers::few_dev_rows),
];

/// What a run's events show, the most important first; an error that people make at the task, from 0 to 1, may be given.
pub fn of_events(events: &[Event], human_level: Option<f64>) -> Vec<Finding> {
    of(&Run::new(events), human_level)
}

/// The same of a run that is aggregated already.
pub fn of(run: &Run, human_level: Option<f64>) -> Vec<Finding> {
    let facts = Facts { run, human_level };
    let found = ALL.iter().filter_map(|check| Some(Finding { code: check.code, ..(check.examine)(&facts)? }));
    ranked(found.collect(), &ALL.iter().map(|check| (check.code, check.explains)).collect::<Vec<_>>())
}

/// Causes before what follows from them, the severe before others, in the order of the checks.
pub(crate) fn ranked(mut findings: Vec<Finding>, checks: &[(&'static str, &[&str])]) -> Vec<Finding> {
    let found: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
    for finding in &mut findings {
        let explains = |(code, explains): &&(&str, &[&str])| found.contains(code) && explains.contains(&finding.code);
        finding.because = checks.iter().find(explains).map(|(code, _)| *code);
    }
    let position = |finding: &Finding| checks.iter().position(|(code, _)| *code == finding.code);
    findings.sort_by_key(|finding| (finding.because.is_some(), finding.severity, position(finding)));
    findings
}

/// Three significant digits.
pub(crate) fn short(x: f64) -> String {
    match x.abs() {
        a if !a.is_finite() => "no finite number".into(),
        0.0 => "0".into(),
        a if !(1e-3..1e6).contains(&a) => format!("{x:.1e}"),
        a if a >= 100.0 => format!("{x:.0}"),
        a if a >= 10.0 => format!("{x:.1}"),
        a if a >= 1.0 => format!("{x:.2}"),
        _ => format!("{x:.3}"),
    }
}

/// A share in percent.
pub(crate) fn percent(share: f64) -> String {
    match 100.0 * share {
        x if (0.05..1e4).contains(&x) => format!("{x:.1} %"),
        x => format!("{} %", short(x)),
    }
}

/// A number as one writes it in a flag: the nearest 1, 2 or 5 times a power of ten.
pub(crate) fn round(x: f64) -> f64 {
    let power = 10_f64.powf(x.log10().floor());
    let digit =
        [1.0, 2.0, 5.0, 10.0].into_iter().min_by(|a, b| (a - x / power).abs().total_cmp(&(b - x / power).abs()));
    format!("{:.0e}", digit.unwrap_or(1.0) * power).parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::LayerScale;
    use crate::report::samples;

    #[test]
    fn causes_come_before_what_follows_from_them() {
        let finding = |code, severity| Finding { code, ..Finding::new(severity, "", "", "", "") };
        let found = vec![
            finding("non-finite", Severity::Severe),
            finding("plateau", Severity::Hint),
            finding("few", Severity::Severe),
            finding("rate", Severity::Warning),
        ];
        let checks: [(&str, &[&str]); 4] =
            [("rate", &["non-finite"]), ("plateau", &[]), ("non-finite", &[]), ("few", &[])];
        let ranked = ranked(found, &checks);
        let order: Vec<_> = ranked.iter().map(|finding| (finding.code, finding.because)).collect();
        assert_eq!(order, [("few", None), ("rate", None), ("plateau", None), ("non-finite", Some("rate"))]);
    }

    #[test]
    fn every_check_explains_checks_that_there_are() {
        for check in ALL {
            for code in check.explains {
                assert!(ALL.iter().any(|other| other.code == *code), "{} explains {code}", check.code);
            }
        }
    }

    #[test]
    fn options_of_a_prescription_are_flags_of_a_command() {
        let advice = "get more rows, or restrain it: [dropout=0.5] [batch_norm=true], [group]";
        let prescription = Prescription { advice: advice.into(), expected: String::new() };
        assert_eq!(prescription.options(), [("dropout", "0.5"), ("batch_norm", "true")]);
        assert_eq!(
            prescription.command("thalweg train a.csv").unwrap(),
            "thalweg train a.csv --dropout 0.5 --batch-norm"
        );
        let base = "thalweg train a.csv --dropout 0 --batch-norm=false --batch-size 8";
        let command = "thalweg train a.csv --batch-size 8 --dropout 0.5 --batch-norm";
        assert_eq!(prescription.command(base).unwrap(), command);
        let words = Prescription { advice: "correct the labels".into(), expected: String::new() };
        assert_eq!(words.command("thalweg train a.csv"), None);
    }

    #[test]
    fn a_run_of_an_earlier_version_and_a_healthy_one_have_nothing_severe() {
        for events in
            [samples::classes(10, 61), samples::binary(), samples::regression(), samples::interrupted(), Vec::new()]
        {
            let severe = of_events(&events, None).into_iter().filter(|finding| finding.severity == Severity::Severe);
            assert_eq!(severe.map(|finding| finding.code).collect::<Vec<_>>(), [""; 0]);
        }
    }

    #[test]
    fn divergence_is_named_with_the_first_bad_layer() {
        let mut events = samples::diverged();
        let layer = |name: &str, activation| LayerScale {
            name: name.into(),
            activation,
            gradient: f64::NAN,
            ..Default::default()
        };
        let layers = vec![layer("layers.0", 1.0), layer("layers.1", f64::NAN), layer("layers.2", f64::NAN)];
        events.push(Event::Scales { step: 999, cost: None, layers });
        let found = of_events(&events, None);
        let finding = found.iter().find(|finding| finding.code == "non-finite").unwrap();
        assert!(finding.evidence.contains("layers.1") && finding.evidence.contains("999"), "{}", finding.evidence);
    }

    #[test]
    fn the_larger_gap_of_the_course_s_table_is_named() {
        let mut events = samples::classes(10, 61);
        let Some(Event::Finished { metrics, .. }) = events.last_mut() else { panic!("it is finished") };
        let accuracy = |value: f64| crate::metrics::Metric { value, low: Some(value - 0.03), high: Some(value + 0.03) };
        metrics.train.insert("accuracy".into(), accuracy(0.8));
        metrics.dev.insert("accuracy".into(), accuracy(0.68));
        let codes = |human: f64| of_events(&events, Some(human)).iter().map(|finding| finding.code).collect::<Vec<_>>();
        // People err in 1 of 100: bias 0.19, variance 0.12. In 10 of 100: bias 0.1.
        assert!(codes(0.01).contains(&"avoidable-bias"), "{:?}", codes(0.01));
        assert!(!codes(0.1).contains(&"avoidable-bias"));
        assert!(codes(0.1).contains(&"high-variance"), "{:?}", codes(0.1));
    }

    #[test]
    fn numbers_are_short_and_rates_round() {
        assert_eq!(
            [0.0, 1.5e-5, 0.0123, 1.234, 12.34, 1234.0, 2.5e7].map(short),
            ["0", "1.5e-5", "0.012", "1.23", "12.3", "1234", "2.5e7"]
        );
        assert_eq!([0.0031, 0.0007, 14.0, 0.09].map(round), [0.002, 0.0005, 10.0, 0.1]);
        assert_eq!([0.5, 0.000_02].map(percent), ["50.0 %", "0.002 %"]);
    }
}
