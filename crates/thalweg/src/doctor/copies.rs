//! Whether rows of dev or test are those that the network is trained on.

use std::collections::HashSet;

use super::subject::Subject;
use crate::data::examples::Examples;
use crate::error::{Result, advice};
use crate::findings::{Finding, Severity, percent};

/// Rows that are in both splits by chance: of continuous columns none are.
const EQUAL: f64 = 0.05;
/// With a quarter of copies, a metric says more of memory than of the model.
const MANY: f64 = 0.25;
/// A copy is fifty times nearer to a row of train than rows usually are. Of rows along a line, every twentieth would be by
/// chance; of rows in a plane, every five-hundredth.
const NEAR: f64 = 0.02;
/// Differences of inputs that are computed: some seconds.
const DIFFERENCES: usize = 1 << 31;

/// The finding that a share of rows are copies of those of train.
fn copied(share: f64, title: String, evidence: String) -> Finding {
    Finding::new(
        if share > MANY { Severity::Severe } else { Severity::Warning },
        title,
        evidence,
        advice!("remove the copies, or keep them together by a column that they share: [group]"),
        "the metrics fall to what the model will reach on new rows",
    )
}

/// Rows of dev or test that the network is trained on, too.
pub(super) fn equal_rows_across_splits(subject: &Subject) -> Result<Option<Finding>> {
    let data = subject.data()?;
    let train = &data.parts.train;
    if data.on_disk.is_some() || train.rows == 0 {
        return Ok(None);
    }
    let width = train.columns.max(1);
    let content = |row: &[f32]| row.iter().map(|x| x.to_bits()).collect::<Vec<u32>>();
    // Rows of few categories are equal by chance; numbers that hardly recur make copies tell.
    let distinct =
        |column: usize| train.x.chunks_exact(width).map(|row| row[column].to_bits()).collect::<HashSet<u32>>().len();
    if (0..train.columns).map(distinct).max().unwrap_or(0) * 5 < train.rows {
        return Ok(None);
    }
    let known: HashSet<Vec<u32>> = train.x.chunks_exact(width).map(content).collect();
    for (name, part) in [("dev", &data.parts.dev), ("test", &data.parts.test)] {
        let equal: Vec<usize> = part
            .x
            .chunks_exact(width)
            .enumerate()
            .filter(|(_, row)| known.contains(&content(row)))
            .map(|(row, _)| row)
            .collect();
        let share = equal.len() as f64 / part.rows.max(1) as f64;
        if part.on_disk.is_some() || share <= EQUAL {
            continue;
        }
        let lines: Vec<String> =
            equal.iter().take(3).filter_map(|row| part.source_lines.get(*row)).map(u64::to_string).collect();
        return Ok(Some(copied(
            share,
            format!("rows of {name} are trained on, too"),
            format!(
                "{} of {} rows of {name} have the same inputs as a row of train (lines {}, …)",
                equal.len(),
                part.rows,
                lines.join(", ")
            ),
        )));
    }
    Ok(None)
}

/// Rows of dev or test that hardly differ from a row that the network is trained on: rounded, measured twice, or written down
/// once more.
pub(super) fn near_copies_across_splits(subject: &Subject) -> Result<Option<Finding>> {
    let data = subject.data()?;
    let train = &data.parts.train;
    for (name, part) in [("dev", &data.parts.dev), ("test", &data.parts.test)] {
        let rows = DIFFERENCES / (train.rows * train.columns).max(1);
        if train.on_disk.is_some() || part.on_disk.is_some() || rows.min(part.rows) < 20 {
            continue;
        }
        let each = part.rows.div_ceil(rows.min(2_000));
        let nearest: Vec<(usize, usize, f64)> = (0..part.rows)
            .step_by(each)
            .filter_map(|row| nearest(train, part, row).map(|(other, distance)| (row, other, distance)))
            .collect();
        let mut distances: Vec<f64> = nearest.iter().map(|(.., distance)| *distance).collect();
        distances.sort_by(f64::total_cmp);
        let Some(usual) = distances.get(distances.len() * 9 / 10) else { continue };
        let near: Vec<_> = nearest.iter().filter(|(.., d)| *d > 0.0 && *d < NEAR * usual).collect();
        let share = near.len() as f64 / nearest.len() as f64;
        if share <= EQUAL {
            continue;
        }
        let line = |examples: &Examples, row: usize| examples.source_lines.get(row).copied().unwrap_or_default();
        let pairs = near.iter().take(3).map(|(a, b, _)| format!("{} and {}", line(part, *a), line(train, *b)));
        return Ok(Some(copied(
            share,
            format!("rows of {name} are nearly rows that are trained on"),
            format!(
                "{} of {name}'s rows are {} times nearer to a row of train than nine in ten others (lines {}, …)",
                percent(share),
                (1.0 / NEAR).round(),
                pairs.collect::<Vec<_>>().join(", ")
            ),
        )));
    }
    Ok(None)
}

/// The row of train that is nearest to one of `part`, and its distance.
fn nearest(train: &Examples, part: &Examples, row: usize) -> Option<(usize, f64)> {
    let width = train.columns.max(1);
    let row = &part.x[row * width..][..width];
    let distance = |other: &[f32]| row.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    let others = train.x.chunks_exact(width).map(distance).enumerate();
    others.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(other, square)| (other, f64::from(square).sqrt()))
}
