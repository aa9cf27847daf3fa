//! Recurrent layers over all steps of a batch, forward and back through time.
//!
//! The input product of all steps is one product; then blocks of examples go through the steps on a thread each, so that
//! threads wait for each other once a pass, not once a step. Within a block, buffers are step by step, a row for each
//! example, so that the products of a step and the sums over all of a block's steps are of adjacent rows.

use crate::Real;
use crate::bf16::MatmulPrecision;
use crate::dispatch::vectorised;
use crate::gemm::{Gemm, Matrix, gemm, gemm_onto, gemm_panels_onto, pack_columns, packed_size};
use crate::pool;
use crate::reduce::column_sums;
use crate::scratch::with_scratch;

/// Examples that go through the steps together. Sums over them are in its order, so it must not depend on threads.
const BLOCK: usize = 16;

/// The equations of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// h = tanh(a), a being the sum of both products.
    Tanh,
    /// Gates r, z and n: h = (1 − z) n + z h₋₁, n = tanh(aₙ + r bₙ), the reset gate after the product.
    Gru,
    /// Gates i, f, g and o: c = f c₋₁ + i g, h = o tanh c.
    Lstm,
}

impl Cell {
    /// How many values a unit's products have.
    pub fn gates(self) -> usize {
        match self {
            Cell::Tanh => 1,
            Cell::Gru => 3,
            Cell::Lstm => 4,
        }
    }
}

/// What a layer computes in one direction of time.
#[derive(Debug, Clone, Copy)]
pub struct Direction<'a, T> {
    /// The equations.
    pub cell: Cell,
    /// Whether it goes from the last step to the first.
    pub reverse: bool,
    /// T, the steps of each example.
    pub steps: usize,
    /// C, the values of a step.
    pub inputs: usize,
    /// H, the values of a state.
    pub units: usize,
    /// How many steps of each example count, if not all: the others leave the state as it is.
    pub lengths: Option<&'a [T]>,
    /// W, gates · H × C.
    pub input_weight: &'a [T],
    /// U, gates · H × H.
    pub state_weight: &'a [T],
    /// The bias of the input product, gates · H.
    pub input_bias: &'a [T],
    /// The bias of the state product, gates · H.
    pub state_bias: &'a [T],
    /// How the input product is computed.
    pub precision: MatmulPrecision,
}

/// The layer's output, or its gradient: rows of all of an example's steps, or of its last one alone.
#[derive(Debug, Clone, Copy)]
pub struct OutputSteps {
    /// Whether all steps are there.
    pub every: bool,
    /// Values of a step, those of another direction included.
    pub width: usize,
    /// Where this direction's begin.
    pub start: usize,
}

/// What the forward pass keeps for the backward pass, as long as [`kept`] says.
#[derive(Debug)]
pub struct RecurrentCache<'a, T> {
    /// The input.
    pub inputs: &'a mut [T],
    /// Gates; after the backward pass, their gradients.
    pub gates: &'a mut [T],
    /// The state product of a GRU; after the backward pass, its gradient.
    pub products: &'a mut [T],
    /// h before each step and after the last.
    pub states: &'a mut [T],
    /// c likewise, of an LSTM.
    pub cells: &'a mut [T],
}

/// The values per example of each slice of [`RecurrentCache`], in its order.
pub fn kept(cell: Cell, steps: usize, inputs: usize, units: usize) -> [usize; 5] {
    let (gates, states) = (steps * cell.gates() * units, (steps + 1) * units);
    let of = |own: Cell, size: usize| if own == cell { size } else { 0 };
    [steps * inputs, gates, of(Cell::Gru, gates), states, of(Cell::Lstm, states)]
}

/// Where dW, dU and the gradients of both biases go.
#[derive(Debug)]
pub struct Gradients<'a, T> {
    /// dW.
    pub input_weight: &'a mut [T],
    /// dU.
    pub state_weight: &'a mut [T],
    /// Of the input product's bias.
    pub input_bias: &'a mut [T],
    /// Of the state product's bias.
    pub state_bias: &'a mut [T],
}

