//! Operations on windows of images, channels last.

use serde::{Deserialize, Serialize};
use thalweg_kernels::conv::{self, Count};

use super::ops::{self, Element, by_dtype};
use super::{Activation, Dtype, View, ViewMut};

pub use thalweg_kernels::conv::ConvGeometry;

/// A convolution: its windows, its groups and its parameters.
#[derive(Debug, Clone, Copy)]
pub struct Convolution<'a> {
    /// Where the windows lie.
    pub windows: ConvGeometry,
    /// Groups of channels, each with its own filters.
    pub groups: usize,
    /// Filters × (kh · kw · c/groups).
    pub filters: View<'a>,
    /// A number a filter.
    pub bias: Option<View<'a>>,
}

impl Convolution<'_> {
    /// Z = windows of X · filters + b, A = g(Z); A (and Z, where kept) is m × windows × filters.
    pub fn forward(&self, x: View, g: Activation, z: Option<ViewMut>, mut a: ViewMut) {
        let at_once = z.is_none();
        by_dtype!(x, typed(self, x, at_once.then_some(g), a.reborrow()));
        if let Some(z) = z {
            ops::copy(a.view(), z);
            ops::activate(g, a);
        }

        fn typed<T: Element>(own: &Convolution, x: View, g: Option<Activation>, a: ViewMut) {
            let (bias, filters) = (own.bias.map(T::read), T::read(own.filters));
            let activate = |a: &mut [T]| g.into_iter().for_each(|g| g.forward(None, a, own.filters.shape().rows()));
            conv::forward(&own.windows, own.groups, T::read(x), filters, bias, T::write(a), activate);
        }
    }

    /// dW = Σ dZᵀ · windows of X, db = sums of dZ over windows and examples, dX = dZ · W, added up where windows overlap.
    pub fn backward(&self, x: View, dz: View, dw: ViewMut, db: Option<ViewMut>, dx: Option<ViewMut>) {
        by_dtype!(x, typed(self, x, dz, dw, db, dx));

        fn typed<T: Element>(
            own: &Convolution,
            x: View,
            dz: View,
            dw: ViewMut,
            db: Option<ViewMut>,
            dx: Option<ViewMut>,
        ) {
            let (x_and_dy, filters) = ([T::read(x), T::read(dz)], T::read(own.filters));
            let (db, dx) = (db.map(T::write), dx.map(T::write));
            conv::backward(&own.windows, own.groups, x_and_dy, filters, T::write(dw), db, dx);
        }
    }
}

/// What is taken of a window, channel by channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The largest number.
    Max,
    /// The mean; places beyond the image count as zeros.
    Average,
    /// The mean of the places within the image.
    AverageWithin,
}

impl Pooling {
    /// What a mean counts; the largest number is none.
    fn count(self) -> Option<Count> {
        match self {
            Pooling::Max => None,
            Pooling::Average => Some(Count::Window),
            Pooling::AverageWithin => Some(Count::Image),
        }
    }
}

/// y = what is taken of each window of x.
pub fn pool(windows: &ConvGeometry, take: Pooling, x: View, y: ViewMut) {
    by_dtype!(x, typed(windows, take, x, y));

    fn typed<T: Element>(windows: &ConvGeometry, take: Pooling, x: View, y: ViewMut) {
        match take.count() {
            None => conv::max_pool(windows, T::read(x), T::write(y)),
            Some(count) => conv::average_pool(windows, count, T::read(x), T::write(y)),
        }
    }
}

/// Adds, for each place of each window, whether it holds the window's largest number.
pub fn places_of_largest(windows: &ConvGeometry, x: View, y: View, places: &mut Vec<bool>) {
    by_dtype!(x, typed(windows, x, y, places));

    fn typed<T: Element>(windows: &ConvGeometry, x: View, y: View, places: &mut Vec<bool>) {
        conv::places_of_largest(windows, T::read(x), T::read(y), |is| places.push(is));
    }
}

/// dx of [`pool`], from its x, y and dy.
pub fn pool_backward(windows: &ConvGeometry, take: Pooling, [x, y, dy]: [View; 3], dx: ViewMut) {
    by_dtype!(x, typed(windows, take, [x, y, dy], dx));

    fn typed<T: Element>(windows: &ConvGeometry, take: Pooling, [x, y, dy]: [View; 3], dx: ViewMut) {
        match take.count() {
            None => conv::max_pool_gradient(windows, T::read(x), T::read(y), T::read(dy), T::write(dx)),
            Some(count) => conv::average_pool_gradient(windows, count, T::read(dy), T::write(dx)),
        }
    }
}
