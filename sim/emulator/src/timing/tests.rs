use super::*;
use crate::shape::{ColumnShape, RowShape};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A kernel of `tiles` tiles in one row, `slices` reduction tiles of `steps` loader steps, one valid row per tile.
fn shape(tiles: u64, slices: u64, steps: i64, chunks: u64, columns: usize) -> KernelShape {
    let row = RowShape { base: [0, 0], pixel: [0, 0], patch_offset: 0, out_offset: 0 };
    KernelShape {
        accumulate: false,
        no_drain: false,
        per_channel: false,
        maximum: false,
        limit: 1 << 24,
        tiles: [1, tiles],
        out: [1, tiles as i64],
        tile: [1, 1],
        in0: [0, 0],
        in_tile: [0, 0],
        in_size: [1, 1],
        addr0: 0,
        addr_tile: [0, 0],
        blocks: [slices, 1, 1],
        full: [steps, 1, 1],
        last: [steps, 1, 1],
        addr_block: [0; 3],
        in_block: [0; 2],
        ext: [0; 2],
        step: [1; 2],
        addr_step: [0; 2],
        patch: [0; 2],
        channels_last: 1,
        rows_used: 1,
        out_chunks: chunks,
        out_addr: 0,
        out_tile: [0; 2],
        clamp: [0; 2],
        param_base: 0,
        rows: vec![row],
        columns: vec![ColumnShape { base: 0, groups: 1 }; columns],
        steps_per_word: 1,
    }
}

/// The rules of `docs/command-stream.md`, stepped cycle by cycle; returns the first idle cycle of a kernel started in
/// 0.
fn stepped(plan: &KernelPlan) -> u64 {
    let s = &plan.shape;
    let (tiles, slices) = (s.tile_count(), s.slices());
    let total = tiles * slices;
    let steps = s.full[0] as u64;
    let mut loaded: Vec<u64> = Vec::new(); // last step of each slice
    let (mut loading, mut done) = (0u64, 0u64);
    let columns = plan.lists.len();
    let mut at = vec![0u64; columns];
    let mut left: Vec<u32> = plan.lists.iter().map(|list| list[0]).collect();
    let mut fired: Vec<Vec<u64>> = vec![Vec::new(); columns]; // last entry of each slice
    let mut free: Vec<u64> = Vec::new();
    let mut drain = 0;
    for cycle in 1.. {
        let released = |n: u64| fired.iter().all(|f| f.get(n as usize).is_some_and(|c| *c < cycle));
        // Drain: at least two cycles after the last entry of its tile.
        let tile = free.len() as u64;
        let last = ((tile + 1) * slices - 1) as usize;
        let ready = fired.iter().all(|f| f.get(last).is_some_and(|c| c + 2 <= cycle));
        let drains = drain > 0 || (ready && cycle >= 3);
        if loading < total && (done > 0 || loading < 2 || released(loading - 2)) {
            done += 1;
            if done == steps {
                loaded.push(cycle);
                (loading, done) = (loading + 1, 0);
            }
        }
        for c in 0..columns {
            let n = at[c];
            if n == total || loaded.get(n as usize).is_none_or(|end| end + 2 > cycle) {
                continue;
            }
            let tile = n / slices;
            let bank = tile < 2 || free.get(tile as usize - 2).is_some_and(|f| *f < cycle);
            if n.is_multiple_of(slices) && left[c] == plan.lists[c][0] && !bank {
                continue;
            }
            left[c] -= 1;
            if left[c] == 0 {
                fired[c].push(cycle);
                at[c] += 1;
                left[c] = plan.lists[c][(at[c] % slices) as usize];
            }
        }
        if drains {
            drain += 1;
            if drain == s.out_chunks {
                free.push(cycle);
                drain = 0;
            }
        }
        if free.len() as u64 == tiles {
            return cycle + 5;
        }
    }
    unreachable!()
}

