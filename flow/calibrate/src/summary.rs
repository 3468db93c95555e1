//! Fits the model to characterized cases, and computes its errors on held-out cases.

use std::collections::BTreeMap;

use pecan_config::Config;
use pecan_config::geometry::Geometry;

use super::fit::{errors, fit};
use super::record::{Record, label};
use pecan_energy::feature::{FEATURES, Feature};
use pecan_energy::{Block, Class, component};
use pecan_energy::{ComponentError, Fit, HeldOutSummary};
use pecan_energy::{EnergyError, Model, Technology};

/// Cases with less than this share of the mean energy are weighted as if they had it.
const FLOOR: f64 = 0.05;

/// A case with its configuration.
#[derive(Clone, Debug)]
pub struct Case {
    /// Configuration.
    pub config: Config,
    /// The measurements.
    pub record: Record,
}

/// Fits every block and class to the cases.
#[must_use]
pub(super) fn fits(cases: &[Case]) -> Vec<Fit> {
    let values: Vec<_> =
        cases.iter().map(|case| (Geometry::of(&case.config), case.record.events())).collect();
    let mut fits = Vec::new();
    for block in Block::CELLS {
        for class in Class::ALL {
            let chosen: Vec<&Feature> =
                FEATURES.iter().filter(|r| r.block == *block && r.class == *class).collect();
            let rows: Vec<Vec<f64>> = values
                .iter()
                .map(|(g, events)| chosen.iter().map(|r| (r.value)(g, events)).collect())
                .collect();
            let truth: Vec<f64> =
                cases.iter().map(|case| case.record.energy(*block, *class)).collect();
            let coefficients = fit(&rows, &truth, FLOOR);
            let predicted: Vec<f64> = rows
                .iter()
                .map(|row| row.iter().zip(&coefficients).map(|(v, c)| v * c).sum())
                .collect();
            let terms = chosen.iter().zip(&coefficients).filter(|(_, c)| **c > 0.0);
            fits.push(Fit {
                block: block.name().into(),
                class: class.name().into(),
                points: cases.len(),
                held_out_points: 0,
                fit_error: errors(&predicted, &truth, FLOOR).map(rounded),
                held_out_error: None,
                terms: terms.map(|(r, c)| (r.name.to_owned(), significant(*c))).collect(),
            });
        }
    }
    fits
}

/// A held-out layer: energy at gate level and as predicted, in pJ.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOut {
    /// Configuration.
    pub config: String,
    /// Layer.
    pub layer: String,
    /// Cycles.
    pub cycles: u64,
    /// At gate level, with glitches.
    pub gate_level: f64,
    /// Without glitches.
    pub zero_delay: f64,
    /// As predicted.
    pub predicted: f64,
    /// By block (data and clock) and for leakage: at gate level and as predicted.
    pub blocks: BTreeMap<String, [f64; 2]>,
}

impl HeldOut {
    /// Relative error, signed.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.predicted / self.gate_level - 1.0
    }
}

/// Predicts held-out cases.
///
/// # Errors
/// The technology is incomplete.
pub(super) fn held_out(
    technology: &Technology,
    cases: &[Case],
) -> Result<Vec<HeldOut>, EnergyError> {
    cases.iter().map(|case| predict(technology, case)).collect()
}

fn predict(technology: &Technology, case: &Case) -> Result<HeldOut, EnergyError> {
    let events = case.record.events();
    let predicted = Model::new(technology, &case.config)?.cells(&events).total();
    Ok(HeldOut {
        config: case.record.config.clone(),
        layer: case.record.layer.clone(),
        cycles: case.record.cycles,
        gate_level: case.record.total(),
        zero_delay: case.record.zero_delay.values().sum(),
        predicted,
        blocks: block_energies(case, &technology.fits),
    })
}

/// Energies (pJ) of a case by `block.class`: at gate level and in the fits.
pub(super) fn block_energies(case: &Case, fits: &[Fit]) -> BTreeMap<String, [f64; 2]> {
    let (geometry, events) = (Geometry::of(&case.config), case.record.events());
    let pair = |fit: &Fit| {
        let (block, class) = (Block::from_name(&fit.block)?, Class::from_name(&fit.class)?);
        let of = FEATURES.iter().filter(|r| r.block == block && r.class == class);
        let predicted =
            of.filter_map(|r| Some(fit.terms.get(r.name)? * (r.value)(&geometry, &events))).sum();
        Some((label(block, class), [case.record.energy(block, class), predicted]))
    };
    fits.iter().filter_map(pair).collect()
}

/// Mean and largest error of pairs of gate-level and predicted energy.
pub(super) fn residuals(pairs: &[[f64; 2]]) -> [f64; 2] {
    let [truth, predicted]: [Vec<f64>; 2] =
        std::array::from_fn(|k| pairs.iter().map(|pair| pair[k]).collect());
    errors(&predicted, &truth, FLOOR).map(rounded)
}

/// Writes the held-out errors into a technology.
pub(super) fn conclude(technology: &mut Technology, list: &[HeldOut]) {
    for fit in &mut technology.fits {
        let key = format!("{}.{}", fit.block, fit.class);
        let pairs: Vec<[f64; 2]> =
            list.iter().filter_map(|h| h.blocks.get(&key).copied()).collect();
        fit.held_out_points = pairs.len();
        fit.held_out_error = Some(residuals(&pairs));
    }
    let relative: Vec<f64> = list.iter().map(|h| h.error().abs()).collect();
    let configurations: std::collections::BTreeSet<&str> =
        list.iter().map(|h| h.config.as_str()).collect();
    technology.held_out = Some(HeldOutSummary {
        components: components(list.iter().map(|layer| &layer.blocks)),
        points: list.len(),
        configurations: configurations.len(),
        mean_error: rounded(relative.iter().sum::<f64>() / relative.len().max(1) as f64),
        max_error: rounded(relative.iter().copied().fold(0.0, f64::max)),
    });
}

