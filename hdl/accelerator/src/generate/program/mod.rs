//! The first program of a package: a convolution and a pool, each with requantization, for any legal configuration.
//!
//! The expected output is computed from the definition of the layers ([`tensor`]), so that it does not depend on the
//! mapping onto the array ([`mapping`]). Sizes follow from the configuration: more output channels than
//! the columns hold at a time, more output pixels than the array has rows in either direction, windows beyond the
//! edges, a last channel word that is partly used, weights and activations of which a third is zero.

mod mapping;
mod stream;
mod tensor;

use mapping::{Image, Kind, Run, groups, tile};
use pecan_config::geometry::Geometry;
use pecan_config::isa::{Opcode, VERSION, WAIT_COMPUTE, command, pack_param};
use stream::{Beats, Item};
use tensor::{Convolution, Numbers, Output, Requantization, Tensor, Weights, Window, max_pool};

/// A program and its expected output, as hexadecimal lines of a beat each.
pub(super) struct Program {
    pub(super) input: String,
    pub(super) expected: String,
    pub(super) beats_in: usize,
    pub(super) beats_out: usize,
    /// The layers, in one line.
    pub(super) summary: String,
}

/// Window and stride of the pool.
const POOL: Window = Window { size: [2, 2], stride: 2, pad: [0, 0] };

/// Sizes of the convolution: kernel, output, words of an input and of an output pixel.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    kernel: [usize; 2],
    output: [usize; 2],
    words: [usize; 2],
}

impl Sizes {
    /// The first candidate that fits the memories. The last one always fits, by the rules between keys: a buffer has at
    /// least 32 words, and a run produces one whole word from one whole word.
    fn of(g: &Geometry) -> Self {
        let [height, width] = tile(g).map(|pixels| pixels + 1);
        let most = g.cols * g.lanes / g.word_channels + 1;
        let last = Self { kernel: [1, 1], output: [4, 4], words: [1, 1] };
        for kernel in [[3, 3], [2, 3], [1, 3], [1, 2], [1, 1]] {
            for output in [[height, width], [height.min(4), width.min(4)]] {
                for inputs in [2, 1] {
                    for outputs in (1..=most).rev() {
                        let sizes = Self { kernel, output, words: [inputs, outputs] };
                        if sizes.fits(g) {
                            return sizes;
                        }
                    }
                }
            }
        }
        last
    }

    /// Input channels: the last word is partly used.
    fn channels(&self, g: &Geometry) -> usize {
        self.words[0] * g.word_channels - 1
    }

    fn pooled(&self) -> [usize; 2] {
        self.output.map(|extent| extent.div_ceil(POOL.stride))
    }

    fn fits(&self, g: &Geometry) -> bool {
        let groups = groups(g, self.words[1] * g.word_channels, 0);
        let taps = self.kernel[0] * self.kernel[1];
        let weights = taps * self.channels(g) * groups;
        let [input, output, pooled] = self.images(g);
        groups <= g.psum_bank
            && weights <= g.weight_entries
            && input.len() + output.len() <= g.buffer_words
            && pooled.base + pooled.len() <= g.buffer_words
    }

    /// Input, output and pooled output in the buffer. The pooled output replaces the input if there is no other space.
    fn images(&self, g: &Geometry) -> [Image; 3] {
        let image = |[height, width]: [usize; 2], pitch| Image { base: 0, height, width, pitch };
        let mut input = image(self.output, self.words[0]);
        let output = image(self.output, self.words[1]);
        let mut pooled = image(self.pooled(), self.words[1]);
        input.base = g.buffer_words.saturating_sub(input.len());
        let between = output.len() + pooled.len() <= input.base;
        pooled.base = if between { output.len() } else { input.base };
        [input, output, pooled]
    }
}

impl Program {
    /// The program of a device whose configuration id is `id`.
    pub(super) fn of(g: &Geometry, id: u32) -> Self {
        let mut writer =
            Writer { g, beats: Beats::new(g.stream_bits), numbers: Numbers::new(id.into()) };
        let mut expected = Beats::new(g.stream_bits);
        let sizes = Sizes::of(g);
        writer.beats.word(command(Opcode::Header, 0, VERSION));
        writer.beats.word(id);
        let images = sizes.images(g);
        let convolved = writer.convolution(sizes, images);
        writer.beats.word(command(Opcode::Mark, 0, 0));
        writer.store(&images[1], &convolved, &mut expected);
        let pooled = writer.pool(sizes, images, &convolved);
        writer.beats.word(command(Opcode::Mark, 0, 0));
        writer.store(&images[2], &pooled, &mut expected);
        writer.beats.word(command(Opcode::End, 0, 0));
        let [rows, columns] = sizes.kernel;
        let summary = format!(
            "a {rows}x{columns} convolution from {} to {} channels and a 2x2 maximum pool of its {}x{} outputs",
            sizes.channels(g),
            convolved.channels,
            convolved.height,
            convolved.width,
        );
        Self {
            input: writer.beats.hex(),
            expected: expected.hex(),
            beats_in: writer.beats.count(),
            beats_out: expected.count(),
            summary,
        }
    }
}

/// Writes the commands of layers and computes their results.
struct Writer<'a> {
    g: &'a Geometry,
    beats: Beats,
    numbers: Numbers,
}

