//! Sequences, m × T × C: their lengths, their padding, and layers that read all steps.

use serde::{Deserialize, Serialize};
use thalweg_kernels::attention::Attention;
use thalweg_kernels::bf16::MatmulPrecision;
use thalweg_kernels::recurrent::{self, Direction, Gradients, RecurrentCache};
pub(crate) use thalweg_kernels::recurrent::{Cell, OutputSteps};

use super::ops::{Element, by_dtype, fits};
use super::{Dtype, View, ViewMut};

/// From which value on a step's token or mask says that the step is there.
pub(crate) const PRESENT: f64 = 0.5;

/// The number of steps of each example up to the last one that is there: those whose last value is at least ½. Returns the
/// largest.
pub fn lengths(x: View, steps: usize, lengths: ViewMut) -> usize {
    fits!("lengths", x.len().is_multiple_of(lengths.shape().rows().max(1) * steps), x, lengths);
    return by_dtype!(x, typed(x, steps, lengths));

    fn typed<T: Element>(x: View, steps: usize, lengths: ViewMut) -> usize {
        let (channels, mut longest) = (x.shape().columns() / steps, 0);
        for (x, length) in T::read(x).chunks_exact(steps * channels).zip(T::write(lengths)) {
            let is_there = |step: &[T]| step[channels - 1].f64() >= PRESENT;
            let own = x.chunks_exact(channels).rposition(is_there).map_or(0, |last| last + 1);
            *length = T::of(own as f64);
            longest = longest.max(own);
        }
        longest
    }
}

/// The first channels of y from those of x where steps count, 0 elsewhere; x and y have so many steps, and each has all that
/// count.
pub fn copy_counted((x, from): (View, usize), lengths: View, (y, to): (ViewMut, usize)) {
    fits!("copy_counted", x.shape().rows() == y.shape().rows() && y.shape().rows() == lengths.len(), x, y);
    by_dtype!(x, typed((x, from), lengths, (y, to)));

    fn typed<T: Element>((x, from): (View, usize), lengths: View, (y, to): (ViewMut, usize)) {
        let (of_x, of_y) = (x.shape().columns(), y.shape().columns());
        let examples = T::read(x).chunks_exact(of_x).zip(T::write(y).chunks_exact_mut(of_y)).zip(T::read(lengths));
        for ((x, y), length) in examples {
            let (counted, padding) = y.split_at_mut(length.f64() as usize * (of_y / to));
            padding.fill(T::ZERO);
            let shared = (of_x / from).min(of_y / to);
            for (x, y) in x.chunks_exact(of_x / from).zip(counted.chunks_exact_mut(of_y / to)) {
                y[..shared].copy_from_slice(&x[..shared]);
                y[shared..].fill(T::ZERO);
            }
        }
    }
}

/// y = 0 at the steps that do not count.
pub fn clear_padding(y: ViewMut, lengths: View, steps: usize) {
    fits!("clear_padding", y.shape().rows() == lengths.len(), y, lengths);
    let each = y.shape().columns();
    by_dtype!(lengths, typed(y, lengths, steps, each));

    fn typed<T: Element>(y: ViewMut, lengths: View, steps: usize, each: usize) {
        for (y, length) in T::write(y).chunks_exact_mut(each.max(1)).zip(T::read(lengths)) {
            y[length.f64() as usize * (each / steps)..].fill(T::ZERO);
        }
    }
}

/// `y[i] = table[x[i]]` for each token of a row; 0 for token 0 and for what is no token.
pub fn look_up(x: View, table: View, y: ViewMut) {
    fits!("look_up", y.view().len() == x.len() * table.shape().columns(), x, y);
    by_dtype!(x, typed(x, table, y));

    fn typed<T: Element>(x: View, table: View, y: ViewMut) {
        let (tokens, d) = (table.shape().rows(), table.shape().columns());
        let table = T::read(table);
        for (&x, y) in T::read(x).iter().zip(T::write(y).chunks_exact_mut(d)) {
            match token(x.f64(), tokens) {
                Some(token) => y.copy_from_slice(&table[token * d..(token + 1) * d]),
                None => y.fill(T::ZERO),
            }
        }
    }
}

