//! Register values of one kernel.

use crate::space::array_mapping::Tiling;
use std::ops::Range;

use pecan_config::geometry::Geometry;
use pecan_config::isa::RunFlags;
use pecan_config::isa::register::{
    ColRegister, LIMIT_BITS, MODE_MAX, MODE_PER_CHANNEL, Register, RowRegister, col, row,
};
use pecan_emulator::{KernelPlan, KernelShape, Registers};

use crate::error::MapError;
use crate::space::lists::{Occupancy, column_groups, lengths};
use crate::space::reduction::ReductionRange;
use crate::space::workload::{Axis, Workload};

/// An allocation of a part of a tensor in the global buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// Address of its first word.
    pub(crate) base: usize,
    /// Its pixels (y, x).
    pub(crate) pixels: [Range<usize>; 2],
    /// Its channel words.
    pub(crate) words: Range<usize>,
}

impl Placement {
    /// Its size in words.
    pub(crate) fn size(&self) -> usize {
        self.pixels[0].len() * self.pixels[1].len() * self.words.len()
    }

    /// Words from one pixel row to the next.
    fn row(&self) -> i64 {
        (self.pixels[1].len() * self.words.len()) as i64
    }

    /// Words from one pixel to the next.
    fn pixel(&self) -> i64 {
        self.words.len() as i64
    }

    /// Address of a word, which may lie outside the allocation (in padding).
    fn address(&self, y: i64, x: i64, word: usize) -> i64 {
        self.base as i64
            + (y - self.pixels[0].start as i64) * self.row()
            + (x - self.pixels[1].start as i64) * self.pixel()
            + word as i64
            - self.words.start as i64
    }
}

/// One kernel of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    /// Output pixels (y, x) that the phases cover.
    pub(crate) outputs: [Range<usize>; 2],
    /// Phase of this kernel on each axis.
    pub(crate) phase: [usize; 2],
    /// Output channels, whole words.
    pub(crate) channels: Range<usize>,
    /// Taps of this kernel.
    pub(crate) taps: ReductionRange,
    /// The psum file holds the sums of the taps before these.
    pub(crate) accumulate: bool,
    /// More taps follow.
    pub(crate) no_drain: bool,
    /// The input in the buffer.
    pub(crate) input: Placement,
    /// Distance from a word of the input to the same word of the second tensor, where there is one.
    pub(crate) other: i64,
    /// The output in the buffer.
    pub(crate) output: Placement,
}

/// Addresses of a kernel's lists and parameters, and its limit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resources {
    /// First entry of every column's list.
    pub(crate) weights: Vec<usize>,
    /// First channel of the parameters.
    pub(crate) params: usize,
    /// Value of the register `limit`.
    pub(crate) limit: usize,
}

impl Resources {
    /// Addresses 0, with the highest limit.
    pub(crate) fn unlimited() -> Self {
        Self { limit: (1 << LIMIT_BITS) - 1, ..Self::default() }
    }
}

/// Register values of one axis.
struct AxisValues {
    tiles: usize,
    count: usize,
    tile: usize,
    in0: i64,
    in_tile: i64,
    ext: i64,
    step: i64,
    lattice: usize,
    spacing: usize,
    first: usize,
}

impl Kernel {
    fn axis(&self, axis: &Axis, i: usize, tiling: &Tiling) -> AxisValues {
        let tile = tiling.tile[i];
        let spacing = axis.spacing(tile);
        let first = self.outputs[i].start + self.phase[i];
        let count = (self.outputs[i].end - first).div_ceil(spacing);
        let tap = self.taps[i + 1].start;
        let lattice = axis.lattice_stride(tile);
        AxisValues {
            tiles: count.div_ceil(tile),
            count,
            tile,
            in0: axis.first_input(first) + (tap * axis.dilation) as i64,
            in_tile: (tile * spacing * axis.stride) as i64,
            ext: ((tile - 1) * lattice) as i64,
            step: axis.step() as i64,
            lattice,
            spacing,
            first,
        }
    }

    /// The kernel's operand.
    pub(crate) fn operand(&self) -> u32 {
        let flag = |on, bit| if on { bit } else { 0 };
        flag(self.accumulate, RunFlags::ACCUMULATE) | flag(self.no_drain, RunFlags::NO_DRAIN)
    }

