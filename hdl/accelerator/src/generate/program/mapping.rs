//! Mapping of a layer onto the array: registers and weight lists, after `docs/command-stream.md`.

use super::stream::Item;
use super::tensor::Window;
use pecan_config::geometry::Geometry;
use pecan_config::isa::register::{COL_BASE, LIMIT_BITS, ROW_BASE};
use pecan_config::isa::register::{ColRegister, MODE_MAX, MODE_PER_CHANNEL, Register, RowRegister};

/// An image in the global buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Image {
    pub(super) base: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    /// Buffer words from one pixel to the next.
    pub(super) pitch: usize,
}

impl Image {
    pub(super) fn len(&self) -> usize {
        self.height * self.width * self.pitch
    }

    /// The image without the first `words` words of each pixel.
    pub(super) fn skip(self, words: usize) -> Self {
        Self { base: self.base + words, ..self }
    }
}

/// Operation of the array on a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Sums over this many input channels.
    Convolution { channels: usize },
    /// The maximum of each channel.
    MaxPool,
}

/// One run of the array.
pub(super) struct Run<'a> {
    pub(super) geometry: &'a Geometry,
    pub(super) kind: Kind,
    pub(super) window: Window,
    pub(super) input: Image,
    pub(super) output: Image,
    /// Words of an input and of an output pixel that are used.
    pub(super) words: [usize; 2],
    /// First channel in the parameter memory and first entry in the weight buffers.
    pub(super) param_base: usize,
    pub(super) weight_base: usize,
    pub(super) clamp: [i64; 2],
}

/// Part of the loops over channel words, kernel rows and kernel columns: first and count of each.
type Slice = [(usize, usize); 3];

/// Output pixels of a tile, rows and columns: as many as the array has rows.
pub(super) fn tile(g: &Geometry) -> [usize; 2] {
    let width = (1..=4).rev().find(|width| g.rows.is_multiple_of(*width)).unwrap_or(1);
    [g.rows / width, width]
}

/// Groups of output channels that a column computes.
pub(super) fn groups(g: &Geometry, channels: usize, column: usize) -> usize {
    let sets = channels.div_ceil(g.lanes);
    (sets + g.cols - 1 - column) / g.cols
}