/// `dtable[token] = Σ dy` over its places, in their order.
pub fn look_up_backward(x: View, dy: View, dtable: ViewMut) {
    fits!("look_up_backward", dy.len() == x.len() * dtable.shape().columns(), x, dy);
    by_dtype!(x, typed(x, dy, dtable));

    fn typed<T: Element>(x: View, dy: View, dtable: ViewMut) {
        let (tokens, d) = (dtable.shape().rows(), dtable.shape().columns());
        let dtable = T::write(dtable);
        dtable.fill(T::ZERO);
        for (&x, dy) in T::read(x).iter().zip(T::read(dy).chunks_exact(d)) {
            let Some(token) = token(x.f64(), tokens) else { continue };
            dtable[token * d..(token + 1) * d].iter_mut().zip(dy).for_each(|(sum, &dy)| *sum += dy);
        }
    }
}

/// A number as a token above 0 and below `tokens`.
fn token(x: f64, tokens: usize) -> Option<usize> {
    let token = (x + 0.5) as usize;
    (1..tokens).contains(&token).then_some(token)
}

/// y = x + table, the same for each example.
pub fn add_to_each(x: View, table: &[f64], y: ViewMut) {
    fits!("add_to_each", x.len() == y.view().len() && x.shape().columns() == table.len(), x, y);
    by_dtype!(x, typed(x, table, y));

    fn typed<T: Element>(x: View, table: &[f64], y: ViewMut) {
        let rows = T::read(x).chunks_exact(table.len()).zip(T::write(y).chunks_exact_mut(table.len()));
        for (x, y) in rows {
            x.iter().zip(table).zip(y).for_each(|((&x, &more), y)| *y = x + T::of(more));
        }
    }
}

/// How the steps of a sequence become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gathering {
    /// Their mean.
    Mean,
    /// The largest of each channel.
    Max,
    /// Their mean, weighted by the softmax of a learned score.
    Attention,
}

/// `y = Σ p[t] x[t]` over the steps that count, and p, m × T: 1/length, where the maximum is (one step for each channel:
/// p is then m × C), or softmax(x w). Without steps y is 0.
pub fn gather(take: Gathering, x: View, lengths: Option<View>, w: Option<View>, p: ViewMut, y: ViewMut) {
    fits!("gather", x.shape().rows() == y.shape().rows(), x, y);
    by_dtype!(x, typed(take, x, lengths, w, p, y));

    fn typed<T: Element>(take: Gathering, x: View, lengths: Option<View>, w: Option<View>, p: ViewMut, y: ViewMut) {
        let (channels, each) = (y.shape().columns(), x.shape().columns());
        let (steps, kept) = (each / channels, p.shape().columns());
        let (lengths, w) = (lengths.map(T::read), w.map_or(&[][..], T::read));
        let rows = T::read(x).chunks_exact(each).zip(T::write(p).chunks_exact_mut(kept));
        for (i, ((x, p), y)) in rows.zip(T::write(y).chunks_exact_mut(channels)).enumerate() {
            let n = lengths.map_or(steps, |lengths| lengths[i].f64() as usize);
            let x = &x[..n * channels];
            y.fill(T::ZERO);
            p.fill(T::ZERO);
            match take {
                Gathering::Max => {
                    for (t, x) in x.chunks_exact(channels).enumerate() {
                        for ((&x, y), at) in x.iter().zip(&mut *y).zip(&mut *p) {
                            // Written so that a NaN stays one.
                            if t == 0 || !(x <= *y || y.f64().is_nan()) {
                                (*y, *at) = (x, T::of(t as f64));
                            }
                        }
                    }
                    continue;
                }
                Gathering::Mean => p[..n].fill(T::of(1.0 / n.max(1) as f64)),
                Gathering::Attention => {
                    for (x, p) in x.chunks_exact(channels).zip(&mut *p) {
                        *p = x.iter().zip(w).fold(T::ZERO, |sum, (&x, &w)| sum + x * w);
                    }
                    thalweg_kernels::softmax::softmax_in_place(&mut p[..n], n);
                }
            }
            for (x, &p) in x.chunks_exact(channels).zip(&*p) {
                y.iter_mut().zip(x).for_each(|(y, &x)| *y += p * x);
            }
        }
    }
}

