//! Recorded runs of single blocks: the required behaviour of the Verilog of each.
//!
//! [`cases`] lists blocks in several sizes. A [`Case`] executes its block in Rust under random stimulus and records
//! every port in every cycle; a runner replays the record against the emitted Verilog. The blocks are private, so the
//! list is here; the runner, which needs Verilator, is in the tests crate.

mod commands;
pub mod emitter;
mod list;
pub(crate) mod stimulus;

pub use list::cases;

use rust_hdl_core::simulate::simulate;
use std::collections::HashSet;
use std::fmt::Write as _;

use commands::Commands;
use pecan_rtl::emit::{Design, EmitError, Port, emit, ports};
use stimulus::{Source, Stimulus};

/// Rounds that signals may take to settle in a half cycle.
const SETTLE: usize = 100;

/// Executes the block of a case.
type Recorder = Box<dyn Fn(&Case) -> Result<Recording, CaseError> + Send + Sync>;

/// A block in one size.
pub struct Case {
    /// Unique name, a Verilog identifier.
    pub name: String,
    /// Name of the block.
    pub block: &'static str,
    record: Recorder,
    commands: Option<Box<dyn Fn() -> Commands + Send + Sync>>,
}

/// A recorded run.
pub struct Recording {
    /// The block's Verilog; the top module is called `top`.
    pub design: Design,
    /// Ports of the top module; the values are those of the start.
    pub ports: Vec<Port>,
    /// Cycles recorded.
    pub cycles: usize,
    /// Two lines per cycle, in hexadecimal and in the order of `ports`, without the clock: all ports while
    /// the clock is low, then the outputs after the rising edge.
    pub trace: String,
    /// Outputs that had more than one value.
    pub lively: HashSet<String>,
}

/// Reasons why a case could not be recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaseError {
    /// The block has no Verilog.
    #[error("{case}: {error}")]
    Emit {
        /// Name of the case.
        case: String,
        /// The error of the emitter.
        error: EmitError,
    },
    /// Signals of the block do not settle: a combinational loop.
    #[error("{case}: cycle {cycle} does not settle")]
    Unsettled {
        /// Name of the case.
        case: String,
        /// Cycle, from 0.
        cycle: usize,
    },
    /// An input has no stimulus.
    #[error("{case}: {driven} of {inputs} inputs (without the clock) have a stimulus")]
    Undriven {
        /// Name of the case.
        case: String,
        /// Inputs with a stimulus.
        driven: usize,
        /// Inputs.
        inputs: usize,
    },
}

impl Case {
    fn new<B: Stimulus>(
        block: &'static str,
        size: &str,
        cycles: usize,
        make: impl Fn() -> B + Send + Sync + 'static,
    ) -> Self {
        let record = move |case: &Case| record(case, make(), cycles);
        Self { name: format!("{block}_{size}"), block, record: Box::new(record), commands: None }
    }

    /// The block takes a command stream.
    fn with_commands(mut self, make: impl Fn() -> Commands + Send + Sync + 'static) -> Self {
        self.commands = Some(Box::new(make));
        self
    }

    /// Executes the block in Rust. The stimulus depends on the case's name only.
    ///
    /// # Errors
    /// The block cannot be emitted, does not settle, or has an input without a stimulus.
    pub fn record(&self) -> Result<Recording, CaseError> {
        (self.record)(self)
    }
}

fn record<B: Stimulus>(case: &Case, mut block: B, cycles: usize) -> Result<Recording, CaseError> {
    let case_name = || case.name.clone();
    let design =
        emit(&block, "top").map_err(|error| CaseError::Emit { case: case_name(), error })?;
    let start = ports(&block);
    let mut source = Source::new(&case.name, case.commands.as_ref().map(|make| make()));
    let (mut trace, mut lively) = (String::new(), HashSet::new());
    for cycle in 0..cycles {
        block.set_clock(false);
        let driven = block.drive(source.next_cycle());
        let inputs = start.iter().filter(|p| p.input && p.name != "clock").count();
        if driven != inputs {
            return Err(CaseError::Undriven { case: case_name(), driven, inputs });
        }
        for high in [false, true] {
            block.set_clock(high);
            if !simulate(&mut block, SETTLE) {
                return Err(CaseError::Unsettled { case: case_name(), cycle });
            }
            if !high {
                block.settled(&mut source);
            }
            for (port, first) in ports(&block).iter().zip(&start) {
                if port.name == "clock" || (high && port.input) {
                    continue;
                }
                let _ = write!(trace, "{:x} ", port.value);
                if !port.input && port.value != first.value {
                    lively.insert(port.name.clone());
                }
            }
            trace.push('\n');
        }
    }
    Ok(Recording { design, ports: start, cycles, trace, lively })
}
