//! NumPy's NPY and NPZ files.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use npyz::{DType, NpyFile, TypeChar};

use super::{named, reader, zip};
use crate::config;
use crate::data::arrays::Arrays;
use crate::data::column::Column;
use crate::data::memory;
use crate::error::{Error, Result};

/// Maximum ratio of an array's unpacked to its packed size, and the size that is always allowed: beyond, it holds next
/// to nothing.
const PACKED: u64 = 500;
const FREELY: u64 = 64 << 20;

/// `X.npy` with `y.npy` next to it, or one matrix whose last column is the target. Examples of a known shape are to be
/// predicted: targets, if any, are then ignored.
pub(super) fn open(path: &Path, known: Option<&[usize]>) -> Result<Arrays> {
    let place = path.display().to_string();
    let numbers = |path: &Path| {
        let place = path.display().to_string();
        read(header(reader(path)?, &place)?, &place)
    };
    let (shape, x) = numbers(path)?;
    if let Some(known) = known {
        return match (known, &shape[..]) {
            ([known], [_, columns]) if *columns == known + 1 => {
                let (shape, x, _) = last_column_apart(&shape, &x);
                named::alone(&place, &shape, x)
            }
            _ => named::alone(&place, &shape, x),
        };
    }
    let beside = ["y.npy", "labels.npy", "target.npy"].map(|name| path.with_file_name(name));
    match beside.iter().find(|beside| beside.is_file() && *beside != path) {
        Some(labels) => {
            let (_, y) = numbers(labels)?;
            named::together(&place, &shape, x, "y", Column::of_numbers(y))
        }
        None => {
            let [_, columns] = shape[..] else {
                return Err(Error::data(format!("an array of shape {shape:?} without answers"))
                    .at(place)
                    .fix("put the answers into y.npy beside it, or into the last column of a matrix"));
            };
            if columns < 2 {
                return Err(Error::data("a matrix of one column has no answers")
                    .at(place)
                    .fix("put the answers into y.npy beside it"));
            }
            let (shape, x, y) = last_column_apart(&shape, &x);
            named::together(&place, &shape, x, "y", Column::of_numbers(y))
        }
    }
}

/// A matrix of more than one column without its last, its shape first, and that column.
fn last_column_apart(shape: &[usize], x: &[f64]) -> ([usize; 2], Vec<f64>, Vec<f64>) {
    let columns = shape[1];
    let last = x.iter().skip(columns - 1).step_by(columns).copied().collect();
    let others = x.chunks_exact(columns).flat_map(|row| &row[..columns - 1]).copied().collect();
    ([shape[0], columns - 1], others, last)
}

/// An archive with an array of examples and, unless they are to be predicted, one of targets.
pub(super) fn open_archive(path: &Path, options: &config::Data, answered: bool) -> Result<Arrays> {
    let place = path.display().to_string();
    let mut archive = zip::open(&place, File::open(path).map_err(|error| super::unreadable(&place, &error))?)?;
    let members = zip::members(&archive);
    let names: Vec<String> = members.iter().filter_map(|name| name.strip_suffix(".npy")).map(String::from).collect();
    if !answered {
        let x = named::examples(&place, &names, options)?;
        let (shape, x) = read(array(&mut archive, &x, &place)?, &place)?;
        return named::alone(&place, &shape, x);
    }
    let [x, y] = named::pair(&place, &names, options)?;
    // Mismatches are reported before anything is unpacked.
    let mut shape = |name: &str| array(&mut archive, name, &place).map(|file| file.shape().to_vec());
    let shapes = (shape(&x)?, shape(&y)?);
    if shapes.0.first() != shapes.1.first() {
        return Err(Error::data(format!("arrays of shapes {:?} and {:?}", shapes.0, shapes.1))
            .at(place)
            .fix("give each example one answer"));
    }
    let (_, y) = read(array(&mut archive, &y, &place)?, &place)?;
    let (shape, x) = read(array(&mut archive, &x, &place)?, &place)?;
    named::together(&place, &shape, x, "y", Column::of_numbers(y))
}

