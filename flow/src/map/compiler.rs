//! Compiles the layers of a network one after the other and decides where their tensors live.

use std::collections::BTreeSet;

use pecan_hdl::config::Config;
use pecan_hdl::geometry::Geometry;
use pecan_sim::layer::{Network, Op};
use pecan_sim::program::Region;

use super::balance::Orders;
use super::choose::{Choice, LONGEST_RUN, choose, smallest};
use super::layer::{Emitter, Home, LayerJob};
use super::lists::Occupancy;
use super::place::{Layout, Space, piece_bytes};
use super::predict::{describe, predict};
use super::problem::Problem;
use super::ring::Rings;
use super::run::Placement;
use super::split::{Away, Split, split};
use super::stream::Builder;
use super::{Compiled, MapError, Objective, Options};

/// Compiles a network; a tensor that does not fit goes to DRAM, and all begins anew.
///
/// # Errors
/// As [`super::compile`].
pub(super) fn compile(
    network: &Network,
    config: &Config,
    geometry: &Geometry,
    options: &Options,
) -> Result<Compiled, MapError> {
    let mut away = BTreeSet::new();
    let orders = Orders::leveling(network, geometry);
    loop {
        let (away_now, orders) = (&away, &orders);
        let compiler = Compiler { network, config, geometry, options, away: away_now, orders };
        match compiler.compile() {
            Ok(compiled) => return Ok(compiled),
            Err(Attempt::Evict(tensor)) => {
                away.insert(tensor);
            }
            Err(Attempt::Failed(error)) => return Err(error),
        }
    }
}

/// Why an attempt ended.
enum Attempt {
    /// This tensor must live in DRAM.
    Evict(usize),
    Failed(MapError),
}

impl<E: Into<MapError>> From<E> for Attempt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

struct Compiler<'a> {
    network: &'a Network,
    config: &'a Config,
    geometry: &'a Geometry,
    options: &'a Options,
    away: &'a BTreeSet<usize>,
    orders: &'a Orders,
}

/// Tensors while layers are emitted.
struct State {
    homes: Vec<Option<Home>>,
    space: Space,
    descriptions: Vec<String>,
}

