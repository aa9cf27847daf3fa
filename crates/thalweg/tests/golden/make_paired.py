"""Writes paired.json: two models on the same rows, float64, from SciPy and NumPy.

    pip install scipy==1.17.1 numpy==2.4.6
    python make_paired.py
"""

import json
from pathlib import Path

import numpy as np
from scipy import stats

random = np.random.default_rng(5)
m = 240


def intervals(measures, y, a, b):
    """B − A with SciPy's paired percentile bootstrap."""
    found = {}
    for name, measure in measures.items():

        def difference(y, a, b, axis=-1, measure=measure):
            return measure(y, b, axis) - measure(y, a, axis)

        resampled = stats.bootstrap((y, a, b), difference, n_resamples=20_000, vectorized=True, paired=True, batch=500,
                                    method="percentile", rng=np.random.default_rng(1))
        low, high = resampled.confidence_interval
        found[name] = {"value": difference(y, a, b), "low": low, "high": high}
    return found


def mean_loss(of_a, of_b):
    found = stats.ttest_rel(of_b, of_a)
    low, high = found.confidence_interval(0.95)
    return {"value": np.mean(of_b - of_a), "low": low, "high": high}


y = random.integers(0, 2, m)
a = np.clip(0.3 + 0.35 * y + random.normal(0, 0.25, m), 0.01, 0.99)
b = np.clip(a + 0.12 * (y - 0.5) + random.normal(0, 0.1, m), 0.01, 0.99)
right_a, right_b = (a > 0.5) == y, (b > 0.5) == y
only_a, only_b = int(np.sum(right_a & ~right_b)), int(np.sum(right_b & ~right_a))
losses = [-np.log(np.where(y == 1, p, 1 - p)) for p in (a, b)]
classes = {
    "accuracy": lambda y, p, axis: np.mean((p > 0.5) == y, axis),
    "log_loss": lambda y, p, axis: -np.mean(np.log(np.where(y == 1, p, 1 - p)), axis),
    "brier": lambda y, p, axis: np.mean((p - y) ** 2, axis),
}
binary = {"task": "binary", "y": y.astype(float), "a": a, "b": b, "metrics": intervals(classes, y, a, b),
          "mean_loss": mean_loss(*losses),
          "mcnemar": {"only_a": only_a, "only_b": only_b, "p": stats.binomtest(only_a, only_a + only_b).pvalue}}

t = random.normal(50, 20, m)
a, b = t + random.normal(1, 6, m), t + random.normal(0, 5, m)
numbers = {
    "rmse": lambda y, p, axis: np.sqrt(np.mean((p - y) ** 2, axis)),
    "mae": lambda y, p, axis: np.mean(np.abs(p - y), axis),
    "r2": lambda y, p, axis: 1 - np.mean((p - y) ** 2, axis) / np.var(y, axis),
}
regression = {"task": "regression", "y": t, "a": a, "b": b, "metrics": intervals(numbers, t, a, b),
              "mean_loss": mean_loss((a - t) ** 2, (b - t) ** 2), "mcnemar": None}

counts = [(0, 1), (1, 0), (3, 11), (8, 8), (0, 60), (45, 80), (500, 620), (20_000, 20_900), (700_000, 701_000)]
mcnemar = [{"only_a": p, "only_b": q, "p": stats.binomtest(p, p + q).pvalue} for p, q in counts]

content = {"source": "SciPy: bootstrap, ttest_rel and binomtest",
           "cases": [binary, regression], "mcnemar": mcnemar}
text = json.dumps(content, default=lambda x: x.tolist())
(Path(__file__).parent / "paired.json").write_text(text + "\n", encoding="utf-8")
