//! Fitting the pipeline to the training rows.

use std::collections::BTreeMap;

use thalweg_kernels::pool;

use super::{
    Boolean, Categories, Datetime, Embedding, Input, Numeric, OneHot, Ordered, Pipeline, Scale, Text, TokenizerFile,
    Tokens, Transform, boolean, datetime, numeric, unreadable,
};
use crate::config::{Preprocess, TextEncoding};
use crate::data::dates;
use crate::data::number_format::NumberFormat;
use crate::data::reading::Readings;
use crate::data::schema::{self, Column, ColumnKind, Role, Schema};
use crate::data::table::Table;
use crate::error::advice;
use crate::event::Decision;
use crate::{Error, Result};

impl Pipeline {
    /// Fits one transform per feature column, reading only `train_rows`.
    pub fn fit(
        table: &Table,
        schema: &Schema,
        train_rows: &[usize],
        options: &Preprocess,
    ) -> Result<(Pipeline, Vec<Decision>)> {
        let features: Vec<&Column> = schema.with_role(Role::Feature).collect();
        let positions = schema::positions(table, features.iter().map(|column| column.name.as_str()))?;
        let fit = |i: usize| {
            let rows = TrainingColumn { table, schema, rows: train_rows, position: positions[i] };
            Ok(Input { column: features[i].name.clone(), transform: rows.fit(features[i], options)? })
        };
        let mut inputs = pool::map(features.len(), fit).into_iter().collect::<Result<Vec<Input>>>()?;
        // Texts come first and codes last: the network's layers of bags and embeddings pass the other inputs through.
        inputs.sort_by_key(|input| match input.transform {
            Transform::Text(_) | Transform::Tokens(_) => 0,
            Transform::Embedding(_) => 2,
            _ => 1,
        });
        let decisions = decisions(&inputs, options);
        Ok((Pipeline { cell_format: schema.cell_format.clone(), inputs, array: None, grouping: None }, decisions))
    }
}

/// The training rows of one column.
struct TrainingColumn<'a> {
    table: &'a Table,
    schema: &'a Schema,
    rows: &'a [usize],
    position: usize,
}

impl<'a> TrainingColumn<'a> {
    fn fit(&self, column: &Column, options: &Preprocess) -> Result<Transform> {
        let cell_format = self.table.cell_format(&self.schema.cell_format);
        Ok(match column.kind {
            ColumnKind::Numeric => {
                let sentinels = column.sentinels.iter().filter_map(|cell| cell.parse().ok()).collect();
                let reading = numeric::Reading { format: column.numbers, sentinels, lenient: column.lenient };
                let read = |cells: &Readings, row| numeric::number(cells.get(row), &reading.sentinels, reading.lenient);
                let (values, missing) = self.observed(column.numbers, read)?;
                let numeric = Numeric::fit(&values, missing, options);
                Transform::Numeric(numeric.reading(&reading))
            }
            ColumnKind::Boolean => {
                let (values, missing) = self.observed(None, |cells, row| boolean::number(cells.get(row)))?;
                let ones: f64 = values.iter().sum();
                let fill = if values.is_empty() { 0.0 } else { ones / values.len() as f64 };
                Transform::Boolean(Boolean { fill, indicator: missing && options.missing_indicator })
            }
            ColumnKind::Datetime => {
                let format = column.format.as_deref().ok_or_else(|| {
                    Error::data("no date format fits every cell")
                        .at(format!("{}, column {:?}", self.table.source, column.name))
                        .fix(advice!(
                            "write the dates as 2026-01-31, or train with [kinds={}=categorical]",
                            column.name
                        ))
                })?;
                let sentinels: Vec<_> = column.sentinels.iter().filter_map(|cell| dates::read(cell, format)).collect();
                let read = |cells: &Readings, row| {
                    datetime::time(cells.as_text(row).as_deref(), format, &sentinels, column.lenient)
                };
                let (times, missing) = self.observed(None, read)?;
                let fitted = Datetime::fit(&times, missing, format);
                let clip = options.clip_dates == Some(true);
                Transform::Datetime(Datetime { sentinels, lenient: column.lenient, clip, ..fitted })
            }
            ColumnKind::Ordered => {
                let cells = self.table.columns[self.position].readings(cell_format);
                let cells = self.rows.iter().map(|row| cells.category(*row));
                Transform::Ordered(Ordered::fit(cells, &column.order))
            }
            ColumnKind::Text if matches!(options.text, Some(TextEncoding::Words | TextEncoding::Ngrams)) => {
                let cells = self.table.columns[self.position].readings(cell_format);
                let cells = self.rows.iter().map(|row| cells.category(*row));
                Transform::Text(Text::fit(cells, options.text == Some(TextEncoding::Ngrams)))
            }
            ColumnKind::Text if options.text == Some(TextEncoding::Tokens) => {
                let cells = self.table.columns[self.position].readings(cell_format);
                let cells = self.rows.iter().map(|row| cells.category(*row));
                let file = options.tokenizer.as_deref().map(TokenizerFile::open).transpose()?;
                let tokens = Tokens::fit(cells, file, options.text_length).map_err(|expected| {
                    let place = format!("{}, column {:?}", self.table.source, column.name);
                    Error::data(format!("a text was found, expected {expected}")).at(place).fix("leave [tokenizer] out")
                })?;
                Transform::Tokens(tokens)
            }
            ColumnKind::Categorical | ColumnKind::Text => {
                let cells = self.table.columns[self.position].readings(cell_format);
                let cells = self.rows.iter().map(|row| cells.category(*row));
                let categories = Categories::fit(cells, options.rare_below);
                if categories.slots() - 1 <= options.one_hot_up_to {
                    Transform::OneHot(OneHot { categories })
                } else {
                    Transform::Embedding(Embedding::new(categories))
                }
            }
        })
    }

