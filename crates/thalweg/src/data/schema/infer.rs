//! Inferring the schema of a table.

use std::collections::{BTreeMap, HashSet};

use crate::config::{self, Config, Recipe, TextEncoding};
use crate::data::cell_format::CellFormat;
use crate::data::table::Table;
use crate::error::advice;
use crate::event::Decision;
use crate::{Error, Result, did_you_mean};

use super::column_stats::ColumnStats;
use super::reading;
use super::scales;
use super::task;
use super::{Column, ColumnKind, Role, Schema, quoted, shortened};

/// The maximum number of parts that commas split one column's name into.
const MOST_COMMAS: usize = 8;
/// The names that mark a target column, in order of preference.
const TARGET_NAMES: [&str; 4] = ["target", "label", "class", "y"];

impl Schema {
    /// Infers the kind and role of each column, and the task. The options override inference; every choice that could
    /// be made otherwise is among the decisions.
    ///
    /// Errors: no rows, a name in the options that is not a column, no usable feature, a target that fits no task or
    /// not the requested one.
    pub fn infer(table: &Table, config: &Config) -> Result<(Schema, Vec<Decision>)> {
        let cell_format = CellFormat::new(&config.data);
        let stats = ColumnStats::of_table(table, &cell_format);
        let Inference { schema, decisions, .. } = Self::infer_surveyed(table, &stats, cell_format, config)?;
        Ok((schema, decisions))
    }

    /// [`Schema::infer`] from existing statistics.
    pub(crate) fn infer_surveyed(
        table: &Table,
        stats: &[ColumnStats],
        cell_format: CellFormat,
        config: &Config,
    ) -> Result<Inference> {
        if table.rows() == 0 {
            return Err(Error::data("there are no rows under the header")
                .at(table.source.clone())
                .fix("add rows, one example a line"));
        }
        let (data, split) = (&with_whole_names(table, &config.data), &config.split);
        check_names(table, data, split)?;
        let mut decisions = Vec::new();
        let targets = choose_targets(table, data, &mut decisions);
        let chosen = task::decide(table, data, &targets, stats)?;
        decisions.extend(chosen.decision);

        let mut columns = Vec::with_capacity(table.names.len());
        let mut reasons = Reasons::default();
        for (position, (name, stats)) in table.names.iter().zip(stats).enumerate() {
            let ordered = data.order.contains_key(name).then_some(ColumnKind::Ordered);
            let given = ordered.or(data.kinds.get(name).copied());
            let kind = given.unwrap_or_else(|| stats.kind());
            let is = |column: &Option<String>| column.as_deref() == Some(name);
            let mut column = Column::new(name, kind, Role::Feature);
            if targets.contains(&position) {
                column.role = Role::Target;
                column.kind = chosen.kind;
            } else if is(&data.weight) {
                column.role = Role::Weight;
            } else if is(&split.group) {
                column.role = Role::Group;
            } else if is(&split.time) {
                column.role = Role::Time;
            } else if data.id.contains(name) {
                column.role = Role::Id;
            } else if data.ignore.contains(name) || (given == Some(ColumnKind::Text) && !reads_texts(config)) {
                column.role = Role::Ignored;
            } else if given.is_none() {
                infer_use(&mut column, stats, data.keep.contains(name), config, &mut reasons);
            }
            if ordered.is_some() && column.role != Role::Feature {
                let error = Error::config(format!("{name:?} is not an input, and so has no order")).at("--order");
                return Err(error.fix("leave it out of [order]"));
            }
            if column.role == Role::Feature {
                find_order(table, &mut column, stats, config, given.is_some(), &mut reasons)?;
            }
            let cells = reading::Cells { table, position, cell_format: table.cell_format(&cell_format), stats };
            cells.fix_format(&mut column, given.is_some(), data, &mut reasons.reading)?;
            columns.push(column);
        }
        ensure_a_feature(table, &mut columns, &mut reasons)?;
        let left_out = reasons.left_out.iter().map(|(name, why)| (name.clone(), why.told()[1])).collect();
        decisions.extend(reasons.decisions());
        decisions.extend(found_markers(stats, data));
        let (task, separator, classes) = (chosen.task, chosen.separator, data.classes.clone());
        Ok(Inference { schema: Schema { columns, task, cell_format, separator, classes }, decisions, left_out })
    }
}

/// A schema and how it came about.
pub(crate) struct Inference {
    pub(crate) schema: Schema,
    pub(crate) decisions: Vec<Decision>,
    /// The columns that are no inputs without the user's word, and why.
    pub(crate) left_out: BTreeMap<String, &'static str>,
}

