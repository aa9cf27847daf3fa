//! Which words of a text pull a model's answers.

use std::collections::{BTreeMap, HashSet};

use super::{Effort, Sample, columns};
use crate::data::preprocess::{InputColumn, Text, Transform};
use crate::data::words;
use crate::error::{Error, Result};
use crate::event::{PullingWord, PullingWords, SplitPredictions, Words};
use crate::model::{Model, points_in_units};
use crate::task::Task;
use crate::tensor::ops::MatmulPrecision;

/// Rows whose words are left out one by one, and the most words of one: those of the largest weights.
const ROWS: usize = 300;
const WORDS: usize = 40;
/// Rows that a word must be in to be told, and the words told of an answer.
const FEWEST: usize = 3;
const TOLD: usize = 12;
/// The words told of a row.
const TOLD_OF_ROW: usize = 5;

/// How much answers change with each word of the text column at this index of [`super::columns`]: the mean, over the rows
/// with the word, of the answer with it less the answer without it, its pairs and its parts.
///
/// Answers are probabilities, or numbers in the target's units. Words that come in fewer than three rows are left out.
///
/// # Errors
/// If the column is no text, or an answer is not finite.
pub fn words(model: &Model, sample: &Sample, column: usize, effort: Effort) -> Result<Words> {
    let place = &columns(model)?[column];
    let Some(Transform::Text(text)) = model.pipeline.inputs.get(column).map(|input| &input.transform) else {
        let error = Error::config(format!("the column {:?} is no text", place.name));
        return Err(error.fix("name a column of texts"));
    };
    let rows = sample.spread((effort.rows(model) / WORDS).clamp(1, ROWS));
    let (target, outputs) = (&model.target, model.target.points_per_row());
    // The rows that each word is in, and the sums of its pulls.
    let mut found = BTreeMap::<String, (usize, Vec<f64>)>::new();
    for row in 0..rows.rows() {
        let named = format!("sampled row {}", row + 1);
        for (word, pulls) in pulls(model, (rows.row(row), &named), (text, place), effort.precision)? {
            let (rows, sums) = found.entry(word).or_insert_with(|| (0, vec![0.0; outputs]));
            *rows += 1;
            sums.iter_mut().zip(pulls).for_each(|(sum, pull)| *sum += pull);
        }
    }
    found.retain(|_, (rows, _)| *rows >= FEWEST);
    let told = |output: usize, sign: f64| {
        let pull = |(word, (rows, sums)): (&String, &(usize, Vec<f64>))| PullingWord {
            word: word.clone(),
            pull: sign * sums[output] / *rows as f64,
            rows: *rows,
        };
        let mut words: Vec<PullingWord> = found.iter().map(pull).filter(|word| word.pull > 0.0).collect();
        words.sort_by(|a, b| b.pull.total_cmp(&a.pull).then(a.word.cmp(&b.word)));
        words.truncate(TOLD);
        words
    };
    let towards = match target.task {
        Task::Binary => {
            let each = target.classes.iter().zip([-1.0, 1.0]);
            each.map(|(class, sign)| PullingWords { towards: class.clone(), words: told(0, sign) }).collect()
        }
        Task::Multiclass | Task::Multilabel => {
            let each = target.classes.iter().enumerate();
            each.map(|(k, class)| PullingWords { towards: class.clone(), words: told(k, 1.0) }).collect()
        }
        Task::Regression => {
            let each = target.columns.iter().enumerate().flat_map(|(k, name)| {
                [("more", 1.0), ("less", -1.0)]
                    .map(|(way, sign)| PullingWords { towards: format!("{way} {name}"), words: told(k, sign) })
            });
            each.collect()
        }
    };
    Ok(Words { column: place.name.clone(), rows: rows.rows(), rows_in_all: sample.rows_in_all(), towards })
}

