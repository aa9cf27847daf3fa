//! Every task and every way to split, weigh and train, from the command line, on tables small enough to learn at once.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A repeatable number from 0 to 1 for a row and a column (Steele's SplitMix64).
fn unit(row: usize, column: usize) -> f64 {
    let mut z = (row * 16 + column + 1) as u64;
    z = z.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// 400 rows of a and b, and whatever follows from them.
fn table(name: &str, answer: impl Fn(usize, f64, f64) -> String) -> String {
    let row = |i: usize| {
        let (a, b) = (unit(i, 0), unit(i, 1));
        format!("{a:.4},{b:.4},{}\n", answer(i, a, b))
    };
    format!("a,b,{name}\n") + &(0..400).map(row).collect::<String>()
}

fn classes() -> String {
    table("class", |_, a, b| if a + b > 1.0 { "high" } else { "low" }.into())
}

struct TestFolder(tempfile::TempDir);

impl TestFolder {
    fn new(file: &str, text: &str) -> TestFolder {
        let place = TestFolder(tempfile::tempdir().unwrap());
        place.write(file, text);
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path().join(file), text).unwrap();
    }

    fn thalweg(&self, line: &str) -> Output {
        let command = &mut Command::new(env!("CARGO_BIN_EXE_thalweg"));
        let output = command.args(line.split_whitespace()).current_dir(self.path()).output().unwrap();
        let expected = if line.contains("--time-limit") { 6 } else { 0 };
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(expected), "thalweg {line}\n{told}");
        output
    }

    /// Trains into the folder `run`, quickly unless the options say otherwise; gives the result.
    fn train(&self, options: &str) -> Value {
        let line = format!("train {options} -q --json -o run --layers 16 --batch-size 16 --learning-rate 0.02");
        let with =
            |flag: &str, text: &str| if options.contains(flag) { String::new() } else { format!(" {flag} {text}") };
        let output = self.thalweg(&(line + &with("--epochs", "40")));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn answers(&self, options: &str) -> Vec<Vec<String>> {
        let text = String::from_utf8(self.thalweg(&format!("predict run {options}")).stdout).unwrap();
        text.lines().map(|line| line.split(',').map(String::from).collect()).collect()
    }
}

fn metric(result: &Value, part: &str, name: &str) -> f64 {
    result["metrics"][part][name]["value"].as_f64().unwrap_or_else(|| panic!("no {part} {name} in {result}"))
}

fn decided(result: &Value, what: &str) -> bool {
    result["decisions"].as_array().unwrap().iter().any(|decision| decision["what"].as_str().unwrap().contains(what))
}

#[test]
fn probabilities_read_back_as_they_are() {
    let place = TestFolder::new("t.csv", &classes());
    place.train("t.csv");
    let lines = String::from_utf8(place.thalweg("predict run t.csv --format jsonl").stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    for (csv, json) in place.answers("t.csv")[1..].iter().zip(lines) {
        let of = |column: usize| csv[column].parse::<f64>().unwrap();
        assert_eq!((Some(of(1)), Some(of(2))), (json["probability_high"].as_f64(), json["probability_low"].as_f64()));
        assert_eq!(of(1) + of(2), 1.0);
    }
}

#[test]
fn gates_are_kept_or_the_exit_code_is_4() {
    let place = TestFolder::new("t.csv", &classes());
    place.train("t.csv");
    let evaluate = |gates: &[&str]| {
        let command = &mut Command::new(env!("CARGO_BIN_EXE_thalweg"));
        let gates = gates.iter().flat_map(|gate| ["--gate", gate]);
        let output =
            command.args(["evaluate", "run", "t.csv", "--json"]).args(gates).current_dir(place.path()).output();
        let output = output.unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), serde_json::from_slice::<Value>(&output.stdout).ok(), told)
    };
    let (code, result, told) = evaluate(&["accuracy>=0.5", "log_loss.high < 2"]);
    let passed = serde_json::json!([true, true]);
    let of = |result: &Option<Value>, key: &str| -> Value {
        result.as_ref().unwrap()["gates"].as_array().unwrap().iter().map(|gate| gate[key].clone()).collect()
    };
    assert_eq!((code, of(&result, "passed"), told.as_str()), (0, passed, ""));
    let (code, result, told) = evaluate(&["accuracy>1", "accuracy.low>=0.5", "ece<0"]);
    assert_eq!((code, of(&result, "passed")), (4, serde_json::json!([false, true, false])));
    assert_eq!(of(&result, "gate"), serde_json::json!(["accuracy>1", "accuracy.low>=0.5", "ece<0"]));
    assert!(told.contains("expected accuracy>1\n") && told.contains("expected ece<0\n"), "{told}");
    let (code, result, told) = evaluate(&["acuracy>0.5"]);
    assert!(code == 2 && result.is_none() && told.contains("did you mean \"accuracy\"?"), "{told}");
}

