//! Values for the top level's inputs and expected values of its outputs, cycle by cycle.

use super::error::{GateError, Result};

/// A top-level port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Name of the port.
    pub name: String,
    /// Width in bits, 1 to 64.
    pub width: u32,
}

/// Values of top-level ports over time. The clock is not among them.
///
/// In a cycle the inputs change shortly after the rising clock edge. Outputs are compared when all nets have settled,
/// before the next edge. The first cycle begins without an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pins {
    inputs: Vec<Signal>,
    outputs: Vec<Signal>,
    cycles: usize,
    /// `[cycle][input]`.
    applied: Vec<u64>,
    /// `[cycle][output]`, `None` where any value is right.
    expected: Vec<Option<u64>>,
}

impl Pins {
    /// Pins without cycles; `outputs` are those to check and may be empty.
    pub fn new(inputs: Vec<Signal>, outputs: Vec<Signal>) -> Self {
        Self { inputs, outputs, cycles: 0, applied: Vec::new(), expected: Vec::new() }
    }

    /// Appends a cycle: a value for each input and, for each output, the expected value.
    ///
    /// # Errors
    /// [`GateError::Pins`] if the number of values differs or a value does not fit its width.
    pub fn push(&mut self, inputs: &[u64], outputs: &[Option<u64>]) -> Result<()> {
        if inputs.len() != self.inputs.len() || outputs.len() != self.outputs.len() {
            let problem = format!(
                "cycle {} has {} inputs and {} outputs instead of {} and {}",
                self.cycles,
                inputs.len(),
                outputs.len(),
                self.inputs.len(),
                self.outputs.len()
            );
            return Err(GateError::Pins { problem });
        }
        let known = outputs.iter().map(|v| v.unwrap_or(0));
        let signals = self.inputs.iter().chain(&self.outputs);
        for (signal, value) in signals.zip(inputs.iter().copied().chain(known)) {
            if signal.width < 64 && value >> signal.width != 0 {
                let problem = format!("cycle {}: {} = {value:#x}", self.cycles, signal.name);
                return Err(GateError::Pins { problem });
            }
        }
        self.applied.extend(inputs);
        self.expected.extend(outputs);
        self.cycles += 1;
        Ok(())
    }

    /// Number of cycles.
    pub fn cycles(&self) -> usize {
        self.cycles
    }

    /// The inputs.
    pub fn inputs(&self) -> &[Signal] {
        &self.inputs
    }

    /// The outputs that are checked.
    pub fn outputs(&self) -> &[Signal] {
        &self.outputs
    }

    /// Values of the inputs in a cycle.
    pub(super) fn applied(&self, cycle: usize) -> &[u64] {
        &self.applied[cycle * self.inputs.len()..(cycle + 1) * self.inputs.len()]
    }

    /// Expected values in a cycle.
    pub(super) fn expected(&self, cycle: usize) -> &[Option<u64>] {
        &self.expected[cycle * self.outputs.len()..(cycle + 1) * self.outputs.len()]
    }
}
