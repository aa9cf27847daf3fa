//! The model's predictions: confusion by class, or predicted against true values.

use super::chart::{Bar, Bars, Caption, Cell, Drawing, HeatMap, Reliability, ReliabilityBin, Scatter};
use super::text::{count, fixed, number, percent, plural, shorten};
use crate::data::schema::Task;
use crate::event::{Run, RunEnd};
use crate::metrics::CalibrationBin;
use crate::metrics::calibration::{bin_ends, bin_of};

/// Beyond this number of classes the worst confusions are listed instead of a matrix.
const MATRIX: usize = 30;

/// One kind of mistake: true class, predicted class, count.
pub(super) struct Confusion<'a> {
    pub(super) truth: &'a str,
    pub(super) prediction: &'a str,
    pub(super) times: usize,
    /// Examples of the true class.
    pub(super) of: usize,
}

fn class(run: &Run, index: usize) -> &str {
    run.classes.get(index).map_or("?", String::as_str)
}

/// The confusion matrix, unless there are too many classes to read it.
pub(super) fn matrix(run: &Run, end: &RunEnd) -> Option<Drawing> {
    let confusion = &end.answers.confusion;
    let n = confusion.len();
    if n == 0 || n > MATRIX || confusion.iter().any(|row| row.len() != n) {
        return None;
    }
    let rows: Vec<usize> = confusion.iter().map(|row| sum(row.iter())).collect();
    let columns: Vec<usize> = (0..n).map(|j| sum(confusion.iter().map(|row| &row[j]))).collect();
    let cell = |i: usize, j: usize| {
        let times = confusion[i][j];
        let share = times as f64 / rows[i].max(1) as f64;
        Cell {
            text: if times == 0 { String::new() } else { count(times) },
            // The square root makes rare mistakes visible.
            shade: if times == 0 { 0.0 } else { 0.1 + 0.9 * share.sqrt() },
            hover: format!(
                "{} taken for {}: {} of {} ({})",
                class(run, i),
                class(run, j),
                count(times),
                count(rows[i]),
                percent(share)
            ),
        }
    };
    let share = |hit: usize, of: usize| if of == 0 { "–".into() } else { percent(hit as f64 / of as f64) };
    let right = sum((0..n).map(|i| &confusion[i][i]));
    let map = HeatMap {
        caption: Caption {
            name: "confusion-matrix",
            title: format!("Confusion matrix on the {} part", end.answers.part),
            description: format!("{} of {} examples are right.", count(right), count(sum(rows.iter()))),
        },
        labels: (0..n).map(|i| class(run, i).to_string()).collect(),
        axes: ("true".into(), "predicted".into()),
        cells: (0..n).map(|i| (0..n).map(|j| cell(i, j)).collect()).collect(),
        beside: ("recall".into(), (0..n).map(|i| share(confusion[i][i], rows[i])).collect()),
        below: ("precision".into(), (0..n).map(|j| share(confusion[j][j], columns[j])).collect()),
    };
    Some(map.draw())
}

/// The classes with the lowest recall, where a matrix would be too large.
pub(super) fn hardest(run: &Run, end: &RunEnd) -> Option<Drawing> {
    let confusion = &end.answers.confusion;
    if confusion.len() <= MATRIX {
        return None;
    }
    let mut recalls: Vec<(usize, usize, usize)> = confusion
        .iter()
        .enumerate()
        .map(|(i, row)| (i, row.get(i).copied().unwrap_or(0), sum(row.iter())))
        .filter(|(_, _, of)| *of > 0)
        .collect();
    recalls.sort_by(|a, b| (a.1 as u128 * b.2 as u128).cmp(&(b.1 as u128 * a.2 as u128)));
    let bars: Vec<Bar> = recalls
        .iter()
        .take(15)
        .map(|&(i, hit, of)| Bar {
            name: class(run, i).to_string(),
            share: hit as f64 / of as f64,
            value: format!("{} of {}", count(hit), count(of)),
        })
        .collect();
    let caption = Caption {
        name: "hardest-classes",
        title: format!("Hardest classes of the {} part, by recall", end.answers.part),
        description: format!("Of {} classes the {} found least.", count(confusion.len()), bars.len()),
    };
    Some(Bars { caption, width: 460.0, bars }.draw())
}

/// Confusions, most frequent first.
pub(super) fn confusions<'a>(run: &'a Run, end: &'a RunEnd) -> Vec<Confusion<'a>> {
    let mut all = Vec::new();
    for (i, row) in end.answers.confusion.iter().enumerate() {
        let of = sum(row.iter());
        for (j, &times) in row.iter().enumerate().filter(|(j, times)| *j != i && **times > 0) {
            all.push(Confusion { truth: class(run, i), prediction: class(run, j), times, of });
        }
    }
    all.sort_by_key(|c| std::cmp::Reverse(c.times));
    all
}

