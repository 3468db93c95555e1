//! `pecan prune`: energy-aware pruning of a network for the accelerator.

use std::time::Instant;

use clap::builder::{PossibleValue, PossibleValuesParser};
use indicatif::ProgressBar;

use super::network::NetworkArgs;
use super::prune_data::TuningArgs;
use super::prune_output::{self, Finished, Found};
use super::run::import;
use super::{ConfigArgs, Context, Exit, Failure, RunArgs};
use crate::energy::{Target, Technology};
use crate::net::onnx::Model;
use crate::prune::{
    self, Bounds, Checkpoint, Dense, Event, Key, PruneError, REGISTRY, Rule, Schedule, Setting,
};
use crate::train::{self, Augmentation, Quantization, TrainError};

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
    /// Write what went in each round, and why, to decisions.csv
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
    /// Highest learning rate
    #[arg(long, value_name = "RATE", default_value_t = train::Settings::default().learning_rate)]
    learning_rate: f64,
    /// Trainings after a round's own while the accuracy is too low
    #[arg(long, value_name = "N", default_value_t = Schedule::default().patience)]
    patience: usize,
    /// Changes of the inputs: flip, shift:PIXELS (separated by commas)
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = augmentation)]
    augment: Vec<Augmentation>,
}

fn augmentation(text: &str) -> Result<Augmentation, String> {
    match text.split_once(':') {
        None if text == "flip" => Ok(Augmentation::Flip),
        Some(("shift", pixels)) => match pixels.parse::<usize>() {
            Ok(pixels) if pixels > 0 => Ok(Augmentation::Shift(pixels)),
            _ => Err("allowed: a number of pixels above 0 behind shift:".into()),
        },
        _ => Err("allowed: flip, shift:PIXELS".into()),
    }
}

fn methods() -> PossibleValuesParser {
    REGISTRY.iter().map(|rule| PossibleValue::new(rule.name).help(rule.doc)).into()
}

fn points(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=100.0).contains(&value) => Ok(value),
        _ => Err("allowed: 0 to 100 points".into()),
    }
}

fn margin(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=10.0).contains(&value) => Ok(value),
        _ => Err("allowed: 0 to 10 standard errors".into()),
    }
}

/// A bound: a number, or a share of the dense network's.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Budget {
    Absolute(f64),
    Share(f64),
}

impl std::str::FromStr for Budget {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| match text.parse::<f64>() {
            Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
            _ => Err("allowed: a number above 0, or a percentage such as 40%".to_owned()),
        };
        match text.strip_suffix('%') {
            Some(share) => Ok(Self::Share(number(share)? / 100.0)),
            None => Ok(Self::Absolute(number(text)?)),
        }
    }
}

impl Budget {
    fn of(self, dense: f64) -> f64 {
        match self {
            Self::Absolute(value) => value,
            Self::Share(share) => share * dense,
        }
    }
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

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let started = Instant::now();
    let config = args.accelerator.resolve()?;
    let technology = Technology::open(&args.technology)?;
    let (path, data) = args.network.resolve()?;
    let model = Model::read(&path)?;
    let graph = import(&model, false)?;
    let seed = args.run.seed;
    let (split, inputs, origin) = args.samples.load((&args.network, &data), &graph, seed)?;
    let folder = args.run.open(context, &config)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.run.jobs()).build();
    let pool = pool.map_err(|error| Failure::from_error(Exit::ToolFailed, error))?;
    pool.install(|| {
        let mut setting = args.setting(Target::new(&config, &technology)?, split, &inputs);
        let dense = Dense::new(&setting, &graph)?;
        let unit = &setting.target.technology.unit;
        tracing::info!(
            "dense: {:.2} % on {} validation samples, {:.0} {unit} and {:.0} cycles per image",
            100.0 * dense.validation.accuracy(),
            setting.data.validation.inputs.len(),
            dense.estimate.energy(),
            dense.estimate.cycles
        );
        setting.bounds.energy = args.energy_budget.map(|b| b.of(dense.estimate.energy()));
        setting.bounds.cycles = args.latency_budget.map(|b| b.of(dense.estimate.cycles));
        let key = key(&setting, &model, &origin)?;
        let checkpoint = Checkpoint::new(&folder.path().join("state"), key);
        let mut found = Vec::new();
        for rule in args.rules() {
            let mut watcher = Watcher::new(context, rule, args.explain);
            let mut copy = import(&model, false)?;
            let outcome =
                prune::prune(&setting, &dense, rule, &mut copy, Some(&checkpoint), &mut |event| {
                    watcher.see(event);
                })?;
            if let Some(decisions) = watcher.finish() {
                folder.write(format!("decisions-{}.csv", rule.name), decisions)?;
            }
            found.push(Found::new(&setting, outcome, copy)?);
        }
        let finished = Finished {
            setting: &setting,
            dense: &dense,
            dense_test: prune::answers(&dense.quantized, &setting.data.test)?,
            found,
            origin,
            seconds: started.elapsed().as_secs_f64(),
        };
        prune_output::write(context, &folder, (&path, &model), &finished)?;
        Ok(if finished.missed().is_some() { Exit::CheckFailed } else { Exit::Done })
    })
}