impl<T: Gemm> Direction<'_, T> {
    fn width(&self) -> usize {
        self.cell.gates() * self.units
    }

    /// Steps in the order of the recurrence.
    fn order(&self) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
        let (steps, reverse) = (self.steps, self.reverse);
        (0..steps).map(move |i| if reverse { steps - 1 - i } else { i })
    }

    /// Whether step t of an example counts.
    fn counts(&self, example: usize, t: usize) -> bool {
        self.lengths.is_none_or(|lengths| (t as f64) < lengths[example].f64())
    }

    /// The chunk of a block in each slice of [`RecurrentCache`].
    fn chunks(&self) -> [usize; 5] {
        kept(self.cell, self.steps, self.inputs, self.units).map(|size| BLOCK * size)
    }

    /// The state before step t, and after it, in a block's slots.
    fn slots<'s>(&self, states: &'s mut [T], t: usize, len: usize) -> (&'s mut [T], &'s mut [T]) {
        let (low, high) = states[t * len..(t + 2) * len].split_at_mut(len);
        if self.reverse { (high, low) } else { (low, high) }
    }

    /// Runs f with a matrix packed for products of a step.
    fn packed<R>(b: Matrix<T>, f: impl FnOnce(&[T]) -> R) -> R {
        with_scratch(packed_size::<T>(b.rows, b.columns), |panels| {
            pack_columns(b, 0..b.columns, panels);
            f(panels)
        })
    }

    /// The output y of x, m rows of C values for each step; where steps do not count it is 0.
    ///
    /// # Panics
    /// If the lengths do not match.
    pub fn forward(&self, x: &[T], place: OutputSteps, y: &mut [T], keep: RecurrentCache<T>) {
        let (h, gates) = (self.units, self.width());
        let m = x.len() / (self.steps * self.inputs);
        let RecurrentCache { inputs, gates: pre, products, states, cells } = keep;
        self.gather(x, inputs);
        // A bias of its own where the state product is needed alone.
        with_scratch(gates, |bias: &mut [T]| {
            bias.copy_from_slice(self.input_bias);
            if self.cell != Cell::Gru {
                bias.iter_mut().zip(self.state_bias).for_each(|(a, &b)| *a += b);
            }
            let x = Matrix::new(inputs, m * self.steps, self.inputs);
            gemm(x, Matrix::new(self.input_weight, gates, self.inputs).t(), Some(bias), pre, self.precision);
        });
        let [_, pre_chunk, product_chunk, state_chunk, cell_chunk] = self.chunks();
        let row = if place.every { self.steps * place.width } else { place.width };
        Self::packed(Matrix::new(self.state_weight, gates, h).t(), |panels| {
            let slices = [
                (pre, pre_chunk),
                (products, product_chunk),
                (states, state_chunk),
                (cells, cell_chunk),
                (y, BLOCK * row),
            ];
            pool::for_each_chunks(slices, |block, [pre, products, states, cells, y]| {
                let rows = y.len() / row;
                let first = if self.reverse { self.steps } else { 0 } * rows * h;
                states[first..first + rows * h].fill(T::ZERO);
                if self.cell == Cell::Lstm {
                    cells[first..first + rows * h].fill(T::ZERO);
                }
                for (i, t) in self.order().enumerate() {
                    let (before, after) = self.slots(states, t, rows * h);
                    let pre = &mut pre[t * rows * gates..(t + 1) * rows * gates];
                    let product = products.get_mut(t * rows * gates..(t + 1) * rows * gates).unwrap_or_default();
                    if self.cell == Cell::Gru {
                        product.fill(T::ZERO);
                    }
                    if i > 0 {
                        let onto = if self.cell == Cell::Gru { &mut *product } else { &mut *pre };
                        gemm_panels_onto(Matrix::new(before, rows, h), panels, onto);
                    }
                    let (c_before, c) = match self.cell {
                        Cell::Lstm => self.slots(cells, t, rows * h),
                        _ => Default::default(),
                    };
                    for example in 0..rows {
                        let state = example * h..(example + 1) * h;
                        let own = example * gates..(example + 1) * gates;
                        let (before, after) = (&before[state.clone()], &mut after[state.clone()]);
                        let pre = &mut pre[own.clone()];
                        let counts = self.counts(block * BLOCK + example, t);
                        match self.cell {
                            Cell::Lstm if !counts => c[state.clone()].copy_from_slice(&c_before[state]),
                            Cell::Lstm => lstm(pre, &c_before[state.clone()], &mut c[state], after),
                            Cell::Gru if counts => gru(pre, &mut product[own], self.state_bias, before, after),
                            Cell::Tanh if counts => tanh(pre, after),
                            Cell::Gru | Cell::Tanh => {}
                        }
                        if !counts {
                            after.copy_from_slice(before);
                        }
                        if place.every {
                            let start = (example * self.steps + t) * place.width + place.start;
                            let y = &mut y[start..start + h];
                            if counts { y.copy_from_slice(after) } else { y.fill(T::ZERO) }
                        }
                    }
                }
                if !place.every {
                    let last = if self.reverse { 0 } else { self.steps } * rows * h;
                    let states = states[last..].chunks_exact(h);
                    y.chunks_exact_mut(row).zip(states).for_each(|(y, state)| {
                        y[place.start..place.start + h].copy_from_slice(state);
                    });
                }
            });
        });
    }

    /// Gradients, from dy and what the forward pass kept. dx is overwritten, or added to where `onto`.
    ///
    /// # Panics
    /// If the lengths do not match.
    pub fn backward(
        &self,
        dy: &[T],
        place: OutputSteps,
        keep: RecurrentCache<T>,
        gradients: Gradients<T>,
        dx: Option<&mut [T]>,
        onto: bool,
    ) {
        let (h, gates) = (self.units, self.width());
        let row = if place.every { self.steps * place.width } else { place.width };
        let m = dy.len() / row;
        let RecurrentCache { inputs, gates: pre, products, states, cells } = keep;
        let [input_chunk, pre_chunk, product_chunk, state_chunk, cell_chunk] = self.chunks();
        Self::packed(Matrix::new(self.state_weight, gates, h), |panels| {
            let slices = [
                (&mut *pre, pre_chunk),
                (&mut *products, product_chunk),
                (&mut *states, state_chunk),
                (&mut *cells, cell_chunk),
            ];
            pool::for_each_chunks(slices, |block, [pre, products, states, cells]| {
                let dy = &dy[block * BLOCK * row..];
                let rows = states.len() / ((self.steps + 1) * h);
                with_scratch(2 * rows * h, |deltas: &mut [T]| {
                    let (dh, dc) = deltas.split_at_mut(rows * h);
                    dh.fill(T::ZERO);
                    dc.fill(T::ZERO);
                    if !place.every {
                        dh.chunks_exact_mut(h).zip(dy.chunks_exact(row)).for_each(|(dh, dy)| {
                            dh.copy_from_slice(&dy[place.start..place.start + h]);
                        });
                    }
                    for (i, t) in self.order().enumerate().rev() {
                        let (before, _) = self.slots(states, t, rows * h);
                        let pre = &mut pre[t * rows * gates..(t + 1) * rows * gates];
                        let product = products.get_mut(t * rows * gates..(t + 1) * rows * gates).unwrap_or_default();
                        let (c_before, c) = match self.cell {
                            Cell::Lstm => self.slots(cells, t, rows * h),
                            _ => Default::default(),
                        };
                        for example in 0..rows {
                            let state = example * h..(example + 1) * h;
                            let own = example * gates..(example + 1) * gates;
                            let (dh, pre) = (&mut dh[state.clone()], &mut pre[own.clone()]);
                            if !self.counts(block * BLOCK + example, t) {
                                pre.fill(T::ZERO);
                                if self.cell == Cell::Gru {
                                    product[own].fill(T::ZERO);
                                }
                                continue;
                            }
                            if place.every {
                                let start = (example * self.steps + t) * place.width + place.start;
                                dh.iter_mut().zip(&dy[start..start + h]).for_each(|(dh, &dy)| *dh += dy);
                            }
                            match self.cell {
                                Cell::Tanh => tanh_backward(pre, dh),
                                Cell::Gru => gru_backward(pre, &mut product[own], &before[state], dh),
                                Cell::Lstm => {
                                    let (c_before, c) = (&c_before[state.clone()], &c[state.clone()]);
                                    lstm_backward(pre, c_before, c, &mut dc[state], dh);
                                }
                            }
                        }
                        if i > 0 {
                            let delta = if self.cell == Cell::Gru { &*product } else { &*pre };
                            gemm_panels_onto(Matrix::new(delta, rows, gates), panels, dh);
                        }
                    }
                });
            });
        });
        let deltas = Matrix::new(pre, m * self.steps, gates);
        let x = Matrix::new(inputs, m * self.steps, self.inputs);
        gemm(deltas.t(), x, None, gradients.input_weight, self.precision);
        column_sums(pre, gates, gradients.input_bias);
        let (products, product_chunk) =
            if self.cell == Cell::Gru { (&*products, product_chunk) } else { (&*pre, pre_chunk) };
        column_sums(products, gates, gradients.state_bias);
        gradients.state_weight.fill(T::ZERO);
        for (deltas, states) in products.chunks(product_chunk).zip(states.chunks(state_chunk)) {
            let count = deltas.len() / gates;
            // The states before each step: all but those after the last.
            let before = if self.reverse { states.len() - count * h } else { 0 };
            let states = Matrix::new(&states[before..before + count * h], count, h);
            gemm_onto(Matrix::new(deltas, count, gates).t(), states, gradients.state_weight);
        }
        if let Some(dx) = dx {
            let weight = Matrix::new(self.input_weight, gates, self.inputs);
            gemm(deltas, weight, None, inputs, self.precision);
            self.scatter(inputs, input_chunk, dx, onto);
        }
    }

    /// Rows of examples to rows of steps, block by block.
    fn gather(&self, x: &[T], blocks: &mut [T]) {
        let c = self.inputs;
        pool::for_each_chunks([(blocks, BLOCK * self.steps * c)], |block, [to]| {
            let x = &x[block * BLOCK * self.steps * c..];
            let rows = to.len() / (self.steps * c);
            for (i, to) in to.chunks_exact_mut(c).enumerate() {
                let (t, example) = (i / rows, i % rows);
                to.copy_from_slice(&x[(example * self.steps + t) * c..][..c]);
            }
        });
    }

    /// Rows of steps to rows of examples.
    fn scatter(&self, blocks: &[T], chunk: usize, x: &mut [T], onto: bool) {
        let c = self.inputs;
        pool::for_each_chunks([(x, chunk)], |block, [x]| {
            let from = &blocks[block * chunk..][..x.len()];
            let rows = x.len() / (self.steps * c);
            for (i, from) in from.chunks_exact(c).enumerate() {
                let (t, example) = (i / rows, i % rows);
                let to = &mut x[(example * self.steps + t) * c..][..c];
                if onto {
                    to.iter_mut().zip(from).for_each(|(to, &from)| *to += from);
                } else {
                    to.copy_from_slice(from);
                }
            }
        });
    }
}