#[test]
fn several_labels_in_a_cell() {
    let labels = |_: usize, a: f64, b: f64| {
        let names = [("wide", a > 0.5), ("tall", b > 0.5)];
        names.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect::<Vec<_>>().join(";")
    };
    let place = TestFolder::new("t.csv", &table("tags", labels));
    let result = place.train("t.csv --task multilabel --missing none");
    assert!(metric(&result, "test", "roc_auc") > 0.97, "{result}");
    let answers = place.answers("t.csv --missing none");
    assert_eq!(answers[0], ["prediction", "probability_tall", "probability_wide"]);
    assert!(answers.iter().any(|row| row[0] == "tall;wide") && answers.iter().any(|row| row[0] == "wide"));
}

#[test]
fn several_columns_of_labels() {
    let text = table("wide,tall", |_, a, b| format!("{},{}", u8::from(a > 0.5), u8::from(b > 0.5)));
    let place = TestFolder::new("t.csv", &text);
    let result = place.train("t.csv --target wide,tall");
    assert!(metric(&result, "test", "roc_auc") > 0.97, "{result}");
    assert_eq!(place.answers("t.csv")[0][..2], ["prediction_wide", "prediction_tall"]);
}

#[test]
fn several_numbers() {
    let text = table("sum,difference", |_, a, b| format!("{:.4},{:.4}", 100.0 * (a + b), a - b));
    let place = TestFolder::new("t.csv", &text);
    let result = place.train("t.csv --target sum,difference");
    assert!(metric(&result, "test", "r2") > 0.97, "{result}");
    let answers = place.answers("t.csv");
    assert_eq!(answers[0], ["prediction_sum", "prediction_difference"]);
    let errors = text.lines().zip(&answers).skip(1).map(|(line, answer)| {
        let sum: f64 = line.split(',').nth(2).unwrap().parse().unwrap();
        (answer[0].parse::<f64>().unwrap() - sum).abs()
    });
    assert!(errors.sum::<f64>() / 400.0 < 5.0, "answers are in the units of their own columns");
}

#[test]
fn one_task_instead_of_another() {
    let place = TestFolder::new("t.csv", &table("grade", |_, a, b| format!("{}", ((a + b) * 2.0) as u8)));
    assert_eq!(place.train("t.csv --task multiclass")["task"], "multiclass");
    std::fs::remove_dir_all(place.path().join("run")).unwrap();
    assert_eq!(place.train("t.csv --task regression")["task"], "regression");
}

#[test]
fn groups_stay_together_and_the_latest_rows_are_the_test() {
    let text = table("group,day,class", |i, a, b| {
        format!("g{},2024-{:02}-{:02},{}", i % 20, 1 + i / 40, 1 + i % 28, if a + b > 1.0 { "high" } else { "low" })
    });
    let place = TestFolder::new("t.csv", &text);
    let parts = |result: &Value| ["train", "dev", "test"].map(|part| result["examples"][part].as_u64().unwrap());
    let grouped = place.train("t.csv --target class --group group");
    assert!(parts(&grouped).iter().all(|rows| rows % 20 == 0), "whole groups of 20 rows: {grouped}");
    std::fs::remove_dir_all(place.path().join("run")).unwrap();
    let timed = place.train("t.csv --target class --time day --ignore group");
    assert_eq!(parts(&timed), [240, 80, 80]);
}

