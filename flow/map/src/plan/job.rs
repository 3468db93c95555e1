//! Compiles a network, or predicts its counts and cycles.

use std::cell::RefCell;
use std::collections::BTreeSet;

use pecan_config::Config;
use pecan_config::geometry::Geometry;
use pecan_emulator::{Outcome, Prediction};
use pecan_ir::layer::Network;
use pecan_ir::program::Region;

use super::compiled::{Compiled, Later};
use super::compiler::{Attempt, Compiler, Emitted, MappedLayer};
use super::predict;
use crate::cost::cache::MappingCache;
use crate::emit::stream::StreamBuilder;
use crate::error::MapError;
use crate::lower::placement::Layout;
use crate::mapping::Mapping;
use crate::options::Options;
use crate::space::balance::balanced_orders;

/// Compiles a network for a configuration.
///
/// # Errors
/// The network is inconsistent, has other widths than the configuration, may overflow the accumulator, or
/// exceeds the registers.
pub fn compile(
    network: &Network,
    config: &Config,
    options: &Options,
) -> Result<Compiled, MapError> {
    network.validate()?;
    let geometry = Geometry::of(config);
    check_widths(network, &geometry)?;
    Job { network, config, geometry: &geometry, options }.compile()
}

/// Whether network and configuration have the same widths.
pub(crate) fn check_widths(network: &Network, geometry: &Geometry) -> Result<(), MapError> {
    let width = |what, network, config| {
        if network == config { Ok(()) } else { Err(MapError::Width { what, network, config }) }
    };
    width("activations", network.activation_bits, geometry.activation_bits)?;
    width("weights", network.weight_bits, geometry.weight_bits)
}

/// A network to compile, and how.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) network: &'a Network,
    pub(crate) config: &'a Config,
    pub(crate) geometry: &'a Geometry,
    pub(crate) options: &'a Options,
}

impl<'a> Job<'a> {
    /// Compiles the network.
    ///
    /// # Errors
    /// As [`crate::compile`].
    pub(crate) fn compile(self) -> Result<Compiled, MapError> {
        let emitted = self.emit(&mut MappingCache::default(), false)?;
        let g = self.geometry;
        let [input, output] = emitted.places;
        let region = |layout: &Layout| {
            let (address, bytes) = layout.region(g);
            Region { address: address as u64, bytes: bytes as u64 }
        };
        let (hash, regions) = (self.config.hash(), [region(&input), region(&output)]);
        let finish = |builder: StreamBuilder<'_>| builder.finish(hash, regions[0], regions[1]);
        let mappings: Vec<Mapping> =
            emitted.mappings.into_iter().map(|layer| layer.mapping).collect();
        let programs = emitted.programs.into_iter().map(finish);
        let mut programs = programs.zip(&emitted.predictions).map(|(program, prediction)| {
            let layers = predict::layers(prediction, self.network, g, &mappings);
            (program, layers, prediction.cycles)
        });
        // A compiler that builds programs returns at least one.
        let (program, layers, cycles) =
            programs.next().ok_or(MapError::Unfinished(Outcome::Starved))?;
        let later = programs.next();
        let later = later.map(|(program, layers, cycles)| Later { program, layers, cycles });
        drop(programs);
        Ok(Compiled { program, layers, cycles, later, geometry: g.clone(), input, output })
    }

    /// Predicts counts and cycles of the compiled network, without building its program. Also returns the mapping of
    /// every layer and the extent of its search.
    ///
    /// # Errors
    /// As [`crate::compile`].
    pub(crate) fn predict(
        self,
        cache: &mut MappingCache,
    ) -> Result<(Prediction, Vec<MappedLayer>), MapError> {
        let Emitted { predictions, mappings, .. } = self.emit(cache, true)?;
        let prediction = predictions.into_iter().next();
        Ok((prediction.ok_or(MapError::Unfinished(Outcome::Starved))?, mappings))
    }

    /// Emits the network; if a tensor does not fit, it is placed in DRAM and emission starts again.
    fn emit(self, cache: &mut MappingCache, plan: bool) -> Result<Emitted<'a>, MapError> {
        let orders = balanced_orders(self.network, self.geometry, &mut cache.lengths);
        let mut away = BTreeSet::new();
        loop {
            let Job { network, config, geometry, options } = self;
            let cache = RefCell::new(&mut *cache);
            let (away_now, orders) = (&away, &orders);
            let compiler =
                Compiler { network, config, geometry, options, away: away_now, orders, cache };
            match compiler.place_all().and_then(|()| compiler.emit(plan)) {
                Ok(emitted) => return Ok(emitted),
                Err(Attempt::Evict(tensor)) => {
                    away.insert(tensor);
                }
                Err(Attempt::Failed(error)) => return Err(error),
            }
        }
    }
}
