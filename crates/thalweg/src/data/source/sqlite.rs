//! SQLite databases: the rows of a query, or of the only table.
//!
//! The query runs on a thread of its own, some rows ahead of what is read, so that memory does not grow with them.

use std::borrow::Cow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, InterruptHandle, OpenFlags, Row, Statement};

use super::reader::{self, Batches, number};
use super::{names, unreadable};
use crate::config;
use crate::data::column::Declared;
use crate::data::table::Table;
use crate::error::{Advice, Error, Result};
use crate::event::Decision;

/// Rows that are handed over at a time.
const AT_ONCE: usize = 1 << 13;
/// Batches of them that wait to be read.
const AHEAD: usize = 2;

/// Opens a database, which is only read, and begins the query.
///
/// # Errors
/// If it is damaged, if the query is not one, or if there is none and the database has not one
/// table alone.
pub(super) fn open(source: &str, options: &config::Data) -> Result<Box<dyn Batches>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(source, flags).map_err(|error| damaged(source, &error))?;
    let (query, decisions) = match &options.query {
        Some(query) => (query.clone(), Vec::new()),
        None => only_table(source, &connection)?,
    };
    let interrupt = connection.get_interrupt_handle();
    let (sender, batches) = sync_channel(AHEAD);
    let (named, options) = (source.to_string(), options.clone());
    let reading = move || {
        let told = Query { source: &named, options: &options, sender: &sender }.run(&connection, &query);
        // A reader that is gone needs no more rows.
        let _ = sender.send(told.map(|()| Sent::End));
    };
    thread::Builder::new().name("sqlite".into()).spawn(reading).map_err(|error| unreadable(source, &error))?;
    let Sent::Rows(empty) = next(source, &batches)? else {
        return Err(Error::internal("a query's columns come first"));
    };
    Ok(Box::new(QueryRows {
        source: source.into(),
        names: empty.names,
        decisions,
        batches,
        rest: None,
        ended: false,
        interrupt,
    }))
}

fn damaged(source: &str, error: &rusqlite::Error) -> Error {
    Error::data(format!("the SQLite database cannot be read: {error}"))
        .at(source)
        .fix("copy it again while no program writes to it, or check it with sqlite3's .recover")
}

/// The query for the only table, and that it is read.
fn only_table(source: &str, connection: &Connection) -> Result<(String, Vec<Decision>)> {
    let tables = tables(connection).map_err(|error| damaged(source, &error))?;
    let query = |table: &str| format!("SELECT * FROM {}", identifier(table));
    match &tables[..] {
        [] => Err(Error::data("the SQLite database has no tables").at(source).fix("name a database with data")),
        [table] => {
            let what = format!("the table {table:?} is read");
            let why = "the database has no other".into();
            Ok((query(table), vec![Decision { what, why, instead: "[query=SELECT …]".into() }]))
        }
        [first, ..] => {
            let listed = tables.iter().take(10).map(|table| format!("{table:?}")).collect::<Vec<_>>().join(", ");
            let more = if tables.len() > 10 { ", …" } else { "" };
            Err(Error::data(format!("the SQLite database has {} tables: {listed}{more}", tables.len()))
                .at(source)
                .fix(Advice::words("choose rows with ").and(Advice::option("query", &query(first)))))
        }
    }
}

/// The names of tables and views.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let own =
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    connection.prepare(own)?.query_map([], |row| row.get(0))?.collect()
}

/// A name as SQL quotes it, where it must.
fn identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain { name.into() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// What the query's thread sends: first an empty table of its columns, then rows, and its end.
enum Sent {
    Rows(Table),
    End,
}

/// A query that runs.
struct Query<'a> {
    source: &'a str,
    options: &'a config::Data,
    sender: &'a SyncSender<Result<Sent>>,
}

