//! Texts as tokens: the order of words, vectors to start from, and what is asked of them.

use std::path::Path;

use thalweg::config::Config;
use thalweg::data::preprocess::{Tokenizer, Transform};
use thalweg::data::source::{self, Source};
use thalweg::event::Event;
use thalweg::model::Model;
use thalweg::run;

use crate::texts::{accuracy, config, reviews, trained};

/// Reviews with the same words; which of them is negated makes the difference.
fn of_order(rows: usize) -> String {
    let filler = ["the film", "its plot", "this actor", "all of it", "the end", "her voice", "his work"];
    let row = |i: usize| {
        let [first, second] = if i.is_multiple_of(2) { ["good", "bad"] } else { ["bad", "good"] };
        let label = if i.is_multiple_of(2) { "praise" } else { "scorn" };
        format!(
            "\"{} was {first} and not {second}, {} too (no. {i})\",{label}\n",
            filler[i / 2 % 7],
            filler[i / 14 % 7]
        )
    };
    String::from("review,opinion\n") + &(0..rows).map(row).collect::<String>()
}

/// What a model answers to the rows of a file.
fn answers(model: &Model, folder: &Path) -> Vec<f64> {
    let settings = [("path", folder.join("t.csv").display().to_string())].map(|(key, value)| (key.into(), value));
    let config = Config::load(None, &settings).unwrap();
    let Source::Table(table) = source::open(&config.data.path, &config.data).unwrap() else { panic!("a table") };
    let x: Vec<f32> = model.pipeline.transform(&table.read_all().unwrap()).unwrap();
    model.outputs(&x, Default::default()).unwrap()
}

#[test]
fn the_order_of_words_is_learned_saved_and_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = trained(folder.path(), &of_order(400), &[("text", "tokens"), ("epochs", "8"), ("ensemble", "2")]);
    assert_eq!(accuracy(&outcome), 1.0);
    let model = Model::load(&outcome.model).unwrap();
    let copy = folder.path().join("copy.safetensors");
    model.save(&copy).unwrap();
    let answers = |model: &Model| answers(model, folder.path());
    assert_eq!(answers(&model), answers(&Model::load(&copy).unwrap()));
    let Transform::Tokens(tokens) = &model.pipeline.inputs[0].transform else { panic!("the text is tokens") };
    let Tokenizer::Words(words) = &tokens.tokenizer else { panic!("no tokenizer is given") };
    assert!(words.place("good").is_some() && words.place("not bad").is_none() && tokens.length == 16);
    let card = thalweg::report::card(&model, &[], None);
    assert!(card.contains("the first 16 of"), "{card}");
}

#[test]
fn words_start_from_the_vectors_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = folder.path().join("v.txt");
    std::fs::write(&vectors, "good 1 2 3\nabsent 9 9 9\nbad -1 -2 -3\n").unwrap();
    let path = vectors.display().to_string();
    let settings =
        [("embeddings", path.as_str()), ("epochs", "1"), ("learning_rate", "1e-12"), ("ensemble", "2"), ("seed", "3")];
    let mut told = Vec::new();
    let mut listen = |event: &Event| {
        if let Event::Decision(decision) = event {
            told.push(decision.what.clone());
        }
    };
    let outcome = run::train(&config(folder.path(), &of_order(60), &settings), &mut listen).unwrap();
    assert!(told.iter().any(|what| what.starts_with("2 of ") && what.ends_with("start from vectors of 3")), "{told:?}");
    let model = Model::load(&outcome.model).unwrap();
    let Transform::Tokens(tokens) = &model.pipeline.inputs[0].transform else { panic!("the text is tokens") };
    let tables =
        model.network.layout().entries().iter().filter(|entry| entry.name.ends_with("layers.0.layers.0.weight"));
    let tables: Vec<Vec<f64>> =
        tables.map(|entry| model.theta.view().part(entry.start, entry.shape).to_f64()).collect();
    assert_eq!(tables.len(), 2, "one in each member");
    for token in 2..tokens.tokenizer.count() {
        let rows = || tables.iter().map(|table| &table[3 * token..][..3]);
        let near =
            |expected: [f64; 3]| rows().flatten().zip(expected.iter().cycle()).all(|(x, y)| (x - y).abs() < 1e-6);
        match tokens.tokenizer.piece(token).as_deref() {
            Some("good") => assert!(near([1.0, 2.0, 3.0])),
            Some("bad") => assert!(near([-1.0, -2.0, -3.0])),
            _ => assert_ne!(rows().next(), rows().nth(1), "drawn for each member"),
        }
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let refused = |csv: &str, settings: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("v.txt"), "elsewhere 1 2\n").unwrap();
        let vectors = folder.path().join("v.txt").display().to_string();
        let settings = settings.iter().map(|(key, value)| (key.to_string(), value.replace("v.txt", &vectors)));
        let path = folder.path().join("t.csv");
        std::fs::write(&path, csv).unwrap();
        let (path, out) = (path.display().to_string(), folder.path().join("run").display().to_string());
        let all = [("path", path), ("target", "opinion".into()), ("out", out)].map(|(key, value)| (key.into(), value));
        let all: Vec<_> = all.into_iter().chain(settings).collect();
        match Config::load(None, &all) {
            Ok(config) => run::train(&config, &mut |_: &Event| {}).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        }
    };
    let texts = reviews(60);
    assert!(refused(&texts, &[("text_length", "9")]).contains("--text tokens"));
    assert!(refused(&texts, &[("text", "words"), ("embeddings", "v.txt")]).contains("--text tokens"));
    assert!(refused(&texts, &[("embeddings", "v.txt")]).contains("has a vector"));
    assert!(refused(&texts, &[("embeddings", "v.txt"), ("start_from", "m.safetensors")]).contains("--start-from"));
    assert!(refused(&texts, &[("embeddings", "nowhere.txt")]).contains("nowhere.txt"));
    assert!(refused(&texts, &[("tokenizer", "nowhere.json")]).contains("nowhere.json"));
    assert!(refused(&texts, &[("text", "tokens"), ("text_length", "0")]).contains("--text-length"));
    let numbers = String::from("a,opinion\n") + &(0..60).map(|i| format!("{i},{}\n", i % 2)).collect::<String>();
    assert!(refused(&numbers, &[("embeddings", "v.txt")]).contains("no column is one"));
}

