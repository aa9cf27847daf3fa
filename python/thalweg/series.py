"""Several runs of one configuration, on folds of the rows or with other seeds."""

import json

import numpy as np

from .run import Run


class Series:
    """What several runs came to: the mean and the spread of each metric, and answers to rows not trained on.

    Examples
    --------
    >>> import thalweg
    >>> x = [[i % 7, i % 5] for i in range(200)]
    >>> series = thalweg.train(
    ...     x, [a + b for a, b in x], task="regression", layers=[16], verbose=0, folds=4
    ... )
    >>> series.means["r2"] > 0.9, len(series.out_of_fold["prediction"])
    (True, 200)
    """

    def __init__(self, native):
        self._native = native
        self._summary = json.loads(native.summary())

    @property
    def folder(self):
        """Its folder; None where it was trained in memory."""
        return self._native.folder

    @property
    def means(self):
        """The mean of each metric over the runs, on test: ``series.means["accuracy"]``."""
        return {name: metric["mean"] for name, metric in self._summary["metrics"].items()}

    @property
    def spreads(self):
        """The standard deviation of each metric over the runs; None of a single one."""
        return {name: metric["spread"] for name, metric in self._summary["metrics"].items()}

    @property
    def metrics(self):
        """The metrics of each run, with 95 % intervals, in the order of the folds or seeds."""
        return [run["metrics"] for run in self._summary["runs"]]

    @property
    def runs(self):
        """Each run that has ended, with its model."""
        return [Run(run) for run in self._native.runs()]

    @property
    def out_of_fold(self):
        """The answer to each row by the run that was not trained on it; None where the runs differ in their seeds.

        A dict of arrays as long as each other, in the order of the rows: ``row`` (counted from 0, or ``line`` of a file),
        ``fold``, ``target``, ``prediction`` and ``probability_<class>`` for classes; ``target_<name>`` and
        ``prediction_<name>`` where there are several targets. ``pandas.DataFrame(series.out_of_fold)`` is a table of it.
        """
        found = self._native.out_of_fold()
        if found is None:
            return None
        places, folds, targets, predictions, probabilities = found
        several, numbers = self._summary["targets"], self._summary["task"] == "regression"
        columns = {"row" if self.folder is None else "line": np.array(places), "fold": np.array(folds)}
        for kind, cells in (("target", targets), ("prediction", predictions)):
            for name, texts in zip(several, cells):
                name = kind if len(several) == 1 else f"{kind}_{name}"
                columns[name] = np.array(texts, dtype=float) if numbers else np.array(texts)
        for name, values in probabilities.items():
            columns[f"probability_{name}"] = np.array(values)
        return columns

    def __repr__(self):
        told = ", ".join(
            f"{name} {metric['mean']:.4g}" + (f" ± {metric['spread']:.2g}" if metric["spread"] is not None else "")
            for name, metric in self._summary["metrics"].items()
        )
        return f"<Series: {len(self._summary['runs'])} runs; {told}>"
