"""What `thalweg export` writes, in ONNX Runtime: the graph answers raw rows as `thalweg predict` does.

Needs numpy, onnx, onnxruntime and pytest, and the binary: $THALWEG, or target/debug/thalweg.
"""

import csv
import io
import json

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from exported import FRAMES, KINDS, SEQUENCES, arrays, calibrated, columns, far_numbers, inline, is_sequence, predict, regions, thalweg

TOLERANCE = 1e-5


def train(folder, data, *flags, layers=None, epochs=2):
    """A model, trained a little: parity does not need a good one."""
    arguments = ["train", data, "-o", folder / "run", "--epochs", epochs, "--patience", 0, "-q", *flags]
    if layers is not None:
        config = folder / "config.toml"
        config.write_text("[network]\nlayer = [" + ", ".join(layers) + "]\n")
        arguments += ["--config", config]
    thalweg(*arguments)
    return folder / "run" / "model.safetensors"


def export(model, *flags):
    path = model.with_suffix(".onnx")
    told = json.loads(thalweg("export", model, "-o", path, "--json", *flags))
    assert told["format"] == "onnx"
    assert told["proof"]["largest_difference"] <= TOLERANCE
    checked = onnx.load(path)
    onnx.checker.check_model(checked, full_check=True)
    return path, checked


def by_name(x):
    """The columns a, b and c as a graph takes them."""
    return {name: column[:, None] for name, column in zip("abc", x.T)}


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def assert_same(model, runs, data, inputs, scale=1.0, none=True):
    """The graph's answers are those of `predict`, for all rows at once, one by one and for none."""
    predictions, probabilities = predict(model, data)
    names = [output.name for output in runs.get_outputs()]
    answers = dict(zip(names, runs.run(None, inputs)))
    if "probabilities" in answers:
        theirs = answers["probabilities"]
        np.testing.assert_allclose(theirs, probabilities, rtol=0, atol=TOLERANCE)
        margin = np.sort(probabilities, axis=1)
        sure = margin[:, -1] - (margin[:, -2] if margin.shape[1] > 1 else 0) > 2 * TOLERANCE
        labels = answers["label"]
        if labels.ndim == 1:
            assert [str(label) for label, s in zip(labels, sure) if s] == [p[0] for p, s in zip(predictions, sure) if s]
        else:
            assert ((probabilities >= 0.5) == (labels == 1))[np.abs(probabilities - 0.5) > TOLERANCE].all()
    else:
        ours = np.array([[float(x) for x in row] for row in predictions])
        np.testing.assert_allclose(answers["prediction"], ours, rtol=TOLERANCE, atol=TOLERANCE * scale)
    for rows in (slice(0, 0), slice(0, 1), slice(7, 8))[not none :]:
        few = dict(zip(names, runs.run(None, {name: x[rows] for name, x in inputs.items()})))
        for name in names:
            if answers[name].dtype.kind == "f":
                np.testing.assert_allclose(few[name], answers[name][rows], rtol=TOLERANCE, atol=TOLERANCE * scale)
            else:
                assert few[name].shape == answers[name][rows].shape
    return answers


# Tables: every kind of column, with missing cells and categories that training has not seen.

ROWS = 1000


