//! The command decoder.

use std::sync::Arc;

use pecan_config::geometry::Geometry;
use pecan_config::isa::counter::{Counter, Counters};
use pecan_config::isa::{ErrorCode, Opcode, RESERVED, RunFlags, VERSION, WAIT_COMPUTE, WAIT_STORE};

use super::activity::{DeviceObserver, Toggles};
use super::clock::{Clock, Fault};
use super::counts::kernel_counts;
use super::functional::AddressFault;
use super::lists::list_lengths;
use super::memories::{Entry, Memories, Param};
use super::registers::Registers;
use super::shape::KernelShape;
use super::timing::{KernelPlan, ListLengths, Timer};
use super::{ArrayState, Outcome, Snapshot};

/// Decoder, registers and memories during one execution of a program.
pub(super) struct Decoder<'a> {
    pub(super) geometry: &'a Geometry,
    pub(super) id: u32,
    pub(super) memories: &'a mut Memories,
    pub(super) array: &'a mut ArrayState,
    pub(super) registers: &'a mut Registers,
    pub(super) clock: Clock<'a>,
    pub(super) observer: Option<&'a mut DeviceObserver>,
    pub(super) snapshots: Vec<Snapshot>,
    /// Cycle of the last header's second beat.
    pub(super) header: Option<u64>,
    /// Part of each column's weight buffer that the latest kernel reads.
    pub(super) walked: Vec<Walked>,
    /// Whether weights were loaded over lists that the running kernel still reads.
    pub(super) lists_overwritten: bool,
}

/// The entries of a column's weight buffer that a kernel reads: `count` from `base` on, modulo the depth.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Walked {
    base: usize,
    count: usize,
}

impl Walked {
    fn meets(self, address: usize, count: usize, depth: usize) -> bool {
        let distance = |from: usize, to: usize| (to + depth - from) % depth;
        self.count > 0
            && (distance(self.base, address) < self.count || distance(address, self.base) < count)
    }
}

type Step = Result<(), Outcome>;

fn check(holds: bool, code: ErrorCode) -> Step {
    if holds { Ok(()) } else { Err(Outcome::Error(code)) }
}

