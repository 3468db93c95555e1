//! Compiles the layers of a network in order and decides where their tensors are placed.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use pecan_config::Config;
use pecan_config::geometry::Geometry;
use pecan_emulator::Prediction;
use pecan_ir::layer::{Network, Op};

use super::describe::Described;
use crate::cost::cache::{CachedLayer, MappingCache};
use crate::cost::search::{search_where, smallest};
use crate::emit::stream::StreamBuilder;
use crate::error::MapError;
use crate::lower::buffer_mapping::{Away, BufferMapping, fit_buffer};
use crate::lower::circular_buffer::CircularBuffers;
use crate::lower::kernel::Placement;
use crate::lower::layer::{Emitter, LayerJob, TensorPlace};
use crate::lower::placement::{Layout, Space, piece_bytes};
use crate::mapping::Mapping;
use crate::options::Options;
use crate::space::array_mapping::{ArrayMapping, LONGEST_KERNEL, Searched};
use crate::space::orders::Orders;
use crate::space::workload::Workload;

/// The mapping of a layer.
pub(crate) struct MappedLayer {
    pub(crate) mapping: Mapping,
    /// Extent of the search that chose it.
    pub(crate) searched: Searched,
}

/// A network as commands.
pub(crate) struct Emitted<'a> {
    /// The programs, without their regions. None if they were only to be predicted; the one for the first image; and,
    /// where all lists and parameters fit the device at once, that for later images, which does not load them.
    pub(crate) programs: Vec<StreamBuilder<'a>>,
    /// Predictions of these programs, or of the first if none was built.
    pub(crate) predictions: Vec<Prediction>,
    pub(crate) mappings: Vec<MappedLayer>,
    /// Places of input and output, the same in all programs.
    pub(crate) places: [Layout; 2],
}

/// The commands for one image.
struct Image<'a> {
    builder: StreamBuilder<'a>,
    mappings: Vec<MappedLayer>,
    places: [Layout; 2],
    /// Contents of weight buffers and parameter memory afterwards.
    buffers: [CircularBuffers; 2],
}

/// Reason why an attempt ended.
pub(crate) enum Attempt {
    /// This tensor must be placed in DRAM.
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
    pub(crate) cache: RefCell<&'b mut MappingCache>,
}

/// Places of the tensors while layers are emitted.
struct State {
    places: Vec<Option<TensorPlace>>,
    space: Space,
    mappings: Vec<MappedLayer>,
}

