//! Training on data in memory: without a run folder, in any row order, with classes known in advance, one portion at a
//! time.

use thalweg::config::{Config, Precision};
use thalweg::data::arrays::Arrays;
use thalweg::data::column::Column;
use thalweg::data::dataset::Dataset;
use thalweg::data::{self, table::Table};
use thalweg::event::Event;
use thalweg::model::Model;
use thalweg::run::{self, Learner, Trained};
use thalweg::tensor::ops::MatmulPrecision;

use crate::stop::StopAfter;

fn config(settings: &[(&str, &str)]) -> Config {
    let settings: Vec<_> = settings.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    Config::load(None, &settings).unwrap()
}

const SMALL: [(&str, &str); 3] = [("layers", "8"), ("epochs", "5"), ("any_order", "true")];

/// Rows i of two values and a class; some rows are duplicates.
fn examples(order: impl Iterator<Item = usize>) -> Arrays {
    let (mut x, mut classes) = (Vec::new(), Vec::new());
    for row in order.map(|i| i % 57) {
        x.extend([row as f32, (row * row % 11) as f32]);
        classes.push(["low", "middle", "high"][row / 20].to_string());
    }
    Arrays::new("examples", &[2], x).unwrap().with_answers("class", classes).unwrap()
}

fn table(order: impl Iterator<Item = usize>) -> Table {
    let names = ["a", "b", "class"].map(String::from).to_vec();
    let mut columns = vec![Column::default(); 3];
    let mut lines = Vec::new();
    for (line, row) in (1..).zip(order.map(|i| i % 57)) {
        let cells = [format!("{}.5", row * row % 13), ["x", "y"][row % 2].into(), ["no", "yes"][row / 30].into()];
        columns.iter_mut().zip(&cells).for_each(|(column, cell)| column.push(cell));
        lines.push(line);
    }
    Table { source: "table".into(), names, columns, lines, cell_format: None }
}

fn train(config: &Config, data: &Dataset) -> Trained {
    run::train_on(config, data, None, &mut |_: &Event| ()).unwrap()
}

#[test]
fn the_order_of_rows_makes_no_difference_where_it_is_to_make_none() {
    let config = config(&SMALL);
    let model = |arrays: Arrays, tables: Table| {
        let arrays = Dataset::from_arrays(&arrays, None, None, &config).unwrap();
        let tables = Dataset::from_tables(&tables, None, None, &config).unwrap();
        [arrays, tables].map(|data| train(&config, &data).model.to_bytes())
    };
    let forward = model(examples(0..80), table(0..80));
    let backward = model(examples((0..80).rev()), table((0..80).rev()));
    assert!(forward == backward);
}

#[test]
fn training_in_memory_ends_where_training_in_a_folder_does() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run").display().to_string();
    let config = config(&[("data.path", "sample:iris"), ("layers", "8"), ("epochs", "5"), ("out", &out)]);
    let outcome = run::train(&config, &mut |_: &Event| ()).unwrap();
    let in_folder = Model::load(&outcome.model).unwrap();
    let in_memory = train(&config, &data::load(&config).unwrap());
    assert_eq!(in_memory.model.to_bytes(), in_folder.to_bytes());
    assert_eq!(in_memory.end, outcome.end);

    let told = in_memory.events;
    assert!(matches!(told.first(), Some(Event::RunStarted { epochs: 5, .. })));
    assert!(matches!(told.last(), Some(Event::Finished { epochs: 5, .. })));
    assert_eq!(told.iter().filter(|event| matches!(event, Event::EpochEnded { .. })).count(), 5);
    assert!(thalweg::report::html(&told).contains("iris"));
}

#[test]
fn classes_may_be_known_beforehand() {
    let mut settings = SMALL.to_vec();
    settings.push(("classes", "middle,none,low,high"));
    settings.push(("missing", "[\"\"]"));
    let config = config(&settings);
    let data = Dataset::from_arrays(&examples(0..30), None, None, &config).unwrap();
    let model = train(&config, &data).model;
    assert_eq!(model.target.classes, ["middle", "none", "low", "high"]);
    assert_eq!(model.outputs(&[0.0, 0.0], MatmulPrecision::F32).unwrap().len(), 4);

    let mut other = config.clone();
    other.set("classes", "low,middle,hihg").unwrap();
    let error = Dataset::from_arrays(&examples(0..57), None, None, &other).unwrap_err().to_string();
    assert!(error.contains("the class \"high\" (did you mean \"hihg\"?)"), "{error}");
}

