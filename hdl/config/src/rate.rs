//! An exact decimal number for bandwidths.

use std::fmt;
use std::str::FromStr;

/// A bandwidth in bytes per cycle, exact to a thousandth.
///
/// A binary fraction would make the simulated DRAM depend on rounding; thousandths are read from
/// and written to TOML without loss and give the integer fraction that a token bucket needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u32);

impl Rate {
    /// A whole number of bytes per cycle.
    #[must_use]
    pub const fn from_bytes(bytes: u32) -> Self {
        Self(bytes * 1000)
    }

    /// Thousandths of a byte per cycle.
    #[must_use]
    pub const fn from_thousandths(thousandths: u32) -> Self {
        Self(thousandths)
    }

    /// Thousandths of a byte per cycle.
    #[must_use]
    pub const fn thousandths(self) -> u32 {
        self.0
    }

    /// The rate as a reduced fraction: bytes, cycles.
    #[must_use]
    pub fn fraction(self) -> (u64, u64) {
        let (mut a, mut b) = (u64::from(self.0), 1000);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        (u64::from(self.0) / a, 1000 / a)
    }

    /// The rate in bytes per cycle.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:03}", self.0 % 1000);
        let decimals = decimals.trim_end_matches('0');
        let dot = if decimals.is_empty() { "" } else { "." };
        write!(f, "{}{dot}{decimals}", self.0 / 1000)
    }
}

/// A text that is no decimal number with at most three decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a non-negative decimal number with at most three decimals")]
pub struct ParseRateError;

impl FromStr for Rate {
    type Err = ParseRateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let decimals = decimals.trim_end_matches('0');
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(decimals) || decimals.len() > 3 {
            return Err(ParseRateError);
        }
        let whole: u32 = whole.parse().map_err(|_| ParseRateError)?;
        let decimals: u32 = format!("{decimals:0<3}").parse().map_err(|_| ParseRateError)?;
        let thousandths = whole.checked_mul(1000).and_then(|value| value.checked_add(decimals));
        thousandths.map(Self).ok_or(ParseRateError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_and_reduces() {
        assert_eq!("5.33".parse(), Ok(Rate::from_thousandths(5330)));
        assert_eq!("8.000".parse(), Ok(Rate::from_bytes(8)));
        assert_eq!(Rate::from_thousandths(250).fraction(), (1, 4));
        assert_eq!(Rate::from_bytes(8).fraction(), (8, 1));
        for text in ["", "-1", "1.2345", "1e3", "nan", ".5", "99999999999"] {
            assert_eq!(text.parse::<Rate>(), Err(ParseRateError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn display_round_trips(thousandths in 0u32..=64_000) {
            let rate = Rate::from_thousandths(thousandths);
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
            let (bytes, cycles) = rate.fraction();
            prop_assert_eq!(bytes * 1000, u64::from(thousandths) * cycles);
        }
    }
}
