"""The estimators, beyond what scikit-learn checks of every estimator."""

import copy
import inspect
import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_classification, make_multilabel_classification
from sklearn.metrics import accuracy_score, mean_pinball_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import thalweg
from thalweg import ThalwegClassifier, ThalwegRegressor
from thalweg._keywords import EXTRA, RENAMED

IRIS = load_iris(return_X_y=True)
QUICK = {"layers": [16], "epochs": 40, "learning_rate": 0.03}


def numbers(rows=200, outputs=None):
    random = np.random.default_rng(0)
    X = random.normal(size=(rows, 4))
    y = X @ random.normal(size=(4, outputs or 1)) + 3.0
    return X, y if outputs else y[:, 0]


@pytest.mark.parametrize("kind", [ThalwegClassifier, ThalwegRegressor])
def test_keywords_are_options_with_their_defaults(kind):
    options = {option["name"]: option for option in thalweg.options()}
    for name, parameter in inspect.signature(kind).parameters.items():
        if name in EXTRA:
            continue
        default = options[RENAMED.get(name, name)]["default"]
        default = default[0] if isinstance(default, list) and len(default) == 1 else default
        # None is the option's default, whatever that is.
        assert parameter.default is None or parameter.default == default, name


def test_intervals_reach_as_far_as_validation_rows_were_off():
    X, y = numbers(400)
    model = ThalwegRegressor(**QUICK).fit(X[:200], y[:200], validation_data=(X[200:300], y[200:300]))
    off = np.sort(np.abs(model.predict(X[200:300]) - y[200:300]))
    for level, rank in [(0.9, 91), (0.5, 51)]:
        ends = model.predict_interval(X[300:], level)
        predicted = model.predict(X[300:])
        np.testing.assert_allclose(ends, predicted[:, None] + np.array([-1, 1]) * off[rank - 1], rtol=1e-5)
        np.testing.assert_array_equal(ends, model.model_.predict_interval(X[300:], level))
    with pytest.raises(ValueError, match="0.995 needs 199 dev rows.*calibrated on 100"):
        model.predict_interval(X, 0.995)
    X, y = numbers(200, outputs=2)
    model = ThalwegRegressor(**QUICK).fit(X, y)
    assert model.predict_interval(X, 0.8).shape == (200, 2, 2)


def test_numbers_stay_within_those_trained_on():
    x = np.arange(200.0)[:, None]
    y = 3 * x[:, 0] + 5
    usual = {"layers": [], "epochs": 60, "learning_rate": 0.05, "random_state": 0}
    far = np.array([[-1e5], [1e5]])
    low, high = ThalwegRegressor(**usual, validation_fraction=0).fit(x, y).predict(far)
    assert (low, high) == (5, 602)
    unclipped = ThalwegRegressor(**usual, options={"clip_answers": False}).fit(x, y).predict(far)
    assert unclipped[0] < -2e5 and unclipped[1] > 2e5
    model = ThalwegRegressor(**usual)
    model.partial_fit(x[:100], y[:100])
    model.partial_fit(x[150:], y[150:])
    assert sorted(model.predict(far)) == [5, 602]


def test_quantiles_are_judged_as_scikit_learn_judges_them():
    random = np.random.default_rng(0)
    X = random.uniform(size=(1500, 2))
    y = X[:, 0] + X[:, 0] * random.normal(size=1500)
    X, y, seen, truth = X[:1000], y[:1000], X[1000:], y[1000:]
    taus = [0.1, 0.5, 0.9]
    model = ThalwegRegressor(quantiles=taus, epochs=60).fit(X, y, validation_data=(seen, truth))
    quantiles = model.predict_quantiles(seen)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    np.testing.assert_array_equal(model.predict(seen), quantiles[:, 1])
    found = model.model_.evaluate(seen, truth)
    for tau, column in zip(taus, quantiles.T):
        pinball = mean_pinball_loss(truth, column, alpha=tau)
        assert found[f"pinball_{tau}"]["value"] == pytest.approx(pinball, rel=1e-6)
        # No constant is as good as what follows the columns, as the lowest quantile hardly does.
        assert pinball < (1.05 if tau == 0.1 else 0.98) * mean_pinball_loss(truth, np.full(500, np.quantile(y, tau)), alpha=tau)
        assert abs((truth <= column).mean() - tau) < 0.08
    ends = model.predict_interval(seen, 0.9)
    off = np.sort(np.maximum(quantiles[:, 0] - truth, truth - quantiles[:, 2]))[451 - 1]
    np.testing.assert_allclose(ends, quantiles[:, [0, 2]] + [-off, off], atol=1e-5)
    restored = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(restored.predict_quantiles(seen), quantiles)
    with pytest.raises(TypeError, match="needs quantiles"):
        ThalwegRegressor(**QUICK).fit(X, y).predict_quantiles(X)
    with pytest.raises(ValueError, match="quantiles of 2 targets"):
        ThalwegRegressor(quantiles=taus).fit(X, np.stack([y, y], axis=1))


