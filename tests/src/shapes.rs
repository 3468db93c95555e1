//! Layer shapes of known networks, with weights that are all there (density 1).

use pecan_sim::layer::{Conv, Layer, Network, Op, Requant, Shape, Window};

/// A network of one convolution: input, output channels, kernel, stride, pads.
pub fn convolution(
    name: &str,
    input: Shape,
    channels: usize,
    kernel: usize,
    stride: usize,
    pads: [usize; 4],
) -> Network {
    let window = Window { kernel: [kernel; 2], stride: [stride; 2], dilation: [1, 1], pads };
    let [height, width] = window.output_size(input.height, input.width).unwrap_or([1, 1]);
    let taps = input.channels * kernel * kernel;
    // Small odd numbers: never zero, so that no entry is left out.
    let weights = (0..channels * taps).map(|i| (i % 7) as i32 * 2 - 7).collect();
    let requant = vec![Requant { bias: 0, multiplier: 1 << 14, shift: 22 }; channels];
    let layer = Layer {
        name: name.into(),
        kind: "Conv".into(),
        op: Op::Conv(Conv { window, groups: 1, weights }),
        input: 0,
        output: 1,
        requant,
        clamp: [0, 127],
    };
    Network {
        name: name.into(),
        tensors: vec![input, Shape::new(channels, height, width)],
        layers: vec![layer],
        activation_bits: 8,
        weight_bits: 8,
    }
}

/// The nine convolutions of MLPerf Tiny's ResNet-8 for 32x32 images.
pub fn resnet8() -> Vec<Network> {
    let same = [1, 1, 1, 1];
    let late = [0, 0, 1, 1];
    let at = Shape::new;
    vec![
        convolution("conv1 3x3 3-16", at(3, 32, 32), 16, 3, 1, same),
        convolution("conv2 3x3 16-16", at(16, 32, 32), 16, 3, 1, same),
        convolution("conv3 3x3 16-16", at(16, 32, 32), 16, 3, 1, same),
        convolution("conv4 3x3/2 16-32", at(16, 32, 32), 32, 3, 2, late),
        convolution("conv5 3x3 32-32", at(32, 16, 16), 32, 3, 1, same),
        convolution("conv6 1x1/2 16-32", at(16, 32, 32), 32, 1, 2, [0; 4]),
        convolution("conv7 3x3/2 32-64", at(32, 16, 16), 64, 3, 2, late),
        convolution("conv8 3x3 64-64", at(64, 8, 8), 64, 3, 1, same),
        convolution("conv9 1x1/2 32-64", at(32, 16, 16), 64, 1, 2, [0; 4]),
    ]
}
