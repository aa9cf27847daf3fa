//! Settings that do not go together, or hold training up.

use super::facts::{Facts, median};
use super::{Finding, Severity, percent, short};

/// Batches below which batch norm's statistics are noise (Wu and He 2018, figure 1: the error rises below 8, steeply at 2).
const TINY: usize = 8;

/// Statistics of a batch of next to no examples.
pub(super) fn batch_norm_tiny_batch(facts: &Facts) -> Option<Finding> {
    let batch = facts.batch();
    let normalised = facts.run.layers.iter().any(|row| row.description.contains("batch norm"));
    (normalised && batch < TINY && batch > 0).then(|| {
        Finding::new(
            if batch <= 4 { Severity::Severe } else { Severity::Warning },
            format!("batch norm with batches of {batch}"),
            format!("the mean and variance of {batch} examples are noise; at prediction the running ones are used"),
            "[batch_size=32]",
            "training and prediction see the same network",
        )
    })
}

/// Dropout's noise in the statistics that prediction relies on (Li, Chen, Hu and Yang 2019, "variance shift").
pub(super) fn dropout_before_batch_norm(facts: &Facts) -> Option<Finding> {
    let layers = &facts.run.layers;
    let dropout = layers.iter().position(|row| row.description.starts_with("dropout"))?;
    let norm = layers[dropout..].iter().find(|row| row.description.starts_with("batch norm"))?;
    Some(Finding::new(
        Severity::Hint,
        "dropout before batch norm",
        format!(
            "{} is dropout, {} batch norm: its running variance has dropout's noise, prediction has not",
            layers[dropout].name, norm.name
        ),
        "[dropout=0]",
        "batch norm regularises by itself",
    ))
}

/// Dropout, L2 or weight decay that leaves nothing to learn with.
pub(super) fn too_much_regularisation(facts: &Facts) -> Option<Finding> {
    if !facts.learned_little() {
        return None;
    }
    let rates = facts.run.layers.iter().filter_map(|row| row.description.strip_prefix("dropout ")?.parse::<f64>().ok());
    let dropout = rates.max_by(f64::total_cmp).unwrap_or(0.0);
    let weight = |layers: Vec<super::facts::Sampled>| median(layers.iter().map(|layer| layer.weight));
    let (first, last) = (weight(facts.first())?, weight(facts.last())?);
    // Layers keep an example in five with four in ten units at most: Srivastava et al. 2014 tried up to 0.9 kept, half usual.
    let by_dropout = dropout > 0.7;
    // Learning makes the weights of hidden layers grow: what halves them is decay.
    let by_decay = facts.has_hidden_layers() && last < 0.5 * first;
    if !by_dropout && !by_decay {
        return None;
    }
    let evidence = if by_dropout {
        format!("dropout of {dropout} leaves {} of a layer's units", percent(1.0 - dropout))
    } else {
        format!("the weights' RMS shrank from {} to {}", short(first), short(last))
    };
    Some(Finding::new(
        Severity::Severe,
        "regularisation is too strong for anything to be learned",
        format!("{evidence}, and the network hardly fits its training rows"),
        if by_dropout { "[dropout=0.2]" } else { "[l2=0] [weight_decay=0.01]" },
        "the train error falls, and the dev error with it",
    ))
}

/// Waiting for examples instead of learning from them.
pub(super) fn data_starves_training(facts: &Facts) -> Option<Finding> {
    let phases = || facts.run.epochs.iter().filter_map(|epoch| epoch.phases);
    let (data, total): (f64, f64) = (phases().map(|p| p.data).sum(), phases().map(|p| p.total()).sum());
    // Half of the time: more threads or a cache would make training twice as fast.
    (total > 0.2 && data > 0.5 * total).then(|| {
        Finding::new(
            Severity::Warning,
            "training waits for its data",
            format!("{} of {} s went to reading and augmenting examples", percent(data / total), short(total)),
            "keep examples in memory, if they fit: [from_disk=false]; or decode and augment on more [threads]",
            "epochs take less time",
        )
    })
}
