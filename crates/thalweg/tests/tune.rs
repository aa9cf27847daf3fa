//! Hyperparameter search on the samples.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use thalweg::config::Config;
use thalweg::model::Model;
use thalweg::run::Callback;
use thalweg::tune::{self, SearchEnd, SearchEvent, SearchResult, Study, Trial, TrialKind, TrialState};

/// Requests a stop after a number of trials.
struct StopAfter(usize, AtomicUsize);

impl StopAfter {
    fn new(trials: usize) -> StopAfter {
        StopAfter(trials, AtomicUsize::new(0))
    }
}

impl Callback<SearchEvent> for StopAfter {
    fn event(&mut self, event: &SearchEvent) {
        if let SearchEvent::Ended { .. } = event {
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn stop(&self) -> bool {
        self.1.load(Ordering::SeqCst) >= self.0
    }
}

const SEARCH: &str = "learning_rate=log:1e-3..1e-1,layers=int:1..2,units=log_int:4..16,activation=relu,tanh";

/// A short search on iris.
fn config(folder: &Path, settings: &[(&str, &str)]) -> Config {
    let study = folder.join("study.sqlite").display().to_string();
    let out = folder.join("run").display().to_string();
    let usual = [
        ("data.path", "sample:iris"),
        ("study", &study),
        ("out", &out),
        ("search", SEARCH),
        ("sampler", "random"),
        ("trials", "8"),
        ("epochs", "8"),
        ("workers", "1"),
    ];
    let given = |name: &str| settings.iter().any(|(other, _)| *other == name);
    let all = usual.into_iter().filter(|(name, _)| !given(name)).chain(settings.iter().copied());
    Config::load(None, &all.map(|(key, text)| (key.into(), text.into())).collect::<Vec<_>>()).unwrap()
}

fn search(settings: &[(&str, &str)]) -> SearchResult {
    let folder = tempfile::tempdir().unwrap();
    tune::tune(&config(folder.path(), settings), &mut StopAfter::new(usize::MAX)).unwrap()
}

/// The facts of trials that do not depend on time.
fn facts(trials: &[Trial]) -> Vec<(usize, TrialKind, tune::Point, u64, TrialState, Option<f64>)> {
    let mut facts: Vec<_> = trials
        .iter()
        .map(|trial| (trial.number, trial.kind, trial.point.clone(), trial.seed, trial.state, trial.value))
        .collect();
    facts.sort_by_key(|fact| fact.0);
    facts
}

#[test]
fn every_sampler_fills_its_trials_and_ends_with_a_run() {
    for sampler in ["random", "halton", "grid", "coarse_to_fine", "tpe", "gp"] {
        let found = search(&[("sampler", sampler), ("trials", "14")]);
        assert!(found.trials.iter().all(|trial| trial.ends == 1 && trial.state.is_ended()), "{sampler}");
        let searched: Vec<&Trial> = found.trials.iter().filter(|trial| trial.kind == TrialKind::Search).collect();
        let seeds = found.trials.iter().filter(|trial| trial.kind == TrialKind::Seed).count();
        // A grid of 14 has 2 values each, minus duplicates, plus the baseline.
        let expected = if sampler == "grid" { 8..=13 } else { 13..=13 };
        assert!(expected.contains(&searched.len()), "{sampler}: {}", searched.len());
        assert_eq!((found.end, seeds), (SearchEnd::Done, 3), "{sampler}");
        let best = tune::best(&found.trials).unwrap();
        assert!(found.trials.iter().all(|trial| trial.kind == TrialKind::Seed || trial.cost >= best.cost));
        assert!(best.value.unwrap() < 1.0, "it has learned: {best:?}");
        let noise = found.noise.unwrap();
        assert!(noise.seeds == 3 && noise.deviation > 0.0 && !noise.alike.contains(&best.number));
        let outcome = found.outcome.unwrap();
        assert!(outcome.metrics.test.contains_key("accuracy"), "only the run looks at the test part");
    }
}

#[test]
fn the_final_model_is_an_ensemble_of_the_best_trials() {
    let folder = tempfile::tempdir().unwrap();
    let found = tune::tune(&config(folder.path(), &[]), &mut StopAfter::new(usize::MAX)).unwrap();
    let network = Model::load(found.outcome.as_ref().unwrap().model.as_path()).unwrap().network;
    assert!(network.members() >= 5 && network.members().is_multiple_of(5), "{}", network.members());
    // Its kinds are those of the best trials.
    let mut trials: Vec<&Trial> = found.trials.iter().filter(|trial| trial.kind == TrialKind::Search).collect();
    trials.sort_by(|a, b| a.cost.unwrap().total_cmp(&b.cost.unwrap()));
    let written = std::fs::read_to_string(folder.path().join("run/config.toml")).unwrap();
    let written = Config::from_toml(&written, "config.toml").unwrap();
    assert_eq!(written.network.candidates.len(), 3);
    let best = tune::best(&found.trials).unwrap();
    let layers = vec![best.point["units"].parse::<usize>().unwrap(); best.point["layers"].parse().unwrap()];
    assert_eq!(written.network.candidates[0]["layers"], serde_json::json!(layers));
    for settings in [[("ensemble", "1")], [("refit", "true")], [("constraints", "layers*units<=64")]] {
        let alone = search(&[&settings[..], &[("trials", "2")]].concat()).outcome.unwrap();
        assert_eq!(alone.decisions.iter().filter(|decision| decision.what.contains("ensemble")).count(), 0);
        assert!(alone.examples.dev == 0, "one network is trained on dev, too");
    }
}

#[test]
fn the_choice_does_not_depend_on_the_number_of_workers() {
    for sampler in ["random", "halton", "grid", "coarse_to_fine"] {
        let settings = [("sampler", sampler), ("trials", "12")];
        let one = search(&settings);
        let three = search(&[&settings[..], &[("workers", "3")]].concat());
        assert_eq!(facts(&one.trials), facts(&three.trials), "{sampler}");
    }
}

#[test]
fn one_worker_repeats_itself_whatever_the_sampler() {
    for sampler in ["tpe", "gp"] {
        let settings = [("sampler", sampler), ("trials", "16"), ("pruner", "median")];
        assert_eq!(facts(&search(&settings).trials), facts(&search(&settings).trials), "{sampler}");
    }
}

#[test]
fn from_coarse_to_fine_comes_nearer() {
    // Its name in earlier versions.
    let sampler = |name| config(Path::new("."), &[("sampler", name)]).tune.sampler;
    assert_eq!(sampler("zoom"), sampler("coarse_to_fine"));
    let found = search(&[("sampler", "coarse_to_fine"), ("trials", "31"), ("baseline", "false"), ("rounds", "3")]);
    let rates: Vec<f64> = found
        .trials
        .iter()
        .filter(|trial| trial.kind == TrialKind::Search)
        .map(|trial| trial.point["learning_rate"].parse::<f64>().unwrap().log10())
        .collect();
    let spread = |rates: &[f64]| {
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / rates.len() as f64
    };
    let (coarse, fine) = (spread(&rates[..11]), spread(&rates[22..]));
    assert!(fine < coarse, "{coarse} {fine}");
}

#[test]
fn a_stopped_search_goes_on_to_the_same_trials() {
    let whole = search(&[]);
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &[]);
    let stopped = tune::tune(&config, &mut StopAfter::new(3)).unwrap();
    assert_eq!((stopped.end, stopped.outcome.is_none()), (SearchEnd::Interrupted, true));
    assert_eq!(stopped.trials.iter().filter(|trial| trial.state.is_ended()).count(), 3);
    let mut again = Config::default();
    again.tune.study.clone_from(&config.tune.study);
    let found = tune::tune(&again, &mut StopAfter::new(usize::MAX)).unwrap();
    assert_eq!(facts(&found.trials), facts(&whole.trials));
    assert_eq!(found.outcome.unwrap().metrics, whole.outcome.unwrap().metrics);
    // A finished study has nothing left to do.
    let found = tune::tune(&again, &mut StopAfter::new(usize::MAX)).unwrap();
    assert_eq!((found.end, found.outcome.is_none()), (SearchEnd::Elsewhere, true));
}

#[test]
fn the_test_part_decides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let rows = |shift: f64| {
        let row = |i: usize| format!("{},{},{}\n", i % 7, (i * i) % 11, (i % 7) as f64 * 2.0 + shift);
        format!("a,b,y\n{}", (0..120).map(row).collect::<String>())
    };
    let write = |name: &str, shift: f64| {
        std::fs::write(folder.path().join(name), rows(shift)).unwrap();
        folder.path().join(name).display().to_string()
    };
    let (train, one, other) = (write("train.csv", 0.0), write("one.csv", 0.5), write("other.csv", 100.0));
    let with = |test: &str| {
        search(&[("data.path", &train), ("test", test), ("target", "y"), ("task", "regression"), ("trials", "6")])
    };
    let (one, other) = (with(&one), with(&other));
    assert_eq!(facts(&one.trials), facts(&other.trials));
    assert_ne!(one.outcome.unwrap().metrics.test, other.outcome.unwrap().metrics.test);
}

