//! Dense linear algebra on flat row-major arrays.

use faer::linalg::solvers::{DenseSolveCore, Llt, Solve};
use faer::{Mat, Side};

use super::PruneError;

/// The sub-matrix of a symmetric `n x n` matrix at the given rows and columns, with `damping` on its diagonal.
fn submatrix(matrix: &[f64], n: usize, at: &[usize], damping: f64) -> Mat<f64> {
    Mat::from_fn(at.len(), at.len(), |i, j| {
        matrix[at[i] * n + at[j]] + if i == j { damping } else { 0.0 }
    })
}

fn factor(matrix: &Mat<f64>) -> Result<Llt<f64>, PruneError> {
    Llt::new(matrix.as_ref(), Side::Lower).map_err(|_| PruneError::NotFinite {
        what: "covariance of a layer's inputs is not positive; its activations are not finite"
            .into(),
    })
}

/// The inverse of the sub-matrix of a symmetric positive semi-definite `n x n` matrix, row-major.
///
/// # Errors
/// The matrix is not positive with that damping: it holds numbers that are not finite.
pub(super) fn inverse(
    matrix: &[f64],
    n: usize,
    at: &[usize],
    damping: f64,
) -> Result<Vec<f64>, PruneError> {
    let inverse = factor(&submatrix(matrix, n, at, damping))?.inverse();
    let size = at.len();
    Ok((0..size).flat_map(|i| (0..size).map(move |j| (i, j))).map(|at| inverse[at]).collect())
}

/// Solves the sub-matrix for several right-hand sides, `[side][at.len()]`.
///
/// # Errors
/// As [`inverse`].
pub(super) fn solve(
    matrix: &[f64],
    n: usize,
    at: &[usize],
    damping: f64,
    sides: &[Vec<f64>],
) -> Result<Vec<Vec<f64>>, PruneError> {
    if at.is_empty() {
        return Ok(vec![Vec::new(); sides.len()]);
    }
    let right = Mat::from_fn(at.len(), sides.len(), |i, j| sides[j][i]);
    let solution = factor(&submatrix(matrix, n, at, damping))?.solve(&right);
    Ok((0..sides.len()).map(|j| (0..at.len()).map(|i| solution[(i, j)]).collect()).collect())
}

/// Eliminates `gone` from an inverse `[n][n]`, whose rows and columns `open` become the inverse of the remaining
/// matrix. Returned with each of `open` is its share of the weight of `gone` in the optimal update (B. Hassibi, D.
/// Stork, "Second Order Derivatives for Network Pruning", NIPS 1992).
pub(super) fn eliminate(
    inverse: &mut [f64],
    n: usize,
    gone: usize,
    open: impl Iterator<Item = usize>,
) -> Vec<(usize, f64)> {
    let row: Vec<f64> = inverse[gone * n..(gone + 1) * n].to_vec();
    let pivot = row[gone].max(f64::MIN_POSITIVE);
    let shares = open.map(|i| (i, row[i] / pivot)).filter(|(_, share)| *share != 0.0);
    let shares: Vec<(usize, f64)> = shares.collect();
    for (i, share) in &shares {
        let target = &mut inverse[i * n..(i + 1) * n];
        target.iter_mut().zip(&row).for_each(|(value, r)| *value -= share * r);
    }
    shares
}

/// `left [rows][n] * right [n][columns]` in single precision, on all threads.
pub(super) fn product(left: &[f32], right: &[f32], [rows, n, columns]: [usize; 3]) -> Vec<f32> {
    use faer::linalg::matmul::matmul;
    use faer::{Accum, MatMut, MatRef, Par};
    let mut result = vec![0f32; rows * columns];
    let left = MatRef::from_row_major_slice(left, rows, n);
    let right = MatRef::from_row_major_slice(right, n, columns);
    let into = MatMut::from_row_major_slice_mut(&mut result, rows, columns);
    matmul(into, Accum::Replace, left, right, 1.0, Par::rayon(0));
    result
}
