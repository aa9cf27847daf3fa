//! `thalweg predict MODEL DATA`: predictions, row by row.

use std::io::Write;
use std::path::Path;

use clap::ArgMatches;
use thalweg::config::Config;
use thalweg::data::schema::Task;
use thalweg::data::target::Target;
use thalweg::explain::{self, Background, Explainer, Sample, Settings};
use thalweg::model::{Answers, Model};
use thalweg::tensor::ops::MatmulPrecision;

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
    let model = super::model(matches)?;
    let (products, decisions) = thalweg::run::products(&model, config.train.precision)?;
    print::notes(&decisions);
    let mut explanation = Explanation::new(matches, &model, &config, products)?;
    let margins = matches.get_one("intervals").map(|level| model.target.margins(*level)).transpose()?;
    let columns = Columns::new(&model.target, margins);
    let mut out = Output::open(path)?;
    let lines = argument(matches, "format") == "jsonl";
    let mut failed = None;
    let mut header = !lines;
    let mut write = |answers: &Answers| {
        let explained = explanation.as_mut().map(|explanation| explanation.of(answers)).transpose()?;
        let explained = explained.unwrap_or_default();
        let result = if lines {
            write_lines(&mut out, &columns, answers, &explained)
        } else {
            write_csv(&mut out, &columns, answers, &explained, header)
        };
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

/// What `--explain` adds to predictions.
struct Explanation<'a> {
    model: &'a Model,
    settings: Settings,
    /// None until the first rows are there, where these are the background.
    explainer: Option<Explainer<'a>>,
}

/// Names and, row by row, values of columns.
#[derive(Default)]
struct Explained {
    names: Vec<String>,
    rows: Vec<Vec<f64>>,
}

impl<'a> Explanation<'a> {
    /// As the flags say; none unless it is asked for.
    fn new(
        matches: &ArgMatches,
        model: &'a Model,
        config: &Config,
        precision: MatmulPrecision,
    ) -> thalweg::Result<Option<Self>> {
        if !matches.get_flag("explain") {
            return Ok(None);
        }
        explain::columns(model)?;
        let permutations = matches.get_one("permutations").copied().unwrap_or(Settings::default().permutations);
        let settings = Settings { permutations, seed: config.train.seed, precision };
        let mut explanation = Explanation { model, settings, explainer: None };
        if let Some(path) = matches.get_one::<String>("background") {
            let mut rows = Sample::default();
            let width = model.network.input().size();
            model.predict(path, &config.data, precision, &mut |answers| {
                rows.add_inputs(&answers.inputs, width);
                Ok(())
            })?;
            explanation.compare_with(rows.inputs())?;
        }
        Ok(Some(explanation))
    }

    fn compare_with(&mut self, rows: &[f32]) -> thalweg::Result<&Explainer<'a>> {
        let background = Background::new(self.model, rows)
            .map_err(|error| error.fix("name rows like those trained on with --background"))?;
        let explainer = Explainer::new(self.model, &background, self.settings)?;
        Ok(self.explainer.insert(explainer))
    }

    fn of(&mut self, answers: &Answers) -> thalweg::Result<Explained> {
        if self.explainer.is_none() {
            self.compare_with(&answers.inputs)?;
        }
        let Some(explainer) = &self.explainer else { return Ok(Explained::default()) };
        let rows = explainer.explain(&answers.inputs)?;
        let fields = rows.iter().map(|row| row.iter().flat_map(|answer| answer.fields()).collect());
        Ok(Explained { names: explainer.names(), rows: fields.collect() })
    }
}

/// The columns of predictions, after those of ids.
struct Columns<'a> {
    target: &'a Target,
    /// What intervals or sets reach to, if they are asked for.
    margins: Option<Vec<f64>>,
    names: Vec<String>,
}

/// What is in a cell.
enum Cell {
    Text(String),
    Probability(f64),
    Number(f64),
    Classes(Vec<String>),
}

