//! Runs and studies that are stopped at any moment: going on, or giving the same command again, always leads to the end.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn command(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
    command.args(line.split_whitespace()).current_dir(folder);
    command
}

fn run(folder: &Path, line: &str) -> Output {
    command(folder, line).output().unwrap()
}

fn done(folder: &Path, line: &str) -> String {
    let output = run(folder, line);
    assert!(output.status.success(), "thalweg {line}\n{}", errors(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn spawn(folder: &Path, line: &str) -> Child {
    command(folder, line).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
}

/// Waits until something is so.
fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_secs(20), "it never came");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn model(folder: &Path, run: &str) -> Vec<u8> {
    fs::read(folder.join(run).join("model.safetensors")).unwrap()
}

/// The costs of a run's epochs.
fn costs(folder: &Path, run: &str) -> Vec<Value> {
    let epochs = events(folder, run).into_iter().filter(|(event, _)| event == "epoch_ended");
    epochs.map(|(_, event)| event["cost"].clone()).collect()
}

/// The events of a run, by name.
fn events(folder: &Path, run: &str) -> Vec<(String, Value)> {
    let text = fs::read_to_string(folder.join(run).join("events.jsonl")).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.map(|event| (event["event"].as_str().unwrap().to_string(), event)).collect()
}

fn count(folder: &Path, run: &str, name: &str) -> usize {
    events(folder, run).iter().filter(|(event, _)| event == name).count()
}

const TRAIN: &str = "train d.csv --target y -q --layers 24 --batch-size 32 --threads 1";

/// A table that takes a moment to train on.
fn place(rows: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let number = |i: usize| ((i * 7919 + 13) % 1009) as f64 / 1009.0;
    let row = |i: usize| format!("{:.4},{:.4},{:.4}\n", number(i), number(i * i), number(i) + 2.0 * number(i * i));
    let rows: String = (1..=rows).map(row).collect();
    fs::write(folder.path().join("d.csv"), format!("a,b,y\n{rows}")).unwrap();
    folder
}

#[test]
fn killed_at_any_moment_a_run_comes_to_the_same_end() {
    let folder = place(3000);
    let place = folder.path();
    let line = format!("{TRAIN} --epochs 60 --patience 0 -o");
    let start = Instant::now();
    done(place, &format!("{line} whole"));
    let whole = start.elapsed();
    let mut without_checkpoint = 0;
    for i in 0..10_u32 {
        let name = format!("run{i}");
        let mut child = spawn(place, &format!("{line} {name}"));
        // Dense at the beginning, where a run's folder is made.
        std::thread::sleep(whole.mul_f64((f64::from(i) / 9.0).powi(2)));
        child.kill().unwrap();
        child.wait().unwrap();
        without_checkpoint += usize::from(!place.join(&name).join("checkpoint.safetensors").exists());
        let again =
            if i % 2 == 0 { run(place, &format!("resume {name}")) } else { run(place, &format!("{line} {name}")) };
        if !again.status.success() {
            let text = errors(&again);
            let over = text.contains("is finished") || text.contains("something in this folder");
            let begins = text.contains("no run's folder") || text.contains("no checkpoint yet");
            assert!(again.status.code() == Some(2) && (over || begins), "{name}: {text}");
            if begins {
                done(place, &format!("{line} {name}"));
            }
        }
        assert!(model(place, &name) == model(place, "whole"), "{name}");
        assert!(place.join(&name).join("report.html").exists());
        assert_eq!((count(place, &name, "finished"), count(place, &name, "epoch_ended")), (1, 60), "{name}");
    }
    assert!(without_checkpoint >= 2, "too few were killed early");
}

#[test]
fn what_is_missing_after_the_end_is_written_again() {
    let folder = place(300);
    let place = folder.path();
    // One goes through all its epochs, and one ends by its patience.
    for (name, more) in [("all", "--epochs 4"), ("patient", "--epochs 60 --patience 3 --learning-rate 0.3")] {
        let line = format!("{TRAIN} {more} -o {name}");
        done(place, &line);
        let (expected, epochs) = (model(place, name), count(place, name, "epoch_ended"));
        let log = fs::read_to_string(place.join(name).join("events.jsonl")).unwrap();
        let cut = log.lines().count() - 1;
        let unfinished: String = log.lines().take(cut).map(|line| format!("{line}\n")).collect();
        let mut again = [format!("resume {name}"), line.clone()].into_iter().cycle();
        for (missing, log) in [
            (&["report.html"][..], &log),
            (&["report.html"], &log),
            (&["model.safetensors"], &log),
            (&["model.safetensors", "report.html"], &unfinished),
            (&["report.html"], &unfinished),
            (&[], &format!("{unfinished}{{\"event\":\"fini")),
            (&["checkpoint.safetensors"], &unfinished),
        ] {
            for file in missing {
                fs::remove_file(place.join(name).join(file)).unwrap();
            }
            fs::write(place.join(name).join("events.jsonl"), log).unwrap();
            let line = again.next().unwrap();
            let output = run(place, &line);
            // The checkpoint before the last may be none: then the log is ahead of it, and is cut.
            assert!(output.status.success(), "{line} without {missing:?}: {}", errors(&output));
            assert!(model(place, name) == expected, "{line} without {missing:?}");
            assert!(place.join(name).join("report.html").exists());
            let counts = (count(place, name, "finished"), count(place, name, "epoch_ended"));
            assert_eq!(counts, (1, epochs), "{line} without {missing:?}");
        }
        let output = run(place, &format!("resume {name}"));
        assert!(output.status.code() == Some(2) && errors(&output).contains("is finished"), "{}", errors(&output));
        let output = run(place, &line);
        assert!(output.status.code() == Some(2) && errors(&output).contains("something in this folder"));
        assert!(model(place, name) == expected);
    }
}

#[test]
fn a_folder_without_a_checkpoint_is_not_dead() {
    let folder = place(300);
    let place = folder.path();
    let line = format!("{TRAIN} --epochs 3 -o");
    done(place, &format!("{line} whole"));
    let begun = |name: &str, files: &[&str]| {
        fs::create_dir(place.join(name)).unwrap();
        for file in files {
            fs::copy(place.join("whole").join(file), place.join(name).join(file)).unwrap();
        }
    };
    begun("bare", &["lock", "environment.json"]);
    let output = run(place, "resume bare");
    assert_eq!(output.status.code(), Some(2));
    for words in ["bare", "no checkpoint yet", "train again with --out bare"] {
        assert!(errors(&output).contains(words), "{}", errors(&output));
    }
    done(place, &format!("{line} bare"));
    begun("configured", &["lock", "environment.json", "config.toml"]);
    done(place, "resume configured");
    begun("told", &["lock", "config.toml", "events.jsonl"]);
    done(place, "resume told");
    begun("again", &["lock", "config.toml", "events.jsonl"]);
    done(place, &format!("{line} again"));
    for name in ["bare", "configured", "told", "again"] {
        assert!(model(place, name) == model(place, "whole"), "{name}");
        assert_eq!(count(place, name, "epoch_ended"), 3, "{name}");
    }
    // Another configuration takes such a folder too, but never one of somebody else's.
    begun("other", &["lock", "config.toml"]);
    done(place, &format!("{TRAIN} --epochs 1 -o other"));
    begun("mixed", &["lock", "config.toml"]);
    fs::write(place.join("mixed/thesis.txt"), "x").unwrap();
    let output = run(place, &format!("{TRAIN} --epochs 1 -o mixed"));
    assert!(output.status.code() == Some(2) && errors(&output).contains("something in this folder"));
    // What cannot be read now may be there again later: the configuration stays.
    begun("later", &["lock", "config.toml"]);
    fs::rename(place.join("d.csv"), place.join("away.csv")).unwrap();
    assert_eq!(run(place, "resume later").status.code(), Some(3));
    fs::rename(place.join("away.csv"), place.join("d.csv")).unwrap();
    done(place, "resume later");
}

#[test]
fn the_number_of_threads_may_change() {
    let folder = place(3000);
    let place = folder.path();
    done(place, &format!("{TRAIN} --epochs 20 --patience 0 -o whole"));
    for (name, signal_name, code) in [("a", "INT", 130), ("b", "TERM", 143)] {
        let mut child = spawn(place, &format!("{TRAIN} --epochs 20 --patience 0 -o {name}"));
        until(|| place.join(name).join("checkpoint.safetensors").exists());
        signal(&child, signal_name);
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(code));
    }
    let path = place.join("a/config.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("threads = 1"));
    fs::write(&path, text.replace("threads = 1", "threads = 2")).unwrap();
    done(place, "resume a");
    // The same command with other threads goes on too, and with other options it does not.
    let other = run(place, &format!("{TRAIN} --epochs 21 --patience 0 -o b"));
    assert_eq!(other.status.code(), Some(2), "{}", errors(&other));
    assert!(errors(&other).contains("thalweg resume b"), "{}", errors(&other));
    done(place, &format!("{} --epochs 20 --patience 0 -o b", TRAIN.replace("--threads 1", "--threads 2")));
    assert!(model(place, "a") == model(place, "whole") && model(place, "b") == model(place, "whole"));
}

/// A run that multiplies on matrix tiles goes on to the same bits where there are none: with the instructions that exclude
/// them here, and on machines that have none from its beginning.
#[test]
fn a_run_on_tiles_is_resumed_without_them() {
    let folder = place(3000);
    let place = folder.path();
    let line = "train d.csv --target y -q --layers 32,24 --batch-size 32 --precision bf16x6 --bf16-unit tiles --epochs 20 \
                --patience 0";
    done(place, &format!("{line} -o whole"));
    let mut child = spawn(place, &format!("{line} -o stopped"));
    until(|| place.join("stopped/checkpoint.safetensors").exists());
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let resumed = command(place, "resume stopped").env("THALWEG_KERNEL", "avx2").output().unwrap();
    assert!(resumed.status.success(), "{}", errors(&resumed));
    let told = String::from_utf8_lossy(&resumed.stdout);
    assert!(told.contains("the bits of tiles are asked for, which this machine does not have"), "{told}");
    assert!(model(place, "stopped") == model(place, "whole"));
    // What it was is recorded where nothing was said, and other bits are other runs.
    done(place, &format!("{} -o own", line.replace("--bf16-unit tiles", "")));
    let recorded = fs::read_to_string(place.join("own/config.toml")).unwrap();
    assert!(recorded.contains("bf16_unit = "), "{recorded}");
    done(place, &format!("{} -o single", line.replace("tiles", "none")));
    done(place, &format!("{} -o plain", line.replace("--precision bf16x6 --bf16-unit tiles", "")));
    assert!(costs(place, "single") == costs(place, "plain"));
    assert!(costs(place, "single") != costs(place, "whole"));
    let refused = run(place, "train d.csv --target y --precision f32 --bf16-unit tiles");
    assert!(errors(&refused).contains("--precision bf16x6"), "{}", errors(&refused));
}

/// By default, wide layers are trained on tiles where the machine has them: to the bits of tiles, which another machine
/// has, too, or to those of f32, whichever is recorded. Narrow ones are in f32 everywhere.
#[test]
fn by_default_large_products_are_on_tiles_and_small_ones_in_f32() {
    let folder = place(300);
    let place = folder.path();
    let line =
        "train d.csv --target y -q --batch-size 128 --epochs 2 --patience 0 --baselines=false --importance=false";
    let wide = format!("{line} --layers 512,256");
    done(place, &format!("{wide} -o wide"));
    let recorded = fs::read_to_string(place.join("wide/config.toml")).unwrap();
    let on_tiles = recorded.contains("bf16_unit = \"tiles\"");
    assert!(on_tiles || recorded.contains("bf16_unit = \"none\""), "{recorded}");
    let told = done(place, &format!("{wide} --bf16-unit tiles -o tiles").replace(" -q", ""));
    assert!(told.contains("training multiplies large matrices with"), "{told}");
    done(place, &format!("{wide} --precision f32 -o single"));
    done(place, &format!("{wide} --bf16-unit none -o none"));
    assert!(costs(place, "tiles") != costs(place, "single"), "their rounding differs");
    assert!(costs(place, "none") == costs(place, "single"));
    assert!(costs(place, "wide") == costs(place, if on_tiles { "tiles" } else { "single" }));

    done(place, &format!("{line} --layers 64 -o narrow"));
    done(place, &format!("{line} --layers 64 --precision f32 -o narrow_single"));
    assert!(costs(place, "narrow") == costs(place, "narrow_single"));
    let told = done(place, &format!("{line} --layers 64 --bf16-unit tiles").replace(" -q", ""));
    assert!(told.contains("too small to gain from tiles"), "{told}");
    let refused = run(place, &format!("{line} --bf16-unit dot_products"));
    assert_eq!(refused.status.code(), Some(2), "{}", errors(&refused));
    assert!(errors(&refused).contains("--precision bf16"), "{}", errors(&refused));
}

#[test]
fn a_signal_while_data_is_read_stops_at_once() {
    let folder = place(300);
    let place = folder.path();
    let cases = [("train - --target y -o run", "INT", 130), ("train - --target y -o run", "TERM", 143)];
    for (line, name, code) in cases {
        // Standard input stays open: the data never comes.
        let mut child = spawn(place, line);
        let open = child.stdin.take();
        until(|| place.join("run/environment.json").exists());
        std::thread::sleep(Duration::from_millis(100));
        let sent = Instant::now();
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        drop(open);
        assert!(sent.elapsed() < Duration::from_secs(1), "{:?}", sent.elapsed());
        assert_eq!(output.status.code(), Some(code), "{}", errors(&output));
        assert!(errors(&output).contains("interrupted while the data was read"), "{}", errors(&output));
        assert!(!place.join("run").exists(), "nothing of it is left");
    }
    for line in ["check - --target y", "lr-find - --target y", "inspect -", "train - --target y --dry-run"] {
        let mut child = spawn(place, line);
        let open = child.stdin.take();
        std::thread::sleep(Duration::from_millis(300));
        let sent = Instant::now();
        signal(&child, "INT");
        let status = child.wait().unwrap();
        drop(open);
        assert!(sent.elapsed() < Duration::from_secs(1));
        // A verb that has nothing to keep may as well end by the signal itself.
        assert!(status.code().is_none_or(|code| code == 130), "{line}: {status}");
    }
}

#[test]
fn a_study_killed_in_its_last_training_trains_its_model() {
    let folder = place(2000);
    let place = folder.path();
    let line = |n: usize| {
        format!(
            "tune d.csv --target y -q --json --trials 2 --workers 1 --folds 1 --epochs 12 --seeds 0 --batch-size 32 \
             --search learning_rate=log:1e-3..1e-2 --refit=false --study s{n}.sqlite -o run{n}"
        )
    };
    for n in 0..2 {
        let mut child = spawn(place, &line(n));
        let begun = place.join(format!("run{n}"));
        let file = ["lock", "checkpoint.safetensors"][n];
        until(|| begun.join(file).exists());
        child.kill().unwrap();
        child.wait().unwrap();
        let again = if n == 1 { line(n) } else { format!("tune -q --json --study s{n}.sqlite --threads 2") };
        let found: Value = serde_json::from_str(&done(place, &again)).unwrap();
        assert_eq!(found["run"].as_str(), Some(format!("run{n}").as_str()), "{found}");
        assert!(begun.join("report.html").exists());
        assert!(model(place, &format!("run{n}")) == model(place, "run0"));
        // And then there is nothing left to do.
        done(place, &format!("tune -q --study s{n}.sqlite"));
    }
    // What is in the way is told before the search, not after it.
    let output = run(place, &line(3).replace("-o run3", "-o run0"));
    assert!(output.status.code() == Some(2) && errors(&output).contains("run0"), "{}", errors(&output));
    assert!(!place.join("s3.sqlite").exists());
    // A study that began with other options stays as it is.
    let output = run(place, &line(1).replace("--epochs 12", "--epochs 13").replace("-o run1", "-o run9"));
    assert!(output.status.code() == Some(2) && errors(&output).contains("there is a file already"));
}
