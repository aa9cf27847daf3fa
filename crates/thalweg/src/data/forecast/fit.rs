//! From a table of series to examples: what is decided of a forecast, fitted on the training steps.

use std::collections::BTreeMap;

use super::series::{names, ordered, times};
use super::{CalendarPart, Clock, Covariate, Forecast, ForecastData, Origin, Series, calendar, naive_error};
use crate::config::{self, ColumnKind, Config};
use crate::data::dates;
use crate::data::schema::{self, Column, Role, Schema, quoted, shortened};
use crate::data::table::Table;
use crate::error::{Error, Result, advice};
use crate::event::Decision;
use crate::task::Task;

/// The fewest and the most last values by default.
const WINDOW: [usize; 2] = [8, 200];
/// Means of longer pasts, each of twice as many values as the one before.
const MOST_SPANS: usize = 4;
/// The fewest examples of which a tenth are beyond either end of a band.
const ENOUGH: usize = 9;
/// The share of steps that dev and test have by default.
const SHARE: f64 = 0.1;

/// Examples of a table's series as tables, and what encodes them.
pub(in crate::data) struct Prepared {
    pub(in crate::data) train: Table,
    /// None where there is no example.
    pub(in crate::data) dev: Option<Table>,
    pub(in crate::data) test: Option<Table>,
    /// The configuration by which they are encoded.
    pub(in crate::data) config: Config,
    pub(in crate::data) data: ForecastData,
    pub(in crate::data) decisions: Vec<Decision>,
    pub(in crate::data) warnings: Vec<String>,
}

/// Examples of a table's series: train, dev and test follow each other in time.
///
/// # Errors
/// If a column is missing, a cell cannot be read, two rows are of one step, or the series are too short.
pub(in crate::data) fn prepare(table: &Table, horizon: usize, config: &Config) -> Result<Prepared> {
    schema::check_names(table, &config.data, &config.split)?;
    let (schema, mut decisions) = Schema::infer(table, &of_rows(config))?;
    let (forecast, series) = begun(table, &schema, horizon, config)?;
    let start = series.iter().map(|series| series.first).min().unwrap_or_default();
    let end = series.iter().map(|series| series.first + series.values.len() as i64).max().unwrap_or_default();
    let first = split(start, end, horizon, config)?;
    let forecast = Forecast { until: end, ..fitted(forecast, &series, [start, first[0]], config) };
    let parts = origins(&forecast, &series, first);
    tell(&forecast, &series, table, [start, first[0], first[1], end], config, &mut decisions);
    if parts[0].is_empty() {
        let steps = (first[0] - start).max(0);
        let error = Error::data(format!(
            "the {steps} training steps are too few for {} values and {horizon} steps ahead of each example",
            forecast.window
        ));
        return Err(error.at(table.source.clone()).fix(advice!(
            "forecast fewer steps with [forecast], from a shorter past with [window], or add earlier rows"
        )));
    }
    let examples = |origins: &Vec<Origin>| forecast.examples(table, &series, origins, true);
    let [train, dev, test] = [examples(&parts[0])?, examples(&parts[1])?, examples(&parts[2])?];
    let config = of_examples(config, &forecast, &train);
    let some = |part: Table| (part.rows() > 0).then_some(part);
    Ok(Prepared {
        train,
        dev: some(dev),
        test: some(test),
        config,
        warnings: untrained(&parts, &series),
        data: ForecastData { forecast, table: table.clone(), series, first },
        decisions,
    })
}

/// The configuration by which the columns of the table are understood: its times are a column like others.
fn of_rows(config: &Config) -> Config {
    let mut config = config.clone();
    config.data.task = Some(Task::Regression);
    config.data.keep.extend(config.split.time.take());
    if let Some(series) = &config.data.series {
        config.data.kinds.insert(series.clone(), ColumnKind::Categorical);
    }
    config
}

