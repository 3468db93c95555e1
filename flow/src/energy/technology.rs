//! The technology file: coefficients of the energy model with their units, origin and residuals.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use strsim::jaro_winkler;

use super::EnergyError;
use super::sram::SramModel;

/// Version of the file format that this program reads and writes.
pub const FORMAT: u32 = 1;

/// Technologies that are part of the program, by name.
const BUILTIN: &[(&str, &str)] = &[
    ("sg13g2", include_str!("../../technologies/sg13g2.toml")),
    ("osu018", include_str!("../../technologies/osu018.toml")),
    ("asap7", include_str!("../../technologies/asap7.toml")),
    ("eyeriss-relative", include_str!("../../technologies/eyeriss-relative.toml")),
];

/// A technology: everything that turns counts and toggles into energy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Technology {
    /// Version of the file format.
    pub format: u32,
    /// Name, as given to `--technology`.
    pub name: String,
    /// Unit of the energies: `pJ`, or `MAC` for costs relative to one multiply-accumulate.
    pub unit: String,
    /// Where the numbers come from: `calibrated`, `cited`.
    pub origin: String,
    /// Source in words: library, corner, publication.
    pub source: String,
    /// Clock period that leakage is accounted for, in ns.
    pub period_ns: f64,
    /// What was assumed, in words.
    pub assumptions: Vec<String>,
    /// Tools by name, with their versions.
    pub tools: BTreeMap<String, String>,
    /// BLAKE3 of the cell libraries, in hexadecimal.
    pub liberty_hash: String,
    /// On-chip synchronous memories.
    pub sram: SramModel,
    /// Memory behind the streams.
    pub dram: Dram,
    /// Calibrated range of configuration keys, both ends included.
    pub ranges: BTreeMap<String, [f64; 2]>,
    /// Configurations that were characterized, by name.
    pub configurations: Vec<String>,
    /// Fitted models, one per block and class.
    pub fits: Vec<Fit>,
    /// Errors on layers and configurations that the fit has not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOutSummary>,
}

/// Memory behind the streams.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dram {
    /// Energy per bit moved, in the technology's unit.
    pub per_bit: f64,
    /// Where the figure comes from.
    pub source: String,
}

/// The energy of one block and class: a sum of coefficients times regressors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// Key of the block.
    pub block: String,
    /// Key of the class.
    pub class: String,
    /// Cases that were fitted.
    pub points: usize,
    /// Cases that were held out.
    pub held_out_points: usize,
    /// Mean and largest relative error on the fitted cases.
    pub fit_error: [f64; 2],
    /// Mean and largest relative error on the held-out cases; none before they were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_error: Option<[f64; 2]>,
    /// Energy per unit of each regressor, in the technology's unit.
    pub terms: BTreeMap<String, f64>,
}

/// Errors of whole layers that the fit has not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOutSummary {
    /// Layers times configurations.
    pub points: usize,
    /// Configurations.
    pub configurations: usize,
    /// Mean relative error.
    pub mean_error: f64,
    /// Largest relative error.
    pub max_error: f64,
    /// The same of the components that the energy of a layer consists of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<ComponentError>,
}

/// Error of a component in layers that the fit has not seen. Layers below 5 % of the component's mean energy
/// count as if they had that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentError {
    /// Key; see [`component`](super::component).
    pub name: String,
    /// Share of the energy of all layers.
    pub share: f64,
    /// Mean relative error.
    pub mean_error: f64,
    /// Largest relative error.
    pub max_error: f64,
}

impl Technology {
    /// Names of the technologies that are part of the program.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }

    /// A technology that is part of the program.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn builtin(name: &str) -> Result<Self, EnergyError> {
        match BUILTIN.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Self::parse(text, Path::new(name)),
            None => Err(EnergyError::UnknownTechnology {
                name: name.into(),
                known: Self::builtin_names().collect::<Vec<_>>().join(", "),
                nearest: nearest(name),
            }),
        }
    }

    /// A built-in technology if the name is one of theirs, else a file.
    ///
    /// # Errors
    /// As [`Self::builtin`] and [`Self::load`].
    pub fn open(name: &str) -> Result<Self, EnergyError> {
        let path = Path::new(name);
        if BUILTIN.iter().any(|(known, _)| *known == name) || !looks_like_path(path) {
            Self::builtin(name)
        } else {
            Self::load(path)
        }
    }

    /// Reads a technology file.
    ///
    /// # Errors
    /// The file cannot be read, is not a technology file, or is of another version.
    pub fn load(path: &Path) -> Result<Self, EnergyError> {
        let text = std::fs::read_to_string(path).map_err(|source| EnergyError::Io {
            action: "read",
            path: path.into(),
            source,
        })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, EnergyError> {
        let problem = |problem: String| EnergyError::Technology { path: path.into(), problem };
        // The version first: a newer file may have keys that this program does not know.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let version: Version = toml::from_str(text).map_err(|e| problem(e.to_string()))?;
        if version.format != FORMAT {
            let (found, known) = (version.format, FORMAT);
            return Err(EnergyError::Version { path: PathBuf::from(path), found, known });
        }
        let technology: Self = toml::from_str(text).map_err(|e| problem(e.to_string()))?;
        technology.check().map_err(problem)?;
        Ok(technology)
    }

    /// The file's text.
    ///
    /// # Errors
    /// A value has no place in the format.
    pub fn to_toml(&self) -> Result<String, EnergyError> {
        toml::to_string_pretty(self).map_err(|error| EnergyError::Technology {
            path: self.name.clone().into(),
            problem: error.to_string(),
        })
    }

    /// Everything that types do not say.
    fn check(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        let mut number = |what: String, value: f64| {
            if !(value.is_finite() && value >= 0.0) {
                wrong.push(format!("{what} = {value}; allowed: finite, at least 0"));
            }
        };
        number("period_ns".into(), self.period_ns);
        number("dram.per_bit".into(), self.dram.per_bit);
        for fit in &self.fits {
            for (name, value) in &fit.terms {
                number(format!("{}.{}.{name}", fit.block, fit.class), *value);
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }
}

fn looks_like_path(path: &Path) -> bool {
    path.exists() || path.components().count() > 1 || path.extension().is_some()
}

fn nearest(name: &str) -> Option<&'static str> {
    let close = |known: &&str| jaro_winkler(name, known) > 0.7;
    Technology::builtin_names()
        .filter(close)
        .max_by(|a, b| jaro_winkler(name, a).total_cmp(&jaro_winkler(name, b)))
}