def test_sets_hold_the_classes_that_are_likely_enough():
    X, y = IRIS
    model = ThalwegClassifier(**QUICK).fit(X[::2], y[::2], validation_data=(X[1::2], y[1::2]))
    scores = np.sort(1 - model.model_.predict_proba(X[1::2])[np.arange(75), y[1::2]])
    for level in (0.8, 0.95):
        least = 1 - scores[int(np.ceil(76 * level)) - 1]
        np.testing.assert_array_equal(model.predict_set(X, level), model.model_.predict_proba(X) >= least - 1e-12)
    with pytest.raises(TypeError, match="predict_set"):
        model.model_.predict_interval(X)


def test_a_threshold_is_chosen_kept_and_replaced():
    X, y = make_classification(600, weights=[0.9], flip_y=0.1, random_state=0)
    cost = ThalwegClassifier(options={"threshold": "cost:FN=10,FP=1"}, **QUICK).fit(X, y)
    (threshold,) = cost.model_.thresholds
    assert 0 < threshold < 0.5
    probabilities = cost.predict_proba(X)[:, 1]
    assert ((probabilities >= threshold) == cost.predict(X)).all()
    decision = next(decision for decision in cost.run_.decisions if "predicted from" in decision["what"])
    assert str(threshold) in decision["what"] and decision["flag"] == 'options={"threshold": 0.5}'
    half = cost.model_.with_threshold(0.5)
    assert half.thresholds == [] and ((probabilities >= 0.5) == half.predict(X)).all()
    accuracy = half.evaluate(X, y)["accuracy"]["value"]
    assert accuracy == pytest.approx(accuracy_score(y, probabilities >= 0.5), abs=1e-12)
    fixed = ThalwegClassifier(options={"threshold": 0.3}, **QUICK).fit(X, y)
    assert fixed.model_.thresholds == [0.3]
    assert pickle.loads(pickle.dumps(fixed)).model_.thresholds == [0.3]
    with pytest.raises(ValueError, match="threshold.*expected a probability"):
        half.with_threshold(2)
    with pytest.raises(ValueError, match="did you mean \"youden\""):
        ThalwegClassifier(options={"threshold": "yuden"}).fit(X, y)


@pytest.mark.parametrize(
    "labels",
    [
        ["setosa", "versicolor", "virginica"],
        [3, 1, 2],
        [0.5, 1.5, 2.0],
        ["3", "3.0", "4"],
        ["", " a", "a "],
        ["nan", "NA", "none"],
        ["a,b", "c=d", 'e"f'],
        ["ä", "ß", "漢"],
    ],
)
def test_classes_of_any_name_come_back_as_they_are(labels):
    X, y = IRIS
    y = np.array(labels)[y] if not isinstance(labels[0], float) else np.array(labels).astype(object)[y]
    y = y if not isinstance(labels[0], float) else y.astype(str)
    model = ThalwegClassifier(**QUICK).fit(X, y)
    assert model.classes_.tolist() == sorted(set(y.tolist()))
    assert model.score(X, y) > 0.9
    assert model.predict(X).dtype == y.dtype


