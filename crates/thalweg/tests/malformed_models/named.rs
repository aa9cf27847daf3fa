//! Inconsistencies are named.

use serde_json::{Value, json};
use thalweg::ErrorKind;
use thalweg::io::safetensors::{Container, TensorData};
use thalweg::model::Model;

use super::models::{CLASSES, NUMBERS, PLACE, clips, open, part, pictures, sounds, with};

/// Checks that a model with some values of a part changed is rejected with these words.
fn refused(bytes: &[u8], text: &str, changes: &[(&str, Value)], words: &str) {
    let file = open(bytes);
    let mut value = part(&file, text);
    for (place, other) in changes {
        match value.pointer_mut(place) {
            Some(found) => *found = other.clone(),
            // Keys with default values are left out.
            None => {
                let (object, key) = place.rsplit_once('/').unwrap();
                value.pointer_mut(object).unwrap()[key] = other.clone();
            }
        }
    }
    let sealed = with(&file, text, &value);
    refused_bytes(&sealed, words, &format!("{text} {changes:?}"));
}

fn refused_bytes(sealed: &[u8], words: &str, what: &str) {
    let error = Model::from_bytes(sealed, PLACE).map(|_| ()).expect_err(what);
    assert!(error.kind == ErrorKind::Data && error.place.as_deref() == Some(PLACE), "{what}: {error}");
    assert!(error.message.contains(words), "{what}: expected {words:?} in {error}");
}

#[test]
fn columns_and_their_transforms() {
    let inputs = part(&open(CLASSES), "pipeline")["inputs"].as_array().unwrap().clone();
    let without: Vec<&Value> = inputs.iter().skip(1).collect();
    let twice: Vec<&Value> = inputs.iter().take(1).chain(&inputs).collect();
    let turned: Vec<&Value> = inputs.iter().rev().collect();
    for (place, other, words) in [
        ("/inputs", json!(without), "feature \"size\" is not in the pipeline"),
        ("/inputs", json!(twice), "takes the column \"size\" twice"),
        ("/inputs", json!(turned), "codes before other inputs"),
        ("/inputs/0/column", json!("length"), "\"length\", which is no feature"),
        ("/inputs/0/column", json!("kind"), "\"kind\", which is no feature"),
        ("/inputs/0/transform", inputs[2]["transform"].clone(), "\"size\": the schema says that it is Numeric"),
        ("/inputs/0/transform/indicator", json!(false), "its network takes examples of"),
        ("/inputs/0/transform/bins", Value::Null, "its network takes examples of"),
        ("/inputs/0/transform/bins/edges", json!([]), "\"size\": bins of 0 edges"),
        ("/inputs/0/transform/bins/edges", json!([1.0]), "bins of 1 edges"),
        ("/inputs/0/transform/bins/edges", json!([1.0, 1.0, 2.0, 3.0]), "do not rise"),
        ("/inputs/0/transform/bins/edges", json!([1.0, 3.0, 2.0, 4.0]), "do not rise"),
        ("/inputs/0/transform/scale", json!({"standard": {"mean": 1.0, "deviation": 0.0}}), "scaled by 1e0 and 0e0"),
        ("/inputs/0/transform/scale", json!({"standard": {"mean": 1.0, "deviation": -2.0}}), "one above 0"),
        ("/inputs/0/transform/scale", json!({"robust": {"median": 1.0, "spread": 0.0}}), "one above 0"),
        ("/inputs/0/transform/scale", json!({"min_max": {"low": 2.0, "high": 1.0}}), "one above 0"),
        ("/inputs/0/transform/scale", json!({"min_max": {"low": -1e308, "high": 1e308}}), "one above 0"),
        ("/inputs/0/transform/fill", json!(1e300), "the fill 1e300 is far"),
        ("/inputs/2/transform/fill", json!(-1e300), "\"old\": the fill"),
        (
            "/inputs/3/transform/categories/values",
            json!(["Kiel", "Bonn", "Ulm"]),
            "\"city\": its categories are not sorted",
        ),
        ("/inputs/3/transform/categories/values", json!(["Bonn", "Bonn", "Ulm"]), "comes twice"),
        ("/inputs/3/transform/categories/values", json!([]), "becomes no input"),
        ("/inputs/4/transform/format", json!("%Q"), "\"built\": the date format \"%Q\" is none"),
        ("/inputs/4/transform/format", json!("%d.%m.%Y"), "another in the schema"),
        ("/inputs/4/transform/clock", json!(false), "its network takes examples of"),
        ("/inputs/4/transform/scale/standard/deviation", json!(1e-300), "years are far"),
        ("/inputs/5/transform/categories/missing", json!(true), "codes for \"street\", its network has vectors for"),
        ("/inputs/5/transform/dimension", json!(0), "vectors of no numbers"),
        ("/inputs/0/unknown", json!(1), "pipeline.inputs[0] has \"unknown\", which is not known"),
        ("/inputs/0/transform/unknown", json!(1), "pipeline.inputs[0].transform has \"unknown\""),
        ("/notation/unknown", json!(1), "pipeline.notation has \"unknown\""),
        ("/inputs/0/transform/kind", json!("k".repeat(9000)), "its pipeline cannot be read: unknown variant"),
    ] {
        refused(CLASSES, "pipeline", &[(place, other)], words);
    }
}

