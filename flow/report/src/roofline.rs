//! Roofline of the array: multiplications per cycle over multiplications per byte of DRAM (S. Williams, A. Waterman,
//! D. Patterson, "Roofline: An Insightful Visual Performance Model for Multicore Architectures", CACM 2009).

use maud::{Markup, html};

use super::Entry;
use super::chart::shorten;
use pecan_text::format::count;

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 46.0;

/// A layer in the plane.
struct Point {
    name: String,
    number: usize,
    /// Dense multiplications per byte of DRAM; infinite for layers that move none.
    intensity: f64,
    /// Dense multiplications per cycle.
    rate: f64,
}

/// Decades of an axis.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// An axis for all values, in whole decades.
    fn new(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|v| v.is_finite() && *v > 0.0) {
            low = low.min(value.log10().floor());
            high = high.max(value.log10().ceil());
        }
        if !low.is_finite() {
            (low, high) = (0.0, 1.0);
        }
        Self { low, high: high.max(low + 1.0), from, to }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (value.log10() - self.low) / (self.high - self.low);
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    fn decades(&self) -> impl Iterator<Item = f64> {
        (self.low as i32..=self.high as i32).map(|power| 10f64.powi(power))
    }
}

/// The diagram of an entry.
pub(super) fn roofline(id: &str, entry: &Entry) -> Markup {
    let points = points(entry);
    let peak = entry.config().multipliers() as f64;
    let (numerator, denominator) = entry.config().memory.bytes_per_cycle.fraction();
    let memory = numerator as f64 / denominator as f64;
    let stream = entry.target.model.geometry().stream_bits as f64 / 8.0;
    let ridge = peak / stream;
    let xs = points.iter().map(|p| p.intensity).chain([ridge, ridge / 20.0, ridge * 20.0]);
    let x = Axis::new(xs, LEFT, WIDTH - RIGHT);
    let ys = points.iter().map(|p| p.rate).chain([peak, peak / 50.0]);
    let y = Axis::new(ys, HEIGHT - BOTTOM, TOP);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby=(format!("{id}-t {id}-d")) {
            title id=(format!("{id}-t")) { "Roofline of the array" }
            desc id=(format!("{id}-d")) { (describe(&points, peak, stream)) }
            (grid(&x, &y))
            (roof(&x, &y, peak, stream, "roof"))
            @if memory < stream { (roof(&x, &y, peak, memory, "roof2")) }
            text class="end soft label" x=(WIDTH - RIGHT) y=(f(y.at(peak) - 7.0)) {
                (count(peak)) " multipliers"
            }
            @for point in &points { (dot(&x, &y, point)) }
        }
    }
}

fn f(value: f64) -> String {
    format!("{value:.1}")
}

fn points(entry: &Entry) -> Vec<Point> {
    let layers = entry.estimate.layers.iter().enumerate().filter(|(_, layer)| layer.macs > 0);
    layers
        .map(|(number, layer)| Point {
            name: layer.name.clone(),
            number: number + 1,
            intensity: layer.macs as f64 / (layer.traffic() / 8.0),
            rate: layer.macs as f64 / layer.cycles().max(1.0),
        })
        .collect()
}

/// Lines and numbers of the decades, and names of the axes.
fn grid(x: &Axis, y: &Axis) -> Markup {
    html! {
        @for value in x.decades() {
            line class="grid" x1=(f(x.at(value))) x2=(f(x.at(value))) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
            text class="middle soft label" x=(f(x.at(value))) y=(HEIGHT - BOTTOM + 17.0) { (plain(value)) }
        }
        @for value in y.decades() {
            line class="grid" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(f(y.at(value))) y2=(f(y.at(value))) {}
            text class="end soft label" x=(LEFT - 8.0) y=(f(y.at(value) + 4.0)) { (plain(value)) }
        }
        text class="middle" x=(f((LEFT + WIDTH - RIGHT) / 2.0)) y=(HEIGHT - 8.0) {
            "multiplications of the dense layer per byte of DRAM"
        }
        text class="soft" x="8" y="14" { "multiplications per cycle" }
    }
}

fn plain(value: f64) -> String {
    if value >= 1.0 { count(value) } else { format!("{value}") }
}

/// Upper bound by peak and bandwidth.
fn roof(x: &Axis, y: &Axis, peak: f64, bytes: f64, class: &str) -> Markup {
    let (left, right) = (10f64.powf(x.low), 10f64.powf(x.high));
    // The line begins where it enters the plane.
    let from = left.max(10f64.powf(y.low) / bytes);
    let ridge = (peak / bytes).clamp(from, right);
    let points = [
        (from, from * bytes),
        (ridge, (ridge * bytes).min(peak)),
        (right, (right * bytes).min(peak)),
    ];
    let path = points.map(|(px, py)| format!("{:.1},{:.1}", x.at(px), y.at(py))).join(" ");
    html! {
        polyline class=(class) points=(path) {
            title { (count(peak)) " multiplications per cycle, " (plain(bytes)) " bytes per cycle" }
        }
    }
}

fn dot(x: &Axis, y: &Axis, point: &Point) -> Markup {
    let (px, py) = (x.at(point.intensity), y.at(point.rate));
    // Layers of a network have close points, so the positions of their numbers alternate.
    let (dx, dy) = [(8.0, 4.0), (-3.0, -10.0), (-3.0, 19.0), (-20.0, 4.0)][point.number % 4];
    html! {
        circle class="point" cx=(f(px)) cy=(f(py)) r="6" {
            title { (point.name) ": " (count(point.rate)) " per cycle, " (count(point.intensity)) " per byte" }
        }
        text class="label" x=(f(px + dx)) y=(f(py + dy)) { (point.number) }
    }
}

/// The diagram in words.
fn describe(points: &[Point], peak: f64, bytes: f64) -> String {
    let list = points.iter().map(|p| {
        let bound = if p.intensity * bytes < peak {
            "bound by the stream"
        } else {
            "bound by the multipliers"
        };
        format!(
            "{} {}: {} multiplications per cycle at {} per byte, {bound}",
            p.number,
            shorten(&p.name),
            count(p.rate),
            count(p.intensity)
        )
    });
    let list: Vec<String> = list.collect();
    format!(
        "Roof: {} multiplications per cycle, {bytes} bytes per cycle. {}",
        count(peak),
        list.join("; ")
    )
}
