//! What a run is known by: its examples, and the options that its result depends on.

use crate::config::{Bf16Unit, Config, Precision};
use crate::data::dataset::Dataset;
use crate::error::Result;

/// A configuration without the options that do not affect the result, and hence neither a run's nor a study's identity.
pub(crate) fn identity(config: &Config) -> Config {
    let mut config = config.clone();
    config.train.threads = 0;
    config.tune.workers = 0;
    // Runs of the first edition were begun when there was no other, and those in f32 when that was the default.
    config.train.edition = Config::default().train.edition;
    let train = &mut config.train;
    if train.precision == Precision::F32
        || (train.precision, train.bf16_unit) == (Precision::Auto, Some(Bf16Unit::None))
    {
        (train.precision, train.bf16_unit) = (Precision::Auto, None);
    }
    config
}

/// BLAKE3 of the examples and the options that differ from their defaults: a run is only resumed with what it began with,
/// by a later version with more options, too.
///
/// # Errors
/// If a number is too large for TOML, which [`Config::validate`] finds.
pub(crate) fn fingerprint(config: &Config, data: &Dataset) -> Result<String> {
    Ok(hash(&identity(config).changes()?, data))
}

/// The fingerprint of a run that an earlier version began: of its whole configuration, comments included, as it was
/// written then.
pub(crate) fn former_fingerprint(written: &str, data: &Dataset) -> String {
    let line = |line: &str| match line.split_once(" = ") {
        Some((name @ ("threads" | "workers"), _)) => format!("{name} = 0\n"),
        _ => format!("{line}\n"),
    };
    hash(&written.lines().map(line).collect::<String>(), data)
}

fn hash(configuration: &str, data: &Dataset) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(configuration.as_bytes());
    let mut bytes = Vec::new();
    for values in [&data.parts.train, &data.parts.dev].into_iter().flat_map(|split| [&split.x, &split.y]) {
        for chunk in values.chunks(1 << 14) {
            bytes.clear();
            bytes.extend(chunk.iter().flat_map(|x| x.to_le_bytes()));
            hasher.update(&bytes);
        }
    }
    for file in [&data.on_disk, &data.parts.dev.on_disk].into_iter().flatten() {
        hasher.update(file.hash().as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_the_result_is_part_of_a_runs_identity() {
        let config = |settings: &[(&str, &str)]| {
            let settings: Vec<_> = settings.iter().map(|(key, text)| (key.to_string(), text.to_string())).collect();
            identity(&Config::load(None, &settings).unwrap()).changes().unwrap()
        };
        let given = [("seed", "5"), ("epochs", "3"), ("layers", "8"), ("threads", "2")];
        assert_eq!(config(&given), "network.layers = [8]\ntrain.epochs = 3\ntrain.seed = 5\n");
        assert_eq!(config(&[("momentum", "0.9")]), config(&[]), "a default that is given is none the less the default");
        let in_f32 = [config(&[("precision", "f32")]), config(&[("bf16_unit", "none")])];
        assert_eq!(in_f32, [(); 2].map(|()| config(&[])), "nothing multiplied otherwise");
        assert_ne!(config(&[("bf16_unit", "tiles")]), config(&[]));
    }
}
