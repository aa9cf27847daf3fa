//! String columns: categories, and words for yes and no.

use std::collections::HashSet;

use super::graph::{Graph, ML, float, floats, int, ints, strings, to};
use super::preprocess::{Splits, selected};
use super::proto::DataType;
use crate::data::boolean_words;
use crate::data::cell_format::CellFormat;
use crate::data::preprocess::Categories;

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
    parts: &mut Splits,
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

/// Adds an input of categories; returns the slot of each.
fn slot(graph: &mut Graph, cell_format: &CellFormat, column: &Codes) -> String {
    let x = graph.input(column.name, DataType::String, &[1], "a category, empty where it is missing");
    let (keys, slots) = spellings(column.categories, cell_format);
    // Strings that are not keys have slot 0.
    let attributes = vec![strings("keys_strings", &keys), ints("values_int64s", &slots), int("default_int64", 0)];
    graph.node_of(ML, &format!("{}.LabelEncoder", column.name), "LabelEncoder", &[&x], attributes)
}

/// What a cell may contain, and its slot: the usual spellings of "missing", the categories, and integers with a ".0"
/// (or a ",0").
fn spellings(categories: &Categories, cell_format: &CellFormat) -> (Vec<String>, Vec<usize>) {
    let mut seen = HashSet::new();
    let (mut keys, mut slots) = (Vec::new(), Vec::new());
    let mut add = |key: String, slot: usize| {
        if seen.insert(key.clone()) {
            keys.push(key);
            slots.push(slot);
        }
    };
    let missing = categories.slot(None);
    add(String::new(), missing);
    cell_format.missing.iter().flat_map(|marker| cases(marker)).for_each(|marker| add(marker, missing));
    categories.values.iter().enumerate().for_each(|(i, value)| add(value.clone(), i + 1));
    for (i, value) in categories.values.iter().enumerate() {
        if value.strip_prefix('-').unwrap_or(value).bytes().all(|b| b.is_ascii_digit()) {
            add(format!("{value}{}", cell_format.zero()), i + 1);
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
