"""What the tests of exports share: the thalweg command, tiny models of every kind of layer, tables with every kind of column."""

import csv
import io
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def command():
    """The thalweg command, from $THALWEG or the last debug build."""
    path = Path(os.environ.get("THALWEG", ROOT / "target" / "debug" / "thalweg"))
    if not path.is_file():
        pytest.skip(f"there is no {path}: build it with `cargo build`, or name one in $THALWEG")
    return path


def thalweg(*arguments, status=0):
    """Runs the command, which must end with this status; gives what it prints, or its error."""
    run = subprocess.run([command(), *map(str, arguments)], capture_output=True, text=True)
    assert run.returncode == status, run.stderr
    return run.stderr if status else run.stdout


def train(folder, data, layers=(), *options):
    """A model trained for one epoch, with these hidden layers where there are any."""
    config = folder / "network.toml"
    config.write_text("[network]\nlayer = [" + ",\n".join(map(inline, layers)) + "]\n" if layers else "")
    run = folder / "run"
    thalweg("train", data, "--config", config, "--epochs", 1, "--patience", 0, "-q", "-o", run, *options)
    return run


def inline(value):
    """A value in TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)


def predictions(model, data):
    """The model's own answers, and its probabilities by class, each with all digits."""
    lines = [json.loads(line) for line in thalweg("predict", model, data, "--format", "jsonl").splitlines()]
    answers = [line["prediction"] for line in lines]
    probabilities = [[line[key] for key in line if key.startswith("probability_")] for line in lines]
    return answers, np.array(probabilities)


def predict(model, data):
    """The predictions as texts, and the probabilities, as `thalweg predict` prints them."""
    rows = list(csv.DictReader(io.StringIO(thalweg("predict", model, data))))
    probabilities = [[float(x) for name, x in row.items() if name.startswith("probability_")] for row in rows]
    predictions = [[x for name, x in row.items() if name.startswith("prediction")] for row in rows]
    return predictions, np.array(probabilities)


def numbers(path, columns):
    """Writes columns of numbers as a table, with all digits."""
    rows = zip(*(map(repr, np.asarray(column).tolist()) for column in columns.values()))
    path.write_text("\n".join([",".join(columns), *map(",".join, rows)]) + "\n")
    return path


def far_numbers(folder):
    """A model of two numbers, and rows ten times as far from 0 as those that it was trained on: their file and inputs."""
    x = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    named = lambda x: dict(zip("abc", x.T))
    near = numbers(folder / "near.csv", named(x) | {"y": 500 + 30 * x[:, 0], "z": x[:, 1] - x[:, 2]})
    run = train(folder, near, [], "--target", "y,z", "--normalise", "none")
    return run, numbers(folder / "far.csv", named(10 * x)), 10 * x


def columns(model, data, names, *options):
    """Columns of what `thalweg predict` prints, side by side."""
    lines = thalweg("predict", model, data, "--format", "jsonl", *options).splitlines()
    return np.array([[json.loads(line)[name] for name in names] for line in lines])


def is_sequence(layers):
    """Whether a network is on sequences, whose tokens and masks are taken as they are."""
    return bool(layers) and layers[0]["kind"] == "sequence"


KINDS = ["number", "numbers", "quantiles", "binary", "multiclass"]


def calibrated(folder, kind):
    """A model that knows intervals or sets, and rows: their file and inputs."""
    random = np.random.default_rng(5)
    x = random.normal(size=(500, 3)).astype(np.float32)
    noise = random.normal(size=(2, 500))
    y = 700 + 20 * x[:, 0] + 5 * noise[0]
    targets = {
        "numbers": {"y": y, "z": x[:, 1] * noise[1]},
        "binary": {"y": (y > 700) + 0},
        "multiclass": {"y": (y > 690) + 0 + (y > 710)},
    }
    path = numbers(folder / "rows.csv", dict(zip("abc", x.T)) | targets.get(kind, {"y": y}))
    options = ["--task", "regression" if kind in KINDS[:3] else kind]
    options += ["--quantiles", "0.2,0.5,0.8"] if kind == "quantiles" else []
    run = train(folder, path, [], "--target", "y,z" if kind == "numbers" else "y", "--normalise", "none", *options)
    return run, path, x


