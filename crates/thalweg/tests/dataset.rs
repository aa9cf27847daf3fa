//! From tables to examples: exact values, no leakage, real data.

use std::path::PathBuf;

use thalweg::config::{Config, Preprocess};
use thalweg::data::arrays::Arrays;
use thalweg::data::column::Column;
use thalweg::data::dataset::Dataset;
use thalweg::data::preprocess::{Pipeline, Scale, Transform};
use thalweg::data::schema::{ColumnKind, Role, Schema, Task};
use thalweg::data::table::Table;

/// A table from CSV text, with a header or with names.
fn table(source: &str, text: &str, names: Option<&[&str]>) -> Table {
    let mut reader = csv::ReaderBuilder::new().has_headers(names.is_none()).from_reader(text.as_bytes());
    let names: Vec<String> = match names {
        Some(names) => names.iter().map(|name| name.to_string()).collect(),
        None => reader.headers().unwrap().iter().map(String::from).collect(),
    };
    let mut columns = vec![Column::default(); names.len()];
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.unwrap();
        record.iter().zip(&mut columns).for_each(|(cell, column)| column.push(cell));
        lines.push(record.position().unwrap().line());
    }
    Table { source: source.into(), names, columns, lines, cell_format: None }
}

/// A file of the shared data, or `None` with a loud message if it is missing.
fn shared(file: &str) -> Option<String> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("THALWEG_DATA").map_or(beside, PathBuf::from).join(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(_) => {
            eprintln!("skipped: {} is not there (set THALWEG_DATA)", path.display());
            None
        }
    }
}

fn config(target: &str) -> Config {
    let mut config = Config::default();
    config.data.target = vec![target.into()];
    config
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-12, "found {found:?}, expected {expected:?}");
    }
}

const MIXED: &str = "\
size,town,sold,day,price
1.0,a,yes,2024-01-01,10
2.0,b,no,2024-01-02,20
,a,yes,2024-01-03,30
6.0,,,2024-01-08,40
9.0,b,no,,50
";

fn fitted(train_rows: &[usize], options: &Preprocess) -> (Table, Pipeline) {
    let table = table("houses.csv", MIXED, None);
    let (schema, _) = Schema::infer(&table, &config("price")).unwrap();
    let pipeline = Pipeline::fit(&table, &schema, train_rows, options).unwrap().0;
    (table, pipeline)
}

