"""Forecasts: a frame carried on, the same as from a file."""

import numpy as np
import pandas as pd
import pytest

import thalweg


def season(days):
    """A trend and a week of length 7: y(t) = 20 + t + 5 sin(2πt/7)."""
    t = np.arange(days)
    dates = pd.date_range("2023-01-01", periods=days, freq="D")
    return pd.DataFrame({"date": dates, "y": 20 + t + 5 * np.sin(2 * np.pi * t / 7)})


@pytest.fixture(scope="module")
def run():
    return thalweg.train(season(200), target="y", time="date", forecast=7, layers=[], epochs=200, verbose=0)


def test_a_frame_is_carried_on(run):
    steps = run.model.carry_on(season(200))
    assert list(steps) == ["date", "prediction", "quantile_0.1", "quantile_0.5", "quantile_0.9"]
    assert steps["date"][0] == "2023-07-20" and len(steps["date"]) == 7
    truth = season(207)["y"].to_numpy()[200:]
    np.testing.assert_allclose(run.model.predict(season(200)), truth, atol=1.5)
    np.testing.assert_array_equal(run.model.predict(season(200)), steps["prediction"])
    quantiles = run.model.predict_quantiles(season(200))
    assert quantiles.shape == (7, 3) and (np.diff(quantiles, axis=1) >= 0).all()
    assert run.model.targets == ["y"] and run.model.forecast["horizon"] == 7


def test_a_file_and_a_copy_answer_alike(run, tmp_path):
    path = tmp_path / "series.csv"
    season(200).to_csv(path, index=False)
    again = thalweg.Model.from_bytes(run.model.to_bytes())
    np.testing.assert_allclose(again.predict(path), run.model.predict(season(200)), rtol=1e-5)


def test_forecasts_are_judged_beside_simple_ones(run):
    names = [each["name"] for each in run.forecast["forecasters"]]
    assert names == ["the network", "seasonal naive", "drift", "mean"]
    network, naive = (run.forecast["forecasters"][i]["all"]["rmse"] for i in (0, 1))
    # The naive forecast of the same weekday is a week's trend short.
    assert naive == pytest.approx(7) and network < 1


def test_other_models_carry_nothing_on():
    run = thalweg.train([[i % 7] for i in range(50)], [i % 7 for i in range(50)], task="regression", epochs=1, verbose=0)
    with pytest.raises(TypeError, match="makes no forecast"):
        run.model.carry_on(season(20))
