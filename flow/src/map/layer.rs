//! Emits the runs of one layer and the transfers around them.

use std::ops::Range;
use std::sync::Arc;

use pecan_hdl::geometry::Geometry;
use pecan_hdl::isa::{self, pack_param};
use pecan_sim::emulator::run_cycles;

use super::choose::{Choice, LONGEST_RUN, phases};
use super::error::MapError;
use super::lists::{Occupancy, TapBox, slices};
use super::pack::pack;
use super::place::{Layout, Piece, piece_bytes};
use super::problem::Problem;
use super::ring::Rings;
use super::run::{Placement, Resources, Run};
use super::split::{Split, lead, parts};
use super::stream::Builder;

/// Where a tensor lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// In the buffer, from this word on.
    Buffer(usize),
    /// In DRAM.
    Dram(Layout),
}

/// State that layers share.
#[derive(Debug)]
pub(super) struct Emitter<'a> {
    /// Geometry of the device.
    pub(super) geometry: &'a Geometry,
    /// The program.
    pub(super) builder: Builder<'a>,
    /// Lists in the weight buffers.
    pub(super) weights: Rings,
    /// Parameters.
    pub(super) params: Rings,
    /// Stores and marks that follow the latest run, delayed so that the next lists load beside it.
    pub(super) after: Vec<After>,
}

/// What is to follow a run.
#[derive(Clone, Debug)]
pub(super) enum After {
    /// A store of buffer words to a DRAM address.
    Store(Range<usize>, usize),
    /// The end of a layer.
    Mark,
}

/// One layer and where its data are.
pub(super) struct LayerJob<'a> {
    /// Number of the layer.
    pub(super) number: usize,
    /// What to compute.
    pub(super) problem: &'a Problem<'a>,
    /// Entries per tap.
    pub(super) occupancy: &'a Occupancy,
    /// How to walk it.
    pub(super) choice: &'a Choice,
    /// How it is cut.
    pub(super) split: &'a Split,
    /// First word of the boxes.
    pub(super) boxes: usize,
    /// Input.
    pub(super) input: &'a Home,
    /// Second tensor of a sum.
    pub(super) other: Option<&'a Home>,
    /// Output; pieces are added as they are stored.
    pub(super) output: &'a mut Home,
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

/// A load that has to wait for the end of a run.
struct Late {
    column: usize,
    address: usize,
    bytes: Vec<u8>,
}

/// Boxes while a layer is emitted.
#[derive(Default)]
struct Boxes {
    loaded: Option<(Placement, i64)>,
    inputs: usize,
    outputs: usize,
}

