//! Configuration registers: one definition for decoder, emulator, mapper, C header and documentation.

/// How wide a register is in a given hardware configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// A fixed number of bits.
    Bits(usize),
    /// An address in the global buffer; arithmetic wraps.
    BufferAddress,
    /// A word address in one half of the scratchpad; arithmetic wraps.
    PatchAddress,
    /// A number of words of one half of the scratchpad, the full half included.
    PatchCount,
    /// An activation, signed.
    Activation,
    /// A coordinate within the region of a slice, in lattice steps.
    Lattice,
    /// An address in a weight buffer.
    WeightAddress,
    /// A row of the parameter memory.
    ParamRow,
}

/// Width of the run limit: with [`LIMIT_UNIT`] it bounds how long a malformed stream can keep the device
/// busy, to about a million cycles.
pub const LIMIT_BITS: usize = 12;
/// Cycles per unit of the run limit.
pub const LIMIT_UNIT: u64 = 256;
/// Cycles of the longest run that a limit allows.
pub const LONGEST_RUN: u64 = ((1 << LIMIT_BITS) - 1) * LIMIT_UNIT;

/// Width of coordinates and counts.
pub const COORD: Width = Width::Bits(16);

/// Declares the registers: variant, index, name, width, signedness, meaning.
macro_rules! registers {
    ($($variant:ident $index:literal $name:literal $width:expr, $signed:literal, $doc:literal;)*) => {
        /// A scalar configuration register; the number is its index.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Register { $(#[doc = $doc] $variant = $index,)* }

        impl Register {
            /// All scalar registers.
            pub const ALL: &'static [Register] = &[$(Register::$variant,)*];

            /// Name in the documentation, the C header and the Verilog.
            pub fn name(self) -> &'static str {
                match self { $(Register::$variant => $name,)* }
            }

            /// Width.
            pub fn width(self) -> Width {
                match self { $(Register::$variant => $width,)* }
            }

            /// Whether the value is two's complement.
            pub fn signed(self) -> bool {
                match self { $(Register::$variant => $signed,)* }
            }

            /// Meaning.
            pub fn doc(self) -> &'static str {
                match self { $(Register::$variant => $doc,)* }
            }
        }
    };
}

registers! {
    Limit 0 "limit" Width::Bits(LIMIT_BITS), false, "The run is aborted after this many times 256 cycles; must not be 0.";
    TilesY 1 "tiles_y" COORD, false, "Tiles in a column of tiles.";
    TilesX 2 "tiles_x" COORD, false, "Tiles in a row of tiles.";
    OutH 3 "out_h" COORD, false, "Output rows of the run: a row of the array is valid while its `dy` is below the rows that remain.";
    OutW 4 "out_w" COORD, false, "Output columns of the run.";
    TileH 5 "tile_h" COORD, false, "Output rows from one tile to the next.";
    TileW 6 "tile_w" COORD, false, "Output columns from one tile to the next.";
    InY0 7 "in_y0" Width::Bits(17), true, "Input row of the first word of the first tile (negative in padding).";
    InX0 8 "in_x0" Width::Bits(17), true, "Input column of the first word of the first tile.";
    InTileY 9 "in_tile_y" COORD, false, "Input rows from one tile to the next.";
    InTileX 10 "in_tile_x" COORD, false, "Input columns from one tile to the next.";
    InH 11 "in_h" COORD, false, "Input rows; outside them the loader delivers padding.";
    InW 12 "in_w" COORD, false, "Input columns.";
    Addr0 13 "addr0" Width::BufferAddress, false, "Buffer address of (`in_y0`, `in_x0`), modulo the address width.";
    AddrTileY 14 "addr_tile_y" Width::BufferAddress, false, "Address step from one tile to the next in y.";
    AddrTileX 15 "addr_tile_x" Width::BufferAddress, false, "Address step from one tile to the next in x.";
    CbBlocks 16 "cb_blocks" COORD, false, "Slices per tile along the channel words.";
    KyBlocks 17 "ky_blocks" COORD, false, "Slices per tile along the kernel rows.";
    KxBlocks 18 "kx_blocks" COORD, false, "Slices per tile along the kernel columns.";
    CbFull 19 "cb_full" Width::PatchCount, false, "Channel words in a slice.";
    CbLast 20 "cb_last" Width::PatchCount, false, "Channel words in the last slice along the channels.";
    KyFull 21 "ky_full" Width::PatchCount, false, "Kernel rows in a slice.";
    KyLast 22 "ky_last" Width::PatchCount, false, "Kernel rows in the last slice along y.";
    KxFull 23 "kx_full" Width::PatchCount, false, "Kernel columns in a slice.";
    KxLast 24 "kx_last" Width::PatchCount, false, "Kernel columns in the last slice along x.";
    AddrCb 25 "addr_cb" Width::BufferAddress, false, "Address step from one slice to the next along the channels.";
    AddrKy 26 "addr_ky" Width::BufferAddress, false, "Address step from one slice to the next along the kernel rows.";
    AddrKx 27 "addr_kx" Width::BufferAddress, false, "Address step from one slice to the next along the kernel columns.";
    InKy 28 "in_ky" COORD, false, "Input rows from one slice to the next along the kernel rows.";
    InKx 29 "in_kx" COORD, false, "Input columns from one slice to the next along the kernel columns.";
    ExtY 30 "ext_y" Width::Lattice, false, "Lattice rows that a slice spans beyond its kernel rows: (tile rows - 1) x stride.";
    ExtX 31 "ext_x" Width::Lattice, false, "Lattice columns that a slice spans beyond its kernel columns.";
    StepY 32 "step_y" COORD, false, "Input rows per lattice row (the dilation).";
    StepX 33 "step_x" COORD, false, "Input columns per lattice column.";
    AddrY 34 "addr_y" Width::BufferAddress, false, "Address step per lattice row.";
    AddrX 35 "addr_x" Width::BufferAddress, false, "Address step per lattice column.";
    PatchY 36 "patch_y" Width::PatchAddress, false, "Scratchpad words per kernel row of a slice.";
    PatchX 37 "patch_x" Width::PatchAddress, false, "Scratchpad words per kernel column of a slice.";
    Mode 38 "mode" Width::Bits(2), false, "Bit 0: per-channel (lane g takes channel g of the word); bit 1: maximum instead of multiply-add (padding is the smallest value).";
    ChannelsLast 39 "channels_last" Width::Bits(5), false, "Channels in the last channel word of the layer (dense weights only).";
    RowsUsed 40 "rows_used" Width::Bits(6), false, "Rows of the array that the drain visits.";
    OutChunks 41 "out_chunks" COORD, false, "Drain steps per output pixel.";
    OutAddr 42 "out_addr" Width::BufferAddress, false, "Buffer address of the first output word of the first tile.";
    OutTileY 43 "out_tile_y" Width::BufferAddress, false, "Output address step from one tile to the next in y.";
    OutTileX 44 "out_tile_x" Width::BufferAddress, false, "Output address step from one tile to the next in x.";
    ClampLo 45 "clamp_lo" Width::Activation, true, "Smallest output value.";
    ClampHi 46 "clamp_hi" Width::Activation, true, "Largest output value.";
    ParamBase 47 "param_base" Width::ParamRow, false, "First row of the parameter memory.";
}

