"""Piecewise-linear activations for torch models: any continuous function of one variable, waves, positional encoding.

Each module is one operator of torch, in the namespace ``cpwl``: it can be trained through, exported and compiled. The
numbers that define a function are Python floats, whatever the type of the tensors, and mean exactly their float64
values; a result is computed in float64 and rounded to the type of the argument. At a breakpoint the derivative is that
of the piece to the right. Import this module to load exported programs that use it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import cos, isfinite, pi, sin
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .errors import ArgumentError
from .network.check import check_network
from .network.network import Network, Node
from .network.operators import Input
from .network.operators import Periodic as PeriodicOp
from .network.operators import Piecewise as PiecewiseOp

_GRID = 2.0**40
"""Values of the piecewise-linear sine are multiples of 1 / _GRID: then its slopes are exact, and a period closes."""


@torch.library.custom_op(
    "cpwl::piecewise_linear",
    mutates_args=(),
    schema="(Tensor x, float[] breakpoints, float[] slopes, float value) -> Tensor",
)
def _piecewise_linear(x: Tensor, breakpoints: Sequence[float], slopes: Sequence[float], value: float) -> Tensor:
    wide = x.to(torch.float64)
    starts, values = _anchors(tuple(breakpoints), tuple(slopes), value)
    start, height, slope = (torch.tensor(row, dtype=wide.dtype, device=x.device) for row in (starts, values, slopes))
    piece = _piece(wide, breakpoints)
    return (height[piece] + slope[piece] * (wide - start[piece])).to(x.dtype)


@torch.library.custom_op(
    "cpwl::periodic",
    mutates_args=(),
    schema="(Tensor x, float period, float[] breakpoints, float[] slopes, float value) -> Tensor",
)
def _periodic(x: Tensor, period: float, breakpoints: Sequence[float], slopes: Sequence[float], value: float) -> Tensor:
    reduced = _reduced(x, period, breakpoints)
    # What rounding leaves just below the first breakpoint belongs to the last piece.
    result: Tensor = _piecewise_linear(reduced, breakpoints, [slopes[-1], *slopes], value)
    return result.to(x.dtype)


@lru_cache(maxsize=256)
def _anchors(
    breakpoints: tuple[float, ...], slopes: tuple[float, ...], value: float
) -> tuple[list[float], list[float]]:
    """A point on every piece and the function's value there, rounded once."""
    points = [Fraction(b) for b in breakpoints]
    values = [Fraction(value)]
    for k in range(1, len(points)):
        values.append(values[-1] + Fraction(slopes[k]) * (points[k] - points[k - 1]))
    return [breakpoints[0], *breakpoints], [float(v) for v in (values[0], *values)]


def _piece(x: Tensor, breakpoints: Sequence[float]) -> Tensor:
    """The number of breakpoints at or below x (float64)."""
    return torch.bucketize(x, torch.tensor(breakpoints, dtype=torch.float64, device=x.device), right=True)


def _reduced(x: Tensor, period: float, breakpoints: Sequence[float]) -> Tensor:
    """x, less whole periods, in the period that begins at the first breakpoint, in float64."""
    wide = x.to(torch.float64)
    return wide - period * ((wide - breakpoints[0]) / period).floor()


@_piecewise_linear.register_fake
def _(x: Tensor, breakpoints: Sequence[float], slopes: Sequence[float], value: float) -> Tensor:
    return torch.empty_like(x)


@_periodic.register_fake
def _(x: Tensor, period: float, breakpoints: Sequence[float], slopes: Sequence[float], value: float) -> Tensor:
    return torch.empty_like(x)