impl<'a> Compiler<'a, '_> {
    fn words(&self, tensor: usize) -> usize {
        let shape = self.network.tensors[tensor];
        shape.height * shape.width * shape.channels.div_ceil(self.geometry.word_channels)
    }

    /// Places all tensors as [`Self::emit`] does, without emitting anything: what leads to another attempt is found before
    /// kernels are timed.
    pub(crate) fn place_all(&self) -> Result<(), Attempt> {
        let mut state = self.state();
        self.input(None, &mut state)?;
        (0..self.network.layers.len()).try_for_each(|number| self.layer(number, None, &mut state))
    }

    /// The state before the first layer.
    fn state(&self) -> State {
        State {
            places: vec![None; self.network.tensors.len()],
            space: Space::new(self.geometry.buffer_words),
            mappings: Vec::new(),
        }
    }

    /// Emits all layers; with `plan` they are only predicted, for one image.
    pub(crate) fn emit(&self, plan: bool) -> Result<Emitted<'a>, Attempt> {
        let g = self.geometry;
        let buffers = [
            CircularBuffers::new(g.cols, g.weight_entries),
            CircularBuffers::new(1, g.param_channels),
        ];
        let Image { builder, mappings, places, buffers: filled } =
            self.image(true, buffers.clone())?;
        let predicted =
            |builder: StreamBuilder<'_>| builder.predicted().map_err(MapError::Unfinished);
        let (mut programs, mut predictions) = (Vec::new(), vec![predicted(builder)?]);
        if !plan {
            programs.push(self.image(false, buffers)?.builder);
            if filled.iter().all(CircularBuffers::keep_all) {
                predictions.push(predicted(self.image(true, filled.clone())?.builder)?);
                programs.push(self.image(false, filled)?.builder);
            }
        }
        Ok(Emitted { programs, predictions, mappings, places })
    }

    /// Emits all layers for one image, on a device with the given contents of the circular buffers.
    fn image(
        &self,
        plan: bool,
        [weights, params]: [CircularBuffers; 2],
    ) -> Result<Image<'a>, Attempt> {
        let g = self.geometry;
        let mut emitter = Emitter {
            geometry: g,
            builder: StreamBuilder::new(g, self.config.id(), plan),
            weights,
            params,
            last: Vec::new(),
            after: Vec::new(),
            timed: HashMap::new(),
        };
        let mut state = self.state();
        let input = self.input(Some(&mut emitter), &mut state)?;
        for number in 0..self.network.layers.len() {
            self.layer(number, Some(&mut emitter), &mut state)?;
        }
        emitter.flush();
        let mut output = self.output(&mut emitter, &state)?;
        let last = self.network.layers.last().map_or(0, |layer| layer.output);
        output.order = self.orders.of(last).map(<[usize]>::to_vec);
        let Emitter { builder, weights, params, .. } = emitter;
        let (mappings, places) = (state.mappings, [input, output]);
        Ok(Image { builder, mappings, places, buffers: [weights, params] })
    }

    /// Places the network's input and loads it.
    fn input(
        &self,
        mut emitter: Option<&mut Emitter<'_>>,
        state: &mut State,
    ) -> Result<Layout, Attempt> {
        let shape = self.network.tensors[0];
        let words = self.words(0);
        let bytes = piece_bytes(words, self.geometry);
        let address = emitter.as_mut().map_or(0, |emitter| emitter.builder.reserve(bytes));
        let per_pixel = shape.channels.div_ceil(self.geometry.word_channels);
        let layout = Layout::whole(shape, per_pixel, address);
        if self.away.contains(&0) {
            state.places[0] = Some(TensorPlace::Dram(layout.clone()));
            return Ok(layout);
        }
        let base = state.space.take(words).ok_or(Attempt::Evict(0))?;
        let pixels = [0..shape.height, 0..shape.width];
        if let Some(emitter) = emitter {
            emitter.load(&layout, &Placement { base, pixels, words: 0..per_pixel }, false);
        }
        state.places[0] = Some(TensorPlace::Buffer(base));
        Ok(layout)
    }

    /// Stores the network's output, unless it is in DRAM already.
    fn output(&self, emitter: &mut Emitter<'_>, state: &State) -> Result<Layout, Attempt> {
        let tensor = self.network.layers.last().map_or(0, |layer| layer.output);
        let shape = self.network.tensors[tensor];
        match &state.places[tensor] {
            Some(TensorPlace::Dram(layout)) => Ok(layout.clone()),
            Some(TensorPlace::Buffer(base)) => {
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
        let resident = |t: &usize| matches!(state.places[*t], Some(TensorPlace::Buffer(_)));
        let tensors = (0..state.places.len()).filter(resident).chain(extra);
        tensors.max_by_key(|t| (self.words(*t), *t))
    }

    /// Places of the tensors that a layer reads.
    fn sources(
        &self,
        number: usize,
        state: &State,
    ) -> Result<(TensorPlace, Option<TensorPlace>), Attempt> {
        let layer = &self.network.layers[number];
        let find = |tensor: usize| {
            state.places[tensor].clone().ok_or_else(|| MapError::NoSplit {
                layer: layer.name.clone(),
                reason: format!("tensor {tensor} is written by no layer before it"),
            })
        };
        let source = find(layer.input)?;
        let Op::Add(add) = &layer.op else { return Ok((source, None)) };
        let other = find(add.other)?;
        // Both tensors of a sum are read by the same steps, so they need the same layout.
        match (&source, &other) {
            (TensorPlace::Buffer(_), TensorPlace::Dram(_)) => Err(Attempt::Evict(layer.input)),
            (TensorPlace::Dram(_), TensorPlace::Buffer(_)) => Err(Attempt::Evict(add.other)),
            _ => Ok((source, Some(other))),
        }
    }

    /// Places the output of a layer, and emits the layer.
    fn layer(
        &self,
        number: usize,
        emitter: Option<&mut Emitter<'_>>,
        state: &mut State,
    ) -> Result<(), Attempt> {
        let layer = &self.network.layers[number];
        let output = layer.output;
        let shapes = [layer.input, output].map(|tensor| self.network.tensors[tensor]);
        let workload =
            Workload::of(layer, shapes, self.orders, self.options.density, self.geometry)?;
        let mut place = self.place(output, state)?;
        let (source, other) = self.sources(number, state)?;
        let resident =
            matches!((&source, &place), (TensorPlace::Buffer(_), TensorPlace::Buffer(_)));
        let flat = workload.flattened().filter(|_| resident);
        let flattened = flat.is_some();
        let workload = flat.unwrap_or(workload);
        let (g, objective) = (self.geometry, &self.options.objective);
        let mapped = self.cache.borrow_mut().of(number, flattened, &workload, g, objective)?;
        let away = Away {
            input: !matches!(source, TensorPlace::Buffer(_)),
            output: !matches!(place, TensorPlace::Buffer(_)),
        };
        let free = state.space.largest();
        let plan = self.split(&workload, &mapped, away, free.len());
        let Some((mapping, buffer_mapping)) = plan else {
            if let TensorPlace::Buffer(base) = place {
                state.space.give(base..base + self.words(output));
            }
            let extra = (!away.output).then_some(output);
            return Err(self.no_room(state, extra, &layer.name, free.len()));
        };
        let Some(emitter) = emitter else {
            state.places[output] = Some(place);
            self.release(number, state);
            return Ok(());
        };
        let searched = mapped.mapping.searched;
        let (array, buffer) = (&mapping, &buffer_mapping);
        let described = Described { workload: &workload, flattened, array, buffer, away };
        state.mappings.push(MappedLayer { mapping: described.mapping(g), searched });
        let mut job = LayerJob {
            number,
            workload: &workload,
            occupancy: &mapped.occupancy,
            mapping: &mapping,
            buffer_mapping: &buffer_mapping,
            allocations: free.start,
            input: &source,
            other: other.as_ref(),
            output: &mut place,
        };
        emitter.layer(&mut job)?;
        state.places[output] = Some(place);
        self.release(number, state);
        Ok(())
    }

    /// Places the output of a layer.
    fn place(&self, output: usize, state: &mut State) -> Result<TensorPlace, Attempt> {
        if self.away.contains(&output) {
            let (shape, pieces) = (self.network.tensors[output], Vec::new());
            return Ok(TensorPlace::Dram(Layout { shape, pieces, order: None }));
        }
        let base = state.space.take(self.words(output));
        let victim = || self.victim(state, Some(output)).unwrap_or(output);
        Ok(TensorPlace::Buffer(base.ok_or_else(|| Attempt::Evict(victim()))?))
    }

    /// Next step if `room` words do not hold the allocations of a layer.
    fn no_room(&self, state: &State, extra: Option<usize>, layer: &str, room: usize) -> Attempt {
        let reason = || format!("{room} words of global buffer do not hold its smallest boxes");
        let failed = || MapError::NoSplit { layer: layer.into(), reason: reason() };
        self.victim(state, extra).map_or_else(|| Attempt::Failed(failed()), Attempt::Evict)
    }

    /// Frees the tensors that no later layer reads.
    fn release(&self, number: usize, state: &mut State) {
        let last = self.network.layers.last().map(|layer| layer.output);
        for tensor in 0..state.places.len() {
            let needed =
                self.network.layers[number + 1..].iter().any(|l| l.inputs().any(|t| t == tensor));
            if needed || Some(tensor) == last {
                continue;
            }
            if let Some(TensorPlace::Buffer(base)) = state.places[tensor] {
                state.space.give(base..base + self.words(tensor));
                state.places[tensor] = None;
            }
        }
    }

    /// Divides a layer so that its allocations fit `room` words.
    fn split(
        &self,
        workload: &Workload<'_>,
        mapped: &CachedLayer,
        away: Away,
        room: usize,
    ) -> Option<(ArrayMapping, BufferMapping)> {
        let g = self.geometry;
        let mapping = mapped.mapping.clone();
        let fit = |mapping: &ArrayMapping| {
            fit_buffer(workload, mapping, away, room, most(workload, mapping), g)
        };
        if let Some(buffer_mapping) = fit(&mapping) {
            return Some((mapping, buffer_mapping));
        }
        // The cheapest mapping whose allocations fit, as far as this is known before it is timed.
        let pixels = most(workload, &mapping);
        let fits =
            |other: &ArrayMapping| fit_buffer(workload, other, away, room, pixels, g).is_some();
        let objective = &self.options.objective;
        let other = search_where(workload, &mapped.occupancy, g, objective, &fits);
        let mapping = other.ok().filter(|mapping| fit(mapping).is_some());
        let mapping = mapping.or_else(|| smallest(workload, &mapped.occupancy, g))?;
        let buffer_mapping = fit_buffer(workload, &mapping, away, room, pixels, g)?;
        Some((mapping, buffer_mapping))
    }
}

/// Output pixels of a spatial tile, so that no kernel is too long: a channel tile, or a part of the pixels, takes about
/// its share of the cycles.
fn most(workload: &Workload<'_>, mapping: &ArrayMapping) -> [usize; 2] {
    let mut most = workload.axes.map(|axis| axis.output);
    let cycles = mapping.cycles as f64 / mapping.channel_tiles.len() as f64;
    while cycles / (workload.axes[0].output.div_ceil(most[0]) as f64) > LONGEST_KERNEL as f64
        && most[0] > 1
    {
        most[0] = most[0].div_ceil(2);
    }
    most
}
