//! One workload of the benchmarks, on Thalweg: prints one JSON object.
//!
//! `thalweg-bench WORKLOAD [--threads N] [--epochs N]`, a workload being `w1` to `w5`, `kernels` or `input`.
#![forbid(unsafe_code)]

mod data;
mod input;
mod kernels;
mod predict;
mod train;

use anyhow::{Context, Result, bail};

/// What the command line asks for.
struct Options {
    threads: usize,
    epochs: usize,
}

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let workload = words.next().context("usage: thalweg-bench WORKLOAD [--threads N] [--epochs N]")?;
    let mut options = Options { threads: 2, epochs: 5 };
    while let Some(flag) = words.next() {
        let value = words.next().with_context(|| format!("{flag} has no value"))?.parse()?;
        match flag.as_str() {
            "--threads" => options.threads = value,
            "--epochs" => options.epochs = value,
            _ => bail!("unknown flag {flag:?}"),
        }
    }
    thalweg_kernels::pool::set_threads(options.threads);
    let result = match workload.as_str() {
        "w4" => predict::run()?,
        "kernels" => kernels::run(),
        "input" => input::run()?,
        name => train::run(name, &options)?,
    };
    println!("{result}");
    Ok(())
}

/// The median of some numbers.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
