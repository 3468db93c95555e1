"""Runs a network in ONNX Runtime.

Arguments: network, file of inputs, file for outputs, number of samples. Both files hold 32-bit floats in
little endian, sample after sample; the shape of a sample is the network's own. A fifth argument `plain` has it
computed node by node, without optimizations.
"""

import sys

import numpy
import onnxruntime

network, inputs, outputs, count, *mode = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 3
if mode == ["plain"]:
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
entry = session.get_inputs()[0]
samples = numpy.fromfile(inputs, "<f4").reshape(int(count), *entry.shape[1:])
results = [session.run(None, {entry.name: samples[i : i + 1]})[0] for i in range(len(samples))]
numpy.concatenate(results).astype("<f4").tofile(outputs)
