//! Flattens instances of modules, cells and memories into one design.

use std::collections::BTreeMap;
use std::path::Path;

use pecan_rtl::emit::MemorySize;
use pecan_text::escape::escape_name;

use super::elaborate::{Flat, FlatCell, FlatMemory, NONE, ONE, Scope, TopPort, ZERO};
use super::error::{GateError, Result};
use super::memory::MemoryShape;
use super::netlist::{Bit, Instance, Module, Netlist};
use pecan_liberty::Library;

/// Deepest hierarchy of modules.
pub(crate) const MOST_NESTING: usize = 64;

/// Most instances of modules and cells, and most nets of all instances of modules. A module that is used twice, in a
/// module that is used twice and so on, makes a large design from a small file.
pub(crate) const MOST_INSTANCES: usize = 1 << 24;
pub(crate) const MOST_NETS: usize = 1 << 27;

/// Most bytes of the names of all instances of modules, from the top down: the names of inner instances contain those
/// of the outer ones.
pub(crate) const MOST_NAME_BYTES: usize = 1 << 27;

/// The flat design under construction.
pub(super) struct Flattener<'a> {
    file: &'a Path,
    library: &'a Library,
    /// Modules that are memories.
    sizes: &'a BTreeMap<String, MemorySize>,
    /// Union-find forest over nets: several names may mean the same net.
    parent: Vec<u32>,
    scopes: Vec<Scope>,
    cells: Vec<FlatCell>,
    pins: Vec<u32>,
    memories: Vec<FlatMemory>,
    /// Modules that are open, nets of all scopes, bytes of their names.
    depth: usize,
    scope_nets: usize,
    name_bytes: usize,
}

impl<'a> Flattener<'a> {
    pub(super) fn new(
        file: &'a Path,
        library: &'a Library,
        sizes: &'a BTreeMap<String, MemorySize>,
    ) -> Self {
        Self {
            file,
            library,
            sizes,
            parent: vec![ZERO, ONE],
            scopes: Vec::new(),
            cells: Vec::new(),
            pins: Vec::new(),
            memories: Vec::new(),
            depth: 0,
            scope_nets: 0,
            name_bytes: 0,
        }
    }

    pub(super) fn fresh(&mut self) -> u32 {
        let net = self.parent.len() as u32;
        self.parent.push(net);
        net
    }

    /// Representative of `net` in the union-find forest; halves the path to it.
    fn root(&mut self, mut net: u32) -> u32 {
        while self.parent[net as usize] != net {
            let next = self.parent[self.parent[net as usize] as usize];
            self.parent[net as usize] = next;
            net = next;
        }
        net
    }

    /// Refuses a design that grows beyond its limits.
    fn check_size(&self) -> Result<()> {
        let exceeded = [
            ("levels of hierarchy", self.depth, MOST_NESTING),
            ("instances", self.cells.len() + self.scopes.len(), MOST_INSTANCES),
            ("nets", self.parent.len().max(self.scope_nets), MOST_NETS),
            ("bytes of instance names", self.name_bytes, MOST_NAME_BYTES),
        ];
        match exceeded.into_iter().find(|(_, count, most)| count > most) {
            Some((what, _, most)) => Err(self.problem(format!("more than {most} {what}"))),
            None => Ok(()),
        }
    }

