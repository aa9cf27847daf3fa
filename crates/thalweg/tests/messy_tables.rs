//! Tables as people write them: codes, dates, amounts, missing-value markers.

use std::path::Path;

use thalweg::config::Config;
use thalweg::data::column::{Column, Declared};
use thalweg::data::dataset::Dataset;
use thalweg::data::preprocess::{Scale, Transform};
use thalweg::data::schema::{ColumnKind, Role, Task};
use thalweg::data::table::Table;
use thalweg::data::{self, inspect};
use thalweg::event::Event;
use thalweg::model::Model;
use thalweg::run;

/// A header, and `count` rows generated from their indices.
fn rows(header: &str, count: usize, row: impl Fn(usize) -> String) -> String {
    (0..count).fold(header.to_string(), |csv, i| csv + "\n" + &row(i)) + "\n"
}

/// The configuration for a table in its own file.
fn config(folder: &Path, csv: &str, settings: &[(&str, &str)]) -> Config {
    let path = folder.join("table.csv");
    std::fs::write(&path, csv).unwrap();
    let path = path.display().to_string();
    let all = [("data.path", path.as_str())].into_iter().chain(settings.iter().copied());
    let all: Vec<_> = all.map(|(key, text)| (key.to_string(), text.to_string())).collect();
    Config::load(None, &all).unwrap()
}

fn load(csv: &str, settings: &[(&str, &str)]) -> thalweg::Result<Dataset> {
    let folder = tempfile::tempdir().unwrap();
    data::load(&config(folder.path(), csv, settings))
}

fn kind(data: &Dataset, name: &str) -> (ColumnKind, Role) {
    let column = data.schema.columns.iter().find(|column| column.name == name).unwrap();
    (column.kind, column.role)
}

fn told(data: &Dataset, what: &str, flag: &str) -> bool {
    data.decisions.iter().any(|decision| decision.what.contains(what) && decision.flag().contains(flag))
}

fn transform<'a>(data: &'a Dataset, name: &str) -> &'a Transform {
    &data.pipeline.inputs.iter().find(|input| input.column == name).unwrap().transform
}

/// The inputs for some cells of a small one-column table.
fn inputs(data: &Dataset, cells: &[&str]) -> Vec<f64> {
    let mut column = Column::default();
    cells.iter().for_each(|cell| column.push(cell));
    let names = data.pipeline.inputs.iter().map(|input| input.column.clone()).collect();
    let lines = (1..=cells.len() as u64).collect();
    let table = Table { source: "new".into(), names, columns: vec![column], lines, cell_format: None };
    data.pipeline.transform(&table).unwrap()
}

#[test]
fn labels_that_are_one_number_are_as_many_classes_as_spellings() {
    for (labels, task) in [
        (vec!["1", "01", "2"], Task::Multiclass),
        (vec!["1.0", "1.10", "1.1"], Task::Multiclass),
        (vec!["0", "-0", "1"], Task::Multiclass),
        (vec!["007", "07", "7"], Task::Multiclass),
        (vec!["07", "7"], Task::Binary),
        (vec!["100000000000000000001", "100000000000000000002", "100000000000000000003"], Task::Multiclass),
        (vec!["9007199254740993", "9007199254740992"], Task::Binary),
        (vec!["1e3", "1000", "5"], Task::Multiclass),
        (vec!["00", "0"], Task::Binary),
    ] {
        let csv = rows("a,y", 60, |i| format!("{}.5,{}", i * 7 % 13, labels[i % labels.len()]));
        let data = load(&csv, &[]).unwrap();
        assert_eq!((data.task, data.target.classes.len()), (task, labels.len()), "{labels:?}");
        let folder = tempfile::tempdir().unwrap();
        let profile = inspect::profile(&config(folder.path(), &csv, &[])).unwrap();
        assert_eq!((profile.classes.len(), profile.problem), (labels.len(), None), "{labels:?}");
        assert!(told(&data, "codes rather than numbers: y", "--kinds NAME=numeric"), "{labels:?}");
    }
    // A zero after the decimal point is how tools write integers in a float column.
    let data = load(&rows("a,y", 60, |i| format!("{}.5,{}", i * 7 % 13, ["1", "1.0", "2"][i % 3])), &[]).unwrap();
    assert_eq!(data.target.classes, ["1", "2"]);
}