impl Decoder<'_> {
    /// Executes commands until the program ends for any reason.
    pub(super) fn run(&mut self) -> Outcome {
        loop {
            match self.command() {
                Ok(()) => {}
                Err(outcome) => return outcome,
            }
        }
    }

    /// Consumes one beat and returns its low 32 bits.
    fn argument(&mut self) -> Result<u32, Outcome> {
        let beat = self.clock.take_beat(false)?;
        Ok(beat.iter().take(4).rev().fold(0, |word, byte| word << 8 | u32::from(*byte)))
    }

    fn command(&mut self) -> Step {
        let word = self.argument()?;
        let operand = word & 0x00ff_ffff;
        let op = Opcode::of(word);
        let fixed = |ops: &[Opcode]| op.is_some_and(|op| ops.contains(&op));
        use Opcode::{Config, End, Header, Mark, Run, Store};
        if word & WAIT_COMPUTE != 0 || fixed(&[Header, Config, Run, Mark, End]) {
            self.clock.wait_compute()?;
        }
        if word & WAIT_STORE != 0 || fixed(&[Header, Store, End]) {
            self.clock.wait_store()?;
        }
        // A command is checked when it could be executed, so the fault of an endless kernel comes first.
        let op = op.filter(|_| word & RESERVED == 0);
        let Some(op) = op else { return Err(Outcome::Error(ErrorCode::Opcode)) };
        check(self.header.is_some() || op == Opcode::Header, ErrorCode::Header)?;
        match op {
            Header => self.header(operand),
            Config => self.config(operand),
            Run => self.start_run(operand),
            Opcode::LoadActivation | Opcode::LoadWeight | Opcode::LoadParam => {
                self.load(op, operand as usize)
            }
            Store => self.store(),
            Mark => self.mark(),
            End => self.end(),
        }
    }

    fn header(&mut self, operand: u32) -> Step {
        check(operand == VERSION, ErrorCode::Header)?;
        self.tick()?;
        let id = self.argument()?;
        check(id == self.id, ErrorCode::ConfigId)?;
        self.header = Some(self.clock.now - 1);
        self.clock.counters = Counters::default();
        // The counters see an event one cycle late, so the beat of the identifier is counted.
        self.clock.counters[Counter::BeatsIn] = 1;
        if let Some(observer) = &mut self.observer {
            observer.restart();
        }
        self.clock.restart_streams();
        self.snapshots.clear();
        Ok(())
    }

    /// Advances by the cycle in which the command word is executed.
    fn tick(&mut self) -> Step {
        self.clock.advance(self.clock.now + 1)
    }

    fn config(&mut self, operand: u32) -> Step {
        let (first, count) = (operand & 0xff, operand >> 8 & 0xff);
        check(count > 0 && operand >> 16 == 0, ErrorCode::Register)?;
        self.tick()?;
        for index in first..first + count {
            let value = self.argument()?;
            self.registers.write(index, value).map_err(Outcome::Error)?;
        }
        Ok(())
    }

    fn load(&mut self, op: Opcode, operand: usize) -> Step {
        self.tick()?;
        let address = self.argument()? as usize;
        let count = self.argument()? as usize;
        let g = self.geometry;
        let (depth, slot, code) = match op {
            Opcode::LoadActivation => (g.buffer_words, g.word_slot, ErrorCode::BufferRange),
            Opcode::LoadWeight => (g.weight_entries, g.entry_slot, ErrorCode::WeightRange),
            _ => (g.param_channels, Geometry::PARAM_SLOT, ErrorCode::ParamRange),
        };
        let column = op != Opcode::LoadWeight || operand < g.cols;
        check(column && count > 0 && address + count <= depth, code)?;
        self.tick()?;
        let walked = op == Opcode::LoadWeight
            && self.walked[operand].meets(address, count, g.weight_entries);
        let mut slots = SlotReader::new(slot, g.stream_bits, op == Opcode::LoadActivation);
        for item in 0..count {
            let bytes = slots.next(&mut self.clock, item + 1 == count)?;
            match op {
                Opcode::LoadActivation => {
                    self.memories.write_word(address + item, bytes, g);
                    if let Some(observer) = &mut self.observer {
                        observer.write(self.memories.word(address + item, g));
                    }
                }
                Opcode::LoadWeight => {
                    self.lists_overwritten |= walked && self.clock.computes();
                    let entry = Entry::unpack(bytes, g);
                    self.memories.weights[operand][address + item] = entry;
                    if let Some(observer) = &mut self.observer {
                        observer.load_entry(&entry);
                    }
                }
                _ => self.memories.params[address + item] = Param::unpack(bytes, g),
            }
        }
        let counter = match op {
            Opcode::LoadActivation => Counter::BufferWrites,
            Opcode::LoadWeight => Counter::WeightWrites,
            _ => Counter::ParamWrites,
        };
        self.clock.counters[counter] += count as u64;
        Ok(())
    }

    fn store(&mut self) -> Step {
        self.tick()?;
        let address = self.argument()? as usize;
        let count = self.argument()? as usize;
        let fits = count > 0 && address + count <= self.geometry.buffer_words;
        check(fits, ErrorCode::BufferRange)?;
        let words = address..address + count;
        if let Some(observer) = &mut self.observer {
            words.clone().for_each(|a| observer.read(self.memories.word(a, self.geometry)));
        }
        let payload = words.flat_map(|a| self.memories.read_word(a, self.geometry)).collect();
        self.clock.start_store(count as u64, payload);
        self.tick()
    }

    fn mark(&mut self) -> Step {
        let executed = self.clock.now;
        let (counters, toggles) = (self.counters(), self.toggles());
        self.snapshots.push(Snapshot { cycle: executed + 1, counters, toggles });
        self.tick()
    }

    fn end(&mut self) -> Step {
        self.tick()?;
        Err(Outcome::Done)
    }

    /// The counters as they read in the cycle after this one.
    pub(super) fn counters(&self) -> Counters {
        let mut counters = self.clock.counters;
        let header = self.header.unwrap_or(self.clock.now);
        counters[Counter::Cycles] = self.clock.now - header;
        counters.wrapped(self.geometry.counter_bits)
    }

    /// Bits toggled since the header.
    pub(super) fn toggles(&self) -> Toggles {
        let mut toggles = self.clock.stream_toggles();
        if let Some(observer) = &self.observer {
            toggles += observer.toggles();
        }
        toggles
    }

    fn start_run(&mut self, operand: u32) -> Step {
        check(operand & !RunFlags::ALL == 0, ErrorCode::Register)?;
        let start = self.clock.now;
        let shape = KernelShape::of(self.registers, self.geometry, operand);
        let abort = start + 1 + shape.limit;
        // Every reduction tile takes at least one cycle of the loader.
        let slices = u128::from(shape.tile_count()) * u128::from(shape.slices());
        let bounded = !shape.degenerate(self.geometry) && slices <= u128::from(shape.limit);
        let lists = if bounded {
            list_lengths(&shape, &self.memories.weights, self.geometry)
        } else {
            None
        };
        for (column, walked) in self.walked.iter_mut().enumerate() {
            let (base, active) = (shape.columns[column].base, shape.columns[column].groups > 0);
            let whole = if active { self.geometry.weight_entries } else { 0 };
            let sum = |lists: &ListLengths| lists[column].iter().map(|n| *n as usize).sum();
            *walked = Walked { base, count: lists.as_ref().map_or(whole, sum) };
        }
        let Some(lists) = lists else {
            self.clock.start_endless(abort);
            return self.tick();
        };
        let plan = Arc::new(KernelPlan { shape, lists });
        let timer = Timer::new(plan, start);
        match timer.clone().finish() {
            None => {
                let fault = Fault { cycle: abort, code: ErrorCode::RunLimit };
                self.clock.start_run(timer, abort, Some(fault));
            }
            Some(idle) => {
                let fault = self.execute(&timer, idle - start - 1);
                self.clock.start_run(timer, idle, fault);
            }
        }
        self.tick()
    }

    /// Computes a kernel and counts its events; returns the fault that ends it, if one does.
    fn execute(&mut self, timer: &Timer, cycles: u64) -> Option<Fault> {
        let mut counts = kernel_counts(timer.plan());
        counts[Counter::RunCycles] = cycles;
        match self.array.run(self.geometry, timer, self.memories, self.observer.as_deref_mut()) {
            Ok(activity) => {
                counts[Counter::ActiveLanes] = activity.lanes;
                counts[Counter::ScratchReads] = activity.reads;
            }
            Err(fault) => {
                let cycle = fault_cycle(timer.clone(), fault);
                return Some(Fault { cycle, code: ErrorCode::RunAddress });
            }
        }
        for (total, count) in self.clock.counters.0.iter_mut().zip(counts.0) {
            *total += count;
        }
        None
    }
}

