//! Positions and labels of an axis's ticks.

use crate::report::text;

/// A logarithmic axis whose ends differ by no more than this factor is ticked like a linear one.
const NARROW: f64 = 8.0;

/// Round values (1, 2 or 5 times a power of ten apart) within a range, about as many as requested.
pub(crate) fn linear(low: f64, high: f64, about: usize) -> Vec<f64> {
    let step = step(low, high, about);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|k| k as f64 * step).collect()
}

/// The round step that gives about this many ticks.
fn step(low: f64, high: f64, about: usize) -> f64 {
    let rough = (high - low) / about.max(1) as f64;
    let magnitude = 10f64.powf(rough.log10().floor());
    let leading = rough / magnitude;
    magnitude * [1.0, 2.0, 5.0].into_iter().find(|round| leading <= round * 1.2).unwrap_or(10.0)
}

/// Powers of ten within a range, thinned where there are many, with 2 and 5 in between where there are few; evenly
/// spaced round values where the range spans less than a power of ten.
pub(crate) fn log(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let decades = last - first;
    if high < NARROW * low {
        return linear(low, high, 5);
    }
    let multiples: &[f64] = if high < 300.0 * low { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let every = (decades / 7 + 1).max(1);
    (first..=last)
        .filter(|power| power.rem_euclid(every) == 0)
        .flat_map(|power| multiples.iter().map(move |m| m * 10f64.powi(power)))
        .filter(|tick| (low * 0.999..=high * 1.001).contains(tick))
        .collect()
}

/// The ticks' labels, all with the number of decimals that their step needs.
pub(crate) fn linear_labels(ticks: &[f64]) -> Vec<String> {
    let step = ticks.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    let largest = ticks.iter().fold(0.0, |most: f64, tick| most.max(tick.abs()));
    if largest >= 1e7 || (largest > 0.0 && largest < 1e-4) {
        return ticks.iter().map(|&tick| text::number(tick, 2)).collect();
    }
    let decimals = if step.is_finite() { (-(step * 1.001).log10().floor()).clamp(0.0, 8.0) as usize } else { 0 };
    ticks.iter().map(|&tick| text::fixed(tick, decimals)).collect()
}

/// The ticks' labels: plain numbers if all are short, otherwise powers of ten.
pub(crate) fn log_labels(ticks: &[f64]) -> Vec<String> {
    if ticks.first().zip(ticks.last()).is_some_and(|(first, last)| *last < NARROW * first) {
        return linear_labels(ticks);
    }
    let plain = ticks.iter().all(|tick| (0.9e-3..2e5).contains(tick));
    ticks
        .iter()
        .map(|&tick| {
            let power = tick.log10().floor();
            match tick / 10f64.powf(power) {
                _ if plain => text::fixed(tick, (-power).max(0.0) as usize),
                m if m < 1.5 => text::power_of_ten(power as i32),
                m => format!("{m:.0}·{}", text::power_of_ten(power as i32)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_ticks_are_round_and_inside() {
        assert_eq!(linear(0.0, 10.0, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(linear(0.13, 0.47, 4), [0.2, 0.30000000000000004, 0.4]);
        assert_eq!(linear_labels(&linear(0.13, 0.47, 4)), ["0.2", "0.3", "0.4"]);
        assert_eq!(linear_labels(&linear(-2e3, 2e3, 4)), ["−2,000", "−1,000", "0", "1,000", "2,000"]);
        assert_eq!(linear_labels(&linear(0.90, 0.98, 4)), ["0.90", "0.92", "0.94", "0.96", "0.98"]);
    }

    #[test]
    fn log_ticks_are_powers_of_ten() {
        assert_eq!(log_labels(&log(0.005, 3.0)), ["0.01", "0.1", "1"]);
        assert_eq!(log_labels(&log(0.04, 0.6)), ["0.05", "0.1", "0.2", "0.5"]);
        assert_eq!(log_labels(&log(1e-9, 1.0)).last().unwrap(), "10⁰");
        assert_eq!(log_labels(&log(0.7, 1.9)), ["0.8", "1.0", "1.2", "1.4", "1.6", "1.8"]);
        assert!(log(1e-20, 1.0).len() <= 9);
    }
}
