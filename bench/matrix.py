"""How long a NumPy matrix with its targets, or the same as a DataFrame, takes until training begins, and the most memory
held: `python matrix.py` prints JSON.

Each case is 1,000,000 rows of 28 numbers in a process of its own; it ends at the first event of the training.
"""

import json
import resource
import subprocess
import sys
import time

ROWS, COLUMNS, RUNS = 1_000_000, 28, 3
CASES = [
    ("matrix", "float32", "numbers"),
    ("matrix", "float64", "numbers"),
    ("matrix", "float32", "classes"),
    ("frame", "float64", "numbers"),
    ("frame", "float64", "classes"),
]


class Began(Exception):
    """The training has begun."""


def measure(form, kind, targets):
    """Seconds until training begins, and MiB: of the data itself, and the most held."""
    import numpy as np
    import thalweg

    random = np.random.default_rng(1)
    X = random.standard_normal((ROWS, COLUMNS)).astype(kind)
    y = X[:, 0].astype(np.float64) if targets == "numbers" else (X[:, 0] > 0).astype(np.int64)
    if form == "frame":
        import pandas

        X = pandas.DataFrame(X, columns=[f"x{i}" for i in range(COLUMNS)])
    most = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    before = most()

    def begin(_event):
        raise Began

    start = time.perf_counter()
    try:
        thalweg.train(X, y, epochs=1, layers=[8], verbose=0, callbacks=[begin])
    except Began:
        return {"seconds": time.perf_counter() - start, "before": before, "most": most()}
    sys.exit("no event came")


def main():
    points = []
    for case in CASES:
        runs = [json.loads(subprocess.check_output([sys.executable, __file__, *case])) for _ in range(RUNS)]
        points.append({"case": " ".join(case), **min(runs, key=lambda run: run["seconds"])})
    json.dump(points, sys.stdout, indent=1)


if sys.argv[1:]:
    json.dump(measure(*sys.argv[1:]), sys.stdout)
else:
    main()
