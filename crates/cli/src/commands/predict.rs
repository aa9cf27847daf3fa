//! `thalweg predict MODEL DATA`: predictions, row by row.

use std::io::Write;
use std::path::Path;

use clap::ArgMatches;
use thalweg::config::Config;
use thalweg::explain::{self, Background, Contributions, Explainer, Sample, ShapleySettings, TimedExplainer};
use thalweg::io::csv;
use thalweg::model::{AnswerCell, AnswerColumns, Model, Predictions};
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
    let answered = model.answered();
    let columns = AnswerColumns::new(&answered, matches.get_one("intervals").copied())?;
    let mut out = Output::open(path)?;
    let lines = argument(matches, "format") == "jsonl";
    let mut failed = None;
    let mut header = !lines;
    let mut write = |answers: &Predictions| {
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
    explanation.iter().for_each(Explanation::tell);
    Ok(0)
}

/// What `--explain` adds to predictions.
struct Explanation<'a> {
    model: &'a Model,
    settings: ShapleySettings,
    /// The time there is, and the rows that it is for.
    time: Option<(f64, usize)>,
    /// None until the first rows are there, where these are the background.
    explainer: Option<AnyExplainer<'a>>,
    /// The fewest and the most orders sampled for a row, and the largest standard error of a contribution.
    sampled: Option<(usize, usize, f64)>,
}

/// By a number of orders, or by a time.
enum AnyExplainer<'a> {
    Counted(Explainer<'a>),
    Timed(TimedExplainer<'a>),
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
        let permutations = matches.get_one("permutations").copied().unwrap_or(ShapleySettings::default().permutations);
        let settings = ShapleySettings { permutations, seed: config.train.seed, precision };
        let mut explanation = Explanation { model, settings, time: None, explainer: None, sampled: None };
        if let Some(&seconds) = matches.get_one("explain-time") {
            let path = argument(matches, "data");
            if path == "-" {
                let error = thalweg::Error::config("rows are counted first, and standard input can be read once");
                return Err(error.at("--explain-time").fix("put standard input into a file, or give --permutations"));
            }
            let mut rows = 0;
            model.predict(path, &config.data, precision, &mut |answers| {
                rows += answers.predictions.len();
                Ok(())
            })?;
            explanation.time = Some((seconds, rows));
        }
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

    fn compare_with(&mut self, rows: &[f32]) -> thalweg::Result<()> {
        let background = Background::new(self.model, rows)
            .map_err(|error| error.fix("name rows like those trained on with --background"))?;
        self.explainer = Some(match self.time {
            None => AnyExplainer::Counted(Explainer::new(self.model, &background, self.settings)?),
            Some(time) => AnyExplainer::Timed(TimedExplainer::new(self.model, background, self.settings, time)?),
        });
        Ok(())
    }

    fn of(&mut self, answers: &Predictions) -> thalweg::Result<Explained> {
        if self.explainer.is_none() {
            self.compare_with(&answers.inputs)?;
        }
        let fields = |row: &[Contributions]| row.iter().flat_map(Contributions::fields).collect::<Vec<f64>>();
        match &mut self.explainer {
            None => Ok(Explained::default()),
            Some(AnyExplainer::Counted(explainer)) => {
                let rows = explainer.explain(&answers.inputs)?;
                Ok(Explained { names: explainer.names(), rows: rows.iter().map(|row| fields(row)).collect() })
            }
            Some(AnyExplainer::Timed(explainer)) => {
                let mut names = explainer.names()?;
                names.push("permutations".into());
                let mut rows = Vec::new();
                for (row, count) in explainer.explain(&answers.inputs)? {
                    let error = row.iter().flat_map(|answer| &answer.errors).copied().fold(0.0, f64::max);
                    let (fewest, most, largest) = self.sampled.unwrap_or((count, count, error));
                    self.sampled = Some((fewest.min(count), most.max(count), largest.max(error)));
                    rows.push([fields(&row), vec![count as f64]].concat());
                }
                Ok(Explained { names, rows })
            }
        }
    }

    /// How much was sampled in the time there was.
    fn tell(&self) {
        if let Some((fewest, most, error)) = self.sampled {
            print::note(&format!(
                "{fewest} to {most} orders of columns were sampled for each row; the largest standard error of a \
                 contribution is {error:.2e}"
            ));
        }
    }
}

fn write_csv(
    out: &mut impl Write,
    columns: &AnswerColumns,
    answers: &Predictions,
    explained: &Explained,
    header: bool,
) -> std::io::Result<()> {
    if header {
        let names = answers.ids.iter().map(|(name, _)| name).chain(columns.names()).chain(&explained.names);
        out.write_all(csv::line(names).as_bytes())?;
    }
    for row in 0..answers.predictions.len() {
        let ids = answers.ids.iter().map(|(_, cells)| cells.get(row).into_owned());
        let fields = ids.chain(columns.cells(answers, row).into_iter().map(|cell| cell.to_string()));
        let fields = fields.chain(explained.rows.get(row).into_iter().flatten().map(f64::to_string));
        out.write_all(csv::line(fields).as_bytes())?;
    }
    Ok(())
}

fn write_lines(
    out: &mut impl Write,
    columns: &AnswerColumns,
    answers: &Predictions,
    explained: &Explained,
) -> std::io::Result<()> {
    for row in 0..answers.predictions.len() {
        let mut line = serde_json::Map::new();
        for (name, cells) in &answers.ids {
            line.insert(name.clone(), cells.get(row).into());
        }
        for (name, cell) in columns.names().iter().zip(columns.cells(answers, row)) {
            line.insert(
                name.clone(),
                match cell {
                    AnswerCell::Text(text) => text.into(),
                    AnswerCell::Number(x) => x.into(),
                    AnswerCell::Classes(classes) => classes.into(),
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
