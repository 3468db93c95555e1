//! Cell groups of a library as compact models.

use super::boolean::{Truth, compile};
use super::cell::{
    Cell, CellFunction, MAX_VARIABLES, MOST_OUTPUTS, MOST_STATES, Output, Pin, Selection,
};
use super::power;
use super::syntax::{Group, SyntaxError};
use super::table::Table;
use super::units::Units;

/// All cells of a library. Cells that the simulator does not support (macros, tristate, scan without a model) are kept
/// with the reason, for error messages.
pub(crate) fn cells(library: &Group<'_>, units: &Units) -> Result<Vec<Cell>, SyntaxError> {
    let mut cells = Vec::new();
    let mut states = 0;
    for group in library.all("cell") {
        let cell = cell(group, units)?;
        states += cell.states();
        if states > MOST_STATES {
            let problem = format!("the tables of the cells have more than {MOST_STATES} entries");
            return Err(SyntaxError::new(group.line, problem));
        }
        cells.push(cell);
    }
    Ok(cells)
}

fn cell(group: &Group<'_>, units: &Units) -> Result<Cell, SyntaxError> {
    let name = group.args.first().copied().unwrap_or_default().to_string();
    let area = group.number("area")?.unwrap_or(0.0);
    match Draft::new(group) {
        Ok(draft) => draft.finish(name, area, units),
        Err(reason) => Ok(Cell {
            name,
            line: group.line,
            area,
            inputs: Vec::new(),
            outputs: Vec::new(),
            kind: CellFunction::Unusable(reason),
            variables: 0,
            leakage: power::leakage(group, units, 1, &|_, _| Ok(Truth::constant(false, 0)))?,
        }),
    }
}

/// The storage element of a cell.
enum Storage<'g, 'a> {
    None,
    Flop(&'g Group<'a>),
    Latch(&'g Group<'a>),
    Gate(Option<&'g Group<'a>>),
}

/// A cell that can be simulated, before its tables are read.
struct Draft<'g, 'a> {
    group: &'g Group<'a>,
    inputs: Vec<&'g Group<'a>>,
    outputs: Vec<&'g Group<'a>>,
    storage: Storage<'g, 'a>,
    variables: u32,
    /// Truth tables of all names in expressions of this cell.
    names: Vec<(String, Truth)>,
}

fn pin_name<'a>(pin: &Group<'a>) -> &'a str {
    pin.args.first().copied().unwrap_or_default()
}

impl<'g, 'a> Draft<'g, 'a> {
    /// Finds pins and storage; the error is the reason why the cell cannot be simulated.
    fn new(group: &'g Group<'a>) -> Result<Self, String> {
        if group.all("bus").next().is_some() || group.all("bundle").next().is_some() {
            return Err("a macro with buses".into());
        }
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for pin in group.all("pin") {
            match pin.text("direction") {
                Some("input") => inputs.push(pin),
                Some("output") if pin.attribute("three_state").is_some() => {
                    return Err("tristate".into());
                }
                Some("output") => outputs.push(pin),
                Some("internal") => {}
                other => return Err(format!("pin of direction {}", other.unwrap_or("(none)"))),
            }
        }
        if outputs.is_empty() {
            return Err("no output".into());
        }
        if outputs.len() > MOST_OUTPUTS {
            return Err(format!("more than {MOST_OUTPUTS} outputs"));
        }
        let storage = storage(group)?;
        let stored = u32::from(!matches!(storage, Storage::None));
        let variables = inputs.len() as u32 + stored;
        if variables > MAX_VARIABLES {
            return Err(format!("more than {MAX_VARIABLES} inputs"));
        }
        let mut draft = Self { group, inputs, outputs, storage, variables, names: Vec::new() };
        draft.name_variables();
        draft.name_outputs()?;
        Ok(draft)
    }

    fn name_variables(&mut self) {
        let variable = |i: usize| Truth::variable(i as u32, self.variables);
        for (i, pin) in self.inputs.iter().enumerate() {
            self.names.push((pin_name(pin).to_string(), variable(i)));
        }
        let stored = self.inputs.len();
        let group = match self.storage {
            Storage::None => return,
            Storage::Flop(g) | Storage::Latch(g) => Some(g),
            Storage::Gate(g) => g,
        };
        let is_gate = matches!(self.storage, Storage::Gate(_));
        // ff (value, complement), but statetable (inputs, value).
        let names = group.map_or(&[][..], |g| &g.args);
        for (i, name) in names.iter().enumerate() {
            if is_gate && i == 1 {
                self.names.push(((*name).to_string(), variable(stored)));
            } else if !is_gate {
                let truth = if i == 0 { variable(stored) } else { variable(stored).complement() };
                self.names.push(((*name).to_string(), truth));
            }
        }
    }

    fn name_outputs(&mut self) -> Result<(), String> {
        for pin in self.outputs.clone() {
            let truth = match (&self.storage, pin.text("function")) {
                (Storage::Gate(_), _) => {
                    let clock = self.clock_of_gate()?;
                    let stored = Truth::variable(self.inputs.len() as u32, self.variables);
                    Truth::variable(clock, self.variables).zip(&stored, |a, b| a & b)
                }
                (_, Some(function)) => self.compile(function)?,
                (_, None) => return Err(format!("output {} has no function", pin_name(pin))),
            };
            self.names.push((pin_name(pin).to_string(), truth));
        }
        Ok(())
    }

    fn compile(&self, expression: &str) -> Result<Truth, String> {
        let lookup = |name: &str| {
            let found = self.names.iter().find(|(n, _)| n == name);
            found.map(|(_, truth)| truth.clone())
        };
        compile(expression, self.variables, &lookup)
    }

