"""A network that Thalweg VERSION trained (binary).

    net = load()
    labels, probabilities = answers(net(prepare(table)))

The table is a dict of columns, or a pandas DataFrame, and has
    standard: a number x, as (x - 0.0000001) / 0.1
    robust: a number x, as r / sqrt(1 + (r / 3)²) of r = (x - 3) / 2
    min_max\n\"\"\": a number from -1 to 100000000000000000000, as 0 to 1
    none: a number, as it is
    yes: yes or no, true or false, 1 or 0
    one of: one of 2 categories, an input each
    iso: a date, as its place in time, year and week
    day: a date, as its place in time, year and week
    code: one of 2 categories, looked up
Missing cells are None, NaN or empty. Net takes the rows that prepare makes of it.
"""

import math
import re
from calendar import isleap
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

DTYPE = torch.float32
MISSING = ["na", "n/a", "nan", "null", "none", "?", "-", "."]  # cells that mean so, in lower case
POINT = "."
CLASSES = ["no", "yes"]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.ModuleList([nn.Embedding(3, 2)]),  # embedding of 1 columns (3→2)
            nn.Linear(28, 1),  # linear 28 → 1
            nn.Linear(1, 2),  # linear 1 → 2
        ])

    def forward(self, x):
        codes = x[:, 26:].long()
        vectors = [table(codes[:, j]) for j, table in enumerate(self.layers[0])]
        x = torch.cat([x[:, :26], *vectors], dim=1)
        x = self.layers[1](x)
        x = self.layers[2](x)
        return x


def load(path=Path(__file__).with_suffix(".weights.safetensors")):
    """The trained network, ready to predict."""
    net = Net().to(DTYPE)
    net.load_state_dict(load_file(path))
    return net.eval()


def standard(mean, deviation):
    return lambda x: (x - mean) / deviation


def robust(median, spread):
    def scale(x):
        r = (x - median) / spread
        return r / np.sqrt(1 + (r / 3) ** 2)

    return scale


def min_max(low, high):
    return lambda x: (x - low) / (high - low if high > low else 1)


def as_it_is(x):
    return x


def text(cell):
    """A cell's text without the blanks around it; None where it is missing."""
    if cell is None or (not isinstance(cell, str) and str(cell) in ("nan", "NaT", "<NA>")):
        return None
    cell = str(cell).strip()
    return None if cell == "" or cell.lower() in MISSING else cell


def is_missing(cells):
    return np.array([text(cell) is None for cell in cells], dtype=float)


def number(cell):
    """The number of a cell, None where it is missing."""
    cell = text(cell)
    if cell is None:
        return None
    if POINT == "," and "," in cell:
        cell = cell.replace(".", "").replace(",", ".")
    if "_" in cell or not math.isfinite(float(cell)):
        raise ValueError(f"found {cell!r}, expected a finite number")
    return float(cell)


def numeric(cells, scale, fill, missing=False, edges=()):
    """The scaled number, 1 where it is missing, and how far it reaches into each bin."""
    numbers = [number(cell) for cell in cells]
    x = np.array([fill if value is None else value for value in numbers], dtype=float)
    yield scale(x)
    if missing:
        yield is_missing(cells)
    for low, high in zip(edges, edges[1:]):
        yield np.clip((x - low) / (high - low), 0, 1)


WORDS = {"false": 0, "true": 1, "no": 0, "yes": 1, "f": 0, "t": 1, "n": 0, "y": 1, "off": 0, "on": 1}


def boolean(cells, fill, missing=False):
    """0 or 1 (the share of ones where it is missing), then 1 where it is missing."""
    words = [text(cell) for cell in cells]
    numbers = [WORDS[word.lower()] if word and word.lower() in WORDS else number(word) for word in words]
    yield np.array([fill if value is None else value for value in numbers], dtype=float)
    if missing:
        yield is_missing(cells)


def moment(cell, form):
    """The date and time of a cell, on UTC's clock where it has an offset; None where it is missing."""
    if text(cell) is None:
        return None
    if not isinstance(cell, datetime):
        cell = datetime.fromisoformat(text(cell)) if form is None else datetime.strptime(text(cell), form)
    return cell.astimezone(timezone.utc).replace(tzinfo=None) if cell.tzinfo else cell


