//! Estimates from real activations: the emulator executes every image.

use std::time::Instant;

use pecan_config::Config;
use pecan_config::isa::counter::{Counter, Counters};
use pecan_emulator::{Outcome, Report, Toggles};
use pecan_ir::layer::{Network, Tensor};
use pecan_ir::memory::MemoryModel;
use pecan_ir::program::ProgramError;
use pecan_ir::reference;
use pecan_ir::reference::NetworkError;
use rayon::prelude::*;

use super::floor::{self, Floor};
use super::{Estimate, LayerEstimate, Target};
use crate::{Breakdown, Events};
use pecan_map::{DataCounts, MapError, NetworkPlan, Options, compile, plan_network};
use pecan_simulate::Device;

/// Reasons why a network cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The network does not map.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The network contradicts itself, or an input does not fit it.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The program is malformed.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The program did not finish.
    #[error("the program of `{network}` ends with {outcome:?} after {cycles} cycles")]
    Unfinished {
        /// Name of the network.
        network: String,
        /// How it ended.
        outcome: Outcome,
        /// When.
        cycles: u64,
    },
    /// Counts of the emulator are not those of the plan.
    #[error("layer `{layer}`: {what} is {counted} in the emulator, {planned} in the plan")]
    Differs {
        /// Name of the layer.
        layer: String,
        /// Name of the count.
        what: &'static str,
        /// In the emulator.
        counted: u64,
        /// In the plan.
        planned: u64,
    },
    /// There is nothing to measure with.
    #[error("no input to measure with")]
    NoInput,
}

/// One layer of one image, or its mean over the images.
#[derive(Clone, Debug, Default)]
struct Sample {
    events: Events,
    dram_bits: [f64; 4],
    energy: Breakdown,
    nonzero_macs: f64,
    /// Compressed bits that have to be moved.
    floor_bits: f64,
}

/// Measurements of one image.
struct Image {
    layers: Vec<Sample>,
    cycles: u64,
}

/// Estimates a network from its runs on the emulator, with the given memory behind the streams: means per image.
///
/// # Errors
/// The network does not map, an input does not fit, or a run does not finish.
pub fn measure(
    target: &Target,
    network: &Network,
    inputs: &[Tensor],
    options: &Options,
    memory: &MemoryModel,
) -> Result<Estimate, MeasureError> {
    if inputs.is_empty() {
        return Err(MeasureError::NoInput);
    }
    let config = unwrapped(&target.config);
    let start = Instant::now();
    let plan = plan_network(network, &config, options)?;
    let mapping_time = start.elapsed();
    let compiled = compile(network, &config, options)?;
    let one = |(number, input): (usize, &Tensor)| {
        // A device per image: toggles depend on the earlier state of the device, and must not depend on the
        // distribution of images to threads.
        let mut device = Device::observed(&config, &compiled);
        let report = device.run(number, &compiled.encode_input(input), memory)?;
        let tensors = reference::run(network, input)?;
        image(target, network, &plan, &report, &tensors)
    };
    let images = inputs.par_iter().enumerate().map(one);
    let images: Vec<Image> = images.collect::<Result<_, MeasureError>>()?;
    let mut layers = Vec::with_capacity(network.layers.len());
    for (number, layer) in network.layers.iter().enumerate() {
        let sample = mean(&images, number);
        let output = network.tensors[layer.output];
        layers.push(LayerEstimate {
            name: layer.name.clone(),
            mapping: plan.layers[number].mapping.clone(),
            macs: plan.layers[number].macs,
            other_operations: layer.other_operations(output),
            copy: layer.is_copy(),
            events: sample.events,
            dram_bits: sample.dram_bits,
            energy: sample.energy,
            floor: Floor { nonzero_macs: sample.nonzero_macs, dram_bits: sample.floor_bits },
        });
    }
    let cycles = images.iter().map(|image| image.cycles as f64).sum::<f64>();
    Ok(Estimate {
        network: network.name.clone(),
        activity: format!("measured on {} images", images.len()),
        layers,
        cycles: cycles / images.len() as f64,
        searched: plan.searched(),
        mapping_time,
    })
}

/// The same hardware with counters that do not wrap. Nothing else depends on their width.
fn unwrapped(config: &Config) -> Config {
    let mut config = config.clone();
    config.counters.bits = 48;
    config
}

