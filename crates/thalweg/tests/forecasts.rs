//! Forecasts: closed-form series carried on exactly, no example that knows what comes, and series as they come.

use std::collections::BTreeMap;

use thalweg::config::Config;
use thalweg::data::column::Column;
use thalweg::data::table::Table;
use thalweg::event::{Event, ForecastScores};
use thalweg::model::{AnswerColumns, Model};
use thalweg::run;

/// A table of columns of texts.
fn table(columns: &[(&str, Vec<String>)]) -> Table {
    let rows = columns[0].1.len();
    Table {
        source: "series.csv".into(),
        names: columns.iter().map(|(name, _)| name.to_string()).collect(),
        columns: columns.iter().map(|(_, cells)| Column::of_texts(cells)).collect(),
        lines: (2..rows as u64 + 2).collect(),
        cell_format: None,
    }
}

/// Dates from 2023-01-01 on.
fn days(count: usize) -> Vec<String> {
    let first = jiff::civil::date(2023, 1, 1);
    (0..count).map(|day| (first + jiff::Span::new().days(day as i64)).to_string()).collect()
}

fn texts(values: impl Iterator<Item = f64>) -> Vec<String> {
    values.map(|value| value.to_string()).collect()
}

fn config(options: &[(&str, &str)]) -> Config {
    let mut config = Config::default();
    let usual = [("target", "y"), ("time", "date"), ("forecast", "7")];
    for (name, value) in usual.iter().chain(options) {
        config.set(name, value).unwrap();
    }
    config
}

fn train(table: &Table, options: &[(&str, &str)]) -> thalweg::Result<(Model, ForecastScores, Vec<Event>)> {
    let config = config(options);
    let data = thalweg::data::dataset::Dataset::from_tables(table, None, None, &config)?;
    let trained = run::train_on(&config, &data, None, &mut |_: &Event| ())?;
    let scores = trained.events.iter().find_map(|event| match event {
        Event::Forecast(scores) => Some(scores.clone()),
        _ => None,
    });
    Ok((trained.model, scores.expect("a forecast is judged"), trained.events))
}

fn refused(table: &Table, options: &[(&str, &str)]) -> String {
    let error = train(table, options).map(|_| ()).unwrap_err();
    assert!(error.remedy.is_some(), "{error}");
    error.to_string()
}

/// The rows that a model carries a table on with, by the names of their columns.
fn carried_on(model: &Model, table: &Table) -> Vec<BTreeMap<String, String>> {
    let answers = model.answer(table, Default::default()).unwrap();
    let answered = model.answered();
    let columns = AnswerColumns::new(&answered, None).unwrap();
    let row = |row: usize| {
        let ids = answers.ids.iter().map(|(name, cells)| (name.clone(), cells.get(row).into_owned()));
        let cells = columns.cells(&answers, row).into_iter().map(|cell| cell.to_string());
        ids.chain(columns.names().iter().cloned().zip(cells)).collect()
    };
    (0..answers.predictions.len()).map(row).collect()
}

/// y(t) = 100 + 2t + 10 sin(2πt/7): a trend and a season, both linear in the values before.
fn trend_and_season(day: usize) -> f64 {
    100.0 + 2.0 * day as f64 + 10.0 * (std::f64::consts::TAU * day as f64 / 7.0).sin()
}