#[inline(always)]
fn sigmoid<T: Real>(z: T) -> T {
    T::ONE / (T::ONE + (-z).exp())
}

fn tanh<T: Real>(pre: &mut [T], h: &mut [T]) {
    vectorised(
        #[inline(always)]
        || {
            for (a, h) in pre.iter().zip(h) {
                *h = a.tanh();
            }
        },
    );
}

/// dh is overwritten by what reaches the state before beside the product.
fn tanh_backward<T: Real>(pre: &mut [T], dh: &mut [T]) {
    vectorised(
        #[inline(always)]
        || {
            for (a, dh) in pre.iter_mut().zip(dh) {
                let h = a.tanh();
                *a = *dh * (T::ONE - h * h);
                *dh = T::ZERO;
            }
        },
    );
}

/// Leaves r, z and n in `pre`, and in `product` the part of n's product, its bias included.
fn gru<T: Real>(pre: &mut [T], product: &mut [T], bias: &[T], before: &[T], h: &mut [T]) {
    let units = h.len();
    let [r, z, n] = thirds(pre, units);
    let [r_state, z_state, n_state] = thirds(product, units);
    let (r_bias, bias) = bias.split_at(units);
    let (z_bias, n_bias) = bias.split_at(units);
    vectorised(
        #[inline(always)]
        || {
            for j in 0..units {
                r[j] = sigmoid(r[j] + (r_state[j] + r_bias[j]));
                z[j] = sigmoid(z[j] + (z_state[j] + z_bias[j]));
            }
            for j in 0..units {
                n_state[j] += n_bias[j];
                n[j] = (n[j] + r[j] * n_state[j]).tanh();
                h[j] = n[j] + z[j] * (before[j] - n[j]);
            }
        },
    );
}