#[test]
fn trials_that_cannot_be_done_fail_by_themselves() {
    let rates = ("search", "learning_rate=log:1e-2..1e20");
    let found = search(&[rates, ("optimizer", "gradient_descent"), ("task", "multiclass"), ("trials", "12")]);
    let failed: Vec<&Trial> = found.trials.iter().filter(|trial| trial.state == TrialState::Failed).collect();
    assert!(!failed.is_empty() && found.outcome.is_some());
    assert!(failed.iter().all(|trial| trial.why.as_deref().unwrap().contains("diverged")), "{failed:?}");

    let folder = tempfile::tempdir().unwrap();
    let settings =
        [("search", "units=log_int:1000..4000,layers=int:3..4"), ("trial_memory", "1"), ("baseline", "false")];
    let error = tune::tune(&config(folder.path(), &settings), &mut StopAfter::new(usize::MAX)).unwrap_err();
    assert!(error.to_string().contains("no trial succeeded: needs about"), "{error}");
}

#[test]
fn a_search_ends_when_nothing_gets_better_or_time_is_up() {
    let found = search(&[("stall", "3"), ("trials", "200")]);
    assert_eq!(found.end, SearchEnd::Stalled);
    assert!(found.trials.len() < 200);
    let found = search(&[("budget", "1"), ("trials", "100000")]);
    assert_eq!(found.end, SearchEnd::Budget);
    assert!(found.outcome.is_some());
}

