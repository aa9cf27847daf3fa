"""Writes the golden numbers beside this file: float64, from PyTorch, scikit-learn, librosa, mpmath and NumPy.

    pip install torch==2.15.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 mpmath==1.3.0 librosa==0.11.0 \\
        soundfile==0.14.0 h5py==3.16.0 pillow==13.0.0
    python make.py

Nothing here shares code with Thalweg. Each file says in "source" whose numbers it holds. Examples are rows, a weight is
n_out × n_in, matrices are written row by row, and every float is written so that it reads back to the same bits.
The folder files/ beside this one gets files in formats that the tests do not write themselves.
Two files are data: temperatures.json has Melbourne's daily minimum temperatures (Australian Bureau of Meteorology,
CC BY 4.0), read from $THALWEG_DATA (default: ../shared/data beside the repository); training.json has iris (Fisher,
CC BY 4.0), as scikit-learn ships it.
"""

import csv
import json
import math
import os
from pathlib import Path

import h5py
import librosa
import mpmath
import numpy as np
import soundfile
import torch
import torch.nn.functional as F
from PIL import Image
from scipy import stats
from sklearn import calibration, datasets, metrics

HERE = Path(__file__).parent
FILES = HERE.parent / "files"
DATA = Path(os.environ.get("THALWEG_DATA", HERE.parents[4] / "shared" / "data"))
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
mpmath.mp.dps = 50


def write(name, source, **content):
    def plain(x):
        if isinstance(x, (torch.Tensor, np.ndarray)):
            x = x.tolist()
        if isinstance(x, dict):
            return {key: plain(value) for key, value in x.items()}
        if isinstance(x, (list, tuple)):
            return [plain(value) for value in x]
        return float(x) if isinstance(x, (np.floating, mpmath.mpf)) else x

    text = json.dumps(plain({"source": source, **content}), allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    (HERE / f"{name}.json").write_text(text + "\n")
    print(f"{name}.json: {len(text):,} bytes")


def flat(*tensors):
    return torch.cat([t.detach().reshape(-1) for t in tensors])


def gradients(of, *tensors):
    return [g.reshape(-1) for g in torch.autograd.grad(of, tensors)]


# --- activations -----------------------------------------------------------------------------------------------------

GRID = [0.0, -0.0] + [
    sign * z
    for z in (1e-8, 1e-3, 0.1, 0.5, 1.0, 2.0, 3.7, 6.0, 10.0, 20.0, 40.0, 88.0, 89.0, 709.0, 710.0, 1e4)
    for sign in (1, -1)
]
SELU = (mpmath.mpf("1.6732632423543772848170429916717"), mpmath.mpf("1.0507009873554804934193349852946"))


def exact_activations():
    """g and g' by 50-digit arithmetic; at a kink the derivative is the left one (ReLU's at 0 is 0)."""
    e, one = mpmath.exp, mpmath.mpf(1)
    sigma = lambda z: one / (1 + e(-z))
    soft = lambda z: mpmath.log1p(e(z)) if z < 0 else z + mpmath.log1p(e(-z))
    phi = lambda z: e(-z * z / 2) / mpmath.sqrt(2 * mpmath.pi)
    cdf = lambda z: mpmath.erfc(-z / mpmath.sqrt(2)) / 2
    sech2 = lambda u: 4 * e(-2 * abs(u)) / (1 + e(-2 * abs(u))) ** 2
    leaky = lambda s: (lambda z: z if z > 0 else s * z, lambda z: one if z > 0 else s)
    elu = lambda a: (lambda z: z if z > 0 else a * mpmath.expm1(z), lambda z: one if z > 0 else a * e(z))
    silu = lambda b: (lambda z: z * sigma(b * z), lambda z: sigma(b * z) + b * z * sigma(b * z) * sigma(-b * z))
    twice = lambda z: 2 * mpmath.sqrt(2 / mpmath.pi) * (z + mpmath.mpf("0.044715") * z**3)
    twice_slope = lambda z: 2 * mpmath.sqrt(2 / mpmath.pi) * (1 + 3 * mpmath.mpf("0.044715") * z**2)
    alpha, scale = SELU
    return {
        "identity": (lambda z: z, lambda z: one),
        "sigmoid": (sigma, lambda z: sigma(z) * sigma(-z)),
        "tanh": (mpmath.tanh, sech2),
        "relu": leaky(mpmath.mpf(0)),
        "relu6": (lambda z: min(max(z, 0 * one), 6 * one), lambda z: one if 0 < z < 6 else 0 * one),
        "leaky_relu": leaky(mpmath.mpf(0.01)),
        "leaky_relu(0.2)": leaky(mpmath.mpf(0.2)),
        "elu": elu(1),
        "elu(2.5)": elu(mpmath.mpf(2.5)),
        "selu": (
            lambda z: scale * (z if z > 0 else alpha * mpmath.expm1(z)),
            lambda z: scale * (one if z > 0 else alpha * e(z)),
        ),
        "gelu": (lambda z: z * cdf(z), lambda z: cdf(z) + z * phi(z)),
        "gelu_tanh": (
            lambda z: z * sigma(twice(z)),
            lambda z: sigma(twice(z)) + z * sigma(twice(z)) * sigma(-twice(z)) * twice_slope(z),
        ),
        "silu": silu(1),
        "silu(1.5)": silu(mpmath.mpf(1.5)),
        "mish": (
            lambda z: z * mpmath.tanh(soft(z)),
            lambda z: mpmath.tanh(soft(z)) + z * sech2(soft(z)) * sigma(z),
        ),
        "softplus": (soft, sigma),
    }


TORCH = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "relu6": F.relu6,
    "leaky_relu": lambda z: F.leaky_relu(z, 0.01),
    "leaky_relu(0.2)": lambda z: F.leaky_relu(z, 0.2),
    "elu": F.elu,
    "elu(2.5)": lambda z: F.elu(z, 2.5),
    "selu": F.selu,
    "gelu": F.gelu,
    "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"),
    "silu": F.silu,
    "silu(1.5)": lambda z: z * torch.sigmoid(1.5 * z),
    "mish": F.mish,
    "softplus": lambda z: torch.logaddexp(z, torch.zeros_like(z)),
    "softmax": lambda z: torch.softmax(z, 1),
}