#[test]
fn a_trend_and_a_season_are_carried_on() {
    let series = table(&[("date", days(300)), ("y", texts((0..300).map(trend_and_season)))]);
    let (model, scores, events) = train(&series, &[("layers", "none"), ("epochs", "300")]).unwrap();
    let [network, naive, drift, mean] = &scores.forecasters[..] else { panic!("four forecasters") };
    // The naive forecast of the same weekday is short of a week's trend, 14, in every step.
    assert!(naive.steps.iter().all(|step| (step.rmse - 14.0).abs() < 1e-9 && (step.mase - 1.0).abs() < 1e-9));
    assert!(network.all.rmse < 0.5, "{:?}", network.all);
    assert!(drift.all.rmse > 5.0 && mean.all.rmse > 100.0, "{drift:?} {mean:?}");
    // The latest 30 steps are test, and each step before one of them is forecast from, but for the last of all.
    assert_eq!((scores.part.as_str(), scores.origins, scores.season), ("test", 30, 7));
    assert_eq!(network.steps.iter().map(|step| step.truths).collect::<Vec<_>>(), [30, 29, 28, 27, 26, 25, 24]);

    let card = thalweg::report::card(&model, &events, None);
    let told =
        ["# Model card: `y`\n", "Forecasts `y` for 7 steps by `date`, from 14 values before.", "seasonal naive, RMSE"];
    assert!(
        told.iter().all(|told| card.contains(told)) && !card.contains("`y[t+1]") && !card.contains("MAPE"),
        "{card}"
    );

    let model = Model::from_bytes(&model.to_bytes(), "the model").unwrap();
    let rows = carried_on(&model, &series);
    assert_eq!((rows.len(), rows[0]["date"].as_str(), rows[6]["date"].as_str()), (7, "2023-10-28", "2023-11-03"));
    for (step, row) in rows.iter().enumerate() {
        let of = |name: &str| row[name].parse::<f64>().unwrap();
        assert!((of("prediction") - trend_and_season(300 + step)).abs() < 2.0, "{row:?}");
        assert!(of("quantile_0.1") <= of("quantile_0.5") && of("quantile_0.5") <= of("quantile_0.9"));
    }
    // A longer file is carried on from its own end.
    let longer = table(&[("date", days(310)), ("y", texts((0..310).map(trend_and_season)))]);
    assert_eq!(carried_on(&model, &longer)[0]["date"], "2023-11-07");
}

fn told(events: &[Event], part: &str) -> Option<String> {
    events.iter().find_map(|event| match event {
        Event::Decision(told) if told.what.contains(part) => Some(format!("{} ({})", told.what, told.why)),
        _ => None,
    })
}

#[test]
fn hours_of_a_week_are_known_by_the_week_before_and_linear_members_are_solved() {
    // Nights, and weekends on which less happens; the noise is no pattern.
    let hour = |i: usize| {
        let level = if i / 24 % 7 > 4 { 20.0 } else { 60.0 };
        let night = 10.0 * (std::f64::consts::TAU * (i % 24) as f64 / 24.0).sin();
        level + night + (i * 7919 % 1009) as f64 / 1009.0
    };
    let first = jiff::civil::datetime(2024, 1, 1, 0, 0, 0, 0);
    let date = |i: usize| (first + jiff::Span::new().hours(i as i64)).to_string();
    let series = table(&[("date", (0..1_400).map(date).collect()), ("y", texts((0..1_400).map(hour)))]);
    let options = [("forecast", "24"), ("epochs", "2")];
    let (model, scores, events) = train(&series, &options).unwrap();
    assert_eq!(scores.season, 168);
    assert!(told(&events, "a season of 168 steps").unwrap().contains("nearer than those of the day before"));
    let solved = told(&events, "linear members are solved and not trained").unwrap();
    assert!(solved.contains("ridge regression with λ = "), "{solved}");
    // The mean of nothing but noise: 1/√12 each in the truth and in what is known.
    let [network, naive, ..] = &scores.forecasters[..] else { panic!("four forecasters") };
    assert!(network.all.rmse < naive.all.rmse && network.all.rmse < 0.4, "{} {}", network.all.rmse, naive.all.rmse);
    // Each of the linear members has the solution still, after training.
    let weight = |member: usize| {
        let name = format!("members.{member}.0.weight");
        let entry = model.network.layout().entries().iter().find(|entry| entry.name.ends_with(&name)).unwrap();
        model.theta.view().part(entry.start, entry.shape).to_f64()
    };
    let first = weight(0);
    assert!(first.iter().any(|w| *w != 0.0) && (1..5).all(|member| weight(member) == first));
}

