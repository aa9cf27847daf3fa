//! Two-dimensional toy sets: columns `x`, `y` and `class`.

use std::f64::consts::{PI, TAU};

use crate::error::{Error, Result, did_you_mean};
use crate::random::Stream;

/// The names of the sets.
pub(super) const NAMES: [&str; 4] = ["moons", "spirals", "flower", "blobs"];

/// The options of every set.
const OPTIONS: [&str; 3] = ["rows", "noise", "seed"];

/// A set as CSV; `settings` is like `rows=500,noise=0.2,seed=3`.
pub(super) fn csv(name: &str, settings: &str, source: &str) -> Result<String> {
    let (mut rows, mut noise, mut seed) = (400u32, 0.1f64, 0u64);
    for setting in settings.split(',').filter(|setting| !setting.is_empty()) {
        let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
        let known = match key {
            "rows" => value.parse().ok().filter(|n| (10..=10_000_000).contains(n)).map(|n| rows = n),
            "noise" => value.parse().ok().filter(|x| (0.0..=10.0).contains(x)).map(|x| noise = x),
            "seed" => value.parse().ok().map(|n| seed = n),
            _ => {
                let message = format!("unknown option {key:?}{}", did_you_mean(key, OPTIONS));
                return Err(Error::config(message).at(source).fix("use rows=400,noise=0.1,seed=0"));
            }
        };
        known.ok_or_else(|| {
            Error::config(format!("found {setting:?}, expected rows from 10, noise from 0 to 10, or a seed"))
                .at(source)
                .fix("use rows=400,noise=0.1,seed=0")
        })?;
    }
    let stream = Stream::new(seed, 64);
    let mut text = String::from("x,y,class\n");
    for row in 0..rows {
        let class = row % 2;
        let [mut u, mut normal] = [[0.0; 2]; 2];
        stream.fill_uniform(row, &mut u);
        stream.epoch(1).fill_normal(row, &mut normal);
        let (x, y) = match name {
            "moons" => moon(class, u[0]),
            "spirals" => spiral(class, u[0]),
            "flower" => flower(class, u[0], u[1]),
            _ => blob(class),
        };
        text.push_str(&format!("{:.6},{:.6},{class}\n", x + noise * normal[0], y + noise * normal[1]));
    }
    Ok(text)
}

/// Two interleaving half circles.
fn moon(class: u32, u: f64) -> (f64, f64) {
    let angle = PI * u;
    if class == 0 { (angle.cos(), angle.sin()) } else { (1.0 - angle.cos(), 0.5 - angle.sin()) }
}

/// Two arms of a spiral, one and a half turns long.
fn spiral(class: u32, u: f64) -> (f64, f64) {
    // √u spreads the points evenly along the arm.
    let t = u.sqrt();
    let angle = 3.0 * PI * t + PI * f64::from(class);
    (2.0 * t * angle.cos(), 2.0 * t * angle.sin())
}

/// Petals of two alternating colours: r = |4 cos 4φ| on alternating sectors.
fn flower(class: u32, u: f64, v: f64) -> (f64, f64) {
    let petals = 4.0;
    let sector = (u * petals).floor();
    let angle = TAU / (2.0 * petals) * (2.0 * sector + f64::from(class) + (u * petals - sector));
    let radius = 4.0 * (petals * angle).sin().abs() * v.sqrt();
    (radius * angle.cos(), radius * angle.sin())
}

/// Two Gaussian clouds.
fn blob(class: u32) -> (f64, f64) {
    if class == 0 { (-1.0, -1.0) } else { (1.0, 1.0) }
}
