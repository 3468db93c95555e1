//! Memory ordering that the list of transfers implies: the transfers that each one waits for.

use std::collections::BTreeMap;

use super::{Program, Transfer};

/// One transfer of one direction, with the ordering constraint across directions resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderedTransfer {
    /// First DRAM byte.
    pub address: u64,
    /// Length in beats.
    pub beats: u64,
    /// Number of transfers of the *other* direction, counted from the first, that must be complete before
    /// the first beat of this one moves.
    pub wait: u64,
}

/// The transfers split by direction.
///
/// A send that reads bytes which an earlier receive writes waits until that receive is complete (read
/// after write). A receive that overwrites bytes which an earlier send reads waits until the device has
/// taken that send's last beat (write after read). As each direction completes in order, one count per
/// transfer suffices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ordering {
    /// DRAM to device, in stream order.
    pub sends: Vec<OrderedTransfer>,
    /// Device to DRAM, in stream order.
    pub receives: Vec<OrderedTransfer>,
}

impl Ordering {
    /// Resolves the order of a valid program's transfers.
    pub fn of(program: &Program) -> Self {
        let mut ordering = Self::default();
        let (mut readers, mut writers) = (LastAccess::default(), LastAccess::default());
        for transfer in &program.transfers {
            let region = transfer.region();
            let (begin, end) = (region.address, region.end());
            let beats = region.bytes / program.beat_bytes();
            let (own, mine, others) = match transfer {
                Transfer::Send { .. } => (&mut ordering.sends, &mut readers, &writers),
                Transfer::Receive { .. } => (&mut ordering.receives, &mut writers, &readers),
            };
            own.push(OrderedTransfer { address: begin, beats, wait: others.latest(begin, end) });
            mine.record(begin, end, own.len() as u64);
        }
        ordering
    }
}

/// For every byte, the latest transfer of one direction that accessed it; disjoint intervals by start.
#[derive(Default)]
struct LastAccess(BTreeMap<u64, (u64, u64)>);

impl LastAccess {
    /// The highest transfer count recorded in `begin..end`, 0 for none.
    fn latest(&self, begin: u64, end: u64) -> u64 {
        // Intervals are disjoint, so their ends ascend too: stop at the first that ends before `begin`.
        let overlapping = self.0.range(..end).rev().take_while(|(_, (stop, _))| *stop > begin);
        overlapping.map(|(_, (_, count))| *count).max().unwrap_or(0)
    }

    /// Records that transfer number `count` accessed `begin..end`, replacing earlier records there.
    fn record(&mut self, begin: u64, end: u64, count: u64) {
        let hit: Vec<(u64, (u64, u64))> = self
            .0
            .range(..end)
            .rev()
            .take_while(|(_, (stop, _))| *stop > begin)
            .map(|(start, value)| (*start, *value))
            .collect();
        for (start, (stop, old)) in hit {
            self.0.remove(&start);
            if start < begin {
                self.0.insert(start, (begin, old));
            }
            if stop > end {
                self.0.insert(end, (stop, old));
            }
        }
        self.0.insert(begin, (end, count));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Region;
    use super::*;
    use proptest::prelude::*;

    fn program(transfers: Vec<Transfer>) -> Program {
        Program {
            config_hash: [0; 32],
            stream_bits: 32,
            dram: vec![0; 4096],
            transfers,
            input: Region::default(),
            output: Region::default(),
            layers: 0,
        }
    }

    /// The definition, evaluated pair by pair.
    fn brute(program: &Program) -> Ordering {
        let mut ordering = Ordering::default();
        for (index, transfer) in program.transfers.iter().enumerate() {
            let (is_send, region) = (matches!(transfer, Transfer::Send { .. }), transfer.region());
            let (mut wait, mut count) = (0, 0);
            for other in &program.transfers[..index] {
                if matches!(other, Transfer::Send { .. }) != is_send {
                    count += 1;
                    let seen = other.region();
                    if seen.address < region.end() && region.address < seen.end() {
                        wait = count;
                    }
                }
            }
            let ordered =
                OrderedTransfer { address: region.address, beats: region.bytes / 4, wait };
            let list = if is_send { &mut ordering.sends } else { &mut ordering.receives };
            list.push(ordered);
        }
        ordering
    }

    proptest! {
        #[test]
        fn matches_the_definition(list in prop::collection::vec((any::<bool>(), 0u64..60, 1u64..20), 0..40)) {
            let program = program(list.into_iter().map(|(send, word, beats)| {
                let (address, bytes) = (word * 4, beats * 4);
                if send { Transfer::Send { address, bytes } } else { Transfer::Receive { address, bytes } }
            }).collect());
            prop_assert_eq!(Ordering::of(&program), brute(&program));
        }
    }
}