impl Run<'_> {
    /// Channel words, kernel rows and kernel columns of a full slice, which fits half a scratchpad. A convolution takes
    /// whole kernel rows first, a pool whole kernel columns, so that small scratchpads exercise both loops.
    fn full(&self) -> [usize; 3] {
        let words = self.words[0].min(self.geometry.scratch_words);
        let taps = self.geometry.scratch_words / words;
        let [height, width] = self.window.size;
        match self.kind {
            Kind::Convolution { .. } => {
                let columns = width.min(taps);
                [words, height.min(taps / columns), columns]
            }
            Kind::MaxPool => {
                let rows = height.min(taps);
                [words, rows, width.min(taps / rows)]
            }
        }
    }

    /// Extents of the loops that are cut into slices.
    fn extents(&self) -> [usize; 3] {
        [self.words[0], self.window.size[0], self.window.size[1]]
    }

    /// The slices of a tile in their order.
    fn slices(&self) -> Vec<Slice> {
        let (full, extents) = (self.full(), self.extents());
        let parts = |axis: usize| {
            let firsts = (0..extents[axis]).step_by(full[axis]);
            firsts.map(move |first| (first, full[axis].min(extents[axis] - first)))
        };
        let mut slices = Vec::new();
        for words in parts(0) {
            for rows in parts(1) {
                slices.extend(parts(2).map(|columns| [words, rows, columns]));
            }
        }
        slices
    }

    /// Scratchpad words per kernel row and per kernel column.
    fn pitch(&self) -> [usize; 2] {
        let [words, _, columns] = self.full();
        [words * columns, words]
    }

    fn channels(&self) -> usize {
        self.words[1] * self.geometry.word_channels
    }

    /// The list of a column as stored in its weight buffer. `weight` returns the weight of an output channel, a tap and
    /// an input channel.
    pub(super) fn list(
        &self,
        column: usize,
        weight: impl Fn(usize, [usize; 2], usize) -> i64,
    ) -> Vec<Item> {
        let g = self.geometry;
        let mut items = Vec::new();
        for slice in self.slices() {
            for group in 0..groups(g, self.channels(), column) {
                let first = (group * g.cols + column) * g.lanes;
                let entries: Vec<(usize, Vec<i64>)> = self
                    .points(slice, first)
                    .into_iter()
                    .map(|(index, tap, input)| {
                        (index, (first..first + g.lanes).map(|k| weight(k, tap, input)).collect())
                    })
                    .collect();
                items.extend(self.pack(entries));
            }
        }
        items
    }

    /// Entries with stored indices leave out groups of zeros; an empty list is one entry of zeros.
    fn pack(&self, mut entries: Vec<(usize, Vec<i64>)>) -> Vec<Item> {
        let g = self.geometry;
        if g.skip {
            entries.retain(|(_, weights)| weights.iter().any(|weight| *weight != 0));
            if entries.is_empty() {
                entries.push((0, vec![0; g.lanes]));
            }
        }
        let count = entries.len();
        let item = |(at, (index, weights)): (usize, (usize, Vec<i64>))| {
            let weights = weights.into_iter();
            let item = weights.fold(Item::default(), |item, w| item.field(w, g.weight_bits));
            if !g.skip {
                return item;
            }
            item.field(index as i64, g.index_bits).field(i64::from(at + 1 == count), 1)
        };
        entries.into_iter().enumerate().map(item).collect()
    }

    /// Points that the columns process in a slice for the output channels from `first` on: index in the patch, tap,
    /// input channel.
    fn points(&self, slice: Slice, first: usize) -> Vec<(usize, [usize; 2], usize)> {
        let b = self.geometry.word_channels;
        let [(word, words), (row, rows), (column, columns)] = slice;
        let [pitch_y, pitch_x] = self.pitch();
        let mut points = Vec::new();
        for y in 0..rows {
            for x in 0..columns {
                let (patch, tap) = (y * pitch_y + x * pitch_x, [row + y, column + x]);
                match self.kind {
                    Kind::MaxPool => points.push((patch * b + first, tap, first)),
                    Kind::Convolution { channels } => {
                        let inside = |c: &usize| word * b + c < channels;
                        points.extend(
                            (0..words * b)
                                .filter(inside)
                                .map(|c| (patch * b + c, tap, word * b + c)),
                        );
                    }
                }
            }
        }
        points
    }

    /// Blocks of consecutive registers: first index and values.
    pub(super) fn registers(&self) -> [(u32, Vec<i64>); 3] {
        let g = self.geometry;
        let scalars = Register::ALL.iter().map(|register| self.scalar(*register)).collect();
        let rows = (0..g.rows)
            .flat_map(|row| RowRegister::ALL.iter().map(move |register| self.row(row, *register)));
        let columns = (0..g.cols).flat_map(|column| {
            ColRegister::ALL.iter().map(move |register| match register {
                ColRegister::WeightBase => self.weight_base as i64,
                ColRegister::Groups => groups(g, self.channels(), column) as i64,
            })
        });
        [(0, scalars), (ROW_BASE, rows.collect()), (COL_BASE, columns.collect())]
    }

    fn row(&self, row: usize, register: RowRegister) -> i64 {
        let [_, width] = tile(self.geometry);
        let (y, x) = (row / width, row % width);
        let (tap_y, tap_x) = (y * self.window.stride, x * self.window.stride);
        let [pitch_y, pitch_x] = self.pitch();
        let value = match register {
            RowRegister::Base => tap_x << 16 | tap_y,
            RowRegister::Pixel => x << 16 | y,
            RowRegister::PatchOffset => tap_y * pitch_y + tap_x * pitch_x,
            RowRegister::OutOffset => (y * self.output.width + x) * self.output.pitch,
        };
        value as i64
    }

    fn scalar(&self, register: Register) -> i64 {
        use Register as R;
        let (g, input, output) = (self.geometry, &self.input, &self.output);
        let [tile_h, tile_w] = tile(g);
        let ([cb, ky, kx], [cbs, kys, kxs]) = (self.full(), self.extents());
        let last = |extent: usize, full: usize| (extent - 1) % full + 1;
        let Window { stride, pad, .. } = self.window;
        let line = input.width * input.pitch;
        let out_line = output.width * output.pitch;
        let value = match register {
            R::Limit => (1 << LIMIT_BITS) - 1,
            R::TilesY => output.height.div_ceil(tile_h),
            R::TilesX => output.width.div_ceil(tile_w),
            R::OutH => output.height,
            R::OutW => output.width,
            R::TileH => tile_h,
            R::TileW => tile_w,
            R::InY0 => return -(pad[0] as i64),
            R::InX0 => return -(pad[1] as i64),
            R::InTileY => tile_h * stride,
            R::InTileX => tile_w * stride,
            R::InH => input.height,
            R::InW => input.width,
            R::Addr0 => {
                return input.base as i64 - (pad[0] * line + pad[1] * input.pitch) as i64;
            }
            R::AddrTileY => tile_h * stride * line,
            R::AddrTileX => tile_w * stride * input.pitch,
            R::CbBlocks => cbs.div_ceil(cb),
            R::KyBlocks => kys.div_ceil(ky),
            R::KxBlocks => kxs.div_ceil(kx),
            R::CbFull => cb,
            R::CbLast => last(cbs, cb),
            R::KyFull => ky,
            R::KyLast => last(kys, ky),
            R::KxFull => kx,
            R::KxLast => last(kxs, kx),
            R::AddrCb => cb,
            R::AddrKy => ky * line,
            R::AddrKx => kx * input.pitch,
            R::InKy => ky,
            R::InKx => kx,
            R::ExtY => (tile_h - 1) * stride,
            R::ExtX => (tile_w - 1) * stride,
            R::StepY | R::StepX => 1,
            R::AddrY => line,
            R::AddrX => input.pitch,
            R::PatchY => self.pitch()[0],
            R::PatchX => self.pitch()[1],
            R::Mode => self.mode() as usize,
            R::ChannelsLast => self.channels_last(),
            R::RowsUsed => g.rows,
            R::OutChunks => self.channels() / g.drain_lanes,
            R::OutAddr => output.base,
            R::OutTileY => tile_h * out_line,
            R::OutTileX => tile_w * output.pitch,
            R::ClampLo => return self.clamp[0],
            R::ClampHi => return self.clamp[1],
            R::ParamBase => self.param_base / g.drain_lanes,
        };
        value as i64
    }

    fn mode(&self) -> u32 {
        match self.kind {
            Kind::Convolution { .. } => 0,
            Kind::MaxPool => MODE_PER_CHANNEL | MODE_MAX,
        }
    }

    fn channels_last(&self) -> usize {
        let b = self.geometry.word_channels;
        match self.kind {
            Kind::Convolution { channels } => (channels - 1) % b + 1,
            Kind::MaxPool => b,
        }
    }
}
