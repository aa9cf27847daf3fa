//! The activation functions A = g(Z), with their derivatives.
//!
//! Each derivative is written in terms of the activation a = g(z) where that is possible, so that a layer needs to
//! save z only if [`Activation::needs_input`]. At a kink (ReLU's 0) the derivative is that of the left
//! side: 0 for ReLU, s for leaky ReLU; at ReLU6's 6 it is 0. A new activation is a variant with its formulas, and one line in [`ALL`].

use std::fmt;
use std::mem::discriminant;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thalweg_kernels::{Real, elementwise, softmax};

use super::View;
use crate::error::{Error, Result, did_you_mean};

/// An activation function g.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Activation {
    /// g(z) = z; a network of identities collapses to one linear map.
    #[default]
    Identity,
    /// σ(z) = 1 / (1 + e^−z), g' = a(1 − a).
    Sigmoid,
    /// tanh z, g' = 1 − a².
    Tanh,
    /// max(0, z), g' = 1 where z > 0, else 0.
    Relu,
    /// min(max(0, z), 6), g' = 1 where 0 < z < 6, else 0 (Howard et al. 2017).
    Relu6,
    /// max(s·z, z) with slope s, 0 ≤ s < 1; g' = 1 where z > 0, else s.
    LeakyRelu(f64),
    /// z where z > 0, else α(e^z − 1), α > 0 (Clevert et al. 2016).
    Elu(f64),
    /// Self-normalising: λz where z > 0, else λα(e^z − 1) (Klambauer et al. 2017).
    Selu,
    /// z·Φ(z), Φ the normal distribution function (Hendrycks and Gimpel 2016).
    Gelu,
    /// z·σ(2u), u = √(2/π)(z + 0.044715 z³): GELU by the same paper's tanh approximation.
    GeluTanh,
    /// z·σ(βz), β > 0, also called swish (Elfwing et al. 2018; Ramachandran et al. 2017).
    Silu(f64),
    /// z·tanh(softplus z) (Misra 2020).
    Mish,
    /// ln(1 + e^z), g' = 1 − e^−a.
    Softplus,
    /// e^z / Σe^z over the last dimension: a row, or the channels of each pixel.
    Softmax,
}

/// An activation by name.
#[derive(Debug, Clone, Copy)]
pub struct Registered {
    /// Its name in configurations; its parameter is given in brackets: `leaky_relu(0.2)`.
    pub name: &'static str,
    /// The activation with its usual parameter.
    pub usual: Activation,
    number: Option<Number>,
}

/// The parameter of an activation that has one.
#[derive(Debug, Clone, Copy)]
struct Number {
    build: fn(f64) -> Activation,
    fits: fn(f64) -> bool,
    /// What it must be, for errors.
    expected: &'static str,
}

/// Every activation.
pub const ALL: [Registered; 14] = [
    plain("identity", Activation::Identity),
    plain("sigmoid", Activation::Sigmoid),
    plain("tanh", Activation::Tanh),
    plain("relu", Activation::Relu),
    plain("relu6", Activation::Relu6),
    Registered {
        number: Some(Number {
            build: Activation::LeakyRelu,
            fits: |slope| (0.0..1.0).contains(&slope),
            expected: "a slope from 0 to below 1",
        }),
        ..plain("leaky_relu", Activation::LeakyRelu(0.01))
    },
    Registered { number: above_zero(Activation::Elu), ..plain("elu", Activation::Elu(1.0)) },
    plain("selu", Activation::Selu),
    plain("gelu", Activation::Gelu),
    plain("gelu_tanh", Activation::GeluTanh),
    Registered { number: above_zero(Activation::Silu), ..plain("silu", Activation::Silu(1.0)) },
    plain("mish", Activation::Mish),
    plain("softplus", Activation::Softplus),
    plain("softmax", Activation::Softmax),
];

const fn plain(name: &'static str, usual: Activation) -> Registered {
    Registered { name, usual, number: None }
}

