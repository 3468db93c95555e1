//! Command decoder: decodes the input stream, checks it, and drives the engines.

use super::bundles::{ConfigBus, Params, Stream};
use super::flags;
use super::unpacker::Unpacker;
use pecan_config::geometry::Geometry;
use pecan_config::isa::register::{
    COL_BASE, COL_STRIDE, ColRegister, ROW_BASE, ROW_STRIDE, Register,
};
use pecan_config::isa::{
    ErrorCode, MULTIPLIER_BITS, Opcode, RESERVED, RunFlags, VERSION, WAIT_COMPUTE, WAIT_STORE,
};
use pecan_rtl::prelude::*;

// `update` reads flags of a command, flags of `Run` and registers of a column by their bit numbers. Of the latter,
// the groups are bounded.
const _: () = {
    assert!(RESERVED == 1 << 24 | 1 << 25);
    assert!(WAIT_STORE == 1 << 26 && WAIT_COMPUTE == 1 << 27);
    assert!(RunFlags::ACCUMULATE == 1 << 0 && RunFlags::NO_DRAIN == 1 << 1);
    assert!(RunFlags::ALL == 4 - 1);
    assert!(COL_BASE.is_multiple_of(2) && COL_STRIDE == 2 && ColRegister::Groups as u32 == 1);
};

