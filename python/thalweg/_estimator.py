"""What the estimators for scikit-learn have in common: rows in, a network trained, its outputs."""

import os
import warnings

import numpy as np

try:
    from sklearn.base import BaseEstimator
    from sklearn.utils.validation import (
        _check_sample_weight,
        _check_y,
        check_consistent_length,
        check_is_fitted,
        check_random_state,
        validate_data,
    )
except ImportError as error:
    raise ImportError("the estimators need scikit-learn 1.6 or newer: pip install scikit-learn") from error

from . import _native
from ._frames import columns_of, columns_of_array, is_frame
from ._keywords import EXTRA, RENAMED, EstimatorKeywords
from ._options import options_json
from ._rows import answers_of, dense, rows
from ._wording import Keywords
from .display import listeners
from .errors import TrainingInterrupted
from .model import Model
from .run import Run

# What is taken for rows without named columns.
ARRAYS = {"dtype": (np.float32, np.float64), "allow_nd": True, "accept_sparse": "csr"}

# Fewer rows than this are never divided, and fewer than the second only if that is asked for.
FEWEST, FEW = 10, 50

# Dev rows that are enough to judge by.
ENOUGH = 10_000

# How many times the rows there are may become through whole weights.
MOST_COPIES = 16


class Estimator(EstimatorKeywords, BaseEstimator):
    """A network that fits rows; what its answers are, a classifier and a regressor say."""

    def fit(self, X, y, sample_weight=None, validation_data=None, callbacks=None):
        """Fit the network, and the preprocessing in front of it, to rows.

        Parameters
        ----------
        X : array or sparse matrix (n_rows, n_features), DataFrame, or images (n_rows, height, width[, channels])
            The inputs. A sparse matrix is filled in, as 32-bit numbers. A DataFrame's columns are named: rows to be
            predicted must then have the same columns in the same order, as scikit-learn wants; ``model_`` itself finds
            columns by name.
        y : array of shape (n_rows,) or (n_rows, n_outputs)
            The answers.
        sample_weight : array of shape (n_rows,), optional
            A weight for each row. A weight of 0 is a row left out and one of 2 a row given twice.
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Rows that choose the best epoch and end training early; ``validation_fraction`` is then not looked at.
        callbacks : list of callables, optional
            Each is called with every event, a dict such as ``{"event": "epoch_ended", "epoch": 3, "cost": 0.1, ...}``;
            training ends when one returns True.

        Returns
        -------
        self
            The fitted estimator. After Ctrl-C it is fitted, too: with the best parameters so far, and a
            :class:`~thalweg.TrainingInterrupted` warning.
        """
        start = self.model_._native if self.warm_start and hasattr(self, "model_") else None
        # Parameters that are there belong to the columns and answers that they were fitted to.
        X, y, weights = self._checked(X, y, sample_weight, reset=start is None)
        if start is not None:
            self._same_answers(y)
        told = self._answers(y)
        options = self._options(told)
        keywords = Keywords(self, RENAMED)
        with keywords:
            data = rows("X", X, self._named(y), weights)
            decisions, dev = [], None
            if validation_data is not None:
                dev = self._validation(*validation_data)
                options["split"] = [1.0, 0.0, 0.0]
            elif "split" not in options:
                options["split"], decisions = self._split(len(X))
            listen = listeners(callbacks, self.verbose)
            run = _native.train(options_json(options), data, dev, start, listen, decisions)
        self.run_ = Run(run, keywords)
        self.model_ = self.run_.model
        self.history_ = self.run_.history
        self.loss_curve_ = [epoch["cost"] for epoch in self.history_]
        self.validation_loss_curve_ = [epoch["dev_loss"] for epoch in self.history_]
        self.n_iter_ = len(self.history_)
        self.best_epoch_ = self.model_.provenance["best_epoch"]
        self._learner = None
        if run.interrupted:
            message = f"interrupted after {self.n_iter_} epochs; the best parameters so far are kept"
            warnings.warn(message, TrainingInterrupted, stacklevel=2)
        return self

    def _partial_fit(self, X, y, sample_weight, told):
        """One epoch on rows; `told` is what is known of all answers there will be."""
        first = not hasattr(self, "model_")
        X, y, weights = self._checked(X, y, sample_weight, reset=first)
        with Keywords(self, RENAMED):
            data = rows("X", X, self._named(y), weights)
            if getattr(self, "_learner", None) is None:
                options = {**self._options(told), "split": [1.0, 0.0, 0.0]}
                start = None if first else self.model_._native
                self._learner = _native.Learner(options_json(options), data, start)
            interrupted = self._learner.learn(data)
        if interrupted:
            warnings.warn("interrupted within an epoch", TrainingInterrupted, stacklevel=3)
        self.model_ = Model(self._learner.model())
        self.n_iter_ = self.model_.provenance["epochs"]
        return self

    def _checked(self, X, y, sample_weight, reset):
        """Inputs, answers and weights; whole weights have become rows given so many times."""
        checked, y = {"multi_output": True, "y_numeric": self._numeric}, answers_of(y)
        if is_frame(X) and (reset or self._named_columns):
            validate_data(self, X, skip_check_array=True, reset=reset)
            if reset:
                self._named_columns = True
            y = _check_y(y, **checked, estimator=self)
            check_consistent_length(X, y)
        else:
            X, y = validate_data(self, X, y, reset=reset, **ARRAYS, **checked)
            if reset:
                self._named_columns = False
        return _weighted(self._taken(X), y, sample_weight)

    def _taken(self, X):
        """Columns where the network was fitted to them, an array where it was fitted to one."""
        if not self._named_columns:
            return dense(X)
        return columns_of(X) if is_frame(X) else columns_of_array(np.asarray(dense(X)), self.feature_names_in_)

    def _validation(self, X, y, sample_weight=None):
        X, y, weights = self._checked(X, y, sample_weight, reset=False)
        return rows("the validation data", X, self._named(y), weights)

    def importance(self, X, y, sample_weight=None, seed=0):
        """How much worse it answers where one column's values are shuffled, as :meth:`thalweg.Model.importance`.

        Parameters
        ----------
        X, y, sample_weight : arrays or DataFrame
            Rows whose answers are known; best are rows that it was not fitted to.
        seed : int, default=0
            The seed of the shuffles.
        """
        check_is_fitted(self)
        X, y, weights = self._checked(X, y, sample_weight, reset=False)
        return self.model_.importance(rows("X", X, self._named(y), weights), seed=seed)

    def partial_dependence(self, X, column):
        """Its mean answer along a column's values, as :meth:`thalweg.Model.partial_dependence`; ``"x[3]"`` is the fourth
        column of an array."""
        return self.model_.partial_dependence(self._rows(X), column)

    def explain(self, X, background=None, permutations=200, seed=0):
        """What each column contributes to the answer to each row, as :meth:`thalweg.Model.explain`."""
        others = None if background is None else self._rows(background)
        explained = self.model_.explain(self._rows(X), others, permutations, seed)
        return explained.set_axis(X.index, axis=0) if hasattr(X, "iloc") else explained

    def _outputs(self, X, logits=False):
        rows = self._rows(X)
        with Keywords(self, RENAMED):
            return self.model_._native.outputs(rows, logits)

    def _rows(self, X):
        """Rows to be predicted, as the model takes them."""
        check_is_fitted(self)
        if self._named_columns:
            validate_data(self, X, skip_check_array=True, reset=False)
        else:
            X = validate_data(self, X, reset=False, **ARRAYS)
        with Keywords(self, RENAMED):
            return rows("X", self._taken(X))

    def _options(self, told):
        """The options that the keywords say, by the names of the configuration."""
        options = {RENAMED.get(name, name): value for name, value in self.get_params(False).items() if name not in EXTRA}
        seed = options["seed"]
        if seed is not None and not isinstance(seed, (int, np.integer)):
            options["seed"] = check_random_state(seed).randint(np.iinfo(np.int32).max)
        options["threads"] = _threads(options["threads"])
        # What is missing is known already, and no text means it; nor do rows mean anything by their order. What matters
        # is asked of the fitted estimator; scikit-learn has baselines of its own, and searches fit many networks.
        options |= {"missing": [""], "any_order": True, "importance": False, "baselines": False, **told}
        return {**options, **(self.options or {})}

    def _split(self, rows):
        """The fractions of train, dev and test, and the decision on them."""
        fraction = self.validation_fraction
        decisions = []
        if fraction is None:
            fraction = 0.0 if rows < FEW else min(0.1, ENOUGH / rows)
            what = f"{fraction:.3g} of the rows choose the best epoch" if fraction else "all rows are trained on"
            decisions.append((what, f"{rows} rows", "validation_fraction=0.2"))
        if rows < FEWEST:
            fraction = 0.0
        return [1.0 - fraction, fraction, 0.0], decisions

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        return tags

    def _restore(self, model):
        """What fitting would have left besides the model."""
        self._named_columns = model.columns is not None
        if self._named_columns:
            self.feature_names_in_ = np.array(model.columns, dtype=object)
        self.n_features_in_ = len(model.columns) if self._named_columns else model.shape[0]

    def __getstate__(self):
        # The run can be told again only where it was made; what was learned is all in the model.
        left_out = ("_learner", "run_")
        return {name: value for name, value in super().__getstate__().items() if name not in left_out}

    def save(self, path):
        """Write the model file, which :meth:`load`, :meth:`thalweg.Model.load` and the command line read."""
        check_is_fitted(self)
        self.model_.save(path)

    @classmethod
    def load(cls, path):
        """A fitted estimator from a model file or a run's folder.

        Its keywords are the defaults: the network is as it was trained. Classes are numbers or booleans where all their
        names are.
        """
        model = Model.load(path)
        estimator = cls()
        if (model.task == "regression") != estimator._numeric:
            raise ValueError(f"{path} holds a model of task {model.task}, which is not for {cls.__name__}")
        estimator.model_ = model
        estimator._restore(model)
        return estimator


def _threads(n_jobs):
    """How many threads there may be; by this variable joblib tells its processes how many each may have."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if n_jobs is None:
        return int(told) if told.isdigit() else None
    return max(n_jobs, 0)


def _weighted(X, y, sample_weight):
    """Rows and their weights, None for equal ones: whole weights are rows given so many times, unless that would be too
    many, and rows without weight are left out."""
    if sample_weight is None:
        return X, y, None
    weights = _check_sample_weight(sample_weight, y, dtype=np.float64, ensure_non_negative=True)
    if not weights.any():
        raise ValueError("every sample weight is zero")
    if (weights == 1).all():
        return X, y, None
    whole = (weights == np.floor(weights)).all() and weights.sum() <= MOST_COPIES * len(weights)
    taken = np.repeat(np.arange(len(weights)), weights.astype(int)) if whole else np.flatnonzero(weights)
    return X[taken], y[taken], None if whole else weights[taken]