/// Errors by component of layers, from their gate-level and predicted energies by `block.class`.
pub(super) fn components<'a>(
    layers: impl Iterator<Item = &'a BTreeMap<String, [f64; 2]>>,
) -> Vec<ComponentError> {
    let layers: Vec<_> = layers.collect();
    // In the order of the blocks.
    let mut sums: Vec<(&str, Vec<[f64; 2]>)> = Vec::new();
    for (class, block) in Class::ALL.iter().flat_map(|c| Block::CELLS.iter().map(move |b| (c, b))) {
        let name = component(*block, *class);
        let at = sums.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            sums.push((name, vec![[0.0; 2]; layers.len()]));
            sums.len() - 1
        });
        for (sum, layer) in sums[at].1.iter_mut().zip(&layers) {
            let pair = layer.get(&label(*block, *class)).copied().unwrap_or_default();
            *sum = [sum[0] + pair[0], sum[1] + pair[1]];
        }
    }
    let total: f64 = sums.iter().flat_map(|(_, pairs)| pairs).map(|pair| pair[0]).sum();
    let summary = |(name, pairs): (&str, Vec<[f64; 2]>)| {
        let [mean_error, max_error] = residuals(&pairs);
        let share = rounded(pairs.iter().map(|pair| pair[0]).sum::<f64>() / total);
        ComponentError { name: name.to_owned(), share, mean_error, max_error }
    };
    sums.into_iter().map(summary).collect()
}

/// Five decimals: errors are shown as percentages with one decimal.
fn rounded(value: f64) -> f64 {
    (value * 1e5).round() / 1e5
}

/// Six significant digits: more would be noise, and the file is read by people.
fn significant(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use pecan_energy::{AccessModel, SramModel, SramRange};
    use pecan_energy::{Dram, FORMAT};

    /// Cases whose energy is made of two features of every block and class.
    pub(in super::super) fn cases(count: usize) -> Vec<Case> {
        let config = Config::default();
        let geometry = Geometry::of(&config);
        (1..=count)
            .map(|i| {
                let mut events = pecan_energy::Events::default();
                events
                    .counts
                    .iter_mut()
                    .enumerate()
                    .for_each(|(k, c)| *c = ((i * (k + 3)) % 17 + 1) as f64);
                events
                    .toggles
                    .iter_mut()
                    .enumerate()
                    .for_each(|(k, t)| *t = ((i * (k + 5)) % 23 + 1) as f64);
                let mut energy = BTreeMap::new();
                for block in Block::CELLS {
                    for class in Class::ALL {
                        let of = FEATURES.iter().filter(|r| r.block == *block && r.class == *class);
                        let sum: f64 =
                            of.take(2).map(|r| 0.5 * (r.value)(&geometry, &events)).sum();
                        energy.insert(label(*block, *class), sum);
                    }
                }
                let record = Record {
                    key: String::new(),
                    config: "edge".into(),
                    layer: format!("n/l{i}"),
                    cycles: 1,
                    cells: 1,
                    events: Record::keyed(&events),
                    energy,
                    zero_delay: BTreeMap::new(),
                };
                Case { config: config.clone(), record }
            })
            .collect()
    }

    #[test]
    fn what_the_model_can_express_is_found_and_predicted() {
        let access = AccessModel { base: 1.0, per_bit: 0.0, per_cell: 0.0 };
        let mut technology = Technology {
            format: FORMAT,
            name: "test".into(),
            unit: "pJ".into(),
            origin: "calibrated".into(),
            source: "made".into(),
            period_ns: 1.0,
            assumptions: Vec::new(),
            tools: BTreeMap::new(),
            liberty_hash: String::new(),
            sram: SramModel {
                read: access,
                write: access,
                leakage_per_bit: 0.0,
                bank_words: 1 << 20,
                points: 1,
                error: [0.0; 2],
                range: SramRange { words: [1, 1 << 20], bits: [1, 512] },
                source: "made".into(),
            },
            dram: Dram { per_bit: 1.0, source: "made".into() },
            ranges: BTreeMap::new(),
            configurations: Vec::new(),
            fits: fits(&cases(40)),
            held_out: None,
        };
        let list = held_out(&technology, &cases(7)).unwrap();
        for h in &list {
            assert!(h.error().abs() < 1e-3, "{} {}", h.layer, h.error());
        }
        conclude(&mut technology, &list);
        let summary = technology.held_out.clone().unwrap();
        assert_eq!((summary.points, summary.configurations), (7, 1));
        assert!(summary.max_error < 1e-3);
        let names: Vec<&str> = summary.components.iter().map(|c| c.name.as_str()).collect();
        let expected = ["pe", "sequencer", "loader", "drain", "control", "clock", "leakage"];
        assert_eq!(names, expected);
        let shares: f64 = summary.components.iter().map(|c| c.share).sum();
        assert!((shares - 1.0).abs() < 1e-4, "{shares}");
        assert!(summary.components.iter().all(|c| c.max_error < 1e-3));
        // Reading the file yields the same.
        let text = technology.to_toml().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.toml");
        std::fs::write(&path, &text).unwrap();
        assert_eq!(Technology::open(&path.display().to_string()).unwrap(), technology);
        std::fs::write(&path, text.replace("format = 1", "format = 2")).unwrap();
        let error = Technology::open(&path.display().to_string()).unwrap_err().to_string();
        assert!(error.contains("format 2") && error.contains("format 1"), "{error}");
    }
}
