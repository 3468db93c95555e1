//! Energy per access of SRAM macros, from the internal power of their clock pin.
//!
//! The clock pin's conditions are evaluated with the control pins by their meaning: a pin whose name ends in `MEN`
//! selects the memory, `REN` reads, `WEN` writes. Data pins contribute half of their rising and falling energies per
//! bit: with random data half of the bits toggle.

use std::path::Path;

use super::boolean::{Truth, compile};
use super::syntax::{self, Group, SyntaxError};
use super::units::Units;
use crate::error::{LibertyError, Result};

/// Energies of one macro.
#[derive(Debug, Clone, PartialEq)]
pub struct Sram {
    /// Name of the macro.
    pub name: String,
    /// Words.
    pub words: u64,
    /// Bits per word.
    pub bits: u64,
    /// Area in the library's unit (um^2).
    pub area: f64,
    /// Leakage in nW.
    pub leakage_nw: f64,
    /// Energy of a read in pJ, address bits and clock included, at 50 % toggling.
    pub read_pj: f64,
    /// Energy of a write in pJ, with data.
    pub write_pj: f64,
    /// Energy of a clock cycle without access in pJ.
    pub idle_pj: f64,
}

/// Reads the SRAM macros of a Liberty file (cells with a `memory` group).
///
/// # Errors
/// [`LibertyError`] with file and line.
pub fn read(file: &Path) -> Result<Vec<Sram>> {
    let text = super::read_text(file)?;
    parse(&text).map_err(|error| LibertyError::text(file, &error))
}

fn parse(text: &str) -> std::result::Result<Vec<Sram>, SyntaxError> {
    let library = syntax::parse(text)?;
    let units = Units::read(&library)?;
    let is_memory = |cell: &&Group<'_>| cell.all("memory").next().is_some();
    library.all("cell").filter(is_memory).map(|cell| sram(cell, &units)).collect()
}

/// Values of the control pins of a port in a cycle.
#[derive(Clone, Copy)]
struct Access {
    select: bool,
    read: bool,
    write: bool,
}

/// Largest supported memories.
const MOST_ADDRESS_BITS: u64 = 32;
const MOST_WORD_BITS: u64 = 1 << 16;

const READ: Access = Access { select: true, read: true, write: false };
const WRITE: Access = Access { select: true, read: false, write: true };
const IDLE: Access = Access { select: false, read: false, write: false };

fn sram(cell: &Group<'_>, units: &Units) -> std::result::Result<Sram, SyntaxError> {
    let problem = |text: &str| SyntaxError::new(cell.line, text);
    let shape = cell.all("memory").next().ok_or_else(|| problem("no memory group"))?;
    let number = |key: &str, most: u64| -> std::result::Result<u64, SyntaxError> {
        let value =
            shape.number(key)?.ok_or_else(|| SyntaxError::new(shape.line, format!("no {key}")))?;
        // Whole numbers only; NaN is in no range.
        if !((1.0..=most as f64).contains(&value) && value.fract() == 0.0) {
            let problem = format!("{key} is {value}; allowed: whole numbers from 1 to {most}");
            return Err(SyntaxError::new(shape.line, problem));
        }
        Ok(value as u64)
    };
    let address_bits = number("address_width", MOST_ADDRESS_BITS)?;
    let bits = number("word_width", MOST_WORD_BITS)?;
    let clock = cell
        .all("pin")
        .filter(|pin| pin.text("clock") == Some("true"))
        .find(|pin| pin.all("internal_power").next().is_some())
        .ok_or_else(|| problem("no clock pin with internal power"))?;
    let access = |access| -> std::result::Result<f64, SyntaxError> {
        Ok(sum(clock, units, access)?.iter().sum())
    };
    let port = clock.args.first().and_then(|n| n.split_once('_')).map_or("", |(p, _)| p);
    let bus = |suffix: &str, state| match cell
        .all("bus")
        .find(|b| b.args.first() == Some(&format!("{port}_{suffix}").as_str()))
    {
        Some(bus) => bus_energy(bus, units, state),
        None => Ok(0.0),
    };
    let leakage = match cell.number("cell_leakage_power")? {
        Some(value) => value,
        None => {
            let mut values = Vec::new();
            for group in cell.all("leakage_power") {
                values.extend(group.number("value")?);
            }
            values.iter().sum::<f64>() / values.len().max(1) as f64
        }
    };
    Ok(Sram {
        name: cell.args.first().copied().unwrap_or_default().to_string(),
        words: 1 << address_bits,
        bits,
        area: cell.number("area")?.unwrap_or(0.0),
        leakage_nw: leakage * units.leakage * 1e9,
        read_pj: access(READ)? + bus("ADDR", READ)? + bus("DOUT", READ)?,
        write_pj: access(WRITE)? + bus("ADDR", WRITE)? + bus("DIN", WRITE)?,
        idle_pj: access(IDLE)?,
    })
}