#[test]
fn classes_that_do_not_make_a_task_are_refused() {
    for (task, classes, found) in [
        ("binary", "low,middle,high", "binary with 3 classes"),
        ("binary", "low", "binary with 1 classes"),
        ("multiclass", "low", "multiclass with 1 classes"),
    ] {
        let config = config(&[("task", task), ("classes", classes)]);
        let error = Dataset::from_arrays(&examples(0..30), None, None, &config).unwrap_err().to_string();
        assert!(error.contains("--classes") && error.contains(found), "{error}");
    }
}

#[test]
fn a_model_answers_as_it_was_judged() {
    let labels = |name: &'static str, of: fn(usize) -> bool| (name, (0..57).map(move |i| u8::from(of(i)).to_string()));
    let several = Arrays::new("labels", &[1], (0..57).map(|i| i as f32).collect()).unwrap();
    let several = [labels("high", |i| i > 30), labels("low", |i| i < 20), labels("odd", |i| i % 2 == 1)]
        .into_iter()
        .fold(several, |data, (name, answers)| data.with_answers(name, answers).unwrap());
    let config = config(&[("layers", "8"), ("epochs", "30"), ("split", "1,0,0")]);
    for data in [several, examples(0..57)] {
        let dataset = Dataset::from_arrays(&data, None, None, &config).unwrap();
        let model = train(&config, &dataset).model;
        let outputs = model.outputs(&dataset.parts.train.x, MatmulPrecision::F32).unwrap();
        let truths: Vec<f64> = dataset.parts.train.y.iter().map(|&y| f64::from(y)).collect();
        let metrics = thalweg::metrics::evaluate(model.target.task, &outputs, model.target.outputs(), &truths, None);
        assert_eq!(metrics, model.provenance.metrics.train);
    }
}

#[test]
fn a_model_answers_in_a_precision_of_its_numbers() {
    for (own, other) in [("f32", Precision::F64), ("f64", Precision::Bf16)] {
        let mut settings = SMALL.to_vec();
        settings.push(("precision", own));
        let config = config(&settings);
        let model = train(&config, &Dataset::from_arrays(&examples(0..30), None, None, &config).unwrap()).model;
        for plain in [config.train.precision, Precision::default()] {
            assert_eq!(run::products(&model, plain).unwrap(), (MatmulPrecision::F32, Vec::new()));
        }
        let error = run::products(&model, other).unwrap_err().to_string();
        assert!(error.contains(&format!("the model's numbers are {own}")), "{error}");
    }
    let config = config(&SMALL);
    let model = train(&config, &Dataset::from_arrays(&examples(0..30), None, None, &config).unwrap()).model;
    let (products, decisions) = run::products(&model, Precision::Bf16x3).unwrap();
    assert!(
        products == MatmulPrecision::fastest(2) && decisions[0].what.contains("prediction multiplies"),
        "{decisions:?}"
    );
}

#[test]
fn one_value_is_enough_for_regression_that_is_asked_for() {
    let data = Arrays::new("numbers", &[1], (0..20).map(|i| i as f32).collect()).unwrap();
    let data = data.with_answers("y", (0..20).map(|_| "2.5".to_string())).unwrap();
    assert!(Dataset::from_arrays(&data, None, None, &config(&SMALL)).is_err());
    let mut settings = SMALL.to_vec();
    settings.extend([("task", "regression"), ("learning_rate", "0")]);
    let config = config(&settings);
    let model = train(&config, &Dataset::from_arrays(&data, None, None, &config).unwrap()).model;
    assert_eq!(model.target.unscaled(0, 0.0), 2.5);
}

