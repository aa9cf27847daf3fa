//! Date columns: from seconds since 1970 to positions in time, year, week and day.

use std::f64::consts::TAU;

use super::graph::{Graph, to};
use super::preprocess::{ColumnGather, as_float, indicators, scaled, selected, without_sentinels};
use super::proto::DataType;
use crate::data::dates;
use crate::data::preprocess::{Datetime, Scale};
use crate::event::Decision;

const DAY: f64 = 86_400.0;
/// Days from 0001-01-01 to 1970-01-01.
const TO_1970: f64 = 719_162.0;
/// The mean length of a Gregorian year in days.
const YEAR: f64 = 365.2425;

/// Adds the inputs of date columns and their preprocessing; each column comes with the position of its first input.
pub(super) fn write(graph: &mut Graph, columns: &[(usize, &str, &Datetime)], parts: &mut ColumnGather) -> Decision {
    let meaning = "seconds since 1970-01-01 00:00 on the clock, NaN where the date is missing";
    let mut input = |(_, name, date): &(usize, &str, &Datetime)| {
        let sentinels: Vec<f64> = date.sentinels.iter().map(|time| dates::seconds(*time)).collect();
        let x = graph.input(name, DataType::Double, &[1], meaning);
        without_sentinels(graph, "dates", DataType::Double, x, &sentinels)
    };
    let inputs: Vec<String> = columns.iter().map(&mut input).collect();
    let mut g = Calendar { graph };
    let x = g.graph.joined("dates.Concat", &inputs);
    let missing = g.graph.node("dates.IsNaN", "IsNaN", [&x], Vec::new());
    let zero = g.constant(0.0);
    let x = g.graph.node("dates.Where", "Where", [&missing, &zero, &x], Vec::new());
    let seconds = g.floor(&x);
    let day = g.with(&seconds, "Div", DAY);
    let day = g.floor(&day);
    let midnight = g.with(&day, "Mul", DAY);
    let share = g.two("Sub", &seconds, &midnight);
    let share = g.with(&share, "Div", DAY);

    let (year, year_share) = g.year(&day, &share);
    let weekday = g.weekday(&day);
    let week_share = g.two("Add", &weekday, &share);
    let week_share = g.with(&week_share, "Div", 7.0);

    let count = columns.len();
    let scales: Vec<Scale> = columns.iter().map(|(.., column)| column.scale).collect();
    let year = clipped(&mut g, &year, columns);
    let year = scaled(g.graph, "dates.year", DataType::Double, &year, &scales);
    let all: Vec<usize> = (0..count).collect();
    let clocks: Vec<usize> = all.iter().copied().filter(|&i| columns[i].2.clock).collect();
    let mut add = |g: &mut Calendar, name: &str, x: &str, of: &[usize], offset: usize| {
        let x = g.graph.node(&format!("dates.{name}.Where"), "Where", [&missing, &zero, x], Vec::new());
        let x = selected(g.graph, &format!("dates.{name}.Gather"), &x, of, count);
        let x = as_float(g.graph, &format!("dates.{name}"), DataType::Double, x);
        parts.add(x, of.iter().map(|&i| columns[i].0 + offset));
    };
    add(&mut g, "year", &year, &all, 0);
    for (name, share, of, offset) in
        [("year", &year_share, &all, 1), ("week", &week_share, &all, 3), ("day", &share, &clocks, 5)]
    {
        if !of.is_empty() {
            let angle = g.with(share, "Mul", TAU);
            for (i, wave) in ["Sin", "Cos"].into_iter().enumerate() {
                let y = g.graph.node(&format!("dates.{name}.{wave}"), wave, [&angle], Vec::new());
                add(&mut g, name, &y, of, offset + i);
            }
        }
    }
    let indicated: Vec<usize> = all.iter().copied().filter(|&i| columns[i].2.indicator).collect();
    let places = indicated.iter().map(|&i| columns[i].0 + if columns[i].2.clock { 7 } else { 5 });
    indicators(graph, "dates", &missing, count, &indicated, places, parts);

    let names: Vec<&str> = columns.iter().map(|(_, name, _)| *name).collect();
    Decision {
        what: format!("dates are inputs of seconds since 1970-01-01 00:00: {}", names.join(", ")),
        why: "ONNX cannot read dates as text".into(),
        instead: "[kinds=NAME=categorical] in training".into(),
    }
}