def datetimes(cells, form, scale, clock=False, missing=False):
    """The year with the share of it that has passed, scaled, and where in the year, the week (and the day) it is."""
    moments = [moment(cell, form) for cell in cells]
    known = np.array([at is not None for at in moments], dtype=float)
    moments = [at or datetime(2000, 1, 1) for at in moments]
    day = np.array([(at.hour * 3600 + at.minute * 60 + at.second) / 86400 for at in moments])
    days = np.array([366 if isleap(at.year) else 365 for at in moments])
    year = np.array([at.year for at in moments]) + (np.array([at.timetuple().tm_yday - 1 for at in moments]) + day) / days
    week = (np.array([at.weekday() for at in moments]) + day) / 7
    yield known * scale(year)
    for share in [year % 1, week, day] if clock else [year % 1, week]:
        yield known * np.sin(2 * np.pi * share)
        yield known * np.cos(2 * np.pi * share)
    if missing:
        yield 1 - known


def category(cell):
    """A cell's text; whole numbers written with a zero after the point are those without."""
    cell = text(cell)
    if cell is not None and cell.endswith(POINT + "0") and re.fullmatch("-*[0-9]*", cell[:-2]):
        return cell[:-2]
    return cell


def slots(cells, values, missing):
    """0 for an unseen category, i + 1 for values[i]; missing cells have the last slot where training rows lacked some."""
    slot = {value: i + 1 for i, value in enumerate(values)}
    slot[None] = len(values) + 1 if missing else 0
    return np.array([slot.get(category(cell), 0) for cell in cells], dtype=int)


def one_hot(cells, values, rare=False, missing=False):
    """A column of 0 and 1 a category; unseen ones share a column with rare ones where there were any."""
    found = slots(cells, values, missing)
    for slot in range(0 if rare else 1, len(values) + 1 + missing):
        yield (found == slot).astype(float)


def code(cells, values, missing=False):
    """The number of each cell's category, which the network looks up."""
    yield slots(cells, values, missing).astype(float)


def prepare(table):
    """The network's inputs, a row each, from a table's columns."""
    columns = [
        *numeric(table["standard"], standard(1e-7, 0.1), fill=2.5, missing=True, edges=[0, 1.5, 2]),
        *numeric(table["robust"], robust(3, 2), fill=2.5),
        *numeric(table["min_max\n\"\"\""], min_max(-1, 1e20), fill=2.5),
        *numeric(table["none"], as_it_is, fill=2.5),
        *boolean(table["yes"], fill=0.25, missing=True),
        *one_hot(table["one of"], ["a \"b\"", "é"], rare=True, missing=True),
        *datetimes(table["iso"], None, standard(2001.5, 3), clock=True, missing=True),
        *datetimes(table["day"], "%d.%m.%Y", standard(2001.5, 3)),
        *code(table["code"], ["a \"b\"", "é"]),
    ]
    return torch.tensor(np.stack(columns, axis=1), dtype=DTYPE)


def answers(logits):
    """The likelier class of each row, and the probability of each class."""
    p = torch.sigmoid(logits[:, 0])
    return [CLASSES[int(x >= 0.5)] for x in p], torch.stack([1 - p, p], dim=1)


# linear {"units":3,"activation":"identity","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Linear(4, 3),  # linear 4 → 3
            nn.Linear(3, 2),  # linear 3 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# linear {"units":3,"activation":"sigmoid","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Linear(4, 3),  # linear 4 → 3, sigmoid
            nn.Linear(3, 2),  # linear 3 → 2
        ])

    def forward(self, x):
        x = torch.sigmoid(self.layers[0](x))
        x = self.layers[1](x)
        return x


# linear {"units":3,"activation":"tanh","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Linear(4, 3),  # linear 4 → 3, tanh
            nn.Linear(3, 2),  # linear 3 → 2
        ])

    def forward(self, x):
        x = torch.tanh(self.layers[0](x))
        x = self.layers[1](x)
        return x


# linear {"units":3,"activation":"relu","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Linear(4, 3),  # linear 4 → 3, relu
            nn.Linear(3, 2),  # linear 3 → 2
        ])

    def forward(self, x):
        x = F.relu(self.layers[0](x))
        x = self.layers[1](x)
        return x


