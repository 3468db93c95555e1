//! Activity: toggled bits at the main consumers of energy, in the order in which the hardware works.
//! [`Toggle`] defines each number.
//!
//! The observers keep their own copy of the registers and memories that they observe. So the emulator computes the same
//! results with and without them, and is as fast without them.

mod array;
mod bits;
mod drain;
mod patch;
mod pe;
mod pointers;
#[cfg(test)]
mod tests;
mod toggle;

use pecan_config::geometry::Geometry;

use super::memories::Entry;
use super::shape::KernelShape;
use array::ArrayToggles;
use bits::{Bus, Port, distance, mask16};
use drain::DrainToggles;
use patch::Patch;
use pointers::Pointers;

pub(super) use array::List;
pub(super) use drain::Requantized;
pub(super) use patch::Level;
pub use toggle::{TOGGLES, Toggle, Toggles};

/// Observers of a device.
#[derive(Clone, Debug)]
pub(super) struct Observer {
    /// Observer of the streams.
    pub(super) streams: Streams,
    /// Observer of everything behind the decoder.
    pub(super) device: DeviceObserver,
}

impl Observer {
    pub(super) fn new(geometry: &Geometry) -> Self {
        Self { streams: Streams::default(), device: DeviceObserver::new(geometry) }
    }
}

/// Observer of the two streams.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams {
    input: Port,
    output: Port,
    toggles: Toggles,
}

impl Streams {
    /// A beat on the input stream.
    pub(super) fn taken(&mut self, beat: &[u8]) {
        self.toggles[Toggle::BeatsIn] += self.input.show(beat);
    }

    /// A beat on the output stream.
    pub(super) fn given(&mut self, beat: &[u8]) {
        self.toggles[Toggle::BeatsOut] += self.output.show(beat);
    }

    /// Resets the counts to 0.
    pub(super) fn restart(&mut self) {
        self.toggles = Toggles::default();
    }

    /// Counts since the last restart.
    pub(super) fn toggles(&self) -> Toggles {
        self.toggles
    }
}

/// Observer of the memories, the array and the drain.
#[derive(Clone, Debug)]
pub(super) struct DeviceObserver {
    toggles: Toggles,
    array: ArrayToggles,
    drain: DrainToggles,
    patch: Patch,
    pointers: Pointers,
    read: Bus,
    written: Bus,
    entry: Entry,
    weight_mask: u16,
}

impl DeviceObserver {
    fn new(geometry: &Geometry) -> Self {
        let bus = Bus::new(geometry.word_channels, geometry.activation_bits);
        Self {
            toggles: Toggles::default(),
            array: ArrayToggles::new(geometry),
            drain: DrainToggles::new(geometry),
            patch: Patch::new(geometry),
            pointers: Pointers::new(geometry),
            read: bus.clone(),
            written: bus,
            entry: Entry::ZERO,
            weight_mask: mask16(geometry.weight_bits),
        }
    }

    /// Resets the counts to 0 and keeps the state of the hardware.
    pub(super) fn restart(&mut self) {
        self.toggles = Toggles::default();
    }

    /// Counts since the last restart.
    pub(super) fn toggles(&self) -> Toggles {
        self.toggles
    }

    /// Start of a kernel.
    pub(super) fn run(&mut self, shape: &KernelShape) {
        self.array.mode(shape.per_channel, &mut self.toggles);
        self.array.start(&mut self.toggles);
        self.patch.start();
        for (index, column) in shape.columns.iter().enumerate() {
            let mut bits = self.pointers.jump(index, column.base);
            if column.groups > 0 {
                bits += self.pointers.jump(index, column.base + 1);
            }
            self.toggles[Toggle::WeightAddress] += bits;
        }
    }

    /// End of a kernel.
    pub(super) fn finish(&mut self, shape: &KernelShape) {
        let active = shape.columns.iter().map(|column| column.groups > 0);
        self.array.finish(active, &mut self.toggles);
    }

    /// A waiting column reads a position of a half.
    pub(super) fn peek(&mut self, column: usize, half: usize, position: usize) {
        self.array.peek(column, half, position, &mut self.toggles);
    }

