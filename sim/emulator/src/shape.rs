//! The loop nest of one kernel, taken from the configuration registers.

use pecan_config::geometry::{Geometry, LATTICE_BITS};
use pecan_config::isa::RunFlags;
use pecan_config::isa::register::{ColRegister, MODE_MAX, MODE_PER_CHANNEL, Register, RowRegister};

use super::registers::Registers;

/// One row of the array in a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowShape {
    /// First tap (y, x) on the lattice of the tile.
    pub base: [i64; 2],
    /// Output pixel (y, x) in the tile.
    pub pixel: [i64; 2],
    /// Subtracted from the linear patch address.
    pub patch_offset: i64,
    /// Added to the tile's output address.
    pub out_offset: i64,
}

/// One column of the array in a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ColumnShape {
    /// First entry of its list.
    pub base: usize,
    /// Groups per reduction tile; 0 if the column is not used.
    pub groups: usize,
}

/// Everything that decides the timing and the data-independent counts of a kernel, list lengths excepted.
/// Pairs are (y, x); triples of blocks are (channel, y, x).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KernelShape {
    /// The first reduction tile continues from the psum file.
    pub accumulate: bool,
    /// Nothing is drained.
    pub no_drain: bool,
    /// Each lane reads its own channel.
    pub per_channel: bool,
    /// Maximum in place of multiply-add.
    pub maximum: bool,
    /// Longest duration of the kernel in cycles.
    pub limit: u64,
    /// Tiles.
    pub tiles: [u64; 2],
    /// Output extent.
    pub out: [i64; 2],
    /// Output pixels from one tile to the next.
    pub tile: [i64; 2],
    /// First input pixel.
    pub in0: [i64; 2],
    /// Input pixels from one tile to the next.
    pub in_tile: [i64; 2],
    /// Input extent.
    pub in_size: [i64; 2],
    /// Address of the first input pixel.
    pub addr0: i64,
    /// Address step per tile.
    pub addr_tile: [i64; 2],
    /// Reduction tiles per tile along channels, y, x.
    pub blocks: [u64; 3],
    /// Extent of a reduction tile along channels, y, x; of the last one in `last`.
    pub full: [i64; 3],
    /// Extent of the last reduction tile along channels, y, x.
    pub last: [i64; 3],
    /// Address step per reduction tile along channels, y, x.
    pub addr_block: [i64; 3],
    /// Input pixels from one reduction tile to the next.
    pub in_block: [i64; 2],
    /// Lattice points beyond the kernel.
    pub ext: [i64; 2],
    /// Input pixels per lattice step.
    pub step: [i64; 2],
    /// Address step per lattice step.
    pub addr_step: [i64; 2],
    /// Scratchpad words per kernel row and column.
    pub patch: [i64; 2],
    /// Channels in the last word (dense lists).
    pub channels_last: i64,
    /// Rows that the drain reads.
    pub rows_used: usize,
    /// Drain steps per pixel.
    pub out_chunks: u64,
    /// Output address of the first tile.
    pub out_addr: i64,
    /// Output address step per tile.
    pub out_tile: [i64; 2],
    /// Output range.
    pub clamp: [i64; 2],
    /// First channel in the parameter memory.
    pub param_base: usize,
    /// Rows of the array.
    pub rows: Vec<RowShape>,
    /// Columns of the array.
    pub columns: Vec<ColumnShape>,
    /// Drain steps per buffer word.
    pub steps_per_word: u64,
}

fn halves(value: u32) -> [i64; 2] {
    let mask = (1 << LATTICE_BITS) - 1;
    [i64::from(value & mask), i64::from(value >> 16 & mask)]
}

impl KernelShape {
    /// This kernel with its operands at address 0. The duration does not depend on addresses.
    #[must_use]
    pub fn without_places(&self) -> Self {
        let mut shape = Self { addr0: 0, out_addr: 0, param_base: 0, ..self.clone() };
        shape.columns.iter_mut().for_each(|column| column.base = 0);
        shape
    }

