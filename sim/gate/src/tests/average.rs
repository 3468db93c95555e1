//! Compares average activity with events; writes and reads SAIF files.

use super::super::{Activity, GateError};
use super::*;

/// A toggling inverter chain and a flop behind a clock gate.
fn design() -> GateDesign {
    let child = TestModule::new("child", &["clock<2", "en<3", "d<4", "q>6"])
        .cell("ICG", "CLK=2 EN=3 GCLK=5")
        .cell("DFF", r#"CK=5 D=4 RN="1" Q=6"#);
    let top = TestModule::new("top", &["clock<2", "a<3", "en<4", "y>6,7"])
        .cell("INV", "A=3 Y=5")
        .cell("INV", "A=5 Y=6")
        .cell("child", "clock=2 en=4 d=6 q=7");
    load(&[top, child], &options(Mode::Inertial)).unwrap()
}

fn energies(design: &GateDesign) -> Energies {
    let rows: Vec<[u64; 2]> = (0..64u64).map(|i| [i & 1, i >> 3 & 1]).collect();
    let rows: Vec<&[u64]> = rows.iter().map(|r| &r[..]).collect();
    design.run(&pins(&["a", "en"], &rows)).unwrap()
}

#[test]
fn nets_and_inverters_agree_exactly_and_clocks_closely() {
    let design = design();
    let energies = energies(&design);
    let average = design.average(&library(), &Activity::of(&energies));
    let top = (&average[0], &energies.scopes[0]);
    assert_fj(top.0.switching_pj, top.1.switching_pj * 1e3);
    // An odd number of toggles: one more rise than the average has.
    assert!((top.0.internal_pj - top.1.internal_pj).abs() < 0.01);
    assert_fj(top.0.clock_pj, top.1.clock_pj * 1e3);
    let (found, expected) = (average[1].clock_pj, energies.scopes[1].clock_pj);
    assert!((found / expected - 1.0).abs() < 0.15, "{found} {expected}");
}

#[test]
fn a_saif_file_that_misses_nets_is_refused() {
    let design = design();
    let energies = energies(&design);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("activity.saif");
    design.write_saif(&energies, &file).unwrap();
    let read = Activity::read_saif(&design, &file, None).err();
    // Nets between the cells have no name in this netlist: they are not covered.
    let Some(GateError::Saif { problem, .. }) = read else { panic!("{read:?}") };
    assert!(problem.contains("% of the nets"), "{problem}");
}

#[test]
fn saif_of_a_netlist_with_all_names() {
    let module = TestModule::new("top", &["clock<2", "a<3", "y>4,5"])
        .cell("INV", "A=3 Y=4")
        .cell("INV", "A=4 Y=5");
    let design = load(&[module], &options(Mode::ZeroDelay)).unwrap();
    let energies = design.run(&pins(&["a"], &[&[0], &[1], &[1], &[0]])).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("activity.saif");
    design.write_saif(&energies, &file).unwrap();
    let read = Activity::read_saif(&design, &file, None).unwrap();
    let own = Activity::of(&energies);
    assert_eq!((read.coverage, read.cycles), (1.0, 4.0));
    assert_eq!(read.toggles, own.toggles);
    for (read, own) in read.ones.iter().zip(&own.ones) {
        assert!((read - own).abs() < 1e-3, "{:?} {:?}", read, own);
    }
}

/// Names of instances may hold the sign that separates them.
#[test]
fn saif_of_instances_with_dots() {
    let json = r#"{"modules":{
        "inner":{"ports":{"i":{"direction":"input","bits":[2]},"o":{"direction":"output","bits":[3]}},
            "cells":{"g":{"type":"INV","connections":{"A":[2],"Y":[3]}}},"netnames":{"i":{"bits":[2]},"o":{"bits":[3]}}},
        "outer":{"ports":{"i":{"direction":"input","bits":[2]},"o":{"direction":"output","bits":[3]}},
            "cells":{"a.b":{"type":"inner","connections":{"i":[2],"o":[4]}},"c":{"type":"inner","connections":{"i":[4],"o":[3]}}},
            "netnames":{"i":{"bits":[2]},"o":{"bits":[3]}}},
        "top":{"attributes":{"top":"1"},
            "ports":{"clock":{"direction":"input","bits":[2]},"a":{"direction":"input","bits":[3]},"y":{"direction":"output","bits":[4]}},
            "cells":{"u.0":{"type":"outer","connections":{"i":[3],"o":[5]}},"v":{"type":"inner","connections":{"i":[5],"o":[4]}}},
            "netnames":{"clock":{"bits":[2]},"a":{"bits":[3]},"y":{"bits":[4]}}}}}"#;
    let folder = tempfile::tempdir().unwrap();
    let netlist = folder.path().join("netlist.json");
    std::fs::write(&netlist, json).unwrap();
    let design = GateDesign::load(&netlist, &library(), &options(Mode::ZeroDelay)).unwrap();
    let energies = design.run(&pins(&["a"], &[&[0], &[1], &[1], &[0]])).unwrap();
    let file = folder.path().join("activity.saif");
    design.write_saif(&energies, &file).unwrap();
    let read = Activity::read_saif(&design, &file, None).unwrap();
    assert_eq!((read.coverage, read.toggles), (1.0, Activity::of(&energies).toggles));
    assert_eq!(read.scope, "top");
}
