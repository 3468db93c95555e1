//! Yosys JSON netlists (`write_json`): modules with ports, cells and names as bit numbers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use pecan_text::escape::escape_name;
use serde::Deserialize;

use super::error::{GateError, Result};

/// Modules listed in a message.
const SHOWN: usize = 20;

/// A bit of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bit {
    /// A net of the module, numbered densely from 0.
    Net(u32),
    /// A constant.
    Constant(bool),
    /// `x` or `z`: nothing drives it.
    Undriven,
}

/// A port of a module.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) name: String,
    pub(super) input: bool,
    pub(super) bits: Vec<Bit>,
}

/// A cell or module instance.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) name: String,
    /// Name of its cell or module.
    pub(super) of: String,
    pub(super) connections: BTreeMap<String, Vec<Bit>>,
}

/// One module.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) name: String,
    pub(super) blackbox: bool,
    pub(super) ports: Vec<Port>,
    pub(super) instances: Vec<Instance>,
    /// Names of the nets, by net; among several names the first that is not generated.
    pub(super) names: Vec<String>,
    /// All names of nets, with the net.
    pub(super) aliases: Vec<(String, u32)>,
}

/// A whole netlist.
#[derive(Debug)]
pub(super) struct Netlist {
    pub(super) modules: Vec<Module>,
    pub(super) index: HashMap<String, usize>,
    pub(super) top: usize,
}

#[derive(Deserialize)]
struct RawNetlist {
    modules: BTreeMap<String, RawModule>,
}

#[derive(Deserialize)]
struct RawModule {
    #[serde(default)]
    attributes: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    ports: BTreeMap<String, RawPort>,
    #[serde(default)]
    cells: BTreeMap<String, RawCell>,
    #[serde(default)]
    netnames: BTreeMap<String, RawName>,
}

#[derive(Deserialize)]
struct RawPort {
    direction: String,
    bits: Vec<RawBit>,
}

#[derive(Deserialize)]
struct RawCell {
    #[serde(rename = "type")]
    of: String,
    connections: BTreeMap<String, Vec<RawBit>>,
}

#[derive(Deserialize)]
struct RawName {
    #[serde(default)]
    hide_name: u8,
    bits: Vec<RawBit>,
    /// Least declared index.
    #[serde(default)]
    offset: i32,
    /// Indices are declared from the least to the greatest.
    #[serde(default)]
    upto: u8,
}

impl RawName {
    /// Declared index of the bit at place `i` from the right.
    fn index(&self, i: usize) -> i64 {
        let place = if self.upto == 0 { i } else { self.bits.len() - 1 - i };
        place as i64 + i64::from(self.offset)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawBit {
    Net(u32),
    Constant(String),
}

/// Gives dense numbers to the nets of a module.
#[derive(Default)]
struct Numbering(HashMap<u32, u32>);

impl Numbering {
    fn bits(&mut self, raw: &[RawBit]) -> Vec<Bit> {
        let bit = |raw: &RawBit| match raw {
            RawBit::Net(net) => {
                let next = self.0.len() as u32;
                Bit::Net(*self.0.entry(*net).or_insert(next))
            }
            RawBit::Constant(text) => match text.as_str() {
                "0" => Bit::Constant(false),
                "1" => Bit::Constant(true),
                _ => Bit::Undriven,
            },
        };
        raw.iter().map(bit).collect()
    }
}

impl Netlist {
    /// Reads a netlist; its top is the module that Yosys marked, or the only one that no other uses.
    ///
    /// # Errors
    /// [`GateError::Io`], [`GateError::Netlist`].
    pub(super) fn read(file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file).map_err(GateError::io("read", file))?;
        let problem = |problem: String| GateError::Netlist {
            file: file.to_path_buf(),
            problem: escape_name(&problem).into_owned(),
        };
        let raw: RawNetlist = serde_json::from_slice(&bytes).map_err(|e| problem(e.to_string()))?;
        let marked = |m: &RawModule| m.attributes.get("top").is_some_and(is_set);
        let mut tops: Vec<String> =
            raw.modules.iter().filter(|(_, m)| marked(m)).map(|(n, _)| n.clone()).collect();
        if tops.is_empty() {
            let cells = raw.modules.values().flat_map(|m| m.cells.values());
            let used: HashSet<&str> = cells.map(|cell| cell.of.as_str()).collect();
            tops = raw.modules.keys().filter(|n| !used.contains(n.as_str())).cloned().collect();
        }
        let [top] = &tops[..] else {
            let (count, shown) = (tops.len(), &tops[..tops.len().min(SHOWN)]);
            return Err(problem(format!("{count} modules could be the top: {shown:?}")));
        };
        let mut modules = Vec::new();
        for (name, module) in raw.modules {
            modules.push(build(name, &module).map_err(&problem)?);
        }
        let index: HashMap<String, usize> =
            modules.iter().enumerate().map(|(i, m)| (m.name.clone(), i)).collect();
        let top = index[top];
        Ok(Self { modules, index, top })
    }
}

/// True for an attribute that is not zero.
fn is_set(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => text.contains('1'),
        serde_json::Value::Number(number) => number.as_u64() != Some(0),
        _ => false,
    }
}

fn build(name: String, raw: &RawModule) -> std::result::Result<Module, String> {
    let mut numbering = Numbering::default();
    let mut ports = Vec::new();
    for (port, value) in &raw.ports {
        let input = match value.direction.as_str() {
            "input" => true,
            "output" => false,
            other => return Err(format!("module {name}: port {port} is {other}")),
        };
        ports.push(Port { name: port.clone(), input, bits: numbering.bits(&value.bits) });
    }
    let mut instances = Vec::new();
    for (instance, cell) in &raw.cells {
        let connections =
            cell.connections.iter().map(|(pin, bits)| (pin.clone(), numbering.bits(bits)));
        let connections = connections.collect();
        instances.push(Instance { name: instance.clone(), of: cell.of.clone(), connections });
    }
    let mut aliases = Vec::new();
    let mut best: HashMap<u32, (u8, String)> = HashMap::new();
    for (net, value) in &raw.netnames {
        for (i, bit) in numbering.bits(&value.bits).into_iter().enumerate() {
            let Bit::Net(bit) = bit else { continue };
            let text = if value.bits.len() == 1 {
                net.clone()
            } else {
                format!("{net}[{}]", value.index(i))
            };
            aliases.push((text.clone(), bit));
            let better = best.get(&bit).is_none_or(|(hidden, _)| value.hide_name < *hidden);
            if better {
                best.insert(bit, (value.hide_name, text));
            }
        }
    }
    let names = (0..numbering.0.len() as u32)
        .map(|net| best.remove(&net).map_or_else(|| format!("$net{net}"), |(_, text)| text))
        .collect();
    let blackbox = raw.attributes.get("blackbox").is_some_and(is_set);
    Ok(Module { name, blackbox, ports, instances, names, aliases })
}
