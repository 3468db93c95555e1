//! Resampling along one axis with a triangle that widens where an image shrinks: the bits of PIL's `BILINEAR`, which
//! torchvision uses with antialiasing.

/// Fraction bits of a weight.
const PRECISION: u32 = 32 - 8 - 2;

/// Weights of the source positions from `first` on.
struct Weights {
    first: usize,
    values: Vec<i32>,
}

fn weights(from: usize, to: usize, at: usize) -> Weights {
    let scale = from as f64 / to as f64;
    let support = scale.max(1.0);
    let center = (at as f64 + 0.5) * scale;
    let first = ((center - support + 0.5) as isize).max(0) as usize;
    let end = ((center + support + 0.5) as usize).min(from);
    let inverse = 1.0 / support;
    let triangle = |x: f64| (1.0 - x.abs()).max(0.0);
    let raw: Vec<f64> =
        (first..end).map(|x| triangle((x as f64 - center + 0.5) * inverse)).collect();
    let sum: f64 = raw.iter().sum();
    let unit = f64::from(1u32 << PRECISION);
    let fixed = |w: &f64| (0.5 + w / sum * unit) as i32;
    Weights { first, values: raw.iter().map(fixed).collect() }
}

/// A change of an extent.
pub(super) struct Resample(Vec<Weights>);

impl Resample {
    pub(super) fn new(from: usize, to: usize) -> Self {
        Self((0..to).map(|at| weights(from, to, at)).collect())
    }

    /// Makes groups of `step` values of those in `values`, and appends them to `result`.
    pub(super) fn apply(&self, values: &[u8], step: usize, result: &mut Vec<u8>) {
        let mut sums = vec![0i32; step];
        for Weights { first, values: weights } in &self.0 {
            sums.fill(1 << (PRECISION - 1));
            let groups = values[first * step..].chunks(step);
            for (group, weight) in groups.zip(weights) {
                let terms = group.iter().map(|value| weight * i32::from(*value));
                sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
            }
            result.extend(sums.iter().map(|sum| (sum >> PRECISION).clamp(0, 255) as u8));
        }
    }
}
