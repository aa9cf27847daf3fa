"""Several runs: on folds, against scikit-learn's metrics, and with other seeds."""

import json

import numpy as np
import pandas as pd
import pytest
import thalweg
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.metrics import accuracy_score, r2_score

QUICK = {"layers": [8], "epochs": 6, "learning_rate": 0.02, "verbose": 0}


def of_folds(found, metric, answer):
    return [
        metric(found["target"][found["fold"] == fold], answer[found["fold"] == fold])
        for fold in np.unique(found["fold"])
    ]


def test_classes_out_of_fold_are_those_that_the_metrics_are_from():
    x, y = load_breast_cancer(return_X_y=True)
    kinds = np.where(y == 1, "benign", "malignant")
    series = thalweg.train(x, kinds, folds=4, **QUICK)
    found = series.out_of_fold
    assert found["row"].tolist() == list(range(569)) and found["target"].tolist() == kinds.tolist()
    each = of_folds(found, accuracy_score, found["prediction"])
    assert series.means["accuracy"] == pytest.approx(np.mean(each), abs=1e-12)
    assert series.spreads["accuracy"] == pytest.approx(np.std(each, ddof=1), abs=1e-12)
    assert [run["accuracy"]["value"] for run in series.metrics] == pytest.approx(each, abs=1e-12)
    total = found["probability_benign"] + found["probability_malignant"]
    np.testing.assert_allclose(total, 1, atol=1e-12)
    # The model of a fold gives the same answers.
    fold = found["fold"] == 2
    model = series.runs[2].model
    assert model.predict(x[fold]).tolist() == found["prediction"][fold].tolist()
    assert len(pd.DataFrame(found)) == 569


def test_numbers_of_a_table_and_of_a_file(tmp_path):
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    table = x.assign(progression=y)
    series = thalweg.train(table, target="progression", folds=3, **QUICK)
    found = series.out_of_fold
    np.testing.assert_array_equal(found["target"], y)
    each = of_folds(found, r2_score, found["prediction"])
    assert series.means["r2"] == pytest.approx(np.mean(each), abs=1e-5)
    path = tmp_path / "t.csv"
    table.to_csv(path, index=False)
    series = thalweg.train(path, target="progression", folds=3, out=tmp_path / "s", **QUICK)
    assert series.folder == tmp_path / "s" and len(series.runs) == 3
    assert series.out_of_fold["line"].tolist() == list(range(2, 444))
    told = json.loads((tmp_path / "s" / "folds.json").read_text())
    assert told["metrics"]["rmse"]["mean"] == series.means["rmse"]


def test_seeds_have_a_spread_and_no_answers_out_of_fold():
    x, y = load_diabetes(return_X_y=True)
    series = thalweg.train(x, y, task="regression", seeds=3, **QUICK)
    values = [run["rmse"]["value"] for run in series.metrics]
    assert len(set(values)) == 3 and series.out_of_fold is None
    assert series.spreads["rmse"] == pytest.approx(np.std(values, ddof=1))
    assert "3 runs" in repr(series)
    with pytest.raises(TypeError, match="folds and seeds"):
        thalweg.train(x, y, folds=3, seeds=3)
    with pytest.raises(thalweg.ConfigError, match="a single run has no spread"):
        thalweg.train(x, y, folds=1)
