"""Trained models."""

import json

import numpy as np

from . import _native
from ._frames import columns_of_array, is_frame
from ._rows import dense, is_path, labels_of, rows, rows_of, targets_of


def chosen(probabilities, model):
    """The index of each row's class, or 0 and 1 for each of its labels, by the thresholds of a model."""
    if model.task == "multiclass":
        return probabilities.argmax(axis=1)
    likely = probabilities if model.task == "multilabel" else probabilities[:, 1]
    return (likely >= np.array(model.thresholds or 0.5)).astype(int)


def points(outputs, model):
    """The prediction of each row, of quantiles the median, or else the mean of the one or two in the middle."""
    count = len(model.quantiles)
    if count and 0.5 in model.quantiles:
        return outputs[:, model.quantiles.index(0.5)]
    if count:
        return (outputs[:, (count - 1) // 2] + outputs[:, count // 2]) / 2
    return outputs[:, 0] if outputs.shape[1] == 1 else outputs


class Model:
    """A network with its parameters and its preprocessing: raw rows in, answers out.

    Models come from :meth:`load`, :func:`thalweg.train` or a fitted estimator's ``model_``. They are pickled and copied
    as the bytes of their file, which hold data alone.
    """

    def __init__(self, native):
        self._native = native
        self._about = json.loads(native.describe())

    @classmethod
    def load(cls, path):
        """Load a model from its file, or from its run's folder."""
        return cls(_native.Model.load(path))

    @classmethod
    def from_bytes(cls, data):
        """Read a model from a file's bytes."""
        return cls(_native.Model.from_bytes(data))

    def save(self, path):
        """Write the model file: whole, or not at all."""
        self._native.save(path)

    def to_bytes(self):
        """The model file's bytes: the same model gives the same bytes."""
        return self._native.to_bytes()

    def __reduce__(self):
        return Model.from_bytes, (self.to_bytes(),)

    @property
    def task(self):
        """``regression``, ``binary``, ``multiclass`` or ``multilabel``."""
        return self._about["task"]

    @property
    def classes(self):
        """The classes or labels, in the order of the outputs."""
        return self._about["classes"]

    @property
    def thresholds(self):
        """From which probability on the second of two classes, or each label, is predicted; empty for a half."""
        return self._about["thresholds"]

    @property
    def quantiles(self):
        """The quantiles that it predicts; empty where it predicts the mean."""
        return self._about["quantiles"]

    def with_threshold(self, threshold):
        """The same model, which predicts the second of two classes, or each label, from this probability on.

        >>> import thalweg
        >>> x = [[i % 7] for i in range(100)]
        >>> run = thalweg.train(x, [a[0] > 3 for a in x], layers=[8], epochs=20, verbose=0)
        >>> run.model.with_threshold(0.9).thresholds
        [0.9]
        """
        return Model(self._native.with_threshold(threshold))

    @property
    def targets(self):
        """The names of what it predicts."""
        return self._about["targets"]

    @property
    def forecast(self):
        """How a forecast is made (time, series, horizon, window, season); None where it makes none."""
        return self._about["forecast"]

    @property
    def sequences(self):
        """How rows are grouped (sequence, time, steps); None where each is an example of its own."""
        return self._about["sequences"]

    @property
    def columns(self):
        """The names of the columns that it needs; None where it takes arrays."""
        return self._about["columns"]

    @property
    def shape(self):
        """The shape of one example, as the network takes it."""
        return self._about["shape"]

    @property
    def layers(self):
        """The layers: name, description, output shape and number of parameters of each."""
        return self._about["layers"]

    @property
    def parameters(self):
        """How many parameters were trained."""
        return self._about["parameters"]

    @property
    def provenance(self):
        """Where it comes from: version, data, seed, epochs, and metrics on each part."""
        return self._about["provenance"]

    def bags(self, column, texts):
        """Texts of a column as exported models take them: a row each of codes and then their weights, or of tokens."""
        return self._native.bags(column, ["" if text is None else str(text) for text in texts])

    def card(self, path=None):
        """The model card in Markdown (Mitchell et al. 2019); written to a file if one is named.

        What it predicts, from which columns, its data, metrics and limits, as far as the model's file says;
        :meth:`Run.card` adds what the run's events do.
        """
        return written(self._native.card(), path)

    def predict(self, data, precision="f32"):
        """The answer to each row: a class, the labels (0 or 1 each), or a number in the data's units.

        Parameters
        ----------
        data : path, DataFrame, array or sparse matrix
            Rows as the model was trained on; columns are found by name, and others are not looked at. A forecast takes
            the past, and answers for the steps after it (see :meth:`carry_on`). Sequences have one answer each, in the
            order of their first rows: ``frame["recording"].unique()``.
        precision : {"f32", "bf16", "bf16x3", "bf16x6"}, default="f32"
            How matrices are multiplied, where the machine is faster that way; "f64" for a model trained in it.

        Returns
        -------
        array of shape (n_rows,) or (n_rows, n_targets)
            Classes are numbers or booleans where all their names are, else texts.
        """
        if self.forecast:
            return self._carried_on(data, precision)[1][:, 0]
        if is_path(data):
            answers = np.array(self._native.predict_path(str(data), precision)[0])
            if self.task == "regression":
                answers = answers.astype(float)
            elif self.task != "multilabel":
                labels = dict(zip(self.classes, labels_of(self.classes)))
                return np.array([labels[name] for name in answers[:, 0]])
            return answers[:, 0] if answers.ndim == 2 and answers.shape[1] == 1 else answers
        outputs = self._outputs(data, precision)
        if self.task == "multilabel":
            return chosen(outputs, self)
        if self.task == "regression":
            return points(outputs, self)
        return labels_of(self.classes)[chosen(outputs, self)]

    def predict_proba(self, data, precision="f32"):
        """The probability of each class or label for each row; ``precision`` as for :meth:`predict`."""
        if self.task == "regression":
            raise TypeError("a model of numbers has no probabilities; use predict()")
        if is_path(data):
            return np.array(self._native.predict_path(str(data), precision)[1])
        return self._outputs(data, precision)

    def predict_quantiles(self, data, precision="f32"):
        """The quantiles of each row that the model was trained for (``quantiles=[0.1, 0.5, 0.9]``).

        Parameters
        ----------
        data, precision
            As for :meth:`predict`.

        Returns
        -------
        array of shape (n_rows, n_quantiles)
            In the order of ``quantiles``, each at least the one before it.
        """
        if not self.quantiles:
            raise TypeError("the model predicts no quantiles; train it with quantiles=[0.1, 0.5, 0.9]")
        if self.forecast:
            return self._carried_on(data, precision)[1][:, 1:]
        if is_path(data):
            return self._native.quantiles_path(str(data), precision)
        return self._outputs(data, precision)

    def embed(self, data):
        """What the last layer is given of each row: the features that the network has learned, for use elsewhere.

        Parameters
        ----------
        data : path, DataFrame, array or sparse matrix
            Rows as for :meth:`predict`.

        Returns
        -------
        array of shape (n_rows, n_features)
            Of 32-bit floats.

        Examples
        --------
        >>> import thalweg
        >>> run = thalweg.train("sample:iris", target="species", layers=[16, 8], ensemble=1, epochs=2, verbose=0)
        >>> run.model.embed("sample:iris").shape
        (150, 8)
        """
        if is_path(data):
            return self._native.embed(None, str(data))
        return self._native.embed(self._rows(data), None)

    def carry_on(self, data, precision="f32"):
        """The steps after the last values of a table's series, for a model trained with ``forecast=14``.

        Parameters
        ----------
        data : path or DataFrame
            The past of each series: the column of times, that of the target and the others trained on. Columns that are
            known ahead have rows for the steps to come, too, whose target is missing.
        precision : str, default="f32"
            As for :meth:`predict`.

        Returns
        -------
        dict of arrays
            The series' name (where there are several), the time, ``prediction``, and ``quantile_0.1``, ``quantile_0.5``
            and ``quantile_0.9`` of each step; ``pandas.DataFrame`` makes a table of it.

        Examples
        --------
        >>> import pandas as pd
        >>> import thalweg
        >>> days = pd.DataFrame({"day": range(60), "y": [float(i % 4) for i in range(60)]})
        >>> run = thalweg.train(days, target="y", time="day", forecast=2, season=4, verbose=0)
        >>> run.model.carry_on(days)["day"].tolist()
        ['60', '61']
        """
        if not self.forecast:
            raise TypeError("the model makes no forecast; train it with forecast=14 and time=\"date\"")
        steps, numbers = self._carried_on(data, precision)
        names = ["prediction", *(f"quantile_{tau:g}" for tau in self.quantiles)]
        return {name: np.array(cells) for name, cells in steps} | dict(zip(names, numbers.T))

    def _carried_on(self, data, precision):
        if is_path(data):
            return self._native.carry_on(None, str(data), precision)
        return self._native.carry_on(rows_of("the data", data), None, precision)

    def predict_interval(self, data, level=0.9, precision="f32"):
        """For each row an interval that holds the true number for a share of rows (split-conformal prediction).

        The interval reaches as far from the prediction as ``level`` of the dev rows were off. Measure on rows of your
        own whether it holds: dev has chosen the epoch, too.

        Parameters
        ----------
        data : path, DataFrame, array or sparse matrix
            Rows as for :meth:`predict`.
        level : float, default=0.9
            The share of rows to be covered.
        precision : str, default="f32"
            As for :meth:`predict`.

        Returns
        -------
        array of shape (n_rows, 2) or (n_rows, n_targets, 2)
            The low and the high end.
        """
        if self.task != "regression":
            raise TypeError("a model of classes has no intervals; use predict_set()")
        ends = self._regions(data, level, precision).reshape(-1, len(self.targets), 2)
        return ends[:, 0] if len(self.targets) == 1 else ends

    def predict_set(self, data, level=0.9, precision="f32"):
        """For each row the classes among which the true one is for a share of rows (Sadinle, Lei and Wasserman 2019).

        Parameters
        ----------
        data, level, precision
            As for :meth:`predict_interval`.

        Returns
        -------
        bool array of shape (n_rows, n_classes)
            Which classes are in the set, in the order of ``classes``. A set may be empty.
        """
        if self.task == "regression":
            raise TypeError("a model of numbers has no sets of classes; use predict_interval()")
        return self._regions(data, level, precision).astype(bool)

    def export(self, path, to=None, intervals=None, precision="f32", calibrate=None):
        """Write the model in a format of others: ONNX, a PyTorch module, or a Keras model.

        Parameters
        ----------
        path : path
            The file; of ``.onnx``, ``.py`` and ``.keras`` the extension says the format.
        to : {"onnx", "pytorch", "keras"}, optional
            The format, for another extension.
        intervals : float, optional
            The share of rows that intervals or sets of classes are to hold the truth for: the file then answers with these,
            too, as :meth:`predict_interval` and :meth:`predict_set` do.
        precision : {"f32", "f16", "int8"}, default="f32"
            The bits of weights in an ONNX graph.
        calibrate : path, optional
            Data whose answers are known, on which what fewer bits cost is measured.

        Returns
        -------
        dict
            ``path`` and ``format``; ``beside``, other files written; ``proof`` of an ONNX graph, how far its answers were
            from the model's; ``loss``, what fewer bits cost; ``decisions``.
        """
        calibrate = None if calibrate is None else str(calibrate)
        return json.loads(self._native.export(str(path), to, intervals, precision, calibrate))

    def _regions(self, data, level, precision):
        if is_path(data):
            return self._native.regions_path(str(data), level, precision)
        return self._native.regions(self._rows(data), level, precision)

    def evaluate(self, data, y=None, sample_weight=None, precision="f32", gates=()):
        """The metrics on rows whose answers are known, each with its 95 % interval.

        Parameters
        ----------
        data : path, DataFrame or array
            The rows, with their answers unless ``y`` has them.
        y, sample_weight : arrays, optional
            The answers and weights.
        precision : str, default="f32"
            As for :meth:`predict`.
        gates : str or sequence of str, default=()
            Bounds of metrics or of their intervals' ends, such as ``"accuracy>=0.9"`` or ``"accuracy.low>=0.88"``; a
            ``CheckError`` names those that are not kept.

        Returns
        -------
        dict
            ``{"accuracy": {"value": 0.97, "low": 0.95, "high": 0.98}, ...}``
        """
        gates = [gates] if isinstance(gates, str) else list(gates)
        if is_path(data):
            found = self._native.evaluate_path(str(data), precision, gates)
        else:
            found = self._native.evaluate(self._rows(data, y, sample_weight), precision, gates)
        return json.loads(found)["metrics"]

    def importance(self, data, y=None, sample_weight=None, seed=0, precision="f32"):
        """How much worse it answers where one column's values are shuffled among rows whose answers are known.

        Permutation importance (Breiman 2001): a column that tells nothing has one of about 0. Columns that tell the same
        can stand in for one another, and each then looks less important than it is.

        Parameters
        ----------
        data, y, sample_weight : path, DataFrame or arrays
            The rows, as for :meth:`evaluate`; best are rows that it was not trained on. Of many, some thousands are used.
        seed : int, default=0
            The seed of the shuffles.
        precision : str, default="f32"
            As for :meth:`predict`.

        Returns
        -------
        dict
            ``metric`` (``"log_loss"`` or ``"rmse"``), its ``value`` on the rows as they are, and ``columns``, the most
            important first: each a dict of ``column``, ``value`` (the growth of the metric), and ``low`` and ``high``, its
            95 % interval. ``rows``, ``rows_in_all`` and ``repeats`` say on what they were measured.
        """
        if is_path(data):
            return json.loads(self._native.importance_path(str(data), seed, precision))
        return json.loads(self._native.importance(self._rows(data, y, sample_weight), seed, precision))

    def partial_dependence(self, data, column, precision="f32"):
        """Its mean answer where a column has each of its values and all else is as it is in rows (Friedman 2001).

        Parameters
        ----------
        data : path, DataFrame or array
            The rows; of many, 500 are used.
        column : str
            The column; ``"x[3]"`` is the fourth of an array.
        precision : str, default="f32"
            As for :meth:`predict`.

        Returns
        -------
        dict
            ``grid``: ``{"numbers": [...]}``, quantiles of the column, or ``{"categories": [...]}``; ``curves``: for each
            answer its ``output`` (a class, label or target) with ``mean``, the mean answer at each value, and ``rows``, some
            rows' own (ICE, Goldstein et al. 2015) where there is one answer a row; ``deciles`` of the column.
        """
        return json.loads(self._native.dependence(*self._given(data), column, precision))

    def explain(self, data, background=None, permutations=200, seed=0, precision="f32"):
        """What each column contributes to the answer to each row, as Shapley values.

        Sampled by antithetic permutations (Štrumbelj and Kononenko 2014; Mitchell et al. 2022). ``baseline`` and a row's
        contributions sum to its answer: the logit of the second of two classes, the log-odds of the predicted one of
        several, the logit of each label, or the number in its units before it is clipped to the training rows' targets.

        Parameters
        ----------
        data : path, DataFrame or array
            The rows to explain.
        background : path, DataFrame or array, optional
            Rows that they are compared with, like those trained on (100 of them are used); the rows themselves unless
            given.
        permutations : int, default=200
            Orders of columns sampled for a row: more take longer and err less.
        seed : int, default=0
            The seed of the orders.
        precision : str, default="f32"
            As for :meth:`predict`.

        Returns
        -------
        pandas.DataFrame
            A row each: ``baseline``, ``contribution_age`` and so on, and ``standard_error``, the largest of the
            contributions' over permutations and background rows.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError("explain() answers with a table of pandas: pip install pandas") from error
        rows = self._given(data)
        others = rows if background is None else self._given(background)
        names, values = self._native.explain(*rows, *others, permutations, seed, precision)
        index = data.index if isinstance(data, pandas.DataFrame) else None
        return pandas.DataFrame(values, columns=names, index=index)

    def _given(self, data):
        """Rows and no path, or a path and no rows."""
        return (None, str(data)) if is_path(data) else (self._rows(data), None)

    def _outputs(self, data, precision):
        return self._native.outputs(self._rows(data), precision=precision)

    def _rows(self, data, y=None, sample_weight=None):
        if isinstance(data, _native.Data):
            return data
        if self.columns is None or is_frame(data):
            return rows_of("the data", data, y, sample_weight, self.targets)
        # A matrix has no names: its columns are taken in the order of the training data's.
        columns = columns_of_array(np.asarray(dense(data)), self.columns)
        return rows("the data", columns, targets_of(y, self.targets), sample_weight)

    def __repr__(self):
        return f"<Model: {self.task}, {len(self.layers)} layers, {self.parameters:,} parameters>"

    def _repr_html_(self):
        from .display import model_html

        return model_html(self)


def written(text, path):
    """A text, after it is written to a file if one is named."""
    if path is not None:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return text