/// Whether columns are taken as they were before the second edition, as the course recipe still does.
fn is_plain(config: &Config) -> bool {
    config.train.edition == 1 || config.train.recipe == Recipe::Course
}

/// Whether columns of free text are inputs.
fn reads_texts(config: &Config) -> bool {
    config.text_encoding() != TextEncoding::Off
}

/// Why a column is not an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LeftOut {
    Text,
    Prose,
    NamedId,
    Index,
    Constant,
    Empty,
}

impl LeftOut {
    const ALL: [LeftOut; 6] =
        [LeftOut::Text, LeftOut::Prose, LeftOut::NamedId, LeftOut::Index, LeftOut::Constant, LeftOut::Empty];

    /// What is done, why, and what decides otherwise.
    fn told(self) -> [&'static str; 3] {
        let (text, id) = ("left out as free text", "left out of the inputs, kept in predictions");
        match self {
            LeftOut::Text => [text, "nearly every value differs", "[keep=NAME], or [kinds=NAME=text] or numeric"],
            LeftOut::Prose => [text, "several words, hardly any twice", "[text=ngrams], or [keep=NAME]"],
            LeftOut::NamedId => [id, "named like an id", "[keep=NAME]"],
            LeftOut::Index => [id, "numbered like an index", "[keep=NAME]"],
            LeftOut::Constant => ["left out as constant", "one value in every row", "[keep=NAME]"],
            LeftOut::Empty => ["left out as empty", "every cell is missing", "[missing=MARKER]"],
        }
    }
}

/// Columns treated in a way worth reporting, by the reason.
#[derive(Default)]
struct Reasons {
    left_out: Vec<(String, LeftOut)>,
    /// Categories of a known scale, with their order.
    ordered: Vec<String>,
    /// Texts that are inputs.
    texts: Vec<String>,
    /// How cells are read.
    reading: reading::Reasons,
}

impl Reasons {
    fn decisions(self) -> impl Iterator<Item = Decision> {
        let left_out = LeftOut::ALL.into_iter().filter_map(move |reason| {
            let of_it = self.left_out.iter().filter(|(_, why)| *why == reason);
            let names: Vec<String> = of_it.map(|(name, _)| name.clone()).collect();
            let [what, why, instead] = reason.told();
            (!names.is_empty()).then(|| Decision {
                what: format!("{what}: {}", shortened(&names, 8)),
                why: why.into(),
                instead: instead.into(),
            })
        });
        let ordered = (!self.ordered.is_empty()).then(|| Decision {
            what: format!("categories in an order: {}", shortened(&self.ordered, 8)),
            why: "all are of a known scale".into(),
            instead: "[kinds=NAME=categorical], or [order=NAME=LOW<HIGH]".into(),
        });
        let texts = (!self.texts.is_empty()).then(|| Decision {
            what: format!("taken as free text: {}", shortened(&self.texts, 8)),
            why: "several words, hardly any twice".into(),
            instead: "[text=off], or [ignore=NAME]".into(),
        });
        left_out.chain(texts).chain(ordered).chain(self.reading.decisions())
    }
}

/// Whether a column without options is a feature, an id, or left out.
fn infer_use(column: &mut Column, stats: &ColumnStats, keep: bool, config: &Config, reasons: &mut Reasons) {
    let (plain, texts) = (is_plain(config), reads_texts(config));
    if texts && stats.prose && matches!(column.kind, ColumnKind::Text | ColumnKind::Categorical) {
        column.kind = ColumnKind::Text;
        reasons.texts.push(column.name.clone());
        return;
    }
    if keep {
        // Text that the user wants to keep is treated as categories.
        if column.kind == ColumnKind::Text {
            column.kind = ColumnKind::Categorical;
        }
        return;
    }
    let names = matches!(column.kind, ColumnKind::Numeric | ColumnKind::Text | ColumnKind::Categorical)
        && stats.integers + (stats.present() - stats.numbers) == stats.present();
    let why = if stats.present() == 0 {
        LeftOut::Empty
    } else if !plain && stats.distinct == 1 && stats.missing == 0 {
        LeftOut::Constant
    } else if is_an_unnamed_index(&column.name) && stats.integers == stats.present() {
        // It may restart where tables were concatenated.
        LeftOut::Index
    } else if names && is_named_like_an_id(&column.name) {
        if stats.distinct * 2 <= stats.present() {
            // The numbers of an id that repeats are names, not amounts.
            column.kind = ColumnKind::Categorical;
            return;
        }
        LeftOut::NamedId
    } else if !plain && names && stats.differs_in_every_row() && may_be_named_like_an_id(&column.name) {
        LeftOut::NamedId
    } else if stats.runs_like_an_index() {
        LeftOut::Index
    } else if column.kind == ColumnKind::Text {
        LeftOut::Text
    } else if !plain && column.kind == ColumnKind::Categorical && stats.prose {
        column.kind = ColumnKind::Text;
        LeftOut::Prose
    } else {
        return;
    };
    column.role = if matches!(why, LeftOut::NamedId | LeftOut::Index) { Role::Id } else { Role::Ignored };
    reasons.left_out.push((column.name.clone(), why));
}

