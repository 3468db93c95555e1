//! Executes a network on RTL, emulator and integer reference.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pecan_config::Config;
use pecan_config::isa::counter::{Counter, Counters};
use pecan_emulator as emulator;
use pecan_ir::layer::{Network, Tensor};
use pecan_ir::memory::MemoryModel;
use pecan_ir::reference;
use pecan_verilator::harness::{Job, Outcome, RunResult, Settings, Stalls};
use pecan_verilator::{Simulator, WaveFormat};
use rayon::prelude::*;

use super::SimulateError;
use super::compare::{Difference, Opinion, compare, prefix};
use super::device::Device;
use super::report::{LayerReport, Report, Total};
use pecan_map::{Compiled, Options, compile};

/// A simulation to run, and how.
#[derive(Clone, Debug)]
pub struct Task<'a> {
    /// The accelerator.
    pub config: &'a Config,
    /// Model of its RTL.
    pub simulator: &'a Simulator,
    /// Memory behind the streams.
    pub memory: MemoryModel,
    /// Random back-pressure.
    pub stalls: Stalls,
    /// Worker threads and simulator processes.
    pub jobs: usize,
    /// Wall-clock limit of one simulator process.
    pub timeout: Option<Duration>,
    /// Choices of the mapper.
    pub mapper: Options,
}

/// Results of emulator and reference for one image.
struct Expected {
    reference: Tensor,
    emulator: Tensor,
    /// Counters of each layer.
    layers: Vec<Counters>,
    cycles: u64,
}

/// Results of the RTL for one image.
struct Measured {
    output: Tensor,
    layers: Vec<Counters>,
    cycles: u64,
    steps: u64,
}

/// One comparison of a layer's output: differing values of RTL and emulator, and the first difference.
struct Check {
    mismatches: u64,
    first: Option<Difference>,
}

