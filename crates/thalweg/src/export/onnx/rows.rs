//! Random rows like those of the training data, from what the pipeline knows of it: with missing cells, unseen
//! categories and numbers outside the range.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use super::graph::Graph;
use super::interpret::Value;
use super::proto::DataType;
use crate::data::arrays::Arrays;
use crate::data::column::Column;
use crate::data::dates;
use crate::data::preprocess::{Datetime, Numeric, Scale, Tokens, Transform};
use crate::data::table::Table;
use crate::model::Model;
use crate::random::{self, Stream};
use crate::tensor::ops::MatmulPrecision;
use crate::{Error, Result};

/// Maximum number of rows drawn.
const MOST: usize = 256;
/// Maximum values that a forward pass may store for all rows together.
const NUMBERS: usize = 1 << 23;

/// Rows as a graph takes them, and the model's outputs for them.
pub(super) struct SampleRows {
    pub(super) count: usize,
    /// The graph's inputs by name.
    pub(super) values: HashMap<String, Value>,
    /// The model's outputs.
    pub(super) expected: Vec<f64>,
}

/// Draws rows.
pub(super) fn draw(model: &Model, graph: &Graph) -> Result<SampleRows> {
    let count = (NUMBERS / model.network.numbers_per_row().max(1)).clamp(2, MOST);
    let stream = random::export(0);
    let mut values = HashMap::new();
    let x: Vec<f32> = if let Some(array) = &model.pipeline.array {
        let width: usize = array.shape.iter().product();
        let mut x = vec![0.0_f32; count * width];
        for (row, x) in x.chunks_exact_mut(width).enumerate() {
            stream.fill_normal(row as u32, x);
            x.iter_mut()
                .zip(array.scales.iter().cycle())
                .for_each(|(x, scale)| *x = around(scale, f64::from(*x)) as f32);
        }
        let numbers = x.iter().map(|&x| f64::from(x)).collect();
        let columns = array.shape.last().copied().unwrap_or(1);
        let input = Value::Numbers { kind: DataType::Float, columns, numbers };
        values.insert(graph.inputs[0].name.clone(), input);
        let rows: Vec<usize> = (0..count).collect();
        model.pipeline.transform_arrays(&Arrays::new("drawn examples", &array.shape, x)?, &rows)?
    } else {
        let mut table = Table { source: "drawn rows".into(), lines: (1..=count as u64).collect(), ..Table::default() };
        for (i, input) in model.pipeline.inputs.iter().enumerate() {
            let (name, kind) = graph.input_of(&input.column).ok_or_else(|| Error::internal("a column has no input"))?;
            let cell =
                |row: usize| Draw { stream: &stream, row: row as u32, column: i as u32 }.cell(&input.transform, kind);
            let (texts, numbers): (Vec<String>, Vec<f64>) = (0..count).map(cell).unzip();
            table.names.push(input.column.clone());
            table.columns.push(Column::of_texts(&texts));
            let value = match kind {
                _ if matches!(input.transform, Transform::Text(_) | Transform::Tokens(_)) => {
                    let bags = model.pipeline.bags(&input.column, &texts)?;
                    Value::Numbers { kind, columns: input.width(), numbers: bags.into_iter().map(f64::from).collect() }
                }
                DataType::String => Value::Texts { columns: 1, texts },
                _ => Value::Numbers { kind, columns: 1, numbers },
            };
            values.insert(name.to_string(), value);
        }
        model.pipeline.transform(&table)?
    };
    Ok(SampleRows { count, values, expected: model.outputs(&x, MatmulPrecision::F32)? })
}

/// A number as far from the centre of a scale, in its units, as x is from 0.
fn around(scale: &Scale, x: f64) -> f64 {
    match *scale {
        Scale::Standard { mean, deviation } => mean + x * deviation,
        Scale::Robust { median, spread } => median + x * spread,
        Scale::MinMax { low, high } => low + (high - low) * (0.5 + x / 4.0),
        Scale::None => x,
    }
}

/// A random cell's position.
struct Draw<'a> {
    stream: &'a Stream,
    row: u32,
    column: u32,
}

