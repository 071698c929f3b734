"""Networks whose numbers are short: float64 computes their functions on regions without any rounding.

Weights that are multiples of a power of two, and not many of it, as those of quantised networks, give entries that are
multiples of one too. As long as these, and all sums on the way to them, are less than 2^53 multiples, float64 holds
each exactly, in whatever order a product sums (proofs/, Lemma 14).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ...fields.predicates import Names
from ...geometry.domain import Domain
from ...geometry.separation import Separation
from ...network.network import Network, Node, table
from ...network.operators import Dense, Gather, Input, Max, Op, Piecewise, Scale, Shape, Sum
from ...numbers.integers import Integer
from ...numbers.norms import norms, spectral_bound
from .field import Row

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

_BITS = 53
"""Of a float64 number."""

_FARTHEST = 500
"""Multiples of 2^-500 to 2^500 only: far from what float64 cannot hold."""

_SHORT = 26
"""Digits of weights, beyond which products of two are hardly short."""

_FEW = 64
"""Entries of an array that are looked at first."""

_UP = 1 + 2.0**-20
"""Covers the rounding of bounds."""

_KNOWN = Input, Dense, Scale, Sum, Gather, Max, Piecewise


@dataclass(frozen=True, eq=False)
class Grain:
    """Entries of a node on all regions: multiples of 2^-``bits``, bounded by ``peak`` entry by entry, or unknown."""

    bits: int
    peak: Floats
    spectral: float
    """A bound on the spectral norm of the slopes of all entries, (n, D), on any region."""
    steepest: float
    """A bound on the norm of the slopes of each entry."""

    @property
    def fits(self) -> bool:
        """Whether float64 holds every such number, and sums of such numbers with that bound."""
        largest = float(self.peak.max(initial=0.0)) * (1 + 2.0**-20)
        return abs(self.bits) < _FARTHEST and largest < 2.0 ** min(_BITS - self.bits, 1000)


@dataclass(frozen=True, eq=False)
class ShortRows:
    """D + 1 rows for each region, the constant and the slopes of all entries, exactly."""

    values: Floats
    bits: int
    rows: int
    """D + 1."""

    def entry(self, rows: slice, entry: int) -> Row:
        """An entry on the region with those rows."""
        bits = max(self.bits, 0)
        return [Integer(int(x)) for x in (self.values[rows, entry] * 2.0**bits).tolist()], Integer(1) << bits


@dataclass(frozen=True, eq=False)
class ShortForms:
    """The functions that some stages read on some regions, and a domain's sides, side by side."""

    table: Floats
    """D + 1 rows for each region, the constant and the slopes, of all entries; whole numbers times ``unit``."""
    start: Places
    """The first entry of each stage, those of the sides last."""
    unit: Floats
    """By stage; a power of two."""
    rows: int
    """D + 1."""
    long_sides: NDArray[np.bool_]
    """Sides whose numbers are too long, which are not known."""

    @classmethod
    def of(cls, stages: Sequence[ShortRows], sides: Floats, long_sides: NDArray[np.bool_]) -> ShortForms:
        """From what the stages read, and the sides, (n, D + 1), in whole numbers."""
        count = sides.shape[1]
        parts = [stage.values.reshape(-1, count, stage.values.shape[1]) for stage in stages]
        regions = len(parts[0])
        around = np.roll(sides.T, 1, axis=0)
        parts.append(np.broadcast_to(around, (regions, *around.shape)))
        widths = [part.shape[2] for part in parts]
        table = np.concatenate(parts, axis=2).reshape(regions * count, -1)
        unit = np.array([*(2.0**-stage.bits for stage in stages), 1.0])
        return cls(table, np.cumsum([0, *widths[:-1]]), unit, count, long_sides)

    def forms(self, region: Places, names: Names) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """The functions of those names on regions, (n, D + 1): a, ..., c, up to a positive factor.

        Levels must be multiples like all the rest, and sides short: which ones are; other rows mean nothing.
        """
        start, unit = self.start[names.stage], self.unit[names.stage]
        scale = 1 / unit
        rows = (self.rows * region)[:, None] + np.array([*range(1, self.rows), 0])
        forms = (self.table[rows, (start + names.first)[:, None]] * scale[:, None]).astype(np.int64)
        minus = np.flatnonzero(names.second >= 0)
        if len(minus):
            other = self.table[rows[minus], (start + names.second)[minus, None]]
            forms[minus] -= (other * scale[minus, None]).astype(np.int64)
        levels = np.where(names.second < 0, names.level, 0.0) * scale
        held = (names.second >= 0) | (levels * unit == names.level)
        whole = held & (np.abs(levels) < 2.0**_BITS) & (np.rint(levels) == levels)
        forms[:, -1] -= np.where(whole, levels, 0.0).astype(np.int64)
        if self.long_sides.any():
            side = np.flatnonzero(names.stage < 0)
            whole[side] = ~self.long_sides[names.first[side]]
        return whole, forms


