//! The C header for software that creates or sends command streams.

use std::fmt::Write as _;

use super::Context;
use super::registers::{col_bits, row_bits, sizes};
use pecan_config::isa::counter::Counter;
use pecan_config::isa::register::{
    COL_BASE, COL_STRIDE, ColRegister, MODE_MAX, MODE_PER_CHANNEL, ROW_BASE, ROW_STRIDE, Register,
    RowRegister,
};
use pecan_config::isa::{
    BIAS_BITS, ErrorCode, MULTIPLIER_BITS, Opcode, RunFlags, SHIFT_BITS, VERSION, WAIT_COMPUTE,
    WAIT_STORE,
};

/// Functions that depend on the configuration only through the macros above them.
const FUNCTIONS: &str = r"/* A command word: opcode PECAN_OP_*, waits PECAN_WAIT_*, operand of 24 bits. */
static inline uint32_t pecan_command(uint32_t opcode, uint32_t waits, uint32_t operand)
{
    return (opcode << 28) | waits | (operand & UINT32_C(0x00ffffff));
}

/* The command word that writes `count` configuration registers from `first`. */
static inline uint32_t pecan_config(uint32_t first, uint32_t count)
{
    return pecan_command(PECAN_OP_CONFIG, 0, (count << 8) | (first & UINT32_C(0xff)));
}

/* Index of a register PECAN_ROW_* of a row of the array. */
static inline uint32_t pecan_row_register(uint32_t row, uint32_t offset)
{
    return PECAN_ROW_BASE + PECAN_ROW_STRIDE * row + offset;
}

/* Index of a register PECAN_COL_* of a column of the array. */
static inline uint32_t pecan_col_register(uint32_t col, uint32_t offset)
{
    return PECAN_COL_BASE + PECAN_COL_STRIDE * col + offset;
}

/* The requantization parameters of a channel as LoadParam takes them. The output is
   clamp(((sum + bias) * multiplier + (1 << (shift - 1))) >> shift). */
static inline uint64_t pecan_pack_param(int64_t bias, uint32_t multiplier, uint32_t shift)
{
    return ((uint64_t)bias & ((UINT64_C(1) << PECAN_PARAM_BIAS_BITS) - 1))
        | ((uint64_t)multiplier << PECAN_PARAM_BIAS_BITS)
        | ((uint64_t)shift << (PECAN_PARAM_BIAS_BITS + PECAN_PARAM_MULTIPLIER_BITS));
}

/* Beats of a payload of `items` that take `slot` bits each (PECAN_WORD_SLOT, PECAN_ENTRY_SLOT or
   PECAN_PARAM_SLOT). */
static inline uint64_t pecan_payload_beats(uint64_t items, uint32_t slot)
{
    uint32_t per_beat = slot < PECAN_STREAM_BITS ? PECAN_STREAM_BITS / slot : 1;
    uint32_t beats = slot > PECAN_STREAM_BITS ? slot / PECAN_STREAM_BITS : 1;
    return (items + per_beat - 1) / per_beat * beats;
}
";

impl Context<'_> {
    /// The C header, C99.
    pub(super) fn c_header(&self) -> String {
        let mut out = Defines(format!(
            "/* {}. Generated: do not edit. */\n#ifndef PECAN_H\n#define PECAN_H\n\n#include <stdint.h>\n",
            self.identity()
        ));
        out.section("Version of the command set and identity of the hardware");
        out.number("VERSION", VERSION as usize);
        out.word("CONFIG_ID", self.config.id());
        out.section("Sizes");
        for (name, _, value) in sizes(&self.geometry) {
            out.number(name, value);
        }
        self.commands(&mut out);
        self.registers(&mut out);
        out.section("Error codes (status register PECAN_STATUS_ERROR)");
        for code in ErrorCode::ALL {
            out.number(&format!("ERROR_{}", code.name()), *code as usize);
        }
        out.section("Status registers; a counter's high word follows its low word");
        for (address, name) in ["config_id", "error", "layer"].iter().enumerate() {
            out.number(&format!("STATUS_{name}"), address);
        }
        for counter in Counter::ALL {
            out.number(&format!("COUNTER_{}", counter.key()), counter.status_address() as usize);
        }
        let mut text = out.0 + "\n" + FUNCTIONS + "\n";
        text += "/* Name of an error code. */\nstatic inline const char *pecan_error_name(uint32_t code)\n{\n    switch (code) {\n    case 0: return \"none\";\n";
        for code in ErrorCode::ALL {
            let name = code.name();
            let _ =
                writeln!(text, "    case PECAN_ERROR_{}: return \"{name}\";", name.to_uppercase());
        }
        text += "    default: return \"unknown\";\n    }\n}\n\n#endif\n";
        // The names above begin with the name of the package without a prefix.
        let name = self.prefix.top();
        text.replace("PECAN_", &format!("{}_", name.to_ascii_uppercase()))
            .replace("pecan_", &format!("{name}_"))
    }

    fn commands(&self, out: &mut Defines) {
        out.section("Commands");
        for opcode in Opcode::ALL {
            out.number(&format!("OP_{}", opcode.name()), *opcode as usize);
        }
        out.word("WAIT_COMPUTE", WAIT_COMPUTE);
        out.word("WAIT_STORE", WAIT_STORE);
        out.number("RUN_ACCUMULATE", RunFlags::ACCUMULATE as usize);
        out.number("RUN_NO_DRAIN", RunFlags::NO_DRAIN as usize);
        out.number("PARAM_BIAS_BITS", BIAS_BITS);
        out.number("PARAM_MULTIPLIER_BITS", MULTIPLIER_BITS);
        out.number("PARAM_SHIFT_BITS", SHIFT_BITS);
    }

    fn registers(&self, out: &mut Defines) {
        let g = &self.geometry;
        out.section("Configuration registers: index and width");
        for register in Register::ALL {
            out.number(&format!("REG_{}", register.name()), *register as usize);
            let bits = g.register_bits(register.width());
            out.number(&format!("REG_{}_BITS", register.name()), bits);
        }
        out.number("MODE_PER_CHANNEL", MODE_PER_CHANNEL as usize);
        out.number("MODE_MAX", MODE_MAX as usize);
        out.section("Registers of row r: PECAN_ROW_BASE + PECAN_ROW_STRIDE * r + PECAN_ROW_*");
        out.number("ROW_BASE", ROW_BASE as usize);
        out.number("ROW_STRIDE", ROW_STRIDE as usize);
        for register in RowRegister::ALL {
            let name = register.name();
            out.number(&format!("ROW_{name}"), *register as usize);
            out.number(&format!("ROW_{name}_BITS"), row_bits(g, *register));
        }
        out.section("Registers of column c: PECAN_COL_BASE + PECAN_COL_STRIDE * c + PECAN_COL_*");
        out.number("COL_BASE", COL_BASE as usize);
        out.number("COL_STRIDE", COL_STRIDE as usize);
        for register in ColRegister::ALL {
            out.number(&format!("COL_{}", register.name()), *register as usize);
            out.number(&format!("COL_{}_BITS", register.name()), col_bits(g, *register));
        }
    }
}

/// Text of `#define` lines.
struct Defines(String);

impl Defines {
    fn section(&mut self, title: &str) {
        let _ = write!(self.0, "\n/* {title}. */\n");
    }

    fn number(&mut self, name: &str, value: usize) {
        let _ = writeln!(self.0, "#define PECAN_{} {value}u", name.to_uppercase());
    }

    fn word(&mut self, name: &str, value: u32) {
        let _ = writeln!(self.0, "#define PECAN_{name} UINT32_C(0x{value:08x})");
    }
}