/// An array in an archive, with its header read.
fn array<'a>(archive: &'a mut ::zip::ZipArchive<File>, name: &str, place: &str) -> Result<NpyFile<impl Read + 'a>> {
    let place = format!("{place}, array {name:?}");
    let file = archive.by_name(&format!("{name}.npy")).map_err(|error| {
        let fix = "save it with numpy.savez, or copy it again from where it came from";
        Error::data(error.to_string()).at(&*place).fix(fix)
    })?;
    let (size, packed) = (file.size(), file.compressed_size());
    if size > packed.saturating_mul(PACKED).max(FREELY) {
        return Err(Error::data(format!(
            "it unpacks to {size} bytes, {} times as many as there are",
            size / packed.max(1)
        ))
        .at(place)
        .fix("save it unpacked (numpy.savez), if there is anything in it to learn from"));
    }
    header(file.take(size), &place)
}

fn header<R: Read>(bytes: R, place: &str) -> Result<NpyFile<BufReader<R>>> {
    // Values are read one by one.
    NpyFile::new(BufReader::new(bytes))
        .map_err(|error| Error::data(error.to_string()).at(place).fix("use a whole NPY file"))
}

/// The shape and the values of an array of any numeric type.
fn read<R: Read>(file: NpyFile<R>, place: &str) -> Result<(Vec<usize>, Vec<f64>)> {
    let shape: Vec<usize> = file.shape().iter().map(|&d| d as usize).collect();
    let wrong = |what: String| Error::data(what).at(place).fix("save the array as plain numbers, such as float32");
    let size = shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)).filter(|&n| n < 1 << 40);
    let size = size.ok_or_else(|| wrong(format!("the header says shape {shape:?}")))?;
    memory::check_room(place, size)?;
    let by_columns = file.order() == npyz::Order::Fortran;
    let DType::Plain(kind) = file.dtype() else { return Err(wrong("the array is a structured one".into())) };
    macro_rules! read_as {
        ($type:ty) => {
            collect(file.data::<$type>(), size, |x| x as f64)
        };
    }
    let numbers = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Bool, 1) => collect(file.data::<bool>(), size, f64::from),
        (TypeChar::Float, 4) => read_as!(f32),
        (TypeChar::Float, 8) => read_as!(f64),
        (TypeChar::Int, 1) => read_as!(i8),
        (TypeChar::Int, 2) => read_as!(i16),
        (TypeChar::Int, 4) => read_as!(i32),
        (TypeChar::Int, 8) => read_as!(i64),
        (TypeChar::Uint, 1) => read_as!(u8),
        (TypeChar::Uint, 2) => read_as!(u16),
        (TypeChar::Uint, 4) => read_as!(u32),
        (TypeChar::Uint, 8) => read_as!(u64),
        _ => return Err(wrong(format!("the array has the type {kind}"))),
    };
    let numbers = numbers.map_err(|error| wrong(error.to_string()))?;
    if numbers.len() != size {
        return Err(wrong(format!("the header says shape {shape:?}, the file has {} numbers", numbers.len())));
    }
    Ok(if by_columns { (shape.clone(), by_rows(&shape, &numbers)) } else { (shape, numbers) })
}

/// All values of an array, in stored order.
fn collect<T>(
    numbers: std::result::Result<impl Iterator<Item = std::io::Result<T>>, npyz::DTypeError>,
    size: usize,
    number: impl Fn(T) -> f64,
) -> std::io::Result<Vec<f64>> {
    let mut all = Vec::with_capacity(size);
    for x in numbers.map_err(std::io::Error::other)? {
        all.push(number(x?));
    }
    Ok(all)
}

/// The values of a Fortran-order array in C order.
fn by_rows(shape: &[usize], numbers: &[f64]) -> Vec<f64> {
    let mut at = vec![0; shape.len()];
    let mut rows = Vec::with_capacity(numbers.len());
    for _ in 0..numbers.len() {
        let position = at.iter().zip(shape).rev().fold(0, |position, (i, size)| position * size + i);
        rows.push(numbers[position]);
        for (i, size) in at.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < *size {
                break;
            }
            *i = 0;
        }
    }
    rows
}
