//! Throughput of reading a large numeric CSV, in MB/s of text: to cells, to floats, and to split, scaled and encoded
//! examples.

use std::fmt::Write;
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use thalweg::config::Config;
use thalweg::data;
use thalweg::data::cell_format::CellFormat;
use thalweg::data::source::{self, Source};
use thalweg_kernels::pool;

use crate::data::normal;

/// Rows and columns of the file: about 97 MB.
const ROWS: usize = 360_000;
const COLUMNS: usize = 28;
const ROUNDS: usize = 5;

pub(crate) fn run() -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("numbers.csv").display().to_string();
    let bytes = write_file(&path)? as f64;
    let mut config = Config::default();
    config.data.path.clone_from(&path);
    let (mut cells, mut numbers, mut examples) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let Source::Table(reader) = source::open(&path, &config.data)? else { bail!("{path} is no table") };
        let table = reader.read_all()?;
        cells.push(start.elapsed().as_secs_f64());
        let cell_format = CellFormat::default();
        pool::for_each(table.columns.len(), |i| table.columns[i].keep_numbers(&cell_format));
        numbers.push(start.elapsed().as_secs_f64());
        drop(table);
        let start = Instant::now();
        data::load(&config)?;
        examples.push(start.elapsed().as_secs_f64());
    }
    let speed = |seconds: Vec<f64>| bytes / crate::median(seconds) / 1e6;
    Ok(json!({
        "workload": "input", "system": "thalweg", "unit": "MB/s", "threads": pool::threads(), "bytes": bytes,
        "cells": speed(cells), "numbers": speed(numbers), "examples": speed(examples),
    }))
}

fn write_file(path: &str) -> Result<usize> {
    let numbers = normal(6, ROWS * COLUMNS);
    let names: Vec<String> = (0..COLUMNS).map(|i| format!("x{i}")).collect();
    let mut text = format!("{},y\n", names.join(","));
    for row in numbers.chunks(COLUMNS) {
        row.iter().for_each(|x| _ = write!(text, "{x:.6},"));
        writeln!(text, "{}", u8::from(row[0] + row[1] > 0.0))?;
    }
    std::fs::write(path, &text)?;
    Ok(text.len())
}
