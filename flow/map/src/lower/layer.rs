//! Emits the runs of one layer and the transfers around them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use pecan_config::geometry::Geometry;
use pecan_config::isa;
use pecan_config::isa::pack_param;
use pecan_emulator::{ListLengths, Registers, RunPlan, RunShape, run_cycles};

use super::split::{Split, parts};
use crate::cost::search::{Choice, LONGEST_RUN, phase_count, phases};
use crate::emit::stream::Builder;
use crate::error::MapError;
use crate::lower::circular_buffer::Rings;
use crate::lower::kernel::{Placement, Resources, Run, limited};
use crate::lower::placement::{Layout, Piece, piece_bytes};
use crate::space::lists::{Occupancy, TapBox};
use crate::space::workload::Problem;

/// Most runs of a layer. A microsecond or two go into planning each, and some hundred bytes into a program.
pub const MOST_RUNS: usize = 1 << 24;

/// Where a tensor lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Home {
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
    pub(crate) builder: Builder<'a>,
    /// Lists in the weight buffers.
    pub(crate) weights: Rings,
    /// Parameters.
    pub(crate) params: Rings,
    /// Last runs of the latest pass, delayed so that the next lists load between them.
    pub(crate) last: Vec<Ready>,
    /// Stores and marks that follow the latest run, delayed so that the next lists load beside it.
    pub(crate) after: Vec<After>,
    /// Runs of the layer, without their places, and what they take.
    pub(crate) timed: HashMap<(RunShape, ListLengths), u64>,
}

/// A run that is ready to be started.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    registers: Registers,
    operand: u32,
    plan: Arc<RunPlan>,
    /// Buffer words that it writes.
    words: Range<usize>,
    /// What it takes.
    pub(crate) cycles: u64,
    /// Positions of the weight buffers, per column, below which lists may be overwritten once it has
    /// started, one depth on.
    pub(crate) frees: Vec<u64>,
}

/// What is to follow a run.
#[derive(Clone, Debug)]
pub(crate) enum After {
    /// A store of buffer words to a DRAM address.
    Store(Range<usize>, usize),
    /// The end of a layer.
    Mark,
}

/// One layer and where its data are.
pub(crate) struct LayerJob<'a> {
    /// Number of the layer.
    pub(crate) number: usize,
    /// What to compute.
    pub(crate) problem: &'a Problem<'a>,
    /// Entries per tap.
    pub(crate) occupancy: &'a Occupancy,
    /// How to walk it.
    pub(crate) choice: &'a Choice,
    /// How it is cut.
    pub(crate) split: &'a Split,
    /// First word of the boxes.
    pub(crate) boxes: usize,
    /// Input.
    pub(crate) input: &'a Home,
    /// Second tensor of a sum.
    pub(crate) other: Option<&'a Home>,
    /// Output; pieces are added as they are stored.
    pub(crate) output: &'a mut Home,
}

/// One part of a pass: a run or, where the lists do not fit, one of several that accumulate.
struct Part<'p> {
    outputs: &'p [Range<usize>; 2],
    pass: usize,
    chunk: usize,
    taps: TapBox,
    accumulate: bool,
    no_drain: bool,
    output: Placement,
}

/// Boxes while a layer is emitted.
#[derive(Default)]
pub(crate) struct Boxes {
    pub(crate) loaded: Option<(Placement, i64)>,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

impl Emitter<'_> {
    /// Emits what follows the latest run.
    pub(crate) fn flush(&mut self) {
        for run in std::mem::take(&mut self.last) {
            self.start(&run);
        }
        for after in std::mem::take(&mut self.after) {
            match after {
                After::Store(words, bytes) => self.builder.store(words, bytes),
                After::Mark => self.builder.mark(),
            }
        }
    }