class ShortNetwork:
    """A network on a slice, as far as its numbers are short."""

    def __init__(self, network: Network, domain: Domain) -> None:
        self._network, self._columns = network, network.unit_columns
        self._frames, self._leading = domain.frames, domain.leading
        rows = np.concatenate(self._frames)
        steep = float(norms(self._frames[:, 1:], axis=(1, 2)).max(initial=0.0)) * _UP
        first = Grain(bits_of(rows), np.abs(rows).max(axis=0), steep, steep)
        self._grains: dict[int, Grain] = {0: first} if first.fits else {}
        self._constants: dict[int, tuple[Floats, Floats]] = {}
        for i, node in enumerate(network.nodes[1:], start=1):
            if not all(j in self._grains for j in node.inputs):
                continue
            grain = self._grain(i, node)
            if grain is not None and grain.fits:
                self._grains[i] = grain

    def reaches(self, stage: int) -> bool:
        """Whether all functions up to those that a stage reads are short."""
        return stage < len(self._network.nonlinear) and all(
            i in self._grains for i in range(self._network.read_by(stage) + 1)
        )

    def read(self, patterns: NDArray[np.int64], stage: int) -> list[ShortRows]:
        """What the stages up to the given one, which must be reached, read on regions with these patterns."""
        which = patterns[:, 0] if self._leading else np.zeros(len(patterns), np.int64)
        patterns, count = patterns[:, self._leading :], self._frames.shape[1]
        rows = self._frames[which].reshape(-1, self._frames.shape[2])
        point = np.tile(np.arange(count) == 0, len(patterns)).astype(np.float64)[:, None]
        pieces = np.repeat(patterns, count, axis=0)
        live, arguments = {0: rows}, []
        for i, node in enumerate(self._network.nodes[1:], start=1):
            inputs = [live[j] for j in node.inputs]
            if node.is_nonlinear:
                read = node.inputs[0]
                arguments.append(ShortRows(inputs[0], self._grains[read].bits, count))
                if len(arguments) > stage:
                    break
                live[i] = self._on_pieces(i, node, inputs[0], pieces[:, self._columns[i]], point)
            else:
                live[i] = self._linear(i, node, inputs, point)
        return arguments

    def separation(self, stage: int, last: int, sides: float) -> Separation | None:
        """Of what a stage reads where functions of stages up to the ``last``, which must be reached, and sides meet.

        ``sides`` are at least the norms of the slopes of these, up to rounding, all in whole numbers. None where stages
        cut by others than whole numbers.
        """
        walls = max([sides * _UP, *(self._slopes(k) for k in range(last + 1))])
        if math.isinf(walls):
            return None
        columns = self._slopes(stage) if self.reaches(stage) else math.inf
        return Separation(0.0 if math.isinf(columns) else 2.0 ** -self._argument(stage).bits, walls, columns)

    def _argument(self, stage: int) -> Grain:
        """Of what a stage reads."""
        return self._grains[self._network.read_by(stage)]

    def _slopes(self, stage: int) -> float:
        """A bound on the norms of the slopes of what a stage cuts by, in whole numbers; infinite where by others."""
        grain, node = self._argument(stage), self._network.nodes[self._network.nonlinear[stage]]
        if isinstance(node.op, Piecewise) and bits_of(node.op.breakpoints) > grain.bits:
            return math.inf
        terms = 2 if isinstance(node.op, Max) else 1
        largest = math.sqrt(self._frames.shape[1] - 1) * float(grain.peak.max(initial=0.0))
        return terms * min(largest, grain.steepest) * 2.0**grain.bits * _UP

    # ---- operators -------------------------------------------------------------------------------------------------
    def _linear(self, i: int, node: Node, inputs: list[Floats], point: Floats) -> Floats:
        match op := node.op:
            case Dense():
                weight, bias = self._constants[i]
                lead = inputs[0].shape[1] // weight.shape[1]
                outputs = inputs[0].reshape(len(point), lead, -1) @ weight.T + point[:, None] * bias
                return np.asarray(outputs.reshape(len(point), -1))
            case Scale():
                factor, shift = self._constants[i]
                return inputs[0] * factor + point * shift
            case Sum():
                return np.asarray(sum(c * x for c, x in zip(op.coefficients, inputs, strict=True)))
        assert isinstance(op, Gather), op
        return _gathered(op, inputs)

    def _on_pieces(self, i: int, node: Node, x: Floats, pieces: NDArray[np.int64], point: Floats) -> Floats:
        if isinstance(node.op, Max):
            arguments = x.reshape(len(x), node.size, -1)
            return np.asarray(np.take_along_axis(arguments, pieces[:, :, None], axis=2)[:, :, 0])
        slopes, intercepts = self._constants[i]
        units = np.arange(node.size)
        rows = x * slopes[pieces, units]
        return rows + point * intercepts[pieces, units] if intercepts.any() else rows

    # ---- what is known before ---------------------------------------------------------------------------------------
    def _grain(self, i: int, node: Node) -> Grain | None:
        """The grain of a node's output; None where it is none, or not known."""
        grains = [self._grains[j] for j in node.inputs]
        match op := node.op:
            case Dense():
                return self._affine(i, node, grains[0], (op.weight, op.bias), _products)
            case Scale():
                maps = [np.broadcast_to(part, node.shape).ravel() for part in (op.factor, op.shift)]
                return self._affine(i, node, grains[0], maps, lambda peak, factor: peak * factor)
            case Sum():
                return _sum(op, grains)
            case Gather():
                bits = max(grain.bits for grain in grains)
                copies = float(np.bincount(op.index.ravel() + 1)[1:].max(initial=0)) ** 0.5
                norm = math.hypot(*(grain.spectral for grain in grains)) * copies * _UP
                steepest = max(grain.steepest for grain in grains)
                return Grain(bits, _gathered(op, [grain.peak[None] for grain in grains])[0], norm, steepest)
            case Max():
                x = grains[0]
                return Grain(x.bits, x.peak.reshape(node.size, -1).max(axis=1), x.spectral, x.steepest)
            case Piecewise():
                maps = [op.slopes, op.intercepts]
                return self._affine(i, node, grains[0], maps, lambda peak, slopes: peak * slopes.max(axis=0))
        return None

    def _affine(
        self, i: int, node: Node, x: Grain, maps: Sequence[NDArray[Any]], sizes: Callable[[Floats, Floats], Floats]
    ) -> Grain | None:
        """The grain of factors times entries plus shifts, the ``maps``; keeps these. ``sizes`` bounds the products."""
        known = _known.setdefault(node.op, {})
        if node.shape not in known:
            known[node.shape] = Affine.of(maps, node)
        affine = known[node.shape]
        if affine.factors is None or affine.shifts is None:
            return None
        self._constants[i] = affine.factors, affine.shifts
        total = sizes(x.peak, np.abs(affine.factors)).reshape(-1, len(affine.shift)) + affine.shift
        norm, steep = affine.norms
        steepest = (x.spectral if isinstance(node.op, Dense) else x.steepest) * steep
        return Grain(max(x.bits + affine.bits[0], affine.bits[1]), total.ravel(), x.spectral * norm, steepest)


