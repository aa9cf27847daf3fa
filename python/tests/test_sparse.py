"""Sparse matrices are taken as scikit-learn's own networks take them: as the numbers that they hold."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import thalweg
from thalweg import ThalwegClassifier, ThalwegRegressor, _rows

QUICK = {"layers": [8], "epochs": 20, "learning_rate": 0.02}
RANDOM = np.random.default_rng(0)
X = np.where(RANDOM.random((90, 12)) < 0.3, RANDOM.normal(size=(90, 12)), 0.0).astype(np.float32)
Y = X[:, 0] - X[:, 1] > 0

FORMS = ("csr", "csc", "coo", "lil", "dok", "bsr")
KINDS = [getattr(sparse, f"{form}_{kind}") for form in FORMS for kind in ("matrix", "array")]


@pytest.mark.parametrize("kind", KINDS)
def test_every_form_gives_what_the_dense_matrix_gives(kind):
    dense = ThalwegClassifier(**QUICK).fit(X, Y)
    model = ThalwegClassifier(**QUICK).fit(kind(X), Y)
    assert model.model_.to_bytes() == dense.model_.to_bytes()
    assert (model.predict_proba(kind(X)) == dense.predict_proba(X)).all()
    assert model.score(kind(X), Y) == dense.score(X, Y)
    assert model.decision_function(kind(X)).tolist() == model.decision_function(X).tolist()


def test_whole_numbers_and_doubles_are_taken():
    counts = sparse.csr_matrix(RANDOM.integers(0, 3, size=(60, 5)))
    y = np.asarray(counts.sum(axis=1)).ravel().astype(float)
    model = ThalwegRegressor(layers=[], epochs=200, learning_rate=0.05).fit(counts, y)
    assert model.score(counts.astype(np.float64), y) > 0.9


def test_weights_validation_rows_and_portions_come_sparse_too():
    rows = sparse.csr_array(X)
    weights = RANDOM.integers(0, 3, size=len(X))
    several = {"sample_weight": weights, "validation_data": (rows[:30], Y[:30])}
    dense = {"sample_weight": weights, "validation_data": (X[:30], Y[:30])}
    model = ThalwegClassifier(**QUICK).fit(rows, Y, **several)
    assert model.model_.to_bytes() == ThalwegClassifier(**QUICK).fit(X, Y, **dense).model_.to_bytes()
    portions = ThalwegClassifier(**QUICK)
    for _ in range(30):
        portions.partial_fit(rows, Y, classes=[False, True])
    assert portions.score(rows, Y) > 0.8


def test_functions_and_models_take_them():
    run = thalweg.train(sparse.csc_array(X), Y, **QUICK, verbose=0)
    assert (run.model.predict(sparse.coo_array(X)) == run.model.predict(X)).all()
    assert run.model.evaluate(sparse.csr_array(X), Y)["accuracy"]["value"] == (run.model.predict(X) == Y).mean()


def test_a_model_of_named_columns_takes_them_in_order():
    names = [f"c{i}" for i in range(X.shape[1])]
    model = ThalwegClassifier(**QUICK).fit(pd.DataFrame(X, columns=names), Y)
    with pytest.warns(UserWarning, match="valid feature names"):
        assert (model.predict(sparse.csr_matrix(X)) == model.predict(pd.DataFrame(X, columns=names))).all()
    columns = pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X), columns=names)
    assert (model.predict(columns) == model.predict(pd.DataFrame(X, columns=names))).all()
    assert (model.model_.predict(sparse.csr_matrix(X)) == model.model_.predict(X)).all()


def test_large_ones_are_filled_in_a_part_at_a_time(monkeypatch):
    monkeypatch.setattr(_rows, "AT_ONCE", 25)
    assert (_rows.dense(sparse.csr_array(X)) == X).all()
    assert _rows.dense(sparse.csr_array((0, 3))).shape == (0, 3)


def test_what_is_not_finite_or_of_another_width_is_refused():
    wrong = X.copy()
    wrong[3, 2] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        ThalwegClassifier(**QUICK).fit(sparse.csr_matrix(wrong), Y)
    with pytest.raises(ValueError, match="11 features"):
        ThalwegClassifier(**QUICK).fit(sparse.csr_matrix(X), Y).predict(sparse.csr_matrix(X[:, 1:]))