fn gru_backward<T: Real>(pre: &mut [T], product: &mut [T], before: &[T], dh: &mut [T]) {
    let units = dh.len();
    let [r, z, n] = thirds(pre, units);
    let [r_state, z_state, n_state] = thirds(product, units);
    let before = &before[..units];
    vectorised(
        #[inline(always)]
        || {
            for j in 0..units {
                let dn = dh[j] * (T::ONE - z[j]) * (T::ONE - n[j] * n[j]);
                let dz = dh[j] * (before[j] - n[j]) * z[j] * (T::ONE - z[j]);
                let dr = dn * n_state[j] * r[j] * (T::ONE - r[j]);
                dh[j] *= z[j];
                n_state[j] = dn * r[j];
                n[j] = dn;
                (z[j], z_state[j]) = (dz, dz);
                (r[j], r_state[j]) = (dr, dr);
            }
        },
    );
}

/// Leaves i, f, g and o in `pre`.
fn lstm<T: Real>(pre: &mut [T], c_before: &[T], c: &mut [T], h: &mut [T]) {
    let units = h.len();
    let [i, f, g, o] = quarters(pre, units);
    let (c_before, c) = (&c_before[..units], &mut c[..units]);
    vectorised(
        #[inline(always)]
        || {
            for j in 0..units {
                (i[j], f[j]) = (sigmoid(i[j]), sigmoid(f[j]));
                (g[j], o[j]) = (g[j].tanh(), sigmoid(o[j]));
            }
            for j in 0..units {
                c[j] = f[j] * c_before[j] + i[j] * g[j];
                h[j] = o[j] * c[j].tanh();
            }
        },
    );
}

