//! The operations of a network's nodes, one by one, as formats traverse them.

use crate::layers::{Node, Op};
use crate::tensor::{Activation, Shape};

/// An operation, with the shape of its input.
#[derive(Debug)]
pub(crate) struct LoweredOp<'a> {
    pub(crate) node: &'a Node,
    pub(crate) op: &'a Op,
    /// The node's name, followed by the operation's number if the node has several that are not activations.
    pub(crate) name: String,
    /// That number.
    pub(crate) place: Option<usize>,
    pub(crate) input: Shape,
}

impl LoweredOp<'_> {
    pub(crate) fn output(&self) -> Shape {
        self.op.output(self.input)
    }

    /// The name in θ of one of the layer's parameters.
    pub(crate) fn parameter(&self, own: &str) -> String {
        format!("{}.{own}", self.node.name)
    }

    /// Whether the layer does nothing else.
    pub(crate) fn is_alone(&self) -> bool {
        self.node.ops.iter().filter(|op| !matches!(op, Op::ClearPadding)).count() == 1
    }

    /// g, if the operation is an activation.
    pub(crate) fn activation(&self) -> Option<Activation> {
        match self.op {
            Op::Activation(g) => Some(*g),
            _ => None,
        }
    }
}

/// The operations of a node. An activation has the name of the operation before it, with which formats may fuse it, and so
/// has what only clears padding.
pub(crate) fn lowered(node: &Node) -> Vec<LoweredOp<'_>> {
    let follows = |op: &Op| matches!(op, Op::Activation(_) | Op::ClearPadding);
    let several = node.ops.iter().filter(|op| !follows(op)).count() > 1;
    let (mut input, mut before) = (node.input, 0);
    let lowered = |op| {
        before += usize::from(!follows(op));
        let place = several.then(|| before.saturating_sub(1));
        let name = place.map_or_else(|| node.name.clone(), |place| format!("{}.{place}", node.name));
        let lowered = LoweredOp { node, op, name, place, input };
        input = lowered.output();
        lowered
    };
    node.ops.iter().map(lowered).collect()
}
