//! The order of entries where no index is stored: counters instead of a list.

use super::bundles::{Extent, Pitch};
use pecan_config::geometry::Geometry;
use pecan_rtl::prelude::*;

block! {
    /// Counts through the activations of a slice: kernel rows, kernel columns, channel words, channels. In
    /// per-channel mode a group has one activation position per kernel tap, at its own channels.
    pub(crate) struct DenseIndex = "dense_index" {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) start: Signal<In, Bit>,
        pub(crate) step: Signal<In, Bit>,
        pub(crate) slice_end: Signal<In, Bit>,
        pub(crate) per_channel: Signal<In, Bit>,
        // Extent of the present slice.
        pub(crate) extent: Extent<In> = Extent::new(g),
        pub(crate) pitch: Pitch<In> = Pitch::new(g),
        // Channels in the last word, the column's first channel.
        pub(crate) channels_last: Wire<In> = Wire::new(5),
        pub(crate) first_channel: Wire<In> = Wire::new(16),
        // Activation (word x channels + channel) and whether it is the last of its list.
        pub(crate) position: Wire<Out> = Wire::new(g.index_bits),
        pub(crate) list_end: Signal<Out, Bit>,
        y: Reg = Reg::new(count),
        x: Reg = Reg::new(count),
        cb: Reg = Reg::new(count),
        channel: Reg = Reg::new(5),
        row_word: Reg = Reg::new(g.patch_bits()),
        tap_word: Reg = Reg::new(g.patch_bits()),
        own: Reg = Reg::new(16),
        limit: Wire<Local> = Wire::new(5),
        inner: Wire<Local> = Wire::new(g.patch_bits()),
        word: Wire<Local> = Wire::new(g.patch_bits()),
        place: Wire<Local> = Wire::new(g.channel_bits()),
        end_channel: Signal<Local, Bit>,
        end_word: Signal<Local, Bit>,
        end_x: Signal<Local, Bit>,
        end_y: Signal<Local, Bit>,
        channels: Const = Const::new(g.word_channels, 5),
        channel_shift: Const = Const::new(g.channel_bits(), 4),
        channel_mask: Const = Const::new(g.word_channels - 1, 4),
        group_channels: Const = Const::new(g.cols * g.lanes, 16),
    }

    pub(crate) fn new(g: &Geometry) {
        let count = g.patch_count_bits();
    }
}

impl Logic for DenseIndex {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, y, x, cb, channel, row_word, tap_word, own);
        self.limit.next = self.channels.val();
        if self.extent.last_word.val()
            & ((self.cb.q.val() + 1.into()) == self.extent.channel_words.val())
        {
            self.limit.next = self.channels_last.val();
        }
        self.end_channel.next =
            self.per_channel.val() | ((self.channel.q.val() + 1.into()) == self.limit.val());
        self.end_word.next = self.end_channel.val()
            & (self.per_channel.val()
                | ((self.cb.q.val() + 1.into()) == self.extent.channel_words.val()));
        self.end_x.next =
            self.end_word.val() & ((self.x.q.val() + 1.into()) == self.extent.kernel_x.val());
        self.end_y.next =
            self.end_x.val() & ((self.y.q.val() + 1.into()) == self.extent.kernel_y.val());
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
                self.tap_word.d.next = self.tap_word.q.val() + self.pitch.patch_x.val();
            }
            if self.end_x.val() {
                self.x.d.next = 0.into();
                self.y.d.next = self.y.q.val() + 1.into();
                self.row_word.d.next = self.row_word.q.val() + self.pitch.patch_y.val();
                self.tap_word.d.next = self.row_word.q.val() + self.pitch.patch_y.val();
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
