//! Throughput of reading media: a folder of images compared with the decoder alone, and log-mel spectrograms in seconds
//! of sound per second.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use image::RgbImage;
use serde_json::{Value, json};
use thalweg::config;
use thalweg::data::source;
use thalweg::layers::{Layer, LogMel, LogMelOptions, Mode};
use thalweg::network::Network;
use thalweg::tensor::{Dtype, Shape, Tensor};
use thalweg_kernels::pool;

use crate::{data::normal, median};

/// Images in the folder, and their side: JPEGs of about 30 KB.
const PICTURES: usize = 400;
const SIDE: u32 = 256;

/// Sounds per batch, one second each.
const SOUNDS: usize = 64;
const RATE: usize = 16_000;
const BANDS: usize = 64;
const ROUNDS: usize = 9;

pub(crate) fn run() -> Result<Value> {
    let (alone, folder) = pictures()?;
    let spectrogram = spectrogram()?;
    Ok(json!({
        "workload": "media", "system": "thalweg", "threads": pool::threads(), "pictures_a_second": folder,
        "pictures_a_second_decoder_alone": alone, "share_of_decoder": folder / alone,
        "spectrogram_seconds_a_second": spectrogram,
    }))
}

/// Images per second: decoded only, and read as a folder.
fn pictures() -> Result<(f64, f64)> {
    let folder = tempfile::tempdir()?;
    let class = folder.path().join("class");
    std::fs::create_dir(&class)?;
    let noise = normal(3, (SIDE * SIDE) as usize);
    let paths: Vec<_> = (0..PICTURES).map(|i| class.join(format!("{i:03}.jpg"))).collect();
    for (i, path) in paths.iter().enumerate() {
        let pixel = |x: u32, y: u32| {
            let grain = 20.0 * noise[((y * SIDE + x) as usize + 97 * i) % noise.len()];
            image::Rgb([x, y, (x + y) / 2].map(|light| (light as f32 + grain).clamp(0.0, 255.0) as u8))
        };
        RgbImage::from_fn(SIDE, SIDE, pixel).save(path)?;
    }
    let speed = |seconds: Vec<f64>| PICTURES as f64 / median(seconds);
    let (mut alone, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(pool::map(PICTURES, |i| image::open(&paths[i]).map(|picture| picture.into_rgb8())));
        alone.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        black_box(source::open(&folder.path().display().to_string(), &config::Data::default())?);
        ours.push(start.elapsed().as_secs_f64());
    }
    Ok((speed(alone), speed(ours)))
}

/// Seconds of sound converted to log-mel spectrograms per second.
fn spectrogram() -> Result<f64> {
    let layer = LogMel::from(LogMelOptions::new(RATE, BANDS));
    let network = Network::new(Shape::from([RATE, 1]), vec![Box::new(layer) as Box<dyn Layer>])?;
    let mut workspace = network.workspace(SOUNDS, Dtype::F32);
    let sounds = Tensor::from_f32([SOUNDS, RATE, 1], normal(4, SOUNDS * RATE));
    let theta = Tensor::zeros([0], Dtype::F32);
    let mut seconds = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(network.forward(theta.view(), sounds.view(), &mut workspace, Mode::Predict)?);
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(SOUNDS as f64 / median(seconds))
}
