//! The partial-sum registers of a processing element.

use super::halves::Halves;
use super::{addr_width, concat, field};
use crate::prelude::*;

/// Partial-sum file: `depth` entries of one signed accumulator per lane, one write port and two
/// combinational read ports (accumulate and drain).
///
/// Addresses beyond `depth` are unspecified on reads (the model gives 0) and ignored on writes.
#[derive(LogicBlock)]
pub struct PsumFile {
    kind: ModuleName,
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Write enable.
    pub we: Signal<In, Bit>,
    /// Entry to write.
    pub wa: Wire<In>,
    /// Sums to write, one per lane.
    pub wd: Vec<Wire<In>>,
    /// Entry to read.
    pub ra: Wire<In>,
    /// Sums read.
    pub rd: Vec<Wire<Out>>,
    /// Entry to drain.
    pub da: Wire<In>,
    /// Sums drained.
    pub dd: Vec<Wire<Out>>,
    _bits: usize,
    _mem: Vec<Vec<Value>>,
}

impl PsumFile {
    /// A file of `depth` entries of `lanes` sums of `acc_bits` bits.
    ///
    /// # Panics
    /// If a size is 0 or `acc_bits` is not within 1..=64.
    pub fn new(depth: usize, lanes: usize, acc_bits: usize) -> Self {
        assert!(lanes > 0, "a partial-sum file needs at least one lane");
        Self {
            kind: ModuleName::sized("psum_file", format_args!("{depth}x{lanes}x{acc_bits}")),
            clock: Signal::default(),
            we: Signal::default(),
            wa: Wire::new(addr_width(depth)),
            wd: Wire::signed_vec(lanes, acc_bits),
            ra: Wire::new(addr_width(depth)),
            rd: Wire::signed_vec(lanes, acc_bits),
            da: Wire::new(addr_width(depth)),
            dd: Wire::signed_vec(lanes, acc_bits),
            _bits: acc_bits,
            _mem: vec![vec![Value::default(); lanes]; depth],
        }
    }
}

impl Logic for PsumFile {
    fn update(&mut self) {
        if self.clock.pos_edge()
            && self.we.val()
            && let Some(entry) = self._mem.get_mut(self.wa.val().index())
        {
            for (sum, wd) in entry.iter_mut().zip(&self.wd) {
                *sum = wd.val();
            }
        }
        for (port, address) in [(&mut self.rd, self.ra.val()), (&mut self.dd, self.da.val())] {
            let entry = self._mem.get(address.index());
            for (l, out) in port.iter_mut().enumerate() {
                out.next = entry.map_or(Value::default(), |e| e[l]);
            }
        }
    }

    fn connect(&mut self) {
        self.rd.iter_mut().for_each(Logic::connect);
        self.dd.iter_mut().for_each(Logic::connect);
    }

    fn hdl(&self) -> Verilog {
        let lanes = self.wd.len();
        let bits = lanes * self._bits;
        let halves = Halves::new(self._mem.len());
        let mut text = halves.enables();
        text += &halves.registers("sums", bits, &concat("wd", 0..lanes));
        for (word, address) in [("read", "ra"), ("drain", "da")] {
            text += &halves.rows(address);
            text += &format!("wire [{}:0] {word} = {};\n", bits - 1, halves.word("sums", address));
        }
        for l in 0..lanes {
            let low = l * self._bits;
            text += &format!("assign rd_{l} = {};\n", field("read", low, self._bits));
            text += &format!("assign dd_{l} = {};\n", field("drain", low, self._bits));
        }
        Verilog::Custom(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ports_read_at_once() {
        let mut uut = PsumFile::new(3, 2, 20);
        for a in 0..3 {
            uut.we.next = true;
            uut.wa.next = a.into();
            uut.wd[0].next = (-1000 * a).into();
            uut.wd[1].next = (a + 1).into();
            simulate(&mut uut, 10);
            uut.clock.next = true.into();
            simulate(&mut uut, 10);
            uut.clock.next = false.into();
            simulate(&mut uut, 10);
        }
        uut.ra.next = 2.into();
        uut.da.next = 1.into();
        simulate(&mut uut, 10);
        assert_eq!((uut.rd[0].val(), uut.rd[1].val()), ((-2000).into(), 3.into()));
        assert_eq!((uut.dd[0].val(), uut.dd[1].val()), ((-1000).into(), 2.into()));
    }
}
