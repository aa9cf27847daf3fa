"""Dates, lengths of time and clock times as cells, none of them wrapped or rounded on the way."""

import datetime

import numpy as np

from .errors import DataError

# What a cell's date may be, as text has it.
YEARS = (1, 9999)

# Seconds in NumPy's units; those below a second by how many make one.
LONGER = {"s": 1, "m": 60, "h": 3600, "D": 86_400, "W": 604_800}
SHORTER = {"ms": 10**3, "us": 10**6, "ns": 10**9, "ps": 10**12, "fs": 10**15, "as": 10**18}

# NumPy's count for no date and no length of time.
NONE = np.iinfo(np.int64).min


def dates(times):
    """Dates of any resolution as texts, to the second, with a time of day where one has it."""
    absent = np.isnat(times)
    _check_years(times[~absent])
    # By way of seconds, in which no year overflows.
    seconds = times.astype("datetime64[s]")
    days = seconds.astype("datetime64[D]")
    at_midnight = absent | (days.astype("datetime64[s]") == seconds)
    cells = np.datetime_as_string(days if at_midnight.all() else seconds).astype(object)
    cells[absent] = None
    return cells, "datetime"


def dates_of_objects(values):
    """The dates of objects of datetime, pandas and NumPy, on UTC's clock where they have a zone; None is missing."""
    return dates(np.array([_date(value) for value in values], dtype="datetime64[s]"))


def lengths(times):
    """Lengths of time of any resolution as seconds."""
    unit, each = np.datetime_data(times.dtype)
    absent, counts = np.isnat(times), times.astype(np.int64)
    if absent.all():
        return np.full(len(times), np.nan), "numeric"
    if unit in LONGER:
        seconds = counts.astype(np.float64) * (each * LONGER[unit])
    elif unit in SHORTER:
        # Whole seconds apart from the rest: both are exact, and every resolution gives the same number.
        per = SHORTER[unit]
        whole, rest = np.divmod(counts, per)
        seconds = (whole + rest / per) * each
    else:
        what = "no unit" if unit == "generic" else f"the unit {unit!r}, which has no fixed number of seconds"
        raise DataError.of(f"found lengths of time with {what}", remedy="give them in days, hours or seconds")
    seconds[absent] = np.nan
    return seconds, "numeric"


def lengths_of_objects(values):
    """The lengths of objects of datetime, pandas and NumPy, as seconds; None is missing."""
    return np.array([_length(value) for value in values], dtype=np.float64), "numeric"


def clock(values):
    """Times of day as texts, to the second."""
    cells = np.empty(len(values), dtype=object)
    cells[:] = [None if value is None else value.isoformat("seconds")[:8] for value in values]
    return cells, None


def _date(value):
    if value is None or isinstance(value, np.datetime64):
        return np.datetime64("NaT") if value is None else value.astype("datetime64[s]")
    if not isinstance(value, datetime.datetime):
        return np.datetime64(value, "s")
    offset = value.utcoffset()
    naive = np.datetime64(value.replace(tzinfo=None).isoformat()).astype("datetime64[s]")
    return naive if offset is None else naive - np.timedelta64(round(offset.total_seconds()), "s")


def _length(value):
    if value is None:
        return np.nan
    if not isinstance(value, np.timedelta64):
        exact = getattr(value, "to_timedelta64", None)
        if exact is None:
            return value.total_seconds()
        value = exact()
    return lengths(np.array([value]))[0][0]


def _check_years(times):
    years = times.astype("datetime64[Y]").astype(np.int64) + 1970
    wrong = (years < YEARS[0]) | (years > YEARS[1])
    if wrong.any():
        found = f"found a date of the year {years[wrong][0]}, expected years from {YEARS[0]} to {YEARS[1]}"
        raise DataError.of(found, remedy="correct the date, or leave the cell empty")
