//! Batches: the choice of samples and their variation, as a tensor.

use pecan_ir::layer::Shape;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tensor::Tensor;

/// A random change of an input that keeps its meaning. Inputs of one row are not images and stay unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Augmentation {
    /// Left and right are exchanged in half of the cases.
    Flip,
    /// Shifted by up to so many pixels up or down, and left or right; the border is filled with zeros.
    Shift(usize),
}

/// `samples`, each in channel, row, column order, as `[C][B][H][W]`.
pub(super) fn assemble(shape: Shape, samples: &[&[f32]]) -> Tensor {
    let plane = shape.height * shape.width;
    let mut values = vec![0f32; shape.len() * samples.len()];
    values.par_chunks_mut((plane * samples.len()).max(1)).enumerate().for_each(|(c, channel)| {
        for (target, sample) in channel.chunks_mut(plane).zip(samples) {
            target.copy_from_slice(&sample[c * plane..][..plane]);
        }
    });
    Tensor::new(values, [shape.channels, samples.len(), shape.height, shape.width])
}

/// `sample` with left and right exchanged; inputs of one row are not images and stay unchanged.
pub(super) fn mirror(shape: Shape, sample: &[f32]) -> Vec<f32> {
    let mut values = sample.to_vec();
    if shape.height > 1 {
        values.chunks_mut(shape.width).for_each(<[f32]>::reverse);
    }
    values
}

/// A changed copy of `sample`, and whether left and right are exchanged.
pub(super) fn augment(
    shape: Shape,
    sample: &[f32],
    changes: &[Augmentation],
    rng: &mut ChaCha8Rng,
) -> (Vec<f32>, bool) {
    let (mut values, mut mirrored) = (sample.to_vec(), false);
    if shape.height < 2 {
        return (values, mirrored);
    }
    for change in changes {
        match *change {
            Augmentation::Flip => {
                if rng.random::<bool>() {
                    values = mirror(shape, &values);
                    mirrored = !mirrored;
                }
            }
            Augmentation::Shift(most) => {
                let mut draw = |extent: usize| {
                    let most = most.min(extent - 1);
                    rng.random_range(0..=2 * most).wrapping_sub(most).cast_signed()
                };
                let (down, across) = (draw(shape.height), draw(shape.width));
                values = shift(shape, &values, down, across);
            }
        }
    }
    (values, mirrored)
}

fn shift(shape: Shape, values: &[f32], down: isize, across: isize) -> Vec<f32> {
    let mut result = vec![0f32; values.len()];
    let width = shape.width - across.unsigned_abs();
    let (from, to) = (across.min(0).unsigned_abs(), across.max(0).unsigned_abs());
    let plane = shape.height * shape.width;
    for channel in 0..shape.channels {
        for y in 0..shape.height {
            let Some(source) = y.checked_add_signed(-down).filter(|s| *s < shape.height) else {
                continue;
            };
            let [source, target] = [source, y].map(|y| channel * plane + y * shape.width);
            result[target + to..][..width].copy_from_slice(&values[source + from..][..width]);
        }
    }
    result
}

/// An endless sequence of sample numbers: all of them in random order, again and again.
pub(super) struct Order {
    rng: ChaCha8Rng,
    order: Vec<usize>,
    at: usize,
}

impl Order {
    pub(super) fn new(samples: usize, rng: ChaCha8Rng) -> Self {
        Self { rng, order: (0..samples).collect(), at: samples }
    }

    /// The next `count` samples, at most all; none twice.
    pub(super) fn take(&mut self, count: usize) -> Vec<usize> {
        let end = (self.at + count).min(self.order.len());
        let mut chosen = self.order[self.at..end].to_vec();
        self.at = end;
        let missing = count - chosen.len();
        if missing > 0 {
            self.order.shuffle(&mut self.rng);
            // Samples that this batch already has come last in the new order.
            self.order.sort_by_cached_key(|sample| chosen.contains(sample));
            chosen.extend(&self.order[..missing]);
            self.at = missing;
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn every_sample_comes_equally_often() {
        let mut order = Order::new(10, ChaCha8Rng::seed_from_u64(1));
        let mut counts = [0; 10];
        for _ in 0..10 {
            let batch = order.take(4);
            let mut unique = batch.clone();
            unique.sort_unstable();
            unique.dedup();
            assert_eq!(unique.len(), 4);
            batch.iter().for_each(|&at| counts[at] += 1);
        }
        assert!(counts == [4; 10], "{counts:?}");
    }

    #[test]
    fn shifting_fills_with_zeros() {
        let shape = Shape::new(1, 2, 3);
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(shift(shape, &values, 1, 1), [0.0, 0.0, 0.0, 0.0, 1.0, 2.0]);
        assert_eq!(shift(shape, &values, -1, -2), [6.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(shift(shape, &values, 0, 0), values);
    }

    #[test]
    fn one_row_stays() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let changes = [Augmentation::Flip, Augmentation::Shift(2)];
        for _ in 0..20 {
            assert_eq!(
                augment(Shape::new(3, 1, 1), &[1.0, 2.0, 3.0], &changes, &mut rng),
                (vec![1.0, 2.0, 3.0], false)
            );
        }
    }

    #[test]
    fn samples_lie_channel_first() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
        let batch = assemble(Shape::new(2, 1, 2), &[&a, &b]);
        assert_eq!(batch.values, [1.0, 2.0, 5.0, 6.0, 3.0, 4.0, 7.0, 8.0]);
    }
}
