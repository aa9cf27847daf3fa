//! How parameters are drawn before training.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, did_you_mean};
use crate::random::Stream;
use crate::tensor::ViewMut;

/// A way to draw a weight matrix with n_in inputs and n_out outputs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// All one value: 0 for biases, 1 for scales. Weights of all zeros never break their symmetry.
    Constant(f64),
    /// Normal with this standard deviation.
    Normal(f64),
    /// Uniform in ± this.
    Uniform(f64),
    /// Normal with Var = 1/n_in: Xavier as in the course.
    XavierNormal,
    /// Uniform with Var = 1/n_in.
    XavierUniform,
    /// Normal with Var = 2/(n_in + n_out) (Glorot and Bengio 2010).
    GlorotNormal,
    /// Uniform with Var = 2/(n_in + n_out).
    GlorotUniform,
    /// Normal with Var = 2/n_in (He et al. 2015): for the ReLU kinds.
    HeNormal,
    /// Uniform with Var = 2/n_in.
    HeUniform,
}

/// The names in configurations.
pub const NAMES: [&str; 9] = [
    "zeros",
    "normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
];

impl Init {
    /// An initialiser by its name; `scale` is for `normal` and `uniform`.
    ///
    /// # Errors
    /// If there is no such name.
    pub fn named(name: &str, scale: f64) -> Result<Init> {
        Ok(match name {
            "zeros" => Init::Constant(0.0),
            "normal" => Init::Normal(scale),
            "uniform" => Init::Uniform(scale),
            "xavier_normal" => Init::XavierNormal,
            "xavier_uniform" => Init::XavierUniform,
            "glorot_normal" => Init::GlorotNormal,
            "glorot_uniform" => Init::GlorotUniform,
            "he_normal" => Init::HeNormal,
            "he_uniform" => Init::HeUniform,
            _ => {
                let message = format!("unknown initialiser {name:?}{}", did_you_mean(name, NAMES));
                return Err(Error::config(message).fix(format!("use one of {}", NAMES.join(", "))));
            }
        })
    }

    /// The variance of what is drawn.
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
