//! Toggles of the PE array: scratchpads, and the operand and accumulate stages for every entry.

use pecan_config::geometry::Geometry;

use super::bits::{distance, mask16, mask64, selects};
use super::pe::{Accumulate, Operands, SharedActivation, Signed, Widths};
use super::toggle::{Toggle, Toggles};
use crate::memories::Entry;

/// A list of entries that a column processes: one group in one reduction tile of a tile.
pub(crate) struct List<'a> {
    /// The column.
    pub(crate) column: usize,
    /// Half of the scratchpad.
    pub(crate) half: usize,
    /// Word of the psum file.
    pub(crate) psum_word: usize,
    /// Rows with a pixel.
    pub(crate) valid: &'a [bool],
    /// Each lane reads its own channel.
    pub(crate) per_channel: bool,
    /// Maximum in place of multiply-add.
    pub(crate) maximum: bool,
    /// The first entry starts from zero (or the smallest activation).
    pub(crate) from_zero: bool,
    /// The first entry starts from the psum word.
    pub(crate) from_psum: bool,
    /// The sums of the last entry are written to the psum word.
    pub(crate) to_psum: bool,
    /// The column has waited for the reduction tile: the first entry does not directly follow the one before.
    pub(crate) waits: bool,
}

/// Contents of the PEs of one column and values on their buses.
#[derive(Clone, Debug)]
struct Column {
    /// Word at the scratchpads' read port: `[row][channel]`, and the channel group selected of it.
    word: Vec<i16>,
    /// Address of that word in the scratchpads, by row.
    from: Vec<usize>,
    high: usize,
    half: usize,
    /// Latest entry and its position.
    entry: Entry,
    position: usize,
    operands: Operands,
    accumulate: Accumulate,
}

/// State of the array.
#[derive(Clone, Debug)]
pub(super) struct ArrayToggles {
    geometry: Geometry,
    /// Scratchpads of the rows, `[half][word][row][channel]`.
    scratch: Vec<i16>,
    /// Rows with a pixel, `[half][row]`.
    valid: [Vec<bool>; 2],
    columns: Vec<Column>,
    per_channel: bool,
    activation_mask: u16,
    weight_mask: u16,
}

impl ArrayToggles {
    pub(super) fn new(geometry: &Geometry) -> Self {
        let (rows, lanes) = (geometry.rows, geometry.lanes);
        let widths = Widths {
            lanes,
            activation: mask16(geometry.activation_bits),
            product: mask64(geometry.activation_bits + geometry.weight_bits) as u32,
            low: geometry.activation_bits + geometry.weight_bits,
            accumulator: geometry.accumulator_bits,
            smallest: i64::from(geometry.activation_min()),
        };
        let word = rows * geometry.word_channels;
        let column = Column {
            word: vec![0; word],
            from: (0..rows).map(|row| row * geometry.word_channels).collect(),
            high: 0,
            half: 0,
            entry: Entry::ZERO,
            position: 0,
            operands: Operands::new(rows, widths),
            accumulate: Accumulate::new(rows, 2 * geometry.psum_bank, widths),
        };
        Self {
            scratch: vec![0; 2 * geometry.scratch_words * word],
            valid: [vec![false; rows], vec![false; rows]],
            columns: vec![column; geometry.cols],
            per_channel: false,
            activation_mask: widths.activation,
            weight_mask: mask16(geometry.weight_bits),
            geometry: geometry.clone(),
        }
    }

    /// Sets the mode at the start of a kernel: it decides which operand a lane multiplies.
    pub(super) fn mode(&mut self, per_channel: bool, toggles: &mut Toggles) {
        if std::mem::replace(&mut self.per_channel, per_channel) == per_channel {
            return;
        }
        for column in &mut self.columns {
            column.operands.switch(per_channel, toggles);
        }
    }

