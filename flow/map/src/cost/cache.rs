//! What of a layer's mapping does not depend on the layers around it, kept from one attempt to the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use pecan_config::geometry::Geometry;

use super::objective::Objective;
use crate::cost::search::{Choice, choose};
use crate::error::MapError;
use crate::space::lists::Occupancy;
use crate::space::workload::Problem;

/// The lists of a layer and how to walk them.
#[derive(Debug)]
pub(crate) struct Mapped {
    /// Lengths of the lists.
    pub(crate) occupancy: Occupancy,
    /// The cheapest mapping.
    pub(crate) choice: Choice,
}

/// Results by layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memo {
    /// By number of the layer and whether its image is flattened.
    mapped: BTreeMap<(usize, bool), Arc<Mapped>>,
    /// Lengths of the lists of each lane group, by number of the layer.
    pub(crate) lengths: BTreeMap<usize, Vec<u64>>,
}

impl Memo {
    /// Forgets how a layer is mapped, for it or the order of its channels changed.
    pub(crate) fn forget_mapping(&mut self, number: usize) {
        self.mapped.retain(|(layer, _), _| *layer != number);
    }

    /// Forgets all of a layer, for its weights changed.
    pub(crate) fn forget(&mut self, number: usize) {
        self.forget_mapping(number);
        self.lengths.remove(&number);
    }

    /// Lists and mapping of a layer.
    ///
    /// # Errors
    /// The layer cannot be mapped.
    pub(crate) fn of(
        &mut self,
        number: usize,
        flat: bool,
        problem: &Problem<'_>,
        geometry: &Geometry,
        objective: &Objective,
    ) -> Result<Arc<Mapped>, MapError> {
        if let Some(known) = self.mapped.get(&(number, flat)) {
            return Ok(Arc::clone(known));
        }
        problem.check_weights(geometry)?;
        let occupancy = Occupancy::of(problem, geometry);
        let choice = choose(problem, &occupancy, geometry, objective)?;
        let mapped = Arc::new(Mapped { occupancy, choice });
        self.mapped.insert((number, flat), Arc::clone(&mapped));
        Ok(mapped)
    }
}
