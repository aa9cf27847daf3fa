"""Estimators for scikit-learn: Thalweg's networks in pipelines, searches and cross-validation."""

import os
import warnings

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import (
        _check_sample_weight,
        _check_y,
        check_consistent_length,
        check_is_fitted,
        check_random_state,
        column_or_1d,
        validate_data,
    )
except ImportError as error:
    raise ImportError("the estimators need scikit-learn 1.6 or newer: pip install scikit-learn") from error

from . import _native
from ._frames import columns_of, columns_of_array, is_frame
from ._options import options_json
from ._rows import class_names, labels_of, rows
from .display import listeners
from .errors import TrainingInterrupted
from .model import Model
from .run import Run

# Keywords that scikit-learn calls otherwise than the options do.
RENAMED = {"random_state": "seed", "n_jobs": "threads", "class_weight": "class_weights"}

# Keywords that are no options.
OWN = ("validation_fraction", "warm_start", "verbose", "options")

# Fewer rows than this are never divided, and fewer than the second only if that is asked for.
FEWEST, FEW = 10, 50

# Dev rows that are enough to judge by.
ENOUGH = 10_000

# How many times the rows there are may become through whole weights.
MOST_COPIES = 16


class _Network(BaseEstimator):
    """What the classifier and the regressor have in common."""

    def __init__(
        self,
        *,
        layers=None,
        activation="relu",
        batch_norm=False,
        dropout=None,
        optimizer=None,
        learning_rate=None,
        schedule=None,
        batch_size=None,
        epochs=None,
        l2=0.0,
        weight_decay=None,
        patience=None,
        monitor=None,
        validation_fraction=None,
        time_limit=None,
        recipe="auto",
        quality="good",
        precision="f32",
        warm_start=False,
        random_state=None,
        n_jobs=None,
        verbose=0,
        options=None,
    ):
        self.layers = layers
        self.activation = activation
        self.batch_norm = batch_norm
        self.dropout = dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.batch_size = batch_size
        self.epochs = epochs
        self.l2 = l2
        self.weight_decay = weight_decay
        self.patience = patience
        self.monitor = monitor
        self.validation_fraction = validation_fraction
        self.time_limit = time_limit
        self.recipe = recipe
        self.quality = quality
        self.precision = precision
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.options = options

    def fit(self, X, y, sample_weight=None, validation_data=None, callbacks=None):
        """Fit the network, and the preprocessing in front of it, to rows.

        Parameters
        ----------
        X : array of shape (n_rows, n_features), or of images (n_rows, height, width[, channels])
            The inputs.
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
        X, y, weights = self._checked(X, y, sample_weight, reset=True)
        told = self._answers(y)
        options = self._options(told)
        data = rows("X", X, self._named(y), weights)
        decisions, dev = [], None
        if validation_data is not None:
            dev = self._validation(*validation_data)
            options["split"] = [1.0, 0.0, 0.0]
        elif "split" not in options:
            options["split"], decisions = self._split(len(X))
        listen = listeners(callbacks, self.verbose)
        run = _native.train(options_json(options), data, dev, start, listen, decisions)
        self.run_ = Run(run)
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
        data = rows("X", X, self._named(y), weights)
        if getattr(self, "_learner", None) is None:
            options = {**self._options(told), "split": [1.0, 0.0, 0.0]}
            start = None if first else self.model_._native
            self._learner = _native.Learner(options_json(options), data, start)
        if self._learner.learn(data):
            warnings.warn("interrupted within an epoch", TrainingInterrupted, stacklevel=3)
        self.model_ = Model(self._learner.model())
        self.n_iter_ = self.model_.provenance["epochs"]
        return self

    def _checked(self, X, y, sample_weight, reset):
        """Inputs, answers and weights; whole weights have become rows given so many times."""
        checked = {"multi_output": True, "y_numeric": self._numeric}
        if is_frame(X):
            validate_data(self, X, skip_check_array=True, reset=reset)
            if reset:
                self._named_columns = True
            y = _check_y(y, **checked, estimator=self)
            check_consistent_length(X, y)
            X = self._taken(X)
        else:
            kinds = (np.float32, np.float64)
            X, y = validate_data(self, X, y, reset=reset, dtype=kinds, allow_nd=True, **checked)
            if reset:
                self._named_columns = False
            X = self._taken(X)
        return _weighted(X, y, sample_weight)

    def _taken(self, X):
        """Columns where the network was fitted to them, an array where it was fitted to one."""
        if self._named_columns:
            return columns_of(X) if is_frame(X) else columns_of_array(np.asarray(X), self.feature_names_in_)
        return X

    def _validation(self, X, y, sample_weight=None):
        X, y, weights = self._checked(X, y, sample_weight, reset=False)
        return rows("the validation data", X, self._named(y), weights)

    def _outputs(self, X, logits=False):
        check_is_fitted(self)
        if self._named_columns:
            validate_data(self, X, skip_check_array=True, reset=False)
        else:
            X = validate_data(self, X, reset=False, dtype=(np.float32, np.float64), allow_nd=True)
        return self.model_._native.outputs(rows("X", self._taken(X)), logits)

    def _options(self, told):
        """The options that the keywords say, by the names of the configuration."""
        options = {RENAMED.get(name, name): value for name, value in self.get_params(False).items() if name not in OWN}
        seed = options["seed"]
        if seed is not None and not isinstance(seed, (int, np.integer)):
            options["seed"] = check_random_state(seed).randint(np.iinfo(np.int32).max)
        options["threads"] = _threads(options["threads"])
        # What is missing is known already, and no text means it; nor do rows mean anything by their order.
        options |= {"missing": [""], "any_order": True, **told}
        return {**{name: value for name, value in options.items() if value is not None}, **(self.options or {})}

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


class ThalwegClassifier(ClassifierMixin, _Network):
    """A neural network that answers with classes, or with several labels at once.

    Parameters
    ----------
    layers : list of int, optional
        Units of the hidden layers, ``[]`` for none. By the number of rows unless given.
    activation : str or list of str, default="relu"
        Activation of the hidden layers: one for all, or one a layer.
    batch_norm : bool, default=False
        Whether batch norm stands before each hidden activation.
    dropout : float or list of float, optional
        Share of hidden activations dropped in training. By the number of rows unless given.
    optimizer : str, optional
        ``adamw`` unless given; also ``adam``, ``rmsprop``, ``momentum``, ``nesterov``, ``gradient_descent``.
    learning_rate : float, optional
        The learning rate. By the optimiser unless given.
    schedule : str, optional
        The schedule of the learning rate, ``cosine`` unless given.
    batch_size : int, optional
        Examples in a mini-batch (0: all). By the number of rows unless given.
    epochs : int, optional
        Most epochs. By the number of rows unless given.
    l2 : float, default=0.0
        λ of the L2 term in the cost.
    weight_decay : float, optional
        AdamW's decoupled decay.
    patience : int, optional
        Epochs without a better validation result before training stops (0: never).
    monitor : str, optional
        The validation metric that decides which epoch is best: ``accuracy``, ``loss``, ...
    validation_fraction : float, optional
        Share of the rows that choose the best epoch and are not trained on (0: none, and the last epoch counts). A
        tenth unless given, 10,000 rows at most, none of fewer than 50; fewer than 10 rows are never divided.
    time_limit : float, optional
        Most seconds.
    recipe : {"auto", "course"}, default="auto"
        What fills in the rest.
    quality : {"fast", "good", "best"}, default="good"
        How much time to spend.
    precision : {"f32", "f64", "bf16", "bf16x3", "bf16x6"}, default="f32"
        The numbers that training works with.
    class_weight : dict or "balanced", optional
        Weights of the classes in the cost.
    warm_start : bool, default=False
        Whether :meth:`fit` begins with the parameters there are.
    random_state : int, RandomState or None, default=None
        The seed; None is 0, so that fits repeat.
    n_jobs : int, optional
        Threads; -1: all cores; None: as OMP_NUM_THREADS says, else all cores. The result does not depend on it.
    verbose : int, default=0
        Whether progress is shown.
    options : dict, optional
        Any further option of the configuration by its name, such as ``{"clip_norm": 1.0}``;
        ``thalweg.options()`` lists them.

    Attributes
    ----------
    classes_ : array
        The classes, in the order of :meth:`predict_proba`'s columns.
    model_ : Model
        The network with its preprocessing.
    loss_curve_ : list of float
        The training cost of each epoch.
    validation_loss_curve_ : list of float or None
        The validation loss of each epoch.
    history_ : list of dict
        Everything measured in each epoch.
    n_iter_, best_epoch_ : int
        Epochs done, and the one whose parameters the model has.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from thalweg import ThalwegClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> bool(cross_val_score(ThalwegClassifier(), X, y).mean() > 0.9)
    True
    """

    _numeric = False

    def __init__(
        self,
        *,
        layers=None,
        activation="relu",
        batch_norm=False,
        dropout=None,
        optimizer=None,
        learning_rate=None,
        schedule=None,
        batch_size=None,
        epochs=None,
        l2=0.0,
        weight_decay=None,
        patience=None,
        monitor=None,
        validation_fraction=None,
        time_limit=None,
        recipe="auto",
        quality="good",
        precision="f32",
        class_weight=None,
        warm_start=False,
        random_state=None,
        n_jobs=None,
        verbose=0,
        options=None,
    ):
        super().__init__(
            layers=layers,
            activation=activation,
            batch_norm=batch_norm,
            dropout=dropout,
            optimizer=optimizer,
            learning_rate=learning_rate,
            schedule=schedule,
            batch_size=batch_size,
            epochs=epochs,
            l2=l2,
            weight_decay=weight_decay,
            patience=patience,
            monitor=monitor,
            validation_fraction=validation_fraction,
            time_limit=time_limit,
            recipe=recipe,
            quality=quality,
            precision=precision,
            warm_start=warm_start,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
            options=options,
        )
        self.class_weight = class_weight

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.input_tags.three_d_array = True
        return tags

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """One epoch on some rows, going on from where the network is.

        Preprocessing is fitted to the rows of the first call.

        Parameters
        ----------
        X, y : arrays
            The rows.
        classes : array, optional
            All classes there will be; needed at the first call alone.
        sample_weight : array, optional
            A weight for each row.

        Returns
        -------
        self
        """
        if not hasattr(self, "model_"):
            if classes is None:
                raise ValueError("the first call of partial_fit needs classes: all there will be")
            told = self._of_classes(np.unique(classes))
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes={classes!r} is not what it was in the first call, {self.classes_!r}")
        else:
            told = self._of_classes(self.classes_)
        return self._partial_fit(X, y, sample_weight, told)

    def _answers(self, y):
        """What is told of the classes of y."""
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == "multilabel-indicator":
            return self._of_classes(np.arange(y.shape[1]), multilabel=True)
        if kind == "multiclass-multioutput":
            raise ValueError("several targets of classes each are not supported; fit one classifier a target")
        return self._of_classes(np.unique(y))

    def _of_classes(self, classes, multilabel=False):
        self._names = None
        if multilabel:
            self.classes_ = classes
            return {"task": "multilabel"}
        if len(classes) < 2:
            raise ValueError(f"found 1 class, {classes.tolist()}; expected two or more classes to tell apart")
        self.classes_ = classes
        self._names = class_names(classes)
        told = {"task": "binary" if len(classes) == 2 else "multiclass", "classes": self._names}
        if isinstance(self.class_weight, dict):
            names = dict(zip(classes.tolist(), self._names))
            unknown = [label for label in self.class_weight if label not in names]
            if unknown:
                raise ValueError(f"class_weight has {unknown}, which y has not; its classes are {classes.tolist()}")
            told["class_weights"] = {names[label]: weight for label, weight in self.class_weight.items()}
        return told

    def _named(self, y):
        """Targets by name: the names of classes, or 0 and 1 for each label."""
        if self._names is None:
            return {f"y{i}": column.astype(np.float64) for i, column in enumerate(np.asarray(y).T)}
        y = column_or_1d(y, warn=True)
        places = np.searchsorted(self.classes_, y)
        places[places == len(self.classes_)] = 0
        unseen = self.classes_[places] != y
        if unseen.any():
            raise ValueError(f"y has {np.unique(y[unseen]).tolist()}; the classes are {self.classes_.tolist()}")
        return {"y": [self._names[place] for place in places]}

    def predict_proba(self, X):
        """The probability of each class, or of each label, for each row."""
        outputs = self._outputs(X)
        if self._names is not None:
            outputs /= outputs.sum(axis=1, keepdims=True)
        return outputs

    def decision_function(self, X):
        """What the probabilities are made of: the logit of the second of two classes, else of each class or label."""
        logits = self._outputs(X, logits=True)
        return logits[:, 0] if len(self.classes_) == 2 and self._names is not None else logits

    def predict_log_proba(self, X):
        """The logarithms of the probabilities."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X):
        """The likeliest class, or 0 and 1 for each label, for each row."""
        probabilities = self.predict_proba(X)
        if self._names is None:
            return (probabilities >= 0.5).astype(int)
        return self.classes_[probabilities.argmax(axis=1)]

    def _restore(self, model):
        super()._restore(model)
        if model.task == "multilabel":
            self._names, self.classes_ = None, np.arange(len(model.classes))
        else:
            self._names, self.classes_ = model.classes, labels_of(model.classes)