# linear {"units":3,"activation":"leaky_relu","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Linear(4, 3),  # linear 4 → 3, leaky_relu
            nn.Linear(3, 2),  # linear 3 → 2
        ])

    def forward(self, x):
        x = F.leaky_relu(self.layers[0](x), 0.01)
        x = self.layers[1](x)
        return x


# linear {"units":3,"activation":"elu","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Linear(4, 3),  # linear 4 → 3, elu
            nn.Linear(3, 2),  # linear 3 → 2
        ])

    def forward(self, x):
        x = F.elu(self.layers[0](x))
        x = self.layers[1](x)
        return x


# linear {"units":3,"activation":"selu","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Linear(4, 3),  # linear 4 → 3, selu
            nn.Linear(3, 2),  # linear 3 → 2
        ])

    def forward(self, x):
        x = F.selu(self.layers[0](x))
        x = self.layers[1](x)
        return x


# linear {"units":3,"activation":"gelu","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Linear(4, 3),  # linear 4 → 3, gelu
            nn.Linear(3, 2),  # linear 3 → 2
        ])

    def forward(self, x):
        x = F.gelu(self.layers[0](x))
        x = self.layers[1](x)
        return x


# linear {"units":3,"activation":"silu","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Linear(4, 3),  # linear 4 → 3, silu
            nn.Linear(3, 2),  # linear 3 → 2
        ])

    def forward(self, x):
        x = F.silu(self.layers[0](x))
        x = self.layers[1](x)
        return x


# linear {"units":3,"activation":"mish","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Linear(4, 3),  # linear 4 → 3, mish
            nn.Linear(3, 2),  # linear 3 → 2
        ])

    def forward(self, x):
        x = F.mish(self.layers[0](x))
        x = self.layers[1](x)
        return x


# linear {"units":3,"activation":"softplus","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Linear(4, 3),  # linear 4 → 3, softplus
            nn.Linear(3, 2),  # linear 3 → 2
        ])

    def forward(self, x):
        x = F.softplus(self.layers[0](x))
        x = self.layers[1](x)
        return x


# linear {"units":3,"activation":"softmax","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Linear(4, 3),  # linear 4 → 3, softmax
            nn.Linear(3, 2),  # linear 3 → 2
        ])

    def forward(self, x):
        x = torch.softmax(self.layers[0](x), 1)
        x = self.layers[1](x)
        return x


# linear {"units":1,"activation":"identity","init":{"normal":0.5},"bias":false}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Linear(4, 1, bias=False),  # linear 4 → 1, no bias
            nn.Linear(1, 2),  # linear 1 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x.flatten(1))
        x = self.layers[1](x)
        return x


# activation {"activation":"identity"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Identity(),  # identity
            nn.Linear(4, 2),  # linear 4 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# activation {"activation":"sigmoid"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Sigmoid(),  # sigmoid
            nn.Linear(4, 2),  # linear 4 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# activation {"activation":"tanh"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Tanh(),  # tanh
            nn.Linear(4, 2),  # linear 4 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# activation {"activation":"relu"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.ReLU(),  # relu
            nn.Linear(4, 2),  # linear 4 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# activation {"activation":"leaky_relu"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.LeakyReLU(0.01),  # leaky_relu
            nn.Linear(4, 2),  # linear 4 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# activation {"activation":"elu"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.ELU(),  # elu
            nn.Linear(4, 2),  # linear 4 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# activation {"activation":"selu"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.SELU(),  # selu
            nn.Linear(4, 2),  # linear 4 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# activation {"activation":"gelu"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.GELU(),  # gelu
            nn.Linear(4, 2),  # linear 4 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# activation {"activation":"silu"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.SiLU(),  # silu
            nn.Linear(4, 2),  # linear 4 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# activation {"activation":"mish"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Mish(),  # mish
            nn.Linear(4, 2),  # linear 4 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# activation {"activation":"softplus"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Softplus(),  # softplus
            nn.Linear(4, 2),  # linear 4 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# activation {"activation":"softmax"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Softmax(1),  # softmax
            nn.Linear(4, 2),  # linear 4 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# batch_norm {"epsilon":0.00001,"momentum":0.9}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.BatchNorm1d(5, eps=1e-5, momentum=0.1),  # batch norm
            nn.Linear(5, 2),  # linear 5 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# batch_norm {"epsilon":0.001,"momentum":0.99}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.BatchNorm1d(3, eps=0.001, momentum=0.01),  # batch norm
            nn.Linear(3, 2),  # linear 3 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# batch_norm {"epsilon":0.00001,"momentum":0.9}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.BatchNorm2d(2, eps=1e-5, momentum=0.1),  # batch norm
            nn.Linear(12, 2),  # linear 12 → 2
        ])

    def forward(self, x):
        x = x.movedim(-1, 1)  # channels first, as PyTorch has them
        x = self.layers[0](x)
        x = self.layers[1](x.flatten(1))
        return x


