//! Arrays of examples and targets: finding them in a file, and pairing them.

use crate::config;
use crate::data::arrays::Arrays;
use crate::data::column::Column;
use crate::error::{Error, Result, did_you_mean};

/// Possible names of the array of examples, and of the array of targets.
const EXAMPLES: [&str; 7] = ["x", "X", "data", "images", "sounds", "x_train", "X_train"];
const ANSWERS: [&str; 6] = ["y", "Y", "target", "labels", "y_train", "Y_train"];

/// The names of the arrays of examples and targets: as the options say, else by common names; names that end in `_x`
/// and `_y` are accepted.
///
/// # Errors
/// If there are no such arrays.
pub(super) fn pair(place: &str, names: &[String], options: &config::Data) -> Result<[String; 2]> {
    if let [x, y] = wanted(place, names, options)? {
        return Ok([x.clone(), y.clone()]);
    }
    match (find(names, &EXAMPLES, "_x"), find(names, &ANSWERS, "_y")) {
        (Some(x), Some(y)) => Ok([x, y]),
        _ => Err(Error::data(format!("found the arrays {}, expected x and y", names.join(", ")))
            .at(place)
            .fix("name the arrays of examples and of answers with [arrays=X,Y]")),
    }
}

/// The name of the array of examples to be predicted: as for [`pair`], or the only one.
///
/// # Errors
/// If there is no such array.
pub(super) fn examples(place: &str, names: &[String], options: &config::Data) -> Result<String> {
    let wanted = wanted(place, names, options)?.first().cloned();
    let only = || if let [only] = names { Some(only.clone()) } else { None };
    wanted.or_else(|| find(names, &EXAMPLES, "_x")).or_else(only).ok_or_else(|| {
        Error::data(format!("found the arrays {}, expected x", names.join(", ")))
            .at(place)
            .fix("name the array of examples with [arrays=X]")
    })
}

/// The arrays named in the options, all of which must exist.
fn wanted<'a>(place: &str, names: &[String], options: &'a config::Data) -> Result<&'a [String]> {
    let wanted = options.arrays.as_deref().unwrap_or_default();
    match wanted.iter().find(|name| !names.contains(name)) {
        None => Ok(wanted),
        Some(unknown) => {
            let near = did_you_mean(unknown, names.iter().map(String::as_str));
            Err(Error::data(format!("there is no array {unknown:?}{near}; found {}", names.join(", ")))
                .at(place)
                .fix("name the arrays of examples and of answers with [arrays=X,Y]"))
        }
    }
}

/// A known name, or one with the ending.
fn find(names: &[String], known: &[&str], ending: &str) -> Option<String> {
    let exact = known.iter().find_map(|known| names.iter().find(|name| name == known));
    exact.or_else(|| names.iter().find(|name| name.to_lowercase().ends_with(ending))).cloned()
}

/// Examples along the first axis of a shape, without targets.
///
/// # Errors
/// If there is no such axis, or a value is not finite.
pub(super) fn alone(place: &str, shape: &[usize], x: Vec<f64>) -> Result<Arrays> {
    Arrays::new(place, shape.get(1..).unwrap_or_default(), x.into_iter().map(|x| x as f32).collect())
}

/// Examples along the first axis of a shape, with one target each in a column called `name`.
///
/// # Errors
/// If their numbers differ.
pub(super) fn together(place: &str, shape: &[usize], x: Vec<f64>, name: &str, answers: Column) -> Result<Arrays> {
    if shape.first() != Some(&answers.len()) {
        return Err(Error::data(format!("an array of shape {shape:?} with {} answers", answers.len()))
            .at(place)
            .fix("give each example one answer"));
    }
    alone(place, shape, x)?.with_column(name, answers)
}
