// Cells of the library of round numbers, with delays: signals glitch.
`timescale 1ps/1ps
module INV(input A, output Y);
  assign #30 Y = ~A;
endmodule
module NAND2(input A, input B, output Y);
  assign #50 Y = ~(A & B);
endmodule
module XOR2(input A, input B, output Y);
  assign #70 Y = A ^ B;
endmodule
module DFF(input CK, input D, input RN, output Q, output QN);
  reg state;
  always @(posedge CK or negedge RN) state <= RN ? D : 1'b0;
  assign #40 Q = state;
  assign #45 QN = ~state;
endmodule
