//! Toggles and times at 1 of all nets: from this simulator, or from the SAIF file of another.

use std::collections::HashMap;
use std::path::Path;

use pecan_text::escape::escape_name;

use super::GateDesign;
use super::energies::Energies;
use super::error::{GateError, Result};
use super::saif::{self, SaifNet};
use pecan_host::file::write_whole;

/// Least share of nets that a file must cover.
const LEAST_COVERAGE: f64 = 0.99;

/// Activity of every net of a design.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    /// Toggles in the whole time.
    pub toggles: Vec<f64>,
    /// Share of the time at 1.
    pub ones: Vec<f64>,
    /// Clock cycles.
    pub cycles: f64,
    /// Share of the nets that the source covers.
    pub coverage: f64,
}

impl Activity {
    /// The activity of a simulation of the same design.
    pub fn of(energies: &Energies) -> Self {
        Self {
            toggles: energies.toggles.iter().map(|&t| t as f64).collect(),
            ones: energies.ones.clone(),
            cycles: energies.cycles as f64,
            coverage: 1.0,
        }
    }

    /// Reads a SAIF file. Its instances are matched from the instance whose children are those of the design's top;
    /// `period_ns` and the duration of the file determine the number of cycles.
    ///
    /// # Errors
    /// [`GateError::Io`], [`GateError::Saif`] if it is malformed or covers less than 99 % of the
    /// nets, with the first names that are missing.
    pub fn read_saif(design: &GateDesign, file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).map_err(GateError::io("read", file))?;
        let problem = |problem: String| GateError::Saif {
            file: file.to_path_buf(),
            problem: escape_name(&problem).into_owned(),
        };
        let saif = saif::parse(&text).map_err(problem)?;
        let by_name: HashMap<(&str, &str), &SaifNet> =
            saif.nets.iter().map(|net| ((&*net.path, net.name.as_str()), net)).collect();
        let prefix = saif.prefix(design.flat.top_name());
        let mut toggles = vec![None; design.nets()];
        let mut ones = vec![0.0; design.nets()];
        for scope in &design.flat.scopes {
            let path = match (prefix.as_str(), scope.path.as_str()) {
                (prefix, "") => prefix.to_string(),
                ("", path) => path.to_string(),
                (prefix, path) => format!("{prefix}.{path}"),
            };
            for (name, local) in &design.flat.netlist.modules[scope.module_index].aliases {
                if let Some(net) = by_name.get(&(path.as_str(), name.as_str())) {
                    let at = scope.nets[*local as usize] as usize;
                    toggles[at] = Some(net.toggles);
                    ones[at] = net.ones / saif.duration.max(f64::MIN_POSITIVE);
                }
            }
        }
        let missing = design.missing(&toggles);
        let coverage = 1.0 - missing.len() as f64 / design.nets().max(1) as f64;
        if coverage < LEAST_COVERAGE {
            let some: Vec<String> =
                missing.iter().take(5).map(|&n| design.flat.net_name(n)).collect();
            return Err(problem(format!(
                "only {:.1} % of the nets have figures; missing are {}",
                coverage * 100.0,
                some.join(", ")
            )));
        }
        ones[1] = 1.0;
        let cycles = saif.duration * saif.scale_ns / design.options.period_ns;
        let toggles = toggles.into_iter().map(|t| t.unwrap_or(0.0)).collect();
        Ok(Self { toggles, ones, cycles, coverage })
    }
}

impl GateDesign {
    /// Driven nets that are not covered.
    fn missing(&self, toggles: &[Option<f64>]) -> Vec<u32> {
        let driven = |net: &u32| self.model.net_scope[*net as usize] != super::elaborate::NONE;
        (2..self.flat.nets).filter(driven).filter(|&n| toggles[n as usize].is_none()).collect()
    }

    /// Writes toggles and times at 1 of a run as a SAIF file.
    ///
    /// # Errors
    /// [`GateError::Io`].
    pub fn write_saif(&self, energies: &Energies, file: &Path) -> Result<()> {
        let duration = (energies.cycles as f64 * self.options.period_ns * 1e3).round();
        let text = saif::text(&self.flat, energies, duration);
        write_whole(file, text).map_err(GateError::io("write", file))
    }
}
