"""How time and memory of reading a table grow with its columns: `python wide.py path/to/thalweg` prints JSON.

Each table has 20 rows of random numbers and a target; `train --dry-run` reads, surveys, splits and encodes it. The median
of three runs.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROWS, RUNS = 20, 3


def write(path, columns):
    numbers = random.Random(1)
    with open(path, "w") as file:
        file.write("".join(f"c{i}," for i in range(columns)) + "y\n")
        for row in range(ROWS):
            file.write("".join(f"{numbers.random():.3f}," for _ in range(columns)) + f"{row % 2}\n")


def measure(program, path):
    """Seconds and the most memory held, in MiB."""
    start = time.perf_counter()
    child = subprocess.Popen([program, "train", path, "--dry-run"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{program} train {path} --dry-run failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main(program):
    points = []
    with tempfile.TemporaryDirectory() as folder:
        for columns in (1_000, 10_000, 30_000, 100_000):
            path = os.path.join(folder, f"{columns}.csv")
            write(path, columns)
            seconds, memory = zip(*(measure(program, path) for _ in range(RUNS)), strict=True)
            points.append({
                "columns": columns,
                "seconds": statistics.median(seconds),
                "memory": statistics.median(memory),
                "allowed": 4 * os.path.getsize(path) / 2**20 + 64,
            })
    json.dump(points, sys.stdout)


main(sys.argv[1])
