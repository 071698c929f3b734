"""One box of a specification as what is computed with: a network of its constraints, on a box with float64 corners.

Bounds are decimals, and constraints have rational factors; a network has float64 numbers. So inputs are x = lo + (hi -
lo) u, exactly, in slice coordinates u in [0, 1] wherever a bound is no float64 number, and each constraint is
multiplied by a positive number. A network's last affine layers and the constraints become one layer: bounds on its
functions are tighter than sums of bounds on outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..fields.arithmetic import evaluate
from ..geometry.domain import Domain
from ..network.heads import compose
from ..network.network import Network, Node
from ..network.operators import Gather, Input
from .cases import Case, Constraint
from .rational import affine, divided, dyadic, up_to_a_factor

_FUSED = 1 << 18
"""Entries of the matrix that takes the last activations to the outputs, up to which it is multiplied out."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Whether a box of inputs holds an unsafe one."""

    original: Network
    case: Case
    varying: tuple[int, ...]
    """The inputs that are not fixed: slice coordinate i is, or is a map of, input varying[i]."""
    network: Network
    """From slice coordinates to what must be >= 0 (or > 0), up to positive factors, for each of the constraints; the
    original if it is trivial."""
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    """The corners of the box in slice coordinates (D,)."""

    @classmethod
    def of(cls, net: Network, case: Case) -> Problem:
        """The problem of a case of a specification."""
        varying = tuple(i for i, (a, b) in enumerate(zip(case.lower, case.upper, strict=True)) if a < b)
        ends = [_ends(case.lower[i], case.upper[i]) for i in varying]
        lower, upper = np.array(ends, np.float64).reshape(-1, 2).T
        problem = cls(net, case, varying, net, lower.copy(), upper.copy())
        if problem.is_trivial:
            return problem
        return replace(problem, network=_constrained(_placed(problem), case.constraints, problem))

    @property
    def is_trivial(self) -> bool:
        """Whether one input tells: nothing varies, or all inputs are unsafe if one is. Then there is no network."""
        return not self.varying or not all(self.case.unsafe)

    @property
    def dim(self) -> int:
        """The number D of inputs that vary."""
        return len(self.varying)

    @cached_property
    def domain(self) -> Domain:
        """The box."""
        return Domain.box(self.lower, self.upper)

    @cached_property
    def groups(self) -> list[NDArray[np.int64]]:
        """For each conjunction its constraints, as columns of the network's output."""
        place = {constraint: k for k, constraint in enumerate(self.case.constraints)}
        return [np.array([place[c] for c in conjunction], np.int64) for conjunction in self.case.unsafe]

    @cached_property
    def strict(self) -> NDArray[np.bool_]:
        """Which constraints are strict, (K,)."""
        return np.array([constraint.strict for constraint in self.case.constraints], np.bool_)

    @cached_property
    def embedding(self) -> tuple[list[Fraction], list[Fraction]]:
        """Of each input its constant, and its factor times the slice coordinate of its own (0 where it is fixed)."""
        constants, factors = list(self.case.lower), [Fraction(0)] * len(self.case.lower)
        for i, low, high in zip(self.varying, self.lower.tolist(), self.upper.tolist(), strict=True):
            factors[i] = (self.case.upper[i] - self.case.lower[i]) / (Fraction(high) - Fraction(low))
            constants[i] = self.case.lower[i] - factors[i] * Fraction(low)
        return constants, factors

    def to_input(self, u: Sequence[Any]) -> list[Fraction]:
        """The input, flat, at slice coordinates."""
        constants, factors = self.embedding
        x = list(constants)
        for i, coordinate in zip(self.varying, u, strict=True):
            x[i] += factors[i] * Fraction(coordinate)
        return x

    def exact_outputs(self, x: Sequence[Fraction]) -> list[Fraction]:
        """The outputs, flat, at an input, flat."""
        arithmetic = backends.get("exact").arithmetic
        rows = np.array(list(x), dtype=object)[None]
        return list(evaluate(self.original, arithmetic, arithmetic.points(rows)).to_numpy()[0])


def _ends(low: Fraction, high: Fraction) -> tuple[float, float]:
    """The range of a slice coordinate: the bounds themselves where float64 holds them, or 0 and 1."""
    try:
        ends = float(low), float(high)
    except OverflowError:
        return 0.0, 1.0
    return ends if (Fraction(ends[0]), Fraction(ends[1])) == (low, high) else (0.0, 1.0)


