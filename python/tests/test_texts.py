"""Columns of free text: in tables of pandas, in estimators, and in exported models."""
import json

import numpy as np
import pandas as pd
import pytest

import thalweg

GOOD = ["a lovely film with heart", "warm and lovely", "I laughed, a joy to watch", "such joy"]
BAD = ["a dull and tired film", "so tired, so dull", "I slept; what a bore to watch", "such a bore"]


def reviews(rows=160):
    texts = [f"{(GOOD, BAD)[i % 2][i // 2 % 4]} (no. {i})" for i in range(rows)]
    return pd.DataFrame({"review": texts, "seats": np.arange(rows) * 37 % 101}), np.arange(rows) % 2


def test_estimators_read_texts():
    X, y = reviews()
    estimator = thalweg.ThalwegClassifier(epochs=6).fit(X[:120], y[:120])
    assert estimator.score(X[120:], y[120:]) == 1.0
    without = thalweg.ThalwegClassifier(epochs=6, options={"text": "off"}).fit(X[:120], y[:120])
    assert without.score(X[120:], y[120:]) < 0.8


def test_estimators_read_the_order_of_words():
    texts = [f"{['good and not bad', 'bad and not good'][i % 2]} (no. {i})" for i in range(400)]
    X, y = pd.DataFrame({"review": texts}), np.arange(400) % 2
    estimator = thalweg.ThalwegClassifier(epochs=8, options={"text": "tokens", "ensemble": 1}).fit(X[:320], y[:320])
    assert estimator.score(X[320:], y[320:]) == 1.0


def test_a_tokenizer_of_a_file_becomes_a_part_of_the_model(tmp_path):
    words = ["[UNK]", "good", "bad", "not", "and", "##s"]
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "post_processor": None,
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "BertPreTokenizer"}, "decoder": None,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": {word: i for i, word in enumerate(words)}},
    }
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(tokenizer))
    X = pd.DataFrame({"review": [["Good and not bad", "bad and not GOOD"][i % 2] + f" (no. {i})" for i in range(400)]})
    y = np.arange(400) % 2
    options = {"tokenizer": str(path), "ensemble": 1}
    estimator = thalweg.ThalwegClassifier(epochs=30, options=options).fit(X[:320], y[:320])
    path.unlink()
    assert estimator.score(X[320:], y[320:]) == 1.0
    # "good and not bad" has four tokens of the file; the numbers are unknown to it.
    assert estimator.model_.bags("review", ["goods"]).ravel()[:3].tolist() == [2.0, 6.0, 0.0]


@pytest.mark.parametrize("text", ["ngrams", "tokens"])
def test_bags_and_tokens_are_what_an_exported_graph_takes(tmp_path, text):
    onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: its graphs are not run")
    X, y = reviews()
    estimator = thalweg.ThalwegClassifier(epochs=2, options={"text": text}).fit(X, y)
    model = estimator.model_
    model.export(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    bags = model.bags("review", X["review"])
    assert bags.dtype == np.float32 and len(bags) == len(X)
    inputs = {"review": bags, "seats": X[["seats"]].to_numpy(np.float32)}
    answers = session.run(["probabilities"], inputs)[0]
    assert np.abs(answers - estimator.predict_proba(X)).max() < 1e-5
    with pytest.raises(ValueError, match="no texts in a column 'seats'|no texts in a column \"seats\""):
        model.bags("seats", ["3"])
