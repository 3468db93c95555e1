//! The activation store of a processing element.

use super::{addr_width, concat, field_mux};
use crate::rtl::prelude::*;

/// Activation scratchpad: `words` words of `channels` signed activations, banked by lane.
///
/// A write stores a whole word. Lane `l` reads channel `rh * lanes + l` of word `ra` at the clock
/// edge if `re[l]`, else its output holds. Bank `l` holds the channels with `ch % lanes == l`, so
/// that a lane that is not enabled toggles nothing. A read of the word being written gives the old
/// data; `rh` beyond the last channel group reads the last. Addresses beyond `words` are
/// unspecified on reads (the model gives 0) and ignored on writes.
#[derive(LogicBlock)]
pub struct Scratchpad {
    kind: ModuleName,
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Write enable.
    pub we: Signal<In, Bit>,
    /// Word to write.
    pub wa: Wire<In>,
    /// Activations to write, one per channel.
    pub wd: Vec<Wire<In>>,
    /// Word to read.
    pub ra: Wire<In>,
    /// Channel group to read; a single ignored bit when there is one group.
    pub rh: Wire<In>,
    /// Read enable of each lane.
    pub re: Vec<Signal<In, Bit>>,
    /// Activation read by each lane.
    pub q: Vec<Wire<Out>>,
    _bits: usize,
    _mem: Vec<Vec<Value>>,
}

impl Scratchpad {
    /// A scratchpad of `words` words of `channels` activations of `bits` bits, read by `lanes`.
    ///
    /// # Panics
    /// If `lanes` does not divide `channels`, or a size is 0, or `bits` is not within 1..=64.
    pub fn new(words: usize, channels: usize, lanes: usize, bits: usize) -> Self {
        assert!(
            lanes > 0 && channels > 0 && channels.is_multiple_of(lanes),
            "{lanes} lanes do not divide {channels} channels"
        );
        Self {
            kind: ModuleName::new(format!("scratchpad_{words}x{channels}x{bits}_g{lanes}")),
            clock: Signal::default(),
            we: Signal::default(),
            wa: Wire::new(addr_width(words)),
            wd: Wire::signed_vec(channels, bits),
            ra: Wire::new(addr_width(words)),
            rh: Wire::new(addr_width(channels / lanes)),
            re: (0..lanes).map(|_| Signal::default()).collect(),
            q: Wire::signed_vec(lanes, bits),
            _bits: bits,
            _mem: vec![vec![Value::default(); channels]; words],
        }
    }
}

impl Logic for Scratchpad {
    fn update(&mut self) {
        if !self.clock.pos_edge() {
            return;
        }
        let lanes = self.q.len();
        let group = self.rh.val().index().min(self.wd.len() / lanes - 1);
        let word = self._mem.get(self.ra.val().index());
        for (l, q) in self.q.iter_mut().enumerate() {
            if self.re[l].val() {
                q.next = word.map_or(Value::default(), |w| w[group * lanes + l]);
            }
        }
        if self.we.val()
            && let Some(word) = self._mem.get_mut(self.wa.val().index())
        {
            for (a, wd) in word.iter_mut().zip(&self.wd) {
                *a = wd.val();
            }
        }
    }

    fn connect(&mut self) {
        self.q.iter_mut().for_each(Logic::connect);
    }

    fn hdl(&self) -> Verilog {
        let (channels, lanes) = (self.wd.len(), self.q.len());
        let groups = channels / lanes;
        let (top, last) = (groups * self._bits - 1, self._mem.len() - 1);
        let mut text = String::new();
        if groups == 1 {
            text += "wire unused_rh = rh;\n";
        }
        for l in 0..lanes {
            let data = concat("wd", (l..channels).step_by(lanes));
            let mux = field_mux(&format!("word_{l}"), self._bits, "rh", self.rh.width(), groups);
            text += &format!(
                "reg [{top}:0] bank_{l} [0:{last}];\n\
                 wire [{top}:0] word_{l} = bank_{l}[ra];\n\
                 reg [{}:0] read_{l};\n\
                 always @(posedge clock) begin\n    \
                     if (we) bank_{l}[wa] <= {data};\n    \
                     if (re_{l}) read_{l} <= {mux};\n\
                 end\n\
                 assign q_{l} = read_{l};\n",
                self._bits - 1,
            );
        }
        Verilog::Custom(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_read_their_channel_of_the_group() {
        let mut uut = Scratchpad::new(3, 4, 2, 8);
        for (c, wd) in uut.wd.iter_mut().enumerate() {
            wd.next = Value::from(c) - 2.into();
        }
        uut.we.next = true;
        uut.wa.next = 1.into();
        let edge = |uut: &mut Scratchpad| {
            simulate(uut, 10);
            uut.clock.next = true.into();
            simulate(uut, 10);
            uut.clock.next = false.into();
            simulate(uut, 10);
        };
        edge(&mut uut);
        uut.we.next = false;
        uut.ra.next = 1.into();
        uut.rh.next = 1.into();
        uut.re[1].next = true;
        edge(&mut uut);
        assert_eq!((uut.q[0].val(), uut.q[1].val()), (0.into(), 1.into()));
        uut.rh.next = 0.into();
        uut.re[0].next = true;
        uut.re[1].next = false;
        edge(&mut uut);
        assert_eq!((uut.q[0].val(), uut.q[1].val()), ((-2).into(), 1.into()));
    }
}
