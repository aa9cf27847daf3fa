"""Dates, lengths of time and clock times of every library: the same as texts of them, none wrapped."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import thalweg
from thalweg import ThalwegRegressor
from thalweg._frames import columns_of

# 0001 to 9999, both sides of what nanoseconds reach, before 1970 too.
TEXTS = ["0001-01-01", "1582-10-15", "1677-09-21", "1969-12-31", "2024-02-29", "2262-04-12", "2300-06-15", "9999-12-31"]
DAYS = np.array(TEXTS, dtype="datetime64[D]")
DATES = [dt.date.fromisoformat(text) for text in TEXTS]
TIMES = [dt.datetime.combine(date, dt.time(7, 8, 9)) for date in DATES]
# Where nanoseconds and zones reach.
NEAR = np.array(["1700-01-01", "1969-12-31", "2024-02-29", "2262-01-01"], dtype="datetime64[D]")


def cells(frame):
    """The cells of a table's only column, and its kind."""
    ((values, kind),) = columns_of(frame).columns.values()
    return values.tolist(), kind


def pandas_of(values):
    return pd.DataFrame({"when": pd.Series(values)})


FRAMES = {
    "pandas datetime64[s]": lambda: pandas_of(DAYS.astype("datetime64[s]")),
    "pandas datetime64[ms]": lambda: pandas_of(DAYS.astype("datetime64[ms]")),
    "pandas datetime64[us]": lambda: pandas_of(DAYS.astype("datetime64[us]")),
    "pandas objects of date": lambda: pandas_of(np.array(DATES, dtype=object)),
    "pandas objects of datetime": lambda: pandas_of(
        np.array([dt.datetime.combine(date, dt.time()) for date in DATES], dtype=object)
    ),
    "pandas objects of Timestamp": lambda: pandas_of(
        np.array([pd.Timestamp(day.astype("datetime64[s]")) for day in DAYS], dtype=object)
    ),
    "pandas of Arrow's dates": lambda: pandas_of(pd.array(DATES, dtype=pd.ArrowDtype(pa.date32()))),
    "pandas periods": lambda: pandas_of(pd.PeriodIndex([pd.Period(text, "D") for text in TEXTS])),
    "Arrow date32": lambda: pa.table({"when": pa.array(DATES, pa.date32())}),
    "Arrow date64": lambda: pa.table({"when": pa.array(DATES, pa.date64())}),
    "Arrow timestamp[s]": lambda: pa.table({"when": pa.array(DAYS.astype("datetime64[s]"))}),
    "Arrow timestamp[ms]": lambda: pa.table({"when": pa.array(DAYS.astype("datetime64[ms]"))}),
    "Arrow timestamp[us]": lambda: pa.table({"when": pa.array(DAYS.astype("datetime64[us]"))}),
    "Arrow timestamp[us, UTC]": lambda: pa.table(
        {"when": pa.array(DAYS.astype("datetime64[us]")).cast(pa.timestamp("us", "UTC"))}
    ),
    "polars Date": lambda: pl.DataFrame({"when": DATES}),
    "polars Datetime[ms]": lambda: pl.DataFrame({"when": DATES}).cast(pl.Datetime("ms")),
    "polars Datetime[us]": lambda: pl.DataFrame({"when": DATES}).cast(pl.Datetime("us")),
    "polars objects": lambda: pl.DataFrame({"when": pl.Series(DATES, dtype=pl.Object)}),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_dates_of_every_library_are_their_iso_texts(kind):
    assert cells(FRAMES[kind]()) == (TEXTS, "datetime")


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_times_of_day_are_kept_in_every_resolution(unit):
    expected = [time.isoformat() for time in TIMES], "datetime"
    times = np.array(TIMES, dtype=f"datetime64[{unit}]")
    assert cells(pandas_of(times)) == expected
    assert cells(pa.table({"when": pa.array(times)})) == expected
    # polars has no resolution of seconds.
    assert unit == "s" or cells(pl.DataFrame({"when": times})) == expected


def test_nanoseconds_are_taken_to_the_second():
    times = NEAR.astype("datetime64[ns]") + np.timedelta64(1, "h") + np.timedelta64(999_999_999, "ns")
    expected = [f"{day}T01:00:00" for day in NEAR], "datetime"
    assert cells(pandas_of(times)) == expected
    assert cells(pa.table({"when": pa.array(times)})) == expected
    assert cells(pl.DataFrame({"when": times})) == expected


def test_zones_are_read_on_utcs_clock():
    zone = dt.timezone(dt.timedelta(hours=-5))
    aware = [dt.datetime(1, 1, 2, 3, tzinfo=zone), dt.datetime(2024, 7, 1, 23, 30, tzinfo=zone)]
    expected = ["0001-01-02T08:00:00", "2024-07-02T04:30:00"], "datetime"
    assert cells(pandas_of(np.array(aware, dtype=object))) == expected
    assert cells(pandas_of(pd.Series(aware).astype("datetime64[us, America/Bogota]"))) == expected
    assert cells(pa.table({"when": pa.array(aware, pa.timestamp("us", "America/Bogota"))})) == expected
    assert cells(pl.DataFrame({"when": pl.Series(aware).cast(pl.Datetime("ms", "America/Bogota"))})) == expected
    # Some with a zone and some without are read as texts of them are.
    mixed = np.array([aware[1], dt.datetime(2024, 7, 1, 23, 30)], dtype=object)
    assert cells(pandas_of(mixed)) == (["2024-07-02T04:30:00", "2024-07-01T23:30:00"], "datetime")


def test_missing_dates_are_missing():
    expected = ["2024-02-29", None, "9999-12-31"], "datetime"
    days = np.array(["2024-02-29", "NaT", "9999-12-31"], dtype="datetime64[s]")
    dates = [dt.date(2024, 2, 29), None, dt.date(9999, 12, 31)]
    frames = [
        pandas_of(days),
        pandas_of(np.array([dates[0], pd.NaT, dates[2]], dtype=object)),
        pandas_of(np.array([dates[0], pd.NA, np.datetime64("9999-12-31")], dtype=object)),
        pa.table({"when": pa.array(dates)}),
        pl.DataFrame({"when": dates}),
    ]
    assert [cells(frame) for frame in frames] == [expected] * len(frames)
    nothing = np.array(["NaT", "NaT"], dtype="datetime64")
    assert cells(pandas_of(nothing.astype("datetime64[s]"))) == ([None, None], "datetime")


@pytest.mark.parametrize("year", ["10000-01-01", "0000-12-31", "-0044-03-15"])
def test_years_that_no_text_has_are_an_error_that_says_so(year):
    frame = pandas_of(np.array([year, "2024-01-01"], dtype="datetime64[s]"))
    with pytest.raises(thalweg.DataError, match="column 'when': found a date of the year .* years from 1 to 9999"):
        columns_of(frame)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_models_answer_alike_to_dates_and_texts(make):
    days = np.datetime64("2300-01-01") + (np.arange(120) * 37 % 3650).astype("timedelta64[D]")
    y = (np.arange(120) * 37 % 3650) / 365
    texts = pd.DataFrame({"when": days.astype(str).astype(object)})
    model = ThalwegRegressor(epochs=40, layers=[8]).fit(texts, y)
    typed = make({"when": days.astype("datetime64[ms]")})
    assert model.model_.predict(typed).tolist() == model.model_.predict(texts).tolist()
    again = ThalwegRegressor(epochs=40, layers=[8]).fit(typed, y)
    assert again.model_.predict(texts).tolist() == model.model_.predict(texts).tolist()


SECONDS = [-1.5, 0.0, 86_400.25, None, 4e9]
LENGTHS = [None if s is None else dt.timedelta(seconds=s) for s in SECONDS]
AS_LENGTHS = {
    **{
        f"pandas timedelta64[{unit}]": lambda unit=unit: pandas_of(np.array(LENGTHS, dtype=f"timedelta64[{unit}]"))
        for unit in ("ms", "us", "ns")
    },
    "pandas objects": lambda: pandas_of(np.array(LENGTHS, dtype=object)),
    "pandas objects of Timedelta": lambda: pandas_of(
        np.array([pd.Timedelta(length) for length in LENGTHS], dtype=object)
    ),
    "pandas of Arrow's": lambda: pandas_of(pd.array(LENGTHS, dtype=pd.ArrowDtype(pa.duration("ns")))),
    **{
        f"Arrow duration[{unit}]": lambda unit=unit: pa.table({"when": pa.array(LENGTHS, pa.duration(unit))})
        for unit in ("ms", "us", "ns")
    },
    **{
        f"polars Duration[{unit}]": lambda unit=unit: pl.DataFrame({"when": pl.Series(LENGTHS).cast(pl.Duration(unit))})
        for unit in ("ms", "us", "ns")
    },
}


@pytest.mark.parametrize("kind", AS_LENGTHS)
def test_lengths_of_time_are_seconds_in_every_resolution(kind):
    values, kind = cells(AS_LENGTHS[kind]())
    assert [None if value != value else value for value in values] == SECONDS and kind == "numeric"


def test_long_lengths_of_time_do_not_wrap():
    # 10,000 years, more than nanoseconds hold.
    days = np.array([3_652_500, -3_652_500], dtype="timedelta64[D]")
    expected = [315_576_000_000.0, -315_576_000_000.0], "numeric"
    assert cells(pandas_of(days.astype("timedelta64[s]"))) == expected
    assert cells(pa.table({"when": pa.array(days.astype("timedelta64[s]"))})) == expected
    assert cells(pl.DataFrame({"when": days.astype("timedelta64[ms]")})) == expected


def test_lengths_without_a_number_of_seconds_are_an_error():
    with pytest.raises(thalweg.DataError, match="no fixed number of seconds"):
        thalweg.train(np.eye(3), np.array([1, 2, 3], dtype="timedelta64[M]"), verbose=0)


def test_clock_times_are_texts():
    times = [dt.time(7, 5), None, dt.time(23, 59, 59, 999_999)]
    expected = ["07:05:00", None, "23:59:59"], None
    assert cells(pandas_of(np.array(times, dtype=object))) == expected
    assert cells(pl.DataFrame({"when": times})) == expected
    whole = [dt.time(7, 5), None, dt.time(23, 59, 59)]
    for kind in (pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")):
        assert cells(pa.table({"when": pa.array(whole, kind)})) == expected
    nanoseconds = pa.array([86_399_999_999_999], pa.time64("ns"))
    assert cells(pa.table({"when": nanoseconds})) == (["23:59:59"], None)


def test_periods_are_the_dates_they_begin_with():
    for periods, expected in [
        (pd.PeriodIndex(["2024Q2", "NaT", "2300Q1"], freq="Q"), ["2024-04-01", None, "2300-01-01"]),
        (pd.PeriodIndex(["2024-02", "9999-12"], freq="M"), ["2024-02-01", "9999-12-01"]),
        (pd.PeriodIndex(["2024", "1999"], freq="Y"), ["2024-01-01", "1999-01-01"]),
        (pd.PeriodIndex(["2024-01-01 05:00", "2024-01-02"], freq="h"), ["2024-01-01T05:00:00", "2024-01-02T00:00:00"]),
    ]:
        assert cells(pandas_of(periods)) == (expected, "datetime")


def test_categories_may_be_dates_and_intervals():
    days = [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02"), pd.NaT, pd.Timestamp("2024-01-01")]
    expected = ["2024-01-01", "2024-01-02", None, "2024-01-01"], "categorical"
    assert cells(pandas_of(pd.Categorical(days))) == expected
    arrow = pa.array([None if day is pd.NaT else day.date() for day in days]).dictionary_encode()
    assert cells(pa.table({"when": arrow})) == expected
    bins = cells(pandas_of(pd.arrays.IntervalArray.from_breaks([0, 1, 2])))
    assert bins == (["(0, 1]", "(1, 2]"], "categorical")
    # The intervals that pandas cuts a range into are in its order.
    assert cells(pandas_of(pd.cut([0.5, 1.5], [0, 1, 2]))) == (bins[0], bins[0])
