//! The technology file: coefficients of the energy model with their units, origin and residuals.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pecan_technologies::{File, Found};
use pecan_text::toml_limits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::de::DeValue;

use super::EnergyError;
use super::sram::SramModel;

/// Version of the file format that this program reads and writes.
pub const FORMAT: u32 = 1;

/// A technology: all coefficients that turn counts and toggles into energy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Technology {
    /// Version of the file format.
    pub format: u32,
    /// Name, as given to `--technology`.
    pub name: String,
    /// Unit of the energies: `pJ`, or `MAC` for costs relative to one multiply-accumulate.
    pub unit: String,
    /// Origin of the numbers: `calibrated`, `cited`.
    pub origin: String,
    /// Source in words: library, corner, publication.
    pub source: String,
    /// Clock period that leakage is accounted for, in ns.
    pub period_ns: f64,
    /// Assumptions, in words.
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
    /// Source of the figure.
    pub source: String,
}

/// The energy of one block and class: a sum of coefficients times features.
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
    /// Energy per unit of each feature, in the technology's unit.
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
    /// The same for the components of a layer's energy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<ComponentError>,
}

/// Error of a component in layers that the fit has not seen. Layers below 5 % of the component's mean energy are
/// compared with that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// A technology by its name, its folder, or its file.
    ///
    /// # Errors
    /// There is none, or the file cannot be read, is not a technology file, or is of another version.
    pub fn open(name_or_path: &str) -> Result<Self, EnergyError> {
        let Found { text, path } = pecan_technologies::find(name_or_path, File::Energy)?;
        Self::parse(&text, &path.unwrap_or_else(|| name_or_path.into()))
    }

    fn parse(text: &str, path: &Path) -> Result<Self, EnergyError> {
        let problem = |problem: String| EnergyError::Technology { path: path.into(), problem };
        // The version is read first: a newer file may have unknown keys.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        toml_limits::check(text).map_err(problem)?;
        let version: Version = toml::from_str(text).map_err(|e| problem(e.to_string()))?;
        if version.format != FORMAT {
            let (found, known) = (version.format, FORMAT);
            return Err(EnergyError::Version { path: PathBuf::from(path), found, known });
        }
        let wrong = illegal_numbers(text);
        if !wrong.is_empty() {
            return Err(problem(wrong));
        }
        let technology: Self = toml::from_str(text).map_err(|e| problem(e.to_string()))?;
        technology.check().map_err(problem)?;
        Ok(technology)
    }

    /// The file's text.
    ///
    /// # Errors
    /// A value cannot be represented in the format, such as a number that is not finite.
    pub fn to_toml(&self) -> Result<String, EnergyError> {
        let problem = |problem| EnergyError::Technology { path: self.name.clone().into(), problem };
        let text = toml::to_string_pretty(self).map_err(|error| problem(error.to_string()))?;
        let wrong = illegal_numbers(&text);
        if wrong.is_empty() { Ok(text) } else { Err(problem(wrong)) }
    }

    /// Checks the values beyond their types.
    fn check(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        let mut range = |what: &str, [low, high]: [f64; 2]| {
            if low > high {
                wrong.push(format!("{what} = [{low}, {high}]; the lower end comes first"));
            }
        };
        for (key, ends) in &self.ranges {
            range(&format!("ranges.\"{key}\""), *ends);
        }
        let SramModel { range: sizes, bank_words, .. } = &self.sram;
        range("sram.range.words", sizes.words.map(|n| n as f64));
        range("sram.range.bits", sizes.bits.map(|n| n as f64));
        for (what, value) in [
            ("sram.bank_words", *bank_words),
            ("sram.range.words", sizes.words[0]),
            ("sram.range.bits", sizes.bits[0]),
        ] {
            if value == 0 {
                wrong.push(format!("{what} begins with 0; allowed: at least 1"));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }
}

/// The largest number of a technology file. Energies, periods, errors and sizes are far below; products of two such
/// numbers and a count are finite.
const LARGEST: f64 = 1e15;

/// Most numbers that are listed; of the others the count is given.
const SHOWN: usize = 20;

/// Every number of a technology file that is negative, too large or not a number, with its line; empty if there is
/// none. No quantity of the format can be negative, so the check covers all numbers.
fn illegal_numbers(text: &str) -> String {
    // Invalid TOML is reported by the reader, with the place.
    let Ok(table) = toml::de::DeTable::parse(text) else { return String::new() };
    let mut found: Vec<(usize, String)> = Vec::new();
    let entries = table.get_ref().iter();
    let mut open: Vec<_> = entries.map(|(key, value)| (key.get_ref().to_string(), value)).collect();
    while let Some((path, value)) = open.pop() {
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.to_string().parse::<f64>().ok(),
            DeValue::Float(number) => number.to_string().parse::<f64>().ok(),
            DeValue::Array(items) => {
                let items = items.iter().enumerate();
                open.extend(items.map(|(at, item)| (format!("{path}[{at}]"), item)));
                continue;
            }
            DeValue::Table(table) => {
                let inner = table.iter();
                open.extend(inner.map(|(key, item)| (format!("{path}.{}", key.get_ref()), item)));
                continue;
            }
            DeValue::String(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => continue,
        };
        // A hexadecimal number is illegal here as well.
        if !number.is_some_and(|n| (0.0..=LARGEST).contains(&n)) {
            found.push((value.span().start, format!("{path} = {}", &text[value.span()])));
        }
    }
    found.sort();
    let shown = found.iter().take(SHOWN).map(|(at, what)| {
        let line = text.as_bytes()[..*at].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line}: {what}")
    });
    let mut said = shown.collect::<Vec<_>>().join("; ");
    if found.len() > SHOWN {
        said += &format!("; and {} more", found.len() - SHOWN);
    }
    if !said.is_empty() {
        said += &format!("; allowed: a number from 0 to {LARGEST:e}");
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(name: &str) -> String {
        pecan_technologies::find(name, File::Energy).unwrap().text.into_owned()
    }

    fn read(text: &str) -> Result<Technology, String> {
        Technology::parse(text, Path::new("mine.toml")).map_err(|error| error.to_string())
    }

    /// Replaces every number of the file, one after the other, by illegal values.
    #[test]
    fn no_number_of_a_file_may_be_negative_infinite_or_none() {
        for name in ["eyeriss-relative", "sg13g2"] {
            let text = shipped(name);
            let lines: Vec<&str> = text.lines().collect();
            let mut replaced = 0;
            for (number, line) in lines.iter().enumerate() {
                let Some((key, value)) = line.split_once(" = ") else { continue };
                if key.trim() == "format" || value.parse::<f64>().is_err() {
                    continue;
                }
                for wrong in ["nan", "inf", "-inf", "-1", "-0.5", "1e300"] {
                    let mut changed = lines.clone();
                    let new = format!("{key} = {wrong}");
                    changed[number] = &new;
                    let error = read(&changed.join("\n")).unwrap_err();
                    let place = format!("line {}: ", number + 1);
                    assert!(error.contains(&place) && error.contains(wrong), "{new}: {error}");
                    replaced += 1;
                }
            }
            assert!(replaced > 50, "{name}: {replaced}");
        }
    }

    #[test]
    fn all_illegal_numbers_are_named_but_not_without_end() {
        let text = shipped("eyeriss-relative")
            .replace("bank_words = 1048576", "bank_words = -3")
            .replace("read = { base = 0.0", "read = { base = nan");
        let error = read(&text).unwrap_err();
        assert!(error.contains("sram.bank_words = -3"), "{error}");
        assert!(error.contains("sram.read.base = nan"), "{error}");
        let many = shipped("sg13g2").replace(" = 0.", " = -0.");
        let error = read(&many).unwrap_err();
        assert!(error.contains(" more; allowed") && error.len() < 3000, "{error}");
    }

    #[test]
    fn ranges_have_two_ends_in_order() {
        let text = shipped("eyeriss-relative").replace("bits = [1, 256]", "bits = [256, 1]");
        let error = read(&text).unwrap_err();
        assert!(error.contains("sram.range.bits = [256, 1]"), "{error}");
        let text = shipped("eyeriss-relative").replace("words = [1, 1048576]", "words = [0, 10]");
        assert!(read(&text).unwrap_err().contains("at least 1"));
    }
}