fn lstm_backward<T: Real>(pre: &mut [T], c_before: &[T], c: &[T], dc: &mut [T], dh: &mut [T]) {
    let units = dh.len();
    let [i, f, g, o] = quarters(pre, units);
    let (c_before, c, dc) = (&c_before[..units], &c[..units], &mut dc[..units]);
    vectorised(
        #[inline(always)]
        || {
            for j in 0..units {
                let tanh = c[j].tanh();
                let d = dc[j] + dh[j] * o[j] * (T::ONE - tanh * tanh);
                o[j] = dh[j] * tanh * o[j] * (T::ONE - o[j]);
                dc[j] = d * f[j];
                f[j] = d * c_before[j] * f[j] * (T::ONE - f[j]);
                let di = d * g[j] * i[j] * (T::ONE - i[j]);
                g[j] = d * i[j] * (T::ONE - g[j] * g[j]);
                i[j] = di;
                dh[j] = T::ZERO;
            }
        },
    );
}

fn thirds<T>(all: &mut [T], units: usize) -> [&mut [T]; 3] {
    let (a, rest) = all.split_at_mut(units);
    let (b, c) = rest.split_at_mut(units);
    [a, b, c]
}

fn quarters<T>(all: &mut [T], units: usize) -> [&mut [T]; 4] {
    let (a, rest) = all.split_at_mut(units);
    let [b, c, d] = thirds(rest, units);
    [a, b, c, d]
}