    /// The kernel that `Run` with this operand would start.
    #[must_use]
    pub fn of(r: &Registers, geometry: &Geometry, operand: u32) -> Self {
        use Register as R;
        let at = |register| r.get(register);
        let pair = |y, x| [at(y), at(x)];
        let triple = |c, y, x| [at(c), at(y), at(x)];
        let mode = at(R::Mode) as u32;
        Self {
            accumulate: operand & RunFlags::ACCUMULATE != 0,
            no_drain: operand & RunFlags::NO_DRAIN != 0,
            per_channel: mode & MODE_PER_CHANNEL != 0,
            maximum: mode & MODE_MAX != 0,
            limit: 256 * at(R::Limit) as u64,
            tiles: pair(R::TilesY, R::TilesX).map(|v| v as u64),
            out: pair(R::OutH, R::OutW),
            tile: pair(R::TileH, R::TileW),
            in0: pair(R::InY0, R::InX0),
            in_tile: pair(R::InTileY, R::InTileX),
            in_size: pair(R::InH, R::InW),
            addr0: at(R::Addr0),
            addr_tile: pair(R::AddrTileY, R::AddrTileX),
            blocks: triple(R::CbBlocks, R::KyBlocks, R::KxBlocks).map(|v| v as u64),
            full: triple(R::CbFull, R::KyFull, R::KxFull),
            last: triple(R::CbLast, R::KyLast, R::KxLast),
            addr_block: triple(R::AddrCb, R::AddrKy, R::AddrKx),
            in_block: pair(R::InKy, R::InKx),
            ext: pair(R::ExtY, R::ExtX),
            step: pair(R::StepY, R::StepX),
            addr_step: pair(R::AddrY, R::AddrX),
            patch: pair(R::PatchY, R::PatchX),
            channels_last: at(R::ChannelsLast),
            rows_used: at(R::RowsUsed) as usize,
            out_chunks: at(R::OutChunks) as u64,
            out_addr: at(R::OutAddr),
            out_tile: pair(R::OutTileY, R::OutTileX),
            clamp: pair(R::ClampLo, R::ClampHi),
            param_base: at(R::ParamBase) as usize * geometry.drain_lanes,
            rows: (0..geometry.rows).map(|index| row_shape(r, index)).collect(),
            columns: (0..geometry.cols).map(|index| column_shape(r, index)).collect(),
            steps_per_word: (geometry.word_channels / geometry.drain_lanes) as u64,
        }
    }

    /// Reduction tiles of a tile.
    #[must_use]
    pub fn slices(&self) -> u64 {
        self.blocks.iter().product()
    }

    /// Tiles of the kernel.
    #[must_use]
    pub fn tile_count(&self) -> u64 {
        self.tiles[0] * self.tiles[1]
    }

    /// Whether some loop has no iteration. `docs/command-stream.md` defines no end of such a kernel; it counts as one
    /// that continues until its limit.
    #[must_use]
    pub fn degenerate(&self, geometry: &Geometry) -> bool {
        let none = |list: &[i64]| list.contains(&0);
        let used = |b: usize| if self.blocks[b] > 1 { self.full[b] } else { 1 };
        let dense = !geometry.skip && !self.per_channel;
        let channels = 1..=geometry.word_channels as i64;
        let drain = !self.no_drain && (self.rows_used == 0 || self.out_chunks == 0);
        self.tiles.contains(&0)
            || self.blocks.contains(&0)
            || none(&[used(0), used(1), used(2)])
            || none(&self.last)
            || (dense && !channels.contains(&self.channels_last))
            || drain
    }

    /// Coordinates (y, x) of a tile.
    #[must_use]
    pub fn tile_at(&self, index: u64) -> [i64; 2] {
        [(index / self.tiles[1]) as i64, (index % self.tiles[1]) as i64]
    }

    /// Block coordinates (channel, y, x) of a reduction tile of a tile.
    #[must_use]
    pub fn block_at(&self, slice: u64) -> [u64; 3] {
        let [_, by, bx] = self.blocks;
        [slice / (by * bx), slice / bx % by, slice % bx]
    }

    /// Extent (channel words, y, x) of the reduction tile at these block coordinates.
    #[must_use]
    pub fn extent(&self, block: [u64; 3]) -> [i64; 3] {
        std::array::from_fn(|i| {
            if block[i] + 1 == self.blocks[i] { self.last[i] } else { self.full[i] }
        })
    }

    /// Loader steps of a reduction tile of this extent.
    #[must_use]
    pub fn loader_steps(&self, extent: [i64; 3]) -> u64 {
        ((extent[1] + self.ext[0]) * (extent[2] + self.ext[1]) * extent[0]) as u64
    }

    /// Whether a row computes a pixel of this tile.
    #[must_use]
    pub fn valid(&self, row: &RowShape, tile: [i64; 2]) -> bool {
        (0..2).all(|i| row.pixel[i] < self.rest(i, tile[i]))
    }

