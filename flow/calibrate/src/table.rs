//! The held-out record as readable text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Calibration, HeldOut};
use pecan_energy::ComponentError;

/// Tables of a calibration in Markdown: errors by configuration and by component.
#[must_use]
pub fn markdown(calibration: &Calibration) -> String {
    let technology = &calibration.technology;
    let mut text = format!("### {}\n\n{}\n", technology.name, technology.source);
    // Writing to a String cannot fail.
    if let Some(h) = &technology.held_out {
        let _ = writeln!(
            text,
            "\n{} held-out layers on {} configurations: mean error {:.1} %, largest {:.1} %. Cells and wires only: memories and DRAM are priced apart.\n",
            h.points,
            h.configurations,
            100.0 * h.mean_error,
            100.0 * h.max_error
        );
    }
    configurations(&calibration.held_out, &mut text);
    components(calibration, &mut text);
    text
}

/// The held-out layers as the file `held_out.csv` of a technology.
#[must_use]
pub fn csv(list: &[HeldOut]) -> String {
    let mut text = String::from("configuration,layer,cycles,gate_level_pj,predicted_pj\n");
    for h in list {
        // Names of layers come from files.
        let layer = h.layer.replace([',', '"', '\n', '\r'], "_");
        let (gate, predicted) = (h.gate_level, h.predicted);
        let _ = writeln!(text, "{},{layer},{},{gate:.0},{predicted:.0}", h.config, h.cycles);
    }
    text
}

fn configurations(list: &[HeldOut], text: &mut String) {
    *text += "| configuration | layers | cycles | gate level, nJ | predicted, nJ | mean error | largest | zero delay / with glitches |\n|---|---|---|---|---|---|---|---|\n";
    let mut by_config: BTreeMap<&str, Vec<&HeldOut>> = BTreeMap::new();
    list.iter().for_each(|h| by_config.entry(&h.config).or_default().push(h));
    for (config, list) in by_config {
        let sum = |value: fn(&HeldOut) -> f64| list.iter().map(|h| value(h)).sum::<f64>();
        let gate = sum(|h| h.gate_level);
        let worst = list.iter().map(|h| h.error().abs()).fold(0.0, f64::max);
        let _ = writeln!(
            text,
            "| `{config}` | {} | {} | {:.1} | {:.1} | {:.1} % | {:.1} % | {:.2} |",
            list.len(),
            list.iter().map(|h| h.cycles).sum::<u64>(),
            gate / 1e3,
            sum(|h| h.predicted) / 1e3,
            100.0 * sum(|h| h.error().abs()) / list.len() as f64,
            100.0 * worst,
            sum(|h| h.zero_delay) / gate,
        );
    }
}

fn components(calibration: &Calibration, text: &mut String) {
    let total: f64 = calibration.held_out.iter().map(|h| h.gate_level).sum();
    *text += "\n| component | share | left out, mean / largest | held out, mean / largest |\n|---|---|---|---|\n";
    let pair = |e: [f64; 2]| format!("{:.1} / {:.1} %", 100.0 * e[0], 100.0 * e[1]);
    for c in calibration.technology.held_out.iter().flat_map(|h| &h.components) {
        let errors = |c: &ComponentError| pair([c.mean_error, c.max_error]);
        let others = calibration.left_out.iter().flat_map(|left| &left.components);
        let left = others.clone().find(|other| other.name == c.name).map_or("-".into(), errors);
        let _ =
            writeln!(text, "| {} | {:.1} % | {left} | {} |", c.name, 100.0 * c.share, errors(c));
    }
    *text += "\n| block | share | fit, mean / largest | left out, mean / largest | held out, mean / largest |\n|---|---|---|---|---|\n";
    for fit in &calibration.technology.fits {
        let key = format!("{}.{}", fit.block, fit.class);
        let left_out =
            calibration.left_out.as_ref().and_then(|left| left.blocks.get(&key).copied());
        let energy: f64 = calibration
            .held_out
            .iter()
            .filter_map(|h| h.blocks.get(&key))
            .map(|pair| pair[0])
            .sum();
        let _ = writeln!(
            text,
            "| {} {} | {:.1} % | {} | {} | {} |",
            fit.block,
            fit.class,
            100.0 * energy / total,
            pair(fit.fit_error),
            left_out.map_or("-".into(), pair),
            fit.held_out_error.map_or("-".into(), pair),
        );
    }
}