#[test]
fn a_model_of_codes_answers_each_by_its_spelling() {
    let folder = tempfile::tempdir().unwrap();
    let labels = ["1", "01", "2"];
    let csv = rows("a,y", 90, |i| format!("{}.{},{}", 5 * (i % 3), i % 7, labels[i % 3]));
    let out = folder.path().join("run").display().to_string();
    let settings = [("out", out.as_str()), ("epochs", "40"), ("learning_rate", "0.02"), ("layers", "8")];
    let config = config(folder.path(), &csv, &settings);
    let outcome = run::train(&config, &mut |_: &Event| ()).unwrap();
    let model = Model::load(&outcome.model).unwrap();
    let mut answers = std::collections::BTreeSet::new();
    let mut take = |found: &thalweg::model::Predictions| {
        answers.extend(found.predictions.iter().map(|row| row[0].clone()));
        Ok(())
    };
    model.predict(&config.data.path, &Default::default(), Default::default(), &mut take).unwrap();
    assert_eq!(answers.into_iter().collect::<Vec<_>>(), ["01", "1", "2"]);
}

#[test]
fn features_that_are_codes_are_categories() {
    for codes in [["01", "1", "02"], ["1.10", "1.1", "1.2"], ["01234", "90210", "10115"], ["-0", "0", "5"]] {
        let csv = rows("code,y", 60, |i| format!("{},{}.5", codes[i % 3], i % 3 * 10));
        let data = load(&csv, &[]).unwrap();
        assert_eq!(kind(&data, "code"), (ColumnKind::Categorical, Role::Feature), "{codes:?}");
        assert!(told(&data, "codes rather than numbers: code", "--kinds NAME=numeric"), "{codes:?}");
        let data = load(&csv, &[("kinds", "code=numeric")]).unwrap();
        assert_eq!(kind(&data, "code").0, ColumnKind::Numeric, "{codes:?}");
    }
    // Amounts of which some have one more zero are still amounts.
    let data = load(&rows("price,y", 60, |i| format!("{}.{},{}", i, ["5", "50"][i % 2], i)), &[]).unwrap();
    assert_eq!(kind(&data, "price").0, ColumnKind::Numeric);
    let csv = rows("price,y", 60, |i| format!("{}.{},{}", i / 2, ["5", "50"][i % 2], i));
    assert_eq!(kind(&load(&csv, &[]).unwrap(), "price").0, ColumnKind::Numeric);
}