impl Query<'_> {
    fn run(&self, connection: &Connection, query: &str) -> Result<()> {
        let mut statement = connection.prepare(query).map_err(|error| self.wrong(connection, &error))?;
        if !statement.readonly() || statement.column_count() == 0 {
            return Err(Error::config("this gives no rows, or would change the database")
                .at("--query")
                .fix("give a single SELECT statement"));
        }
        let empty = self.columns(&statement)?;
        let mut batch = empty.clone();
        if self.sender.send(Ok(Sent::Rows(empty.clone()))).is_err() {
            return Ok(());
        }
        let mut rows = statement.query([]).map_err(|error| self.wrong(connection, &error))?;
        let mut row_number = 0;
        while let Some(row) = rows.next().map_err(|error| self.wrong(connection, &error))? {
            row_number += 1;
            self.push(row, row_number, &mut batch)?;
            if batch.rows() == AT_ONCE {
                let full = std::mem::replace(&mut batch, empty.clone());
                if self.sender.send(Ok(Sent::Rows(full))).is_err() {
                    return Ok(());
                }
            }
        }
        if batch.rows() > 0 {
            let _ = self.sender.send(Ok(Sent::Rows(batch)));
        }
        Ok(())
    }

    /// An empty table of its columns; cells say themselves what they are, for SQLite's columns hold any type.
    fn columns(&self, statement: &Statement) -> Result<Table> {
        let names = statement.column_names();
        let mut columns: Vec<_> = names.into_iter().map(|name| (name.to_string(), Declared::Nothing)).collect();
        names::rename(self.source, &mut columns, self.options)?;
        Ok(reader::typed(self.source, &columns, self.options))
    }

    fn push(&self, row: &Row, number_of_row: u64, batch: &mut Table) -> Result<()> {
        for (at, name) in batch.names.iter().enumerate() {
            let place = || format!("{}, row {number_of_row}, column {name:?}", self.source);
            let wrong = |what: &str| {
                let fix = Advice::words("leave the column out of the rows that ").and(Advice::of("query"));
                Error::data(what).at(place()).fix(fix.and(" chooses"))
            };
            let cell: Cow<str> = match row.get_ref(at).map_err(|error| damaged(self.source, &error))? {
                ValueRef::Null => "".into(),
                ValueRef::Integer(x) => x.to_string().into(),
                ValueRef::Real(x) => number(x).into(),
                ValueRef::Text(text) => {
                    std::str::from_utf8(text).map_err(|_| wrong("a text that is not UTF-8"))?.into()
                }
                ValueRef::Blob(_) => return Err(wrong("bytes (a blob), which are no value of a table")),
            };
            batch.columns[at].push(&cell);
        }
        batch.lines.push(number_of_row);
        Ok(())
    }

    /// A failure of the database or of the query.
    fn wrong(&self, connection: &Connection, error: &rusqlite::Error) -> Error {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        let code = error.sqlite_error_code();
        if self.options.query.is_none() || matches!(code, Some(DatabaseCorrupt | NotADatabase)) {
            return damaged(self.source, error);
        }
        let tables = tables(connection).unwrap_or_default().join(", ");
        Error::config(format!("SQLite says: {error}")).at("--query").fix(format!("the tables are {tables}"))
    }
}

/// The rows of a query, as its thread sends them.
struct QueryRows {
    source: String,
    names: Vec<String>,
    decisions: Vec<Decision>,
    batches: Receiver<Result<Sent>>,
    /// The rows of a batch that are left.
    rest: Option<Table>,
    ended: bool,
    interrupt: InterruptHandle,
}

/// What comes next; a thread that ended without a word was cut off.
fn next(source: &str, batches: &Receiver<Result<Sent>>) -> Result<Sent> {
    let cut_off = || Error::data("reading the SQLite database stopped").at(source).fix("copy it again, and try anew");
    batches.recv().map_err(|_| cut_off())?
}

impl Batches for QueryRows {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    fn next(&mut self, most: usize) -> Result<Option<Table>> {
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None if self.ended => return Ok(None),
            None => match next(&self.source, &self.batches)? {
                Sent::Rows(batch) => batch,
                Sent::End => {
                    self.ended = true;
                    return Ok(None);
                }
            },
        };
        if batch.rows() <= most {
            return Ok(Some(batch));
        }
        self.rest = Some(batch.select(&(most..batch.rows()).collect::<Vec<_>>()));
        Ok(Some(batch.select(&(0..most).collect::<Vec<_>>())))
    }
}

impl Drop for QueryRows {
    fn drop(&mut self) {
        // A query that sorts would go on for as long as it takes.
        self.interrupt.interrupt();
    }
}
