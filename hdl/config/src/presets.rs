//! Named configurations.

use super::Config;

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

// A preset is what differs from the default. Assignments, because a literal of a section whose keys all differ would
// have to name every key that the section gets later.

fn tiny() -> Config {
    let mut config = Config::default();
    config.array.rows = 2;
    config.array.cols = 2;
    config.array.lanes = 2;
    config.numerics.accumulator_bits = 24;
    config.pe.scratchpad_words = 4;
    config.pe.psum_depth = 8;
    config.buffers.channels_per_word = 4;
    config.buffers.global_kib = 16;
    config.buffers.weight_entries = 512;
    config.drain.lanes = 2;
    config.stream.bits = 32;
    config.counters.bits = 24;
    config
}

/// PE count, word width and buffer capacity of Y.-H. Chen, T. Krishna, J. Emer, V. Sze, "Eyeriss:
/// An Energy-Efficient Reconfigurable Accelerator for Deep Convolutional Neural Networks", IEEE
/// JSSC 52(1), 2017.
fn eyeriss() -> Config {
    let mut config = Config::default();
    config.array.rows = 12;
    config.array.cols = 14;
    config.array.lanes = 1;
    config.numerics.activation_bits = 16;
    config.numerics.weight_bits = 16;
    config.numerics.accumulator_bits = 48;
    config.pe.scratchpad_words = 16;
    config.pe.psum_depth = 32;
    config.buffers.channels_per_word = 4;
    config.buffers.global_kib = 108;
    config.buffers.weight_entries = 1024;
    config.drain.lanes = 2;
    config
}

fn large() -> Config {
    let mut config = Config::default();
    config.array.rows = 16;
    config.array.cols = 16;
    config.pe.psum_depth = 32;
    config.buffers.global_kib = 512;
    config.stream.bits = 128;
    config
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
