"""Models beside one another."""

import json

from . import _native
from ._rows import is_path
from .model import Model
from .run import Run


def compare(a, b, data=None, y=None, sample_weight=None, seed=0, precision="f32"):
    """Compare two models on the same rows: is their difference chance?

    Both answer the same rows, so differences are far more certain than the metrics themselves.

    Parameters
    ----------
    a, b : Run, Model, fitted estimator or path
        The models; a path is a model's file or a run's folder.
    data : path, DataFrame or array, optional
        Rows whose answers are known, best such that neither model was trained on. Unless given, the test rows of both
        runs, which must have folders, and be trained from the same data with the same test rows.
    y, sample_weight : arrays, optional
        The answers, where they are not in the table, and weights.
    seed : int, default=0
        The seed of the resamples.
    precision : str, default="f32"
        As for :meth:`Model.predict`.

    Returns
    -------
    dict
        ``metrics``: for each metric ``a``, ``b`` and ``difference`` (B − A), each a dict of ``value``, ``low`` and
        ``high``; the difference's 95 % interval is by the paired bootstrap over rows (Efron 1979). ``mean_loss``: the
        difference of the mean log loss or squared error, with Student's paired t interval. ``mcnemar``: the exact test
        of the accuracy (McNemar 1947), ``only_a`` and ``only_b`` rows that one alone has right, and ``p``. ``verdict``:
        a sentence. ``warnings``, ``examples``, ``resamples``.

    Examples
    --------
    >>> import thalweg
    >>> x = [[i % 7, i % 5] for i in range(400)]
    >>> y = [a + b for a, b in x]
    >>> a, b = (thalweg.train(x[:200], y[:200], task="regression", layers=[16], epochs=n, verbose=0) for n in (1, 100))
    >>> thalweg.compare(a, b, x[200:], y[200:])["metrics"]["rmse"]["difference"]["high"] < 0
    True
    """
    (a, name_a), (b, name_b) = _named(a, "A"), _named(b, "B")
    rows = path = None
    if is_path(data):
        path = str(data)
    elif data is not None:
        rows = tuple(model._rows(data, y, sample_weight) for model in (a, b))
    return json.loads(_native.compare((a._native, name_a), (b._native, name_b), rows, path, seed, precision))


def _named(given, name):
    """A model, and what it is called."""
    if is_path(given):
        return Model.load(given), str(given)
    if isinstance(given, Run):
        return given.model, str(given.folder or name)
    if isinstance(given, Model):
        return given, name
    if hasattr(given, "model_"):
        return given.model_, name
    raise TypeError(f"found {type(given).__name__}, expected a Run, a Model, a fitted estimator or a path")
