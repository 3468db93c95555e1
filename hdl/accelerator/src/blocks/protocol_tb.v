// Holds the accelerator to its protocol around an error: no status register is undefined before the first
// header, a beat that is offered stays until it is taken, a store in hand is delivered whole, a reset recovers.
`timescale 1ns / 1ps

module protocol_tb;
    // Beats of the program that ends in an error, of those before the error, of the program that follows the
    // reset, and that each delivers.
    parameter FAULTY = 1;
    parameter BEFORE = 1;
    parameter SOUND = 1;
    parameter OUT = 1;
    parameter CODE = 1;
    parameter WIDTH = 32;

    reg clock = 0;
    reg reset = 0;
    reg in_valid = 0;
    reg [WIDTH-1:0] in_data = 0;
    reg out_ready = 0;
    reg [7:0] status_addr = 0;
    wire in_ready, out_valid, done, error;
    wire [WIDTH-1:0] out_data;
    wire [31:0] status_data;
    wire [15:0] layer;

    pecan dut (
        .clock(clock), .reset(reset), .in_valid(in_valid), .in_ready(in_ready), .out_valid(out_valid),
        .out_ready(out_ready), .status_addr(status_addr), .status_data(status_data), .layer(layer),
@data_ports@        .done(done), .error(error)
    );

    always #5 clock = ~clock;

    reg [WIDTH-1:0] faulty [0:FAULTY-1];
    reg [WIDTH-1:0] sound [0:SOUND-1];
    reg [WIDTH-1:0] expected [0:OUT-1];
    integer seed = 1;
    integer i, cycle, sent, received;
    integer failures = 0;
    reg watched = 0;
    reg held = 0;
    reg [WIDTH-1:0] held_data;

    task check;
        input holds;
        input [8*40-1:0] what;
        if (!holds) begin
            failures = failures + 1;
            if (failures < 10) $display("%0t: %0s", $time, what);
        end
    endtask

    always @(posedge clock) begin
        if (watched) begin
            check((^{in_ready, out_valid, done, error, layer, status_data}) !== 1'bx, "undefined output");
            check(!out_valid || (^out_data) !== 1'bx, "undefined beat");
            if (!reset && held) check(out_valid && out_data === held_data, "an offered beat did not stay");
        end
        if (out_valid && out_ready && !reset) begin
            check(received < OUT && out_data === expected[received], "wrong beat");
            received = received + 1;
        end
        held = !reset && out_valid === 1'b1 && !out_ready;
        held_data = out_data;
    end

    // One cycle of reset; before the header every status register is defined and every counter 0.
    task restart;
        begin
            in_valid = 0;
            reset = 1;
            @(negedge clock);
            reset = 0;
            watched = 1;
            received = 0;
            for (cycle = 0; cycle < 20; cycle = cycle + 1) begin
                for (i = 0; i < 256; i = i + 1) begin
                    status_addr = i;
                    #0.01 check((^status_data) !== 1'bx, "undefined status register");
                    check(i == 0 || status_data === 0, "status register not 0");
                end
                @(negedge clock);
            end
            status_addr = 1;
        end
    endtask

    // Offers beats until all are taken or the device has halted.
    task play;
        input integer beats;
        input which;
        begin
            sent = 0;
            cycle = 0;
            while (sent < beats && !error && cycle < 20000) begin
                // The store has a beat to offer by then.
                if (!which && sent == BEFORE && !in_valid) repeat (40) @(negedge clock);
                if (!in_valid) begin
                    in_valid = $unsigned($random(seed)) % 4 != 0;
                    in_data = which ? sound[sent] : faulty[sent];
                end
                @(posedge clock);
                i = in_valid && in_ready;
                @(negedge clock);
                if (i) begin
                    sent = sent + 1;
                    in_valid = 0;
                end
                cycle = cycle + 1;
            end
            in_valid = 0;
        end
    endtask

    task deliver;
        input integer cycles;
        repeat (cycles) begin
            out_ready = $unsigned($random(seed)) % 3 != 0;
            @(negedge clock);
        end
    endtask

    initial begin
        $readmemh("faulty.hex", faulty);
        $readmemh("sound.hex", sound);
        $readmemh("expected.hex", expected);
        @(negedge clock);
        restart;
        // Nothing is taken, so that the store has a beat to offer when the error comes.
        play(FAULTY, 1'b0);
        cycle = 0;
        while (!error && cycle < 2000) begin
            @(negedge clock);
            cycle = cycle + 1;
        end
        check(error && status_data === CODE, "not the error");
        check(out_valid, "no beat is offered");
        repeat (30) @(negedge clock);
        deliver(20 * OUT);
        check(received == OUT && !out_valid, "the store was not delivered whole");
        // Nothing but a reset helps.
        in_valid = 1;
        in_data = faulty[0];
        repeat (20) begin
            @(negedge clock);
            check(!in_ready && error, "the device went on after an error");
        end
        out_ready = 0;
        restart;
        play(SOUND, 1'b1);
        deliver(20 * OUT);
        check(received == OUT && done && !error, "a reset did not recover");
        if (failures == 0) $display("PASS");
        else $display("FAIL: %0d", failures);
        $finish;
    end
endmodule
