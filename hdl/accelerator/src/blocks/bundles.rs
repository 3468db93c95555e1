//! The interfaces between the blocks, as bundles of signals.
//!
//! A field has its own name in the Verilog. Where an interface has other names at some blocks, its constructor for
//! those gives them.

use super::flags;
use pecan_config::geometry::{Geometry, LATTICE_BITS};
use pecan_config::isa::{MULTIPLIER_BITS, SHIFT_BITS};
use pecan_rtl::prelude::*;

bundle! {
    /// A stream of beats, in words of 32 bits, low first. A beat is transferred when `valid` and `ready` are up.
    pub(crate) struct Stream<D> {
        valid: Signal<D, Bit>,
        ready: Signal<D::Back, Bit>,
        data: Vec<Wire<D>> = Wire::vec(g.stream_bits / 32, 32),
    }

    fn new(g: &Geometry) {}
}

impl<D: wires::Side> Stream<D> {
    /// The stream into the device.
    pub(crate) fn input(g: &Geometry) -> Self {
        Self::new(g).named(&["in_valid", "in_ready", "in_data"])
    }

    /// The stream out of the device.
    pub(crate) fn output(g: &Geometry) -> Self {
        Self::new(g).named(&["out_valid", "out_ready", "out_data"])
    }
}

bundle! {
    /// Begin and end of a run in an engine: `start` begins it, `reset` ends it.
    pub(crate) struct Run<D> {
        reset: Signal<D, Bit>,
        start: Signal<D, Bit>,
    }

    fn new() {}
}

bundle! {
    /// The write bus of the configuration registers; each block reacts to the indices of its own registers.
    pub(crate) struct ConfigBus<D> {
        write: Signal<D, Bit>,
        index: Wire<D> = Wire::new(8),
        data: Wire<D> = Wire::new(32),
    }

    fn new() {}
}

impl<D: wires::Side> ConfigBus<D> {
    /// The bus at blocks with further write ports.
    pub(crate) fn set() -> Self {
        Self::new().named(&["set", "set_index", "set_data"])
    }
}

bundle! {
    /// Requantization parameters of a channel.
    pub(crate) struct Params<D> {
        bias: Wire<D> = Wire::new(g.bias_bits()),
        multiplier: Wire<D> = Wire::new(MULTIPLIER_BITS),
        shift: Wire<D> = Wire::new(SHIFT_BITS),
    }

    fn new(g: &Geometry) {}
}

impl<D: wires::Side> Params<D> {
    /// Parameters at the input of the compute engine.
    pub(crate) fn param(g: &Geometry) -> Self {
        Self::new(g).named(&["param_bias", "param_multiplier", "param_shift"])
    }

    /// Parameters at the memories' write port.
    pub(crate) fn load(g: &Geometry) -> Self {
        Self::new(g).named(&["load_bias", "load_multiplier", "load_shift"])
    }
}

bundle! {
    /// Read port of the global buffer: data follow one cycle after the address.
    pub(crate) struct ReadPort<D> {
        read: Signal<D, Bit>,
        read_addr: Wire<D> = Wire::new(g.buffer_bits),
        read_data: Vec<Wire<D::Back>> = Wire::vec(g.word_channels, g.activation_bits),
    }

    fn new(g: &Geometry) {}
}

bundle! {
    /// A row's first tap in the lattice, relative to the tile.
    pub(crate) struct Tap<D> {
        base_y: Wire<D> = Wire::new(LATTICE_BITS),
        base_x: Wire<D> = Wire::new(LATTICE_BITS),
    }

    fn new() {}
}

bundle! {
    /// A row's pixel relative to the tile, and whether the row is not used.
    pub(crate) struct Pixel<D> {
        pixel_y: Wire<D> = Wire::new(LATTICE_BITS),
        pixel_x: Wire<D> = Wire::new(LATTICE_BITS),
        unused: Signal<D, Bit>,
    }

    fn new() {}
}

bundle! {
    /// Position of the loader in the region of a slice, and taps of the region in a patch.
    pub(crate) struct Region<D> {
        step: Signal<D, Bit>,
        y: Wire<D> = Wire::new(LATTICE_BITS + 1),
        x: Wire<D> = Wire::new(LATTICE_BITS + 1),
        n_y: Wire<D> = Wire::new(g.patch_count_bits()),
        n_x: Wire<D> = Wire::new(g.patch_count_bits()),
    }

    fn new(g: &Geometry) {}
}

