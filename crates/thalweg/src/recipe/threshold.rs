//! Whether there can be a threshold as it is asked for.

use super::facts::Facts;
use crate::config::Threshold;
use crate::error::{Error, Result};
use crate::task::Task;

/// Checks that a threshold is of use for the task, and that dev can choose it where it is to.
///
/// # Errors
/// If not.
pub(super) fn check(facts: &Facts) -> Result<()> {
    let Some(threshold) = &facts.config.train.threshold else { return Ok(()) };
    let data = facts.data;
    let wrong = |message: String| Error::config(message).at("--threshold");
    if !matches!(data.task, Task::Binary | Task::Multilabel) {
        let error = wrong(format!("there is no threshold for {}", data.task));
        return Err(error.fix("leave [threshold] out: it is for two classes, or labels"));
    }
    let Threshold::By(rule) = threshold else { return Ok(()) };
    let dev = &data.parts.dev;
    let both = |label: usize| {
        let kinds = || dev.y.iter().skip(label).step_by(data.target.width()).map(|y| *y > 0.5);
        kinds().any(|positive| positive) && kinds().any(|positive| !positive)
    };
    if !(0..data.target.width()).any(both) {
        let error =
            wrong(format!("no threshold can be chosen by {rule}: dev's {} rows are not of both kinds", dev.rows));
        return Err(error.fix("use a larger dev part: [split=0.6,0.2,0.2], or a number: [threshold=0.3]"));
    }
    Ok(())
}
