//! Named configurations.

use super::{Array, Buffers, Config, Counters, Drain, Numerics, Pe, Stream};

/// A named configuration.
#[derive(Debug)]
pub struct Preset {
    /// Name as given to `--preset`.
    pub name: &'static str,
    /// Purpose of the preset, in one line.
    pub doc: &'static str,
    build: fn() -> Config,
}

impl Preset {
    /// The preset's configuration.
    #[must_use]
    pub fn config(&self) -> Config {
        (self.build)()
    }
}

/// Every preset, from small to large.
pub static PRESETS: &[Preset] = &[
    Preset {
        name: "tiny",
        doc: "2x2 PEs with 2 lanes, 8 multipliers of 8 bits, 16 KiB; the smallest, yet more than the LUTs of an iCE40 UP5K",
        build: tiny,
    },
    Preset {
        name: "edge",
        doc: "8x4 PEs with 4 lanes, 128 multipliers of 8 bits (the default)",
        build: Config::default,
    },
    Preset {
        name: "eyeriss",
        doc: "12x14 PEs, 168 multipliers of 16 bits, 108 KiB: the size of the published chip",
        build: eyeriss,
    },
    Preset {
        name: "large",
        doc: "16x16 PEs with 4 lanes, 1024 multipliers of 8 bits, 512 KiB",
        build: large,
    },
];

/// The preset of that name, if there is one (see [`PRESETS`]).
#[must_use]
pub fn preset(name: &str) -> Option<Config> {
    PRESETS.iter().find(|preset| preset.name == name).map(Preset::config)
}

fn tiny() -> Config {
    Config {
        array: Array { rows: 2, cols: 2, lanes: 2 },
        numerics: Numerics { accumulator_bits: 24, ..Numerics::default() },
        pe: Pe { scratchpad_words: 4, psum_depth: 8, ..Pe::default() },
        buffers: Buffers { channels_per_word: 4, global_kib: 16, weight_entries: 512 },
        drain: Drain { lanes: 2 },
        stream: Stream { bits: 32 },
        counters: Counters { bits: 24 },
        ..Config::default()
    }
}

/// PE count, word width and buffer capacity of Y.-H. Chen, T. Krishna, J. Emer, V. Sze, "Eyeriss:
/// An Energy-Efficient Reconfigurable Accelerator for Deep Convolutional Neural Networks", IEEE
/// JSSC 52(1), 2017.
fn eyeriss() -> Config {
    Config {
        array: Array { rows: 12, cols: 14, lanes: 1 },
        numerics: Numerics { activation_bits: 16, weight_bits: 16, accumulator_bits: 48 },
        pe: Pe { scratchpad_words: 16, psum_depth: 32, ..Pe::default() },
        buffers: Buffers { channels_per_word: 4, global_kib: 108, weight_entries: 1024 },
        drain: Drain { lanes: 2 },
        ..Config::default()
    }
}

fn large() -> Config {
    Config {
        array: Array { rows: 16, cols: 16, lanes: 4 },
        pe: Pe { psum_depth: 32, ..Pe::default() },
        buffers: Buffers { global_kib: 512, ..Buffers::default() },
        stream: Stream { bits: 128 },
        ..Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_legal_and_found_by_name() {
        for entry in PRESETS {
            let config = preset(entry.name).unwrap();
            assert!(config.violations().is_empty(), "{}", entry.name);
            for key in Config::keys() {
                assert!(key.domain.accepts(key.get(&config)), "{} {}", entry.name, key.path());
            }
        }
        assert_eq!(preset("edge"), Some(Config::default()));
        assert_eq!(preset("huge"), None);
        assert_eq!(preset("eyeriss").unwrap().multipliers(), 168);
    }
}
