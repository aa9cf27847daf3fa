//! Running a system on a workload, in its own process.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::test::root;

/// The names of our variants: f32, and each matmul precision.
pub(super) const OURS: [&str; 4] = ["thalweg", "thalweg-bf16x6", "thalweg-bf16x3", "thalweg-bf16"];

/// W4 with a batch of many rows; W4 itself predicts a single row.
pub(super) const BATCH: &str = "w4b";

/// The peers' names as in bench/peers.py, the Python module that each needs, and the workloads skipped for it because
/// they take minutes without new information.
const PEERS: [(&str, &str, &[&str]); 11] = [
    ("torch", "torch", &[]),
    ("torch-cl", "torch", &[]),
    ("torch-bf16", "torch", &["w2", "w4", "w5"]),
    ("torch-bf16-cl", "torch", &[]),
    ("torch-bf16-weights", "torch", &["w4"]),
    ("torch-medium", "torch", &["w2", "w4", "w5"]),
    ("torch-compile", "torch", &["w3", "w5", "w6"]),
    ("jax", "jax", &["w3", "w6"]),
    ("sklearn", "sklearn", &["w1", "w3", "w5"]),
    ("onnxruntime", "onnxruntime", &[]),
    ("keras-jax", "keras", &["w1", "w2", "w3", "w5", "w6"]),
];

/// A system on a workload, with the measurements so far.
pub(super) struct System {
    name: &'static str,
    workload: &'static str,
    /// The Python interpreter of a peer.
    python: Option<String>,
    times: Vec<f64>,
    /// The rates of the moment around these, in its precision, in GFLOP/s of a core.
    rates: Vec<f64>,
    /// GFLOP/s of the workload's products, where they are known.
    gflops: Vec<f64>,
    loss: Option<[f64; 2]>,
}

impl System {
    /// Our variants for a workload.
    pub(super) fn ours(workload: &'static str) -> Vec<System> {
        let systems = if matches!(workload, "w1" | "w3" | BATCH | "w6") { &OURS[..] } else { &OURS[..1] };
        systems.iter().map(|name| System::new(name, workload, None)).collect()
    }

    fn new(name: &'static str, workload: &'static str, python: Option<String>) -> System {
        System { name, workload, python, times: Vec::new(), rates: Vec::new(), gflops: Vec::new(), loss: None }
    }

    /// Takes one more measurement, between two readings of the rate of the moment.
    pub(super) fn measure(&mut self, threads: usize) -> Result<()> {
        self.rates.push(rate(self.name)?);
        self.take(threads)?;
        self.rates.push(rate(self.name)?);
        Ok(())
    }

    fn take(&mut self, threads: usize) -> Result<()> {
        let threads = threads.to_string();
        let (workload, time) = measured_as(self.workload);
        let (mut command, what) = match &self.python {
            Some(python) => {
                let mut command = Command::new(python);
                command.arg(root().join("bench/peers.py"));
                command.args(["run", self.name, workload, "--epochs", "3", "--threads", &threads]);
                (command, self.name)
            }
            None if self.workload == "w7" => {
                self.times.push(cold_start()?);
                return Ok(());
            }
            None => {
                let mut command = Command::new(root().join("target/release/thalweg-bench"));
                command.args([workload, "--epochs", "3", "--threads", &threads, "--precision"]);
                command.arg(precision(self.name));
                (command, self.name)
            }
        };
        let output = command.output().with_context(|| format!("{what}: cannot be started"))?;
        if !output.status.success() {
            bail!("{what} on {}: {}\n{}", self.workload, output.status, String::from_utf8_lossy(&output.stderr));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let result: Value = serde_json::from_str(text.lines().last().unwrap_or_default())
            .with_context(|| format!("{what} on {}: {text}", self.workload))?;
        let time = result["median"].as_f64().or_else(|| Some(result[time].as_f64()? * 1e-6));
        self.times.push(time.with_context(|| format!("{what} on {}: no time in {result}", self.workload))?);
        self.gflops.extend(result["gflops"].as_f64());
        self.rates.extend(result["rates"].as_array().into_iter().flatten().filter_map(Value::as_f64));
        if let [Some(first), Some(last)] = [0, 1].map(|i| result["loss"][i].as_f64()) {
            self.loss = Some([first, last]);
        }
        Ok(())
    }

    /// The measurements, if any.
    pub(super) fn finish(self) -> Option<Measured> {
        let System { name, workload, times: rounds, rates, gflops, loss, .. } = self;
        let mut times = rounds.clone();
        times.sort_by(f64::total_cmp);
        let learns = loss.map(|[first, last]| last < first);
        (!times.is_empty()).then_some(Measured {
            system: name.into(),
            workload,
            rounds,
            times,
            rates,
            gflops,
            loss,
            learns,
        })
    }
}

/// The workload to request from a system, and the key of its time in µs, unless it is a median over epochs.
fn measured_as(workload: &str) -> (&str, &str) {
    if workload == BATCH { ("w4", "batch_us") } else { (workload, "p50_us") }
}

/// The precision of a system's matrix products.
fn precision(system: &str) -> &'static str {
    match system {
        "thalweg-bf16x6" => "bf16x6",
        "thalweg-bf16x3" => "bf16x3",
        _ if system.contains("bf16") || system.ends_with("medium") => "bf16",
        _ => "f32",
    }
}

