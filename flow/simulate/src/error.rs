//! Errors of simulation.

use pecan_emulator as emulator;
use pecan_host::error::HostError;
use pecan_ir::error::SimError;
use pecan_ir::program::ProgramError;
use pecan_ir::reference::NetworkError;
use pecan_rtl::emit::EmitError;
use pecan_verilator::harness;

use pecan_map::MapError;

/// A simulation without a result. A wrong result is not an error: see [`Report`](super::Report).
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// There is nothing to run.
    #[error("network `{network}`: no input to simulate")]
    NoInput {
        /// The network.
        network: String,
    },
    /// The network does not map onto the configuration.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The integer reference refuses the network or an input.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The compiled program is malformed.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The design has no Verilog.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// Verilator, the compiler or the simulator process failed.
    #[error(transparent)]
    Simulator(#[from] SimError),
    /// The RTL did not finish a run.
    #[error(
        "network `{network}`, image {image}: after {cycles} cycles the RTL ended with {outcome:?}, not Done"
    )]
    Rtl {
        /// The network.
        network: String,
        /// Number of the image in the run.
        image: usize,
        /// Cycles until then.
        cycles: u64,
        /// How it ended.
        outcome: harness::Outcome,
    },
    /// The emulator did not finish a run.
    #[error(
        "network `{network}`: after {cycles} cycles the emulator ended with {outcome:?}, not Done"
    )]
    Emulator {
        /// The network.
        network: String,
        /// Cycles until then.
        cycles: u64,
        /// How it ended.
        outcome: emulator::Outcome,
    },
    /// The worker threads could not be started.
    #[error("cannot start {jobs} worker threads: {problem}")]
    Threads {
        /// Requested threads.
        jobs: usize,
        /// The reason.
        problem: String,
    },
}

impl From<HostError> for SimulateError {
    fn from(error: HostError) -> Self {
        Self::Simulator(error.into())
    }
}

impl SimulateError {
    /// Exit code of the command line: 1 check failed, 3 bad input, 4 tool missing, 5 tool failed, 6 timed
    /// out.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        use harness::Outcome;
        match self {
            Self::Simulator(error) => error.exit_code(),
            Self::Emit(_) => 5,
            Self::Rtl { outcome, .. } => match outcome {
                Outcome::Starved | Outcome::Stalled(_) | Outcome::CycleLimit => 6,
                _ => 1,
            },
            Self::Emulator { .. } => 1,
            _ => 3,
        }
    }
}
