"""The search for better options."""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import _native
from ._options import options_json
from ._rows import dense, is_path
from .display import listeners
from .errors import TrainingInterrupted
from .model import Model
from .run import Run

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._keywords import Options


def tune(data, y=None, *, callbacks=None, verbose=0, **options: Unpack[Options]) -> Study:
    """Search for options that make a better model.

    Parameters
    ----------
    data : path or array
        What the command line takes, or an array whose first axis counts the examples.
    y : array, optional
        The answers to an array's examples.
    callbacks : list of callables, optional
        Each is called with every fact of the search, a dict; the search ends when one returns True.
    verbose : int, default=0
        Whether each trial's end is shown.
    **options
        Every option of the configuration by its name: ``trials=20``, ``search={"learning_rate": "log:1e-4..1e-1"}``,
        ``study="digits.sqlite"``, ...

    Returns
    -------
    Study
        After Ctrl-C it has no best run, and a :class:`~thalweg.TrainingInterrupted` warning tells of it; a path's search
        is gone on with by ``thalweg tune --study``.

    Examples
    --------
    >>> import tempfile, thalweg
    >>> folder = tempfile.mkdtemp()
    >>> study = thalweg.tune(
    ...     "sample:iris", trials=2, seeds=0, folds=1, epochs=5, layers=[8], workers=1,
    ...     search={"learning_rate": "log:1e-3..1e-1"},
    ...     study=f"{folder}/iris.sqlite", out=f"{folder}/run",
    ... )
    >>> len(study.trials)
    2
    """
    listen = listeners([*(callbacks or []), *([_tell] if verbose else [])], 0)
    if is_path(data):
        return _search({**options, "path": str(data)}, listen)
    with tempfile.TemporaryDirectory() as folder:
        # Trials may be other processes': they read the data from a file.
        path = Path(folder) / "data.npz"
        answers = np.asarray(y)
        if answers.dtype.kind not in "biuf":
            raise TypeError("tune() takes arrays with answers that are numbers; name a file for others")
        np.savez(path, x=np.asarray(dense(data)), y=answers)
        return _search({**options, "path": str(path)}, listen)


def _search(options, listen):
    study, stopped = _native.search(options_json(options), listen)
    if stopped:
        warnings.warn("the search was interrupted before its end", TrainingInterrupted, stacklevel=3)
    return Study(study)


class Study:
    """A search: its trials, which options mattered, and the run of the best."""

    def __init__(self, path):
        self.path = Path(path)
        self._about = json.loads(_native.study(path))

    @property
    def objective(self):
        """What was sought, and whether higher is better."""
        return tuple(self._about["objective"])

    @property
    def trials(self):
        """Every trial: number, kind, point, seed, state, value, epochs, seconds, ..."""
        return self._about["trials"]

    @property
    def best(self):
        """The best trial; None where none has ended."""
        return next((trial for trial in self.trials if trial["number"] == self._about["best"]), None)

    @property
    def importance(self):
        """How much each option mattered."""
        return self._about["importance"]

    @property
    def run(self):
        """The run of the best trial; None where the search is not over."""
        return None if self._about["run"] is None else Run.open(self._about["run"])

    @property
    def model(self):
        """The model of the best trial; None where the search is not over."""
        return None if self._about["run"] is None else Model.load(self._about["run"])

    def report(self, path=None):
        """A page of the study; written to a file if one is named."""
        page = _native.study_report(self.path)
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page

    def __repr__(self):
        best = self.best
        told = "" if best is None else f", best {self.objective[0]} {best['value']:.4g} by {best['point']}"
        return f"<Study: {len(self.trials)} trials{told}>"


def _tell(fact):
    if fact["event"] == "trial_ended":
        trial = fact["trial"]
        value = trial["state"] if trial["value"] is None else f"{trial['value']:.4g}"
        print(f"trial {trial['number']}: {value}  {trial['point']}")
