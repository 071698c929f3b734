"""Real networks and data of other people, from the folder ``shared/data`` beside the checkout (absent: tests skip).

Readers for text formats that only benchmarks meet, and the architectures that state dicts belong to.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

import cpwl
from cpwl.network import RELU, Dense, Network, Op, Piecewise

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"
HARDTANH = Piecewise(np.array([-1.0, 1.0]), np.array([0.0, 1.0, 0.0]), -1.0)


def files(pattern: str) -> list[Any]:
    """The files of a pattern as test parameters; one that skips, by the pattern's name, where there are none."""
    found = sorted(FOLDER.glob(pattern))
    missing = pytest.param(None, id=pattern, marks=pytest.mark.skip(reason=f"shared/data/{pattern} is absent"))
    return [pytest.param(path, id=path.stem) for path in found] or [missing]


def needs(name: str) -> pytest.MarkDecorator:
    """Skips a test where a file or folder of ``shared/data`` is absent."""
    return pytest.mark.skipif(not (FOLDER / name).exists(), reason=f"shared/data/{name} is absent")


def images(name: str, count: int) -> NDArray[np.float64]:
    """The first images of MNIST or Fashion-MNIST ("mnist", "fashion-mnist"), (count, 28, 28), 0 .. 255."""
    with gzip.open(FOLDER / name / "t10k-images-idx3-ubyte.gz") as file:
        data = np.frombuffer(file.read(16 + count * 784), np.uint8, offset=16)
    return data.reshape(count, 28, 28).astype(np.float64)


def labels(name: str, count: int) -> NDArray[np.int64]:
    """The classes of those images."""
    with gzip.open(FOLDER / name / "t10k-labels-idx1-ubyte.gz") as file:
        return np.frombuffer(file.read(8 + count), np.uint8, offset=8).astype(np.int64)


def cifar(count: int) -> NDArray[np.float64]:
    """The first CIFAR-10 test images (count, 3, 32, 32), 0 .. 255."""
    return _cifar_rows(count)[:, 1:].reshape(count, 32, 32, 3).transpose(0, 3, 1, 2)


def cifar_labels(count: int) -> NDArray[np.int64]:
    """The classes of those images."""
    return _cifar_rows(count)[:, 0].astype(np.int64)


def _cifar_rows(count: int) -> NDArray[np.float64]:
    return np.loadtxt(FOLDER / "cifar10" / "cifar10_test_100.csv", delimiter=",", max_rows=count)


def eran(path: Path) -> Network:
    """The network of an ERAN text file: groups of three lines, an activation's name, a weight matrix and a bias."""
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    ops: list[Op] = []
    for name, weight, bias in zip(lines[::3], lines[1::3], lines[2::3]):
        ops.append(Dense(_numbers(weight), _numbers(bias)))
        ops += {"relu": [RELU], "affine": [], "hardtanh": [HARDTANH]}[name.strip().lower()]
    return Network.sequential(ops[0].weight.shape[1], ops)


def _numbers(text: str) -> NDArray[np.float64]:
    rows = text.strip().strip("[]").split("],")
    values = [[float(x) for x in row.strip(" []").split(",")] for row in rows]
    return np.array(values if text.strip().startswith("[[") else values[0])


def implicit(path: Path) -> Network:
    """The ReLU network of an implicit surface: arrays ``0000.dense.A`` (in, out), ``0000.dense.b``, and so on."""
    with np.load(path) as stored:
        names = sorted(name[:4] for name in stored if name.endswith(".dense.A"))
        layers = [(stored[f"{n}.dense.A"].T, stored[f"{n}.dense.b"]) for n in names]
    return Network.mlp(*zip(*layers))


def with_state(module: nn.Module, path: Path, prefix: str = "") -> nn.Module:
    """The module in eval mode with the state dict of a file."""
    state = torch.load(path, weights_only=True, map_location="cpu")
    state = state.get("state_dict", state)
    module.load_state_dict({name.removeprefix(prefix): value for name, value in state.items()})
    return module.eval()


class CifarBlock(nn.Module):
    """Two convolutions and a shortcut without parameters: every second pixel, and channels of zeros around."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.grow = (out - channels) // 2
        self.conv1 = nn.Conv2d(channels, out, 3, stride=2 if self.grow else 1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        shortcut = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.grow, self.grow)) if self.grow else x
        return F.relu(y + shortcut)


class CifarResNet(nn.Module):
    """ResNet for CIFAR-10 with 6 n + 2 layers."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        stages = [
            [CifarBlock(c if i == 0 else out, out) for i in range(n)] for c, out in ((16, 16), (16, 32), (32, 64))
        ]
        self.layer1, self.layer2, self.layer3 = (nn.Sequential(*stage) for stage in stages)
        self.linear = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(F.avg_pool2d(x, x.shape[3]).flatten(1))


