//! A time wheel: events of the next picoseconds, one slot each.

/// Events are opaque numbers. Slots keep their memory from cycle to cycle.
#[derive(Debug)]
pub(super) struct Wheel {
    slots: Vec<Vec<u32>>,
    /// Which slots hold events.
    used: Vec<u64>,
    waiting: usize,
    now: u32,
}

impl Wheel {
    /// A wheel for delays of up to `longest` ps.
    pub(super) fn new(longest: u32) -> Self {
        let slots = (longest as usize + 2).next_power_of_two().max(64);
        Self { slots: vec![Vec::new(); slots], used: vec![0; slots / 64], waiting: 0, now: 0 }
    }

    /// Sets the time to 0; the wheel is empty between cycles.
    pub(super) fn restart(&mut self) {
        self.now = 0;
    }

    /// Time of the slot taken last, in ps.
    pub(super) fn now(&self) -> u32 {
        self.now
    }

    /// Adds an event at `time`, at most the longest delay from now.
    #[inline]
    pub(super) fn add(&mut self, time: u32, event: u32) {
        let slot = time as usize & (self.slots.len() - 1);
        self.used[slot / 64] |= 1 << (slot % 64);
        self.slots[slot].push(event);
        self.waiting += 1;
    }

    /// Advances to the next slot with events and swaps them with the empty `batch`.
    #[inline]
    pub(super) fn take(&mut self, batch: &mut Vec<u32>) -> bool {
        if self.waiting == 0 {
            return false;
        }
        let mask = self.slots.len() - 1;
        let mut slot = self.now as usize & mask;
        let mut word = self.used[slot / 64] >> (slot % 64);
        while word == 0 {
            let next = (slot / 64 + 1) * 64;
            self.now += (next - slot) as u32;
            slot = next & mask;
            word = self.used[slot / 64];
        }
        let ahead = word.trailing_zeros();
        self.now += ahead;
        slot += ahead as usize;
        self.used[slot / 64] &= !(1 << (slot % 64));
        std::mem::swap(&mut self.slots[slot], batch);
        self.waiting -= batch.len();
        true
    }

    /// Drops all events.
    pub(super) fn clear(&mut self) {
        self.slots.iter_mut().for_each(Vec::clear);
        self.used.fill(0);
        self.waiting = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_order_of_time() {
        let mut wheel = Wheel::new(200);
        wheel.add(3, 30);
        wheel.add(130, 31);
        wheel.add(3, 32);
        let mut batch = Vec::new();
        assert!(wheel.take(&mut batch));
        assert_eq!((wheel.now(), batch.clone()), (3, vec![30, 32]));
        batch.clear();
        assert!(wheel.take(&mut batch));
        assert_eq!(wheel.now(), 130);
        batch.clear();
        wheel.add(300, 33);
        assert!(wheel.take(&mut batch));
        assert_eq!((wheel.now(), batch.clone()), (300, vec![33]));
        batch.clear();
        assert!(!wheel.take(&mut batch));
    }
}
