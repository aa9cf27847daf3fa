//! Predicted probabilities against the shares that came true, with how many predictions there were.

use std::fmt::Write;

use super::axis::{Axis, Frame};
use super::{Caption, Drawing};
use crate::report::text::{count, escape, width};

/// The height of the highest bar, as a share of the frame.
const HIGHEST_BAR: f64 = 0.16;

/// Predictions of about the same probability.
#[derive(Debug, Clone)]
pub(crate) struct ReliabilityBin {
    /// The probabilities between which they are.
    pub(crate) ends: [f64; 2],
    pub(crate) count: usize,
    /// Their mean probability.
    pub(crate) predicted: f64,
    /// The share that came true.
    pub(crate) observed: f64,
    /// The interval of that share.
    pub(crate) interval: [f64; 2],
    /// The tooltip.
    pub(crate) hover: String,
}

/// A reliability diagram: probabilities from 0 to 1 on both axes.
#[derive(Debug, Clone)]
pub(crate) struct Reliability {
    /// Name, title, description.
    pub(crate) caption: Caption,
    /// Width and height.
    pub(crate) size: (f64, f64),
    /// Names of the axes.
    pub(crate) axes: (String, String),
    pub(crate) bins: Vec<ReliabilityBin>,
}

impl Reliability {
    /// Draws the chart: counts as bars at the bottom, points with error bars, and the diagonal.
    pub(crate) fn draw(self) -> Drawing {
        let axis = |name: &str| Axis::exact(0.0, 1.0, name, 5);
        let frame = Frame::new(self.size, 0.0, 16.0, axis(&self.axes.0), axis(&self.axes.1));
        let mut svg = frame.draw();
        let most = self.bins.iter().map(|bin| bin.count).max().unwrap_or(1).max(1) as f64;
        for bin in &self.bins {
            let [from, to] = bin.ends.map(|end| frame.x(end));
            let height = (bin.count as f64 / most * HIGHEST_BAR * (frame.bottom - frame.top)).max(1.0);
            let _ = write!(
                svg,
                r#"<rect class="bar" x="{:.1}" y="{:.1}" width="{:.1}" height="{height:.1}"/>"#,
                from + 1.0,
                frame.bottom - height,
                to - from - 2.0
            );
            let text = count(bin.count);
            if width(&text, 10.0) < to - from {
                let (x, y) = ((from + to) / 2.0, frame.bottom - height - 4.0);
                let _ = write!(svg, r#"<text class="small middle" x="{x:.1}" y="{y:.1}">{text}</text>"#);
            }
        }
        let Frame { left, right, top, bottom, .. } = frame;
        let _ = write!(svg, r#"<path class="ideal" d="M{left:.1} {bottom:.1}L{right:.1} {top:.1}"/>"#);
        for bin in &self.bins {
            let (x, y) = (frame.x(bin.predicted), frame.y(bin.observed));
            let [low, high] = bin.interval.map(|end| frame.y(end));
            let _ = write!(
                svg,
                concat!(
                    r#"<g><title>{}</title><path class="line train" d="M{:.1} {:.1}V{:.1}"/>"#,
                    r#"<circle class="train" cx="{:.1}" cy="{:.1}" r="4"/></g>"#
                ),
                escape(&bin.hover),
                x,
                low,
                high,
                x,
                y
            );
        }
        Drawing::new(self.caption, self.size, svg)
    }
}