    /// A pause of the loader before its next word, which is `padding` or, without it, a word that will be read.
    pub(super) fn pause(&mut self, padding: Option<&[i16; 16]>) {
        let shown =
            padding.map_or(self.read.shown(), |padding| &padding[..self.read.shown().len()]);
        self.toggles[Toggle::PatchBus] += self.patch.deliver(shown);
        self.toggles[Toggle::PatchPauses] += 1;
    }

    /// Moves the loader's address.
    pub(super) fn point(&mut self, address: usize) {
        let [moved, addends] = self.patch.point(address);
        self.toggles[Toggle::PatchAddress] += moved;
        self.toggles[Toggle::PatchAddends] += addends;
    }

    /// Moves the loader to coordinates (y, x) in the input and a place in the region.
    pub(super) fn place(&mut self, coordinates: [i64; 2], lattice: [i64; 2]) {
        let [coordinates, lattice] = self.patch.place(coordinates, lattice);
        self.toggles[Toggle::PatchCoordinates] += coordinates;
        self.toggles[Toggle::PatchLattice] += lattice;
    }

    /// The loader's next step, with the loops that are at their last iteration, the innermost in bit 0.
    pub(super) fn wrap(&mut self, last: u32) {
        let [flags, hazards] = self.patch.wrap(last);
        self.toggles[Toggle::PatchWraps] += flags;
        self.toggles[Toggle::PatchTurns] += u64::from(flags > 0);
        self.toggles[Toggle::PatchHazards] += hazards;
    }

    /// A column fetches so many entries of its lists; `base` is the first entry of its lists, if the tile ends with
    /// these.
    pub(super) fn fetch(&mut self, column: usize, entries: usize, base: Option<usize>) {
        let bits = match base {
            None => self.pointers.advance(column, entries),
            // After the last entry, the first one is fetched.
            Some(base) => {
                self.pointers.advance(column, entries.saturating_sub(1))
                    + self.pointers.jump(column, base + 1)
            }
        };
        self.toggles[Toggle::WeightAddress] += bits;
    }

    /// The loader begins the next iteration of one of its loops.
    pub(super) fn step(&mut self, level: Level) {
        self.toggles[level.toggle()] += 1;
    }

    /// The loader delivers a word, read from the buffer or of padding.
    pub(super) fn deliver(&mut self, values: &[i16], read: bool) {
        self.toggles[Toggle::PatchBus] += self.patch.deliver(values);
        self.toggles[Toggle::PatchWords] += 1;
        if read {
            self.read(values);
        }
    }

    /// A word is read from the global buffer.
    pub(super) fn read(&mut self, values: &[i16]) {
        self.toggles[Toggle::BufferRead] += self.read.show(values);
    }

    /// A word is written to the global buffer.
    pub(super) fn write(&mut self, values: &[i16]) {
        self.toggles[Toggle::BufferWrite] += self.written.show(values);
    }

    /// An entry is written to a weight buffer.
    pub(super) fn load_entry(&mut self, entry: &Entry) {
        let fields = array::fields(&self.entry, entry);
        let weights = distance(&self.entry.weights, &entry.weights, self.weight_mask);
        self.toggles[Toggle::WeightWrite] += fields + weights;
        self.entry = *entry;
    }

    /// A row stores the delivered word at `[half, word, row]` of the scratchpads.
    pub(super) fn store(&mut self, at: [usize; 3], values: &[i16]) {
        self.toggles[Toggle::PatchTaken] += self.patch.take(at[2]);
        self.array.store(at, values, &mut self.toggles);
    }

    /// A column processes a list of (position, entry).
    pub(super) fn list<'e>(
        &mut self,
        list: &List<'_>,
        entries: impl Iterator<Item = (usize, &'e Entry)>,
    ) {
        self.array.list(list, entries, &mut self.toggles);
    }

    /// The drain reads these psum words of a row.
    pub(super) fn visit(&mut self, row: usize, words: impl Iterator<Item = usize> + Clone) {
        self.array.drain(row, words, &mut self.toggles);
    }

    /// The drain lane of channel `k` requantizes a sum.
    pub(super) fn requantize(&mut self, k: usize, step: Requantized) {
        self.drain.step(k, step, &mut self.toggles);
    }
}
