//! How a search begins: a new study with every setting fixed and reported, or an existing one reopened.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::space::Space;
use super::study::Study;
use super::trial::LATENCY;
use super::{defaults, ensemble, finish};
use crate::config::{Config, Pruner, Sampler};
use crate::data::dataset::{self, Dataset};
use crate::data::source;
use crate::error::{Error, Result, did_you_mean};
use crate::event::{Decision, Event};
use crate::metrics;
use crate::recipe::{self, Plan};
use crate::run;
use crate::run::RunFolder;
use crate::train::Callback;

/// Dev rows below which a single dev split is too noisy.
const FEW: usize = 300;
/// Cross-validation folds per trial in that case.
const FOLDS: usize = 5;

/// The starting point of a search.
pub(super) struct Begun {
    /// The configuration with every setting fixed.
    pub(super) base: Config,
    pub(super) study: Study,
    pub(super) space: Space,
    pub(super) data: Dataset,
    /// The plan of the unchanged configuration.
    pub(super) plan: Plan,
    pub(super) decisions: Vec<Decision>,
}

/// Fixes every setting in a new study, or opens the study that is named.
pub(super) fn open(config: &Config, stop: &dyn Fn() -> bool) -> Result<Begun> {
    let named = config.tune.study.as_ref().map(PathBuf::from);
    if let Some(path) = named.as_ref().filter(|_| config.data.path.is_empty()) {
        let study = Study::open(path)?;
        let mut base = study.config()?;
        // Options that do not affect the result may differ between invocations.
        for (kept, asked) in
            [(&mut base.train.threads, config.train.threads), (&mut base.tune.workers, config.tune.workers)]
        {
            *kept = if asked > 0 { asked } else { *kept };
        }
        let (data, plan) = run::prepare_watched(&base, stop)?;
        if !is_of(&study, &base, &data)? {
            let error = Error::data("the data is no longer what the study began with").at(base.data.path);
            return Err(error.fix("restore it, or begin a new study"));
        }
        let space = Space::new(&base)?;
        return Ok(Begun { base, study, space, data, plan, decisions: Vec::new() });
    }
    if config.data.path == "-" {
        let error = Error::config("a search reads its data more than once").at("-");
        return Err(error.fix("put standard input into a file"));
    }
    let mut base = config.clone();
    // Trials may differ in their seeds, never in the split they are evaluated on.
    base.split.split_seed.get_or_insert(base.train.seed);
    let (data, plan) = run::prepare_watched(&base, stop)?;
    dataset::freeze(&mut base, &data);
    if data.parts.dev.rows == 0 {
        let error = Error::config("trials are compared on a dev part, and there is none");
        return Err(error.at("--split").fix("give a dev part with [split] or [dev]"));
    }
    let mut decisions = Vec::new();
    let decide = |decisions: &mut Vec<Decision>, what: String, why: &str, instead: &str| {
        decisions.push(Decision { what, why: why.into(), instead: instead.into() });
    };
    if base.tune.search.is_empty() {
        let (space, why) = defaults::space(&base, &data);
        if space.is_empty() {
            let error = Error::config("every option that is usually searched has a value already");
            return Err(error.at("--search").fix("name what is searched, as in [search=learning_rate=log:1e-4..1e-1]"));
        }
        let names: Vec<&str> = space.iter().map(|(name, _)| name.as_str()).collect();
        decide(&mut decisions, format!("searched: {}", names.join(", ")), why, "[search=learning_rate=log:1e-4..1e-1]");
        base.tune.search = space.into_iter().collect();
    }
    let objective = objective(&base, &data, &plan)?;
    if base.tune.objective.is_empty() {
        let why = format!("{} dev rows", data.parts.dev.rows);
        decide(
            &mut decisions,
            format!("the best trial is the one with the best dev {objective}"),
            &why,
            "[objective=loss]",
        );
    }
    base.train.monitor = Some(objective.clone());
    if base.tune.pruner.is_none() {
        let what = match pruner(&base) {
            Pruner::Asha => "trials that fall behind end early (asha)",
            _ => "every trial goes to its end",
        };
        let why = format!("the sampler is {}", name_of(base.tune.sampler));
        decide(&mut decisions, what.into(), &why, "[pruner=median]");
    }
    if base.tune.folds.is_none() {
        let random = base.split.group.is_none() && !base.splits_by_time() && base.split.fold.is_none();
        let few = data.parts.dev.rows < FEW && data.on_disk.is_none() && !recipe::has_convolutions(&base, &data);
        let folds = if few && random && !has_own_dev(&base) { FOLDS } else { 1 };
        if folds > 1 {
            let why = format!("{} dev rows are few", data.parts.dev.rows);
            decide(&mut decisions, format!("a trial's value is the mean of {folds} folds"), &why, "[folds=1]");
        }
        base.tune.folds = Some(folds);
    }
    let members = ensemble::members(&base, &data)?;
    if members > 1 {
        let what = format!("the model is an ensemble in the end, {members} networks of each of the best kinds");
        decide(&mut decisions, what, "members err in different ways", "[ensemble=1]");
    } else if base.tune.refit.is_none() && finish::refits(&base) {
        let what = "the model is trained on train and dev together in the end".to_string();
        decide(&mut decisions, what, "then dev has done its work", "[refit=false]");
    }
    let space = Space::new(&base)?;
    let higher = objective != "loss" && metrics::higher_is_better(&objective);
    let path = named.map_or_else(|| free_path(&run::short_name(&base.data.path)), Ok)?;
    if let Some(study) = same(&path, &base, &data)? {
        let what = "going on with the study that is there".to_string();
        decide(&mut decisions, what, "it began with the same options and data", "[study=ANOTHER]");
        return Ok(Begun { base, study, space, data, plan, decisions });
    }
    // Checked now rather than when the search is over.
    base.output.out.iter().try_for_each(|out| RunFolder::check_free(Path::new(out)))?;
    let study = Study::create(&path, &base, &run::fingerprint(&base, &data)?, &objective, higher)?;
    Ok(Begun { base, study, space, data, plan, decisions })
}

