//! Models of forecasts: series carried on, and how well they were carried on before.

use std::borrow::Cow;

use super::{CHUNK, Model, Predictions};
use crate::config;
use crate::data::column::Column;
use crate::data::examples::Examples;
use crate::data::forecast::{Forecast, ForecastData, Origin, QUANTILES, Series};
use crate::data::schema::Task;
use crate::data::source::Source;
use crate::data::table::Table;
use crate::data::target::Target;
use crate::error::{Error, Result, advice};
use crate::event::{Decision, ForecastPicture, ForecastScores, Forecaster};
use crate::metrics::{ErrorSums, Metric, Metrics};
use crate::tensor::ops::MatmulPrecision;

/// Series of which the report shows a forecast, and how many horizons of history.
const PICTURES: usize = 4;
const HISTORY: usize = 4;
/// The simple forecasts.
const SIMPLE: [&str; 3] = ["seasonal naive", "drift", "mean"];

impl Model {
    /// What answers are of: the target, or of a forecast its column with the quantiles of its band.
    pub fn answered(&self) -> Cow<'_, Target> {
        let Some(forecast) = &self.forecast else { return Cow::Borrowed(&self.target) };
        let quantiles = if forecast.band.is_empty() { Vec::new() } else { QUANTILES.to_vec() };
        Cow::Owned(Target {
            task: Task::Regression,
            columns: vec![forecast.target.name.clone()],
            classes: Vec::new(),
            scales: vec![(0.0, 1.0)],
            separator: None,
            cell_format: self.target.cell_format.clone(),
            formats: Vec::new(),
            thresholds: Vec::new(),
            calibration: None,
            quantiles,
            limits: Vec::new(),
        })
    }

    /// Measures on dev how far truths are from forecasts: the band.
    pub(crate) fn with_band(mut self, dev: &Examples) -> Result<Model> {
        if self.forecast.is_none() {
            return Ok(self);
        }
        let outputs = self.outputs(&dev.x, MatmulPrecision::F32)?;
        let horizon = self.target.outputs();
        let band = (0..horizon).map(|step| {
            let residual = |(truth, output): (&f32, &f64)| {
                self.target.unscaled(step, f64::from(*truth)) - self.target.unscaled(step, *output)
            };
            quantiles(dev.y.iter().zip(&outputs).skip(step).step_by(horizon).map(residual).collect())
        });
        let band: Option<Vec<[f64; 3]>> = band.collect();
        if let Some(forecast) = &mut self.forecast {
            forecast.band = band.unwrap_or_default();
        }
        Ok(self)
    }

    /// Carries a table's series on: an answer for each step after the last value of each.
    pub(super) fn carry_on(
        &self,
        forecast: &Forecast,
        table: &Table,
        precision: MatmulPrecision,
    ) -> Result<Predictions> {
        let series = forecast.series_of(table)?;
        let origins: Vec<Origin> = last_origins(forecast, &series, table)?;
        forecast.check_known(table, &series, &origins)?;
        let examples = forecast.examples(table, &series, &origins, false)?;
        let inputs = self.pipeline.transform::<f32>(&examples)?;
        let place = |row: usize| named(&table.source, &series[origins[row].series]);
        let outputs = self.finite_outputs(&inputs, precision, &place)?;
        let (mut names, mut times) = (Column::default(), Column::default());
        let (mut predictions, mut answers) = (Vec::new(), Vec::new());
        for (origin, outputs) in origins.iter().zip(outputs.chunks_exact(forecast.horizon)) {
            let series = &series[origin.series];
            for (step, [low, point, middle, high]) in self.values(forecast, series, origin.at, outputs).enumerate() {
                names.push(&series.name);
                times.push(&forecast.clock.text(series.first + (origin.at + step) as i64 + 1));
                predictions.push(vec![point.to_string()]);
                answers.push(if forecast.band.is_empty() { vec![point] } else { vec![low, middle, high] });
            }
        }
        let mut ids = vec![(forecast.time.clone(), times)];
        if let Some(series) = &forecast.series {
            ids.insert(0, (series.clone(), names));
        }
        let probabilities = vec![Vec::new(); predictions.len()];
        Ok(Predictions { ids, predictions, probabilities, inputs, outputs: answers })
    }

    /// Of each step of the horizon, in the target's unit: the band's low end, the forecast, the median, the high end.
    fn values<'a>(
        &'a self,
        forecast: &'a Forecast,
        series: &Series,
        at: usize,
        outputs: &'a [f64],
    ) -> impl Iterator<Item = [f64; 4]> + 'a {
        let (level, unit) = forecast.level(series, at);
        outputs.iter().enumerate().map(move |(step, output)| {
            let point = level + unit * self.target.unscaled(step, *output);
            let [low, middle, high] = forecast.band.get(step).copied().unwrap_or_default();
            [point + unit * low, point, point + unit * middle, point + unit * high]
        })
    }

    /// Forecasts the steps of a table after those that the model was made from, each from the steps before it alone, and
    /// compares them with what came true: the scores, and the mean errors as metrics.
    ///
    /// # Errors
    /// If the model makes no forecast, a column is missing, a cell cannot be read, or there is no later step.
    pub fn judge_table(&self, table: &Table) -> Result<(ForecastScores, Metrics)> {
        let Some(forecast) = &self.forecast else {
            return Err(Error::config("the model makes no forecast").fix("evaluate it on rows"));
        };
        let series = forecast.series_of(table)?;
        let first = [forecast.until; 2];
        let scores = self.judged(&ForecastData { forecast: forecast.clone(), table: table.clone(), series, first })?;
        let Some(network) = scores.forecasters.first().filter(|_| scores.origins > 0) else {
            let last = forecast.clock.text(forecast.until - 1);
            let error = Error::data(format!("no step comes after {last}, up to which the model knows the series"));
            return Err(error.at(table.source.clone()).fix("add the rows that have come since, below those before"));
        };
        let metric = |value| Metric { value, low: None, high: None };
        let metrics = [("mae", network.all.mae), ("rmse", network.all.rmse), ("mase", network.all.mase)];
        let metrics = metrics.into_iter().map(|(name, value)| (name.to_string(), metric(value))).collect();
        Ok((scores, metrics))
    }

    /// The same of a source, and the decisions made in reading it.
    ///
    /// # Errors
    /// If the source cannot be read, and as for [`Model::judge_table`].
    pub(crate) fn judge_source(
        &self,
        path: &str,
        options: &config::Data,
    ) -> Result<(ForecastScores, Metrics, Vec<Decision>)> {
        match self.open(path, options, true)? {
            Source::Table(mut reader) => {
                let table = self.read_whole(&mut reader, options)?;
                let (scores, metrics) = self.judge_table(&table)?;
                Ok((scores, metrics, reader.decisions().to_vec()))
            }
            Source::Arrays(_) => {
                let error = Error::data("found arrays, expected a table of series").at(path);
                Err(error.fix("give the rows as they were trained on"))
            }
        }
    }

    /// Forecasts from every step of the last part, and compares them with what came true and with simple forecasts.
    ///
    /// # Errors
    /// If a forecast is no finite number.
    pub(crate) fn judged(&self, data: &ForecastData) -> Result<ForecastScores> {
        let Some(forecast) = &self.forecast else { return Ok(ForecastScores::default()) };
        let end = data.series.iter().map(|series| series.first + series.values.len() as i64).max().unwrap_or_default();
        let [dev, test] = data.first;
        let (part, first) = if test < end { ("test", test) } else { ("dev", dev) };
        let origins: Vec<Origin> = data
            .series
            .iter()
            .enumerate()
            .flat_map(|(number, series)| {
                let within = move |at: &usize| series.first + *at as i64 + 1 >= first && at + 1 < series.values.len();
                series.origins(forecast.window).filter(within).map(move |at| Origin { series: number, at })
            })
            .collect();
        let mut judged = ForecastErrors::new(forecast);
        for origins in origins.chunks(CHUNK) {
            let examples = forecast.examples(&data.table, &data.series, origins, false)?;
            let inputs = self.pipeline.transform::<f32>(&examples)?;
            let place = |row: usize| named(&data.table.source, &data.series[origins[row].series]);
            let outputs = self.finite_outputs(&inputs, MatmulPrecision::F32, &place)?;
            for (origin, outputs) in origins.iter().zip(outputs.chunks_exact(forecast.horizon)) {
                let series = &data.series[origin.series];
                let values: Vec<[f64; 4]> = self.values(forecast, series, origin.at, outputs).collect();
                judged.add(series, *origin, &values);
            }
        }
        Ok(ForecastScores { part: part.into(), ..judged.scores(&data.series) })
    }
}

