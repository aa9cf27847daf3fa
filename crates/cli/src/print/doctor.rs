//! Findings on the terminal.

use std::path::Path;

use thalweg::doctor::Diagnosis;
use thalweg::event::Splits;
use thalweg::findings::{Finding, Severity};
use thalweg::metrics::Metrics;
use thalweg::run::Outcome;

use super::{BOLD, FAINT, LONGEST, RED, brief, interval, line, table, warning};

/// How many findings are told at the end of training.
const TOLD: usize = 3;

/// Each finding with its evidence and what to type.
pub(crate) fn diagnosis(diagnosis: &Diagnosis) -> std::io::Result<()> {
    for note in &diagnosis.notes {
        warning(note);
    }
    if diagnosis.findings.is_empty() {
        return line("nothing is found to be wrong");
    }
    for Finding { code, severity, what, evidence, prescription, because } in &diagnosis.findings {
        let because = because.map_or(String::new(), |cause| format!(", follows from {cause}"));
        match severity {
            Severity::Severe => line(&format!("{RED}{severity}{RED:#}  {BOLD}{what}{BOLD:#}  ({code}{because})"))?,
            _ => line(&format!("{severity}  {BOLD}{what}{BOLD:#}  ({code}{because})"))?,
        }
        line(&format!("  evidence  {evidence}"))?;
        line(&format!("  do        {}", prescription.advice))?;
        if let Some(command) = prescription.command(&diagnosis.command) {
            line(&format!("            {command}"))?;
        }
        line(&format!("  expect    {}", prescription.expected))?;
        line("")?;
    }
    Ok(())
}

/// The most important findings, a line each, at the end of training.
pub(super) fn most_important(findings: &[Finding], run: &Path) -> std::io::Result<()> {
    let told = || findings.iter().filter(|finding| finding.because.is_none() && finding.severity < Severity::Hint);
    if told().next().is_none() {
        return Ok(());
    }
    line("")?;
    line(&format!("found {FAINT}(thalweg doctor {} tells more){FAINT:#}:", run.display()))?;
    told().take(TOLD).try_for_each(|finding| line(&format!("  {}", brief(&finding.to_string(), LONGEST))))
}

/// What was changed, and where the configuration is.
pub(crate) fn fixed(changes: &[(String, String)], path: &Path) -> std::io::Result<()> {
    for (option, value) in changes {
        line(&format!("changed  {}", thalweg::Advice::option(option, value)))?;
    }
    line(&format!("config   {}", path.display()))?;
    line(&format!("  thalweg train --config {}", path.display()))
}

/// The metrics of the examined run beside those of the one with what is prescribed.
pub(crate) fn before_and_after(before: &Splits<Metrics>, after: &Outcome) -> std::io::Result<()> {
    let mut rows = vec![["", "before", "after"].map(String::from).to_vec()];
    for (part, before, after) in [("dev", &before.dev, &after.metrics.dev), ("test", &before.test, &after.metrics.test)]
    {
        rows.extend(after.iter().map(|(name, metric)| {
            let before = before.get(name).map_or(String::new(), interval);
            vec![format!("{part} {name}"), before, interval(metric)]
        }));
    }
    line("")?;
    table(&rows)?;
    line(&format!("run      {}", after.run.display()))
}

/// A word as a shell must be given it to pass it on.
pub(crate) fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:,=+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.into() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
