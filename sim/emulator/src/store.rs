//! The store engine: reads words from the buffer and packs them into beats.

use std::collections::VecDeque;

/// Words that the queue between the buffer and the output holds.
const QUEUE: usize = 2;

/// State of the engine; [`Store::cycle`] steps it.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    /// Cycle in which the running store was started, with the words that are not yet read.
    unread: u64,
    /// First cycle in which a word may be read.
    from: u64,
    /// Words on their way or in the queue: the first cycle in which each can leave.
    queue: VecDeque<u64>,
    /// Words that have not yet left the queue.
    left: u64,
    /// Words in the packing register, with the first cycle in which it is offered if it is complete.
    packed: u64,
    offered: Option<u64>,
    /// Beats of the word at the head that have left (words of at least a beat).
    part: u64,
    /// Words per beat or beats per word.
    words_per_beat: u64,
    beats_per_word: u64,
}

/// Events of a cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StoreEvents {
    /// A word was read from the buffer.
    pub(super) read: bool,
    /// A beat left.
    pub(super) beat: bool,
}

impl Store {
    /// The engine for words of `slot` bits and beats of `stream` bits.
    #[must_use]
    pub(super) fn new(slot: usize, stream: usize) -> Self {
        Self {
            words_per_beat: (stream / slot) as u64,
            beats_per_word: (slot / stream) as u64,
            ..Self::default()
        }
    }

    /// Starts a store of `words` in cycle `start`; the engine must be idle.
    pub(super) fn start(&mut self, start: u64, words: u64) {
        self.unread = words;
        self.left = words;
        self.from = start + 1;
    }

    /// Whether all words have left.
    #[must_use]
    pub(super) fn idle(&self) -> bool {
        self.left == 0 && self.packed == 0
    }

    /// Whether a beat is offered in `cycle`.
    #[must_use]
    pub(super) fn valid(&self, cycle: u64) -> bool {
        if self.words_per_beat > 1 {
            self.offered.is_some_and(|from| from <= cycle)
        } else {
            self.queue.front().is_some_and(|from| *from <= cycle)
        }
    }

    /// Steps one cycle. `ready` is that of the stream; `busy`: the loader reads the buffer.
    pub(super) fn cycle(&mut self, cycle: u64, ready: bool, busy: bool) -> StoreEvents {
        let beat = ready && self.valid(cycle);
        // Words in the queue and on their way, before this cycle's departure and arrival.
        let held = self.queue.len();
        let leaves =
            if self.words_per_beat > 1 { self.pack(cycle, beat) } else { self.send_parts(beat) };
        if leaves {
            self.queue.pop_front();
            self.left -= 1;
        }
        let room = held - usize::from(leaves) < QUEUE;
        let read = self.unread > 0 && cycle >= self.from && !busy && room;
        if read {
            self.unread -= 1;
            self.queue.push_back(cycle + 2);
        }
        StoreEvents { read, beat }
    }

    /// Narrow words: moves the head into the packing register. Returns whether it left the queue.
    fn pack(&mut self, cycle: u64, beat: bool) -> bool {
        if beat {
            self.packed = 0;
            self.offered = None;
        }
        let ready = self.queue.front().is_some_and(|from| *from <= cycle);
        if !ready || self.offered.is_some() {
            return false;
        }
        self.packed += 1;
        if self.packed == self.words_per_beat || self.left == 1 {
            self.offered = Some(cycle + 1);
        }
        true
    }

    /// Wide words: counts the beats of the head. Returns whether it left the queue.
    fn send_parts(&mut self, beat: bool) -> bool {
        if !beat {
            return false;
        }
        self.part += 1;
        let last = self.part == self.beats_per_word;
        if last {
            self.part = 0;
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cycles in which beats leave, and the first idle cycle.
    fn beats(slot: usize, stream: usize, words: u64) -> (Vec<u64>, u64) {
        let mut store = Store::new(slot, stream);
        store.start(10, words);
        let mut out = Vec::new();
        for cycle in 11.. {
            if store.idle() {
                return (out, cycle);
            }
            if store.cycle(cycle, true, false).beat {
                out.push(cycle);
            }
        }
        unreachable!()
    }

    #[test]
    fn a_word_per_beat_flows_without_gaps() {
        assert_eq!(beats(64, 64, 4), (vec![13, 14, 15, 16], 17));
    }

    #[test]
    fn wide_words_take_several_beats() {
        assert_eq!(beats(128, 64, 2), (vec![13, 14, 15, 16], 17));
    }

    #[test]
    fn narrow_words_are_packed() {
        // Words leave the queue in 13, 14, 15; the full register is offered in 15, the last in 16.
        assert_eq!(beats(32, 64, 3), (vec![15, 16], 17));
    }
}
