//! Verification of the parts of a model that come from data: each checks its own invariants, so that no file causes a
//! failure later on.

use std::collections::BTreeMap;

use super::dates;
use super::media_spec::{MediaSpec, PictureSpec, SoundSpec};
use super::number_format::NumberFormat;
use super::preprocess::{
    ArrayScale, Bins, Boolean, Categories, Datetime, Embedding, Encode, Grouping, Input, Numeric, OneHot, Ordered,
    Pipeline, Scale, Text, Tokenizer, Tokens, Transform,
};
use super::reading::Cell;
use super::schema::{self, Column, ColumnKind, Role, Schema, Task};
use super::source::twice;
use super::target::Target;
use crate::error::beginning;

/// The problem with a part, if any.
type Checked = Result<(), String>;

/// Inputs beyond this overflow in 32 bits once they are multiplied.
const LARGEST: f64 = 1e30;
/// Ranges of image sides in pixels, sample rates and lengths in samples.
const SIDES: std::ops::RangeInclusive<usize> = 1..=4096;
const FRAMES: std::ops::RangeInclusive<usize> = 2..=1000;
const RATES: std::ops::RangeInclusive<usize> = 100..=768_000;
const SAMPLES: std::ops::RangeInclusive<usize> = 1..=1 << 22;
/// The steps of a sequence.
const STEPS: std::ops::RangeInclusive<usize> = 1..=100_000;

/// A text's codes, and the weight of a word that one row in very many has.
const MOST_SLOTS: usize = 1 << 16;
const MOST_IDF: f32 = 100.0;

fn check(right: bool, wrong: impl FnOnce() -> String) -> Checked {
    if right { Ok(()) } else { Err(wrong()) }
}

/// A name from a file, in quotes.
fn quoted(name: &str) -> String {
    format!("{:?}", beginning(name))
}

impl Schema {
    /// Checks that its columns are valid for a table or the labels of arrays.
    pub(crate) fn check(&self) -> Checked {
        for role in [Role::Feature, Role::Target] {
            let names = self.names(role);
            if let Some(name) = twice(&names) {
                return Err(format!("the column {} comes twice in the schema", quoted(name)));
            }
        }
        let targets = self.with_role(Role::Target).count();
        check(targets > 0, || "the schema has no target".into())
    }
}

impl Pipeline {
    /// Checks that it takes the schema's features, each once, or arrays, and that each of its transforms is usable.
    pub(crate) fn check(&self, schema: &Schema) -> Checked {
        if let Some(array) = &self.array {
            let alone = self.inputs.is_empty() && self.grouping.is_none();
            check(alone, || "the pipeline takes both columns and arrays".into())?;
            return array.check();
        }
        let mut features: BTreeMap<&str, &Column> =
            schema.with_role(Role::Feature).map(|column| (column.name.as_str(), column)).collect();
        for input in &self.inputs {
            let name = quoted(&input.column);
            let column = features.remove(input.column.as_str());
            let column = column.ok_or_else(|| {
                let names = self.inputs.iter().map(|input| &input.column);
                match twice(names) {
                    Some(twice) if *twice == input.column => format!("the pipeline takes the column {name} twice"),
                    _ => format!("the pipeline takes the column {name}, which is no feature of the schema"),
                }
            })?;
            input.check(column).map_err(|wrong| format!("the column {name}: {wrong}"))?;
        }
        if let Some((name, _)) = features.pop_first() {
            return Err(format!("the schema's feature {} is not in the pipeline", quoted(name)));
        }
        let is_code = |input: &Input| matches!(input.transform, Transform::Embedding(_));
        check(self.inputs.is_sorted_by_key(is_code), || "the pipeline has codes before other inputs".into())?;
        let is_no_text = |input: &Input| !matches!(input.transform, Transform::Text(_) | Transform::Tokens(_));
        check(self.inputs.is_sorted_by_key(is_no_text), || "the pipeline has other inputs before texts".into())?;
        self.grouping.iter().try_for_each(|grouping| grouping.check(&self.inputs, schema))
    }
}

impl Grouping {
    fn check(&self, inputs: &[Input], schema: &Schema) -> Checked {
        let Grouping { sequence, time, steps } = self;
        check(STEPS.contains(steps), || format!("its sequences have {steps} steps"))?;
        let is = |name: &str, role| schema.with_role(role).any(|column| column.name == name);
        check(is(sequence, Role::Id), || format!("the schema has no sequences called {}", quoted(sequence)))?;
        let ordered = time.as_ref().is_none_or(|time| is(time, Role::Time));
        check(ordered, || "the steps of its sequences are in the order of no column of the schema".into())?;
        let plain = |input: &Input| {
            !matches!(input.transform, Transform::Embedding(_) | Transform::Text(_) | Transform::Tokens(_))
        };
        check(inputs.iter().all(plain), || "the steps of its sequences have codes or texts".into())
    }
}

