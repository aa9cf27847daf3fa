//! W4: prediction with W1's network, for a single row and for 4,096 rows at a time.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};
use thalweg::network::Predictor;
use thalweg::tensor::{Dtype, Tensor};

use crate::{Options, data, median, products, rate, train};

/// Times both.
pub(crate) fn run(options: &Options) -> Result<Value> {
    let network = train::network(&[784, 512, 512, 10])?;
    let theta = network.initialize(0, Dtype::F32);
    let precision = products(&options.precision)?;
    let times = |rows: usize, calls: usize| -> Result<Vec<f64>> {
        let x = Tensor::from_f32([rows, 784], data::normal(0, rows * 784));
        let mut predictor = Predictor::new(&network, &theta, rows, precision)?;
        let mut call = || {
            let start = Instant::now();
            black_box(predictor.forward(x.view())?);
            Ok(start.elapsed().as_secs_f64())
        };
        (0..calls / 10).try_for_each(|_| call().map(drop))?;
        (0..calls).map(|_| call()).collect()
    };
    let mut rates = vec![rate::now(precision)];
    let mut one = times(1, 3000)?;
    rates.push(rate::now(precision));
    let many = times(4096, 30)?;
    rates.push(rate::now(precision));
    one.sort_by(f64::total_cmp);
    let batch = median(many);
    Ok(json!({
        "workload": "w4", "unit": "us", "threads": options.threads, "precision": options.precision,
        "p50_us": one[1500] * 1e6, "p99_us": one[2970] * 1e6, "min_us": one[0] * 1e6,
        "batch_us": batch * 1e6, "rows_per_s": 4096.0 / batch, "rates": rates,
    }))
}
