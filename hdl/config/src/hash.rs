//! The identity of a configuration: canonical text, hash and short name.

use std::fmt::Write as _;

use super::{Config, Scope};

/// Raised when the meaning of a key or the form of the text changes, so that hardware before and after has different
/// hashes.
const VERSION: u32 = 2;

impl Config {
    /// The text that is hashed: a version line, then the hardware keys in alphabetical order, so
    /// that moving a key inside the schema does not change the identity.
    #[must_use]
    pub fn canonical_text(&self) -> String {
        let mut lines: Vec<String> = Self::keys()
            .filter(|key| key.scope == Scope::Hardware)
            .map(|key| format!("{}={}", key.path(), key.get(self)))
            .collect();
        lines.sort_unstable();
        format!("pecan-hardware {VERSION}\n{}\n", lines.join("\n"))
    }

    /// BLAKE3 hash of [`Config::canonical_text`]: equal for configurations with equal hardware.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(self.canonical_text().as_bytes()).as_bytes()
    }

    /// The value of the hardware's ID register: the first four bytes of the hash, big endian.
    #[must_use]
    pub fn id(&self) -> u32 {
        let [a, b, c, d, ..] = self.hash();
        u32::from_be_bytes([a, b, c, d])
    }

    /// The hash as 64 hexadecimal digits.
    #[must_use]
    pub fn hash_hex(&self) -> String {
        self.hash().iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Short name for results and directories, such as `r8c4l4-a8w8-skip-0123abcd`; its last part
    /// is [`Config::id`] in hexadecimal.
    #[must_use]
    pub fn name(&self) -> String {
        format!(
            "r{}c{}l{}-a{}w{}-{}-{:08x}",
            self.array.rows,
            self.array.cols,
            self.array.lanes,
            self.numerics.activation_bits,
            self.numerics.weight_bits,
            self.weights.sparsity.word(),
            self.id()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PRESETS, Rate};
    use super::*;

    #[test]
    fn identities_are_stable() {
        let names: Vec<_> = PRESETS.iter().map(|preset| preset.config().name()).collect();
        insta::assert_snapshot!("names", names.join("\n"));
        insta::assert_snapshot!("canonical_text", Config::default().canonical_text());
    }

    #[test]
    fn memory_is_not_hardware() {
        let mut config = Config::default();
        config.memory.latency_cycles = 7;
        config.memory.bytes_per_cycle = Rate::from_thousandths(250);
        assert_eq!(config.hash(), Config::default().hash());
    }

    #[test]
    fn every_hardware_key_changes_the_hash() {
        for key in Config::keys().filter(|key| key.scope == Scope::Hardware) {
            let mut config = Config::default();
            let other = key.domain.candidates().into_iter().find(|v| *v != key.default_value());
            assert!(key.set(&mut config, other.unwrap()));
            assert_ne!(config.hash(), Config::default().hash(), "{}", key.path());
        }
    }

    #[test]
    fn id_and_hex_are_views_of_the_hash() {
        let config = Config::default();
        assert_eq!(config.hash_hex()[..8], format!("{:08x}", config.id()));
        assert!(config.name().ends_with(&config.hash_hex()[..8]));
    }
}
