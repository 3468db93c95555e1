//! `pecan check`: which nodes of a network run on the accelerator, and how its layers map.

use std::path::Path;

use pecan_config::Config;
use pecan_config::isa::counter::Counter;
use pecan_ir::layer::Network;
use schemars::JsonSchema;
use serde::Serialize;

use super::against::{Against, AgainstArgs, compare};
use super::data::Inputs;
use super::metrics::Accelerator;
use super::network::NetworkArgs;
use super::run::{bits, import, quantize_for};
use super::shapes::ShapeArgs;
use super::{ConfigArgs, Context, Exit, Failure, RunArgs};
use pecan_map::{LayerMapping, LayerPlan, Mapping, Options, compile, plan_network};
use pecan_net::graph::{Finding, Graph, check};
use pecan_net::onnx::Model;
use pecan_net::op::UNKNOWN;
use pecan_net::quantize::{calibrate_by, extract};
use pecan_net::rewrite::known;
use pecan_text::format::{grouped, percent};
use pecan_text::table::Table;

/// List every node of a network: whether the accelerator runs it, why not, and how it maps
///
/// Ends with exit code 1 if a node is not supported or a layer does not map. Of a topology file (.csv, layer
/// shapes as SCALE-Sim has them) every layer is mapped by itself, for evenly spread weights of the density;
/// whether sums fit the accumulator depends on the weights and is not looked at.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    shapes: ShapeArgs,
    #[command(flatten)]
    accelerator: ConfigArgs,
    #[command(flatten)]
    against: AgainstArgs,
    #[command(flatten)]
    run: RunArgs,
}

/// How a layer maps.
pub(super) struct Mapped {
    /// Name of the layer, or of what takes its place: the whole network.
    pub(super) name: String,
    /// The mapping, or the reason why there is none.
    pub(super) result: Result<LayerMapping, String>,
}

/// What was found out about a network.
struct Checked<'a> {
    /// File of the network.
    model: &'a Path,
    /// Its nodes; none for a topology file.
    findings: &'a [Finding],
    mapped: &'a [Mapped],
    against: Option<Against>,
}

/// The nodes of a network and how its layers map.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Metrics {
    /// The accelerator.
    accelerator: Accelerator,
    /// The file of the network.
    model: String,
    /// Whether every node is supported.
    supported: bool,
    /// Whether every node is supported and every layer maps.
    maps: bool,
    /// The nodes.
    nodes: Vec<Finding>,
    /// The layers; where each maps but not the whole network, the last one says why.
    layers: Vec<LayerDocument>,
    /// The comparison with another program; null where none is asked for or nodes are not supported.
    against: Option<Against>,
}

