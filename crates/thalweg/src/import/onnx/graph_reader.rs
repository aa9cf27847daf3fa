//! Reads a graph node by node, from input to logits; branches that part and meet again form a residual block.

use std::collections::HashSet;

use super::flow::Flow;
use super::graph::{Graph, NodeAttributes, refused};
use super::layer_builder::{ImportedLayer, LayerBuilder, activate};
use super::operators::{ALL, NodeContext};
use super::{embedding, log_mel, patterns};
use crate::event::Decision;
use crate::export::onnx::proto::Node;
use crate::tensor::Activation;
use crate::{Error, Result};

/// Maximum nesting of blocks.
const DEEPEST: usize = 16;

/// Maximum number of parameters created by expanding fewer in the file: those of one norm of the largest example.
const MOST_MADE: usize = 1 << 26;

/// The layers from one tensor to another, the resulting flow, and notes for the user.
pub(super) fn layers(graph: &Graph, from: Flow, to: &str) -> Result<(Flow, Vec<ImportedLayer>, Vec<Decision>)> {
    let mut reader = GraphReader { graph, passed: HashSet::new(), notes: Vec::new(), left: MOST_MADE };
    match reader.way(from, None, to, 0)? {
        (flow, imported, BranchEnd::There) => Ok((flow, imported, reader.notes)),
        (.., BranchEnd::Sum(i)) => Err(refused("it adds what is made of another input").at(graph.nodes[i].place())),
    }
}

/// A traversal of a graph.
struct GraphReader<'a> {
    graph: &'a Graph,
    /// Nodes already visited.
    passed: HashSet<usize>,
    /// Notes for the user.
    notes: Vec<Decision>,
    /// Remaining budget of expanded parameters.
    left: usize,
}

/// Where a branch ends.
enum BranchEnd {
    /// At its target tensor.
    There,
    /// At a node that adds two branches.
    Sum(usize),
}

impl GraphReader<'_> {
    /// The layers of a branch, whose first node may be given.
    fn way(
        &mut self,
        from: Flow,
        first: Option<usize>,
        to: &str,
        depth: usize,
    ) -> Result<(Flow, Vec<ImportedLayer>, BranchEnd)> {
        let (mut x, mut first, mut imported) = (from, first, Vec::new());
        if depth > DEEPEST {
            return Err(refused(format!("more than {DEEPEST} blocks are within each other")));
        }
        loop {
            if x.name == to && first.is_none() {
                return Ok((x, imported, BranchEnd::There));
            }
            let mut users = first.map_or_else(|| self.graph.users(&x.name).to_vec(), |first| vec![first]);
            users.dedup();
            if let Some((g, end, nodes)) = patterns::activation(self.graph, &x.name, &users) {
                self.pass(&nodes)?;
                activate(&mut imported, g);
                x = x.renamed(end);
            } else if let Some((layer, flow, nodes)) =
                embedding::read(self.graph, &x, &users).or_else(|| log_mel::read(self.graph, &x, &users))
            {
                self.pass(&nodes)?;
                imported.push(layer);
                x = flow;
            } else {
                match users[..] {
                    [] => return Err(refused(format!("{:?} leads nowhere, expected a way to {to:?}", x.name))),
                    [user] => {
                        let node = &self.graph.nodes[user];
                        if self.is_sum(node) {
                            return Ok((x, imported, BranchEnd::Sum(user)));
                        }
                        self.pass(&[user])?;
                        x = self.step(node, x, &mut imported)?;
                    }
                    [a, b] => {
                        let (layer, flow) = self.block(x, [a, b], to, depth)?;
                        imported.push(layer);
                        x = flow;
                    }
                    _ => return Err(refused(format!("{:?} is used by {} nodes", x.name, users.len()))),
                }
            }
            first = None;
        }
    }

    fn pass(&mut self, nodes: &[usize]) -> Result<()> {
        match nodes.iter().find(|&&node| !self.passed.insert(node)) {
            None => Ok(()),
            Some(&node) => Err(refused("the graph goes in a circle").at(self.graph.nodes[node].place())),
        }
    }

    fn step(&mut self, node: &Node, x: Flow, imported: &mut Vec<ImportedLayer>) -> Result<Flow> {
        let known = ALL.iter().find(|(name, _)| *name == node.op_type).filter(|_| node.domain.is_empty());
        let Some((_, operator)) = known else {
            let domain = if node.domain.is_empty() { String::new() } else { format!(" of {}", node.domain) };
            return Err(refused(format!("no layer does what {}{domain} does", node.op_type)).at(node.place()));
        };
        let either = matches!(node.op_type.as_str(), "Add" | "Sub" | "Mul" | "Div");
        let is_first = node.input.first() == Some(&x.name) || either;
        if !is_first {
            return Err(refused(format!("{:?} is not its first input", x.name)).at(node.place()));
        }
        operator(&mut NodeContext {
            graph: self.graph,
            node,
            x,
            imported,
            notes: &mut self.notes,
            left: &mut self.left,
        })
    }

    /// Whether a node adds two computed tensors.
    fn is_sum(&self, node: &Node) -> bool {
        let computed = |name: &String| self.graph.constant(name).is_none();
        matches!(node.op_type.as_str(), "Add" | "Sum") && node.input.len() == 2 && node.input.iter().all(computed)
    }

    /// Two branches from x that meet in a sum.
    fn block(&mut self, x: Flow, [a, b]: [usize; 2], to: &str, depth: usize) -> Result<(ImportedLayer, Flow)> {
        let apart = |x: &Flow| refused(format!("the two ways from {:?} do not meet in a sum", x.name));
        // A branch without nodes is the sum itself.
        let mut branch = |user: usize| -> Result<(Flow, Vec<ImportedLayer>, usize)> {
            if self.is_sum(&self.graph.nodes[user]) {
                return Ok((x.clone(), Vec::new(), user));
            }
            match self.way(x.clone(), Some(user), to, depth + 1)? {
                (flow, imported, BranchEnd::Sum(sum)) => Ok((flow, imported, sum)),
                (.., BranchEnd::There) => Err(apart(&x)),
            }
        };
        let (mut one, mut other) = (branch(a)?, branch(b)?);
        let sum = one.2;
        if other.2 != sum || one.0.name == other.0.name {
            return Err(apart(&x));
        }
        let node = &self.graph.nodes[sum];
        self.pass(&[sum])?;
        // The first summand holds the main layers, unless it is x itself.
        if one.1.is_empty() || (node.input[1] == one.0.name && !other.1.is_empty()) {
            std::mem::swap(&mut one, &mut other);
        }
        let ((flow, layers, _), (beside, shortcut, _)) = (one, other);
        let output = node.output.first().map_or("", String::as_str);
        if flow.clone().renamed(output) != beside.clone().renamed(output) {
            let what = format!("it adds examples of {:?} and of {:?}", flow.dims, beside.dims);
            return Err(refused(what).at(node.place()));
        }
        if layers.is_empty() {
            return Err(apart(&x));
        }
        let builder = LayerBuilder::Residual { layers, shortcut, activation: Activation::Identity };
        Ok((ImportedLayer::of(builder, Vec::new()), flow.renamed(output)))
    }
}

/// An error of a network that cannot represent the graph.
pub(super) fn unfit(error: Error) -> Error {
    let place = error.place.clone().unwrap_or_else(|| "the network".into());
    refused(error.message).at(place)
}
