//! Weight buffer and sequencer of one column: processes the lists of its output-channel groups.

use super::bundles::{Extent, Pitch, Place, Run, Slices, Stepped, Sums, Weights};
use super::dense_index::DenseIndex;
use super::flags;
use pecan_config::geometry::Geometry;
use pecan_rtl::prelude::*;

block! {
    /// A column's weight buffer and sequencer. It processes, slice by slice, the list of each of its groups and
    /// broadcasts one entry per cycle to the rows. It runs ahead of other columns as far as the two scratchpad halves
    /// allow, so lists of unequal length even out over neighbouring slices.
    pub(crate) struct Column = "column" {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) run: Run<In> = Run::new(),
        // Configuration: first entry, groups.
        pub(crate) set_base: Signal<In, Bit>,
        pub(crate) set_groups: Signal<In, Bit>,
        pub(crate) data: Wire<In> = Wire::new(32),
        pub(crate) accumulate: Signal<In, Bit>,
        // Weight buffer write port: weights, then index and last where lists are stored.
        pub(crate) load: Signal<In, Bit>,
        pub(crate) load_addr: Wire<In> = Wire::new(g.weight_address_bits),
        pub(crate) load_entry: Vec<Wire<In>> = fields.iter().map(|&w| Wire::new(w)).collect(),
        pub(crate) slices: Slices<In> = Slices::new(),
        // Tiles drained so far (mod 4); with `no_drain` psum banks need not be drained.
        pub(crate) drained: Wire<In> = Wire::new(2),
        pub(crate) no_drain: Signal<In, Bit>,
        // Inputs that replace stored indices (dense weights only), see `DenseIndex`.
        pub(crate) per_channel: Vec<Signal<In, Bit>> = flags(dense),
        pub(crate) extent: Bundles<Extent<In>> = Bundles::new(2 * dense, || Extent::new(g)),
        pub(crate) pitch: Bundles<Pitch<In>> = Bundles::new(dense, || Pitch::new(g)),
        pub(crate) channels_last: Vec<Wire<In>> = Wire::vec(dense, 5),
        pub(crate) first_channel: Vec<Wire<In>> = Wire::vec(dense, 16),
        // The column is used; slices and tiles finished (mod 4).
        pub(crate) active: Signal<Out, Bit>,
        pub(crate) done: Wire<Out> = Wire::new(2),
        pub(crate) tiles: Wire<Out> = Wire::new(2),
        // The entry, to the PEs, and that of the previous cycle, to the accumulators.
        pub(crate) place: Place<Out> = Place::new(g),
        pub(crate) weights: Weights<Out> = Weights::new(g),
        pub(crate) stepped: Stepped<Out> = Stepped::new(),
        pub(crate) sums: Sums<Out> = Sums::new(g),
        // Psum traffic of this cycle's entry, for the counters.
        pub(crate) psum_read: Signal<Out, Bit>,
        pub(crate) psum_write: Signal<Out, Bit>,
        buffer: Sram = Sram::new("weight_buffer", g.weight_entries, &fields),
        base: Reg = Reg::new(g.weight_address_bits),
        groups: Reg = Reg::new(g.group_bits()),
        busy: RegBit,
        have: RegBit,
        pointer: Reg = Reg::new(g.weight_address_bits),
        group: Reg = Reg::new(g.group_bits()),
        fresh: RegBit,
        slice: Reg = Reg::new(2),
        tile: Reg = Reg::new(2),
        tile_end_q: RegBit,
        tiles_q: Reg = Reg::new(2),
        stepped_q: RegBit,
        stepped_half_q: RegBit,
        from_zero_q: RegBit,
        from_psum_q: RegBit,
        to_psum_q: RegBit,
        psum_word_q: Reg = Reg::new(g.psum_bits()),
        dense: Vec<DenseIndex> = (0..dense).map(|_| DenseIndex::new(g)).collect(),
        position: Wire<Local> = Wire::new(g.index_bits),
        list_end: Signal<Local, Bit>,
        odd: Signal<Local, Bit>,
        first_now: Signal<Local, Bit>,
        last_now: Signal<Local, Bit>,
        finish_now: Signal<Local, Bit>,
        ahead: Wire<Local> = Wire::new(2),
        fire: Signal<Local, Bit>,
        single: Signal<Local, Bit>,
        slice_end: Signal<Local, Bit>,
        tile_end: Signal<Local, Bit>,
        run_end: Signal<Local, Bit>,
        fetch: Signal<Local, Bit>,
        lanes: Const = Const::new(g.lanes, 8),
        channel_shift: Const = Const::new(g.channel_bits(), 4),
        channel_mask: Const = Const::new(g.word_channels - 1, 4),
        lane_shift: Const = Const::new(g.lane_bits(), 4),
        lane_mask: Const = Const::new(g.lanes - 1, 4),
        any_weight: Signal<Local, Bit>,
        flipped: Vec<Wire<Local>> = Wire::vec(g.lanes, g.weight_bits),
        weight_sign: Const = Const::new(g.weight_bits - 1, 5),
        weight_ones: Const = Const::new((1i64 << g.weight_bits) - 1, g.weight_bits),
        _lanes: usize = g.lanes,
        skip: When = When::new(g.skip),
        gating: When = When::new(g.zero_gating),
    }

    pub(crate) fn new(g: &Geometry) {
        let dense = usize::from(!g.skip);
        let fields = g.entry_fields();
    }
}