impl Compiler<'_> {
    fn words(&self, tensor: usize) -> usize {
        let shape = self.network.tensors[tensor];
        shape.height * shape.width * shape.channels.div_ceil(self.geometry.word_channels)
    }

    fn compile(&self) -> Result<Compiled, Attempt> {
        let g = self.geometry;
        let mut emitter = Emitter {
            geometry: g,
            builder: Builder::new(g, self.config.id()),
            weights: Rings::new(g.cols, g.weight_entries),
            params: Rings::new(1, g.param_channels),
            last: Vec::new(),
            after: Vec::new(),
        };
        let mut state = State {
            homes: vec![None; self.network.tensors.len()],
            space: Space::new(g.buffer_words),
            descriptions: Vec::new(),
        };
        let input = self.input(&mut emitter, &mut state)?;
        for number in 0..self.network.layers.len() {
            self.layer(number, &mut emitter, &mut state)?;
        }
        emitter.flush();
        let mut output = self.output(&mut emitter, &state)?;
        let last = self.network.layers.last().map_or(0, |layer| layer.output);
        output.order = self.orders.of(last).map(<[usize]>::to_vec);
        let region = |layout: &Layout| {
            let (address, bytes) = layout.region(g);
            Region { address: address as u64, bytes: bytes as u64 }
        };
        let regions = (region(&input), region(&output));
        let program = emitter.builder.finish(self.config.hash(), regions.0, regions.1);
        let compiled =
            Compiled { program, layers: Vec::new(), cycles: 0, geometry: g.clone(), input, output };
        Ok(predict(compiled, self.network, self.config, state.descriptions)?)
    }

    /// Brings in the network's input.
    fn input(&self, emitter: &mut Emitter<'_>, state: &mut State) -> Result<Layout, Attempt> {
        let shape = self.network.tensors[0];
        let words = self.words(0);
        let address = emitter.builder.reserve(piece_bytes(words, self.geometry));
        let per_pixel = shape.channels.div_ceil(self.geometry.word_channels);
        let layout = Layout::whole(shape, per_pixel, address);
        if self.away.contains(&0) {
            state.homes[0] = Some(Home::Dram(layout.clone()));
            return Ok(layout);
        }
        let base = state.space.take(words).ok_or(Attempt::Evict(0))?;
        let pixels = [0..shape.height, 0..shape.width];
        emitter.load(&layout, &Placement { base, pixels, words: 0..per_pixel }, false);
        state.homes[0] = Some(Home::Buffer(base));
        Ok(layout)
    }

    /// Sends the network's output, unless it is in DRAM already.
    fn output(&self, emitter: &mut Emitter<'_>, state: &State) -> Result<Layout, Attempt> {
        let tensor = self.network.layers.last().map_or(0, |layer| layer.output);
        let shape = self.network.tensors[tensor];
        match &state.homes[tensor] {
            Some(Home::Dram(layout)) => Ok(layout.clone()),
            Some(Home::Buffer(base)) => {
                let words = self.words(tensor);
                let address = emitter.builder.reserve(piece_bytes(words, self.geometry));
                emitter.builder.store(*base..base + words, address);
                let per_pixel = shape.channels.div_ceil(self.geometry.word_channels);
                Ok(Layout::whole(shape, per_pixel, address))
            }
            None => Err(Attempt::Failed(MapError::NoSplit {
                layer: self.network.name.clone(),
                reason: "the output is written by no layer".into(),
            })),
        }
    }

    /// The largest resident tensor that is needed at a layer.
    fn victim(&self, state: &State, extra: Option<usize>) -> Option<usize> {
        let resident = |t: &usize| matches!(state.homes[*t], Some(Home::Buffer(_)));
        let tensors = (0..state.homes.len()).filter(resident).chain(extra);
        tensors.max_by_key(|t| (self.words(*t), *t))
    }

    /// Where the tensors are that a layer reads.
    fn sources(&self, number: usize, state: &State) -> Result<(Home, Option<Home>), Attempt> {
        let layer = &self.network.layers[number];
        let find = |tensor: usize| {
            state.homes[tensor].clone().ok_or_else(|| MapError::NoSplit {
                layer: layer.name.clone(),
                reason: format!("tensor {tensor} is written by no layer before it"),
            })
        };
        let source = find(layer.input)?;
        let Op::Add(add) = &layer.op else { return Ok((source, None)) };
        let other = find(add.other)?;
        // Both tensors of a sum are read by the same steps, so they lie in the same way.
        match (&source, &other) {
            (Home::Buffer(_), Home::Dram(_)) => Err(Attempt::Evict(layer.input)),
            (Home::Dram(_), Home::Buffer(_)) => Err(Attempt::Evict(add.other)),
            _ => Ok((source, Some(other))),
        }
    }

    fn layer(
        &self,
        number: usize,
        emitter: &mut Emitter<'_>,
        state: &mut State,
    ) -> Result<(), Attempt> {
        let layer = &self.network.layers[number];
        let output = layer.output;
        let shapes = (self.network.tensors[layer.input], self.network.tensors[output]);
        let problem = Problem::of(layer, shapes.0, shapes.1, self.orders, self.geometry)?;
        let mut home = if self.away.contains(&output) {
            Home::Dram(Layout { shape: shapes.1, pieces: Vec::new(), order: None })
        } else {
            let base = state.space.take(self.words(output));
            let victim = || self.victim(state, Some(output)).unwrap_or(output);
            Home::Buffer(base.ok_or_else(|| Attempt::Evict(victim()))?)
        };
        let (source, other) = self.sources(number, state)?;
        let resident = matches!((&source, &home), (Home::Buffer(_), Home::Buffer(_)));
        let flat = problem.flattened().filter(|_| resident);
        let problem = flat.unwrap_or(problem);
        let occupancy = Occupancy::of(&problem, self.geometry);
        let away = Away {
            input: !matches!(source, Home::Buffer(_)),
            output: !matches!(home, Home::Buffer(_)),
        };
        let free = state.space.largest();
        let plan = self.split(&problem, &occupancy, away, free.len())?;
        let Some((choice, split)) = plan else {
            if let Home::Buffer(base) = home {
                state.space.give(base..base + self.words(output));
            }
            let extra = (!away.output).then_some(output);
            return Err(self.victim(state, extra).map_or_else(
                || {
                    Attempt::Failed(MapError::NoSplit {
                        layer: layer.name.clone(),
                        reason: format!(
                            "{} words of global buffer do not hold its smallest boxes",
                            free.len()
                        ),
                    })
                },
                Attempt::Evict,
            ));
        };
        state.descriptions.push(describe(&choice, &split, away));
        let mut job = LayerJob {
            number,
            problem: &problem,
            occupancy: &occupancy,
            choice: &choice,
            split: &split,
            boxes: free.start,
            input: &source,
            other: other.as_ref(),
            output: &mut home,
        };
        emitter.layer(&mut job)?;
        state.homes[output] = Some(home);
        self.release(number, state);
        Ok(())
    }

    /// Frees the tensors that no later layer reads.
    fn release(&self, number: usize, state: &mut State) {
        let last = self.network.layers.last().map(|layer| layer.output);
        for tensor in 0..state.homes.len() {
            let needed =
                self.network.layers[number + 1..].iter().any(|l| l.inputs().any(|t| t == tensor));
            if needed || Some(tensor) == last {
                continue;
            }
            if let Some(Home::Buffer(base)) = state.homes[tensor] {
                state.space.give(base..base + self.words(tensor));
                state.homes[tensor] = None;
            }
        }
    }

    /// Chooses how to walk and cut a layer with `room` words for boxes.
    fn split(
        &self,
        problem: &Problem<'_>,
        occupancy: &Occupancy,
        away: Away,
        room: usize,
    ) -> Result<Option<(Choice, Split)>, MapError> {
        let g = self.geometry;
        let choice = choose(problem, occupancy, g, &self.options.objective)?;
        let mut most = problem.axes.map(|axis| axis.output);
        let cycles = if choice.cost.is_finite() { choice.cost } else { 0.0 };
        // A pass, or a part of the pixels, takes about its share of the cycles.
        let cycles = cycles / choice.passes.len() as f64;
        while matches!(self.options.objective, Objective::Cycles)
            && cycles / (problem.axes[0].output.div_ceil(most[0]) as f64) > LONGEST_RUN as f64
            && most[0] > 1
        {
            most[0] = most[0].div_ceil(2);
        }
        if let Some(split) = split(problem, &choice, away, room, most, g) {
            return Ok(Some((choice, split)));
        }
        let Some(choice) = smallest(problem, occupancy, g) else { return Ok(None) };
        Ok(split(problem, &choice, away, room, most, g).map(|split| (choice, split)))
    }
}
