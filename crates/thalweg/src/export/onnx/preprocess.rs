//! A pipeline as nodes: one input per column, and its preprocessing.
//!
//! Columns of one kind are concatenated and processed together, so that the graph does not grow with their number; a
//! final `Gather` puts the network's inputs in order.

use super::categories::{self, Codes};
use super::dates;
use super::graph::{Graph, int, to};
use super::proto::DataType;
use super::value::Value;
use crate::data::preprocess::{ArrayScale, Bins, Input, Pipeline, Scale, Transform};
use crate::event::Decision;
use crate::tensor::Shape;
use crate::{Error, Result};

/// Whether 32 bits are not precise enough for values of this size in this unit: their error exceeds 10⁻⁶ units.
pub(super) fn needs_double(size: f64, unit: f64) -> bool {
    (size / unit).abs() > 16.0
}

/// Adds the inputs and their preprocessing; returns the network's input.
pub(super) fn write(graph: &mut Graph, pipeline: &Pipeline, shape: Shape) -> Result<(Value, Vec<Decision>)> {
    match &pipeline.array {
        Some(array) => Ok((Value::new(of_array(graph, array), shape), Vec::new())),
        None => of_table(graph, pipeline, shape),
    }
}

fn of_array(graph: &mut Graph, array: &ArrayScale) -> String {
    let meaning = match array.media {
        Some(_) => "examples as the library reads files",
        None => "examples",
    };
    let x = graph.input("input", DataType::Float, &array.shape, meaning);
    scaled(graph, "preprocess", DataType::Float, &x, &array.scales)
}

/// Columns of the network's input, each with its position.
#[derive(Debug, Default)]
pub(super) struct ColumnGather {
    tensors: Vec<String>,
    places: Vec<usize>,
}

impl ColumnGather {
    /// Adds a tensor of 32-bit floats whose columns have these positions.
    pub(super) fn add(&mut self, tensor: String, places: impl IntoIterator<Item = usize>) {
        self.tensors.push(tensor);
        self.places.extend(places);
    }
}

/// A column of numbers, some of which may be missing.
#[derive(Debug, Clone, Copy)]
struct NumericColumn<'a> {
    /// The position of the first of its columns in the network's input.
    place: usize,
    name: &'a str,
    fill: f64,
    indicator: bool,
    scale: Scale,
    bins: Option<&'a Bins>,
    /// Numbers that mean a missing one.
    sentinels: &'a [f64],
}