/// The configuration by which the examples are encoded, whose columns are all known.
fn of_examples(config: &Config, forecast: &Forecast, examples: &Table) -> Config {
    let target = forecast.target_names();
    let kind = |column: &crate::data::column::Column| match column {
        crate::data::column::Column::Numbers(_) => ColumnKind::Numeric,
        crate::data::column::Column::Texts(_) => ColumnKind::Categorical,
    };
    let kinds = examples.names.iter().zip(&examples.columns).map(|(name, column)| (name.clone(), kind(column)));
    let kinds = kinds.filter(|(name, _)| !target.contains(name)).collect();
    let data = config::Data {
        path: config.data.path.clone(),
        target,
        task: Some(Task::Regression),
        kinds,
        sentinels: Some(false),
        forecast: config.data.forecast,
        ..config::Data::default()
    };
    let split = config::Split { split: Some(vec![1.0, 0.0, 0.0]), ..config::Split::default() };
    let mut config = Config { data, split, ..config.clone() };
    // Values are relative to those before: beyond the training rows' range lies a trend that goes on.
    config.preprocess.clip_answers = Some(false);
    config
}

/// The forecast as far as its columns and its clock, and the series.
fn begun(table: &Table, schema: &Schema, horizon: usize, config: &Config) -> Result<(Forecast, Vec<Series>)> {
    let named = |name: &String| schema.columns.iter().find(|column| column.name == *name);
    let time = config.split.time.as_ref().and_then(named);
    let (Some(time), Some(target)) = (time, schema.with_role(Role::Target).next()) else {
        let error = Error::config("a forecast needs a column of times and a target").at("--forecast");
        return Err(error.fix("name them with [time] and [target]"));
    };
    for (flag, name) in [("time", Some(&time.name)), ("series", config.data.series.as_ref())] {
        if name == Some(&target.name) {
            let error = Error::config(format!("{:?} is the target as well", target.name)).at(format!("--{flag}"));
            return Err(error.fix("name another column"));
        }
    }
    if !matches!(time.kind, ColumnKind::Datetime | ColumnKind::Numeric) {
        let found = format!("{:?} holds neither dates nor numbers", time.name);
        return Err(Error::data(found).at(table.source.clone()).fix("name the column of times with [time]"));
    }
    let cell_format = &schema.cell_format;
    let format = time.format.as_deref();
    let series = names(table, config.data.series.as_deref(), cell_format)?;
    let times = ordered(&series, &times(table, &time.name, format, cell_format)?);
    let Some(clock) = Clock::detect(&times, format) else {
        let error = Error::data("no two rows of a series are of different times").at(table.source.clone());
        return Err(error.fix("add earlier rows: a forecast is learned from the past"));
    };
    let used = |column: &&Column| {
        column.role == Role::Feature && column.name != time.name && Some(&column.name) != config.data.series.as_ref()
    };
    let covariate =
        |column: &Column| Covariate { known: config.data.known.contains(&column.name), column: Column::clone(column) };
    let covariates: Vec<Covariate> = schema.columns.iter().filter(used).map(covariate).collect();
    if let Some(name) = config.data.known.iter().find(|name| !covariates.iter().any(|one| one.column.name == **name)) {
        let error = Error::config(format!("{name:?} is no input, and so need not be known ahead")).at("--known");
        return Err(error.fix(advice!("leave it out, or make it an input with [keep={}]", name)));
    }
    let forecast = Forecast {
        target: target.clone(),
        time: time.name.clone(),
        series: config.data.series.clone(),
        clock,
        horizon,
        window: 1,
        season: 1,
        spans: Vec::new(),
        calendar: Vec::new(),
        covariates,
        cell_format: cell_format.clone(),
        until: 0,
        scales: BTreeMap::new(),
        band: Vec::new(),
    };
    let series = forecast.series_of(table)?;
    if series.is_empty() {
        let error = Error::data(format!("no row has a value of {:?}", target.name)).at(table.source.clone());
        return Err(error.fix("add rows that have one"));
    }
    Ok((forecast, series))
}

/// The first step of dev and of test.
fn split(start: i64, end: i64, horizon: usize, config: &Config) -> Result<[i64; 2]> {
    let steps = (end - start) as f64;
    let counts = match config.split.fractions()? {
        Some([_, dev, test]) => {
            for (part, share) in [("dev", dev), ("test", test)] {
                let found = (share * steps).round();
                if share > 0.0 && found < horizon as f64 {
                    let told = format!("{part} has {found} of {steps} steps, expected {horizon} or more to forecast");
                    return Err(Error::config(told)
                        .at("--split")
                        .fix("give it a larger fraction, or forecast fewer steps"));
                }
            }
            [dev, test].map(|share| (share * steps).round() as i64)
        }
        None => {
            let least = horizon as f64;
            let dev = (SHARE * steps).max(f64::min(2.0 * least, 0.15 * steps)).max(least);
            [dev, (SHARE * steps).max(least)].map(|steps| steps.round() as i64)
        }
    };
    let test = end - counts[1];
    Ok([test - counts[0], test])
}

