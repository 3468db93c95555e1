//! Weight buffer and sequencer of one column: walks the lists of its output-channel groups.

use super::dense_index::DenseIndex;
use super::flags;
use crate::geometry::Geometry;
use crate::rtl::prelude::*;

block! {
    /// A column's weight buffer and sequencer. It walks, slice by slice, the list of each of its groups and
    /// broadcasts one entry per cycle to the rows. It runs as far ahead of other columns as the two
    /// scratchpad halves allow, so lists of unequal length even out over neighbouring slices.
    pub(crate) struct Column = "column" {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) reset: Signal<In, Bit>,
        pub(crate) start: Signal<In, Bit>,
        // Configuration: first entry, groups.
        pub(crate) set_base: Signal<In, Bit>,
        pub(crate) set_groups: Signal<In, Bit>,
        pub(crate) data: Wire<In> = Wire::new(32),
        pub(crate) accumulate: Signal<In, Bit>,
        // Weight buffer write port: weights, then index and last where lists are stored.
        pub(crate) load: Signal<In, Bit>,
        pub(crate) load_addr: Wire<In> = Wire::new(g.weight_address_bits),
        pub(crate) load_entry: Vec<Wire<In>> = fields.iter().map(|&w| Wire::new(w)).collect(),
        // Slices filled so far (mod 4); by half: first and last slice of a tile, of the last tile.
        pub(crate) filled: Wire<In> = Wire::new(2),
        pub(crate) first: Vec<Signal<In, Bit>> = flags(2),
        pub(crate) last: Vec<Signal<In, Bit>> = flags(2),
        pub(crate) finish: Vec<Signal<In, Bit>> = flags(2),
        // Tiles drained so far (mod 4); no drain holds the psum banks back.
        pub(crate) drained: Wire<In> = Wire::new(2),
        pub(crate) no_drain: Signal<In, Bit>,
        // What replaces stored indices (dense weights only), see `DenseIndex`.
        pub(crate) per_channel: Vec<Signal<In, Bit>> = flags(dense),
        pub(crate) kernel_y: Vec<Wire<In>> = Wire::vec(2 * dense, g.patch_count_bits()),
        pub(crate) kernel_x: Vec<Wire<In>> = Wire::vec(2 * dense, g.patch_count_bits()),
        pub(crate) channel_words: Vec<Wire<In>> = Wire::vec(2 * dense, g.patch_count_bits()),
        pub(crate) last_word: Vec<Signal<In, Bit>> = flags(2 * dense),
        pub(crate) patch_y: Vec<Wire<In>> = Wire::vec(dense, g.patch_bits()),
        pub(crate) patch_x: Vec<Wire<In>> = Wire::vec(dense, g.patch_bits()),
        pub(crate) channels_last: Vec<Wire<In>> = Wire::vec(dense, 5),
        pub(crate) first_channel: Vec<Wire<In>> = Wire::vec(dense, 16),
        // The column takes part; slices and tiles finished (mod 4).
        pub(crate) active: Signal<Out, Bit>,
        pub(crate) done: Wire<Out> = Wire::new(2),
        pub(crate) tiles: Wire<Out> = Wire::new(2),
        // The entry, to the PEs.
        pub(crate) step: Signal<Out, Bit>,
        pub(crate) half: Signal<Out, Bit>,
        pub(crate) word: Wire<Out> = Wire::new(g.patch_bits()),
        pub(crate) high: Wire<Out> = Wire::new(addr_width(g.word_channels / g.lanes)),
        pub(crate) low: Wire<Out> = Wire::new(g.lane_bits().max(1)),
        pub(crate) useful: Signal<Out, Bit>,
        pub(crate) matters: Vec<Signal<Out, Bit>> = flags(g.lanes),
        // Weights as magnitude and sign.
        pub(crate) weight: Vec<Wire<Out>> = Wire::vec(g.lanes, g.weight_bits),
        pub(crate) negative: Vec<Signal<Out, Bit>> = flags(g.lanes),
        // The entry of the previous cycle, to the accumulators.
        pub(crate) stepped: Signal<Out, Bit>,
        pub(crate) stepped_half: Signal<Out, Bit>,
        pub(crate) from_zero: Signal<Out, Bit>,
        pub(crate) from_psum: Signal<Out, Bit>,
        pub(crate) to_psum: Signal<Out, Bit>,
        pub(crate) psum_word: Wire<Out> = Wire::new(g.psum_bits()),
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
        _skip: usize = usize::from(g.skip),
        _dense: usize = dense,
        _gating: usize = usize::from(g.zero_gating),
    }

    pub(crate) fn new(g: &Geometry) {
        let dense = usize::from(!g.skip);
        let fields = g.entry_fields();
    }
}