impl Writer<'_> {
    fn convolution(&mut self, sizes: Sizes, [input, output, _]: [Image; 3]) -> Tensor {
        let g = self.g;
        let (b, [kernel_y, kernel_x]) = (g.word_channels, sizes.kernel);
        let image = Tensor::of([input.height, input.width, sizes.words[0] * b], |_, _, _| {
            self.numbers.sparse(g.activation_bits)
        });
        let (outputs, channels) = (sizes.words[1] * b, sizes.channels(g));
        let weights = Weights::of([outputs, kernel_y, kernel_x, channels], || {
            self.numbers.sparse(g.weight_bits)
        });
        let window = Window { size: sizes.kernel, stride: 1, pad: [kernel_y / 2, kernel_x / 2] };
        let terms = kernel_y * kernel_x * channels;
        // About half of the range of an activation for sums as large as they are on average.
        let shift = g.weight_bits as u32 + 12 + terms.ilog2() / 2;
        let bias = g.activation_bits + g.weight_bits - 2;
        let quarter = 1_i64 << (g.activation_bits - 1) >> 2;
        let scales = self.scales(outputs, bias, shift);
        let output_scales = Output { scales, clamp: [-3 * quarter, 3 * quarter - 1] };
        let run = Run {
            geometry: g,
            kind: Kind::Convolution { channels },
            window,
            input,
            output,
            words: sizes.words,
            param_base: 0,
            weight_base: 0,
            clamp: output_scales.clamp,
        };
        self.load_activations(&input, &image);
        self.run(&run, &output_scales.scales, |output, tap, input| weights.get(output, tap, input));
        let convolution = Convolution {
            window: &window,
            weights: &weights,
            output: &output_scales,
            accumulator_bits: g.accumulator_bits,
        };
        convolution.apply(&image, [output.height, output.width])
    }

    /// The pool, as many channel words at a time as half a scratchpad and a psum bank hold.
    fn pool(&mut self, sizes: Sizes, [_, input, output]: [Image; 3], image: &Tensor) -> Tensor {
        let (g, words) = (self.g, sizes.words[1]);
        let half = 1_i64 << (g.activation_bits - 1);
        let scales = self.scales(image.channels, g.activation_bits - 2, 13);
        let scales = Output { scales, clamp: [-half, half - 1] };
        let taps = POOL.size[0] * POOL.size[1];
        let fits = |words: &usize| {
            let groups = groups(g, words * g.word_channels, 0);
            groups <= g.psum_bank && taps * groups <= g.weight_entries
        };
        let most = (1..=words.min(g.scratch_words)).rev().find(fits).unwrap_or(1);
        for first in (0..words).step_by(most) {
            let count = most.min(words - first);
            let (from, channels) = (first * g.word_channels, count * g.word_channels);
            let run = Run {
                geometry: g,
                kind: Kind::MaxPool,
                window: POOL,
                input: input.skip(first),
                output: output.skip(first),
                words: [count; 2],
                param_base: g.param_channels - channels,
                weight_base: g.weight_entries - taps * groups(g, channels, 0),
                clamp: scales.clamp,
            };
            self.run(&run, &scales.scales[from..from + channels], |_, _, _| 1);
        }
        max_pool(image, &POOL, [output.height, output.width], &scales)
    }

    /// Scales of channels: biases of `bits` bits, shifts of `shift` or one more.
    fn scales(&mut self, channels: usize, bits: usize, shift: u32) -> Vec<Requantization> {
        let numbers = &mut self.numbers;
        let mut scale = || Requantization {
            bias: numbers.within(-(1 << bits), 1 << bits),
            multiplier: numbers.within(1 << 13, 1 << 15) as u32,
            shift: shift + numbers.within(0, 2) as u32,
        };
        std::iter::repeat_with(&mut scale).take(channels).collect()
    }

    fn load_activations(&mut self, place: &Image, image: &Tensor) {
        self.arguments(command(Opcode::LoadActivation, 0, 0), place.base, place.len());
        self.beats.payload(self.g.word_slot, words(self.g, image));
    }

    /// Loads lists and scales, sets the registers and starts the run.
    fn run(
        &mut self,
        run: &Run<'_>,
        scales: &[Requantization],
        weight: impl Fn(usize, [usize; 2], usize) -> i64,
    ) {
        let g = self.g;
        for column in 0..g.cols {
            let list = run.list(column, &weight);
            if !list.is_empty() {
                let load = command(Opcode::LoadWeight, WAIT_COMPUTE, column as u32);
                self.arguments(load, run.weight_base, list.len());
                self.beats.payload(g.entry_slot, list);
            }
        }
        self.arguments(command(Opcode::LoadParam, WAIT_COMPUTE, 0), run.param_base, scales.len());
        let param = |s: &Requantization| {
            Item::default()
                .field(pack_param(s.bias, s.multiplier, s.shift) as i64, Geometry::PARAM_SLOT)
        };
        self.beats.payload(Geometry::PARAM_SLOT, scales.iter().map(param));
        for (first, values) in run.registers() {
            self.beats.word(command(Opcode::Config, 0, (values.len() as u32) << 8 | first));
            values.into_iter().for_each(|value| self.beats.word(value as u32));
        }
        self.beats.word(command(Opcode::Run, 0, 0));
    }

    fn store(&mut self, place: &Image, image: &Tensor, expected: &mut Beats) {
        self.arguments(command(Opcode::Store, 0, 0), place.base, place.len());
        expected.payload(self.g.word_slot, words(self.g, image));
    }

    fn arguments(&mut self, command: u32, address: usize, count: usize) {
        self.beats.word(command);
        self.beats.word(address as u32);
        self.beats.word(count as u32);
    }
}

/// The buffer words of an image.
fn words<'a>(g: &'a Geometry, image: &'a Tensor) -> impl Iterator<Item = Item> + 'a {
    image.words(g.word_channels).map(|word| {
        word.iter().fold(Item::default(), |item, value| item.field(*value, g.activation_bits))
    })
}
