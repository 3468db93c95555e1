//! Libraries of real processes, where they are present: they load, and their figures are plausible.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests fail like tests

use std::path::PathBuf;

use pecan_gate::Library;
use pecan_liberty::sram;

/// Files of a folder of shared process data whose names contain `contains`.
fn files(folder: &str, contains: &str) -> Option<Vec<PathBuf>> {
    let path = pecan_test_support::shared_file("pdk")?.join(folder);
    let entries = std::fs::read_dir(pecan_test_support::present(&path)?).unwrap();
    let names = entries.map(|e| e.unwrap().path());
    let mut files: Vec<PathBuf> =
        names.filter(|p| p.file_name().unwrap().to_string_lossy().contains(contains)).collect();
    files.sort();
    Some(files)
}

#[test]
fn sg13g2_standard_cells() {
    let Some(files) = files("ihp-sg13g2", "stdcell") else { return };
    let library = Library::read(&files).unwrap();
    assert_eq!((library.cells().len(), library.voltage), (84, 1.2));
    assert!(library.cell("sg13g2_dfrbpq_1").unwrap().is_flop());
    assert!(library.cell("sg13g2_lgcp_1").unwrap().is_clock_gate());
    let usable = library.cells().iter().filter(|c| c.unusable().is_none()).count();
    assert_eq!(usable, 70, "all but fillers, tristate and antenna cells");
    let inverter = library.cell("sg13g2_inv_1").unwrap();
    assert!((10.0..1000.0).contains(&(inverter.leakage_nw() * 1e3)), "leakage in pW");
}

#[test]
fn asap7_in_five_files() {
    let Some(files) = files("asap7", ".lib") else { return };
    let library = Library::read(&files).unwrap();
    assert_eq!((library.names.len(), library.voltage), (5, 0.7));
    for cell in
        ["ICGx1_ASAP7_75t_R", "DFFHQNx1_ASAP7_75t_R", "NAND2xp5_ASAP7_75t_R", "AO22x1_ASAP7_75t_R"]
    {
        let cell = library.cell(cell).unwrap_or_else(|| panic!("{cell} is missing"));
        assert_eq!(cell.unusable(), None, "{}", cell.name);
    }
    assert!(library.cell("ICGx1_ASAP7_75t_R").unwrap().is_clock_gate());
}

#[test]
fn sram_macros_follow_the_published_fit() {
    let Some(files) = files("ihp-sg13g2", "RM_IHPSG13") else { return };
    assert_eq!(files.len(), 10);
    for file in files {
        let macros = sram::read(&file).unwrap();
        assert_eq!(macros.len(), 1);
        let sram = &macros[0];
        let (width, depth) = (sram.bits as f64, sram.words as f64);
        let read = 5.96 + 0.505 * width + 7.11e-4 * depth * width;
        let write = 7.27 + 0.729 * width + 8.60e-4 * depth * width;
        println!(
            "{}: read {:.2} ({read:.2}) write {:.2} ({write:.2}) idle {}",
            sram.name, sram.read_pj, sram.write_pj, sram.idle_pj
        );
        assert!((sram.read_pj / read - 1.0).abs() < 0.12, "{}", sram.name);
        assert!((sram.write_pj / write - 1.0).abs() < 0.12, "{}", sram.name);
        assert!(sram.idle_pj < 0.05 * sram.read_pj && sram.leakage_nw > 0.0);
    }
}
