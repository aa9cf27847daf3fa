//! HDF5 files with an array of examples, one of targets and, optionally, the names of the classes.

use std::path::Path;

use hdf5_reader::{Dataset, Datatype, Hdf5File, OpenOptions};

use super::named;
use crate::config;
use crate::data::arrays::Arrays;
use crate::data::column::Column;
use crate::error::{Error, Result};

/// Possible names of the array of class names.
const CLASSES: [&str; 3] = ["list_classes", "classes", "class_names"];

/// The examples of a file, with their targets unless they are to be predicted.
pub(super) fn open(path: &Path, options: &config::Data, answered: bool) -> Result<Arrays> {
    let place = path.display().to_string();
    let wrong = |error: hdf5_reader::error::Error| {
        Error::data(error.to_string()).at(place.clone()).fix("use a whole HDF5 file, whose arrays hold plain numbers")
    };
    // An array may be compressed: its unpacked size must be plausible for the size of the file.
    let most = std::fs::metadata(path).map_or(0, |file| file.len()).saturating_mul(100).max(64 << 20);
    let limits = OpenOptions::default().with_max_read_bytes(usize::try_from(most).unwrap_or(usize::MAX));
    let file = Hdf5File::open_with_options(path, limits).map_err(wrong)?;
    let datasets = file.root_group().and_then(|root| root.datasets()).map_err(wrong)?;
    let names: Vec<String> = datasets.iter().map(|dataset| dataset.name().into()).collect();
    let array = |name: &str| {
        let dataset = datasets.iter().find(|dataset| dataset.name() == name).expect("a name of theirs");
        numbers(dataset).map_err(wrong)
    };
    if !answered {
        let (shape, x) = array(&named::examples(&place, &names, options)?)?;
        return named::alone(&place, &shape, x);
    }
    let [x, y] = named::pair(&place, &names, options)?;
    let (x, y) = (array(&x)?, array(&y)?);
    let classes = datasets.iter().find(|dataset| CLASSES.contains(&dataset.name()));
    let classes = classes.and_then(|dataset| dataset.read_strings().ok()).unwrap_or_default();
    let answer = |y: &f64| {
        let class = (y.fract() == 0.0 && *y >= 0.0).then(|| classes.get(*y as usize)).flatten();
        class.map_or_else(|| y.to_string(), |class| class.trim_end_matches('\0').into())
    };
    if x.0.is_empty() || y.0.len() != 1 {
        return Err(Error::data(format!("found arrays of shapes {:?} and {:?}", x.0, y.0))
            .at(place)
            .fix("give one array with an example along its first axis, and one with an answer each"));
    }
    let name = options.target.first().map_or("y", String::as_str);
    let answers = if classes.is_empty() { Column::of_numbers(y.1) } else { Column::of_texts(y.1.iter().map(answer)) };
    named::together(&place, &x.0, x.1, name, answers)
}

/// The shape and the values of an array of any numeric type.
fn numbers(dataset: &Dataset) -> std::result::Result<(Vec<usize>, Vec<f64>), hdf5_reader::error::Error> {
    let shape = dataset.shape().iter().map(|&size| size as usize).collect();
    macro_rules! read_as {
        ($type:ty) => {
            dataset.read_array::<$type>()?.iter().map(|&x| x as f64).collect()
        };
    }
    let numbers = match *dataset.dtype() {
        Datatype::FixedPoint { size: 1, signed: false, .. } => read_as!(u8),
        Datatype::FixedPoint { size: 2, signed: false, .. } => read_as!(u16),
        Datatype::FixedPoint { size: 4, signed: false, .. } => read_as!(u32),
        Datatype::FixedPoint { signed: false, .. } => read_as!(u64),
        Datatype::FixedPoint { size: 1, .. } => read_as!(i8),
        Datatype::FixedPoint { size: 2, .. } => read_as!(i16),
        Datatype::FixedPoint { size: 4, .. } => read_as!(i32),
        Datatype::FixedPoint { .. } => read_as!(i64),
        Datatype::FloatingPoint { size: 4, .. } => read_as!(f32),
        _ => read_as!(f64),
    };
    Ok((shape, numbers))
}
