//! Progress of a search, and its results.

use clap::ArgMatches;
use indicatif::ProgressBar;
use thalweg::run::Callback;
use thalweg::tune::{
    self, Importance, SearchEnd, SearchEvent, SearchResult, SeedNoise, Study, Trial, TrialKind, TrialState,
};

use super::signals::Signals;
use super::{BOLD, FAINT, YELLOW, line, short, table, table_with};

/// Shows trials as they end.
pub(crate) struct Table {
    quiet: bool,
    verbose: bool,
    bar: Option<ProgressBar>,
    signals: Signals,
    /// Maximum trials, the objective, the best trial printed so far.
    state: (usize, String, Option<usize>),
}

impl Table {
    /// Shows what the flags allow.
    pub(crate) fn new(matches: &ArgMatches) -> anyhow::Result<Table> {
        let quiet = matches.get_flag("quiet");
        let bar = super::bar(quiet, "{bar:30.cyan/dim} {msg}");
        Ok(Table {
            quiet,
            verbose: matches.get_flag("verbose"),
            bar,
            signals: Signals::watch()?,
            state: Default::default(),
        })
    }

    /// Removes the bar.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// The exit code of a search stopped by a signal.
    pub(crate) fn signal_exit_code(&self) -> u8 {
        self.signals.exit_code()
    }

    fn say(&self, text: &str) {
        super::say(self.bar.as_ref(), text);
    }
}

impl Callback<SearchEvent> for Table {
    fn event(&mut self, event: &SearchEvent) {
        if let SearchEvent::Warning(warning) = event {
            return self.say(&format!("{YELLOW}warning{YELLOW:#}: {warning}"));
        }
        if self.quiet {
            return;
        }
        match event {
            SearchEvent::Started { study, space, trials: (most, ended, workers), objective, decisions, forecast } => {
                (self.state.0, self.state.1) = (*most, objective.0.clone());
                let higher = if objective.1 { "highest" } else { "lowest" };
                self.say(&format!(
                    "{BOLD}study {}{BOLD:#}: the {higher} dev {} is sought",
                    study.display(),
                    objective.0
                ));
                space.iter().for_each(|text| self.say(&format!("  {text}")));
                for decision in decisions {
                    self.say(&format!("{FAINT}{} ({})  {}{FAINT:#}", decision.what, decision.why, decision.instead));
                }
                let gone = if *ended > 0 { format!(", {ended} have ended") } else { String::new() };
                self.say(&format!(
                    "{most} trials{gone}, {workers} at a time; {} at most, by the first epoch",
                    duration(*forecast)
                ));
                if let Some(bar) = &self.bar {
                    bar.set_length(*most as u64);
                }
            }
            SearchEvent::Ended { trial, best, ended, pace, left } => {
                let new = best.is_some_and(|(number, _)| number == trial.number && self.state.2 != Some(number));
                self.state.2 = best.map(|(number, _)| number).or(self.state.2);
                if self.verbose || self.bar.is_none() || new {
                    self.say(&trial_line(trial, &self.state.1, new));
                }
                if let Some(bar) = &self.bar {
                    bar.set_position(*ended as u64);
                    let best =
                        best.map_or(String::new(), |(number, value)| format!("best {} (trial {number})", short(value)));
                    bar.set_message(format!(
                        "{ended}/{}  {best}  {pace:.0} trials/min  {} left",
                        self.state.0,
                        duration(*left)
                    ));
                }
            }
            SearchEvent::Chosen { trial, members, refit } => {
                let seed = if trial.kind == TrialKind::Seed { format!(", seed {}", trial.seed) } else { String::new() };
                let of = if *members > 1 { format!(", an ensemble of {members} networks") } else { String::new() };
                let on = if *refit { " on train and dev together" } else { "" };
                let objective = &self.state.1;
                self.say(&format!(
                    "{FAINT}training the model{of}{on} (dev {objective} was {}{seed}){FAINT:#}",
                    value(trial)
                ));
            }
            SearchEvent::Warning(_) => {}
        }
    }

    fn stop(&self) -> bool {
        self.signals.have_come()
    }
}

fn value(trial: &Trial) -> String {
    trial.value.map_or("–".into(), short)
}

fn trial_line(trial: &Trial, objective: &str, best: bool) -> String {
    let state = match trial.state {
        TrialState::Done => format!("{objective} {}", value(trial)),
        TrialState::Pruned => format!("ended early after {} epochs, {objective} {}", trial.epochs, value(trial)),
        _ => format!("failed: {}", trial.why.as_deref().unwrap_or_default().lines().next().unwrap_or_default()),
    };
    let point = point(trial);
    format!(
        "trial {:>4}  {state}  {point}  {}{}",
        trial.number,
        duration(trial.seconds),
        if best { "  best" } else { "" }
    )
}

