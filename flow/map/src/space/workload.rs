//! A layer as the hardware sees it: two spatial axes, channel words, and a weight for every tap.

use std::ops::Range;

use pecan_config::geometry::Geometry;
use pecan_ir::layer::{Conv, Layer, Op, Requant, Shape, Window};

use super::density::Density;
use crate::error::MapError;
use crate::space::orders::Orders;
use crate::space::reduction::ReductionRange;

/// One spatial axis of a layer, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Input extent.
    pub(crate) input: usize,
    /// Output extent.
    pub(crate) output: usize,
    /// Kernel taps.
    pub(crate) kernel: usize,
    /// Input pixels per output pixel.
    pub(crate) stride: usize,
    /// Input pixels per tap.
    pub(crate) dilation: usize,
    /// Padding before the first input pixel.
    pub(crate) pad: usize,
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Axis {
    /// Whether an output depends on a single input pixel.
    fn single(&self) -> bool {
        self.kernel == 1 || self.dilation == 0
    }

    /// Output pixels from one row of a tile of `tile` pixels to the next. If it exceeds 1, the outputs fall into so
    /// many phases, each a kernel of its own, because taps of neighbouring outputs do not share a lattice.
    pub(crate) fn spacing(&self, tile: usize) -> usize {
        if tile == 1 || self.single() { 1 } else { self.dilation / gcd(self.stride, self.dilation) }
    }

    /// Input pixels per lattice step. With a single tap the lattice holds just the pixels in use.
    pub(crate) fn step(&self) -> usize {
        if self.single() { self.stride } else { self.dilation }
    }

    /// Lattice steps from one row of a tile to the next.
    pub(crate) fn lattice_stride(&self, tile: usize) -> usize {
        if tile == 1 { 1 } else { self.spacing(tile) * self.stride / self.step() }
    }

    /// First input pixel (negative in padding) of output `index`.
    pub(crate) fn first_input(&self, index: usize) -> i64 {
        (index * self.stride) as i64 - self.pad as i64
    }

    /// Input pixels that outputs `from..to` and taps `taps` read, as a range inside the input.
    pub(crate) fn footprint(
        &self,
        outputs: &std::ops::Range<usize>,
        taps: &std::ops::Range<usize>,
    ) -> std::ops::Range<usize> {
        let low = self.first_input(outputs.start) + (taps.start * self.dilation) as i64;
        let high = self.first_input(outputs.end - 1) + ((taps.end - 1) * self.dilation) as i64 + 1;
        let low = low.clamp(0, self.input as i64) as usize;
        low..(high.clamp(0, self.input as i64) as usize).max(low)
    }
}

/// Longest axis that the registers hold.
const LONGEST_AXIS: usize = 32767;

