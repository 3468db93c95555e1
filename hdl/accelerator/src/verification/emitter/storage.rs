//! Blocks with every leaf, a state machine, and nested vectors of sub-blocks.

use pecan_rtl::prelude::*;

/// Every memory, sharing addresses and data.
#[derive(LogicBlock)]
pub struct Storage {
    kind: ModuleName,
    pub(crate) clock: Signal<In, Clock>,
    pub(crate) we: Signal<In, Bit>,
    pub(crate) re: Signal<In, Bit>,
    pub(crate) wa: Wire<In>,
    pub(crate) ra: Wire<In>,
    pub(crate) rh: Wire<In>,
    pub(crate) data: Wire<In>,
    pub(crate) low: Wire<Out>,
    pub(crate) high: Wire<Out>,
    pub(crate) act: Vec<Wire<Out>>,
    pub(crate) nz: Vec<Signal<Out, Bit>>,
    pub(crate) sum: Vec<Wire<Out>>,
    pub(crate) drain: Vec<Wire<Out>>,
    sram: Sram,
    pad: Scratchpad,
    flags: ZeroFlags,
    psum: PsumFile,
    lanes: Const,
    _lanes: usize,
    _channels: usize,
}

impl Storage {
    pub fn new(depth: usize, lanes: usize, groups: usize, width: usize) -> Self {
        let address = addr_width(depth);
        Self {
            kind: ModuleName::new("storage"),
            clock: Signal::default(),
            we: Signal::default(),
            re: Signal::default(),
            wa: Wire::new(address),
            ra: Wire::new(address),
            rh: Wire::new(addr_width(groups)),
            data: Wire::signed(width),
            low: Wire::new(1),
            high: Wire::new(width),
            act: Wire::signed_vec(2 * lanes, width),
            nz: (0..2 * lanes).map(|_| Signal::default()).collect(),
            sum: Wire::signed_vec(lanes, width + 2),
            drain: Wire::signed_vec(lanes, width + 2),
            sram: Sram::new("sram", depth, &[1, width]),
            pad: Scratchpad::new(depth, lanes * groups, lanes, width, 2),
            flags: ZeroFlags::new(depth, lanes * groups, lanes, 2),
            psum: PsumFile::new(depth, lanes, width + 2),
            lanes: Const::new(lanes, 8),
            _lanes: lanes,
            _channels: lanes * groups,
        }
    }
}

impl Logic for Storage {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, sram, pad, flags, psum);
        self.sram.we.next = self.we.val();
        self.sram.wa.next = self.wa.val();
        self.sram.wd[0].next = self.we.val().into();
        self.sram.wd[1].next = self.data.val();
        self.sram.re.next = self.re.val();
        self.sram.ra.next = self.ra.val();
        self.low.next = self.sram.rd[0].val();
        self.high.next = self.sram.rd[1].val();
        self.pad.we.next = self.we.val();
        self.pad.wa.next = self.wa.val();
        for p in 0..2 {
            self.pad.rh[p].next = self.rh.val();
        }
        self.pad.ra[0].next = self.ra.val();
        self.pad.ra[1].next = self.wa.val();
        self.flags.we.next = self.we.val();
        self.flags.wa.next = self.wa.val();
        for p in 0..2 {
            self.flags.rh[p].next = self.rh.val();
        }
        self.flags.ra[0].next = self.ra.val();
        self.flags.ra[1].next = self.wa.val();
        for c in 0..self._channels {
            self.pad.wd[c].next = self.data.val() + c.into();
            self.flags.wd[c].next = self.data.val() != c.into();
        }
        self.psum.we.next = self.we.val() && self.re.val();
        self.psum.wa.next = self.wa.val();
        self.psum.ra.next = self.ra.val();
        self.psum.da.next = self.wa.val();
        for l in 0..self._lanes {
            for p in 0..2 {
                self.pad.re[p][l].next = self.re.val() && self.flags.nz[p][l].val();
                self.act[p * self.lanes.index() + l].next = self.pad.q[p][l].val();
                self.nz[p * self.lanes.index() + l].next = self.flags.nz[p][l].val();
            }
            self.psum.wd[l].next = self.psum.rd[l].val() + self.data.val();
            self.sum[l].next = self.psum.rd[l].val();
            self.drain[l].next = self.psum.dd[l].val();
        }
    }
}

#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
pub(crate) enum Phase {
    Idle,
    LoadRow,
    Run,
}

