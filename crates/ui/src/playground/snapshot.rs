//! What the page draws of a network: the plane as the network sees it, its units, weights and gradients.

use serde::Serialize;
use serde_json::{Value, json};
use thalweg::Result;
use thalweg::layers::Mode;
use thalweg::losses::Cost;
use thalweg::metrics;
use thalweg::network::Workspace;
use thalweg::recipe::Plan;
use thalweg::task::Task;
use thalweg::tensor::{Tensor, View};
use thalweg::train::TensorDataset;

use super::experiment::Experiment;
use super::session::{Judged, Session};

/// Points of the plane along each axis, and how many of them a unit's own picture skips.
const SIDE: usize = 48;
const EVERY: usize = 2;
/// The room around the points, as a share of their range.
const MARGIN: f64 = 0.08;
/// Bars of a histogram.
const BARS: usize = 24;
/// Epochs whose losses are told.
const EPOCHS: usize = 400;

/// A network that has just begun: its points, and all that may change.
pub(super) fn begun(id: u64, session: &Session) -> Result<Value> {
    let Experiment { data, command, train, .. } = &session.experiment;
    let axes = session.experiment.axes();
    let ranges = ranges(&session.experiment);
    let points = |part: &TensorDataset| -> Value {
        let rows =
            part.x.to_f64().chunks(2).map(|x| [axes[0].1.invert(x[0]), axes[1].1.invert(x[1])]).collect::<Vec<_>>();
        let targets =
            part.y.to_f64().into_iter().map(|y| if data.task.is_classes() { y } else { data.target.unscaled(0, y) });
        rows.into_iter().zip(targets).map(|([x, y], target)| json!([x as f32, y as f32, target as f32])).collect()
    };
    let steps = train.rows().div_ceil(session.experiment.plan.settings.batch_size.clamp(1, train.rows()));
    let mut told = now(session)?;
    if let Some(told) = told.as_object_mut() {
        told.insert("id".into(), json!(id));
        told.insert("task".into(), json!(data.task.to_string()));
        told.insert("classes".into(), json!(data.target.classes));
        told.insert("target".into(), json!(data.target.columns));
        told.insert("metric".into(), json!(metrics::headline(data.task)));
        told.insert(
            "axes".into(),
            axes.iter()
                .zip(ranges)
                .map(|((name, _), [low, high])| json!({ "name": name, "low": low, "high": high }))
                .collect(),
        );
        told.insert("points".into(), json!({ "train": points(train), "test": points(&session.experiment.test) }));
        told.insert("steps_per_epoch".into(), json!(steps));
        told.insert("epochs".into(), json!(session.experiment.plan.settings.epochs));
        told.insert("command".into(), json!(command));
        told.insert("side".into(), json!({ "plane": SIDE, "unit": SIDE / EVERY }));
    }
    Ok(told)
}

/// What changes as a network trains.
pub(super) fn now(session: &Session) -> Result<Value> {
    let Session { experiment, state, history, diverged } = session;
    let Judged { train, test, .. } = session.now()?;
    let error = diverged.as_ref().map(|error| {
        json!({ "message": error.to_string().lines().next(), "remedy": error.remedy.as_ref().map(ToString::to_string) })
    });
    let every = history.len().div_ceil(EPOCHS).max(1);
    let last = history.len() - 1;
    let told: Vec<&Judged> =
        history.iter().enumerate().filter(|(i, _)| i % every == 0 || *i == last).map(|(_, judged)| judged).collect();
    let (plane, units) = pictures(session)?;
    Ok(json!({
        "step": state.t,
        "epoch": state.epoch,
        "done": state.epoch >= experiment.plan.settings.epochs || diverged.is_some(),
        "diverged": error,
        "learning_rate": state.learning_rate,
        "loss": { "train": train.0, "test": test.0 },
        "metric_value": { "train": train.1, "test": test.1 },
        "history": {
            "epochs": told.iter().map(|judged| judged.epoch).collect::<Vec<_>>(),
            "train": told.iter().map(|judged| judged.train.0).collect::<Vec<_>>(),
            "test": told.iter().map(|judged| judged.test.0).collect::<Vec<_>>(),
            "train_metric": told.iter().map(|judged| judged.train.1).collect::<Vec<_>>(),
            "test_metric": told.iter().map(|judged| judged.test.1).collect::<Vec<_>>(),
        },
        "plane": plane,
        "layers": layers(session, units)?,
    }))
}

