//! Export and import: every kind of layer is exported and, where parameters can be imported, imported again.

use std::path::Path;

use thalweg::data::cell_format::CellFormat;
use thalweg::data::preprocess::{
    ArrayScale, Bins, Boolean, Categories, Datetime, Embedding, Input, Numeric, OneHot, Ordered, Pipeline, Scale,
    Transform,
};
use thalweg::data::schema::{Column, ColumnKind, Role, Schema, Task};
use thalweg::data::target::Target;
use thalweg::layers::{self, Embedded, Layer, Linear};
use thalweg::model::{Model, Provenance};
use thalweg::network::Network;
use thalweg::tensor::{Activation, Dtype, Shape, Tensor};
use thalweg::{export, import};

fn target(name: &str) -> Column {
    Column::new(name, ColumnKind::Numeric, Role::Target)
}

/// A model of two targets that takes arrays of a shape: these layers, plus a linear one if the number of outputs
/// differs.
fn model(shape: Shape, mut layers: Vec<Box<dyn Layer>>) -> Model {
    let output = layers.iter().try_fold(shape, |shape, layer| layer.output(shape)).unwrap();
    if output.dimensions() != [2] {
        layers.push(Box::new(Linear::new(2, Activation::Identity)));
    }
    let network = Network::new(shape, layers).unwrap();
    let array = ArrayScale { shape: shape.dimensions().to_vec(), scales: vec![Scale::None], media: None };
    Model {
        forecast: None,
        theta: network.initialize(3, Dtype::F32),
        network,
        pipeline: Pipeline {
            cell_format: CellFormat::default(),
            inputs: Vec::new(),
            array: Some(array),
            grouping: None,
        },
        schema: Schema {
            columns: ["a", "b"].map(target).to_vec(),
            task: Task::Regression,
            cell_format: CellFormat::default(),
            separator: None,
            classes: Vec::new(),
        },
        target: Target {
            task: Task::Regression,
            columns: vec!["a".into(), "b".into()],
            classes: Vec::new(),
            scales: vec![(0.0, 1.0), (0.0, 1.0)],
            separator: None,
            cell_format: CellFormat::default(),
            formats: Vec::new(),
            thresholds: Vec::new(),
            calibration: None,
            quantiles: Vec::new(),
            limits: Vec::new(),
        },
        provenance: Provenance::default(),
    }
}

fn each_layer(check: impl Fn(&str, Model)) {
    for kind in layers::ALL {
        for (layer, shape) in (kind.examples)() {
            let name = format!("{} {}", kind.name, layer.config());
            check(&name, model(shape, vec![layer]));
        }
    }
}

/// Makes every parameter distinct, so that none can be swapped unnoticed.
fn count(model: &mut Model) {
    let numbers = (1..=model.theta.view().len()).map(|i| i as f32 / 8.0).collect();
    model.theta = Tensor::from_f32(model.theta.shape(), numbers);
}

#[test]
fn every_layer_goes_to_pytorch_and_keras_in_the_same_bytes_each_time() {
    each_layer(|name, model| {
        for format in ["pytorch", "keras"].map(|to| export::format(Some(to), Path::new("net")).unwrap()) {
            let write =
                || (format.write)(&model, &export::ExportOptions { stem: "net".into(), ..Default::default() }).unwrap();
            let (once, again) = (write(), write());
            assert!(!once.bytes.is_empty(), "{name} to {}", format.name);
            assert_eq!((once.bytes, once.sidecars), (again.bytes, again.sidecars), "{name} to {}", format.name);
        }
    });
}

#[test]
fn parameters_come_back_from_pytorch_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let format = export::format(Some("pytorch"), Path::new("net.py")).unwrap();
    each_layer(|name, mut like| {
        let empty = Model::from_bytes(&like.to_bytes(), "like").unwrap();
        count(&mut like);
        let written =
            export::export(&like, &folder.path().join("net.py"), format, export::ExportOptions::default()).unwrap();
        let (back, decisions) = import::safetensors(&written.sidecars[0], empty, &[]).unwrap();
        assert_eq!(back.theta, like.theta, "{name}");
        assert!(decisions.is_empty(), "{name}: {decisions:?}");
    });
}

