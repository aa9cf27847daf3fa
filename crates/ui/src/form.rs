//! What a model asks for, as the fields of a form.

use serde_json::{Value, json};
use thalweg::data::media_spec::MediaSpec;
use thalweg::data::preprocess::{Input, InputColumn, Numeric, Pipeline, Transform};
use thalweg::model::Model;

/// The types of files that models of pictures or sounds take, with the ends of their names.
pub(crate) const FILES: [(&str, &str); 9] = [
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/webp", "webp"),
    ("image/gif", "gif"),
    ("image/bmp", "bmp"),
    ("audio/wav", "wav"),
    ("audio/flac", "flac"),
    ("audio/mpeg", "mp3"),
    ("audio/ogg", "ogg"),
];

/// Those that may be animated.
const ANIMATED: [&str; 3] = ["image/png", "image/webp", "image/gif"];

/// The form of a model.
pub(crate) fn form(model: &Model) -> Value {
    let pipeline = &model.pipeline;
    match &pipeline.array {
        // Examples of series and sequences are made of many rows of a file.
        None if model.forecast.is_some() || pipeline.grouping.is_some() => json!({ "kind": "none", "fields": [] }),
        None => json!({ "kind": "table", "fields": pipeline.inputs.iter().map(field).collect::<Vec<_>>() }),
        Some(array) if array.is_matrix() => json!({ "kind": "table", "fields": numbered(pipeline) }),
        Some(array) if array.media.is_some() => {
            let (thing, of) = match array.media {
                Some(MediaSpec::Sounds(_)) => ("sound", "audio/"),
                Some(MediaSpec::Clips(_)) => ("clip", "image/"),
                _ => ("image", "image/"),
            };
            let kinds = FILES.iter().map(|(kind, _)| *kind).filter(|kind| kind.starts_with(of));
            let taken = kinds.filter(|kind| thing != "clip" || ANIMATED.contains(kind));
            json!({ "kind": thing, "fields": [], "accept": taken.collect::<Vec<_>>() })
        }
        // Examples of another shape are not typed by hand.
        Some(_) => json!({ "kind": "none", "fields": [] }),
    }
}

/// The field of a column: what it takes, and a value that is usual.
fn field(input: &Input) -> Value {
    let name = &input.column;
    let choice = |values: &[String], typical: Option<&String>| json!({ "name": name, "type": "category", "values": values, "typical": typical, "required": false });
    match &input.transform {
        Transform::Numeric(Numeric { fill, range, .. }) => json!({
            "name": name,
            "type": "number",
            "low": range.map(|(low, _)| low),
            "high": range.map(|(_, high)| high),
            "typical": fill,
            "required": false,
        }),
        Transform::Boolean(boolean) => json!({
            "name": name,
            "type": "boolean",
            "values": ["0", "1"],
            "typical": if boolean.fill < 0.5 { "0" } else { "1" },
            "required": false,
        }),
        Transform::Datetime(datetime) => {
            json!({ "name": name, "type": "date", "format": datetime.format, "typical": null, "required": false })
        }
        Transform::OneHot(one_hot) => choice(&one_hot.categories.values, one_hot.categories.values.first()),
        Transform::Embedding(embedding) => choice(&embedding.categories.values, embedding.categories.values.first()),
        Transform::Text(_) | Transform::Tokens(_) => {
            json!({ "name": name, "type": "text", "typical": null, "required": false })
        }
        Transform::Ordered(ordered) => choice(&ordered.levels, ordered.levels.get(ordered.levels.len() / 2)),
    }
}

/// The fields of a matrix without names, such as `x[3]`.
fn numbered(pipeline: &Pipeline) -> Vec<Value> {
    let columns = pipeline.columns().unwrap_or_default();
    let field = |(at, column): (usize, InputColumn)| {
        let scale = pipeline.array.as_ref().map(|array| array.scales[at % array.scales.len()].invert(0.0));
        json!({ "name": column.name, "type": "number", "typical": scale, "required": true })
    };
    columns.into_iter().enumerate().map(field).collect()
}
