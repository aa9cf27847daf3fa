//! What is written: never over what is read, whole or not at all, and failures with a name.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_thalweg");

fn command(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(BINARY);
    command.args(line.split_whitespace()).current_dir(folder);
    command
}

fn done(folder: &Path, line: &str) -> Vec<u8> {
    let output = command(folder, line).output().unwrap();
    assert!(output.status.success(), "thalweg {line}\n{}", errors(&output));
    output.stdout
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A shell's exit code and what it printed; `$T` is the program.
fn shell(folder: &Path, script: &str) -> Output {
    Command::new("bash").args(["-c", script]).env("T", BINARY).current_dir(folder).output().unwrap()
}

/// A folder with a run, a model file, rows to answer and rows with answers.
fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    done(folder.path(), "train sample:iris -q --epochs 2 -o run");
    fs::copy(folder.path().join("run/model.safetensors"), folder.path().join("m.safetensors")).unwrap();
    let head = "sepal_length_cm,sepal_width_cm,petal_length_cm,petal_width_cm";
    let rows = "5.1,3.5,1.4,0.2\n6.0,3.0,4.8,1.8\n".repeat(500);
    fs::write(folder.path().join("x.csv"), format!("{head}\n{rows}")).unwrap();
    let rows = "5.1,3.5,1.4,0.2,setosa\n6.0,3.0,4.8,1.8,virginica\n".repeat(5);
    fs::write(folder.path().join("t.csv"), format!("{head},species\n{rows}")).unwrap();
    folder
}

/// Names in a folder that no file should have in the end.
fn unfinished(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains("unfinished")).collect()
}

#[test]
fn no_verb_writes_over_what_it_reads() {
    let folder = place();
    let place = folder.path();
    done(place, "export m.safetensors -o m.onnx");
    done(place, "export m.safetensors -o net.py");
    fs::copy(place.join("m.safetensors"), place.join("w.weights.safetensors")).unwrap();
    done(place, "tune sample:iris -q --trials 2 --epochs 1 --seeds 0 --study s.sqlite -o tuned");
    symlink("x.csv", place.join("soft.csv")).unwrap();
    fs::hard_link(place.join("x.csv"), place.join("hard.csv")).unwrap();
    fs::hard_link(place.join("t.csv"), place.join("t.svg")).unwrap();
    fs::write(place.join("c.svg"), "[train]\nseed = 1\n").unwrap();
    let cases = [
        ("predict run x.csv -o x.csv", "x.csv"),
        ("predict run x.csv -o ./x.csv", "x.csv"),
        ("predict run x.csv -o soft.csv", "x.csv"),
        ("predict run soft.csv -o x.csv", "x.csv"),
        ("predict run x.csv -o hard.csv", "x.csv"),
        ("predict run x.csv -o run/../x.csv", "x.csv"),
        ("predict run x.csv --format jsonl -o run/model.safetensors", "run/model.safetensors"),
        ("predict m.safetensors x.csv -o m.safetensors", "m.safetensors"),
        ("evaluate run t.csv --report t.csv", "t.csv"),
        ("evaluate m.safetensors t.csv --report m.safetensors", "m.safetensors"),
        ("evaluate run t.csv --report run/config.toml", "run/config.toml"),
        ("export m.safetensors --to onnx -o m.safetensors", "m.safetensors"),
        // A module's parameters lie beside it.
        ("export w.weights.safetensors -o w.py", "w.weights.safetensors"),
        ("export m.safetensors --to onnx --precision f16 --calibrate t.csv -o t.csv", "t.csv"),
        ("import m.onnx -o m.onnx", "m.onnx"),
        ("import net.weights.safetensors --like m.safetensors -o m.safetensors", "m.safetensors"),
        ("report run -o run/events.jsonl", "run/events.jsonl"),
        ("report run -o run/model.safetensors", "run/model.safetensors"),
        ("tune show s.sqlite -o s.sqlite", "s.sqlite"),
        ("tune export s.sqlite -o ./s.sqlite", "s.sqlite"),
        ("lr-find t.csv --picture t.svg", "t.csv"),
        ("lr-find sample:iris -c c.svg --picture c.svg", "c.svg"),
        ("augment t.csv --preview t.csv", "t.csv"),
    ];
    for (line, file) in cases {
        let before = fs::read(place.join(file)).unwrap();
        let output = command(place, line).output().unwrap();
        let text = errors(&output);
        assert_eq!(output.status.code(), Some(2), "thalweg {line}\n{text}");
        assert!(fs::read(place.join(file)).unwrap() == before, "thalweg {line}");
        let out = line.split_whitespace().last().unwrap();
        assert!(text.contains(file) && text.contains("would be written over"), "thalweg {line}\n{text}");
        assert!(text.contains(out) || out.ends_with(".py"), "thalweg {line}\n{text}");
    }
    let redirected = shell(place, "$T predict run - -o x.csv < x.csv");
    assert_eq!(redirected.status.code(), Some(2), "{}", errors(&redirected));
    assert!(fs::read(place.join("x.csv")).unwrap().len() > 10_000);
    // A file of the same name elsewhere, and answers that are there already, are no inputs.
    fs::create_dir(place.join("answers")).unwrap();
    for _ in 0..2 {
        done(place, "predict run x.csv -o answers/x.csv");
        done(place, "report run");
    }
    assert_eq!(unfinished(place), Vec::<String>::new());
}

