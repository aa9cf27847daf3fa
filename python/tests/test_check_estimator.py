"""scikit-learn's own checks of estimators, over configurations that train in different ways."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from thalweg import ThalwegClassifier, ThalwegRegressor

SMALL = {"epochs": 30, "n_jobs": 1}
EARLY = {"validation_fraction": 0.2, "patience": 5}

CONFIGURATIONS = [
    {},
    {"layers": [16], **SMALL, "learning_rate": 0.01},
    {"layers": [16, 8], "activation": "tanh", **SMALL, "learning_rate": 0.01, **EARLY},
    {"layers": [16], **SMALL, "learning_rate": 0.01, **EARLY, "monitor": "loss"},
    {"layers": [], **SMALL, "learning_rate": 0.05},
    {"layers": [16], "optimizer": "adam", "batch_size": 8, **SMALL, "learning_rate": 0.01, "l2": 0.1},
    {"layers": [16], "optimizer": "rmsprop", "schedule": "constant", **SMALL, "learning_rate": 0.01, **EARLY},
    {"layers": [16], "optimizer": "momentum", "batch_size": 0, "epochs": 200, "learning_rate": 0.3, "n_jobs": 1},
    {"layers": [16], "recipe": "course", "epochs": 200, "learning_rate": 0.1, "n_jobs": 1},
    {"layers": [16], "precision": "f64", **SMALL, "learning_rate": 0.01},
    {"layers": [16], "precision": "bf16", **SMALL, "learning_rate": 0.01, **EARLY},
    {"layers": [32], "dropout": 0.1, **SMALL, "learning_rate": 0.02},
    {"layers": [16], "batch_norm": True, **SMALL, "learning_rate": 0.02, **EARLY},
    {"layers": [16], **SMALL, "learning_rate": 0.01, "options": {"average": 0.9, "clip_norm": 1.0}},
]


KINDS = (ThalwegClassifier, ThalwegRegressor)


@parametrize_with_checks([kind(**options) for kind in KINDS for options in CONFIGURATIONS])
def test_scikit_learns_checks(estimator, check):
    check(estimator)
