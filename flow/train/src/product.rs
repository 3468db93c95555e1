//! Matrix products on one core, for operators that divide their work by themselves.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use multiversion::multiversion;

/// Up to so many rows, sums of rows are faster than the general product: depthwise convolutions.
const FEW: usize = 3;

fn view(values: &[f32], rows: usize, columns: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(values, rows, columns)
}

fn product(accum: Accum, a: MatRef<'_, f32>, b: MatRef<'_, f32>, c: &mut [f32]) {
    let c = MatMut::from_row_major_slice_mut(c, a.nrows(), b.ncols());
    matmul(c, accum, a, b, 1.0, Par::Seq);
}

/// `c += a b` with `a` of `[m][k]`, `b` of `[k][n]`.
pub(super) fn add(a: &[f32], b: &[f32], c: &mut [f32], [m, k, n]: [usize; 3]) {
    if m <= FEW {
        for (a, c) in a.chunks(k).zip(c.chunks_mut(n)) {
            a.iter().zip(b.chunks(n)).for_each(|(a, b)| axpy(*a, b, c));
        }
        return;
    }
    product(Accum::Add, view(a, m, k), view(b, k, n), c);
}

/// `c += a b^T` with `a` of `[m][k]`, `b` of `[n][k]`.
pub(super) fn add_by_transpose(a: &[f32], b: &[f32], c: &mut [f32], [m, k, n]: [usize; 3]) {
    if m <= FEW {
        for (a, c) in a.chunks(k).zip(c.chunks_mut(n)) {
            b.chunks(k).zip(c).for_each(|(b, c)| *c += dot(a, b));
        }
        return;
    }
    product(Accum::Add, view(a, m, k), view(b, n, k).transpose(), c);
}

/// `c = a^T b` with `a` of `[k][m]`, `b` of `[k][n]`.
pub(super) fn of_transpose(a: &[f32], b: &[f32], c: &mut [f32], [m, k, n]: [usize; 3]) {
    if k <= FEW {
        c.fill(0.0);
        for (a, b) in a.chunks(m).zip(b.chunks(n)) {
            a.iter().zip(c.chunks_mut(n)).for_each(|(a, c)| axpy(*a, b, c));
        }
        return;
    }
    product(Accum::Replace, view(a, k, m).transpose(), view(b, k, n), c);
}

/// `y += a x`; a factor of 0 (a pruned weight) costs nothing.
#[multiversion(targets("x86_64+avx2"))]
fn axpy(a: f32, x: &[f32], y: &mut [f32]) {
    if a != 0.0 {
        y.iter_mut().zip(x).for_each(|(y, x)| *y += a * x);
    }
}

/// Dot product with 16 partial sums, which the compiler vectorizes.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a16, a_rest) = a.as_chunks::<16>();
    let (b16, b_rest) = b.as_chunks::<16>();
    let mut sums = [0f32; 16];
    for (x, y) in a16.iter().zip(b16) {
        for lane in 0..16 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}
