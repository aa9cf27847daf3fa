//! Learned vectors for categories (Guo and Berkhahn 2016).

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered};
use crate::error::{Error, Result, advice};
use crate::init::Init;
use crate::tensor::{Shape, Tensor, View, ViewMut, ops};

/// Names of the tables; a network can embed this many columns.
const NAMES: [&str; 32] = [
    "table0", "table1", "table2", "table3", "table4", "table5", "table6", "table7", "table8", "table9", "table10",
    "table11", "table12", "table13", "table14", "table15", "table16", "table17", "table18", "table19", "table20",
    "table21", "table22", "table23", "table24", "table25", "table26", "table27", "table28", "table29", "table30",
    "table31",
];

/// One embedded column: codes 0…slots−1, each with a learned vector. Code 0 is for unseen categories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedded {
    /// How many codes there are.
    pub slots: usize,
    /// The dimension of each code's vector.
    pub dimension: usize,
}

/// The first `dense` inputs pass unchanged; each input after them is a code and becomes that row of its table.
///
/// Forward: `y = [x_dense, E₀[x_d], E₁[x_d+1], …]`. Backward: `dE_j[code] = Σ dy` over the rows with that code.
///
/// ```
/// use thalweg::layers::{Embedded, Embedding};
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::Tensor;
///
/// let layer = Embedding { dense: 1, columns: vec![Embedded { slots: 2, dimension: 2 }] };
/// let network = Network::new(2, vec![Box::new(layer)])?;
/// let theta = Tensor::from_f64([4], vec![0.0, 0.0, 0.5, -0.5]); // E, row by row
/// let x = Tensor::from_f64([1, 2], vec![7.0, 1.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [7.0, 0.5, -0.5]); // 7 passes, code 1 becomes row 1.
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// Inputs that pass unchanged.
    pub dense: usize,
    /// The embedded columns, in the order of the inputs.
    pub columns: Vec<Embedded>,
}

impl Layer for Embedding {
    fn describe(&self, _input: Shape) -> String {
        let tables: Vec<String> = self.columns.iter().map(|c| format!("{}→{}", c.slots, c.dimension)).collect();
        format!("embedding of {} columns ({})", tables.len(), tables.join(", "))
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let n = self.dense.saturating_add(self.columns.len());
        if input.size() != n || self.columns.len() > NAMES.len() {
            return Err(Error::config(format!("an embedding for {n} inputs on {} inputs", input.size()))
                .fix(advice!("embed at most {} columns: raise [one_hot_up_to]", NAMES.len())));
        }
        if let Some(column) = self.columns.iter().find(|c| c.slots == 0 || c.dimension == 0) {
            return Err(Error::config(format!("an embedding of {} slots in {}", column.slots, column.dimension))
                .fix("use at least one slot and one dimension"));
        }
        Ok([self.columns.iter().map(|c| c.dimension).fold(self.dense, usize::saturating_add)].into())
    }

    fn parameters(&self, _input: Shape) -> Vec<ParameterSpec> {
        let table = |(name, column): (&&'static str, &Embedded)| {
            let init = Init::Normal((1.0 / column.dimension as f64).sqrt());
            ParameterSpec { decays: false, ..ParameterSpec::weight(name, [column.slots, column.dimension], init) }
        };
        NAMES.iter().zip(&self.columns).map(table).collect()
    }

    fn flops_per_example(&self, _input: Shape) -> Option<usize> {
        Some(self.dense + self.columns.iter().map(|column| column.dimension).sum::<usize>())
    }

    fn lower(&self, _name: &str, _input: Shape) -> Result<Vec<Op>> {
        let tables = NAMES.into_iter().zip(self.columns.iter().cloned()).collect();
        Ok(vec![Op::Embedding { dense: self.dense, tables }])
    }

    fn forward(&self, theta: Parameters, x: View, mut y: ViewMut, _saved: &mut [Tensor], _mode: Mode) {
        ops::copy_columns(x, 0..self.dense, y.reborrow(), 0);
        let mut start = self.dense;
        for (j, column) in self.columns.iter().enumerate() {
            ops::embed(x, self.dense + j, theta.get(j), y.reborrow(), start);
            start += column.dimension;
        }
    }

    fn backward(&self, _theta: Parameters, pass: Backward, mut gradient: ParametersMut) {
        let dy = pass.dy.view();
        let mut start = self.dense;
        for (j, column) in self.columns.iter().enumerate() {
            ops::embed_backward(pass.x, self.dense + j, dy, start, gradient.get(j));
            start += column.dimension;
        }
        if let Some(mut dx) = pass.dx {
            // A code has no gradient.
            ops::scale(dx.reborrow(), 0.0);
            ops::copy_columns(dy, 0..self.dense, dx, 0);
        }
    }
}

impl Registered for Embedding {
    const NAME: &'static str = "embedding";

    fn examples() -> Vec<(Self, Shape)> {
        let columns = vec![Embedded { slots: 4, dimension: 2 }, Embedded { slots: 3, dimension: 3 }];
        vec![(Embedding { dense: 2, columns }, [4].into())]
    }
}