class TinyVgg(nn.Module):
    """Two blocks of two convolutions and a max-pool, and a linear classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_block_1, self.conv_block_2 = (
            nn.Sequential(nn.Conv2d(c, 10, 3), nn.ReLU(), nn.Conv2d(10, 10, 3), nn.ReLU(), nn.MaxPool2d(2))
            for c in (3, 10)
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(1690, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.conv_block_2(self.conv_block_1(x)))


class Mtcnn(nn.Module):
    """One of the three networks of MTCNN: convolutions with PReLU and ceil-mode max-pools; its heads side by side."""

    def __init__(self, convolutions: list[tuple[int, int, int, int]], dense: list[tuple[str, int, int]]) -> None:
        """``convolutions``: (in, out, kernel, pool kernel or 0); ``dense``: (name, in, out), "_" in a head's name."""
        super().__init__()
        self.pools = [pool for *_, pool in convolutions]
        for i, (c, out, kernel, _) in enumerate(convolutions, start=1):
            self.add_module(f"conv{i}", nn.Conv2d(c, out, kernel))
            self.add_module(f"prelu{i}", nn.PReLU(out))
        self.heads = [name for name, *_ in dense if "_" in name]
        self.hidden = [name for name, *_ in dense if "_" not in name]
        for name, c, out in dense:
            self.add_module(name, nn.Linear(c, out) if name.startswith("dense") else nn.Conv2d(c, out, 1))
            if "_" not in name:
                self.add_module(f"prelu{name[-1]}", nn.PReLU(out))

    def forward(self, x: Tensor) -> Tensor:
        for i, pool in enumerate(self.pools, start=1):
            x = self.get_submodule(f"prelu{i}")(self.get_submodule(f"conv{i}")(x))
            x = F.max_pool2d(x, pool, 2, ceil_mode=True) if pool else x
        x = x.permute(0, 3, 2, 1).flatten(1) if self.hidden else x
        for name in self.hidden:
            x = self.get_submodule(f"prelu{name[-1]}")(self.get_submodule(name)(x))
        return torch.cat([self.get_submodule(name)(x) for name in self.heads], dim=1)


def mtcnn(name: str) -> tuple[nn.Module, tuple[int, int, int]]:
    """A network of MTCNN ("pnet", "rnet" or "onet") with its trained weights, and the shape of its input."""
    modules = {
        "pnet": (Mtcnn([(3, 10, 3, 2), (10, 16, 3, 0), (16, 32, 3, 0)], [("conv4_1", 32, 2), ("conv4_2", 32, 4)]), 12),
        "rnet": (
            Mtcnn(
                [(3, 28, 3, 3), (28, 48, 3, 3), (48, 64, 2, 0)],
                [("dense4", 576, 128), ("dense5_1", 128, 2), ("dense5_2", 128, 4)],
            ),
            24,
        ),
        "onet": (
            Mtcnn(
                [(3, 32, 3, 3), (32, 64, 3, 3), (64, 64, 3, 2), (64, 128, 2, 0)],
                [("dense5", 1152, 256), ("dense6_1", 256, 2), ("dense6_2", 256, 4), ("dense6_3", 256, 10)],
            ),
            48,
        ),
    }
    module, size = modules[name]
    return with_state(module, FOLDER / "convnets" / "mtcnn" / f"{name}.pt"), (3, size, size)


def around(image: NDArray[np.float64], domain: cpwl.Domain, size: float) -> cpwl.Domain:
    """A square around an image in the plane of a domain: the domain's own, times ``size``."""
    square = domain.polytope.vertices
    square = (square - square.mean(axis=0)) * size + place(image, domain)
    return cpwl.Domain.polygon(square, origin=domain.origin, basis=domain.basis)


def place(image: NDArray[np.float64], domain: cpwl.Domain) -> NDArray[np.float64]:
    """An image in the coordinates of a plane that goes through it."""
    basis, offset = domain.basis.reshape(-1, 2), image.ravel() - domain.origin.ravel()
    return np.asarray(np.linalg.lstsq(basis, offset, rcond=None)[0])
