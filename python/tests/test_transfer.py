"""What a network has learned, for another task and elsewhere."""
import numpy as np
import pandas as pd
import pytest
import thalweg
from safetensors.numpy import load_file

SMALL = {"layers": [6, 4], "ensemble": 1, "epochs": 5, "patience": 0, "normalise": "none", "dropout": [0.0], "verbose": 0}


def points(classes):
    x = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    return x, np.array(classes)[(x[:, 0] > 0).astype(int) + (len(classes) > 2) * (x[:, 1] > 0)]


def test_embeddings_are_what_numpy_makes_of_the_first_layers(tmp_path):
    x, y = points(["low", "high"])
    run = thalweg.train(x, y, **SMALL)
    run.model.save(tmp_path / "model.safetensors")
    theta = load_file(tmp_path / "model.safetensors")
    features = x
    for name in sorted({name.rsplit(".", 1)[0] for name in theta})[:2]:
        features = np.maximum(features @ theta[f"{name}.weight"].T + theta[f"{name}.bias"], 0)
    found = run.model.embed(x)
    assert found.shape == (200, 4) and found.dtype == np.float32
    np.testing.assert_allclose(found, features, atol=1e-5)


def test_a_run_starts_from_a_model_of_other_classes(tmp_path):
    def table(name, classes):
        x, y = points(classes)
        path = tmp_path / name
        pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y}).to_csv(path, index=False)
        return path

    two, three = table("two.csv", ["low", "high"]), table("three.csv", ["a", "b", "c"])
    thalweg.train(two, target="y", **SMALL).model.save(tmp_path / "model.safetensors")
    options = {"target": "y", "start_from": tmp_path / "model.safetensors", "epochs": 4, "normalise": "none", "verbose": 0}
    for more in [{}, {"freeze": "stem", "layer_decay": 0.5}, {"freeze": 2}]:
        run = thalweg.train(three, **options, **more)
        assert list(run.model.classes) == ["a", "b", "c"] and run.model.embed(three).shape == (200, 4)
    with pytest.raises(thalweg.ThalwegError, match="for a network that has learned before"):
        thalweg.train(three, target="y", freeze="all", verbose=0)


def test_an_ensemble_has_no_embeddings():
    x, y = points(["low", "high"])
    run = thalweg.train(x, y, **{**SMALL, "ensemble": 3})
    with pytest.raises(thalweg.ThalwegError, match="an ensemble of 3"):
        run.model.embed(x)
