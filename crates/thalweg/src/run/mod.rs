//! Training runs: from a configuration to a run folder with a model, a log and a report.

mod ablate;
mod announce;
mod answers;
mod assist;
mod baselines;
mod checkpoint;
mod compare;
mod conclusion;
mod dev_loss;
mod evaluate;
mod evaluation;
mod event_log;
#[cfg(feature = "images")]
mod example_preview;
mod explanation;
mod fingerprint;
mod fitted_target;
mod folder;
mod frozen;
mod history;
mod in_memory;
pub(crate) mod keep;
mod learner;
mod outcome;
#[cfg(feature = "images")]
mod preview;
mod recorder;
mod resume;
mod selection;
mod series;
mod spectra;
mod suspects;
mod temperature;
mod tensorboard;
mod training;
mod training_rows;

use std::borrow::Cow;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::config::Config;
use crate::data::dataset::{self, Dataset};
use crate::data::examples::Examples;
use crate::data::schema::Task;
use crate::data::{memory, rejects};
use crate::error::{Advice, Error, ErrorKind, Result, advice};
use crate::event::{self, Decision, Event, ForecastScores, SplitPredictions, Splits};
use crate::io::atomic;
use crate::metrics::Metrics;
use crate::model::{EvaluatedExamples, Model};
use crate::network::gradient_check::{self, Report};
use crate::ranks::{self, Ranks};
use crate::recipe::{self, Plan};
use crate::tensor::{Dtype, Shape, Tensor, View};
pub use crate::train::Callback;
use crate::train::{Augmented, FromDisk, State, StopReason, TensorDataset, Trainer, TrainingSet};

use announce::{DivergenceMonitor, announce, finished, reason, started, warnings};
pub use assist::{assist, dismiss};
pub use checkpoint::Checkpoint;
pub use compare::{Comparison, Contender, compare, compare_rows};
use conclusion::{Conclusion, conclude};
pub use evaluate::{Evaluation, EvaluationOptions, evaluate, products};
pub(crate) use evaluation::evaluate_split;
pub use event_log::EventLog;
pub(crate) use fingerprint::{fingerprint, former_fingerprint, identity};
pub use folder::RunFolder;
pub use in_memory::{Trained, train_on};
pub use learner::Learner;
pub use outcome::{Outcome, Preview};
use recorder::RunRecorder;
pub(crate) use resume::configuration;
#[cfg(feature = "tune")]
pub(crate) use resume::finish_study;
pub use resume::resume;
pub use series::{
    OutOfFold, OutOfFoldRow, Series, SeriesRun, Spread, Summary, TrainedSeries, Variation, is_series, resume_series,
    train_series, train_series_on,
};
pub use suspects::{EqualRows, SuspectAnswer, Suspects, TellingColumn, suspects};
use tensorboard::TensorBoard;
pub use training::Training;

/// How often a callback is polled for a stop request while data is read.
const GLANCE: Duration = Duration::from_millis(20);
/// The stack size of the thread that reads data: that of a main thread.
const LOADER_STACK: usize = 8 << 20;

/// Trains as a configuration says, in a new run folder. If the folder holds an interrupted run with the same
/// configuration, resumes that run.
///
/// # Errors
/// If the data or the configuration is invalid, the folder cannot be written, or training diverges.
pub fn train(config: &Config, callback: &mut dyn Callback) -> Result<Outcome> {
    thalweg_kernels::pool::set_threads(config.train.threads);
    match config.output.out.as_deref().map(Path::new).filter(|out| RunFolder::has_begun(out)) {
        Some(out) => resume::again(config, out, callback),
        None => {
            begin(config, RunFolder::create(config.output.out.as_deref(), &short_name(&config.data.path))?, callback)
        }
    }
}

