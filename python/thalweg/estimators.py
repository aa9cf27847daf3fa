"""Estimators for scikit-learn: Thalweg's networks in pipelines, searches and cross-validation."""

import numpy as np

# The first of these says which scikit-learn is needed, where there is none.
from ._estimator import Estimator
from ._rows import class_names, labels_of
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d


class ThalwegClassifier(ClassifierMixin, Estimator):
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
        Whether :meth:`fit` begins with the parameters there are; columns and classes must be those they were fitted to.
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
            told = self._of_classes(self.classes_, multilabel=self._names is None)
        return self._partial_fit(X, y, sample_weight, told)

    def _same_answers(self, y):
        """Whether y has the classes, or the labels, that the network tells apart."""
        now = np.arange(y.shape[1]) if y.ndim == 2 and y.shape[1] > 1 else np.unique(y)
        if now.tolist() != self.classes_.tolist():
            raise ValueError(
                f"warm_start goes on with the classes {self.classes_.tolist()} of the fit before; y has {now.tolist()}"
            )

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


class ThalwegRegressor(RegressorMixin, Estimator):
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
        return tags

    def partial_fit(self, X, y, sample_weight=None):
        """One epoch on some rows, going on from where the network is.

        Preprocessing, and the scale of y, are fitted to the rows of the first call.
        """
        told = self._answers(np.asarray(y)) if not hasattr(self, "model_") else {"task": "regression"}
        return self._partial_fit(X, y, sample_weight, told)

    def _same_answers(self, y):
        """Whether y has as many numbers a row as the network answers with."""
        now, before = (1 if y.ndim == 1 else y.shape[1]), len(self.model_.targets)
        if now != before:
            raise ValueError(f"warm_start goes on with the {before} outputs of the fit before; y has {now}")

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
