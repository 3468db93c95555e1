//! The accelerator: decoder, compute engine, store engine, global buffer and counters.

use super::bundles::Stream;
use super::compute::Compute;
use super::counters::CounterBank;
use super::decoder::Decoder;
use super::store::Store;
use pecan_config::Config;
use pecan_config::geometry::Geometry;
use pecan_config::isa::counter::Counter;
use pecan_rtl::prelude::*;

block! {
    /// The top of the hardware. Ports: `docs/hardware.md`; the streams' contents: `docs/command-stream.md`.
    pub struct Accelerator = "pecan" {
        /// Clock; everything happens at its rising edge.
        pub clock: Signal<In, Clock>,
        /// Synchronous reset, active high, at least one cycle.
        pub reset: Signal<In, Bit>,
        // Both streams of beats.
        pub(crate) from_host: Stream<In> = Stream::input(g),
        pub(crate) to_host: Stream<Out> = Stream::output(g),
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
        counter: Indices = Indices::new("Counter", Counter::VARIANTS),
        _channels: usize = g.word_channels,
    }

    /// The hardware that `config` describes.
    pub fn new(config: &Config) {
        let g = &Geometry::of(config);
        let id = config.id();
    }
}

parts!(Accelerator:
    /// The engines with the signals of the decoder.
    Engines,
    /// The global buffer: the loader reads before the store engine, the drain writes before the decoder.
    Buffer,
    /// Event inputs of the counters.
    Events,
    /// Counters and status.
    Status,
);

impl parts::Part<Engines> for Accelerator {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, decoder, compute, store);
        self.decoder.reset.next = self.reset.val();
        wires::link(&mut self.from_host, &mut self.decoder.from_host);
        self.decoder.run_fault.next = self.compute.fault.val();
        self.decoder.compute_busy.next = self.compute.busy.val();
        self.decoder.store_busy.next = self.store.busy.val();
        self.decoder.buffer_busy.next = self.compute.write.val();
        self.alive.next = self.decoder.error.val() == 0.into();

        // An error ends the run, so that the read port is free for the present store.
        self.compute.run.reset.next = self.reset.val() | !self.alive.val();
        self.compute.run.start.next = self.decoder.run.val();
        self.compute.accumulate.next = self.decoder.accumulate.val();
        self.compute.no_drain.next = self.decoder.no_drain.val();
        wires::link(&mut self.decoder.set, &mut self.compute.set);
        self.compute.weight_addr.next = unsigned_cast(self.decoder.address.val());
        wires::link(&mut self.decoder.weight_write, &mut self.compute.weight_write);
        wires::link(&mut self.decoder.weight_entry, &mut self.compute.weight_entry);
        self.compute.param_write.next = self.decoder.param_write.val();
        self.compute.param_channel.next = unsigned_cast(self.decoder.address.val());
        wires::link(&mut self.decoder.param, &mut self.compute.param);

        // An error does not affect the store engine: a beat that was offered stays until it is accepted, and the
        // receiver of a store gets all of it.
        self.store.run.reset.next = self.reset.val();
        self.store.run.start.next = self.decoder.store.val();
        self.store.address.next = unsigned_cast(self.decoder.address.val());
        self.store.count.next = unsigned_cast(self.decoder.count.val());
        self.store.port_free.next = !self.compute.buffer.read.val();
        wires::link(&mut self.to_host, &mut self.store.to_host);
    }
}

impl parts::Part<Buffer> for Accelerator {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, buffer);
        self.read.next = self.compute.buffer.read.val() | self.store.buffer.read.val();
        self.buffer.re.next = self.read.val();
        self.buffer.ra.next = self.store.buffer.read_addr.val();
        if self.compute.buffer.read.val() {
            self.buffer.ra.next = self.compute.buffer.read_addr.val();
        }
        wires::link(&mut self.buffer.rd, &mut self.compute.buffer.read_data);
        wires::link(&mut self.buffer.rd, &mut self.store.buffer.read_data);
        self.write.next =
            (self.compute.write.val() | self.decoder.buffer_write.val()) & self.alive.val();
        self.buffer.we.next = self.write.val();
        self.buffer.wa.next = unsigned_cast(self.decoder.address.val());
        wires::link(&mut self.decoder.buffer_data, &mut self.buffer.wd);
        if self.compute.write.val() {
            self.buffer.wa.next = self.compute.write_addr.val();
            for b in 0..self._channels {
                self.buffer.wd[b].next = unsigned_cast(self.compute.write_data[b].val());
            }
        }
    }
}

impl parts::Part<Events> for Accelerator {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, run_q, weight_q, param_q, read_q, write_q, in_q, out_q);
        self.run_q.d.next = self.compute.busy.val();
        self.weight_q.d.next = self.decoder.weight_event.val();
        self.param_q.d.next = self.decoder.param_write.val();
        self.read_q.d.next = self.read.val();
        self.write_q.d.next = self.write.val();
        self.in_q.d.next = self.from_host.valid.val() & self.decoder.from_host.ready.val();
        self.out_q.d.next = self.to_host.valid.val() & self.to_host.ready.val();
        self.counters.event[Counter::Cycles.index()].next = 1.into();
        self.counters.event[Counter::RunCycles.index()].next = self.run_q.q.val().into();
        self.counters.event[Counter::PeSteps.index()].next = self.compute.pe_steps.val();
        self.counters.event[Counter::ActiveLanes.index()].next = self.compute.active_lanes.val();
        self.counters.event[Counter::ScratchReads.index()].next = self.compute.scratch_reads.val();
        self.counters.event[Counter::ScratchWrites.index()].next =
            self.compute.scratch_writes.val();
        self.counters.event[Counter::PsumReads.index()].next = self.compute.psum_reads.val();
        self.counters.event[Counter::PsumWrites.index()].next = self.compute.psum_writes.val();
        self.counters.event[Counter::DrainSteps.index()].next =
            self.compute.drain_steps.val().into();
        self.counters.event[Counter::WeightReads.index()].next = self.compute.weight_reads.val();
        self.counters.event[Counter::WeightWrites.index()].next = self.weight_q.q.val().into();
        self.counters.event[Counter::ParamWrites.index()].next = self.param_q.q.val().into();
        self.counters.event[Counter::BufferReads.index()].next = self.read_q.q.val().into();
        self.counters.event[Counter::BufferWrites.index()].next = self.write_q.q.val().into();
        self.counters.event[Counter::BeatsIn.index()].next = self.in_q.q.val().into();
        self.counters.event[Counter::BeatsOut.index()].next = self.out_q.q.val().into();
    }
}

impl parts::Part<Status> for Accelerator {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, counters, fresh);
        // Event registers have no reset: after a reset the counters stand still until a header clears them.
        self.fresh.d.next = self.reset.val() | (self.fresh.q.val() & !self.decoder.clear.val());
        self.counters.clear.next = self.decoder.clear.val() | self.reset.val() | self.fresh.q.val();
        self.counters.error.next = self.decoder.error.val();
        self.counters.layer.next = self.decoder.layer.val();
        self.counters.address.next = self.status_addr.val();
        self.status_data.next = self.counters.data.val();
        self.layer.next = self.decoder.layer.val();
        self.done.next = self.decoder.done.val();
        self.error.next = !self.alive.val();
    }
}
