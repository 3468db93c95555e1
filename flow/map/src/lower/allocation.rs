//! Allocations for tensors that are not resident: their places in the buffer and their transfers.

use std::ops::Range;

use super::buffer_mapping::lead;
use super::layer::{Allocations, Emitter, LayerJob, TensorPlace};
use crate::lower::kernel::{Kernel, Placement};
use crate::lower::placement::Layout;

impl Emitter<'_> {
    /// Allocates a part of the output.
    pub(crate) fn output_box(
        &self,
        job: &LayerJob<'_>,
        outputs: &[Range<usize>; 2],
        words: Range<usize>,
        allocations: &mut Allocations,
    ) -> Placement {
        if let TensorPlace::Buffer(base) = *job.output {
            let pixels = job.workload.axes.map(|axis| 0..axis.output);
            let words = 0..job.workload.outputs.div_ceil(self.geometry.word_channels);
            return Placement { base, pixels, words };
        }
        let slot = allocations.outputs % job.buffer_mapping.slots;
        allocations.outputs += 1;
        let base = job.allocations
            + job.buffer_mapping.slots * job.buffer_mapping.input
            + slot * job.buffer_mapping.output;
        Placement { base, pixels: outputs.clone(), words }
    }

    /// Loads the input of a kernel unless the buffer holds it; also returns the distance to the second tensor.
    pub(crate) fn input_box(
        &mut self,
        job: &LayerJob<'_>,
        run: &Kernel,
        allocations: &mut Allocations,
    ) -> (Placement, i64) {
        let b = self.geometry.word_channels;
        let axes = &job.workload.axes;
        let all = 0..job.workload.inputs.div_ceil(b);
        let layout = match job.input {
            TensorPlace::Buffer(base) => {
                let pixels = axes.map(|axis| 0..axis.input);
                let other = match job.other {
                    Some(TensorPlace::Buffer(other)) => *other as i64 - *base as i64,
                    _ => 0,
                };
                return (Placement { base: *base, pixels, words: all }, other);
            }
            TensorPlace::Dram(layout) => layout,
        };
        let fine = job.buffer_mapping.fine;
        let by_run = fine && (job.mapping.sliced || job.workload.per_channel());
        let words = if by_run { run.taps[0].clone() } else { all };
        let pixels = std::array::from_fn(|i| {
            let taps = if fine { run.taps[i + 1].clone() } else { 0..axes[i].kernel };
            axes[i].footprint(&run.outputs[i], &taps)
        });
        if let Some((loaded, other)) = &allocations.loaded
            && loaded.pixels == pixels
            && loaded.words == words
        {
            return (loaded.clone(), *other);
        }
        let slot = allocations.inputs % job.buffer_mapping.slots;
        allocations.inputs += 1;
        let base = job.allocations + slot * job.buffer_mapping.input + lead(self.geometry);
        let place = Placement { base, pixels, words };
        // With two alternating allocations the kernel before the latest has ended, and its allocation is free.
        let wait = job.buffer_mapping.slots == 1 || allocations.inputs == 1;
        self.load(layout, &place, wait);
        let mut other = 0;
        if let Some(TensorPlace::Dram(layout)) = job.other {
            other = place.size() + lead(self.geometry);
            self.load(layout, &Placement { base: base + other, ..place.clone() }, wait);
        }
        allocations.loaded = Some((place.clone(), other as i64));
        (place, other as i64)
    }

    /// Loads an allocation, last segment first: a segment may begin with words of the beat before it, which then
    /// overwrite the end of the segment before it.
    pub(crate) fn load(&mut self, layout: &Layout, place: &Placement, wait: bool) {
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
