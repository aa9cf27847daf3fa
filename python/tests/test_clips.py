"""Clips: folders of frames and animated files, by their path."""

import numpy as np
import pytest

import thalweg

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: it makes the clips")


def frames(step, seed):
    """A dark clip over which a bright square moves."""
    picture = np.full((12, 12), 20 + seed, np.uint8)
    picture[3:7, 3:7] = 200
    return [Image.fromarray(np.roll(picture, step * i, 1)) for i in range(4)]


def test_clips_are_trained_on_and_predicted_by_their_path(tmp_path):
    for name, step in [("left", -1), ("right", 1)]:
        for i in range(8):
            clip = tmp_path / "clips" / name / str(i)
            clip.mkdir(parents=True)
            for at, frame in enumerate(frames(step, i)):
                frame.save(clip / f"{at}.png")
    run = thalweg.train(tmp_path / "clips", layers=[4], epochs=2, verbose=0, out=tmp_path / "run")
    first, *others = frames(1, 9)
    first.save(tmp_path / "new.gif", save_all=True, append_images=others)
    answers = run.model.predict(tmp_path / "new.gif")
    assert answers.shape == (1,) and answers[0] in ("left", "right")
    assert run.model.predict(tmp_path / "clips").shape == (16,)
    fewer = thalweg.train(tmp_path / "clips", frames=2, layers=[4], epochs=1, verbose=0, out=tmp_path / "fewer")
    assert fewer.model.predict_proba(tmp_path / "new.gif").shape == (1, 2)
