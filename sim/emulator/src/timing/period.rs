//! Skips tiles whose timing repeats that of the tile, or of the row of tiles, before them.
//!
//! The recurrences are maxima of sums, so they are invariant under a shift in time. If all times that they depend on
//! have advanced by the same amount over a tile, then every further tile with an equally long drain advances them by
//! that amount again. The same holds for rows of tiles.

use super::Timer;

/// Times that the recurrences depend on, after the latest observed step.
#[derive(Clone, Debug, Default)]
pub(super) struct Period {
    times: Vec<u64>,
    /// The tile, or row of tiles, after which they were observed, plus one.
    at: u64,
}

impl Period {
    /// Observes the times after step `at` (counted from 0); returns the amount by which the step advanced all of them,
    /// if it is the same.
    fn advance(&mut self, timer: &Timer, at: u64) -> Option<u64> {
        let lists = &timer.plan.lists;
        let columns = timer.column.iter().zip(lists).filter(|(_, list)| !list.is_empty());
        let now = [timer.loader, timer.release[0], timer.release[1], timer.free[0], timer.free[1]];
        let now: Vec<u64> = now.into_iter().chain(columns.map(|(time, _)| *time)).collect();
        let before = std::mem::replace(&mut self.times, now);
        let next = std::mem::replace(&mut self.at, at + 1) == at;
        let moved = self.times.first()? - before.first()?;
        let alike = self.times.iter().zip(&before).all(|(now, before)| now - before == moved);
        (next && alike).then_some(moved)
    }

    /// Discards the times after they have been changed.
    fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Number of tiles along an axis with the same valid pixels as the first.
fn alike(timer: &Timer, axis: usize) -> u64 {
    let shape = &timer.plan.shape;
    let (out, tile) = (shape.out[axis], shape.tile[axis]);
    let pixels = shape.rows.iter().map(|row| row.pixel[axis]).filter(|pixel| *pixel < out);
    if tile == 0 {
        return shape.tiles[axis];
    }
    // Where no pixel is valid, none becomes valid before the remaining extent wraps.
    let last = pixels.max().map_or(out, |last| out - 1 - last);
    shape.tiles[axis].min((last / tile) as u64 + 1)
}

/// The first tiles of a kernel also depend on its start.
const FIRST: u64 = 3;

impl Timer {
    /// Skips the tiles that repeat the latest tile or row of tiles.
    pub(super) fn skip(&mut self, tile: &mut Period, row: &mut Period) {
        let [rows, columns] = self.plan.shape.tiles;
        let done = self.tile - 1;
        if done < FIRST {
            return;
        }
        let (y, x) = (done / columns, done % columns);
        if x + 1 == columns {
            if y + 1 < rows
                && let Some(moved) = row.advance(self, y)
            {
                let same = alike(self, 0);
                if y < same {
                    self.jump(same - 1 - y, columns, moved);
                    tile.forget();
                }
            }
            return;
        }
        let same = alike(self, 1);
        if x < same
            && let Some(moved) = tile.advance(self, done)
        {
            self.jump(same - 1 - x, 1, moved);
        }
    }

    /// Advances all times by `count` steps of `tiles` tiles, `moved` cycles each.
    fn jump(&mut self, count: u64, tiles: u64, moved: u64) {
        let by = count * moved;
        self.tile += count * tiles;
        self.loader += by;
        self.release.iter_mut().chain(&mut self.free).for_each(|time| *time += by);
        self.column.iter_mut().for_each(|time| *time += by);
    }
}