def table(seed, unseen):
    """Columns by name: texts, an empty one where the cell is missing."""
    draw = np.random.default_rng(seed)
    few = ["red", "green", "blue", "3", "o'clock"] + (["mauve"] if unseen else [])
    many = [f"town {i}" for i in range(90 if unseen else 70)]
    seconds = draw.integers(0, 2_000_000_000, ROWS)
    columns = {
        "small": [f"{x:.4f}" for x in draw.normal(2, 3, ROWS)],
        "year": [str(x) for x in draw.integers(1950, 2025, ROWS)],
        "precise": [f"{1e6 + x:.6f}" for x in draw.normal(0, 1, ROWS)],
        "tailed": [f"{x:.3f}" for x in draw.standard_cauchy(ROWS) * 50],
        "constant": ["7.5"] * ROWS,
        "colour": list(draw.choice(few, ROWS)),
        "town": list(draw.choice(many, ROWS)),
        "member": list(draw.choice(["yes", "no", "Yes"] if unseen else ["yes", "no"], ROWS)),
        "flag": list(draw.choice(["0", "1"], ROWS)),
        "day": [str(np.datetime64(int(s), "s").astype("datetime64[D]")) for s in seconds],
        "moment": [str(np.datetime64(int(s), "s")) for s in seconds],
    }
    for name in ("small", "year", "colour", "town", "member", "day", "moment"):
        for row in draw.choice(ROWS, 60, replace=False):
            columns[name][row] = ""
    return columns


def write(path, columns):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values()))
    return path


def as_inputs(runs, columns):
    """Columns as the graph takes them; dates are seconds since 1970."""
    inputs = {}
    for wanted in runs.get_inputs():
        cells = columns[wanted.name]
        if wanted.type == "tensor(string)":
            values = np.array(cells, dtype=object)
        elif wanted.name in ("day", "moment"):
            seconds = [np.datetime64(cell, "s").astype("int64") if cell else np.nan for cell in cells]
            values = np.array(seconds, dtype=np.float64)
        else:
            kind = {"tensor(float)": np.float32, "tensor(double)": np.float64}[wanted.type]
            values = np.array([float(cell) if cell else np.nan for cell in cells]).astype(kind)
        inputs[wanted.name] = values.reshape(-1, 1)
    return inputs


@pytest.mark.parametrize("task, threshold", [("binary", 0.7), ("binary", 0.0), ("multilabel", 0.35)])
def test_labels_follow_the_models_thresholds(task, threshold, tmp_path):
    x = np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32)
    cells = np.random.default_rng(1).choice(["yes", "no"] if task == "binary" else ["a;b", "b", ""], 400)
    path = write(tmp_path / "t.csv", {"p": x[:, 0], "q": x[:, 1], "answer": cells})
    run = tmp_path / "run"
    thalweg("train", path, "--task", task, "--missing", "none", "--epochs", 2, "-q", "-o", run, "--threshold", threshold)
    thalweg("export", run, "-o", tmp_path / "m.onnx")
    runs = session(tmp_path / "m.onnx")
    answers = dict(zip(["probabilities", "label"], runs.run(["probabilities", "label"], as_inputs(runs, {"p": x[:, 0], "q": x[:, 1]}))))
    chosen = answers["probabilities"] >= np.float32(threshold)
    if task == "binary":
        assert (answers["label"] == np.where(chosen[:, 1], "yes", "no")).all()
        assert [p[0] for p in predict(run, path)[0]] == answers["label"].tolist()
    else:
        assert (answers["label"] == chosen).all()


def test_quantiles_are_in_order(tmp_path):
    x = np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32)
    path = write(tmp_path / "t.csv", {"p": x[:, 0], "q": x[:, 1], "answer": 5 + 3 * x[:, 0]})
    run = tmp_path / "run"
    thalweg("train", path, "--epochs", 1, "-q", "-o", run, "--quantiles", "0.4,0.5,0.6")
    thalweg("export", run, "-o", tmp_path / "m.onnx")
    runs = session(tmp_path / "m.onnx")
    (theirs,) = runs.run(["prediction"], as_inputs(runs, {"p": x[:, 0], "q": x[:, 1]}))
    rows = csv.DictReader(io.StringIO(thalweg("predict", run, path)))
    ours = np.array([[float(row[f"quantile_{tau}"]) for tau in (0.4, 0.5, 0.6)] for row in rows])
    np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-5)
    assert (np.diff(theirs, axis=1) >= 0).all()


