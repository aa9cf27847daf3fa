"""Writes pytorch/: parameters that PyTorch saved under names of its own, inputs and what its modules make of them.

    pip install torch==2.15.0 safetensors==0.8.0 numpy==2.4.6
    python make_pytorch.py

Inputs are channels last, as ours are; the modules get them channels first.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

FOLDER = Path(__file__).parent / "pytorch"


class Rows(nn.Module):
    """Two layers of one shape, which only the order of their names tells apart."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc10, self.out = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.out(torch.tanh(self.fc10(torch.relu(self.fc2(torch.sigmoid(self.fc1(x)))))))


class Pictures(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1, groups=2)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4 * 2 * 3, 2)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x.movedim(-1, 1))))
        return self.head(nn.functional.max_pool2d(x, 2).flatten(1))


class Sounds(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(2, 3, 3, stride=2)
        self.head = nn.Linear(3 * 4, 2)

    def forward(self, x):
        return self.head(nn.functional.gelu(self.conv(x.movedim(-1, 1))).flatten(1))


def linear(units, activation):
    return {"kind": "linear", "units": units, "activation": activation}


NETS = {
    "rows": (Rows, (3,), torch.float32, [linear(4, "sigmoid"), linear(4, "relu"), linear(4, "tanh"), linear(2, "identity")]),
    "pictures": (
        Pictures,
        (4, 6, 2),
        torch.float16,
        [
            {"kind": "conv2d", "filters": 4, "kernel": 3, "groups": 2},
            {"kind": "batch_norm"},
            {"kind": "activation", "activation": "relu"},
            {"kind": "pool2d", "take": "max", "size": 2},
            linear(2, "identity"),
        ],
    ),
    "sounds": (
        Sounds,
        (9, 2),
        torch.bfloat16,
        [{"kind": "conv1d", "filters": 3, "kernel": 3, "stride": 2, "padding": "valid", "activation": "gelu"}, linear(2, "identity")],
    ),
    "doubles": (Rows, (3,), torch.float64, [linear(4, "sigmoid"), linear(4, "relu"), linear(4, "tanh"), linear(2, "identity")]),
}

torch.manual_seed(0)
FOLDER.mkdir(exist_ok=True)
cases = {}
for name, (net, shape, dtype, layers) in NETS.items():
    net = net().double()
    x = torch.randn(5, *shape, dtype=torch.float64)
    net.train()
    for _ in range(3):
        net(torch.randn(20, *shape, dtype=torch.float64))
    # The numbers as they are stored, computed with in 64 bits.
    net = net.to(dtype).double().eval()
    save_file({key: value.to(dtype if value.is_floating_point() else value.dtype) for key, value in net.state_dict().items()}, FOLDER / f"{name}.safetensors")
    flat = lambda tensor: tensor.detach().reshape(-1).tolist()
    cases[name] = {"input": shape, "layers": layers, "x": flat(x), "y": flat(net(x))}
text = json.dumps({"source": f"PyTorch {torch.__version__}", "cases": cases}, separators=(",", ":"))
(FOLDER / "outputs.json").write_text(text + "\n")
