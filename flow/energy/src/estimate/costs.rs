//! Prices of the events that the mapper chooses between, from the energy model.

use pecan_config::isa::counter::{COUNT, Counter};

use super::{Rates, Target};
use crate::Events;
use pecan_map::{ActionCosts, CostError, DataCounts};

/// A working point in the middle of the range, around which the model is linear. The model limits single terms by the
/// number of cycles, which an event alone would exceed.
const CYCLES: f64 = 1e6;

/// Energy per event of every counter and per cycle at these rates: the increments of the model's energy.
///
/// The mapper compares mappings by these prices; the energy of the chosen mapping comes from the model itself.
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
        // Toggles that grow with other counters are 0 here; those that grow with this one are included.
        events.counts[Counter::Cycles as usize] += CYCLES;
        (energy(&events, &traffic(counter)) - rest) / EVENTS as f64
    };
    // Differences of large numbers may be slightly below 0.
    let price = |counter| per_event(counter).max(0.0);
    let mut cycle = Events::default();
    cycle.counts[Counter::Cycles as usize] = 2.0 * CYCLES;
    ActionCosts::new(price, (energy(&cycle, &nothing) - rest) / CYCLES)
}

/// Number of events over which a price is averaged.
const EVENTS: u64 = 1000;

/// The traffic of these events of a counter.
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