ANSWERS = {
    "binary": (["yes", "no"], []),
    "texts": (["low", "middle", "high"], []),
    "numbers": (["2", "10", "-7"], ["--task", "multiclass"]),
    "regression": (None, []),
}
TABLE_FLAGS = {
    "plain": [],
    "bins": ["--bins", "6"],
    "min_max": ["--normalise", "min_max", "--rare-below", "40"],
    "robust": ["--normalise", "robust", "--one-hot-up-to", "0"],
    "none": ["--normalise", "none", "--impute", "mean", "--one-hot-up-to", "1000"],
    "batch_norm": ["--batch-norm", "--layers", "12,8", "--dropout", "0.3"],
    "no_hidden_layer": ["--layers", "none"],
}


@pytest.mark.parametrize("level", [0.5, 0.9])
@pytest.mark.parametrize("kind", KINDS)
def test_intervals_and_sets(kind, level, tmp_path):
    run, path, x = calibrated(tmp_path, kind)
    ours = regions(run, path, kind, level)
    path, graph = export(run / "model.safetensors", "--intervals", level)
    runs = session(path)
    names = [output.name for output in runs.get_outputs()]
    answers = dict(zip(names, runs.run(None, by_name(x))))
    if kind in KINDS[:3]:
        assert names == ["prediction", "low", "high"]
        np.testing.assert_allclose([answers["low"], answers["high"]], ours, rtol=TOLERANCE, atol=TOLERANCE)
        assert answers["low"].dtype == answers["prediction"].dtype
    else:
        assert names == ["probabilities", "label", "set"]
        # A class may be as likely as the least likely of a set.
        assert (answers["set"] == ours).mean() > 0.998


def test_levels_of_too_few_rows_are_refused(tmp_path):
    run, _, _ = calibrated(tmp_path, "number")
    for file in ("net.onnx", "net.py", "net.keras"):
        assert "dev rows" in thalweg("export", run, "-o", tmp_path / file, "--intervals", 0.999, status=2)
        assert not (tmp_path / file).exists()