#[test]
fn parts_in_files_of_their_own() {
    let place = TestFolder::new("t.csv", &classes());
    let lines: Vec<&str> = "a,b,class|0.1,0.2,low|0.9,0.8,high|0.7,0.9,high|0.2,0.1,low".split('|').collect();
    place.write("dev.csv", &lines.join("\n"));
    place.write("test.csv", &lines[..3].join("\n"));
    let result = place.train("t.csv --dev dev.csv --test test.csv");
    let parts = ["train", "dev", "test"].map(|part| result["examples"][part].as_u64().unwrap());
    assert_eq!(parts, [400, 4, 2]);
    assert_eq!(metric(&result, "test", "accuracy"), 1.0);
    assert!(!decided(&result, "rows split"), "{result}");
    std::fs::remove_dir_all(place.path().join("run")).unwrap();
    assert!(decided(&place.train("t.csv --test test.csv"), "rows split 80/20 % into train and dev"));
}

#[test]
fn rows_of_no_weight_are_not_learned() {
    // Half of the rows lie, and weigh nothing.
    let text = table("weight,class", |i, a, b| {
        let high = (a + b > 1.0) == i.is_multiple_of(2);
        format!("{},{}", u8::from(i.is_multiple_of(2)), if high { "high" } else { "low" })
    });
    let place = TestFolder::new("t.csv", &text);
    let result = place.train("t.csv --weight weight");
    assert!(metric(&result, "test", "accuracy") > 0.9, "{result}");
}

#[test]
fn balanced_classes_find_the_rare_one() {
    // Where a is large, chance makes three rows in ten rare: never the likelier answer, but ten times likelier than elsewhere.
    let text = table("class", |i, a, _| if a > 0.6 && unit(i, 7) < 0.3 { "rare" } else { "common" }.into());
    let place = TestFolder::new("t.csv", &text);
    let rare = |place: &TestFolder| place.answers("t.csv").iter().filter(|row| row[0] == "rare").count();
    place.train("t.csv");
    let plain = rare(&place);
    std::fs::remove_dir_all(place.path().join("run")).unwrap();
    place.train("t.csv --class-weights balanced");
    let balanced = rare(&place);
    assert!(plain < 40 && balanced > 100, "plain {plain}, balanced {balanced}");
}

#[test]
fn the_ways_to_train_all_learn() {
    let place = TestFolder::new("t.csv", &classes());
    for options in [
        "--average 0.9",
        "--full-batch-epochs 5",
        "--clip-norm 0.5",
        "--clip-value 0.1",
        "--batch-norm",
        "--l2 0.1",
        "--schedule one_cycle --warm-up 2",
        "--schedule plateau --decay 0.5 --decay-every 3",
        "--schedule coslog",
        "--number-embedding periodic",
        "--parametrization ntk",
        "--optimizer nesterov",
        "--optimizer rmsprop",
        "--precision f64",
        "--precision bf16",
        "--precision bf16x6",
        "--class-weights high=2,low=1",
    ] {
        let result = place.train(&format!("t.csv {options}"));
        assert!(metric(&result, "test", "accuracy") > 0.9, "{options}: {result}");
        std::fs::remove_dir_all(place.path().join("run")).unwrap();
    }
    place.write("three.csv", &table("class", |_, a, _| ["low", "middle", "high"][(a * 2.99) as usize].into()));
    let result = place.train("three.csv --label-smoothing 0.1");
    assert!(metric(&result, "test", "accuracy") > 0.9, "{result}");
}

#[test]
fn a_model_answers_nearly_alike_in_bf16() {
    let place = TestFolder::new("t.csv", &classes());
    place.thalweg("train t.csv -q -o run --layers 32,32 --epochs 20 --batch-size 16");
    let probabilities = |options: &str| -> Vec<f64> {
        let answers = place.answers(&format!("t.csv {options}"));
        answers[1..].iter().map(|row| row[2].parse().unwrap()).collect()
    };
    let exact = probabilities("");
    let told = place.thalweg("predict run t.csv --precision bf16").stderr;
    let in_bf16 = String::from_utf8(told).unwrap().contains("prediction multiplies bf16 numbers");
    for (precision, tolerance) in [("f32", 0.0), ("bf16x6", 5e-6), ("bf16x3", 1e-3), ("bf16", 0.05)] {
        let found = probabilities(&format!("--precision {precision}"));
        let furthest = exact.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(furthest <= tolerance, "{precision}: {furthest}");
        assert!(precision != "bf16" || (furthest > 0.0) == in_bf16, "{furthest}");
    }
    let accuracy = |options: &str| {
        let output = place.thalweg(&format!("evaluate run t.csv --json {options}"));
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        result["metrics"]["accuracy"]["value"].as_f64().unwrap()
    };
    assert!((accuracy("") - accuracy("--precision bf16")).abs() < 0.02);
}

