//! The coarse operations that layers, losses and optimisers are made of.
//!
//! Only this module dispatches on a tensor's type: it checks the shapes, then calls a kernel that is generic over
//! [`Real`]. Shapes in comments are rows × columns; m is the number of examples.

pub use thalweg_kernels::bf16::{Bf16, LARGE_PRODUCT, MatmulPrecision, Unit};
use thalweg_kernels::conv::Conv;
use thalweg_kernels::gather as gather_kernels;
use thalweg_kernels::gemm::{Matrix, Packed, gemm, gemm_packed};
use thalweg_kernels::random::Stream;
use thalweg_kernels::{Real, elementwise, reduce, softmax};

use super::{Activation, Data, DataMut, Dtype, View, ViewMut};

/// A type of values that tensors can hold, with typed slices of views. Only operations take these, and augmentation,
/// which changes examples before the network sees them.
pub(crate) trait Element: Conv {
    /// The values of a view.
    ///
    /// # Panics
    /// If they are of the other type: one network's tensors are all of one type.
    fn read(view: View<'_>) -> &[Self];

    /// The values of a mutable view.
    ///
    /// # Panics
    /// If they are of the other type.
    fn write(view: ViewMut<'_>) -> &mut [Self];
}

macro_rules! element {
    ($type:ty, $variant:ident) => {
        impl Element for $type {
            fn read(view: View<'_>) -> &[Self] {
                match view.data {
                    Data::$variant(x) => x,
                    _ => panic!("expected {} numbers, found {:?}", Self::NAME, view.dtype()),
                }
            }

            fn write(view: ViewMut<'_>) -> &mut [Self] {
                match view.data {
                    DataMut::$variant(x) => x,
                    _ => panic!("expected {} numbers, found the other type", Self::NAME),
                }
            }
        }
    };
}

element!(f32, F32);
element!(f64, F64);

/// The bytes of a view's values, as they are sent to another process.
pub(crate) fn bytes(view: View<'_>) -> &[u8] {
    match view.data {
        Data::F32(x) => bytemuck::cast_slice(x),
        Data::F64(x) => bytemuck::cast_slice(x),
    }
}

/// The same to be written to.
pub(crate) fn bytes_mut(view: ViewMut<'_>) -> &mut [u8] {
    match view.data {
        DataMut::F32(x) => bytemuck::cast_slice_mut(x),
        DataMut::F64(x) => bytemuck::cast_slice_mut(x),
    }
}

/// Calls a generic function for the type of a view's values.
macro_rules! by_dtype {
    ($view:expr, $function:ident($($argument:expr),*)) => {
        match $view.dtype() {
            Dtype::F32 => $function::<f32>($($argument),*),
            Dtype::F64 => $function::<f64>($($argument),*),
        }
    };
}
pub(super) use by_dtype;

/// Panics, naming the operation and both shapes, where shapes do not fit: layers have already checked them.
macro_rules! fits {
    ($operation:literal, $condition:expr, $a:expr, $b:expr) => {
        assert!($condition, "{}: shapes {} and {} do not fit", $operation, $a.shape(), $b.shape())
    };
}
pub(super) use fits;

/// Z = X Wᵀ + b, A = g(Z): X is m × n_in, W is n_out × n_in, b has n_out elements, A (and Z, if kept) is m × n_out.
pub fn linear(
    x: View,
    w: View,
    b: Option<View>,
    g: Activation,
    z: Option<ViewMut>,
    mut a: ViewMut,
    precision: MatmulPrecision,
) {
    fits!("linear", x.shape().columns() == w.shape().columns(), x, w);
    fits!("linear", a.shape().columns() == w.shape().rows() && a.shape().rows() == x.shape().rows(), a, w);
    by_dtype!(x, product(x, w, b, a.reborrow(), precision));
    if let Some(z) = z {
        copy(a.view(), z);
    }
    activate(g, a);

    fn product<T: Element>(x: View, w: View, b: Option<View>, z: ViewMut, precision: MatmulPrecision) {
        let (m, n_in, n_out) = (x.shape().rows(), x.shape().columns(), w.shape().rows());
        let x = Matrix::new(T::read(x), m, n_in);
        let w = Matrix::new(T::read(w), n_out, n_in);
        gemm(x, w.t(), b.map(T::read), T::write(z), precision);
    }
}

/// A weight W packed once for many products X Wᵀ.
#[derive(Debug, Clone)]
pub struct PackedWeight(Panels);

#[derive(Debug, Clone)]
enum Panels {
    F32(Packed<f32>),
    F64(Packed<f64>),
}

impl PackedWeight {
    /// Packs W, n_out × n_in, for products in a precision.
    pub fn new(w: View, precision: MatmulPrecision) -> Self {
        let (n_out, n_in) = (w.shape().rows(), w.shape().columns());
        PackedWeight(match w.dtype() {
            Dtype::F32 => Panels::F32(Packed::new(Matrix::new(f32::read(w), n_out, n_in).t(), precision)),
            Dtype::F64 => Panels::F64(Packed::new(Matrix::new(f64::read(w), n_out, n_in).t(), precision)),
        })
    }
}

/// [`linear`] with a packed weight; bit-identical in the precision it was packed for.
pub fn linear_packed(x: View, w: View, packed: &PackedWeight, b: Option<View>, g: Activation, mut a: ViewMut) {
    fits!("linear_packed", x.shape().columns() == w.shape().columns(), x, w);
    match &packed.0 {
        Panels::F32(packed) => product(x, w, packed, b, a.reborrow()),
        Panels::F64(packed) => product(x, w, packed, b, a.reborrow()),
    }
    activate(g, a);

    fn product<T: Element>(x: View, w: View, packed: &Packed<T>, b: Option<View>, z: ViewMut) {
        let (m, n_in, n_out) = (x.shape().rows(), x.shape().columns(), w.shape().rows());
        let x = Matrix::new(T::read(x), m, n_in);
        let w = Matrix::new(T::read(w), n_out, n_in);
        gemm_packed(x, w.t(), packed, b.map(T::read), T::write(z));
    }
}

/// dW = dZᵀ X, db = column sums of dZ, dX = dZ W; dZ already carries the 1/m of the cost.
pub fn linear_backward(
    x: View,
    w: View,
    dz: View,
    dw: ViewMut,
    db: Option<ViewMut>,
    dx: Option<ViewMut>,
    precision: MatmulPrecision,
) {
    fits!("linear_backward", dz.shape().columns() == w.shape().rows(), dz, w);
    by_dtype!(x, typed(x, w, dz, dw, db, dx, precision));

    fn typed<T: Element>(
        x: View,
        w: View,
        dz: View,
        dw: ViewMut,
        db: Option<ViewMut>,
        dx: Option<ViewMut>,
        precision: MatmulPrecision,
    ) {
        let (m, n_in, n_out) = (x.shape().rows(), x.shape().columns(), w.shape().rows());
        let delta = Matrix::new(T::read(dz), m, n_out);
        gemm(delta.t(), Matrix::new(T::read(x), m, n_in), None, T::write(dw), precision);
        if let Some(db) = db {
            reduce::column_sums(T::read(dz), n_out, T::write(db));
        }
        if let Some(dx) = dx {
            gemm(delta, Matrix::new(T::read(w), n_out, n_in), None, T::write(dx), precision);
        }
    }
}

/// A = g(Z), overwriting Z, elementwise (softmax: over the last dimension).
pub fn activate(g: Activation, a: ViewMut) {
    by_dtype!(a.view(), typed(g, a));

    fn typed<T: Element>(g: Activation, a: ViewMut) {
        let columns = a.shape().last();
        g.forward(None, T::write(a), columns);
    }
}

/// A = g(Z).
pub fn activate_to(g: Activation, z: View, a: ViewMut) {
    fits!("activate_to", z.len() == a.view().len(), z, a.view());
    by_dtype!(z, typed(g, z, a));

    fn typed<T: Element>(g: Activation, z: View, a: ViewMut) {
        g.forward(Some(T::read(z)), T::write(a), z.shape().last());
    }
}

/// dZ = dA ∗ g'(Z), overwriting dA; `saved` is Z if the activation needs its input, else A.
pub fn activate_backward(g: Activation, saved: View, da: ViewMut) {
    fits!("activate_backward", saved.len() == da.view().len(), saved, da);
    by_dtype!(saved, typed(g, saved, da));

    fn typed<T: Element>(g: Activation, saved: View, da: ViewMut) {
        g.backward(T::read(saved), saved.shape().last(), None, T::write(da));
    }
}

/// dZ = dA ∗ g'(Z); `saved` as for [`activate_backward`].
pub fn activate_backward_to(g: Activation, saved: View, da: View, dz: ViewMut) {
    fits!("activate_backward_to", saved.len() == da.len() && da.len() == dz.view().len(), saved, da);
    by_dtype!(saved, typed(g, saved, da, dz));

    fn typed<T: Element>(g: Activation, saved: View, da: View, dz: ViewMut) {
        g.backward(T::read(saved), saved.shape().last(), Some(T::read(da)), T::write(dz));
    }
}

/// Inverted dropout's mask: each element is 1/keep with probability keep, else 0; row i is drawn for `examples[i]`.
pub fn dropout_mask(stream: Stream, examples: &[u32], keep: f64, mask: ViewMut) {
    let columns = mask.shape().columns();
    by_dtype!(mask.view(), typed(stream, examples, keep, mask, columns));

    fn typed<T: Element>(stream: Stream, examples: &[u32], keep: f64, mask: ViewMut, columns: usize) {
        for (row, &example) in T::write(mask).chunks_exact_mut(columns.max(1)).zip(examples) {
            stream.mask(example, keep, row);
        }
    }
}

/// y = f(x), elementwise. Computed in f64, for custom layers; the built-in ones have kernels.
pub fn map(x: View, y: ViewMut, f: impl Fn(f64) -> f64 + Sync) {
    fits!("map", x.len() == y.view().len(), x, y);
    by_dtype!(x, typed(x, y, &f));

    fn typed<T: Element>(x: View, y: ViewMut, f: &(impl Fn(f64) -> f64 + Sync)) {
        elementwise::map(T::read(x), T::write(y), |x| T::of(f(x.f64())));
    }
}

/// y = f(a, b), elementwise. Computed in f64, for custom layers; the built-in ones have kernels.
pub fn zip(a: View, b: View, y: ViewMut, f: impl Fn(f64, f64) -> f64 + Sync) {
    fits!("zip", a.len() == b.len() && a.len() == y.view().len(), a, b);
    by_dtype!(a, typed(a, b, y, &f));

    fn typed<T: Element>(a: View, b: View, y: ViewMut, f: &(impl Fn(f64, f64) -> f64 + Sync)) {
        elementwise::zip(T::read(a), T::read(b), T::write(y), |a, b| T::of(f(a.f64(), b.f64())));
    }
}

/// y = c everywhere.
pub fn fill(y: ViewMut, c: f64) {
    by_dtype!(y.view(), typed(y, c));

    fn typed<T: Element>(y: ViewMut, c: f64) {
        let c = T::of(c);
        elementwise::map_in_place(T::write(y), move |_| c);
    }
}

/// y = x / c, divided in f64.
pub fn divide(x: View, c: f64, y: ViewMut) {
    fits!("divide", x.len() == y.view().len(), x, y);
    by_dtype!(x, typed(x, c, y));

    fn typed<T: Element>(x: View, c: f64, y: ViewMut) {
        elementwise::map(T::read(x), T::write(y), move |x| T::of(x.f64() / c));
    }
}

/// y = x.
pub fn copy(x: View, y: ViewMut) {
    fits!("copy", x.len() == y.view().len(), x, y);
    by_dtype!(x, typed(x, y));

    fn typed<T: Element>(x: View, y: ViewMut) {
        elementwise::copy(T::read(x), T::write(y));
    }
}

/// y = a ∗ b.
pub fn multiply(a: View, b: View, y: ViewMut) {
    fits!("multiply", a.len() == b.len() && a.len() == y.view().len(), a, b);
    by_dtype!(a, typed(a, b, y));

    fn typed<T: Element>(a: View, b: View, y: ViewMut) {
        elementwise::zip(T::read(a), T::read(b), T::write(y), |a, b| a * b);
    }
}

/// y = y + c·x.
pub fn add_scaled(y: ViewMut, c: f64, x: View) {
    fits!("add_scaled", y.view().len() == x.len(), y, x);
    by_dtype!(x, typed(y, c, x));

    fn typed<T: Element>(y: ViewMut, c: f64, x: View) {
        let c = T::of(c);
        elementwise::zip_in_place(T::write(y), T::read(x), move |y, x| y + c * x);
    }
}

/// y = β y + (1 − β) x: one step of an exponentially weighted average.
pub fn average(y: ViewMut, beta: f64, x: View) {
    fits!("average", y.view().len() == x.len(), y, x);
    by_dtype!(x, typed(y, beta, x));

    fn typed<T: Element>(y: ViewMut, beta: f64, x: View) {
        let (beta, rest) = (T::of(beta), T::of(1.0 - beta));
        elementwise::zip_in_place(T::write(y), T::read(x), move |y, x| beta * y + rest * x);
    }
}

/// y = c·y.
pub fn scale(y: ViewMut, c: f64) {
    by_dtype!(y.view(), typed(y, c));

    fn typed<T: Element>(y: ViewMut, c: f64) {
        let c = T::of(c);
        elementwise::map_in_place(T::write(y), move |y| c * y);
    }
}

/// Clamps every element to ± `limit`.
pub fn clamp(y: ViewMut, limit: f64) {
    by_dtype!(y.view(), typed(y, limit));

    fn typed<T: Element>(y: ViewMut, limit: f64) {
        let limit = T::of(limit);
        elementwise::map_in_place(T::write(y), move |y| {
            if y > limit {
                limit
            } else if y < -limit {
                -limit
            } else {
                y
            }
        });
    }
}

/// Σ x, in a fixed order.
pub fn sum(x: View) -> f64 {
    return by_dtype!(x, typed(x));

    fn typed<T: Element>(x: View) -> f64 {
        reduce::sum(T::read(x))
    }
}

/// Σ x², in a fixed order.
pub fn sum_squares(x: View) -> f64 {
    return by_dtype!(x, typed(x));

    fn typed<T: Element>(x: View) -> f64 {
        reduce::sum_squares(T::read(x))
    }
}

/// Rows of matrices by index: `y[i] = x[rows[i]]` for each (x, y).
pub fn gather<const K: usize>(rows: &[u32], pairs: [(View, ViewMut); K]) {
    for (x, y) in &pairs {
        fits!("gather", y.view().len() == rows.len() * x.shape().columns(), x, y);
    }
    match pairs.first().map(|(x, _)| x.dtype()) {
        Some(Dtype::F32) => typed::<f32, K>(rows, pairs),
        Some(Dtype::F64) => typed::<f64, K>(rows, pairs),
        None => {}
    }

    fn typed<T: Element, const K: usize>(rows: &[u32], pairs: [(View, ViewMut); K]) {
        gather_kernels::gather(rows, pairs.map(|(x, y)| pick::<T>(x, y)));
    }

    fn pick<'a, T: Element>(x: View<'a>, y: ViewMut<'a>) -> gather_kernels::Pick<'a, T> {
        gather_kernels::Pick { from: T::read(x), columns: x.shape().columns(), to: T::write(y) }
    }
}

/// Copies a range of x's columns to y's columns from `start` on.
pub fn copy_columns(x: View, columns: std::ops::Range<usize>, y: ViewMut, start: usize) {
    fits!("copy_columns", x.shape().rows() == y.shape().rows(), x, y);
    by_dtype!(x, typed(x, columns, y, start));

    fn typed<T: Element>(x: View, columns: std::ops::Range<usize>, y: ViewMut, start: usize) {
        let (wide, narrow) = (x.shape().columns(), y.shape().columns());
        for (x, y) in T::read(x).chunks_exact(wide.max(1)).zip(T::write(y).chunks_exact_mut(narrow.max(1))) {
            y[start..start + columns.len()].copy_from_slice(&x[columns.clone()]);
        }
    }
}

/// `y[i, start..] = table[code]`, the code being `x[i, column]`.
pub fn embed(x: View, column: usize, table: View, y: ViewMut, start: usize) {
    fits!("embed", x.shape().rows() == y.shape().rows() && column < x.shape().columns(), x, y);
    fits!("embed", start + table.shape().columns() <= y.shape().columns(), table, y);
    by_dtype!(x, typed(x, column, table, y, start));

    fn typed<T: Element>(x: View, column: usize, table: View, y: ViewMut, start: usize) {
        let (inputs, outputs) = (x.shape().columns(), y.shape().columns());
        let (slots, dimension) = (table.shape().rows(), table.shape().columns());
        let table = T::read(table);
        for (x, y) in T::read(x).chunks_exact(inputs).zip(T::write(y).chunks_exact_mut(outputs)) {
            let code = code(x[column], slots);
            y[start..start + dimension].copy_from_slice(&table[code * dimension..(code + 1) * dimension]);
        }
    }
}

/// `dtable[code] = Σ dy[i, start..]` over the rows i with that code, in the order of the rows.
pub fn embed_backward(x: View, column: usize, dy: View, start: usize, dtable: ViewMut) {
    fits!("embed_backward", x.shape().rows() == dy.shape().rows() && column < x.shape().columns(), x, dy);
    fits!("embed_backward", start + dtable.shape().columns() <= dy.shape().columns(), dtable, dy);
    by_dtype!(x, typed(x, column, dy, start, dtable));

    fn typed<T: Element>(x: View, column: usize, dy: View, start: usize, dtable: ViewMut) {
        let (inputs, outputs) = (x.shape().columns(), dy.shape().columns());
        let (slots, dimension) = (dtable.shape().rows(), dtable.shape().columns());
        let dtable = T::write(dtable);
        dtable.fill(T::ZERO);
        for (x, dy) in T::read(x).chunks_exact(inputs).zip(T::read(dy).chunks_exact(outputs)) {
            let code = code(x[column], slots);
            for (sum, &dy) in dtable[code * dimension..(code + 1) * dimension].iter_mut().zip(&dy[start..]) {
                *sum += dy;
            }
        }
    }
}

/// The slot of a code; anything that is not a code is the unseen category, 0.
pub(super) fn code<T: Real>(x: T, slots: usize) -> usize {
    let code = (x.f64() + 0.5) as usize;
    if code < slots { code } else { 0 }
}

/// The loss of each row and its gradient with respect to the logits, both unweighted and not yet divided by m.
pub struct LossOutput<'a> {
    /// L of each of the m rows.
    pub loss: ViewMut<'a>,
    /// ∂L/∂z, m × C, if it is wanted.
    pub dz: Option<ViewMut<'a>>,
}

/// L = −Σ y ln softmax(z), y a class index in one column (smoothed) or a probability per class; dz = softmax(z) − y.
pub fn softmax_cross_entropy(z: View, y: View, smoothing: f64, out: LossOutput) {
    fits!("softmax_cross_entropy", z.shape().rows() == y.shape().rows(), z, y);
    by_dtype!(z, typed(z, y, smoothing, out));

    fn typed<T: Element>(z: View, y: View, smoothing: f64, out: LossOutput) {
        let classes = z.shape().columns();
        let (loss, dz) = (T::write(out.loss), out.dz.map(T::write));
        if y.shape().columns() == 1 && classes > 1 {
            softmax::softmax_cross_entropy(T::read(z), classes, T::read(y), T::of(smoothing), loss, dz);
        } else {
            softmax::softmax_cross_entropy_dense(T::read(z), classes, T::read(y), loss, dz);
        }
    }
}

/// L = Σ over a row of −y ln σ(z) − (1−y) ln(1−σ(z)), from the logits z; dz = σ(z) − y.
pub fn sigmoid_cross_entropy(z: View, y: View, out: LossOutput) {
    fits!("sigmoid_cross_entropy", z.len() == y.len(), z, y);
    by_dtype!(z, typed(z, y, out));

    fn typed<T: Element>(z: View, y: View, out: LossOutput) {
        let columns = z.shape().columns();
        softmax::sigmoid_cross_entropy(T::read(z), columns, T::read(y), T::write(out.loss), out.dz.map(T::write));
    }
}

/// The loss of one output z with target y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RegressionLoss {
    /// ½e², e = z − y.
    Squared,
    /// |e|; its derivative is 0 at e = 0.
    Absolute,
    /// ½e² where |e| ≤ δ, else δ(|e| − ½δ).
    Huber(f64),
}

