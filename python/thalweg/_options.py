"""Options, by the names that the configuration has."""

import json

from . import _native


def options():
    """Every option: section, name, default (None where it is decided by the data), meaning and choices.

    Examples
    --------
    >>> import thalweg
    >>> next(option["default"] for option in thalweg.options() if option["name"] == "batch_norm")
    False
    """
    return json.loads(_native.options())


def options_json(options):
    """Options as the library reads them; None is left out."""
    return json.dumps({name: value for name, value in options.items() if value is not None}, default=_plain)


def _plain(value):
    """Numbers and arrays of NumPy, and paths, as JSON has them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "__fspath__"):
        return str(value)
    raise TypeError(f"{value!r} is no value of an option")
