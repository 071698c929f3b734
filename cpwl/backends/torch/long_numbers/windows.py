"""Convolutions as products of matrices over their windows, of which those that hold nothing but zeros are left out.

A row that begins at one unit has few entries that are not zero some layers later. And float64 convolutions multiply
image by image: where images are small, one product over the windows of all images takes half the time or less.
"""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from ....network.operators import Conv
from ....runtime.budget import checkpoint

_SMALL = 1 << 6
"""Places of a result up to which all windows by one matrix are quicker than image by image."""

_FEW = 1 / 2
"""Of the windows of larger images: where no more hold anything, these alone are quicker."""

_AT_ONCE = 1 << 21
"""Entries of windows that are laid out at once."""


class Windows:
    """Which entries of an image a convolution of one group reads, for each place of the result.

    Images are rows of ``channels * size`` entries. Windows are multiplied by weights (outputs, taps * channels).
    """

    def __init__(self, op: Conv) -> None:
        self._channels, self._size = op.channels, prod(op.spatial)
        index = torch.tensor(op.windows())
        self._index = torch.where(index < 0, self._size, index)
        """Of a channel with a zero behind it, (places, taps)."""

    @property
    def are_few(self) -> bool:
        """Whether results are so small that images are best multiplied together."""
        return len(self._index) <= _SMALL

    @staticmethod
    def weights(kernels: Tensor) -> Tensor:
        """What windows are multiplied by, of weights (outputs, channels, *kernel)."""
        return kernels.flatten(2).transpose(1, 2).flatten(1).contiguous()

    def kernels(self, weights: Tensor) -> Tensor:
        """The weights (outputs, channels, taps) again."""
        return weights.reshape(len(weights), -1, self._channels).transpose(1, 2)

    def held(self, images: Tensor) -> Tensor:
        """Which windows hold more than zeros, bool (images, places)."""
        there = (images.reshape(-1, self._channels, self._size) != 0).any(1)
        there = torch.nn.functional.pad(there, (0, 1))
        result = torch.zeros(len(there), len(self._index), dtype=torch.bool)
        for tap in self._index.T:
            result |= there[:, tap]
        return result

    def sparse(self, held: Tensor) -> bool:
        """Whether so few windows hold anything that these alone are to be multiplied."""
        return int(held.sum()) <= _FEW * held.numel()

    def product(self, images: Tensor, held: Tensor, weights: Tensor) -> Tensor:
        """The convolved images (images, outputs, places), zero where a window is not ``held``."""
        images = images.reshape(-1, self._channels, self._size)
        places, (outputs, entries) = len(self._index), weights.shape
        pixels = torch.nn.functional.pad(images, (0, 1)).transpose(1, 2).reshape(-1, self._channels)
        chosen = held.reshape(-1).nonzero()[:, 0]
        result = torch.zeros(len(images) * places, outputs, dtype=images.dtype)
        step = max(1, _AT_ONCE // max(entries, 1))
        for start in range(0, len(chosen), step):
            checkpoint()
            some = chosen[start : start + step]
            image = some.div(places, rounding_mode="floor")
            read = self._index[some - image * places] + (image * (self._size + 1))[:, None]
            result[some] = pixels[read.reshape(-1)].reshape(len(some), entries) @ weights.T
        return result.reshape(len(images), places, outputs).transpose(1, 2)
