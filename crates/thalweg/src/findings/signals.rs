//! Whether activations and gradients keep their scale through the layers, at the start and while training.
//!
//! In a deep network they grow or shrink like a power of the depth, 1.5^L or 0.5^L (Glorot and Bengio 2010; He, Zhang, Ren
//! and Sun 2015): what He's and Xavier's initialisations prevent.

use super::facts::{Facts, Sampled};
use super::{Finding, Severity, percent, short};
use crate::error::advice;

/// He's gain is √2; with four times that, ten layers grow signals by a million.
const LARGE_GAIN: f64 = 4.0 * std::f64::consts::SQRT_2;
/// What standardised inputs come as, times ten: columns of other units, not one-hot ones beside numbers.
const LARGE_INPUTS: f64 = 10.0;
/// The deviation of max(0, z) where z is N(0, 1): √(1/2 − 1/2π).
const RELU: f64 = 0.584;
/// Growth or decay from the first hidden layer to the last that no usual initialisation of a few layers has.
const GROWTH: f64 = 50.0;
/// A first layer that learns a hundredth as fast as the last hidden one: 0.25^L, the sigmoid's, is there in four layers.
const DECAY: f64 = 0.01;
/// ln C plus half the logits' variance bounds the expected loss; this much more is a variance of 4, not 1.
const EXTRA_LOSS: f64 = 2.0;
/// A layer half dead has half its width.
const DEAD: f64 = 0.5;
/// With fewer examples units are 0 by chance: a live one is for half of them.
const FEW: usize = 8;

const STEADY: &str = "signals keep their scale through the layers, and every layer learns";

/// Hidden layers whose weights are all 0.
pub(super) fn zero_initialisation(facts: &Facts) -> Option<Finding> {
    let first = facts.first();
    let zero = first.iter().filter(|layer| !layer.last && layer.weight == 0.0).map(title).collect::<Vec<_>>();
    (!zero.is_empty()).then(|| {
        Finding::new(
            Severity::Severe,
            "weights that start at 0 learn nothing: all units of a layer stay equal",
            format!("the weights of {} are 0 at the first step", zero.join(", ")),
            "[init=he_normal]",
            "units differ, and the cost falls",
        )
    })
}

/// A first layer whose inputs are far from unit scale, by what comes out of it.
pub(super) fn inputs_not_normalised(facts: &Facts) -> Option<Finding> {
    let first = facts.first();
    let layer = first.first().filter(|layer| layer.row.name == "layers.0" && layer.gain() > 0.0)?;
    let relu = layer.row.description.ends_with("relu");
    let inputs = layer.scale.activation / layer.gain() / if relu { RELU } else { 1.0 };
    (inputs > LARGE_INPUTS).then(|| {
        Finding::new(
            Severity::Severe,
            "the inputs are not normalised",
            format!(
                "{} makes activations of deviation {} from weights of RMS {}: its {} inputs are about {} (1 is usual)",
                title(layer),
                short(layer.scale.activation),
                short(layer.weight),
                layer.fan_in,
                short(inputs)
            ),
            "[normalise=standard]",
            "columns of all units count alike, and the same learning rate suits all weights",
        )
    })
}

/// Hidden layers drawn from too wide a distribution.
pub(super) fn initial_weights_too_large(facts: &Facts) -> Option<Finding> {
    let first = facts.first();
    let wide: Vec<&Sampled> = first.iter().filter(|layer| layer.gain() > LARGE_GAIN).collect();
    let widest = wide.iter().max_by(|a, b| a.gain().total_cmp(&b.gain()))?;
    Some(Finding::new(
        Severity::Severe,
        "the initial weights are too large",
        format!(
            "{} of {} layers multiply what comes in by more than {}; {} by {} (He's initialisation by 1.41)",
            wide.len(),
            first.len(),
            short(LARGE_GAIN),
            title(widest),
            short(widest.gain())
        ),
        advice!("[init={}]", usual_init(facts)),
        STEADY,
    ))
}

/// Activations that grow from layer to layer.
pub(super) fn exploding_signals(facts: &Facts) -> Option<Finding> {
    let first = facts.first();
    let (from, to) = (first.first()?, first.last()?);
    let growth = to.scale.activation / from.scale.activation;
    (first.len() > 2 && growth > GROWTH).then(|| {
        let each = growth.powf(1.0 / (first.len() - 1) as f64);
        Finding::new(
            Severity::Severe,
            "activations explode from layer to layer",
            format!(
                "their deviation grows from {} in {} to {} in {} before the first step: {} times a layer",
                short(from.scale.activation),
                title(from),
                short(to.scale.activation),
                title(to),
                short(each)
            ),
            advice!("[init={}] [batch_norm=true]", usual_init(facts)),
            STEADY,
        )
    })
}

/// Activations or gradients that die out from layer to layer.
pub(super) fn vanishing_signals(facts: &Facts) -> Option<Finding> {
    let first = facts.first();
    let hidden = &first[..first.len().saturating_sub(1)];
    let (from, to) = (hidden.first()?, hidden.last()?);
    if hidden.len() < 3 {
        return None;
    }
    let (forward, back) = (to.scale.activation / from.scale.activation, from.scale.gradient / to.scale.gradient);
    // Sigmoids shrink activations once, and then to their constant part: gradients tell.
    (forward < 1.0 / GROWTH || back < DECAY).then(|| {
        let (what, evidence) = if back < forward {
            let each = back.powf(1.0 / (hidden.len() - 1) as f64);
            let (a, b) = (short(to.scale.gradient), short(from.scale.gradient));
            (
                "gradients vanish on their way back",
                format!("they fall from {a} in {} to {b} in {}: {} times a layer", title(to), title(from), short(each)),
            )
        } else {
            let each = forward.powf(1.0 / (hidden.len() - 1) as f64);
            let (a, b) = (short(from.scale.activation), short(to.scale.activation));
            (
                "activations vanish from layer to layer",
                format!(
                    "their deviation falls from {a} in {} to {b} in {}: {} times a layer",
                    title(from),
                    title(to),
                    short(each)
                ),
            )
        };
        let squashed = ["sigmoid", "tanh"].iter().any(|g| to.row.description.ends_with(g));
        let advice = if squashed {
            "[activation=relu] [init=he_normal] [batch_norm=true]"
        } else {
            "[init=he_normal] [batch_norm=true]"
        };
        let severity = if facts.learned_little() { Severity::Severe } else { Severity::Warning };
        Finding::new(severity, what, format!("{evidence}, before the first step"), advice, STEADY)
    })
}

