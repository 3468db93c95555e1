//! The command stream: opcodes, configuration registers, error codes and performance counters.
//!
//! One definition serves the decoder in the RTL, the emulator, the mapper, the C header and the
//! documentation (`docs/command-stream.md`). The stream is a sequence of beats of `stream.bits`; a
//! command word is the low 32 bits of a beat.

pub mod counter;
pub mod register;

/// Version of the command set, checked by the `Header` command.
pub const VERSION: u32 = 1;

/// Declares an enumeration of numbered codes: variant = number, name, meaning.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $number:literal $text:literal $meaning:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum $name { $(#[doc = $meaning] $variant = $number,)* }

        impl $name {
            /// All codes, in ascending order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// Names of the variants, in the order of `ALL`.
            pub const VARIANTS: &'static [&'static str] = &[$(stringify!($variant)),*];

            /// Position in `ALL`.
            #[must_use]
            pub fn index(self) -> usize {
                [$($name::$variant as u32,)*].iter().take_while(|&&code| code != self as u32).count()
            }

            /// Name in the documentation and, in capitals, in the C header.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// Meaning.
            pub fn doc(self) -> &'static str {
                match self { $($name::$variant => $meaning,)* }
            }
        }

    };
}

codes! {
    /// Command opcodes, bits 31..28 of a command word.
    Opcode {
        Header = 1 "header" "Starts a program: operand = version of the command set; one more beat = configuration id. Clears counters.";
        Config = 2 "config" "Writes configuration registers: operand bits 7..0 = first index, 15..8 = count; `count` beats follow.";
        Run = 3 "run" "Starts the compute engine: operand bit 0 = accumulate, bit 1 = no drain.";
        LoadActivation = 4 "load_activation" "Writes buffer words: beats address, count, then packed words.";
        LoadWeight = 5 "load_weight" "Writes weight entries of the column in the operand: beats address, count, then packed entries.";
        LoadParam = 6 "load_param" "Writes requantization parameters: beats address, count (channels), then 64 bits per channel.";
        Store = 7 "store" "Sends buffer words to the output stream: beats address, count.";
        Mark = 8 "mark" "Ends a layer: waits for the compute engine, then increments the layer register.";
        End = 15 "end" "Ends a program: waits for all engines, then raises `done`.";
    }
}

impl Opcode {
    /// Opcode of a command word, if it is one.
    pub fn of(word: u32) -> Option<Opcode> {
        Self::ALL.iter().copied().find(|op| *op as u32 == word >> 28)
    }
}

/// Bit 27 of a command word: do not start before the compute engine is idle.
pub const WAIT_COMPUTE: u32 = 1 << 27;
/// Bit 26 of a command word: do not start before the store engine is idle.
pub const WAIT_STORE: u32 = 1 << 26;
/// Bits that must be zero in every command word.
pub const RESERVED: u32 = 0b11 << 24;

/// Operand bits of [`Opcode::Run`].
pub struct RunFlags;

impl RunFlags {
    /// The first slice continues from the partial sums in the psum file instead of from zero.
    pub const ACCUMULATE: u32 = 1;
    /// Partial sums stay in the psum file; nothing is drained.
    pub const NO_DRAIN: u32 = 2;
    /// All defined bits.
    pub const ALL: u32 = 3;
}

/// A command word.
pub fn command(op: Opcode, waits: u32, operand: u32) -> u32 {
    ((op as u32) << 28) | waits | (operand & 0x00ff_ffff)
}

/// Number of beats of a command before its payload, the command word included.
pub fn header_beats(op: Opcode) -> u64 {
    match op {
        Opcode::LoadActivation | Opcode::LoadWeight | Opcode::LoadParam | Opcode::Store => 3,
        Opcode::Header => 2,
        Opcode::Config | Opcode::Run | Opcode::Mark | Opcode::End => 1,
    }
}

