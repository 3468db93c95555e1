//! `pecan prune`: energy-aware pruning of a network for the accelerator.

mod data;
mod methods;
mod metrics;
mod output;
mod report;
mod values;
mod watch;

use std::sync::Arc;
use std::time::Instant;

use super::network::NetworkArgs;
use super::run::import;
use super::{ConfigArgs, Context, Exit, Failure, RunArgs};
use crate::prune::data::TuningArgs;
use crate::prune::methods::Comparison;
pub(crate) use crate::prune::metrics::Metrics;
use crate::prune::output as prune_output;
use crate::prune::output::Finished;
use crate::prune::values::{Budget, augmentation, margin, methods, penalty, points, width};
use pecan_energy::{Target, Technology};
use pecan_net::onnx::Model;
use pecan_net::quantize::Options;
use pecan_prune as prune;
use pecan_prune::{
    Bounds, Checkpoint, Criterion, Dense, Key, PruneError, REGISTRY, Schedule, Setting,
};
use pecan_text::format::energy;
use pecan_train as train;
use pecan_train::{Augmentation, Distillation, Quantization, TrainError};

/// Prune a network so that it costs less energy on the accelerator, at the same accuracy
///
/// Weights are removed round by round, the rest is refit and tuned on data, and the integer network, which is what the
/// hardware computes bit for bit, decides on samples of its own whether the accuracy holds. Written are the pruned
/// network (ONNX, and ONNX with quantization), masks, the compiled program and a report. A run that was stopped goes
/// on behind its last finished round if it is started again with the same arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    samples: TuningArgs,
    #[command(flatten)]
    accelerator: ConfigArgs,
    /// Technology: a name, or a file that `pecan calibrate` wrote
    #[arg(long, value_name = "NAME|FILE", default_value = "sg13g2", help_heading = "Pruning")]
    technology: String,
    /// How to choose what goes
    #[arg(long, value_name = "NAME", default_value = prune::DEFAULT.name, value_parser = methods(), help_heading = "Pruning")]
    method: String,
    /// Run all other methods as well, with the same data and the same training, and compare
    #[arg(long, help_heading = "Pruning")]
    compare: bool,
    /// Largest loss of accuracy against the dense integer network, in points
    #[arg(long, value_name = "POINTS", default_value_t = 1.0, value_parser = points, help_heading = "Pruning")]
    max_accuracy_drop: f64,
    /// Standard errors of the loss (of its estimate on the validation samples) that are added before it is compared
    #[arg(long, value_name = "N", default_value_t = 0.5, value_parser = margin, help_heading = "Pruning")]
    margin: f64,
    /// Stop at this energy per image: a number in the technology's unit, or a share of the dense network's such as 40%
    #[arg(long, value_name = "ENERGY", help_heading = "Pruning")]
    energy_budget: Option<Budget>,
    /// Stop at so many cycles per image: a number, or a share of the dense network's such as 40%
    #[arg(long, value_name = "CYCLES", help_heading = "Pruning")]
    latency_budget: Option<Budget>,
    /// Most rounds
    #[arg(long, value_name = "N", default_value_t = Schedule::default().rounds, help_heading = "Pruning")]
    rounds: usize,
    /// Share of the energy that a round leaves
    #[arg(long, value_name = "SHARE", default_value_t = Schedule::default().step, value_parser = super::shapes::density,
        help_heading = "Pruning")]
    step: f64,
    /// Widths of weights to choose from, by --method pecan: 4, 8, 16 (separated by commas) [default: that of the
    /// configuration]
    #[arg(long, value_name = "BITS", value_delimiter = ',', value_parser = width, help_heading = "Pruning")]
    weight_bits: Vec<usize>,
    /// Widths of activations to choose from, likewise
    #[arg(long, value_name = "BITS", value_delimiter = ',', value_parser = width, help_heading = "Pruning")]
    activation_bits: Vec<usize>,
    /// Images that energy is measured on, the first of the calibration samples [default: 4, or all if there are fewer]
    #[arg(long, value_name = "N", help_heading = "Pruning", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    energy_images: Option<u64>,
    /// Write what went in each round, and why, to decisions-METHOD.csv
    #[arg(long, help_heading = "Pruning")]
    explain: bool,
    #[command(flatten)]
    training: TrainingArgs,
    #[command(flatten)]
    run: RunArgs,
}

