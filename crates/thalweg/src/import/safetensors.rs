//! Parameters from a PyTorch safetensors file, for the network of an existing model.
//!
//! A tensor is assigned to the parameter of its name, or of the name that a map gives. Otherwise modules are matched to
//! layers with parameters of the same names and shapes; several candidates are matched in natural order, in which 2
//! precedes 10.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Advice, Error, Result, advice, did_you_mean};
use crate::event::Decision;
use crate::export::channels::{ParamMapping, begin_first, param_mappings};
use crate::io::atomic;
use crate::io::names::natural;
use crate::io::safetensors::foreign::{self, Foreign};
use crate::model::{Model, Provenance};
use crate::tensor::{Tensor, ops};

/// A counter stored in addition to parameters and statistics.
const COUNTER: &str = "num_batches_tracked";

/// A model like `like`, with the parameters of a file. `map` pairs names of the file's modules or tensors with ours,
/// such as `fc1` and `layers.0`.
///
/// # Errors
/// If the file is damaged, a parameter has no tensor, a tensor no parameter, or their shapes differ.
pub fn safetensors(path: &Path, like: Model, map: &[(String, String)]) -> Result<(Model, Vec<Decision>)> {
    let place = path.display().to_string();
    let bytes = atomic::read(path).map_err(|error| {
        Error::io(crate::ErrorKind::Data, path, "read the parameters", &error).fix("name a safetensors file")
    })?;
    let found = foreign::tensors(&bytes, &place)?;
    let (mut model, decisions) = read(&found, like, map).map_err(|error| match error.place {
        None => error.at(&*place),
        Some(_) => error,
    })?;
    model.provenance.data = place;
    model.provenance.hashes = [("safetensors".to_string(), blake3::hash(&bytes).to_hex().to_string())].into();
    Ok((model, decisions))
}

fn read(found: &[Foreign], mut like: Model, map: &[(String, String)]) -> Result<(Model, Vec<Decision>)> {
    let param_mappings = param_mappings(&like.network.lower()?, begin_first(like.network.input()));
    let found: Vec<&Foreign> = found.iter().filter(|tensor| part(&tensor.name).1 != COUNTER).collect();
    let mut names = named(&found, map, &param_mappings)?;
    let decisions = match map {
        [] if names.iter().any(|name| !param_mappings.iter().any(|twin| twin.theirs == *name)) => {
            let (matched, decision) = by_shape(&found, &param_mappings)?;
            names = matched;
            vec![decision]
        }
        _ => Vec::new(),
    };
    like.theta = theta(&like, &param_mappings, &found, &names)?;
    like.provenance = Provenance { thalweg: env!("CARGO_PKG_VERSION").into(), ..Provenance::default() };
    Ok((like.proved()?, decisions))
}

/// A tensor's module, and its name within the module.
fn part(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// The parameter names assigned to the file's tensors, by the map or by their own names.
fn named(found: &[&Foreign], map: &[(String, String)], param_mappings: &[ParamMapping]) -> Result<Vec<String>> {
    let theirs: Vec<&str> = found.iter().map(|tensor| tensor.name.as_str()).collect();
    let ours: Vec<&str> = param_mappings.iter().map(|twin| twin.theirs.as_str()).collect();
    for (from, to) in map {
        known(from, &theirs, "the file", "tensors")?;
        known(to, &ours, "the network", "parameters")?;
    }
    let mapped = |name: &str| {
        let renamed = map.iter().find_map(|(from, to)| match name.strip_prefix(from.as_str()) {
            Some("") => Some(to.clone()),
            Some(rest) if rest.starts_with('.') => Some(format!("{to}{rest}")),
            _ => None,
        });
        renamed.unwrap_or_else(|| name.into())
    };
    Ok(found.iter().map(|tensor| mapped(&tensor.name)).collect())
}

/// Checks that a name in the map is that of a tensor, or of a module with tensors.
fn known(name: &str, all: &[&str], whose: &str, what: &str) -> Result<()> {
    if all.iter().any(|own| own.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))) {
        return Ok(());
    }
    let near = did_you_mean(name, all.iter().flat_map(|own| [*own, part(own).0]));
    let message = format!("{whose} has no {name:?}{near}");
    Err(Error::config(message).at("--map").fix(listed(what, all.iter().map(|own| own.to_string()))))
}

fn listed(what: &str, names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    format!("the {what} are {}", crate::data::schema::shortened(&names, 20))
}

/// A module's tensors: names and shapes.
type Contents = BTreeMap<String, Vec<usize>>;

/// Modules in natural order, each with its contents.
fn modules<'a>(tensors: impl Iterator<Item = (&'a str, &'a [usize])>) -> Vec<(&'a str, Contents)> {
    let mut modules: Vec<(&str, Contents)> = Vec::new();
    for (name, shape) in tensors {
        let (module, own) = part(name);
        match modules.iter_mut().find(|(name, _)| *name == module) {
            Some((_, contents)) => {
                contents.insert(own.into(), shape.to_vec());
            }
            None => modules.push((module, Contents::from([(own.into(), shape.to_vec())]))),
        }
    }
    modules
}

