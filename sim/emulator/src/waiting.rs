//! Activity of columns and of the loader while they wait for a reduction tile.

use super::activity::DeviceObserver;
use super::array::Sum;
use super::functional::{Execution, padding};
use super::lists::group_point;
use super::shape::KernelShape;
use super::timing::SliceTimes;

/// Columns that wait for a reduction tile. Their next entry already addresses the scratchpads, where the loader may or
/// may not have written the word yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    /// First loader step of the reduction tile.
    pub(super) first: u64,
    /// Half of the scratchpad.
    pub(super) half: usize,
    /// First cycle of the wait, column and position.
    pub(super) columns: Vec<(u64, usize, usize)>,
}

impl Waiting {
    /// Before loader step `step` writes: columns that wait by then read the old contents.
    pub(super) fn show(&mut self, step: u64, observer: &mut DeviceObserver) {
        // The word is written two cycles after the step that reads it.
        let there = self.first + step + 2;
        self.columns.retain(|&(since, column, position)| {
            if since < there {
                observer.peek(column, self.half, position);
            }
            since >= there
        });
    }
}

/// Whether the first word of a reduction tile lies outside the input.
pub(super) fn pads(shape: &KernelShape, tile: [i64; 2], block: [u64; 3]) -> bool {
    let origin = shape.origin(tile, block);
    !(0..2).all(|axis| shape.inside(axis, origin[axis], 0))
}

impl<S: Sum> Execution<'_, S> {
    /// Reports to the observer the columns that wait for the reduction tile `block` of `tile`, which is loaded next.
    pub(super) fn wait(
        &mut self,
        times: &SliceTimes,
        tile: [i64; 2],
        block: [u64; 3],
        half: usize,
        pointers: &[usize],
    ) {
        if let Some(observer) = &mut self.observer
            && times.pauses
        {
            let padding = padding(self.shape, self.geometry);
            observer.pause(pads(self.shape, tile, block).then_some(&padding));
        }
        let next = |column: usize| match (self.geometry.skip, self.shape.per_channel) {
            (true, _) => usize::from(self.memories.weights[column][pointers[column]].index),
            (false, true) => group_point(column, 0, self.geometry),
            (false, false) => 0,
        };
        let columns = times.waits.iter().map(|(column, since)| (*since, *column, next(*column)));
        self.waiting = Waiting { first: times.first, half, columns: columns.collect() };
    }
}