def test_numbers_are_clipped_to_the_training_rows(tmp_path):
    run, path, x = far_numbers(tmp_path)
    ours = columns(run, path, ["prediction_y", "prediction_z"])
    low, high = ours.min(axis=0), ours.max(axis=0)
    assert ((ours == low) | (ours == high)).mean() > 0.2
    path, _ = export(run / "model.safetensors")
    (theirs,) = session(path).run(None, by_name(x))
    np.testing.assert_allclose(theirs, ours, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("flags", TABLE_FLAGS)
@pytest.mark.parametrize("answers", ANSWERS)
def test_tables(tmp_path, answers, flags):
    choices, more = ANSWERS[answers]
    columns = table(1, unseen=False)
    draw = np.random.default_rng(2)
    if choices is None:
        columns["answer"] = [f"{1000 + 5 * x:.3f}" for x in draw.normal(size=ROWS)]
    else:
        columns["answer"] = list(draw.choice(choices, ROWS))
    data = write(tmp_path / "train.csv", columns)
    model = train(tmp_path, data, "--target", "answer", *more, *TABLE_FLAGS[flags])
    path, graph = export(model)
    assert {entry.key for entry in graph.metadata_props} >= {"thalweg.version", "thalweg.classes", "thalweg.hashes"}
    runs = session(path)
    columns = table(3, unseen=True)
    new = write(tmp_path / "new.csv", columns)
    inputs = as_inputs(runs, columns)
    assert set(inputs) == set(columns) - {"constant"}
    answers = assert_same(model, runs, new, inputs, scale=5.0)
    if choices is not None:
        assert (answers["label"].dtype.kind == "i") == (choices[0] == "2")


def test_spellings_of_missing_cells_and_of_numbers(tmp_path):
    columns = {"kind": ["1", "2", "", "1"] * 100, "member": ["yes", "no", "", "no"] * 100, "y": ["a", "b"] * 200}
    data = write(tmp_path / "train.csv", columns)
    model = train(tmp_path, data, "--target", "y", "--kinds", "kind=categorical")
    path, _ = export(model)
    runs = session(path)
    columns = {"kind": ["NA", "1.0", "n/a", "?", "2", "None"], "member": ["TRUE", "False", "N", "NaN", "1", "0"]}
    new = write(tmp_path / "new.csv", columns)
    _, ours = predict(model, new)
    theirs = runs.run(["probabilities"], {name: np.array(x, dtype=object).reshape(-1, 1) for name, x in columns.items()})
    np.testing.assert_allclose(theirs[0], ours, rtol=0, atol=TOLERANCE)


def test_labels_at_once(tmp_path):
    draw = np.random.default_rng(4)
    columns = {"x": [f"{x:.3f}" for x in draw.normal(size=ROWS)], "z": [f"{x:.3f}" for x in draw.normal(size=ROWS)]}
    labels = {"a": draw.integers(0, 2, ROWS), "b": draw.integers(0, 2, ROWS), "c": draw.integers(0, 2, ROWS)}
    data = write(tmp_path / "train.csv", columns | labels)
    model = train(tmp_path, data, "--target", "a,b,c", "--task", "multilabel")
    path, _ = export(model)
    runs = session(path)
    new = write(tmp_path / "new.csv", columns)
    assert_same(model, runs, new, as_inputs(runs, columns))


def test_several_numbers(tmp_path):
    draw = np.random.default_rng(5)
    columns = {"x": [f"{x:.3f}" for x in draw.normal(size=ROWS)], "z": [f"{x:.3f}" for x in draw.normal(size=ROWS)]}
    # The third's units are small beside its size: it is predicted in 64 bits.
    targets = {"a": draw.normal(3, 2, ROWS), "b": draw.normal(0, 1e-3, ROWS), "c": draw.normal(1e6, 1, ROWS)}
    data = write(tmp_path / "train.csv", columns | targets)
    model = train(tmp_path, data, "--target", "a,b,c")
    path, _ = export(model)
    runs = session(path)
    assert runs.get_outputs()[0].type == "tensor(double)"
    new = write(tmp_path / "new.csv", columns)
    assert_same(model, runs, new, as_inputs(runs, columns))


# Arrays: every kind of layer on shapes at the edges.

ACTIVATIONS = [
    "identity", "sigmoid", "tanh", "relu", "relu6", "leaky_relu", "leaky_relu(0.2)", "elu", "elu(2.5)", "selu", "gelu", "gelu_tanh",
    "silu", "silu(1.5)", "mish", "softplus", "softmax",
]


def layer(kind, **options):
    def text(value):
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, list):
            return "[" + ", ".join(text(each) for each in value) + "]"
        return value if isinstance(value, str) and value.startswith("{") else json.dumps(value)

    return "{" + ", ".join(f"{key} = {text(value)}" for key, value in {"kind": kind, **options}.items()) + "}"


def conv(filters=4, kernel=3, **options):
    return layer("conv2d", filters=filters, kernel=kernel, **options)


def conv1d(filters=4, kernel=3, **options):
    return layer("conv1d", filters=filters, kernel=kernel, **options)


def pool(kind, take, size=None, **options):
    return layer(kind, take=take, **({} if size is None else {"size": size}), **options)


