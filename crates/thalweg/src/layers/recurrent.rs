//! Recurrent layers: plain (Elman 1990), GRU (Cho et al. 2014) and LSTM (Hochreiter and Schmidhuber 1997).

use std::borrow::Cow;
use std::fmt::Debug;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered, steps};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::tensor::sequence::{Cell, OutputSteps, Recurrence, kept_sizes};
use crate::tensor::{Shape, Tensor, View, ViewMut};

/// The most units a layer may have.
const MOST_UNITS: usize = 1 << 16;

/// What a recurrent layer gives of its states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Return {
    /// The one after the last step: H values.
    #[default]
    Last,
    /// Each: T × H.
    All,
}

/// The equations of a recurrent layer, as a type.
pub trait Equations: Debug + Clone + PartialEq + Default + Send + Sync + 'static {
    /// The layer's name in configurations.
    const NAME: &'static str;

    /// The equations of its step.
    #[doc(hidden)]
    const CELL: Cell;
}

macro_rules! equations {
    ($type:ident, $name:literal, $cell:ident) => {
        #[doc = concat!("The equations of a layer of kind `", $name, "`.")]
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $type;

        impl Equations for $type {
            const NAME: &'static str = $name;
            const CELL: Cell = Cell::$cell;
        }
    };
}

equations!(Elman, "rnn", Tanh);
equations!(Gated, "gru", Gru);
equations!(LongShortTerm, "lstm", Lstm);

/// A plain recurrent layer: hₜ = tanh(W xₜ + b + U hₜ₋₁ + c). Its gradient by step vanishes or explodes with the steps
/// back: [`Gru`] and [`Lstm`] keep it.
pub type Rnn = Recurrent<Elman>;

/// A GRU, in the form of cuDNN and PyTorch: r = σ(Wᵣ x + bᵣ + Uᵣ h + cᵣ), z = σ(W_z x + b_z + U_z h + c_z),
/// n = tanh(Wₙ x + bₙ + r ∗ (Uₙ h + cₙ)), h' = (1 − z) ∗ n + z ∗ h.
pub type Gru = Recurrent<Gated>;

/// An LSTM: i, f and o = σ(W x + b + U h + c) of each gate, g = tanh(W x + b + U h + c), s' = f ∗ s + i ∗ g, h' = o ∗ tanh s'.
pub type Lstm = Recurrent<LongShortTerm>;

/// A recurrent layer of H units over T × C, from h₀ = 0: the state after the last step, or after each.
///
/// W is G·H × C and U is G·H × H, their rows gate by gate in PyTorch's order (r, z, n of a GRU; i, f, g, o of an LSTM), and
/// so are the biases b and c. A bidirectional layer has another such layer from the last step to the first, whose
/// parameters begin with `reverse_`; its states follow those of the first, 2·H in all. Within a layer of kind `sequence`,
/// padding leaves the state as it is.
///
/// Backward, through time from the last step to the first: with dA the gradient of a step's pre-activations, dW = Σ dAᵀ x,
/// dU = Σ dAᵀ hₜ₋₁, dx = dA W, and dhₜ₋₁ has dA U.
///
/// ```
/// use thalweg::layers::Rnn;
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Shape, Tensor};
///
/// let network = Network::new(Shape::from([2, 1]), vec![Box::new(Rnn::new(1))])?;
/// let theta = Tensor::from_f64([4], vec![1.0, 0.5, 0.0, 0.0]); // W, U, b, c
/// let x = Tensor::from_f64([1, 2, 1], vec![2.0, 3.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert!((y[0] - (3.0 + 0.5 * 2f64.tanh()).tanh()).abs() < 1e-15);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct Recurrent<E: Equations> {
    /// H.
    pub units: usize,
    /// Whether there is another one from the last step to the first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bidirectional: bool,
    /// What is given of its states.
    #[serde(default, rename = "return")]
    pub returns: Return,
    /// Which equations it has, by their type.
    #[serde(skip)]
    pub equations: PhantomData<E>,
}

/// The parameters of a direction, in order.
const PARAMETERS: [&str; 4] = ["input_weight", "state_weight", "input_bias", "state_bias"];

impl<E: Equations> Recurrent<E> {
    /// A layer of H units that gives its last state.
    pub fn new(units: usize) -> Self {
        Recurrent { units, bidirectional: false, returns: Return::Last, equations: PhantomData }
    }

    fn directions(&self) -> usize {
        1 + usize::from(self.bidirectional)
    }

