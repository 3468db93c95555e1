//! Store engine: sends buffer words to the output stream.

use super::bundles::{ReadPort, Run, Stream};
use pecan_config::geometry::Geometry;
use pecan_rtl::prelude::*;

block! {
    /// Reads words while the loader leaves the read port free, and packs them into beats.
    ///
    /// A word that was read waits in a queue of two, so that reading continues at one word per cycle while the stream
    /// accepts them.
    pub(crate) struct Store = "store" {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) run: Run<In> = Run::new(),
        pub(crate) address: Wire<In> = Wire::new(addr),
        pub(crate) count: Wire<In> = Wire::new(addr + 1),
        pub(crate) busy: Signal<Out, Bit>,
        // Buffer read port, when the loader does not use it.
        pub(crate) port_free: Signal<In, Bit>,
        pub(crate) buffer: ReadPort<Out> = ReadPort::new(g),
        pub(crate) to_host: Stream<Out> = Stream::output(g),
        busy_q: RegBit,
        next: Reg = Reg::new(addr),
        to_read: Reg = Reg::new(addr + 1),
        to_send: Reg = Reg::new(addr + 1),
        read_q: RegBit,
        fill: Reg = Reg::new(2),
        queue: Vec<Vec<Reg>> =
            (0..2).map(|_| Reg::vec(g.word_channels, g.activation_bits)).collect(),
        part: Reg = Reg::new(addr_width(parts)),
        packed: Vec<Reg> = if pack { Reg::vec(beat, 32) } else { vec![] },
        full: RegBit,
        room: Signal<Local, Bit>,
        pop: Signal<Local, Bit>,
        to_head: Signal<Local, Bit>,
        fetched: Vec<Wire<Local>> = Wire::vec(g.word_channels, g.activation_bits),
        place: Wire<Local> = Wire::new(2),
        last_word: Signal<Local, Bit>,
        joined: Vec<Vec<Wire<Local>>> =
            (0..head).map(|_| Wire::vec(joined + 1, slot.min(32))).collect(),
        channels_joined: Const = Const::new(joined, 8),
        channel_offset: Vec<Const> =
            (0..joined).map(|i| Const::new(i * g.activation_bits, 8)).collect(),
        head_words: Const = Const::new(head, 8),
        beat_words: Const = Const::new(beat, 8),
        per_word: Const = Const::new(per_word, 8),
        part_offset: Vec<Const> = (0..per_word).map(|i| Const::new(i * slot, 8)).collect(),
        number: Vec<Const> = (0..parts).map(|p| Const::new(p, 8)).collect(),
        final_part: Const = Const::new(parts - 1, 8),
        _channels: usize = g.word_channels,
        _head: usize = head,
        _joined: usize = joined,
        _beat: usize = beat,
        pack: When = When::new(pack),
        _parts: usize = parts,
        narrow: When = When::new(pack && slot < 32),
        wide: When = When::new(pack && slot >= 32),
        _per_word: usize = per_word,
    }

    pub(crate) fn new(g: &Geometry) {
        let slot = g.word_slot;
        let beat = g.stream_bits / 32;
        let pack = slot < g.stream_bits;
        let parts = if pack { g.stream_bits / slot } else { slot / g.stream_bits };
        let head = slot.div_ceil(32);
        let per_word = 32 / slot.min(32);
        let joined = g.word_channels / head;
        let addr = g.buffer_bits;
    }
}

parts!(Store:
    /// Reads words into the queue.
    Queue,
    /// The word at the head, as words of at most 32 bits.
    Head,
    /// Beats to the stream.
    Beats,
    /// The position of a word in a beat.
    Gather,
    /// Begin and reset.
    Begin,
);

impl parts::Part<Queue> for Store {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, next, to_read, to_send, fill);
        clock!(self, clock, read_q);
        self.busy.next = self.busy_q.q.val();

        // Read while the queue has room for the words on their way.
        self.room.next = (self.place.val() + self.read_q.q.val().into()) < 2.into();
        self.buffer.read.next = self.busy_q.q.val()
            & self.to_read.q.val().any()
            & self.port_free.val()
            & self.room.val();
        self.buffer.read_addr.next = self.next.q.val();
        self.read_q.d.next = self.buffer.read.val();
        if self.buffer.read.val() {
            self.next.d.next = self.next.q.val() + 1.into();
            self.to_read.d.next = self.to_read.q.val() - 1.into();
        }
        self.place.next = self.fill.q.val() - self.pop.val().into();
        self.fill.d.next = self.place.val() + self.read_q.q.val().into();
        self.to_head.next = self.read_q.q.val() & !self.place.val().any();
        for b in 0..self._channels {
            dff_setup!(self, clock, queue[0][b], queue[1][b]);
            // Words that the loader reads do not concern the queue.
            self.fetched[b].next = 0.into();
            if self.read_q.q.val() {
                self.fetched[b].next = self.buffer.read_data[b].val();
            }
            if self.pop.val() | self.to_head.val() {
                self.queue[0][b].d.next = self.queue[1][b].q.val();
                if self.to_head.val() {
                    self.queue[0][b].d.next = self.fetched[b].val();
                }
            }
            if self.read_q.q.val() & self.place.val().any() {
                self.queue[1][b].d.next = self.fetched[b].val();
            }
        }
        self.last_word.next = self.to_send.q.val() == 1.into();
        if self.pop.val() {
            self.to_send.d.next = self.to_send.q.val() - 1.into();
        }
    }
}

