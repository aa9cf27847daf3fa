//! Importance, dependence and contributions, against closed forms of linear models and against all orders of few columns.

use thalweg::data::column::Column;
use thalweg::data::examples::Examples;
use thalweg::data::table::Table;
use thalweg::event::{Event, Grid};
use thalweg::explain::{self, Background, Effort, Explainer, Sample, ShapleySettings};
use thalweg::model::Model;
use thalweg::{Task, Training};

/// A repeatable number from 0 to 1 for a row and a column (Steele's SplitMix64).
fn unit(row: usize, column: usize) -> f64 {
    let mut z = (row * 16 + column + 1) as u64;
    z = z.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

const ROWS: usize = 400;
const COLOURS: [&str; 3] = ["blue", "green", "red"];

fn colour(row: usize) -> usize {
    (3.0 * unit(row, 2)) as usize
}

/// Columns a, b (numbers), colour and noise, and an answer.
fn table(answer: impl Fn(usize) -> String) -> Table {
    let numbers = |f: &dyn Fn(usize) -> f64| Column::of_numbers((0..ROWS).map(f));
    Table {
        source: "made.csv".into(),
        names: ["a", "b", "colour", "noise", "answer"].map(String::from).into(),
        columns: vec![
            numbers(&|row| 10.0 * unit(row, 0)),
            numbers(&|row| 4.0 * unit(row, 1) - 2.0),
            Column::of_texts((0..ROWS).map(|row| COLOURS[colour(row)])),
            numbers(&|row| unit(row, 3)),
            Column::of_texts((0..ROWS).map(answer)),
        ],
        lines: (1..=ROWS as u64).collect(),
        cell_format: None,
    }
}

fn numbers() -> Table {
    let answer = |row: usize| 20.0 * unit(row, 0) - 12.0 * unit(row, 1) + 5.0 * colour(row) as f64 + unit(row, 4);
    table(|row| format!("{:.4}", answer(row)))
}

fn classes() -> Table {
    table(|row| if unit(row, 0) * (0.5 + unit(row, 1)) + 0.2 * colour(row) as f64 > 0.7 { "yes" } else { "no" }.into())
}

/// Answers that are clipped would not be linear.
fn linear() -> Training<'static> {
    let training = Training::new().target("answer").task(Task::Regression).layers([]).learning_rate(0.05).epochs(40);
    training.configure(|config| config.preprocess.clip_answers = Some(false))
}

fn network() -> Training<'static> {
    Training::new().target("answer").layers([16]).learning_rate(0.02).epochs(20)
}

fn examples(model: &Model, table: &Table) -> Examples {
    model.fitted().table(table).unwrap().parts.train
}

/// The answers to encoded rows, in the target's units.
fn answers(model: &Model, x: &[f32]) -> Vec<f64> {
    model.outputs(x, Default::default()).unwrap().into_iter().map(|z| model.target.unscaled(0, z)).collect()
}

#[test]
fn importance_of_a_linear_model_is_its_closed_form() {
    let table = numbers();
    let model = linear().fit_table(&table).unwrap().model;
    let rows = examples(&model, &table);
    let found = explain::importance(&model, &Sample::of(&rows).unwrap(), Effort::default()).unwrap();
    assert_eq!((found.rows, found.rows_in_all, found.repeats, found.columns_left_out), (ROWS, ROWS, 10, 0));
    assert_eq!(found.metric, "rmse");
    let metrics = model.evaluate_rows(&rows, Default::default()).unwrap();
    assert!((found.value - metrics["rmse"].value).abs() < 1e-9);

    let y: Vec<f64> = rows.y.iter().map(|y| model.target.unscaled(0, f64::from(*y))).collect();
    let plain = answers(&model, &rows.x);
    let columns = explain::columns(&model).unwrap();
    assert_eq!(columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["a", "b", "colour", "noise"]);
    for column in columns {
        // f = g + h(x_j): with any other row's h equally likely, E e² = mean(r + h)² − 2·mean(r + h)·mean(h) + mean(h²),
        // r = y − f.
        let mut at = rows.x.clone();
        let first = rows.x[column.inputs.clone()].to_vec();
        at.chunks_exact_mut(rows.columns).for_each(|x| x[column.inputs.clone()].copy_from_slice(&first));
        let without = answers(&model, &at);
        let h: Vec<f64> = plain.iter().zip(&without).map(|(f, g)| f - g).collect();
        let rest: Vec<f64> = y.iter().zip(&without).map(|(y, g)| y - g).collect();
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / ROWS as f64;
        let (h1, h2) = (mean(&mut h.iter().copied()), mean(&mut h.iter().map(|h| h * h)));
        let (r1, r2) = (mean(&mut rest.iter().copied()), mean(&mut rest.iter().map(|r| r * r)));
        let expected = (r2 - 2.0 * r1 * h1 + h2).sqrt() - found.value;
        let got = found.columns.iter().find(|other| other.column == column.name).unwrap().growth;
        let (low, high) = (got.low.unwrap(), got.high.unwrap());
        // The mean over ten shuffles of 400 rows is within a few per cent.
        assert!((got.value - expected).abs() < 0.04 * expected.abs() + 0.004, "{}: {got:?}, {expected}", column.name);
        assert!(low < expected && expected < high, "{}: {got:?}, {expected}", column.name);
    }
    let order: Vec<&str> = found.columns.iter().map(|column| column.column.as_str()).collect();
    assert_eq!(order, ["a", "colour", "b", "noise"]);
}