# layer_norm {"epsilon":0.00001}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.LayerNorm(5, eps=1e-5),  # layer norm
            nn.Linear(5, 2),  # linear 5 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# layer_norm {"epsilon":0.001}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.LayerNorm((2, 3), eps=0.001),  # layer norm
            nn.Linear(6, 2),  # linear 6 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x.flatten(1))
        return x


# layer_norm {"epsilon":0.00001}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.LayerNorm(4, eps=1e-5),  # layer norm
            nn.Linear(24, 2),  # linear 24 → 2
        ])

    def forward(self, x):
        x = x.movedim(-1, 1)  # channels first, as PyTorch has them
        x = self.layers[0](x.movedim(1, -1)).movedim(-1, 1)
        x = self.layers[1](x.flatten(1))
        return x


# dropout {"rate":0.5}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Dropout(0.5),  # dropout 0.5
            nn.Linear(5, 2),  # linear 5 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        return x


# dropout {"rate":0.0}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Dropout(0),  # dropout 0
            nn.Linear(6, 2),  # linear 6 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x.flatten(1))
        return x


# embedding {"dense":2,"columns":[{"slots":4,"dimension":2},{"slots":3,"dimension":3}]}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.ModuleList([nn.Embedding(4, 2), nn.Embedding(3, 3)]),  # embedding of 2 columns (4→2, 3→3)
            nn.Linear(7, 2),  # linear 7 → 2
        ])

    def forward(self, x):
        codes = x[:, 2:].long()
        vectors = [table(codes[:, j]) for j, table in enumerate(self.layers[0])]
        x = torch.cat([x[:, :2], *vectors], dim=1)
        x = self.layers[1](x)
        return x


# conv1d {"filters":3,"kernel":3,"stride":1,"padding":"same","dilation":1,"groups":1,"activation":"tanh","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Conv1d(1, 3, 3, padding=1),  # conv 3, 3 filters, tanh
            nn.Linear(18, 2),  # linear 18 → 2
        ])

    def forward(self, x):
        x = torch.tanh(self.layers[0](x.unsqueeze(1)))
        x = self.layers[1](x.flatten(1))
        return x


# conv1d {"filters":3,"kernel":3,"stride":2,"padding":"valid","dilation":1,"groups":1,"activation":"tanh","bias":false}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Conv1d(2, 3, 3, stride=2, bias=False),  # conv 3/1×2, 3 filters, no bias, tanh
            nn.Linear(12, 2),  # linear 12 → 2
        ])

    def forward(self, x):
        x = torch.tanh(self.layers[0](x.movedim(-1, 1)))
        x = self.layers[1](x.flatten(1))
        return x


# conv1d {"filters":3,"kernel":3,"stride":1,"padding":2,"dilation":2,"groups":1,"activation":"tanh","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Conv1d(1, 3, 3, padding=2, dilation=2),  # conv 3, 3 filters, tanh
            nn.Linear(21, 2),  # linear 21 → 2
        ])

    def forward(self, x):
        x = torch.tanh(self.layers[0](x.movedim(-1, 1)))
        x = self.layers[1](x.flatten(1))
        return x


# conv1d {"filters":4,"kernel":2,"stride":1,"padding":"same","dilation":1,"groups":2,"activation":"tanh","init":{"normal":0.5},"bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Conv1d(4, 4, 2, groups=2),  # conv 2, 4 filters in 2 groups, tanh
            nn.Linear(20, 2),  # linear 20 → 2
        ])

    def forward(self, x):
        x = torch.tanh(self.layers[0](F.pad(x.movedim(-1, 1), (0, 1))))
        x = self.layers[1](x.flatten(1))
        return x


