//! A block with everything that the emitter supports, to verify the emitter itself.

pub mod ops;
pub mod storage;

use super::stimulus::stimulus;
use ops::{FLAGS, LANES, NARROW, Ops, WIDE};
use pecan_rtl::prelude::*;
use storage::{Array, Machine, Storage};

/// Everything that the emitter supports in one block.
#[derive(LogicBlock)]
pub(crate) struct Everything {
    pub(crate) clock: Signal<In, Clock>,
    reset: Signal<In, Bit>,
    a: Wire<In>,
    b: Wire<In>,
    c: Wire<In>,
    d: Wire<In>,
    s: Wire<In>,
    p: Signal<In, Bit>,
    we: Signal<In, Bit>,
    re: Signal<In, Bit>,
    wa: Wire<In>,
    ra: Wire<In>,
    rh: Wire<In>,
    op: Wire<In>,
    narrow: Vec<Wire<Out>>,
    wide: Vec<Wire<Out>>,
    flag: Vec<Signal<Out, Bit>>,
    lane: Vec<Wire<Out>>,
    low: Wire<Out>,
    high: Wire<Out>,
    act: Vec<Wire<Out>>,
    nz: Vec<Signal<Out, Bit>>,
    sum: Vec<Wire<Out>>,
    drain: Vec<Wire<Out>>,
    busy: Signal<Out, Bit>,
    code: Wire<Out>,
    count: Wire<Out>,
    coming: Wire<Out>,
    y: Vec<Wire<Out>>,
    ops: Ops,
    storage: Storage,
    machine: Machine,
    array: Array,
    _depth: usize,
    _groups: usize,
    _lanes: usize,
}

impl Everything {
    pub(crate) fn new([wa, wb, wc, ws, depth, lanes, groups, rows]: [usize; 8]) -> Self {
        let ops = Ops::new(wa, wb, wc, ws);
        let storage = Storage::new(depth, lanes, groups, wb);
        let like = |w: &Wire<Out>| {
            if w.is_signed() { Wire::signed(w.width()) } else { Wire::new(w.width()) }
        };
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            a: Wire::new(wa),
            b: Wire::signed(wb),
            c: Wire::new(wc),
            d: Wire::signed(wc),
            s: Wire::new(ws),
            p: Signal::default(),
            we: Signal::default(),
            re: Signal::default(),
            wa: Wire::new(addr_width(depth)),
            ra: Wire::new(addr_width(depth)),
            rh: Wire::new(addr_width(groups)),
            op: Wire::new(2),
            narrow: ops.narrow.iter().map(like).collect(),
            wide: ops.wide.iter().map(like).collect(),
            flag: (0..FLAGS).map(|_| Signal::default()).collect(),
            lane: ops.lane.iter().map(like).collect(),
            low: like(&storage.low),
            high: like(&storage.high),
            act: storage.act.iter().map(like).collect(),
            nz: (0..2 * lanes).map(|_| Signal::default()).collect(),
            sum: storage.sum.iter().map(like).collect(),
            drain: storage.drain.iter().map(like).collect(),
            busy: Signal::default(),
            code: Wire::signed(wa),
            count: Wire::new(wa),
            coming: Wire::new(wa),
            y: Wire::signed_vec(2, wb),
            machine: Machine::new(wa),
            array: Array::new(rows, wb),
            ops,
            storage,
            _depth: depth,
            _groups: groups,
            _lanes: lanes,
        }
    }
}

stimulus!(Everything, |b| {
    reset = Kind::Rare(97), a, b, c, d, s, p, we, re, wa = Kind::Below(b._depth),
    ra = Kind::Below(b._depth), rh = Kind::Below(b._groups), op,
});

impl Logic for Everything {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, storage, machine, array);
        self.ops.a.next = self.a.val();
        self.ops.b.next = self.b.val();
        self.ops.c.next = self.c.val();
        self.ops.d.next = self.d.val();
        self.ops.s.next = self.s.val();
        self.ops.p.next = self.p.val();
        self.storage.we.next = self.we.val();
        self.storage.re.next = self.re.val();
        self.storage.wa.next = self.wa.val();
        self.storage.ra.next = self.ra.val();
        self.storage.rh.next = self.rh.val();
        self.storage.data.next = self.b.val();
        self.machine.reset.next = self.reset.val();
        self.machine.go.next = self.p.val();
        self.machine.op.next = self.op.val();
        self.array.x.next = self.b.val();
        for i in 0..NARROW {
            self.narrow[i].next = self.ops.narrow[i].val();
        }
        for i in 0..WIDE {
            self.wide[i].next = self.ops.wide[i].val();
        }
        for i in 0..FLAGS {
            self.flag[i].next = self.ops.flag[i].val();
        }
        for i in 0..LANES {
            self.lane[i].next = self.ops.lane[i].val();
        }
        self.low.next = self.storage.low.val();
        self.high.next = self.storage.high.val();
        // Two ports of lanes.
        for l in 0..(2 * self._lanes) {
            self.act[l].next = self.storage.act[l].val();
            self.nz[l].next = self.storage.nz[l].val();
        }
        for l in 0..self._lanes {
            self.sum[l].next = self.storage.sum[l].val();
            self.drain[l].next = self.storage.drain[l].val();
        }
        self.busy.next = self.machine.busy.val();
        self.code.next = self.machine.code.val();
        self.count.next = self.machine.count.val();
        self.coming.next = self.machine.coming.val();
        self.y[0].next = self.array.y[0].val();
        self.y[1].next = self.array.y[1].val();
    }
}