def regions(model, data, kind, level):
    """The ends of intervals, or which classes are in sets, as `thalweg predict --intervals` prints them."""
    lines = thalweg("predict", model, data, "--format", "jsonl", "--intervals", level).splitlines()
    rows = [json.loads(line) for line in lines]
    if kind in KINDS[:3]:
        each = [name for name in rows[0] if name.startswith("low")]
        return [np.array([[row[name.replace("low", end)] for name in each] for row in rows]) for end in ("low", "high")]
    classes = [name.removeprefix("probability_") for name in rows[0] if name.startswith("probability_")]
    return np.array([[name in row["set"] for name in classes] for row in rows])


def difference(ours, theirs):
    """The largest difference, of numbers above 1 relative to them."""
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    assert ours.shape == theirs.shape, f"{ours.shape} is not {theirs.shape}"
    return float(np.max(np.abs(ours - theirs) / np.maximum(1, np.abs(ours)), initial=0))


def arrays(folder, shape, rows=1000, seed=0, ends=False):
    """Random examples of a shape with three classes, as an NPZ file; where they end, they are sequences."""
    random = np.random.default_rng(seed)
    x = random.normal(3, 2, (rows, *shape)).astype(np.float32)
    if ends:
        # The last channel, or each number, is that of a sequence of 0 to T steps.
        after = np.arange(shape[0]) >= random.integers(0, shape[0] + 1, (rows, 1))
        last = x[..., -1] if len(shape) > 1 else x
        last[:] = np.where(after, 0, np.maximum(last, 1) if len(shape) > 1 else np.floor(np.abs(last)) + 1)
    path = folder / "examples.npz"
    np.savez(path, x=x, y=np.arange(rows) % 3)
    return path, x


ACTIVATIONS = [
    "identity", "sigmoid", "tanh", "relu", "relu6", "leaky_relu(0.2)", "elu", "elu(2.5)", "selu", "gelu", "gelu_tanh", "silu",
    "silu(1.5)", "mish", "softplus", "softmax",
]


def conv2d(filters, kernel, **options):
    return {"kind": "conv2d", "filters": filters, "kernel": kernel, **options}


def conv1d(filters, kernel, **options):
    return {"kind": "conv1d", "filters": filters, "kernel": kernel, **options}


def pool2d(take, **options):
    return {"kind": "pool2d", "take": take, **options}


def pool1d(take, **options):
    return {"kind": "pool1d", "take": take, **options}


BATCH_NORM, LAYER_NORM = {"kind": "batch_norm"}, {"kind": "layer_norm", "epsilon": 1e-3}
SILU = {"kind": "activation", "activation": "silu"}
LOG_MEL = {"kind": "log_mel", "sample_rate": 800, "window": 32, "hop": 12, "bands": 6, "offset": 0.1}

# Layers on sequences, as below.
SEQUENCES = {
    **{
        f"{kind} {'both ways' if both else 'one way'}, {every}": (
            (5, 2), [{"kind": kind, "units": 3, "bidirectional": both, "return": every}]
        )
        for kind in ("rnn", "gru", "lstm")
        for both in (False, True)
        for every in ("last", "all")
    },
    **{
        f"{kind} in sequences, {every}": (
            (5, 3),
            [{"kind": "sequence", "layers": [{"kind": kind, "units": 3, "bidirectional": True, "return": every}]}],
        )
        for kind in ("rnn", "gru", "lstm")
        for every in ("last", "all")
    },
    "attention": ((5, 4), [{"kind": "positions"}, {"kind": "attention", "heads": 2}]),
    **{f"{take} over time": ((5, 2), [{"kind": "pool_over_time", "take": take}]) for take in ("mean", "max", "attention")},
    **{
        f"{take} over time in sequences": ((5, 3), [{"kind": "sequence", "layers": [{"kind": "pool_over_time", "take": take}]}])
        for take in ("mean", "max", "attention")
    },
    "stacked recurrent layers on tokens": (
        (6,),
        [
            {
                "kind": "sequence",
                "layers": [
                    {"kind": "tokens", "tokens": 6, "dimension": 4},
                    {"kind": "lstm", "units": 3, "return": "all", "bidirectional": True},
                    {"kind": "gru", "units": 2},
                ],
            }
        ],
    ),
    "an encoder of sequences": (
        (6, 5),
        [
            {
                "kind": "sequence",
                "layers": [
                    {"kind": "positions"},
                    {"kind": "residual", "layers": [LAYER_NORM | {"axes": 1}, {"kind": "attention", "heads": 2}]},
                    {"kind": "residual", "layers": [LAYER_NORM | {"axes": 1}, conv1d(4, 3, activation="gelu")]},
                    SILU,
                    {"kind": "pool_over_time", "take": "attention"},
                ],
            }
        ],
    ),
}

