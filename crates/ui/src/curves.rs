//! What a run's charts are drawn from, with no more points than a screen can show.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};
use thalweg::event::{Epoch, LayerScale, Phases, Run};

/// Which part of a run is drawn, and with how many points.
#[derive(Debug, Deserialize)]
pub(crate) struct Window {
    #[serde(default = "Window::usual")]
    points: usize,
    from: Option<usize>,
    to: Option<usize>,
}

impl Window {
    fn usual() -> usize {
        800
    }
}

/// A number of a chart, to seven digits; what is not finite is a gap.
#[derive(Debug, Clone, Copy)]
struct Shown(f64);

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() { serializer.serialize_f64(self.0) } else { serializer.serialize_none() }
    }
}

fn shown(values: impl IntoIterator<Item = f64>) -> Vec<Shown> {
    values.into_iter().map(Shown).collect()
}

/// The epochs within a window.
pub(crate) fn epochs(run: &Run, window: &Window) -> Value {
    let within = |epoch: &&Epoch| {
        window.from.is_none_or(|from| epoch.number >= from) && window.to.is_none_or(|to| epoch.number <= to)
    };
    let epochs: Vec<&Epoch> = run.epochs.iter().filter(within).collect();
    let cost: Vec<f64> = epochs.iter().map(|epoch| epoch.cost).collect();
    let dev_loss: Vec<f64> = epochs.iter().map(|epoch| epoch.dev_loss.unwrap_or(f64::NAN)).collect();
    let best = run.best_epoch();
    let kept = BTreeSet::from_iter(epochs.iter().position(|epoch| Some(epoch.number) == best));
    let kept = extremes(&[&cost, &dev_loss], window.points, kept);
    let epochs: Vec<&Epoch> = kept.into_iter().map(|at| epochs[at]).collect();
    let names: BTreeSet<&str> = epochs.iter().flat_map(|epoch| epoch.dev.keys().map(String::as_str)).collect();
    let metric = |name: &str| shown(epochs.iter().map(|epoch| epoch.dev.get(name).copied().unwrap_or(f64::NAN)));
    json!({
        "epochs": epochs.iter().map(|epoch| epoch.number).collect::<Vec<_>>(),
        "cost": shown(epochs.iter().map(|epoch| epoch.cost)),
        "dev_loss": shown(epochs.iter().map(|epoch| epoch.dev_loss.unwrap_or(f64::NAN))),
        "dev": names.into_iter().map(|name| (name, metric(name))).collect::<std::collections::BTreeMap<_, _>>(),
        "learning_rate": shown(epochs.iter().map(|epoch| epoch.learning_rate)),
        "seconds": shown(epochs.iter().map(|epoch| epoch.seconds)),
        "phases": phases(&epochs),
        "best_epoch": best,
        "total_epochs": run.epochs.last().map(|epoch| epoch.number),
    })
}

/// Where the time of each epoch went; none in logs of before that was told.
fn phases(epochs: &[&Epoch]) -> Option<Value> {
    let known = epochs.iter().any(|epoch| epoch.phases.is_some());
    let of =
        |seconds: fn(&Phases) -> f64| shown(epochs.iter().map(|epoch| epoch.phases.as_ref().map_or(f64::NAN, seconds)));
    known.then(|| {
        json!({
            "data": of(|phases| phases.data),
            "compute": of(|phases| phases.passes),
            "update": of(|phases| phases.update),
            "dev": of(|phases| phases.evaluation),
        })
    })
}

/// The layers' scales over time.
pub(crate) fn scales(run: &Run, window: &Window) -> Value {
    let all: Vec<f64> = (0..run.scales.len()).map(|at| at as f64).collect();
    let kept = extremes(&[&all], window.points, BTreeSet::new());
    let samples: Vec<_> = kept.into_iter().map(|at| &run.scales[at]).collect();
    let names: Vec<&String> =
        run.scales.first().map_or(Vec::new(), |(_, layers)| layers.iter().map(|layer| &layer.name).collect());
    let layer = |name: &String| {
        let found = || samples.iter().map(|(_, layers)| layers.iter().find(|layer| layer.name == *name));
        let of = |value: fn(&LayerScale) -> f64| shown(found().map(|layer| layer.map_or(f64::NAN, value)));
        let if_any = |value: fn(&LayerScale) -> Option<f64>| {
            let values: Vec<Option<f64>> = found().map(|layer| layer.and_then(value)).collect();
            let known = values.iter().any(Option::is_some);
            known.then(|| shown(values.into_iter().map(|value| value.unwrap_or(f64::NAN))))
        };
        json!({
            "name": name,
            "title": run.layer_title(name),
            "activation": of(|layer| layer.activation),
            "gradient": of(|layer| layer.gradient),
            "zeros": of(|layer| layer.zeros),
            "weight": if_any(|layer| layer.weight),
            "update": if_any(|layer| layer.update),
            "dead": if_any(|layer| layer.dead),
            "saturated": if_any(|layer| layer.saturated),
        })
    };
    json!({
        "steps": samples.iter().map(|(step, _)| step).collect::<Vec<_>>(),
        "layers": names.into_iter().map(layer).collect::<Vec<_>>(),
    })
}

/// The positions of at most about this many points: the lowest and the highest of each stretch of each curve, the ends, and
/// those that are kept in any case. A curve drawn from them looks the same, peaks and all.
fn extremes(curves: &[&[f64]], points: usize, mut kept: BTreeSet<usize>) -> BTreeSet<usize> {
    let n = curves.first().map_or(0, |curve| curve.len());
    let stretches = points.clamp(2, 10_000) / (2 * curves.len());
    if n <= points.max(2) {
        return (0..n).collect();
    }
    kept.extend([0, n - 1]);
    for stretch in 0..stretches {
        let part = stretch * n / stretches..(stretch + 1) * n / stretches;
        for curve in curves {
            let finite = || part.clone().filter(|at| curve[*at].is_finite());
            kept.extend(finite().min_by(|a, b| curve[*a].total_cmp(&curve[*b])));
            kept.extend(finite().max_by(|a, b| curve[*a].total_cmp(&curve[*b])));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_and_ends_are_kept_and_points_are_few() {
        let mut curve: Vec<f64> = (0..10_000).map(|at| 1.0 / (1.0 + f64::from(at))).collect();
        (curve[5_000], curve[7_777]) = (9.0, f64::NAN);
        let flat = vec![f64::NAN; curve.len()];
        let kept = extremes(&[&curve, &flat], 400, BTreeSet::from([1_234]));
        assert!(kept.len() <= 403, "{}", kept.len());
        assert!([0, 1_234, 5_000, 9_999].iter().all(|at| kept.contains(at)));
        assert_eq!(extremes(&[&curve[..10]], 400, BTreeSet::new()).len(), 10);
        assert!(extremes(&[&[]], 400, BTreeSet::new()).is_empty());
    }
}
