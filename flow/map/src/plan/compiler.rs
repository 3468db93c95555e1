//! Compiles the layers of a network one after the other and decides where their tensors live.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use pecan_config::Config;
use pecan_config::geometry::Geometry;
use pecan_emulator::Prediction;
use pecan_ir::layer::{Network, Op};

use super::predict::describe;
use crate::cost::cache::{Mapped, Memo};
use crate::cost::search::{Choice, LONGEST_RUN, Searched, choose_where, smallest};
use crate::emit::stream::Builder;
use crate::lower::circular_buffer::Rings;
use crate::lower::kernel::Placement;
use crate::lower::layer::{Emitter, Home, LayerJob};
use crate::lower::placement::{Layout, Space, piece_bytes};
use crate::lower::split::{Away, Split, split};
use crate::space::balance::Orders;
use crate::space::workload::Problem;
use crate::{MapError, Options};

/// A network as commands.
pub(crate) struct Emitted<'a> {
    /// The programs, which lack their regions: none if they were only to be predicted; the one of the first image;
    /// and, where all lists and parameters fit the device at once, that of later images, which does not load them.
    pub(crate) programs: Vec<Builder<'a>>,
    /// What these programs take, or what the first would.
    pub(crate) predictions: Vec<Prediction>,
    /// Mapping in words and search of every layer.
    pub(crate) descriptions: Vec<(String, Searched)>,
    /// Places of input and output, the same in all programs.
    pub(crate) places: [Layout; 2],
}

/// The commands for one image.
struct Image<'a> {
    builder: Builder<'a>,
    descriptions: Vec<(String, Searched)>,
    places: [Layout; 2],
    /// What the device holds afterwards.
    rings: [Rings; 2],
}

/// Why an attempt ended.
pub(crate) enum Attempt {
    /// This tensor must live in DRAM.
    Evict(usize),
    Failed(MapError),
}

impl<E: Into<MapError>> From<E> for Attempt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

pub(crate) struct Compiler<'a, 'b> {
    pub(crate) network: &'a Network,
    pub(crate) config: &'a Config,
    pub(crate) geometry: &'a Geometry,
    pub(crate) options: &'a Options,
    pub(crate) away: &'b BTreeSet<usize>,
    pub(crate) orders: &'b Orders,
    pub(crate) memo: RefCell<&'b mut Memo>,
}

/// Tensors while layers are emitted.
struct State {
    homes: Vec<Option<Home>>,
    space: Space,
    descriptions: Vec<(String, Searched)>,
}