# Layers on each frame of clips, as below.
FRAMES = {
    "frames of colour": (
        (12, 5, 3),
        [
            {"kind": "frames", "count": 3, "layers": [conv2d(4, 2), BATCH_NORM, SILU, pool2d("average")]},
            {"kind": "gru", "units": 3},
        ],
    ),
    "frames that stay images": (
        (6, 4, 2),
        [
            conv2d(2, 3),
            {"kind": "frames", "count": 2, "layers": [{"kind": "residual", "layers": [conv2d(2, 3)], "activation": "tanh"}]},
            {"kind": "pool_over_time", "take": "attention"},
        ],
    ),
    "grey frames": ((8, 3), [{"kind": "frames", "count": 4, "layers": [{"kind": "linear", "units": 3}, SILU]}]),
    "rows in parts": ((6,), [{"kind": "frames", "count": 2, "layers": [{"kind": "dropout", "rate": 0.5}]}]),
}

# Name: the shape of an example, and the hidden layers. One pixel, one channel, odd sizes and uneven windows are among them.
NETWORKS = {
    "no hidden layer": ((5,), [{"kind": "dropout", "rate": 0.5}]),
    "one input": ((1,), [{"kind": "linear", "units": 3, "activation": "tanh", "bias": False}]),
    **{f"linear {g}": ((4,), [{"kind": "linear", "units": 3, "activation": g}]) for g in ACTIVATIONS},
    **{f"activation {g}": ((4,), [{"kind": "activation", "activation": g}]) for g in ACTIVATIONS},
    "activation softmax of images": ((2, 3, 2), [{"kind": "activation", "activation": "softmax"}]),
    "activation softmax of grey images": ((2, 3), [{"kind": "activation", "activation": "softmax"}]),
    "activation softmax of sounds": ((7, 2), [conv1d(3, 2), {"kind": "activation", "activation": "softmax"}]),
    "batch norm": ((5,), [{"kind": "linear", "units": 4, "bias": False}, BATCH_NORM, SILU]),
    "batch norm of images": ((4, 3, 2), [conv2d(3, 2), BATCH_NORM]),
    "batch norm of sounds": ((7, 2), [conv1d(3, 2), BATCH_NORM]),
    "layer norm": ((5,), [LAYER_NORM]),
    "layer norm of images": ((4, 3, 2), [LAYER_NORM]),
    "layer norm of grey images": ((4, 3), [LAYER_NORM]),
    "layer norm of sounds": ((7, 2), [conv1d(3, 2), LAYER_NORM]),
    "layer norm of each moment": ((7, 2), [conv1d(3, 2), LAYER_NORM | {"axes": 1}]),
    "layer norm of rows of images": ((4, 3, 2), [conv2d(3, 2), LAYER_NORM | {"axes": 2}]),
    "layer norm of whole images": ((4, 3, 2), [conv2d(3, 2), LAYER_NORM | {"axes": 3}]),
    "linear on images": ((2, 3, 2), [{"kind": "linear", "units": 4}]),
    "conv2d of one pixel": ((1, 1, 1), [conv2d(2, 1, activation="gelu")]),
    "conv2d of grey images": ((5, 3), [conv2d(2, 3, activation="relu")]),
    "conv2d even kernel": ((5, 4, 2), [conv2d(3, 2, activation="tanh")]),
    "conv2d strided": ((7, 6, 2), [conv2d(3, 3, stride=2, bias=False)]),
    "conv2d valid": ((7, 6, 2), [conv2d(3, [3, 1], stride=[1, 2], padding="valid", activation="leaky_relu(0.3)")]),
    "conv2d padded": ((6, 5, 3), [conv2d(4, 3, stride=2, padding=2)]),
    "conv2d dilated": ((7, 6, 2), [conv2d(3, 3, dilation=2)]),
    "conv2d dilated and strided": ((9, 8, 2), [conv2d(3, 3, dilation=2, stride=2, activation="relu")]),
    "conv2d in groups": ((5, 5, 4), [conv2d(6, 3, groups=2, activation="mish")]),
    "conv2d depthwise": ((5, 5, 3), [conv2d(3, 3, groups=3)]),
    "conv2d softmax": ((3, 3, 2), [conv2d(2, 2, activation="softmax")]),
    "conv1d": ((9, 2), [conv1d(3, 3, activation="selu")]),
    "conv1d of one channel": ((8,), [conv1d(3, 4, stride=3)]),
    "conv1d dilated in groups": ((9, 4), [conv1d(4, 3, dilation=2, groups=2, padding="valid")]),
    "conv1d of spectra": ((60, 1), [LOG_MEL, conv1d(4, 3, activation="relu")]),
    "conv2d after conv1d": ((9, 2), [conv1d(3, 3), conv2d(2, 2)]),
    "max pool": ((6, 5, 2), [conv2d(3, 3), pool2d("max", size=2)]),
    "max pool same": ((6, 5, 2), [pool2d("max", size=3, stride=2, padding="same")]),
    "max pool padded": ((6, 5, 2), [pool2d("max", size=3, stride=2, padding=1)]),
    "max pool uneven": ((6, 5, 2), [pool2d("max", size=3, stride=2, padding=[[1, 0], [0, 1]])]),
    "average pool of the image alone": ((6, 5, 2), [pool2d("average_within", size=3, stride=2, padding="same")]),
    "average pool of the image alone, padded": ((6, 5, 2), [pool2d("average_within", size=[3, 2], stride=1, padding=1)]),
    "average pool of the image alone, uneven": (
        (6, 5, 2), [pool2d("average_within", size=3, stride=2, padding=[[0, 2], [1, 0]])]
    ),
    "average pool uneven": ((6, 5, 2), [pool2d("average", size=3, stride=2, padding=[[0, 2], [1, 0]])]),
    "conv2d uneven": ((6, 5, 2), [conv2d(3, 3, padding=[[2, 0], [0, 1]], activation="gelu_tanh")]),
    "causal conv1d": ((9, 2), [conv1d(3, 3, padding=[[0, 0], [2, 0]]), conv1d(2, 2, activation="silu(1.5)")]),
    "average of the past": ((9, 2), [pool1d("average_within", size=3, stride=1, padding=[[0, 0], [2, 0]])]),
    "activations with numbers, of images": (
        (4, 3, 2), [conv2d(3, 2, activation="elu(2.5)"), {"kind": "activation", "activation": "silu(1.5)"}]
    ),
    "max pool of all": ((6, 5, 2), [pool2d("max")]),
    "average pool same": ((6, 5, 2), [pool2d("average", size=3, stride=2, padding="same")]),
    "average pool padded": ((6, 5, 2), [pool2d("average", size=[3, 2], padding=[1, 0])]),
    "average pool of all": ((6, 5, 2), [pool2d("average")]),
    "pools in time": ((12, 2), [conv1d(3, 3), pool1d("max", size=3, stride=2, padding=1), pool1d("average", size=2)]),
    "pool of all time": ((12, 2), [conv1d(3, 3), pool1d("average")]),
    "maximum of all time": ((12, 2), [pool1d("max")]),
    "log-mel": ((80, 1), [LOG_MEL, conv2d(2, 3, activation="relu")]),
    "MFCC": ((77,), [LOG_MEL | {"coefficients": 4, "low": 50.0, "high": 300.0}]),
    "residual": ((4,), [{"kind": "residual", "activation": "tanh", "layers": [{"kind": "linear", "units": 4, "activation": "relu"}]}]),
    "ensemble": (
        (4,),
        [
            {
                "kind": "ensemble",
                "members": [
                    [{"kind": "linear", "units": 5, "activation": "tanh"}, {"kind": "linear", "units": 3}],
                    [{"kind": "linear", "units": 6, "activation": "relu"}, {"kind": "linear", "units": 3}],
                ],
            },
            {"kind": "average", "members": 2, "of": "softmax"},
        ],
    ),
    **{
        f"weighted ensemble of {of}": (
            (4,),
            [
                {"kind": "ensemble", "members": [[{"kind": "linear", "units": 3 + k % 2}, {"kind": "linear", "units": 3}] for k in range(4)]},
                {"kind": "average", "members": 4, "of": of, "weights": [0.75, 0.25]},
            ],
        )
        for of in ("softmax", "sigmoid", "identity")
    },
    "piecewise linear": (
        (4,),
        [
            {
                "kind": "piecewise_linear",
                "dimension": 3,
                "columns": [
                    {"input": 2, "edges": [-1.2, -0.3, 0.1, 0.8, 1.9]},
                    {"input": 0, "edges": [-0.5, 0.5]},
                ],
            },
            {"kind": "linear", "units": 5, "activation": "tanh"},
        ],
    ),
    "periodic": (
        (4,),
        [
            {"kind": "periodic", "dimension": 3, "frequencies": 5, "sigma": 0.7, "inputs": [2, 0]},
            {"kind": "linear", "units": 5, "activation": "tanh"},
        ],
    ),
    "NTK parametrization": (
        (5, 4, 3),
        [
            conv2d(4, 3),
            {"kind": "linear", "units": 5, "activation": "silu", "parametrization": "ntk"},
            {"kind": "linear", "units": 4, "bias": False, "parametrization": "ntk"},
        ],
    ),
    "residual of images": (
        (5, 4, 3),
        [
            conv2d(4, 3),
            {"kind": "residual", "layers": [conv2d(4, 3, bias=False), BATCH_NORM, SILU, conv2d(4, 3)], "activation": "relu"},
            {"kind": "residual", "layers": [conv2d(6, 3, stride=2), conv2d(6, 3)], "shortcut": [conv2d(6, 1, stride=2), BATCH_NORM]},
            pool2d("average"),
        ],
    ),
    "residual of sounds": ((8, 2), [{"kind": "residual", "layers": [conv1d(2, 3)]}, conv1d(2, 2)]),
    **SEQUENCES,
    **FRAMES,
    "residual within": (
        (6,),
        [
            {
                "kind": "residual",
                "layers": [{"kind": "residual", "layers": [{"kind": "linear", "units": 6, "activation": "elu"}]}],
                "shortcut": [{"kind": "linear", "units": 6}, {"kind": "linear", "units": 6}, {"kind": "linear", "units": 6}],
            }
        ],
    ),
}


