//! Preprocessing and answers in Python: everything between a user's table and the network.

use serde_json::json;

use super::number;
use crate::data::media_spec::{ClipSpec, MediaSpec, PictureSpec, SoundSpec};
use crate::data::number_format::NumberFormat;
use crate::data::preprocess::{ArrayScale, Categories, Input, Scale, Transform};
use crate::data::schema::Task;
use crate::export::Regions;
use crate::model::Model;

/// The module's docstring, ready to be put between quotes.
pub(super) fn docstring(model: &Model, regions: Option<&Regions>) -> String {
    let task = model.target.task;
    let answers = if task == Task::Regression { "numbers" } else { "labels, probabilities" };
    let taken = if model.pipeline.array.is_some() { "examples" } else { "table" };
    let mut lines = vec![
        format!("A network that Thalweg {} trained ({task}).", env!("CARGO_PKG_VERSION")),
        String::new(),
        "    net = load()".into(),
        format!("    {answers} = answers(net(prepare({taken})))"),
    ];
    if regions.is_some() {
        let ends = if task == Task::Regression { "low, high = intervals" } else { "is_in = sets" };
        lines.push(format!("    {ends}(net(prepare({taken})))"));
    }
    lines.push(String::new());
    match &model.pipeline.array {
        Some(array) => {
            let sides: Vec<String> = array.shape.iter().map(usize::to_string).collect();
            lines.push(format!("Examples are an array of m × {}, scaled by prepare.", sides.join(" × ")));
            lines.extend(array.media.map(spec));
        }
        None => {
            lines.push("The table is a dict of columns, or a pandas DataFrame, and has".into());
            lines.extend(
                model.pipeline.inputs.iter().map(|input| format!("    {}: {}", quoted(&input.column), what(input))),
            );
            lines.push("Missing cells are None, NaN or empty. Net takes the rows that prepare makes of it.".into());
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A string from the data within a string of ours, escaped so that it neither ends that nor starts a line.
fn quoted(text: &str) -> String {
    let literal = json!(text).to_string();
    literal[1..literal.len() - 1].into()
}

fn colours(spec: PictureSpec) -> &'static str {
    if spec.channels == 1 { "grey" } else { "red, green and blue" }
}

fn spec(spec: MediaSpec) -> String {
    match spec {
        MediaSpec::Pictures(spec) => {
            format!("They are pictures, height × width (× channels), of {} from 0 to 255.", colours(spec))
        }
        MediaSpec::Clips(ClipSpec { frames, frame }) => format!(
            "They are clips: {frames} pictures below each other, height × width (× channels), of {} from 0 to 255.",
            colours(frame)
        ),
        MediaSpec::Sounds(SoundSpec { sample_rate, equal_loudness, .. }) => {
            let loudness = if equal_loudness { ", each brought to a root mean square of 1" } else { "" };
            format!("They are sounds of {sample_rate} samples a second{loudness}.")
        }
    }
}

fn what(input: &Input) -> String {
    match &input.transform {
        Transform::Numeric(numeric) => match numeric.scale {
            Scale::Standard { mean, deviation } => format!("a number x, as (x - {mean}) / {deviation}"),
            Scale::Robust { median, spread } => {
                format!("a number x, as r / sqrt(1 + (r / 3)²) of r = (x - {median}) / {spread}")
            }
            Scale::MinMax { low, high } => format!("a number from {low} to {high}, as 0 to 1"),
            Scale::None => "a number, as it is".into(),
        },
        Transform::Boolean(_) => "yes or no, true or false, 1 or 0".into(),
        Transform::Datetime(_) => "a date, as its place in time, year and week".into(),
        Transform::OneHot(one_hot) => format!("one of {} categories, an input each", one_hot.categories.values.len()),
        Transform::Embedding(embedding) => {
            format!("one of {} categories, looked up", embedding.categories.values.len())
        }
        Transform::Ordered(ordered) => format!("one of {} categories with an order", ordered.levels.len()),
        Transform::Text(text) => format!("a text as a bag, a row of {0} codes and {0} weights", text.slots),
        Transform::Tokens(tokens) => format!("a text as tokens, a row of {}, 0 after the last", tokens.length),
    }
}

/// Constants that the functions use.
pub(super) fn constants(model: &Model) -> String {
    let (pipeline, target) = (&model.pipeline, &model.target);
    let mut lines = Vec::new();
    if pipeline.array.is_none() {
        lines.push(format!("MISSING = {}  # cells that mean so, in lower case", texts(&pipeline.cell_format.missing)));
        if pipeline.inputs.iter().any(|input| !matches!(input.transform, Transform::Datetime(_))) {
            lines.push(format!("POINT = \"{}\"", if pipeline.cell_format.decimal_comma { ',' } else { '.' }));
        }
    }
    if target.task != Task::Regression {
        lines.push(format!("CLASSES = {}", texts(&target.classes)));
    }
    lines.join("\n")
}

/// `prepare`, after the functions that it calls.
pub(super) fn prepare(model: &Model) -> Vec<String> {
    let pipeline = &model.pipeline;
    let calls: Vec<String> = match &pipeline.array {
        Some(array) => vec![array_scale(array)],
        None => pipeline.inputs.iter().map(call).collect(),
    };
    let prepare = if pipeline.array.is_some() {
        format!(
            "def prepare(examples):\n    \"\"\"The network's inputs from an array of examples.\"\"\"\n    x = np.asarray(examples, dtype=np.float32).astype(float)\n    return torch.tensor({}, dtype=DTYPE)",
            calls[0]
        )
    } else {
        let lines: String = calls.iter().map(|call| format!("        *{call},\n")).collect();
        format!(
            "def prepare(table):\n    \"\"\"The network's inputs, a row each, from a table's columns.\"\"\"\n    columns = [\n{lines}    ]\n    return torch.tensor(np.stack(columns, axis=1), dtype=DTYPE)"
        )
    };
    let mut parts: Vec<String> = helpers(&calls.join("\n")).into_iter().map(String::from).collect();
    parts.push(prepare);
    parts
}

/// The functions that these calls need, each after those that it calls itself.
fn helpers(calls: &str) -> Vec<&'static str> {
    let scales: [(&str, &str); 4] = [
        ("standard(", include_str!("python/standard.py")),
        ("robust(", include_str!("python/robust.py")),
        ("min_max(", include_str!("python/min_max.py")),
        ("as_it_is", include_str!("python/as_it_is.py")),
    ];
    let columns: [(&[&str], &str); 11] = [
        (&["numeric(", "boolean(", "datetimes(", "one_hot(", "code(", "ordered("], include_str!("python/cells.py")),
        (&["numeric(", "boolean("], include_str!("python/number.py")),
        (&["numeric("], include_str!("python/numeric.py")),
        (&["boolean("], include_str!("python/boolean.py")),
        (&["datetimes("], include_str!("python/datetimes.py")),
        (&["one_hot(", "code("], include_str!("python/categories.py")),
        (&["one_hot("], include_str!("python/one_hot.py")),
        (&["code("], include_str!("python/code.py")),
        (&["ordered("], include_str!("python/ordered.py")),
        (&["bags("], include_str!("python/bags.py")),
        (&["tokens("], include_str!("python/rows_of_tokens.py")),
    ];
    let begins = |name: &str| calls.lines().any(|call| call.starts_with(name));
    let scales = scales.iter().filter(|(name, _)| calls.contains(name)).map(|(_, part)| *part);
    let plain = calls.contains("(plain(").then_some(include_str!("python/plain.py"));
    scales
        .chain(plain)
        .chain(columns.iter().filter(|(names, _)| names.iter().any(|name| begins(name))).map(|(_, part)| *part))
        .collect()
}

fn call(input: &Input) -> String {
    let cells = format!("table[{}]", json!(input.column));
    match &input.transform {
        Transform::Numeric(numeric) => {
            let sign = |sign: Option<char>| sign.map_or("None".into(), |sign| json!(sign.to_string()).to_string());
            let cells = match numeric.format {
                Some(NumberFormat { decimal, group }) => {
                    format!("list(plain({cells}, {}, {}))", sign(Some(decimal)), sign(group))
                }
                None => cells,
            };
            let mut arguments = vec![cells, scale(&numeric.scale), format!("fill={}", number(numeric.fill))];
            arguments.extend(numeric.indicator.then(|| "missing=True".into()));
            arguments.extend(numeric.bins.as_ref().map(|bins| format!("edges={}", list(&bins.edges))));
            let sentinels = Some(&numeric.sentinels).filter(|sentinels| !sentinels.is_empty());
            arguments.extend(sentinels.map(|sentinels| format!("sentinels={}", list(sentinels))));
            arguments.extend(numeric.lenient.then(|| "lenient=True".into()));
            format!("numeric({})", arguments.join(", "))
        }
        Transform::Boolean(boolean) => {
            let missing = if boolean.indicator { ", missing=True" } else { "" };
            format!("boolean({cells}, fill={}{missing})", number(boolean.fill))
        }
        Transform::Datetime(date) => {
            let formats: Vec<String> = date.formats().map(python_format).collect();
            let mut arguments = vec![cells, texts(&formats), scale(&date.scale)];
            let sentinels: Vec<String> = date.sentinels.iter().map(|time| time.to_string()).collect();
            arguments.extend((!sentinels.is_empty()).then(|| format!("sentinels={}", texts(&sentinels))));
            arguments.extend(date.lenient.then(|| "lenient=True".into()));
            arguments.extend(date.clock.then(|| "clock=True".into()));
            arguments.extend(date.indicator.then(|| "missing=True".into()));
            arguments.extend(date.span().map(|(low, high)| format!("span=({}, {})", number(low), number(high))));
            format!("datetimes({})", arguments.join(", "))
        }
        Transform::OneHot(one_hot) => {
            let rare = if one_hot.categories.rare { ", rare=True" } else { "" };
            format!("one_hot({cells}, {}{rare}{})", texts(&one_hot.categories.values), missing(&one_hot.categories))
        }
        Transform::Embedding(embedding) => {
            format!("code({cells}, {}{})", texts(&embedding.categories.values), missing(&embedding.categories))
        }
        Transform::Ordered(ordered) => {
            let missing = if ordered.indicator { ", missing=True" } else { "" };
            format!("ordered({cells}, {}, {}{missing})", texts(&ordered.levels), list(&ordered.fill))
        }
        Transform::Text(text) => format!("bags({cells}, {})", text.slots),
        Transform::Tokens(tokens) => format!("tokens({cells}, {})", tokens.length),
    }
}

/// A date format as Python's strptime takes it, or the name of one that strptime does not know.
fn python_format(format: &str) -> String {
    format.replace("%.f", "").replace("UTC", "%Z")
}

fn missing(categories: &Categories) -> &'static str {
    if categories.missing { ", missing=True" } else { "" }
}

