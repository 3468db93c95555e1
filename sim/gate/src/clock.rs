//! The clock network: the root and every branch behind a clock gate or buffer.

use super::connect::Loads;
use super::elaborate::{Flat, NONE};
use super::error::{GateError, Result};
use pecan_liberty::{CellFunction, Library, Truth};

/// One net of the clock network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Domain {
    pub(super) net: u32,
    /// The domain that it branches from; `NONE` for the root.
    pub(super) parent: u32,
    /// The clock gate or buffer that drives it; `NONE` for the root.
    pub(super) driver: u32,
}

/// The clock network, parents first.
#[derive(Debug)]
pub(super) struct ClockTree {
    pub(super) domains: Vec<Domain>,
    /// Domain of each net, `NONE` for nets that carry data.
    pub(super) of_net: Vec<u32>,
}

impl ClockTree {
    /// Follows the clock from the top-level input `clock`.
    ///
    /// # Errors
    /// [`GateError::Clock`] with every cell that reads a clock as data or is clocked by data.
    pub(super) fn new(flat: &Flat, library: &Library, loads: &Loads, clock: &str) -> Result<Self> {
        let root = flat.ports.iter().find(|p| p.input && p.name == clock && p.nets.len() == 1);
        let Some(root) = root else {
            let problems = vec![format!("the top level has no input `{clock}` of one bit")];
            return Err(GateError::Clock { problems });
        };
        let mut of_net = vec![NONE; flat.nets as usize];
        of_net[root.nets[0] as usize] = 0;
        let mut tree = Self {
            domains: vec![Domain { net: root.nets[0], parent: NONE, driver: NONE }],
            of_net,
        };
        let mut problems = Vec::new();
        let mut next = 0;
        while next < tree.domains.len() {
            tree.follow(next as u32, flat, library, loads, &mut problems);
            next += 1;
        }
        tree.check_clock_pins(flat, library, &mut problems);
        if problems.is_empty() { Ok(tree) } else { Err(GateError::Clock { problems }) }
    }

    /// Adds the branches of a domain.
    fn follow(
        &mut self,
        domain: u32,
        flat: &Flat,
        library: &Library,
        loads: &Loads,
        problems: &mut Vec<String>,
    ) {
        let net = self.domains[domain as usize].net;
        for &(index, pin) in loads.of(net) {
            let cell = &flat.cells[index as usize];
            let model = &library.cells()[cell.cell as usize];
            let branches = match &model.kind {
                CellFunction::Flop { clock, .. } if *clock == u32::from(pin) => continue,
                CellFunction::ClockGate { clock, .. } => *clock == u32::from(pin),
                CellFunction::Combinational => {
                    let buffer = Truth::variable(0, 1);
                    model.inputs.len() == 1
                        && model
                            .outputs
                            .iter()
                            .all(|o| (0..2).all(|s| o.function.get(s) == buffer.get(s)))
                }
                _ => false,
            };
            if !branches {
                let name = flat.net_name(net);
                problems.push(format!("{} reads the clock {name} as data", model.name));
                continue;
            }
            for &output in flat.pins_of(cell, library).1 {
                self.of_net[output as usize] = self.domains.len() as u32;
                self.domains.push(Domain { net: output, parent: domain, driver: index });
            }
        }
    }

    /// Lists the clock pins that no clock reaches.
    fn check_clock_pins(&self, flat: &Flat, library: &Library, problems: &mut Vec<String>) {
        let mut check = |net: u32, what: &str| {
            if self.of_net[net as usize] == NONE {
                problems.push(format!("{what} is clocked by {}", flat.net_name(net)));
            }
        };
        for cell in &flat.cells {
            let model = &library.cells()[cell.cell as usize];
            if let CellFunction::Flop { clock, .. } | CellFunction::ClockGate { clock, .. } =
                &model.kind
            {
                check(flat.pins_of(cell, library).0[*clock as usize], &model.name);
            }
        }
        for memory in &flat.memories {
            check(memory.clock, &flat.scopes[memory.scope as usize].path);
        }
    }
}