#[test]
fn recurrences_match_the_stepped_rules() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for trial in 0..3000 {
        let columns = rng.random_range(1..=4);
        let slices = rng.random_range(1..=4);
        let longest = if rng.random_bool(0.5) { 4 } else { 30 };
        let chunks = if rng.random_bool(0.5) { 4 } else { 60 };
        let shape = shape(
            rng.random_range(1..=7),
            slices,
            rng.random_range(1..=12),
            rng.random_range(1..=chunks),
            columns,
        );
        let list =
            |rng: &mut ChaCha8Rng| (0..slices).map(|_| rng.random_range(1..=longest)).collect();
        let lists = (0..columns).map(|_| list(&mut rng)).collect();
        let plan = Arc::new(KernelPlan { shape, lists });
        let expected = stepped(&plan);
        assert_eq!(
            Timer::new(Arc::clone(&plan), 0).finish(),
            Some(expected),
            "trial {trial}: {plan:?}"
        );
    }
}

#[test]
fn a_run_by_hand() {
    // Load in 1..=3, fire in 5..=8, drain in 10..=11, idle from 16.
    let plan = KernelPlan { shape: shape(1, 1, 3, 2, 1), lists: vec![vec![4]] };
    let mut timer = Timer::new(Arc::new(plan.clone()), 0);
    let tile = timer.next_tile().unwrap();
    assert_eq!((tile.load[0], tile.drain, tile.free), (1, 10, 11));
    assert_eq!(kernel_cycles(Arc::new(plan)), Some(15));
}

#[test]
fn the_limit_ends_a_run() {
    let mut plan = KernelPlan { shape: shape(1, 1, 3, 2, 1), lists: vec![vec![4]] };
    plan.shape.limit = 15;
    assert_eq!(kernel_cycles(Arc::new(plan.clone())), Some(15));
    plan.shape.limit = 14;
    assert_eq!(kernel_cycles(Arc::new(plan)), None);
}

/// Tiles in two dimensions, some of them with fewer pixels than others.
#[test]
fn skipped_tiles_would_have_changed_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    for trial in 0..20_000 {
        let (columns, slices) = (rng.random_range(1..=3), rng.random_range(1..=3));
        let mut shape =
            shape(1, slices, rng.random_range(1..=12), rng.random_range(1..=9), columns);
        let tile = [rng.random_range(1..=3), rng.random_range(1..=3)];
        shape.tile = tile;
        shape.out = [0; 2].map(|_| rng.random_range(1..=24));
        shape.tiles = [0, 1].map(|i| (shape.out[i] as u64).div_ceil(tile[i] as u64));
        let pixel = |i: i64| [i / tile[1], i % tile[1]];
        shape.rows =
            (0..tile[0] * tile[1]).map(|i| RowShape { pixel: pixel(i), ..shape.rows[0] }).collect();
        shape.rows_used = shape.rows.len();
        shape.no_drain = rng.random_bool(0.1);
        let list = |rng: &mut ChaCha8Rng| -> Vec<u32> {
            let used = rng.random_bool(0.9);
            (0..if used { slices } else { 0 }).map(|_| rng.random_range(1..=30)).collect()
        };
        let lists: Vec<Vec<u32>> = (0..columns).map(|_| list(&mut rng)).collect();
        let timer = Timer::new(Arc::new(KernelPlan { shape, lists }), rng.random_range(0..50));
        let mut walked = timer.clone();
        let mut free = 0;
        while let Some(tile) = walked.next_tile() {
            free = tile.free;
        }
        assert_eq!(timer.clone().finish(), Some(free + 5), "trial {trial}: {:?}", timer.plan());
    }
}

#[test]
fn places_decide_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    for trial in 0..500 {
        let (slices, columns) = (rng.random_range(1..=4), rng.random_range(1..=4));
        let (tiles, steps) = (rng.random_range(1..=7), rng.random_range(1..=12));
        let mut shape = shape(tiles, slices, steps, rng.random_range(1..=20), columns);
        let near = shape.without_places();
        shape.addr0 = rng.random_range(1..5000);
        shape.out_addr = rng.random_range(1..5000);
        shape.param_base = rng.random_range(1..100);
        shape.columns.iter_mut().for_each(|column| column.base = rng.random_range(1..4000));
        assert_eq!(shape.without_places(), near, "trial {trial}");
        let list = |_| (0..slices).map(|_| rng.random_range(1..=30)).collect();
        let lists: ListLengths = (0..columns).map(list).collect();
        let cycles = |shape| kernel_cycles(Arc::new(KernelPlan { shape, lists: lists.clone() }));
        assert_eq!(cycles(shape), cycles(near), "trial {trial}");
    }
}
