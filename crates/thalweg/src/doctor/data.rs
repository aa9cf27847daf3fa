//! Whether the data can be learned from honestly: nothing tells the answer that is not known in time, and train, dev and
//! test are of one kind without being the same.

use std::collections::HashSet;

use super::subject::Subject;
use crate::config::Config;
use crate::data::alike::{self, Answer};
use crate::data::arrays::Arrays;
use crate::data::dataset::Dataset;
use crate::data::examples::Examples;
use crate::data::schema::Role;
use crate::data::shift;
use crate::data::source::{self, Source};
use crate::data::target::Target;
use crate::error::{Advice, Result, advice};
use crate::event::Event;
use crate::findings::{Finding, Severity, percent, short};
use crate::run;
use crate::task::Task;

/// Rows of each side that the two-sample classifier is shown.
const ROWS: usize = 2_000;
/// Where it tells the sides apart in more than six pairs of ten, for certain: 0.5 is chance.
const TOLD_APART: f64 = 0.6;
/// Rows that are in both splits by chance: of continuous columns none are.
const EQUAL: f64 = 0.05;
/// With a quarter of copies, a metric says more of memory than of the model.
const MANY: f64 = 0.25;

/// A column that alone tells the answer.
pub(super) fn leakage(subject: &Subject) -> Result<Option<Finding>> {
    let Some(table) = subject.table()? else { return Ok(None) };
    let data = subject.data()?;
    let known = Target::known_rows(table, &data.schema)?;
    // Each cell of a row tells the answer of the row's own copy.
    let copies: HashSet<usize> = alike::equal_inputs(table, &data.schema, &known)
        .into_iter()
        .flat_map(|rows| rows.into_iter().skip(1))
        .collect();
    let rows: Vec<usize> = known.into_iter().filter(|row| !copies.contains(row)).collect();
    if data.task == Task::Multilabel || data.target.columns.len() > 1 || rows.is_empty() {
        return Ok(None);
    }
    let y: Vec<f64> = data.target.encode(table, &rows)?;
    let classes: Vec<usize> = y.iter().map(|y| *y as usize).collect();
    let answer = if data.task == Task::Regression { Answer::Numbers(&y) } else { Answer::Classes(&classes) };
    let mut telling: Vec<(f64, &str)> = Vec::new();
    for column in data.schema.with_role(Role::Feature) {
        let Some(position) = table.position(&column.name) else { continue };
        let open = alike::left_open(table, &data.schema, position, &rows, answer);
        telling.extend(open.filter(|open| *open <= alike::TELLING).map(|open| (open, &*column.name)));
    }
    telling.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some((open, column)) = telling.first() else { return Ok(None) };
    let ignored = subject.config.data.ignore.iter().map(String::as_str);
    let ignore: Vec<&str> = ignored.chain(telling.iter().map(|(_, column)| *column)).collect();
    let others = if telling.len() > 1 { format!(" (and {} more)", telling.len() - 1) } else { String::new() };
    Ok(Some(Finding::new(
        Severity::Severe,
        format!("the column {column:?}{others} alone tells the answer: is it known before the answer is?"),
        format!("it leaves {} open of {} rows’ {}", percent(*open), rows.len(), data.target.columns.join(", ")),
        Advice::words("if it is not, leave it out: ").and(Advice::option("ignore", &ignore.join(","))),
        "the metrics fall to what the model will reach on new rows",
    )))
}