#[test]
fn the_time_limit_is_kept() {
    let place = TestFolder::new("t.csv", &classes());
    let start = std::time::Instant::now();
    let result = place.train("t.csv --epochs 10000000 --patience 0 --time-limit 0.5");
    assert!(start.elapsed().as_secs_f64() < 5.0);
    assert!(result["epochs"].as_u64().unwrap() > 1 && metric(&result, "test", "accuracy") > 0.9, "{result}");
    // The rate falls in time, not by the epochs that never come.
    let log = std::fs::read_to_string(place.path().join("run/events.jsonl")).unwrap();
    let events = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let rates: Vec<f64> =
        events.filter(|event| event["event"] == "epoch_ended").filter_map(|e| e["learning_rate"].as_f64()).collect();
    assert!(*rates.last().unwrap() < 0.5 * rates[0], "{rates:?}");
}

#[test]
fn the_best_epoch_is_looked_for_where_it_is_asked_for() {
    let place = TestFolder::new("t.csv", &classes());
    let late = |options: &str| {
        let result = place.train(&format!("t.csv --epochs 60 --patience 1 {options}"));
        std::fs::remove_dir_all(place.path().join("run")).unwrap();
        (result["best_epoch"].as_u64().unwrap(), result["epochs"].as_u64().unwrap())
    };
    let (best, epochs) = late("--schedule constant");
    assert!(best < 20 && epochs < 20, "patience is soon at its end: {best} of {epochs}");
    let (best, epochs) = late("--schedule constant --best-from 25");
    assert!(best >= 25 && epochs >= best, "{best} of {epochs}");
}

#[test]
fn a_cost_that_blows_up_and_stays_finite_is_told() {
    let place = TestFolder::new("t.csv", &table("y", |_, a, b| format!("{}", a - b)));
    let output =
        place.thalweg("train t.csv -q --recipe course --batch-size 1 --layers none --learning-rate 0.8 --epochs 1");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("training has blown up") && told.contains("lower --learning-rate (now 0.8)"), "{told}");
    assert_eq!(told.matches("blown up").count(), 1, "{told}");
}

#[test]
fn unknown_instructions_are_refused() {
    let place = TestFolder::new("t.csv", &classes());
    let command = &mut Command::new(env!("CARGO_BIN_EXE_thalweg"));
    let command = command.args(["train", "t.csv", "--epochs", "1"]).current_dir(place.path());
    let output = command.env("THALWEG_KERNEL", "avx").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("THALWEG_KERNEL: found \"avx\""));
}

