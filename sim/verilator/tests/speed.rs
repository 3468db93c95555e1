//! Speed of the harness and of the build on a design of realistic size. Run on request:
//! `cargo test --release -p pecan-sim --test speed -- --ignored --nocapture`.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests fail like tests

#[path = "support/mod.rs"]
#[allow(dead_code)] // shared with other test files
mod support;

use pecan_ir::memory::{DramTiming, MemoryModel};
use pecan_verilator::harness::{Job, Settings};
use pecan_verilator::{Simulator, VerilogFile};
use support::{echo_twice, input, options, source, verilator};

/// Adds an array of multiply-accumulate elements with scratchpads to the stand-in: `rows` x `cols`
/// elements of four 8-bit lanes each, all busy in every cycle.
fn array(rows: usize, cols: usize) -> VerilogFile {
    let element = "
module element (input clock, input [31:0] weights, input [7:0] data, input [5:0] index,
                output reg [95:0] sums);
    reg [7:0] pad [0:63];
    reg signed [7:0] activation;
    integer i;
    initial sums = 96'd0;
    always @(posedge clock) begin
        pad[index] <= data;
        activation <= $signed(pad[index ^ 6'd21]);
        for (i = 0; i < 4; i = i + 1)
            sums[24*i +: 24] <= sums[24*i +: 24] + {{8{weights[8*i+7]}}, weights[8*i +: 8]} * {{16{activation[7]}}, activation};
    end
endmodule
";
    let array = format!(
        "
    reg [31:0] noise = 32'd1;
    always @(posedge clock) noise <= {{noise[30:0], noise[31] ^ noise[21] ^ noise[1] ^ noise[0]}};
    wire [95:0] sums [0:{last}];
    genvar r, c;
    generate for (r = 0; r < {rows}; r = r + 1) begin : row
        for (c = 0; c < {cols}; c = c + 1) begin : column
            element e (.clock(clock), .weights(noise * (c + 3)), .data(noise[7:0] ^ r), .index(noise[13:8]),
                       .sums(sums[r * {cols} + c]));
        end
    end endgenerate
    integer k;
    reg [31:0] digest;
    always @(*) begin
        digest = 32'd0;
        for (k = 0; k < {count}; k = k + 1) digest = digest ^ sums[k][31:0] ^ sums[k][95:64];
    end
endmodule
{element}",
        last = rows * cols - 1,
        count = rows * cols
    );
    let text =
        source().text.replace("default: status_data = 32'd0;", "default: status_data = digest;");
    let text = text.replace("endmodule\n", &array);
    // The digest is used before the place where it is declared.
    let text = text.replace("    localparam ID", "    wire [31:0] digest_view;\n    localparam ID");
    let text = text.replace("status_data = digest;", "status_data = digest_view;");
    let text =
        text.replace("    integer k;\n", "    integer k;\n    assign digest_view = digest;\n");
    VerilogFile { name: "array.v".into(), text }
}

#[test]
#[ignore = "a measurement, not a check"]
fn measure() {
    let memory = MemoryModel::Dram(DramTiming::new(8.0, 100));
    let ideal = Settings::default();
    let dram = Settings { memory, ..Settings::default() };
    for (rows, cols) in [(1, 1), (8, 4), (16, 16)] {
        let simulator =
            Simulator::build(&[array(rows, cols)], &options(false), &verilator()).unwrap();
        println!("{rows}x{cols}: built in {:.1} s", simulator.build_seconds);
        let program = echo_twice(20_000);
        let inputs = [input(0, program.input.bytes)];
        for (name, settings) in [("ideal", &ideal), ("dram", &dram)] {
            let job =
                Job { program: &program, later: None, inputs: &inputs, settings: settings.clone() };
            let bench = simulator.bench(&job, 5).unwrap();
            let best = |list: &[f64]| list.iter().copied().fold(0.0, f64::max) / 1e3;
            println!(
                "  {name}: {} cycles, harness {:.0}, bare {:.0} kcycles/s, efficiency {:.2}",
                bench.cycles,
                best(&bench.harness),
                best(&bench.bare),
                bench.efficiency()
            );
        }
    }
}
