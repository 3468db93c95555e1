//! The layers of operators.

use pecan_ir::layer::{Add, Conv, Layer, Op, Requant, Shape, Window};

use super::QuantizeError;
use super::builder::{NetworkBuilder, within};
use super::scale::{add_factors, limit, multiplier_and_shift, quantize_channel};
use crate::graph::Node;
use crate::op::{Linear, Lowering};

/// Identity rescaling.
const UNIT: Requant = Requant { bias: 0, multiplier: 2, shift: 1 };

/// No limits.
const ALL: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];

/// A layer before its place in the network is known.
#[derive(Debug)]
struct Core {
    op: Op,
    input: usize,
    requant: Vec<Requant>,
    weight_scales: Vec<f64>,
    output_scale: f64,
}

impl NetworkBuilder<'_> {
    /// Appends the layer (for a concatenation, the layers) of `node`. Returns the tensors of the limits (ReLU, Clip)
    /// behind it that became the layer's clamp, in order.
    pub(super) fn layer(
        &mut self,
        node: &Node,
        lowering: Lowering<'_>,
    ) -> Result<Vec<usize>, QuantizeError> {
        let (fused, behind) = self.clamps_behind(node.output);
        let target = fused.last().copied().unwrap_or(node.output);
        let own = if let Lowering::Clamp(range) = lowering { range } else { ALL };
        let core = match lowering {
            Lowering::Linear { linear, window, groups } => {
                self.linear(node, linear, window, groups, target)?
            }
            Lowering::Average { window, divisor } => self.average(node, window, divisor, target)?,
            Lowering::MaxPool(window) => self.maximum(node, window)?,
            // A maximum over one value is the identity, so that only the clamp has an effect.
            Lowering::Clamp(_) => self.maximum(node, point())?,
            Lowering::Add => self.sum(node, target)?,
            Lowering::Concat => self.concatenation(node, target)?,
            other => return Err(self.fail(node, format!("no layer: {other:?}"))),
        };
        let output = self.place(target, core.output_scale)?;
        let clamp = self.clamp(within(own, behind), core.output_scale);
        let Core { op, input, requant, weight_scales, .. } = core;
        let (name, kind) = (node.name.clone(), node.op_type.clone());
        self.push(Layer { name, kind, op, input, output, requant, clamp }, weight_scales)?;
        Ok(fused)
    }

    fn linear(
        &self,
        node: &Node,
        linear: &Linear,
        window: Window,
        groups: usize,
        target: usize,
    ) -> Result<Core, QuantizeError> {
        let input = self.source(node)?;
        let (input_scale, output_scale) = (self.quantized.scales[input], self.scale(target)?);
        let per_output = (linear.weights.len() / linear.outputs.max(1)).max(1);
        let (activations, bits) = (limit(self.options.activation_bits), self.options.weight_bits);
        let (mut weights, mut requant, mut weight_scales) = (Vec::new(), Vec::new(), Vec::new());
        let channels = linear.weights.chunks(per_output).zip(&linear.bias).enumerate();
        for (o, (kernel, &bias)) in channels {
            let unit = linear.units.get(o).copied();
            let channel = quantize_channel(kernel, bias, unit, input_scale, activations, bits);
            let factor = input_scale * channel.scale / output_scale;
            let (multiplier, shift) = self.rescale(node, factor, o)?;
            weights.extend(channel.weights);
            requant.push(Requant { bias: channel.bias, multiplier, shift });
            weight_scales.push(channel.scale);
        }
        let op = Op::Conv(Conv { window, groups, weights });
        Ok(Core { op, input, requant, weight_scales, output_scale })
    }

    /// A depthwise convolution with weights 1, whose rescaling divides.
    fn average(
        &mut self,
        node: &Node,
        window: Window,
        divisor: usize,
        target: usize,
    ) -> Result<Core, QuantizeError> {
        let input = self.source(node)?;
        let input_scale = self.quantized.scales[input];
        // A copy of the values (padding) keeps their scale and so is exact.
        let output_scale = if divisor == 1 { input_scale } else { self.scale(target)? };
        let factor = input_scale / (divisor as f64 * output_scale);
        let (multiplier, shift) = self.rescale(node, factor, 0)?;
        let groups = self.shape(input).channels;
        let [rows, columns] = window.kernel;
        self.make(node, &[groups, rows, columns])?;
        let weights = vec![1; groups * rows * columns];
        let requant = vec![Requant { bias: 0, multiplier, shift }; groups];
        let op = Op::Conv(Conv { window, groups, weights });
        Ok(Core { op, input, requant, weight_scales: Vec::new(), output_scale })
    }

    fn maximum(&self, node: &Node, window: Window) -> Result<Core, QuantizeError> {
        let input = self.source(node)?;
        let requant = vec![UNIT; self.shape(input).channels];
        let output_scale = self.quantized.scales[input];
        let op = Op::MaxPool(window);
        Ok(Core { op, input, requant, weight_scales: Vec::new(), output_scale })
    }

    fn sum(&self, node: &Node, target: usize) -> Result<Core, QuantizeError> {
        let [input, other] = self.sources(node)?[..] else {
            return Err(self.fail(node, "expected 2 data inputs".into()));
        };
        let output_scale = self.scale(target)?;
        let targets = [input, other].map(|t| self.quantized.scales[t] / output_scale);
        let (factors, factor) = add_factors(targets, limit(self.options.weight_bits) as i32);
        let (multiplier, shift) = self.rescale(node, factor, 0)?;
        let requant = vec![Requant { bias: 0, multiplier, shift }; self.shape(input).channels];
        let op = Op::Add(Add { other, factors });
        Ok(Core { op, input, requant, weight_scales: Vec::new(), output_scale })
    }

    /// Copies every input into its range of the channels, by a convolution with one weight per output channel, and adds
    /// the copies; the caller makes the last sum. A value is rounded once, in its copy: the sums only add zeros.
    fn concatenation(&mut self, node: &Node, target: usize) -> Result<Core, QuantizeError> {
        let sources = self.sources(node)?;
        let output_scale = self.scale(target)?;
        let channels: usize = sources.iter().map(|&t| self.shape(t).channels).sum();
        self.make(node, &[channels, channels])?;
        let mut first = 0;
        let mut sum: Option<Core> = None;
        for (number, &input) in sources.iter().enumerate() {
            let inputs = self.shape(input).channels;
            let factor = self.quantized.scales[input] / output_scale;
            let (multiplier, shift) = self.rescale(node, factor, first)?;
            let mut weights = vec![0; channels * inputs];
            (0..inputs).for_each(|c| weights[(first + c) * inputs + c] = 1);
            first += inputs;
            let copy = Core {
                op: Op::Conv(Conv { window: point(), groups: 1, weights }),
                input,
                requant: vec![Requant { bias: 0, multiplier, shift }; channels],
                weight_scales: Vec::new(),
                output_scale,
            };
            sum = Some(match sum {
                None => copy,
                Some(before) => {
                    let input = self.intermediate(node, before, &format!("sum{number}"))?;
                    let other = self.intermediate(node, copy, &format!("copy{number}"))?;
                    let op = Op::Add(Add { other, factors: [1, 1] });
                    let requant = vec![UNIT; channels];
                    Core { op, input, requant, weight_scales: Vec::new(), output_scale }
                }
            });
        }
        sum.ok_or_else(|| self.fail(node, "no data input".into()))
    }

    /// Appends `core` as a layer of its own, named after `node` and `part`; returns its tensor.
    fn intermediate(
        &mut self,
        node: &Node,
        core: Core,
        part: &str,
    ) -> Result<usize, QuantizeError> {
        let Core { op, input, requant, weight_scales, output_scale } = core;
        let name = format!("{}/{part}", node.name);
        let shape = Shape { channels: requant.len(), ..self.shape(input) };
        let output = self.scratch(shape, output_scale, name.clone());
        let (kind, clamp) = (node.op_type.clone(), self.clamp(ALL, output_scale));
        self.push(Layer { name, kind, op, input, output, requant, clamp }, weight_scales)?;
        Ok(output)
    }

    fn shape(&self, place: usize) -> Shape {
        self.quantized.network.tensors[place]
    }

    fn rescale(&self, node: &Node, factor: f64, o: usize) -> Result<(u32, u32), QuantizeError> {
        multiplier_and_shift(factor)
            .map_err(|e| self.fail(node, format!("output channel {o}: {e}")))
    }
}

/// A window of one value.
fn point() -> Window {
    Window { kernel: [1; 2], stride: [1; 2], dilation: [1; 2], pads: [0; 4] }
}
