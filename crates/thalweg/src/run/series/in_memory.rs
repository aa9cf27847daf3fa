//! A series of runs on data in memory.

use super::{OutOfFold, Summary, Variation};
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::error::Result;
use crate::event::Event;
use crate::run::{Callback, Trained, check_settings, train_on};
use crate::train::StopReason;

/// A series of runs on data in memory.
#[derive(Debug)]
pub struct TrainedSeries {
    /// What the runs came to.
    pub summary: Summary,
    /// The runs that have ended.
    pub runs: Vec<Trained>,
    /// The answers to each row by the run that was not trained on it, where the runs differ in their fold.
    pub out_of_fold: Option<OutOfFold>,
}

/// Trains a series of runs on data in memory, which `dataset` divides as a configuration says.
///
/// # Errors
/// If the data or the configuration is invalid, or training diverges.
///
/// # Examples
///
/// ```
/// use thalweg::data::{arrays::Arrays, dataset::Dataset};
/// use thalweg::{config::Config, event::Event, run};
///
/// // Which of two numbers is larger?
/// let x: Vec<f32> = (0..400).map(|i| (i * 37 % 101) as f32).collect();
/// let larger = x.chunks(2).map(|pair| if pair[0] > pair[1] { "first" } else { "second" }.to_string());
/// let data = Arrays::new("pairs", &[2], x.clone())?.with_answers("larger", larger)?;
///
/// let mut config = Config::default();
/// config.set("layers", "8")?;
/// config.set("learning_rate", "0.05")?;
/// let dataset = |config: &Config| Dataset::from_arrays(&data, None, None, config);
/// let series = run::train_series_on(&config, run::Variation::Folds(4), &dataset, &mut |_: &Event| ())?;
///
/// assert!(series.summary.metrics["accuracy"].mean > 0.9);
/// assert_eq!(series.out_of_fold.unwrap().rows.len(), 200);
/// # Ok::<(), thalweg::Error>(())
/// ```
pub fn train_series_on(
    config: &Config,
    variation: Variation,
    dataset: &dyn Fn(&Config) -> Result<Dataset>,
    callback: &mut dyn Callback,
) -> Result<TrainedSeries> {
    variation.check(config)?;
    check_settings(config)?;
    let numbers = variation.numbers(config);
    let mut series = TrainedSeries { summary: Summary::new(variation, config), runs: Vec::new(), out_of_fold: None };
    for (position, &number) in numbers.iter().enumerate() {
        let config = variation.configure(config, number);
        callback.event(&Event::RunOfSeries { by: variation.word().into(), number, position, of: numbers.len() });
        let data = dataset(&config).map_err(|error| variation.error_in(number, error))?;
        let trained = train_on(&config, &data, None, callback).map_err(|error| variation.error_in(number, error))?;
        series.summary.data.clone_from(&data.name);
        series.summary.add_events(number, String::new(), &trained.events);
        if let Variation::Folds(_) = variation {
            let fold = OutOfFold::answered(&trained.model, &data.parts.test, number as usize)?;
            fold.add_to(&mut series.out_of_fold);
        }
        let end = trained.end;
        series.runs.push(trained);
        if end == StopReason::Interrupted {
            break;
        }
    }
    series.summary.complete = series.runs.len() == numbers.len();
    series.out_of_fold.iter_mut().for_each(OutOfFold::sort);
    Ok(series)
}
