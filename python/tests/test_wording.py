"""What the library says is said in Python's words: keywords, and none of the command line's flags."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import thalweg
from thalweg import ThalwegClassifier, ThalwegRegressor, _native

X = np.random.default_rng(0).normal(size=(80, 2))
Y = (X[:, 0] > 0).astype(int)

in_python = pytest.mark.skipif(not hasattr(_native, "_in_python"), reason="a release does not show its words")


@in_python
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "lower [learning_rate] (now 0.1), or set [clip_norm=1]",
            "lower learning_rate= (now 0.1), or set clip_norm=1",
        ),
        ("train with [kinds=code=categorical]", 'train with kinds={"code": "categorical"}'),
        ("leave [stratify] out", "leave stratify= out"),
        ("[delimiter=,]", 'delimiter=","'),
        ("[ignore=x]", 'ignore="x"'),
        ("hold them in memory with [from_disk=false]", "hold them in memory with from_disk=False"),
        ("use [init=he_normal]", 'use init="he_normal"'),
        ("hold fewer back, such as [split=0.98,0.01,0.01]", "hold fewer back, such as split=[0.98, 0.01, 0.01]"),
        ("by epoch: [rates=1=0.1,50=0.01]", 'by epoch: rates={"1": 0.1, "50": 0.01}'),
        ("[ignore=a_1,b]", 'ignore=["a_1", "b"]'),
        ("as in [search=learning_rate=log:1e-4..1e-1]", 'as in search={"learning_rate": "log:1e-4..1e-1"}'),
        ("thalweg config shows every key", "thalweg.options() lists them"),
        ("[header=true], or [names=a,b,…]", 'header=True, or names=["a", "b", …]'),
        ("use [to=onnx]", 'use to="onnx"'),
        # What is no option stays as it is, dashes as well.
        ('found "--epochs", expected [3] a -- b, c--d', 'found "--epochs", expected [3] a -- b, c--d'),
    ],
)
def test_options_become_keywords(said, expected):
    assert _native._in_python(said) == expected


def errors():
    """Errors of functions, each with a keyword that its remedy or place names."""
    table = pd.DataFrame({"a": [np.inf, *range(79)], "y": Y})
    yield "missing", lambda: thalweg.train(table, target="y", verbose=0)
    yield "target", lambda: thalweg.train(table[1:], target="z", verbose=0)
    yield "split", lambda: thalweg.train(X, Y, split=[0.5, 0.4, 0.4], verbose=0)
    yield "rates", lambda: thalweg.train(X, Y, schedule="manual", verbose=0)
    yield "thalweg.options()", lambda: thalweg.train(X, Y, epoch=3, verbose=0)
    yield "activation", lambda: thalweg.train(X, Y, activation="leaky_relu(x)", verbose=0)
    yield "task", lambda: thalweg.train(X, ["a", "b", "c", "d"] * 20, task="regression", verbose=0)


@pytest.mark.parametrize(("keyword", "fails"), list(errors()))
def test_errors_name_keywords_and_no_flags(keyword, fails):
    with pytest.raises(thalweg.ThalwegError) as caught:
        fails()
    assert keyword in str(caught.value) and "--" not in str(caught.value)
    assert "--" not in (caught.value.place or "") + (caught.value.remedy or "")


def test_estimators_name_their_own_keywords():
    table = pd.DataFrame({"a": [np.inf, *range(79)]})
    with pytest.raises(thalweg.DataError) as caught:
        ThalwegClassifier(epochs=2).fit(table, Y)
    assert 'train with options={"missing": …}' in str(caught.value)
    assert 'options={"kinds": {"a": "categorical"}}' in str(caught.value)
    assert caught.value.remedy in str(caught.value)
    with pytest.raises(thalweg.DivergedError, match=r"lower learning_rate= .* set options={\"clip_norm\": 1}"):
        ThalwegRegressor(optimizer="gradient_descent", learning_rate=1e6, layers=[8], epochs=20).fit(X, X[:, 0])


def test_decisions_and_warnings_name_keywords():
    told = []
    run = thalweg.train(X, Y, epochs=2, callbacks=[told.append], verbose=0)
    flags = [decision["flag"] for decision in run.decisions]
    assert any(re.match(r"layers=\[\d+, \d+\]", flag) for flag in flags) and any("split=[" in flag for flag in flags)
    for flag in flags:
        assert "--" not in flag
    assert flags == [event["flag"] for event in told if event["event"] == "decision"]
    model = ThalwegClassifier(epochs=2).fit(X, Y)
    assert not [decision for decision in model.run_.decisions if "--" in decision["flag"]]
    run = thalweg.train(X, Y, epochs=3, layers=[4], init="zeros", verbose=0)
    assert any('init="he_normal"' in warning for warning in run.warnings), run.warnings


def test_a_runs_folder_is_told_in_keywords(tmp_path):
    run = thalweg.train("sample:iris", epochs=2, out=tmp_path / "run", verbose=0)
    assert run.decisions and not [decision for decision in run.decisions if "--" in decision["flag"]]
    assert thalweg.Run.open(tmp_path / "run").decisions == run.decisions
    log = (tmp_path / "run" / "events.jsonl").read_text(encoding="utf-8")
    logged = [event for event in map(json.loads, log.splitlines()) if event["event"] == "decision"]
    assert any(decision["instead"] == [{"option": "monitor", "value": "loss"}] for decision in logged)
    assert any(decision["flag"] == "--monitor loss" for decision in logged)


def test_overrides_keep_their_values_whole():
    table = pd.DataFrame({"sold on": pd.date_range("2026-01-01", periods=80), "a": X[:, 0], "y": Y})
    run = thalweg.train(table, target="y", epochs=2, verbose=0)
    assert 'time="sold on"' in [decision["flag"] for decision in run.decisions]