/// Source of the weights.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Taps<'a> {
    /// Every output channel reads every input channel of its group.
    Full(&'a Conv, usize),
    /// Every output channel reads the input channel of the same number.
    Depthwise(&'a Conv),
    /// The maximum: every tap counts.
    Maximum,
    /// A weighted sum of two tensors: they are the two rows of the kernel, 0 pixels apart.
    Sum([i32; 2]),
}

/// The window of a layer that reads single pixels.
const POINT: Window = Window { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pads: [0; 4] };

/// A layer to be mapped.
#[derive(Clone, Debug)]
pub(crate) struct Workload<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Axes y and x.
    pub(crate) axes: [Axis; 2],
    /// Input channels.
    pub(crate) inputs: usize,
    /// Output channels.
    pub(crate) outputs: usize,
    /// Weights.
    pub(crate) taps: Taps<'a>,
    /// Requantization per output channel.
    requant: &'a [Requant],
    /// Channels of the layer at the positions of the input and of the output; `None` where they are in order.
    orders: [Option<&'a [usize]>; 2],
    /// Output range.
    pub(crate) clamp: [i32; 2],
    /// Share of the entries that are present, if the layer comes without weights.
    pub(crate) density: Density,
}

/// Whether a convolution works channel by channel.
pub(crate) fn depthwise(conv: &Conv, input: Shape, output: Shape) -> bool {
    conv.groups > 1 && conv.groups == input.channels && input.channels == output.channels
}

impl<'a> Workload<'a> {
    /// The workload of a layer.
    ///
    /// # Errors
    /// The layer's widths or bounds exceed the hardware.
    pub(crate) fn of(
        layer: &'a Layer,
        [input, output]: [Shape; 2],
        orders: &'a Orders,
        density: Density,
        geometry: &Geometry,
    ) -> Result<Self, MapError> {
        let (window, taps) = match &layer.op {
            Op::Conv(conv) if depthwise(conv, input, output) => {
                (&conv.window, Taps::Depthwise(conv))
            }
            Op::Conv(conv) => (&conv.window, Taps::Full(conv, input.channels / conv.groups)),
            Op::MaxPool(window) => (window, Taps::Maximum),
            Op::Add(add) => (&POINT, Taps::Sum(add.factors)),
        };
        let axis = |i: usize, input, output| axis(window, i, input, output);
        let mut workload = Self {
            name: &layer.name,
            axes: [axis(0, input.height, output.height), axis(1, input.width, output.width)],
            inputs: input.channels,
            outputs: output.channels,
            taps,
            requant: &layer.requant,
            orders: [orders.of(layer.input), orders.of(layer.output)],
            clamp: layer.clamp,
            density,
        };
        workload.check(geometry)?;
        if workload.sum() {
            workload.axes[0] = Axis { kernel: 2, dilation: 0, ..workload.axes[0] };
        }
        Ok(workload)
    }

    /// The same workload with the image as one row of pixels, if the layer reads single pixels.
    pub(crate) fn flattened(&self) -> Option<Self> {
        let single = |a: &Axis| a.single() && a.stride == 1 && a.input == a.output && a.pad == 0;
        let pixels = self.axes[0].input * self.axes[1].input;
        let useful = self.axes[0].input > 1 && pixels <= LONGEST_AXIS;
        if !useful || !self.axes.iter().all(single) {
            return None;
        }
        let row = Axis { input: pixels, output: pixels, ..self.axes[1] };
        let column = Axis { input: 1, output: 1, ..self.axes[0] };
        Some(Self { axes: [column, row], ..self.clone() })
    }

    /// All taps of a channel tile over these output channels: channel words, kernel rows, kernel columns.
    pub(crate) fn taps_of(&self, channels: &Range<usize>, geometry: &Geometry) -> ReductionRange {
        let b = geometry.word_channels;
        let words = if self.per_channel() {
            channels.start / b..channels.end / b
        } else {
            0..self.inputs.div_ceil(b)
        };
        [words, 0..self.axes[0].kernel, 0..self.axes[1].kernel]
    }

    /// Whether each lane processes its own channel.
    pub(crate) fn per_channel(&self) -> bool {
        !matches!(self.taps, Taps::Full(..))
    }

    /// Whether the layer computes maxima.
    pub(crate) fn maximum(&self) -> bool {
        matches!(self.taps, Taps::Maximum)
    }

    /// Whether the layer adds two tensors.
    pub(crate) fn sum(&self) -> bool {
        matches!(self.taps, Taps::Sum(_))
    }

    /// Input channels with weights to the `lanes` output channels from `output` on; all of them unless `skip`, because
    /// then the lists hold every position.
    pub(crate) fn inputs_of(&self, output: usize, lanes: usize, skip: bool) -> Range<usize> {
        let Taps::Full(conv, per_group) = self.taps else { return 0..self.inputs };
        if !skip || conv.groups == 1 || output >= self.outputs {
            return 0..self.inputs;
        }
        let each = self.outputs / conv.groups;
        let last = (output + lanes).min(self.outputs) - 1;
        output / each * per_group..(last / each + 1) * per_group
    }

    /// The convolution, if it comes without weights.
    fn weightless(&self) -> Option<&Conv> {
        match self.taps {
            Taps::Full(conv, _) | Taps::Depthwise(conv) if conv.weights.is_empty() => Some(conv),
            _ => None,
        }
    }

    /// Number of successive groups of `lanes` output channels that are known to have entries at the same positions.
    pub(crate) fn alike(&self, lanes: usize) -> usize {
        match self.weightless() {
            Some(conv) if conv.groups == 1 || self.per_channel() => usize::MAX,
            Some(conv) if (self.outputs / conv.groups).is_multiple_of(lanes) => {
                self.outputs / conv.groups / lanes
            }
            None if self.maximum() => usize::MAX,
            _ => 1,
        }
    }

    /// Whether an input channel and tap have a weight other than 0 to one of `lanes` output channels.
    pub(crate) fn any_weight(
        &self,
        output: usize,
        lanes: usize,
        input: usize,
        tap: [usize; 2],
    ) -> bool {
        if self.weightless().is_some() {
            let [ky, kx] = [self.axes[0].kernel, self.axes[1].kernel];
            return self.density.keeps(input * ky * kx + tap[0] * kx + tap[1]);
        }
        (output..output + lanes).any(|o| self.weight(o, input, tap) != 0)
    }

    /// Channel at a position of the input (0) or the output (1).
    fn channel(&self, side: usize, position: usize) -> usize {
        self.orders[side].and_then(|order| order.get(position)).copied().unwrap_or(position)
    }

    /// Requantization at a position of the output; `None` for channels that only pad a word.
    pub(crate) fn requant_at(&self, output: usize) -> Option<&Requant> {
        self.requant.get(self.channel(1, output))
    }

    /// The weight from a position of the input (in per-channel mode the output's own) and tap to a position of
    /// the output; 0 for channels that only pad a word.
    pub(crate) fn weight(&self, output: usize, input: usize, tap: [usize; 2]) -> i32 {
        if output >= self.outputs {
            return 0;
        }
        let (output, input) = (self.channel(1, output), self.channel(0, input));
        let [ky, kx] = [self.axes[0].kernel, self.axes[1].kernel];
        let position = tap[0] * kx + tap[1];
        match self.taps {
            Taps::Maximum => 1,
            Taps::Sum(factors) => factors[tap[0]],
            Taps::Depthwise(conv) => conv.weights[output * ky * kx + position],
            Taps::Full(conv, _) if conv.groups == 1 => {
                conv.weights[(output * self.inputs + input) * ky * kx + position]
            }
            Taps::Full(conv, per_group) => {
                let first = output / (self.outputs / conv.groups) * per_group;
                if !(first..first + per_group).contains(&input) {
                    return 0;
                }
                conv.weights[(output * per_group + input - first) * ky * kx + position]
            }
        }
    }

    /// For an ordinary convolution the weights to the output at a position, `[input channel][kernel row][kernel
    /// column]`, empty for channels that only pad a word; nothing for other layers.
    pub(crate) fn filter(&self, output: usize) -> Option<&'a [i32]> {
        let Taps::Full(conv, _) = self.taps else { return None };
        if conv.groups != 1 || conv.weights.is_empty() {
            return None;
        }
        if output >= self.outputs {
            return Some(&[]);
        }
        let size = self.inputs * self.axes[0].kernel * self.axes[1].kernel;
        conv.weights.get(self.channel(1, output) * size..)?.get(..size)
    }

    /// Channel of the input at a position.
    pub(crate) fn input_channel(&self, position: usize) -> usize {
        self.channel(0, position)
    }

    fn check(&self, geometry: &Geometry) -> Result<(), MapError> {
        let limit = |what: &str, value: i64, low: i64, high: i64| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(MapError::Range { layer: self.name.into(), what: what.into(), value, low, high })
        };
        for (axis, name) in self.axes.iter().zip(["height", "width"]) {
            limit(&format!("input {name}"), axis.input as i64, 1, LONGEST_AXIS as i64)?;
            limit(&format!("output {name}"), axis.output as i64, 1, LONGEST_AXIS as i64)?;
            limit(&format!("stride in {name}"), axis.stride as i64, 1, 255)?;
            limit(&format!("dilation in {name}"), axis.dilation as i64, 1, 255)?;
            limit(&format!("padding in {name}"), axis.pad as i64, 0, 32767)?;
        }
        let act = 1i64 << (geometry.activation_bits - 1);
        limit("smallest output", i64::from(self.clamp[0]), -act, act - 1)?;
        limit("largest output", i64::from(self.clamp[1]), -act, act - 1)?;
        let bias = 1i64 << (geometry.bias_bits() - 1);
        for requant in self.requant {
            limit("bias", requant.bias, -bias, bias - 1)?;
            limit("multiplier", i64::from(requant.multiplier), 0, (1 << 15) - 1)?;
            limit("shift", i64::from(requant.shift), 1, 63)?;
        }
        Ok(())
    }

    /// Checks that no partial sum can overflow the accumulator, whatever the activations are.
    ///
    /// # Errors
    /// A weight exceeds its width, or the sums of an output channel may exceed the accumulator.
    pub(crate) fn check_weights(&self, geometry: &Geometry) -> Result<(), MapError> {
        let weights = match &self.taps {
            Taps::Full(conv, _) | Taps::Depthwise(conv) => conv.weights.as_slice(),
            Taps::Sum(factors) => factors.as_slice(),
            Taps::Maximum => return Ok(()),
        };
        let half = 1i64 << (geometry.weight_bits - 1);
        let largest = 1i64 << (geometry.activation_bits - 1);
        let per_output =
            if self.sum() { weights.len() } else { weights.len() / self.outputs.max(1) };
        for (channel, weights) in weights.chunks(per_output.max(1)).enumerate() {
            let outside = weights.iter().find(|w| !(-half..half).contains(&i64::from(**w)));
            if let Some(weight) = outside {
                let (layer, what) = (self.name.into(), format!("weight of channel {channel}"));
                let value = i64::from(*weight);
                return Err(MapError::Range { layer, what, value, low: -half, high: half - 1 });
            }
            let sum: i64 = weights.iter().map(|w| i64::from(w.unsigned_abs())).sum();
            let bound = sum * largest;
            if bound >= 1 << (geometry.accumulator_bits - 1) {
                return Err(MapError::Accumulator {
                    layer: self.name.into(),
                    channel,
                    bound,
                    needed: 65 - bound.leading_zeros(),
                    bits: geometry.accumulator_bits,
                });
            }
        }
        Ok(())
    }
}

