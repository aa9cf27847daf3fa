"""What `thalweg import` makes of graphs, beside ONNX Runtime, and training that goes on from it.

Needs numpy, onnx, onnxruntime and pytest, and the binary: $THALWEG, or target/debug/thalweg.
"""

import json
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from exported import predict, thalweg
from onnx import TensorProto, helper, numpy_helper

ROWS = 50


class Builder:
    """A graph, node after node."""

    def __init__(self, shape, seed=0, opset=17):
        self.opset, self.draw, self.nodes, self.constants, self.x = opset, np.random.default_rng(seed), [], [], "x"
        self.input = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])

    def constant(self, *shape, scale=0.5, values=None):
        values = self.draw.normal(0, scale, shape) if values is None else np.asarray(values)
        name = f"c{len(self.constants)}"
        values = values if values.dtype == np.int64 else values.astype(np.float32)
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def add(self, operator, *more, of=None, **options):
        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, [of or self.x, *more], [output], **options))
        self.x = output
        return self

    def conv(self, channels, filters, kernel=3, of=None, **options):
        weight = self.constant(filters, channels // options.get("group", 1), kernel, kernel)
        return self.add("Conv", weight, self.constant(filters), of=of, **options)

    def norm(self, channels):
        statistics = [self.constant(channels) for _ in range(3)]
        return self.add("BatchNormalization", *statistics, self.constant(values=self.draw.uniform(0.5, 2, channels)))

    def gemm(self, inputs, units):
        return self.add("Gemm", self.constant(units, inputs), self.constant(units), transB=1)

    def save(self, path):
        output = helper.make_tensor_value_info(self.x, TensorProto.FLOAT, ["n", "m"])
        graph = helper.make_graph(self.nodes, "g", [self.input], [output], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, path)
        return path


def mlp():
    b = Builder([7])
    b.add("MatMul", b.constant(7, 9)).add("Add", b.constant(9)).add("Relu").gemm(9, 4)
    return b.add("Softmax", axis=1)


def convolutions():
    b = Builder([3, 8, 6])
    b.conv(3, 4, pads=[1, 1, 1, 1]).add("Relu").add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    b.conv(4, 6, strides=[2, 1], pads=[1, 1, 1, 1]).norm(6).add("LeakyRelu", alpha=0.2).add("Flatten")
    return b.gemm(6 * 2 * 3, 3).add("Softmax")


def flattened_by_reshape():
    b = Builder([2, 5, 4])
    b.conv(2, 3, auto_pad="SAME_UPPER", strides=[2, 2]).add("Reshape", b.constant(values=np.array([-1, 18])))
    return b.add("Softplus").gemm(18, 1).add("Sigmoid")


def small():
    b = Builder([3, 8, 6]).conv(3, 4).add("Relu").add("GlobalAveragePool").add("Flatten")
    return b.gemm(4, 3).add("Softmax")


def residual():
    b = Builder([3, 6, 6]).conv(3, 4, pads=[1, 1, 1, 1]).add("Relu")
    x = b.x
    b.conv(4, 4, pads=[1, 1, 1, 1]).norm(4).add("Relu").conv(4, 4, pads=[1, 1, 1, 1])
    b.add("Add", x).add("Relu")
    x = b.x
    a = b.conv(4, 8, strides=[2, 2], pads=[1, 1, 1, 1]).x
    b.conv(4, 8, kernel=1, of=x, strides=[2, 2])
    b.add("Add", b.x, of=a).add("Relu")
    return b.add("GlobalAveragePool").add("Flatten").gemm(8, 5)


def series():
    b = Builder([3, 12])
    b.add("Conv", b.constant(6, 3, 5), b.constant(6), pads=[2, 2]).norm(6).add("Tanh")
    b.add("AveragePool", kernel_shape=[3], strides=[3]).add("Flatten")
    return b.gemm(24, 2)


def several_nodes_for_an_activation():
    b = Builder([5]).gemm(5, 8)
    x = b.x
    b.add("Sigmoid").add("Mul", b.x, of=x).gemm(8, 8)
    x = b.x
    b.add("Div", b.constant(values=np.sqrt(2.0))).add("Erf").add("Add", b.constant(values=1.0)).add("Mul", b.x, of=x)
    return b.add("Mul", b.constant(values=0.5)).gemm(8, 3)


def grouped():
    b = Builder([4, 7, 7]).conv(4, 8, group=2, dilations=[2, 2]).add("Elu").conv(8, 8, group=8, pads=[1, 1, 1, 1])
    return b.add("GlobalMaxPool").add("Flatten").gemm(8, 3).add("Sigmoid")


def scaled_grey_images():
    b = Builder([1, 6, 5])
    b.add("Sub", b.constant(values=3.0)).add("Div", b.constant(values=2.0)).conv(1, 4).add("Relu").add("Flatten")
    return b.gemm(4 * 4 * 3, 3).add("Softmax")


def padded_unevenly():
    b = Builder([3, 9, 8])
    b.conv(3, 4, auto_pad="SAME_LOWER", strides=[2, 2]).add("Elu", alpha=2.0)
    b.add("AveragePool", kernel_shape=[2, 2], pads=[0, 0, 1, 1]).conv(4, 5, pads=[2, 0, 1, 1])
    b.add("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1).add("GlobalAveragePool").add("Flatten")
    return b.gemm(5, 3)


def means_of_the_last_windows():
    b = Builder([2, 12])
    b.add("AveragePool", kernel_shape=[3], strides=[2], ceil_mode=1).add("Conv", b.constant(4, 2, 2), pads=[1, 0])
    b.add("AveragePool", kernel_shape=[4], strides=[3], pads=[1, 1], ceil_mode=1).add("Flatten")
    return b.gemm(12, 2)


def swish_with_a_number():
    b = Builder([5]).gemm(5, 8)
    x = b.x
    b.add("Mul", b.constant(values=1.702)).add("Sigmoid").add("Mul", b.x, of=x)
    return b.gemm(8, 3)


def normalised_colours():
    b = Builder([3, 8, 6])
    mean, deviation = (b.constant(values=np.reshape(x, (1, 3, 1, 1))) for x in ([0.5, 1.0, -2.0], [0.2, 0.3, 4.0]))
    b.add("Sub", mean).add("Div", deviation).add("Conv", b.constant(4, 3, 3, 3))
    b.add("Mul", b.constant(4, 1, 1)).add("Add", b.constant(4, 1, 1)).add("Relu").add("Flatten")
    return b.gemm(4 * 6 * 4, 3)


def scaled_columns():
    b = Builder([5])
    b.add("Mul", b.constant(5)).add("Add", b.constant(5)).add("MatMul", b.constant(5, 6)).add("Sub", b.constant(6))
    return b.add("Div", b.constant(values=1.5)).add("Tanh").gemm(6, 2)


def sequences():
    b = Builder([9, 4])
    b.add("MatMul", b.constant(4, 6)).add("Add", b.constant(6)).add("Relu")
    b.add("LayerNormalization", b.constant(6), b.constant(6), axis=-1, epsilon=1e-4)
    b.add("LayerNormalization", b.constant(9, 6), b.constant(9, 6), axis=1).add("Flatten")
    return b.gemm(54, 2)


def reduced_pixels():
    b = Builder([3, 7, 6]).conv(3, 5)
    return b.add("Relu").add("ReduceMean", axes=[-1, -2], keepdims=1).add("Flatten").gemm(5, 3)


def reduced_moments():
    b = Builder([9, 4])
    b.add("MatMul", b.constant(4, 6)).add("Relu").add("ReduceMax", axes=[1], keepdims=0)
    return b.gemm(6, 2)


def norm_of_whole_images():
    b = Builder([3, 6, 5]).conv(3, 4)
    return b.add("LayerNormalization", b.constant(4, 4, 3), b.constant(4, 4, 3), axis=1).add("Flatten").gemm(48, 3)


def factors_after_no_product():
    b = Builder([3, 6, 5]).conv(3, 4).add("Relu")
    b.add("Mul", b.constant(4, 1, 1)).add("Tanh").add("Add", b.constant(values=0.5)).add("Relu").add("Flatten").gemm(48, 5)
    return b.add("Selu", alpha=2.0, gamma=3.0).add("Mul", b.constant(5)).add("Add", b.constant(5))


def softmax_of_channels():
    b = Builder([3, 6, 5]).conv(3, 4).add("Softmax", axis=1).conv(4, 2).add("Flatten")
    return b.gemm(4, 3)


def softmax_of_each_moment():
    b = Builder([9, 4])
    b.add("MatMul", b.constant(4, 6)).add("Softmax", axis=-1).add("Elu").add("Mul", b.constant(6)).add("Flatten")
    return b.gemm(54, 2)


def matrices_of_parts():
    b = Builder([2, 3, 4])
    b.add("MatMul", b.constant(2, 4, 5)).add("Tanh").add("MatMul", b.constant(1, 2, 5, 3)).add("Flatten")
    return b.gemm(18, 2)


def means_of_places_apart():
    b = Builder([3, 9, 8], opset=19)
    b.add("AveragePool", kernel_shape=[3, 2], dilations=[2, 3]).conv(3, 4).add("Relu").add("Flatten")
    return b.gemm(4 * 3 * 3, 2)


GRAPHS = [
    mlp, convolutions, flattened_by_reshape, residual, series, several_nodes_for_an_activation, grouped, scaled_grey_images,
    padded_unevenly, means_of_the_last_windows, swish_with_a_number, normalised_colours, scaled_columns, sequences,
    norm_of_whole_images, reduced_pixels, reduced_moments, factors_after_no_product, softmax_of_channels,
    softmax_of_each_moment, matrices_of_parts, means_of_places_apart,
]
# Channels are last in these already.
OWN_ORDER = [sequences, reduced_moments, softmax_of_each_moment, matrices_of_parts]


def answers(model, data):
    """The model's probabilities, or its numbers."""
    predictions, probabilities = predict(model, data)
    return probabilities if probabilities.size else np.array(predictions, float)


def channels_last(x):
    x = np.moveaxis(x, 1, -1) if x.ndim > 2 else x
    return x[..., 0] if x.ndim == 4 and x.shape[-1] == 1 else x


@pytest.mark.parametrize("make", GRAPHS, ids=lambda make: make.__name__)
def test_graphs_of_others(tmp_path, make):
    path = make().save(tmp_path / "m.onnx")
    runs = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    shape = [d for d in runs.get_inputs()[0].shape[1:]]
    x = np.random.default_rng(1).normal(1, 2, (ROWS, *shape)).astype(np.float32)
    theirs = runs.run(None, {"x": x})[0].reshape(ROWS, -1)
    told = json.loads(thalweg("import", path, "-o", tmp_path / "m.safetensors", "--json"))
    assert told["parameters"] > 0
    np.save(tmp_path / "x.npy", x if make in OWN_ORDER else channels_last(x))
    ours = answers(tmp_path / "m.safetensors", tmp_path / "x.npy")
    if told["task"] == "binary":
        ours = ours[:, 1:]
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_logarithms_of_probabilities_are_answered_as_probabilities(tmp_path):
    path = Builder([5]).gemm(5, 3).add("LogSoftmax", axis=-1).save(tmp_path / "m.onnx")
    x = np.random.default_rng(1).normal(0, 1, (ROWS, 5)).astype(np.float32)
    theirs = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    told = json.loads(thalweg("import", path, "-o", tmp_path / "m.safetensors", "--json"))
    assert told["task"] == "multiclass" and any("logarithms" in decision["why"] for decision in told["decisions"])
    np.save(tmp_path / "x.npy", x)
    np.testing.assert_allclose(answers(tmp_path / "m.safetensors", tmp_path / "x.npy"), np.exp(theirs), rtol=1e-5, atol=1e-5)


def test_a_scale_a_channel_goes_to_every_format(tmp_path):
    """What a graph subtracts and divides by is the pipeline's, and leaves with it."""
    path = normalised_colours().save(tmp_path / "m.onnx")
    model = tmp_path / "m.safetensors"
    thalweg("import", path, "-o", model)
    x = np.random.default_rng(1).normal(1, 2, (ROWS, 3, 8, 6)).astype(np.float32)
    runs = lambda path, name: onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {name: x})[0]
    theirs, x = runs(path, "x"), np.moveaxis(x, 1, -1)
    thalweg("export", model, "-o", tmp_path / "back.onnx")
    np.testing.assert_allclose(runs(tmp_path / "back.onnx", "input"), theirs, rtol=1e-5, atol=1e-5)
    if find_spec("torch"):
        thalweg("export", model, "-o", tmp_path / "net.py")
        spec = spec_from_file_location("net", tmp_path / "net.py")
        net = module_from_spec(spec)
        spec.loader.exec_module(net)
        ours = net.answers(net.load()(net.prepare(x))).detach().numpy()
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    if find_spec("keras") and find_spec("jax"):
        import keras

        thalweg("export", model, "-o", tmp_path / "net.keras")
        net = keras.saving.load_model(tmp_path / "net.keras", safe_mode=True)
        np.testing.assert_allclose(net(x), theirs, rtol=1e-5, atol=1e-5)


def test_training_goes_on_from_a_graph(tmp_path):
    draw = np.random.default_rng(2)
    path = small().save(tmp_path / "m.onnx")
    thalweg("import", path, "-o", tmp_path / "m.safetensors")
    x = draw.normal(size=(300, 8, 6, 3)).astype(np.float32)
    y = (x.mean((1, 2)).argmax(1)).astype(np.int64)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    flags = ["--start-from", tmp_path / "m.safetensors", "--normalise", "none", "--json", "-q"]
    data = tmp_path / "data.npz"
    before = json.loads(thalweg("evaluate", tmp_path / "m.safetensors", data, "--json"))["metrics"]["log_loss"]["value"]
    still = json.loads(thalweg("train", data, *flags, "--epochs", 1, "--learning-rate", 0, "-o", tmp_path / "still"))
    after = json.loads(thalweg("evaluate", tmp_path / "still", data, "--json"))["metrics"]["log_loss"]["value"]
    # Without steps the parameters are those of the graph.
    assert still["parameters"] > 0 and abs(after - before) < 1e-6
    trained = json.loads(thalweg("train", data, *flags, "--epochs", 40, "-o", tmp_path / "on"))
    assert trained["metrics"]["train"]["log_loss"]["value"] < 0.8 * before
    assert any("m.safetensors" in decision["what"] for decision in trained["decisions"])


def test_starting_from_a_model_that_does_not_fit_is_refused(tmp_path):
    run = tmp_path / "run"
    thalweg("train", "sample:iris", "-o", run, "--epochs", 3, "-q")
    fits = thalweg("train", "sample:iris", "-o", tmp_path / "on", "--epochs", 3, "-q", "--json", "--start-from", run)
    assert json.loads(fits)["epochs"] == 3
    draw = np.random.default_rng(3).normal(size=(60, 4))
    lines = [f"{','.join(map(str, row))},{'abc'[i % 3]}" for i, row in enumerate(draw)]
    renamed = tmp_path / "renamed.csv"
    renamed.write_text("\n".join(["sepal_length_cm,width,petal_length_cm,petal_width_cm,species", *lines]))
    for data, flags, part in [
        ("sample:digits", [], "the model's network takes"),
        ("sample:iris", ["--layers", "8"], "options of a network"),
        (renamed, [], "\"sepal_width_cm\" in the model and \"width\" in the data"),
        (renamed, ["--target", "width", "--ignore", "species"], "the model's network takes"),
    ]:
        error = thalweg("train", data, "-o", tmp_path / "no", "-q", "--start-from", run, *flags, status=2)
        assert part in error, error


def test_our_own_graphs_come_back(tmp_path):
    run = tmp_path / "run"
    thalweg("train", "sample:digits", "-o", run, "--epochs", 2, "--ensemble", 1, "--bins", 0, "-q")
    thalweg("export", run, "-o", tmp_path / "m.onnx")
    told = json.loads(thalweg("import", tmp_path / "m.onnx", "-o", tmp_path / "m.safetensors", "--json"))
    assert told["classes"] == [str(digit) for digit in range(10)]
    ours, again = parameters(run / "model.safetensors"), parameters(tmp_path / "m.safetensors")
    assert [array.tobytes() for array in ours.values()] == [array.tobytes() for array in again.values()]


def parameters(path):
    """The arrays of a safetensors file, read by its specification."""
    data = Path(path).read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    arrays = {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        start, end = entry["data_offsets"]
        arrays[name] = np.frombuffer(data[8 + size + start : 8 + size + end], np.float32)
    return arrays


@pytest.mark.parametrize("damage", ["cut", "text", "external", "two inputs"])
def test_files_that_are_no_good_are_errors(tmp_path, damage):
    path = mlp().save(tmp_path / "m.onnx")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "text":
        path.write_text("not a model\n")
    else:
        model = onnx.load(path)
        if damage == "external":
            tensor = model.graph.initializer[0]
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="/etc/hostname")
        else:
            model.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 2]))
        path.write_bytes(model.SerializeToString())
    error = thalweg("import", path, "-o", tmp_path / "m.safetensors", status=3)
    assert str(path) in error and "fix:" in error
    assert not (tmp_path / "m.safetensors").exists()


def test_the_network_alone_is_read_of_a_graph_with_columns(tmp_path):
    (tmp_path / "one.csv").write_text("size,price\n" + "".join(f"{i % 17},{3 * (i % 17)}.5\n" for i in range(100)))
    draw = np.random.default_rng(0)
    np.savez(tmp_path / "raw.npz", x=draw.normal(size=(100, 3)).astype(np.float32), y=np.arange(100) % 2)
    for data, flags, alone in [("one.csv", [], True), ("raw.npz", ["--normalise", "none"], False)]:
        run = tmp_path / data[:3]
        thalweg("train", tmp_path / data, "-o", run, "--epochs", 2, "--layers", 4, "-q", *flags)
        thalweg("export", run, "-o", tmp_path / "m.onnx")
        told = json.loads(thalweg("import", tmp_path / "m.onnx", "-o", tmp_path / "m.safetensors", "--json"))
        assert any("the network alone is read" in decision["what"] for decision in told["decisions"]) == alone
    error = thalweg("import", tmp_path / "m.onnx", "-o", tmp_path / "n.safetensors", "--like", run, status=2)
    assert "--like: a graph has a network of its own" in error