impl Args {
    fn setting(&self, target: Target, data: prune::Split, inputs: &super::data::Inputs) -> Setting {
        let training = &self.training;
        let widths = super::run::bits(&target.config);
        let tuning = train::Settings {
            epochs: training.epochs,
            batch: training.batch,
            learning_rate: training.learning_rate,
            augmentation: training.augment.clone(),
            quantization: Some(Quantization { widths, calibration: inputs.method }),
            seed: self.run.seed,
            ..train::Settings::default()
        };
        let schedule = Schedule {
            step: self.step,
            rounds: self.rounds,
            patience: training.patience,
            ..Schedule::default()
        };
        let bounds = Bounds {
            accuracy_drop: self.max_accuracy_drop / 100.0,
            margin: self.margin,
            energy: None,
            cycles: None,
        };
        Setting {
            target,
            mapper: crate::map::Options::default(),
            calibration: inputs.method,
            images: data.calibration.len().min(IMAGES),
            data,
            tuning,
            bounds,
            schedule,
        }
    }

    /// The method, and those that it is compared with.
    fn rules(&self) -> Vec<&'static Rule> {
        let chosen = |rule: &&Rule| rule.name == self.method;
        let others = REGISTRY.iter().filter(|rule| self.compare && !chosen(rule));
        REGISTRY.iter().filter(chosen).chain(others).collect()
    }
}

/// Images that energy is measured on.
const IMAGES: usize = 4;

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

/// Shows how far a method is.
struct Watcher {
    bar: ProgressBar,
    rule: &'static str,
    round: usize,
    decisions: Option<String>,
}

impl Watcher {
    fn new(context: &Context, rule: &Rule, explain: bool) -> Self {
        let head = "round,layer,output,input,weights,loss,saved\n";
        let decisions = explain.then(|| head.to_owned());
        Self { bar: context.bar(1, rule.name), rule: rule.name, round: 0, decisions }
    }

    fn see(&mut self, event: &Event<'_>) {
        match event {
            Event::Round(round, goal) => {
                self.round = *round;
                tracing::debug!("{}, round {round}: towards {goal:.0}", self.rule);
            }
            Event::Tuning(progress) => {
                self.bar.set_length(progress.steps as u64);
                self.bar.set_position(progress.step as u64);
                self.bar.set_message(format!(
                    "{}, round {}: loss {:.3}, accuracy {:.1} %",
                    self.rule,
                    self.round,
                    progress.loss,
                    100.0 * progress.accuracy
                ));
            }
            Event::Scored(point) => tracing::info!(
                "{}, round {}: {:.2} % at {:.0} (predicted {:.0}), {:.0} cycles, density {:.3}{}",
                self.rule,
                point.round,
                100.0 * point.accuracy,
                point.energy,
                point.predicted,
                point.cycles,
                point.density,
                if point.good { "" } else { ": too much lost" }
            ),
            Event::Removed(round, reasons) => {
                let Some(text) = &mut self.decisions else { return };
                for r in *reasons {
                    let saved = r.saved.map(|saved| format!("{saved:.3}")).unwrap_or_default();
                    let number = |n: Option<usize>| n.map(|n| n.to_string()).unwrap_or_default();
                    let place =
                        [r.layer.clone(), number(r.output), number(r.input), r.weights.to_string()];
                    let place = place.join(",");
                    text.push_str(&format!("{round},{place},{:e},{saved}\n", r.loss));
                }
            }
        }
    }

    fn finish(self) -> Option<String> {
        self.bar.finish_and_clear();
        self.decisions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_numbers_or_shares() {
        assert_eq!("40%".parse(), Ok(Budget::Share(0.4)));
        assert_eq!("1e6".parse(), Ok(Budget::Absolute(1e6)));
        assert_eq!(Budget::Share(0.5).of(10.0), 5.0);
        for wrong in ["", "-1", "0", "nan", "x%"] {
            assert!(wrong.parse::<Budget>().is_err(), "{wrong}");
        }
    }
}
