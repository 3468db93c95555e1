//! The parts of the device that energy is accounted to.

use pecan_rtl::emit::Kind;

use super::Data;
use super::axis::axis;

axis! {
    /// A part of the device, the column of a breakdown.
    Block "ByComponent":
    Mac "mac" "Multipliers, adders, operand registers and accumulators of the PEs.",
    Scratchpad "scratchpad" "Activation scratchpads and zero flags of the PEs.",
    Psum "psum" "Partial-sum files of the PEs.",
    Network "network" "Distribution of entries and patch words to the rows, collection of partial sums.",
    Sequencer "sequencer" "Weight sequencers of the columns, without their buffers.",
    Loader "loader" "Patch loader and row table.",
    Drain "drain" "Requantization, without the parameter memory.",
    Control "control" "Command decoder, store engine, run configuration, counters.",
    Clock "clock" "Clock pins, clock gates and clock nets of all blocks.",
    Leakage "leakage" "Leakage of all blocks and memories.",
    WeightBuffer "weight_buffer" "Weight buffers (SRAM).",
    GlobalBuffer "global_buffer" "Global buffer (SRAM).",
    ParameterMemory "parameter_memory" "Requantization parameters (SRAM).",
    Dram "dram" "Transfers to and from DRAM.",
}

/// Number of blocks.
pub const BLOCKS: usize = Block::ALL.len();

impl Block {
    /// Blocks that are made of standard cells, whose energy is characterized at gate level.
    pub const CELLS: &'static [Block] = &[
        Block::Mac,
        Block::Scratchpad,
        Block::Psum,
        Block::Network,
        Block::Sequencer,
        Block::Loader,
        Block::Drain,
        Block::Control,
    ];

    /// The block of that key.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|block| block.name() == name)
    }

    /// The block that a module of the emitted Verilog belongs to; `None` for an unknown one. Of a synchronous memory
    /// only the nets that it drives count here, for the block that reads them.
    #[must_use]
    pub fn of_module(kind: &Kind) -> Option<Self> {
        Some(match kind.block.as_str() {
            "pe" | "mac" => Self::Mac,
            "scratchpad" | "zero_flags" => Self::Scratchpad,
            "psum_file" => Self::Psum,
            "pe_row" | "compute" => Self::Network,
            "column" | "dense_index" | "weight_buffer" => Self::Sequencer,
            "loader" | "loader_config" | "loader_loops" | "loader_row" | "row_table"
            | "global_buffer" => Self::Loader,
            "drain" | "drain_config" | "drain_lane" | "param_memory" => Self::Drain,
            "decoder" | "unpacker" | "store" | "counter_bank" | "run_config" | "pecan" => {
                Self::Control
            }
            _ => return None,
        })
    }
}

/// Kind of power of a block of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Nets and cells that switch with data.
    Data,
    /// Clock pins, clock gates and clock nets.
    Clock,
    /// Leakage.
    Leakage,
}

impl Class {
    /// All classes.
    pub const ALL: &'static [Class] = &[Class::Data, Class::Clock, Class::Leakage];

    /// Key in technology files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Clock => "clock",
            Self::Leakage => "leakage",
        }
    }

    /// The class of that key.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|class| class.name() == name)
    }
}

/// Key of the component of a block's energy in calibrations: PEs with the wiring of their rows, the engines around
/// them, and the clock tree of all.
#[must_use]
pub fn component(block: Block, class: Class) -> &'static str {
    match (class, block) {
        (Class::Clock, _) => Block::Clock.name(),
        (Class::Leakage, _) => Block::Leakage.name(),
        (Class::Data, Block::Mac | Block::Scratchpad | Block::Psum | Block::Network) => "pe",
        (Class::Data, other) => other.name(),
    }
}

/// Energy in pJ by block and kind of data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Breakdown {
    /// `[block][data]`, in the order of [`Block::ALL`] and [`Data::ALL`].
    pub table: [[f64; Data::ALL.len()]; BLOCKS],
}

impl Breakdown {
    /// Adds energy (pJ).
    pub fn add(&mut self, block: Block, data: Data, pj: f64) {
        self.table[block as usize][data as usize] += pj;
    }

    /// Adds another breakdown.
    pub fn add_all(&mut self, other: &Self) {
        let cells = self.table.iter_mut().flatten();
        cells.zip(other.table.iter().flatten()).for_each(|(to, from)| *to += from);
    }

    /// Sum (pJ).
    #[must_use]
    pub fn total(&self) -> f64 {
        self.table.iter().flatten().sum()
    }

    /// Sum without DRAM (pJ).
    #[must_use]
    pub fn on_chip(&self) -> f64 {
        self.total() - self.block(Block::Dram)
    }

    /// Energy of a block (pJ).
    #[must_use]
    pub fn block(&self, block: Block) -> f64 {
        self.table[block as usize].iter().sum()
    }

    /// Energy for a kind of data (pJ).
    #[must_use]
    pub fn data(&self, data: Data) -> f64 {
        self.table.iter().map(|row| row[data as usize]).sum()
    }
}
