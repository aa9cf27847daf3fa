//! Softmax, and the two cross-entropies from logits.

use crate::Real;
use crate::dispatch::vectorised;

/// Elements computed at a time.
const BLOCK: usize = 256;

/// ŷ = e^z / Σe^z over each row of `classes` values, overwriting z; the row's largest z is subtracted first.
pub fn softmax_in_place<T: Real>(z: &mut [T], classes: usize) {
    for row in z.chunks_exact_mut(classes.max(1)) {
        exponentials(row);
        let total = row.iter().fold(T::ZERO, |sum, &e| sum + e);
        vectorised(
            #[inline(always)]
            || row.iter_mut().for_each(|e| *e = *e / total),
        );
    }
}

/// e^(z − max z), overwriting z; returns max z.
fn exponentials<T: Real>(row: &mut [T]) -> T {
    let max = row.iter().skip(1).fold(row[0], |max, &z| max.max(z));
    vectorised(
        #[inline(always)]
        || row.iter_mut().for_each(|z| *z = (*z - max).exp()),
    );
    max
}

/// For rows of logits z with class indices y: L = ln Σe^z − (1−s) z_y − s·mean z, with smoothing s; dz = softmax(z) −
/// y.
///
/// A label that is not a class index gives a loss of NaN.
///
/// # Panics
/// If the lengths do not match.
pub fn softmax_cross_entropy<T: Real>(
    z: &[T],
    classes: usize,
    labels: &[T],
    smoothing: T,
    loss: &mut [T],
    dz: Option<&mut [T]>,
) {
    assert!(z.len() == labels.len() * classes && loss.len() == labels.len());
    let each = smoothing / T::of(classes as f64);
    rows(z, classes, loss, dz, |row, z, log_sum, dz| {
        let label = labels[row].f64() as usize;
        if label >= classes || T::of(label as f64) != labels[row] {
            return T::of(f64::NAN);
        }
        if let Some(dz) = dz {
            dz[label] -= T::ONE - smoothing;
            dz.iter_mut().for_each(|dz| *dz -= each);
        }
        let mut value = (T::ONE - smoothing) * log_sum.surprise(z[label]);
        if smoothing > T::ZERO {
            value += z.iter().fold(T::ZERO, |sum, &z| sum + each * log_sum.surprise(z));
        }
        value
    });
}

/// The same with a probability y for each class: L = Σ y (ln Σe^z − z); dz = softmax(z) Σy − y.
///
/// # Panics
/// If the lengths do not match.
pub fn softmax_cross_entropy_dense<T: Real>(z: &[T], classes: usize, y: &[T], loss: &mut [T], dz: Option<&mut [T]>) {
    assert!(z.len() == y.len() && z.len() == loss.len() * classes);
    rows(z, classes, loss, dz, |row, z, log_sum, dz| {
        let y = &y[row * classes..(row + 1) * classes];
        if let Some(dz) = dz {
            let total = y.iter().fold(T::ZERO, |sum, &y| sum + y);
            for (dz, &y) in dz.iter_mut().zip(y) {
                *dz = *dz * total - y;
            }
        }
        let term = |&z: &T, &y: &T| if y == T::ZERO { T::ZERO } else { y * log_sum.surprise(z) };
        z.iter().zip(y).fold(T::ZERO, |sum, (z, y)| sum + term(z, y))
    });
}

/// ln Σe^z of a row, as two terms: their sum would round away digits of the loss where max z is large.
#[derive(Clone, Copy)]
struct LogSum<T> {
    max: T,
    /// ln Σe^(z − max).
    log_total: T,
}

impl<T: Real> LogSum<T> {
    /// −ln ŷ_c = ln Σe^z − z_c.
    fn surprise(self, z: T) -> T {
        self.log_total - (z - self.max)
    }
}

/// Calls f(row index, z, ln Σe^z, dz holding softmax(z)) for each row, which returns the row's loss.
fn rows<T: Real>(
    z: &[T],
    classes: usize,
    loss: &mut [T],
    mut dz: Option<&mut [T]>,
    f: impl Fn(usize, &[T], LogSum<T>, Option<&mut [T]>) -> T,
) {
    for (i, (z, loss)) in z.chunks_exact(classes).zip(loss).enumerate() {
        let (max, total) = match &mut dz {
            Some(dz) => {
                let dz = &mut dz[i * classes..(i + 1) * classes];
                dz.copy_from_slice(z);
                let max = exponentials(dz);
                (max, dz.iter().fold(T::ZERO, |sum, &e| sum + e))
            }
            None => {
                let max = z.iter().skip(1).fold(z[0], |max, &z| max.max(z));
                (max, z.iter().fold(T::ZERO, |sum, &z| sum + (z - max).exp()))
            }
        };
        let mut dz = dz.as_deref_mut().map(|dz| &mut dz[i * classes..(i + 1) * classes]);
        for e in dz.iter_mut().flat_map(|dz| dz.iter_mut()) {
            *e = *e / total;
        }
        *loss = f(i, z, LogSum { max, log_total: total.ln() }, dz);
    }
}