/// The parts of the plane that are drawn, one for each input, in the data's units.
fn ranges(experiment: &Experiment) -> [[f64; 2]; 2] {
    let axes = experiment.axes();
    let parts = [experiment.train.x.to_f64(), experiment.test.x.to_f64()];
    [0, 1].map(|input| {
        let values = parts.iter().flat_map(|x| x.iter().skip(input).step_by(2)).map(|&x| axes[input].1.invert(x));
        let [low, high] = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)]);
        let room = MARGIN * (high - low).max(f64::MIN_POSITIVE);
        [low - room, high + room]
    })
}

/// Where a layer that learns begins among the network's layers, and where its activations come out.
struct Part {
    linear: usize,
    output: usize,
}

/// The layers as a learner counts them: each with its batch norm, activation and dropout.
fn parts(plan: &Plan) -> Vec<Part> {
    let layers = plan.network.layers();
    let linear: Vec<usize> = (0..layers.len()).filter(|&i| layers[i].kind() == "linear").collect();
    let end = |at: usize| linear.get(at + 1).map_or(layers.len(), |&next| next) - 1;
    linear.iter().enumerate().map(|(at, &linear)| Part { linear, output: end(at) }).collect()
}

/// Values from `low` to `high` as bytes, two digits each.
fn bytes(values: impl Iterator<Item = f64>, low: f64, high: f64) -> String {
    let level = |value: f64| (255.0 * ((value - low) / (high - low)).clamp(0.0, 1.0)).round() as u8;
    values.map(|value| format!("{:02x}", level(value))).collect()
}

/// The same in 65,536 levels, four digits each: a boundary between answers that hardly differ is a smooth line, too.
fn words(values: impl Iterator<Item = f64>, low: f64, high: f64) -> String {
    let level = |value: f64| (65_535.0 * ((value - low) / (high - low)).clamp(0.0, 1.0)).round() as u16;
    values.map(|value| format!("{:04x}", level(value))).collect()
}

/// The answers over the plane, and each unit's activation over it.
fn pictures(session: &Session) -> Result<(Value, Vec<Vec<Value>>)> {
    let Session { experiment, state, .. } = session;
    let Plan { network, loss, dtype, .. } = &experiment.plan;
    let (axes, ranges) = (experiment.axes(), ranges(experiment));
    let at = |input: usize, i: usize| {
        let [low, high] = ranges[input];
        axes[input].1.apply(low + (high - low) * (i as f64 + 0.5) / SIDE as f64)
    };
    // From the top to the bottom, as pictures are drawn.
    let x: Vec<f64> = (0..SIDE * SIDE).flat_map(|i| [at(0, i % SIDE), at(1, SIDE - 1 - i / SIDE)]).collect();
    let x = Tensor::from_f64([SIDE * SIDE, 2], x).into_dtype(*dtype);
    let mut workspace = network.workspace(SIDE * SIDE, *dtype);
    network.forward(state.theta.view(), x.view(), &mut workspace, Mode::Predict)?;
    let units = parts(&experiment.plan).iter().map(|part| unit_pictures(&workspace, part.output)).collect();
    loss.answer(workspace.output_mut(SIDE * SIDE));
    let answers = workspace.output(SIDE * SIDE).to_f64();
    let classes = network.output().size();
    let (low, high) = match experiment.data.task {
        Task::Regression => scale_of(&experiment.train),
        _ => (0.0, 1.0),
    };
    let plane = |class: usize| words(answers.iter().skip(class).step_by(classes).copied(), low, high);
    let unscaled = |value: f64| match experiment.data.task {
        Task::Regression => experiment.data.target.unscaled(0, value),
        _ => value,
    };
    Ok((
        json!({ "low": unscaled(low), "high": unscaled(high), "classes": (0..classes).map(plane).collect::<Vec<_>>() }),
        units,
    ))
}

/// The range of the targets that are trained on, in the units of the network.
fn scale_of(train: &TensorDataset) -> (f64, f64) {
    let most = train.y.to_f64().into_iter().fold(f64::MIN_POSITIVE, |most, y| most.max(y.abs()));
    (-most, most)
}

