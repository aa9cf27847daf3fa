"""Estimators for scikit-learn: Thalweg's networks in pipelines, searches and cross-validation."""

import numpy as np

# The first of these says which scikit-learn is needed, where there is none.
from ._estimator import Estimator
from ._keywords import RENAMED, ClassifierKeywords, RegressorKeywords
from ._rows import class_names, labels_of
from ._wording import Keywords
from .model import chosen, points
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d


class ThalwegClassifier(ClassifierMixin, ClassifierKeywords, Estimator):
    """A neural network that answers with classes, or with several labels at once.

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

    def predict_set(self, X, level=0.9):
        """Which classes are in each row's set, which holds the class for a share of rows; see
        :meth:`thalweg.Model.predict_set`.

        Returns
        -------
        bool array of shape (n_rows, n_classes)
        """
        with Keywords(self, RENAMED):
            return self.model_._native.regions(self._rows(X), level, "f32").astype(bool)

    def predict(self, X):
        """The likeliest class, or 0 and 1 for each label, for each row; of two classes the second from ``model_``'s
        threshold on (``options={"threshold": "f1"}``)."""
        answers = chosen(self._outputs(X), self.model_)
        return answers if self._names is None else self.classes_[answers]

    def _restore(self, model):
        super()._restore(model)
        if model.task == "multilabel":
            self._names, self.classes_ = None, np.arange(len(model.classes))
        else:
            self._names, self.classes_ = model.classes, labels_of(model.classes)


class ThalwegRegressor(RegressorMixin, RegressorKeywords, Estimator):
    """A neural network that answers with numbers, one or several a row.

    Its keywords and attributes are those of :class:`ThalwegClassifier`, without what concerns classes; with
    ``quantiles=[0.1, 0.5, 0.9]`` it predicts the median, and all of them by :meth:`predict_quantiles`.

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

    def predict_quantiles(self, X):
        """The quantiles of each row that ``quantiles`` asks for; see :meth:`thalweg.Model.predict_quantiles`.

        Returns
        -------
        array of shape (n_rows, n_quantiles)
        """
        outputs = self._outputs(X)
        if not self.model_.quantiles:
            raise TypeError("predict_quantiles needs quantiles=[0.1, 0.5, 0.9]")
        return outputs

    def predict_interval(self, X, level=0.9):
        """For each row the low and the high end of an interval that holds the number for a share of rows.

        The rows that ``validation_fraction`` sets aside tell how wide it must be; see
        :meth:`thalweg.Model.predict_interval`.

        Returns
        -------
        array of shape (n_rows, 2) or (n_rows, n_outputs, 2)
        """
        with Keywords(self, RENAMED):
            ends = self.model_._native.regions(self._rows(X), level, "f32").reshape(-1, len(self.model_.targets), 2)
        return ends[:, 0] if self._outputs_ndim == 1 else ends

    def predict(self, X):
        """The numbers for each row."""
        outputs = self._outputs(X)
        return points(outputs, self.model_) if self._outputs_ndim == 1 else outputs

    def _restore(self, model):
        super()._restore(model)
        self._outputs_ndim = min(len(model.targets), 2)
