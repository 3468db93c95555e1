//! `pecan estimate`: energy and latency of networks, by layer, component and kind of data.

mod goal;
mod rates;
mod subject;

use self::goal::Goal;
use std::path::{Path, PathBuf};

use pecan_ir::memory::MemoryModel;
use schemars::JsonSchema;
use serde::Serialize;

use super::data::DataArgs;
use super::metrics::Accelerator;
use super::network::NetworkArgs;
use super::shapes::ShapeArgs;
use super::simulate::Memory;
use super::{ConfigArgs, Context, Exit, Failure, RunArgs};
use crate::estimate::subject::{LayerDensity, Subject};
use pecan_energy::{EnergyError, MeasureError, Target, Technology};
use pecan_map::CostError;
use pecan_report::{Entry, Estimates, Report, html, text};
use pecan_simulate as simulate;

/// Estimate energy and latency of networks, by layer, component and kind of data
///
/// An ONNX model runs on the emulator of the hardware, with the activations of --data (without it, with random
/// inputs that are the same for the same seed). Of a topology file (.csv, layer shapes as SCALE-Sim has them) every
/// layer is planned by itself: counts are exact, what depends on values comes from the bundled network on the same
/// configuration, or on one with wider sums and larger buffers where it does not fit. Several models or technologies are compared with the first.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Networks in ONNX, or layer shapes (SCALE-Sim topology, .csv); several are compared
    #[arg(value_name = "MODEL", required_unless_present = "workload")]
    models: Vec<PathBuf>,
    /// Workload file (TOML) that names model, data and samples (may be repeated)
    #[arg(long, value_name = "FILE")]
    workload: Vec<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    shapes: ShapeArgs,
    /// Density of the weights of the layers whose names begin with NAME; the last that fits wins (may be repeated)
    #[arg(long, value_name = "NAME=D", help_heading = "Shapes (MODEL is a .csv)")]
    layer_density: Vec<LayerDensity>,
    /// Share of the activations that are not zero, 0 to 1
    #[arg(long, value_name = "D", default_value_t = 0.5, value_parser = super::shapes::density,
        help_heading = "Shapes (MODEL is a .csv)")]
    activation_density: f64,
    #[command(flatten)]
    accelerator: ConfigArgs,
    #[command(flatten)]
    estimation: EstimationArgs,
    #[command(flatten)]
    run: RunArgs,
}

/// How it is estimated.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Estimation")]
pub(crate) struct EstimationArgs {
    /// Technology: a name, or a file that `pecan calibrate` wrote (may be repeated: compared)
    #[arg(long, value_name = "NAME|FILE", default_value = DEFAULT_TECHNOLOGY)]
    pub(crate) technology: Vec<String>,
    /// Memory behind the streams: always ready, or the DRAM of the configuration
    #[arg(long, value_enum, default_value_t = Memory::Ideal)]
    pub(crate) memory: Memory,
    /// What the mapper minimizes, layer by layer
    #[arg(long, value_enum, default_value_t = Goal::Delay)]
    pub(crate) objective: Goal,
}

/// The default technology.
const DEFAULT_TECHNOLOGY: &str = "sg13g2";

impl From<EnergyError> for Failure {
    fn from(error: EnergyError) -> Self {
        Self::bad_input(error)
    }
}

impl From<CostError> for Failure {
    fn from(error: CostError) -> Self {
        Self::from_error(Exit::BadInput, error)
    }
}

impl From<MeasureError> for Failure {
    fn from(error: MeasureError) -> Self {
        Self::from_error(Exit::BadInput, error)
    }
}

