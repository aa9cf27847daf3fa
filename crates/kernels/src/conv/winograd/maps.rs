//! The maps of patches, filters and products: small matrices, applied along both sides of squares of vectors.
//!
//! They come from Toom–Cook multiplication of polynomials by their values at points: 0, 1, −1 and ∞ for patches of 4 ×
//! 4, and also ½ and −2 for patches of 6 × 6, which lose the fewest digits (Barabasz et al. 2020).

use super::TAPS;
use crate::Real;
use crate::gemm::{Lanes, OnLanes};

/// A loop over at most six places, written out: each factor is a constant then.
macro_rules! written_out {
    ($i:ident, $body:block) => {
        written_out!($i, $body, 0 1 2 3 4 5)
    };
    ($i:ident, $body:block, $($round:literal)*) => {
        $({
            const $i: usize = $round;
            $body
        })*
    };
}

/// A linear map from a line of I elements to one of O.
pub(in crate::conv) trait Line<const I: usize, const O: usize>: Copy {
    /// Its matrix.
    const MATRIX: [[f64; I]; O];

    /// The matrix, with zeros beyond it.
    const FACTORS: [[f64; 6]; 6] = {
        let (mut factors, mut o) = ([[0.0; 6]; 6], 0);
        while o < O {
            let mut i = 0;
            while i < I {
                factors[o][i] = Self::MATRIX[o][i];
                i += 1;
            }
            o += 1;
        }
        factors
    };

    /// Maps a line of vectors.
    ///
    /// # Safety
    /// The machine must have the vector's instructions.
    #[inline(always)]
    unsafe fn of<T: Real, V: Lanes<T>>(self, line: [V; I]) -> [V; O] {
        // SAFETY: as the caller promises.
        unsafe {
            let zero = V::splat(T::ZERO);
            let mut mapped = [zero; O];
            written_out!(TO, {
                written_out!(FROM, {
                    if const { Self::FACTORS[TO][FROM] != 0.0 } {
                        let (sum, x) = (mapped[TO], line[FROM]);
                        mapped[TO] = match const { Step::of(&Self::FACTORS[TO], FROM) } {
                            Step::First => x,
                            Step::Plus => sum.plus(x),
                            Step::Minus => sum.minus(x),
                            Step::Times => sum.plus_product(x, V::splat(T::of(const { Self::FACTORS[TO][FROM] }))),
                        };
                    }
                });
            });
            mapped
        }
    }
}

/// How an element joins the sum of those before it.
enum Step {
    First,
    Plus,
    Minus,
    Times,
}

impl Step {
    const fn of(factors: &[f64; 6], at: usize) -> Step {
        let (mut first, mut i) = (true, 0);
        while i < at {
            first &= factors[i] == 0.0;
            i += 1;
        }
        match (factors[at] == 1.0, factors[at] == -1.0) {
            (true, _) if first => Step::First,
            (true, _) => Step::Plus,
            (_, true) if !first => Step::Minus,
            _ => Step::Times,
        }
    }
}

/// Bᵀ, for patches.
#[derive(Clone, Copy)]
pub(in crate::conv) struct OfPatch;
impl Line<4, 4> for OfPatch {
    const MATRIX: [[f64; 4]; 4] =
        [[1.0, 0.0, -1.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, -1.0, 1.0, 0.0], [0.0, 1.0, 0.0, -1.0]];
}
impl Line<6, 6> for OfPatch {
    const MATRIX: [[f64; 6]; 6] = [
        [1.0, -1.5, -2.0, 1.5, 1.0, 0.0],
        [0.0, -1.0, 0.5, 2.5, 1.0, 0.0],
        [0.0, 1.0, -2.5, 0.5, 1.0, 0.0],
        [0.0, -2.0, -1.0, 2.0, 1.0, 0.0],
        [0.0, 0.5, -1.0, -0.5, 1.0, 0.0],
        [0.0, 1.0, -1.5, -2.0, 1.5, 1.0],
    ];
}

/// G, for filters.
#[derive(Clone, Copy)]
pub(in crate::conv) struct OfFilter;
impl Line<TAPS, 4> for OfFilter {
    const MATRIX: [[f64; TAPS]; 4] = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];
}
impl Line<TAPS, 6> for OfFilter {
    const MATRIX: [[f64; TAPS]; 6] = [
        [1.0, 0.0, 0.0],
        [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0],
        [-1.0 / 3.0, 1.0 / 3.0, -1.0 / 3.0],
        [-16.0 / 15.0, -8.0 / 15.0, -4.0 / 15.0],
        [1.0 / 15.0, -2.0 / 15.0, 4.0 / 15.0],
        [0.0, 0.0, 1.0],
    ];
}