impl Logic for Column {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, base, groups, busy, have, pointer, group, fresh, slice, tile);
        dff_setup!(self, clock, tiles_q, from_zero_q, from_psum_q, to_psum_q, psum_word_q);
        clock!(self, clock, buffer, tile_end_q, stepped_q, stepped_half_q);
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
        for l in 0..self._lanes {
            self.buffer.wd[l].next = self.load_entry[l].val();
        }
        self.any_weight.next = false;
        for l in 0..self._lanes {
            self.negative[l].next = (self.buffer.rd[l].val() >> self.weight_sign.val()).any();
            self.flipped[l].next = self.buffer.rd[l].val() ^ self.weight_ones.val();
            self.weight[l].next = self.buffer.rd[l].val();
            if self.negative[l].val() {
                self.weight[l].next = self.flipped[l].val() + 1.into();
            }
            if self.buffer.rd[l].val().any() {
                self.any_weight.next = true;
            }
        }
        self.useful.next = true;
        for l in 0..self._lanes {
            self.matters[l].next = true;
        }
        for _i in 0..self._gating {
            self.useful.next = self.any_weight.val();
            for l in 0..self._lanes {
                self.matters[l].next = self.buffer.rd[l].val().any();
            }
        }
        // Where the entry points and whether it ends its list.
        for _i in 0..self._skip {
            self.buffer.wd[self.lanes.index()].next = self.load_entry[self.lanes.index()].val();
            self.buffer.wd[self.lanes.index() + 1].next =
                self.load_entry[self.lanes.index() + 1].val();
            self.position.next = self.buffer.rd[self.lanes.index()].val();
            self.list_end.next = self.buffer.rd[self.lanes.index() + 1].val().any();
        }
        for d in 0..self._dense {
            self.dense[d].clock.next = self.clock.val();
            self.dense[d].start.next = self.start.val();
            self.dense[d].step.next = self.fire.val();
            self.dense[d].slice_end.next = self.slice_end.val();
            self.dense[d].per_channel.next = self.per_channel[d].val();
            self.dense[d].patch_y.next = self.patch_y[d].val();
            self.dense[d].patch_x.next = self.patch_x[d].val();
            self.dense[d].channels_last.next = self.channels_last[d].val();
            self.dense[d].first_channel.next = self.first_channel[d].val();
            self.dense[d].kernel_y.next = self.kernel_y[0].val();
            self.dense[d].kernel_x.next = self.kernel_x[0].val();
            self.dense[d].channel_words.next = self.channel_words[0].val();
            self.dense[d].last_word.next = self.last_word[0].val();
            if self.odd.val() {
                self.dense[d].kernel_y.next = self.kernel_y[1].val();
                self.dense[d].kernel_x.next = self.kernel_x[1].val();
                self.dense[d].channel_words.next = self.channel_words[1].val();
                self.dense[d].last_word.next = self.last_word[1].val();
            }
            self.position.next = self.dense[d].position.val();
            self.list_end.next = self.dense[d].list_end.val();
        }
        // The slice at hand.
        self.odd.next = self.slice.q.val().get_bit(0);
        self.first_now.next = self.first[0].val();
        self.last_now.next = self.last[0].val();
        self.finish_now.next = self.finish[0].val();
        if self.odd.val() {
            self.first_now.next = self.first[1].val();
            self.last_now.next = self.last[1].val();
            self.finish_now.next = self.finish[1].val();
        }
        // An entry fires if it is there, its slice is filled and the tile's psum bank is free.
        self.ahead.next = self.tile.q.val() - self.drained.val();
        self.fire.next = self.have.q.val()
            & (self.filled.val() != self.slice.q.val())
            & (!self.ahead.val().get_bit(1) | self.no_drain.val());
        self.single.next = self.groups.q.val() == 1.into();
        self.slice_end.next = self.fire.val()
            & self.list_end.val()
            & ((self.group.q.val() + 1.into()) == self.groups.q.val());
        self.tile_end.next = self.slice_end.val() & self.last_now.val();
        self.run_end.next = self.tile_end.val() & self.finish_now.val();
        // The next entry is read while this one fires; a tile starts over at the first entry.
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
        if self.fire.val() {
            self.fresh.d.next = self.list_end.val();
        }
        if (self.fire.val() & self.list_end.val()) | self.start.val() {
            self.group.d.next = self.group.q.val() + 1.into();
            if self.slice_end.val() | self.start.val() {
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
        if self.start.val() {
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
        if self.start.val() {
            self.tiles_q.d.next = 0.into();
        }
        if self.reset.val() {
            self.busy.d.next = false;
            self.have.d.next = false;
            self.groups.d.next = 0.into();
        }
        self.done.next = self.slice.q.val();
        self.tiles.next = self.tiles_q.q.val();
        // Entry to the PEs.
        self.step.next = self.fire.val();
        self.half.next = self.odd.val();
        self.word.next = self.position.val() >> self.channel_shift.val();
        self.high.next = (self.position.val() & self.channel_mask.val()) >> self.lane_shift.val();
        self.low.next = self.position.val() & self.lane_mask.val();
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
            // The address moves with a read or a write only.
            if self.psum_read.val() | self.psum_write.val() {
                self.psum_word_q.d.next =
                    (self.group.q.val() << 1) + self.tile.q.val().get_bit(0).into();
            }
        }
        self.stepped_q.d.next = self.fire.val();
        self.stepped_half_q.d.next = self.odd.val();
        self.stepped.next = self.stepped_q.q.val();
        self.stepped_half.next = self.stepped_half_q.q.val();
        self.from_zero.next = self.from_zero_q.q.val();
        self.from_psum.next = self.from_psum_q.q.val();
        self.to_psum.next = self.to_psum_q.q.val();
        self.psum_word.next = self.psum_word_q.q.val();
    }
}