parts!(Column:
    /// Configuration and the weights of the present entry.
    Buffer,
    /// The activation of the entry, and whether its slice is loaded.
    Index,
    /// Whether the entry fires, and the next one.
    Fetch,
    /// The position in the run.
    Walk,
    /// The entry on its path to the PEs.
    Entry,
);

impl parts::Part<Buffer> for Column {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, base, groups);
        clock!(self, clock, buffer);
        if self.set_base.val() {
            self.base.d.next = unsigned_cast(self.data.val());
        }
        if self.set_groups.val() {
            self.groups.d.next = unsigned_cast(self.data.val());
        }
        self.active.next = self.groups.q.val().any();
        // Weight buffer.
        self.buffer.we.next = self.load.val();
        self.buffer.wa.next = self.load_addr.val();
        wires::link(&mut self.load_entry, &mut self.buffer.wd);
        self.any_weight.next = false;
        for l in 0..self._lanes {
            self.weights.negative[l].next =
                (self.buffer.rd[l].val() >> self.weight_sign.val()).any();
            self.flipped[l].next = self.buffer.rd[l].val() ^ self.weight_ones.val();
            self.weights.weight[l].next = self.buffer.rd[l].val();
            if self.weights.negative[l].val() {
                self.weights.weight[l].next = self.flipped[l].val() + 1.into();
            }
            if self.buffer.rd[l].val().any() {
                self.any_weight.next = true;
            }
        }
        if self.gating.val() {
            self.weights.useful.next = self.any_weight.val();
            for l in 0..self._lanes {
                self.weights.matters[l].next = self.buffer.rd[l].val().any();
            }
        } else {
            self.weights.useful.next = true;
            for l in 0..self._lanes {
                self.weights.matters[l].next = true;
            }
        }
    }
}

impl parts::Part<Index> for Column {
    #[hdl_gen]
    fn update(&mut self) {
        // Activation address of the entry, and whether the entry ends its list.
        if self.skip.val() {
            self.position.next = self.buffer.rd[self.lanes.index()].val();
            self.list_end.next = self.buffer.rd[self.lanes.index() + 1].val().any();
        } else {
            clock!(self, clock, dense[0]);
            self.dense[0].start.next = self.run.start.val();
            self.dense[0].step.next = self.fire.val();
            self.dense[0].slice_end.next = self.slice_end.val();
            self.dense[0].per_channel.next = self.per_channel[0].val();
            wires::link(&mut self.pitch[0], &mut self.dense[0].pitch);
            self.dense[0].channels_last.next = self.channels_last[0].val();
            self.dense[0].first_channel.next = self.first_channel[0].val();
            wires::link(&mut self.extent[0], &mut self.dense[0].extent);
            if self.odd.val() {
                wires::link(&mut self.extent[1], &mut self.dense[0].extent);
            }
            self.position.next = self.dense[0].position.val();
            self.list_end.next = self.dense[0].list_end.val();
        }
        // The present slice.
        self.odd.next = self.slice.q.val().get_bit(0);
        self.first_now.next = self.slices.first[0].val();
        self.last_now.next = self.slices.last[0].val();
        self.finish_now.next = self.slices.finish[0].val();
        if self.odd.val() {
            self.first_now.next = self.slices.first[1].val();
            self.last_now.next = self.slices.last[1].val();
            self.finish_now.next = self.slices.finish[1].val();
        }
    }
}

