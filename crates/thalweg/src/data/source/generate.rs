//! Two-dimensional toy sets: columns `x`, `y` and `class`, or `target` where it is a number.

use std::f64::consts::{PI, TAU};

use crate::error::{Error, Result, did_you_mean};
use crate::random::Stream;

/// The names of the sets.
pub(super) const NAMES: [&str; 9] =
    ["moons", "spirals", "flower", "blobs", "circles", "xor", "three-blobs", "plane", "bumps"];

/// The sets whose target is a number.
const OF_NUMBERS: [&str; 2] = ["plane", "bumps"];

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
    let numbers = OF_NUMBERS.contains(&name);
    let mut text = String::from(if numbers { "x,y,target\n" } else { "x,y,class\n" });
    for row in 0..rows {
        let class = if name == "three-blobs" { row % 3 } else { row % 2 };
        let [mut u, mut normal] = [[0.0; 2]; 2];
        stream.fill_uniform(row, &mut u);
        stream.epoch(1).fill_normal(row, &mut normal);
        let (x, y) = match name {
            "moons" => moon(class, u[0]),
            "spirals" => spiral(class, u[0]),
            "flower" => flower(class, u[0], u[1]),
            "circles" => circle(class, u[0], u[1]),
            "xor" => quadrant(class, row / 2 % 2, u),
            "three-blobs" => corner(class),
            "plane" | "bumps" => (4.0 * u[0] - 2.0, 4.0 * u[1] - 2.0),
            _ => blob(class),
        };
        if numbers {
            let target = if name == "plane" { (x + y) / 2.0 } else { bumps(x, y) };
            text.push_str(&format!("{x:.6},{y:.6},{:.6}\n", target + noise * normal[0]));
            continue;
        }
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

/// A disc, class 1, within a ring.
fn circle(class: u32, u: f64, v: f64) -> (f64, f64) {
    let radius = if class == 1 { v.sqrt() } else { 1.5 + 0.5 * v };
    (radius * (TAU * u).cos(), radius * (TAU * u).sin())
}

/// Exclusive or: class 1 where x and y have different signs.
fn quadrant(class: u32, side: u32, u: [f64; 2]) -> (f64, f64) {
    let [a, b] = u.map(|u| 0.2 + 1.8 * u);
    let sign = if side == 0 { 1.0 } else { -1.0 };
    (sign * a, if class == 0 { sign * b } else { -sign * b })
}

/// Three Gaussian clouds at the corners of a triangle.
fn corner(class: u32) -> (f64, f64) {
    let angle = PI / 2.0 + TAU / 3.0 * f64::from(class);
    (1.5 * angle.cos(), 1.5 * angle.sin())
}

/// A hill of height 1 at (1, 1), and a hollow as deep at (−1, −1).
fn bumps(x: f64, y: f64) -> f64 {
    let hill = |at: f64| (-(x - at).powi(2) - (y - at).powi(2)).exp();
    hill(1.0) - hill(-1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of a set without noise: x, y and the class or target.
    fn rows(name: &str) -> Vec<[f64; 3]> {
        let text = csv(name, "rows=120,noise=0,seed=3", "test").unwrap();
        let numbers = |line: &str| line.split(',').map(|cell| cell.parse().unwrap()).collect::<Vec<f64>>();
        text.lines().skip(1).map(|line| numbers(line).try_into().unwrap()).collect()
    }

    #[test]
    fn without_noise_a_formula_tells_the_classes_and_targets() {
        assert!(rows("circles").iter().all(|[x, y, class]| (x.hypot(*y) < 1.0001) == (*class == 1.0)));
        assert!(rows("xor").iter().all(|[x, y, class]| (x * y < 0.0) == (*class == 1.0)));
        assert!(rows("plane").iter().all(|[x, y, target]| ((x + y) / 2.0 - target).abs() < 2e-6));
        assert!(rows("bumps").iter().all(|[x, y, target]| (bumps(*x, *y) - target).abs() < 5e-6));
        assert!((bumps(1.0, 1.0) - (1.0 - (-8.0f64).exp())).abs() < 1e-15);
        let three = rows("three-blobs");
        assert!([0.0, 1.0, 2.0].iter().all(|class| three.iter().filter(|row| row[2] == *class).count() == 40));
        assert!(three.iter().all(|[x, y, _]| (x.hypot(*y) - 1.5).abs() < 1e-5));
        let quadrants = |x: f64, y: f64| rows("xor").iter().filter(|row| row[0] * x > 0.0 && row[1] * y > 0.0).count();
        assert_eq!([quadrants(1.0, 1.0), quadrants(-1.0, 1.0), quadrants(1.0, -1.0), quadrants(-1.0, -1.0)], [30; 4]);
    }
}