def test_two_classes_may_be_booleans():
    X, y = IRIS
    model = ThalwegClassifier(**QUICK).fit(X, y == 0)
    assert model.predict(X).dtype == bool
    assert model.score(X, y == 0) == 1.0
    assert model.decision_function(X).shape == (150,)
    assert ((model.decision_function(X) > 0) == model.predict(X)).all()


def test_several_labels_at_once():
    X, y = make_multilabel_classification(n_samples=300, n_features=8, n_classes=3, random_state=0)
    model = ThalwegClassifier(layers=[32], epochs=100).fit(X, y)
    assert model.predict(X).shape == model.predict_proba(X).shape == (300, 3)
    judged = model.model_.evaluate(X, y)["accuracy"]["value"]
    assert judged == pytest.approx((model.predict(X) == y).mean()) and judged > 0.8
    again = model.partial_fit(X, y).predict(X)
    assert again.shape == (300, 3) and (again == y).mean() > 0.8


def test_several_numbers_at_once():
    X, y = numbers(outputs=3)
    model = ThalwegRegressor(**QUICK).fit(X, y)
    assert model.predict(X).shape == (200, 3)
    assert model.score(X, y) > 0.9


def test_images_go_through_convolutions():
    X, y = load_digits(return_X_y=True)
    model = ThalwegClassifier(epochs=3, options={"augment": False}).fit(X[:500].reshape(-1, 8, 8), y[:500])
    assert model.model_.shape[:2] == [8, 8]
    assert model.score(X[500:700].reshape(-1, 8, 8), y[500:700]) > 0.5
    with pytest.raises(ValueError):
        model.predict(X[:5])


