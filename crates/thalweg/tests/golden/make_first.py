"""Writes first.json beside this file: layers on the first inputs of rows, and their gradients, from PyTorch in float64.

    pip install torch==2.15.0 numpy==2.4.6
    python make_first.py

The loss is Σ dy y, so that the gradient of y is dy.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def flat(*tensors):
    return torch.cat([t.detach().reshape(-1) for t in tensors]).tolist()


def case(layer, x, y, parameters):
    """A layer as its configuration, and the gradients for random dy; channels come last in our parameters."""
    dy = torch.randn(y.shape)
    dx, *gradients = torch.autograd.grad((dy * y).sum(), [x, *parameters])
    ours = lambda tensors: flat(*[t.movedim(1, -1) if t.dim() == 3 else t for t in tensors])
    return {
        "layer": {"kind": "first", **layer},
        "shape": list(x.shape[1:]),
        "x": flat(x),
        "theta": ours(parameters),
        "y": flat(y),
        "dy": flat(dy),
        "dx": flat(dx),
        "dtheta": ours(gradients),
    }


def dense():
    """A linear layer on three of five inputs."""
    x, linear = torch.randn(4, 5, requires_grad=True), nn.Linear(3, 2)
    y = torch.cat([x[:, 3:], torch.tanh(linear(x[:, :3]))], 1)
    layers = [{"kind": "linear", "units": 2, "activation": "tanh"}]
    return case({"inputs": 3, "layers": layers}, x, y, list(linear.parameters()))


def text():
    """Tokens of three lengths, and none: a convolution that sees zeros after the last, and the maximum over time."""
    tokens = torch.tensor([[1, 2, 3, 4, 1], [4, 4, 0, 0, 0], [2, 1, 3, 0, 0], [0, 0, 0, 0, 0]])
    x = torch.cat([tokens.to(torch.float64), torch.randn(4, 2)], 1).requires_grad_()
    table, conv = nn.Parameter(torch.randn(5, 3)), nn.Conv1d(3, 4, 3, padding=1)
    counts = tokens > 0
    vectors = F.embedding(tokens, table) * counts.unsqueeze(-1)
    features = torch.tanh(conv(vectors.movedim(-1, 1)))
    most = features.masked_fill(~counts.unsqueeze(1), -torch.inf).amax(-1)
    made = torch.where(counts.any(1, keepdim=True), most, 0)
    # Tokens have no gradient.
    y = torch.cat([x[:, 5:], made], 1) + 0 * x.sum()
    layers = [
        {"kind": "tokens", "tokens": 5, "dimension": 3},
        {"kind": "conv1d", "filters": 4, "kernel": 3, "activation": "tanh"},
        {"kind": "pool_over_time", "take": "max"},
    ]
    layers = [{"kind": "sequence", "layers": layers}]
    return case({"inputs": 5, "layers": layers}, x, y, [table, conv.weight, conv.bias])


torch.manual_seed(1)
content = {"source": f"PyTorch {torch.__version__}, float64", "layers": [dense(), text()]}
text = json.dumps(content, allow_nan=False, separators=(",", ":"))
(Path(__file__).parent / "first.json").write_text(text + "\n")
print(f"first.json: {len(text):,} bytes")