#[test]
fn an_effort_bounds_what_is_shuffled() {
    let table = classes();
    let model = network().fit_table(&table).unwrap().model;
    let sample = Sample::of(&examples(&model, &table)).unwrap();
    let small = Effort { operations: 500_000, ..Effort::default() };
    let found = explain::importance(&model, &sample, small).unwrap();
    assert!(found.repeats == 3 && found.rows == 200 && found.columns_left_out > 0, "{found:?}");
    assert_eq!(found.columns.len() + found.columns_left_out, 4);
    assert_eq!(found, explain::importance(&model, &sample, small).unwrap());
    let other = explain::importance(&model, &sample, Effort { seed: 1, ..small }).unwrap();
    assert_ne!(found.columns, other.columns);
    let unknown = explain::importance(&model, &Sample::default(), small).unwrap_err().to_string();
    assert!(unknown.contains("no row whose answer is known"), "{unknown}");
}

/// The mean probability of "yes" with a cell in all rows of a table, as predicted from the raw table.
fn mean_with(model: &Model, table: &Table, name: &str, cell: &str) -> f64 {
    let mut changed = table.clone();
    changed.columns[table.position(name).unwrap()] = Column::of_texts((0..ROWS).map(|_| cell));
    let found = model.answer(&changed, Default::default()).unwrap();
    found.probabilities.iter().map(|p| p[1]).sum::<f64>() / ROWS as f64
}

#[test]
fn dependence_is_the_mean_prediction_of_changed_tables() {
    let table = classes();
    for (name, options) in
        [("colour", ""), ("colour", "one_hot_up_to=0"), ("a", ""), ("a", "bins=8"), ("a", "normalise=robust")]
    {
        let training = network().configure(|config| {
            if let Some((key, value)) = options.split_once('=') {
                config.set(key, value).unwrap();
            }
        });
        let model = training.fit_table(&table).unwrap().model;
        let sample = Sample::of(&examples(&model, &table)).unwrap();
        let column = explain::column(&model, name).unwrap();
        let found = explain::dependence(&model, &sample, column, Effort::default()).unwrap();
        assert_eq!((found.column.as_str(), found.rows, found.curves.len()), (name, ROWS, 1));
        let curve = &found.curves[0];
        assert_eq!((curve.output.as_str(), curve.rows.len()), ("yes", 30));
        let cells: Vec<String> = match &found.grid {
            Grid::Categories(names) => names.clone(),
            Grid::Numbers(values) => {
                assert_eq!((values.len(), found.deciles.len()), (20, 9));
                values.iter().map(f64::to_string).collect()
            }
        };
        if name == "colour" {
            let mut sorted = cells.clone();
            sorted.sort();
            assert_eq!(sorted, COLOURS, "{options}");
        }
        for (cell, mean) in cells.iter().zip(&curve.mean) {
            let expected = mean_with(&model, &table, name, cell);
            assert!((mean - expected).abs() < 2e-5, "{name} {options} {cell}: {mean}, {expected}");
        }
        let end = curve.mean.len() - 1;
        assert!((curve.mean[end] - curve.mean[0]).abs() > 0.02, "{name} {options}: nothing changes");
    }
}

