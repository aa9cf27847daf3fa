//! Decisions made where the user leaves options open.

use thalweg::config::Config;
use thalweg::run::{Preview, preview};

/// The plan of training on a sample with the given options.
fn planned(options: &[(&str, &str)]) -> Preview {
    let all = [("path", "sample:iris"), ("target", "species")].iter().chain(options);
    let all: Vec<(String, String)> = all.map(|&(key, value)| (key.into(), value.into())).collect();
    preview(&Config::load(None, &all).unwrap()).unwrap()
}

fn layers(preview: &Preview) -> Vec<&str> {
    preview.layers.iter().map(|layer| layer.description.as_str()).collect()
}

fn decided(preview: &Preview, what: &str) -> bool {
    preview.decisions.iter().any(|decision| decision.what.contains(what))
}

#[test]
fn dropout_follows_layers_that_can_spare_units() {
    let default = planned(&[]);
    assert!(decided(&default, "dropout of 0.2 after each hidden layer"), "{:?}", default.decisions);
    assert!(decided(&planned(&[("layers", "32,32,32,32,32,32,32,32")]), "dropout of 0.05 after"));
    let mixed = planned(&[("layers", "64,8")]);
    let after: Vec<bool> = layers(&mixed).windows(2).map(|pair| pair[1].starts_with("dropout")).collect();
    assert_eq!(after, [true, false, false], "{:?}", layers(&mixed));
    assert!(decided(&mixed, "of 16 units or more"));
    for options in [[("layers", "8")], [("layers", "none")], [("batch_norm", "true")]] {
        assert!(!decided(&planned(&options), "dropout"), "{options:?}");
    }
    let asked = planned(&[("batch_norm", "true"), ("dropout", "0.5"), ("ensemble", "1")]);
    assert!(layers(&asked).iter().any(|layer| layer.starts_with("dropout 0.5")), "{:?}", layers(&asked));
}

#[test]
fn a_linear_model_learns_faster() {
    assert!(decided(&planned(&[("layers", "none")]), "a learning rate of 0.02"));
    assert!(decided(&planned(&[]), "a learning rate of 0.002"));
    assert!(!decided(&planned(&[("layers", "none"), ("learning_rate", "0.1")]), "a learning rate"));
}

#[test]
fn few_dev_images_choose_among_late_epochs_alone() {
    let plan = |rows: usize| {
        let folder = tempfile::tempdir().unwrap();
        let x: Vec<u8> = (0..rows * 64).map(|i| (i * 37 % 251) as u8).collect();
        let labels: Vec<u8> = (0..rows).map(|row| (row % 2) as u8).collect();
        let idx = |kind: u8, sizes: &[usize], bytes: &[u8]| {
            let sizes = sizes.iter().flat_map(|&size| (size as u32).to_be_bytes());
            [0, 0, 8, kind].into_iter().chain(sizes).chain(bytes.iter().copied()).collect::<Vec<u8>>()
        };
        std::fs::write(folder.path().join("train-images.idx"), idx(3, &[rows, 8, 8], &x)).unwrap();
        std::fs::write(folder.path().join("train-labels.idx"), idx(1, &[rows], &labels)).unwrap();
        let path = folder.path().display().to_string();
        preview(&Config::load(None, &[("path".into(), path)]).unwrap()).unwrap()
    };
    assert!(decided(&plan(200), "the best epoch is chosen from epoch 50 on"), "{:?}", plan(200).decisions);
    assert!(!decided(&plan(600), "the best epoch is chosen from"), "120 dev rows are enough");
    assert!(!decided(&planned(&[]), "the best epoch is chosen from"), "tables have no need of it");
}

#[test]
fn an_ensemble_is_trained_on_dev_rows_split_off_at_random() {
    let told = |options: &[(&str, &str)]| {
        let preview = planned(options);
        (decided(&preview, "are trained on, too"), preview.examples.train, preview.examples.dev)
    };
    assert_eq!(told(&[]), (true, 120, 30));
    assert_eq!(told(&[("train_on_dev", "false")]), (false, 90, 30));
    for options in [("ensemble", "1"), ("fold", "0,5"), ("group", "petal_width_cm"), ("edition", "1"), ("layers", "8")]
    {
        assert!(!told(&[options]).0, "{options:?}");
    }
    let all = [("path", "sample:iris"), ("ensemble", "1"), ("train_on_dev", "true")];
    let all: Vec<(String, String)> = all.iter().map(|&(key, value)| (key.into(), value.into())).collect();
    let error = preview(&Config::load(None, &all).unwrap()).unwrap_err();
    assert_eq!(error.place.as_deref(), Some("train.train_on_dev"));
}

