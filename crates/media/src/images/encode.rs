//! Image encoding.

use std::io::Cursor;
use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{DynamicImage, ImageEncoder, ImageFormat, RgbImage};

/// An image as the bytes of a PNG file.
///
/// # Errors
/// If PNG does not support its pixel type.
pub fn png(picture: &DynamicImage) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new(&mut bytes);
    encoder
        .write_image(picture.as_bytes(), picture.width(), picture.height(), picture.color().into())
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// An image as the bytes of a file, in the format given by the path's extension.
///
/// # Errors
/// If the extension's format cannot be written.
pub fn encode(picture: &RgbImage, path: &Path) -> Result<Vec<u8>, String> {
    let format = ImageFormat::from_path(path).map_err(|error| error.to_string())?;
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).map_err(|error| error.to_string())?;
    Ok(bytes.into_inner())
}