/// Tells of the rows among a run's answers that are wrong or unsure which words pulled them.
///
/// # Errors
/// If an answer is not finite.
pub(crate) fn tell_words(model: &Model, answers: &mut SplitPredictions, precision: MatmulPrecision) -> Result<()> {
    for row in answers.mistakes.iter_mut().chain(&mut answers.unsure) {
        let encoded = std::mem::take(&mut row.encoded);
        if !encoded.is_empty() {
            row.words = towards_prediction(model, (&encoded, &row.place), precision)?;
        }
    }
    Ok(())
}

/// The words of an encoded row's texts that pull its answer most towards what is predicted; of a number, either way.
fn towards_prediction(model: &Model, row: (&[f32], &str), precision: MatmulPrecision) -> Result<Vec<(String, f64)>> {
    let target = &model.target;
    let outputs = model.outputs(row.0, precision)?;
    let (output, sign) = match target.task {
        Task::Binary => (0, if target.choice(&outputs) == 1 { 1.0 } else { -1.0 }),
        Task::Multiclass | Task::Multilabel => (target.choice(&outputs), 1.0),
        Task::Regression => (0, 1.0),
    };
    let mut words = Vec::new();
    for (input, place) in model.pipeline.inputs.iter().zip(&columns(model)?) {
        if let Transform::Text(text) = &input.transform {
            let pulls = pulls(model, row, (text, place), precision)?.into_iter();
            words.extend(pulls.map(|(word, pulls)| (word, sign * pulls[output])));
        }
    }
    let size = |pull: f64| if target.task == Task::Regression { pull.abs() } else { pull };
    words.retain(|(_, pull)| size(*pull) > 0.0);
    words.sort_by(|a, b| size(b.1).total_cmp(&size(a.1)).then(a.0.cmp(&b.0)));
    words.truncate(TOLD_OF_ROW);
    Ok(words)
}

/// The words of a text column in an encoded row, which errors call so, each with what it changes in each answer.
fn pulls(
    model: &Model,
    (x, named): (&[f32], &str),
    (text, place): (&Text, &InputColumn),
    precision: MatmulPrecision,
) -> Result<Vec<(String, Vec<f64>)>> {
    let of_row = words_of(text, &x[place.inputs.clone()]);
    let mut variants = x.to_vec();
    for (_, weights) in &of_row {
        let from = variants.len();
        variants.extend_from_slice(x);
        weights.iter().for_each(|slot| variants[from + place.inputs.start + text.slots + slot] = 0.0);
    }
    let found = model.finite_outputs(&variants, precision, &|_| named.into())?;
    let all = points_in_units(&model.target, &found);
    let (with, without) = all.split_at(model.target.points_per_row());
    let pull = |without: &[f64]| with.iter().zip(without).map(|(with, without)| with - without).collect();
    let without = without.chunks_exact(with.len());
    Ok(of_row.into_iter().zip(without).map(|((word, _), without)| (word, pull(without))).collect())
}

/// The words of a text as its bag has them, each with the slots of what would go with it.
fn words_of(text: &Text, inputs: &[f32]) -> Vec<(String, Vec<usize>)> {
    let (codes, weights) = inputs.split_at(text.slots);
    let pieces: Vec<&str> = codes.iter().map(|code| text.vocabulary.pieces()[*code as usize].as_str()).collect();
    let filled = || (0..text.slots).filter(|slot| weights[*slot] > 0.0);
    let mut words: Vec<usize> = filled().filter(|slot| !pieces[*slot].contains(['*', ' '])).collect();
    words.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]).then(a.cmp(b)));
    words.truncate(WORDS);
    let with_all = |slot: usize| {
        let word = pieces[slot];
        let mut own = HashSet::new();
        words::for_each_piece(word, text.parts, |piece, _| {
            own.insert(piece.to_string());
        });
        let goes = |piece: &str| own.contains(piece) || piece.split(' ').any(|part| part == word);
        (word.to_string(), filled().filter(|slot| goes(pieces[*slot])).collect())
    };
    words.into_iter().map(with_all).collect()
}