/// A series in a source, for errors.
fn named(source: &str, series: &Series) -> String {
    if series.name.is_empty() { source.into() } else { format!("{source}, series {:?}", series.name) }
}

/// The last step of each series.
///
/// # Errors
/// If no series has a value, or one has fewer than the window.
fn last_origins(forecast: &Forecast, series: &[Series], table: &Table) -> Result<Vec<Origin>> {
    if series.is_empty() {
        let error = Error::data(format!("no row has a value of {:?}", forecast.target.name)).at(table.source.clone());
        return Err(error.fix("give the rows of the past: a forecast carries them on"));
    }
    let last = |(number, series): (usize, &Series)| {
        let length = series.values.len();
        if length < forecast.window {
            let told = format!("found {length} values, expected {} or more to carry on", forecast.window);
            let error = Error::data(told).at(named(&table.source, series));
            return Err(error.fix(advice!("add earlier rows, or train with a smaller [window]")));
        }
        Ok(Origin { series: number, at: length - 1 })
    };
    series.iter().enumerate().map(last).collect()
}

/// The quantiles of residuals on n rows, as split-conformal prediction takes them (Lei et al. 2018): the ⌈0.9(n+1)⌉-th
/// smallest is exceeded by a tenth of further ones at most, and likewise below; none where there are too few.
fn quantiles(mut residuals: Vec<f64>) -> Option<[f64; 3]> {
    let n = residuals.len();
    residuals.sort_unstable_by(f64::total_cmp);
    let rank = ((n + 1) * 9).div_ceil(10);
    if rank > n || residuals.iter().any(|residual| residual.abs() > f64::MAX / 8.0) {
        return None;
    }
    Some([residuals[n - rank], f64::midpoint(residuals[(n - 1) / 2], residuals[n / 2]), residuals[rank - 1]])
}

