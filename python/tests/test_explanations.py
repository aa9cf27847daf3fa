"""Why a model answers as it does: against scikit-learn's inspection of the same model, and closed forms."""

import numpy as np
import pandas as pd
import pytest
import thalweg
from sklearn.datasets import load_diabetes
from sklearn.inspection import partial_dependence, permutation_importance
from thalweg import ThalwegClassifier, ThalwegRegressor

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "size": RNG.uniform(0, 10, 400),
        "place": RNG.choice(["north", "south"], 400),
        "idle": RNG.normal(size=400),
    },
    index=range(1000, 1400),
)
KIND = np.where(TABLE["size"] + 4 * (TABLE["place"] == "south") > 7, "large", "small")


def test_importance_is_scikit_learns():
    X, y = load_diabetes(return_X_y=True)
    model = ThalwegRegressor(layers=[16], epochs=30).fit(X, y)
    theirs = permutation_importance(
        model, X, y, scoring="neg_root_mean_squared_error", n_repeats=30, random_state=0
    ).importances_mean
    ours = model.importance(X, y)
    assert ours["metric"] == "rmse" and ours["rows"] == len(X)
    for column in ours["columns"]:
        expected = theirs[int(column["column"][2:-1])]
        assert column["low"] <= column["value"] <= column["high"]
        assert abs(column["value"] - expected) < 0.1 * abs(expected) + 0.25, column


def test_partial_dependence_is_scikit_learns():
    X, y = load_diabetes(return_X_y=True)
    model = ThalwegRegressor(layers=[16], epochs=30).fit(X, y)
    ours = model.partial_dependence(X, "x[2]")
    grid, [curve] = ours["grid"]["numbers"], ours["curves"]
    theirs = partial_dependence(model, X, [2], custom_values={2: np.array(grid)}, method="brute")
    np.testing.assert_allclose(curve["mean"], theirs["average"][0], rtol=1e-4)
    assert len(curve["rows"]) == 30 and len(ours["deciles"]) == 9


def test_contributions_sum_to_logits():
    model = ThalwegClassifier(layers=[16], epochs=30).fit(TABLE, KIND)
    explained = model.explain(TABLE[:20], background=TABLE, permutations=40)
    assert list(explained.columns) == [
        "baseline", "contribution_size", "contribution_place", "contribution_idle", "standard_error"
    ]
    assert list(explained.index) == list(TABLE.index[:20])
    sums = explained.drop(columns="standard_error").sum(axis=1)
    np.testing.assert_allclose(sums, model.decision_function(TABLE[:20]), atol=1e-6, rtol=1e-6)
    assert (explained["standard_error"] > 0).all()
    pd.testing.assert_frame_equal(explained, model.model_.explain(TABLE[:20], TABLE, permutations=40))


def test_contributions_of_a_linear_model_are_exact():
    X, y = load_diabetes(return_X_y=True)
    model = ThalwegRegressor(layers=[], epochs=30, options={"clip_answers": False}).fit(X, y)
    zero = np.zeros((1, X.shape[1]))
    w = model.predict(np.eye(X.shape[1])) - model.predict(zero)
    explained = model.explain(X[200:210], background=X[:100]).to_numpy()
    np.testing.assert_allclose(explained[:, 1:-1], w * (X[200:210] - X[:100].mean(axis=0)), atol=1e-3)


def test_runs_tell_importance_and_estimators_only_when_asked():
    run = thalweg.train(TABLE.assign(kind=KIND), target="kind", layers=[8], epochs=10, verbose=0)
    assert [column["column"] for column in run.importance["columns"]][-1] == "idle"
    assert "Columns that matter" in run.report()
    found = run.model.importance(TABLE.assign(kind=KIND))
    assert found["metric"] == "log_loss" and found["rows"] == 400
    curve = run.model.partial_dependence(TABLE, "place")
    assert sorted(curve["grid"]["categories"]) == ["north", "south"]
    assert ThalwegClassifier(layers=[8], epochs=2).fit(TABLE, KIND).run_.importance == {}


def test_images_have_no_columns():
    X = RNG.random((40, 8, 8)).astype(np.float32)
    model = ThalwegClassifier(epochs=1).fit(X, np.arange(40) % 2)
    with pytest.raises(thalweg.ConfigError, match="no columns to explain answers by"):
        model.explain(X)
    with pytest.raises(thalweg.ConfigError, match=r'did you mean "place"'):
        thalweg.train(TABLE.assign(kind=KIND), target="kind", epochs=1, verbose=0).model.partial_dependence(TABLE, "plac")
