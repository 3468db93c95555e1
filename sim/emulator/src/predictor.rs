//! Times a command stream without its bytes, with the clock, store engine and kernel recurrences of the decoder. Calls
//! describe the commands of the stream. Memory is ideal.

use std::sync::{Arc, LazyLock};

use pecan_config::geometry::Geometry;
use pecan_config::isa::counter::{Counter, Counters};

use super::Outcome;
use super::clock::Clock;
use super::counts::kernel_counts;
use super::timing::{KernelPlan, Timer};
use pecan_ir::memory::MemoryModel;
use pecan_ir::program::{OrderedTransfer, Ordering};

/// Streams that never end and never wait.
static ENDLESS: LazyLock<Ordering> = LazyLock::new(|| {
    let endless = || vec![OrderedTransfer { address: 0, beats: u64::MAX, wait: 0 }];
    Ordering { sends: endless(), receives: endless() }
});

/// Destination of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// The global buffer.
    Activation,
    /// A weight buffer.
    Weight,
    /// The parameter memory.
    Param,
}

/// Conditions that a command waits for in addition to those of its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// The compute engine.
    pub compute: bool,
    /// The store engine.
    pub store: bool,
    /// Number of stores that must have reached memory before the payload is available.
    pub stored: u64,
}

/// Data moved over the streams and through the global buffer, by kind of data. The remaining reads of the buffer are
/// those of stores, and all beats out are outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Beats in: commands and their arguments.
    pub command_beats: u64,
    /// Beats in: list entries.
    pub weight_beats: u64,
    /// Beats in: requantization parameters.
    pub param_beats: u64,
    /// Beats in: activations.
    pub input_beats: u64,
    /// Words that loaders read from the global buffer.
    pub input_reads: u64,
    /// Words that loads write to the global buffer.
    pub input_writes: u64,
    /// Words that drains write to the global buffer.
    pub output_writes: u64,
}

impl Traffic {
    /// Traffic since an earlier state.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            command_beats: self.command_beats - earlier.command_beats,
            weight_beats: self.weight_beats - earlier.weight_beats,
            param_beats: self.param_beats - earlier.param_beats,
            input_beats: self.input_beats - earlier.input_beats,
            input_reads: self.input_reads - earlier.input_reads,
            input_writes: self.input_writes - earlier.input_writes,
            output_writes: self.output_writes - earlier.output_writes,
        }
    }
}

/// State of the device at a `Mark`, or at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Counters (the cycles count from the header); those that depend on activations are 0. They do not wrap.
    pub counters: Counters,
    /// Data moved.
    pub traffic: Traffic,
}

/// Prediction of a whole stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// Cycles from the first beat to `done`.
    pub cycles: u64,
    /// One reading per `Mark`.
    pub layers: Vec<Reading>,
    /// The reading at the end.
    pub end: Reading,
}

/// A device model that is driven by calls, one per command.
#[derive(Debug)]
pub struct Predictor {
    geometry: Geometry,
    clock: Clock<'static>,
    traffic: Traffic,
    header: u64,
    stores: u64,
    layers: Vec<Reading>,
}

impl Predictor {
    /// The device before its header.
    #[must_use]
    pub fn new(geometry: &Geometry) -> Self {
        Self {
            clock: Clock::new(&ENDLESS, &MemoryModel::Ideal, geometry, Vec::new(), None),
            geometry: geometry.clone(),
            traffic: Traffic::default(),
            header: 0,
            stores: 0,
            layers: Vec::new(),
        }
    }

    fn beat(&mut self) -> Result<(), Outcome> {
        self.traffic.command_beats += 1;
        self.clock.take_beat(false).map(|_| ())
    }

    fn tick(&mut self) -> Result<(), Outcome> {
        self.clock.advance(self.clock.now + 1)
    }

    fn command(&mut self, waits: Waits) -> Result<(), Outcome> {
        self.beat()?;
        if waits.compute {
            self.clock.wait_compute()?;
        }
        if waits.store {
            self.clock.wait_store()?;
        }
        Ok(())
    }

