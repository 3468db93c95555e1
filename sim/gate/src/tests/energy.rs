//! Compares energies of small netlists with sums by hand.

use pecan_rtl::emit::MemorySize;

use super::*;

fn both() -> [Mode; 2] {
    [Mode::ZeroDelay, Mode::Inertial]
}

#[test]
fn inverter_chain() {
    let chain = TestModule::new("top", &["clock<2", "a<3", "y>5"])
        .cell("INV", "A=3 Y=4")
        .cell("INV", "A=4 Y=5");
    for mode in both() {
        let design = load(&[TestModule { ..clone(&chain) }], &options(mode)).unwrap();
        // a and the middle net: pin 1 + wire 2 + 3 = 6 fF; y: wire 5 fF; half of it per toggle.
        // a rises: first output falls (1 fJ), second rises at 5 fF (2 + 5 fJ).
        // a falls: first rises at 6 fF (2 + 6 fJ), second falls (1 fJ).
        let energies = design.run(&pins(&["a"], &[&[0], &[1], &[1], &[0]])).unwrap();
        assert_energies(&energies, [2.0 * (3.0 + 3.0 + 2.5), 1.0 + 7.0 + 8.0 + 1.0, 0.0]);
        // Always one inverter at 1000 nW and one at 3000 nW: 4 uW for 4 ns.
        assert_fj(energies.total().leakage_pj, 16.0);
        let rise = design.run_window(&pins(&["a"], &[&[0], &[1], &[1], &[0]]), 1..2).unwrap();
        assert_energies(&rise, [8.5, 8.0, 0.0]);
        assert_eq!((rise.cycles, rise.events), (1, 3));
    }
}

fn clone(module: &TestModule) -> TestModule {
    TestModule {
        name: module.name.clone(),
        ports: module.ports.clone(),
        cells: module.cells.clone(),
        blackbox: module.blackbox,
    }
}

fn glitch(nand: &str, mode: Mode) -> Energies {
    let module = TestModule::new("top", &["clock<2", "a<3", "y>5"])
        .cell("INV", "A=3 Y=4")
        .cell(nand, "A=3 B=4 Y=5");
    let design = load(&[module], &options(mode)).unwrap();
    design.run_window(&pins(&["a"], &[&[0], &[1]]), 1..2).unwrap()
}

/// The group without a condition prices the states that no condition covers, and only those.
#[test]
fn an_input_in_a_state_without_a_condition_costs_the_default_group() {
    let module =
        TestModule::new("top", &["clock<2", "a<3", "b<4", "y>5"]).cell("NAND2SLOW", "A=3 B=4 Y=5");
    let design = load(&[module], &options(Mode::ZeroDelay)).unwrap();
    let energies = |a| {
        let pins = pins(&["a", "b"], &[&[a, 0], &[a, 1], &[a, 0]]);
        design.run_window(&pins, 1..3).unwrap()
    };
    // b: a pin of 1 fF and a wire of 5. While A is 0, B rises and falls by itself: 700 fJ each.
    assert_energies(&energies(0), [3.0 + 3.0, 700.0 + 700.0, 0.0]);
    // While A is 1 the condition holds: 7 and 8 fJ; y toggles at 5 fF, for 4 fJ each.
    assert_energies(&energies(1), [3.0 + 3.0 + 2.5 + 2.5, 7.0 + 8.0 + 4.0 + 4.0, 0.0]);
}

#[test]
fn a_pulse_longer_than_the_delay_costs_energy() {
    // a: 2 pins + 2 + 6 = 10 fF; inverter output: 1 + 5 = 6 fF; y: 5 fF.
    // a rises at 10 ps, y falls at 60 (caused by A while B: 4 fJ), the inverter falls at 110
    // (1 fJ), y rises at 160 (caused by B while A: 5 fJ).
    let energies = glitch("NAND2", Mode::Inertial);
    assert_energies(&energies, [5.0 + 3.0 + 2.0 * 2.5, 4.0 + 1.0 + 5.0, 0.0]);
    assert!((energies.settled_ns - 0.16).abs() < 1e-9);
    assert_energies(&glitch("NAND2", Mode::ZeroDelay), [8.0, 1.0, 0.0]);
}

