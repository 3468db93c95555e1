//! Tables of the command set in Markdown, for one configuration and in general.

use std::fmt::{self, Write as _};

use super::Context;
use pecan_config::address_bits;
use pecan_config::geometry::{Geometry, LATTICE_BITS};
use pecan_config::isa::counter::Counter;
use pecan_config::isa::register::{COL_BASE, COL_STRIDE, ROW_BASE, ROW_STRIDE};
use pecan_config::isa::register::{ColRegister, Register, RowRegister, Width, col, row};
use pecan_config::isa::{ErrorCode, Opcode, VERSION};

impl Context<'_> {
    /// The register map of this hardware.
    pub(super) fn register_map(&self) -> String {
        let (g, mut text) = (&self.geometry, format!("# Register map of {}\n\n", self.identity()));
        let top = self.prefix.top();
        let _ = writeln!(
            text,
            "Top module `{top}`; the names of `{top}.h` begin with `{top}_` and `{}_`.\n",
            top.to_ascii_uppercase()
        );
        text += "Opcodes, registers and codes as this hardware has them; what they do together is in \
                 the project's description of the command stream.\n\n## Sizes\n\n| size | value |\n|---|---|\n";
        for (name, doc, value) in sizes(g) {
            let _ = writeln!(text, "| {doc} (`{name}`) | {value} |");
        }
        text + "\n"
            + &registers_markdown(Some(g))
            + "\n"
            + &command_set_markdown(g.counter_bits > 32)
    }
}

/// Geometry values: name, meaning, value. They are in the register map and in the C header.
pub(super) fn sizes(g: &Geometry) -> Vec<(&'static str, &'static str, usize)> {
    vec![
        ("rows", "Rows of the array", g.rows),
        ("cols", "Columns of the array", g.cols),
        ("lanes", "Lanes of a PE", g.lanes),
        ("activation_bits", "Bits of an activation", g.activation_bits),
        ("weight_bits", "Bits of a weight", g.weight_bits),
        ("accumulator_bits", "Bits of a partial sum", g.accumulator_bits),
        ("word_channels", "Channels in a buffer word", g.word_channels),
        ("scratch_words", "Words of one scratchpad half", g.scratch_words),
        ("psum_bank", "Partial sums per lane in one bank", g.psum_bank),
        ("drain_lanes", "Drain lanes", g.drain_lanes),
        ("buffer_words", "Words of the global buffer", g.buffer_words),
        ("buffer_bits", "Address bits of the global buffer", g.buffer_bits),
        ("weight_entries", "Entries of a column's weight buffer", g.weight_entries),
        ("weight_address_bits", "Address bits of a weight buffer", g.weight_address_bits),
        ("skip", "Entries carry an index and the flag `last` (0 or 1)", usize::from(g.skip)),
        ("zero_gating", "Zero operands are gated (0 or 1)", usize::from(g.zero_gating)),
        ("index_bits", "Bits of a stored index", g.index_bits),
        ("entry_bits", "Bits of a weight entry", g.entry_bits),
        ("entry_slot", "Stream bits of a weight entry", g.entry_slot),
        ("word_slot", "Stream bits of a buffer word", g.word_slot),
        ("param_slot", "Stream bits of the parameters of a channel", Geometry::PARAM_SLOT),
        ("param_channels", "Channels of the parameter memory", g.param_channels),
        ("stream_bits", "Bits of a beat", g.stream_bits),
        ("counter_bits", "Bits of a performance counter", g.counter_bits),
    ]
}

/// Name of the width where no configuration gives the number.
fn width_name(width: Width) -> String {
    match width {
        Width::Bits(bits) => bits.to_string(),
        Width::BufferAddress => "buffer address".into(),
        Width::PatchAddress => "patch address".into(),
        Width::PatchCount => "patch address + 1".into(),
        Width::Activation => "activation".into(),
        Width::Lattice => LATTICE_BITS.to_string(),
        Width::WeightAddress => "weight address".into(),
        Width::ParamRow => "parameter row".into(),
    }
}

/// Bits of a row register: two 16-bit halves, a patch address, or a buffer address.
pub(super) fn row_bits(g: &Geometry, register: RowRegister) -> usize {
    match register {
        RowRegister::Base | RowRegister::Pixel => 32,
        RowRegister::PatchOffset => g.patch_bits(),
        RowRegister::OutOffset => g.buffer_bits,
    }
}

/// Bits of a column register.
pub(super) fn col_bits(g: &Geometry, register: ColRegister) -> usize {
    match register {
        ColRegister::WeightBase => g.weight_address_bits,
        ColRegister::Groups => address_bits(g.psum_bank + 1),
    }
}