/// A loss before the first step far above that of guessing.
pub(super) fn high_initial_loss(facts: &Facts) -> Option<Finding> {
    let run = facts.run;
    let first = run.first_cost?;
    if facts.regression() {
        let mean = run.baselines.iter().find(|baseline| baseline.name == "mean")?;
        let deviation = mean.metrics.dev.get("rmse").or_else(|| mean.metrics.test.get("rmse"))?.value;
        // Half the variance, of targets as they are or scaled to 1.
        let usual = 0.5 * f64::max(1.0, deviation * deviation);
        return (run.targets.len() == 1 && first > 10.0 * usual).then(|| {
            Finding::new(
                Severity::Severe,
                "the loss at the start is far above that of predicting the mean",
                format!("{} at the first step, where half the target's variance is {}", short(first), short(usual)),
                "[scale_target=true]",
                "training begins at the mean instead of spending its epochs on the way there",
            )
        });
    }
    let classes = run.classes.len().max(2) as f64;
    (run.classes.len() > 1 && run.task != Some(crate::task::Task::Multilabel) && first > classes.ln() + EXTRA_LOSS)
        .then(|| {
            Finding::new(
                Severity::Severe,
                "the loss at the start is far above that of guessing",
                format!("{} at the first step, where ln {classes} = {} is expected", short(first), short(classes.ln())),
                advice!("[init={}]", usual_init(facts)),
                "training begins with answers that are all equally likely",
            )
        })
}

/// ReLU units that are 0 for every example before anything was learned.
pub(super) fn dead_from_the_start(facts: &Facts) -> Option<Finding> {
    dead(facts, facts.first()).map(|(worst, evidence)| {
        Finding::new(
            if worst > 0.9 || facts.learned_little() { Severity::Severe } else { Severity::Warning },
            "units are dead from the start",
            format!("{evidence} in the first step"),
            "draw weights anew, with a slope for what is negative: [init=he_normal] [activation=leaky_relu]",
            "units have a gradient everywhere, and come back",
        )
    })
}

/// ReLU units that are 0 for every example.
pub(super) fn dead_units(facts: &Facts) -> Option<Finding> {
    dead(facts, facts.last()).map(|(worst, evidence)| {
        Finding::new(
            if facts.learned_little() { Severity::Severe } else { Severity::Warning },
            format!("up to {} of a layer's units are dead", percent(worst)),
            format!("{evidence} in the last sampled step"),
            "[activation=leaky_relu]",
            "units have a gradient everywhere, and come back",
        )
    })
}

/// The worst share, and each layer's that is half dead.
fn dead(facts: &Facts, layers: Vec<Sampled>) -> Option<(f64, String)> {
    if facts.batch() < FEW {
        return None;
    }
    let dead: Vec<(f64, String)> =
        layers.iter().filter_map(|layer| Some((layer.scale.dead.filter(|dead| *dead > DEAD)?, title(layer)))).collect();
    let worst = dead.iter().map(|(share, _)| *share).max_by(f64::total_cmp)?;
    let each: Vec<String> = dead.iter().map(|(share, title)| format!("{} of {title}", percent(*share))).collect();
    Some((worst, format!("0 for all {} examples: {}", facts.batch(), each.join(", "))))
}

/// Sigmoid or tanh units at the ends of their range, where their gradient is next to 0.
pub(super) fn saturated_units(facts: &Facts) -> Option<Finding> {
    // Trained networks saturate where they are sure; fresh ones should not, as half would then not learn.
    let at_start = worst_saturated(&facts.first(), 0.5).map(|found| (found, "before the first step"));
    let later = || {
        worst_saturated(&facts.last(), 0.8)
            .filter(|_| facts.learned_little())
            .map(|found| (found, "in the last sampled step"))
    };
    let ((share, title), when) = at_start.or_else(later)?;
    Some(Finding::new(
        if facts.learned_little() { Severity::Severe } else { Severity::Warning },
        format!("{} of a layer's activations are saturated", percent(share)),
        format!("{title}: within 0.05 of an end of their range {when}, where their gradient is next to 0"),
        "[init=glorot_uniform] [normalise=standard]",
        STEADY,
    ))
}

fn worst_saturated(layers: &[Sampled], above: f64) -> Option<(f64, String)> {
    let of = |layer: &Sampled| Some((layer.scale.saturated.filter(|share| *share > above)?, title(layer)));
    layers.iter().filter_map(of).max_by(|a, b| a.0.total_cmp(&b.0))
}

/// `layers.0 linear`.
fn title(layer: &Sampled) -> String {
    let kind = layer.row.description.split_whitespace().next().unwrap_or_default();
    format!("{} {kind}", layer.row.name)
}

/// What suits the hidden layers' activation.
fn usual_init(facts: &Facts) -> &'static str {
    let squashed = |g: &str| facts.run.layers.iter().any(|row| row.description.ends_with(g));
    if squashed("tanh") || squashed("sigmoid") { "glorot_uniform" } else { "he_normal" }
}