IMAGE, GREY, SERIES, SOUND, ROW = [7, 6, 3], [9, 8], [11, 3], [400, 1], [5]
NETWORKS = {
    **{f"linear {g}": (ROW, [layer("linear", units=6, activation=g)]) for g in ACTIVATIONS},
    **{f"activation {g}": (IMAGE, [conv(), layer("activation", activation=g)]) for g in ACTIVATIONS},
    "linear without bias": (ROW, [layer("linear", units=6, bias=False)]),
    "linear on an image": (IMAGE, [layer("linear", units=6)]),
    "one unit": (ROW, [layer("linear", units=1)]),
    "batch norm": (ROW, [layer("linear", units=6), layer("batch_norm", epsilon=1e-3)]),
    "batch norm of images": (IMAGE, [conv(), layer("batch_norm"), layer("activation", activation="relu")]),
    "batch norm first": (IMAGE, [layer("batch_norm")]),
    "batch norm of series": (SERIES, [conv1d(), layer("batch_norm")]),
    "batch norm of a grey image": (GREY, [layer("batch_norm")]),
    "layer norm": (ROW, [layer("linear", units=6), layer("layer_norm", epsilon=1e-3)]),
    "layer norm of images": (IMAGE, [conv(), layer("layer_norm"), conv()]),
    "layer norm of series": (SERIES, [conv1d(), layer("layer_norm"), conv1d()]),
    "layer norm of each moment": (SERIES, [conv1d(), layer("layer_norm", axes=1), conv1d()]),
    "layer norm of rows of images": (IMAGE, [conv(), layer("layer_norm", axes=2), conv()]),
    "layer norm of whole images": (IMAGE, [conv(), layer("layer_norm", axes=3)]),
    "dropout": (ROW, [layer("dropout", rate=0.5), layer("linear", units=4)]),
    "conv": (IMAGE, [conv()]),
    "conv of a grey image": (GREY, [conv(activation="relu"), conv(2, 2)]),
    "conv of one pixel": ([1, 1, 3], [conv()]),
    "conv of a column": ([8, 1, 2], [conv(3, [3, 1])]),
    "conv of one filter": (IMAGE, [conv(1), conv(1)]),
    "conv valid": (IMAGE, [conv(padding="valid")]),
    "conv strided": (IMAGE, [conv(stride=2), conv(3, 2, stride=2)]),
    "conv oblong": (IMAGE, [conv(4, [3, 2], stride=[2, 1], padding=[1, 0])]),
    "conv even window": (IMAGE, [conv(4, 4)]),
    "conv dilated": (IMAGE, [conv(4, 3, dilation=2)]),
    "conv grouped": (IMAGE, [conv(4, 1), conv(6, 3, groups=2, activation="gelu")]),
    "conv depthwise": (IMAGE, [conv(3, 3, groups=3, bias=False)]),
    "conv softmax": (IMAGE, [conv(activation="softmax")]),
    "conv1d": (SERIES, [conv1d(activation="tanh")]),
    "conv1d of one row": (ROW, [conv1d()]),
    "conv1d strided": (SERIES, [conv1d(4, 4, stride=3, padding="valid", bias=False)]),
    "conv1d dilated": (SERIES, [conv1d(4, 3, dilation=3, padding=3)]),
    "conv1d grouped": (SERIES, [conv1d(6, 2, groups=3)]),
    **{f"{take} pool": (IMAGE, [conv(), pool("pool2d", take, 2)]) for take in ("max", "average")},
    **{
        f"{take} pool overlapping": (IMAGE, [pool("pool2d", take, 3, stride=1, padding="same"), conv()])
        for take in ("max", "average")
    },
    **{f"{take} pool padded": (IMAGE, [pool("pool2d", take, 3, stride=2, padding=1)]) for take in ("max", "average")},
    **{
        f"{take} pool uneven": (IMAGE, [pool("pool2d", take, [3, 4], stride=2, padding=[[0, 2], [3, 1]]), conv()])
        for take in ("max", "average", "average_within")
    },
    "pool of the image alone": (IMAGE, [pool("pool2d", "average_within", 3, stride=2, padding="same")]),
    "pool of the past": (SERIES, [pool("pool1d", "average_within", 3, stride=1, padding=[[0, 0], [2, 0]])]),
    "conv uneven": (IMAGE, [conv(padding=[[2, 0], [0, 1]])]),
    "causal conv1d": (SERIES, [conv1d(4, 2, dilation=2, padding=[[0, 0], [2, 0]])]),
    **{f"{take} pool of all": (IMAGE, [conv(), pool("pool2d", take)]) for take in ("max", "average")},
    "pool of a grey image": (GREY, [pool("pool2d", "max", [2, 3])]),
    **{f"{take} pool1d": (SERIES, [conv1d(), pool("pool1d", take, 2)]) for take in ("max", "average")},
    **{f"{take} pool1d same": (SERIES, [pool("pool1d", take, 3, stride=2, padding="same")]) for take in ("max", "average")},
    **{f"{take} pool1d of all": (SERIES, [conv1d(), pool("pool1d", take)]) for take in ("max", "average")},
    "residual": (ROW, [layer("linear", units=5), layer("residual", layers=[layer("linear", units=5)], activation="relu")]),
    "residual of images": (
        IMAGE,
        [conv(), layer("residual", layers=[conv(), layer("batch_norm"), layer("activation", activation="silu"), conv()])],
    ),
    "residual with a shortcut": (
        IMAGE,
        [layer("residual", layers=[conv(4, 3, stride=2)], shortcut=[conv(4, 1, stride=2)], activation="relu"), conv()],
    ),
    "residual in a residual": (
        IMAGE,
        [layer("residual", layers=[conv(3), layer("residual", layers=[conv(3), layer("dropout", rate=0.2)])])],
    ),
    "residual beside nothing": (IMAGE, [layer("residual", layers=[layer("layer_norm")])]),
    "log mel": (
        SOUND,
        [layer("log_mel", sample_rate=800, window=32, hop=10, bands=8, offset=1e-3), conv(), pool("pool2d", "average")],
    ),
    "log mel in time": (SOUND, [layer("log_mel", sample_rate=800, window=32, hop=10, bands=8, offset=1e-3), conv1d()]),
    "coefficients": (
        SOUND,
        [layer("log_mel", sample_rate=800, window=50, hop=25, bands=8, offset=1e-3, coefficients=5, low=20.0, high=300.0)],
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(tmp_path, name):
    shape, layers = NETWORKS[name]
    draw = np.random.default_rng(6)
    x = draw.normal(3, 2, (ROWS, *shape)).astype(np.float32)
    y = draw.integers(0, 3, ROWS)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    model = train(tmp_path, tmp_path / "data.npz", layers=layers, epochs=1)
    path, graph = export(model)
    nodes = [node.name for node in graph.graph.node]
    assert len(set(nodes)) == len(nodes) and all(nodes)
    new = draw.normal(3, 2, (ROWS, *shape)).astype(np.float32)
    np.savez(tmp_path / "new.npz", x=new, y=y)
    assert_same(model, session(path), tmp_path / "new.npz", {"input": new})


@pytest.mark.parametrize("name", SEQUENCES | FRAMES)
def test_sequences(tmp_path, name):
    shape, layers = (SEQUENCES | FRAMES)[name]
    data, x = arrays(tmp_path, shape, rows=ROWS, ends=is_sequence(layers))
    model = train(tmp_path, data, layers=list(map(inline, layers)), epochs=1)
    # ONNX Runtime's GRU and LSTM end the process where there are no rows.
    recurrent = any(kind in str(layers) for kind in ("rnn", "gru", "lstm"))
    assert_same(model, session(export(model)[0]), data, {"input": x}, none=not recurrent)


def test_the_same_model_gives_the_same_bytes(tmp_path):
    model = train(tmp_path, "sample:iris")
    once = export(model)[0].read_bytes()
    assert export(model)[0].read_bytes() == once


def test_an_unknown_format_is_refused(tmp_path):
    model = train(tmp_path, "sample:iris")
    assert "did you mean \"onnx\"" in thalweg("export", model, "-o", tmp_path / "a.bin", "--to", "onxx", status=2)
    assert "--to" in thalweg("export", model, "-o", tmp_path / "a.bin", status=2)


@pytest.mark.parametrize("precision, smaller, loss", [("f16", 1.7, 0.002), ("int8", 2.2, 0.02)])
@pytest.mark.parametrize("network", ["rows", "images"])
def test_fewer_bits(tmp_path, network, precision, smaller, loss):
    draw = np.random.default_rng(8)
    middles = draw.normal(0, 1, (3, 6, 6, 2))
    y = draw.integers(0, 3, ROWS)
    x = (middles[y] + draw.normal(0, 1.5, (ROWS, 6, 6, 2))).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    wide = [layer("linear", units=256, activation="relu")]
    layers = wide if network == "rows" else [conv(24), layer("batch_norm"), conv(24, activation="relu")]
    model = train(tmp_path, tmp_path / "data.npz", layers=layers, epochs=3)
    whole, _ = export(model)
    path = tmp_path / "few.onnx"
    flags = ["--precision", precision, "--calibrate", tmp_path / "data.npz", "--json"]
    told = json.loads(thalweg("export", model, "-o", path, *flags))
    onnx.checker.check_model(onnx.load(path), full_check=True)
    assert whole.stat().st_size > smaller * path.stat().st_size
    measured = told["loss"]
    assert measured["rows"] == ROWS and measured["largest_difference"] > 0
    before, after = (measured[part]["accuracy"]["value"] for part in ("before", "after"))
    assert before > 0.6 and after > before - loss
    # What is told is what ONNX Runtime finds; it may round a number in the middle the other way.
    runs = session(path)
    labels, probabilities = (runs.run([name], {"input": x})[0] for name in ("label", "probabilities"))
    assert abs((labels == y).mean() - after) < 0.005
    chosen = -np.log(np.maximum(probabilities[np.arange(ROWS), y], 1e-12)).mean()
    np.testing.assert_allclose(chosen, measured["after"]["log_loss"]["value"], rtol=0.02)


def test_eight_bits_need_data_and_other_formats_have_no_fewer_bits(tmp_path):
    model = train(tmp_path, "sample:iris")
    assert "--calibrate" in thalweg("export", model, "-o", tmp_path / "a.onnx", "--precision", "int8", status=2)
    assert "32 bits" in thalweg("export", model, "-o", tmp_path / "a.py", "--precision", "f16", status=2)


@pytest.mark.parametrize("precision", ["f16", "int8"])
def test_an_ensemble_of_a_table_with_fewer_bits(precision, tmp_path):
    """Networks of bins, as tables get them by default."""
    draw = np.random.default_rng(3)
    numbers = draw.normal(size=(1800, 4)).round(5)
    y = 50 * numbers[:, 0] + 20 * np.abs(numbers[:, 1]) + draw.normal(size=1800)
    names = ["a", "b", "c", "d"]
    data = write(tmp_path / "t.csv", {**dict(zip(names, numbers.T.tolist())), "y": y.tolist()})
    model = train(tmp_path, data, epochs=3)
    flags = ["--precision", precision, "--calibrate", data, "--intervals", 0.9, "--json"]
    told = json.loads(thalweg("export", model, "-o", tmp_path / "few.onnx", *flags))
    graph = onnx.load(tmp_path / "few.onnx")
    onnx.checker.check_model(graph, full_check=True)
    few = onnx.TensorProto.FLOAT16 if precision == "f16" else onnx.TensorProto.INT8
    assert sum(constant.data_type == few and len(constant.dims) > 1 for constant in graph.graph.initializer) >= 10
    before, after = (told["loss"][part]["rmse"]["value"] for part in ("before", "after"))
    assert before < 20 and after < before * (1.001 if precision == "f16" else 1.05)
    # What is told is what ONNX Runtime finds.
    runs = session(tmp_path / "few.onnx")
    inputs = {name: column[:, None].astype(np.float32) for name, column in zip(names, numbers.T)}
    prediction, low, high = runs.run(["prediction", "low", "high"], inputs)
    np.testing.assert_allclose(np.sqrt(np.mean((prediction[:, 0] - y) ** 2)), after, rtol=0.02)
    assert (low < prediction).all() and (prediction < high).all()
