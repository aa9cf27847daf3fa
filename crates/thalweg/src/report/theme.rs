//! The colours, light and dark: as CSS variables for the page, inlined for standalone figures.
//!
//! Train, dev and test are blue, orange and green that the colour-blind can tell apart; layers run from deep blue
//! through violet to amber, in an order that survives greyscale. Text has a contrast of at least 4.5 with its
//! background.

use std::fmt::Write;

use super::Theme;

/// Name, light value and dark value of each colour.
const COLOURS: [(&str, &str, &str); 23] = [
    ("page", "#f7f6f3", "#131412"),
    ("surface", "#ffffff", "#1c1d1b"),
    ("sunken", "#f2f1ed", "#272826"),
    ("ink", "#1d1c1a", "#f1f0ec"),
    ("ink-2", "#54524d", "#c3c1ba"),
    ("muted", "#6e6c66", "#9c9a93"),
    ("grid", "#e9e7e2", "#30312f"),
    ("axis", "#bdbab3", "#55564f"),
    ("train", "#2667c8", "#6fa5f2"),
    ("dev", "#c2540a", "#f09450"),
    ("test", "#11806a", "#4fc4a6"),
    ("bad", "#b3261e", "#ff8a80"),
    ("warn", "#8a5a00", "#f0c05a"),
    ("warn-ground", "#fdf3dc", "#33290f"),
    ("on", "#ffffff", "#131412"),
    ("layer-0", "#23268f", "#7f8cff"),
    ("layer-1", "#5a1fa3", "#a583f7"),
    ("layer-2", "#8a22a0", "#c878e8"),
    ("layer-3", "#b32d8b", "#e573c4"),
    ("layer-4", "#cf4470", "#f4789a"),
    ("layer-5", "#dd6350", "#fb8d73"),
    ("layer-6", "#dd8230", "#fdab56"),
    ("layer-7", "#cf9a12", "#fbd04e"),
];

/// The CSS classes of layers' lines, from the first to the last.
pub(crate) const LAYERS: [&str; 8] =
    ["layer-0", "layer-1", "layer-2", "layer-3", "layer-4", "layer-5", "layer-6", "layer-7"];

const FIGURE: &str = include_str!("../../assets/figure.css");
const PAGE: &str = include_str!("../../assets/report.css");

/// The page's style sheet: dark if the reader prefers it, always light in print.
pub(crate) fn page_css() -> String {
    let (light, dark) = (variables(Theme::Light), variables(Theme::Dark));
    format!(":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{FIGURE}{PAGE}")
}

/// The rules for an element of class `report` in another page: dark as that page says in `data-theme`, or as the reader
/// prefers.
pub(crate) fn embedded_css() -> String {
    let (light, dark) = (variables(Theme::Light), variables(Theme::Dark));
    format!(
        ":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\n\
         :root[data-theme=dark]{{{dark}}}\n.report{{{FIGURE}{PAGE}}}"
    )
}

/// A standalone figure's style sheet with literal colours: many SVG programs do not support CSS variables.
pub(crate) fn figure_css(theme: Theme) -> String {
    COLOURS.iter().fold(FIGURE.to_string(), |css, (name, light, dark)| {
        css.replace(&format!("var(--{name})"), if theme == Theme::Light { light } else { dark })
    })
}

fn variables(theme: Theme) -> String {
    COLOURS.iter().fold(String::new(), |mut css, (name, light, dark)| {
        let _ = write!(css, "--{name}:{};", if theme == Theme::Light { light } else { dark });
        css
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as defined by WCAG 2.
    fn luminance(hex: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_is_legible_and_lines_are_visible_on_every_ground() {
        let colour = |wanted: &str| COLOURS.iter().find(|(name, ..)| *name == wanted).unwrap();
        for ground in ["page", "surface", "sunken"] {
            let (_, light_ground, dark_ground) = colour(ground);
            for text in ["ink", "ink-2", "muted", "bad", "train"] {
                let (_, light, dark) = colour(text);
                assert!(contrast(light, light_ground) >= 4.5, "{text} on {ground}: {}", contrast(light, light_ground));
                assert!(contrast(dark, dark_ground) >= 4.5, "{text} on dark {ground}");
            }
        }
        let (_, light_ground, dark_ground) = colour("surface");
        for line in ["train", "dev", "test"].into_iter().chain(LAYERS) {
            let (_, light, dark) = colour(line);
            let low = if line == "layer-7" || line == "layer-6" { 2.4 } else { 3.0 };
            assert!(contrast(light, light_ground) >= low, "{line}: {}", contrast(light, light_ground));
            assert!(contrast(dark, dark_ground) >= 3.0, "dark {line}");
        }
        let (_, light, dark) = colour("warn-ground");
        assert!(contrast(colour("ink").1, light) >= 4.5 && contrast(colour("ink").2, dark) >= 4.5);
    }

    #[test]
    fn lone_figures_have_no_variables_left() {
        for theme in [Theme::Light, Theme::Dark] {
            assert!(!figure_css(theme).contains("var("), "{}", figure_css(theme));
        }
    }
}