# conv2d {"filters":3,"kernel":3,"stride":1,"padding":"same","dilation":1,"groups":1,"activation":"tanh","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Conv2d(1, 3, 3, padding=1),  # conv 3×3, 3 filters, tanh
            nn.Linear(36, 2),  # linear 36 → 2
        ])

    def forward(self, x):
        x = torch.tanh(self.layers[0](x.unsqueeze(1)))
        x = self.layers[1](x.flatten(1))
        return x


# conv2d {"filters":3,"kernel":2,"stride":2,"padding":"valid","dilation":1,"groups":1,"activation":"tanh","init":{"normal":0.5},"bias":false}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Conv2d(2, 3, 2, stride=2, bias=False),  # conv 2×2/2, 3 filters, no bias, tanh
            nn.Linear(12, 2),  # linear 12 → 2
        ])

    def forward(self, x):
        x = x.movedim(-1, 1)  # channels first, as PyTorch has them
        x = torch.tanh(self.layers[0](x))
        x = self.layers[1](x.flatten(1))
        return x


# conv2d {"filters":3,"kernel":[3,1],"stride":[1,2],"padding":[1,0],"dilation":1,"groups":1,"activation":"silu","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Conv2d(2, 3, (3, 1), stride=(1, 2), padding=(1, 0)),  # conv 3×1/1×2, 3 filters, silu
            nn.Linear(36, 2),  # linear 36 → 2
        ])

    def forward(self, x):
        x = x.movedim(-1, 1)  # channels first, as PyTorch has them
        x = F.silu(self.layers[0](x))
        x = self.layers[1](x.flatten(1))
        return x


# conv2d {"filters":3,"kernel":3,"stride":1,"padding":"same","dilation":2,"groups":1,"activation":"tanh","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Conv2d(1, 3, 3, padding=2, dilation=2),  # conv 3×3, 3 filters, tanh
            nn.Linear(90, 2),  # linear 90 → 2
        ])

    def forward(self, x):
        x = x.movedim(-1, 1)  # channels first, as PyTorch has them
        x = torch.tanh(self.layers[0](x))
        x = self.layers[1](x.flatten(1))
        return x


# conv2d {"filters":4,"kernel":2,"stride":1,"padding":"same","dilation":1,"groups":2,"activation":"relu","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Conv2d(4, 4, 2, groups=2),  # conv 2×2, 4 filters in 2 groups, relu
            nn.Linear(36, 2),  # linear 36 → 2
        ])

    def forward(self, x):
        x = x.movedim(-1, 1)  # channels first, as PyTorch has them
        x = F.relu(self.layers[0](F.pad(x, (0, 1, 0, 1))))
        x = self.layers[1](x.flatten(1))
        return x


# conv2d {"filters":2,"kernel":3,"stride":1,"padding":"same","dilation":1,"groups":2,"activation":"identity","bias":true}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Conv2d(2, 2, 3, padding=1, groups=2),  # conv 3×3, 2 filters in 2 groups
            nn.Linear(24, 2),  # linear 24 → 2
        ])

    def forward(self, x):
        x = x.movedim(-1, 1)  # channels first, as PyTorch has them
        x = self.layers[0](x)
        x = self.layers[1](x.flatten(1))
        return x


# pool1d {"take":"average","size":2,"padding":"valid"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.AvgPool1d(2, 2),  # average pool 2/1×2
            nn.Linear(4, 2),  # linear 4 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x.movedim(-1, 1))
        x = self.layers[1](x.flatten(1))
        return x


# pool1d {"take":"max","padding":"valid"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.AdaptiveMaxPool1d(1),  # max pool of the whole sound
        ])

    def forward(self, x):
        x = self.layers[0](x.movedim(-1, 1)).flatten(1)
        return x


# pool1d {"take":"average","padding":"valid"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.AdaptiveAvgPool1d(1),  # average pool of the whole sound
            nn.Linear(1, 2),  # linear 1 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x.unsqueeze(1)).flatten(1)
        x = self.layers[1](x)
        return x


