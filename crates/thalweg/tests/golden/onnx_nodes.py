"""Writes onnx_nodes.json.gz: ONNX's own backend tests of the operators that are imported, as one small file.

Each test is a graph of one node. Its first input stays one; the others (weights, shapes) become constants of the graph, as
they are in models. `alone` tells whether each example has its answer by itself: whether ONNX's reference implementation
gives the test's answers to its examples one by one, and to twice as many. Run it where the `onnx` wheel is installed:
python crates/thalweg/tests/golden/onnx_nodes.py
"""

import gzip
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.reference import ReferenceEvaluator

OPERATORS = (
    "Gemm MatMul Add Sub Mul Div Conv BatchNormalization LayerNormalization MaxPool AveragePool GlobalMaxPool "
    "GlobalAveragePool ReduceMax ReduceMean Flatten Reshape Squeeze Unsqueeze Transpose Identity Dropout Relu Sigmoid Tanh "
    "Softplus Mish Swish Gelu Elu Selu LeakyRelu Softmax"
).split()


def is_alone(model, x, y):
    run = lambda x: ReferenceEvaluator(model).run(None, {model.graph.input[0].name: x})[0]
    same = lambda a, b: a.shape == b.shape and np.allclose(a, b, rtol=1e-3, atol=1e-4)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        return False
    try:
        one_by_one = np.concatenate([run(x[i : i + 1]) for i in range(len(x))])
        return same(one_by_one, y) and same(run(np.concatenate([x, x[::-1]])), np.concatenate([y, y[::-1]]))
    except Exception:  # The shapes of one example do not fit.
        return False


def case(test):
    graph = test.model.graph
    if len(graph.node) != 1 or graph.node[0].op_type not in OPERATORS or graph.node[0].domain or not test.data_sets:
        return None
    inputs, outputs = test.data_sets[0]
    arrays, y = list(inputs), outputs[0]
    # Sequences and optional values are no tensors.
    if not all(isinstance(array, np.ndarray | np.generic) for array in [*arrays, y]):
        return None
    arrays = [np.asarray(array) for array in arrays]
    x = arrays[0]
    # An example has at most three dimensions.
    if x.dtype != np.float32 or x.ndim > 4:
        return None
    for value, array in list(zip(graph.input, arrays))[1:]:
        graph.initializer.append(numpy_helper.from_array(array, value.name))
        graph.input.remove(value)
    del graph.output[1:]
    numbers = lambda array: array.astype("<f4").tobytes().hex()
    return {
        "name": test.name.removeprefix("test_"),
        "operator": graph.node[0].op_type,
        "model": test.model.SerializeToString().hex(),
        "x": numbers(x),
        "rows": x.shape[0] if x.ndim else 1,
        "y": numbers(y),
        "y_shape": list(y.shape),
        "alone": is_alone(test.model, x, y),
    }


tests = {test.name: test for test in collect_testcases(None)}
cases = [found for name in sorted(tests) if (found := case(tests[name]))]
lines = ",\n".join(json.dumps(found) for found in cases)
text = f'{{"onnx": "{onnx.__version__}", "cases": [\n{lines}\n]}}\n'
path = Path(__file__).with_name("onnx_nodes.json.gz")
path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
print(len(cases), "cases", path.stat().st_size, "bytes")