/// A picture of each unit of a layer, from minus to plus its largest activation.
fn unit_pictures(workspace: &Workspace, layer: usize) -> Vec<Value> {
    let output = workspace.layer_output(layer, SIDE * SIDE);
    let units = output.len() / (SIDE * SIDE);
    let values = output.to_f64();
    let picture = |unit: usize| {
        let own =
            (0..SIDE).step_by(EVERY).flat_map(|row| (0..SIDE).step_by(EVERY).map(move |column| row * SIDE + column));
        let own = own.map(|i| values[i * units + unit]);
        let most = own.clone().fold(0.0f64, |most, value| most.max(value.abs()));
        json!({ "most": most as f32, "map": bytes(own, -most.max(f64::MIN_POSITIVE), most.max(f64::MIN_POSITIVE)) })
    };
    (0..units).map(picture).collect()
}

/// How often values fall into equal parts of their range.
#[derive(Debug, Serialize)]
struct Histogram {
    low: f32,
    high: f32,
    counts: Vec<usize>,
    /// Root mean square.
    size: f32,
}

impl Histogram {
    fn of(values: &[f64]) -> Histogram {
        let [low, high] =
            values.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &x| [low.min(x), high.max(x)]);
        let mut counts = vec![0; BARS];
        for value in values.iter().filter(|value| value.is_finite()) {
            let share = if high > low { (value - low) / (high - low) } else { 0.5 };
            counts[((share * BARS as f64) as usize).min(BARS - 1)] += 1;
        }
        let size = (values.iter().map(|x| x * x).sum::<f64>() / values.len().max(1) as f64).sqrt();
        Histogram { low: low as f32, high: high as f32, counts, size: size as f32 }
    }
}

/// Each layer's weights and biases, its units' pictures, and the histograms of its weights, activations and gradients on
/// all training rows.
fn layers(session: &Session, units: Vec<Vec<Value>>) -> Result<Vec<Value>> {
    let Session { experiment, state, .. } = session;
    let Plan { network, loss, settings, .. } = &experiment.plan;
    let (theta, x) = (state.theta.view(), experiment.train.x.view());
    let m = experiment.train.rows();
    let mut workspace = network.workspace(m, state.theta.dtype());
    let mut gradient = Tensor::zeros(state.theta.shape(), state.theta.dtype());
    network.forward(theta, x, &mut workspace, Mode::Check)?;
    let (z, dz) = workspace.delta(m);
    Cost::new(m, state.theta.dtype()).compute(&**loss, z, experiment.train.y.view(), None, Some(dz));
    let parts = parts(&experiment.plan);
    let activations: Vec<Histogram> =
        parts.iter().map(|part| Histogram::of(&workspace.layer_output(part.output, m).to_f64())).collect();
    network.backward(theta, x, &mut workspace, gradient.view_mut())?;
    network.add_l2_gradient(theta, settings.l2 / m as f64, gradient.view_mut());
    let told = parts.iter().zip(units).zip(activations).enumerate().map(|(at, ((part, units), activations))| {
        let of = |vector: View, name: &str| {
            let layers = part.linear..=part.output;
            let mut entries = layers.flat_map(|i| network.layout().of_layer(i));
            let named = entries.find(|entry| entry.name.ends_with(name));
            named.map(|entry| vector.part(entry.start, entry.shape).to_f64())
        };
        let single = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect::<Vec<_>>();
        let weights = of(theta, ".weight").unwrap_or_default();
        let last = at + 1 == parts.len();
        let activation = match (last, experiment.data.task) {
            (true, Task::Regression) => "identity".into(),
            (true, Task::Multiclass) => "softmax".into(),
            (true, _) => "sigmoid".into(),
            _ => (part.linear..=part.output)
                .filter_map(|i| network.layers()[i].activation())
                .next_back()
                .map_or(String::new(), |g| g.to_string()),
        };
        json!({
            "activation": activation,
            "units": units,
            "inputs": weights.len() / units.len().max(1),
            "gradient": Histogram::of(&of(gradient.view(), ".weight").unwrap_or_default()),
            "activations": activations,
            "histogram": Histogram::of(&weights),
            "bias": of(theta, ".bias").or_else(|| of(theta, ".beta")).map(single),
            "gamma": of(theta, ".gamma").map(single),
            "weights": single(weights),
        })
    });
    Ok(told.collect())
}

