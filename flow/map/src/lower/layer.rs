//! Emits the kernels of one layer and the transfers around them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use pecan_config::geometry::Geometry;
use pecan_config::isa;
use pecan_config::isa::pack_param;
use pecan_emulator::{KernelPlan, KernelShape, ListLengths, Registers, kernel_cycles};

use super::buffer_mapping::{BufferMapping, parts};
use crate::emit::stream::StreamBuilder;
use crate::error::MapError;
use crate::lower::circular_buffer::{CircularBuffers, Key};
use crate::lower::kernel::{Kernel, Placement, Resources, limited};
use crate::lower::placement::{Layout, Piece, piece_bytes};
use crate::space::array_mapping::{ArrayMapping, LONGEST_KERNEL, phase_count, phases};
use crate::space::lists::Occupancy;
use crate::space::reduction::ReductionRange;
use crate::space::workload::Workload;

/// Most kernels of a layer. Planning takes a microsecond or two per kernel, and a program some hundred bytes.
pub const MOST_KERNELS: usize = 1 << 24;

/// Place of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TensorPlace {
    /// In the buffer, from this word on.
    Buffer(usize),
    /// In DRAM.
    Dram(Layout),
}

/// State that layers share.
#[derive(Debug)]
pub(crate) struct Emitter<'a> {
    /// Geometry of the device.
    pub(crate) geometry: &'a Geometry,
    /// The program.
    pub(crate) builder: StreamBuilder<'a>,
    /// Lists in the weight buffers.
    pub(crate) weights: CircularBuffers,
    /// Parameters.
    pub(crate) params: CircularBuffers,
    /// Last kernels of the latest channel tile, delayed so that the next lists load between them.
    pub(crate) last: Vec<PendingKernel>,
    /// Stores and marks that follow the latest kernel, delayed so that the next lists load beside it.
    pub(crate) after: Vec<Deferred>,
    /// Kernels of the layer, without their addresses, and their cycles.
    pub(crate) timed: HashMap<(KernelShape, ListLengths), u64>,
}

/// A kernel that is ready to be started.
#[derive(Clone, Debug)]
pub(crate) struct PendingKernel {
    registers: Registers,
    operand: u32,
    plan: Arc<KernelPlan>,
    /// Buffer words that it writes.
    words: Range<usize>,
    /// Cycles that it takes.
    pub(crate) cycles: u64,
    /// Positions of the weight buffers, per column: once it has started, lists may be loaded up to one depth beyond.
    pub(crate) frees: Vec<u64>,
}

/// Work that follows a kernel.
#[derive(Clone, Debug)]
pub(crate) enum Deferred {
    /// A store of buffer words to a DRAM address.
    Store(Range<usize>, usize),
    /// The end of a layer.
    Mark,
}

/// One layer and the places of its data.
pub(crate) struct LayerJob<'a> {
    /// Number of the layer.
    pub(crate) number: usize,
    /// Loops of the layer.
    pub(crate) workload: &'a Workload<'a>,
    /// Entries per tap.
    pub(crate) occupancy: &'a Occupancy,
    /// Its array mapping.
    pub(crate) mapping: &'a ArrayMapping,
    /// Its buffer mapping.
    pub(crate) buffer_mapping: &'a BufferMapping,
    /// First word of the allocations.
    pub(crate) allocations: usize,
    /// Input.
    pub(crate) input: &'a TensorPlace,
    /// Second tensor of a sum.
    pub(crate) other: Option<&'a TensorPlace>,
    /// Output; pieces are added as they are stored.
    pub(crate) output: &'a mut TensorPlace,
}

/// One part of a channel tile: a kernel or, where the lists do not fit, one of several that accumulate.
struct ChannelTilePart<'p> {
    outputs: &'p [Range<usize>; 2],
    channel_tile: usize,
    chunk: usize,
    taps: ReductionRange,
    accumulate: bool,
    no_drain: bool,
    output: Placement,
}

/// Allocations while a layer is emitted.
#[derive(Default)]
pub(crate) struct Allocations {
    pub(crate) loaded: Option<(Placement, i64)>,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

impl Emitter<'_> {
    /// Emits the work that follows the latest kernel.
    pub(crate) fn flush(&mut self) {
        for run in std::mem::take(&mut self.last) {
            self.start(&run);
        }
        for after in std::mem::take(&mut self.after) {
            match after {
                Deferred::Store(words, bytes) => self.builder.store(words, bytes),
                Deferred::Mark => self.builder.mark(),
            }
        }
    }