impl Draw<'_> {
    /// A uniform number in [0, 1), one of four.
    fn share(&self, i: u32) -> f64 {
        self.stream.uniform(self.row, 4 * self.column + i)
    }

    /// A random element.
    fn one<'t, T>(&self, of: &'t [T], i: u32) -> Option<&'t T> {
        of.get((self.share(i) * of.len() as f64) as usize)
    }

    /// A cell as text, and as a number if the graph takes numbers.
    fn cell(&self, transform: &Transform, kind: DataType) -> (String, f64) {
        if self.share(0) < 0.125 {
            return (String::new(), f64::NAN);
        }
        match transform {
            Transform::Numeric(numeric) => {
                let x = self.number(numeric);
                let x = if kind == DataType::Float { f64::from(x as f32) } else { x };
                (x.to_string(), x)
            }
            Transform::Boolean(_) => {
                let words = ["true", "No", "1", "0", "F", "YES", "off"];
                (self.one(&words, 1).copied().unwrap_or("1").to_string(), f64::NAN)
            }
            Transform::Datetime(datetime) => self.date(datetime),
            Transform::OneHot(crate::data::preprocess::OneHot { categories })
            | Transform::Embedding(crate::data::preprocess::Embedding { categories, .. }) => {
                (self.category(&categories.values), f64::NAN)
            }
            Transform::Ordered(ordered) => (self.category(&ordered.levels), f64::NAN),
            Transform::Text(text) => {
                let words = (1..4).map(|i| self.one(text.vocabulary.pieces(), i).map_or("", String::as_str));
                (words.collect::<Vec<_>>().join(" "), f64::NAN)
            }
            Transform::Tokens(Tokens { tokenizer, .. }) => {
                let token = |i| (self.share(i) * tokenizer.count() as f64) as usize;
                let words = (1..4).map(|i| tokenizer.piece(token(i)).unwrap_or("unknown".into()));
                (words.collect::<Vec<_>>().join(" "), f64::NAN)
            }
        }
    }

    /// A known category, or an unknown one.
    fn category(&self, known: &[String]) -> String {
        let known = self.one(known, 1).filter(|_| self.share(2) > 0.125);
        known.cloned().unwrap_or_else(|| "never seen before".into())
    }

    /// A number near those of the training rows, or an edge of a bin.
    fn number(&self, numeric: &Numeric) -> f64 {
        if let Some(sentinel) = self.one(&numeric.sentinels, 1).filter(|_| self.share(2) < 0.125) {
            return *sentinel;
        }
        let edge = numeric.bins.as_ref().and_then(|bins| self.one(&bins.edges, 1)).filter(|_| self.share(2) < 0.25);
        edge.copied().unwrap_or_else(|| around(&numeric.scale, 8.0 * (self.share(3) - 0.5)))
    }

    fn date(&self, datetime: &Datetime) -> (String, f64) {
        // A year in or near the range of the training rows, at any time in it.
        let year = around(&datetime.scale, 8.0 * (self.share(1) - 0.5)).clamp(1.0, 9000.0);
        let seconds = ((year - 1970.0) * 365.2425 * 86_400.0) as i64;
        let time = Timestamp::from_second(seconds).unwrap_or_default().to_zoned(TimeZone::UTC).datetime();
        let some = self.one(&datetime.sentinels, 2).filter(|_| self.share(3) < 0.25);
        let time = some.copied().unwrap_or(time);
        let text = match datetime.formats().next().unwrap_or(dates::ISO) {
            dates::ISO => time.to_string(),
            dates::RFC2822 => strtime::format("%a, %d %b %Y %H:%M:%S +0000", time).unwrap_or_default(),
            dates::UNIX => dates::seconds(time).to_string(),
            dates::UNIX_MS => (1000.0 * dates::seconds(time)).to_string(),
            format if format.contains("%z") => time
                .to_zoned(TimeZone::UTC)
                .ok()
                .and_then(|time| strtime::format(format, &time).ok())
                .unwrap_or_default(),
            format => strtime::format(format, time).unwrap_or_default(),
        };
        // A format may leave out the time of day.
        let seconds = dates::read(&text, &datetime.format).map_or(f64::NAN, dates::seconds);
        if seconds.is_nan() { (String::new(), seconds) } else { (text, seconds) }
    }
}
