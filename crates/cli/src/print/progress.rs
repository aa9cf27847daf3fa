//! Progress of training.

use clap::ArgMatches;
use indicatif::ProgressBar;
use thalweg::brief;
use thalweg::event::{Event, Splits};
use thalweg::run::Callback;

use super::signals::Signals;
use super::{BOLD, FAINT, LONGEST, YELLOW, bar, grouped, name_of, say, short};

/// Maximum number of epochs printed as plain lines, evenly spaced.
const MOST_LINES: usize = 40;

/// Shows the progress of training, and turns signals into a stop request.
pub(crate) struct Progress {
    quiet: bool,
    verbose: bool,
    bar: Option<ProgressBar>,
    epochs: usize,
    steps: usize,
    signals: Signals,
}

impl Progress {
    /// Shows what the flags allow. The first Ctrl-C or SIGTERM requests a stop; the second ends the process.
    pub(crate) fn new(matches: &ArgMatches) -> anyhow::Result<Progress> {
        let signals = Signals::watch()?;
        let quiet = matches.get_flag("quiet");
        let bar = bar(quiet, "{bar:30.cyan/dim} epoch {msg} {eta:>4} left");
        Ok(Progress { quiet, verbose: matches.get_flag("verbose"), bar, epochs: 1, steps: 1, signals })
    }

    /// The exit code of a run stopped by a signal.
    pub(crate) fn signal_exit_code(&self) -> u8 {
        self.signals.exit_code()
    }

    /// Whether a signal has come.
    #[cfg(feature = "ui")]
    pub(crate) fn is_signalled(&self) -> bool {
        self.signals.have_come()
    }

    /// Sleeps until a signal comes.
    #[cfg(feature = "ui")]
    pub(crate) fn wait_for_signal(&self) {
        self.signals.wait();
    }

    fn say(&self, text: &str) {
        say(self.bar.as_ref(), text);
    }
}

impl Callback for Progress {
    fn event(&mut self, event: &Event) {
        if let Event::Warning(warning) = event {
            self.say(&format!("{YELLOW}warning{YELLOW:#}: {}", brief(&warning.to_string(), LONGEST)));
        }
        if self.quiet {
            return;
        }
        match event {
            Event::RunOfSeries { by, number, position, of } => {
                if let Some(bar) = &self.bar {
                    bar.reset();
                }
                self.say(&format!("{BOLD}{by} {number}{BOLD:#}  (run {} of {of})", position + 1));
            }
            Event::RunStarted { data, examples, layers, parameters, epochs, steps_per_epoch, task, .. } => {
                (self.epochs, self.steps) = (*epochs, *steps_per_epoch);
                if let Some(bar) = &self.bar {
                    bar.set_length((epochs * steps_per_epoch) as u64);
                }
                let Splits { train, dev, test } = examples;
                self.say(&format!("{BOLD}{data}{BOLD:#}: {} on {train} rows (dev {dev}, test {test})", name_of(task)));
                let network: Vec<&str> = layers.iter().map(|layer| layer.description.as_str()).collect();
                self.say(&format!("{FAINT}{} ({} parameters){FAINT:#}", network.join(" · "), grouped(*parameters)));
            }
            Event::Progress { epoch, step, cost, .. } => {
                if let Some(bar) = &self.bar {
                    bar.set_position(((epoch - 1) * self.steps + step) as u64);
                    bar.set_message(format!("{epoch}/{}  cost {cost:.4}", self.epochs));
                }
            }
            Event::EpochEnded { epoch, cost, dev_loss, dev, best, seconds, .. } => {
                let mut text = format!("epoch {epoch:>4}/{}  cost {cost:<9.5}", self.epochs);
                if let Some(loss) = dev_loss {
                    text.push_str(&format!("  dev loss {loss:<9.5}"));
                }
                for name in ["accuracy", "rmse"] {
                    if let Some(value) = dev.get(name) {
                        text.push_str(&format!("  dev {name} {}", short(*value)));
                    }
                }
                text.push_str(&format!("  {seconds:.1} s{}", if *best { "  best" } else { "" }));
                if let Some(bar) = &self.bar {
                    bar.set_position((epoch * self.steps) as u64);
                    bar.set_message(format!("{epoch}/{}  cost {cost:.4}", self.epochs));
                }
                let every = self.epochs.div_ceil(MOST_LINES);
                let due = epoch % every == 0 || *epoch == 1 || *epoch == self.epochs;
                if self.verbose || (self.bar.is_none() && due) {
                    self.say(&text);
                }
            }
            Event::Ablation { without, metric, all, value } => {
                let without = without.replace('_', "-");
                self.say(&format!("without {without}: dev {metric} {} (with it {})", short(*value), short(*all)));
            }
            Event::Finished { .. } => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
            }
            _ => {}
        }
    }

    fn stop(&self) -> bool {
        self.signals.have_come()
    }
}
