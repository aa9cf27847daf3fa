"""warm_start goes on with the parameters of the fit before: for the same columns and classes, or not at all."""

import numpy as np
import pandas as pd
import pytest

from thalweg import ThalwegClassifier, ThalwegRegressor

QUICK = {"layers": [4], "epochs": 3, "warm_start": True}
X = np.random.default_rng(0).normal(size=(80, 2))
POSITIVE = X[:, 0] > 0
NAMED = pd.DataFrame(X, columns=["a", "b"])


@pytest.mark.parametrize(
    ("before", "now", "named"),
    [
        (np.where(POSITIVE, "yes", "no"), np.where(POSITIVE, "blue", "red"), ["'no', 'yes'", "'blue', 'red'"]),
        (POSITIVE.astype(int), POSITIVE + 1, ["[0, 1]", "[1, 2]"]),
        (POSITIVE.astype(int), np.arange(80) % 3, ["[0, 1]", "[0, 1, 2]"]),
        (POSITIVE.astype(int), np.stack([POSITIVE, ~POSITIVE, POSITIVE], 1).astype(int), ["[0, 1]", "[0, 1, 2]"]),
    ],
)
def test_other_classes_are_an_error_that_names_both(before, now, named):
    model = ThalwegClassifier(**QUICK).fit(X, before)
    kept = model.model_.to_bytes()
    with pytest.raises(ValueError, match="class") as caught:
        model.fit(X, now)
    assert all(part in str(caught.value) for part in named)
    # What it was it still is.
    assert model.classes_.tolist() == np.unique(before).tolist() and model.model_.to_bytes() == kept


def test_other_columns_are_an_error_that_names_both():
    model = ThalwegClassifier(**QUICK).fit(X, POSITIVE)
    with pytest.raises(ValueError, match="3 features.*2 features"):
        model.fit(np.c_[X, X[:, 0]], POSITIVE)
    assert model.n_features_in_ == 2
    named = ThalwegClassifier(**QUICK).fit(NAMED, POSITIVE)
    with pytest.raises(ValueError, match="(?s)unseen at fit time.*- c.*now missing.*- b"):
        named.fit(NAMED.rename(columns={"b": "c"}), POSITIVE)
    with pytest.raises(ValueError, match="same order"):
        named.fit(NAMED[["b", "a"]], POSITIVE)
    assert named.feature_names_in_.tolist() == ["a", "b"]


def test_another_number_of_outputs_is_an_error_that_names_both():
    model = ThalwegRegressor(**QUICK).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="1 outputs.*y has 2"):
        model.fit(X, X)
    assert model.fit(X, X[:, :1].ravel()).predict(X).shape == (80,)


def test_the_same_classes_go_on_and_without_warm_start_any_do():
    model = ThalwegClassifier(layers=[4], epochs=60, learning_rate=0.02, warm_start=True).fit(X, POSITIVE)
    cold = model.loss_curve_[0]
    assert model.fit(X, POSITIVE).loss_curve_[0] < cold / 2
    assert model.fit(NAMED.to_numpy(), POSITIVE).classes_.tolist() == [False, True]
    fresh = ThalwegClassifier(layers=[4], epochs=3).fit(X, np.where(POSITIVE, "yes", "no"))
    assert fresh.fit(np.c_[X, X], np.where(POSITIVE, "red", "blue")).classes_.tolist() == ["blue", "red"]