/// The function of a scale.
fn scale(scale: &Scale) -> String {
    let two = |name: &str, a: f64, b: f64| format!("{name}({}, {})", number(a), number(b));
    match *scale {
        Scale::Standard { mean, deviation } => two("standard", mean, deviation),
        Scale::Robust { median, spread } => two("robust", median, spread),
        Scale::MinMax { low, high } => two("min_max", low, high),
        Scale::None => "as_it_is".into(),
    }
}

/// The array x scaled.
fn array_scale(array: &ArrayScale) -> String {
    match &array.scales[..] {
        [one] => format!("{}(x)", scale(one)),
        each => {
            let columns: Vec<String> =
                each.iter().enumerate().map(|(i, one)| format!("{}(x[..., {i}])", scale(one))).collect();
            format!("np.stack([\n        {},\n    ], axis=-1)", columns.join(",\n        "))
        }
    }
}

/// A list of string literals: those of JSON are valid in Python.
fn texts(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| json!(text).to_string()).collect::<Vec<_>>().join(", "))
}

fn list(numbers: &[f64]) -> String {
    format!("[{}]", numbers.iter().map(|x| number(*x)).collect::<Vec<_>>().join(", "))
}

/// `answers`: what the network's outputs mean.
pub(super) fn answers(model: &Model) -> String {
    let target = &model.target;
    match target.task {
        Task::Binary => include_str!("python/answers_binary.py").replace("0.5", &number(target.threshold(0))),
        Task::Multiclass => include_str!("python/answers_multiclass.py").into(),
        Task::Multilabel => {
            let answers = include_str!("python/answers_multilabel.py");
            match &target.thresholds[..] {
                [] => answers.into(),
                each => answers
                    .replace(
                        "label, p in zip(CLASSES, row)",
                        &format!("label, p, t in zip(CLASSES, row, {})", list(each)),
                    )
                    .replace("p >= 0.5", "p >= t"),
            }
        }
        Task::Regression => {
            let mut names = target.columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
            let mut outputs = "outputs.double()";
            if !target.quantiles.is_empty() {
                names += &format!(" at the quantiles {}", list(&target.quantiles));
                outputs = "torch.sort(outputs.double(), dim=1).values";
            }
            let mut numbers = format!("means + deviations * {outputs}");
            let (means, deviations) = target.scales.iter().copied().unzip();
            let mut constants: Vec<(&str, Vec<f64>)> = vec![("means", means), ("deviations", deviations)];
            if !target.limits.is_empty() {
                let (lows, highs) = target.limits.iter().copied().unzip();
                constants.extend([("lows", lows), ("highs", highs)]);
                numbers = format!("torch.clamp({numbers}, lows, highs)");
            }
            let constant = |(name, numbers): (&str, Vec<f64>)| {
                format!("    {name} = torch.tensor({}, dtype=torch.float64)\n", list(&numbers))
            };
            format!(
                "def answers(outputs):\n    \"\"\"The numbers of each row, in the data's units: {names}.\"\"\"\n\
                 {}    return {numbers}\n",
                constants.into_iter().map(constant).collect::<String>()
            )
        }
    }
}

/// `intervals` of numbers, or `sets` of classes.
pub(super) fn regions(model: &Model, regions: &Regions) -> String {
    let target = &model.target;
    if target.task != Task::Regression {
        let sets = include_str!("python/sets.py").replace("WHAT", &regions.set());
        return sets.replace("MARGIN", &number(regions.margins[0]));
    }
    let intervals = match &target.quantiles[..] {
        [] => include_str!("python/intervals.py"),
        _ => include_str!("python/intervals_of_quantiles.py"),
    };
    intervals.replace("WHAT", &regions.hold()).replace("MARGINS", &list(&regions.margins))
}
