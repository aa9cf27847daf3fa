//! Lines over epochs or steps, labelled at their ends.

use std::fmt::Write;

use super::axis::{Axis, Frame};
use super::{Caption, Drawing};
use crate::report::text::{self, escape, shorten, width};

/// Vertical space for a line's name.
const NAME_HEIGHT: f64 = 15.0;
/// More points on a line would be indistinguishable.
const BUCKETS: usize = 300;
/// More hover targets would be too narrow to hit.
const HOVERS: usize = 120;

/// One line: points in order of x; a non-finite value breaks it.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// Its name, drawn at its end.
    pub(crate) name: String,
    /// The style class that colours it.
    pub(crate) class: &'static str,
    /// (x, y), in order of x.
    pub(crate) points: Vec<(f64, f64)>,
}

/// A vertical line at a position of note.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    /// Its position.
    pub(crate) x: f64,
    /// Its label.
    pub(crate) text: String,
    /// Whether it marks a problem.
    pub(crate) bad: bool,
}

/// A line chart.
#[derive(Debug, Clone)]
pub(crate) struct LineChart {
    /// Name, title, description.
    pub(crate) caption: Caption,
    /// Width and height.
    pub(crate) size: (f64, f64),
    /// Name of the horizontal axis.
    pub(crate) x: String,
    /// What the horizontal axis is.
    pub(crate) x_axis: XAxis,
    /// Name of the vertical axis.
    pub(crate) y: String,
    /// Whether the vertical axis is logarithmic.
    pub(crate) log: bool,
    /// The lines.
    pub(crate) series: Vec<Series>,
    /// The marks.
    pub(crate) marks: Vec<Mark>,
    /// Lines drawn faintly behind the others.
    pub(crate) behind: Vec<Vec<(f64, f64)>>,
    /// Ticks within the frame that show where values of x are dense.
    pub(crate) rug: Vec<f64>,
    /// (x, low, high) between which the surface is shaded, in order of x.
    pub(crate) band: Vec<(f64, f64, f64)>,
}

/// A horizontal axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum XAxis {
    /// Of integers, such as epochs.
    Whole,
    /// Of any numbers.
    Linear,
    /// Logarithmic.
    #[cfg_attr(not(feature = "tune"), expect(dead_code, reason = "searches alone draw it"))]
    Log,
}