#[test]
fn rows_become_the_numbers_worked_out_by_hand() {
    let (table, pipeline) = fitted(&[0, 1, 2, 3], &Preprocess { rare_below: 1, ..Default::default() });
    let names = [
        "size",
        "size missing",
        "town = a",
        "town = b",
        "town missing",
        "sold",
        "sold missing",
        "day year",
        "day year sin",
        "day year cos",
        "day week sin",
        "day week cos",
    ];
    assert_eq!(pipeline.features(), names);
    let x: Vec<f64> = pipeline.transform(&table).unwrap();
    // size: 1, 2, 6 have mean 3 and σ = √(14/3); the missing one is the median 2.
    let deviation = (14.0_f64 / 3.0).sqrt();
    close(&x[..7], &[-2.0 / deviation, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
    close(&x[2 * 12..2 * 12 + 7], &[-1.0 / deviation, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
    // sold: two of three are yes.
    close(&x[3 * 12..3 * 12 + 7], &[3.0 / deviation, 0.0, 0.0, 0.0, 1.0, 2.0 / 3.0, 1.0]);
    // day: the first of the year, a Monday.
    close(&x[8..12], &[0.0, 1.0, 0.0, 1.0]);
    let single: Vec<f32> = pipeline.transform(&table).unwrap();
    assert_eq!(single[0], x[0] as f32);
}

#[test]
fn embeddings_are_codes_behind_the_dense_inputs() {
    let options = Preprocess { rare_below: 1, one_hot_up_to: 0, ..Default::default() };
    let (table, pipeline) = fitted(&[0, 1, 2, 3], &options);
    let embedded = pipeline.embeddings();
    assert_eq!((embedded.len(), embedded[0].slots, embedded[0].position), (1, 4, pipeline.features().len() - 1));
    let x: Vec<f64> = pipeline.transform(&table).unwrap();
    let codes: Vec<f64> = x.chunks(pipeline.features().len()).map(|row| row[embedded[0].position]).collect();
    assert_eq!(codes, [1.0, 2.0, 1.0, 3.0, 2.0]);
}

#[test]
fn other_rows_never_change_the_fitted_pipeline() {
    let (mut changed, pipeline) = fitted(&[0, 1, 2], &Preprocess::default());
    for row in ["1e9,zzz,yes,1999-01-01,7", "x,a,no,2024-01-01,8"] {
        row.split(',').zip(&mut changed.columns).for_each(|(cell, column)| column.push(cell));
        changed.lines.push(9);
    }
    let (schema, _) = Schema::infer(&table("houses.csv", MIXED, None), &config("price")).unwrap();
    assert_eq!(Pipeline::fit(&changed, &schema, &[0, 1, 2], &Preprocess::default()).unwrap().0, pipeline);
}

#[test]
fn test_files_never_change_the_model() {
    let rows: Vec<String> = (0..200).map(|i| format!("{},{},{}", i % 17, ["a", "b", "c"][i % 3], i % 2)).collect();
    let main = table("train.csv", &format!("x,c,t\n{}\n", rows.join("\n")), None);
    let tests =
        ["x,c,t\n1,a,0\n2,b,1\n", "x,c,t\n1000000,unheard-of,1\n,,0\n"].map(|text| table("test.csv", text, None));
    let load = |test| Dataset::from_tables(&main, None, Some(test), &config("t")).unwrap();
    let (one, other) = (load(&tests[0]), load(&tests[1]));
    assert_eq!((&one.pipeline, &one.target, &one.schema), (&other.pipeline, &other.target, &other.schema));
    assert_eq!((one.parts.train.x, one.parts.dev.x), (other.parts.train.x, other.parts.dev.x));
    assert_eq!((one.parts.train.rows, one.parts.dev.rows, one.parts.test.rows), (160, 40, 2));
}

#[test]
fn columns_are_matched_by_name() {
    let (_, pipeline) = fitted(&[0, 1, 2, 3], &Preprocess::default());
    let straight = table("new.csv", "size,town,sold,day\n3,b,no,2024-05-06\n", None);
    let mixed = table("new.csv", "extra,day,sold,size,town\n?,2024-05-06,no,3,b\n", None);
    let x: Vec<f64> = pipeline.transform(&straight).unwrap();
    assert_eq!(x, pipeline.transform::<f64>(&mixed).unwrap());
    let renamed = table("new.csv", "Size,town,sold,day\n3,b,no,2024-05-06\n", None);
    let error = pipeline.transform::<f64>(&renamed).unwrap_err().to_string();
    assert!(error.contains("column \"size\" (did you mean \"Size\"?) not found"), "{error}");
}

#[test]
fn a_cell_that_cannot_be_read_is_named() {
    let (_, pipeline) = fitted(&[0, 1, 2, 3], &Preprocess::default());
    for (cell, expected) in [("abc", "a finite number"), ("inf", "a finite number"), ("1e300", "nearer to")] {
        let text = format!("size,town,sold,day\n1,a,no,2024-05-06\n{cell},b,no,2024-05-06\n");
        let error = pipeline.transform::<f64>(&table("new.csv", &text, None)).unwrap_err();
        assert_eq!(error.place.as_deref(), Some("new.csv, line 3, column \"size\""));
        assert!(error.message.contains(cell) && error.message.contains(expected), "{error}");
    }
}

#[test]
fn a_saved_pipeline_is_the_same_pipeline() {
    let (table, pipeline) = fitted(&[0, 1, 2, 3], &Preprocess { bins: Some(2), ..Default::default() });
    let saved = serde_json::to_string(&pipeline).unwrap();
    let read: Pipeline = serde_json::from_str(&saved).unwrap();
    assert_eq!(read, pipeline);
    assert_eq!(read.transform::<f64>(&table).unwrap(), pipeline.transform::<f64>(&table).unwrap());
}

#[test]
fn rows_without_an_answer_are_left_out_with_a_warning() {
    let rows: Vec<String> =
        (0..40).map(|i| format!("{}.5,{}", i, if i == 4 { "" } else { ["p", "q"][i % 2] })).collect();
    let data =
        Dataset::from_tables(&table("a.csv", &format!("x,t\n{}\n", rows.join("\n")), None), None, None, &config("t"))
            .unwrap();
    assert_eq!(data.parts.train.rows + data.parts.dev.rows + data.parts.test.rows, 39);
    assert!(data.warnings[0].contains("1 of 40 rows") && data.warnings[0].contains("line 6"), "{:?}", data.warnings);
}

#[test]
fn weights_are_numbers_of_zero_or_more() {
    let text = |weight: &str| {
        let rows: Vec<String> =
            (0..30).map(|i| format!("{i}.5,{},{}.25", if i == 7 { weight } else { "2" }, i * i)).collect();
        format!("x,w,t\n{}\n", rows.join("\n"))
    };
    let mut config = config("t");
    config.data.weight = Some("w".into());
    let data = Dataset::from_tables(&table("a.csv", &text("2"), None), None, None, &config).unwrap();
    assert!(data.parts.train.weights.unwrap().iter().all(|weight| *weight == 2.0));
    assert_eq!(data.parts.train.columns, 1);
    for wrong in ["-1", "", "many"] {
        let error = Dataset::from_tables(&table("a.csv", &text(wrong), None), None, None, &config).unwrap_err();
        assert_eq!(error.place.as_deref(), Some("a.csv, line 9, column \"w\""), "{error}");
    }
}

const ADULT: [&str; 15] = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
    "income",
];

#[test]
fn adult_has_its_published_counts() {
    let (Some(train), Some(test)) = (shared("adult/adult-train.csv"), shared("adult/adult-test.csv")) else { return };
    let (train, test) = (table("train", &train, Some(&ADULT)), table("test", &test, Some(&ADULT)));
    let data = Dataset::from_tables(&train, None, Some(&test), &Config::default()).unwrap();
    assert_eq!(data.task, Task::Binary);
    assert_eq!(data.target.classes, ["<=50K", ">50K"]);
    assert_eq!((data.parts.train.rows + data.parts.dev.rows, data.parts.test.rows), (32_561, 16_281));
    // 24.1 % of the training file earn more: 7,841 of 32,561.
    let positive = |y: &[f32]| y.iter().filter(|y| **y == 1.0).count();
    assert_eq!(positive(&data.parts.train.y) + positive(&data.parts.dev.y), 7_841);
    assert!((positive(&data.parts.dev.y) as f64 / data.parts.dev.rows as f64 - 0.2408).abs() < 0.001);
    assert!(data.warnings.iter().any(|warning| warning.contains("full stop")), "{:?}", data.warnings);
    assert!(!data.warnings.iter().any(|warning| warning.contains("distribution")), "{:?}", data.warnings);
    assert!(data.decisions.iter().any(|decision| decision.what.contains("\"?\" (4262 cells)")), "{:?}", data.decisions);
}

#[test]
fn titanic_reads_names_and_leaves_out_ids() {
    let Some(text) = shared("titanic/train.csv") else { return };
    let train = table("train.csv", &text, None);
    let data = Dataset::from_tables(&train, None, None, &config("Survived")).unwrap();
    let role = |name: &str| data.schema.columns.iter().find(|column| column.name == name).unwrap().role;
    assert_eq!(
        ["PassengerId", "Name", "Ticket", "Age"].map(role),
        [Role::Id, Role::Feature, Role::Ignored, Role::Feature]
    );
    assert_eq!((data.task, data.parts.train.rows + data.parts.dev.rows + data.parts.test.rows), (Task::Binary, 891));
    // The file without the target can still be read for prediction.
    let unlabelled = table("test.csv", &shared("titanic/test.csv").unwrap(), None);
    let x: Vec<f32> = data.pipeline.transform(&unlabelled).unwrap();
    assert_eq!(x.len(), 418 * data.pipeline.features().len());
}

#[test]
fn housing_is_scaled_by_its_training_rows() {
    let Some(text) = shared("california-housing/housing.csv") else { return };
    let houses = table("housing.csv", &text, None);
    let mut plain = config("median_house_value");
    plain.preprocess.bins = Some(0);
    let data = Dataset::from_tables(&houses, None, None, &plain).unwrap();
    assert_eq!(data.task, Task::Regression);
    let columns = |kind| data.schema.columns.iter().filter(|column| column.kind == kind).count();
    assert_eq!((columns(ColumnKind::Numeric), columns(ColumnKind::Categorical)), (9, 1));
    let (rows, width) = (data.parts.train.rows, data.parts.train.columns);
    assert_eq!(rows, 12_384);
    for (position, input) in data.pipeline.inputs.iter().enumerate() {
        let Transform::Numeric(numeric) = &input.transform else { continue };
        if matches!(numeric.scale, Scale::Standard { .. }) && !numeric.indicator && position < 4 {
            let column: Vec<f64> =
                data.parts.train.x.iter().skip(position).step_by(width).map(|x| f64::from(*x)).collect();
            let mean = column.iter().sum::<f64>() / rows as f64;
            let square = column.iter().map(|x| x * x).sum::<f64>() / rows as f64;
            assert!(mean.abs() < 1e-5 && (square - 1.0).abs() < 1e-5, "{}: {mean}, {square}", input.column);
        }
    }
    let target: f64 = data.parts.train.y.iter().map(|y| f64::from(*y)).sum::<f64>() / rows as f64;
    assert!(target.abs() < 1e-5);
}

#[test]
fn bad_tables_are_errors_with_a_place_and_a_fix() {
    let many = |row: &dyn Fn(usize) -> String| format!("x,t\n{}\n", (0..30).map(row).collect::<Vec<_>>().join("\n"));
    let cases = [
        ("x,t\n".to_string(), "no rows"),
        ("x,t\n1,2\n".into(), "one value only"),
        ("x,t\n1.5,a\n2.5,b\n".into(), "10 or more"),
        (many(&|i| format!("{i}.5,a")), "one value only"),
        (many(&|i| format!("{i}.5,")), "missing in every row"),
        (many(&|i| format!("{i}.5,text number {i}")), "must repeat"),
        (many(&|i| format!("word {i},{}", i % 2)), "no column is left"),
        (many(&|i| format!("{},{}", if i == 4 { "inf".into() } else { format!("{i}.5") }, i % 2)), "found \"inf\""),
        (many(&|i| format!("{},{}", if i == 4 { "1.2.3".into() } else { format!("{i}.5") }, i % 2)), "found \"1.2.3\""),
        (many(&|i| format!("{i}.5,{}.5", if i == 9 { "x".into() } else { i.to_string() })), "found \"x.5\""),
    ];
    for (text, expected) in cases {
        let error = Dataset::from_tables(&table("bad.csv", &text, None), None, None, &config("t")).unwrap_err();
        assert_eq!(error.kind, thalweg::ErrorKind::Data, "{error}");
        assert!(error.message.contains(expected), "expected {expected:?}, found: {error}");
        assert!(error.place.as_deref().is_some_and(|place| place.starts_with("bad.csv")), "{error}");
        assert!(error.remedy.is_some(), "{error}");
    }
}

#[test]
fn a_marker_makes_not_a_number_a_missing_one() {
    let rows: Vec<String> = (0..30).map(|i| format!("{},{}", if i % 5 == 0 { "NaN" } else { "2.5" }, i % 2)).collect();
    let data =
        Dataset::from_tables(&table("a.csv", &format!("x,t\n{}\n", rows.join("\n")), None), None, None, &config("t"))
            .unwrap();
    assert_eq!(data.pipeline.features(), ["x", "x missing"]);
    assert!(data.parts.train.x.iter().all(|x| *x == 0.0 || *x == 1.0), "a constant column survives as zeros");
}

#[test]
fn a_class_that_only_later_rows_have_is_told() {
    let rows: Vec<String> =
        (0..40).map(|i| format!("{i},{}.5,{}", i % 7, if i > 35 { "new" } else { ["a", "b"][i % 2] })).collect();
    let mut config = config("t");
    config.split.time = Some("day".into());
    let table = table("a.csv", &format!("day,x,t\n{}\n", rows.join("\n")), None);
    let error = Dataset::from_tables(&table, None, None, &config).unwrap_err();
    assert!(error.message.contains("no training row is of class \"new\""), "{error}");
}

#[test]
fn a_test_file_of_another_distribution_is_told() {
    let rows = |shift: usize| {
        let rows: Vec<String> = (0..400).map(|i| format!("{},{},{}", i % 97 + shift, i % 89, i % 2)).collect();
        format!("age,height,t\n{}\n", rows.join("\n"))
    };
    let main = table("train.csv", &rows(0), None);
    let warnings = |shift| {
        Dataset::from_tables(&main, None, Some(&table("test.csv", &rows(shift), None)), &config("t")).unwrap().warnings
    };
    assert_eq!(warnings(0), Vec::<String>::new());
    let told = warnings(40);
    assert!(told[0].contains("\"age\"") && !told[0].contains("\"height\""), "{told:?}");
}

/// 60 images of 2 × 2 pixels, three classes; the brightness tells the class.
fn images(source: &str) -> Arrays {
    let x = (0..60).flat_map(|i| [0.0, i as f32, (i % 3) as f32 * 100.0, 255.0]).collect();
    let labels = (0..60).map(|i| (i % 3).to_string());
    Arrays::new(source, &[2, 2], x).unwrap().with_answers("label", labels).unwrap()
}

#[test]
fn images_become_examples_with_one_scale() {
    let data = Dataset::from_arrays(&images("images.npy"), None, None, &Config::default()).unwrap();
    assert_eq!((data.task, data.pipeline.shape()), (Task::Multiclass, vec![2, 2]));
    assert_eq!(data.target.classes, ["0", "1", "2"]);
    let parts = &data.parts;
    assert_eq!((parts.train.rows, parts.dev.rows, parts.test.rows), (36, 12, 12));
    let mean = parts.train.x.iter().map(|x| f64::from(*x)).sum::<f64>() / parts.train.x.len() as f64;
    let square = parts.train.x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / parts.train.x.len() as f64;
    assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-6, "{mean} {square}");
    assert!(parts.dev.place(0).starts_with("images.npy, example "), "{}", parts.dev.place(0));
    let with_test =
        Dataset::from_arrays(&images("images.npy"), None, Some(&images("t.npy")), &Config::default()).unwrap();
    assert_eq!((with_test.parts.train.rows, with_test.parts.test.rows), (48, 60));
}

#[test]
fn bad_arrays_are_errors() {
    assert!(Arrays::new("x.npy", &[2, 2], vec![0.0; 7]).unwrap_err().message.contains("whole examples"));
    let error = Arrays::new("x.npy", &[2], vec![0.0, 1.0, 2.0, f32::NAN]).unwrap_err();
    assert_eq!(error.place.as_deref(), Some("x.npy, example 2, number 2"));
    let one = Arrays::new("x.npy", &[1], vec![0.0, 1.0]).unwrap();
    assert!(one.clone().with_answers("y", ["1".to_string()]).is_err());
    assert!(Dataset::from_arrays(&one, None, None, &Config::default()).unwrap_err().message.contains("no answers"));
    let data = Dataset::from_arrays(&images("a"), None, None, &Config::default()).unwrap();
    let error = data.pipeline.transform_arrays::<f32>(&one, &[0]).unwrap_err();
    assert!(error.message.contains("found examples of shape [1], expected [2, 2]"), "{error}");
}

#[test]
fn dated_rows_can_be_split_by_time() {
    let rows: Vec<String> =
        (1..=28).map(|day| format!("2024-02-{:02},{}.5,{}.25", 29 - day, day % 5, day * day)).collect();
    let table = table("a.csv", &format!("day,x,t\n{}\n", rows.join("\n")), None);
    let random = Dataset::from_tables(&table, None, None, &config("t")).unwrap();
    assert!(random.decisions.iter().any(|decision| decision.flag() == "--time day"), "{:?}", random.decisions);
    let mut config = config("t");
    config.split.time = Some("day".into());
    let data = Dataset::from_tables(&table, None, None, &config).unwrap();
    // The file is in reverse order: the latest six days are its first six rows, lines 2 to 7.
    assert_eq!(data.parts.test.source_lines, [2, 3, 4, 5, 6, 7]);
    assert_eq!(data.parts.dev.source_lines, [8, 9, 10, 11, 12, 13]);
    assert_eq!(data.pipeline.features(), ["x"]);
}
