"""Tables with named columns, of pandas, polars, Arrow and whatever else speaks Arrow, taken as they are."""

import datetime
import decimal
import numbers
import sys

import numpy as np

from . import _times
from .errors import DataError

# Beyond it not every whole number is a float64.
EXACT = 2**53
# Categories in an order, each of which becomes an input.
MOST_LEVELS = 64


class Columns:
    """Named columns: numbers with NaN, or texts with None, where cells are missing."""

    def __init__(self, columns, rows):
        # Name → (values, kind), the kind None where the texts themselves are to say it, and a list of categories, the
        # lowest first, where these have an order.
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
        return _columns(X.columns, X.get_columns(), X.height)
    if hasattr(X, "iloc"):
        # Many columns of one type are one matrix within, and one by one they would cost more than their numbers.
        kinds = set(X.dtypes)
        plain = len(kinds) == 1 and getattr(kinds.pop(), "str", "")[1:] in ("f4", "f8")
        columns = np.ascontiguousarray(X.to_numpy().T) if plain else (series for _, series in X.items())
        return _columns(X.columns.tolist(), columns, len(X))
    if pyarrow is None:
        import pyarrow
    table = X if isinstance(X, pyarrow.Table) else pyarrow.table(X)
    return _columns(table.column_names, table.columns, table.num_rows)


def columns_of_array(X, names):
    """The columns of a matrix, under the names of another table."""
    return _columns(names, X.T, len(X))


def cells_of(values):
    """The cells of a column of whatever library, and their kind: numbers with NaN or texts with None where missing."""
    polars, pyarrow = sys.modules.get("polars"), sys.modules.get("pyarrow")
    if polars is not None and isinstance(values, polars.Series):
        return _of_polars(polars, values)
    if hasattr(values, "iloc"):
        return _of_pandas(values)
    if pyarrow is not None and isinstance(values, (pyarrow.Array, pyarrow.ChunkedArray)):
        return _of_arrow(pyarrow, values)
    return _of_numpy(np.asarray(values))


def texts_of(values):
    """Texts as they are, None for what is missing, numbers and others as Python writes them."""
    cells = np.empty(len(values), dtype=object)
    cells[:] = [value if isinstance(value, str) else None if _is_absent(value) else str(value) for value in values]
    return cells


def _columns(names, all_values, rows):
    columns = {}
    for name, values in zip(names, all_values, strict=True):
        place = f"column {name!r}"
        if name in columns:
            raise DataError.of("found another column of this name", place, "give each column a name of its own")
        try:
            columns[name] = cells_of(values)
        except DataError as error:
            raise DataError(f"{place}: {error}", place, error.remedy) from None
    return Columns(columns, rows)


def _names(X):
    if hasattr(X, "iloc"):
        return X.columns.tolist() if getattr(X, "ndim", 2) == 2 else None
    if type(X).__module__.startswith("polars"):
        return list(getattr(X, "columns", []))
    if hasattr(X, "column_names"):
        return list(X.column_names)
    # A chunked array is one column.
    if hasattr(X, "__arrow_c_stream__") and not hasattr(X, "chunks"):
        return list(getattr(X, "columns", ["unknown"]))
    return None


def _is_absent(value):
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        # Whether NA is itself pandas does not say; nor do arrays.
        return type(value).__name__ == "NAType"


def _whole(low, high, floats, exact):
    """Whole numbers between two, as floats, or as texts of their digits where floats would round them."""
    if low is not None and high is not None and (low < -EXACT or high > EXACT):
        return texts_of(exact()), None
    return floats(), "numeric"


def _of_numpy(values):
    kind = values.dtype.kind
    if kind in "iu":
        low, high = (int(values.min()), int(values.max())) if values.size else (None, None)
        return _whole(low, high, lambda: values.astype(np.float64), values.tolist)
    if kind == "f":
        return values.astype(np.float64, copy=False), "numeric"
    if kind == "b":
        return texts_of(values.tolist()), "boolean"
    if kind == "M":
        return _times.dates(values)
    if kind == "m":
        return _times.lengths(values)
    return _of_objects(values if kind == "O" else values.tolist())


def _of_objects(values):
    """Objects are what all of them are; else they are texts."""
    values = [None if _is_absent(value) else value for value in values]
    present = [value for value in values if value is not None]

    def every(*kinds):
        return all(isinstance(value, kinds) for value in present)

    if not present or every(str):
        return texts_of(values), None
    if every(bool, np.bool_):
        return texts_of(values), "boolean"
    if every(numbers.Integral):
        return _whole(min(present), max(present), lambda: _floats(values), lambda: values)
    if every(numbers.Real, decimal.Decimal):
        return _floats(values), "numeric"
    if every(datetime.date, np.datetime64):
        return _times.dates_of_objects(values)
    if every(datetime.timedelta, np.timedelta64):
        return _times.lengths_of_objects(values)
    if every(datetime.time):
        return _times.clock(values)
    return texts_of(values), None


