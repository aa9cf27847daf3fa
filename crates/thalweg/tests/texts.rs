//! Columns of free text.

use thalweg::config::Config;
use thalweg::data::dataset::Dataset;
use thalweg::data::preprocess::Transform;
use thalweg::data::source::{self, Source};
use thalweg::event::Event;
use thalweg::export;
use thalweg::model::Model;
use thalweg::run::{self, Outcome};

const GOOD: [&str; 4] = ["a lovely film with heart", "warm and lovely", "I laughed, a joy to watch", "such joy"];
const BAD: [&str; 4] = ["a dull and tired film", "so tired, so dull", "I slept; what a bore to watch", "such a bore"];

/// Reviews of two kinds, each with a number that tells nothing of it.
pub(crate) fn reviews(rows: usize) -> String {
    let row = |i: usize| {
        let (texts, label) = if i.is_multiple_of(2) { (GOOD, "good") } else { (BAD, "bad") };
        let [first, second] = [texts[i / 2 % 4], texts[(i / 8 + 1) % 4]];
        format!("\"{first}. {second} (no. {i})\",{},{label}\n", i * 37 % 101)
    };
    String::from("review,seats,opinion\n") + &(0..rows).map(row).collect::<String>()
}

pub(crate) fn config(folder: &std::path::Path, csv: &str, settings: &[(&str, &str)]) -> Config {
    let path = folder.join("t.csv");
    std::fs::write(&path, csv).unwrap();
    let (data, out) = (path.display().to_string(), folder.join("run").display().to_string());
    let all = [("path", data.as_str()), ("target", "opinion"), ("out", &out)];
    let all = all.iter().chain(settings).map(|&(key, value)| (key.to_string(), value.to_string()));
    Config::load(None, &all.collect::<Vec<_>>()).unwrap()
}

pub(crate) fn trained(folder: &std::path::Path, csv: &str, settings: &[(&str, &str)]) -> Outcome {
    run::train(&config(folder, csv, settings), &mut |_: &Event| {}).unwrap()
}

pub(crate) fn accuracy(outcome: &Outcome) -> f64 {
    outcome.metrics.test["accuracy"].value
}

#[test]
fn texts_are_inputs_by_default_and_left_out_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = trained(folder.path(), &reviews(240), &[("epochs", "6")]);
    assert_eq!(accuracy(&outcome), 1.0);
    let model = Model::load(&outcome.model).unwrap();
    let Transform::Text(text) = &model.pipeline.inputs[0].transform else { panic!("the text comes first") };
    assert!(text.parts && text.vocabulary.place("lovely").is_some() && text.vocabulary.place("lov*").is_some());
    let without = tempfile::tempdir().unwrap();
    let outcome = trained(without.path(), &reviews(240), &[("epochs", "6"), ("text", "off")]);
    assert!(accuracy(&outcome) < 0.8, "the number tells nothing");
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    for text in ["ngrams", "tokens"] {
        let weights = |threads: &str| {
            let folder = tempfile::tempdir().unwrap();
            let settings = [("epochs", "2"), ("text", text), ("threads", threads)];
            Model::load(&trained(folder.path(), &reviews(120), &settings).model).unwrap().theta.to_f64()
        };
        assert_eq!(weights("1"), weights("3"), "{text}");
    }
}

#[test]
fn texts_beside_numbers_go_through_every_option_of_the_network() {
    for settings in [
        &[("layers", "8")][..],
        &[("layers", "none")],
        &[("text", "words")],
        &[("ensemble", "1")],
        &[("recipe", "course"), ("text", "words")],
        &[("quality", "fast")],
        &[("bins", "4")],
        &[("from_disk", "true")],
        &[("text", "tokens")],
        &[("text", "tokens"), ("layers", "8"), ("text_length", "3")],
        &[("text", "tokens"), ("ensemble", "1"), ("bins", "4")],
        &[("recipe", "course"), ("text", "tokens")],
        &[("text", "tokens"), ("from_disk", "true"), ("precision", "bf16")],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let all = [settings, &[("epochs", "1")]].concat();
        let outcome = trained(folder.path(), &reviews(120), &all);
        assert!(!outcome.metrics.test.is_empty(), "{settings:?}");
    }
}