@dataclass(frozen=True, eq=False)
class Affine:
    """Factors and shifts in float64, or None; the bits of each, and bounds on the shifts of each unit."""

    factors: Floats | None
    shifts: Floats | None
    bits: tuple[int, int] = (0, 0)
    shift: Floats = field(default_factory=lambda: np.zeros(0))
    norms: tuple[float, float] = (math.inf, math.inf)
    """Bounds on the spectral norm of the factors, and on those of their rows, or on each factor."""

    @classmethod
    def of(cls, maps: Sequence[NDArray[Any]], node: Node) -> Affine:
        """From factors and shifts, of a ``Piecewise`` by piece."""
        factors, shifts = (_as_floats(part) for part in maps)
        if factors is None or shifts is None:
            return cls(None, None)
        if isinstance(node.op, Piecewise):
            factors, shifts = table(factors, node), table(shifts, node)
        largest = np.abs(shifts).max(axis=0) if shifts.ndim > 1 else np.abs(shifts)
        if isinstance(node.op, Dense):
            steepest = float(norms(factors).max(initial=0.0)) * _UP
            bounds = spectral_bound(factors, 3), steepest
        else:
            bounds = (float(np.abs(factors).max(initial=0.0)),) * 2
        return cls(factors, shifts, (bits_of(factors), bits_of(shifts)), largest, bounds)


