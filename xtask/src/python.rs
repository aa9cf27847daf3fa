//! The Python package's tests: a virtual environment under `target/`, the extension as built by `cargo build`, pytest;
//! and its keywords, which are written from the options.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::step::{self, Counts};
use crate::test::{build, cargo, root};

/// Interpreters tried in order; THALWEG_PYTHON names another.
const INTERPRETERS: [&str; 6] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python"];

/// Runs the suite; `None` if no suitable Python is available.
///
/// # Errors
/// If a step fails.
pub(crate) fn run() -> Result<Option<Counts>> {
    let Some(python) = interpreter() else { return Ok(None) };
    let python = environment(&python, "python", "python/tests/requirements.txt")?;
    step::run("Python extension", "mend what the compiler names", build())?;
    let debug = root().join("target/debug");
    let (built, placed) = match std::env::consts::OS {
        "windows" => ("_native.dll", "_native.pyd"),
        "macos" => ("lib_native.dylib", "_native.abi3.so"),
        _ => ("lib_native.so", "_native.abi3.so"),
    };
    let placed = root().join("python/thalweg").join(placed);
    std::fs::copy(debug.join(built), &placed).with_context(|| format!("cannot write {}", placed.display()))?;
    let mut tests = Command::new(python);
    tests
        .args(["-m", "pytest", "--durations=5"])
        .current_dir(root())
        .env("PYTHONPATH", root().join("python"))
        .env("THALWEG", debug.join(format!("thalweg{}", std::env::consts::EXE_SUFFIX)));
    step::run("Python tests", "mend the tests named above", tests).map(Some)
}

/// Writes `python/thalweg/_keywords.py`; the tests compare it with the options.
///
/// # Errors
/// If it cannot be built or written.
pub(crate) fn options() -> Result<()> {
    let mut test = cargo(&["test", "--workspace", "--test", "options"]);
    test.env("THALWEG_WRITE", "1");
    step::run("Python's keywords", "mend what is named above", test).map(drop)
}

/// A Python with pip that the pinned packages support: 3.11 or newer.
pub(crate) fn interpreter() -> Option<PathBuf> {
    let named = std::env::var_os("THALWEG_PYTHON").map(PathBuf::from);
    let will_do = |python: &PathBuf| {
        let asked = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";
        let mut command = Command::new(python);
        command.args(["-c", asked]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    named.into_iter().chain(INTERPRETERS.map(PathBuf::from)).find(will_do)
}

/// The interpreter of a virtual environment under `target/` with a file's dependencies, recreated when these change.
pub(crate) fn environment(python: &Path, name: &str, requirements: &str) -> Result<PathBuf> {
    let folder = root().join("target").join(name);
    let inside = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let needed = root().join(requirements);
    let (needs, stamp) = (std::fs::read_to_string(&needed)?, folder.join("requirements.txt"));
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == needs) {
        return Ok(inside);
    }
    let mut make = Command::new(python);
    make.args(["-m", "venv", "--clear"]).arg(&folder);
    step::run("Python environment", "install Python's venv module", make)?;
    let mut install = Command::new(&inside);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&needed);
    step::run("Python packages", "see whether pip reaches its index", install)?;
    std::fs::write(stamp, needs)?;
    Ok(inside)
}
