//! `cargo xtask quality`: whether default settings reach the promised accuracy, on samples and real data.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::test::{cargo, data, root};
use crate::{python, step};

/// A data set, and what the median of three seeds must reach on one split.
struct Goal {
    name: &'static str,
    /// Arguments of `thalweg train`; `DATA` is the folder of the real data sets, `LISTS` one with lists of their files.
    arguments: &'static str,
    part: &'static str,
    metric: &'static str,
    at_least: Option<f64>,
    at_most: Option<f64>,
}

const fn accuracy(name: &'static str, arguments: &'static str, part: &'static str, at_least: f64) -> Goal {
    Goal { name, arguments, part, metric: "accuracy", at_least: Some(at_least), at_most: None }
}

const GOALS: [Goal; 11] = [
    accuracy("iris", "sample:iris", "test", 0.93),
    accuracy("digits", "sample:digits", "test", 0.97),
    accuracy("breast-cancer", "sample:breast-cancer", "test", 0.95),
    accuracy("titanic", "DATA/titanic/train.csv --target Survived", "dev", 0.79),
    accuracy("adult", "DATA/adult/adult-train.csv --test DATA/adult/adult-test.csv", "test", 0.85),
    Goal {
        name: "housing",
        arguments: "DATA/california-housing/housing.csv --target median_house_value",
        part: "test",
        metric: "rmse",
        at_least: None,
        at_most: Some(55_000.0),
    },
    accuracy("mnist", "DATA/mnist", "test", 0.992),
    accuracy("fashion-mnist", "DATA/fashion-mnist", "test", 0.925),
    accuracy("flowers", "DATA/flowers", "dev", 0.72),
    accuracy(
        "cat-vs-noncat",
        "DATA/catvnoncat/train_catvnoncat.h5 --test DATA/catvnoncat/test_catvnoncat.h5",
        "test",
        0.80,
    ),
    accuracy("spoken-digits", "LISTS/train.csv --test LISTS/test.csv", "test", 0.98),
];

const SEEDS: [&str; 3] = ["0", "1", "2"];

/// Trains runs with planted faults, and healthy ones, and examines them.
///
/// # Errors
/// If too few faults are named first, too few prescriptions help, or a healthy run has a severe finding.
fn doctor(only: &str) -> Result<()> {
    let mut tests = cargo(&["test", "--release", "--package", "thalweg", "--test", "integration"]);
    tests.args(["planted_faults", "--", "--ignored", "--nocapture"]);
    tests.env("THALWEG_DATA", data()).env("THALWEG_ONLY", only);
    step::run("doctor", "see which fault was taken for another", tests).map(|_| ())
}

/// Trains on every data set, or those named, with default settings and compares with the goals.
///
/// # Errors
/// If a goal is missed, a training fails, or a name is unknown.
pub(crate) fn run(only: &[&str]) -> Result<()> {
    if let ["--peers", rest @ ..] = only {
        return peers(rest);
    }
    if let ["--doctor", rest @ ..] = only {
        return doctor(rest.first().unwrap_or(&""));
    }
    if let Some(unknown) = only.iter().find(|name| GOALS.iter().all(|goal| goal.name != **name)) {
        bail!("unknown data set {unknown:?}; the data sets are {}", GOALS.map(|goal| goal.name).join(", "));
    }
    build()?;
    println!("\n{:<14} {:<14} {:>10} {:>10}  seeds {}", "data", "metric", "median", "goal", SEEDS.join(", "));
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    let lists = std::env::temp_dir().join(format!("thalweg-lists-{}", std::process::id()));
    write_lists(&lists)?;
    for goal in GOALS.iter().filter(|goal| only.is_empty() || only.contains(&goal.name)) {
        if (goal.arguments.contains("DATA") || goal.arguments.contains("LISTS")) && !data().is_dir() {
            println!("{:<14} skipped: {} is not there (THALWEG_DATA names another)", goal.name, data().display());
            skipped += 1;
            continue;
        }
        let start = Instant::now();
        let results = SEEDS.iter().map(|seed| train(goal, seed, &lists)).collect::<Result<Vec<f64>>>()?;
        let mut sorted = results.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted[sorted.len() / 2];
        let met = goal.at_least.is_none_or(|least| median >= least) && goal.at_most.is_none_or(|most| median <= most);
        let bound = goal.at_least.or(goal.at_most).unwrap_or_default();
        let each = results.iter().map(|result| short(*result)).collect::<Vec<_>>().join(" ");
        println!(
            "{:<14} {:<14} {:>10} {:>10}  {each}  {:.1} s{}",
            goal.name,
            format!("{} {}", goal.part, goal.metric),
            short(median),
            format!("{} {}", if goal.at_least.is_some() { "≥" } else { "≤" }, short(bound)),
            start.elapsed().as_secs_f64(),
            if met { "" } else { "  MISSED" },
        );
        if met { passed += 1 } else { failed += 1 }
    }
    remove(&lists)?;
    println!("\n{passed} passed, {failed} failed, {skipped} skipped");
    if failed > 0 {
        bail!("{failed} of the goals missed");
    }
    Ok(())
}

