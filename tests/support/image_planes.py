"""Planes through real images, for small convolutional networks: the input that users bring, with all its coincidences.

Pixels are multiples of 1/16 or 1/255, backgrounds are constant and windows repeat, so that maxima tie and lines of many
units meet in a point or nearly do. Images are scikit-learn's digits, which are always there, and, where ``shared/data``
is, parts of those of MNIST, Fashion-MNIST and CIFAR-10.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor, nn

import cpwl
from cpwl.network import Network
from tests.support.families import Case
from tests.support.real_data import FOLDER, around, cifar, place
from tests.support.real_data import images as grey

Random = np.random.Generator
Images = NDArray[np.float64]

COUNT = 100
"""Images of each set."""

MOST = 600
"""Regions of a plane, about."""

SCALINGS: dict[str, Callable[[Images], Images]] = {
    "raw": lambda x: x,
    "of the largest": lambda x: x / x.max(),
    "of 15": lambda x: x / 15,
    "of 16": lambda x: x / 16,
    "of 255": lambda x: x / 255,
    "centred": lambda x: x / x.max() - 0.5,
    "standardised": lambda x: (x - x.mean()) / x.std(),
    "without the mean image": lambda x: (x - x.mean(axis=0)) / x.std(),
    "of float32": lambda x: (x / 255).astype(np.float32).astype(np.float64),
}
POOLS: tuple[dict[str, int], ...] = (
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2},
    {"kernel_size": 2, "padding": 1},
    {"kernel_size": 2, "stride": 1},
)
UNITS = (nn.ReLU, nn.ReLU, nn.ReLU, lambda: nn.LeakyReLU(0.1), nn.Identity, lambda: nn.Hardtanh(-1, 1))
WEIGHTS = (
    "random",
    "random",
    "of 1/8",
    "without biases",
    "ternary",
    "one filter nearly gone",
    "one filter nearly gone, its bias not",
)


@cache
def sets() -> dict[str, tuple[Images, NDArray[np.int64]]]:
    """By name images (COUNT, channels, n, n) and their classes."""
    digits = load_digits()
    found = {"digits": (digits.images[:COUNT, None], digits.target[:COUNT])}
    middle = slice(9, 19)
    for name in ("mnist", "fashion-mnist"):
        if (FOLDER / name).exists():
            part = grey(name, COUNT)[:, None, middle, middle]
            found[name] = part, np.arange(COUNT) // 10
    if (FOLDER / "cifar10").exists():
        found["cifar10"] = cifar(COUNT)[:, :, 10:16, 10:16], np.arange(COUNT) // 10
    return found


def plane(seed: int, names: tuple[str, ...] = ("digits",)) -> Case:
    """The plane through three images, and the network on it, of that number; of the named sets that there are."""
    random = np.random.default_rng(seed)
    there = [name for name in names if name in sets()]
    name, scaling = str(random.choice(there)), str(random.choice(list(SCALINGS)))
    images, classes = sets()[name]
    several = np.flatnonzero(classes == classes[random.integers(COUNT)])
    of_one_class = len(several) >= 3 and random.random() < 0.3
    chosen = random.choice(several if of_one_class else COUNT, 3, replace=False)
    corners = SCALINGS[scaling](images)[chosen]
    example = torch.zeros(1, *corners.shape[1:], dtype=torch.float64)
    model, words = network(random, example)
    net = cpwl.compile(model, example)
    domain = cpwl.Domain.through(*corners, margin=float(random.choice([0, 0.1, 0.3])))
    domain = _small_enough(random, net, domain, corners)
    if random.random() < 0.2:
        domain = around(corners[0], domain, float(random.choice([1e-3, 1e-6, 1e-9])))
    return Case(f"{name}, {scaling}, {words}, seed {seed}", net, domain)


def _small_enough(random: Random, net: Network, domain: cpwl.Domain, corners: Images) -> cpwl.Domain:
    """The domain or, so that the exact backend can cut it in a second, a part of it: about an image, or anywhere."""
    centre = np.zeros(2)
    if random.random() < 0.7:
        centre = place(corners[0], domain)
    while len(cpwl.partition(net, domain, predicates="float")) > MOST:
        square = (domain.polytope.vertices - centre) * 0.6 + centre
        domain = cpwl.Domain.polygon(square, origin=domain.origin, basis=domain.basis)
    return domain


def network(random: Random, example: Tensor) -> tuple[nn.Sequential, str]:
    """A small network with convolutions and max-pools in some order, and what its weights are like."""
    torch.manual_seed(int(random.integers(2**31)))
    channels, layers = example.shape[1], []
    first_pool = random.random() < 0.2
    if first_pool:
        layers.append(_pool(random))
    for _ in range(int(random.integers(1, 3))):
        out = int(random.integers(1, 4))
        kernel, stride, padding = (int(random.choice(x)) for x in ([2, 3], [1, 1, 2], [0, 0, 1]))
        layers += [nn.Conv2d(channels, out, kernel, stride, padding), UNITS[random.integers(len(UNITS))]()]
        channels = out
        if random.random() < 0.8:
            layers.append(_pool(random))
    model = nn.Sequential(*_that_fit(layers, example), nn.Flatten()).double()
    width = model(example).shape[1]
    model = nn.Sequential(*model, nn.Linear(width, 4), nn.ReLU(), nn.Linear(4, 3)).double().eval()
    weights = WEIGHTS[random.integers(len(WEIGHTS))]
    _reweighted(model, weights)
    return model, weights


def _pool(random: Random) -> nn.Module:
    return nn.MaxPool2d(**POOLS[random.integers(len(POOLS))])


def _that_fit(layers: list[nn.Module], example: Tensor) -> list[nn.Module]:
    """The layers, up to the first that makes the image too small."""
    kept, x = [], example
    for layer in layers:
        try:
            x = layer.double()(x)
        except RuntimeError:
            break
        kept.append(layer)
    return kept


def _reweighted(model: nn.Sequential, weights: str) -> None:
    first = next(f"{k}." for k, layer in enumerate(model) if isinstance(layer, nn.Conv2d | nn.Linear))
    faint = {
        "one filter nearly gone": {f"{first}weight", f"{first}bias"},
        "one filter nearly gone, its bias not": {f"{first}weight"},
    }.get(weights, set())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if weights == "of 1/8":
                parameter.copy_((parameter * 16).round() / 8)
            elif weights == "ternary":
                parameter.copy_((parameter * 4).sign() * (parameter.abs() > parameter.abs().median()))
            elif weights == "without biases" and name.endswith("bias"):
                parameter.zero_()
            elif name in faint:
                parameter[0] *= 1e-20