#[test]
fn texts_of_a_source_with_types_stay_texts() {
    let column = |declared, cell: fn(usize) -> &'static str| {
        let mut column = Column::declared(declared);
        (0..60).for_each(|i| column.push(cell(i)));
        column
    };
    let table = |code: Column| Table {
        source: "frame".into(),
        names: vec!["code".into(), "y".into()],
        columns: vec![code, column(Declared::Numbers, |i| ["1.5", "2.5", "4"][i % 3])],
        lines: (1..=60).collect(),
        cell_format: None,
    };
    let of = |code| Dataset::from_tables(&table(code), None, None, &Config::default()).unwrap();
    let data = of(column(Declared::Texts, |i| ["1", "1.0", "2"][i % 3]));
    assert_eq!(kind(&data, "code").0, ColumnKind::Categorical);
    assert_eq!(data.pipeline.features().len(), 3);
    let first: Vec<f64> = inputs(&data, &["1.0", "1", "2.0"]);
    assert_eq!(first, [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    let data = of(column(Declared::Numbers, |i| ["1", "-0", "0"][i % 3]));
    assert_eq!(kind(&data, "code").0, ColumnKind::Numeric);
}

#[test]
fn amounts_are_numbers_however_they_are_written() {
    type Cell = fn(usize) -> String;
    let amounts: [(Cell, &str); 6] = [
        (|i: usize| format!("\"{},{:03}.{}1\"", i + 1, i * 37 % 1000, i % 10), "5,185.41"),
        (|i: usize| format!("\"${},{:03}\"", i + 1, i * 37 % 1000), "$5,148"),
        (|i: usize| format!("{}.5%", i), "4.5%"),
        (|i: usize| format!("\"{} {:03},5 €\"", i + 1, i * 37 % 1000), "5 148,5 €"),
        (|i: usize| format!("{}{}", i + 1, ["k", "M"][i % 2]), "5k"),
        (|i: usize| format!("\"{},{}\"", i, i % 10), "4,4"),
    ];
    for (cell, example) in amounts {
        let data = load(&rows("amount,y", 60, |i| format!("{},{i}", cell(i))), &[]).unwrap();
        assert_eq!(kind(&data, "amount"), (ColumnKind::Numeric, Role::Feature), "{example}");
        assert!(told(&data, "amount (such as ", "--kinds NAME=categorical"), "{:?}", data.decisions);
        let Transform::Numeric(numeric) = transform(&data, "amount") else { panic!("{example}") };
        assert!(numeric.format.unwrap().read(example).unwrap() > 4.0, "{example}");
    }
    // Also as a target, in the data's units.
    let csv = rows("x,price", 60, |i| format!("{i},\"${},{:03}\"", i + 1, i * 37 % 1000));
    let data = load(&csv, &[]).unwrap();
    assert_eq!(data.task, Task::Regression);
    assert!((1_000.0..70_000.0).contains(&data.target.scales[0].0), "{:?}", data.target.scales);
}

#[test]
fn marks_of_missing_cells_are_known() {
    for mark in ["#N/A", "#DIV/0!", "\\N", "<NA>", "--", "#VALUE!"] {
        let csv = rows("amount,y", 60, |i| if i % 3 == 0 { format!("{mark},{i}") } else { format!("{i}.5,{i}") });
        let data = load(&csv, &[]).unwrap();
        assert_eq!(kind(&data, "amount").0, ColumnKind::Numeric, "{mark}");
        assert!(told(&data, &mark.to_lowercase().replace('\\', "\\\\"), "--missing"), "{mark}: {:?}", data.decisions);
    }
    // A user-defined word is reported with a remedy.
    let csv = rows("size,y", 60, |i| if i % 4 == 0 { format!("varies,{i}") } else { format!("{i}.5,{i}") });
    let data = load(&csv, &[("keep", "size")]).unwrap();
    assert!(told(&data, "size (but for \"varies\" in 15 cells)", "--missing"), "{:?}", data.decisions);
    let data = load(&csv, &[("kinds", "size=numeric")]).unwrap();
    assert!(told(&data, "size (15 cells, the first \"varies\" on line 2)", "--kinds"), "{:?}", data.decisions);
    let Transform::Numeric(numeric) = transform(&data, "size") else { panic!() };
    assert!(numeric.lenient && numeric.indicator);
}

#[test]
fn values_far_outside_that_recur_are_missing_ones() {
    for (mark, day) in [("-999", false), ("9999", false), ("9999-12-31", true), ("1900-01-01", true)] {
        let cell = |i: usize| match (i % 20, day) {
            (3, _) => mark.to_string(),
            (_, true) => format!("2020-{:02}-{:02}", 1 + i % 12, 1 + i % 28),
            (_, false) => format!("{}.5", i % 30),
        };
        let csv = rows("a,y", 100, |i| format!("{},{i}", cell(i)));
        let data = load(&csv, &[]).unwrap();
        assert!(told(&data, &format!("a ({mark} in 5 cells)"), "--sentinels=false"), "{:?}", data.decisions);
        let [marked, empty] = [mark, ""].map(|cell| inputs(&data, &[cell]));
        assert_eq!(marked, empty, "{mark}");
        let kept = load(&csv, &[("sentinels", "false")]).unwrap();
        assert_ne!(inputs(&kept, &[mark]), inputs(&kept, &[""]), "{mark}");
    }
}

#[test]
fn one_odd_date_leaves_its_column_as_it_is() {
    let with = |odd: &str| {
        rows("when,y", 100, |i| {
            let date = if i == 15 { odd.into() } else { format!("20{:02}-{:02}-11", 10 + i % 10, 1 + i % 12) };
            format!("{date},{i}")
        })
    };
    // A single occurrence does not mark a missing value, and does not stretch the others' scale.
    let data = load(&with("9999-12-31"), &[("split", "1,0,0")]).unwrap();
    let Transform::Datetime(date) = transform(&data, "when") else { panic!() };
    assert!(matches!(date.scale, Scale::Robust { spread, .. } if spread < 10.0), "{:?}", date.scale);
    assert!(inputs(&data, &["9999-12-31"])[0] <= 3.0);

    let data = load(&with("0000-00-00"), &[]).unwrap();
    assert!(told(&data, "0000-00-00 in 1 cells", "--kinds"), "{:?}", data.decisions);

    for odd in ["2015-02-30", "soon", "2015-13-01"] {
        let error = load(&with(odd), &[]).unwrap_err().to_string();
        assert!(error.contains("line 17, column \"when\"") && error.contains("--max-bad"), "{error}");
        let data = load(&with(odd), &[("max_bad", "0.01")]).unwrap();
        assert!(told(&data, "when (1 cells, the first ", "--kinds"), "{:?}", data.decisions);
        let error = load(&with(odd), &[("max_bad", "0.001")]).unwrap_err().to_string();
        assert!(error.contains("1 of 100 cells") && error.contains("line 17"), "{error}");
    }
}

#[test]
fn dates_are_read_in_the_ways_they_are_written() {
    let cells: [fn(usize) -> String; 5] = [
        |i: usize| format!("{:02}/{:02}/2022 {:02}:10 PM", 1 + i % 12, 1 + i % 28, 1 + i % 12),
        |i: usize| format!("\"December {:02}, 20{}\"", 1 + i % 28, 10 + i % 12),
        |i: usize| format!("\"{} Apr 2018 10:{:02}:00 GMT\"", 1 + i % 28, i),
        |i: usize| format!("{}:{:02}", 9 + i % 12, i),
        |i: usize| ["2022-05-31", "05/31/2022", "31 May 2022"][i % 3].to_string(),
    ];
    for cell in cells {
        let csv = rows("x,when,y", 60, |i| format!("{}.5,{},{i}", i % 7, cell(i)));
        let data = load(&csv, &[]).unwrap();
        assert_eq!(kind(&data, "when"), (ColumnKind::Datetime, Role::Feature), "{}", cell(4));
    }
    let unix = |unit: &str| rows("created_at,y", 60, |i| format!("{}{unit},{i}", 1_690_000_000 + i * 40_000));
    for (unit, flag) in [("", "--kinds NAME=numeric"), ("123", "--kinds NAME=numeric")] {
        let data = load(&unix(unit), &[]).unwrap();
        assert_eq!(kind(&data, "created_at").0, ColumnKind::Datetime);
        assert!(told(&data, "numbers that are dates: created_at", flag));
    }
    let data = load(&rows("when,y", 60, |i| format!("0{}/0{}/2022,{i}", 1 + i % 9, 1 + i % 7)), &[]).unwrap();
    assert!(told(&data, "dates read month first: when", "2026-01-31"));
}

#[test]
fn each_file_writes_numbers_in_its_own_way() {
    let folder = tempfile::tempdir().unwrap();
    let points = rows("a,b,y", 60, |i| format!("{}.5,{}.25,{}", i % 9, i % 7, i % 2));
    let commas = points.replace(',', ";").replace('.', ",");
    let dev = folder.path().join("dev.csv");
    std::fs::write(&dev, &commas).unwrap();
    let out = folder.path().join("run").display().to_string();
    let settings = [("out", out.as_str()), ("dev", &dev.display().to_string()), ("epochs", "2")];
    let config = config(folder.path(), &points, &settings);
    let outcome = run::train(&config, &mut |_: &Event| ()).unwrap();
    let model = Model::load(&outcome.model).unwrap();
    let answers = |path: &str| {
        let mut all = Vec::new();
        let mut take = |found: &thalweg::model::Predictions| {
            all.extend(found.probabilities.clone());
            Ok(())
        };
        model.predict(path, &Default::default(), Default::default(), &mut take).map(|_| all)
    };
    assert_eq!(answers(&dev.display().to_string()).unwrap(), answers(&config.data.path).unwrap());
    let (_, metrics, _) = model.evaluate(&dev.display().to_string(), &Default::default(), Default::default()).unwrap();
    let (_, expected, _) = model.evaluate(&config.data.path, &Default::default(), Default::default()).unwrap();
    assert_eq!(metrics, expected);
}

#[test]
fn what_lies_far_outside_the_training_rows_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let csv = rows("area,y", 60, |i| format!("{}.5,{i}", 20 + i));
    let out = folder.path().join("run").display().to_string();
    let config = config(folder.path(), &csv, &[("out", &out), ("epochs", "2")]);
    let model = Model::load(run::train(&config, &mut |_: &Event| ()).unwrap().model).unwrap();
    let new = folder.path().join("new.csv");
    std::fs::write(&new, "area\n30\n5000\n90\n-400\n").unwrap();
    let notes =
        model.predict(&new.display().to_string(), &Default::default(), Default::default(), &mut |_| Ok(())).unwrap();
    let told = notes.iter().map(|note| note.what.as_str()).find(|what| what.contains("far outside")).unwrap();
    assert!(told.contains("\"area\" (2 cells, such as 5000 in") && told.contains("line 3"), "{told}");
}

