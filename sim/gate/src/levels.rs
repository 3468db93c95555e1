//! Order of evaluation without delays.

use std::collections::VecDeque;

use super::elaborate::NONE;
use super::model::{GATE, Unit};

/// Level of every unit and the number of levels. A gate is above all its drivers; where gates form a loop one of them
/// (the first in the netlist) is out of order.
pub(super) fn levels(units: &[Unit], fan_start: &[u32], fan: &[u32]) -> (Vec<u32>, u32) {
    let readers = |unit: &Unit| {
        let net = unit.out as usize;
        let range = fan_start[net] as usize..fan_start[net + 1] as usize;
        fan[range].iter().map(|f| f >> 4)
    };
    let is_gate = |u: u32| units[u as usize].kind == GATE;
    let gates = || (0..units.len() as u32).filter(|&u| is_gate(u));
    let mut waits = vec![0u32; units.len()];
    for gate in gates() {
        readers(&units[gate as usize]).for_each(|r| waits[r as usize] += 1);
    }
    let mut level = vec![NONE; units.len()];
    let mut lower = vec![0u32; units.len()];
    let mut ready: VecDeque<u32> = gates().filter(|&u| waits[u as usize] == 0).collect();
    let mut rest = gates();
    let mut depth = 1;
    loop {
        let next = ready.pop_front().or_else(|| rest.find(|&u| level[u as usize] == NONE));
        let Some(unit) = next else { break };
        if level[unit as usize] != NONE {
            continue;
        }
        let own = lower[unit as usize];
        level[unit as usize] = own;
        depth = depth.max(own + 1);
        for reader in readers(&units[unit as usize]) {
            let reader = reader as usize;
            waits[reader] = waits[reader].saturating_sub(1);
            lower[reader] = lower[reader].max(own + 1);
            if waits[reader] == 0 && is_gate(reader as u32) && level[reader] == NONE {
                ready.push_back(reader as u32);
            }
        }
    }
    level.iter_mut().filter(|l| **l == NONE).for_each(|l| *l = 0);
    (level, depth)
}
