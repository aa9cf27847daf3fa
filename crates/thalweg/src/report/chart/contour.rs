//! A heat map of expected values over a plane, with points on top.

use std::fmt::Write;

use super::axis::{Axis, Frame};
use super::points::Point;
use super::{Caption, Drawing};
use crate::report::text::escape;

/// Shades from bad to good.
const SHADES: usize = 12;

/// A shaded plane of two named axes from 0 to 1.
#[derive(Debug, Clone)]
pub(crate) struct Contour {
    /// Name, title, description.
    pub(crate) caption: Caption,
    /// Width and height.
    pub(crate) size: (f64, f64),
    /// Names and ticks of the axes.
    pub(crate) axes: [(String, Vec<(f64, String)>); 2],
    /// The quality of each cell from 0 to 1, by rows from the bottom.
    pub(crate) cells: Vec<Vec<f64>>,
    pub(crate) points: Vec<Point>,
}

impl Contour {
    /// Draws the chart.
    pub(crate) fn draw(self) -> Drawing {
        let [(x, x_ticks), (y, y_ticks)] = self.axes;
        let frame = Frame::new(self.size, 0.0, 12.0, Axis::named(x_ticks, &x), Axis::named(y_ticks, &y));
        let mut svg = frame.draw();
        let rows = self.cells.len() as f64;
        svg.push_str(r#"<g shape-rendering="crispEdges">"#);
        for (i, row) in self.cells.iter().enumerate() {
            let columns = row.len() as f64;
            for (j, good) in row.iter().enumerate() {
                let (left, right) = (frame.x(j as f64 / columns), frame.x((j + 1) as f64 / columns));
                let (below, above) = (frame.y(i as f64 / rows), frame.y((i + 1) as f64 / rows));
                let shade = (good * SHADES as f64).round() / SHADES as f64 * 0.6;
                let _ = write!(
                    svg,
                    r#"<rect class="hit" x="{left:.1}" y="{above:.1}" width="{:.1}" height="{:.1}" fill-opacity="{shade:.2}"/>"#,
                    right - left,
                    below - above
                );
            }
        }
        svg.push_str("</g>");
        for Point { x, y, class, opacity, hover } in &self.points {
            let _ = write!(
                svg,
                r#"<circle class="{class}" cx="{:.1}" cy="{:.1}" r="3.6" fill-opacity="{opacity:.2}"><title>{}</title></circle>"#,
                frame.x(*x),
                frame.y(*y),
                escape(hover)
            );
        }
        Drawing::new(self.caption, self.size, svg)
    }
}