fn of_table(graph: &mut Graph, pipeline: &Pipeline, shape: Shape) -> Result<(Value, Vec<Decision>)> {
    let mut numbers: [Vec<NumericColumn>; 4] = Default::default();
    let mut times: [Vec<_>; 2] = Default::default();
    let (mut booleans, mut hot, mut embedded, mut ordered) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut texts = Vec::new();
    let mut place = 0;
    for input @ Input { column: name, transform } in &pipeline.inputs {
        match transform {
            Transform::Numeric(n) => {
                let column = NumericColumn {
                    place,
                    name,
                    fill: n.fill,
                    indicator: n.indicator,
                    scale: n.scale,
                    bins: n.bins.as_ref(),
                    sentinels: &n.sentinels,
                };
                numbers[column.group()].push(column);
            }
            Transform::Boolean(b) => {
                let (fill, indicator) = (b.fill, b.indicator);
                booleans.push(NumericColumn {
                    place,
                    name,
                    fill,
                    indicator,
                    scale: Scale::None,
                    bins: None,
                    sentinels: &[],
                });
            }
            Transform::Datetime(d) => {
                times[usize::from(matches!(d.scale, Scale::Robust { .. }))].push((place, name.as_str(), d));
            }
            Transform::OneHot(c) => hot.push(Codes { place, name, categories: &c.categories }),
            Transform::Embedding(c) => embedded.push(Codes { place, name, categories: &c.categories }),
            Transform::Ordered(c) => ordered.push((place, name.as_str(), c)),
            Transform::Text(_) | Transform::Tokens(_) => texts.push((place, input)),
        }
        place += input.width();
    }
    let mut parts = ColumnGather::default();
    for (group, columns) in numbers.iter().enumerate().filter(|(_, columns)| !columns.is_empty()) {
        let kind = if group < 2 { DataType::Float } else { DataType::Double };
        let scope = ["numbers", "numbers.robust", "numbers.double", "numbers.double.robust"][group];
        let mut input = |c: &NumericColumn| {
            let x = graph.input(c.name, kind, &[1], "a number, NaN where it is missing");
            without_sentinels(graph, scope, kind, x, c.sentinels)
        };
        let inputs: Vec<String> = columns.iter().map(&mut input).collect();
        let x = graph.joined(&format!("{scope}.Concat"), &inputs);
        filled(graph, scope, kind, &x, columns, &mut parts);
    }
    if !booleans.is_empty() {
        let names: Vec<&str> = booleans.iter().map(|column| column.name).collect();
        let x = categories::booleans(graph, &pipeline.cell_format, &names);
        filled(graph, "booleans", DataType::Float, &x, &booleans, &mut parts);
    }
    let mut decisions = Vec::new();
    for times in times.iter().filter(|times| !times.is_empty()) {
        decisions.push(dates::write(graph, times, &mut parts));
    }
    for (place, input) in texts {
        // No operator has words as Unicode has them.
        let (name, width) = (&input.column, input.width());
        let (meaning, what) = match &input.transform {
            Transform::Tokens(_) => ("a text as tokens, 0 after the last", format!("{width} tokens")),
            _ => {
                let slots = width / 2;
                ("a text as a bag: codes, and then their weights", format!("{slots} codes and {slots} weights"))
            }
        };
        parts.add(graph.input(name, DataType::Float, &[width], meaning), place..place + width);
        decisions.push(Decision {
            what: format!("the text {name:?} is an input of {what}"),
            why: "ONNX has no operator that finds its words".into(),
            instead: "Model.bags in Python".into(),
        });
    }
    categories::write(graph, &pipeline.cell_format, &hot, &embedded, &mut parts);
    categories::ordered(graph, &pipeline.cell_format, &ordered, &mut parts);
    if parts.tensors.is_empty() {
        return Err(Error::config("the model has no input columns").fix("train it on some"));
    }
    let mut order = vec![0; parts.places.len()];
    parts.places.iter().enumerate().for_each(|(i, &place)| order[place] = i);
    let x = graph.joined("inputs.Concat", &parts.tensors);
    let x = selected(graph, "inputs", &x, &order, order.len());
    Ok((Value::new(x, shape), decisions))
}

impl NumericColumn<'_> {
    /// Its group: 32-bit below 2, 64-bit from 2 on; odd for robust scales.
    fn group(&self) -> usize {
        let (shift, unit) = self.scale.affine();
        let narrow = |edge: &[f64]| needs_double(edge[0].abs().max(edge[1].abs()), edge[1] - edge[0]);
        let double = needs_double(shift, unit) || self.bins.is_some_and(|bins| bins.edges.windows(2).any(narrow));
        2 * usize::from(double) + usize::from(matches!(self.scale, Scale::Robust { .. }))
    }
}

/// Adds the columns, with missing values filled, and scaled; their indicators of missing values; and their bins.
fn filled(
    graph: &mut Graph,
    scope: &str,
    kind: DataType,
    x: &str,
    columns: &[NumericColumn],
    parts: &mut ColumnGather,
) {
    let name = |operator: &str| format!("{scope}.{operator}");
    let count = columns.len();
    let missing = graph.node(&name("IsNaN"), "IsNaN", [x], Vec::new());
    let fill = graph.numbers(kind, &name("fill"), &[count], columns.iter().map(|column| column.fill));
    let x = graph.node(&name("Where"), "Where", [&missing, &fill, x], Vec::new());

    let scales: Vec<Scale> = columns.iter().map(|column| column.scale).collect();
    let y = scaled(graph, scope, kind, &x, &scales);
    parts.add(as_float(graph, scope, kind, y), columns.iter().map(|column| column.place));

    let indicated: Vec<usize> = (0..count).filter(|&i| columns[i].indicator).collect();
    indicators(graph, scope, &missing, count, &indicated, indicated.iter().map(|&i| columns[i].place + 1), parts);

    let bins = || columns.iter().enumerate().filter_map(|(i, column)| Some((i, column, column.bins?)));
    let each =
        |f: fn(&[f64]) -> f64| bins().flat_map(move |(.., bins)| bins.edges.windows(2).map(f)).collect::<Vec<_>>();
    let low = each(|edge| edge[0]);
    if low.is_empty() {
        return;
    }
    let of: Vec<usize> = bins().flat_map(|(i, _, bins)| vec![i; bins.count()]).collect();
    let x = selected(graph, &name("bins"), &x, &of, count);
    let low = graph.numbers(kind, &name("bins.low"), &[of.len()], low);
    let width = graph.numbers(kind, &name("bins.width"), &[of.len()], each(|edge| edge[1] - edge[0]));
    let x = graph.node(&name("bins.Sub"), "Sub", [&x, &low], Vec::new());
    let x = graph.node(&name("bins.Div"), "Div", [&x, &width], Vec::new());
    let [zero, one] = [("bins.zero", 0.0), ("bins.one", 1.0)].map(|(n, x)| graph.numbers(kind, &name(n), &[], [x]));
    let x = graph.node(&name("bins.Clip"), "Clip", [&x, &zero, &one], Vec::new());
    let first = |column: &NumericColumn| column.place + 1 + usize::from(column.indicator);
    let places = bins().flat_map(|(_, column, bins)| (0..bins.count()).map(move |t| first(column) + t));
    parts.add(as_float(graph, &name("bins"), kind, x), places);
}