#[test]
fn targets_classes_and_tasks() {
    for (place, other, words) in [
        ("/task", json!("binary"), "the target's task is binary, the schema's multiclass"),
        ("/columns", json!(["size"]), "the target predicts \"size\", the schema \"kind\""),
        ("/columns", json!([]), "the schema \"kind\""),
        ("/classes", json!(["a", "b"]), "its network has 3 outputs, its target needs 2"),
        ("/classes", json!(["a", "b", "c", "d"]), "its target needs 4"),
        ("/classes", json!([]), "0 classes for multiclass"),
        ("/classes", json!(["a", "b", "a"]), "the class \"a\" comes twice"),
        ("/classes", json!(["a", "b", ""]), "the class \"\" can be none"),
        ("/scales", json!([[0.0, 1.0]]), "1 scales of numeric targets, expected 0"),
        ("/separator", json!(";"), "separator is another"),
        ("/unknown", json!(1), "target has \"unknown\""),
        ("/thresholds", json!([0.5]), "1 thresholds for multiclass"),
        ("/calibration", json!({"rows": 1, "scores": [vec![0.5; 49]]}), "its calibration on 1 rows"),
        ("/calibration", json!({"rows": 1, "scores": [vec![0.5; 50], vec![0.5; 50]]}), "is none of 1 targets"),
    ] {
        refused(CLASSES, "target", &[(place, other)], words);
    }
    for (place, other, words) in [
        ("/columns", json!(["size"]), "the schema \"size\", \"price\""),
        ("/columns", json!(["price", "size"]), "the target predicts \"price\", \"size\""),
        ("/scales", json!([[1.0, 2.0]]), "1 scales of numeric targets, expected 2"),
        ("/scales/1/1", json!(0.0), "no finite mean and deviation > 0"),
        ("/scales/1/1", json!(-3.0), "no finite mean and deviation > 0"),
        ("/scales/0/1", json!(1e200), "no finite mean and deviation > 0"),
        ("/scales/0/0", json!(1e308), "no finite mean and deviation > 0"),
        ("/classes", json!(["a"]), "1 classes for regression"),
        ("/thresholds", json!([0.5, 0.5]), "2 thresholds for regression"),
        ("/limits", json!([[0.0, 1.0]]), "1 limits of 2 numeric targets"),
        ("/limits", json!([[0.0, 1.0], [2.0, 1.0]]), "a target's limits are no range"),
        ("/quantiles", json!([0.1, 0.9]), "2 quantiles of 2 targets for regression"),
        ("/calibration", json!({"rows": 0, "scores": []}), "its calibration on 0 rows"),
        ("/calibration", json!({"rows": 1, "scores": [vec![0.5; 50], vec![1e308; 50]]}), "its calibration on 1 rows"),
        ("/calibration", json!({"rows": 2, "scores": [vec![0.5; 66], (0..66).rev().collect::<Vec<_>>()]}), "on 2 rows"),
    ] {
        refused(NUMBERS, "target", &[(place, other)], words);
    }
    for (bytes, task) in [(NUMBERS, "multiclass"), (NUMBERS, "multilabel"), (CLASSES, "regression")] {
        let file = open(bytes);
        let mut both = file.clone();
        for text in ["schema", "target"] {
            let mut value = part(&file, text);
            value["task"] = json!(task);
            both.metadata.insert(text.into(), value.to_string());
        }
        refused_bytes(&both.to_bytes(), &format!("for {task}"), task);
    }
    refused(CLASSES, "schema", &[("/columns/0/role", json!("ignored"))], "\"size\", which is no feature");
    refused(CLASSES, "schema", &[("/columns/0/name", json!("far"))], "\"far\" comes twice in the schema");
    refused(CLASSES, "schema", &[("/columns/0/kind", json!("boolean"))], "the schema says that it is Boolean");
    refused(CLASSES, "schema", &[("/columns/0/unknown", json!(1))], "schema.columns[0] has \"unknown\"");
    refused(CLASSES, "provenance", &[("/metrics/dev/accuracy/unknown", json!(1))], "which is not known");
    refused(CLASSES, "provenance", &[("/examples", json!([1, 2, 3]))], "provenance.examples is not in the form");
}

