"""Sequences of rows with one target each: the same from a frame as from a file."""

import numpy as np
import pandas as pd
import pytest

import thalweg


def slopes(count):
    """Sequences that rise or fall from anywhere: no row alone tells which."""
    parts = []
    for i in range(count):
        steps = 4 + i * 5 % 9
        x = i * 37 % 20 + (1 if i % 2 else -1) * np.arange(steps)
        parts.append(pd.DataFrame({"recording": f"r{i}", "t": range(steps), "x": x, "way": "up" if i % 2 else "down"}))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def run():
    shuffled = slopes(80).sample(frac=1, random_state=0)
    return thalweg.train(shuffled, target="way", sequence="recording", time="t", epochs=20, verbose=0)


def test_a_frame_has_an_answer_for_each_sequence(run, tmp_path):
    model, new = run.model, slopes(20)
    assert model.sequences == {"sequence": "recording", "time": "t", "steps": 12}
    found = pd.Series(model.predict(new), index=new["recording"].unique())
    expected = new.groupby("recording")["way"].first()
    assert (found[expected.index] == expected).mean() > 0.9
    assert model.predict_proba(new).shape == (20, 2)
    path = tmp_path / "new.csv"
    new.drop(columns="way").sample(frac=1, random_state=1).to_csv(path, index=False)
    names = pd.read_csv(path)["recording"].unique()
    assert (pd.Series(model.predict(path), index=names)[found.index] == found).all()
    assert model.evaluate(new)["accuracy"]["value"] > 0.9
    assert model.embed(new).shape[0] == 20


def test_other_models_group_no_rows(run):
    with pytest.raises(thalweg.errors.ConfigError, match="at each step"):
        run.model.importance(slopes(20))
    other = thalweg.train([[i % 7] for i in range(50)], [i % 7 for i in range(50)], task="regression", epochs=1, verbose=0)
    assert other.model.sequences is None


def test_rows_of_a_sequence_have_one_target():
    frame = slopes(20)
    frame.loc[3, "way"] = "sideways"
    with pytest.raises(thalweg.errors.DataError, match='sequence "r0" has two values of "way"'):
        thalweg.train(frame, target="way", sequence="recording", verbose=0)