def activations():
    elementwise = []
    for name, (g, derivative) in exact_activations().items():
        exact = lambda f: [float(f(mpmath.mpf(z))) for z in GRID]
        value, slope = exact(g), exact(derivative)
        z = torch.tensor(GRID, requires_grad=True)
        a = TORCH[name](z)
        assert torch.allclose(a, torch.tensor(value), rtol=1e-12, atol=1e-14), name
        assert torch.allclose(*gradients(a.sum(), z), torch.tensor(slope), rtol=1e-12, atol=1e-13), name
        elementwise.append({"name": name, "value": value, "derivative": slope})

    random = np.random.default_rng(1)
    rows = random.normal(0, 3, (6, 5))
    rows[1] = [1e4, -1e4, 0, 709, 710]
    rows[2] = [1e-8, -1e-8, 0, 0, 0]
    rows[3] = [-1e4, -1e4, -1e4, -1e4, -1e4 + 40]
    z, v = torch.tensor(rows, requires_grad=True), torch.tensor(random.normal(size=rows.shape))
    a = torch.softmax(z, 1)
    (dz,) = gradients((a * v).sum(), z)
    write(
        "activations",
        "mpmath with 50 digits, compared with PyTorch; softmax from PyTorch, with dz = Jᵀv for each row",
        z=GRID,
        elementwise=elementwise,
        softmax={"columns": 5, "z": flat(z), "value": flat(a), "v": flat(v), "dz": dz},
    )


# --- losses ----------------------------------------------------------------------------------------------------------


def exact_softmax(z, c):
    """L = ln Σ e^(z_j − z_c) and softmax(z) − y, to 50 digits of each: no 1 is ever added to or taken from."""
    c = int(c)
    others = sum(mpmath.exp(z[j] - z[c]) for j in range(len(z)) if j != c)
    share = [mpmath.exp(z[j] - z[c]) / (1 + others) for j in range(len(z))]
    return mpmath.log1p(others), [-others / (1 + others) if j == c else share[j] for j in range(len(z))]


def exact_sigmoid(z, y):
    """L = ln(1 + e^∓z) and σ(z) − y for y = 1 or 0."""
    (z,), (y,) = z, y
    away = z if y == 0 else -z
    wrong = mpmath.exp(-mpmath.log1p(mpmath.exp(-away)))
    return mpmath.log1p(mpmath.exp(away)), [wrong if y == 0 else -wrong]


def losses():
    random = np.random.default_rng(2)
    normal = lambda *shape: torch.tensor(random.normal(0, 2, shape))
    cases = []

    def add(name, loss, z, y, each, weights=None, exact=None, **settings):
        """`each` gives L of each row; the cost is Σ wL / Σ w. `exact` gives L and ∂L/∂z of one row exactly."""
        z = z.clone().requires_grad_()
        rows = each(z)
        w = torch.ones(len(z)) if weights is None else weights
        cost = (w * rows).sum() / w.sum()
        (dz,) = gradients(cost, z)
        if exact:
            by_row = [exact([mpmath.mpf(v) for v in row], target) for row, target in zip(z.tolist(), y.tolist())]
            rounded, rows = rows, torch.tensor([float(value) for value, _ in by_row])
            slopes, dz = dz, torch.tensor([float(d / len(z)) for _, slope in by_row for d in slope])
            cost = torch.tensor(float(sum(value for value, _ in by_row) / len(z)))
            assert torch.allclose(rounded, rows, rtol=1e-12, atol=1e-15), name
            assert torch.allclose(slopes, dz, rtol=1e-12, atol=1e-15), name
        cases.append(
            {"name": name, "loss": loss, "settings": settings, "outputs": z.shape[1], "z": flat(z), "y": flat(y),
             "weights": weights, "rows": flat(rows), "cost": cost.item(), "dz": dz}
        )

    w = torch.tensor([1.0, 0.5, 2.0, 0.0, 3.25, 1.0, 0.125])
    z, c = normal(7, 4), torch.tensor([0, 3, 1, 1, 2, 0, 3])
    one_hot_like = torch.softmax(normal(7, 4), 1)
    for smoothing in (0.0, 0.1):
        each = lambda z, s=smoothing: F.cross_entropy(z, c, reduction="none", label_smoothing=s)
        add(f"classes, smoothing {smoothing}", "softmax_cross_entropy", z, c.double(), each, smoothing=smoothing)
        add(f"classes, smoothing {smoothing}, weights", "softmax_cross_entropy", z, c.double(), each, w,
            smoothing=smoothing)
    add("a probability for each class", "softmax_cross_entropy", z, one_hot_like,
        lambda z: F.cross_entropy(z, one_hot_like, reduction="none"), smoothing=0.0)
    sizes = torch.tensor([0.0, 1e-8, 40.0, 88.0, 89.0, 709.0, 710.0, 1e4])
    both = torch.cat([sizes, -sizes])
    extreme, right = torch.stack([both, -both, both / 2], 1), torch.tensor([0, 1] * 8)
    add("classes, far logits", "softmax_cross_entropy", extreme, right.double(),
        lambda z: F.cross_entropy(z, right, reduction="none"), exact=exact_softmax, smoothing=0.0)

    bce = lambda z, y: F.binary_cross_entropy_with_logits(z, y, reduction="none").sum(1)
    z, y = normal(7, 1), torch.tensor([[0.0], [1], [1], [0], [1], [0], [0.3]])
    add("binary", "sigmoid_cross_entropy", z, y, lambda z: bce(z, y))
    add("binary, weights", "sigmoid_cross_entropy", z, y, lambda z: bce(z, y), w)
    z, labels = normal(7, 3), torch.tensor(random.integers(0, 2, (7, 3)).astype(float))
    add("labels", "sigmoid_cross_entropy", z, labels, lambda z: bce(z, labels))
    for target in (0.0, 1.0):
        y1 = torch.full((16, 1), target)
        add(f"binary, far logits, y = {target:.0f}", "sigmoid_cross_entropy", both[:, None], y1, lambda z: bce(z, y1),
            exact=exact_sigmoid)

    z, y = normal(7, 3), normal(7, 3)
    y[2, 1] = z[2, 1]
    y[3] = z[3] + torch.tensor([0.95, -0.475, 0.55])  # near Huber's corners
    simple = {
        "squared": lambda z: 0.5 * F.mse_loss(z, y, reduction="none").sum(1),
        "absolute": lambda z: F.l1_loss(z, y, reduction="none").sum(1),
    }
    for name, each in simple.items():
        add(name, name, z, y, each)
        add(f"{name}, weights", name, z, y, each, w)
    for delta in (1.0, 0.5):
        add(f"huber, δ = {delta}", "huber", z, y,
            lambda z: F.huber_loss(z, y, reduction="none", delta=delta).sum(1), delta=delta)
    write(
        "losses",
        "PyTorch, far logits from mpmath with 50 digits. rows: L of each example, summed over its outputs; "
        "cost: Σ wL / Σ w; dz: of the cost",
        cases=cases,
    )