/// Bit 0 of [`Register::Mode`].
pub const MODE_PER_CHANNEL: u32 = 1;
/// Bit 1 of [`Register::Mode`].
pub const MODE_MAX: u32 = 2;

/// First index of the row table: row `r` has [`ROW_STRIDE`] registers from `ROW_BASE + ROW_STRIDE r`.
pub const ROW_BASE: u32 = 64;
/// Registers per row, see [`RowRegister`].
pub const ROW_STRIDE: u32 = 4;
/// First index of the column table: column `c` has [`COL_STRIDE`] registers from `COL_BASE + COL_STRIDE c`.
pub const COL_BASE: u32 = 192;
/// Registers per column, see [`ColRegister`].
pub const COL_STRIDE: u32 = 2;

/// Declares the registers of a table: variant = offset, name, meaning.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $offset:literal $text:literal $meaning:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum $name { $(#[doc = $meaning] $variant = $offset,)* }

        impl $name {
            /// All registers of the table, in the order of their offset.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// Name in the documentation and, in capitals, in the C header.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// Meaning.
            pub fn doc(self) -> &'static str {
                match self { $($name::$variant => $meaning,)* }
            }
        }
    };
}

table! {
    /// Registers of one row of the array.
    RowRegister {
        Base = 0 "tap" "Lattice row (bits 15..0) and column (31..16) of the row's first tap, relative to the tile, 10 bits each.";
        Pixel = 1 "pixel" "Output row (15..0) and column (31..16) of the row, relative to the tile, 10 bits each; bit 15 disables the row.";
        PatchOffset = 2 "patch_offset" "Subtracted from the linear patch address (scratchpad words, modulo the half).";
        OutOffset = 3 "out_offset" "Added to the tile's output address (buffer words).";
    }
}

table! {
    /// Registers of one column of the array.
    ColRegister {
        WeightBase = 0 "weight_base" "First entry of the column's list in its weight buffer.";
        Groups = 1 "groups" "Output-channel groups that the column walks per slice: 0 (column unused) to half the psum depth.";
    }
}

/// Index of a row register.
pub fn row(row: usize, register: RowRegister) -> u32 {
    ROW_BASE + ROW_STRIDE * row as u32 + register as u32
}

/// Index of a column register.
pub fn col(col: usize, register: ColRegister) -> u32 {
    COL_BASE + COL_STRIDE * col as u32 + register as u32
}