/// dx of [`gather`], and dw, from what it left in p.
pub fn gather_backward(
    take: Gathering,
    (x, y, dy): (View, View, View),
    lengths: Option<View>,
    (w, p): (Option<View>, View),
    dw: Option<ViewMut>,
    dx: Option<ViewMut>,
) {
    fits!("gather_backward", x.shape().rows() == dy.shape().rows(), x, dy);
    by_dtype!(x, typed(take, (x, y, dy), lengths, (w, p), dw, dx));

    fn typed<T: Element>(
        take: Gathering,
        (x, y, dy): (View, View, View),
        lengths: Option<View>,
        (w, p): (Option<View>, View),
        dw: Option<ViewMut>,
        dx: Option<ViewMut>,
    ) {
        let (channels, each) = (y.shape().columns(), x.shape().columns());
        let (steps, kept) = (each / channels, p.shape().columns());
        let (lengths, w) = (lengths.map(T::read), w.map_or(&[][..], T::read));
        let dw = dw.map_or_else(Default::default, T::write);
        dw.fill(T::ZERO);
        let mut dx = dx.map(|dx| T::write(dx).chunks_exact_mut(each));
        let outputs = T::read(y).chunks_exact(channels).zip(T::read(dy).chunks_exact(channels));
        let inputs = T::read(x).chunks_exact(each).zip(T::read(p).chunks_exact(kept));
        for (i, ((x, p), (y, dy))) in inputs.zip(outputs).enumerate() {
            let n = lengths.map_or(steps, |lengths| lengths[i].f64() as usize);
            let mut dx = dx.as_mut().and_then(Iterator::next).unwrap_or_default();
            dx.fill(T::ZERO);
            if take == Gathering::Max {
                if n > 0 && !dx.is_empty() {
                    let places = p.iter().enumerate().map(|(channel, at)| at.f64() as usize * channels + channel);
                    places.zip(dy).for_each(|(place, &dy)| dx[place] = dy);
                }
                continue;
            }
            for (x, &p) in x[..n * channels].chunks_exact(channels).zip(p) {
                // Nothing where dx is not wanted.
                let width = channels.min(dx.len());
                let (own, rest) = std::mem::take(&mut dx).split_at_mut(width);
                dx = rest;
                own.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx = p * dy);
                if take == Gathering::Attention {
                    // ds = p (dy · x − dy · y), since Σ p (dy · x) = dy · y.
                    let along = dy.iter().zip(x).zip(y).fold(T::ZERO, |sum, ((&dy, &x), &y)| sum + dy * (x - y));
                    let ds = p * along;
                    own.iter_mut().zip(w).for_each(|(dx, &w)| *dx += ds * w);
                    dw.iter_mut().zip(x).for_each(|(dw, &x)| *dw += ds * x);
                }
            }
        }
    }
}

/// The sizes of a recurrent layer, and what of its output is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recurrence<'a> {
    pub(crate) cell: Cell,
    pub(crate) reverse: bool,
    pub(crate) steps: usize,
    pub(crate) place: OutputSteps,
    pub(crate) lengths: Option<View<'a>>,
    /// W, U, and the biases of both products.
    pub(crate) parameters: [View<'a>; 4],
    pub(crate) precision: MatmulPrecision,
}