/// A dataset of some texts with a label, of which there are 60 rows.
fn encoded(texts: &[&str], encoding: &str) -> Dataset {
    let row = |i: usize| format!("\"{} and so on\",{}\n", texts[i % texts.len()].replace('"', "\"\""), i % 2);
    let csv = String::from("text,opinion\n") + &(0..60).map(row).collect::<String>();
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &csv, &[("kinds", "text=text"), ("text", encoding)]);
    let Source::Table(table) = source::open(&config.data.path, &config.data).unwrap() else { panic!("a table") };
    Dataset::from_tables(&table.read_all().unwrap(), None, None, &config).unwrap()
}

#[test]
fn texts_of_any_kind_are_read() {
    // Ten megabytes in one cell.
    let long = "word ".repeat(2_000_000);
    let with_a_long_one: Vec<&str> = (0..60).map(|i| if i == 7 { long.as_str() } else { "short" }).collect();
    for texts in [
        &["", "a", "👍👎", "שלום עולם", "مرحبا بالعالم", "你好，世界", "ภาษาไทย", "\u{1}\u{2}", "?!", "-"][..],
        &with_a_long_one,
        &["e\u{301}", "é", "Ⅷ", "ﬁ", "\u{200f}\u{202e}abc", "\u{1f468}\u{200d}\u{1f469}"],
    ] {
        for encoding in ["ngrams", "tokens"] {
            let data = encoded(texts, encoding);
            let x = &data.parts.train.x;
            assert!(!x.is_empty() && x.iter().all(|x| x.is_finite()));
        }
    }
}

#[test]
fn words_that_pull_are_told_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    let mut unsure = Vec::new();
    let mut listen = |event: &Event| match event {
        Event::Words(words) => told.push(words.clone()),
        Event::Finished { answers, .. } => unsure.clone_from(&answers.unsure),
        _ => {}
    };
    let outcome = run::train(&config(folder.path(), &reviews(240), &[("epochs", "6")]), &mut listen).unwrap();
    let [words] = &told[..] else { panic!("one column of texts: {told:?}") };
    let strongest = |towards: &str| {
        let found = words.towards.iter().find(|each| each.towards == towards).unwrap();
        let words: Vec<&str> = found.words.iter().map(|word| word.word.as_str()).collect();
        assert!(found.words.iter().all(|word| word.pull > 0.0 && word.rows >= 3), "{found:?}");
        words
    };
    let (good, bad) = (strongest("good"), strongest("bad"));
    assert!(good.contains(&"joy") && !bad.contains(&"joy"), "{good:?} {bad:?}");
    assert!(bad.contains(&"dull") && !good.contains(&"dull"), "{good:?} {bad:?}");
    let report = std::fs::read_to_string(outcome.run.join("report.html")).unwrap();
    assert!(report.contains("Words that pull: review") && report.contains("<b>joy</b>"));
    // Single texts: each with words of its own that pull towards what is predicted.
    assert!(!unsure.is_empty() && report.contains("<b>pulled by</b>"));
    for row in &unsure {
        let text = row.inputs[0].1.to_lowercase();
        assert!(
            !row.words.is_empty() && row.words.iter().all(|(word, pull)| *pull > 0.0 && text.contains(word)),
            "{row:?}"
        );
    }
}

#[cfg(feature = "onnx")]
#[test]
fn a_model_of_texts_is_exported_with_bags_or_tokens_for_inputs() {
    for (text, each) in [("ngrams", 2), ("tokens", 1)] {
        let folder = tempfile::tempdir().unwrap();
        let outcome = trained(folder.path(), &reviews(120), &[("epochs", "1"), ("text", text)]);
        let model = Model::load(&outcome.model).unwrap();
        for (format, file) in [("onnx", "m.onnx"), ("pytorch", "m.py"), ("keras", "m.keras")] {
            let path = folder.path().join(file);
            let format = export::format(Some(format), &path).unwrap();
            let written = export::export(&model, &path, format, export::ExportOptions::default()).unwrap();
            assert!(path.is_file());
            // What is run before it is written gives the model's answers.
            assert!(written.verification.is_none_or(|found| found.largest_difference < 1e-5));
        }
        let x = model.pipeline.bags("review", &["a joy", ""]).unwrap();
        let column = &model.pipeline.texts()[0];
        let width = each * column.slots;
        assert_eq!((x.len(), column.width()), (2 * width, width));
        assert!(x[width - column.slots] > 0.0 && x[width..].iter().all(|x| *x == 0.0));
        assert!(model.pipeline.bags("seats", &["3"]).unwrap_err().to_string().contains("name one of \"review\""));
    }
}
