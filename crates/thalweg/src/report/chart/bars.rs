//! Horizontal bars, each with its name on the left and its value on the right.

use std::fmt::Write;

use super::{Caption, Drawing};
use crate::report::text::{escape, shorten, width};

const ROW: f64 = 26.0;

/// One bar.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    /// Its name.
    pub(crate) name: String,
    /// Its length, from 0 to 1.
    pub(crate) share: f64,
    /// The text to its right.
    pub(crate) value: String,
}

/// A bar chart.
#[derive(Debug, Clone)]
pub(crate) struct Bars {
    /// Name, title, description.
    pub(crate) caption: Caption,
    /// Width.
    pub(crate) width: f64,
    /// The bars from top to bottom.
    pub(crate) bars: Vec<Bar>,
}

impl Bars {
    /// Draws the chart.
    pub(crate) fn draw(self) -> Drawing {
        let names: Vec<String> = self.bars.iter().map(|bar| shorten(&bar.name, 26)).collect();
        let left = names.iter().map(|name| width(name, 12.0)).fold(0.0, f64::max) + 12.0;
        let right = self.bars.iter().map(|bar| width(&bar.value, 12.0)).fold(0.0, f64::max) + 14.0;
        let full = (self.width - left - right).max(40.0);
        let mut svg = String::new();
        for (i, (bar, name)) in self.bars.iter().zip(&names).enumerate() {
            let y = i as f64 * ROW;
            let length = full * bar.share.clamp(0.0, 1.0);
            let (text, name, value) = (y + 17.0, escape(name), escape(&bar.value));
            let _ = write!(
                svg,
                concat!(
                    r#"<text class="end ink" x="{:.1}" y="{:.1}">{}</text>"#,
                    r#"<rect class="cell" x="{:.1}" y="{:.1}" width="{:.1}" height="16" rx="3"/>"#,
                    r#"<rect class="hit" x="{:.1}" y="{:.1}" width="{:.1}" height="16" rx="3"/>"#,
                    r#"<text x="{:.1}" y="{:.1}">{}</text>"#
                ),
                left - 10.0,
                text,
                name,
                left,
                y + 5.0,
                full,
                left,
                y + 5.0,
                length.max(1.0),
                left + full + 10.0,
                text,
                value
            );
        }
        let height = self.bars.len() as f64 * ROW + 6.0;
        Drawing::new(self.caption, (self.width, height), svg)
    }
}
