//! Record of a characterized case, kept on disk so that a killed calibration can resume.

use std::path::{Path, PathBuf};

use pecan_config::isa::counter::Counter;
use pecan_emulator::Toggle;
use pecan_host::file::write_whole;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use pecan_energy::{Block, Class};
use pecan_energy::{EnergyError, Events};

/// A case: events of a program on a configuration, and its energy at gate level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Hash of everything that decides the case: netlist, libraries, program, settings.
    pub key: String,
    /// Name of the configuration.
    pub config: String,
    /// Name of the layer.
    pub layer: String,
    /// Clock cycles that were simulated.
    pub cycles: u64,
    /// Cells of the netlist.
    pub cells: u64,
    /// Counters and toggles by key; those that are 0 are left out.
    pub events: BTreeMap<String, f64>,
    /// Energy in pJ by `block.class`, with glitches.
    pub energy: BTreeMap<String, f64>,
    /// The same without glitches, of held-out cases; never mixed with the other.
    pub zero_delay: BTreeMap<String, f64>,
}

impl Record {
    /// Energy (pJ) of a block and class.
    #[must_use]
    pub fn energy(&self, block: Block, class: Class) -> f64 {
        self.energy.get(&label(block, class)).copied().unwrap_or(0.0)
    }

    /// Energy (pJ) of all blocks.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.energy.values().sum()
    }

    /// The events.
    #[must_use]
    pub fn events(&self) -> Events {
        let value = |key: &str| self.events.get(key).copied().unwrap_or(0.0);
        let mut events = Events::default();
        Counter::ALL.iter().for_each(|c| events.counts[*c as usize] = value(c.key()));
        Toggle::ALL.iter().for_each(|t| events.toggles[*t as usize] = value(&toggle_key(*t)));
        events
    }

    /// Keys and values of events.
    #[must_use]
    pub fn keyed(events: &Events) -> BTreeMap<String, f64> {
        let counts = Counter::ALL.iter().map(|c| (c.key().to_owned(), events.count(*c)));
        let toggles = Toggle::ALL.iter().map(|t| (toggle_key(*t), events.toggle(*t)));
        counts.chain(toggles).filter(|(_, value)| *value != 0.0).collect()
    }

    /// File of a case in a folder.
    #[must_use]
    pub fn path(folder: &Path, config: &str, layer: &str) -> PathBuf {
        let safe: String = layer
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "-_.@".contains(c) { c } else { '_' })
            .collect();
        folder.join(config).join(format!("{safe}.json"))
    }

    /// The finished case in a file, if its key is `key`. A file that is damaged or of other inputs counts as absent.
    #[must_use]
    pub fn read(path: &Path, key: &str) -> Option<Self> {
        let text = std::fs::read(path).ok()?;
        let record: Option<Self> = serde_json::from_slice(&text).ok();
        if record.is_none() {
            tracing::warn!("{} is damaged and is computed again", path.display());
        }
        record.filter(|record| record.key == key)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), EnergyError> {
        let io = |source| EnergyError::Io { action: "write", path: path.into(), source };
        let text = serde_json::to_vec_pretty(self).map_err(|error| io(error.into()))?;
        // Atomic: a killed run leaves no half-written case.
        write_whole(path, text).map_err(io)
    }
}

/// Key of a block and class.
#[must_use]
pub(super) fn label(block: Block, class: Class) -> String {
    format!("{}.{}", block.name(), class.name())
}

fn toggle_key(toggle: Toggle) -> String {
    format!("toggle_{}", toggle.key())
}
