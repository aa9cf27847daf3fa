//! Every combination of a few values of each dimension.

use crate::config::Tune;
use crate::tune::space::{Point, Scale, Space};

/// The combinations that satisfy the constraints; the first dimension varies slowest.
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
        // Inactive dimensions produce duplicate points.
        let point = space.point(&places);
        let new = space.allows(&point) && last.as_ref() != Some(&point);
        last = Some(point.clone());
        new.then_some(point)
    })
}

/// The number of combinations of these sizes, saturating.
fn combinations(sizes: impl Iterator<Item = usize>) -> usize {
    sizes.fold(1, usize::saturating_mul)
}

/// Positions from one end of the scale to the other.
fn axis((size, dimension): (usize, &crate::tune::space::Dimension)) -> Vec<f64> {
    match &dimension.scale {
        Scale::Choice(_) => (0..size).map(|i| (i as f64 + 0.5) / size as f64).collect(),
        _ if size == 1 => vec![0.5],
        _ => (0..size).map(|i| i as f64 / (size - 1) as f64).collect(),
    }
}

/// Number of values per dimension: all choices; of ranges as many as requested or as the trials allow.
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
        // The coarsest range is refined next, while the number of trials allows.
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

/// The number of combinations, counted up to the number of trials.
pub(super) fn count(space: &Space, tune: &Tune) -> usize {
    points(space, tune).take(tune.trials).count()
}
