//! W4: prediction with W1's network, for a single row and for 4,096 rows at a time.

use std::hint::black_box;
use std::time::Instant;

use serde_json::{Value, json};
use thalweg::network::Predictor;
use thalweg::tensor::{Dtype, Tensor};

use crate::{Options, data, median, train};

/// Times both.
pub(crate) fn run(options: &Options) -> thalweg::Result<Value> {
    let network = train::network(&[784, 512, 512, 10])?;
    let theta = network.initialize(0, Dtype::F32);
    let times = |rows: usize, calls: usize| {
        let x = Tensor::from_f32([rows, 784], data::normal(0, rows * 784));
        let mut predictor = Predictor::new(&network, &theta, rows);
        let mut call = || {
            let start = Instant::now();
            black_box(predictor.forward(x.view()));
            start.elapsed().as_secs_f64()
        };
        (0..calls / 10).for_each(|_| _ = call());
        (0..calls).map(|_| call()).collect::<Vec<f64>>()
    };
    let (mut one, many) = (times(1, 3000), times(4096, 30));
    one.sort_by(f64::total_cmp);
    let batch = median(many);
    Ok(json!({
        "workload": "w4", "unit": "us", "threads": options.threads, "precision": options.precision,
        "p50_us": one[1500] * 1e6, "p99_us": one[2970] * 1e6, "min_us": one[0] * 1e6,
        "batch_us": batch * 1e6, "rows_per_s": 4096.0 / batch,
    }))
}
