//! A pruning as one page: savings, layers, and results of every method.

use maud::{Markup, html};

use super::chart::{Bar, Series, shorten, stacks};
use super::frontier::frontier;
use super::html::page;
use pecan_energy::{Block, Breakdown, Data, Estimate};
use pecan_text::format::grouped;
use pecan_text::format::{energy, percent, ratio};

/// A network of a method's search.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Energy per image.
    pub energy: f64,
    /// Accuracy on the validation samples, 0 to 1.
    pub accuracy: f64,
    /// Whether the accuracy is within the bound.
    pub good: bool,
    /// Bits of activations and weights, in short.
    pub widths: String,
}

/// Result of a method.
#[derive(Clone, Debug)]
pub struct MethodResult {
    /// Name.
    pub name: String,
    /// Bits of activations and weights of the best, in short.
    pub widths: String,
    /// Its description.
    pub doc: String,
    /// Networks of the search, the dense one first.
    pub steps: Vec<Step>,
    /// Accuracy of the best on the test samples, and its standard error.
    pub test: [f64; 2],
    /// Energy and cycles of the best.
    pub estimate: Estimate,
    /// Share of the weights that remain in it.
    pub density: f64,
    /// Seconds: statistics, selection, refit, training, scoring.
    pub seconds: [f64; 5],
    /// How it ended.
    pub ending: String,
}

/// Distribution of the weights of a layer, and of the removed ones.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// Layer.
    pub layer: String,
    /// Largest magnitude of a weight.
    pub largest: f64,
    /// Weights that were kept and removed, by magnitude in equal parts of 0 to the largest.
    pub counts: Vec<[usize; 2]>,
}

/// Everything on the page.
#[derive(Clone, Debug)]
pub struct Pruning {
    /// Network.
    pub network: String,
    /// Accelerator and technology, in words.
    pub target: String,
    /// Unit of energies.
    pub unit: String,
    /// Source of the data.
    pub origin: String,
    /// Samples: calibration, tuning, validation, test.
    pub samples: [usize; 4],
    /// Largest loss of accuracy, 0 to 1.
    pub bound: f64,
    /// The dense network.
    pub dense: Estimate,
    /// Bits of its activations and weights, in short.
    pub dense_widths: String,
    /// Its accuracy on the test samples, and the standard error.
    pub dense_test: [f64; 2],
    /// Its accuracy on the validation samples.
    pub dense_validation: f64,
    /// The results of all methods; the first method asked for is first.
    pub methods: Vec<MethodResult>,
    /// Weights of the layers.
    pub histograms: Vec<Histogram>,
    /// A bound that was not met, in words.
    pub missed: Option<String>,
    /// Error of the energies and other remarks on the technology.
    pub provenance: String,
}

/// The self-contained page.
#[must_use]
pub fn pruning_html(report: &Pruning) -> String {
    let title = format!("Pruning of {}", report.network);
    let body = html! {
        header {
            h1 { (title) }
            p { (report.target) "; pecan " (env!("CARGO_PKG_VERSION")) }
        }
        @if let Some(missed) = &report.missed {
            section class="warning" role="note" { h2 { "Not met" } p { (missed) } }
        }
        (summary(report))
        (curve(report))
        @if let Some(method) = report.methods.first() { (layers(report, method)) }
        (histograms(report))
        (provenance(report))
    };
    page(&title, &body)
}

fn summary(report: &Pruning) -> Markup {
    let Some(best) = report.methods.first() else { return html! {} };
    let (dense, now) = (report.dense.energy(), best.estimate.energy());
    html! {
        section {
            h2 { "What it saved" }
            div class="tiles" {
                div class="tile" { b { (ratio(dense / now)) } span { "less energy per image" } }
                div class="tile" { b { (energy(now, &report.unit)) } span { "per image, of " (energy(dense, &report.unit)) } }
                div class="tile" {
                    b { (percent(best.test[0])) }
                    span { "accuracy, dense " (percent(report.dense_test[0])) " (standard error " (percent(best.test[1])) ")" }
                }
                div class="tile" {
                    b { (grouped(best.estimate.cycles.round() as u64)) }
                    span { "cycles, of " (grouped(report.dense.cycles.round() as u64)) }
                }
                div class="tile" { b { (percent(best.density)) } span { "of the weights remain" } }
                div class="tile" { b { (best.name) } span { (best.doc) } }
            }
        }
    }
}

fn curve(report: &Pruning) -> Markup {
    let dense = report.dense.energy();
    html! {
        section {
            h2 { "Accuracy over energy" }
            p class="note" {
                "Integer networks on the " (report.samples[2]) " validation samples, which decide; hollow: given up. Dashed: a loss of "
                (format!("{:.1}", 100.0 * report.bound)) " points against the dense network."
            }
            (frontier(report))
            div class="scroll" {
                table {
                    caption {
                        "Best network of each method, with its accuracy on the " (report.samples[3])
                        " test samples, which decided nothing."
                    }
                    thead {
                        tr {
                            th scope="col" { "method" }
                            @for head in ["widths", "accuracy", "std. error", "energy", "of dense", "cycles", "of dense", "weights", "seconds", "ended by"] {
                                th scope="col" { (head) }
                            }
                        }
                    }
                    tbody {
                        tr {
                            th scope="row" { "dense" }
                            td { (report.dense_widths) }
                            td { (percent(report.dense_test[0])) } td { (percent(report.dense_test[1])) }
                            td { (energy(dense, &report.unit)) } td { (percent(1.0)) }
                            td { (grouped(report.dense.cycles.round() as u64)) } td { (percent(1.0)) }
                            td { (percent(1.0)) } td {} td {}
                        }
                        @for method in &report.methods { (row(report, method)) }
                    }
                }
            }
        }
    }
}