/// L = Σ over a row of a regression loss.
pub fn regression_loss(loss: RegressionLoss, z: View, y: View, out: LossOutput) {
    match loss {
        RegressionLoss::Squared => rowwise_loss(z, y, out, |z, y| (0.5 * (z - y) * (z - y), z - y)),
        RegressionLoss::Absolute => rowwise_loss(z, y, out, |z, y| {
            let e = z - y;
            (e.abs(), if e == 0.0 { 0.0 } else { e.signum() })
        }),
        RegressionLoss::Huber(delta) => rowwise_loss(z, y, out, |z, y| {
            let e = z - y;
            let value = if e.abs() <= delta { 0.5 * e * e } else { delta * (e.abs() - 0.5 * delta) };
            (value, e.clamp(-delta, delta))
        }),
    }
}

/// L = Σ over a row of f(z, y), with f giving the value and its derivative with respect to z: for custom losses.
pub fn rowwise_loss(z: View, y: View, out: LossOutput, f: impl Fn(f64, f64) -> (f64, f64)) {
    fits!("loss", z.len() == y.len(), z, y);
    loss_of_outputs(z, y, out, 1, |_, z, y| f(z, y));
}

/// L = Σ over a row of max(τ(y − z), (τ − 1)(y − z)), where each target y has one z after another for each quantile τ.
pub fn pinball_loss(quantiles: &[f64], z: View, y: View, out: LossOutput) {
    fits!("pinball_loss", z.len() == y.len() * quantiles.len(), z, y);
    loss_of_outputs(z, y, out, quantiles.len(), |k, z, y| {
        let (tau, e) = (quantiles[k], y - z);
        let slope = if e > 0.0 { -tau } else { 1.0 - tau };
        ((tau * e).max((tau - 1.0) * e), if e == 0.0 { 0.0 } else { slope })
    });
}

