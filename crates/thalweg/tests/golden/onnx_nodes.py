"""Writes onnx_nodes.json.gz: ONNX's own backend tests of the operators that are imported, as one small file.

Each test is a graph of one node. Its first input stays one; the others (weights, shapes) become constants of the graph, as
they are in models. Run it where the `onnx` wheel is installed: python crates/thalweg/tests/golden/onnx_nodes.py
"""

import gzip
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

OPERATORS = (
    "Gemm MatMul Add Sub Mul Div Conv BatchNormalization LayerNormalization MaxPool AveragePool GlobalMaxPool "
    "GlobalAveragePool ReduceMax ReduceMean Flatten Reshape Squeeze Unsqueeze Transpose Identity Dropout Relu Sigmoid Tanh "
    "Softplus Mish Swish Gelu Elu Selu LeakyRelu Softmax"
).split()


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
    }


tests = {test.name: test for test in collect_testcases(None)}
cases = [found for name in sorted(tests) if (found := case(tests[name]))]
lines = ",\n".join(json.dumps(found) for found in cases)
text = f'{{"onnx": "{onnx.__version__}", "cases": [\n{lines}\n]}}\n'
path = Path(__file__).with_name("onnx_nodes.json.gz")
path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
print(len(cases), "cases", path.stat().st_size, "bytes")