#[test]
fn dependence_on_a_column_of_a_linear_model_is_a_line() {
    let table = numbers();
    let model = linear().fit_table(&table).unwrap().model;
    let rows = examples(&model, &table);
    let column = explain::column(&model, "a").unwrap();
    let found = explain::dependence(&model, &Sample::of(&rows).unwrap(), column, Effort::default()).unwrap();
    let Grid::Numbers(grid) = &found.grid else { panic!("a has numbers") };
    // The slope is that of any row's own answers, and the mean answer lies on the line at the mean of a.
    let curve = &found.curves[0];
    let slope = (curve.mean[19] - curve.mean[0]) / (grid[19] - grid[0]);
    let a: Vec<f64> = (0..ROWS).map(|row| 10.0 * unit(row, 0)).collect();
    let (mean_a, mean_f) =
        (a.iter().sum::<f64>() / ROWS as f64, answers(&model, &rows.x).iter().sum::<f64>() / ROWS as f64);
    assert!(slope > 1.0, "{slope}");
    for (x, y) in grid.iter().zip(&curve.mean) {
        assert!((y - (mean_f + slope * (x - mean_a))).abs() < 1e-4, "{x}: {y}");
    }
    for row in &curve.rows {
        assert!(
            row.iter()
                .zip(&curve.mean)
                .all(|(y, mean)| (f64::from(*y) - mean - (f64::from(row[0]) - curve.mean[0])).abs() < 1e-4)
        );
    }
    let wrong = explain::column(&model, "colours").unwrap_err().to_string();
    assert!(wrong.contains("no column \"colours\" (did you mean \"colour\"?)"), "{wrong}");
}

#[test]
fn contributions_of_a_linear_model_are_its_closed_form() {
    let table = numbers();
    let model = linear().fit_table(&table).unwrap().model;
    let x = examples(&model, &table).x;
    let width = model.network.input().size();
    let (background, rows) = (&x[..80 * width], &x[80 * width..90 * width]);
    let settings = ShapleySettings { permutations: 160, ..ShapleySettings::default() };
    let explainer = Explainer::new(&model, &Background::new(&model, background).unwrap(), settings).unwrap();
    let explained = explainer.explain(rows).unwrap();
    // w from the answers to the unit vectors.
    let zero = answers(&model, &vec![0.0; width])[0];
    let w: Vec<f64> = (0..width)
        .map(|i| {
            let mut x = vec![0.0; width];
            x[i] = 1.0;
            answers(&model, &x)[0] - zero
        })
        .collect();
    let mean: Vec<f64> =
        (0..width).map(|i| background[i..].iter().step_by(width).map(|x| f64::from(*x)).sum::<f64>() / 80.0).collect();
    for (x, explained) in rows.chunks(width).zip(&explained) {
        let [found] = explained.as_slice() else { panic!("one answer") };
        for (column, value) in explain::columns(&model).unwrap().iter().zip(&found.values) {
            let closed: f64 = column.inputs.clone().map(|i| w[i] * (f64::from(x[i]) - mean[i])).sum();
            assert!((value - closed).abs() < 1e-4, "{}: {value}, {closed}", column.name);
        }
        let sum = found.baseline + found.values.iter().sum::<f64>();
        assert!((sum - answers(&model, x)[0]).abs() < 1e-6, "{sum}");
    }
}

/// Shapley values by their definition: the mean over all orders of columns and all background rows.
fn over_all_orders(model: &Model, x: &[f32], background: &[f32]) -> Vec<f64> {
    let columns = explain::columns(model).unwrap();
    let width = x.len();
    let orders = permutations(columns.len());
    let mut values = vec![0.0; columns.len()];
    for b in background.chunks(width) {
        for order in &orders {
            let mut row = b.to_vec();
            let mut before = model.logits(&row, Default::default()).unwrap()[0];
            for &column in order {
                row[columns[column].inputs.clone()].copy_from_slice(&x[columns[column].inputs.clone()]);
                let now = model.logits(&row, Default::default()).unwrap()[0];
                values[column] += (now - before) / (orders.len() * background.len() / width) as f64;
                before = now;
            }
        }
    }
    values
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let with = |order: &Vec<usize>, at: usize| {
        let mut order = order.clone();
        order.insert(at, n - 1);
        order
    };
    permutations(n - 1).iter().flat_map(|order| (0..n).map(move |at| with(order, at))).collect()
}