/// The parameters assigned to tensors by shape alone.
fn by_shape(found: &[&Foreign], param_mappings: &[ParamMapping]) -> Result<(Vec<String>, Decision)> {
    let mut theirs = modules(found.iter().map(|tensor| (tensor.name.as_str(), &tensor.shape[..])));
    theirs.sort_by_key(|(name, _)| natural(name));
    let mut left = theirs.clone();
    let mut pairs = BTreeMap::new();
    let mut told = Vec::new();
    for (layer, contents) in modules(param_mappings.iter().map(|twin| (twin.theirs.as_str(), &twin.shape[..]))) {
        let Some(at) = left.iter().position(|(_, others)| *others == contents) else {
            let describe = |(name, contents): &(&str, Contents)| {
                let each: Vec<String> = contents.iter().map(|(own, shape)| format!("{own} {shape:?}")).collect();
                format!("{name} ({})", each.join(", "))
            };
            let message = format!("no module left in the file has what {} needs", describe(&(layer, contents)));
            let rest = listed("modules left", left.iter().map(describe));
            let fix = advice!("{}; use [like] a model of the same network, or [map=MODULE={}]", rest, layer);
            return Err(Error::data(message).fix(fix));
        };
        let (module, _) = left.remove(at);
        told.push(format!("{module}={layer}"));
        pairs.insert(module, layer);
    }
    let mapped = |tensor: &&Foreign| {
        let (module, own) = part(&tensor.name);
        pairs.get(module).map_or_else(|| tensor.name.clone(), |layer| format!("{layer}.{own}"))
    };
    let decision = Decision {
        what: format!("parameters by shape and order of names: {}", told.join(", ")),
        why: "the file's names are others than ours".into(),
        instead: Advice::option("map", &told.join(",")),
    };
    Ok((found.iter().map(mapped).collect(), decision))
}

/// θ from the tensors, each under its parameter's name.
fn theta(like: &Model, param_mappings: &[ParamMapping], found: &[&Foreign], names: &[String]) -> Result<Tensor> {
    if let Some((tensor, name)) =
        found.iter().zip(names).find(|(_, name)| !param_mappings.iter().any(|twin| twin.theirs == **name))
    {
        let near = did_you_mean(name, param_mappings.iter().map(|twin| twin.theirs.as_str()));
        let message = format!("the tensor {:?} belongs to no parameter of the network{near}", tensor.name);
        return Err(Error::data(message).fix("say where it goes with [map=MODULE=LAYER], or use [like] another model"));
    }
    let dtype = like.theta.dtype();
    let mut theta = Tensor::zeros([like.network.layout().len()], dtype);
    for twin in param_mappings {
        let mut own = found.iter().zip(names).filter(|(_, name)| **name == twin.theirs).map(|(tensor, _)| tensor);
        let tensor = own.next().ok_or_else(|| {
            let near = did_you_mean(&twin.theirs, names.iter().map(String::as_str));
            let message = format!("the file has no tensor for {} of shape {:?}{near}", twin.theirs, twin.shape);
            Error::data(message).fix("say which it is with [map=MODULE=LAYER], or use [like] another model")
        })?;
        if let Some(other) = own.next() {
            let message = format!("both {:?} and {:?} go to {}", tensor.name, other.name, twin.theirs);
            return Err(Error::config(message).at("--map").fix("name each layer once"));
        }
        if tensor.shape != twin.shape {
            let message = format!(
                "the tensor {:?} has shape {:?}, {} has {:?}",
                tensor.name, tensor.shape, twin.theirs, twin.shape
            );
            return Err(Error::data(message).fix("use [like] a model of the same network, or another [map]"));
        }
        let numbers =
            tensor.numbers().filter(|numbers| numbers.iter().all(|x| (*x as f32).is_finite())).ok_or_else(|| {
                let message =
                    format!("the tensor {:?} of {} has what is no finite number", tensor.name, tensor.dtype());
                Error::data(message).fix("store it as F32, F64, F16 or BF16, and finite")
            })?;
        let entry = like.network.layout().named(&twin.ours);
        let entry = entry.expect("a step's parameters are the network's");
        let ours = Tensor::from_f64(entry.shape, twin.to_ours(&numbers)).to(dtype);
        ops::copy(ours.view(), theta.view_mut().part(entry.start, entry.shape));
    }
    Ok(theta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_put_in_order_by_value() {
        let mut names = ["layers.10", "layers.2", "fc", "fc2", "fc1", "layers"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["fc", "fc1", "fc2", "layers", "layers.2", "layers.10"]);
    }
}