/// Finds the order of a column's categories: as given, else of a known scale.
///
/// # Errors
/// If the column is to be ordered, and no order is known.
fn find_order(
    table: &Table,
    column: &mut Column,
    stats: &ColumnStats,
    config: &Config,
    given: bool,
    reasons: &mut Reasons,
) -> Result<()> {
    if let Some(order) = config.data.order.get(&column.name) {
        column.order = order.levels().to_vec();
        return match stats.frequent.iter().find(|(value, _)| !column.order.contains(value)) {
            Some((value, rows)) => Err(Error::data(format!("the order has no {value:?}, found in {rows} rows"))
                .at(format!("{}, column {:?}", table.source, column.name))
                .fix("put it where it belongs in [order], or name it among the [missing] values")),
            None => Ok(()),
        };
    }
    let may = !given && !is_plain(config) && column.kind == ColumnKind::Categorical;
    if !may && column.kind != ColumnKind::Ordered {
        return Ok(());
    }
    let values: Vec<&str> = stats.frequent.iter().map(|(value, _)| value.as_str()).collect();
    let whole = stats.frequent.len() == stats.distinct && (given || stats.numbers == 0);
    match scales::order_of(&values).filter(|_| whole) {
        Some(order) => {
            column.order = order.into_iter().map(String::from).collect();
            if !given {
                column.kind = ColumnKind::Ordered;
                reasons.ordered.push(format!("{} ({})", column.name, shortened_order(&column.order)));
            }
            Ok(())
        }
        None if given => Err(Error::data(format!(
            "the order of its {} values is not known, such as {}",
            stats.distinct,
            shortened(&values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>(), 5)
        ))
        .at(format!("{}, column {:?}", table.source, column.name))
        .fix(advice!("give it, the lowest first, with [order={}=LOW<MEDIUM<HIGH]", column.name))),
        None => Ok(()),
    }
}

/// An order's ends and what is next to them.
fn shortened_order(levels: &[String]) -> String {
    match levels {
        [first, second, .., last] if levels.len() > 6 => format!("{first} < {second} < … < {last}"),
        _ => levels.join(" < "),
    }
}

/// Ensures that at least one feature is left, if need be columns that merely count like an index or are constant.
fn ensure_a_feature(table: &Table, columns: &mut [Column], reasons: &mut Reasons) -> Result<()> {
    for reason in [LeftOut::Index, LeftOut::Constant] {
        if columns.iter().any(|column| column.role == Role::Feature) {
            return Ok(());
        }
        for (name, _) in reasons.left_out.extract_if(.., |(_, why)| *why == reason) {
            columns.iter_mut().filter(|column| column.name == name).for_each(|column| column.role = Role::Feature);
        }
    }
    if columns.iter().any(|column| column.role == Role::Feature) {
        return Ok(());
    }
    Err(Error::data(format!("no column is left as an input; the columns are {}", shortened(&quoted(&table.names), 20)))
        .at(table.source.clone())
        .fix("add a column of numbers or categories, or keep one that was left out with [keep=NAME]"))
}

/// The name that pandas gives to an unnamed index written with its table, possibly several times.
fn is_an_unnamed_index(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.strip_prefix("unnamed: 0").is_some_and(|rest| rest.chars().all(|c| c == '.' || c.is_ascii_digit()))
}

/// `id`, `customer_id`, `PassengerId`, `ID`, `index`.
fn is_named_like_an_id(name: &str) -> bool {
    let lower = name.to_lowercase();
    let usual = ["id", "index", "idx", "uuid", "guid", "rowid", "row_number"].contains(&lower.as_str());
    if usual || is_an_unnamed_index(name) {
        return true;
    }
    let Some(rest) = lower.strip_suffix("id").and_then(|rest| name.get(..rest.len())) else { return false };
    let end = &name[rest.len()..];
    rest.ends_with(['_', '-', ' ', '.']) || (end.starts_with('I') && rest.ends_with(|c: char| c.is_lowercase()))
}