/// Decides what is left open, by the training steps, from the first to the first of dev.
fn fitted(forecast: Forecast, series: &[Series], [start, dev]: [i64; 2], config: &Config) -> Forecast {
    let data = &config.data;
    let train = usize::try_from(dev - start).unwrap_or_default();
    let trained: Vec<&[f64]> = series.iter().map(|series| &series.values[..series.trained(dev).len()]).collect();
    let longest = trained.iter().map(|values| values.len()).max().unwrap_or_default();
    let season = data.season.unwrap_or_else(|| season(&forecast.clock, &trained));
    let window = data.window.unwrap_or_else(|| {
        let [least, most] = WINDOW;
        (2 * season).clamp(least, most.max(season)).min(longest / 4).max(1)
    });
    let doubled = std::iter::successors(Some(2 * window), |span| span.checked_mul(2));
    let spans = doubled.take_while(|span| *span <= train / 2).take(MOST_SPANS).collect();
    let name = |series: &Series| series.name.clone();
    let scales = series.iter().zip(&trained).filter(|(_, values)| !values.is_empty());
    let scales = scales.map(|(series, values)| (name(series), naive_error(values, season))).collect();
    let calendar = calendar::parts(&forecast.clock, series, train, dev);
    Forecast { season, window, spans, calendar, scales, ..forecast }
}

/// The usual season, if it comes twice in the training steps; the longer one, if the values a season before are nearer then.
fn season(clock: &Clock, trained: &[&[f64]]) -> usize {
    let longest = trained.iter().map(|values| values.len()).max().unwrap_or_default();
    let comes_twice = |season: &usize| 2 * season <= longest;
    let error = |season: usize| trained.iter().map(|values| naive_error(values, season)).sum::<f64>();
    let usual = Some(clock.season()).filter(comes_twice).unwrap_or(1);
    // It must leave a window of its own length.
    let longer = clock.longer_season().filter(|longer| 4 * longer <= longest && error(*longer) < error(usual));
    longer.unwrap_or(usual)
}

/// The origins of the examples of train, dev and test.
fn origins(forecast: &Forecast, series: &[Series], [dev, test]: [i64; 2]) -> [Vec<Origin>; 3] {
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    let horizon = forecast.horizon;
    for (number, series) in series.iter().enumerate() {
        for at in series.origins(forecast.window).filter(|at| at + horizon < series.values.len()) {
            let (next, last) = (series.first + at as i64 + 1, series.first + (at + horizon) as i64);
            let origin = Origin { series: number, at };
            if last < dev {
                parts[0].push(origin);
            } else if next >= dev && last < test {
                parts[1].push(origin);
            } else if next >= test {
                parts[2].push(origin);
            }
        }
    }
    parts
}

/// Warnings of series that have no training example, and of a dev part that is too small.
fn untrained(parts: &[Vec<Origin>; 3], series: &[Series]) -> Vec<String> {
    let mut warnings = Vec::new();
    let left: Vec<String> = (0..series.len())
        .filter(|number| !parts[0].iter().any(|origin| origin.series == *number))
        .map(|number| series[number].name.clone())
        .collect();
    if !left.is_empty() {
        let names = shortened(&quoted(&left), 8);
        warnings.push(format!("{} of {} series are too short to be trained on: {names}", left.len(), series.len()));
    }
    if parts[1].len() < ENOUGH {
        let found = parts[1].len();
        warnings.push(format!("forecasts have no band: dev has {found} examples, and it is of {ENOUGH} or more"));
    }
    warnings
}

