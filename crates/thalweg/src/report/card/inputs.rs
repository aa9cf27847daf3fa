//! What a model was fitted on, column by column.

use super::markdown::{code, codes, plain, table};
use crate::data::media_spec::{MediaSpec, PictureSpec};
use crate::data::preprocess::{Grouping, Input, Pipeline, Scale, Tokenizer, Tokens, Transform};
use crate::event::TrainingRows;
use crate::report::text::{count, number, percent};

/// Columns in the table, and categories of one of them.
const MOST_COLUMNS: usize = 100;
const MOST_CATEGORIES: usize = 8;

/// The inputs: a table of columns, or the form of arrays.
pub(super) fn section(pipeline: &Pipeline, training: Option<&TrainingRows>) -> String {
    if let Some(array) = &pipeline.array {
        let shape: Vec<String> = array.shape.iter().map(usize::to_string).collect();
        let each = match array.media {
            Some(MediaSpec::Pictures(spec)) => format!("an image, {}", resized(spec)),
            Some(MediaSpec::Clips(spec)) => {
                format!("a clip of {} frames, spread evenly over it, each {}", spec.frames, resized(spec.frame))
            }
            Some(MediaSpec::Sounds(spec)) => {
                let seconds = number(spec.samples as f64 / f64::from(spec.sample_rate as u32), 3);
                format!("a sound, resampled to {} Hz and {seconds} s long", count(spec.sample_rate))
            }
            None => format!("an array of {} numbers", shape.join(" × ")),
        };
        return format!("Each example is {each}.\n");
    }
    let each = pipeline.grouping.as_ref().map_or_else(String::new, |Grouping { sequence, time, steps }| {
        let order = time.as_ref().map_or("as they come".into(), |time| format!("in the order of {}", code(time)));
        format!(
            "Each example is a sequence of up to {} rows with one {}, {order}; of longer ones so many, spread evenly, are \
             kept. The columns of each row:\n\n",
            count(*steps),
            code(sequence)
        )
    });
    // Of sequences, cells of steps are not counted.
    let training = training.filter(|_| pipeline.grouping.is_none());
    let head = ["column", "kind", "in the training rows", "missing"];
    let rows: Vec<Vec<String>> = pipeline.inputs.iter().take(MOST_COLUMNS).map(|input| row(input, training)).collect();
    let more = match pipeline.inputs.len().saturating_sub(MOST_COLUMNS) {
        0 => String::new(),
        more => format!("\n{} more columns are in the model file.\n", count(more)),
    };
    each + &table(&head, &rows) + &more
}

fn resized(spec: PictureSpec) -> String {
    format!("resized to {} × {} pixels with {} channels", spec.height, spec.width, spec.channels)
}

fn row(input: &Input, training: Option<&TrainingRows>) -> Vec<String> {
    let between = |range: Option<(f64, f64)>| {
        range.map_or_else(String::new, |(low, high)| format!("{} to {}", number(low, 4), number(high, 4)))
    };
    let (kind, values, lacked) = match &input.transform {
        Transform::Numeric(numeric) => ("number", between(numeric.range), numeric.indicator),
        Transform::Boolean(boolean) => ("boolean", format!("{} true", percent(boolean.fill)), boolean.indicator),
        Transform::Datetime(date) => {
            let years = date.range.map(|(low, high)| format!("years {low:.2} to {high:.2}"));
            ("date", years.unwrap_or_default(), date.indicator)
        }
        Transform::OneHot(one_hot) => {
            let categories = &one_hot.categories;
            ("category", of_categories(&categories.values, categories.rare), categories.missing)
        }
        Transform::Embedding(embedding) => {
            let categories = &embedding.categories;
            ("category", of_categories(&categories.values, categories.rare), categories.missing)
        }
        Transform::Ordered(ordered) => {
            let levels: Vec<String> = ordered.levels.iter().map(|level| code(level)).collect();
            ("ordered category", levels.join(" < "), ordered.indicator)
        }
        Transform::Text(text) => {
            let pieces = text.vocabulary.pieces();
            let known = codes(pieces.iter().map(String::as_str), MOST_CATEGORIES);
            ("free text", format!("{} words and parts of words, such as {known}", pieces.len()), false)
        }
        Transform::Tokens(Tokens { tokenizer, length }) => {
            let kinds = match tokenizer {
                Tokenizer::Words(words) => {
                    let known = codes(words.pieces().iter().map(String::as_str), MOST_CATEGORIES);
                    format!("{} words, such as {known}", words.pieces().len())
                }
                Tokenizer::File(_) => format!("{} tokens", tokenizer.count() - 1),
            };
            ("free text", format!("the first {length} of {kinds}"), false)
        }
    };
    let missing = match training {
        Some(training) => {
            training.missing.iter().find(|(name, _)| *name == input.column).map_or("0".into(), |(_, s)| percent(*s))
        }
        None => if lacked { "some" } else { "" }.into(),
    };
    vec![code(&input.column), kind.into(), values, missing]
}

