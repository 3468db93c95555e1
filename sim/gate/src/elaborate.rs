//! Elaboration: a hierarchical netlist as flat cells, memories and nets, with the scopes they are in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pecan_rtl::emit::MemorySize;

use super::error::{GateError, Result};
use super::flatten::Flattener;
use super::memory::MemoryShape;
use super::netlist::Netlist;
use pecan_liberty::Library;

/// Net of the constant 0.
pub(super) const ZERO: u32 = 0;
/// Net of the constant 1.
pub(super) const ONE: u32 = 1;
/// No net.
pub(super) const NONE: u32 = u32::MAX;

/// A module instance in the hierarchy.
#[derive(Debug)]
pub(super) struct Scope {
    /// Instance names from the top, separated by `.`; empty for the top itself.
    pub(super) path: String,
    /// Name of its module.
    pub(super) module: String,
    /// Index of its module in the netlist.
    pub(super) module_index: usize,
    /// Net of each of the module's nets.
    pub(super) nets: Vec<u32>,
}

/// A cell instance.
#[derive(Debug)]
pub(super) struct FlatCell {
    /// Index in the library.
    pub(super) cell: u32,
    pub(super) scope: u32,
    /// First of its nets in [`Flat::pins`]: inputs, then outputs.
    pub(super) pins: u32,
}

/// A memory instance.
#[derive(Debug)]
pub(super) struct FlatMemory {
    pub(super) scope: u32,
    pub(super) shape: MemoryShape,
    /// Nets by port, see [`MemoryShape`].
    pub(super) clock: u32,
    pub(super) read_enable: u32,
    pub(super) read_address: Vec<u32>,
    pub(super) read_data: Vec<u32>,
    pub(super) write_enable: u32,
    pub(super) write_address: Vec<u32>,
    pub(super) write_data: Vec<u32>,
}

/// A port of the top level.
#[derive(Debug)]
pub(super) struct TopPort {
    pub(super) name: String,
    pub(super) input: bool,
    pub(super) nets: Vec<u32>,
}

/// A flat design.
#[derive(Debug)]
pub(super) struct Flat {
    pub(super) netlist: Netlist,
    pub(super) scopes: Vec<Scope>,
    pub(super) cells: Vec<FlatCell>,
    pub(super) pins: Vec<u32>,
    pub(super) memories: Vec<FlatMemory>,
    pub(super) ports: Vec<TopPort>,
    /// Number of nets, with the two constants.
    pub(super) nets: u32,
    /// The netlist connects the constants 0 and 1.
    pub(super) constants_joined: bool,
}

impl Flat {
    /// Reads and elaborates a netlist.
    ///
    /// # Errors
    /// Those of reading; [`GateError::Cells`] with all cell types that cannot be used.
    pub(super) fn read(
        file: &Path,
        library: &Library,
        memories: &BTreeMap<String, MemorySize>,
    ) -> Result<Self> {
        let netlist = Netlist::read(file)?;
        check_cells(&netlist, library, memories)?;
        let mut builder = Flattener::new(file, library, memories);
        let top = &netlist.modules[netlist.top];
        let nets: Vec<Vec<u32>> =
            top.ports.iter().map(|p| p.bits.iter().map(|_| builder.fresh()).collect()).collect();
        builder.module(&netlist, netlist.top, String::new(), &nets)?;
        let ports = top.ports.iter().zip(nets).map(|(port, nets)| TopPort {
            name: port.name.clone(),
            input: port.input,
            nets,
        });
        let ports = ports.collect();
        Ok(builder.finish(netlist, ports))
    }

    /// Name of the top module.
    pub(super) fn top_name(&self) -> &str {
        &self.netlist.modules[self.netlist.top].name
    }

    /// The hierarchical name of a net.
    pub(super) fn net_name(&self, net: u32) -> String {
        match net {
            ZERO => return "constant 0".into(),
            ONE => return "constant 1".into(),
            _ => {}
        }
        for scope in &self.scopes {
            if let Some(local) = scope.nets.iter().position(|&n| n == net) {
                let name = &self.netlist.modules[scope.module_index].names[local];
                return if scope.path.is_empty() {
                    name.clone()
                } else {
                    format!("{}.{name}", scope.path)
                };
            }
        }
        format!("net {net}")
    }

    /// Input and output nets of a cell instance.
    pub(super) fn pins_of(&self, cell: &FlatCell, library: &Library) -> (&[u32], &[u32]) {
        let model = &library.cells()[cell.cell as usize];
        let first = cell.pins as usize;
        let middle = first + model.inputs.len();
        (&self.pins[first..middle], &self.pins[middle..middle + model.outputs.len()])
    }
}

/// Lists every cell type that is missing or cannot be simulated.
fn check_cells(
    netlist: &Netlist,
    library: &Library,
    memories: &BTreeMap<String, MemorySize>,
) -> Result<()> {
    let mut bad = BTreeSet::new();
    for instance in netlist.modules.iter().flat_map(|m| &m.instances) {
        match (netlist.index.get(&instance.of), library.cell(&instance.of)) {
            (Some(&module), _) => {
                let module = &netlist.modules[module];
                if module.blackbox && !memories.contains_key(&module.name) {
                    bad.insert(format!("{} (a black box that is no memory)", module.name));
                }
            }
            (None, None) => {
                bad.insert(format!("{} (not in the libraries)", instance.of));
            }
            (None, Some(cell)) => {
                if let Some(reason) = cell.unusable() {
                    bad.insert(format!("{} ({reason})", cell.name));
                }
            }
        }
    }
    if bad.is_empty() { Ok(()) } else { Err(GateError::Cells { cells: bad.into_iter().collect() }) }
}
