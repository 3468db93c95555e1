//! Results of a simulation.

use std::collections::BTreeMap;

/// Energy of one module instance itself, without the instances inside it, in pJ.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScopeEnergy {
    /// Instance names from the top, separated by `.`; empty for the top itself.
    pub path: String,
    /// Name of the module.
    pub module: String,
    /// Charging of data nets (half of C times V^2 per toggle), at their drivers.
    pub switching_pj: f64,
    /// Inside the cells, without clock pins and clock gates.
    pub internal_pj: f64,
    /// Clock nets, clock pins of flops, clock gates.
    pub clock_pj: f64,
    /// Leakage.
    pub leakage_pj: f64,
}

impl ScopeEnergy {
    /// Sum of all classes in pJ.
    pub fn total_pj(&self) -> f64 {
        self.switching_pj + self.internal_pj + self.clock_pj + self.leakage_pj
    }

    /// Adds the energies of `other`.
    pub fn add(&mut self, other: &Self) {
        self.switching_pj += other.switching_pj;
        self.internal_pj += other.internal_pj;
        self.clock_pj += other.clock_pj;
        self.leakage_pj += other.leakage_pj;
    }
}

/// Use of one memory. Its internal energy is not part of [`Energies`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryUse {
    /// Instance path.
    pub path: String,
    /// Name of the module.
    pub module: String,
    /// Words.
    pub words: usize,
    /// Bits per word.
    pub bits: usize,
    /// Cycles with a read.
    pub reads: u64,
    /// Cycles with a write.
    pub writes: u64,
    /// Bits of the read data that changed.
    pub read_toggles: u64,
    /// Bits that differ between a written word and the one written before.
    pub write_toggles: u64,
}

/// Energies of a measuring window.
#[derive(Debug, Clone, PartialEq)]
pub struct Energies {
    /// One entry per module instance, parents before children.
    pub scopes: Vec<ScopeEnergy>,
    /// Use of each memory.
    pub memories: Vec<MemoryUse>,
    /// Toggles of each net, in the numbering of the design.
    pub toggles: Vec<u64>,
    /// Share of the time that each net is 1: of its settled values, and for clocks of the real time.
    pub ones: Vec<f64>,
    /// Cycles of the window.
    pub cycles: u64,
    /// Toggles of data nets in the window.
    pub events: u64,
    /// Pulses that were shorter than the delay of the gate that would have made them.
    pub swallowed: u64,
    /// Time from a clock edge to the last event after it, in ns. If it exceeds the period, the netlist is too slow for
    /// its clock. 0 without delays.
    pub settled_ns: f64,
}

impl Energies {
    /// Sum over all scopes.
    pub fn total(&self) -> ScopeEnergy {
        let mut sum = ScopeEnergy::default();
        self.scopes.iter().for_each(|scope| sum.add(scope));
        sum
    }

    /// Sums over the scopes of each class that `class` assigns them to (by path and module); scopes with `None` are
    /// left out.
    pub fn by_class<K: Ord>(
        &self,
        class: impl Fn(&str, &str) -> Option<K>,
    ) -> BTreeMap<K, ScopeEnergy> {
        let mut sums: BTreeMap<K, ScopeEnergy> = BTreeMap::new();
        for scope in &self.scopes {
            if let Some(key) = class(&scope.path, &scope.module) {
                sums.entry(key).or_default().add(scope);
            }
        }
        sums
    }

    /// Energy of an instance and all instances inside it.
    pub fn below(&self, path: &str) -> ScopeEnergy {
        let inside = |p: &str| {
            path.is_empty()
                || p.strip_prefix(path).is_some_and(|r| r.is_empty() || r.starts_with('.'))
        };
        let mut sum = ScopeEnergy::default();
        self.scopes.iter().filter(|s| inside(&s.path)).for_each(|scope| sum.add(scope));
        let found = self.scopes.iter().find(|s| s.path == path);
        sum.module = found.map(|s| s.module.clone()).unwrap_or_default();
        sum.path = path.to_string();
        sum
    }
}