    /// Writes a word into the scratchpad of a row.
    pub(super) fn store(&mut self, at: [usize; 3], values: &[i16], toggles: &mut Toggles) {
        let [half, word, row] = at;
        let (b, g) = (self.geometry.word_channels, &self.geometry);
        let start = ((half * g.scratch_words + word) * g.rows + row) * b;
        let held = &mut self.scratch[start..][..b];
        toggles[Toggle::ScratchWrite] += distance(held, values, self.activation_mask);
        if g.zero_gating {
            let flags = held.iter().zip(values).filter(|(a, b)| (**a == 0) != (**b == 0));
            toggles[Toggle::ZeroFlags] += flags.count() as u64;
        }
        held.copy_from_slice(values);
        for column in self.columns.iter_mut().filter(|column| column.from[row] == start) {
            column.show(row, column.high, values, &self.geometry, toggles);
        }
    }

    /// Processes a list.
    pub(super) fn list<'e>(
        &mut self,
        list: &List<'_>,
        entries: impl Iterator<Item = (usize, &'e Entry)>,
        toggles: &mut Toggles,
    ) {
        self.valid[list.half].copy_from_slice(list.valid);
        let column = &mut self.columns[list.column];
        if list.waits {
            toggles[Toggle::ColumnWaits] += 1;
            column.accumulate.settle(toggles);
        }
        let positions = self.geometry.scratch_words * self.geometry.word_channels;
        let (weight_mask, channel_mask) = (self.weight_mask, self.geometry.word_channels - 1);
        let mut entries = entries.peekable();
        let mut first = true;
        while let Some((position, entry)) = entries.next() {
            let last = entries.peek().is_none();
            if first && list.from_psum || last && list.to_psum {
                column.accumulate.address(list.psum_word, toggles);
            } else {
                column.accumulate.settle(toggles);
            }
            let position = position & (positions - 1);
            toggles[Toggle::Entry] +=
                column.broadcast(position, entry, weight_mask, channel_mask, toggles);
            let (half, valid) = (list.half, list.valid);
            column.address(half, position, valid, &self.scratch, &self.geometry, toggles);
            let before = [toggles[Toggle::Sum], toggles[Toggle::MultiplyCross]];
            column.entry(list, first, &self.geometry, toggles);
            if last && list.to_psum {
                toggles[Toggle::PsumWriteSum] += toggles[Toggle::Sum] - before[0];
                toggles[Toggle::PsumWriteCross] += toggles[Toggle::MultiplyCross] - before[1];
            }
            first = false;
        }
        if list.to_psum {
            column.accumulate.write(list.valid, toggles);
        }
    }

    /// Sets a column's read ports to a position of a half.
    pub(super) fn peek(
        &mut self,
        column: usize,
        half: usize,
        position: usize,
        toggles: &mut Toggles,
    ) {
        let position = position & (self.geometry.scratch_words * self.geometry.word_channels - 1);
        let valid = &self.valid[half];
        let column = &mut self.columns[column];
        column.address(half, position, valid, &self.scratch, &self.geometry, toggles);
    }

    /// Start of a kernel: the columns count reduction tiles from 0.
    pub(super) fn start(&mut self, toggles: &mut Toggles) {
        for column in 0..self.columns.len() {
            self.peek(column, 0, self.columns[column].position, toggles);
        }
    }

    /// End of a kernel: the columns in use address the half of the reduction tile that would follow.
    pub(super) fn finish(&mut self, active: impl Iterator<Item = bool>, toggles: &mut Toggles) {
        for (column, active) in (0..self.columns.len()).zip(active) {
            let Column { half, position, .. } = self.columns[column];
            if active {
                self.peek(column, 1 - half, position, toggles);
            }
            self.columns[column].accumulate.settle(toggles);
        }
    }

    /// A row's drain reads the psum words of all columns.
    pub(super) fn drain(
        &self,
        row: usize,
        words: impl Iterator<Item = usize> + Clone,
        toggles: &mut Toggles,
    ) {
        let path = std::iter::once(0).chain(words.clone());
        let steps = path.zip(words.clone().chain(std::iter::once(0)));
        let moved: u64 = steps.map(|(a, b)| selects(self.geometry.psum_bank, a, b)).sum();
        toggles[Toggle::DrainSelects] += moved * self.columns.len() as u64;
        for column in &self.columns {
            toggles[Toggle::DrainReadBus] += column.accumulate.drain(row, words.clone());
        }
    }
}

/// Bits of the entry's fields besides the weights that change.
pub(super) fn fields(a: &Entry, b: &Entry) -> u64 {
    u64::from((a.index ^ b.index).count_ones()) + u64::from(a.last != b.last)
}

