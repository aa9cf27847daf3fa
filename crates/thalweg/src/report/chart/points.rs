//! Points with tooltips, in one or more panels.

use std::fmt::Write;

use super::axis::{Axis, Frame};
use super::{Caption, Drawing};
use crate::report::text::escape;

/// One point.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// Its class: `train`, `dev` or `test`.
    pub(crate) class: &'static str,
    /// Its opacity, from 0 to 1.
    pub(crate) opacity: f64,
    /// Its tooltip.
    pub(crate) hover: String,
}

/// The values of a horizontal axis.
#[derive(Debug, Clone)]
pub(crate) enum Along {
    /// Integers in a range.
    #[cfg_attr(not(feature = "tune"), expect(dead_code, reason = "searches alone draw it"))]
    Whole(f64, f64),
    /// Positions from 0 to 1, with labels at some of them.
    Named(Vec<(f64, String)>),
}

/// Points over one horizontal axis.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    /// The name of its horizontal axis.
    pub(crate) name: String,
    pub(crate) along: Along,
    pub(crate) points: Vec<Point>,
    /// A step line drawn on top, such as the best so far.
    pub(crate) steps: Vec<(f64, f64)>,
}

/// Panels side by side, sharing one vertical scale.
#[derive(Debug, Clone)]
pub(crate) struct Points {
    /// Name, title, description.
    pub(crate) caption: Caption,
    /// Width and height of a panel.
    pub(crate) size: (f64, f64),
    /// Panels per row.
    pub(crate) columns: usize,
    /// The name of the vertical axis.
    pub(crate) y: String,
    /// The range of the vertical axis.
    pub(crate) range: (f64, f64),
    pub(crate) panels: Vec<Panel>,
}

impl Along {
    pub(crate) fn axis(&self, name: &str) -> Axis {
        match self {
            Along::Whole(low, high) => Axis::whole(*low, *high, name, 6),
            Along::Named(ticks) => Axis::named(ticks.clone(), name),
        }
    }
}

impl Points {
    /// Draws the chart; points out of range are drawn at its edge.
    pub(crate) fn draw(self) -> Drawing {
        const GAP: f64 = 28.0;
        let (width, height) = self.size;
        let columns = self.columns.min(self.panels.len()).max(1);
        let rows = self.panels.len().div_ceil(columns);
        let mut svg = String::new();
        for (i, panel) in self.panels.iter().enumerate() {
            let (left, top) = ((i % columns) as f64 * (width + GAP), (i / columns) as f64 * (height + GAP));
            let y = Axis::linear([self.range.0, self.range.1].into_iter(), &self.y, 5);
            let frame = Frame::new(self.size, 0.0, 12.0, panel.along.axis(&panel.name), y);
            let _ = write!(svg, r#"<g transform="translate({left:.1} {top:.1})">{}"#, frame.draw());
            let inside = |y: f64| y.clamp(self.range.0, self.range.1);
            for Point { x, y, class, opacity, hover } in &panel.points {
                let (x, y) = (frame.x(*x), frame.y(inside(*y)));
                let _ = write!(
                    svg,
                    r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="3.6" fill-opacity="{opacity:.2}"><title>{}</title></circle>"#,
                    escape(hover)
                );
            }
            if let Some((first, rest)) = panel.steps.split_first() {
                let _ = write!(
                    svg,
                    r#"<path class="line dev" d="M{:.1} {:.1}"#,
                    frame.x(first.0),
                    frame.y(inside(first.1))
                );
                for (x, y) in rest {
                    let _ = write!(svg, "H{:.1}V{:.1}", frame.x(*x), frame.y(inside(*y)));
                }
                svg.push_str(r#""/>"#);
            }
            svg.push_str("</g>");
        }
        let size = (columns as f64 * (width + GAP) - GAP, rows as f64 * (height + GAP) - GAP);
        Drawing::new(self.caption, size, svg)
    }
}