def test_pipelines_searches_and_cross_validation():
    X, y = IRIS
    steps = make_pipeline(StandardScaler(), ThalwegClassifier(**QUICK))
    assert cross_val_score(steps, X, y, cv=3).mean() > 0.9
    search = GridSearchCV(ThalwegClassifier(**QUICK), {"layers": [[], [8]], "l2": [0.0, 1.0]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.8
    assert clone(search.best_estimator_).get_params()["layers"] == search.best_params_["layers"]


def test_the_same_seed_gives_the_same_bits():
    X, y = IRIS
    fits = [ThalwegClassifier(**QUICK, random_state=seed).fit(X, y).model_.to_bytes() for seed in (None, 0, 0, 1)]
    assert fits[0] == fits[1] == fits[2] != fits[3]
    order = np.random.default_rng(0).permutation(len(y))
    assert ThalwegClassifier(**QUICK).fit(X[order], y[order]).model_.to_bytes() == fits[0]
    assert ThalwegClassifier(**QUICK, n_jobs=1).fit(X, y).model_.to_bytes() == fits[0]


def test_pickles_hold_the_models_bytes_alone():
    X, y = IRIS
    model = ThalwegClassifier(**QUICK).fit(X, y)
    for copied in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert (copied.predict_proba(X) == model.predict_proba(X)).all()
        assert copied.loss_curve_ == model.loss_curve_
    assert model.model_.__reduce__()[1] == (model.model_.to_bytes(),)


@pytest.mark.parametrize("labels", [[0, 1, 2], ["a", "b", "c"], [True, False, False], ["3", "3.0", "4"], ["1_0", "10", "nan"]])
def test_models_are_saved_and_loaded(tmp_path, labels):
    X, y = IRIS[0], np.array(labels)[IRIS[1]]
    model = ThalwegClassifier(**QUICK).fit(X, y)
    model.save(tmp_path / "iris.safetensors")
    loaded = ThalwegClassifier.load(tmp_path / "iris.safetensors")
    assert (loaded.predict(X) == model.predict(X)).all()
    assert loaded.classes_.tolist() == model.classes_.tolist()
    with pytest.raises(ValueError, match="not for ThalwegRegressor"):
        ThalwegRegressor.load(tmp_path / "iris.safetensors")


def test_partial_fit_goes_on_where_it_was():
    X, y = IRIS
    model = ThalwegClassifier(layers=[16], learning_rate=0.01)
    with pytest.raises(ValueError, match="needs classes"):
        model.partial_fit(X, y)
    # The last class is not in the first portion.
    first = np.random.default_rng(0).permutation(100)
    model.partial_fit(X[first], y[first], classes=[0, 1, 2])
    assert model.predict_proba(X).shape == (150, 3)
    for _ in range(100):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.9 and model.n_iter_ == 101
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict_proba(X) == model.predict_proba(X)).all()
    assert again.partial_fit(X, y).score(X, y) > 0.9
    with pytest.raises(ValueError, match="the classes are"):
        model.partial_fit(X, y + 1)

    X, y = numbers()
    model = ThalwegRegressor(layers=[16], learning_rate=0.01)
    for _ in range(60):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.9


def test_warm_start_begins_with_what_there_is():
    X, y = IRIS
    cold = ThalwegClassifier(layers=[8], epochs=20, schedule="constant").fit(X, y)
    warm = copy.deepcopy(cold).set_params(warm_start=True).fit(X, y)
    assert warm.loss_curve_[0] < cold.loss_curve_[0] / 1.5
    with pytest.raises(thalweg.ConfigError, match="parameters to begin with"):
        warm.set_params(layers=[9]).fit(X, y)


def test_whole_weights_are_rows_given_so_often():
    X, y = IRIS
    weights = np.random.default_rng(0).integers(0, 4, size=len(y))
    weighted = ThalwegClassifier(**QUICK).fit(X, y, sample_weight=weights)
    repeated = ThalwegClassifier(**QUICK).fit(X.repeat(weights, axis=0), y.repeat(weights))
    assert weighted.model_.to_bytes() == repeated.model_.to_bytes()


def test_fractions_as_weights_pull_the_network():
    X = np.zeros((200, 1))
    y = np.array([0, 1] * 100)
    weights = np.where(y == 1, 0.9, 0.1)
    options = {"layers": [], "epochs": 200, "learning_rate": 0.05, "validation_fraction": 0}
    model = ThalwegClassifier(**options).fit(X, y, sample_weight=weights)
    assert abs(model.predict_proba([[0.0]])[0, 1] - 0.9) < 0.02


def test_classes_are_weighted():
    X = np.zeros((200, 1))
    y = np.array(["few"] * 20 + ["many"] * 180)
    # One batch: the weights of smaller ones vary.
    options = {"layers": [], "epochs": 400, "batch_size": 0, "learning_rate": 0.05, "validation_fraction": 0}
    balanced = ThalwegClassifier(**options, class_weight="balanced").fit(X, y)
    assert abs(balanced.predict_proba([[0.0]])[0, 0] - 0.5) < 0.02
    given = ThalwegClassifier(**options, class_weight={"few": 27.0}).fit(X, y)
    assert abs(given.predict_proba([[0.0]])[0, 0] - 0.75) < 0.02
    with pytest.raises(ValueError, match="y has not"):
        ThalwegClassifier(class_weight={"fwe": 2.0}).fit(X, y)


def test_own_validation_data_choose_the_best_epoch():
    X, y = IRIS
    model = ThalwegClassifier(layers=[16], epochs=200, learning_rate=0.05, patience=5)
    model.fit(X[::2], y[::2], validation_data=(X[1::2], y[1::2]))
    assert all(loss is not None for loss in model.validation_loss_curve_)
    assert model.n_iter_ < 200
    assert model.model_.provenance["examples"] == {"train": 75, "dev": 75, "test": 0}
    part = model.model_.provenance["metrics"]["dev"]
    assert part["accuracy"]["value"] == pytest.approx(model.score(X[1::2], y[1::2]))


def test_rows_are_held_back_where_there_are_enough():
    X, y = IRIS
    parts = lambda model: model.model_.provenance["examples"]
    assert parts(ThalwegClassifier(**QUICK).fit(X, y)) == {"train": 135, "dev": 15, "test": 0}
    assert parts(ThalwegClassifier(**QUICK, validation_fraction=0).fit(X, y))["dev"] == 0
    assert parts(ThalwegClassifier(**QUICK).fit(X[:40], y[:40] + (X[:40, 0] > 5)))["dev"] == 0


def test_callbacks_see_epochs_and_end_training():
    X, y = IRIS
    seen = []

    def at_epoch_five(event):
        seen.append(event["event"])
        return event["event"] == "epoch_ended" and event["epoch"] == 5

    model = ThalwegClassifier(layers=[8], epochs=50).fit(X, y, callbacks=[at_epoch_five])
    assert model.n_iter_ == 5
    assert seen[0] == "run_started" and seen[-1] == "finished" and seen.count("epoch_ended") == 5

    def fail(event):
        raise RuntimeError("from the callback")

    with pytest.raises(RuntimeError, match="from the callback"):
        ThalwegClassifier(layers=[8], epochs=50).fit(X, y, callbacks=[fail])


def test_ctrl_c_ends_training_with_the_best_so_far(ctrl_c):
    X, y = IRIS
    model = ThalwegClassifier(layers=[8], epochs=1_000_000, patience=0)
    timer = threading.Timer(1.0, signal.raise_signal, [signal.SIGINT])

    def start(event):
        if event["event"] == "epoch_ended" and event["epoch"] == 20:
            timer.start()

    with pytest.warns(thalweg.TrainingInterrupted, match="interrupted after"):
        model.fit(X, y, callbacks=[start])
    assert model.n_iter_ >= 20
    assert model.score(X, y) > 0.8


def test_other_threads_run_while_a_network_is_trained():
    X, y = IRIS
    counts = []
    done = threading.Event()

    def count():
        n = 0
        while not done.wait(0.001):
            n += 1
        counts.append(n)

    thread = threading.Thread(target=count)
    thread.start()
    ThalwegClassifier(layers=[64], time_limit=0.5, epochs=1_000_000, patience=0).fit(X, y)
    done.set()
    thread.join()
    assert counts[0] > 20


def test_numbers_are_embedded_as_asked():
    X, y = IRIS
    parts = {"number_embedding": "periodic", "parametrization": "ntk"}
    model = ThalwegClassifier(schedule="coslog", options=parts, **QUICK).fit(X, y)
    described = [layer["description"] for layer in model.model_.layers]
    assert described[0].startswith("periodic embedding of 4 inputs") and described[1] == "linear 68 → 16, NTK, relu"
    assert model.score(X, y) > 0.9
    onward = ThalwegClassifier(options=parts, **QUICK).partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X, y)
    assert [layer["description"] for layer in onward.model_.layers] == described
    with pytest.raises(thalweg.ConfigError, match="bins are for piecewise-linear functions"):
        ThalwegClassifier(options={**parts, "bins": 8}).fit(X, y)


