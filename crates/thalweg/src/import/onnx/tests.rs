//! ONNX's operator tests, and invalid files.

use std::collections::BTreeMap;
use std::io::Read;

use prost::Message;
use serde_json::Value;

use super::*;
use crate::export::onnx::proto;

/// Rejected tests: a part of the error, and how many there are. In all of them, by ONNX's reference implementation,
/// outputs depend on other examples or on an example's row, or a graph is trained, except for [`NO_LAYER`].
const REFUSED: &[(&str, usize)] = &[
    ("has others for each example", 7),
    ("takes examples apart", 6),
    ("transA = 1", 2),
    ("is not one for all rows", 1),
    ("it makes [", 4),
    ("neither puts channels first nor last", 5),
    ("axes [", 2),
    ("it norms over examples", 6),
    ("its axis is that of examples", 1),
    ("along the dimension of examples", 2),
    ("a matrix for each example", 1),
    ("it reduces over examples", 4),
    ("training_mode = 1", 2),
    ("it drops in prediction", 4),
    ("needs a dimension of examples and up to three that are known", 1),
    ("its windows are dilated", 1),
];

/// Functions of one example that no layer supports; the decision page says why.
const NO_LAYER: [&str; 2] = ["maxpool_2d_dilations", "reduce_max_empty_set"];

/// ONNX gives the expected values of this test to four digits.
const ROUNDED: &str = "averagepool_2d_ceil_last_window_starts_on_pad";