# --- layers ----------------------------------------------------------------------------------------------------------


def population_batch_norm(batches, momentum, epsilon):
    """Running μ and σ² by the course's formula: the population variance, where PyTorch has the sample variance."""
    mean, variance, steps = np.zeros(batches[0].shape[1]), np.ones(batches[0].shape[1]), []
    for x in batches:
        mean = momentum * mean + (1 - momentum) * x.mean(0)
        variance = momentum * variance + (1 - momentum) * x.var(0)
        steps.append({"mean": mean, "variance": variance})
    return steps


def layers():
    random = np.random.default_rng(3)
    normal = lambda *shape: torch.tensor(random.normal(size=shape), requires_grad=True)
    linear = []
    for name, g in TORCH.items():
        x, w, b, dy = normal(5, 4), normal(3, 4), normal(3), normal(5, 3)
        y = g(F.linear(x, w, b))
        dx, dw, db = gradients((y * dy).sum(), x, w, b)
        linear.append({"activation": name, "m": 5, "n_in": 4, "n_out": 3, "x": flat(x), "weight": flat(w),
                       "bias": flat(b), "y": flat(y), "dy": flat(dy), "dx": dx, "dweight": dw, "dbias": db})

    epsilon, momentum, n = 1e-5, 0.9, 3
    gamma, beta = normal(n), normal(n)
    batches = [torch.tensor(random.normal([1, -20, 0], [0.5, 3, 1e-3], (6, n)), requires_grad=True) for _ in range(5)]
    train = []
    for x in batches:
        dy = normal(6, n)
        y = F.batch_norm(x, None, None, gamma, beta, training=True, eps=epsilon)
        dx, dgamma, dbeta = gradients((y * dy).sum(), x, gamma, beta)
        train.append({"x": flat(x), "y": flat(y), "dy": flat(dy), "dx": dx, "dgamma": dgamma, "dbeta": dbeta})
    running = population_batch_norm([x.detach().numpy() for x in batches], momentum, epsilon)
    last = running[-1]
    x = batches[0]
    y = F.batch_norm(x, torch.tensor(last["mean"]), torch.tensor(last["variance"]), gamma, beta, eps=epsilon)

    keep = 0.75
    a, mask, da = normal(4, 3), torch.tensor(random.random((4, 3)) < keep).double(), normal(4, 3)

    dense, table0, table1, dy = normal(6, 2), normal(4, 2), normal(3, 3), normal(6, 7)
    codes = torch.tensor([[1, 0], [3, 2], [1, 2], [0, 1], [3, 2], [1, 1]])
    y_embedded = torch.cat([dense, F.embedding(codes[:, 0], table0), F.embedding(codes[:, 1], table1)], 1)
    ddense, dtable0, dtable1 = gradients((y_embedded * dy).sum(), dense, table0, table1)

    write(
        "layers",
        "PyTorch; batch norm's running statistics and dropout by the course's formulas in NumPy",
        linear=linear,
        batch_norm={
            "epsilon": epsilon, "momentum": momentum, "m": 6, "n": n, "gamma": flat(gamma), "beta": flat(beta),
            "train": train, "running": running, "predict": {"x": flat(x), "y": flat(y)},
        },
        dropout={"keep": keep, "m": 4, "n": 3, "x": flat(a), "mask": flat(mask), "y": flat(a * mask / keep),
                 "dy": flat(da), "dx": flat(da * mask / keep)},
        embedding={"m": 6, "x": flat(torch.cat([dense, codes], 1)), "table0": flat(table0), "table1": flat(table1),
                   "y": flat(y_embedded), "dy": flat(dy), "ddense": ddense, "dtable0": dtable0, "dtable1": dtable1},
    )


def tabular():
    """A periodic embedding of two of four inputs, after these (PLR, section 3.3), and a linear layer z = x Wᵀ/√n + b."""
    random = np.random.default_rng(17)
    normal = lambda *shape: torch.tensor(random.normal(size=shape), requires_grad=True)
    m, n, inputs, d, k = 6, 4, [2, 0], 3, 5
    x, c, w, b = normal(m, n), normal(len(inputs), k), normal(len(inputs), d, 2 * k), normal(len(inputs), d)
    v = 2 * math.pi * x[:, inputs, None] * c
    vectors = F.relu(torch.einsum("ijk,jdk->ijd", torch.cat([v.cos(), v.sin()], -1), w) + b)
    y = torch.cat([x, vectors.flatten(1)], 1)
    dy = normal(*y.shape)
    dx, dc, dw, db = gradients((y * dy).sum(), x, c, w, b)
    embedding = {"m": m, "n": n, "inputs": inputs, "dimension": d, "frequencies": k, "x": flat(x), "theta": flat(c, w, b),
                 "y": flat(y), "dy": flat(dy), "dx": dx, "gradient": flat(dc, dw, db)}
    x, w, b, dy = normal(m, n), normal(d, n), normal(d), normal(m, d)
    y = F.silu(F.linear(x, w) / math.sqrt(n) + b)
    dx, dw, db = gradients((y * dy).sum(), x, w, b)
    ntk = {"m": m, "n": n, "units": d, "activation": "silu", "x": flat(x), "theta": flat(w, b), "y": flat(y),
           "dy": flat(dy), "dx": dx, "gradient": flat(dw, db)}
    write("tabular", "PyTorch and its autograd", periodic=embedding, ntk=ntk)


