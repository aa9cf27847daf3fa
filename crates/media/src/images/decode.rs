//! Image decoding: from a file to pixels of a given form.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::{Fit, PictureSpec};

/// Bytes of decoded pixels allowed for any file.
const FREE: u64 = 64 << 20;

/// Additional bytes of decoded pixels per byte of the file: more indicates a decompression bomb.
const A_BYTE: u64 = 100;

/// The upper limit on bytes of decoded pixels.
const MOST: u64 = 1 << 30;

/// The properties of an image given by its header.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// Height in pixels, before EXIF orientation is applied.
    pub height: usize,
    /// Width in pixels, before EXIF orientation is applied.
    pub width: usize,
    /// Whether it is greyscale.
    pub grey: bool,
}

/// A decoder, if the decoded size is within limits.
fn decoder(path: &Path) -> Result<impl ImageDecoder, String> {
    let told = |error: std::io::Error| error.to_string();
    let file = File::open(path).map_err(told)?;
    let size = file.metadata().map_err(told)?.len();
    if size == 0 {
        return Err("the file is empty".into());
    }
    let most = (FREE + size.saturating_mul(A_BYTE)).min(MOST);
    let mut reader = ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(told)?;
    if reader.format().is_none() && path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tga")) {
        // TGA files have no magic number.
        reader.set_format(ImageFormat::Tga);
    }
    if reader.format().is_none_or(|format| !format.reading_enabled()) {
        return Err("no picture of a known kind".into());
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(most);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    let ((width, height), bytes) = (decoder.dimensions(), decoder.total_bytes());
    if width == 0 || height == 0 {
        return Err(format!("{width} × {height} pixels"));
    }
    if bytes > most {
        return Err(format!("{width} × {height} pixels are too many for a file of {size} bytes"));
    }
    Ok(decoder)
}

/// Reads an image's header without decoding pixels.
///
/// # Errors
/// If the file is not an image of a supported format, or too large for its number of bytes.
pub fn header(path: &Path) -> Result<Header, String> {
    let decoder = decoder(path)?;
    let (width, height) = decoder.dimensions();
    let grey = !decoder.color_type().has_color();
    Ok(Header { height: height as usize, width: width as usize, grey })
}

/// The pixels of an image resized to a form, EXIF orientation applied, from 0 to 255: row-major, channels last.
///
/// # Errors
/// If the file is not an image of a supported format, is damaged, or too large for its number of bytes.
pub fn pixels(path: &Path, spec: PictureSpec) -> Result<Vec<f32>, String> {
    let mut decoder = decoder(path)?;
    let orientation = decoder.orientation().map_err(|error| error.to_string())?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    picture.apply_orientation(orientation);
    formed(picture, spec)
}

/// An image's pixels, resized to a form.
pub(super) fn formed(picture: DynamicImage, spec: PictureSpec) -> Result<Vec<f32>, String> {
    let size = (picture.width(), picture.height());
    match spec.channels {
        1 => resized::<U8>(size, &on_white(picture).into_luma8(), spec),
        _ => resized::<U8x3>(size, &on_white(picture).into_rgb8(), spec),
    }
}

/// The image composited on a white background.
fn on_white(picture: DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return picture;
    }
    let mut picture = picture.into_rgba8();
    for pixel in picture.pixels_mut() {
        let [.., alpha] = pixel.0;
        let over = |x: u8| ((u32::from(x) * u32::from(alpha) + 255 * (255 - u32::from(alpha)) + 127) / 255) as u8;
        pixel.0 = [over(pixel.0[0]), over(pixel.0[1]), over(pixel.0[2]), 255];
    }
    picture.into()
}

fn resized<P: PixelTrait>(size: (u32, u32), bytes: &[u8], spec: PictureSpec) -> Result<Vec<f32>, String> {
    let (height, width) = (spec.height as u32, spec.width as u32);
    let (from_width, from_height) = (f64::from(size.0), f64::from(size.1));
    let (to_width, to_height) = match spec.fit {
        Fit::Crop | Fit::Stretch => (width, height),
        Fit::Pad => {
            let factor = f64::min(f64::from(width) / from_width, f64::from(height) / from_height);
            let side = |from: f64, most: u32| ((from * factor).round() as u32).clamp(1, most);
            (side(from_width, width), side(from_height, height))
        }
    };
    let mut options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    if spec.fit == Fit::Crop {
        options = options.fit_into_destination(None);
    }
    let mut pixels = vec![0; to_width as usize * to_height as usize * spec.channels];
    // Statically typed pixels: dynamic ones would compile code for fifteen pixel types.
    let from = TypedImageRef::<P>::from_buffer(size.0, size.1, bytes).map_err(|error| error.to_string())?;
    let mut to = TypedImage::<P>::from_buffer(to_width, to_height, &mut pixels).map_err(|error| error.to_string())?;
    Resizer::new().resize_typed(&from, &mut to, &options).map_err(|error| error.to_string())?;
    if (to_width, to_height) == (width, height) {
        return Ok(pixels.into_iter().map(f32::from).collect());
    }
    let line = spec.width * spec.channels;
    let mut framed = vec![0.0; spec.height * line];
    let (top, left) = ((height - to_height) as usize / 2, (width - to_width) as usize / 2 * spec.channels);
    let rows = pixels.chunks_exact(to_width as usize * spec.channels);
    for (to, from) in framed.chunks_exact_mut(line).skip(top).zip(rows) {
        to[left..][..from.len()].iter_mut().zip(from).for_each(|(to, &from)| *to = f32::from(from));
    }
    Ok(framed)
}
