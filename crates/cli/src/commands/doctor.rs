//! `thalweg doctor RUN|DATA`: what is wrong with a run, or with data and a configuration before training.

use std::path::Path;

use clap::ArgMatches;
use thalweg::config::Config;
use thalweg::doctor::{self, Diagnosis, DoctorOptions};
use thalweg::event::{Event, Splits, read_events};
use thalweg::metrics::Metrics;
use thalweg::run;

use crate::args;
use crate::print::{self, Progress};

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config_with_data(matches)?;
    let examined = Path::new(&config.data.path).to_path_buf();
    let human_level = matches.get_one::<f64>("human-level").copied();
    if human_level.is_some_and(|level| !(0.0..=1.0).contains(&level)) {
        let error = thalweg::Error::config("an error from 0 to 1 is expected").at("--human-level");
        return Err(error.fix("people who are right in 99 of 100 cases have 0.01").into());
    }
    let options = DoctorOptions { human_level };
    let is_run = doctor::is_run(&examined);
    let diagnosis = if is_run {
        doctor::examine(&examined, options)?
    } else {
        doctor::examine_config(&config, command(matches, &config), options)?
    };
    let as_json = matches.get_flag("json");
    let Some(code) = matches.get_one::<String>("fix") else {
        if as_json {
            print::json(&diagnosis.to_json())?;
        } else {
            print::doctor::diagnosis(&diagnosis)?;
        }
        return Ok(0);
    };
    fix(matches, &diagnosis, (&examined, is_run), Some(code.as_str()).filter(|code| !code.is_empty()))
}

/// Writes the fixed configuration and, if asked, trains with it.
fn fix(
    matches: &ArgMatches,
    diagnosis: &Diagnosis,
    (examined, is_run): (&Path, bool),
    code: Option<&str>,
) -> anyhow::Result<u8> {
    let (config, changes) = diagnosis.fixed(code)?;
    let path = doctor::fixed_path(examined);
    thalweg::io::atomic::write(&path, config.to_toml().as_bytes())?;
    let as_json = matches.get_flag("json");
    let mut object = diagnosis.to_json();
    object["config"] = serde_json::json!(path);
    object["changes"] = serde_json::json!(changes);
    if !as_json {
        print::doctor::diagnosis(diagnosis)?;
        print::doctor::fixed(&changes, &path)?;
    }
    if !matches.get_flag("run") {
        return if as_json { print::json(&object).map(|()| 0).map_err(Into::into) } else { Ok(0) };
    }
    let mut progress = Progress::new(matches)?;
    let outcome = run::train(&config, &mut progress);
    let Some(outcome) = super::train::unless_interrupted(outcome)? else { return Ok(progress.signal_exit_code()) };
    let before = if is_run { metrics(examined)? } else { Splits::default() };
    if as_json {
        object["before"] = serde_json::json!(before);
        object["after"] = serde_json::json!(outcome.metrics);
        object["run"] = serde_json::json!(outcome.run);
        print::json(&object)?;
    } else {
        print::doctor::before_and_after(&before, &outcome)?;
    }
    Ok(0)
}

/// The metrics that a run ended with.
fn metrics(run: &Path) -> anyhow::Result<Splits<Metrics>> {
    let (events, _) = read_events(run.join("events.jsonl"))?;
    let finished = events.into_iter().rev().find_map(|event| match event {
        Event::Finished { metrics, .. } => Some(metrics),
        _ => None,
    });
    Ok(finished.unwrap_or_default())
}

/// The command that trains as the flags say.
fn command(matches: &ArgMatches, config: &Config) -> String {
    let mut words = vec!["thalweg".to_string(), "train".into(), print::doctor::word(&config.data.path)];
    let mut flag = |name: &str, value: &str| match value {
        // A switch takes its value with a sign.
        "true" => words.push(format!("--{name}")),
        "false" => words.push(format!("--{name}=false")),
        value => words.extend([format!("--{name}"), print::doctor::word(value)]),
    };
    for id in matches.ids().map(clap::Id::as_str).filter(|id| !["data", "fix", "run", "human-level"].contains(id)) {
        let given = matches.value_source(id) == Some(clap::parser::ValueSource::CommandLine);
        for value in matches.try_get_many::<String>(id).ok().flatten().into_iter().flatten().filter(|_| given) {
            flag(&id.replace('_', "-"), value);
        }
    }
    words.join(" ")
}
