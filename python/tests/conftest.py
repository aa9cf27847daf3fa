"""What must be set before anything is imported, and what tests share."""

import os
import signal

import pytest

# scikit-learn's check of array API inputs needs SciPy's support switched on.
os.environ["SCIPY_ARRAY_API"] = "1"
# Keras needs no other package with this backend.
os.environ.setdefault("KERAS_BACKEND", "numpy")


@pytest.fixture
def ctrl_c():
    """SIGINT raises KeyboardInterrupt, also where the shell that began the tests has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
