"""Models beside one another, and model cards: against SciPy on the same answers."""

import re

import numpy as np
import pandas as pd
import pytest
import thalweg
from scipy import stats
from sklearn.datasets import load_diabetes
from thalweg import ThalwegRegressor

X, Y = load_diabetes(return_X_y=True)
TABLE = pd.DataFrame({"size": np.arange(300.0) * 37 % 101, "town": ["north", "south", None] * 100})
KIND = np.where(TABLE["size"] + 20 * (TABLE["town"] == "south") > 60, "large", "small")
QUICK = {"layers": [8], "epochs": 10, "learning_rate": 0.02, "verbose": 0}


def test_paired_differences_are_scipys():
    poor, good = (ThalwegRegressor(layers=[16], epochs=n).fit(X[:300], Y[:300]) for n in (1, 60))
    found = thalweg.compare(poor, good, X[300:], Y[300:])
    a, b = ((model.predict(X[300:]) - Y[300:]) ** 2 for model in (poor, good))
    theirs = stats.ttest_rel(b, a)
    interval = theirs.confidence_interval(0.95)
    ours = [found["mean_loss"][name] for name in ("value", "low", "high")]
    np.testing.assert_allclose(ours, [np.mean(b - a), *interval], rtol=1e-4)
    difference = found["metrics"]["rmse"]["difference"]
    assert difference["value"] == pytest.approx(np.sqrt(b.mean()) - np.sqrt(a.mean()), rel=1e-4)
    assert difference["high"] < 0 and found["mcnemar"] is None and found["examples"] == 142
    assert found["verdict"].startswith("B's RMSE is lower by")
    assert found == thalweg.compare(poor.model_, good.model_, X[300:], Y[300:])


def test_runs_are_compared_on_their_test_rows(tmp_path):
    a, b = (thalweg.train("sample:iris", **{**QUICK, "epochs": n}, out=tmp_path / str(n)) for n in (1, 60))
    found = thalweg.compare(a, tmp_path / "60")
    assert found["examples"] == 30 and found["a"] == str(tmp_path / "1")
    recorded = [run.metrics["test"]["log_loss"]["value"] for run in (a, b)]
    assert found["metrics"]["log_loss"]["difference"]["value"] == pytest.approx(recorded[1] - recorded[0], abs=1e-5)
    warned = thalweg.compare(a, b, "sample:iris")
    assert "was trained on rows of sample:iris" in warned["warnings"][0]
    with pytest.raises(thalweg.ConfigError, match="no run's folder"):
        thalweg.compare(a.model, b.model)
    with pytest.raises(TypeError, match="expected a Run"):
        thalweg.compare(a, 3)


def test_cards_say_what_files_say(tmp_path):
    run = thalweg.train(TABLE.assign(kind=KIND), target="kind", **QUICK)
    card = run.card(tmp_path / "card.md")
    assert (tmp_path / "card.md").read_text(encoding="utf-8") == card
    assert "# Model card: `kind`" in card and "On test, by true class" in card
    assert re.search(r"\| `town` \| category \| `north`, `south` \| [23]\d\.\d\s%", card), card
    assert "On test, by true class" not in run.model.card() and "| log loss |" in run.model.card()
