//! Non-negative least squares with relative weights.

use ndarray::{Array1, Array2};

/// Coefficients, none negative, that minimize the squared relative error of `rows x coefficients` against `truth`.
///
/// A case is weighted by the inverse of its energy, so that the error is relative; cases far below the mean are
/// weighted as if they had `floor` of it. Columns are scaled to one norm first; a column that is 0 in all cases gets
/// the coefficient 0. Method: C. L. Lawson, R. J. Hanson, "Solving Least Squares Problems" (1974), chapter 23.
#[must_use]
pub(super) fn fit(rows: &[Vec<f64>], truth: &[f64], floor: f64) -> Vec<f64> {
    let width = rows.first().map_or(0, Vec::len);
    let mean = truth.iter().sum::<f64>() / truth.len().max(1) as f64;
    if width == 0 || mean <= 0.0 {
        return vec![0.0; width];
    }
    let weights: Vec<f64> = truth.iter().map(|pj| 1.0 / pj.max(floor * mean)).collect();
    let mut a = Array2::from_shape_fn((rows.len(), width), |(i, j)| rows[i][j] * weights[i]);
    let norms: Vec<f64> = a.columns().into_iter().map(|c| c.dot(&c).sqrt()).collect();
    let used: Vec<usize> = (0..width).filter(|j| norms[*j] > 0.0).collect();
    if used.is_empty() {
        return vec![0.0; width];
    }
    for j in &used {
        a.column_mut(*j).mapv_inplace(|v| v / norms[*j]);
    }
    let a = a.select(ndarray::Axis(1), &used);
    let b = Array1::from_shape_fn(rows.len(), |i| truth[i] * weights[i]);
    let (solution, _) = nnls::nnls(a.view(), b.view());
    let mut coefficients = vec![0.0; width];
    for (j, x) in used.iter().zip(solution) {
        coefficients[*j] = x / norms[*j];
    }
    coefficients
}

/// Mean and largest relative error of predictions; cases below `floor` of the mean energy are compared with that.
#[must_use]
pub(super) fn errors(predicted: &[f64], truth: &[f64], floor: f64) -> [f64; 2] {
    let mean = truth.iter().sum::<f64>() / truth.len().max(1) as f64;
    let relative =
        |(p, t): (&f64, &f64)| (p - t).abs() / t.max(floor * mean).max(f64::MIN_POSITIVE);
    let list: Vec<f64> = predicted.iter().zip(truth).map(relative).collect();
    let sum: f64 = list.iter().sum();
    [sum / list.len().max(1) as f64, list.iter().copied().fold(0.0, f64::max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovers_what_made_the_data_and_never_goes_negative() {
        let rows: Vec<Vec<f64>> = (1..20)
            .map(|i| vec![f64::from(i), f64::from(i * i % 7), 0.0, f64::from(i % 3)])
            .collect();
        let truth: Vec<f64> = rows.iter().map(|r| 2.0 * r[0] + 0.5 * r[1]).collect();
        let found = fit(&rows, &truth, 0.01);
        for (found, want) in found.iter().zip([2.0, 0.5, 0.0, 0.0]) {
            assert!((found - want).abs() < 1e-9, "{found} {want}");
        }
        let opposed: Vec<f64> = rows.iter().map(|r| (3.0 * r[0] - 0.1 * r[1]).max(0.1)).collect();
        assert!(fit(&rows, &opposed, 0.01).iter().all(|c| *c >= 0.0));
        assert_eq!(fit(&rows, &vec![0.0; rows.len()], 0.01), vec![0.0; 4]);
    }

    #[test]
    fn errors_are_relative() {
        let [mean, worst] = errors(&[11.0, 18.0], &[10.0, 20.0], 0.01);
        assert!((mean - 0.1).abs() < 1e-12 && (worst - 0.1).abs() < 1e-12);
    }
}
