//! Weight lists: their lengths, and the activation of each entry.

use pecan_config::geometry::Geometry;

use super::memories::Entry;
use super::shape::KernelShape;
use super::timing::ListLengths;

/// Entries that every column fires per reduction tile, from the contents of the weight buffers; `None` if a column
/// fires more than the kernel's limit allows, an unterminated list included.
#[must_use]
pub(super) fn list_lengths(
    shape: &KernelShape,
    weights: &[Vec<Entry>],
    geometry: &Geometry,
) -> Option<ListLengths> {
    let mut lists = Vec::with_capacity(shape.columns.len());
    for (column, memory) in shape.columns.iter().zip(weights) {
        let mut lengths = Vec::new();
        let mut fired = 0;
        let mut at = column.base;
        let slices = if column.groups > 0 { shape.slices() } else { 0 };
        for slice in 0..slices {
            let mut entries = 0;
            for _ in 0..column.groups {
                let length = if geometry.skip {
                    list_end(memory, at, shape.limit - fired)?
                } else {
                    shape.dense_entries(shape.block_at(slice), geometry.word_channels)
                };
                at = (at + length as usize) & (memory.len() - 1);
                entries += length;
                fired += length;
                if fired > shape.limit {
                    return None;
                }
            }
            lengths.push(entries as u32);
        }
        lists.push(lengths);
    }
    Some(lists)
}

/// Entries from `at` through the next one with the flag `last`.
fn list_end(memory: &[Entry], at: usize, limit: u64) -> Option<u64> {
    let mask = memory.len() - 1;
    let longest = limit.min(memory.len() as u64);
    (0..longest).find(|i| memory[(at + *i as usize) & mask].last).map(|i| i + 1)
}

/// Activations (word and channel, as `word * B + channel`) of the entries of a group where lists carry no index, for
/// all groups of a column at once: `[entry]` in normal mode. In per-channel mode the channel of the group is added, see
/// [`group_point`].
#[must_use]
pub(super) fn dense_points(
    shape: &KernelShape,
    block: [u64; 3],
    geometry: &Geometry,
) -> Vec<usize> {
    let [cb, ny, nx] = shape.extent(block);
    let b = geometry.word_channels as i64;
    let words = geometry.scratch_words as i64;
    let last = block[0] + 1 == shape.blocks[0];
    let mut points = Vec::new();
    for y in 0..ny {
        for x in 0..nx {
            let word = y * shape.patch[0] + x * shape.patch[1];
            if shape.per_channel {
                points.push((word % words * b) as usize);
                continue;
            }
            for c in 0..cb {
                let channels = if last && c + 1 == cb { shape.channels_last } else { b };
                let base = (word + c) % words * b;
                points.extend((0..channels).map(|ch| (base + ch) as usize));
            }
        }
    }
    points
}

/// Offset of a column's group from [`dense_points`] (modulo the scratchpad) in per-channel mode.
#[must_use]
pub(super) fn group_point(column: usize, group: usize, geometry: &Geometry) -> usize {
    (group * geometry.cols + column) * geometry.lanes
}