#[test]
fn examples_have_weights() {
    let config = config(&SMALL);
    let weighted = |weights: Vec<f32>| examples(0..57).with_weights(weights);
    for (wrong, expected) in [(vec![1.0], "found 1 weights for 57 examples"), (vec![-1.0; 57], "a weight of -1")] {
        let error = weighted(wrong).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let of = |weights| Dataset::from_arrays(&weighted(weights).unwrap(), None, None, &config);
    assert!(of(vec![0.0; 57]).unwrap_err().to_string().contains("every training row's weight is 0"));
    // The mean is weighted: equal weights change nothing but rounding.
    let bytes = |data: &Dataset| train(&config, data).model.theta.to_f64();
    let plain = bytes(&Dataset::from_arrays(&examples(0..57), None, None, &config).unwrap());
    let equal = bytes(&of(vec![4.0; 57]).unwrap());
    assert!(plain.iter().zip(&equal).all(|(a, b)| (a - b).abs() < 1e-5), "{plain:?}\n{equal:?}");
    let unequal = bytes(&of((0..57).map(|i| i as f32).collect()).unwrap());
    assert!(plain.iter().zip(&unequal).any(|(a, b)| (a - b).abs() > 1e-3));
}

#[test]
fn training_may_begin_with_parameters_there_are() {
    let config = config(&[("layers", "8"), ("epochs", "20"), ("schedule", "constant")]);
    let data = Dataset::from_arrays(&examples(0..57), None, None, &config).unwrap();
    let first_cost = |trained: &Trained| {
        let mut costs = trained.events.iter().filter_map(|event| match event {
            Event::EpochEnded { cost, .. } => Some(*cost),
            _ => None,
        });
        costs.next().unwrap()
    };
    let fresh = train(&config, &data);
    let further = run::train_on(&config, &data, Some(&fresh.model), &mut |_: &Event| ()).unwrap();
    assert!(first_cost(&further) < 0.9 * first_cost(&fresh));

    let mut wider = config.clone();
    wider.set("layers", "9").unwrap();
    let error = run::train_on(&wider, &data, Some(&fresh.model), &mut |_: &Event| ()).unwrap_err();
    assert!(error.to_string().contains("parameters to begin with, expected"), "{error}");
}

#[test]
fn portions_of_the_same_rows_are_epochs_of_them() {
    let settings = [("layers", "8"), ("epochs", "6"), ("split", "1,0,0"), ("schedule", "constant"), ("dropout", "0")];
    let config = config(&settings);
    let data = Dataset::from_arrays(&examples(0..57), None, None, &config).unwrap();
    let whole = train(&config, &data).model;
    let mut learner = Learner::new(config.clone(), data, None).unwrap();
    for _ in 0..6 {
        let portion = learner.fitted().arrays(&examples(0..57)).unwrap();
        learner.learn(&portion, &mut |_: &Event| ()).unwrap();
    }
    assert_eq!(learner.epochs(), 6);
    assert_eq!(learner.model().unwrap().theta, whole.theta);

    let other = Arrays::new("other", &[3], vec![0.0; 3]).unwrap().with_answers("class", ["low".into()]).unwrap();
    let error = learner.fitted().arrays(&other).unwrap_err().to_string();
    assert!(error.contains("found examples of shape [3], expected [2]"), "{error}");
}

#[test]
fn a_portion_after_an_interrupted_one_is_learned_whole() {
    let config = config(&[("layers", "8"), ("batch_size", "10"), ("split", "1,0,0")]);
    let data = Dataset::from_arrays(&examples(0..57), None, None, &config).unwrap();
    let mut learner = Learner::new(config, data.clone(), None).unwrap();
    learner.learn(&data, &mut StopAfter(3.into())).unwrap();
    assert_eq!(learner.epochs(), 0);
    // One batch, where the previous portion had reached its third.
    let portion = learner.fitted().arrays(&examples(0..9)).unwrap();
    let before = learner.model().unwrap().theta;
    learner.learn(&portion, &mut |_: &Event| ()).unwrap();
    assert_ne!(learner.model().unwrap().theta, before);
}

/// y = a² with noise: a line cannot follow it.
fn parabola(rows: usize) -> Arrays {
    let noise = |i: usize| ((i * 7919 % 1009) as f32 / 1009.0 - 0.5) * 0.2;
    let x: Vec<f32> = (0..rows).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect();
    let y = x.iter().enumerate().map(|(i, x)| (x * x + noise(i)).to_string());
    Arrays::new("parabola", &[1], x.clone()).unwrap().with_answers("y", y.collect::<Vec<_>>()).unwrap()
}

#[test]
fn candidates_that_do_not_help_leave_the_network() {
    let candidates = "[{ layers = [] }, { layers = [16] }, { layers = [16], activation = \"tanh\" }]";
    let usual = [("task", "regression"), ("epochs", "60"), ("ensemble", "3"), ("candidates", candidates)];
    let (trained, whole) = {
        let config = config(&usual);
        let data = Dataset::from_arrays(&parabola(600), None, None, &config).unwrap();
        (train(&config, &data), data.parts.dev.rows)
    };
    assert_eq!(whole, 120);
    let decided = trained.events.iter().find_map(|event| match event {
        Event::Decision(decision) if decision.what.starts_with("the 3 kinds of networks weigh 0, ") => Some(decision),
        _ => None,
    });
    assert!(decided.is_some(), "{:?}", trained.events);
    let members = trained.model.network.members();
    assert!([3, 6].contains(&members), "the line is not among {members} members");
    // What is reported of dev is the held-out answers, by the same weights; the model that is saved answers on test.
    let metrics = &trained.model.provenance.metrics;
    assert!(metrics.dev["r2"].value > 0.75 && metrics.test["r2"].value > 0.75, "{metrics:?}");
    let written = trained.model.to_bytes();
    assert_eq!(Model::from_bytes(&written, "again").unwrap().to_bytes(), written);
}
