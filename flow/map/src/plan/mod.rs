//! Predicts counts and cycles of a network on a configuration, without building its program.
//!
//! A plan comes from the same code as the program: the emitter passes its commands to the emulator's clock instead of
//! writing them. So counters and cycles equal those of the compiled program exactly.

pub(crate) mod compiled;
mod compiler;
mod describe;
pub(crate) mod job;
mod predict;
pub(crate) mod shapes;

use pecan_config::Config;
use pecan_config::geometry::Geometry;
use pecan_config::isa::counter::{Counter, Counters};
use pecan_emulator::{Reading, Traffic};
use pecan_ir::layer::{Layer, Network, Op};

use crate::cost::cache::MappingCache;
use crate::error::MapError;
use crate::mapping::Mapping;
use crate::options::Options;
use crate::plan::compiler::MappedLayer;
use crate::plan::job::{Job, check_widths};
use crate::space::array_mapping::Searched;
use crate::space::balance::balanced_orders;
use crate::space::density::Density;
use crate::space::orders::Orders;

/// Accesses of a part of a program by kind of data. Buffer words and beats are those of the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataCounts {
    /// Beats in: commands and their arguments.
    pub command_beats: u64,
    /// Weights: beats in.
    pub weight_beats: u64,
    /// Weights: entries written to weight buffers.
    pub weight_writes: u64,
    /// Weights: entries read from weight buffers.
    pub weight_reads: u64,
    /// Requantization parameters: beats in.
    pub param_beats: u64,
    /// Requantization parameters: channels written.
    pub param_writes: u64,
    /// Inputs: beats in.
    pub input_beats: u64,
    /// Inputs: words written from DRAM to the global buffer.
    pub input_writes: u64,
    /// Inputs: words that the loader reads from the global buffer.
    pub input_reads: u64,
    /// Outputs: words that the drain writes to the global buffer.
    pub output_writes: u64,
    /// Outputs: words read from the global buffer by stores.
    pub output_reads: u64,
    /// Outputs: beats out.
    pub output_beats: u64,
}

impl DataCounts {
    /// Bits that move between DRAM and device: weights and parameters, inputs, outputs, commands.
    #[must_use]
    pub fn dram_bits(&self, stream_bits: usize) -> [u64; 4] {
        let weights = self.weight_beats + self.param_beats;
        [weights, self.input_beats, self.output_beats, self.command_beats]
            .map(|beats| beats * stream_bits as u64)
    }

    fn of(counts: &Counters, traffic: &Traffic) -> Self {
        Self {
            command_beats: traffic.command_beats,
            weight_beats: traffic.weight_beats,
            weight_writes: counts[Counter::WeightWrites],
            weight_reads: counts[Counter::WeightReads],
            param_beats: traffic.param_beats,
            param_writes: counts[Counter::ParamWrites],
            input_beats: traffic.input_beats,
            input_writes: traffic.input_writes,
            input_reads: traffic.input_reads,
            output_writes: traffic.output_writes,
            output_reads: counts[Counter::BufferReads].saturating_sub(traffic.input_reads),
            output_beats: counts[Counter::BeatsOut],
        }
    }
}

/// Predicted counts and cycles of a layer, with ideal memory.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerPlan {
    /// Name of the layer.
    pub name: String,
    /// The mapping.
    pub mapping: Mapping,
    /// Counters between the layer's mark and the one before; those that depend on activations (active lanes,
    /// scratchpad reads) are 0. They do not wrap.
    pub counts: Counters,
    /// Cycles between the marks.
    pub cycles: u64,
    /// The counts by kind of data.
    pub data: DataCounts,
    /// Counts after the last layer's mark: the store of the network's output. 0 for other layers.
    pub closing: Counters,
    /// [`Self::closing`] by kind of data.
    pub closing_data: DataCounts,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Multiply-accumulates among them whose weight is not 0.
    pub nonzero_macs: u64,
    /// Additions and comparisons of a sum, an average, a copy or a maximum.
    pub other_operations: u64,
    /// Whether the layer only moves values (concatenation, padding).
    pub copy: bool,
    /// Extent of the search of its mapping.
    pub searched: Searched,
}

