//! Builds the command stream, the transfers and the DRAM image of a program.

use std::ops::Range;

use pecan_hdl::geometry::Geometry;
use pecan_hdl::isa::{Opcode, VERSION, WAIT_COMPUTE, WAIT_STORE, command};
use pecan_sim::emulator::Registers;
use pecan_sim::program::{Program, Region, Transfer};

/// A transfer whose commands have no address yet.
#[derive(Clone, Debug)]
enum Move {
    /// Bytes of the command stream.
    Commands(Range<usize>),
    /// Bytes of a tensor to the device.
    Tensor(Range<usize>),
    /// Bytes of a tensor from the device.
    Receive(Range<usize>),
}

/// What the decoder would have to wait for.
#[derive(Clone, Debug, Default)]
struct Pending {
    /// A run may be going on.
    run: bool,
    /// Buffer words that a store may still read.
    store: Option<Range<usize>>,
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// A program under construction.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    geometry: &'a Geometry,
    commands: Vec<u8>,
    /// Start of the commands that no transfer covers yet.
    open: usize,
    moves: Vec<Move>,
    tensors: usize,
    registers: Option<Registers>,
    pending: Pending,
    layers: usize,
}

impl<'a> Builder<'a> {
    /// A program that begins with its header.
    pub(super) fn new(geometry: &'a Geometry, id: u32) -> Self {
        let mut builder = Self {
            geometry,
            commands: Vec::new(),
            open: 0,
            moves: Vec::new(),
            tensors: 0,
            registers: None,
            pending: Pending::default(),
            layers: 0,
        };
        builder.beat(command(Opcode::Header, 0, VERSION));
        builder.beat(id);
        builder
    }

    /// Reserves `bytes` of DRAM.
    pub(super) fn reserve(&mut self, bytes: usize) -> usize {
        let start = self.tensors;
        self.tensors += bytes.next_multiple_of(self.beat_bytes());
        start
    }

    fn beat_bytes(&self) -> usize {
        self.geometry.stream_bits / 8
    }

    fn beat(&mut self, word: u32) {
        self.commands.extend_from_slice(&word.to_le_bytes());
        self.align();
    }

    fn align(&mut self) {
        let length = self.commands.len().next_multiple_of(self.beat_bytes());
        self.commands.resize(length, 0);
    }

    fn close(&mut self) {
        if self.open < self.commands.len() {
            self.moves.push(Move::Commands(self.open..self.commands.len()));
            self.open = self.commands.len();
        }
    }

    /// Loads packed entries into a column's weight buffer. With `wait` they overwrite what the run that
    /// may be going on reads.
    pub(super) fn load_weights(&mut self, column: usize, address: usize, slots: &[u8], wait: bool) {
        let count = slots.len() / (self.geometry.entry_slot / 8);
        let waits = self.wait_compute(wait);
        self.beat(command(Opcode::LoadWeight, waits, column as u32));
        self.payload(address, count, slots);
    }

    /// Loads packed parameters.
    pub(super) fn load_params(&mut self, address: usize, slots: &[u8], wait: bool) {
        let waits = self.wait_compute(wait);
        self.beat(command(Opcode::LoadParam, waits, 0));
        self.payload(address, slots.len() / (Geometry::PARAM_SLOT / 8), slots);
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

    fn payload(&mut self, address: usize, count: usize, slots: &[u8]) {
        self.beat(address as u32);
        self.beat(count as u32);
        self.commands.extend_from_slice(slots);
        self.align();
    }

    /// Loads `count` buffer words from DRAM bytes `bytes` on. With `wait` they overwrite what the run that
    /// may be going on uses.
    pub(super) fn load_words(&mut self, address: usize, count: usize, bytes: usize, wait: bool) {
        let waits = self.wait_compute(wait) | self.wait_store(&(address..address + count));
        self.beat(command(Opcode::LoadActivation, waits, 0));
        self.beat(address as u32);
        self.beat(count as u32);
        self.close();
        let length = super::place::piece_bytes(count, self.geometry);
        self.moves.push(Move::Tensor(bytes..bytes + length));
    }

    /// Stores buffer words to DRAM after the run that may be going on.
    pub(super) fn store(&mut self, words: Range<usize>, bytes: usize) {
        let waits = self.wait_compute(true);
        self.beat(command(Opcode::Store, waits, 0));
        self.beat(words.start as u32);
        self.beat(words.len() as u32);
        self.close();
        let length = super::place::piece_bytes(words.len(), self.geometry);
        self.moves.push(Move::Receive(bytes..bytes + length));
        self.pending.store = Some(words);
    }

    /// Writes the registers that differ and starts a run that writes the buffer words `output`.
    pub(super) fn run(&mut self, registers: Registers, operand: u32, output: &Range<usize>) {
        let changed = registers.changed(self.registers.as_ref());
        let mut rest = changed.as_slice();
        while let Some(first) = rest.first() {
            let mut count = 1;
            // A value that did not change is cheaper than another command.
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
            self.beat(command(Opcode::Config, 0, first | (count as u32) << 8));
            for index in *first..first + count as u32 {
                self.beat(registers.raw(index));
            }
        }
        self.registers = Some(registers);
        let waits = self.wait_store(output);
        self.beat(command(Opcode::Run, waits, operand));
        self.pending.run = true;
    }

    /// Ends a layer.
    pub(super) fn mark(&mut self) {
        self.beat(command(Opcode::Mark, 0, 0));
        self.pending.run = false;
        self.layers += 1;
    }

    /// Ends the program.
    pub(super) fn finish(mut self, hash: [u8; 32], input: Region, output: Region) -> Program {
        self.beat(command(Opcode::End, 0, 0));
        self.close();
        let base = self.tensors;
        let mut dram = vec![0; base];
        dram.extend_from_slice(&self.commands);
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
            transfers: self.moves.iter().map(transfer).collect(),
            dram,
            input,
            output,
            layers: self.layers,
        }
    }
}

/// Index in `rest` of the first register behind `first..first + count`.
fn count_index(rest: &[u32], first: u32, count: usize) -> usize {
    rest.partition_point(|index| *index < first + count as u32)
}