    /// Emits a layer.
    ///
    /// # Errors
    /// A register cannot hold a value of the layer.
    pub(crate) fn layer(&mut self, job: &mut LayerJob<'_>) -> Result<(), MapError> {
        let axes = job.problem.axes;
        self.timed.clear();
        let mut boxes = Boxes::default();
        let rectangles: Vec<[Range<usize>; 2]> = parts(axes[0].output, job.split.rect[0])
            .flat_map(|y| parts(axes[1].output, job.split.rect[1]).map(move |x| [y.clone(), x]))
            .collect();
        self.check_runs(job, rectangles.len())?;
        if job.split.pass_first {
            for pass in 0..job.choice.passes.len() {
                for outputs in &rectangles {
                    self.pass_by_itself(job, outputs, pass, &mut boxes)?;
                }
            }
        } else {
            for outputs in &rectangles {
                self.rectangle(job, outputs, &mut boxes)?;
            }
        }
        self.after.push(After::Mark);
        Ok(())
    }

    /// Refuses a layer of so many runs that planning them takes longer than anybody waits.
    fn check_runs(&mut self, job: &LayerJob<'_>, rectangles: usize) -> Result<(), MapError> {
        let passes = &job.choice.passes;
        let chunks = match passes.first() {
            Some(pass) if job.choice.sliced => {
                let taps = job.problem.taps_of(pass, self.geometry);
                self.chunks(job, pass, &taps).len()
            }
            _ => 1,
        };
        let phases = phase_count(job.problem, &job.choice.tiling);
        let factors = [rectangles, passes.len(), phases, chunks];
        let runs = factors.iter().fold(1usize, |n, &f| n.saturating_mul(f));
        if runs <= MOST_RUNS {
            return Ok(());
        }
        Err(MapError::Runs { layer: job.problem.name.into(), runs, most: MOST_RUNS })
    }

    fn rectangle(
        &mut self,
        job: &mut LayerJob<'_>,
        outputs: &[Range<usize>; 2],
        boxes: &mut Boxes,
    ) -> Result<(), MapError> {
        let b = self.geometry.word_channels;
        let all = 0..job.problem.outputs.div_ceil(b);
        if job.split.by_pass {
            let mut passes = 0..job.choice.passes.len();
            return passes.try_for_each(|pass| self.pass_by_itself(job, outputs, pass, boxes));
        }
        let output = self.output_box(job, outputs, all, boxes);
        for pass in 0..job.choice.passes.len() {
            self.pass(job, outputs, pass, &output, boxes)?;
        }
        self.store(job, &output);
        Ok(())
    }

    /// A pass whose outputs have a box of their own.
    fn pass_by_itself(
        &mut self,
        job: &mut LayerJob<'_>,
        outputs: &[Range<usize>; 2],
        pass: usize,
        boxes: &mut Boxes,
    ) -> Result<(), MapError> {
        let b = self.geometry.word_channels;
        let channels = job.choice.passes[pass].clone();
        let words = channels.start / b..channels.end / b;
        let output = self.output_box(job, outputs, words, boxes);
        self.pass(job, outputs, pass, &output, boxes)?;
        self.store(job, &output);
        Ok(())
    }

    fn store(&mut self, job: &mut LayerJob<'_>, place: &Placement) {
        let Home::Dram(layout) = &mut *job.output else { return };
        let address = self.builder.reserve(piece_bytes(place.size(), self.geometry));
        self.after.push(After::Store(place.base..place.base + place.size(), address));
        let (pixels, words) = (place.pixels.clone(), place.words.clone());
        layout.pieces.push(Piece { pixels, words, address });
    }