#[test]
fn a_pulse_shorter_than_the_delay_is_swallowed() {
    // The 100 ps pulse does not pass the gate of 150 ps. B falls while A: 8 fJ of the pin alone.
    let energies = glitch("NAND2SLOW", Mode::Inertial);
    assert_energies(&energies, [8.0, 1.0 + 8.0, 0.0]);
    assert_eq!(energies.swallowed, 1);
}

/// A flop behind a clock gate: enable 3, data 4, gated clock 5, Q 6.
fn gated() -> TestModule {
    TestModule::new("top", &["clock<2", "en<3", "d<4", "q>6"])
        .cell("ICG", "CLK=2 EN=3 GCLK=5")
        .cell("TIE1", "Y=7")
        .cell("DFF", "CK=5 D=4 RN=7 Q=6")
}

#[test]
fn flop_behind_a_clock_gate() {
    let rows: [&[u64]; 4] = [&[1, 1], &[0, 1], &[0, 1], &[0, 0]];
    for mode in both() {
        let design = load(&[gated()], &options(mode)).unwrap();
        let run = |cycle: usize| design.run_window(&pins(&["en", "d"], &rows), cycle..cycle + 1);
        // Nets: en, d 1 + 5 = 6 fF; clock 3 + 5 = 8 fF; gated clock 2 + 5 = 7 fF; q 5 fF.
        // Cycle 0 has no edge: en and d rise while the clock is low (300 and 200 fJ).
        assert_energies(&run(0).unwrap(), [6.0, 200.0, 300.0]);
        // Cycle 1: the edge passes the gate and q rises (1000 fJ); en falls while the clock is
        // high (no group). Clock: root 8, gate input 40 + 50, gate output 60 + 70, gated net 7,
        // flop pin: rise with D and not Q 0, fall with D and Q 30.
        assert_energies(&run(1).unwrap(), [2.5 + 3.0, 1000.0, 8.0 + 90.0 + 130.0 + 7.0 + 30.0]);
        // Cycle 2: closed; the gate's clock pin still toggles.
        assert_energies(&run(2).unwrap(), [0.0, 0.0, 8.0 + 90.0]);
        // Cycle 3: d falls; the gated clock stays low (200 fJ).
        assert_energies(&run(3).unwrap(), [3.0, 200.0, 98.0]);
    }
}

