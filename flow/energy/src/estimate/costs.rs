//! Prices of the events that the mapper chooses between, from the model.

use pecan_config::isa::counter::{COUNT, Counter};

use super::{Rates, Target};
use crate::Events;
use pecan_map::{ActionCosts, CostError, DataCounts};

/// Events of a layer in the middle of the range, around which the model is linear: it bounds single terms by the
/// clock, which an event alone would run into.
const CYCLES: f64 = 1e6;

/// Energy per event of every counter and per cycle at these rates: what the model's energy grows by.
///
/// The mapper compares mappings by these; the energy of the one that it chooses is the model's.
///
/// # Errors
/// A coefficient of the technology gives a price that is negative or not finite.
pub fn action_costs(target: &Target, rates: &Rates) -> Result<ActionCosts, CostError> {
    let mut base = Events::default();
    base.counts[Counter::Cycles as usize] = CYCLES;
    let nothing = DataCounts::default();
    let energy = |events: &Events, data: &DataCounts| target.model.energy(events, data).total();
    let rest = energy(&base, &nothing);
    let per_event = |counter: Counter| {
        let mut counts = pecan_config::isa::counter::Counters([0; COUNT]);
        counts[counter] = EVENTS;
        let mut events = rates.events(&counts);
        // Toggles that grow with other counters are 0 here; those that follow from this one stay with it.
        events.counts[Counter::Cycles as usize] += CYCLES;
        (energy(&events, &traffic(counter)) - rest) / EVENTS as f64
    };
    // Differences of large numbers may leave a trifle below 0.
    let price = |counter| per_event(counter).max(0.0);
    let mut cycle = Events::default();
    cycle.counts[Counter::Cycles as usize] = 2.0 * CYCLES;
    ActionCosts::new(price, (energy(&cycle, &nothing) - rest) / CYCLES)
}

/// Events that a price is taken over.
const EVENTS: u64 = 1000;

/// The traffic that these events of a counter are.
fn traffic(counter: Counter) -> DataCounts {
    let mut data = DataCounts::default();
    match counter {
        Counter::WeightReads => data.weight_reads = EVENTS,
        Counter::WeightWrites => data.weight_writes = EVENTS,
        Counter::ParamWrites => data.param_writes = EVENTS,
        Counter::BufferReads => data.input_reads = EVENTS,
        Counter::BufferWrites => data.output_writes = EVENTS,
        Counter::BeatsIn => data.weight_beats = EVENTS,
        Counter::BeatsOut => data.output_beats = EVENTS,
        _ => {}
    }
    data
}
