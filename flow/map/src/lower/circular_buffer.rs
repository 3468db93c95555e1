//! Weight buffers and parameter memory as circular buffers: the lists of the next kernel load beside those in use, and
//! lists that are still present are not loaded again.

/// Identifies loaded lists or parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// Number of the layer.
    pub(crate) layer: usize,
    /// Number of its channel tile.
    pub(crate) channel_tile: usize,
    /// Number of the chunk of taps of the channel tile; 0 for parameters, which have no chunks.
    pub(crate) chunk: usize,
}

/// Loaded lists, by positions that increase without wrapping.
#[derive(Clone, Debug)]
struct Set {
    key: Key,
    start: Vec<u64>,
}

/// Circular buffers of one depth, one per column, that are filled together.
#[derive(Clone, Debug)]
pub(crate) struct CircularBuffers {
    depth: u64,
    next: Vec<u64>,
    sets: Vec<Set>,
    /// First position of the lists of the latest kernel.
    in_use: Option<Vec<u64>>,
}

/// Positions of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// First position per buffer.
    pub(crate) start: Vec<u64>,
    /// First position per buffer that overwrites lists of the latest kernel.
    pub(crate) limit: Vec<u64>,
}

impl CircularBuffers {
    /// `count` empty buffers.
    pub(crate) fn new(count: usize, depth: usize) -> Self {
        Self { depth: depth as u64, next: vec![0; count], sets: Vec::new(), in_use: None }
    }

    /// Positions of a set that is still present, for the next kernel.
    pub(crate) fn find(&mut self, key: Key) -> Option<Vec<u64>> {
        let (depth, next) = (self.depth, &self.next);
        self.sets.retain(|set| set.start.iter().zip(next).all(|(s, n)| n - s <= depth));
        let start = self.sets.iter().find(|set| set.key == key)?.start.clone();
        self.in_use = Some(start.clone());
        Some(start)
    }

    /// Allocates a set of the given lengths for the next kernel. With `whole` a set does not wrap.
    pub(crate) fn place(&mut self, key: Key, lengths: &[usize], whole: bool) -> Slot {
        let depth = self.depth;
        let before = self.next.clone();
        let start = self.allocate(key, lengths, whole);
        let used = self.in_use.replace(start.clone()).unwrap_or(before);
        Slot { start, limit: used.iter().map(|used| used + depth).collect() }
    }

    /// Whether nothing was overwritten so far.
    pub(crate) fn keep_all(&self) -> bool {
        self.next.iter().all(|next| *next <= self.depth)
    }

    /// Address of a position.
    pub(crate) fn address(&self, position: u64) -> usize {
        (position % self.depth) as usize
    }

    /// Entries of a buffer.
    pub(crate) fn depth(&self) -> u64 {
        self.depth
    }

    fn allocate(&mut self, key: Key, lengths: &[usize], whole: bool) -> Vec<u64> {
        for (next, length) in self.next.iter_mut().zip(lengths) {
            let room = self.depth - *next % self.depth;
            if whole && room < *length as u64 {
                *next += room;
            }
        }
        let start = self.next.clone();
        for (next, length) in self.next.iter_mut().zip(lengths) {
            *next += *length as u64;
        }
        self.sets.push(Set { key, start: start.clone() });
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(channel_tile: usize) -> Key {
        Key { layer: 0, channel_tile, chunk: 0 }
    }

    #[test]
    fn sets_stay_until_overwritten() {
        let mut buffers = CircularBuffers::new(1, 8);
        let first = buffers.place(key(0), &[3], false);
        assert_eq!((first.start[0], first.limit[0]), (0, 8));
        let second = buffers.place(key(1), &[4], false);
        assert_eq!((second.start[0], second.limit[0]), (3, 8));
        assert_eq!(buffers.find(key(0)), Some(vec![0]));
        // Its end overwrites the first set, which the latest kernel uses.
        let third = buffers.place(key(2), &[4], false);
        assert_eq!((third.start[0], third.limit[0]), (7, 8));
        assert_eq!(buffers.find(key(0)), None);
    }

    #[test]
    fn whole_sets_do_not_wrap() {
        let mut buffers = CircularBuffers::new(1, 8);
        buffers.place(key(0), &[5], true);
        let start = buffers.place(key(1), &[4], true).start[0];
        assert_eq!((start, buffers.address(start)), (8, 0));
    }
}
