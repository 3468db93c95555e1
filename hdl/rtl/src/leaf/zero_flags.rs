//! One bit per stored activation: is it non-zero?

use super::halves::Halves;
use super::{addr_width, concat, field_mux};
use crate::prelude::*;

/// Non-zero flags in the geometry of a [`Scratchpad`], read combinationally.
///
/// The flags are known one cycle before the activation would be read, so that a zero activation
/// costs neither the scratchpad read nor the multiplication. `nz[p][l]` is the flag of channel
/// `rh[p] * lanes + l` of word `ra[p]`; words beyond the end read as unspecified (the model gives 0).
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
    /// Word to read, per port.
    pub ra: Vec<Wire<In>>,
    /// Channel group to read, per port; a single ignored bit when there is one group.
    pub rh: Vec<Wire<In>>,
    /// Flag read, per port and lane.
    pub nz: Vec<Vec<Signal<Out, Bit>>>,
    _mem: Vec<Vec<bool>>,
}

impl ZeroFlags {
    /// Flags for `words` words of `channels` activations, read by `lanes` at each of `ports` ports.
    ///
    /// # Panics
    /// If `lanes` does not divide `channels`, or a size is 0.
    pub fn new(words: usize, channels: usize, lanes: usize, ports: usize) -> Self {
        assert!(
            lanes > 0 && channels > 0 && channels.is_multiple_of(lanes),
            "{lanes} lanes do not divide {channels} channels"
        );
        assert!(ports > 0, "flags need at least one read port");
        Self {
            kind: ModuleName::sized(
                "zero_flags",
                format_args!("{words}x{channels}_g{lanes}_p{ports}"),
            ),
            clock: Signal::default(),
            we: Signal::default(),
            wa: Wire::new(addr_width(words)),
            wd: (0..channels).map(|_| Signal::default()).collect(),
            ra: Wire::vec(ports, addr_width(words)),
            rh: Wire::vec(ports, addr_width(channels / lanes)),
            nz: (0..ports).map(|_| (0..lanes).map(|_| Signal::default()).collect()).collect(),
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
        for (p, port) in self.nz.iter_mut().enumerate() {
            let lanes = port.len();
            let group = self.rh[p].val().index().min(self.wd.len() / lanes - 1);
            let word = self._mem.get(self.ra[p].val().index());
            for (l, nz) in port.iter_mut().enumerate() {
                nz.next = word.is_some_and(|w| w[group * lanes + l]);
            }
        }
    }

    fn connect(&mut self) {
        self.nz.iter_mut().flatten().for_each(Logic::connect);
    }

    fn hdl(&self) -> Verilog {
        let (channels, lanes) = (self.wd.len(), self.nz[0].len());
        let groups = channels / lanes;
        let halves = Halves::new(self._mem.len());
        let mut text = halves.enables();
        text += &halves.registers("flags", channels, &concat("wd", 0..channels));
        for p in 0..self.nz.len() {
            let (address, select) = (format!("ra_{p}"), format!("rh_{p}"));
            text += &halves.rows(&address);
            let word = halves.word("flags", &address);
            text += &format!("wire [{}:0] word_{p} = {word};\n", channels - 1);
            if groups == 1 {
                text += &format!("wire unused_{select} = {select};\n");
            }
            let bits = concat(&format!("nz_{p}"), 0..lanes);
            let mux = field_mux(&format!("word_{p}"), lanes, &select, self.rh[p].width(), groups);
            text += &format!("assign {bits} = {mux};\n");
        }
        Verilog::Custom(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_without_a_clock() {
        let mut uut = ZeroFlags::new(2, 4, 2, 2);
        uut.we.next = true;
        uut.wd[1].next = true;
        uut.wd[2].next = true;
        simulate(&mut uut, 10);
        uut.clock.next = true.into();
        simulate(&mut uut, 10);
        for (h, want) in [(0, [false, true]), (1, [true, false])] {
            uut.rh[1].next = h.into();
            simulate(&mut uut, 10);
            assert_eq!([uut.nz[1][0].val(), uut.nz[1][1].val()], want);
            assert_eq!([uut.nz[0][0].val(), uut.nz[0][1].val()], [false, true]);
        }
    }
}
