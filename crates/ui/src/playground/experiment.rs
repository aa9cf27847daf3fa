//! A set of points with everything that its training needs, as `thalweg train` would prepare it.

use std::io::Cursor;

use thalweg::config::Config;
use thalweg::data::dataset::Dataset;
use thalweg::data::preprocess::{Scale, Transform};
use thalweg::data::source::TableReader;
use thalweg::data::{self, examples};
use thalweg::metrics::{self, Metrics};
use thalweg::recipe::{self, Plan};
use thalweg::tensor::{Dtype, Tensor};
use thalweg::train::{Callback, State, StopReason, TensorDataset, Trainer};
use thalweg::{Error, Result};

use super::settings::Settings;

/// More classes than this have no colours.
const MOST_CLASSES: usize = 6;

/// Points, a network and how it is trained.
#[derive(Debug)]
pub(super) struct Experiment {
    pub(super) data: Dataset,
    pub(super) plan: Plan,
    pub(super) train: TensorDataset,
    pub(super) test: TensorDataset,
    pub(super) command: String,
    seed: u64,
}

impl Experiment {
    /// Prepares what is set.
    ///
    /// # Errors
    /// If a setting is refused, or the learner's file has no such columns of numbers.
    pub(super) fn new(settings: &Settings) -> Result<Experiment> {
        let (data, config, others) = match settings.data.as_str() {
            "csv" => of_file(settings)?,
            _ => {
                let config = settings.config(&[])?;
                (data::load(&config)?, config, Vec::new())
            }
        };
        let plan = recipe::plan(&config, &data)?;
        let [train, test] = [&data.parts.train, &data.parts.test].map(|part| tensors(part, plan.dtype));
        let command = settings.command(&others)?;
        Ok(Experiment { train: train?, test: test?, data, plan, command, seed: settings.seed })
    }

    /// The state before the first step.
    pub(super) fn start(&self) -> State {
        let Plan { network, optimizer, settings, dtype, .. } = &self.plan;
        State::new(network, &**optimizer, self.seed, settings.average, *dtype)
    }

    /// Trains on from a state until the callback stops it, or to the last epoch.
    ///
    /// # Errors
    /// If training diverges.
    pub(super) fn fit(&self, state: &mut State, callback: &mut dyn Callback) -> Result<StopReason> {
        let trainer = Trainer {
            network: &self.plan.network,
            loss: &*self.plan.loss,
            optimizer: &*self.plan.optimizer,
            settings: self.plan.settings.clone(),
            train: &self.train,
            dev: None,
            evaluate: &|_| Metrics::new(),
        };
        trainer.fit(state, callback)
    }

    /// The loss and the headline metric on examples: accuracy, or the root mean squared error in the data's units.
    pub(super) fn judge(&self, theta: &Tensor, examples: &TensorDataset) -> Result<(f64, f64)> {
        let Plan { network, loss, .. } = &self.plan;
        let mut workspace = network.workspace(examples.rows(), theta.dtype());
        let (loss, mut answers) = thalweg::train::predict(network, &**loss, theta, examples, &mut workspace)?;
        let mut truths = examples.y.to_f64();
        if !self.data.task.is_classes() {
            answers.iter_mut().for_each(|answer| *answer = self.data.target.answer(0, *answer));
            truths.iter_mut().for_each(|truth| *truth = self.data.target.unscaled(0, *truth));
        }
        let measured = metrics::evaluate(self.data.task, &answers, network.output().size(), &truths, None);
        let headline = measured.get(metrics::headline(self.data.task)).map_or(f64::NAN, |metric| metric.value);
        Ok((loss, headline))
    }

    /// How the two inputs are scaled, with their names.
    pub(super) fn axes(&self) -> [(&str, Scale); 2] {
        let axis = |input: usize| {
            let input = &self.data.pipeline.inputs[input];
            match &input.transform {
                Transform::Numeric(numeric) => (input.column.as_str(), numeric.scale),
                _ => unreachable!("the columns are checked to be numbers"),
            }
        };
        [axis(0), axis(1)]
    }
}

/// Encoded rows as tensors.
pub(super) fn tensors(rows: &examples::Examples, dtype: Dtype) -> Result<TensorDataset> {
    if rows.rows == 0 {
        return Err(Error::data("there are too few rows to train and to test on").fix("use more rows"));
    }
    let x = Tensor::from_f32([rows.rows, rows.columns], rows.x.clone()).into_dtype(dtype);
    let y = Tensor::from_f32([rows.rows, rows.targets], rows.y.clone()).into_dtype(dtype);
    TensorDataset::new(x, y, None)
}

/// The rows of a learner's own file, and its columns that are left out.
fn of_file(settings: &Settings) -> Result<(Dataset, Config, Vec<String>)> {
    settings.check()?;
    let file = settings.file()?;
    let text = Cursor::new(file.text.clone().into_bytes());
    let table = TableReader::open(&file.name, Box::new(text), &Config::default().data)?.read_all()?;
    let used = |name: &String| file.inputs.contains(name) || *name == file.target;
    for name in file.inputs.iter().chain([&file.target]) {
        if table.position(name).is_none() {
            let known = table.names.join(", ");
            return Err(Error::data(format!("there is no column {name:?}"))
                .at(file.name.clone())
                .fix(format!("use one of {known}")));
        }
    }
    let others: Vec<String> = table.names.iter().filter(|name| !used(name)).cloned().collect();
    let config = settings.config(&others)?;
    let data = Dataset::from_tables(&table, None, None, &config)?;
    let inputs = &data.pipeline.inputs;
    let number = |name: &String| {
        inputs.iter().any(|input| {
            input.column == *name && input.width() == 1 && matches!(input.transform, Transform::Numeric(_))
        })
    };
    if let Some(name) = file.inputs.iter().find(|name| !number(name)) {
        let error = Error::data(format!("column {name:?} is not one of different numbers without gaps"));
        return Err(error.at(file.name.clone()).fix("choose another column"));
    }
    let classes = data.target.classes.len();
    if classes > MOST_CLASSES || data.target.outputs() > MOST_CLASSES {
        let error =
            Error::data(format!("found {classes} classes in {:?}, expected at most {MOST_CLASSES}", file.target));
        return Err(error.at(file.name.clone()).fix("choose another target"));
    }
    Ok((data, config, others))
}

/// A generated set as CSV.
///
/// # Errors
/// If there is no such set.
pub(super) fn csv(settings: &Settings) -> Result<String> {
    let config = settings.config(&[])?;
    let thalweg::data::source::Source::Table(reader) = data::source::open(&config.data.path, &config.data)? else {
        return Err(Error::internal("a generated set is a table"));
    };
    let table = reader.read_all()?;
    let mut text = table.names.join(",");
    for row in 0..table.rows() {
        let cells: Vec<_> = table.columns.iter().map(|column| column.get(row).into_owned()).collect();
        text.push('\n');
        text.push_str(&cells.join(","));
    }
    text.push('\n');
    Ok(text)
}
