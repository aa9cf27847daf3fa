//! Several runs, on the terminal.

use thalweg::run::{Series, Spread, Variation};
use thalweg::train::StopReason;

use super::{grouped, line, short, table};

/// The most runs that each have a column.
const COLUMNS: usize = 10;

/// Each metric's mean, spread and values; paths, and the next commands.
pub(crate) fn series(series: &Series) -> std::io::Result<()> {
    let (folder, summary) = (series.folder.display(), &series.summary);
    let runs = &summary.runs;
    let each = runs.len() <= COLUMNS;
    line("")?;
    let word = summary.variation.word();
    let heads = if each {
        runs.iter().map(|run| format!("{word} {}", run.number)).collect()
    } else {
        ["lowest", "highest"].map(String::from).to_vec()
    };
    let on = format!("on {}", summary.part);
    let mut rows = vec![[on, "mean".into(), "spread".into()].into_iter().chain(heads).collect::<Vec<_>>()];
    let cell = |x: Option<f64>| x.map_or(String::new(), short);
    rows.extend(summary.ranked().into_iter().map(|(name, Spread { mean, spread, values })| {
        let known = || values.iter().flatten().copied();
        let last: Vec<_> = if each { values.clone() } else { vec![known().reduce(f64::min), known().reduce(f64::max)] };
        std::iter::once(name.to_string()).chain([Some(*mean), *spread].into_iter().chain(last).map(cell)).collect()
    }));
    if each {
        let tested = |run: &thalweg::run::SeriesRun| match summary.part.as_str() {
            "test" => run.examples.test,
            _ => run.examples.dev,
        };
        let counts = runs.iter().map(|run| grouped(tested(run)));
        rows.push(["rows", "", ""].map(String::from).into_iter().chain(counts).collect());
    }
    table(&rows)?;
    line("")?;
    if runs.len() > 1 {
        line(&format!("spread   the standard deviation over {} {word}s", runs.len()))?;
    }
    if let Some(file) = &summary.out_of_fold {
        line(&format!("answers  {}", series.folder.join(file).display()))?;
    }
    line(&format!("report   {}", series.folder.join("report.html").display()))?;
    line("")?;
    line("next:")?;
    if series.end == StopReason::Interrupted {
        return line(&format!("  thalweg resume {folder}"));
    }
    if let Variation::Folds(_) = summary.variation {
        line(&format!("  thalweg suspects {folder}"))?;
    }
    line(&format!("  thalweg train --config {}    (one model, to use)", series.folder.join("config.toml").display()))
}
