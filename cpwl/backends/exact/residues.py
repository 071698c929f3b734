"""The exact functions of a network on many regions at once: modulo primes, by matrix products in float64.

Modulo a prime a network is one of residues, and each pass costs what a float64 pass does. Denominators and sizes of the
functions are known before: so many primes are taken that integers can be told from their residues.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import isfinite, lcm, prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ...arrays.batches import batches
from ...fields.predicates import Names
from ...fields.spans import Kinds, Ranges, Read, Span, SpanFunctions, SpanRows
from ...geometry.arrangement import Form
from ...geometry.domain import Domain
from ...network.network import Network, Node, table
from ...network.operators import Conv, Dense, Divide, Gather, Max, Op, Piecewise, Scale, Sum
from ...numbers.integers import Integer, Integers, array, primitive
from ...numbers.residues import (
    Dyadic,
    Residues,
    largest_prime,
    modulo,
    modulo_of_integers,
    primes_for,
    reconstructed,
    reduced,
)
from ...runtime.budget import checkpoint

Rows = NDArray[np.int64]
Patterns = NDArray[np.int16]

_ENTRIES = 1 << 24
"""Rows times widest node that go through the network at once."""

_WINDOWS = 1 << 17
"""Entries of the windows of a convolution that are laid out at once."""

_COMBINED = 1 << 22
"""Functions that are combined at once."""

_HELD = 1 << 24
"""Coefficients of regions, modulo some primes, that are held at once."""

_UP = 1 + 2.0**-20
"""More than the rounding of a sum of 2^32 float64 numbers."""

_MANY = 2
"""Of regions that span more rows than so many times their own, each half is computed by itself."""

_BESIDE = 12
"""What a pass costs beside its rows, in halves of one: weights modulo the prime."""

_KEPT = 1 << 10
"""Units that bend, of which rows are kept: a number for each two of them and each prime."""

_DEAR = 1 << 16
"""Products of a network from which on a pass modulo primes costs less than one in integers."""


# ---- sizes -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Size:
    """What is known of the affine functions of a node on regions, whatever their pieces."""

    denominator: int
    """Constants and slopes times it are integers."""
    bound: Fraction
    """None of them is larger."""

    def times(self, exponent: int, factor: Fraction) -> Size:
        """With a factor that has so many binary digits after the point, and is at most so large."""
        return Size(self.denominator << exponent, self.bound * factor)

    def plus(self, denominator: int, bound: Fraction) -> Size:
        """With something more."""
        return Size(lcm(self.denominator, denominator), self.bound + bound)


def sizes_of(network: Network, domain: Domain) -> list[Size]:
    """Those of all nodes."""
    sizes = [Size(1 << Dyadic.of(domain.frames).shift, Fraction(float(np.abs(domain.frames).max(initial=0.0))))]
    for node in network.nodes[1:]:
        sizes.append(_size(node, [sizes[j] for j in node.inputs]))
    return sizes


def _size(node: Node, inputs: Sequence[Size]) -> Size:
    """The size of a node's output."""
    match op := node.op:
        case Dense() | Conv():
            return _mapped(inputs[0], op.weight, _largest_sum(np.abs(op.weight)), op.bias)
        case Scale():
            return _mapped(inputs[0], op.factor, Fraction(float(np.abs(op.factor).max(initial=0.0))), op.shift)
        case Divide():
            divisors = [Fraction(d) for d in np.unique(op.divisor).tolist()]
            denominator = inputs[0].denominator * lcm(*(abs(d.numerator) for d in divisors))
            return Size(denominator, inputs[0].bound / min(map(abs, divisors)))
        case Sum():
            terms = [
                x.times(Dyadic.of(np.array([c])).shift, abs(Fraction(c)))
                for c, x in zip(op.coefficients, inputs, strict=True)
            ]
            return Size(lcm(*(x.denominator for x in terms)), sum((x.bound for x in terms), Fraction(0)))
        case Gather():
            return Size(lcm(*(x.denominator for x in inputs)), max(x.bound for x in inputs))
        case Max():
            return inputs[0]
    assert isinstance(op, Piecewise), op
    steepest = Fraction(float(np.abs(op.slopes).max()))
    intercepts = set(op.intercepts.ravel().tolist())
    mapped = inputs[0].times(Dyadic.of(op.slopes).shift, steepest)
    return mapped.plus(lcm(*(x.denominator for x in intercepts)), max(map(abs, intercepts)))


