"""The operators of a network, as plain data: every number in them is a float64 and stands for that rational number."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, floor, prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError
from ..runtime.ieee import ieee

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Input:
    """The network's input."""


@dataclass(frozen=True, eq=False)
class Dense:
    """x -> weight x + bias along the last axis: weight (out, in), bias (out,)."""

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Conv:
    """Cross-correlation over the last d axes (d = 1, 2, 3) of the input (*lead, C, *spatial): result (*lead, O, *out).

    weight (O, C // groups, *kernel), bias (O,); ``spatial`` is the input's spatial shape; one stride and dilation an
    axis, and zeros (before, after) each axis.
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    spatial: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1

    @property
    def channels(self) -> int:
        """The number C of input channels."""
        return int(self.weight.shape[1]) * self.groups

    def windows(self) -> NDArray[np.int64]:
        """For each place of the result the places of a channel that the kernel reads, int64 (out, taps), both as places
        in flattened arrays; -1 in the padding."""
        places = np.pad(np.arange(prod(self.spatial)).reshape(self.spatial), self.padding, constant_values=-1)
        kernel = self.weight.shape[2:]
        spans = tuple(dilation * (k - 1) + 1 for k, dilation in zip(kernel, self.dilation, strict=True))
        windows = np.lib.stride_tricks.sliding_window_view(places, spans)
        steps = tuple(slice(None, None, step) for step in (*self.stride, *self.dilation))
        return windows[steps].reshape(-1, prod(kernel))

    @property
    def output_spatial(self) -> Shape:
        """The spatial shape of the result; an axis <= 0 where the input is smaller than the kernel."""
        axes = zip(self.spatial, self.weight.shape[2:], self.stride, self.padding, self.dilation, strict=True)
        return tuple((n + sum(pad) - dilation * (k - 1) - 1) // s + 1 for n, k, s, pad, dilation in axes)

    @property
    def terms(self) -> int:
        """The number of products in one entry of the result."""
        return prod(self.weight.shape[1:])


@dataclass(frozen=True, eq=False)
class Scale:
    """x -> factor * x + shift, entry by entry; factor and shift broadcast to the shape of x."""

    factor: NDArray[np.float64]
    shift: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Divide:
    """x -> x / divisor, entry by entry: the rational quotient, not a product with a rounded 1 / divisor.

    ``divisor`` has no zeros and broadcasts to the shape of x. Means and average pools divide by numbers such as 49.
    """

    divisor: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sum:
    """x_1, x_2, ... -> sum of coefficient_i * x_i, all of one shape."""

    coefficients: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Gather:
    """Entries of the inputs (each flattened, one after the other) by index; the node's shape is the index's.

    Covers reshape, permute, slice, concatenate, stack, expand and padding. index is int64; -1 stands for an entry that
    is exactly zero.
    """

    index: NDArray[np.int64]

    @cached_property
    def is_identity(self) -> bool:
        """Whether the entries keep their order (a reshape, when the whole input is taken)."""
        return bool(np.array_equal(self.index.ravel(), np.arange(self.index.size)))


@ieee
@dataclass(frozen=True, eq=False)
class Piecewise:
    """A continuous piecewise-linear scalar function, applied to every entry (to every *unit*).

    ``breakpoints`` (P,), strictly increasing, P >= 1; ``slopes`` (P + 1, *s) with s broadcasting to the shape of the
    input (``(P + 1,)`` when all units share them); ``value`` is the function's value at the first breakpoint. Piece k
    (0 <= k <= P) lies between breakpoints k - 1 and k.
    """

    breakpoints: NDArray[np.float64]
    slopes: NDArray[np.float64]
    value: float = 0.0

    @property
    def is_relu(self) -> bool:
        """Whether the function is max(x, 0)."""
        shared = self.slopes.ndim == 1 and np.array_equal(self.slopes, [0.0, 1.0])
        return shared and self.value == 0 and np.array_equal(self.breakpoints, [0.0])

    @cached_property
    def intercepts(self) -> NDArray[Any]:
        """Piece k is x -> slopes[k] * x + intercepts[k]: exact ``Fraction`` objects of the shape of ``slopes``."""
        slopes = np.vectorize(Fraction, otypes=[object])(self.slopes)
        points = [Fraction(b) for b in self.breakpoints.tolist()]
        result = np.empty(slopes.shape, dtype=object)
        result[0] = Fraction(self.value) - slopes[0] * points[0]
        for k, point in enumerate(points):
            result[k + 1] = result[k] + (slopes[k] - slopes[k + 1]) * point
        return result


_MOST_BREAKPOINTS = 1 << 20
"""Of a periodic activation: more would be a mistake rather than a wish."""


@ieee
@dataclass(frozen=True, eq=False)
class Periodic:
    """A continuous periodic piecewise-linear scalar function, applied to every entry (to every *unit*).

    ``breakpoints`` (P,), strictly increasing within one period; ``slopes`` (P,): slope k from breakpoint k to the next
    one, the last up to the first of the next period; ``value`` is the function's value at the first breakpoint. It has
    infinitely many pieces: ``unrolled`` gives the ``Piecewise`` with those that a bounded domain reaches.
    """

    period: float
    breakpoints: NDArray[np.float64]
    slopes: NDArray[np.float64]
    value: float = 0.0

    @property
    def drift(self) -> Fraction:
        """The change of the function over one period: zero, exactly, or it is not periodic."""
        points = [Fraction(b) for b in self.breakpoints.tolist()]
        ends = [*points[1:], points[0] + Fraction(self.period)]
        widths = (end - start for start, end in zip(points, ends, strict=True))
        return sum((Fraction(s) * width for s, width in zip(self.slopes.tolist(), widths, strict=True)), Fraction(0))

    def unrolled(self, low: Fraction, high: Fraction) -> Piecewise:
        """The piecewise-linear function that equals this one on [low, high], of whole periods.

        A third of a period is added on either side, so that a range whose ends are known up to rounding gives the same
        function (ends lie on breakpoints more often than on thirds between them). Raises ``ArgumentError`` when there
        are too many pieces, or a breakpoint on the way is no float64 number.
        """
        period, start = Fraction(self.period), Fraction(float(self.breakpoints[0]))
        first = floor((low - start) / period - Fraction(1, 3))
        last = ceil((high - start) / period + Fraction(1, 3))
        if (last - first) * len(self.breakpoints) > _MOST_BREAKPOINTS:
            raise ArgumentError(
                f"a periodic activation of period {self.period} reaches {last - first} periods on its arguments from "
                f"{float(low):g} to {float(high):g}: too many pieces. Take a smaller domain."
            )
        exact = [Fraction(b) + k * period for k in range(first, last) for b in self.breakpoints.tolist()]
        points = np.array([float(b) for b in exact])
        if any(Fraction(b) != wanted for b, wanted in zip(points.tolist(), exact, strict=True)):
            raise ArgumentError(
                f"a periodic activation of period {self.period} reaches breakpoints that are no float64 numbers. Scale "
                "its argument so that the period and the breakpoints are multiples of one power of two."
            )
        slopes = np.concatenate([self.slopes[-1:], np.tile(self.slopes, last - first)])
        return Piecewise(points, slopes, self.value)


@dataclass(frozen=True, eq=False)
class Max:
    """The maximum over the last axis: input (*s, k), output (*s,). Each output is one unit with k pieces."""


LinearOp: TypeAlias = Dense | Conv | Scale | Divide | Sum | Gather
Op: TypeAlias = Input | LinearOp | Piecewise | Periodic | Max

RELU = Piecewise(np.zeros(1), np.array([0.0, 1.0]))
