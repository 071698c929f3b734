"""Local affine maps of a network at many points at once, and the dual points of a partition's regions.

The objects are those of Sattelberg, Cavalieri, Kirby, Peterson and Beveridge, "Locally linear attributes of ReLU neural
networks" (Frontiers in Artificial Intelligence 6, 2023): to every input x belong W and b with f(y) = W y + b around x.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import backends
from ..errors import ArgumentError, NumericalRangeError
from ..fields.arithmetic import Arithmetic, Forward, evaluate, unrolled
from ..fields.pattern_constraints import constraints, pieces_at
from ..local.evaluate import batches, check_compiled, input_rows
from ..local.local_map import LIMIT
from ..network.adjoint import adjoint
from ..network.network import Network, Node
from ..network.operators import Max, Piecewise, Scale
from ..partitions.partition import Partition
from ..regions.merged import Merged
from ..runtime.ieee import ieee
from ..runtime.inputs import optional, whole

Bits = NDArray[np.bool_]
Pieces = dict[int, NDArray[np.int64]]

_NUMBER = 8


@ieee
@dataclass(frozen=True, eq=False)
class LocalMaps:
    """The affine maps f(y) = W y + b around M points, one for each: that of the point's activation pattern.

    float64, or Fractions from the exact backend. At a point on the boundary of regions the pattern is the canonical one
    of ``cpwl.local_map``; such points are in ``undecided``.
    """

    points: NDArray[Any]
    """The points as rows (M, n)."""
    weight: NDArray[Any]
    """W of each point, the Jacobian (M, m, n)."""
    bias: NDArray[Any]
    """b of each point (M, m)."""
    values: NDArray[Any]
    """f at each point (M, m)."""
    undecided: Bits
    """Points at which some unit is at its breakpoint or, from the torch backend, within its error bound of one, bool
    (M,): the point lies on the boundary of regions, or too near to one to tell, and another map may be the right one.
    Everywhere else the pattern is that of exact arithmetic (proofs/, Lemma 5)."""

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        _, m, n = self.weight.shape
        return f"<LocalMaps: {len(self)} maps {n} -> {m}, {int(self.undecided.sum())} undecided>"

    def take(self, rows: NDArray[np.int64] | Bits) -> LocalMaps:
        """The maps of some of the points: indices or a mask."""
        chosen = np.arange(len(self))[rows]
        return LocalMaps(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    @property
    def classes(self) -> NDArray[np.int64]:
        """The largest output at each point, the lowest where several are, int64 (M,)."""
        return np.asarray(self.values.argmax(axis=1), np.int64)

    @property
    def flat(self) -> NDArray[np.float64]:
        """Each map as one vector, the rows of [W | b] one after the other, float64 (M, m (n + 1))."""
        table = np.concatenate([self.weight, self.bias[:, :, None]], axis=2)
        return np.asarray(table, np.float64).reshape(len(self), -1)


def decided_by(flat: NDArray[np.float64], points: NDArray[Any]) -> NDArray[np.int64]:
    """The class that each map, as a row of ``LocalMaps.flat`` (M, m (n + 1)), gives its point of (M, n); int64 (M,)."""
    x = np.asarray(points, np.float64)
    table = flat.reshape(len(x), -1, x.shape[1] + 1)
    values = np.einsum("imn,in->im", table[:, :, :-1], x) + table[:, :, -1]
    return np.asarray(values.argmax(axis=1), np.int64)


@ieee
def local_maps(
    net: Network, points: ArrayLike, *, backend: str = "torch", device: str | None = None, limit: int = LIMIT
) -> LocalMaps:
    """The affine maps of ``net`` around points (M, *net.input_shape), many in one pass.

    As ``cpwl.local_map`` for each point, without its region. A pass forward finds the patterns, a pass backward for
    each output the rows of W, and one more pass forward b. Raises ``ArgumentError`` when the Jacobians take more than
    ``limit`` bytes (give fewer points, or go on in parts), ``NumericalRangeError`` when a value overflows float64.
    """
    check_compiled(net)
    chosen = backends.get(backend, device)
    rows = input_rows("points", points, net, exact=chosen.exact)
    limit = whole("limit", limit, 0)
    size = len(rows) * net.outputs * net.inputs * _NUMBER
    if size > limit:
        raise ArgumentError(
            f"limit: the Jacobians would take {size:,} bytes, more than the {limit:,} allowed. Give fewer points, "
            "take one part of them after the other, or raise limit=."
        )
    arithmetic = chosen.arithmetic
    parts = [_maps(net, arithmetic, rows[part]) for part in batches(len(rows), net, net.outputs)]
    tables = [np.concatenate(columns) for columns in zip(*parts, strict=True)] if parts else _none(net, rows)
    if not chosen.exact and not all(np.isfinite(table).all() for table in tables[:3]):
        raise NumericalRangeError("the network's values or maps overflow float64 at some point. Use the exact backend.")
    return LocalMaps(rows, *tables)


@ieee
def dual_points(
    regions: Partition | Merged, *, output: int | None = None, frame: Literal["slice", "input"] = "slice"
) -> NDArray[Any]:
    """The dual point (w, b) of each region, for the affine map w · y + b of each output on it: (R, m, k + 1).

    With ``output=j`` those of one output alone, (R, k + 1). Those of ``part.merged(join="everywhere")`` are all
    different (up to rounding), those of a ``Partition`` may repeat. ``frame`` is that of ``Partition.affine_maps``:
    k = D slice coordinates, or the n inputs. float64, or Fractions from the exact backend.
    """
    if not isinstance(regions, (Partition, Merged)):
        raise ArgumentError(f"regions must be a Partition or a Merged, got {type(regions).__name__}.")
    outputs = (regions if isinstance(regions, Partition) else regions.partition).network.outputs
    output = optional(whole, "output", output, 0, outputs - 1)
    weight, bias = regions.affine_maps(frame=frame)
    points = np.concatenate([weight, bias[:, :, None]], axis=2)
    return points if output is None else points[:, output]


# ---- one batch -----------------------------------------------------------------------------------------------------
def _none(net: Network, rows: NDArray[Any]) -> list[NDArray[Any]]:
    shapes = (0, net.outputs, net.inputs), (0, net.outputs), (0, net.outputs)
    return [*(np.zeros(shape, rows.dtype) for shape in shapes), np.zeros(0, np.bool_)]


def _maps(net: Network, arithmetic: Arithmetic[Any], rows: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Weights, biases, values and the undecided of some points."""
    read = _Patterns(net, arithmetic, rows)
    weight = np.stack(list(_rows_of_jacobians(read, arithmetic, len(rows))), axis=1)
    origin = arithmetic.points(np.zeros(rows.shape), error=np.full(len(rows), np.inf))
    bias = evaluate(read.network, arithmetic, origin, read.pieces.__getitem__).to_numpy()
    return weight, bias, read.values, read.undecided


