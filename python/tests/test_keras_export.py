"""Keras loads what `thalweg export … -o net.keras` writes in safe mode, and answers as the model does."""

import io
import json
import os
import zipfile

os.environ.setdefault("KERAS_BACKEND", "numpy")

import numpy as np
import pytest
from exported import KINDS, NETWORKS, arrays, calibrated, columns, difference, far_numbers, is_sequence, regions, predictions, table, thalweg, train, write_table

keras = pytest.importorskip("keras", reason="Keras is not installed: its exports are not run")

# Keras computes convolutions on its NumPy backend through JAX.
WINDOWS = ("conv", "pool", "log-mel", "MFCC", "of images", "of sounds", "of all time", "in time")


def exported(folder, run, *options):
    path = folder / "net.keras"
    thalweg("export", run, "-o", path, *options)
    return keras.saving.load_model(path, safe_mode=True)


def given(net, x):
    return keras.ops.convert_to_numpy(net(x))


def needs_jax(name):
    if keras.backend.backend() == "numpy" and any(word in name for word in WINDOWS):
        pytest.importorskip("jax", reason="Keras has no convolutions on NumPy without JAX")


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_gives_our_outputs(name, tmp_path):
    needs_jax(name)
    shape, layers = NETWORKS[name]
    data, x = arrays(tmp_path, shape, ends=is_sequence(layers))
    # Rows of numbers are scaled outside.
    options = ["--normalise", "none"] if len(shape) == 1 else []
    run = train(tmp_path, data, layers, *options)
    net = exported(tmp_path, run)
    _, ours = predictions(run, data)
    # On NumPy, Keras takes the variance for E[x²] − E[x]², which loses digits.
    tolerance = 1e-4 if "layer norm" in name and keras.backend.backend() == "numpy" else 1e-5
    assert difference(ours, given(net, x)) < tolerance
    assert difference(ours[:1], given(net, x[:1])) < tolerance
    # Keras' maxima on PyTorch, and its windows on TensorFlow, refuse a batch of no rows.
    if keras.backend.backend() in ("numpy", "jax"):
        assert given(net, x[:0]).shape == (0, 3)


def test_quantiles_are_in_order(tmp_path):
    x = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    np.savez(tmp_path / "numbers.npz", x=x, y=(5 + 3 * x[:, 0]).astype(np.float32))
    run = train(
        tmp_path, tmp_path / "numbers.npz", [], "--task", "regression", "--normalise", "none", "--quantiles", "0.4,0.5,0.6"
    )
    net = exported(tmp_path, run)
    rows = [json.loads(line) for line in thalweg("predict", run, tmp_path / "numbers.npz", "--format", "jsonl").splitlines()]
    ours = [[row[f"quantile_{tau}"] for tau in (0.4, 0.5, 0.6)] for row in rows]
    theirs = given(net, x)
    assert difference(ours, theirs) < 1e-5
    assert (np.diff(theirs, axis=1) >= 0).all()


def test_numbers_are_clipped_to_the_training_rows(tmp_path):
    run, path, x = far_numbers(tmp_path)
    ours = columns(run, path, ["prediction_y", "prediction_z"])
    low, high = ours.min(axis=0), ours.max(axis=0)
    assert ((ours == low) | (ours == high)).mean() > 0.2
    theirs = given(exported(tmp_path, run), x)
    assert difference(ours, theirs) < 1e-5


@pytest.mark.parametrize("level", [0.5, 0.9])
@pytest.mark.parametrize("kind", KINDS)
def test_intervals_and_sets(kind, level, tmp_path):
    run, path, x = calibrated(tmp_path, kind)
    ours = regions(run, path, kind, level)
    theirs = {name: keras.ops.convert_to_numpy(y) for name, y in exported(tmp_path, run, "--intervals", level)(x).items()}
    if kind in KINDS[:3]:
        assert set(theirs) == {"predictions", "low", "high"}
        assert difference(ours[0], theirs["low"]) < 1e-5 and difference(ours[1], theirs["high"]) < 1e-5
    else:
        assert set(np.unique(theirs["set"])) <= {0, 1}
        assert (ours == theirs["set"]).mean() > 0.998


def test_embeddings_and_units_of_targets(tmp_path):
    """Tables are prepared outside: the inputs are put together here from columns that need nothing but their codes."""
    random = np.random.default_rng(0)
    towns, streets = random.integers(0, 40, 1000), random.integers(0, 30, 1000)
    number, target = random.normal(0, 1, 1000).round(4), random.normal(5000, 300, (1000, 2)).round(2)
    lines = ["number,town,street,a,b"]
    lines += [f"{n},t{t:02},s{s:02},{a},{b}" for n, t, s, (a, b) in zip(number, towns, streets, target)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    run = train(tmp_path, path, [], "--target", "a,b", "--normalise", "none", "--one-hot-up-to", 5, "--rare-below", 1)
    x = np.stack([number, towns + 1, streets + 1], axis=1).astype(np.float32)
    lines = [json.loads(line) for line in thalweg("predict", run, path, "--format", "jsonl").splitlines()]
    ours = [[line["prediction_a"], line["prediction_b"]] for line in lines]
    assert difference(ours, given(exported(tmp_path, run), x)) < 1e-5


@pytest.mark.parametrize("task", ["binary", "multilabel"])
def test_probabilities_of_two_classes_and_of_labels(task, tmp_path):
    random = np.random.default_rng(0)
    x = random.normal(0, 1, (200, 3)).round(4)
    answers = random.choice(["a", "b"] if task == "binary" else ["a;b", "b", "c"], 200)
    path = tmp_path / "table.csv"
    path.write_text("x,y,z,answer\n" + "\n".join(",".join([*map(str, row), a]) for row, a in zip(x, answers)) + "\n")
    run = train(tmp_path, path, [], "--target", "answer", "--task", task, "--normalise", "none")
    _, ours = predictions(run, path)
    theirs = given(exported(tmp_path, run), x.astype(np.float32))
    assert difference(ours[:, 1:] if task == "binary" else ours, theirs) < 1e-5


def test_the_same_model_gives_the_same_bytes_and_its_weights_are_plain_hdf5(tmp_path):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    data, _ = arrays(tmp_path, (4, 3, 2), rows=60)
    run = train(tmp_path, data, NETWORKS["residual of images"][1])
    files = [tmp_path / "a.keras", tmp_path / "b.keras"]
    for file in files:
        thalweg("export", run, "-o", file)
    assert files[0].read_bytes() == files[1].read_bytes()
    # On PyTorch Keras refuses names with dots.
    assert not any("." in layer.name for layer in keras.saving.load_model(files[0]).layers)
    archive = zipfile.ZipFile(files[0])
    assert archive.testzip() is None
    weights = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    names = []
    weights.visititems(lambda name, thing: names.append(name) if isinstance(thing, h5py.Dataset) else None)
    assert len(names) == sum(len(layer.weights) for layer in keras.saving.load_model(files[0]).layers)