#[test]
fn where_a_simple_forecast_is_better_it_is_found() {
    // Each value is drawn anew, and the mean is all that can be known; one epoch at a great rate knows less.
    let noise = |day: usize| (day * day * 7919 % 1009) as f64;
    let series = table(&[("date", days(300)), ("y", texts((0..300).map(noise)))]);
    let options = [("layers", "32"), ("ensemble", "1"), ("epochs", "1"), ("learning_rate", "1")];
    let (.., events) = train(&series, &options).unwrap();
    let found = thalweg::findings::of_events(&events, None);
    let own = found.iter().find(|finding| finding.code == "beaten-by-a-simple-forecast").unwrap();
    assert!(
        own.what.contains("the simple forecast \"mean\" errs less") && own.evidence.contains("from 30 steps of test"),
        "{own:?}"
    );
}

#[test]
fn what_comes_changes_nothing_that_is_trained() {
    let values = |change: f64| {
        texts((0..200).map(move |day| if day < 160 { trend_and_season(day) } else { change * day as f64 }))
    };
    let theta = |change: f64| {
        let series = table(&[("date", days(200)), ("y", values(change))]);
        let options = [("layers", "8"), ("epochs", "3"), ("ensemble", "1"), ("patience", "0"), ("best_from", "3")];
        let (model, ..) = train(&series, &options).unwrap();
        model.theta.view().to_f64()
    };
    // With 20 steps of test and 30 of dev, what lies from day 180 on is test, and from day 150 on not trained on.
    assert_eq!(theta(1.0), theta(-50.0));
}

#[test]
fn rows_may_be_in_any_order_and_series_of_any_size() {
    let day = |i: usize| i % 120;
    let name = |i: usize| if i < 120 { "a" } else { "b" };
    let value = |i: usize| (if i < 120 { 1.0 } else { 1000.0 }) * (5.0 + (day(i) % 7) as f64);
    let rows: Vec<usize> = (0..240).map(|i| i * 77 % 240).collect();
    let dates = days(120);
    let of = |text: &dyn Fn(usize) -> String| rows.iter().map(|row| text(*row)).collect::<Vec<String>>();
    let series = table(&[
        ("date", of(&|i| dates[day(i)].clone())),
        ("shop", of(&|i| name(i).into())),
        ("y", of(&|i| value(i).to_string())),
    ]);
    let told = refused(&series, &[]);
    assert!(told.contains("are of one step, 2023-01-01") && told.contains("--series"), "{told}");
    let (model, scores, _) = train(&series, &[("series", "shop"), ("layers", "none"), ("epochs", "200")]).unwrap();
    // Both repeat themselves: the seasonal naive forecast is exact, and the scale is that of the naive one.
    assert_eq!(scores.forecasters[1].all.mae, 0.0);
    assert!(scores.forecasters[0].all.mase < 0.1, "{:?}", scores.forecasters[0].all);
    let rows = carried_on(&model, &series);
    let shops: Vec<(&str, &str)> = rows.iter().map(|row| (row["shop"].as_str(), row["date"].as_str())).collect();
    assert_eq!((shops.len(), shops[0], shops[7]), (14, ("a", "2023-05-01"), ("b", "2023-05-01")));
    let predicted = |row: usize| rows[row]["prediction"].parse::<f64>().unwrap();
    assert!((predicted(7) - 1000.0 * predicted(0)).abs() < 300.0, "{} {}", predicted(0), predicted(7));
}