fn of_categories(values: &[String], rare: bool) -> String {
    let rare = if rare { ", and rare ones as one" } else { "" };
    format!("{}{rare}", codes(values.iter().map(String::as_str), MOST_CATEGORIES))
}

/// What the model does with cells unlike those of the training rows.
pub(super) fn limits(pipeline: &Pipeline, training: Option<&TrainingRows>) -> Vec<String> {
    let training = training.filter(|_| pipeline.grouping.is_none());
    let named = |which: &dyn Fn(&Transform) -> bool| -> Vec<&str> {
        pipeline.inputs.iter().filter(|input| which(&input.transform)).map(|input| input.column.as_str()).collect()
    };
    let mut limits = Vec::new();
    let mut say = |columns: &[&str], what: &str| {
        if !columns.is_empty() {
            limits.push(format!("{what}: {}.", codes(columns.iter().copied(), MOST_CATEGORIES)));
        }
    };
    let often = training.map(|training| &training.missing).into_iter().flatten();
    let often: Vec<&str> = often.filter(|(_, share)| *share >= OFTEN).map(|(name, _)| name.as_str()).collect();
    say(&often, &format!("Columns that lack {} of their cells or more in the training rows", percent(OFTEN)));
    if let Some(training) = training {
        let never = |input: &&Input| !training.missing.iter().any(|(name, _)| *name == input.column);
        let never: Vec<&str> = pipeline.inputs.iter().filter(never).map(|input| input.column.as_str()).collect();
        say(&never, "A missing cell was never seen in training in these columns");
    }
    say(
        &named(&|transform| matches!(transform, Transform::Numeric(_) | Transform::Datetime(_))),
        "Values outside the ranges of the training rows above were not seen",
    );
    say(
        &named(&|transform| match transform {
            Transform::Numeric(numeric) => matches!(numeric.scale, Scale::Robust { .. }),
            Transform::Datetime(date) => matches!(date.scale, Scale::Robust { .. }),
            _ => false,
        }),
        "Numbers far from the median are compressed (robust scaling), so that the farthest look alike",
    );
    say(
        &named(&|transform| matches!(transform, Transform::OneHot(_) | Transform::Embedding(_))),
        "A category that training did not have is taken for none of the known ones",
    );
    say(
        &named(&|transform| matches!(transform, Transform::Ordered(_))),
        "A category that is not in the order is taken for the mean of the training rows",
    );
    say(
        &named(&|transform| matches!(transform, Transform::Text(_))),
        "Words that training did not have are passed over, and so is the order of words beyond pairs",
    );
    say(
        &named(&|transform| matches!(transform, Transform::Tokens(_))),
        "Words that training did not have are one to the model, and the ends of long texts are not read",
    );
    limits.iter().map(|limit| limit.replace('\n', " ")).collect()
}

/// The share of missing cells from which a column is named among the limits.
const OFTEN: f64 = 0.2;

/// The columns that are not inputs, by role.
pub(super) fn left_out(columns: &[(&str, Vec<String>)]) -> Option<String> {
    let named = columns.iter().filter(|(_, names)| !names.is_empty());
    let each: Vec<String> = named
        .map(|(role, names)| format!("{}: {}", plain(role), codes(names.iter().map(String::as_str), MOST_CATEGORIES)))
        .collect();
    (!each.is_empty()).then(|| format!("Not inputs: {}.", each.join("; ")))
}
