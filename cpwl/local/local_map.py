"""The affine map of a network around one point, and the region on which it holds: also where no partition fits.

Everything is computed on the activation pattern of the point: values and Jacobian-vector products by one pass forward,
rows of the Jacobian by one pass backward (``adjoint``), the region as the halfspaces of ``slack``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import backends
from ..errors import ArgumentError, BackendError, NumericalRangeError, ShapeError
from ..fields.arithmetic import Arithmetic, Forward, evaluate, unrolled
from ..fields.pattern_constraints import Constraints, constraints, pieces_at
from ..geometry.domain import Domain
from ..geometry.halfspaces import Halfspaces
from ..network.adjoint import Adjoint, adjoint
from ..network.network import Network
from ..runtime.ieee import ieee
from ..runtime.inputs import finite, instance, real, whole
from .evaluate import batches, check_compiled, input_rows

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

LIMIT = 1 << 30
"""Bytes that a matrix may take when nothing else is asked for."""

_NUMBER = 8


class Membership(NamedTuple):
    """Which of M points lie in a region."""

    inside: NDArray[np.bool_]
    """Points that certainly do, bool (M,)."""
    undecided: NDArray[np.bool_]
    """Points that do or do not: float64 leaves it open, bool (M,). Never set by the exact backend."""


@ieee
@dataclass(frozen=True, eq=False)
class LocalMap:
    """The affine map f(y) = W y + b of one activation pattern: that of the point ``x``.

    On the boundary of regions the pattern is the canonical one: at a breakpoint the piece to the right, among equal
    arguments of a maximum the lowest index. f(x) = W x + b holds there as well, but f has no derivative at x, and the
    pattern may be that of no region (its polyhedron has no interior). See ``undecided``.
    """

    network: Network
    """The network, each periodic activation replaced by the ``Piecewise`` of the periods around x."""
    x: NDArray[Any]
    """The point, of the shape of an input."""
    value: NDArray[Any]
    """f(x), of the shape of an output."""
    pattern: NDArray[np.int16]
    """The linear piece of each unit (units,), numbered as in ``Partition.patterns``; int32 if a maximum needs it."""
    margins: NDArray[Any]
    """How far each unit's argument at x is from the nearest end of its piece, (units,); of a maximum: how far the
    largest argument is ahead of the others. Infinite where there is no end."""
    undecided: NDArray[np.int64]
    """Units whose margin is zero, or within the error bound of float64, so that another piece may be the right one."""
    arithmetic: Arithmetic[Any]
    backend: str

    def __repr__(self) -> str:
        n, m = self.network.inputs, self.network.outputs
        return f"<LocalMap: {n} -> {m}, {len(self.pattern)} units, {len(self.undecided)} undecided, {self.backend}>"

    # ---- the map ---------------------------------------------------------------------------------------------------
    @cached_property
    def bias(self) -> NDArray[Any]:
        """b, (m,): the value of the affine map at the origin of the input space."""
        origin = self.arithmetic.points(np.zeros((1, self.network.inputs)), error=np.full(1, np.inf))
        return np.asarray(self._forward(origin)[0])

    @property
    def weight(self) -> NDArray[Any]:
        """W, the Jacobian (m, n); see ``jacobian``."""
        return self.jacobian()

    def jacobian(self, *, limit: int = LIMIT) -> NDArray[Any]:
        """W (m, n), row by row (or column by column where there are fewer).

        Raises ``ArgumentError`` when it takes more than ``limit`` bytes.
        """
        n, m = self.network.inputs, self.network.outputs
        _check_size("the Jacobian", m * n, limit, "Use row(j), matvec, rmatvec or operator, or raise limit=.")
        pull, size = (self._backward, m) if m <= n else (self._tangent, n)
        parts = [pull(_units(part, size)) for part in batches(size, self.network)]
        matrix = np.concatenate(parts)
        return matrix if m <= n else matrix.T

    def row(self, j: int) -> NDArray[Any]:
        """Row j of W, (n,): the gradient of output j."""
        j = whole("j", j, 0, self.network.outputs - 1)
        return np.asarray(self._backward(_units(slice(j, j + 1), self.network.outputs))[0])

    def matvec(self, v: ArrayLike) -> NDArray[Any]:
        """W v, (m,), for v of shape (n,) or of the shape of an input."""
        return np.asarray(self._tangent(self._vector("v", v, self.network.input_shape))[0])

    def rmatvec(self, w: ArrayLike) -> NDArray[Any]:
        """Wᵀ w, (n,), for w of shape (m,) or of the shape of an output."""
        return np.asarray(self._backward(self._vector("w", w, self.network.output_shape))[0])

    @property
    def operator(self) -> LinearOperator:
        """W as a ``scipy.sparse.linalg.LinearOperator``, float64; it is never formed."""
        from scipy.sparse.linalg import LinearOperator

        if backends.get(self.backend).exact:
            raise BackendError("operator is in float64: use backend='torch', or matvec and rmatvec.")
        shape = (self.network.outputs, self.network.inputs)
        return LinearOperator(shape, matvec=self.matvec, rmatvec=self.rmatvec, dtype=np.dtype(np.float64))

    # ---- the region ------------------------------------------------------------------------------------------------
    def contains(self, points: ArrayLike) -> Membership:
        """Which of the points (M, *net.input_shape) lie in the closed region of the pattern."""
        rows = input_rows("points", points, self.network, exact=backends.get(self.backend).exact)
        by_batch = [self._membership(rows[part]) for part in batches(len(rows), self.network)]
        empty = np.zeros(0, np.bool_)
        inside, undecided = (
            (np.concatenate([empty, *parts]) for parts in zip(*by_batch, strict=True)) if by_batch else (empty, empty)
        )
        return Membership(inside, undecided)

    def halfspaces(self, domain: Domain | None = None, *, limit: int = LIMIT) -> Halfspaces:
        """The region of the pattern as halfspaces normal . y + offset >= 0: one or two a unit, k - 1 a maximum.

        y is the (flattened) input or, on a domain, its slice coordinate. Exact from the exact backend, otherwise with
        bounds on the errors on the domain. ``irredundant`` of the result leaves out what is not needed. Raises
        ``ArgumentError`` when the rows take more than ``limit`` bytes.
        """
        if domain is not None:
            instance("domain", domain, Domain).check_input(self.network.input_shape)
        dim = self.network.inputs if domain is None else domain.dim
        count = sum(len(self._constraints(i).units) for i in self.network.nonlinear)
        _check_size("the halfspaces", count * (dim + 1), limit, "Give a domain (a 2-D slice), or raise limit=.")
        return self._restricted(domain, count, dim)

    # ---- private ---------------------------------------------------------------------------------------------------
    def _pieces(self, i: int) -> NDArray[np.int64]:
        return self.pattern[self.network.unit_columns[i]].astype(np.int64)

    def _constraints(self, i: int) -> Constraints:
        return constraints(self.network, i, self._pieces)

    @cached_property
    def _adjoint(self) -> Adjoint:
        return adjoint(self.network)

    def _repeated(self, rows: int) -> Callable[[int], NDArray[np.int64]]:
        return lambda i: np.tile(self._pieces(i), (rows, 1))

    def _forward(self, field: Any) -> NDArray[Any]:
        return np.asarray(evaluate(self.network, self.arithmetic, field, self._repeated(field.rows)).to_numpy())

    def _tangent(self, directions: NDArray[Any]) -> NDArray[Any]:
        return self._forward(self.arithmetic.tangents(directions, error=np.full(len(directions), np.inf)))

    def _backward(self, covectors: NDArray[Any]) -> NDArray[Any]:
        pieces, transposed = self._repeated(len(covectors)), self._adjoint
        field = self.arithmetic.tangents(covectors, error=np.full(len(covectors), np.inf))
        result = evaluate(transposed.network, self.arithmetic, field, lambda i: transposed.pieces(i, pieces))
        return np.asarray(result.to_numpy())

    def _vector(self, name: str, values: ArrayLike, shape: tuple[int, ...]) -> NDArray[Any]:
        vector = real(name, values) if backends.get(self.backend).exact else finite(name, values)
        size = int(np.prod(shape))
        if vector.shape not in (shape, (size,), (size, 1)):
            wanted = " or ".join(dict.fromkeys(map(str, ((size,), shape))))
            raise ShapeError(f"{name} must have shape {wanted}, got {vector.shape}.")
        return vector.reshape(1, -1)

    def _membership(self, rows: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        outside, doubtful = np.zeros((2, len(rows)), np.bool_)
        for stage in Forward(self.network, self.arithmetic, self.arithmetic.points(rows)):
            signs = self._constraints(stage.index).of(self.arithmetic, stage.argument).signs()
            outside |= (signs < 0).any(axis=1)
            doubtful |= (signs == 0).any(axis=1)
        if backends.get(self.backend).exact:
            return ~outside, np.zeros_like(outside)
        return ~outside & ~doubtful, doubtful & ~outside

    def _restricted(self, domain: Domain | None, count: int, dim: int) -> Halfspaces:
        """One pass of the origin and the basis vectors: their slacks are offsets and normals."""
        n = self.network.inputs
        origin, basis = (np.zeros(n), np.eye(n)) if domain is None else (domain.origin, domain.basis)
        polytope = None if domain is None else domain.polytope
        reach = np.full(dim, np.inf) if polytope is None else np.abs(polytope.vertices).max(axis=0)
        table = np.empty((count, dim + 1), object if backends.get(self.backend).exact else np.float64)
        units, errors = np.empty(count, np.int64), np.empty(count)
        start = 0
        for i, node_constraints, rows in self._affine_slacks(origin, basis):
            part = slice(start, start + len(node_constraints.units))
            table[part] = rows.to_numpy().T
            units[part] = node_constraints.units + self.network.unit_columns[i].start
            errors[part] = _reached(rows.limits(), reach)
            start = part.stop
        return Halfspaces(table[:, 1:], table[:, 0], units, errors, polytope)

    def _affine_slacks(
        self, origin: NDArray[np.float64], basis: NDArray[np.float64]
    ) -> Iterator[tuple[int, Constraints, Any]]:
        start = self.arithmetic.stack([self.arithmetic.points(origin[None]), self.arithmetic.tangents(basis.T)])
        for stage in Forward(self.network, self.arithmetic, start, self._repeated(start.rows)):
            node_constraints = self._constraints(stage.index)
            yield stage.index, node_constraints, node_constraints.of(self.arithmetic, stage.argument)


@ieee
def local_map(net: Network, x: ArrayLike, *, backend: str = "torch", device: str | None = None) -> LocalMap:
    """The affine map of ``net`` around the point ``x`` (of shape ``net.input_shape``), its pattern and its region.

    Takes the memory of some activations: networks of any size. ``backend="torch"`` computes in float64 on ``device``;
    ``backend="exact"`` in rationals, for networks of a few thousand weights.
    """
    check_compiled(net)
    chosen = backends.get(backend, device)
    given = real("x", x)
    if given.shape != net.input_shape:
        raise ShapeError(f"x must have shape {net.input_shape}, that of one input of the network, got {given.shape}.")
    point = input_rows("x", given, net, exact=chosen.exact)
    arithmetic = chosen.arithmetic
    read = _Reading(net, arithmetic, point)
    if not chosen.exact and not np.isfinite(read.value).all():
        raise NumericalRangeError("the network's outputs overflow float64 at x. Use the exact backend.")
    value = read.value.reshape(net.output_shape)
    place = point.reshape(net.input_shape)
    return LocalMap(read.network, place, value, read.pattern, read.margins, read.undecided, arithmetic, backend)


class _Reading:
    """One pass forward at a point, with what each nonlinear node says."""

    def __init__(self, network: Network, arithmetic: Arithmetic[Any], x: NDArray[Any]) -> None:
        self.network = network
        self._arithmetic = arithmetic
        self._found: dict[int, NDArray[np.int64]] = {}
        self._margins: list[NDArray[Any]] = [np.zeros(0)]
        self._undecided: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        columns = network.unit_columns
        forward = Forward(network, arithmetic, arithmetic.points(x))
        for stage in forward:
            self._read(stage.index, stage.argument, columns[stage.index].start)
        self.value = np.asarray(forward.output.to_numpy()[0])
        pattern = np.concatenate([np.zeros(0, np.int64), *self._found.values()])
        self.pattern: NDArray[Any] = pattern.astype(np.int16 if pattern.max(initial=0) < 1 << 15 else np.int32)
        self.margins = np.concatenate(self._margins)
        self.undecided = np.concatenate(self._undecided)

    def _read(self, i: int, argument: Any, start: int) -> None:
        nodes = list(self.network.nodes)
        nodes[i] = unrolled(nodes[i], argument, further=1)
        self.network = Network(tuple(nodes))
        self._found[i] = pieces_at(nodes[i], argument.to_numpy())[0]
        node_constraints = constraints(self.network, i, self._found.__getitem__)
        field = node_constraints.of(self._arithmetic, argument)
        values, open_ = field.to_numpy()[0], field.signs()[0] == 0
        margins = np.full(nodes[i].size, np.inf, values.dtype)
        np.minimum.at(margins, node_constraints.units, values)
        self._margins.append(margins)
        self._undecided.append(np.unique(node_constraints.units[open_]) + start)


def _units(part: slice, size: int) -> NDArray[np.float64]:
    """The unit vectors with the numbers of a range, (n, size)."""
    vectors = np.zeros((part.stop - part.start, size))
    np.fill_diagonal(vectors[:, part.start :], 1.0)
    return vectors


def _reached(limits: NDArray[np.float64], reach: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bounds on the errors of offset + normal . y for |y_d| <= reach_d, from those of offset and normals (1 + D, S)."""
    if not limits.any():
        return np.zeros(limits.shape[1])
    if not np.isfinite(reach).all():
        return np.full(limits.shape[1], np.inf)
    return np.asarray((limits[0] + reach @ limits[1:]) * (1 + 2.0**-20))


def _check_size(what: str, numbers: int, limit: int, advice: str) -> None:
    limit = whole("limit", limit, 0)
    if numbers * _NUMBER > limit:
        raise ArgumentError(
            f"limit: {what} would take {numbers * _NUMBER:,} bytes, more than the {limit:,} allowed. {advice}"
        )