#[test]
fn contributions_approach_those_of_all_orders_within_their_errors() {
    let table = classes();
    let model = network().fit_table(&table).unwrap().model;
    let x = examples(&model, &table).x;
    let width = model.network.input().size();
    let (background, row) = (&x[..10 * width], &x[200 * width..201 * width]);
    let expected = over_all_orders(&model, row, background);
    let background = Background::new(&model, background).unwrap();
    let explain = |permutations| {
        let settings = ShapleySettings { permutations, ..ShapleySettings::default() };
        let explainer = Explainer::new(&model, &background, settings).unwrap();
        explainer.explain(row).unwrap().remove(0).remove(0)
    };
    let logit = model.logits(row, Default::default()).unwrap()[0];
    for permutations in [20, 200, 4000] {
        let found = explain(permutations);
        assert!((found.baseline + found.values.iter().sum::<f64>() - logit).abs() < 1e-6);
        let most = if permutations == 4000 { 0.02 } else { f64::INFINITY };
        for ((value, exact), error) in found.values.iter().zip(&expected).zip(&found.errors) {
            assert!(*error > 0.0 && (value - exact).abs() < (4.0 * error).min(most), "{value}, {exact} ± {error}");
        }
    }
    assert!(expected.iter().any(|value| value.abs() > 0.1), "{expected:?}");
    // Fewer pairs of orders than background rows: fewer of these.
    let few = explain(4);
    assert!((few.baseline + few.values.iter().sum::<f64>() - logit).abs() < 1e-6);
    assert_eq!(explain(200), explain(200));
}

#[test]
fn contributions_to_a_class_are_to_its_log_odds() {
    let model = Training::on("sample:iris").layers([8]).epochs(20);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    model.out(&out).run().unwrap();
    let model = Model::load(&out).unwrap();
    let mut explained = 0;
    model
        .predict("sample:iris", &Default::default(), Default::default(), &mut |answers| {
            let background = Background::new(&model, &answers.inputs)?;
            let explainer = Explainer::new(
                &model,
                &background,
                ShapleySettings { permutations: 20, ..ShapleySettings::default() },
            )?;
            assert_eq!(explainer.names()[0], "baseline");
            for (contributions, p) in explainer.explain(&answers.inputs)?.iter().zip(&answers.probabilities) {
                let p = p.iter().copied().fold(0.0, f64::max);
                let sum = contributions[0].baseline + contributions[0].values.iter().sum::<f64>();
                assert!((sum - (p / (1.0 - p)).ln()).abs() < 1e-3, "{sum}, {p}");
                explained += 1;
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(explained, 150);
}

/// What a run tells of its columns.
fn told(config: impl Fn(Training<'static>) -> Training<'static>) -> (Vec<Event>, String) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    config(Training::on("sample:iris").layers([8]).epochs(5).out(&out)).run().unwrap();
    let (events, _) = thalweg::report::read_events(out.join("events.jsonl")).unwrap();
    let about = |event: &Event| matches!(event, Event::Importance(_) | Event::Dependence(_));
    (events.into_iter().filter(about).collect(), std::fs::read_to_string(out.join("report.html")).unwrap())
}

#[test]
fn a_run_tells_which_columns_matter_unless_asked_not_to() {
    let (events, report) = told(|training| training);
    let Some(Event::Importance(importance)) = events.first() else { panic!("{events:?}") };
    assert_eq!((importance.part.as_str(), importance.rows, importance.columns.len()), ("test", 30, 4));
    assert!((2..=5).contains(&events.len()), "{events:?}");
    assert!(report.contains("Columns that matter") && report.contains("How answers change"));
    // As many threads as there may be make no difference.
    assert_eq!(events, told(|training| training.threads(1)).0);
    let (events, report) = told(|training| training.configure(|config| config.output.importance = false));
    assert!(events.is_empty() && !report.contains("Columns that matter"));
    let (events, _) = told(|training| training.configure(|config| config.split.split = Some(vec![1.0, 0.0, 0.0])));
    assert!(events.is_empty(), "on rows trained on, what a network knows by heart would matter most");
}
