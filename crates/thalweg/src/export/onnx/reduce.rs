//! Weights at a lower precision, 16-bit floating point or 8 bits with one scale per unit or filter, and what that
//! costs.
//!
//! A weight keeps its name; a node computes it from the stored one. With 8 bits, what is multiplied by it is quantised
//! as well, over its range on the calibration data, so that a runtime may multiply integers.

use std::collections::{HashMap, HashSet};

use super::Written;
use super::graph::{int, to};
use super::proto::{DataType, Node, Tensor};
use super::verify::Runner;
use crate::data::examples::Examples;
use crate::data::schema::Task;
use crate::event::Decision;
use crate::export::{ExportOptions, Loss, Precision};
use crate::model::{EvaluatedExamples, Model};
use crate::tensor::ops::MatmulPrecision;
use crate::{Error, Result};

/// Rows after which no more are read for measuring the cost.
const MOST: usize = 10_000;

/// Reduces the weights; returns the decisions made, and the cost if there is data to measure it.
pub(super) fn reduce(
    model: &Model,
    written: &mut Written,
    options: &ExportOptions,
) -> Result<(Vec<Decision>, Option<Loss>)> {
    let (name, instead) = match options.precision {
        Precision::F32 => return Ok((Vec::new(), None)),
        Precision::F16 => ("16-bit floating point", "[precision=f32]"),
        Precision::Int8 => ("8-bit whole numbers, a scale a unit or filter", "[precision=f16]"),
    };
    let data = match &options.calibrate {
        Some((path, reading)) => {
            let (mut batches, mut rows) = (Vec::new(), 0);
            model.evaluate_batches(path, reading, MatmulPrecision::F32, &mut |examples, outputs| {
                rows += examples.rows;
                batches.push((examples, outputs.to_vec()));
                Ok(rows < MOST)
            })?;
            batches
        }
        None if options.precision == Precision::Int8 => {
            return Err(Error::config("8 bits need the range of what flows through the network")
                .at("--precision")
                .fix("give data whose answers are known with [calibrate]"));
        }
        None => Vec::new(),
    };
    match options.precision {
        Precision::Int8 => {
            let inputs = inputs(written);
            let ranges =
                Runner::new(written, false)?.ranges(data.iter().map(|(examples, _)| &examples.x[..]), &inputs)?;
            int8(written, &ranges)?;
        }
        _ => f16(written)?,
    }
    let loss = if data.is_empty() { None } else { Some(measure(model, written, &data)?) };
    let why = loss.as_ref().map_or_else(
        || "no data is given to measure what that costs".into(),
        |loss| format!("outputs differ by {:.1e} at most on {} rows", loss.largest_difference, loss.rows),
    );
    Ok((vec![Decision { what: format!("weights are {name}"), why, instead: instead.into() }], loss))
}

/// Whether a node multiplies by a weight: its second input.
fn multiplies(node: &Node) -> bool {
    matches!(node.op_type.as_str(), "Gemm" | "Conv") && node.input[1].ends_with(".weight")
}

/// The tensors that are multiplied by weights.
fn inputs(written: &Written) -> Vec<String> {
    let mut seen = HashSet::new();
    let nodes = written.graph.nodes.iter().filter(|node| multiplies(node));
    nodes.map(|node| node.input[0].clone()).filter(|name| seen.insert(name.clone())).collect()
}

/// A constant of the graph by name.
fn constant<'a>(constants: &'a mut [Tensor], name: &str) -> Result<&'a mut Tensor> {
    constants.iter_mut().find(|c| c.name == name).ok_or_else(|| Error::internal(format!("no constant {name}")))
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.raw_data.as_chunks().0.iter().map(|x| f32::from_le_bytes(*x)).collect()
}

/// Stores each weight in 16 bits, with a node that casts it to 32.
fn f16(written: &mut Written) -> Result<()> {
    let mut nodes = Vec::new();
    for node in std::mem::take(&mut written.graph.nodes) {
        if multiplies(&node) {
            let name = node.input[1].clone();
            let weight = constant(&mut written.graph.constants, &name)?;
            let few: Vec<half::f16> = numbers(weight).into_iter().map(half::f16::from_f32).collect();
            if few.iter().any(|x| !x.is_finite()) {
                return Err(Error::config(format!("{name} has numbers beyond those of 16 bits"))
                    .at("--precision")
                    .fix("use [precision=int8] or f32"));
            }
            weight.raw_data = few.iter().flat_map(|x| x.to_le_bytes()).collect();
            weight.data_type = DataType::Float16.into();
            weight.name = format!("{name}.f16");
            let inputs = vec![weight.name.clone()];
            nodes.push(making(&name, "Cast", inputs, to(DataType::Float)));
            written.answers.nodes += 1;
        }
        nodes.push(node);
    }
    written.graph.nodes = nodes;
    Ok(())
}