/// How a layer maps, or why it does not.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CheckLayer")]
struct LayerDocument {
    /// Name.
    name: String,
    /// Whether it maps.
    maps: bool,
    #[serde(flatten)]
    mapped: Option<MappedDocument>,
    /// Reason why it does not map.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The mapping of a layer that maps.
#[derive(Debug, Serialize, JsonSchema)]
struct MappedDocument {
    /// The mapping as a sentence.
    mapping: String,
    /// The mapping.
    mapping_detail: Mapping,
    /// Whether the layer only moves values (concatenation, padding).
    copy: bool,
    /// Clock cycles per image.
    predicted_cycles: u64,
    /// Share of the array's lane-cycles in which a list entry is processed.
    utilization: f64,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let config = args.accelerator.resolve()?;
    let (path, data) = args.network.resolve()?;
    if let Some(topology) = args.shapes.topology(&path)? {
        let mapped = args.shapes.plan(&topology, &config);
        if args.against.against.is_some() {
            let what = "--against does not go with a topology file, which has shapes only";
            return Err(Failure::said(Exit::Usage, what));
        }
        let checked = Checked { model: &path, findings: &[], mapped: &mapped, against: None };
        return conclude(&args, context, &config, checked);
    }
    let model = Model::read(&path)?;
    let imported = import(&model, true);
    let findings = imported.as_ref().map_or_else(|_| check(&model), Graph::check);
    let good = findings.iter().all(|finding| finding.supported);
    let broken = findings.iter().any(|finding| finding.op == "Graph" && !finding.supported);
    let graph = if broken { None } else { Some(imported?) };
    // A network beyond a limit is not executed either, not even layer by layer.
    let graph = graph.filter(|graph| graph.limit().is_none());
    let (mut mapped, mut against) = (Vec::new(), None);
    if let Some(graph) = graph {
        let inputs = data.load(&graph, args.run.seed)?;
        mapped = map(&graph, &inputs, &config, good)?;
        if args.against.against.is_some() && !good {
            tracing::warn!("nodes are not supported: the network is not compared");
        } else if args.against.against.is_some() {
            against = Some(compare(context, &path, &model, &graph, &inputs, &config)?);
        }
    }
    let checked = Checked { model: &path, findings: &findings, mapped: &mapped, against };
    conclude(&args, context, &config, checked)
}

/// Prints and writes the result.
fn conclude(
    args: &Args,
    context: &Context,
    config: &Config,
    checked: Checked<'_>,
) -> Result<Exit, Failure> {
    let Checked { model, findings, mapped, against } = checked;
    let good = findings.iter().all(|finding| finding.supported);
    let fits = mapped.iter().all(|layer| layer.result.is_ok());
    let folder = args.run.open(context, config)?;
    if !context.json() {
        let name = model.display();
        context.print(&describe(&format!("{name} on {}", config.name()), findings, mapped))?;
        if let Some(against) = &against {
            context.print(&against.describe())?;
        }
    }
    let metrics = Metrics {
        accelerator: Accelerator::of(config),
        model: model.display().to_string(),
        supported: good,
        maps: fits && good,
        nodes: findings.to_vec(),
        layers: mapped.iter().map(LayerDocument::of).collect(),
        against,
    };
    folder.finish(context, &metrics)?;
    Ok(if good && fits { Exit::Done } else { Exit::CheckFailed })
}

/// A layer of a plan.
pub(super) fn mapped(layer: LayerPlan, config: &Config) -> LayerMapping {
    let LayerPlan { name, copy, mapping, counts, cycles, .. } = layer;
    let elements = (config.array.rows * config.array.cols) as f64;
    let utilization = counts[Counter::PeSteps] as f64 / (elements * cycles.max(1) as f64);
    LayerMapping { name, copy, mapping, counters: counts, cycles, utilization }
}

/// Maps a network of one layer.
fn map_single(network: &Network, config: &Config) -> Mapped {
    let name = network.layers.first().map(|l| l.name.clone()).unwrap_or_default();
    let mapping = compile(network, config, &Options::default());
    let mapping = mapping.map_err(|error| error.to_string());
    let result = mapping.and_then(|c| c.layers.into_iter().next().ok_or("no layer".into()));
    Mapped { name, result }
}

/// Maps the network, or, if it cannot be executed as a whole, each layer that can; the last entry then is the reason
/// why the whole does not map.
fn map(
    graph: &Graph,
    inputs: &Inputs,
    config: &Config,
    whole: bool,
) -> Result<Vec<Mapped>, Failure> {
    let mut obstacle = None;
    if whole {
        let network = quantize_for(graph, inputs, config)?.network;
        // The program itself is not wanted.
        match plan_network(&network, config, &Options::default()) {
            Ok(plan) => {
                let layers = plan.layers.into_iter().map(|layer| mapped(layer, config));
                let named = |l: LayerMapping| Mapped { name: l.name.clone(), result: Ok(l) };
                return Ok(layers.map(named).collect());
            }
            Err(error) => {
                let result = Err(error.to_string());
                obstacle = Some(Mapped { name: "the whole network".into(), result });
            }
        }
    }
    let calibration: Vec<&[f32]> = inputs.calibration.iter().map(Vec::as_slice).collect();
    let ranges = calibrate_by(graph, &calibration, inputs.method)?;
    let layers = extract(graph, &ranges, bits(config))?;
    let layers = layers.iter().map(|layer| map_single(&layer.quantized.network, config));
    Ok(layers.chain(obstacle).collect())
}

impl LayerDocument {
    fn of(Mapped { name, result }: &Mapped) -> Self {
        let document = |layer: &LayerMapping| MappedDocument {
            mapping: layer.mapping.to_string(),
            mapping_detail: layer.mapping.clone(),
            copy: layer.copy,
            predicted_cycles: layer.cycles,
            utilization: layer.utilization,
        };
        Self {
            name: name.clone(),
            maps: result.is_ok(),
            mapped: result.as_ref().ok().map(document),
            reason: result.as_ref().err().cloned(),
        }
    }
}

fn describe(title: &str, findings: &[Finding], mapped: &[Mapped]) -> String {
    let mut nodes = Table::new(&["node", "op", "supported", "remark"]);
    for Finding { node, op, supported, reason } in findings {
        let word = if *supported { "yes" } else { "NO" };
        nodes.row([node.clone(), op.clone(), word.into(), reason.clone()]);
    }
    let mut layers = Table::new(&["layer", "cycles", "utilization", "mapping"]);
    for Mapped { name, result } in mapped {
        match result {
            Ok(layer) => layers.row([
                name.clone(),
                grouped(layer.cycles),
                percent(layer.utilization),
                if layer.copy { "copy, " } else { "" }.to_owned() + &layer.mapping.to_string(),
            ]),
            Err(reason) => {
                layers.row([name.clone(), String::new(), String::new(), format!("NO: {reason}")]);
            }
        }
    }
    let bad = findings.iter().filter(|f| !f.supported).count();
    let unmapped = mapped.iter().filter(|layer| layer.result.is_err()).count();
    let verdict = match (bad, unmapped) {
        (0, 0) => "Everything runs on the accelerator.".to_owned(),
        (0, n) => format!(
            "{n} of {} lines of the mapping say why the network does not map.",
            mapped.len()
        ),
        (n, 0) => format!(
            "{n} of {} nodes are not supported; `pecan simulate --layers` runs the other layers one by one.",
            findings.len()
        ),
        (n, m) => format!("{n} nodes are not supported and {m} layers do not map."),
    };
    let unknown = findings.iter().any(|f| !f.supported && f.reason == UNKNOWN);
    let list = if unknown { format!("\nKnown operators: {}.", known()) } else { String::new() };
    // A topology file has no nodes.
    let nodes = if findings.is_empty() { String::new() } else { nodes.render() + "\n" };
    format!("{title}\n\n{nodes}{}\n{verdict}{list}\n", layers.render())
}
