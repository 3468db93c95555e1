// The netlist of netlist.json.
`timescale 1ps/1ps
module child(input i, output o);
  INV g(.A(i), .Y(o));
endmodule
module top(input clock, input reset_n, input [7:4] a, output [0:1] y);
  wire n, m, p, q0n;
  wire \n.2 , \q1n[0] ;
  child \u.0 (.i(a[4]), .o(n));
  XOR2 x0(.A(n), .B(a[5]), .Y(\n.2 ));
  DFF f0(.CK(clock), .D(\n.2 ), .RN(reset_n), .Q(y[0]), .QN(q0n));
  NAND2 g1(.A(y[0]), .B(a[6]), .Y(m));
  DFF f1(.CK(clock), .D(m), .RN(reset_n), .Q(y[1]), .QN(\q1n[0] ));
  XOR2 x1(.A(m), .B(a[7]), .Y(p));
endmodule
