//! One benchmark workload on Thalweg; prints one JSON object.
//!
//! `thalweg-bench WORKLOAD [--threads N] [--epochs N] [--precision f32|bf16|bf16x3|bf16x6]`, where WORKLOAD is `w1` to
//! `w6`, `kernels`, `input`, `logging`, `media`, `sequences`, `scaling` or `rate`. Beside times of `w1` to `w6` stand the rates of the moment
//! around them in that precision, in GFLOP/s of a core.
#![forbid(unsafe_code)]

mod data;
mod input;
mod kernels;
mod logging;
mod media;
mod predict;
mod rate;
mod sequences;
mod train;

use anyhow::{Context, Result, bail};
use thalweg::tensor::ops::MatmulPrecision;

/// The command-line options.
struct Options {
    threads: usize,
    epochs: usize,
    precision: String,
}

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let workload = words.next().context("usage: thalweg-bench WORKLOAD [--threads N] [--epochs N]")?;
    let mut options = Options { threads: 2, epochs: 5, precision: "f32".into() };
    while let Some(flag) = words.next() {
        let value = words.next().with_context(|| format!("{flag} has no value"))?;
        match flag.as_str() {
            "--threads" => options.threads = value.parse()?,
            "--epochs" => options.epochs = value.parse()?,
            "--precision" => options.precision = value,
            _ => bail!("unknown flag {flag:?}"),
        }
    }
    thalweg_kernels::pool::set_threads(options.threads);
    let result = match workload.as_str() {
        "w4" => predict::run(&options)?,
        "kernels" => kernels::run(products(&options.precision)?),
        "input" => input::run()?,
        "logging" => logging::run(&options)?,
        "media" => media::run()?,
        "sequences" => sequences::run()?,
        "scaling" => train::scaling(&options)?,
        "rate" => serde_json::json!({ "rates": [rate::now(products(&options.precision)?)] }),
        name => train::run(name, &options)?,
    };
    println!("{result}");
    Ok(())
}

/// The matmul precision by name.
fn products(precision: &str) -> Result<MatmulPrecision> {
    Ok(match precision {
        "f32" => MatmulPrecision::F32,
        "bf16" => MatmulPrecision::fastest(1),
        "bf16x3" => MatmulPrecision::fastest(2),
        "bf16x6" => MatmulPrecision::fastest(3),
        _ => bail!("unknown precision {precision:?}"),
    })
}

/// The median.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
