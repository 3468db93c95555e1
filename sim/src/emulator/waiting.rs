//! What columns show while they wait for a slice.

use super::activity::DeviceObserver;

/// Columns that wait for a slice. Their next entry already points at the scratchpads, at words that the loader has
/// written or not at the time.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    /// First loader step of the slice.
    pub(super) first: u64,
    /// Half of the scratchpad.
    pub(super) half: usize,
    /// Cycle since which it waits, column and position.
    pub(super) columns: Vec<(u64, usize, usize)>,
}

impl Waiting {
    /// Loader step `step` is about to write: those that wait by then show what was there before.
    pub(super) fn show(&mut self, step: u64, observer: &mut DeviceObserver) {
        // A word is there two cycles after the step that reads it.
        let there = self.first + step + 2;
        self.columns.retain(|&(since, column, position)| {
            if since < there {
                observer.peek(column, self.half, position);
            }
            since >= there
        });
    }
}
