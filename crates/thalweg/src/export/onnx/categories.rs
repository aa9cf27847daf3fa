//! String columns: categories, and words for yes and no.

use std::collections::HashSet;

use super::graph::{Graph, ML, float, floats, int, ints, strings, to};
use super::preprocess::{ColumnGather, indicators, selected};
use super::proto::DataType;
use crate::data::boolean_words;
use crate::data::cell_format::CellFormat;
use crate::data::preprocess::{Categories, Ordered};

/// A column of categories.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codes<'a> {
    /// The position of the first of its columns in the network's input.
    pub(super) place: usize,
    pub(super) name: &'a str,
    pub(super) categories: &'a Categories,
}

/// Adds the inputs of categorical columns: one-hot ones, and those that become a code.
pub(super) fn write(
    graph: &mut Graph,
    cell_format: &CellFormat,
    hot: &[Codes],
    embedded: &[Codes],
    parts: &mut ColumnGather,
) {
    if !hot.is_empty() {
        let codes: Vec<String> = hot.iter().map(|column| slot(graph, cell_format, column)).collect();
        let codes = graph.joined("categories.Concat", &codes);
        let (mut of, mut slots, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (i, Codes { place, categories, .. }) in hot.iter().enumerate() {
            let first = usize::from(!categories.rare);
            for slot in first..categories.slots() {
                of.push(i);
                slots.push(slot as i64);
                places.push(place + slot - first);
            }
        }
        if !of.is_empty() {
            let codes = selected(graph, "categories.Gather", &codes, &of, hot.len());
            let slots = graph.integers("categories.slots", &slots);
            let equal = graph.node("categories.Equal", "Equal", [&codes, &slots], Vec::new());
            parts.add(graph.node("categories.Cast", "Cast", [&equal], to(DataType::Float)), places);
        }
    }
    if !embedded.is_empty() {
        let codes: Vec<String> = embedded.iter().map(|column| slot(graph, cell_format, column)).collect();
        let codes = graph.joined("codes.Concat", &codes);
        let codes = graph.node("codes.Cast", "Cast", [&codes], to(DataType::Float));
        parts.add(codes, embedded.iter().map(|column| column.place));
    }
}

/// A column of ordered categories, at the position of the first of its columns in the network's input.
pub(super) type OrderedColumn<'a> = (usize, &'a str, &'a Ordered);

/// The codes of ordered categories: of an unknown one, of a missing one, and of the lowest.
const UNKNOWN: usize = 0;
const MISSING: usize = 1;
const LOWEST: usize = 2;

/// Adds the inputs of columns of ordered categories.
pub(super) fn ordered(
    graph: &mut Graph,
    cell_format: &CellFormat,
    columns: &[OrderedColumn],
    parts: &mut ColumnGather,
) {
    if columns.is_empty() {
        return;
    }
    let codes: Vec<String> = columns
        .iter()
        .map(|(_, name, column)| {
            let missing = if column.indicator { MISSING } else { UNKNOWN };
            code(graph, name, spellings(&column.levels, LOWEST, missing, true, cell_format))
        })
        .collect();
    let codes = graph.joined("ordered.Concat", &codes);
    let (mut of, mut above, mut fill, mut places) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (i, (place, _, column)) in columns.iter().enumerate() {
        for (step, share) in column.fill.iter().enumerate() {
            of.push(i);
            above.push((LOWEST + step + 1) as i64);
            fill.push(*share);
            places.push(place + step);
        }
    }
    let steps = selected(graph, "ordered.Gather", &codes, &of, columns.len());
    let above = graph.integers("ordered.steps", &above);
    let passed = graph.node("ordered.LessOrEqual", "LessOrEqual", [&above, &steps], Vec::new());
    let passed = graph.node("ordered.Cast", "Cast", [&passed], to(DataType::Float));
    let fill = graph.numbers(DataType::Float, "ordered.fill", &[of.len()], fill);
    let none = graph.integers("ordered.none", &[MISSING as i64]);
    let none = graph.node("ordered.unknown", "LessOrEqual", [&steps, &none], Vec::new());
    parts.add(graph.node("ordered.Where", "Where", [&none, &fill, &passed], Vec::new()), places);

    let indicated: Vec<usize> = (0..columns.len()).filter(|&i| columns[i].2.indicator).collect();
    let missing = graph.integers("ordered.missing", &[MISSING as i64]);
    let missing = graph.node("ordered.Equal", "Equal", [&codes, &missing], Vec::new());
    let places = indicated.iter().map(|&i| columns[i].0 + columns[i].2.fill.len());
    indicators(graph, "ordered", &missing, columns.len(), &indicated, places, parts);
}

/// Adds an input of categories; returns the slot of each.
fn slot(graph: &mut Graph, cell_format: &CellFormat, column: &Codes) -> String {
    let Codes { name, categories, .. } = column;
    code(graph, name, spellings(&categories.values, 1, categories.slot(None), false, cell_format))
}

/// Adds an input of categories; returns the number that goes with each spelling, and 0 for all others.
fn code(graph: &mut Graph, name: &str, (keys, codes): (Vec<String>, Vec<usize>)) -> String {
    let x = graph.input(name, DataType::String, &[1], "a category, empty where it is missing");
    let attributes = vec![strings("keys_strings", &keys), ints("values_int64s", &codes), int("default_int64", 0)];
    graph.node_of(ML, &format!("{name}.LabelEncoder"), "LabelEncoder", &[&x], attributes)
}

/// What a cell may contain, and its code: the usual spellings of "missing", the categories, of which the first has the
/// code `first`, in several cases if that makes no difference, and integers with a ".0" (or a ",0").
fn spellings(
    values: &[String],
    first: usize,
    missing: usize,
    any_case: bool,
    cell_format: &CellFormat,
) -> (Vec<String>, Vec<usize>) {
    let mut seen = HashSet::new();
    let (mut keys, mut slots) = (Vec::new(), Vec::new());
    let mut add = |key: String, slot: usize| {
        if seen.insert(key.clone()) {
            keys.push(key);
            slots.push(slot);
        }
    };
    add(String::new(), missing);
    cell_format.missing.iter().flat_map(|marker| cases(marker)).for_each(|marker| add(marker, missing));
    values.iter().enumerate().for_each(|(i, value)| add(value.clone(), first + i));
    for (i, value) in values.iter().enumerate() {
        if any_case {
            cases(value).into_iter().for_each(|value| add(value, first + i));
        }
        if value.strip_prefix('-').unwrap_or(value).bytes().all(|b| b.is_ascii_digit()) {
            add(format!("{value}{}", cell_format.zero()), first + i);
        }
    }
    (keys, slots)
}

/// A word in lower case, in upper case, and capitalised.
fn cases(word: &str) -> [String; 3] {
    let mut capital = word.to_lowercase();
    if let Some(first) = capital.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    [word.to_lowercase(), word.to_uppercase(), capital]
}

/// Adds inputs of words for yes and no; returns them as 1, 0 and, for everything else, NaN.
pub(super) fn booleans(graph: &mut Graph, cell_format: &CellFormat, names: &[&str]) -> String {
    let meaning = "yes or no, true or false, 1 or 0; other texts are missing";
    let inputs: Vec<String> = names.iter().map(|name| graph.input(name, DataType::String, &[1], meaning)).collect();
    let x = graph.joined("booleans.Concat", &inputs);
    let mut words: Vec<(String, f32)> = Vec::new();
    for (no, yes) in boolean_words::WORDS {
        for (word, number) in [(no, 0.0), (yes, 1.0)] {
            let number_of = word.parse::<u8>().ok();
            let with_zero = [".0", cell_format.zero()].map(|zero| number_of.map(|n| format!("{n}{zero}")));
            for spelling in cases(word).into_iter().chain(with_zero.into_iter().flatten()) {
                if words.iter().all(|(known, _)| *known != spelling) {
                    words.push((spelling, number));
                }
            }
        }
    }
    let (words, numbers): (Vec<String>, Vec<f32>) = words.into_iter().unzip();
    let default = float("default_float", f64::NAN);
    let attributes = vec![strings("keys_strings", &words), floats("values_floats", &numbers), default];
    graph.node_of(ML, "booleans.LabelEncoder", "LabelEncoder", &[&x], attributes)
}
