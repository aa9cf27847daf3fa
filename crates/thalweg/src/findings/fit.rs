//! How well the network fits the training rows, and others: the course's table of gaps, and its curves.

use super::facts::Facts;
use super::{Finding, Severity, percent, round, short};
use crate::error::advice;
use crate::task::Task;

/// Gaps below this are not worth a remedy of their own: two points of a hundred.
const GAP: f64 = 0.02;

/// A network without hidden layers that explains next to nothing.
pub(super) fn no_hidden_layers(facts: &Facts) -> Option<Finding> {
    let open = facts.left_open(|parts| &parts.train)?;
    (facts.learned_little() && !facts.has_hidden_layers()).then(|| {
        Finding::new(
            Severity::Severe,
            "a network without hidden layers cannot tell the answer",
            format!("it leaves {} open on the rows it was trained on", percent(open)),
            "[layers=64,32]",
            "products and exclusive combinations of columns can be learned",
        )
    })
}

/// A network that hardly fits its own training rows.
pub(super) fn high_bias(facts: &Facts) -> Option<Finding> {
    let open = facts.left_open(|parts| &parts.train)?;
    // 20 % is little even for data with much noise; a constant leaves 100 %.
    (open > 0.8).then(|| {
        Finding::new(
            if open > 0.95 { Severity::Severe } else { Severity::Warning },
            "the network hardly fits the rows it was trained on (high bias)",
            format!("it leaves {} open on the train part, where a constant answer leaves all", percent(open)),
            advice!("train a larger network for longer: [layers=128,64] [epochs={}]", 2 * facts.run.planned),
            "the train error falls first, the dev error with it; if neither does, the columns do not tell the answer",
        )
    })
}

/// The gap between what people can do and the training rows.
pub(super) fn avoidable_bias(facts: &Facts) -> Option<Finding> {
    let (metrics, human) = (facts.metrics()?, facts.human_level?);
    let (train, dev) = (facts.error(&metrics.train)?, facts.error(&metrics.dev)?);
    let (bias, variance) = (train.value - human, dev.value - train.value);
    (bias > GAP && bias >= variance && train.low > human).then(|| {
        Finding::new(
            Severity::Warning,
            "avoidable bias is the largest gap",
            format!("error of people {}, train {}, dev {}", percent(human), percent(train.value), percent(dev.value)),
            advice!("train a larger network for longer: [layers=128,64] [epochs={}]", 2 * facts.run.planned),
            "the train error comes closer to that of people",
        )
    })
}

/// The gap between training rows and others.
pub(super) fn high_variance(facts: &Facts) -> Option<Finding> {
    let metrics = facts.metrics()?;
    let (train, dev) = (facts.error(&metrics.train)?, facts.error(&metrics.dev)?);
    let gap = dev.value - train.value;
    let rising = dev_loss_rise(facts);
    // Beyond chance, and either large or much larger than the train error itself.
    let gaping = dev.low > train.high && gap > 2.0 * GAP && (gap > 0.1 || dev.value > 3.0 * train.value);
    if !gaping {
        return None;
    }
    let rises =
        rising.map_or(String::new(), |rise| format!("; the dev loss ends {} times above its best", short(rise)));
    // λ/m = 0.1 takes a tenth of each weight back where the loss pulls with 1.
    let l2 = round(facts.run.examples.train as f64 / 10.0);
    Some(Finding::new(
        if gap > 0.1 { Severity::Warning } else { Severity::Hint },
        "the network does much worse on rows it has not seen (high variance)",
        format!(
            "error on train {}, on dev {} (95 % interval {} to {}){rises}",
            percent(train.value),
            percent(dev.value),
            percent(dev.low),
            percent(dev.high)
        ),
        advice!("get more rows, or restrain the network: [dropout=0.5] [l2={}]", l2),
        "the train error rises a little, and the dev error falls",
    ))
}

/// How many times its best the dev loss is in the end, if it rises for good.
fn dev_loss_rise(facts: &Facts) -> Option<f64> {
    let losses: Vec<f64> = facts.run.epochs.iter().filter_map(|epoch| epoch.dev_loss).collect();
    let best = losses.iter().copied().min_by(f64::total_cmp)?;
    let rise = losses.last()? / best.max(f64::MIN_POSITIVE);
    (rise > 1.2).then_some(rise)
}

/// Test rows that are harder than dev rows beyond chance.
pub(super) fn dev_test_mismatch(facts: &Facts) -> Option<Finding> {
    let metrics = facts.metrics()?;
    let (dev, test) = (facts.error(&metrics.dev)?, facts.error(&metrics.test)?);
    (test.low > dev.high + GAP).then(|| {
        Finding::new(
            Severity::Warning,
            "the network does worse on test than on dev, beyond chance",
            format!(
                "error on dev {} (up to {}), on test {} (from {})",
                percent(dev.value),
                percent(dev.high),
                percent(test.value),
                percent(test.low)
            ),
            "let dev and test come from one distribution: split both off the same rows, by [group] or [time] where rows hang together",
            "what is chosen on dev is then good on test",
        )
    })
}

