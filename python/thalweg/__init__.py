"""Thalweg trains neural networks: from a table to a checked, exported network.

Examples
--------
>>> from thalweg import ThalwegClassifier
>>> X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] * 8
>>> y = ["same", "other", "other", "same"] * 8
>>> model = ThalwegClassifier(layers=[16], learning_rate=0.02, validation_fraction=0).fit(X, y)
>>> model.predict([[0, 1], [1, 1]]).tolist()
['other', 'same']
"""

from importlib import import_module

from .errors import (
    CheckError,
    ConfigError,
    DataError,
    DivergedError,
    InternalError,
    ThalwegError,
    TrainingInterrupted,
)

# What takes time to import is imported when it is first used.
_LAZY = {
    "Model": ".model",
    "Network": ".network",
    "Run": ".run",
    "Series": ".series",
    "Study": ".tuning",
    "ThalwegClassifier": ".estimators",
    "ThalwegRegressor": ".estimators",
    "check_gradients": ".network",
    "compare": ".comparing",
    "options": "._options",
    "train": ".run",
    "tune": ".tuning",
}

__all__ = [
    "CheckError",
    "ConfigError",
    "DataError",
    "DivergedError",
    "InternalError",
    "ThalwegError",
    "TrainingInterrupted",
    "__version__",
    *_LAZY,
]


def __getattr__(name):
    if name == "__version__":
        return import_module("._native", __name__).VERSION
    if name in _LAZY:
        return getattr(import_module(_LAZY[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
