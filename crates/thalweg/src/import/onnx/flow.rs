//! The tensors between nodes: their shape in our layout, and the graph's order of their elements.

use super::graph::Constant;
use crate::tensor::{Shape, transposed};

/// Maximum elements of an example for comparison with constants.
const MOST_NUMBERS: usize = 1 << 22;

/// A tensor of the graph, viewed as one example.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Flow {
    /// The tensor's name.
    pub(super) name: String,
    /// The shape of an example, channels last.
    pub(super) shape: Shape,
    /// The graph's dimensions, without the batch.
    pub(super) dims: Vec<usize>,
    /// The number of channels if the graph has them first and we have them last; 1 where both orders agree.
    channels_first: usize,
}

impl Flow {
    /// A tensor with the same order in both layouts.
    pub(super) fn new(name: &str, shape: Shape, dims: Vec<usize>) -> Self {
        Flow { name: name.into(), shape, dims, channels_first: 1 }
    }

    /// Channels first in the graph, last in ours.
    pub(super) fn channels_first(name: &str, shape: Shape, dims: Vec<usize>) -> Self {
        let channels = dims.first().copied().unwrap_or(1);
        let either = channels == shape.size();
        Flow { name: name.into(), shape, dims, channels_first: if either { 1 } else { channels } }
    }

    /// The same elements under another name.
    pub(super) fn renamed(self, name: &str) -> Self {
        Flow { name: name.into(), ..self }
    }

    /// The same elements in other dimensions.
    pub(super) fn viewed(self, name: &str, dims: Vec<usize>) -> Self {
        Flow { name: name.into(), dims, ..self }
    }

    /// Whether the graph has the elements in our order.
    pub(super) fn is_own(&self) -> bool {
        self.channels_first == 1
    }

    /// The number of channels and pixels, if channels are the first dimension.
    pub(super) fn as_channels_first(&self) -> Option<(usize, usize)> {
        let (&channels, rest) = self.dims.split_first()?;
        let pixels: usize = rest.iter().product();
        let one_order = self.is_own() && (channels == 1 || pixels == 1);
        (one_order || self.channels_first == channels).then_some((channels, pixels))
    }

    /// The transposed tensor, if the result is in our order or has channels first.
    pub(super) fn transposed(&self, name: &str, order: &[usize]) -> Option<Self> {
        let rank = self.dims.len();
        let dims: Vec<usize> = order.iter().map(|&axis| self.dims.get(axis).copied()).collect::<Option<_>>()?;
        // Dimensions of size 1 may be anywhere.
        let long =
            |order: &mut dyn Iterator<Item = usize>| order.filter(|&axis| self.dims[axis] > 1).collect::<Vec<_>>();
        let (before, after) = (long(&mut (0..rank)), long(&mut order.iter().copied()));
        let turned = |left: usize| {
            let mut turned = before.clone();
            turned.rotate_left(left.min(before.len()));
            turned
        };
        let last = *before.last().unwrap_or(&0);
        if before == after {
            return Some(self.clone().viewed(name, dims));
        }
        if self.is_own() && after == turned(before.len() - 1) && self.shape.dimensions().last() == self.dims.get(last) {
            return Some(Flow { name: name.into(), shape: self.shape, dims, channels_first: self.dims[last] });
        }
        let first = *before.first()?;
        let back = !self.is_own() && self.dims[first] == self.channels_first && after == turned(1);
        back.then(|| Flow { name: name.into(), shape: self.shape, dims, channels_first: 1 })
    }

    /// Reorders the elements of an example from the graph's order to ours.
    pub(super) fn to_own(&self, numbers: &[f64]) -> Vec<f64> {
        transposed(numbers, self.channels_first)
    }

    /// A constant that is broadcast to each example, as a scalar or as one value per unit (our last dimension). None if
    /// it varies by example or along other dimensions.
    pub(super) fn by_unit(&self, constant: &Constant) -> Option<Vec<f64>> {
        if let [one] = constant.numbers[..] {
            return Some(vec![one]);
        }
        let (size, rank) = (self.shape.size(), self.dims.len());
        let (batch, sides) = constant.dims.split_at(constant.dims.len().saturating_sub(rank));
        let fits = sides.iter().rev().zip(self.dims.iter().rev()).all(|(&own, &side)| own == 1 || own == side);
        if size == 0 || size > MOST_NUMBERS || constant.numbers.is_empty() || !fits || batch.iter().any(|&n| n != 1) {
            return None;
        }
        // Each element's index into the constant, by broadcasting.
        let mut places = vec![0];
        for (axis, &side) in self.dims.iter().enumerate() {
            let own = axis.checked_sub(rank - sides.len());
            let step = own.map_or(0, |own| if sides[own] == 1 { 0 } else { sides[own + 1..].iter().product() });
            places = places.iter().flat_map(|place| (0..side).map(move |i| place + i * step)).collect();
        }
        let numbers: Vec<f64> = places.into_iter().map(|place| constant.numbers[place]).collect();
        let numbers = self.to_own(&numbers);
        let units = self.shape.last();
        let (first, rest) = numbers.split_at(units);
        rest.chunks(units).all(|other| other == first).then(|| first.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_there_and_back_is_followed() {
        let own = Flow::new("x", [2, 3, 4].into(), vec![2, 3, 4]);
        let first = own.transposed("y", &[2, 0, 1]).unwrap();
        assert_eq!((first.dims.as_slice(), first.as_channels_first()), (&[4, 2, 3][..], Some((4, 6))));
        assert!(!first.is_own() && own.as_channels_first().is_none());
        assert!(first.transposed("z", &[1, 2, 0]).unwrap().is_own());
        assert_eq!(own.transposed("y", &[1, 0, 2]), None);
        // Two pixels of three channels: c0 c0' c1 c1' c2 c2' become c0 c1 c2 c0' c1' c2'.
        let flat = Flow::channels_first("x", [2, 1, 3].into(), vec![3, 2, 1]);
        assert_eq!(flat.to_own(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    }

    #[test]
    fn constants_are_one_a_unit_or_none() {
        let constant = |dims: &[usize]| {
            let numbers = (0..dims.iter().product::<usize>()).map(|i| i as f64).collect();
            Constant { dims: dims.to_vec(), numbers }
        };
        let own = Flow::new("x", [4, 3].into(), vec![4, 3]);
        assert_eq!(own.by_unit(&constant(&[3])), Some(vec![0.0, 1.0, 2.0]));
        assert_eq!(own.by_unit(&constant(&[1, 1, 3])), Some(vec![0.0, 1.0, 2.0]));
        assert_eq!(own.by_unit(&constant(&[])), Some(vec![0.0]));
        for other in [&[4, 1][..], &[4, 3], &[2, 1, 3], &[5], &[0]] {
            assert_eq!(own.by_unit(&constant(other)), None, "{other:?}");
        }
        let image = Flow::channels_first("x", [2, 2, 3].into(), vec![3, 2, 2]);
        assert_eq!(image.by_unit(&constant(&[3, 1, 1])), Some(vec![0.0, 1.0, 2.0]));
        assert_eq!(image.by_unit(&constant(&[1, 3, 1, 1])), Some(vec![0.0, 1.0, 2.0]));
        assert_eq!(image.by_unit(&constant(&[2])), None);
    }
}
