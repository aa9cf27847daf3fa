//! Column names: from the header, from the options, or made up.

use std::collections::HashSet;

use super::head::Dialect;
use crate::config;
use crate::data::column::Declared;
use crate::error::{Error, Result};
use crate::event::Decision;

/// The decision for a file whose first line is like the others.
pub(super) const HEADERLESS: &str = "the first line is data";

/// The name of a column that has none.
pub(super) fn made_up(column: usize) -> String {
    format!("column_{}", column + 1)
}

/// The columns' names, given the cells of the first record and the line where it begins.
pub(super) fn of_columns(
    mut first: Vec<String>,
    (source, line): (&str, u64),
    head: &Dialect,
    options: &config::Data,
    decisions: &mut Vec<Decision>,
) -> Result<Vec<String>> {
    let before = first.len();
    while first.len() > head.filled && first.last().is_some_and(String::is_empty) {
        first.pop();
    }
    let empty = head.spare(before, first.len());
    if empty > 0 {
        decisions.push(Decision {
            what: format!("columns at the end that are left out: {empty}"),
            why: "they have no name and are empty".into(),
            instead: "[names=a,b,…]".into(),
        });
    }
    if head.row_names {
        first.insert(0, String::new());
    }
    let fields = first.len();
    let mut names = first;
    if !head.header {
        names = (0..fields).map(made_up).collect();
        if options.header.is_none() && options.names.is_empty() {
            decisions.push(Decision {
                what: format!("{HEADERLESS}; columns are called column_1 to column_{fields}"),
                why: "it looks like the lines below it".into(),
                instead: "[header=true], or [names=a,b,…]".into(),
            });
        }
    } else if options.names.is_empty() {
        if let Some(mark) = &head.mark {
            names[0] = names[0].trim_start_matches(mark.as_str()).trim().into();
        }
        name_the_nameless(&mut names, head, decisions);
        check(&names, source, line)?;
    } else if options.header.is_none() {
        decisions.push(Decision {
            what: format!("the first line is a header, and the names given replace {:?}", names.join(",")),
            why: "it does not look like the lines below it".into(),
            instead: "[header=false]".into(),
        });
    }
    if let Some(given) = given(options, fields)? {
        names.clone_from(given);
    }
    Ok(names)
}

/// The names in the options for this many columns, if given.
fn given(options: &config::Data, fields: usize) -> Result<Option<&Vec<String>>> {
    let names = &options.names;
    if !names.is_empty() && names.len() != fields {
        return Err(Error::config(format!("{} names for {fields} columns", names.len()))
            .at("--names")
            .fix("give one name a column"));
    }
    if let Some(name) = twice(names) {
        return Err(Error::config(format!("the column name {name:?} comes twice"))
            .at("--names")
            .fix("give each column a name of its own"));
    }
    Ok(Some(names).filter(|names| !names.is_empty()))
}

/// Renames columns of a format with named columns as the options say; each name must be unique.
pub(super) fn rename(source: &str, columns: &mut [(String, Declared)], options: &config::Data) -> Result<()> {
    if let Some(given) = given(options, columns.len())? {
        columns.iter_mut().zip(given).for_each(|((name, _), new)| name.clone_from(new));
    }
    match twice(columns.iter().map(|(name, _)| name)) {
        None => Ok(()),
        Some(name) => Err(Error::data(format!("the column name {name:?} comes twice"))
            .at(source)
            .fix("give each column a name of its own")),
    }
}

/// The first duplicate name.
pub(in super::super) fn twice<'a>(names: impl IntoIterator<Item = &'a String>) -> Option<&'a String> {
    let mut seen = HashSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

/// Names a first column without a name, and empty names, as pandas does.
fn name_the_nameless(names: &mut [String], head: &Dialect, decisions: &mut Vec<Decision>) {
    for i in 0..names.len() {
        let why = match () {
            () if !names[i].is_empty() || names.len() == 1 => continue,
            () if head.is_empty(i) => "it has no name and is empty",
            () if i == 0 => "the header has no name for it, as where pandas or R write the rows' numbers or names",
            () => continue,
        };
        let name = format!("Unnamed: {i}");
        let further = (1..).map(|n| format!("{name}.{n}"));
        let name =
            std::iter::once(name.clone()).chain(further).find(|name| !names.contains(name)).unwrap_or(name.clone());
        decisions.push(Decision {
            what: format!("column {} is called {name:?}", i + 1),
            why: why.into(),
            instead: "[names=a,b,…]".into(),
        });
        names[i] = name;
    }
}

/// Checks that each name is present and unique.
fn check(names: &[String], source: &str, line: u64) -> Result<()> {
    let mut seen = HashSet::new();
    for (i, name) in names.iter().enumerate() {
        let place = format!("{source}, line {line}, column {}", i + 1);
        if name.is_empty() {
            return Err(Error::data("the column has no name")
                .at(place)
                .fix("name it in the header, or add [header=false] if the first line is data"));
        }
        if !seen.insert(name) {
            return Err(Error::data(format!("the column name {name:?} comes twice"))
                .at(place)
                .fix("give each column a name of its own in the header"));
        }
    }
    Ok(())
}
