// Self-checking test bench of @identity@.
//
// It sends the beats of one hexadecimal file to the accelerator, compares what comes back with those of
// another, and prints PASS, or FAIL with the reason. The defaults run tb/in.hex and tb/expected.hex:
// @summary@,
// both requantized, with values computed by integer arithmetic from the definition of the layers.
//
//   iverilog -g2005 -s @top@_tb -o @top@_tb rtl/*.v tb/@top@_tb.v && (cd tb && vvp ../@top@_tb)
//
// Other programs: parameters IN_BEATS and OUT_BEATS (iverilog: -P @top@_tb.IN_BEATS=...) and
// +in=FILE +expected=FILE when it runs; +vcd=FILE writes a waveform.
`timescale 1ns / 1ps

module @top@_tb;
    // Beats in the two files.
    parameter IN_BEATS = @beats_in@;
    parameter OUT_BEATS = @beats_out@;
    // Percentage of cycles in which a stream is held back, on either side.
    parameter STALL = 25;
    // Clock cycles after which the test has failed.
    parameter TIMEOUT = 1000000;
    parameter SEED = 1;

    localparam WIDTH = @stream@;

    reg clock;
    reg reset;
    reg in_valid;
    wire in_ready;
    reg [WIDTH-1:0] in_data;
    wire out_valid;
    reg out_ready;
    wire [WIDTH-1:0] out_data;
    reg [7:0] status_addr;
    wire [31:0] status_data;
    wire [15:0] layer;
    wire done;
    wire error;

    @top@ dut (
        .clock(clock),
        .reset(reset),
        .in_valid(in_valid),
        .in_ready(in_ready),
@data_ports@        .out_valid(out_valid),
        .out_ready(out_ready),
        .status_addr(status_addr),
        .status_data(status_data),
        .layer(layer),
        .done(done),
        .error(error)
    );

    reg [WIDTH-1:0] in_beats [0:IN_BEATS-1];
    reg [WIDTH-1:0] out_beats [0:OUT_BEATS-1];
    reg [8*256-1:0] in_file;
    reg [8*256-1:0] out_file;
    reg [8*256-1:0] vcd_file;
    integer sent;
    integer sent_before;
    integer received;
    integer cycles;
    integer seed;
    reg over;
    reg held;
    reg [WIDTH-1:0] held_data;

    // The next beat is offered until it is taken: valid never falls without a transfer.
    task offer;
        begin
            in_valid = sent < IN_BEATS && $unsigned($random(seed)) % 100 >= STALL;
            in_data = in_valid ? in_beats[sent] : {WIDTH{1'bx}};
        end
    endtask

    // Only the first verdict counts.
    task finish;
        input pass;
        if (!over) begin
            over = 1;
            if (pass) $display("PASS: %0d beats in, %0d beats out, %0d cycles", sent, received, cycles);
            else $display("FAIL: %0d beats in, %0d beats out, %0d cycles", sent, received, cycles);
            $finish;
        end
    endtask

    initial begin
        if (!$value$plusargs("in=%s", in_file)) in_file = "in.hex";
        if (!$value$plusargs("expected=%s", out_file)) out_file = "expected.hex";
        if ($value$plusargs("vcd=%s", vcd_file)) begin
            $dumpfile(vcd_file);
            $dumpvars(0, dut);
        end
        $readmemh(in_file, in_beats);
        $readmemh(out_file, out_beats);
        clock = 0;
        reset = 1;
        in_valid = 0;
        in_data = {WIDTH{1'b0}};
        out_ready = 0;
        // Register 1 is the error code.
        status_addr = 8'd1;
        sent = 0;
        sent_before = 0;
        received = 0;
        cycles = 0;
        over = 0;
        held = 0;
        seed = SEED;
        repeat (4) @(negedge clock);
        reset = 0;
    end

    always #5 clock = ~clock;

    // Transfers are seen just before the edge; inputs change at the falling edge.
    always @(posedge clock) if (!reset) begin
        cycles = cycles + 1;
        if (held && (out_valid !== 1'b1 || out_data !== held_data)) begin
            $display("beat %0d did not stay until it was taken", received);
            finish(1'b0);
        end
        held = out_valid && !out_ready;
        held_data = out_data;
        if (in_valid && in_ready) sent = sent + 1;
        if (out_valid && out_ready) begin
            if (received >= OUT_BEATS) begin
                $display("beat %0d: %h was not expected", received, out_data);
                finish(1'b0);
            end else if (out_data !== out_beats[received]) begin
                $display("beat %0d: %h, expected %h", received, out_data, out_beats[received]);
                finish(1'b0);
            end
            received = received + 1;
        end
        if (error !== 1'b0) begin
            $display("error code %0d after %0d beats", status_data, sent);
            finish(1'b0);
        end else if (done && sent == IN_BEATS) begin
            if (received != OUT_BEATS) $display("the program ended early");
            finish(received == OUT_BEATS);
        end else if (cycles == TIMEOUT) begin
            $display("no end after %0d cycles", cycles);
            finish(1'b0);
        end
    end

    always @(negedge clock) if (!reset) begin
        if (!in_valid || sent_before != sent) offer;
        sent_before = sent;
        out_ready = $unsigned($random(seed)) % 100 >= STALL;
    end
endmodule