impl parts::Part<Fetch> for Column {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, have, pointer);
        // An entry fires if it was read, its slice is filled and the tile's psum bank is free.
        self.ahead.next = self.tile.q.val() - self.drained.val();
        self.fire.next = self.have.q.val()
            & (self.slices.filled.val() != self.slice.q.val())
            & (!self.ahead.val().get_bit(1) | self.no_drain.val());
        self.single.next = self.groups.q.val() == 1.into();
        self.slice_end.next = self.fire.val()
            & self.list_end.val()
            & ((self.group.q.val() + 1.into()) == self.groups.q.val());
        self.tile_end.next = self.slice_end.val() & self.last_now.val();
        self.run_end.next = self.tile_end.val() & self.finish_now.val();
        // The next entry is read while this one fires; a tile begins at the first entry again.
        self.fetch.next =
            self.busy.q.val() & ((!self.have.q.val()) | (self.fire.val() & !self.run_end.val()));
        self.buffer.re.next = self.fetch.val();
        self.buffer.ra.next = self.pointer.q.val();
        if self.fetch.val() {
            self.have.d.next = true;
            self.pointer.d.next = self.pointer.q.val() + 1.into();
        }
        if self.tile_end.val() {
            self.buffer.ra.next = self.base.q.val();
            self.pointer.d.next = self.base.q.val() + 1.into();
        }
    }
}

impl parts::Part<Walk> for Column {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, busy, group, fresh, slice, tile, tiles_q);
        clock!(self, clock, tile_end_q);
        if self.fire.val() {
            self.fresh.d.next = self.list_end.val();
        }
        if (self.fire.val() & self.list_end.val()) | self.run.start.val() {
            self.group.d.next = self.group.q.val() + 1.into();
            if self.slice_end.val() | self.run.start.val() {
                self.group.d.next = 0.into();
            }
        }
        if self.slice_end.val() {
            self.slice.d.next = self.slice.q.val() + 1.into();
        }
        if self.tile_end.val() {
            self.tile.d.next = self.tile.q.val() + 1.into();
        }
        if self.run_end.val() {
            self.busy.d.next = false;
            self.have.d.next = false;
        }
        if self.run.start.val() {
            self.busy.d.next = self.active.val();
            self.have.d.next = false;
            self.pointer.d.next = self.base.q.val();
            self.fresh.d.next = true;
            self.slice.d.next = 0.into();
            self.tile.d.next = 0.into();
        }
        // Psum words are complete one cycle after the entry.
        self.tile_end_q.d.next = self.tile_end.val();
        if self.tile_end_q.q.val() {
            self.tiles_q.d.next = self.tiles_q.q.val() + 1.into();
        }
        if self.run.start.val() {
            self.tiles_q.d.next = 0.into();
        }
        if self.run.reset.val() {
            self.busy.d.next = false;
            self.have.d.next = false;
            self.groups.d.next = 0.into();
        }
        self.done.next = self.slice.q.val();
        self.tiles.next = self.tiles_q.q.val();
    }
}

impl parts::Part<Entry> for Column {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, from_zero_q, from_psum_q, to_psum_q, psum_word_q);
        clock!(self, clock, stepped_q, stepped_half_q);
        self.place.step.next = self.fire.val();
        self.place.half.next = self.odd.val();
        self.place.word.next = self.position.val() >> self.channel_shift.val();
        self.place.high.next =
            (self.position.val() & self.channel_mask.val()) >> self.lane_shift.val();
        self.weights.low.next = self.position.val() & self.lane_mask.val();
        self.psum_read.next = self.fire.val()
            & self.fresh.q.val()
            & ((self.first_now.val() & self.accumulate.val())
                | (!self.first_now.val() & !self.single.val()));
        self.psum_write.next =
            self.fire.val() & self.list_end.val() & (!self.single.val() | self.last_now.val());
        if self.fire.val() {
            self.from_zero_q.d.next =
                self.fresh.q.val() & self.first_now.val() & !self.accumulate.val();
            self.from_psum_q.d.next = self.psum_read.val();
            self.to_psum_q.d.next = self.psum_write.val();
            // The address changes with a read or a write only.
            if self.psum_read.val() | self.psum_write.val() {
                self.psum_word_q.d.next =
                    (self.group.q.val() << 1) + self.tile.q.val().get_bit(0).into();
            }
        }
        self.stepped_q.d.next = self.fire.val();
        self.stepped_half_q.d.next = self.odd.val();
        self.stepped.stepped.next = self.stepped_q.q.val();
        self.stepped.stepped_half.next = self.stepped_half_q.q.val();
        self.sums.from_zero.next = self.from_zero_q.q.val();
        self.sums.from_psum.next = self.from_psum_q.q.val();
        self.sums.to_psum.next = self.to_psum_q.q.val();
        self.sums.psum_word.next = self.psum_word_q.q.val();
    }
}
