//! Prefix of the names of a package.

use super::GenerateError;
use crate::elaborate::TOP;
use pecan_config::Config;
use pecan_rtl::emit::is_keyword;

/// Longest prefix, within the limits of tools and file systems for names.
const LONGEST: usize = 64;

/// The name of a package: of its top module, its C header and its core; names of other modules, C functions and C
/// macros (in capitals) begin with it and `_`. So two packages with different prefixes go into one design and into
/// one C program.
///
/// The empty prefix leaves the modules' own names: `pecan` for the top, `mac`, `decoder` and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// The default: `pecan_` and the configuration's id, which differs for different hardware.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self(format!("{TOP}_{:08x}", config.id()))
    }

    /// No prefix.
    #[must_use]
    pub fn none() -> Self {
        Self(String::new())
    }

    /// A prefix of the user's choice, which may be empty.
    ///
    /// # Errors
    /// [`GenerateError::Prefix`] if names that begin with it are no identifiers of Verilog and C.
    pub fn parse(text: &str) -> Result<Self, GenerateError> {
        let wrong = |reason: &str| {
            Err(GenerateError::Prefix {
                prefix: text.chars().take(LONGEST).collect(),
                reason: reason.into(),
            })
        };
        let letter = text.starts_with(|c: char| c.is_ascii_alphabetic());
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let identifier = letter && plain;
        if !text.is_empty() && !identifier {
            return wrong(
                "must be a letter, then letters, digits and `_`; or empty, for names without a prefix",
            );
        }
        if text.len() > LONGEST {
            return wrong(&format!("{} characters; at most {LONGEST} are allowed", text.len()));
        }
        if is_keyword(text) {
            return wrong(
                "is a keyword of Verilog or SystemVerilog; the top module could not have this name",
            );
        }
        Ok(Self(text.into()))
    }

    /// Whether it is neither empty nor the default.
    pub(super) fn is_chosen(&self, config: &Config) -> bool {
        !self.0.is_empty() && *self != Self::of(config)
    }

    /// Name of the top module, of the C header and of the core.
    pub(super) fn top(&self) -> &str {
        if self.0.is_empty() { TOP } else { &self.0 }
    }

    /// Prefix of the names of all modules but the top.
    pub(super) fn modules(&self) -> String {
        if self.0.is_empty() { String::new() } else { format!("{}_", self.0) }
    }
}