#[test]
fn free_flop_pays_for_idle_edges_and_late_data_sees_a_low_clock() {
    let module =
        TestModule::new("top", &["clock<2", "d<3", "q>4"]).cell("DFF", r#"CK=2 D=3 RN="1" Q=4"#);
    let mut late = options(Mode::Inertial);
    late.input_delay_ns = 0.7;
    let early = load(&[clone(&module)], &options(Mode::Inertial)).unwrap();
    let late = load(&[module], &late).unwrap();
    let rows: [&[u64]; 3] = [&[0], &[0], &[1]];
    // Clock net 2 + 5 = 7 fF; pin 20 + 30 while D = Q = 0.
    let idle = early.run_window(&pins(&["d"], &rows), 1..2).unwrap();
    assert_energies(&idle, [0.0, 0.0, 7.0 + 50.0]);
    // d rises after the edge while the clock is high: 100; the fall then has D and not Q: 11.
    let soon = early.run_window(&pins(&["d"], &rows), 2..3).unwrap();
    assert_energies(&soon, [3.0, 100.0, 7.0 + 20.0 + 11.0]);
    // After the fall: 200; the fall saw D = Q = 0: 30.
    let after = late.run_window(&pins(&["d"], &rows), 2..3).unwrap();
    assert_energies(&after, [3.0, 200.0, 7.0 + 20.0 + 30.0]);
}

#[test]
fn asynchronous_clear_and_latch() {
    let module = TestModule::new("top", &["clock<2", "d<3", "rn<4", "e<5", "q>6", "l>7"])
        .cell("DFF", "CK=2 D=3 RN=4 Q=6")
        .cell("LATCH", "E=5 D=6 Q=7");
    for mode in both() {
        let design = load(&[clone(&module)], &options(mode)).unwrap();
        let signal = |name: &str| Signal { name: name.into(), width: 1 };
        let mut pins =
            Pins::new(vec![signal("d"), signal("rn"), signal("e")], vec![signal("q"), signal("l")]);
        for (inputs, outputs) in [
            ([1, 1, 0], [0, 0]),
            ([1, 1, 0], [1, 0]),
            ([1, 1, 1], [1, 1]),
            ([1, 1, 0], [1, 1]),
            ([1, 0, 0], [0, 1]),
            ([1, 0, 1], [0, 0]),
            ([1, 1, 1], [0, 0]),
            ([1, 1, 1], [1, 1]),
        ] {
            pins.push(&inputs, &outputs.map(Some)).unwrap();
        }
        design.run(&pins).unwrap();
    }
}

#[test]
fn scopes_have_their_own_energy() {
    let child = TestModule::new("child", &["i<2", "o>3"]).cell("INV", "A=2 Y=3");
    let top = TestModule::new("top", &["clock<2", "a<3", "y>5"])
        .cell("child", "i=3 o=4")
        .cell("child", "i=4 o=5");
    let design = load(&[top, child], &options(Mode::ZeroDelay)).unwrap();
    let energies = design.run_window(&pins(&["a"], &[&[0], &[1]]), 1..2).unwrap();
    let switching: Vec<(&str, f64)> =
        energies.scopes.iter().map(|s| (s.path.as_str(), s.switching_pj * 1e3)).collect();
    assert_eq!(switching.iter().map(|s| s.0).collect::<Vec<_>>(), ["", "u0", "u1"]);
    for (found, expected) in switching.iter().zip([3.0, 3.0, 2.5]) {
        assert!((found.1 - expected).abs() < 1e-9);
    }
    let classes = energies.by_class(|_, module| (module == "child").then_some("cells"));
    assert_fj(classes["cells"].total_pj() - classes["cells"].leakage_pj, 5.5 + 8.0);
    assert_fj(energies.below("u1").switching_pj, 2.5);
}

#[test]
fn memories_read_the_old_word_and_hold() {
    let name = "weight_buffer_2x2";
    let memory = TestModule::new(
        name,
        &["clock<2", "re<3", "ra<4", "rd_0>5,6", "we<7", "wa<8", "wd_0<9,10"],
    );
    let top =
        TestModule::new("top", &["clock<2", "re<3", "ra<4", "q>5,6", "we<7", "wa<8", "wd<9,10"])
            .cell(name, "clock=2 re=3 ra=4 rd_0=5,6 we=7 wa=8 wd_0=9,10");
    let memories = [(name.to_string(), MemorySize { words: 2, bits: 2 })].into();
    let options = GateOptions { memories, ..options(Mode::Inertial) };
    let design = load(&[top, memory.blackbox()], &options).unwrap();
    let signal = |name: &str, width| Signal { name: name.into(), width };
    let inputs = ["re", "ra", "we", "wa"].map(|n| signal(n, 1)).into_iter();
    let mut pins = Pins::new(inputs.chain([signal("wd", 2)]).collect(), vec![signal("q", 2)]);
    for (inputs, q) in [
        ([0, 0, 1, 1, 3], 0),
        ([1, 1, 1, 1, 2], 0),
        ([1, 1, 0, 0, 0], 3),
        ([0, 0, 0, 0, 0], 2),
        ([1, 0, 0, 0, 0], 2),
        ([0, 0, 0, 0, 0], 0),
    ] {
        pins.push(&inputs, &[Some(q)]).unwrap();
    }
    let energies = design.run(&pins).unwrap();
    let used = &energies.memories[0];
    assert_eq!((used.words, used.bits, used.reads, used.writes), (2, 2, 3, 2));
    assert_eq!((used.read_toggles, used.write_toggles), (4, 3));
}
