//! Which parts of the calendar are inputs: those that the training steps can have a pattern by.

use super::{CalendarPart, Clock, Series, TimeStep};
use crate::data::dates;

/// Harmonics of a cycle.
const HARMONICS: u8 = 3;
const DAY: f64 = 86_400.0;
const WEEK: f64 = 7.0 * DAY;
const YEAR: f64 = 365.25 * DAY;
/// The F statistic from which days of the week differ: without a pattern about one in a hundred series has it.
const DIFFERENT: f64 = 3.0;

/// The parts of the calendar for so many steps before dev, of which each cycle comes twice at least.
pub(super) fn parts(clock: &Clock, series: &[Series], steps: usize, dev: i64) -> Vec<CalendarPart> {
    let Some(step) = clock.seconds() else { return Vec::new() };
    let length = steps as f64 * if clock.step == TimeStep::Weekdays { WEEK / 5.0 } else { step };
    let harmonics = |cycle: f64| {
        let some = move |times: &u8| length >= 2.0 * cycle && 2.0 * f64::from(*times) * step < cycle;
        (1..=HARMONICS).filter(some)
    };
    let mut parts = Vec::new();
    if step <= DAY && length >= 4.0 * WEEK && weekly_pattern(clock, series, dev) > DIFFERENT {
        parts.push(CalendarPart::Weekday);
    }
    parts.extend(harmonics(YEAR).map(CalendarPart::Year));
    if step < DAY {
        parts.extend(harmonics(DAY).map(CalendarPart::Day));
    }
    parts
}

/// The F statistic of a one-way analysis of variance by the day of the week, of how far values before dev are from the
/// mean of the week around them; 0 where there are too few.
fn weekly_pattern(clock: &Clock, series: &[Series], dev: i64) -> f64 {
    let week = match (clock.step, clock.seconds()) {
        (TimeStep::Weekdays, _) => 5,
        (_, Some(step)) => (WEEK / step).round() as usize,
        (_, None) => return 0.0,
    };
    // Count, sum and sum of squares of each day.
    let mut days = [(0.0, 0.0, 0.0); 7];
    for series in series {
        let values = series.trained(dev);
        let size = values.iter().map(|value| value.abs()).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        for (start, around) in values.windows(week).enumerate() {
            let at = start + week / 2;
            let Some(date) = clock.date(series.first + at as i64) else { continue };
            let mean = around.iter().sum::<f64>() / week as f64;
            let apart = (values[at] - mean) / size;
            let (count, sum, squares) = &mut days[dates::weekday(date)];
            *count += 1.0;
            *sum += apart;
            *squares += apart * apart;
        }
    }
    let days = || days.iter().filter(|(count, ..)| *count > 0.0);
    let (groups, n) = (days().count() as f64, days().map(|(count, ..)| count).sum::<f64>());
    let mean = days().map(|(_, sum, _)| sum).sum::<f64>() / n;
    let between: f64 = days().map(|(count, sum, _)| count * (sum / count - mean).powi(2)).sum();
    let within: f64 = days().map(|(count, sum, squares)| (squares - sum * sum / count).max(0.0)).sum();
    let f = (between / (groups - 1.0)) / (within / (n - groups));
    if n > groups && groups > 1.0 && !f.is_nan() { f } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(values: impl Iterator<Item = f64>) -> [Series; 1] {
        let values: Vec<f64> = values.collect();
        [Series { filled: values.clone(), values, ..Series::default() }]
    }

    fn clock() -> Clock {
        Clock::detect(&[vec![0.0, DAY]], Some(dates::ISO)).unwrap()
    }

    #[test]
    fn a_weekly_pattern_is_told_from_chance() {
        // Knuth's MMIX generator.
        let mut random = 1_u64;
        let mut unit = || {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (random >> 11) as f64 / (1_u64 << 53) as f64
        };
        let noise: Vec<f64> = (0..1000).map(|_| unit()).collect();
        let f = |weekend: f64| {
            let value = |(day, noise): (usize, &f64)| noise + if day % 7 < 2 { weekend } else { 0.0 };
            weekly_pattern(&clock(), &days(noise.iter().enumerate().map(value)), 1000)
        };
        assert!(f(0.0) < DIFFERENT && f(0.5) > DIFFERENT, "{} {}", f(0.0), f(0.5));
        // Whatever lies in dev or later makes no difference.
        let later = noise.iter().enumerate().map(|(day, x)| if day < 500 { *x } else { (day % 7) as f64 });
        assert_eq!(weekly_pattern(&clock(), &days(later), 500), {
            weekly_pattern(&clock(), &days(noise[..500].iter().copied()), 500)
        });
    }

    #[test]
    fn each_cycle_comes_twice() {
        let of = |steps| parts(&clock(), &days((0..steps).map(|day| (day % 7) as f64)), steps, steps as i64);
        assert_eq!(of(20), []);
        assert_eq!(of(100), [CalendarPart::Weekday]);
        assert_eq!(
            of(731),
            [CalendarPart::Weekday, CalendarPart::Year(1), CalendarPart::Year(2), CalendarPart::Year(3)]
        );
        let hours = Clock::detect(&[vec![0.0, DAY / 24.0]], Some(dates::ISO)).unwrap();
        let day = [1, 2, 3].map(CalendarPart::Day);
        assert_eq!(parts(&hours, &days((0..48).map(f64::from)), 48, 48), day);
    }
}
