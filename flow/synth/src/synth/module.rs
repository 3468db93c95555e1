//! Netlists of single modules.
//!
//! Every module is mapped by a Yosys process of its own that reads only its text and the ports of its submodules. In a
//! common run, names elsewhere in the design decide the order in which Yosys and ABC work, and the same module gets
//! different netlists in different designs, with different energies. So one text gives one netlist, and a module that
//! designs share is mapped once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pecan_host::cache::{Entry, Slot};
use pecan_rtl::emit::{Design, Module};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cache::{self, Input};
use crate::yosys::{Recipe, Yosys};
use crate::{Result, ToolError};

/// A module to map, with the files that Yosys reads.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) name: String,
    /// Script, text and ports of its submodules.
    pub(super) files: Vec<Input>,
}

/// Inputs common to all modules of a design.
pub(super) struct Synthesizer<'a> {
    pub(super) cache: &'a Path,
    pub(super) yosys: &'a Yosys,
    /// The cell library on disk.
    pub(super) liberty: &'a Path,
    /// Inputs that decide a netlist besides the files: hash of the library, version of the tool.
    pub(super) key: &'a [&'a str],
    pub(super) limit: Option<Duration>,
}

/// Empty record: the netlist is all that is stored of a module.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Nothing {}

impl Unit {
    /// The module, with `common` files that the script reads too.
    pub(super) fn new(
        module: &Module,
        design: &Design,
        recipe: &Recipe<'_>,
        common: &[Input],
    ) -> Self {
        let name = &module.name;
        let inside = |other: &&Module| module.instantiates.contains(&other.name);
        let ports: String = design.modules.iter().filter(inside).map(Module::ports).collect();
        let ports = (!ports.is_empty()).then(|| (format!("{name}_ports.v"), ports));
        let script = recipe.map(name, ports.as_ref().map(|(file, _)| file.as_str()));
        let own = [(format!("{name}.ys"), script), (format!("{name}.v"), module.text.clone())];
        let files = own.into_iter().chain(ports).chain(common.iter().cloned()).collect();
        Self { name: name.clone(), files }
    }

    fn script(&self) -> String {
        format!("{}.ys", self.name)
    }

    /// File of the netlist, as the scripts call it.
    pub(super) fn netlist(&self) -> String {
        format!("{}.json", self.name)
    }
}

/// The netlist of a module.
pub(super) struct Made {
    pub(super) netlist: PathBuf,
    /// Seconds that making it took.
    pub(super) seconds: f64,
    pub(super) cached: bool,
}

impl Synthesizer<'_> {
    /// Number of modules that are not in the cache.
    pub(super) fn missing(&self, units: &[Unit]) -> usize {
        units.iter().filter(|unit| !self.base().join(self.key_of(unit)).exists()).count()
    }

    /// Netlists of the modules, in their order, on all cores.
    ///
    /// # Errors
    /// Those of [`Yosys::run`] and of the cache.
    pub(super) fn map_all(&self, units: &[Unit]) -> Result<Vec<Made>> {
        // Stops at the first failure: a tool that hangs would do so for every module.
        units.par_iter().map(|unit| self.map(unit)).collect()
    }

    fn map(&self, unit: &Unit) -> Result<Made> {
        let (base, key) = (self.base(), self.key_of(unit));
        let slot = Slot { base: &base, key: &key, what: "netlist", files: &[cache::NETLIST] };
        let entry: Entry<Nothing> = slot.obtain(|folder| {
            cache::write(folder, &unit.files, self.liberty)?;
            self.yosys.run(folder, &unit.script(), self.limit)?;
            let written = folder.join(unit.netlist());
            if !written.exists() {
                let reason = format!("{} was not written", unit.netlist());
                return Err(ToolError::Report { tool: "yosys", what: "netlist", reason });
            }
            let to = folder.join(cache::NETLIST);
            std::fs::rename(&written, &to).map_err(ToolError::io("move", &written))?;
            Ok::<_, ToolError>(Nothing {})
        })?;
        let Entry { folder, seconds, cached, .. } = entry;
        Ok(Made { netlist: folder.join(cache::NETLIST), seconds, cached })
    }

    fn base(&self) -> PathBuf {
        self.cache.join("modules")
    }

    fn key_of(&self, unit: &Unit) -> String {
        cache::key(&unit.files, self.key.iter().copied())
    }
}
