"""What must be set before anything is imported."""

import os

# scikit-learn's check of array API inputs needs SciPy's support switched on.
os.environ["SCIPY_ARRAY_API"] = "1"
# Keras needs no other package with this backend.
os.environ.setdefault("KERAS_BACKEND", "numpy")
