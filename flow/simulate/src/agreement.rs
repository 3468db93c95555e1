//! Distance of outputs from expected ones, those of another program.

use schemars::JsonSchema;
use serde::Serialize;

/// Distance of outputs from expected ones, over all values of all samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Agreement {
    /// Samples that were compared.
    pub samples: usize,
    /// Signal to quantization noise: power of the expected values over that of the differences; null where all values
    /// are equal, all expected ones are 0, or a difference is not finite.
    pub sqnr_db: Option<f64>,
    /// Largest magnitude of a difference; null where one is not finite.
    #[schemars(extend("unit" = "unit of the output"))]
    pub largest_difference: Option<f64>,
    /// Largest magnitude of the finite expected values.
    #[schemars(extend("unit" = "unit of the output"))]
    pub largest_expected: f64,
    /// Share of the samples with the same label (position of the largest value, or the value of an `ArgMax`); null where
    /// an output is a single value.
    #[schemars(extend("unit" = "1"))]
    pub label_agreement: Option<f64>,
}

/// Sums over samples, from which an [`Agreement`] follows.
#[derive(Clone, Debug, Default)]
pub struct Distance {
    samples: usize,
    same_label: usize,
    signal: f64,
    noise: f64,
    largest_difference: f64,
    largest_expected: f64,
}

impl Distance {
    /// Adds a sample. Values that are not finite are equal only to themselves; a difference with one is infinite.
    pub fn add(&mut self, expected: &[f32], got: &[f32], label: impl Fn(&[f32]) -> usize) {
        self.samples += 1;
        self.same_label += usize::from(label(expected) == label(got));
        for (expected, got) in expected.iter().zip(got) {
            if expected.to_bits() == got.to_bits() {
                self.signal += finite_square(*expected);
            } else {
                let difference = f64::from(*expected) - f64::from(*got);
                let difference = if difference.is_nan() { f64::INFINITY } else { difference.abs() };
                self.signal += finite_square(*expected);
                self.noise += difference * difference;
                self.largest_difference = self.largest_difference.max(difference);
            }
            if expected.is_finite() {
                self.largest_expected = self.largest_expected.max(f64::from(expected.abs()));
            }
        }
    }

    /// The ratio of signal and noise in dB; none where there is no noise, no signal or a difference that is not finite.
    #[must_use]
    pub fn sqnr_db(&self) -> Option<f64> {
        (self.noise > 0.0 && self.noise.is_finite() && self.signal > 0.0)
            .then(|| 10.0 * (self.signal / self.noise).log10())
    }

    /// Whether every value is the expected one.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.noise == 0.0
    }

    /// The result; `labelled` says whether samples have labels.
    #[must_use]
    pub fn agreement(&self, labelled: bool) -> Agreement {
        let share = self.same_label as f64 / self.samples.max(1) as f64;
        Agreement {
            samples: self.samples,
            sqnr_db: self.sqnr_db(),
            largest_difference: Some(self.largest_difference).filter(|d| d.is_finite()),
            largest_expected: self.largest_expected,
            label_agreement: labelled.then_some(share),
        }
    }
}

fn finite_square(value: f32) -> f64 {
    if value.is_finite() { f64::from(value).powi(2) } else { 0.0 }
}

impl Agreement {
    /// The result in words.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = match self.sqnr_db {
            Some(db) => format!("{db:.1} dB"),
            None if self.largest_difference == Some(0.0) => "equal".into(),
            None if self.largest_difference.is_none() => "values that are not finite".into(),
            None => "no signal".into(),
        };
        if let Some(largest) = self.largest_difference {
            let expected = self.largest_expected;
            text += &format!(", largest difference {largest:.3e} (largest value {expected:.3e})");
        }
        if let Some(share) = self.label_agreement {
            text += &format!(", {:.2} % of {} labels agree", 100.0 * share, self.samples);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn largest(values: &[f32]) -> usize {
        (0..values.len()).rev().max_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap_or(0)
    }

    #[test]
    fn noise_and_labels() {
        let mut distance = Distance::default();
        distance.add(&[3.0, 4.0], &[3.0, 4.0], largest);
        assert!(distance.is_zero() && distance.sqnr_db().is_none());
        distance.add(&[5.0, 0.0], &[4.5, 5.0], largest);
        let agreement = distance.agreement(true);
        // 50 / 25.25.
        assert!((agreement.sqnr_db.unwrap() - 2.967).abs() < 1e-3, "{agreement:?}");
        assert_eq!((agreement.largest_difference, agreement.largest_expected), (Some(5.0), 5.0));
        assert_eq!((agreement.label_agreement, agreement.samples), (Some(0.5), 2));
        assert_eq!(distance.agreement(false).label_agreement, None);
    }

    #[test]
    fn values_that_are_no_numbers_count_as_noise() {
        let mut distance = Distance::default();
        distance.add(&[f32::NAN, f32::INFINITY, 1.0], &[f32::NAN, f32::INFINITY, 1.0], largest);
        assert!(distance.is_zero());
        distance.add(&[f32::NAN], &[0.0], largest);
        let agreement = distance.agreement(true);
        assert_eq!((agreement.largest_difference, agreement.largest_expected), (None, 1.0));
        assert_eq!(distance.sqnr_db(), None);
        assert!(!distance.is_zero());
        assert!(agreement.describe().starts_with("values that are not finite"));
    }
}
