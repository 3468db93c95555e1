//! Verilog of storage in two halves, of which only the addressed one toggles.

use super::addr_width;

/// Words of registers in two halves, told apart by the lowest bit of the address: scratchpads fill
/// one half while the other is read, and partial sums are drained from one bank while the other is
/// accumulated.
///
/// Access to one half toggles nothing in the other: write data reach only the half that is written, a read address
/// only the half that is read.
pub(super) struct Halves {
    words: usize,
    address: usize,
}

impl Halves {
    pub(super) fn new(words: usize) -> Self {
        Self { words, address: addr_width(words) }
    }

    /// The halves that have words, and their numbers of words.
    fn each(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let words = self.words;
        (0..2).map(move |h| (h, (words + 1 - h) / 2)).filter(|&(_, n)| n > 0)
    }

    /// Address bits of a half of `words` words: none of a single word, which is a register.
    fn bits(words: usize) -> usize {
        if words == 1 { 0 } else { addr_width(words) }
    }

    /// The part of an address that selects a word of a half of several words.
    fn row(address: &str, words: usize) -> String {
        match Self::bits(words) {
            1 => format!("{address}[1]"),
            n => format!("{address}[{n}:1]"),
        }
    }

    /// The highest address bit where a half of `words` words does not use it: the smaller half of an odd number.
    fn beyond(&self, address: &str, words: usize) -> Option<String> {
        let lacks = self.address > Self::bits(words) + 1;
        lacks.then(|| format!("{address}[{}]", self.address - 1))
    }

    /// The bit of an address that selects the half; an address of one bit is no vector.
    fn half(&self, address: &str) -> String {
        if self.address == 1 { address.into() } else { format!("{address}[0]") }
    }

    /// Write enables of the halves, from `we` and `wa`.
    pub(super) fn enables(&self) -> String {
        self.each()
            .map(|(h, n)| {
                let sign = if h == 0 { "!" } else { "" };
                let inside = self.beyond("wa", n).map_or(String::new(), |bit| format!(" & !{bit}"));
                format!("wire we_{h} = we & {sign}{}{inside};\n", self.half("wa"))
            })
            .collect()
    }

    /// Registers `<name>_0` and `<name>_1` of `bits` bits per word, which load `data` at a write.
    pub(super) fn registers(&self, name: &str, bits: usize, data: &str) -> String {
        let top = bits - 1;
        self.each()
            .map(|(h, n)| {
                let (array, row) = match n {
                    1 => (String::new(), String::new()),
                    _ => (format!(" [0:{}]", n - 1), format!("[{}]", Self::row("wa", n))),
                };
                format!(
                    "reg [{top}:0] {name}_{h}{array};\n\
                     wire [{top}:0] {name}_data_{h} = {{{bits}{{we_{h}}}}} & {data};\n\
                     always @(posedge clock) if (we_{h}) {name}_{h}{row} <= {name}_data_{h};\n",
                )
            })
            .collect()
    }

    /// The words that `address` selects in the halves, `<address>_row_<half>`: word 0 in the half that is not read.
    pub(super) fn rows(&self, address: &str) -> String {
        if self.words == 1 {
            return format!("wire unused_{address} = {address};\n");
        }
        self.each()
            .filter(|(_, n)| *n > 1)
            .map(|(h, n)| {
                let (bits, row) = (Self::bits(n), Self::row(address, n));
                let sign = if h == 0 { "!" } else { "" };
                format!(
                    "wire [{top}:0] {address}_row_{h} = {{{bits}{{{sign}{half}}}}} & {row};\n",
                    top = bits - 1,
                    half = self.half(address),
                )
            })
            .collect()
    }

    /// The word of registers `name` at `address`, after [`Halves::rows`] of that address.
    pub(super) fn word(&self, name: &str, address: &str) -> String {
        let words: Vec<usize> = self.each().map(|(_, n)| n).collect();
        let half = |h: usize| match words[h] {
            1 => format!("{name}_{h}"),
            _ => format!("{name}_{h}[{address}_row_{h}]"),
        };
        match self.words {
            1 => half(0),
            _ => format!("{} ? {} : {}", self.half(address), half(1), half(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_word_lies_in_the_first_half() {
        let halves = Halves::new(3);
        assert_eq!(halves.each().collect::<Vec<_>>(), [(0, 2), (1, 1)]);
        assert_eq!(Halves::new(1).each().collect::<Vec<_>>(), [(0, 1)]);
        // A single word is a register.
        assert_eq!(halves.word("bank", "ra"), "ra[0] ? bank_1 : bank_0[ra_row_0]");
        assert_eq!(halves.rows("ra").lines().count(), 1);
        assert!(halves.enables().contains("we_1 = we & wa[0] & !wa[1];"));
        assert!(halves.registers("bank", 4, "d").contains("reg [3:0] bank_1;"));
        let halves = Halves::new(5);
        assert!(halves.enables().contains("we_1 = we & wa[0] & !wa[2];"));
        assert!(halves.rows("ra").contains("wire [0:0] ra_row_1 = {1{ra[0]}} & ra[1];"));
        assert!(halves.rows("ra").contains("wire [1:0] ra_row_0 = {2{!ra[0]}} & ra[2:1];"));
        assert!(Halves::new(2).enables().contains("we & !wa;"));
    }
}