#[test]
fn parameters_of_pytorch_give_its_outputs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pytorch");
    let text = std::fs::read_to_string(folder.join("outputs.json")).unwrap();
    let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (name, case) in golden["cases"].as_object().unwrap() {
        let shape: Shape = serde_json::from_value(case["input"].clone()).unwrap();
        let layers =
            case["layers"].as_array().unwrap().iter().map(|layer| layers::read_layer(layer.clone(), &[]).unwrap());
        let mut like = model(shape, layers.collect());
        if name == "doubles" {
            like.theta = like.theta.to(Dtype::F64);
        }
        let (model, decisions) = import::safetensors(&folder.join(format!("{name}.safetensors")), like, &[]).unwrap();
        let told = &decisions[0].what;
        if name == "rows" {
            assert!(told.ends_with("fc1=layers.0, fc2=layers.1, fc10=layers.2, out=layers.3"), "{told}");
        }
        let numbers =
            |key: &str| case[key].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect::<Vec<f64>>();
        let x: Vec<f32> = numbers("x").into_iter().map(|x| x as f32).collect();
        for (ours, theirs) in model.outputs(&x, Default::default()).unwrap().into_iter().zip(numbers("y")) {
            assert!((ours - theirs).abs() < 1e-6, "{name}: {ours}, PyTorch {theirs}");
        }
    }
}

#[test]
fn what_does_not_fit_is_told_with_the_nearest_name() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pytorch/rows.safetensors");
    let linear = |units| Box::new(Linear::new(units, Activation::Relu)) as Box<dyn Layer>;
    let import = |units: [usize; 3], map: &[(&str, &str)]| {
        let map: Vec<_> = map.iter().map(|(from, to)| (from.to_string(), to.to_string())).collect();
        import::safetensors(&file, model([3].into(), units.map(linear).into()), &map).map(|(model, _)| model)
    };
    let whole = [("fc10", "layers.1"), ("fc2", "layers.2"), ("fc1", "layers.0"), ("out", "layers.3")];
    assert!(import([4, 4, 4], &whole).is_ok());
    for (units, map, part) in [
        ([4, 5, 4], &[][..], "no module left in the file has what layers.1 (bias [5], weight [5, 4]) needs"),
        ([4, 4, 4], &[("fc11", "layers.0")], "no \"fc11\" (did you mean \"fc1\"?)"),
        ([4, 4, 4], &[("fc1", "layer.0")], "no \"layer.0\" (did you mean \"layers.0\"?)"),
        ([4, 4, 4], &whole[..3], "\"out.bias\" belongs to no parameter"),
        ([4, 4, 4], &[("fc10", "layers.1"), ("fc2", "layers.1"), ("fc1", "layers.0"), ("out", "layers.3")], "both"),
        (
            [4, 4, 4],
            &[("fc10", "layers.0"), ("fc2", "layers.1"), ("fc1", "layers.2"), ("out", "layers.3")],
            "has shape",
        ),
    ] {
        let error = import(units, map).unwrap_err();
        assert!(error.message.contains(part) && error.remedy.is_some(), "{error}");
    }
}

