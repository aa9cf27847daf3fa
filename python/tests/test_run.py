"""Training, models, networks and searches without scikit-learn."""

import io
import signal
import sys
import types

import numpy as np
import pandas as pd
import pytest

import thalweg
from exported import thalweg as command
from thalweg.display import Progress

QUICK = {"layers": [16], "epochs": 30, "learning_rate": 0.02, "verbose": 0}


def test_a_path_is_trained_on_as_by_the_command_line(tmp_path):
    out = tmp_path / "run"
    run = thalweg.train("sample:iris", **QUICK, out=out)
    assert run.folder == out and (out / "report.html").exists()
    assert len(run.history) == 30 and run.metrics["test"]["accuracy"]["value"] > 0.8
    assert run.model.classes == ["setosa", "versicolor", "virginica"]
    opened = thalweg.Run.open(out)
    assert opened.model.to_bytes() == run.model.to_bytes()
    assert opened.history == run.history

    answers = run.model.predict("sample:iris")
    assert answers.shape == (150,) and set(answers) == set(run.model.classes)
    assert run.model.predict_proba("sample:iris").shape == (150, 3)
    assert run.model.evaluate("sample:iris")["accuracy"]["value"] > 0.8

    flags = ["--layers", 16, "--epochs", 30, "--quiet", "--learning-rate", 0.02]
    command("train", "sample:iris", *flags, "--out", tmp_path / "other")
    assert thalweg.Model.load(tmp_path / "other").to_bytes() == run.model.to_bytes()


def test_models_are_exported_with_intervals(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 3)).astype(np.float32)
    model = thalweg.train(x, 5 + x[:, 0] + 0.1 * random.normal(size=300), **QUICK).model
    written = model.export(tmp_path / "net.onnx", intervals=0.8)
    assert written["format"] == "onnx" and written["proof"]["largest_difference"] <= 1e-5
    runs = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    far = 5 * x
    prediction, low, high = runs.run(["prediction", "low", "high"], {"input": far})
    np.testing.assert_allclose(prediction[:, 0], model.predict(far), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(np.hstack([low, high]), model.predict_interval(far, 0.8), rtol=1e-5, atol=1e-5)
    with pytest.raises(thalweg.ConfigError, match="dev rows"):
        model.export(tmp_path / "other.py", intervals=0.999)
    with pytest.raises(thalweg.ConfigError, match='did you mean "int8"'):
        model.export(tmp_path / "other.onnx", precision="int9")
    with pytest.raises(thalweg.ConfigError, match='did you mean "onnx"'):
        model.export(tmp_path / "other", to="onxx")
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def test_a_frame_is_trained_on_in_memory():
    frame = pd.DataFrame({"a": np.arange(120.0) % 10, "b": ["x", "y", "z"] * 40})
    frame["price"] = frame["a"] * 2 + (frame["b"] == "x")
    run = thalweg.train(frame, target="price", **{**QUICK, "epochs": 150})
    assert run.folder is None and run.model.targets == ["price"] and run.model.task == "regression"
    assert run.model.evaluate(frame)["r2"]["value"] > 0.9
    answers = run.model.predict(frame.drop(columns="price"))
    assert np.corrcoef(answers, frame["price"])[0, 1] > 0.95
    assert (run.model.predict(frame[["a", "b"]].to_numpy()) == answers).all()

    separate = thalweg.train(frame[["a", "b"]], frame["price"], **QUICK)
    assert separate.model.targets == ["price"]
    with pytest.raises(TypeError, match="predict"):
        separate.model.predict_proba(frame)


def test_arrays_are_trained_on_with_validation_data():
    X = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)
    y = np.where(X[:, 0] > 0, "yes", "no")
    run = thalweg.train(X[:200], y[:200], validation_data=(X[200:], y[200:]), split=[1, 0, 0], **QUICK)
    assert run.model.provenance["examples"]["dev"] == 100
    numbered = thalweg.train(X[:200], (y[:200] == "yes") + 1, **QUICK)
    assert set(numbered.model.predict(X[200:]).tolist()) == {1, 2}
    metrics = run.model.evaluate(X[200:], y[200:])
    assert metrics["accuracy"]["value"] == pytest.approx((run.model.predict(X[200:]) == y[200:]).mean())


def test_runs_show_themselves():
    X = np.arange(200.0).reshape(100, 2)
    run = thalweg.train(X, X.sum(axis=1), **QUICK)
    page = run._repr_html_()
    assert "<svg" in page and "rmse" in page and "decided for you" in page
    assert "<script" not in page and "linear" in run.model._repr_html_()
    assert "<html" in run.report()
    assert "30 epochs" in repr(run) and "regression" in repr(run.model)
    assert all(decision["flag"] for decision in run.decisions)


def test_curves_are_drawn_where_matplotlib_is():
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is optional: plot() says so where it is missing")
    matplotlib.use("agg")
    run = thalweg.train(np.arange(200.0).reshape(100, 2), np.arange(100.0), **QUICK)
    axes = run.plot()
    assert [line.get_label() for line in axes.get_lines()][:2] == ["train cost", "dev loss"]