/// How it is tuned after each round.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Training")]
struct TrainingArgs {
    /// How often every tuning sample is used in a round
    #[arg(long, value_name = "N", default_value_t = 2.0)]
    epochs: f64,
    /// Samples of one step
    #[arg(long, value_name = "N", default_value_t = train::Settings::default().batch)]
    batch: usize,
    /// Highest learning rate: size of a step against the weights of a tensor (root mean square)
    #[arg(long, value_name = "RATE", default_value_t = train::Settings::default().learning_rate)]
    learning_rate: f64,
    /// Share of the dense network's outputs in what is learnt, 0 to 1; the rest is the labels'
    #[arg(long, value_name = "SHARE", default_value_t = train::Distillation::default().share,
        value_parser = super::shapes::density)]
    teacher: f64,
    /// Trainings after a round's own while the accuracy is too low
    #[arg(long, value_name = "N", default_value_t = Schedule::default().patience)]
    patience: usize,
    /// Weight in the loss of the multiplications that activations cause, by --method pecan; 0: none
    #[arg(long, value_name = "WEIGHT", default_value_t = Schedule::default().activation_penalty, value_parser = penalty)]
    activation_penalty: f64,
    /// Changes of the inputs: flip, shift:PIXELS (separated by commas)
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = augmentation)]
    augment: Vec<Augmentation>,
}

impl From<PruneError> for Failure {
    fn from(error: PruneError) -> Self {
        Self::from_error(Exit::BadInput, error)
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        Self::from_error(Exit::BadInput, error)
    }
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let started = Instant::now();
    let config = args.accelerator.resolve()?;
    let technology = Technology::open(&args.technology)?;
    let (path, data) = args.network.resolve()?;
    let model = Model::read(&path)?;
    let graph = import(&model, false)?;
    let seed = args.run.seed;
    let (split, inputs, origin) = args.samples.load(&args.network, &data, &graph, seed)?;
    let folder = args.run.open(context, &config)?;
    let mut setting = args.setting(Target::new(&config, &technology)?, split, &inputs)?;
    let dense = Dense::new(&setting, &graph)?;
    let unit = &setting.target.technology.unit;
    tracing::info!(
        "dense: {:.2} % on {} validation samples, {} and {:.0} cycles per image",
        100.0 * dense.validation.accuracy(),
        setting.data.validation.inputs.len(),
        energy(dense.estimate.energy(), unit),
        dense.estimate.cycles
    );
    setting.bounds.energy = args.energy_budget.map(|b| b.of(dense.estimate.energy()));
    setting.bounds.cycles = args.latency_budget.map(|b| b.of(dense.estimate.cycles));
    let key = key(&setting, &model, &origin)?;
    let checkpoint = Checkpoint::new(&folder.path().join("state"), key);
    let contest = Comparison {
        context,
        folder: &folder,
        setting: &setting,
        model: &model,
        dense: &dense,
        checkpoint: &checkpoint,
        widths: &args.widths(setting.widths()),
        explain: args.explain,
    };
    let found = contest.run(&args.rules(), &args.run)?;
    let finished = Finished {
        setting: &setting,
        dense: &dense,
        dense_test: prune::answers(&dense.quantized, &setting.data.test)?,
        found,
        origin,
        seconds: started.elapsed().as_secs_f64(),
    };
    prune_output::write(context, &folder, &path, &model, &finished)?;
    Ok(if finished.missed().is_some() { Exit::CheckFailed } else { Exit::Done })
}