def table(folder, rows=1000, seed=0):
    """A table with every kind of column, missing cells among them, as CSV; rows after the first 800 have unseen categories."""
    random = np.random.default_rng(seed)
    names, many = ["red", "green", "blue, \"dark\"", "été"], [f"town {i}" for i in range(40)]
    columns = {
        "size": [f"{x:.4f}" for x in random.normal(1000, 250, rows)],
        "income": [f"{x:.2f}" for x in np.exp(random.normal(3, 3, rows))],
        "count": [str(n) for n in random.poisson(3, rows)],
        "smoker": [["yes", "no"][n] for n in random.integers(0, 2, rows)],
        "colour": [names[n] for n in random.integers(0, 4, rows)],
        "town": [many[n] for n in random.integers(0, 40, rows)],
        "since": [str(np.datetime64("2001-03-04T05:06:07") + np.timedelta64(int(n), "s")) for n in random.integers(0, 10**9, rows)],
        "day": [f"{n % 28 + 1:02}.{n % 12 + 1:02}.{1990 + n % 30}" for n in random.integers(0, 10**6, rows)],
    }
    for name, cells in columns.items():
        for row in random.choice(rows, rows // 20, replace=False):
            cells[row] = random.choice(["", "NA", " ? "])
    for row in range(rows * 4 // 5, rows, 7):
        columns["colour"][row], columns["town"][row] = "purple", "nowhere"
    quoted = {name: ['"' + cell.replace('"', '""') + '"' for cell in cells] for name, cells in columns.items()}
    path = folder / "table.csv"
    return path, columns, quoted


def write_table(path, quoted, target):
    """The table as CSV, with a column of answers."""
    lines = [",".join([*quoted, "answer"])]
    lines += [",".join(row) for row in zip(*quoted.values(), target)]
    path.write_text("\n".join(lines) + "\n")