    /// The values of the cells that are not missing, and whether any cell is missing; an error says what was expected.
    fn observed<T>(
        &self,
        format: Option<NumberFormat>,
        read: impl Fn(&Readings, usize) -> Result<Option<T>, String>,
    ) -> Result<(Vec<T>, bool)> {
        let mut values = Vec::with_capacity(self.rows.len());
        let cell_format = self.table.cell_format(&self.schema.cell_format);
        let cells = self.table.columns[self.position].readings(cell_format).with_format(format);
        for row in self.rows {
            let value = read(&cells, *row);
            values.extend(value.map_err(|expected| unreadable(self.table, *row, self.position, &expected))?);
        }
        let missing = values.len() < self.rows.len();
        Ok((values, missing))
    }
}

/// The decisions about the columns, one sentence for each kind.
fn decisions(inputs: &[Input], options: &Preprocess) -> Vec<Decision> {
    let mut groups: BTreeMap<(&str, &str, &str), Vec<String>> = BTreeMap::new();
    for Input { column, transform } in inputs {
        let mut note = |what, why, instead| groups.entry((what, why, instead)).or_default().push(column.clone());
        match transform {
            Transform::Numeric(numeric) => {
                if options.normalise.is_none() && matches!(numeric.scale, Scale::Robust { .. }) {
                    note("scaled by median and quartiles, clipped smoothly", "far outliers", "[normalise=standard]");
                }
                if numeric.indicator {
                    note("missing numbers filled, with an input that says so", "cells are missing", "[impute=mean]");
                }
            }
            Transform::Embedding(_) => {
                note("categories get a learned embedding", "many categories", "[one_hot_up_to=1000]");
            }
            // Of sequences all do.
            Transform::OneHot(_) if options.one_hot_up_to < usize::MAX => {
                note("categories become one input each", "few categories", "[one_hot_up_to=0]");
            }
            Transform::Datetime(date) => {
                if options.clip_dates == Some(true) {
                    note(
                        "dates beyond the training rows' count as their first or last",
                        "a trend may end",
                        "[clip_dates=false]",
                    );
                }
                if matches!(date.scale, Scale::Robust { .. }) {
                    note(
                        "dates scaled by median and quartiles, clipped smoothly",
                        "far outliers",
                        "[kinds=NAME=categorical]",
                    );
                }
            }
            Transform::Text(text) => {
                let (what, other) = if text.parts {
                    ("texts become bags of words, pairs of words and parts of words", "[text=words]")
                } else {
                    ("texts become bags of words and pairs of words", "[text=ngrams]")
                };
                note(what, "they come in several training rows", other);
            }
            Transform::Boolean(_) | Transform::OneHot(_) | Transform::Ordered(_) | Transform::Tokens(_) => {}
        }
    }
    let decision = |((what, why, instead), columns): ((&str, &str, &str), Vec<String>)| Decision {
        what: format!("{what}: {}", schema::shortened(&columns, 8)),
        why: why.into(),
        instead: instead.into(),
    };
    let tokens = inputs.iter().filter_map(|Input { column, transform }| match transform {
        Transform::Tokens(tokens) => Some(tokens.decision(column, options.text_length.is_some())),
        _ => None,
    });
    groups.into_iter().map(decision).chain(tokens).collect()
}
