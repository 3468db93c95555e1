//! Values of the arguments of `pecan prune`.

use clap::builder::{PossibleValue, PossibleValuesParser};

use pecan_prune::REGISTRY;
use pecan_train::Augmentation;

pub(crate) fn augmentation(text: &str) -> Result<Augmentation, String> {
    match text.split_once(':') {
        None if text == "flip" => Ok(Augmentation::Flip),
        Some(("shift", pixels)) => match pixels.parse::<usize>() {
            Ok(pixels) if pixels > 0 => Ok(Augmentation::Shift(pixels)),
            _ => Err("allowed: a number of pixels above 0 behind shift:".into()),
        },
        _ => Err("allowed: flip, shift:PIXELS".into()),
    }
}

pub(crate) fn methods() -> PossibleValuesParser {
    REGISTRY.iter().map(|rule| PossibleValue::new(rule.name).help(rule.doc)).into()
}

pub(crate) fn width(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(bits @ (4 | 8 | 16)) => Ok(bits),
        _ => Err("allowed: 4, 8, 16".into()),
    }
}

/// A number from 0 to `most`.
fn up_to(most: f64, unit: &str, text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=most).contains(&value) => Ok(value),
        _ => Err(format!("allowed: 0 to {most}{unit}")),
    }
}

pub(crate) fn points(text: &str) -> Result<f64, String> {
    up_to(100.0, " points", text)
}

pub(crate) fn margin(text: &str) -> Result<f64, String> {
    up_to(10.0, " standard errors", text)
}

pub(crate) fn penalty(text: &str) -> Result<f64, String> {
    up_to(1000.0, "", text)
}

/// A bound: a number, or a share of the dense network's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Budget {
    Absolute(f64),
    Share(f64),
}

impl std::str::FromStr for Budget {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| match text.parse::<f64>() {
            Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
            _ => Err("allowed: a number above 0, or a percentage such as 40%".to_owned()),
        };
        match text.strip_suffix('%') {
            Some(share) => Ok(Self::Share(number(share)? / 100.0)),
            None => Ok(Self::Absolute(number(text)?)),
        }
    }
}

impl Budget {
    pub(crate) fn of(self, dense: f64) -> f64 {
        match self {
            Self::Absolute(value) => value,
            Self::Share(share) => share * dense,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_numbers_or_shares() {
        assert_eq!("40%".parse(), Ok(Budget::Share(0.4)));
        assert_eq!("1e6".parse(), Ok(Budget::Absolute(1e6)));
        assert_eq!(Budget::Share(0.5).of(10.0), 5.0);
        for wrong in ["", "-1", "0", "nan", "x%"] {
            assert!(wrong.parse::<Budget>().is_err(), "{wrong}");
        }
    }
}