block! {
    /// The command decoder and load engine, see `docs/command-stream.md`.
    pub(crate) struct Decoder = "decoder" {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) reset: Signal<In, Bit>,
        // Code of an error of the compute engine, 0 for none.
        pub(crate) run_fault: Wire<In> = Wire::new(4),
        // Input stream.
        pub(crate) from_host: Stream<In> = Stream::input(g),
        // Engines.
        pub(crate) compute_busy: Signal<In, Bit>,
        pub(crate) store_busy: Signal<In, Bit>,
        pub(crate) run: Signal<Out, Bit>,
        pub(crate) accumulate: Signal<Out, Bit>,
        pub(crate) no_drain: Signal<Out, Bit>,
        pub(crate) store: Signal<Out, Bit>,
        pub(crate) address: Wire<Out> = Wire::new(32),
        pub(crate) count: Wire<Out> = Wire::new(32),
        pub(crate) set: ConfigBus<Out> = ConfigBus::set(),
        // Write ports of the memories; the drain may occupy the buffer port.
        pub(crate) buffer_busy: Signal<In, Bit>,
        pub(crate) buffer_write: Signal<Out, Bit>,
        pub(crate) buffer_data: Vec<Wire<Out>> = Wire::vec(g.word_channels, g.activation_bits),
        pub(crate) weight_write: Vec<Signal<Out, Bit>> = flags(g.cols),
        pub(crate) weight_entry: Vec<Wire<Out>> = entry.iter().map(|&w| Wire::new(w)).collect(),
        pub(crate) param_write: Signal<Out, Bit>,
        pub(crate) param: Params<Out> = Params::param(g),
        // Status.
        pub(crate) clear: Signal<Out, Bit>,
        pub(crate) layer: Wire<Out> = Wire::new(16),
        pub(crate) done: Signal<Out, Bit>,
        pub(crate) error: Wire<Out> = Wire::new(4),
        // One item written, for the counters.
        pub(crate) weight_event: Signal<Out, Bit>,
        at_word: RegBit,
        at_wait: RegBit,
        at_id: RegBit,
        at_address: RegBit,
        at_count: RegBit,
        at_check: RegBit,
        at_config: RegBit,
        at_payload: RegBit,
        started: RegBit,
        done_q: RegBit,
        layer_q: Reg = Reg::new(16),
        mark: Signal<Local, Bit>,
        first_layer: Signal<Local, Bit>,
        error_q: Reg = Reg::new(4),
        command: Reg = Reg::new(32),
        first: Reg = Reg::new(32),
        left: Reg = Reg::new(32),
        accumulate_q: RegBit,
        no_drain_q: RegBit,
        set_q: RegBit,
        set_index_q: Reg = Reg::new(8),
        set_data_q: Reg = Reg::new(32),
        words: Unpacker = Unpacker::new(g.word_slot, g.stream_bits),
        entries: Unpacker = Unpacker::new(g.entry_slot, g.stream_bits),
        params: Unpacker = Unpacker::new(64, g.stream_bits),
        opcode: Wire<Local> = Wire::new(4),
        operand: Wire<Local> = Wire::new(24),
        is_header: Signal<Local, Bit>,
        is_config: Signal<Local, Bit>,
        is_run: Signal<Local, Bit>,
        is_words: Signal<Local, Bit>,
        is_entries: Signal<Local, Bit>,
        is_params: Signal<Local, Bit>,
        is_store: Signal<Local, Bit>,
        is_mark: Signal<Local, Bit>,
        is_end: Signal<Local, Bit>,
        known: Signal<Local, Bit>,
        free: Signal<Local, Bit>,
        go: Signal<Local, Bit>,
        value: Wire<Local> = Wire::new(32),
        limit: Wire<Local> = Wire::new(24),
        range_code: Wire<Local> = Wire::new(4),
        range_end: Wire<Local> = Wire::new(33),
        range_ok: Signal<Local, Bit>,
        register_ok: Signal<Local, Bit>,
        fault: Wire<Local> = Wire::new(4),
        last: Signal<Local, Bit>,
        take: Signal<Local, Bit>,
        alive: Signal<Local, Bit>,
        bias_high: Wire<Local> = Wire::new(8),
        param_word: Wire<Local> = Wire::new(40),
        opcodes: Vec<Const> = Opcode::ALL.iter().map(|&op| Const::new(op as u32, 4)).collect(),
        version: Const = Const::new(VERSION, 24),
        id: Const = Const::new(id, 32),
        fault_opcode: Const = code(ErrorCode::Opcode),
        fault_header: Const = code(ErrorCode::Header),
        fault_id: Const = code(ErrorCode::ConfigId),
        fault_buffer: Const = code(ErrorCode::BufferRange),
        fault_weight: Const = code(ErrorCode::WeightRange),
        fault_param: Const = code(ErrorCode::ParamRange),
        fault_register: Const = code(ErrorCode::Register),
        buffer_words: Const = Const::new(g.buffer_words, 24),
        weight_entries: Const = Const::new(g.weight_entries, 24),
        param_channels: Const = Const::new(g.param_channels, 24),
        cols: Const = Const::new(g.cols, 8),
        half_depth: Const = Const::new(g.psum_bank, 8),
        scalar_top: Const = Const::new(Register::ALL.len(), 9),
        row_base: Const = Const::new(ROW_BASE, 9),
        row_top: Const = top(ROW_BASE, ROW_STRIDE, g.rows),
        col_base: Const = Const::new(COL_BASE, 9),
        col_top: Const = top(COL_BASE, COL_STRIDE, g.cols),
        act_offset: Vec<Const> =
            (0..acts_per_word).map(|i| Const::new(i * g.activation_bits, 6)).collect(),
        acts_per_word: Const = Const::new(acts_per_word, 8),
        weight_offset: Vec<Const> =
            (0..weights_per_word) .map(|i| Const::new(i * g.weight_bits, 6)) .collect(),
        weights_per_word: Const = Const::new(weights_per_word, 8),
        lanes: Const = Const::new(g.lanes, 8),
        index_word: Const = Const::new(weights / 32, 8),
        index_offset: Const = Const::new(weights % 32, 6),
        last_offset: Const = Const::new(weights % 32 + g.index_bits, 6),
        multiplier_offset: Const = Const::new(pecan_config::isa::BIAS_BITS - 32, 6),
        shift_offset: Const = Const::new(pecan_config::isa::BIAS_BITS - 32 + MULTIPLIER_BITS, 6),
        _cols: usize = g.cols,
        _word_words: usize = g.word_channels / acts_per_word,
        _acts_per_word: usize = acts_per_word,
        _weight_words: usize = g.lanes / weights_per_word,
        _weights_per_word: usize = weights_per_word,
        skip: When = When::new(g.skip),
        opcode_index: Indices = Indices::new("Opcode", Opcode::VARIANTS),
    }

    /// The decoder of a device whose configuration id is `id`.
    pub(crate) fn new(g: &Geometry, id: u32) {
        let per_word = |bits: usize, n: usize| (32 / bits).min(n);
        let acts_per_word = per_word(g.activation_bits, g.word_channels);
        let weights_per_word = per_word(g.weight_bits, g.lanes);
        let weights = g.lanes * g.weight_bits;
        let code = |e: ErrorCode| Const::new(e as u32, 4);
        let top =
            |base: u32, stride: u32, n: usize| Const::new(base as usize + stride as usize * n, 9);
        let entry = g.entry_fields();
    }
}

