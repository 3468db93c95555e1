//! Target of the commands of a program: its bytes, or a device model that only times them.

use std::ops::Range;

use pecan_emulator::{Outcome, Predictor};

/// A transfer whose commands have no address yet.
#[derive(Clone, Debug)]
pub(crate) enum Move {
    /// Bytes of the command stream.
    Commands(Range<usize>),
    /// Bytes of a tensor to the device.
    Tensor(Range<usize>),
    /// Bytes of a tensor from the device.
    Receive(Range<usize>),
}

/// The bytes of a program.
#[derive(Debug, Default)]
pub(crate) struct Bytes {
    /// The command stream so far.
    pub(crate) commands: Vec<u8>,
    /// Start of the commands that no transfer covers yet.
    open: usize,
    /// Transfers so far.
    pub(crate) moves: Vec<Move>,
}

/// Prediction of a program, in place of its bytes.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The device model that times the commands.
    pub(crate) predictor: Predictor,
    /// The first command that did not finish.
    pub(crate) failed: Option<Outcome>,
    /// DRAM bytes of the stores so far, in ascending order.
    pub(crate) stored: Vec<Range<usize>>,
}

impl Plan {
    /// Passes a command to the device model, unless one failed before it.
    pub(crate) fn tell(&mut self, command: impl FnOnce(&mut Predictor) -> Result<(), Outcome>) {
        if self.failed.is_none() {
            self.failed = command(&mut self.predictor).err();
        }
    }

    /// Number of stores that must have reached memory before it holds these bytes.
    pub(crate) fn stores_before(&self, bytes: &Range<usize>) -> u64 {
        let count = self.stored.partition_point(|stored| stored.start < bytes.end);
        let last = count.checked_sub(1).map(|last| &self.stored[last]);
        if last.is_some_and(|stored| stored.end > bytes.start) { count as u64 } else { 0 }
    }
}

/// Target of commands.
#[derive(Debug)]
pub(crate) enum Backend {
    /// The bytes of a program.
    Bytes(Bytes),
    /// A device model that only predicts counts and cycles.
    Plan(Box<Plan>),
}

impl Bytes {
    /// Fills the last beat.
    pub(crate) fn align(&mut self, beat: usize) {
        let length = self.commands.len().next_multiple_of(beat);
        self.commands.resize(length, 0);
    }

    /// Turns the commands that no transfer covers yet into a transfer.
    pub(crate) fn close(&mut self) {
        if self.open < self.commands.len() {
            self.moves.push(Move::Commands(self.open..self.commands.len()));
            self.open = self.commands.len();
        }
    }
}
