//! Every mistake yields an error that names all places.

use super::super::GateError;
use super::*;

fn zero() -> GateOptions {
    options(Mode::ZeroDelay)
}

#[test]
fn all_missing_cells_are_listed() {
    let module = TestModule::new("top", &["clock<2", "a<3", "y>4"])
        .cell("FOO", "A=3 Y=4")
        .cell("TRI", "A=3 Y=5")
        .cell("BAR", "A=3 Y=6");
    let Err(GateError::Cells { cells }) = load(&[module], &zero()) else { panic!() };
    assert_eq!(
        cells,
        ["BAR (not in the libraries)", "FOO (not in the libraries)", "TRI (tristate)"]
    );
}

/// The names of inner instances contain those of the outer ones.
#[test]
fn long_names_of_nested_instances_are_refused() {
    let name = "m".repeat(crate::flatten::MOST_NAME_BYTES / 16);
    let module = TestModule::new(&name, &["clock<2"]).cell(&name, "clock=2");
    let Err(GateError::Netlist { problem, .. }) = load(&[module], &zero()) else { panic!() };
    assert!(problem.ends_with("bytes of instance names"), "{problem}");
}

#[test]
fn nets_without_or_with_two_drivers_are_listed() {
    let module = TestModule::new("top", &["clock<2", "a<3", "y>4,5", "z>6"]).cell("INV", "A=9 Y=4");
    let Err(GateError::Undriven { nets }) = load(&[module], &zero()) else { panic!() };
    assert_eq!(nets.len(), 3);
    assert!(nets.contains(&"y[1]".to_string()) && nets.contains(&"z".to_string()));
    let module = TestModule::new("top", &["clock<2", "a<3", "y>4"])
        .cell("INV", "A=3 Y=4")
        .cell("TIE1", "Y=4");
    let Err(GateError::MultiplyDriven { nets }) = load(&[module], &zero()) else { panic!() };
    assert_eq!(nets, ["y"]);
}

#[test]
fn a_ring_does_not_settle() {
    for mode in [Mode::ZeroDelay, Mode::Inertial] {
        let module = TestModule::new("top", &["clock<2", "a<3", "y>5"])
            .cell("NAND2", "A=3 B=5 Y=4")
            .cell("INV", "A=4 Y=6")
            .cell("INV", "A=6 Y=5");
        // Stable with a = 0, an oscillator of three inversions with a = 1.
        let module = module.cell("INV", "A=5 Y=7");
        let design = load(&[module], &options(mode)).unwrap();
        assert!(design.run(&pins(&["a"], &[&[0]])).is_ok());
        let module =
            TestModule::new("top", &["clock<2", "a<3", "y>4"]).cell("NAND2", "A=3 B=4 Y=4");
        let design = load(&[module], &options(mode)).unwrap();
        let error = design.run(&pins(&["a"], &[&[0], &[1]])).unwrap_err();
        let GateError::Unsettled { cycle, nets } = error else { panic!("{error}") };
        assert_eq!((cycle, nets), (1, vec!["y".to_string()]));
    }
}

#[test]
fn a_wrong_output_names_cycle_and_signal() {
    let module = TestModule::new("top", &["clock<2", "a<3", "y>4"]).cell("INV", "A=3 Y=4");
    let design = load(&[module], &zero()).unwrap();
    let signal = |name: &str| Signal { name: name.into(), width: 1 };
    let mut pins = Pins::new(vec![signal("a")], vec![signal("y")]);
    pins.push(&[0], &[Some(1)]).unwrap();
    pins.push(&[0], &[None]).unwrap();
    pins.push(&[1], &[Some(1)]).unwrap();
    let error = design.run(&pins).unwrap_err();
    assert_eq!(error.to_string(), "cycle 2: y is 0x0, expected 0x1");
    assert_eq!(error.exit_code(), 1);
}

#[test]
fn clocks_as_data_and_pins_that_do_not_fit() {
    let module = TestModule::new("top", &["clock<2", "a<3", "y>4", "q>5"])
        .cell("NAND2", "A=2 B=3 Y=4")
        .cell("DFF", r#"CK=3 D=4 RN="1" Q=5"#);
    let Err(GateError::Clock { problems }) = load(&[module], &zero()) else { panic!() };
    assert_eq!(problems.len(), 2, "{problems:?}");
    let module = TestModule::new("top", &["clock<2", "a<3", "y>4"]).cell("INV", "A=3 Y=4");
    let design = load(&[module], &zero()).unwrap();
    for wrong in [&["b"][..], &[], &["a", "b"]] {
        let row = vec![0; wrong.len()];
        let error = design.run(&pins(wrong, &[&row])).unwrap_err();
        assert!(matches!(error, GateError::Pins { .. }));
    }
}

#[test]
fn broken_libraries_name_the_line() {
    let broken = LIBRARY.replace("function : \"!A\"", "function : \"!X\"");
    let line = LIBRARY.lines().position(|l| l.contains("function : \"!A\"")).unwrap() + 1;
    let library = Library::parse(&broken).unwrap();
    assert!(library.cell("INV").unwrap().unusable().unwrap().contains('X'));
    let broken = LIBRARY.replacen("values (\"2, 102\")", "values (\"2, x\")", 1);
    let error = Library::parse(&broken).unwrap_err();
    assert_eq!(error.line as usize, line + 4);
    assert!(error.problem.contains("`x`"), "{error:?}");
}