#[test]
fn networks_and_arrays() {
    refused(CLASSES, "input", &[("/0", json!(9))], "an embedding for");
    refused(CLASSES, "layers", &[("/0/columns/0/slots", json!(1_u64 << 62))], "larger than any memory");
    refused(CLASSES, "layers", &[("/0/columns/0/dimension", json!(u64::MAX))], "examples of shape");
    refused(CLASSES, "layers", &[("/0/dense", json!(u64::MAX))], "an embedding for");
    refused(CLASSES, "layers", &[("/1/units", json!(5))], "\"layers.1.weight\" is F32 of shape [4, 33]");
    refused(CLASSES, "layers", &[("/1/unknown", json!(5))], "unknown field `unknown`");
    refused(CLASSES, "layers", &[("/1/kind", json!("k".repeat(9000)))], "unknown kind of layer");

    let (pictures, sounds) = (pictures(), sounds());
    for (place, other, words) in [
        (
            "/array",
            json!({"shape": [5, 6, 3], "scales": ["none"]}),
            "its network takes examples of 6×5×3, its pipeline gives [5, 6, 3]",
        ),
        ("/array/shape", json!([5, 6, 3]), "files are brought to [6, 5, 3], and the pipeline takes [5, 6, 3]"),
        ("/array/scales/0/standard/mean", json!(1e308), "beyond numbers of 32 bits"),
        ("/array/scales/0/standard/deviation", json!(1e-320), "beyond numbers of 32 bits"),
        ("/array/shape", json!([6, 5, 1, 3]), "files are brought to"),
        ("/array/shape", json!([u64::MAX, 5, 3]), "takes arrays of shape"),
        ("/array/scales", json!([]), "0 scales for arrays"),
        ("/array/scales", json!(["none", "none"]), "2 scales for arrays"),
        ("/array/form/pictures/height", json!(1_u64 << 53), "files cannot be brought to"),
        ("/array/form/pictures/channels", json!(1), "files are brought to [6, 5]"),
        ("/array/form/pictures/unknown", json!(1), "pipeline.array.form.pictures has \"unknown\""),
        ("/inputs", part(&open(CLASSES), "pipeline")["inputs"].clone(), "both columns and arrays"),
    ] {
        refused(&pictures, "pipeline", &[(place, other)], words);
    }
    let form = json!({"sounds": {"sample_rate": 1_u64 << 60, "samples": 60, "equal_loudness": true}});
    refused(&sounds, "pipeline", &[("/array/form", form)], "files cannot be brought to");

    let clips = clips();
    for (place, other, words) in [
        ("/array/form/clips/frames", json!(0), "files cannot be brought to"),
        ("/array/form/clips/frames", json!(1_u64 << 60), "files cannot be brought to"),
        ("/array/form/clips/frames", json!(2), "files are brought to [6, 4]"),
        ("/array/form/clips/frame/width", json!(0), "files cannot be brought to"),
    ] {
        refused(&clips, "pipeline", &[(place, other)], words);
    }
    for count in [0, 2, u64::MAX] {
        refused(&clips, "layers", &[("/0/count", json!(count))], "frames of examples of 9×4");
    }

    let far = |n: u64| [("/5/dilation", json!(n)), ("/5/padding", json!([[n, n], [n, n]]))];
    refused(&pictures, "layers", &far(60_000), "with padding are 120003×120003");
    refused(&pictures, "layers", &[("/5/dilation", json!(60_000))], "a window reaches over 60001 of 5 pixels");
    refused(&pictures, "layers", &[("/5/groups", json!(0))], "0 groups");
    refused(&pictures, "layers", &[("/5/stride", json!(0))], "stride [0, 0]");
    refused(&pictures, "layers", &[("/1/epsilon", json!(1e-320))], "batch norm with ε");
    refused(&pictures, "layers", &[("/6/epsilon", json!(0))], "layer norm with ε");
    refused(&pictures, "layers", &[("/3/layers/0/unknown", json!(1))], "unknown");
    // Millions of windows that are all pooled into one value per channel.
    refused(&pictures, "layers", &far(2040), "becomes");
    for (place, other, words) in [
        ("/0/hop", json!(0), "window, hop, bands"),
        ("/0/window", json!(1_u64 << 40), "window, hop, bands"),
        ("/0/high", json!(5.0), "frequencies from 10 to 5"),
        ("/0/offset", json!(1e-300), "offset"),
        ("/0/coefficients", json!(9), "coefficients"),
    ] {
        refused(&sounds, "layers", &[(place, other)], words);
    }
}

