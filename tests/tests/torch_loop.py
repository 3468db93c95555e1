"""Fine-tunes the pruned digits network in PyTorch and writes it back.

Arguments: pruned network, masks (.npz), digits (.npz), result, number of epochs. Prints the accuracy on the test
rows in percent: before and after. docs/pytorch.md explains each step.
"""

import sys

import numpy
import onnx
import torch
from onnx import numpy_helper
from torch import nn

network, masks, digits, result, epochs = sys.argv[1:]
torch.manual_seed(1)
torch.set_num_threads(1)

# The network as it was defined for training; exporting it named the initializers as its state_dict does.
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = nn.Linear(512, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = torch.relu(self.conv2(torch.relu(self.conv1(x))))
        x = torch.flatten(torch.max_pool2d(x, 2), 1)
        return self.fc2(torch.relu(self.fc1(x)))


# 1. The pruned parameters into PyTorch.
file = onnx.load(network)
parameters = {t.name: torch.tensor(numpy_helper.to_array(t)) for t in file.graph.initializer}
model = LeNet()
model.load_state_dict(parameters)

# 2. The masks: one array per weight tensor, under its name and in its shape.
keep = {name: torch.tensor(mask).float() for name, mask in numpy.load(masks).items()}


def apply_masks():
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in keep:
                parameter.mul_(keep[name])


# 3. Fine-tuning: after each step the removed weights are put back to 0.
data = numpy.load(digits)
x, y = torch.tensor(data["x"]), torch.tensor(data["y"])
train, test = torch.tensor(data["train_idx"]), torch.tensor(data["test_idx"])


def accuracy():
    with torch.no_grad():
        return 100.0 * (model(x[test]).argmax(1) == y[test]).float().mean().item()


apply_masks()
before = accuracy()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for _ in range(int(epochs)):
    for batch in torch.randperm(len(train)).split(32):
        rows = train[batch]
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
        apply_masks()

# 4. Back into the file: the same network with other initializers.
state = model.state_dict()
for tensor in file.graph.initializer:
    values = state[tensor.name].numpy()
    if tensor.name in keep:
        assert not values[keep[tensor.name].numpy() == 0].any(), tensor.name
    tensor.CopyFrom(numpy_helper.from_array(numpy.ascontiguousarray(values), tensor.name))
onnx.checker.check_model(file)
onnx.save(file, result)
print(f"{before:.2f} {accuracy():.2f}")
