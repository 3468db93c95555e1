//! The Verilog test bench and its first program.

use std::fmt::Write as _;

use super::Context;
use crate::isa::{Opcode, VERSION, WAIT_STORE, command, payload_beats};

/// A program that writes buffer words and reads them back: beats in, beats out, as hexadecimal lines.
pub(super) struct Echo {
    pub(super) input: String,
    pub(super) expected: String,
    beats_in: usize,
    beats_out: usize,
}

impl Echo {
    pub(super) fn of(context: &Context<'_>) -> Self {
        let g = &context.geometry;
        let per_beat = (g.stream_bits / g.word_slot).max(1);
        // A few words, and whole beats, as the rest of a partly used beat is not specified.
        let words = (12 / per_beat).max(2) * per_beat;
        let words = words.min(g.buffer_words);
        let first = (g.buffer_words - words) as u32;
        let word_bits = g.word_channels * g.activation_bits;
        let payload = pack(words, g.word_slot, word_bits, g.stream_bits);
        let count = words as u32;
        let mut beats: Vec<Vec<u32>> = [
            command(Opcode::Header, 0, VERSION),
            context.config.id(),
            command(Opcode::LoadActivation, 0, 0),
            first,
            count,
        ]
        .map(|word| vec![word])
        .into();
        beats.extend(payload.iter().cloned());
        beats.extend(
            [command(Opcode::Store, WAIT_STORE, 0), first, count, command(Opcode::End, 0, 0)]
                .map(|word| vec![word]),
        );
        debug_assert_eq!(
            payload.len() as u64,
            payload_beats(words as u64, g.word_slot, g.stream_bits)
        );
        Self {
            input: hex(&beats, g.stream_bits),
            expected: hex(&payload, g.stream_bits),
            beats_in: beats.len(),
            beats_out: payload.len(),
        }
    }
}

/// Beats of `words` items with recognisable bytes.
fn pack(words: usize, slot: usize, bits: usize, stream: usize) -> Vec<Vec<u32>> {
    let mut bytes = Vec::new();
    for word in 0..words {
        for byte in 0..slot / 8 {
            // Odd factors, so that neighbours differ in every position.
            let value = (word * 37 + byte * 11 + 0x81) as u8;
            bytes.push(if 8 * byte < bits { value } else { 0 });
        }
    }
    let words: Vec<u32> = bytes
        .chunks(4)
        .map(|chunk| chunk.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)))
        .collect();
    words.chunks(stream / 32).map(<[u32]>::to_vec).collect()
}

/// One line per beat, most significant digit first.
fn hex(beats: &[Vec<u32>], stream: usize) -> String {
    let mut text = String::new();
    for beat in beats {
        for word in (0..stream / 32).rev() {
            let _ = write!(text, "{:08x}", beat.get(word).unwrap_or(&0));
        }
        text.push('\n');
    }
    text
}

impl Context<'_> {
    /// The test bench, plain Verilog-2005.
    pub(super) fn test_bench(&self, echo: &Echo) -> String {
        let mut data_ports = String::new();
        for word in 0..self.geometry.stream_bits / 32 {
            let _ = writeln!(
                data_ports,
                "        .in_data_{word}(in_data[{high}:{low}]),\n        .out_data_{word}(out_data[{high}:{low}]),",
                low = 32 * word,
                high = 32 * word + 31,
            );
        }
        TEMPLATE
            .replace("@identity@", &self.identity())
            .replace("@stream@", &self.geometry.stream_bits.to_string())
            .replace("@beats_in@", &echo.beats_in.to_string())
            .replace("@beats_out@", &echo.beats_out.to_string())
            .replace("@data_ports@", &data_ports)
    }
}

const TEMPLATE: &str = include_str!("pecan_tb.v");