#[test]
fn a_file_without_a_header_needs_its_names_once() {
    let bare: String = classes().lines().skip(1).map(|line| format!("{line}\n")).collect();
    let place = TestFolder::new("t.csv", &bare);
    place.train("t.csv --names a,b,class");
    let answers = place.answers("t.csv");
    assert_eq!(answers.len(), 401);
    let right = bare.lines().zip(&answers[1..]).filter(|(line, answer)| line.ends_with(&answer[0])).count();
    assert!(right > 360, "{right} of 400 right");
    let told = String::from_utf8(place.thalweg("predict run t.csv").stderr).unwrap();
    assert!(told.contains("columns are called as in the training data"), "{told}");

    let inputs: String = bare.lines().map(|line| format!("{}\n", line.rsplit_once(',').unwrap().0)).collect();
    place.write("inputs.csv", &inputs);
    assert_eq!(place.answers("inputs.csv"), answers);
    place.write("named.csv", &format!("b,a\n{}", "0.1,0.2\n0.9,0.8\n"));
    assert_eq!(place.answers("named.csv")[1][0], "low");
    place.thalweg("evaluate run t.csv");
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_file_is_predicted_in_little_memory() {
    let place = TestFolder::new("t.csv", &classes());
    place.train("t.csv");
    let rows: String = (0..10_000).map(|i| format!("{:.14},{:.14}\n", unit(i, 0), unit(i, 1))).collect();
    place.write("long.csv", &("a,b\n".to_string() + &rows.repeat(100)));
    let command = &mut Command::new(env!("CARGO_BIN_EXE_thalweg"));
    let command = command.args(["predict", "run", "long.csv", "-o", "answers.csv"]).current_dir(place.path());
    let mut child = command.spawn().unwrap();
    // Its own memory in KiB: how much of the program's file is mapped is the system's choice.
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("RssAnon:"));
        peak = line.map_or(peak, |line| line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap().max(peak));
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(child.wait().unwrap().success());
    let answers = std::fs::read_to_string(place.path().join("answers.csv")).unwrap();
    assert_eq!(answers.lines().count(), 1_000_001);
    assert!((1_000..16_000).contains(&peak), "a file of 34 MB took {peak} KiB");
}

#[test]
fn every_decision_names_options_that_the_command_has() {
    let help = String::from_utf8(TestFolder::new("t", "").thalweg("train --help").stdout).unwrap();
    let place = TestFolder::new("t.csv", &classes());
    place.write(
        "n.csv",
        &table("n", |i, a, _| format!("{}", (a * 9.0) as usize + i % 2)).replace(',', ";").replace('.', ","),
    );
    let mut seen = std::collections::BTreeSet::new();
    for options in
        ["t.csv", "t.csv --recipe course", "n.csv", "sample:digits --epochs 1", "sample:wine-quality --epochs 1"]
    {
        let output = place.thalweg(&format!("train {options} --dry-run --json"));
        let preview: Value = serde_json::from_slice(&output.stdout).unwrap();
        for decision in preview["decisions"].as_array().unwrap() {
            let flag = decision["flag"].as_str().unwrap();
            for name in flag.split([' ', ',', '=']).filter(|word| word.starts_with("--")) {
                assert!(help.contains(&format!("{name} ")) || help.contains(&format!("{name}[")), "{decision}");
                seen.insert(name.to_string());
            }
        }
    }
    assert!(decided(
        &serde_json::from_slice(&place.thalweg("train t.csv --dry-run --json").stdout).unwrap(),
        "schedule"
    ));
    assert!(seen.len() >= 8, "{seen:?}");
}

#[test]
fn a_table_is_trained_from_disk() {
    let place = TestFolder::new("t.csv", &classes());
    let models = ["--threads 1", "--threads 2", "--threads 3"].map(|options| {
        let result = place.train(&format!("t.csv --from-disk {options}"));
        assert!(metric(&result, "test", "accuracy") > 0.9, "{result}");
        let model = std::fs::read(place.path().join("run/model.safetensors")).unwrap();
        std::fs::remove_dir_all(place.path().join("run")).unwrap();
        model
    });
    assert!(models[0] == models[1] && models[0] == models[2], "threads change the model");
    for (options, words) in [
        ("--group a", "--group needs all rows at once"),
        ("--full-batch-epochs 2", "a batch of all rows needs them in memory"),
        ("--cache nowhere", "nowhere"),
    ] {
        let line = format!("train t.csv --from-disk -o run {options}");
        let command = &mut Command::new(env!("CARGO_BIN_EXE_thalweg"));
        let refused = command.args(line.split_whitespace()).current_dir(place.path()).output().unwrap();
        let told = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && told.contains(words), "{options}: {told}");
        assert!(!place.path().join("run").exists(), "{options}");
    }
}