    /// Emits a layer.
    ///
    /// # Errors
    /// A register cannot hold a value of the layer.
    pub(crate) fn layer(&mut self, job: &mut LayerJob<'_>) -> Result<(), MapError> {
        let axes = job.workload.axes;
        self.timed.clear();
        let mut allocations = Allocations::default();
        let rectangles: Vec<[Range<usize>; 2]> = parts(axes[0].output, job.buffer_mapping.rect[0])
            .flat_map(|y| {
                parts(axes[1].output, job.buffer_mapping.rect[1]).map(move |x| [y.clone(), x])
            })
            .collect();
        self.check_runs(job, rectangles.len())?;
        if job.buffer_mapping.channel_tiles_first {
            for channel_tile in 0..job.mapping.channel_tiles.len() {
                for outputs in &rectangles {
                    self.pass_by_itself(job, outputs, channel_tile, &mut allocations)?;
                }
            }
        } else {
            for outputs in &rectangles {
                self.rectangle(job, outputs, &mut allocations)?;
            }
        }
        self.after.push(Deferred::Mark);
        Ok(())
    }

    /// Refuses a layer of so many kernels that planning would take too long.
    fn check_runs(&mut self, job: &LayerJob<'_>, rectangles: usize) -> Result<(), MapError> {
        let channel_tiles = &job.mapping.channel_tiles;
        let chunks = match channel_tiles.first() {
            Some(channel_tile) if job.mapping.sliced => {
                let taps = job.workload.taps_of(channel_tile, self.geometry);
                self.chunks(job, channel_tile, &taps).len()
            }
            _ => 1,
        };
        let phases = phase_count(job.workload, &job.mapping.tiling);
        let factors = [rectangles, channel_tiles.len(), phases, chunks];
        let runs = factors.iter().fold(1usize, |n, &f| n.saturating_mul(f));
        if runs <= MOST_KERNELS {
            return Ok(());
        }
        Err(MapError::Runs { layer: job.workload.name.into(), runs, most: MOST_KERNELS })
    }

    fn rectangle(
        &mut self,
        job: &mut LayerJob<'_>,
        outputs: &[Range<usize>; 2],
        allocations: &mut Allocations,
    ) -> Result<(), MapError> {
        let b = self.geometry.word_channels;
        let all = 0..job.workload.outputs.div_ceil(b);
        if job.buffer_mapping.by_channel_tile {
            let mut channel_tiles = 0..job.mapping.channel_tiles.len();
            return channel_tiles.try_for_each(|channel_tile| {
                self.pass_by_itself(job, outputs, channel_tile, allocations)
            });
        }
        let output = self.output_box(job, outputs, all, allocations);
        for channel_tile in 0..job.mapping.channel_tiles.len() {
            self.channel_tile(job, outputs, channel_tile, &output, allocations)?;
        }
        self.store(job, &output);
        Ok(())
    }

    /// A channel tile whose outputs have an allocation of their own.
    fn pass_by_itself(
        &mut self,
        job: &mut LayerJob<'_>,
        outputs: &[Range<usize>; 2],
        channel_tile: usize,
        allocations: &mut Allocations,
    ) -> Result<(), MapError> {
        let b = self.geometry.word_channels;
        let channels = job.mapping.channel_tiles[channel_tile].clone();
        let words = channels.start / b..channels.end / b;
        let output = self.output_box(job, outputs, words, allocations);
        self.channel_tile(job, outputs, channel_tile, &output, allocations)?;
        self.store(job, &output);
        Ok(())
    }

    fn store(&mut self, job: &mut LayerJob<'_>, place: &Placement) {
        let TensorPlace::Dram(layout) = &mut *job.output else { return };
        let address = self.builder.reserve(piece_bytes(place.size(), self.geometry));
        self.after.push(Deferred::Store(place.base..place.base + place.size(), address));
        let (pixels, words) = (place.pixels.clone(), place.words.clone());
        layout.pieces.push(Piece { pixels, words, address });
    }