    fn pass(
        &mut self,
        job: &LayerJob<'_>,
        outputs: &[Range<usize>; 2],
        pass: usize,
        output: &Placement,
        boxes: &mut Boxes,
    ) -> Result<(), MapError> {
        let taps = job.problem.taps_of(&job.choice.passes[pass], self.geometry);
        let chunks = if job.choice.sliced {
            self.chunks(job, &job.choice.passes[pass], &taps)
        } else {
            vec![taps]
        };
        for phase in phases(job.problem, &job.choice.tiling) {
            if (0..2).any(|i| phase[i] >= outputs[i].len()) {
                continue;
            }
            for (chunk, taps) in chunks.iter().enumerate() {
                let part = Part {
                    outputs,
                    pass,
                    chunk,
                    taps: taps.clone(),
                    accumulate: chunk > 0,
                    no_drain: chunk + 1 < chunks.len(),
                    output: output.clone(),
                };
                self.run(job, &part, phase, boxes)?;
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        job: &LayerJob<'_>,
        part: &Part<'_>,
        phase: [usize; 2],
        boxes: &mut Boxes,
    ) -> Result<(), MapError> {
        let channels = job.choice.passes[part.pass].clone();
        let mut run = Run {
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
        let mut lists = self.lists(job, (part.pass, part.chunk), &run);
        let params = self.load_params(job, part.pass);
        // With boxes in turn the next one loads beside the run; what the layer before stores comes first.
        let beside = job.split.slots > 1 && boxes.inputs > 0 && lists.complete();
        let early = beside.then(|| self.input_box(job, &run, boxes));
        self.flush();
        (run.input, run.other) = early.unwrap_or_else(|| self.input_box(job, &run, boxes));
        if part.accumulate || part.no_drain || phases(job.problem, &job.choice.tiling).len() > 1 {
            self.load_lists(&mut lists, None, true);
            let ready = self.prepare(job, &run, &lists.start, params)?;
            self.start(&ready);
            return Ok(());
        }
        self.spread(job, &run, lists, params)
    }

    /// The registers of a run whose lists begin at these positions.
    ///
    /// # Errors
    /// A register cannot hold a value of the layer.
    pub(crate) fn prepare(
        &mut self,
        job: &LayerJob<'_>,
        run: &Run,
        start: &[u64],
        params: usize,
    ) -> Result<Ready, MapError> {
        let (tiling, geometry) = (&job.choice.tiling, self.geometry);
        let weights = start.iter().map(|at| self.weights.address(*at)).collect();
        let resources = Resources { weights, params, ..Resources::unlimited() };
        let registers = run.registers(job.problem, tiling, &resources, geometry)?;
        let plan = Arc::new(run.timed_by(&registers, job.occupancy, tiling, geometry));
        let cycles = self.cycles(&plan);
        let limit = (cycles / isa::register::LIMIT_UNIT + 2) as usize;
        let registers = limited(registers, job.problem, limit)?;
        let words = run.output.base..run.output.base + run.output.size();
        let operand = run.operand();
        Ok(Ready { registers, operand, plan, words, cycles, frees: Vec::new() })
    }

    /// What a run takes by itself. Passes that are alike have runs that differ in their places only, which are timed
    /// once per layer.
    fn cycles(&mut self, plan: &Arc<RunPlan>) -> u64 {
        let key = (plan.shape.without_places(), plan.lists.clone());
        let time = || run_cycles(Arc::clone(plan)).unwrap_or(2 * LONGEST_RUN);
        *self.timed.entry(key).or_insert_with(time)
    }

    /// Starts a run.
    pub(crate) fn start(&mut self, run: &Ready) {
        let plan = (&run.plan, run.cycles);
        self.builder.run(run.registers.clone(), run.operand, &run.words, plan);
    }

    fn load_params(&mut self, job: &LayerJob<'_>, pass: usize) -> usize {
        let channels = job.choice.passes[pass].clone();
        let key = (job.number, pass, 0);
        if let Some(start) = self.params.find(key) {
            return self.params.address(start[0]);
        }
        let slot = self.params.place(key, &[channels.len()], true);
        let wait = slot.start[0] + channels.len() as u64 > slot.limit[0];
        let address = self.params.address(slot.start[0]);
        let mut bytes = Vec::with_capacity(channels.len() * 8);
        for channel in channels {
            // A channel that only pads its word comes out as 0.
            let requant = job.problem.requant_at(channel);
            let word =
                requant.map_or(pack_param(0, 0, 1), |r| pack_param(r.bias, r.multiplier, r.shift));
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        self.builder.load_params(address, &bytes, wait);
        address
    }
}