def images():
    """Convolutions and pooling; images are height × width × channels, filters n × kh × kw × channels of a group."""
    torch.manual_seed(8)
    last = lambda t: t.permute(0, 2, 3, 1)
    convolutions, pools = [], []
    for image, n, kernel, stride, padding, dilation, groups in [
        ((5, 6, 1), 2, (3, 3), (1, 1), (0, 0), (1, 1), 1),
        ((6, 5, 3), 4, (3, 2), (2, 1), (1, 0), (1, 1), 1),
        ((7, 7, 2), 3, (3, 3), (1, 2), (2, 2), (2, 2), 1),
        ((4, 5, 4), 6, (2, 2), (1, 1), (0, 1), (1, 1), 2),
        ((5, 4, 3), 3, (3, 3), (1, 1), (1, 1), (1, 1), 3),
    ]:
        h, w, c = image
        x = torch.randn(2, c, h, w, requires_grad=True)
        weight = torch.randn(n, c // groups, *kernel, requires_grad=True)
        bias = torch.randn(n, requires_grad=True)
        y = F.conv2d(x, weight, bias, stride, padding, dilation, groups)
        dy = torch.randn_like(y)
        dx, dw, db = torch.autograd.grad((y * dy).sum(), (x, weight, bias))
        convolutions.append({
            "image": image, "filters": n, "kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation,
            "groups": groups, "x": flat(last(x)), "weight": flat(last(weight)), "bias": flat(bias), "y": flat(last(y)),
            "dy": flat(last(dy)), "dx": flat(last(dx)), "dweight": flat(last(dw)), "dbias": flat(db),
        })
    within = lambda x, size, stride, padding: F.avg_pool2d(x, size, stride, padding, count_include_pad=False)

    def around(pool, outside):
        """The same with a number of its own before and after each axis; what is outside counts only as itself."""
        def padded(x, size, stride, padding):
            (above, below), (left, right) = padding
            return pool(F.pad(x, (left, right, above, below), value=outside), size, stride)
        return padded

    def means_within(x, size, stride, padding):
        zeros = around(F.avg_pool2d, 0.0)
        return zeros(x, size, stride, padding) / zeros(torch.ones_like(x), size, stride, padding)

    alike = [((4, 6, 2), (2, 2), (2, 2), (0, 0)), ((5, 5, 3), (3, 2), (2, 1), (1, 1))]
    uneven = [((5, 4, 2), (3, 3), (2, 1), ((0, 2), (1, 0))), ((4, 4, 1), (2, 3), (1, 2), ((1, 0), (0, 2)))]
    for take, pool, cases in [
        ("max", F.max_pool2d, alike), ("average", F.avg_pool2d, alike), ("average_within", within, alike),
        ("max", around(F.max_pool2d, -torch.inf), uneven), ("average", around(F.avg_pool2d, 0.0), uneven),
        ("average_within", means_within, uneven),
    ]:
        for image, size, stride, padding in cases:
            h, w, c = image
            x = torch.randn(2, c, h, w, requires_grad=True)
            y = pool(x, size, stride, padding)
            dy = torch.randn_like(y)
            (dx,) = torch.autograd.grad((y * dy).sum(), x)
            pools.append({"take": take, "image": image, "size": size, "stride": stride, "padding": padding,
                          "x": flat(last(x)), "y": flat(last(y)), "dy": flat(last(dy)), "dx": flat(last(dx))})
    # With as many places after as windows of the ceiling need, a pool is PyTorch's with ceil_mode.
    x = torch.randn(1, 2, 6, 7)
    for size, stride, after in [((3, 3), (2, 2), ((0, 1), (0, 0))), ((2, 3), (3, 3), ((0, 0), (0, 2)))]:
        assert torch.equal(around(F.max_pool2d, -torch.inf)(x, size, stride, after), F.max_pool2d(x, size, stride, ceil_mode=True))
        assert torch.allclose(means_within(x, size, stride, after), F.avg_pool2d(x, size, stride, ceil_mode=True), rtol=1e-14)
    norms = []
    for axes in (1, 2, 3):
        x = torch.randn(2, 3, 2, 4, requires_grad=True)
        gamma, beta = (torch.randn(x.shape[-axes:], requires_grad=True) for _ in range(2))
        y = F.layer_norm(x, x.shape[-axes:], gamma, beta, eps=1e-5)
        dy = torch.randn_like(y)
        grads = torch.autograd.grad((y * dy).sum(), (x, gamma, beta))
        names = ["x", "gamma", "beta", "y", "dy", "dx", "dgamma", "dbeta"]
        norms.append({"axes": axes, **dict(zip(names, map(flat, (x, gamma, beta, y, dy, *grads))))})
    resized = []
    for image, to in [((3, 4, 2), (5, 9)), ((6, 5, 1), (4, 2)), ((1, 3, 3), (2, 3)), ((4, 4, 2), (1, 1))]:
        h, w, c = image
        x = torch.randn(2, c, h, w, requires_grad=True)
        y = F.interpolate(x, size=to, mode="bilinear", align_corners=False)
        dy = torch.randn_like(y)
        (dx,) = torch.autograd.grad((y * dy).sum(), x)
        resized.append({"image": image, "to": to, "x": flat(last(x)), "y": flat(last(y)), "dy": flat(last(dy)),
                        "dx": flat(last(dx))})
    write("images", f"PyTorch {torch.__version__}, float64", convolutions=convolutions, pools=pools, layer_norms=norms,
          resized=resized)


def sounds():
    """Log-mel spectrograms and their cosine coefficients, of a glide with noise; frames lie within the sound."""
    random = np.random.default_rng(11)
    t = np.arange(900) / 8000
    x = np.round(np.sin(2 * np.pi * (300 + 4000 * t) * t) * np.exp(-6 * t) + 0.01 * random.normal(size=t.size), 5)
    cases = []
    for window, hop, bands, low, high, offset, coefficients in [
        (256, 80, 40, 0.0, 4000.0, 1e-6, None),
        (200, 100, 12, 300.0, 3400.0, 1e-3, None),
        (256, 128, 20, 0.0, 4000.0, 1e-6, 13),
    ]:
        power = librosa.feature.melspectrogram(
            y=x, sr=8000, n_fft=window, hop_length=hop, center=False, window="hann", power=2.0, n_mels=bands, fmin=low,
            fmax=high, htk=True, norm=None, dtype=np.float64)
        y = np.log(offset + power)
        if coefficients:
            y = librosa.feature.mfcc(S=y, n_mfcc=coefficients, dct_type=2, norm="ortho")
        cases.append({"window": window, "hop": hop, "bands": bands, "low": low, "high": high, "offset": offset,
                      "coefficients": coefficients, "y": y.T.ravel()})
    write("sounds", f"librosa {librosa.__version__}, float64", sample_rate=8000, x=x, cases=cases)

    # A quarter of a second of 440 Hz, left, and of silence, right.
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(5512) / 22050)
    for name, options in [
        ("tone.flac", {}),
        ("tone.ogg", {"subtype": "VORBIS"}),
        ("tone.mp3", {}),
        ("tone.aiff", {}),
    ]:
        soundfile.write(FILES / name, np.stack([tone, 0 * tone], 1), 22050, **options)