/// Trains in a folder without a run; if training cannot begin, the folder is removed again.
pub(crate) fn begin(config: &Config, folder: RunFolder, callback: &mut dyn Callback) -> Result<Outcome> {
    let config = &mut config.clone();
    assist::check(config).inspect_err(|_| folder.discard())?;
    let prepared = prepare_watched(config, &|| callback.stop()).and_then(|(mut data, plan)| {
        dataset::freeze(config, &data);
        if config.train.precision.may_be_bf16() {
            config.train.bf16_unit = Some(recipe::bf16_unit(plan.settings.products));
        }
        // The model that is started from may be gone or replaced when the run is resumed.
        if let Some(start) = &config.train.start_from {
            recipe::start_model(start)?.save(folder.start())?;
        }
        if !data.rejects.is_empty() {
            atomic::write(&folder.rejects(), &rejects::to_csv(&data.rejects))?;
            data.decisions.push(Decision {
                what: format!(
                    "what cannot be read, {} in all, is listed in {}",
                    data.rejects.len(),
                    folder.rejects().display()
                ),
                why: "each with its file, line, column and reason".into(),
                instead: "[max_bad=0]".into(),
            });
        }
        atomic::write(&folder.config(), config.to_toml().as_bytes())?;
        Ok((data, plan))
    });
    let (data, plan) = prepared.inspect_err(|_| folder.discard())?;
    let state = fresh_state(config, &plan);
    let log = EventLog::create(&folder)?;
    run(config, &data, plan, state, folder, log, callback)
}

/// What [`train`] would do, without training.
///
/// # Errors
/// If the data or the configuration is invalid.
pub fn preview(config: &Config) -> Result<Preview> {
    let (data, plan) = prepare(config)?;
    Ok(Preview {
        examples: counts(&data),
        task: data.task,
        layers: plan.network.summary(),
        decisions: data.decisions.iter().chain(&plan.decisions).cloned().collect(),
        warnings: data.warnings.into_iter().map(Into::into).collect(),
    })
}

/// Writes a PNG of training images and their augmentations over several epochs; returns the decisions made.
///
/// # Errors
/// If the data or the configuration is invalid, the data is not images, no augmentation is on, or the file cannot be
/// written.
#[cfg(feature = "images")]
pub fn preview_augmentation(config: &Config, path: &Path) -> Result<Vec<Decision>> {
    let (data, plan) = prepare(config)?;
    if plan.augmentation.is_none() {
        let error = Error::config("training examples are not changed, so there is nothing to show");
        return Err(error.fix("name images or sounds, and ask for changes such as [augment=true]"));
    }
    preview::write(&data, &plan.augmentation, config.train.seed, path)?;
    Ok(data.decisions.into_iter().chain(plan.decisions).collect())
}

/// Checks the gradients of the network of a configuration on its own data: at random initialisation, and again after
/// `after_steps` steps.
///
/// # Errors
/// If the data or the configuration is invalid, or training diverges.
pub fn check(config: &Config, after_steps: usize, epsilon: f64, most_rows: usize) -> Result<Vec<(usize, Report)>> {
    thalweg_kernels::pool::set_threads(config.train.threads);
    let (data, mut plan) = prepare(config)?;
    let class_weights = recipe::class_weights(config, &data)?;
    let all = examples(&data.parts.train, class_weights.as_deref(), &data, Dtype::F64)?;
    let m = all.rows().min(most_rows);
    let (x, y) = (all.x.rows(m), all.y.rows(m));
    let weights = all.weights.as_ref().map(|weights| weights.rows(m));
    let settings = gradient_check::CheckSettings {
        epsilon,
        seed: config.train.seed,
        l2: config.train.l2 / all.rows() as f64,
        ..gradient_check::CheckSettings::default()
    };
    let check = |theta: &Tensor| gradient_check::check(&plan.network, &*plan.loss, theta, x, y, weights, settings);
    let mut state = plan.state(config.train.seed, 0.0, Dtype::F64);
    let mut reports = vec![(0, check(&state.theta)?)];
    if after_steps > 0 {
        struct StopAfter(usize, std::cell::Cell<usize>);
        impl Callback for StopAfter {
            fn event(&mut self, _: &Event) {}
            fn stop(&self) -> bool {
                self.1.replace(self.1.get() + 1) >= self.0
            }
        }
        plan.settings.epochs = usize::MAX >> 1;
        plan.settings.full_batch_epochs = 0;
        plan.settings.time_limit = None;
        let trainer = Trainer {
            network: &plan.network,
            loss: &*plan.loss,
            optimizer: &*plan.optimizer,
            settings: plan.settings.clone(),
            train: &all,
            dev: None,
            evaluate: &|_| Metrics::new(),
        };
        trainer.fit(&mut state, &mut StopAfter(after_steps, 0.into()))?;
        let check = |theta: &Tensor| gradient_check::check(&plan.network, &*plan.loss, theta, x, y, weights, settings);
        reports.push((after_steps, check(&state.theta)?));
    }
    Ok(reports)
}