#[test]
fn names_may_hold_commas() {
    let csv = rows("size,\"price, USD\"", 60, |i| format!("{}.5,{i}", i % 9));
    for target in ["price, USD", "\"price, USD\"", "[\"price, USD\"]"] {
        let data = load(&csv, &[("target", target)]).unwrap();
        assert_eq!(data.target.columns, ["price, USD"], "{target}");
    }
    let data = load(&csv, &[("target", "size"), ("kinds", "\"price, USD\"=categorical")]).unwrap();
    assert_eq!(kind(&data, "price, USD").0, ColumnKind::Categorical);
    assert!(load(&csv, &[("target", "price, EUR")]).unwrap_err().to_string().contains("no column is called \"price\""));
}

#[test]
fn what_training_refuses_inspecting_does_too() {
    let folder = tempfile::tempdir().unwrap();
    for csv in [
        rows("a,y", 2, |i| format!("{i},{i}")),
        rows("a,y", 60, |i| format!("{},{i}", if i == 7 { "abc".into() } else { format!("{i}.5") })),
        rows("a,y", 60, |i| format!("{},{i}", if i == 7 { "inf".into() } else { format!("{i}.5") })),
        rows("a,y", 60, |_| "1,x".into()),
    ] {
        let refused = load(&csv, &[]).unwrap_err();
        let profile = inspect::profile(&config(folder.path(), &csv, &[])).unwrap();
        let problem = profile.problem.expect("a problem");
        assert!(problem.contains(&refused.message), "{problem}\n{refused}");
    }
}

