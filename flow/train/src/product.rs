//! Matrix products: on one core, for operators that divide their work themselves, and on all cores.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use multiversion::multiversion;
use rayon::prelude::*;

/// Number of rows up to which sums of rows are faster than the general product: depthwise convolutions.
const FEW: usize = 3;

/// Number of terms of a partial sum; partial sums are then added.
const DEPTH: usize = 512;

/// Number of rows and columns up to which sums are divided into parts of [`DEPTH`] and a rest; beyond, into equal
/// parts.
const SMALL: usize = 64;

/// Number of results up to which sums over contiguous values are computed in lanes.
const LINES: usize = 256;

/// Number of multiplications from which more than one core pays.
const WORK: usize = 1 << 19;

/// `values` as a matrix, row by row.
pub(super) fn view(values: &[f32], rows: usize, columns: usize) -> MatRef<'_, f32> {
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

/// `a b`, row by row. The order of additions depends on the operands' shapes and layouts, not on the number of threads.
pub(super) fn multiply(a: MatRef<'_, f32>, b: MatRef<'_, f32>) -> Vec<f32> {
    let (m, k, n) = (a.nrows(), a.ncols(), b.ncols());
    let lines = a.col_stride() == 1 && b.row_stride() == 1;
    let dot: fn(&[f32], &[f32]) -> f32 = match m.min(n) == 1 {
        _ if lines && m * n <= LINES => in_lanes,
        _ if k == 2 => |a, b| a[1] * b[1] + a[0] * b[0],
        true if lines => in_many_lanes,
        true => in_turn,
        false => return in_parts(a, b),
    };
    let rows: Vec<Vec<f32>> = a.row_iter().map(|row| row.iter().copied().collect()).collect();
    let columns: Vec<Vec<f32>> = b.col_iter().map(|c| c.iter().copied().collect()).collect();
    rows.iter().flat_map(|row| columns.iter().map(move |column| dot(row, column))).collect()
}

/// `a b`, with sums divided into parts.
fn in_parts(a: MatRef<'_, f32>, b: MatRef<'_, f32>) -> Vec<f32> {
    let (m, k, n) = (a.nrows(), a.ncols(), b.ncols());
    let depth = if m.max(n) <= SMALL { DEPTH } else { k.div_ceil(k.div_ceil(DEPTH).max(1)) };
    let add = |(a, b, mut c): (MatRef<'_, f32>, MatRef<'_, f32>, MatMut<'_, f32>)| {
        for start in (0..k).step_by(depth.max(1)) {
            let depth = depth.min(k - start);
            let (a, b) = (a.subcols(start, depth), b.subrows(start, depth));
            match start {
                0 => matmul(c.as_mut(), Accum::Replace, a, b, 1.0, Par::Seq),
                // As for all depths, products are rounded before they are added.
                _ if depth == 1 => c += a * b,
                _ => matmul(c.as_mut(), Accum::Add, a, b, 1.0, Par::Seq),
            }
        }
    };
    let cores = if m * k * n < WORK { 1 } else { rayon::current_num_threads() };
    let parts = cores.min(m.max(n).div_ceil(16)).max(1);
    let mut result = vec![0f32; m * n];
    let c = MatMut::from_row_major_slice_mut(&mut result, m, n);
    if n >= m {
        let pairs = c.par_col_partition_mut(parts).zip(b.par_col_partition(parts));
        pairs.for_each(|(c, b)| add((a, b, c)));
    } else {
        let pairs = c.par_row_partition_mut(parts).zip(a.par_row_partition(parts));
        pairs.for_each(|(c, a)| add((a, b, c)));
    }
    result
}

/// Dot product with one sum, in order.
#[multiversion(targets("x86_64+avx2+fma"))]
fn in_turn(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).fold(0.0, |sum, (x, y)| x.mul_add(*y, sum))
}

/// Adds the products of `a` and `b` to `sums` in turn, without those after the last complete round.
#[inline(always)]
fn add_rounds<'a, const N: usize>(
    a: &'a [f32],
    b: &'a [f32],
    sums: &mut [f32; N],
) -> [&'a [f32]; 2] {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<N>(), b.as_chunks::<N>());
    for (x, y) in a.iter().zip(b) {
        (0..N).for_each(|lane| sums[lane] = x[lane].mul_add(y[lane], sums[lane]));
    }
    [a_rest, b_rest]
}

/// Dot product with 8 partial sums for every 1024 terms.
#[multiversion(targets("x86_64+avx2+fma"))]
fn in_lanes(a: &[f32], b: &[f32]) -> f32 {
    let of_line = |(a, b)| {
        let mut sums = [0f32; 8];
        let [a, b] = add_rounds(a, b, &mut sums);
        let rest = sums.iter_mut().zip(a.iter().zip(b));
        rest.for_each(|(sum, (x, y))| *sum = x.mul_add(*y, *sum));
        let half = |lane: usize| sums[lane] + sums[lane + 4];
        (half(0) + half(2)) + (half(1) + half(3))
    };
    a.chunks(1024).zip(b.chunks(1024)).map(of_line).sum()
}

/// Dot product with 64 partial sums, which become 8 for the rest.
#[multiversion(targets("x86_64+avx2+fma"))]
fn in_many_lanes(a: &[f32], b: &[f32]) -> f32 {
    let mut many = [0f32; 64];
    let [a, b] = add_rounds(a, b, &mut many);
    let pair = |lane: usize| many[lane] + many[lane + 8];
    let four = |lane: usize| pair(lane) + pair(lane + 16);
    let mut sums: [f32; 8] = std::array::from_fn(|lane| four(lane) + four(lane + 32));
    let [a, b] = add_rounds(a, b, &mut sums);
    let sum = sums[1..].iter().fold(sums[0], |sum, next| sum + next);
    a.iter().zip(b).fold(sum, |sum, (x, y)| x.mul_add(*y, sum))
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
