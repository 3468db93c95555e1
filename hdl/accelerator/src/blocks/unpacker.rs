//! Stream beats to payload items.

use pecan_rtl::prelude::*;

block! {
    /// Cuts items of one slot size (a power of two) out of beats, or joins beats to an item.
    ///
    /// An item is output as 32-bit words (one narrower word if the slot is narrower). One item per cycle, one beat per
    /// cycle if an item takes several. The part of a beat after the last item is dropped.
    pub(crate) struct Unpacker = module {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) reset: Signal<In, Bit>,
        pub(crate) enable: Signal<In, Bit>,
        pub(crate) valid: Signal<In, Bit>,
        pub(crate) beat: Vec<Wire<In>> = Wire::vec(beat, 32),
        // The item is the last one; it can be accepted in this cycle.
        pub(crate) last: Signal<In, Bit>,
        pub(crate) ready: Signal<In, Bit>,
        // The beat is consumed in this cycle, if it is valid.
        pub(crate) accept: Signal<Out, Bit>,
        // An item is output in this cycle.
        pub(crate) take: Signal<Out, Bit>,
        pub(crate) item: Vec<Wire<Out>> = Wire::vec(words, slot.min(32)),
        part: Reg = Reg::new(addr_width(parts)),
        held: Vec<Reg> = Reg::vec(held, 32),
        final_now: Signal<Local, Bit>,
        number: Vec<Const> = (0..parts).map(|p| Const::new(p, 8)).collect(),
        offset: Vec<Const> = (0..per_word).map(|s| Const::new(s * slot, 8)).collect(),
        per_word: Const = Const::new(per_word, 8),
        beat_words: Const = Const::new(beat, 8),
        words: Const = Const::new(words, 8),
        held_words: Const = Const::new(held, 8),
        final_part: Const = Const::new(parts - 1, 8),
        split: When = When::new(split),
        _parts: usize = parts,
        _early_parts: usize = parts - 1,
        _words: usize = words,
        narrow: When = When::new(slot < 32),
        wide: When = When::new(slot >= 32 && split),
        _per_word: usize = per_word,
        _held: usize = held,
        _beat: usize = beat,
    }

    /// Items of `slot` bits from beats of `stream` bits.
    pub(crate) fn new(slot: usize, stream: usize) {
        let split = slot <= stream;
        let parts = if split { stream / slot } else { slot / stream };
        let words = slot.div_ceil(32);
        let beat = stream / 32;
        let per_word = 32 / slot.min(32);
        let held = if split { 0 } else { words - beat };
        let module = ModuleName::sized("unpacker", slot);
    }
}

impl Logic for Unpacker {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, part);
        self.final_now.next = self.part.q.val() == self.final_part.val();
        if self.split.val() {
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
        if self.narrow.val() {
            for b in 0..self._beat {
                for s in 0..self._per_word {
                    if self.part.q.val() == self.number[b * self.per_word.index() + s].val() {
                        self.item[0].next = self.beat[b].val() >> self.offset[s].val();
                    }
                }
            }
        }
        if self.wide.val() {
            for p in 0..self._parts {
                if self.part.q.val() == p.into() {
                    for w in 0..self._words {
                        self.item[w].next = self.beat[p * self.words.index() + w].val();
                    }
                }
            }
        }
        if !self.split.val() {
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
