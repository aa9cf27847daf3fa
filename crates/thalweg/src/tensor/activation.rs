//! The activation functions A = g(Z), with their derivatives.
//!
//! Each derivative is written in terms of the activation a = g(z) where that is possible, so that a layer needs to
//! keep z only for those that say [`Activation::needs_input`]. At a kink (ReLU's 0) the derivative is that of the left
//! side: 0 for ReLU, s for leaky ReLU.

use std::fmt;
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
    /// max(s·z, z) with slope s, 0 ≤ s < 1; g' = 1 where z > 0, else s.
    LeakyRelu(f64),
    /// z where z > 0, else e^z − 1 (Clevert et al. 2016).
    Elu,
    /// Self-normalising: λz where z > 0, else λα(e^z − 1) (Klambauer et al. 2017).
    Selu,
    /// z·Φ(z), Φ the normal distribution function (Hendrycks and Gimpel 2016).
    Gelu,
    /// z·σ(z), also called swish (Elfwing et al. 2018).
    Silu,
    /// z·tanh(softplus z) (Misra 2020).
    Mish,
    /// ln(1 + e^z), g' = 1 − e^−a.
    Softplus,
    /// e^z / Σe^z over each row.
    Softmax,
}

/// One of each activation, by name.
pub const ALL: [Activation; 12] = [
    Activation::Identity,
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::LeakyRelu(LEAKY_SLOPE),
    Activation::Elu,
    Activation::Selu,
    Activation::Gelu,
    Activation::Silu,
    Activation::Mish,
    Activation::Softplus,
    Activation::Softmax,
];

const LEAKY_SLOPE: f64 = 0.01;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_LAMBDA: f64 = 1.050_700_987_355_480_5;
const SQRT_HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;
const INV_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

