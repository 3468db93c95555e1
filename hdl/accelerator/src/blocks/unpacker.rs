//! Stream beats to payload items.

use pecan_rtl::prelude::*;

/// Cuts items of one slot size (a power of two) out of beats, or joins beats to an item.
///
/// An item is shown as 32-bit words (one narrower word if the slot is). One item per cycle, one beat per
/// cycle if an item takes several. The part of a beat that the last item leaves is dropped.
#[derive(LogicBlock)]
pub(crate) struct Unpacker {
    kind: ModuleName,
    pub(crate) clock: Signal<In, Clock>,
    pub(crate) reset: Signal<In, Bit>,
    pub(crate) enable: Signal<In, Bit>,
    pub(crate) valid: Signal<In, Bit>,
    pub(crate) beat: Vec<Wire<In>>,
    // The item is the last one; it can be taken in this cycle.
    pub(crate) last: Signal<In, Bit>,
    pub(crate) ready: Signal<In, Bit>,
    // The beat is used up in this cycle, if it is there.
    pub(crate) accept: Signal<Out, Bit>,
    // An item is taken in this cycle.
    pub(crate) take: Signal<Out, Bit>,
    pub(crate) item: Vec<Wire<Out>>,
    part: Reg,
    held: Vec<Reg>,
    final_now: Signal<Local, Bit>,
    number: Vec<Const>,
    offset: Vec<Const>,
    per_word: Const,
    beat_words: Const,
    words: Const,
    held_words: Const,
    final_part: Const,
    _split: usize,
    _join: usize,
    _parts: usize,
    _early_parts: usize,
    _words: usize,
    _narrow: usize,
    _wide: usize,
    _per_word: usize,
    _held: usize,
    _beat: usize,
}

impl Unpacker {
    /// Items of `slot` bits from beats of `stream` bits.
    pub(crate) fn new(slot: usize, stream: usize) -> Self {
        let split = slot <= stream;
        let parts = if split { stream / slot } else { slot / stream };
        let words = slot.div_ceil(32);
        let beat = stream / 32;
        let per_word = 32 / slot.min(32);
        let held = if split { 0 } else { words - beat };
        Self {
            kind: ModuleName::new(format!("unpacker_{slot}")),
            clock: Signal::default(),
            reset: Signal::default(),
            enable: Signal::default(),
            valid: Signal::default(),
            beat: Wire::vec(beat, 32),
            last: Signal::default(),
            ready: Signal::default(),
            accept: Signal::default(),
            take: Signal::default(),
            item: Wire::vec(words, slot.min(32)),
            part: Reg::new(addr_width(parts)),
            held: Reg::vec(held, 32),
            final_now: Signal::default(),
            number: (0..parts).map(|p| Const::new(p, 8)).collect(),
            offset: (0..per_word).map(|s| Const::new(s * slot, 8)).collect(),
            per_word: Const::new(per_word, 8),
            beat_words: Const::new(beat, 8),
            words: Const::new(words, 8),
            held_words: Const::new(held, 8),
            final_part: Const::new(parts - 1, 8),
            _split: usize::from(split),
            _join: usize::from(!split),
            _parts: parts,
            _early_parts: parts - 1,
            _words: words,
            _narrow: usize::from(slot < 32),
            _wide: usize::from(slot >= 32 && split),
            _per_word: per_word,
            _held: held,
            _beat: beat,
        }
    }
}

impl Logic for Unpacker {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, part);
        self.final_now.next = self.part.q.val() == self.final_part.val();
        for _i in 0..self._split {
            self.take.next = self.enable.val() & self.valid.val() & self.ready.val();
            self.accept.next =
                self.enable.val() & self.ready.val() & (self.final_now.val() | self.last.val());
            if self.take.val() {
                self.part.d.next = self.part.q.val() + 1.into();
            }
        }
        for w in 0..self._words {
            self.item[w].next = 0.into();
        }
        for _i in 0..self._narrow {
            for b in 0..self._beat {
                for s in 0..self._per_word {
                    if self.part.q.val() == self.number[b * self.per_word.index() + s].val() {
                        self.item[0].next = self.beat[b].val() >> self.offset[s].val();
                    }
                }
            }
        }
        for _i in 0..self._wide {
            for p in 0..self._parts {
                if self.part.q.val() == p.into() {
                    for w in 0..self._words {
                        self.item[w].next = self.beat[p * self.words.index() + w].val();
                    }
                }
            }
        }
        for _i in 0..self._join {
            self.take.next =
                self.enable.val() & self.valid.val() & self.ready.val() & self.final_now.val();
            self.accept.next = self.enable.val() & (self.ready.val() | !self.final_now.val());
            if self.accept.val() & self.valid.val() {
                self.part.d.next = self.part.q.val() + 1.into();
            }
            for h in 0..self._held {
                dff_setup!(self, clock, held[h]);
                self.item[h].next = self.held[h].q.val();
            }
            for w in 0..self._beat {
                for p in 0..self._early_parts {
                    if self.accept.val() & self.valid.val() & (self.part.q.val() == p.into()) {
                        self.held[p * self.beat_words.index() + w].d.next = self.beat[w].val();
                    }
                }
                self.item[self.held_words.index() + w].next = self.beat[w].val();
            }
        }
        if self.take.val() & (self.final_now.val() | self.last.val()) {
            self.part.d.next = 0.into();
        }
        if self.reset.val() {
            self.part.d.next = 0.into();
        }
    }
}
