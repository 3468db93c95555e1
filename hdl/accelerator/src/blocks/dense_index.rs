//! The order of entries where no index is stored: counters instead of a list.

use pecan_config::geometry::Geometry;
use pecan_rtl::prelude::*;

/// Counts through the activations of a slice: kernel rows, kernel columns, channel words, channels. In
/// per-channel mode a group has one activation position per kernel tap, at its own channels.
#[derive(LogicBlock)]
pub(crate) struct DenseIndex {
    kind: ModuleName,
    pub(crate) clock: Signal<In, Clock>,
    pub(crate) start: Signal<In, Bit>,
    pub(crate) step: Signal<In, Bit>,
    pub(crate) slice_end: Signal<In, Bit>,
    pub(crate) per_channel: Signal<In, Bit>,
    // Extent of the slice at hand; whether it holds the layer's last channel word.
    pub(crate) kernel_y: Wire<In>,
    pub(crate) kernel_x: Wire<In>,
    pub(crate) channel_words: Wire<In>,
    pub(crate) last_word: Signal<In, Bit>,
    // Scratchpad words per kernel row and column, channels in the last word, the column's first channel.
    pub(crate) patch_y: Wire<In>,
    pub(crate) patch_x: Wire<In>,
    pub(crate) channels_last: Wire<In>,
    pub(crate) first_channel: Wire<In>,
    // Activation (word x channels + channel) and whether it is the last of its list.
    pub(crate) position: Wire<Out>,
    pub(crate) list_end: Signal<Out, Bit>,
    y: Reg,
    x: Reg,
    cb: Reg,
    channel: Reg,
    row_word: Reg,
    tap_word: Reg,
    own: Reg,
    limit: Wire<Local>,
    inner: Wire<Local>,
    word: Wire<Local>,
    place: Wire<Local>,
    end_channel: Signal<Local, Bit>,
    end_word: Signal<Local, Bit>,
    end_x: Signal<Local, Bit>,
    end_y: Signal<Local, Bit>,
    channels: Const,
    channel_shift: Const,
    channel_mask: Const,
    group_channels: Const,
}

impl DenseIndex {
    pub(crate) fn new(g: &Geometry) -> Self {
        let count = g.patch_count_bits();
        Self {
            kind: ModuleName::new("dense_index"),
            clock: Signal::default(),
            start: Signal::default(),
            step: Signal::default(),
            slice_end: Signal::default(),
            per_channel: Signal::default(),
            kernel_y: Wire::new(count),
            kernel_x: Wire::new(count),
            channel_words: Wire::new(count),
            last_word: Signal::default(),
            patch_y: Wire::new(g.patch_bits()),
            patch_x: Wire::new(g.patch_bits()),
            channels_last: Wire::new(5),
            first_channel: Wire::new(16),
            position: Wire::new(g.index_bits),
            list_end: Signal::default(),
            y: Reg::new(count),
            x: Reg::new(count),
            cb: Reg::new(count),
            channel: Reg::new(5),
            row_word: Reg::new(g.patch_bits()),
            tap_word: Reg::new(g.patch_bits()),
            own: Reg::new(16),
            limit: Wire::new(5),
            inner: Wire::new(g.patch_bits()),
            word: Wire::new(g.patch_bits()),
            place: Wire::new(g.channel_bits()),
            end_channel: Signal::default(),
            end_word: Signal::default(),
            end_x: Signal::default(),
            end_y: Signal::default(),
            channels: Const::new(g.word_channels, 5),
            channel_shift: Const::new(g.channel_bits(), 4),
            channel_mask: Const::new(g.word_channels - 1, 4),
            group_channels: Const::new(g.cols * g.lanes, 16),
        }
    }
}

impl Logic for DenseIndex {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, y, x, cb, channel, row_word, tap_word, own);
        self.limit.next = self.channels.val();
        if self.last_word.val() & ((self.cb.q.val() + 1.into()) == self.channel_words.val()) {
            self.limit.next = self.channels_last.val();
        }
        self.end_channel.next =
            self.per_channel.val() | ((self.channel.q.val() + 1.into()) == self.limit.val());
        self.end_word.next = self.end_channel.val()
            & (self.per_channel.val() | ((self.cb.q.val() + 1.into()) == self.channel_words.val()));
        self.end_x.next =
            self.end_word.val() & ((self.x.q.val() + 1.into()) == self.kernel_x.val());
        self.end_y.next = self.end_x.val() & ((self.y.q.val() + 1.into()) == self.kernel_y.val());
        self.list_end.next = self.end_y.val();
        self.inner.next = unsigned_cast(self.cb.q.val());
        self.place.next = self.channel.q.val() & self.channel_mask.val();
        if self.per_channel.val() {
            self.inner.next = self.own.q.val() >> self.channel_shift.val();
            self.place.next = self.own.q.val() & self.channel_mask.val();
        }
        self.word.next = self.tap_word.q.val() + self.inner.val();
        self.position.next = (self.word.val() << self.channel_shift.val()) + self.place.val();
        if self.step.val() {
            self.channel.d.next = self.channel.q.val() + 1.into();
            if self.end_channel.val() {
                self.channel.d.next = 0.into();
                self.cb.d.next = self.cb.q.val() + 1.into();
            }
            if self.end_word.val() {
                self.cb.d.next = 0.into();
                self.x.d.next = self.x.q.val() + 1.into();
                self.tap_word.d.next = self.tap_word.q.val() + self.patch_x.val();
            }
            if self.end_x.val() {
                self.x.d.next = 0.into();
                self.y.d.next = self.y.q.val() + 1.into();
                self.row_word.d.next = self.row_word.q.val() + self.patch_y.val();
                self.tap_word.d.next = self.row_word.q.val() + self.patch_y.val();
            }
            if self.end_y.val() {
                self.y.d.next = 0.into();
                self.row_word.d.next = 0.into();
                self.tap_word.d.next = 0.into();
                self.own.d.next = self.own.q.val() + self.group_channels.val();
            }
        }
        if self.start.val() | self.slice_end.val() {
            self.own.d.next = self.first_channel.val();
        }
        if self.start.val() {
            self.y.d.next = 0.into();
            self.x.d.next = 0.into();
            self.cb.d.next = 0.into();
            self.channel.d.next = 0.into();
            self.row_word.d.next = 0.into();
            self.tap_word.d.next = 0.into();
        }
    }
}