/// Replaces numbers that mean a missing one by NaN.
pub(super) fn without_sentinels(
    graph: &mut Graph,
    scope: &str,
    kind: DataType,
    x: String,
    sentinels: &[f64],
) -> String {
    let name = |operator: &str| format!("{scope}.sentinels.{operator}");
    sentinels.iter().fold(x, |x, &sentinel| {
        let missing = graph.numbers(kind, &name("missing"), &[], [f64::NAN]);
        let sentinel = graph.numbers(kind, &name("value"), &[], [sentinel]);
        let is = graph.node(&name("Equal"), "Equal", [&x, &sentinel], Vec::new());
        graph.node(&name("Where"), "Where", [&is, &missing, &x], Vec::new())
    })
}

/// Adds indicators of missing values for some of the columns.
pub(super) fn indicators(
    graph: &mut Graph,
    scope: &str,
    missing: &str,
    count: usize,
    columns: &[usize],
    places: impl Iterator<Item = usize>,
    parts: &mut ColumnGather,
) {
    if !columns.is_empty() {
        let missing = selected(graph, &format!("{scope}.indicated"), missing, columns, count);
        parts.add(graph.node(&format!("{scope}.missing"), "Cast", [&missing], to(DataType::Float)), places);
    }
}

/// x in 32 bits.
pub(super) fn as_float(graph: &mut Graph, scope: &str, kind: DataType, x: String) -> String {
    if kind == DataType::Float {
        return x;
    }
    graph.node(&format!("{scope}.Cast"), "Cast", [&x], to(DataType::Float))
}

/// These of x's `count` columns, in this order.
pub(super) fn selected(graph: &mut Graph, name: &str, x: &str, columns: &[usize], count: usize) -> String {
    if columns.iter().copied().eq(0..count) {
        return x.to_string();
    }
    let columns: Vec<i64> = columns.iter().map(|&column| column as i64).collect();
    let columns = graph.integers(&format!("{name}.columns"), &columns);
    graph.node(name, "Gather", [x, &columns], vec![int("axis", 1)])
}

/// x scaled, by one scale or one per column, of which all are robust or none is.
pub(super) fn scaled(graph: &mut Graph, scope: &str, kind: DataType, x: &str, scales: &[Scale]) -> String {
    let name = |operator: &str| format!("{scope}.{operator}");
    let (shifts, units): (Vec<f64>, Vec<f64>) = scales.iter().map(Scale::affine).unzip();
    let dimensions: &[usize] = if scales.len() == 1 { &[] } else { &[scales.len()] };
    let mut y = x.to_string();
    for (operator, constant, numbers, nothing) in [("Sub", "shift", shifts, 0.0), ("Div", "unit", units, 1.0)] {
        if numbers.iter().any(|&x| x != nothing) {
            let numbers = graph.numbers(kind, &name(constant), dimensions, numbers);
            y = graph.node(&name(operator), operator, [&y, &numbers], Vec::new());
        }
    }
    if matches!(scales.first(), Some(Scale::Robust { .. })) {
        // r / √(1 + (r/3)²)
        let [three, one] = [("three", 3.0), ("one", 1.0)].map(|(n, x)| graph.numbers(kind, &name(n), &[], [x]));
        let third = graph.node(&name("third"), "Div", [&y, &three], Vec::new());
        let square = graph.node(&name("square"), "Mul", [&third, &third], Vec::new());
        let sum = graph.node(&name("Add"), "Add", [&square, &one], Vec::new());
        let root = graph.node(&name("Sqrt"), "Sqrt", [&sum], Vec::new());
        y = graph.node(&name("clipped"), "Div", [&y, &root], Vec::new());
    }
    y
}
