"""Writes confident.json: labels that answers contradict, by cleanlab, from answers by scikit-learn; its folds by time.

    pip install numpy==2.4.6 scikit-learn==1.9.1 cleanlab==2.9.0
    python make_confident.py
"""

import json
from pathlib import Path

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.datasets import load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, TimeSeriesSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

cases = []
for load, flips, regularisation in [(load_iris, 9, 0.1), (load_wine, 12, 1.0)]:
    x, y = load(return_X_y=True)
    random = np.random.default_rng(3)
    flipped = random.choice(len(y), flips, replace=False)
    y[flipped] = (y[flipped] + random.integers(1, 3, flips)) % 3
    model = make_pipeline(StandardScaler(), LogisticRegression(C=regularisation))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    p = cross_val_predict(model, x, y, cv=folds, method="predict_proba").round(5)
    p /= p.sum(axis=1, keepdims=True)
    issues = find_label_issues(y, p, filter_by="confident_learning")
    margins = get_label_quality_scores(y, p, method="normalized_margin", adjust_pred_probs=False)
    cases.append({
        "labels": y.tolist(),
        "probabilities": p.ravel().tolist(),
        "issues": np.flatnonzero(issues).tolist(),
        "margins": margins.tolist(),
    })

folds = [
    {"gap": gap, "folds": [[train.tolist(), test.tolist()] for train, test in TimeSeriesSplit(count, gap=gap).split(np.zeros(rows))]}
    for rows, count, gap in [(14, 3, 0), (14, 3, 2), (100, 7, 5)]
]
path = Path(__file__).with_name("confident.json")
path.write_text(json.dumps({"cases": cases, "time_series_splits": folds}) + "\n")
print([len(case["issues"]) for case in cases])
