//! Stacked bars of energy as SVG.

use maud::{Markup, html};

use pecan_text::format::{energy, percent};

/// A bar: its name and its parts in the order of the legend.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) parts: Vec<f64>,
}

/// A kind of part: its key, which is also the name of its colour, and its meaning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series {
    pub(super) key: &'static str,
    pub(super) doc: &'static str,
}

/// Width of the drawing, of the names on the left and of the numbers on the right, in user units.
const WIDTH: f64 = 1000.0;
const NAMES: f64 = 190.0;
const NUMBERS: f64 = 110.0;
/// Height of a bar and distance of bars.
const BAR: f64 = 18.0;
const PITCH: f64 = 26.0;
/// Longest name, in characters.
const LONGEST: usize = 26;

/// Horizontal stacked bars on one scale, with a legend. `id` identifies the chart on a page, `title` is its title.
pub(super) fn stacks(id: &str, title: &str, kinds: &[Series], bars: &[Bar], unit: &str) -> Markup {
    let longest = bars.iter().map(total).fold(0.0, f64::max);
    let scale = if longest > 0.0 { (WIDTH - NAMES - NUMBERS) / longest } else { 0.0 };
    let height = PITCH * bars.len() as f64 + 8.0;
    let used: Vec<usize> =
        (0..kinds.len()).filter(|k| bars.iter().any(|bar| part(bar, *k) > 0.0)).collect();
    html! {
        (legend(kinds, &used, bars))
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby=(format!("{id}-t {id}-d")) {
            title id=(format!("{id}-t")) { (title) }
            desc id=(format!("{id}-d")) { (describe(kinds, bars, unit)) }
            @for (row, bar) in bars.iter().enumerate() {
                (one(kinds, &used, bar, PITCH * row as f64 + 4.0, scale, unit))
            }
        }
    }
}

fn total(bar: &Bar) -> f64 {
    bar.parts.iter().sum()
}

fn part(bar: &Bar, kind: usize) -> f64 {
    bar.parts.get(kind).copied().unwrap_or(0.0)
}

fn one(kinds: &[Series], used: &[usize], bar: &Bar, y: f64, scale: f64, unit: &str) -> Markup {
    let sum = total(bar);
    let mut x = NAMES;
    let mut rects = Vec::with_capacity(used.len());
    for k in used {
        let width = part(bar, *k) * scale;
        rects.push((kinds[*k], part(bar, *k), x, width));
        x += width;
    }
    html! {
        text class="end" x=(NAMES - 8.0) y=(y + 13.5) { (shorten(&bar.name)) title { (bar.name) } }
        rect class="track" x=(NAMES) y=(y) width=(WIDTH - NAMES - NUMBERS) height=(BAR) rx="3" {}
        @for (kind, value, x, width) in rects {
            @if width > 0.0 {
                rect x=(number(x)) y=(y) width=(number(width)) height=(BAR) style=(format!("fill:var(--{})", kind.key)) {
                    title { (bar.name) ": " (kind.key) " " (energy(value, unit)) ", " (percent(value / sum)) }
                }
            }
        }
        text x=(number(x + 7.0)) y=(y + 13.5) class="soft" { (energy(sum, unit)) }
    }
}

fn number(value: f64) -> String {
    format!("{value:.2}")
}

/// A name shortened to its place.
pub(super) fn shorten(name: &str) -> String {
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    // The end of a path is more informative than its beginning.
    let skip = name.chars().count() - LONGEST + 1;
    std::iter::once('…').chain(name.chars().skip(skip)).collect()
}

/// Colours with names, and their share of all bars.
fn legend(kinds: &[Series], used: &[usize], bars: &[Bar]) -> Markup {
    let sum: f64 = bars.iter().map(total).sum();
    let share = |k: usize| bars.iter().map(|bar| part(bar, k)).sum::<f64>() / sum;
    html! {
        ul class="legend" aria-hidden="true" {
            @for k in used {
                li title=(kinds[*k].doc) {
                    i style=(format!("background:var(--{})", kinds[*k].key)) {}
                    (kinds[*k].key.replace('_', " "))
                    b { (percent(share(*k))) }
                }
            }
        }
    }
}

/// The chart in words.
fn describe(kinds: &[Series], bars: &[Bar], unit: &str) -> String {
    let bar = |bar: &Bar| {
        let largest = (0..kinds.len()).max_by(|a, b| part(bar, *a).total_cmp(&part(bar, *b)));
        let largest = largest.map_or(String::new(), |k| {
            format!(", most of it {} ({})", kinds[k].key, percent(part(bar, k) / total(bar)))
        });
        format!("{} {}{largest}", bar.name, energy(total(bar), unit))
    };
    bars.iter().map(bar).collect::<Vec<_>>().join("; ")
}