/// Simulates a network on the quantized `inputs` and compares all results. `finished` is called for every image that
/// the RTL has finished. Returns the report and the RTL's output tensors.
///
/// # Errors
/// The network does not map, a tool fails, or a run does not end. Different results are not an error; they are in the
/// report.
pub fn run(
    task: &Task<'_>,
    network: &Network,
    inputs: &[Tensor],
    finished: &(dyn Fn() + Sync),
) -> Result<(Report, Vec<Tensor>), SimulateError> {
    if inputs.is_empty() {
        return Err(SimulateError::NoInput { network: network.name.clone() });
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(task.jobs)
        .build()
        .map_err(|error| SimulateError::Threads { jobs: task.jobs, problem: error.to_string() })?;
    let compiled = compile(network, task.config, &task.mapper)?;
    let expected = pool.install(|| task.expect(network, &compiled, inputs))?;
    let start = Instant::now();
    let measured = task.measure(network, &compiled, inputs, finished)?;
    let run_seconds = start.elapsed().as_secs_f64();
    let layer = network.layers.last().map_or("", |layer| layer.name.as_str());
    let checks = expected.iter().zip(&measured).enumerate();
    let checks: Vec<Check> =
        checks.map(|(image, (e, m))| Check::of(image, layer, e, &m.output)).collect();
    // The image for the comparison layer by layer.
    let suspect = checks.iter().position(|check| check.mismatches > 0).unwrap_or(0);
    let depth = network.layers.len() - 1;
    let mut by_layer = pool.install(|| {
        let check = |last| task.check_layer(network, last, suspect, &inputs[suspect]);
        (0..depth).into_par_iter().map(check).collect::<Result<Vec<_>, _>>()
    })?;
    let mismatches = checks.iter().map(|check| check.mismatches).sum();
    let first = checks.into_iter().find_map(|check| check.first);
    by_layer.push(Check { mismatches, first });
    let mut report = task.report(network, &compiled, &expected, &measured, by_layer);
    report.run_seconds = run_seconds;
    Ok((report, measured.into_iter().map(|m| m.output).collect()))
}

impl Check {
    fn of(image: usize, layer: &str, expected: &Expected, rtl: &Tensor) -> Self {
        let (reference, emulator) = (&expected.reference, &expected.emulator);
        let (a, rtl) = compare(Opinion::Rtl, image, layer, rtl, reference);
        let (b, emulator) = compare(Opinion::Emulator, image, layer, emulator, reference);
        Self { mismatches: a + b, first: rtl.or(emulator) }
    }
}

impl Task<'_> {
    /// Whether the prediction of every cycle is exact.
    fn exact(&self) -> bool {
        self.memory == MemoryModel::Ideal && self.stalls.input == 0.0 && self.stalls.output == 0.0
    }

    fn settings(&self) -> Settings {
        Settings {
            memory: self.memory,
            stalls: self.stalls,
            timeout: self.timeout,
            ..Settings::default()
        }
    }

    /// Executes emulator and reference on every image, in parallel.
    fn expect(
        &self,
        network: &Network,
        compiled: &Compiled,
        inputs: &[Tensor],
    ) -> Result<Vec<Expected>, SimulateError> {
        let device = || Device::new(self.config, compiled);
        let one = |device: &mut Device, (image, input): (usize, &Tensor)| {
            let mut tensors = reference::run(network, input)?;
            let last = network.layers.last().map_or(0, |layer| layer.output);
            let report = device.run(image, &compiled.encode_input(input), &self.memory)?;
            if report.outcome != emulator::Outcome::Done {
                return Err(SimulateError::Emulator {
                    network: network.name.clone(),
                    cycles: report.cycles,
                    outcome: report.outcome,
                });
            }
            Ok(Expected {
                reference: tensors.swap_remove(last),
                emulator: compiled.decode_output(&report.output),
                layers: report.layers(self.config.counters.bits),
                cycles: report.cycles,
            })
        };
        inputs.par_iter().enumerate().map_init(device, one).collect()
    }

    /// Executes the RTL on every image, in parallel processes.
    fn measure(
        &self,
        network: &Network,
        compiled: &Compiled,
        inputs: &[Tensor],
        finished: &(dyn Fn() + Sync),
    ) -> Result<Vec<Measured>, SimulateError> {
        let bytes: Vec<Vec<u8>> = inputs.iter().map(|t| compiled.encode_input(t)).collect();
        let job = Job {
            program: &compiled.program,
            later: compiled.later.as_ref().map(|later| &later.program),
            inputs: &bytes,
            settings: self.settings(),
        };
        let mut results = Vec::with_capacity(inputs.len());
        self.simulator.run_each(&job, self.jobs, &mut |image, run| {
            results.push(self.measured(network, compiled, image, &run));
            finished();
        })?;
        results.into_iter().collect()
    }

    fn measured(
        &self,
        network: &Network,
        compiled: &Compiled,
        image: usize,
        run: &RunResult,
    ) -> Result<Measured, SimulateError> {
        if run.outcome != Outcome::Done {
            return Err(SimulateError::Rtl {
                network: network.name.clone(),
                image,
                cycles: run.cycles,
                outcome: run.outcome,
            });
        }
        let values = |list: &[u64]| {
            let mut counters = Counters::default();
            counters.0.iter_mut().zip(list).for_each(|(to, from)| *to = *from);
            counters
        };
        let bits = self.config.counters.bits;
        let mut before = Counters::default();
        let difference = |now: Counters| {
            let layer = now.since(&before, bits);
            before = now;
            layer
        };
        let layers = run.layers.iter().map(|s| values(&s.counters)).map(difference).collect();
        let steps = values(&run.counters)[Counter::PeSteps];
        let output = compiled.decode_output(&run.output);
        Ok(Measured { output, layers, cycles: run.cycles, steps })
    }

    /// Checks the network cut off behind layer `last`, on one image.
    fn check_layer(
        &self,
        network: &Network,
        last: usize,
        image: usize,
        input: &Tensor,
    ) -> Result<Check, SimulateError> {
        let network = prefix(network, last);
        let compiled = compile(&network, self.config, &self.mapper)?;
        let inputs = std::slice::from_ref(input);
        let expected = self.expect(&network, &compiled, inputs)?;
        let alone = Task { jobs: 1, ..self.clone() };
        let measured = alone.measure(&network, &compiled, inputs, &|| ())?;
        let name = network.layers[last].name.as_str();
        Ok(Check::of(image, name, &expected[0], &measured[0].output))
    }

    fn report(
        &self,
        network: &Network,
        compiled: &Compiled,
        expected: &[Expected],
        measured: &[Measured],
        checks: Vec<Check>,
    ) -> Report {
        let lanes = self.config.multipliers() as f64 / self.config.array.lanes as f64;
        let mean = |values: &dyn Fn(usize) -> u64| mean(measured.len(), values);
        let mut layers = Vec::with_capacity(network.layers.len());
        for (number, layer) in network.layers.iter().enumerate() {
            let at = |list: &[Counters], k: usize| list.get(number).map_or(0, |c| c.0[k]);
            let (mut counters, mut predicted) = (Counters::default(), Counters::default());
            for k in 0..counters.0.len() {
                counters.0[k] = mean(&|image| at(&measured[image].layers, k));
                predicted.0[k] = mean(&|image| at(&expected[image].layers, k));
            }
            let shape = network.tensors[layer.output];
            let cycles = counters[Counter::Cycles].max(1) as f64;
            layers.push(LayerReport {
                name: layer.name.clone(),
                op: layer.kind.clone(),
                mapping: compiled.layers[number].mapping.clone(),
                macs: layer.macs(shape),
                nonzero_macs: layer.nonzero_macs(shape),
                other_operations: layer.other_operations(shape),
                copy: layer.is_copy(),
                counters,
                predicted,
                utilization: counters[Counter::PeSteps] as f64 / (lanes * cycles),
                mismatches: checks[number].mismatches,
            });
        }
        let cycles = mean(&|image| measured[image].cycles);
        let steps = mean(&|image| measured[image].steps) as f64;
        let total = Total {
            cycles,
            predicted_cycles: mean(&|image| expected[image].cycles),
            macs: layers.iter().map(|layer| layer.macs).sum(),
            nonzero_macs: layers.iter().map(|layer| layer.nonzero_macs).sum(),
            other_operations: layers.iter().map(|layer| layer.other_operations).sum(),
            mismatches: layers.iter().map(|layer| layer.mismatches).sum(),
            counter_mismatches: if self.exact() { differing(expected, measured) } else { 0 },
            utilization: steps / (lanes * cycles.max(1) as f64),
        };
        let sizes = network.layers.iter().map(|layer| network.tensors[layer.output].len() as u64);
        let last = expected.first().map_or(0, |e| e.reference.data.len() as u64);
        Report {
            layers,
            total,
            images: measured.len(),
            exact: self.exact(),
            difference: checks.into_iter().find_map(|check| check.first),
            accuracy: None,
            values_compared: sizes.sum::<u64>() + last * (measured.len() as u64 - 1),
            later_cycles: compiled
                .later
                .as_ref()
                .and_then(|_| Some([measured.first()?.cycles, measured.get(1)?.cycles])),
            simulated_cycles: measured.iter().map(|m| m.cycles).sum(),
            run_seconds: 0.0,
        }
    }
}