    fn channel_tile(
        &mut self,
        job: &LayerJob<'_>,
        outputs: &[Range<usize>; 2],
        channel_tile: usize,
        output: &Placement,
        allocations: &mut Allocations,
    ) -> Result<(), MapError> {
        let taps = job.workload.taps_of(&job.mapping.channel_tiles[channel_tile], self.geometry);
        let chunks = if job.mapping.sliced {
            self.chunks(job, &job.mapping.channel_tiles[channel_tile], &taps)
        } else {
            vec![taps]
        };
        for phase in phases(job.workload, &job.mapping.tiling) {
            if (0..2).any(|i| phase[i] >= outputs[i].len()) {
                continue;
            }
            for (chunk, taps) in chunks.iter().enumerate() {
                let part = ChannelTilePart {
                    outputs,
                    channel_tile,
                    chunk,
                    taps: taps.clone(),
                    accumulate: chunk > 0,
                    no_drain: chunk + 1 < chunks.len(),
                    output: output.clone(),
                };
                self.run(job, &part, phase, allocations)?;
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        job: &LayerJob<'_>,
        part: &ChannelTilePart<'_>,
        phase: [usize; 2],
        allocations: &mut Allocations,
    ) -> Result<(), MapError> {
        let channels = job.mapping.channel_tiles[part.channel_tile].clone();
        let mut run = Kernel {
            outputs: part.outputs.clone(),
            phase,
            channels,
            taps: part.taps.clone(),
            accumulate: part.accumulate,
            no_drain: part.no_drain,
            input: Placement { base: 0, pixels: [0..1, 0..1], words: 0..1 },
            other: 0,
            output: part.output.clone(),
        };
        let (channel_tile, chunk) = (part.channel_tile, part.chunk);
        let mut lists = self.lists(job, Key { layer: job.number, channel_tile, chunk }, &run);
        let params = self.load_params(job, part.channel_tile);
        // With alternating allocations the next input loads beside the kernel; stores of the layer before come first.
        let beside = job.buffer_mapping.slots > 1 && allocations.inputs > 0 && lists.complete();
        let early = beside.then(|| self.input_box(job, &run, allocations));
        self.flush();
        (run.input, run.other) = early.unwrap_or_else(|| self.input_box(job, &run, allocations));
        if part.accumulate || part.no_drain || phases(job.workload, &job.mapping.tiling).len() > 1 {
            self.load_lists(&mut lists, None, true);
            let ready = self.prepare(job, &run, &lists.start, params)?;
            self.start(&ready);
            return Ok(());
        }
        self.spread(job, &run, lists, params)
    }

    /// The registers of a kernel whose lists begin at these positions.
    ///
    /// # Errors
    /// A register cannot hold a value of the layer.
    pub(crate) fn prepare(
        &mut self,
        job: &LayerJob<'_>,
        run: &Kernel,
        start: &[u64],
        params: usize,
    ) -> Result<PendingKernel, MapError> {
        let (tiling, geometry) = (&job.mapping.tiling, self.geometry);
        let weights = start.iter().map(|at| self.weights.address(*at)).collect();
        let resources = Resources { weights, params, ..Resources::unlimited() };
        let registers = run.registers(job.workload, tiling, &resources, geometry)?;
        let plan = Arc::new(run.timed_by(&registers, job.occupancy, tiling, geometry));
        let cycles = self.cycles(&plan);
        let limit = (cycles / isa::register::LIMIT_UNIT + 2) as usize;
        let registers = limited(registers, job.workload, limit)?;
        let words = run.output.base..run.output.base + run.output.size();
        let operand = run.operand();
        Ok(PendingKernel { registers, operand, plan, words, cycles, frees: Vec::new() })
    }

    /// Cycles of a kernel by itself. Equal channel tiles have kernels that differ in their addresses only, which are
    /// timed once per layer.
    fn cycles(&mut self, plan: &Arc<KernelPlan>) -> u64 {
        let key = (plan.shape.without_places(), plan.lists.clone());
        let time = || kernel_cycles(Arc::clone(plan)).unwrap_or(2 * LONGEST_KERNEL);
        *self.timed.entry(key).or_insert_with(time)
    }

    /// Starts a kernel.
    pub(crate) fn start(&mut self, run: &PendingKernel) {
        let registers = run.registers.clone();
        self.builder.run(registers, run.operand, &run.words, &run.plan, run.cycles);
    }

    fn load_params(&mut self, job: &LayerJob<'_>, channel_tile: usize) -> usize {
        let channels = job.mapping.channel_tiles[channel_tile].clone();
        let key = Key { layer: job.number, channel_tile, chunk: 0 };
        if let Some(start) = self.params.find(key) {
            return self.params.address(start[0]);
        }
        let slot = self.params.place(key, &[channels.len()], true);
        let wait = slot.start[0] + channels.len() as u64 > slot.limit[0];
        let address = self.params.address(slot.start[0]);
        let mut bytes = Vec::with_capacity(channels.len() * 8);
        for channel in channels {
            // A channel that only pads its word is computed as 0.
            let requant = job.workload.requant_at(channel);
            let word =
                requant.map_or(pack_param(0, 0, 1), |r| pack_param(r.bias, r.multiplier, r.shift));
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        self.builder.load_params(address, &bytes, wait);
        address
    }
}
