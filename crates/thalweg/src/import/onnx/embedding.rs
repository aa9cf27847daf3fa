//! Embedding lookups of code columns, next to columns passed through unchanged.

use super::flow::Flow;
use super::graph::{Graph, NodeAttributes};
use super::layer_builder::{ImportedLayer, LayerBuilder};
use crate::layers::{Embedded, Embedding};

/// The embedding formed by the users of a row, its output, and the nodes it covers.
pub(super) fn read(graph: &Graph, x: &Flow, users: &[usize]) -> Option<(ImportedLayer, Flow, Vec<usize>)> {
    let [inputs] = *x.dims else { return None };
    let output = |node: usize| graph.nodes[node].output.first().map(String::as_str);
    let is = |node: usize, kind: &str| graph.nodes[node].op_type == kind;
    let only = |node: usize| match *graph.users(output(node)?) {
        [user] => Some(user),
        _ => None,
    };
    let numbers = |node: usize, i: usize| Some(&graph.constant(graph.nodes[node].given(i)?)?.numbers[..]);
    let bounds = |slice: usize| {
        let whole =
            is(slice, "Slice") && matches!(numbers(slice, 3), Some([1.0])) && graph.nodes[slice].input.len() == 4;
        match (numbers(slice, 1), numbers(slice, 2)) {
            (Some(&[from]), Some(&[to])) if whole => Some((from, to)),
            _ => None,
        }
    };
    let (dense, codes) = match *users {
        [codes] => (None, codes),
        [dense, codes] => (Some(dense), codes),
        _ => return None,
    };
    let dense_columns = match dense {
        None => 0.0,
        Some(dense) => bounds(dense).filter(|(from, _)| *from == 0.0)?.1,
    };
    if bounds(codes)? != (dense_columns, inputs as f64) {
        return None;
    }
    let cast = only(codes).filter(|&cast| is(cast, "Cast"))?;
    let picks = graph.users(output(cast)?);
    let mut nodes: Vec<usize> = dense.into_iter().chain([codes, cast]).chain(picks.iter().copied()).collect();
    let (mut columns, mut parameters) = (Vec::new(), Vec::new());
    let mut parts: Vec<&str> = dense.and_then(output).into_iter().collect();
    for (j, &pick) in picks.iter().enumerate() {
        if !is(pick, "Gather") || graph.nodes[pick].int("axis") != Some(1) || numbers(pick, 1)? != [j as f64] {
            return None;
        }
        let look = only(pick).filter(|&look| is(look, "Gather") && graph.nodes[look].int("axis").unwrap_or(0) == 0)?;
        let table = graph.constant(graph.nodes[look].given(0)?)?;
        let [slots, dimension] = *table.dims.as_slice() else { return None };
        if graph.nodes[look].given(1) != output(pick) {
            return None;
        }
        columns.push(Embedded { slots, dimension });
        parameters.push((format!("table{j}"), table.numbers.clone()));
        parts.push(output(look)?);
        nodes.push(look);
    }
    let dense = dense_columns as usize;
    if columns.is_empty() || columns.len() + dense != inputs {
        return None;
    }
    let end = if let [part] = parts[..] {
        part
    } else {
        let joined = *graph.users(parts[0]).first()?;
        let node = &graph.nodes[joined];
        if node.op_type != "Concat" || !matches!(node.int("axis"), Some(1 | -1)) || node.input != parts {
            return None;
        }
        nodes.push(joined);
        output(joined)?
    };
    let width = dense + columns.iter().map(|column| column.dimension).sum::<usize>();
    let layer = ImportedLayer { builder: LayerBuilder::Other(Box::new(Embedding { dense, columns })), parameters };
    Some((layer, Flow::new(end, [width].into(), vec![width]), nodes))
}