def _largest_sum(sizes: NDArray[np.float64]) -> Fraction:
    """No less than the sum of each row of a table."""
    with np.errstate(over="ignore"):
        largest = float(sizes.reshape(len(sizes), -1).sum(axis=1).max(initial=0.0)) * _UP
    return Fraction(largest) if isfinite(largest) else Fraction(float(sizes.max())) * prod(sizes.shape[1:])


def _mapped(x: Size, factor: NDArray[np.float64], steepest: Fraction, shift: NDArray[np.float64]) -> Size:
    """Of factors and a shift."""
    moved = Fraction(float(np.abs(shift).max(initial=0.0)))
    return x.times(Dyadic.of(factor).shift, steepest).plus(1 << Dyadic.of(shift).shift, moved)


# ---- functions -------------------------------------------------------------------------------------------------------
class ResidueFunctions:
    """The exact functions of a network on regions of one slice, given by their patterns.

    Rows of a few regions are made for these alone. Once so many have gone through the network, those of all regions
    that may be asked about are, if their ``ranges`` are known, and kept: what comes then costs no pass at all.
    """

    def __init__(self, network: Network, domain: Domain, ranges: Callable[[], Ranges] | None = None) -> None:
        self._network, self._domain, self._ranges = network, domain, ranges
        terms = [prod(node.op.weight.shape[1:]) for node in network.nodes if isinstance(node.op, (Dense, Conv))]
        self._terms = max([domain.dim, *terms])
        self._own = domain.dim + 1
        self._spent = 0

    @staticmethod
    def serves(network: Network, domain: Domain) -> bool:
        """Whether integers would cost more."""
        return not domain.leading and network.products >= _DEAR

    def forms(self, patterns: Patterns, place: Rows, names: Names) -> list[Form]:
        """The functions names[i] on regions with patterns[place[i]], each up to a positive factor."""
        rows, _ = self._functions(patterns, place, names)
        return [primitive([*row[1:], row[0]]) for row in rows.tolist()]

    def maps(self, patterns: Patterns) -> tuple[NDArray[Any], NDArray[Any]]:
        """The network's output A u + b on regions with these patterns: A (n, m, D) and b (n, m), Fractions."""
        count, stage = self._network.outputs, len(self._network.nonlinear)
        place = np.repeat(np.arange(len(patterns)), count)
        names = Names.levels(stage, np.tile(np.arange(count), len(patterns)), np.zeros(len(place)))
        rows, (denominator,) = self._functions(patterns, place, names)
        flat = [Fraction(int(x), denominator) for x in rows.ravel().tolist()]
        maps = array(flat, (len(patterns), count, self._own))
        return maps[:, :, 1:], maps[:, :, 0]

    def _functions(self, patterns: Patterns, place: Rows, names: Names) -> tuple[Integers, list[int]]:
        """The functions as integers (n, D + 1), constants first, and by stages (increasing) by how much too large."""
        stages, which = np.unique(names.stage, return_inverse=True)
        denominators, bound = [], Fraction(1)
        for stage in stages.tolist():
            size, levels = self._sizes[self._network.read_by(stage)], names.level[names.stage == stage]
            denominators.append(lcm(size.denominator, 1 << Dyadic.of(levels).shift))
            bound = max(bound, (2 * size.bound + Fraction(float(np.abs(levels).max()))) * denominators[-1])
        result = array([Integer(0)] * (len(place) * self._own), (len(place), self._own))
        for regions, source in self._sources(patterns, names):
            where = np.full(len(patterns), -1)
            where[regions] = np.arange(len(regions))
            some = np.flatnonzero(where[place] >= 0)
            if len(some):
                kinds = source.span.kinds(patterns[regions])
                primes = source.primes(bound)
                values = source.functions(primes, kinds, where[place[some]], names.take(some))
                factors = [modulo_of_integers(denominators, p)[which[some], None] for p in primes]
                parts = [reduced(x * factor, p) for x, factor, p in zip(values, factors, primes, strict=True)]
                result[some] = reconstructed(parts, primes)
        return result, denominators

    def _sources(self, patterns: Patterns, names: Names) -> Iterator[tuple[Rows, _Source]]:
        """Rows that span the functions on some of the regions, until there are none left."""
        whole, rest = self._whole, np.arange(len(patterns))
        stop = int(names.stage.max(initial=0))
        pending = [rest]
        while pending:
            some = pending.pop()
            span = Span.of(self._network, patterns[some], stop)
            source = self._source(span, span.columns(names))
            if whole is not None and self._pays(whole, source) and whole.holds(patterns[some], source.columns):
                yield some, whole
            elif len(some) > 1 and source.rows > _MANY * self._own * len(some):
                pending += np.array_split(some, 2)
            else:
                self._spent += source.cost
                yield some, source

    def _pays(self, whole: _Source, source: _Source) -> bool:
        """Whether the rows of all regions have been made, or cost no more than those that were and are asked for."""
        return bool(whole.reads) or self._spent + source.cost >= whole.cost

    def _source(self, span: Span, columns: Sequence[Rows]) -> _Source:
        top = largest_prime(max(self._terms, span.bending))
        return _Source(
            self._network, self._domain, span, columns, top, lcm(*(size.denominator for size in self._sizes))
        )

    @cached_property
    def _whole(self) -> _Source | None:
        """The rows of all regions that may be asked about; None where they would be too many to be kept."""
        if self._ranges is None:
            return None
        span = Span.between(self._network, self._ranges())
        if not span.bending <= _KEPT:
            return None
        outputs, last = np.arange(self._network.outputs), len(self._network.nonlinear)
        return self._source(span, span.columns(Names.levels(last, outputs, np.zeros(len(outputs)))))

    @cached_property
    def _sizes(self) -> list[Size]:
        return sizes_of(self._network, self._domain)


