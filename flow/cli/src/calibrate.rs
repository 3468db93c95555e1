//! `pecan calibrate`: characterizes the hardware at gate level and fits a technology file.

use crate::process::ProcessArgs;
use std::path::PathBuf;

use pecan_host::tools::Finder;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Exit, Failure, RunArgs, RunFolder};
use pecan_calibrate::{
    CalibrateError, Calibration, HeldOut, Plan, Setup, calibrate, case_folder, csv, markdown,
};
use pecan_energy::{ComponentError, Fit, Technology};
use pecan_text::format::{grouped, percent};
use pecan_text::table::Table;

use pecan_config::Config;
use pecan_synth::SynthOptions;
use pecan_technologies::{File, find};

/// Characterize the hardware at gate level and fit its energy to a technology file
///
/// Configurations of a plan are synthesized; designed layers run on the RTL and, with the same pins, on the netlist,
/// whose energy is fitted to counters and toggles. Pieces of real layers on other configurations are
/// predicted and measured: the published error. Finished cases are kept: a run that was stopped goes on.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    process: ProcessArgs,
    /// What to characterize [default: the plan that is part of the program]
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Folder with the networks of the plan
    #[arg(long, value_name = "DIR", required_unless_present = "check")]
    networks: Option<PathBuf>,
    /// Print the error record of a technology file or of a built-in technology, and stop
    #[arg(long, value_name = "NAME|FILE")]
    check: Option<String>,
    /// Install nothing
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    run: RunArgs,
}

impl From<CalibrateError> for Failure {
    fn from(error: CalibrateError) -> Self {
        let exit = Exit::from_code(error.exit_code()).unwrap_or(Exit::BadInput);
        Self::from_error(exit, error)
    }
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    if let Some(name) = &args.check {
        return check(&Technology::open(name)?, &args, context);
    }
    let Some(networks) = args.networks.clone() else {
        return Err(Failure::said(
            Exit::Usage,
            "--networks names the folder of the plan's networks",
        ));
    };
    let process = args.process.process()?;
    let profile = find(&args.process.technology, File::Process)
        .map_err(|error| Failure::from_error(Exit::BadInput, error))?
        .text;
    let plan = match &args.plan {
        Some(path) => Plan::load(path)?,
        None => Plan::shipped()?,
    };
    let folder = args.run.open(context, &Config::default())?;
    let liberty = args.process.search();
    let setup = Setup {
        cases: case_folder(folder.path(), &process.name),
        process,
        synthesis: SynthOptions { liberty, offline: args.offline, ..SynthOptions::default() },
        finder: Finder::from_environment()?,
        plan,
        networks,
    };
    let bar = context.bar(setup.case_count() as u64, "layers x configurations");
    let finished = |case: &str| {
        tracing::debug!("measured {case}");
        bar.inc(1);
    };
    let calibration = calibrate(&setup, &finished)?;
    bar.finish_and_clear();
    conclude(&calibration, &profile, &folder, context)
}

/// Writes the technology as a folder, and its record for people.
fn conclude(
    calibration: &Calibration,
    profile: &str,
    folder: &RunFolder,
    context: &Context,
) -> Result<Exit, Failure> {
    let technology = &calibration.technology;
    let name = &technology.name;
    folder.write(format!("{name}/{}", File::Process.name()), profile)?;
    folder.write(format!("{name}/{}", File::Energy.name()), technology.to_toml()?)?;
    folder.write(format!("{name}/{}", File::HeldOut.name()), csv(&calibration.held_out))?;
    folder.write(format!("{name}.md"), markdown(calibration))?;
    if !context.json() {
        context.print(&format!("{}\n", table(technology)))?;
        context.print(&verdict(technology))?;
        if let Some(left) = &calibration.left_out {
            let list: String = left.components.iter().map(component).collect();
            context.print(&format!("fitted configurations in a fit to the others{list}\n"))?;
        }
    }
    let metrics = Metrics {
        calibrated: Some(Calibrated {
            layers_held_out: calibration.held_out.iter().map(LayerDocument::of).collect(),
            left_out: LeftOut {
                components: calibration.left_out.as_ref().map(|left| left.components.clone()),
            },
        }),
        ..Metrics::of(technology)
    };
    folder.finish(context, &metrics)?;
    Ok(Exit::Done)
}

/// Prints the record of a technology.
fn check(technology: &Technology, args: &Args, context: &Context) -> Result<Exit, Failure> {
    let folder = args.run.open(context, &Config::default())?;
    if !context.json() {
        context.print(&format!("{}: {}\n\n", technology.name, technology.source))?;
        context.print(&format!("{}\n", table(technology)))?;
        context.print(&verdict(technology))?;
    }
    folder.finish(context, &Metrics::of(technology))?;
    Ok(if technology.held_out.is_some() { Exit::Done } else { Exit::CheckFailed })
}