parts!(Decoder:
    /// The present command, and whether it may be executed.
    Command,
    /// Start of a command.
    Dispatch,
    /// The beats that follow a command word.
    Words,
    /// The range of a transfer: it is checked before anything is written.
    Range,
    /// Configuration registers.
    Registers,
    /// Payload, cut into items.
    Payload,
    /// Items on their path to the memories.
    Items,
    /// The first error is kept, and nothing is accepted any more.
    Errors,
);

impl parts::Part<Command> for Decoder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, command);
        self.value.next = self.from_host.data[0].val();
        self.opcode.next = self.command.q.val() >> 28;
        self.operand.next = unsigned_cast(self.command.q.val());
        self.is_header.next = self.opcode.val() == self.opcodes[Opcode::Header.index()].val();
        self.is_config.next = self.opcode.val() == self.opcodes[Opcode::Config.index()].val();
        self.is_run.next = self.opcode.val() == self.opcodes[Opcode::Run.index()].val();
        self.is_words.next =
            self.opcode.val() == self.opcodes[Opcode::LoadActivation.index()].val();
        self.is_entries.next = self.opcode.val() == self.opcodes[Opcode::LoadWeight.index()].val();
        self.is_params.next = self.opcode.val() == self.opcodes[Opcode::LoadParam.index()].val();
        self.is_store.next = self.opcode.val() == self.opcodes[Opcode::Store.index()].val();
        self.is_mark.next = self.opcode.val() == self.opcodes[Opcode::Mark.index()].val();
        self.is_end.next = self.opcode.val() == self.opcodes[Opcode::End.index()].val();
        self.known.next = (self.is_header.val()
            | self.is_config.val()
            | self.is_run.val()
            | self.is_words.val()
            | self.is_entries.val()
            | self.is_params.val()
            | self.is_store.val()
            | self.is_mark.val()
            | self.is_end.val())
            & !self.command.q.val().get_bit(24)
            & !self.command.q.val().get_bit(25);
        self.free.next = ((!self.compute_busy.val())
            | !(self.command.q.val().get_bit(27)
                | self.is_header.val()
                | self.is_config.val()
                | self.is_run.val()
                | self.is_mark.val()
                | self.is_end.val()))
            & ((!self.store_busy.val())
                | !(self.command.q.val().get_bit(26)
                    | self.is_header.val()
                    | self.is_store.val()
                    | self.is_end.val()));
        self.go.next = self.at_wait.q.val() & self.free.val();
    }
}

impl parts::Part<Dispatch> for Decoder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, at_word, at_wait, at_id, at_address, at_config, first, left);
        dff_setup!(self, clock, started, done_q, accumulate_q, no_drain_q);
        self.fault.next = self.run_fault.val();
        self.run.next = false;
        self.store.next = false;
        self.clear.next = false;
        self.mark.next = false;
        if self.at_word.q.val() & self.from_host.valid.val() {
            self.command.d.next = self.value.val();
            self.at_word.d.next = false;
            self.at_wait.d.next = true;
        }
        if self.go.val() {
            self.at_wait.d.next = false;
            if !self.known.val() {
                self.fault.next = self.fault_opcode.val();
            } else if !self.started.q.val() & !self.is_header.val() {
                self.fault.next = self.fault_header.val();
            } else if self.is_header.val() {
                self.at_id.d.next = true;
                if self.operand.val() != self.version.val() {
                    self.fault.next = self.fault_header.val();
                }
            } else if self.is_config.val() {
                self.at_config.d.next = true;
                self.first.d.next = self.operand.val() & 255.into();
                self.left.d.next = self.operand.val() >> 8;
                if (self.operand.val() < 256.into()) | (self.operand.val() >= 65536.into()) {
                    self.fault.next = self.fault_register.val();
                }
            } else if self.is_run.val() {
                self.at_word.d.next = true;
                self.run.next = true;
                self.accumulate_q.d.next = self.operand.val().get_bit(0);
                self.no_drain_q.d.next = self.operand.val().get_bit(1);
                if self.operand.val() >= 4.into() {
                    self.run.next = false;
                    self.fault.next = self.fault_register.val();
                }
            } else if self.is_mark.val() {
                self.at_word.d.next = true;
                self.mark.next = true;
            } else if self.is_end.val() {
                self.at_word.d.next = true;
                self.done_q.d.next = true;
                self.started.d.next = false;
            } else {
                self.at_address.d.next = true;
            }
        }
    }
}

