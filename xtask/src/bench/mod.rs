//! `cargo xtask bench`: Thalweg compared with the installed peers, in turn, each in its own process.

mod picture;
mod systems;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::step;
use crate::test::cargo;
use systems::{BATCH, Measured, System};

/// The workloads and their descriptions.
const WORKLOADS: [(&str, &str); 8] = [
    ("w1", "training 784-512-512-10, Adam, batch 128, 60,000 rows"),
    ("w2", "training 8-64-64-1, Adam, batch 64, 16,512 rows"),
    ("w3", "training 1024-4096-4096-4096-10, Adam, batch 256, 4,096 rows"),
    ("w4", "prediction of one row with W1's network"),
    (BATCH, "prediction of 4,096 rows at once with W1's network"),
    ("w5", "logistic regression, 28 inputs, batch 1,024, 1,000,000 rows"),
    ("w6", "training conv 3×3×32, conv 3×3×64, max pool, 128, 10 on 28×28, Adam, batch 128, 12,800 rows"),
    ("w7", "a whole process: iris, 4-16-3, 50 epochs"),
];

struct Options {
    only: Vec<String>,
    ours_only: bool,
    threads: usize,
    rounds: usize,
    /// Lines of what other programs measured.
    peers: String,
    json: Option<PathBuf>,
    picture: Option<PathBuf>,
    scaling: Option<PathBuf>,
    wide: Option<PathBuf>,
}

impl Options {
    fn read(words: &[&str]) -> Result<Options> {
        let mut options = Options {
            only: Vec::new(),
            ours_only: false,
            threads: 2,
            rounds: 3,
            peers: String::new(),
            json: None,
            picture: None,
            scaling: None,
            wide: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} has no value"));
            match *word {
                "--ours-only" => options.ours_only = true,
                "--only" => options.only = value()?.split(',').map(str::to_lowercase).collect(),
                "--threads" => options.threads = value()?.parse()?,
                "--rounds" => options.rounds = value()?.parse()?,
                "--peers" => {
                    let path = value()?;
                    options.peers = std::fs::read_to_string(path).with_context(|| format!("{path} cannot be read"))?;
                }
                "--json" => options.json = Some(value()?.into()),
                "--picture" => options.picture = Some(value()?.into()),
                "--scaling" => options.scaling = Some(value()?.into()),
                "--wide" => options.wide = Some(value()?.into()),
                _ => bail!("unknown flag {word:?}"),
            }
        }
        let names = WORKLOADS.map(|(name, _)| name);
        if let Some(unknown) = options.only.iter().find(|name| !names.contains(&name.as_str())) {
            bail!("unknown workload {unknown:?}; the workloads are {}", names.join(", "));
        }
        Ok(options)
    }
}

/// Runs the benchmarks and prints a table; on request also JSON and a chart.
///
/// # Errors
/// If a flag is invalid, Thalweg does not build, or its run of a workload fails or does not learn.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let options = Options::read(words)?;
    let packages = ["build", "--release", "--package", "thalweg-bench", "--package", "thalweg-cli"];
    step::run("build", "mend what the compiler names", cargo(&packages))?;
    let mut all = Vec::new();
    for (workload, what) in WORKLOADS {
        if !options.only.is_empty() && !options.only.iter().any(|name| name == workload) {
            continue;
        }
        println!("\n{}: {what}", workload.to_uppercase());
        let mut systems = System::ours(workload);
        if !options.ours_only {
            systems.extend(systems::peers(workload)?);
        }
        // Interleaved, so that other load on the machine affects all alike.
        for _ in 0..options.rounds {
            for system in &mut systems {
                system.measure(options.threads)?;
            }
        }
        let mut measured: Vec<Measured> = systems.into_iter().filter_map(System::finish).collect();
        measured.extend(systems::merged(&options.peers, workload)?);
        table(&measured, options.threads);
        all.extend(measured);
    }
    println!(
        "\nRatios, round by round, with the least and the greatest; above 1 Thalweg is faster, in the same precision. Rates are \
         GFLOP/s of multiply-adds in a core's registers around the times, in the same precision, the share is of the highest of them; where they \
         differ by more than 20 % the row is marked with !, and says little."
    );
    if let Some(path) = &options.json {
        let rows: Vec<_> = all.iter().map(|row| row.json(options.threads)).collect();
        std::fs::write(path, serde_json::to_vec_pretty(&json!(rows))?)?;
    }
    if let Some(path) = &options.picture {
        std::fs::write(path, picture::draw(&all))?;
    }
    if let Some(path) = &options.scaling {
        std::fs::write(path, picture::draw_scaling(&systems::scaling(options.threads)?))?;
    }
    if let Some(path) = &options.wide {
        std::fs::write(path, picture::draw_wide(&systems::wide()?))?;
    }
    match all.iter().find(|row| row.is_ours() && row.learns == Some(false)) {
        Some(row) => bail!("{}: the loss does not fall", row.workload),
        None => Ok(()),
    }
}

fn table(rows: &[Measured], threads: usize) {
    println!(
        "{:<18} {:>12} {:>12} {:>12} {:>8} {:>15} {:>11} {:>6}  loss",
        "system", "median", "min", "max", "ratio", "", "rates", "share"
    );
    for row in rows {
        let ours = rows.iter().find(|ours| ours.is_ours_for(row));
        let [low, middle, high] = ours.map_or([f64::NAN; 3], |ours| row.ratios(ours));
        let [slow, fast] = row.rates();
        let loss = row.loss.map_or(String::new(), |[first, last]| format!("{first:.4} → {last:.4}"));
        println!(
            "{:<18} {:>12} {:>12} {:>12} {middle:>7.2}× {:>15} {:>10}{} {:>6}  {loss}",
            row.system,
            row.told(row.median()),
            row.told(row.min()),
            row.told(row.max()),
            format!("({low:.2} to {high:.2})"),
            if slow.is_nan() { String::new() } else { format!("{slow:.0}–{fast:.0}") },
            if row.is_steady() { " " } else { "!" },
            row.share(threads).map_or(String::new(), |share| format!("{:.0} %", 100.0 * share)),
        );
    }
}