/// Names that a column has which merely counts or identifies rows, and others: only if its values differ in every row.
fn may_be_named_like_an_id(name: &str) -> bool {
    let usual = [
        "pid",
        "uid",
        "oid",
        "rid",
        "sid",
        "order",
        "no",
        "nr",
        "number",
        "serial",
        "sno",
        "srno",
        "row",
        "rownum",
        "rownumber",
        "record",
        "obs",
        "observation",
        "seq",
        "sequence",
        "key",
        "hash",
    ];
    let plain: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    name == "#" || usual.contains(&plain.as_str())
}

/// The target columns' positions.
pub(crate) fn choose_targets(table: &Table, data: &config::Data, decisions: &mut Vec<Decision>) -> Vec<usize> {
    if !data.target.is_empty() {
        let mut positions: Vec<usize> = data.target.iter().filter_map(|name| table.position(name)).collect();
        positions.sort_unstable();
        positions.dedup();
        return positions;
    }
    let named = TARGET_NAMES.iter().find_map(|name| table.names.iter().position(|n| n.eq_ignore_ascii_case(name)));
    let position = named.unwrap_or(table.names.len() - 1);
    decisions.push(Decision {
        what: format!("target column: {}", table.names[position]),
        why: if named.is_some() { "its name".into() } else { "the last column".into() },
        instead: "[target=NAME]".into(),
    });
    vec![position]
}

/// The markers that were found and treated as missing.
fn found_markers(stats: &[ColumnStats], data: &config::Data) -> Option<Decision> {
    let mut counts: std::collections::BTreeMap<&str, usize> = Default::default();
    for (marker, count) in stats.iter().flat_map(|stats| &stats.markers) {
        *counts.entry(marker).or_default() += count;
    }
    let found: Vec<String> = counts.iter().map(|(marker, count)| format!("{marker:?} ({count} cells)")).collect();
    (!found.is_empty() && data.missing.is_empty()).then(|| Decision {
        what: format!("taken as missing: {}", found.join(", ")),
        why: "a usual marker".into(),
        instead: "[missing=MARKER]".into(),
    })
}

/// The options with names that contain commas rejoined, if only then there are such columns: the command line splits
/// names at commas.
pub(crate) fn with_whole_names(table: &Table, data: &config::Data) -> config::Data {
    let mut data = data.clone();
    let is_column = |name: &String| table.position(name).is_some();
    for names in [&mut data.target, &mut data.id, &mut data.ignore, &mut data.keep] {
        if names.iter().all(is_column) {
            continue;
        }
        let mut whole = Vec::with_capacity(names.len());
        let mut rest = &names[..];
        while !rest.is_empty() {
            let joined = |count: usize| {
                let parts = &rest[..count];
                [parts.join(","), parts.join(", ")].into_iter().find(|name| table.position(name).is_some())
            };
            let found = (1..=rest.len().min(MOST_COMMAS)).rev().find_map(|count| Some((joined(count)?, count)));
            let (name, count) = found.unwrap_or_else(|| (rest[0].clone(), 1));
            whole.push(name);
            rest = &rest[count..];
        }
        *names = whole;
    }
    data
}

/// Checks that every column named in an option exists.
pub(crate) fn check_names(table: &Table, data: &config::Data, split: &config::Split) -> Result<()> {
    let lists = [
        ("target", &data.target),
        ("id", &data.id),
        ("ignore", &data.ignore),
        ("keep", &data.keep),
        ("known", &data.known),
    ];
    let single = [
        ("weight", &data.weight),
        ("group", &split.group),
        ("time", &split.time),
        ("series", &data.series),
        ("sequence", &data.sequence),
    ];
    let listed = lists.into_iter().flat_map(|(option, names)| names.iter().map(move |name| (option, name)));
    let named = listed
        .chain(single.into_iter().filter_map(|(option, name)| name.as_ref().map(|name| (option, name))))
        .chain(data.kinds.keys().map(|name| ("kinds", name)))
        .chain(data.order.keys().map(|name| ("order", name)));
    // There may be very many of both.
    let columns: HashSet<&String> = table.names.iter().collect();
    for (option, name) in named {
        if !columns.contains(name) {
            let near = did_you_mean(name, table.names.iter().map(String::as_str));
            return Err(Error::config(format!("no column is called {name:?}{near}"))
                .at(format!("--{option}"))
                .fix(format!("name one of {}'s columns: {}", table.source, shortened(&quoted(&table.names), 20))));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
