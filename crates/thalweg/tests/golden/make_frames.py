"""Writes frames.json beside this file: layers on each frame of clips, and their gradients, from PyTorch in float64.

    pip install torch==2.15.0 numpy==2.4.6
    python make_frames.py

Examples are clips, (frames · height) × width × channels. The loss is Σ dy y, so that the gradient of y is dy.
"""

import json
from pathlib import Path

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

CLIPS = 2


def flat(*tensors):
    return torch.cat([t.detach().reshape(-1) for t in tensors]).tolist()


def case(count, layers, x, features, parameters, statistics=()):
    """Layers as their configuration, what they make of each frame of x, and the gradients for random dy."""
    frames = x.reshape(CLIPS * count, x.shape[1] // count, *x.shape[2:])
    y = features(frames).reshape(CLIPS, count, -1)
    dy = torch.randn(y.shape)
    dx, *gradients = torch.autograd.grad((dy * y).sum(), [x, *[own for own, _ in parameters]])
    ours = lambda tensors: flat(*[order(own) for own, (_, order) in zip(tensors, parameters)])
    return {
        "layer": {"kind": "frames", "count": count, "layers": layers},
        "shape": list(x.shape[1:]),
        "x": flat(x),
        "theta": ours([own for own, _ in parameters]) + list(statistics),
        "y": flat(y),
        "dy": flat(dy),
        "dx": flat(dx),
        "dtheta": ours(gradients),
    }


def clips(*shape):
    return torch.randn(CLIPS, *shape, requires_grad=True)


def images():
    """A convolution and batch norm, whose mean is over the frames of all clips; features are the means of channels."""
    conv, norm = nn.Conv2d(3, 4, 2), nn.BatchNorm2d(4, eps=1e-5)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)

    def features(frames):
        return norm(torch.tanh(conv(frames.movedim(-1, 1)))).mean((2, 3))

    same, channels_last = (lambda t: t), (lambda t: t.movedim(1, -1))
    parameters = [(conv.weight, channels_last), (conv.bias, same), (norm.weight, same), (norm.bias, same)]
    layers = [
        {"kind": "conv2d", "filters": 4, "kernel": 2, "padding": "valid", "activation": "tanh"},
        {"kind": "batch_norm", "epsilon": 1e-5},
        {"kind": "pool2d", "take": "average"},
    ]
    return case(3, layers, clips(12, 5, 3), features, parameters, [0.0] * 4 + [1.0] * 4)


def grey():
    """A dense layer on frames without a channel axis."""
    linear = nn.Linear(6, 3)
    parameters = [(own, lambda t: t) for own in linear.parameters()]
    layers = [{"kind": "linear", "units": 3, "activation": "tanh"}]
    return case(4, layers, clips(8, 3), lambda frames: torch.tanh(linear(frames.flatten(1))), parameters)


def blocks():
    """A residual block, whose output keeps the shape of a frame."""
    conv = nn.Conv2d(2, 2, 3, padding=1, bias=False)

    def features(frames):
        x = frames.movedim(-1, 1)
        return torch.tanh(conv(x) + x).movedim(1, -1)

    block = {"kind": "residual", "layers": [{"kind": "conv2d", "filters": 2, "kernel": 3, "bias": False}], "activation": "tanh"}
    return case(2, [block], clips(6, 4, 2), features, [(conv.weight, lambda t: t.movedim(1, -1))])


torch.manual_seed(1)
content = {"source": f"PyTorch {torch.__version__}, float64", "layers": [images(), grey(), blocks()]}
text = json.dumps(content, allow_nan=False, separators=(",", ":"))
(Path(__file__).parent / "frames.json").write_text(text + "\n")
print(f"frames.json: {len(text):,} bytes")