def files():
    """Pictures of kinds that our encoder does not write, red left and blue right; animations of three frames; arrays in HDF5."""
    halves = Image.new("RGB", (32, 16), (255, 0, 0))
    halves.paste((0, 0, 255), (16, 0, 32, 16))
    halves.convert("CMYK").save(FILES / "cmyk.jpg", quality=95)
    halves.quantize(2).save(FILES / "palette.png")
    halves.quantize(2).save(FILES / "palette.gif")
    halves.quantize(2).save(FILES / "palette.bmp")
    halves.save(FILES / "progressive.jpg", progressive=True, quality=95)
    first, *others = [Image.new("RGB", (16, 12), colour) for colour in [(200, 0, 0), (0, 200, 0), (0, 0, 200)]]
    for kind in ["gif", "webp", "png"]:
        first.save(FILES / f"animated.{kind}", save_all=True, append_images=others, duration=100, lossless=True)
    with h5py.File(FILES / "arrays.h5", "w") as file:
        x = np.arange(6 * 4 * 5 * 3).reshape(6, 4, 5, 3) % 251
        file.create_dataset("train_set_x", data=x.astype(np.uint8), chunks=(2, 4, 5, 3), compression="gzip", shuffle=True)
        file["train_set_y"] = np.array([0, 1, 1, 0, 1, 0])
        file["list_classes"] = np.array([b"non-cat", b"cat"])
        file["weights"] = np.linspace(0, 1, 6)


def mlp(sizes, seed):
    """Weights and biases of a tanh network, Glorot-sized, biases not 0."""
    random = np.random.default_rng(seed)
    theta = []
    for n_in, n_out in zip(sizes, sizes[1:]):
        theta.append(torch.tensor(random.normal(0, math.sqrt(2 / (n_in + n_out)), (n_out, n_in)), requires_grad=True))
        theta.append(torch.tensor(random.normal(0, 0.1, n_out), requires_grad=True))
    return theta


def forward(theta, x):
    for i in range(0, len(theta) - 2, 2):
        x = torch.tanh(F.linear(x, theta[i], theta[i + 1]))
    return F.linear(x, theta[-2], theta[-1])


def network():
    sizes, m, lam = [20, 32, 16, 5], 12, 0.7
    theta = mlp(sizes, 4)
    random = np.random.default_rng(5)
    x, c = torch.tensor(random.normal(size=(m, 20))), torch.tensor(random.integers(0, 5, m))
    z = forward(theta, x)
    data_cost = F.cross_entropy(z, c)
    l2 = lam / (2 * m) * sum((w**2).sum() for w in theta[::2])
    write(
        "network",
        "PyTorch: J = mean cross-entropy + λ/(2m) Σ‖W‖² of a tanh network, and dθ; θ is W, b layer by layer",
        sizes=sizes, m=m, l2=lam, x=flat(x), y=c.double(), theta=flat(*theta), z=flat(z),
        data_cost=data_cost.item(), cost=(data_cost + l2).item(), gradient=torch.cat(gradients(data_cost + l2, *theta)),
    )


# --- optimisers ------------------------------------------------------------------------------------------------------


def splitmix64(i):
    """The output function of SplitMix64 (Steele et al. 2014) for state i."""
    mask = (1 << 64) - 1
    z = (i + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def uniform(i):
    """In [−1, 1), exact in a double."""
    return (splitmix64(i) >> 11) * 2.0**-53 * 2 - 1


# Entry j's gradient at step t = 1, 2, … is 2^exponent · uniform(16 (t−1) + j) where t is a multiple of `every`, else 0.
EXPONENTS = [0, 0, -1, -2, -3, -5, -8, -10, -14, -20, -27, -30, -33, 0, -10, 0]
EVERY = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 100, 2000]
THETA0 = [uniform(2**40 + j) for j in range(16)]
STEPS, SAVED = 1000, (1, 2, 10, 100, 1000)


def gradient(t):
    return [
        math.ldexp(uniform(16 * (t - 1) + j), EXPONENTS[j]) if t % EVERY[j] == 0 else 0.0 for j in range(16)
    ]


def by_torch(make, state, l2=0.0):
    """θ and the named state after the saved steps, PyTorch stepping."""
    theta = torch.tensor(THETA0, requires_grad=True)
    optimizer, saved = make([theta]), []
    for t in range(1, STEPS + 1):
        theta.grad = torch.tensor(gradient(t))
        optimizer.step()
        if t in SAVED:
            saved.append({"t": t, "theta": flat(theta), "state": [flat(optimizer.state[theta][k]) for k in state]})
    return saved


def by_formula(step, vectors, real=np.float64):
    """The same by a formula (θ, g, state, t) → (θ, state)."""
    theta, state, saved = np.array(THETA0, real), [np.zeros(16, real) for _ in range(vectors)], []
    for t in range(1, STEPS + 1):
        theta, state = step(theta, np.array(gradient(t), real), state, t)
        if t in SAVED:
            saved.append({"t": t, "theta": theta.astype(float), "state": [v.astype(float) for v in state]})
    return saved


def momentum_formula(alpha, beta, share, nesterov=False, corrected=False, real=np.float64):
    alpha, beta = real(alpha), real(beta)
    share = real(share)

    def step(theta, g, state, t):
        v = beta * state[0] + share * g
        direction = beta * v + share * g if nesterov else v
        return theta - alpha / (1 - beta**t if corrected else 1) * direction, [v]

    return step


def rmsprop_formula(alpha, beta, epsilon, inside, corrected=False, real=np.float64):
    alpha, beta, epsilon = real(alpha), real(beta), real(epsilon)

    def step(theta, g, state, t):
        s = beta * state[0] + (1 - beta) * g * g
        s_hat = s / (1 - beta**t) if corrected else s
        root = np.sqrt(s_hat + epsilon) if inside else np.sqrt(s_hat) + epsilon
        return theta - alpha * g / root, [s]

    return step