bundle! {
    /// Pixels of the output from the tile on.
    pub(crate) struct Rest<D> {
        rest_y: Wire<D> = Wire::new(16),
        rest_x: Wire<D> = Wire::new(16),
    }

    fn new() {}
}

bundle! {
    /// Write of a patch word to this address of the scratchpad of a row.
    pub(crate) struct PatchWrite<D> {
        write: Signal<D, Bit>,
        write_word: Wire<D> = Wire::new(g.scratch_bits()),
    }

    fn new(g: &Geometry) {}
}

bundle! {
    /// A patch word, and flags of its nonzero activations.
    pub(crate) struct PatchWord<D> {
        write_data: Vec<Wire<D>> = Wire::signed_vec(g.word_channels, g.activation_bits),
        write_nonzero: Vec<Signal<D, Bit>> = flags(g.word_channels),
    }

    fn new(g: &Geometry) {}
}

bundle! {
    /// Slices filled so far (mod 4). For the slice in each half of the scratchpads: whether it is the first of a tile,
    /// the last of a tile, in the last tile.
    pub(crate) struct Slices<D> {
        filled: Wire<D> = Wire::new(2),
        first: Vec<Signal<D, Bit>> = flags(2),
        last: Vec<Signal<D, Bit>> = flags(2),
        finish: Vec<Signal<D, Bit>> = flags(2),
    }

    fn new() {}
}

bundle! {
    /// Extent of a slice; whether it holds the layer's last channel word.
    pub(crate) struct Extent<D> {
        kernel_y: Wire<D> = Wire::new(g.patch_count_bits()),
        kernel_x: Wire<D> = Wire::new(g.patch_count_bits()),
        channel_words: Wire<D> = Wire::new(g.patch_count_bits()),
        last_word: Signal<D, Bit>,
    }

    fn new(g: &Geometry) {}
}

bundle! {
    /// Scratchpad words per kernel row and column.
    pub(crate) struct Pitch<D> {
        patch_y: Wire<D> = Wire::new(g.patch_bits()),
        patch_x: Wire<D> = Wire::new(g.patch_bits()),
    }

    fn new(g: &Geometry) {}
}

bundle! {
    /// A column's entry: half and word of the scratchpad, channel / lanes of its activation.
    pub(crate) struct Place<D> {
        step: Signal<D, Bit>,
        half: Signal<D, Bit>,
        word: Wire<D> = Wire::new(g.patch_bits()),
        high: Wire<D> = Wire::new(addr_width(g.word_channels / g.lanes)),
    }

    fn new(g: &Geometry) {}
}

bundle! {
    /// Weights of a column's entry as magnitude and sign, and the channel mod lanes of its activation. `useful`: some
    /// weight is not zero; `matters`: flags of the nonzero weights.
    pub(crate) struct Weights<D> {
        low: Wire<D> = Wire::new(g.lane_bits().max(1)),
        useful: Signal<D, Bit>,
        matters: Vec<Signal<D, Bit>> = flags(g.lanes),
        weight: Vec<Wire<D>> = Wire::vec(g.lanes, g.weight_bits),
        negative: Vec<Signal<D, Bit>> = flags(g.lanes),
    }

    fn new(g: &Geometry) {}
}

bundle! {
    /// An entry was processed in the previous cycle, in this half.
    pub(crate) struct Stepped<D> {
        stepped: Signal<D, Bit>,
        stepped_half: Signal<D, Bit>,
    }

    fn new() {}
}

bundle! {
    /// Start of the sums of the previous cycle's entry (zero or the smallest activation, the psum word), and whether
    /// they are written to the psum word.
    pub(crate) struct Sums<D> {
        from_zero: Signal<D, Bit>,
        from_psum: Signal<D, Bit>,
        to_psum: Signal<D, Bit>,
        psum_word: Wire<D> = Wire::new(g.psum_bits()),
    }

    fn new(g: &Geometry) {}
}

bundle! {
    /// Mode of the array: each lane uses its own channel; maximum instead of multiply-add.
    pub(crate) struct Mode<D> {
        per_channel: Signal<D, Bit>,
        maximum: Signal<D, Bit>,
    }

    fn new() {}
}