def test_progress_is_written(capsys):
    thalweg.train(np.arange(200.0).reshape(100, 2), np.arange(100.0), layers=[4], epochs=3, baselines=False)
    told = capsys.readouterr().err
    assert "3 epochs, best" in told and told.count("\n") == 1


EPOCH = {"event": "epoch_ended", "epoch": 2, "cost": 0.25, "dev_loss": 0.5, "best": True}


def test_progress_moves_in_a_terminal():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    progress = Progress(terminal, pause=0.0)
    progress({"event": "run_started", "epochs": 4})
    progress(EPOCH)
    progress({"event": "warning", "message": "beware"})
    assert "\r" in terminal.getvalue() and "2/4  cost 0.2500  dev loss 0.5000  best 2" in terminal.getvalue()
    assert terminal.getvalue().endswith("warning: beware\n")


def test_progress_moves_below_a_notebooks_cell(monkeypatch):
    shown = []
    handle = types.SimpleNamespace(update=lambda what: shown.append(what._repr_html_()))
    shell = type("ZMQInteractiveShell", (), {})()
    display = types.SimpleNamespace(display=lambda what, display_id: handle)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell, display=display))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    progress = Progress(pause=0.0)
    progress({"event": "run_started", "epochs": 4})
    progress(EPOCH)
    progress({"event": "warning", "message": "<b>"})
    assert len(shown) == 2 and "2/4" in shown[0] and "&lt;b&gt;" in shown[1]


def test_networks_agree_with_numpy():
    layers = [{"kind": "linear", "units": 4, "activation": "tanh"}, {"kind": "linear", "units": 2}]
    network = thalweg.Network(3, layers)
    theta = network.initialize(seed=1)
    random = np.random.default_rng(0)
    x, y = random.normal(size=(5, 3)), random.normal(size=(5, 2))
    W1, b1, W2, b2 = (network.view(theta, f"layers.{i}.{name}") for i in (0, 1) for name in ("weight", "bias"))
    b1 += 0.1
    hidden = np.tanh(x @ W1.T + b1)
    z = hidden @ W2.T + b2
    assert np.allclose(network.forward(theta, x), z, rtol=1e-12)

    cost, gradient = network.gradients(theta, x, y, loss="squared")
    assert cost == pytest.approx(0.5 * ((z - y) ** 2).sum(axis=1).mean(), rel=1e-12)
    dz = (z - y) / len(x)
    assert np.allclose(network.view(gradient, "layers.1.weight"), dz.T @ hidden, rtol=1e-10)
    dhidden = (dz @ W2) * (1 - hidden**2)
    assert np.allclose(network.view(gradient, "layers.0.weight"), dhidden.T @ x, rtol=1e-10)
    assert network.check_gradients(theta, x, y)["relative_difference"] < 1e-7


def test_networks_refuse_what_does_not_fit():
    network = thalweg.Network(3, [{"kind": "linear", "units": 2}])
    theta = network.initialize()
    with pytest.raises(thalweg.DataError, match="found 4 columns in x, expected 3"):
        network.forward(theta, np.zeros((2, 4)))
    with pytest.raises(thalweg.ConfigError, match="found 7 parameters, expected 8"):
        network.forward(theta[:-1], np.zeros((2, 3)))
    with pytest.raises(thalweg.DataError, match="class numbers"):
        network.gradients(theta, np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(thalweg.DataError, match="whole numbers from 0 to 1"):
        network.gradients(theta, np.zeros((2, 3)), [0, 2], loss="cross_entropy")
    with pytest.raises(thalweg.ConfigError, match='did you mean "huber"'):
        network.gradients(theta, np.zeros((2, 3)), np.zeros((2, 2)), loss="hubr")
    with pytest.raises(thalweg.ConfigError, match='did you mean "linear"'):
        thalweg.Network(3, [{"kind": "liner", "units": 2}])
    with pytest.raises(KeyError, match="layers.0.weight"):
        network.view(theta, "layers.0.wieght")


def test_a_matrix_is_judged_by_the_names_of_the_training_data():
    frame = pd.DataFrame({"a": np.arange(120.0) % 10, "y": np.arange(120.0) % 7})
    price = pd.Series(2 * frame["a"] - frame["y"], name="price")
    model = thalweg.train(frame, price, **{**QUICK, "epochs": 60}).model
    told = model.evaluate(frame, price)
    assert model.evaluate(frame.to_numpy(), price.to_numpy()) == told
    assert model.evaluate(frame, price.to_numpy()) == told


def test_models_answer_in_a_precision():
    X = np.random.default_rng(0).normal(size=(600, 64)).astype(np.float32)
    y = np.where(X[:, :8].sum(axis=1) > 0, "yes", "no")
    model = thalweg.train(X, y, **{**QUICK, "layers": [64], "epochs": 5}).model
    exact = model.predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(X, precision="bf16"), exact, atol=0.05)
    np.testing.assert_allclose(model.predict_proba(X, precision="bf16x6"), exact, atol=1e-5)
    assert (model.predict(X, precision="bf16x3") == model.predict(X)).mean() > 0.99
    rough = model.evaluate(X, y, precision="bf16")
    assert rough["accuracy"]["value"] == pytest.approx(model.evaluate(X, y)["accuracy"]["value"], abs=0.02)
    with pytest.raises(thalweg.ConfigError, match="bf16"):
        model.predict(X, precision="bf8")
    with pytest.raises(thalweg.ConfigError, match="f32"):
        model.evaluate(X, y, precision="f64")


