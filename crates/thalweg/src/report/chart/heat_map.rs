//! A matrix of shaded cells with labelled rows and columns.

use std::fmt::Write;

use super::{Caption, Drawing};
use crate::report::text::{escape, shorten, width};

/// Longer labels are truncated.
const LABEL: usize = 18;

/// One cell.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    /// Its text.
    pub(crate) text: String,
    /// How strongly it is shaded, from 0 to 1.
    pub(crate) shade: f64,
    /// Its tooltip.
    pub(crate) hover: String,
}

/// A matrix whose diagonal is good and the rest bad, with a column and a row of notes at its edges.
#[derive(Debug, Clone)]
pub(crate) struct HeatMap {
    /// Name, title, description.
    pub(crate) caption: Caption,
    /// Labels of the rows, and of the columns alike.
    pub(crate) labels: Vec<String>,
    /// Names of the axes: rows and columns.
    pub(crate) axes: (String, String),
    /// Cells by row.
    pub(crate) cells: Vec<Vec<Cell>>,
    /// The heading of the notes to the right of the rows, and one note per row.
    pub(crate) beside: (String, Vec<String>),
    /// The heading of the notes below the columns, and one note per column.
    pub(crate) below: (String, Vec<String>),
}

impl HeatMap {
    /// Draws the chart; cells are as large as the page's width allows.
    pub(crate) fn draw(self) -> Drawing {
        let n = self.labels.len().max(1);
        let labels: Vec<String> = self.labels.iter().map(|label| shorten(label, LABEL)).collect();
        let longest = labels.iter().map(|label| width(label, 12.0)).fold(width(&self.below.0, 12.0), f64::max);
        let left = longest + 14.0;
        let note = width(&self.beside.0, 12.0).max(52.0) + 14.0;
        let cell = ((960.0 - left - note) / n as f64).clamp(24.0, 64.0);
        let side = cell * n as f64;
        // Column labels are horizontal where they fit, otherwise vertical.
        let flat = labels.iter().all(|label| width(label, 12.0) < cell - 6.0);
        let top = 26.0 + if flat { 22.0 } else { longest + 12.0 };
        let small = if cell < 30.0 { " small" } else { "" };
        let notes = self.below.1.iter().map(|note| width(note, 12.0)).fold(0.0, f64::max);
        let below = if notes < cell - 4.0 { 28.0 } else { notes + 18.0 };

        let mut svg = String::new();
        let _ = write!(svg, r#"<text x="0" y="12">{}</text>"#, escape(&self.axes.0));
        let _ =
            write!(svg, r#"<text class="middle" x="{:.1}" y="12">{}</text>"#, left + side / 2.0, escape(&self.axes.1));
        let _ = write!(
            svg,
            r#"<text class="tick" x="{:.1}" y="{:.1}">{}</text>"#,
            left + side + 12.0,
            top - 10.0,
            escape(&self.beside.0)
        );
        let _ = write!(
            svg,
            r#"<text class="tick end" x="{:.1}" y="{:.1}">{}</text>"#,
            left - 10.0,
            top + side + 20.0,
            escape(&self.below.0)
        );
        for (i, label) in labels.iter().enumerate() {
            let label = escape(label);
            let middle = (i as f64 + 0.5) * cell;
            let (x, y) = (left + middle, top + middle + 4.0);
            let _ = write!(svg, r#"<text class="end ink" x="{:.1}" y="{y:.1}">{label}</text>"#, left - 10.0);
            if flat {
                let _ = write!(svg, r#"<text class="middle ink" x="{x:.1}" y="{:.1}">{label}</text>"#, top - 10.0);
            } else {
                let (x, y) = (x + 4.0, top - 10.0);
                let _ =
                    write!(svg, r#"<text class="ink" transform="translate({x:.1} {y:.1}) rotate(-90)">{label}</text>"#);
            }
            if let Some(note) = self.beside.1.get(i) {
                let x = left + side + 12.0;
                let _ = write!(svg, r#"<text class="tick" x="{x:.1}" y="{y:.1}">{}</text>"#, escape(note));
            }
            if let Some(note) = self.below.1.get(i) {
                let (x, y) = (left + middle, top + side + 20.0);
                let place = match notes < cell - 4.0 {
                    true => format!(r#"class="tick middle" x="{x:.1}" y="{y:.1}""#),
                    false => {
                        format!(r#"class="tick end" transform="translate({:.1} {:.1}) rotate(-90)""#, x + 4.0, y - 10.0)
                    }
                };
                let _ = write!(svg, "<text {place}>{}</text>", escape(note));
            }
        }
        for (i, row) in self.cells.iter().enumerate() {
            for (j, Cell { text, shade, hover }) in row.iter().enumerate() {
                let (x, y) = (left + j as f64 * cell, top + i as f64 * cell);
                let inner = cell - 2.0;
                let kind = if i == j { "hit" } else { "miss" };
                let hover = escape(hover);
                let _ = write!(
                    svg,
                    r#"<g><title>{hover}</title><rect class="cell" x="{x:.1}" y="{y:.1}" width="{inner:.1}" height="{inner:.1}" rx="3"/>"#
                );
                if *shade > 0.0 {
                    let _ = write!(
                        svg,
                        r#"<rect class="{kind}" x="{x:.1}" y="{y:.1}" width="{inner:.1}" height="{inner:.1}" rx="3" fill-opacity="{shade:.2}"/>"#
                    );
                }
                if !text.is_empty() {
                    let on = if *shade > 0.55 { " on" } else { " ink" };
                    let (x, y) = (x + inner / 2.0, y + inner / 2.0 + 4.0);
                    let size = if width(text, 12.0) > inner - 2.0 { " small" } else { small };
                    let _ =
                        write!(svg, r#"<text class="middle{on}{size}" x="{x:.1}" y="{y:.1}">{}</text>"#, escape(text));
                }
                svg.push_str("</g>");
            }
        }
        Drawing::new(self.caption, ((left + side + note).ceil(), (top + side + below).ceil()), svg)
    }
}