const fn above_zero(build: fn(f64) -> Activation) -> Option<Number> {
    Some(Number { build, fits: |x| x > 0.0 && x.is_finite(), expected: "a number above 0" })
}

/// Where [`Activation::Relu6`] ends to rise.
const SIX: f64 = 6.0;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_LAMBDA: f64 = 1.050_700_987_355_480_5;
const SQRT_HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;
const INV_SQRT_TAU: f64 = 0.398_942_280_401_432_7;
/// 2√(2/π) and the factor of z³ in [`Activation::GeluTanh`].
pub(crate) const GELU_TANH: [f64; 2] = [2.0 * std::f64::consts::FRAC_2_SQRT_PI * SQRT_HALF, 0.044_715];

impl Activation {
    fn registered(self) -> Registered {
        let same = |other: &Registered| discriminant(&other.usual) == discriminant(&self);
        ALL.into_iter().find(same).expect("every activation is in ALL")
    }

    /// The name in configurations; its parameter is given in brackets: `leaky_relu(0.2)`.
    pub fn name(self) -> &'static str {
        self.registered().name
    }

    /// Its parameter and the usual one, if it has one.
    pub(crate) fn number(self) -> Option<(f64, f64)> {
        let of = |activation| match activation {
            Activation::LeakyRelu(x) | Activation::Elu(x) | Activation::Silu(x) => Some(x),
            _ => None,
        };
        Some((of(self)?, of(self.registered().usual)?))
    }

    /// Whether the derivative needs z; otherwise a is enough.
    pub fn needs_input(self) -> bool {
        matches!(self, Activation::Gelu | Activation::GeluTanh | Activation::Silu(_) | Activation::Mish)
    }

    /// Whether the derivative jumps at z = 0 (for those, a > 0 exactly where z > 0).
    fn has_kink(self) -> bool {
        match self {
            Activation::Relu | Activation::Relu6 | Activation::LeakyRelu(_) | Activation::Selu => true,
            Activation::Elu(alpha) => alpha != 1.0,
            _ => false,
        }
    }

    /// Appends, for each element of A, which side of the kink in g' it is on, if g' has one.
    pub(crate) fn kink_sides(self, a: View, sides: &mut Vec<bool>) {
        if self.has_kink() {
            sides.extend((0..a.len()).map(|i| a.at(i) > 0.0));
        }
        if self == Activation::Relu6 {
            sides.extend((0..a.len()).map(|i| a.at(i) < SIX));
        }
    }

    /// Whether it belongs to the ReLU kinds, for which He initialisation was derived.
    pub fn is_rectifier(self) -> bool {
        use Activation::*;
        matches!(self, Relu | Relu6 | LeakyRelu(_) | Elu(_) | Gelu | GeluTanh | Silu(_) | Mish | Softplus)
    }

    /// a = g(z) for rows of `columns` elements, in place unless z is given.
    pub(crate) fn forward<T: Real>(self, z: Option<&[T]>, a: &mut [T], columns: usize) {
        let zero = T::ZERO;
        match self {
            Activation::Identity => in_place(z, a),
            Activation::Sigmoid => map(z, a, sigmoid),
            Activation::Tanh => map(z, a, |z| z.tanh()),
            Activation::Relu => map(z, a, move |z| z.max(zero)),
            Activation::Relu6 => {
                let six = T::of(SIX);
                map(z, a, move |z| -(-z.max(zero)).max(-six));
            }
            Activation::LeakyRelu(s) => {
                let s = T::of(s);
                map(z, a, move |z| z.max(s * z));
            }
            Activation::Elu(alpha) => {
                let alpha = T::of(alpha);
                map(z, a, move |z| if z > zero { z } else { alpha * z.exp_m1() });
            }
            Activation::Selu => {
                let (lambda, alpha) = (T::of(SELU_LAMBDA), T::of(SELU_ALPHA));
                map(z, a, move |z| lambda * if z > zero { z } else { alpha * z.exp_m1() });
            }
            Activation::Gelu => map(z, a, |z| z * normal_distribution(z)),
            Activation::GeluTanh => map(z, a, |z| z * sigmoid(twice_u(z))),
            Activation::Silu(beta) => {
                let beta = T::of(beta);
                map(z, a, move |z| z * sigmoid(beta * z));
            }
            Activation::Mish => map(z, a, |z| z * softplus(z).tanh()),
            Activation::Softplus => map(z, a, softplus),
            Activation::Softmax => {
                in_place(z, a);
                softmax::softmax_in_place(a, columns);
            }
        }
    }

    /// dz = da ∗ g'(z), in place unless da is given. `saved` is z if the activation needs its input, else a.
    pub(crate) fn backward<T: Real>(self, saved: &[T], columns: usize, da: Option<&[T]>, dz: &mut [T]) {
        let (zero, one) = (T::ZERO, T::ONE);
        match self {
            Activation::Identity => in_place(da, dz),
            Activation::Sigmoid => zip(da, saved, dz, move |da, a| da * (a * (one - a))),
            Activation::Tanh => zip(da, saved, dz, move |da, a| da * (one - a * a)),
            Activation::Relu => zip(da, saved, dz, move |da, a| if a > zero { da } else { zero }),
            Activation::Relu6 => {
                let six = T::of(SIX);
                zip(da, saved, dz, move |da, a| if a > zero && a < six { da } else { zero });
            }
            Activation::LeakyRelu(s) => {
                let s = T::of(s);
                zip(da, saved, dz, move |da, a| if a > zero { da } else { s * da });
            }
            Activation::Elu(alpha) => {
                let alpha = T::of(alpha);
                zip(da, saved, dz, move |da, a| if a > zero { da } else { da * (a + alpha) });
            }
            Activation::Selu => {
                let (lambda, floor) = (T::of(SELU_LAMBDA), T::of(SELU_LAMBDA * SELU_ALPHA));
                zip(da, saved, dz, move |da, a| da * if a > zero { lambda } else { a + floor });
            }
            Activation::Gelu => zip(da, saved, dz, |da, z| {
                let density = T::of(INV_SQRT_TAU) * (T::of(-0.5) * z * z).exp();
                da * (normal_distribution(z) + z * density)
            }),
            Activation::GeluTanh => zip(da, saved, dz, move |da, z| {
                let [factor, cubic] = GELU_TANH.map(T::of);
                let s = sigmoid(twice_u(z));
                da * (s + z * (s * (one - s)) * (factor * (one + T::of(3.0) * cubic * z * z)))
            }),
            Activation::Silu(beta) => {
                let beta = T::of(beta);
                zip(da, saved, dz, move |da, z| {
                    let s = sigmoid(beta * z);
                    da * (s + beta * z * (s * (one - s)))
                });
            }
            Activation::Mish => zip(da, saved, dz, move |da, z| {
                let t = softplus(z).tanh();
                da * (t + z * ((one - t * t) * sigmoid(z)))
            }),
            Activation::Softplus => zip(da, saved, dz, move |da, a| da * -((-a).exp_m1())),
            Activation::Softmax => {
                in_place(da, dz);
                for (dz, a) in dz.chunks_exact_mut(columns.max(1)).zip(saved.chunks_exact(columns.max(1))) {
                    // dz_j = a_j (da_j − Σ_k da_k a_k)
                    let mean = dz.iter().zip(a).fold(zero, |sum, (&da, &a)| sum + da * a);
                    for (dz, &a) in dz.iter_mut().zip(a) {
                        *dz = a * (*dz - mean);
                    }
                }
            }
        }
    }
}

