//! Named rows of values on one axis: bars with whiskers, or points among fainter ones.

use std::fmt::Write;

use super::axis::{Axis, Frame};
use super::{Caption, Drawing};
use crate::report::text::{escape, number, shorten, width};

const ROW: f64 = 24.0;
/// Height of the legend, where there is one.
const LEGEND: f64 = 22.0;

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct Range {
    /// Its name.
    pub(crate) name: String,
    /// A value of each of the chart's kinds.
    pub(crate) values: Vec<f64>,
    /// The ends of the whisker of the first value.
    pub(crate) whisker: Option<(f64, f64)>,
    /// Values drawn faintly behind.
    pub(crate) others: Vec<f64>,
}

/// A chart of rows.
#[derive(Debug, Clone)]
pub(crate) struct Ranges {
    /// Name, title, description.
    pub(crate) caption: Caption,
    /// Width.
    pub(crate) width: f64,
    /// Name of the axis.
    pub(crate) x: String,
    /// Whether values are bars that begin at 0, and not points.
    pub(crate) bars: bool,
    /// Name and style class of each kind of value; a single one needs no name.
    pub(crate) kinds: Vec<(String, &'static str)>,
    /// The rows from top to bottom.
    pub(crate) rows: Vec<Range>,
}

impl Ranges {
    /// Draws the chart.
    pub(crate) fn draw(self) -> Drawing {
        let n = self.rows.len() as f64;
        let values = self.rows.iter().flat_map(|row| {
            let ends = row.whisker.map(|(low, high)| [low, high]);
            row.values.iter().chain(&row.others).copied().chain(ends.into_iter().flatten())
        });
        let zero = self.bars.then_some(0.0);
        let x = Axis::linear(values.chain(zero), &self.x, 5);
        let at = |row: usize| 1.0 - (row as f64 + 0.5) / n;
        let names = self.rows.iter().enumerate().map(|(i, row)| (at(i), escape(&shorten(&row.name, 26)))).collect();
        let top = if self.kinds.len() > 1 { LEGEND } else { 0.0 };
        let height = n * ROW + top + 66.0;
        let frame = Frame::new((self.width, height), top, 16.0, x, Axis::named(names, ""));
        let mut svg = frame.draw();
        self.draw_legend(&frame, &mut svg);
        for (i, row) in self.rows.iter().enumerate() {
            self.draw_row(row, frame.y(at(i)), &frame, &mut svg);
        }
        Drawing::new(self.caption, (self.width, height), svg)
    }

    fn draw_row(&self, row: &Range, y: f64, frame: &Frame, svg: &mut String) {
        if self.bars
            && let Some(value) = row.values.first()
        {
            let (from, to) = (frame.x(value.min(0.0)), frame.x(value.max(0.0)));
            let (top, length) = (y - 7.0, (to - from).max(1.0));
            let _ = write!(svg, r#"<rect class="hit" x="{from:.1}" y="{top:.1}" width="{length:.1}" height="14"/>"#);
        }
        for value in row.others.iter().filter(|value| value.is_finite()) {
            let x = frame.x(*value);
            let _ = write!(svg, r#"<circle class="point" fill-opacity="0.25" cx="{x:.1}" cy="{y:.1}" r="2.2"/>"#);
        }
        if let Some((low, high)) = row.whisker {
            let (low, high, top) = (frame.x(low), frame.x(high), y - 4.0);
            let _ = write!(
                svg,
                r#"<path class="whisker" d="M{low:.1} {y:.1}H{high:.1}M{low:.1} {top:.1}v8M{high:.1} {top:.1}v8"/>"#
            );
        }
        for (value, (_, class)) in row.values.iter().zip(&self.kinds).filter(|_| !self.bars) {
            let _ = write!(svg, r#"<circle class="dot {class}" cx="{:.1}" cy="{y:.1}" r="4.5"/>"#, frame.x(*value));
        }
        let values = row.values.iter().zip(&self.kinds);
        let mut says: Vec<String> =
            values.map(|(value, (name, _))| format!("{name} {}", number(*value, 4)).trim().to_string()).collect();
        says.extend(row.whisker.map(|(low, high)| format!("{} to {}", number(low, 4), number(high, 4))));
        let _ = write!(
            svg,
            r#"<rect class="hover" x="0" y="{:.1}" width="{:.1}" height="{ROW}"><title>{}</title></rect>"#,
            y - ROW / 2.0,
            frame.right,
            escape(&format!("{}: {}", row.name, says.join(" · ")))
        );
    }

    /// The kinds' names with their colours, as far as there is room.
    fn draw_legend(&self, frame: &Frame, svg: &mut String) {
        let mut x = frame.left;
        for (name, class) in self.kinds.iter().filter(|_| self.kinds.len() > 1) {
            let name = shorten(name, 16);
            let end = x + 24.0 + width(&name, 12.0);
            if end > frame.right {
                break;
            }
            let _ = write!(svg, r#"<circle class="dot {class}" cx="{:.1}" cy="10" r="4.5"/>"#, x + 5.0);
            let _ = write!(svg, r#"<text x="{:.1}" y="14">{}</text>"#, x + 13.0, escape(&name));
            x = end;
        }
    }
}
