//! Single kernels: GFLOP/s of a linear layer's products and their share of the peak in registers, GB/s of an optimiser step,
//! µs of a parallel region.

use std::hint::black_box;
use std::time::Instant;

use serde_json::{Value, json};
use thalweg::optimizers::{Adam, Optimizer, Step};
use thalweg::tensor::ops::{self, MatmulPrecision};
use thalweg::tensor::{Activation, Dtype, Tensor};
use thalweg_kernels::pool;

use crate::{data, median, rate};

/// Batch, outputs and inputs of each layer.
const SHAPES: [[usize; 3]; 8] = [
    [128, 512, 784],
    [128, 512, 512],
    [512, 784, 128],
    [128, 10, 512],
    [64, 64, 8],
    [64, 64, 64],
    [1024, 1024, 1024],
    [256, 4096, 4096],
];

/// Seconds per call, median over several blocks of calls.
fn time(mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    call();
    let calls = (2e-3 / start.elapsed().as_secs_f64()).clamp(1.0, 1e5) as usize;
    let block = |_| {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        start.elapsed().as_secs_f64() / calls as f64
    };
    median((0..15).map(block).collect())
}

fn matrix(rows: usize, columns: usize) -> Tensor {
    Tensor::from_f32([rows, columns], data::normal(0, rows * columns))
}

/// Times all kernels on the pool's threads.
pub(crate) fn run(precision: MatmulPrecision) -> Value {
    let peak = rate::now(precision) * pool::threads() as f64;
    let products: Vec<Value> = SHAPES
        .iter()
        .map(|&[m, n_out, n_in]| {
            let (x, w, b) = (matrix(m, n_in), matrix(n_out, n_in), matrix(1, n_out));
            let (mut a, mut dw, mut dx) = (matrix(m, n_out), matrix(n_out, n_in), matrix(m, n_in));
            let mut db = Tensor::zeros([n_out], Dtype::F32);
            let operations = (2 * m * n_out * n_in) as f64 / 1e9;
            let bias = || b.view().part(0, [n_out]);
            let (x, w) = (x.view(), w.view());
            let forward = time(|| ops::linear(x, w, Some(bias()), Activation::Relu, None, a.view_mut(), precision));
            let weights = time(|| {
                ops::linear_backward(x, w, a.view(), dw.view_mut(), Some(db.view_mut()), None, precision);
            });
            let both = time(|| {
                ops::linear_backward(x, w, a.view(), dw.view_mut(), None, Some(dx.view_mut()), precision);
            });
            let speeds = [operations / forward, operations / weights, 2.0 * operations / both];
            let [forward, weights, both] =
                speeds.map(|gflops| json!({ "gflops": gflops, "percent": 100.0 * gflops / peak }));
            json!({
                "batch": m, "outputs": n_out, "inputs": n_in, "forward": forward, "weight_gradient": weights,
                "both_gradients": both,
            })
        })
        .collect();
    let n = 1 << 20;
    let (mut theta, gradient) = (matrix(1, n), matrix(1, n));
    let mut state = vec![Tensor::zeros([n], Dtype::F32), Tensor::zeros([n], Dtype::F32)];
    let mut t = 0;
    let adam = time(|| {
        t += 1;
        Adam::USUAL.step(Step { t, learning_rate: 1e-3 }, theta.view_mut(), gradient.view(), &mut state);
    });
    // Two concurrent tasks compared with one: the difference is the overhead of a region.
    let task = |_: usize| {
        (0..4000).fold(0u64, |x, i| black_box(x ^ i));
    };
    let region = time(|| pool::for_each(2, task)) - time(|| task(0));
    json!({
        "workload": "kernels", "threads": pool::threads(), "instructions": format!("{:?}", thalweg_kernels::instructions()),
        "peak_gflops": peak, "products": products, "adam_gb_per_s": 28.0 * n as f64 / adam / 1e9, "region_us": region * 1e6,
    })
}
