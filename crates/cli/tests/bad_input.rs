//! Bad input: each kind has its exit code, names its place, and says what to do.

use std::path::Path;
use std::process::{Command, Output};

/// A table that everything works on.
const GOOD: &str = "size,rooms,city,price\n";

fn good() -> String {
    let row = |i: usize| {
        format!("{},{},{},{}\n", 50 + i * 3 % 47, 1 + i % 5, ["Ulm", "Bonn", "Kiel"][i % 3], 100.5 + i as f64 * 1.7)
    };
    GOOD.to_string() + &(0..60).map(row).collect::<String>()
}

fn classes() -> String {
    "a,b,class\n".to_string()
        + &(0..60).map(|i| format!("{}.5,{},{}\n", i * 7 % 13, i * 3 % 5, ["x", "y", "z"][i % 3])).collect::<String>()
}

fn thalweg(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thalweg")).args(arguments).current_dir(folder).output().unwrap()
}

/// Runs a command line that must fail: with this exit code, these words, and (but for clap's own errors) a remedy.
fn fails(folder: &Path, line: &str, code: i32, words: &[&str]) {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let output = thalweg(folder, &arguments);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "thalweg {line}\n{told}");
    assert!(!told.contains("panicked"), "thalweg {line}\n{told}");
    assert!(words.iter().all(|word| told.contains(word)), "thalweg {line}\nexpected {words:?} in\n{told}");
    assert!(told.contains("fix:") || told.contains("For more information"), "thalweg {line}\n{told}");
}

#[test]
fn tables() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let good = good();
    let cell = |line: usize, from: &str, to: &str| {
        let lines: Vec<String> = good
            .lines()
            .enumerate()
            .map(|(i, text)| if i + 1 == line { text.replacen(from, to, 1) } else { text.into() })
            .collect();
        lines.join("\n")
    };
    let third = good.lines().nth(2).unwrap();
    let price = third.rsplit(',').next().unwrap();
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("empty.csv", b"".to_vec(), &["empty.csv: the file is empty"]),
        ("blank.csv", b"\n \n".to_vec(), &["blank.csv", "empty"]),
        ("header.csv", GOOD.into(), &["header.csv", "no rows"]),
        ("one_row.csv", format!("{GOOD}1,2,Ulm,3\n").into(), &["one_row.csv"]),
        ("one_class.csv", format!("a,class\n{}", "1,x\n2,x\n3,x\n".repeat(9)).into(), &["one_class.csv", "class"]),
        ("ragged.csv", cell(3, ",", ",9,").into(), &["ragged.csv, line 3", "found 5 fields, expected 4"]),
        ("short.csv", cell(5, ",", "").into(), &["short.csv, line 5", "found 3 fields, expected 4"]),
        ("quote.csv", cell(4, "Kiel", "\"Kiel").into(), &["quote.csv, line 4", "quote"]),
        ("twice.csv", good.replacen("rooms", "size", 1).into(), &["twice.csv, line 1", "\"size\" comes twice"]),
        ("unnamed.csv", good.replacen("rooms", "", 1).into(), &["unnamed.csv, line 1, column 2", "no name"]),
        ("nul.csv", cell(3, "Bonn", "Bo\0n").into(), &["nul.csv", "NUL"]),
        ("infinite.csv", cell(3, price, "inf").into(), &["infinite.csv, line 3"]),
        ("word.csv", cell(3, price, "abc").into(), &["word.csv, line 3, column \"price\"", "abc"]),
        (
            "no_target.csv",
            good.lines()
                .map(|l| l.rsplit_once(',').unwrap().0.to_string() + ",\n")
                .collect::<String>()
                .replacen(",\n", ",price\n", 1)
                .into(),
            &["no_target.csv"],
        ),
    ];
    for (name, text, words) in cases {
        std::fs::write(folder.join(name), text).unwrap();
        fails(folder, &format!("train {name} -q --epochs 1"), 3, words);
    }
    let mut latin = b"\xc3\xa4,b,class\n".to_vec();
    latin.extend(classes().lines().skip(1).flat_map(|l| format!("{l}\n").into_bytes()));
    latin.extend(b"1,\xff,x\n");
    std::fs::write(folder.join("broken.csv"), latin).unwrap();
    fails(folder, "train broken.csv -q", 3, &["broken.csv", "UTF-8"]);
    std::fs::write(folder.join("idx3-ubyte"), [0, 0, 8, 3, 0, 0, 0, 9]).unwrap();
    fails(folder, "train idx3-ubyte -q", 3, &["idx3-ubyte"]);
    std::fs::write(folder.join("x.npy"), b"\x93NUMPY\x01\x00").unwrap();
    fails(folder, "train x.npy -q", 3, &["x.npy"]);
    std::fs::write(folder.join("x.npz"), b"PK\x03\x04").unwrap();
    fails(folder, "train x.npz -q", 3, &["x.npz"]);
}