impl<'a> Compiler<'a, '_> {
    fn words(&self, tensor: usize) -> usize {
        let shape = self.network.tensors[tensor];
        shape.height * shape.width * shape.channels.div_ceil(self.geometry.word_channels)
    }

    /// Emits all layers; with `plan` they are only predicted, for one image.
    pub(crate) fn emit(&self, plan: bool) -> Result<Emitted<'a>, Attempt> {
        let g = self.geometry;
        let rings = [Rings::new(g.cols, g.weight_entries), Rings::new(1, g.param_channels)];
        let Image { builder, descriptions, places, rings: filled } =
            self.image(true, rings.clone())?;
        let predicted = |builder: Builder<'_>| builder.predicted().map_err(MapError::Unfinished);
        let (mut programs, mut predictions) = (Vec::new(), vec![predicted(builder)?]);
        if !plan {
            programs.push(self.image(false, rings)?.builder);
            if filled.iter().all(Rings::keep_all) {
                predictions.push(predicted(self.image(true, filled.clone())?.builder)?);
                programs.push(self.image(false, filled)?.builder);
            }
        }
        Ok(Emitted { programs, predictions, descriptions, places })
    }

    /// Emits all layers for one image, on a device that holds what the rings say.
    fn image(&self, plan: bool, [weights, params]: [Rings; 2]) -> Result<Image<'a>, Attempt> {
        let g = self.geometry;
        let mut emitter = Emitter {
            geometry: g,
            builder: Builder::new(g, self.config.id(), plan),
            weights,
            params,
            last: Vec::new(),
            after: Vec::new(),
            timed: HashMap::new(),
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
        let Emitter { builder, weights, params, .. } = emitter;
        let (descriptions, places) = (state.descriptions, [input, output]);
        Ok(Image { builder, descriptions, places, rings: [weights, params] })
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
        let shapes = [layer.input, output].map(|tensor| self.network.tensors[tensor]);
        let problem = Problem::of(layer, shapes, self.orders, self.options.density, self.geometry)?;
        let mut home = self.home(output, state)?;
        let (source, other) = self.sources(number, state)?;
        let resident = matches!((&source, &home), (Home::Buffer(_), Home::Buffer(_)));
        let flat = problem.flattened().filter(|_| resident);
        let flattened = flat.is_some();
        let problem = flat.unwrap_or(problem);
        let (g, objective) = (self.geometry, &self.options.objective);
        let mapped = self.memo.borrow_mut().of(number, flattened, &problem, g, objective)?;
        let away = Away {
            input: !matches!(source, Home::Buffer(_)),
            output: !matches!(home, Home::Buffer(_)),
        };
        let free = state.space.largest();
        let plan = self.split(&problem, &mapped, away, free.len());
        let Some((choice, split)) = plan else {
            if let Home::Buffer(base) = home {
                state.space.give(base..base + self.words(output));
            }
            let extra = (!away.output).then_some(output);
            return Err(self.no_room(state, extra, &layer.name, free.len()));
        };
        let searched = mapped.choice.searched;
        state.descriptions.push((describe(&choice, &split, away), searched));
        let mut job = LayerJob {
            number,
            problem: &problem,
            occupancy: &mapped.occupancy,
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

    /// A place for the output of a layer.
    fn home(&self, output: usize, state: &mut State) -> Result<Home, Attempt> {
        if self.away.contains(&output) {
            let (shape, pieces) = (self.network.tensors[output], Vec::new());
            return Ok(Home::Dram(Layout { shape, pieces, order: None }));
        }
        let base = state.space.take(self.words(output));
        let victim = || self.victim(state, Some(output)).unwrap_or(output);
        Ok(Home::Buffer(base.ok_or_else(|| Attempt::Evict(victim()))?))
    }

    /// What to do if `room` words do not hold the boxes of a layer.
    fn no_room(&self, state: &State, extra: Option<usize>, layer: &str, room: usize) -> Attempt {
        let reason = || format!("{room} words of global buffer do not hold its smallest boxes");
        let failed = || MapError::NoSplit { layer: layer.into(), reason: reason() };
        self.victim(state, extra).map_or_else(|| Attempt::Failed(failed()), Attempt::Evict)
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

    /// Cuts a layer with `room` words for boxes.
    fn split(
        &self,
        problem: &Problem<'_>,
        mapped: &Mapped,
        away: Away,
        room: usize,
    ) -> Option<(Choice, Split)> {
        let g = self.geometry;
        let choice = mapped.choice.clone();
        let fit = |choice: &Choice| split(problem, choice, away, room, most(problem, choice), g);
        if let Some(split) = fit(&choice) {
            return Some((choice, split));
        }
        // The cheapest of those whose boxes fit, as far as can be told before it is timed.
        let pixels = most(problem, &choice);
        let fits = |other: &Choice| split(problem, other, away, room, pixels, g).is_some();
        let objective = &self.options.objective;
        let other = choose_where(problem, &mapped.occupancy, g, objective, &fits);
        let choice = other.ok().filter(|choice| fit(choice).is_some());
        let choice = choice.or_else(|| smallest(problem, &mapped.occupancy, g))?;
        let split = split(problem, &choice, away, room, pixels, g)?;
        Some((choice, split))
    }
}

/// Output pixels of a rectangle, so that no run is too long: a pass, or a part of the pixels, takes about its share of
/// the cycles.
fn most(problem: &Problem<'_>, choice: &Choice) -> [usize; 2] {
    let mut most = problem.axes.map(|axis| axis.output);
    let cycles = choice.cycles as f64 / choice.passes.len() as f64;
    while cycles / (problem.axes[0].output.div_ceil(most[0]) as f64) > LONGEST_RUN as f64
        && most[0] > 1
    {
        most[0] = most[0].div_ceil(2);
    }
    most
}