impl Activation {
    /// The name in configurations; leaky ReLU's slope is given as `leaky_relu(0.2)`.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Identity => "identity",
            Activation::Sigmoid => "sigmoid",
            Activation::Tanh => "tanh",
            Activation::Relu => "relu",
            Activation::LeakyRelu(_) => "leaky_relu",
            Activation::Elu => "elu",
            Activation::Selu => "selu",
            Activation::Gelu => "gelu",
            Activation::Silu => "silu",
            Activation::Mish => "mish",
            Activation::Softplus => "softplus",
            Activation::Softmax => "softmax",
        }
    }

    /// Whether the derivative needs z; otherwise a is enough.
    pub fn needs_input(self) -> bool {
        matches!(self, Activation::Gelu | Activation::Silu | Activation::Mish)
    }

    /// Whether the derivative jumps at z = 0 (there a > 0 just where z > 0).
    fn has_kink(self) -> bool {
        matches!(self, Activation::Relu | Activation::LeakyRelu(_) | Activation::Selu)
    }

    /// Adds, for each number of A, on which side of the kink in g' it is, where g' has one.
    pub(crate) fn kink_sides(self, a: View, sides: &mut Vec<bool>) {
        if self.has_kink() {
            sides.extend((0..a.len()).map(|i| a.at(i) > 0.0));
        }
    }

    /// Whether it belongs to the ReLU kinds, for which He initialisation was derived.
    pub fn is_rectifier(self) -> bool {
        use Activation::*;
        matches!(self, Relu | LeakyRelu(_) | Elu | Gelu | Silu | Mish | Softplus)
    }

    /// a = g(z) for rows of `columns` numbers, in the place of z.
    pub(crate) fn forward<T: Real>(self, a: &mut [T], columns: usize) {
        let zero = T::ZERO;
        match self {
            Activation::Identity => {}
            Activation::Sigmoid => elementwise::map_in_place(a, sigmoid),
            Activation::Tanh => elementwise::map_in_place(a, |z| z.tanh()),
            Activation::Relu => elementwise::map_in_place(a, move |z| z.max(zero)),
            Activation::LeakyRelu(s) => {
                let s = T::of(s);
                elementwise::map_in_place(a, move |z| z.max(s * z));
            }
            Activation::Elu => elementwise::map_in_place(a, move |z| if z > zero { z } else { z.exp_m1() }),
            Activation::Selu => {
                let (lambda, alpha) = (T::of(SELU_LAMBDA), T::of(SELU_ALPHA));
                elementwise::map_in_place(a, move |z| lambda * if z > zero { z } else { alpha * z.exp_m1() });
            }
            Activation::Gelu => elementwise::map_in_place(a, |z| z * normal_distribution(z)),
            Activation::Silu => elementwise::map_in_place(a, |z| z * sigmoid(z)),
            Activation::Mish => elementwise::map_in_place(a, |z| z * softplus(z).tanh()),
            Activation::Softplus => elementwise::map_in_place(a, softplus),
            Activation::Softmax => softmax::softmax_in_place(a, columns),
        }
    }

    /// dz = da ∗ g'(z), in the place of da. `saved` is z if the activation needs its input, else a.
    pub(crate) fn backward<T: Real>(self, saved: &[T], columns: usize, dz: &mut [T]) {
        let (zero, one) = (T::ZERO, T::ONE);
        match self {
            Activation::Identity => {}
            Activation::Sigmoid => elementwise::zip_in_place(dz, saved, move |da, a| da * (a * (one - a))),
            Activation::Tanh => elementwise::zip_in_place(dz, saved, move |da, a| da * (one - a * a)),
            Activation::Relu => elementwise::zip_in_place(dz, saved, move |da, a| if a > zero { da } else { zero }),
            Activation::LeakyRelu(s) => {
                let s = T::of(s);
                elementwise::zip_in_place(dz, saved, move |da, a| if a > zero { da } else { s * da });
            }
            Activation::Elu => {
                elementwise::zip_in_place(dz, saved, move |da, a| if a > zero { da } else { da * (a + one) });
            }
            Activation::Selu => {
                let (lambda, floor) = (T::of(SELU_LAMBDA), T::of(SELU_LAMBDA * SELU_ALPHA));
                elementwise::zip_in_place(dz, saved, move |da, a| da * if a > zero { lambda } else { a + floor });
            }
            Activation::Gelu => elementwise::zip_in_place(dz, saved, |da, z| {
                let density = T::of(INV_SQRT_TAU) * (T::of(-0.5) * z * z).exp();
                da * (normal_distribution(z) + z * density)
            }),
            Activation::Silu => elementwise::zip_in_place(dz, saved, move |da, z| {
                let s = sigmoid(z);
                da * (s + z * (s * (one - s)))
            }),
            Activation::Mish => elementwise::zip_in_place(dz, saved, move |da, z| {
                let t = softplus(z).tanh();
                da * (t + z * ((one - t * t) * sigmoid(z)))
            }),
            Activation::Softplus => elementwise::zip_in_place(dz, saved, move |da, a| da * -((-a).exp_m1())),
            Activation::Softmax => {
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

/// 1 / (1 + e^−z), from whichever side cannot overflow.
fn sigmoid<T: Real>(z: T) -> T {
    let e = (-z.abs()).exp();
    let small = e / (T::ONE + e);
    if z < T::ZERO { small } else { T::ONE / (T::ONE + e) }
}

/// ln(1 + e^z) = max(z, 0) + ln(1 + e^−|z|).
fn softplus<T: Real>(z: T) -> T {
    z.max(T::ZERO) + (-z.abs()).exp().ln_1p()
}

/// Φ(z) = (1 + erf(z/√2)) / 2 = erfc(−z/√2) / 2, which keeps its digits where Φ is small.
fn normal_distribution<T: Real>(z: T) -> T {
    T::of(0.5) * (-z * T::of(SQRT_HALF)).erfc()
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Activation::LeakyRelu(s) if *s != LEAKY_SLOPE => write!(f, "leaky_relu({s})"),
            _ => f.write_str(self.name()),
        }
    }
}

impl FromStr for Activation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(slope) = text.strip_prefix("leaky_relu(").and_then(|rest| rest.strip_suffix(')')) {
            return match slope.trim().parse() {
                Ok(s) if (0.0..1.0).contains(&s) => Ok(Activation::LeakyRelu(s)),
                _ => {
                    Err(Error::config(format!("leaky ReLU's slope is {slope:?}, expected a number from 0 to below 1"))
                        .fix("write leaky_relu(0.01)"))
                }
            };
        }
        ALL.into_iter().find(|activation| activation.name() == text).ok_or_else(|| {
            let names = ALL.map(Activation::name);
            Error::config(format!("unknown activation {text:?}{}", did_you_mean(text, names)))
                .fix(format!("use one of {}", names.join(", ")))
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
        for activation in ALL.into_iter().chain([Activation::LeakyRelu(0.2)]) {
            assert_eq!(activation.to_string().parse::<Activation>().unwrap(), activation);
        }
    }

    #[test]
    fn a_wrong_name_or_slope_is_refused() {
        let error = "rleu".parse::<Activation>().unwrap_err().to_string();
        assert!(error.contains("did you mean \"relu\"?"), "{error}");
        assert!("leaky_relu(2)".parse::<Activation>().is_err());
    }
}