impl Args {
    fn setting(
        &self,
        target: Target,
        data: prune::Split,
        inputs: &super::data::Inputs,
    ) -> Result<Setting, Failure> {
        let training = &self.training;
        let widths = super::run::bits(&target.config);
        let tuning = train::Settings {
            epochs: training.epochs,
            batch: training.batch,
            learning_rate: training.learning_rate,
            distillation: Some(Distillation { share: training.teacher, ..Distillation::default() }),
            augmentation: training.augment.clone(),
            quantization: Some(Quantization { widths, calibration: inputs.method }),
            seed: self.run.seed,
            ..train::Settings::default()
        };
        let schedule = Schedule {
            step: self.step,
            rounds: self.rounds,
            patience: training.patience,
            activation_penalty: training.activation_penalty,
            ..Schedule::default()
        };
        let bounds = Bounds {
            accuracy_drop: self.max_accuracy_drop / 100.0,
            margin: self.margin,
            energy: None,
            cycles: None,
        };
        Ok(Setting {
            target,
            mapper: pecan_map::Options::default(),
            calibration: inputs.method,
            images: images(self.energy_images, data.calibration.len())?,
            data: Arc::new(data),
            tuning,
            bounds,
            schedule,
        })
    }

    /// All combinations of the widths to choose from.
    fn widths(&self, own: Options) -> Vec<Options> {
        let or_own = |given: &[usize], own: usize| match given {
            [] => vec![own],
            given => given.to_vec(),
        };
        let weights = or_own(&self.weight_bits, own.weight_bits);
        let activations = or_own(&self.activation_bits, own.activation_bits);
        let mut all = Vec::new();
        for activation_bits in activations {
            for weight_bits in weights.iter().copied() {
                let widths = Options { activation_bits, weight_bits };
                if !all.contains(&widths) {
                    all.push(widths);
                }
            }
        }
        all
    }

    /// The method, and those to compare it with.
    fn rules(&self) -> Vec<&'static Criterion> {
        let chosen = |rule: &&Criterion| rule.name == self.method;
        let others = REGISTRY.iter().filter(|rule| self.compare && !chosen(rule));
        REGISTRY.iter().filter(chosen).chain(others).collect()
    }
}

/// Default number of images for measuring energy.
const IMAGES: usize = 4;

/// The number of images for measuring energy.
fn images(asked: Option<u64>, there: usize) -> Result<usize, Failure> {
    match asked.map(usize::try_from) {
        None => Ok(there.min(IMAGES)),
        Some(Ok(images)) if images <= there => Ok(images),
        _ => {
            let asked = asked.unwrap_or_default();
            let what = format!("--energy-images {asked}: there are {there} calibration samples");
            Err(Failure::said(Exit::BadInput, what))
        }
    }
}

/// Hash over everything that decides the result.
fn key(setting: &Setting, model: &Model, origin: &str) -> Result<Key, Failure> {
    use prost::Message;
    let mut hash = blake3::Hasher::new();
    hash.update(&model.proto.encode_to_vec());
    let fail = |error| Failure::from_error(Exit::BadInput, error);
    let parts = [
        serde_json::to_vec(&setting.tuning),
        serde_json::to_vec(&(setting.bounds, setting.schedule, setting.images)),
        serde_json::to_vec(&setting.target.config.to_json()),
        serde_json::to_vec(&(
            setting.target.technology.to_toml()?,
            origin,
            env!("CARGO_PKG_VERSION"),
        )),
    ];
    for part in parts {
        hash.update(&part.map_err(fail)?);
    }
    let data = &setting.data;
    let inputs = [&data.calibration, &data.tuning.inputs, &data.validation.inputs];
    for value in inputs.into_iter().flatten().flatten() {
        hash.update(&value.to_le_bytes());
    }
    Ok(Key(*hash.finalize().as_bytes()))
}
