"""What `train --tensorboard` writes, read by TensorBoard itself."""

import csv
import signal
import subprocess
import time

import pytest

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
from tensorboard.plugins.hparams import metadata

from exported import command, thalweg

ALL = {kind: 0 for kind in ("scalars", "histograms", "images", "tensors")}


def read(folder):
    events = accumulator.EventAccumulator(str(folder), size_guidance=ALL)
    events.Reload()
    return events


def history(run):
    with open(run / "history.csv") as lines:
        return list(csv.DictReader(lines))


def test_scalars_histograms_hyperparameters_and_figures_are_read(tmp_path):
    run, board = tmp_path / "iris", tmp_path / "board"
    options = ["--layers", 8, "--epochs", 5, "--batch-size", 30, "--patience", 0, "--tensorboard", board]
    thalweg("train", "sample:iris", *options, "-q", "-o", run)
    events = read(board / "iris")
    epochs = history(run)
    cost = events.Scalars("loss/train")
    steps = -(-90 // 30)
    assert [one.step for one in cost] == [epoch * steps for epoch in range(1, 6)]
    assert [one.value for one in cost] == pytest.approx([float(line["cost"]) for line in epochs], rel=1e-6)
    accuracy = [float(line["dev_accuracy"]) for line in epochs]
    assert [one.value for one in events.Scalars("dev/accuracy")] == pytest.approx(accuracy, rel=1e-6)
    tags = events.Tags()
    assert {"loss/dev", "learning_rate", "best/test/accuracy", "activation/layers.0"} <= set(tags["scalars"])
    assert set(tags["histograms"]) == {f"layers.{i}.{name}" for i in (0, 1) for name in ("weight", "bias")}
    weights = events.Histograms("layers.0.weight")[0].histogram_value
    assert weights.num == sum(weights.bucket) == 4 * 8 and weights.min <= weights.max == weights.bucket_limit[-1]
    assert "figures/learning-curves" in tags["images"]
    assert events.Images("figures/learning-curves")[0].width > 100
    told = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    hyperparameters = metadata.parse_session_start_info_plugin_data(told).hparams
    assert hyperparameters["train.batch_size"].number_value == 30
    assert hyperparameters["data.path"].string_value == "sample:iris"


def test_a_resumed_run_goes_on_in_another_file(tmp_path):
    run, board = tmp_path / "digits", tmp_path / "board"
    arguments = ["train", "sample:digits", "--layers", 8, "--epochs", 100000, "--patience", 0, "--tensorboard", board]
    training = subprocess.Popen([command(), *map(str, arguments), "-q", "-o", str(run)], stdout=subprocess.DEVNULL)
    while not (run / "checkpoint.safetensors").exists():
        assert training.poll() is None
        time.sleep(0.05)
    training.send_signal(signal.SIGINT)
    assert training.wait(60) == 130
    again = subprocess.Popen([command(), "resume", str(run), "-q"], stdout=subprocess.DEVNULL)
    time.sleep(1)
    again.send_signal(signal.SIGINT)
    assert again.wait(60) == 130
    assert len(list((board / "digits").iterdir())) == 2
    cost = read(board / "digits").Scalars("loss/train")
    steps = [one.step for one in cost]
    assert steps == sorted(set(steps)), "no epoch twice"
    assert [one.value for one in cost] == pytest.approx([float(line["cost"]) for line in history(run)], rel=1e-6)
