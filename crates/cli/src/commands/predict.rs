//! `thalweg predict MODEL DATA`: predictions, row by row.

use std::io::Write;
use std::path::Path;

use clap::ArgMatches;
use thalweg::data::schema::Task;
use thalweg::model::{Answers, Model};

use super::argument;
use super::output::{Output, refuse_inputs};
use crate::{args, print};

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config(matches)?;
    let path = matches.get_one::<String>("out");
    if let Some(path) = path {
        refuse_inputs(matches, Some(&config), ("-o", Path::new(path)))?;
    }
    let model = Model::load(argument(matches, "model"))?;
    let (products, decisions) = thalweg::run::products(&model, config.train.precision)?;
    print::notes(&decisions);
    let mut out = Output::open(path)?;
    let lines = argument(matches, "format") == "jsonl";
    let mut failed = None;
    let mut header = !lines;
    let mut write = |answers: &Answers| {
        let result =
            if lines { write_lines(&mut out, &model, answers) } else { write_csv(&mut out, &model, answers, header) };
        header = false;
        result.map_err(|error| {
            let told = thalweg::Error::internal(format!("cannot write the answers: {error}"));
            failed = Some(error);
            told
        })
    };
    let written = model.predict(argument(matches, "data"), &config.data, products, &mut write);
    match failed {
        Some(error) => return Err(error.into()),
        None => print::notes(&written?),
    }
    out.finish()?;
    Ok(0)
}

/// The names of the prediction columns: `prediction` for one target, otherwise one per target.
fn prediction_names(model: &Model, answers: usize) -> Vec<String> {
    match answers {
        1 => vec!["prediction".into()],
        _ => model.target.columns.iter().map(|column| format!("prediction_{column}")).collect(),
    }
}

fn probability_names(model: &Model) -> Vec<String> {
    match model.target.task {
        Task::Regression => Vec::new(),
        _ => model.target.classes.iter().map(|class| format!("probability_{class}")).collect(),
    }
}

fn write_csv(out: &mut impl Write, model: &Model, answers: &Answers, header: bool) -> std::io::Result<()> {
    let width = answers.predictions.first().map_or(1, Vec::len);
    if header {
        let names = answers.ids.iter().map(|(name, _)| name.clone());
        let names = names.chain(prediction_names(model, width)).chain(probability_names(model));
        writeln!(out, "{}", names.map(|name| field(&name)).collect::<Vec<_>>().join(","))?;
    }
    for (row, (predictions, probabilities)) in answers.predictions.iter().zip(&answers.probabilities).enumerate() {
        let ids = answers.ids.iter().map(|(_, cells)| field(&cells.get(row)));
        let fields = ids
            .chain(predictions.iter().map(|text| field(text)))
            // The shortest text that reads back as the same number.
            .chain(probabilities.iter().map(f64::to_string));
        writeln!(out, "{}", fields.collect::<Vec<_>>().join(","))?;
    }
    Ok(())
}

/// A CSV field, quoted if necessary. A string that a spreadsheet would run as a formula is prefixed with an apostrophe.
fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t']) && text.parse::<f64>().is_err();
    let text = if formula { format!("'{text}") } else { text.to_string() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn write_lines(out: &mut impl Write, model: &Model, answers: &Answers) -> std::io::Result<()> {
    let names = probability_names(model);
    for (row, (predictions, probabilities)) in answers.predictions.iter().zip(&answers.probabilities).enumerate() {
        let mut line = serde_json::Map::new();
        for (name, cells) in &answers.ids {
            line.insert(name.clone(), cells.get(row).into());
        }
        for (name, text) in prediction_names(model, predictions.len()).into_iter().zip(predictions) {
            let number = text.parse::<f64>().ok().filter(|_| model.target.task == Task::Regression);
            line.insert(name, number.map_or_else(|| text.clone().into(), serde_json::Value::from));
        }
        for (name, &p) in names.iter().zip(probabilities) {
            line.insert(name.clone(), p.into());
        }
        writeln!(out, "{}", serde_json::Value::from(line))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn fields_are_quoted_and_formulas_are_disarmed() {
        assert_eq!(field("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(field("=1+1"), "'=1+1");
        assert_eq!(field("-3.5"), "-3.5");
        assert_eq!(field("plain"), "plain");
    }
}
