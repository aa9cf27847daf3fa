"""From arrays and tables to rows as the library takes them."""

import json

import numpy as np

from . import _native
from ._frames import Columns, cells_of, columns_of, is_frame

# Numbers of a sparse matrix that are filled in at once.
AT_ONCE = 10_000_000


def rows_of(source, X, y=None, sample_weight=None, names=None):
    """Rows of whatever X is: a table with named columns, or an array whose first axis counts them."""
    X = columns_of(X) if is_frame(X) else _numbers(X)
    return rows(source, X, targets_of(y, names), sample_weight)


def rows(source, X, targets=None, weights=None):
    """Columns, or examples along the first axis of an array, with targets by name and weights where they are known."""
    if isinstance(X, Columns):
        data = _native.Data.table(source, len(X))
        for name, (values, kind) in X.columns.items():
            if isinstance(kind, list):
                data.add_ordered(name, values.tolist(), kind)
            elif values.dtype == object:
                data.add_texts(name, values.tolist(), kind)
            else:
                data.add_numbers(name, np.ascontiguousarray(values, dtype=np.float64))
        taken = set(X.columns)
    else:
        data, taken = _native.Data.arrays(source, np.ascontiguousarray(X)), set()
    for name, values in (targets or {}).items():
        name = _free(name, taken)
        if isinstance(values, list):
            data.add_target_texts(name, values)
        else:
            data.add_target_numbers(name, np.ascontiguousarray(values, dtype=np.float64))
    if weights is not None:
        data.add_weights(_free("sample_weight", taken), np.ascontiguousarray(weights, dtype=np.float64))
    return data


def targets_of(y, names=None):
    """Answers by name, by these where they have none of their own: numbers as they are, others as texts."""
    if y is None:
        return None
    if is_frame(y):
        return {name: _target(cells) for name, (cells, _) in columns_of(y).columns.items()}
    if np.ndim(y) == 1:
        name = getattr(y, "name", None)
        return {str(name if name not in (None, "") else (names or ["y"])[0]): _target(cells_of(y)[0])}
    values, own = np.asarray(y), getattr(y, "columns", None)
    if own is None:
        own = names or [f"y{i}" for i in range(values.shape[1])]
    return {str(name): _target(cells_of(column)[0]) for name, column in zip(own, values.T, strict=True)}


def answers_of(y):
    """Answers as NumPy has them: booleans and nullable numbers, which it may have as objects, by their type."""
    if type(y).__module__.startswith(("polars", "pyarrow")) and not is_frame(y):
        y = np.asarray(y)
    elif hasattr(y, "iloc") and getattr(y, "ndim", 2) == 1:
        own = getattr(y.dtype, "numpy_dtype", y.dtype)
        if own is not y.dtype and getattr(own, "kind", "O") in "biuf" and not y.isna().any():
            return y.to_numpy(dtype=own)
    if isinstance(y, np.ndarray) and y.dtype == object and all(isinstance(value, (bool, np.bool_)) for value in y.flat):
        return y.astype(bool)
    return y


def dense(X):
    """A sparse matrix as an array of the numbers that networks compute with; what is none as it is."""
    if not is_sparse(X):
        return X
    X = X.tocsr()
    filled = np.empty(X.shape, dtype=np.float32)
    at_once = max(1, AT_ONCE // max(1, X.shape[1]))
    for start in range(0, X.shape[0], at_once):
        filled[start : start + at_once] = X[start : start + at_once].toarray()
    return filled


def is_sparse(X):
    """Whether X is a sparse matrix or array of SciPy."""
    return hasattr(X, "tocsr") and hasattr(X, "nnz")


def _target(cells):
    return ["" if text is None else text for text in cells] if cells.dtype == object else cells


def _numbers(X):
    X = np.asarray(dense(X))
    if X.dtype.kind not in "biuf":
        X = X.astype(np.float64)
    return X if X.dtype in (np.float32, np.float64) else X.astype(np.float32)


def _free(name, taken):
    while name in taken:
        name += "_"
    return name


def class_names(classes):
    """A name for each class, as the model file has it: none is read like another, and none is blank."""
    labels = classes.tolist()
    names = [str(int(label)) if isinstance(label, float) and label == int(label) else str(label) for label in labels]
    if len(set(names)) == len(names) and all(name == name.strip() != "" and not _is_whole(name) for name in names):
        return names
    return [json.dumps(str(label), ensure_ascii=False) for label in labels]


def _is_whole(name):
    """Whether a name is a whole number written with a fraction: 3.0 is read like 3."""
    return name.endswith(".0") and name[:-2].lstrip("-").isdigit()


def labels_of(names):
    """The classes of a model file: booleans, whole numbers or numbers where all names are written as such, else texts."""
    if set(names) <= {"True", "False"}:
        return np.array([name == "True" for name in names])
    # What class_names had to quote.
    if all(len(name) > 1 and name[0] == name[-1] == '"' for name in names):
        try:
            return np.array([json.loads(name) for name in names])
        except ValueError:
            return np.array(names)
    for kind in (int, float):
        try:
            labels = [kind(name) for name in names]
        except ValueError:
            continue
        # Nor are 1_0 and nan meant as numbers.
        if len(set(labels)) == len(names) and not any(c in "_n" for name in names for c in name.lower()):
            return np.array(labels)
    return np.array(names)


def is_path(data):
    """Whether data is named by a path."""
    return isinstance(data, str) or hasattr(data, "__fspath__")