/// Answers that are the same for every row.
pub(super) fn constant_answers(facts: &Facts) -> Option<Finding> {
    let answers = &facts.run.end.as_ref()?.answers;
    let evidence = if facts.regression() {
        let spread = |value: fn(&(f64, f64)) -> f64| deviation(answers.points.iter().map(value));
        let (truth, predicted) = (spread(|point| point.0)?, spread(|point| point.1)?);
        // A twentieth: they explain at most a tenth of the variance (r·s/σ with r = 1 makes 2·0.05).
        (truth > 0.0 && predicted < 0.05 * truth)
            .then(|| format!("predictions have a deviation of {}, the truth of {}", short(predicted), short(truth)))?
    } else {
        let rows = &answers.confusion;
        let predicted: Vec<usize> =
            (0..rows.len()).filter(|class| rows.iter().any(|row| row.get(*class).is_some_and(|n| *n > 0))).collect();
        let true_classes = rows.iter().filter(|row| row.iter().sum::<usize>() > 0).count();
        let [only] = predicted[..] else { return None };
        (true_classes > 1).then(|| {
            format!(
                "class {:?} is predicted for every row of {}",
                facts.run.classes.get(only).map_or("", |c| c),
                answers.part
            )
        })?
    };
    let learned = !facts.learned_little();
    if learned && facts.run.task == Some(Task::Binary) {
        // The probabilities tell the rows apart.
        return Some(Finding::new(
            Severity::Severe,
            "every row gets the same answer, for its probability never reaches the threshold",
            evidence,
            "let dev choose it: [threshold=f1]",
            "both classes are predicted",
        ));
    }
    Some(Finding::new(
        if learned { Severity::Warning } else { Severity::Severe },
        "the network answers the same for every row",
        evidence,
        advice!(
            "look at the columns with thalweg inspect; train longer with the usual settings: [epochs={}]",
            2 * facts.run.planned
        ),
        "answers follow the inputs, or the columns tell nothing",
    ))
}

fn deviation(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    (count > 1.0).then(|| (values.map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt())
}

/// A dev loss that was still falling in the last epoch.
pub(super) fn still_improving(facts: &Facts) -> Option<Finding> {
    let run = facts.run;
    let losses: Vec<f64> = run.epochs.iter().filter_map(|epoch| epoch.dev_loss).collect();
    let done = run.end.as_ref().is_some_and(|end| end.reason.contains("all epochs")) && run.epochs.len() >= run.planned;
    let (last, before) = (*losses.last()?, losses[losses.len() - 1 - losses.len().div_ceil(4).min(losses.len() - 1)]);
    let best = losses.iter().copied().min_by(f64::total_cmp)?;
    let start = run.first_cost.unwrap_or(losses[0]);
    // In the last quarter of the epochs, of all that was gained: a curve that has settled gains next to nothing there.
    let share = (before - last) / (start - last).max(f64::MIN_POSITIVE);
    if !done || last > best * 1.001 || !(share > 0.1 && last < start) {
        return None;
    }
    Some(Finding::new(
        Severity::Warning,
        "training ended while the network was still getting better",
        format!(
            "the dev loss fell from {} to {} in the last quarter of {} epochs: {} of all that it gained",
            short(before),
            short(last),
            losses.len(),
            percent(share)
        ),
        advice!("[epochs={}]", (run.planned * if share > 0.2 { 10 } else { 3 }).max(20)),
        "the dev loss goes on falling until it settles",
    ))
}

/// A cost that stopped falling early, and high.
pub(super) fn plateau(facts: &Facts) -> Option<Finding> {
    let costs: Vec<f64> = facts.run.epochs.iter().map(|epoch| epoch.cost).collect();
    let first = facts.run.first_cost?;
    if costs.len() < 9 {
        return None;
    }
    let (third, last) = (costs[costs.len() / 3], *costs.last()?);
    // Two thirds of the epochs for less than 1 % of what the cost began with, while half of it is left.
    let stuck = (third - last).abs() < 0.01 * first && last > 0.5 * first;
    stuck.then(|| {
        Finding::new(
            Severity::Hint,
            "the cost stopped falling early",
            format!(
                "{} before the first step, {} after a third of the epochs, {} in the end",
                short(first),
                short(third),
                short(last)
            ),
            "try another rate, as thalweg lr-find suggests: [learning_rate]",
            "the cost falls further, or the columns tell no more",
        )
    })
}
