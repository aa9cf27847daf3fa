"""Graphs of models of real data, in ONNX Runtime beside the models: MNIST, hand signs and spoken digits.

Needs numpy, onnx, onnxruntime and pytest, the binary, and the data in $THALWEG_DATA (by default shared/data beside the
repository); where the data is absent the tests are skipped.
"""

import gzip
import json
import os
import wave
from pathlib import Path

import numpy as np
import pytest

onnxruntime = pytest.importorskip("onnxruntime")
from exported import ROOT, difference, predictions, thalweg, train

DATA = Path(os.environ.get("THALWEG_DATA", ROOT.parent / "shared" / "data"))
ROWS = 1000


def data(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"there is no {path}: set THALWEG_DATA")
    return path


def mnist(folder):
    read = lambda name, skip: np.frombuffer(gzip.decompress((data("mnist") / name).read_bytes()), np.uint8)[skip:]
    x = read("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)[:ROWS]
    np.savez(folder / "mnist.npz", x=x, y=read("t10k-labels-idx1-ubyte.gz", 8)[:ROWS])
    return folder / "mnist.npz", x.astype(np.float32)


def signs(folder):
    h5py = pytest.importorskip("h5py")
    with h5py.File(data("signs") / "test_signs.h5") as file:
        x, y = file["test_set_x"][:], file["test_set_y"][:].ravel()
    # There are 120: each is shown as it is, mirrored and turned, until there are enough.
    x = np.concatenate([np.rot90(side, k, (1, 2)) for side in (x, x[:, :, ::-1]) for k in range(4)] + [x])[:ROWS]
    y = np.tile(y, 9)[:ROWS]
    np.savez(folder / "signs.npz", x=x, y=y)
    return folder / "signs.npz", x.astype(np.float32)


def spoken_digits(folder):
    """Samples as floats, cut or filled to one length."""
    files = sorted(data("spoken-digits").glob("**/*.wav"))[: 3 * ROWS : 3]
    x = np.zeros((ROWS, 4000), np.float32)
    for row, path in zip(x, files, strict=True):
        with wave.open(str(path)) as sound:
            samples = np.frombuffer(sound.readframes(4000), "<i2") / 2**15
        row[: len(samples)] = samples
    np.savez(folder / "sounds.npz", x=x[:, :, None], y=np.array([int(path.name[0]) for path in files]))
    return folder / "sounds.npz", x[:, :, None]


CONV = [
    {"kind": "conv2d", "filters": 4, "kernel": 5, "stride": 3, "bias": False}, {"kind": "batch_norm"},
    {"kind": "activation", "activation": "relu"}, {"kind": "conv2d", "filters": 6, "kernel": 3, "activation": "silu"},
    {"kind": "pool2d", "take": "max", "size": 2}, {"kind": "linear", "units": 32, "activation": "relu"},
]
SPECTRUM = {"kind": "log_mel", "sample_rate": 8000, "window": 256, "hop": 80, "bands": 40, "offset": 1e-6}


@pytest.mark.parametrize("prepare, layers", [(mnist, CONV), (signs, CONV), (spoken_digits, [SPECTRUM, *CONV])])
def test_real_examples_get_the_models_answers(tmp_path, prepare, layers, record_property):
    examples, x = prepare(tmp_path)
    run = train(tmp_path, examples, layers)
    told = json.loads(thalweg("export", run, "-o", tmp_path / "m.onnx", "--json"))
    assert told["proof"]["largest_difference"] <= 1e-5
    graph = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    answers = lambda rows: graph.run(["probabilities"], {"input": rows})[0]
    _, ours = predictions(run, examples)
    assert len(x) == ROWS
    largest = difference(ours, answers(x))
    one = max(difference(ours[row : row + 1], answers(x[row : row + 1])) for row in range(0, ROWS, 50))
    assert answers(x[:0]).shape == (0, ours.shape[1])
    record_property("largest_difference", max(largest, one))
    print(f"{prepare.__name__}: the largest difference of {ROWS} rows is {max(largest, one):.1e}")
    assert max(largest, one) < 1e-5