/// Energy of a bus in pJ per access when every bit toggles in every second one.
fn bus_energy(
    bus: &Group<'_>,
    units: &Units,
    access: Access,
) -> std::result::Result<f64, SyntaxError> {
    let mut energy = 0.0;
    for pin in bus.all("pin") {
        let [rise, fall] = sum(pin, units, access)?;
        energy += (rise + fall) / 4.0 * width(pin.args.first().copied().unwrap_or_default());
    }
    Ok(energy)
}

/// Bits of a name such as `D[63:0]`; one without a range.
fn width(name: &str) -> f64 {
    let range = name.split_once('[').and_then(|(_, r)| r.strip_suffix(']')?.split_once(':'));
    let ends = range.and_then(|(a, b)| Some((a.parse::<u32>().ok()?, b.parse::<u32>().ok()?)));
    ends.map_or(1.0, |(a, b)| f64::from(a.abs_diff(b)) + 1.0)
}

/// Rise and fall energy of a pin while the control pins are as in `access`.
fn sum(
    pin: &Group<'_>,
    units: &Units,
    access: Access,
) -> std::result::Result<[f64; 2], SyntaxError> {
    let value = |name: &str| {
        let known = [("MEN", access.select), ("REN", access.read), ("WEN", access.write)];
        let known = known.iter().find(|(suffix, _)| name.ends_with(suffix));
        Some(Truth::constant(known.is_some_and(|k| k.1), 0))
    };
    let mut sum = [0.0; 2];
    for group in pin.all("internal_power") {
        let holds = match group.text("when") {
            None => true,
            Some(when) => {
                compile(when, 0, &value).map_err(|p| SyntaxError::new(group.line, p))?.get(0)
            }
        };
        if !holds {
            continue;
        }
        for (i, key) in ["rise_power", "fall_power"].iter().enumerate() {
            for table in group.all(key) {
                // The slew and load of the first points.
                sum[i] += units.table(table, units.energy)?.at(0.0, 0.0);
            }
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_of_a_small_macro() {
        let text = r#"library (l) {
          time_unit : "1ns"; voltage_unit : "1V"; nom_voltage : 1.2; leakage_power_unit : "1nW";
          capacitive_load_unit (1,pf);
          cell (ram) {
            area : 10; cell_leakage_power : 5;
            memory () { type : ram; address_width : 3; word_width : 4; }
            pin (A_CLK) { direction : input; clock : "true";
              internal_power () { when : "A_MEN & !A_WEN & A_REN"; rise_power (scalar) { values (20); } fall_power (scalar) { values (1); } }
              internal_power () { when : "A_MEN & A_WEN & !A_REN"; rise_power (scalar) { values (30); } }
              internal_power () { when : "!A_MEN"; rise_power (scalar) { values (0.5); } } }
            bus (A_ADDR) { pin (A_ADDR[0]) { internal_power () { rise_power (scalar) { values (2); } } } }
            bus (A_DIN) { pin (A_DIN[3:0]) { internal_power () { when : "A_MEN";
              rise_power (scalar) { values (1); } fall_power (scalar) { values (3); } } } }
          } }"#;
        let sram = &parse(text).unwrap()[0];
        assert_eq!((sram.words, sram.bits, sram.leakage_nw.round()), (8, 4, 5.0));
        assert_eq!((sram.read_pj, sram.write_pj, sram.idle_pj), (21.5, 34.5, 0.5));
    }
}