fn row(report: &Pruning, method: &MethodResult) -> Markup {
    let [statistics, selection, refit, training, scoring] = method.seconds;
    let times = format!(
        "statistics {statistics:.1}, selection {selection:.1}, least squares {refit:.1}, training {training:.1}, \
         scoring {scoring:.1}"
    );
    html! {
        tr {
            th scope="row" title=(method.doc) { (method.name) }
            td { (method.widths) }
            td { (percent(method.test[0])) } td { (percent(method.test[1])) }
            td { (energy(method.estimate.energy(), &report.unit)) }
            td { (percent(method.estimate.energy() / report.dense.energy())) }
            td { (grouped(method.estimate.cycles.round() as u64)) }
            td { (percent(method.estimate.cycles / report.dense.cycles)) }
            td { (percent(method.density)) }
            td title=(times) { (format!("{:.0}", method.seconds.iter().sum::<f64>())) }
            td { (method.ending) }
        }
    }
}

/// Every layer before and after.
fn layers(report: &Pruning, method: &MethodResult) -> Markup {
    let blocks: Vec<Series> =
        Block::ALL.iter().map(|block| Series { key: block.name(), doc: block.doc() }).collect();
    let data: Vec<Series> =
        Data::ALL.iter().map(|data| Series { key: data.name(), doc: "" }).collect();
    let by_block = |name: String, b: &Breakdown| Bar {
        name,
        parts: Block::ALL.iter().map(|block| b.block(*block)).collect(),
    };
    let by_data = |name: String, b: &Breakdown| Bar {
        name,
        parts: Data::ALL.iter().map(|data| b.data(*data)).collect(),
    };
    let pairs = || report.dense.layers.iter().zip(&method.estimate.layers);
    let short = |name: &str, what: &str| format!("{}{what}", shorten(name).trim_start_matches('/'));
    let bars = |of: &dyn Fn(String, &Breakdown) -> Bar| -> Vec<Bar> {
        pairs()
            .flat_map(|(before, after)| {
                [
                    of(short(&before.name, ", dense"), &before.energy),
                    of(short(&after.name, ""), &after.energy),
                ]
            })
            .collect()
    };
    html! {
        section {
            h2 { "Every layer, dense and pruned by " (method.name) }
            h3 { "By component" }
            (stacks("blocks", "Energy of every layer, dense and pruned, by component", &blocks, &bars(&by_block), &report.unit))
            h3 { "By kind of data" }
            (stacks("data", "Energy of every layer, dense and pruned, by kind of data", &data, &bars(&by_data), &report.unit))
        }
    }
}

/// Distribution of removed weights: the smallest are not always the least important.
fn histograms(report: &Pruning) -> Markup {
    html! {
        @if !report.histograms.is_empty() {
            section {
                h2 { "Which weights went" }
                p class="note" {
                    "Weights of the dense network by magnitude, from 0 on the left to the largest of the layer; dark: those that remain."
                }
                div class="tiles" {
                    @for (number, histogram) in report.histograms.iter().enumerate() {
                        div class="tile" { span { (histogram.layer) } (bars_of(number, histogram)) }
                    }
                }
            }
        }
    }
}

fn bars_of(number: usize, histogram: &Histogram) -> Markup {
    let (width, height) = (300.0, 90.0);
    let most = histogram.counts.iter().map(|[kept, gone]| kept + gone).max().unwrap_or(1).max(1);
    let pitch = width / histogram.counts.len().max(1) as f64;
    let high = |count: usize| height * count as f64 / most as f64;
    let (kept, gone) =
        histogram.counts.iter().fold((0, 0), |(kept, gone), [k, g]| (kept + k, gone + g));
    html! {
        svg viewBox=(format!("0 0 {width} {}", height + 16.0)) role="img" aria-labelledby=(format!("h{number}")) {
            title id=(format!("h{number}")) {
                (histogram.layer) ": " (kept) " weights remain, " (gone) " went"
            }
            @for (bin, [kept, gone]) in histogram.counts.iter().enumerate() {
                @let x = format!("{:.1}", bin as f64 * pitch);
                @let wide = format!("{:.1}", pitch - 0.8);
                rect class="track" x=(x) width=(wide) y=(format!("{:.1}", height - high(kept + gone)))
                    height=(format!("{:.1}", high(*gone))) style="fill:var(--clock)" {}
                rect x=(x) width=(wide) y=(format!("{:.1}", height - high(*kept))) height=(format!("{:.1}", high(*kept)))
                    style="fill:var(--accent)" {}
            }
            text class="soft label" x="0" y=(height + 13.0) { "0" }
            text class="soft label end" x=(width) y=(height + 13.0) { (format!("{:.3}", histogram.largest)) }
        }
    }
}

fn provenance(report: &Pruning) -> Markup {
    let [calibration, tuning, validation, test] = report.samples;
    html! {
        section {
            h2 { "Where the numbers come from" }
            dl {
                dt { "Data" } dd { (report.origin) }
                dt { "Samples" }
                dd {
                    (calibration) " decide the integers' ranges and measure energy, " (tuning) " are trained on, "
                    (validation) " decide, " (test) " are reported"
                }
                dt { "Accuracy" }
                dd {
                    "of the integer network, which the hardware computes bit for bit; on the validation samples the dense one has "
                    (percent(report.dense_validation))
                }
                dt { "Energy" } dd { (report.provenance) }
                dt { "Limits" }
                dd { "Energies are estimates before layout; there is no silicon behind them." }
            }
        }
    }
}
