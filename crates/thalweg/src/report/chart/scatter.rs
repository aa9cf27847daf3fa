//! Points in a plane, with a line of ideal values.

use std::fmt::Write;

use super::axis::{Axis, Frame};
use super::{Caption, Drawing};

/// A scatter plot.
#[derive(Debug, Clone)]
pub(crate) struct Scatter {
    /// Name, title, description.
    pub(crate) caption: Caption,
    /// Width and height.
    pub(crate) size: (f64, f64),
    /// Names of the axes.
    pub(crate) axes: (String, String),
    /// The points; non-finite ones are left out.
    pub(crate) points: Vec<(f64, f64)>,
    /// The slope of the line of ideal values through 0: 1 (the diagonal) or 0.
    pub(crate) ideal: f64,
}

impl Scatter {
    /// Draws the chart. If the diagonal is ideal, both axes share one range.
    pub(crate) fn draw(self) -> Drawing {
        let points: Vec<_> = self.points.iter().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
        let diagonal = self.ideal != 0.0;
        let xs = points.iter().flat_map(|p| if diagonal { vec![p.0, p.1] } else { vec![p.0] });
        let ys = points.iter().flat_map(|p| if diagonal { vec![p.0, p.1] } else { vec![p.1, 0.0] });
        let frame =
            Frame::new(self.size, 0.0, 12.0, Axis::linear(xs, &self.axes.0, 5), Axis::linear(ys, &self.axes.1, 5));
        let mut svg = frame.draw();
        // Many points are drawn small and faint, so that their density shows.
        let (radius, opacity) = match points.len() {
            n if n > 800 => (2.2, 0.35),
            n if n > 150 => (2.6, 0.5),
            _ => (3.2, 0.65),
        };
        let _ = write!(svg, r#"<g class="point" fill-opacity="{opacity}">"#);
        for (x, y) in points {
            let _ = write!(svg, r#"<circle cx="{:.1}" cy="{:.1}" r="{radius}"/>"#, frame.x(*x), frame.y(*y));
        }
        svg.push_str("</g>");
        let (from, to) = if diagonal { ((frame.left, frame.bottom), (frame.right, frame.top)) } else { zero(&frame) };
        let _ = write!(svg, r#"<path class="ideal" d="M{:.1} {:.1}L{:.1} {:.1}"/>"#, from.0, from.1, to.0, to.1);
        Drawing::new(self.caption, self.size, svg)
    }
}

fn zero(frame: &Frame) -> ((f64, f64), (f64, f64)) {
    ((frame.left, frame.y(0.0)), (frame.right, frame.y(0.0)))
}
