//! The command, run in a folder on a line of arguments without spaces in them.

use std::path::Path;
use std::process::{Command, Output};

pub(crate) fn run(folder: &Path, line: &str) -> Output {
    let command = &mut Command::new(env!("CARGO_BIN_EXE_thalweg"));
    command.args(line.split_whitespace()).current_dir(folder).output().unwrap()
}

/// What it prints, having succeeded.
pub(crate) fn ok(folder: &Path, line: &str) -> String {
    let output = run(folder, line);
    assert!(output.status.success(), "thalweg {line}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
