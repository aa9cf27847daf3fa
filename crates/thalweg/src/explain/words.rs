//! Which words of a text pull a model's answers.

use std::collections::{BTreeMap, HashSet};

use super::{Effort, Sample, columns};
use crate::data::preprocess::{Text, Transform};
use crate::data::words;
use crate::error::{Error, Result};
use crate::event::{PullingWord, PullingWords, Words};
use crate::model::{Model, points_in_units};
use crate::task::Task;

/// Rows whose words are left out one by one, and the most words of one: those of the largest weights.
const ROWS: usize = 300;
const WORDS: usize = 40;
/// Rows that a word must be in to be told, and the words told of an answer.
const FEWEST: usize = 3;
const TOLD: usize = 12;

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
    let answers = |x: &[f32]| -> Result<Vec<f64>> {
        let found = model.finite_outputs(x, effort.precision, &|row| format!("sampled row {}", row + 1))?;
        Ok(points_in_units(target, &found))
    };
    // The rows that each word is in, and the sums of its pulls.
    let mut found = BTreeMap::<String, (usize, Vec<f64>)>::new();
    for row in 0..rows.rows() {
        let x = rows.row(row);
        let of_row = words_of(text, &x[place.inputs.clone()]);
        let mut variants = x.to_vec();
        for (_, weights) in &of_row {
            let from = variants.len();
            variants.extend_from_slice(x);
            weights.iter().for_each(|slot| variants[from + place.inputs.start + text.slots + slot] = 0.0);
        }
        let all = answers(&variants)?;
        let (with, without) = all.split_at(outputs);
        for ((word, _), without) in of_row.iter().zip(without.chunks_exact(outputs)) {
            let (rows, sums) = found.entry(word.clone()).or_insert_with(|| (0, vec![0.0; outputs]));
            *rows += 1;
            sums.iter_mut().zip(with.iter().zip(without)).for_each(|(sum, (with, without))| *sum += with - without);
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