def _floats(values):
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)


def _of_categories(values):
    """Categories as texts, dates among them as other columns' dates are."""
    cells, _ = _of_objects(values)
    return (cells if cells.dtype == object else texts_of(values)), "categorical"


def _order(categories):
    """Categories as texts in their order; None where there are very many, or where texts cannot tell them apart."""
    levels = texts_of(categories).tolist()
    distinct = len({level.lower() for level in levels}) == len(levels)
    plain = all(level and "<" not in level[1:] and level.strip() == level for level in levels)
    return levels if 2 <= len(levels) <= MOST_LEVELS and distinct and plain else None


def _of_pandas(series):
    dtype = series.dtype
    name, kind = type(dtype).__name__, dtype.kind if isinstance(dtype.kind, str) else "O"
    if name == "ArrowDtype":
        import pyarrow

        return _of_arrow(pyarrow, pyarrow.array(series.array))
    if name == "CategoricalDtype":
        cells, kind = _of_categories(series.astype(object).tolist())
        return cells, (_order(dtype.categories.tolist()) if dtype.ordered else None) or kind
    if name == "PeriodDtype":
        # A period is the second it begins with.
        return _times.dates(series.array.asfreq("s", how="start").astype(np.int64).view("datetime64[s]"))
    if name == "IntervalDtype":
        return texts_of(series.tolist()), "categorical"
    if name == "SparseDtype":
        return _of_numpy(np.asarray(series))
    if kind in "iu":
        low, high = (int(series.min()), int(series.max())) if series.notna().any() else (None, None)
        return _whole(low, high, lambda: series.to_numpy(dtype=np.float64, na_value=np.nan), series.tolist)
    if kind == "f":
        return series.to_numpy(dtype=np.float64, na_value=np.nan), "numeric"
    if kind == "M":
        aware = getattr(dtype, "tz", None) is not None
        return _times.dates((series.dt.tz_convert("UTC").dt.tz_localize(None) if aware else series).to_numpy())
    if kind == "m":
        return _times.lengths(series.to_numpy())
    if kind == "b":
        return texts_of(series.tolist()), "boolean"
    return _of_objects(series.tolist())


def _of_polars(polars, series):
    kind = series.dtype
    if kind.is_integer():
        return _whole(series.min(), series.max(), series.cast(polars.Float64).to_numpy, series.to_list)
    if kind.is_numeric():
        return series.cast(polars.Float64).to_numpy(), "numeric"
    if kind == polars.Boolean:
        return texts_of(series.to_list()), "boolean"
    if kind in (polars.Categorical, polars.Enum):
        return texts_of(series.cast(polars.String).to_list()), "categorical"
    if kind in (polars.Date, polars.Datetime, polars.Duration):
        counts = series.to_physical().cast(polars.Int64).fill_null(_times.NONE).to_numpy()
        unit = "D" if kind == polars.Date else kind.time_unit
        if kind == polars.Duration:
            return _times.lengths(counts.view(f"timedelta64[{unit}]"))
        return _times.dates(counts.view(f"datetime64[{unit}]"))
    return _of_objects(series.to_list())


def _of_arrow(pyarrow, column):
    kind, types = column.type, pyarrow.types
    if types.is_integer(kind):
        import pyarrow.compute

        ends = pyarrow.compute.min_max(column).as_py()
        return _whole(ends["min"], ends["max"], lambda: _numpy(column.cast(pyarrow.float64())), column.to_pylist)
    if types.is_floating(kind) or types.is_decimal(kind):
        return _numpy(column.cast(pyarrow.float64())), "numeric"
    if types.is_boolean(kind):
        return texts_of(column.to_pylist()), "boolean"
    if types.is_dictionary(kind):
        return _of_categories(column.to_pylist())
    if types.is_timestamp(kind) or types.is_date(kind):
        return _times.dates(_numpy(column))
    if types.is_duration(kind):
        return _times.lengths(_numpy(column))
    if types.is_time(kind):
        return _times.clock(column.cast(pyarrow.time64("us"), safe=False).to_pylist())
    return _of_objects(column.to_pylist())


def _numpy(column):
    """Arrow's numbers and times as NumPy's, copied where cells are missing."""
    return column.to_numpy() if hasattr(column, "chunks") else column.to_numpy(zero_copy_only=False)
