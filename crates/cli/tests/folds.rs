//! `thalweg train --folds` and `--seeds`, and `thalweg suspects`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::command;

/// A folder with a table `t.csv`, line 2 its first row: two numbers tell which of three classes it is.
struct TestFolder(tempfile::TempDir);

const QUICK: &str = "-q --layers 8 --epochs 8 --learning-rate 0.03 --importance=false";

fn line(i: usize) -> String {
    let (x, y) = (i * 37 % 101, i * 53 % 97);
    let class = if x > 60 { "far" } else { ["near", "high"][usize::from(y > 55)] };
    format!("{x},{y},{class}\n")
}

impl TestFolder {
    fn new() -> TestFolder {
        let place = TestFolder(tempfile::tempdir().unwrap());
        place.write("t.csv", &(String::from("x,z,answer\n") + &(0..240).map(line).collect::<String>()));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn ok(&self, line: &str) -> String {
        command::ok(self.0.path(), line)
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.ok(line)).unwrap()
    }

    fn error(&self, line: &str) -> String {
        let output = command::run(self.0.path(), line);
        assert_ne!(output.status.code(), Some(0), "thalweg {line}");
        String::from_utf8(output.stderr).unwrap()
    }
}

#[test]
fn every_row_is_answered_by_the_run_that_was_not_trained_on_it() {
    let place = TestFolder::new();
    let found = place.json(&format!("train t.csv --folds 3 -o s --json {QUICK}"));
    assert_eq!((found["folds"].as_u64(), found["runs"].as_array().unwrap().len()), (Some(3), 3));
    let told: Value = serde_json::from_str(&place.read("s/folds.json")).unwrap();
    assert_eq!(told["metrics"], found["metrics"]);

    let answers = place.read("s/out_of_fold.csv");
    let mut rows = answers.lines();
    assert_eq!(rows.next().unwrap(), "line,fold,target,prediction,probability_far,probability_high,probability_near");
    let predicted: Vec<Vec<String>> = (0..3)
        .map(|fold| place.ok(&format!("predict s/folds/{fold} t.csv")).lines().skip(1).map(String::from).collect())
        .collect();
    let mut correct: BTreeMap<usize, Vec<bool>> = BTreeMap::new();
    let mut count = 0;
    for (i, row) in rows.enumerate() {
        let cells: Vec<&str> = row.splitn(4, ',').collect();
        assert_eq!(cells[0], (i + 2).to_string(), "in the order of the data");
        assert_eq!(cells[2], line(i).trim().rsplit(',').next().unwrap());
        let fold: usize = cells[1].parse().unwrap();
        assert_eq!(cells[3], predicted[fold][i], "as predict writes it");
        correct.entry(fold).or_default().push(cells[3].split(',').next() == Some(cells[2]));
        count += 1;
    }
    assert_eq!(count, 240);
    let share = |fold: &Vec<bool>| fold.iter().filter(|correct| **correct).count() as f64 / fold.len() as f64;
    let shares: Vec<f64> = correct.values().map(share).collect();
    let mean = shares.iter().sum::<f64>() / 3.0;
    let deviation = (shares.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
    let accuracy = &found["metrics"]["accuracy"];
    assert!((accuracy["mean"].as_f64().unwrap() - mean).abs() < 1e-12, "{accuracy}, not {mean}");
    assert!((accuracy["spread"].as_f64().unwrap() - deviation).abs() < 1e-12, "{accuracy}, not {deviation}");

    // One of them is an ordinary run with a part of its own, and one model of the same options another.
    let (config, run) =
        (place.read("s/folds/1/config.toml"), place.ok(&format!("train t.csv --test-fold 1,3 -o r {QUICK}")));
    assert!(config.contains("test_fold = [1, 3]") && run.contains("accuracy"), "{config}\n{run}");
    assert_eq!(
        place.ok("predict r t.csv"),
        place.ok("predict s/folds/1 t.csv"),
        "the run with this fold as test, by itself"
    );
    assert!(place.read("s/report.html").contains("Test accuracy"));
    assert!(place.ok("train --config s/config.toml -o one -q").contains("accuracy"));
}

#[test]
fn finished_runs_are_not_trained_again() {
    let place = TestFolder::new();
    let line = format!("train t.csv --folds 3 -o s {QUICK}");
    place.ok(&line);
    let (summary, answers) = (place.read("s/folds.json"), place.read("s/out_of_fold.csv"));
    assert!(place.error(&line).contains("there is something in this folder already"));
    assert!(place.error("resume s").contains("the series is finished"));
    // As if it was killed before the last fold.
    std::fs::remove_dir_all(place.path("s/folds/2")).unwrap();
    std::fs::remove_file(place.path("s/out_of_fold.csv")).unwrap();
    place.write("s/folds.json", &summary.replace("\"complete\": true", "\"complete\": false"));
    let written = || std::fs::metadata(place.path("s/folds/0/model.safetensors")).unwrap().modified().unwrap();
    let before = written();
    for again in ["resume s -q", &line] {
        place.ok(again);
        let seconds = |text: &str| text.lines().filter(|line| !line.contains("seconds")).collect::<Vec<_>>().join("\n");
        assert_eq!(
            (seconds(&place.read("s/folds.json")), place.read("s/out_of_fold.csv")),
            (seconds(&summary), answers.clone())
        );
        assert_eq!(written(), before);
        std::fs::remove_dir_all(place.path("s/folds/1")).unwrap();
        place.write("s/folds.json", &summary.replace("\"complete\": true", "\"complete\": false"));
    }
    let told = place.error(&format!("train t.csv --folds 4 -o s {QUICK}"));
    assert!(told.contains("there is something in this folder already"), "{told}");
    assert!(place.error(&format!("train t.csv -o s {QUICK}")).contains("there is something in this folder already"));
}

#[test]
fn seeds_share_their_test_rows() {
    let place = TestFolder::new();
    let found = place.json(&format!("train t.csv --seeds 3 --seed 7 -o s --json {QUICK}"));
    let runs = found["runs"].as_array().unwrap();
    assert_eq!(runs.iter().map(|run| run["number"].as_u64().unwrap()).collect::<Vec<_>>(), [7, 8, 9]);
    assert!(!place.path("s/out_of_fold.csv").exists() && place.path("s/seeds.json").exists());
    // The same test rows: otherwise they could not be compared.
    let compared = place.json("compare s/seeds/7 s/seeds/9 --json");
    assert_eq!(compared["examples"], runs[0]["examples"]["test"]);
    let losses: Vec<f64> = runs.iter().map(|run| run["metrics"]["log_loss"]["value"].as_f64().unwrap()).collect();
    assert!(losses[0] != losses[1] && losses[1] != losses[2], "{losses:?}");
    assert_eq!(found["metrics"]["log_loss"]["values"], serde_json::json!(losses));
    // The first is what training without --seeds gives.
    place.ok(&format!("train t.csv --seed 7 -o r {QUICK}"));
    assert_eq!(place.ok("predict r t.csv"), place.ok("predict s/seeds/7 t.csv"));
    assert!(place.error("suspects s").contains("the runs differ in their seeds"));
}

#[test]
fn what_does_not_go_together_is_told() {
    let place = TestFolder::new();
    for (options, expected) in [
        ("--folds 1", "--folds: a single run has no spread"),
        ("--folds 3 --test t.csv", "--folds: each fold is test in turn, and a test part of its own is named"),
        ("--folds 3 --test-fold 0,3", "--folds: each fold is test in turn, and one fold is named"),
        ("--folds 3 --seeds 3", "cannot be used with"),
        ("--folds 3 --dry-run", "cannot be used with"),
        ("--folds 300", "expected 300 or more to make folds of"),
        ("--folds 3 --group answer", "fold 0: "),
        ("--folds 3 --forecast 2 --time x", "--folds: a forecast is trained on the earliest steps"),
        ("--folds 3 --from-disk", "--test-fold needs all rows at once"),
        ("--folds 3 --fold 0,3 --group x", "--fold: fold 0: folds are drawn at random"),
        ("--gap 3", "--gap: a gap is left between rows that are split by time"),
    ] {
        let told = place.error(&format!("train t.csv -o s {options} {QUICK}"));
        assert!(told.contains(expected), "{options}: {told}");
        assert!(!place.path("s").exists(), "{options} leaves a folder");
    }
    assert!(place.error("train - --folds 3 -o s").contains("standard input can be read once"));
}

#[test]
fn wrong_labels_equal_rows_and_telling_columns_are_suspects() {
    let place = TestFolder::new();
    let mut lines: Vec<String> = (0..240).map(line).collect();
    // Wrong: far from the borders between classes.
    let wrong: Vec<usize> = (0..240).filter(|i| (i * 37 % 101 > 80 || i * 37 % 101 < 30) && i % 23 == 5).collect();
    assert!(wrong.len() > 3, "{wrong:?}");
    for &i in &wrong {
        lines[i] = lines[i].replace("far", "new").replace("near", "far").replace("high", "far").replace("new", "near");
    }
    // Two rows that are equal, and two that are not but for the answer.
    lines[200] = lines[100].clone();
    lines[201] = "10,10,high\n".into();
    lines[202] = "10,10,near\n".into();
    let told = |i: usize, line: &String| {
        format!(
            "{},{}",
            ["p", "q", "r"][usize::from(line.contains("far")) + 2 * usize::from(line.contains("high"))],
            i % 7
        )
    };
    let lines: Vec<String> = lines.iter().enumerate().map(|(i, line)| format!("{},{line}", told(i, line))).collect();
    place.write("w.csv", &(String::from("code,idle,x,z,answer\n") + &lines.concat()));

    let options = format!("--target answer --folds 3 --ignore code {}", QUICK.replace("--epochs 8", "--epochs 40"));
    let found = place.json(&format!("suspects w.csv -o s --json {options}"));
    let answers = found["answers"].as_array().unwrap();
    let first: Vec<usize> =
        answers.iter().take(wrong.len()).map(|row| row["line"].as_u64().unwrap() as usize - 2).collect();
    let hits = first.iter().filter(|row| wrong.contains(row)).count();
    assert!(hits + 1 >= wrong.len(), "{first:?} are not {wrong:?}");
    assert!(found["columns"].as_array().unwrap().is_empty(), "{}", found["columns"]);
    let table = place.read("s/suspects.csv");
    assert!(table.starts_with("suspicion,line,file,target,given,expected,score,why\nanswer,"), "{table}");
    // By the folder alone it is the same, without training.
    let text = place.ok("suspects s");
    assert!(text.contains(&format!("{} of 240 answers are contradicted", answers.len())), "{text}");
    assert_eq!(place.read("s/suspects.csv"), table);

    let found =
        place.json(&format!("suspects w.csv -o c --json {}", options.replace("--ignore code", "--ignore idle")));
    assert_eq!(found["columns"][0]["column"], "code");
    assert_eq!(found["columns"][0]["left_open"], 0.0);
    let equal = found["equal"].as_array().unwrap();
    let with = |lines: Value| equal.iter().find(|rows| rows["lines"] == lines);
    assert!(with(serde_json::json!([102, 202])).is_some() || equal.iter().all(|rows| rows["across_folds"] == true));
}
