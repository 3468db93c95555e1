//! Lists of layers without weights.

/// Share of the entries of a list that are present, in millionths.
///
/// The entries are spread evenly: of the positions that a lane group's list could hold, in the order input channel,
/// kernel row, kernel column, number `p` is present if `floor((p + 1) d) > floor(p d)`. All lane groups have their
/// entries at the same positions, so columns are balanced, as they nearly are once the lists of a pruned layer have
/// been dealt by length. A plan with weights shows the imbalance of real lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Density(u64);

/// Millionths of the whole.
const WHOLE: u64 = 1_000_000;

impl Default for Density {
    fn default() -> Self {
        Self(WHOLE)
    }
}

/// A density out of range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("density is {0}; allowed: 0 to 1")]
pub struct DensityError(f64);

impl Density {
    /// A share from 0 to 1, rounded to millionths.
    ///
    /// # Errors
    /// It is no such number.
    pub fn new(share: f64) -> Result<Self, DensityError> {
        if !(0.0..=1.0).contains(&share) {
            return Err(DensityError(share));
        }
        Ok(Self((share * WHOLE as f64).round() as u64))
    }

    /// The share.
    #[must_use]
    pub fn share(self) -> f64 {
        self.0 as f64 / WHOLE as f64
    }

    /// Whether the entry at a position is present.
    #[must_use]
    pub fn keeps(self, position: usize) -> bool {
        let up_to = |n: u64| n * self.0 / WHOLE;
        up_to(position as u64 + 1) > up_to(position as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_stretch_holds_its_share() {
        let density = Density::new(0.3).unwrap();
        for (from, count) in [(0, 10), (7, 100), (123, 1000)] {
            let kept = (from..from + count).filter(|p| density.keeps(*p)).count() as f64;
            assert!((kept - 0.3 * count as f64).abs() <= 1.0);
        }
        assert!((0..99).all(|p| Density::default().keeps(p)));
        assert!(Density::new(1.5).is_err() && Density::new(f64::NAN).is_err());
    }
}
