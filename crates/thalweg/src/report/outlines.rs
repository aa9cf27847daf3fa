//! Text as outlines: figures render without installed fonts, using those embedded in this crate.

use std::fmt::Write;
use std::sync::LazyLock;

use ttf_parser::{Face, OutlineBuilder};

/// The regular and the semibold face.
static FACES: LazyLock<[Face; 2]> = LazyLock::new(|| {
    [
        &include_bytes!("../../assets/fonts/Inter-Regular.otf")[..],
        include_bytes!("../../assets/fonts/Inter-SemiBold.otf"),
    ]
    .map(|font| Face::parse(font, 0).expect("the fonts of this crate are whole"))
});

/// One of our figures with its texts turned into paths; its style sheet gives their size and weight.
pub(super) fn outlined(svg: &str) -> String {
    // Rules for texts also apply to their outlines.
    let svg = svg.replace(".chart text", ".chart .text");
    let (mut drawn, mut rest) = (String::with_capacity(4 * svg.len()), svg.as_str());
    while let Some((before, element)) = rest.split_once("<text ") {
        let Some((attributes, (text, after))) =
            element.split_once('>').and_then(|(attributes, inner)| Some((attributes, inner.split_once("</text>")?)))
        else {
            break;
        };
        drawn.push_str(before);
        drawn.push_str(&outline(&svg, attributes, &unescaped(text)));
        rest = after;
    }
    drawn + rest
}

/// The path of one text element.
fn outline(svg: &str, attributes: &str, text: &str) -> String {
    let attribute = |name: &str| {
        let (_, value) = attributes.split_once(&format!("{name}=\""))?;
        value.split('"').next()
    };
    let classes = attribute("class").unwrap_or_default();
    let style = |property: &str| {
        let rule = |class: &str| declared(svg, &format!(".chart .{class} {{"), property);
        classes.split(' ').find_map(rule).or_else(|| declared(svg, ".chart .text {", property))
    };
    let size: f32 = style("font-size").and_then(|size| size.strip_suffix("px")?.parse().ok()).unwrap_or(12.0);
    let face = &FACES[usize::from(style("font-weight") == Some("600"))];
    let mut letters = Letters { path: String::new(), scale: size / f32::from(face.units_per_em()), at: 0.0 };
    for letter in text.chars() {
        let glyph = face.glyph_index(letter).unwrap_or_default();
        face.outline_glyph(glyph, &mut letters);
        letters.at += letters.scale * f32::from(face.glyph_hor_advance(glyph).unwrap_or_default());
    }
    let before = match style("text-anchor") {
        Some("middle") => letters.at / 2.0,
        Some("end") => letters.at,
        _ => 0.0,
    };
    let number = |name: &str| attribute(name).and_then(|number| number.parse().ok()).unwrap_or(0.0_f32);
    let (x, y, turned) = (number("x") - before, number("y"), attribute("transform").unwrap_or_default());
    let path = letters.path;
    format!(r#"<path class="text {classes}" transform="{turned} translate({x:.2} {y:.2})" d="{path}"/>"#)
}

/// The value that a selector's rule declares for a property.
fn declared<'a>(svg: &'a str, selector: &str, property: &str) -> Option<&'a str> {
    let rules = svg.split_once(selector)?.1.split('}').next()?;
    rules.split(';').find_map(|rule| rule.trim().strip_prefix(property)?.trim_start().strip_prefix(':')).map(str::trim)
}

fn unescaped(text: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.to_string(), |text, (entity, letter)| text.replace(entity, letter))
}

/// Glyph outlines side by side, as commands of an SVG path.
struct Letters {
    path: String,
    /// Pixels per font unit.
    scale: f32,
    /// The x position of the next glyph.
    at: f32,
}

impl Letters {
    fn command<const N: usize>(&mut self, command: char, points: [(f32, f32); N]) {
        self.path.push(command);
        for (x, y) in points {
            // Writing to a string cannot fail.
            _ = write!(self.path, "{:.2} {:.2} ", self.at + self.scale * x, -self.scale * y);
        }
    }
}

impl OutlineBuilder for Letters {
    fn move_to(&mut self, x: f32, y: f32) {
        self.command('M', [(x, y)]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.command('L', [(x, y)]);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.command('Q', [(x1, y1), (x, y)]);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.command('C', [(x1, y1), (x2, y2), (x, y)]);
    }

    fn close(&mut self) {
        self.path.push('Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: &str = "<style>.chart text { font-size: 10px; fill: red; }\n.chart .title { font-size: 20px; }\n\
                         .chart .end { text-anchor: end; }</style>";

    /// The translation of the first path.
    fn place(element: &str) -> Vec<f32> {
        let svg = outlined(&format!("<svg>{STYLE}{element}</svg>"));
        let translate = svg.split_once("translate(").unwrap().1.split_once(')').unwrap().0;
        translate.split(' ').map(|number| number.parse().unwrap()).collect()
    }

    #[test]
    fn texts_become_paths_of_their_size_where_they_stood() {
        let svg = outlined(&format!(r#"<svg>{STYLE}<text x="3" y="4">&lt;l</text><rect/></svg>"#));
        assert!(!svg.contains("<text") && svg.contains(".chart .text {") && svg.ends_with("<rect/></svg>"), "{svg}");
        assert_eq!(place(r#"<text x="3" y="4">l</text>"#), [3.0, 4.0]);
        // The text ends at its anchor, and at twice the size it is twice as wide.
        let widths =
            ["end", "end title"].map(|class| -place(&format!(r#"<text class="{class}" x="0" y="0">mm</text>"#))[0]);
        assert!(widths[0] > 10.0 && (widths[1] - 2.0 * widths[0]).abs() < 0.02, "{widths:?}");
        assert!(
            outlined(&format!(r#"<svg>{STYLE}<text transform="rotate(-90)">a</text></svg>"#))
                .contains("rotate(-90) translate")
        );
    }
}
