//! Layer shapes of known networks, with weights of density 1.

use pecan_ir::layer::{Add, Conv, Layer, Network, Op, Requant, Shape, Window};
use pecan_net::LayerShape;
use pecan_net::topology::{RandomWeights, Topology, TopologyError};

/// Every shape as a network of its own with random 8-bit weights (seed 0).
///
/// # Errors
/// A shape contradicts itself.
pub fn networks(name: &str, layers: &[LayerShape]) -> Result<Vec<Network>, TopologyError> {
    let topology = Topology { name: name.into(), layers: layers.to_vec() };
    Ok(topology.networks(&RandomWeights::default())?.collect())
}

/// The first residual block of ResNet-18: two convolutions of 64 channels of 56x56, and the sum with the input.
///
/// # Errors
/// As [`networks`].
pub fn residual_block() -> Result<Network, TopologyError> {
    let shape = Shape::new(64, 56, 56);
    let block = networks("resnet18", &resnet18()[1..3])?;
    let convolutions = block.into_iter().flat_map(|network| network.layers).enumerate();
    let mut layers: Vec<Layer> = convolutions
        .map(|(number, layer)| Layer { input: number, output: number + 1, ..layer })
        .collect();
    let half = Requant { bias: 0, multiplier: 1 << 14, shift: 20 };
    layers.push(Layer {
        name: "sum".into(),
        kind: "Add".into(),
        op: Op::Add(Add { other: 0, factors: [64, 64] }),
        input: 2,
        output: 3,
        requant: vec![half; shape.channels],
        clamp: [0, 127],
    });
    Ok(Network {
        name: "resnet18 block 1".into(),
        tensors: vec![shape; 4],
        layers,
        activation_bits: 8,
        weight_bits: 8,
    })
}

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
    // Small odd numbers: never zero, so that no entry is omitted.
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

/// All of MLPerf Tiny's ResNet-8 for 32x32 images (convolutions, sums, average, classifier), as one network with
/// generated weights that are never zero.
pub fn resnet8_network() -> Network {
    let single = resnet8();
    let mut network = Network { name: "resnet8".into(), ..single[0].clone() };
    network.layers.clear();
    network.tensors.truncate(1);
    let half = Requant { bias: 0, multiplier: 1 << 14, shift: 20 };
    let mut push = |mut layer: Layer, input: usize, output: Shape| {
        (layer.input, layer.output) = (input, network.tensors.len());
        network.tensors.push(output);
        network.layers.push(layer);
        network.tensors.len() - 1
    };
    let conv = |number: usize| (single[number].layers[0].clone(), single[number].tensors[1]);
    let (first, shape) = conv(0);
    let mut tensor = push(first, 0, shape);
    for (stage, block) in [[1, 2].as_slice(), &[3, 4, 5], &[6, 7, 8]].iter().enumerate() {
        let entry = tensor;
        let (layer, shape) = conv(block[0]);
        let inner = push(layer, entry, shape);
        let (layer, shape) = conv(block[1]);
        let main = push(layer, inner, shape);
        let other = match block.get(2) {
            Some(project) => push(conv(*project).0, entry, shape),
            None => entry,
        };
        let sum = Layer {
            name: format!("sum{stage}"),
            kind: "Add".into(),
            op: Op::Add(Add { other, factors: [64, 64] }),
            input: main,
            output: 0,
            requant: vec![half; shape.channels],
            clamp: [0, 127],
        };
        tensor = push(sum, main, shape);
    }
    let pool = convolution("pool", Shape::new(64, 8, 8), 64, 8, 1, [0; 4]);
    let mut layer = pool.layers[0].clone();
    if let Op::Conv(average) = &mut layer.op {
        (average.groups, average.weights) = (64, vec![1; 64 * 64]);
    }
    tensor = push(layer, tensor, pool.tensors[1]);
    let classifier = convolution("classifier", Shape::new(64, 1, 1), 10, 1, 1, [0; 4]);
    push(classifier.layers[0].clone(), tensor, classifier.tensors[1]);
    network
}

