//! NumPy's NPY and NPZ files.

use std::io::Read;
use std::path::Path;

use npyz::{DType, NpyFile, TypeChar};

use super::{named, read_all};
use crate::data::arrays::Arrays;
use crate::error::{Error, Result};
use crate::spec;

/// `X.npy` with `y.npy` beside it, or one matrix whose last column is the answer. Examples of a known shape are to be
/// answered: what answers there are is then left out.
pub(super) fn open(path: &Path, known: Option<&[usize]>) -> Result<Arrays> {
    let place = path.display().to_string();
    let (shape, x) = numbers(&read_all(path)?[..], &place)?;
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
            let (_, y) = numbers(&read_all(labels)?[..], &labels.display().to_string())?;
            named::together(&place, &shape, x, "y", y.iter().map(f64::to_string))
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
            named::together(&place, &shape, x, "y", y.iter().map(f64::to_string))
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

/// An archive with an array of examples and, unless they are to be answered, one of answers.
pub(super) fn open_archive(path: &Path, options: &spec::Data, answered: bool) -> Result<Arrays> {
    let place = path.display().to_string();
    let wrong = |what: String| Error::data(what).at(place.clone()).fix("use an archive with arrays x and y");
    let mut archive = npyz::npz::NpzArchive::open(path).map_err(|error| wrong(error.to_string()))?;
    let names: Vec<String> = archive.array_names().map(String::from).collect();
    let mut array = |name: &str| {
        let file = archive.by_name(name).map_err(|error| wrong(error.to_string()))?;
        read(file.ok_or_else(|| wrong(format!("no array {name:?}")))?, &place)
    };
    if !answered {
        let (shape, x) = array(&named::examples(&place, &names, options)?)?;
        return named::alone(&place, &shape, x);
    }
    let [x, y] = named::pair(&place, &names, options)?;
    let ((shape, x), (_, y)) = (array(&x)?, array(&y)?);
    named::together(&place, &shape, x, "y", y.iter().map(f64::to_string))
}

fn numbers(bytes: &[u8], place: &str) -> Result<(Vec<usize>, Vec<f64>)> {
    let file =
        NpyFile::new(bytes).map_err(|error| Error::data(error.to_string()).at(place).fix("use a whole NPY file"))?;
    read(file, place)
}

/// The shape and the numbers of an array of any numeric type.
fn read<R: Read>(file: NpyFile<R>, place: &str) -> Result<(Vec<usize>, Vec<f64>)> {
    let shape: Vec<usize> = file.shape().iter().map(|&d| d as usize).collect();
    let wrong = |what: String| Error::data(what).at(place).fix("save the array as plain numbers, such as float32");
    let size = shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)).filter(|&n| n < 1 << 40);
    let size = size.ok_or_else(|| wrong(format!("the header says shape {shape:?}")))?;
    let by_columns = file.order() == npyz::Order::Fortran;
    let DType::Plain(kind) = file.dtype() else { return Err(wrong("the array is a structured one".into())) };
    macro_rules! read_as {
        ($type:ty) => {
            file.into_vec::<$type>().map(|x| x.into_iter().map(|x| x as f64).collect::<Vec<f64>>())
        };
    }
    let numbers = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Bool, 1) => file.into_vec::<bool>().map(|x| x.into_iter().map(f64::from).collect()),
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

/// The numbers of an array stored with its first axis fastest (Fortran's order), with its last axis fastest.
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