class ThalwegRegressor(RegressorMixin, _Network):
    """A neural network that answers with numbers, one or several a row.

    Its keywords and attributes are those of :class:`ThalwegClassifier`, without what concerns classes.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from thalweg import ThalwegRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ThalwegRegressor(layers=[32], epochs=100).fit(X, y)
    >>> bool(model.score(X, y) > 0.4)
    True
    """

    _numeric = True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.three_d_array = True
        return tags

    def partial_fit(self, X, y, sample_weight=None):
        """One epoch on some rows, going on from where the network is.

        Preprocessing, and the scale of y, are fitted to the rows of the first call.
        """
        told = self._answers(np.asarray(y)) if not hasattr(self, "model_") else {"task": "regression"}
        return self._partial_fit(X, y, sample_weight, told)

    def _answers(self, y):
        self._outputs_ndim = y.ndim
        return {"task": "regression"}

    def _named(self, y):
        if y.ndim == 1:
            return {"y": y.astype(np.float64)}
        return {f"y{i}": column.astype(np.float64) for i, column in enumerate(y.T)}

    def predict(self, X):
        """The numbers for each row."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._outputs_ndim == 1 else outputs

    def _restore(self, model):
        super()._restore(model)
        self._outputs_ndim = min(len(model.targets), 2)


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
