//! `thalweg tune DATA`: hyperparameter search, and the results of a study.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use serde_json::json;
use thalweg::ErrorKind;
use thalweg::config::Config;
use thalweg::io::atomic;
use thalweg::tune::{self, SearchEnd, SearchResult, Study, Trial};

use super::argument;
use super::output::Output;
use crate::args;
use crate::print;
use crate::print::search::Table;
use crate::print::signals;

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    if matches.subcommand().is_some() {
        signals::end_at_once()?;
    }
    match matches.subcommand() {
        Some(("show", matches)) => show(matches),
        Some(("export", matches)) => export(matches),
        _ => search(matches),
    }
}

fn search(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config(matches)?;
    if config.data.path.is_empty() && config.tune.study.is_none() {
        let error = thalweg::Error::config("neither data nor a study is named");
        return Err(error.fix("name a file, try sample:digits, or go on with --study FILE").into());
    }
    if config.data.path.is_empty() {
        refuse_changes(&config)?;
    }
    let mut table = Table::new(matches)?;
    let found = tune::tune(&config, &mut table);
    table.clear();
    let found = match found {
        Err(error) if error.kind == ErrorKind::Interrupted => {
            print::error(&error.into());
            return Ok(table.signal_exit_code());
        }
        found => found?,
    };
    if matches.get_flag("json") {
        print::json(&found_json(&found))?;
    } else {
        print::search::found(&found)?;
    }
    Ok(match found.end {
        SearchEnd::Done | SearchEnd::Stalled | SearchEnd::Elsewhere => 0,
        SearchEnd::Budget => 6,
        SearchEnd::Interrupted => table.signal_exit_code(),
    })
}

/// A resumed study keeps its configuration.
fn refuse_changes(config: &Config) -> anyhow::Result<()> {
    let mut plain = Config::default();
    plain.tune.study.clone_from(&config.tune.study);
    (plain.train.threads, plain.tune.workers) = (config.train.threads, config.tune.workers);
    if *config != plain {
        let error = thalweg::Error::config("a study goes on with the options it began with").at("--study");
        return Err(error
            .fix("give --study alone or with --threads and --workers, or name DATA to begin a new study")
            .into());
    }
    Ok(())
}

fn found_json(found: &SearchResult) -> serde_json::Value {
    let best = tune::best(&found.trials);
    json!({
        "study": found.study,
        "trials": found.trials.len(),
        "objective": found.objective.0,
        "best": best.map(|best| json!({ "trial": best.number, "value": best.value, "parameters": best.point })),
        "noise": found.noise,
        "front": found.front,
        "run": found.outcome.as_ref().map(|outcome| &outcome.run),
        "metrics": found.outcome.as_ref().map(|outcome| &outcome.metrics),
    })
}

fn show(matches: &ArgMatches) -> anyhow::Result<u8> {
    let study = Study::open(Path::new(argument(matches, "file")))?;
    if let Some(path) = out(matches, &study)? {
        let page = thalweg::tune::study_html(&study)?;
        atomic::write(Path::new(path), page.as_bytes())?;
    }
    if let Some(folder) = matches.get_one::<String>("figures") {
        thalweg::tune::write_study_figures(&study, Path::new(folder))?;
    }
    let trials = study.trials()?;
    if matches.get_flag("json") {
        print::json(&json!({ "objective": study.objective, "trials": trials, "importance": importance(&study)? }))?;
    } else {
        print::search::study(&study, &trials, &importance(&study)?)?;
    }
    Ok(0)
}

fn importance(study: &Study) -> anyhow::Result<Vec<tune::Importance>> {
    let space = tune::Space::new(&study.config()?)?;
    Ok(tune::importance(&space, &study.trials()?))
}

fn export(matches: &ArgMatches) -> anyhow::Result<u8> {
    let study = Study::open(Path::new(argument(matches, "file")))?;
    let trials = study.trials()?;
    let mut out = Output::open(out(matches, &study)?)?;
    if argument(matches, "format") == "jsonl" {
        for trial in &trials {
            writeln!(out, "{}", serde_json::to_string(trial)?)?;
        }
    } else {
        write_csv(&study, &trials, &mut out).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => anyhow::Error::from(error),
            other => anyhow::anyhow!("the table cannot be written: {other:?}"),
        })?;
    }
    out.finish()?;
    Ok(0)
}

/// The file named by `-o`, which must not be one of the study's.
fn out<'a>(matches: &'a ArgMatches, study: &Study) -> thalweg::Result<Option<&'a String>> {
    let out = matches.get_one::<String>("out");
    let files = ["", "-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", study.path().display())));
    out.map_or(Ok(()), |out| atomic::refuse_input("-o", Path::new(out), files))?;
    Ok(out)
}

fn write_csv(study: &Study, trials: &[Trial], out: &mut impl Write) -> Result<(), csv::Error> {
    let keys = |of: fn(&Trial) -> Vec<&String>| {
        let mut keys: Vec<String> = trials.iter().flat_map(of).cloned().collect();
        keys.sort();
        keys.dedup();
        keys
    };
    let options = keys(|trial| trial.point.keys().collect());
    let mut others = keys(|trial| trial.others.keys().collect());
    others.retain(|name| *name != study.objective);
    let mut writer = csv::Writer::from_writer(out);
    let fixed = ["trial", "kind", "state", "seed", study.objective.as_str(), "epochs", "seconds"];
    writer.write_record(fixed.into_iter().chain(options.iter().chain(&others).map(String::as_str)).chain(["why"]))?;
    for trial in trials {
        let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_string();
        let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let mut record = vec![
            trial.number.to_string(),
            word(json!(trial.kind)),
            word(json!(trial.state)),
            trial.seed.to_string(),
            number(trial.value),
            trial.epochs.to_string(),
            trial.seconds.to_string(),
        ];
        record.extend(options.iter().map(|name| trial.point.get(name).cloned().unwrap_or_default()));
        record.extend(others.iter().map(|name| number(trial.others.get(name).copied())));
        record.push(trial.why.clone().unwrap_or_default().replace('\n', " "));
        writer.write_record(record)?;
    }
    writer.flush()?;
    Ok(())
}