def adam_formula(alpha, beta1, beta2, epsilon, inside, decay=0.0, l2=0.0, real=np.float64):
    shrink = real(1 - alpha * decay)  # Rounded to 64 bits in every form: over 1,000 steps its last bit is 5e-14 of θ.
    alpha, beta1, beta2, epsilon, l2 = map(real, (alpha, beta1, beta2, epsilon, l2))

    def step(theta, g, state, t):
        g = g + l2 * theta
        theta = theta * shrink
        v = beta1 * state[0] + (1 - beta1) * g
        s = beta2 * state[1] + (1 - beta2) * g * g
        v_hat, s_hat = v / (1 - beta1**t), s / (1 - beta2**t)
        root = np.sqrt(s_hat + epsilon) if inside else np.sqrt(s_hat) + epsilon
        return theta - alpha * v_hat / root, [v, s]

    return step


def optimizers():
    cases = []

    def distance(a, b):
        return max(np.linalg.norm(x["theta"] - np.asarray(y["theta"])) / np.linalg.norm(x["theta"]) for x, y in zip(a, b))

    def add(name, optimizer, settings, formula, vectors, make=None, state=()):
        """PyTorch's numbers where it has this form, else the formula's; the formula in 80 bits must agree."""
        exact = by_formula(formula(real=np.longdouble), vectors, np.longdouble)
        mine = by_formula(formula(), vectors)
        saved = by_torch(make, state) if make else mine
        print(f"  {name}: from 80 bits {distance(exact, saved):.1e}, from NumPy {distance(mine, saved):.1e}")
        assert distance(exact, saved) < 5e-15, name
        cases.append({"name": name, "optimizer": optimizer, "settings": settings,
                      "from": "PyTorch" if make else "NumPy", "saved": saved})

    sgd, a = torch.optim.SGD, 0.01
    add("gradient descent", "gradient_descent", {"learning_rate": a},
        lambda real=np.float64: momentum_formula(a, 0, 1, real=real), 1, lambda p: sgd(p, lr=a))
    cases[-1]["saved"] = [{**s, "state": []} for s in cases[-1]["saved"]]

    b = 0.9
    for form, share in (("course", 1 - b), ("pytorch", 1.0)):
        for nesterov in (False, True):
            make = (lambda p: sgd(p, lr=a, momentum=b, nesterov=nesterov)) if form == "pytorch" else None
            add(f"{'nesterov' if nesterov else 'momentum'}, {form} form", "momentum",
                {"learning_rate": a, "beta": b, "form": form, "nesterov": nesterov, "bias_correction": False},
                lambda real=np.float64: momentum_formula(a, b, share, nesterov, real=real), 1, make,
                ("momentum_buffer",))
    add("momentum, bias-corrected", "momentum",
        {"learning_rate": a, "beta": b, "form": "course", "nesterov": False, "bias_correction": True},
        lambda real=np.float64: momentum_formula(a, b, 1 - b, corrected=True, real=real), 1)

    a, e = 0.001, 1e-8
    for beta, inside, corrected in ((0.9, False, False), (0.99, False, False), (0.9, True, False), (0.9, False, True)):
        make = None if inside or corrected else lambda p: torch.optim.RMSprop(p, lr=a, alpha=beta, eps=e)
        placement = "inside" if inside else "outside"
        add(f"rmsprop, β = {beta}, ε {placement}{', bias-corrected' if corrected else ''}", "rmsprop",
            {"learning_rate": a, "beta": beta, "epsilon": e, "placement": placement, "bias_correction": corrected},
            lambda real=np.float64: rmsprop_formula(a, beta, e, inside, corrected, real=real), 1, make,
            ("square_avg",))

    moments, betas = ("exp_avg", "exp_avg_sq"), (0.9, 0.999)
    settings = {"learning_rate": a, "beta1": 0.9, "beta2": 0.999, "epsilon": e, "placement": "outside",
                "weight_decay": 0.0, "l2": 0.0}
    adam = lambda **own: lambda real=np.float64: adam_formula(
        a, *own.get("betas", betas), own.get("e", e), own.get("inside", False), own.get("decay", 0.0),
        own.get("l2", 0.0), real=real)
    add("adam, ε outside", "adam", settings, adam(), 2, lambda p: torch.optim.Adam(p, lr=a), moments)
    add("adam, ε inside", "adam", {**settings, "placement": "inside"}, adam(inside=True), 2)
    add("adam, other settings", "adam", {**settings, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
        adam(betas=(0.8, 0.95), e=1e-3), 2, lambda p: torch.optim.Adam(p, lr=a, betas=(0.8, 0.95), eps=1e-3), moments)
    add("adamw", "adam", {**settings, "weight_decay": 0.01}, adam(decay=0.01), 2,
        lambda p: torch.optim.AdamW(p, lr=a, weight_decay=0.01), moments)
    add("adam, λ/m in the gradient", "adam", {**settings, "l2": 0.01}, adam(l2=0.01), 2,
        lambda p: torch.optim.Adam(p, lr=a, weight_decay=0.01), moments)
    write(
        "optimizers",
        "PyTorch, or NumPy's float64 for forms it doesn't have; all within 5e-15 of the formula in 80 bits",
        exponents=EXPONENTS, every=EVERY, theta0=THETA0, first_gradient=gradient(1), cases=cases,
    )


# --- schedules and averages ------------------------------------------------------------------------------------------


def by_scheduler(make, alpha, times, value=None):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=alpha)
    scheduler, rates = make(optimizer), []
    for i in range(times):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([] if value is None else [value[i]]))
    return rates


def schedules():
    lr, epochs, steps, warm = torch.optim.lr_scheduler, list(range(1, 41)), 40, 8
    values = [1.0, 0.8, 0.79, 0.80, 0.81, 0.795, 0.7, 0.69999, 0.70, 0.71, 0.72, 0.73, 0.74, 0.75, 0.76, 0.5, 0.4]
    warm_cosine = lambda o: lr.ChainedScheduler(
        [lr.LinearLR(o, 1 / warm, 1.0, warm - 1), lr.CosineAnnealingLR(o, steps)])
    write(
        "schedules",
        "the course's three by their formulas, epochs from 1; the others from PyTorch's lr_scheduler",
        alpha=0.2,
        inverse={"decay_rate": 0.5, "rates": [0.2 / (1 + 0.5 * t) for t in epochs]},
        exponential={"base": 0.95, "rates": [0.95**t * 0.2 for t in epochs]},
        square_root={"k": 0.7, "rates": [0.7 / math.sqrt(t) * 0.2 for t in epochs]},
        staircase={"factor": 0.3, "every": 7, "rates": by_scheduler(lambda o: lr.StepLR(o, 7, 0.3), 0.2, 40)},
        cosine={"steps": steps, "rates": by_scheduler(lambda o: lr.CosineAnnealingLR(o, steps), 0.2, steps)},
        warm_cosine={"steps": steps, "warm": warm, "rates": by_scheduler(warm_cosine, 0.2, steps)},
        one_cycle={"steps": 100, "rates": by_scheduler(lambda o: lr.OneCycleLR(o, 0.2, total_steps=100), 0.2, 99)
                   + [0.2 / 25 / 1e4]},
        plateau={"factor": 0.5, "patience": 2, "values": values,
                 "rates": by_scheduler(lambda o: lr.ReduceLROnPlateau(o, factor=0.5, patience=2), 0.2, len(values),
                                       values)},
    )


