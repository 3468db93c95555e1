//! Estimates as members of `metrics.json`.

use pecan_config::isa::counter::Counter;
use pecan_emulator::Toggle;
use serde_json::{Map, Value, json};

use super::{Entry, FLOOR, Report};
use pecan_energy::{Block, Breakdown, Data, LayerEstimate, Technology};

/// The members of a document: those of the first entry, and, if there are more, all of them under `estimates` with
/// ratios to the first under `comparison`.
#[must_use]
pub fn report_json(report: &Report) -> Map<String, Value> {
    let mut document = Map::new();
    document.insert("objective".into(), report.objective.as_str().into());
    document.insert("memory".into(), report.memory.as_str().into());
    document.insert("warnings".into(), report.warnings().into());
    let Some(first) = report.entries.first() else { return document };
    document.extend(estimate_json(first));
    if report.entries.len() > 1 {
        let all = report.entries.iter().map(|entry| Value::Object(estimate_json(entry)));
        document.insert("estimates".into(), all.collect());
        let one = (first.estimate.energy(), first.estimate.cycles, first.estimate.edp());
        let compare = |entry: &Entry| {
            let e = &entry.estimate;
            let comparable = entry.unit() == first.unit();
            let ratio = |value: f64, base: f64| (comparable && base > 0.0).then(|| value / base);
            json!({
                "label": entry.label, "energy_ratio": ratio(e.energy(), one.0),
                "latency_ratio": e.cycles / one.1.max(1.0), "edp_ratio": ratio(e.edp(), one.2),
            })
        };
        document.insert("comparison".into(), report.entries.iter().map(compare).collect());
    }
    document
}

/// The members of one estimate.
///
/// `energy_pj` is null where the technology's unit is not pJ; `energy` is in the unit that `technology.unit` names.
#[must_use]
pub fn estimate_json(entry: &Entry) -> Map<String, Value> {
    let estimate = &entry.estimate;
    let (floor, over) = entry.floor();
    let work = estimate.floor();
    let breakdown = estimate.breakdown();
    let mut members = Map::new();
    let mut member = |key: &str, value: Value| members.insert(key.into(), value);
    member("label", entry.label.as_str().into());
    member("network", estimate.network.as_str().into());
    member("inputs", entry.inputs.as_str().into());
    member("activity", estimate.activity.as_str().into());
    member(
        "total",
        json!({
            "energy_pj": picojoules(entry, estimate.energy()), "energy": estimate.energy(),
            "energy_on_chip": breakdown.on_chip(), "latency_cycles": estimate.cycles,
            "edp": estimate.edp(), "macs": estimate.macs(), "other_operations": estimate.other_operations(),
            "energy_per_mac": estimate.energy_per_mac(),
            "mac_energy_per_multiplication": estimate.multiplication_energy(),
            "by_component": by_component(&breakdown), "by_data": by_data(&breakdown),
        }),
    );
    member(
        "floor",
        json!({
            "energy": floor, "ratio": over, "nonzero_macs": work.nonzero_macs,
            "dram_bits": work.dram_bits, "definition": FLOOR,
        }),
    );
    member("layers", estimate.layers.iter().map(|layer| layer_json(entry, layer)).collect());
    member("technology", technology_json(&entry.target.technology));
    member(
        "mapper",
        json!({
            "mappings_evaluated": estimate.searched.bounded, "mappings_timed": estimate.searched.timed,
            "seconds": estimate.mapping_time.as_secs_f64(),
        }),
    );
    members
}

/// A value in pJ, if the technology has this unit.
fn picojoules(entry: &Entry, value: f64) -> Value {
    if entry.unit() == "pJ" { value.into() } else { Value::Null }
}

fn layer_json(entry: &Entry, layer: &LayerEstimate) -> Value {
    let total = layer.energy.total();
    let [weights, inputs, outputs, commands] = layer.dram_bits;
    let counters = Counter::ALL.iter().map(|c| (c.key().to_owned(), layer.events.count(*c).into()));
    let toggles = Toggle::ALL.iter().map(|t| (t.key().to_owned(), layer.events.toggle(*t).into()));
    json!({
        "name": layer.name, "mapping": layer.mapping.to_string(), "mapping_detail": layer.mapping,
        "energy_pj": picojoules(entry, total), "energy": total, "cycles": layer.cycles(),
        "macs": layer.macs, "nonzero_macs": layer.floor.nonzero_macs, "other_operations": layer.other_operations,
        "by_component": by_component(&layer.energy), "by_data": by_data(&layer.energy),
        "dram_bits": {
            "weights": weights, "inputs": inputs, "outputs": outputs, "commands": commands,
        },
        "counters": counters.collect::<Map<_, _>>(), "toggles": toggles.collect::<Map<_, _>>(),
    })
}

fn by_component(breakdown: &Breakdown) -> Value {
    let blocks = Block::ALL.iter().map(|b| (b.name().to_owned(), breakdown.block(*b).into()));
    Value::Object(blocks.collect())
}

fn by_data(breakdown: &Breakdown) -> Value {
    let kinds = Data::ALL.iter().map(|d| (d.name().to_owned(), breakdown.data(*d).into()));
    Value::Object(kinds.collect())
}

fn technology_json(technology: &Technology) -> Value {
    let residual = technology.held_out.as_ref().map(|held_out| {
        json!({
            "points": held_out.points, "configurations": held_out.configurations,
            "mean_error": held_out.mean_error, "max_error": held_out.max_error,
        })
    });
    json!({
        "name": technology.name, "unit": technology.unit, "origin": technology.origin,
        "source": technology.source, "residual": residual, "period_ns": technology.period_ns,
        "assumptions": technology.assumptions, "tools": technology.tools,
        "liberty_hash": technology.liberty_hash,
    })
}
