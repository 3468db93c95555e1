"""Writes a ResNet-50 with random weights (224x224, 102 MB) and a sample: the large file of docs/benchmarks.md.

python3 resnet50.py NAME.onnx writes NAME.onnx and NAME.npz; it needs the packages numpy and onnx.
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STAGES = [(64, 3), (128, 4), (256, 6), (512, 3)]


class Network:
    """Nodes and weights under construction."""

    def __init__(self):
        self.random = np.random.default_rng(0)
        self.nodes, self.weights = [], []

    def node(self, op, inputs, name, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        return name

    def parameters(self, name, values):
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), f"{name}_w"))
        self.weights.append(numpy_helper.from_array(np.zeros(len(values), np.float32), f"{name}_b"))
        return [f"{name}_w", f"{name}_b"]

    def conv(self, x, channels, kernel, stride, relu=True):
        """A convolution of (inputs, outputs) channels; padding keeps the extent at stride 1."""
        inputs, outputs = channels
        name = f"c{len(self.weights)}"
        deviation = np.sqrt(2 / (inputs * kernel * kernel))
        values = self.random.standard_normal((outputs, inputs, kernel, kernel)) * deviation
        pads = [kernel // 2] * 4
        self.node("Conv", [x, *self.parameters(name, values)], name,
                  kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads)
        return self.node("Relu", [name], f"{name}_relu") if relu else name

    def bottleneck(self, x, inputs, width, stride, name):
        """Three convolutions beside the input, or beside a projection of it."""
        y = self.conv(x, (inputs, width), 1, 1)
        y = self.conv(y, (width, width), 3, stride)
        y = self.conv(y, (width, 4 * width), 1, 1, relu=False)
        same = inputs == 4 * width and stride == 1
        side = x if same else self.conv(x, (inputs, 4 * width), 1, stride, relu=False)
        return self.node("Relu", [self.node("Add", [y, side], name)], f"{name}_relu")


def main(path):
    net = Network()
    x = net.conv("x", (3, 64), 7, 2)
    x = net.node("MaxPool", [x], "pool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for stage, (width, blocks) in enumerate(STAGES):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            x = net.bottleneck(x, channels, width, stride, f"sum{stage}_{block}")
            channels = 4 * width
    x = net.node("Flatten", [net.node("GlobalAveragePool", [x], "average")], "features")
    last = net.parameters("last", net.random.standard_normal((1000, channels)) * 0.02)
    net.node("Gemm", [x, *last], "y", transB=1)
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        net.nodes, "resnet50",
        [info("x", TensorProto.FLOAT, ["N", 3, 224, 224])],
        [info("y", TensorProto.FLOAT, ["N", 1000])], net.weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    sample = net.random.standard_normal((2, 3, 224, 224)).astype(np.float32)
    np.savez(path.removesuffix(".onnx") + ".npz", x=sample)


main(sys.argv[1])