/// What the network answers at a point of the plane, and each layer's activations on the way.
pub(super) fn probe(session: &Session, point: [f64; 2]) -> Result<Value> {
    let Session { experiment, state, .. } = session;
    let Plan { network, loss, dtype, .. } = &experiment.plan;
    let axes = experiment.axes();
    let x = [0, 1].map(|input| axes[input].1.apply(point[input]));
    let x = Tensor::from_f64([1, 2], x.to_vec()).into_dtype(*dtype);
    let mut workspace = network.workspace(1, *dtype);
    network.forward(state.theta.view(), x.view(), &mut workspace, Mode::Predict)?;
    let parts = parts(&experiment.plan);
    let activations: Vec<Vec<f64>> = parts.iter().map(|part| workspace.layer_output(part.output, 1).to_f64()).collect();
    loss.answer(workspace.output_mut(1));
    let output = workspace.output(1).to_f64();
    let target = &experiment.data.target;
    Ok(json!({
        "x": x.to_f64(),
        "activations": activations,
        "answer": target.answers(&output).first(),
        "probabilities": target.probabilities(&output),
        "value": if experiment.data.task.is_classes() { None } else { Some(target.answer(0, output[0])) },
    }))
}

#[cfg(test)]
mod tests {
    use super::super::settings::Settings;
    use super::*;

    fn snapshot(settings: &Settings, steps: usize) -> Value {
        let mut session = Session::new(settings).unwrap();
        session.advance(steps).unwrap();
        begun(1, &session).unwrap()
    }

    #[test]
    fn a_snapshot_has_every_unit_and_weight() {
        let told =
            snapshot(&Settings { layers: vec![3, 2], batch_norm: true, dropout: 0.1, ..Settings::default() }, 30);
        let layers = told["layers"].as_array().unwrap();
        let sizes: Vec<_> = layers
            .iter()
            .map(|layer| (layer["units"].as_array().unwrap().len(), layer["inputs"].as_u64().unwrap()))
            .collect();
        assert_eq!(sizes, [(3, 2), (2, 3), (1, 2)]);
        assert_eq!([&layers[0]["activation"], &layers[2]["activation"]], ["tanh", "sigmoid"]);
        assert_eq!(layers[1]["weights"].as_array().unwrap().len(), 6);
        assert_eq!(layers[0]["gamma"].as_array().unwrap().len(), 3);
        let counts = layers[0]["activations"]["counts"].as_array().unwrap();
        assert_eq!(counts.iter().map(|count| count.as_u64().unwrap()).sum::<u64>(), 3 * 210);
        let plane = told["plane"]["classes"][0].as_str().unwrap();
        assert_eq!(plane.len(), 4 * SIDE * SIDE);
        assert_eq!(told["points"]["train"].as_array().unwrap().len(), 210);
        assert_eq!(told["points"]["test"].as_array().unwrap().len(), 90);
        assert_eq!((told["step"].as_u64(), told["epoch"].as_u64()), (Some(30), Some(1)));
    }

    #[test]
    fn the_answer_at_a_point_is_that_of_the_plane() {
        for data in ["three-blobs", "xor", "plane"] {
            let mut session = Session::new(&Settings { data: data.into(), ..Settings::default() }).unwrap();
            session.advance(500).unwrap();
            let told = begun(1, &session).unwrap();
            let place = |axis: usize, share: f64| {
                let [low, high] = ["low", "high"].map(|end| told["axes"][axis][end].as_f64().unwrap());
                low + (high - low) * share
            };
            let (row, column) = (10, 30);
            let share = |i: usize| (i as f64 + 0.5) / SIDE as f64;
            let found = probe(&session, [place(0, share(column)), place(1, share(SIDE - 1 - row))]).unwrap();
            let at = 4 * (row * SIDE + column);
            let level = |class: usize| {
                let plane = told["plane"]["classes"][class].as_str().unwrap();
                let [low, high] = ["low", "high"].map(|end| told["plane"][end].as_f64().unwrap());
                low + (high - low) * f64::from(u16::from_str_radix(&plane[at..at + 4], 16).unwrap()) / 65_535.0
            };
            let told = match data {
                "three-blobs" => found["probabilities"][1].as_f64().unwrap() - level(1),
                "xor" => found["probabilities"][1].as_f64().unwrap() - level(0),
                _ => found["value"].as_f64().unwrap() - level(0),
            };
            assert!(told.abs() < 1e-4, "{data}: {told}");
        }
    }
}
