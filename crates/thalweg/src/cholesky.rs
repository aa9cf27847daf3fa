//! Systems of linear equations with a symmetric, positive definite matrix: A = L Lᵀ.

/// L, row by row up to the diagonal, from A's lower triangle; none where A is not positive definite.
pub(crate) fn factor(n: usize, a: impl Fn(usize, usize) -> f64) -> Option<Vec<Vec<f64>>> {
    let mut lower: Vec<Vec<f64>> = Vec::with_capacity(n);
    for i in 0..n {
        let mut row: Vec<f64> = Vec::with_capacity(i + 1);
        for (j, other) in lower.iter().enumerate() {
            row.push((a(i, j) - dot(&row, other)) / other[j]);
        }
        let square = a(i, i) - dot(&row, &row);
        row.push(Some(square.sqrt()).filter(|root| *root > 0.0)?);
        lower.push(row);
    }
    Some(lower)
}

/// aᵀ b.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves L x = y.
pub(crate) fn forward(lower: &[Vec<f64>], y: &[f64]) -> Vec<f64> {
    let mut x: Vec<f64> = Vec::with_capacity(y.len());
    for (row, y) in lower.iter().zip(y) {
        x.push((y - dot(&x, row)) / row[x.len()]);
    }
    x
}

/// Solves Lᵀ x = y.
pub(crate) fn backward(lower: &[Vec<f64>], y: Vec<f64>) -> Vec<f64> {
    let mut x = y;
    for i in (0..x.len()).rev() {
        let own = x[i] / lower[i][i];
        x[i] = own;
        x[..i].iter_mut().zip(&lower[i]).for_each(|(x, l)| *x -= l * own);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved_and_an_indefinite_matrix_refused() {
        let a = [[4.0, 2.0, -1.0], [2.0, 5.0, 0.5], [-1.0, 0.5, 3.0]];
        let lower = factor(3, |i, j| a[i][j]).unwrap();
        let x = backward(&lower, forward(&lower, &[1.0, -2.0, 0.25]));
        for (row, y) in a.iter().zip([1.0, -2.0, 0.25]) {
            let product: f64 = row.iter().zip(&x).map(|(a, x)| a * x).sum();
            assert!((product - y).abs() < 1e-14);
        }
        assert!(factor(2, |i, j| [[1.0, 2.0], [2.0, 1.0]][i][j]).is_none());
    }
}
