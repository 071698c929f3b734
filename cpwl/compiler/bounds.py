"""A network evaluated in plain float64, with a bound on the rounding error of that and of every similar evaluation.

The bound holds for every float64 evaluation of the same functions in which a sum of n products is formed in any order,
with at most ``EXTRA`` further roundings an operator (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed.,
section 3.1: such a sum is off by at most gamma_n times the sum of the absolute values, gamma_n = n u / (1 - n u)).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..network import Dense, Gather, Max, Network, Node, Piecewise, Scale, Sum

UNIT = 2.0**-53
SMALLEST = 2.0**-1074
# Roundings of an operator beyond those of its sum: batch norm, the longest, takes four for its scale and four to apply
# it, where the network's own scale is rounded once; a constant computed in two ways may differ by some more.
EXTRA = 16
# The bound is itself computed with rounding, of relative size at most that of a sum of 2^20 terms.
ROUND_UP = 1 + 2.0**-32


@dataclass(frozen=True, eq=False)
class Bounded:
    """Values (S, *shape) of S samples; any admissible evaluation is within ``error`` of the exact function's values."""

    value: NDArray[np.float64]
    error: NDArray[np.float64]

    @property
    def magnitude(self) -> NDArray[np.float64]:
        """An upper bound on the absolute value that any admissible evaluation computes."""
        return np.asarray(np.abs(self.value) + 2 * self.error)


def evaluate(network: Network, points: NDArray[np.float64]) -> list[Bounded]:
    """The values of all nodes at points (S, *input_shape), with their bounds."""
    results = [Bounded(points.reshape(-1, *network.input_shape), np.zeros((len(points), *network.input_shape)))]
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for node in network.nodes[1:]:
            results.append(_RULES[type(node.op)](node, node.op, [results[j] for j in node.inputs]))
    return results


def _rounded(value: Any, carried: Any, absolute: Any, terms: int) -> Bounded:
    """An operator's value: the error carried from its inputs, and that of ``terms`` terms of the given absolute sum."""
    n = terms + EXTRA
    gamma = n * UNIT / (1 - n * UNIT)
    return Bounded(value, (carried + gamma * absolute + n * SMALLEST) * ROUND_UP)


def _dense(node: Node, op: Dense, inputs: Sequence[Bounded]) -> Bounded:
    (x,) = inputs
    weight = np.abs(op.weight).T
    absolute = x.magnitude @ weight + np.abs(op.bias)
    return _rounded(x.value @ op.weight.T + op.bias, x.error @ weight, absolute, len(weight) + 1)


def _scale(node: Node, op: Scale, inputs: Sequence[Bounded]) -> Bounded:
    (x,) = inputs
    factor = np.abs(op.factor)
    return _rounded(op.factor * x.value + op.shift, factor * x.error, factor * x.magnitude + np.abs(op.shift), 2)


def _sum(node: Node, op: Sum, inputs: Sequence[Bounded]) -> Bounded:
    pairs = list(zip(op.coefficients, inputs, strict=True))
    carried = sum(abs(c) * x.error for c, x in pairs)
    absolute = sum(abs(c) * x.magnitude for c, x in pairs)
    return _rounded(sum(c * x.value for c, x in pairs), carried, absolute, len(pairs))


def _gather(node: Node, op: Gather, inputs: Sequence[Bounded]) -> Bounded:
    values = np.concatenate([x.value.reshape(len(x.value), -1) for x in inputs], axis=1)
    errors = np.concatenate([x.error.reshape(len(x.error), -1) for x in inputs], axis=1)
    return Bounded(values[:, op.index], errors[:, op.index])


def _piecewise(node: Node, op: Piecewise, inputs: Sequence[Bounded]) -> Bounded:
    """The value at the first breakpoint and, piece by piece, slope times the part of the way that lies in the piece."""
    (x,) = inputs
    first, ends = op.breakpoints[0], [*op.breakpoints[1:], np.inf]
    inner = (np.clip(x.value, low, high) - low for low, high in zip(op.breakpoints, ends, strict=True))
    ways = [np.minimum(x.value - first, 0.0), *inner]
    steepest = np.abs(op.slopes).max(axis=0)
    value = op.value + sum(slope * way for slope, way in zip(op.slopes, ways, strict=True))
    absolute = abs(op.value) + steepest * (x.magnitude + abs(first))
    return _rounded(value, steepest * x.error, absolute, len(op.slopes) + 1)


def _max(node: Node, op: Max, inputs: Sequence[Bounded]) -> Bounded:
    (x,) = inputs
    return Bounded(x.value.max(axis=-1), x.error.max(axis=-1))


_RULES: dict[type, Callable[[Node, Any, Sequence[Bounded]], Bounded]] = {
    Dense: _dense,
    Scale: _scale,
    Sum: _sum,
    Gather: _gather,
    Piecewise: _piecewise,
    Max: _max,
}
