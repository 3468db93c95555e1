//! Cache of the part of a layer's mapping that does not depend on its neighbours, reused by later attempts.

use std::collections::BTreeMap;
use std::sync::Arc;

use pecan_config::geometry::Geometry;

use super::objective::Objective;
use crate::cost::search::search;
use crate::error::MapError;
use crate::space::array_mapping::ArrayMapping;
use crate::space::lists::Occupancy;
use crate::space::workload::Workload;

/// The lists of a layer and its mapping.
#[derive(Debug)]
pub(crate) struct CachedLayer {
    /// Lengths of the lists.
    pub(crate) occupancy: Occupancy,
    /// The cheapest mapping.
    pub(crate) mapping: ArrayMapping,
}

/// Mappings by layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct MappingCache {
    /// By number of the layer and whether its image is flattened.
    mapped: BTreeMap<(usize, bool), Arc<CachedLayer>>,
    /// Lengths of the lists of each lane group, by number of the layer.
    pub(crate) lengths: BTreeMap<usize, Vec<u64>>,
}

impl MappingCache {
    /// Drops the mapping of a layer after a change of the layer or of its channel order.
    pub(crate) fn forget_mapping(&mut self, number: usize) {
        self.mapped.retain(|(layer, _), _| *layer != number);
    }

    /// Drops everything about a layer after a change of its weights.
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
        workload: &Workload<'_>,
        geometry: &Geometry,
        objective: &Objective,
    ) -> Result<Arc<CachedLayer>, MapError> {
        if let Some(known) = self.mapped.get(&(number, flat)) {
            return Ok(Arc::clone(known));
        }
        workload.check_weights(geometry)?;
        let occupancy = Occupancy::of(workload, geometry);
        let mapping = search(workload, &occupancy, geometry, objective)?;
        let mapped = Arc::new(CachedLayer { occupancy, mapping });
        self.mapped.insert((number, flat), Arc::clone(&mapped));
        Ok(mapped)
    }
}