#[test]
fn answers_that_fail_half_way_leave_the_old_ones() {
    let folder = place();
    let place = folder.path();
    let rows = fs::read_to_string(place.join("x.csv")).unwrap();
    fs::write(place.join("bad.csv"), format!("{rows}5.0,1.0\n")).unwrap();
    fs::write(place.join("out.csv"), "old").unwrap();
    let output = command(place, "predict run bad.csv -o out.csv").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", errors(&output));
    assert_eq!(fs::read_to_string(place.join("out.csv")).unwrap(), "old");
    // The limit is on the size of files: as on a full disk, a write fails in the middle.
    let limited = shell(place, "ulimit -f 4; exec $T predict run x.csv -o out.csv");
    assert_eq!(limited.status.code(), Some(2), "{}", errors(&limited));
    assert!(errors(&limited).contains("out.csv: cannot write"), "{}", errors(&limited));
    assert_eq!(fs::read_to_string(place.join("out.csv")).unwrap(), "old");
    for line in ["export m.safetensors -o m.onnx", "evaluate run t.csv --report page.html", "report run -o page.html"] {
        let limited = shell(place, &format!("ulimit -f 1; exec $T {line}"));
        assert_eq!(limited.status.code(), Some(2), "{line}: {}", errors(&limited));
        let file = line.split_whitespace().last().unwrap();
        assert!(errors(&limited).contains(&format!("{file}: cannot write")), "{}", errors(&limited));
        assert!(!place.join(file).exists(), "{line}");
    }
    assert_eq!(unfinished(place), Vec::<String>::new());
    done(place, "predict run x.csv -o out.csv");
    assert!(fs::read(place.join("out.csv")).unwrap() == done(place, "predict run x.csv"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_with_a_name() {
    let folder = place();
    let place = folder.path();
    for line in ["predict run x.csv", "evaluate run t.csv", "inspect run", "config", "--help", "report run --json"] {
        let output = shell(place, &format!("$T {line} > /dev/full"));
        assert_eq!(output.status.code(), Some(2), "thalweg {line}: {}", errors(&output));
        assert!(errors(&output).contains("standard output: cannot write: No space"), "{line}: {}", errors(&output));
    }
    for line in ["predict run x.csv -o /dev/full", "evaluate run t.csv --report /dev/full"] {
        let output = command(place, line).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {}", errors(&output));
        assert!(errors(&output).contains("/dev/full: cannot write"), "{line}: {}", errors(&output));
    }
    // Nobody has to take what goes to standard error.
    let silent = shell(place, "$T train sample:iris --epochs 1 -o other 2> /dev/full");
    assert_eq!(silent.status.code(), Some(0));
    let pipe = shell(
        place,
        "set -o pipefail; for i in $(seq 9); do cat x.csv; done > y.csv; $T predict run x.csv | head -n 1",
    );
    assert_eq!((pipe.status.code(), errors(&pipe).as_str()), (Some(0), ""));
}

#[test]
fn devices_and_pipes_are_written_to_as_they_are() {
    let folder = place();
    let place = folder.path();
    let expected = done(place, "predict run x.csv");
    assert!(done(place, "predict run x.csv -o /dev/stdout") == expected);
    done(place, "predict run x.csv -o /dev/null");
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    let script = "mkfifo pipe; cat pipe > through.csv & $T predict run x.csv -o pipe; wait; \
                  echo first > appended.csv; $T predict run x.csv -o /dev/stdout >> appended.csv";
    assert!(shell(place, script).status.success());
    assert!(fs::read(place.join("through.csv")).unwrap() == expected);
    assert!(fs::read(place.join("appended.csv")).unwrap() == [b"first\n", &expected[..]].concat());
}

#[test]
fn an_interrupted_predict_leaves_nothing() {
    let folder = place();
    let place = folder.path();
    fs::write(place.join("out.csv"), "old").unwrap();
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut child =
            command(place, "predict run - -o out.csv").stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while unfinished(place).is_empty() {
            assert!(start.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(5));
        }
        let open = child.stdin.take();
        let sent = Instant::now();
        Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        drop(open);
        assert!(sent.elapsed() < Duration::from_secs(1));
        assert_eq!(unfinished(place), Vec::<String>::new());
        assert_eq!(fs::read_to_string(place.join("out.csv")).unwrap(), "old");
    }
}
