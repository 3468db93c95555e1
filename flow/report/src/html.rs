//! Estimates as one self-contained page: no script, no font, no image.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{Bar, Series, stacks};
use super::html_tables::{layer_table, matrix};
use super::roofline::roofline;
use super::{Entry, FLOOR, Report, provenance};
use pecan_energy::{Block, Breakdown, Data};
use pecan_text::format::grouped;
use pecan_text::format::{count, energy, percent, ratio};

/// A page around its content.
pub(super) fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content=(concat!("pecan ", env!("CARGO_PKG_VERSION")));
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                main {
                    (body)
                }
            }
        }
    };
    page.into_string()
}

/// The page.
#[must_use]
pub fn html(report: &Report) -> String {
    let title = report.entries.iter().map(|entry| entry.label.as_str()).collect::<Vec<_>>();
    let title = format!("Energy of {}", title.join(" and "));
    let body = html! {
        header {
            h1 { (title) }
            p {
                "Mapper: least " (report.objective) "; memory: " (report.memory) "; pecan "
                (env!("CARGO_PKG_VERSION"))
            }
        }
        (warnings(report))
        @if report.entries.len() > 1 { (comparison(report)) }
        @for (number, entry) in report.entries.iter().enumerate() { (one(number, entry)) }
        (provenance::section(report))
    };
    page(&title, &body)
}

fn warnings(report: &Report) -> Markup {
    let warnings = report.warnings();
    html! {
        @if !warnings.is_empty() {
            section class="warning" role="note" {
                h2 { "Outside what was calibrated" }
                ul { @for warning in &warnings { li { (warning) } } }
            }
        }
    }
}

/// All blocks as parts of bars.
fn blocks() -> Vec<Series> {
    Block::ALL.iter().map(|block| Series { key: block.name(), doc: block.doc() }).collect()
}

/// All kinds of data as parts of bars.
fn kinds() -> Vec<Series> {
    Data::ALL.iter().map(|data| Series { key: data.name(), doc: "" }).collect()
}

fn by_block(name: &str, breakdown: &Breakdown) -> Bar {
    let parts = Block::ALL.iter().map(|block| breakdown.block(*block)).collect();
    Bar { name: name.to_owned(), parts }
}

fn by_data(name: &str, breakdown: &Breakdown) -> Bar {
    Bar { name: name.to_owned(), parts: Data::ALL.iter().map(|d| breakdown.data(*d)).collect() }
}

/// All entries side by side.
fn comparison(report: &Report) -> Markup {
    let Some(first) = report.entries.first() else { return html! {} };
    let units_agree = report.entries.iter().all(|entry| entry.unit() == first.unit());
    let bars = |of: fn(&str, &Breakdown) -> Bar| -> Vec<Bar> {
        report.entries.iter().map(|e| of(&e.label, &e.estimate.breakdown())).collect()
    };
    html! {
        section {
            h2 { "Side by side" }
            div class="scroll" {
                table {
                    caption { "Per image; ratios are to the first." }
                    thead {
                        tr {
                            th scope="col" { "network" }
                            @for head in ["energy", "ratio", "cycles", "ratio", "EDP ratio", "MACs", "DRAM", "x floor"] {
                                th scope="col" { (head) }
                            }
                        }
                    }
                    tbody { @for entry in &report.entries { (compared(entry, first)) } }
                }
            }
            @if units_agree {
                h3 { "By component" }
                (stacks("all-blocks", "Energy of every network by component", &blocks(), &bars(by_block), first.unit()))
                h3 { "By kind of data" }
                (stacks("all-data", "Energy of every network by kind of data", &kinds(), &bars(by_data), first.unit()))
            } @else {
                p class="note" { "The technologies have different units, so energies are not drawn on one scale." }
            }
        }
    }
}

fn compared(entry: &Entry, first: &Entry) -> Markup {
    let (e, base) = (&entry.estimate, &first.estimate);
    let same = entry.unit() == first.unit();
    let of = |value: f64| if same { ratio(value) } else { "other unit".to_owned() };
    let traffic: f64 = e.layers.iter().map(|layer| layer.traffic()).sum();
    html! {
        tr {
            th scope="row" { (entry.label) }
            td { (energy(e.energy(), entry.unit())) }
            td { (of(e.energy() / base.energy())) }
            td { (grouped(e.cycles.round() as u64)) }
            td { (ratio(e.cycles / base.cycles)) }
            td { (of(e.edp() / base.edp())) }
            td { (count(e.macs() as f64)) }
            td { (count(traffic / 8.0)) "B" }
            td { (ratio(entry.floor().1)) }
        }
    }
}

/// Everything about one entry.
fn one(number: usize, entry: &Entry) -> Markup {
    let unit = entry.unit();
    let layers = &entry.estimate.layers;
    let bars = |of: fn(&str, &Breakdown) -> Bar| -> Vec<Bar> {
        layers.iter().map(|layer| of(&layer.name, &layer.energy)).collect()
    };
    html! {
        section {
            h2 { (entry.label) " on " (entry.config().name()) }
            p class="note" { (entry.inputs) "; " (entry.estimate.activity) }
            (tiles(entry))
            h3 { "Where the energy goes: by component" }
            (stacks(&format!("blocks-{number}"), "Energy of every layer by component", &blocks(), &bars(by_block), unit))
            h3 { "What it is spent for: by kind of data" }
            (stacks(&format!("data-{number}"), "Energy of every layer by kind of data", &kinds(), &bars(by_data), unit))
            h3 { "Roofline of the array" }
            p class="note" {
                "Solid: multipliers and the stream's width; dashed: the DRAM of the configuration, where it is slower. Numbers are \
                 those of the layers below. Pruned weights are skipped, so layers can lie above the roof of dense work."
            }
            (roofline(&format!("roofline-{number}"), entry))
            h3 { "Layers" }
            (layer_table(entry))
            h3 { "Components and kinds of data" }
            (matrix(entry))
        }
    }
}

fn tiles(entry: &Entry) -> Markup {
    let e = &entry.estimate;
    let (unit, total, breakdown) = (entry.unit(), e.energy(), e.breakdown());
    let time = e.cycles * entry.target.technology.period_ns;
    let (floor, over) = entry.floor();
    html! {
        div class="tiles" {
            div class="tile" { b { (energy(total, unit)) } span { "per image" } }
            div class="tile" { b { (energy(breakdown.on_chip(), unit)) } span { "of it on chip" } }
            div class="tile" {
                b { (grouped(e.cycles.round() as u64)) }
                span {
                    "cycles"
                    @if time > 0.0 { ", " (seconds(time)) " at a period of " (entry.target.technology.period_ns) " ns" }
                }
            }
            @if let Some(each) = e.energy_per_mac() {
                div class="tile" {
                    b { (energy(each, unit)) }
                    span { "per multiplication of the dense network" }
                }
            }
            div class="tile" title=(FLOOR) {
                b { (ratio(over)) } span { "the floor of " (energy(floor, unit)) }
            }
            div class="tile" {
                b { (percent(breakdown.block(Block::Dram) / total)) } span { "goes to DRAM" }
            }
        }
    }
}

/// A time given in ns.
fn seconds(ns: f64) -> String {
    // Three digits as for energies; only the unit differs.
    energy(1000.0 * ns, "pJ").replace('J', "s")
}
