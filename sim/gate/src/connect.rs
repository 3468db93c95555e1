//! Drivers and readers of each net.

use super::elaborate::{Flat, NONE, ONE, ZERO};
use super::error::{GateError, Result};
use pecan_liberty::Library;

/// Readers of every net, in compressed rows.
#[derive(Debug)]
pub(super) struct Loads {
    start: Vec<u32>,
    /// Cell and pin.
    loads: Vec<(u32, u8)>,
}

impl Loads {
    /// Cell inputs that read `net`.
    pub(super) fn of(&self, net: u32) -> &[(u32, u8)] {
        &self.loads[self.start[net as usize] as usize..self.start[net as usize + 1] as usize]
    }

    /// Collects the readers.
    pub(super) fn new(flat: &Flat, library: &Library) -> Self {
        let mut start = vec![0u32; flat.nets as usize + 1];
        for cell in &flat.cells {
            for &net in flat.pins_of(cell, library).0 {
                start[net as usize + 1] += 1;
            }
        }
        for net in 0..flat.nets as usize {
            start[net + 1] += start[net];
        }
        let mut fill = start.clone();
        let mut loads = vec![(0, 0); start[flat.nets as usize] as usize];
        for (index, cell) in flat.cells.iter().enumerate() {
            for (pin, &net) in flat.pins_of(cell, library).0.iter().enumerate() {
                let at = &mut fill[net as usize];
                loads[*at as usize] = (index as u32, pin as u8);
                *at += 1;
            }
        }
        Self { start, loads }
    }
}

/// Checks that every net that is read has exactly one driver, and returns the scope of the driver (0, the top, for
/// primary inputs).
pub(super) fn check_drivers(flat: &Flat, library: &Library, loads: &Loads) -> Result<Vec<u32>> {
    let mut scope = vec![NONE; flat.nets as usize];
    let mut twice = Vec::new();
    let mut drive = |net: u32, by: u32| {
        if scope[net as usize] != NONE {
            twice.push(net);
        }
        scope[net as usize] = by;
    };
    drive(ZERO, 0);
    drive(ONE, 0);
    for port in flat.ports.iter().filter(|p| p.input) {
        port.nets.iter().for_each(|&net| drive(net, 0));
    }
    for cell in &flat.cells {
        flat.pins_of(cell, library).1.iter().for_each(|&net| drive(net, cell.scope));
    }
    for memory in &flat.memories {
        memory.read_data.iter().for_each(|&net| drive(net, memory.scope));
    }
    if flat.constants_joined {
        twice.push(ZERO);
    }
    if !twice.is_empty() {
        twice.sort_unstable();
        twice.dedup();
        let nets = twice.iter().map(|&n| flat.net_name(n)).collect();
        return Err(GateError::MultiplyDriven { nets });
    }
    let mut read: Vec<u32> = (0..flat.nets).filter(|&n| !loads.of(n).is_empty()).collect();
    read.extend(flat.ports.iter().filter(|p| !p.input).flat_map(|p| &p.nets));
    for m in &flat.memories {
        read.extend([m.clock, m.read_enable, m.write_enable]);
        read.extend(m.read_address.iter().chain(&m.write_address).chain(&m.write_data));
    }
    read.retain(|&net| scope[net as usize] == NONE);
    if !read.is_empty() {
        read.sort_unstable();
        read.dedup();
        let nets = read.iter().map(|&n| flat.net_name(n)).collect();
        return Err(GateError::Undriven { nets });
    }
    Ok(scope)
}
