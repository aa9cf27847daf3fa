//! Activations that graphs write as several nodes.

use super::graph::{Graph, NodeAttributes};
use crate::export::onnx::SELU;
use crate::export::onnx::proto::Node;
use crate::tensor::Activation;

/// The activation formed by the users of a tensor, the name of its output, and the nodes it covers.
pub(super) fn activation<'a>(graph: &'a Graph, x: &str, users: &[usize]) -> Option<(Activation, &'a str, Vec<usize>)> {
    let found = Pattern { graph, x };
    match *users {
        [user] => found.selu(user),
        [a, b] => [(a, b), (b, a)].into_iter().find_map(|(a, product)| found.product(a, product)),
        _ => None,
    }
}

/// The shortest decimal with the same 32-bit value: 0.2 for 0.200000003.
pub(super) fn short(x: f64) -> f64 {
    (x as f32).to_string().parse().unwrap_or(x)
}

struct Pattern<'a, 'x> {
    graph: &'a Graph,
    x: &'x str,
}

fn output(node: &Node) -> Option<&str> {
    node.output.first().map(String::as_str)
}

impl<'a> Pattern<'a, '_> {
    /// The only user of a node's output, if it is of the given kind.
    fn next(&self, node: usize, kind: &str) -> Option<usize> {
        match *self.graph.users(output(&self.graph.nodes[node])?) {
            [user] if self.graph.nodes[user].op_type == kind => Some(user),
            _ => None,
        }
    }

    /// Whether a node has this constant as an input.
    fn by(&self, node: usize, number: f64) -> Option<()> {
        let near = |x: f64| (x - number).abs() < 1e-6 * number.abs();
        let is = |name: &String| self.graph.constant(name).is_some_and(|c| matches!(c.numbers[..], [x] if near(x)));
        self.graph.nodes[node].input.iter().any(is).then_some(())
    }

    /// λ · ELU with α.
    fn selu(&self, elu: usize) -> Option<(Activation, &'a str, Vec<usize>)> {
        let node = &self.graph.nodes[elu];
        let alpha = node.float("alpha").filter(|_| node.op_type == "Elu")?;
        let product = self.next(elu, "Mul").filter(|_| (alpha - SELU[1]).abs() < 1e-6)?;
        self.by(product, SELU[0])?;
        Some((Activation::Selu, output(&self.graph.nodes[product])?, vec![elu, product]))
    }

    /// x times a function of x.
    fn product(&self, first: usize, product: usize) -> Option<(Activation, &'a str, Vec<usize>)> {
        let (node, times) = (&self.graph.nodes[first], &self.graph.nodes[product]);
        if times.op_type != "Mul" {
            return None;
        }
        let (g, last, mut nodes) = match node.op_type.as_str() {
            "Sigmoid" => (Activation::Silu(1.0), first, vec![first]),
            // x · σ(βx)
            "Mul" => {
                let beta = node.input.iter().find_map(|name| self.graph.constant(name))?;
                let [beta] = beta.numbers[..] else { return None };
                let sigmoid = self.next(first, "Sigmoid").filter(|_| beta > 0.0)?;
                (Activation::Silu(short(beta)), sigmoid, vec![first, sigmoid])
            }
            "Softplus" => {
                let tanh = self.next(first, "Tanh")?;
                (Activation::Mish, tanh, vec![first, tanh])
            }
            // x · (1 + erf(x/√2)) · ½
            "Div" => {
                (self.graph.nodes[first].given(0) == Some(self.x)).then_some(())?;
                self.by(first, std::f64::consts::SQRT_2)?;
                let erf = self.next(first, "Erf")?;
                let sum = self.next(erf, "Add")?;
                self.by(sum, 1.0)?;
                (Activation::Gelu, sum, vec![first, erf, sum])
            }
            _ => return None,
        };
        let made = output(&self.graph.nodes[last])?;
        let of_both = times.input.iter().any(|input| input == made) && times.input.iter().any(|input| input == self.x);
        if !of_both || self.graph.users(made) != [product] {
            return None;
        }
        nodes.push(product);
        let mut end = product;
        if g == Activation::Gelu {
            end = self.next(product, "Mul")?;
            self.by(end, 0.5)?;
            nodes.push(end);
        }
        Some((g, output(&self.graph.nodes[end])?, nodes))
    }
}
