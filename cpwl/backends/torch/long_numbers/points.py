"""A network at points in long numbers: what is needed of an ``Arithmetic`` on given pieces (proofs/, Lemma 10)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ....network.network import Network, Node
from ....numbers.double_double import Balls
from ..complex.segments import as_numpy
from .arithmetic import ExtendedArithmetic, ExtendedField


class CloseArithmetic:
    """The operators of one network at points, in numbers of ``count`` parts."""

    def __init__(self, network: Network, count: int) -> None:
        self._long = ExtendedArithmetic.of(network, count)

    def points(self, values: NDArray[np.float64]) -> ExtendedField:
        """Points (rows, n), exactly."""
        return self._long.rows(values, np.ones(len(values)))

    def linear(self, node: Node, inputs: Sequence[ExtendedField]) -> ExtendedField:
        """The output of a linear node."""
        return self._long.linear(node, inputs)

    def on_pieces(self, node: Node, x: ExtendedField, pieces: NDArray[np.int64]) -> ExtendedField:
        """The output of a nonlinear node on given pieces (rows, node.size)."""
        return self._long.on_pieces(node, x, torch.as_tensor(pieces))


def balls(field: ExtendedField) -> Balls:
    """The entries of a field, (rows, columns), with their bounds."""
    radius = field.error[:, None].expand(field.zeros.shape).masked_fill(field.zeros, 0.0)
    parts = np.stack([as_numpy(part.masked_fill(field.zeros, 0.0)) for part in field.digits.parts])
    return Balls.sums(parts, as_numpy(radius))
