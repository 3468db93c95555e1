//! Definition of the toggle counts, shared by the emulator, the energy model and the results.

use pecan_config::ResultKey;
use pecan_config::isa::counter::Counter;

/// Declares the toggles: variant, key in results, counter that they scale with, definition.
macro_rules! toggles {
    ($($variant:ident $key:literal $per:ident $doc:literal,)*) => {
        /// Bits that change (Hamming distances, HD) at one place of the hardware, summed over the array. All state
        /// is 0 at power-up and persists over runs, layers and programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Toggle { $(#[doc = $doc] $variant,)* }

        impl Toggle {
            /// All toggles in the order of their index.
            pub const ALL: &'static [Toggle] = &[$(Toggle::$variant,)*];

            /// Key in results and technology files.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self { $(Toggle::$variant => $key,)* }
            }

            /// The counter that it grows with, whatever the values.
            #[must_use]
            pub fn per(self) -> Counter {
                match self { $(Toggle::$variant => Counter::$per,)* }
            }

            /// Definition, for the documentation.
            #[must_use]
            pub fn doc(self) -> &'static str {
                match self { $(Toggle::$variant => $doc,)* }
            }
        }
    };
}

toggles! {
    WeightOperand "weight_operand" ActiveLanes
        "HD of a PE's operand weight registers (magnitude and sign), all lanes, at every entry for which the PE reads an activation.",
    ActivationOperand "activation_operand" ScratchReads
        "HD of the scratchpad read registers, each when its lane bank is read.",
    Product "product" ActiveLanes
        "HD between the settled products of a lane, activation times magnitude of the weight, of activation plus weight bits.",
    Addend "addend" ActiveLanes
        "HD between the settled addends of a lane: the product, or its complement where the weight is negative.",
    MultiplyCross "multiply_cross" ActiveLanes
        "Per lane and update of the operands: HD(activation operand) x ones of the new magnitude + HD(magnitude) x ones of the new activation operand, the partial-product bits of an array multiplier that change.",
    MultiplyShared "multiply_shared" ActiveLanes
        "The part of `multiply_cross` where lanes share an activation, which reaches them through the multiplexer of the banks.",
    MultiplyHazard "multiply_hazard" ActiveLanes
        "Where lanes share an activation that comes from another bank than the one before: bits of the products that are 1 before and after. They may glitch while the multiplexer of the banks switches.",
    MultiplyLanes "multiply_lanes" ActiveLanes
        "Lanes that add a product or compare: those that multiply, without the lanes whose weight is 0 (with zero gating).",
    AccumulatorTakes "accumulator_takes" ActiveLanes
        "Low parts of accumulators (one per lane) that take a sum, changed or not: at a product, and at the first entry of a list that starts from zero or from a psum word.",
    AccumulatorMoves "accumulator_moves" ActiveLanes
        "High parts of accumulators that take a sum: at a start as for the low parts, at a product that carries or borrows, at a comparison.",
    Accumulator "accumulator" ActiveLanes
        "HD of the accumulator registers, both parts.",
    Total "total" ActiveLanes
        "HD between the settled outputs of the adders of the low parts (two bits wider) at successive entries of the column, whether their lane takes part or not; rows without a pixel too.",
    Sum "sum" ActiveLanes
        "HD between the settled sums of a lane (the start value where it does not take part) at successive entries of the column, in rows without a pixel too (their start value follows the column).",
    SumCarry "sum_carry" ActiveLanes
        "Per lane that multiplies: bits up to the highest one that the addition (or comparison) changes, the reach of its carry.",
    PsumWrite "psum_write" PsumWrites
        "HD between the old and the new psum word at every write.",
    PsumWriteOnes "psum_write_ones" PsumWrites
        "Ones of the psum words written; the write data rise from 0 and fall back.",
    PsumWriteSum "psum_write_sum" PsumWrites
        "The part of `sum` at entries whose sums are written: the write data follow the adders in that cycle.",
    PsumWriteCross "psum_write_cross" PsumWrites
        "The part of `multiply_cross` at entries whose sums are written: glitches of the multipliers reach the write data in that cycle.",
    PsumReadBus "psum_read_bus" PsumWrites
        "HD of the accumulate-side read port of the psum files (all rows): another word is addressed, or the addressed one is written at the end of a list and shows, unless the next list addresses another word in the cycle in which the sums get there.",
    PsumAddress "psum_address" PsumWrites
        "HD of the psum word address (group x 2 + tile parity) of a column, which moves when the word is read or written, times the rows that it is sent to.",
    DrainReadBus "drain_read_bus" DrainSteps
        "HD of the drain-side read port of the psum files: from word 0 to the words of the row's drain steps and back, and when word 0 is written. Counts a drain before the runs of the next tile.",
    ScratchWrite "scratch_write" ScratchWrites
        "HD between the old and the new scratchpad word at every write, once per row.",
    ZeroFlags "zero_flags" ScratchWrites
        "HD between the old and the new zero flags at every write, once per row; 0 without zero gating.",
    PatchBus "patch_bus" BufferReads
        "HD between successive words that the loader delivers, padding included, and what it shows while it pauses; once, not per row.",
    PatchWords "patch_words" BufferReads
        "Words that the loader delivers, padding included: its steps.",
    PatchPixels "patch_pixels" BufferReads
        "Pixels whose words the loader delivers, padding included: steps of its loop over columns of a region, which move coordinates that every row compares.",
    PatchLines "patch_lines" BufferReads
        "Lines of pixels that the loader delivers, padding included: steps of its loop over rows of a region.",
    PatchSlices "patch_slices" BufferReads
        "Slices that the loader delivers: steps of its loop over parts of the kernel and of the channels.",
    PatchTiles "patch_tiles" BufferReads
        "Tiles that the loader delivers: steps of its loops over the output, after which it begins the kernel and the channels anew.",
    PatchPauses "patch_pauses" BufferReads
        "Times at which the loader stops: it waits for a half of the scratchpads, or the run is over.",
    ColumnWaits "column_waits" WeightReads
        "Times at which a column stops before the first entry of a slice, because the loader is not done with it.",
    PatchWraps "patch_wraps" BufferReads
        "HD between successive sets of the loops that end with a step of the loader: words of a pixel, pixels, lines, the three loops over parts of the kernel and of the channels, and the two over tiles. A loop of one iteration always ends.",
    PatchTurns "patch_turns" BufferReads
        "Steps of the loader that end other loops than the step before: what selects its next address and coordinates turns, and their adders get other operands.",
    PatchHazards "patch_hazards" BufferReads
        "Loops of the loader that end neither with a step nor with the one before, but would with what is last in either: their flags may glitch while the counters move.",
    PatchAddends "patch_addends" BufferReads
        "HD between successive operands of the loader's address adder: the address at which the loop that goes on began, and the increment of that loop.",
    PatchAddress "patch_address" BufferReads
        "HD between successive addresses of the loader, which moves through the padding too.",
    PatchCoordinates "patch_coordinates" BufferReads
        "HD between successive coordinates of the loader in the input, y and x of 18 bits, which are negative above and left of it.",
    PatchLattice "patch_lattice" BufferReads
        "HD between successive places of the loader in a region, its row and column, which every row of the array compares with its own.",
    WeightAddress "weight_address" WeightReads
        "HD between successive addresses of the weight buffers' read ports, which go back to the begin of the lists at the end of a tile; once per column.",
    PatchTaken "patch_taken" ScratchWrites
        "HD of the patch data of each row, which are 0 unless the row takes a word: they rise and fall with each word, or go over to the next if the row takes that in the next cycle.",
    ScratchReadBus "scratch_read_bus" PeSteps
        "HD of the scratchpads' read ports (whole words): successive entries of a column address other words, also while it waits, and the word that is shown is written; all rows, of which those without a pixel show word 0.",
    ScratchSelect "scratch_select" PeSteps
        "HD of the channels that reach the read registers (one per lane), whether they are taken or not; when and where as for the read ports.",
    ScratchAddress "scratch_address" PeSteps
        "HD of the word addresses at the scratchpads' read ports, the half included; all rows.",
    ScratchSelects "scratch_selects" PeSteps
        "Multiplexers of the scratchpads' read ports, per bit of a word, whose select moves with the word address; all rows.",
    ChannelSelect "channel_select" WeightReads
        "HD between the channels within the word that successive entries take; once per column.",
    PsumSelects "psum_selects" PsumWrites
        "Multiplexers of the psum files' accumulate-side read ports, per bit of a word, whose select moves; all rows.",
    DrainSelects "drain_selects" DrainSteps
        "Multiplexers of the psum files' drain-side read ports, per bit of a word, whose select moves; all columns.",
    Entry "entry" WeightReads
        "HD between successive entries read from a weight buffer: weights, stored index and last flag; once per column.",
    EntryIndex "entry_index" WeightReads
        "HD between the positions (scratchpad word and channel) of successive entries, stored or counted; once per column.",
    DrainSum "drain_sum" DrainSteps
        "HD between successive partial sums that enter a drain lane.",
    DrainBiased "drain_biased" DrainSteps
        "HD of the registers before the drain lanes' multipliers: sum + bias.",
    DrainCross "drain_cross" DrainSteps
        "Per drain step: HD(sum + bias) x ones of the new multiplier + HD(multiplier) x ones of the new sum + bias, the partial-product bits of the requantization that change.",
    DrainMultiplies "drain_multiplies" DrainSteps
        "Sums that a drain lane multiplies: all but those of which the clamp alone decides the value.",
    DrainScaled "drain_scaled" DrainSteps
        "HD of the registers behind the drain lanes' multipliers: (sum + bias) x multiplier.",
    DrainOut "drain_out" DrainSteps
        "HD between successive requantized activations of a drain lane.",
    Param "param" DrainSteps
        "HD between successive words (bias, multiplier, shift) read from the parameter memory of a drain lane.",
    BufferRead "buffer_read" BufferReads
        "HD between successive words read from the global buffer; exact where no store runs beside a loader, else loader and store count in the order of their commands.",
    BufferWrite "buffer_write" BufferWrites
        "HD between successive words written to the global buffer, in the order of the commands.",
    WeightWrite "weight_write" WeightWrites
        "HD between successive entries written to weight buffers, of whatever column.",
    BeatsIn "beats_in_hd" BeatsIn
        "HD between successive beats taken from the input stream.",
    BeatsOut "beats_out_hd" BeatsOut
        "HD between successive beats given to the output stream.",
}