    /// What there is to do in a direction.
    fn recurrence<'a>(&self, theta: Parameters<'a>, x: View, direction: usize) -> Recurrence<'a> {
        let sizes = steps(E::NAME, x.shape().example()).expect("the network has asked for the output's shape");
        let first = PARAMETERS.len() * direction;
        Recurrence {
            cell: E::CELL,
            reverse: direction == 1,
            steps: sizes[0],
            place: OutputSteps {
                every: self.returns == Return::All,
                width: self.directions() * self.units,
                start: direction * self.units,
            },
            lengths: theta.lengths,
            parameters: [0, 1, 2, 3].map(|i| theta.get(first + i)),
            precision: theta.precision,
        }
    }
}

/// The tensors that a direction saves, as many rows of each.
fn own(saved: &mut [Tensor], direction: usize, m: usize) -> [ViewMut<'_>; 5] {
    let mut each = saved[5 * direction..].iter_mut();
    std::array::from_fn(|_| each.next().expect("five tensors are saved").rows_mut(m))
}

impl<E: Equations> Layer for Recurrent<E> {
    fn describe(&self, input: Shape) -> String {
        let ways = if self.bidirectional { ", both ways" } else { "" };
        let all = if self.returns == Return::All { ", all states" } else { "" };
        format!("{} {} → {}{ways}{all}", E::NAME, input.dimensions().get(1).unwrap_or(&1), self.units)
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let [steps, channels] = steps(E::NAME, input)?;
        if !(1..=MOST_UNITS).contains(&self.units) || channels > 1 << 24 {
            let what = format!("a layer of kind {:?} with {} units on {channels} channels", E::NAME, self.units);
            return Err(Error::config(what).fix(format!("give it between 1 and {MOST_UNITS} units")));
        }
        let width = self.directions() * self.units;
        Ok(match self.returns {
            Return::Last => [width].into(),
            Return::All => [steps, width].into(),
        })
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        let [_, channels] = steps(E::NAME, input).unwrap_or_default();
        let rows = E::CELL.gates() * self.units;
        let direction = |prefix: &'static str| {
            let specs = [
                ParameterSpec::weight(PARAMETERS[0], [rows, channels], Init::GlorotUniform),
                ParameterSpec::weight(PARAMETERS[1], [rows, self.units], Init::GlorotUniform),
                ParameterSpec::bias(PARAMETERS[2], rows, 0.0),
                ParameterSpec::bias(PARAMETERS[3], rows, 0.0),
            ];
            specs.map(|spec| ParameterSpec { name: Cow::from(format!("{prefix}{}", spec.name)), ..spec })
        };
        ["", "reverse_"].into_iter().take(self.directions()).flat_map(direction).collect()
    }

    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        let sizes = kept_sizes(E::CELL, steps(E::NAME, input).unwrap_or_default(), self.units);
        sizes.map(|size| Shape::from([m, size])).repeat(self.directions())
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        let [steps, channels] = steps(E::NAME, input).ok()?;
        Some(self.directions() * steps * E::CELL.gates() * self.units * (channels + self.units))
    }

    fn lower(&self, _name: &str, _input: Shape) -> Result<Vec<Op>> {
        let every = self.returns == Return::All;
        Ok(vec![Op::Recurrent { cell: E::CELL, units: self.units, bidirectional: self.bidirectional, every }])
    }

    fn forward(&self, theta: Parameters, x: View, mut y: ViewMut, saved: &mut [Tensor], _mode: Mode) {
        for direction in 0..self.directions() {
            let keep = own(saved, direction, x.shape().rows());
            self.recurrence(theta, x, direction).forward(x, y.reborrow(), keep);
        }
    }

    fn backward(&self, theta: Parameters, pass: Backward, mut gradient: ParametersMut) {
        let Backward { x, dy, saved, mut dx, .. } = pass;
        for direction in 0..self.directions() {
            let keep = own(saved, direction, x.shape().rows());
            let first = PARAMETERS.len() * direction;
            let mut gradient = gradient.of(first..first + PARAMETERS.len());
            let recurrence = self.recurrence(theta, x, direction);
            let dx = dx.as_mut().map(ViewMut::reborrow);
            recurrence.backward(dy.view(), keep, gradient.all(), dx, direction == 1);
        }
    }
}

impl<E: Equations> Registered for Recurrent<E> {
    const NAME: &'static str = E::NAME;

    fn examples() -> Vec<(Self, Shape)> {
        let both = Recurrent { bidirectional: true, ..Recurrent::new(2) };
        vec![
            (Recurrent::new(3), [4, 2].into()),
            (Recurrent { returns: Return::All, ..Recurrent::new(1) }, [3].into()),
            (both.clone(), [5, 3].into()),
            (Recurrent { returns: Return::All, ..both }, [3, 2].into()),
        ]
    }
}
