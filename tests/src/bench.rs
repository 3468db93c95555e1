//! The RTL of one configuration under Verilator, compared with emulator and integer reference.

use anyhow::{Context, Result, bail, ensure};
use pecan_config::Config;
use pecan_config::isa::counter::{Counter, Counters};
use pecan_emulator as emulator;
use pecan_emulator::Emulator;
use pecan_ir::layer::{Network, Tensor};
use pecan_ir::memory::MemoryModel;
use pecan_ir::reference;
use pecan_map::{Compiled, LayerMapping, Options, compile};
use pecan_simulate::simulator;
use pecan_verilator::Simulator;
use pecan_verilator::harness::{Job, Outcome, RunResult, Settings};

/// A simulator of one configuration.
pub struct Bench {
    /// The configuration.
    pub config: Config,
    /// Its RTL.
    pub simulator: Simulator,
}

impl Bench {
    /// Emits the RTL and builds the simulator, or takes it from the cache.
    ///
    /// # Errors
    /// The design is refused or a tool is missing or fails.
    pub fn new(config: &Config) -> Result<Self> {
        let simulator = simulator(config, false, false, &|line| eprintln!("{line}"))
            .with_context(|| format!("building {}", config.name()))?;
        Ok(Self { config: config.clone(), simulator })
    }

    /// Compiles a network and compares RTL, emulator and reference on each input, with every counter of every layer.
    /// With ideal memory and no stalls the cycles must be equal too, with DRAM within 2 %.
    ///
    /// # Errors
    /// The network cannot be compiled, a tool fails, or results differ: the first difference.
    pub fn check(
        &self,
        network: &Network,
        inputs: &[Tensor],
        settings: &Settings,
    ) -> Result<Checked> {
        let compiled = compile(network, &self.config, &Options::default())?;
        let bytes: Vec<Vec<u8>> = inputs.iter().map(|t| compiled.encode_input(t)).collect();
        let later = compiled.later.as_ref().map(|later| &later.program);
        let (program, settings_of_job) = (&compiled.program, settings.clone());
        let job = Job { program, later, inputs: &bytes, settings: settings_of_job };
        let runs = self.simulator.run(&job)?;
        ensure!(runs.len() == inputs.len(), "{} runs for {} inputs", runs.len(), inputs.len());
        let mut emulator = Emulator::new(&self.config);
        let mut checked = Checked {
            mappings: compiled.layers.clone(),
            resident: compiled.later.is_some(),
            ..Checked::default()
        };
        for (k, (run, input)) in runs.iter().zip(inputs).enumerate() {
            let executed = Executed { compiled: &compiled, image: k, input, run };
            let output = self
                .check_run(network, &executed, &mut emulator, settings)
                .with_context(|| format!("{} input {k} on {}", network.name, self.config.name()))?;
            checked.outputs.push(output);
            checked.cycles += run.cycles;
        }
        Ok(checked)
    }

    fn check_run(
        &self,
        network: &Network,
        executed: &Executed<'_>,
        emulator: &mut Emulator,
        settings: &Settings,
    ) -> Result<Tensor> {
        let Executed { compiled, image, input, run } = *executed;
        // The emulator has executed the images before.
        let later = compiled.later.as_ref().filter(|_| image > 0).map(|later| &later.program);
        let mut program = later.unwrap_or(&compiled.program).clone();
        let range = program.input.range();
        program.dram[range].copy_from_slice(&compiled.encode_input(input));
        let expected = emulator.run_with(&program, &settings.memory)?;
        ensure!(expected.outcome == emulator::Outcome::Done, "emulator: {:?}", expected.outcome);
        ensure!(!expected.lists_overwritten, "a list is overwritten while a run walks it");
        let tensors = reference::run(network, input)?;
        let Some(last) = tensors.last() else { bail!("no layer") };
        compare_tensors("emulator", &compiled.decode_output(&expected.output), last)?;
        ensure!(run.outcome == Outcome::Done, "RTL: {:?}", run.outcome);
        let output = compiled.decode_output(&run.output);
        compare_tensors("RTL", &output, last)?;
        if settings.stalls.input > 0.0 || settings.stalls.output > 0.0 {
            return Ok(output);
        }
        let (rtl, model) = (run.cycles as f64, expected.cycles as f64);
        ensure!((rtl / model - 1.0).abs() <= 0.02, "{rtl} cycles, predicted {model}");
        if matches!(settings.memory, MemoryModel::Ideal) {
            ensure!(run.layers.len() == expected.snapshots.len(), "layers: {}", run.layers.len());
            for (layer, (rtl, model)) in
                network.layers.iter().zip(run.layers.iter().zip(&expected.snapshots))
            {
                compare_counters(&layer.name, &rtl.counters, &model.counters)?;
            }
            compare_counters("end", &run.counters, &expected.counters)?;
        }
        Ok(output)
    }
}

/// An image that the RTL has executed.
struct Executed<'a> {
    compiled: &'a Compiled,
    /// Number of the image; the weights may be in the device already from the second one on.
    image: usize,
    input: &'a Tensor,
    run: &'a RunResult,
}

/// Results of a check in which everything agreed.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The RTL's outputs.
    pub outputs: Vec<Tensor>,
    /// Cycles of all runs.
    pub cycles: u64,
    /// Whether the weights stay in the device between images.
    pub resident: bool,
    /// Mapping of each layer.
    pub mappings: Vec<LayerMapping>,
}

fn compare_counters(what: &str, rtl: &[u64], model: &Counters) -> Result<()> {
    for (counter, value) in Counter::ALL.iter().zip(rtl) {
        ensure!(
            *value == model[*counter],
            "{what}: counter {} is {value} in the RTL, {} in the emulator\nRTL      {rtl:?}\nemulator {:?}",
            counter.key(),
            model[*counter],
            model.0,
        );
    }
    Ok(())
}

fn compare_tensors(who: &str, got: &Tensor, expected: &Tensor) -> Result<()> {
    ensure!(got.shape == expected.shape, "{who}: shape {:?}, not {:?}", got.shape, expected.shape);
    let shape = expected.shape;
    for (i, (a, b)) in got.data.iter().zip(&expected.data).enumerate() {
        let (x, y, c) =
            (i % shape.width, i / shape.width % shape.height, i / shape.width / shape.height);
        ensure!(a == b, "{who}: channel {c}, row {y}, column {x}: {a}, reference {b}");
    }
    Ok(())
}