    /// `Header`.
    ///
    /// # Errors
    /// As for every command: the kernel in the background ends in a fault before this command is done.
    pub fn header(&mut self) -> Result<(), Outcome> {
        self.command(Waits { compute: true, store: true, stored: 0 })?;
        self.tick()?;
        self.beat()?;
        self.header = self.clock.now - 1;
        // The beat of the identifier is the first one that counts.
        self.clock.counters = Counters::default();
        self.clock.counters[Counter::BeatsIn] = 1;
        self.traffic = Traffic { command_beats: 1, ..Traffic::default() };
        Ok(())
    }

    /// `Config` of so many registers.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn config(&mut self, values: u64) -> Result<(), Outcome> {
        self.command(Waits { compute: true, ..Waits::default() })?;
        self.tick()?;
        (0..values).try_for_each(|_| self.beat())
    }

    /// A load of `count` items.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn load(&mut self, what: Load, count: u64, waits: Waits) -> Result<(), Outcome> {
        self.command(waits)?;
        self.tick()?;
        self.beat()?;
        self.beat()?;
        self.tick()?;
        if waits.stored >= self.stores && waits.stored > 0 {
            self.clock.wait_store()?;
        }
        let g = &self.geometry;
        let (slot, counter) = match what {
            Load::Activation => (g.word_slot, Counter::BufferWrites),
            Load::Weight => (g.entry_slot, Counter::WeightWrites),
            Load::Param => (Geometry::PARAM_SLOT, Counter::ParamWrites),
        };
        let before = self.clock.counters[Counter::BeatsIn];
        self.clock.take_payload(count, slot, g.stream_bits, what == Load::Activation)?;
        let beats = self.clock.counters[Counter::BeatsIn] - before;
        self.clock.counters[counter] += count;
        let t = &mut self.traffic;
        match what {
            Load::Activation => {
                t.input_beats += beats;
                t.input_writes += count;
            }
            Load::Weight => t.weight_beats += beats,
            Load::Param => t.param_beats += beats,
        }
        Ok(())
    }

    /// `Run`, whose kernel takes `cycles` (see [`super::kernel_cycles`]; a number above its limit if it does not end).
    ///
    /// # Errors
    /// As [`Self::header`], or the kernel is longer than its limit.
    pub fn run(
        &mut self,
        plan: &Arc<KernelPlan>,
        cycles: u64,
        waits: Waits,
    ) -> Result<(), Outcome> {
        self.command(Waits { compute: true, ..waits })?;
        let start = self.clock.now;
        if cycles > plan.shape.limit {
            return Err(Outcome::Error(pecan_config::isa::ErrorCode::RunLimit));
        }
        // The recurrences do not depend on the start of a kernel.
        let idle = start + cycles + 1;
        let timer = Timer::new(Arc::clone(plan), start);
        let mut counts = kernel_counts(plan);
        counts[Counter::RunCycles] = cycles;
        self.traffic.input_reads += counts[Counter::BufferReads];
        self.traffic.output_writes += counts[Counter::BufferWrites];
        for (total, count) in self.clock.counters.0.iter_mut().zip(counts.0) {
            *total += count;
        }
        self.clock.start_run(timer, idle, None);
        self.tick()
    }

    /// `Store` of so many buffer words.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn store(&mut self, words: u64, waits: Waits) -> Result<(), Outcome> {
        self.command(Waits { store: true, ..waits })?;
        self.tick()?;
        self.beat()?;
        self.beat()?;
        self.clock.start_store(words, Vec::new());
        self.stores += 1;
        self.tick()
    }

    /// `Mark`.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn mark(&mut self) -> Result<(), Outcome> {
        self.command(Waits { compute: true, ..Waits::default() })?;
        self.layers.push(self.reading());
        self.tick()
    }

    /// `End`.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn end(mut self) -> Result<Prediction, Outcome> {
        self.command(Waits { compute: true, store: true, stored: 0 })?;
        Ok(Prediction { cycles: self.clock.now + 1, end: self.reading(), layers: self.layers })
    }

    fn reading(&self) -> Reading {
        let mut counters = self.clock.counters;
        counters[Counter::Cycles] = self.clock.now - self.header;
        Reading { counters, traffic: self.traffic }
    }
}
