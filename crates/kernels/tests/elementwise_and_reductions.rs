//! Every kernel but the products (gemm_agrees_with_naive.rs, bf16.rs), over odd shapes: near its formula in f64, and with the same bits
//! whatever the instructions.

use std::process::Command;

use thalweg_kernels::batch_norm::{self, BatchNormCache};
use thalweg_kernels::gather::{Pick, gather};
use thalweg_kernels::random::Stream;
use thalweg_kernels::{Real, elementwise, layer_norm, pool, reduce, softmax, update};

const LENGTHS: &[usize] = if cfg!(miri) { &[0, 1, 17] } else { &[0, 1, 2, 15, 17, 255, 257, 1009, 70_001] };
const SHAPES: &[[usize; 2]] = if cfg!(miri) {
    &[[0, 3], [2, 3], [3, 17]]
} else {
    &[[0, 3], [1, 1], [2, 10], [7, 3], [17, 16], [65, 67], [203, 33], [2_500, 33]]
};

fn normal<T: Real>(n: usize, purpose: u32) -> Vec<T> {
    let mut x = vec![T::ZERO; n];
    Stream::new(11, purpose).fill_normal(0, &mut x);
    x
}

/// What was computed, as bits, for the comparison of instructions.
#[derive(Default)]
struct Digest(u64);

impl Digest {
    /// Takes in numbers that must be near others.
    fn near<T: Real>(&mut self, found: &[T], expected: impl Fn(usize) -> f64, tolerance: f64, what: &str) {
        for (i, x) in found.iter().enumerate() {
            let (x, expected) = (x.f64(), expected(i));
            assert!((x - expected).abs() <= tolerance * expected.abs().max(1.0), "{what}, {i}: {x}, not {expected}");
            self.0 = (self.0 ^ x.to_bits()).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(7);
        }
    }
}

/// A column's numbers in f64.
fn column<T: Real>(x: &[T], columns: usize, j: usize) -> impl Iterator<Item = f64> {
    x.iter().skip(j).step_by(columns).map(|x| x.f64())
}

fn functions<T: Real>(digest: &mut Digest, epsilon: f64) {
    for &n in LENGTHS {
        let (x, z) = (normal::<T>(n, 1), normal::<T>(n, 2));
        let (mut y, mut sums) = (vec![T::ZERO; n], x.clone());
        elementwise::map(&x, &mut y, |x| x.exp());
        digest.near(&y, |i| x[i].f64().exp(), epsilon, "exp");
        elementwise::map(&x, &mut y, |x| x.abs().ln_1p());
        digest.near(&y, |i| x[i].f64().abs().ln_1p(), epsilon, "ln(1 + x)");
        elementwise::map(&x, &mut y, |x| x.tanh());
        digest.near(&y, |i| x[i].f64().tanh(), epsilon, "tanh");
        elementwise::zip(&x, &z, &mut y, |a, b| a * b + a);
        digest.near(&y, |i| x[i].f64() * z[i].f64() + x[i].f64(), 8.0 * epsilon, "zip");
        elementwise::zip_in_place(&mut sums, &z, |a, b| a + b);
        elementwise::map_in_place(&mut sums, |a| a - T::ONE);
        digest.near(&sums, |i| x[i].f64() + z[i].f64() - 1.0, 8.0 * epsilon, "in place");

        let exact: f64 = x.iter().map(|x| x.f64()).sum();
        digest.near(&[reduce::sum(&x)], |_| exact, 1e-12 * n as f64, "sum");
        let exact: f64 = x.iter().map(|x| x.f64() * x.f64()).sum();
        digest.near(&[reduce::sum_squares(&x)], |_| exact, 1e-12, "sum of squares");

        let (mut theta, mut average) = (x.clone(), vec![T::ONE; n]);
        let step = |theta: T, d: T, [v]: [T; 1]| {
            let v = T::of(0.9) * v + T::of(0.1) * d;
            (theta - T::of(0.01) * v, [v])
        };
        update::apply(&mut theta, &z, [&mut average], step);
        let expected = |i: usize| 0.9 + 0.1 * z[i].f64();
        digest.near(&average, expected, 8.0 * epsilon, "average");
        digest.near(&theta, |i| x[i].f64() - 0.01 * expected(i), 8.0 * epsilon, "θ");

        let mut mask = vec![T::ZERO; n];
        Stream::new(3, 4).mask(5, 0.7, &mut mask);
        digest.near(&mask, |i| if mask[i] == T::ZERO { 0.0 } else { 1.0 / 0.7 }, epsilon, "mask");
    }
}

