"""Networks whose numbers are short: float64 computes their functions on regions without any rounding.

Weights that are multiples of a power of two, and not many of it, as those of quantised networks, give entries that are
multiples of one too. As long as these, and all sums on the way to them, are less than 2^53 multiples, float64 holds
each exactly, in whatever order a product sums (proofs/, Lemma 14).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...domain import Domain
from ...network import Dense, Gather, Input, Max, Network, Node, Piecewise, Scale, Sum, table
from .field import Row
from .integers import Integer

Floats = NDArray[np.float64]

_BITS = 53
"""Of a float64 number."""

_FARTHEST = 500
"""Multiples of 2^-500 to 2^500 only: far from what float64 cannot hold."""

_SHORT = 26
"""Digits of a weight behind the point, beyond which products of three will hardly be short."""

_FEW = 64
"""Entries of an array that are looked at first."""

_KNOWN = Input, Dense, Scale, Sum, Gather, Max, Piecewise


@dataclass(frozen=True, eq=False)
class Grain:
    """Entries of a node on all regions: multiples of 2^-``bits``, bounded by ``peak`` entry by entry, or unknown."""

    bits: int
    peak: Floats

    @property
    def fits(self) -> bool:
        """Whether float64 holds every such number, and sums of such numbers with that bound."""
        largest = float(self.peak.max(initial=0.0)) * (1 + 2.0**-20)
        return abs(self.bits) < _FARTHEST and largest < 2.0 ** min(_BITS - self.bits, 1000)


@dataclass(frozen=True, eq=False)
class ShortRows:
    """Three rows for each region, the constant and the two slopes of all entries, exactly."""

    values: Floats
    bits: int

    def entry(self, row: int, entry: int) -> Row:
        """An entry on the region whose rows begin there."""
        scale = 2.0**self.bits
        return [Integer(int(x)) for x in (self.values[row : row + 3, entry] * scale).tolist()], Integer(1) << self.bits


class ShortNetwork:
    """A network restricted to a slice, as far as its numbers are short."""

    def __init__(self, network: Network, columns: Mapping[int, slice]) -> None:
        """``columns``: of each nonlinear node the columns of a pattern that hold its units."""
        self._network, self._columns = network, columns
        self._grains: dict[int, Grain] = {0: Grain(0, np.ones(network.nodes[0].size))}
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
        rows = np.tile(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), (len(patterns), 1))
        point = np.tile([1.0, 0.0, 0.0], len(patterns))[:, None]
        pieces = np.repeat(patterns, 3, axis=0)
        live, found = {0: rows}, []
        for i, node in enumerate(self._network.nodes[1:], start=1):
            inputs = [live[j] for j in node.inputs]
            if node.is_nonlinear:
                read = node.inputs[0]
                found.append(ShortRows(inputs[0], max(self._grains[read].bits, 0)))
                if len(found) > stage:
                    break
                live[i] = self._on_pieces(i, node, inputs[0], pieces[:, self._columns[i]], point)
            else:
                live[i] = self._linear(i, node, inputs, point)
        return found

    # ---- operators -------------------------------------------------------------------------------------------------
    def _linear(self, i: int, node: Node, inputs: list[Floats], point: Floats) -> Floats:
        match op := node.op:
            case Dense():
                weight, bias = self._constants[i]
                lead = inputs[0].shape[1] // weight.shape[1]
                found = inputs[0].reshape(len(point), lead, -1) @ weight.T + point[:, None] * bias
                return np.asarray(found.reshape(len(point), -1))
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
        return np.asarray(x * slopes[pieces, units] + point * intercepts[pieces, units])

    # ---- what is known before ---------------------------------------------------------------------------------------
    def _grain(self, i: int, node: Node) -> Grain | None:
        """The grain of a node's output; None where it is none, or not known."""
        grains = [self._grains[j] for j in node.inputs]
        match op := node.op:
            case Dense():
                return self._affine(i, grains[0], op.weight, op.bias, lambda peak, w: _products(peak, w))
            case Scale():
                factor, shift = (np.broadcast_to(part, node.shape).ravel() for part in (op.factor, op.shift))
                return self._affine(i, grains[0], factor, shift, lambda peak, f: peak * f)
            case Sum():
                return _sum(op, grains)
            case Gather():
                bits = max(grain.bits for grain in grains)
                return Grain(bits, _gathered(op, [grain.peak[None] for grain in grains])[0])
            case Max():
                return Grain(grains[0].bits, grains[0].peak.reshape(node.size, -1).max(axis=1))
            case Piecewise():
                found = [_as_floats(part) for part in (op.slopes, op.intercepts)]
                if found[0] is None or found[1] is None:
                    return None
                slopes, intercepts = table(found[0], node), table(found[1], node)
                return self._affine(i, grains[0], slopes, intercepts, lambda peak, s: peak * s.max(axis=0))
        return None

    def _affine(
        self, i: int, x: Grain, factors: Any, shifts: Any, sizes: Callable[[Floats, Floats], Floats]
    ) -> Grain | None:
        """The grain of factors times entries plus shifts; keeps both. ``sizes`` bounds the former."""
        constants = [_as_floats(part) for part in (factors, shifts)]
        if constants[0] is None or constants[1] is None:
            return None
        factors, shifts = self._constants[i] = constants[0], constants[1]
        sums = sizes(x.peak, np.abs(factors))
        shift = np.abs(shifts).max(axis=0) if shifts.ndim > 1 else np.abs(shifts)
        total = sums.reshape(-1, len(shift)) + shift
        return Grain(max(x.bits + bits_of(factors), bits_of(shifts)), total.ravel())


def _products(peak: Floats, weight: Floats) -> Floats:
    return np.asarray(peak.reshape(-1, weight.shape[1]) @ weight.T)


def _sum(op: Sum, grains: list[Grain]) -> Grain:
    coefficients = np.array(op.coefficients, np.float64)
    bits = max(grain.bits + bits_of(coefficients[[k]]) for k, grain in enumerate(grains))
    peaks = [abs(c) * grain.peak for c, grain in zip(coefficients, grains, strict=True)]
    return Grain(bits, np.asarray(sum(peaks)))


def _gathered(op: Gather, inputs: list[Floats]) -> Floats:
    zero = np.zeros((len(inputs[0]), 1))  # the last entry, index -1
    return np.asarray(np.concatenate([*inputs, zero], axis=1)[:, op.index.ravel()])


def _as_floats(values: NDArray[Any]) -> Floats | None:
    """Numbers in float64, if it holds each of them."""
    found = np.asarray(values, np.float64)
    if values.dtype == object and not np.array_equal(found.astype(object), values):
        return None
    return found if bool(np.isfinite(found).all()) else None


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
    arrays = [domain.origin, domain.basis]
    arrays += [part for node in network.nodes if isinstance(node.op, Dense) for part in (node.op.weight, node.op.bias)]
    few = all(bits_of(np.ravel(part)[:_FEW]) <= _SHORT for part in arrays)
    return few and all(bits_of(np.ravel(part)) <= _SHORT for part in arrays)
