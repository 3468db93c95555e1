//! Compiles a network, or predicts what it would take.

use std::cell::RefCell;
use std::collections::BTreeSet;

use pecan_config::Config;
use pecan_config::geometry::Geometry;
use pecan_emulator::{Outcome, Prediction};
use pecan_ir::layer::Network;
use pecan_ir::program::Region;

use super::compiler::{Attempt, Compiler, Emitted};
use super::predict;
use crate::cost::cache::Memo;
use crate::cost::search::Searched;
use crate::emit::stream::Builder;
use crate::lower::placement::Layout;
use crate::space::balance::Orders;
use crate::{Compiled, Later, MapError, Options};

/// A network to be compiled, and how.
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
        let emitted = self.emit(&mut Memo::default(), false)?;
        let g = self.geometry;
        let [input, output] = emitted.places;
        let region = |layout: &Layout| {
            let (address, bytes) = layout.region(g);
            Region { address: address as u64, bytes: bytes as u64 }
        };
        let (hash, regions) = (self.config.hash(), [region(&input), region(&output)]);
        let finish = |builder: Builder<'_>| builder.finish(hash, regions[0], regions[1]);
        let words: Vec<String> = emitted.descriptions.into_iter().map(|(text, _)| text).collect();
        let programs = emitted.programs.into_iter().map(finish);
        let mut programs = programs.zip(&emitted.predictions).map(|(program, prediction)| {
            let layers = predict::layers(prediction, self.network, g, &words);
            (program, layers, prediction.cycles)
        });
        // A compiler that was to emit a program gives one.
        let (program, layers, cycles) =
            programs.next().ok_or(MapError::Unfinished(Outcome::Starved))?;
        let later = programs.next();
        let later = later.map(|(program, layers, cycles)| Later { program, layers, cycles });
        drop(programs);
        Ok(Compiled { program, layers, cycles, later, geometry: g.clone(), input, output })
    }

    /// Predicts what the compiled network takes, without building its program. Also gives for every layer its
    /// mapping in words and what its search covered.
    ///
    /// # Errors
    /// As [`crate::compile`].
    pub(crate) fn predict(
        self,
        memo: &mut Memo,
    ) -> Result<(Prediction, Vec<(String, Searched)>), MapError> {
        let Emitted { predictions, descriptions, .. } = self.emit(memo, true)?;
        let prediction = predictions.into_iter().next();
        Ok((prediction.ok_or(MapError::Unfinished(Outcome::Starved))?, descriptions))
    }

    /// Emits the network; a tensor that does not fit goes to DRAM, and all begins anew.
    fn emit(self, memo: &mut Memo, plan: bool) -> Result<Emitted<'a>, MapError> {
        let orders = Orders::leveling(self.network, self.geometry, &mut memo.lengths);
        let mut away = BTreeSet::new();
        loop {
            let Job { network, config, geometry, options } = self;
            let memo = RefCell::new(&mut *memo);
            let (away_now, orders) = (&away, &orders);
            let compiler =
                Compiler { network, config, geometry, options, away: away_now, orders, memo };
            match compiler.emit(plan) {
                Ok(emitted) => return Ok(emitted),
                Err(Attempt::Evict(tensor)) => {
                    away.insert(tensor);
                }
                Err(Attempt::Failed(error)) => return Err(error),
            }
        }
    }
}