impl Input {
    fn check(&self, column: &Column) -> Checked {
        let kind = column.kind;
        let fits = match &self.transform {
            Transform::Numeric(numeric) => numeric.check(column).map(|()| kind == ColumnKind::Numeric),
            Transform::Boolean(boolean) => boolean.check().map(|()| kind == ColumnKind::Boolean),
            Transform::Datetime(datetime) => datetime.check(column).map(|()| kind == ColumnKind::Datetime),
            Transform::OneHot(one_hot) => one_hot.check().map(|()| is_categories(kind)),
            Transform::Embedding(embedding) => embedding.check().map(|()| is_categories(kind)),
            Transform::Ordered(ordered) => ordered.check(column).map(|()| kind == ColumnKind::Ordered),
            Transform::Text(text) => text.check().map(|()| kind == ColumnKind::Text),
            Transform::Tokens(tokens) => tokens.check().map(|()| kind == ColumnKind::Text),
        };
        check(fits?, || format!("the schema says that it is {kind:?}, the pipeline takes it as something else"))
    }
}

fn is_categories(kind: ColumnKind) -> bool {
    matches!(kind, ColumnKind::Categorical | ColumnKind::Text)
}

/// Checks that the replacement for a missing cell becomes inputs that a network can take.
fn check_fill(transform: &dyn Encode, fill: f64) -> Checked {
    let mut out = vec![0.0; transform.names("").len()];
    let written = transform.write(Cell::Missing, &mut out).is_ok() && out.iter().all(|x| x.abs() <= LARGEST);
    check(fill.is_finite() && written, || format!("the fill {fill:e} is far from what its scale takes"))
}

/// Checks the minimum and maximum of the training rows.
fn check_range(range: Option<(f64, f64)>) -> Checked {
    let right = range.is_none_or(|(low, high)| low.is_finite() && high.is_finite() && low <= high);
    check(right, || "its range is none".into())
}

impl NumberFormat {
    fn check(&self) -> Checked {
        let right = ['.', ','].contains(&self.decimal)
            && self.group.is_none_or(|group| group != self.decimal && [',', '.', ' ', '\''].contains(&group));
        check(right, || format!("numbers cannot be written with {:?} and {:?}", self.decimal, self.group))
    }
}

impl Numeric {
    fn check(&self, column: &Column) -> Checked {
        self.scale.check()?;
        check_range(self.range)?;
        self.format.as_ref().map_or(Ok(()), NumberFormat::check)?;
        check(self.format == column.numbers, || "its numbers are written otherwise in the schema".into())?;
        check(self.sentinels.iter().all(|x| x.is_finite()), || "what is missing is no finite number".into())?;
        self.bins.as_ref().map_or(Ok(()), Bins::check)?;
        check_fill(self, self.fill)
    }
}

impl Bins {
    fn check(&self) -> Checked {
        let edges = &self.edges;
        check(edges.len() > 1, || format!("bins of {} edges, expected two or more", edges.len()))?;
        let wide = |pair: &[f64]| (pair[1] - pair[0]) > 0.0 && (pair[1] - pair[0]).is_finite();
        check(edges.windows(2).all(wide), || "the edges of the bins do not rise from one to the next".into())
    }
}

impl Boolean {
    fn check(&self) -> Checked {
        check_fill(self, self.fill)
    }
}

impl Datetime {
    fn check(&self, column: &Column) -> Checked {
        let format = quoted(&self.format);
        check(dates::is_known(&self.format), || format!("the date format {format} is none that is read"))?;
        let same = column.format.as_ref() == Some(&self.format);
        check(same, || format!("its date format is {format} in the pipeline and another in the schema"))?;
        self.scale.check()?;
        check_range(self.range)?;
        check(!self.clip || self.range.is_some(), || "its dates are clipped to no range".into())?;
        let far = |year: f64| self.scale.apply(year).abs() > LARGEST;
        check(!far(-9999.0) && !far(9999.0), || "years are far from what its scale takes".into())
    }
}

