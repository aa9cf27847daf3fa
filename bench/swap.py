"""One line swapped: scikit-learn's MLPClassifier and ours, in the same script, on Fashion-MNIST.

    python bench/swap.py [--data FOLDER] [--rounds 3] [--threads 2]

Needs the package itself (pip install .), scikit-learn, and the data set's four IDX files, gzipped or not. Each fit is a
process of its own with as many threads; the two take turns, and medians are compared.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

IMPORTS = {
    "scikit-learn": "from sklearn.neural_network import MLPClassifier as Classifier",
    "thalweg": "from thalweg import ThalwegClassifier as Classifier",
}

SCRIPT = """
import json, sys, time
import numpy as np

sys.path.insert(0, {bench!r})
from swap import load

X, y = load({data!r}, "train")
X_test, y_test = load({data!r}, "t10k")

{line}

start = time.perf_counter()
model = Classifier(random_state={seed}).fit(X, y)
seconds = time.perf_counter() - start
print(json.dumps(dict(seconds=seconds, accuracy=model.score(X_test, y_test), epochs=model.n_iter_)))
"""


def load(folder, part):
    """Images as rows of numbers from 0 to 1, and their classes."""
    import numpy as np

    def read(kind, header):
        path = next(Path(folder).glob(f"{part}-{kind}*ubyte*"))
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return np.frombuffer(data, dtype=np.uint8, offset=header)

    y = read("labels", 8)
    return read("images", 16).reshape(len(y), -1).astype(np.float32) / 255, y


def fit(name, seed, data, threads):
    """One fit: seconds, accuracy on the test images, and epochs."""
    script = SCRIPT.format(bench=str(Path(__file__).parent), data=str(data), line=IMPORTS[name], seed=seed)
    limits = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    command = [sys.executable, "-W", "ignore", "-c", script]
    if hasattr(os, "sched_setaffinity"):
        cores = ",".join(map(str, sorted(os.sched_getaffinity(0))[:threads]))
        command = ["taskset", "--cpu-list", cores, *command]
    told = subprocess.run(command, env={**os.environ, **limits}, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(told.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parent / "../../shared/data/fashion-mnist")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    fits = {name: [] for name in IMPORTS}
    for seed in range(arguments.rounds):
        for name in IMPORTS:
            found = fit(name, seed, arguments.data.resolve(), arguments.threads)
            fits[name].append(found)
            seconds, accuracy, epochs = found["seconds"], found["accuracy"], found["epochs"]
            print(f"seed {seed}  {name:<12}  {seconds:8.1f} s  accuracy {accuracy:.4f}  {epochs} epochs", flush=True)
    median = {
        name: {key: statistics.median(one[key] for one in found) for key in ("seconds", "accuracy")}
        for name, found in fits.items()
    }
    theirs, ours = median["scikit-learn"], median["thalweg"]
    faster = theirs["seconds"] / ours["seconds"]
    print(f"faster by {faster:.1f}, accuracy {theirs['accuracy']:.4f} → {ours['accuracy']:.4f}")


if __name__ == "__main__":
    main()
