//! The module order and prohibitions of ARCHITECTURE.md: reads the sources and fails on forbidden names.

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
fn kernels_and_media_import_nothing_of_ours() {
    forbid("kernels/src", &["use thalweg", "thalweg::"]);
    forbid("media/src", &["use thalweg", "thalweg::", "thalweg_kernels", "println!", "eprintln!", "unsafe "]);
}

#[test]
fn data_does_not_know_networks() {
    forbid("thalweg/src/data", &["crate::network", "crate::layers", "crate::optimizers", "crate::losses"]);
}

#[test]
fn layers_do_not_know_each_other() {
    let files = sources("thalweg/src/layers");
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    for (path, code) in files.iter().filter(|(path, _)| name(path) != "mod") {
        for other in files.iter().map(|(other, _)| name(other)).filter(|other| *other != name(path)) {
            // Layers are within it, and it is used within layers.
            if other == "sequential" {
                continue;
            }
            let used = breaches(code, &[&format!("super::{other}"), &format!("crate::layers::{other}")]).len();
            assert_eq!(used, 0, "{} uses the layer {other}: see ARCHITECTURE.md", path.display());
        }
    }
}

/// The floors of the library, from the ground up: each folder or file of `src` may only name those below it.
const FLOORS: [&str; 31] = [
    "error",
    "ranks",
    "random",
    "cholesky",
    "task",
    "metrics",
    "event",
    "tensor",
    "io",
    "average",
    "init",
    "schedule",
    "windows",
    "losses",
    "optimizers",
    "layers",
    "network",
    "config",
    "data",
    "train",
    "sequential",
    "model",
    "explain",
    "export",
    "import",
    "recipe",
    "findings",
    "report",
    "run",
    "tune",
    "doctor",
];

/// The floors of the kernels.
const KERNEL_FLOORS: [&str; 26] = [
    "float32",
    "real",
    "prefetch",
    "huge_pages",
    "dispatch",
    "pool",
    "scratch",
    "aligned_buf",
    "matrix",
    "lanes",
    "random",
    "gather",
    "reduce",
    "resize",
    "elementwise",
    "waves",
    "softmax",
    "update",
    "batch_norm",
    "layer_norm",
    "bf16",
    "peak",
    "gemm",
    "conv",
    "recurrent",
    "attention",
];

/// The names directly after `crate::`, be it one or several in braces.
fn named<'a>(code: &'a str, path: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for after in code.split(path).skip(1) {
        let Some(list) = after.strip_prefix('{') else {
            found.push(after);
            continue;
        };
        let mut depth = 1;
        let mut start = 0;
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => {
                    found.push(&list[start..at]);
                    start = at + 1;
                }
                _ => {}
            }
            if depth == 0 {
                found.push(&list[start..at]);
                break;
            }
        }
    }
    let word = |text: &'_ str| text.trim_start().find(|c: char| !(c.is_alphanumeric() || c == '_'));
    found.into_iter().map(str::trim_start).map(|text| &text[..word(text).unwrap_or(text.len())]).collect()
}

#[test]
fn names_in_braces_are_seen() {
    let code = "use crate::{Error, data::{split, table}, run};\nlet x = crate::tune::best();";
    assert_eq!(named(code, "crate::"), ["Error", "data", "run", "tune"]);
    assert_eq!(named("use crate::data::{split, table::Table};", "crate::data::"), ["split", "table"]);
}

/// The files and folders of `data/`, lowest first.
const DATA_FLOORS: [&str; 36] = [
    "words",
    "cell_format",
    "boolean_words",
    "number_format",
    "dates",
    "ends",
    "rejects",
    "column",
    "reading",
    "table",
    "media_spec",
    "split",
    "row_file",
    "schema",
    "arrays",
    "applicable",
    "memory",
    "preprocess",
    "conformal",
    "target",
    "examples",
    "intervals",
    "source",
    "shift",
    "alike",
    "rows",
    "folds",
    "partition",
    "sequences",
    "far",
    "verification",
    "forecast",
    "dataset",
    "inspect",
    "stream",
    "loader",
];

/// Uses, in the sources of a folder (a crate, or a module of one), of a floor above their own.
fn upward(folder: &str, floors: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let within = folder.split_once("src/").map_or("crate::".into(), |(_, module)| format!("crate::{module}::"));
    let height = |floor: &str| floors.iter().position(|name| *name == floor);
    let mut upward = Vec::new();
    for (path, code) in sources(folder) {
        let inner: Vec<&str> = path.strip_prefix(&root).unwrap().iter().map(|name| name.to_str().unwrap()).collect();
        let floor = inner[0].trim_end_matches(".rs");
        if ["lib", "mod"].contains(&floor) {
            continue;
        }
        // This number of `super` leads out of the floor.
        let depth = inner.len() - usize::from(path.ends_with("mod.rs"));
        let code = code.replace(&"super::".repeat(depth), &within);
        let own = height(floor).unwrap_or_else(|| panic!("{} is on no floor: add it to the list", path.display()));
        let above = named(&code, &within).into_iter().filter(|name| height(name).is_some_and(|other| other > own));
        upward.extend(above.map(|name| format!("{} names {name}", inner.join("/"))));
    }
    upward
}

#[test]
fn floors_stand_on_those_below_alone() {
    assert_eq!(upward("thalweg/src", &FLOORS), [""; 0]);
    assert_eq!(upward("thalweg/src/data", &DATA_FLOORS), [""; 0]);
    assert_eq!(upward("kernels/src", &KERNEL_FLOORS), [""; 0]);
}

#[test]
fn the_library_neither_prints_nor_is_unsafe() {
    forbid("thalweg/src", &["clap::", "pyo3", "println!", "eprintln!", "dbg!", "todo!", "unimplemented!", "unsafe "]);
    forbid("cli/src", &["unsafe ", "todo!"]);
    forbid("../python/src", &["unsafe ", "todo!", "thalweg_kernels"]);
}

/// A file that no program of tests names would be compiled by none, and nobody would notice.
#[test]
fn every_file_of_tests_is_in_their_program() {
    for tests in ["thalweg/tests", "cli/tests"] {
        let files = sources(tests);
        let (_, main) = files.iter().find(|(path, _)| path.ends_with("tests/main.rs")).unwrap();
        for (path, _) in &files {
            let inner = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(tests)).unwrap();
            let name = inner.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
            let of_its_own = ["main", "no_allocation"].contains(&name);
            assert!(of_its_own || main.contains(&format!("mod {name};")), "tests/main.rs does not name {name}");
        }
    }
}
