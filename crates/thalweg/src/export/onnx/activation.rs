//! Activations as nodes.

use super::graph::{Graph, float, signed, text};
use crate::tensor::Activation;

/// SELU's λ and α: every runtime supports ELU with an α and a factor.
pub(crate) const SELU: [f64; 2] = [1.050_700_987_355_480_5, 1.673_263_242_354_377_2];

/// a = g(z); softmax depends on which dimension has the channels.
pub(super) fn activate(graph: &mut Graph, scope: &str, g: Activation, z: &str, channels_first: bool) -> String {
    let name = |operator: &str| format!("{scope}.{operator}");
    let mut node = |operator: &str, attributes| graph.node(&name(operator), operator, [z], attributes);
    match g {
        Activation::Identity => z.to_string(),
        Activation::Sigmoid => node("Sigmoid", Vec::new()),
        Activation::Tanh => node("Tanh", Vec::new()),
        Activation::Relu => node("Relu", Vec::new()),
        Activation::Relu6 => {
            let [zero, six] = [("zero", 0.0), ("six", 6.0)].map(|(own, x)| graph.floats(&name(own), &[], [x]));
            graph.node(&name("Clip"), "Clip", [z, &zero, &six], Vec::new())
        }
        Activation::LeakyRelu(slope) => node("LeakyRelu", vec![float("alpha", slope)]),
        Activation::Elu(1.0) => node("Elu", Vec::new()),
        Activation::Elu(alpha) => node("Elu", vec![float("alpha", alpha)]),
        Activation::Gelu => node("Gelu", Vec::new()),
        Activation::GeluTanh => node("Gelu", vec![text("approximate", "tanh")]),
        Activation::Softplus => node("Softplus", Vec::new()),
        Activation::Selu => {
            let elu = node("Elu", vec![float("alpha", SELU[1])]);
            let lambda = graph.floats(&name("lambda"), &[], [SELU[0]]);
            graph.node(&name("Mul"), "Mul", [&elu, &lambda], Vec::new())
        }
        Activation::Silu(beta) => {
            let sigmoid = if beta == 1.0 {
                node("Sigmoid", Vec::new())
            } else {
                let beta = graph.floats(&name("beta"), &[], [beta]);
                let scaled = graph.node(&name("scaled"), "Mul", [z, &beta], Vec::new());
                graph.node(&name("Sigmoid"), "Sigmoid", [&scaled], Vec::new())
            };
            graph.node(&name("Mul"), "Mul", [z, &sigmoid], Vec::new())
        }
        Activation::Mish => {
            let softplus = node("Softplus", Vec::new());
            let tanh = graph.node(&name("Tanh"), "Tanh", [&softplus], Vec::new());
            graph.node(&name("Mul"), "Mul", [z, &tanh], Vec::new())
        }
        Activation::Softmax => node("Softmax", vec![signed("axis", if channels_first { 1 } else { -1 })]),
    }
}
