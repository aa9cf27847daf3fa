//! Figures as PNG, rendered by resvg with the embedded fonts, so that every machine gives the same image.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use super::outlines;
use crate::{Error, Result};

/// Pixels per unit of the SVG.
const SCALE: f32 = 2.0;

/// An SVG as the bytes of a PNG file.
pub(super) fn draw(svg: &str) -> Result<Vec<u8>> {
    let fault = |what: &str| Error::internal(format!("a figure cannot be drawn: {what}"));
    let tree =
        Tree::from_str(&outlines::outlined(svg), &Options::default()).map_err(|error| fault(&error.to_string()))?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or_else(|| fault("it has no size"))?;
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or_else(|| fault("it is too large"))?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| fault(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use crate::report::{Theme, figures, samples};

    #[test]
    fn every_figure_is_drawn_in_both_themes_with_its_text() {
        for figure in figures(&samples::classes(10, 20)) {
            let (light, dark) = (figure.png(Theme::Light).unwrap(), figure.png(Theme::Dark).unwrap());
            assert_eq!(&light[..8], b"\x89PNG\r\n\x1a\n");
            assert_ne!(light, dark, "{}", figure.name);
            // If its font, or its bold face, were missing, removing the text or the weight would change nothing.
            for (from, to) in [("<text", "<desc"), ("font-weight: 600", "font-weight: 400")] {
                let other = figure.svg.replace(from, to).replace(&from.replace('<', "</"), &to.replace('<', "</"));
                assert_ne!(light, super::draw(&other).unwrap(), "{} with {to}", figure.name);
            }
        }
    }
}