impl<'a> Columns<'a> {
    /// `prediction` for one target, otherwise one a target; quantiles or probabilities; intervals or the set.
    fn new(target: &'a Target, margins: Option<Vec<f64>>) -> Self {
        let of_targets = |name: &str| -> Vec<String> {
            match &target.columns[..] {
                [_] => vec![name.into()],
                several => several.iter().map(|column| format!("{name}_{column}")).collect(),
            }
        };
        let mut names = of_targets("prediction");
        names.extend(target.quantiles.iter().map(|tau| format!("quantile_{tau}")));
        names.extend(target.classes.iter().map(|class| format!("probability_{class}")));
        if margins.is_some() && target.task == Task::Regression {
            names.extend(of_targets("low").into_iter().zip(of_targets("high")).flat_map(|(low, high)| [low, high]));
        } else if margins.is_some() {
            names.push("set".into());
        }
        Columns { target, margins, names }
    }

    /// The cells of a row, one a name.
    fn cells(&self, answers: &Answers, row: usize) -> Vec<Cell> {
        let target = self.target;
        let numbers = target.task == Task::Regression;
        let prediction = |text: &String| match text.parse() {
            Ok(number) if numbers => Cell::Number(number),
            _ => Cell::Text(text.clone()),
        };
        let mut cells: Vec<Cell> = answers.predictions[row].iter().map(prediction).collect();
        if !target.quantiles.is_empty() {
            cells.extend(target.in_units(&answers.outputs[row]).into_iter().map(Cell::Number));
        }
        cells.extend(answers.probabilities[row].iter().map(|p| Cell::Probability(*p)));
        if let Some(margins) = &self.margins {
            let outputs = &answers.outputs[row];
            if numbers {
                cells.extend(target.intervals(outputs, margins).into_iter().flatten().map(Cell::Number));
            } else {
                let set = target.set(outputs, margins).into_iter().map(|class| target.classes[class].clone());
                cells.push(Cell::Classes(set.collect()));
            }
        }
        cells
    }
}

fn write_csv(
    out: &mut impl Write,
    columns: &Columns,
    answers: &Answers,
    explained: &Explained,
    header: bool,
) -> std::io::Result<()> {
    if header {
        let names = answers.ids.iter().map(|(name, _)| name).chain(&columns.names).chain(&explained.names);
        writeln!(out, "{}", names.map(|name| field(name)).collect::<Vec<_>>().join(","))?;
    }
    for row in 0..answers.predictions.len() {
        let ids = answers.ids.iter().map(|(_, cells)| field(&cells.get(row)));
        let fields = ids.chain(columns.cells(answers, row).into_iter().map(|cell| match cell {
            Cell::Text(text) => field(&text),
            // The shortest text that reads back as the same number.
            Cell::Probability(x) | Cell::Number(x) => x.to_string(),
            Cell::Classes(classes) => field(&classes.join(";")),
        }));
        let fields = fields.chain(explained.rows.get(row).into_iter().flatten().map(f64::to_string));
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

fn write_lines(
    out: &mut impl Write,
    columns: &Columns,
    answers: &Answers,
    explained: &Explained,
) -> std::io::Result<()> {
    for row in 0..answers.predictions.len() {
        let mut line = serde_json::Map::new();
        for (name, cells) in &answers.ids {
            line.insert(name.clone(), cells.get(row).into());
        }
        for (name, cell) in columns.names.iter().zip(columns.cells(answers, row)) {
            line.insert(
                name.clone(),
                match cell {
                    Cell::Text(text) => text.into(),
                    Cell::Probability(x) | Cell::Number(x) => x.into(),
                    Cell::Classes(classes) => classes.into(),
                },
            );
        }
        for (name, &x) in explained.names.iter().zip(explained.rows.get(row).into_iter().flatten()) {
            line.insert(name.clone(), x.into());
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