# pool1d {"take":"max","size":3,"stride":1,"padding":"same"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.MaxPool1d(3, 1, padding=1),  # max pool 3
            nn.Linear(12, 2),  # linear 12 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x.movedim(-1, 1))
        x = self.layers[1](x.flatten(1))
        return x


# pool2d {"take":"average","size":2,"padding":"valid"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.AvgPool2d(2, 2),  # average pool 2×2/2
            nn.Linear(8, 2),  # linear 8 → 2
        ])

    def forward(self, x):
        x = x.movedim(-1, 1)  # channels first, as PyTorch has them
        x = self.layers[0](x)
        x = self.layers[1](x.flatten(1))
        return x


# pool2d {"take":"average","size":3,"stride":1,"padding":"same"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.AvgPool2d(3, 1, padding=1),  # average pool 3×3
            nn.Linear(24, 2),  # linear 24 → 2
        ])

    def forward(self, x):
        x = x.movedim(-1, 1)  # channels first, as PyTorch has them
        x = self.layers[0](x)
        x = self.layers[1](x.flatten(1))
        return x


# pool2d {"take":"average","padding":"valid"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.AdaptiveAvgPool2d(1),  # average pool of the whole image
        ])

    def forward(self, x):
        x = x.movedim(-1, 1)  # channels first, as PyTorch has them
        x = self.layers[0](x).flatten(1)
        return x


# pool2d {"take":"max","size":2,"padding":"valid"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.MaxPool2d(2, 2),  # max pool 2×2/2
            nn.Linear(8, 2),  # linear 8 → 2
        ])

    def forward(self, x):
        x = x.movedim(-1, 1)  # channels first, as PyTorch has them
        x = self.layers[0](x)
        x = self.layers[1](x.flatten(1))
        return x


# pool2d {"take":"max","size":3,"stride":1,"padding":"same"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.MaxPool2d(3, 1, padding=1),  # max pool 3×3
            nn.Linear(9, 2),  # linear 9 → 2
        ])

    def forward(self, x):
        x = x.movedim(-1, 1)  # channels first, as PyTorch has them
        x = self.layers[0](x)
        x = self.layers[1](x.flatten(1))
        return x


# pool2d {"take":"max","padding":"valid"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.AdaptiveMaxPool2d(1),  # max pool of the whole image
            nn.Linear(1, 2),  # linear 1 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x.unsqueeze(1)).flatten(1)
        x = self.layers[1](x)
        return x


# residual {"layers":[{"kind":"linear","units":3,"activation":"tanh","bias":true},{"kind":"dropout","rate":0.5},{"kind":"linear","units":4,"activation":"identity","bias":true}],"activation":"tanh"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.ModuleDict({  # residual (linear 4 → 3, tanh; dropout 0.5; linear 3 → 4), tanh
                "layers": nn.ModuleList([
                    nn.Linear(4, 3),  # linear 4 → 3, tanh
                    nn.Dropout(0.5),  # dropout 0.5
                    nn.Linear(3, 4),  # linear 3 → 4
                ]),
            }),
            nn.Linear(4, 2),  # linear 4 → 2
        ])

    def forward(self, x):
        shortcut = x
        x = torch.tanh(self.layers[0]["layers"][0](x))
        x = self.layers[0]["layers"][1](x)
        x = self.layers[0]["layers"][2](x)
        x = torch.tanh(x + shortcut)
        x = self.layers[1](x)
        return x