/// Predicted probabilities against what came true.
pub(super) fn calibration(run: &Run, end: &RunEnd) -> Option<Drawing> {
    let drawable = |bin: &&CalibrationBin| {
        [bin.predicted, bin.observed, bin.low, bin.high].iter().all(|share| (0.0..=1.0).contains(share))
    };
    let bin = |bin: &CalibrationBin| ReliabilityBin {
        ends: bin_ends(bin_of(bin.predicted)),
        count: bin.count,
        predicted: bin.predicted,
        observed: bin.observed,
        interval: [bin.low, bin.high],
        hover: format!(
            "Predicted {}, came true {} ({} to {}) of {}",
            fixed(bin.predicted, 3),
            fixed(bin.observed, 3),
            fixed(bin.low, 3),
            fixed(bin.high, 3),
            plural(bin.count, "prediction")
        ),
    };
    let bins: Vec<ReliabilityBin> = end.answers.calibration.iter().filter(drawable).map(bin).collect();
    if bins.is_empty() {
        return None;
    }
    let of = match run.task {
        Some(Task::Binary) => shorten(class(run, 1), 30),
        Some(Task::Multilabel) => "a label".into(),
        _ => "the likeliest class".into(),
    };
    let caption = Caption {
        name: "calibration",
        title: format!("Calibration on the {} part", end.answers.part),
        description: format!(
            "How often {of} was right, by its probability: {} in {}; on the dashed line they are equal.",
            plural(sum(end.answers.calibration.iter().map(|bin| &bin.count)), "prediction"),
            plural(bins.len(), "bin")
        ),
    };
    Some(
        Reliability {
            caption,
            size: (460.0, 420.0),
            axes: (format!("predicted probability of {of}"), "share that came true".into()),
            bins,
        }
        .draw(),
    )
}

/// Predictions against true values.
pub(super) fn predicted(run: &Run, end: &RunEnd) -> Option<Drawing> {
    let points = finite(end)?;
    let caption = Caption {
        name: "predicted-against-true",
        title: format!("Predicted against true {}, {} part", target(run), end.answers.part),
        description: format!("{} examples; on the dashed line a prediction is exact.", count(points.len())),
    };
    let axes = ("true".into(), "predicted".into());
    Some(Scatter { caption, size: (460.0, 400.0), axes, points, ideal: 1.0 }.draw())
}

/// Residuals (true − predicted) against predictions.
pub(super) fn residuals(run: &Run, end: &RunEnd) -> Option<Drawing> {
    let points: Vec<(f64, f64)> = finite(end)?.into_iter().map(|(truth, answer)| (answer, truth - answer)).collect();
    let mean = points.iter().map(|p| p.1).sum::<f64>() / points.len() as f64;
    let caption = Caption {
        name: "residuals",
        title: format!("Residuals of {}, {} part", target(run), end.answers.part),
        description: format!("True minus predicted; their mean is {}.", number(mean, 3)),
    };
    let axes = ("predicted".into(), "true − predicted".into());
    Some(Scatter { caption, size: (460.0, 400.0), axes, points, ideal: 0.0 }.draw())
}

/// The saturating sum: a log that was tampered with may hold counts that overflow.
fn sum<'a>(counts: impl Iterator<Item = &'a usize>) -> usize {
    counts.fold(0, |sum, count| sum.saturating_add(*count))
}

fn finite(end: &RunEnd) -> Option<Vec<(f64, f64)>> {
    let points: Vec<_> = end.answers.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    (!points.is_empty()).then_some(points)
}

fn target(run: &Run) -> String {
    run.targets.first().cloned().unwrap_or_else(|| "values".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn confusions_are_counted_and_ordered() {
        let run = Run::new(&samples::classes(60, 5));
        let end = run.end.as_ref().unwrap();
        let all = confusions(&run, end);
        assert!(all.windows(2).all(|pair| pair[0].times >= pair[1].times));
        let wrong: usize = all.iter().map(|c| c.times).sum();
        let counted: usize =
            end.answers.confusion.iter().enumerate().map(|(i, row)| row.iter().sum::<usize>() - row[i]).sum();
        assert_eq!(wrong, counted);
        assert!(matrix(&run, end).is_none() && hardest(&run, end).is_some());
    }

    #[test]
    fn a_matrix_shows_recall_and_precision() {
        let run = Run::new(&samples::binary());
        let svg = matrix(&run, run.end.as_ref().unwrap()).unwrap().inline();
        // 68 of 72 benign are found; 68 of 71 predicted benign are benign.
        assert!(svg.contains("94.4\u{a0}%") && svg.contains("95.8\u{a0}%"), "{svg}");
    }
}
