//! Softmax, and the two cross-entropies from logits.

use crate::Real;
use crate::dispatch::vectorised;

/// ŷ = e^z / Σe^z over each row of `classes` numbers, in the place of z; the row's largest z is subtracted first.
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

/// e^(z − max z) in the place of z; gives max z.
fn exponentials<T: Real>(row: &mut [T]) -> T {
    let max = row.iter().skip(1).fold(row[0], |max, &z| max.max(z));
    vectorised(
        #[inline(always)]
        || row.iter_mut().for_each(|z| *z = (*z - max).exp()),
    );
    max
}

/// For rows of logits z with class numbers y: L = ln Σe^z − (1−s) z_y − s·mean z, with smoothing s; dz = softmax(z) − y.
///
/// A label that is no class number gives a loss of NaN.
///
/// # Panics
/// If the lengths do not fit.
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
/// If the lengths do not fit.
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

/// ln Σe^z of a row, in two parts: their sum would round away digits of the loss where max z is large.
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

/// Calls f(row number, z, ln Σe^z, dz holding softmax(z)) for each row, which gives the row's loss.
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
/// If the lengths do not fit.
pub fn sigmoid_cross_entropy<T: Real>(z: &[T], columns: usize, y: &[T], loss: &mut [T], mut dz: Option<&mut [T]>) {
    assert!(z.len() == y.len() && z.len() == loss.len() * columns);
    for (i, loss) in loss.iter_mut().enumerate() {
        *loss = T::ZERO;
        for j in i * columns..(i + 1) * columns {
            let (z, y) = (z[j], y[j]);
            let e = (-z.abs()).exp();
            *loss += z.max(T::ZERO) - z * y + e.ln_1p();
            if let Some(dz) = &mut dz {
                let sigmoid = if z < T::ZERO { e / (T::ONE + e) } else { T::ONE / (T::ONE + e) };
                dz[j] = sigmoid - y;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_is_no_class_gives_nan() {
        for label in [-1.0, 0.5, 2.0, f64::NAN] {
            let mut loss = [0.0];
            softmax_cross_entropy(&[1.0, 2.0], 2, &[label], 0.0, &mut loss, None);
            assert!(loss[0].is_nan(), "label {label} gave {}", loss[0]);
        }
    }

    #[test]
    fn far_logits_keep_the_loss_s_digits() {
        let mut loss = [0.0f32];
        softmax_cross_entropy(&[1e6, 1e6 - 1.0], 2, &[0.0], 0.0, &mut loss, None);
        assert!((loss[0] - 0.313_261_7).abs() < 1e-6, "{}", loss[0]);
    }
}
