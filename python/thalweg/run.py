"""Training: from data to a run, with its model, its history and its report."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import numpy as np

from . import _native
from ._options import options_json
from ._rows import is_path, rows_of
from .display import listeners
from .errors import TrainingInterrupted
from .model import Model, written

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._keywords import Options
    from .series import Series


def train(
    data,
    y=None,
    *,
    sample_weight=None,
    validation_data=None,
    callbacks=None,
    verbose=1,
    **options: Unpack[Options],
) -> Run | Series:
    """Train a network.

    Parameters
    ----------
    data : str, path, DataFrame or array
        What the command line takes: a file, a folder of pictures or sounds, ``"sample:digits"``. A path is trained on
        in a run folder, as ``thalweg train`` does. Or a table of pandas, polars or Arrow, or an array (or sparse
        matrix) whose first axis counts the examples: these are trained on in memory. A table's columns are what their
        types say: texts stay texts (``"01"`` and ``"1"`` are two), whole numbers past 2⁵³ are texts of their digits, dates of
        any resolution are dates (years 1 to 9999), and lengths of time are seconds.
    y : array, list or Series, optional
        The answers, where they are not in the table; ``target="price"`` names them where they are.
    sample_weight : array, optional
        A weight for each row.
    validation_data : tuple (data, y) or DataFrame, optional
        Rows that choose the best epoch, besides those trained on.
    callbacks : list of callables, optional
        Each is called with every event, a dict; training ends when one returns True.
    verbose : int, default=1
        Whether progress is shown (0: not).
    **options
        Every option of the configuration by its name, such as ``layers=[64]`` or ``epochs=20``;
        :func:`thalweg.options` lists them. With ``folds=5`` there are as many runs, each with another fold of the rows
        as its test part, and with ``seeds=5`` as many on the same rows, each with another seed (in :func:`thalweg.tune`
        these options are about its trials).

    Returns
    -------
    Run, or Series where folds or seeds are given
        After Ctrl-C, too: with the best parameters so far, and a :class:`~thalweg.TrainingInterrupted` warning.

    Examples
    --------
    >>> import thalweg
    >>> x = [[i % 7, i % 5] for i in range(200)]
    >>> run = thalweg.train(x, [a + b for a, b in x], task="regression", layers=[16], verbose=0)
    >>> round(float(run.model.predict([[3, 4]])[0]))
    7
    """
    listen = listeners(callbacks, verbose)
    folds, seeds = options.pop("folds", None), options.pop("seeds", None)
    if folds is not None and seeds is not None:
        raise TypeError("folds and seeds are given; train with one of them")
    several = {"folds": folds, "seeds": seeds} if folds is not None or seeds is not None else None
    if is_path(data):
        for name, value in {"y": y, "sample_weight": sample_weight, "validation_data": validation_data}.items():
            if value is not None:
                raise TypeError(f"{name} goes with data in memory; name files by the options target, weight and dev")
        given = options_json({**options, "path": str(data)})
        if several:
            run = _native.train_series(given, **several, callback=listen)
        else:
            run = _native.train_path(given, listen)
    else:
        rows = rows_of("the data", data, y, sample_weight)
        dev = None
        if validation_data is not None:
            pair = validation_data if isinstance(validation_data, tuple) else (validation_data,)
            dev = rows_of("the validation data", *pair)
        given = options_json({"missing": [""], **options})
        if several:
            run = _native.train_series(given, **several, data=rows, dev=dev, callback=listen)
        else:
            run = _native.train(given, rows, dev, None, listen, [])
    if run.interrupted:
        message = "training was interrupted; the best parameters so far are kept"
        warnings.warn(message, TrainingInterrupted, stacklevel=2)
    if several:
        from .series import Series

        return Series(run)
    return Run(run)


class Run:
    """What training came to: the model, and everything told on the way."""

    def __init__(self, native, said=str):
        self._native = native
        self.model = Model(native.model)
        self.events = json.loads(native.events())
        for event in self.events:
            for part in ("flag", "message"):
                if part in event:
                    event[part] = said(event[part])

    @classmethod
    def open(cls, folder):
        """Open the folder of a run that is finished."""
        return cls(_native.open_run(folder))

    @property
    def folder(self):
        """Its folder; None where it was trained in memory."""
        return self._native.folder

    @property
    def end(self):
        """Why it ended, in words."""
        return self._last("finished").get("reason")

    @property
    def history(self):
        """What was measured in each epoch: epoch, cost, dev_loss, dev, learning_rate, seconds, best."""
        return [event for event in self.events if event["event"] == "epoch_ended"]

    @property
    def metrics(self):
        """The metrics on each part, each with its 95 % interval: ``run.metrics["dev"]["accuracy"]["value"]``."""
        return self._last("finished").get("metrics", {})

    @property
    def baselines(self):
        """The metrics of simple models on dev and test, by what they are: ``run.baselines["mean"]["dev"]["rmse"]``."""
        return {event["name"]: event["metrics"] for event in self.events if event["event"] == "baseline"}

    @property
    def forecast(self):
        """How good forecasts from each step of test are, beside simple ones: ``run.forecast["forecasters"][0]["all"]["rmse"]``;
        empty where there are none."""
        return {name: value for name, value in self._last("forecast").items() if name != "event"}

    @property
    def decisions(self):
        """What was decided, why, and the keyword (``flag``) that decides otherwise."""
        return [event for event in self.events if event["event"] == "decision"]

    @property
    def warnings(self):
        """What one should know."""
        return [event["message"] for event in self.events if event["event"] == "warning"]

    @property
    def importance(self):
        """How much each column matters, as :meth:`Model.importance` on test (or dev); empty where it was not told."""
        return {name: value for name, value in self._last("importance").items() if name != "event"}

    def doctor(self, human_level=None):
        """What is wrong with the run, the most important first: causes before what follows from them.

        The events are looked at and, where the run has a folder, its data.

        Parameters
        ----------
        human_level : float, optional
            The error of people at the task, from 0 to 1: the bias beyond it is avoidable.

        Returns
        -------
        list of dict
            Each has a ``code``, a ``severity`` (severe, warning or hint), ``what`` is wrong, its ``evidence``, ``because``
            (the code that it follows from, or None) and a ``prescription``: ``advice`` in words, ``options`` to train
            with, as in ``thalweg.train(data, **options)``, and what is ``expected`` of it.
        """
        return json.loads(self._native.findings(human_level))

    def report(self, path=None):
        """The report, one self-contained HTML page; written to a file if one is named."""
        return written(self._native.report(), path)

    def card(self, path=None):
        """The model card in Markdown (Mitchell et al. 2019); written to a file if one is named.

        What the model predicts, from which columns, its data and how it was trained, its metrics and errors, and what
        limits it.
        """
        return written(self._native.card(), path)

    def plot(self, axes=None):
        """Draw the learning curves with matplotlib.

        Parameters
        ----------
        axes : matplotlib axes, optional
            Where to draw; a new figure unless given.

        Returns
        -------
        matplotlib axes
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise ImportError("plot() needs matplotlib: pip install matplotlib") from error
        axes = axes if axes is not None else plt.subplots()[1]
        epochs = [epoch["epoch"] for epoch in self.history]
        curves = {"train cost": "cost", "dev loss": "dev_loss"}
        for label, name in curves.items():
            values = [np.nan if epoch[name] is None else epoch[name] for epoch in self.history]
            if not np.isnan(values).all():
                axes.plot(epochs, values, label=label)
        best = [epoch["epoch"] for epoch in self.history if epoch["best"]]
        if best:
            axes.axvline(best[-1], color="0.7", linewidth=1, zorder=0)
        axes.set_xlabel("epoch")
        axes.set_ylabel("cost")
        axes.legend()
        return axes

    def _last(self, name):
        return next((event for event in reversed(self.events) if event["event"] == name), {})

    def __repr__(self):
        return f"<Run: {len(self.history)} epochs, {self.end}; {self.model!r}>"

    def _repr_html_(self):
        from .display import run_html

        return run_html(self, dict(self._native.figures()))
