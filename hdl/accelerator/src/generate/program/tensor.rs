//! Results of the layers of the program in plain integers, from the definition of a convolution and of a pool, without
//! the array, its lists or its tiles.

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine and in every version.
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number of `from..to`.
    pub(super) fn within(&mut self, from: i64, to: i64) -> i64 {
        from + (self.next() % (to - from) as u64) as i64
    }

    /// A number of `bits` bits, zero in one of three cases.
    pub(super) fn sparse(&mut self, bits: usize) -> i64 {
        if self.within(0, 3) == 0 { 0 } else { self.within(-(1 << (bits - 1)), 1 << (bits - 1)) }
    }
}

/// An image, channels last.
pub(super) struct Tensor {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    values: Vec<i64>,
}

impl Tensor {
    /// An image whose values are `value(row, column, channel)`.
    pub(super) fn of(
        [height, width, channels]: [usize; 3],
        mut value: impl FnMut(usize, usize, usize) -> i64,
    ) -> Self {
        let mut values = Vec::with_capacity(height * width * channels);
        for y in 0..height {
            for x in 0..width {
                values.extend((0..channels).map(|c| value(y, x, c)));
            }
        }
        Self { height, width, channels, values }
    }

    /// A value, or `None` outside the image.
    pub(super) fn get(&self, y: i64, x: i64, channel: usize) -> Option<i64> {
        let inside = (0..self.height as i64).contains(&y) && (0..self.width as i64).contains(&x);
        inside
            .then(|| self.values[(y as usize * self.width + x as usize) * self.channels + channel])
    }

    /// Values in the order of pixels and, in them, channels, `word` at a time.
    pub(super) fn words(&self, word: usize) -> impl Iterator<Item = &[i64]> {
        self.values.chunks(word)
    }
}

/// Window of a layer: rows and columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) size: [usize; 2],
    pub(super) stride: usize,
    /// Rows above and columns to the left of the image.
    pub(super) pad: [usize; 2],
}

impl Window {
    /// Place in the image of a tap of the window of an output pixel.
    fn place(&self, [oy, ox]: [usize; 2], [ky, kx]: [usize; 2]) -> (i64, i64) {
        let place = |o: usize, k: usize, pad: usize| (o * self.stride + k) as i64 - pad as i64;
        (place(oy, ky, self.pad[0]), place(ox, kx, self.pad[1]))
    }

    fn taps(&self) -> impl Iterator<Item = [usize; 2]> + use<> {
        let [height, width] = self.size;
        (0..height).flat_map(move |y| (0..width).map(move |x| [y, x]))
    }
}

/// Requantization of a sum to an activation: parameters of one channel.
pub(super) struct Requantization {
    pub(super) bias: i64,
    pub(super) multiplier: u32,
    pub(super) shift: u32,
}

impl Requantization {
    fn apply(&self, sum: i64, [low, high]: [i64; 2]) -> i64 {
        let scaled = (i128::from(sum) + i128::from(self.bias)) * i128::from(self.multiplier);
        let rounded = (scaled + (1 << (self.shift - 1))) >> self.shift;
        rounded.clamp(low.into(), high.into()) as i64
    }
}

/// Weights of a convolution: output channel, tap, input channel.
pub(super) struct Weights {
    pub(super) inputs: usize,
    width: usize,
    taps: usize,
    values: Vec<i64>,
}

impl Weights {
    pub(super) fn of(
        [outputs, height, width, inputs]: [usize; 4],
        value: impl FnMut() -> i64,
    ) -> Self {
        let taps = height * width;
        let values = std::iter::repeat_with(value).take(outputs * taps * inputs).collect();
        Self { inputs, width, taps, values }
    }

    pub(super) fn get(&self, output: usize, [y, x]: [usize; 2], input: usize) -> i64 {
        self.values[(output * self.taps + y * self.width + x) * self.inputs + input]
    }
}

/// Conversion of sums to outputs.
pub(super) struct Output {
    /// By output channel.
    pub(super) scales: Vec<Requantization>,
    /// Smallest and largest output.
    pub(super) clamp: [i64; 2],
}

/// A convolution with requantized sums.
pub(super) struct Convolution<'a> {
    pub(super) window: &'a Window,
    pub(super) weights: &'a Weights,
    pub(super) output: &'a Output,
    /// Width of the sums, in bits.
    pub(super) accumulator_bits: usize,
}

impl Convolution<'_> {
    /// The output, of `size` (height, width).
    pub(super) fn apply(&self, input: &Tensor, size: [usize; 2]) -> Tensor {
        let Self { window, weights, output, accumulator_bits } = *self;
        Tensor::of([size[0], size[1], output.scales.len()], |y, x, k| {
            let mut sum = 0_i64;
            for tap in window.taps() {
                let (row, column) = window.place([y, x], tap);
                for c in 0..weights.inputs {
                    sum += input.get(row, column, c).unwrap_or(0) * weights.get(k, tap, c);
                }
            }
            // Accumulators wrap.
            let unused = 64 - accumulator_bits;
            output.scales[k].apply(sum << unused >> unused, output.clamp)
        })
    }
}

/// Largest value of each window, requantized.
pub(super) fn max_pool(
    input: &Tensor,
    window: &Window,
    size: [usize; 2],
    output: &Output,
) -> Tensor {
    Tensor::of([size[0], size[1], input.channels], |y, x, c| {
        let places = window.taps().map(|tap| window.place([y, x], tap));
        let largest = places.filter_map(|(row, column)| input.get(row, column, c)).max();
        output.scales[c].apply(largest.unwrap_or(0), output.clamp)
    })
}