#[test]
fn the_best_quality_tries_several_kinds_of_networks() {
    let best = planned(&[("quality", "best")]);
    assert!(decided(&best, "members are of 4 kinds"), "{:?}", best.decisions);
    assert!(layers(&best)[0].starts_with("ensemble of 5 × (linear 4 → 64, relu"), "{:?}", layers(&best));
    assert_eq!(layers(&best)[1], "average of softmax over 20 members");
    // What the user has decided about the network is not tried otherwise.
    for options in [("layers", "8"), ("activation", "tanh"), ("bins", "4"), ("edition", "1"), ("ensemble", "1")] {
        assert!(!decided(&planned(&[("quality", "best"), options]), "members are of"), "{options:?}");
    }
}

#[test]
fn numbers_are_embedded_as_asked() {
    let of = |options: &[(&str, &str)]| -> Vec<String> {
        let plan = planned(&[&[("layers", "8"), ("ensemble", "1")], options].concat());
        layers(&plan).into_iter().map(String::from).collect()
    };
    let unembedded = of(&[("number_embedding", "none")]);
    assert_eq!(unembedded[0], "linear 4 → 8, relu");
    // Iris has fewer rows than get an embedding by default.
    assert_eq!(of(&[]), unembedded);
    let bins = of(&[("number_embedding", "piecewise_linear"), ("bins", "5")]);
    assert_eq!(bins[..2], ["piecewise-linear embedding of 4 inputs in 16, up to 5 bins", "linear 68 → 8, relu"]);
    assert!(of(&[("number_embedding", "piecewise_linear")])[0].starts_with("piecewise-linear embedding of 4 inputs"));
    let periodic = of(&[("number_embedding", "periodic")]);
    assert_eq!(periodic[..2], ["periodic embedding of 4 inputs in 16, 16 frequencies each", "linear 68 → 8, relu"]);
    // Without hidden layers, too, answers are sums of functions of each number.
    assert_eq!(of(&[("layers", "none"), ("number_embedding", "periodic")])[1..], ["linear 68 → 3"]);
    let candidates = "[{ number_embedding = \"periodic\", periodic_sigma = 0.5 }, { parametrization = \"ntk\" }]";
    let kinds = &of(&[("ensemble", "2"), ("candidates", candidates)])[0];
    assert!(kinds.contains("periodic embedding of 4 inputs") && kinds.contains("linear 4 → 8, NTK, relu"), "{kinds}");
}

#[test]
fn the_ntk_parametrisation_is_that_of_every_linear_layer() {
    let ntk = ("parametrization", "ntk");
    let plan = planned(&[("layers", "8,4"), ("ensemble", "1"), ("dropout", "0"), ntk]);
    assert_eq!(layers(&plan), ["linear 4 → 8, NTK, relu", "linear 8 → 4, NTK, relu", "linear 4 → 3, NTK"]);
    let normed = planned(&[("layers", "8"), ("ensemble", "1"), ("batch_norm", "true"), ntk]);
    assert_eq!(layers(&normed)[0], "linear 4 → 8, NTK, no bias");
}

#[test]
fn candidates_are_tables_of_options_of_a_network() {
    let candidates = ("candidates", "[{ layers = [] }, { layers = [8, 4], activation = \"tanh\" }]");
    let given = planned(&[candidates, ("ensemble", "3")]);
    assert!(
        layers(&given)[0].ends_with("and 3 × (linear 4 → 8, tanh; linear 8 → 4, tanh; linear 4 → 3)"),
        "{:?}",
        layers(&given)
    );
    assert_eq!(layers(&given)[1], "average of softmax over 6 members");
    let refused = |candidates: &str, more: (&str, &str)| {
        let all = [("path", "sample:iris"), ("candidates", candidates), more];
        let all: Vec<(String, String)> = all.iter().map(|&(key, value)| (key.into(), value.into())).collect();
        Config::load(None, &all).and_then(|config| preview(&config)).unwrap_err().to_string()
    };
    let usual = ("ensemble", "2");
    let error = refused("[{ layer = [8] }]", usual);
    assert!(error.contains("unknown key \"layer\" (did you mean \"layers\"?)"), "{error}");
    let error = refused("[{ layers = [8, -1] }]", usual);
    assert!(error.contains("layers") && error.contains("-1"), "{error}");
    assert!(refused("[7]", usual).contains("write a table such as"));
    assert!(refused("[{ bins = 8 }, { bins = 0 }]", ("ensemble", "1")).contains("candidates for one network"));
}
