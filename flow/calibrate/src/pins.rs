//! Turns recorded pins of the RTL into the inputs and expected outputs of a netlist.

use pecan_gate::{GateError, Pins, Signal};
use pecan_verilator::harness::{PinCycle, PinTrace};

/// Width of a data port: a beat is split into such words.
const WORD: usize = 32;

/// The pins of a recorded run. Output data are compared only where a beat is offered.
///
/// # Errors
/// The trace does not fit the ports: a fault of the recording.
pub(super) fn pins(trace: &PinTrace) -> Result<Pins, GateError> {
    let words = trace.stream_bits() as usize / WORD;
    let data = |prefix: &str| -> Vec<Signal> {
        (0..words).map(|k| signal(&format!("{prefix}_data_{k}"), 32)).collect()
    };
    let mut inputs = vec![signal("reset", 1), signal("in_valid", 1), signal("out_ready", 1)];
    inputs.push(signal("status_addr", 8));
    inputs.extend(data("in"));
    let mut outputs = vec![signal("in_ready", 1), signal("out_valid", 1), signal("layer", 16)];
    outputs.extend([signal("done", 1), signal("error", 1)]);
    outputs.extend(data("out"));
    let mut pins = Pins::new(inputs, outputs);
    for cycle in trace.cycles() {
        let (inputs, outputs) = values(&cycle);
        pins.push(&inputs, &outputs)?;
    }
    Ok(pins)
}

fn signal(name: &str, width: u32) -> Signal {
    Signal { name: name.into(), width }
}

fn values(cycle: &PinCycle<'_>) -> (Vec<u64>, Vec<Option<u64>>) {
    let mut inputs = vec![cycle.reset, cycle.in_valid, cycle.out_ready, false]
        .into_iter()
        .map(u64::from)
        .collect::<Vec<_>>();
    inputs.extend(words(cycle.in_data));
    let mut outputs = vec![
        Some(u64::from(cycle.in_ready)),
        Some(u64::from(cycle.out_valid)),
        Some(u64::from(cycle.layer)),
        Some(u64::from(cycle.done)),
        Some(u64::from(cycle.error)),
    ];
    outputs.extend(words(cycle.out_data).map(|word| cycle.out_valid.then_some(word)));
    (inputs, outputs)
}

fn words(beat: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    beat.chunks_exact(WORD / 8).map(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_words_with_the_low_one_first() {
        assert_eq!(
            words(&[1, 2, 3, 4, 5, 0, 0, 0x80]).collect::<Vec<_>>(),
            [0x0403_0201, 0x8000_0005]
        );
    }
}