def test_errors_say_where_and_what_to_do():
    X, y = IRIS
    with pytest.raises(thalweg.ConfigError, match='did you mean "relu"') as caught:
        ThalwegClassifier(activation="rleu").fit(X, y)
    assert isinstance(caught.value, ValueError) and caught.value.place and caught.value.remedy
    with pytest.raises(thalweg.ConfigError, match='did you mean "clip_norm"'):
        ThalwegClassifier(options={"clip_nrom": 1.0}).fit(X, y)
    with pytest.raises(thalweg.DivergedError, match="learning_rate"):
        diverging = {"optimizer": "gradient_descent", "learning_rate": 1e6, "layers": [16], "epochs": 50}
        ThalwegRegressor(**diverging).fit(*numbers())
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (str(copied), copied.place) == (str(caught.value), caught.value.place)
    with pytest.raises(thalweg.DataError, match="the header claims"):
        thalweg.Model.from_bytes(b"not a model")


def test_nothing_is_warned_of_without_a_reason():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ThalwegClassifier(**QUICK).fit(*IRIS).predict(IRIS[0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_goes_on():
    code = """
import os
from sklearn.datasets import load_iris
from thalweg import ThalwegClassifier
X, y = load_iris(return_X_y=True)
model = ThalwegClassifier(layers=[64], epochs=20, n_jobs=4).fit(X, y)
before = model.predict_proba(X)
child = os.fork()
if child == 0:
    again = ThalwegClassifier(layers=[64], epochs=20, n_jobs=4).fit(X, y)
    os._exit(int((model.predict_proba(X) != before).any() or (again.predict_proba(X) != before).any()))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
