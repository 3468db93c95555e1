"""Outputs and inner tensors of a model in ONNX Runtime, without graph optimizations.

Arguments: the model; the folder of the exchange. There, `request.json` has the names of the tensors and the shape of a
sample, `inputs.npz` the samples (`x`). Written: `outputs.npz` with the outputs (`y`) and, of the first samples, the tensors
(`t0`, `t1`, ... in the order of their names), one flat row for each sample.
"""

import json
import os
import sys

import numpy as np
import onnxruntime as ort


def field(number, payload):
    """A field of a protocol buffer that holds bytes."""

    def varint(value):
        out = bytearray()
        while value > 0x7F:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        return bytes(out) + bytes([value])

    return varint(number << 3 | 2) + varint(len(payload)) + payload


def session(model, folder, names):
    """The model with the tensors `names` as further outputs."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
    # Messages merge when their bytes follow each other: GraphProto is field 7, its outputs are field 12, their name is field 1.
    outputs = b"".join(field(12, field(1, name.encode())) for name in names)
    if outputs:
        model += field(7, outputs)
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def feed(value, sample, shape):
    """The sample as a batch of the model's input."""
    kinds = {"tensor(double)": np.float64, "tensor(float16)": np.float16}
    sample = sample.reshape([1, *shape]).astype(kinds.get(value.type, np.float32))
    batch = value.shape[0] if value.shape else 1
    if len(value.shape) == len(shape):
        return sample[0]
    return np.repeat(sample, batch, axis=0) if isinstance(batch, int) and batch > 1 else sample


def row(value, batch):
    """The values of the first sample of a batch."""
    return np.asarray(value, np.float32).reshape(batch, -1)[0]


def main(path, folder):
    with open(os.path.join(folder, "request.json"), encoding="utf-8") as file:
        request = json.load(file)
    with open(path, "rb") as file:
        model = file.read()
    samples = np.load(os.path.join(folder, "inputs.npz"))["x"]
    place = os.path.dirname(os.path.abspath(path))
    plain = session(model, place, [])
    last = plain.get_outputs()[0].name
    names = [name for name in request["tensors"] if name != last]
    source = next(i for i in plain.get_inputs() if i.name == request["input"])
    full = session(model, place, names)
    outputs, tensors = [], {name: [] for name in request["tensors"]}
    for number, sample in enumerate(samples):
        inputs = {source.name: feed(source, sample, request["shape"])}
        batch = inputs[source.name].shape[0] if len(source.shape) > len(request["shape"]) else 1
        inner = number < request["inner_samples"]
        wanted = [last, *names] if inner else [last]
        results = dict(zip(wanted, (full if inner else plain).run(wanted, inputs)))
        outputs.append(row(results[last], batch))
        for name in request["tensors"] if inner else []:
            value = results[name]
            # The codes of a quantization are no real values.
            codes = name != last and value.dtype.kind in "iu"
            tensors[name].append(np.zeros(0, np.float32) if codes else row(value, batch))
    arrays = {f"t{i}": np.stack(tensors[name]) for i, name in enumerate(request["tensors"])}
    np.savez(os.path.join(folder, "outputs.npz"), y=np.stack(outputs), **arrays)


main(sys.argv[1], sys.argv[2])
