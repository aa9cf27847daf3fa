//! The product as three plain loops: the reference that every fast one must match bit for bit.

use super::Matrix;
use crate::Real;

/// C = A·B (+ bias on each row): one chain of fused multiply-adds over k for each element, from 0.
pub fn gemm<T: Real>(a: Matrix<T>, b: Matrix<T>, bias: Option<&[T]>, c: &mut [T]) {
    for i in 0..a.rows {
        for j in 0..b.columns {
            let mut sum = T::ZERO;
            for k in 0..a.columns {
                sum = a.at(i, k).mul_add(b.at(k, j), sum);
            }
            c[i * b.columns + j] = bias.map_or(sum, |bias| sum + bias[j]);
        }
    }
}