def _rows_of_jacobians(read: _Patterns, arithmetic: Arithmetic[Any], count: int) -> Iterator[NDArray[Any]]:
    """Of each output in turn its gradients at all points (count, n), by one pass backward."""
    transposed = adjoint(read.network)
    for j in range(read.network.outputs):
        covectors = np.zeros((count, read.network.outputs))
        covectors[:, j] = 1
        field = arithmetic.tangents(covectors, error=np.full(count, np.inf))
        pulled = evaluate(
            transposed.network, arithmetic, field, lambda i: transposed.pieces(i, read.pieces.__getitem__)
        )
        yield pulled.to_numpy()


class _Patterns:
    """One pass forward at some points: their patterns, and where one of them is open."""

    def __init__(self, network: Network, arithmetic: Arithmetic[Any], rows: NDArray[Any]) -> None:
        self.network = network
        self.pieces: Pieces = {}
        self._arithmetic = arithmetic
        self.undecided = np.zeros(len(rows), np.bool_)
        forward = Forward(network, arithmetic, arithmetic.points(rows))
        for stage in forward:
            self._read(stage.index, stage.argument)
        self.values: NDArray[Any] = forward.output.to_numpy()

    def _read(self, i: int, argument: Any) -> None:
        nodes = list(self.network.nodes)
        nodes[i] = node = unrolled(nodes[i], argument, further=1)
        self.network = replace(self.network, nodes=tuple(nodes))
        self.pieces[i] = pieces_at(node, argument.to_numpy())
        self.undecided |= self._at_levels(node, argument) if isinstance(node.op, Piecewise) else self._tied(i, argument)

    def _at_levels(self, node: Node, argument: Any) -> Bits:
        """Points at which an argument may be at a breakpoint."""
        assert isinstance(node.op, Piecewise)
        at_level = np.zeros(argument.rows, np.bool_)
        for level in node.op.breakpoints.tolist():
            shift = Node(Scale(np.ones(()), np.array(-level)), (0,), node.shape, "level")
            at_level |= (self._arithmetic.linear(shift, [argument]).signs() == 0).any(axis=1)
        return at_level

    def _tied(self, i: int, argument: Any) -> Bits:
        """Points at which the winner of a maximum may be another one; ties that hold on all of the region are none."""
        assert isinstance(self.network.nodes[i].op, Max)
        return np.array([self._tied_at(i, argument, row) for row in range(argument.rows)], np.bool_)

    def _tied_at(self, i: int, argument: Any, row: int) -> bool:
        node_constraints = constraints(self.network, i, lambda j: self.pieces[j][row])
        own = self._arithmetic.take(argument, np.array([row]))
        return bool((node_constraints.of(self._arithmetic, own).signs() == 0).any())