    /// Register values.
    ///
    /// # Errors
    /// A value does not fit its register.
    pub(crate) fn registers(
        &self,
        workload: &Workload<'_>,
        tiling: &Tiling,
        resources: &Resources,
        geometry: &Geometry,
    ) -> Result<Registers, MapError> {
        let mut writer =
            RegisterWriter { registers: Registers::new(geometry), layer: workload.name };
        let axes = [0, 1].map(|i| self.axis(&workload.axes[i], i, tiling));
        self.write_input(&mut writer, workload, tiling, &axes, geometry)?;
        self.write_output(&mut writer, workload, &axes, resources, geometry)?;
        self.write_rows(&mut writer.registers, tiling, &axes, geometry)?;
        for c in 0..geometry.cols {
            let groups = column_groups(&self.channels, c, geometry).count() as u32;
            let base = resources.weights.get(c).copied().unwrap_or(0) as u32;
            writer.table(col(c, ColRegister::WeightBase), base)?;
            writer.table(col(c, ColRegister::Groups), groups)?;
        }
        Ok(writer.registers)
    }

    fn write_input(
        &self,
        w: &mut RegisterWriter<'_>,
        workload: &Workload<'_>,
        tiling: &Tiling,
        axes: &[AxisValues; 2],
        geometry: &Geometry,
    ) -> Result<(), MapError> {
        use Register as R;
        let [y, x] = axes;
        let (row, pixel) = (self.input.row(), self.input.pixel());
        let slice = tiling.slice;
        let blocks: [usize; 3] = std::array::from_fn(|i| self.taps[i].len().div_ceil(slice[i]));
        let last: [usize; 3] =
            std::array::from_fn(|i| self.taps[i].len() - (blocks[i] - 1) * slice[i]);
        let in_block = [0, 1].map(|i| (slice[i + 1] * workload.axes[i].dilation) as i64);
        // A kernel of a sum may begin at its second tensor.
        let second = if workload.sum() { self.other * self.taps[1].start as i64 } else { 0 };
        w.list(&[
            (R::TilesY, y.tiles as i64),
            (R::TilesX, x.tiles as i64),
            (R::InY0, y.in0),
            (R::InX0, x.in0),
            (R::InTileY, y.in_tile),
            (R::InTileX, x.in_tile),
            // No valid pixel beyond the allocation is needed, so these may count as padding.
            (R::InH, self.input.pixels[0].end as i64),
            (R::InW, self.input.pixels[1].end as i64),
            (R::Addr0, self.input.address(y.in0, x.in0, self.taps[0].start) + second),
            (R::AddrTileY, y.in_tile * row),
            (R::AddrTileX, x.in_tile * pixel),
            (R::CbBlocks, blocks[0] as i64),
            (R::KyBlocks, blocks[1] as i64),
            (R::KxBlocks, blocks[2] as i64),
            (R::CbFull, slice[0] as i64),
            (R::KyFull, slice[1] as i64),
            (R::KxFull, slice[2] as i64),
            (R::CbLast, last[0] as i64),
            (R::KyLast, last[1] as i64),
            (R::KxLast, last[2] as i64),
            (R::AddrCb, slice[0] as i64),
            (R::AddrKy, if workload.sum() { self.other } else { in_block[0] * row }),
            (R::AddrKx, in_block[1] * pixel),
            (R::InKy, in_block[0]),
            (R::InKx, in_block[1]),
            (R::ExtY, y.ext),
            (R::ExtX, x.ext),
            (R::StepY, y.step),
            (R::StepX, x.step),
            (R::AddrY, y.step * row),
            (R::AddrX, x.step * pixel),
            (R::PatchY, (slice[2] * slice[0]) as i64),
            (R::PatchX, slice[0] as i64),
        ])?;
        let b = geometry.word_channels;
        let last_word = self.taps[0].end * b;
        let missing =
            if workload.per_channel() { 0 } else { last_word.saturating_sub(workload.inputs) };
        let per_channel = if workload.per_channel() { MODE_PER_CHANNEL } else { 0 };
        let maximum = if workload.maximum() { MODE_MAX } else { 0 };
        w.list(&[
            (R::Mode, i64::from(per_channel | maximum)),
            (R::ChannelsLast, (b - missing) as i64),
        ])
    }