def _keep_linear(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, breakpoints, slopes, _ = inputs
    _keep_slopes(ctx, x.to(torch.float64), breakpoints, slopes)


def _keep_periodic(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, period, breakpoints, slopes, _ = inputs
    _keep_slopes(ctx, _reduced(x, period, breakpoints), breakpoints, [slopes[-1], *slopes])


def _keep_slopes(ctx: Any, x: Tensor, breakpoints: Sequence[float], slopes: Sequence[float]) -> None:
    slope = torch.tensor(slopes, dtype=torch.float64, device=x.device)
    ctx.save_for_backward(slope[_piece(x, breakpoints)])


def _gradient(arguments: int) -> Callable[..., tuple[Tensor | None, ...]]:
    """The backward pass: the first argument's gradient is the slope of its piece, the others have none."""

    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return (gradient * slope.to(gradient.dtype), *[None] * (arguments - 1))

    return backward


_piecewise_linear.register_autograd(_gradient(4), setup_context=_keep_linear)
_periodic.register_autograd(_gradient(5), setup_context=_keep_periodic)


class PiecewiseLinear(nn.Module):
    """The continuous piecewise-linear function with given ``breakpoints`` and ``slopes``, entry by entry.

    ``breakpoints``: one or more, strictly increasing. ``slopes``: one more; slope k holds between breakpoints k - 1 and
    k. ``value`` is the function's value at the first breakpoint. ``PiecewiseLinear([0.0], [0.0, 1.0])`` is ReLU.
    Raises ``ArgumentError`` or ``ShapeError``.
    """

    def __init__(self, breakpoints: Sequence[float], slopes: Sequence[float], value: float = 0.0) -> None:
        super().__init__()
        self.breakpoints, self.slopes, self.value = _floats(breakpoints), _floats(slopes), float(value)
        _check(PiecewiseOp(np.array(self.breakpoints), np.array(self.slopes), self.value), "PiecewiseLinear")

    def forward(self, x: Tensor) -> Tensor:
        """The function of every entry of x."""
        result: Tensor = _piecewise_linear(x, self.breakpoints, self.slopes, self.value)
        return result

    def extra_repr(self) -> str:
        return f"{self.breakpoints}, {self.slopes}, value={self.value}"


class Periodic(nn.Module):
    """The continuous periodic piecewise-linear function with given breakpoints and slopes, entry by entry.

    ``breakpoints``: those of one period, strictly increasing, the last less than a period after the first. ``slopes``:
    as many; slope k holds from breakpoint k to the next one. ``value`` is the function's value at the first breakpoint.
    Over a period the function must return exactly to this value, and when a model is compiled and partitioned its
    breakpoints must be float64 numbers in every period that the domain reaches: choose multiples of a power of two (put
    a frequency into a factor before this module). Raises ``ArgumentError`` or ``ShapeError``.
    """

    def __init__(
        self, period: float, breakpoints: Sequence[float], slopes: Sequence[float], value: float = 0.0
    ) -> None:
        super().__init__()
        self.period, self.value = float(period), float(value)
        self.breakpoints, self.slopes = _floats(breakpoints), _floats(slopes)
        op = PeriodicOp(self.period, np.array(self.breakpoints), np.array(self.slopes), self.value)
        _check(op, "Periodic")

    def forward(self, x: Tensor) -> Tensor:
        """The function of every entry of x."""
        result: Tensor = _periodic(x, self.period, self.breakpoints, self.slopes, self.value)
        return result

    def extra_repr(self) -> str:
        return f"{self.period}, {self.breakpoints}, {self.slopes}, value={self.value}"


class TriangleWave(Periodic):
    """The distance to the nearest multiple of ``period``: slopes 1 and -1, values from 0 to period / 2."""

    def __init__(self, period: float = 2.0) -> None:
        super().__init__(period, [0.0, float(period) / 2], [1.0, -1.0])


class _Wave(nn.Module):
    """A sine or cosine, replaced by its piecewise-linear interpolation."""

    def __init__(self, function: Callable[[float], float], frequency: float, pieces: int) -> None:
        super().__init__()
        if not isinstance(pieces, int) or pieces < 3:
            raise ArgumentError(f"pieces must be an integer of at least 3, got {pieces!r}.")
        self.factor = pieces * _frequency(frequency)
        self.wave = _interpolation(function, pieces)

    def forward(self, x: Tensor) -> Tensor:
        """The function of every entry of x."""
        result: Tensor = self.wave(x * self.factor)
        return result


class Sine(_Wave):
    """sin(2 pi frequency x), approximated by ``pieces`` linear pieces a period.

    It is exactly S(factor * x), where ``factor`` is the float64 number nearest to pieces * frequency, and S is the
    function of period ``pieces`` that is linear between the integers and has, at each integer k, the value
    sin(2 pi k / pieces) rounded to a multiple of 2^-40. It is off by less than 5 / pieces^2.
    """

    def __init__(self, frequency: float = 1.0, *, pieces: int = 5) -> None:
        super().__init__(sin, frequency, pieces)


class Cosine(_Wave):
    """cos(2 pi frequency x), approximated by ``pieces`` linear pieces a period: as ``Sine``, with cos for sin."""

    def __init__(self, frequency: float = 1.0, *, pieces: int = 5) -> None:
        super().__init__(cos, frequency, pieces)


class PositionalEncoding(nn.Module):
    """x (..., inputs) -> (x, sin(2 pi f_1 x), cos(2 pi f_1 x), sin(2 pi f_2 x), ...) of shape (..., outputs).

    Sines and cosines are those of ``Sine`` and ``Cosine``, by default of 5 pieces a period (as in Humayun et al.,
    "SplineCam", CVPR 2023). The factors pieces * f are a buffer of the module, and mean exactly the numbers stored
    there: in float32, float32 numbers. ``outputs`` is inputs * (2 F + 1), or inputs * 2 F without the input itself.
    """

    factors: Tensor

    def __init__(
        self, inputs: int, frequencies: Sequence[float], *, pieces: int = 5, include_input: bool = True
    ) -> None:
        super().__init__()
        self.include_input = include_input
        self.outputs = inputs * (2 * len(frequencies) + include_input)
        self.sine, self.cosine = Sine(pieces=pieces).wave, Cosine(pieces=pieces).wave
        factors = [pieces * _frequency(frequency) for frequency in frequencies]
        self.register_buffer("factors", torch.tensor(factors).unsqueeze(-1))

    def forward(self, x: Tensor) -> Tensor:
        """The encoding of every point."""
        scaled = x.unsqueeze(-2) * self.factors
        waves = torch.stack([self.sine(scaled), self.cosine(scaled)], dim=-2).flatten(-3)
        return torch.cat([x, waves], dim=-1) if self.include_input else waves


def _floats(numbers: Sequence[float]) -> list[float]:
    return [float(number) for number in numbers]


def _frequency(frequency: float) -> float:
    if not isfinite(frequency) or frequency <= 0:
        raise ArgumentError(f"frequency must be a positive number, got {frequency!r}.")
    return float(frequency)


def _interpolation(function: Callable[[float], float], pieces: int) -> Periodic:
    values = [round(function(2 * pi * k / pieces) * _GRID) / _GRID for k in range(pieces)]
    slopes = [after - before for before, after in zip(values, [*values[1:], values[0]], strict=True)]
    return Periodic(pieces, [float(k) for k in range(pieces)], slopes, values[0])


def _check(op: PiecewiseOp | PeriodicOp, name: str) -> None:
    check_network(Network((Node(Input(), (), (1,), "x"), Node(op, (0,), (1,), name))))
