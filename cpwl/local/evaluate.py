"""A network's outputs at points of its input space."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import backends
from ..arrays.batches import batches as ranges
from ..errors import ShapeError
from ..fields.arithmetic import evaluate as evaluated
from ..network.check import check_network
from ..network.network import Network
from ..runtime.ieee import ieee
from ..runtime.inputs import finite, instance, plain, real

_BATCH_ENTRIES = 1 << 24
"""Rows times widest node handled at once."""


@ieee
def evaluate(net: Network, points: ArrayLike, *, backend: str = "torch", device: str | None = None) -> NDArray[Any]:
    """The network's outputs (M, *net.output_shape) at points (M, *net.input_shape), or of one point, without that axis.

    float64 from the torch backend; Fractions from the exact one, which takes Fractions as well and computes
    f(points) exactly. Periodic activations included.
    """
    check_compiled(net)
    chosen = backends.get(backend, device)
    rows = input_rows("points", points, net, exact=chosen.exact)
    arithmetic = chosen.arithmetic
    parts = [evaluated(net, arithmetic, arithmetic.points(rows[part])).to_numpy() for part in batches(len(rows), net)]
    result = np.concatenate(parts) if parts else np.zeros((0, net.outputs), rows.dtype)
    single = plain(points).ndim == len(net.input_shape)
    return result.reshape(net.output_shape if single else (len(rows), *net.output_shape))


def check_compiled(net: Network, name: str = "net") -> None:
    """Raises ``ArgumentError``, which names the argument, unless ``net`` is a well formed network."""
    check_network(instance(name, net, Network, "Call cpwl.compile first."))


def input_rows(name: str, points: ArrayLike, net: Network, *, exact: bool) -> NDArray[Any]:
    """Points (M, *net.input_shape), or one without the first axis, as rows (M, n); Fractions are kept if ``exact``."""
    values = real(name, points) if exact else finite(name, points)
    shape = net.input_shape
    if values.shape[values.ndim - len(shape) :] != shape or values.ndim > len(shape) + 1:
        raise ShapeError(
            f"{name} must have shape {shape}, that of one input of the network, or (M, ...) of it; got {values.shape}."
        )
    return values.reshape(-1, net.inputs)


def batches(rows: int, net: Network, per_row: int = 1) -> Iterator[slice]:
    """Consecutive ranges of rows that are handled at once; each row counts ``per_row`` times."""
    return ranges(rows, per_row * max(node.size for node in net.nodes), _BATCH_ENTRIES)
