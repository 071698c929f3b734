"""Small convolutional networks for real images, with and without pools, and the images.

    python benchmarks/image_networks.py

trains the two networks for MNIST that are reference networks and writes their weights into ``benchmarks/data``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout is measured, whatever is installed

from tests.support.real_data import FOLDER, cifar, cifar_labels, images, labels

WEIGHTS = Path(__file__).parent / "data"
POOLS: dict[str, Callable[[], nn.Module] | None] = {
    "max": lambda: nn.MaxPool2d(2),
    "average": lambda: nn.AvgPool2d(2),
    "none": None,
}
"""What follows each convolution; with "none" its stride is twice as large."""


@dataclass(frozen=True)
class Images:
    """Images (n, channels, side, side) with entries in [0, 1], and their classes (n,)."""

    x: NDArray[np.float64]
    y: NDArray[np.int64]

    def of_classes(self, classes: tuple[int, ...], which: int) -> NDArray[np.float64]:
        """Of each class the image of that number."""
        return self.x[[np.flatnonzero(self.y == k)[which] for k in classes]]


SETS: dict[str, Callable[[], Images]] = {
    "digits": lambda: Images(load_digits().images[:, None] / 16, load_digits().target),
    "mnist": lambda: Images(images("mnist", 10_000)[:, None] / 255, labels("mnist", 10_000)),
    "fashion-mnist": lambda: Images(images("fashion-mnist", 10_000)[:, None] / 255, labels("fashion-mnist", 10_000)),
    "cifar10": lambda: Images(cifar(100) / 255, cifar_labels(100)),
}


def there(name: str) -> bool:
    """Whether the images of that name can be had here."""
    return name == "digits" or (FOLDER / name).exists()


def cnn(shape: tuple[int, ...], pool: str) -> nn.Sequential:
    """Two convolutions of 6 and 12 channels, each with its pool, and two dense layers."""
    channels, side, _ = shape
    convolutions = ((3, 1, 1), (3, 1, 1)) if side < 16 else ((5, 2, 0), (3, 1, 0))
    layers: list[nn.Module] = []
    for out, (kernel, stride, padding) in zip((6, 12), convolutions, strict=True):
        made = POOLS[pool]
        layers += [nn.Conv2d(channels, out, kernel, stride if made else 2 * stride, padding), nn.ReLU()]
        layers += [made()] if made else []
        channels = out
    width = nn.Sequential(*layers, nn.Flatten())(torch.zeros(1, *shape)).shape[1]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, 10)).eval()


def trained(model: nn.Module, data: Images, epochs: int, known: int) -> nn.Module:
    """The model, trained on the first ``known`` images; torch's seed says in which order."""
    x, y = torch.tensor(data.x, dtype=torch.float32), torch.tensor(data.y)
    optimizer = torch.optim.Adam(model.train().parameters(), lr=3e-3)
    for _ in range(epochs):
        for batch in torch.randperm(known).split(100):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
    return model.eval()


def accuracy(model: nn.Module, data: Images, first: int) -> float:
    """The share that the model gets right of the images from that number on."""
    with torch.no_grad():
        found: Tensor = model(torch.tensor(data.x[first:], dtype=torch.float32)).argmax(dim=1)
    return float((found.numpy() == data.y[first:]).mean())


def stored(pool: str) -> nn.Module:
    """The network for MNIST with that pool, trained by this file."""
    model = cnn((1, 28, 28), pool)
    with np.load(_path(pool)) as file:
        model.load_state_dict({name: torch.tensor(file[name]) for name in file})
    return model


def _path(pool: str) -> Path:
    return WEIGHTS / f"mnist_cnn_{pool}.npz"


def main() -> None:
    """Trains and writes both."""
    data = SETS["mnist"]()
    torch.set_num_threads(1)
    for pool in ("max", "average"):
        torch.manual_seed(0)
        model = trained(cnn((1, 28, 28), pool), data, epochs=4, known=8000)
        print(f"{pool}: {accuracy(model, data, 8000):.1%} of the other 2,000 images right")
        np.savez_compressed(_path(pool), **{name: value.numpy() for name, value in model.state_dict().items()})


if __name__ == "__main__":
    WEIGHTS.mkdir(exist_ok=True)
    main()