impl Categories {
    fn check(&self) -> Checked {
        check(self.values.is_sorted_by(|a, b| a < b), || "its categories are not sorted, or one comes twice".into())
    }
}

impl OneHot {
    fn check(&self) -> Checked {
        self.categories.check()?;
        check(!self.names("").is_empty(), || "it has no category, so it becomes no input".into())
    }
}

impl Embedding {
    fn check(&self) -> Checked {
        self.categories.check()?;
        check(self.dimension > 0, || "its categories become vectors of no numbers".into())
    }
}

impl Text {
    fn check(&self) -> Checked {
        let pieces = self.vocabulary.pieces();
        check(!pieces.is_empty() && self.slots > 0, || "no word is known of its texts, or none can be given".into())?;
        check(twice(pieces).is_none(), || "one of its words comes twice".into())?;
        check(pieces.len() == self.idf.len(), || format!("{} words have {} weights", pieces.len(), self.idf.len()))?;
        let weights = |weight: &f32| (1.0..=MOST_IDF).contains(weight);
        check(self.idf.iter().all(weights), || format!("a word's weight is none from 1 to {MOST_IDF}"))?;
        check(self.slots <= MOST_SLOTS, || format!("a text has {} codes, expected {MOST_SLOTS} at most", self.slots))
    }
}

impl Ordered {
    fn check(&self, column: &Column) -> Checked {
        let Ordered { levels, fill, .. } = self;
        check(*levels == column.order, || "its categories have another order in the schema".into())?;
        check(levels.len() > 1, || "fewer than two categories have no order".into())?;
        let lower: Vec<String> = levels.iter().map(|level| level.to_lowercase()).collect();
        check(twice(&lower).is_none(), || "one of its categories comes twice".into())?;
        let shares = fill.len() == levels.len() - 1 && fill.iter().all(|share| (0.0..=1.0).contains(share));
        check(shares, || "what replaces a missing category is no share for each step".into())
    }
}

impl Scale {
    fn check(&self) -> Checked {
        let (shift, unit) = self.affine();
        check(unit > 0.0, || format!("it is scaled by {shift:e} and {unit:e}, expected a number and one above 0"))?;
        self.check_turned()
    }

    /// The same where the sign may be reversed, as in an imported graph.
    fn check_turned(&self) -> Checked {
        let (shift, unit) = self.affine();
        let ordered = if let Scale::MinMax { low, high } = *self { low <= high } else { true };
        let right = ordered && shift.is_finite() && unit.is_finite() && unit != 0.0;
        check(right, || format!("it is scaled by {shift:e} and {unit:e}, expected a number and one above 0"))
    }
}

impl ArrayScale {
    fn check(&self) -> Checked {
        let width = self.shape.iter().try_fold(1_usize, |width, side| width.checked_mul(*side));
        let (shape, scales) = (&self.shape, self.scales.len());
        check(!shape.is_empty() && width.is_some_and(|width| width > 0), || {
            format!("the pipeline takes arrays of shape {shape:?}")
        })?;
        // One for all, one per channel, or one per element.
        let counts = [Some(1), shape.last().copied(), width];
        check(counts.contains(&Some(scales)), || format!("{scales} scales for arrays of shape {shape:?}"))?;
        self.scales.iter().try_for_each(Scale::check_turned)?;
        let narrow = |scale: &Scale| {
            let (shift, unit) = scale.affine();
            (shift as f32).is_finite() && (unit as f32).is_normal()
        };
        check(self.scales.iter().all(narrow), || "arrays are scaled by what is beyond numbers of 32 bits".into())?;
        let Some(spec) = self.media else { return Ok(()) };
        spec.check()?;
        let found = spec.shape();
        check(found == *shape, || format!("files are brought to {found:?}, and the pipeline takes {shape:?}"))
    }
}

impl MediaSpec {
    fn check(&self) -> Checked {
        let is_right = |PictureSpec { height, width, channels, .. }: PictureSpec| {
            SIDES.contains(&height) && SIDES.contains(&width) && (1..=3).contains(&channels)
        };
        let right = match *self {
            MediaSpec::Pictures(spec) => is_right(spec),
            MediaSpec::Clips(spec) => FRAMES.contains(&spec.frames) && is_right(spec.frame),
            MediaSpec::Sounds(SoundSpec { sample_rate, samples, .. }) => {
                RATES.contains(&sample_rate) && SAMPLES.contains(&samples)
            }
        };
        check(right, || format!("files cannot be brought to {self:?}"))
    }
}

