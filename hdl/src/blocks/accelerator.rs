//! The accelerator: decoder, compute engine, store engine, global buffer and counters.

use super::compute::Compute;
use super::counters::CounterBank;
use super::decoder::Decoder;
use super::store::Store;
use crate::config::Config;
use crate::geometry::Geometry;
use crate::rtl::prelude::*;

block! {
    /// The top of the hardware. Ports: `docs/hardware.md`; the streams' contents: `docs/command-stream.md`.
    pub struct Accelerator = "pecan" {
        /// Clock; everything happens at its rising edge.
        pub clock: Signal<In, Clock>,
        /// Synchronous reset, active high, at least one cycle.
        pub reset: Signal<In, Bit>,
        /// Input stream: a beat is offered.
        pub in_valid: Signal<In, Bit>,
        /// Input stream: the beat is taken at the next edge.
        pub in_ready: Signal<Out, Bit>,
        /// Input stream: the beat in words of 32 bits, low first.
        pub in_data: Vec<Wire<In>> = Wire::vec(beat, 32),
        /// Output stream: a beat is offered.
        pub out_valid: Signal<Out, Bit>,
        /// Output stream: the beat is taken at the next edge.
        pub out_ready: Signal<In, Bit>,
        /// Output stream: the beat in words of 32 bits, low first.
        pub out_data: Vec<Wire<Out>> = Wire::vec(beat, 32),
        /// Status register to show.
        pub status_addr: Wire<In> = Wire::new(8),
        /// The status register, in the same cycle.
        pub status_data: Wire<Out> = Wire::new(32),
        /// Layers completed since the header.
        pub layer: Wire<Out> = Wire::new(16),
        /// The program has ended and everything is stored.
        pub done: Signal<Out, Bit>,
        /// The device has halted with an error code in status register 1.
        pub error: Signal<Out, Bit>,
        decoder: Decoder = Decoder::new(g, id),
        compute: Compute = Compute::new(g),
        store: Store = Store::new(g),
        buffer: Sram =
            Sram::new("global_buffer", g.buffer_words, &vec![g.activation_bits; g.word_channels]),
        counters: CounterBank = CounterBank::new(g, id, &CounterBank::widths(g)),
        alive: Signal<Local, Bit>,
        write: Signal<Local, Bit>,
        read: Signal<Local, Bit>,
        run_q: RegBit,
        weight_q: RegBit,
        param_q: RegBit,
        read_q: RegBit,
        write_q: RegBit,
        in_q: RegBit,
        out_q: RegBit,
        // No header since the reset.
        fresh: RegBit,
        _beat: usize = beat,
        _cols: usize = g.cols,
        _channels: usize = g.word_channels,
        _entry: usize = g.lanes + if g.skip { 2 } else { 0 },
    }

    /// The hardware that `config` describes.
    pub fn new(config: &Config) {
        let g = &Geometry::of(config);
        let id = config.id();
        let beat = g.stream_bits / 32;
    }
}