/// Images of a line, down or across, as IDX files.
fn lines(place: &TestFolder, examples: usize) {
    let labels: Vec<u8> = (0..examples).map(|i| u8::from(unit(i, 0) > 0.5)).collect();
    let image = |(i, &across): (usize, &u8)| {
        let at = (unit(i, 1) * 8.0) as usize;
        (0..64).map(move |p| if (if across == 1 { p / 8 } else { p % 8 }) == at { 200 + (p % 50) as u8 } else { 9 })
    };
    let pixels: Vec<u8> = labels.iter().enumerate().flat_map(image).collect();
    let count = (examples as u32).to_be_bytes();
    let header = [&[0, 0, 8, 3], &count[..], &[0, 0, 0, 8, 0, 0, 0, 8]].concat();
    std::fs::write(place.path().join("train-images-idx3-ubyte"), [header, pixels].concat()).unwrap();
    std::fs::write(place.path().join("train-labels-idx1-ubyte"), [&[0, 0, 8, 1], &count[..], &labels].concat())
        .unwrap();
}

#[test]
fn a_network_of_convolutions_learns_lines() {
    let network = r#"
        [[network.layer]]
        kind = "conv2d"
        filters = 4
        kernel = 3
        bias = false

        [[network.layer]]
        kind = "batch_norm"

        [[network.layer]]
        kind = "activation"
        activation = "relu"

        [[network.layer]]
        kind = "pool2d"
        take = "max"
        size = 2

        [[network.layer]]
        kind = "conv2d"
        filters = 8
        kernel = [3, 3]
        stride = 2
        activation = "tanh"

        [[network.layer]]
        kind = "pool2d"
        take = "average"
    "#;
    let place = TestFolder::new("network.toml", network);
    lines(&place, 300);
    let options = "train-images-idx3-ubyte --config network.toml --epochs 12 --batch-size 16 --learning-rate 0.01";
    let output = place.thalweg(&format!("train {options} -q --json -o run"));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(metric(&result, "test", "accuracy") > 0.95, "{result}");
    let told = String::from_utf8(place.thalweg("evaluate run train-images-idx3-ubyte").stdout).unwrap();
    assert!(told.contains("accuracy"), "{told}");
    let told = String::from_utf8(place.thalweg(&format!("check {options}")).stdout).unwrap();
    assert!(told.contains("every gradient agrees"), "{told}");
    let told = String::from_utf8(place.thalweg("inspect run").stdout).unwrap();
    assert!(told.contains("conv 3×3/2, 8 filters, tanh") && told.contains("average pool of the whole image"), "{told}");
}

#[test]
fn images_to_be_answered_need_no_labels() {
    let place = TestFolder::new("notes.txt", "");
    lines(&place, 100);
    place.thalweg("train train-images-idx3-ubyte --layers 8 --epochs 2 -q -o run");
    let told = String::from_utf8(place.thalweg("predict run train-images-idx3-ubyte").stdout).unwrap();
    assert_eq!(told.lines().count(), 101, "{told}");
    std::fs::remove_file(place.path().join("train-labels-idx1-ubyte")).unwrap();
    let alone = String::from_utf8(place.thalweg("predict run train-images-idx3-ubyte").stdout).unwrap();
    assert_eq!(alone, told);
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
    let refused =
        command.args(["evaluate", "run", "train-images-idx3-ubyte"]).current_dir(place.path()).output().unwrap();
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(3) && told.contains("no labels file"), "{told}");
}

#[test]
fn short_help_shows_what_most_people_use_and_long_help_all() {
    let place = TestFolder::new("t", "");
    let flags = |line: &str| {
        let help = String::from_utf8(place.thalweg(line).stdout).unwrap();
        help.lines().filter(|line| line.trim_start().starts_with('-')).count()
    };
    for verb in ["train", "tune", "check"] {
        let (short, long) = (flags(&format!("{verb} -h")), flags(&format!("{verb} --help")));
        assert!((20..=33).contains(&short) && long > 60, "{verb}: {short} and {long} options");
    }
    let short = String::from_utf8(place.thalweg("train -h").stdout).unwrap();
    assert!(short.contains("--learning-rate") && !short.contains("--epsilon-placement"), "{short}");
    assert!(short.contains("see more with '--help'"), "{short}");
}

