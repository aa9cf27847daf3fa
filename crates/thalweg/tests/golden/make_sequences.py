"""Writes sequences.json beside this file: layers on sequences of several lengths, and their gradients, from PyTorch in float64.

    pip install torch==2.15.0 numpy==2.4.6
    python make_sequences.py

Examples are rows of steps, of which each has its values and then a mask, 1 or 0; what follows the last step is padding. The
loss is Σ dy y, so that the gradient of y is dy.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

STEPS = 6
LENGTHS = torch.tensor([6, 1, 0, 4])
COUNTS = torch.arange(STEPS) < LENGTHS.unsqueeze(1)


def flat(*tensors):
    return torch.cat([t.detach().reshape(-1) for t in tensors]).tolist()


def inputs(channels):
    return torch.randn(len(LENGTHS), STEPS, channels, requires_grad=True)


def case(layer, x, y, parameters):
    """A layer as its configuration, what it makes of x, and the gradients for random dy."""
    dy = torch.randn(y.shape)
    gradients = torch.autograd.grad((dy * y).sum(), [x, *parameters])
    mask = COUNTS.unsqueeze(-1).to(x.dtype)
    with_mask = lambda x, mask: flat(torch.cat([x, mask], -1))
    return {
        "layer": layer,
        "shape": [STEPS, x.shape[2] + 1],
        "x": with_mask(x, mask),
        "theta": flat(*parameters) if parameters else [],
        "y": flat(y),
        "dy": flat(dy),
        "dx": with_mask(gradients[0], 0 * mask),
        "dtheta": flat(*gradients[1:]) if parameters else [],
    }


def recurrent():
    kinds = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
    for kind, module in kinds.items():
        for units, channels in [(1, 2), (3, 1), (4, 3)]:
            for both in (False, True):
                net = module(channels, units, batch_first=True, bidirectional=both)
                for every in ("last", "all"):
                    x = inputs(channels)
                    packed = nn.utils.rnn.pack_padded_sequence(
                        x, LENGTHS.clamp(min=1), batch_first=True, enforce_sorted=False
                    )
                    states, last = net(packed)
                    states = nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=STEPS)[0]
                    last = last[0] if kind == "lstm" else last
                    y = last.movedim(0, 1).flatten(1) if every == "last" else states
                    # PyTorch takes no empty sequence: nothing of it reaches the answer.
                    y = torch.where(LENGTHS.reshape(-1, *[1] * (y.dim() - 1)) > 0, y, 0)
                    layer = {"kind": kind, "units": units, "bidirectional": both, "return": every}
                    yield case(layer, x, y, list(net.parameters()))


def attention():
    for heads, channels in [(1, 1), (2, 4), (3, 6)]:
        net = nn.MultiheadAttention(channels, heads, batch_first=True)
        nn.init.normal_(net.in_proj_bias)
        nn.init.normal_(net.out_proj.bias)
        x = inputs(channels)
        # An empty sequence has nothing to attend to.
        away = ~COUNTS | (LENGTHS == 0).unsqueeze(1)
        away[LENGTHS == 0] = False
        y = net(x, x, x, key_padding_mask=away, need_weights=False)[0] * COUNTS.unsqueeze(-1)
        parameters = [net.in_proj_weight, net.in_proj_bias, net.out_proj.weight, net.out_proj.bias]
        yield case({"kind": "attention", "heads": heads}, x, y, parameters)


def pools():
    x = inputs(3)
    counts = COUNTS.unsqueeze(-1)
    some = (LENGTHS > 0).unsqueeze(-1)
    mean = torch.where(counts, x, 0).sum(1) / LENGTHS.clamp(min=1).unsqueeze(-1)
    yield case({"kind": "pool_over_time", "take": "mean"}, x, mean, [])
    largest = torch.where(counts, x, -1e300).amax(1)
    yield case({"kind": "pool_over_time", "take": "max"}, x, torch.where(some, largest, 0), [])
    score = nn.Linear(3, 1, bias=False)
    shares = torch.softmax(torch.where(COUNTS, score(x).squeeze(-1), -1e300), 1) * COUNTS
    yield case({"kind": "pool_over_time", "take": "attention"}, x, (shares.unsqueeze(-1) * x).sum(1), [score.weight])


def tokens():
    table = nn.Embedding(5, 3, padding_idx=0)
    x = torch.tensor([[4, 1, 1, 2, 3, 1], [2, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [1, 0, 4, 4, 0, 0]])
    y = table(x)
    dy = torch.randn(y.shape)
    (gradient,) = torch.autograd.grad((dy * y).sum(), [table.weight])
    return {"x": flat(x.double()), "theta": flat(table.weight), "y": flat(y), "dy": flat(dy), "dtheta": flat(gradient)}


torch.manual_seed(1)
content = {
    "source": f"PyTorch {torch.__version__}, float64",
    "layers": [*recurrent(), *attention(), *pools()],
    "tokens": tokens(),
}
text = json.dumps(content, allow_nan=False, separators=(",", ":"))
(Path(__file__).parent / "sequences.json").write_text(text + "\n")
print(f"sequences.json: {len(text):,} bytes")
