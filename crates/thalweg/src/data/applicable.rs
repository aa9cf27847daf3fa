//! Rejects data options that have no effect on the given data, rather than ignoring them.

use super::arrays::Arrays;
use super::media_spec::MediaSpec;
use crate::config;
use crate::error::{Error, Result};

/// What the data turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataKind {
    Table,
    Pictures,
    Clips,
    Sounds,
    /// Numeric arrays in a file.
    Numbers,
}

use DataKind::{Clips, Numbers, Pictures, Sounds, Table};

impl DataKind {
    pub(crate) fn of(arrays: &Arrays) -> DataKind {
        match arrays.media {
            Some(MediaSpec::Pictures(_)) => Pictures,
            Some(MediaSpec::Clips(_)) => Clips,
            Some(MediaSpec::Sounds(_)) => Sounds,
            None => Numbers,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Table => "a table",
            Pictures => "pictures",
            Clips => "clips",
            Sounds => "sounds",
            Numbers => "arrays of numbers",
        }
    }
}

/// The kinds of data that each option applies to. Images and sounds may be listed in a table.
const OPTIONS: [(&[&str], &[DataKind]); 8] = [
    (
        &["path", "target", "task", "classes", "dev", "test", "memory", "from_disk", "cache", "any_order"],
        &[Table, Pictures, Clips, Sounds, Numbers],
    ),
    (
        &["delimiter", "header", "names", "comment", "skip_lines", "skip_footer", "encoding", "sheet", "files"],
        &[Table, Pictures, Clips, Sounds],
    ),
    (&["query", "decimal_comma", "missing", "sentinels", "kinds", "order", "id", "ignore", "keep", "weight"], &[Table]),
    (&["forecast", "window", "series", "known", "season", "sequence", "sequence_length"], &[Table]),
    (&["arrays"], &[Numbers]),
    (&["image_size", "fit", "channels", "frames"], &[Pictures, Clips, Sounds]),
    (&["sample_rate", "seconds", "equal_loudness"], &[Sounds]),
    (&["max_bad"], &[Table, Pictures, Clips, Sounds]),
];

/// Rejects options that do not apply to the data.
pub(crate) fn check(options: &config::Data, found: DataKind) -> Result<()> {
    let values = |options: &config::Data| serde_json::to_value(options).unwrap_or_default();
    let (given, default) = (values(options), values(&config::Data::default()));
    let of = |key: &str| OPTIONS.iter().find(|(keys, _)| keys.contains(&key)).map_or(&[][..], |(_, of)| of);
    let set = given.as_object().into_iter().flatten().filter(|(key, value)| default.get(key) != Some(value));
    let Some((key, _)) = set.into_iter().find(|(key, _)| !of(key).is_empty() && !of(key).contains(&found)) else {
        return Ok(());
    };
    let names: Vec<&str> = of(key).iter().map(|found| found.name()).collect();
    Err(Error::config(format!("this is for {}, and {} is {}", names.join(" or "), options.path, found.name()))
        .at(format!("--{}", key.replace('_', "-")))
        .fix("leave it out"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::option_specs;

    #[test]
    fn it_is_said_of_every_option_what_it_is_for() {
        for option in option_specs().iter().filter(|option| option.section == "data") {
            let times = OPTIONS.iter().filter(|(keys, _)| keys.contains(&option.name.as_str())).count();
            assert_eq!(times, 1, "{}", option.name);
        }
    }

    #[test]
    fn what_has_no_effect_is_refused_by_its_flag() {
        let options = config::Data { decimal_comma: Some(true), path: "x.npy".into(), ..Default::default() };
        assert!(check(&options, Table).is_ok());
        let error = check(&options, Numbers).unwrap_err();
        assert_eq!(error.place.as_deref(), Some("--decimal-comma"));
        assert!(error.message.contains("x.npy is arrays of numbers"), "{error}");
        assert!(check(&config::Data { image_size: Some(vec![8, 8]), ..Default::default() }, Table).is_err());
    }
}
