//! Arrays of examples and of answers: which of a file's they are, and the two together.

use crate::data::arrays::Arrays;
use crate::error::{Error, Result, did_you_mean};
use crate::spec;

/// Names that the array of examples may have, and the one of answers.
const EXAMPLES: [&str; 7] = ["x", "X", "data", "images", "sounds", "x_train", "X_train"];
const ANSWERS: [&str; 6] = ["y", "Y", "target", "labels", "y_train", "Y_train"];

/// The names of the arrays of examples and of answers: as the options say, else by how they are called; names that end in
/// `_x` and `_y` will do.
///
/// # Errors
/// If there are no such arrays.
pub(super) fn pair(place: &str, names: &[String], options: &spec::Data) -> Result<[String; 2]> {
    if let Some(wanted) = options.arrays.as_deref() {
        if let Some(unknown) = wanted.iter().find(|name| !names.contains(name)) {
            let near = did_you_mean(unknown, names.iter().map(String::as_str));
            return Err(Error::data(format!("there is no array {unknown:?}{near}; found {}", names.join(", ")))
                .at(place)
                .fix("name the arrays of examples and of answers with --arrays X,Y"));
        }
        if let [x, y] = wanted {
            return Ok([x.clone(), y.clone()]);
        }
    }
    let find = |known: &[&str], ending: &str| {
        let exact = known.iter().find_map(|known| names.iter().find(|name| name == known));
        exact.or_else(|| names.iter().find(|name| name.to_lowercase().ends_with(ending))).cloned()
    };
    match (find(&EXAMPLES, "_x"), find(&ANSWERS, "_y")) {
        (Some(x), Some(y)) => Ok([x, y]),
        _ => Err(Error::data(format!("found the arrays {}, expected x and y", names.join(", ")))
            .at(place)
            .fix("name the arrays of examples and of answers with --arrays X,Y")),
    }
}

/// Examples along the first axis of a shape, with an answer each in a column of a name.
///
/// # Errors
/// If their numbers differ.
pub(super) fn together(
    place: &str,
    shape: &[usize],
    x: Vec<f64>,
    name: &str,
    answers: impl ExactSizeIterator<Item = String>,
) -> Result<Arrays> {
    if shape.first() != Some(&answers.len()) {
        return Err(Error::data(format!("an array of shape {shape:?} with {} answers", answers.len()))
            .at(place)
            .fix("give each example one answer"));
    }
    let x = x.into_iter().map(|x| x as f32).collect();
    Arrays::new(place, &shape[1..], x)?.with_answers(name, answers)
}
