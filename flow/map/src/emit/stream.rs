//! Builds the command stream, the transfers and the DRAM image of a program, or only predicts its counts and cycles.

use std::ops::Range;
use std::sync::Arc;

use pecan_config::geometry::Geometry;
use pecan_config::isa::{Opcode, VERSION, WAIT_COMPUTE, WAIT_STORE, command};
use pecan_emulator::{KernelPlan, Load, Outcome, Prediction, Predictor, Registers, Waits};
use pecan_ir::program::{Program, Region, Transfer};

use crate::emit::backend::{Backend, Bytes, Move, Plan};

/// Work that the decoder would have to wait for.
#[derive(Clone, Debug, Default)]
struct Pending {
    /// A kernel may be running.
    run: bool,
    /// Buffer words that a store may still read.
    store: Option<Range<usize>>,
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// A program under construction.
#[derive(Debug)]
pub(crate) struct StreamBuilder<'a> {
    geometry: &'a Geometry,
    sink: Backend,
    tensors: usize,
    registers: Option<Registers>,
    pending: Pending,
    layers: usize,
}

impl<'a> StreamBuilder<'a> {
    /// A program that begins with its header. With `plan` it is not built, only predicted.
    pub(crate) fn new(geometry: &'a Geometry, id: u32, plan: bool) -> Self {
        let sink = if plan {
            let predictor = Predictor::new(geometry);
            Backend::Plan(Box::new(Plan { predictor, failed: None, stored: Vec::new() }))
        } else {
            Backend::Bytes(Bytes::default())
        };
        let (registers, pending) = (None, Pending::default());
        let mut builder = Self { geometry, sink, tensors: 0, registers, pending, layers: 0 };
        match &mut builder.sink {
            Backend::Plan(plan) => plan.tell(Predictor::header),
            Backend::Bytes(_) => builder.beats(&[command(Opcode::Header, 0, VERSION), id]),
        }
        builder
    }

    /// Whether the program is only predicted.
    pub(crate) fn plans(&self) -> bool {
        matches!(self.sink, Backend::Plan(_))
    }

    /// Reserves `bytes` of DRAM.
    pub(crate) fn reserve(&mut self, bytes: usize) -> usize {
        let start = self.tensors;
        self.tensors += bytes.next_multiple_of(self.beat_bytes());
        start
    }

    fn beat_bytes(&self) -> usize {
        self.geometry.stream_bits / 8
    }

    fn beats(&mut self, words: &[u32]) {
        let size = self.beat_bytes();
        let Backend::Bytes(bytes) = &mut self.sink else { return };
        for word in words {
            bytes.commands.extend_from_slice(&word.to_le_bytes());
            bytes.align(size);
        }
    }

    fn tell(&mut self, command: impl FnOnce(&mut Predictor) -> Result<(), Outcome>) {
        if let Backend::Plan(plan) = &mut self.sink {
            plan.tell(command);
        }
    }

    /// Loads `count` packed entries into a column's weight buffer. With `wait` they overwrite entries that the running
    /// kernel may still read. Slots are not read where the program is only predicted.
    pub(crate) fn load_weights(
        &mut self,
        column: usize,
        address: usize,
        count: usize,
        slots: &[u8],
        wait: bool,
    ) {
        let waits = self.wait_compute(wait);
        self.payload(command(Opcode::LoadWeight, waits, column as u32), address, count, slots);
        self.tell(|p| p.load(Load::Weight, count as u64, waits_of(waits)));
    }

    /// Loads packed parameters.
    pub(crate) fn load_params(&mut self, address: usize, slots: &[u8], wait: bool) {
        let waits = self.wait_compute(wait);
        let count = slots.len() / (Geometry::PARAM_SLOT / 8);
        self.payload(command(Opcode::LoadParam, waits, 0), address, count, slots);
        self.tell(|p| p.load(Load::Param, count as u64, waits_of(waits)));
    }

    fn wait_compute(&mut self, wait: bool) -> u32 {
        if !(wait && self.pending.run) {
            return 0;
        }
        self.pending.run = false;
        WAIT_COMPUTE
    }

    fn wait_store(&mut self, words: &Range<usize>) -> u32 {
        if !self.pending.store.as_ref().is_some_and(|busy| overlap(busy, words)) {
            return 0;
        }
        self.pending.store = None;
        WAIT_STORE
    }

    fn payload(&mut self, command: u32, address: usize, count: usize, slots: &[u8]) {
        self.beats(&[command, address as u32, count as u32]);
        let size = self.beat_bytes();
        if let Backend::Bytes(bytes) = &mut self.sink {
            bytes.commands.extend_from_slice(slots);
            bytes.align(size);
        }
    }