/// A model of two classes that takes a table with every kind of column.
fn of_table() -> Model {
    let numeric = |column: &str, scale: Scale, indicator: bool, edges: Option<Vec<f64>>| Input {
        column: column.into(),
        transform: Transform::Numeric(Numeric {
            fill: 2.5,
            indicator,
            scale,
            bins: edges.map(|edges| Bins { edges }),
            format: None,
            sentinels: Vec::new(),
            lenient: false,
            range: None,
        }),
    };
    let categories =
        |missing: bool, rare: bool| Categories { values: vec!["a \"b\"".into(), "é".into()], missing, rare };
    let date = |format: &str, clock: bool| Datetime {
        format: format.into(),
        scale: Scale::Standard { mean: 2001.5, deviation: 3.0 },
        clock,
        indicator: clock,
        sentinels: Vec::new(),
        lenient: false,
        range: clock.then_some((1999.0, 2003.5)),
        clip: clock,
    };
    let inputs = vec![
        numeric("standard", Scale::Standard { mean: 1e-7, deviation: 0.1 }, true, Some(vec![0.0, 1.5, 2.0])),
        numeric("robust", Scale::Robust { median: 3.0, spread: 2.0 }, false, None),
        numeric("min_max\n\"\"\"", Scale::MinMax { low: -1.0, high: 1e20 }, false, None),
        numeric("none", Scale::None, false, None),
        Input { column: "yes".into(), transform: Transform::Boolean(Boolean { fill: 0.25, indicator: true }) },
        Input { column: "one of".into(), transform: Transform::OneHot(OneHot { categories: categories(true, true) }) },
        Input { column: "iso".into(), transform: Transform::Datetime(date("iso8601", true)) },
        Input { column: "day".into(), transform: Transform::Datetime(date("%d.%m.%Y", false)) },
        Input {
            column: "size".into(),
            transform: Transform::Ordered(Ordered {
                levels: ["small", "Médium", "<9\""].map(String::from).to_vec(),
                fill: vec![0.75, 0.5],
                indicator: true,
            }),
        },
        Input {
            column: "code".into(),
            transform: Transform::Embedding(Embedding { categories: categories(false, false), dimension: 2 }),
        },
    ];
    let pipeline = Pipeline { cell_format: CellFormat::default(), inputs, array: None, grouping: None };
    let columns = pipeline.features().len();
    let embedded = layers::Embedding { dense: columns - 1, columns: vec![Embedded { slots: 3, dimension: 2 }] };
    let layers: Vec<Box<dyn Layer>> = vec![Box::new(embedded), Box::new(Linear::new(1, Activation::Identity))];
    let mut model = model([columns].into(), layers);
    model.pipeline = pipeline;
    model.target.task = Task::Binary;
    model.target.classes = vec!["no".into(), "yes".into()];
    model
}

/// The tests in `python/` run modules like these in PyTorch, which is not always installed; so what they ran is stored.
#[test]
fn modules_are_those_that_pytorch_has_run() {
    let format = export::format(Some("pytorch"), Path::new("net.py")).unwrap();
    let module = |model: &Model| String::from_utf8((format.write)(model, &Default::default()).unwrap().bytes).unwrap();
    let mut written = module(&of_table());
    let classes = std::cell::RefCell::new(String::new());
    each_layer(|name, model| {
        let text = module(&model);
        let class = &text[text.find("class Net").unwrap()..text.find("def load").unwrap()];
        *classes.borrow_mut() += &format!("\n\n# {name}\n{}\n", class.trim_end());
    });
    written += &classes.into_inner();
    written = written.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pytorch/modules.txt");
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("modules.txt");
    std::fs::write(&kept, &written).unwrap();
    let same = std::fs::read_to_string(&golden).is_ok_and(|text| text == written);
    assert!(
        same,
        "the modules for PyTorch are others than those kept: run python/tests/test_pytorch_export.py where PyTorch is \
         installed, then copy {} to {}",
        kept.display(),
        golden.display()
    );
}

#[test]
fn damaged_parameters_are_refused_or_read_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, file) = (Path::new(env!("CARGO_MANIFEST_DIR")), folder.path().join("damaged.safetensors"));
    let bytes = std::fs::read(whole.join("tests/golden/pytorch/sounds.safetensors")).unwrap();
    let conv =
        layers::Conv1d { stride: 2, padding: layers::Padding::Valid, ..layers::Conv1d::new(3, 3, Activation::Gelu) };
    let head = Linear::new(2, Activation::Identity);
    let like = model([9, 2].into(), vec![Box::new(conv), Box::new(head)]).to_bytes();
    let import = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        import::safetensors(&file, Model::from_bytes(&like, "like").unwrap(), &[])
    };
    assert!(import(&bytes).is_ok());
    for length in 0..bytes.len() {
        assert!(import(&bytes[..length]).is_err(), "{length} bytes");
    }
    let mut refused = 0;
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (place % 8);
        refused += usize::from(import(&damaged).is_err());
    }
    // Values and names may change; most of the header may not.
    assert!(refused > 100, "{refused} of {} bytes", bytes.len());
}