/// The study at a path, if it was created with this configuration and data.
fn same(path: &Path, base: &Config, data: &Dataset) -> Result<Option<Study>> {
    let Some(study) = path.is_file().then(|| Study::open(path)).transpose().unwrap_or_default() else {
        return Ok(None);
    };
    let identity_of = |config: &Config| run::identity(config).to_toml();
    Ok((identity_of(&study.config()?) == identity_of(base) && is_of(&study, base, data)?).then_some(study))
}

/// Whether a study began with this data and, as this version or an earlier one knows it, this configuration.
fn is_of(study: &Study, base: &Config, data: &Dataset) -> Result<bool> {
    let known = study.data()?;
    Ok(known == run::fingerprint(base, data)? || known == run::former_fingerprint(&study.written()?, data))
}

fn name_of(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| Some(value.as_str()?.to_string())).unwrap_or_default()
}

/// The primary objective: the metric by which trials are compared.
fn objective(config: &Config, data: &Dataset, plan: &Plan) -> Result<String> {
    let wanted = &config.tune.objective;
    let names: Vec<&str> = std::iter::once("loss").chain(metrics::names(data.task).iter().copied()).collect();
    let others = ["parameters", LATENCY];
    for (i, name) in wanted.iter().enumerate() {
        if !names.contains(&name.as_str()) && (i == 0 || !others.contains(&name.as_str())) {
            let known: Vec<&str> = names.iter().chain(if i == 0 { &[][..] } else { &others }).copied().collect();
            let message = format!("unknown objective {name:?}{}", did_you_mean(name, known.iter().copied()));
            return Err(Error::config(message).at("--objective").fix(format!("use one of {}", known.join(", "))));
        }
        if i > 0 && !others.contains(&name.as_str()) {
            let error = Error::config(format!("{name:?} beside another metric")).at("--objective");
            return Err(error.fix("name one metric, and after it parameters or latency"));
        }
    }
    Ok(match wanted.first() {
        Some(name) => name.clone(),
        None => match plan.settings.monitor.0.as_str() {
            // Losses of trials trained with different losses are not comparable.
            "loss" if data.task.is_classes() => "log_loss".into(),
            "loss" => "rmse".into(),
            monitor => monitor.into(),
        },
    })
}

/// The pruner requested, or the sampler's default.
pub(super) fn pruner(config: &Config) -> Pruner {
    let usual = if matches!(config.tune.sampler, Sampler::Tpe | Sampler::Gp) { Pruner::Asha } else { Pruner::None };
    config.tune.pruner.unwrap_or(usual)
}

/// Number of parallel trials.
pub(super) fn workers(config: &Config) -> usize {
    match config.tune.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    }
}

/// The first unused path under `runs/`.
fn free_path(name: &str) -> Result<PathBuf> {
    let free = (1..).map(|n| Path::new("runs").join(format!("{name}-tune-{n}.sqlite"))).find(|path| !path.exists());
    free.ok_or_else(|| Error::internal("no name is free"))
}

/// Seconds per epoch of the unchanged configuration, measured for two seconds at most.
pub(super) fn epoch_seconds(config: &Config, data: &Dataset, plan: &Plan) -> Result<f64> {
    struct FirstEpoch(Instant, f64);
    impl Callback for FirstEpoch {
        fn event(&mut self, event: &Event) {
            match event {
                Event::Progress { step, steps, .. } => self.1 = *step as f64 / *steps as f64,
                Event::EpochEnded { epoch, .. } => self.1 = *epoch as f64,
                _ => {}
            }
        }
        fn stop(&self) -> bool {
            self.1 >= 1.0 || self.0.elapsed() > Duration::from_secs(2)
        }
    }
    let mut state = plan.state(config.train.seed, plan.settings.average, plan.dtype);
    let mut first = FirstEpoch(Instant::now(), 0.0);
    match run::fit(config, data, plan, &mut state, &mut first) {
        // If this diverges, it fails as a trial, which reports why.
        Ok(_) | Err(Error { kind: crate::ErrorKind::Diverged, .. }) => {}
        Err(error) => return Err(error),
    }
    Ok(first.0.elapsed().as_secs_f64() / first.1.max(1e-3))
}

/// Whether the dev split comes from a separate file or folder.
pub(super) fn has_own_dev(config: &Config) -> bool {
    config.data.dev.is_some() || source::dev_part(&config.data.path).is_some()
}
