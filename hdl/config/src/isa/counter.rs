//! Performance counters: one definition for the RTL, the emulator and the results.

use crate::ResultKey;

/// Declares the counters: variant, key in results, meaning.
macro_rules! counters {
    ($($variant:ident $key:literal $doc:literal,)*) => {
        /// A performance counter; the number is its index in the status registers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Counter { $(#[doc = $doc] $variant,)* }

        impl Counter {
            /// All counters in the order of their index.
            pub const ALL: &'static [Counter] = &[$(Counter::$variant,)*];

            /// Names of the variants, in the order of their index.
            pub const VARIANTS: &'static [&'static str] = &[$(stringify!($variant)),*];

            /// Position in [`Counter::ALL`].
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }

            /// Key in `metrics.json`.
            pub fn key(self) -> &'static str {
                match self { $(Counter::$variant => $key,)* }
            }

            /// Meaning, for the documentation.
            pub fn doc(self) -> &'static str {
                match self { $(Counter::$variant => $doc,)* }
            }
        }
    };
}

counters! {
    Cycles "cycles" "Clock cycles since the header.",
    RunCycles "run_cycles" "Cycles in which the compute engine was busy.",
    PeSteps "pe_steps" "List entries processed, summed over PEs; each occupies `lanes` lane-cycles.",
    ActiveLanes "active_lane_cycles" "Lane-cycles that multiplied (or compared) an operand.",
    ScratchReads "scratchpad_reads" "Activations read from scratchpads.",
    ScratchWrites "scratchpad_writes" "Words written to scratchpads, summed over rows.",
    PsumReads "psum_reads" "Psum words (`lanes` partial sums) read back by PEs.",
    PsumWrites "psum_writes" "Psum words (`lanes` partial sums) written by PEs.",
    DrainSteps "drain_steps" "Drain steps; each reads and requantizes `drain.lanes` partial sums.",
    WeightReads "weight_buffer_reads" "Entries read from weight buffers.",
    WeightWrites "weight_buffer_writes" "Entries written to weight buffers.",
    ParamWrites "parameter_writes" "Requantization parameters written, in channels.",
    BufferReads "global_buffer_reads" "Words read from the global buffer.",
    BufferWrites "global_buffer_writes" "Words written to the global buffer.",
    BeatsIn "beats_in" "Beats taken from the input stream.",
    BeatsOut "beats_out" "Beats given to the output stream.",
}

/// Number of counters.
pub const COUNT: usize = Counter::ALL.len();

/// First status register of the counters: counter `k` is at `BASE + 2 k` (low 32 bits) and the next (high).
pub const STATUS_BASE: u32 = 16;

impl Counter {
    /// Status register with the counter's low 32 bits; the next one has the high bits.
    pub fn status_address(self) -> u32 {
        STATUS_BASE + 2 * self as u32
    }
}

impl ResultKey for Counter {
    const ALL: &'static [Self] = Counter::ALL;
    const OBJECT: &'static str = "Counters";
    const UNIT: &'static str = "events";

    fn key(self) -> &'static str {
        Counter::key(self)
    }

    fn meaning(self) -> &'static str {
        self.doc()
    }
}

/// Values of all counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters(pub [u64; COUNT]);

impl std::ops::Index<Counter> for Counters {
    type Output = u64;
    fn index(&self, counter: Counter) -> &u64 {
        &self.0[counter as usize]
    }
}

impl std::ops::IndexMut<Counter> for Counters {
    fn index_mut(&mut self, counter: Counter) -> &mut u64 {
        &mut self.0[counter as usize]
    }
}

impl Counters {
    /// Difference of two snapshots of counters of `bits`, which wrap.
    pub fn since(&self, earlier: &Counters, bits: usize) -> Counters {
        let mask = if bits >= 64 { u64::MAX } else { (1 << bits) - 1 };
        let mut out = Counters::default();
        for (o, (a, b)) in out.0.iter_mut().zip(self.0.iter().zip(earlier.0.iter())) {
            *o = a.wrapping_sub(*b) & mask;
        }
        out
    }

    /// The same values as counters of `bits` would show them.
    pub fn wrapped(&self, bits: usize) -> Counters {
        self.since(&Counters::default(), bits)
    }
}