    fn write_output(
        &self,
        w: &mut RegisterWriter<'_>,
        workload: &Workload<'_>,
        axes: &[AxisValues; 2],
        resources: &Resources,
        geometry: &Geometry,
    ) -> Result<(), MapError> {
        use Register as R;
        let [y, x] = axes;
        let word = self.channels.start / geometry.word_channels;
        let (row, pixel) = (self.output.row(), self.output.pixel());
        let step = |axis: &AxisValues| (axis.tile * axis.spacing) as i64;
        w.list(&[
            (R::Limit, resources.limit as i64),
            (R::OutH, y.count as i64),
            (R::OutW, x.count as i64),
            (R::TileH, y.tile as i64),
            (R::TileW, x.tile as i64),
            (R::RowsUsed, (y.tile * x.tile) as i64),
            (R::OutChunks, (self.channels.len() / geometry.drain_lanes) as i64),
            (R::OutAddr, self.output.address(y.first as i64, x.first as i64, word)),
            (R::OutTileY, step(y) * row),
            (R::OutTileX, step(x) * pixel),
            (R::ClampLo, i64::from(workload.clamp[0])),
            (R::ClampHi, i64::from(workload.clamp[1])),
            (R::ParamBase, (resources.params / geometry.drain_lanes) as i64),
        ])
    }

    fn write_rows(
        &self,
        registers: &mut Registers,
        tiling: &Tiling,
        axes: &[AxisValues; 2],
        geometry: &Geometry,
    ) -> Result<(), MapError> {
        let [y, x] = axes;
        let (out_row, out_pixel) = (self.output.row(), self.output.pixel());
        let patch = [tiling.slice[2] * tiling.slice[0], tiling.slice[0]];
        for r in 0..geometry.rows {
            let at = [r / x.tile, r % x.tile];
            let values = if at[0] < y.tile {
                let base = [at[0] * y.lattice, at[1] * x.lattice];
                let offset =
                    (at[0] * y.spacing) as i64 * out_row + (at[1] * x.spacing) as i64 * out_pixel;
                let patch = base[0] * patch[0] + base[1] * patch[1];
                let pair = |v: [usize; 2]| (v[0] | v[1] << 16) as u32;
                [pair(base), pair(at), patch as u32, offset as u32]
            } else {
                [0, 0xffff, 0, 0]
            };
            for (register, value) in [
                RowRegister::Base,
                RowRegister::Pixel,
                RowRegister::PatchOffset,
                RowRegister::OutOffset,
            ]
            .into_iter()
            .zip(values)
            {
                let _ = registers.write(row(r, register), value);
            }
        }
        Ok(())
    }

    /// Inputs of the timing of the kernel.
    ///
    /// # Errors
    /// As [`Self::registers`].
    pub(crate) fn plan(
        &self,
        workload: &Workload<'_>,
        occupancy: &Occupancy,
        tiling: &Tiling,
        geometry: &Geometry,
    ) -> Result<KernelPlan, MapError> {
        let registers = self.registers(workload, tiling, &Resources::unlimited(), geometry)?;
        Ok(self.timed_by(&registers, occupancy, tiling, geometry))
    }

    /// As [`Self::plan`], for a kernel whose registers are known.
    pub(crate) fn timed_by(
        &self,
        registers: &Registers,
        occupancy: &Occupancy,
        tiling: &Tiling,
        geometry: &Geometry,
    ) -> KernelPlan {
        let shape = KernelShape::of(registers, geometry, self.operand());
        let lists = lengths(occupancy, &self.channels, &self.taps, tiling.slice, geometry);
        KernelPlan { shape, lists }
    }
}

/// Sets the limit of a kernel whose time is known.
///
/// # Errors
/// The limit does not fit its register.
pub(crate) fn limited(
    registers: Registers,
    workload: &Workload<'_>,
    limit: usize,
) -> Result<Registers, MapError> {
    let mut writer = RegisterWriter { registers, layer: workload.name };
    writer.list(&[(Register::Limit, limit as i64)])?;
    Ok(writer.registers)
}

/// Sets registers and names the layer in errors.
struct RegisterWriter<'a> {
    registers: Registers,
    layer: &'a str,
}

impl RegisterWriter<'_> {
    fn list(&mut self, values: &[(Register, i64)]) -> Result<(), MapError> {
        for (register, value) in values {
            self.registers.set(*register, *value).map_err(|(register, bits)| MapError::Range {
                layer: self.layer.into(),
                what: format!("register {}", register.name()),
                value: *value,
                low: if register.signed() { -(1 << (bits - 1)) } else { 0 },
                high: (1 << (bits - u8::from(register.signed()))) - 1,
            })?;
        }
        Ok(())
    }

    fn table(&mut self, index: u32, value: u32) -> Result<(), MapError> {
        self.registers.write(index, value).map_err(|_| MapError::Range {
            layer: self.layer.into(),
            what: format!("register {index}"),
            value: i64::from(value),
            low: 0,
            high: i64::from(u32::MAX),
        })
    }
}