fn cases() -> Vec<Value> {
    let path = format!("{}/tests/golden/onnx_nodes.json.gz", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let mut golden: Value = serde_json::from_str(&text).unwrap();
    golden["cases"].as_array_mut().unwrap().drain(..).collect()
}

fn bytes(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap().as_bytes().chunks_exact(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    bytes(value).as_chunks().0.iter().map(|x| f64::from(f32::from_le_bytes(*x))).collect()
}

/// Outputs for examples in the graph's order, in ours.
fn answers(model: &[u8], x: &[f64]) -> Result<(Vec<f64>, Flow)> {
    let Parsed { start, end, .. } = parse(model, None)?;
    let (model, _) = read(model, None)?;
    let x: Vec<f32> = x.chunks(start.shape.size()).flat_map(|x| start.to_own(x)).map(|x| x as f32).collect();
    let arrays = crate::data::arrays::Arrays::new("a test", start.shape.dimensions(), x).unwrap();
    let rows: Vec<usize> = (0..arrays.rows()).collect();
    let outputs = model.outputs(&model.pipeline.transform_arrays(&arrays, &rows)?, Default::default())?;
    Ok((crate::model::in_units(&model.target, outputs.into_iter()).collect(), end))
}

#[test]
fn nodes_give_what_onnx_says_they_give() {
    let mut refused: Vec<Vec<String>> = vec![Vec::new(); REFUSED.len()];
    let (mut wrong, mut passed) = (Vec::new(), BTreeMap::new());
    for case in cases() {
        let name = case["name"].as_str().unwrap();
        match answers(&bytes(&case["model"]), &numbers(&case["x"])) {
            Err(error) => match REFUSED.iter().position(|(part, _)| error.message.contains(part)) {
                Some(reason) if case["alone"] == false || NO_LAYER.contains(&name) => {
                    refused[reason].push(name.to_string());
                }
                _ => wrong.push(format!("{name}: {error}")),
            },
            Ok((ours, end)) => {
                let theirs: Vec<f64> =
                    numbers(&case["y"]).chunks(end.shape.size()).flat_map(|y| end.to_own(y)).collect();
                let tolerance = if name == ROUNDED { 1e-4 } else { 1e-5 };
                let far = |(a, b): &(&f64, &f64)| (*a - *b).abs() > tolerance * b.abs().max(1.0);
                match ours.iter().zip(&theirs).find(far) {
                    _ if ours.len() != theirs.len() => wrong.push(format!("{name}: {} numbers", ours.len())),
                    Some((a, b)) => wrong.push(format!("{name}: ours {a}, golden {b}")),
                    None => *passed.entry(case["operator"].as_str().unwrap().to_string()).or_insert(0) += 1,
                }
            }
        }
    }
    for (i, (part, count)) in REFUSED.iter().enumerate() {
        if refused[i].len() != *count {
            wrong.push(format!("{} refused as {part:?}, expected {count}: {:?}", refused[i].len(), refused[i]));
        }
    }
    assert!(wrong.is_empty(), "{}\npassed: {passed:?}", wrong.join("\n"));
    assert_eq!(passed.values().sum::<usize>(), 136, "{passed:?}");
}

/// A complete model.
fn whole() -> Vec<u8> {
    let case = cases().into_iter().find(|case| case["name"] == "conv_with_strides_padding").unwrap();
    bytes(&case["model"])
}

#[test]
fn cut_and_flipped_files_are_errors() {
    let whole = whole();
    assert!(parse(&whole, None).is_ok());
    for end in 0..whole.len() {
        assert!(read(&whole[..end], None).is_err() || end + 64 > whole.len(), "cut at {end}");
    }
    for bit in 0..8 * whole.len() {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        // Some bits are names and values: what is parsed then must be harmless.
        drop(read(&damaged, None));
    }
}

/// The error of a modified model.
fn error(change: impl FnOnce(&mut proto::Graph)) -> String {
    let mut model = proto::Model::decode(whole().as_slice()).unwrap();
    change(model.graph.as_mut().unwrap());
    read(&model.encode_to_vec(), None).unwrap_err().to_string()
}

#[test]
fn hostile_files_are_refused() {
    let external = error(|graph| {
        let entry = proto::StringEntry { key: "location".into(), value: "../../etc/passwd".into() };
        graph.initializer[0].external_data.push(entry);
        graph.initializer[0].data_location = 1;
    });
    assert!(external.contains("nothing in a file is taken for a path"), "{external}");

    let huge = error(|graph| graph.initializer[0].dims = vec![1 << 40, 1 << 40, 3, 3]);
    assert!(huge.contains("has the dimensions"), "{huge}");
    let wide = error(|graph| graph.initializer[0].dims[0] = 1 << 40);
    assert!(wide.contains("its dimensions"), "{wide}");
    let input = error(|graph| {
        let tensor = graph.input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap();
        tensor.shape.as_mut().unwrap().dim[2].dim_value = Some(1 << 62);
    });
    assert!(input.contains("larger than any memory") || input.contains("are known"), "{input}");

    let missing = error(|graph| graph.initializer.clear());
    assert!(missing.contains("is no constant") || missing.contains("has the inputs"), "{missing}");
    let nameless = error(|graph| graph.node[0].input[0] = "nothing".into());
    assert!(nameless.contains("leads nowhere"), "{nameless}");
    let unknown = error(|graph| graph.node[0].op_type = "If".into());
    assert!(unknown.contains("no layer does what If does"), "{unknown}");
    let twice = error(|graph| graph.node.push(graph.node[0].clone()));
    assert!(twice.contains("is made twice"), "{twice}");
}

/// Sets the dimensions of a graph's input.
fn takes(graph: &mut proto::Graph, input: &[i64]) {
    let tensor = graph.input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap();
    let dim = |&n: &i64| proto::Dimension { dim_value: Some(n), dim_param: None };
    tensor.shape.as_mut().unwrap().dim = input.iter().map(dim).collect();
}

/// The error of a single-node graph on an input of these dimensions, with constants.
fn refused_node(node: proto::Node, input: &[i64], constants: &[(&[i64], &[f32])]) -> String {
    error(|graph| {
        takes(graph, input);
        let tensor = |(i, (dims, numbers)): (usize, &(&[i64], &[f32]))| proto::Tensor {
            name: format!("c{i}"),
            dims: dims.to_vec(),
            data_type: proto::DataType::Float.into(),
            float_data: numbers.to_vec(),
            ..Default::default()
        };
        graph.initializer = constants.iter().enumerate().map(tensor).collect();
        let names = (0..constants.len()).map(|i| format!("c{i}"));
        let input = std::iter::once(graph.input[0].name.clone()).chain(names).collect();
        graph.node = vec![proto::Node { input, output: vec![graph.output[0].name.clone()], ..node }];
    })
}

#[test]
fn numbers_beyond_all_measure_are_refused() {
    let node = |op_type: &str, ints: &[(&str, &[i64])]| proto::Node {
        op_type: op_type.into(),
        attribute: ints
            .iter()
            .map(|(name, ints)| proto::Attribute { name: (*name).into(), ints: ints.to_vec(), ..Default::default() })
            .collect(),
        ..Default::default()
    };
    let far = i64::MAX;
    let mut pool = node("MaxPool", &[("kernel_shape", &[1]), ("strides", &[far - 1]), ("pads", &[far - 9, 0])]);
    pool.attribute.push(proto::Attribute { name: "ceil_mode".into(), i: Some(1), ..Default::default() });
    let windows = refused_node(pool.clone(), &[1, 1, 5], &[]);
    assert!(windows.contains("stride [1, 9223372036854775806]"), "{windows}");
    pool.attribute[2].ints = vec![far, far];
    let windows = refused_node(pool, &[1, 1, 5], &[]);
    assert!(windows.contains("larger than any image"), "{windows}");

    let nothing = refused_node(node("MatMul", &[]), &[1, 4, 2], &[(&[2, 0], &[])]);
    assert!(nothing.contains("fix:"), "{nothing}");
    let other = refused_node(node("Mul", &[]), &[1, 4, 2], &[(&[4, 1], &[1.0, 2.0, 3.0, 4.0])]);
    assert!(other.contains("others for numbers of one unit"), "{other}");
    let examples = refused_node(node("Mul", &[]), &[1, 2], &[(&[2, 2], &[1.0, 2.0, 3.0, 4.0])]);
    assert!(examples.contains("others for each example"), "{examples}");
    let alone = refused_node(node("Div", &[]), &[1, 2], &[]);
    assert!(alone.contains("it has no input 2"), "{alone}");
}

/// The error of one node under another operator set version.
fn refused_in_set(version: i64, node: &proto::Node, input: &[i64]) -> Option<String> {
    let mut model = proto::Model::decode(whole().as_slice()).unwrap();
    model.opset_import = vec![proto::OperatorSet { domain: String::new(), version }];
    let graph = model.graph.as_mut().unwrap();
    takes(graph, input);
    let (input, output) = (graph.input[0].name.clone(), graph.output[0].name.clone());
    graph.node = vec![proto::Node { input: vec![input], output: vec![output], ..node.clone() }];
    read(&model.encode_to_vec(), None).err().map(|error| error.to_string())
}

#[test]
fn softmax_over_all_that_follows_its_axis_is_refused() {
    let softmax = |axis: i64| proto::Node {
        op_type: "Softmax".into(),
        attribute: vec![proto::Attribute { name: "axis".into(), i: Some(axis), ..Default::default() }],
        ..Default::default()
    };
    assert_eq!(refused_in_set(13, &softmax(1), &[1, 4, 5]), None);
    assert_eq!(refused_in_set(12, &softmax(2), &[1, 4, 5]), None);
    let over_both = refused_in_set(12, &softmax(1), &[1, 4, 5]).unwrap();
    assert!(over_both.contains("expected that of channels"), "{over_both}");
    let across = refused_in_set(13, &softmax(2), &[1, 4, 5, 6]).unwrap();
    assert!(across.contains("expected that of channels"), "{across}");
}

#[test]
fn matrices_that_no_example_has_are_refused() {
    let product = || proto::Node { op_type: "MatMul".into(), ..Default::default() };
    let ones = [1.0_f32; 240];
    let deeper = refused_node(product(), &[1, 2, 3, 4], &[(&[1, 1, 2, 4, 5], &ones[..40])]);
    assert!(deeper.contains("by matrices of [1, 1, 2, 4, 5]"), "{deeper}");
    let unlike = refused_node(product(), &[1, 2, 3, 4], &[(&[3, 4, 5], &ones[..60])]);
    assert!(unlike.contains("by matrices of [3, 4, 5]"), "{unlike}");
    let none = refused_node(product(), &[1, 2, 3, 4], &[(&[2, 4, 0], &[])]);
    assert!(none.contains("by matrices of [2, 4, 0]"), "{none}");
}

#[test]
fn a_few_numbers_do_not_become_any_amount() {
    let many = error(|graph| {
        takes(graph, &[1, 2048]);
        let two = proto::DataType::Float.into();
        graph.initializer =
            vec![proto::Tensor { name: "two".into(), data_type: two, float_data: vec![2.0], ..Default::default() }];
        let node = |op_type: &str, input: Vec<String>, output: String| proto::Node {
            op_type: op_type.into(),
            input,
            output: vec![output],
            ..Default::default()
        };
        let mut x = graph.input[0].name.clone();
        graph.node.clear();
        for i in 0..17 {
            graph.node.push(node("Tanh", vec![x], format!("a{i}")));
            graph.node.push(node("Mul", vec![format!("a{i}"), "two".into()], format!("b{i}")));
            x = format!("b{i}");
        }
        graph.output[0].name = x;
    });
    assert!(many.contains("4194304 numbers would stand for fewer"), "{many}");
}

#[test]
fn circles_are_refused() {
    let circle = error(|graph| {
        let output = graph.node[0].output[0].clone();
        let node = |input: &str, output: &str| proto::Node {
            input: vec![input.into()],
            output: vec![output.into()],
            op_type: "Relu".into(),
            ..Default::default()
        };
        graph.node.push(proto::Node {
            input: vec![output.clone(), "b".into()],
            output: vec!["a".into()],
            op_type: "Add".into(),
            ..Default::default()
        });
        graph.node.push(node("a", "b"));
        graph.output[0].name = "c".into();
    });
    assert!(circle.contains("adds what is made") || circle.contains("circle") || circle.contains("meet"), "{circle}");
}

#[test]
fn logits_are_of_the_task_that_is_named() {
    let case = cases().into_iter().find(|case| case["name"] == "gemm_default_vector_bias").unwrap();
    let graph = bytes(&case["model"]);
    let (numbers, decisions) = read(&graph, None).unwrap();
    let outputs = numbers.network.output().size();
    assert!(numbers.target.task == Task::Regression && outputs > 1);
    assert!(decisions.iter().any(|decision| decision.instead.to_string().contains("multiclass")), "{decisions:?}");
    for (task, classes) in [(Task::Multiclass, outputs), (Task::Multilabel, outputs), (Task::Regression, 0)] {
        let (model, decisions) = read(&graph, Some(task)).unwrap();
        assert_eq!((model.target.task, model.target.classes.len(), model.target.outputs()), (task, classes, outputs));
        assert_eq!(model.theta.to_f64(), numbers.theta.to_f64());
        assert!(decisions.iter().all(|decision| decision.what != "answers are numbers"), "{decisions:?}");
    }
    let error = read(&graph, Some(Task::Binary)).unwrap_err().to_string();
    assert!(error.contains("for task binary") && error.contains("one logit"), "{error}");
    // Outputs of its own classes are those of no other task, and an image has no classes.
    let softmax = cases().into_iter().find(|case| case["name"] == "softmax_example").unwrap();
    let error = read(&bytes(&softmax["model"]), Some(Task::Multilabel)).unwrap_err().to_string();
    assert!(error.contains("are multiclass, not multilabel"), "{error}");
    let error = read(&whole(), Some(Task::Multiclass)).unwrap_err().to_string();
    assert!(error.contains("for task multiclass"), "{error}");
}