/// Tables of the configuration registers: with the widths of `geometry`, or in general.
#[must_use]
pub fn registers_markdown(geometry: Option<&Geometry>) -> String {
    let mut text = String::from(
        "## Configuration registers\n\nWritten by `config`. Values wider than the register are cut.\n\n\
         | index | register | bits | meaning |\n|---|---|---|---|\n",
    );
    for register in Register::ALL {
        let bits = match geometry {
            Some(g) => g.register_bits(register.width()).to_string(),
            None => width_name(register.width()),
        };
        let sign = if register.signed() { ", signed" } else { "" };
        let (index, name, doc) = (*register as u8, register.name(), register.doc());
        let _ = writeln!(text, "| {index} | `{name}` | {bits}{sign} | {doc} |");
    }
    let _ = write!(
        text,
        "\nRow `r` of the array has {ROW_STRIDE} registers from {ROW_BASE} + {ROW_STRIDE}·r, column `c` has \
         {COL_STRIDE} from {COL_BASE} + {COL_STRIDE}·c.\n\n| index | register | bits | meaning |\n|---|---|---|---|\n"
    );
    for register in RowRegister::ALL {
        let first = row(0, *register);
        let last = geometry.map(|g| row(g.rows - 1, *register));
        let bits = match (geometry, register) {
            (Some(g), _) => row_bits(g, *register).to_string(),
            (None, RowRegister::Base | RowRegister::Pixel) => "2 x 16".into(),
            (None, RowRegister::PatchOffset) => width_name(Width::PatchAddress),
            (None, RowRegister::OutOffset) => width_name(Width::BufferAddress),
        };
        let registers = Repeated {
            first,
            last,
            stride: ROW_STRIDE,
            index: 'r',
            name: register.name(),
            bits,
            doc: register.doc(),
        };
        let _ = writeln!(text, "{registers}");
    }
    for register in ColRegister::ALL {
        let first = col(0, *register);
        let last = geometry.map(|g| col(g.cols - 1, *register));
        let bits = match (geometry, register) {
            (Some(g), _) => col_bits(g, *register).to_string(),
            (None, ColRegister::WeightBase) => width_name(Width::WeightAddress),
            (None, ColRegister::Groups) => "groups".into(),
        };
        let registers = Repeated {
            first,
            last,
            stride: COL_STRIDE,
            index: 'c',
            name: register.name(),
            bits,
            doc: register.doc(),
        };
        let _ = writeln!(text, "{registers}");
    }
    text
}

/// A register that every row or every column of the array has; displayed as a line of a table.
struct Repeated<'a> {
    /// Index of the register of row or column 0.
    first: u32,
    /// Index of that of the last row or column, if their number is known.
    last: Option<u32>,
    /// Distance between the indices of neighbours.
    stride: u32,
    /// Letter for the row or column.
    index: char,
    name: &'a str,
    /// Width, or its name.
    bits: String,
    doc: &'a str,
}

impl fmt::Display for Repeated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, stride, index, name, bits, doc } = self;
        let to = last.map_or(String::new(), |last| format!(" to {last}"));
        write!(f, "| {first} + {stride}·{index}{to} | `{name}[{index}]` | {bits} | {doc} |")
    }
}

/// Tables of opcodes, error codes and status registers; `wide` tells whether counters have a high half.
#[must_use]
pub fn command_set_markdown(wide: bool) -> String {
    let mut text = format!(
        "## Opcodes\n\nVersion {VERSION} of the command set.\n\n| opcode | name | effect |\n|---|---|---|\n"
    );
    for opcode in Opcode::ALL {
        let _ = writeln!(text, "| {} | `{}` | {} |", *opcode as u32, opcode.name(), opcode.doc());
    }
    text += "\n## Error codes\n\n| code | name | meaning |\n|---|---|---|\n| 0 | `none` | No error. |\n";
    for code in ErrorCode::ALL {
        let _ = writeln!(text, "| {} | `{}` | {} |", *code as u32, code.name(), code.doc());
    }
    text += "\n## Status registers\n\nRead at `status_addr`; addresses that are not listed read 0. Counters wrap.";
    if !wide {
        text += " The high words are 0: counters have 32 bits or fewer.";
    }
    text += "\n\n| address | register | meaning |\n|---|---|---|\n\
             | 0 | `config_id` | First 32 bits of the configuration's hash. |\n\
             | 1 | `error` | Error code, 0 for none. |\n\
             | 2 | `layer` | Layers completed since the header. |\n";
    for counter in Counter::ALL {
        let (at, key, doc) = (counter.status_address(), counter.key(), counter.doc());
        let _ = writeln!(text, "| {at}, {} | `{key}` | {doc} |", at + 1);
    }
    text
}