pub(crate) fn prepare(config: &Config) -> Result<(Dataset, Plan)> {
    check_settings(config)?;
    let data = training_data(config)?;
    let plan = recipe::plan(config, &data)?;
    Ok((data, plan))
}

/// The data that a configuration names, as it is trained on.
fn training_data(config: &Config) -> Result<Dataset> {
    Ok(recipe::for_training(config, Cow::Owned(recipe::dataset(config)?))?.into_owned())
}

/// The same on a separate thread, so that a stop request need not wait until the data is read.
pub(crate) fn prepare_watched(config: &Config, stop: &dyn Fn() -> bool) -> Result<(Dataset, Plan)> {
    let (sender, receiver) = mpsc::channel();
    let config = config.clone();
    let loader = std::thread::Builder::new().name("loader".into()).stack_size(LOADER_STACK);
    let loader = loader.spawn(move || _ = sender.send(prepare(&config)));
    let loader = loader.map_err(|error| Error::internal(format!("no thread can be started: {error}")))?;
    loop {
        match receiver.recv_timeout(GLANCE) {
            Ok(prepared) => return prepared,
            Err(RecvTimeoutError::Timeout) if stop() => {
                let error =
                    Error::new(ErrorKind::Interrupted, "interrupted while the data was read: nothing has begun yet");
                return Err(error.fix("run the same command again"));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => match loader.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => return Err(Error::internal("the data was read and lost")),
            },
        }
    }
}

/// Checks the configuration and the environment.
fn check_settings(config: &Config) -> Result<()> {
    config.validate()?;
    thalweg_kernels::wanted().map(|_| ()).map_err(|found| {
        Error::config(format!("found {found:?}, expected portable, avx2 or avx512"))
            .at("THALWEG_KERNEL")
            .fix("correct the environment variable, or unset it")
    })
}

fn counts(data: &Dataset) -> Splits {
    Splits { train: data.train_rows(), dev: data.parts.dev.rows, test: data.parts.test.rows }
}

pub(crate) fn fresh_state(config: &Config, plan: &Plan) -> State {
    plan.state(config.train.seed, plan.settings.average, plan.dtype)
}

/// Encoded rows as tensors; sample weights are multiplied by class weights.
pub(crate) fn examples(
    rows: &Examples,
    class_weights: Option<&[f64]>,
    data: &Dataset,
    dtype: Dtype,
) -> Result<TensorDataset> {
    let x = View::from_f32(example_shape(data)?.batch(rows.rows), &rows.x).to_tensor().into_dtype(dtype);
    let y = Tensor::from_f32([rows.rows, rows.targets], rows.y.clone()).into_dtype(dtype);
    let mut weights = rows.weights.clone();
    if let Some(class_weights) = class_weights {
        let weights = weights.get_or_insert_with(|| vec![1.0; rows.rows]);
        weights.iter_mut().zip(&rows.y).for_each(|(weight, &y)| *weight *= class_weights[y as usize] as f32);
    }
    TensorDataset::new(x, y, weights.map(|weights| Tensor::from_f32([rows.rows], weights).into_dtype(dtype)))
}

/// Encoded rows for evaluation, in memory or on disk.
fn judged_on(
    rows: &Examples,
    class_weights: Option<&[f64]>,
    data: &Dataset,
    dtype: Dtype,
) -> Result<Box<dyn TrainingSet>> {
    Ok(match &rows.on_disk {
        Some(file) => Box::new(FromDisk::new(file.clone(), dtype, 0).with_classes(class_weights, None)),
        None => Box::new(examples(rows, class_weights, data, dtype)?),
    })
}

/// A configuration that begins where the run in a folder did, if that was with a model.
fn with_start(config: &Config, folder: &RunFolder) -> Config {
    let mut config = config.clone();
    if folder.start().exists() {
        config.train.start_from = Some(folder.start().display().to_string());
    }
    config
}

fn example_shape(data: &Dataset) -> Result<Shape> {
    Shape::try_from(data.pipeline.shape()).map_err(Error::data)
}