#[test]
fn completions_and_the_manual_know_every_verb_and_option() {
    let place = TestFolder::new("t", "");
    let text = |line: &str| String::from_utf8(place.thalweg(line).stdout).unwrap();
    for (shell, begins) in [("bash", "_thalweg()"), ("zsh", "#compdef thalweg"), ("fish", "# Print an optspec")] {
        let script = text(&format!("completions {shell}"));
        assert!(script.starts_with(begins), "{shell}: {}", &script[..80]);
        assert!(script.contains("learning-rate") && script.contains("lr-find"), "{shell}");
    }
    let refused = Command::new(env!("CARGO_BIN_EXE_thalweg")).args(["completions", "tcsh"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let manual = text("man");
    assert!(manual.contains(".TH thalweg 1") && manual.contains(".SH THALWEG TRAIN"), "{}", &manual[..200]);
    assert!(manual.contains("learning\\-rate"));
}

#[test]
fn a_threshold_is_chosen_on_dev_and_replaced_at_use() {
    // High is rare, and often not where it seems to be.
    let rare = |i: usize, a: f64, b: f64| if a + b + 0.6 * unit(i, 5) > 1.7 { "high" } else { "calm" }.into();
    let place = TestFolder::new("t.csv", &table("class", rare));
    let result = place.train("t.csv --threshold cost:FN=20,FP=1");
    let threshold = result["thresholds"][0].as_f64().unwrap();
    assert!(threshold > 0.0 && threshold < 0.5, "{result}");
    let what = format!("\"high\" is predicted from a probability of {threshold} on");
    assert!(decided(&result, &what), "{result}");
    let found = |options: &str| {
        let answers = place.answers(&format!("t.csv {options}"));
        let high = answers[0].iter().position(|name| name == "probability_high").unwrap();
        answers[1..].iter().map(|row| (row[0] == "high", row[high].parse().unwrap())).collect::<Vec<(bool, f64)>>()
    };
    // Probabilities are printed with six digits.
    let as_told = |threshold: f64, answers: Vec<(bool, f64)>| {
        answers.iter().all(|(high, p)| *high == (*p >= threshold) || (p - threshold).abs() < 1e-6)
            && answers.iter().any(|(high, _)| *high)
    };
    assert!(as_told(threshold, found("")));
    assert!(as_told(0.5, found("--threshold 0.5")));
    assert!(found("--threshold 0").iter().all(|(high, _)| *high));

    let accuracy = |options: &str| -> f64 {
        let output = place.thalweg(&format!("evaluate run t.csv --json {options}")).stdout;
        serde_json::from_slice::<Value>(&output).unwrap()["metrics"]["accuracy"]["value"].as_f64().unwrap()
    };
    let truth: Vec<bool> = (0..400).map(|i| rare(i, unit(i, 0), unit(i, 1)) == "high").collect();
    let share = |answers: Vec<(bool, f64)>| {
        answers.iter().zip(&truth).filter(|((high, _), truth)| high == *truth).count() as f64 / 400.0
    };
    assert_eq!(accuracy(""), share(found("")));
    assert_eq!(accuracy("--threshold 0.5"), share(found("--threshold 0.5")));
    let page = std::fs::read_to_string(place.path().join("run/report.html")).unwrap();
    assert!(page.contains("At other thresholds") && page.contains("Cost of a row by threshold"));
}

#[test]
fn each_label_has_a_threshold_of_its_own() {
    let text = table("wide,tall", |i, a, b| {
        format!("{},{}", u8::from(a + 0.5 * unit(i, 5) > 1.1), u8::from(b + 0.5 * unit(i, 6) > 0.4))
    });
    let place = TestFolder::new("t.csv", &text);
    let result = place.train("t.csv --target wide,tall --threshold f1");
    let thresholds = result["thresholds"].as_array().unwrap();
    assert!(thresholds.len() == 2 && thresholds[0] != thresholds[1], "{result}");
    assert!(decided(&result, "\"wide\" is predicted") && decided(&result, "\"tall\" is predicted"));
}

#[test]
fn intervals_cover_as_many_rows_as_are_asked_for() {
    let noisy = |i: usize, a: f64, b: f64| (3.0 * a - b + unit(i, 5) + unit(i, 6)).to_string();
    let place = TestFolder::new("t.csv", &table("y", noisy));
    let result = place.train("t.csv --task regression --split 0.4,0.3,0.3");
    let coverage = &result["coverage"][0];
    assert_eq!((coverage["target"].as_str(), coverage["level"].as_f64()), (Some("y"), Some(0.9)));
    // 0.9 ± 4 standard deviations of a share of 120 rows, which follows 120 others.
    let covered = coverage["covered"]["value"].as_f64().unwrap();
    assert!((covered - 0.9).abs() < 4.0 * (2.0 * 0.09_f64 / 120.0).sqrt(), "{result}");

    let plain = place.answers("t.csv");
    assert_eq!(plain[0], ["prediction"]);
    let rows = place.answers("t.csv --intervals 0.8");
    assert_eq!(rows[0], ["prediction", "low", "high"]);
    let held = rows[1..].iter().enumerate().filter(|(i, row)| {
        let [prediction, low, high] = [0, 1, 2].map(|column| row[column].parse::<f64>().unwrap());
        assert!((prediction - (low + high) / 2.0).abs() < 1e-9 && low < high && row[0] == plain[i + 1][0]);
        let truth: f64 = noisy(*i, unit(*i, 0), unit(*i, 1)).parse().unwrap();
        (low..=high).contains(&truth)
    });
    assert!((held.count() as f64 / 400.0 - 0.8).abs() < 0.15);
    let output = place.thalweg("evaluate run t.csv --json --intervals 0.8").stdout;
    let measured: Value = serde_json::from_slice(&output).unwrap();
    let width = rows[1][2].parse::<f64>().unwrap() - rows[1][1].parse::<f64>().unwrap();
    assert!((measured["coverage"][0]["width"].as_f64().unwrap() - width).abs() < 1e-9, "{measured}");
    assert!(std::fs::read_to_string(place.path().join("run/report.html")).unwrap().contains("Prediction intervals"));
}

#[test]
fn classes_have_sets() {
    let place = TestFolder::new("t.csv", &classes());
    place.train("t.csv");
    let rows = place.answers("t.csv --intervals 0.95");
    assert_eq!(rows[0], ["prediction", "probability_high", "probability_low", "set"]);
    assert!(rows[1..].iter().all(|row| ["", "high", "low", "high;low"].contains(&row[3].as_str())));
    let holds = |(i, row): &(usize, &Vec<String>)| {
        let truth = if unit(*i, 0) + unit(*i, 1) > 1.0 { "high" } else { "low" };
        row[3].split(';').any(|class| class == truth)
    };
    assert!(rows[1..].iter().enumerate().filter(holds).count() > 340);
}

#[test]
fn quantiles_are_predicted_in_order_and_calibrated() {
    // From 2a the truth is off by up to a·b.
    let noisy = |i: usize, a: f64, b: f64| (2.0 * a + a * b * (unit(i, 5) - 0.5)).to_string();
    let place = TestFolder::new("t.csv", &table("y", noisy));
    let result = place.train("t.csv --task regression --quantiles 0.1,0.5,0.9 --split 0.4,0.3,0.3");
    for name in ["pinball_0.1", "pinball_0.5", "pinball_0.9", "coverage", "rmse"] {
        assert!(metric(&result, "test", name) > 0.0, "{result}");
    }
    let rows = place.answers("t.csv --intervals 0.9");
    assert_eq!(rows[0], ["prediction", "quantile_0.1", "quantile_0.5", "quantile_0.9", "low", "high"]);
    let mut widths = Vec::new();
    let held = rows[1..].iter().enumerate().filter(|(i, row)| {
        let numbers: Vec<f64> = row.iter().map(|cell| cell.parse().unwrap()).collect();
        let [prediction, low, median, high, below, above] = numbers[..] else { panic!("{row:?}") };
        assert!(prediction == median && low <= median && median <= high, "{row:?}");
        widths.push(above - below);
        let truth: f64 = noisy(*i, unit(*i, 0), unit(*i, 1)).parse().unwrap();
        (below..=above).contains(&truth)
    });
    assert!((held.count() as f64 / 400.0 - 0.9).abs() < 0.1);
    widths.sort_by(f64::total_cmp);
    // The noise differs from row to row, and so do the intervals.
    assert!(widths[300] > 1.2 * widths[100], "{widths:?}");
}