def _placed(problem: Problem) -> Network:
    """The network as a function of slice coordinates."""
    constants, factors = problem.embedding
    n, dim = len(constants), problem.dim
    weight = np.full((n, dim), Fraction(0), dtype=object)
    for k, i in enumerate(problem.varying):
        weight[i, k] = factors[i]
    if dim == n and all(factor == 1 for factor in factors) and not any(constants):
        return problem.original
    rows = [dyadic([*row, constant]) for row, constant in zip(weight.tolist(), constants, strict=True)]
    table = np.array([row for row, _ in rows], dtype=object)
    nodes = [Node(Input(), (), (dim,), "u")]
    nodes += affine(table[:, :-1], table[:, -1], 0, 1, "box")
    nodes += divided([divisors for _, divisors in rows], len(nodes) - 1, "box")
    return compose(Network(tuple(nodes)), problem.original)


def _constrained(net: Network, constraints: Sequence[Constraint], problem: Problem) -> Network:
    """The network, of slice coordinates, that ends with the constraints."""
    sources, weight, bias = _ending(net)
    if any(constraint.inputs for constraint in constraints) and 0 not in sources:
        sources, weight = (0, *sources), np.concatenate([np.zeros((len(bias), net.inputs), object), weight], axis=1)
    constants, factors = problem.embedding
    own = {i: k for k, i in enumerate(problem.varying)}
    rows = []
    for constraint in constraints:
        row = [*sum((a * weight[j] for j, a in constraint.outputs), np.zeros(weight.shape[1], object))]
        constant = constraint.constant + sum(a * bias[j] for j, a in constraint.outputs)
        for i, a in constraint.inputs:
            constant += a * constants[i]
            if i in own:  # the input node comes first among the sources
                row[own[i]] += a * factors[i]
        rows.append(up_to_a_factor([*map(Fraction, row), Fraction(constant)]))
    table = np.array(rows, dtype=object).reshape(len(rows), weight.shape[1] + 1)
    kept, places = _needed(net, sources)
    width = weight.shape[1]
    nodes = [*kept, Node(Gather(np.arange(width)), tuple(places[i] for i in sources), (width,), "read")]
    if len(sources) == 1 and kept[places[sources[0]]].shape == (width,):
        nodes.pop()
    source = places[sources[0]] if len(nodes) == len(kept) else len(kept)
    return Network((*nodes, *affine(table[:, :-1], table[:, -1], source, len(nodes), "constraints")))


def _ending(net: Network) -> tuple[tuple[int, ...], NDArray[Any], NDArray[Any]]:
    """Nodes that the outputs are affine functions of, and these: a matrix (m, entries of the nodes) and (m,)."""
    last = len(net.nodes) - 1
    sources, linear = _last_nonlinear(net)
    width = sum(net.nodes[i].size for i in sources)
    if width * net.outputs > _FUSED:
        return (last,), _identity(net.outputs), np.full(net.outputs, Fraction(0), dtype=object)
    arithmetic = backends.get("exact").arithmetic
    live: dict[int, Any] = {}
    start = 0
    for i in sources:
        size = net.nodes[i].size
        units = np.zeros((width, size))
        units[start : start + size] = np.eye(size)
        live[i] = arithmetic.stack([arithmetic.points(np.zeros((1, size))), arithmetic.tangents(units)])
        start += size
    for i in linear:
        live[i] = arithmetic.linear(net.nodes[i], [live[j] for j in net.nodes[i].inputs])
    table = live[last].to_numpy()
    return sources, table[1:].T, table[0]


def _last_nonlinear(net: Network) -> tuple[tuple[int, ...], list[int]]:
    """The nodes, the input or nonlinear, that the output is an affine function of, and the linear ones between."""
    sources, linear, stack = set(), set(), [len(net.nodes) - 1]
    while stack:
        i = stack.pop()
        if i == 0 or net.nodes[i].is_nonlinear:
            sources.add(i)
        elif i not in linear:
            linear.add(i)
            stack += net.nodes[i].inputs
    return tuple(sorted(sources)), sorted(linear)


def _identity(size: int) -> NDArray[Any]:
    table = np.full((size, size), Fraction(0), dtype=object)
    np.fill_diagonal(table, Fraction(1))
    return table


def _needed(net: Network, ends: Sequence[int]) -> tuple[list[Node], dict[int, int]]:
    """The nodes that some nodes are computed from, and their numbers among these."""
    needed, stack = {0}, list(ends)
    while stack:
        i = stack.pop()
        if i not in needed:
            needed.add(i)
            stack += net.nodes[i].inputs
    places = {i: k for k, i in enumerate(sorted(needed))}
    kept = [replace(net.nodes[i], inputs=tuple(places[j] for j in net.nodes[i].inputs)) for i in sorted(needed)]
    return kept, places