/// Predicted counts and cycles of a network, with the state that is needed to change one layer.
#[derive(Clone, Debug)]
pub struct NetworkPlan {
    /// The layers, in order.
    pub layers: Vec<LayerPlan>,
    /// Cycles of the whole program (of all programs, where layers are planned one by one).
    pub cycles: u64,
    pub(crate) parts: Vec<PlannedProgram>,
    pub(crate) config: Config,
    pub(crate) options: Options,
}

/// A program of its own in a plan.
#[derive(Clone, Debug)]
pub(crate) struct PlannedProgram {
    pub(crate) network: Network,
    cache: MappingCache,
    orders: Orders,
    cycles: u64,
}

/// Plans a network with its weights.
///
/// # Errors
/// As [`super::compile`].
pub fn plan_network(
    network: &Network,
    config: &Config,
    options: &Options,
) -> Result<NetworkPlan, MapError> {
    network.validate()?;
    let mut plan = NetworkPlan::empty(config, options);
    plan.append(network.clone())?;
    Ok(plan)
}

impl NetworkPlan {
    pub(crate) fn empty(config: &Config, options: &Options) -> Self {
        let (config, options) = (config.clone(), options.clone());
        Self { layers: Vec::new(), cycles: 0, parts: Vec::new(), config, options }
    }

    /// Plans a further program.
    ///
    /// # Errors
    /// As [`super::compile`].
    pub(crate) fn append(&mut self, network: Network) -> Result<(), MapError> {
        let (cache, orders) = (MappingCache::default(), Orders::default());
        let mut part = PlannedProgram { network, cache, orders, cycles: 0 };
        self.layers.extend(part.plan(&self.config, &self.options)?);
        self.cycles += part.cycles;
        self.parts.push(part);
        Ok(())
    }

    /// Sum over the layers, including the counts after the last mark.
    #[must_use]
    pub fn total(&self) -> Counters {
        let mut total = Counters::default();
        for counts in self.layers.iter().flat_map(|layer| [&layer.counts, &layer.closing]) {
            total.0.iter_mut().zip(counts.0).for_each(|(total, n)| *total += n);
        }
        total
    }

    /// Extent of all searches.
    #[must_use]
    pub fn searched(&self) -> Searched {
        let mut total = Searched::default();
        for Searched { bounded, timed } in self.layers.iter().map(|layer| layer.searched) {
            total.bounded += bounded;
            total.timed += timed;
        }
        total
    }

    /// The network that holds a layer of the plan, and the layer's number in it.
    #[must_use]
    pub fn layer(&self, index: usize) -> Option<(&Network, usize)> {
        let (part, first) = self.locate(index).ok()?;
        Some((&self.parts[part].network, index - first))
    }

    /// Density of the lists of layers without weights.
    #[must_use]
    pub fn density(&self) -> Density {
        self.options.density
    }

    /// Replaces a layer by one with other weights, requantization or window, between the same tensors. The mappings of
    /// all layers whose lists stay the same are kept. The program is timed again, as each layer loads beside the one
    /// before.
    ///
    /// # Errors
    /// There is no such layer, the network is inconsistent with it, or as [`super::compile`]; the plan then stays
    /// unchanged.
    pub fn replan(&mut self, index: usize, layer: Layer) -> Result<(), MapError> {
        let (part, first) = self.locate(index)?;
        let mut changed = self.parts[part].clone();
        let number = index - first;
        let old = std::mem::replace(&mut changed.network.layers[number], layer);
        let new = &changed.network.layers[number];
        if old.inputs().ne(new.inputs()) || old.output != new.output {
            return Err(MapError::Replan {
                layer: new.name.clone(),
                problem: "reads or writes other tensors than the layer in its place".into(),
            });
        }
        if !weightless(new) {
            changed.network.validate()?;
        }
        changed.cache.forget(number);
        self.exchange(part, first, changed)
    }

    /// The program that holds a layer, and the number of its first layer.
    pub(crate) fn locate(&self, index: usize) -> Result<(usize, usize), MapError> {
        let mut first = 0;
        for (number, part) in self.parts.iter().enumerate() {
            if index < first + part.network.layers.len() {
                return Ok((number, first));
            }
            first += part.network.layers.len();
        }
        let problem = format!("there are {first} layers");
        Err(MapError::Replan { layer: format!("#{index}"), problem })
    }

