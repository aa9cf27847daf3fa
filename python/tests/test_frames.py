"""Tables of pandas, polars and Arrow, taken as they are."""

import datetime
import timeit

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import thalweg
from thalweg import ThalwegClassifier, ThalwegRegressor
from thalweg._frames import columns_of

QUICK = {"layers": [16], "epochs": 60, "learning_rate": 0.01}


def table(rows=240):
    """Columns of every kind, some cells missing; the answer depends on all of them but the noise."""
    random = np.random.default_rng(0)
    size = random.normal(size=rows).round(3)
    colour = random.choice(["red", "green", "blue"], size=rows)
    open_ = random.random(rows) < 0.5
    day = [datetime.datetime(2024, 1, 1) + datetime.timedelta(days=int(d)) for d in random.integers(0, 365, rows)]
    price = 2.0 * size + np.where(colour == "red", 3.0, 0.0) + open_ + [0.01 * d.timetuple().tm_yday for d in day]
    return {
        "size": [None if i % 9 == 0 else float(x) for i, x in enumerate(size)],
        "colour": [None if i % 11 == 0 else str(c) for i, c in enumerate(colour)],
        "open": [None if i % 13 == 0 else bool(o) for i, o in enumerate(open_)],
        "day": day,
    }, price


def pandas_of(columns):
    frame = pd.DataFrame(columns)
    return frame.astype({"colour": "category", "open": "boolean"})


KINDS = {
    "pandas": pandas_of,
    "pandas with Arrow": lambda columns: pd.DataFrame(columns).convert_dtypes(dtype_backend="pyarrow"),
    "polars": lambda columns: pl.DataFrame(columns).with_columns(pl.col("colour").cast(pl.Categorical)),
    "Arrow": lambda columns: pa.table({**columns, "colour": pa.array(columns["colour"]).dictionary_encode()}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_is_taken_as_it_is(kind):
    columns, price = table()
    frame = KINDS[kind](columns)
    model = ThalwegRegressor(**QUICK).fit(frame, price)
    assert model.score(frame, price) > 0.8
    assert model.n_features_in_ == 4
    assert model.model_.columns == ["size", "colour", "open", "day"]


def test_every_kind_of_table_gives_the_same_model():
    columns, price = table()
    models = {kind: ThalwegRegressor(**QUICK).fit(make(columns), price) for kind, make in KINDS.items()}
    first = models["pandas"].model_.to_bytes()
    assert [kind for kind, model in models.items() if model.model_.to_bytes() != first] == []
    answers = [models["pandas"].predict(make(columns)) for make in KINDS.values()]
    assert all((other == answers[0]).all() for other in answers)


def test_numbers_categories_and_what_is_missing_are_told_apart():
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3] * 20, dtype="Int64"),
            "code": pd.Categorical([10, 20, 30] * 20),
            "flag": [True, False, True] * 20,
            "text": ["NA", "?", "none"] * 20,
        }
    )
    y = np.tile([0.0, 1.0, 2.0], 20)
    model = ThalwegRegressor(**QUICK, validation_fraction=0).fit(frame, y)
    assert model.score(frame, y) > 0.9
    unseen = pd.DataFrame({"whole": [2], "code": [99], "flag": [None], "text": ["other"]})
    assert np.isfinite(model.predict(unseen)).all()


def test_an_ordered_category_has_the_order_of_its_type():
    size = pd.Categorical(["mini", "maxi", None, "midi"] * 30, categories=["mini", "midi", "maxi"], ordered=True)
    frame, y = pd.DataFrame({"size": size}), np.arange(120) % 4
    assert columns_of(frame).columns["size"][1] == ["mini", "midi", "maxi"]
    card = ThalwegRegressor(**QUICK).fit(frame, y).model_.card()
    assert "| `size` | ordered category | `mini` < `midi` < `maxi` |" in card
    for options in [{"edition": 1}, {"kinds": {"size": "categorical"}}]:
        card = ThalwegRegressor(**QUICK, options=options).fit(frame, y).model_.card()
        assert "| `size` | category | `maxi`, `midi`, `mini` |" in card
    frame["size"] = frame["size"].cat.as_unordered()
    assert "| `size` | category |" in ThalwegRegressor(**QUICK).fit(frame, y).model_.card()


