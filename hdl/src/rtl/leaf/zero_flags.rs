//! One bit per stored activation: is it non-zero?

use super::{addr_width, concat};
use crate::rtl::prelude::*;

/// Non-zero flags in the geometry of a [`Scratchpad`], read combinationally.
///
/// The flags are known one cycle before the activation would be read, so that a zero activation
/// costs neither the scratchpad read nor the multiplication. `nz[l]` is the flag of channel
/// `rh * lanes + l` of word `ra`; words beyond the end read as unspecified (the model gives 0).
#[derive(LogicBlock)]
pub struct ZeroFlags {
    kind: ModuleName,
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Write enable.
    pub we: Signal<In, Bit>,
    /// Word to write.
    pub wa: Wire<In>,
    /// Flags to write, one per channel: the activation is not zero.
    pub wd: Vec<Signal<In, Bit>>,
    /// Word to read.
    pub ra: Wire<In>,
    /// Channel group to read; a single ignored bit when there is one group.
    pub rh: Wire<In>,
    /// Flag read by each lane.
    pub nz: Vec<Signal<Out, Bit>>,
    _mem: Vec<Vec<bool>>,
}

impl ZeroFlags {
    /// Flags for `words` words of `channels` activations, read by `lanes`.
    ///
    /// # Panics
    /// If `lanes` does not divide `channels`, or a size is 0.
    pub fn new(words: usize, channels: usize, lanes: usize) -> Self {
        assert!(
            lanes > 0 && channels > 0 && channels.is_multiple_of(lanes),
            "{lanes} lanes do not divide {channels} channels"
        );
        Self {
            kind: ModuleName::new(format!("zero_flags_{words}x{channels}_g{lanes}")),
            clock: Signal::default(),
            we: Signal::default(),
            wa: Wire::new(addr_width(words)),
            wd: (0..channels).map(|_| Signal::default()).collect(),
            ra: Wire::new(addr_width(words)),
            rh: Wire::new(addr_width(channels / lanes)),
            nz: (0..lanes).map(|_| Signal::default()).collect(),
            _mem: vec![vec![false; channels]; words],
        }
    }
}

impl Logic for ZeroFlags {
    fn update(&mut self) {
        if self.clock.pos_edge()
            && self.we.val()
            && let Some(word) = self._mem.get_mut(self.wa.val().index())
        {
            for (flag, wd) in word.iter_mut().zip(&self.wd) {
                *flag = wd.val();
            }
        }
        let lanes = self.nz.len();
        let group = self.rh.val().index().min(self.wd.len() / lanes - 1);
        let word = self._mem.get(self.ra.val().index());
        for (l, nz) in self.nz.iter_mut().enumerate() {
            nz.next = word.is_some_and(|w| w[group * lanes + l]);
        }
    }

    fn connect(&mut self) {
        self.nz.iter_mut().for_each(Logic::connect);
    }

    fn hdl(&self) -> Verilog {
        let (channels, lanes) = (self.wd.len(), self.nz.len());
        let groups = channels / lanes;
        let mut text = format!(
            "reg [{top}:0] flags [0:{last}];\n\
             wire [{top}:0] word = flags[ra];\n\
             always @(posedge clock)\n    \
                 if (we) flags[wa] <= {data};\n",
            top = channels - 1,
            last = self._mem.len() - 1,
            data = concat("wd", 0..channels),
        );
        if groups == 1 {
            text += "wire unused_rh = rh;\n";
        }
        for l in 0..lanes {
            let mut mux = String::new();
            for h in 0..groups - 1 {
                mux += &format!("rh == {}'d{h} ? word[{}] : ", self.rh.width(), h * lanes + l);
            }
            mux += &format!("word[{}]", (groups - 1) * lanes + l);
            text += &format!("assign nz_{l} = {mux};\n");
        }
        Verilog::Custom(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_without_a_clock() {
        let mut uut = ZeroFlags::new(2, 4, 2);
        uut.we.next = true;
        uut.wd[1].next = true;
        uut.wd[2].next = true;
        simulate(&mut uut, 10);
        uut.clock.next = true.into();
        simulate(&mut uut, 10);
        for (h, want) in [(0, [false, true]), (1, [true, false])] {
            uut.rh.next = h.into();
            simulate(&mut uut, 10);
            assert_eq!([uut.nz[0].val(), uut.nz[1].val()], want);
        }
    }
}