# residual {"layers":[{"kind":"conv2d","filters":2,"kernel":3,"stride":1,"padding":"same","dilation":1,"groups":1,"activation":"identity","bias":false},{"kind":"batch_norm","epsilon":0.00001,"momentum":0.9},{"kind":"activation","activation":"silu"},{"kind":"conv2d","filters":2,"kernel":3,"stride":1,"padding":"same","dilation":1,"groups":1,"activation":"identity","bias":false}],"activation":"identity"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.ModuleDict({  # residual (conv 3×3, 2 filters, no bias; batch norm; silu; conv 3×3, 2 filters, no bias)
                "layers": nn.ModuleList([
                    nn.Conv2d(2, 2, 3, padding=1, bias=False),  # conv 3×3, 2 filters, no bias
                    nn.BatchNorm2d(2, eps=1e-5, momentum=0.1),  # batch norm
                    nn.SiLU(),  # silu
                    nn.Conv2d(2, 2, 3, padding=1, bias=False),  # conv 3×3, 2 filters, no bias
                ]),
            }),
            nn.Linear(24, 2),  # linear 24 → 2
        ])

    def forward(self, x):
        x = x.movedim(-1, 1)  # channels first, as PyTorch has them
        shortcut = x
        x = self.layers[0]["layers"][0](x)
        x = self.layers[0]["layers"][1](x)
        x = self.layers[0]["layers"][2](x)
        x = self.layers[0]["layers"][3](x)
        x = x + shortcut
        x = self.layers[1](x.flatten(1))
        return x


# residual {"layers":[{"kind":"conv2d","filters":3,"kernel":3,"stride":2,"padding":"same","dilation":1,"groups":1,"activation":"identity","bias":false},{"kind":"residual","layers":[{"kind":"conv2d","filters":3,"kernel":3,"stride":1,"padding":"same","dilation":1,"groups":1,"activation":"identity","bias":false}],"activation":"identity"}],"shortcut":[{"kind":"conv2d","filters":3,"kernel":3,"stride":2,"padding":"same","dilation":1,"groups":1,"activation":"identity","bias":false}],"activation":"relu"}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.ModuleDict({  # residual (conv 3×3/2, 3 filters, no bias; residual (conv 3×3, 3 filters, no bias)) beside (conv 3×3/2, 3 filters, no bias), relu
                "layers": nn.ModuleList([
                    nn.Conv2d(2, 3, 3, stride=2, bias=False),  # conv 3×3/2, 3 filters, no bias
                    nn.ModuleDict({  # residual (conv 3×3, 3 filters, no bias)
                        "layers": nn.ModuleList([
                            nn.Conv2d(3, 3, 3, padding=1, bias=False),  # conv 3×3, 3 filters, no bias
                        ]),
                    }),
                ]),
                "shortcut": nn.ModuleList([
                    nn.Conv2d(2, 3, 3, stride=2, bias=False),  # conv 3×3/2, 3 filters, no bias
                ]),
            }),
            nn.Linear(12, 2),  # linear 12 → 2
        ])

    def forward(self, x):
        x = x.movedim(-1, 1)  # channels first, as PyTorch has them
        shortcut = x
        x = self.layers[0]["layers"][0](F.pad(x, (1, 1, 0, 1)))
        shortcut2 = x
        x = self.layers[0]["layers"][1]["layers"][0](x)
        x = x + shortcut2
        shortcut = self.layers[0]["shortcut"][0](F.pad(shortcut, (1, 1, 0, 1)))
        x = F.relu(x + shortcut)
        x = self.layers[1](x.flatten(1))
        return x


# log_mel {"sample_rate":800,"window":16,"hop":6,"bands":5,"low":0.0,"offset":0.1}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            LogMel(rate=800, window=16, hop=6, bands=5, low=0, high=400, offset=0.1),  # log-mel, 5 bands, frames of 20 ms every 8 ms
            nn.Linear(25, 2),  # linear 25 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x.flatten(1))
        x = self.layers[1](x.flatten(1))
        return x


# log_mel {"sample_rate":800,"window":16,"hop":6,"bands":5,"low":50.0,"high":300.0,"offset":0.1}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            LogMel(rate=800, window=16, hop=6, bands=5, low=50, high=300, offset=0.1),  # log-mel, 5 bands, frames of 20 ms every 8 ms
            nn.Linear(15, 2),  # linear 15 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x.flatten(1))
        return x


# log_mel {"sample_rate":800,"window":16,"hop":16,"bands":5,"low":0.0,"offset":0.1,"coefficients":3}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            LogMel(rate=800, window=16, hop=16, bands=5, low=0, high=400, offset=0.1, coefficients=3),  # 3 MFCC, 5 bands, frames of 20 ms every 20 ms
            nn.Linear(9, 2),  # linear 9 → 2
        ])

    def forward(self, x):
        x = self.layers[0](x.flatten(1))
        x = self.layers[1](x.flatten(1))
        return x
