"""Columns that say what they are: texts stay texts, whole numbers keep their digits, booleans stay booleans."""

import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import thalweg
from thalweg import ThalwegClassifier, ThalwegRegressor
from thalweg._frames import columns_of
from thalweg._rows import targets_of

BIG = 2**53 + 1


def cells(frame):
    ((values, kind),) = columns_of(frame).columns.values()
    return values.tolist(), kind


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_whole_numbers_past_2_to_the_53_keep_their_digits(make):
    assert cells(make({"a": [BIG, 1]})) == ([str(BIG), "1"], None)
    assert cells(make({"a": [-BIG, 1]})) == ([str(-BIG), "1"], None)
    assert cells(make({"a": np.array([2**64 - 1, 0], dtype=np.uint64)})) == ([str(2**64 - 1), "0"], None)
    # The greatest that is exact is a number still.
    assert cells(make({"a": [BIG - 1, 1]})) == ([float(BIG - 1), 1.0], "numeric")


def test_missing_cells_and_objects_do_not_round_them_either():
    expected = [str(BIG), None, "1"], None
    frames = [
        pd.DataFrame({"a": pd.array([BIG, None, 1], dtype="Int64")}),
        pd.DataFrame({"a": pd.array([BIG, None, 1], dtype=pd.ArrowDtype(pa.int64()))}),
        pd.DataFrame({"a": np.array([BIG, None, 1], dtype=object)}),
        pl.DataFrame({"a": [BIG, None, 1]}),
        pa.table({"a": [BIG, None, 1]}),
    ]
    assert [cells(frame) for frame in frames] == [expected] * len(frames)
    longest = 10**21 + 7
    assert cells(pd.DataFrame({"a": np.array([longest, 1], dtype=object)})) == ([str(longest), "1"], None)


def test_targets_past_2_to_the_53_are_told_apart():
    names = [str(BIG), str(BIG - 1)]
    for y in (pd.Series([BIG, BIG - 1]), np.array([BIG, BIG - 1]), pl.Series([BIG, BIG - 1]), pa.array([BIG, BIG - 1])):
        (target,) = targets_of(y).values()
        assert list(target) == names
    x = np.arange(40.0)[:, None] % 2
    y = np.where(x[:, 0] > 0, BIG, BIG - 1)
    model = ThalwegClassifier(epochs=30, layers=[4], learning_rate=0.05).fit(x, y)
    assert model.classes_.tolist() == [BIG - 1, BIG]
    assert model.predict([[0.0], [1.0]]).tolist() == [BIG - 1, BIG]


def test_numbers_as_objects_are_numbers():
    values = np.array([decimal.Decimal("1.5"), None, 2], dtype=object)
    read, kind = cells(pd.DataFrame({"a": values}))
    assert (read[0], read[2], kind) == (1.5, 2.0, "numeric") and np.isnan(read[1])


BOOLEANS = [True, False, False, True] * 15
TARGETS = {
    "NumPy": np.array(BOOLEANS),
    "objects": np.array(BOOLEANS, dtype=object),
    "pandas": pd.Series(BOOLEANS),
    "pandas boolean": pd.Series(BOOLEANS, dtype="boolean"),
    "pandas of Arrow's": pd.Series(BOOLEANS, dtype=pd.ArrowDtype(pa.bool_())),
    "polars": pl.Series(BOOLEANS),
    "Arrow": pa.array(BOOLEANS),
    "Arrow in chunks": pa.chunked_array([BOOLEANS[:10], BOOLEANS[10:]]),
}
X = np.where(BOOLEANS, 1.0, -1.0)[:, None] + np.linspace(-0.1, 0.1, 60)[:, None]


@pytest.mark.parametrize("kind", TARGETS)
def test_boolean_targets_come_back_as_booleans(kind):
    model = ThalwegClassifier(epochs=20, layers=[4], learning_rate=0.05).fit(X, TARGETS[kind])
    assert [type(label) for label in model.classes_.tolist()] == [bool, bool]
    assert model.predict(X).tolist() == BOOLEANS
    # Of objects scikit-learn itself knows no accuracy.
    assert kind == "objects" or model.score(X, TARGETS[kind]) == 1.0
    run = thalweg.train(X, TARGETS[kind], epochs=20, layers=[4], learning_rate=0.05, verbose=0)
    assert run.model.predict(X).tolist() == BOOLEANS


@pytest.mark.parametrize("make", [lambda c: pd.DataFrame(c).astype({"y": "boolean"}), pl.DataFrame, pa.table])
def test_boolean_columns_as_targets_come_back_as_booleans(make):
    columns = {"x": X[:, 0], "y": [*BOOLEANS[:-1], None]}
    run = thalweg.train(make(columns), target="y", epochs=20, layers=[4], learning_rate=0.05, verbose=0)
    assert run.model.predict(make(columns)).tolist() == BOOLEANS


@pytest.mark.parametrize("dtype", ["Int64", "Float64", pd.ArrowDtype(pa.int64())])
def test_nullable_numbers_are_answers_as_numbers(dtype):
    y = pd.Series(np.where(BOOLEANS, 3, 1), dtype=dtype)
    model = ThalwegClassifier(epochs=20, layers=[4], learning_rate=0.05).fit(X, y)
    assert model.classes_.tolist() == [1, 3] and model.predict(X).tolist() == y.tolist()


@pytest.mark.parametrize("missing", [pd.Series([True, None] * 30, dtype="boolean"), pl.Series([True, None] * 30)])
def test_missing_answers_are_an_error_of_the_estimators(missing):
    with pytest.raises((ValueError, TypeError)):
        ThalwegClassifier(epochs=1).fit(X, missing)


def test_two_columns_of_one_name_are_an_error():
    frame = pd.DataFrame(np.eye(3), columns=["a", "b", "a"])
    with pytest.raises(thalweg.DataError, match="column 'a': found another column of this name"):
        thalweg.train(frame, [0, 1, 0], verbose=0)


CODES = {
    "leading zeros": ["01", "1", "02", "2"],
    "fractions": ["1.0", "1", "1.10", "1.1"],
    "signs": ["0", "-0", "+0", "00"],
    "many digits": ["9007199254740993", "9007199254740992", "100000000000000000001", "100000000000000000000"],
    "exponents": ["1e3", "1000", "1E3", "1000.0"],
}


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
@pytest.mark.parametrize("kind", CODES)
def test_texts_that_are_one_number_are_told_apart(kind, make):
    which = np.arange(200) * 7 % 4
    codes = [CODES[kind][i] for i in which]
    frame = make({"code": codes, "b": np.random.default_rng(0).normal(size=200)})
    y = np.array([5.0, 0.0, -5.0, 2.0])[which]
    model = ThalwegRegressor(epochs=60, layers=[16], learning_rate=0.02).fit(frame, y)
    assert model.score(frame, y) > 0.95
    # As a target they are four classes, by their names.
    run = thalweg.train(make({"a": y, "code": codes}), target="code", epochs=40, learning_rate=0.05, verbose=0)
    assert sorted(run.model.classes) == sorted(CODES[kind])
    assert run.model.evaluate(make({"a": y, "code": codes}))["accuracy"]["value"] > 0.95
