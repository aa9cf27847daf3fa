//! What the answers on held-out rows show.

use super::facts::Facts;
use super::{Finding, Severity, percent, round};
use crate::error::advice;
use crate::task::Task;

/// A class this rare is hidden by accuracy (Google's machine learning guides call below 20 % imbalanced, below 1 % extremely).
const RARE: f64 = 0.1;

/// A model that is wrong more often than this does not know enough to doubt labels.
const MOSTLY_RIGHT: f64 = 0.35;

/// A rare class that the model overlooks, behind a high accuracy.
pub(super) fn class_imbalance(facts: &Facts) -> Option<Finding> {
    let run = facts.run;
    let counts = &run.training_rows.as_ref()?.classes;
    let confusion = &run.end.as_ref()?.answers.confusion;
    let total: f64 = counts.iter().map(|count| *count as f64).sum();
    if counts.len() < 2 || run.task == Some(Task::Multilabel) || confusion.len() != counts.len() {
        return None;
    }
    let rarest = (0..counts.len()).min_by_key(|class| counts[*class])?;
    let share = counts[rarest] as f64 / total;
    // Of many equally frequent classes each is rare.
    let expected = RARE * 2.0 / counts.len() as f64;
    let seen = confusion[rarest].iter().fold(0, |seen: usize, count| seen.saturating_add(*count));
    let recall = confusion[rarest][rarest] as f64 / seen as f64;
    if share > expected || seen == 0 || recall >= 0.5 {
        return None;
    }
    let accuracy = facts.metrics().and_then(|metrics| facts.error(&metrics.dev)).map(|error| 1.0 - error.value);
    let class = run.classes.get(rarest).map_or("", |class| class);
    let balanced = "[class_weights=balanced] [monitor=f1_macro]";
    Some(Finding::new(
        Severity::Warning,
        format!("accuracy hides that class {class:?} is overlooked"),
        format!(
            "{} of the training rows have it, and {} of {seen} such held-out rows are found{}",
            percent(share),
            confusion[rarest][rarest],
            accuracy.map_or(String::new(), |accuracy| format!(", at an accuracy of {}", percent(accuracy)))
        ),
        if counts.len() == 2 {
            "look at f1_macro, and choose the threshold by it: [threshold=f1] [monitor=f1_macro]"
        } else {
            balanced
        },
        "more rows of the rare class are found; accuracy may fall a little, f1_macro rises",
    ))
}

/// A forecast that errs more than a simple one.
pub(super) fn beaten_by_a_simple_forecast(facts: &Facts) -> Option<Finding> {
    let scores = facts.run.forecast.as_ref()?;
    let (network, simple) = scores.forecasters.split_first()?;
    let best = simple.iter().min_by(|a, b| a.all.rmse.total_cmp(&b.all.rmse))?;
    let [own, other] = [network, best].map(|one| one.all.rmse);
    (other < own).then(|| {
        Finding::new(
            Severity::Warning,
            format!("the simple forecast {:?} errs less than the network", best.name),
            format!("RMSE {} and {}, from {} steps of {}", round(other), round(own), scores.origins, scores.part),
            "give it a longer or a shorter past with [window], or columns that tell of what is to come with [known]",
            "its error falls below that of the simple forecast, if the past tells more",
        )
    })
}

/// Probabilities that are surer than the answers are right.
pub(super) fn overconfident(facts: &Facts) -> Option<Finding> {
    let (run, end) = (facts.run, facts.run.end.as_ref()?);
    let metrics = if end.metrics.test.is_empty() { &end.metrics.dev } else { &end.metrics.test };
    let ece = metrics.get("ece")?;
    // Five points beyond what chance adds.
    let over: f64 = end
        .answers
        .calibration
        .iter()
        .map(|bin| bin.count as f64 * (bin.predicted - bin.observed) * if bin.predicted > 0.5 { 1.0 } else { -1.0 })
        .sum();
    (ece.low.unwrap_or(0.0) > 0.05 && over > 0.0).then(|| {
        let scaled = run.decisions.iter().any(|decision| decision.what.contains("temperature"));
        Finding::new(
            Severity::Warning,
            "probabilities are too high",
            format!(
                "they are {} off on average (ECE; at least {})",
                percent(ece.value),
                percent(ece.low.unwrap_or(0.0))
            ),
            if scaled { "restrain the network: [weight_decay=0.1]" } else { "[temperature_scaling=true]" },
            "of what is predicted with a probability of 0.8, four in five come true",
        )
    })
}

/// Held-out rows that contradict their labels even where the model is surest.
///
/// A model that knows the classes errs where they meet, and hardly where it is sure; wrong labels lie anywhere, so that no
/// answer can be surer than they are rare (Northcutt, Jiang and Chuang 2021).
pub(super) fn suspect_labels(facts: &Facts) -> Option<Finding> {
    let end = facts.run.end.as_ref()?;
    if facts.learned_little() || facts.regression() || facts.run.task == Some(Task::Multilabel) {
        return None;
    }
    let binary = facts.run.task == Some(Task::Binary);
    let mut bins: Vec<(f64, f64, f64)> = end
        .answers
        .calibration
        .iter()
        .map(|bin| {
            let sure = binary && bin.predicted < 0.5;
            let wrong = if sure { bin.observed } else { 1.0 - bin.observed };
            (if sure { 1.0 - bin.predicted } else { bin.predicted }, bin.count as f64, wrong)
        })
        .collect();
    bins.sort_by(|a, b| b.0.total_cmp(&a.0));
    let total: f64 = bins.iter().map(|bin| bin.1).sum();
    let (mut rows, mut wrong) = (0.0, 0.0);
    for (_, count, share) in &bins {
        rows += count;
        wrong += count * share;
        if rows >= total / 3.0 {
            break;
        }
    }
    let all: f64 = bins.iter().map(|(_, count, share)| count * share).sum::<f64>() / total;
    let surest = wrong / rows;
    // The surest third errs half as often as all do: errors are not where classes meet.
    let standard_error = (surest * (1.0 - surest) / rows).sqrt();
    (total >= 50.0 && all < MOSTLY_RIGHT && surest - 2.0 * standard_error > 0.05 && surest > 0.5 * all).then(|| {
        Finding::new(
            Severity::Warning,
            "labels contradict the model where it is surest: some are probably wrong",
            format!(
                "of the surest {rows:.0} answers on {} {} are wrong, of all {}; the report lists those most wrong",
                end.answers.part,
                percent(surest),
                percent(all)
            ),
            advice!(
                "list them with thalweg suspects, and correct them; until then hold the network back: [l2={}]",
                round(facts.run.examples.train as f64 / 100.0)
            ),
            "sure answers come true",
        )
    })
}

/// Too few dev rows to tell models apart.
pub(super) fn few_dev_rows(facts: &Facts) -> Option<Finding> {
    let metrics = facts.metrics()?;
    let dev = facts.error(&metrics.dev).filter(|_| !facts.regression())?;
    let half = 0.5 * (dev.high - dev.low);
    // Options that differ by less than ten points cannot be told apart.
    (half > 0.1).then(|| {
        Finding::new(
            Severity::Hint,
            "there are too few dev rows to choose by",
            format!("{} rows tell the error to ± {} only", facts.run.examples.dev, percent(half)),
            "choose by the mean of several folds: thalweg train trains them with folds=5",
            "differences that are not chance can be told",
        )
    })
}