fn axis(window: &Window, i: usize, input: usize, output: usize) -> Axis {
    Axis {
        input,
        output,
        kernel: window.kernel[i],
        stride: window.stride[i],
        dilation: window.dilation[i],
        pad: window.pads[i],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXIS: Axis = Axis { input: 9, output: 4, kernel: 3, stride: 2, dilation: 1, pad: 1 };

    #[test]
    fn lattices() {
        assert_eq!((AXIS.spacing(2), AXIS.step(), AXIS.lattice_stride(2)), (1, 1, 2));
        let dilated = Axis { stride: 1, dilation: 2, ..AXIS };
        assert_eq!((dilated.spacing(2), dilated.step(), dilated.lattice_stride(2)), (2, 2, 1));
        assert_eq!(dilated.spacing(1), 1);
        let both = Axis { stride: 2, dilation: 2, ..AXIS };
        assert_eq!((both.spacing(2), both.step(), both.lattice_stride(2)), (1, 2, 1));
        let point = Axis { kernel: 1, stride: 3, ..AXIS };
        assert_eq!((point.spacing(2), point.step(), point.lattice_stride(2)), (1, 3, 1));
    }

    #[test]
    fn footprints_stay_inside() {
        assert_eq!(AXIS.footprint(&(0..4), &(0..3)), 0..8);
        assert_eq!(AXIS.footprint(&(0..1), &(0..1)), 0..0);
        assert_eq!(AXIS.footprint(&(1..3), &(0..3)), 1..6);
    }
}