fn rows<T: Real>(digest: &mut Digest, epsilon: f64) {
    for &[m, n] in SHAPES {
        let (z, y) = (normal::<T>(m * n, 1), normal::<T>(m * n, 2));
        let at = |x: &[T], i: usize, j: usize| x[i * n + j].f64();
        let mut sums = vec![T::ONE; n];
        reduce::column_sums(&z, n, &mut sums);
        digest.near(&sums, |j| column(&z, n, j).sum(), epsilon * m as f64, "column sums");

        let order: Vec<u32> = (0..m as u32).rev().collect();
        let mut turned = vec![T::ZERO; m * n];
        gather(&order, [Pick { from: &z, columns: n, to: &mut turned }]);
        digest.near(&turned, |i| at(&z, m - 1 - i / n, i % n), 0.0, "gather");

        let exponentials = |i: usize| (0..n).map(|j| at(&z, i, j).exp()).sum::<f64>();
        let mut p = z.clone();
        softmax::softmax_in_place(&mut p, n);
        digest.near(&p, |i| z[i].f64().exp() / exponentials(i / n), 4.0 * epsilon, "softmax");
        let labels: Vec<T> = (0..m).map(|i| T::of((i % n) as f64)).collect();
        let (mut loss, mut dz) = (vec![T::ZERO; m], vec![T::ZERO; m * n]);
        softmax::softmax_cross_entropy(&z, n, &labels, T::ZERO, &mut loss, Some(&mut dz));
        digest.near(&loss, |i| exponentials(i).ln() - at(&z, i, i % n), 8.0 * epsilon, "cross-entropy");
        let hit = |i: usize| f64::from(u8::from(i % n == i / n % n));
        digest.near(&dz, |i| z[i].f64().exp() / exponentials(i / n) - hit(i), 8.0 * epsilon, "its gradient");
        let yes: Vec<T> = y.iter().map(|y| if *y > T::ZERO { T::ONE } else { T::ZERO }).collect();
        softmax::sigmoid_cross_entropy(&z, n, &yes, &mut loss, Some(&mut dz));
        let term = |i: usize, j: usize| (-at(&z, i, j)).exp().ln_1p() + at(&z, i, j) * (1.0 - at(&yes, i, j));
        digest.near(&loss, |i| (0..n).map(|j| term(i, j)).sum(), 8.0 * epsilon, "binary cross-entropy");
        digest.near(&dz, |i| 1.0 / (1.0 + (-z[i].f64()).exp()) - yes[i].f64(), 8.0 * epsilon, "its gradient");
        if m > 1 {
            normalised(digest, epsilon, [m, n], &z, &y);
            layer_normalised::<T>(digest, epsilon, [m, n]);
        }
    }
}

fn normalised<T: Real>(digest: &mut Digest, epsilon: f64, [m, n]: [usize; 2], z: &[T], dy: &[T]) {
    let (gamma, beta) = (normal::<T>(n, 3), normal::<T>(n, 4));
    let [mut y, mut norm, mut dz] = std::array::from_fn(|_| vec![T::ZERO; m * n]);
    let [mut mean, mut variance, mut inverse, mut dgamma, mut dbeta] = std::array::from_fn(|_| vec![T::ZERO; n]);
    let kept =
        BatchNormCache { normalised: &mut norm, mean: &mut mean, variance: &mut variance, inverse_std: &mut inverse };
    let offset = T::of(1e-3);
    batch_norm::forward_train(z, &gamma, &beta, offset, &mut y, kept);
    let mu: Vec<f64> = (0..n).map(|j| column(z, n, j).sum::<f64>() / m as f64).collect();
    let squares = |j: usize| column(z, n, j).map(|z| (z - mu[j]).powi(2)).sum::<f64>();
    let sigma: Vec<f64> = (0..n).map(|j| (squares(j) / m as f64 + 1e-3).sqrt()).collect();
    let z_norm: Vec<f64> = z.iter().enumerate().map(|(i, z)| (z.f64() - mu[i % n]) / sigma[i % n]).collect();
    let bound = 100.0 * epsilon;
    digest.near(&mean, |j| mu[j], bound, "mean");
    digest.near(&variance, |j| squares(j) / m as f64, bound, "variance");
    digest.near(&norm, |i| z_norm[i], bound, "normalised");
    digest.near(&y, |i| gamma[i % n].f64() * z_norm[i] + beta[i % n].f64(), bound, "batch norm");
    let mut predicted = vec![T::ZERO; m * n];
    batch_norm::forward_predict(z, [&gamma, &beta, &mean, &variance], offset, &mut predicted);
    digest.near(&predicted, |i| y[i].f64(), bound, "batch norm in prediction");

    batch_norm::backward(false, dy, [&norm, &inverse, &gamma], Some(&mut dz), [&mut dgamma, &mut dbeta]);
    let along = |j: usize| column(dy, n, j).zip(z_norm.iter().skip(j).step_by(n)).map(|(d, z)| d * z).sum::<f64>();
    let dg: Vec<f64> = (0..n).map(along).collect();
    let db: Vec<f64> = (0..n).map(|j| column(dy, n, j).sum::<f64>()).collect();
    digest.near(&dgamma, |j| dg[j], bound * m as f64, "dγ");
    digest.near(&dbeta, |j| db[j], bound * m as f64, "dβ");
    let delta = |i: usize| {
        let j = i % n;
        gamma[j].f64() / sigma[j] * (dy[i].f64() - (db[j] + z_norm[i] * dg[j]) / m as f64)
    };
    digest.near(&dz, delta, 10.0 * bound, "dz");

    let fixed = [&gamma[..], &beta, &mean, &variance];
    batch_norm::forward_fixed(z, fixed, offset, &mut y, &mut norm, &mut inverse);
    digest.near(&y, |i| predicted[i].f64(), bound, "batch norm by fixed statistics");
    batch_norm::backward(true, dy, [&norm, &inverse, &gamma], Some(&mut dz), [&mut dgamma, &mut dbeta]);
    digest.near(&dgamma, |j| dg[j], bound * m as f64, "dγ of fixed statistics");
    digest.near(&dbeta, |j| db[j], bound * m as f64, "dβ of fixed statistics");
    digest.near(&dz, |i| gamma[i % n].f64() / sigma[i % n] * dy[i].f64(), 10.0 * bound, "dz of fixed statistics");
}

