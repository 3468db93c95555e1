//! The design in the form of the simulator: units with their tables, nets with their readers.

use super::clock::{ClockTree, Domain};
use super::elaborate::NONE;

/// Unit whose output is a function of its inputs (and of itself, for latches).
pub(super) const GATE: u8 = 0;
/// Flip-flop.
pub(super) const FLOP: u8 = 1;
/// Clock gate: its enable is evaluated before each edge.
pub(super) const CLOCK_GATE: u8 = 2;

/// The unit waits for evaluation.
pub(super) const QUEUED: u8 = 1;
/// Toggles of input pins cost energy.
pub(super) const PASSIVE: u8 = 2;
/// The flop is in the list of those that may change at the next edge.
pub(super) const LISTED: u8 = 4;
/// The flop can be set or cleared by a net that is not constant.
pub(super) const ASYNCHRONOUS: u8 = 8;
/// The unit stores its output (a latch): its highest state bit follows the output.
pub(super) const LATCH: u8 = 16;

/// No event is scheduled.
pub(super) const IDLE: u32 = u32::MAX;

/// The data that an event accesses: one output of a cell with the state of all its inputs. One cache line holds two.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    /// Bit `i` is input `i`; above the inputs the stored bit. Clock pins are always 0.
    pub(super) state: u16,
    /// Input that changed last.
    pub(super) cause: u8,
    /// Number of state bits.
    pub(super) bits: u8,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) scope: u16,
    /// Truth table of output, next state or enable: first word in [`Model::truth`].
    pub(super) table: u32,
    /// First of `cause << bits | state` in [`Model::energy`].
    pub(super) energy: u32,
    /// First of `pin << bits | state` in [`Model::energy`].
    pub(super) passive: u32,
    /// Net of the output; of a flop or clock gate its index in the list of those.
    pub(super) out: u32,
    /// Delay of a rising and a falling output in ps.
    pub(super) delay: [u16; 2],
    /// Time of the scheduled event or [`IDLE`].
    pub(super) pending: u32,
}

/// An output of a flop.
#[derive(Debug, Clone, Copy)]
pub(super) struct FlopOutput {
    /// Net or `NONE`.
    pub(super) net: u32,
    pub(super) table: u32,
    pub(super) energy: u32,
}

/// The parts of a flop besides its unit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flop {
    pub(super) unit: u32,
    pub(super) domain: u32,
    /// Input bit of the clock pin.
    pub(super) clock: u8,
    pub(super) outputs: [FlopOutput; 2],
    /// Tables of clear and preset.
    pub(super) clear: u32,
    pub(super) preset: u32,
    /// First state in [`Model::clock_energy`].
    pub(super) clock_energy: u32,
}

/// A clock gate or clock buffer: the driver of a domain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Branch {
    /// Unit, `NONE` for the root.
    pub(super) unit: u32,
    /// Input bit of the clock pin.
    pub(super) clock: u8,
    /// Whether the branch can be switched off.
    pub(super) gated: bool,
    pub(super) clock_energy: u32,
}

/// The design.
#[derive(Debug)]
pub(super) struct Model {
    /// Units with all inputs at 0.
    pub(super) units: Vec<Unit>,
    /// Level of each unit: above that of all units that it reads from, except in loops.
    pub(super) levels: Vec<u32>,
    pub(super) depth: u32,
    pub(super) flops: Vec<Flop>,
    pub(super) tree: ClockTree,
    /// Drivers of the domains.
    pub(super) branches: Vec<Branch>,
    /// Readers of net `n`: `fan[fan_start[n]..fan_start[n + 1]]`, each `unit << 4 | pin`.
    pub(super) fan_start: Vec<u32>,
    pub(super) fan: Vec<u32>,
    pub(super) truth: Vec<u64>,
    /// pJ per toggle.
    pub(super) energy: Vec<f32>,
    /// pJ of a clock pin's rise and fall, by state.
    pub(super) clock_energy: Vec<[f32; 2]>,
    /// W by state.
    pub(super) leakage: Vec<f64>,
    /// First state of each unit in `leakage`; `NONE` for further outputs of a cell.
    pub(super) leakage_of: Vec<u32>,
    /// pJ per toggle of each net (half of C times V^2).
    pub(super) net_energy: Vec<f64>,
    /// Scope of each net's driver.
    pub(super) net_scope: Vec<u32>,
    /// Longest delay in ps.
    pub(super) longest: u32,
}

impl Model {
    /// The bit of `state` in the truth table at `table`.
    #[inline]
    pub(super) fn bit(&self, table: u32, state: u16) -> bool {
        self.truth[table as usize + usize::from(state >> 6)] >> (state & 63) & 1 == 1
    }

    /// The domains, parents first.
    pub(super) fn domains(&self) -> &[Domain] {
        &self.tree.domains
    }

    /// True if `net` belongs to the clock network.
    pub(super) fn is_clock(&self, net: u32) -> bool {
        self.tree.of_net[net as usize] != NONE
    }
}
