// A small device that obeys the port contract of the accelerator, for testing the harness. Commands are
// one 64-bit beat: opcode in word 0, argument in word 1. A skid-free echo with a one-beat output register.
//   1 HEADER id    start a program; another id raises error 1
//   2 ECHO n       n beats follow; each comes back with both words incremented
//   3 MARK         end of a layer
//   4 END          raise `done` once the output is taken
//   5 WAIT n       n idle cycles
//   6 DRAW n       n beats of output without input: the beat's number in word 0
//   else           error 2
module pecan (
    input             clock,
    input             reset,
    input             in_valid,
    output            in_ready,
    input      [31:0] in_data_0,
    input      [31:0] in_data_1,
    output reg        out_valid,
    input             out_ready,
    output reg [31:0] out_data_0,
    output reg [31:0] out_data_1,
    input      [7:0]  status_addr,
    output reg [31:0] status_data,
    output reg [15:0] layer,
    output reg        done,
    output reg        error
);
    localparam ID = 32'h00010203;
    localparam COMMAND = 3'd0, ECHO = 3'd1, PAUSE = 3'd2, DRAW = 3'd3, FINISH = 3'd4, HALT = 3'd5;

    reg [2:0]  state;
    reg [31:0] left;
    reg [7:0]  code;
    reg [63:0] cycles, taken, given;

    wire free = !out_valid || out_ready;
    assign in_ready = state == COMMAND || (state == ECHO && free);
    wire take = in_valid && in_ready;

    always @(*) begin
        case (status_addr)
            8'd0: status_data = ID;
            8'd1: status_data = {24'd0, code};
            8'd2: status_data = {16'd0, layer};
            8'd16: status_data = cycles[31:0];
            8'd17: status_data = cycles[63:32];
            8'd18: status_data = taken[31:0];
            8'd19: status_data = taken[63:32];
            8'd20: status_data = given[31:0];
            8'd21: status_data = given[63:32];
            default: status_data = 32'd0;
        endcase
    end

    always @(posedge clock) begin
        cycles <= cycles + 64'd1;
        if (take) taken <= taken + 64'd1;
        if (out_valid && out_ready) begin
            given <= given + 64'd1;
            out_valid <= 1'b0;
        end
        case (state)
            COMMAND: if (take) begin
                left <= in_data_1;
                case (in_data_0)
                    32'd1: begin
                        done <= 1'b0;
                        layer <= 16'd0;
                        cycles <= 64'd0;
                        taken <= 64'd0;
                        given <= 64'd0;
                        if (in_data_1 != ID) begin
                            error <= 1'b1;
                            code <= 8'd1;
                            state <= HALT;
                        end
                    end
                    32'd2: if (in_data_1 != 32'd0) state <= ECHO;
                    32'd3: layer <= layer + 16'd1;
                    32'd4: state <= FINISH;
                    32'd5: if (in_data_1 != 32'd0) state <= PAUSE;
                    32'd6: if (in_data_1 != 32'd0) state <= DRAW;
                    default: begin
                        error <= 1'b1;
                        code <= 8'd2;
                        state <= HALT;
                    end
                endcase
            end
            ECHO: if (take) begin
                out_valid <= 1'b1;
                out_data_0 <= in_data_0 + 32'd1;
                out_data_1 <= in_data_1 + 32'd1;
                left <= left - 32'd1;
                if (left == 32'd1) state <= COMMAND;
            end
            PAUSE: begin
                left <= left - 32'd1;
                if (left == 32'd1) state <= COMMAND;
            end
            DRAW: if (free) begin
                out_valid <= 1'b1;
                out_data_0 <= left;
                out_data_1 <= 32'd0;
                left <= left - 32'd1;
                if (left == 32'd1) state <= COMMAND;
            end
            FINISH: if (free) begin
                done <= 1'b1;
                state <= COMMAND;
            end
            default: ;
        endcase
        if (reset) begin
            state <= COMMAND;
            out_valid <= 1'b0;
            layer <= 16'd0;
            done <= 1'b0;
            error <= 1'b0;
            code <= 8'd0;
        end
    end
endmodule
