//! Ablation of augmentations: the same training without each of them.

use super::baselines::StopOnly;
use super::recorder::RunRecorder;
use super::{evaluate_split, fit, fresh_state};
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::target::Target;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::metrics::Metrics;
use crate::recipe;
use crate::train::{Augmentation, Callback, StopReason};

/// Trains again without each augmentation in turn, and reports the dev metric with and without it.
pub(super) fn ablate(
    config: &Config,
    (data, target): (&Dataset, &Target),
    augmentation: &Augmentation,
    (metric, all): (&str, &Metrics),
    recorder: &mut RunRecorder,
) -> Result<()> {
    let value = |metrics: &Metrics| metrics.get(metric).map(|metric| metric.value);
    let Some(all) = value(all) else {
        let error = Error::config(format!("the metric {metric} is not defined on the dev part"));
        return Err(error.at("augment.ablate_augment").fix("watch another with [monitor]"));
    };
    for (change, _) in augmentation.parts() {
        let mut config = config.clone();
        config.augment = config.augment.without(change);
        let plan = recipe::plan(&config, data)?;
        let mut state = fresh_state(&config, &plan);
        if fit(&config, data, &plan, &mut state, &mut StopOnly(&*recorder))? == StopReason::Interrupted {
            break;
        }
        let (metrics, _) = evaluate_split(data, target, &plan, &state.best_theta, &data.parts.dev)?;
        if let Some(value) = value(&metrics) {
            recorder.event(&Event::Ablation { without: change.into(), metric: metric.into(), all, value });
        }
    }
    Ok(())
}