#[test]
fn trials_that_fall_behind_end_early() {
    for pruner in ["median", "asha", "hyperband"] {
        let found = search(&[("pruner", pruner), ("trials", "30"), ("epochs", "30")]);
        let early: Vec<&Trial> = found.trials.iter().filter(|trial| trial.state == TrialState::Pruned).collect();
        assert!(early.len() >= 5, "{pruner}: {}", early.len());
        assert!(early.iter().all(|trial| trial.epochs < 30 && trial.kind == TrialKind::Search));
    }
}

#[test]
fn smaller_networks_that_are_as_good_are_on_the_front() {
    let found = search(&[("objective", "log_loss,parameters"), ("trials", "12")]);
    assert!(!found.front.is_empty());
    let parameters = |number: usize| found.trials[number].others["parameters"];
    let best = tune::best(&found.trials).unwrap().number;
    assert!(found.front.iter().all(|number| parameters(*number) <= parameters(best)));
}

#[test]
fn data_that_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("t.csv");
    let table = |n: usize| (0..n).fold("a,y\n".to_string(), |text, i| format!("{text}{i},{}\n", i % 2));
    std::fs::write(&data, table(60)).unwrap();
    let path = data.display().to_string();
    let config = config(folder.path(), &[("data.path", &path), ("search", "learning_rate=log:1e-3..1e-1")]);
    tune::tune(&config, &mut StopAfter::new(2)).unwrap();
    std::fs::write(&data, table(61)).unwrap();
    let mut again = Config::default();
    again.tune.study.clone_from(&config.tune.study);
    let error = tune::tune(&again, &mut StopAfter::new(2)).unwrap_err();
    assert!(error.to_string().contains("no longer what the study began with"), "{error}");
}

