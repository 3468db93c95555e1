//! Estimates as text.

use super::{Entry, FLOOR, LIMITS, Report};
use pecan_energy::{Block, Data, Technology};
use pecan_text::format::grouped;
use pecan_text::format::{count, energy, percent, ratio};
use pecan_text::table::Table;

/// The report as text.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for entry in &report.entries {
        text += &one(entry);
        text.push('\n');
    }
    if report.entries.len() > 1 {
        text += &comparison(report);
        text.push('\n');
    }
    for warning in report.warnings() {
        text += &format!("Outside what was calibrated: {warning}.\n");
    }
    text += &format!(
        "Mapper: least {}, memory {}. Floor: {FLOOR}.\n{LIMITS}\n",
        report.objective, report.memory
    );
    text
}

fn one(entry: &Entry) -> String {
    let estimate = &entry.estimate;
    let technology = &entry.target.technology;
    let unit = entry.unit();
    let total = estimate.energy();
    let mut text = format!(
        "{} on {} in {}\n{}; {}\n\n",
        entry.label,
        entry.config().name(),
        technology.name,
        entry.inputs,
        estimate.activity
    );
    text += &layers(entry);
    let breakdown = estimate.breakdown();
    let mut components = Table::new(&["component", "energy", "share"]);
    for block in Block::ALL.iter().filter(|block| breakdown.block(**block) > 0.0) {
        let value = breakdown.block(*block);
        components.row([block.name().into(), energy(value, unit), percent(value / total)]);
    }
    let mut data = Table::new(&["for", "energy", "share"]);
    for kind in Data::ALL {
        let value = breakdown.data(*kind);
        data.row([kind.name().into(), energy(value, unit), percent(value / total)]);
    }
    text += &format!("\n{}\n{}", components.render(), data.render());
    let (floor, over) = entry.floor();
    let work = estimate.floor();
    text += &format!(
        "\n{} per image ({} without DRAM), {} cycles{}.\n\
         Floor: {} ({} nonzero multiplications, {} bits of DRAM): {} of it is spent.\n\
         Search: {} mappings, {} of them timed, {:.1} ms.\n{}\n",
        energy(total, unit),
        energy(breakdown.on_chip(), unit),
        grouped(estimate.cycles.round() as u64),
        per_mac(entry),
        energy(floor, unit),
        count(work.nonzero_macs),
        count(work.dram_bits),
        ratio(over),
        grouped(estimate.searched.bounded),
        grouped(estimate.searched.timed),
        1e3 * estimate.mapping_time.as_secs_f64(),
        technology_text(&entry.target.technology),
    );
    text
}

/// Energy per multiplication as a clause; empty where a network has none.
fn per_mac(entry: &Entry) -> String {
    let value = entry.estimate.energy_per_mac();
    value.map_or(String::new(), |value| {
        format!(", {} per multiplication of the dense network", energy(value, entry.unit()))
    })
}

/// Source of the energies of a technology, and their errors.
#[must_use]
pub fn technology_text(technology: &Technology) -> String {
    let source = technology.source.trim_end_matches('.');
    let held_out = match &technology.held_out {
        Some(h) => format!(
            "error on {} layers in {} configurations that the fit has not seen: {} mean, {} worst",
            h.points,
            h.configurations,
            percent(h.mean_error),
            percent(h.max_error)
        ),
        None => "its error on unseen layers is not known".into(),
    };
    format!("Energies of `{}`: {} ({source}); {held_out}.", technology.name, technology.origin)
}

fn layers(entry: &Entry) -> String {
    let unit = entry.unit();
    let total = entry.estimate.energy();
    let mut table =
        Table::new(&["layer", "MACs", "nonzero", "cycles", "energy", "share", "per MAC", "DRAM"]);
    for layer in &entry.estimate.layers {
        let own = layer.energy.total();
        table.row([
            layer.name.clone(),
            if layer.copy { "copy".into() } else { grouped(layer.macs) },
            grouped(layer.floor.nonzero_macs.round() as u64),
            grouped(layer.cycles().round() as u64),
            energy(own, unit),
            percent(own / total),
            if layer.macs > 0 { energy(own / layer.macs as f64, unit) } else { String::new() },
            format!("{}B", count(layer.traffic() / 8.0)),
        ]);
    }
    table.render()
}

/// All entries side by side, with ratios to the first.
fn comparison(report: &Report) -> String {
    let Some(first) = report.entries.first() else { return String::new() };
    let mut table = Table::new(&[
        "compared",
        "energy",
        "ratio",
        "cycles",
        "ratio",
        "EDP ratio",
        "MACs",
        "weights",
        "inputs",
        "outputs",
        "compute",
        "overhead",
        "x floor",
    ]);
    for entry in &report.entries {
        let (e, base) = (&entry.estimate, &first.estimate);
        let breakdown = e.breakdown();
        let same = |value: String| {
            if entry.unit() == first.unit() { value } else { "other unit".into() }
        };
        let mut row = vec![
            entry.label.clone(),
            energy(e.energy(), entry.unit()),
            same(ratio(e.energy() / base.energy())),
            grouped(e.cycles.round() as u64),
            ratio(e.cycles / base.cycles),
            same(ratio(e.edp() / base.edp())),
            grouped(e.macs()),
        ];
        row.extend(Data::ALL.iter().map(|kind| energy(breakdown.data(*kind), entry.unit())));
        row.push(ratio(entry.floor().1));
        table.row(row);
    }
    table.render()
}