@dataclass(frozen=True, eq=False)
class _Source:
    """Rows that span the functions on some regions, modulo one prime after the other."""

    network: Network
    domain: Domain
    span: Span
    columns: Sequence[Rows]
    top: int
    """Primes are below it."""
    divisors: int
    """What they do not divide."""
    reads: dict[int, Read[Residues]] = field(default_factory=dict)
    """What has been read, by prime."""

    @property
    def rows(self) -> int:
        """How many go through the network."""
        return self.domain.dim + 1 + self.span.bending

    @property
    def cost(self) -> int:
        """What these cost, in halves of a row: one that begins at a unit goes half the way, on average."""
        return 2 * (self.domain.dim + 1) + self.span.bending + _BESIDE

    def holds(self, patterns: Patterns, columns: Sequence[Rows]) -> bool:
        """Whether entries on regions with these patterns are combinations of what is read."""
        known = self.columns
        pairs = zip(known, columns, strict=False)
        inside = len(columns) <= len(known) and all(np.isin(some, all_).all() for all_, some in pairs)
        return inside and self.span.holds(patterns)

    def primes(self, bound: Fraction) -> list[int]:
        """Those that tell integers up to a bound apart."""
        return primes_for(bound, self.top, self.divisors)

    def functions(self, primes: Sequence[int], kinds: Kinds, place: Rows, names: Names) -> Residues:
        """The functions names[i] on regions place[i] modulo some of the primes, (primes, n, D + 1)."""
        dim = self.domain.dim
        held = kinds.count * (dim + 1) * (dim + 1 + self.span.bending)
        parts = []
        for some in batches(len(primes), held, _HELD):
            reads = [self._read(p) for p in primes[some]]
            stages = [np.stack(tables) for tables in zip(*(read.rows for read in reads), strict=True)]
            combined = _Combined(primes[some], dim)
            parts.append(combined.functions(self.span, Read(self.columns, stages), kinds, place, names))
        return np.concatenate(parts)

    def _read(self, p: int) -> Read[Residues]:
        checkpoint()
        if p not in self.reads:
            self.reads[p] = ModuloRows(self.network, self.domain, p).read(self.span, self.columns)
        return self.reads[p]


# ---- modulo a prime --------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class ResidueRows:
    """Rows of residues."""

    values: Residues
    weights: NDArray[np.float64]
    """1 for points, 0 for tangents, (rows,)."""


_DYADIC: WeakKeyDictionary[Op, tuple[Dyadic, Dyadic]] = WeakKeyDictionary()


def _parts(op: Dense | Conv | Scale) -> tuple[Dyadic, Dyadic]:
    """The factors and the shift of an operator; kept with it."""
    if op not in _DYADIC:
        numbers = (op.factor, op.shift) if isinstance(op, Scale) else (op.weight, op.bias)
        _DYADIC[op] = Dyadic.of(numbers[0]), Dyadic.of(numbers[1])
    return _DYADIC[op]


