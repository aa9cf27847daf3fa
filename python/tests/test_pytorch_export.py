"""PyTorch runs what `thalweg export … -o net.py` writes, and answers as the model does."""

import importlib.util
import json

import numpy as np
import pytest
from exported import KINDS, NETWORKS, arrays, calibrated, columns, difference, far_numbers, is_sequence, regions, predictions, table, thalweg, train, write_table

torch = pytest.importorskip("torch", reason="PyTorch is not installed: its exports are not run")
pytest.importorskip("safetensors", reason="safetensors is not installed")


def exported(folder, run, *options):
    """The module that is written for a run, loaded."""
    path = folder / "net.py"
    thalweg("export", run, "-o", path, *options)
    spec = importlib.util.spec_from_file_location("net", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_gives_our_outputs(name, tmp_path):
    shape, layers = NETWORKS[name]
    data, x = arrays(tmp_path, shape, ends=is_sequence(layers))
    run = train(tmp_path, data, layers)
    module = exported(tmp_path, run)
    labels, ours = predictions(run, data)
    net = module.load()
    with torch.no_grad():
        theirs, probabilities = module.answers(net(module.prepare(x)))
        assert difference(ours, probabilities) < 1e-5
        assert np.mean([a == b for a, b in zip(labels, theirs)]) > 0.999
        one = module.answers(net(module.prepare(x[:1])))[1]
        assert difference(ours[:1], one) < 1e-5
        assert net(module.prepare(x[:0])).shape == (0, 3)


@pytest.mark.parametrize("level", [0.5, 0.9])
@pytest.mark.parametrize("kind", KINDS)
def test_intervals_and_sets(kind, level, tmp_path):
    run, path, x = calibrated(tmp_path, kind)
    ours = regions(run, path, kind, level)
    module = exported(tmp_path, run, "--intervals", level)
    with torch.no_grad():
        outputs = module.load()(module.prepare(dict(zip("abc", x.T))))
        if kind in KINDS[:3]:
            assert difference(ours, torch.stack(module.intervals(outputs))) < 1e-5
        else:
            assert (ours == module.sets(outputs).numpy()).mean() > 0.998


def test_numbers_are_clipped_to_the_training_rows(tmp_path):
    run, path, x = far_numbers(tmp_path)
    ours = columns(run, path, ["prediction_y", "prediction_z"])
    low, high = ours.min(axis=0), ours.max(axis=0)
    assert ((ours == low) | (ours == high)).mean() > 0.2
    module = exported(tmp_path, run)
    with torch.no_grad():
        theirs = module.answers(module.load()(module.prepare(dict(zip("abc", x.T)))))
    assert difference(ours, theirs) < 1e-5


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("options", [[], ["--one-hot-up-to", 10, "--bins", 5], ["--normalise", "min_max"], ["--precision", "f64"]])
def test_tables_with_every_kind_of_column(task, options, tmp_path):
    path, columns, quoted = table(tmp_path)
    random = np.random.default_rng(1)
    target = {
        "regression": [f"{x:.3f}" for x in random.normal(5000, 300, 1000)],
        "binary": [str(x) for x in random.choice(["left", "right"], 1000)],
        "multiclass": [str(x) for x in random.choice(["a", "b", "c\""], 1000)],
        "multilabel": [str(x) for x in random.choice(["a;b", "b", "", "c;a"], 1000)],
    }[task]
    write_table(path, quoted, ['"' + cell.replace('"', '""') + '"' for cell in target])
    run = train(tmp_path, path, [], "--target", "answer", "--task", task, *options)
    module = exported(tmp_path, run)
    answers, ours = predictions(run, path)
    with torch.no_grad():
        theirs = module.answers(module.load()(module.prepare(columns)))
        if task == "regression":
            assert difference(answers, theirs[:, 0]) < 1e-5
        else:
            assert difference(ours, theirs[1]) < 1e-5
            texts = [";".join(labels) for labels in theirs[0]] if task == "multilabel" else theirs[0]
            assert np.mean([a == b for a, b in zip(answers, texts)]) > 0.999


@pytest.mark.parametrize("task, threshold", [("binary", 0.7), ("multilabel", 0.35)])
def test_labels_follow_the_models_thresholds(task, threshold, tmp_path):
    path, columns, quoted = table(tmp_path)
    target = np.random.default_rng(1).choice(["left", "right"] if task == "binary" else ["a;b", "b", ""], 1000)
    write_table(path, quoted, [str(cell) for cell in target])
    run = train(tmp_path, path, [], "--target", "answer", "--task", task, "--threshold", threshold)
    module = exported(tmp_path, run)
    answers, _ = predictions(run, path)
    with torch.no_grad():
        labels, probabilities = module.answers(module.load()(module.prepare(columns)))
    texts = [";".join(each) for each in labels] if task == "multilabel" else labels
    assert np.mean([a == b for a, b in zip(answers, texts)]) > 0.999
    if task == "binary":
        assert (np.array(labels) == np.where(probabilities[:, 1] >= threshold, "right", "left")).all()


def test_quantiles_are_in_order(tmp_path):
    path, columns, quoted = table(tmp_path)
    write_table(path, quoted, [f"{x:.3f}" for x in np.random.default_rng(1).normal(5000, 300, 1000)])
    run = train(tmp_path, path, [], "--target", "answer", "--task", "regression", "--quantiles", "0.4,0.5,0.6")
    module = exported(tmp_path, run)
    rows = [json.loads(line) for line in thalweg("predict", run, path, "--format", "jsonl").splitlines()]
    ours = [[row[f"quantile_{tau}"] for tau in (0.4, 0.5, 0.6)] for row in rows]
    with torch.no_grad():
        theirs = module.answers(module.load()(module.prepare(columns)))
    assert difference(ours, theirs) < 1e-5
    assert (np.diff(theirs.numpy(), axis=1) >= 0).all()


def test_data_frames_are_tables_too(tmp_path):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    path, columns, quoted = table(tmp_path)
    write_table(path, quoted, [f"{x:.3f}" for x in np.random.default_rng(1).normal(5, 3, 1000)])
    run = train(tmp_path, path, [], "--target", "answer")
    module = exported(tmp_path, run)
    frame = pandas.read_csv(path, na_values=["?", " ? "], parse_dates=["since"], skipinitialspace=True)
    assert frame["size"].dtype == float and frame["since"].dtype.kind == "M"
    answers, _ = predictions(run, path)
    with torch.no_grad():
        assert difference(answers, module.answers(module.load()(module.prepare(frame)))[:, 0]) < 1e-5


@pytest.mark.parametrize("name", ["batch norm", "residual of images", "conv2d after conv1d", "layer norm of sounds"])
def test_what_pytorch_saves_comes_back(name, tmp_path):
    from safetensors.torch import save_file

    shape, layers = NETWORKS[name]
    data, x = arrays(tmp_path, shape, ends=is_sequence(layers))
    run = train(tmp_path, data, layers)
    module = exported(tmp_path, run)
    net = module.load()
    torch.manual_seed(0)
    for parameter in net.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    save_file(net.state_dict(), tmp_path / "changed.safetensors")
    back = tmp_path / "back.safetensors"
    thalweg("import", tmp_path / "changed.safetensors", "--like", run, "-o", back)
    with torch.no_grad():
        theirs = module.answers(net(module.prepare(x)))[1]
    assert difference(predictions(back, data)[1], theirs) < 1e-5
    assert difference(predictions(run, data)[1], theirs) > 1e-3


def test_nothing_in_a_table_becomes_code(tmp_path):
    evil = 'x"""\nraise SystemExit("run")\n"""'
    path = tmp_path / "table.csv"
    cells = evil.replace('"', '""')
    rows = "\n".join(f'"{i % 7}","{cells if i % 2 else "plain"}","{cells if i % 3 else "other"}"' for i in range(60))
    path.write_text(f'"{cells}","b","answer"\n{rows}\n')
    run = train(tmp_path, path, [], "--target", "answer")
    module = exported(tmp_path, run)
    inputs = module.prepare({evil: [1, 2], "b": [evil, "plain"]})
    assert inputs.shape[0] == 2 and evil in module.CLASSES


def test_cells_as_people_write_them(tmp_path):
    random = np.random.default_rng(2)
    rows = range(400)
    columns = {
        "amount": [f"${1000 + 7 * i:,}" if i % 5 else "" for i in rows],
        "share": [f"{i % 90}.5 %" for i in rows],
        "reading": ["-999" if i % 40 == 3 else f"{i % 50}.25" for i in rows],
        "until": ["9999-12-31" if i % 50 == 7 else f"20{10 + i % 9}-{1 + i % 12:02}-11" for i in rows],
        "seen": [[f"2022-05-{1 + i % 28:02}", f"{1 + i % 28:02} May 2022", f"05/{13 + i % 15}/2022"][i % 3] for i in rows],
        "at": [f"{1 + i % 12}:{i % 60:02} {'AP'[i % 2]}M" for i in rows],
        "code": [["01", "1", "1.0", "2"][i % 4] for i in rows],
    }
    cells = [columns[name] for name in columns] + [[f"{x:.3f}" for x in random.normal(5, 3, 400)]]
    quoted = [",".join(f'"{cell}"' for cell in row) for row in zip(*cells)]
    path = tmp_path / "written.csv"
    path.write_text("\n".join([",".join([*columns, "answer"]), *quoted]) + "\n")
    run = train(tmp_path, path, [], "--target", "answer", "--task", "regression")
    module = exported(tmp_path, run)
    answers, _ = predictions(run, path)
    with torch.no_grad():
        assert difference(answers, module.answers(module.load()(module.prepare(columns)))[:, 0]) < 1e-5