/// L = Σ over a row of f(k, z, y) and its derivative, where z is output k of the `each` that a target y has.
fn loss_of_outputs(z: View, y: View, out: LossOutput, each: usize, f: impl Fn(usize, f64, f64) -> (f64, f64)) {
    by_dtype!(z, typed(z, y, out, each, f));

    fn typed<T: Element>(z: View, y: View, out: LossOutput, each: usize, f: impl Fn(usize, f64, f64) -> (f64, f64)) {
        let columns = z.shape().columns().max(1);
        let (z, y) = (T::read(z), T::read(y));
        let mut dz = out.dz.map(T::write);
        for (row, loss) in T::write(out.loss).iter_mut().enumerate() {
            let mut total = 0.0;
            for i in row * columns..(row + 1) * columns {
                let (value, derivative) = f(i % each, z[i].f64(), y[i / each].f64());
                total += value;
                if let Some(dz) = &mut dz {
                    dz[i] = T::of(derivative);
                }
            }
            *loss = T::of(total);
        }
    }
}

/// Sorts every `size` numbers, one after another.
pub fn sort_each(size: usize, z: ViewMut) {
    by_dtype!(z.view(), typed(size, z));

    fn typed<T: Element>(size: usize, z: ViewMut) {
        for group in T::write(z).chunks_exact_mut(size.max(1)) {
            group.sort_unstable_by(|a, b| a.f64().total_cmp(&b.f64()));
        }
    }
}

