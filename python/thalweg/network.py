"""Networks as functions of θ and x, and the check of gradients."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from . import _native
from ._options import options_json

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._keywords import Options


class Network:
    """Layers in a row: a function of θ and x, in 64-bit numbers. It holds no parameters.

    Parameters
    ----------
    input : int or sequence of int
        The shape of one example: a number of columns, or height, width and channels.
    layers : list of dict
        The layers one by one, each a dict with its ``kind``, as in configurations.

    Examples
    --------
    >>> import numpy as np
    >>> from thalweg import Network
    >>> network = Network(2, [
    ...     {"kind": "linear", "units": 3, "activation": "tanh"},
    ...     {"kind": "linear", "units": 1},
    ... ])
    >>> network.parameters
    13
    >>> theta = network.initialize(seed=0)
    >>> x, y = np.eye(2), np.array([[1.0], [0.0]])
    >>> cost, gradient = network.gradients(theta, x, y, loss="cross_entropy")
    >>> gradient.shape
    (13,)
    >>> network.check_gradients(theta, x, y, loss="cross_entropy")["passed"]
    True
    """

    def __init__(self, input, layers):
        shape = [input] if isinstance(input, (int, np.integer)) else list(input)
        self._native = _native.Network([int(size) for size in shape], json.dumps(layers))
        self._about = json.loads(self._native.describe())

    @property
    def layers(self):
        """The layers: name, description, output shape and number of parameters of each."""
        return self._about["layers"]

    @property
    def parameters(self):
        """The length of θ."""
        return self._about["parameters"]

    @property
    def layout(self):
        """Where each parameter is in θ: its name, shape and start, and whether it is trained."""
        return self._about["entries"]

    def view(self, theta, name):
        """One parameter, such as ``layers.0.weight``, as a view of θ: to write there is to change θ."""
        entry = next((entry for entry in self.layout if entry["name"] == name), None)
        if entry is None:
            raise KeyError(f"no parameter {name!r}; they are {', '.join(entry['name'] for entry in self.layout)}")
        size = int(np.prod(entry["shape"]))
        return theta[entry["start"] : entry["start"] + size].reshape(entry["shape"])

    def initialize(self, seed=0):
        """θ at random initialisation."""
        return self._native.initialize(seed)

    def forward(self, theta, x):
        """The logits of each row of x."""
        return self._native.forward(_vector(theta), _matrix(x))

    def gradients(self, theta, x, y, loss="squared"):
        """The cost J of a batch and dθ, without randomness.

        Parameters
        ----------
        theta : array of shape (parameters,)
        x : array of shape (m, ...)
        y : array of shape (m,) of class numbers, or (m, outputs)
        loss : {"squared", "cross_entropy", "absolute", "huber"}
            Class numbers with ``cross_entropy`` are softmax's; a column an output is the sigmoid's.

        Returns
        -------
        tuple of float and array of shape (parameters,)
        """
        return self._native.gradients(_vector(theta), _matrix(x), _matrix(y), loss)

    def check_gradients(self, theta, x, y, loss="squared", epsilon=1e-6):
        """Compare dθ with two-sided differences of the cost.

        Returns
        -------
        dict
            ``relative_difference``, ``passed``, ``parameters_checked``, ``kinks_skipped``, and ``layers``: a row for
            the loss, each parameter and each layer's input, from the output to the input.
        """
        return json.loads(self._native.check(_vector(theta), _matrix(x), _matrix(y), loss, epsilon))

    def __repr__(self):
        described = ", ".join(layer["description"] for layer in self.layers)
        return f"<Network: {described}; {self.parameters:,} parameters>"


# This ε hides the option of that name, the optimisers'.
def check_gradients(data, *, after_steps=20, epsilon=1e-6, **options: Unpack[Options]) -> list:  # type: ignore
    """Check the gradients of the network that data and options give, at random initialisation and after some steps.

    Parameters
    ----------
    data : path
        What the command line takes, such as ``"sample:iris"``.
    after_steps : int, default=20
        Steps of training before the second check (0: none).
    epsilon : float, default=1e-6
        The ε of the two-sided differences.
    **options
        Every option of the configuration by its name.

    Returns
    -------
    list of tuple
        The steps before each check, and what it found: a dict as of :meth:`Network.check_gradients`.

    Examples
    --------
    >>> import thalweg
    >>> checks = thalweg.check_gradients("sample:iris", layers=[8], activation="tanh")
    >>> [(steps, found["passed"]) for steps, found in checks]
    [(0, True), (20, True)]
    """
    found = _native.check_path(options_json({**options, "path": str(data)}), after_steps, epsilon)
    return [(steps, report) for steps, report in json.loads(found)]


def _vector(theta):
    return np.ascontiguousarray(theta, dtype=np.float64)


def _matrix(x):
    x = np.asarray(x, dtype=np.float64)
    return np.ascontiguousarray(x.reshape(len(x), -1))
