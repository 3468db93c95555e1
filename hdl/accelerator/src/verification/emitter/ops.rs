//! A block with every operator.

use pecan_rtl::prelude::*;

/// Every operator on unsigned `a`, `c` and signed `b`, `d`.
#[derive(LogicBlock)]
pub struct Ops {
    kind: ModuleName,
    pub(crate) a: Wire<In>,
    pub(crate) b: Wire<In>,
    pub(crate) c: Wire<In>,
    pub(crate) d: Wire<In>,
    pub(crate) s: Wire<In>,
    pub(crate) p: Signal<In, Bit>,
    pub(crate) narrow: Vec<Wire<Out>>,
    pub(crate) wide: Vec<Wire<Out>>,
    pub(crate) flag: Vec<Signal<Out, Bit>>,
    pub(crate) lane: Vec<Wire<Out>>,
    product: Wire<Local>,
    sum: Wire<Local>,
    limit: Const,
    low: Const,
    pick: Const,
    _w: usize,
}

pub(crate) const NARROW: usize = 22;
pub(crate) const WIDE: usize = 17;
pub(crate) const FLAGS: usize = 30;
pub(crate) const LANES: usize = 4;

impl Ops {
    pub fn new(wa: usize, wb: usize, wc: usize, ws: usize) -> Self {
        let w = (wa.max(wb).max(wc) + 3).min(64);
        Self {
            kind: ModuleName::new("ops"),
            a: Wire::new(wa),
            b: Wire::signed(wb),
            c: Wire::new(wc),
            d: Wire::signed(wc),
            s: Wire::new(ws),
            p: Signal::default(),
            narrow: (0..NARROW)
                .map(|i| if i % 2 == 0 { Wire::new(w) } else { Wire::signed(w) })
                .collect(),
            wide: (0..WIDE)
                .map(|i| if i % 2 == 0 { Wire::new(64) } else { Wire::signed(64) })
                .collect(),
            flag: (0..FLAGS).map(|_| Signal::default()).collect(),
            lane: Wire::signed_vec(LANES, 3),
            product: Wire::signed((wa + wb + 1).min(64)),
            sum: Wire::new(w),
            limit: Const::signed(-2, wb.min(6)),
            low: Const::new(3, 2),
            pick: Const::new(2, 2),
            _w: 3,
        }
    }
}