    /// Merges two nets; the lower number (so a constant) is kept.
    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b) as usize] = a.min(b);
    }

    fn problem(&self, problem: String) -> GateError {
        let problem = escape_name(&problem).into_owned();
        GateError::Netlist { file: self.file.to_path_buf(), problem }
    }

    /// Adds an instance of a module whose port bits are the nets `ports`.
    pub(super) fn module(
        &mut self,
        netlist: &Netlist,
        index: usize,
        path: String,
        ports: &[Vec<u32>],
    ) -> Result<()> {
        let module = &netlist.modules[index];
        self.depth += 1;
        self.scope_nets += module.names.len();
        self.name_bytes += path.len() + module.name.len();
        self.check_size()?;
        let mut nets = vec![NONE; module.names.len()];
        for (port, outer) in module.ports.iter().zip(ports) {
            for (bit, &net) in port.bits.iter().zip(outer) {
                match *bit {
                    Bit::Net(local) if nets[local as usize] == NONE => nets[local as usize] = net,
                    Bit::Net(local) => self.join(nets[local as usize], net),
                    Bit::Constant(value) => self.join(u32::from(value), net),
                    Bit::Undriven => {}
                }
            }
        }
        for net in &mut nets {
            if *net == NONE {
                *net = self.fresh();
            }
        }
        let scope = self.scopes.len() as u32;
        self.scopes.push(Scope {
            path: path.clone(),
            module: module.name.clone(),
            module_index: index,
            nets: nets.clone(),
        });
        if let Some(&size) = self.sizes.get(&module.name) {
            self.depth -= 1;
            return self.memory(module, size, scope, ports);
        }
        for instance in &module.instances {
            match netlist.index.get(&instance.of) {
                None => self.cell(instance, scope, &nets)?,
                Some(&child) => {
                    let ports = self.ports(&netlist.modules[child], instance, &nets)?;
                    let name = instance.name.as_str();
                    let path = if path.is_empty() { name.into() } else { format!("{path}.{name}") };
                    self.module(netlist, child, path, &ports)?;
                }
            }
        }
        self.check_size()?;
        self.depth -= 1;
        Ok(())
    }

    fn net(&mut self, bit: Bit, nets: &[u32]) -> u32 {
        match bit {
            Bit::Net(local) => nets[local as usize],
            Bit::Constant(value) => u32::from(value),
            Bit::Undriven => self.fresh(),
        }
    }

    /// Nets of a module instance's ports, in the order of the module.
    fn ports(
        &mut self,
        module: &Module,
        instance: &Instance,
        nets: &[u32],
    ) -> Result<Vec<Vec<u32>>> {
        // Ports are sorted by name.
        let known = |name: &str| module.ports.binary_search_by(|p| p.name.as_str().cmp(name));
        let unknown = instance.connections.keys().find(|name| known(name).is_err());
        if let Some(name) = unknown {
            return Err(self.problem(format!("module {} has no port {name}", module.name)));
        }
        let mut ports = Vec::new();
        for port in &module.ports {
            let bits = instance.connections.get(&port.name).map_or(&[][..], |b| b);
            if !bits.is_empty() && bits.len() != port.bits.len() {
                return Err(self.problem(format!(
                    "instance {} of {}: port {} has {} bits, {} are connected",
                    instance.name,
                    module.name,
                    port.name,
                    port.bits.len(),
                    bits.len()
                )));
            }
            let connected = (0..port.bits.len())
                .map(|i| self.net(bits.get(i).copied().unwrap_or(Bit::Undriven), nets));
            ports.push(connected.collect());
        }
        Ok(ports)
    }

    fn cell(&mut self, instance: &Instance, scope: u32, nets: &[u32]) -> Result<()> {
        let library = self.library;
        let Some(index) = library.index_of(&instance.of) else {
            return Err(self.problem(format!("cell type {} is missing", instance.of)));
        };
        let cell = &library.cells()[index];
        let pins = self.pins.len() as u32;
        let names = cell.inputs.iter().map(|p| &p.name);
        for name in names.chain(cell.outputs.iter().map(|p| &p.name)) {
            let bit = instance.connections.get(name).and_then(|b| b.first().copied());
            let net = self.net(bit.unwrap_or(Bit::Undriven), nets);
            self.pins.push(net);
        }
        self.cells.push(FlatCell { cell: index as u32, scope, pins });
        // Checked before numbers of nets and pins overflow.
        if self.cells.len().is_multiple_of(1 << 16) { self.check_size() } else { Ok(()) }
    }

    fn memory(
        &mut self,
        module: &Module,
        size: MemorySize,
        scope: u32,
        ports: &[Vec<u32>],
    ) -> Result<()> {
        let widths = module.ports.iter().map(|p| (p.name.as_str(), p.input, p.bits.len()));
        let shape = MemoryShape::new(&module.name, size, widths).map_err(|p| self.problem(p))?;
        let bus = |name: &str| -> Vec<u32> {
            let port = module.ports.iter().position(|p| p.name == name);
            port.map(|i| ports[i].clone()).unwrap_or_default()
        };
        let data = |prefix: &str| -> Vec<u32> {
            (0..shape.lanes).flat_map(|i| bus(&format!("{prefix}{i}"))).collect()
        };
        let one = |name: &str| bus(name).first().copied().unwrap_or(NONE);
        self.memories.push(FlatMemory {
            scope,
            clock: one("clock"),
            read_enable: one("re"),
            read_address: bus("ra"),
            read_data: data("rd_"),
            write_enable: one("we"),
            write_address: bus("wa"),
            write_data: data("wd_"),
            shape,
        });
        Ok(())
    }

    /// Numbers the nets densely and replaces all references.
    pub(super) fn finish(mut self, netlist: Netlist, mut ports: Vec<TopPort>) -> Flat {
        let mut number = vec![NONE; self.parent.len()];
        number[0] = ZERO;
        number[1] = ONE;
        let constants_joined = self.parent[1] != ONE;
        let mut count = 2;
        for net in 2..self.parent.len() as u32 {
            let root = self.root(net) as usize;
            // Flat forests keep later look-ups fast.
            self.parent[net as usize] = root as u32;
            if number[root] == NONE {
                number[root] = count;
                count += 1;
            }
            number[net as usize] = number[root];
        }
        let renumber = |nets: &mut [u32]| nets.iter_mut().for_each(|n| *n = number[*n as usize]);
        renumber(&mut self.pins);
        self.scopes.iter_mut().for_each(|s| renumber(&mut s.nets));
        ports.iter_mut().for_each(|p| renumber(&mut p.nets));
        for m in &mut self.memories {
            for bus in
                [&mut m.read_address, &mut m.read_data, &mut m.write_address, &mut m.write_data]
            {
                renumber(bus);
            }
            for net in [&mut m.clock, &mut m.read_enable, &mut m.write_enable] {
                *net = number[*net as usize];
            }
        }
        let Self { scopes, cells, pins, memories, .. } = self;
        Flat { netlist, scopes, cells, pins, memories, ports, nets: count, constants_joined }
    }
}