    /// Plans a program again and replaces another by it.
    ///
    /// # Errors
    /// As [`super::compile`].
    pub(crate) fn exchange(
        &mut self,
        number: usize,
        first: usize,
        mut part: PlannedProgram,
    ) -> Result<(), MapError> {
        let layers = part.plan(&self.config, &self.options)?;
        let mut planned = Self::empty(&self.config, &self.options);
        (planned.layers, planned.cycles) = (layers, part.cycles);
        planned.parts.push(part);
        self.put(number, first, planned);
        Ok(())
    }

    /// Replaces the program whose first layer is `first` by the only program of another plan.
    pub(crate) fn put(&mut self, number: usize, first: usize, other: Self) {
        for part in other.parts {
            self.cycles = self.cycles - self.parts[number].cycles + part.cycles;
            self.parts[number] = part;
        }
        self.layers.splice(first..first + other.layers.len(), other.layers);
    }
}

/// Whether a layer is a convolution without weights.
fn weightless(layer: &Layer) -> bool {
    matches!(&layer.op, Op::Conv(conv) if conv.weights.is_empty())
}

impl PlannedProgram {
    /// Predicts all layers; known mappings are kept.
    fn plan(&mut self, config: &Config, options: &Options) -> Result<Vec<LayerPlan>, MapError> {
        let geometry = Geometry::of(config);
        check_widths(&self.network, &geometry)?;
        let orders = balanced_orders(&self.network, &geometry, &mut self.cache.lengths);
        for (number, layer) in self.network.layers.iter().enumerate() {
            let mut tensors = layer.inputs().chain([layer.output]);
            if tensors.any(|tensor| orders.of(tensor) != self.orders.of(tensor)) {
                self.cache.forget_mapping(number);
            }
        }
        self.orders = orders;
        let job = Job { network: &self.network, config, geometry: &geometry, options };
        let (prediction, mapped) = job.predict(&mut self.cache)?;
        self.cycles = prediction.cycles;
        let mut before = Reading::default();
        let mut layers = Vec::with_capacity(mapped.len());
        for ((number, reading), mapped) in prediction.layers.iter().enumerate().zip(mapped) {
            layers.push(layer_plan(&self.network, number, [&before, reading], mapped, options));
            before = *reading;
        }
        if let Some(last) = layers.last_mut() {
            (last.closing, last.closing_data) = between(&before, &prediction.end);
        }
        Ok(layers)
    }
}

/// Counts from one reading to the next.
fn between(before: &Reading, after: &Reading) -> (Counters, DataCounts) {
    let counts = after.counters.since(&before.counters, 64);
    (counts, DataCounts::of(&counts, &after.traffic.since(&before.traffic)))
}

fn layer_plan(
    network: &Network,
    number: usize,
    [before, after]: [&Reading; 2],
    mapped: MappedLayer,
    options: &Options,
) -> LayerPlan {
    let (counts, data) = between(before, after);
    let (macs, nonzero_macs) = macs(network, number, options.density);
    LayerPlan {
        name: network.layers[number].name.clone(),
        mapping: mapped.mapping,
        cycles: counts[Counter::Cycles],
        counts,
        data,
        closing: Counters::default(),
        closing_data: DataCounts::default(),
        macs,
        nonzero_macs,
        other_operations: network.layers[number]
            .other_operations(network.tensors[network.layers[number].output]),
        copy: network.layers[number].is_copy(),
        searched: mapped.searched,
    }
}

/// Multiply-accumulates of a layer, and those whose weight is not 0.
fn macs(network: &Network, number: usize, density: Density) -> (u64, u64) {
    let layer = &network.layers[number];
    let [input, output] = [layer.input, layer.output].map(|tensor| network.tensors[tensor]);
    match &layer.op {
        Op::Conv(conv) if conv.weights.is_empty() => {
            let taps: usize = conv.window.kernel.iter().product();
            let per_output = taps * input.channels / conv.groups.max(1);
            let kept = (0..per_output).filter(|position| density.keeps(*position)).count();
            ((output.len() * per_output) as u64, (output.len() * kept) as u64)
        }
        _ => (layer.macs(output), layer.nonzero_macs(output)),
    }
}