impl Logic for Ops {
    // One function, because `hdl_gen` allows no helpers.
    #[allow(clippy::too_many_lines)]
    #[hdl_gen]
    fn update(&mut self) {
        self.product.next = self.a.val() * self.b.val();
        self.sum.next = self.a.val() + self.c.val();

        self.narrow[0].next = self.a.val() + self.b.val();
        self.narrow[1].next = self.b.val() - self.d.val() - self.a.val();
        self.narrow[2].next = self.a.val() & self.b.val();
        self.narrow[3].next = self.b.val() | self.c.val();
        self.narrow[4].next = self.d.val() ^ (self.a.val() - 3.into());
        self.narrow[5].next = -self.b.val() + 1.into();
        self.narrow[6].next = -(self.a.val() & 5.into());
        self.narrow[7].next = self.b.val() >> 2;
        self.narrow[8].next = self.d.val() >> self.s.val();
        self.narrow[9].next = self.a.val() << 1;
        self.narrow[10].next = self.c.val() << self.s.val();
        self.narrow[11].next = bits_signed(self.a.val() + self.b.val(), 3);
        self.narrow[12].next = bits(self.b.val() - self.c.val(), 2) + self.a.val();
        self.narrow[13].next = (self.a.val() * self.b.val()) >> 3;
        self.narrow[14].next = (self.a.val() * self.b.val() + self.d.val()) >> self.s.val();
        self.narrow[15].next = bits_signed(self.d.val(), 1) - bits_signed(self.b.val(), 2);
        self.narrow[16].next = self.p.val().into();
        self.narrow[17].next = self.limit.val() + self.b.val();
        self.narrow[18].next = self.low.val();
        self.narrow[19].next = (-3).into();
        self.narrow[20].next = unsigned_cast(self.product.val());
        self.narrow[21].next = signed_cast(self.c.val()) + signed_cast(bits(self.b.val(), 3));

        self.wide[0].next = self.a.val() * self.c.val();
        self.wide[1].next = self.b.val() * self.d.val();
        self.wide[2].next = self.a.val() * self.b.val() + self.d.val() * self.d.val();
        self.wide[3].next = self.product.val() - self.b.val() * (-3).into();
        self.wide[4].next = (self.product.val() + 4.into()) >> 3;
        self.wide[5].next = (self.product.val() << 2) >> self.s.val();
        self.wide[6].next = (self.a.val() << self.s.val()) ^ self.b.val();
        self.wide[7].next = self.b.val() >> self.s.val();
        self.wide[8].next = bits(self.product.val() >> 1, 4) * self.d.val();
        self.wide[9].next = bits_signed(self.product.val() >> 2, 4) * self.d.val();
        self.wide[10].next = self.b.val() & (self.c.val() | 6.into()) & (-2).into();
        self.wide[11].next = (self.p.val() == self.b.val().any()).into();
        self.wide[12].next = bits_signed(self.b.val() >> self.s.val(), 2) + self.low.val();
        self.wide[13].next = -bits_signed(self.a.val(), 1);
        self.wide[14].next = (self.b.val() >> 1) + (self.d.val() >> self.s.val());
        self.wide[15].next = self.d.val() * 5.into() - (self.c.val() + 1.into()) * 7.into();
        self.wide[16].next = bits(self.b.val(), 64);

        self.flag[0].next = self.b.val() < 0.into();
        self.flag[1].next = self.b.val() < self.a.val();
        self.flag[2].next = self.a.val() + self.c.val() <= self.b.val() * self.b.val();
        self.flag[3].next = self.b.val() - self.d.val() > self.limit.val();
        self.flag[4].next = self.a.val() >= 0.into();
        self.flag[5].next = self.a.val() == self.b.val();
        self.flag[6].next = self.b.val() != self.d.val() + 1.into();
        self.flag[7].next = self.a.val().any();
        self.flag[8].next = self.b.val().all();
        self.flag[9].next = self.a.val().all() && !self.p.val();
        self.flag[10].next = self.a.val().get_bit(0) ^ self.p.val();
        self.flag[11].next = self.b.val().get_bit(60);
        self.flag[12].next = self.a.val().get_bit(60);
        self.flag[13].next = self.b.val().get_bit(self.s.val().index());
        self.flag[14].next = (self.a.val() + self.b.val()).get_bit(2);
        self.flag[15].next = (self.a.val() - self.c.val()).any() || self.p.val();
        self.flag[16].next = !(self.p.val() & (self.b.val() >= self.limit.val()));
        self.flag[17].next = self.p.val() | (self.b.val() <= (-1).into());
        self.flag[18].next = bits(self.b.val(), 2).all();
        self.flag[19].next = self.p.val() != (self.a.val() > 2.into());
        self.flag[20].next = true;
        self.flag[21].next = self.b.val() >> 2 == (-1).into();
        self.flag[22].next = (self.product.val() >> self.s.val()) < self.d.val();
        self.flag[23].next = self.c.val() & 3.into() == 1.into();
        self.flag[24].next = -self.b.val() > self.d.val();
        self.flag[25].next = (self.sum.val() << 1) > self.c.val();
        self.flag[26].next =
            bits_signed(self.a.val() - self.c.val(), 4) < bits_signed(self.b.val(), 2);
        self.flag[27].next = self.a.val() == self.pick.val() || self.b.val() == self.limit.val();
        self.flag[28].next = (self.a.val() ^ self.b.val()) >= self.c.val();
        self.flag[29].next = bits(self.sum.val(), self._w) == 5.into();

        for i in 0..LANES {
            self.lane[i].next = unsigned_cast(self.b.val() + i.into());
            if i == 0 {
                self.lane[i].next = self.a.val() >> i;
            } else if self.s.val() == i.into() && i != 3 {
                self.lane[i].next = unsigned_cast(self.lane[i - 1].val() - self.d.val());
            }
        }
        if self.pick.val() == 3.into() {
            self.lane[7].next = 0.into();
        }
    }
}
