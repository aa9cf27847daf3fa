//! Whether train, dev and test are of one distribution: of inputs, and of answers to them.

use super::subject::Subject;
use crate::config::Config;
use crate::data::arrays::Arrays;
use crate::data::dataset::Dataset;
use crate::data::examples::Examples;
use crate::data::schema::Role;
use crate::data::shift;
use crate::data::source::{self, Source};
use crate::error::{Advice, Result};
use crate::event::Event;
use crate::findings::{Finding, Mistaken, Severity, percent, short};
use crate::run;
use crate::task::Task;

/// Rows of each side that a network is shown, and the most inputs that they have together.
const ROWS: usize = 2_000;
const INPUTS: usize = 1 << 26;
/// Where a classifier tells the sides apart in more than six pairs of ten, for certain: 0.5 is chance.
const TOLD_APART: f64 = 0.6;
/// A gap that is worth a remedy: four points of a hundred.
const GAP: f64 = 0.04;

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
    let mut x = inputs(one)?;
    x.extend(inputs(other)?);
    let side = |name: &str, examples: &Examples| vec![name.to_string(); sampled(examples).count()];
    let answers = [side("one", one), side("other", other)].concat();
    let arrays = Arrays::new("rows of two splits", &[one.columns], x)?.with_answers("split", answers)?;
    let config = small_network(subject)?.with([("class_weights", "balanced"), ("split", "0.6,0.1,0.3")])?;
    let data = Dataset::from_arrays(&arrays, None, None, &config)?;
    let trained = run::train_on(&config, &data, None, &mut |_: &Event| ())?;
    let auc = trained.model.provenance.metrics.test.get("roc_auc").copied();
    Ok(auc.map(|auc| (auc.value, auc.low.unwrap_or(0.0), auc.high.unwrap_or(1.0))))
}

/// As many rows as a network is shown, evenly.
fn sampled(examples: &Examples) -> impl Iterator<Item = usize> {
    let most = (INPUTS / examples.columns.max(1)).clamp(1, ROWS);
    (0..examples.rows).step_by(examples.rows.div_ceil(most).max(1))
}

/// The inputs of these rows.
fn inputs(examples: &Examples) -> Result<Vec<f32>> {
    let mut x = Vec::new();
    for row in sampled(examples) {
        x.extend_from_slice(&examples.inputs(row)?);
    }
    Ok(x)
}

/// A network that learns within a second what a few thousand rows tell.
fn small_network(subject: &Subject) -> Result<Config> {
    let seed = subject.config.train.seed.to_string();
    Config::default().with([
        ("layers", "32"),
        ("epochs", "20"),
        ("batch_size", "64"),
        ("baselines", "false"),
        ("importance", "false"),
        ("seed", &*seed),
    ])
}

/// The course's gap between train-dev and dev: rows of train that are not trained on tell how well a network does on unseen
/// rows of the same distribution, and what dev is worse by is the other distribution.
pub(super) fn data_mismatch(subject: &Subject) -> Result<Option<Finding>> {
    let data = subject.data()?;
    let (train, dev) = (&data.parts.train, &data.parts.dev);
    let apart = data.own_dev || subject.config.splits_by_time();
    let one_target = data.task != Task::Multilabel && data.target.columns.len() == 1;
    if !apart || !one_target || train.rows < 100 || dev.rows < 20 {
        return Ok(None);
    }
    let regression = data.task == Task::Regression;
    let arrays = |examples: &Examples| {
        let answer = |row: usize| match examples.y[row * examples.targets] {
            y if regression => y.to_string(),
            class => format!("class {class}"),
        };
        Arrays::new("rows of a split", &[examples.columns], inputs(examples)?)?
            .with_answers("answer", sampled(examples).map(answer))
    };
    let config = small_network(subject)?.with([("split", "0.75,0.25,0")])?;
    let parts = Dataset::from_arrays(&arrays(train)?, None, Some(&arrays(dev)?), &config)?;
    let metrics = run::train_on(&config, &parts, None, &mut |_: &Event| ())?.model.provenance.metrics;
    let [train, held_out, dev] =
        [&metrics.train, &metrics.dev, &metrics.test].map(|metrics| Mistaken::of(metrics, regression));
    let (Some(train), Some(held_out), Some(dev)) = (train, held_out, dev) else { return Ok(None) };
    Ok((dev.low > held_out.high && dev.value - held_out.value > GAP).then(|| {
        Finding::new(
            Severity::Warning,
            "what holds in train does not hold in dev (data mismatch)",
            format!(
                "error of a small network on rows of train {}, on others of train that it was not trained on (train-dev) {}, on dev {} (95 % interval {} to {})",
                percent(train.value),
                percent(held_out.value),
                percent(dev.value),
                percent(dev.low),
                percent(dev.high)
            ),
            Advice::words("collect training rows like those of dev, or move a part of dev's into train"),
            "the gap between train-dev and dev closes",
        )
    }))
}

/// The columns of tables whose distributions differ, with their distances.
fn differing_columns(subject: &Subject, data: &Dataset, part: &str) -> Result<Vec<(f64, String)>> {
    let named = if part == "dev" { &subject.config.data.dev } else { &subject.config.data.test };
    let (Some(one), Some(path)) = (subject.table()?, named) else { return Ok(Vec::new()) };
    let Source::Table(mut reader) = source::open(path, &subject.config.data)? else { return Ok(Vec::new()) };
    Ok(shift::differing(one, &reader.read_rest()?, &data.schema))
}