impl Column {
    /// The weight buffer outputs the entry; returns the bits of the entry that change. The masks are those of the bits
    /// of a weight, and of the bits of a position that select a channel.
    fn broadcast(
        &mut self,
        position: usize,
        entry: &Entry,
        weight_mask: u16,
        channel_mask: usize,
        toggles: &mut Toggles,
    ) -> u64 {
        let changed = self.position ^ position;
        toggles[Toggle::EntryIndex] += u64::from(changed.count_ones());
        toggles[Toggle::ChannelSelect] += u64::from((changed & channel_mask).count_ones());
        let bits =
            distance(&self.entry.weights, &entry.weights, weight_mask) + fields(&self.entry, entry);
        (self.position, self.entry) = (position, *entry);
        bits
    }

    /// Sets the column's read ports of the scratchpads to the position; rows without a pixel read word 0.
    fn address(
        &mut self,
        half: usize,
        position: usize,
        valid: &[bool],
        scratch: &[i16],
        geometry: &Geometry,
        toggles: &mut Toggles,
    ) {
        let (b, lanes) = (geometry.word_channels, geometry.lanes);
        let size = geometry.rows * b;
        let start = (half * geometry.scratch_words + position / b) * size;
        let high = position % b / lanes * lanes;
        let port = |from: usize| {
            let word = from / size;
            2 * (word % geometry.scratch_words) + word / geometry.scratch_words
        };
        for (row, valid) in valid.iter().enumerate() {
            let from = if *valid { start } else { 0 } + row * b;
            let before = std::mem::replace(&mut self.from[row], from);
            if before != from {
                let (before, now) = (port(before), port(from));
                toggles[Toggle::ScratchAddress] += u64::from((before ^ now).count_ones());
                toggles[Toggle::ScratchSelects] += selects(geometry.scratch_words, before, now);
            }
            self.show(row, high, &scratch[from..][..b], geometry, toggles);
        }
        (self.high, self.half) = (high, half);
    }

    /// Outputs a word at the read port of a row, and its channels from `high` on to the lanes.
    fn show(
        &mut self,
        row: usize,
        high: usize,
        now: &[i16],
        geometry: &Geometry,
        toggles: &mut Toggles,
    ) {
        let (b, lanes, mask) =
            (geometry.word_channels, geometry.lanes, self.operands.widths.activation);
        let shown = &mut self.word[row * b..][..b];
        toggles[Toggle::ScratchReadBus] += distance(shown, now, mask);
        toggles[Toggle::ScratchSelect] +=
            distance(&shown[self.high..][..lanes], &now[high..][..lanes], mask);
        shown.copy_from_slice(now);
    }

    /// All rows process the entry.
    fn entry(&mut self, list: &List<'_>, first: bool, geometry: &Geometry, toggles: &mut Toggles) {
        let (b, lanes) = (geometry.word_channels, geometry.lanes);
        let weights = &self.entry.weights[..lanes];
        let signed = Signed::of(weights);
        let useful = self.entry.nonzero || !geometry.zero_gating;
        let all = list.maximum || !geometry.zero_gating;
        let matters = (0..lanes).fold(0, |m, l| m | u32::from(all || weights[l] != 0) << l);
        let start = match (first && list.from_zero, first && list.from_psum, list.maximum) {
            (true, _, true) => super::pe::Start::Smallest,
            (true, _, false) => super::pe::Start::Zero,
            (false, true, _) => super::pe::Start::Psum,
            _ => super::pe::Start::Accumulator,
        };
        for row in 0..geometry.rows {
            if !list.valid[row] {
                self.accumulate.idle(row, start, &self.operands, toggles);
                continue;
            }
            let channels = &self.word[row * b + self.high..][..lanes];
            let multiply = if !useful {
                0
            } else if list.per_channel {
                self.operands.own(row, channels, &signed, all, toggles)
            } else {
                let low = self.position % lanes;
                let shared = SharedActivation { bank: low, value: channels[low] };
                self.operands.shared(row, shared, &signed, all, toggles)
            };
            let multiply = multiply & matters;
            self.accumulate.step(row, start, multiply, list.maximum, &self.operands, toggles);
        }
    }
}
