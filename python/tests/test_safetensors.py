"""The safetensors library reads our model files."""

import json

import numpy as np
import pytest
from exported import arrays, conv2d, difference, predictions, train

numpy = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
safetensors = pytest.importorskip("safetensors")


def test_tensors_have_the_names_and_shapes_of_pytorch(tmp_path):
    data, _ = arrays(tmp_path, (5,), rows=90)
    run = train(tmp_path, data, [{"kind": "linear", "units": 4, "activation": "relu"}])
    tensors = numpy.load_file(run / "model.safetensors")
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    assert shapes == {
        "layers.0.weight": (4, 5), "layers.0.bias": (4,), "layers.1.weight": (3, 4), "layers.1.bias": (3,),
    }
    assert all(tensor.dtype == np.float32 for tensor in tensors.values())


def test_a_model_is_its_tensors_and_metadata(tmp_path):
    """A prediction with nothing but NumPy and what the file says."""
    data, x = arrays(tmp_path, (5,), rows=90)
    run = train(tmp_path, data, [{"kind": "linear", "units": 4, "activation": "tanh"}])
    with safetensors.safe_open(run / "model.safetensors", framework="numpy") as file:
        metadata = file.metadata()
        w0, b0, w1, b1 = (file.get_tensor(f"layers.{i}.{name}") for i in (0, 1) for name in ("weight", "bias"))
    assert [layer["kind"] for layer in json.loads(metadata["layers"])] == ["linear", "linear"]
    assert len(metadata["checksum"]) == 64 and json.loads(metadata["target"])["classes"] == ["0", "1", "2"]
    scales = [scale["standard"] for scale in json.loads(metadata["pipeline"])["array"]["scales"]]
    a = (x - [s["mean"] for s in scales]) / [s["deviation"] for s in scales]
    z = np.tanh(a @ w0.T + b0) @ w1.T + b1
    t = np.exp(z - z.max(axis=1, keepdims=True))
    assert difference(predictions(run, data)[1], t / t.sum(axis=1, keepdims=True)) < 1e-5


@pytest.mark.parametrize("options", [[], ["--precision", "f64"]])
def test_odd_sizes_are_read_too(options, tmp_path):
    """Numbers begin at a multiple of 8 bytes, whatever the header's length."""
    data, _ = arrays(tmp_path, (3, 3, 1), rows=90)
    for filters in (1, 3, 10, 100):
        folder = tmp_path / str(filters)
        folder.mkdir()
        run = train(folder, data, [conv2d(filters, 1), {"kind": "batch_norm"}], *options)
        content = (run / "model.safetensors").read_bytes()
        tensors = numpy.load(content)
        assert tensors["layers.0.weight"].shape == (filters, 1, 1, 1) and len(tensors) == 8
        assert (8 + int.from_bytes(content[:8], "little")) % 8 == 0
