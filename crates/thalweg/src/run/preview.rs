//! Training examples next to their augmentations.

use std::path::Path;

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use thalweg_media::images;

use super::example_preview::{ExamplePreview, encoded, peak};
use crate::data::dataset::Dataset;
use crate::error::{Error, Result};
use crate::io::atomic;
use crate::random;
use crate::tensor::Shape;
use crate::train::Augmentation;

/// Examples in a preview, one per row.
const EXAMPLES: usize = 8;

/// Epochs shown of each.
const EPOCHS: u32 = 9;

/// Pixels between images, and the side that smaller ones are scaled up to.
const GAP: u32 = 6;
const SIDE: u32 = 96;

/// One example: its index among the training rows, and its values: the original, then each epoch's.
struct Line {
    example: u32,
    epochs: Vec<Vec<f32>>,
}

/// Writes training examples and, next to each, its augmentations epoch by epoch: as a PNG, or as a page that plays
/// sounds.
pub(super) fn write(data: &Dataset, augmentation: &Augmentation, seed: u64, path: &Path) -> Result<()> {
    let (rows, shape) = (&data.parts.train, data.pipeline.shape());
    let Some(look) = ExamplePreview::new(&data.pipeline) else {
        let found = format!("examples of shape {shape:?}, and images of one or three channels and sounds can be shown");
        return Err(Error::config(found).fix("name a folder of pictures or sounds, or files of images"));
    };
    let frame = Shape::try_from(data.pipeline.frame()).ok().and_then(Shape::image).unwrap_or([1, rows.columns, 1]);
    let count = EXAMPLES.min(rows.rows);
    // Examples spread over all training rows.
    let lines = (0..count).map(|i| (i * rows.rows / count) as u32).map(|example| {
        let original = &rows.x[example as usize * rows.columns..][..rows.columns];
        let epochs = (0..=EPOCHS).map(|epoch| {
            let mut x = original.to_vec();
            if epoch > 0 {
                augmentation.apply(&rows.x, frame, random::augment(seed, epoch), example, &mut x);
            }
            x
        });
        Line { example, epochs: epochs.collect() }
    });
    let lines: Vec<Line> = lines.collect();
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("html")) {
        let place = |line: &Line| rows.place(line.example as usize);
        return atomic::write(path, page(&look, &lines, place).as_bytes());
    }
    let bytes = images::encode(&sheet(&look, &lines), path).map_err(|error| {
        let error = Error::config(error).at(path.display().to_string());
        error.fix("name a file that ends in .png or .html")
    })?;
    atomic::write(path, &bytes)
}

/// A line's images, all scaled by the range of the first.
fn pictures<'a>(look: &'a ExamplePreview, line: &'a Line) -> impl Iterator<Item = image::DynamicImage> + 'a {
    let range = look.drawn(&line.epochs[0]).range();
    line.epochs.iter().filter_map(move |x| look.drawn(x).picture(range))
}

fn sheet(look: &ExamplePreview, lines: &[Line]) -> RgbImage {
    let first = lines.first().and_then(|line| pictures(look, line).next());
    let [height, width] = first.map_or([SIDE; 2], |picture| [picture.height(), picture.width()]);
    let factor = SIDE.div_ceil(height.max(width)).max(1);
    let [height, width] = [height * factor, width * factor];
    let size = |n: u32, side: u32| n * (side + GAP) + GAP;
    let ground = Rgb([255, 255, 255]);
    let mut sheet = RgbImage::from_pixel(size(EPOCHS + 1, width) + GAP, size(lines.len() as u32, height), ground);
    for (top, line) in (0..).map(|i| GAP + i * (height + GAP)).zip(lines) {
        for (epoch, picture) in (0..).zip(pictures(look, line)) {
            let picture = imageops::resize(&picture.into_rgb8(), width, height, FilterType::Nearest);
            let left = GAP + epoch * (width + GAP) + if epoch > 0 { GAP } else { 0 };
            imageops::replace(&mut sheet, &picture, i64::from(left), i64::from(top));
        }
    }
    sheet
}

fn page(look: &ExamplePreview, lines: &[Line], place: impl Fn(&Line) -> String) -> String {
    let cell = |picture: image::DynamicImage, x: &[f32], full: f32| {
        let png = encoded(&picture).unwrap_or_default();
        let sound = look.wav(x, full).map_or(String::new(), |wav| {
            format!(r#"<audio controls preload="none" src="data:audio/wav;base64,{wav}"></audio>"#)
        });
        format!(r#"<td><img alt="" src="data:image/png;base64,{png}">{sound}</td>"#)
    };
    let row = |line: &Line| {
        let full = 2.0 * peak(&line.epochs[0]);
        let cells: String = pictures(look, line).zip(&line.epochs).map(|(picture, x)| cell(picture, x, full)).collect();
        format!("<tr><th>{}</th>{cells}</tr>\n", crate::report::text::escape(&place(line)))
    };
    let rows: String = lines.iter().map(row).collect();
    let head: String = (1..=EPOCHS).map(|epoch| format!("<th>epoch {epoch}</th>")).collect();
    format!(
        r#"<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Training examples and what becomes of them</title>
<style>
body {{ font: 14px system-ui, sans-serif; margin: 2rem; }}
th {{ font-weight: 500; text-align: left; }} td {{ padding: 4px; vertical-align: top; }}
img {{ display: block; width: 140px; image-rendering: pixelated; }} audio {{ width: 140px; height: 32px; }}
</style>
<table><tr><th>File</th><th>as it is</th>{head}</tr>
{rows}</table></html>
"#
    )
}
