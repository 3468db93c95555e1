//! Internal power and leakage groups of cells.

use std::collections::HashMap;

use super::boolean::Truth;
use super::cell::{Power, Selection};
use super::syntax::{Group, SyntaxError};
use super::units::Units;

/// Most internal-power groups of a pin; asap7 has 612.
pub(crate) const MOST_POWER_GROUPS: usize = 4096;

/// Most leakage groups of a cell; asap7 has 1,026.
pub(crate) const MOST_LEAKAGE_GROUPS: usize = 4096;

/// Compiles the `when` expressions of a cell.
pub(crate) type When<'a> = dyn Fn(&str, u32) -> Result<Truth, SyntaxError> + 'a;

/// An internal-power group before it is sorted by state.
struct Raw<'a> {
    related: &'a str,
    when: Option<&'a str>,
    power: Power,
}

/// Energy of an input pin by state: the groups whose condition holds, and where none holds, the one without a
/// condition. (Where conditions cover all states, the unconditional group is their mean and not to be added.)
pub(crate) fn of_input(
    pin: &Group<'_>,
    units: &Units,
    states: usize,
    when: &When<'_>,
) -> Result<Selection, SyntaxError> {
    let raw = read(pin, units, when)?;
    let mut mixes = Mixes::default();
    for state in 0..states {
        let mut mix = pick(&raw, |r| r.power.when.as_ref().is_some_and(|w| w.get(state)));
        if mix.is_empty() {
            mix = pick(&raw, |r| r.when.is_none());
        }
        mixes.push(mix);
    }
    Ok(mixes.finish(raw))
}

/// Energy of an output pin by `cause << variables | state`: the groups related to the input that caused the toggle and
/// whose condition holds; else the unconditional one of that input; else (several inputs changed at once) all of that
/// input; else all of the pin.
pub(crate) fn of_output(
    pin: &Group<'_>,
    units: &Units,
    inputs: &[&str],
    states: usize,
    when: &When<'_>,
) -> Result<Selection, SyntaxError> {
    let raw = read(pin, units, when)?;
    let mut mixes = Mixes::default();
    for input in inputs {
        let related = |r: &Raw<'_>| r.related.split_whitespace().any(|p| p == *input);
        let related: Vec<bool> = raw.iter().map(related).collect();
        let any = related.contains(&true);
        for state in 0..states {
            let holds = |r: &Raw<'_>| r.power.when.as_ref().is_some_and(|w| w.get(state));
            let of = |keep: &dyn Fn(usize) -> bool| -> Vec<u16> {
                (0..raw.len()).filter(|&i| keep(i)).map(|i| i as u16).collect()
            };
            let mut mix = of(&|i| related[i] && holds(&raw[i]));
            if mix.is_empty() {
                mix = of(&|i| related[i] && raw[i].when.is_none());
            }
            if mix.is_empty() {
                mix = of(&|i| related[i] || !any);
            }
            mixes.push(mix);
        }
    }
    Ok(mixes.finish(raw))
}

/// A selection under construction.
#[derive(Default)]
struct Mixes {
    selection: Selection,
    /// Position of each mix.
    index: HashMap<Vec<u16>, u16>,
}

impl Mixes {
    /// Adds a state whose energy is the mean of `mix`.
    fn push(&mut self, mix: Vec<u16>) {
        let next = self.selection.mixes.len() as u16;
        let index = *self.index.entry(mix).or_insert_with_key(|mix| {
            self.selection.mixes.push(mix.clone());
            next
        });
        self.selection.choice.push(index);
    }

    fn finish(mut self, raw: Vec<Raw<'_>>) -> Selection {
        self.selection.groups = raw.into_iter().map(|r| r.power).collect();
        self.selection
    }
}

fn pick(raw: &[Raw<'_>], keep: impl Fn(&Raw<'_>) -> bool) -> Vec<u16> {
    (0..raw.len()).filter(|&i| keep(&raw[i])).map(|i| i as u16).collect()
}

/// Reads the groups of a pin; those that differ in their supply pin only are added.
fn read<'a>(
    pin: &'a Group<'_>,
    units: &Units,
    when: &When<'_>,
) -> Result<Vec<Raw<'a>>, SyntaxError> {
    let mut all: Vec<Raw<'a>> = Vec::new();
    few(pin, "internal_power", MOST_POWER_GROUPS)?;
    for group in pin.all("internal_power") {
        let related = group.text("related_pin").unwrap_or_default();
        let condition = group.text("when");
        let tables = |key| -> Result<Vec<_>, SyntaxError> {
            group.all(key).map(|g| units.table(g, units.energy)).collect()
        };
        let both = tables("power")?;
        let mut rise = tables("rise_power")?;
        let mut fall = tables("fall_power")?;
        rise.extend(both.iter().cloned());
        fall.extend(both);
        let found = all.iter_mut().find(|r| r.related == related && r.when == condition);
        if let (Some(same), true) = (found, group.attribute("related_pg_pin").is_some()) {
            same.power.rise.extend(rise);
            same.power.fall.extend(fall);
        } else {
            let truth = condition.map(|c| when(c, group.line)).transpose()?;
            all.push(Raw { related, when: condition, power: Power { when: truth, rise, fall } });
        }
    }
    Ok(all)
}

/// Refuses more than `most` groups of one kind: the time to sort them by state grows with their square.
fn few(owner: &Group<'_>, kind: &str, most: usize) -> Result<(), SyntaxError> {
    match owner.all(kind).nth(most) {
        Some(group) => {
            Err(SyntaxError::new(group.line, format!("more than {most} groups `{kind}`")))
        }
        None => Ok(()),
    }
}

/// Leakage in W by state: conditional groups (those of several supplies added), elsewhere the
/// unconditional value.
pub(crate) fn leakage(
    cell: &Group<'_>,
    units: &Units,
    states: usize,
    when: &When<'_>,
) -> Result<Vec<f64>, SyntaxError> {
    few(cell, "leakage_power", MOST_LEAKAGE_GROUPS)?;
    let mut conditional: Vec<(&str, Truth, f64)> = Vec::new();
    let mut unconditional = None;
    for group in cell.all("leakage_power") {
        let value = group
            .number("value")?
            .ok_or_else(|| SyntaxError::new(group.line, "leakage_power without value"))?;
        let value = value * units.leakage;
        let Some(text) = group.text("when") else {
            *unconditional.get_or_insert(0.0) += value;
            continue;
        };
        match conditional.iter_mut().find(|c| c.0 == text) {
            Some(same) => same.2 += value,
            None => conditional.push((text, when(text, group.line)?, value)),
        }
    }
    let stated = cell.number("cell_leakage_power")?.map(|v| v * units.leakage);
    let mean = conditional.iter().map(|c| c.2).sum::<f64>() / conditional.len().max(1) as f64;
    let default = unconditional.or(stated).unwrap_or(mean);
    let value = |state| conditional.iter().find(|c| c.1.get(state)).map_or(default, |c| c.2);
    Ok((0..states).map(value).collect())
}