/// A convolution of which only the shape is known.
fn shape(
    name: &str,
    input: Shape,
    outputs: usize,
    kernel: usize,
    stride: usize,
    pad: usize,
) -> LayerShape {
    let (kernel, stride) = ([kernel; 2], [stride; 2]);
    let window = Window { kernel, stride, dilation: [1, 1], pads: [pad; 4] };
    LayerShape { name: name.into(), input, outputs, window, groups: 1, sparsity: None }
}

/// The eight layers with weights of AlexNet (A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet Classification with
/// Deep Convolutional Neural Networks", NeurIPS 2012), its two groups included.
pub fn alexnet() -> Vec<LayerShape> {
    let at = Shape::new;
    let mut layers = vec![
        shape("conv1", at(3, 227, 227), 96, 11, 4, 0),
        shape("conv2", at(96, 27, 27), 256, 5, 1, 2),
        shape("conv3", at(256, 13, 13), 384, 3, 1, 1),
        shape("conv4", at(384, 13, 13), 384, 3, 1, 1),
        shape("conv5", at(384, 13, 13), 256, 3, 1, 1),
        shape("fc6", at(256, 6, 6), 4096, 6, 1, 0),
        shape("fc7", at(4096, 1, 1), 4096, 1, 1, 0),
        shape("fc8", at(4096, 1, 1), 1000, 1, 1, 0),
    ];
    [1, 3, 4].into_iter().for_each(|layer| layers[layer].groups = 2);
    layers
}

/// The 21 layers with weights of ResNet-18 (K. He et al., "Deep Residual Learning for Image
/// Recognition", CVPR 2016), for 224x224 images.
pub fn resnet18() -> Vec<LayerShape> {
    let mut layers = vec![shape("conv1", Shape::new(3, 224, 224), 64, 7, 2, 3)];
    let (mut channels, mut extent) = (64, 56);
    for (stage, width) in [64, 128, 256, 512].into_iter().enumerate() {
        for block in 0..2 {
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            let name = |part: &str| format!("res{}{block}_{part}", stage + 2);
            let input = Shape::new(channels, extent, extent);
            extent /= stride;
            layers.push(shape(&name("a"), input, width, 3, stride, 1));
            layers.push(shape(&name("b"), Shape::new(width, extent, extent), width, 3, 1, 1));
            if stride > 1 {
                layers.push(shape(&name("project"), input, width, 1, stride, 0));
            }
            channels = width;
        }
    }
    layers.push(shape("fc", Shape::new(channels, 1, 1), 1000, 1, 1, 0));
    layers
}

/// The 54 layers with weights of ResNet-50 (K. He et al., "Deep Residual Learning for Image Recognition",
/// CVPR 2016), strides in the 1x1 layers.
pub fn resnet50() -> Vec<LayerShape> {
    let mut layers = vec![shape("conv1", Shape::new(3, 224, 224), 64, 7, 2, 3)];
    let (mut channels, mut extent) = (64, 56);
    for (stage, (blocks, width)) in [(3, 64), (4, 128), (6, 256), (3, 512)].into_iter().enumerate()
    {
        for block in 0..blocks {
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            let name = |part: &str| format!("res{}{block}_{part}", stage + 2);
            let input = Shape::new(channels, extent, extent);
            extent /= stride;
            let inner = Shape::new(width, extent, extent);
            if block == 0 {
                layers.push(shape(&name("project"), input, 4 * width, 1, stride, 0));
            }
            layers.push(shape(&name("reduce"), input, width, 1, stride, 0));
            layers.push(shape(&name("conv"), inner, width, 3, 1, 1));
            layers.push(shape(&name("expand"), inner, 4 * width, 1, 1, 0));
            channels = 4 * width;
        }
    }
    layers.push(shape("fc", Shape::new(channels, 1, 1), 1000, 1, 1, 0));
    layers
}
