//! `cargo xtask test`: all checks required before merging a change, quick ones first.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::python;
use crate::step::{self, Counts};
use crate::web;

/// The message if the Python package cannot be tested.
const NO_PYTHON: &str =
    "the Python package's tests: no Python of 3.11 or newer with pip was found (THALWEG_PYTHON names another)";

/// Runs every check; stops at the first failure.
///
/// # Errors
/// If a check fails.
pub(crate) fn run() -> Result<()> {
    let start = Instant::now();
    let mut counts = Counts::default();
    let mut skipped = Vec::new();
    if !data().is_dir() {
        skipped.push(format!(
            "tests on the real data sets: {} is not there (THALWEG_DATA names another)",
            data().display()
        ));
    }
    skipped.iter().for_each(|what| println!("skipped: {what}"));

    step::run("formatting", "run cargo fmt --all", cargo(&["fmt", "--all", "--check"]))?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    step::run("lints", "mend what clippy names", cargo(&clippy))?;
    let mut doc = cargo(&["doc", "--workspace", "--no-deps"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    step::run("documentation", "mend what rustdoc names", doc)?;
    counts += step::run("tests", "mend the tests named above", tests())?;
    counts += step::run("doctests", "mend the examples named above", cargo(&["test", "--workspace", "--doc"]))?;
    match mpi() {
        Some(tests) => counts += step::run("training over MPI", "mend the tests named above", tests)?,
        None => {
            println!("\nskipped: {NO_MPI}");
            skipped.push(NO_MPI.into());
        }
    }
    examples()?;
    if miri_is_here() {
        counts += step::side_by_side("kernels under Miri", "mend the undefined behaviour named above", miri())?;
    } else {
        let what = "kernels under Miri: it is not installed (rustup toolchain install nightly --component miri)";
        println!("\nskipped: {what}");
        skipped.push(what.into());
    }
    let (more, without) = web::run()?;
    counts += more;
    without.iter().for_each(|what| println!("\nskipped: {what}"));
    skipped.extend(without);
    match python::run()? {
        Some(more) => counts += more,
        None => {
            println!("\nskipped: {NO_PYTHON}");
            skipped.push(NO_PYTHON.into());
        }
    }
    if step::has("deny") {
        step::run("licences and advisories", "see deny.toml", cargo(&["deny", "check"]))?;
    } else {
        let what = "licences and advisories: cargo-deny is not installed (cargo install --locked cargo-deny)";
        println!("\nskipped: {what}");
        skipped.push(what.into());
    }

    println!();
    skipped.iter().for_each(|what| println!("skipped: {what}"));
    let Counts { passed, failed, ignored } = counts;
    let seconds = start.elapsed().as_secs_f64();
    println!("{seconds:.0} s");
    println!("{passed} passed, {failed} failed, {} skipped", ignored + skipped.len());
    Ok(())
}

/// Runs only the Python package's tests.
///
/// # Errors
/// If a test fails, or no suitable Python is available.
pub(crate) fn python() -> Result<()> {
    let Some(Counts { passed, failed, ignored }) = python::run()? else { bail!(NO_PYTHON) };
    println!("\n{passed} passed, {failed} failed, {ignored} skipped");
    Ok(())
}

/// Runs only the checks and tests of the live page.
///
/// # Errors
/// If a check fails.
pub(crate) fn web() -> Result<()> {
    step::run("program", "mend what the compiler names", build())?;
    let (Counts { passed, failed, ignored }, without) = web::run()?;
    without.iter().for_each(|what| println!("skipped: {what}"));
    println!("\n{passed} passed, {failed} failed, {} skipped", ignored + without.len());
    Ok(())
}

pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(root());
    command
}

/// The tests with nextest where installed: one process per test, so that a crash does not hide the others.
fn tests() -> Command {
    if step::has("nextest") {
        return cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]);
    }
    cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"])
}

/// The message if training by several processes cannot be tested.
const NO_MPI: &str = "training over MPI: mpicc, mpirun or libclang was not found \
                      (apt-get install libopenmpi-dev openmpi-bin libclang-dev)";

/// The tests of training by several processes, where there is what they need.
fn mpi() -> Option<Command> {
    let has_clang = || {
        let places = "ls /usr/lib/llvm-*/lib/libclang.so* /usr/lib*/libclang.so* /usr/lib/*/libclang-[0-9]*.so*";
        let found = Command::new("sh").args(["-c", places]).output();
        std::env::var_os("LIBCLANG_PATH").is_some() || found.is_ok_and(|found| !found.stdout.is_empty())
    };
    let is_there = step::is_there("mpicc") && step::is_there("mpirun") && has_clang();
    // One after the other: each has as many processes as the machine has cores, or more.
    let arguments = [
        "test",
        "--workspace",
        "--features",
        "thalweg-cli/mpi",
        "--test",
        "integration",
        "mpi::",
        "--",
        "--test-threads",
        "1",
    ];
    is_there.then(|| cargo(&arguments))
}

/// The programs that show how to use the library.
const EXAMPLES: [&str; 4] = ["01_xor", "02_table", "03_in_memory", "04_custom_layer"];

/// Builds the examples, the program and the Python extension with the same package selection as the tests: another
/// selection would enable other features and recompile the library.
pub(crate) fn build() -> Command {
    cargo(&["build", "--workspace", "--lib", "--examples", "--bin", "thalweg"])
}

/// Runs the examples.
fn examples() -> Result<()> {
    step::run("examples", "mend what the compiler names", build())?;
    for name in EXAMPLES {
        let mut example =
            Command::new(root().join("target/debug/examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX)));
        example.current_dir(root());
        step::run(name, "mend the example, or what it shows", example)?;
    }
    Ok(())
}

fn miri_is_here() -> bool {
    let version = cargo(&["+nightly", "miri", "--version"]).output();
    version.is_ok_and(|version| version.status.success())
}

/// The kernels' portable paths under Miri, which detects every out-of-bounds read and write. It uses one core, so
/// running the tests in two halves takes half as long.
fn miri() -> [Command; 2] {
    let shares: [&[&str]; 2] = [
        &["--lib", "--test", "bf16"],
        &["--test", "gemm_agrees_with_naive", "--test", "elementwise_and_reductions", "--test", "conv"],
    ];
    shares.map(|tests| {
        let mut command = cargo(&["+nightly", "miri", "test", "--package", "thalweg-kernels"]);
        // The pool's threads live as long as the process.
        command
            .args(tests)
            .env("MIRIFLAGS", "-Zmiri-ignore-leaks -Zmiri-deterministic-floats")
            .env("CARGO_TARGET_DIR", root().join("target/miri"));
        command
    })
}

/// The repository root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the repository")
}

/// The folder of the real data sets.
pub(crate) fn data() -> PathBuf {
    std::env::var_os("THALWEG_DATA").map_or_else(|| root().join("../shared/data"), PathBuf::from)
}