/// Years between the ends of what each column saw in training, where it is clipped to that.
fn clipped(g: &mut Calendar, year: &str, columns: &[(usize, &str, &Datetime)]) -> String {
    if columns.iter().all(|(.., date)| date.span().is_none()) {
        return year.to_string();
    }
    let spans = columns.iter().map(|(.., date)| date.span().unwrap_or((f64::MIN, f64::MAX)));
    let (low, high): (Vec<f64>, Vec<f64>) = spans.unzip();
    let [low, high] = [("low", low), ("high", high)]
        .map(|(name, years)| g.graph.numbers(DataType::Double, &format!("dates.{name}"), &[columns.len()], years));
    let below = g.two("LessOrEqual", year, &low);
    let year = g.graph.node("dates.clip.Where", "Where", [&below, &low, year], Vec::new());
    let above = g.two("LessOrEqual", &high, &year);
    g.graph.node("dates.clip.Where", "Where", [&above, &high, &year], Vec::new())
}

/// Arithmetic on days in 64-bit floats.
struct Calendar<'a> {
    graph: &'a mut Graph,
}

impl Calendar<'_> {
    fn constant(&mut self, x: f64) -> String {
        self.graph.numbers(DataType::Double, &format!("dates.{x}"), &[], [x])
    }

    fn two(&mut self, operator: &str, a: &str, b: &str) -> String {
        self.graph.node(&format!("dates.{operator}"), operator, [a, b], Vec::new())
    }

    fn with(&mut self, a: &str, operator: &str, x: f64) -> String {
        let x = self.constant(x);
        self.two(operator, a, &x)
    }

    fn floor(&mut self, a: &str) -> String {
        self.graph.node("dates.Floor", "Floor", [a], Vec::new())
    }

    /// Days from 0001-01-01 to the beginning of the year after u years: 365u + ⌊u/4⌋ − ⌊u/100⌋ + ⌊u/400⌋.
    fn before(&mut self, u: &str) -> String {
        let mut sum = self.with(u, "Mul", 365.0);
        for (years, operator) in [(4.0, "Add"), (100.0, "Sub"), (400.0, "Add")] {
            let leaps = self.with(u, "Div", years);
            let leaps = self.floor(&leaps);
            sum = self.two(operator, &sum, &leaps);
        }
        sum
    }

    /// The year including the fraction of it that has passed, and that fraction.
    fn year(&mut self, day: &str, share: &str) -> (String, String) {
        let day = self.with(day, "Add", TO_1970);
        // The mean length of a year gives the start of one within 2.3 days, so this is the year's number or one less.
        let guess = self.with(&day, "Sub", 2.3);
        let guess = self.with(&guess, "Div", YEAR);
        let guess = self.floor(&guess);
        let next = self.with(&guess, "Add", 1.0);
        let next = self.before(&next);
        let over = self.two("LessOrEqual", &next, &day);
        let over = self.graph.node("dates.Cast", "Cast", [&over], to(DataType::Double));
        let u = self.two("Add", &guess, &over);
        let start = self.before(&u);
        let number = self.with(&u, "Add", 1.0);
        let end = self.before(&number);
        let length = self.two("Sub", &end, &start);
        let passed = self.two("Sub", &day, &start);
        let passed = self.two("Add", &passed, share);
        let passed = self.two("Div", &passed, &length);
        (self.two("Add", &number, &passed), passed)
    }

    /// 0 for a Monday.
    fn weekday(&mut self, day: &str) -> String {
        // 1970-01-01 was a Thursday.
        let day = self.with(day, "Add", 3.0);
        let weeks = self.with(&day, "Div", 7.0);
        let weeks = self.floor(&weeks);
        let weeks = self.with(&weeks, "Mul", 7.0);
        self.two("Sub", &day, &weeks)
    }
}
