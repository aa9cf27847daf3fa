//! How parameters are initialised before training.
//!
//! A new initialiser is a variant of [`Init`] with its variance, and one line in [`ALL`].

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, did_you_mean};
use crate::random::Stream;
use crate::tensor::ViewMut;

/// How to draw a weight matrix with n_in inputs and n_out outputs.
///
/// ```
/// use thalweg::init::Init;
///
/// let (n_in, n_out) = (50, 150);
/// assert_eq!(Init::HeNormal.variance(n_in, n_out), 2.0 / 50.0);
/// assert_eq!(Init::XavierNormal.variance(n_in, n_out), 1.0 / 50.0);
/// assert_eq!(Init::GlorotUniform.variance(n_in, n_out), 2.0 / (50.0 + 150.0));
/// assert_eq!(Init::Uniform(0.3).variance(n_in, n_out), 0.3 * 0.3 / 3.0);
/// assert_eq!(Init::Normal(0.01).variance(n_in, n_out), 0.01 * 0.01);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// One value for all: 0 for biases, 1 for scales. All-zero weights never break their symmetry.
    Constant(f64),
    /// Normal with this standard deviation.
    Normal(f64),
    /// Uniform within ± this value.
    Uniform(f64),
    /// Normal with Var = 1/n_in: Xavier as in the course.
    XavierNormal,
    /// Uniform with Var = 1/n_in.
    XavierUniform,
    /// Normal with Var = 2/(n_in + n_out) (Glorot and Bengio 2010).
    GlorotNormal,
    /// Uniform with Var = 2/(n_in + n_out).
    GlorotUniform,
    /// Normal with Var = 2/n_in (He et al. 2015): for ReLU and its variants.
    HeNormal,
    /// Uniform with Var = 2/n_in.
    HeUniform,
}

/// An initialiser by name, and how it is built.
#[derive(Debug)]
pub struct Registered {
    /// Its name in configurations.
    pub name: &'static str,
    /// Builds it; the argument is the scale, which those without a formula need.
    pub build: fn(f64) -> Init,
}

/// Every initialiser of configurations.
pub const ALL: &[Registered] = &[
    Registered { name: "zeros", build: |_| Init::Constant(0.0) },
    Registered { name: "normal", build: Init::Normal },
    Registered { name: "uniform", build: Init::Uniform },
    Registered { name: "xavier_normal", build: |_| Init::XavierNormal },
    Registered { name: "xavier_uniform", build: |_| Init::XavierUniform },
    Registered { name: "glorot_normal", build: |_| Init::GlorotNormal },
    Registered { name: "glorot_uniform", build: |_| Init::GlorotUniform },
    Registered { name: "he_normal", build: |_| Init::HeNormal },
    Registered { name: "he_uniform", build: |_| Init::HeUniform },
];

/// The names in configurations.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|registered| registered.name)
}

impl Init {
    /// An initialiser by its name; `scale` is for `normal` and `uniform`.
    ///
    /// # Errors
    /// If there is none with that name.
    pub fn named(name: &str, scale: f64) -> Result<Init> {
        let found = ALL.iter().find(|registered| registered.name == name).ok_or_else(|| {
            Error::config(format!("unknown initialiser {name:?}{}", did_you_mean(name, names())))
                .fix(format!("use one of {}", names().collect::<Vec<_>>().join(", ")))
        })?;
        Ok((found.build)(scale))
    }

    /// The variance of the values drawn.
    pub fn variance(self, n_in: usize, n_out: usize) -> f64 {
        let (n_in, n_out) = (n_in.max(1) as f64, n_out as f64);
        match self {
            Init::Constant(_) => 0.0,
            Init::Normal(deviation) => deviation * deviation,
            Init::Uniform(limit) => limit * limit / 3.0,
            Init::XavierNormal | Init::XavierUniform => 1.0 / n_in,
            Init::GlorotNormal | Init::GlorotUniform => 2.0 / (n_in + n_out),
            Init::HeNormal | Init::HeUniform => 2.0 / n_in,
        }
    }

    /// Draws the values of parameter number `parameter`: the same in f32 (rounded) and f64.
    pub(crate) fn draw(self, stream: Stream, parameter: u32, n_in: usize, n_out: usize, mut values: ViewMut) {
        let mut drawn = vec![0.0f64; values.view().len()];
        let deviation = self.variance(n_in, n_out).sqrt();
        match self {
            Init::Constant(value) => drawn.fill(value),
            Init::Normal(_) | Init::XavierNormal | Init::GlorotNormal | Init::HeNormal => {
                stream.fill_normal(parameter, &mut drawn);
                drawn.iter_mut().for_each(|x| *x *= deviation);
            }
            Init::Uniform(_) | Init::XavierUniform | Init::GlorotUniform | Init::HeUniform => {
                // U(−r, r) has variance r²/3.
                let limit = deviation * 3f64.sqrt();
                stream.fill_uniform(parameter, &mut drawn);
                drawn.iter_mut().for_each(|x| *x = (2.0 * *x - 1.0) * limit);
            }
        }
        values.set_all(&drawn);
    }
}
