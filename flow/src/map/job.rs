//! Compiles a network, or predicts what it would take.

use std::cell::RefCell;
use std::collections::BTreeSet;

use pecan_hdl::config::Config;
use pecan_hdl::geometry::Geometry;
use pecan_sim::emulator::{Emulator, Prediction};
use pecan_sim::layer::Network;
use pecan_sim::program::Region;

use super::balance::Orders;
use super::choose::Searched;
use super::compiler::{Attempt, Compiler, Emitted};
use super::memo::Memo;
use super::place::Layout;
use super::predict::predict;
use super::{Compiled, Later, MapError, Options};

/// A network to be compiled, and how.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) network: &'a Network,
    pub(super) config: &'a Config,
    pub(super) geometry: &'a Geometry,
    pub(super) options: &'a Options,
}

impl<'a> Job<'a> {
    /// Compiles the network.
    ///
    /// # Errors
    /// As [`super::compile`].
    pub(super) fn compile(self) -> Result<Compiled, MapError> {
        let Emitted { builder, later, descriptions, places: [input, output] } =
            self.emit(&mut Memo::default(), false)?;
        let g = self.geometry;
        let region = |layout: &Layout| {
            let (address, bytes) = layout.region(g);
            Region { address: address as u64, bytes: bytes as u64 }
        };
        let (hash, regions) = (self.config.hash(), (region(&input), region(&output)));
        let program = builder.finish(hash, regions.0, regions.1);
        let later = later.map(|builder| builder.finish(hash, regions.0, regions.1));
        let geometry = g.clone();
        let descriptions: Vec<String> = descriptions.into_iter().map(|(text, _)| text).collect();
        let mut emulator = Emulator::new(self.config);
        let (layers, cycles) = predict(&mut emulator, &program, self.network, g, &descriptions)?;
        let mut compiled =
            Compiled { program, layers, cycles, later: None, geometry, input, output };
        if let Some(program) = later {
            let (layers, cycles) =
                predict(&mut emulator, &program, self.network, g, &descriptions)?;
            compiled.later = Some(Later { program, layers, cycles });
        }
        Ok(compiled)
    }

    /// Predicts what the compiled network takes, without building its program. Also gives for every layer its
    /// mapping in words and what its search covered.
    ///
    /// # Errors
    /// As [`super::compile`].
    pub(super) fn predict(
        self,
        memo: &mut Memo,
    ) -> Result<(Prediction, Vec<(String, Searched)>), MapError> {
        let Emitted { builder, descriptions, .. } = self.emit(memo, true)?;
        Ok((builder.predicted().map_err(MapError::Unfinished)?, descriptions))
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
