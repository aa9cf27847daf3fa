//! Columns of Arrow arrays as columns of cells; Parquet files are decoded to such arrays too.

use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema, TimeUnit};
use jiff::SignedDuration;
use jiff::civil::{DateTime, Time, date};
use thalweg_kernels::pool;

use super::names;
use super::reader::{self, Batches};
use crate::config;
use crate::data::column::{Column, Declared};
use crate::data::table::Table;
use crate::error::{Error, Result};
use crate::event::Decision;

/// Integers beyond this are not exact in f64.
const EXACT: u64 = 1 << 53;

/// Record batches from any source.
pub(super) type RecordBatches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// The columns of a schema that hold plain values, and an empty table of them.
pub(super) struct Columns {
    pub(super) kept: Vec<usize>,
    empty: Table,
    decisions: Vec<Decision>,
}

impl Columns {
    /// # Errors
    /// If there are none, or two have the same name.
    pub(super) fn of(source: &str, schema: &Schema, options: &config::Data) -> Result<Columns> {
        let (mut kept, mut columns, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for (at, field) in schema.fields().iter().enumerate() {
            match declared(field.data_type()) {
                Some(declared) => {
                    kept.push(at);
                    columns.push((field.name().clone(), declared));
                }
                None => others.push(field.name().clone()),
            }
        }
        if kept.is_empty() {
            return Err(Error::data("no column holds plain values")
                .at(source)
                .fix("write columns of numbers or texts"));
        }
        names::rename(source, &mut columns, options)?;
        let empty = reader::typed(source, &columns, options);
        let decisions = reader::left_out(&others, "they hold lists, structures or bytes").into_iter().collect();
        Ok(Columns { kept, empty, decisions })
    }

    /// The same for batches that only have these columns.
    pub(super) fn projected(self) -> Columns {
        Columns { kept: (0..self.kept.len()).collect(), ..self }
    }

    /// Reads batches that have these columns.
    pub(super) fn read(self, batches: RecordBatches, bytes: Option<u64>) -> Box<dyn Batches> {
        Box::new(ArrowRows { columns: self, batches, pending: None, row: 0, bytes })
    }
}

/// The declared kind of cells of a type; none if its values are not cells.
fn declared(kind: &DataType) -> Option<Declared> {
    use DataType::*;
    match kind {
        Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 | Float16 | Float32 | Float64 | Duration(_) => {
            Some(Declared::Numbers)
        }
        Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..) => Some(Declared::Numbers),
        Utf8 | LargeUtf8 | Utf8View => Some(Declared::Texts),
        Null | Boolean | Date32 | Date64 | Time32(_) | Time64(_) | Timestamp(..) => Some(Declared::Nothing),
        Dictionary(_, values) => declared(values),
        _ => None,
    }
}

/// Rows from record batches.
struct ArrowRows {
    columns: Columns,
    batches: RecordBatches,
    /// The unread rest of a batch.
    pending: Option<RecordBatch>,
    row: u64,
    bytes: Option<u64>,
}

impl Batches for ArrowRows {
    fn names(&self) -> &[String] {
        &self.columns.empty.names
    }

    fn decisions(&self) -> &[Decision] {
        &self.columns.decisions
    }

    fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    fn next(&mut self, most: usize) -> Result<Option<Table>> {
        let batch = loop {
            match self.pending.take().map_or_else(|| self.batches.next(), |batch| Some(Ok(batch))) {
                None => return Ok(None),
                Some(batch) => match batch? {
                    batch if batch.num_rows() > 0 => break batch,
                    _ => {}
                },
            }
        };
        let rows = batch.num_rows().min(most);
        if rows < batch.num_rows() {
            self.pending = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        let Columns { kept, empty, .. } = &self.columns;
        let read =
            pool::map(kept.len(), |i| cells(&*batch.column(kept[i]).slice(0, rows), empty.columns[i].declaration()));
        let mut table = Table { columns: Vec::with_capacity(kept.len()), ..empty.clone() };
        for (name, column) in empty.names.iter().zip(read) {
            table.columns.push(column.map_err(|(row, what)| {
                let place = format!("{}, row {}, column {name:?}", empty.source, self.row + row as u64 + 1);
                Error::data(what).at(place).fix("correct the value, or leave it missing")
            })?);
        }
        table.lines = (self.row + 1..).take(rows).collect();
        self.row += rows as u64;
        Ok(Some(table))
    }
}

/// A value that cannot be read, and its row.
type Wrong = (usize, String);

/// The cells of an array.
fn cells(array: &dyn Array, declared: Declared) -> Result<Column, Wrong> {
    let mut cells = Cells { array, column: Column::declared(declared), large: false };
    macro_rules! numbers {
        ($type:ty, $number:expr) => {{
            let values = array.as_primitive::<$type>().iter();
            Ok(Column::of_numbers(values.map(|value| value.map_or(f64::NAN, $number))))
        }};
    }
    macro_rules! whole {
        ($type:ty) => {{
            let values = array.as_primitive::<$type>();
            #[allow(clippy::unnecessary_cast)]
            let large = values.iter().flatten().any(|x| (x as i128).unsigned_abs() > EXACT.into());
            if large {
                cells.large = true;
                cells.each(|row| Ok(values.value(row).to_string()))
            } else {
                numbers!($type, |x| x as f64)
            }
        }};
    }
    macro_rules! decimals {
        ($type:ty) => {{
            let values = array.as_primitive::<$type>();
            cells.each(|row| Ok(values.value_as_string(row)))
        }};
    }
    macro_rules! times {
        ($type:ty, $cell:expr) => {{
            let values = array.as_primitive::<$type>();
            cells.each(|row| $cell(values.value(row).into()))
        }};
    }
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    match array.data_type() {
        DataType::Null => cells.each(|_| Ok(String::new())),
        DataType::Boolean => {
            let values = array.as_boolean();
            cells.each(|row| Ok(values.value(row).to_string()))
        }
        DataType::Int8 => whole!(Int8Type),
        DataType::Int16 => whole!(Int16Type),
        DataType::Int32 => whole!(Int32Type),
        DataType::Int64 => whole!(Int64Type),
        DataType::UInt8 => whole!(UInt8Type),
        DataType::UInt16 => whole!(UInt16Type),
        DataType::UInt32 => whole!(UInt32Type),
        DataType::UInt64 => whole!(UInt64Type),
        DataType::Float16 => numbers!(Float16Type, |x: half::f16| decimal(x.to_f32())),
        DataType::Float32 => numbers!(Float32Type, decimal),
        DataType::Float64 => numbers!(Float64Type, |x| x),
        DataType::Decimal32(..) => decimals!(Decimal32Type),
        DataType::Decimal64(..) => decimals!(Decimal64Type),
        DataType::Decimal128(..) => decimals!(Decimal128Type),
        DataType::Decimal256(..) => decimals!(Decimal256Type),
        DataType::Utf8 => {
            let values = array.as_string::<i32>();
            cells.each(|row| Ok(values.value(row).into()))
        }
        DataType::LargeUtf8 => {
            let values = array.as_string::<i64>();
            cells.each(|row| Ok(values.value(row).into()))
        }
        DataType::Utf8View => {
            let values = array.as_string_view();
            cells.each(|row| Ok(values.value(row).into()))
        }
        DataType::Duration(Second) => numbers!(DurationSecondType, |x| x as f64),
        DataType::Duration(Millisecond) => numbers!(DurationMillisecondType, |x| x as f64 / 1e3),
        DataType::Duration(Microsecond) => numbers!(DurationMicrosecondType, |x| x as f64 / 1e6),
        DataType::Duration(Nanosecond) => numbers!(DurationNanosecondType, |x| x as f64 / 1e9),
        DataType::Date32 => times!(Date32Type, |x: i64| moment(x, 1, 86_400).map(|time| time.date().to_string())),
        DataType::Date64 => times!(Date64Type, |x| moment(x, 1000, 1).map(written)),
        DataType::Timestamp(unit, zone) => {
            let zoned = zone.is_some();
            let cell = |per: i64| move |x: i64| moment(x, per, 1).map(|time| instant(time, zoned));
            match unit {
                Second => times!(TimestampSecondType, cell(1)),
                Millisecond => times!(TimestampMillisecondType, cell(1000)),
                Microsecond => times!(TimestampMicrosecondType, cell(1_000_000)),
                Nanosecond => times!(TimestampNanosecondType, cell(1_000_000_000)),
            }
        }
        DataType::Time32(Second) => times!(Time32SecondType, |x| clock(x, 1)),
        DataType::Time32(_) => times!(Time32MillisecondType, |x| clock(x, 1000)),
        DataType::Time64(Microsecond) => times!(Time64MicrosecondType, |x| clock(x, 1_000_000)),
        DataType::Time64(_) => times!(Time64NanosecondType, |x| clock(x, 1_000_000_000)),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = self::cells(&**dictionary.values(), declared)?;
            if values.is_empty() {
                return cells.each(|_| Ok(String::new()));
            }
            cells.large = values.declaration() != declared;
            let keys = dictionary.normalized_keys();
            if let Column::Numbers(numbers) = &values {
                let nulls = array.logical_nulls();
                let is_null = |row: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
                let number = |row: usize| if is_null(row) { f64::NAN } else { numbers[keys[row]] };
                return Ok(Column::of_numbers((0..keys.len()).map(number)));
            }
            cells.each(|row| Ok(values.get(keys[row]).into()))
        }
        other => Err((0, format!("a column of {other}"))),
    }
}

