//! Where the commands of a program go: into its bytes, or to a device that is told of them.

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
    /// The device that is told the commands.
    pub(crate) predictor: Predictor,
    /// The first command that did not come to its end.
    pub(crate) failed: Option<Outcome>,
    /// DRAM bytes of the stores so far, in ascending order.
    pub(crate) stored: Vec<Range<usize>>,
}

impl Plan {
    /// Tells a command, unless one failed before it.
    pub(crate) fn tell(&mut self, command: impl FnOnce(&mut Predictor) -> Result<(), Outcome>) {
        if self.failed.is_none() {
            self.failed = command(&mut self.predictor).err();
        }
    }

    /// How many stores must have reached memory before it holds these bytes.
    pub(crate) fn stores_before(&self, bytes: &Range<usize>) -> u64 {
        let count = self.stored.partition_point(|stored| stored.start < bytes.end);
        let last = count.checked_sub(1).map(|last| &self.stored[last]);
        if last.is_some_and(|stored| stored.end > bytes.start) { count as u64 } else { 0 }
    }
}

/// Where commands go.
#[derive(Debug)]
pub(crate) enum Backend {
    /// Into a program.
    Bytes(Bytes),
    /// To a device that only says what they take.
    Plan(Box<Plan>),
}

impl Bytes {
    /// Fills the last beat.
    pub(crate) fn align(&mut self, beat: usize) {
        let length = self.commands.len().next_multiple_of(beat);
        self.commands.resize(length, 0);
    }

    /// Makes a transfer of the commands that none covers yet.
    pub(crate) fn close(&mut self) {
        if self.open < self.commands.len() {
            self.moves.push(Move::Commands(self.open..self.commands.len()));
            self.open = self.commands.len();
        }
    }
}