fn build() -> Result<()> {
    let build = cargo(&["build", "--release", "--package", "thalweg-cli"]);
    step::run("build", "mend what the compiler names", build).map(drop)
}

fn binary() -> PathBuf {
    root().join("target/release").join(format!("thalweg{}", std::env::consts::EXE_SUFFIX))
}

/// Compares default settings with other libraries' on tables; `arguments` are further ones of `bench/tables.py`.
fn peers(arguments: &[&str]) -> Result<()> {
    build()?;
    let python = python::interpreter().context("no Python from 3.11 on was found; THALWEG_PYTHON names one")?;
    let mut compare = Command::new(python::environment(&python, "peers", "bench/tables.txt")?);
    compare.arg(root().join("bench/tables.py")).arg(binary()).arg(data()).args(arguments);
    if !compare.status()?.success() {
        bail!("the comparison with other libraries failed: see above");
    }
    Ok(())
}

fn short(x: f64) -> String {
    if x.abs() < 10.0 { format!("{x:.4}") } else { format!("{x:.0}") }
}

/// The final metric of one training.
fn train(goal: &Goal, seed: &str, lists: &Path) -> Result<f64> {
    let folder = std::env::temp_dir().join(format!("thalweg-quality-{}", std::process::id()));
    let arguments = goal.arguments.replace("DATA", &data().to_string_lossy());
    let arguments = arguments.replace("LISTS", &lists.to_string_lossy());
    let output = Command::new(binary())
        .arg("train")
        .args(arguments.split(' '))
        .args(["--seed", seed, "--quiet", "--json", "--out"])
        .arg(&folder)
        .stderr(Stdio::inherit())
        .output()?;
    remove(&folder)?;
    if !output.status.success() {
        bail!("training {} with seed {seed}: {}", goal.name, output.status);
    }
    let result: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let value = &result["metrics"][goal.part][goal.metric]["value"];
    value.as_f64().with_context(|| format!("{}: no {} {} in the result", goal.name, goal.part, goal.metric))
}

/// Lists of the spoken digits, `digit_speaker_number.wav`: numbers 0 to 4 are the data set's official test split.
fn write_lists(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut lists = ["file,digit\n".to_string(), "file,digit\n".to_string()];
    let mut files = Vec::new();
    for part in ["spoken-digits", "spoken-digits/recordings"] {
        files.extend(std::fs::read_dir(data().join(part)).into_iter().flatten().flatten().map(|file| file.path()));
    }
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        if let [digit, _, number] = name.split('_').collect::<Vec<_>>()[..] {
            let test = number.parse::<usize>().is_ok_and(|number| number < 5);
            lists[usize::from(test)] += &format!("{},{digit}\n", file.display());
        }
    }
    for (name, list) in ["train.csv", "test.csv"].iter().zip(lists) {
        std::fs::write(folder.join(name), list)?;
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
