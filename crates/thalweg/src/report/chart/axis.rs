//! An axis, and the frame that two axes form.

use std::fmt::Write;

use super::ticks;
use crate::report::text::{escape, width};

/// Smaller magnitudes are drawn at 0 and those above its inverse at that bound, so that an axis's arithmetic neither
/// overflows nor underflows.
const TINY: f64 = 1e-300;
/// Values whose relative difference is smaller are drawn as one.
const ALIKE: f64 = 1e-12;

/// A range of values, linear or logarithmic, with its ticks.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    log: bool,
    ticks: Vec<(f64, String)>,
    name: String,
}

impl Axis {
    /// A linear axis around finite values, slightly padded; starts at 0 where they come close to it.
    pub(crate) fn linear(values: impl Iterator<Item = f64>, name: &str, about: usize) -> Axis {
        let (mut low, mut high) = range(values.map(bounded)).unwrap_or((0.0, 1.0));
        let size = high.abs().max(low.abs());
        let span = if high - low > ALIKE * size { high - low } else { size.max(1e-12) * 0.2 };
        let from_zero = low >= 0.0 && low < 0.35 * high;
        low = if from_zero { 0.0 } else { low - 0.06 * span };
        high += 0.06 * span;
        Axis::exact(low, high, name, about)
    }

    /// A linear axis from the least to the greatest of finite values; slightly padded where these are one.
    pub(crate) fn tight(values: impl Iterator<Item = f64> + Clone, name: &str, about: usize) -> Axis {
        match range(values.clone().map(bounded)) {
            Some((low, high)) if high - low > ALIKE * high.abs().max(low.abs()) => Axis::exact(low, high, name, about),
            _ => Axis::linear(values, name, about),
        }
    }

    /// A linear axis over exactly this range.
    pub(crate) fn exact(low: f64, high: f64, name: &str, about: usize) -> Axis {
        let values = ticks::linear(low, high, about);
        let labels = ticks::linear_labels(&values);
        Axis { low, high, log: false, ticks: values.into_iter().zip(labels).collect(), name: name.into() }
    }

    /// An integer axis over the given range, such as epochs.
    pub(crate) fn whole(low: f64, high: f64, name: &str, about: usize) -> Axis {
        if high <= low {
            let ticks = vec![(low, crate::report::text::fixed(low, 0))];
            // Adding 1 to a number with many digits is lost in rounding.
            let beside = (1e-6 * low.abs()).max(1.0);
            return Axis { low: low - beside, high: low + beside, log: false, ticks, name: name.into() };
        }
        let mut axis = Axis::exact(low, high, name, about.min((high - low) as usize));
        // The first epoch gets a label of its own if there is space before the next one.
        let next = axis.ticks.first().map_or(high, |(value, _)| *value);
        if next - low > 0.1 * (high - low) {
            axis.ticks.insert(0, (low, crate::report::text::fixed(low, 0)));
        }
        axis
    }

    /// An axis over positions from 0 to 1, with labels at some of them.
    pub(crate) fn named(ticks: Vec<(f64, String)>, name: &str) -> Axis {
        Axis { low: 0.0, high: 1.0, log: false, ticks, name: name.into() }
    }

    /// A logarithmic axis around positive values.
    pub(crate) fn log(values: impl Iterator<Item = f64>, name: &str) -> Axis {
        let (low, high) = range(values.filter(|v| *v > 0.0)).unwrap_or((0.1, 1.0));
        let [low, high] = [low, high].map(|end| end.clamp(TINY, 1.0 / TINY));
        let pad = 10f64.powf(0.06 * (high.log10() - low.log10())).max(1.3);
        // Half a decade remains drawable on both sides.
        let (low, high) = ((low / pad).max(TINY / 3.0), (high * pad).min(3.0 / TINY));
        let values = ticks::log(low, high);
        let labels = ticks::log_labels(&values);
        Axis { low, high, log: true, ticks: values.into_iter().zip(labels).collect(), name: name.into() }
    }

    /// The position of a value between the axis's ends, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        if self.log {
            (value.clamp(self.low, self.high).ln() - self.low.ln()) / (self.high.ln() - self.low.ln())
        } else {
            (bounded(value) - self.low) / (self.high - self.low)
        }
    }

    fn widest_label(&self) -> f64 {
        self.ticks.iter().map(|(_, label)| width(label, 12.0)).fold(0.0, f64::max)
    }
}

/// A value clamped to the drawable range.
fn bounded(value: f64) -> f64 {
    if value.abs() < TINY { 0.0 } else { value.clamp(-1.0 / TINY, 1.0 / TINY) }
}

/// The minimum and maximum of the finite values.
fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|v| v.is_finite()).fold(None, |range, v| match range {
        None => Some((v, v)),
        Some((low, high)) => Some((low.min(v), high.max(v))),
    })
}

