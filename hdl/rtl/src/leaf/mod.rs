//! Leaves: storage with a Rust model and hand-written Verilog side by side.
//!
//! Registers ([`Reg`], [`RegOf`], [`RegBit`]) have no module of their own: the emitter writes them
//! into the parent. Memories hold unspecified data until written; the models start at 0.

mod halves;
mod psum_file;
mod reg;
mod scratchpad;
mod sram;
mod zero_flags;

pub use psum_file::PsumFile;
pub use reg::{Reg, RegBit, RegOf};
pub use scratchpad::Scratchpad;
pub use sram::Sram;
pub use zero_flags::ZeroFlags;

pub(crate) use reg::INLINE_REGISTER;

/// Bits of an address of `depth` words: `ceil(log2(depth))`, at least 1.
///
/// # Panics
/// If `depth` is 0.
pub fn addr_width(depth: usize) -> usize {
    assert!(depth > 0, "a memory needs at least one word");
    (usize::BITS - (depth - 1).leading_zeros()).max(1) as usize
}

/// `{name_{n-1}, .., name_0}`: ports with the highest index leftmost.
fn concat(name: &str, indices: impl DoubleEndedIterator<Item = usize>) -> String {
    let parts: Vec<_> = indices.rev().map(|i| format!("{name}_{i}")).collect();
    format!("{{{}}}", parts.join(", "))
}

/// A multiplexer of `n` equal fields of `width` bits of `word`, selected by `select`; selectors beyond the last field
/// select the last one.
fn field_mux(word: &str, width: usize, select: &str, select_width: usize, n: usize) -> String {
    let mut text = String::new();
    for h in 0..n - 1 {
        let field = field(word, h * width, width);
        text += &format!("{select} == {select_width}'d{h} ? {field} : ");
    }
    text + &field(word, (n - 1) * width, width)
}

fn field(word: &str, low: usize, width: usize) -> String {
    match width {
        1 => format!("{word}[{low}]"),
        _ => format!("{word}[{}:{low}]", low + width - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_widths() {
        let widths: Vec<_> = [1, 2, 3, 4, 5, 8, 9, 4096].map(addr_width).to_vec();
        assert_eq!(widths, [1, 1, 2, 2, 3, 3, 4, 12]);
    }

    #[test]
    fn mux_text() {
        assert_eq!(field_mux("w", 4, "s", 1, 2), "s == 1'd0 ? w[3:0] : w[7:4]");
        assert_eq!(field_mux("w", 1, "s", 1, 1), "w[0]");
    }
}
