//! Parallel coordinates: one vertical axis per option, one line across them per trial.

use std::fmt::Write;

use super::{Caption, Drawing};
use crate::report::text::{escape, shorten, width};

/// One vertical axis.
#[derive(Debug, Clone)]
pub(crate) struct Upright {
    pub(crate) name: String,
    /// Positions from 0 (bottom) to 1 with their labels.
    pub(crate) ticks: Vec<(f64, String)>,
}

/// One line: a position on each axis, none where it skips the axis.
#[derive(Debug, Clone)]
pub(crate) struct Thread {
    pub(crate) places: Vec<Option<f64>>,
    /// Its class: `layer-0` to `layer-7`.
    pub(crate) class: &'static str,
    /// Its opacity, from 0 to 1.
    pub(crate) opacity: f64,
    /// Its tooltip.
    pub(crate) hover: String,
}

/// A parallel-coordinates chart.
#[derive(Debug, Clone)]
pub(crate) struct Parallel {
    /// Name, title, description.
    pub(crate) caption: Caption,
    /// Width and height.
    pub(crate) size: (f64, f64),
    pub(crate) axes: Vec<Upright>,
    /// In drawing order: the last one is on top.
    pub(crate) threads: Vec<Thread>,
}

impl Parallel {
    /// Draws the chart.
    pub(crate) fn draw(self) -> Drawing {
        let (top, bottom) = (40.0, self.size.1 - 12.0);
        let widest =
            |axis: &Upright| axis.ticks.iter().map(|(_, name)| width(&shorten(name, 12), 12.0)).fold(0.0, f64::max);
        let left = self.axes.first().map_or(0.0, widest) + 12.0;
        let right = self.size.0 - 20.0;
        let step = (right - left) / (self.axes.len().max(2) - 1) as f64;
        let at = |axis: usize, place: f64| (left + axis as f64 * step, bottom - place * (bottom - top));
        let mut svg = String::new();
        for Thread { places, class, opacity, hover } in &self.threads {
            let points: Vec<String> = places
                .iter()
                .enumerate()
                .filter_map(|(axis, place)| Some(at(axis, (*place)?)))
                .map(|(x, y)| format!("{x:.1} {y:.1}"))
                .collect();
            if points.len() > 1 {
                let _ = write!(
                    svg,
                    r#"<path class="line {class}" stroke-opacity="{opacity:.2}" d="M{}"><title>{}</title></path>"#,
                    points.join("L"),
                    escape(hover)
                );
            }
        }
        for (i, axis) in self.axes.iter().enumerate() {
            let x = at(i, 0.0).0;
            let _ = write!(svg, r#"<path class="axis" d="M{x:.1} {top:.1}V{bottom:.1}"/>"#);
            // Neighbouring names alternate between two heights, so that long ones do not overlap.
            let height = if i % 2 == 0 { 12.0 } else { 27.0 };
            let place = match i {
                0 => "",
                _ if i + 1 == self.axes.len() => "end ",
                _ => "middle ",
            };
            let from = if i == 0 {
                0.0
            } else if i + 1 == self.axes.len() {
                self.size.0
            } else {
                x
            };
            let _ = write!(
                svg,
                r#"<text class="{place}strong" x="{from:.1}" y="{height}">{}</text>"#,
                escape(&shorten(&axis.name, 20))
            );
            for (place, name) in &axis.ticks {
                let (x, y) = at(i, *place);
                let _ = write!(svg, r#"<path class="axis" d="M{:.1} {y:.1}h4"/>"#, x - 4.0);
                let _ = write!(
                    svg,
                    r#"<text class="tick end" x="{:.1}" y="{:.1}">{}</text>"#,
                    x - 7.0,
                    y + 4.0,
                    escape(&shorten(name, 12))
                );
            }
        }
        Drawing::new(self.caption, self.size, svg)
    }
}
