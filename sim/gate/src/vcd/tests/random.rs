//! Random changes: a VCD file of them has the activity of the SAIF file of them.

use std::fmt::Write as _;

use proptest::prelude::*;
use vcd::{SimulationCommand, TimescaleUnit, Value, Writer};

use super::super::super::Activity;
use super::super::Window;
use super::{design, write};

const NETS: usize = 4;
const VALUES: [Value; 4] = [Value::V0, Value::V1, Value::X, Value::Z];

/// Values of `clock`, `a`, `y[0]` and `y[1]` after each step, with the time since the step before.
type Steps = Vec<(u64, [Value; NETS])>;

fn steps() -> impl Strategy<Value = Steps> {
    // Mostly 0 and 1.
    let value = prop_oneof![4 => 0..2usize, 1 => 0..4usize].prop_map(|index| VALUES[index]);
    let step = (0..6u64, prop::array::uniform4(value));
    prop::collection::vec(step, 2..40)
}

/// The bits of `y` with the leftmost left out where it follows from the other.
fn short(high: Value, low: Value) -> Vec<Value> {
    match (high, low) {
        (Value::V0, Value::V0 | Value::V1) | (Value::X, Value::X) | (Value::Z, Value::Z) => {
            vec![low]
        }
        _ => vec![high, low],
    }
}

/// The changes of `steps` from `start` on, then `rest` units without one. `blasted`: bits of `y` are variables.
fn dump(steps: &Steps, start: u64, rest: u64, blasted: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut file = Writer::new(&mut bytes);
    file.timescale(10, TimescaleUnit::PS).unwrap();
    file.add_module("bench").unwrap();
    file.add_module("top").unwrap();
    let [clock, a] = ["clock", "a"].map(|name| file.add_wire(1, name).unwrap());
    let widths = if blasted { [("y[0]", 1), ("y[1]", 1)] } else { [("y", 2), ("other", 1)] };
    let [y, high] = widths.map(|(name, width)| file.add_wire(width, name).unwrap());
    file.upscope().unwrap();
    file.upscope().unwrap();
    file.enddefinitions().unwrap();
    let (mut time, mut before) = (start, None);
    for (number, (wait, values)) in steps.iter().enumerate() {
        if number == 0 || *wait > 0 {
            time += if number == 0 { 0 } else { *wait };
            file.timestamp(time).unwrap();
        }
        if number == 0 {
            file.begin(SimulationCommand::Dumpvars).unwrap();
        }
        let changed =
            |net: usize| before.is_none_or(|before: [Value; NETS]| before[net] != values[net]);
        for (id, net) in [(clock, 0), (a, 1)].into_iter().filter(|(_, net)| changed(*net)) {
            file.change_scalar(id, values[net]).unwrap();
        }
        match blasted {
            true => [(y, 2), (high, 3)].into_iter().filter(|(_, net)| changed(*net)).for_each(
                |(id, net)| {
                    file.change_scalar(id, values[net]).unwrap();
                },
            ),
            false if changed(2) || changed(3) => {
                file.change_vector(y, &short(values[3], values[2])).unwrap();
            }
            false => {}
        }
        if number == 0 {
            file.end().unwrap();
        }
        before = Some(*values);
    }
    file.timestamp(time + rest).unwrap();
    bytes
}

/// The SAIF file of `steps`: every unit of time from the first to the last is looked at by itself.
fn saif(steps: &Steps, rest: u64) -> String {
    let duration: u64 = steps[1..].iter().map(|(wait, _)| wait).sum::<u64>() + rest;
    let mut text = format!(
        "(SAIFILE (DURATION {duration}) (TIMESCALE 10 ps) (INSTANCE bench (INSTANCE top (NET\n"
    );
    for (net, name) in ["clock", "a", "y\\[0\\]", "y\\[1\\]"].iter().enumerate() {
        let mut times = [0u64; 4];
        let mut toggles = 0;
        let at = |value: Value| VALUES.iter().position(|v| *v == value).unwrap();
        let mut time = 0;
        for pair in steps.windows(2) {
            let ((_, before), (wait, after)) = (pair[0], pair[1]);
            times[at(before[net])] += wait;
            time += wait;
            let known = at(before[net]) < 2 && at(after[net]) < 2;
            // Changes at the first time are part of the first state.
            toggles += u64::from(time > 0 && known && before[net] != after[net]);
        }
        times[at(steps[steps.len() - 1].1[net])] += rest;
        let [zero, one, x, z] = times;
        writeln!(text, "({name} (T0 {zero}) (T1 {one}) (TX {x}) (TZ {z}) (TC {toggles}))").unwrap();
    }
    text + "))))"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn same_activity_as_saif(steps in steps(), start in 0..50u64, rest in 1..9u64, blasted: bool) {
        let design = design();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.vcd");
        std::fs::write(&path, dump(&steps, start, rest, blasted)).unwrap();
        let vcd = Activity::read_vcd(&design, &path, None, &Window::default()).unwrap();
        let path = write(&folder, "a.saif", &saif(&steps, rest));
        prop_assert_eq!(&vcd, &Activity::read_saif(&design, &path, None).unwrap());
        prop_assert!(vcd.cycles > 0.0);
    }

    /// Windows that follow each other add up to the whole.
    #[test]
    fn windows_add_up(steps in steps(), rest in 2..9u64, share in 0.0..1.0f64) {
        let design = design();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.vcd");
        std::fs::write(&path, dump(&steps, 0, rest, false)).unwrap();
        let read = |from_ns, to_ns| Activity::read_vcd(&design, &path, None, &Window { from_ns, to_ns }).unwrap();
        let whole = read(None, None);
        let units = (whole.cycles * 100.0).round();
        let cut = (1.0 + (share * (units - 2.0)).round()) / 100.0;
        let parts = [read(None, Some(cut)), read(Some(cut), None)];
        prop_assert!((parts[0].cycles + parts[1].cycles - whole.cycles).abs() < 1e-9);
        for net in 2..design.nets() {
            prop_assert_eq!(parts[0].toggles[net] + parts[1].toggles[net], whole.toggles[net]);
            let ones = |a: &Activity| a.ones[net] * a.cycles;
            prop_assert!((ones(&parts[0]) + ones(&parts[1]) - ones(&whole)).abs() < 1e-9);
        }
    }
}