_known: WeakKeyDictionary[Op, dict[Shape, Affine]] = WeakKeyDictionary()
"""What is worked out for an operator serves all partitions."""


def _products(peak: Floats, weight: Floats) -> Floats:
    return np.asarray(peak.reshape(-1, weight.shape[1]) @ weight.T)


def _sum(op: Sum, grains: list[Grain]) -> Grain:
    coefficients = np.array(op.coefficients, np.float64)
    bits = max(grain.bits + bits_of(coefficients[[k]]) for k, grain in enumerate(grains))
    sizes = np.abs(coefficients)
    peak = np.asarray(sum(c * grain.peak for c, grain in zip(sizes, grains, strict=True)))
    bounds = (float(sizes @ [getattr(grain, name) for grain in grains]) * _UP for name in ("spectral", "steepest"))
    return Grain(bits, peak, *bounds)


def _gathered(op: Gather, inputs: list[Floats]) -> Floats:
    zero = np.zeros((len(inputs[0]), 1))  # the last entry, index -1
    return np.asarray(np.concatenate([*inputs, zero], axis=1)[:, op.index.ravel()])


def _as_floats(values: NDArray[Any]) -> Floats | None:
    """Numbers in float64, if it holds each of them."""
    floats = np.array(values, np.float64)  # what is known of it stays true
    if values.dtype == object and not np.array_equal(floats.astype(object), values):
        return None
    return floats if bool(np.isfinite(floats).all()) else None


def bits_of(values: Floats) -> int:
    """The least k for which all values are multiples of 2^-k; -2000 where all are zero."""
    mantissa, exponent = np.frexp(values[values != 0])
    if not len(mantissa):
        return -2000
    whole = np.abs(mantissa * 2.0**_BITS).astype(np.int64)
    trailing = np.log2((whole & -whole).astype(np.float64)).astype(np.int64)
    return int((_BITS - exponent - trailing).max())


def may_be_short(network: Network, domain: Domain) -> bool:
    """Whether it is worth looking: of kinds of operators that are known here, with weights of few digits."""
    if not all(isinstance(node.op, _KNOWN) for node in network.nodes):
        return False
    ops = [node.op for node in network.nodes if isinstance(node.op, Dense)]
    return all(_has_few_digits(op) for op in ops) and _few_digits(domain.frames)


_digits: WeakKeyDictionary[Op, bool] = WeakKeyDictionary()
"""Of matrices and biases whether their weights have few digits."""


def _has_few_digits(op: Dense) -> bool:
    if op not in _digits:
        _digits[op] = all(map(_few_digits, (op.weight, op.bias)))
    return _digits[op]


def _few_digits(values: NDArray[Any]) -> bool:
    numbers = np.ravel(values)
    return _length(numbers[:_FEW]) <= _SHORT and _length(numbers) <= _SHORT


def _length(values: Floats) -> int:
    """The digits of the longest of some numbers on one grid."""
    return bits_of(values) + int(np.frexp(np.abs(values).max(initial=0.0))[1])
