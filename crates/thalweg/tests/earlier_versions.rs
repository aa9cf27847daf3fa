//! Files of earlier versions: a stopped run resumes, and a model predicts, with bitwise the same results as then.
//!
//! `earlier_version/run` was started with `train sample:digits --layers 8 --epochs 60 --patience 0 --seed 5` and
//! stopped after 21 epochs; `earlier_version/model.safetensors` is the result of the same command without stopping.

use std::fs;
use std::path::Path;

use thalweg::event::Event;
use thalweg::model::Model;
use thalweg::run;

/// Outputs for inputs of every pixel value.
fn outputs(model: &Model) -> Vec<f64> {
    let x: Vec<f32> = (0..10 * 64).map(|i| (i * 37 % 17) as f32 / 8.0 - 1.0).collect();
    model.outputs(&x, Default::default()).unwrap()
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_model_of_one_that_was_not() {
    let former = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/earlier_version");
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(former.join("run")).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let outcome = run::resume(folder.path(), &mut |_: &Event| ()).unwrap();
    assert_eq!(outcome.epochs, 60);
    let (resumed, whole) =
        (Model::load(&outcome.model).unwrap(), Model::load(former.join("model.safetensors")).unwrap());
    assert_eq!(outputs(&resumed), outputs(&whole));
}
