//! Random netlists: the values with and without delays must be equal.

use proptest::prelude::*;

use super::*;

/// A netlist of `gates` random gates over 4 inputs and 4 flops.
fn netlist(choices: &[(u8, u16, u16)]) -> (TestModule, usize) {
    let mut nets: Vec<u32> = (3..11).collect();
    let mut module_ports = vec!["clock<2".to_string()];
    module_ports.extend((0..4).map(|i| format!("i{i}<{}", 3 + i)));
    let mut cells = Vec::new();
    for (index, &(kind, a, b)) in choices.iter().enumerate() {
        let (a, b) = (nets[usize::from(a) % nets.len()], nets[usize::from(b) % nets.len()]);
        let y = 100 + index as u32;
        let of = ["INV", "NAND2", "XOR2", "NAND2SLOW"][usize::from(kind) % 4];
        let pins = if of == "INV" { format!("A={a} Y={y}") } else { format!("A={a} B={b} Y={y}") };
        cells.push((of, pins));
        nets.push(y);
    }
    let last = nets[nets.len() - 4..].to_vec();
    for (i, d) in last.iter().enumerate() {
        cells.push(("DFF", format!(r#"CK=2 D={d} RN="1" Q={}"#, 7 + i)));
    }
    let outputs: Vec<String> = nets[4..].iter().map(u32::to_string).collect();
    module_ports.push(format!("y>{}", outputs.join(",")));
    let ports: Vec<&str> = module_ports.iter().map(String::as_str).collect();
    let module = TestModule::new("top", &ports);
    let module = cells.iter().fold(module, |m, (of, pins)| m.cell(of, pins));
    (module, outputs.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn both_modes_settle_to_the_same_values(
        choices in prop::collection::vec((any::<u8>(), any::<u16>(), any::<u16>()), 4..50),
        inputs in prop::collection::vec(0u64..16, 1..20),
    ) {
        let (module, width) = netlist(&choices);
        let zero = load(&[module], &options(Mode::ZeroDelay)).unwrap();
        let (module, _) = netlist(&choices);
        let inertial = load(&[module], &options(Mode::Inertial)).unwrap();
        let signals: Vec<Signal> =
            (0..4).map(|i| Signal { name: format!("i{i}"), width: 1 }).collect();
        let outputs = vec![Signal { name: "y".into(), width: width as u32 }];
        let mut pins = Pins::new(signals.clone(), Vec::new());
        let mut checked = Pins::new(signals, outputs);
        let reference = reference(&choices, &inputs);
        for (&value, &expected) in inputs.iter().zip(&reference) {
            let row: Vec<u64> = (0..4).map(|i| value >> i & 1).collect();
            pins.push(&row, &[]).unwrap();
            checked.push(&row, &[Some(expected)]).unwrap();
        }
        zero.run(&checked).unwrap();
        inertial.run(&checked).unwrap();
        let (a, b) = (zero.run(&pins).unwrap(), inertial.run(&pins).unwrap());
        // Delays add toggles in pairs, never remove them.
        for (a, b) in a.toggles.iter().zip(&b.toggles) {
            prop_assert!(b >= a && (b - a) % 2 == 0);
        }
    }
}

/// Values of all outputs by evaluation in order, in plain Rust.
fn reference(choices: &[(u8, u16, u16)], inputs: &[u64]) -> Vec<u64> {
    let mut flops = [false; 4];
    let mut rows = Vec::new();
    for value in inputs {
        let mut nets: Vec<bool> = (0..4).map(|i| value >> i & 1 == 1).collect();
        nets.extend(flops);
        for &(kind, a, b) in choices {
            let (a, b) = (nets[usize::from(a) % nets.len()], nets[usize::from(b) % nets.len()]);
            nets.push(match kind % 4 {
                0 => !a,
                2 => a ^ b,
                _ => !(a && b),
            });
        }
        flops.copy_from_slice(&nets[nets.len() - 4..]);
        rows.push(nets[4..].iter().enumerate().map(|(i, &v)| u64::from(v) << i).sum());
    }
    rows
}