impl Target {
    /// Checks that it matches the schema's targets: with as many classes or scales as the task has. An imported graph
    /// may reverse signs.
    pub(crate) fn check(&self, schema: &Schema, may_turn: bool) -> Checked {
        let (task, classes, scales) = (self.task, self.classes.len(), self.scales.len());
        check(task == schema.task, || format!("the target's task is {task}, the schema's {}", schema.task))?;
        let columns = schema.names(Role::Target);
        check(self.columns == columns, || {
            format!("the target predicts {}, the schema {}", listed(&self.columns), listed(&columns))
        })?;
        check(self.separator == schema.separator, || "the target's separator is another than the schema's".into())?;
        let given = schema.classes.is_empty() || !task.is_classes() || schema.classes == self.classes;
        check(given, || "the target's classes are others than the schema's".into())?;
        let one = self.columns.len() == 1 || !(task.is_classes() || self.separator.is_some());
        check(one, || format!("{} targets for {task}", self.columns.len()))?;
        let parted = self.separator.is_none() || task == Task::Multilabel;
        check(parted, || format!("a separator of labels for {task}"))?;
        let right = match task {
            Task::Regression => classes == 0,
            Task::Binary => classes == 2,
            Task::Multiclass => classes > 0,
            Task::Multilabel => classes > 0 && (self.separator.is_some() || self.classes == self.columns),
        };
        check(right, || format!("{classes} classes for {task} of {}", listed(&self.columns)))?;
        if let Some(class) = twice(&self.classes) {
            return Err(format!("the class {} comes twice", quoted(class)));
        }
        let parts = |class: &String| self.separator.is_some_and(|separator| class.contains(separator));
        let wrong = self.classes.iter().find(|class| class.trim().is_empty() || parts(class));
        check(wrong.is_none(), || format!("the class {} can be none of a cell", quoted(wrong.map_or("", |c| c))))?;
        let wanted = if task == Task::Regression { self.columns.len() } else { 0 };
        check(scales == wanted, || format!("{scales} scales of numeric targets, expected {wanted}"))?;
        // Predictions are finite: outputs have 32 bits, and no fitted deviation has a square that is not finite.
        let usable = |&(mean, deviation): &(f64, f64)| {
            let finite = mean.abs() < f64::MAX / 4.0 && (deviation * deviation).is_finite();
            finite && deviation.is_normal() && (deviation > 0.0 || may_turn)
        };
        let thresholds = self.thresholds.len();
        let fit = thresholds == 0 || (task != Task::Multiclass && thresholds == self.outputs() && classes > 0);
        check(fit, || format!("{thresholds} thresholds for {task} of {classes} classes"))?;
        let possible = self.thresholds.iter().all(|threshold| (0.0..=1.0).contains(threshold));
        check(possible, || "a threshold is no probability".into())?;
        let quantiles = &self.quantiles;
        let shares = quantiles.iter().all(|tau| *tau > 0.0 && *tau < 1.0) && quantiles.is_sorted_by(|a, b| a < b);
        let fit = quantiles.is_empty() || (task == Task::Regression && self.columns.len() == 1 && shares);
        check(fit, || format!("{} quantiles of {} targets for {task}", quantiles.len(), self.columns.len()))?;
        self.calibration.iter().try_for_each(|calibration| calibration.check(self.regions()))?;
        let formats = self.formats.len();
        check(formats == 0 || formats == wanted, || format!("{formats} formats of {wanted} numeric targets"))?;
        let (limits, held) =
            (self.limits.len(), |(low, high): &(f64, f64)| low <= high && low.abs().max(high.abs()).is_finite());
        check(limits == 0 || limits == wanted, || format!("{limits} limits of {wanted} numeric targets"))?;
        check(self.limits.iter().all(held), || "a target's limits are no range".into())?;
        self.formats.iter().flatten().try_for_each(NumberFormat::check)?;
        check(self.scales.iter().all(usable), || {
            "a target is scaled by what is no finite mean and deviation > 0".into()
        })
    }
}

/// The first few names.
fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    if names.is_empty() { "nothing".into() } else { schema::shortened(&names, 8) }
}

impl Tokens {
    fn check(&self) -> Checked {
        let length = 1..=MOST_SLOTS;
        check(length.contains(&self.length), || format!("a text has {} tokens, expected {length:?}", self.length))?;
        let Tokenizer::Words(vocabulary) = &self.tokenizer else { return Ok(()) };
        check(twice(vocabulary.pieces()).is_none(), || "one of its words comes twice".into())
    }
}
