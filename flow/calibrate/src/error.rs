//! Errors of calibration.

use std::path::{Path, PathBuf};

use pecan_gate::GateError;
use pecan_host::error::HostError;
use pecan_ir::error::SimError;
use pecan_ir::program::ProgramError;
use pecan_ir::reference::NetworkError;
use pecan_liberty::LibertyError;

use pecan_energy::EnergyError;
use pecan_map::MapError;
use pecan_net::data::DataError;
use pecan_net::graph::GraphError;
use pecan_net::onnx::OnnxError;
use pecan_net::quantize::QuantizeError;
use pecan_simulate::SimulateError;
use pecan_synth::ToolError;

/// Reasons why a calibration ended early. Finished cases are kept and are not measured again.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// A file operation failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The operation, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// Emulator, RTL and netlist disagree.
    #[error("`{layer}` on `{config}`: {problem}")]
    Disagree {
        /// Configuration.
        config: String,
        /// Layer.
        layer: String,
        /// The contradiction.
        problem: String,
    },
    /// A module of the netlist belongs to no block.
    #[error("module `{module}` of the netlist belongs to no block of the energy model")]
    Module {
        /// Its name.
        module: String,
    },
    /// A network of the plan yields no layer samples.
    #[error("{model}: {problem}")]
    Pieces {
        /// Its file, as the plan names it.
        model: String,
        /// The reason.
        problem: String,
    },
    /// The memory macros yield no model.
    #[error("SRAM macros: {problem}")]
    Sram {
        /// The problem.
        problem: String,
    },
    /// Technology files, plans.
    #[error(transparent)]
    Energy(#[from] EnergyError),
    /// Synthesis.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The cell library.
    #[error(transparent)]
    Liberty(#[from] LibertyError),
    /// Gate-level simulation.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The simulator of the RTL.
    #[error(transparent)]
    Sim(#[from] SimError),
    /// Building it.
    #[error(transparent)]
    Simulate(#[from] SimulateError),
    /// A layer does not map.
    #[error(transparent)]
    Map(#[from] MapError),
    /// A program is malformed.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A network file.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// A network.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Quantization.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// The integer reference.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Samples.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl From<HostError> for CalibrateError {
    fn from(error: HostError) -> Self {
        Self::Sim(error.into())
    }
}

impl CalibrateError {
    pub(super) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.into(), source }
    }

    /// Exit code of the command line.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Disagree { .. } => 1,
            Self::Tool(error) => error.exit_code(),
            Self::Gate(error) => error.exit_code(),
            Self::Sim(error) => error.exit_code(),
            Self::Simulate(error) => error.exit_code(),
            _ => 3,
        }
    }
}
