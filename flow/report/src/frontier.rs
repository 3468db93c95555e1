//! Accuracy over energy as SVG: the trade-off of every method.

use maud::{Markup, html};

use super::pruning::{MethodResult, Pruning, Step};
use pecan_text::format::{energy, percent};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 48.0;
/// Least range of accuracies, and most below the bound.
const SHOWN: f64 = 0.04;
/// Colours of the methods, by name of the style.
const COLOURS: [&str; 9] =
    ["dram", "mac", "drain", "compute", "weight_buffer", "sequencer", "clock", "psum", "control"];

fn f(value: f64) -> String {
    format!("{value:.1}")
}

/// The two axes.
struct Plane {
    most: f64,
    low: f64,
    high: f64,
}

impl Plane {
    fn x(&self, share: f64) -> f64 {
        LEFT + (share / self.most).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, accuracy: f64) -> f64 {
        let share = ((accuracy - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    }
}

/// The diagram.
pub(super) fn frontier(report: &Pruning) -> Markup {
    let bound = report.dense_validation - report.bound;
    let accuracies = report.methods.iter().flat_map(|m| &m.steps).map(|step| step.accuracy);
    let best = accuracies.fold(report.dense_validation, f64::max);
    let plane = Plane { most: 1.0, low: (bound - SHOWN).max(0.0), high: (best + 0.005).min(1.0) };
    html! {
        (legend(&report.methods))
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby="frontier-t frontier-d" {
            title id="frontier-t" { "Accuracy over energy of every method" }
            desc id="frontier-d" { (describe(report)) }
            (grid(&plane))
            line class="roof2" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(f(plane.y(bound))) y2=(f(plane.y(bound))) {}
            @for (number, method) in report.methods.iter().enumerate() {
                (line(&plane, report, method, COLOURS[number % COLOURS.len()]))
            }
        }
    }
}

fn legend(methods: &[MethodResult]) -> Markup {
    html! {
        ul class="legend" aria-hidden="true" {
            @for (number, method) in methods.iter().enumerate() {
                li title=(method.doc) {
                    i style=(format!("background:var(--{})", COLOURS[number % COLOURS.len()])) {}
                    (method.name)
                }
            }
        }
    }
}

fn grid(plane: &Plane) -> Markup {
    let steps = 5;
    html! {
        @for step in 0..=steps {
            @let share = plane.most * f64::from(step) / f64::from(steps);
            line class="grid" x1=(f(plane.x(share))) x2=(f(plane.x(share))) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
            text class="middle soft label" x=(f(plane.x(share))) y=(HEIGHT - BOTTOM + 17.0) { (percent(share)) }
            @let accuracy = plane.low + (plane.high - plane.low) * f64::from(step) / f64::from(steps);
            line class="grid" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(f(plane.y(accuracy))) y2=(f(plane.y(accuracy))) {}
            text class="end soft label" x=(LEFT - 8.0) y=(f(plane.y(accuracy) + 4.0)) { (percent(accuracy)) }
        }
        text class="middle" x=(f((LEFT + WIDTH - RIGHT) / 2.0)) y=(HEIGHT - 8.0) { "energy per image, of the dense network's" }
    }
}

fn line(plane: &Plane, report: &Pruning, method: &MethodResult, colour: &str) -> Markup {
    let dense = report.dense.energy();
    let place = |energy: f64, accuracy: f64| (plane.x(energy / dense), plane.y(accuracy));
    let point = |step: &Step| {
        let (x, y) = place(step.energy, step.accuracy);
        format!("{x:.1},{y:.1}")
    };
    // One line for each accelerator: steps are in order.
    let lines = method.steps.chunk_by(|a, b| a.widths == b.widths).map(|steps| {
        let good = steps.iter().filter(|step| step.good);
        good.map(point).collect::<Vec<_>>().join(" ")
    });
    html! {
        @for points in lines {
            polyline points=(points) style=(format!("fill:none;stroke:var(--{colour});stroke-width:2")) {}
        }
        @for step in &method.steps {
            @let (x, y) = place(step.energy, step.accuracy);
            @let fill = if step.good { format!("var(--{colour})") } else { "var(--card)".to_owned() };
            circle cx=(f(x)) cy=(f(y)) r="4.5" style=(format!("fill:{fill};stroke:var(--{colour});stroke-width:1.5")) {
                title {
                    (method.name) ", " (step.widths) ": " (percent(step.accuracy)) " at " (energy(step.energy, &report.unit))
                    ", " (percent(step.energy / dense)) " of the dense network"
                }
            }
        }
    }
}

/// The diagram in words.
fn describe(report: &Pruning) -> String {
    let one = |method: &MethodResult| {
        let best = method.steps.iter().filter(|step| step.good).map(|step| step.energy);
        let best = best.fold(f64::INFINITY, f64::min);
        format!("{}: {} within the bound", method.name, percent(best / report.dense.energy()))
    };
    report.methods.iter().map(one).collect::<Vec<_>>().join("; ")
}