/// Aᵀ, for products.
#[derive(Clone, Copy)]
pub(in crate::conv) struct OfProducts;
impl Line<4, 2> for OfProducts {
    const MATRIX: [[f64; 4]; 2] = [[1.0, 1.0, 1.0, 0.0], [0.0, 1.0, -1.0, -1.0]];
}
impl Line<6, 4> for OfProducts {
    const MATRIX: [[f64; 6]; 4] = [
        [1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
        [0.0, 1.0, -1.0, 0.5, -2.0, 0.0],
        [0.0, 1.0, 1.0, 0.25, 4.0, 0.0],
        [0.0, 1.0, -1.0, 0.125, -8.0, 1.0],
    ];
}

/// The transposed map, for gradients.
#[derive(Clone, Copy)]
pub(super) struct Back<L>(pub(super) L);
impl<L: Line<O, I>, const I: usize, const O: usize> Line<I, O> for Back<L> {
    const MATRIX: [[f64; I]; O] = {
        let (mut matrix, mut o) = ([[0.0; I]; O], 0);
        while o < O {
            let mut i = 0;
            while i < I {
                matrix[o][i] = L::MATRIX[i][o];
                i += 1;
            }
            o += 1;
        }
        matrix
    };
}

/// Maps squares of vectors down their columns and along their rows; `from` and `to` give, for each item, the addresses
/// of the vectors of its square and of the mapped square.
pub(super) struct Transform<F, G, L, const I: usize, const O: usize> {
    pub(super) items: usize,
    /// Elements per vector.
    pub(super) elements: usize,
    pub(super) from: F,
    pub(super) to: G,
    /// Whether a mapped square is added to the contents of its destination.
    pub(super) onto: bool,
    pub(super) line: L,
}

impl<T: Real, F, G, L, const I: usize, const O: usize> OnLanes<T> for Transform<F, G, L, I, O>
where
    F: Fn(usize) -> [[*mut T; I]; I],
    G: Fn(usize) -> [[*mut T; O]; O],
    L: Line<I, O>,
{
    #[inline(always)]
    unsafe fn run<V: Lanes<T>>(self) {
        let whole = self.elements / V::N * V::N;
        for item in 0..self.items {
            let (from, to) = ((self.from)(item), (self.to)(item));
            // SAFETY: the vectors are as long as the caller promises.
            unsafe {
                for at in (0..whole).step_by(V::N) {
                    map_square::<T, V, L, I, O>(self.line, &from, &to, at, self.onto);
                }
                for at in whole..self.elements {
                    map_square::<T, T, L, I, O>(self.line, &from, &to, at, self.onto);
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn map_square<T: Real, V: Lanes<T>, L: Line<I, O>, const I: usize, const O: usize>(
    line: L,
    from: &[[*mut T; I]; I],
    to: &[[*mut T; O]; O],
    at: usize,
    onto: bool,
) {
    // SAFETY: a vector may be read and written `at` elements after each address. Loops: a closure that `from_fn` calls
    // would be compiled without the vector's instructions.
    unsafe {
        let mut down = [[V::splat(T::ZERO); I]; O];
        for j in 0..I {
            let mut column = [V::splat(T::ZERO); I];
            for (i, number) in column.iter_mut().enumerate() {
                *number = V::load(from[i][j].add(at));
            }
            for (row, number) in down.iter_mut().zip(line.of::<T, V>(column)) {
                row[j] = number;
            }
        }
        for (row, to) in down.into_iter().zip(to) {
            for (number, to) in line.of::<T, V>(row).into_iter().zip(to) {
                let to = to.add(at);
                if onto { V::load(to).plus(number).store(to) } else { number.store(to) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line of outputs that the maps give for a line of pixels and one of a filter.
    fn made<const EDGE: usize, const MADE: usize>(pixels: [f64; EDGE], filter: [f64; TAPS]) -> [f64; MADE]
    where
        OfPatch: Line<EDGE, EDGE>,
        OfFilter: Line<TAPS, EDGE>,
        OfProducts: Line<EDGE, MADE>,
    {
        // SAFETY: scalars need no special instructions.
        unsafe {
            let (mut products, filter) = (OfPatch.of::<f64, f64>(pixels), OfFilter.of::<f64, f64>(filter));
            products.iter_mut().zip(filter).for_each(|(product, filter)| *product *= filter);
            OfProducts.of::<f64, f64>(products)
        }
    }

    #[test]
    fn maps_and_products_are_a_convolution() {
        let filter = [0.5, -2.0, 3.25];
        let pixels = [1.0, -0.75, 4.0, 2.5, -3.0, 7.0];
        let expected = |i: usize| (0..TAPS).map(|k| pixels[i + k] * filter[k]).sum::<f64>();
        for (i, y) in made::<6, 4>(pixels, filter).into_iter().enumerate() {
            assert!((y - expected(i)).abs() < 1e-13, "{i}: {y}, not {}", expected(i));
        }
        for (i, y) in made::<4, 2>([1.0, -0.75, 4.0, 2.5], filter).into_iter().enumerate() {
            assert_eq!(y, expected(i), "{i}");
        }
    }

    #[test]
    fn the_way_back_is_the_transposed_map() {
        let matrix = <Back<OfProducts> as Line<4, 6>>::MATRIX;
        for (i, row) in <OfProducts as Line<6, 4>>::MATRIX.iter().enumerate() {
            for (j, factor) in row.iter().enumerate() {
                assert_eq!(matrix[j][i], *factor);
            }
        }
    }
}