#[test]
fn cells_that_cannot_be_read_are_listed_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    // The third row's note takes two lines of the file.
    let csv = rows("size,when,note,y", 100, |i| {
        let size = if i == 40 { "12 feet, or so".into() } else { format!("{}.5", i % 50) };
        let when = if i % 50 == 9 { "soon".into() } else { format!("2020-02-{:02}", 1 + i % 28) };
        format!("\"{size}\",{when},\"{}\",{i}.5", if i == 2 { "one\ntwo" } else { "one" })
    });
    let out = folder.path().join("run").display().to_string();
    let dev = folder.path().join("dev.csv").display().to_string();
    std::fs::write(&dev, "size,when,note,y\n1,2020-02-03,one,1\nlarge,2020-02-03,one,1\n").unwrap();
    let settings = [("max_bad", "0.02"), ("dev", &*dev), ("out", &*out), ("epochs", "1")];
    let config = config(folder.path(), &csv, &settings);
    let mut told = Vec::new();
    run::train(&config, &mut |event: &Event| {
        if let Event::Decision(decision) = event {
            told.push(decision.what.clone());
        }
    })
    .unwrap();
    let path = &config.data.path;
    let expected = format!(
        "file,line,column,found,reason\n\
         {path},43,size,\"12 feet, or so\",expected a number\n\
         {path},12,when,soon,expected a date like iso8601\n\
         {path},62,when,soon,expected a date like iso8601\n\
         {dev},3,size,large,expected a number\n"
    );
    assert_eq!(std::fs::read_to_string(folder.path().join("run/rejects.csv")).unwrap(), expected);
    assert!(told.iter().any(|what| what.starts_with("what cannot be read, 4 in all, is listed in ")), "{told:?}");
    let profile = inspect::profile(&config).unwrap();
    let lines: Vec<_> = profile.rejects.iter().map(|reject| reject.line.unwrap()).collect();
    assert_eq!(lines, [43, 12, 62]);
}

/// 60 rows whose answer follows the size, some of which are missing.
fn sizes() -> String {
    rows("size,town,y", 60, |i| {
        let size = if i % 10 == 9 { "" } else { ["small", "Medium", "large", "LARGE"][i % 4] };
        format!("{size},{},{}.5", ["a", "b", "c"][i % 3], i % 4)
    })
}

