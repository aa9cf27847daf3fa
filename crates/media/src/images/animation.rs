//! Animated images (GIF, WebP, PNG): how many frames they have, and some of these as pixels.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use image::codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{AnimationDecoder, Frames, ImageFormat, ImageReader};

use super::decode::{self, formed};
use crate::ClipSpec;

/// Bytes of decoded frames allowed for any file.
const FREE: u64 = 1 << 30;

/// Additional bytes of decoded frames per byte of the file: more takes its time on purpose.
const A_BYTE: u64 = 1_000;

/// An opened file and its format, whose header is within the limits of an image.
fn opened(path: &Path) -> Result<(BufReader<File>, Option<ImageFormat>), String> {
    let file = File::open(path).map_err(told)?;
    let reader = ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(told)?;
    let format = reader.format();
    Ok((reader.into_inner(), format))
}

fn told(error: impl ToString) -> String {
    error.to_string()
}

/// The number of frames of an image file, read without decoding them: 1 if it is still.
///
/// # Errors
/// If the file is not an image of a supported format, is damaged, has no frame, or its frames are too large for its number
/// of bytes.
pub fn frames(path: &Path) -> Result<usize, String> {
    let header = decode::header(path)?;
    let (file, format) = opened(path)?;
    let count = match format {
        Some(ImageFormat::Gif) => {
            let mut options = gif::DecodeOptions::new();
            options.skip_frame_decoding(true);
            let mut decoder = options.read_info(file).map_err(told)?;
            let mut count = 0;
            while decoder.next_frame_info().map_err(|error| format!("after {count} frames: {error}"))?.is_some() {
                count += 1;
            }
            count
        }
        Some(ImageFormat::Png) => {
            let decoder = png::Decoder::new(file).read_info().map_err(told)?;
            decoder.info().animation_control.map_or(1, |control| u64::from(control.num_frames))
        }
        Some(ImageFormat::WebP) => {
            let decoder = image_webp::WebPDecoder::new(file).map_err(told)?;
            if decoder.is_animated() { decoder.num_frames().into() } else { 1 }
        }
        _ => 1,
    };
    let (height, width) = (header.height as u64, header.width as u64);
    let most = FREE.saturating_add(A_BYTE.saturating_mul(std::fs::metadata(path).map_err(told)?.len()));
    match count {
        0 => Err("an animation without a frame".into()),
        2.. if count.saturating_mul(4 * height * width) > most => {
            Err(format!("{count} frames of {width} × {height} pixels are too many for a file of its size"))
        }
        _ => Ok(count as usize),
    }
}

/// An image file as a clip: frames spread evenly over it, below each other, each as [`super::pixels`] gives an image.
///
/// # Errors
/// As for [`frames`], and if one of those frames is damaged.
pub fn clip(path: &Path, spec: ClipSpec) -> Result<Vec<f32>, String> {
    let count = frames(path)?;
    if count == 1 {
        return Ok(super::pixels(path, spec.frame)?.repeat(spec.frames));
    }
    let mut clip = Vec::new();
    let mut wanted = spec.spread(count).peekable();
    for (i, frame) in animation(path)?.enumerate() {
        let frame = frame.map_err(|error| format!("frame {} of {count}: {error}", i + 1))?;
        if wanted.peek() == Some(&i) {
            let pixels = formed(frame.into_buffer().into(), spec.frame)?;
            while wanted.next_if_eq(&i).is_some() {
                clip.extend_from_slice(&pixels);
            }
        }
        if wanted.peek().is_none() {
            return Ok(clip);
        }
    }
    Err(format!("an animation that ends before its {count} frames"))
}

/// The frames of an animation, each composed of those before it.
fn animation(path: &Path) -> Result<Frames<'static>, String> {
    let (file, format) = opened(path)?;
    Ok(match format {
        Some(ImageFormat::Gif) => GifDecoder::new(file).map_err(told)?.into_frames(),
        Some(ImageFormat::WebP) => WebPDecoder::new(file).map_err(told)?.into_frames(),
        _ => PngDecoder::new(file).and_then(PngDecoder::apng).map_err(told)?.into_frames(),
    })
}