fn layer_normalised<T: Real>(digest: &mut Digest, epsilon: f64, [m, n]: [usize; 2]) {
    let [z, dy] = [3, 4].map(|purpose| normal::<T>(m * n, purpose));
    let [gamma, beta] = [5, 6].map(|purpose| normal::<T>(n, purpose));
    let [mut y, mut norm, mut dz] = std::array::from_fn(|_| vec![T::ZERO; m * n]);
    let [mut dgamma, mut dbeta] = std::array::from_fn(|_| vec![T::ZERO; n]);
    layer_norm::forward(&z, &gamma, &beta, 1e-3, &mut y);
    layer_norm::backward(&z, &gamma, 1e-3, &dy, &mut norm, Some(&mut dz), [&mut dgamma, &mut dbeta]);

    let mean = |row: &mut dyn Iterator<Item = f64>| row.sum::<f64>() / n as f64;
    let mu: Vec<f64> = z.chunks(n).map(|z| mean(&mut z.iter().map(|z| z.f64()))).collect();
    let variance = |i: usize| mean(&mut z[i * n..][..n].iter().map(|z| (z.f64() - mu[i]).powi(2)));
    let sigma: Vec<f64> = (0..m).map(|i| (variance(i) + 1e-3).sqrt()).collect();
    let z_norm: Vec<f64> = (0..m * n).map(|i| (z[i].f64() - mu[i / n]) / sigma[i / n]).collect();
    let bound = 100.0 * epsilon;
    digest.near(&y, |i| gamma[i % n].f64() * z_norm[i] + beta[i % n].f64(), bound, "layer norm");
    digest.near(&norm, |i| z_norm[i], bound, "normalised rows");
    let d: Vec<f64> = (0..m * n).map(|i| gamma[i % n].f64() * dy[i].f64()).collect();
    let row = |i: usize| i / n * n..(i / n + 1) * n;
    let delta = |i: usize| {
        let along = mean(&mut row(i).map(|j| d[j] * z_norm[j]));
        (d[i] - mean(&mut row(i).map(|j| d[j])) - z_norm[i] * along) / sigma[i / n]
    };
    // A row of one number is its own mean: what is left is rounding over √ε.
    digest.near(&dz, delta, 1e3 * bound, "dz of layer norm");
    let sum = |j: usize, f: &dyn Fn(usize) -> f64| (j..m * n).step_by(n).map(f).sum::<f64>();
    digest.near(&dgamma, |j| sum(j, &|i| dy[i].f64() * z_norm[i]), bound * m as f64, "dγ of layer norm");
    digest.near(&dbeta, |j| sum(j, &|i| dy[i].f64()), bound * m as f64, "dβ of layer norm");
}

fn digest() -> u64 {
    let mut digest = Digest::default();
    functions::<f32>(&mut digest, f64::from(f32::EPSILON));
    functions::<f64>(&mut digest, f64::EPSILON);
    rows::<f32>(&mut digest, f64::from(f32::EPSILON));
    rows::<f64>(&mut digest, f64::EPSILON);
    digest.0
}

#[test]
fn kernels_are_near_their_formulas() {
    println!("digest {:x}", digest());
}

#[test]
fn threads_do_not_change_bits() {
    let one = {
        pool::set_threads(1);
        digest()
    };
    for threads in [2, if cfg!(miri) { 2 } else { 3 }] {
        pool::set_threads(threads);
        assert_eq!(digest(), one, "{threads} threads");
    }
}

#[test]
#[cfg_attr(miri, ignore = "processes")]
fn forced_instructions_have_the_same_bits() {
    let digest = |kernel: &str| {
        let run = Command::new(std::env::current_exe().unwrap())
            .args(["kernels_are_near_their_formulas", "--exact", "--nocapture"])
            .env("THALWEG_KERNEL", kernel)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(run.status.success(), "{kernel}: {text}");
        let at = text.find("digest ").expect("a digest");
        text[at..].split_whitespace().nth(1).unwrap().to_owned()
    };
    let best = digest("avx512");
    for kernel in ["portable", "avx2"] {
        assert_eq!(digest(kernel), best, "{kernel}");
    }
}