impl<'a> Recurrence<'a> {
    fn direction<T: Element>(&self) -> Direction<'a, T> {
        let [input_weight, state_weight, input_bias, state_bias] = self.parameters.map(T::read);
        let [inputs, units] = [self.parameters[0], self.parameters[1]].map(|weight| weight.shape().columns());
        Direction {
            cell: self.cell,
            reverse: self.reverse,
            steps: self.steps,
            inputs,
            units,
            lengths: self.lengths.map(T::read),
            input_weight,
            state_weight,
            input_bias,
            state_bias,
            precision: self.precision,
        }
    }

    /// y from x, m × (T · C), keeping what `recurrent::kept` says.
    pub(crate) fn forward(&self, x: View, y: ViewMut, keep: [ViewMut; 5]) {
        by_dtype!(x, typed(self, x, y, keep));

        fn typed<T: Element>(own: &Recurrence, x: View, y: ViewMut, keep: [ViewMut; 5]) {
            own.direction::<T>().forward(T::read(x), own.place, T::write(y), kept::<T>(keep));
        }
    }

    /// The gradients of the parameters and of x, from dy and what was kept.
    pub(crate) fn backward(
        &self,
        dy: View,
        keep: [ViewMut; 5],
        gradients: [ViewMut; 4],
        dx: Option<ViewMut>,
        onto: bool,
    ) {
        by_dtype!(dy, typed(self, dy, keep, gradients, dx, onto));

        fn typed<T: Element>(
            own: &Recurrence,
            dy: View,
            keep: [ViewMut; 5],
            gradients: [ViewMut; 4],
            dx: Option<ViewMut>,
            onto: bool,
        ) {
            let [input_weight, state_weight, input_bias, state_bias] = gradients.map(T::write);
            let gradients = Gradients { input_weight, state_weight, input_bias, state_bias };
            let (dy, dx) = (T::read(dy), dx.map(T::write));
            own.direction::<T>().backward(dy, own.place, kept::<T>(keep), gradients, dx, onto);
        }
    }
}

fn kept<T: Element>(keep: [ViewMut; 5]) -> RecurrentCache<T> {
    let [inputs, gates, products, states, cells] = keep.map(T::write);
    RecurrentCache { inputs, gates, products, states, cells }
}

/// The values per example of what a recurrent layer keeps.
pub(crate) fn kept_sizes(cell: Cell, [steps, inputs]: [usize; 2], units: usize) -> [usize; 5] {
    recurrent::kept(cell, steps, inputs, units)
}

/// y = softmax(Q Kᵀ/√d) V for each of so many heads; x is m × (T · 3D), y is m × (T · D).
pub fn attention(x: View, steps: usize, heads: usize, lengths: Option<View>, y: ViewMut) {
    fits!("attention", x.len() == 3 * y.view().len(), x, y);
    let size = y.shape().columns() / (steps * heads);
    by_dtype!(x, typed(x, [steps, heads, size], lengths, y));

    fn typed<T: Element>(x: View, [steps, heads, size]: [usize; 3], lengths: Option<View>, y: ViewMut) {
        Attention { steps, heads, size, lengths: lengths.map(T::read) }.forward(T::read(x), T::write(y));
    }
}

/// dx of [`attention`].
pub fn attention_backward(x: View, dy: View, steps: usize, heads: usize, lengths: Option<View>, dx: ViewMut) {
    fits!("attention_backward", x.len() == 3 * dy.len(), x, dy);
    let size = dy.shape().columns() / (steps * heads);
    by_dtype!(x, typed(x, dy, [steps, heads, size], lengths, dx));

    fn typed<T: Element>(x: View, dy: View, [steps, heads, size]: [usize; 3], lengths: Option<View>, dx: ViewMut) {
        let attention = Attention { steps, heads, size, lengths: lengths.map(T::read) };
        attention.backward(T::read(x), T::read(dy), T::write(dx));
    }
}