/// A column under construction.
struct Cells<'a> {
    array: &'a dyn Array,
    column: Column,
    /// Whether there are integers that are not exact in f64.
    large: bool,
}

impl Cells<'_> {
    /// The cells of all rows; those of rows without a value are empty.
    fn each(mut self, cell: impl Fn(usize) -> Result<String, String>) -> Result<Column, Wrong> {
        if self.large {
            self.column = Column::declared(Declared::Texts);
        }
        let nulls = self.array.logical_nulls();
        for row in 0..self.array.len() {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                self.column.push("");
            } else {
                self.column.push(&cell(row).map_err(|what| (row, what))?);
            }
        }
        Ok(self.column)
    }
}

/// The number that a single-precision one is written as: 0.1, as a text file has it, and not 0.10000000149.
fn decimal(x: f32) -> f64 {
    fast_float2::parse(zmij::Buffer::new().format(x)).unwrap_or(x.into())
}

/// The time this many parts of a second after the start of 1970, each part multiplied by `times`.
fn moment(parts: i64, per_second: i64, times: i64) -> Result<DateTime, String> {
    let since = |parts: i64| {
        let seconds = parts.div_euclid(per_second).checked_mul(times)?;
        let nanos = parts.rem_euclid(per_second) * (1_000_000_000 / per_second);
        let begin = date(1970, 1, 1).at(0, 0, 0, 0);
        begin.checked_add(SignedDuration::new(seconds, nanos as i32)).ok().filter(|time| time.year() >= 1)
    };
    since(parts).ok_or_else(|| "a time before the year 1 or after 9999".into())
}

/// A date with its time, unless that is midnight.
fn written(time: DateTime) -> String {
    if time.time() == Time::midnight() { time.date().to_string() } else { time.to_string() }
}

/// A time, civil or in UTC.
fn instant(time: DateTime, zoned: bool) -> String {
    let mut text = time.to_string();
    // On the last day of 9999 some zones are already in the next year.
    if zoned && time.year() < 9999 {
        let _ = text.write_char('Z');
    }
    text
}

/// A time of day.
fn clock(parts: i64, per_second: i64) -> Result<String, String> {
    let time = moment(parts, per_second, 1)?;
    if time.date() == date(1970, 1, 1) {
        Ok(time.time().to_string())
    } else {
        Err("a time of day beyond 24 hours".into())
    }
}
