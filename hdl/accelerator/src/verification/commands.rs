//! Random command streams for the blocks that decode one: mostly legal, sometimes not.

use std::collections::VecDeque;

use super::stimulus::{Input, Kind, Source, Stimulus};
use crate::blocks::Accelerator;
use crate::blocks::stimuli::Decoder;
use pecan_config::geometry::Geometry;
use pecan_config::isa::register::{COL_BASE, COL_STRIDE, ROW_BASE, ROW_STRIDE, Register};
use pecan_config::isa::{Opcode, VERSION, WAIT_COMPUTE, WAIT_STORE, command, payload_beats};

/// A stream of random commands for one hardware.
pub(super) struct Commands {
    geometry: Geometry,
    id: u32,
    /// Low words of the beats still to be sent.
    beats: VecDeque<u32>,
}

impl Commands {
    pub(super) fn new(geometry: &Geometry, id: u32) -> Self {
        Self { geometry: geometry.clone(), id, beats: VecDeque::new() }
    }

    /// The low word of the beat to offer.
    fn front(&mut self, source: &mut Source) -> u32 {
        while self.beats.is_empty() {
            self.add_command(source);
        }
        self.beats[0]
    }

    fn taken(&mut self) {
        self.beats.pop_front();
    }

    /// Starts again, as after a reset: a header, then all registers.
    fn restart(&mut self, source: &mut Source) {
        self.beats.clear();
        self.add_header(source);
        let g = self.geometry.clone();
        for (first, count) in [
            (0, Register::ALL.len() as u32),
            (ROW_BASE, ROW_STRIDE * g.rows as u32),
            (COL_BASE, COL_STRIDE * g.cols as u32),
        ] {
            self.add_config(source, first, count);
        }
    }

    fn add_header(&mut self, source: &mut Source) {
        let version = if source.one_in(40) { VERSION + 1 } else { VERSION };
        let id = if source.one_in(40) { self.id ^ 0x8000 } else { self.id };
        self.beats.extend([command(Opcode::Header, 0, version), id]);
    }

    fn add_config(&mut self, source: &mut Source, first: u32, count: u32) {
        self.beats.push_back(command(Opcode::Config, 0, first | (count << 8)));
        for _ in 0..count {
            let few = [0, 1, 1, 1, 1, 2, 2, 3][source.below(8) as usize];
            // Row registers have two halves.
            let high = if source.one_in(4) { 0x1_0000 } else { 0 };
            self.beats.push_back(if source.one_in(50) { source.word() as u32 } else { few | high });
        }
    }

    fn add_command(&mut self, source: &mut Source) {
        let waits = [0, WAIT_COMPUTE, WAIT_STORE][source.below(3) as usize];
        match source.below(16) {
            0 => self.add_header(source),
            1 | 2 => {
                let first = [0, ROW_BASE, COL_BASE][source.below(3) as usize];
                let first = first + source.below(6) as u32;
                let least = u32::from(!source.one_in(20));
                let count = (source.below(6) as u32).max(least);
                self.add_config(source, first, count);
            }
            3..=6 => {
                let flags = if source.one_in(30) { 4 } else { source.below(4) as u32 };
                self.beats.push_back(command(Opcode::Run, waits, flags));
            }
            7 | 8 => self.add_transfer(source, Opcode::LoadActivation, waits),
            9 | 10 => self.add_transfer(source, Opcode::LoadWeight, waits),
            11 => self.add_transfer(source, Opcode::LoadParam, waits),
            12 | 13 => self.add_transfer(source, Opcode::Store, waits),
            14 => self.beats.push_back(command(Opcode::Mark, waits, 0)),
            _ if source.one_in(6) => self.beats.push_back(source.word() as u32),
            _ => {
                self.beats.push_back(command(Opcode::End, waits, 0));
                self.add_header(source);
            }
        }
    }

    /// A load or store at random places of its memory, with the payload that follows a load.
    fn add_transfer(&mut self, source: &mut Source, opcode: Opcode, waits: u32) {
        let g = &self.geometry;
        let (depth, payload_slot) = match opcode {
            Opcode::LoadActivation => (g.buffer_words, Some(g.word_slot)),
            Opcode::LoadWeight => (g.weight_entries, Some(g.entry_slot)),
            Opcode::LoadParam => (g.param_channels, Some(Geometry::PARAM_SLOT)),
            _ => (g.buffer_words, None),
        };
        let column = match opcode {
            Opcode::LoadWeight if source.one_in(30) => self.geometry.cols as u64,
            Opcode::LoadWeight => source.below(self.geometry.cols as u64),
            _ => 0,
        };
        let count = if source.one_in(60) { 0 } else { 1 + source.below(9.min(depth as u64)) };
        let room = depth as u64 - count.max(1);
        let address = if source.one_in(60) { room + 1 } else { source.below(room + 1) };
        self.beats.extend([command(opcode, waits, column as u32), address as u32, count as u32]);
        if let Some(slot) = payload_slot {
            for _ in 0..payload_beats(count, slot, self.geometry.stream_bits) {
                self.beats.push_back(source.word() as u32);
            }
        }
    }
}

/// Cycles between resets, on average.
const RESET: u64 = 1500;

/// Drives the common inputs of decoder and accelerator: reset and input stream.
macro_rules! drive_stream {
    ($block:ident, $source:ident) => {{
        let mut commands = $source.commands.take();
        let reset = $source.first_cycle() || $source.one_in(RESET);
        $block.reset.next = reset;
        let mut driven = 1 + $block.from_host.valid.drive(Kind::Free, 0, $source);
        driven += $block.from_host.data.drive(Kind::Free, 1, $source);
        if let (Some(commands), Some(low)) = (&mut commands, $block.from_host.data.first_mut()) {
            if reset {
                commands.restart($source);
            }
            low.next = u64::from(commands.front($source)).into();
        }
        $source.commands = commands;
        driven
    }};
}

/// Records that a beat was accepted.
macro_rules! settle_stream {
    ($block:ident, $source:ident) => {
        let taken =
            $block.from_host.valid.val() && $block.from_host.ready.val() && !$block.reset.val();
        if let Some(commands) = $source.commands.as_mut().filter(|_| taken) {
            commands.taken();
        }
    };
}

impl Stimulus for Decoder {
    fn set_clock(&mut self, high: bool) {
        self.clock.next = high.into();
    }

    fn drive(&mut self, source: &mut Source) -> usize {
        let mut driven = drive_stream!(self, source);
        // A code that is not 0 halts the device.
        self.run_fault.next = if source.one_in(2000) { 8.into() } else { 0.into() };
        driven += 1 + self.compute_busy.drive(Kind::Free, 2, source);
        driven += self.store_busy.drive(Kind::Free, 3, source);
        driven + self.buffer_busy.drive(Kind::Free, 4, source)
    }

    fn settled(&mut self, source: &mut Source) {
        settle_stream!(self, source);
    }
}

impl Stimulus for Accelerator {
    fn set_clock(&mut self, high: bool) {
        self.clock.next = high.into();
    }

    fn drive(&mut self, source: &mut Source) -> usize {
        let driven = drive_stream!(self, source) + self.to_host.ready.drive(Kind::Free, 2, source);
        driven + self.status_addr.drive(Kind::Below(64), 3, source)
    }

    fn settled(&mut self, source: &mut Source) {
        settle_stream!(self, source);
    }
}
