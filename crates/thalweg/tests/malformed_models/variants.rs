//! Each number, string, list and object of valid models, changed in every way that may do harm.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thalweg::ErrorKind;
use thalweg::model::Model;

use super::models::{CLASSES, NUMBERS, PLACE, answers, clips, open, part, pictures, sounds, with};

/// The metadata keys whose values are changed.
const TEXTS: [&str; 6] = ["input", "layers", "pipeline", "schema", "target", "provenance"];

/// Replacements for a value.
fn instead(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(_) => {
            let whole = [json!(0), json!(1), json!(-1), json!(1_u64 << 53), json!(u64::MAX)];
            let others = [json!(1e308), json!(-1e308), json!(1e-320), json!(0.5), Value::Null, json!("1")];
            whole.into_iter().chain(others).collect()
        }
        Value::String(_) => {
            let texts = ["", "x", "numeric", "2.0", "none", "iso8601", "%Y", "a\u{0}\n"].map(Value::from);
            texts.into_iter().chain([json!("ü".repeat(5000)), Value::Null, json!(1)]).collect()
        }
        Value::Bool(is) => vec![json!(!is), Value::Null],
        Value::Null => vec![json!(0), json!({}), json!([]), json!("x")],
        Value::Array(values) => {
            let doubled = values.iter().chain(values).cloned().collect();
            let shorter = values[..values.len().saturating_sub(1)].to_vec();
            let turned = values.iter().rev().cloned().collect();
            [Vec::new(), doubled, shorter, turned].map(Value::Array).to_vec()
        }
        Value::Object(fields) => {
            let more = fields.clone().into_iter().chain([("unknown".to_string(), json!(1))]).collect();
            let fewer = fields.keys().map(|gone| fields.clone().into_iter().filter(|(key, _)| key != gone).collect());
            fewer.map(Value::Object).chain([Value::Object(more), json!({}), json!([])]).collect()
        }
    }
}

/// Every change of one value within another, with its location.
fn changes(value: &Value, place: &str, all: &mut Vec<(String, Value)>) {
    all.extend(instead(value).into_iter().map(|other| (place.to_string(), other)));
    match value {
        Value::Array(values) => {
            // Elements of long lists are alike.
            let some = values.iter().enumerate().take(4);
            some.for_each(|(i, value)| changes(value, &format!("{place}/{i}"), all));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| changes(value, &format!("{place}/{key}"), all));
        }
        _ => {}
    }
}

/// Tries all changes of a model: returns how many were made, and how many of them were rejected.
fn try_all(name: &str, bytes: &[u8]) -> [usize; 2] {
    let file = open(bytes);
    let (mut made, mut refused, mut wrong) = (0, 0, Vec::new());
    for text in TEXTS {
        let whole = part(&file, text);
        let mut all = Vec::new();
        changes(&whole, "", &mut all);
        for (place, other) in all {
            let mut changed = whole.clone();
            *changed.pointer_mut(&place).unwrap() = other.clone();
            if changed == whole {
                continue;
            }
            made += 1;
            let sealed = with(&file, text, &changed);
            let begun = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| match Model::from_bytes(&sealed, PLACE) {
                Ok(model) => answers(&model).map(|_| false),
                Err(error) => Ok(refusal(&error).map(|()| true).unwrap_or_else(|wrong| panic!("{wrong}"))),
            }));
            let other: String = other.to_string().chars().take(80).collect();
            let what = format!("{name}: {text}{place} = {other}");
            match outcome {
                Ok(Ok(is_refused)) => refused += usize::from(is_refused),
                // A value far outside the data is reported as an error of the data.
                Ok(Err(error)) if error.kind == ErrorKind::Data && error.to_string().len() < 2000 => {}
                Ok(Err(error)) => wrong.push(format!("{what}: {error}")),
                Err(panic) => {
                    let text = panic.downcast_ref::<String>().cloned();
                    wrong.push(format!("{what}: panicked: {}", text.unwrap_or_default()));
                }
            }
            if begun.elapsed() > Duration::from_secs(3) {
                wrong.push(format!("{what}: took {:?}", begun.elapsed()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {made}:\n{}", wrong.len(), wrong.join("\n"));
    [made, refused]
}

/// Checks that an error is a proper rejection of a model file.
fn refusal(error: &thalweg::Error) -> Result<(), String> {
    let told = error.to_string();
    let right = error.kind == ErrorKind::Data && told.starts_with(PLACE) && told.len() < 2000 && error.remedy.is_some();
    if right { Ok(()) } else { Err(format!("{:?}: {told}", error.kind)) }
}

#[test]
fn every_change_is_refused_or_of_use() {
    let all = [
        ("classes", CLASSES.to_vec()),
        ("numbers", NUMBERS.to_vec()),
        ("pictures", pictures()),
        ("clips", clips()),
        ("sounds", sounds()),
    ];
    for (name, bytes) in all {
        let [made, refused] = try_all(name, &bytes);
        assert!(made > 500 && refused * 2 > made, "{name}: {refused} of {made}");
    }
}
