"""What the library says in keywords of functions, said in those of an estimator."""

import functools
import re

from ._options import options
from .errors import ThalwegError

# A value as the library writes one.
VALUE = r"""(?:\[[^\]]*\]|\{[^}]*\}|"(?:[^"\\]|\\.)*"|[\w.+-]+[\w])|\w"""

NAMED = re.compile(rf"(?<![\w\"'.])(\w+)=({VALUE})?")


class Keywords:
    """An estimator's keywords: errors raised within it name these, as does what it is called with."""

    def __init__(self, estimator, renamed):
        self._own, self._renamed = estimator, renamed

    def __call__(self, text):
        """A text with `seed=1` said as `random_state=1`, and with what is no keyword as one of `options`."""
        return NAMED.sub(self._said, text)

    def _said(self, found):
        name, value = found.groups()
        if name not in _known():
            return found[0]
        value = value or ""
        keyword = next((keyword for keyword, option in self._renamed.items() if option == name), name)
        if keyword in self._own.get_params(False):
            return f"{keyword}={value}"
        return f'options={{"{name}": {value or "…"}}}'

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, ThalwegError):
            remedy = error.remedy and self(error.remedy)
            error.args, error.remedy = (self(str(error)), *error.args[1:]), remedy


@functools.cache
def _known():
    return frozenset(option["name"] for option in options())
