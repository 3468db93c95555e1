//! The Verilog emitter.
//!
//! [`emit`] traverses a block and writes one plain Verilog-2005 module for each *distinct* component, regardless of the
//! number of instances. Modules are compared bottom-up by their text.
//!
//! Every target of a block's `update` becomes a function of its own: an `assign`, one `always @*` block, or, for a
//! register, one `always @(posedge clock)` block. So signals that are independent in the design are independent in the
//! Verilog. Expressions keep the exact integer meaning of [`Value`](crate::Value): operands are extended explicitly,
//! and every expression has the width that the lint of Verilog tools requires.

mod always;
mod collect;
mod drive;
mod expr;
mod index;
mod ir;
mod kind;
mod link;
mod lower;
mod module;
mod names;
mod order;
mod parts;
mod ports;
mod range;
mod select;
mod simplify;

#[cfg(test)]
mod bundles;
#[cfg(test)]
mod refusals;

pub use kind::{Kind, MemorySize};
pub use names::is_keyword;
pub use ports::{Port, ports};

use rust_hdl_core::block::Block;
use std::fmt;

/// One Verilog module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Name of the module.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Its complete text, ending with a newline.
    pub text: String,
    /// Names of the modules that it instantiates, each once, in ascending order.
    pub instantiates: Vec<String>,
}

impl Module {
    /// The module with its ports and no contents, for tools that use it as a black box.
    #[must_use]
    pub fn ports(&self) -> String {
        let end = module::PORTS_END;
        format!("{}{end}endmodule\n", self.text.split(end).next().unwrap_or_default())
    }
}

/// The emitted modules, each after those that it instantiates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Design {
    /// Distinct modules, the top module last.
    pub modules: Vec<Module>,
    /// Name of the top module.
    pub top: String,
}

impl Design {
    /// All modules in one text.
    pub fn text(&self) -> String {
        self.modules.iter().map(|m| m.text.as_str()).collect::<Vec<_>>().join("\n")
    }
}

/// A problem that keeps a block from becoming Verilog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Kind (module name) of the block.
    pub module: String,
    /// Path of the first affected instance.
    pub instance: String,
    /// The affected signal or statement.
    pub signal: String,
    /// The problem and a valid alternative.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { module, instance, signal, message } = self;
        write!(f, "{module} ({instance}): {signal}: {message}")
    }
}

/// All problems that keep a design from becoming Verilog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no Verilog for this design:{}", .problems.iter().map(|p| format!("\n  {p}")).collect::<String>())]
pub struct EmitError {
    /// The problems in the order found, one for each kind of block and signal.
    pub problems: Vec<Problem>,
}

/// Writes the Verilog of `top`, whose module is called `name`.
///
/// # Errors
/// Undriven signals, latches, values that do not fit their target, reads between two writes, names
/// that are no Verilog names or clash, constructs that have no Verilog: all of them at once.
pub fn emit<B: Block>(top: &B, name: &str) -> Result<Design, EmitError> {
    emit_with_prefix(top, name, "")
}

/// As [`emit`], with names of all modules but the top that begin with `prefix`: for designs that share a name space
/// with others.
///
/// # Errors
/// As [`emit`].
pub fn emit_with_prefix<B: Block>(top: &B, name: &str, prefix: &str) -> Result<Design, EmitError> {
    let mut collector = collect::Collector::new(name, prefix);
    top.accept(name, &mut collector);
    collector.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pecan_accelerator::blocks::Accelerator;
    use pecan_config::PRESETS;
    use std::collections::BTreeSet;

    #[test]
    fn modules_tell_their_ports_and_what_is_in_them() {
        for preset in PRESETS {
            let design = emit(&Accelerator::new(&preset.config()), "pecan").unwrap();
            let mut known = BTreeSet::new();
            for module in &design.modules {
                let ports = module.ports();
                let body = module.text.strip_prefix(ports.strip_suffix("endmodule\n").unwrap());
                // An instance begins with the module's name and its own: `pe u_pe_0 (`.
                let instances = body.unwrap().lines().filter_map(|line| {
                    let words: Vec<&str> = line.split_whitespace().collect();
                    matches!(words[..], [_, name, "("] if name.starts_with("u_")).then(|| words[0])
                });
                let instances: BTreeSet<&str> = instances.collect();
                let told = module.instantiates.iter().map(String::as_str);
                assert_eq!(told.collect::<Vec<_>>(), instances.into_iter().collect::<Vec<_>>());
                assert!(module.instantiates.iter().all(|name| known.contains(name)));
                assert!(ports.starts_with(&format!("module {} (\n    input ", module.name)));
                assert!(module.name.starts_with(&module.kind.block));
                // The memories' names end in their sizes.
                let size =
                    module.kind.memory.map(|MemorySize { words, bits }| format!("_{words}x{bits}"));
                let sized =
                    size.is_none_or(|size| module.name == module.kind.block.clone() + &size);
                assert!(sized, "{}", module.name);
                assert_eq!(ports.matches(';').count(), 1, "{ports}");
                known.insert(module.name.clone());
            }
            assert!(design.modules.iter().any(|module| module.instantiates.len() > 5));
            let memory = |name: &str| {
                let of = |module: &&Module| module.kind.block == name;
                design.modules.iter().find(of).and_then(|module| module.kind.memory)
            };
            let size = MemorySize {
                words: preset.config().buffer_words(),
                bits: preset.config().word_bits(),
            };
            assert_eq!(memory("global_buffer"), Some(size));
            assert!(memory("weight_buffer").is_some() && memory("param_memory").is_some());
        }
    }

    /// A prefix renames modules and changes nothing else.
    #[test]
    fn a_prefix_changes_the_names_of_modules_only() {
        let top = Accelerator::new(&PRESETS[0].config());
        let plain = emit(&top, "pecan").unwrap();
        let prefixed = emit_with_prefix(&top, "x", "x_").unwrap();
        assert_eq!(plain.modules.len(), prefixed.modules.len());
        for (plain, prefixed) in plain.modules.iter().zip(&prefixed.modules) {
            let renamed = |line: &str| {
                let words: Vec<&str> = line.split_whitespace().collect();
                match words[..] {
                    ["module", "pecan", "("] => line.replacen("pecan", "x", 1),
                    ["module", name, "("] => line.replacen(name, &format!("x_{name}"), 1),
                    [name, instance, "("] if instance.starts_with("u_") => {
                        line.replacen(name, &format!("x_{name}"), 1)
                    }
                    _ => line.to_owned(),
                }
            };
            let text: Vec<String> = plain.text.lines().map(renamed).collect();
            assert_eq!(text, prefixed.text.lines().collect::<Vec<_>>(), "{}", plain.name);
            assert!(prefixed.text.starts_with(&format!("module {} (", prefixed.name)));
        }
    }
}
