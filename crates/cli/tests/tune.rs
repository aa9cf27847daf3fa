//! `thalweg tune` and `thalweg lr-find` as they are typed, and a study whose workers are killed.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn command(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
    command.args(line.split_whitespace()).current_dir(folder);
    command
}

fn thalweg(folder: &Path, line: &str) -> Output {
    command(folder, line).output().unwrap()
}

/// What a command that succeeds prints.
fn done(folder: &Path, line: &str) -> String {
    let output = thalweg(folder, line);
    assert!(output.status.success(), "thalweg {line}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_search_ends_with_a_model_and_a_study_to_look_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let line = "tune sample:iris -q --json --trials 12 --epochs 10 --search learning_rate=log:1e-3..1e-1 \
                --search activation=relu,tanh --seeds 2 --study s.sqlite -o run";
    let found = json(&done(path, line));
    assert_eq!((&found["study"], &found["trials"], &found["run"]), (&"s.sqlite".into(), &14.into(), &"run".into()));
    assert!(found["best"]["parameters"]["learning_rate"].is_string() && found["best"]["value"].is_f64(), "{found}");
    assert!(found["metrics"]["test"]["accuracy"]["value"].as_f64().unwrap() > 0.8);
    assert!(path.join("run/model.safetensors").exists() && !path.join("s.trials").exists());

    let shown = done(path, "tune show s.sqlite -o page.html --figures figures");
    assert!(shown.contains("14 trials") && shown.contains("with 2 other seeds"), "{shown}");
    assert!(std::fs::read_to_string(path.join("page.html")).unwrap().contains("Trial by trial"));
    assert!(path.join("figures/history.png").exists());

    let table = done(path, "tune export s.sqlite");
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let header = rows.headers().unwrap().clone();
    assert_eq!(header.iter().take(5).collect::<Vec<_>>(), ["trial", "kind", "state", "seed", "log_loss"]);
    assert_eq!(rows.records().map(Result::unwrap).count(), 14);
    let lines = done(path, "tune export s.sqlite --format jsonl");
    assert_eq!(lines.lines().map(json).filter(|trial| trial["kind"] == "seed").count(), 2);
}

#[test]
fn a_grid_counts_its_values() {
    let folder = tempfile::tempdir().unwrap();
    let line = "tune sample:iris -q --json --sampler grid --points 3 --epochs 3 --seeds 0 --search \
                learning_rate=log:1e-3..1e-1,batch_size=16|32";
    // Three rates, two sizes, and the configuration as it is.
    assert_eq!(json(&done(folder.path(), line))["trials"], 7);

    // More choices than can be counted: 256 in each of eight options.
    let choices: Vec<String> = (1..=256).map(|i| (i as f64 / 257.0).to_string()).collect();
    let options = "learning_rate l2 momentum beta2 epsilon weight_decay clip_norm clip_value".split(' ');
    let text: String = options.map(|name| format!("{name} = \"{}\"\n", choices.join("|"))).collect();
    let text = format!("[tune]\nsampler = \"grid\"\ntrials = 2\n[tune.search]\n{text}warm_up = \"linear:0..1\"\n");
    std::fs::write(folder.path().join("wide.toml"), text).unwrap();
    let found = json(&done(folder.path(), "tune sample:iris -q --json --epochs 1 --seeds 0 -c wide.toml"));
    assert_eq!(found["trials"], 2);
}

#[test]
fn a_file_says_the_same_as_flags() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[data]\npath = \"sample:iris\"\n[train]\nepochs = 3\n[tune]\ntrials = 5\nseeds = 0\nsampler = \"random\"\n\
                search = { learning_rate = \"log:1e-3..1e-1\", optimizer = \"adamw,momentum\", \
                beta2 = \"one_minus_log:0.9..0.999 if optimizer=adamw\" }\n";
    std::fs::write(folder.path().join("tune.toml"), text).unwrap();
    let flags = "tune sample:iris --epochs 3 --trials 5 --seeds 0 --sampler random --search learning_rate=log:1e-3..1e-1 \
                 --search optimizer=adamw,momentum -q --study flags.sqlite";
    let condition = ["--search", "beta2=one_minus_log:0.9..0.999 if optimizer=adamw"];
    let output = command(folder.path(), flags).args(condition).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    done(folder.path(), "tune -c tune.toml -q --study file.sqlite");
    let trials = |study: &str| {
        let text = done(folder.path(), &format!("tune export {study} --format jsonl"));
        text.lines().map(json).map(|trial| (trial["point"].clone(), trial["value"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(trials("file.sqlite"), trials("flags.sqlite"));
    let points = trials("file.sqlite");
    assert!(points.iter().any(|(point, _)| point["optimizer"] == "momentum" && point["beta2"].is_null()), "{points:?}");
}

#[test]
fn what_is_wrong_is_said_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text.sqlite"), "a,b\n1,2\n".repeat(100)).unwrap();
    let cases = [
        ("tune", 2, "neither data nor a study is named"),
        ("tune -", 2, "a search reads its data more than once"),
        ("tune sample:iris --search learning_rate=log:0..1", 2, "there is no logarithm of 0"),
        ("tune sample:iris --search learning_rat=log:0.1..1", 2, "did you mean \"learning_rate\"?"),
        ("tune sample:iris --search learning_rate=log:1..0.1", 2, "the range 1..0.1 is empty"),
        ("tune sample:iris --search learning_rate", 2, "--search: found \"learning_rate\""),
        ("tune sample:iris --sampler tpr", 2, "did you mean \"tpe\"?"),
        ("tune sample:iris --objective acuracy", 2, "did you mean \"accuracy\"?"),
        ("tune sample:iris --objective accuracy,f1_macro", 2, "beside another metric"),
        ("tune sample:iris --constraints layers+units", 2, "expected two products"),
        ("tune sample:iris --split 0.8,0,0.2", 2, "trials are compared on a dev part"),
        ("tune sample:iris --trials 0", 2, "--trials: found \"0\""),
        ("tune nothing.csv", 3, "nothing.csv"),
        ("tune --study none.sqlite", 2, "there is no study here"),
        ("tune --study text.sqlite", 2, "this is no study"),
        ("tune --study none.sqlite --trials 9", 2, "goes on with the options it began with"),
        ("tune show none.sqlite", 2, "there is no study here"),
        ("train sample:iris --trials 5", 2, "unexpected argument '--trials'"),
        ("lr-find sample:iris --lowest 1 --highest 0.1", 2, "use a range that rises"),
        ("lr-find sample:iris --picture rates.gif", 2, "expected svg or png"),
    ];
    for (line, code, expected) in cases {
        let output = thalweg(folder.path(), line);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), told.contains(expected)), (Some(code), true), "thalweg {line}\n{told}");
        assert!(!told.contains("panicked"), "{told}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn the_range_test_repeats_itself_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let line = "lr-find sample:digits --steps 120 --seeds 3 --json";
    let first = done(folder.path(), line);
    assert_eq!(first, done(folder.path(), &format!("{line} --threads 1")));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let rates = json(&first);
    let suggestion = rates["suggestion"].as_f64().unwrap();
    assert!((1e-4..1e-1).contains(&suggestion), "{suggestion}");
    assert_eq!(rates["curves"].as_array().unwrap().len(), 3);
    done(folder.path(), &format!("{line} --picture rates.svg"));
    assert!(std::fs::read_to_string(folder.path().join("rates.svg")).unwrap().contains("learning rate"));
}

/// How many workers are killed: THALWEG_KILLS says, for those who have the time.
fn kills() -> usize {
    std::env::var("THALWEG_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

#[test]
fn workers_that_are_killed_lose_no_trial_and_repeat_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let trials = 16 + kills();
    // Some hundred milliseconds a trial: kills hit every part of it.
    let begin = format!(
        "tune sample:digits -q --json --workers 1 --threads 1 --sampler random --trials {trials} --epochs 15 --bins 0 \
         --patience 0 --seeds 1 --study s.sqlite -o run --search learning_rate=log:1e-4..1e-1"
    );
    let spawn = |line: &str| command(path, line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut workers = vec![spawn(&begin)];
    let patience = Instant::now();
    while !path.join("s.sqlite").exists() || thalweg(path, "tune show s.sqlite").status.code() != Some(0) {
        assert!(patience.elapsed() < Duration::from_secs(60), "no study came to be");
        std::thread::sleep(Duration::from_millis(20));
    }
    let join = "tune -q --json --study s.sqlite";
    workers.extend((1..4).map(|_| spawn(join)));
    let mut state = 1_u64;
    for _ in 0..kills() {
        // Knuth's MMIX generator: any worker, at any moment.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis(20 + (state >> 33) % 400));
        let i = (state >> 40) as usize % workers.len();
        kill(&mut workers[i]);
        workers[i] = spawn(join);
    }
    for worker in &mut workers {
        worker.wait().unwrap();
    }
    // Whoever was to train the model may have been killed: any other goes on.
    done(path, join);
    let exported = done(path, "tune export s.sqlite --format jsonl");
    let ended: Vec<Value> = exported.lines().map(json).collect();
    let searched = ended.iter().filter(|trial| trial["kind"] != "seed").count();
    assert_eq!(searched, trials);
    for (number, trial) in ended.iter().enumerate() {
        assert_eq!((&trial["number"], &trial["ends"]), (&number.into(), &1.into()), "{trial}");
        assert_eq!(trial["state"], "done", "{trial}");
    }
    assert!(path.join("run").exists() || path.join("run/model.safetensors").exists());

    // The same search that nobody disturbs comes to the same.
    let calm = tempfile::tempdir().unwrap();
    done(calm.path(), &begin);
    let values = |text: &str| text.lines().map(json).map(|trial| trial["value"].clone()).collect::<Vec<_>>();
    assert_eq!(values(&exported), values(&done(calm.path(), "tune export s.sqlite --format jsonl")));
}

fn kill(worker: &mut Child) {
    worker.kill().unwrap();
    worker.wait().unwrap();
}