    /// Loads `count` buffer words from DRAM bytes `bytes` on. With `wait` they overwrite words that the running kernel
    /// may still use.
    pub(crate) fn load_words(&mut self, address: usize, count: usize, bytes: usize, wait: bool) {
        let waits = self.wait_compute(wait) | self.wait_store(&(address..address + count));
        let load = command(Opcode::LoadActivation, waits, 0);
        self.beats(&[load, address as u32, count as u32]);
        let bytes = bytes..bytes + crate::lower::placement::piece_bytes(count, self.geometry);
        match &mut self.sink {
            Backend::Bytes(stream) => {
                stream.close();
                stream.moves.push(Move::Tensor(bytes));
            }
            Backend::Plan(plan) => {
                let waits = Waits { stored: plan.stores_before(&bytes), ..waits_of(waits) };
                plan.tell(|p| p.load(Load::Activation, count as u64, waits));
            }
        }
    }

    /// Stores buffer words to DRAM after the running kernel, if any.
    pub(crate) fn store(&mut self, words: Range<usize>, bytes: usize) {
        let waits = self.wait_compute(true);
        let store = command(Opcode::Store, waits, 0);
        self.beats(&[store, words.start as u32, words.len() as u32]);
        let bytes = bytes..bytes + crate::lower::placement::piece_bytes(words.len(), self.geometry);
        match &mut self.sink {
            Backend::Bytes(stream) => {
                stream.close();
                stream.moves.push(Move::Receive(bytes));
            }
            Backend::Plan(plan) => {
                plan.stored.push(bytes);
                plan.tell(|p| p.store(words.len() as u64, waits_of(waits)));
            }
        }
        self.pending.store = Some(words);
    }

    /// Writes the registers that differ and starts a kernel that writes the buffer words `output`. Its timing follows
    /// `plan`, with so many cycles.
    pub(crate) fn run(
        &mut self,
        registers: Registers,
        operand: u32,
        output: &Range<usize>,
        plan: &Arc<KernelPlan>,
        cycles: u64,
    ) {
        let changed = registers.changed(self.registers.as_ref());
        let mut rest = changed.as_slice();
        while let Some(first) = rest.first() {
            let mut count = 1;
            // An unchanged value is cheaper than another command.
            while let Some(next) = rest.get(count_index(rest, *first, count)) {
                let index = first + count as u32;
                let gap = next - index;
                let filled = (index..*next).all(|i| registers.exists(i));
                if gap > 2 || !filled {
                    break;
                }
                count = (next - first) as usize + 1;
            }
            let taken = rest.iter().take_while(|i| **i < first + count as u32).count();
            rest = &rest[taken..];
            self.beats(&[command(Opcode::Config, 0, first | (count as u32) << 8)]);
            for index in *first..first + count as u32 {
                self.beats(&[registers.raw(index)]);
            }
            self.tell(|p| p.config(count as u64));
        }
        self.registers = Some(registers);
        let waits = self.wait_store(output);
        self.beats(&[command(Opcode::Run, waits, operand)]);
        self.tell(|p| p.run(plan, cycles, waits_of(waits)));
        self.pending.run = true;
    }

    /// Ends a layer.
    pub(crate) fn mark(&mut self) {
        self.beats(&[command(Opcode::Mark, 0, 0)]);
        self.tell(Predictor::mark);
        self.pending.run = false;
        self.layers += 1;
    }

    /// Prediction of a program that is not built.
    ///
    /// # Errors
    /// A kernel does not finish.
    pub(crate) fn predicted(self) -> Result<Prediction, Outcome> {
        match self.sink {
            Backend::Plan(plan) => plan.failed.map_or_else(|| plan.predictor.end(), Err),
            Backend::Bytes(_) => Err(Outcome::Starved),
        }
    }

    /// Ends the program.
    pub(crate) fn finish(mut self, hash: [u8; 32], input: Region, output: Region) -> Program {
        self.beats(&[command(Opcode::End, 0, 0)]);
        let mut stream = match self.sink {
            Backend::Bytes(bytes) => bytes,
            Backend::Plan(_) => Bytes::default(),
        };
        stream.close();
        let base = self.tensors;
        let mut dram = vec![0; base];
        dram.extend_from_slice(&stream.commands);
        let bytes = |range: &Range<usize>| (range.start as u64, range.len() as u64);
        let transfer = |item: &Move| match item {
            Move::Commands(range) => {
                let (address, bytes) = bytes(range);
                Transfer::Send { address: address + base as u64, bytes }
            }
            Move::Tensor(range) => {
                let (address, bytes) = bytes(range);
                Transfer::Send { address, bytes }
            }
            Move::Receive(range) => {
                let (address, bytes) = bytes(range);
                Transfer::Receive { address, bytes }
            }
        };
        Program {
            config_hash: hash,
            stream_bits: self.geometry.stream_bits as u32,
            transfers: stream.moves.iter().map(transfer).collect(),
            dram,
            input,
            output,
            layers: self.layers,
        }
    }
}

/// The wait bits of a command.
fn waits_of(bits: u32) -> Waits {
    Waits { compute: bits & WAIT_COMPUTE != 0, store: bits & WAIT_STORE != 0, stored: 0 }
}

/// Index in `rest` of the first register behind `first..first + count`.
fn count_index(rest: &[u32], first: u32, count: usize) -> usize {
    rest.partition_point(|index| *index < first + count as u32)
}