/// y = the images of x, height × width × channels, at another height and width, by bilinear interpolation.
pub fn resize(image: [usize; 3], to: [usize; 2], x: View, y: ViewMut) {
    let (m, result) = (x.shape().rows(), to[0] * to[1] * image[2]);
    fits!("resize", x.shape().columns() == image.iter().product::<usize>() && y.view().len() == m * result, x, y);
    by_dtype!(x, typed(image, to, x, y));

    fn typed<T: Element>(image: [usize; 3], to: [usize; 2], x: View, y: ViewMut) {
        thalweg_kernels::resize::bilinear(image, to, T::read(x), T::write(y));
    }
}

/// The shares that [`resize`] takes along an axis, to × from.
pub fn interpolation(from: usize, to: usize) -> Vec<f64> {
    let mut shares = vec![0.0; to * from];
    for i in 0..to {
        let (first, second, share) = thalweg_kernels::resize::between(i, from, to);
        shares[i * from + first] += 1.0 - share;
        shares[i * from + second] += share;
    }
    shares
}

/// dx of [`resize`], from dy.
pub fn resize_backward(image: [usize; 3], to: [usize; 2], dy: View, dx: ViewMut) {
    let (m, result) = (dy.shape().rows(), to[0] * to[1] * image[2]);
    fits!("resize_backward", dx.view().len() == m * image.iter().product::<usize>() && dy.len() == m * result, dy, dx);
    by_dtype!(dy, typed(image, to, dy, dx));

    fn typed<T: Element>(image: [usize; 3], to: [usize; 2], dy: View, dx: ViewMut) {
        thalweg_kernels::resize::bilinear_gradient(image, to, T::read(dy), T::write(dx));
    }
}

/// Multiplies row i of y by `factors[i]`.
pub fn scale_rows(y: ViewMut, factors: View) {
    fits!("scale_rows", y.shape().rows() == factors.len(), y, factors);
    let columns = y.shape().columns();
    by_dtype!(factors, typed(y, factors, columns));

    fn typed<T: Element>(y: ViewMut, factors: View, columns: usize) {
        for (row, &factor) in T::write(y).chunks_exact_mut(columns.max(1)).zip(T::read(factors)) {
            for y in row {
                *y *= factor;
            }
        }
    }
}