/// A node that computes a tensor.
fn making(output: &str, operator: &str, input: Vec<String>, attribute: Vec<super::proto::Attribute>) -> Node {
    Node {
        input,
        output: vec![output.into()],
        name: format!("{output}.{operator}"),
        op_type: operator.into(),
        attribute,
        ..Node::default()
    }
}

/// Quantises each weight, and what it is multiplied by, to 8 bits.
fn int8(written: &mut Written, ranges: &HashMap<String, (f32, f32)>) -> Result<()> {
    let (mut nodes, mut brought) = (Vec::new(), HashSet::new());
    for mut node in std::mem::take(&mut written.graph.nodes) {
        if multiplies(&node) {
            let before = nodes.len();
            let x = node.input[0].clone();
            if brought.insert(x.clone()) {
                let (low, high) = ranges.get(&x).copied().unwrap_or((0.0, 0.0));
                let (low, high) = (low.min(0.0), high.max(0.0));
                let scale = if high > low { (high - low) / 255.0 } else { 1.0 };
                let zero = (-low / scale).round().clamp(0.0, 255.0) as u8;
                let scale = written.graph.floats(&format!("{x}.scale"), &[], [f64::from(scale)]);
                let zero = written.graph.bytes(&format!("{x}.zero"), DataType::Uint8, &[], vec![zero]);
                let few = format!("{x}.uint8");
                let quantised = vec![x.clone(), scale.clone(), zero.clone()];
                nodes.push(making(&few, "QuantizeLinear", quantised, Vec::new()));
                nodes.push(making(&format!("{x}.rounded"), "DequantizeLinear", vec![few, scale, zero], Vec::new()));
            }
            node.input[0] = format!("{x}.rounded");

            let name = node.input[1].clone();
            let weight = constant(&mut written.graph.constants, &name)?;
            let (all, filters) = (numbers(weight), weight.dims[0].max(1) as usize);
            let filter = all.len() / filters;
            let scales: Vec<f32> = all
                .chunks_exact(filter)
                .map(|row| row.iter().fold(0.0_f32, |most, x| most.max(x.abs())))
                .map(|most| if most > 0.0 { most / 127.0 } else { 1.0 })
                .collect();
            let few = all.iter().enumerate().map(|(i, x)| (x / scales[i / filter]).round() as i8 as u8);
            weight.raw_data = few.collect();
            weight.data_type = DataType::Int8.into();
            weight.name = format!("{name}.int8");
            let weight = weight.name.clone();
            let scales = scales.into_iter().map(f64::from);
            let scales = written.graph.floats(&format!("{name}.scale"), &[filters], scales);
            let zeros = written.graph.bytes(&format!("{name}.zero"), DataType::Int8, &[filters], vec![0; filters]);
            let inputs = vec![weight, scales, zeros];
            nodes.push(making(&name, "DequantizeLinear", inputs, vec![int("axis", 0)]));
            written.answers.nodes += nodes.len() - before;
        }
        nodes.push(node);
    }
    written.graph.nodes = nodes;
    Ok(())
}

/// The metrics of the model and of the graph on the same rows.
fn measure(model: &Model, written: &Written, data: &[(Examples, Vec<f64>)]) -> Result<Loss> {
    let runner = Runner::new(written, true)?;
    let (target, mut before, mut after, mut largest) =
        (&model.target, EvaluatedExamples::default(), EvaluatedExamples::default(), 0.0_f64);
    for (examples, ours) in data {
        let mut theirs = runner.run(&examples.x)?;
        if target.task == Task::Binary {
            theirs = theirs.into_iter().skip(1).step_by(2).collect();
        }
        // Regression values are still scaled here; without a scale they are in the data's own units.
        let difference = |(a, b): (&f64, &f64)| (a - b).abs();
        largest = ours.iter().zip(&theirs).map(difference).fold(largest, f64::max);
        before.extend(target, ours, examples);
        after.extend(target, &theirs, examples);
    }
    Ok(Loss {
        rows: before.rows,
        before: before.metrics(target),
        after: after.metrics(target),
        largest_difference: largest,
    })
}
