//! From data sources to a dataset, in memory or on disk.

use std::collections::BTreeMap;

use super::applicable::{self, DataKind};
use super::arrays::Arrays;
use super::dataset::{Dataset, build, other_form, refuse_full_batches, table};
use super::preprocess::ArrayScale;
use super::source::{self, Source};
use super::{memory, stream};
use crate::Result;
use crate::config::Config;
use crate::error::Advice;
use crate::event::Decision;

/// Reads, splits and encodes the data that a configuration names.
///
/// # Errors
/// If a source cannot be read, or its rows cannot be trained on.
pub fn load(config: &Config) -> Result<Dataset> {
    load_like(config, None)
}

/// The same in the form and with the scales of other examples: files are converted to what these were converted to, unless
/// the configuration says otherwise.
///
/// # Errors
/// As for [`load`].
pub(crate) fn load_like(config: &Config, like: Option<&ArrayScale>) -> Result<Dataset> {
    let asked = &config.data;
    let mut config = config.clone();
    like.iter().for_each(|like| like.adopt(&mut config.data));
    if config.data.from_disk == Some(true) {
        refuse_full_batches(&config)?;
    }
    let mut decisions = Vec::new();
    let main = config.data.path.clone();
    let parts = [
        ("dev", &mut config.data.dev, source::dev_part(&main)),
        ("test", &mut config.data.test, source::test_part(&main)),
    ];
    for (part, named, beside) in parts {
        if let (None, Some(path), None) = (&named, beside, config.data.forecast) {
            if part == "test" && config.split.test_fold.is_some() {
                decisions.push(Decision {
                    what: format!("{path} is not looked at"),
                    why: "test is a fold of the training part".into(),
                    instead: "leave out [test_fold]".into(),
                });
                continue;
            }
            decisions.push(Decision {
                what: format!("the {part} part is {path}"),
                why: "it lies beside the training part".into(),
                instead: Advice::option(part, "FILE"),
            });
            *named = Some(path);
        }
    }
    let (path, dev, test) = (config.data.path.clone(), config.data.dev.clone(), config.data.test.clone());
    let mut hashes = BTreeMap::new();
    for path in [Some(&path), dev.as_ref(), test.as_ref()].into_iter().flatten() {
        hashes.extend(source::hash(path)?.map(|hash| (path.clone(), hash)));
    }
    let mut data = match source::open(&path, &config.data)? {
        Source::Table(mut reader) => {
            applicable::check(asked, DataKind::Table)?;
            // The windows of a series are made from all of its rows, and so are sequences.
            let in_memory = config.data.forecast.is_some() || config.data.sequence.is_some();
            let on_disk = !in_memory && stream::wanted(&reader, &config, &mut decisions)?;
            let comma = config.data.decimal_comma.replace(reader.decimal_comma());
            // A split in a separate file has a header only if the main file has one.
            if reader.are_names_made_up() {
                (config.data.names, config.data.header) = (reader.names().to_vec(), Some(false));
            }
            if on_disk {
                stream::load(*reader, config, comma)?
            } else {
                let main = reader.read_rest()?;
                decisions.extend_from_slice(reader.decisions());
                drop(reader);
                let mut part = |path: &Option<String>| {
                    path.as_ref().map(|path| table(path, &config, comma, &mut decisions)).transpose()
                };
                let (dev, test) = (part(&dev)?, part(&test)?);
                Dataset::from_tables(&main, dev.as_ref(), test.as_ref(), &config)?
            }
        }
        Source::Arrays(main) => {
            applicable::check(asked, DataKind::of(&main))?;
            decisions.extend_from_slice(&main.decisions);
            // For files this was decided before they were read.
            let on_disk = if main.media.is_some() {
                main.on_disk.is_some()
            } else {
                memory::check_whole(&config.data, main.rows(), main.width())?;
                let needed = memory::needed(main.rows(), main.width());
                memory::stay_on_disk(&config.data, needed, &mut decisions)?
            };
            config.data.from_disk = Some(on_disk);
            main.media.iter().for_each(|spec| spec.adopt(&mut config.data));
            let part = |path: &Option<String>| path.as_ref().map(|path| arrays(path, &config)).transpose();
            let (dev, test) = (part(&dev)?, part(&test)?);
            if !on_disk {
                let rows = main.rows() + [&dev, &test].into_iter().flatten().map(Arrays::rows).sum::<usize>();
                let held = ["examples of all parts", "let them stay on disk with [from_disk=true]"];
                memory::check_held(&config.data, held, rows, main.width())?;
            }
            let mut data = build(&*main, dev.as_ref(), test.as_ref(), &config, like)?;
            let parts = || [Some(&*main), dev.as_ref(), test.as_ref()].into_iter().flatten();
            let warnings = parts().flat_map(|part| part.warnings.iter().map(|warning| warning.what.clone()));
            data.warnings.splice(0..0, warnings);
            data.rejects.extend(parts().flat_map(|part| part.rejects.clone()));
            data
        }
    };
    decisions.append(&mut data.decisions);
    (data.decisions, data.hashes) = (decisions, hashes);
    Ok(data)
}

fn arrays(path: &str, config: &Config) -> Result<Arrays> {
    match source::open(path, &config.data)? {
        Source::Arrays(arrays) => Ok(*arrays),
        Source::Table(_) => Err(other_form(path, "arrays", "a table")),
    }
}