/// Counts and energies of an image.
fn image(
    target: &Target,
    network: &Network,
    plan: &NetworkPlan,
    report: &Report,
    tensors: &[Tensor],
) -> Result<Image, MeasureError> {
    if report.outcome != Outcome::Done {
        return Err(MeasureError::Unfinished {
            network: network.name.clone(),
            outcome: report.outcome,
            cycles: report.cycles,
        });
    }
    let g = target.model.geometry();
    let last = network.layers.len().saturating_sub(1);
    let mut samples = Vec::with_capacity(network.layers.len());
    let readings = report.layers(64).into_iter().zip(report.layer_toggles());
    for (number, (counters, toggles)) in readings.enumerate() {
        let (layer, planned) = (&network.layers[number], &plan.layers[number]);
        let mut sample = Sample::default();
        let data = traffic(&planned.data, &counters, &layer.name)?;
        sample.add(target, &counters, &toggles, &data);
        if number == last {
            let (counters, toggles) = closing(report);
            let data = traffic(&planned.closing_data, &counters, &layer.name)?;
            sample.add(target, &counters, &toggles, &data);
        }
        sample.nonzero_macs = floor::nonzero_macs(network, layer, tensors) as f64;
        let [weights, inputs, outputs, _] = sample.dram_bits;
        // Nothing where the weights stayed in the device.
        sample.floor_bits = floor::stored_bits(layer, g).min(weights);
        if number == 0 {
            sample.floor_bits += floor::tensor_bits(&tensors[0], g).min(inputs);
        }
        if number == last {
            sample.floor_bits += floor::tensor_bits(&tensors[layer.output], g).min(outputs);
        }
        samples.push(sample);
    }
    Ok(Image { layers: samples, cycles: report.cycles })
}

/// Counts after the last mark.
fn closing(report: &Report) -> (Counters, Toggles) {
    let Some(last) = report.snapshots.last() else { return (report.counters, report.toggles) };
    (report.counters.since(&last.counters, 64), report.toggles.since(&last.toggles))
}

/// The planned traffic of the first image, adapted to an image with these counters: later images find the weights in
/// the device and do not load them.
fn traffic(
    planned: &DataCounts,
    counters: &Counters,
    layer: &str,
) -> Result<DataCounts, MeasureError> {
    let mut data = *planned;
    if counters[Counter::WeightWrites] == 0 {
        (data.weight_beats, data.weight_writes) = (0, 0);
    }
    if counters[Counter::ParamWrites] == 0 {
        (data.param_beats, data.param_writes) = (0, 0);
    }
    let payload = data.weight_beats + data.param_beats + data.input_beats;
    data.command_beats = counters[Counter::BeatsIn].saturating_sub(payload);
    let same = [
        ("weight_buffer_reads", counters[Counter::WeightReads], data.weight_reads),
        ("weight_buffer_writes", counters[Counter::WeightWrites], data.weight_writes),
        (
            "global_buffer_reads",
            counters[Counter::BufferReads],
            data.input_reads + data.output_reads,
        ),
        (
            "global_buffer_writes",
            counters[Counter::BufferWrites],
            data.input_writes + data.output_writes,
        ),
        ("beats_out", counters[Counter::BeatsOut], data.output_beats),
    ];
    match same.into_iter().find(|(_, counted, planned)| counted != planned) {
        None => Ok(data),
        Some((what, counted, planned)) => {
            Err(MeasureError::Differs { layer: layer.into(), what, counted, planned })
        }
    }
}

impl Sample {
    fn add(&mut self, target: &Target, counts: &Counters, toggles: &Toggles, data: &DataCounts) {
        let events = Events::measured(counts, toggles);
        self.energy.add_all(&target.model.energy(&events, data));
        self.events.add(&events);
        let bits = data.dram_bits(target.model.geometry().stream_bits);
        self.dram_bits.iter_mut().zip(bits).for_each(|(to, from)| *to += from as f64);
    }
}

/// Mean of a layer over the images.
fn mean(images: &[Image], number: usize) -> Sample {
    let mut sum = Sample::default();
    for image in images {
        let Some(sample) = image.layers.get(number) else { continue };
        sum.events.add(&sample.events);
        sum.energy.add_all(&sample.energy);
        sum.dram_bits.iter_mut().zip(sample.dram_bits).for_each(|(to, from)| *to += from);
        sum.nonzero_macs += sample.nonzero_macs;
        sum.floor_bits += sample.floor_bits;
    }
    let count = images.len() as f64;
    let numbers = sum.events.counts.iter_mut().chain(&mut sum.events.toggles);
    let numbers = numbers.chain(sum.energy.table.iter_mut().flatten()).chain(&mut sum.dram_bits);
    numbers.chain([&mut sum.nonzero_macs, &mut sum.floor_bits]).for_each(|n| *n /= count);
    sum
}