/// Everything from the first step (or the one resumed at) to the report.
fn run(
    config: &Config,
    data: &Dataset,
    mut plan: Plan,
    mut state: State,
    folder: RunFolder,
    log: EventLog,
    callback: &mut dyn Callback,
) -> Result<Outcome> {
    let fingerprint = fingerprint(config, data)?;
    let divergence = DivergenceMonitor::new(config, data);
    let mut recorder = RunRecorder::new(&folder, log, callback, fingerprint.clone(), divergence);
    let ranks = ranks::joined();
    if let Some(ranks) = ranks {
        plan.decisions.push(assist::shares(ranks, config, &plan));
    }
    if let Some(board) = &config.output.tensorboard {
        recorder.board = Some(TensorBoard::create(Path::new(board), &folder.name(), &plan.network, state.t)?);
    }
    let resumed = state.epoch > 0 || state.step > 0;
    if resumed {
        // The log already has its first events.
        let started = started(data, &plan, folder.name(), state.epoch);
        recorder.callback.event(&started);
        recorder.tell_board(|board| board.event(&started));
    } else {
        recorder.tell_board(|board| board.begin(config, &plan));
        // The folder that was asked for is taken.
        let out = config
            .output
            .out
            .as_ref()
            .map_or(String::new(), |out| format!(" {}", Advice::option("out", &format!("{out}-again"))));
        let command = format!("thalweg train --config {}{out}", folder.config().display());
        announce(config, data, &plan, folder.name(), command, &mut recorder)?;
    }
    if let Some(ranks) = ranks {
        assist::send(ranks, config, &with_start(config, &folder), &state, &fingerprint);
    }
    let end = match fit_among(ranks, config, (data, &plan), &mut state, &mut recorder) {
        Ok(end) => end,
        Err(error) => {
            record_failure(&error, &state, &mut recorder)?;
            return Err(match error.kind {
                ErrorKind::Diverged => {
                    error.or_fix(advice!("see what thalweg doctor {} finds", folder.path().display()))
                }
                _ => error,
            });
        }
    };
    if let Some(error) = recorder.broken.take() {
        return Err(error);
    }
    finish(config, data, plan, state, end, recorder)
}

/// Trains a plan's network on the training split, monitored on dev.
pub(crate) fn fit(
    config: &Config,
    data: &Dataset,
    plan: &Plan,
    state: &mut State,
    callback: &mut dyn Callback,
) -> Result<StopReason> {
    fit_among(None, config, (data, plan), state, callback)
}

/// The same with other ranks, which do the same.
fn fit_among(
    ranks: Option<&dyn Ranks>,
    config: &Config,
    (data, plan): (&Dataset, &Plan),
    state: &mut State,
    callback: &mut dyn Callback,
) -> Result<StopReason> {
    let class_weights = recipe::class_weights(config, data)?;
    let class_weights = class_weights.as_deref();
    // Mixed examples have soft targets.
    let mixed = data.task == Task::Multiclass && !plan.augmentation.mix.is_none();
    let classes = mixed.then(|| data.target.outputs());
    let evaluate = |outputs: &[f64]| {
        let mut evaluated = EvaluatedExamples::default();
        evaluated.extend(&data.target, outputs, &data.parts.dev);
        evaluated.metrics(&data.target)
    };
    let mut train: Box<dyn TrainingSet> = match &data.on_disk {
        Some(file) => {
            let rows = FromDisk::new(file.clone(), plan.dtype, memory::at_once(&config.data)?);
            Box::new(rows.with_classes(class_weights, classes))
        }
        None => {
            let examples_of = |rows: &Examples| examples(rows, class_weights, data, plan.dtype);
            let examples = examples_of(&data.parts.train)?;
            let examples = match classes {
                Some(classes) => examples.one_hot(classes),
                None => examples,
            };
            if frozen::sees_the_same(plan, state) {
                let dev = examples_of(&data.parts.dev)?;
                let dev = (dev.rows() > 0).then_some(&dev);
                let end = frozen::fit(ranks, plan, (&examples, dev), &evaluate, state, callback)?;
                if end != StopReason::Done || state.epoch >= plan.settings.epochs {
                    return Ok(end);
                }
            }
            Box::new(TensorDataset { lengths: plan.lengths.clone(), ..examples })
        }
    };
    if !plan.augmentation.is_none() {
        let frame = Shape::try_from(data.pipeline.frame()).map_err(Error::data)?;
        train = Box::new(Augmented::new(train, frame, plan.augmentation.clone()));
    }
    let dev = judged_on(&data.parts.dev, class_weights, data, plan.dtype)?;
    let trainer = Trainer {
        network: &plan.network,
        loss: &*plan.loss,
        optimizer: &*plan.optimizer,
        settings: plan.settings.clone(),
        train: &*train,
        dev: (dev.rows() > 0).then_some(&*dev),
        evaluate: &evaluate,
    };
    trainer.fit_among(ranks, state, callback)
}