impl parts::Part<Head> for Store {
    #[hdl_gen]
    fn update(&mut self) {
        for w in 0..self._head {
            self.joined[w][0].next = 0.into();
            for i in 0..self._joined {
                self.joined[w][i + 1].next = self.joined[w][i].val()
                    | (self.queue[0][w * self.channels_joined.index() + i].q.val()
                        << self.channel_offset[i].val());
            }
        }
    }
}

impl parts::Part<Beats> for Store {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, busy_q, part, full);
        if self.pack.val() {
            // Several words make a beat: a register collects them.
            self.pop.next =
                self.fill.q.val().any() & (!self.full.q.val() | self.to_host.ready.val());
            self.to_host.valid.next = self.full.q.val();
            if self.to_host.ready.val() {
                self.full.d.next = false;
                if self.full.q.val() & !self.to_send.q.val().any() {
                    self.busy_q.d.next = false;
                }
            }
            if self.pop.val() {
                self.part.d.next = self.part.q.val() + 1.into();
                self.full.d.next = false;
                if (self.part.q.val() == self.final_part.val()) | self.last_word.val() {
                    self.part.d.next = 0.into();
                    self.full.d.next = true;
                }
            }
            for b in 0..self._beat {
                dff_setup!(self, clock, packed[b]);
                if self.pop.val() & (self.part.q.val() == 0.into()) {
                    self.packed[b].d.next = 0.into();
                }
                self.to_host.data[b].next = self.packed[b].q.val();
            }
        } else {
            // A word makes one beat or several: they are sent directly from the queue.
            self.to_host.valid.next = self.fill.q.val().any();
            self.pop.next = self.to_host.valid.val()
                & self.to_host.ready.val()
                & (self.part.q.val() == self.final_part.val());
            if self.to_host.valid.val() & self.to_host.ready.val() {
                self.part.d.next = self.part.q.val() + 1.into();
            }
            if self.pop.val() {
                self.part.d.next = 0.into();
                if self.last_word.val() {
                    self.busy_q.d.next = false;
                }
            }
            for b in 0..self._beat {
                self.to_host.data[b].next = self.joined[b][self.channels_joined.index()].val();
                for p in 0..self._parts {
                    if self.part.q.val() == p.into() {
                        self.to_host.data[b].next = self.joined[p * self.beat_words.index() + b]
                            [self.channels_joined.index()]
                        .val();
                    }
                }
            }
        }
    }
}

impl parts::Part<Gather> for Store {
    #[hdl_gen]
    fn update(&mut self) {
        if self.narrow.val() {
            for b in 0..self._beat {
                for s in 0..self._per_word {
                    if self.pop.val()
                        & (self.part.q.val() == self.number[b * self.per_word.index() + s].val())
                    {
                        if s == 0 {
                            self.packed[b].d.next =
                                self.joined[0][self.channels_joined.index()].val();
                        } else {
                            self.packed[b].d.next = self.packed[b].q.val()
                                | (self.joined[0][self.channels_joined.index()].val()
                                    << self.part_offset[s].val());
                        }
                    }
                }
            }
        }
        if self.wide.val() {
            for p in 0..self._parts {
                for w in 0..self._head {
                    if self.pop.val() & (self.part.q.val() == p.into()) {
                        self.packed[p * self.head_words.index() + w].d.next =
                            self.joined[w][self.channels_joined.index()].val();
                    }
                }
            }
        }
    }
}

impl parts::Part<Begin> for Store {
    #[hdl_gen]
    fn update(&mut self) {
        if self.run.start.val() {
            self.busy_q.d.next = true;
            self.next.d.next = self.address.val();
            self.to_read.d.next = self.count.val();
            self.to_send.d.next = self.count.val();
            self.part.d.next = 0.into();
        }
        if self.run.reset.val() {
            self.busy_q.d.next = false;
            self.read_q.d.next = false;
            self.fill.d.next = 0.into();
            self.full.d.next = false;
            self.part.d.next = 0.into();
        }
    }
}