/// Copies x to y, unless y already holds it.
fn in_place<T: Real>(x: Option<&[T]>, y: &mut [T]) {
    if let Some(x) = x {
        elementwise::copy(x, y);
    }
}

/// y = f(x), or f(y) if no x is given.
fn map<T: Real>(x: Option<&[T]>, y: &mut [T], f: impl Fn(T) -> T + Sync) {
    match x {
        Some(x) => elementwise::map(x, y, f),
        None => elementwise::map_in_place(y, f),
    }
}

/// y = f(a, b), or f(y, b) if no a is given.
fn zip<T: Real>(a: Option<&[T]>, b: &[T], y: &mut [T], f: impl Fn(T, T) -> T + Sync) {
    match a {
        Some(a) => elementwise::zip(a, b, y, f),
        None => elementwise::zip_in_place(y, b, f),
    }
}

/// 1 / (1 + e^−z), in whichever form cannot overflow.
fn sigmoid<T: Real>(z: T) -> T {
    let e = (-z.abs()).exp();
    let small = e / (T::ONE + e);
    if z < T::ZERO { small } else { T::ONE / (T::ONE + e) }
}

/// ln(1 + e^z) = max(z, 0) + ln(1 + e^−|z|).
fn softplus<T: Real>(z: T) -> T {
    z.max(T::ZERO) + (-z.abs()).exp().ln_1p()
}