/// Cycle in which an address outside the buffer stops a kernel.
fn fault_cycle(mut timer: Timer, fault: AddressFault) -> u64 {
    let mut cycle = 0;
    for _ in 0..=fault.tile {
        let Some(tile) = timer.next_tile() else { break };
        cycle = match fault.load {
            Some((slice, step)) => tile.load.get(slice).map_or(tile.drain, |first| first + step),
            None => tile.drain,
        };
    }
    cycle
}

/// Cuts the payload of a load into slots.
struct SlotReader {
    slot: usize,
    stream: usize,
    buffer_write: bool,
    /// Next item in the beat (narrow slots).
    item: usize,
    bytes: Vec<u8>,
}

impl SlotReader {
    fn new(slot: usize, stream: usize, buffer_write: bool) -> Self {
        Self { slot, stream, buffer_write, item: 0, bytes: Vec::new() }
    }

    /// The next item's slot; `last` says that no item follows.
    fn next(&mut self, clock: &mut Clock<'_>, last: bool) -> Result<&[u8], Outcome> {
        if self.slot >= self.stream {
            self.bytes.clear();
            let parts = self.slot / self.stream;
            for part in 0..parts {
                let beat = clock.take_beat(self.buffer_write && part + 1 == parts)?;
                self.bytes.extend_from_slice(beat);
            }
            return Ok(&self.bytes);
        }
        let per_beat = self.stream / self.slot;
        let leaves = last || self.item + 1 == per_beat;
        let beat = if leaves {
            clock.take_beat(self.buffer_write)?
        } else {
            clock.use_beat(self.buffer_write)?
        };
        let size = self.slot / 8;
        self.bytes.clear();
        self.bytes.extend_from_slice(beat.get(self.item * size..).unwrap_or(&[]));
        self.item = if leaves { 0 } else { self.item + 1 };
        Ok(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_meet_what_is_walked_around_the_end_too() {
        let walked = Walked { base: 6, count: 4 };
        // Entries 6, 7, 0 and 1 of eight.
        for (address, count, meets) in
            [(2, 4, false), (2, 5, true), (5, 1, false), (5, 2, true), (0, 1, true), (1, 3, true)]
        {
            assert_eq!(walked.meets(address, count, 8), meets, "{address}, {count}");
        }
        assert!(!Walked::default().meets(0, 8, 8));
    }
}