#[test]
fn names_and_options() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("good.csv"), good()).unwrap();
    std::fs::write(folder.join("classes.csv"), classes()).unwrap();
    std::fs::create_dir(folder.join("empty")).unwrap();
    std::fs::write(folder.join("file"), "x").unwrap();
    let train =
        |options: &str, code: i32, words: &[&str]| fails(folder, &format!("train good.csv -q {options}"), code, words);

    fails(folder, "train godo.csv -q", 3, &["godo.csv", "did you mean ./good.csv?"]);
    fails(folder, "train empty -q", 3, &["empty"]);
    fails(folder, "train sample:irsi -q", 2, &["did you mean \"iris\"?"]);
    fails(folder, "train sample:moons,rwos=9 -q", 2, &["did you mean \"rows\"?"]);
    fails(folder, "train -q", 2, &["no data is named"]);
    fails(folder, "trian good.csv", 2, &["trian"]);
    train("--optimizr adam", 2, &["--optimizer"]);
    train("--set train.sed=1", 2, &["unknown key \"train.sed\"", "seed"]);
    train("--set seed", 2, &["KEY=VALUE"]);
    train("--target pirce", 2, &["pirce", "price"]);
    train("--layers 0", 2, &["layers"]);
    train("--layers 99999999999", 2, &[]);
    train("--layers 16000000,16000000", 2, &[]);
    train("--learning-rate -1", 2, &["--learning-rate"]);
    train("--dropout 1", 2, &["--dropout"]);
    train("--dropout 0.1,0.2,0.3 --layers 4", 2, &["dropout"]);
    train("--epochs many", 2, &["--epochs", "many"]);
    train("--activation rleu", 2, &["did you mean \"relu\"?"]);
    train("--optimizer adma", 2, &["did you mean \"adam"]);
    train("--loss sqared", 2, &["did you mean \"squared\"?"]);
    train("--loss cross_entropy", 2, &["cross_entropy"]);
    train("--schedule cosin", 2, &["did you mean \"cosine\"?"]);
    train("--schedule manual", 2, &["rates"]);
    train("--init he_norml", 2, &["he_normal"]);
    train("--monitor accurcy", 2, &["did you mean \"accuracy\"?"]);
    train("--momentum-form corse", 2, &["course"]);
    train("--label-smoothing 0.1", 2, &["smoothing"]);
    train("--class-weights balanced", 2, &["class weights"]);
    train("--split 0.5,0.1,0.1", 2, &["split"]);
    train("--group nowhere", 2, &["nowhere"]);
    train("--weight nowhere", 2, &["nowhere"]);
    train("--quantiles 0.9,0.1", 2, &["--quantiles", "that rise"]);
    train("--quantiles 0.5 --loss huber", 2, &["train.loss", "pinball"]);
    train("--threshold 0.3", 2, &["--threshold", "regression"]);
    train("--threshold cost:FN=1", 2, &["--threshold", "the costs of FN and FP"]);
    train("--threshold yuden", 2, &["did you mean \"youden\"?"]);
    train("--encoding klingon", 2, &["klingon"]);
    train("--task binary", 3, &["binary"]);
    train("--config nowhere.toml", 2, &["nowhere.toml"]);
    train("-o file", 2, &["file"]);
    train("-o file/inside", 2, &["file"]);
    train("--optimizer gradient_descent --learning-rate 1e6 --epochs 50", 5, &["diverged", "--learning-rate"]);
    fails(folder, "predict run good.csv --precision bf61", 2, &["--precision", "did you mean \"bf16\"?"]);
    fails(folder, "train classes.csv -q --class-weights w=2", 2, &["\"w\""]);
    fails(folder, "resume empty", 2, &["empty"]);
    fails(folder, "check good.csv --epsilon-check 5", 2, &["--epsilon-check"]);

    for (name, text, words) in [
        ("key.toml", "[train]\nepoch = 3\n", ["line 2", "did you mean"]),
        ("kind.toml", "[train]\nepochs = \"x\"\n", ["line 2", "whole number"]),
        ("twice.toml", "[train]\nseed = 1\nseed = 2\n", ["line 3", "fix:"]),
        ("torn.toml", "[train\n", ["line 1", "fix:"]),
        ("section.toml", "[trian]\nseed = 1\n", ["line 1", "train"]),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
        train(&format!("--config {name}"), 2, &words);
    }
}

