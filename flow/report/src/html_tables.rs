//! Tables of the page.

use maud::{Markup, html};

use super::{Entry, LIMITS};
use pecan_energy::{Block, Data};
use pecan_text::format::grouped;
use pecan_text::format::{count, energy, percent};

/// One layer on a line.
pub(super) fn layer_table(entry: &Entry) -> Markup {
    let e = &entry.estimate;
    let (unit, total) = (entry.unit(), e.energy());
    let head = [
        "layer",
        "MACs",
        "nonzero",
        "cycles",
        "MACs / cycle",
        "energy",
        "share",
        "per MAC",
        "DRAM",
    ];
    html! {
        div class="scroll" {
            table {
                caption { "Energy by layer; nonzero multiplications have no operand that is 0." }
                thead {
                    tr {
                        th scope="col" { "#" }
                        @for head in head { th scope="col" class=[(head == "layer").then_some("left")] { (head) } }
                    }
                }
                tbody {
                    @for (number, layer) in e.layers.iter().enumerate() {
                        @let own = layer.energy.total();
                        tr {
                            td { (number + 1) }
                            th scope="row" class="left" { (layer.name) small { (layer.mapping) } }
                            td { @if layer.copy { "copy" } @else { (count(layer.macs as f64)) } }
                            td { (count(layer.floor.nonzero_macs)) }
                            td { (grouped(layer.cycles().round() as u64)) }
                            td { (count(layer.macs as f64 / layer.cycles().max(1.0))) }
                            td { (energy(own, unit)) }
                            td class="heat" {
                                i style=(format!("width:{:.1}%", 100.0 * own / total)) {}
                                (percent(own / total))
                            }
                            td { @if layer.macs > 0 { (energy(own / layer.macs as f64, unit)) } }
                            td { (count(layer.traffic() / 8.0)) "B" }
                        }
                    }
                    tr class="sum" {
                        td {}
                        th scope="row" class="left" { "sum" }
                        td { (count(e.macs() as f64)) }
                        td { (count(e.floor().nonzero_macs)) }
                        td { (grouped(e.cycles.round() as u64)) }
                        td { (count(e.macs() as f64 / e.cycles.max(1.0))) }
                        td { (energy(total, unit)) }
                        td { (percent(1.0)) }
                        td { @if let Some(each) = e.energy_per_mac() { (energy(each, unit)) } }
                        td { (count(e.layers.iter().map(|l| l.traffic()).sum::<f64>() / 8.0)) "B" }
                    }
                }
            }
        }
    }
}

/// Energy by component and kind of data.
pub(super) fn matrix(entry: &Entry) -> Markup {
    let breakdown = entry.estimate.breakdown();
    let (unit, total) = (entry.unit(), breakdown.total());
    let cell = |value: f64| {
        html! {
            td class="heat" {
                @if value > 0.0 {
                    i style=(format!("width:{:.1}%", 100.0 * value / total)) {}
                    (energy(value, unit))
                }
            }
        }
    };
    html! {
        div class="scroll" {
            table {
                caption { "Energy of the network by component (rows) and by what it is spent for (columns)." }
                thead {
                    tr {
                        th scope="col" { "component" }
                        @for kind in Data::ALL { th scope="col" { (kind.name()) } }
                        th scope="col" { "sum" }
                        th scope="col" { "share" }
                    }
                }
                tbody {
                    @for block in Block::ALL.iter().filter(|block| breakdown.block(**block) > 0.0) {
                        tr {
                            th scope="row" title=(block.doc()) { (block.name().replace('_', " ")) }
                            @for kind in Data::ALL { (cell(breakdown.table[*block as usize][*kind as usize])) }
                            td { (energy(breakdown.block(*block), unit)) }
                            td { (percent(breakdown.block(*block) / total)) }
                        }
                    }
                    tr class="sum" {
                        th scope="row" { "sum" }
                        @for kind in Data::ALL { td { (energy(breakdown.data(*kind), unit)) } }
                        td { (energy(total, unit)) }
                        td { (percent(1.0)) }
                    }
                }
            }
        }
        p class="note" { (LIMITS) }
    }
}