/// For rows of logits z with labels y of 0 or 1 (or between): L = Σ max(z,0) − z·y + ln(1 + e^−|z|); dz = σ(z) − y.
///
/// # Panics
/// If the lengths do not match.
pub fn sigmoid_cross_entropy<T: Real>(z: &[T], columns: usize, y: &[T], loss: &mut [T], mut dz: Option<&mut [T]>) {
    assert!(z.len() == y.len() && z.len() == loss.len() * columns && dz.as_ref().is_none_or(|dz| dz.len() == z.len()));
    loss.fill(T::ZERO);
    let (mut row, mut column) = (0, 0);
    for (block, (z, y)) in z.chunks(BLOCK).zip(y.chunks(BLOCK)).enumerate() {
        let (start, n) = (block * BLOCK, z.len());
        let (mut terms, mut deltas) = ([T::ZERO; BLOCK], [T::ZERO; BLOCK]);
        vectorised(
            #[inline(always)]
            || {
                for i in 0..n {
                    let e = (-z[i].abs()).exp();
                    terms[i] = z[i].max(T::ZERO) - z[i] * y[i] + e.ln_1p();
                    deltas[i] = (if z[i] < T::ZERO { e } else { T::ONE }) / (T::ONE + e) - y[i];
                }
            },
        );
        for &term in &terms[..n] {
            loss[row] += term;
            column += 1;
            if column == columns {
                (row, column) = (row + 1, 0);
            }
        }
        if let Some(dz) = &mut dz {
            dz[start..start + n].copy_from_slice(&deltas[..n]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::LN_2;

    use super::*;

    #[test]
    fn a_label_that_is_no_class_gives_nan() {
        for label in [-1.0, 0.5, 2.0, f64::NAN] {
            let mut loss = [0.0];
            softmax_cross_entropy(&[1.0, 2.0], 2, &[label], 0.0, &mut loss, None);
            assert!(loss[0].is_nan(), "label {label} gave {}", loss[0]);
        }
    }

    /// L = max(z,0) − z·y + ln(1 + e^−|z|) for y = 0 and 1, computed with 40 digits.
    #[test]
    fn binary_losses_of_near_and_far_logits() {
        let golden = [
            (0.0, LN_2, LN_2),
            (1e-8, 0.693_147_185_559_945_4, 0.693_147_175_559_945_4),
            (40.0, 40.0, 4.248_354_255_291_589e-18),
            (88.0, 88.0, 6.054_601_895_401_186e-39),
            (89.0, 89.0, 2.227_363_561_795_743_8e-39),
            (709.0, 709.0, 1.216_780_750_623_423e-308),
            (710.0, 710.0, 4.476_286_225_675_13e-309),
            (1e4, 1e4, 0.0),
        ];
        for (z, wrong, right) in golden {
            // By symmetry, −z with the label swapped.
            let (z, y, expected) = ([z, z, -z, -z], [0.0, 1.0, 1.0, 0.0], [wrong, right, wrong, right]);
            let (mut loss, mut dz) = ([9.0; 4], [9.0; 4]);
            sigmoid_cross_entropy(&z, 1, &y, &mut loss, Some(&mut dz));
            for i in 0..4 {
                let error = (loss[i] - expected[i]).abs();
                assert!(error <= 4e-16 * expected[i] + 1e-323, "z = {}, y = {}: {:e}", z[i], y[i], loss[i]);
                let slope = 1.0 / (1.0 + libm::exp(-z[i])) - y[i];
                assert!((dz[i] - slope).abs() <= 2e-16, "z = {}, y = {}: {:e}", z[i], y[i], dz[i]);
            }
            let (z, y, mut narrow) = (z.map(|z| z as f32), y.map(|y| y as f32), [9.0f32; 4]);
            sigmoid_cross_entropy(&z, 1, &y, &mut narrow, None);
            for i in 0..4 {
                let error = (f64::from(narrow[i]) - expected[i]).abs();
                assert!(error <= 3e-7 * expected[i] + 3e-45, "f32: z = {}, y = {}: {:e}", z[i], y[i], narrow[i]);
            }
        }
    }

    #[test]
    fn several_columns_add_up_by_row() {
        let (rows, columns) = (100, 7);
        let z: Vec<f64> = (0..rows * columns).map(|i| (i % 13) as f64 - 6.0).collect();
        let y: Vec<f64> = (0..rows * columns).map(|i| (i % 2) as f64).collect();
        let (mut whole, mut one) = (vec![9.0; rows], [9.0]);
        sigmoid_cross_entropy(&z, columns, &y, &mut whole, None);
        for (row, &loss) in whole.iter().enumerate() {
            let part = row * columns..(row + 1) * columns;
            sigmoid_cross_entropy(&z[part.clone()], columns, &y[part], &mut one, None);
            assert_eq!(one[0], loss, "row {row}");
        }
    }

    #[test]
    fn far_logits_keep_the_loss_s_digits() {
        let mut loss = [0.0f32];
        softmax_cross_entropy(&[1e6, 1e6 - 1.0], 2, &[0.0], 0.0, &mut loss, None);
        assert!((loss[0] - 0.313_261_7).abs() < 1e-6, "{}", loss[0]);
    }
}