def averages():
    with open(DATA / "melbourne-temperatures" / "daily-min-temperatures.csv", newline="") as file:
        series = [float(row["Temp"]) for row in csv.DictReader(file)]
    days = [1, 2, 3, 10] + list(range(50, len(series) + 1, 50))
    cases = []
    for beta in (0.9, 0.98, 0.5):
        b, v, plain, corrected = mpmath.mpf(beta), mpmath.mpf(0), [], []
        for t, theta in enumerate(series, 1):
            v = b * v + (1 - b) * mpmath.mpf(theta)
            if t in days:
                plain.append(float(v))
                corrected.append(float(v / (1 - b**t)))
        cases.append({"beta": beta, "plain": plain, "corrected": corrected})
    assert days[-1] == len(series) == 3650
    write("temperatures", "V_t = βV_{t−1} + (1−β)θ_t by mpmath with 50 digits, on the days named (from 1)",
          series=series, days=days, cases=cases)


def initializers():
    shapes = [(4, 8), (256, 64), (100, 300)]
    variance = {"xavier": lambda i, o: 1 / i, "glorot": lambda i, o: 2 / (i + o), "he": lambda i, o: 2 / i}
    write(
        "initializers",
        "Var[W] by the formulas; a uniform draw is within ± √(3 Var)",
        cases=[{"name": f"{name}_{draw}", "n_in": i, "n_out": o, "variance": of(i, o)}
               for name, of in variance.items() for draw in ("normal", "uniform") for i, o in shapes],
    )


# --- a whole training run --------------------------------------------------------------------------------------------


def training():
    """Full-batch runs of a 4-8-3 tanh network on iris (centimetres, not scaled) from one θ."""
    iris, steps = datasets.load_iris(), 50
    x, c = torch.tensor(iris.data), torch.tensor(iris.target)
    w = torch.tensor([0.5 + i % 4 for i in range(len(c))])
    start = flat(*mlp([4, 8, 3], 6))

    def run(make, scheduler=None, weights=None, lam=0.0, beta=0.0, clip=math.inf):
        theta, costs, average = mlp([4, 8, 3], 6), [], torch.zeros_like(start)
        optimizer = make(theta)
        schedule = scheduler(optimizer) if scheduler else None
        for _ in range(steps):
            rows = F.cross_entropy(forward(theta, x), c, reduction="none")
            cost = rows.mean() if weights is None else (weights * rows).sum() / weights.sum()
            cost = cost + lam / (2 * len(c)) * sum((w**2).sum() for w in theta[::2])
            costs.append(cost.item())
            optimizer.zero_grad()
            cost.backward()
            norm = torch.cat([t.grad.reshape(-1) for t in theta]).norm()
            for t in theta:
                t.grad *= min(1.0, clip / norm.item())
            optimizer.step()
            if schedule:
                schedule.step()
            average = beta * average + (1 - beta) * flat(*theta)
        return {"costs": costs, "theta": flat(*theta), "average": average / (1 - beta**steps)}

    weights_only = lambda theta: [{"params": theta[::2], "weight_decay": 0.1}, {"params": theta[1::2], "weight_decay": 0.0}]
    write(
        "training",
        "PyTorch; cost before each step. adamw: 0.1 on weights only, cosine over the run, λ = 2, weights of the "
        "examples, and the bias-corrected average of θ with β = 0.9; momentum: ‖dθ‖ clipped to 0.1",
        sizes=[4, 8, 3], steps=steps, x=x.reshape(-1), y=c.double(), weights=w, theta=start,
        gradient_descent=run(lambda theta: torch.optim.SGD(theta, lr=0.1)),
        momentum=run(lambda theta: torch.optim.SGD(theta, lr=0.05, momentum=0.9), clip=0.1),
        adamw=run(lambda theta: torch.optim.AdamW(weights_only(theta), lr=0.03),
                  lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, steps), w, lam=2.0, beta=0.9),
    )


# --- metrics ---------------------------------------------------------------------------------------------------------


def judge_numbers(y, p, w):
    y, p, k = np.reshape(y, (len(y), -1)), np.reshape(p, (len(p), -1)), {"sample_weight": w}
    return {
        "rmse": metrics.root_mean_squared_error(y, p, **k),
        "mae": metrics.mean_absolute_error(y, p, **k),
        "r2": metrics.r2_score(y, p, **k),
        "mape": metrics.mean_absolute_percentage_error(y, p, **k),
    }


def judge_binary(y, p, w):
    k, answer = {"sample_weight": w}, (p >= 0.5).astype(int)
    return {
        "accuracy": metrics.accuracy_score(y, answer, **k),
        "log_loss": metrics.log_loss(y, p, **k),
        "roc_auc": metrics.roc_auc_score(y, p, **k),
        "pr_auc": metrics.average_precision_score(y, p, **k),
        "f1_macro": metrics.f1_score(y, answer, average="macro", zero_division=0, **k),
        "brier": metrics.brier_score_loss(y, p, **k),
    }


def judge_classes(y, p, w):
    k, answer, classes = {"sample_weight": w}, p.argmax(1), np.arange(p.shape[1])
    one_hot = (y[:, None] == classes).astype(int)
    return {
        "accuracy": metrics.accuracy_score(y, answer, **k),
        "log_loss": metrics.log_loss(y, p, labels=classes, **k),
        "roc_auc": metrics.roc_auc_score(one_hot, p, average="macro", **k),
        "pr_auc": metrics.average_precision_score(one_hot, p, average="macro", **k),
        "f1_macro": metrics.f1_score(y, answer, average="macro", zero_division=0, **k),
        "brier": metrics.brier_score_loss(y, p, labels=classes, **k),
    }


def judge_labels(y, p, w):
    each = [judge_binary(y[:, j], p[:, j], w) for j in range(y.shape[1])]
    return {name: np.mean([labels[name] for labels in each]) for name in each[0]}