/// The report last: its presence marks the run as complete.
fn write_report(folder: &RunFolder, run: &event::Run) -> Result<()> {
    // Not synced, which takes longer than a small training: the log has it all.
    std::fs::write(folder.history(), history::history(run))
        .map_err(|error| Error::io(ErrorKind::Config, folder.history(), "write the epochs", &error))?;
    atomic::write(&folder.report(), crate::report::page(run).as_bytes())
}

/// Ends the log of a failed run, and still writes its report: it shows where things went wrong.
fn record_failure(error: &Error, state: &State, recorder: &mut RunRecorder) -> Result<()> {
    recorder.event(&finished(error.message.clone(), state, &Splits::default(), SplitPredictions::default()));
    let (events, _) = event::read_events(recorder.folder.events())?;
    write_report(recorder.folder, &event::Run::new(&events))
}

/// Calibrates the best parameters and chooses thresholds, evaluates them on every split, and writes the model and the report.
fn finish(
    config: &Config,
    data: &Dataset,
    mut plan: Plan,
    mut state: State,
    end: StopReason,
    mut recorder: RunRecorder,
) -> Result<Outcome> {
    let Conclusion { target, results, answers, decisions, compared } =
        conclude(config, data, &mut plan, &mut state, &mut recorder)?;
    let state = &state;
    let reason = reason(end, &plan);
    let warnings = warnings(data, &plan).into_iter().chain(compared.warning).collect();
    let decisions = data.decisions.iter().chain(&plan.decisions).cloned().chain(decisions).collect();
    let parameters = plan.network.layout().trained();
    let folder = recorder.folder;
    let model = evaluation::model(config, data, plan.network, target.clone(), state, &results)?;
    model.save(folder.model())?;
    let forecast = judge_forecasts(data, &model, &mut recorder)?;
    explanation::explain(config, data, &model, (state, end), &mut recorder);
    if config.augment.ablate_augment {
        let monitor = match plan.settings.monitor.0.as_str() {
            "loss" => crate::metrics::headline(data.task),
            name => name,
        };
        ablate::ablate(config, (data, &target), &plan.augmentation, (monitor, &results.dev), &mut recorder)?;
    }
    let answers = explanation::tell_words(config, &model, answers);
    let coverage = answers.coverage.clone();
    recorder.event(&finished(reason, state, &results, answers));
    if let Some(error) = recorder.broken.take() {
        return Err(error);
    }
    let (events, _) = event::read_events(folder.events())?;
    if let Some(figures) = &config.output.figures {
        crate::report::write_figures(&events, Path::new(figures))?;
    }
    #[cfg(feature = "figures")]
    if let Some(board) = &mut recorder.board {
        board.figures(&events)?;
    }
    let run = event::Run::new(&events);
    write_report(folder, &run)?;
    Ok(Outcome {
        run: folder.path().to_path_buf(),
        model: folder.model(),
        task: data.task,
        files: data.pipeline.media().is_some(),
        classes: data.target.classes.clone(),
        thresholds: target.thresholds,
        examples: counts(data),
        parameters,
        epochs: state.epoch,
        best_epoch: state.best_epoch,
        seconds: state.seconds,
        metrics: results,
        baselines: compared.baselines,
        coverage,
        forecast,
        decisions,
        warnings,
        findings: crate::findings::of(&run, None),
        end,
    })
}

/// Forecasts from each step of test, and tells how good that is; none where the model makes no forecasts.
///
/// # Errors
/// If a forecast is no finite number.
fn judge_forecasts(data: &Dataset, model: &Model, callback: &mut dyn Callback) -> Result<Option<ForecastScores>> {
    let scores = data.forecast.as_ref().map(|data| model.judged(data)).transpose()?;
    if let Some(scores) = &scores {
        callback.event(&Event::Forecast(scores.clone()));
    }
    Ok(scores)
}

/// A name for the run's folder, derived from its data: `houses` from `data/houses.csv`.
pub(crate) fn short_name(data: &str) -> String {
    let name = data.strip_prefix("sample:").unwrap_or(data);
    let name = Path::new(name).file_name().map_or(name.into(), |name| name.to_string_lossy());
    let name: String = name.split(['.', ',']).next().unwrap_or_default().into();
    let plain = |c: char| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    match name.chars().map(plain).collect::<String>() {
        name if name.trim_matches('-').is_empty() => "data".into(),
        name => name,
    }
}
