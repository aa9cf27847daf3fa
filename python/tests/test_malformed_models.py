"""Model files whose parts disagree, with checksums that are right: refused however they come in."""

import pickle
from pathlib import Path

import pytest

import thalweg

MODELS = Path(__file__).parents[2] / "crates" / "thalweg" / "tests" / "malformed_models" / "models"
WRONG = {
    "wrong-no-bins-edges": "bins of 0 edges",
    "wrong-scales": "1 scales of numeric targets, expected 2",
    "wrong-units": "linear layer of 9007199254740992 units",
    "wrong-unknown": '"unknown", which is not known',
}


class Pickled:
    """Pickles as a model of given bytes does."""

    def __init__(self, data):
        self.data = data

    def __reduce__(self):
        return thalweg.Model.from_bytes, (self.data,)


@pytest.mark.parametrize("name", WRONG)
def test_a_model_whose_parts_disagree_is_refused_by_each_way_in(name):
    path = MODELS / f"{name}.safetensors"
    ways = [
        lambda: thalweg.Model.load(path),
        lambda: thalweg.Model.from_bytes(path.read_bytes()),
        lambda: pickle.loads(pickle.dumps(Pickled(path.read_bytes()))),
        lambda: thalweg.train("sample:iris", start_from=str(path), verbose=0),
    ]
    for way in ways:
        with pytest.raises(thalweg.DataError) as caught:
            way()
        assert WRONG[name] in str(caught.value)
        assert len(str(caught.value)) < 2000 and caught.value.remedy


def test_good_models_of_the_same_kinds_come_in():
    for name in ["classes", "numbers"]:
        model = thalweg.Model.load(MODELS / f"{name}.safetensors")
        assert pickle.loads(pickle.dumps(model)).to_bytes() == (MODELS / f"{name}.safetensors").read_bytes()