codes! {
    /// Codes in the sticky error register; the device halts until reset.
    ErrorCode {
        Opcode = 1 "opcode" "Unknown opcode or a reserved bit set.";
        Header = 2 "header" "A command before `Header`, after `End`, or a `Header` of another version of the command set.";
        ConfigId = 3 "config_id" "The program was compiled for another configuration.";
        BufferRange = 4 "buffer_range" "Buffer address and count leave the global buffer, or count is zero.";
        WeightRange = 5 "weight_range" "Column, address or count leave the weight buffer, or count is zero.";
        ParamRange = 6 "param_range" "Address and count leave the parameter memory, or count is zero.";
        Register = 7 "register" "A configuration register that does not exist, more groups than a psum bank holds, or an undefined bit of a command.";
        RunLimit = 8 "run_limit" "A run went on for longer than its `limit` register allows.";
        RunAddress = 9 "run_address" "A run addressed a word outside the global buffer.";
    }
}

impl ErrorCode {
    /// The code with this number.
    pub fn of(code: u32) -> Option<ErrorCode> {
        Self::ALL.iter().copied().find(|e| *e as u32 == code)
    }
}

/// Bits of the bias field of a requantization parameter (at most; the accumulator may be narrower).
pub const BIAS_BITS: usize = 40;
/// Bits of the multiplier field.
pub const MULTIPLIER_BITS: usize = 15;
/// Bits of the shift field.
pub const SHIFT_BITS: usize = 6;
/// Bits of multiplier and shift.
pub const SCALE_BITS: usize = MULTIPLIER_BITS + SHIFT_BITS;

/// Packs the requantization parameters of one channel: bias in bits 39..0 (two's complement), multiplier in
/// bits 54..40, shift in bits 60..55.
pub fn pack_param(bias: i64, multiplier: u32, shift: u32) -> u64 {
    (bias as u64 & ((1 << BIAS_BITS) - 1))
        | (u64::from(multiplier) << BIAS_BITS)
        | (u64::from(shift) << (BIAS_BITS + MULTIPLIER_BITS))
}

/// Inverse of [`pack_param`]: bias, multiplier, shift.
pub fn unpack_param(word: u64) -> (i64, u32, u32) {
    let bias = ((word << (64 - BIAS_BITS)) as i64) >> (64 - BIAS_BITS);
    let multiplier = (word >> BIAS_BITS) as u32 & ((1 << MULTIPLIER_BITS) - 1);
    let shift = (word >> (BIAS_BITS + MULTIPLIER_BITS)) as u32 & ((1 << SHIFT_BITS) - 1);
    (bias, multiplier, shift)
}

/// Bits that one item of `bits` takes on the stream: the next power of two, at least 8, so that items
/// never straddle a beat.
pub fn slot_bits(bits: usize) -> usize {
    bits.next_power_of_two().max(8)
}

/// Cycles that a payload of `items` takes at the stream interface when no beat is late.
pub fn payload_cycles(items: u64, slot: usize, stream: usize) -> u64 {
    items * slot.div_ceil(stream) as u64
}

/// Beats that a payload of `items` takes.
pub fn payload_beats(items: u64, slot: usize, stream: usize) -> u64 {
    if slot >= stream {
        items * (slot / stream) as u64
    } else {
        items.div_ceil((stream / slot) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_survive_packing() {
        for bias in [0, 1, -1, (1 << 39) - 1, -(1 << 39)] {
            for (m, s) in [(0, 1), (32767, 47), (16384, 63)] {
                assert_eq!(unpack_param(pack_param(bias, m, s)), (bias, m, s));
            }
        }
    }

    #[test]
    fn payload_counts() {
        assert_eq!((slot_bits(39), slot_bits(32), slot_bits(5)), (64, 32, 8));
        assert_eq!((payload_beats(5, 32, 64), payload_cycles(5, 32, 64)), (3, 5));
        assert_eq!((payload_beats(5, 128, 64), payload_cycles(5, 128, 64)), (10, 10));
    }
}
