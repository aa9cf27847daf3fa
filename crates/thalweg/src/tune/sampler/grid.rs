//! Every combination of a few values of each dimension.

use crate::config::Tune;
use crate::tune::space::{Point, Scale, Space};

/// The combinations, in which the first dimension changes slowest; those the constraints forbid are left out.
fn points(space: &Space, tune: &Tune) -> impl Iterator<Item = Point> {
    let axes: Vec<Vec<f64>> = sizes(space, tune).into_iter().zip(&space.dimensions).map(axis).collect();
    let all = combinations(axes.iter().map(Vec::len));
    let mut last = None;
    (0..all).filter_map(move |mut index| {
        let mut places = vec![0.0; axes.len()];
        for (place, axis) in places.iter_mut().zip(&axes).rev() {
            *place = axis[index % axis.len()];
            index /= axis.len();
        }
        // Dimensions that do not count make combinations alike.
        let point = space.point(&places);
        let new = space.allows(&point) && last.as_ref() != Some(&point);
        last = Some(point.clone());
        new.then_some(point)
    })
}

/// How many combinations of so many values there are; more than can be counted are as many as can.
fn combinations(sizes: impl Iterator<Item = usize>) -> usize {
    sizes.fold(1, usize::saturating_mul)
}

/// Places from one end of the scale to the other.
fn axis((size, dimension): (usize, &crate::tune::space::Dimension)) -> Vec<f64> {
    match &dimension.scale {
        Scale::Choice(_) => (0..size).map(|i| (i as f64 + 0.5) / size as f64).collect(),
        _ if size == 1 => vec![0.5],
        _ => (0..size).map(|i| i as f64 / (size - 1) as f64).collect(),
    }
}

/// Values of each dimension: all choices, and of ranges as many as are asked for or as the trials allow.
fn sizes(space: &Space, tune: &Tune) -> Vec<usize> {
    let least = |scale: &Scale| if let Scale::Choice(choices) = scale { choices.len() } else { 1 };
    let most = |scale: &Scale| scale.count().unwrap_or(usize::MAX);
    let mut sizes: Vec<usize> = space.dimensions.iter().map(|dimension| least(&dimension.scale)).collect();
    if let Some(points) = tune.points {
        let size = |(size, dimension): (&usize, &crate::tune::space::Dimension)| match dimension.scale {
            Scale::Choice(_) => *size,
            _ => points.min(most(&dimension.scale)),
        };
        return sizes.iter().zip(&space.dimensions).map(size).collect();
    }
    loop {
        // The coarsest range is refined next, as long as the trials allow it.
        let finer = |i: &usize| {
            let grown = combinations(sizes.iter().enumerate().map(|(j, size)| size + usize::from(j == *i)));
            sizes[*i] < most(&space.dimensions[*i].scale) && grown <= tune.trials
        };
        let Some(i) = (0..sizes.len()).filter(finer).min_by_key(|i| sizes[*i]) else { return sizes };
        sizes[i] += 1;
    }
}

/// Combination number `index`.
pub(super) fn point(space: &Space, tune: &Tune, index: usize) -> Option<Point> {
    points(space, tune).nth(index)
}

/// How many combinations there are, counted as far as there are trials for them.
pub(super) fn count(space: &Space, tune: &Tune) -> usize {
    points(space, tune).take(tune.trials).count()
}