/// Mean of `values` of the first `count` images, rounded.
fn mean(count: usize, values: &dyn Fn(usize) -> u64) -> u64 {
    let sum: u128 = (0..count).map(|image| u128::from(values(image))).sum();
    let count = count.max(1) as u128;
    u64::try_from((sum + count / 2) / count).unwrap_or(u64::MAX)
}

/// Number of counters, over all layers and images, and of image cycles that differ from the prediction.
fn differing(expected: &[Expected], measured: &[Measured]) -> u64 {
    let image = |(e, m): (&Expected, &Measured)| {
        let pairs = e.layers.iter().zip(&m.layers);
        let counters = pairs.map(|(a, b)| a.0.iter().zip(&b.0).filter(|(a, b)| a != b).count());
        let absent = e.layers.len().abs_diff(m.layers.len());
        (counters.sum::<usize>() + absent + usize::from(e.cycles != m.cycles)) as u64
    };
    expected.iter().zip(measured).map(image).sum()
}

/// Writes the waveform of one image into `folder` and returns the file's path. The simulator must have been built with
/// waveform support.
///
/// # Errors
/// As [`run()`].
pub fn waveform(
    task: &Task<'_>,
    network: &Network,
    input: &Tensor,
    folder: &Path,
) -> Result<PathBuf, SimulateError> {
    let compiled = compile(network, task.config, &task.mapper)?;
    let extension = match task.simulator.wave {
        Some(WaveFormat::Vcd) => "vcd",
        _ => "fst",
    };
    let path = folder.join(format!("pecan.{extension}"));
    let inputs = [compiled.encode_input(input)];
    let settings = Settings { wave: Some(path.clone()), ..task.settings() };
    let job = Job { program: &compiled.program, later: None, inputs: &inputs, settings };
    for run in task.simulator.run(&job)? {
        task.measured(network, &compiled, 0, &run)?;
    }
    Ok(path)
}
