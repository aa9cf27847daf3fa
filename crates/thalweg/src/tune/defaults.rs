//! The default search space: the options that matter most for the kind of data, except those the user has fixed.

use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::schema::Task;
use crate::{optimizers, recipe};

/// Options with their values, and the reason for the selection.
pub(super) fn space(config: &Config, data: &Dataset) -> (Vec<(String, String)>, &'static str) {
    let (train, network, preprocess) = (&config.train, &config.network, &config.preprocess);
    let mut search: Vec<(&str, &str)> = Vec::new();
    let mut add = |free: bool, name: &'static str, values: &'static str| {
        if free {
            search.push((name, values));
        }
    };
    let decays = train.optimizer.as_deref().is_none_or(|name| optimizers::named(name).is_ok_and(|known| known.decays));
    if recipe::has_convolutions(config, data) {
        add(train.learning_rate.is_none(), "learning_rate", "log:5e-4..1e-2");
        add(train.weight_decay.is_none() && decays, "weight_decay", "log:1e-3..0.3");
        add(train.batch_size.is_none(), "batch_size", "32,64,128");
        add(train.label_smoothing == 0.0 && data.task == Task::Multiclass, "label_smoothing", "0,0.05,0.1");
        let search = search.into_iter().map(|(name, values)| (name.to_string(), values.to_string())).collect();
        return (search, "how a network of convolutions learns");
    }
    add(train.learning_rate.is_none(), "learning_rate", "log:3e-4..3e-2");
    if network.layer.is_empty() && network.layers.is_none() {
        add(true, "layers", "int:1..4");
        add(true, "units", "log_int:16..512");
    }
    add(network.layer.is_empty() && network.dropout.is_none(), "dropout", "linear:0..0.5");
    let usual = network.activation == crate::config::Network::default().activation;
    add(network.layer.is_empty() && usual, "activation", "relu,tanh,silu");
    add(train.weight_decay.is_none() && decays, "weight_decay", "log:1e-3..1");
    add(train.batch_size.is_none(), "batch_size", "32,64,128,256");
    let table = data.pipeline.media().is_none() && !data.pipeline.inputs.is_empty();
    add(table && preprocess.bins.is_none(), "bins", "0,8,24,48,96");
    (
        search.into_iter().map(|(name, values)| (name.to_string(), values.to_string())).collect(),
        "what matters most for a table",
    )
}