/// GFLOP/s of multiply-adds in a core's registers now, in a system's precision.
fn rate(system: &str) -> Result<f64> {
    let mut command = Command::new(root().join("target/release/thalweg-bench"));
    let output = command.args(["rate", "--precision", precision(system)]).output()?;
    let told: Value = serde_json::from_slice(&output.stdout).context("thalweg-bench rate")?;
    told["rates"][0].as_f64().context("thalweg-bench rate: no rate")
}

/// How much the rates around a system's times may differ, as a share of the highest.
const STEADY: f64 = 0.2;

/// Times of a system on a workload.
pub(super) struct Measured {
    pub(super) system: String,
    pub(super) workload: &'static str,
    /// In the order of the rounds.
    rounds: Vec<f64>,
    /// Sorted.
    times: Vec<f64>,
    rates: Vec<f64>,
    gflops: Vec<f64>,
    pub(super) loss: Option<[f64; 2]>,
    pub(super) learns: Option<bool>,
}

impl Measured {
    pub(super) fn median(&self) -> f64 {
        self.times[self.times.len() / 2]
    }

    pub(super) fn min(&self) -> f64 {
        self.times[0]
    }

    pub(super) fn max(&self) -> f64 {
        self.times[self.times.len() - 1]
    }

    /// Its times as multiples of ours, round by round: the least, the median and the greatest. Of what was measured elsewhere,
    /// the ratio of medians.
    pub(super) fn ratios(&self, ours: &Measured) -> [f64; 3] {
        if self.rates.is_empty() {
            return [self.median() / ours.median(); 3];
        }
        let mut ratios: Vec<f64> = self.rounds.iter().zip(&ours.rounds).map(|(time, own)| time / own).collect();
        ratios.sort_by(f64::total_cmp);
        [0, ratios.len() / 2, ratios.len() - 1].map(|i| ratios[i])
    }

    /// The lowest and the highest rate of the moment around its times, in GFLOP/s of a core.
    pub(super) fn rates(&self) -> [f64; 2] {
        [f64::min, f64::max].map(|pick| self.rates.iter().copied().reduce(pick).unwrap_or(f64::NAN))
    }

    /// Whether the machine ran at one speed meanwhile, as far as is known.
    pub(super) fn is_steady(&self) -> bool {
        let [low, high] = self.rates();
        self.rates.is_empty() || low >= (1.0 - STEADY) * high
    }

    /// The share of the highest rate of so many cores that the products had.
    pub(super) fn share(&self, threads: usize) -> Option<f64> {
        let best = self.gflops.iter().copied().reduce(f64::max)?;
        Some(best / (self.rates()[1] * threads as f64))
    }

    /// Whether this is our variant of the other system's workload in the same precision.
    pub(super) fn is_ours_for(&self, other: &Measured) -> bool {
        let alike = self.workload == other.workload && precision(&self.system) == precision(&other.system);
        alike && self.is_ours()
    }

    /// Whether it is one of our variants.
    pub(super) fn is_ours(&self) -> bool {
        OURS.contains(&self.system.as_str())
    }

    /// A time with its unit.
    pub(super) fn told(&self, seconds: f64) -> String {
        match seconds {
            s if s < 1e-3 => format!("{:.1} µs", s * 1e6),
            s if s < 1.0 => format!("{:.2} ms", s * 1e3),
            s => format!("{s:.3} s"),
        }
    }

    pub(super) fn json(&self, threads: usize) -> Value {
        json!({
            "workload": self.workload, "system": self.system, "precision": precision(&self.system), "threads": threads, "unit": "s",
            "median": self.median(), "min": self.min(), "max": self.max(), "loss": self.loss, "rates": self.rates(),
            "share": self.share(threads), "steady": self.is_steady(),
        })
    }
}