/// Tells what was decided.
fn tell(
    forecast: &Forecast,
    series: &[Series],
    table: &Table,
    [start, dev, test, end]: [i64; 4],
    config: &Config,
    decisions: &mut Vec<Decision>,
) {
    let mut decide = |what: String, why: String, instead: crate::error::Advice| {
        decisions.push(Decision { what, why, instead });
    };
    let (clock, target) = (&forecast.clock, &forecast.target.name);
    let count = match series.len() {
        1 => "one series".into(),
        several => format!("{several} series"),
    };
    let what = format!(
        "{target} is {count} with a value each {} from {} to {}",
        clock.words(),
        clock.text(start),
        clock.text(end - 1)
    );
    let regular = match &forecast.series {
        None => advice!("name the column that tells series apart with [series]"),
        Some(_) => advice!("leave [series] out"),
    };
    decide(what, "most rows lie so far apart".into(), regular);
    let gaps: usize = series.iter().map(|series| series.values.iter().filter(|value| value.is_nan()).count()).sum();
    if gaps > 0 {
        let what = format!("{gaps} steps without a value lie on the line between their neighbours");
        decide(what, "their rows or cells are missing".into(), "add them to the data".into());
    }
    let cells = table.position(&forecast.time).map(|position| &table.columns[position]);
    if clock.format.is_some()
        && cells.is_some_and(|cells| (0..cells.len().min(100)).any(|row| dates::has_offset(&cells.get(row))))
    {
        decide(
            "times are in UTC".into(),
            "they have the offset of a zone".into(),
            "write local times without one".into(),
        );
    }
    let between = match times(table, &forecast.time, clock.format.as_deref(), &forecast.cell_format) {
        Ok(times) => times.into_iter().filter(|time| clock.is_between(*time)).count(),
        Err(_) => 0,
    };
    if between > 0 {
        let what = format!("{between} rows lie between two steps, and count for the one before");
        decide(what, format!("each step is one {}", clock.words()), "bring the rows to regular steps".into());
    }
    if config.data.season.is_none() {
        let what = match forecast.season {
            1 => "no season".into(),
            season => format!("a season of {season} steps"),
        };
        let why = match clock.longer_season() {
            Some(week) if week == forecast.season => {
                "values of the week before are nearer than those of the day before".into()
            }
            _ => format!("usual for steps of one {}, if it comes twice", clock.words()),
        };
        decide(what, why, "[season=7]".into());
    }
    let mut made_of = vec![format!("the last {} values", forecast.window)];
    if !forecast.spans.is_empty() {
        let spans: Vec<String> = forecast.spans.iter().map(usize::to_string).collect();
        made_of.push(format!("the means of the last {}", spans.join(", ")));
    }
    let has = |of: fn(&CalendarPart) -> bool| forecast.calendar.iter().any(of);
    let calendar = [
        ("the day of the week", has(|part| *part == CalendarPart::Weekday)),
        ("the time of the year", has(|part| matches!(part, CalendarPart::Year(_)))),
        ("the time of the day", has(|part| matches!(part, CalendarPart::Day(_)))),
    ];
    made_of.extend(calendar.into_iter().filter(|(_, has)| *has).map(|(name, _)| name.into()));
    let what = format!("a forecast is made from {}", made_of.join(", "));
    decide(what, format!("{} training steps", dev - start), advice!("[window={}]", 2 * forecast.window));
    let past = forecast.covariates.iter().filter(|covariate| !covariate.known);
    let past: Vec<String> = past.map(|covariate| covariate.column.name.clone()).collect();
    if let Some(one) = past.first() {
        let what = format!("the last values of {} are inputs", shortened(&quoted(&past), 8));
        decide(what, "their values in the steps to come are not known".into(), advice!("[known={}]", one));
    }
    let parts = [("dev", dev, test), ("test", test, end)].into_iter().filter(|(_, first, last)| first < last);
    let parts: Vec<String> =
        parts.map(|(name, first, last)| format!("{name} {} from {}", last - first, clock.text(first))).collect();
    let what = [vec![format!("the first {} steps are train", dev - start)], parts].concat().join(", ");
    decide(what, "what is to come must not be trained on".into(), "[split=0.8,0.1,0.1]".into());
    if forecast.series.is_some() {
        let what = "series are scaled by the error of the seasonal naive forecast on their training steps".to_string();
        decide(what, "series may be of different sizes".into(), "leave [series] out".into());
    }
}
