//! Operations on windows of images, channels last.

use serde::{Deserialize, Serialize};
use thalweg_kernels::conv::{self, Count};

use super::ops::{self, Element, MatmulPrecision, by_dtype, fits};
use super::{Activation, Dtype, View, ViewMut};

pub use thalweg_kernels::conv::ConvGeometry;

/// A convolution: its windows, its groups, its parameters, and how its products are computed.
#[derive(Debug, Clone, Copy)]
pub struct Convolution<'a> {
    /// The windows.
    pub geometry: ConvGeometry,
    /// Groups of channels, each with its own filters.
    pub groups: usize,
    /// Filters × (kh · kw · c/groups).
    pub filters: View<'a>,
    /// One element per filter.
    pub bias: Option<View<'a>>,
    /// How products are computed.
    pub precision: MatmulPrecision,
}

impl Convolution<'_> {
    /// Z = windows of X · filters + b, A = g(Z); A (and Z, if kept) is m × windows × filters.
    pub fn forward(&self, x: View, g: Activation, z: Option<ViewMut>, mut a: ViewMut) {
        fits!("convolution", self.takes(x) && self.gives(x, a.view()), x, a);
        let fused = z.is_none();
        by_dtype!(x, typed(self, x, fused.then_some(g), a.reborrow()));
        if let Some(z) = z {
            ops::copy(a.view(), z);
            ops::activate(g, a);
        }

        fn typed<T: Element>(own: &Convolution, x: View, g: Option<Activation>, a: ViewMut) {
            let activate = |a: &mut [T]| g.into_iter().for_each(|g| g.forward(None, a, own.filters.shape().rows()));
            T::forward(&own.typed(), T::read(x), own.bias.map(T::read), T::write(a), &activate);
        }
    }

    /// dW = Σ dZᵀ · windows of X, db = Σ dZ over windows and examples, dX = dZ · W, summed where windows overlap.
    pub fn backward(&self, x: View, dz: View, dw: ViewMut, db: Option<ViewMut>, dx: Option<ViewMut>) {
        fits!("convolution_backward", self.takes(x) && self.gives(x, dz), x, dz);
        by_dtype!(x, typed(self, x, dz, dw, db, dx));

        fn typed<T: Element>(
            own: &Convolution,
            x: View,
            dz: View,
            dw: ViewMut,
            db: Option<ViewMut>,
            dx: Option<ViewMut>,
        ) {
            let (db, dx) = (db.map(T::write), dx.map(T::write));
            T::backward(&own.typed(), [T::read(x), T::read(dz)], T::write(dw), db, dx);
        }
    }

    /// Whether examples of x have the size of the windows' images.
    fn takes(&self, x: View) -> bool {
        x.shape().columns() == self.geometry.image_len()
    }

    /// Whether y is m × windows × filters.
    fn gives(&self, x: View, y: View) -> bool {
        y.len() == x.shape().rows() * self.geometry.count() * self.filters.shape().rows()
    }

    fn typed<T: Element>(&self) -> conv::Convolution<'_, T> {
        let Convolution { geometry, groups, precision, .. } = *self;
        conv::Convolution { geometry, groups, filters: T::read(self.filters), precision }
    }
}

/// What a window is reduced to, channel by channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The maximum.
    Max,
    /// The mean; positions beyond the image count as zeros.
    Average,
    /// The mean of the positions within the image.
    AverageWithin,
}

impl Pooling {
    /// What a mean counts; `None` for the maximum.
    fn count(self) -> Option<Count> {
        match self {
            Pooling::Max => None,
            Pooling::Average => Some(Count::Window),
            Pooling::AverageWithin => Some(Count::Image),
        }
    }
}

/// y = each window of x, reduced.
pub fn pool(geometry: &ConvGeometry, take: Pooling, x: View, y: ViewMut) {
    let outputs = x.shape().rows() * geometry.count() * geometry.input[2];
    fits!("pool", x.shape().columns() == geometry.image_len() && y.view().len() == outputs, x, y);
    by_dtype!(x, typed(geometry, take, x, y));

    fn typed<T: Element>(geometry: &ConvGeometry, take: Pooling, x: View, y: ViewMut) {
        match take.count() {
            None => conv::max_pool(geometry, T::read(x), T::write(y)),
            Some(count) => conv::average_pool(geometry, count, T::read(x), T::write(y)),
        }
    }
}

/// Appends, for each position of each window, whether it holds the window's maximum.
pub fn places_of_largest(geometry: &ConvGeometry, x: View, y: View, places: &mut Vec<bool>) {
    by_dtype!(x, typed(geometry, x, y, places));

    fn typed<T: Element>(geometry: &ConvGeometry, x: View, y: View, places: &mut Vec<bool>) {
        conv::places_of_largest(geometry, T::read(x), T::read(y), |is| places.push(is));
    }
}

/// dx of [`pool`], from its x, y and dy.
pub fn pool_backward(geometry: &ConvGeometry, take: Pooling, [x, y, dy]: [View; 3], dx: ViewMut) {
    fits!("pool_backward", x.len() == dx.view().len() && y.len() == dy.len(), x, dy);
    by_dtype!(x, typed(geometry, take, [x, y, dy], dx));

    fn typed<T: Element>(geometry: &ConvGeometry, take: Pooling, [x, y, dy]: [View; 3], dx: ViewMut) {
        match take.count() {
            None => conv::max_pool_gradient(geometry, T::read(x), T::read(y), T::read(dy), T::write(dx)),
            Some(count) => conv::average_pool_gradient(geometry, count, T::read(dy), T::write(dx)),
        }
    }
}