/// The peers of a workload whose modules are installed; missing ones are reported.
pub(super) fn peers(workload: &'static str) -> Result<Vec<System>> {
    let python = std::env::var("THALWEG_BENCH_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = root().join("bench/peers.py");
    let listed =
        Command::new(&python).arg(script).arg("list").output().with_context(|| format!("{python} is not there"))?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let line = listed.lines().find(|line| line.starts_with(measured_as(workload).0)).unwrap_or_default();
    let mut systems = Vec::new();
    for (name, module, left_out) in PEERS {
        if left_out.contains(&workload) || !line.split(' ').any(|known| known == name) {
            continue;
        }
        let import = format!("import importlib.util, sys; sys.exit(importlib.util.find_spec('{module}') is None)");
        if Command::new(&python).args(["-c", &import]).status().is_ok_and(|status| status.success()) {
            systems.push(System::new(name, workload, Some(python.clone())));
        } else {
            println!("skipped: {name} ({python} has no {module}; see bench/requirements.txt)");
        }
    }
    Ok(systems)
}

/// What other programs measured on a workload, a line each: `RESULT name W1 min 1.21 med 1.25 max 1.3 s/epoch`, with µs/row for
/// W4.
///
/// # Errors
/// If a line about the workload has no such times.
pub(super) fn merged(text: &str, workload: &'static str) -> Result<Vec<Measured>> {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let own = lines.filter(|words| {
        words.first() == Some(&"RESULT") && words.get(2).is_some_and(|name| name.eq_ignore_ascii_case(workload))
    });
    own.map(|words| {
        let after =
            |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1)?.parse().ok());
        let unit = if words.iter().any(|word| word.starts_with("us/")) { 1e-6 } else { 1.0 };
        let times = [after("min"), after("med"), after("max").or(after("p99"))];
        let times: Option<Vec<f64>> = times.into_iter().map(|time: Option<f64>| Some(time? * unit)).collect();
        let times = times.with_context(|| format!("found {:?}, expected min, med and max", words.join(" ")))?;
        let (rounds, system) = (vec![times[1]], words[1].to_string());
        Ok(Measured { system, workload, rounds, times, rates: vec![], gflops: vec![], loss: None, learns: None })
    })
    .collect()
}

/// The time of our W1 as a function of rows and of parameters.
pub(super) fn scaling(threads: usize) -> Result<Value> {
    let mut command = Command::new(root().join("target/release/thalweg-bench"));
    let output = command.args(["scaling", "--epochs", "3", "--threads", &threads.to_string()]).output()?;
    if !output.status.success() {
        bail!("thalweg-bench scaling: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The time and memory of reading a table as a function of its columns.
pub(super) fn wide() -> Result<Value> {
    let program = root().join("target/release/thalweg");
    let output = Command::new("python3").arg(root().join("bench/wide.py")).arg(program).output()?;
    if !output.status.success() {
        bail!("bench/wide.py: {}", String::from_utf8_lossy(&output.stderr));
    }
    println!("{}", String::from_utf8_lossy(&output.stdout));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Wall-clock seconds of a complete command: iris, one hidden layer, 50 epochs.
fn cold_start() -> Result<f64> {
    let folder: PathBuf = std::env::temp_dir().join(format!("thalweg-bench-{}", std::process::id()));
    let line = "train sample:iris --layers 16 --epochs 50 --batch-size 16 --quiet --out";
    let mut times = Vec::new();
    for _ in 0..5 {
        let mut command = Command::new(root().join("target/release/thalweg"));
        command.args(line.split(' ')).arg(&folder);
        let start = Instant::now();
        let output = command.output()?;
        times.push(start.elapsed().as_secs_f64());
        std::fs::remove_dir_all(&folder)?;
        if !output.status.success() {
            bail!("thalweg {line}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_other_programs_are_merged() {
        let text = "making data\nRESULT burn W1 min 3.9 med 4.0 max 4.4 s/epoch n=5 losses [2.3]\nRESULT burn W4 min 40.1 med 48.9 p99 60 us/row (1.0)\n";
        let found = merged(text, "w4").unwrap();
        assert_eq!((found.len(), found[0].system.as_str()), (1, "burn"));
        assert!((found[0].median() - 48.9e-6).abs() < 1e-12);
        assert_eq!(merged(text, "w1").unwrap()[0].max(), 4.4);
        assert!(found[0].is_steady() && merged(text, "w2").unwrap().is_empty());
        assert!(merged("RESULT burn W1 min 3.9", "w1").is_err());
    }
}