#[test]
fn pages_show_what_was_found_and_load_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("objective", "accuracy,parameters"), ("trials", "24"), ("sampler", "tpe")];
    let found = tune::tune(&config(folder.path(), &settings), &mut StopAfter::new(usize::MAX)).unwrap();
    let study = Study::open(&found.study).unwrap();
    let page = thalweg::tune::study_html(&study).unwrap();
    for section in
        ["What is chance", "Trial by trial", "What mattered", "Where good values lie", "What it costs", "All trials"]
    {
        assert!(page.contains(section), "{section}");
    }
    for loads in ["http:", "https:", "//", "url(", "<script", "<link", "<img", " src=", "NaN"] {
        assert!(!page.contains(loads), "{loads}");
    }
    thalweg::tune::write_study_figures(&study, &folder.path().join("figures")).unwrap();
    for name in ["history", "importance", "contour", "slices", "parallel", "front"] {
        assert!(folder.path().join(format!("figures/{name}.svg")).exists(), "{name}");
    }
}

#[test]
fn few_rows_are_judged_by_folds() {
    let found = search(&[("trials", "3"), ("seeds", "0")]);
    // Iris has 120 rows without the test split; five folds of 8 epochs each.
    assert!(found.trials.iter().all(|trial| trial.epochs == 40), "{:?}", found.trials);
    let once = search(&[("trials", "3"), ("seeds", "0"), ("folds", "1")]);
    assert!(once.trials.iter().all(|trial| trial.epochs == 8));
    assert_eq!(found.trials[1].point, once.trials[1].point);
    // One fold computed directly: the mean over all of them is the trial's value.
    let value = |fold: usize| {
        let fold = format!("{fold},5");
        let settings = [("fold", fold.as_str()), ("folds", "1"), ("trials", "1"), ("seeds", "0")];
        search(&settings).trials[0].value.unwrap()
    };
    let mean = (0..5).map(value).sum::<f64>() / 5.0;
    assert!((found.trials[0].value.unwrap() - mean).abs() < 1e-12);
}

/// Requests a stop some time after its creation.
struct StopAt(std::time::Instant);

impl Callback<SearchEvent> for StopAt {
    fn event(&mut self, _: &SearchEvent) {}

    fn stop(&self) -> bool {
        self.0.elapsed() > std::time::Duration::from_millis(400)
    }
}

#[test]
fn a_trial_that_was_stopped_goes_on_from_its_checkpoint() {
    // One trial with enough epochs for the stop to come in the middle of it.
    let settings = [("trials", "1"), ("seeds", "0"), ("folds", "1"), ("epochs", "4000"), ("patience", "0")];
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &settings);
    let stopped = tune::tune(&config, &mut StopAt(std::time::Instant::now())).unwrap();
    assert_eq!((stopped.end, stopped.trials[0].state), (SearchEnd::Interrupted, TrialState::Waiting));
    let checkpoint = folder.path().join("study.trials/trial-0/checkpoint.safetensors");
    assert!(checkpoint.exists());
    let kept = std::fs::metadata(&checkpoint).unwrap().modified().unwrap();

    let mut again = Config::default();
    again.tune.study.clone_from(&config.tune.study);
    let start = std::time::SystemTime::now();
    let found = tune::tune(&again, &mut StopAfter::new(usize::MAX)).unwrap();
    let trial = &found.trials[0];
    assert_eq!((trial.state, trial.epochs), (TrialState::Done, 4000));
    // Its seconds count training before and after the stop: more than the latter alone took.
    assert!(kept < start && trial.seconds > 0.2, "{trial:?}");
    assert!(!folder.path().join("study.trials").exists());
    let whole = search(&settings);
    assert_eq!(facts(&found.trials), facts(&whole.trials));
}