def calibration_error(task, y, p, w):
    """Guo et al.'s ECE from scikit-learn's bins: of the likeliest class, of the second of two, of all labels at once."""
    if task == "multiclass":
        y, p = (p.argmax(1) == y).astype(int), p.max(1)
    elif task == "multilabel":
        w = None if w is None else np.repeat(w, y.shape[1])
        y, p = y.ravel(), p.ravel()
    if w is not None:
        # scikit-learn's bins take no weights: rows are repeated instead.
        times = np.round(100 * np.asarray(w)).astype(int)
        y, p = np.repeat(y, times), np.repeat(p, times)
    truth, said = calibration.calibration_curve(y, p, n_bins=15)
    counts = np.bincount(np.searchsorted(np.linspace(0, 1, 16)[1:-1], p), minlength=15)
    return {"ece": np.sum(counts[counts > 0] * np.abs(truth - said)) / len(p)}


def scores():
    random = np.random.default_rng(7)
    cases = []

    def add(name, task, judge, y, answers, weights=None):
        judged = judge(y, answers, weights)
        if task != "regression":
            judged |= calibration_error(task, y, answers, weights)
        cases.append({"name": name, "task": task, "outputs": int(np.size(answers) / len(y)), "y": y.astype(float).ravel(),
                      "answers": answers.ravel(), "weights": weights, "metrics": judged})

    m = 60
    w = np.round(random.random(m) * 3, 2)
    y = random.integers(0, 2, m)
    p = np.clip(0.25 + 0.4 * y + random.normal(0, 0.25, m), 0.001, 0.999)
    tied = np.clip(np.round(p, 1), 0.1, 0.9)
    add("binary", "binary", judge_binary, y, p)
    add("binary, ties", "binary", judge_binary, y, tied)
    add("binary, ties, weights", "binary", judge_binary, y, tied, w)
    add("binary, worse than chance", "binary", judge_binary, y, 1 - p)
    c = random.integers(0, 4, m)
    share = np.exp(random.normal(0, 1, (m, 4)) + 2 * (c[:, None] == np.arange(4)))
    share /= share.sum(1, keepdims=True)
    add("classes", "multiclass", judge_classes, c, share)
    add("classes, weights", "multiclass", judge_classes, c, share, w)
    quarters = np.array([[0.25, 0.25, 0.25, 0.25], [0.5, 0.25, 0.125, 0.125], [0.125, 0.125, 0.25, 0.5]])
    add("classes, ties", "multiclass", judge_classes, c, quarters[random.integers(0, 3, m)])
    labels = random.integers(0, 2, (m, 3))
    shares = np.clip(np.round(0.3 + 0.35 * labels + random.normal(0, 0.25, (m, 3)), 1), 0.1, 0.9)
    add("labels, ties: the mean over labels", "multilabel", judge_labels, labels, shares)
    t = random.normal(50, 20, m)
    add("numbers", "regression", judge_numbers, t, t + random.normal(0, 5, m))
    add("numbers, weights", "regression", judge_numbers, t, t + random.normal(0, 5, m), w)
    add("numbers, worse than the mean", "regression", judge_numbers, t, 100 - t)
    t2 = random.normal([50, -3], [20, 1], (m, 2))
    add("two targets: the mean over targets", "regression", judge_numbers, t2, t2 + random.normal(0, [5, 1], (m, 2)), w)
    write("metrics", "scikit-learn; ties in one row's probabilities go to the first class", cases=cases)


# --- intervals -------------------------------------------------------------------------------------------------------


def intervals():
    """The standard errors and 95 % percentile intervals of SciPy's bootstrap over rows."""
    random = np.random.default_rng(11)
    cases = []

    def add(name, task, judge, y, answers, weights=None):
        m = len(y)

        judged = {}

        def metric(which):
            def of(rows):
                # Each metric is of the same draws.
                key = rows.tobytes()
                if key not in judged:
                    judged[key] = judge(y[rows], answers[rows], None if weights is None else weights[rows])
                return judged[key][which]

            return of

        found = {}
        for which in judge(y, answers, weights):
            drawn = stats.bootstrap((np.arange(m),), metric(which), vectorized=False, n_resamples=1000,
                                    method="percentile", rng=np.random.default_rng(1))
            low, high = drawn.confidence_interval
            found[which] = {"error": drawn.standard_error, "low": low, "high": high}
        cases.append({"name": name, "task": task, "outputs": int(np.size(answers) / m), "y": y.astype(float).ravel(),
                      "answers": np.round(answers, 4).ravel(), "weights": weights, "metrics": found})

    m = 300
    w = np.round(0.2 + random.random(m) * 2, 1)
    y = (random.random(m) < 0.3).astype(int)
    p = np.round(1 / (1 + np.exp(-(2 * y - 1 + random.normal(0, 1.2, m)))), 4)
    add("binary", "binary", judge_binary, y, p)
    add("binary, weights", "binary", judge_binary, y, p, w)
    c = random.choice(3, m, p=[0.5, 0.3, 0.2])
    share = np.exp(random.normal(0, 1, (m, 3)) + 1.5 * (c[:, None] == np.arange(3)))
    share = np.round(share / share.sum(1, keepdims=True), 4)
    share[:, 0] += np.round(1 - share.sum(1), 4)
    add("classes", "multiclass", judge_classes, c, np.round(share, 4))
    labels = random.integers(0, 2, (m, 2))
    shares = np.round(np.clip(0.3 + 0.35 * labels + random.normal(0, 0.25, (m, 2)), 0.05, 0.95), 4)
    add("labels", "multilabel", judge_labels, labels, shares)
    t = np.round(random.uniform(20, 80, m), 2)
    add("numbers", "regression", judge_numbers, t, np.round(t + random.normal(0, 8, m), 2))
    add("numbers, weights", "regression", judge_numbers, t, np.round(t + random.normal(0, 8, m), 2), w)
    t2 = np.round(random.uniform([20, 1], [80, 9], (m, 2)), 2)
    add("two targets", "regression", judge_numbers, t2, np.round(t2 + random.normal(0, [8, 1.5], (m, 2)), 2))
    write("intervals", "scipy.stats.bootstrap of scikit-learn's metrics, 1,000 resamples, percentiles", cases=cases)


if __name__ == "__main__":
    for part in (activations, losses, layers, tabular, images, sounds, files, network, optimizers, schedules, averages,
                 initializers, training, scores, intervals):
        part()
