//! Synchronous memory with one read and one write port.

use super::{addr_width, concat, field};
use crate::prelude::*;

/// A memory of `depth` entries with one synchronous read port and one write port.
///
/// An entry is a row of unsigned fields. At the clock edge `rd` becomes the entry at `ra` if `re`, else holds; the
/// entry at `wa` becomes `wd` if `we`. Reading the address being written returns the old entry. Reading at or beyond
/// `depth` is unspecified (the model returns 0); writing there has no effect.
#[derive(LogicBlock)]
pub struct Sram {
    kind: ModuleName,
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Read enable.
    pub re: Signal<In, Bit>,
    /// Read address.
    pub ra: Wire<In>,
    /// Fields read.
    pub rd: Vec<Wire<Out>>,
    /// Write enable.
    pub we: Signal<In, Bit>,
    /// Write address.
    pub wa: Wire<In>,
    /// Fields to write.
    pub wd: Vec<Wire<In>>,
    _widths: Vec<usize>,
    _mem: Vec<Vec<Value>>,
}

impl Sram {
    /// A memory of `depth` entries with fields of `widths` bits; its module is named
    /// `<name>_<depth>x<bits>`.
    ///
    /// # Panics
    /// If `depth` is 0, there is no field, or a width is not within 1..=64.
    pub fn new(name: &str, depth: usize, widths: &[usize]) -> Self {
        assert!(!widths.is_empty(), "memory {name} needs at least one field");
        let bits: usize = widths.iter().sum();
        Self {
            kind: ModuleName::memory(name, depth, bits),
            clock: Signal::default(),
            re: Signal::default(),
            ra: Wire::new(addr_width(depth)),
            rd: widths.iter().map(|&w| Wire::new(w)).collect(),
            we: Signal::default(),
            wa: Wire::new(addr_width(depth)),
            wd: widths.iter().map(|&w| Wire::new(w)).collect(),
            _widths: widths.to_vec(),
            _mem: vec![vec![Value::default(); widths.len()]; depth],
        }
    }
}

impl Logic for Sram {
    fn update(&mut self) {
        if !self.clock.pos_edge() {
            return;
        }
        if self.re.val() {
            let entry = self._mem.get(self.ra.val().index());
            for (f, rd) in self.rd.iter_mut().enumerate() {
                rd.next = entry.map_or(Value::default(), |e| e[f]);
            }
        }
        if self.we.val()
            && let Some(entry) = self._mem.get_mut(self.wa.val().index())
        {
            for (field, wd) in entry.iter_mut().zip(&self.wd) {
                *field = wd.val();
            }
        }
    }

    fn connect(&mut self) {
        self.rd.iter_mut().for_each(Logic::connect);
    }

    fn hdl(&self) -> Verilog {
        let n = self._widths.len();
        let bits: usize = self._widths.iter().sum();
        let mut text = format!(
            "reg [{top}:0] mem [0:{last}];\n\
             reg [{top}:0] entry;\n\
             always @(posedge clock) begin\n    \
                 if (re) entry <= mem[ra];\n    \
                 if (we) mem[wa] <= {data};\n\
             end\n",
            top = bits - 1,
            last = self._mem.len() - 1,
            data = concat("wd", 0..n),
        );
        let mut low = 0;
        for (i, &w) in self._widths.iter().enumerate() {
            // A select of a whole one-bit vector is legal, so no special case is needed.
            text += &format!("assign rd_{i} = {};\n", field("entry", low, w));
            low += w;
        }
        Verilog::Custom(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(uut: &mut Sram) {
        simulate(uut, 10);
        uut.clock.next = true.into();
        simulate(uut, 10);
        uut.clock.next = false.into();
        simulate(uut, 10);
    }

    #[test]
    fn old_data_on_collision_and_hold() {
        let mut uut = Sram::new("m", 3, &[4, 9]);
        uut.we.next = true;
        uut.wa.next = 2.into();
        uut.wd[0].next = 5.into();
        uut.wd[1].next = 300.into();
        edge(&mut uut);
        uut.wd[1].next = 7.into();
        uut.re.next = true;
        uut.ra.next = 2.into();
        edge(&mut uut);
        assert_eq!((uut.rd[0].val(), uut.rd[1].val()), (5.into(), 300.into()));
        uut.re.next = false;
        edge(&mut uut);
        assert_eq!(uut.rd[1].val(), 300.into());
        uut.re.next = true;
        edge(&mut uut);
        assert_eq!(uut.rd[1].val(), 7.into());
    }
}