impl Logic for Accelerator {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, decoder, compute, store, buffer, counters);
        clock!(self, clock, run_q, weight_q, param_q, read_q, write_q, in_q, out_q, fresh);

        // Command decoder.
        self.decoder.reset.next = self.reset.val();
        self.decoder.in_valid.next = self.in_valid.val();
        self.in_ready.next = self.decoder.in_ready.val();
        for w in 0..self._beat {
            self.decoder.in_data[w].next = self.in_data[w].val();
        }
        self.decoder.run_fault.next = self.compute.fault.val();
        self.decoder.compute_busy.next = self.compute.busy.val();
        self.decoder.store_busy.next = self.store.busy.val();
        self.decoder.buffer_busy.next = self.compute.write.val();
        self.alive.next = self.decoder.error.val() == 0.into();

        // Compute engine. An error ends the run, so that the read port is free for a store in hand.
        self.compute.reset.next = self.reset.val() | !self.alive.val();
        self.compute.start.next = self.decoder.run.val();
        self.compute.accumulate.next = self.decoder.accumulate.val();
        self.compute.no_drain.next = self.decoder.no_drain.val();
        self.compute.set.next = self.decoder.set.val();
        self.compute.set_index.next = self.decoder.set_index.val();
        self.compute.set_data.next = self.decoder.set_data.val();
        self.compute.weight_addr.next = unsigned_cast(self.decoder.address.val());
        for c in 0..self._cols {
            self.compute.weight_write[c].next = self.decoder.weight_write[c].val();
        }
        for e in 0..self._entry {
            self.compute.weight_entry[e].next = self.decoder.weight_entry[e].val();
        }
        self.compute.param_write.next = self.decoder.param_write.val();
        self.compute.param_channel.next = unsigned_cast(self.decoder.address.val());
        self.compute.param_bias.next = self.decoder.param_bias.val();
        self.compute.param_multiplier.next = self.decoder.param_multiplier.val();
        self.compute.param_shift.next = self.decoder.param_shift.val();

        // Store engine. An error does not concern it: a beat that was offered stays until it is taken, and whoever
        // waits for the rest of a store gets it.
        self.store.reset.next = self.reset.val();
        self.store.start.next = self.decoder.store.val();
        self.store.address.next = unsigned_cast(self.decoder.address.val());
        self.store.count.next = unsigned_cast(self.decoder.count.val());
        self.store.port_free.next = !self.compute.read.val();
        self.store.out_ready.next = self.out_ready.val();
        self.out_valid.next = self.store.out_valid.val();
        for w in 0..self._beat {
            self.out_data[w].next = self.store.out_data[w].val();
        }

        // Global buffer: the loader reads before the store engine, the drain writes before the decoder.
        self.read.next = self.compute.read.val() | self.store.read.val();
        self.buffer.re.next = self.read.val();
        self.buffer.ra.next = self.store.read_addr.val();
        if self.compute.read.val() {
            self.buffer.ra.next = self.compute.read_addr.val();
        }
        self.write.next =
            (self.compute.write.val() | self.decoder.buffer_write.val()) & self.alive.val();
        self.buffer.we.next = self.write.val();
        self.buffer.wa.next = unsigned_cast(self.decoder.address.val());
        if self.compute.write.val() {
            self.buffer.wa.next = self.compute.write_addr.val();
        }
        for b in 0..self._channels {
            self.compute.read_data[b].next = self.buffer.rd[b].val();
            self.store.read_data[b].next = self.buffer.rd[b].val();
            self.buffer.wd[b].next = self.decoder.buffer_data[b].val();
            if self.compute.write.val() {
                self.buffer.wd[b].next = unsigned_cast(self.compute.write_data[b].val());
            }
        }

        // Counters, in the order of `Counter::ALL`.
        self.run_q.d.next = self.compute.busy.val();
        self.weight_q.d.next = self.decoder.weight_event.val();
        self.param_q.d.next = self.decoder.param_write.val();
        self.read_q.d.next = self.read.val();
        self.write_q.d.next = self.write.val();
        self.in_q.d.next = self.in_valid.val() & self.decoder.in_ready.val();
        self.out_q.d.next = self.out_valid.val() & self.out_ready.val();
        // Event registers have no reset: the counters rest from a reset until a header clears them.
        self.fresh.d.next = self.reset.val() | (self.fresh.q.val() & !self.decoder.clear.val());
        self.counters.clear.next = self.decoder.clear.val() | self.reset.val() | self.fresh.q.val();
        self.counters.event[0].next = 1.into();
        self.counters.event[1].next = self.run_q.q.val().into();
        self.counters.event[2].next = self.compute.pe_steps.val();
        self.counters.event[3].next = self.compute.active_lanes.val();
        self.counters.event[4].next = self.compute.scratch_reads.val();
        self.counters.event[5].next = self.compute.scratch_writes.val();
        self.counters.event[6].next = self.compute.psum_reads.val();
        self.counters.event[7].next = self.compute.psum_writes.val();
        self.counters.event[8].next = self.compute.drain_steps.val().into();
        self.counters.event[9].next = self.compute.weight_reads.val();
        self.counters.event[10].next = self.weight_q.q.val().into();
        self.counters.event[11].next = self.param_q.q.val().into();
        self.counters.event[12].next = self.read_q.q.val().into();
        self.counters.event[13].next = self.write_q.q.val().into();
        self.counters.event[14].next = self.in_q.q.val().into();
        self.counters.event[15].next = self.out_q.q.val().into();
        self.counters.error.next = self.decoder.error.val();
        self.counters.layer.next = self.decoder.layer.val();
        self.counters.address.next = self.status_addr.val();
        self.status_data.next = self.counters.data.val();
        self.layer.next = self.decoder.layer.val();
        self.done.next = self.decoder.done.val();
        self.error.next = !self.alive.val();
    }
}