    /// Output pixels that remain along an axis at a tile, modulo 2^16 as the device subtracts.
    #[must_use]
    pub fn rest(&self, axis: usize, tile: i64) -> i64 {
        (self.out[axis] - tile * self.tile[axis]).rem_euclid(1 << 16)
    }

    /// Valid rows of a tile, by row.
    pub fn valid_rows(&self, tile: [i64; 2]) -> impl Iterator<Item = bool> + '_ {
        self.rows.iter().map(move |row| self.valid(row, tile))
    }

    /// Input pixel (y or x) of the first lattice point of a reduction tile.
    #[must_use]
    pub fn origin(&self, tile: [i64; 2], block: [u64; 3]) -> [i64; 2] {
        std::array::from_fn(|i| {
            self.in0[i] + tile[i] * self.in_tile[i] + block[i + 1] as i64 * self.in_block[i]
        })
    }

    /// Address of the first lattice point of a reduction tile, before the reduction to the address width.
    #[must_use]
    pub fn address(&self, tile: [i64; 2], block: [u64; 3]) -> i64 {
        let tiles: i64 = (0..2).map(|i| tile[i] * self.addr_tile[i]).sum();
        let blocks: i64 = (0..3).map(|i| block[i] as i64 * self.addr_block[i]).sum();
        self.addr0 + tiles + blocks
    }

    /// Mask of the loader's loops that are at their last iteration at a place (y, x, channel word) of a reduction tile
    /// of a tile, the innermost in bit 0: words, pixels, lines, the reduction tiles along x, y and the channels, tiles
    /// along x and y. This step ends a loop if the bits of the loop and of all inner ones are set.
    #[must_use]
    pub fn last_iterations(&self, tile: [i64; 2], block: [u64; 3], at: [i64; 3]) -> u32 {
        let extent = self.extent(block);
        let [y, x, word] = at;
        let slices = |axis: usize| block[axis] + 1 == self.blocks[axis];
        let tiles = |axis: usize| tile[axis] + 1 == self.tiles[axis] as i64;
        let last = [
            word + 1 == extent[0],
            x + 1 == extent[2] + self.ext[1],
            y + 1 == extent[1] + self.ext[0],
            slices(2),
            slices(1),
            slices(0),
            tiles(1),
            tiles(0),
        ];
        last.iter().rev().fold(0, |bits, last| bits << 1 | u32::from(*last))
    }

    /// Whether a lattice point along one axis (0 = y, 1 = x) lies inside the input.
    #[must_use]
    pub fn inside(&self, axis: usize, origin: i64, point: i64) -> bool {
        (0..self.in_size[axis]).contains(&(origin + point * self.step[axis]))
    }

    /// How many of the first `count` lattice points along an axis lie inside the input.
    #[must_use]
    pub fn count_inside(&self, axis: usize, origin: i64, count: i64) -> i64 {
        let (step, size) = (self.step[axis], self.in_size[axis]);
        if step == 0 {
            return if self.inside(axis, origin, 0) { count } else { 0 };
        }
        // Points before which the input begins and ends.
        let before = |bound: i64| (bound - origin + step - 1).div_euclid(step).clamp(0, count);
        before(size) - before(0)
    }

    /// Whether some column is used.
    #[must_use]
    pub fn active(&self) -> bool {
        self.columns.iter().any(|column| column.groups > 0)
    }

    /// Entries of one group in a reduction tile where lists carry no index.
    #[must_use]
    pub fn dense_entries(&self, block: [u64; 3], word_channels: usize) -> u64 {
        let [cb, y, x] = self.extent(block);
        if self.per_channel {
            return (y * x) as u64;
        }
        let last = block[0] + 1 == self.blocks[0];
        let cut = if last { word_channels as i64 - self.channels_last } else { 0 };
        (y * x * (cb * word_channels as i64 - cut)) as u64
    }
}

fn row_shape(r: &Registers, index: usize) -> RowShape {
    let value = r.row(index, RowRegister::Pixel);
    // An unused row lies beyond the remaining pixels of every tile.
    let pixel = if value >> 15 & 1 == 1 { [1 << 16; 2] } else { halves(value) };
    RowShape {
        base: halves(r.row(index, RowRegister::Base)),
        pixel,
        patch_offset: i64::from(r.row(index, RowRegister::PatchOffset)),
        out_offset: i64::from(r.row(index, RowRegister::OutOffset)),
    }
}

fn column_shape(r: &Registers, index: usize) -> ColumnShape {
    ColumnShape {
        base: r.col(index, ColRegister::WeightBase) as usize,
        groups: r.col(index, ColRegister::Groups) as usize,
    }
}
