//! Examples that are images, as pictures to look at.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::PngEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, ImageEncoder, Rgb, RgbImage};

use crate::data::dataset::Dataset;
use crate::error::{Error, Kind, Result};
use crate::random;
use crate::tensor::Shape;
use crate::train::Augmentation;

/// Examples that a preview shows, one below the other.
const EXAMPLES: usize = 8;

/// Epochs that it shows of each.
const EPOCHS: u32 = 9;

/// Pixels between pictures, and the side that smaller ones are brought to.
const GAP: u32 = 6;
const SIDE: u32 = 96;

/// An image of height × width (× channels) with the numbers from `low` to `high` stretched from black to white; none for
/// what is no image, or has neither one channel nor three.
fn picture(shape: &[usize], x: &[f32], [low, high]: [f32; 2]) -> Option<DynamicImage> {
    let stretch = 255.0 / (high - low).max(f32::MIN_POSITIVE);
    let pixels = x.iter().map(|x| ((x - low) * stretch).round() as u8).collect();
    match *shape {
        [height, width] | [height, width, 1] => {
            GrayImage::from_raw(width as u32, height as u32, pixels).map(DynamicImage::from)
        }
        [height, width, 3] => RgbImage::from_raw(width as u32, height as u32, pixels).map(DynamicImage::from),
        _ => None,
    }
}

fn range(x: &[f32]) -> [f32; 2] {
    x.iter().fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], &x| [low.min(x), high.max(x)])
}

/// An image as PNG in base64.
pub(super) fn png(shape: &[usize], x: &[f32]) -> Option<String> {
    let picture = picture(shape, x, range(x))?;
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new(&mut bytes);
    encoder.write_image(picture.as_bytes(), picture.width(), picture.height(), picture.color().into()).ok()?;
    Some(STANDARD.encode(bytes))
}

/// Draws training images and, beside each, what an augmentation makes of it in epoch after epoch.
pub(super) fn sheet(data: &Dataset, augmentation: &Augmentation, seed: u64, path: &Path) -> Result<()> {
    let (rows, shape) = (&data.parts.train, data.pipeline.shape());
    let image = Shape::try_from(shape.clone()).ok().and_then(Shape::image);
    let Some(whole) = image.filter(|[.., channels]| matches!(channels, 1 | 3)) else {
        let found = format!("examples of shape {shape:?}, and images of one or three channels can be shown");
        return Err(Error::config(found).fix("name a folder of pictures, or files of images"));
    };
    let factor = SIDE.div_ceil(whole[0].max(whole[1]) as u32).max(1);
    let [height, width] = [whole[0] as u32 * factor, whole[1] as u32 * factor];
    let lines = EXAMPLES.min(rows.rows) as u32;
    let size = |n: u32, side: u32| n * (side + GAP) + GAP;
    let ground = Rgb([255, 255, 255]);
    let mut sheet = RgbImage::from_pixel(size(EPOCHS + 1, width) + GAP, size(lines, height), ground);
    for line in 0..lines {
        // Examples from all over the training rows.
        let example = (line as usize * rows.rows / lines as usize) as u32;
        let original = &rows.x[example as usize * rows.columns..][..rows.columns];
        let range = range(original);
        for epoch in 0..=EPOCHS {
            let mut image = original.to_vec();
            if epoch > 0 {
                augmentation.apply(whole, random::augment(seed, epoch), example, &mut image);
            }
            let Some(picture) = picture(&shape, &image, range) else { continue };
            let picture = imageops::resize(&picture.into_rgb8(), width, height, FilterType::Nearest);
            let left = GAP + epoch * (width + GAP) + if epoch > 0 { GAP } else { 0 };
            imageops::replace(&mut sheet, &picture, i64::from(left), i64::from(GAP + line * (height + GAP)));
        }
    }
    let name = path.display().to_string();
    sheet.save(path).map_err(|error| {
        let found = match error {
            image::ImageError::IoError(error) => Error::io(Kind::Config, &name, "write the picture", &error),
            error => Error::config(error.to_string()).at(name),
        };
        found.fix("name a file that can be written and ends in .png")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_can_be_read_back() {
        let bytes = STANDARD.decode(png(&[2, 2], &[-1.0, 0.0, 1.0, 1.0]).unwrap()).unwrap();
        let picture = image::load_from_memory(&bytes).unwrap().into_luma8();
        assert_eq!((picture.dimensions(), picture.into_raw()), ((2, 2), vec![0, 128, 255, 255]));
        assert!(png(&[2, 2, 3], &[0.0; 12]).is_some(), "one grey is a picture too");
        assert_eq!(png(&[4], &[0.0; 4]), None);
    }
}