#[test]
fn ordered_categories_become_steps() {
    let data = load(&sizes(), &[("ignore", "town")]).unwrap();
    assert_eq!(kind(&data, "size"), (ColumnKind::Ordered, Role::Feature));
    assert!(told(&data, "categories in an order: size (small < Medium < large)", "--kinds NAME=categorical"));
    assert_eq!(data.pipeline.features(), ["size > small", "size > Medium", "size missing"]);
    assert_eq!(inputs(&data, &["small", "medium", "Large"]), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    let Transform::Ordered(ordered) = transform(&data, "size") else { panic!() };
    let [above_small, above_medium] = ordered.fill[..] else { panic!("{ordered:?}") };
    assert_eq!(
        inputs(&data, &["enormous", ""]),
        [above_small, above_medium, 0.0, above_small, above_medium, 1.0],
        "an unknown category is the training rows' mean"
    );
    let hot = load(&sizes(), &[("ignore", "town"), ("edition", "1")]).unwrap();
    assert_eq!(kind(&hot, "size"), (ColumnKind::Categorical, Role::Feature));
    let given = load(&sizes(), &[("ignore", "size"), ("order", "town=c<a<b<d")]).unwrap();
    assert_eq!(inputs(&given, &["c", "a", "b", "d"]), [0., 0., 0., 1., 0., 0., 1., 1., 0., 1., 1., 1.]);
}

#[test]
fn a_model_keeps_the_order_of_its_categories() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run").display().to_string();
    let settings = [("out", &*out), ("epochs", "2"), ("order", "town=c<a<b")];
    let model =
        Model::load(run::train(&config(folder.path(), &sizes(), &settings), &mut |_: &Event| ()).unwrap().model);
    let model = model.unwrap();
    let orders: Vec<String> = model.schema.columns.iter().map(|column| column.order.join(" < ")).collect();
    assert_eq!(orders, ["small < Medium < large", "c < a < b", ""]);
    let mut again = Model::from_bytes(&model.to_bytes(), "again").unwrap();
    assert_eq!((&again.schema, &again.pipeline), (&model.schema, &model.pipeline));
    again.schema.columns[0].order.reverse();
    let error = Model::from_bytes(&again.to_bytes(), "damaged").unwrap_err().to_string();
    assert!(error.contains("another order in the schema"), "{error}");
    #[cfg(feature = "onnx")]
    {
        // The graph is run, and rejected if its outputs differ.
        let graph = folder.path().join("model.onnx");
        let format = thalweg::export::format(None, &graph).unwrap();
        thalweg::export::export(&model, &graph, format, Default::default()).unwrap();
    }
}

#[cfg(feature = "onnx")]
#[test]
fn graphs_take_what_stands_for_missing_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let csv = rows("reading,until,at,y", 200, |i| {
        let reading = if i % 20 == 3 { "-999".into() } else { format!("{}.25", i % 50) };
        let until = match i % 25 {
            7 => "9999-12-31".into(),
            9 if i == 9 => "2500-05-05".into(),
            _ => format!("20{}-{:02}-11", 10 + i % 9, 1 + i % 12),
        };
        format!("{reading},{until},{}:{:02},{i}", 9 + i % 12, i % 60)
    });
    let out = folder.path().join("run").display().to_string();
    let config = config(folder.path(), &csv, &[("out", &out), ("epochs", "2"), ("split", "0.8,0.2,0")]);
    let model = Model::load(run::train(&config, &mut |_: &Event| ()).unwrap().model).unwrap();
    let scales: Vec<bool> = model
        .pipeline
        .inputs
        .iter()
        .map(|input| match &input.transform {
            Transform::Numeric(numeric) => numeric.sentinels == [-999.0],
            Transform::Datetime(date) => date.sentinels.is_empty() || matches!(date.scale, Scale::Robust { .. }),
            _ => false,
        })
        .collect();
    assert_eq!(scales, [true; 3]);
    // The graph is run, and rejected if its outputs differ.
    let graph = folder.path().join("model.onnx");
    let format = thalweg::export::format(None, &graph).unwrap();
    thalweg::export::export(&model, &graph, format, Default::default()).unwrap();
}