impl LineChart {
    /// Draws the chart.
    pub(crate) fn draw(self) -> Drawing {
        let xs = || self.series.iter().flat_map(|s| &s.points).map(|p| p.0).chain(self.marks.iter().map(|m| m.x));
        let (first, last) = (xs().fold(f64::INFINITY, f64::min), xs().fold(f64::NEG_INFINITY, f64::max));
        let (first, last) = if first.is_finite() { (first, last) } else { (0.0, 1.0) };
        let lines = || self.series.iter().map(|s| &s.points).chain(&self.behind);
        let ends = || self.band.iter().flat_map(|(_, low, high)| [*low, *high]);
        let values = || lines().flatten().map(|p| p.1).chain(ends());
        let y = if self.log { Axis::log(values(), &self.y) } else { Axis::linear(values(), &self.y, 5) };
        let names = self.series.iter().map(|s| width(&shorten(&s.name, 22), 12.0)).fold(0.0, f64::max) + 24.0;
        let top = if self.marks.is_empty() { 0.0 } else { 20.0 };
        let x = match self.x_axis {
            XAxis::Log => Axis::log(xs(), &self.x),
            XAxis::Whole => Axis::whole(first, last, &self.x, 6),
            XAxis::Linear => Axis::tight(xs(), &self.x, 6),
        };
        let frame = Frame::new(self.size, top, names, x, y);
        let mut svg = frame.draw();
        self.draw_marks(&frame, &mut svg);
        for tick in &self.rug {
            let _ = write!(svg, r#"<path class="whisker" d="M{:.1} {:.1}v-7"/>"#, frame.x(*tick), frame.bottom);
        }
        if self.band.len() > 1 {
            let point = |x: f64, y: f64| format!("{:.1} {:.1}", frame.x(x), frame.y(y));
            let low = self.band.iter().map(|&(x, low, _)| point(x, low));
            let high = self.band.iter().rev().map(|&(x, _, high)| point(x, high));
            let _ = write!(svg, r#"<path class="area" d="M{}Z"/>"#, low.chain(high).collect::<Vec<_>>().join("L"));
        }
        for points in &self.behind {
            draw_pieces(points, self.log, "faint train", &frame, &mut svg);
        }
        for series in &self.series {
            draw_line(series, self.log, &frame, &mut svg);
        }
        self.draw_names(&frame, &mut svg);
        self.draw_hovers(&frame, &mut svg);
        Drawing::new(self.caption, self.size, svg)
    }

    fn draw_marks(&self, frame: &Frame, svg: &mut String) {
        // Labels of marks share one row at the top; one that would overlap its neighbour is omitted, its line kept.
        let mut free_from = f64::NEG_INFINITY;
        let mut marks: Vec<&Mark> = self.marks.iter().collect();
        marks.sort_by(|a, b| a.x.total_cmp(&b.x));
        for mark in marks {
            let x = frame.x(mark.x);
            let class = if mark.bad { "mark bad" } else { "mark" };
            let _ = write!(svg, r#"<path class="{class}" d="M{x:.1} {:.1}V{:.1}"/>"#, frame.top - 4.0, frame.bottom);
            let half = width(&mark.text, 12.0) / 2.0;
            let middle = x.clamp(frame.left + half, (frame.right - half + 20.0).max(frame.left + half));
            if middle - half > free_from && !mark.text.is_empty() {
                let class = if mark.bad { "middle strong bad" } else { "middle strong" };
                let y = frame.top - 9.0;
                let _ =
                    write!(svg, r#"<text class="{class}" x="{middle:.1}" y="{y:.1}">{}</text>"#, escape(&mark.text));
                free_from = middle + half + 8.0;
            }
        }
    }

    /// Each line's name at its end, shifted to avoid overlap; where there are too many, an evenly spaced selection.
    fn draw_names(&self, frame: &Frame, svg: &mut String) {
        let ends: Vec<(&Series, f64, f64)> = self
            .series
            .iter()
            .filter(|s| !s.name.is_empty())
            .filter_map(|s| {
                let (x, y) = *s.points.iter().rev().find(|(_, y)| drawable(*y, self.log))?;
                Some((s, frame.x(x), frame.y(y)))
            })
            .collect();
        let room = ((frame.bottom - frame.top) / NAME_HEIGHT) as usize + 1;
        let mut chosen: Vec<_> = match ends.len() {
            n if n > room => (0..room).map(|i| ends[i * (n - 1) / (room - 1)]).collect(),
            _ => ends,
        };
        chosen.sort_by(|a, b| a.2.total_cmp(&b.2));
        let places = apart(&chosen.iter().map(|end| end.2).collect::<Vec<_>>(), NAME_HEIGHT, frame.top, frame.bottom);
        for ((series, x, y), place) in chosen.into_iter().zip(places) {
            let (from, to) = (x + 3.0, frame.right + 12.0);
            let class = series.class;
            let _ = write!(svg, r#"<path class="leader {class}" d="M{from:.1} {y:.1}L{to:.1} {place:.1}"/>"#);
            let name = escape(&shorten(&series.name, 22));
            let _ = write!(svg, r#"<text class="strong" x="{:.1}" y="{:.1}">{name}</text>"#, to + 4.0, place + 4.0);
        }
    }

    /// Invisible strips with the values as tooltips.
    fn draw_hovers(&self, frame: &Frame, svg: &mut String) {
        let mut xs: Vec<f64> = self.series.iter().flat_map(|s| s.points.iter().map(|p| p.0)).collect();
        xs.sort_by(f64::total_cmp);
        xs.dedup();
        let every = xs.len().div_ceil(HOVERS).max(1);
        let strip = (frame.right - frame.left) / (xs.len().div_ceil(every).max(2) - 1) as f64;
        for &x in xs.iter().step_by(every) {
            let place = match self.x_axis {
                XAxis::Whole => text::fixed(x, 0),
                XAxis::Linear => text::number(x, 4),
                XAxis::Log => text::number(x, 3),
            };
            let mut says = format!("{} {place}", self.x);
            for series in self.series.iter().take(16) {
                if let Ok(at) = series.points.binary_search_by(|p| p.0.total_cmp(&x)) {
                    let _ = write!(says, " · {} {}", series.name, text::number(series.points[at].1, 4));
                }
            }
            let from = (frame.x(x) - strip / 2.0).max(frame.left);
            let to = (frame.x(x) + strip / 2.0).min(frame.right);
            let (top, height) = (frame.top, frame.bottom - frame.top);
            let _ = write!(
                svg,
                r#"<rect class="hover" x="{from:.1}" y="{top:.1}" width="{:.1}" height="{height:.1}"><title>{}</title></rect>"#,
                (to - from).max(1.0),
                escape(&says)
            );
        }
    }
}

fn drawable(value: f64, log: bool) -> bool {
    value.is_finite() && (!log || value > 0.0)
}

fn draw_line(series: &Series, log: bool, frame: &Frame, svg: &mut String) {
    let class = series.class;
    if series.points.len() > 2 * BUCKETS {
        // Too many points to tell apart: their range is drawn faintly behind their means.
        draw_pieces(&decimate(&series.points, BUCKETS), log, &format!("faint {class}"), frame, svg);
        draw_pieces(&means(&series.points, BUCKETS / 2), log, class, frame, svg);
        return;
    }
    for piece in draw_pieces(&series.points, log, class, frame, svg) {
        // A segment of few points shows markers; one of a single point would otherwise be invisible.
        if piece.len() <= 8 {
            for (x, y) in piece {
                let _ = write!(svg, r#"<circle class="dot {class}" cx="{x:.1}" cy="{y:.1}" r="3.5"/>"#);
            }
        }
    }
}

/// Draws a line in the pieces that values which cannot be drawn leave of it; returns these, in the drawing's units.
fn draw_pieces(points: &[(f64, f64)], log: bool, class: &str, frame: &Frame, svg: &mut String) -> Vec<Vec<(f64, f64)>> {
    let pieces = points.split(|(_, y)| !drawable(*y, log)).filter(|piece| !piece.is_empty());
    let pieces: Vec<Vec<(f64, f64)>> =
        pieces.map(|piece| piece.iter().map(|&(x, y)| (frame.x(x), frame.y(y))).collect()).collect();
    for piece in &pieces {
        let path: Vec<String> = piece.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        let _ = write!(svg, r#"<path class="line {class}" d="M{}"/>"#, path.join("L"));
    }
    pieces
}

/// One point per bucket: the mean of its points, non-finite if any of them is.
fn means(points: &[(f64, f64)], buckets: usize) -> Vec<(f64, f64)> {
    let bucket = |b: usize| {
        let slice = &points[b * points.len() / buckets..(b + 1) * points.len() / buckets];
        // Divided first: the sum of large values may overflow.
        let share = 1.0 / slice.len() as f64;
        slice.iter().fold((0.0, 0.0), |mean, p| (mean.0 + p.0 * share, mean.1 + p.1 * share))
    };
    (0..buckets).map(bucket).collect()
}

/// At most two points per bucket, the minimum and the maximum, so that no peak is lost; the ends always stay.
fn decimate(points: &[(f64, f64)], buckets: usize) -> Vec<(f64, f64)> {
    let mut kept = vec![points[0]];
    for bucket in 0..buckets {
        let inner = &points[1..points.len() - 1];
        let slice = &inner[bucket * inner.len() / buckets..(bucket + 1) * inner.len() / buckets];
        if let Some(broken) = slice.iter().find(|p| !p.1.is_finite()) {
            kept.push(*broken);
            continue;
        }
        let low = (0..slice.len()).min_by(|&a, &b| slice[a].1.total_cmp(&slice[b].1));
        let high = (0..slice.len()).max_by(|&a, &b| slice[a].1.total_cmp(&slice[b].1));
        if let (Some(low), Some(high)) = (low, high) {
            kept.push(slice[low.min(high)]);
            if low != high {
                kept.push(slice[low.max(high)]);
            }
        }
    }
    kept.push(points[points.len() - 1]);
    kept
}

/// Sorted positions as close as possible to the requested ones (also sorted), at a minimum distance and within bounds.
fn apart(wished: &[f64], distance: f64, low: f64, high: f64) -> Vec<f64> {
    let mut places = wished.to_vec();
    for i in 1..places.len() {
        places[i] = places[i].max(places[i - 1] + distance);
    }
    let mut limit = high;
    for place in places.iter_mut().rev() {
        *place = place.min(limit);
        limit = *place - distance;
    }
    let shift = (low - places.first().copied().unwrap_or(low)).max(0.0);
    places.iter_mut().for_each(|place| *place += shift);
    // Positions shifted further down than necessary move back up as far as their predecessors allow.
    for i in (0..places.len()).rev() {
        let most_up = if i == 0 { low } else { places[i - 1] + distance };
        if places[i] > wished[i] {
            places[i] = wished[i].max(most_up);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimation_keeps_ends_peaks_and_breaks() {
        let mut points: Vec<(f64, f64)> = (0..10_000).map(|i| (i as f64, (i as f64 / 100.0).sin())).collect();
        points[5_001].1 = 50.0;
        points[7_000].1 = f64::NAN;
        let kept = decimate(&points, BUCKETS);
        assert!(kept.len() <= 2 * BUCKETS + 2);
        assert_eq!((kept[0].0, kept[kept.len() - 1].0), (0.0, 9_999.0));
        assert!(kept.contains(&(5_001.0, 50.0)));
        assert!(kept.iter().any(|p| p.1.is_nan()));
        assert!(kept.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let flat = means(&points[..5_000], 50);
        assert_eq!(flat.len(), 50);
        assert!((flat[0].1 - points[..100].iter().map(|p| p.1).sum::<f64>() / 100.0).abs() < 1e-12);
    }

    #[test]
    fn names_are_moved_apart_within_bounds() {
        let places = apart(&[10.0, 11.0, 12.0, 98.0, 99.0], 15.0, 0.0, 100.0);
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= 15.0 - 1e-9), "{places:?}");
        assert!(places[0] >= 0.0 && places[4] <= 100.0, "{places:?}");
        assert_eq!(apart(&[10.0, 50.0], 15.0, 0.0, 100.0), [10.0, 50.0]);
    }
}