    fn clock_of_gate(&self) -> Result<u32, String> {
        let clock = |pin: &&Group<'_>| pin.text("clock_gate_clock_pin") == Some("true");
        let named = self.inputs.iter().position(clock);
        let position =
            named.or_else(|| self.inputs.iter().position(|pin| pin.text("clock") == Some("true")));
        position.map(|p| p as u32).ok_or_else(|| "a clock gate without clock pin".into())
    }

    fn kind(&self) -> Result<CellFunction, String> {
        let constant = |value| Truth::constant(value, self.variables);
        let condition = |group: &Group<'_>, key: &str| match group.text(key) {
            Some(text) => self.compile(text),
            None => Ok(constant(false)),
        };
        match self.storage {
            Storage::None => Ok(CellFunction::Combinational),
            Storage::Flop(ff) => {
                let clock = ff.text("clocked_on").unwrap_or_default();
                let name = clock.trim_matches(|c: char| c == '(' || c == ')' || c == ' ');
                let pin = self.inputs.iter().position(|p| pin_name(p) == name);
                let clock = pin.ok_or_else(|| format!("a flop clocked on `{clock}`"))? as u32;
                let next = self.compile(ff.text("next_state").unwrap_or_default())?;
                let (clear, preset) = (condition(ff, "clear")?, condition(ff, "preset")?);
                Ok(CellFunction::Flop { clock, next, clear, preset })
            }
            Storage::Latch(latch) => {
                let enable = condition(latch, "enable")?;
                let data = self.compile(latch.text("data_in").unwrap_or_default())?;
                let stored = Truth::variable(self.inputs.len() as u32, self.variables);
                let open = enable.clone().zip(&data, |e, d| e & d);
                let held = enable.zip(&stored, |e, s| !e & s);
                let next = open.zip(&held, |a, b| a | b);
                let next = next.zip(&condition(latch, "preset")?, |n, p| n | p);
                let next = next.zip(&condition(latch, "clear")?, |n, c| n & !c);
                Ok(CellFunction::Latch { next })
            }
            Storage::Gate(_) => {
                let clock = self.clock_of_gate()?;
                let mut enable = constant(false);
                for (i, pin) in self.inputs.iter().enumerate() {
                    let on = |key| pin.text(key) == Some("true");
                    if on("clock_gate_enable_pin") || on("clock_gate_test_pin") {
                        let pin = Truth::variable(i as u32, self.variables);
                        enable = enable.zip(&pin, |a, b| a | b);
                    }
                }
                if enable == constant(false) {
                    return Err("a clock gate without enable pin".into());
                }
                Ok(CellFunction::ClockGate { clock, enable })
            }
        }
    }

    fn finish(self, name: String, area: f64, units: &Units) -> Result<Cell, SyntaxError> {
        let states = 1usize << self.variables;
        let kind = self.kind().unwrap_or_else(CellFunction::Unusable);
        let at = |line: u32| move |problem: String| SyntaxError { line, problem };
        let when = |text: &str, line: u32| self.compile(text).map_err(at(line));
        let names: Vec<&str> = self.inputs.iter().map(|p| pin_name(p)).collect();
        let mut inputs = Vec::new();
        for pin in &self.inputs {
            let capacitance = pin.number("capacitance")?.map(|c| c * units.load);
            inputs.push(Pin {
                name: pin_name(pin).to_string(),
                capacitance: capacitance.unwrap_or(units.default_capacitance),
                power: power::of_input(pin, units, states, &when)?,
            });
        }
        let edge = matches!(kind, CellFunction::Flop { .. });
        let mut outputs = Vec::new();
        for pin in &self.outputs {
            outputs.push(Output {
                name: pin_name(pin).to_string(),
                function: when(pin_name(pin), pin.line)?,
                power: match pin.all("internal_power").next() {
                    Some(_) => power::of_output(pin, units, &names, states, &when)?,
                    None => Selection::default(),
                },
                rise: delays(pin, "cell_rise", edge, units)?,
                fall: delays(pin, "cell_fall", edge, units)?,
            });
        }
        let leakage = power::leakage(self.group, units, states, &when)?;
        let (line, variables) = (self.group.line, self.variables);
        Ok(Cell { name, line, area, inputs, outputs, kind, variables, leakage })
    }
}

/// The storage of a cell, or the reason why it cannot be simulated.
fn storage<'g, 'a>(group: &'g Group<'a>) -> Result<Storage<'g, 'a>, String> {
    let first = |name: &'static str| group.groups.iter().find(|g| g.name == name);
    if group.all("ff").count() + group.all("latch").count() > 1 {
        return Err("several storage elements".into());
    }
    if let Some(kind) = group.text("clock_gating_integrated_cell") {
        return match kind.strip_prefix("latch_posedge") {
            Some("" | "_precontrol") => Ok(Storage::Gate(first("statetable"))),
            _ => Err(format!("a clock gate of type {kind}")),
        };
    }
    for kind in ["ff_bank", "latch_bank", "statetable"] {
        if first(kind).is_some() {
            return Err(format!("a cell with {kind}"));
        }
    }
    Ok(match (first("ff"), first("latch")) {
        (Some(ff), _) => Storage::Flop(ff),
        (_, Some(latch)) => Storage::Latch(latch),
        _ => Storage::None,
    })
}

/// The delay tables of an output in ps: of all arcs, or of those from a clock edge.
fn delays(
    pin: &Group<'_>,
    key: &str,
    edge: bool,
    units: &Units,
) -> Result<Vec<Table>, SyntaxError> {
    let is_edge = |t: &&Group<'_>| t.text("timing_type").is_some_and(|k| k.ends_with("_edge"));
    pin.all("timing")
        .filter(|t| !edge || is_edge(t))
        .flat_map(|t| t.groups.iter().filter(|g| g.name == key))
        .map(|g| units.table(g, units.time))
        .collect()
}