#[test]
fn what_is_known_ahead_is_asked_for() {
    let sale = |day: usize| day % 11 == 3 || day % 17 == 5;
    let values = texts((0..200).map(|day| if sale(day) { 50.0 } else { 10.0 }));
    let holiday = |count: usize| (0..count).map(|day| u8::from(sale(day)).to_string()).collect::<Vec<_>>();
    let series = table(&[("date", days(200)), ("sale", holiday(200)), ("y", values.clone())]);
    let (model, scores, events) = train(&series, &[("known", "sale"), ("layers", "none"), ("epochs", "300")]).unwrap();
    assert!(scores.forecasters[0].all.rmse < 5.0 && scores.forecasters[1].all.rmse > 10.0, "{:?}", scores.forecasters);
    let (_, blind, past) = train(&series, &[("layers", "none"), ("epochs", "300")]).unwrap();
    assert!(blind.forecasters[0].all.rmse > 8.0, "{:?}", blind.forecasters[0].all);
    let told = |events: &[Event]| {
        events
            .iter()
            .any(|event| matches!(event, Event::Decision(decision) if decision.instead.to_string() == "--known sale"))
    };
    assert!(told(&past) && !told(&events));

    let error = model.answer(&series, Default::default()).unwrap_err();
    assert!(error.message.contains("\"sale\" is to be known ahead, and has no value for 2023-07-20"), "{error}");
    let open = [values, vec![String::new(); 7]].concat();
    let ahead = table(&[("date", days(207)), ("sale", holiday(207)), ("y", open)]);
    let rows = carried_on(&model, &ahead);
    for (step, row) in rows.iter().enumerate() {
        let expected = if sale(200 + step) { 50.0 } else { 10.0 };
        assert!((row["prediction"].parse::<f64>().unwrap() - expected).abs() < 20.0, "{row:?}");
    }
}

#[test]
fn series_that_cannot_be_forecast_are_told() {
    let of = |count: usize| table(&[("date", days(count)), ("y", texts((0..count).map(|day| day as f64)))]);
    for (series, expected) in [
        (of(1), "no two rows of a series are of different times"),
        (of(12), "training steps are too few"),
        (table(&[("date", days(50)), ("y", vec![String::new(); 50])]), "y"),
        (table(&[("date", vec!["soon".into(); 50]), ("y", texts((0..50).map(f64::from)))]), "date"),
    ] {
        let told = refused(&series, &[]);
        assert!(told.contains(expected), "{told}");
    }
    // Two dates far from each other, and steps of a day in between: most have no value.
    let mut dates = days(50);
    dates[49] = "2099-01-01".into();
    let told = refused(&table(&[("date", dates), ("y", texts((0..50).map(f64::from)))]), &[]);
    assert!(told.contains("50 rows are spread over") && told.contains("one day"), "{told}");
    let told = refused(&of(100), &[("split", "0.96,0.02,0.02")]);
    assert!(told.contains("dev has 2 of 100 steps, expected 7 or more"), "{told}");
    let (model, ..) = train(&of(100), &[("epochs", "1"), ("layers", "none")]).unwrap();
    let error = model.answer(&of(5), Default::default()).unwrap_err().to_string();
    assert!(error.contains("found 5 values, expected 14 or more to carry on"), "{error}");
}

#[test]
fn gaps_zones_and_constants_work() {
    // Every tenth day is missing, and every thirteenth has no value.
    let kept: Vec<usize> = (0..300).filter(|day| day % 10 != 4).collect();
    let all = days(300);
    let value = |day: &usize| if day % 13 == 6 { String::new() } else { trend_and_season(*day).to_string() };
    let series = table(&[
        ("date", kept.iter().map(|day| format!("{}T12:00:00+02:00", all[*day])).collect()),
        ("y", kept.iter().map(value).collect()),
    ]);
    let (model, scores, events) = train(&series, &[("epochs", "50"), ("layers", "none")]).unwrap();
    assert!(scores.forecasters[0].all.rmse < 8.0, "{:?}", scores.forecasters[0].all);
    let told = |text: &str| {
        events.iter().any(|event| matches!(event, Event::Decision(decision) if decision.what.contains(text)))
    };
    assert!(told("steps without a value lie on the line") && told("times are in UTC"));
    assert_eq!(carried_on(&model, &series)[0]["date"], "2023-10-28T10:00:00");

    let constant = table(&[("date", days(100)), ("y", vec!["3".into(); 100])]);
    let (model, ..) = train(&constant, &[("epochs", "5")]).unwrap();
    assert!(
        carried_on(&model, &constant).iter().all(|row| (row["prediction"].parse::<f64>().unwrap() - 3.0).abs() < 0.5)
    );
}