#[test]
fn bytes_that_are_no_text_are_read_as_by_bags() {
    let rows = (0..60).map(|i| [b"\"so \xff\xfe bad and ", format!("so on {i}\",{}\n", i % 2).as_bytes()].concat());
    let csv = [&b"review,opinion\n"[..], &rows.collect::<Vec<_>>().concat()].concat();
    for text in ["ngrams", "tokens"] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path(), "", &[("text", text), ("kinds", "review=text"), ("epochs", "1")]);
        config.data.encoding = Some("utf-8".into());
        std::fs::write(folder.path().join("t.csv"), &csv).unwrap();
        match run::train(&config, &mut |_: &Event| {}) {
            Ok(outcome) => assert!(!outcome.metrics.test.is_empty()),
            Err(error) => {
                assert!(error.to_string().contains("utf-8") || error.to_string().contains("UTF-8"), "{error}")
            }
        }
    }
}

/// A WordPiece tokenizer of a few words.
#[cfg(feature = "tokenizers")]
fn tokenizer() -> String {
    let words = ["[UNK]", "good", "bad", "not", "and", "was", "the", "film", "##s"];
    let vocabulary: serde_json::Map<_, _> =
        words.iter().zip(0..).map(|(word, id)| (word.to_string(), id.into())).collect();
    serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "post_processor": null,
        "normalizer": { "type": "Lowercase" }, "pre_tokenizer": { "type": "BertPreTokenizer" }, "decoder": null,
        "model": { "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary }
    })
    .to_string()
}

#[cfg(feature = "tokenizers")]
#[test]
fn a_tokenizer_beside_vectors_goes_into_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let [json, vectors] = ["tokenizer.json", "model.safetensors"].map(|name| folder.path().join(name));
    std::fs::write(&json, tokenizer()).unwrap();
    let header = r#"{"embeddings":{"dtype":"F32","shape":[9,4],"data_offsets":[0,144]}}"#;
    let numbers: Vec<u8> = (0..36).flat_map(|i| (i as f32 / 36.0 - 0.5).to_le_bytes()).collect();
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &numbers].concat();
    std::fs::write(&vectors, bytes).unwrap();
    let path = vectors.display().to_string();
    let outcome = trained(folder.path(), &of_order(400), &[("embeddings", &path), ("epochs", "40"), ("ensemble", "1")]);
    assert_eq!(accuracy(&outcome), 1.0);
    for file in [&json, &vectors] {
        std::fs::remove_file(file).unwrap();
    }
    // The model has all that it needs.
    let model = Model::load(&outcome.model).unwrap();
    assert_eq!(model.pipeline.texts()[0].features, 10);
    assert!(answers(&model, folder.path()).iter().all(|x| x.is_finite()));
}
