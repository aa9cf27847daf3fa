//! W2's seconds per epoch with and without what a run records: its log, its checkpoints, its progress.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use thalweg::config::Config;
use thalweg::data as tables;
use thalweg::event::Event;
use thalweg::run;

use crate::data::{self, Answers};
use crate::{Options, median};

/// How often each way is timed, in turn.
const ROUNDS: usize = 9;

/// Trains the same network on the same rows with and without a run folder; the folders are in `runs/`, for a page to show.
pub(crate) fn run(options: &Options) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let csv = folder.path().join("rows.csv");
    write(&csv)?;
    let mut config = Config::default();
    let (epochs, threads) = (options.epochs.to_string(), options.threads.to_string());
    for (key, value) in [
        ("data.path", csv.to_str().context("a folder whose name is not UTF-8")?),
        ("target", "y"),
        ("layers", "64,64"),
        ("batch_size", "64"),
        ("epochs", &epochs),
        ("threads", &threads),
        ("learning_rate", "0.001"),
        ("schedule", "constant"),
        ("split", "1,0,0"),
        ("bins", "0"),
        ("ensemble", "1"),
        ("average", "0"),
        ("baselines", "false"),
        ("importance", "false"),
    ] {
        config.set(key, value)?;
    }
    let dataset = tables::load(&config)?;
    let (mut without, mut with, mut ratios, mut sampling) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        config.output.out = Some(format!("runs/logging-{}-{round}", std::process::id()));
        let mut times = [Times::default(), Times::default()];
        for way in [round % 2, 1 - round % 2] {
            let [plain, recorded] = &mut times;
            match way {
                0 => drop(run::train_on(&config, &dataset, None, &mut |event: &Event| plain.see(event))?),
                _ => drop(run::train(&config, &mut |event: &Event| recorded.see(event))?),
            }
        }
        let [plain, recorded] = times.each_ref().map(Times::mean);
        without.push(plain);
        with.push(recorded);
        ratios.push(recorded / plain);
        sampling.push(times[0].sampling());
    }
    Ok(json!({
        "workload": "logging", "threads": options.threads, "unit": "s/epoch", "without": without, "with": with,
        "ratio": median(ratios.clone()), "ratios": ratios, "seconds_to_sample_scales": median(sampling),
    }))
}

/// The rows of W2 as a table.
fn write(path: &Path) -> Result<()> {
    let rows = data::examples(16_512, 8, 1, Answers::Number)?;
    let mut text = "a,b,c,d,e,f,g,h,y\n".to_string();
    for (x, y) in rows.x.to_f64().chunks_exact(8).zip(rows.y.to_f64()) {
        x.iter().for_each(|x| text += &format!("{x:.4},"));
        text += &format!("{y:.4}\n");
    }
    Ok(std::fs::write(path, text)?)
}

/// When the epochs of a run ended, and in which of them scales were sampled.
#[derive(Default)]
struct Times {
    ends: Vec<Instant>,
    sampled: Vec<usize>,
}

impl Times {
    fn see(&mut self, event: &Event) {
        match event {
            Event::EpochEnded { .. } => self.ends.push(Instant::now()),
            Event::Scales { .. } => self.sampled.push(self.ends.len()),
            _ => {}
        }
    }

    /// Seconds per epoch, without the first.
    fn mean(&self) -> f64 {
        let (first, last) = (self.ends[0], self.ends[self.ends.len() - 1]);
        (last - first).as_secs_f64() / (self.ends.len() - 1) as f64
    }

    /// How many seconds longer an epoch takes in which scales are sampled.
    fn sampling(&self) -> f64 {
        let seconds = |epoch: usize| (self.ends[epoch] - self.ends[epoch - 1]).as_secs_f64();
        let (with, without): (Vec<_>, Vec<_>) = (1..self.ends.len()).partition(|epoch| self.sampled.contains(epoch));
        let [with, without] = [with, without].map(|epochs| median(epochs.into_iter().map(seconds).collect()));
        with - without
    }
}