class ModuloRows(SpanRows[ResidueRows, Residues]):
    """Rows modulo a prime."""

    together = True

    def __init__(self, network: Network, domain: Domain, p: int) -> None:
        super().__init__(network, domain)
        self._p = p
        self.most = max(1, _ENTRIES // max(node.size for node in network.nodes))

    def slice(self) -> ResidueRows:
        (frame,) = self._domain.frames
        return ResidueRows(Dyadic.of(frame).modulo(self._p), np.eye(1, len(frame))[0])

    def begun(self, size: int, units: Rows) -> ResidueRows:
        values = np.zeros((len(units), size))
        values[np.arange(len(units)), units] = 1.0
        return ResidueRows(values, np.zeros(len(units)))

    def zeros(self, count: int, size: int) -> ResidueRows:
        # Of a linear node: constants come with the row of the slice's origin, the first one, which is never left out.
        return ResidueRows(np.zeros((count, size)), np.zeros(count))

    def stacked(self, x: ResidueRows, y: ResidueRows) -> ResidueRows:
        return ResidueRows(np.concatenate([x.values, y.values]), np.concatenate([x.weights, y.weights]))

    def size(self, x: ResidueRows) -> int:
        return int(x.values.shape[1])

    def picked(self, x: ResidueRows | None, columns: Rows, count: int) -> Residues:
        return np.zeros((count, len(columns))) if x is None else x.values[:, columns]

    def linear(self, node: Node, inputs: Sequence[ResidueRows]) -> ResidueRows:
        p, x = self._p, inputs[0]
        match op := node.op:
            case Dense():
                weight, bias = (part.modulo(p) for part in _parts(op))
                rows = x.values.reshape(-1, weight.shape[1]) @ weight.T
                values = rows.reshape(len(x.values), -1, len(bias)) + x.weights[:, None, None] * bias
            case Conv():
                values = self._convolved(op, x)
            case Scale():
                factor, shift = (np.broadcast_to(part.modulo(p), node.shape).ravel() for part in _parts(op))
                values = x.values * factor + x.weights[:, None] * shift
            case Divide():
                inverse = modulo(np.vectorize(lambda d: 1 / Fraction(d), otypes=[object])(op.divisor), p)
                values = x.values * np.broadcast_to(inverse, node.shape).ravel()
            case Sum():
                factors = Dyadic.of(np.array(op.coefficients)).modulo(p).tolist()
                terms = [reduced(y.values * f, p) for f, y in zip(factors, inputs, strict=True)]
                values = np.asarray(sum(terms))
            case Gather():
                entries = np.concatenate([*(y.values for y in inputs), np.zeros((len(x.values), 1))], axis=1)
                return ResidueRows(entries[:, op.index.ravel()], x.weights)  # index -1 is the zero that was just added
            case _:
                raise TypeError(f"{type(op).__name__} is not a linear operator")
        return ResidueRows(reduced(values.reshape(len(x.values), -1), p), x.weights)

    def _convolved(self, op: Conv, x: ResidueRows) -> Residues:
        """The sums of products of a convolution, (rows, ...)."""
        weight, bias = (part.modulo(self._p) for part in _parts(op))
        images = x.values.reshape(-1, op.channels, *op.spatial)
        kernels = weight.reshape(op.groups, len(bias) // op.groups, -1)
        result = np.empty((len(images), op.groups, len(bias) // op.groups, prod(op.output_spatial)))
        entries = op.channels * prod(op.weight.shape[2:]) * prod(op.output_spatial)
        for some in batches(len(images), entries, _WINDOWS):
            np.matmul(kernels, _windows(op, images[some]), out=result[some])
        lead = len(images) // len(x.values)
        shifts = np.repeat(x.weights, lead)[:, None] * bias
        return (result.reshape(len(images), len(bias), -1) + shifts[:, :, None]).reshape(len(x.values), -1)

    def on_pieces(self, node: Node, x: ResidueRows, pieces: Rows) -> ResidueRows:
        p, unit = self._p, np.arange(node.size)
        if isinstance(node.op, Max):
            width = x.values.shape[1] // node.size
            return ResidueRows(x.values[:, unit * width + pieces], x.weights)
        assert isinstance(node.op, Piecewise), node.op
        slopes = table(Dyadic.of(node.op.slopes).modulo(p), node)[pieces, unit]
        values = reduced(x.values * slopes, p)
        if node.op.intercepts.any():
            intercepts = table(modulo(node.op.intercepts, p), node)[pieces, unit]
            values = reduced(values + x.weights[:, None] * intercepts, p)
        return ResidueRows(values, x.weights)

    def joined(self, tables: Sequence[Residues]) -> Residues:
        return np.concatenate(tables)


class _Combined(SpanFunctions[Residues]):
    """Functions modulo several primes at once: the first axis of all arrays."""

    def __init__(self, primes: Sequence[int], dim: int) -> None:
        """``dim``: of the slice."""
        self._primes, self._own = primes, dim + 1

    def _reduced(self, values: Residues) -> Residues:
        return reduced(values, np.reshape(np.array(self._primes, np.float64), (-1, *(1,) * (values.ndim - 1))))

    def _each(self, modulo: Callable[[int], Residues]) -> Residues:
        return np.stack([modulo(p) for p in self._primes])

    def constants(self, values: NDArray[Any]) -> Residues:
        distinct, place = np.unique(values, return_inverse=True)
        return self._each(lambda p: modulo(distinct, p))[:, place.reshape(values.shape)]

    def taken(self, values: Residues, row: Rows, column: Rows) -> Residues:
        return values[:, row, column]

    def frame(self, count: int) -> Residues:
        return np.zeros((len(self._primes), count, self._own, 0))

    def extended(self, coefficients: Residues, more: Residues) -> Residues:
        return np.concatenate([coefficients, more], axis=3)

    def combined(self, coefficients: Residues, rows: Residues, columns: Rows) -> Residues:
        own, more = np.split(rows[:, :, columns], [self._own], axis=1)
        primes, kinds, _, rank = coefficients.shape
        sums = coefficients.reshape(primes, kinds * self._own, rank) @ more
        return self._reduced(sums.reshape(primes, kinds, self._own, -1) + own[:, None])

    def entries(self, coefficients: Residues, rows: Residues, kind: Rows, column: Rows) -> Residues:
        result = np.empty((len(self._primes), len(kind), self._own))
        columns, place = np.unique(column, return_inverse=True)
        step = max(1, _COMBINED // max(len(self._primes) * len(columns) * self._own, 1))
        order = np.argsort(kind, kind="stable")
        for start in range(0, coefficients.shape[1], step):
            first, last = np.searchsorted(kind[order], [start, start + step])
            some = order[first:last]
            if len(some):
                values = self.combined(coefficients[:, start : start + step], rows, columns)
                result[:, some] = np.moveaxis(values[:, kind[some] - start, :, place[some]], 0, 1)
        return result

    def hinges(self, arguments: Residues, slopes: Residues, intercepts: Residues) -> Residues:
        result = self._reduced(arguments * slopes[:, :, None])
        result[:, :, 0] += intercepts
        return self._reduced(result)

    def differences(self, values: Residues, columns: Rows, base: Rows) -> Residues:
        chosen = np.take_along_axis(values, columns[None, :, None, :], axis=3)
        return self._reduced(chosen - values[..., base])

    def empty(self, count: int) -> Residues:
        return np.empty((len(self._primes), count, self._own))

    def put(
        self,
        result: Residues,
        index: Rows,
        values: Residues,
        others: Rows,
        less: Residues,
        level: NDArray[np.float64],
    ) -> None:
        values[:, others] -= less
        distinct, place = np.unique(level, return_inverse=True)
        values[:, :, 0] -= self._each(Dyadic.of(distinct).modulo)[:, place]
        result[:, index] = self._reduced(values)


def _windows(op: Conv, images: Residues) -> Residues:
    """What the kernel reads at each place of the result, (rows, groups, channels * taps, places)."""
    axes = list(zip(op.spatial, op.padding, op.stride, op.dilation, op.output_spatial, strict=True))
    padded = np.zeros((*images.shape[:2], *(n + sum(pad) for n, pad, *_ in axes)))
    padded[_inner([slice(pad[0], pad[0] + n) for n, pad, *_ in axes])] = images
    kernel = op.weight.shape[2:]
    windows = np.empty((*images.shape[:2], prod(kernel), *op.output_spatial))
    for tap, places in enumerate(product(*map(range, kernel))):
        steps = zip(places, axes, strict=True)
        read = [slice(d * k, d * k + s * (out - 1) + 1, s) for k, (_, _, s, d, out) in steps]
        windows[:, :, tap] = padded[_inner(read)]
    return windows.reshape(len(images), op.groups, -1, prod(op.output_spatial))


def _inner(places: list[slice]) -> tuple[slice, ...]:
    """The index of some places of all channels of all images."""
    return slice(None), slice(None), *places
