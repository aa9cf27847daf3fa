//! What is suspicious in data, on the terminal.

use std::path::Path;

use thalweg::run::{EqualRows, SuspectAnswer, Suspects};

use super::{BOLD, grouped, line, on_a_line, short, table};

/// The most rows and groups of rows that are shown; the file has all.
const SHOWN: usize = 10;

/// The most suspicious of each kind, and the file with all.
pub(crate) fn suspects(found: &Suspects, file: &Path) -> std::io::Result<()> {
    let Suspects { rows, answers, equal, columns, not_looked_at } = found;
    let numbers = answers.iter().any(|suspect| suspect.score.abs() > 1.0);
    let how = if numbers { "far from" } else { "contradicted by" };
    line("")?;
    line(&format!(
        "{BOLD}{} of {} answers are {how} what models say that were not trained on the row{BOLD:#}",
        grouped(answers.len()),
        grouped(*rows)
    ))?;
    if !answers.is_empty() {
        let score = if numbers { "units off" } else { "margin" };
        let mut cells = vec![["", "target", "given", "expected", score].map(String::from).to_vec()];
        cells.extend(answers.iter().take(SHOWN).map(|suspect| {
            let SuspectAnswer { line, file, target, given, expected, score } = suspect;
            let place = file.clone().unwrap_or_else(|| format!("line {line}"));
            let of = |text: &String| text.parse::<f64>().ok().filter(|_| numbers).map_or(text.clone(), short);
            vec![place, target.clone(), of(given), of(expected), short(*score)]
        }));
        table(&cells)?;
        more(answers.len())?;
    }
    if let Some(why) = not_looked_at {
        line("")?;
        line(why)?;
    }
    let several = equal.iter().filter(|rows| rows.answers.len() > 1);
    groups_of_rows("equal inputs and different answers", several.collect())?;
    let across = equal.iter().filter(|rows| rows.across_folds);
    groups_of_rows("equal inputs in different folds, trained on and tested", across.collect())?;
    for column in columns {
        line("")?;
        line(&format!(
            "{BOLD}the column {} alone tells {}{BOLD:#}: it leaves {:.2} % open. Is it known before the answer is?",
            column.column,
            column.target,
            100.0 * column.left_open
        ))?;
    }
    line("")?;
    line(&format!("all      {}", file.display()))
}

/// The first of some groups of equal rows, which have something.
fn groups_of_rows(what: &str, groups: Vec<&EqualRows>) -> std::io::Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    line("")?;
    let count = groups.iter().map(|group| group.lines.len()).sum();
    line(&format!("{BOLD}{} rows have {what}{BOLD:#}", grouped(count)))?;
    for group in groups.iter().take(SHOWN) {
        let lines: Vec<String> = group.lines.iter().take(SHOWN).map(u64::to_string).collect();
        let rest = if group.lines.len() > SHOWN { ", …" } else { "" };
        line(&on_a_line(&format!("lines {}{rest}: {}", lines.join(", "), group.answers.join(" or "))))?;
    }
    more(groups.len())
}

fn more(count: usize) -> std::io::Result<()> {
    if count > SHOWN { line(&format!("… and {} more", grouped(count - SHOWN))) } else { Ok(()) }
}
