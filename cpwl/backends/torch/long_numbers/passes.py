"""The D + 1 rows of regions of a slice on their way through a network, on given pieces, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....geometry.domain import Domain
from ....network.network import Network, Node
from ....runtime.budget import checkpoint
from ..fields.arithmetic import TorchArithmetic
from ..fields.field import FloatField
from .arithmetic import ExtendedArithmetic, ExtendedField

Field = TypeVar("Field", ExtendedField, FloatField)


class Arithmetic(Protocol[Field]):
    """What a pass needs of an arithmetic."""

    def rows(self, values: NDArray[np.float64], weights: NDArray[np.float64]) -> Field:
        """Rows of float64 numbers, exactly."""
        ...

    def linear(self, node: Node, inputs: Sequence[Field]) -> Field:
        """The output of a linear node."""
        ...

    def on_pieces(self, node: Node, x: Field, pieces: Tensor) -> Field:
        """The output of a nonlinear node on given pieces (rows, node.size)."""
        ...


@dataclass(frozen=True, eq=False)
class Passes(Generic[Field]):
    """How what is live goes on to the next stage: by node, of each region a row for the origin and D tangents."""

    network: Network
    domain: Domain
    arithmetic: Arithmetic[Field]

    def start(self) -> dict[int, Field]:
        """What the first stage reads, of each slice."""
        frames = self.domain.frames
        weights = np.tile(np.eye(1, frames.shape[1])[0], len(frames))
        return self._linear({0: self.arithmetic.rows(np.concatenate(frames), weights)}, 0)

    def after(self, live: Mapping[int, Field], stage: int, pieces: NDArray[np.int16]) -> dict[int, Field]:
        """What the stage after this one reads, on the given pieces (n, units) of each region."""
        i = self.network.nonlinear[stage]
        of_rows = torch.as_tensor(pieces.astype(np.int64)).repeat_interleave(self.domain.dim + 1, 0)
        output = self.arithmetic.on_pieces(self.network.nodes[i], live[self.network.read_by(stage)], of_rows)
        return self._linear(self._without({**live, i: output}, i), i)

    def _linear(self, live: dict[int, Field], last: int) -> dict[int, Field]:
        """What is live before the next nonlinear node, or at the end, after the node ``last``."""
        for i, node in enumerate(self.network.nodes[last + 1 :], start=last + 1):
            if node.is_nonlinear:
                break
            checkpoint()
            live[i] = self.arithmetic.linear(node, [live[j] for j in node.inputs])
            live = self._without(live, i)
        return live

    def _without(self, live: dict[int, Field], i: int) -> dict[int, Field]:
        """What is still read after node i."""
        return {
            j: field
            for j, field in live.items()
            if self.network.last_use[j] > i or j in (i, len(self.network.nodes) - 1)
        }


def of_regions(live: Mapping[int, Field], regions: NDArray[np.int64], dim: int) -> dict[int, Field]:
    """The rows of some regions."""
    index = torch.as_tensor(((dim + 1) * regions[:, None] + np.arange(dim + 1)).ravel())
    return {i: field.take(index) for i, field in live.items()}


def arithmetic_of(network: Network, parts: int, plain: TorchArithmetic) -> Any:
    """What computes with numbers of so many parts, on the CPU; those of one part are the ``plain`` float64 numbers."""
    return ExtendedArithmetic.of(network, parts) if parts > 1 else _Plain(plain)


@dataclass(frozen=True, eq=False)
class _Plain:
    """Rows of float64 numbers: what is called numbers of one part."""

    arithmetic: TorchArithmetic

    def rows(self, values: NDArray[np.float64], weights: NDArray[np.float64]) -> FloatField:
        return replace(FloatField.exactly(values, self.arithmetic.device), weights=torch.as_tensor(weights))

    def linear(self, node: Node, inputs: Sequence[FloatField]) -> FloatField:
        return self.arithmetic.linear(node, inputs)

    def on_pieces(self, node: Node, x: FloatField, pieces: Tensor) -> FloatField:
        return self.arithmetic.on_pieces(node, x, pieces.numpy())
