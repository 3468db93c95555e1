//! State and counts of the bits that are nets of a design.

use super::super::hierarchy::BitOf;

/// State of a bit: 0, 1, or `x` for neither.
#[derive(Debug)]
struct Slot {
    value: u8,
    toggles: u64,
    ones: u64,
    /// Time that had counted when the value came.
    since: u64,
}

/// Bits of identifiers that nets of a design have.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    /// By number of the identifier: places from the right of its bits, and their slots.
    places: Vec<Vec<(u32, u32)>>,
    /// Slots by net of the design.
    of_net: Vec<Option<u32>>,
}

impl Slots {
    /// For the bits of nets, of so many identifiers.
    pub(super) fn new(bits: &[Option<BitOf>], identifiers: usize) -> Self {
        let mut places = vec![Vec::new(); identifiers];
        let with_bit = bits.iter().enumerate().filter_map(|(net, bit)| Some(((*bit)?, net)));
        let mut sorted: Vec<(BitOf, usize)> = with_bit.collect();
        sorted.sort_unstable();
        let mut of_net = vec![None; bits.len()];
        let mut slots: Vec<Slot> = Vec::new();
        let mut last = None;
        for (bit, net) in sorted {
            if last != Some(bit) {
                places[bit.0 as usize].push((bit.1, slots.len() as u32));
                slots.push(Slot { value: b'x', toggles: 0, ones: 0, since: 0 });
                last = Some(bit);
            }
            of_net[net] = Some(slots.len() as u32 - 1);
        }
        Self { slots, places, of_net }
    }

    /// A change of an identifier to `digits`, the leftmost of which stands for those that are missing unless it is 1.
    /// `counted` is the time that has counted; toggles count if `counts`.
    pub(super) fn change(&mut self, identifier: u32, digits: &[u8], counted: u64, counts: bool) {
        for &(place, slot) in &self.places[identifier as usize] {
            let digit = match digits.len().checked_sub(place as usize + 1) {
                Some(at) => digits[at],
                None if digits[0] == b'1' => b'0',
                None => digits[0],
            };
            let slot = &mut self.slots[slot as usize];
            let new = value(digit).unwrap_or(b'x');
            if new == slot.value {
                continue;
            }
            if slot.value == b'1' {
                slot.ones += counted - slot.since;
            }
            slot.toggles += u64::from(counts && new != b'x' && slot.value != b'x');
            slot.value = new;
            slot.since = counted;
        }
    }

    /// Closes all times at 1.
    pub(super) fn close(&mut self, counted: u64) {
        for slot in self.slots.iter_mut().filter(|slot| slot.value == b'1') {
            slot.ones += counted - slot.since;
            slot.since = counted;
        }
    }

    /// Toggles and time at 1 of a net of the design.
    pub(super) fn of(&self, net: usize) -> Option<(u64, u64)> {
        self.of_net[net].map(|slot| &self.slots[slot as usize]).map(|s| (s.toggles, s.ones))
    }
}

/// `0`, `1`, or `x` for what is neither; weak values are as strong ones. Nothing for what is no value.
pub(super) fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0' | b'l' | b'L' => Some(b'0'),
        b'1' | b'h' | b'H' => Some(b'1'),
        b'x' | b'X' | b'z' | b'Z' | b'u' | b'U' | b'w' | b'W' | b'-' => Some(b'x'),
        _ => None,
    }
}