def test_examples_to_be_answered_need_no_answers(tmp_path):
    X = np.random.default_rng(0).normal(size=(120, 4, 3)).astype(np.float32)
    y = (X.sum(axis=(1, 2)) > 0).astype(int)
    np.savez(tmp_path / "train.npz", x=X, y=y)
    model = thalweg.train(tmp_path / "train.npz", layers=[8], epochs=3, verbose=0, out=tmp_path / "run").model
    expected = model.predict_proba(tmp_path / "train.npz")
    np.save(tmp_path / "new.npy", X)
    # Answers of other examples.
    np.save(tmp_path / "y.npy", y[:7])
    np.savez(tmp_path / "x.npz", x=X)
    np.savez(tmp_path / "only.npz", photos=X)
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "new.h5", "w") as file:
        file["test_x"] = X
    for name in ["new.npy", "x.npz", "only.npz", "new.h5"]:
        np.testing.assert_array_equal(model.predict_proba(tmp_path / name), expected, name)
        with pytest.raises(thalweg.DataError):
            model.evaluate(tmp_path / name)
    np.savez(tmp_path / "two.npz", photos=X, others=X)
    with pytest.raises(thalweg.DataError, match="arrays="):
        model.predict(tmp_path / "two.npz")
    np.save(tmp_path / "wrong.npy", X[:, :3])
    with pytest.raises(thalweg.DataError, match=r"found examples of shape \[3, 3\], expected \[4, 3\]"):
        model.predict(tmp_path / "wrong.npy")


def test_a_matrix_to_be_answered_may_hold_its_answers(tmp_path):
    X = np.random.default_rng(0).normal(size=(120, 3))
    y = (X[:, :1] > 0).astype(float)
    np.save(tmp_path / "train.npy", np.hstack([X, y]))
    model = thalweg.train(tmp_path / "train.npy", layers=[8], epochs=3, verbose=0, out=tmp_path / "run").model
    np.save(tmp_path / "new.npy", X)
    expected = model.predict_proba(tmp_path / "train.npy")
    np.testing.assert_array_equal(model.predict_proba(tmp_path / "new.npy"), expected)
    np.save(tmp_path / "wrong.npy", X[:, :2])
    with pytest.raises(thalweg.DataError, match=r"found examples of shape \[2\], expected \[3\]"):
        model.predict(tmp_path / "wrong.npy")


def test_a_search_is_ended_by_ctrl_c(tmp_path, ctrl_c):
    def press(fact):
        if fact["event"] == "trial_ended":
            signal.raise_signal(signal.SIGINT)

    search = {"learning_rate": "log:1e-3..1e-1"}
    told = {"study": tmp_path / "study.sqlite", "out": tmp_path / "run", "epochs": 5, "layers": [4], "folds": 1}
    with pytest.warns(thalweg.TrainingInterrupted, match="search was interrupted"):
        study = thalweg.tune("sample:iris", trials=10_000, search=search, **told, callbacks=[press])
    assert study.run is None and 1 <= len(study.trials) < 10_000


def test_a_search_of_arrays(tmp_path):
    X = np.random.default_rng(0).normal(size=(120, 3))
    facts = []
    study = thalweg.tune(
        X,
        (X[:, 0] > 0).astype(int),
        trials=2,
        seeds=0,
        folds=1,
        epochs=3,
        layers=[4],
        workers=1,
        search={"learning_rate": "log:1e-3..1e-1"},
        study=tmp_path / "study.sqlite",
        out=tmp_path / "run",
        callbacks=[lambda fact: facts.append(fact["event"])],
    )
    assert [trial["state"] for trial in study.trials] == ["done", "done"]
    assert study.best["value"] is not None and study.run.model.task == "binary"
    assert facts.count("trial_ended") == 2
    assert "<html" in study.report() and "2 trials" in repr(study)


def test_the_doctor_names_a_rate_that_is_too_high(tmp_path):
    options = {"layers": [16], "epochs": 8, "verbose": 0, "out": tmp_path / "high"}
    run = thalweg.train("sample:digits", learning_rate=0.5, **options)
    first = run.doctor()[0]
    assert (first["code"], first["severity"]) == ("learning-rate-too-high", "severe")
    mended = first["prescription"]["options"]
    assert mended["learning_rate"] < 0.05 and first["prescription"]["advice"].startswith("lower it: learning_rate=0.0")
    options["out"] = tmp_path / "mended"
    again = thalweg.train("sample:digits", **options, **mended)
    assert again.metrics["dev"]["accuracy"]["value"] > run.metrics["dev"]["accuracy"]["value"]
    codes = [finding["code"] for finding in again.doctor() if finding["severity"] == "severe"]
    assert codes == []
