//! Synthetic runs of every kind, for the report's tests.

use std::collections::BTreeMap;

use crate::data::schema::Task;
use crate::error::Advice;
use crate::event::{
    Baseline, ColumnImportance, Coverage, Decision, Dependence, DependenceCurve, Event, Grid, Importance, LayerRow,
    LayerScale, Mistake, SplitPredictions, Splits, VERSION, Warning,
};
use crate::metrics::threshold::{OperatingCurve, Rule, Thresholds};
use crate::metrics::{CalibrationBin, Metric, Metrics};

const DIGITS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// A deterministic pseudo-random number in [0, 1).
fn noise(seed: usize) -> f64 {
    let mut z = (seed as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

fn started(task: Task, classes: Vec<String>, epochs: usize, from_epoch: usize) -> Event {
    let row = |name: &str, description: &str, width: usize, parameters: usize| LayerRow {
        name: name.into(),
        description: description.into(),
        output: vec![width],
        parameters,
    };
    let outputs = classes.len().max(1);
    Event::RunStarted {
        version: VERSION,
        thalweg: "0.1.0".into(),
        run: "digits-3".into(),
        data: "sample:digits".into(),
        task,
        targets: vec![if task == Task::Regression { "median_house_value" } else { "digit" }.into()],
        classes,
        examples: Splits { train: 1077, dev: 360, test: 360 },
        features: 64,
        layers: vec![
            row("layers.0", "linear 64 → 64, relu", 64, 4160),
            row("layers.1", "linear 64 → 64, relu", 64, 4160),
            row("layers.2", "dropout 0.1", 64, 0),
            row("layers.3", &format!("linear 64 → {outputs}"), outputs, 65 * outputs),
        ],
        parameters: 8320 + if outputs == 10 { 906 } else { 65 * outputs },
        steps_per_epoch: 17,
        epochs: epochs.max(100),
        from_epoch,
        monitor: (if task == Task::Regression { "loss" } else { "accuracy" }.into(), task != Task::Regression),
    }
}

fn preamble() -> Vec<Event> {
    let decision = |what: &str, why: &str, instead: &str| {
        Event::Decision(Decision { what: what.into(), why: why.into(), instead: instead.into() })
    };
    vec![
        Event::Provenance {
            command: "thalweg train sample:digits --seed 3 --threads 2".into(),
            facts: [
                ("thalweg", "0.1.0"),
                ("seed", "3"),
                ("threads", "2"),
                ("precision", "f32"),
                ("data hash", "blake3:592cc047d0a1cc7fdef9fd724514209dcb45a80aa147dc3ab375e3e1a9a380f4"),
                ("machine", "Linux x86-64, 2 cores, AVX-512"),
            ]
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .into(),
        },
        decision("digit is the target", "it is called so", "[target=COLUMN]"),
        decision("the task is multiclass", "the target has 10 whole numbers", "[task=regression]"),
        decision("rows split 60/20/20 by row hash, stratified", "1,797 rows are few", "[split=0.8,0.1,0.1]"),
        decision("columns scaled to mean 0 and deviation 1", "no column has far outliers", "[normalise=robust]"),
        decision(
            "hidden layers 64, 64 with ReLU",
            "1,077 training rows, 64 inputs",
            "[layers=128,64] [activation=tanh]",
        ),
        decision(
            "Adam with learning rate 0.003, cosine schedule",
            "the auto recipe",
            "[optimizer=momentum] [learning_rate=0.1]",
        ),
        Event::Warning(Warning {
            message: "3 columns are constant (pixel_0_0, pixel_4_0, pixel_4_7): they are kept but tell nothing".into(),
            remedy: "[ignore=pixel_0_0,pixel_4_0,pixel_4_7]".into(),
        }),
    ]
}

fn scales(step: usize, of: &[(f64, f64)]) -> Event {
    let layer = |(i, &(activation, gradient)): (usize, &(f64, f64))| LayerScale {
        name: format!("layers.{i}"),
        activation: activation * (0.9 + 0.2 * noise(step + i)),
        gradient: gradient * (0.8 + 0.4 * noise(step + 7 * i)),
        zeros: 0.5,
        ..LayerScale::default()
    };
    Event::Scales { step, cost: None, layers: of.iter().enumerate().map(layer).collect() }
}

fn epochs(from: usize, to: usize, total: usize) -> Vec<Event> {
    let mut best = 0.0;
    (1..=to)
        .flat_map(|epoch| {
            let t = epoch as f64 / total as f64;
            let fall = (-6.0 * t).exp();
            let accuracy = 0.962 - 0.75 * (-14.0 * t).exp() + 0.006 * noise(epoch) - 0.01 * (t - 0.75).max(0.0);
            let better = accuracy > best;
            best = accuracy.max(best);
            let healthy = [(1.0, 0.02 * fall.sqrt()), (0.8, 0.03 * fall.sqrt()), (1.4, 0.05 * fall.sqrt())];
            let ended = Event::EpochEnded {
                epoch,
                cost: 2.3 * fall + 0.02 + 0.02 * noise(epoch + 9_999),
                dev_loss: Some(2.2 * fall + 0.13 + 0.25 * (t - 0.6).max(0.0).powi(2) + 0.01 * noise(epoch + 77)),
                dev: BTreeMap::from([("accuracy".into(), accuracy), ("log_loss".into(), 0.1)]),
                learning_rate: 0.003 * 0.5 * (1.0 + (std::f64::consts::PI * t).cos()),
                seconds: 0.034 * epoch as f64,
                best: better,
                phases: None,
            };
            let sampled = (total < 200 || epoch.is_multiple_of(20)).then(|| scales(17 * epoch, &healthy));
            (epoch > from).then(|| [ended].into_iter().chain(sampled)).into_iter().flatten()
        })
        .collect()
}

fn metrics(pairs: &[(&str, f64)]) -> Metrics {
    let metric =
        |value: f64| Metric { value, low: Some(value - 0.021), high: Some((value + 0.017).min(value.max(1.0))) };
    pairs.iter().map(|(name, value)| ((*name).to_string(), metric(*value))).collect()
}

fn evaluated(train: f64, dev: f64, test: f64) -> Splits<Metrics> {
    let of = |a: f64| {
        metrics(&[("accuracy", a), ("log_loss", 1.6 * (1.0 - a)), ("f1_macro", a - 0.004), ("brier", 1.0 - a)])
    };
    Splits { train: of(train), dev: of(dev), test: of(test) }
}

fn mistake(i: usize, classes: &[String]) -> Mistake {
    let pick = |seed: usize| classes[(noise(seed) * classes.len() as f64) as usize].clone();
    Mistake {
        place: format!("digits.csv, line {}", 73 + 31 * i),
        truth: pick(i),
        prediction: pick(i + 1),
        loss: 9.0 / (i + 1) as f64,
        confidence: Some(0.999 - 0.02 * i as f64),
        words: Vec::new(),
        encoded: Vec::new(),
        picture: None,
        sound: None,
        inputs: (0..12)
            .map(|k| (format!("pixel_{}_{}", k / 8, k % 8), format!("{:.0}", 16.0 * noise(i + k))))
            .collect(),
    }
}

fn finished(best_epoch: usize, epochs: usize, metrics: Splits<Metrics>, answers: SplitPredictions) -> Event {
    let reason = "dev accuracy has not risen for 15 epochs".into();
    Event::Finished { reason, epochs, best_epoch, seconds: 2.1, metrics, answers }
}

/// Bins of a model that is too certain, most of whose predictions are near 1.
fn calibration() -> Vec<CalibrationBin> {
    let bin = |i: usize| {
        let predicted = (i as f64 + 0.6) / 15.0;
        let observed = 0.5 + 0.8 * (predicted - 0.5) + 0.06 * (noise(i) - 0.5);
        let half = 0.25 / (i + 1) as f64;
        let (low, high) = ((observed - half).max(0.0), (observed + half).min(1.0));
        CalibrationBin { count: 2 + i * i * i / 8, predicted, observed, low, high }
    };
    (3..15).map(bin).collect()
}

/// A run with this many classes and epochs.
pub(crate) fn classes(n: usize, count: usize) -> Vec<Event> {
    let names: Vec<String> = (0..n).map(|i| if n <= 10 { DIGITS[i].into() } else { format!("species {i}") }).collect();
    let mut events = vec![started(Task::Multiclass, names.clone(), count, 0)];
    events.extend(preamble());
    events.extend(epochs(0, count, count));
    let each = 360 / n.min(36);
    let confusion = (0..n)
        .map(|i| {
            let mut row = vec![0; n];
            for k in 0..each {
                let wrong = noise(i * 1000 + k) < if n > 10 { 0.2 * noise(i) } else { 0.06 };
                row[if wrong { (i + 1 + (noise(k + i) * 3.0) as usize) % n } else { i }] += 1;
            }
            row
        })
        .collect();
    let mistakes = (0..20).map(|i| mistake(i, &names)).collect();
    let answers = SplitPredictions {
        part: "test".into(),
        confusion,
        mistakes,
        calibration: calibration(),
        ..SplitPredictions::default()
    };
    events.push(finished((count * 3 / 4 + 1).min(count), count, evaluated(0.9991, 0.9667, 0.9583), answers));
    events
}

/// A run with two classes.
pub(crate) fn binary() -> Vec<Event> {
    let names = vec!["malignant".to_string(), "benign".to_string()];
    let mut events = vec![started(Task::Binary, names.clone(), 20, 0)];
    events.extend(preamble());
    events.extend(epochs(0, 20, 20));
    let answers = SplitPredictions {
        part: "test".into(),
        confusion: vec![vec![39, 3], vec![4, 68]],
        points: Vec::new(),
        mistakes: (0..4).map(|i| mistake(i, &names)).collect(),
        unsure: (4..6).map(|i| mistake(i, &names)).collect(),
        calibration: calibration(),
        operating: Some(operating()),
        coverage: Vec::new(),
    };
    events.extend(explained(&["radius", "texture"], &["malignant"], 1.0));
    for (name, accuracy) in [("class frequencies", 0.62), ("logistic regression", 0.92)] {
        let metrics = evaluated(0.0, accuracy - 0.01, accuracy);
        events.push(Event::Baseline(Baseline { name: name.into(), metrics }));
    }
    events.push(finished(18, 20, evaluated(0.99, 0.95, 0.94), answers));
    events
}

/// Importance and dependence of these columns, the first of categories, for these outputs.
fn explained(columns: &[&str], outputs: &[&str], unit: f64) -> Vec<Event> {
    let importance = |(i, column): (usize, &&str)| {
        let value = unit * (0.4 * 0.6f64.powi(i as i32) - 0.002);
        let growth = Metric { value, low: Some(value - 0.03 * unit), high: Some(value + 0.03 * unit) };
        ColumnImportance { column: column.to_string(), growth }
    };
    let importance = Importance {
        part: "test".into(),
        rows: 2000,
        rows_in_all: 4128,
        repeats: 10,
        metric: if unit == 1.0 { "log_loss" } else { "rmse" }.into(),
        value: unit * 0.31,
        columns: columns.iter().enumerate().map(importance).collect(),
        columns_left_out: 3,
    };
    let dependence = |(i, column): (usize, &&str)| {
        let grid = match i {
            0 => Grid::Categories(columns.iter().map(|name| name.to_string()).collect()),
            _ => Grid::Numbers((0..20).map(|x| f64::from(x * x) / 40.0).collect()),
        };
        let at = |line: usize, x: usize| unit * (0.3 + 0.02 * x as f64 + 0.3 * (noise(line + 31 * i) - 0.5));
        let line = |line: usize| (0..grid.len()).map(|x| at(line, x) as f32).collect();
        let curve = |(k, output): (usize, &&str)| DependenceCurve {
            output: output.to_string(),
            mean: (0..grid.len()).map(|x| at(k + 3, x)).collect(),
            rows: if outputs.len() == 1 { (0..30).map(line).collect() } else { Vec::new() },
        };
        let curves = outputs.iter().enumerate().map(curve).collect();
        let deciles = if i == 0 { Vec::new() } else { (1..10).map(|d| f64::from(d * d) / 9.0).collect() };
        Event::Dependence(Dependence { column: column.to_string(), rows: 500, grid, curves, deciles })
    };
    let dependences = columns.iter().take(6).enumerate().map(dependence);
    [Event::Importance(importance)].into_iter().chain(dependences).collect()
}

/// Of two bells of probabilities, the lower of those that are negative.
fn operating() -> OperatingCurve {
    let p: Vec<f64> = (0..114).map(|i| 0.5 * noise(i) + if i % 8 < 5 { 0.45 } else { 0.05 }).collect();
    let positive: Vec<bool> = (0..114).map(|i| i % 8 < 5).collect();
    Thresholds::of(&p, &positive, None).unwrap().curve(0.4, Some(Rule::F1))
}

/// A run with a numeric target.
pub(crate) fn regression() -> Vec<Event> {
    let mut events = vec![started(Task::Regression, Vec::new(), 30, 0)];
    events.extend(preamble());
    for event in epochs(0, 30, 30) {
        events.push(match event {
            Event::EpochEnded { epoch, cost, dev_loss, learning_rate, seconds, best, .. } => {
                let dev = BTreeMap::from([("rmse".into(), 4.2e4 + 5e4 * cost), ("r2".into(), 0.8 - cost / 4.0)]);
                Event::EpochEnded { epoch, cost, dev_loss, dev, learning_rate, seconds, best, phases: None }
            }
            other => other,
        });
    }
    let points = (0..2000)
        .map(|i| {
            let truth = 5e4 + 4.5e5 * noise(i).powi(2);
            (truth, truth * 0.85 + 3e4 + 9e4 * (noise(i + 5000) + noise(i + 8000) - 1.0))
        })
        .collect();
    let mistakes = (0..8)
        .map(|i| Mistake {
            place: format!("housing.csv, line {}", 112 + 977 * i),
            truth: "500001".into(),
            prediction: format!("{:.0}", 1.2e5 + 7e3 * i as f64),
            loss: 3.1 - 0.2 * i as f64,
            confidence: None,
            words: Vec::new(),
            encoded: Vec::new(),
            picture: None,
            sound: None,
            inputs: vec![
                ("ocean_proximity".into(), "<1H OCEAN".into()),
                ("median_income".into(), "1.9".into()),
                ("total_bedrooms".into(), String::new()),
            ],
        })
        .collect();
    let of = |rmse: f64| metrics(&[("rmse", rmse), ("mae", rmse * 0.7), ("r2", 0.79), ("mape", 0.182)]);
    let evaluated = Splits { train: of(48_112.3), dev: of(52_870.1), test: of(53_410.9) };
    let covered = Metric { value: 0.896, low: Some(0.886), high: Some(0.905) };
    let coverage = vec![Coverage { target: "median_house_value".into(), level: 0.9, covered, width: 158_000.0 }];
    let answers = SplitPredictions { part: "test".into(), points, mistakes, coverage, ..SplitPredictions::default() };
    let columns = ["ocean_proximity", "median_income", "longitude", "latitude", "population", "households", "rooms"];
    events.extend(explained(&columns, &["median_house_value"], 5e4));
    events.push(finished(27, 30, evaluated, answers));
    events
}

/// A deep run whose cost became infinite, with vanishing gradients, drifting activations and a dead layer.
pub(crate) fn diverged() -> Vec<Event> {
    let mut events = vec![started(Task::Multiclass, DIGITS.map(String::from).into(), 100, 0)];
    events.extend(preamble());
    for event in epochs(0, 12, 60) {
        events.push(match event {
            Event::EpochEnded { epoch, cost, dev_loss, dev, learning_rate, seconds, .. } => {
                let (cost, dev_loss) = (cost * 1.9f64.powi(epoch as i32 - 8).max(1.0), dev_loss);
                Event::EpochEnded { epoch, cost, dev_loss, dev, learning_rate, seconds, best: epoch <= 9, phases: None }
            }
            Event::Scales { step, .. } => {
                let at = |i: i32| (2f64.powi(-i) * (1.0 + (step as f64).powi(2) / 4.0), 1e-9 * 8f64.powi(i));
                let mut event = scales(step, &(0..12).map(at).collect::<Vec<_>>());
                if let Event::Scales { layers, .. } = &mut event {
                    layers[3].zeros = 0.97;
                }
                event
            }
            other => other,
        });
    }
    events.push(Event::EpochEnded {
        epoch: 13,
        cost: f64::INFINITY,
        dev_loss: None,
        dev: BTreeMap::new(),
        learning_rate: 0.003,
        seconds: 0.5,
        best: false,
        phases: None,
    });
    let message = "the cost became infinite in epoch 13; the parameters of epoch 9 are kept".to_string();
    events.push(Event::Warning(message.into()));
    events
}

/// A run that was killed.
pub(crate) fn interrupted() -> Vec<Event> {
    let mut events = vec![started(Task::Multiclass, DIGITS.map(String::from).into(), 100, 0)];
    events.extend(preamble());
    events.extend(epochs(0, 23, 100));
    events
}

/// A run that was killed after epoch 11 and resumed from epoch 8.
pub(crate) fn resumed() -> Vec<Event> {
    let whole = classes(10, 20);
    let names: Vec<String> = DIGITS.map(String::from).into();
    let mut events = vec![started(Task::Multiclass, names.clone(), 20, 0)];
    events.extend(preamble());
    events.extend(epochs(0, 11, 20));
    events.push(started(Task::Multiclass, names, 20, 8));
    events.extend(preamble());
    events.extend(epochs(8, 20, 20));
    events.extend(whole.last().cloned());
    events
}

/// A run without dev and test splits, scales or decisions.
pub(crate) fn train_only() -> Vec<Event> {
    let mut events = vec![started(Task::Binary, vec!["no".into(), "yes".into()], 8, 0)];
    if let Event::RunStarted { examples, .. } = &mut events[0] {
        *examples = Splits { train: 40, dev: 0, test: 0 };
    }
    for event in epochs(0, 8, 8) {
        if let Event::EpochEnded { epoch, cost, seconds, .. } = event {
            let (dev_loss, dev) = (None, BTreeMap::new());
            events.push(Event::EpochEnded {
                epoch,
                cost,
                dev_loss,
                dev,
                learning_rate: 0.1,
                seconds,
                best: true,
                phases: None,
            });
        }
    }
    let evaluated = Splits { train: metrics(&[("accuracy", 1.0)]), ..Splits::default() };
    events.push(finished(8, 8, evaluated, SplitPredictions { part: "train".into(), ..SplitPredictions::default() }));
    events
}

/// A run with an injection attempt in every name.
pub(crate) fn hostile() -> Vec<Event> {
    let attack = "\"><script>alert(1)</script><svg onload=\"alert(2)\">&amp;\u{0}";
    let names = vec![attack.to_string(), "</title></style>".to_string(), "国".repeat(30)];
    let mut events = vec![started(Task::Multiclass, names.clone(), 3, 0)];
    if let Event::RunStarted { run, data, targets, layers, thalweg, .. } = &mut events[0] {
        (*run, *data, *thalweg) = (attack.into(), attack.into(), attack.into());
        *targets = vec![attack.into()];
        layers[0].name = attack.into();
        layers[0].description = attack.into();
    }
    events.push(Event::Warning(attack.to_string().into()));
    events.push(Event::Decision(Decision { what: attack.into(), why: attack.into(), instead: Advice::words(attack) }));
    events.push(Event::Provenance { command: attack.into(), facts: vec![(attack.into(), attack.into())] });
    events.extend(epochs(0, 3, 3));
    if let Some(Event::Scales { layers, .. }) = events.last_mut() {
        layers[0].name = attack.into();
    }
    events.extend(explained(&[attack, "</svg>"], &names.iter().map(String::as_str).collect::<Vec<_>>(), 1.0));
    let mut mistakes: Vec<Mistake> = (0..3).map(|i| mistake(i, &names)).collect();
    mistakes[0].place = attack.into();
    mistakes[0].inputs = vec![(attack.into(), attack.into())];
    let confusion = vec![vec![5, 1, 0], vec![0, 6, 0], vec![2, 0, 4]];
    events.push(Event::Finished {
        reason: attack.into(),
        epochs: 3,
        best_epoch: 3,
        seconds: 0.01,
        metrics: Splits { test: metrics(&[("accuracy", 0.8), (attack, 0.1)]), ..Splits::default() },
        answers: SplitPredictions { part: attack.into(), confusion, mistakes, ..SplitPredictions::default() },
    });
    events
}
