#!/usr/bin/env python3
"""Default settings on texts beside scikit-learn's TF-IDF with logistic regression, on the same splits.

usage:  texts.py THALWEG FOLDER [--sets movies,amazon,packages,packages-all] [--seeds 0,1,2]

FOLDER is filled once, from public sources:
- movies, amazon: sentences of film and product reviews with a mean of human ratings, whose sign is the label (Hutto and
  Gilbert 2014), from the source archive of vaderSentiment 2.2 on PyPI; four fifths are for training.
- packages: descriptions of 25,000 Debian packages (bookworm), of which 20,000 are for training, and their section, 40 of
  them; packages-all has their size, number of dependencies and priority, too.
scikit-learn's vectoriser and classifier stand with their default settings, and with what is usually better: pairs of words,
a sublinear count and C = 10.
"""
import argparse, collections, csv, io, json, lzma, pathlib, random, re, resource, statistics, subprocess, tarfile
import tempfile, urllib.request

REVIEWS = ("https://files.pythonhosted.org/packages/72/0d/3326f31957125762b6b14336150879fb519af034607eb5144ec89fe8111c/"
           "vaderSentiment-2.2.tar.gz")
DEBIAN = "http://deb.debian.org/debian/dists/bookworm/main/"
SETS = ["movies", "amazon", "packages", "packages-all"]


def fetched(folder, name, address):
    path = folder / name
    if not path.is_file():
        with urllib.request.urlopen(address) as answer:
            path.write_bytes(answer.read())
    return path.read_bytes()


def write(folder, name, header, rows):
    with open(folder / name, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def reviews(folder):
    archive = tarfile.open(fileobj=io.BytesIO(fetched(folder, "vaderSentiment.tar.gz", REVIEWS)))
    inner = next(member for member in archive if member.name.endswith("hutto_ICWSM_2014.tar.gz"))
    rated = tarfile.open(fileobj=archive.extractfile(inner))
    for name, file in [("movies", "movieReviewSnippets"), ("amazon", "amazonReviewSnippets")]:
        member = next(member for member in rated if member.name.endswith(f"{file}_GroundTruth.txt"))
        lines = rated.extractfile(member).read().decode("utf-8", "replace").splitlines()
        rows = [(parts[-1].strip(), float(parts[1])) for parts in (line.split("\t") for line in lines) if len(parts) > 2]
        random.Random(1).shuffle(rows)
        rows = [(text, "positive" if rating > 0 else "negative") for text, rating in rows if rating != 0]
        count = len(rows) * 4 // 5
        write(folder, f"{name}-train.csv", ["text", "label"], rows[:count])
        write(folder, f"{name}-test.csv", ["text", "label"], rows[count:])


def packages(folder):
    def paragraphs(name, path):
        return lzma.decompress(fetched(folder, name, DEBIAN + path)).decode("utf-8", "replace").split("\n\n")

    known = {}
    for paragraph in paragraphs("Packages.xz", "binary-amd64/Packages.xz"):
        keys = dict(re.findall(r"^([A-Za-z-]+): (.*)$", paragraph, re.M))
        if "Package" in keys:
            depends = len(keys["Depends"].split(",")) if "Depends" in keys else 0
            known[keys["Package"]] = [keys.get("Section", ""), keys.get("Installed-Size", 0), depends,
                                      keys.get("Priority", "")]
    rows = []
    for paragraph in paragraphs("Translation-en.xz", "i18n/Translation-en.xz"):
        name = re.search(r"^Package: (.*)$", paragraph, re.M)
        text = re.search(r"^Description-en: (.*(?:\n .*)*)", paragraph, re.M)
        if name and text and name[1] in known:
            rows.append([name[1], re.sub(r"\s+", " ", text[1].replace("\n .\n", "\n")).strip(), *known[name[1]]])
    random.Random(0).shuffle(rows)
    often = {section for section, _ in collections.Counter(row[2] for row in rows).most_common(40)}
    seen, kept = set(), []
    for row in rows:
        # Packages of one source share most of their descriptions.
        if row[2] in often and len(row[1].split()) >= 20 and row[1][60:160] not in seen:
            seen.add(row[1][60:160])
            kept.append(row)
    for part, rows in [("train", kept[:20_000]), ("test", kept[20_000:25_000])]:
        write(folder, f"packages-{part}.csv", ["description", "section"], [[row[1], row[2]] for row in rows])
        all_columns = [[row[0], row[1], *row[3:], row[2]] for row in rows]
        header = ["name", "description", "installed_size", "depends", "priority", "section"]
        write(folder, f"packages-all-{part}.csv", header, all_columns)


def seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def thalweg(binary, folder, name, target, seed, flags=()):
    with tempfile.TemporaryDirectory() as out:
        command = [binary, "train", f"{folder}/{name}-train.csv", "--test", f"{folder}/{name}-test.csv", "--target", target,
                   "--seed", str(seed), "--json", "-o", f"{out}/run", *flags]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    test = json.loads(lines[-1])["metrics"]["test"]
    return test["log_loss"]["value"], test["accuracy"]["value"]


def logistic(folder, name, target, vectoriser, c):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, log_loss

    def read(part):
        rows = list(csv.DictReader(open(folder / f"{name}-{part}.csv", newline="")))
        texts = [row["text" if "text" in row else "description"] for row in rows]
        return texts, [row[target] for row in rows]

    (texts, labels), (others, truths) = read("train"), read("test")
    vectoriser = TfidfVectorizer(**vectoriser)
    model = LogisticRegression(C=c, max_iter=2_000).fit(vectoriser.fit_transform(texts), labels)
    p = model.predict_proba(vectoriser.transform(others))
    return log_loss(truths, p, labels=model.classes_), accuracy_score(truths, model.classes_[p.argmax(axis=1)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("thalweg")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--seeds", default="0,1,2")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if not (options.folder / "movies-train.csv").is_file():
        reviews(options.folder)
    if not (options.folder / "packages-train.csv").is_file():
        packages(options.folder)
    print("| set | system | log loss | accuracy | CPU s |\n| --- | --- | --- | --- | --- |")
    for name in options.sets.split(","):
        target = "section" if name.startswith("packages") else "label"
        seeds = [int(seed) for seed in options.seeds.split(",")]
        tokens = ["--text", "tokens"]
        systems = [("Thalweg", lambda seed: thalweg(options.thalweg, options.folder, name, target, seed), seeds),
                   ("Thalweg, tokens",
                    lambda seed: thalweg(options.thalweg, options.folder, name, target, seed, tokens), seeds)]
        if name == "packages-all":
            off = ["--text", "off"]
            systems.append(
                ("without its texts", lambda seed: thalweg(options.thalweg, options.folder, name, target, seed, off), seeds))
        else:
            usual = {"ngram_range": (1, 2), "sublinear_tf": True, "min_df": 2}
            systems += [("scikit-learn, defaults", lambda _: logistic(options.folder, name, target, {}, 1.0), [0]),
                        ("scikit-learn, tuned", lambda _: logistic(options.folder, name, target, usual, 10.0), [0])]
        for system, run, seeds in systems:
            before = seconds()
            losses, accuracies = zip(*(run(seed) for seed in seeds), strict=True)
            cost = (seconds() - before) / len(seeds)
            print(f"| {name} | {system} | {statistics.median(losses):.4f} | {statistics.median(accuracies):.4f} "
                  f"| {cost:.0f} |", flush=True)


if __name__ == "__main__":
    main()
