//! Synchronous memories: black boxes of the netlist that are simulated by their behaviour.

use pecan_rtl::emit::MemorySize;

/// Size of a memory. Ports: `clock`, `re`, `ra`, `rd_<lane>`, `we`, `wa`, `wd_<lane>`. A read returns the word before a
/// write in the same cycle; the output holds while `re` is low.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MemoryShape {
    pub(super) words: usize,
    pub(super) bits: usize,
    /// Number of `rd_<i>` (and of `wd_<i>`).
    pub(super) lanes: usize,
}

impl MemoryShape {
    /// Derives the shape from name, size and ports (name, is input, width); the error names the mismatch.
    pub(super) fn new<'a>(
        module: &str,
        size: MemorySize,
        ports: impl Iterator<Item = (&'a str, bool, usize)> + Clone,
    ) -> Result<Self, String> {
        let problem = |text: &str| format!("memory {module}: {text}");
        let MemorySize { words, bits } = size;
        let width = |name: &str, input: bool| {
            let port = ports.clone().find(|p| p.0 == name && p.1 == input);
            port.map(|p| p.2).ok_or_else(|| problem(&format!("port {name} is missing")))
        };
        for (name, expected) in [("clock", 1), ("re", 1), ("we", 1)] {
            if width(name, true)? != expected {
                return Err(problem(&format!("port {name} has more than one bit")));
            }
        }
        for name in ["ra", "wa"] {
            let address = width(name, true)?;
            if address >= 32 || 1usize << address < words {
                return Err(problem(&format!("port {name} does not address {words} words")));
            }
        }
        let lanes = ports.clone().filter(|p| p.0.starts_with("rd_")).count();
        for (prefix, input) in [("rd_", false), ("wd_", true)] {
            let mut sum = 0;
            for lane in 0..lanes {
                sum += width(&format!("{prefix}{lane}"), input)?;
            }
            if sum != bits {
                return Err(problem(&format!("{prefix}* have {sum} bits")));
            }
        }
        Ok(Self { words, bits, lanes })
    }
}

/// Contents and use of one memory.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    words: usize,
    bits: usize,
    content: Vec<u64>,
    /// Accesses and toggled bits since the last reset of the counts.
    pub(super) reads: u64,
    pub(super) writes: u64,
    pub(super) read_toggles: u64,
    pub(super) write_toggles: u64,
    last_written: Vec<u64>,
}

impl Memory {
    /// A memory of zeros.
    pub(super) fn new(shape: &MemoryShape) -> Self {
        let per_word = shape.bits.div_ceil(64);
        Self {
            words: shape.words,
            bits: shape.bits,
            content: vec![0; shape.words * per_word],
            reads: 0,
            writes: 0,
            read_toggles: 0,
            write_toggles: 0,
            last_written: vec![0; per_word],
        }
    }

    fn per_word(&self) -> usize {
        self.bits.div_ceil(64)
    }

    /// The word at `address`; zero beyond the last.
    pub(super) fn bit(&self, address: usize, bit: usize) -> bool {
        let at = address * self.per_word() + bit / 64;
        address < self.words && self.content[at] >> (bit % 64) & 1 == 1
    }

    /// Writes `bits` (lowest first) at `address`; beyond the last word nothing is stored.
    pub(super) fn write(&mut self, address: usize, bits: impl Iterator<Item = bool>) {
        let per_word = self.per_word();
        let mut word = vec![0u64; per_word];
        for (i, bit) in bits.enumerate() {
            word[i / 64] |= u64::from(bit) << (i % 64);
        }
        let differ = |(a, b): (&u64, &u64)| u64::from((a ^ b).count_ones());
        self.write_toggles += word.iter().zip(&self.last_written).map(differ).sum::<u64>();
        self.writes += 1;
        if address < self.words {
            self.content[address * per_word..(address + 1) * per_word].copy_from_slice(&word);
        }
        self.last_written = word;
    }

    /// Resets the counts and keeps the contents.
    pub(super) fn reset_counts(&mut self) {
        (self.reads, self.writes, self.read_toggles, self.write_toggles) = (0, 0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: [(&str, bool, usize); 9] = [
        ("clock", true, 1),
        ("re", true, 1),
        ("ra", true, 2),
        ("rd_0", false, 70),
        ("rd_1", false, 1),
        ("we", true, 1),
        ("wa", true, 2),
        ("wd_0", true, 70),
        ("wd_1", true, 1),
    ];

    #[test]
    fn shape_is_checked_against_the_ports() {
        let shape =
            |words, bits| MemoryShape::new("memory", MemorySize { words, bits }, PORTS.into_iter());
        assert_eq!(shape(4, 71), Ok(MemoryShape { words: 4, bits: 71, lanes: 2 }));
        assert!(shape(8, 71).is_err());
        assert!(shape(4, 72).is_err());
    }

    #[test]
    fn words_are_stored_and_toggles_counted() {
        let shape =
            MemoryShape::new("memory", MemorySize { words: 4, bits: 71 }, PORTS.into_iter())
                .unwrap();
        let mut memory = Memory::new(&shape);
        memory.write(2, (0..71).map(|i| i == 0 || i == 70));
        assert!(memory.bit(2, 0) && memory.bit(2, 70) && !memory.bit(2, 1) && !memory.bit(1, 0));
        memory.write(3, (0..71).map(|i| i == 70));
        assert_eq!((memory.writes, memory.write_toggles), (2, 3));
    }
}
