//! The activation store of a row of processing elements.

use super::halves::Halves;
use super::{addr_width, concat, field_mux};
use crate::prelude::*;

/// Activation scratchpad: `words` words of `channels` signed activations, banked by lane, with one
/// write port and `ports` read ports.
///
/// A write stores a whole word. Lane `l` of port `p` reads channel `rh[p] * lanes + l` of word
/// `ra[p]` at the clock edge if `re[p][l]`, else its output holds. Bank `l` holds the channels with
/// `ch % lanes == l`. A read of the word being written gives the old data; `rh` beyond the last
/// channel group reads the last. Addresses beyond `words` are unspecified on reads (the model gives
/// 0) and ignored on writes.
///
/// As it is built of registers, a read port is a multiplexer: more ports need no second copy of the words.
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
    /// Word to read, per port.
    pub ra: Vec<Wire<In>>,
    /// Channel group to read, per port; a single ignored bit when there is one group.
    pub rh: Vec<Wire<In>>,
    /// Read enable, per port and lane.
    pub re: Vec<Vec<Signal<In, Bit>>>,
    /// Activation read, per port and lane.
    pub q: Vec<Vec<Wire<Out>>>,
    _bits: usize,
    _mem: Vec<Vec<Value>>,
}

impl Scratchpad {
    /// A scratchpad of `words` words of `channels` activations of `bits` bits, read by `lanes` at
    /// each of `ports` ports.
    ///
    /// # Panics
    /// If `lanes` does not divide `channels`, or a size is 0, or `bits` is not within 1..=64.
    pub fn new(words: usize, channels: usize, lanes: usize, bits: usize, ports: usize) -> Self {
        assert!(
            lanes > 0 && channels > 0 && channels.is_multiple_of(lanes),
            "{lanes} lanes do not divide {channels} channels"
        );
        assert!(ports > 0, "a scratchpad needs at least one read port");
        Self {
            kind: ModuleName::sized(
                "scratchpad",
                format_args!("{words}x{channels}x{bits}_g{lanes}_p{ports}"),
            ),
            clock: Signal::default(),
            we: Signal::default(),
            wa: Wire::new(addr_width(words)),
            wd: Wire::signed_vec(channels, bits),
            ra: Wire::vec(ports, addr_width(words)),
            rh: Wire::vec(ports, addr_width(channels / lanes)),
            re: (0..ports).map(|_| (0..lanes).map(|_| Signal::default()).collect()).collect(),
            q: (0..ports).map(|_| Wire::signed_vec(lanes, bits)).collect(),
            _bits: bits,
            _mem: vec![vec![Value::default(); channels]; words],
        }
    }

    /// Verilog of port `p`, of which each lane reads a bank.
    fn port_text(&self, p: usize, halves: &Halves) -> String {
        let (channels, lanes) = (self.wd.len(), self.q[p].len());
        let groups = channels / lanes;
        let mut text = halves.rows(&format!("ra_{p}"));
        if groups == 1 {
            text += &format!("wire unused_rh_{p} = rh_{p};\n");
        }
        for l in 0..lanes {
            let (word, select) = (format!("word_{p}_{l}"), format!("rh_{p}"));
            let mux = field_mux(&word, self._bits, &select, self.rh[p].width(), groups);
            text += &format!(
                "wire [{}:0] {word} = {};\n\
                 reg [{}:0] read_{p}_{l};\n\
                 always @(posedge clock) if (re_{p}_{l}) read_{p}_{l} <= {mux};\n\
                 assign q_{p}_{l} = read_{p}_{l};\n",
                groups * self._bits - 1,
                halves.word(&format!("bank_{l}"), &format!("ra_{p}")),
                self._bits - 1,
            );
        }
        text
    }
}

impl Logic for Scratchpad {
    fn update(&mut self) {
        if !self.clock.pos_edge() {
            return;
        }
        for (p, port) in self.q.iter_mut().enumerate() {
            let lanes = port.len();
            let group = self.rh[p].val().index().min(self.wd.len() / lanes - 1);
            let word = self._mem.get(self.ra[p].val().index());
            for (l, q) in port.iter_mut().enumerate() {
                if self.re[p][l].val() {
                    q.next = word.map_or(Value::default(), |w| w[group * lanes + l]);
                }
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
        self.q.iter_mut().flatten().for_each(Logic::connect);
    }

    fn hdl(&self) -> Verilog {
        let (channels, lanes) = (self.wd.len(), self.q[0].len());
        let halves = Halves::new(self._mem.len());
        let mut text = halves.enables();
        for l in 0..lanes {
            let data = concat("wd", (l..channels).step_by(lanes));
            text += &halves.registers(&format!("bank_{l}"), channels / lanes * self._bits, &data);
        }
        for p in 0..self.q.len() {
            text += &self.port_text(p, &halves);
        }
        Verilog::Custom(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(uut: &mut Scratchpad) {
        simulate(uut, 10);
        uut.clock.next = true.into();
        simulate(uut, 10);
        uut.clock.next = false.into();
        simulate(uut, 10);
    }

    #[test]
    fn ports_and_lanes_read_their_channel_of_the_group() {
        let mut uut = Scratchpad::new(3, 4, 2, 8, 2);
        for (c, wd) in uut.wd.iter_mut().enumerate() {
            wd.next = Value::from(c) - 2.into();
        }
        uut.we.next = true;
        uut.wa.next = 1.into();
        edge(&mut uut);
        uut.we.next = false;
        for p in 0..2 {
            uut.ra[p].next = 1.into();
            uut.rh[p].next = (1 - p).into();
        }
        uut.re[0][1].next = true;
        uut.re[1][0].next = true;
        edge(&mut uut);
        let read = |uut: &Scratchpad, p: usize| (uut.q[p][0].val(), uut.q[p][1].val());
        assert_eq!(read(&uut, 0), (0.into(), 1.into()));
        assert_eq!(read(&uut, 1), ((-2).into(), 0.into()));
        uut.rh[0].next = 0.into();
        uut.re[0][0].next = true;
        uut.re[0][1].next = false;
        uut.re[1][0].next = false;
        edge(&mut uut);
        assert_eq!(read(&uut, 0), ((-2).into(), 1.into()));
        assert_eq!(read(&uut, 1), ((-2).into(), 0.into()));
    }
}