/// A state machine with a counter and an instruction decoder.
#[derive(LogicBlock)]
pub struct Machine {
    kind: ModuleName,
    pub(crate) clock: Signal<In, Clock>,
    pub(crate) reset: Signal<In, Bit>,
    pub(crate) go: Signal<In, Bit>,
    pub(crate) op: Wire<In>,
    pub(crate) busy: Signal<Out, Bit>,
    pub(crate) code: Wire<Out>,
    pub(crate) count: Wire<Out>,
    pub(crate) coming: Wire<Out>,
    phase: RegOf<Phase>,
    left: Reg,
    seen: RegBit,
}

impl Machine {
    pub fn new(width: usize) -> Self {
        Self {
            kind: ModuleName::new("machine"),
            clock: Signal::default(),
            reset: Signal::default(),
            go: Signal::default(),
            op: Wire::new(2),
            busy: Signal::default(),
            code: Wire::signed(width),
            count: Wire::new(width),
            coming: Wire::new(width),
            phase: RegOf::new(),
            left: Reg::new(width),
            seen: RegBit::new(),
        }
    }
}

impl Logic for Machine {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, phase, left, seen);
        self.count.next = self.left.q.val();
        self.coming.next = self.left.d.val();
        self.busy.next = self.phase.q.val() != Phase::Idle || self.seen.q.val();
        match self.phase.q.val() {
            Phase::Idle => {
                if self.go.val() {
                    self.phase.d.next = Phase::LoadRow;
                }
            }
            Phase::LoadRow => {
                self.left.d.next = unsigned_cast(self.op.val() + 1.into());
                self.phase.d.next = Phase::Run;
            }
            Phase::Run => {
                self.left.d.next = self.left.q.val() - 1.into();
                if !self.left.q.val().any() {
                    self.phase.d.next = Phase::Idle;
                    self.seen.d.next = true;
                }
            }
        }
        match self.op.val().index() {
            0 => {
                self.code.next = 0.into();
            }
            2 => {
                self.code.next = (-1).into();
            }
            9 => {
                self.code.next = 1.into();
            }
            _ => {
                self.code.next = -self.left.q.val();
            }
        }
        if self.reset.val() {
            self.phase.d.next = Phase::Idle;
            self.left.d.next = 0.into();
            self.seen.d.next = false;
        }
    }
}

/// Delays its input by one cycle and adds a constant.
#[derive(LogicBlock)]
pub(crate) struct Stage {
    kind: ModuleName,
    pub(crate) clock: Signal<In, Clock>,
    pub(crate) x: Wire<In>,
    pub(crate) y: Wire<Out>,
    r: Reg,
    step: Const,
}

impl Stage {
    pub(crate) fn new(width: usize, step: i32) -> Self {
        Self {
            kind: ModuleName::new("stage"),
            clock: Signal::default(),
            x: Wire::signed(width),
            y: Wire::signed(width),
            r: Reg::signed(width),
            step: Const::signed(step, 3),
        }
    }
}

impl Logic for Stage {
    #[hdl_gen]
    fn update(&mut self) {
        self.r.clock.next = self.clock.val();
        self.r.d.next = self.x.val() + self.step.val();
        self.y.next = self.r.q.val();
    }
}

/// A systolic array of stages: each row passes its values to the next.
#[derive(LogicBlock)]
pub struct Array {
    kind: ModuleName,
    pub(crate) clock: Signal<In, Clock>,
    pub(crate) x: Wire<In>,
    pub(crate) y: Vec<Wire<Out>>,
    stage: Vec<Vec<Stage>>,
    last: Const,
    _rows: usize,
}

impl Array {
    pub fn new(rows: usize, width: usize) -> Self {
        let row = |r: usize| (0..2).map(|_| Stage::new(width, (r % 2) as i32)).collect();
        Self {
            kind: ModuleName::new("array"),
            clock: Signal::default(),
            x: Wire::signed(width),
            y: Wire::signed_vec(2, width),
            stage: (0..rows).map(row).collect(),
            last: Const::new(rows - 1, 4),
            _rows: rows,
        }
    }
}

impl Logic for Array {
    #[hdl_gen]
    fn update(&mut self) {
        for r in 0..self._rows {
            for c in 0..2 {
                self.stage[r][c].clock.next = self.clock.val();
                if r == 0 {
                    self.stage[r][c].x.next = self.x.val();
                } else {
                    self.stage[r][c].x.next = self.stage[r - 1][(c + 1) % 2].y.val();
                }
            }
        }
        for c in 0..2 {
            self.y[c].next = self.stage[self.last.index()][c].y.val();
        }
    }
}
