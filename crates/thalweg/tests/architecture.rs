//! The arrows and nevers of ARCHITECTURE.md: reads the sources and fails on what they must not name.

use std::fs;
use std::path::{Path, PathBuf};

/// Every source file in a folder of `crates`, with its text up to its unit tests and without comments.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let (mut found, mut folders) = (Vec::new(), vec![folder.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().lines();
                let code: Vec<&str> = code.map(|line| line.split("//").next().unwrap()).collect();
                found.push((path, code.join("\n")));
            }
        }
    }
    assert!(!found.is_empty(), "no sources in {}", folder.display());
    found
}

fn breaches<'a>(code: &str, forbidden: &[&'a str]) -> Vec<&'a str> {
    forbidden.iter().copied().filter(|word| code.contains(word)).collect()
}

fn forbid(folder: &str, forbidden: &[&str]) {
    for (path, code) in sources(folder) {
        let found = breaches(&code, forbidden);
        assert!(found.is_empty(), "{} must not name {found:?}: see ARCHITECTURE.md", path.display());
    }
}

#[test]
fn a_breach_is_seen() {
    assert_eq!(breaches("use crate::report::page;", &["crate::report", "crate::data"]), ["crate::report"]);
}

#[test]
fn kernels_import_nothing_of_ours() {
    forbid("kernels/src", &["use thalweg", "thalweg::"]);
}

#[test]
fn layers_know_neither_data_nor_training_nor_each_other() {
    forbid("thalweg/src/layers", &["crate::data", "crate::train", "crate::report", "crate::run"]);
    let files = sources("thalweg/src/layers");
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    for (path, code) in files.iter().filter(|(path, _)| name(path) != "mod") {
        for other in files.iter().map(|(other, _)| name(other)).filter(|other| *other != name(path)) {
            let used = breaches(code, &[&format!("super::{other}"), &format!("crate::layers::{other}")]).len();
            assert_eq!(used, 0, "{} uses the layer {other}: see ARCHITECTURE.md", path.display());
        }
    }
}

#[test]
fn optimizers_see_vectors_only() {
    forbid("thalweg/src/optimizers", &["crate::layers", "crate::network", "crate::data", "crate::train"]);
}

#[test]
fn data_does_not_know_networks() {
    forbid("thalweg/src/data", &["crate::network", "crate::layers", "crate::optimizers", "crate::report"]);
    for (path, code) in sources("thalweg/src/data") {
        let others = code.matches("crate::train").count() - code.matches("crate::train::event").count();
        assert_eq!(others, 0, "{} uses more of train than its events", path.display());
    }
}

#[test]
fn the_trainer_does_not_know_who_listens() {
    forbid("thalweg/src/train", &["crate::report", "crate::run::", "crate::recipe"]);
}

#[test]
fn the_library_neither_prints_nor_is_unsafe() {
    forbid("thalweg/src", &["clap::", "pyo3", "println!", "eprintln!", "dbg!", "todo!", "unimplemented!", "unsafe "]);
    forbid("cli/src", &["unsafe ", "todo!"]);
    forbid("../python/src", &["unsafe ", "todo!", "thalweg_kernels"]);
}