/// The rectangle between two axes, in the drawing's units.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
    x: Axis,
    y: Axis,
}

impl Frame {
    /// The frame in a drawing of this size, with space for the axes' labels and margins above and to the right.
    pub(crate) fn new(size: (f64, f64), top: f64, right: f64, x: Axis, y: Axis) -> Frame {
        let left = y.widest_label() + 14.0;
        Frame { left, right: size.0 - right, top: top + 22.0, bottom: size.1 - 44.0, x, y }
    }

    /// The x coordinate of a value.
    pub(crate) fn x(&self, value: f64) -> f64 {
        self.left + self.x.share(value) * (self.right - self.left)
    }

    /// The y coordinate of a value.
    pub(crate) fn y(&self, value: f64) -> f64 {
        self.bottom - self.y.share(value) * (self.bottom - self.top)
    }

    /// Gridlines, axes, ticks and axis names; the vertical axis's name is placed above it, unrotated.
    pub(crate) fn draw(&self) -> String {
        let Frame { left, right, bottom, .. } = *self;
        let mut svg = String::new();
        for (value, label) in &self.y.ticks {
            let y = self.y(*value);
            let _ = write!(svg, r#"<path class="grid" d="M{left:.1} {y:.1}H{right:.1}"/>"#);
            let _ = write!(svg, r#"<text class="tick end" x="{:.1}" y="{:.1}">{label}</text>"#, left - 8.0, y + 4.0);
        }
        let _ = write!(svg, r#"<path class="axis" d="M{left:.1} {bottom:.1}H{right:.1}"/>"#);
        for (value, label) in &self.x.ticks {
            let x = self.x(*value);
            let _ = write!(svg, r#"<path class="axis" d="M{x:.1} {bottom:.1}v4"/>"#);
            let _ = write!(svg, r#"<text class="tick middle" x="{x:.1}" y="{:.1}">{label}</text>"#, bottom + 18.0);
        }
        let middle = (left + right) / 2.0;
        let _ = write!(
            svg,
            r#"<text class="middle" x="{middle:.1}" y="{:.1}">{}</text>"#,
            bottom + 37.0,
            escape(&self.x.name)
        );
        let _ = write!(svg, r#"<text x="0" y="10">{}</text>"#, escape(&self.y.name));
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_and_nothing_at_all_still_make_an_axis() {
        for axis in [
            Axis::linear([3.0].into_iter(), "y", 4),
            Axis::linear([f64::NAN].into_iter(), "y", 4),
            Axis::linear([0.0, 0.0].into_iter(), "y", 4),
            Axis::log([0.0, -1.0].into_iter(), "y"),
            Axis::linear([1e308, 1e308].into_iter(), "y", 5),
            Axis::linear([1e-320, 2e-320].into_iter(), "y", 5),
            Axis::linear([-0.0, 0.0].into_iter(), "y", 5),
            Axis::linear([f64::MIN, f64::MAX].into_iter(), "y", 5),
            Axis::linear([1e300, 1e300 * (1.0 + f64::EPSILON)].into_iter(), "y", 5),
            Axis::log([5e-324, f64::MAX].into_iter(), "y"),
            Axis::log([1e308].into_iter(), "y"),
            Axis::log([1e-320].into_iter(), "y"),
            Axis::tight([f64::MIN, f64::MAX].into_iter(), "x", 6),
            Axis::tight([1e308, 1e308].into_iter(), "x", 6),
            Axis::tight([0.0, f64::NAN].into_iter(), "x", 6),
            Axis::whole(0.0, u64::MAX as f64, "epoch", 6),
            Axis::whole(u64::MAX as f64, u64::MAX as f64, "epoch", 6),
            Axis::whole(1.0, 1.0, "epoch", 6),
        ] {
            assert!((1..=12).contains(&axis.ticks.len()), "{axis:?}");
            assert!(axis.high > axis.low && (axis.high - axis.low).is_normal());
            for value in [axis.low, axis.high, -0.0, 5e-324] {
                assert!(axis.share(value).is_finite(), "{value} on {axis:?}");
            }
        }
    }

    #[test]
    fn a_log_axis_puts_decades_equally_far_apart() {
        let axis = Axis::log([0.01, 100.0].into_iter(), "y");
        let (a, b, c) = (axis.share(0.1), axis.share(1.0), axis.share(10.0));
        assert!((b - a - (c - b)).abs() < 1e-12);
    }

    #[test]
    fn epochs_have_whole_ticks() {
        let axis = Axis::whole(1.0, 3.0, "epoch", 8);
        let labels: Vec<_> = axis.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["1", "2", "3"]);
    }
}
