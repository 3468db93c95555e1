//! The SRAM model of a process: fitted to its memory macros, or scaled from one that has some.

use std::path::PathBuf;

use pecan_liberty::sram;
use pecan_liberty::sram::Sram;

use super::CalibrateError;
use super::fit::{errors, fit};
use pecan_energy::{AccessModel, SramModel, SramRange};
use pecan_synth::{LibertySearch, Process};

/// Feature size (nm) and voltage (V) of SG13G2, whose macros replace those of processes without any.
const REFERENCE: (f64, f64) = (130.0, 1.2);

/// Most words of a bank. Deeper macros exist, but an access to one costs more than to a bank of this size.
const BANK_WORDS: usize = 1024;

/// The SRAM model of a process.
///
/// # Errors
/// Macros cannot be read, or both the process and the reference process have no macros.
pub(super) fn model(
    process: &Process,
    search: &LibertySearch,
    voltage: f64,
) -> Result<SramModel, CalibrateError> {
    let macros = process.find_sram(search);
    if !macros.is_empty() {
        return Ok(fitted(&read(&macros)?, &process.description));
    }
    let reference = Process::load("sg13g2").map_err(pecan_synth::ToolError::from)?;
    let files = reference.find_sram(&LibertySearch { files: Vec::new(), ..search.clone() });
    if files.is_empty() {
        let problem = format!(
            "`{}` has none, and those of `{}`, from which its figures are scaled, were not found",
            process.name, reference.name
        );
        return Err(CalibrateError::Sram { problem });
    }
    let model = fitted(&read(&files)?, &reference.description);
    // Capacitance follows the feature size, energy the square of the voltage.
    let factor = process.node_nm / REFERENCE.0 * (voltage / REFERENCE.1).powi(2);
    Ok(scaled(model, factor, process))
}

fn read(files: &[PathBuf]) -> Result<Vec<Sram>, CalibrateError> {
    let mut macros = Vec::new();
    for file in files {
        macros.extend(sram::read(file)?);
    }
    Ok(macros)
}

fn scaled(model: SramModel, factor: f64, process: &Process) -> SramModel {
    let access = |a: AccessModel| AccessModel {
        base: a.base * factor,
        per_bit: a.per_bit * factor,
        per_cell: a.per_cell * factor,
    };
    let source = format!(
        "assumed, {} has no memory macros: {factor:.3} x ({}), the factor being feature size times voltage squared; leakage per bit as there",
        process.name, model.source
    );
    SramModel { read: access(model.read), write: access(model.write), source, ..model }
}

/// Fits reads and writes of the macros. A port of the accelerator's memories toggles half of its data bits.
fn fitted(macros: &[Sram], origin: &str) -> SramModel {
    let rows: Vec<Vec<f64>> =
        macros.iter().map(|m| vec![1.0, m.bits as f64, (m.words * m.bits) as f64]).collect();
    let access = |energy: fn(&Sram) -> f64| {
        let truth: Vec<f64> = macros.iter().map(energy).collect();
        let c = fit(&rows, &truth, 0.01);
        let predicted: Vec<f64> =
            rows.iter().map(|row| row.iter().zip(&c).map(|(v, c)| v * c).sum()).collect();
        (
            AccessModel { base: c[0], per_bit: c[1], per_cell: c[2] },
            errors(&predicted, &truth, 0.01),
        )
    };
    let (read, read_error) = access(|m| m.read_pj);
    let (write, write_error) = access(|m| m.write_pj);
    // nW are 1e-6 mW, and mW times ns are pJ.
    let leakage: f64 = macros.iter().map(|m| m.leakage_nw * 1e-6).sum();
    let bits: u64 = macros.iter().map(|m| m.words * m.bits).sum();
    let extent = |size: fn(&Sram) -> u64| {
        let sizes = || macros.iter().map(|m| size(m) as usize);
        [sizes().min().unwrap_or(0), sizes().max().unwrap_or(0)]
    };
    SramModel {
        read,
        write,
        leakage_per_bit: leakage / bits.max(1) as f64,
        bank_words: BANK_WORDS,
        points: macros.len(),
        error: [(read_error[0] + write_error[0]) / 2.0, read_error[1].max(write_error[1])],
        range: SramRange { words: extent(|m| m.words), bits: extent(|m| m.bits) },
        source: format!(
            "fitted to {} memory macros of {origin}, half of the data bits toggling",
            macros.len()
        ),
    }
}
