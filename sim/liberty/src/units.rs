//! Units and templates of a library.

use std::collections::BTreeMap;

use super::syntax::{Group, SyntaxError, finite};
use super::table::{Scale, Table, Template};

/// Factors from a library's units to those used here, and its table templates.
pub(crate) struct Units {
    /// Nominal voltage in V.
    pub(crate) voltage: f64,
    /// fF per capacitance unit.
    pub(crate) load: f64,
    /// ps per time unit.
    pub(crate) time: f64,
    /// pJ per internal-power unit (capacitance unit times squared voltage unit).
    pub(crate) energy: f64,
    /// W per leakage unit.
    pub(crate) leakage: f64,
    /// Input capacitance in fF of a pin without one.
    pub(crate) default_capacitance: f64,
    templates: BTreeMap<String, Template>,
}

impl Units {
    pub(crate) fn read(library: &Group<'_>) -> Result<Self, SyntaxError> {
        let missing =
            |key: &str| SyntaxError::new(library.line, format!("the library has no {key}"));
        let load = capacitance(library)?;
        let quantity = |key: &str, suffix: &str| {
            let attribute = library.attribute(key).ok_or_else(|| missing(key))?;
            let text = attribute.values.first().copied().unwrap_or_default();
            si(text, suffix).ok_or_else(|| {
                let problem = format!("{key} `{text}` is not a known unit of {suffix}");
                SyntaxError::new(attribute.line, problem)
            })
        };
        let volt = quantity("voltage_unit", "v")?;
        let voltage = library.number("nom_voltage")?.ok_or_else(|| missing("nom_voltage"))?;
        let leakage = match library.attribute("leakage_power_unit") {
            Some(_) => quantity("leakage_power_unit", "w")?,
            None => 1e-9,
        };
        let mut templates = BTreeMap::new();
        for group in &library.groups {
            if matches!(group.name, "lu_table_template" | "power_lut_template") {
                let name = group.args.first().copied().unwrap_or_default();
                templates.insert(name.to_string(), Template::read(group)?);
            }
        }
        let default = library.number("default_input_pin_cap")?.unwrap_or(0.0);
        Ok(Self {
            voltage: voltage * volt,
            load: load * 1e15,
            time: quantity("time_unit", "s")? * 1e12,
            energy: load * volt * volt * 1e12,
            leakage,
            default_capacitance: default * load * 1e15,
            templates,
        })
    }

    /// Reads a table whose values are multiplied by `value`.
    pub(crate) fn table(&self, group: &Group<'_>, value: f64) -> Result<Table, SyntaxError> {
        let name = group.args.first().copied().unwrap_or("scalar");
        let template = match (name, self.templates.get(name)) {
            ("scalar", None) => None,
            (_, None) => {
                let problem = format!("table template `{name}` is missing");
                return Err(SyntaxError::new(group.line, problem));
            }
            (_, template) => template,
        };
        Table::read(group, template, Scale { time: self.time, load: self.load, value })
    }
}

/// F per `capacitive_load_unit`.
fn capacitance(library: &Group<'_>) -> Result<f64, SyntaxError> {
    let key = "capacitive_load_unit";
    let attribute = library
        .attribute(key)
        .ok_or_else(|| SyntaxError::new(library.line, format!("the library has no {key}")))?;
    let problem = || SyntaxError::new(attribute.line, format!("{key} is not (number, unit)"));
    let [number, unit] = attribute.values[..] else { return Err(problem()) };
    let number = finite(number.trim()).ok_or_else(problem)?;
    Ok(number * si(&format!("1{}", unit.trim()), "f").ok_or_else(problem)?)
}

/// The value in SI units of a text such as `10ps`; `suffix` is the unit in lower case.
fn si(text: &str, suffix: &str) -> Option<f64> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_suffix(suffix)?;
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" => 1.0,
        "m" => 1e-3,
        "u" => 1e-6,
        "n" => 1e-9,
        "p" => 1e-12,
        "f" => 1e-15,
        _ => return None,
    };
    let number = if digits.is_empty() { 1.0 } else { finite(digits.trim())? };
    Some(number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    #[test]
    fn units_in_si() {
        assert_eq!(si("1ns", "s"), Some(1e-9));
        assert_eq!(si("10 pW", "w"), Some(10.0 * 1e-12));
        assert_eq!(si("1V", "v"), Some(1.0));
        assert_eq!(si("1kohm", "s"), None);
        assert_eq!(si("1xs", "s"), None);
    }

    #[test]
    fn energy_follows_from_capacitance_and_voltage() {
        let text = "library (l) { time_unit : \"1ps\"; voltage_unit : \"1V\"; nom_voltage : 0.7;\
                    capacitive_load_unit (1,ff); leakage_power_unit : \"1pW\"; }";
        let units = Units::read(&parse(text).unwrap()).unwrap();
        assert!((units.energy - 1e-3).abs() < 1e-12 && (units.load - 1.0).abs() < 1e-12);
        let unknown = text.replace("1ps", "1 tick");
        assert!(
            Units::read(&parse(&unknown).unwrap()).err().unwrap().problem.contains("time_unit")
        );
    }
}
