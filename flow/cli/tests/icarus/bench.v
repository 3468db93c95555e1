// Runs the netlist with random inputs; writes its value changes, and toggles and times at 1 that it has counted itself.
`timescale 1ps/1ps
module probe(input s);
  integer toggles;
  time ones, zeros, since;
  reg last;
  initial begin
    toggles = 0;
    ones = 0;
    zeros = 0;
    since = 0;
    last = 1'bx;
  end
  task close;
    begin
      if (last === 1'b1) ones = ones + $time - since;
      if (last === 1'b0) zeros = zeros + $time - since;
      since = $time;
    end
  endtask
  always @(s) begin
    close;
    if ((last === 1'b0 && s === 1'b1) || (last === 1'b1 && s === 1'b0)) toggles = toggles + 1;
    last = s;
  end
endmodule

module bench;
  reg clock, reset_n, done;
  reg [3:0] inputs;
  wire [1:0] outputs;
  real volts;
  integer file, seed, i;

  top dut(.clock(clock), .reset_n(reset_n), .a(inputs), .y(outputs));

  probe p_clock(dut.clock), p_reset_n(dut.reset_n), p_n(dut.n), p_m(dut.m), p_p(dut.p), p_q0n(dut.q0n);
  probe p_a4(dut.a[4]), p_a5(dut.a[5]), p_a6(dut.a[6]), p_a7(dut.a[7]), p_y0(dut.y[0]), p_y1(dut.y[1]);
  probe p_n2(dut.\n.2 ), p_q1n(dut.\q1n[0] ), p_i(dut.\u.0 .i), p_o(dut.\u.0 .o);

`define NET(NAME, PROBE) \
  PROBE.close; \
  $fwrite(file, "(%0s (T0 %0d) (T1 %0d) (TX %0d) (TC %0d) (IG 0))\n", NAME, PROBE.zeros, PROBE.ones, \
          $time - PROBE.zeros - PROBE.ones, PROBE.toggles);

  initial begin
    $dumpfile("run.vcd");
    $dumpvars(0, bench);
    seed = 7;
    volts = 1.5;
    done = 0;
    clock = 0;
    reset_n = 1'bz;
    #120 reset_n = 0;
    #300 reset_n = 1;
    for (i = 0; i < 400; i = i + 1) begin
      #10 inputs = i == 200 ? 4'bxxxx : $random(seed);
      if (i % 3 == 0) #15 inputs[1] = ~inputs[1];
      #490 clock = 1;
      #500 clock = 0;
    end
    #77 done = 1;
    file = $fopen("run.saif", "w");
    $fwrite(file, "(SAIFILE (SAIFVERSION \"2.0\") (TIMESCALE 1 ps) (DURATION %0d)\n", $time);
    $fwrite(file, "(INSTANCE bench (INSTANCE dut (NET\n");
    `NET("clock", p_clock)
    `NET("reset_n", p_reset_n)
    `NET("n", p_n)
    `NET("m", p_m)
    `NET("p", p_p)
    `NET("q0n", p_q0n)
    `NET("a\\[4\\]", p_a4)
    `NET("a\\[5\\]", p_a5)
    `NET("a\\[6\\]", p_a6)
    `NET("a\\[7\\]", p_a7)
    `NET("y\\[0\\]", p_y0)
    `NET("y\\[1\\]", p_y1)
    `NET("n\\.2", p_n2)
    `NET("q1n\\[0\\]", p_q1n)
    $fwrite(file, ")(INSTANCE u\\.0 (NET\n");
    `NET("i", p_i)
    `NET("o", p_o)
    $fwrite(file, ")))))\n");
    $fclose(file);
    $finish;
  end
endmodule