/// Errors as they are gathered.
struct ForecastErrors<'a> {
    forecast: &'a Forecast,
    origins: usize,
    /// Of the network and the simple forecasts, for each step.
    sums: Vec<Vec<ErrorSums>>,
    /// For each step: truths within the band, and the sum of its widths.
    covered: Vec<(usize, f64)>,
    /// The latest forecast of each series whose truths are known, if it is among the first.
    latest: Vec<(Origin, Vec<[f64; 4]>)>,
    running: Running,
}

/// The sum of a series' values up to a step, and its scale.
#[derive(Default)]
struct Running {
    series: Option<usize>,
    until: usize,
    sum: f64,
    scale: f64,
}

impl<'a> ForecastErrors<'a> {
    fn new(forecast: &'a Forecast) -> Self {
        ForecastErrors {
            forecast,
            origins: 0,
            sums: vec![vec![ErrorSums::default(); forecast.horizon]; 1 + SIMPLE.len()],
            covered: vec![(0, 0.0); forecast.horizon],
            latest: Vec::new(),
            running: Running::default(),
        }
    }

    /// Adds a forecast; those of a series come in order.
    fn add(&mut self, series: &Series, origin: Origin, values: &[[f64; 4]]) {
        let at = origin.at;
        let past = &series.filled;
        let (mean, scale) = self.past(series, origin);
        self.origins += 1;
        for (step, &[low, point, _, high]) in values.iter().enumerate() {
            let Some(truth) = series.values.get(at + 1 + step).filter(|truth| !truth.is_nan()) else { continue };
            let ahead = step + 1;
            // The last known value of the same season.
            let back = self.forecast.season * ahead.div_ceil(self.forecast.season);
            let seasonal = past[(at + ahead).checked_sub(back).unwrap_or(at)];
            let drift = past[at] + ahead as f64 * (past[at] - past[0]) / at.max(1) as f64;
            for (sums, forecast) in self.sums.iter_mut().zip([point, seasonal, drift, mean]) {
                sums[step].add(forecast, *truth, scale);
            }
            let (hits, widths) = &mut self.covered[step];
            *hits += usize::from(low <= *truth && *truth <= high);
            *widths += high - low;
        }
        if at + values.len() < series.values.len() {
            self.latest.pop_if(|(latest, _)| latest.series == origin.series);
            if self.latest.len() < PICTURES {
                self.latest.push((origin, values.to_vec()));
            }
        }
    }