fn point(trial: &Trial) -> String {
    match trial.kind {
        TrialKind::Baseline => "as configured".into(),
        TrialKind::Seed => format!("seed {}", trial.seed),
        TrialKind::Search => {
            let pairs: Vec<String> = trial.point.iter().map(|(name, value)| format!("{name}={value}")).collect();
            pairs.join(" ")
        }
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 60.0 => format!("{s:.1} s"),
        s if s < 3600.0 => format!("{:.0} min {:.0} s", (s / 60.0).floor(), s % 60.0),
        s => format!("{:.0} h {:.0} min", (s / 3600.0).floor(), (s % 3600.0 / 60.0).floor()),
    }
}

/// The end of a search: the best trials, the noise, paths, and the next commands.
pub(crate) fn found(found: &SearchResult) -> anyhow::Result<()> {
    line("")?;
    trials(&found.trials, &found.objective.0)?;
    told(found.noise.as_ref(), &found.trials, &found.objective.0)?;
    if !found.front.is_empty() {
        line("")?;
        line(&format!("not beaten in everything that is sought: trials {}", numbers(&found.front)))?;
    }
    if let Some(outcome) = &found.outcome {
        super::outcome(outcome)?;
    } else if found.end == SearchEnd::Elsewhere {
        line("")?;
        line("its model is trained, or being trained, by another process")?;
    }
    let study = found.study.display();
    line(&format!("  thalweg tune show {study} -o study.html"))?;
    if found.end == SearchEnd::Interrupted {
        line(&format!("  thalweg tune --study {study}"))?;
    }
    Ok(())
}

/// The results of a study so far.
pub(crate) fn study(study: &Study, all: &[Trial], importance: &[Importance]) -> anyhow::Result<()> {
    let count = |state: TrialState| all.iter().filter(|trial| trial.state == state).count();
    line(&format!(
        "{BOLD}{}{BOLD:#}: {} trials ({} done, {} ended early, {} failed, {} under way)",
        study.path().display(),
        all.len(),
        count(TrialState::Done),
        count(TrialState::Pruned),
        count(TrialState::Failed),
        count(TrialState::Running) + count(TrialState::Waiting),
    ))?;
    line("")?;
    trials(all, &study.objective)?;
    told(SeedNoise::measure(all).as_ref(), all, &study.objective)?;
    if !importance.is_empty() {
        line("")?;
        line("what mattered, by a forest of the trials:")?;
        let rows: Vec<Vec<String>> = importance
            .iter()
            .map(|each| vec![format!("  {}", each.name), format!("{:.0} %", 100.0 * each.share)])
            .collect();
        table(&rows)?;
    }
    if let Some(run) = study.run()? {
        line("")?;
        line(&format!("run      {}", run.display()))?;
    }
    Ok(())
}

/// The best trials, and the baseline.
fn trials(trials: &[Trial], objective: &str) -> std::io::Result<()> {
    let mut done: Vec<&Trial> =
        trials.iter().filter(|trial| trial.state == TrialState::Done && trial.kind != TrialKind::Seed).collect();
    done.sort_by(|a, b| a.cost.unwrap_or(f64::MAX).total_cmp(&b.cost.unwrap_or(f64::MAX)));
    let mut rows = vec![["trial", &format!("dev {objective}"), "seconds", "values"].map(String::from).to_vec()];
    let shown = done.iter().enumerate().filter(|(i, trial)| *i < 5 || trial.kind == TrialKind::Baseline);
    rows.extend(
        shown.map(|(_, trial)| {
            vec![trial.number.to_string(), value(trial), format!("{:.1}", trial.seconds), point(trial)]
        }),
    );
    table_with(&rows, 3)
}

/// How much of the differences is noise.
fn told(noise: Option<&SeedNoise>, trials: &[Trial], objective: &str) -> std::io::Result<()> {
    let (Some(noise), Some(best)) = (noise, tune::best(trials)) else { return Ok(()) };
    line("")?;
    line(&format!(
        "trial {} has dev {objective} {}; with {} other seeds {} ± {}",
        best.number,
        value(best),
        noise.seeds,
        short(noise.mean),
        short(noise.deviation)
    ))?;
    match noise.alike.len() {
        0 => line("every other trial is worse by more than chance"),
        1 => line(&format!("trial {} cannot be told from it", noise.alike[0])),
        n => line(&format!("{n} trials cannot be told from it: {}", numbers(&noise.alike))),
    }
}

fn numbers(numbers: &[usize]) -> String {
    let mut words: Vec<String> = numbers.iter().take(12).map(usize::to_string).collect();
    if numbers.len() > 12 {
        words.push("…".into());
    }
    words.join(", ")
}