impl parts::Part<Words> for Decoder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, at_count, at_check, layer_q);
        if self.at_id.q.val() & self.from_host.valid.val() {
            self.at_id.d.next = false;
            self.at_word.d.next = true;
            self.clear.next = true;
            self.started.d.next = true;
            self.done_q.d.next = false;
            if self.value.val() != self.id.val() {
                self.clear.next = false;
                self.fault.next = self.fault_id.val();
            }
        }
        if self.at_address.q.val() & self.from_host.valid.val() {
            self.at_address.d.next = false;
            self.at_count.d.next = true;
            self.first.d.next = self.value.val();
        }
        if self.at_count.q.val() & self.from_host.valid.val() {
            self.at_count.d.next = false;
            self.at_check.d.next = true;
            self.left.d.next = self.value.val();
        }

        // Layers.
        self.first_layer.next =
            (self.at_id.q.val() & self.from_host.valid.val()) | self.reset.val();
        if self.mark.val() | self.first_layer.val() {
            self.layer_q.d.next = self.layer_q.q.val() + 1.into();
            if self.first_layer.val() {
                self.layer_q.d.next = 0.into();
            }
        }
    }
}

impl parts::Part<Range> for Decoder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, at_payload);
        self.limit.next = self.buffer_words.val();
        self.range_code.next = self.fault_buffer.val();
        if self.is_entries.val() {
            self.limit.next = self.weight_entries.val();
            self.range_code.next = self.fault_weight.val();
        }
        if self.is_params.val() {
            self.limit.next = self.param_channels.val();
            self.range_code.next = self.fault_param.val();
        }
        self.range_end.next = self.first.q.val() + self.left.q.val();
        self.range_ok.next = self.left.q.val().any()
            & (self.range_end.val() <= self.limit.val())
            & (!self.is_entries.val() | (self.operand.val() < self.cols.val()));
        if self.at_check.q.val() {
            self.at_check.d.next = false;
            if !self.range_ok.val() {
                self.fault.next = self.range_code.val();
            } else if self.is_store.val() {
                self.store.next = true;
                self.at_word.d.next = true;
            } else {
                self.at_payload.d.next = true;
            }
        }
    }
}

impl parts::Part<Registers> for Decoder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, set_index_q, set_data_q);
        clock!(self, clock, set_q);
        self.set_q.d.next = false;
        self.register_ok.next = (self.first.q.val() < self.scalar_top.val())
            | ((self.first.q.val() >= self.row_base.val())
                & (self.first.q.val() < self.row_top.val()))
            | ((self.first.q.val() >= self.col_base.val())
                & (self.first.q.val() < self.col_top.val())
                & (!self.first.q.val().get_bit(0) | (self.value.val() <= self.half_depth.val())));
        if self.at_config.q.val() & self.from_host.valid.val() {
            self.set_q.d.next = self.register_ok.val();
            self.set_index_q.d.next = unsigned_cast(self.first.q.val());
            self.set_data_q.d.next = self.value.val();
            self.first.d.next = self.first.q.val() + 1.into();
            self.left.d.next = self.left.q.val() - 1.into();
            if self.last.val() {
                self.at_config.d.next = false;
                self.at_word.d.next = true;
            }
            if !self.register_ok.val() {
                self.fault.next = self.fault_register.val();
            }
        }
        self.set.write.next = self.set_q.q.val();
        self.set.index.next = self.set_index_q.q.val();
        self.set.data.next = self.set_data_q.q.val();
    }
}