def test_columns_are_found_by_name_and_checked():
    columns, price = table()
    frame = pandas_of(columns)
    y = np.where(price > np.median(price), "dear", "cheap")
    model = ThalwegClassifier(**QUICK).fit(frame, y)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"size": "sise"}))
    # The model itself finds columns by name.
    shuffled = frame[["day", "open", "size", "colour"]]
    assert (model.model_.predict(shuffled) == model.predict(frame)).all()
    with pytest.raises(thalweg.DataError, match='did you mean "sise"'):
        model.model_.predict(frame.rename(columns={"size": "sise"}))
    named = model.model_.predict_proba(pl.DataFrame(columns))
    assert np.allclose(named, model.predict_proba(frame))


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_estimators_want_the_columns_of_the_fit_and_the_model_finds_them(make):
    a, b = np.random.default_rng(0).normal(size=(2, 80))
    frame = make({"a": a, "b": b})
    model = ThalwegRegressor(layers=[4], epochs=20).fit(frame, 2 * a - b)
    reordered, more = make({"b": b, "a": a}), make({"a": a, "c": b, "b": b})
    with pytest.raises(ValueError, match="same order"):
        model.predict(reordered)
    with pytest.raises(ValueError, match="unseen at fit time:\n- c"):
        model.predict(more)
    for other in (reordered, more):
        assert (model.model_.predict(other) == model.predict(frame)).all()


def test_weights_and_validation_rows_come_with_tables():
    columns, price = table()
    frame = pandas_of(columns)
    weights = np.random.default_rng(0).integers(0, 3, size=len(frame))
    model = ThalwegRegressor(**QUICK)
    weighted = model.fit(frame, price, sample_weight=weights, validation_data=(frame[:50], price[:50])).model_
    repeated = frame.loc[frame.index.repeat(weights)]
    again = model.fit(repeated, price.repeat(weights), validation_data=(frame[:50], price[:50])).model_
    assert weighted.to_bytes() == again.to_bytes()
    fractions = ThalwegRegressor(**QUICK).fit(frame, price, sample_weight=weights + 0.5)
    assert fractions.score(frame, price) > 0.8


def test_a_tables_own_columns_may_be_called_like_ours():
    frame = pd.DataFrame({"y": np.arange(100.0) % 7, "sample_weight": np.arange(100.0) % 5})
    model = ThalwegRegressor(**QUICK).fit(frame, frame["y"] * 2, sample_weight=np.full(100, 0.5))
    assert model.score(frame, frame["y"] * 2) > 0.9


def test_partial_fit_takes_tables():
    columns, price = table()
    frame = pandas_of(columns)
    model = ThalwegRegressor(layers=[16], learning_rate=0.01)
    for _ in range(40):
        model.partial_fit(frame, price)
    assert model.score(frame, price) > 0.7


def test_numbers_without_names_are_an_array():
    X = np.random.default_rng(0).normal(size=(100, 3))
    y = X[:, 0]
    plain = ThalwegRegressor(**QUICK).fit(X, y)
    unnamed = ThalwegRegressor(**QUICK).fit(pd.DataFrame(X), pd.Series(y))
    assert plain.model_.to_bytes() == unnamed.model_.to_bytes()
    named = ThalwegRegressor(**QUICK).fit(pd.DataFrame(X, columns=["a", "b", "c"]), y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        assert named.predict(X).shape == (100,)


def test_many_columns_cost_little_more_than_a_matrix():
    X = np.random.default_rng(0).normal(size=(50, 3000))
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    columns = columns_of(frame).columns
    assert list(columns) == list(frame.columns)
    assert all((columns[name][0] == X[:, i]).all() for i, name in enumerate(frame.columns))
    # Frames of several blocks and of 32-bit numbers, too.
    mixed = pd.concat([frame, pd.DataFrame({"n": np.arange(50), "t": ["x"] * 50})], axis=1)
    assert columns_of(mixed).columns["t"][0].tolist() == ["x"] * 50
    assert columns_of(frame.astype(np.float32)).columns["c7"][0].tolist() == X[:, 7].astype(np.float32).tolist()

    def seconds(rows, answers):
        model = ThalwegRegressor(layers=[4], epochs=1)
        return min(timeit.repeat(lambda: model.fit(rows, answers), number=1, repeat=3))

    # Twice the columns cost about twice the time, not four times.
    y = X[:, 0]
    assert seconds(frame, y) < 4 * seconds(frame.iloc[:, :1500], y)


def test_lengths_of_time_are_seconds():
    seconds = np.arange(90.0) % 30
    lengths = [None if i % 10 == 9 else datetime.timedelta(seconds=float(s)) for i, s in enumerate(seconds)]
    frames = [pd.DataFrame({"time": lengths}), pl.DataFrame({"time": lengths}), pa.table({"time": lengths})]
    models = [ThalwegRegressor(layers=[], epochs=5).fit(frame, seconds).model_.to_bytes() for frame in frames]
    assert models[0] == models[1] == models[2]