    /// The mean of a series up to an origin, and its scale.
    fn past(&mut self, series: &Series, Origin { series: number, at }: Origin) -> (f64, f64) {
        if self.running.series != Some(number) {
            self.running = Running { series: Some(number), scale: self.forecast.scale(series), ..Running::default() };
        }
        let running = &mut self.running;
        running.sum += series.filled[running.until..=at].iter().sum::<f64>();
        running.until = at + 1;
        (running.sum / running.until as f64, running.scale)
    }

    fn scores(self, series: &[Series]) -> ForecastScores {
        let forecast = self.forecast;
        let names = ["the network"].into_iter().chain(SIMPLE);
        let forecaster = |(name, sums): (&str, &Vec<ErrorSums>)| {
            let mut all = ErrorSums::default();
            sums.iter().for_each(|sums| all.join(sums));
            Forecaster { name: name.into(), all: all.errors(), steps: sums.iter().map(ErrorSums::errors).collect() }
        };
        let forecasters: Vec<Forecaster> = names.zip(&self.sums).map(forecaster).collect();
        let truths: Vec<usize> = forecasters[0].steps.iter().map(|step| step.truths).collect();
        let all: usize = truths.iter().sum();
        let share = |sum: f64, truths: usize| sum / truths.max(1) as f64;
        let banded = !forecast.band.is_empty() && all > 0;
        let by_step = |of: fn(&(usize, f64)) -> f64| -> Vec<f64> {
            if !banded {
                return Vec::new();
            }
            let total = share(self.covered.iter().map(of).sum(), all);
            let steps = self.covered.iter().zip(&truths).map(|(step, truths)| share(of(step), *truths));
            std::iter::once(total).chain(steps).collect()
        };
        ForecastScores {
            part: String::new(),
            target: forecast.target.name.clone(),
            step: forecast.clock.words(),
            season: forecast.season,
            origins: self.origins,
            level: QUANTILES[2] - QUANTILES[0],
            covered: by_step(|(hits, _)| *hits as f64),
            widths: by_step(|(_, width)| *width),
            pictures: self
                .latest
                .iter()
                .map(|(origin, values)| picture(forecast, &series[origin.series], origin.at, values))
                .collect(),
            forecasters,
        }
    }
}

fn picture(forecast: &Forecast, series: &Series, at: usize, values: &[[f64; 4]]) -> ForecastPicture {
    let from = (at + 1).saturating_sub((HISTORY * values.len()).max(forecast.window));
    let known = |values: &[f64]| values.iter().map(|value| Some(*value).filter(|value| !value.is_nan())).collect();
    let text = |at: usize| forecast.clock.text(series.first + at as i64);
    ForecastPicture {
        series: series.name.clone(),
        times: [text(from), text(at), text(at + values.len())],
        history: known(&series.values[from..=at]),
        truth: known(&series.values[at + 1..=at + values.len()]),
        forecast: values.iter().map(|[_, point, ..]| *point).collect(),
        band: if forecast.band.is_empty() {
            Vec::new()
        } else {
            values.iter().map(|[low, .., high]| [*low, *high]).collect()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_band_leaves_a_tenth_on_each_side() {
        // Of 1, …, 19: the ⌈0.9 · 20⌉ = 18th, and as many from above; the tenth is the middle.
        assert_eq!(quantiles((1..20).rev().map(f64::from).collect()), Some([2.0, 10.0, 18.0]));
        assert_eq!(quantiles((1..10).map(f64::from).collect()), Some([1.0, 5.0, 9.0]));
        assert_eq!(quantiles(vec![1.0; 8]), None);
    }
}
