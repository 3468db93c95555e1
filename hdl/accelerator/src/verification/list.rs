//! Which blocks are verified, in which sizes.

use super::Case;
use super::commands::Commands;
use super::emitter::Everything;
use crate::blocks::Accelerator;
use crate::blocks::stimuli;
use pecan_config::geometry::Geometry;
use pecan_config::{
    Array, Buffers, Config, Counters, Drain, Numerics, Pe, Sparsity, Stream, Weights,
};

/// Cycles of a case of one block.
const CYCLES: usize = 2500;
/// Cycles of a case of the emitter's own blocks.
const EMITTER_CYCLES: usize = 20_000;

/// Small hardware in different shapes: name and configuration.
fn sizes() -> Vec<(&'static str, Config)> {
    let small = Config {
        array: Array { rows: 2, cols: 2, lanes: 2 },
        numerics: Numerics { activation_bits: 8, weight_bits: 8, accumulator_bits: 24 },
        pe: Pe { scratchpad_words: 4, psum_depth: 8, zero_gating: true },
        buffers: Buffers { channels_per_word: 4, global_kib: 1, weight_entries: 32 },
        drain: Drain { lanes: 2 },
        stream: Stream { bits: 32 },
        counters: Counters { bits: 24 },
        ..Config::default()
    };
    let dense = Config {
        numerics: Numerics { activation_bits: 4, weight_bits: 8, accumulator_bits: 17 },
        pe: Pe { psum_depth: 6, ..small.pe.clone() },
        buffers: Buffers { channels_per_word: 8, ..small.buffers.clone() },
        drain: Drain { lanes: 4 },
        weights: Weights { sparsity: Sparsity::Dense },
        stream: Stream { bits: 64 },
        counters: Counters { bits: 40 },
        ..small.clone()
    };
    let odd = Config {
        array: Array { rows: 3, cols: 3, lanes: 2 },
        pe: Pe { scratchpad_words: 8, psum_depth: 10, zero_gating: false },
        buffers: Buffers { channels_per_word: 2, global_kib: 1, weight_entries: 16 },
        ..small.clone()
    };
    let wide = Config {
        array: Array { rows: 1, cols: 1, lanes: 4 },
        numerics: Numerics { activation_bits: 16, weight_bits: 16, accumulator_bits: 48 },
        pe: Pe { scratchpad_words: 2, psum_depth: 8, zero_gating: true },
        buffers: Buffers { channels_per_word: 16, global_kib: 3, weight_entries: 64 },
        drain: Drain { lanes: 4 },
        stream: Stream { bits: 128 },
        ..small.clone()
    };
    let single = Config {
        array: Array { rows: 3, cols: 2, lanes: 1 },
        numerics: Numerics { activation_bits: 4, weight_bits: 4, accumulator_bits: 12 },
        pe: Pe { scratchpad_words: 2, psum_depth: 2, zero_gating: false },
        buffers: Buffers { channels_per_word: 2, global_kib: 1, weight_entries: 16 },
        drain: Drain { lanes: 1 },
        weights: Weights { sparsity: Sparsity::Dense },
        stream: Stream { bits: 128 },
        counters: Counters { bits: 33 },
        ..small.clone()
    };
    vec![("small", small), ("dense", dense), ("odd", odd), ("wide", wide), ("single", single)]
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

/// Everything that the emitter knows, in several widths.
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
