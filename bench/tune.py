"""What the search for better options brings: `python bench/tune.py PART [--json FILE] [--picture FILE]`.

Parts: `sets` (tuned against default settings on the test parts of six data sets), `claims` (the course's: random against
grid, coarse to fine against both), `compute` (TPE with early ends against 60 random trials), `optuna` (Optuna's TPE and
median pruner on the same trainings). The data sets lie in THALWEG_DATA, the program is THALWEG or target/release/thalweg.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
THALWEG = os.environ.get("THALWEG", str(ROOT / "target/release/thalweg"))
DATA = Path(os.environ.get("THALWEG_DATA", str(ROOT / "../shared/data")))

# What follows `train` or `tune`.
SETS = {
    "breast-cancer": ["sample:breast-cancer"],
    "digits": ["sample:digits"],
    "titanic": [str(DATA / "titanic/train.csv"), "--target", "Survived"],
    "wine-quality": [str(DATA / "wine-quality/winequality-white.csv"), "--task", "regression"],
    "california-housing": [str(DATA / "california-housing/housing.csv"), "--target", "median_house_value"],
    "diabetes": [str(DATA / "diabetes/diabetes.csv")],
    "adult": [str(DATA / "adult/adult-train.csv"), "--test", str(DATA / "adult/adult-test.csv")],
}


def thalweg(*arguments):
    """Runs the program in a folder of its own; gives its JSON, its trials, and the seconds it took."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        line = [THALWEG, *arguments, "-q", "--json", "-o", "run"]
        line += ["--study", "s.sqlite"] if arguments[0] == "tune" else []
        done = subprocess.run(line, cwd=folder, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if done.returncode:
            raise RuntimeError(f"{' '.join(line)}\n{done.stderr}")
        trials = []
        if arguments[0] == "tune":
            export = [THALWEG, "tune", "export", "s.sqlite", "--format", "jsonl"]
            text = subprocess.run(export, cwd=folder, capture_output=True, text=True, check=True).stdout
            trials = [json.loads(row) for row in text.splitlines()]
        return json.loads(done.stdout), trials, seconds


def sets(seeds, only):
    """Test metrics of the tuned network and of the default one, on the same parts."""
    rows = []
    for name, arguments in SETS.items():
        if only and name not in only:
            continue
        for seed in seeds:
            common = ["--seed", str(seed)]
            default, _, before = thalweg("train", *arguments, *common)
            tuned, _, seconds = thalweg("tune", *arguments, *common, "--trials", "60")
            row = {"set": name, "seed": seed, "objective": tuned["objective"]}
            row |= {"default_seconds": before, "tuned_seconds": seconds}
            for kind, result in [("default", default), ("tuned", tuned)]:
                row |= {f"{kind}_{m}": value["value"] for m, value in result["metrics"]["test"].items()}
            rows.append(row)
            metrics = ["log_loss", "accuracy"] if "tuned_accuracy" in row else ["rmse"]
            change = "  ".join(f"{m} {row[f'default_{m}']:.4f} -> {row[f'tuned_{m}']:.4f}" for m in metrics)
            print(f"{name:<20} seed {seed}  sought {row['objective']}  test {change}  {before:.1f} s -> {seconds:.0f} s", flush=True)
    return rows


SPACE = [
    "--search", "learning_rate=log:1e-4..1e-1",
    "--search", "layers=int:1..3",
    "--search", "units=log_int:8..256",
    "--search", "dropout=linear:0..0.5",
    "--epochs", "40",
]  # fmt: skip


def best_dev(trials):
    return min(trial["value"] for trial in trials if trial["state"] == "done" and trial["kind"] != "seed")


def claims(seeds, data):
    """The best dev loss of equally many trials, over seeds of which each has its own split."""
    rows = []
    for seed in seeds:
        row = {"seed": seed}
        for sampler in ["grid", "random", "coarse_to_fine", "halton", "tpe", "gp"]:
            _, trials, _ = thalweg(
                "tune", *data, "--seed", str(seed), "--trials", "36", "--seeds", "0", "--baseline=false",
                "--pruner", "none", "--sampler", sampler, "--objective", "log_loss", *SPACE,
            )  # fmt: skip
            row[sampler] = best_dev(trials)
        rows.append(row)
        print("  ".join(f"{key} {value:.4f}" if key != "seed" else f"seed {value}" for key, value in row.items()), flush=True)
    return rows


def compute(seeds, data):
    """How much training TPE with early ends needs for the best of 60 random trials, in trials' worth of epochs."""
    rows = []
    for seed in seeds:
        common = [*data, "--seed", str(seed), "--seeds", "0", "--baseline=false", "--objective", "log_loss", *SPACE]
        _, random, _ = thalweg("tune", *common, "--trials", "60", "--sampler", "random")
        _, tpe, _ = thalweg("tune", *common, "--trials", "150", "--sampler", "tpe", "--pruner", "asha", "--workers", "1")
        goal, epochs = best_dev(random), sum(trial["epochs"] for trial in random) / len(random)
        spent, needed = 0, None
        for trial in tpe:
            spent += trial["epochs"]
            if trial["state"] == "done" and trial["value"] <= goal:
                needed = spent / epochs
                break
        rows.append({"seed": seed, "random_60": goal, "tpe_asha": best_dev(tpe), "trials_worth": needed})
        print(rows[-1], flush=True)
    return rows


def optuna_search(data, seed, trials):
    """Optuna on the same trainings: a process each, its epochs read as they are printed."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial):
        layers = trial.suggest_int("layers", 1, 3)
        units = trial.suggest_int("units", 8, 256, log=True)
        values = {
            "--learning-rate": trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
            "--dropout": trial.suggest_float("dropout", 0.0, 0.5),
            "--layers": ",".join([str(units)] * layers),
        }
        with tempfile.TemporaryDirectory() as folder:
            line = [THALWEG, "train", *data, "--seed", str(seed), "--monitor", "log_loss", "-v", "--json", "-o", "run"]
            line += ["--epochs", "40"] + [str(word) for pair in values.items() for word in pair]
            run = subprocess.Popen(line, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for text in run.stderr:
                epoch = re.match(r"epoch +(\d+)/.*dev loss ([0-9.e+-]+)", text)
                if epoch:
                    trial.report(float(epoch[2]), int(epoch[1]))
                    if trial.should_prune():
                        run.kill()
                        run.wait()
                        raise optuna.TrialPruned
            out = run.stdout.read()
            if run.wait():
                raise optuna.TrialPruned
            return json.loads(out)["metrics"]["dev"]["log_loss"]["value"]

    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
    study = optuna.create_study(sampler=sampler, pruner=optuna.pruners.MedianPruner())
    start = time.perf_counter()
    study.optimize(objective, n_trials=trials)
    return study.best_value, time.perf_counter() - start


def optuna(seeds, data, trials):
    """The best dev loss of equally many trials, one at a time, and trials a minute, with ours as many at a time as usual."""
    rows = []
    for seed in seeds:
        common = [
            "tune", *data, "--seed", str(seed), "--trials", str(trials), "--seeds", "0", "--baseline=false", "--folds", "1",
            "--refit=false", "--sampler", "tpe", "--pruner", "median", "--objective", "log_loss", *SPACE,
        ]  # fmt: skip
        _, ours, one = thalweg(*common, "--workers", "1")
        _, _, usual = thalweg(*common)
        theirs, their_seconds = optuna_search(data, seed, trials)
        row = {"seed": seed, "thalweg": best_dev(ours), "optuna": theirs, "difference": best_dev(ours) - theirs}
        minutes = {"thalweg_one": one, "thalweg": usual, "optuna": their_seconds}
        row |= {f"{system}_trials_a_minute": trials / seconds * 60 for system, seconds in minutes.items()}
        rows.append(row)
        print({key: round(value, 4) for key, value in row.items()}, flush=True)
    return rows


def picture(rows, title, unit):
    """Points of each kind over its seeds, joined where they are of one seed, as SVG."""
    kinds = [key for key in rows[0] if key != "seed"]
    values = [row[kind] for row in rows for kind in kinds]
    low, high = min(values), max(values)
    width, height, left, top = 640, 360, 60, 60
    at = lambda i, value: (
        left + (i + 0.5) * (width - left) / len(kinds),
        height - 40 - (value - low) / (high - low) * (height - 40 - top),
    )
    ink, line, point, best = "#1d1c1a", "#bdbab3", "#2667c8", "#c2540a"
    svg = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="Inter, Segoe UI, Arial, sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="12" y="26" font-size="16" font-weight="600" fill="{ink}">{title}</text>'
        f'<text x="12" y="46" fill="#54524d">{unit}; a line a seed, the bar is the median</text>'
    ]
    for share in (0, 0.5, 1):
        value = low + share * (high - low)
        y = at(0, value)[1]
        svg.append(f'<path d="M{left} {y:.1f}H{width}" stroke="#e9e7e2"/>')
        svg.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#6e6c66">{value:.3f}</text>')
    for row in rows:
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(i, row[kind]) for i, kind in enumerate(kinds)))
        svg.append(f'<polyline points="{places}" fill="none" stroke="{line}" stroke-opacity="0.6"/>')
    for i, kind in enumerate(kinds):
        for row in rows:
            x, y = at(i, row[kind])
            svg.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{point}" fill-opacity="0.75"/>')
        x, y = at(i, statistics.median(row[kind] for row in rows))
        svg.append(f'<path d="M{x - 22:.1f} {y:.1f}h44" stroke="{best}" stroke-width="3"/>')
        svg.append(f'<text x="{x:.1f}" y="{height - 14}" text-anchor="middle" fill="{ink}">{kind}</text>')
    return "".join(svg) + "</svg>\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["sets", "claims", "compute", "optuna"])
    parser.add_argument("--seeds", type=int, default=None, help="how many seeds")
    parser.add_argument("--data", nargs="+", default=["sample:digits"], help="what follows `thalweg tune`")
    parser.add_argument("--trials", type=int, default=40, help="trials of the part `optuna`")
    parser.add_argument("--only", nargs="*", help="data sets of the part `sets`")
    parser.add_argument("--json", help="where the figures go")
    parser.add_argument("--picture", help="where the picture of the claims goes, as SVG")
    options = parser.parse_args()
    seeds = range(options.seeds or {"sets": 1, "claims": 10, "compute": 5, "optuna": 10}[options.part])
    if options.part == "sets":
        rows = sets(seeds, options.only)
    else:
        more = [options.trials] if options.part == "optuna" else []
        rows = {"claims": claims, "compute": compute, "optuna": optuna}[options.part](seeds, options.data, *more)
    for key in [key for key in rows[0] if key != "seed" and options.part != "sets"]:
        # What was never reached counts as later than all else.
        numbers = [float("inf") if row[key] is None else row[key] for row in rows]
        print(f"median {key:<26} {statistics.median(numbers):.4f} ({len(numbers)} seeds)")
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    if options.picture:
        Path(options.picture).write_text(picture(rows, "The best of 36 trials on " + options.data[0], "dev log loss"))


if __name__ == "__main__":
    main()