#[test]
fn models() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("good.csv"), good()).unwrap();
    std::fs::write(folder.join("classes.csv"), classes()).unwrap();
    for (data, out) in [("good.csv", "numbers"), ("classes.csv", "labels")] {
        let output = thalweg(folder, &["train", data, "-q", "--epochs", "2", "-o", out]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    fails(folder, "train good.csv -q -o numbers", 2, &["numbers"]);
    let limit = thalweg(folder, &["train", "good.csv", "-q", "--time-limit", "0.0001", "-o", "limited"]);
    assert_eq!(limit.status.code(), Some(6));
    assert!(folder.join("limited/model.safetensors").is_file());

    let mut bytes = std::fs::read(folder.join("numbers/model.safetensors")).unwrap();
    std::fs::write(folder.join("cut.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    bytes[200] ^= 1;
    std::fs::write(folder.join("flipped.safetensors"), &bytes).unwrap();
    for model in ["cut.safetensors", "flipped.safetensors", "good.csv", "nowhere"] {
        fails(folder, &format!("predict {model} good.csv"), 3, &[model]);
    }
    for (name, from, to, words) in [
        ("missing.csv", "rooms", "other", ["rooms", "fix:"]),
        ("renamed.csv", "rooms", "room", ["rooms", "room"]),
        ("text.csv", "50,1,Ulm", "abc,1,Ulm", ["line 2, column \"size\"", "abc"]),
    ] {
        std::fs::write(folder.join(name), good().replacen(from, to, 1)).unwrap();
        fails(folder, &format!("predict numbers {name}"), 3, &words);
    }
    fails(folder, "predict labels classes.csv --threshold 0.3", 2, &["--threshold", "multiclass"]);
    fails(folder, "predict numbers good.csv --intervals 1", 2, &["--intervals", "up to 0.999"]);
    fails(folder, "predict numbers good.csv --intervals 0.999", 2, &["999 dev rows", "--intervals 0."]);
    std::fs::write(folder.join("unseen.csv"), classes().replacen(",x\n", ",w\n", 1)).unwrap();
    fails(folder, "evaluate labels unseen.csv", 3, &["unseen.csv, line 2", "\"w\""]);
    fails(folder, "predict labels classes.csv -o nowhere/answers.csv", 2, &["nowhere/answers.csv"]);
}

#[test]
fn good_input_works_however_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("good.csv"), good()).unwrap();
    let output = thalweg(folder, &["train", "good.csv", "--json", "-q", "--epochs", "3", "-o", "run"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for field in
        ["run", "model", "task", "classes", "examples", "parameters", "epochs", "best_epoch", "seconds", "warnings"]
    {
        assert!(!summary[field].is_null(), "{field} is missing in {summary}");
    }
    assert!(summary["metrics"]["test"]["rmse"]["value"].is_number());

    // Columns in another order and without the target give the same answers.
    let turned: String = good()
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            format!("{},{},{}\n", fields[2], fields[0], fields[1])
        })
        .collect();
    std::fs::write(folder.join("turned.csv"), turned).unwrap();
    let answers = |data: &str| thalweg(folder, &["predict", "run", data]).stdout;
    let expected = answers("good.csv");
    assert!(expected.starts_with(b"prediction\n"));
    assert_eq!(answers("turned.csv"), expected);
    std::fs::write(folder.join("turned.csv"), good().replace(',', ";").replace('.', ",")).unwrap();
    assert_eq!(answers("turned.csv"), expected);
}

#[test]
#[cfg(unix)]
fn a_signal_stops_at_the_next_step_and_the_run_goes_on_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let train = |out: &str| {
        let line = ["train", "sample:digits", "-q", "--epochs", "60", "--patience", "0", "--layers", "32", "-o", out];
        let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
        command.args(line).current_dir(folder).stdout(std::process::Stdio::null());
        command
    };
    assert!(train("whole").status().unwrap().success());
    let bytes = |run: &str| std::fs::read(folder.join(run).join("model.safetensors")).unwrap();
    for (signal, code) in [("INT", Some(130)), ("TERM", Some(143)), ("KILL", None)] {
        let mut child = train(signal).spawn().unwrap();
        let checkpoint = folder.join(signal).join("checkpoint.safetensors");
        while !checkpoint.exists() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
        assert!(sent.success(), "the run ended before the signal");
        assert_eq!(child.wait().unwrap().code(), code, "{signal}");
        let resumed = thalweg(folder, &["resume", signal]);
        let told = String::from_utf8_lossy(&resumed.stderr);
        assert!(resumed.status.success() && told.contains("/60  cost"), "{signal}\n{told}");
        assert!(bytes(signal) == bytes("whole"), "{signal}: other bits");
    }
    fails(folder, "resume whole", 2, &["whole", "the run is finished after 60 epochs"]);
    for threads in ["1", "3"] {
        assert!(train(threads).args(["--threads", threads]).status().unwrap().success());
        assert!(bytes(threads) == bytes("whole"), "{threads} threads: other bits");
    }
}
