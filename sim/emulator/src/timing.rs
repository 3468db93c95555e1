//! Timing of a kernel as recurrences over reduction tiles and tiles; no cycle is stepped.

mod period;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use period::Period;

use super::shape::KernelShape;

/// Entries that each column fires in each reduction tile of a tile: `[column][reduction tile]`, empty for an unused
/// column.
pub type ListLengths = Vec<Vec<u32>>;

/// Inputs of the timing of a kernel.
#[derive(Clone, Debug)]
pub struct KernelPlan {
    /// The loop nest.
    pub shape: KernelShape,
    /// The lists.
    pub lists: ListLengths,
}

/// Cycles of one tile.
#[derive(Clone, Debug, Default)]
pub struct TileCycles {
    /// First loader step of each reduction tile.
    pub load: Vec<u64>,
    /// First drain step.
    pub drain: u64,
    /// Last drain step.
    pub free: u64,
}

/// Times of a reduction tile that affect toggles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SliceTimes {
    /// First loader step.
    pub(super) first: u64,
    /// The loader does not continue directly from the reduction tile before.
    pub(super) pauses: bool,
    /// Columns whose first entry does not directly follow their entry before, and the cycle since which they wait.
    pub(super) waits: Vec<(usize, u64)>,
}

/// Times that decide when the columns start with a reduction tile.
struct SliceStart<'a> {
    /// First loader step.
    first: u64,
    /// The loader does not continue directly from the reduction tile before.
    pauses: bool,
    /// First cycle in which the first entry of the reduction tile may fire, and in which each column may fire again.
    ready: u64,
    columns: &'a [u64],
}

/// Times a kernel tile by tile. The recurrences are those of `docs/command-stream.md`, section Timing.
#[derive(Clone, Debug)]
pub struct Timer {
    plan: Arc<KernelPlan>,
    /// Cycle in which the kernel was started.
    start: u64,
    tile: u64,
    /// First cycle in which the loader may start the next reduction tile.
    loader: u64,
    /// Last entry fired in the last two reduction tiles, oldest first.
    release: [u64; 2],
    /// First cycle in which each column may fire.
    column: Vec<u64>,
    /// Last drain step of the last two tiles, oldest first.
    free: [u64; 2],
    steps: Arc<Vec<u64>>,
}

impl Timer {
    /// A kernel whose `Run` command is executed in cycle `start`.
    #[must_use]
    pub fn new(plan: Arc<KernelPlan>, start: u64) -> Self {
        let shape = &plan.shape;
        let steps =
            (0..shape.slices()).map(|s| shape.loader_steps(shape.extent(shape.block_at(s))));
        let steps = Arc::new(steps.collect());
        let column = vec![0; plan.lists.len()];
        Self {
            start,
            tile: 0,
            loader: start + 1,
            release: [0; 2],
            column,
            free: [start; 2],
            steps,
            plan,
        }
    }

    /// The plan that is timed.
    #[must_use]
    pub fn plan(&self) -> &Arc<KernelPlan> {
        &self.plan
    }

    /// Cycles of the next tile, or `None` after the last.
    pub fn next_tile(&mut self) -> Option<TileCycles> {
        if self.tile == self.plan.shape.tile_count() {
            return None;
        }
        let mut load = Vec::with_capacity(self.steps.len());
        let drain = self.step_tile(|first| load.push(first));
        Some(TileCycles { load, drain, free: self.free[1] })
    }

    /// Times of the reduction tiles of the next tile; empty after the last tile.
    pub(super) fn next_slices(&mut self) -> Vec<SliceTimes> {
        let mut times = Vec::with_capacity(self.steps.len());
        if self.tile < self.plan.shape.tile_count() {
            let plan = Arc::clone(&self.plan);
            self.step(|start| {
                let columns = start.columns.iter().copied().enumerate();
                let active = columns.filter(|(column, _)| !plan.lists[*column].is_empty());
                let waits = active.filter(|(_, next)| start.ready > *next).collect();
                times.push(SliceTimes { first: start.first, pauses: start.pauses, waits });
            });
        }
        times
    }

    /// Advances by one tile; reports the first loader step of each reduction tile and returns the first drain step.
    fn step_tile(&mut self, mut loads: impl FnMut(u64)) -> u64 {
        self.step(|slice| loads(slice.first))
    }

    fn step(&mut self, mut report: impl FnMut(SliceStart<'_>)) -> u64 {
        let plan = Arc::clone(&self.plan);
        let shape = &plan.shape;
        for slice in 0..self.steps.len() {
            self.slice(&plan.lists, slice, &mut report);
        }
        let active = plan.lists.iter().any(|list| !list.is_empty());
        let last = if active { self.release[1] } else { self.start + 1 };
        let drain = (self.free[1] + 1).max(last + 2).max(self.start + 3);
        let free = drain + drain_cycles(shape, shape.tile_at(self.tile)) - 1;
        self.free = [self.free[1], free];
        self.tile += 1;
        drain
    }

    /// Advances loader and columns by one reduction tile.
    fn slice(
        &mut self,
        lists: &ListLengths,
        slice: usize,
        report: &mut impl FnMut(SliceStart<'_>),
    ) {
        let first = self.loader.max(self.release[0] + 1);
        let pauses = first > self.loader;
        let end = first + self.steps[slice] - 1;
        self.loader = end + 1;
        let bank = if slice == 0 && self.tile >= 2 { self.free[0] + 1 } else { 0 };
        let ready = (end + 2).max(bank);
        report(SliceStart { first, pauses, ready, columns: &self.column });
        let mut release = 0;
        for (next, list) in self.column.iter_mut().zip(lists) {
            if let Some(entries) = list.get(slice) {
                *next = ready.max(*next) + u64::from(*entries);
                release = release.max(*next - 1);
            }
        }
        self.release = [self.release[1], release];
    }

    /// First cycle in which the compute engine is idle again, or `None` if the kernel is longer than its limit.
    #[must_use]
    pub fn finish(mut self) -> Option<u64> {
        let bound = self.start + 1 + self.plan.shape.limit;
        let (mut tile, mut row) = (Period::default(), Period::default());
        while self.tile < self.plan.shape.tile_count() {
            self.step_tile(|_| ());
            if self.free[1] + 5 > bound {
                return None;
            }
            self.skip(&mut tile, &mut row);
        }
        (self.free[1] + 5 <= bound).then_some(self.free[1] + 5)
    }

    /// Cycle in which a kernel that is too long is aborted.
    #[must_use]
    pub fn abort(&self) -> u64 {
        self.start + 1 + self.plan.shape.limit
    }
}

/// Cycles that the drain of a tile takes.
#[must_use]
pub fn drain_cycles(shape: &KernelShape, tile: [i64; 2]) -> u64 {
    if shape.no_drain {
        return 1;
    }
    let visited = shape.valid_rows(tile).chain(std::iter::repeat(false)).take(shape.rows_used);
    visited.map(|valid| if valid { shape.out_chunks } else { 1 }).sum()
}

/// Cycles from the start of a kernel to the first cycle in which the compute engine is idle, `None` above the limit.
#[must_use]
pub fn kernel_cycles(plan: Arc<KernelPlan>) -> Option<u64> {
    Timer::new(plan, 0).finish().map(|idle| idle - 1)
}