impl Emitter<'_> {
    /// Emits what follows the latest run.
    pub(super) fn flush(&mut self) {
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
    pub(super) fn layer(&mut self, job: &mut LayerJob<'_>) -> Result<(), MapError> {
        let axes = job.problem.axes;
        let mut boxes = Boxes::default();
        for y in parts(axes[0].output, job.split.rect[0]) {
            for x in parts(axes[1].output, job.split.rect[1]) {
                self.rectangle(job, &[y.clone(), x], &mut boxes)?;
            }
        }
        self.after.push(After::Mark);
        Ok(())
    }

    fn rectangle(
        &mut self,
        job: &mut LayerJob<'_>,
        outputs: &[Range<usize>; 2],
        boxes: &mut Boxes,
    ) -> Result<(), MapError> {
        let b = self.geometry.word_channels;
        let all = 0..job.problem.outputs.div_ceil(b);
        let mut output = self.output_box(job, outputs, all.clone(), boxes);
        for pass in 0..job.choice.passes.len() {
            let channels = job.choice.passes[pass].clone();
            if job.split.by_pass {
                let words = channels.start / b..channels.end / b;
                output = self.output_box(job, outputs, words, boxes);
            }
            self.pass(job, outputs, pass, &output, boxes)?;
            if job.split.by_pass {
                self.store(job, &output);
            }
        }
        if !job.split.by_pass {
            self.store(job, &output);
        }
        Ok(())
    }

    /// The place of an output box.
    fn output_box(
        &self,
        job: &LayerJob<'_>,
        outputs: &[Range<usize>; 2],
        words: Range<usize>,
        boxes: &mut Boxes,
    ) -> Placement {
        if let Home::Buffer(base) = *job.output {
            let pixels = job.problem.axes.map(|axis| 0..axis.output);
            let words = 0..job.problem.outputs.div_ceil(self.geometry.word_channels);
            return Placement { base, pixels, words };
        }
        let slot = boxes.outputs % job.split.slots;
        boxes.outputs += 1;
        let base = job.boxes + job.split.slots * job.split.input + slot * job.split.output;
        Placement { base, pixels: outputs.clone(), words }
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
        let chunks: Vec<TapBox> = if job.choice.sliced {
            slices(&taps, job.choice.tiling.slice).collect()
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
        let (weights, late) = self.load_weights(job, part, &run);
        let params = self.load_params(job, part.pass);
        // With boxes in turn the next one loads beside the run; what the layer before stores comes first.
        let beside = job.split.slots > 1 && boxes.inputs > 0 && late.is_empty();
        let early = beside.then(|| self.input_box(job, &run, boxes));
        self.flush();
        for load in late {
            self.builder.load_weights(load.column, load.address, &load.bytes, true);
        }
        (run.input, run.other) = early.unwrap_or_else(|| self.input_box(job, &run, boxes));
        let plan = run.plan(job.problem, job.occupancy, &job.choice.tiling, self.geometry)?;
        let cycles = run_cycles(Arc::new(plan)).unwrap_or(2 * LONGEST_RUN);
        let limit = (cycles / isa::register::LIMIT_UNIT + 2) as usize;
        let resources = Resources { weights, params, limit };
        let registers =
            run.registers(job.problem, &job.choice.tiling, &resources, self.geometry)?;
        let words = run.output.base..run.output.base + run.output.size();
        self.builder.run(registers, run.operand(), &words);
        Ok(())
    }

    /// Loads the lists of a run as far as they overwrite nothing in use; returns where they begin, and the
    /// loads that have to wait for the end of the run before.
    fn load_weights(
        &mut self,
        job: &LayerJob<'_>,
        part: &Part<'_>,
        run: &Run,
    ) -> (Vec<usize>, Vec<Late>) {
        let slice = job.choice.tiling.slice;
        let key = (job.number, part.pass, part.chunk);
        if let Some(start) = self.weights.find(key) {
            return (start, Vec::new());
        }
        let lists = pack(job.problem, &run.channels, &run.taps, slice, self.geometry);
        let size = self.geometry.entry_slot / 8;
        let lengths: Vec<usize> = lists.iter().map(|list| list.len() / size).collect();
        let slot = self.weights.place(key, &lengths, false);
        let mut late = Vec::new();
        for (column, list) in lists.iter().enumerate() {
            let (start, free) = (slot.start[column], slot.free[column]);
            let wrap = (self.geometry.weight_entries - start).min(lengths[column]);
            for (range, wait) in [(0..free, false), (free..lengths[column], true)] {
                let (low, high) = (range.start.max(wrap), range.end.min(wrap));
                for (part, address) in
                    [(range.start..high, start + range.start), (low..range.end, low - wrap)]
                {
                    if part.is_empty() {
                        continue;
                    }
                    let bytes = &list[part.start * size..part.end * size];
                    if wait {
                        late.push(Late { column, address, bytes: bytes.to_vec() });
                    } else {
                        self.builder.load_weights(column, address, bytes, false);
                    }
                }
            }
        }
        (slot.start, late)
    }

    fn load_params(&mut self, job: &LayerJob<'_>, pass: usize) -> usize {
        let channels = job.choice.passes[pass].clone();
        let key = (job.number, pass, 0);
        if let Some(start) = self.params.find(key) {
            return start[0];
        }
        let slot = self.params.place(key, &[channels.len()], true);
        {
            let mut bytes = Vec::with_capacity(channels.len() * 8);
            for channel in channels {
                // A channel that only pads its word comes out as 0.
                let word = job
                    .problem
                    .requant
                    .get(channel)
                    .map_or(pack_param(0, 0, 1), |r| pack_param(r.bias, r.multiplier, r.shift));
                bytes.extend_from_slice(&word.to_le_bytes());
            }
            let wait = slot.free[0] < bytes.len() / 8;
            self.builder.load_params(slot.start[0], &bytes, wait);
        }
        slot.start[0]
    }

    /// Makes sure that the buffer holds the input of a run; also returns the distance to the second tensor.
    fn input_box(&mut self, job: &LayerJob<'_>, run: &Run, boxes: &mut Boxes) -> (Placement, i64) {
        let b = self.geometry.word_channels;
        let axes = &job.problem.axes;
        let all = 0..job.problem.inputs.div_ceil(b);
        let layout = match job.input {
            Home::Buffer(base) => {
                let pixels = axes.map(|axis| 0..axis.input);
                let other = match job.other {
                    Some(Home::Buffer(other)) => *other as i64 - *base as i64,
                    _ => 0,
                };
                return (Placement { base: *base, pixels, words: all }, other);
            }
            Home::Dram(layout) => layout,
        };
        let fine = job.split.fine;
        let by_run = fine && (job.choice.sliced || job.problem.per_channel());
        let words = if by_run { run.taps[0].clone() } else { all };
        let pixels = std::array::from_fn(|i| {
            let taps = if fine { run.taps[i + 1].clone() } else { 0..axes[i].kernel };
            axes[i].footprint(&run.outputs[i], &taps)
        });
        if let Some((loaded, other)) = &boxes.loaded
            && loaded.pixels == pixels
            && loaded.words == words
        {
            return (loaded.clone(), *other);
        }
        let slot = boxes.inputs % job.split.slots;
        boxes.inputs += 1;
        let base = job.boxes + slot * job.split.input + lead(self.geometry);
        let place = Placement { base, pixels, words };
        // With boxes in turn the run before the latest has ended, and its box is free.
        let wait = job.split.slots == 1 || boxes.inputs == 1;
        self.load(layout, &place, wait);
        let mut other = 0;
        if let Some(Home::Dram(layout)) = job.other {
            other = place.size() + lead(self.geometry);
            self.load(layout, &Placement { base: base + other, ..place.clone() }, wait);
        }
        boxes.loaded = Some((place.clone(), other as i64));
        (place, other as i64)
    }

    /// Loads a box, last segment first: a segment may begin with words of the beat before it, which then
    /// overwrite the end of the segment before it.
    pub(super) fn load(&mut self, layout: &Layout, place: &Placement, wait: bool) {
        let slot = self.geometry.word_slot / 8;
        let beat = self.geometry.stream_bits / 8;
        for segment in layout.segments(place).into_iter().rev() {
            let at = layout.pieces[segment.piece].address + segment.index * slot;
            let early = at % beat / slot;
            let address = place.base + segment.word - early;
            self.builder.load_words(address, segment.count + early, at - early * slot, wait);
        }
    }
}
