//! Sources of all numbers.

use maud::{Markup, html};

use super::{Entry, FLOOR, LIMITS, Report};
use pecan_energy::Technology;
use pecan_text::format::percent;

/// The section about origins: one part per technology, and a common part.
pub(super) fn section(report: &Report) -> Markup {
    let mut known: Vec<&Technology> = Vec::new();
    for technology in report.entries.iter().map(|entry| &entry.target.technology) {
        if !known.iter().any(|other| other.name == technology.name) {
            known.push(technology);
        }
    }
    html! {
        section {
            h2 { "Where the numbers come from" }
            (counts(report))
            @for technology in known { (origin(technology)) }
        }
    }
}

/// Counts, activity and definitions.
fn counts(report: &Report) -> Markup {
    let activity = |entry: &Entry| format!("{}: {}", entry.label, entry.estimate.activity);
    html! {
        dl {
            dt { "Counts" }
            dd {
                "Cycles and accesses are those of the hardware's performance counters, from the emulator of its command \
                 stream, which tests hold against the RTL cycle by cycle."
            }
            dt { "Activity" }
            dd { ul { @for entry in &report.entries { li { (activity(entry)) } } } }
            dt { "Mappings" }
            dd {
                @for entry in &report.entries {
                    div {
                        (entry.label) ": " (entry.estimate.searched.bounded) " evaluated, "
                        (entry.estimate.searched.timed) " of them timed, in "
                        (format!("{:.1} ms", 1e3 * entry.estimate.mapping_time.as_secs_f64()))
                    }
                }
            }
            dt { "Floor" }
            dd { (FLOOR) }
            dt { "Limits" }
            dd { (LIMITS) }
        }
    }
}

/// One technology: source, assumptions, residuals.
fn origin(technology: &Technology) -> Markup {
    let sram = &technology.sram;
    html! {
        h3 { "Technology " (technology.name) }
        dl {
            dt { "Unit" } dd { (technology.unit) }
            dt { "Origin" } dd { (technology.origin) ": " (technology.source) }
            dt { "Unseen layers" } dd { (held_out(technology)) }
            @if !technology.assumptions.is_empty() {
                dt { "Assumptions" }
                dd { ul { @for assumption in &technology.assumptions { li { (assumption) } } } }
            }
            dt { "On-chip memories" }
            dd {
                (sram.source)
                @if sram.points > 0 {
                    " (fitted to " (sram.points) " macros, error " (percent(sram.error[0])) " mean, "
                    (percent(sram.error[1])) " worst)"
                }
            }
            dt { "DRAM" }
            dd { (technology.dram.per_bit) " " (technology.unit) " per bit: " (technology.dram.source) }
            @if technology.period_ns > 0.0 {
                dt { "Clock period" } dd { (technology.period_ns) " ns (decides leakage)" }
            }
            @if !technology.tools.is_empty() {
                dt { "Tools" }
                dd { @for (tool, version) in &technology.tools { div { (tool) " " (version) } } }
            }
            @if !technology.liberty_hash.is_empty() {
                dt { "Cell library" } dd { "BLAKE3 " (technology.liberty_hash) }
            }
        }
        (fits(technology))
    }
}

fn held_out(technology: &Technology) -> String {
    match &technology.held_out {
        Some(h) => format!(
            "{} mean, {} worst error against gate level on {} layers in {} configurations that the fit has not seen",
            percent(h.mean_error),
            percent(h.max_error),
            h.points,
            h.configurations
        ),
        None => "no error on unseen layers is recorded in this technology".into(),
    }
}

/// The fitted models with their residuals and ranges.
fn fits(technology: &Technology) -> Markup {
    let fits: Vec<_> = technology.fits.iter().filter(|fit| !fit.terms.is_empty()).collect();
    let both = |error: [f64; 2]| format!("{} / {}", percent(error[0]), percent(error[1]));
    html! {
        @if !fits.is_empty() {
            details {
                summary { "Coefficients and residuals of " (technology.name) }
                div class="scroll" {
                    table {
                        caption { "Errors are mean / worst. Coefficients of one block belong together and are not to be quoted alone." }
                        thead {
                            tr {
                                @for head in ["block", "class", "points", "error of the fit", "held out", "error held out"] {
                                    th scope="col" { (head) }
                                }
                                th scope="col" class="left" { "coefficients (" (technology.unit) " per unit)" }
                            }
                        }
                        tbody {
                            @for fit in fits {
                                tr {
                                    th scope="row" { (fit.block) }
                                    td { (fit.class) }
                                    td { (fit.points) }
                                    td { @if fit.points > 0 { (both(fit.fit_error)) } @else { "cited" } }
                                    td { (fit.held_out_points) }
                                    td { (fit.held_out_error.map_or("-".to_owned(), both)) }
                                    td class="wrap" {
                                        @for (name, value) in &fit.terms { div { (name) " " (format!("{value:.4e}")) } }
                                    }
                                }
                            }
                        }
                    }
                }
                @if !technology.ranges.is_empty() {
                    p class="note" {
                        "Calibrated range: "
                        @for (key, [low, high]) in &technology.ranges { (key) " " (low) " to " (high) "; " }
                    }
                }
            }
        }
    }
}
