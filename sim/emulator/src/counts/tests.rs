use super::*;
use crate::Registers;
use pecan_config::Config;
use pecan_config::geometry::Geometry;
use pecan_config::isa::register::{ColRegister, Register, RowRegister, col, row};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The events of `docs/command-stream.md`, tile by tile, reduction tile by reduction tile and point by point.
fn walked(plan: &KernelPlan) -> Counters {
    let shape = &plan.shape;
    let mut total = Counters::default();
    let active = plan.lists.iter().filter(|list| !list.is_empty());
    let entries: u64 = active.clone().flatten().map(|n| u64::from(*n)).sum();
    let columns: Vec<usize> =
        (0..plan.lists.len()).filter(|c| !plan.lists[*c].is_empty()).collect();
    let (reads, writes) = psum_accesses(shape, &columns);
    for tile in (0..shape.tile_count()).map(|t| shape.tile_at(t)) {
        total[Counter::WeightReads] += entries;
        for (r, _) in shape.rows.iter().enumerate().filter(|(_, row)| shape.valid(row, tile)) {
            total[Counter::PeSteps] += entries;
            total[Counter::PsumReads] += reads;
            total[Counter::PsumWrites] += writes;
            if r < shape.rows_used && !shape.no_drain {
                total[Counter::DrainSteps] += shape.out_chunks;
                total[Counter::BufferWrites] += shape.out_chunks.div_ceil(shape.steps_per_word);
            }
        }
        for block in (0..shape.slices()).map(|s| shape.block_at(s)) {
            let [words, ny, nx] = shape.extent(block);
            let origin = shape.origin(tile, block);
            for (y, x) in
                (0..ny + shape.ext[0]).flat_map(|y| (0..nx + shape.ext[1]).map(move |x| (y, x)))
            {
                let inside = shape.inside(0, origin[0], y) && shape.inside(1, origin[1], x);
                total[Counter::BufferReads] += if inside { words as u64 } else { 0 };
                let takes = |row: &&RowShape| {
                    shape.valid(row, tile)
                        && (0..ny).contains(&(y - row.base[0]))
                        && (0..nx).contains(&(x - row.base[1]))
                };
                let rows = shape.rows.iter().filter(takes).count();
                total[Counter::ScratchWrites] +=
                    if columns.is_empty() { 0 } else { (rows * words as usize) as u64 };
            }
        }
    }
    total
}

fn write_rows(
    rng: &mut ChaCha8Rng,
    registers: &mut Registers,
    geometry: &Geometry,
    tile: [i64; 2],
    stride: i64,
) {
    for r in 0..geometry.rows {
        let at = [r as i64 / tile[1], r as i64 % tile[1]];
        let used = at[0] < tile[0];
        let pair = |v: [i64; 2]| (v[0] | v[1] << 16) as u32;
        let pixel = if used { pair(at) } else { 0xffff };
        registers.write(row(r, RowRegister::Pixel), pixel).unwrap();
        registers.write(row(r, RowRegister::Base), pair(at.map(|v| v * stride))).unwrap();
    }
    for c in 0..geometry.cols {
        registers.write(col(c, ColRegister::Groups), rng.random_range(0..=3)).unwrap();
    }
}

fn random(rng: &mut ChaCha8Rng) -> KernelPlan {
    let geometry = Geometry::of(&Config::default());
    let mut registers = Registers::new(&geometry);
    let tile = [rng.random_range(1..=2i64), rng.random_range(1..=4i64)];
    let out = [0; 2].map(|_| rng.random_range(1..=9i64));
    let tiles: [i64; 2] = std::array::from_fn(|i| (out[i] + tile[i] - 1) / tile[i]);
    let stride = rng.random_range(1..=2i64);
    let mut set = |register, value| registers.set(register, value).unwrap();
    for (register, value) in [Register::TilesY, Register::TilesX].into_iter().zip(tiles) {
        set(register, value);
    }
    for (i, [r_out, r_tile, in0, in_tile, size, ext]) in [
        [
            Register::OutH,
            Register::TileH,
            Register::InY0,
            Register::InTileY,
            Register::InH,
            Register::ExtY,
        ],
        [
            Register::OutW,
            Register::TileW,
            Register::InX0,
            Register::InTileX,
            Register::InW,
            Register::ExtX,
        ],
    ]
    .into_iter()
    .enumerate()
    {
        set(r_out, out[i]);
        set(r_tile, tile[i]);
        set(in0, rng.random_range(-3..=0));
        set(in_tile, tile[i] * stride);
        set(size, rng.random_range(1..=14));
        set(ext, (tile[i] - 1) * stride);
    }
    for register in [Register::CbBlocks, Register::KyBlocks, Register::KxBlocks] {
        set(register, rng.random_range(1..=3));
    }
    for register in [Register::CbFull, Register::CbLast, Register::KyFull, Register::KyLast]
        .into_iter()
        .chain([Register::KxFull, Register::KxLast, Register::StepY, Register::StepX])
    {
        set(register, rng.random_range(1..=2));
    }
    for register in [Register::InKy, Register::InKx, Register::OutChunks] {
        set(register, rng.random_range(1..=3));
    }
    set(Register::RowsUsed, tile[0] * tile[1]);
    write_rows(rng, &mut registers, &geometry, tile, stride);
    let operand = rng.random_range(0..=3);
    let shape = KernelShape::of(&registers, &geometry, operand);
    let slices = shape.slices();
    let list = |groups: usize, rng: &mut ChaCha8Rng| -> Vec<u32> {
        (0..if groups > 0 { slices } else { 0 }).map(|_| rng.random_range(1..=9)).collect()
    };
    let lists = shape.columns.iter().map(|column| list(column.groups, rng)).collect();
    KernelPlan { shape, lists }
}

#[test]
fn sums_along_the_axes_are_the_sums_over_tiles() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for trial in 0..2000 {
        let plan = random(&mut rng);
        assert_eq!(kernel_counts(&plan), walked(&plan), "trial {trial}: {plan:?}");
    }
}