impl parts::Part<Payload> for Decoder {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, words, entries, params);
        self.last.next = self.left.q.val() == 1.into();
        wires::link(&mut self.from_host.data, &mut self.words.beat);
        self.words.reset.next = self.reset.val();
        self.words.enable.next = self.at_payload.q.val() & self.is_words.val();
        self.words.valid.next = self.from_host.valid.val();
        self.words.last.next = self.last.val();
        self.words.ready.next = !self.buffer_busy.val();
        wires::link(&mut self.from_host.data, &mut self.entries.beat);
        self.entries.reset.next = self.reset.val();
        self.entries.enable.next = self.at_payload.q.val() & self.is_entries.val();
        self.entries.valid.next = self.from_host.valid.val();
        self.entries.last.next = self.last.val();
        self.entries.ready.next = true;
        wires::link(&mut self.from_host.data, &mut self.params.beat);
        self.params.reset.next = self.reset.val();
        self.params.enable.next = self.at_payload.q.val() & self.is_params.val();
        self.params.valid.next = self.from_host.valid.val();
        self.params.last.next = self.last.val();
        self.params.ready.next = true;
        self.take.next = self.words.take.val() | self.entries.take.val() | self.params.take.val();
        if self.take.val() {
            self.first.d.next = self.first.q.val() + 1.into();
            self.left.d.next = self.left.q.val() - 1.into();
            if self.last.val() {
                self.at_payload.d.next = false;
                self.at_word.d.next = true;
            }
        }
    }
}

impl parts::Part<Items> for Decoder {
    #[hdl_gen]
    fn update(&mut self) {
        self.address.next = self.first.q.val();
        self.count.next = self.left.q.val();
        self.buffer_write.next = self.words.take.val();
        for w in 0..self._word_words {
            for i in 0..self._acts_per_word {
                self.buffer_data[w * self.acts_per_word.index() + i].next =
                    self.words.item[w].val() >> self.act_offset[i].val();
            }
        }
        for c in 0..self._cols {
            self.weight_write[c].next = self.entries.take.val() & (self.operand.val() == c.into());
        }
        self.weight_event.next = self.entries.take.val();
        for w in 0..self._weight_words {
            for i in 0..self._weights_per_word {
                self.weight_entry[w * self.weights_per_word.index() + i].next =
                    self.entries.item[w].val() >> self.weight_offset[i].val();
            }
        }
        if self.skip.val() {
            self.weight_entry[self.lanes.index()].next =
                self.entries.item[self.index_word.index()].val() >> self.index_offset.val();
            self.weight_entry[self.lanes.index() + 1].next =
                self.entries.item[self.index_word.index()].val() >> self.last_offset.val();
        }
        self.param_write.next = self.params.take.val();
        self.bias_high.next = unsigned_cast(self.params.item[1].val());
        self.param_word.next = (self.bias_high.val() << 32) + self.params.item[0].val();
        self.param.bias.next = unsigned_cast(self.param_word.val());
        self.param.multiplier.next = self.params.item[1].val() >> self.multiplier_offset.val();
        self.param.shift.next = self.params.item[1].val() >> self.shift_offset.val();
    }
}

impl parts::Part<Errors> for Decoder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, error_q);
        if self.error_q.q.val() == 0.into() {
            self.error_q.d.next = self.fault.val();
        }
        self.alive.next = self.error_q.q.val() == 0.into();
        if (!self.alive.val()) | self.fault.val().any() | self.reset.val() {
            self.at_word.d.next = false;
            self.at_wait.d.next = false;
            self.at_id.d.next = false;
            self.at_address.d.next = false;
            self.at_count.d.next = false;
            self.at_check.d.next = false;
            self.at_config.d.next = false;
            self.at_payload.d.next = false;
        }
        if self.reset.val() {
            self.at_word.d.next = true;
            self.started.d.next = false;
            self.done_q.d.next = false;
            self.error_q.d.next = 0.into();
            self.set_q.d.next = false;
        }
        self.from_host.ready.next = self.alive.val()
            & (self.at_word.q.val()
                | self.at_id.q.val()
                | self.at_address.q.val()
                | self.at_count.q.val()
                | self.at_config.q.val()
                | self.words.accept.val()
                | self.entries.accept.val()
                | self.params.accept.val());
        self.accumulate.next = self.accumulate_q.q.val();
        self.no_drain.next = self.no_drain_q.q.val();
        self.layer.next = self.layer_q.q.val();
        self.done.next = self.done_q.q.val();
        self.error.next = self.error_q.q.val();
    }
}
