"""What the examples on images share: data that is there, and a training loop."""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor, nn

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def arguments(text: str) -> argparse.Namespace:
    """``folder`` (where to write), ``data`` and ``small``, from the command line."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=".", type=Path)
    parser.add_argument("--data", default=_DATA, type=Path, help="folder with mnist/ and fashion-mnist/")
    parser.add_argument("--small", action="store_true", help="scikit-learn's digits, and little of everything")
    torch.set_num_threads(1)  # products as small as these gain nothing from more, and sums are the same everywhere
    return parser.parse_args()


@dataclass(frozen=True)
class Images:
    """Images (n, 1, side, side) with entries in [0, 1], and their classes (n,)."""

    x: Tensor
    y: Tensor

    @property
    def side(self) -> int:
        return self.x.shape[-1]

    def parted(self, test: int) -> tuple[Images, Images]:
        """All but the last ones, to train with, and those, to test."""
        return Images(self.x[:-test], self.y[:-test]), Images(self.x[-test:], self.y[-test:])


def load(name: str, data: Path) -> Images:
    """The digits of scikit-learn (1,797 of 8 x 8), or the test set of "mnist" or "fashion-mnist" (28 x 28)."""
    if name == "digits":
        bundled = load_digits()
        return Images(torch.tensor(bundled.images[:, None] / 16, dtype=torch.float32), torch.tensor(bundled.target))
    kinds = ("images-idx3", "labels-idx1")
    files = [gzip.decompress((data / name / f"t10k-{kind}-ubyte.gz").read_bytes()) for kind in kinds]
    pixels, labels = np.frombuffer(files[0], np.uint8, offset=16), np.frombuffer(files[1], np.uint8, offset=8)
    x = torch.tensor(pixels.reshape(-1, 1, 28, 28) / 255, dtype=torch.float32)
    return Images(x, torch.tensor(labels.astype(np.int64)))


def names(options: argparse.Namespace) -> list[str]:
    """The data sets that are there; the digits if there is no other, or with --small."""
    found = [name for name in ("mnist", "fashion-mnist") if (options.data / name).is_dir()]
    if options.small or not found:
        print("This runs on scikit-learn's digits. For MNIST and Fashion-MNIST: --data FOLDER.")
        return ["digits"]
    return found


def train(
    model: nn.Module,
    images: Images,
    epochs: int,
    *,
    augment: Callable[[Tensor], Tensor] = lambda x: x,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> nn.Module:
    """The model, trained with cross-entropy, in eval mode. The order of the images is that of torch's seed.

    ``progress`` is told what is done, how much there is in all, and of what, as by the functions of cpwl.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(epochs):
        progress(epoch, epochs, "epochs")
        for batch in torch.randperm(len(images.y)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(augment(images.x[batch])), images.y[batch]).backward()
            optimizer.step()
    progress(epochs, epochs, "epochs")
    return model.eval()


def accuracy(model: nn.Module, images: Images) -> float:
    """The share of images that the model gets right."""
    with torch.no_grad():
        return float((model(images.x).argmax(dim=1) == images.y).float().mean())


def first_right(model: nn.Module, images: Images, classes: Iterable[int]) -> NDArray[np.float64]:
    """Of each class the first image that the model gets right, (classes, 1, side, side)."""
    with torch.no_grad():
        right = model(images.x).argmax(dim=1) == images.y
    return images.x[[int((right & (images.y == k)).nonzero()[0]) for k in classes]].double().numpy()


def closest(images: Images) -> list[int]:
    """The closest two images of different classes, and the nearest neighbour of the first of them."""
    apart = torch.cdist(images.x.flatten(1), images.x.flatten(1)).fill_diagonal_(torch.inf)
    others = apart.where(images.y[:, None] != images.y, torch.inf)
    first, second = divmod(int(others.argmin()), len(images.y))
    apart[first, second] = torch.inf
    return [first, second, int(apart[first].argmin())]