#[test]
fn parameters_and_what_belongs_to_no_model() {
    let changed = |bytes: &[u8], change: &dyn Fn(&mut Container)| {
        let mut file = open(bytes);
        change(&mut file);
        file.to_bytes()
    };
    let set = |file: &mut Container, name: &str, x: f32| {
        let tensor = file.tensors.iter_mut().find(|tensor| tensor.name == name).unwrap();
        let TensorData::F32(numbers) = &mut tensor.numbers else { unreachable!("32 bits") };
        numbers[1] = x;
    };
    for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let bytes = changed(CLASSES, &|file| set(file, "layers.1.weight", x));
        refused_bytes(&bytes, "\"layers.1.weight\" has a number that is not finite", "θ");
    }
    let pictures = pictures();
    let bytes = changed(&pictures, &|file| set(file, "layers.1.variance", -0.5));
    refused_bytes(&bytes, "layers.1: a variance of -0.5", "variance");
    let more = changed(CLASSES, &|file| {
        let other = file.tensors[0].clone();
        file.tensors.push(thalweg::io::safetensors::Stored { name: "more".into(), ..other });
    });
    refused_bytes(&more, "\"more\" belongs to nothing", "a tensor more");
    refused_bytes(&changed(CLASSES, &|file| drop(file.tensors.pop())), "there is no tensor", "a tensor less");
    let text = |name: &str, text: &str| changed(CLASSES, &|file| drop(file.metadata.insert(name.into(), text.into())));
    refused_bytes(&text("more", "1"), "it has \"more\", which no model has", "a text more");
    refused_bytes(&text("format", &"9".repeat(9000)), "it has format", "another format");
    refused_bytes(&text("layers", &"[".repeat(100_000)), "its layers cannot be read", "deep");
    refused_bytes(&changed(CLASSES, &|file| drop(file.metadata.remove("target"))), "no \"target\"", "a text less");
}

/// Some of these as files, for the tests of the Python package, which does not compute checksums itself.
#[test]
fn files_for_other_tests_are_these() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/malformed_models/models");
    let file = open(NUMBERS);
    for (name, text, place, other) in [
        (
            "no-bins-edges",
            "pipeline",
            "/inputs/0/transform",
            json!({"kind": "numeric", "fill": 0.0, "indicator": false, "scale": "none", "bins": {"edges": []}}),
        ),
        ("scales", "target", "/scales", json!([[1.0, 2.0]])),
        ("units", "layers", "/2/units", json!(1_u64 << 53)),
        ("unknown", "schema", "/columns/0/unknown", json!(1)),
    ] {
        let mut value = part(&file, text);
        match value.pointer_mut(place) {
            Some(found) => *found = other,
            None => value["columns"][0]["unknown"] = other,
        }
        let (path, bytes) = (folder.join(format!("wrong-{name}.safetensors")), with(&file, text, &value));
        if std::env::var_os("THALWEG_WRITE_MODELS").is_some() {
            std::fs::write(&path, &bytes).unwrap();
        }
        assert!(std::fs::read(&path).unwrap() == bytes, "write {name} anew with THALWEG_WRITE_MODELS=1");
        assert_eq!(Model::load(&path).unwrap_err().kind, ErrorKind::Data);
    }
}