/// Number of toggles.
pub const TOGGLES: usize = Toggle::ALL.len();

impl ResultKey for Toggle {
    const ALL: &'static [Self] = Toggle::ALL;
    const OBJECT: &'static str = "Toggles";
    const UNIT: &'static str = "bits";

    fn key(self) -> &'static str {
        Toggle::key(self)
    }

    fn meaning(self) -> &'static str {
        self.doc()
    }
}

/// Counts of all toggles, in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Toggles(pub [u64; TOGGLES]);

impl Default for Toggles {
    /// Nothing toggles.
    fn default() -> Self {
        Self([0; TOGGLES])
    }
}

impl std::ops::Index<Toggle> for Toggles {
    type Output = u64;
    fn index(&self, toggle: Toggle) -> &u64 {
        &self.0[toggle as usize]
    }
}

impl std::ops::IndexMut<Toggle> for Toggles {
    fn index_mut(&mut self, toggle: Toggle) -> &mut u64 {
        &mut self.0[toggle as usize]
    }
}

impl std::ops::AddAssign for Toggles {
    fn add_assign(&mut self, other: Self) {
        for (total, count) in self.0.iter_mut().zip(other.0) {
            *total += count;
        }
    }
}

impl Toggles {
    /// Counts since an earlier snapshot.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] - earlier.0[i]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn indices_and_keys_are_unique() {
        let keys: BTreeSet<_> = Toggle::ALL.iter().map(|t| t.key()).collect();
        assert_eq!(keys.len(), TOGGLES);
        assert!(Toggle::ALL.iter().enumerate().all(|(i, t)| *t as usize == i));
        assert!(Toggle::ALL.iter().all(|t| t.doc().ends_with('.')));
    }

    /// `docs/activity.md` lists the toggles below the marker. Run with PECAN_BLESS=1 to update it.
    #[test]
    fn documentation_is_up_to_date() {
        const MARKER: &str = "<!-- generated from the toggles: do not edit below -->\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/activity.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (introduction, listed) = text.split_once(MARKER).unwrap();
        let row = |t: &Toggle| format!("| `{}` | `{}` | {} |\n", t.key(), t.per().key(), t.doc());
        let rows: String = Toggle::ALL.iter().map(row).collect();
        let table = format!("| toggle | grows with | bits |\n|---|---|---|\n{rows}");
        if std::env::var_os("PECAN_BLESS").is_some() {
            std::fs::write(path, format!("{introduction}{MARKER}\n{table}")).unwrap();
        } else {
            assert_eq!(listed.trim(), table.trim(), "run the tests with PECAN_BLESS=1");
        }
    }
}
