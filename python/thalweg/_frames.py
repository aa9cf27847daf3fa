"""Tables with named columns, of pandas, polars, Arrow and whatever else speaks Arrow, taken as they are."""

import sys

import numpy as np


class Columns:
    """Named columns: numbers with NaN, or texts with None, where cells are missing."""

    def __init__(self, columns, rows):
        # Name → (values, kind), the kind None where the texts themselves are to say it.
        self.columns = columns
        self.rows = rows

    def __len__(self):
        return self.rows

    def __getitem__(self, rows):
        """Some rows, by their numbers."""
        return Columns({name: (values[rows], kind) for name, (values, kind) in self.columns.items()}, len(rows))


def is_frame(X):
    """Whether X is a table whose columns have names."""
    names = _names(X)
    return names is not None and len(names) > 0 and all(isinstance(name, str) for name in names)


def columns_of(X):
    """The columns of a table with names."""
    polars, pyarrow = sys.modules.get("polars"), sys.modules.get("pyarrow")
    if polars is not None and isinstance(X, polars.DataFrame):
        return Columns({name: _of_polars(polars, X[name]) for name in X.columns}, X.height)
    if hasattr(X, "iloc"):
        return Columns({name: _of_pandas(X[name]) for name in X.columns}, len(X))
    if pyarrow is None:
        import pyarrow
    table = X if isinstance(X, pyarrow.Table) else pyarrow.table(X)
    return Columns({name: _of_arrow(pyarrow, table[name]) for name in table.column_names}, table.num_rows)


def columns_of_array(X, names):
    """The columns of a matrix, under the names of another table."""
    return Columns({name: _of_numpy(np.asarray(X[:, i])) for i, name in enumerate(names)}, len(X))


def _names(X):
    if hasattr(X, "iloc") or type(X).__module__.startswith("polars"):
        return list(getattr(X, "columns", [])) if getattr(X, "ndim", 2) == 2 else None
    if hasattr(X, "column_names"):
        return list(X.column_names)
    if hasattr(X, "__arrow_c_stream__"):
        return list(getattr(X, "columns", ["unknown"]))
    return None


def texts_of(values):
    """Texts as they are, None for what is missing, numbers and others as Python writes them."""
    cells = np.empty(len(values), dtype=object)
    cells[:] = [None if value is None or value != value else str(value) for value in values]
    return cells


def _dates(times):
    """Dates as texts, with a time of day where one has it."""
    days = times.astype("datetime64[D]")
    at_midnight = (days == times) | np.isnat(times)
    cells = np.datetime_as_string(days if at_midnight.all() else times.astype("datetime64[s]")).astype(object)
    cells[np.isnat(times)] = None
    return cells, "datetime"


def _of_numpy(values):
    kind = values.dtype.kind
    if kind in "iuf":
        return values.astype(np.float64, copy=False), "numeric"
    if kind == "b":
        return texts_of(values.tolist()), "boolean"
    if kind == "M":
        return _dates(values)
    if kind == "m":
        seconds = values / np.timedelta64(1, "s")
        return seconds, "numeric"
    present = [value for value in values.tolist() if value is not None and value == value]
    if all(isinstance(value, bool) for value in present):
        return texts_of(values.tolist()), "boolean" if present else None
    if all(isinstance(value, (int, float, np.number)) for value in present):
        return np.array([np.nan if value is None else value for value in values.tolist()], dtype=np.float64), "numeric"
    return texts_of(values.tolist()), None


def _of_pandas(series):
    kind = series.dtype.kind if isinstance(series.dtype.kind, str) else "O"
    if type(series.dtype).__name__ == "CategoricalDtype":
        return texts_of(series.astype(object).tolist()), "categorical"
    if kind in "iuf":
        return series.to_numpy(dtype=np.float64, na_value=np.nan), "numeric"
    if kind == "M":
        aware = getattr(series.dtype, "tz", None) is not None
        naive = series.dt.tz_convert("UTC").dt.tz_localize(None) if aware else series
        return _dates(naive.to_numpy(dtype="datetime64[ns]"))
    if kind == "m":
        return series.dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan), "numeric"
    if kind == "b":
        values = series.astype(object)
        return texts_of(values.where(series.notna(), None).tolist()), "boolean"
    return _of_numpy(series.astype(object).where(series.notna(), None).to_numpy())


def _of_polars(polars, series):
    kind = series.dtype
    if kind.is_numeric():
        return series.cast(polars.Float64).to_numpy(), "numeric"
    if kind == polars.Boolean:
        return texts_of(series.to_list()), "boolean"
    if kind in (polars.Categorical, polars.Enum):
        return texts_of(series.cast(polars.String).to_list()), "categorical"
    if kind in (polars.Date, polars.Datetime):
        return _dates(series.cast(polars.Datetime("us")).to_numpy().astype("datetime64[us]"))
    if kind == polars.Duration:
        return series.dt.total_microseconds().cast(polars.Float64).to_numpy() / 1e6, "numeric"
    return texts_of(series.to_list()), None


def _of_arrow(pyarrow, column):
    kind, types = column.type, pyarrow.types
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return column.cast(pyarrow.float64()).to_numpy(), "numeric"
    if types.is_boolean(kind):
        return texts_of(column.to_pylist()), "boolean"
    if types.is_dictionary(kind):
        return texts_of(column.to_pylist()), "categorical"
    if types.is_timestamp(kind) or types.is_date(kind):
        return _dates(column.cast(pyarrow.timestamp("us")).to_numpy().astype("datetime64[us]"))
    if types.is_duration(kind):
        return column.cast(pyarrow.duration("us")).to_numpy() / np.timedelta64(1, "s"), "numeric"
    return texts_of(column.to_pylist()), None