/// Train and other rows from different distributions, by a classifier that tells them apart (Lopez-Paz and Oquab 2017) and
/// by tests of each column.
pub(super) fn distribution_shift(subject: &Subject) -> Result<Option<Finding>> {
    let data = subject.data()?;
    let own_test = subject.config.data.test.is_some();
    let parts = [("dev", &data.parts.dev, data.own_dev), ("test", &data.parts.test, own_test)];
    for (name, part, apart) in parts {
        // Rows that were split off at random are like the others.
        if !(apart || subject.config.splits_by_time()) || part.rows < 20 || data.train_rows() < 20 {
            continue;
        }
        let Some((value, low, high)) = told_apart(subject, &data.parts.train, part)? else { continue };
        if low < TOLD_APART {
            continue;
        }
        let columns = differing_columns(subject, data, name)?;
        let named: Vec<String> =
            columns.iter().take(5).map(|(distance, column)| format!("{column:?} (distance {distance:.2})")).collect();
        let culprits = if named.is_empty() { String::new() } else { format!("; most differ {}", named.join(", ")) };
        // Columns that share less than half of their distribution: what is learned of them does not hold.
        let apart: Vec<&str> = columns.iter().filter(|column| column.0 > 0.5).map(|column| &*column.1).collect();
        let inputs = data.schema.with_role(Role::Feature).count();
        let words = format!("draw {name} from the same rows as train, or collect training rows like those of {name}");
        let advice = if apart.is_empty() || apart.len() * 2 > inputs {
            Advice::words(words)
        } else {
            let ignored =
                subject.config.data.ignore.iter().map(String::as_str).chain(apart).collect::<Vec<_>>().join(",");
            Advice::words(words + "; without the columns that differ: ").and(Advice::option("ignore", &ignored))
        };
        return Ok(Some(Finding::new(
            if low > 0.8 { Severity::Severe } else { Severity::Warning },
            format!("train and {name} are from different distributions"),
            format!(
                "a classifier tells them apart with an AUC of {} (95 % interval {} to {}; 0.5 is chance){culprits}",
                short(value),
                short(low),
                short(high)
            ),
            advice,
            "dev tells how good the model is on the rows it is for",
        )));
    }
    Ok(None)
}

/// The AUC of a small network that is to tell rows of two splits apart, on rows that it has not seen.
fn told_apart(subject: &Subject, one: &Examples, other: &Examples) -> Result<Option<(f64, f64, f64)>> {
    if one.on_disk.is_some() || other.on_disk.is_some() {
        return Ok(None);
    }
    let width = one.columns;
    let (mut x, mut answers) = (Vec::new(), Vec::new());
    for (side, rows) in [("one", one), ("other", other)] {
        for row in rows.x.chunks_exact(width.max(1)).step_by(rows.rows.div_ceil(ROWS).max(1)) {
            x.extend(row);
            answers.push(side.to_string());
        }
    }
    let arrays = Arrays::new("rows of two splits", &[width], x)?.with_answers("split", answers)?;
    let seed = subject.config.train.seed.to_string();
    let config = Config::default().with([
        ("layers", "32"),
        ("epochs", "20"),
        ("batch_size", "64"),
        ("baselines", "false"),
        ("importance", "false"),
        ("class_weights", "balanced"),
        ("split", "0.6,0.1,0.3"),
        ("seed", &*seed),
    ])?;
    let data = Dataset::from_arrays(&arrays, None, None, &config)?;
    let trained = run::train_on(&config, &data, None, &mut |_: &Event| ())?;
    let auc = trained.model.provenance.metrics.test.get("roc_auc").copied();
    Ok(auc.map(|auc| (auc.value, auc.low.unwrap_or(0.0), auc.high.unwrap_or(1.0))))
}

/// The columns of tables whose distributions differ, with their distances.
fn differing_columns(subject: &Subject, data: &Dataset, part: &str) -> Result<Vec<(f64, String)>> {
    let named = if part == "dev" { &subject.config.data.dev } else { &subject.config.data.test };
    let (Some(one), Some(path)) = (subject.table()?, named) else { return Ok(Vec::new()) };
    let Source::Table(mut reader) = source::open(path, &subject.config.data)? else { return Ok(Vec::new()) };
    Ok(shift::differing(one, &reader.read_rest()?, &data.schema))
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
        let places: Vec<String> =
            equal.iter().take(3).filter_map(|row| part.source_lines.get(*row)).map(u64::to_string).collect();
        return Ok(Some(Finding::new(
            if share > MANY { Severity::Severe } else { Severity::Warning },
            format!("rows of {name} are trained on, too"),
            format!(
                "{} of {} rows of {name} have the same inputs as a row of train (lines {}, …)",
                equal.len(),
                part.rows,
                places.join(", ")
            ),
            advice!("remove the copies, or keep them together by a column that they share: [group]"),
            "the metrics fall to what the model will reach on new rows",
        )));
    }
    Ok(None)
}