/// Φ(z) = (1 + erf(z/√2)) / 2 = erfc(−z/√2) / 2, which stays accurate where Φ is small.
fn normal_distribution<T: Real>(z: T) -> T {
    T::of(0.5) * (-z * T::of(SQRT_HALF)).erfc()
}

/// 2u of [`Activation::GeluTanh`].
fn twice_u<T: Real>(z: T) -> T {
    let [factor, cubic] = GELU_TANH.map(T::of);
    factor * (z + cubic * z * z * z)
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.number() {
            Some((x, usual)) if x != usual => write!(f, "{}({x})", self.name()),
            _ => f.write_str(self.name()),
        }
    }
}

impl FromStr for Activation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, number) = match text.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
            Some((name, number)) => (name, Some(number.trim())),
            None => (text, None),
        };
        let names = || ALL.iter().map(|registered| registered.name);
        let Some(registered) = ALL.iter().find(|registered| registered.name == name) else {
            return Err(Error::config(format!("unknown activation {text:?}{}", did_you_mean(name, names())))
                .fix(format!("use one of {}", names().collect::<Vec<_>>().join(", "))));
        };
        let Some(typed) = number else { return Ok(registered.usual) };
        let wrong = || Error::config(format!("the activation {text:?}"));
        let Some(number) = registered.number else {
            return Err(wrong().fix(format!("write {name}: it has no number")));
        };
        typed.parse().ok().filter(|&x| (number.fits)(x)).map(number.build).ok_or_else(|| {
            let (_, usual) = registered.usual.number().unwrap_or_default();
            wrong().fix(format!("write {name}({usual}): {}", number.expected))
        })
    }
}

impl From<Activation> for String {
    fn from(activation: Activation) -> Self {
        activation.to_string()
    }
}

impl TryFrom<String> for Activation {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        let numbers = [Activation::LeakyRelu(0.2), Activation::Elu(2.0), Activation::Silu(1.702)];
        for activation in ALL.map(|registered| registered.usual).into_iter().chain(numbers) {
            assert_eq!(activation.to_string().parse::<Activation>().unwrap(), activation);
        }
        assert_eq!(Activation::Elu(2.0).to_string(), "elu(2)");
        assert_eq!(Activation::Elu(1.0).to_string(), "elu");
    }

    #[test]
    fn a_wrong_name_or_number_is_refused() {
        let error = "rleu".parse::<Activation>().unwrap_err().to_string();
        assert!(error.contains("did you mean \"relu\"?"), "{error}");
        for wrong in
            ["leaky_relu(2)", "leaky_relu(-0.1)", "elu(0)", "elu(inf)", "silu(x)", "relu(1)", "elu(1", "elu(nan)"]
        {
            let error = wrong.parse::<Activation>().unwrap_err().to_string();
            assert!(error.contains("fix:"), "{error}");
        }
    }
}