/// A technology with its errors.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Metrics {
    /// Name of the technology.
    technology: String,
    /// The fits of its blocks.
    components: Vec<FitDocument>,
    /// Errors on layers that the fit has not seen; null where they are not known.
    held_out: Option<HeldOutDocument>,
    #[serde(flatten)]
    calibrated: Option<Calibrated>,
}

/// The fit of one block and class.
#[derive(Debug, Serialize, JsonSchema)]
struct FitDocument {
    /// Block and class.
    name: String,
    /// Cases that were fitted.
    points: usize,
    /// Cases that were held out.
    held_out_points: usize,
    /// Mean relative error on the cases held out; null before they were measured.
    mean_error: Option<f64>,
    /// Largest relative error on the cases held out; null before they were measured.
    max_error: Option<f64>,
    /// Mean relative error on the fitted cases.
    fit_mean_error: f64,
}

/// Errors on layers that the fit has not seen.
#[derive(Debug, Serialize, JsonSchema)]
struct HeldOutDocument {
    /// Layers times configurations.
    points: usize,
    /// Configurations.
    configurations: usize,
    /// Mean relative error.
    mean_error: f64,
    /// Largest relative error.
    max_error: f64,
    /// The same for the components of a layer's energy.
    components: Vec<ComponentError>,
}

/// What a calibration adds to the technology.
#[derive(Debug, Serialize, JsonSchema)]
struct Calibrated {
    /// The layers that the fit has not seen.
    layers_held_out: Vec<LayerDocument>,
    /// Fitted configurations, each in a fit to the others.
    left_out: LeftOut,
}

/// Fitted configurations, each in a fit to the others.
#[derive(Debug, Serialize, JsonSchema)]
struct LeftOut {
    /// Errors by component; null where this was not asked for.
    components: Option<Vec<ComponentError>>,
}

/// A layer that the fit has not seen.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "HeldOutLayer")]
struct LayerDocument {
    /// Its network; empty for a layer by itself.
    network: String,
    /// Its name.
    layer: String,
    /// Name of the configuration.
    config: String,
    /// Clock cycles.
    cycles: u64,
    /// Energy by the model.
    predicted_pj: f64,
    /// Energy at gate level.
    gate_level_pj: f64,
    /// Energy at gate level without glitches.
    zero_delay_pj: f64,
    /// Relative error of the model.
    error: f64,
}

impl Metrics {
    fn of(technology: &Technology) -> Self {
        let fit = |fit: &Fit| FitDocument {
            name: format!("{}.{}", fit.block, fit.class),
            points: fit.points,
            held_out_points: fit.held_out_points,
            mean_error: fit.held_out_error.map(|error| error[0]),
            max_error: fit.held_out_error.map(|error| error[1]),
            fit_mean_error: fit.fit_error[0],
        };
        let held_out = technology.held_out.as_ref().map(|held_out| HeldOutDocument {
            points: held_out.points,
            configurations: held_out.configurations,
            mean_error: held_out.mean_error,
            max_error: held_out.max_error,
            components: held_out.components.clone(),
        });
        Self {
            technology: technology.name.clone(),
            components: technology.fits.iter().map(fit).collect(),
            held_out,
            calibrated: None,
        }
    }
}

impl LayerDocument {
    fn of(held_out: &HeldOut) -> Self {
        let (network, layer) = held_out.layer.split_once('/').unwrap_or(("", &held_out.layer));
        Self {
            network: network.to_owned(),
            layer: layer.to_owned(),
            config: held_out.config.clone(),
            cycles: held_out.cycles,
            predicted_pj: held_out.predicted,
            gate_level_pj: held_out.gate_level,
            zero_delay_pj: held_out.zero_delay,
            error: held_out.error(),
        }
    }
}

/// The blocks with their errors.
fn table(technology: &Technology) -> String {
    let head = ["block", "points", "fit mean", "fit worst", "held out", "mean", "worst"];
    let mut table = Table::new(&head);
    for fit in &technology.fits {
        let held_out = |k: usize| fit.held_out_error.map_or("-".into(), |e| percent(e[k]));
        table.row([
            format!("{} {}", fit.block, fit.class),
            grouped(fit.points as u64),
            percent(fit.fit_error[0]),
            percent(fit.fit_error[1]),
            grouped(fit.held_out_points as u64),
            held_out(0),
            held_out(1),
        ]);
    }
    table.render()
}

/// Mean and largest error of a component, in a list.
fn component(c: &ComponentError) -> String {
    format!(", {} {} ({})", c.name, percent(c.mean_error), percent(c.max_error))
}

fn verdict(technology: &Technology) -> String {
    match &technology.held_out {
        Some(h) => {
            format!(
                "{} layers on {} configurations that the fit has not seen: mean error {}, largest {}{}\n",
                h.points,
                h.configurations,
                percent(h.mean_error),
                percent(h.max_error),
                h.components.iter().map(component).collect::<String>(),
            )
        }
        None => "no held-out record: the errors of this file are not known\n".into(),
    }
}
