//! IDX files, the format of MNIST: images with their labels in a separate file.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::reader;
use crate::data::arrays::Arrays;
use crate::data::column::Column;
use crate::data::memory;
use crate::error::{Error, Result};

/// An images file with the labels file next to it: the same name with `images` and `idx3` replaced by `labels` and
/// `idx1`. Images to be predicted need none.
pub(super) fn open(images: &Path, answered: bool) -> Result<Arrays> {
    let name = images.file_name().unwrap_or_default().to_string_lossy();
    if name.contains("labels") && name.contains("idx1") {
        return Err(Error::data("these are labels")
            .at(images.display().to_string())
            .fix(format!("name the images: {}", name.replace("labels", "images").replace("idx1", "idx3"))));
    }
    if !answered {
        return images_alone(images);
    }
    let labels = name.replace("images", "labels").replace("idx3", "idx1");
    let find = |name: &str| {
        let plain = name.trim_end_matches(".gz");
        [name.to_string(), plain.into(), format!("{plain}.gz")]
            .map(|name| images.with_file_name(name))
            .into_iter()
            .find(|path| path.is_file())
    };
    let labels = find(&labels).filter(|path| path != images).ok_or_else(|| {
        Error::data(format!("there is no labels file {labels:?} beside the images"))
            .at(images.display().to_string())
            .fix("put the labels file into the same folder")
    })?;
    read(images, &labels)
}

/// The training files of a folder.
pub(super) fn open_folder(folder: &Path, answered: bool) -> Result<Arrays> {
    part(folder, "train-images")
        .or_else(|| part(folder, "images"))
        .ok_or_else(|| {
            Error::data("the folder has no pictures, and no file of images (train-images… or images…)")
                .at(folder.display().to_string())
                .fix("name a data file, a folder with a subfolder of pictures (or sounds, or .txt files) for each class, or one of MNIST's four files")
        })
        .and_then(|path| open(&path, answered))
}

/// The test images of a folder, if it has them.
pub(crate) fn test_images(folder: &Path) -> Option<PathBuf> {
    part(folder, "t10k-images")
}

fn part(folder: &Path, start: &str) -> Option<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.into_iter().find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start)))
}

fn read(images: &Path, labels: &Path) -> Result<Arrays> {
    let (arrays, (shape, digits)) = (images_alone(images)?, bytes_of(labels)?);
    if shape != [arrays.rows()] {
        let message = format!("{} images with labels of shape {shape:?}", arrays.rows());
        return Err(Error::data(message).at(labels.display().to_string()).fix("name images and labels of one set"));
    }
    arrays.with_column("label", Column::of_numbers(digits.into_iter().map(f64::from)))
}

fn images_alone(images: &Path) -> Result<Arrays> {
    let (shape, pixels) = bytes_of(images)?;
    let x = pixels.into_iter().map(f32::from).collect();
    Arrays::new(&images.display().to_string(), shape.get(1..).unwrap_or_default(), x)
}

/// The dimensions and the bytes of an IDX file of unsigned bytes.
fn bytes_of(path: &Path) -> Result<(Vec<usize>, Vec<u8>)> {
    let place = path.display().to_string();
    let wrong = |what: String| Error::data(what).at(&*place).fix("use a whole IDX file of unsigned bytes");
    let mut input = reader(path)?;
    let mut read = |most: u64| {
        let mut bytes = Vec::new();
        let read = input.by_ref().take(most).read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(|error| super::unreadable(&place, &error))
    };
    let [0, 0, 8, rank] = read(4)?[..] else {
        return Err(wrong("this is not an IDX file of unsigned bytes".into()));
    };
    let sizes = read(4 * u64::from(rank))?;
    if sizes.len() != 4 * usize::from(rank) {
        return Err(wrong("the header is cut off".into()));
    }
    let shape: Vec<usize> = sizes.as_chunks().0.iter().map(|size| u32::from_be_bytes(*size) as usize).collect();
    let size = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n < 1 << 40);
    let size = size.ok_or_else(|| wrong(format!("the header says shape {shape:?}")))?;
    memory::check_room(&place, size)?;
    // One byte more than the header says, to detect excess data.
    let bytes = read(size as u64 + 1)?;
    match bytes.len() {
        found if found == size => Ok((shape, bytes)),
        found => {
            let found = if found > size { "more".into() } else { found.to_string() };
            Err(wrong(format!("the header says shape {shape:?}, the file has {found} bytes after it")))
        }
    }
}
