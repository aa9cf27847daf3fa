"""What `thalweg export --to mlflow` writes: MLflow hands over vectors and makes a table of vectors.

Needs numpy, onnxruntime, pandas and pytest, and the binary; MLflow itself where it is installed.
"""

import numpy as np
import pandas as pd
import pytest

onnxruntime = pytest.importorskip("onnxruntime")
from exported import predictions, thalweg

ROWS = 60


def table(folder, target):
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"size": rng.normal(size=ROWS), "kind": rng.choice(["house", "flat"], ROWS)})
    data["answer"] = target(data)
    path = folder / "data.csv"
    data.to_csv(path, index=False)
    return path, data.drop(columns="answer")


TARGETS = {
    "classes": lambda data: np.where(data["size"] > 0.3, "big", np.where(data["kind"] == "flat", "flat", "small")),
    "numbers": lambda data: data["size"] * 2 + (data["kind"] == "flat"),
}


@pytest.fixture(params=TARGETS)
def exported(request, tmp_path):
    path, inputs = table(tmp_path, TARGETS[request.param])
    run, folder = tmp_path / "run", tmp_path / "model"
    thalweg("train", path, "--target", "answer", "--layers", 4, "--epochs", 3, "-q", "-o", run)
    thalweg("export", run, "--to", "mlflow", "-o", folder)
    return folder, inputs, predictions(run, path), request.param


def assert_same(answers, theirs, kind):
    own, probabilities = theirs
    if kind == "numbers":
        np.testing.assert_allclose(np.asarray(answers["prediction"], float), own, rtol=1e-5, atol=1e-5)
        return
    named = [name for name in answers if name.startswith("probabilities_")]
    assert named == ["probabilities_big", "probabilities_flat", "probabilities_small"]
    found = np.stack([np.asarray(answers[name]) for name in named], axis=1)
    np.testing.assert_allclose(found, probabilities, rtol=0, atol=1e-5)
    assert list(answers["label"]) == own


def test_the_graph_takes_and_gives_a_vector_a_column(exported):
    folder, inputs, theirs, kind = exported
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    assert all(len(one.shape) == 1 for one in [*session.get_inputs(), *session.get_outputs()])
    fed = {"size": inputs["size"].to_numpy(np.float32), "kind": inputs["kind"].to_numpy(object)}
    names = [output.name for output in session.get_outputs()]
    assert_same(dict(zip(names, session.run(None, fed))), theirs, kind)


def test_mlflow_loads_the_folder(exported):
    mlflow = pytest.importorskip("mlflow")
    folder, inputs, theirs, kind = exported
    # MLflow hands a column's values to the runtime as they are, and pandas' own strings are no NumPy array.
    answers = mlflow.pyfunc.load_model(str(folder)).predict(inputs.astype({"kind": object}))
    assert_same({name: answers[name].to_numpy() for name in answers}, theirs, kind)


def test_a_table_of_one_column_stays_a_matrix(tmp_path):
    data = pd.DataFrame({"size": np.arange(ROWS, dtype=float), "answer": np.arange(ROWS) * 2.0})
    data.to_csv(tmp_path / "data.csv", index=False)
    run, folder = tmp_path / "run", tmp_path / "model"
    thalweg("train", tmp_path / "data.csv", "--target", "answer", "--layers", 4, "--epochs", 3, "-q", "-o", run)
    thalweg("export", run, "--to", "mlflow", "-o", folder)
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    found = session.run(["prediction"], {"size": data[["size"]].to_numpy(np.float32)})[0]
    np.testing.assert_allclose(found, predictions(run, tmp_path / "data.csv")[0], rtol=1e-5)


def test_a_file_in_the_way_is_named(tmp_path):
    thalweg("train", "sample:iris", "--layers", 4, "--epochs", 1, "-q", "-o", tmp_path / "run")
    (tmp_path / "model").write_text("thesis")
    error = thalweg("export", tmp_path / "run", "--to", "mlflow", "-o", tmp_path / "model", status=2)
    assert "model" in error and (tmp_path / "model").read_text() == "thesis"
