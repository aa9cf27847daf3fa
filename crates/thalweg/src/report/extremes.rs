//! Unbounded values in a run's events: charts and tables still render, and show them or say what they are.

use serde_json::Value;

use super::{figures, html, samples};
use crate::event::Event;

fn every_kind() -> Vec<(&'static str, Vec<Event>)> {
    vec![
        ("classes", samples::classes(10, 61)),
        ("binary", samples::binary()),
        ("regression", samples::regression()),
        ("many-classes", samples::classes(60, 40)),
        ("one-epoch", samples::classes(3, 1)),
        ("long", samples::classes(4, 1_000)),
        ("diverged", samples::diverged()),
        ("resumed", samples::resumed()),
    ]
}

/// Replaces every number in a value.
fn replace(value: &mut Value, by: &Value) {
    match value {
        Value::Number(_) => *value = by.clone(),
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, by)),
        Value::Object(map) => map.values_mut().for_each(|value| replace(value, by)),
        _ => {}
    }
}

/// An event with every number replaced, where it still parses: a count cannot hold a fraction.
fn changed(event: &Event, by: &Value) -> Event {
    let mut value = serde_json::to_value(event).unwrap();
    let keys: Vec<String> = value.as_object().unwrap().keys().filter(|key| *key != "version").cloned().collect();
    for key in keys {
        let mut other = value.clone();
        replace(&mut other[&key], by);
        if serde_json::from_value::<Event>(other.clone()).is_ok() {
            value = other;
        }
    }
    serde_json::from_value(value).unwrap()
}

fn check(events: &[Event], what: &str) {
    let page = html(events);
    assert!(page.len() < 1_500_000, "{what}: {}", page.len());
    for word in ["NaN", "inf\"", "inf "] {
        let around = |at: usize| page[..at].char_indices().rev().nth(80).map_or(0, |(start, _)| start);
        assert!(!page.contains(word), "{what}: {}", page.find(word).map_or("", |at| &page[around(at)..at + 3]));
    }
    for figure in figures(events) {
        assert!(!figure.svg.contains("NaN") && !figure.svg.contains("inf "), "{what}: {}", figure.name);
    }
}

#[test]
fn whatever_number_stands_everywhere() {
    for number in ["1e308", "-1e308", "1e-320", "5e-324", "-0.0", "1e300", "null", "0", "18446744073709551615"] {
        let by = serde_json::from_str(number).unwrap();
        for (name, events) in every_kind() {
            let events: Vec<Event> = events.iter().map(|event| changed(event, &by)).collect();
            check(&events, &format!("{name} with {number}"));
        }
    }
}

#[test]
fn one_extreme_epoch_among_usual_ones() {
    for value in [1e308, -1e308, 1e-320, f64::INFINITY, f64::NAN, -0.0] {
        let mut events = samples::classes(3, 10);
        for event in &mut events {
            match event {
                Event::EpochEnded { epoch: 5, cost, dev_loss, learning_rate, .. } => {
                    (*cost, *dev_loss, *learning_rate) = (value, Some(value), value);
                }
                Event::Scales { layers, .. } => layers[0].gradient = value,
                _ => {}
            }
        }
        check(&events, &value.to_string());
        assert!(figures(&events).iter().any(|figure| figure.name == "learning-curves"), "{value}");
    }
}

#[test]
fn answers_at_both_ends_of_all_numbers() {
    let mut events = samples::regression();
    if let Some(Event::Finished { answers, .. }) = events.last_mut() {
        answers.points = vec![(f64::MIN, f64::MAX), (f64::MAX, f64::MIN), (5e-324, -0.0), (1.0, f64::NAN)];
    }
    check(&events, "regression");
    assert!(figures(&events).iter().any(|figure| figure.name == "residuals"));
}
