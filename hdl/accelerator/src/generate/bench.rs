//! The Verilog test bench.

use std::fmt::Write as _;

use super::Context;
use super::program::Program;

impl Context<'_> {
    /// The test bench, plain Verilog-2005.
    pub(super) fn test_bench(&self, program: &Program) -> String {
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
            .replace("@top@", self.prefix.top())
            .replace("@identity@", &self.identity())
            .replace("@stream@", &self.geometry.stream_bits.to_string())
            .replace("@beats_in@", &program.beats_in.to_string())
            .replace("@beats_out@", &program.beats_out.to_string())
            .replace("@summary@", &program.summary)
            .replace("@data_ports@", &data_ports)
    }
}

const TEMPLATE: &str = include_str!("pecan_tb.v");