/// Energy and latency of networks on the accelerator.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Metrics {
    /// The accelerator.
    accelerator: Accelerator,
    #[serde(flatten)]
    estimates: Estimates,
    /// The page that was written.
    report: String,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let config = args.accelerator.resolve()?;
    let technologies = args.estimation.technology.iter().map(|name| Technology::open(name));
    let technologies = technologies.collect::<Result<Vec<_>, _>>()?;
    let targets = technologies.iter().map(|technology| Target::new(&config, technology));
    let targets = targets.collect::<Result<Vec<_>, _>>()?;
    let subjects = args.subjects()?;
    let folder = args.run.open(context, &config)?;
    let memory = match args.estimation.memory {
        Memory::Ideal => MemoryModel::Ideal,
        Memory::Dram => simulate::memory_model(&config),
    };
    let bar = context.bar((subjects.len() * targets.len()) as u64, "networks");
    let goal = args.estimation.objective;
    let entries = entries(&subjects, &targets, goal, &memory, &|| bar.inc(1))?;
    bar.finish_and_clear();
    let memory = if args.estimation.memory == Memory::Ideal { "ideal" } else { "dram" };
    let objective = args.estimation.objective.name().to_owned();
    let report = Report { entries, objective, memory: memory.into() };
    report.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    let page = folder.write("report.html", html(&report))?;
    if !context.json() {
        context.print(&text(&report))?;
        context.print(&format!("Report: {}\n", page.display()))?;
    }
    let metrics = Metrics {
        accelerator: Accelerator::of(&config),
        estimates: Estimates::of(&report),
        report: page.display().to_string(),
    };
    folder.finish(context, &metrics)?;
    Ok(Exit::Done)
}

/// Estimates every subject for every target; `done` is called after each.
fn entries(
    subjects: &[Subject],
    targets: &[Target],
    goal: Goal,
    memory: &MemoryModel,
    done: &dyn Fn(),
) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    for (label, subject) in labels(subjects).iter().zip(subjects) {
        for target in targets {
            let (estimate, inputs) = subject.estimate(target, goal, memory)?;
            let label = if targets.len() > 1 {
                format!("{label}, {}", target.technology.name)
            } else {
                label.clone()
            };
            entries.push(Entry { label, target: target.clone(), estimate, inputs });
            done();
        }
    }
    Ok(entries)
}

impl Args {
    /// All subjects, read and checked before the first estimate.
    fn subjects(&self) -> Result<Vec<Subject>, Failure> {
        let mut subjects = Vec::new();
        let models = self.models.iter().map(|model| (Some(model.clone()), None));
        let workloads = self.workload.iter().map(|file| (None, Some(file.clone())));
        for (model, workload) in models.chain(workloads) {
            let network = NetworkArgs::of(model, workload, self.data.clone());
            let (path, data) = network.resolve()?;
            subjects.push(self.subject(&path, data)?);
        }
        Ok(subjects)
    }

    fn subject(&self, path: &Path, data: DataArgs) -> Result<Subject, Failure> {
        let Some(topology) = self.shapes.topology(path)? else {
            if let Some(flag) = self.layer_density.first() {
                let what = format!(
                    "--layer-density {flag} is for topology files (.csv), not for {}",
                    path.display()
                );
                return Err(Failure::said(Exit::Usage, what));
            }
            return Subject::model(path, &data, self.run.seed);
        };
        if data.data.is_some() {
            let what = "--data does not go with a topology file, which has shapes only";
            return Err(Failure::said(Exit::Usage, what));
        }
        if self.estimation.memory == Memory::Dram {
            let what = "--memory dram needs a network that can run: plans of a topology file know ideal memory only";
            return Err(Failure::said(Exit::Usage, what));
        }
        let density = self.shapes.density;
        Subject::shapes(topology, density, &self.layer_density, self.activation_density)
    }
}

/// Names of the subjects, made unique where they repeat.
fn labels(subjects: &[Subject]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for subject in subjects {
        let repeated = labels.iter().filter(|label| label.starts_with(subject.name())).count();
        let name = subject.name();
        labels.push(if repeated > 0 { format!("{name} #{}", repeated + 1) } else { name.into() });
    }
    labels
}
