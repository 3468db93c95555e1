//! The verified blocks and their sizes.

use super::Case;
use super::commands::Commands;
use super::emitter::Everything;
use crate::blocks::Accelerator;
use crate::blocks::stimuli;
use pecan_config::geometry::Geometry;
use pecan_config::{Config, Sparsity};

/// Cycles of a case of one block.
const CYCLES: usize = 2500;
/// Cycles of a case of the emitter's own blocks.
const EMITTER_CYCLES: usize = 20_000;

/// A configuration with other values of some keys.
fn changed(base: &Config, change: impl FnOnce(&mut Config)) -> Config {
    let mut config = base.clone();
    change(&mut config);
    config
}

/// Small hardware in different shapes: name and configuration.
fn sizes() -> Vec<(&'static str, Config)> {
    let small = changed(&Config::default(), |c| {
        (c.array.rows, c.array.cols, c.array.lanes) = (2, 2, 2);
        set_numerics(c, [8, 8, 24]);
        (c.pe.scratchpad_words, c.pe.psum_depth, c.pe.zero_gating) = (4, 8, true);
        set_buffers(c, [4, 1, 32]);
        (c.drain.lanes, c.stream.bits, c.counters.bits) = (2, 32, 24);
    });
    let dense = changed(&small, |c| {
        set_numerics(c, [4, 8, 17]);
        c.pe.psum_depth = 6;
        c.buffers.channels_per_word = 8;
        c.weights.sparsity = Sparsity::Dense;
        (c.drain.lanes, c.stream.bits, c.counters.bits) = (4, 64, 40);
    });
    let odd = changed(&small, |c| {
        (c.array.rows, c.array.cols, c.array.lanes) = (3, 3, 2);
        (c.pe.scratchpad_words, c.pe.psum_depth, c.pe.zero_gating) = (8, 10, false);
        set_buffers(c, [2, 1, 16]);
    });
    let wide = changed(&small, |c| {
        (c.array.rows, c.array.cols, c.array.lanes) = (1, 1, 4);
        set_numerics(c, [16, 16, 48]);
        c.pe.scratchpad_words = 2;
        set_buffers(c, [16, 3, 64]);
        (c.drain.lanes, c.stream.bits) = (4, 128);
    });
    let single = changed(&small, |c| {
        (c.array.rows, c.array.cols, c.array.lanes) = (3, 2, 1);
        set_numerics(c, [4, 4, 12]);
        (c.pe.scratchpad_words, c.pe.psum_depth, c.pe.zero_gating) = (2, 2, false);
        set_buffers(c, [2, 1, 16]);
        c.weights.sparsity = Sparsity::Dense;
        (c.drain.lanes, c.stream.bits, c.counters.bits) = (1, 128, 33);
    });
    vec![("small", small), ("dense", dense), ("odd", odd), ("wide", wide), ("single", single)]
}

/// Widths of activations, weights and partial sums.
fn set_numerics(config: &mut Config, [activation, weight, accumulator]: [usize; 3]) {
    config.numerics.activation_bits = activation;
    config.numerics.weight_bits = weight;
    config.numerics.accumulator_bits = accumulator;
}

/// Activations per word, KiB of the global buffer, entries of a weight buffer.
fn set_buffers(config: &mut Config, [channels, kib, entries]: [usize; 3]) {
    config.buffers.channels_per_word = channels;
    config.buffers.global_kib = kib;
    config.buffers.weight_entries = entries;
}

/// Adds a case per size for each block that its geometry describes.
macro_rules! blocks {
    ($list:ident, $size:ident, $geometry:ident: $($name:literal $block:ident;)*) => {
        $({
            let g = $geometry.clone();
            $list.push(Case::new($name, $size, CYCLES, move || stimuli::$block::new(&g)));
        })*
    };
}

/// Every case.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut list = emitter_cases();
    for (size, config) in sizes() {
        let g = Geometry::of(&config);
        blocks! { list, size, g:
            "mac" Mac;
            "pe" Pe;
            "pe_row" PeRow;
            "column" Column;
            "loader" Loader;
            "loader_loops" LoaderLoops;
            "loader_row" LoaderRow;
            "row_table" RowTable;
            "drain" Drain;
            "drain_lane" DrainLane;
            "store" Store;
            "compute" Compute;
        }
        if !g.skip {
            blocks! { list, size, g: "dense_index" DenseIndex; }
        }
        let (id, geometry) = (config.id(), g.clone());
        list.push(Case::new("counter_bank", size, CYCLES, move || {
            stimuli::CounterBank::new(&geometry, id, &stimuli::CounterBank::widths(&geometry))
        }));
        let geometry = g.clone();
        list.push(
            Case::new("decoder", size, 3 * CYCLES, move || stimuli::Decoder::new(&geometry, id))
                .with_commands(move || Commands::new(&g, id)),
        );
        let geometry = Geometry::of(&config);
        list.push(
            Case::new("accelerator", size, 2 * CYCLES, move || Accelerator::new(&config))
                .with_commands(move || Commands::new(&geometry, id)),
        );
    }
    for slot in [8, 16, 32, 64, 128, 256, 512] {
        for stream in [32, 64, 128] {
            let size = format!("{slot}_of_{stream}");
            list.push(Case::new("unpacker", &size, CYCLES, move || {
                stimuli::Unpacker::new(slot, stream)
            }));
        }
    }
    list
}

/// Sizes of the emitter's blocks: widths of `a`, `b`, `c`, shift amount; memory depth; lanes; groups;
/// sub-block rows.
const EMITTER_SIZES: [(&str, [usize; 8]); 6] = [
    ("bytes", [8, 8, 8, 3, 8, 2, 2, 2]),
    ("odd_widths", [5, 11, 7, 4, 5, 4, 1, 1]),
    ("three_groups", [16, 4, 13, 3, 3, 1, 3, 2]),
    ("single_bits", [1, 9, 2, 2, 1, 3, 2, 1]),
    ("wide", [32, 24, 17, 5, 11, 2, 4, 3]),
    ("beyond_64_bits", [21, 33, 40, 6, 2, 1, 1, 2]),
];

/// Everything that the emitter supports, in several widths.
fn emitter_cases() -> Vec<Case> {
    let case =
        |(name, size)| Case::new("emitter", name, EMITTER_CYCLES, move || Everything::new(size));
    EMITTER_SIZES.into_iter().map(case).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn sizes_are_legal_and_names_unique() {
        for (name, config) in sizes() {
            assert!(config.violations().is_empty(), "{name}");
            for key in Config::keys() {
                assert!(key.domain.accepts(key.get(&config)), "{name} {}", key.path());
            }
        }
        let list = cases();
        assert_eq!(list.iter().map(|c| &c.name).collect::<HashSet<_>>().len(), list.len());
    }
}
