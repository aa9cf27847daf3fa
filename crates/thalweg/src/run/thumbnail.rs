//! Examples that are images, as small pictures for the report.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

/// An image of height × width (× channels) as PNG in base64, its numbers stretched from black to white; none for what is
/// no image, or has neither one channel nor three.
pub(super) fn png(shape: &[usize], x: &[f32]) -> Option<String> {
    let (height, width, colour) = match *shape {
        [height, width] | [height, width, 1] => (height, width, ExtendedColorType::L8),
        [height, width, 3] => (height, width, ExtendedColorType::Rgb8),
        _ => return None,
    };
    let low = x.iter().copied().fold(f32::INFINITY, f32::min);
    let high = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let stretch = 255.0 / (high - low).max(f32::MIN_POSITIVE);
    let pixels: Vec<u8> = x.iter().map(|x| ((x - low) * stretch).round() as u8).collect();
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new(&mut bytes);
    encoder.write_image(&pixels, width as u32, height as u32, colour).ok()?;
    Some(STANDARD.encode(bytes))
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
